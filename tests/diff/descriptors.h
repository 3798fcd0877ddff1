/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One list of local descriptors, for modify_ldt(2) and for the guest's table. */
#ifndef TESTS_DIFF_DESCRIPTORS_H
#define TESTS_DIFF_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

#define DIFF_LDT_COUNT 11

/* Sets the host's LDT up; false when the kernel has no modify_ldt(2). */
bool diff_host_ldt(void);

/* A descriptor of the guest's LDT. */
uint64_t diff_guest_descriptor(unsigned n);

/* Any segment descriptor; attr as in struct segment. */
uint64_t diff_descriptor(uint32_t base, uint32_t limit, unsigned attr);

#endif
