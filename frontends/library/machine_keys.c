/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a machine's file, and what their values may be; see machine_file.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "frontends/keyboard_layout.h"
#include "frontends/library/machine_file.h"
#include "machine/machine.h"
#include "machine/network.h"

#define MIN_MEMORY (UINT64_C(1) << 20)
#define MAX_MEMORY (UINT64_C(512) << 30)

__attribute__((format(printf, 2, 3))) static bool no(char **why, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (why)
        *why = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    return false;
}

bool machine_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    unsigned shift = 20;
    const char *unit;
    char *end;
    uint64_t n;

    if (!g_ascii_isdigit(*text))
        return false;
    errno = 0;
    n = strtoull(text, &end, 10);
    unit = *end ? strchr(units, g_ascii_toupper(*end)) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
        if (g_ascii_toupper(*end) == 'B')
            end++;
    }
    if (*end || errno || n > UINT64_MAX >> shift)
        return false;
    *bytes = n << shift;
    return true;
}

char *machine_forwards(const char *list)
{
    g_auto(GStrv) words = g_strsplit_set(list, " \t", -1);
    GString *s = g_string_new(NULL);

    for (char **w = words; *w; w++) {
        g_auto(GStrv) parts = g_strsplit(*w, ",", -1);
        g_autofree char *doubled = g_strjoinv(",,", parts);

        if (**w)
            g_string_append_printf(s, ",hostfwd=%s", doubled);
    }
    return g_string_free(s, FALSE);
}

bool machine_name_check(const char *name, char **why)
{
    if (!*name)
        return no(why, "a machine needs a name");
    if (!g_utf8_validate(name, -1, NULL))
        return no(why, "the name is no UTF-8 text");
    if (strlen(name) > MACHINE_FILE_MAX_NAME)
        return no(why, "the name is longer than %d bytes", MACHINE_FILE_MAX_NAME);
    if (*name == '.' || *name == '-' || g_ascii_isspace(*name) ||
        g_ascii_isspace(name[strlen(name) - 1]))
        return no(why, "the name may not begin with '.', '-' or a blank, nor end with a blank");
    for (const char *p = name; *p; p++) {
        if (*p == '/' || *p == ',' || (unsigned char)*p < ' ' || *p == 0x7f)
            return no(why, "the name may have no '/', no ',' and no control characters");
    }
    return true;
}

static bool check_memory(const char *v, char **why)
{
    uint64_t bytes;

    if (!machine_size(v, &bytes))
        return no(why, "'%s' is not a memory size (a number, then M or G)", v);
    if (bytes < MIN_MEMORY || bytes > MAX_MEMORY)
        return no(why, "'%s' is out of range (1M to 512G)", v);
    return bytes % MIN_MEMORY == 0 || no(why, "'%s' is not a whole number of MiB", v);
}

static bool check_cpus(const char *v, char **why)
{
    uint64_t n;

    return g_ascii_string_to_unsigned(v, 10, 1, MACHINE_MAX_CPUS, &n, NULL) ||
           no(why, "'%s' is not a number of processors (1 to %d)", v, MACHINE_MAX_CPUS);
}

static bool check_boot(const char *v, char **why)
{
    return strspn(v, "acdn") == strlen(v) ||
           no(why, "'%s' is not an order of a (floppy), c (disk), d (CD) and n (network)", v);
}

static bool check_any(const char *v, char **why)
{
    (void)v;
    (void)why;
    return true;
}

static bool check_words(const char *v, char **why)
{
    GError *err = NULL;
    char **words;

    if (!*v)
        return true;
    if (!g_shell_parse_argv(v, NULL, &words, &err)) {
        no(why, "%s", err->message);
        g_error_free(err);
        return false;
    }
    g_strfreev(words);
    return true;
}

/* What a network says of each. */
static bool check_forwards(const char *v, char **why)
{
    char *words = machine_forwards(v);
    g_autofree char *text = g_strdup_printf("user%s", words);
    GError *err = NULL;
    struct netdev_config *c = netdev_config_new(text, "form", &err);

    g_free(words);
    if (!c) {
        no(why, "%s", err->message);
        g_error_free(err);
        return false;
    }
    netdev_config_free(c);
    return true;
}

static const char *const on_off[] = {"on", "off", NULL};
static const char *const networks[] = {"none", "user", NULL};
static const char *const nics[] = {"e1000", "rtl8139", "virtio-net-pci", "ne2k_pci", NULL};
static const char *const cards[] = {"none", "ac97", "hda", "sb16", NULL};
static const char *const interfaces[] = {"ide", "virtio", "ahci", NULL};
static const char *const formats[] = {"raw", "qcow2", "vmdk", "vdi", "vhdx", "vpc", NULL};

#define DISK(section)                                                                              \
    {section, "file", "", "its image; without one there is no such disk", check_any, NULL},        \
        {section, "format", "raw", "the image's format", NULL, formats},                           \
        {section, "interface", "ide", "what it hangs on", NULL, interfaces},                       \
        {section, "readonly", "off", "the guest may not write to it", NULL, on_off},               \
    {                                                                                              \
        section, "snapshot", "off", "what the guest writes is thrown away", NULL, on_off           \
    }

static const struct machine_key keys[] = {
    {"machine", "memory", "256M", "its memory, 1M to 512G", check_memory, NULL},
    {"machine", "cpus", "1", "how many processors, 1 to 32", check_cpus, NULL},
    {"machine", "cpu", "max", "the processor model, as of -cpu", check_any, NULL},
    {"machine", "accel", "interp", "the engine, as of -accel", check_any, NULL},
    {"machine", "boot", "", "what to boot from: letters of a, c, d and n, in order", check_boot,
     NULL},
    {"machine", "firmware", "", "a firmware image instead of SeaBIOS", check_any, NULL},
    DISK("disk"),
    DISK("disk2"),
    DISK("disk3"),
    {"cd", "drive", "on", "is there a CD drive", NULL, on_off},
    {"cd", "file", "", "the image in it", check_any, NULL},
    {"network", "mode", "none", "what its network is", NULL, networks},
    {"network", "model", "e1000", "the network card", NULL, nics},
    {"network", "hostfwd", "", "host's ports that lead to the guest, as of -nic, blanks between",
     check_forwards, NULL},
    {"sound", "card", "none", "the sound card", NULL, cards},
    {"display", "fullscreen", "off", "begin on the whole screen", NULL, on_off},
    {"display", "smooth", "off", "fill the window, smoothly, instead of whole factors", NULL,
     on_off},
    {"keyboard", "layout", "us", "the guest's layout, for text that is pasted", NULL,
     keyboard_layout_names},
    {"options", "more", "", "more options of the command line, quoted as in a shell", check_words,
     NULL},
};

const struct machine_key *machine_keys(unsigned *n)
{
    *n = ARRAY_SIZE(keys);
    return keys;
}

const struct machine_key *machine_key(const char *section, const char *key)
{
    for (unsigned k = 0; k < ARRAY_SIZE(keys); k++) {
        if (!strcmp(keys[k].section, section) && !strcmp(keys[k].key, key))
            return &keys[k];
    }
    return NULL;
}

bool machine_key_check(const char *section, const char *key, const char *value, char **why)
{
    const struct machine_key *k = machine_key(section, key);
    g_autofree char *all = NULL;

    if (why)
        *why = NULL;
    if (!k->choices)
        return k->check(value, why);
    if (g_strv_contains(k->choices, value))
        return true;
    all = g_strjoinv(", ", (char **)(uintptr_t)k->choices);
    return no(why, "'%s' is none of: %s", value, all);
}
