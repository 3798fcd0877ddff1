/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disk images of the library: made, and copied. Any thread. */
#ifndef FRONTENDS_LIBRARY_DISK_IMAGE_H
#define FRONTENDS_LIBRARY_DISK_IMAGE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define DISK_IMAGE_MIN (UINT64_C(1) << 20)
#define DISK_IMAGE_MAX (UINT64_C(64) << 40)

/* Makes a raw image of zeroes that takes no room until it is written. Never replaces a file. False
 * with an error that names it. */
bool disk_image_create(const char *path, uint64_t bytes, GError **err);

/* Copies one, holes and all; a file system that can share the blocks does. Never replaces a file,
 * and leaves none behind when it fails. *done (bytes) may be watched by another thread, which may
 * set *stop; both may be NULL. */
bool disk_image_copy(const char *from, const char *to, _Atomic uint64_t *done, _Atomic bool *stop,
                     GError **err);

#endif
