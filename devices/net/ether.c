/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CRC and checksums of frames; see ether.h. */
#include "devices/net/ether.h"

#include "base/bits.h"

#define POLYNOMIAL 0xedb88320u /* bit-reversed */
#define SLICES     8

static uint32_t table[SLICES][256];

/* table[k][b]: what byte b adds to the CRC when k zero bytes follow it. */
__attribute__((constructor)) static void make_table(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b;

        for (unsigned k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        table[0][b] = crc;
    }
    for (unsigned k = 1; k < SLICES; k++) {
        for (uint32_t b = 0; b < 256; b++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 0xff];
    }
}

size_t ether_gather(uint8_t *frame, size_t max, const struct iovec *iov, unsigned n)
{
    size_t len = 0;

    for (unsigned k = 0; k < n; k++) {
        if (iov[k].iov_len > max - len)
            return 0;
        memcpy(frame + len, iov[k].iov_base, iov[k].iov_len);
        len += iov[k].iov_len;
    }
    if (len < ETHER_MIN) {
        memset(frame + len, 0, ETHER_MIN - len);
        len = ETHER_MIN;
    }
    return len;
}

uint32_t ether_crc(const void *data, size_t len)
{
    const uint8_t *p = data;
    uint32_t crc = ~0u;

    for (; len >= 8; len -= 8, p += 8) {
        uint32_t lo = ld_le32(p) ^ crc, hi = ld_le32(p + 4);

        crc = table[7][lo & 0xff] ^ table[6][lo >> 8 & 0xff] ^ table[5][lo >> 16 & 0xff] ^
              table[4][lo >> 24] ^ table[3][hi & 0xff] ^ table[2][hi >> 8 & 0xff] ^
              table[1][hi >> 16 & 0xff] ^ table[0][hi >> 24];
    }
    while (len--)
        crc = crc >> 8 ^ table[0][(crc ^ *p++) & 0xff];
    return ~crc;
}

unsigned ether_hash6(const uint8_t *addr)
{
    uint32_t crc = ~ether_crc(addr, ETHER_ADDR);
    unsigned hash = 0;

    for (unsigned k = 0; k < 6; k++) /* the register shifts its low bit out first */
        hash = hash << 1 | (crc >> k & 1);
    return hash;
}

uint32_t ether_sum(const void *data, size_t len, uint32_t sum)
{
    const uint8_t *p = data;
    uint64_t wide = sum;

    for (; len >= 4; len -= 4, p += 4)
        wide += ld_le32(p);
    if (len >= 2) {
        wide += ld_le16(p);
        p += 2;
        len -= 2;
    }
    if (len)
        wide += *p;
    while (wide >> 32)
        wide = (wide & 0xffffffff) + (wide >> 32);
    return (uint32_t)wide;
}

uint16_t ether_sum_end(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static unsigned be16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static void check_l4(const uint8_t *ip, size_t header, size_t total, struct ether_checked *c)
{
    const uint8_t *l4 = ip + header;
    size_t len = total - header;
    uint8_t pseudo[4] = {0, ip[9], (uint8_t)(len >> 8), (uint8_t)len};
    uint32_t sum;

    c->udp = ip[9] == 17;
    if (len < (c->udp ? 8u : 20u))
        return;
    if (c->udp && !be16(l4 + 6)) /* its sender made none */
        return;
    sum = ether_sum(pseudo, sizeof(pseudo), ether_sum(ip + 12, 8, 0));
    c->l4 = true;
    c->l4_good = ether_sum_end(ether_sum(l4, len, sum)) == 0;
}

size_t ether_ip_header(const uint8_t *frame, size_t len)
{
    const uint8_t *ip = frame + ETHER_HEADER;
    size_t header;

    if (len < ETHER_HEADER + 20 || be16(frame + 12) != 0x0800 || ip[0] >> 4 != 4)
        return 0;
    header = (ip[0] & 15) * 4u;
    return header < 20 || header > len - ETHER_HEADER ? 0 : header;
}

void ether_fill_ip(uint8_t *frame, size_t len)
{
    uint8_t *ip = frame + ETHER_HEADER;
    size_t header = ether_ip_header(frame, len);

    if (!header)
        return;
    st_le16(ip + 10, 0);
    st_le16(ip + 10, ether_sum_end(ether_sum(ip, header, 0)));
}

void ether_fill_l4(uint8_t *frame, size_t len)
{
    uint8_t *ip = frame + ETHER_HEADER, *l4, *at;
    size_t header = ether_ip_header(frame, len), left;
    uint8_t pseudo[4] = {0};
    uint16_t sum;

    if (!header || (ip[9] != 6 && ip[9] != 17))
        return;
    pseudo[1] = ip[9];
    l4 = ip + header;
    left = len - ETHER_HEADER - header;
    at = l4 + (ip[9] == 6 ? 16 : 6);
    if (left < (ip[9] == 6 ? 20u : 8u) || left > 0xffff)
        return;
    if (be16(ip + 2) >= header && be16(ip + 2) - header < left)
        left = be16(ip + 2) - header; /* without the padding */
    pseudo[2] = (uint8_t)(left >> 8);
    pseudo[3] = (uint8_t)left;
    st_le16(at, 0);
    sum = ether_sum_end(
        ether_sum(l4, left, ether_sum(pseudo, sizeof(pseudo), ether_sum(ip + 12, 8, 0))));
    st_le16(at, ip[9] == 17 && !sum ? 0xffff : sum);
}

struct ether_checked ether_check(const uint8_t *frame, size_t len)
{
    const uint8_t *ip = frame + ETHER_HEADER;
    size_t header = ether_ip_header(frame, len), total;
    struct ether_checked c = {0};

    if (!header)
        return c;
    total = be16(ip + 2);
    if (total < header || total > len - ETHER_HEADER)
        return c;
    c.ip = true;
    c.ip_good = ether_sum_end(ether_sum(ip, header, 0)) == 0;
    if ((ip[9] == 6 || ip[9] == 17) && !(be16(ip + 6) & 0x3fff))
        check_l4(ip, header, total, &c);
    return c;
}

/* Each address or port takes part by itself, so that they may change places. */
unsigned ether_flow(const uint8_t *frame, size_t len)
{
    const uint8_t *ip = frame + ETHER_HEADER, *l4 = NULL;
    size_t header = ether_ip_header(frame, len), end = 0;
    uint32_t h = 0;

    if (header) {
        for (unsigned k = 0; k < 8; k += 2)
            h += (uint32_t)be16(ip + 12 + k) * (k % 4 ? 0x9e3779b1u : 0x85ebca6bu);
        if ((ip[9] == 6 || ip[9] == 17) && !(be16(ip + 6) & 0x3fff))
            end = ETHER_HEADER + header + 4, l4 = ip + header;
    } else if (len >= ETHER_HEADER + 40u && be16(frame + 12) == 0x86dd) {
        for (unsigned k = 0; k < 32; k += 2)
            h += be16(ip + 8 + k) * (0x9e3779b1u + (k % 16) * 0x1000193u);
        if (ip[6] == 6 || ip[6] == 17)
            end = ETHER_HEADER + 44, l4 = ip + 40;
    }
    if (l4 && end <= len)
        h += ((uint32_t)be16(l4) + be16(l4 + 2)) * 0xc2b2ae35u;
    return h >> 16 ^ h >> 8;
}
