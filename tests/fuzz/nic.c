/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes a network adapter: a stream of accesses to its registers, of memory with rings and
 * descriptors that changes under it, of frames that arrive, and of time that passes. Nothing but
 * what a guest can do must break it; and the guest's memory is all that it may write to.
 */
#include "devices/net/e1000.h"
#include "devices/net/ne2000.h"
#include "devices/net/rtl8139.h"
#include "tests/fuzz/board.h"

#define MMIO   0xfe000000u
#define IO     0xc000u
#define ISA_IO 0x300u
#define DEVFN  PCI_DEVFN(3, 0)
#define STEPS  200u

const size_t fuzz_max_len = 4096;

struct world {
    struct fuzz_board *b;
    struct device *dev;
    struct net_port *port;
    unsigned kind;
};

void fuzz_show(void)
{
}

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
        i = ne2k_isa_new(cfg, w->b->ports, ISA_IO, (struct irq_line){0}, NULL);
        w->dev = ne2k_isa_device(i);
        w->port = ne2k_isa_port(i);
    }
}

/* The e1000's BARs are memory first, the others' I/O first. */
static void map(struct world *w)
{
    pci_config_write(w->b->pci, 0, DEVFN, PCI_BAR0, w->kind ? IO : MMIO, 4);
    pci_config_write(w->b->pci, 0, DEVFN, PCI_BAR0 + 4, w->kind ? MMIO : IO, 4);
    pci_config_write(w->b->pci, 0, DEVFN, PCI_COMMAND, 7, 2);
}

static void build(struct world *w)
{
    struct nic_config cfg = {.name = "nic", .devfn = DEVFN, .mac = {0x52, 0x54, 0, 1, 2, 3}};

    w->b = fuzz_board_new();
    cfg.clock = w->b->clock;
    cfg.bus = w->b->pci;
    make_nic(w, &cfg);
    fuzz_plug(w->b, w->port);
    map(w);
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

static void access(struct world *w, struct fuzz_input *in)
{
    unsigned off = pick_offset(in, w), size = 1u << fuzz_below(in, 3), how = fuzz_u8(in);
    bool io = w->kind > 1 || (how & 0x10);
    struct bus *bus = io ? w->b->ports : w->b->mmio;
    uint64_t base = w->kind == 3 ? ISA_IO : io ? IO : MMIO;

    if (w->kind == 0) {
        size = 4;
        off &= ~3u;
        if (io) { /* through the window */
            bus_write(w->b->ports, IO, off, 4);
            off = 4;
        }
    }
    if (how & 1)
        bus_read(bus, base + off, size);
    else
        bus_write(bus, base + off, fuzz_value(in), size);
}

/* Descriptors are 16 bytes: words that mean something in some of them. */
static void scribble(struct world *w, struct fuzz_input *in)
{
    unsigned at = fuzz_below(in, FUZZ_RAM / 16) * 16, n = 1 + fuzz_below(in, 8);

    for (unsigned k = 0; k < 4 * n && at + 4 * k + 4 <= FUZZ_RAM; k++)
        st_le32(w->b->ram + at + 4 * k, k & 1 && !fuzz_below(in, 2) ? 0 : fuzz_value(in));
}

static void happen(struct world *w, struct fuzz_input *in)
{
    switch (fuzz_below(in, 12)) {
    case 0: fuzz_frame(w->b, in); break;
    case 1:
    case 2: scribble(w, in); break;
    case 3: fuzz_pass(w->b, in); break;
    case 4:
        w->b->far_full = fuzz_below(in, 3) == 0;
        net_flush(&w->b->far);
        break;
    case 5:
        if (fuzz_once_in(in, 8))
            net_set_link(&w->b->far, fuzz_below(in, 2));
        else if (fuzz_once_in(in, 8))
            device_reset(w->dev);
        else if (w->dev->type->post_load && fuzz_once_in(in, 4))
            w->dev->type->post_load(w->dev->self);
        map(w);
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
        fuzz_fill(&in, w->b->ram, FUZZ_RAM);
    for (unsigned k = 0; k < STEPS; k++)
        happen(w, &in);
    device_destroy(w->dev);
    fuzz_board_free(w->b);
    g_free(w);
}
