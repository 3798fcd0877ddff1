/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which frames the network device lets in, and the queue by which the driver says so: VIRTIO 1.1,
 * 5.1.6.5. */
#include "base/bits.h"
#include "base/log.h"
#include "devices/virtio/virtio_net_int.h"

enum {
    CLASS_RX = 0,
    CLASS_MAC = 1,
    CLASS_VLAN = 2,
    CLASS_ANNOUNCE = 3,
    CLASS_MQ = 4,

    RX_PROMISC = 0,
    RX_ALLMULTI = 1,
    RX_ALLUNI = 2,
    RX_NOMULTI = 3,
    RX_NOUNI = 4,
    RX_NOBCAST = 5,
    MAC_TABLE_SET = 0,
    MAC_ADDR_SET = 1,
    VLAN_ADD = 0,
    VLAN_DEL = 1,
    ANNOUNCE_ACK = 0,
    MQ_PAIRS_SET = 0,

    ACK_OK = 0,
    ACK_ERR = 1,
    HEADER_SIZE = 2,
};

/* ---- the filter ---- */

void net_filter_reset(struct virtio_net *d)
{
    d->filter = (struct net_filter){.promiscuous = true, .pairs = 1};
    memcpy(d->filter.mac, d->cfg.nic.mac, ETHER_ADDR);
}

static bool in_table(const struct net_filter *f, unsigned from, unsigned n, const uint8_t *addr)
{
    for (unsigned k = from; k < from + n; k++) {
        if (!memcmp(f->address[k], addr, ETHER_ADDR))
            return true;
    }
    return false;
}

static bool vlan_wanted(const struct virtio_net *d, const uint8_t *frame, size_t len)
{
    unsigned id;

    if (!virtio_has(&d->virtio, VIRTIO_NET_F_CTRL_VLAN) || len < ETHER_HEADER + 4u ||
        frame[12] != 0x81 || frame[13] != 0x00)
        return true;
    id = (frame[14] & 15u) << 8 | frame[15];
    return d->filter.vlan[id / 8] >> (id % 8) & 1;
}

bool net_filter_wants(const struct virtio_net *d, const uint8_t *frame, size_t len)
{
    const struct net_filter *f = &d->filter;

    if (len < ETHER_HEADER || !vlan_wanted(d, frame, len))
        return false;
    if (f->promiscuous)
        return true;
    if (ether_is_broadcast(frame))
        return !f->no_broadcast;
    if (ether_is_multicast(frame))
        return !f->no_multicast && (f->all_multicast || f->multicast_overflow ||
                                    in_table(f, f->n_unicast, f->n_multicast, frame));
    if (f->no_unicast)
        return false;
    return f->all_unicast || f->unicast_overflow || !memcmp(frame, f->mac, ETHER_ADDR) ||
           in_table(f, 0, f->n_unicast, frame);
}

/* ---- commands ---- */

/* What follows the header of a command. */
struct command {
    struct virtqueue *q;
    const struct vq_elem *e;
    uint64_t at, len;
};

static bool take(struct command *c, void *buf, size_t len)
{
    if (c->len - c->at < len)
        return false;
    c->at += vq_elem_read(c->q, c->e, HEADER_SIZE + c->at, buf, len);
    return true;
}

static bool rx_mode(struct virtio_net *d, uint8_t cmd, struct command *c)
{
    struct net_filter *f = &d->filter;
    bool *const mode[] = {
        [RX_PROMISC] = &f->promiscuous, [RX_ALLMULTI] = &f->all_multicast,
        [RX_ALLUNI] = &f->all_unicast,  [RX_NOMULTI] = &f->no_multicast,
        [RX_NOUNI] = &f->no_unicast,    [RX_NOBCAST] = &f->no_broadcast,
    };
    uint8_t on;

    if (cmd >= ARRAY_SIZE(mode) || !take(c, &on, 1))
        return false;
    *mode[cmd] = on;
    return true;
}

/* One of the two tables. Where it is too long for what is left of ours, none of it is needed. */
static bool take_table(struct command *c, struct net_filter *f, uint8_t *n, bool *overflow)
{
    unsigned from = f->n_unicast;
    uint8_t raw[4];
    uint64_t count;

    if (!take(c, raw, sizeof(raw)))
        return false;
    count = ld_le32(raw);
    if (count > (c->len - c->at) / ETHER_ADDR)
        return false;
    if (count > NET_MAX_ADDRESSES - from) {
        *overflow = true;
        c->at += count * ETHER_ADDR;
        return true;
    }
    for (uint64_t k = 0; k < count; k++)
        take(c, f->address[from + k], ETHER_ADDR);
    *n = (uint8_t)count;
    return true;
}

static bool set_mac(struct virtio_net *d, uint8_t cmd, struct command *c)
{
    struct net_filter next = d->filter;

    switch (cmd) {
    case MAC_TABLE_SET:
        next.n_unicast = next.n_multicast = 0;
        next.unicast_overflow = next.multicast_overflow = false;
        if (!take_table(c, &next, &next.n_unicast, &next.unicast_overflow) ||
            !take_table(c, &next, &next.n_multicast, &next.multicast_overflow))
            return false;
        break;
    case MAC_ADDR_SET:
        if (c->len != ETHER_ADDR || !take(c, next.mac, ETHER_ADDR))
            return false;
        memcpy(d->virtio.config + NET_C_MAC, next.mac, ETHER_ADDR);
        break;
    default: return false;
    }
    d->filter = next;
    return true;
}

static bool set_vlan(struct virtio_net *d, uint8_t cmd, struct command *c)
{
    uint8_t raw[2], bit;
    unsigned id;

    if (cmd > VLAN_DEL || !take(c, raw, sizeof(raw)))
        return false;
    id = ld_le16(raw);
    if (id >= 4096)
        return false;
    bit = (uint8_t)(1u << (id % 8));
    if (cmd == VLAN_ADD)
        d->filter.vlan[id / 8] |= bit;
    else
        d->filter.vlan[id / 8] &= (uint8_t)~bit;
    return true;
}

static bool announced(struct virtio_net *d, uint8_t cmd)
{
    if (cmd != ANNOUNCE_ACK || !(d->virtio.config[NET_C_STATUS] & NET_S_ANNOUNCE))
        return false;
    d->virtio.config[NET_C_STATUS] &= (uint8_t)~NET_S_ANNOUNCE;
    return true;
}

/* 5.1.6.5.5: how many pairs are in use; the frames of those that are not any more go to others. */
static bool set_pairs(struct virtio_net *d, uint8_t cmd, struct command *c)
{
    uint8_t raw[2];
    unsigned n;

    if (cmd != MQ_PAIRS_SET || !virtio_has(&d->virtio, VIRTIO_NET_F_MQ) ||
        !take(c, raw, sizeof(raw)))
        return false;
    n = ld_le16(raw);
    if (!n || n > d->cfg.pairs)
        return false;
    d->filter.pairs = (uint16_t)n;
    memset(d->filter.flow, 0, sizeof(d->filter.flow));
    return true;
}

static bool obey(struct virtio_net *d, struct command *c, const uint8_t *header)
{
    switch (header[0]) {
    case CLASS_RX: return rx_mode(d, header[1], c);
    case CLASS_MAC: return set_mac(d, header[1], c);
    case CLASS_VLAN: return set_vlan(d, header[1], c);
    case CLASS_MQ: return set_pairs(d, header[1], c);
    case CLASS_ANNOUNCE: return announced(d, header[1]);
    default: return false;
    }
}

void net_control(struct virtio_net *d)
{
    struct virtqueue *q = &d->virtio.queue[net_control_queue(d)];
    struct vq_elem *e;
    unsigned pairs = d->filter.pairs;

    while ((e = virtqueue_pop(q))) {
        struct command c = {.q = q, .e = e};
        uint8_t header[HEADER_SIZE], ack;

        if (e->out_len < HEADER_SIZE || !e->in_len) {
            g_free(e);
            virtqueue_break(q, "a command without a header or without a status");
            return;
        }
        c.len = e->out_len - HEADER_SIZE;
        vq_elem_read(q, e, 0, header, sizeof(header));
        ack = obey(d, &c, header) ? ACK_OK : ACK_ERR;
        if (ack)
            log_guest("virtio-net: command %u.%u is refused", header[0], header[1]);
        vq_elem_write(q, e, 0, &ack, 1);
        virtqueue_push(q, e->head, 1);
        virtqueue_notify(q);
        g_free(e);
    }
    for (; pairs < d->filter.pairs; pairs++) { /* what was made available before */
        virtio_queue_notified(&d->virtio, 2 * pairs);
        virtio_queue_notified(&d->virtio, 2 * pairs + 1);
    }
}
