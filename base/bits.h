/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small helpers on integers and little-endian memory. The host is x86, so guest memory order is the
 * host's and unaligned loads are plain memcpy.
 */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* For functions whose accesses race by design and cannot be C's atomics: guest memory. */
#define RACY __attribute__((no_sanitize("thread")))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Bits hi..lo of v, moved down to bit 0. 0 <= lo <= hi <= 63. */
static inline uint64_t bits(uint64_t v, unsigned hi, unsigned lo)
{
    return (v >> lo) & (~UINT64_C(0) >> (63 - (hi - lo)));
}

/* The low `size` bytes of v; size 1, 2, 4 or 8. */
static inline uint64_t zext(uint64_t v, unsigned size)
{
    return size == 8 ? v : v & ((UINT64_C(1) << (size * 8)) - 1);
}

/* The low `size` bytes of v, sign-extended to 64 bits; size 1, 2, 4 or 8. */
static inline uint64_t sext(uint64_t v, unsigned size)
{
    unsigned sh = 64 - size * 8;

    return (uint64_t)((int64_t)(v << sh) >> sh);
}

/* Little-endian loads and stores at any alignment. */
static inline uint16_t ld_le16(const void *p)
{
    uint16_t v;

    memcpy(&v, p, 2);
    return v;
}

static inline uint32_t ld_le32(const void *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return v;
}

static inline uint64_t ld_le64(const void *p)
{
    uint64_t v;

    memcpy(&v, p, 8);
    return v;
}

static inline void st_le16(void *p, uint16_t v)
{
    memcpy(p, &v, 2);
}

static inline void st_le32(void *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

static inline void st_le64(void *p, uint64_t v)
{
    memcpy(p, &v, 8);
}

/* `size` (1, 2, 4 or 8) little-endian bytes at p as a number, and back. */
static inline uint64_t ld_le(const void *p, unsigned size)
{
    switch (size) {
    case 1: return *(const uint8_t *)p;
    case 2: return ld_le16(p);
    case 4: return ld_le32(p);
    default: return ld_le64(p);
    }
}

static inline void st_le(void *p, uint64_t v, unsigned size)
{
    switch (size) {
    case 1: *(uint8_t *)p = (uint8_t)v; break;
    case 2: st_le16(p, (uint16_t)v); break;
    case 4: st_le32(p, (uint32_t)v); break;
    default: st_le64(p, v); break;
    }
}

#endif
