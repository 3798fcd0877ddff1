/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kinds of virtio devices have in common; for devices_FAMILY.c. */
#ifndef MACHINE_DEVICES_VIRTIO_H
#define MACHINE_DEVICES_VIRTIO_H

#include "devices/virtio/virtio.h"
#include "machine/device_kind.h"

/* For the table of properties. */
#define VIRTIO_PROPS                                                                               \
    {.name = "disable-legacy", .type = PROP_ON_OFF, .what = "no registers of before VIRTIO 1.0"},  \
    {                                                                                              \
        .name = "disable-modern", .type = PROP_ON_OFF, .what = "only those"                        \
    }

/* What these ask for; false with an error when they leave nothing. */
bool virtio_form_of(const struct device_config *c, enum virtio_form *form, GError **err);

/* Whether `queue-size` is one; false with an error when not. */
bool virtio_queue_size(const struct device_config *c, GError **err);

/* Makes a disk of each drive that was given with if=virtio. Device lock held; false with an error.
 */
bool board_build_virtio_drives(struct board *b, GError **err);

extern const struct device_kind virtio_balloon_kind, virtio_blk_kind, virtio_serial_kind,
    virtio_console_kind, virtio_line_kind;

#endif
