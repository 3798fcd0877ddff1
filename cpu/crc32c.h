/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the CRC32 instruction computes (SDM volume 2): the remainder of CRC-32C (polynomial
 * 11EDC6F41, bits reflected), without the inversions that make a checksum of it.
 */
#ifndef CPU_CRC32C_H
#define CPU_CRC32C_H

#include <stdint.h>

/* `crc` with the low `size` bytes (1, 2, 4 or 8) of v appended. By the host's instruction where it
 * has it. */
uint32_t crc32c(uint32_t crc, uint64_t v, unsigned size);

/* The same on any host. */
uint32_t crc32c_portable(uint32_t crc, uint64_t v, unsigned size);

#endif
