/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the adapter shows, as pixels and as text; and that no register value makes it look
 * elsewhere. */
#include "tests/unit/vga_bench.h"

#include "base/bits.h"
#include "devices/display/vga_render.h"
#include "devices/display/vga_text.h"
#include "frontends/screenshot.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

#define CURSOR_OFF_FRAME 8 /* cursor in its dark phase, blinking text still lit */

static uint32_t pixel(const struct vga_surface *s, unsigned x, unsigned y)
{
    assert_true(x < s->width && y < s->height);
    return s->pixels[y * s->stride + x];
}

static void put_cell(struct vga_bench *b, unsigned col, unsigned row, uint8_t ch, uint8_t attr)
{
    bus_write(b->mmio, 0xb8000 + 2 * (80 * row + col), ch | (uint64_t)attr << 8, 2);
}

static void put_text(struct vga_bench *b, unsigned col, unsigned row, const char *text)
{
    for (; *text; text++, col++)
        put_cell(b, col, row, (uint8_t)*text, 0x07);
}

/* A glyph's row in the font at `base` of plane 2. */
static void put_glyph(struct vga_bench *b, unsigned base, uint8_t ch, unsigned row, uint8_t bits)
{
    b->vram[4 * (base + ch * 32 + row) + 2] = bits;
}

/* 0xRRGGBB of an EGA colour with intensity: dark components are 0x55 of it. */
#define BLUE   0x0000aau
#define GREY   0xaaaaaau
#define YELLOW 0xffff55u
#define WHITE  0xffffffu

static void test_text_cell(void **state)
{
    struct vga_bench b;
    struct vga_surface s = {0};
    struct vga_screen info;

    (void)state;
    bench_open(&b);
    assert_int_equal(vga_screen_info(b.vga).kind, VGA_SCREEN_BLANK);
    vga_boot_text_mode(b.vga, NULL, 0);
    info = vga_screen_info(b.vga);
    assert_int_equal(info.kind, VGA_SCREEN_TEXT);
    assert_int_equal(info.width, 720);
    assert_int_equal(info.height, 400);
    put_glyph(&b, 0, 'x', 3, 0x81);
    put_glyph(&b, 0, 0xc4, 3, 0x01);
    put_cell(&b, 2, 1, 'x', 0x1e);
    put_cell(&b, 3, 1, 0xc4, 0x1e);
    put_cell(&b, 4, 1, 'x', 0x1e);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(&s, 18, 16 + 3), YELLOW);
    for (unsigned x = 1; x < 7; x++)
        assert_int_equal(pixel(&s, 18 + x, 16 + 3), BLUE);
    assert_int_equal(pixel(&s, 18 + 7, 16 + 3), YELLOW);
    assert_int_equal(pixel(&s, 18 + 8, 16 + 3), BLUE); /* the ninth dot is background... */
    assert_int_equal(pixel(&s, 27 + 7, 16 + 3), YELLOW);
    assert_int_equal(pixel(&s, 27 + 8, 16 + 3), YELLOW); /* ...but for box drawing */
    assert_int_equal(pixel(&s, 18, 16 + 2), BLUE);
    assert_int_equal(pixel(&s, 0, 16 + 3), 0);
    /* eight dots wide */
    outx(&b, 0x3c4, 1, 0x01);
    vga_render(b.vga, 0, &s);
    assert_int_equal(s.width, 640);
    assert_int_equal(pixel(&s, 16, 16 + 3), YELLOW);
    assert_int_equal(pixel(&s, 16 + 7, 16 + 3), YELLOW);
    assert_int_equal(pixel(&s, 24 + 7, 16 + 3), YELLOW);
    assert_int_equal(pixel(&s, 32, 16 + 3), YELLOW);
    vga_surface_free(&s);
    bench_close(&b);
}

static void test_cursor_and_blink(void **state)
{
    struct vga_bench b;
    struct vga_surface s = {0};
    unsigned col, row;

    (void)state;
    bench_open(&b);
    vga_boot_text_mode(b.vga, NULL, 0);
    put_glyph(&b, 0, 'b', 0, 0xff);
    put_cell(&b, 0, 0, 'b', 0x9e); /* blinks: blue ground, not light blue */
    outx(&b, 0x3d4, 0x0e, 0);
    outx(&b, 0x3d4, 0x0f, 80 + 5);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(&s, 45, 16 + 12), 0);
    assert_int_equal(pixel(&s, 45, 16 + 13), GREY);
    assert_int_equal(pixel(&s, 53, 16 + 14), GREY);
    assert_int_equal(pixel(&s, 45, 16 + 15), 0);
    assert_int_equal(pixel(&s, 54, 16 + 13), 0);
    assert_int_equal(pixel(&s, 0, 0), YELLOW);
    assert_int_equal(pixel(&s, 8, 0), BLUE);
    vga_render(b.vga, CURSOR_OFF_FRAME, &s);
    assert_int_equal(pixel(&s, 45, 16 + 13), 0);
    vga_render(b.vga, 16, &s);
    assert_int_equal(pixel(&s, 0, 0), BLUE);
    assert_true(vga_text_cursor(b.vga, &col, &row));
    assert_int_equal(col, 5);
    assert_int_equal(row, 1);
    /* off by its bit, and by a start below its end */
    outx(&b, 0x3d4, 0x0a, 0x2d);
    assert_false(vga_text_cursor(b.vga, &col, &row));
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(&s, 45, 16 + 13), 0);
    /* without blinking bit 7 is a bright ground */
    attr_out(&b, 0x10, 0x04);
    attr_on(&b);
    vga_render(b.vga, 16, &s);
    assert_int_equal(pixel(&s, 0, 0), YELLOW);
    assert_int_equal(pixel(&s, 8, 0), 0x5555ff);
    vga_surface_free(&s);
    bench_close(&b);
}

static void test_fonts_and_underline(void **state)
{
    struct vga_bench b;
    struct vga_surface s = {0};

    (void)state;
    bench_open(&b);
    vga_boot_text_mode(b.vga, NULL, 0);
    put_glyph(&b, 0x4000, 'f', 0, 0x80);    /* map 1 */
    put_glyph(&b, 0x6000, 'f', 0, 0x40);    /* map 5 */
    outx(&b, 0x3c4, 3, 0x01 | 0x20 | 0x04); /* B is 1, A is 5 */
    put_cell(&b, 0, 0, 'f', 0x07);
    put_cell(&b, 1, 0, 'f', 0x0f);
    vga_render(b.vga, CURSOR_OFF_FRAME, &s);
    assert_int_equal(pixel(&s, 0, 0), GREY);
    assert_int_equal(pixel(&s, 1, 0), 0);
    assert_int_equal(pixel(&s, 9, 0), 0);
    assert_int_equal(pixel(&s, 10, 0), WHITE);
    outx(&b, 0x3d4, 0x14, 0x0c);
    put_cell(&b, 0, 0, ' ', 0x01);
    vga_render(b.vga, CURSOR_OFF_FRAME, &s);
    assert_int_equal(pixel(&s, 0, 12), BLUE);
    assert_int_equal(pixel(&s, 8, 12), BLUE);
    assert_int_equal(pixel(&s, 0, 11), 0);
    assert_int_equal(pixel(&s, 9, 12), 0);
    vga_surface_free(&s);
    bench_close(&b);
}

static void test_start_pan_split(void **state)
{
    struct vga_bench b;
    struct vga_surface s = {0};

    (void)state;
    bench_open(&b);
    vga_boot_text_mode(b.vga, NULL, 0);
    for (unsigned r = 0; r < 16; r++)
        put_glyph(&b, 0, '#', r, 0xff);
    put_cell(&b, 0, 0, '#', 0x01);
    put_cell(&b, 1, 2, '#', 0x0e);
    outx(&b, 0x3d4, 0x0c, 0); /* the screen starts at row 2, column 1 */
    outx(&b, 0x3d4, 0x0d, 161);
    attr_out(&b, 0x13, 2); /* three of nine dots panned out */
    attr_out(&b, 0x10, 0x0c | 0x20);
    attr_on(&b);
    outx(&b, 0x3d4, 0x07, 0x0f); /* line compare 99: the lower part shows row 0, not panned */
    outx(&b, 0x3d4, 0x09, 0x0f);
    outx(&b, 0x3d4, 0x18, 99);
    next_frame(&b);
    vga_render(b.vga, CURSOR_OFF_FRAME, &s);
    assert_int_equal(pixel(&s, 0, 0), YELLOW);
    assert_int_equal(pixel(&s, 4, 0), YELLOW);
    assert_int_equal(pixel(&s, 5, 0), 0);
    assert_int_equal(pixel(&s, 0, 99), 0);
    assert_int_equal(pixel(&s, 0, 100), BLUE);
    assert_int_equal(pixel(&s, 7, 115), BLUE);
    assert_int_equal(pixel(&s, 0, 116), 0);
    /* panned as well unless compatibility is asked for */
    attr_out(&b, 0x10, 0x0c);
    attr_on(&b);
    vga_render(b.vga, CURSOR_OFF_FRAME, &s);
    assert_int_equal(pixel(&s, 4, 100), BLUE);
    assert_int_equal(pixel(&s, 5, 100), 0);
    vga_surface_free(&s);
    bench_close(&b);
}

/* A graphics mode from mode 3's registers: 640 dots, `lines` scan lines, rows of `row` lines. */
static void graphics_mode(struct vga_bench *b, uint8_t gc5, uint8_t seq1, uint8_t seq4, uint8_t row)
{
    vga_boot_text_mode(b->vga, NULL, 0);
    memset(b->vram, 0, 0x40000);
    outx(b, 0x3c4, 1, seq1);
    outx(b, 0x3c4, 2, 0x0f);
    outx(b, 0x3c4, 4, seq4);
    outx(b, 0x3ce, 5, gc5);
    outx(b, 0x3ce, 6, 0x05);
    outx(b, 0x3d4, 0x09, row | 0x40);
    outx(b, 0x3d4, 0x0a, 0x20);
    attr_out(b, 0x10, 0x01);
    attr_out(b, 0x13, 0x00);
    attr_on(b);
    dac_out(b, 0x3f, 63, 0, 63);
}

static void test_planar(void **state)
{
    struct vga_bench b;
    struct vga_surface s = {0};

    (void)state;
    bench_open(&b);
    graphics_mode(&b, 0x00, 0x01, 0x06, 0);
    outx(&b, 0x3d4, 0x17, 0xe3);
    outx(&b, 0x3d4, 0x14, 0x00);
    outx(&b, 0x3c4, 2, 0x0f);
    poke(&b, 0xa0000 + 80 * 7 + 3, 0x20); /* colour 15 at (26, 7) */
    outx(&b, 0x3c4, 2, 0x01);
    poke(&b, 0xa0000 + 80 * 399 + 79, 0x01); /* colour 1 in the corner */
    vga_render(b.vga, 0, &s);
    assert_int_equal(vga_screen_info(b.vga).kind, VGA_SCREEN_PLANAR);
    assert_int_equal(s.width, 640);
    assert_int_equal(s.height, 400);
    assert_int_equal(pixel(&s, 26, 7), 0xff00ff);
    assert_int_equal(pixel(&s, 25, 7), 0);
    assert_int_equal(pixel(&s, 26, 6), 0);
    assert_int_equal(pixel(&s, 639, 399), BLUE);
    /* a plane that is not enabled shows as zero: 15 becomes 7 */
    attr_out(&b, 0x12, 0x07);
    attr_on(&b);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(&s, 26, 7), GREY);
    attr_out(&b, 0x13, 3);
    attr_on(&b);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(&s, 23, 7), GREY);
    vga_surface_free(&s);
    bench_close(&b);
}

static void test_256(void **state)
{
    struct vga_bench b;
    struct vga_surface s = {0};

    (void)state;
    bench_open(&b);
    /* mode 13h */
    graphics_mode(&b, 0x40, 0x01, 0x0e, 1);
    outx(&b, 0x3d4, 0x14, 0x40);
    outx(&b, 0x3d4, 0x17, 0xa3);
    attr_out(&b, 0x10, 0x41);
    attr_on(&b);
    dac_out(&b, 0xc8, 63, 32, 0);
    poke(&b, 0xa0000 + 320 * 100 + 33, 0xc8);
    vga_render(b.vga, 0, &s);
    assert_int_equal(vga_screen_info(b.vga).kind, VGA_SCREEN_256);
    for (unsigned y = 200; y < 202; y++) {
        for (unsigned x = 66; x < 68; x++)
            assert_int_equal(pixel(&s, x, y), 0xff8200);
    }
    assert_int_equal(pixel(&s, 65, 200), 0);
    assert_int_equal(pixel(&s, 68, 200), 0);
    assert_int_equal(pixel(&s, 66, 199), 0);
    assert_int_equal(pixel(&s, 66, 202), 0);
    /* the DAC mask is part of the way */
    outb(&b, 0x3c6, 0x08);
    dac_out(&b, 0x08, 1, 2, 3);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(&s, 66, 200), 0x04080c);
    outb(&b, 0x3c6, 0xff);
    /* mode X: unchained, byte addresses; doubled by bit 7 instead of two-line rows */
    graphics_mode(&b, 0x40, 0x01, 0x06, 0x80);
    outx(&b, 0x3d4, 0x14, 0x00);
    outx(&b, 0x3d4, 0x17, 0xe3);
    attr_out(&b, 0x10, 0x41);
    attr_on(&b);
    outx(&b, 0x3c4, 2, 0x04); /* plane 2: x mod 4 is 2 */
    poke(&b, 0xa0000 + 0x4000 + 80 * 50 + 9, 0xc8);
    outx(&b, 0x3d4, 0x0c, 0x40);
    next_frame(&b);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(&s, 2 * 38, 100), 0xff8200);
    assert_int_equal(pixel(&s, 2 * 38 + 1, 101), 0xff8200);
    assert_int_equal(pixel(&s, 2 * 38 + 2, 101), 0);
    assert_int_equal(pixel(&s, 2 * 38, 102), 0);
    vga_surface_free(&s);
    bench_close(&b);
}

/* Mode 4: 320x200 at half the dot clock, odd lines 8 KiB up. */
static void test_cga(void **state)
{
    struct vga_bench b;
    struct vga_surface s = {0};

    (void)state;
    bench_open(&b);
    graphics_mode(&b, 0x30, 0x09, 0x02, 0xc1 & 0x81);
    outx(&b, 0x3ce, 6, 0x0f);
    outx(&b, 0x3c4, 2, 0x03);
    outx(&b, 0x3d4, 0x11, 0x0e);
    outx(&b, 0x3d4, 0x01, 0x27);
    outx(&b, 0x3d4, 0x13, 0x14);
    outx(&b, 0x3d4, 0x14, 0x00);
    outx(&b, 0x3d4, 0x17, 0xa2);
    attr_out(&b, 0x12, 0x03);
    attr_on(&b);
    poke(&b, 0xb8000 + 80 * 10 + 1, 0x30);          /* colour 3 at (5, 20) */
    poke(&b, 0xb8000 + 0x2000 + 80 * 10 + 2, 0x40); /* colour 1 at (8, 21) */
    vga_render(b.vga, 0, &s);
    assert_int_equal(vga_screen_info(b.vga).kind, VGA_SCREEN_CGA);
    assert_int_equal(s.width, 640);
    assert_int_equal(pixel(&s, 10, 40), 0x00aaaa);
    assert_int_equal(pixel(&s, 11, 41), 0x00aaaa);
    assert_int_equal(pixel(&s, 12, 40), 0);
    assert_int_equal(pixel(&s, 9, 40), 0);
    assert_int_equal(pixel(&s, 16, 42), BLUE);
    assert_int_equal(pixel(&s, 17, 43), BLUE);
    assert_int_equal(pixel(&s, 18, 43), 0);
    vga_surface_free(&s);
    bench_close(&b);
}

static void test_vbe_depths(void **state)
{
    struct vga_bench b;
    struct vga_surface s = {0};

    (void)state;
    bench_open(&b);
    vbe_mode(&b, 1366, 768, 32); /* not a multiple of eight */
    st_le32(b.vram + 4 * (1366 * 5 + 7), 0xff123456);
    vga_render(b.vga, 0, &s);
    assert_int_equal(s.width, 1366);
    assert_int_equal(s.height, 768);
    assert_int_equal(pixel(&s, 7, 5), 0x123456);
    vbe_out(&b, 6, 1400); /* another line length, and a scrolled screen */
    st_le32(b.vram + 4 * (1400 * 20 + 30), 0xabcdef);
    vbe_out(&b, 8, 10);
    vbe_out(&b, 9, 15);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(&s, 20, 5), 0xabcdef);
    vbe_mode(&b, 640, 480, 24);
    memcpy(b.vram + 3 * (640 * 479 + 639), "\x11\x22\x33", 3);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(&s, 639, 479), 0x332211);
    vbe_mode(&b, 640, 480, 16);
    st_le16(b.vram + 2 * 641, 0x07e0 | 0x0001);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(&s, 1, 1), 0x00ff08);
    vbe_mode(&b, 640, 480, 15);
    st_le16(b.vram + 2 * 641, 0x7c00 | 0x0010);
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(&s, 1, 1), 0xff0084);
    vbe_mode(&b, 640, 480, 8);
    vbe_out(&b, 4, 0x61);
    dac_out(&b, 0x90, 0x81, 0x42, 0x23);
    b.vram[641] = 0x90;
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(&s, 1, 1), 0x814223);
    vbe_mode(&b, 800, 600, 4);
    attr_out(&b, 0x12, 0x0f);
    attr_out(&b, 0x05, 0x05);
    attr_on(&b);
    dac_out(&b, 5, 63, 63, 0);
    b.vram[4 * (100 + 2) + 0] = b.vram[4 * (100 + 2) + 2] = 0x08; /* colour 5 at (20, 1) */
    vga_render(b.vga, 0, &s);
    assert_int_equal(pixel(&s, 20, 1), 0xffff00);
    assert_int_equal(pixel(&s, 19, 1), 0);
    vga_surface_free(&s);
    bench_close(&b);
}

static void test_text_screen(void **state)
{
    struct vga_bench b;
    unsigned cols, rows;
    char *text;

    (void)state;
    bench_open(&b);
    vga_boot_text_mode(b.vga, NULL, 0);
    text = vga_text_screen(b.vga);
    assert_string_equal(text, "");
    g_free(text);
    put_text(&b, 0, 0, "Hello,");
    put_text(&b, 3, 2, "a \xc9\xcd\xbb z\xff  ");
    put_text(&b, 79, 3, "~");
    text = vga_text_screen(b.vga);
    assert_true(g_str_has_prefix(text, "Hello,\n\n   a ╔═╗ z\n        "));
    assert_true(g_str_has_suffix(text, " ~\n"));
    assert_true(g_utf8_validate(text, -1, NULL));
    g_free(text);
    for (unsigned ch = 0; ch < 256; ch++) {
        assert_true(g_utf8_validate(vga_text_utf8((uint8_t)ch), -1, NULL));
        assert_int_equal(g_utf8_strlen(vga_text_utf8((uint8_t)ch), -1), 1);
    }
    assert_string_equal(vga_text_utf8('~'), "~");
    assert_string_equal(vga_text_utf8(0x7f), "⌂");
    assert_string_equal(vga_text_utf8(0x80), "Ç");
    assert_string_equal(vga_text_utf8(0xdb), "█");
    assert_string_equal(vga_text_utf8(0xfe), "■");
    assert_true(vga_text_size(b.vga, &cols, &rows));
    assert_int_equal(cols, 80);
    assert_int_equal(rows, 25);
    vbe_mode(&b, 1024, 768, 32);
    assert_false(vga_text_size(b.vga, &cols, &rows));
    text = vga_text_screen(b.vga);
    assert_string_equal(text, "(graphics mode 1024x768, 32 bits)\n");
    g_free(text);
    bench_close(&b);
}

/* Without firmware: a font found in a ROM image. */
static void test_boot_font(void **state)
{
    static const uint8_t letter[16] = {0,    0,    0x10, 0x38, 0x6c, 0xc6, 0xc6, 0xfe,
                                       0xc6, 0xc6, 0xc6, 0xc6, 0,    0,    0,    0};
    struct vga_bench b;
    struct vga_surface s = {0};
    uint8_t *rom = g_malloc0(8192);

    (void)state;
    bench_open(&b);
    memcpy(rom + 1001 + 'A' * 16, letter, 16);
    vga_boot_text_mode(b.vga, rom, 8192);
    put_cell(&b, 0, 0, 'A', 0x0f);
    vga_render(b.vga, CURSOR_OFF_FRAME, &s);
    for (unsigned y = 0; y < 16; y++) {
        for (unsigned x = 0; x < 8; x++)
            assert_int_equal(pixel(&s, x, y), letter[y] >> (7 - x) & 1 ? WHITE : 0);
    }
    vga_surface_free(&s);
    g_free(rom);
    bench_close(&b);
}

static void test_screenshot(void **state)
{
    struct vga_surface s = {0};
    char *dir = g_dir_make_tmp(NULL, NULL), *path = g_build_filename(dir, "a.png", NULL);
    GError *err = NULL;
    gchar *data;
    gsize len;

    (void)state;
    vga_surface_fit(&s, 17, 9);
    memset(s.pixels, 0x55, 17 * 9 * 4);
    assert_true(screenshot_write_png(path, &s, NULL));
    assert_true(g_file_get_contents(path, &data, &len, NULL));
    assert_memory_equal(data, "\x89PNG\r\n\x1a\n", 8);
    assert_memory_equal(data + 16, "\0\0\0\x11\0\0\0\x09\x08\x02", 10);
    g_free(data);
    g_unlink(path);
    g_free(path);
    path = g_build_filename(dir, "none", "a.png", NULL);
    assert_false(screenshot_write_png(path, &s, &err));
    assert_non_null(strstr(err->message, path));
    g_clear_error(&err);
    g_free(path);
    path = g_build_filename(dir, "pipe", NULL); /* that nobody reads */
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(screenshot_write_png(path, &s, NULL));
    assert_false(screenshot_write_ppm(path, &s, &err));
    assert_non_null(strstr(err->message, path));
    g_clear_error(&err);
    assert_false(screenshot_write_png("/dev/full", &s, NULL));
    assert_false(screenshot_write_ppm("/dev/full", &s, NULL));
    g_unlink(path);
    g_rmdir(dir);
    g_free(path);
    g_free(dir);
    vga_surface_free(&s);
}

/* --- hostile guests --- */

static void random_write(struct vga_bench *b, uint32_t *seed)
{
    static const uint16_t indexed[] = {0x3c4, 0x3ce, 0x3d4, 0x3b4};
    uint32_t r = next_random(seed), v = next_random(seed);

    switch (r % 8) {
    case 0: bus_write(b->port, 0x3c0 + (r >> 8) % 0x20, v, 1u << (r >> 16) % 3); break;
    case 1: attr_out(b, (uint8_t)((r >> 8 & 0x1f) | 0x20), (uint8_t)v); break;
    case 2: vbe_out(b, (uint16_t)((r >> 8) % 12), (uint16_t)v); break;
    case 3: vbe_out(b, 4, (uint16_t)(v & 0xff)); break;
    case 4: bus_write(b->mmio, 0xa0000 + v % 0x1fff8, r, 8); break;
    case 5: bus_read(b->mmio, 0xa0000 + v % 0x1fff8, 8); break;
    default: outx(b, indexed[(r >> 8) % 4], (uint8_t)((r >> 16) % 0x20), (uint8_t)v); break;
    }
}

static void test_fuzz(void **state)
{
    struct vga_bench b;
    struct vga_surface s = {0};
    uint32_t seed = 0xc0ffee;
    unsigned kinds = 0;

    (void)state;
    bench_open_mib(&b, 1);
    for (unsigned round = 0; round < 600; round++) {
        struct vga_screen info;
        unsigned col, row;
        char *text;

        for (unsigned k = 0; k < 60; k++)
            random_write(&b, &seed);
        if (next_random(&seed) % 4) {
            attr_on(&b);
            outx(&b, 0x3c4, 0, 3);
            outx(&b, 0x3c4, 1, (uint8_t)next_random(&seed) & 0x1f);
            outx(&b, 0x3d4, 0x17, (uint8_t)next_random(&seed) | 0x80);
            attr_out(&b, 0x30, (uint8_t)next_random(&seed));
        }
        if (next_random(&seed) % 3)
            vbe_out(&b, 4, 0);
        info = vga_screen_info(b.vga);
        assert_in_range(info.width, 8, 4608);
        assert_in_range(info.height, 1, 2048);
        kinds |= 1u << info.kind;
        vga_render(b.vga, next_random(&seed), &s);
        assert_int_equal(s.width, info.width);
        assert_int_equal(s.height, info.height);
        text = vga_text_screen(b.vga);
        assert_true(g_utf8_validate(text, -1, NULL));
        g_free(text);
        if (vga_text_cursor(b.vga, &col, &row))
            assert_true(col < 256 && row < 2048);
    }
    assert_int_equal(kinds, 0x3f); /* every kind of screen was met */
    vga_surface_free(&s);
    bench_close(&b);
}

/* A snapshot may hold anything: the state itself is random, through the table, and loaded. */
static void test_fuzz_state(void **state)
{
    struct vga_bench b;
    struct vga_surface s = {0};
    uint32_t seed = 77;

    (void)state;
    bench_open_mib(&b, 1);
    for (unsigned round = 0; round < 200; round++) {
        struct device *d = vga_device(b.vga);

        for (const struct state_field *f = d->type->fields; f->name; f++) {
            uint8_t *p = (uint8_t *)d->self + f->offset;

            for (size_t k = 0; k < f->size * f->count; k++)
                p[k] = f->size == 1 && !strcmp(f->name, "pci.intx_level")
                           ? 0
                           : (uint8_t)next_random(&seed);
        }
        d->type->post_load(d->self);
        vga_render(b.vga, round, &s);
        g_free(vga_text_screen(b.vga));
        for (unsigned k = 0; k < 50; k++)
            random_write(&b, &seed);
    }
    vga_surface_free(&s);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_cell),
        cmocka_unit_test(test_cursor_and_blink),
        cmocka_unit_test(test_fonts_and_underline),
        cmocka_unit_test(test_start_pan_split),
        cmocka_unit_test(test_planar),
        cmocka_unit_test(test_256),
        cmocka_unit_test(test_cga),
        cmocka_unit_test(test_vbe_depths),
        cmocka_unit_test(test_text_screen),
        cmocka_unit_test(test_boot_font),
        cmocka_unit_test(test_screenshot),
        cmocka_unit_test(test_fuzz),
        cmocka_unit_test(test_fuzz_state),
    };
    return unit_main(tests);
}
