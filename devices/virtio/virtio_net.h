/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network device: pairs of queues and one for control. VIRTIO 1.1, 5.1. */
#ifndef DEVICES_VIRTIO_VIRTIO_NET_H
#define DEVICES_VIRTIO_VIRTIO_NET_H

#include "devices/net/nic.h"
#include "devices/virtio/virtio.h"

/* Feature bits: 5.1.3. */
#define VIRTIO_NET_F_CSUM           (UINT64_C(1) << 0)
#define VIRTIO_NET_F_GUEST_CSUM     (UINT64_C(1) << 1)
#define VIRTIO_NET_F_MTU            (UINT64_C(1) << 3)
#define VIRTIO_NET_F_MAC            (UINT64_C(1) << 5)
#define VIRTIO_NET_F_HOST_TSO4      (UINT64_C(1) << 11)
#define VIRTIO_NET_F_HOST_TSO6      (UINT64_C(1) << 12)
#define VIRTIO_NET_F_HOST_ECN       (UINT64_C(1) << 13)
#define VIRTIO_NET_F_MRG_RXBUF      (UINT64_C(1) << 15)
#define VIRTIO_NET_F_STATUS         (UINT64_C(1) << 16)
#define VIRTIO_NET_F_CTRL_VQ        (UINT64_C(1) << 17)
#define VIRTIO_NET_F_CTRL_RX        (UINT64_C(1) << 18)
#define VIRTIO_NET_F_CTRL_VLAN      (UINT64_C(1) << 19)
#define VIRTIO_NET_F_CTRL_RX_EXTRA  (UINT64_C(1) << 20)
#define VIRTIO_NET_F_GUEST_ANNOUNCE (UINT64_C(1) << 21)
#define VIRTIO_NET_F_MQ             (UINT64_C(1) << 22)
#define VIRTIO_NET_F_CTRL_MAC_ADDR  (UINT64_C(1) << 23)

#define VIRTIO_NET_MAX_PAIRS ((VIRTIO_MAX_QUEUES - 1u) / 2u)

struct virtio_net_config {
    struct nic_config nic;
    enum virtio_form form;
    uint16_t mtu;        /* that the driver is told to use; 0: it is not */
    uint16_t queue_size; /* a power of two up to VIRTQUEUE_MAX */
    uint16_t pairs;      /* of queues, 1 to VIRTIO_NET_MAX_PAIRS; the driver takes one at first */
    bool mrg_rxbuf, csum, tso; /* what is offered; tso needs csum */
};

/* NULL with an error. Device lock held. */
struct virtio_net *virtio_net_new(const struct virtio_net_config *cfg, GError **err);
struct device *virtio_net_device(struct virtio_net *d);
struct net_port *virtio_net_port(struct virtio_net *d);

#endif
