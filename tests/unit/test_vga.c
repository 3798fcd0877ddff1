/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VGA's registers and memory window, its VBE extension and its PCI function. */
#include "tests/unit/vga_bench.h"

#include "base/bits.h"
#include "devices/display/edid.h"
#include "devices/pci/pci_bus.h"

#include <unistd.h>

/* --- registers --- */

static void test_color_addresses(void **state)
{
    struct vga_bench b;

    (void)state;
    bench_open(&b);
    outb(&b, 0x3c2, 0x67);
    assert_int_equal(inb(&b, 0x3cc), 0x67);
    outx(&b, 0x3d4, 0x0e, 0x5a);
    assert_int_equal(inx(&b, 0x3d4, 0x0e), 0x5a);
    assert_int_equal(inb(&b, 0x3b4), 0xff);
    outx(&b, 0x3b4, 0x0e, 0x77); /* nobody listens there now */
    assert_int_equal(inx(&b, 0x3d4, 0x0e), 0x5a);
    outb(&b, 0x3c2, 0x66);
    assert_int_equal(inb(&b, 0x3d4), 0xff);
    assert_int_equal(inx(&b, 0x3b4, 0x0e), 0x5a);
    assert_null(bus_find(b.port, 0x3bc)); /* the printer's */
    bench_close(&b);
}

static void test_register_masks(void **state)
{
    static const uint8_t seq[] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
    static const uint8_t gc[] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
    struct vga_bench b;

    (void)state;
    bench_open(&b);
    for (uint8_t n = 0; n < sizeof(seq); n++) {
        outx(&b, 0x3c4, n, 0xff);
        assert_int_equal(inx(&b, 0x3c4, n), seq[n]);
    }
    for (uint8_t n = 0; n < sizeof(gc); n++) {
        outx(&b, 0x3ce, n, 0xff);
        assert_int_equal(inx(&b, 0x3ce, n), gc[n]);
    }
    /* indices that do not exist swallow what is written */
    for (unsigned n = 0x19; n < 0x100; n++) {
        outx(&b, 0x3d4, (uint8_t)n, 0xff);
        outx(&b, 0x3ce, (uint8_t)n, 0xff);
        outx(&b, 0x3c4, (uint8_t)n, 0xff);
        if (n != 0x22 && n != 0x24 && n != 0x26) /* see test_vga_beam.c */
            assert_int_equal(inx(&b, 0x3d4, (uint8_t)n), 0);
    }
    bench_close(&b);
}

static void test_crtc_protect(void **state)
{
    struct vga_bench b;

    (void)state;
    bench_open(&b);
    outx(&b, 0x3d4, 0x01, 0x4f);
    outx(&b, 0x3d4, 0x07, 0x0f);
    outx(&b, 0x3d4, 0x11, 0x8e);
    outx(&b, 0x3d4, 0x01, 0x27);
    assert_int_equal(inx(&b, 0x3d4, 0x01), 0x4f);
    outx(&b, 0x3d4, 0x07, 0xf0); /* only the line compare bit gets through */
    assert_int_equal(inx(&b, 0x3d4, 0x07), 0x1f);
    outx(&b, 0x3d4, 0x0c, 0x12); /* beyond 7: not protected */
    assert_int_equal(inx(&b, 0x3d4, 0x0c), 0x12);
    outx(&b, 0x3d4, 0x11, 0x0e);
    outx(&b, 0x3d4, 0x01, 0x27);
    assert_int_equal(inx(&b, 0x3d4, 0x01), 0x27);
    bench_close(&b);
}

static void test_attr_flip_flop(void **state)
{
    struct vga_bench b;

    (void)state;
    bench_open(&b);
    attr_out(&b, 0x05, 0x2a);
    attr_out(&b, 0x06, 0x3b);
    inb(&b, 0x3da);
    outb(&b, 0x3c0, 0x05);
    assert_int_equal(inb(&b, 0x3c1), 0x2a);
    inb(&b, 0x3da); /* back to index: what comes next is not data for 5 */
    outb(&b, 0x3c0, 0x06);
    assert_int_equal(inb(&b, 0x3c1), 0x3b);
    inb(&b, 0x3da);
    /* while the screen owns the palette, entries hold but mode registers change */
    attr_out(&b, 0x25, 0x11);
    attr_out(&b, 0x30, 0x0c);
    inb(&b, 0x3da);
    outb(&b, 0x3c0, 0x05);
    assert_int_equal(inb(&b, 0x3c1), 0x2a);
    inb(&b, 0x3da);
    outb(&b, 0x3c0, 0x30);
    assert_int_equal(inb(&b, 0x3c1), 0x0c);
    inb(&b, 0x3da);
    assert_int_equal(inb(&b, 0x3c0), 0x30);
    bench_close(&b);
}

static void test_dac(void **state)
{
    struct vga_bench b;

    (void)state;
    bench_open(&b);
    outb(&b, 0x3c8, 254);
    for (uint8_t k = 1; k <= 9; k++) /* three entries, wrapping past 255 */
        outb(&b, 0x3c9, k);
    assert_int_equal(inb(&b, 0x3c7), 0);
    outb(&b, 0x3c7, 255);
    assert_int_equal(inb(&b, 0x3c7), 3);
    for (uint8_t k = 4; k <= 9; k++)
        assert_int_equal(inb(&b, 0x3c9), k);
    /* two components alone change nothing */
    outb(&b, 0x3c8, 255);
    outb(&b, 0x3c9, 33);
    outb(&b, 0x3c9, 33);
    outb(&b, 0x3c7, 255);
    assert_int_equal(inb(&b, 0x3c9), 4);
    /* six bits, until VBE asks for eight */
    dac_out(&b, 7, 0xff, 0xff, 0xff);
    outb(&b, 0x3c7, 7);
    assert_int_equal(inb(&b, 0x3c9), 0x3f);
    vbe_out(&b, 4, 0x21);
    dac_out(&b, 7, 0xfe, 0, 0);
    outb(&b, 0x3c7, 7);
    assert_int_equal(inb(&b, 0x3c9), 0xfe);
    outb(&b, 0x3c6, 0x0f);
    assert_int_equal(inb(&b, 0x3c6), 0x0f);
    bench_close(&b);
}

/* Mode 3 timing: 449 lines of 900 dots at 28.322 MHz, retrace in lines 412 and 413. */
static void test_retrace(void **state)
{
    struct vga_bench b;
    const double line_ns = 900 / 28.322e6 * 1e9;

    (void)state;
    bench_open(&b);
    vga_boot_text_mode(b.vga, NULL, 0);
    clock_advance_to(b.clock, (int64_t)(line_ns * 10.4)); /* in line 10, mid-way */
    assert_int_equal(inb(&b, 0x3da) & 9, 0);
    clock_advance_to(b.clock, (int64_t)(line_ns * 10.9)); /* its horizontal blanking */
    assert_int_equal(inb(&b, 0x3da) & 9, 1);
    clock_advance_to(b.clock, (int64_t)(line_ns * 405.4));
    assert_int_equal(inb(&b, 0x3da) & 9, 1);
    clock_advance_to(b.clock, (int64_t)(line_ns * 412.4));
    assert_int_equal(inb(&b, 0x3da) & 9, 9);
    clock_advance_to(b.clock, (int64_t)(line_ns * 413.4));
    assert_int_equal(inb(&b, 0x3da) & 9, 9);
    clock_advance_to(b.clock, (int64_t)(line_ns * 414.4));
    assert_int_equal(inb(&b, 0x3da) & 9, 1);
    clock_advance_to(b.clock, (int64_t)(line_ns * 459.4)); /* the next frame */
    assert_int_equal(inb(&b, 0x3da) & 9, 0);
    bench_close(&b);
}

/* Whatever the registers say, a frame has retrace and display in it. */
static void test_retrace_any(void **state)
{
    struct vga_bench b;
    uint32_t seed = 7;
    int64_t now = 0;

    (void)state;
    bench_open(&b);
    for (unsigned round = 0; round < 40; round++) {
        unsigned seen = 0;

        for (uint8_t n = 0; n < 0x19; n++)
            outx(&b, 0x3d4, n, n == 0x11 ? 0 : (uint8_t)next_random(&seed));
        outx(&b, 0x3c4, 1, (uint8_t)next_random(&seed));
        for (unsigned k = 0; k < 20000 && seen != 15; k++) {
            uint8_t s = inb(&b, 0x3da);

            seen |= s & 8 ? 1 : 2;
            seen |= s & 1 ? 4 : 8;
            now += 7919;
            clock_advance_to(b.clock, now);
        }
        assert_int_equal(seen, 15);
    }
    bench_close(&b);
}

/* --- memory --- */

/* Flat access to all planes at 0xa0000: no chain, no odd/even. */
static void planar_setup(struct vga_bench *b)
{
    outb(b, 0x3c2, 0x63);
    outx(b, 0x3c4, 2, 0x0f);
    outx(b, 0x3c4, 4, 0x06);
    outx(b, 0x3ce, 0, 0);
    outx(b, 0x3ce, 1, 0);
    outx(b, 0x3ce, 2, 0);
    outx(b, 0x3ce, 3, 0);
    outx(b, 0x3ce, 5, 0);
    outx(b, 0x3ce, 6, 0x05);
    outx(b, 0x3ce, 7, 0x0f);
    outx(b, 0x3ce, 8, 0xff);
}

static void test_map_select(void **state)
{
    struct vga_bench b;

    (void)state;
    bench_open(&b);
    planar_setup(&b);
    poke(&b, 0xa0000, 0x11);
    assert_int_equal(peek(&b, 0xa0000), 0x11);
    assert_int_equal(peek(&b, 0xb0000), 0xff);
    assert_int_equal(peek(&b, 0xb8000), 0xff);
    outx(&b, 0x3ce, 6, 0x09);
    assert_int_equal(peek(&b, 0xb0000), 0x11);
    assert_int_equal(peek(&b, 0xa0000), 0xff);
    assert_int_equal(peek(&b, 0xb8000), 0xff);
    outx(&b, 0x3ce, 6, 0x0d);
    assert_int_equal(peek(&b, 0xb8000), 0x11);
    assert_int_equal(peek(&b, 0xb7fff), 0xff);
    outx(&b, 0x3ce, 6, 0x01);
    assert_int_equal(peek(&b, 0xa0000), 0x11);
    poke(&b, 0xbffff, 0x22);
    assert_int_equal(peek(&b, 0xbffff), 0x22);
    outb(&b, 0x3c2, 0x61); /* memory off */
    assert_int_equal(peek(&b, 0xa0000), 0xff);
    bench_close(&b);
}

/* The graphics controller, one bit at a time, straight from the description of each register. */
struct model {
    uint8_t sr, esr, rot, func, mode, mask, map, cmp, care;
    uint8_t latch[4];
};

static unsigned rotated_bit(const struct model *m, uint8_t val, unsigned bit)
{
    return val >> ((bit + m->rot) % 8) & 1;
}

static unsigned model_bit(const struct model *m, unsigned plane, unsigned bit, uint8_t cpu)
{
    unsigned old = m->latch[plane] >> bit & 1, data, use = m->mask >> bit & 1;

    if (m->mode == 1)
        return old;
    if (m->mode == 0)
        data = m->esr >> plane & 1 ? m->sr >> plane & 1 : rotated_bit(m, cpu, bit);
    else if (m->mode == 2)
        data = cpu >> plane & 1;
    else
        data = m->sr >> plane & 1;
    if (m->mode == 3)
        use &= rotated_bit(m, cpu, bit);
    switch (m->func) {
    case 1: data &= old; break;
    case 2: data |= old; break;
    case 3: data ^= old; break;
    default: break;
    }
    return use ? data : old;
}

static void load_model(struct vga_bench *b, struct model *m, uint32_t *seed)
{
    uint32_t r = next_random(seed), q = next_random(seed), c = next_random(seed);

    *m = (struct model){
        .sr = r & 15,
        .esr = r >> 4 & 15,
        .rot = r >> 8 & 7,
        .func = r >> 11 & 3,
        .mode = r >> 13 & 3,
        .map = r >> 15 & 15,
        .mask = q & 0xff,
        .cmp = c & 15,
        .care = c >> 4 & 15,
    };
    outx(b, 0x3ce, 0, m->sr);
    outx(b, 0x3ce, 1, m->esr);
    outx(b, 0x3ce, 2, m->cmp);
    outx(b, 0x3ce, 3, (uint8_t)(m->func << 3 | m->rot));
    outx(b, 0x3ce, 5, m->mode);
    outx(b, 0x3ce, 7, m->care);
    outx(b, 0x3ce, 8, m->mask);
    outx(b, 0x3c4, 2, m->map);
}

static void test_write_modes(void **state)
{
    struct vga_bench b;
    struct model m;
    uint32_t seed = 12345;
    unsigned seen = 0;

    (void)state;
    bench_open(&b);
    planar_setup(&b);
    for (unsigned round = 0; round < 4000; round++) {
        uint32_t src = next_random(&seed) & 0xffff, dst = next_random(&seed) & 0xffff;
        uint8_t cpu = (uint8_t)next_random(&seed), before[4], *at = b.vram + 4 * dst;

        load_model(&b, &m, &seed);
        seen |= 1u << m.mode;
        for (unsigned p = 0; p < 4; p++) {
            b.vram[4 * src + p] = m.latch[p] = (uint8_t)next_random(&seed);
            if (src != dst)
                at[p] = (uint8_t)next_random(&seed);
        }
        memcpy(before, at, 4);
        peek(&b, 0xa0000 + src); /* fills the latches */
        poke(&b, 0xa0000 + dst, cpu);
        for (unsigned p = 0; p < 4; p++) {
            unsigned want = 0;

            for (unsigned bit = 0; bit < 8; bit++)
                want |= model_bit(&m, p, bit, cpu) << bit;
            assert_int_equal(at[p], m.map >> p & 1 ? want : before[p]);
        }
    }
    assert_int_equal(seen, 15);
    bench_close(&b);
}

static void test_read_modes(void **state)
{
    struct vga_bench b;
    struct model m;
    uint32_t seed = 99;

    (void)state;
    bench_open(&b);
    planar_setup(&b);
    for (unsigned round = 0; round < 2000; round++) {
        uint32_t src = next_random(&seed) & 0xffff;
        unsigned want = 0, plane = next_random(&seed) & 3;

        load_model(&b, &m, &seed);
        for (unsigned p = 0; p < 4; p++)
            b.vram[4 * src + p] = (uint8_t)next_random(&seed);
        outx(&b, 0x3ce, 5, 0);
        outx(&b, 0x3ce, 4, (uint8_t)plane);
        assert_int_equal(peek(&b, 0xa0000 + src), b.vram[4 * src + plane]);
        for (unsigned bit = 0; bit < 8; bit++) {
            unsigned color = 0;

            for (unsigned p = 0; p < 4; p++)
                color |= (b.vram[4 * src + p] >> bit & 1u) << p;
            want |= ((color & m.care) == (m.cmp & m.care)) << bit;
        }
        outx(&b, 0x3ce, 5, 0x08);
        assert_int_equal(peek(&b, 0xa0000 + src), want);
    }
    bench_close(&b);
}

static void test_chain4(void **state)
{
    struct vga_bench b;

    (void)state;
    bench_open(&b);
    planar_setup(&b);
    outx(&b, 0x3c4, 4, 0x0e);
    outx(&b, 0x3ce, 5, 0x40);
    for (uint32_t a = 0; a < 0x10000; a += 4)
        bus_write(b.mmio, 0xa0000 + a, a * 2654435761u, 4);
    for (uint32_t a = 0; a < 0x10000; a += 4)
        assert_int_equal(bus_read(b.mmio, 0xa0000 + a, 4), (uint32_t)(a * 2654435761u));
    /* the planes that the address selects, at an offset without the two selecting bits */
    poke(&b, 0xa0007, 0x5c);
    outx(&b, 0x3c4, 4, 0x06);
    outx(&b, 0x3ce, 4, 3);
    assert_int_equal(peek(&b, 0xa0004), 0x5c);
    /* map mask still holds planes back */
    outx(&b, 0x3c4, 4, 0x0e);
    outx(&b, 0x3c4, 2, 0x01);
    bus_write(b.mmio, 0xa0010, 0, 4);
    bus_write(b.mmio, 0xa0010, 0xffffffff, 4);
    assert_int_equal(bus_read(b.mmio, 0xa0010, 4) & 0xff, 0xff);
    assert_int_not_equal(bus_read(b.mmio, 0xa0010, 4), 0xffffffff);
    bench_close(&b);
}

static void test_odd_even(void **state)
{
    struct vga_bench b;

    (void)state;
    bench_open(&b);
    vga_boot_text_mode(b.vga, NULL, 0);
    bus_write(b.mmio, 0xb8000 + 162, 0x1e41, 2);
    assert_int_equal(bus_read(b.mmio, 0xb8000 + 162, 2), 0x1e41);
    /* characters lie in plane 0, attributes in plane 1, both at the even offset */
    assert_int_equal(b.vram[4 * 162], 0x41);
    assert_int_equal(b.vram[4 * 162 + 1], 0x1e);
    assert_int_equal(b.vram[4 * 163], ' ');
    /* fonts are loaded with odd/even off: plane 2 only */
    outx(&b, 0x3c4, 2, 0x04);
    outx(&b, 0x3c4, 4, 0x06);
    outx(&b, 0x3ce, 4, 2);
    outx(&b, 0x3ce, 5, 0);
    outx(&b, 0x3ce, 6, 0x04);
    poke(&b, 0xa0000 + 0x41 * 32 + 1, 0x99);
    assert_int_equal(peek(&b, 0xa0000 + 0x41 * 32 + 1), 0x99);
    assert_int_equal(b.vram[4 * (0x41 * 32 + 1) + 2], 0x99);
    bench_close(&b);
}

/* --- VBE --- */

static void test_vbe_detect(void **state)
{
    struct vga_bench b;

    (void)state;
    bench_open(&b);
    assert_int_equal(vbe_in(&b, 0), 0xb0c5);
    for (uint16_t id = 0xb0c0; id <= 0xb0c5; id++) {
        vbe_out(&b, 0, id);
        assert_int_equal(vbe_in(&b, 0), id);
    }
    vbe_out(&b, 0, 0xb0c6);
    assert_int_equal(vbe_in(&b, 0), 0xb0c5);
    assert_int_equal(vbe_in(&b, 10), 256); /* 16 MiB */
    assert_int_equal(bus_read(b.port, 0x1d0, 2), 256);
    vbe_out(&b, 4, 0x02);
    assert_int_equal(vbe_in(&b, 1), 2560);
    assert_int_equal(vbe_in(&b, 2), 1600);
    assert_int_equal(vbe_in(&b, 3), 32);
    vbe_out(&b, 4, 0);
    assert_int_not_equal(vbe_in(&b, 1), 2560);
    bench_close(&b);
}

static void test_vbe_mode(void **state)
{
    struct vga_bench b;

    (void)state;
    bench_open(&b);
    memset(b.vram, 0xee, b.vram_size);
    vbe_mode(&b, 1024, 768, 32);
    assert_int_equal(vbe_in(&b, 6), 1024);
    assert_int_equal(vbe_in(&b, 7), 4096);
    assert_int_equal(b.vram[0], 0);
    assert_int_equal(b.vram[1024 * 768 * 4 - 1], 0);
    assert_int_equal(b.vram[1024 * 768 * 4], 0xee);
    /* a wider line, then the screen as far down and right as it goes */
    vbe_out(&b, 6, 2048);
    assert_int_equal(vbe_in(&b, 7), 2048);
    vbe_out(&b, 8, 5000);
    vbe_out(&b, 9, 5000);
    assert_int_equal(vbe_in(&b, 8), 1024);
    assert_int_equal(vbe_in(&b, 9), 1280);
    /* enabling what is enabled keeps all that; no clearing when told so */
    vbe_out(&b, 4, 0x61);
    assert_int_equal(vbe_in(&b, 6), 2048);
    b.vram[3] = 0x77;
    vbe_out(&b, 4, 0);
    vbe_out(&b, 4, 0xc1);
    assert_int_equal(b.vram[3], 0x77);
    assert_int_equal(vbe_in(&b, 6), 1024);
    assert_int_equal(vbe_in(&b, 8), 0);
    bench_close(&b);
}

static void test_vbe_bank(void **state)
{
    struct vga_bench b;

    (void)state;
    bench_open(&b);
    vbe_mode(&b, 800, 600, 16);
    outx(&b, 0x3ce, 6, 0x05);
    vbe_out(&b, 5, 3);
    bus_write(b.mmio, 0xa0100, 0x1234abcd, 4);
    assert_int_equal(ld_le32(b.vram + 0x30100), 0x1234abcd);
    assert_int_equal(bus_read(b.mmio, 0xa0100, 4), 0x1234abcd);
    vbe_out(&b, 5, 0xffff);
    assert_int_equal(vbe_in(&b, 5), 255);
    poke(&b, 0xaffff, 0x42);
    assert_int_equal(b.vram[b.vram_size - 1], 0x42);
    /* planar: a bank is 64 KiB of every plane */
    vbe_mode(&b, 1024, 768, 4);
    planar_setup(&b);
    outx(&b, 0x3c4, 2, 0x02);
    vbe_out(&b, 5, 1);
    poke(&b, 0xa0005, 0x99);
    assert_int_equal(b.vram[0x40000 + 4 * 5 + 1], 0x99);
    vbe_out(&b, 5, 0xffff);
    assert_int_equal(vbe_in(&b, 5), 63);
    bench_close(&b);
}

static void test_vbe_hostile(void **state)
{
    struct vga_bench b;

    (void)state;
    bench_open_mib(&b, 1);
    vbe_mode(&b, 0, 0, 99);
    assert_in_range(vbe_in(&b, 1), 1, 2560);
    assert_in_range(vbe_in(&b, 2), 1, 1600);
    assert_int_equal(vbe_in(&b, 3), 8);
    vbe_mode(&b, 0xffff, 0xffff, 32);
    assert_int_equal(vbe_in(&b, 1), 2560);
    assert_true(2560u * vbe_in(&b, 2) * 4 <= b.vram_size);
    vbe_out(&b, 6, 0xffff);
    assert_true(0xffffu * vbe_in(&b, 2) * 4 <= b.vram_size);
    vbe_out(&b, 0x8000, 1);
    assert_int_equal(vbe_in(&b, 0x8000), 0);
    bench_close(&b);
}

/* --- EDID and PCI --- */

static void check_edid(const uint8_t *e, unsigned w, unsigned h)
{
    static const uint8_t header[8] = {0, 255, 255, 255, 255, 255, 255, 0};
    const uint8_t *t = e + 54;
    unsigned sum = 0, total;

    for (unsigned k = 0; k < 128; k++)
        sum += e[k];
    assert_int_equal(sum & 0xff, 0);
    assert_memory_equal(e, header, 8);
    assert_int_equal(e[18], 1);
    assert_int_equal(t[2] | (t[4] & 0xf0) << 4, w);
    assert_int_equal(t[5] | (t[7] & 0xf0) << 4, h);
    /* the pixel clock makes 60 Hz of it, and syncs lie inside blanking */
    total = (w + (t[3] | (t[4] & 15u) << 8)) * (h + (t[6] | (t[7] & 15u) << 8));
    assert_in_range(ld_le16(t) * 10000u / total, 59, 60);
    assert_true(t[8] + t[9] < (t[3] | (t[4] & 15) << 8));
    assert_true((t[10] >> 4) + (t[10] & 15) < t[6]);
    assert_int_equal(e[126], 0);
}

static const struct edid_config monitors[] = {
    {0, 0, 0, 0},
    {640, 480, 0, 0},
    {800, 600, 800, 600},
    {1024, 768, 1024, 768},
    {1366, 768, 0, 0},
    {1920, 1080, 0, 0},
    {1920, 1200, 2560, 1600},
    {2560, 1440, 0, 0},
    {2560, 1600, 2560, 1600},
    {1280, 1024, 1600, 1200},
    {2048, 1536, 0, 0},
};

static void test_edid(void **state)
{
    uint8_t e[EDID_SIZE];

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(monitors); k++) {
        const struct edid_config *m = &monitors[k];

        edid_make(e, m);
        check_edid(e, m->width ? m->width : 1280, m->height ? m->height : 800);
        for (unsigned n = 0; n < 8; n++) {
            const uint8_t *s = e + 38 + 2 * n;

            if (m->max_width && s[0] != 1)
                assert_true((s[0] + 31u) * 8 <= m->max_width);
            assert_true((s[0] == 1) == (s[1] == 1));
        }
        assert_int_equal(e[36], m->max_width == 800 ? 0 : 8);
    }
    assert_int_equal(e[38], 1920 / 8 - 31);
}

/* A program that others wrote finds nothing to object to. */
static void test_edid_decode(void **state)
{
    char *tool = g_find_program_in_path("edid-decode");
    uint8_t e[EDID_SIZE];

    (void)state;
    if (!tool) {
        skip();
        return;
    }
    for (unsigned k = 0; k < ARRAY_SIZE(monitors); k++) {
        char *argv[] = {tool, (char[]){"--check"}, NULL, NULL}, *said = NULL, *size;
        unsigned w = monitors[k].width ? monitors[k].width : 1280;
        unsigned h = monitors[k].height ? monitors[k].height : 800;
        GError *err = NULL;
        int fd = g_file_open_tmp("edid-XXXXXX", &argv[2], NULL), status;

        edid_make(e, &monitors[k]);
        assert_int_equal(write(fd, e, sizeof(e)), sizeof(e));
        close(fd);
        assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &said,
                                 NULL, &status, &err));
        unlink(argv[2]);
        size = g_strdup_printf(" %ux%u ", w, h);
        if (status || !strstr(said, "DTD 1:") || !strstr(strstr(said, "DTD 1:"), size) ||
            !strstr(said, "EDID conformity: PASS") || strstr(said, "Warnings:"))
            fail_msg("%ux%u: %s", w, h, said);
        assert_non_null(strstr(said, "Checksum: 0x"));
        g_free(size);
        g_free(said);
        g_free(argv[2]);
    }
    g_free(tool);
}

struct mapped {
    uint64_t gpa, len;
    void *hva;
};

static bool ram_map(void *opaque, uint64_t gpa, uint64_t len, void *hva, bool readonly)
{
    struct mapped *m = opaque;

    if (!readonly)
        *m = (struct mapped){gpa, len, hva};
    return true;
}

static void ram_unmap(void *opaque, uint64_t gpa, uint64_t len)
{
    struct mapped *m = opaque;

    (void)len;
    if (m->gpa == gpa)
        m->hva = NULL;
}

static void test_pci(void **state)
{
    static const uint8_t rom[3000] = {0x55, 0xaa, 6};
    struct vga_bench b;
    struct mapped fb = {0};
    struct pci_bus_config cfg = {.ram = {&fb, ram_map, ram_unmap, NULL}};
    struct pci_bus *pci;
    uint8_t e[EDID_SIZE];
    const uint8_t dev = PCI_DEVFN(2, 0);

    (void)state;
    bench_open(&b);
    cfg.ports = b.port;
    cfg.mmio = b.mmio;
    pci = pci_bus_new(&cfg, NULL);
    assert_non_null(pci);
    assert_true(vga_pci_attach(b.vga, pci, dev, rom, sizeof(rom), NULL));
    assert_int_equal(pci_config_read(pci, 0, dev, 0, 4), 0x11111234);
    assert_int_equal(pci_config_read(pci, 0, dev, 8, 4) >> 8, 0x030000);
    pci_config_write(pci, 0, dev, 0x10, 0xffffffff, 4);
    assert_int_equal(pci_config_read(pci, 0, dev, 0x10, 4), 0xff000008);
    pci_config_write(pci, 0, dev, 0x18, 0xffffffff, 4);
    assert_int_equal(pci_config_read(pci, 0, dev, 0x18, 4), 0xfffff000);
    pci_config_write(pci, 0, dev, 0x10, 0xfd000000, 4);
    pci_config_write(pci, 0, dev, 0x18, 0xfebf0000, 4);
    pci_config_write(pci, 0, dev, 0x30, 0xfebe0001, 4);
    pci_config_write(pci, 0, dev, 4, 3, 2);
    assert_int_equal(fb.gpa, 0xfd000000);
    assert_ptr_equal(fb.hva, b.vram);
    assert_int_equal(fb.len, b.vram_size);
    assert_int_equal(bus_read(b.mmio, 0xfebe0000, 2), 0xaa55);

    for (unsigned k = 0; k < EDID_SIZE; k++)
        e[k] = (uint8_t)bus_read(b.mmio, 0xfebf0000 + k, 1);
    check_edid(e, 1280, 800);
    assert_int_equal(bus_read(b.mmio, 0xfebf0080, 4), 0);
    /* the VGA's registers: reset the flip-flop, screen on */
    bus_read(b.mmio, 0xfebf0400 + 0x1a, 1);
    bus_write(b.mmio, 0xfebf0400, 0x20, 1);
    assert_int_equal(inb(&b, 0x3c0), 0);
    inb(&b, 0x3da);
    assert_int_equal(inb(&b, 0x3c0), 0x20);
    bus_write(b.mmio, 0xfebf0414, 0x5a0e, 2);
    assert_int_equal(inx(&b, 0x3d4, 0x0e), 0x5a);
    /* VBE and qext */
    assert_int_equal(bus_read(b.mmio, 0xfebf0500, 2), 0xb0c5);
    assert_int_equal(bus_read(b.mmio, 0xfebf0514, 2), 256);
    bus_write(b.mmio, 0xfebf0502, 1280, 2);
    assert_int_equal(vbe_in(&b, 1), 1280);
    assert_int_equal(bus_read(b.mmio, 0xfebf0600, 4), 8);
    assert_int_equal(bus_read(b.mmio, 0xfebf0604, 4), 0x1e1e1e1e);
    bus_write(b.mmio, 0xfebf0604, 0xbebebebe, 4);
    assert_int_equal(bus_read(b.mmio, 0xfebf0604, 4), 0xbebebebe);

    device_reset(vga_device(b.vga));
    assert_null(fb.hva);
    assert_int_equal(pci_config_read(pci, 0, dev, 0, 4), 0x11111234);
    assert_int_equal(pci_config_read(pci, 0, dev, 0x10, 4), 0x8);
    assert_int_equal(vbe_in(&b, 0), 0xb0c5);
    pci_bus_free(pci);
    bench_close(&b);
}

/* Without the registers BAR2 is no BAR: its dword reads as zero whatever is written. */
static void test_pci_no_mmio(void **state)
{
    struct vga_bench b;
    struct mapped fb = {0};
    struct pci_bus_config cfg = {.ram = {&fb, ram_map, ram_unmap, NULL}};
    struct pci_bus *pci;
    const uint8_t dev = PCI_DEVFN(2, 0);

    (void)state;
    bench_open_config(&b, (struct vga_config){.no_mmio = true});
    cfg.ports = b.port;
    cfg.mmio = b.mmio;
    pci = pci_bus_new(&cfg, NULL);
    assert_non_null(pci);
    assert_true(vga_pci_attach(b.vga, pci, dev, NULL, 0, NULL));
    pci_config_write(pci, 0, dev, 0x10, 0xffffffff, 4);
    assert_int_equal(pci_config_read(pci, 0, dev, 0x10, 4), 0xff000008);
    pci_config_write(pci, 0, dev, 0x18, 0xffffffff, 4);
    assert_int_equal(pci_config_read(pci, 0, dev, 0x18, 4), 0);
    assert_int_equal(vbe_in(&b, 0), 0xb0c5);
    pci_bus_free(pci);
    bench_close(&b);
}

static void test_bad_config(void **state)
{
    struct bus *port = bus_new("port", 0xffff), *mmio = bus_new("mmio", ~0ull);
    struct vga_config cfg = {.port = port, .mmio = mmio, .vram_mib = 24};
    struct bus_region taken;
    GError *err = NULL;

    (void)state;
    assert_null(vga_new(&cfg, &err));
    assert_non_null(strstr(err->message, "24"));
    g_clear_error(&err);
    cfg.vram_mib = 1;
    cfg.edid = (struct edid_config){.width = 10000, .height = 600};
    assert_null(vga_new(&cfg, &err));
    assert_non_null(strstr(err->message, "10000x600"));
    g_clear_error(&err);
    cfg.edid = (struct edid_config){.max_width = 1024, .max_height = 768};
    assert_null(vga_new(&cfg, &err));
    assert_non_null(strstr(err->message, "1280x800: larger than the largest, 1024x768"));
    g_clear_error(&err);
    cfg.edid = (struct edid_config){0};
    bus_region_init(&taken, "other", 1, NULL, NULL);
    assert_true(bus_map(mmio, &taken, 0xa1234, NULL));
    assert_null(vga_new(&cfg, &err));
    assert_non_null(strstr(err->message, "other"));
    g_clear_error(&err);
    assert_null(bus_find(port, 0x3c0)); /* nothing is left behind */
    bus_free(port);
    bus_free(mmio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_color_addresses),
        cmocka_unit_test(test_register_masks),
        cmocka_unit_test(test_crtc_protect),
        cmocka_unit_test(test_attr_flip_flop),
        cmocka_unit_test(test_dac),
        cmocka_unit_test(test_retrace),
        cmocka_unit_test(test_retrace_any),
        cmocka_unit_test(test_map_select),
        cmocka_unit_test(test_write_modes),
        cmocka_unit_test(test_read_modes),
        cmocka_unit_test(test_chain4),
        cmocka_unit_test(test_odd_even),
        cmocka_unit_test(test_vbe_detect),
        cmocka_unit_test(test_vbe_mode),
        cmocka_unit_test(test_vbe_bank),
        cmocka_unit_test(test_vbe_hostile),
        cmocka_unit_test(test_edid),
        cmocka_unit_test(test_edid_decode),
        cmocka_unit_test(test_pci),
        cmocka_unit_test(test_pci_no_mmio),
        cmocka_unit_test(test_bad_config),
    };
    return unit_main(tests);
}
