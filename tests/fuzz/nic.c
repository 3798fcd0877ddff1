/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes a network adapter: a stream of accesses to its registers, of memory with rings and
 * descriptors that changes under it, of frames that arrive, and of time that passes. Nothing but
 * what a guest can do must break it; and the guest's memory is all that it may write to.
 */
#include "base/bits.h"
#include "base/clock.h"
#include "devices/net/e1000.h"
#include "devices/net/ne2000.h"
#include "devices/net/rtl8139.h"
#include "devices/pci/pci_bus.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

#define RAM    0x8000u
#define MMIO   0xfe000000u
#define IO     0xc000u
#define ISA_IO 0x300u
#define DEVFN  PCI_DEVFN(3, 0)
#define STEPS  200u

const size_t fuzz_max_len = 4096;

struct world {
    struct bus *ports, *mmio;
    struct vclock *clock;
    struct pci_bus *pci;
    struct device *dev;
    struct net_port *port;
    struct net_port far;
    uint8_t ram[RAM];
    unsigned kind;
    bool far_full;
};

void fuzz_show(void)
{
}

static bool ram_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    struct world *w = opaque;

    if (gpa > RAM || len > RAM - gpa) {
        memset(buf, 0xff, len);
        return false;
    }
    memcpy(buf, w->ram + gpa, len);
    return true;
}

static bool ram_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    struct world *w = opaque;

    if (gpa > RAM || len > RAM - gpa)
        return false;
    memcpy(w->ram + gpa, buf, len);
    return true;
}

static bool far_takes(void *opaque)
{
    return !((struct world *)opaque)->far_full;
}

/* Every byte of what is sent is looked at: uninitialised ones would be what no guest put there. */
static void far_got(void *opaque, const struct iovec *iov, unsigned n)
{
    volatile uint32_t sum = 0;

    (void)opaque;
    fuzz_expect(net_iov_len(iov, n) <= NET_FRAME_MAX);
    for (unsigned k = 0; k < n; k++)
        sum += ether_crc(iov[k].iov_base, iov[k].iov_len);
}

static const struct net_port_ops far_ops = {.can_receive = far_takes, .receive = far_got};

static void make_nic(struct world *w, const struct nic_config *cfg)
{
    struct e1000 *e;
    struct rtl8139 *t;
    struct ne2k_pci *p;
    struct ne2k_isa *i;

    switch (w->kind) {
    case 0:
        e = e1000_new(cfg, NULL);
        w->dev = e1000_device(e);
        w->port = e1000_port(e);
        break;
    case 1:
        t = rtl8139_new(cfg, NULL);
        w->dev = rtl8139_device(t);
        w->port = rtl8139_port(t);
        break;
    case 2:
        p = ne2k_pci_new(cfg, NULL);
        w->dev = ne2k_pci_device(p);
        w->port = ne2k_pci_port(p);
        break;
    default:
        i = ne2k_isa_new(cfg, w->ports, ISA_IO, (struct irq_line){0}, NULL);
        w->dev = ne2k_isa_device(i);
        w->port = ne2k_isa_port(i);
    }
}

static void build(struct world *w)
{
    struct pci_bus_config bus = {.dma = {w, ram_read, ram_write}};
    struct nic_config cfg = {.name = "nic", .devfn = DEVFN, .mac = {0x52, 0x54, 0, 1, 2, 3}};

    w->ports = bus.ports = bus_new("port", 0xffff);
    w->mmio = bus.mmio = bus_new("memory", ~UINT64_C(0));
    w->clock = cfg.clock = clock_new_manual();
    w->pci = cfg.bus = pci_bus_new(&bus, NULL);
    net_port_init(&w->far, "far", &far_ops, w);
    make_nic(w, &cfg);
    net_connect(&w->far, w->port);
    /* the e1000's BARs are memory first, the others' I/O first */
    pci_config_write(w->pci, 0, DEVFN, PCI_BAR0, w->kind ? IO : MMIO, 4);
    pci_config_write(w->pci, 0, DEVFN, PCI_BAR0 + 4, w->kind ? MMIO : IO, 4);
    pci_config_write(w->pci, 0, DEVFN, PCI_COMMAND, 7, 2);
}

static void destroy(struct world *w)
{
    device_destroy(w->dev);
    net_port_clear(&w->far);
    pci_bus_free(w->pci);
    clock_free(w->clock);
    bus_free(w->ports);
    bus_free(w->mmio);
}

/* ---- what happens ---- */

/* Registers that do something are drawn more often than those that only store. */
static unsigned pick_offset(struct fuzz_input *in, const struct world *w)
{
    static const uint16_t e1000[] = {0x0000, 0x0010, 0x0014, 0x0020, 0x00c0, 0x00c4, 0x00c8,
                                     0x00d0, 0x0100, 0x0400, 0x2800, 0x2804, 0x2808, 0x2810,
                                     0x2818, 0x2820, 0x282c, 0x3800, 0x3804, 0x3808, 0x3810,
                                     0x3818, 0x3820, 0x382c, 0x5000, 0x5200, 0x5400, 0x5600};

    if (w->kind == 0 && fuzz_below(in, 4))
        return e1000[fuzz_below(in, ARRAY_SIZE(e1000))];
    return fuzz_below(in, w->kind == 0 ? 0x6000 : w->kind == 1 ? 0x100 : 0x20);
}

/* Numbers that lead somewhere: into memory, to ends of rings, all bits. */
static uint32_t pick_value(struct fuzz_input *in)
{
    switch (fuzz_below(in, 6)) {
    case 0: return fuzz_u8(in);
    case 1: return (uint32_t)fuzz_word(in, 2);
    case 2: return (uint32_t)fuzz_below(in, RAM / 16) * 16;
    case 3: return 1u << fuzz_below(in, 32);
    case 4: return UINT32_MAX - fuzz_u8(in);
    default: return (uint32_t)fuzz_word(in, 4);
    }
}

static void access(struct world *w, struct fuzz_input *in)
{
    unsigned off = pick_offset(in, w), size = 1u << fuzz_below(in, 3), how = fuzz_u8(in);
    bool io = w->kind > 1 || (how & 0x10);
    struct bus *bus = io ? w->ports : w->mmio;
    uint64_t base = w->kind == 3 ? ISA_IO : io ? IO : MMIO;

    if (w->kind == 0) {
        size = 4;
        off &= ~3u;
        if (io) { /* through the window */
            bus_write(w->ports, IO, off, 4);
            off = 4;
        }
    }
    if (how & 1)
        bus_read(bus, base + off, size);
    else
        bus_write(bus, base + off, pick_value(in), size);
}

/* Descriptors are 16 bytes: words that mean something in some of them. */
static void scribble(struct world *w, struct fuzz_input *in)
{
    unsigned at = fuzz_below(in, RAM / 16) * 16, n = 1 + fuzz_below(in, 8);

    for (unsigned k = 0; k < 4 * n && at + 4 * k + 4 <= RAM; k++)
        st_le32(w->ram + at + 4 * k, k & 1 && !fuzz_below(in, 2) ? 0 : pick_value(in));
}

static void arrive(struct world *w, struct fuzz_input *in)
{
    static uint8_t frame[NET_FRAME_MAX];
    size_t len = fuzz_below(in, 8) ? 1 + fuzz_below(in, 1600) : 1 + fuzz_below(in, 65536) % 65549;
    struct iovec iov[2] = {{frame, len / 3}, {frame + len / 3, len - len / 3}};

    fuzz_fill(in, frame, MIN(len, (size_t)128));
    if (fuzz_below(in, 3))
        memcpy(frame, fuzz_below(in, 2) ? "\xff\xff\xff\xff\xff\xff" : "\x52\x54\0\1\2\3", 6);
    if (fuzz_below(in, 2))
        memcpy(frame + 12, fuzz_below(in, 2) ? "\x08\x00\x45" : "\x81\x00\x00", 3);
    net_send(&w->far, iov, 2);
}

static void happen(struct world *w, struct fuzz_input *in)
{
    switch (fuzz_below(in, 12)) {
    case 0: arrive(w, in); break;
    case 1:
    case 2: scribble(w, in); break;
    case 3:
        clock_advance_to(w->clock, clock_now(w->clock) + ((int64_t)1 << fuzz_below(in, 24)));
        break;
    case 4:
        w->far_full = fuzz_below(in, 3) == 0;
        net_flush(&w->far);
        break;
    case 5:
        if (fuzz_once_in(in, 8))
            net_set_link(&w->far, fuzz_below(in, 2));
        else if (fuzz_once_in(in, 8))
            device_reset(w->dev);
        else if (w->dev->type->post_load && fuzz_once_in(in, 4))
            w->dev->type->post_load(w->dev->self);
        pci_config_write(w->pci, 0, DEVFN, PCI_BAR0, w->kind ? IO : MMIO, 4);
        pci_config_write(w->pci, 0, DEVFN, PCI_BAR0 + 4, w->kind ? MMIO : IO, 4);
        pci_config_write(w->pci, 0, DEVFN, PCI_COMMAND, 7, 2);
        break;
    default: access(w, in); break;
    }
}

void fuzz_one(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_part(data, size, 0, size);
    struct world *w = g_new0(struct world, 1);

    w->kind = fuzz_below(&in, 4);
    build(w);
    if (fuzz_below(&in, 2))
        fuzz_fill(&in, w->ram, RAM);
    for (unsigned k = 0; k < STEPS; k++)
        happen(w, &in);
    destroy(w);
    g_free(w);
}
