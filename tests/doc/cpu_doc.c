/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of docs/cpu.md that tables of the source say: which feature is in which model, where
 * CPUID shows it, which instructions hang on it (opcodes.def), and what undefined flags become.
 * Prints one part as Markdown; script/cpu-doc puts it in its place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/cpu.h"
#include "cpu/cpuid.h"
#include "cpu/mmu.h"
#include "cpu/opcodes.h"
#include "tests/unit/undefined_flags.h"

static const char *const feature_names[] = {
#define X(name) #name,
    FEATURES(X)
#undef X
};

/* ---- features and models ---- */

static uint64_t no_apic_base(void *opaque)
{
    (void)opaque;
    return 0xfee00900;
}

/* The words of CPUID that show features. */
static const struct {
    uint32_t leaf, subleaf;
    uint8_t reg;
} shown[] = {{1, 0, 2}, {1, 0, 3},   {7, 0, 1},           {7, 0, 2},
             {7, 0, 3}, {0xd, 1, 0}, {0x80000001u, 0, 2}, {0x80000001u, 0, 3}};
#define SHOWN ARRAY_SIZE(shown)

static void read_words(struct cpu *cpu, feature_set features, uint32_t words[SHOWN])
{
    cpu->features = features;
    for (unsigned k = 0; k < SHOWN; k++) {
        struct cpuid_regs r = cpuid_query(cpu, shown[k].leaf, shown[k].subleaf);

        memcpy(&words[k], (const char *)&r + shown[k].reg * 4, 4);
    }
}

/* The bits that CPUID loses with each feature; `total` counts them. */
static uint32_t lost[FEATURE_COUNT][SHOWN];
static unsigned total[FEATURE_COUNT];

static void find_bits(void)
{
    struct memslots_vm *slots = memslots_new();
    struct cpu_config cfg = {.model = "max",
                             .slots = slots,
                             .mmu = &mmu_walk_ops,
                             .tsc_khz = 1000000,
                             .hooks = {.get_apic_base = no_apic_base}};
    struct cpu *cpu = cpu_new(&cfg);
    uint32_t all[SHOWN];

    cpu->mode = MODE_64; /* where SYSCALL is shown */
    read_words(cpu, ~(feature_set)0, all);
    for (unsigned f = 0; f < FEATURE_COUNT; f++) {
        read_words(cpu, ~((feature_set)1 << f), lost[f]);
        for (unsigned k = 0; k < SHOWN; k++) {
            lost[f][k] = all[k] & ~lost[f][k];
            total[f] += (unsigned)__builtin_popcount(lost[f][k]);
        }
    }
    cpu_free(cpu);
    memslots_free(slots);
}

/* Is the bit another feature's, which takes fewer with it? */
static bool belongs_to_other(unsigned feature, unsigned word, unsigned bit)
{
    for (unsigned f = 0; f < FEATURE_COUNT; f++) {
        if (total[f] < total[feature] && (lost[f][word] >> bit & 1))
            return true;
    }
    return false;
}

static void print_cpuid_bits(unsigned feature)
{
    static const char *const regs[] = {"EAX", "EBX", "ECX", "EDX"};
    const char *between = "";

    for (unsigned k = 0; k < SHOWN; k++) {
        for (unsigned bit = 0; bit < 32; bit++) {
            if (!(lost[feature][k] >> bit & 1) || belongs_to_other(feature, k, bit))
                continue;
            printf("%s%x%s:%s.%u", between, shown[k].leaf, shown[k].subleaf ? "/1" : "",
                   regs[shown[k].reg], bit);
            between = ", ";
        }
    }
}

static unsigned count(feature_set s)
{
    return (unsigned)(__builtin_popcountll((uint64_t)s) +
                      __builtin_popcountll((uint64_t)(s >> 64)));
}

/* How -cpu calls the feature, if it can be switched: by the name that switches the fewest. */
static const char *switch_name(unsigned feature)
{
    unsigned n, best = FEATURE_COUNT + 1;
    const char *const *names = cpu_feature_names(&n);
    const char *found = NULL;

    for (unsigned k = 0; k < n; k++) {
        char spec[64], word[64];
        struct cpu_spec on, off;
        feature_set switched;

        snprintf(spec, sizeof(spec), "max,-%s", names[k]);
        if (cpu_spec_parse(spec, &off, word, sizeof(word)) != CPU_SPEC_OK)
            continue;
        snprintf(spec, sizeof(spec), "max,+%s", names[k]);
        if (cpu_spec_parse(spec, &on, word, sizeof(word)) != CPU_SPEC_OK)
            continue;
        switched = on.features ^ off.features;
        if ((switched >> feature & 1) && count(switched) < best) {
            best = count(switched);
            found = names[k];
        }
    }
    return found;
}

/* The k-th model by how much it can do. */
static const struct cpu_model *model(unsigned k)
{
    unsigned n;
    const struct cpu_model *models = cpu_models_list(&n);

    for (unsigned m = 0; m < n; m++) {
        unsigned below = 0;

        for (unsigned o = 0; o < n; o++) {
            unsigned mine = count(models[m].features), its = count(models[o].features);

            below += its < mine || (its == mine && o < m);
        }
        if (below == k)
            return &models[m];
    }
    return NULL;
}

static void print_features(void)
{
    find_bits();
    printf("| feature | CPUID | switch |");
    for (unsigned m = 0; model(m); m++)
        printf(" %s |", model(m)->name);
    printf("\n|---|---|---|");
    for (unsigned m = 0; model(m); m++)
        printf(":-:|");
    printf("\n");
    for (unsigned f = 0; f < FEATURE_COUNT; f++) {
        const char *name = switch_name(f);

        printf("| %s | ", feature_names[f]);
        print_cpuid_bits(f);
        printf(name ? " | `%s` |" : " | %s|", name ? name : "");
        for (unsigned m = 0; model(m); m++)
            printf(model(m)->features >> f & 1 ? " x |" : " |");
        printf("\n");
    }
}

/* ---- instructions ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void print_instructions(void)
{
    const char **names = malloc(opcode_count * sizeof(*names));

    for (unsigned f = 0; f < FEATURE_COUNT; f++) {
        unsigned n = 0, column;

        for (unsigned k = 0; k < opcode_count; k++) {
            if (opcode_table[k].feature == f)
                names[n++] = opcode_table[k].mnemonic;
        }
        if (!n)
            continue;
        qsort(names, n, sizeof(*names), by_name);
        column = (unsigned)printf("- **%s**:", feature_names[f]);
        for (unsigned k = 0; k < n; k++) {
            if (k && strcmp(names[k], names[k - 1]) == 0)
                continue;
            if (column + strlen(names[k]) > 128)
                column = (unsigned)printf("\n ") - 1;
            column += (unsigned)printf(" %s", names[k]);
        }
        printf("\n");
    }
    free(names);
}

/* ---- undefined flags ---- */

static void print_flags(unsigned flags)
{
    static const struct {
        unsigned flag;
        const char *name;
    } all[] = {{FL_OF, "OF"}, {FL_SF, "SF"}, {FL_ZF, "ZF"},
               {FL_AF, "AF"}, {FL_PF, "PF"}, {FL_CF, "CF"}};
    const char *between = "";

    for (unsigned k = 0; k < ARRAY_SIZE(all); k++) {
        if (flags & all[k].flag) {
            printf("%s%s", between, all[k].name);
            between = " ";
        }
    }
}

static void print_undefined(void)
{
    static const char *const rules[] = {
        [UNDEFINED_KEPT] = "keep their values",
        [UNDEFINED_CLEAR] = "cleared",
        [UNDEFINED_RESULT] = "as the result has them",
        [UNDEFINED_LAST] = "as if the last bit were shifted by itself (count > 1)",
        [UNDEFINED_SIGN] = "set when the sign has changed (count > 1)",
    };

    printf("| instructions | flags | |\n|---|---|---|\n");
    for (unsigned k = 0; k < undefined_choice_count; k++) {
        const struct undefined_choice *c = &undefined_choices[k];

        printf("| %s | ", c->mnemonics);
        print_flags(c->flags);
        printf(" | %s |\n", rules[c->rule]);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } parts[] = {{"features", print_features},
                 {"instructions", print_instructions},
                 {"undefined", print_undefined}};

    for (unsigned k = 0; argc == 2 && k < ARRAY_SIZE(parts); k++) {
        if (strcmp(argv[1], parts[k].name) == 0) {
            parts[k].print();
            return 0;
        }
    }
    fprintf(stderr, "usage: %s features|instructions|undefined\n", argv[0]);
    return 2;
}
