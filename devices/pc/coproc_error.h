/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The AT's coprocessor error logic: FERR# of the processor becomes interrupt 13, which a write to
 * port F0 takes back, asserting IGNNE# in its place so that the handler can use the x87. All calls
 * with the device lock held.
 */
#ifndef DEVICES_PC_COPROC_ERROR_H
#define DEVICES_PC_COPROC_ERROR_H

#include <glib.h>

#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq.h"

struct coproc_error_config {
    struct bus *ports;
    struct irq_line irq13;
    /* IGNNE# is asserted; it falls by itself when FERR# does. Called within the guest's write. */
    void (*ignne)(void *opaque);
    void *opaque;
};

struct coproc_error;

/* NULL with an error when the port is taken. */
struct coproc_error *coproc_error_new(const struct coproc_error_config *cfg, GError **err);
struct device *coproc_error_device(struct coproc_error *c);

/* FERR# of the processor, high when asserted. */
struct irq_line coproc_error_ferr_input(struct coproc_error *c);

#endif
