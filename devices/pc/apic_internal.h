/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local APIC's state, shared by apic.c (registers, priorities), apic_x2.c, apic_timer.c and
 * apic_bus.c. */
#ifndef DEVICES_PC_APIC_INTERNAL_H
#define DEVICES_PC_APIC_INTERNAL_H

#include "devices/bus.h"
#include "devices/pc/apic.h"
#include "devices/pc/apic_bus.h"

#define LVT_MASKED   (1u << 16)
#define LVT_LEVEL    (1u << 15)
#define LVT_RIRR     (1u << 14)
#define SVR_ENABLE   (1u << 8)
#define BASE_BSP     (1u << 8)
#define BASE_X2APIC  (1u << 10)
#define BASE_ENABLE  (1u << 11)
#define NUM_LVT      6
#define LVT_INDEX(r) ((r)-APIC_LVT_TIMER)

/* A page where APICs answer: whose registers, depends on who asks. */
struct apic_page {
    struct apic_bus *bus;
    struct bus_region region;
};

struct apic {
    struct device dev;
    struct apic_config config;
    struct timer timer;
    struct apic_page
        moved;       /* mapped while the base is not the default one and nobody else is there */
    bool intr_level; /* what the CPU was last told */

    /* state */
    uint64_t base_msr;
    uint8_t id;
    uint8_t tpr;
    uint8_t lint_level[2];
    bool extint_msg; /* an ExtINT message is waiting for its acknowledge */
    uint32_t ldr, dfr, svr;
    uint32_t isr[8], tmr[8], irr[8];
    uint32_t esr, esr_pending; /* as read, and as gathered since the last write */
    uint32_t icr_low, icr_high;
    uint32_t lvt[NUM_LVT]; /* by LVT_INDEX */
    uint32_t timer_init, timer_divide;
    bool timer_done;       /* the one-shot count has run out and was acted upon */
    int64_t timer_start;   /* ns when the count was loaded */
    uint64_t tsc_deadline; /* 0: disarmed */
};

/* ---- apic.c, for the others ---- */

static inline bool apic_enabled(const struct apic *a)
{
    return a->base_msr & BASE_ENABLE;
}

static inline bool apic_in_x2(const struct apic *a)
{
    return (a->base_msr & (BASE_ENABLE | BASE_X2APIC)) == (BASE_ENABLE | BASE_X2APIC);
}

static inline uint64_t apic_page_base(const struct apic *a)
{
    return a->base_msr & ~UINT64_C(0xfff);
}

/* Takes a message that is addressed to this APIC; false when it does not listen. */
bool apic_take(struct apic *a, const struct apic_msg *msg);

/* Whether `dest` names this APIC. */
bool apic_matches(const struct apic *a, uint32_t dest, bool logical);

/* Sends what icr_low and icr_high say. */
void apic_send_ipi(struct apic *a);

/* Processor priority register. */
uint8_t apic_ppr(const struct apic *a);

/* Raises a local interrupt as its LVT entry says. */
void apic_lvt_fire(struct apic *a, unsigned index);

/* ---- apic_x2.c ---- */

/* The logical id that x2APIC mode gives an APIC: cluster in the high half, one bit in the low. */
uint32_t apic_x2_ldr(const struct apic *a);

/* May the base MSR go from one value to another? */
bool apic_base_transition_ok(uint64_t from, uint64_t to);

/* ---- apic_lint.c: strict mode ---- */

/* The guest is about to write `val` to a register that there may be. */
void apic_lint_written(const struct apic *a, unsigned reg, uint32_t val);

/* An access ("read" or "write") that reaches no register. */
void apic_lint_no_register(const struct apic *a, const char *verb, uint64_t off);

/* ---- apic_timer.c ---- */

void apic_timer_setup(struct apic *a);
void apic_timer_stop(struct apic *a);
void apic_timer_rearm(struct apic *a);
uint32_t apic_timer_count(const struct apic *a);
void apic_timer_set_init(struct apic *a, uint32_t val);
void apic_timer_set_divide(struct apic *a, uint32_t val);
/* After the LVT entry changed from `old`. */
void apic_timer_lvt_written(struct apic *a, uint32_t old);

#endif
