/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 82540EM's receiver: which frames it takes (manual 3.2.1, 13.5.1 to 13.5.3), where they go
 * (3.2.3 to 3.2.7), and what it says of their checksums (3.2.9).
 */
#include "devices/net/e1000_state.h"

#include "base/log.h"

#define DESC_SIZE    16u
#define LONG_FRAME   16384u /* a frame with its CRC, with LPE (13.4.22) */
#define NORMAL_FRAME 1522u
#define NUM_RAL      16u

enum {
    ST_DD = 1 << 0,
    ST_EOP = 1 << 1,
    ST_IXSM = 1 << 2,
    ST_VP = 1 << 3,
    ST_TCPCS = 1 << 5,
    ST_IPCS = 1 << 6,
    ST_PIF = 1 << 7,
    ERR_TCPE = 1 << 5,
    ERR_IPE = 1 << 6,
};

static uint32_t ring_size(struct e1000 *s)
{
    return REG(s, E_RDLEN) / DESC_SIZE;
}

/* Descriptors that hardware owns. */
static uint32_t ring_free(struct e1000 *s)
{
    uint32_t size = ring_size(s), head = REG(s, E_RDH), tail = REG(s, E_RDT);

    if (head >= size || tail >= size)
        return 0;
    return tail >= head ? tail - head : size - head + tail;
}

static uint32_t buffer_size(struct e1000 *s)
{
    uint32_t rctl = REG(s, E_RCTL), code = rctl >> 16 & 3;

    if (rctl & RCTL_BSEX)
        return code ? 32768u >> code : 2048;
    return 2048u >> code;
}

bool e1000_can_receive(void *opaque)
{
    struct e1000 *s = opaque;
    uint32_t size = ring_size(s), need;

    if (!(REG(s, E_RCTL) & RCTL_EN) || !size)
        return true; /* and loses it */
    need = (NORMAL_FRAME + buffer_size(s) - 1) / buffer_size(s);
    return ring_free(s) >= MAX(MIN(need, size - 1), 1u);
}

/* ---- filters ---- */

static bool unicast_matches(struct e1000 *s, const uint8_t *dst)
{
    for (unsigned k = 0; k < NUM_RAL; k++) {
        uint32_t low = REG(s, E_RAL + 8 * k), high = REG(s, E_RAL + 8 * k + 4);

        if ((high & RAH_AV) && ld_le32(dst) == low && ld_le16(dst + 4) == (high & 0xffff))
            return true;
    }
    return false;
}

/* Twelve bits of the address, which RCTL.MO picks, choose a bit of the table (13.5.1). */
static bool multicast_matches(struct e1000 *s, const uint8_t *dst)
{
    static const uint8_t shift[] = {4, 3, 2, 0};
    unsigned bit = (unsigned)ld_le16(dst + 4) >> shift[REG(s, E_RCTL) >> 12 & 3] & 0xfff;

    return REG(s, E_MTA + 4 * (bit >> 5)) >> (bit & 31) & 1;
}

static bool address_matches(struct e1000 *s, const uint8_t *dst)
{
    uint32_t rctl = REG(s, E_RCTL);

    if (ether_is_broadcast(dst) && (rctl & RCTL_BAM))
        return true;
    if (unicast_matches(s, dst))
        return true;
    if (ether_is_multicast(dst))
        return (rctl & RCTL_MPE) || multicast_matches(s, dst);
    return rctl & RCTL_UPE;
}

static bool is_tagged(struct e1000 *s, const uint8_t *frame, size_t len)
{
    return len >= ETHER_HEADER + 4 &&
           (unsigned)(frame[12] << 8 | frame[13]) == (REG(s, E_VET) & 0xffff);
}

static bool vlan_matches(struct e1000 *s, const uint8_t *frame)
{
    uint32_t rctl = REG(s, E_RCTL);
    unsigned tag = (unsigned)(frame[14] << 8 | frame[15]), id = tag & 0xfff;

    if (!(rctl & RCTL_VFE))
        return true;
    if ((rctl & RCTL_CFIEN) && (tag >> 12 & 1) != !!(rctl & RCTL_CFI))
        return false;
    return REG(s, E_VFTA + 4 * (id >> 5)) >> (id & 31) & 1;
}

static bool wanted(struct e1000 *s, const uint8_t *frame, size_t len)
{
    uint32_t rctl = REG(s, E_RCTL);
    size_t wire = len + ETHER_CRC;

    if (wire > LONG_FRAME || (wire > NORMAL_FRAME && !(rctl & RCTL_LPE))) {
        e1000_count(s, E_ROC);
        if (wire > LONG_FRAME || !(rctl & RCTL_SBP))
            return false;
    }
    return address_matches(s, frame) && (!is_tagged(s, frame, len) || vlan_matches(s, frame));
}

/* ---- descriptors ---- */

/* What is written into the last descriptor besides the length. */
struct verdict {
    uint16_t sum, special;
    uint8_t status, errors;
};

static void check_sums(struct e1000 *s, const uint8_t *frame, size_t len, struct verdict *v)
{
    uint32_t rxcsum = REG(s, E_RXCSUM), start = rxcsum & 0xff;
    struct ether_checked c;

    if (start < len)
        v->sum = (uint16_t)~ether_sum_end(ether_sum(frame + start, len - start, 0));
    if (!(rxcsum & (RXCSUM_IPOFL | RXCSUM_TUOFL))) {
        v->status |= ST_IXSM;
        return;
    }
    c = ether_check(frame, len);
    if (c.ip && (rxcsum & RXCSUM_IPOFL)) {
        v->status |= ST_IPCS;
        v->errors |= c.ip_good ? 0 : ERR_IPE;
    }
    if (c.l4 && (rxcsum & RXCSUM_TUOFL)) {
        v->status |= ST_TCPCS;
        v->errors |= c.l4_good ? 0 : ERR_TCPE;
    }
    if (!c.ip)
        v->status |= ST_IXSM;
}

static void check_threshold(struct e1000 *s)
{
    uint32_t rdmts = REG(s, E_RCTL) >> 8 & 3;

    if (ring_free(s) <= ring_size(s) >> (1 + MIN(rdmts, 2u)))
        e1000_cause(s, ICR_RXDMT0);
}

static void put_descriptor(struct e1000 *s, const uint8_t *data, uint32_t len, bool last,
                           const struct verdict *v)
{
    uint64_t base = (uint64_t)REG(s, E_RDBAH) << 32 | REG(s, E_RDBAL);
    uint32_t head = REG(s, E_RDH);
    uint64_t at = base + (uint64_t)head * DESC_SIZE;
    uint8_t raw[DESC_SIZE];

    if (!pci_dma_read(&s->pci, at, raw, sizeof(raw)))
        memset(raw, 0, sizeof(raw));
    if (ld_le64(raw) && !pci_dma_write(&s->pci, ld_le64(raw), data, len)) /* null: passed over */
        log_guest("e1000: a buffer to receive into is no memory");
    st_le16(raw + 8, (uint16_t)len);
    st_le16(raw + 10, v->sum);
    raw[12] = (uint8_t)(ST_DD | (last ? ST_EOP | v->status : 0));
    raw[13] = last ? v->errors : 0;
    st_le16(raw + 14, v->special);
    pci_dma_write(&s->pci, at + 8, raw + 8, 8);
    REG(s, E_RDH) = head + 1 == ring_size(s) ? 0 : head + 1;
}

/* Too few descriptors: the frame is lost. */
static void overrun(struct e1000 *s)
{
    e1000_count(s, E_MPC);
    e1000_count(s, E_RNBC);
    e1000_cause(s, ICR_RXO);
}

static void store(struct e1000 *s, uint8_t *frame, size_t len)
{
    uint32_t size = buffer_size(s), total;
    struct verdict v = {0};

    check_sums(s, frame, len, &v);
    if (ether_is_multicast(frame) || !unicast_matches(s, frame))
        v.status |= ST_PIF;
    e1000_count_rx(s, frame, len);
    if ((REG(s, E_CTRL) & CTRL_VME) && is_tagged(s, frame, len)) {
        v.status |= ST_VP;
        v.special = (uint16_t)(frame[14] << 8 | frame[15]);
        memmove(frame + 4, frame, 12);
        frame += 4;
        len -= 4;
    }
    total = (uint32_t)len;
    if (!(REG(s, E_RCTL) & RCTL_SECRC)) {
        st_le32(frame + len, ether_crc(frame, len));
        total += ETHER_CRC;
    }
    if ((total + size - 1) / size > ring_free(s)) {
        overrun(s);
        return;
    }
    for (uint32_t at = 0; at < total; at += size) {
        uint32_t part = MIN(size, total - at);

        put_descriptor(s, frame + at, part, at + part == total, &v);
    }
    check_threshold(s);
    e1000_rx_cause(s);
}

void e1000_receive(void *opaque, const struct iovec *iov, unsigned n)
{
    struct e1000 *s = opaque;
    uint8_t frame[LONG_FRAME + ETHER_CRC];
    size_t len;

    if (!(REG(s, E_RCTL) & RCTL_EN))
        return;
    len = ether_gather(frame, LONG_FRAME, iov, n);
    if (len && wanted(s, frame, len))
        store(s, frame, len);
}
