/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CRC-32C for the CRC32 instruction; see crc32c.h. */
#include "cpu/crc32c.h"

#include <stdbool.h>

#define HALF_BYTE(n) (STEP(STEP(STEP(STEP(n)))))
#define STEP(r)      ((r) >> 1 ^ ((r)&1 ? 0x82f63b78u : 0u))

uint32_t crc32c_portable(uint32_t crc, uint64_t v, unsigned size)
{
    /* remainders of four bits */
    static const uint32_t table[16] = {
        HALF_BYTE(0u),  HALF_BYTE(1u),  HALF_BYTE(2u),  HALF_BYTE(3u),
        HALF_BYTE(4u),  HALF_BYTE(5u),  HALF_BYTE(6u),  HALF_BYTE(7u),
        HALF_BYTE(8u),  HALF_BYTE(9u),  HALF_BYTE(10u), HALF_BYTE(11u),
        HALF_BYTE(12u), HALF_BYTE(13u), HALF_BYTE(14u), HALF_BYTE(15u),
    };

    for (unsigned n = 0; n < 2 * size; n++) {
        crc = crc >> 4 ^ table[(crc ^ v) & 15];
        v >>= 4;
    }
    return crc;
}

__attribute__((target("sse4.2"))) static uint32_t by_host(uint32_t crc, uint64_t v, unsigned size)
{
    switch (size) {
    case 1: return __builtin_ia32_crc32qi(crc, (unsigned char)v);
    case 2: return __builtin_ia32_crc32hi(crc, (unsigned short)v);
    case 4: return __builtin_ia32_crc32si(crc, (unsigned)v);
    default: return (uint32_t)__builtin_ia32_crc32di(crc, v);
    }
}

uint32_t crc32c(uint32_t crc, uint64_t v, unsigned size)
{
    if (__builtin_cpu_supports("sse4.2"))
        return by_host(crc, v, size);
    return crc32c_portable(crc, v, size);
}
