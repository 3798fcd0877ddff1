/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of the machine itself: memory, processors, engine, clock. */
#include "frontends/cli/option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accel/accel.h"
#include "base/bits.h"
#include "cpu/cpuid.h"

#define MIN_RAM_MIB UINT64_C(1)
#define MAX_RAM_MIB (UINT64_C(512) << 10)

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
        return option_fail(err, "-m: '%s' is not a memory size (a number, then M or G)", value);
    if (!unit) {
        if (n % 1024)
            return option_fail(err, "-m: '%s' is not a whole number of MiB", value);
        n /= 1024;
        unit = 1;
    }
    if (errno || n > MAX_RAM_MIB || n * unit < MIN_RAM_MIB || n * unit > MAX_RAM_MIB)
        return option_fail(err, "-m: '%s' is out of range (1M to 512G)", value);
    o->machine.ram_size = n * unit << 20;
    return true;
}

static bool opt_smp(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"cpus"};
    struct option_pairs p;
    uint64_t n;

    if (!option_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        const char *count = k == 0 && !p.value[k] ? p.key[k] : p.value[k];

        if (count != p.key[k] && strcmp(p.key[k], "cpus"))
            return option_fail_unknown(err, "-smp parameter", p.key[k], keys, ARRAY_SIZE(keys));
        if (!option_number("-smp", count, MACHINE_MAX_CPUS, &n, err))
            return false;
        if (!n)
            return option_fail(err, "-smp: a machine has at least one CPU");
        o->machine.cpus = (unsigned)n;
    }
    return p.n || option_fail(err, "-smp: no number of CPUs");
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
        o->help_text = option_own(o, cpu_help());
        return true;
    }
    switch (cpu_spec_parse(value, &spec, word, sizeof(word))) {
    case CPU_SPEC_OK: o->machine.cpu_model = value; return true;
    case CPU_SPEC_SIGN:
        return option_fail(err, "-cpu: '%s' is neither +FEATURE nor -FEATURE", word);
    case CPU_SPEC_FEATURE:
        features = cpu_feature_names(&n);
        return option_fail_unknown(err, "CPU feature", word, features, n);
    case CPU_SPEC_IMPOSSIBLE:
        return option_fail(err, "-cpu: '%s' cannot have '%s'", spec.model->name, word);
    default:
        n = MIN(n, ARRAY_SIZE(names));
        for (unsigned k = 0; k < n; k++)
            names[k] = models[k].name;
        return option_fail_unknown(err, "CPU model", word, names, n);
    }
}

static bool opt_accel(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"audit", "mmu"}, *const mmus[] = {"shadow", "walk"};
    struct option_pairs p;

    if (!strcmp(value, "help")) {
        GString *s = g_string_new("Accelerators:\n");

        for (unsigned k = 0; accel_by_index(k); k++) {
            const struct accel_ops *a = accel_by_index(k);
            char why[128];
            bool ok = a->probe(why, sizeof(why));

            g_string_append_printf(s, "  %-8s %s: %s\n", a->name, ok ? "yes" : "no", why);
        }
        o->help_text = option_own(o, g_string_free(s, FALSE));
        return true;
    }
    if (!option_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        if (k == 0 && !p.value[0]) {
            const char *names[8];
            size_t n = 0;

            for (; accel_by_index((unsigned)n) && n < ARRAY_SIZE(names); n++)
                names[n] = accel_by_index((unsigned)n)->name;
            if (!accel_find(p.key[0]))
                return option_fail_unknown(err, "accelerator", p.key[0], names, n);
            o->machine.accel = p.key[0];
        } else if (!strcmp(p.key[k], "mmu")) {
            if (!p.value[k] || (strcmp(p.value[k], "walk") && strcmp(p.value[k], "shadow")))
                return option_fail_unknown(err, "MMU", p.value[k] ? p.value[k] : "", mmus,
                                           ARRAY_SIZE(mmus));
            o->machine.mmu = p.value[k];
        } else if (!strcmp(p.key[k], "audit")) {
            uint64_t every;

            if (!option_number("-accel: audit", p.value[k] ? p.value[k] : "", UINT32_MAX, &every,
                               err))
                return false;
            o->machine.audit_every = (unsigned)every;
        } else {
            return option_fail_unknown(err, "-accel parameter", p.key[k], keys, ARRAY_SIZE(keys));
        }
    }
    return true;
}

static bool opt_machine(struct options *o, const char *value, GError **err)
{
    static const char *const names[] = {"pc"};

    (void)o;
    return !strcmp(value, "pc") || option_fail_unknown(err, "machine", value, names, 1);
}

static bool opt_name(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.name = value;
    o->name_given = true;
    return true;
}

static bool opt_rtc(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"base"}, *const bases[] = {"utc", "localtime"};
    struct option_pairs p;

    if (!option_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        const char *v = p.value[k] ? p.value[k] : "";

        if (strcmp(p.key[k], "base"))
            return option_fail_unknown(err, "-rtc parameter", p.key[k], keys, 1);
        if (strcmp(v, "utc") && strcmp(v, "localtime"))
            return option_fail_unknown(err, "-rtc base", v, bases, 2);
        o->machine.rtc_local = !strcmp(v, "localtime");
    }
    return true;
}

static const struct option options[] = {
    {"m", "SIZE", "guest memory, e.g. 512M or 2G (default 256M)", opt_m},
    {"smp", "[cpus=]N", "number of processors, 1 to 32 (default 1)", opt_smp},
    {"cpu", "MODEL[,+FEATURE][,-FEATURE]...",
     "processor model, with features on or off; -cpu help lists them (default max)", opt_cpu},
    {"accel", "NAME[,mmu=shadow|walk][,audit=N]", "engine; -accel help says what this host offers",
     opt_accel},
    {"machine", "pc", "the board", opt_machine},
    {"M", "pc", "the same", opt_machine},
    {"name", "NAME", "what to call the machine", opt_name},
    {"rtc", "base=utc|localtime", "what the guest's clock shows", opt_rtc},
};

const struct option_group options_machine = {options, ARRAY_SIZE(options)};
