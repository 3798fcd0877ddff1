/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * High precision event timers at 0xfed00000: one 64-bit counter of 100 MHz and three comparators,
 * all able to be periodic. IA-PC HPET specification 1.0a. The ACPI HPET table's block id is
 * HPET_BLOCK_ID.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_PC_HPET_H
#define DEVICES_PC_HPET_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq.h"

#define HPET_DEFAULT_BASE UINT64_C(0xfed00000)
#define HPET_LEN          0x400
#define HPET_NUM_TIMERS   3
#define HPET_BLOCK_ID     0x8086a201u /* Intel, legacy route, 64-bit, three comparators, revision 1 */
#define HPET_NUM_GSIS     24

struct hpet;

struct hpet_config {
    struct bus *mmio;
    struct vclock *clock;
    /* Legacy replacement: timer 0 as ISA IRQ 0 (on boards of this kind IO-APIC input 2), timer 1 as
     * ISA IRQ 8. */
    struct irq_line irq0, irq8;
    /* IO-APIC inputs for the other routes; those with no `set` are not offered to the guest. */
    struct irq_line gsi[HPET_NUM_GSIS];
    void *opaque; /* of legacy */
    /* Legacy replacement went on or off: the board cuts the PIT off IRQ 0 and the RTC off IRQ 8
     * meanwhile. May be NULL. */
    void (*legacy)(void *opaque, bool on);
};

/* Maps at HPET_DEFAULT_BASE; NULL with an error when it is taken. */
struct hpet *hpet_new(const struct hpet_config *config, GError **err);
struct device *hpet_device(struct hpet *h);

#endif
