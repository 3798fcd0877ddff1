/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options to configuration; see options.h. One table: name, whether it takes a value, what it does.
 */
#include "frontends/cli/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "accel/accel.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "cpu/cpuid.h"
#include "frontends/cli/suggest.h"

#define MIN_RAM_MIB UINT64_C(1)
#define MAX_RAM_MIB (UINT64_C(512) << 10)

typedef bool option_fn(struct options *o, const char *value, GError **err);

static bool fail(GError **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool fail(GError **err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_propagate_error(err, g_error_new_valist(PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION, fmt, ap));
    va_end(ap);
    return false;
}

/* "what 'word': unknown; did you mean …?" */
static bool fail_unknown(GError **err, const char *what, const char *word, const char *const *known,
                         size_t n)
{
    const char *near = suggest(word, known, n);

    if (near)
        return fail(err, "unknown %s '%s'; did you mean '%s'?", what, word, near);
    return fail(err, "unknown %s '%s'", what, word);
}

static char *own(struct options *o, char *s)
{
    g_ptr_array_add(o->owned, s);
    return s;
}

/* ---- comma lists: "a=b,c,d=e", a doubled comma stands for one ---- */

struct pairs {
    unsigned n;
    const char *key[32], *value[32]; /* value NULL for a bare word */
};

static bool split_pairs(struct options *o, const char *list, struct pairs *p, GError **err)
{
    GString *item = g_string_new(NULL);

    p->n = 0;
    for (const char *c = list;; c++) {
        if (*c == ',' && c[1] == ',') {
            g_string_append_c(item, ',');
            c++;
            continue;
        }
        if (*c && *c != ',') {
            g_string_append_c(item, *c);
            continue;
        }
        if (item->len) {
            char *text = own(o, g_strdup(item->str)), *eq = strchr(text, '=');

            if (p->n == ARRAY_SIZE(p->key)) {
                g_string_free(item, TRUE);
                return fail(err, "too many parameters in '%s'", list);
            }
            if (eq)
                *eq = 0;
            p->key[p->n] = text;
            p->value[p->n++] = eq ? eq + 1 : NULL;
        }
        g_string_truncate(item, 0);
        if (!*c)
            break;
    }
    g_string_free(item, TRUE);
    return true;
}

static bool parse_on_off(const char *what, const char *value, bool *out, GError **err)
{
    if (!value || !strcmp(value, "on") || !strcmp(value, "yes") || !strcmp(value, "true"))
        *out = true;
    else if (!strcmp(value, "off") || !strcmp(value, "no") || !strcmp(value, "false"))
        *out = false;
    else
        return fail(err, "%s is 'on' or 'off', not '%s'", what, value);
    return true;
}

static bool parse_number(const char *what, const char *value, uint64_t max, uint64_t *out,
                         GError **err)
{
    char *end;

    errno = 0;
    *out = value && g_ascii_isdigit(*value) ? strtoull(value, &end, 0) : 0;
    if (!value || !g_ascii_isdigit(*value) || *end || errno || *out > max)
        return fail(err, "%s: '%s' is not a number from 0 to %" PRIu64, what, value ? value : "",
                    max);
    return true;
}

/* ---- the options ---- */

static bool opt_m(struct options *o, const char *value, GError **err)
{
    const char *digits = g_str_has_prefix(value, "size=") ? value + 5 : value;
    char *end;
    uint64_t n, unit = 1; /* in MiB; 0: KiB */
    char suffix;

    errno = 0;
    n = strtoull(digits, &end, 10);
    suffix = g_ascii_toupper(*end);
    if (suffix == 'K')
        unit = 0;
    else if (suffix == 'G')
        unit = 1024;
    else if (suffix == 'T')
        unit = 1024 * 1024;
    if (suffix && strchr("KMGT", suffix) && *++end == 'B')
        end++;
    if (!g_ascii_isdigit(*digits) || *end)
        return fail(err, "-m: '%s' is not a memory size (a number, then M or G)", value);
    if (!unit) {
        if (n % 1024)
            return fail(err, "-m: '%s' is not a whole number of MiB", value);
        n /= 1024;
        unit = 1;
    }
    if (errno || n > MAX_RAM_MIB || n * unit < MIN_RAM_MIB || n * unit > MAX_RAM_MIB)
        return fail(err, "-m: '%s' is out of range (1M to 512G)", value);
    o->machine.ram_size = n * unit << 20;
    return true;
}

static bool opt_smp(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"cpus"};
    struct pairs p;
    uint64_t n;

    if (!split_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        const char *count = k == 0 && !p.value[k] ? p.key[k] : p.value[k];

        if (count != p.key[k] && strcmp(p.key[k], "cpus"))
            return fail_unknown(err, "-smp parameter", p.key[k], keys, ARRAY_SIZE(keys));
        if (!parse_number("-smp", count, MACHINE_MAX_CPUS, &n, err))
            return false;
        if (!n)
            return fail(err, "-smp: a machine has at least one CPU");
        o->machine.cpus = (unsigned)n;
    }
    return p.n || fail(err, "-smp: no number of CPUs");
}

static char *cpu_help(void)
{
    unsigned n, features;
    const struct cpu_model *models = cpu_models_list(&n);
    const char *const *names = cpu_feature_names(&features);
    GString *s = g_string_new("CPU models:\n");

    for (unsigned k = 0; k < n; k++)
        g_string_append_printf(s, "  %-12s %s\n", models[k].name, models[k].what);
    g_string_append(s, "features, for MODEL,+FEATURE,-FEATURE...:\n");
    for (unsigned k = 0; k < features; k++)
        g_string_append_printf(s, "%s%s", k % 8 ? " " : k ? "\n  " : "  ", names[k]);
    g_string_append_c(s, '\n');
    return g_string_free(s, FALSE);
}

static bool opt_cpu(struct options *o, const char *value, GError **err)
{
    unsigned n;
    const struct cpu_model *models = cpu_models_list(&n);
    const char *const *features;
    const char *names[64];
    struct cpu_spec spec;
    char word[64];

    if (!strcmp(value, "help") || !strcmp(value, "?")) {
        o->help_text = own(o, cpu_help());
        return true;
    }
    switch (cpu_spec_parse(value, &spec, word, sizeof(word))) {
    case CPU_SPEC_OK: o->machine.cpu_model = value; return true;
    case CPU_SPEC_SIGN: return fail(err, "-cpu: '%s' is neither +FEATURE nor -FEATURE", word);
    case CPU_SPEC_FEATURE:
        features = cpu_feature_names(&n);
        return fail_unknown(err, "CPU feature", word, features, n);
    case CPU_SPEC_IMPOSSIBLE:
        return fail(err, "-cpu: '%s' cannot have '%s'", spec.model->name, word);
    default:
        n = MIN(n, ARRAY_SIZE(names));
        for (unsigned k = 0; k < n; k++)
            names[k] = models[k].name;
        return fail_unknown(err, "CPU model", word, names, n);
    }
}

static bool opt_accel(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"audit", "mmu"}, *const mmus[] = {"shadow", "walk"};
    struct pairs p;

    if (!strcmp(value, "help")) {
        GString *s = g_string_new("Accelerators:\n");

        for (unsigned k = 0; accel_by_index(k); k++) {
            const struct accel_ops *a = accel_by_index(k);
            char why[128];
            bool ok = a->probe(why, sizeof(why));

            g_string_append_printf(s, "  %-8s %s: %s\n", a->name, ok ? "yes" : "no", why);
        }
        o->help_text = own(o, g_string_free(s, FALSE));
        return true;
    }
    if (!split_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        if (k == 0 && !p.value[0]) {
            const char *names[8];
            size_t n = 0;

            for (; accel_by_index((unsigned)n) && n < ARRAY_SIZE(names); n++)
                names[n] = accel_by_index((unsigned)n)->name;
            if (!accel_find(p.key[0]))
                return fail_unknown(err, "accelerator", p.key[0], names, n);
            o->machine.accel = p.key[0];
        } else if (!strcmp(p.key[k], "mmu")) {
            if (!p.value[k] || (strcmp(p.value[k], "walk") && strcmp(p.value[k], "shadow")))
                return fail_unknown(err, "MMU", p.value[k] ? p.value[k] : "", mmus,
                                    ARRAY_SIZE(mmus));
            o->machine.mmu = p.value[k];
        } else if (!strcmp(p.key[k], "audit")) {
            uint64_t every;

            if (!parse_number("-accel: audit", p.value[k] ? p.value[k] : "", UINT32_MAX, &every,
                              err))
                return false;
            o->machine.audit_every = (unsigned)every;
        } else {
            return fail_unknown(err, "-accel parameter", p.key[k], keys, ARRAY_SIZE(keys));
        }
    }
    return true;
}

static bool opt_kernel(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.kernel = value;
    return true;
}

static bool opt_initrd(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.initrd = value;
    return true;
}

static bool opt_append(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.append = value;
    return true;
}

static bool opt_bios(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.bios = value;
    return true;
}

static bool opt_dir(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.firmware_dir = value;
    return true;
}

static bool opt_name(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.name = value;
    return true;
}

/* Takes a place on the IDE cables; place < 0: the first free one, for CDs from the second channel
 * on. */
static bool add_drive(struct options *o, int place, const struct machine_drive *d, GError **err)
{
    struct machine_drive *all = o->machine.drive;

    if (place < 0) {
        static const int disks[] = {0, 1, 2, 3}, cds[] = {2, 3, 1, 0};

        for (unsigned k = 0; k < MACHINE_MAX_DRIVES && place < 0; k++) {
            int n = d->cd ? cds[k] : disks[k];

            if (!all[n].present)
                place = n;
        }
        if (place < 0)
            return fail(err, "no free IDE place for '%s' (there are four)",
                        d->file ? d->file : "an empty drive");
    }
    if (all[place].present)
        return fail(err, "two drives want IDE place %d ('%s' and '%s')", place,
                    all[place].file ? all[place].file : "an empty drive",
                    d->file ? d->file : "an empty drive");
    all[place] = *d;
    all[place].present = true;
    return true;
}

static bool opt_cdrom(struct options *o, const char *value, GError **err)
{
    struct machine_drive d = {.file = value, .cd = true, .readonly = true};

    return add_drive(o, -1, &d, err);
}

static bool add_disk(struct options *o, int place, const char *value, GError **err)
{
    struct machine_drive d = {.file = value};

    return add_drive(o, place, &d, err);
}

static bool opt_hda(struct options *o, const char *value, GError **err)
{
    return add_disk(o, 0, value, err);
}

static bool opt_hdb(struct options *o, const char *value, GError **err)
{
    return add_disk(o, 1, value, err);
}

static bool opt_hdc(struct options *o, const char *value, GError **err)
{
    return add_disk(o, 2, value, err);
}

static bool opt_hdd(struct options *o, const char *value, GError **err)
{
    return add_disk(o, 3, value, err);
}

static bool opt_drive(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"file", "format", "if",       "index",   "media",
                                       "unit", "bus",    "readonly", "snapshot"};
    struct machine_drive d = {0};
    uint64_t index = 0, bus = 0, unit = 0;
    bool has_index = false, has_bus = false;
    struct pairs p;

    if (!split_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        const char *key = p.key[k], *v = p.value[k] ? p.value[k] : "";
        bool ok = true;

        if (!strcmp(key, "file"))
            d.file = v;
        else if (!strcmp(key, "format"))
            ok = !strcmp(v, "raw") || fail(err, "-drive: format '%s' is not 'raw'", v);
        else if (!strcmp(key, "if"))
            ok = !strcmp(v, "ide") || fail(err, "-drive: interface '%s' is not 'ide'", v);
        else if (!strcmp(key, "media"))
            ok = (d.cd = !strcmp(v, "cdrom")) || !strcmp(v, "disk") ||
                 fail(err, "-drive: media is 'disk' or 'cdrom', not '%s'", v);
        else if (!strcmp(key, "index"))
            ok = has_index = parse_number("-drive: index", v, 3, &index, err);
        else if (!strcmp(key, "bus"))
            ok = has_bus = parse_number("-drive: bus", v, 1, &bus, err);
        else if (!strcmp(key, "unit"))
            ok = has_bus = parse_number("-drive: unit", v, 1, &unit, err);
        else if (!strcmp(key, "readonly"))
            ok = parse_on_off("-drive: readonly", p.value[k], &d.readonly, err);
        else if (!strcmp(key, "snapshot"))
            ok = parse_on_off("-drive: snapshot", p.value[k], &d.snapshot, err);
        else
            ok = fail_unknown(err, "-drive parameter", key, keys, ARRAY_SIZE(keys));
        if (!ok)
            return false;
    }
    if ((!d.file || !*d.file) && !d.cd)
        return fail(err, "-drive: no file=");
    if (d.file && !*d.file)
        d.file = NULL;
    if (has_index && has_bus)
        return fail(err, "-drive: index= and bus=, unit= say the same twice");
    return add_drive(o, has_index ? (int)index : has_bus ? (int)(bus * 2 + unit) : -1, &d, err);
}

static bool opt_boot(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"order", "menu"};
    struct pairs p;

    if (!split_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        const char *order = !p.value[k] && k == 0 ? p.key[k] : NULL;

        if (!strcmp(p.key[k], "order"))
            order = p.value[k] ? p.value[k] : "";
        if (order) {
            if (!*order || strspn(order, "acdn") != strlen(order))
                return fail(err, "-boot: order '%s' is not made of a, c, d and n", order);
            o->machine.boot_order = order;
        } else if (!strcmp(p.key[k], "menu")) {
            if (!parse_on_off("-boot: menu", p.value[k], &o->machine.boot_menu, err))
                return false;
        } else {
            return fail_unknown(err, "-boot parameter", p.key[k], keys, ARRAY_SIZE(keys));
        }
    }
    return true;
}

static bool opt_serial(struct options *o, const char *value, GError **err)
{
    for (unsigned n = 0; n < MACHINE_MAX_SERIAL; n++) {
        if (!o->serial[n]) {
            o->serial[n] = value;
            return true;
        }
    }
    return fail(err, "-serial: there are only %d ports", MACHINE_MAX_SERIAL);
}

static bool opt_debugcon(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->port_e9 = value;
    return true;
}

static bool opt_nographic(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->nographic = true;
    return true;
}

static bool opt_display(struct options *o, const char *value, GError **err)
{
    static const char *const kinds[] = {"none", "text", "sdl"};

    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        if (!strcmp(value, kinds[k])) {
            o->display = (enum display_kind)k;
            return true;
        }
    }
    return fail_unknown(err, "display", value, kinds, ARRAY_SIZE(kinds));
}

static bool opt_vga(struct options *o, const char *value, GError **err)
{
    static const char *const kinds[] = {"std", "none"};

    if (strcmp(value, "std") && strcmp(value, "none"))
        return fail_unknown(err, "VGA", value, kinds, ARRAY_SIZE(kinds));
    o->machine.no_vga = !strcmp(value, "none");
    return true;
}

static bool opt_no_reboot(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->machine.no_reboot = true;
    return true;
}

static bool opt_snapshot(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->snapshot = true;
    return true;
}

static bool device_exit(struct options *o, const struct pairs *p, GError **err)
{
    static const char *const keys[] = {"iobase", "iosize"};
    uint64_t base = 0x501, size = 2;

    for (unsigned k = 1; k < p->n; k++) {
        if (!strcmp(p->key[k], "iobase")) {
            if (!parse_number("isa-debug-exit: iobase", p->value[k], 0xffff, &base, err))
                return false;
        } else if (!strcmp(p->key[k], "iosize")) {
            if (!parse_number("isa-debug-exit: iosize", p->value[k], 4, &size, err))
                return false;
        } else {
            return fail_unknown(err, "isa-debug-exit parameter", p->key[k], keys, ARRAY_SIZE(keys));
        }
    }
    o->machine.exit_device = true;
    o->machine.exit_base = (uint16_t)base;
    o->machine.exit_size = (uint16_t)size;
    return true;
}

static bool opt_device(struct options *o, const char *value, GError **err)
{
    static const char *const names[] = {"isa-debug-exit", "pc-testdev"};
    struct pairs p;

    if (!split_pairs(o, value, &p, err))
        return false;
    if (p.n && !p.value[0] && !strcmp(p.key[0], "isa-debug-exit"))
        return device_exit(o, &p, err);
    if (p.n && !p.value[0] && !strcmp(p.key[0], "pc-testdev")) {
        if (p.n > 1)
            return fail(err, "pc-testdev has no parameter '%s'", p.key[1]);
        o->machine.testdev = true;
        return true;
    }
    return fail_unknown(err, "device", p.n ? p.key[0] : value, names, ARRAY_SIZE(names));
}

static bool opt_rtc(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"base"}, *const bases[] = {"utc", "localtime"};
    struct pairs p;

    if (!split_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        const char *v = p.value[k] ? p.value[k] : "";

        if (strcmp(p.key[k], "base"))
            return fail_unknown(err, "-rtc parameter", p.key[k], keys, 1);
        if (strcmp(v, "utc") && strcmp(v, "localtime"))
            return fail_unknown(err, "-rtc base", v, bases, 2);
        o->machine.rtc_local = !strcmp(v, "localtime");
    }
    return true;
}

static bool opt_log(struct options *o, const char *value, GError **err)
{
    const char *bad, *names[32];
    unsigned n = 0;

    if (!strcmp(value, "help")) {
        GString *s = g_string_new("Log categories:\n");

        for (; log_category_name(n); n++)
            g_string_append_printf(s, "  %-6s %s\n", log_category_name(n), log_category_what(n));
        o->help_text = own(o, g_string_free(s, FALSE));
        return true;
    }
    if (log_set_mask(value, &bad))
        return true;
    for (; log_category_name(n) && n < ARRAY_SIZE(names); n++)
        names[n] = log_category_name(n);
    return fail_unknown(err, "log category", own(o, g_strndup(bad, strcspn(bad, ","))), names, n);
}

static bool opt_log_file(struct options *o, const char *value, GError **err)
{
    int r = log_set_file(value);

    (void)o;
    return r == 0 || fail(err, "%s: cannot write: %s", value, g_strerror(-r));
}

static bool opt_screendump(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->screendump = value;
    return true;
}

static bool opt_stats(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->stats = true;
    return true;
}

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

static bool opt_machine(struct options *o, const char *value, GError **err)
{
    static const char *const names[] = {"pc"};

    (void)o;
    return !strcmp(value, "pc") || fail_unknown(err, "machine", value, names, 1);
}

static const struct option {
    const char *name;
    const char *value; /* what to call it in the usage; NULL: takes none */
    const char *what;
    option_fn *fn;
} options[] = {
    {"m", "SIZE", "guest memory, e.g. 512M or 2G (default 256M)", opt_m},
    {"smp", "[cpus=]N", "number of processors, 1 to 32 (default 1)", opt_smp},
    {"cpu", "MODEL[,+FEATURE][,-FEATURE]...",
     "processor model, with features on or off; -cpu help lists them (default max)", opt_cpu},
    {"accel", "NAME[,mmu=shadow|walk][,audit=N]", "engine; -accel help says what this host offers",
     opt_accel},
    {"machine", "pc", "the board", opt_machine},
    {"M", "pc", "the same", opt_machine},
    {"name", "NAME", "what to call the machine", opt_name},
    {"kernel", "FILE", "boot a Linux bzImage or Multiboot kernel directly", opt_kernel},
    {"initrd", "FILE", "its initial RAM disk (Multiboot: \"file args,file2\")", opt_initrd},
    {"append", "STRING", "its command line", opt_append},
    {"cdrom", "FILE", "CD image in the second IDE channel", opt_cdrom},
    {"drive", "file=F,format=raw,if=ide[,index=N][,media=cdrom][,readonly=on][,snapshot=on]",
     "a disk or CD", opt_drive},
    {"hda", "FILE", "disk image, IDE place 0 (also -hdb, -hdc, -hdd)", opt_hda},
    {"hdb", "FILE", NULL, opt_hdb},
    {"hdc", "FILE", NULL, opt_hdc},
    {"hdd", "FILE", NULL, opt_hdd},
    {"snapshot", NULL, "throw away what the guest writes to the disks", opt_snapshot},
    {"boot", "[order=]cd[,menu=on]", "what the firmware tries: a, c disk, d CD, n", opt_boot},
    {"bios", "FILE", "firmware image (default SeaBIOS)", opt_bios},
    {"L", "DIR", "where to look for firmware first", opt_dir},
    {"serial", "stdio|file:F|pty|null|none", "serial port; may be repeated", opt_serial},
    {"debugcon", "stdio|file:F|…", "what the guest writes to port 0xe9", opt_debugcon},
    {"nographic", NULL, "no window; serial port on the terminal; Ctrl-A x leaves", opt_nographic},
    {"display", "none|text|sdl", "where the screen goes", opt_display},
    {"vga", "std|none", "the display adapter", opt_vga},
    {"device", "isa-debug-exit[,iobase=N][,iosize=N]|pc-testdev", "add a device", opt_device},
    {"rtc", "base=utc|localtime", "what the guest's clock shows", opt_rtc},
    {"no-reboot", NULL, "a guest reset ends the machine (see docs/exit-status.md)", opt_no_reboot},
    {"screendump", "FILE", "write the text screen at the end and on SIGUSR1", opt_screendump},
    {"stats", NULL, "print counters at the end", opt_stats},
    {"d", "LIST", "log what happens; -d help lists the categories", opt_log},
    {"D", "FILE", "where the log goes (default stderr)", opt_log_file},
    {"version", NULL, "print the version", opt_version},
    {"help", NULL, "print this", opt_help},
    {"h", NULL, NULL, opt_help},
};

const char *options_usage(void)
{
    static char *text;

    if (!text) {
        GString *s = g_string_new("usage: penumbra [options]\n");

        for (unsigned k = 0; k < ARRAY_SIZE(options); k++) {
            const struct option *op = &options[k];
            char *head = g_strdup_printf("-%s%s%s", op->name, op->value ? " " : "",
                                         op->value ? op->value : "");

            if (op->what && strlen(head) > 26)
                g_string_append_printf(s, "  %s\n  %-26s %s\n", head, "", op->what);
            else if (op->what)
                g_string_append_printf(s, "  %-26s %s\n", head, op->what);
            g_free(head);
        }
        text = g_string_free(s, FALSE);
    }
    return text;
}

static const struct option *find_option(const char *arg, GError **err)
{
    const char *names[ARRAY_SIZE(options)], *name = arg + 1;

    if (arg[0] != '-' || !arg[1]) {
        fail(err, "'%s' is not an option (disks are given with -drive or -hda)", arg);
        return NULL;
    }
    if (*name == '-')
        name++;
    for (unsigned k = 0; k < ARRAY_SIZE(options); k++) {
        if (!strcmp(name, options[k].name))
            return &options[k];
        names[k] = options[k].name;
    }
    {
        const char *near = suggest(name, names, ARRAY_SIZE(options));

        if (near)
            fail(err, "unknown option '%s'; did you mean '-%s'?", arg, near);
        else
            fail(err, "unknown option '%s' (-help lists them)", arg);
    }
    return NULL;
}

static bool is_set(const char *variable)
{
    const char *value = g_getenv(variable);

    return value && *value;
}

/* What follows from all options together. */
static bool finish(struct options *o, bool display_given, GError **err)
{
    if ((o->machine.initrd || o->machine.append) && !o->machine.kernel)
        return fail(err, "-initrd and -append need -kernel");
    if (o->machine.kernel && o->machine.bios)
        return fail(err, "-kernel starts without firmware: -bios makes no sense with it");
    if (o->nographic) {
        if (!o->serial[0])
            o->serial[0] = "stdio";
        if (!display_given)
            o->display = DISPLAY_NONE;
    } else if (!display_given) {
        o->display = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") ? DISPLAY_SDL : DISPLAY_NONE;
    }
    if (!o->serial[0])
        o->serial[0] = "null";
    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++)
        o->machine.drive[n].snapshot |= o->snapshot;
    return true;
}

bool options_parse(struct options *o, int argc, char **argv, GError **err)
{
    bool display_given = false;

    *o = (struct options){.owned = g_ptr_array_new_with_free_func(g_free)};
    o->machine = (struct machine_config){.name = "Penumbra",
                                         .ram_size = UINT64_C(256) << 20,
                                         .cpu_model = "max",
                                         .cpus = 1,
                                         .accel = "interp",
                                         .mmu = "shadow"};
    for (int k = 1; k < argc; k++) {
        const struct option *op = find_option(argv[k], err);
        const char *value = NULL;

        if (!op)
            return false;
        if (op->value) {
            if (k + 1 == argc)
                return fail(err, "-%s needs a value: %s", op->name, op->value);
            value = argv[++k];
        }
        if (!op->fn(o, value, err))
            return false;
        display_given |= op->fn == opt_display;
    }
    return finish(o, display_given, err);
}

void options_free(struct options *o)
{
    if (o->owned)
        g_ptr_array_free(o->owned, TRUE);
    o->owned = NULL;
}
