/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The x2APIC: the local APIC's registers as MSRs, ids of 32 bits, and the ways between the modes.
 * Intel SDM volume 3A, 11.12 (tables 11-6 and 11-7; figure 11-27).
 */
#include "devices/pc/apic_internal.h"

#include "base/bits.h"

#define MSR_BASE 0x800u
#define ICR_SELF (1u << 18)

enum mode { DISABLED, INVALID, XAPIC, X2APIC };

static enum mode mode_of(uint64_t base_msr)
{
    bool on = base_msr & BASE_ENABLE, extended = base_msr & BASE_X2APIC;

    return on ? extended ? X2APIC : XAPIC : extended ? INVALID : DISABLED;
}

/* Into x2APIC mode only from xAPIC mode, and out of it only by switching off. */
bool apic_base_transition_ok(uint64_t from, uint64_t to)
{
    enum mode was = mode_of(from), is = mode_of(to);

    if (is == INVALID)
        return false;
    if (is == X2APIC)
        return was != DISABLED;
    return !(was == X2APIC && is == XAPIC);
}

uint32_t apic_x2_ldr(const struct apic *a)
{
    uint32_t id = a->config.id;

    return id >> 4 << 16 | 1u << (id & 15);
}

/* What each register may be asked: the bits that a write may have set, and whether it is there. */
struct access {
    bool read, write;
    uint64_t bits;
};

static struct access access_of(const struct apic *a, unsigned reg)
{
    static const struct access rw8 = {true, true, 0xff}, ro = {true, false, 0};
    /* delivery status and remote IRR are there, though a write does not change them */
    static const uint32_t lvt[NUM_LVT] = {0x000310ff, 0x000117ff, 0x000117ff,
                                          0x0001f7ff, 0x0001f7ff, 0x000110ff};
    struct access lvt_access = {true, true, 0};

    switch (reg) {
    case APIC_TPR: return rw8;
    case APIC_EOI: return (struct access){false, true, 0};
    case APIC_SVR: return (struct access){true, true, 0x3ff};
    case APIC_ESR: return (struct access){true, true, 0};
    case APIC_ICR_LOW: return (struct access){true, true, UINT64_C(0xffffffff000cdfff)};
    case APIC_LVT_TIMER ... APIC_LVT_ERROR:
        lvt_access.bits = lvt[LVT_INDEX(reg)];
        if (reg == APIC_LVT_TIMER && a->config.tsc_to_ns)
            lvt_access.bits |= 1u << 18; /* TSC deadline */
        return lvt_access;
    case APIC_TIMER_INIT: return (struct access){true, true, UINT32_MAX};
    case APIC_TIMER_DIVIDE: return (struct access){true, true, 0xb};
    case APIC_SELF_IPI: return (struct access){false, true, 0xff};
    case APIC_ID:
    case APIC_VERSION:
    case APIC_PPR:
    case APIC_LDR:
    case APIC_ISR ... APIC_IRR + 7:
    case APIC_TIMER_COUNT: return ro;
    default: return (struct access){0};
    }
}

bool apic_msr_read(struct apic *a, uint32_t index, uint64_t *val)
{
    unsigned reg = index - MSR_BASE;
    uint32_t low = 0;

    if (!apic_in_x2(a) || !access_of(a, reg).read)
        return false;
    switch (reg) {
    case APIC_ID: *val = a->config.id; return true;
    case APIC_LDR: *val = apic_x2_ldr(a); return true;
    case APIC_ICR_LOW: *val = (uint64_t)a->icr_high << 32 | a->icr_low; return true;
    }
    apic_reg_read(a, reg, &low);
    *val = low;
    return true;
}

/* As an ICR that says: fixed, edge, to myself; which it leaves alone. */
static void self_ipi(struct apic *a, uint8_t vector)
{
    uint32_t low = a->icr_low;

    a->icr_low = ICR_SELF | vector;
    apic_send_ipi(a);
    a->icr_low = low;
}

bool apic_msr_write(struct apic *a, uint32_t index, uint64_t val)
{
    unsigned reg = index - MSR_BASE;
    struct access access = access_of(a, reg);

    if (!apic_in_x2(a) || !access.write || (val & ~access.bits))
        return false;
    if (reg == APIC_SELF_IPI) {
        self_ipi(a, (uint8_t)val);
        return true;
    }
    if (reg == APIC_ICR_LOW)
        a->icr_high = (uint32_t)(val >> 32);
    apic_lint_written(a, reg, (uint32_t)val);
    apic_reg_write(a, reg, (uint32_t)val);
    return true;
}
