/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board's ACPI tables. They are built once as relocatable blobs plus a linker script in the
 * format of fw_cfg's "etc/table-loader", which SeaBIOS executes; where no firmware runs,
 * acpi_place() executes the same script against guest memory. ACPI specification 3.0b; MADT and
 * FADT of its revisions 1 and 3, which every guest from Windows 2000 on reads.
 */
#ifndef MACHINE_ACPI_H
#define MACHINE_ACPI_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/e820.h"

/* Optional chips that the tables should announce. The numbers are known to machine/dsdt.asl. */
enum acpi_chip {
    ACPI_CHIP_COM1 = 1 << 0,
    ACPI_CHIP_COM2 = 1 << 1,
    ACPI_CHIP_COM3 = 1 << 2,
    ACPI_CHIP_COM4 = 1 << 3,
    ACPI_CHIP_LPT1 = 1 << 4,
    ACPI_CHIP_FDC = 1 << 5,
    ACPI_CHIP_HPET = 1 << 6,
};

#define ACPI_MAX_CPUS 64

struct acpi_config {
    unsigned cpus;           /* 1..ACPI_MAX_CPUS; their APIC ids are 0..cpus-1 */
    unsigned chips;          /* of enum acpi_chip */
    uint32_t pci_hole_start; /* the 32-bit PCI window runs from here to the I/O APIC */
    uint64_t pci64_base;     /* the 64-bit window; `pci64_len` 0: none */
    uint64_t pci64_len;
    uint16_t pm_base; /* where firmware has put the PM block; 0: ACPI_PM_BASE. The blobs' sizes do
                         not depend on it */
};

/* The tables before they have addresses. Owned by whoever built them. */
struct acpi_blobs {
    GByteArray *tables; /* "etc/acpi/tables": wants 64-byte alignment */
    GByteArray *rsdp;   /* "etc/acpi/rsdp": to lie on 16 bytes in 0xe0000-0xfffff */
    GByteArray *script; /* "etc/table-loader" */
    uint32_t facs;      /* the FACS' offset in the tables */
};

#define ACPI_FILE_TABLES "etc/acpi/tables"
#define ACPI_FILE_RSDP   "etc/acpi/rsdp"
#define ACPI_FILE_SCRIPT "etc/table-loader"

/* Builds everything. Cannot fail; `cfg` is only read. */
struct acpi_blobs *acpi_build(const struct acpi_config *cfg);
void acpi_blobs_free(struct acpi_blobs *b);

/* Copies the tables to `tables_gpa` (a multiple of 64) and the RSDP to `rsdp_gpa` (of 16), then
 * runs the script: sets pointers and checksums. False, with nothing promised about memory, when
 * they do not fit in RAM there. */
bool acpi_place(const struct acpi_blobs *b, const struct guest_ram *ram, uint64_t tables_gpa,
                uint64_t rsdp_gpa);

#endif
