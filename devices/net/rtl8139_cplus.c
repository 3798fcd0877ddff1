/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The RTL8139C+'s own mode: rings of up to 64 descriptors of four words (datasheet 6.2), checksums
 * (6.3), large sends, VLAN tags, and the dump of its counters (5.6).
 */
#include "devices/net/rtl8139_state.h"

#include "base/log.h"

#define DESC_SIZE 16u
#define RING_MAX  64u

enum {
    D_OWN = 1u << 31,
    D_EOR = 1 << 30,
    D_FS = 1 << 29,
    D_LS = 1 << 28,

    TX_LGSEN = 1 << 27, /* segment: bits 26..16 are the MSS */
    TX_IPCS = 1 << 18,
    TX_UDPCS = 1 << 17,
    TX_TCPCS = 1 << 16,
    TX_SIZE = 0xffff,
    TX_STATUS = 0x03ff0000,
    TX_TAGC = 1 << 17, /* in the second word: insert the tag */

    RX_MAR = 1 << 26,
    RX_PAM = 1 << 25,
    RX_BAR = 1 << 24,
    RX_PID_TCP = 1 << 16,
    RX_PID_UDP = 2 << 16,
    RX_PID_IP = 3 << 16,
    RX_IPF = 1 << 15,
    RX_UDPF = 1 << 14,
    RX_TCPF = 1 << 13,
    RX_SIZE = 0x1fff,
    RX_TAVA = 1 << 16, /* in the second word: a tag was taken out */

    DUMP_CMD = 1 << 3,
    MSS_MIN = 32, /* less no stack asks for */
};

struct desc {
    uint32_t cmd, vlan;
    uint64_t addr;
};

static bool read_desc(struct rtl8139 *s, uint64_t at, struct desc *d)
{
    uint8_t raw[DESC_SIZE];

    if (!pci_dma_read(&s->pci, at, raw, sizeof(raw)))
        return false;
    *d = (struct desc){ld_le32(raw), ld_le32(raw + 4), ld_le64(raw + 8)};
    return true;
}

static bool write_desc(struct rtl8139 *s, uint64_t at, uint32_t cmd, uint32_t vlan)
{
    uint8_t raw[8];

    st_le32(raw, cmd);
    st_le32(raw + 4, vlan);
    return pci_dma_write(&s->pci, at + 4, raw + 4, 4) && pci_dma_write(&s->pci, at, raw, 4);
}

static uint8_t after(uint8_t n, uint32_t cmd)
{
    return (cmd & D_EOR) || n + 1u >= RING_MAX ? 0 : (uint8_t)(n + 1);
}

/* ---- transmit ---- */

static void send_tagged(struct rtl8139 *s, uint8_t *frame, size_t len)
{
    uint8_t tag[4] = {0x81, 0x00, (uint8_t)s->cp_vlan, (uint8_t)(s->cp_vlan >> 8)};
    struct iovec iov[3] = {{frame, len}};

    if (!(s->cp_vlan & TX_TAGC) || len < ETHER_HEADER) {
        rtl8139_send(s, iov, 1);
        return;
    }
    iov[0].iov_len = 12;
    iov[1] = (struct iovec){tag, sizeof(tag)};
    iov[2] = (struct iovec){frame + 12, len - 12};
    rtl8139_send(s, iov, 3);
}

static void put_be16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* Segment n of a large send: its headers, then its payload moved up behind them. */
static void send_segment(struct rtl8139 *s, size_t headers, size_t at, size_t part, unsigned n,
                         bool last)
{
    uint8_t saved[ETHER_HEADER + 60 + 60];
    uint8_t *frame = s->cp_buf + at - headers, *ip = frame + ETHER_HEADER, *tcp;
    size_t ip_len = (s->cp_buf[ETHER_HEADER] & 15) * 4u;
    uint32_t seq, id;

    memcpy(saved, s->cp_buf, headers);
    if (frame != s->cp_buf)
        memcpy(frame, saved, headers); /* over what was sent already */
    tcp = ip + ip_len;
    id = (uint32_t)(ip[4] << 8 | ip[5]) + n;
    seq = (uint32_t)tcp[4] << 24 | (uint32_t)tcp[5] << 16 | (uint32_t)tcp[6] << 8 | tcp[7];
    seq += (uint32_t)(at - headers);
    put_be16(ip + 2, (unsigned)(headers - ETHER_HEADER + part));
    put_be16(ip + 4, id & 0xffff);
    put_be16(tcp + 4, seq >> 16);
    put_be16(tcp + 6, seq & 0xffff);
    if (!last)
        tcp[13] &= (uint8_t)~0x09; /* FIN, PSH */
    ether_fill_ip(frame, headers + part);
    ether_fill_l4(frame, headers + part);
    send_tagged(s, frame, headers + part);
    memcpy(s->cp_buf, saved, headers); /* the next one's */
}

static void send_large(struct rtl8139 *s)
{
    size_t mss = s->cp_first >> 16 & 0x7ff, len = s->cp_len;
    size_t ip = ether_ip_header(s->cp_buf, len), headers;
    const uint8_t *tcp = s->cp_buf + ETHER_HEADER + ip;
    unsigned n = 0;

    if (!ip || s->cp_buf[ETHER_HEADER + 9] != 6 || len < ETHER_HEADER + ip + 20) {
        log_guest("rtl8139: a large send that is not TCP");
        return;
    }
    headers = ETHER_HEADER + ip + (tcp[12] >> 4) * 4u;
    if (headers < ETHER_HEADER + ip + 20 || headers > len)
        return;
    mss = MAX(mss, (size_t)MSS_MIN);
    for (size_t at = headers; at < len || !n; n++) {
        size_t part = MIN(mss, len - at);

        send_segment(s, headers, at, part, n, at + part >= len);
        at += part;
    }
}

static void end_frame(struct rtl8139 *s)
{
    if (s->cp_lost || !s->cp_len) {
        /* nothing goes out */
    } else if (s->cp_first & TX_LGSEN) {
        send_large(s);
    } else {
        if (s->cp_first & TX_IPCS)
            ether_fill_ip(s->cp_buf, s->cp_len);
        if (s->cp_first & (TX_UDPCS | TX_TCPCS))
            ether_fill_l4(s->cp_buf, s->cp_len);
        send_tagged(s, s->cp_buf, s->cp_len);
    }
    s->cp_open = false;
    s->cp_len = 0;
}

static void gather(struct rtl8139 *s, const struct desc *d)
{
    uint32_t len = d->cmd & TX_SIZE;

    if ((d->cmd & D_FS) || !s->cp_open) {
        s->cp_open = true;
        s->cp_lost = !(d->cmd & D_FS);
        s->cp_len = 0;
        s->cp_first = d->cmd;
        s->cp_vlan = d->vlan;
    }
    if (len > RTL_FRAME_MAX - s->cp_len ||
        !pci_dma_read(&s->pci, d->addr, s->cp_buf + s->cp_len, len))
        s->cp_lost = true;
    else
        s->cp_len += len;
    if (d->cmd & D_LS)
        end_frame(s);
}

void rtl8139_cp_run(struct rtl8139 *s, bool high)
{
    uint64_t ring = ld_le64(s->reg + R_TSAD + (high ? 8 : 0)) & ~UINT64_C(0xff);
    struct desc d;

    for (unsigned k = 0; k < RING_MAX; k++) {
        uint64_t at = ring + (uint64_t)s->cp_tx[high] * DESC_SIZE;

        if (!(ld_le16(s->reg + R_CPCR) & CPCR_TX) || !(s->reg[R_CR] & CR_TE) ||
            !rtl8139_may_send(s) || !read_desc(s, at, &d))
            return;
        if (!(d.cmd & D_OWN)) {
            s->reg[R_TPPOLL] &= (uint8_t) ~(high ? 0x80 : 0x40);
            rtl8139_cause(s, ISR_TDU);
            return;
        }
        s->cp_tx[high] = after(s->cp_tx[high], d.cmd);
        gather(s, &d);
        if (!write_desc(s, at, d.cmd & ~(uint32_t)(D_OWN | TX_STATUS), d.vlan))
            return;
        rtl8139_cause(s, ISR_TOK);
    }
    /* a full ring; more may have come meanwhile */
    timer_arm(&s->retry, clock_now(s->clock));
}

/* ---- receive ---- */

static uint64_t rx_at(const struct rtl8139 *s, unsigned n)
{
    return (ld_le64(s->reg + R_RDSAR) & ~UINT64_C(0xff)) + (uint64_t)n * DESC_SIZE;
}

bool rtl8139_cp_has_room(struct rtl8139 *s)
{
    struct desc d;

    return !read_desc(s, rx_at(s, s->cp_rx), &d) || (d.cmd & D_OWN);
}

static uint32_t say_sums(const struct rtl8139 *s, const uint8_t *frame, size_t len)
{
    struct ether_checked c;

    if (!(ld_le16(s->reg + R_CPCR) & CPCR_RX_SUMS))
        return 0;
    c = ether_check(frame, len);
    if (!c.ip)
        return 0;
    return (uint32_t)((c.l4 ? (c.udp ? RX_PID_UDP : RX_PID_TCP) : RX_PID_IP) |
                      (c.ip_good ? 0 : RX_IPF) |
                      (c.l4 && !c.l4_good ? (c.udp ? RX_UDPF : RX_TCPF) : 0));
}

/* Takes a tag out where that is wanted: the second word of the descriptor. */
static uint32_t take_tag(struct rtl8139 *s, uint8_t **frame, size_t *len)
{
    uint8_t *f = *frame;
    uint32_t tag;

    if (!(ld_le16(s->reg + R_CPCR) & CPCR_RX_VLAN) || *len < ETHER_HEADER + 4 || f[12] != 0x81 ||
        f[13])
        return 0;
    tag = (uint32_t)ld_le16(f + 14) | RX_TAVA; /* as it comes, high byte first */
    memmove(f + 4, f, 12);
    *frame += 4;
    *len -= 4;
    return tag;
}

/* Are there descriptors for so many bytes? How many in *n. */
static bool find_room(struct rtl8139 *s, size_t total, unsigned *n)
{
    uint8_t at = s->cp_rx;
    struct desc d;
    size_t room = 0;

    for (*n = 0; room < total; ++*n) {
        if (*n == RING_MAX || !read_desc(s, rx_at(s, at), &d) || !(d.cmd & D_OWN))
            return false;
        room += d.cmd & RX_SIZE;
        at = after(at, d.cmd);
    }
    return true;
}

void rtl8139_cp_store(struct rtl8139 *s, uint8_t *frame, size_t len, enum rtl8139_match m)
{
    uint32_t flags = say_sums(s, frame, len) | (m == MATCH_BROADCAST ? RX_BAR : 0) |
                     (m == MATCH_PHYSICAL ? RX_PAM : 0) | (m == MATCH_MULTICAST ? RX_MAR : 0);
    uint32_t tag = take_tag(s, &frame, &len);
    size_t total = len + ETHER_CRC, done = 0;
    unsigned n;

    st_le32(frame + len, ether_crc(frame, len));
    if (!find_room(s, total, &n)) {
        s->count.missed++;
        rtl8139_cause(s, ISR_RXOVW);
        return;
    }
    for (unsigned k = 0; k < n; k++) {
        uint64_t at = rx_at(s, s->cp_rx);
        struct desc d = {0};
        size_t part;

        read_desc(s, at, &d);
        part = MIN((size_t)(d.cmd & RX_SIZE), total - done);
        if (!pci_dma_write(&s->pci, d.addr, frame + done, part))
            log_guest("rtl8139: a buffer to receive into is no memory");
        done += part;
        write_desc(s, at,
                   (d.cmd & D_EOR) | flags | (k ? 0 : D_FS) |
                       (k + 1 == n ? D_LS | (uint32_t)total : (uint32_t)part),
                   k + 1 == n ? tag : 0);
        s->cp_rx = after(s->cp_rx, d.cmd);
    }
    rtl8139_cause(s, ISR_ROK);
}

/* ---- counters ---- */

void rtl8139_cp_dump(struct rtl8139 *s)
{
    const struct rtl8139_counters *c = &s->count;
    uint64_t to = ld_le64(s->reg + R_TSD) & ~UINT64_C(0x3f);
    uint8_t raw[64] = {0};

    st_le64(raw, c->tx_ok);
    st_le64(raw + 8, c->rx_ok);
    st_le16(raw + 28, c->missed);
    st_le64(raw + 40, c->rx_unicast);
    st_le64(raw + 48, c->rx_broadcast);
    st_le32(raw + 56, c->rx_multicast);
    pci_dma_write(&s->pci, to, raw, sizeof(raw));
    s->reg[R_TSD] &= (uint8_t)~DUMP_CMD; /* done */
}
