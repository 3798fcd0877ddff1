/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks, CDs and floppies: their controllers and drives on the board. Device lock held, no vCPU
 * running. */
#ifndef MACHINE_DEVICES_STORAGE_H
#define MACHINE_DEVICES_STORAGE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct board;

/* The drives of the configuration that have a place on the IDE cables (if=ide). False with one
 * clear error. */
bool storage_attach_ide(struct board *b, GError **err);

/* The floppy controller and its drives, if the configuration has any (if=floppy). False with one
 * clear error. */
bool storage_attach_floppies(struct board *b, GError **err);

/* The tray of the drive at `place` of a controller was moved: front ends are told. */
void storage_tray_moved(struct board *b, const void *controller, unsigned place, bool open);

#endif
