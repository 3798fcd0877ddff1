/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buses, clock, memory and cable of the devices that are fuzzed; see board.h. */
#include "tests/fuzz/board.h"

static bool ram_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    struct fuzz_board *b = opaque;

    if (gpa > FUZZ_RAM || len > FUZZ_RAM - gpa) {
        memset(buf, 0xff, len);
        return false;
    }
    memcpy(buf, b->ram + gpa, len);
    return true;
}

static bool ram_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    struct fuzz_board *b = opaque;

    if (gpa > FUZZ_RAM || len > FUZZ_RAM - gpa)
        return false;
    memcpy(b->ram + gpa, buf, len);
    return true;
}

static bool message(void *opaque, uint64_t addr, uint32_t data)
{
    (void)opaque;
    (void)addr;
    (void)data;
    return true;
}

struct fuzz_board *fuzz_board_new(void)
{
    struct fuzz_board *b = g_new0(struct fuzz_board, 1);
    struct pci_bus_config bus;

    b->ports = bus_new("port", 0xffff);
    b->mmio = bus_new("memory", ~UINT64_C(0));
    b->clock = clock_new_manual();
    b->dma = (struct dma_space){b, ram_read, ram_write};
    bus = (struct pci_bus_config){
        .ports = b->ports, .mmio = b->mmio, .dma = b->dma, .msi = {b, message}};
    b->pci = pci_bus_new(&bus, NULL);
    return b;
}

void fuzz_board_free(struct fuzz_board *b)
{
    if (b->plugged)
        net_port_clear(&b->far);
    pci_bus_free(b->pci);
    clock_free(b->clock);
    bus_free(b->ports);
    bus_free(b->mmio);
    g_free(b);
}

void fuzz_look(const void *data, size_t len)
{
    volatile uint32_t sum = 0;

    for (size_t k = 0; k < len; k++)
        sum += ((const uint8_t *)data)[k];
}

/* ---- the cable ---- */

static bool far_takes(void *opaque)
{
    return !((struct fuzz_board *)opaque)->far_full;
}

static void far_got(void *opaque, const struct iovec *iov, unsigned n)
{
    (void)opaque;
    fuzz_expect(net_iov_len(iov, n) <= NET_FRAME_MAX);
    for (unsigned k = 0; k < n; k++)
        fuzz_look(iov[k].iov_base, iov[k].iov_len);
}

void fuzz_plug(struct fuzz_board *b, struct net_port *port)
{
    static const struct net_port_ops ops = {.can_receive = far_takes, .receive = far_got};

    net_port_init(&b->far, "far", &ops, b);
    net_connect(&b->far, port);
    b->plugged = true;
}

void fuzz_frame(struct fuzz_board *b, struct fuzz_input *in)
{
    static uint8_t frame[NET_FRAME_MAX];
    size_t len = fuzz_below(in, 8) ? 1 + fuzz_below(in, 1600) : 1 + fuzz_below(in, 65536) % 65549;
    struct iovec iov[2] = {{frame, len / 3}, {frame + len / 3, len - len / 3}};

    fuzz_fill(in, frame, MIN(len, (size_t)128));
    if (fuzz_below(in, 3))
        memcpy(frame, fuzz_below(in, 2) ? "\xff\xff\xff\xff\xff\xff" : "\x52\x54\0\1\2\3", 6);
    if (fuzz_below(in, 2))
        memcpy(frame + 12, fuzz_below(in, 2) ? "\x08\x00\x45" : "\x81\x00\x00", 3);
    net_send(&b->far, iov, 2);
}

/* ---- what is drawn ---- */

uint32_t fuzz_value(struct fuzz_input *in)
{
    switch (fuzz_below(in, 6)) {
    case 0: return fuzz_u8(in);
    case 1: return (uint32_t)fuzz_word(in, 2);
    case 2: return (uint32_t)fuzz_below(in, FUZZ_RAM / 16) * 16;
    case 3: return 1u << fuzz_below(in, 32);
    case 4: return UINT32_MAX - fuzz_u8(in);
    default: return (uint32_t)fuzz_word(in, 4);
    }
}

void fuzz_pass(struct fuzz_board *b, struct fuzz_input *in)
{
    clock_advance_to(b->clock, clock_now(b->clock) + ((int64_t)1 << fuzz_below(in, 24)));
}
