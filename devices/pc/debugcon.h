/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The debug console of Bochs and its heirs: a port whose bytes go straight to the host; reading it
 * gives 0xe9, which is how firmware knows that it is there.
 */
#ifndef DEVICES_PC_DEBUGCON_H
#define DEVICES_PC_DEBUGCON_H

#include <glib.h>
#include <stdint.h>

#include "backends/char.h"
#include "devices/bus.h"
#include "devices/device.h"

struct debugcon_config {
    struct bus *ports;
    uint16_t base;       /* 0: 0xe9; SeaBIOS and OVMF write to 0x402 */
    struct chardev *chr; /* may be NULL; outlives the device */
};

struct debugcon;

/* NULL with an error when the port is taken. */
struct debugcon *debugcon_new(const struct debugcon_config *cfg, GError **err);
struct device *debugcon_device(struct debugcon *d);

#endif
