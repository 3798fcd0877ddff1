/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC: registers, priorities, acceptance, IPIs; see apic.h. Intel SDM volume 3A, chapter
 * "Advanced Programmable Interrupt Controller (APIC)"; the version register says a Pentium 4 style
 * APIC (0x14) with six LVT entries, so there is no arbitration register and no focus processor.
 */
#include "devices/pc/apic.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "devices/pc/apic_internal.h"

#include <inttypes.h>

#define APIC_VERSION_VALUE 0x00050014u

enum {
    ESR_SEND_ILLEGAL = 1 << 5,
    ESR_RECEIVE_ILLEGAL = 1 << 6,
    ESR_ILLEGAL_REGISTER = 1 << 7,

    ICR_LOGICAL = 1 << 11,
    ICR_ASSERT = 1 << 14,
    ICR_LEVEL = 1 << 15,
    ICR_MASK = 0x000ccfff, /* delivery status (12) reads as idle */

    SHORT_NONE = 0,
    SHORT_SELF = 1,
    SHORT_ALL = 2,
    SHORT_OTHERS = 3,
};

/* Bits that software may write, by LVT_INDEX; the timer's mode bits depend on the configuration. */
static const uint32_t lvt_wmask[NUM_LVT] = {
    0x000700ff, /* timer */
    0x000107ff, /* thermal */
    0x000107ff, /* performance */
    0x0001a7ff, /* LINT0 */
    0x0001a7ff, /* LINT1 */
    0x000100ff, /* error */
};

static void set_error(struct apic *a, uint32_t bit);

/* ---- vector sets ---- */

static void set_bit(uint32_t *set, uint8_t v)
{
    set[v / 32] |= 1u << (v % 32);
}

static void clear_bit(uint32_t *set, uint8_t v)
{
    set[v / 32] &= ~(1u << (v % 32));
}

static bool test_bit(const uint32_t *set, uint8_t v)
{
    return set[v / 32] >> (v % 32) & 1;
}

static int highest(const uint32_t *set)
{
    for (int k = 7; k >= 0; k--) {
        if (set[k])
            return k * 32 + 31 - __builtin_clz(set[k]);
    }
    return -1;
}

/* ---- priorities and the INTR line ---- */

uint8_t apic_ppr(const struct apic *a)
{
    int isrv = highest(a->isr);

    if (isrv < 0 || (a->tpr >> 4) >= (isrv >> 4))
        return a->tpr;
    return (uint8_t)(isrv & 0xf0);
}

static uint8_t arbitration_priority(const struct apic *a)
{
    int irrv = highest(a->irr), isrv = highest(a->isr);
    unsigned t = a->tpr >> 4, r = irrv < 0 ? 0 : (unsigned)irrv >> 4;
    unsigned s = isrv < 0 ? 0 : (unsigned)isrv >> 4, p;

    if (t >= r && t > s)
        return a->tpr;
    p = t & s;
    p = p > s ? p : s;
    p = p > r ? p : r;
    return (uint8_t)(p << 4);
}

/* The PIC's request gets through: by message, by LINT0, or straight to the pin. */
static bool extint_ready(const struct apic *a)
{
    uint32_t lint0 = a->lvt[LVT_INDEX(APIC_LVT_LINT0)];

    if (!a->config.pic_ack)
        return false;
    if (!apic_enabled(a))
        return a->lint_level[0];
    if (a->extint_msg)
        return true;
    return a->lint_level[0] && !(lint0 & LVT_MASKED) && bits(lint0, 10, 8) == APIC_EXTINT;
}

/* The vector that may interrupt now, or -1. */
static int deliverable(const struct apic *a)
{
    int irrv = highest(a->irr);

    return irrv >= 0 && (irrv >> 4) > (apic_ppr(a) >> 4) ? irrv : -1;
}

bool apic_intr_pending(const struct apic *a)
{
    return extint_ready(a) || (apic_enabled(a) && deliverable(a) >= 0);
}

static void tell(struct apic *a, enum apic_event ev, unsigned arg)
{
    if (a->config.notify)
        a->config.notify(a->config.opaque, ev, arg);
}

static void update(struct apic *a)
{
    bool level = apic_intr_pending(a);

    if (level == a->intr_level)
        return;
    a->intr_level = level;
    tell(a, APIC_EVENT_INTR, level);
}

int apic_ack(struct apic *a)
{
    int vector;

    if (extint_ready(a)) {
        a->extint_msg = false;
        vector = a->config.pic_ack(a->config.opaque);
    } else {
        vector = apic_enabled(a) ? deliverable(a) : -1;
        if (vector >= 0) {
            clear_bit(a->irr, (uint8_t)vector);
            set_bit(a->isr, (uint8_t)vector);
        }
    }
    update(a);
    return vector;
}

/* ---- acceptance ---- */

/* Puts a vector in the IRR; false when the APIC is disabled by software or the vector is illegal.
 */
static bool accept_vector(struct apic *a, uint8_t vector, bool level)
{
    if (!(a->svr & SVR_ENABLE))
        return false;
    if (vector < 16) {
        set_error(a, ESR_RECEIVE_ILLEGAL);
        return false;
    }
    if (level)
        set_bit(a->tmr, vector);
    else
        clear_bit(a->tmr, vector);
    set_bit(a->irr, vector);
    update(a);
    return true;
}

bool apic_take(struct apic *a, const struct apic_msg *msg)
{
    if (!apic_enabled(a))
        return false;
    switch (msg->mode) {
    case APIC_FIXED:
    case APIC_LOWEST: return accept_vector(a, msg->vector, msg->level);
    case APIC_SMI: tell(a, APIC_EVENT_SMI, 0); return true;
    case APIC_NMI: tell(a, APIC_EVENT_NMI, 0); return true;
    case APIC_INIT: apic_init(a); return true;
    case APIC_SIPI: tell(a, APIC_EVENT_SIPI, msg->vector); return true;
    case APIC_EXTINT:
        a->extint_msg = true;
        update(a);
        return true;
    }
    return false;
}

bool apic_matches(const struct apic *a, uint32_t dest, bool logical)
{
    uint32_t ldr = apic_in_x2(a) ? apic_x2_ldr(a) : a->ldr >> 24;

    if (dest == APIC_DEST_ALL)
        return true;
    if (!logical)
        return dest == (apic_in_x2(a) ? a->config.id : a->id);
    if (apic_in_x2(a))
        return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
    if (dest > 0xff)
        return false;
    if (a->dfr >> 28 == 0xf) /* flat: one bit an APIC */
        return dest & ldr;
    /* cluster: number above, one bit an APIC below; number 15 is all clusters */
    return (dest >> 4 == 0xf || dest >> 4 == ldr >> 4) && (dest & ldr & 0xf);
}

void apic_lvt_fire(struct apic *a, unsigned index)
{
    uint32_t lvt = a->lvt[index];
    bool fixed_only = index == LVT_INDEX(APIC_LVT_TIMER) || index == LVT_INDEX(APIC_LVT_ERROR);
    struct apic_msg msg = {.vector = (uint8_t)lvt};

    if (lvt & LVT_MASKED)
        return;
    if (!fixed_only)
        msg.mode = (enum apic_delivery)bits(lvt, 10, 8);
    if (msg.mode == APIC_EXTINT) {
        update(a); /* only LINT0 has a PIC behind it, and its level says it all */
        return;
    }
    if (msg.mode == APIC_LOWEST || msg.mode == APIC_SIPI || (int)msg.mode == 3) {
        log_guest("apic %u: LVT entry 0x%x has a reserved delivery mode", a->id, lvt);
        return;
    }
    apic_take(a, &msg);
}

/* Gathers an error; the error interrupt itself must not make more of them. */
static void set_error(struct apic *a, uint32_t bit)
{
    uint32_t lvt = a->lvt[LVT_INDEX(APIC_LVT_ERROR)];

    log_guest("apic %u: error 0x%x", a->id, bit);
    a->esr_pending |= bit;
    if ((lvt & 0xff) >= 16)
        apic_lvt_fire(a, LVT_INDEX(APIC_LVT_ERROR));
}

/* ---- the LINT inputs ---- */

static bool lint_level_fixed(const struct apic *a)
{
    uint32_t lvt = a->lvt[LVT_INDEX(APIC_LVT_LINT0)];

    return !(lvt & LVT_MASKED) && (lvt & LVT_LEVEL) && bits(lvt, 10, 8) == APIC_FIXED;
}

/* LINT0 as a level-triggered fixed interrupt: once until the EOI. LINT1 is always edge. */
static void lint_level_check(struct apic *a)
{
    uint32_t *lvt = &a->lvt[LVT_INDEX(APIC_LVT_LINT0)];

    if (!apic_enabled(a) || !a->lint_level[0] || !lint_level_fixed(a) || (*lvt & LVT_RIRR))
        return;
    if (accept_vector(a, (uint8_t)*lvt, true))
        *lvt |= LVT_RIRR;
}

static void lint_set(void *opaque, int n, bool level)
{
    struct apic *a = opaque;
    bool rising = level && !a->lint_level[n];

    a->lint_level[n] = level;
    if (!apic_enabled(a)) {
        if (n == 1 && rising)
            tell(a, APIC_EVENT_NMI, 0);
    } else if (n == 0 && lint_level_fixed(a)) {
        lint_level_check(a);
    } else if (rising) {
        apic_lvt_fire(a, LVT_INDEX(APIC_LVT_LINT0) + (unsigned)n);
    }
    update(a);
}

struct irq_line apic_lint(struct apic *a, unsigned n)
{
    invariant(n < 2);
    return (struct irq_line){lint_set, a, (int)n};
}

void apic_local_interrupt(struct apic *a, enum apic_reg lvt)
{
    invariant(lvt == APIC_LVT_PERF || lvt == APIC_LVT_THERMAL);
    apic_lvt_fire(a, LVT_INDEX(lvt));
    if (lvt == APIC_LVT_PERF)
        a->lvt[LVT_INDEX(lvt)] |= LVT_MASKED;
}

/* ---- registers ---- */

static void end_of_interrupt(struct apic *a)
{
    uint32_t *lint0 = &a->lvt[LVT_INDEX(APIC_LVT_LINT0)];
    int vector = highest(a->isr);

    if (vector < 0)
        return;
    clear_bit(a->isr, (uint8_t)vector);
    update(a);
    if (!test_bit(a->tmr, (uint8_t)vector))
        return;
    if ((*lint0 & LVT_RIRR) && (*lint0 & 0xff) == (uint32_t)vector) {
        *lint0 &= ~LVT_RIRR;
        lint_level_check(a);
    }
    apic_bus_eoi(a->config.bus, (uint8_t)vector);
}

void apic_send_ipi(struct apic *a)
{
    uint32_t icr = a->icr_low;
    struct apic_msg msg = {
        .dest = apic_in_x2(a) ? a->icr_high : apic_dest8((uint8_t)(a->icr_high >> 24)),
        .logical = icr & ICR_LOGICAL,
        .vector = (uint8_t)icr,
        .mode = (enum apic_delivery)bits(icr, 10, 8),
    };

    if (msg.mode == APIC_INIT && (icr & ICR_LEVEL) && !(icr & ICR_ASSERT))
        return; /* INIT level de-assert: only for APICs that arbitrate */
    if ((int)msg.mode == 3 || msg.mode == APIC_EXTINT) {
        log_guest("apic %u: IPI 0x%08x has a reserved delivery mode", a->id, icr);
        return;
    }
    if ((msg.mode == APIC_FIXED || msg.mode == APIC_LOWEST) && msg.vector < 16) {
        set_error(a, ESR_SEND_ILLEGAL);
        return;
    }
    switch (bits(icr, 19, 18)) {
    case SHORT_NONE: apic_bus_send(a->config.bus, &msg); break;
    case SHORT_SELF: apic_take(a, &msg); break;
    case SHORT_ALL: apic_bus_broadcast(a->config.bus, &msg, NULL); break;
    case SHORT_OTHERS: apic_bus_broadcast(a->config.bus, &msg, a); break;
    }
}

static void write_lvt(struct apic *a, unsigned index, uint32_t val)
{
    uint32_t old = a->lvt[index], keep = old & LVT_RIRR;

    val &= lvt_wmask[index];
    if (index == LVT_INDEX(APIC_LVT_TIMER) && !a->config.tsc_to_ns)
        val &= ~(1u << 18);
    if (!(a->svr & SVR_ENABLE))
        val |= LVT_MASKED;
    if (!(val & LVT_LEVEL) || bits(val, 10, 8) != APIC_FIXED)
        keep = 0;
    a->lvt[index] = val | keep;
    if (index == LVT_INDEX(APIC_LVT_TIMER))
        apic_timer_lvt_written(a, old);
    if (index == LVT_INDEX(APIC_LVT_LINT0))
        lint_level_check(a);
    update(a);
}

static void write_svr(struct apic *a, uint32_t val)
{
    a->svr = val & 0x3ff;
    if (a->svr & SVR_ENABLE)
        return;
    for (unsigned k = 0; k < NUM_LVT; k++)
        a->lvt[k] |= LVT_MASKED;
    apic_timer_rearm(a);
    update(a);
}

bool apic_reg_read(struct apic *a, unsigned reg, uint32_t *val)
{
    switch (reg) {
    case APIC_ID: *val = (uint32_t)a->id << 24; return true;
    case APIC_VERSION: *val = APIC_VERSION_VALUE; return true;
    case APIC_TPR: *val = a->tpr; return true;
    case APIC_APR: *val = arbitration_priority(a); return true;
    case APIC_PPR: *val = apic_ppr(a); return true;
    case APIC_EOI: *val = 0; return true; /* write-only */
    case APIC_LDR: *val = a->ldr; return true;
    case APIC_DFR: *val = a->dfr; return true;
    case APIC_SVR: *val = a->svr; return true;
    case APIC_ISR ... APIC_ISR + 7: *val = a->isr[reg - APIC_ISR]; return true;
    case APIC_TMR ... APIC_TMR + 7: *val = a->tmr[reg - APIC_TMR]; return true;
    case APIC_IRR ... APIC_IRR + 7: *val = a->irr[reg - APIC_IRR]; return true;
    case APIC_ESR: *val = a->esr; return true;
    case APIC_ICR_LOW: *val = a->icr_low; return true;
    case APIC_ICR_HIGH: *val = a->icr_high; return true;
    case APIC_LVT_TIMER ... APIC_LVT_ERROR: *val = a->lvt[LVT_INDEX(reg)]; return true;
    case APIC_TIMER_INIT: *val = a->timer_init; return true;
    case APIC_TIMER_COUNT: *val = apic_timer_count(a); return true;
    case APIC_TIMER_DIVIDE: *val = a->timer_divide; return true;
    }
    *val = 0;
    set_error(a, ESR_ILLEGAL_REGISTER);
    return false;
}

bool apic_reg_write(struct apic *a, unsigned reg, uint32_t val)
{
    switch (reg) {
    case APIC_ID: a->id = (uint8_t)(val >> 24); return true;
    case APIC_TPR:
        a->tpr = (uint8_t)val;
        update(a);
        return true;
    case APIC_EOI: end_of_interrupt(a); return true;
    case APIC_LDR: a->ldr = val & 0xff000000; return true;
    case APIC_DFR: a->dfr = val | 0x0fffffff; return true;
    case APIC_SVR: write_svr(a, val); return true;
    case APIC_ESR:
        a->esr = a->esr_pending;
        a->esr_pending = 0;
        return true;
    case APIC_ICR_LOW:
        a->icr_low = val & ICR_MASK;
        apic_send_ipi(a);
        return true;
    case APIC_ICR_HIGH: a->icr_high = val & 0xff000000; return true;
    case APIC_LVT_TIMER ... APIC_LVT_ERROR: write_lvt(a, LVT_INDEX(reg), val); return true;
    case APIC_TIMER_INIT: apic_timer_set_init(a, val); return true;
    case APIC_TIMER_DIVIDE: apic_timer_set_divide(a, val & 0xb); return true;
    case APIC_VERSION:
    case APIC_APR:
    case APIC_PPR:
    case APIC_ISR ... APIC_IRR + 7:
    case APIC_TIMER_COUNT: return true; /* read-only */
    }
    set_error(a, ESR_ILLEGAL_REGISTER);
    return false;
}

/* ---- the CPU's side ---- */

unsigned apic_get_tpr(const struct apic *a)
{
    return a->tpr >> 4;
}

void apic_set_tpr(struct apic *a, unsigned cr8)
{
    a->tpr = (uint8_t)((cr8 & 0xf) << 4);
    update(a);
}

uint64_t apic_base_read(const struct apic *a)
{
    return a->base_msr;
}

bool apic_claims(const struct apic *a, uint64_t gpa)
{
    return apic_enabled(a) && !apic_in_x2(a) && (gpa & ~UINT64_C(0xfff)) == apic_page_base(a);
}

/* All registers but the id and the base MSR as after INIT; the wires keep their levels. */
static void init_registers(struct apic *a)
{
    apic_timer_stop(a);
    a->tpr = 0;
    a->extint_msg = false;
    a->ldr = 0;
    a->dfr = 0xffffffff;
    a->svr = 0xff;
    memset(a->isr, 0, sizeof(a->isr));
    memset(a->tmr, 0, sizeof(a->tmr));
    memset(a->irr, 0, sizeof(a->irr));
    a->esr = a->esr_pending = 0;
    a->icr_low = a->icr_high = 0;
    for (unsigned k = 0; k < NUM_LVT; k++)
        a->lvt[k] = LVT_MASKED;
}

bool apic_base_write(struct apic *a, uint64_t val)
{
    unsigned phys = a->config.phys_bits ? a->config.phys_bits : 40;
    uint64_t reserved = UINT64_C(0x2ff) | ~((UINT64_C(1) << phys) - 1);
    bool was = apic_enabled(a);

    if (!a->config.x2apic)
        reserved |= BASE_X2APIC;
    if ((val & reserved) || !apic_base_transition_ok(a->base_msr, val))
        return false;
    a->base_msr = (val & ~(uint64_t)BASE_BSP) | (a->base_msr & BASE_BSP);
    if (was && !apic_enabled(a)) {
        a->id = a->config.id;
        init_registers(a);
    }
    apic_bus_changed(a->config.bus);
    update(a);
    return true;
}

void apic_init(struct apic *a)
{
    init_registers(a);
    update(a);
    tell(a, APIC_EVENT_INIT, 0);
}

uint8_t apic_id(const struct apic *a)
{
    return a->id;
}

void apic_set_virtual_wire(struct apic *a)
{
    apic_reg_write(a, APIC_SVR, SVR_ENABLE | 0xff);
    apic_reg_write(a, APIC_LVT_LINT0, APIC_EXTINT << 8);
    apic_reg_write(a, APIC_LVT_LINT1, APIC_NMI << 8);
}

/* ---- the device ---- */

static void apic_reset(void *self)
{
    struct apic *a = self;

    a->id = a->config.id;
    a->base_msr = APIC_DEFAULT_BASE | BASE_ENABLE | (a->config.bsp ? BASE_BSP : 0);
    init_registers(a);
    apic_bus_changed(a->config.bus);
    update(a);
}

static void apic_post_load(void *self)
{
    struct apic *a = self;

    timer_cancel(&a->timer);
    apic_timer_rearm(a);
    apic_bus_changed(a->config.bus);
    update(a);
}

static void apic_destroy(void *self)
{
    struct apic *a = self;

    timer_cancel(&a->timer);
    apic_bus_remove(a->config.bus, a);
    g_free(a);
}

static const struct state_field apic_fields[] = {
    STATE_FIELD(struct apic, base_msr),     STATE_FIELD(struct apic, id),
    STATE_FIELD(struct apic, tpr),          STATE_KEEP(struct apic, lint_level),
    STATE_FIELD(struct apic, extint_msg),   STATE_FIELD(struct apic, ldr),
    STATE_FIELD(struct apic, dfr),          STATE_FIELD(struct apic, svr),
    STATE_ARRAY(struct apic, isr),          STATE_ARRAY(struct apic, tmr),
    STATE_ARRAY(struct apic, irr),          STATE_FIELD(struct apic, esr),
    STATE_FIELD(struct apic, esr_pending),  STATE_FIELD(struct apic, icr_low),
    STATE_FIELD(struct apic, icr_high),     STATE_ARRAY(struct apic, lvt),
    STATE_FIELD(struct apic, timer_init),   STATE_FIELD(struct apic, timer_divide),
    STATE_FIELD(struct apic, timer_done),   STATE_FIELD(struct apic, timer_start),
    STATE_FIELD(struct apic, tsc_deadline), STATE_END,
};

static const struct device_type apic_type = {
    .name = "apic",
    .version = 1,
    .fields = apic_fields,
    .reset = apic_reset,
    .post_load = apic_post_load,
    .destroy = apic_destroy,
};

struct apic *apic_new(const struct apic_config *config, GError **err)
{
    struct apic *a = g_new0(struct apic, 1);

    a->dev = (struct device){&apic_type, a};
    a->config = *config;
    if (!a->config.timer_hz)
        a->config.timer_hz = NS_PER_SEC;
    a->id = config->id;
    apic_timer_setup(a);
    if (!apic_bus_add(config->bus, a, err)) {
        g_free(a);
        return NULL;
    }
    device_reset(&a->dev);
    return a;
}

struct device *apic_device(struct apic *a)
{
    return &a->dev;
}
