/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The images of a board: all that the configuration names are opened before the devices are built,
 * and take requests then; a device takes those that are its own. See machine_drive for their
 * numbers.
 */
#ifndef MACHINE_BOARD_DRIVES_H
#define MACHINE_BOARD_DRIVES_H

#include <glib.h>
#include <stdbool.h>

#include "backends/block.h"
#include "machine/machine.h"

struct board;

/* What a device with a removable medium does for front ends; device lock held. */
struct board_drive_ops {
    /* Puts `fresh` (NULL: nothing) in; *old gets what was there. False with an error, and nothing
     * changed, when the guest has locked it and `force` is false, or the image does not do. */
    bool (*change)(void *device, unsigned place, struct block *fresh, bool force,
                   struct block **old, GError **err);
    bool (*tray_open)(void *device, unsigned place);
    bool (*tray_locked)(void *device, unsigned place);
};

struct board_drive {
    struct block *block; /* NULL: none, or an empty drive */
    bool taken;
    const struct board_drive_ops *ops; /* NULL: the medium stays */
    void *device;
    unsigned place; /* the device's word for it */
    /* The image has another size; NULL: nobody can be told. Device lock held. */
    void (*resized)(void *device);
};

/* Makes the engine and opens the images; false with an error. Closing writes out what the guest
 * wrote. */
bool board_drives_open(struct board *b, GError **err);
void board_drives_close(struct board *b);

/* After all devices were built: false with an error when one that was given to an interface has
 * found no device. */
bool board_drives_check(struct board *b, GError **err);

/* How many requests the images that are in the drives had. Device lock held. */
uint64_t board_count_drives(const struct board *b);

/* Takes the drive with this id for a device: NULL with an error when there is none, or it is taken,
 * or was given to a bus of its own (if=ide). The struct stays the board's; the device fills in ops
 * when its medium can be changed. `d` (unless NULL) gets its configuration. */
struct board_drive *board_take_drive(struct board *b, const char *id,
                                     const struct machine_drive **d, GError **err);

/* Takes the next drive for such an interface, in the order of their indexes; NULL when there is
 * none left. */
struct board_drive *board_next_drive(struct board *b, enum machine_interface interface,
                                     const struct machine_drive **d);

#endif
