/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network device's features, configuration and life; see virtio_net.h. VIRTIO 1.1: 5.1.3
 * features, 5.1.4 configuration. */
#include "devices/virtio/virtio_net.h"

#include "base/bits.h"
#include "devices/virtio/virtio_net_int.h"

static const struct state_field net_fields[] = {
    VIRTIO_STATE_FIELDS(struct virtio_net, virtio),
    STATE_FIELD(struct virtio_net, filter),
    STATE_END,
};

static void put_link(struct virtio_net *d, unsigned more)
{
    st_le16(d->virtio.config + NET_C_STATUS,
            (uint16_t)(net_link_up(&d->port) ? NET_S_LINK_UP | more : 0));
}

/* Plugged in, maybe elsewhere: the guest shall make itself known there. */
static void link_changed(void *opaque, bool up)
{
    struct virtio_net *d = opaque;

    put_link(d, up && virtio_has(&d->virtio, VIRTIO_NET_F_GUEST_ANNOUNCE) ? NET_S_ANNOUNCE : 0);
    virtio_config_changed(&d->virtio);
}

static void send_more(void *opaque)
{
    struct virtio_net *d = opaque;

    for (unsigned n = 0; n < d->filter.pairs; n++)
        virtio_queue_notified(&d->virtio, 2 * n + 1);
}

static const struct net_port_ops port_ops = {.can_receive = net_can_receive,
                                             .receive = net_receive,
                                             .link_changed = link_changed,
                                             .writable = send_more};

/* 5.1.4.3: legacy drivers set their address by writing it. */
static void config_written(void *self, unsigned off, unsigned len)
{
    struct virtio_net *d = self;
    uint8_t *mac = d->virtio.config + NET_C_MAC;

    (void)len;
    if (off >= ETHER_ADDR)
        return;
    if (virtio_has(&d->virtio, VIRTIO_F_VERSION_1))
        memcpy(mac, d->filter.mac, ETHER_ADDR);
    else
        memcpy(d->filter.mac, mac, ETHER_ADDR);
}

static void forget(struct virtio_net *d)
{
    timer_cancel(&d->send_more);
    g_free(d->kept);
    d->kept = NULL;
}

static void net_run(void *self, bool running)
{
    struct virtio_net *d = self;

    if (!running) {
        forget(d);
        return;
    }
    for (unsigned n = 0; n <= net_control_queue(d); n++)
        virtio_queue_notified(&d->virtio, n);
}

static void net_virtio_reset(void *self)
{
    struct virtio_net *d = self;
    uint8_t *c = d->virtio.config;

    net_filter_reset(d);
    memset(c, 0, NET_CONFIG_LEN);
    memcpy(c + NET_C_MAC, d->cfg.nic.mac, ETHER_ADDR);
    st_le16(c + NET_C_PAIRS, d->cfg.pairs);
    st_le16(c + NET_C_MTU, d->cfg.mtu);
    put_link(d, 0);
}

static void net_notify(void *self, unsigned n)
{
    struct virtio_net *d = self;

    if (n == net_control_queue(d))
        net_control(d);
    else if (n / 2 >= d->filter.pairs)
        return; /* until the driver says that it uses them */
    else if (n % 2)
        net_transmit(d, n / 2);
    else
        net_receive_more(d);
}

static const struct virtio_class net_class = {
    .name = "virtio-net",
    .id = VIRTIO_ID_NET,
    .pci_class = 0x020000,
    .notify = net_notify,
    .run = net_run,
    .reset = net_virtio_reset,
    .config_written = config_written,
};

static void net_reset(void *self)
{
    virtio_reset(&((struct virtio_net *)self)->virtio);
}

static void net_post_load(void *self)
{
    struct virtio_net *d = self;
    struct net_filter *f = &d->filter;

    if (f->n_unicast > NET_MAX_ADDRESSES || f->n_multicast > NET_MAX_ADDRESSES - f->n_unicast)
        f->n_unicast = f->n_multicast = 0;
    f->pairs = (uint16_t)CLAMP(f->pairs, 1, d->cfg.pairs);
    virtio_post_load(&d->virtio);
}

static void net_destroy(void *self)
{
    struct virtio_net *d = self;

    virtio_detach(&d->virtio);
    net_port_clear(&d->port);
    forget(d);
    g_free(d->rom);
    g_free(d);
}

static const struct device_type net_type = {
    .name = "virtio-net",
    .version = 1,
    .fields = net_fields,
    .reset = net_reset,
    .post_load = net_post_load,
    .destroy = net_destroy,
};

static bool add_rom(void *self, struct pci_device *pci, GError **err)
{
    struct virtio_net *d = self;

    return nic_add_rom(pci, &d->cfg.nic, &d->rom, err);
}

static uint64_t features(const struct virtio_net_config *cfg)
{
    uint64_t f = VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS | VIRTIO_NET_F_CTRL_VQ |
                 VIRTIO_NET_F_CTRL_RX | VIRTIO_NET_F_CTRL_VLAN | VIRTIO_NET_F_CTRL_RX_EXTRA |
                 VIRTIO_NET_F_GUEST_ANNOUNCE | VIRTIO_NET_F_CTRL_MAC_ADDR;

    if (cfg->mrg_rxbuf)
        f |= VIRTIO_NET_F_MRG_RXBUF;
    if (cfg->csum)
        f |= VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM;
    if (cfg->csum && cfg->tso)
        f |= VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_HOST_ECN;
    if (cfg->pairs > 1)
        f |= VIRTIO_NET_F_MQ;
    if (cfg->mtu)
        f |= VIRTIO_NET_F_MTU;
    return f;
}

struct virtio_net *virtio_net_new(const struct virtio_net_config *cfg, GError **err)
{
    struct virtio_net *d = g_new0(struct virtio_net, 1);
    struct virtio_config virtio = {.class = &net_class,
                                   .self = d,
                                   .bus = cfg->nic.bus,
                                   .devfn = cfg->nic.devfn,
                                   .form = cfg->form,
                                   .features = features(cfg),
                                   .queues = cfg->pairs * 2u + 1,
                                   .queue_size = cfg->queue_size,
                                   .config_len = NET_CONFIG_LEN,
                                   .writable = d->writable,
                                   .prepare = add_rom};

    d->dev = (struct device){&net_type, d};
    d->cfg = *cfg;
    memset(d->writable, 0xff, ETHER_ADDR);
    timer_init(&d->send_more, cfg->nic.clock, send_more, d);
    net_port_init(&d->port, cfg->nic.name, &port_ops, d);
    if (!virtio_attach(&d->virtio, &virtio, err)) {
        net_destroy(d);
        return NULL;
    }
    device_reset(&d->dev);
    return d;
}

struct device *virtio_net_device(struct virtio_net *d)
{
    return &d->dev;
}

struct net_port *virtio_net_port(struct virtio_net *d)
{
    return &d->port;
}
