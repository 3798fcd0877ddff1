/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A display adapter between two bare buses, for the tests of devices/display: everything goes
 * through the ports and addresses that a guest uses.
 */
#ifndef TESTS_UNIT_VGA_BENCH_H
#define TESTS_UNIT_VGA_BENCH_H

#include "devices/bus.h"
#include "devices/display/vga.h"
#include "tests/unit/unit.h"

struct vga_bench {
    struct bus *port, *mmio;
    struct vclock *clock;
    struct vga *vga;
    uint8_t *vram;
    size_t vram_size;
};

/* With this configuration, but for clock and buses. */
static inline void bench_open_config(struct vga_bench *b, struct vga_config cfg)
{
    b->port = cfg.port = bus_new("port", 0xffff);
    b->mmio = cfg.mmio = bus_new("mmio", ~0ull);
    b->clock = cfg.clock = clock_new_manual();
    b->vga = vga_new(&cfg, NULL);
    assert_non_null(b->vga);
    b->vram = vga_vram(b->vga, &b->vram_size);
}

/* With a size of video memory and a log of the framebuffer. */
static inline void bench_open_with(struct vga_bench *b, unsigned mib, struct vga_log log)
{
    bench_open_config(b, (struct vga_config){.vram_mib = mib, .log = log});
}

static inline void bench_open_mib(struct vga_bench *b, unsigned mib)
{
    bench_open_with(b, mib, (struct vga_log){0});
}

static inline void bench_open(struct vga_bench *b)
{
    bench_open_mib(b, 0);
}

static inline void bench_close(struct vga_bench *b)
{
    device_destroy(vga_device(b->vga));
    clock_free(b->clock);
    bus_free(b->port);
    bus_free(b->mmio);
}

static inline void outb(struct vga_bench *b, uint16_t port, uint8_t val)
{
    bus_write(b->port, port, val, 1);
}

static inline uint8_t inb(struct vga_bench *b, uint16_t port)
{
    return (uint8_t)bus_read(b->port, port, 1);
}

/* An indexed register, the way drivers do it: index and value in one 16-bit write. */
static inline void outx(struct vga_bench *b, uint16_t port, uint8_t index, uint8_t val)
{
    bus_write(b->port, port, (uint64_t)val << 8 | index, 2);
}

static inline uint8_t inx(struct vga_bench *b, uint16_t port, uint8_t index)
{
    outb(b, port, index);
    return inb(b, port + 1);
}

static inline void attr_out(struct vga_bench *b, uint8_t index, uint8_t val)
{
    inb(b, 0x3da);
    outb(b, 0x3c0, index);
    outb(b, 0x3c0, val);
}

/* Gives the palette back to the screen. */
static inline void attr_on(struct vga_bench *b)
{
    inb(b, 0x3da);
    outb(b, 0x3c0, 0x20);
}

static inline void dac_out(struct vga_bench *b, uint8_t n, uint8_t red, uint8_t green, uint8_t blue)
{
    outb(b, 0x3c8, n);
    outb(b, 0x3c9, red);
    outb(b, 0x3c9, green);
    outb(b, 0x3c9, blue);
}

static inline void vbe_out(struct vga_bench *b, uint16_t index, uint16_t val)
{
    bus_write(b->port, 0x1ce, index, 2);
    bus_write(b->port, 0x1cf, val, 2);
}

static inline uint16_t vbe_in(struct vga_bench *b, uint16_t index)
{
    bus_write(b->port, 0x1ce, index, 2);
    return (uint16_t)bus_read(b->port, 0x1cf, 2);
}

/* Sets a VBE mode as bochs-drm does, with the screen on. */
static inline void vbe_mode(struct vga_bench *b, uint16_t w, uint16_t h, uint16_t bpp)
{
    vbe_out(b, 4, 0);
    vbe_out(b, 1, w);
    vbe_out(b, 2, h);
    vbe_out(b, 3, bpp);
    vbe_out(b, 4, 0x41);
    attr_on(b);
}

static inline void poke(struct vga_bench *b, uint32_t addr, uint8_t val)
{
    bus_write(b->mmio, addr, val, 1);
}

static inline uint8_t peek(struct vga_bench *b, uint32_t addr)
{
    return (uint8_t)bus_read(b->mmio, addr, 1);
}

/* Past the next retrace, at which a start address that was written is taken. */
static inline void next_frame(struct vga_bench *b)
{
    clock_advance_to(b->clock, clock_now(b->clock) + NS_PER_SEC / 40);
}

/* The same numbers in every run. */
static inline uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

#endif
