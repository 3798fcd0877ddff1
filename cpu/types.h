/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address types: a guest virtual (linear) address, a guest physical one, a frame number, a host
 * one. */
#ifndef CPU_TYPES_H
#define CPU_TYPES_H

#include <stdint.h>

typedef uint64_t gva_t;
typedef uint64_t gpa_t;
typedef uint64_t gfn_t;
typedef uintptr_t hva_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE  UINT64_C(4096)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#endif
