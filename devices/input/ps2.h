/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cable between a PS/2 device and its controller, one byte at a time in either direction. The
 * device queues what it has to say; the controller takes it when its clock line allows.
 */
#ifndef DEVICES_INPUT_PS2_H
#define DEVICES_INPUT_PS2_H

#include <stdint.h>

struct ps2_port {
    void *self; /* the device */
    /* A byte from the controller. May call notify. */
    void (*write)(void *self, uint8_t val);
    /* The device's next byte, or -1 when it has none. Must not call notify. */
    int (*read)(void *self);
    /* Set by the controller: the device has something to say. */
    void (*notify)(void *opaque);
    void *notify_opaque;
};

static inline void ps2_notify(const struct ps2_port *p)
{
    if (p->notify)
        p->notify(p->notify_opaque);
}

#endif
