/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of a mode 1 CD-ROM sector around its 2048 bytes of data: sync pattern, header, EDC and
 * the two layers of Reed-Solomon parity. ECMA-130 (Yellow Book), clause 14 and annexes A and B; the
 * choice of parts by READ CD, MMC-3 (T10 1363D) table 212.
 */
#include "devices/storage/ide_cd.h"

#include "base/bits.h"

#define WANT_SYNC      0x80
#define WANT_SUBHEADER 0x40 /* mode 1 has none */
#define WANT_HEADER    0x20
#define WANT_DATA      0x10
#define WANT_PARITY    0x08

#define OFF_HEADER 12
#define OFF_DATA   16
#define OFF_EDC    2064
#define OFF_P      2076
#define OFF_Q      2248

/* CRC-32 with the polynomial (x^16+x^15+x^2+1)(x^16+x^2+x+1), bits reflected. */
static uint32_t edc(const uint8_t *p, unsigned len)
{
    uint32_t crc = 0;

    while (len--) {
        crc ^= *p++;
        for (unsigned k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xd8018001u : 0);
    }
    return crc;
}

/* Times alpha in GF(2^8) with x^8+x^4+x^3+x^2+1. */
static uint8_t times2(uint8_t v)
{
    return (uint8_t)(v << 1 ^ (v & 0x80 ? 0x1d : 0));
}

static uint8_t divide_by_3(uint8_t v)
{
    /* 3 is alpha + 1; its inverse is f4h */
    uint8_t r = 0, m = 0xf4;

    for (; m; m >>= 1, v = times2(v))
        if (m & 1)
            r ^= v;
    return r;
}

/*
 * One layer: `vectors` code words of `length` data bytes each, taken from the `size` bytes at p
 * (which start with the header) by steps of `step` from the vector's first byte, wrapping round.
 * The two parity bytes q0, q1 follow from: the sum of all bytes is 0, and so is their sum with each
 * weighed by alpha to the power of its distance from the end.
 */
static void parity(const uint8_t *p, uint8_t *out, unsigned vectors, unsigned length,
                   unsigned start, unsigned step, unsigned size)
{
    for (unsigned v = 0; v < vectors; v++) {
        unsigned at = (v >> 1) * start + (v & 1);
        uint8_t sum = 0, weighed = 0;

        for (unsigned k = 0; k < length; k++) {
            sum ^= p[at];
            weighed = times2(weighed ^ p[at]);
            at += step;
            if (at >= size)
                at -= size;
        }
        /* q0 + q1 = sum and alpha * q0 + q1 = alpha * weighed: hence (alpha + 1) * q0 */
        out[v] = divide_by_3(times2(weighed) ^ sum);
        out[v + vectors] = out[v] ^ sum;
    }
}

static uint8_t bcd(uint8_t v)
{
    return (uint8_t)(v / 10 << 4 | v % 10);
}

static void build(uint8_t *s, uint32_t lba, const uint8_t *data)
{
    memset(s, 0xff, OFF_HEADER);
    s[0] = s[11] = 0;
    ide_cd_msf(s + OFF_HEADER, lba);
    for (unsigned k = 0; k < 3; k++)
        s[OFF_HEADER + k] = bcd(s[OFF_HEADER + k]);
    s[15] = 1;
    memcpy(s + OFF_DATA, data, CD_SECTOR);
    st_le32(s + OFF_EDC, edc(s, OFF_EDC));
    memset(s + OFF_EDC + 4, 0, 8);
    parity(s + OFF_HEADER, s + OFF_P, 86, 24, 2, 86, 2064);
    parity(s + OFF_HEADER, s + OFF_Q, 52, 43, 86, 88, 2236);
}

uint32_t ide_cd_raw_size(uint8_t parts)
{
    return (parts & WANT_SYNC ? OFF_HEADER : 0u) + (parts & WANT_HEADER ? 4u : 0u) +
           (parts & WANT_DATA ? CD_SECTOR : 0u) +
           (parts & WANT_PARITY ? CD_RAW_SECTOR - OFF_EDC : 0u);
}

static uint8_t *append(uint8_t *out, const uint8_t *from, uint32_t len)
{
    memcpy(out, from, len);
    return out + len;
}

uint32_t ide_cd_raw_build(uint8_t *out, uint8_t parts, uint32_t lba, const uint8_t *data)
{
    uint8_t sector[CD_RAW_SECTOR], *p = out;

    build(sector, lba, data);
    if (parts & WANT_SYNC)
        p = append(p, sector, OFF_HEADER);
    if (parts & WANT_HEADER)
        p = append(p, sector + OFF_HEADER, 4);
    if (parts & WANT_DATA)
        p = append(p, sector + OFF_DATA, CD_SECTOR);
    if (parts & WANT_PARITY)
        p = append(p, sector + OFF_EDC, CD_RAW_SECTOR - OFF_EDC);
    return (uint32_t)(p - out);
}
