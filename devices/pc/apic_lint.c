/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strict mode (base/lint.h) for the local APIC: what a guest writes to it that the manual leaves
 * undefined. Intel SDM volume 3A, chapter "Advanced Programmable Interrupt Controller (APIC)":
 * register address map, local vector table, valid interrupt vectors, interrupt command register
 * (table of valid combinations), EOI, logical destinations.
 */
#include "devices/pc/apic_internal.h"

#include "base/bits.h"
#include "base/lint.h"

#include <inttypes.h>

enum { ICR_LEVEL = 1 << 15, ICR_ASSERT = 1 << 14, SELF = 1, ALL = 2 };

static const char *const lvt_names[NUM_LVT] = {"timer", "thermal", "performance",
                                               "LINT0", "LINT1",   "error"};

/* Bits of an entry that mean something, the read-only ones among them. */
static const uint32_t lvt_bits[NUM_LVT] = {0x000710ff, 0x000117ff, 0x000117ff,
                                           0x0001f7ff, 0x0001f7ff, 0x000110ff};

static void lint_reserved(const struct apic *a, const char *name, uint32_t val, uint32_t reserved)
{
    if (val & reserved)
        lint_report_of(LINT_APIC_LVT, (uintptr_t)name,
                       "apic %u: reserved bits 0x%x set in %s (0x%08x)", a->config.id,
                       val & reserved, name, val);
}

static void lint_lvt(const struct apic *a, unsigned n, uint32_t val)
{
    bool has_mode = n != LVT_INDEX(APIC_LVT_TIMER) && n != LVT_INDEX(APIC_LVT_ERROR);
    bool lint = n == LVT_INDEX(APIC_LVT_LINT0) || n == LVT_INDEX(APIC_LVT_LINT1);
    unsigned mode = has_mode ? (unsigned)bits(val, 10, 8) : APIC_FIXED, id = a->config.id;

    lint_reserved(a, lvt_names[n], val, ~lvt_bits[n]);
    if (n == LVT_INDEX(APIC_LVT_TIMER) && bits(val, 18, 17) == 3)
        lint_report(LINT_APIC_LVT, "apic %u: the timer's mode 3 is reserved", id);
    if (val & LVT_MASKED)
        return;
    if (!(a->svr & SVR_ENABLE))
        lint_report_of(LINT_APIC_LVT, n,
                       "apic %u: %s entry 0x%08x unmasked while the APIC is disabled by software",
                       id, lvt_names[n], val);
    if (mode == APIC_LOWEST || mode == 3 || mode == APIC_SIPI ||
        (!lint && (mode == APIC_INIT || mode == APIC_EXTINT)))
        lint_report_of(LINT_APIC_LVT, n, "apic %u: %s entry 0x%08x has a reserved delivery mode",
                       id, lvt_names[n], val);
    if (n == LVT_INDEX(APIC_LVT_LINT1) && (val & LVT_LEVEL) && mode == APIC_FIXED)
        lint_report(LINT_APIC_LVT, "apic %u: LINT1 entry 0x%08x is level-triggered", id, val);
    if (mode == APIC_FIXED && (val & 0xff) < 16)
        lint_report_of(LINT_APIC_VECTOR, n, "apic %u: %s entry 0x%08x unmasked with vector %u", id,
                       lvt_names[n], val, val & 0xff);
}

static void lint_icr(const struct apic *a, uint32_t val)
{
    unsigned mode = (unsigned)bits(val, 10, 8), to = (unsigned)bits(val, 19, 18);
    unsigned id = a->config.id;
    bool all = to == SELF || to == ALL;

    lint_reserved(a, "the ICR", val, 0xfff32000);
    if (mode == 3 || mode == APIC_EXTINT)
        lint_report(LINT_APIC_ICR, "apic %u: IPI 0x%08x has a reserved delivery mode", id, val);
    else if (all && mode != APIC_FIXED)
        lint_report(LINT_APIC_ICR, "apic %u: IPI 0x%08x: to itself goes only what is fixed", id,
                    val);
    if ((mode == APIC_FIXED || mode == APIC_LOWEST) && (val & 0xff) < 16)
        lint_report_of(LINT_APIC_VECTOR, NUM_LVT, "apic %u: IPI with vector %u", id, val & 0xff);
    if (mode == APIC_LOWEST)
        lint_report(LINT_APIC_DEPRECATED, "apic %u: IPI 0x%08x is a lowest-priority one", id, val);
    if (mode == APIC_INIT && (val & ICR_LEVEL) && !(val & ICR_ASSERT))
        lint_report(LINT_APIC_DEPRECATED, "apic %u: INIT level de-assert (0x%08x)", id, val);
}

static void lint_write(const struct apic *a, unsigned reg, uint32_t val)
{
    bool idle = true;

    switch (reg) {
    case APIC_EOI:
        for (unsigned k = 0; k < 8; k++)
            idle &= !a->isr[k];
        if (idle)
            lint_report(LINT_APIC_EOI, "apic %u: EOI with nothing in service", a->config.id);
        break;
    case APIC_TPR: lint_reserved(a, "the TPR", val, ~0xffu); break;
    case APIC_DFR:
        if (val != 0xffffffff && val != 0x0fffffff)
            lint_report(LINT_APIC_LVT,
                        "apic %u: DFR 0x%08x is neither the flat nor the cluster model",
                        a->config.id, val);
        break;
    case APIC_SVR: lint_reserved(a, "the SVR", val, ~0x3ffu); break;
    case APIC_LVT_TIMER ... APIC_LVT_ERROR: lint_lvt(a, LVT_INDEX(reg), val); break;
    case APIC_ICR_LOW: lint_icr(a, val); break;
    case APIC_TIMER_DIVIDE: lint_reserved(a, "the timer's divider", val, ~0xbu); break;
    case APIC_VERSION:
    case APIC_APR:
    case APIC_PPR:
    case APIC_ISR ... APIC_IRR + 7:
    case APIC_TIMER_COUNT:
        lint_report_of(LINT_APIC_ACCESS, reg, "apic %u: write to the read-only register 0x%03x",
                       a->config.id, reg << 4);
        break;
    }
}

void apic_lint_written(const struct apic *a, unsigned reg, uint32_t val)
{
    if (lint_on(LINT_APIC_ACCESS) || lint_on(LINT_APIC_VECTOR) || lint_on(LINT_APIC_LVT) ||
        lint_on(LINT_APIC_ICR) || lint_on(LINT_APIC_EOI) || lint_on(LINT_APIC_DEPRECATED))
        lint_write(a, reg, val);
}

void apic_lint_no_register(const struct apic *a, const char *verb, uint64_t off)
{
    lint_report_of(LINT_APIC_ACCESS, off,
                   "apic %u: %s at offset 0x%03" PRIx64 ", where no register begins", a->config.id,
                   verb, off);
}
