/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A board for tests of network adapters: a PCI bus with one in slot 3, memory for its DMA, and a
 * port at the other end of its cable that keeps what it gets. The adapter is driven as a guest's
 * driver would: through its BARs, which lie at fixed places.
 */
#ifndef TESTS_UNIT_NIC_RIG_H
#define TESTS_UNIT_NIC_RIG_H

#include "tests/unit/chip.h"

#include "base/bits.h"
#include "devices/net/nic.h"
#include "devices/pci/pci_bus.h"

#define NIC_RAM   0x100000u
#define NIC_MMIO  0xfe000000u
#define NIC_IO    0xc000u
#define NIC_DEVFN PCI_DEVFN(3, 0)

struct nic_rig {
    struct bus *ports, *mmio;
    struct vclock *clock;
    struct pci_bus *pci;
    struct device *dev;
    struct net_port *port; /* the adapter's */
    struct net_port far;
    bool far_full;          /* takes nothing */
    GPtrArray *got;         /* struct net_frame that it took */
    struct probe_line intx; /* of all four PIRQs */
    uint8_t ram[NIC_RAM];
};

/* The address that the adapter has. */
static const uint8_t nic_mac[6] = {0x52, 0x54, 0x00, 0xab, 0xcd, 0xee};

static inline bool nic_ram_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    struct nic_rig *r = opaque;

    if (gpa > NIC_RAM || len > NIC_RAM - gpa) {
        memset(buf, 0xff, len);
        return false;
    }
    memcpy(buf, r->ram + gpa, len);
    return true;
}

static inline bool nic_ram_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    struct nic_rig *r = opaque;

    if (gpa > NIC_RAM || len > NIC_RAM - gpa)
        return false;
    memcpy(r->ram + gpa, buf, len);
    return true;
}

static inline bool nic_far_takes(void *opaque)
{
    return !((struct nic_rig *)opaque)->far_full;
}

static inline void nic_far_got(void *opaque, const struct iovec *iov, unsigned n)
{
    struct nic_rig *r = opaque;

    if (r->got->len < 100000)
        g_ptr_array_add(r->got, net_frame_copy(iov, n));
}

static const struct net_port_ops nic_far_ops = {.can_receive = nic_far_takes,
                                                .receive = nic_far_got};

/* The board without the adapter, and what it is to be told. */
static inline struct nic_rig *nic_rig_board(struct nic_config *cfg)
{
    struct nic_rig *r = g_new0(struct nic_rig, 1);
    struct pci_bus_config bus = {.dma = {r, nic_ram_read, nic_ram_write}};

    r->ports = bus.ports = bus_new("port", 0xffff);
    r->mmio = bus.mmio = bus_new("memory", ~UINT64_C(0));
    r->clock = clock_new_manual();
    r->got = g_ptr_array_new_with_free_func(g_free);
    r->pci = pci_bus_new(&bus, NULL);
    for (unsigned n = 0; n < PCI_NUM_PIRQS; n++)
        pci_bus_set_pirq(r->pci, n, probe_line(&r->intx));
    net_port_init(&r->far, "far", &nic_far_ops, r);
    *cfg = (struct nic_config){.name = "nic", .clock = r->clock, .bus = r->pci, .devfn = NIC_DEVFN};
    memcpy(cfg->mac, nic_mac, sizeof(nic_mac));
    return r;
}

/* The adapter is there: plugs the cable in, and does what firmware does. `mem` and `io` are the
 * numbers of its BARs; negative: it has none. */
static inline void nic_rig_start(struct nic_rig *r, struct device *dev, struct net_port *port,
                                 int mem, int io)
{
    r->dev = dev;
    r->port = port;
    net_connect(&r->far, port);
    if (mem >= 0)
        pci_config_write(r->pci, 0, NIC_DEVFN, PCI_BAR0 + 4 * (unsigned)mem, NIC_MMIO, 4);
    if (io >= 0)
        pci_config_write(r->pci, 0, NIC_DEVFN, PCI_BAR0 + 4 * (unsigned)io, NIC_IO, 4);
    pci_config_write(r->pci, 0, NIC_DEVFN, PCI_COMMAND, 7, 2);
}

static inline void nic_rig_free(struct nic_rig *r)
{
    device_destroy(r->dev);
    net_port_clear(&r->far);
    pci_bus_free(r->pci);
    clock_free(r->clock);
    bus_free(r->ports);
    bus_free(r->mmio);
    g_ptr_array_unref(r->got);
    g_free(r);
}

static inline uint32_t nic_rd(struct nic_rig *r, unsigned off)
{
    return (uint32_t)bus_read(r->mmio, NIC_MMIO + off, 4);
}

static inline void nic_wr(struct nic_rig *r, unsigned off, uint32_t v)
{
    bus_write(r->mmio, NIC_MMIO + off, v, 4);
}

/* A frame from the far end. */
static inline bool nic_arrive(struct nic_rig *r, const void *frame, size_t len)
{
    struct iovec iov = {(void *)(uintptr_t)frame, len};

    return net_send(&r->far, &iov, 1);
}

static inline const struct net_frame *nic_got(struct nic_rig *r, unsigned n)
{
    assert_true(n < r->got->len);
    return g_ptr_array_index(r->got, n);
}

/* A frame of len bytes to `dst`, whose payload counts up. */
static inline void nic_make_frame(uint8_t *f, size_t len, const uint8_t *dst)
{
    memcpy(f, dst, 6);
    memcpy(f + 6, "\x02\x00\x00\x00\x00\x01", 6);
    f[12] = 0x88;
    f[13] = 0xb5; /* IEEE's, for experiments */
    for (size_t k = 14; k < len; k++)
        f[k] = (uint8_t)(k * 7);
}

/* An IPv4 TCP segment with the header's checksum right and that of TCP zero: 54 bytes of headers.
 */
static inline void nic_make_tcp(uint8_t *f, size_t len)
{
    nic_make_frame(f, len, (const uint8_t *)"\x52\x54\x00\xab\xcd\xee");
    memcpy(f + 12, "\x08\x00\x45\x00", 4);
    f[16] = (uint8_t)((len - 14) >> 8);
    f[17] = (uint8_t)(len - 14);
    memcpy(f + 18, "\x12\x34\x40\x00\x40\x06\x00\x00\x0a\x00\x02\x0f\x0a\x00\x02\x02", 16);
    memcpy(f + 34,
           "\x04\x00\x00\x50\x00\x00\x10\x00\x00\x00\x00\x00\x50\x19\x20\x00\x00\x00\x00\x00", 20);
    ether_fill_ip(f, len);
}

#endif
