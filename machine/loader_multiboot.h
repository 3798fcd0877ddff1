/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places a Multiboot kernel (ELF32, or any format that fills in the header's address fields) with
 * its modules and information structure. Multiboot Specification 0.6.96.
 */
#ifndef MACHINE_LOADER_MULTIBOOT_H
#define MACHINE_LOADER_MULTIBOOT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/e820.h"
#include "machine/kernel_entry.h"

struct multiboot_module {
    GByteArray *data;
    char *cmdline; /* "file args" as the user wrote it */
};

struct multiboot_boot {
    const char *path;
    const GByteArray *kernel;
    const char *cmdline; /* arguments after the path; NULL: none */
    const struct multiboot_module *modules;
    unsigned n_modules;
};

/* Whether the first 8 KiB hold a Multiboot header with a right checksum. */
bool multiboot_is_image(const GByteArray *file);

/* Checks header and program headers against the file; one clear error names what is wrong. */
bool multiboot_check(const GByteArray *file, const char *path, GError **err);

/* Lays a checked kernel, its modules and its information structure into RAM that `map` calls
 * usable, below `top`, and says how to enter it. False with an error when it does not fit. */
bool multiboot_place(const struct multiboot_boot *b, const struct guest_ram *ram, uint64_t top,
                     const struct e820_map *map, struct kernel_entry *out, GError **err);

#endif
