/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC of one CPU (xAPIC and x2APIC), Intel SDM volume 3 chapter "Advanced Programmable
 * Interrupt Controller". Messages between APICs go over an apic_bus (devices/pc/apic_bus.h), which
 * must outlive them. The CPU sees it through calls and one callback; nothing here knows what a CPU
 * is.
 *
 * All calls with the device lock held, by whichever thread.
 */
#ifndef DEVICES_PC_APIC_H
#define DEVICES_PC_APIC_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "devices/device.h"
#include "devices/irq.h"

#define APIC_DEFAULT_BASE UINT64_C(0xfee00000)

/* What an APIC tells its CPU. */
enum apic_event {
    APIC_EVENT_INTR, /* the INTR level changed; arg is 1 or 0. While 1, apic_ack has a vector */
    APIC_EVENT_NMI,
    APIC_EVENT_SMI,
    APIC_EVENT_INIT, /* the APIC itself has already been put in its INIT state */
    APIC_EVENT_SIPI, /* arg is the vector; to be ignored by a CPU that is not waiting for it */
};

/* Registers by index (MMIO offset / 16; x2APIC MSR - 0x800). */
enum apic_reg {
    APIC_ID = 0x02,
    APIC_VERSION = 0x03,
    APIC_TPR = 0x08,
    APIC_APR = 0x09,
    APIC_PPR = 0x0a,
    APIC_EOI = 0x0b,
    APIC_LDR = 0x0d,
    APIC_DFR = 0x0e,
    APIC_SVR = 0x0f,
    APIC_ISR = 0x10,
    APIC_TMR = 0x18,
    APIC_IRR = 0x20,
    APIC_ESR = 0x28,
    APIC_ICR_LOW = 0x30,
    APIC_ICR_HIGH = 0x31,
    APIC_LVT_TIMER = 0x32,
    APIC_LVT_THERMAL = 0x33,
    APIC_LVT_PERF = 0x34,
    APIC_LVT_LINT0 = 0x35,
    APIC_LVT_LINT1 = 0x36,
    APIC_LVT_ERROR = 0x37,
    APIC_TIMER_INIT = 0x38,
    APIC_TIMER_COUNT = 0x39,
    APIC_TIMER_DIVIDE = 0x3e,
    APIC_SELF_IPI = 0x3f, /* x2APIC */
};

struct apic;
struct apic_bus;

struct apic_config {
    struct apic_bus *bus;
    struct vclock *clock;
    uint8_t id;         /* initial APIC id, unique on the bus, below 255 */
    bool bsp;           /* the bootstrap processor: bit 8 of the base MSR */
    unsigned phys_bits; /* bounds the base MSR; 0 means 40 */
    bool x2apic;        /* it has that mode */
    uint64_t timer_hz;  /* timer clock before the divider; 0 means 1 GHz */
    void *opaque;       /* of the callbacks */
    void (*notify)(void *opaque, enum apic_event ev, unsigned arg);
    int (*pic_ack)(void *opaque); /* the PIC's vector for an ExtINT; NULL without a PIC */
    /* The virtual time (ns, rounded up) at which this CPU's TSC reaches `tsc`; NULL: no
     * TSC-deadline mode (CPUID must then not offer it). */
    int64_t (*tsc_to_ns)(void *opaque, uint64_t tsc);
};

/* Adds an APIC to the bus, in its power-on state. NULL with an error when the id is taken. */
struct apic *apic_new(const struct apic_config *config, GError **err);
struct device *apic_device(struct apic *a);

/* ---- the CPU's side ---- */

/* Whether INTR is asserted: apic_ack would give a vector. */
bool apic_intr_pending(const struct apic *a);

/* Acknowledges: the vector to deliver, or -1 when none is left. An ExtINT asks the PIC. */
int apic_ack(struct apic *a);

/* CR8 (0..15) is the high half of the task priority. */
unsigned apic_get_tpr(const struct apic *a);
void apic_set_tpr(struct apic *a, unsigned cr8);

/* IA32_APIC_BASE. apic_base_write returns false when the value must raise #GP: reserved bits are
 * set, or there is no such way from mode to mode (SDM 3A 11.12.5). */
uint64_t apic_base_read(const struct apic *a);
bool apic_base_write(struct apic *a, uint64_t val);

/* Whether the APIC's registers answer at this page (gpa & ~0xfff) for its own CPU. */
bool apic_claims(const struct apic *a, uint64_t gpa);

/* IA32_TSC_DEADLINE. apic_tsc_changed: the TSC jumped, deadlines are to be computed anew. */
uint64_t apic_tsc_deadline_read(const struct apic *a);
void apic_tsc_deadline_write(struct apic *a, uint64_t tsc);
void apic_tsc_changed(struct apic *a);

/* The x2APIC's MSRs, 0x800 to 0x8ff. False when the access must raise #GP: not in that mode, no
 * such register, not readable or writable, reserved bits set. */
bool apic_msr_read(struct apic *a, uint32_t index, uint64_t *val);
bool apic_msr_write(struct apic *a, uint32_t index, uint64_t val);

/* Register access apart from how it came (MMIO, or an MSR that apic_x2.c let through): reg is
 * 0..0x3f. Accesses to reserved registers set the ESR's illegal register bit and return false. */
bool apic_reg_read(struct apic *a, unsigned reg, uint32_t *val);
bool apic_reg_write(struct apic *a, unsigned reg, uint32_t val);

/* The INIT signal (pin or message): everything but the id and the base MSR; tells the CPU. */
void apic_init(struct apic *a);

/* ---- the board's side ---- */

uint8_t apic_id(const struct apic *a);

/* Its state as lines of text for a person (apic_view.c). */
void apic_describe(const struct apic *a, GString *out);

/* Inputs LINT0 (n = 0: the PIC's INTR) and LINT1 (n = 1: NMI). With the APIC disabled in the base
 * MSR they are the CPU's INTR and NMI pins. */
struct irq_line apic_lint(struct apic *a, unsigned n);

/* A local source (performance counters, thermal sensor) raises its interrupt: APIC_LVT_PERF or
 * APIC_LVT_THERMAL. A performance interrupt masks its entry, as the hardware does. */
void apic_local_interrupt(struct apic *a, enum apic_reg lvt);

/* As firmware leaves a bootstrap CPU for a PIC-only system (virtual wire mode: enabled, LINT0
 * ExtINT, LINT1 NMI); for boots without firmware, after each reset. */
void apic_set_virtual_wire(struct apic *a);

#endif
