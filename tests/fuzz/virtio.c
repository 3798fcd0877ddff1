/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes the virtio devices: a stream of accesses to their registers and configuration, of rings
 * and descriptors that change under them, of what arrives at the other end, and of time that
 * passes. Nothing but what a guest can do must break one; and the guest's memory is all that it may
 * write to.
 */
#include "backends/block.h"
#include "devices/virtio/virtio_balloon.h"
#include "devices/virtio/virtio_blk.h"
#include "devices/virtio/virtio_net.h"
#include "devices/virtio/virtio_rng.h"
#include "devices/virtio/virtio_serial.h"
#include "tests/fuzz/board.h"

#define MODERN 0xfe000000u
#define MSIX   0xfe010000u
#define IO     0xc000u
#define DEVFN  PCI_DEVFN(3, 0)
#define STEPS  150u
#define DISK   0x20000u
#define QUEUES 6u

const size_t fuzz_max_len = 4096;

enum kind { BLK, NET, SERIAL, BALLOON, RNG, KINDS };

struct world {
    struct fuzz_board *b;
    struct device *dev;
    enum kind kind;
    struct block_engine *engine;
    struct block *block;
    struct net_port *port;
    struct chardev *chr[2];
    struct virtio_balloon *balloon;
};

void fuzz_show(void)
{
}

static void wrote(void *opaque, const uint8_t *buf, size_t len)
{
    (void)opaque;
    fuzz_look(buf, len);
}

static size_t some_random(void *opaque, void *buf, size_t len)
{
    (void)opaque;
    memset(buf, 0x5a, len);
    return len;
}

static void drop(void *opaque, const uint64_t *gfn, unsigned n)
{
    (void)opaque;
    fuzz_expect(n && n <= VIRTIO_BALLOON_BATCH);
    fuzz_look(gfn, n * sizeof(gfn[0]));
}

/* ---- the devices ---- */

static void make_blk(struct world *w, enum virtio_form form, unsigned how)
{
    struct block_engine_config engine = {.counted = true, .clock = w->b->clock};
    struct virtio_blk_config cfg = {.bus = w->b->pci,
                                    .devfn = DEVFN,
                                    .form = form,
                                    .serial = "fuzz",
                                    .queues = 1 + how % 4,
                                    .queue_size = 16,
                                    .logical = 512,
                                    .physical = 4096,
                                    .config_wce = how & 4,
                                    .discard = true,
                                    .write_zeroes = true};

    w->engine = block_engine_new(&engine);
    cfg.block = w->block = block_new_memory(DISK);
    block_attach(w->block, w->engine);
    w->dev = virtio_blk_device(virtio_blk_new(&cfg, NULL));
}

static void make_net(struct world *w, enum virtio_form form, unsigned how)
{
    struct virtio_net_config cfg = {.nic = {.name = "nic",
                                            .bus = w->b->pci,
                                            .devfn = DEVFN,
                                            .clock = w->b->clock,
                                            .mac = {0x52, 0x54, 0, 1, 2, 3}},
                                    .form = form,
                                    .queue_size = 16,
                                    .pairs = (uint16_t)(how & 8 ? 2 : 1),
                                    .mrg_rxbuf = !(how & 1),
                                    .csum = !(how & 2),
                                    .tso = !(how & 4)};
    struct virtio_net *d = virtio_net_new(&cfg, NULL);

    w->dev = virtio_net_device(d);
    w->port = virtio_net_port(d);
    fuzz_plug(w->b, w->port);
}

static void make_serial(struct world *w, enum virtio_form form)
{
    struct virtio_serial_config cfg = {
        .bus = w->b->pci, .devfn = DEVFN, .form = form, .max_ports = 2};
    struct virtio_serial *d = virtio_serial_new(&cfg, NULL);

    for (unsigned n = 0; n < 2; n++) {
        struct virtio_serial_port port = {.name = n ? "a line" : NULL, .console = !n};

        port.chr = w->chr[n] = char_new_hook(wrote, w);
        virtio_serial_add_port(d, (int)n, &port, NULL);
    }
    w->dev = virtio_serial_device(d);
}

static void make_device(struct world *w, enum virtio_form form, unsigned how)
{
    struct virtio_balloon_config balloon = {.bus = w->b->pci,
                                            .devfn = DEVFN,
                                            .form = form,
                                            .pages = 1000,
                                            .deflate_on_oom = how & 1,
                                            .drop = drop};
    struct virtio_rng_config rng = {.bus = w->b->pci,
                                    .devfn = DEVFN,
                                    .form = form,
                                    .clock = w->b->clock,
                                    .max_bytes = how & 1 ? 5000 : 0,
                                    .period = 1000,
                                    .random = some_random};

    switch (w->kind) {
    case BLK: make_blk(w, form, how); break;
    case NET: make_net(w, form, how); break;
    case SERIAL: make_serial(w, form); break;
    case BALLOON:
        w->balloon = virtio_balloon_new(&balloon, NULL);
        w->dev = virtio_balloon_device(w->balloon);
        break;
    default: w->dev = virtio_rng_device(virtio_rng_new(&rng, NULL));
    }
}

static void map(struct world *w)
{
    pci_config_write(w->b->pci, 0, DEVFN, PCI_BAR0, IO, 4);
    pci_config_write(w->b->pci, 0, DEVFN, PCI_BAR0 + 4, MSIX, 4);
    pci_config_write(w->b->pci, 0, DEVFN, PCI_BAR0 + 16, MODERN, 4);
    pci_config_write(w->b->pci, 0, DEVFN, PCI_COMMAND, 7, 2);
}

static void build(struct world *w, struct fuzz_input *in)
{
    enum virtio_form form = (enum virtio_form)fuzz_below(in, 3);

    w->kind = (enum kind)fuzz_below(in, KINDS);
    w->b = fuzz_board_new();
    make_device(w, form, fuzz_u8(in));
    map(w);
}

static void destroy(struct world *w)
{
    device_destroy(w->dev);
    block_free(w->block);
    block_engine_free(w->engine);
    char_free(w->chr[0]);
    char_free(w->chr[1]);
    fuzz_board_free(w->b);
}

/* ---- what happens ---- */

static void access(struct world *w, struct fuzz_input *in)
{
    unsigned size = 1u << fuzz_below(in, 3), how = fuzz_u8(in);
    bool io = how & 2;
    uint64_t at =
        io ? IO + fuzz_below(in, 0x40) : MODERN + fuzz_below(in, 4) * 0x1000 + fuzz_below(in, 0x60);

    if (how & 4)
        at = io ? at : MSIX + fuzz_below(in, 0x80) * 4;
    if (how & 1)
        bus_read(io ? w->b->ports : w->b->mmio, at, size);
    else
        bus_write(io ? w->b->ports : w->b->mmio, at, fuzz_value(in), size);
}

/* What a driver does to have a queue: three pages of rings, at one of two places. */
static void place_queue(struct world *w, struct fuzz_input *in)
{
    uint32_t at = fuzz_below(in, 2) * 0x4000;

    bus_write(w->b->mmio, MODERN + 0x16, fuzz_below(in, QUEUES), 2);
    bus_write(w->b->mmio, MODERN + 0x18, 1u << fuzz_below(in, 5), 2);
    bus_write(w->b->mmio, MODERN + 0x1a, fuzz_below(in, 8), 2);
    bus_write(w->b->mmio, MODERN + 0x20, at, 4);
    bus_write(w->b->mmio, MODERN + 0x28, at + 0x800, 4);
    bus_write(w->b->mmio, MODERN + 0x30, at + 0xc00, 4);
    bus_write(w->b->mmio, MODERN + 0x1c, 1, 2);
}

static void start(struct world *w, struct fuzz_input *in)
{
    uint32_t wanted = fuzz_below(in, 2) ? UINT32_MAX : (uint32_t)fuzz_word(in, 4);

    bus_write(w->b->mmio, MODERN + 0x14, 0, 1);
    bus_write(w->b->mmio, MODERN + 0x00, 0, 4);
    wanted &= (uint32_t)bus_read(w->b->mmio, MODERN + 0x04, 4);
    bus_write(w->b->mmio, MODERN + 0x08, 0, 4);
    bus_write(w->b->mmio, MODERN + 0x0c, wanted, 4);
    bus_write(w->b->mmio, MODERN + 0x08, 1, 4);
    bus_write(w->b->mmio, MODERN + 0x0c, 1, 4);
    bus_write(w->b->mmio, MODERN + 0x14, 11, 1);
    for (unsigned k = fuzz_below(in, 4); k < QUEUES; k++)
        place_queue(w, in);
    bus_write(w->b->mmio, MODERN + 0x14, 15, 1);
}

/* A chain of descriptors that mostly make sense, made available, and told of. */
static void chain(struct world *w, struct fuzz_input *in)
{
    unsigned at = fuzz_below(in, 2) * 0x4000, head = fuzz_below(in, 16), n = 1 + fuzz_below(in, 4);
    unsigned outs = fuzz_below(in, 5);
    uint8_t *avail = w->b->ram + at + 0x800;
    uint16_t index = (uint16_t)ld_le16(avail + 2);

    for (unsigned k = 0; k < n; k++) {
        uint8_t *d = w->b->ram + at + 16 * ((head + k) % 16);

        st_le64(d, 0x1000 + fuzz_below(in, 0x200) * 8);
        st_le32(d + 8, fuzz_below(in, 4)
                           ? (uint32_t[]){1, 2, 12, 16, 512, 1024, 2000, 8}[fuzz_u8(in) & 7]
                           : fuzz_value(in));
        st_le16(d + 12,
                (uint16_t)((k + 1 < n) | (k >= outs ? 2 : 0) | (fuzz_below(in, 32) ? 0 : 4)));
        st_le16(d + 14, (uint16_t)((head + k + 1) % 16));
    }
    st_le16(avail + 4 + 2 * (index % 16u), (uint16_t)head);
    st_le16(avail + 2, (uint16_t)(index + 1));
    if (fuzz_below(in, 2))
        bus_write(w->b->mmio, MODERN + 0x3000 + 4 * fuzz_below(in, QUEUES), 0, 2);
    else
        bus_write(w->b->ports, IO + 0x10, fuzz_below(in, QUEUES), 2);
}

/* Headers, page numbers, rings: words that mean something in some of them. */
static void scribble(struct world *w, struct fuzz_input *in)
{
    unsigned at = fuzz_below(in, FUZZ_RAM / 16) * 16, n = 1 + fuzz_below(in, 8);

    if (fuzz_below(in, 2))
        at = 0x1000 + fuzz_below(in, 0x200) * 8; /* what chains point to */
    for (unsigned k = 0; k < 4 * n && at + 4 * k + 4 <= FUZZ_RAM; k++)
        st_le32(w->b->ram + at + 4 * k, fuzz_below(in, 3) ? fuzz_below(in, 14) : fuzz_value(in));
}

static void arrive(struct world *w, struct fuzz_input *in)
{
    static uint8_t bytes[2000];

    if (w->port)
        fuzz_frame(w->b, in);
    else if (w->chr[0])
        char_feed(w->chr[fuzz_below(in, 2)], bytes, 1 + fuzz_below(in, sizeof(bytes)));
    else if (w->balloon)
        virtio_balloon_set_target(w->balloon, fuzz_value(in));
}

static void rare(struct world *w, struct fuzz_input *in)
{
    uint64_t stats[BALLOON_STATS];

    switch (fuzz_below(in, 5)) {
    case 0: device_reset(w->dev); break;
    case 1: w->dev->type->post_load(w->dev->self); break;
    case 2:
        pci_config_write(w->b->pci, 0, DEVFN, 0x40 + fuzz_below(in, 0xc0), fuzz_value(in), 4);
        break;
    case 3:
        if (w->port)
            net_set_link(&w->b->far, fuzz_below(in, 2));
        break;
    default:
        if (w->balloon)
            virtio_balloon_stats(w->balloon, stats);
    }
    map(w);
}

static void happen(struct world *w, struct fuzz_input *in)
{
    switch (fuzz_below(in, 14)) {
    case 0: arrive(w, in); break;
    case 1:
    case 2: scribble(w, in); break;
    case 3: fuzz_pass(w->b, in); break;
    case 4:
        w->b->far_full = fuzz_below(in, 3) == 0;
        if (w->port)
            net_flush(&w->b->far);
        break;
    case 5:
        if (fuzz_once_in(in, 8))
            rare(w, in);
        break;
    case 6:
        if (fuzz_once_in(in, 4))
            start(w, in);
        break;
    case 7:
    case 8: access(w, in); break;
    default: chain(w, in); break;
    }
}

void fuzz_one(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_part(data, size, 0, size);
    struct world *w = g_new0(struct world, 1);

    build(w, &in);
    if (fuzz_below(&in, 2))
        fuzz_fill(&in, w->b->ram, FUZZ_RAM);
    start(w, &in);
    for (unsigned k = 0; k < STEPS; k++)
        happen(w, &in);
    destroy(w);
    g_free(w);
}
