/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The linker script by which firmware gives the ACPI tables their addresses: 128-byte commands that
 * allocate a file, add a file's address to a pointer, or make a checksum. Here are both its writer
 * and its interpreter. The format is that of fw_cfg's "etc/table-loader".
 */
#ifndef MACHINE_ACPI_LINKER_H
#define MACHINE_ACPI_LINKER_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/e820.h"

enum linker_zone {
    LINKER_HIGH = 1, /* anywhere below 4 GiB */
    LINKER_FSEG = 2, /* 0xe0000-0xfffff */
};

/* `file` names must be shorter than 56 characters. */
void linker_allocate(GByteArray *script, const char *file, uint32_t align, enum linker_zone zone);

/* Adds the address of `target` to the pointer of `size` bytes (4 or 8) at `off` in `file`. */
void linker_pointer(GByteArray *script, const char *file, uint32_t off, unsigned size,
                    const char *target);

/* Makes the bytes start..start+len of `file` sum to zero through the one at `off`. */
void linker_checksum(GByteArray *script, const char *file, uint32_t off, uint32_t start,
                     uint32_t len);

/* A file that stands in guest memory already. */
struct linker_file {
    const char *name;
    uint64_t gpa;
    uint32_t len;
};

/* Runs a script over files in guest memory (allocations are taken as done). False when a command is
 * unknown, names another file, or leaves its file or RAM. */
bool linker_run(const GByteArray *script, const struct linker_file *files, unsigned n,
                const struct guest_ram *ram);

#endif
