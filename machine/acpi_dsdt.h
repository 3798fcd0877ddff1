/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The compiled machine/dsdt.asl: a whole table with its header, embedded at build time. */
#ifndef MACHINE_ACPI_DSDT_H
#define MACHINE_ACPI_DSDT_H

extern const unsigned char acpi_dsdt[];
extern const unsigned int acpi_dsdt_len;

#endif
