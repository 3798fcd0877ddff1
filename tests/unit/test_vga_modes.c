/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The adapter in the modes that programs set, with a BIOS's own register values: single pixels,
 * written at the address that a programmer of that mode computes, come out where they belong and
 * nowhere else; and what the attribute controller and the CRT controller do to whole pictures.
 */
#include "tests/unit/vga_modes.h"

#include "base/bits.h"
#include "devices/display/vga_render.h"

#define BLINK_FRAME 16 /* blinking is in its dark phase */

static struct vga_bench b;
static struct vga_surface s;
static uint32_t seed;

static int setup(void **state)
{
    (void)state;
    bench_open(&b);
    seed = 4711;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vga_surface_free(&s);
    s = (struct vga_surface){0};
    bench_close(&b);
    return 0;
}

static uint32_t rnd(uint32_t n)
{
    return next_random(&seed) % n;
}

/* ---- a pixel in each mode, as its programmers put it ---- */

typedef void put_pixel(const struct vga_mode *m, unsigned x, unsigned y, unsigned color);

/* Set/reset has the colour, the bit mask the pixel; the latches keep its neighbours. */
static void put_planar(const struct vga_mode *m, unsigned x, unsigned y, unsigned color)
{
    uint32_t at = 0xa0000 + m->width / 8 * y + x / 8;

    outx(&b, 0x3ce, 0, (uint8_t)color);
    outx(&b, 0x3ce, 1, 0x0f);
    outx(&b, 0x3ce, 8, (uint8_t)(0x80 >> (x & 7)));
    peek(&b, at);
    poke(&b, at, 0x5a);
}

static void put_cga4(const struct vga_mode *m, unsigned x, unsigned y, unsigned color)
{
    uint32_t at = 0xb8000 + (y & 1) * 0x2000 + 80 * (y / 2) + x / 4;
    unsigned sh = 6 - 2 * (x & 3);

    (void)m;
    poke(&b, at, (uint8_t)((peek(&b, at) & ~(3u << sh)) | color << sh));
}

static void put_cga2(const struct vga_mode *m, unsigned x, unsigned y, unsigned color)
{
    uint32_t at = 0xb8000 + (y & 1) * 0x2000 + 80 * (y / 2) + x / 8;
    unsigned bit = 0x80 >> (x & 7);

    (void)m;
    poke(&b, at, (uint8_t)((peek(&b, at) & ~bit) | (color ? bit : 0)));
}

static void put_13(const struct vga_mode *m, unsigned x, unsigned y, unsigned color)
{
    poke(&b, 0xa0000 + m->width * y + x, (uint8_t)color);
}

static void put_unchained(const struct vga_mode *m, unsigned x, unsigned y, unsigned color)
{
    outx(&b, 0x3c4, 2, (uint8_t)(1 << (x & 3)));
    poke(&b, 0xa0000 + m->width / 4 * y + x / 4, (uint8_t)color);
}

/* A hundred pixels, each checked alone: the screen has it, as wide and high as the mode says, and
 * nothing else. */
static void check_mode(const struct vga_mode *m, put_pixel *put, unsigned colors)
{
    set_mode(&b, m);
    for (unsigned round = 0; round < 100; round++) {
        unsigned x = round ? rnd(m->width) : m->width - 1;
        unsigned y = round ? rnd(m->height) : m->height - 1, color = 1 + rnd(colors - 1);
        unsigned dac = colors == 256 ? color : m->attr[color];

        put(m, x, y, color);
        vga_render(b.vga, 0, &s);
        assert_int_equal(s.width, m->width * m->x_scale);
        assert_int_equal(s.height, m->height * m->y_scale);
        for (unsigned yy = 0; yy < s.height; yy++) {
            for (unsigned xx = 0; xx < s.width; xx++) {
                bool in = xx / m->x_scale == x && yy / m->y_scale == y;
                uint32_t want = mode_color(in ? dac : m->attr[0]);

                if (s.pixels[yy * s.stride + xx] != want)
                    fail_msg("mode %s: (%u, %u) with (%u, %u) set", m->name, xx, yy, x, y);
            }
        }
        put(m, x, y, 0);
    }
}

static void test_pixels(void **state)
{
    (void)state;
    check_mode(&mode_04, put_cga4, 4);
    check_mode(&mode_06, put_cga2, 2);
    check_mode(&mode_0d, put_planar, 16);
    check_mode(&mode_0e, put_planar, 16);
    check_mode(&mode_10, put_planar, 16);
    check_mode(&mode_12, put_planar, 16);
    check_mode(&mode_13, put_13, 256);
    check_mode(&mode_x, put_unchained, 256);
    check_mode(&mode_360, put_unchained, 256);
}

/* ---- monochrome ---- */

static uint32_t pixel(unsigned x, unsigned y)
{
    assert_true(x < s.width && y < s.height);
    return s.pixels[y * s.stride + x];
}

/* Two planes: video and "intensity"; one colour of the four blinks, through a palette of IBM's. */
static void test_mode_0f(void **state)
{
    static const struct {
        uint8_t color, lit, dark;
    } want[] = {{0, 0, 0}, {1, 8, 8}, {4, 0x18, 0}, {5, 0x18, 0x18}};

    (void)state;
    set_mode(&b, &mode_0f);
    for (unsigned k = 0; k < 4; k++)
        put_planar(&mode_0f, 10 * k, 20, want[k].color);
    for (unsigned k = 0; k < 4; k++) {
        vga_render(b.vga, 0, &s);
        assert_int_equal(pixel(10 * k, 20), mode_color(want[k].lit));
        vga_render(b.vga, BLINK_FRAME, &s);
        assert_int_equal(pixel(10 * k, 20), mode_color(want[k].dark));
    }
    /* plane 3 counts again when it is switched on, and then every colour blinks */
    inb(&b, 0x3ba);
    outb(&b, 0x3c0, 0x32);
    outb(&b, 0x3c0, 0x0f);
    put_planar(&mode_0f, 5, 5, 9);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(5, 5), mode_color(mode_0f.attr[9]));
    vga_render(b.vga, BLINK_FRAME, &s);
    assert_int_equal(pixel(5, 5), mode_color(mode_0f.attr[1]));
}

/* Mode 7: characters at 0xb0000, registers at 0x3bx, attribute 1 is underlined. */
static void test_mode_07(void **state)
{
    (void)state;
    set_mode(&b, &mode_07);
    bus_write(b.mmio, 0xb0000 + 2 * (80 * 3 + 7), 0x0120, 2); /* a blank, underlined */
    bus_write(b.mmio, 0xb0000 + 2 * (80 * 3 + 8), 0x0920, 2); /* bright */
    bus_write(b.mmio, 0xb0000 + 2 * (80 * 3 + 9), 0x7020, 2); /* reverse, not underlined */
    bus_write(b.mmio, 0xb8000 + 2 * 80 * 3, 0x0120, 2);       /* nobody listens */
    outx(&b, 0x3b4, 0x0a, 0x20);
    vga_render(b.vga, 0, &s);
    assert_int_equal(s.width, 720);
    for (unsigned x = 0; x < 9; x++) {
        assert_int_equal(pixel(63 + x, 48 + 15), mode_color(8));
        assert_int_equal(pixel(72 + x, 48 + 15), mode_color(0x18));
        assert_int_equal(pixel(81 + x, 48 + 15), mode_color(8));
        assert_int_equal(pixel(63 + x, 48 + 14), mode_color(0));
        assert_int_equal(pixel(81 + x, 48 + 14), mode_color(8));
        assert_int_equal(pixel(x, 48 + 15), mode_color(0));
    }
}

/* ---- the attribute controller ---- */

/* Bits 4 and 5 of the DAC index from color select, when asked for; bits 6 and 7 always. */
static void test_color_select(void **state)
{
    (void)state;
    set_mode(&b, &mode_12);
    put_planar(&mode_12, 0, 0, 6); /* palette register 6 has 0x14 */
    attr_out(&b, 0x34, 0x0b);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(0, 0), mode_color(0x14 | 0x80));
    attr_out(&b, 0x30, 0x81);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(0, 0), mode_color(0x04 | 0x30 | 0x80));
    attr_out(&b, 0x34, 0x04);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(0, 0), mode_color(0x04 | 0x40));
    /* a plane that is switched off */
    attr_out(&b, 0x32, 0x0d);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(0, 0), mode_color(0x04 | 0x40));
    attr_out(&b, 0x32, 0x0b);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(0, 0), mode_color(0x02 | 0x40));
}

/* The serialiser hands out four bits a dot; that two make a pixel is the attribute controller's
 * doing: without it, bytes are pairs of pixels of sixteen colours. */
static void test_packed_nibbles(void **state)
{
    (void)state;
    set_mode(&b, &mode_13);
    attr_out(&b, 0x30, 0x01);
    attr_out(&b, 0x34, 0x00);
    poke(&b, 0xa0000 + 320 * 2 + 5, 0x9c);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(10, 4), mode_color(9));
    assert_int_equal(pixel(11, 5), mode_color(12));
    assert_int_equal(pixel(12, 4), mode_color(0));
    /* and the other way round: planes as pixels of eight bits */
    set_mode(&b, &mode_12);
    attr_out(&b, 0x30, 0x41);
    put_planar(&mode_12, 16, 1, 0x0a);
    put_planar(&mode_12, 17, 1, 0x05);
    vga_render(b.vga, 0, &s);
    assert_int_equal(vga_screen_info(b.vga).depth, 8);
    assert_int_equal(pixel(16, 1), mode_color(0xa5));
    assert_int_equal(pixel(17, 1), mode_color(0xa5));
    assert_int_equal(pixel(18, 1), mode_color(0));
}

/* In 256 colours a pixel is two dots, and panning moves by whole ones. */
static void test_panning_256(void **state)
{
    (void)state;
    set_mode(&b, &mode_x);
    put_unchained(&mode_x, 3, 0, 77);
    for (uint8_t pan = 0; pan < 8; pan++) {
        attr_out(&b, 0x33, pan);
        vga_render(b.vga, 0, &s);
        assert_int_equal(pixel(6 - (pan & 6u), 0), mode_color(77));
        assert_int_equal(pixel(7 - (pan & 6u), 1), mode_color(77));
        assert_int_equal(pixel(8 - (pan & 6u), 1), mode_color(0));
    }
}

/* ---- the CRT controller ---- */

/* Rows begin anywhere in their glyphs and whole characters are panned away: smooth scrolling. */
static void test_preset_row_and_byte_panning(void **state)
{
    (void)state;
    vga_boot_text_mode(b.vga, NULL, 0);
    for (unsigned row = 0; row < 16; row++)
        b.vram[4 * ('#' * 32 + row) + 2] = (uint8_t)(row << 4 | 15);
    bus_write(b.mmio, 0xb8000 + 2 * 3, 0x0f23, 2);
    outx(&b, 0x3d4, 0x0a, 0x20);
    outx(&b, 0x3d4, 0x08, 0x40 | 5); /* two characters, five lines */
    vga_render(b.vga, 0, &s);
    for (unsigned y = 0; y < 11; y++) {
        unsigned glyph = (y + 5) << 4 | 15;

        for (unsigned x = 0; x < 8; x++)
            assert_int_equal(pixel(9 + x, y), glyph >> (7 - x) & 1 ? 0xffffff : 0);
    }
    assert_int_equal(pixel(9 + 7, 11), 0);
}

/* The cursor's skew moves it to the right, whole characters. */
static void test_cursor_skew(void **state)
{
    (void)state;
    vga_boot_text_mode(b.vga, NULL, 0);
    outx(&b, 0x3d4, 0x0f, 7);
    for (unsigned skew = 0; skew < 4; skew++) {
        outx(&b, 0x3d4, 0x0b, (uint8_t)(skew << 5 | 14));
        vga_render(b.vga, 0, &s);
        for (unsigned col = 5; col < 12; col++)
            assert_int_equal(pixel(9 * col, 14), col == 7 + skew ? 0xaaaaaa : 0);
    }
    outx(&b, 0x3d4, 0x0a, 14); /* from below its end: none */
    outx(&b, 0x3d4, 0x0b, 13);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(9 * 7, 13), 0);
    assert_int_equal(pixel(9 * 7, 14), 0);
}

/* Bit 2 of the mode control register counts pairs of lines: the same values make twice the height,
 * and the split screen begins twice as far down. */
static void test_half_lines(void **state)
{
    (void)state;
    set_mode(&b, &mode_12);
    outx(&b, 0x3d4, 0x11, 0);
    outx(&b, 0x3d4, 0x0c, 0x10);
    outx(&b, 0x3d4, 0x07, 0x2e); /* line compare 0x50, in pairs */
    outx(&b, 0x3d4, 0x09, 0x00);
    outx(&b, 0x3d4, 0x18, 0x50);
    outx(&b, 0x3d4, 0x17, 0xe7);
    next_frame(&b);
    put_planar(&mode_12, 8, 0, 5);
    vga_render(b.vga, 0, &s);
    assert_int_equal(s.height, 960);
    assert_int_equal(pixel(8, 2 * 0x51), mode_color(5));
    assert_int_equal(pixel(8, 2 * 0x51 - 1), mode_color(0));
    assert_int_equal(pixel(8, 2 * 0x51 + 1), mode_color(0));
}

/* All that makes the screen dark, and light again. */
static void test_dark(void **state)
{
    static const struct {
        uint16_t port;
        uint8_t index, dark, light;
    } ways[] = {{0x3c4, 0, 1, 3}, {0x3c4, 0, 2, 3}, {0x3c4, 1, 0x21, 1}, {0x3d4, 0x17, 0x63, 0xe3}};

    (void)state;
    set_mode(&b, &mode_12);
    assert_int_equal(vga_screen_info(b.vga).kind, VGA_SCREEN_PLANAR);
    for (unsigned k = 0; k < ARRAY_SIZE(ways); k++) {
        outx(&b, ways[k].port, ways[k].index, ways[k].dark);
        assert_int_equal(vga_screen_info(b.vga).kind, VGA_SCREEN_BLANK);
        outx(&b, ways[k].port, ways[k].index, ways[k].light);
        assert_int_equal(vga_screen_info(b.vga).kind, VGA_SCREEN_PLANAR);
    }
    inb(&b, 0x3da);
    outb(&b, 0x3c0, 0);
    assert_int_equal(vga_screen_info(b.vga).kind, VGA_SCREEN_BLANK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_pixels),
        CASE(test_mode_0f),
        CASE(test_mode_07),
        CASE(test_color_select),
        CASE(test_packed_nibbles),
        CASE(test_panning_256),
        CASE(test_preset_row_and_byte_panning),
        CASE(test_cursor_skew),
        CASE(test_half_lines),
        CASE(test_dark),
    };

    return unit_main(tests);
}
