/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The drives of a machine as front ends see them: what there is, and other media for CD drives. All
 * take the device lock themselves; main thread. */
#ifndef MACHINE_DRIVES_H
#define MACHINE_DRIVES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/machine.h"

struct machine_drive_info {
    char name[64]; /* its id, or "ide1-cd0" (channel, kind, unit), "floppy0" … */
    bool cd;
    bool removable;              /* its medium can be changed */
    bool tray_open, tray_locked; /* of a CD drive; the guest's lock */
    bool readonly;
    bool snapshot;  /* writes are thrown away */
    bool medium;    /* there is one; then: */
    char *file;     /* g_free */
    uint64_t bytes; /* its size */
    const char *format;
    struct block_stats stats;
};

/* Drive n of MACHINE_MAX_DRIVES; false when there is none. */
bool machine_drive_info(struct machine *m, unsigned n, struct machine_drive_info *out);

/* For the first CD drive there is. */
#define MACHINE_FIRST_CD MACHINE_MAX_DRIVES

/* Puts the image `file` into CD drive n (or MACHINE_FIRST_CD), whose tray is closed then; NULL
 * takes out what is there, and leaves the tray open. False with an error, and as before, when it is
 * no CD drive, the image does not do, or the guest has locked the tray (without `force`; it is told
 * of the wish then). */
bool machine_change_medium(struct machine *m, unsigned n, const char *file, bool force,
                           GError **err);

/* Makes the image of drive n larger, and tells the guest. False with an error when its device (but
 * virtio disks none) or the image (but raw files none) knows no such thing, or it would be smaller.
 */
bool machine_resize_drive(struct machine *m, unsigned n, uint64_t bytes, GError **err);

#endif
