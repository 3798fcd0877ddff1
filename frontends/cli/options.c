/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options to configuration; see options.h. The options themselves are in options_*.c. */
#include "frontends/cli/options.h"

#include "base/error.h"

#include <string.h>

#include "base/bits.h"
#include "base/suggest.h"
#include "frontends/cli/option.h"
#include "machine/device_kind.h"
#include "machine/network.h"
#include "machine/sound.h"

static bool opt_help(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->help = true;
    return true;
}

static bool opt_version(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->version = true;
    return true;
}

static const struct option general[] = {
    {"version", NULL, "print the version", opt_version},
    {"help", NULL, "print this", opt_help},
    {"h", NULL, NULL, opt_help},
};
static const struct option_group options_general = {general, ARRAY_SIZE(general)};

/* In the order of the usage. */
static const struct option_group *const groups[] = {
    &options_machine, &options_board,  &options_boot,    &options_drive,
    &options_io,      &options_net,    &options_sound,   &options_chardev,
    &options_device,  &options_debug,  &options_lint,    &options_gdb,
    &options_monitor, &options_icount, &options_library, &options_general,
};
#define MAX_OPTIONS 256 /* whose names are suggested */

static void describe(GString *s, const struct option *op)
{
    char *head =
        g_strdup_printf("-%s%s%s", op->name, op->value ? " " : "", op->value ? op->value : "");

    if (op->what && strlen(head) > 26)
        g_string_append_printf(s, "  %s\n  %-26s %s\n", head, "", op->what);
    else if (op->what)
        g_string_append_printf(s, "  %-26s %s\n", head, op->what);
    g_free(head);
}

const char *options_usage(void)
{
    static char *text;

    if (!text) {
        /* the first line is what scripts know: the words, then three numbers */
        GString *s = g_string_new("QEMU emulator version " OPTIONS_QEMU_VERSION
                                  " (Penumbra, which accepts QEMU's options)\n"
                                  "usage: penumbra [options]\n");

        for (unsigned k = 0; k < ARRAY_SIZE(groups); k++) {
            for (unsigned n = 0; n < groups[k]->n; n++)
                describe(s, &groups[k]->option[n]);
        }
        text = g_string_free(s, FALSE);
    }
    return text;
}

static const struct option *find_option(const char *arg, GError **err)
{
    const char *names[MAX_OPTIONS], *name = arg + 1, *near;
    unsigned n_names = 0;

    if (arg[0] != '-' || !arg[1]) {
        error_option(err, "'%s' is not an option (disks are given with -drive or -hda)", arg);
        return NULL;
    }
    if (*name == '-')
        name++;
    for (unsigned k = 0; k < ARRAY_SIZE(groups); k++) {
        for (unsigned n = 0; n < groups[k]->n; n++) {
            const struct option *op = &groups[k]->option[n];

            if (!strcmp(name, op->name))
                return op;
            if (n_names < MAX_OPTIONS)
                names[n_names++] = op->name;
        }
    }
    near = suggest(name, names, n_names);
    if (near)
        error_option(err, "unknown option '%s'; did you mean '-%s'?", arg, near);
    else
        error_option(err, "unknown option '%s' (-help lists them)", arg);
    return NULL;
}

static bool is_set(const char *variable)
{
    const char *value = g_getenv(variable);

    return value && *value;
}

/* Is the whole of an option's value, as the usage has it, in brackets? */
static bool may_lack(const char *value)
{
    unsigned depth = 0;

    for (const char *c = value; *c; c++) {
        depth -= *c == ']';
        if (!depth && *c != '[' && *c != ']')
            return false;
        depth += *c == '[';
    }
    return true;
}

/* What follows from all options together. */
static bool finish(struct options *o, GError **err)
{
    if ((o->machine.initrd || o->machine.append) && !o->machine.kernel)
        return error_option(err, "-initrd and -append need -kernel");
    if (o->machine.kernel && o->machine.bios)
        return error_option(err, "-kernel starts without firmware: -bios makes no sense with it");
    if (o->nographic) {
        if (!o->serial[0])
            o->serial[0] = "mon:stdio"; /* Ctrl-A c: the monitor */
        if (!o->display_given)
            o->display = DISPLAY_NONE;
    } else if (!o->display_given) {
        o->display = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") ? DISPLAY_SDL : DISPLAY_NONE;
    }
    if (!o->serial[0])
        o->serial[0] = o->nodefaults ? "none" : "null";
    if (o->nodefaults && !o->vga_given)
        o->machine.no_vga = true;
    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++)
        o->machine.drive[n].snapshot |= o->snapshot;
    return options_net_default(o, err) && options_sound_default(o, err);
}

static void free_netdev(void *c)
{
    netdev_config_free(c);
}

static void free_netdump(void *c)
{
    netdump_config_free(c);
}

static void free_audiodev(void *c)
{
    audiodev_config_free(c);
}

static void free_device(void *c)
{
    device_config_free(c);
}

bool options_known(const char *name)
{
    for (unsigned k = 0; k < ARRAY_SIZE(groups); k++) {
        for (unsigned n = 0; n < groups[k]->n; n++) {
            if (!strcmp(name, groups[k]->option[n].name))
                return true;
        }
    }
    return false;
}

bool options_take(struct options *o, int n, char **word, int *at, GError **err)
{
    for (int k = 0; k < n; k++) {
        const struct option *op = find_option(word[k], err);
        const char *value = NULL;

        *at = k;
        if (!op)
            return false;
        if (op->value && !(may_lack(op->value) && (k + 1 == n || word[k + 1][0] == '-'))) {
            if (k + 1 == n)
                return error_option(err, "-%s needs a value: %s", op->name, op->value);
            value = word[++k];
        }
        if (!op->fn(o, value, err))
            return false;
    }
    return true;
}

bool options_parse(struct options *o, int argc, char **argv, GError **err)
{
    int at;

    *o = (struct options){.owned = g_ptr_array_new_with_free_func(g_free),
                          .warnings = g_ptr_array_new_with_free_func(g_free),
                          .devices = g_ptr_array_new_with_free_func(free_device),
                          .netdevs = g_ptr_array_new_with_free_func(free_netdev),
                          .netdumps = g_ptr_array_new_with_free_func(free_netdump),
                          .audiodevs = g_ptr_array_new_with_free_func(free_audiodev)};
    o->machine = (struct machine_config){.name = "Penumbra",
                                         .ram_size = UINT64_C(256) << 20,
                                         .cpu_model = "max",
                                         .cpus = 1,
                                         .accel = "interp",
                                         .mmu = "shadow"};
    return (argc < 1 || options_take(o, argc - 1, argv + 1, &at, err)) && finish(o, err);
}

void options_free(struct options *o)
{
    if (o->owned)
        g_ptr_array_free(o->owned, TRUE);
    if (o->warnings)
        g_ptr_array_free(o->warnings, TRUE);
    if (o->devices)
        g_ptr_array_free(o->devices, TRUE);
    if (o->netdevs)
        g_ptr_array_free(o->netdevs, TRUE);
    if (o->netdumps)
        g_ptr_array_free(o->netdumps, TRUE);
    if (o->audiodevs)
        g_ptr_array_free(o->audiodevs, TRUE);
    o->owned = o->warnings = o->devices = o->netdevs = o->netdumps = o->audiodevs = NULL;
}
