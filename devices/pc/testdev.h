/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The test device that kvm-unit-tests expects: ports that keep what is written to them (0xe0-0xe3
 * as a whole, 0xe8-0xeb byte by byte), one that has a page's translations forgotten (0xe4), a line
 * of ports at 0x2000 that drive interrupt inputs, and scratch memory at 0xff000000. All calls with
 * the device lock held.
 */
#ifndef DEVICES_PC_TESTDEV_H
#define DEVICES_PC_TESTDEV_H

#include <glib.h>

#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq.h"

#define TESTDEV_NUM_IRQS 24

struct testdev_config {
    struct bus *ports;
    struct bus *mmio;
    /* Translations to the guest-physical page at gpa are to be made anew: may be NULL. */
    void (*flush_page)(void *opaque, uint64_t gpa);
    void *opaque;
    struct irq_line irq[TESTDEV_NUM_IRQS]; /* global interrupt inputs, as the IO-APIC counts them */
};

struct testdev;

/* NULL with an error when the addresses are taken. */
struct testdev *testdev_new(const struct testdev_config *cfg, GError **err);
struct device *testdev_device(struct testdev *t);

#endif
