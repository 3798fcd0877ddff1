/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which CPU the guest sees: models, their features, and the CPUID instruction. Features and CPUID
 * bits come from one table, so that what is shown and what executes always agree.
 */
#ifndef CPU_CPUID_H
#define CPU_CPUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/features.h"

struct cpu;

struct cpu_model {
    const char *name;
    const char *what;   /* for the list of -cpu help */
    const char *brand;  /* 0x80000002..4; NULL when the model has no extended leaves */
    const char *vendor; /* NULL: GenuineIntel */
    uint8_t family, model, stepping;
    uint32_t max_leaf, max_ext; /* max_ext 0: none */
    bool hypervisor;            /* shows that it is virtual, and leaves 0x40000000.. */
    feature_set features;
};

struct cpuid_regs {
    uint32_t eax, ebx, ecx, edx;
};

/* NULL when there is no such model. Aliases are found, too. */
const struct cpu_model *cpu_model_find(const char *name);

/* What -cpu asks for: a model, its features with those switched on or off that are named, how wide
 * physical addresses are, and whose processor CPUID says that it is. */
struct cpu_spec {
    const struct cpu_model *model;
    feature_set features;
    unsigned phys_bits; /* MAXPHYADDR */
    char vendor[13];
};

enum cpu_spec_fault {
    CPU_SPEC_OK,
    CPU_SPEC_MODEL,      /* no such model */
    CPU_SPEC_SIGN,       /* neither +FEATURE nor -FEATURE nor a property */
    CPU_SPEC_FEATURE,    /* no such feature, or none that may be switched */
    CPU_SPEC_IMPOSSIBLE, /* the model cannot have it */
    CPU_SPEC_VALUE,      /* a property has no such value; the word is "property=value" */
};

/* Reads "MODEL[,+FEATURE|,-FEATURE|,FEATURE=on|,PROPERTY[=VALUE]]...", with QEMU's properties
 * phys-bits=N, host-phys-bits[=on|off] (as many as this host's processor has),
 * host-phys-bits-limit=N, vendor=TWELVELETTER and migratable=on|off (which changes nothing). On a
 * fault the word that is wrong is in `word`, cut to its size, and *out is not to be used. */
enum cpu_spec_fault cpu_spec_parse(const char *text, struct cpu_spec *out, char *word,
                                   size_t word_size);

/* The features that may be switched, by name; *n of them. */
const char *const *cpu_feature_names(unsigned *n);

/* Has the model the CPUID leaf that shows the feature (a FEATURE_*)? */
bool cpuid_can_show(const struct cpu_model *m, unsigned feature);

/* Where CPUID shows a feature: leaf, register (0 EAX .. 3 EDX), bit. False for those it does not.
 */
bool cpuid_shows(unsigned feature, uint32_t *leaf, unsigned *reg, unsigned *bit);

/* All models, in the order to show them; *n of them. */
const struct cpu_model *cpu_models_list(unsigned *n);

/* Leaf 1's EAX: family, model, stepping; also EDX after reset. */
uint32_t cpuid_signature(const struct cpu_model *m);

/* CPUID as the vCPU executes it now (a few bits mirror its state). */
struct cpuid_regs cpuid_query(const struct cpu *cpu, uint32_t leaf, uint32_t subleaf);

#endif
