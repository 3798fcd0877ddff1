/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds and reads the firmware images: SeaBIOS and its VGA BIOS as Debian packages them, or what
 * the user names with -bios and -L. An image is checked for a plausible shape, never for its maker.
 */
#ifndef MACHINE_FIRMWARE_H
#define MACHINE_FIRMWARE_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#define FIRMWARE_BIOS    "bios-256k.bin"
#define FIRMWARE_VGABIOS "vgabios-stdvga.bin"

struct firmware_image {
    uint8_t *data;
    size_t size;
    char *path; /* where it was found, for messages */
};

/* Reads the system firmware. `name` is a path, or a bare name that is looked for in `dir` (may be
 * NULL) and then where Debian puts firmware; NULL means SeaBIOS. Its size is a multiple of 64 KiB,
 * at most 16 MiB; it is mapped to end at 4 GiB. NULL with one clear error. */
struct firmware_image *firmware_load_bios(const char *name, const char *dir, GError **err);

/* Reads an expansion ROM in the same way; NULL means the standard VGA BIOS. The image begins with
 * 55 AA, and `size` is rounded up to a power of two (padded with ones), as a ROM BAR wants it. */
struct firmware_image *firmware_load_rom(const char *name, const char *dir, GError **err);

void firmware_free(struct firmware_image *f);

#endif
