/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network device's frames, in and out: VIRTIO 1.1, 5.1.6. Checksums that the driver leaves to
 * us are made here. A large TCP segment goes out as the one frame that it is: frames of a cable
 * (backends/net.h) may be that long, and nothing on the way makes them longer.
 */
#include "base/bits.h"
#include "base/log.h"
#include "devices/virtio/virtio_net_int.h"

/* The header in front of each frame. */
enum {
    H_FLAGS = 0,
    H_GSO_TYPE = 1,
    H_CSUM_START = 6,
    H_CSUM_OFFSET = 8,
    H_NUM_BUFFERS = 10,
    HEADER_MAX = 12,
    HEADER_LEGACY = 10,

    F_NEEDS_CSUM = 1,
    F_DATA_VALID = 2,

    GSO_NONE = 0,
    GSO_TCPV4 = 1,
    GSO_TCPV6 = 4,
    GSO_ECN = 0x80,
};

#define MAX_CHAINS 64u  /* of one frame that comes in */
#define MAX_FRAMES 256u /* that go out before others get the device lock */

/* 5.1.6.1: legacy drivers without merged buffers have a header that lacks their number. */
static size_t header_size(const struct virtio_net *d)
{
    return virtio_has(&d->virtio, VIRTIO_F_VERSION_1 | VIRTIO_NET_F_MRG_RXBUF) ? HEADER_MAX
                                                                               : HEADER_LEGACY;
}

/* ---- in ---- */

/* Chains popped for one frame, and the room in them. */
struct chains {
    struct vq_elem *e[MAX_CHAINS];
    unsigned n;
    uint64_t room;
};

static void free_chains(struct chains *c)
{
    for (unsigned k = 0; k < c->n; k++)
        g_free(c->e[k]);
    c->n = 0;
}

static void give_back(struct virtqueue *q, struct chains *c)
{
    for (unsigned k = 0; k < c->n; k++)
        virtqueue_unpop(q);
    free_chains(c);
}

enum room { ROOM_ENOUGH, ROOM_LATER, ROOM_NEVER };

/* Pops what `need` bytes want: several chains where they are merged (5.1.6.3.1). */
static enum room find_room(struct virtio_net *d, struct virtqueue *q, struct chains *c,
                           uint64_t need)
{
    unsigned limit = virtio_has(&d->virtio, VIRTIO_NET_F_MRG_RXBUF) ? MAX_CHAINS : 1;

    c->n = 0;
    c->room = 0;
    while (c->room < need && c->n < limit) {
        struct vq_elem *e = virtqueue_pop(q);

        if (!e)
            break;
        c->e[c->n++] = e;
        c->room += e->in_len;
        if (e->in_len < header_size(d)) {
            free_chains(c);
            virtqueue_break(q, "a buffer for frames has no room for a header");
            return ROOM_NEVER;
        }
    }
    if (c->room >= need)
        return ROOM_ENOUGH;
    if (c->n < MIN(limit, (unsigned)q->s->size)) {
        give_back(q, c);
        return ROOM_LATER;
    }
    log_guest("virtio-net: the driver's buffers are too short for a frame");
    give_back(q, c);
    return ROOM_NEVER;
}

static void make_header(struct virtio_net *d, uint8_t *h, const uint8_t *frame, size_t len,
                        unsigned chains)
{
    memset(h, 0, HEADER_MAX);
    if (virtio_has(&d->virtio, VIRTIO_NET_F_GUEST_CSUM)) {
        struct ether_checked c = ether_check(frame, len);

        if (c.ip_good && c.l4_good)
            h[H_FLAGS] = F_DATA_VALID;
    }
    st_le16(h + H_NUM_BUFFERS, (uint16_t)chains);
}

/* Header and frame into the chains, which have room for both. */
static void scatter(struct virtio_net *d, struct virtqueue *q, struct chains *c,
                    const uint8_t *frame, size_t len)
{
    size_t header = header_size(d), done = 0;
    uint8_t h[HEADER_MAX];

    make_header(d, h, frame, len, c->n);
    for (unsigned k = 0; k < c->n; k++) {
        size_t at = k ? 0 : vq_elem_write(q, c->e[k], 0, h, header);
        size_t n = vq_elem_write(q, c->e[k], at, frame + done, len - done);

        virtqueue_fill(q, k, c->e[k]->head, (uint32_t)(at + n));
        done += n;
    }
    virtqueue_flush(q, c->n);
    virtqueue_notify(q);
}

static bool pair_takes(const struct virtio_net *d, unsigned pair)
{
    const struct virtqueue_state *s = &d->virtio.queue_state[2 * pair];

    return d->virtio.running && s->enabled && !s->broken;
}

static bool pair_has_room(struct virtio_net *d, unsigned pair)
{
    return pair_takes(d, pair) && virtqueue_pending(&d->virtio.queue[2 * pair]);
}

/* 5.1.6.5.5: to where the driver sends what belongs to the same flow; else to any. */
static struct virtqueue *queue_for(struct virtio_net *d, const uint8_t *frame, size_t len)
{
    unsigned pairs = d->filter.pairs, at = 0;

    if (pairs > 1)
        at = d->filter.flow[ether_flow(frame, len) % NET_FLOWS] % pairs;
    for (unsigned k = 0; k < pairs; k++) {
        if (pair_has_room(d, (at + k) % pairs))
            return &d->virtio.queue[2 * ((at + k) % pairs)];
    }
    return &d->virtio.queue[2 * (pair_takes(d, at) ? at : 0)];
}

static enum room deliver(struct virtio_net *d, const uint8_t *frame, size_t len)
{
    struct virtqueue *q = queue_for(d, frame, len);
    struct chains c;
    enum room room = find_room(d, q, &c, header_size(d) + len);

    if (room == ROOM_ENOUGH) {
        scatter(d, q, &c, frame, len);
        free_chains(&c);
    }
    return room;
}

static bool takes_frames(const struct virtio_net *d)
{
    for (unsigned n = 0; n < d->filter.pairs; n++) {
        if (pair_takes(d, n))
            return true;
    }
    return false;
}

static bool has_room(struct virtio_net *d)
{
    for (unsigned n = 0; n < d->filter.pairs; n++) {
        if (pair_has_room(d, n))
            return true;
    }
    return false;
}

/* Without a driver that listens frames are not kept but lost. */
bool net_can_receive(void *opaque)
{
    struct virtio_net *d = opaque;

    return !takes_frames(d) || (!d->kept && has_room(d));
}

void net_receive(void *opaque, const struct iovec *iov, unsigned n)
{
    struct virtio_net *d = opaque;
    const uint8_t *frame = iov[0].iov_base;
    size_t len = net_iov_len(iov, n);

    if (!takes_frames(d))
        return;
    if (n > 1) {
        size_t at = 0;

        for (unsigned k = 0; k < n; k++) {
            memcpy(d->frame + at, iov[k].iov_base, iov[k].iov_len);
            at += iov[k].iov_len;
        }
        frame = d->frame;
    }
    if (net_filter_wants(d, frame, len) && deliver(d, frame, len) == ROOM_LATER)
        d->kept = net_frame_copy(iov, n);
}

void net_receive_more(struct virtio_net *d)
{
    if (d->kept) {
        if (deliver(d, d->kept->data, d->kept->len) == ROOM_LATER)
            return;
        g_free(d->kept);
        d->kept = NULL;
    }
    net_flush(&d->port);
}

/* ---- out ---- */

/* 5.1.6.2: the sum of what is behind `start`, with that of the pseudo header already in its place.
 */
static bool insert_sum(uint8_t *frame, size_t len, size_t start, size_t offset)
{
    uint16_t sum;

    if (start + offset + 2 > len)
        return false;
    sum = ether_sum_end(ether_sum(frame + start, len - start, 0));
    st_le16(frame + start + offset, sum ? sum : 0xffff); /* to UDP zero says that there is none */
    return true;
}

static bool known_gso(const struct virtio_net *d, uint8_t type)
{
    switch (type & ~GSO_ECN) {
    case GSO_NONE: return true;
    case GSO_TCPV4: return virtio_has(&d->virtio, VIRTIO_NET_F_HOST_TSO4);
    case GSO_TCPV6: return virtio_has(&d->virtio, VIRTIO_NET_F_HOST_TSO6);
    default: return false;
    }
}

/* False: there is no frame in this chain that could go out. */
static bool prepare(struct virtio_net *d, struct virtqueue *q, const struct vq_elem *e, size_t *len)
{
    size_t header = header_size(d);
    uint8_t h[HEADER_MAX] = {0};

    vq_elem_read(q, e, 0, h, header);
    if (e->out_len == header || e->out_len - header > sizeof(d->frame))
        return false;
    *len = vq_elem_read(q, e, header, d->frame, sizeof(d->frame));
    if (!known_gso(d, h[H_GSO_TYPE]))
        return false;
    return !(h[H_FLAGS] & F_NEEDS_CSUM) ||
           insert_sum(d->frame, *len, ld_le16(h + H_CSUM_START), ld_le16(h + H_CSUM_OFFSET));
}

static void send_chain(struct virtio_net *d, unsigned pair, const struct vq_elem *e)
{
    size_t len;

    if (prepare(d, &d->virtio.queue[2 * pair + 1], e, &len)) {
        struct iovec iov = {d->frame, len};

        if (d->filter.pairs > 1)
            d->filter.flow[ether_flow(d->frame, len) % NET_FLOWS] = (uint8_t)pair;
        net_send(&d->port, &iov, 1);
    } else {
        log_guest("virtio-net: what should be sent is no frame");
    }
}

void net_transmit(struct virtio_net *d, unsigned pair)
{
    struct virtqueue *q = &d->virtio.queue[2 * pair + 1];
    unsigned n = 0;

    while (net_can_send(&d->port)) {
        struct vq_elem *e;

        if (n == MAX_FRAMES) {
            timer_arm(&d->send_more, clock_now(d->cfg.nic.clock));
            break;
        }
        e = virtqueue_pop(q);
        if (!e)
            break;
        if (e->out_len < header_size(d)) {
            g_free(e);
            virtqueue_break(q, "a frame without a header");
            return;
        }
        send_chain(d, pair, e);
        virtqueue_push(q, e->head, 0);
        g_free(e);
        n++;
    }
    if (n)
        virtqueue_notify(q);
}
