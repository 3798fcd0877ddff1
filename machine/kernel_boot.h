/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boots a kernel without firmware (`-kernel`): reads and checks the files once, then lays
 * everything a firmware would have left into guest memory, at every start and reset of the machine:
 * BIOS data area, ACPI and SMBIOS tables, memory map, the kernel itself with its RAM disk or
 * modules.
 *
 * What the board has to do besides, since no firmware runs: make 0xc0000-0xfffff readable RAM
 * (PAM), put the VGA into text mode 3 with a font, call acpi_pm_set_bases() (and acpi_pm_new
 * without an `smi` hook lets ACPI be switched on without a handler), and enter the kernel as the
 * entry structure says. PCI functions get
 * their BARs from machine/pci_assign.h; Linux would do that itself, by the ACPI windows and links.
 */
#ifndef MACHINE_KERNEL_BOOT_H
#define MACHINE_KERNEL_BOOT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/acpi.h"
#include "machine/e820.h"
#include "machine/kernel_entry.h"
#include "machine/loader_linux.h"
#include "machine/smbios.h"

struct kernel_boot;

struct kernel_boot_config {
    const char *kernel;
    /* Linux: one file. Multiboot: modules "file args,file2 args" (a comma in a name is doubled).
     * NULL: none. */
    const char *initrd;
    const char *append; /* NULL: empty */
    enum linux_entry entry;
    bool long_mode; /* the guest's processor has it */
};

/* Reads and checks the files. NULL with one clear error that names the file. */
struct kernel_boot *kernel_boot_load(const struct kernel_boot_config *cfg, GError **err);
void kernel_boot_free(struct kernel_boot *k);

/* Lays it all into RAM. `acpi` and `smbios` may be NULL; `chips` (of enum acpi_chip) fills the BIOS
 * data area's list of serial ports. False with an error when the guest's RAM is too small. */
bool kernel_boot_place(const struct kernel_boot *k, const struct guest_ram *ram,
                       const struct acpi_blobs *acpi, const struct smbios_blobs *smbios,
                       unsigned chips, struct kernel_entry *out, GError **err);

/* After S3: how to enter what the guest left in the FACS that kernel_boot_place laid out. False
 * when it left nothing that can be entered. */
bool kernel_boot_resume(const struct guest_ram *ram, const struct acpi_blobs *acpi,
                        const struct smbios_blobs *smbios, struct kernel_entry *out);

#endif
