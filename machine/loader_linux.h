/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places a Linux bzImage and its initial RAM disk for entry at its 32-bit or 64-bit entry point.
 * The Linux/x86 Boot Protocol (Documentation/x86/boot.rst and zero-page.rst), versions 2.00
 * to 2.15.
 */
#ifndef MACHINE_LOADER_LINUX_H
#define MACHINE_LOADER_LINUX_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/e820.h"
#include "machine/kernel_entry.h"

enum linux_entry {
    LINUX_ENTRY_AUTO, /* 64-bit where both the kernel and the processor can */
    LINUX_ENTRY_32,
    LINUX_ENTRY_64,
};

struct linux_boot {
    const char *path; /* for messages */
    const GByteArray *kernel;
    const char *initrd_path;  /* for messages */
    const GByteArray *initrd; /* NULL: none */
    const char *cmdline;      /* NULL: empty */
    enum linux_entry entry;
    bool long_mode; /* the processor has it */
};

/* Whether the bytes carry a Linux setup header. */
bool linux_is_image(const GByteArray *file);

/* Checks the whole header against the file; one clear error names what is wrong. */
bool linux_check(const GByteArray *file, const char *path, GError **err);

/* Lays a checked kernel, its zero page, command line, GDT and page tables into RAM, none of it at
 * or above `top` (the end of low RAM that may be used) nor below 0x1000, and says how to enter it.
 * `map` goes to the kernel as it is; `rsdp` is 0 or the RSDP's address. False with an error when it
 * does not fit. */
bool linux_place(const struct linux_boot *b, const struct guest_ram *ram, uint64_t top,
                 const struct e820_map *map, uint64_t rsdp, struct kernel_entry *out, GError **err);

#endif
