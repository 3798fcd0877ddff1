/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of network adapters. */
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "devices/net/e1000.h"
#include "devices/net/ne2000.h"
#include "devices/net/rtl8139.h"
#include "devices/virtio/virtio_net.h"
#include "machine/board.h"
#include "machine/board_build.h"
#include "machine/device_families.h"
#include "machine/devices_virtio.h"
#include "machine/network.h"

#define NET_PROPS                                                                                  \
    {.name = "netdev",                                                                             \
     .type = PROP_TEXT,                                                                            \
     .what = "the network that its cable leads to: the id of a -netdev"},                          \
    {                                                                                              \
        .name = "mac", .type = PROP_MAC, .what = "its address (default: 52:54:00:12:34:56 and on)" \
    }
#define NET_PCI_PROPS                                                                              \
    {"bootindex", PROP_NUMBER, "its place in the boot order", .max = INT32_MAX},                   \
    {                                                                                              \
        .name = "romfile", .type = PROP_TEXT,                                                      \
        .what = "its option ROM; empty for none (default: iPXE's)"                                 \
    }

static const struct device_prop pci_nic_props[] = {NET_PROPS, NET_PCI_PROPS, DEVICE_PROPS_END};

/* What all adapters are told; the caller frees the name. */
static void common(struct board *b, const struct device_config *c, struct nic_config *cfg,
                   char **name)
{
    const char *id = device_config_id(c);

    *name = id ? g_strdup(id) : board_nic_name(b, device_config_kind(c)->name);
    *cfg = (struct nic_config){.name = *name, .clock = b->clock, .bus = b->pci};
    if (device_given(c, "mac"))
        device_mac(device_text(c, "mac"), cfg->mac);
    else
        board_nic_mac(b, cfg->mac);
}

/* The option ROM that was asked for, or iPXE's where it is installed. *rom is NULL without one. */
static bool load_rom(struct board *b, const struct device_config *c, const char *standard,
                     struct firmware_image **rom, GError **err)
{
    const char *file = device_text(c, "romfile");
    GError *missing = NULL;

    *rom = NULL;
    if (file && !*file)
        return true;
    if (file) {
        *rom = firmware_load_rom(file, b->cfg.firmware_dir, err);
        return *rom != NULL;
    }
    *rom = firmware_load_rom(standard, b->cfg.firmware_dir, &missing);
    if (!*rom) {
        log_msg(LOG_BOOT, "boot: no option ROM for %s: %s", device_config_kind(c)->name,
                missing->message);
        g_error_free(missing);
    }
    return true;
}

/* A kind on PCI: how it is made, and what of it the board wants. */
struct pci_nic {
    const char *rom;
    bool (*make)(const struct device_config *c, const struct nic_config *cfg, struct device **dev,
                 struct net_port **port, GError **err);
};

static bool build_pci_nic(struct board *b, const struct device_config *c, const struct pci_nic *how,
                          GError **err)
{
    struct firmware_image *rom = NULL;
    struct nic_config cfg;
    struct net_port *port;
    struct device *dev;
    char *name;
    bool ok;

    common(b, c, &cfg, &name);
    ok = board_pci_place(b, c, &cfg.devfn, err) && load_rom(b, c, how->rom, &rom, err);
    if (rom) {
        cfg.rom = rom->data;
        cfg.rom_len = rom->size;
        cfg.rom_adapts = !device_text(c, "romfile");
    }
    ok = ok && how->make(c, &cfg, &dev, &port, err) && board_add(b, dev) &&
         board_connect_nic(b, port, device_config_kind(c)->name, cfg.mac, device_text(c, "netdev"),
                           err);
    if (ok && rom)
        board_bootable(b, 'n',
                       device_given(c, "bootindex") ? device_number(c, "bootindex") : BOOT_NO_INDEX,
                       cfg.devfn & 7 ? g_strdup_printf("/pci@i0cf8/ethernet@%x,%x", cfg.devfn >> 3,
                                                       cfg.devfn & 7u)
                                     : g_strdup_printf("/pci@i0cf8/ethernet@%x", cfg.devfn >> 3));
    firmware_free(rom);
    g_free(name);
    return ok;
}

/* ---- e1000 ---- */

static bool make_e1000(const struct device_config *c, const struct nic_config *cfg,
                       struct device **dev, struct net_port **port, GError **err)
{
    struct e1000 *s = e1000_new(cfg, err);

    (void)c;
    if (!s)
        return false;
    *dev = e1000_device(s);
    *port = e1000_port(s);
    return true;
}

static bool build_e1000(struct board *b, const struct device_config *c, GError **err)
{
    static const struct pci_nic how = {"pxe-e1000.rom", make_e1000};

    return build_pci_nic(b, c, &how, err);
}

static const struct device_kind e1000_kind = {
    .name = "e1000",
    .bus = "PCI",
    .what = "Intel's 82540EM, gigabit Ethernet",
    .family = FAMILY_NETWORK,
    .props = pci_nic_props,
    .build = build_e1000,
};

/* ---- rtl8139 ---- */

static bool make_rtl8139(const struct device_config *c, const struct nic_config *cfg,
                         struct device **dev, struct net_port **port, GError **err)
{
    struct rtl8139 *s = rtl8139_new(cfg, err);

    (void)c;
    if (!s)
        return false;
    *dev = rtl8139_device(s);
    *port = rtl8139_port(s);
    return true;
}

static bool build_rtl8139(struct board *b, const struct device_config *c, GError **err)
{
    static const struct pci_nic how = {"pxe-rtl8139.rom", make_rtl8139};

    return build_pci_nic(b, c, &how, err);
}

static const struct device_kind rtl8139_kind = {
    .name = "rtl8139",
    .bus = "PCI",
    .what = "Realtek's RTL8139C+, Fast Ethernet",
    .family = FAMILY_NETWORK,
    .props = pci_nic_props,
    .build = build_rtl8139,
};

/* ---- NE2000 ---- */

static bool make_ne2k_pci(const struct device_config *c, const struct nic_config *cfg,
                          struct device **dev, struct net_port **port, GError **err)
{
    struct ne2k_pci *s = ne2k_pci_new(cfg, err);

    (void)c;
    if (!s)
        return false;
    *dev = ne2k_pci_device(s);
    *port = ne2k_pci_port(s);
    return true;
}

static bool build_ne2k_pci(struct board *b, const struct device_config *c, GError **err)
{
    static const struct pci_nic how = {"pxe-ne2k_pci.rom", make_ne2k_pci};

    return build_pci_nic(b, c, &how, err);
}

static const struct device_kind ne2k_pci_kind = {
    .name = "ne2k_pci",
    .bus = "PCI",
    .what = "Realtek's RTL8029AS, an NE2000 on PCI",
    .family = FAMILY_NETWORK,
    .props = pci_nic_props,
    .build = build_ne2k_pci,
};

static const struct device_prop isa_nic_props[] = {
    NET_PROPS,
    {.name = "iobase",
     .type = PROP_NUMBER,
     .what = "its first port",
     .max = 0xffe0,
     .number = 0x300},
    {.name = "irq", .type = PROP_NUMBER, .what = "its interrupt", .min = 2, .max = 15, .number = 9},
    DEVICE_PROPS_END,
};

static bool build_ne2k_isa(struct board *b, const struct device_config *c, GError **err)
{
    unsigned irq = (unsigned)device_number(c, "irq");
    struct nic_config cfg;
    struct ne2k_isa *s;
    char *name;
    bool ok;

    common(b, c, &cfg, &name);
    if (irq == 2) /* the cascade: a card's line 2 is the PC's 9 */
        irq = 9;
    s = ne2k_isa_new(&cfg, b->ports, (uint16_t)device_number(c, "iobase"),
                     irq_mux_input(&b->irq, irq, IRQ_CHIP2), err);
    ok = s && board_add(b, ne2k_isa_device(s)) &&
         board_connect_nic(b, ne2k_isa_port(s), device_config_kind(c)->name, cfg.mac,
                           device_text(c, "netdev"), err);
    g_free(name);
    return ok;
}

static const struct device_kind ne2k_isa_kind = {
    .name = "ne2k_isa",
    .bus = "ISA",
    .what = "an NE2000",
    .family = FAMILY_NETWORK,
    .limit = 1,
    .props = isa_nic_props,
    .build = build_ne2k_isa,
};

/* ---- virtio ---- */

static bool make_virtio(const struct device_config *c, const struct nic_config *nic,
                        struct device **dev, struct net_port **port, GError **err)
{
    struct virtio_net_config cfg = {.nic = *nic,
                                    .mtu = (uint16_t)device_number(c, "host_mtu"),
                                    .queue_size = (uint16_t)device_number(c, "queue-size"),
                                    .pairs = 1,
                                    .mrg_rxbuf = device_flag(c, "mrg_rxbuf"),
                                    .csum = device_flag(c, "csum"),
                                    .tso = device_flag(c, "host_tso")};
    struct virtio_net *d;

    if (device_flag(c, "mq"))
        cfg.pairs = (uint16_t)device_number(c, "queues");
    else if (device_given(c, "queues"))
        return error_config(err, "virtio-net-pci: queues=N wants mq=on");
    if (!virtio_form_of(c, &cfg.form, err) || !virtio_queue_size(c, err))
        return false;
    d = virtio_net_new(&cfg, err);
    if (!d)
        return false;
    *dev = virtio_net_device(d);
    *port = virtio_net_port(d);
    return true;
}

static bool build_virtio(struct board *b, const struct device_config *c, GError **err)
{
    static const struct pci_nic how = {"pxe-virtio.rom", make_virtio};

    return build_pci_nic(b, c, &how, err);
}

static const struct device_prop virtio_nic_props[] = {
    NET_PROPS,
    NET_PCI_PROPS,
    VIRTIO_PROPS,
    {"queue-size", PROP_NUMBER, "frames that a queue holds, a power of two", .min = 64,
     .max = VIRTQUEUE_MAX, .number = 256},
    {"mq", PROP_ON_OFF, "several pairs of queues", .number = 0},
    {"queues", PROP_NUMBER, "with mq=on how many pairs", .min = 1, .max = VIRTIO_NET_MAX_PAIRS,
     .number = 4},
    {"host_mtu", PROP_NUMBER, "the MTU that the guest is told to use; 0: it is not", .max = 65535},
    {"mrg_rxbuf", PROP_ON_OFF, "frames may come in several buffers", .number = 1},
    {"csum", PROP_ON_OFF, "checksums are made and checked here", .number = 1},
    {"host_tso", PROP_ON_OFF, "large TCP segments are taken as they are", .number = 1},
    DEVICE_PROPS_END,
};

static const struct device_kind virtio_net_kind = {
    .name = "virtio-net-pci",
    .bus = "PCI",
    .what = "a paravirtual adapter",
    .family = FAMILY_NETWORK,
    .props = virtio_nic_props,
    .build = build_virtio,
};

const struct device_kind *const devices_net[] = {
    &e1000_kind, &ne2k_isa_kind, &ne2k_pci_kind, &rtl8139_kind, &virtio_net_kind, NULL,
};
