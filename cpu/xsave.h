/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The XSAVE-managed state: its components, where they stand in an XSAVE area, and which of them are
 * in use. SDM volume 1, 13.1-13.6. IA32_XSS has no bits here: all components are XCR0's.
 */
#ifndef CPU_XSAVE_H
#define CPU_XSAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/features.h"

struct cpu;

#define XSAVE_HEADER   512u /* where the header stands, */
#define XSAVE_EXTENDED 576u /* and the extended region */
#define XSAVE_MAX      2696u

/* XCOMP_BV's top bit: the extended region is compacted. */
#define XCOMP_COMPACT (UINT64_C(1) << 63)

/* Of the component that stands at bit n: its size, and its offset in the standard format. Both are
 * 0 when there is no such one, and for the two of the legacy region. */
struct xsave_component {
    uint16_t size, offset;
};
struct xsave_component xsave_component(unsigned n);

/* The bits of XCR0 that a processor with these features has. */
uint64_t xsave_supported(feature_set features);

/* Whether XCR0 may have that value. */
bool xsave_xcr0_ok(feature_set features, uint64_t xcr0);

/* Where component n stands in an area that holds those of `bv`. */
unsigned xsave_offset(unsigned n, uint64_t bv, bool compact);

/* Bytes of an area that holds the components of `bv`. */
unsigned xsave_size(uint64_t bv, bool compact);

/* XINUSE: the components that are not in their initial configuration (13.6). In the vCPU's thread.
 */
uint64_t xsave_in_use(const struct cpu *cpu);

#endif
