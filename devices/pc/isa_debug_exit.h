/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port by which a test guest ends the emulator with a status of its choice, as QEMU's
 * isa-debug-exit: the value v it writes becomes exit status (v << 1) | 1.
 */
#ifndef DEVICES_PC_ISA_DEBUG_EXIT_H
#define DEVICES_PC_ISA_DEBUG_EXIT_H

#include <glib.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/device.h"

struct isa_debug_exit_config {
    struct bus *ports;
    uint16_t base;   /* usually 0xf4 or 0x501 */
    uint16_t length; /* ports, 1, 2 or 4 */
    /* The guest wrote `val`; called with the device lock held, by the thread that runs the guest.
     */
    void (*exit)(void *opaque, uint32_t val);
    void *opaque;
};

struct isa_debug_exit;

/* NULL with an error when the length makes no sense or the ports are taken. */
struct isa_debug_exit *isa_debug_exit_new(const struct isa_debug_exit_config *cfg, GError **err);
struct device *isa_debug_exit_device(struct isa_debug_exit *d);

#endif
