/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of the machine itself: memory, processors, engine, clock. */
#include "frontends/cli/option.h"

#include "base/error.h"
#include "base/suggest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accel/accel.h"
#include "base/bits.h"
#include "cpu/cpuid.h"

#define SMP_LARGEST 4096 /* that is told from nonsense */
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
        return error_option(err, "-m: '%s' is not a memory size (a number, then M or G)", value);
    if (!unit) {
        if (n % 1024)
            return error_option(err, "-m: '%s' is not a whole number of MiB", value);
        n /= 1024;
        unit = 1;
    }
    if (errno || n > MAX_RAM_MIB || n * unit < MIN_RAM_MIB || n * unit > MAX_RAM_MIB)
        return error_option(err, "-m: '%s' is out of range (1M to 512G)", value);
    o->machine.ram_size = n * unit << 20;
    return true;
}

/* Parts of -smp that are not given follow from the others: as many CPUs as the machine has room
 * for, in one package of cores of one thread. */
static bool topology(struct options *o, uint64_t cpus, uint64_t sockets, uint64_t cores,
                     uint64_t threads, uint64_t max, GError **err)
{
    struct machine_config *m = &o->machine;
    uint64_t want;

    threads = threads ? threads : 1;
    want = max ? max : cpus ? cpus : (sockets ? sockets : 1) * (cores ? cores : 1) * threads;
    if (!cores)
        cores = MAX(want / ((sockets ? sockets : 1) * threads), 1);
    if (!sockets)
        sockets = MAX(want / (cores * threads), 1);
    if (sockets * cores * threads != want)
        return error_option(err,
                            "-smp: %" PRIu64 " sockets of %" PRIu64 " cores of %" PRIu64
                            " threads are not %" PRIu64 " CPUs",
                            sockets, cores, threads, want);
    cpus = cpus ? cpus : want;
    if (want > MACHINE_MAX_CPUS)
        return error_option(err, "-smp: %" PRIu64 " CPUs exceeds max CPUs %d", want,
                            MACHINE_MAX_CPUS);
    if (cpus > want)
        return error_option(err, "-smp: %" PRIu64 " CPUs are more than maxcpus=%" PRIu64, cpus,
                            want);
    /* APIC ids count the CPUs, and their bits say thread, core, package */
    if ((threads & (threads - 1)) || (sockets > 1 && (cores & (cores - 1))))
        return error_option(err,
                            "-smp: threads, and the cores of several sockets, are powers of 2");
    m->cpus = (unsigned)cpus;
    m->max_cpus = (unsigned)want;
    m->cores = (unsigned)cores;
    m->threads = (unsigned)threads;
    return true;
}

static bool opt_smp(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"cpus", "sockets", "cores", "threads", "maxcpus"};
    uint64_t n[ARRAY_SIZE(keys)] = {0};
    struct option_pairs p;

    if (!option_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        const char *key = k == 0 && !p.value[k] ? "cpus" : p.key[k];
        const char *count = p.value[k] ? p.value[k] : p.key[k];
        unsigned which = 0;

        while (which < ARRAY_SIZE(keys) && strcmp(key, keys[which]))
            which++;
        if (which == ARRAY_SIZE(keys))
            return suggest_error(err, "-smp parameter", key, keys, ARRAY_SIZE(keys));
        if (!option_number(which ? option_own(o, g_strdup_printf("-smp: %s", key)) : "-smp", count,
                           SMP_LARGEST, &n[which], err))
            return false;
        if (!n[which])
            return error_option(err, "-smp: a machine has at least one CPU, not %s=0", key);
    }
    if (!p.n)
        return error_option(err, "-smp: no number of CPUs");
    return topology(o, n[0], n[1], n[2], n[3], n[4], err);
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
        return error_option(err, "-cpu: '%s' is neither +FEATURE nor -FEATURE nor a property",
                            word);
    case CPU_SPEC_VALUE: return error_option(err, "-cpu: '%s' is not possible", word);
    case CPU_SPEC_FEATURE:
        features = cpu_feature_names(&n);
        return suggest_error(err, "CPU feature", word, features, n);
    case CPU_SPEC_IMPOSSIBLE:
        return error_option(err, "-cpu: '%s' cannot have '%s'", spec.model->name, word);
    default:
        n = MIN(n, ARRAY_SIZE(names));
        for (unsigned k = 0; k < n; k++)
            names[k] = models[k].name;
        return suggest_error(err, "CPU model", word, names, n);
    }
}

bool option_accel(struct options *o, const char *list, GError **err)
{
    static const char *const elsewhere[] = {"kvm", "hvf", "whpx", "nvmm", "xen"};
    g_auto(GStrv) want = g_strsplit(list, ":", -1);
    const char *missed = NULL, *names[8];
    size_t n = 0;

    for (unsigned k = 0; want[k]; k++) {
        bool known = false;

        if (!strcmp(want[k], "tcg") || accel_find(want[k])) { /* QEMU's interpreter is ours */
            o->machine.accel = option_own(o, g_strdup(accel_find(want[k]) ? want[k] : "interp"));
            return true;
        }
        for (unsigned e = 0; e < ARRAY_SIZE(elsewhere); e++)
            known |= !strcmp(want[k], elsewhere[e]);
        if (!known) {
            for (; accel_by_index((unsigned)n) && n < ARRAY_SIZE(names); n++)
                names[n] = accel_by_index((unsigned)n)->name;
            return suggest_error(err, "accelerator", want[k], names, n);
        }
        missed = missed ? missed : want[k];
    }
    if (!missed)
        return error_option(err, "no accelerator is named");
    option_warn(o, "there is no accelerator '%s' here: the guest is interpreted", missed);
    o->machine.accel = "interp";
    return true;
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
            if (!option_accel(o, p.key[0], err))
                return false;
        } else if (!strcmp(p.key[k], "mmu")) {
            if (!p.value[k] || (strcmp(p.value[k], "walk") && strcmp(p.value[k], "shadow")))
                return suggest_error(err, "MMU", p.value[k] ? p.value[k] : "", mmus,
                                     ARRAY_SIZE(mmus));
            o->machine.mmu = p.value[k];
        } else if (!strcmp(p.key[k], "audit")) {
            uint64_t every;

            if (!option_number("-accel: audit", p.value[k] ? p.value[k] : "", UINT32_MAX, &every,
                               err))
                return false;
            o->machine.audit_every = (unsigned)every;
        } else {
            return suggest_error(err, "-accel parameter", p.key[k], keys, ARRAY_SIZE(keys));
        }
    }
    return true;
}

static bool opt_name(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.name = value;
    o->name_given = true;
    return true;
}

/* "2026-01-01" or "2026-01-01T12:00:00", to be shown as it stands; years that the clock has. */
static bool rtc_date(const char *s, int64_t *out)
{
    GTimeZone *utc = g_time_zone_new_utc();
    unsigned year, month, day, hour = 0, minute = 0, second = 0;
    int date = 0, all = 0;
    GDateTime *t = NULL;

    sscanf(s, "%4u-%2u-%2u%nT%2u:%2u:%2u%n", &year, &month, &day, &date, &hour, &minute, &second,
           &all);
    if ((date == 10 && !s[10]) || (all == 19 && !s[19])) {
        if (year >= 1970 && !strpbrk(s, " +") && second < 60)
            t = g_date_time_new(utc, (int)year, (int)month, (int)day, (int)hour, (int)minute,
                                second);
    }
    if (t)
        *out = g_date_time_to_unix(t);
    if (t)
        g_date_time_unref(t);
    g_time_zone_unref(utc);
    return t != NULL;
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
            return suggest_error(err, "-rtc parameter", p.key[k], keys, 1);
        o->machine.rtc_given = rtc_date(v, &o->machine.rtc_base);
        if (g_ascii_isdigit(*v) && !o->machine.rtc_given)
            return error_option(err,
                                "-rtc base: '%s' is not a date (2026-01-01) or a date and time "
                                "(2026-01-01T12:00:00)",
                                v);
        if (!o->machine.rtc_given && strcmp(v, "utc") && strcmp(v, "localtime"))
            return suggest_error(err, "-rtc base", v, bases, 2);
        o->machine.rtc_local = !strcmp(v, "localtime");
    }
    return true;
}

static const struct option options[] = {
    {"m", "SIZE", "guest memory, e.g. 512M or 2G (default 256M)", opt_m},
    {"smp", "[cpus=]N[,sockets=N][,cores=N][,threads=N][,maxcpus=N]",
     "number of processors, 1 to 32 (default 1), and what they are to each other", opt_smp},
    {"cpu", "MODEL[,+FEATURE][,-FEATURE][,phys-bits=N][,vendor=NAME]...",
     "processor model, with features on or off; -cpu help lists them (default max)", opt_cpu},
    {"accel", "NAME[,mmu=shadow|walk][,audit=N]", "engine; -accel help says what this host offers",
     opt_accel},
    {"name", "NAME", "what to call the machine", opt_name},
    {"rtc", "base=utc|localtime|DATE",
     "what the guest's clock shows; DATE as 2026-01-01[T12:00:00]", opt_rtc},
};

const struct option_group options_machine = {options, ARRAY_SIZE(options)};
