/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DP8390 as it is on an NE2000; see dp8390.h. */
#include "devices/net/dp8390.h"

#include "base/bits.h"

#define PAGE    256u
#define HEADER  4u
#define DATA    0x10u
#define RESET   0x18u /* and up */
#define MAX_LEN 1518u /* of a frame that arrives, without CRC, with a tag */

enum {
    CR_STP = 1 << 0,
    CR_STA = 1 << 1,
    CR_TXP = 1 << 2,
    CR_RD = 7 << 3,
    CR_RD_READ = 1 << 3,
    CR_RD_WRITE = 2 << 3,
    CR_RD_SEND = 3 << 3,
    CR_RD_ABORT = 4 << 3,

    ISR_PRX = 1 << 0,
    ISR_PTX = 1 << 1,
    ISR_TXE = 1 << 3,
    ISR_OVW = 1 << 4,
    ISR_CNT = 1 << 5,
    ISR_RDC = 1 << 6,
    ISR_RST = 1 << 7,

    RCR_AB = 1 << 2,
    RCR_AM = 1 << 3,
    RCR_PRO = 1 << 4,
    RCR_MON = 1 << 5,

    TCR_LB = 3 << 1,
    TSR_PTX = 1 << 0,
    TSR_ABT = 1 << 3,
    RSR_PRX = 1 << 0,
    RSR_PHY = 1 << 5,
    RSR_MPA = 1 << 4,
    DCR_WTS = 1 << 0,
};

static void update_irq(struct dp8390 *d)
{
    irq_set(d->irq, d->isr & d->imr & 0x7f);
}

static void cause(struct dp8390 *d, unsigned isr)
{
    d->isr |= (uint8_t)isr;
    update_irq(d);
}

/* ---- memory ---- */

/* What is not memory or PROM reads as ones and takes nothing. */
static uint8_t mem_read(const struct dp8390 *d, unsigned at)
{
    if (at < DP8390_PROM)
        return d->prom[at];
    return at >= DP8390_MEM_START && at < DP8390_MEM_END ? d->mem[at - DP8390_MEM_START] : 0xff;
}

static void mem_write(struct dp8390 *d, unsigned at, uint8_t v)
{
    if (at >= DP8390_MEM_START && at < DP8390_MEM_END)
        d->mem[at - DP8390_MEM_START] = v;
}

/* ---- receive ---- */

static unsigned ring_pages(const struct dp8390 *d)
{
    return d->pstop > d->pstart ? d->pstop - d->pstart : 0u;
}

static bool in_ring(const struct dp8390 *d, uint8_t page)
{
    return page >= d->pstart && page < d->pstop;
}

/* Drivers keep BNRY one page behind what they have not read, and so before the ring's first page
 * where they mean its last. */
static unsigned boundary(const struct dp8390 *d)
{
    return in_ring(d, d->bnry) ? d->bnry : d->pstop - 1u;
}

/* Pages from CURR up to the one that BNRY protects. */
static unsigned free_pages(const struct dp8390 *d)
{
    unsigned pages = ring_pages(d), end = boundary(d);

    if (!pages || !in_ring(d, d->curr))
        return 0;
    return end > d->curr ? end - d->curr : pages - (d->curr - end);
}

static unsigned need_pages(size_t len)
{
    return (unsigned)(len + ETHER_CRC + HEADER + PAGE - 1) / PAGE;
}

static bool runs(const struct dp8390 *d)
{
    return (d->cr & CR_STA) && !(d->cr & CR_STP);
}

static bool can_receive(void *opaque)
{
    const struct dp8390 *d = opaque;

    /* a ring that is too small for any frame must not keep one for ever */
    return !runs(d) || (d->tcr & TCR_LB) || ring_pages(d) <= need_pages(MAX_LEN) ||
           !in_ring(d, d->curr) || free_pages(d) > need_pages(MAX_LEN);
}

static bool wanted(const struct dp8390 *d, const uint8_t *dst)
{
    unsigned hash = ether_hash6(dst);

    if (ether_is_broadcast(dst))
        return d->rcr & RCR_AB;
    if (ether_is_multicast(dst))
        return (d->rcr & RCR_AM) && (d->mar[hash / 8] >> hash % 8 & 1);
    return (d->rcr & RCR_PRO) || !memcmp(dst, d->par, ETHER_ADDR);
}

static void store(struct dp8390 *d, const uint8_t *frame, size_t len)
{
    unsigned pages = need_pages(len), at = d->curr * PAGE, end = d->pstop * PAGE, next;
    size_t total = len + ETHER_CRC + HEADER;
    uint8_t head[HEADER], crc[ETHER_CRC];

    if (pages >= free_pages(d)) { /* CURR and BNRY the same: an empty ring */
        d->missed += d->missed < 0xff;
        cause(d, ISR_OVW);
        return;
    }
    next = d->curr + pages;
    if (next >= d->pstop)
        next -= ring_pages(d);
    d->rsr = (uint8_t)(RSR_PRX | (ether_is_multicast(frame) ? RSR_PHY : 0));
    head[0] = d->rsr;
    head[1] = (uint8_t)next;
    st_le16(head + 2, (uint16_t)total);
    st_le32(crc, ether_crc(frame, len));
    for (size_t k = 0; k < total; k++) {
        mem_write(d, at,
                  k < HEADER         ? head[k]
                  : k < HEADER + len ? frame[k - HEADER]
                                     : crc[k - HEADER - len]);
        if (++at == end)
            at = d->pstart * PAGE;
    }
    d->curr = (uint8_t)next;
    cause(d, ISR_PRX);
}

static void receive(void *opaque, const struct iovec *iov, unsigned n)
{
    struct dp8390 *d = opaque;
    uint8_t frame[MAX_LEN];
    size_t len;

    if (!runs(d) || (d->tcr & TCR_LB))
        return;
    len = ether_gather(frame, sizeof(frame), iov, n);
    if (!len || !wanted(d, frame))
        return;
    if (d->rcr & RCR_MON) { /* counted only */
        d->rsr = RSR_MPA;
        d->missed += d->missed < 0xff;
        if (d->missed & 0x80)
            cause(d, ISR_CNT);
        return;
    }
    store(d, frame, len);
}

/* ---- transmit ---- */

static void transmit(struct dp8390 *d)
{
    unsigned at = d->tpsr * PAGE, len = d->tbcr;
    struct iovec iov;

    d->tx_waiting = false;
    d->cr &= (uint8_t)~CR_TXP;
    if (at < DP8390_MEM_START || at >= DP8390_MEM_END || len > DP8390_MEM_END - at) {
        d->tsr = TSR_ABT;
        cause(d, ISR_TXE);
        return;
    }
    iov = (struct iovec){d->mem + at - DP8390_MEM_START, len};
    if (len && !(d->tcr & TCR_LB))
        net_send(&d->port, &iov, 1);
    d->tsr = TSR_PTX;
    cause(d, ISR_PTX);
}

static void start_transmit(struct dp8390 *d)
{
    if ((d->tcr & TCR_LB) || net_can_send(&d->port))
        transmit(d);
    else
        d->tx_waiting = true;
}

static void writable(void *opaque)
{
    struct dp8390 *d = opaque;

    if (d->tx_waiting)
        start_transmit(d);
}

static const struct net_port_ops port_ops = {
    .can_receive = can_receive, .receive = receive, .writable = writable};

/* ---- remote DMA ---- */

/* The next byte of it; at the end of the ring it goes on at its start. */
static void advance(struct dp8390 *d)
{
    d->rsar++;
    if (d->rsar == d->pstop * PAGE)
        d->rsar = (uint16_t)(d->pstart * PAGE);
    if (d->rbcr && !--d->rbcr)
        cause(d, ISR_RDC);
}

/* An access to the data port moves what DCR says: a byte, or words, of which an access to a byte
 * has the lower half. */
static uint32_t data_read(struct dp8390 *d, unsigned size)
{
    unsigned moved = !(d->dcr & DCR_WTS) ? 1 : size < 2 ? 2 : size;
    uint32_t v = 0;

    for (unsigned k = 0; k < moved; k++) {
        if (k < size)
            v |= (uint32_t)(d->rbcr ? mem_read(d, d->rsar) : 0xff) << 8 * k;
        if (d->rbcr)
            advance(d);
    }
    return v;
}

static void data_write(struct dp8390 *d, uint32_t v, unsigned size)
{
    unsigned moved = !(d->dcr & DCR_WTS) ? 1 : size < 2 ? 2 : size;

    for (unsigned k = 0; k < moved && d->rbcr; k++) {
        if (k < size)
            mem_write(d, d->rsar, (uint8_t)(v >> 8 * k));
        advance(d);
    }
}

/* ---- registers ---- */

/* A driver that has found the ring empty acknowledges, and with that what came between. The next
 * frame would call it again, and the cable brings one at any time; where the sender waits for an
 * answer to those in the ring, or for room in it, we call. A ring that is empty has a page less
 * than all of them free: the one that BNRY keeps. */
static void call_again(struct dp8390 *d)
{
    unsigned empty = ring_pages(d) - (g_queue_is_empty(&d->port.queue) ? 1u : 0u);

    if (runs(d) && in_ring(d, d->curr) && free_pages(d) < empty)
        cause(d, ISR_PRX);
}

static void write_cr(struct dp8390 *d, uint8_t v)
{
    bool txp = d->cr & CR_TXP;

    if (!(v & (CR_STP | CR_STA))) /* a change of page, by drivers that say no more */
        v |= d->cr & (CR_STP | CR_STA);
    d->cr = v | (txp ? CR_TXP : 0);
    if (v & CR_STP) {
        d->isr |= ISR_RST;
        d->cr &= (uint8_t)~CR_TXP;
        d->tx_waiting = false;
        return;
    }
    if (!(v & CR_STA))
        return;
    d->isr &= (uint8_t)~ISR_RST;
    if ((v & CR_RD) == CR_RD_SEND) { /* the packet at BNRY */
        d->rsar = (uint16_t)(d->bnry * PAGE);
        d->rbcr = (uint16_t)(mem_read(d, d->rsar + 2u) | mem_read(d, d->rsar + 3u) << 8);
    } else if (((v & CR_RD) == CR_RD_READ || (v & CR_RD) == CR_RD_WRITE) && !d->rbcr) {
        cause(d, ISR_RDC);
    }
    if ((v & CR_TXP) && !txp)
        start_transmit(d);
    net_flush(&d->port);
}

static void write_page0(struct dp8390 *d, unsigned reg, uint8_t v)
{
    switch (reg) {
    case 1: d->pstart = v; break;
    case 2: d->pstop = v; break;
    case 3:
        d->bnry = v;
        net_flush(&d->port);
        break;
    case 4: d->tpsr = v; break;
    case 5: d->tbcr = (uint16_t)((d->tbcr & 0xff00) | v); break;
    case 6: d->tbcr = (uint16_t)((d->tbcr & 0xff) | v << 8); break;
    case 7:
        d->isr &= (uint8_t) ~(v & 0x7f);
        update_irq(d);
        net_flush(&d->port);
        call_again(d);
        break;
    case 8: d->rsar = (uint16_t)((d->rsar & 0xff00) | v); break;
    case 9: d->rsar = (uint16_t)((d->rsar & 0xff) | v << 8); break;
    case 10: d->rbcr = (uint16_t)((d->rbcr & 0xff00) | v); break;
    case 11: d->rbcr = (uint16_t)((d->rbcr & 0xff) | v << 8); break;
    case 12: d->rcr = v; break;
    case 13: d->tcr = v; break;
    case 14: d->dcr = v; break;
    case 15:
        d->imr = v;
        update_irq(d);
        break;
    default: break;
    }
}

static void reg_write(struct dp8390 *d, unsigned reg, uint8_t v)
{
    unsigned page = d->cr >> 6;

    if (reg == 0)
        write_cr(d, v);
    else if (page == 0)
        write_page0(d, reg, v);
    else if (page == 1 && reg <= 6)
        d->par[reg - 1] = v;
    else if (page == 1 && reg == 7)
        d->curr = v;
    else if (page == 1)
        d->mar[reg - 8] = v;
}

static uint8_t read_page0(struct dp8390 *d, unsigned reg)
{
    uint8_t v;

    switch (reg) {
    case 3: return d->bnry;
    case 4: return d->tsr;
    case 7: return d->isr;
    case 8: return (uint8_t)d->rsar;
    case 9: return (uint8_t)(d->rsar >> 8);
    case 10: return d->rtl8029 ? 0x50 : 0xff; /* 'P' */
    case 11: return d->rtl8029 ? 0x43 : 0xff; /* 'C' */
    case 12: return d->rsr;
    case 15:
        v = d->missed;
        d->missed = 0;
        return v;
    default: return 0;
    }
}

static uint8_t read_page2(const struct dp8390 *d, unsigned reg)
{
    switch (reg) {
    case 1: return d->pstart;
    case 2: return d->pstop;
    case 4: return d->tpsr;
    case 12: return d->rcr | 0xc0;
    case 13: return d->tcr | 0xe0;
    case 14: return d->dcr | 0x80;
    case 15: return d->imr | 0x80;
    default: return 0xff;
    }
}

static uint8_t reg_read(struct dp8390 *d, unsigned reg)
{
    if (reg == 0)
        return d->cr;
    switch (d->cr >> 6) {
    case 0: return read_page0(d, reg);
    case 1: return reg <= 6 ? d->par[reg - 1] : reg == 7 ? d->curr : d->mar[reg - 8];
    case 2: return read_page2(d, reg);
    default: return 0;
    }
}

/* ---- ports ---- */

static uint64_t ports_read(void *opaque, uint64_t off, unsigned size)
{
    struct dp8390 *d = opaque;
    uint64_t v = 0;

    if (off >= DATA && off < RESET)
        return data_read(d, size);
    if (off >= RESET) {
        d->cr = CR_STP | CR_RD_ABORT;
        d->tx_waiting = false;
        cause(d, ISR_RST);
        return 0;
    }
    for (unsigned k = 0; k < size && off + k < DATA; k++)
        v |= (uint64_t)reg_read(d, (unsigned)off + k) << 8 * k;
    return v;
}

static void ports_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct dp8390 *d = opaque;

    if (off >= DATA && off < RESET) {
        data_write(d, (uint32_t)val, size);
        return;
    }
    for (unsigned k = 0; k < size && off + k < DATA; k++)
        reg_write(d, (unsigned)off + k, (uint8_t)(val >> 8 * k));
}

const struct bus_ops dp8390_ops = {ports_read, ports_write, 1, 4};

/* ---- life ---- */

void dp8390_init(struct dp8390 *d, const char *name, const uint8_t mac[ETHER_ADDR],
                 struct irq_line irq)
{
    *d = (struct dp8390){.irq = irq};
    net_port_init(&d->port, name, &port_ops, d);
    for (unsigned k = 0; k < DP8390_PROM; k++) /* each byte in both halves of a word */
        d->prom[k] = k / 2 < ETHER_ADDR ? mac[k / 2] : k / 2 >= 14 ? 0x57 : 0;
}

void dp8390_clear(struct dp8390 *d)
{
    net_port_clear(&d->port);
}

void dp8390_reset(struct dp8390 *d)
{
    d->cr = CR_STP | CR_RD_ABORT;
    d->isr = ISR_RST;
    update_irq(d);
}

void dp8390_post_load(struct dp8390 *d)
{
    update_irq(d);
}
