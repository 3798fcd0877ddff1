/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the ACPI namespace that depends on the configuration. */
#ifndef MACHINE_ACPI_SSDT_H
#define MACHINE_ACPI_SSDT_H

#include <glib.h>

#include "machine/acpi.h"

/* Appends the SSDT's AML (without a table header): the PCI root's windows and the processors. */
void acpi_ssdt_body(GByteArray *a, const struct acpi_config *cfg);

#endif
