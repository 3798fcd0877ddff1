/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Just enough of an AML writer for the SSDT: names, scopes, processors and resource templates. ACPI
 * specification 3.0b, chapters 6.4 (resource descriptors) and 19 (AML encoding). Everything is
 * appended to a byte array.
 */
#ifndef MACHINE_ACPI_AML_H
#define MACHINE_ACPI_AML_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* ScopeOp on a path as it stands in ASL ("\\_SB.PCI0"; segments of up to 4 characters). Returns a
 * mark for aml_end. */
guint aml_scope(GByteArray *a, const char *path);

/* NameOp; the object must follow. */
void aml_name(GByteArray *a, const char *path);

/* A buffer holding a resource template; the descriptors must follow, then aml_resources_end. */
guint aml_resources(GByteArray *a);
void aml_resources_end(GByteArray *a, guint mark);

/* Closes what aml_scope opened: fills its length in. */
void aml_end(GByteArray *a, guint mark);

/* ProcessorOp without a P_BLK. */
void aml_processor(GByteArray *a, const char *name, uint8_t id);

/* Descriptors, ranges inclusive, all as windows that a bridge passes on (producer). */
void aml_bus_range(GByteArray *a, uint16_t min, uint16_t max);
void aml_io_window(GByteArray *a, uint16_t min, uint16_t max);
void aml_mem32_window(GByteArray *a, uint32_t min, uint32_t max, bool cacheable);
void aml_mem64_window(GByteArray *a, uint64_t min, uint64_t max);

/* A fixed 16-bit-decoded port range that the device itself uses (consumer). */
void aml_io(GByteArray *a, uint16_t base, uint8_t len);

#endif
