/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network device's inside, for virtio_net*.c. */
#ifndef DEVICES_VIRTIO_VIRTIO_NET_INT_H
#define DEVICES_VIRTIO_VIRTIO_NET_INT_H

#include "base/clock.h"
#include "devices/virtio/virtio_net.h"

#define NET_MAX_ADDRESSES 64u

/* 5.1.2: pair n is the queues 2n, in, and 2n + 1, out. Control comes behind all pairs, or behind
 * the first where the driver knows of no more. */
#define NET_FLOWS 256u /* that are told apart when several pairs are in use */

/* 5.1.4 */
enum {
    NET_C_MAC = 0,
    NET_C_STATUS = 6,
    NET_C_PAIRS = 8,
    NET_C_MTU = 10,
    NET_CONFIG_LEN = 12,
    NET_S_LINK_UP = 1,
    NET_S_ANNOUNCE = 2,
};

/* Whose frames the driver wants: 5.1.6.5. Plain data, saved as a whole. */
struct net_filter {
    bool promiscuous, all_multicast, all_unicast, no_multicast, no_unicast, no_broadcast;
    uint8_t n_unicast, n_multicast;                 /* of the table */
    bool unicast_overflow, multicast_overflow;      /* more than it holds: all of them */
    uint8_t address[NET_MAX_ADDRESSES][ETHER_ADDR]; /* unicast first */
    uint8_t vlan[4096 / 8];
    uint8_t mac[ETHER_ADDR];
    uint16_t pairs;          /* in use */
    uint8_t flow[NET_FLOWS]; /* the pair on which the driver sent last, by ether_flow */
};

struct virtio_net {
    struct device dev;
    struct virtio virtio;
    struct virtio_net_config cfg;
    struct net_port port;
    void *rom;
    struct timer send_more;
    uint8_t writable[NET_CONFIG_LEN];

    struct net_filter filter; /* state */

    struct net_frame *kept; /* came when there was no room for all of it; not state: it is lost */
    uint8_t frame[NET_FRAME_MAX]; /* on its way in or out */
};

static inline unsigned net_control_queue(const struct virtio_net *d)
{
    return virtio_has(&d->virtio, VIRTIO_NET_F_MQ) ? d->cfg.pairs * 2u : 2;
}

/* virtio_net_io.c */
bool net_can_receive(void *opaque);
void net_receive(void *opaque, const struct iovec *iov, unsigned n);
void net_receive_more(struct virtio_net *d); /* the driver has put buffers into the queue */
void net_transmit(struct virtio_net *d, unsigned pair);

/* virtio_net_ctrl.c */
void net_filter_reset(struct virtio_net *d);
bool net_filter_wants(const struct virtio_net *d, const uint8_t *frame, size_t len);
void net_control(struct virtio_net *d);

#endif
