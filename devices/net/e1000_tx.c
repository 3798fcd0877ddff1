/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 82540EM's transmitter: legacy, context and data descriptors (manual 3.3), TCP segmentation
 * (3.5) and checksum insertion (3.6). What a driver hands over in one go is done in portions, so
 * that a ring full of large packets keeps the machine no longer than others do.
 */
#include "devices/net/e1000_state.h"

#include "base/log.h"

#define RUN_DESCRIPTORS 256u
#define RUN_BYTES       (1u << 20)
#define DESC_SIZE       16u
#define LEGACY_MAX      16288u /* bytes of one descriptor (3.3.3) */
/* Less payload a segment no stack asks for; it bounds what one descriptor can make of itself. */
#define MSS_MIN 32u

enum {
    CMD_EOP = 1 << 24,
    CMD_IC = 1 << 26,  /* legacy */
    CMD_TSE = 1 << 26, /* extended */
    CMD_RS = 1 << 27,
    CMD_RPS = 1 << 28,
    CMD_DEXT = 1 << 29,
    CMD_VLE = 1 << 30,
    CMD_IDE = 1u << 31,
    TUCMD_TCP = 1 << 24,
    TUCMD_IP = 1 << 25,
    DTYP_DATA = 1 << 20,
    DTYP = 15 << 20,
    STA_DD = 1,
    POPTS_IXSM = 1,
    POPTS_TXSM = 2,

    TCP_FLAGS = 13,
    TCP_SEQ = 4,
    TCP_FIN_PSH = 0x09,
};

struct desc {
    uint64_t addr;
    uint32_t lower, upper;
};

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_be16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put_be32(uint8_t *p, uint32_t v)
{
    put_be16(p, v >> 16);
    put_be16(p + 2, v & 0xffff);
}

/* ---- frames ---- */

/* The one's complement of the sum over start..end goes to `at`; where that is not inside of the
 * frame, nowhere. */
static void insert_sum(uint8_t *frame, size_t len, unsigned at, unsigned start, unsigned end)
{
    uint16_t sum;

    if (end && end < len)
        len = end + 1u;
    if (at + 2u > len || start >= len)
        return;
    sum = ether_sum_end(ether_sum(frame + start, len - start, 0));
    st_le16(frame + at, sum);
}

/* Tag and all, to the cable, or back to the receiver. */
static void send_frame(struct e1000 *s, const uint8_t *frame, size_t len)
{
    static const uint8_t padding[ETHER_MIN];
    const struct e1000_tx *tx = &s->tx;
    bool tag = tx->vle && (REG(s, E_CTRL) & CTRL_VME) && len >= ETHER_HEADER;
    size_t wire = len + (tag ? 4 : 0);
    uint8_t vlan[4];
    struct iovec iov[4] = {{(void *)(uintptr_t)frame, len}};
    unsigned n = 1;

    if (tag) {
        put_be16(vlan, REG(s, E_VET) & 0xffff);
        put_be16(vlan + 2, tx->vlan);
        iov[0].iov_len = 12;
        iov[1] = (struct iovec){vlan, sizeof(vlan)};
        iov[2] = (struct iovec){(void *)(uintptr_t)(frame + 12), len - 12};
        n = 3;
    }
    if (wire < ETHER_MIN && (REG(s, E_TCTL) & TCTL_PSP)) {
        iov[n++] = (struct iovec){(void *)(uintptr_t)padding, ETHER_MIN - wire};
        wire = ETHER_MIN;
    }
    if (len >= ETHER_HEADER)
        e1000_count_tx(s, frame, wire);
    if (REG(s, E_RCTL) & RCTL_LBM)
        e1000_receive(s, iov, n);
    else
        net_send(&s->port, iov, n);
}

static void insert_sums(struct e1000 *s, const struct e1000_context *c)
{
    struct e1000_tx *tx = &s->tx;

    if (tx->popts & POPTS_TXSM)
        insert_sum(tx->buf, tx->len, c->tucso, c->tucss, c->tucse);
    if (tx->popts & POPTS_IXSM)
        insert_sum(tx->buf, tx->len, c->ipcso, c->ipcss, c->ipcse);
}

/* ---- segmentation ---- */

/* The driver's sum of the pseudo header lacks the length, which differs from segment to segment. */
static void add_length(struct e1000_tx *tx, const struct e1000_context *c, size_t len)
{
    uint32_t sum;

    if (!(tx->popts & POPTS_TXSM) || c->tucso + 2u > tx->len)
        return;
    sum = be16(tx->buf + c->tucso) + (uint32_t)len;
    put_be16(tx->buf + c->tucso, (sum & 0xffff) + (sum >> 16));
}

static void patch_ip(struct e1000_tx *tx, const struct e1000_context *c)
{
    uint8_t *ip = tx->buf + c->ipcss;

    if (c->ipcss + 20u > tx->len)
        return;
    if (c->ip4) {
        put_be16(ip + 2, (unsigned)tx->len - c->ipcss);
        put_be16(ip + 4, be16(ip + 4) + tx->sent);
    } else {
        put_be16(ip + 4, (unsigned)tx->len - c->ipcss - 40);
    }
}

static void patch_l4(struct e1000_tx *tx, const struct e1000_context *c, bool last)
{
    uint8_t *l4 = tx->buf + c->tucss;
    size_t len = tx->len > c->tucss ? tx->len - c->tucss : 0;

    if (c->tcp && len >= 20) {
        uint32_t seq = (uint32_t)be16(l4 + TCP_SEQ) << 16 | be16(l4 + TCP_SEQ + 2);

        put_be32(l4 + TCP_SEQ, seq + tx->payload);
        if (!last)
            l4[TCP_FLAGS] &= (uint8_t)~TCP_FIN_PSH;
    } else if (!c->tcp && len >= 8) {
        put_be16(l4 + 4, (unsigned)len);
    }
    add_length(tx, c, len);
}

/* What is in the buffer, header and all, is a segment. */
static void send_segment(struct e1000 *s, bool last)
{
    struct e1000_tx *tx = &s->tx;
    const struct e1000_context *c = &tx->segment;
    uint32_t payload = tx->len > c->hdrlen ? tx->len - c->hdrlen : 0;

    if (!tx->sent)
        memcpy(tx->header, tx->buf, c->hdrlen);
    patch_ip(tx, c);
    patch_l4(tx, c, last);
    insert_sums(s, c);
    send_frame(s, tx->buf, tx->len);
    tx->sent++;
    tx->payload += payload;
    memcpy(tx->buf, tx->header, c->hdrlen);
    tx->len = c->hdrlen;
}

/* Bytes of a segment with its header. Where the other end of the cable ends TCP, it is as many
 * times as long as goes into a frame: for each frame both sides would have the same work again. */
static uint32_t segment_size(struct e1000 *s)
{
    const struct e1000_context *c = &s->tx.segment;
    uint32_t mss = MAX(c->mss, MSS_MIN);

    if (c->tcp && !(REG(s, E_RCTL) & RCTL_LBM) && net_takes_segments(&s->port))
        mss *= MAX((E1000_FRAME_MAX - c->hdrlen) / mss, 1);
    return MIN(c->hdrlen + mss, E1000_FRAME_MAX);
}

/* ---- descriptors ---- */

/* Appends what a descriptor points to; of a segmented packet every full segment goes out, but for
 * the last, which only the end of the packet shows to be it. */
static void gather(struct e1000 *s, uint64_t addr, uint32_t len)
{
    struct e1000_tx *tx = &s->tx;
    uint32_t limit = tx->tse ? segment_size(s) : E1000_FRAME_MAX;

    while (len && !tx->lost) {
        uint32_t part;

        if (tx->len >= limit) {
            if (!tx->tse) {
                tx->lost = true;
                break;
            }
            send_segment(s, false);
        }
        part = MIN(len, limit - tx->len);
        if (!pci_dma_read(&s->pci, addr, tx->buf + tx->len, part)) {
            log_guest("e1000: a descriptor points to what is no memory");
            tx->lost = true;
        }
        tx->len += part;
        addr += part;
        len -= part;
    }
}

static void end_packet(struct e1000 *s)
{
    struct e1000_tx *tx = &s->tx;

    if (tx->lost || !tx->len) {
        /* nothing goes out */
    } else if (tx->tse) {
        if (tx->len > tx->segment.hdrlen || !tx->sent)
            send_segment(s, true);
        e1000_count(s, E_TSCTC);
    } else {
        if (tx->extended)
            insert_sums(s, &tx->offload);
        else if (tx->ic)
            insert_sum(tx->buf, tx->len, tx->cso, tx->css, 0);
        send_frame(s, tx->buf, tx->len);
    }
    tx->open = false;
    tx->len = 0;
}

static void load_context(struct e1000 *s, const struct desc *d)
{
    bool segmented = d->lower & CMD_TSE;
    struct e1000_context *c = segmented ? &s->tx.segment : &s->tx.offload;

    if (segmented && s->tx.open && s->tx.tse) { /* it would change the packet under way */
        log_guest("e1000: a context descriptor inside of a packet");
        s->tx.lost = true;
    }
    *c = (struct e1000_context){.ipcss = (uint8_t)d->addr,
                                .ipcso = (uint8_t)(d->addr >> 8),
                                .ipcse = (uint16_t)(d->addr >> 16),
                                .tucss = (uint8_t)(d->addr >> 32),
                                .tucso = (uint8_t)(d->addr >> 40),
                                .tucse = (uint16_t)(d->addr >> 48),
                                .hdrlen = (uint8_t)(d->upper >> 8),
                                .mss = (uint16_t)(d->upper >> 16),
                                .tcp = d->lower & TUCMD_TCP,
                                .ip4 = d->lower & TUCMD_IP};
}

static void open_packet(struct e1000 *s, const struct desc *d)
{
    struct e1000_tx *tx = &s->tx;

    tx->open = true;
    tx->extended = d->lower & CMD_DEXT;
    tx->tse = tx->extended && (d->lower & CMD_TSE);
    tx->lost = false;
    tx->len = tx->sent = tx->payload = 0;
    tx->popts = tx->extended ? (uint8_t)(d->upper >> 8) : 0;
    tx->ic = false;
}

static void data(struct e1000 *s, const struct desc *d)
{
    struct e1000_tx *tx = &s->tx;
    uint32_t len = d->lower & (d->lower & CMD_DEXT ? 0xfffff : 0xffff);

    if (!tx->open)
        open_packet(s, d);
    gather(s, d->addr, tx->extended ? len : MIN(len, LEGACY_MAX));
    if (!(d->lower & CMD_EOP))
        return;
    tx->vle = d->lower & CMD_VLE;
    tx->vlan = (uint16_t)(d->upper >> 16);
    if (!tx->extended) {
        tx->ic = d->lower & CMD_IC;
        tx->cso = (uint8_t)(d->lower >> 16);
        tx->css = (uint8_t)(d->upper >> 8);
    }
    end_packet(s);
}

/* Does one; its bytes. */
static uint32_t process(struct e1000 *s, uint64_t at)
{
    uint8_t raw[DESC_SIZE];
    struct desc d;

    if (!pci_dma_read(&s->pci, at, raw, sizeof(raw)))
        memset(raw, 0, sizeof(raw));
    d = (struct desc){ld_le64(raw), ld_le32(raw + 8), ld_le32(raw + 12)};
    if ((d.lower & CMD_DEXT) && !(d.lower & DTYP))
        load_context(s, &d);
    else
        data(s, &d);
    if (d.lower & (CMD_RS | CMD_RPS)) {
        st_le32(raw + 12, d.upper | STA_DD);
        pci_dma_write(&s->pci, at + 12, raw + 12, 4);
        e1000_tx_cause(s, d.lower & CMD_IDE);
    }
    return d.lower & 0xfffff;
}

static bool may_run(struct e1000 *s)
{
    return (REG(s, E_TCTL) & TCTL_EN) && REG(s, E_TDH) != REG(s, E_TDT) &&
           ((REG(s, E_RCTL) & RCTL_LBM) || net_can_send(&s->port));
}

void e1000_tx_run(struct e1000 *s)
{
    uint64_t base = (uint64_t)REG(s, E_TDBAH) << 32 | REG(s, E_TDBAL);
    uint32_t size = REG(s, E_TDLEN) / DESC_SIZE, bytes = 0, n = 0;

    if (!size || timer_armed(&s->tx_go_on))
        return;
    while (may_run(s)) {
        uint32_t head = REG(s, E_TDH);

        if (n++ == RUN_DESCRIPTORS || bytes >= RUN_BYTES) {
            timer_arm(&s->tx_go_on, clock_now(s->clock));
            return;
        }
        if (head >= size || REG(s, E_TDT) >= size) {
            log_guest("e1000: TDH or TDT lies outside of the ring");
            return;
        }
        bytes += process(s, base + (uint64_t)head * DESC_SIZE);
        REG(s, E_TDH) = head + 1 == size ? 0 : head + 1;
        if (REG(s, E_TDH) == REG(s, E_TDT))
            e1000_cause(s, ICR_TXQE);
    }
}

static void go_on(void *opaque)
{
    e1000_tx_run(opaque);
}

void e1000_tx_init(struct e1000 *s)
{
    timer_init(&s->tx_go_on, s->clock, go_on, s);
}
