/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a BIOS leaves in low memory, for kernels that are started without one. */
#ifndef MACHINE_KERNEL_BDA_H
#define MACHINE_KERNEL_BDA_H

#include <stdbool.h>

#include "machine/e820.h"

/* Writes the interrupt vectors, the BIOS data area, the EBDA and a little code in the F segment.
 * `chips` is of enum acpi_chip. False when there is less than 1 MiB of RAM. */
bool kernel_bda_fill(const struct guest_ram *ram, unsigned chips);

#endif
