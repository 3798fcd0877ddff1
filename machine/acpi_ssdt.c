/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See acpi_ssdt.h. */
#include "machine/acpi_ssdt.h"

#include <stdio.h>

#include "machine/acpi_aml.h"

#define HOLE_LAST 0xfebfffffu /* the I/O APIC's page follows */

/* \_SB.PCI0._CRS: what the host bridge passes on to the bus. */
static void pci_windows(GByteArray *a, const struct acpi_config *cfg)
{
    guint scope = aml_scope(a, "\\_SB.PCI0"), res;

    aml_name(a, "_CRS");
    res = aml_resources(a);
    aml_bus_range(a, 0x00, 0xff);
    aml_io(a, 0x0cf8, 8);
    aml_io_window(a, 0x0000, 0x0cf7);
    aml_io_window(a, 0x0d00, 0xffff);
    aml_mem32_window(a, 0x000a0000, 0x000bffff, true);
    aml_mem32_window(a, cfg->pci_hole_start, HOLE_LAST, false);
    if (cfg->pci64_len)
        aml_mem64_window(a, cfg->pci64_base, cfg->pci64_base + (cfg->pci64_len - 1));
    aml_resources_end(a, res);
    aml_end(a, scope);
}

static void processors(GByteArray *a, const struct acpi_config *cfg)
{
    guint scope = aml_scope(a, "\\_SB");

    for (unsigned k = 0; k < cfg->cpus; k++) {
        char name[5];

        snprintf(name, sizeof(name), "C%03X", k & 0xfffu);
        aml_processor(a, name, (uint8_t)k);
    }
    aml_end(a, scope);
}

void acpi_ssdt_body(GByteArray *a, const struct acpi_config *cfg)
{
    pci_windows(a, cfg);
    processors(a, cfg);
}
