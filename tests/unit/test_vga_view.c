/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The picture that is kept up to date (devices/display/vga_view.h): which lines each refresh draws,
 * counted, for each kind of screen and each thing that can change; and that whatever a guest does,
 * the picture is that of a full drawing, pixel for pixel.
 */
#include "tests/unit/vga_bench.h"

#include "base/bits.h"
#include "devices/display/vga_view.h"

#include <sys/mman.h>

#define PAGE  4096u
#define WORDS (16u << 20 >> 12 >> 6)

/* ---- the rig: an adapter whose framebuffer is logged, with a view ---- */

static struct rig {
    struct vga_bench b;
    struct vga_view *view;
    struct vga_surface full;
    uint64_t log[WORDS]; /* what the board would know */
    bool logging;
    unsigned starts, stops, harvests;
    uint64_t frame;
} r;

static void log_start(void *opaque, bool on)
{
    assert_ptr_equal(opaque, &r);
    assert_int_equal(r.logging, !on);
    r.logging = on;
    *(on ? &r.starts : &r.stops) += 1;
    memset(r.log, 0, sizeof(r.log));
}

static void log_harvest(void *opaque, uint64_t *pages)
{
    assert_ptr_equal(opaque, &r);
    assert_true(r.logging);
    r.harvests++;
    for (size_t k = 0; k < r.b.vram_size / PAGE / 64; k++) {
        pages[k] |= r.log[k];
        r.log[k] = 0;
    }
}

static void open_mib(unsigned mib)
{
    memset(&r, 0, sizeof(r));
    bench_open_with(&r.b, mib, (struct vga_log){&r, log_start, log_harvest});
    assert_int_equal(r.starts, 0);
    r.view = vga_view_new(r.b.vga);
}

static int setup(void **state)
{
    (void)state;
    open_mib(16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vga_view_free(r.view);
    vga_surface_free(&r.full);
    bench_close(&r.b);
    return 0;
}

/* The guest writes through the linear framebuffer. */
static void lfb(size_t at, const void *bytes, size_t len)
{
    memcpy(r.b.vram + at, bytes, len);
    for (size_t page = at / PAGE; page <= (at + len - 1) / PAGE; page++)
        r.log[page / 64] |= UINT64_C(1) << page % 64;
}

static void lfb8(size_t at, uint8_t v)
{
    lfb(at, &v, 1);
}

/* The view's picture is what a full drawing gives now. */
static void assert_true_picture(struct vga_view *view)
{
    const struct vga_surface *p = vga_view_picture(view);
    bool blank = vga_screen_info(r.b.vga).kind == VGA_SCREEN_BLANK;

    vga_render(r.b.vga, r.frame, &r.full);
    if (!blank) {
        assert_int_equal(p->width, r.full.width);
        assert_int_equal(p->height, r.full.height);
    }
    for (unsigned y = 0; y < p->height; y++) {
        const uint32_t *is = p->pixels + y * p->stride, *want = r.full.pixels + y * r.full.stride;

        for (unsigned x = 0; x < p->width; x++) {
            if (is[x] != (blank ? 0 : want[x]))
                fail_msg("(%u, %u) is %06x", x, y, is[x]);
        }
    }
}

/* How many lines the last refresh of the view drew; its runs are in order. */
static unsigned lines_drawn(struct vga_view *view)
{
    unsigned n, lines = 0, end = 0;
    const struct vga_run *run = vga_view_runs(view, &n);

    for (unsigned k = 0; k < n; k++) {
        assert_true(run[k].n > 0);
        assert_true(!k || run[k].first > end); /* else it would be one run */
        end = run[k].first + run[k].n;
        lines += run[k].n;
    }
    assert_true(end <= vga_view_picture(view)->height);
    return lines;
}

static unsigned refresh(void)
{
    unsigned lines;
    bool any = vga_view_refresh(r.view, r.frame);

    lines = lines_drawn(r.view);
    assert_int_equal(any, lines > 0);
    assert_true_picture(r.view);
    return lines;
}

static unsigned height(void)
{
    return vga_screen_info(r.b.vga).height;
}

#define expect_whole() assert_int_equal(refresh(), height())
#define expect_idle()  assert_int_equal(refresh(), 0)

/* Exactly these lines were drawn. */
static void expect_lines(unsigned first, unsigned n)
{
    unsigned runs;

    assert_int_equal(refresh(), n);
    assert_int_equal(vga_view_runs(r.view, &runs)[0].first, first);
    assert_int_equal(runs, 1);
}

/* ---- VBE ---- */

static const struct mode {
    uint16_t width, height, bpp;
} modes[] = {
    {640, 480, 8},  {800, 600, 8},   {640, 480, 15},  {800, 600, 16},   {1024, 768, 16},
    {640, 480, 24}, {1366, 768, 24}, {1024, 768, 32}, {1366, 768, 32},  {2560, 1600, 8},
    {8, 1, 8},      {640, 480, 4},   {804, 600, 4},   {1280, 1024, 24}, {1920, 1080, 32},
};

/* Bytes from line to line, and bytes of video memory that line 0 shows from its start. */
static uint32_t pitch_of(const struct mode *m, unsigned virt)
{
    return m->bpp == 4 ? (virt + 7u) / 8 * 4 : virt * (m->bpp == 15 ? 16u : m->bpp) / 8;
}

/* One byte of the framebuffer: the lines of its page, and no others. */
static void check_byte(const struct mode *m, uint32_t pitch, size_t at)
{
    size_t page = at / PAGE * PAGE;
    size_t used = pitch_of(m, m->width);
    unsigned n = 0, first = 0;

    for (unsigned y = 0; y < m->height; y++) {
        size_t from = (size_t)y * pitch;

        if (from < page + PAGE && from + used > page && !n++)
            first = y;
    }
    lfb8(at, (uint8_t)(r.b.vram[at] + 0x55));
    if (n)
        expect_lines(first, n);
    else
        expect_idle();
    expect_idle();
}

static void test_vbe_draws_the_lines_of_dirty_pages(void **state)
{
    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(modes); k++) {
        const struct mode *m = &modes[k];
        uint32_t pitch = pitch_of(m, m->width);
        size_t size = (size_t)pitch * m->height;

        vbe_mode(&r.b, m->width, m->height, m->bpp);
        expect_whole();
        expect_idle();
        check_byte(m, pitch, 0);
        check_byte(m, pitch, size / 2);
        check_byte(m, pitch, size - 1);
        check_byte(m, pitch, size + 2 * PAGE); /* behind the screen */
        /* a wider line than is shown */
        vbe_out(&r.b, 6, (uint16_t)(m->width + 1000));
        expect_whole();
        pitch = pitch_of(m, m->width + 1000);
        check_byte(m, pitch, (size_t)pitch * (m->height - 1));
        check_byte(m, pitch, pitch - 1);
    }
}

/* Start, pitch, mode, byte order, depth of the palette: everything is drawn anew, once. */
static void test_vbe_whole_redraws(void **state)
{
    static const uint16_t writes[][2] = {{6, 1000}, {8, 5}, {9, 7}, {9, 6}, {8, 0}};

    (void)state;
    vbe_mode(&r.b, 800, 600, 32);
    expect_whole();
    for (unsigned k = 0; k < ARRAY_SIZE(writes); k++) {
        vbe_out(&r.b, writes[k][0], writes[k][1]);
        expect_whole();
        expect_idle();
        vbe_out(&r.b, writes[k][0], writes[k][1]); /* the same again */
        expect_idle();
    }
    vbe_mode(&r.b, 640, 480, 32);
    expect_whole();
    vbe_mode(&r.b, 640, 480, 16);
    expect_whole();
    vbe_out(&r.b, 3, 15);
    expect_whole();
    expect_idle();
}

/* What only looks like a change. */
static void test_vbe_idle_whatever_registers_do(void **state)
{
    (void)state;
    vbe_mode(&r.b, 640, 480, 32);
    expect_whole();
    vbe_out(&r.b, 5, 3);         /* the bank of the window */
    vbe_out(&r.b, 0, 0xb0c4);    /* the version */
    vbe_out(&r.b, 4, 0x43);      /* asks for what there is */
    dac_out(&r.b, 7, 1, 2, 3);   /* no palette in this mode */
    outx(&r.b, 0x3d4, 0x0f, 99); /* nor a text cursor */
    outx(&r.b, 0x3ce, 8, 0x0f);  /* nor planes */
    r.frame = 24;                /* nor anything that blinks */
    expect_idle();
    vbe_mode(&r.b, 640, 480, 8);
    expect_whole();
    dac_out(&r.b, 7, 9, 8, 7);
    expect_whole();
    outb(&r.b, 0x3c6, 0x0f);
    expect_whole();
    vbe_out(&r.b, 4, 0x61); /* eight bits a component */
    expect_whole();
    expect_idle();
}

/* The banked window shows the same memory, and clearing it by a new mode is a write, too. */
static void test_vbe_writes_of_the_adapter(void **state)
{
    (void)state;
    vbe_mode(&r.b, 1024, 768, 8);
    expect_whole();
    vbe_out(&r.b, 5, 2);
    poke(&r.b, 0xa0123, 0xaa); /* at 0x20123: line 128 */
    expect_lines(128, 4);
    lfb8(0x20123, 0xbb);
    poke(&r.b, 0xa0124, 0xaa);
    expect_lines(128, 4);
    expect_idle();
    vga_vram_loaded(r.b.vga);
    expect_whole();
    expect_idle();
}

/* ---- the VGA's own modes ---- */

static void text_mode(void)
{
    vga_boot_text_mode(r.b.vga, NULL, 0);
    for (unsigned ch = 0; ch < 256; ch++) {
        for (unsigned row = 0; row < 16; row++)
            r.b.vram[4 * (ch * 32 + row) + 2] = (uint8_t)(ch * 7 + row * 29);
    }
    vga_vram_loaded(r.b.vga);
    outx(&r.b, 0x3d4, 0x0a, 0x2d); /* no cursor */
    expect_whole();
    expect_idle();
}

static void put_cell(unsigned col, unsigned row, uint8_t ch, uint8_t attr)
{
    bus_write(r.b.mmio, 0xb8000 + 2 * (80 * row + col), ch | (uint64_t)attr << 8, 2);
}

static void test_text_draws_rows(void **state)
{
    (void)state;
    text_mode();
    put_cell(0, 0, 'a', 7);
    expect_lines(0, 16);
    put_cell(0, 0, 'a', 7); /* the same again */
    expect_idle();
    put_cell(79, 24, 'a', 7);
    expect_lines(384, 16);
    put_cell(79, 24, 'a', 0x1e);
    expect_lines(384, 16);
    put_cell(3, 4, 'b', 7);
    put_cell(70, 4, 'b', 7);
    put_cell(3, 5, 'c', 7);
    expect_lines(64, 32);
    put_cell(0, 2, 'x', 7);
    put_cell(0, 20, 'x', 7);
    assert_int_equal(refresh(), 32); /* two runs */
    put_cell(0, 25, 'y', 7);         /* below the screen */
    r.frame = 123;
    expect_idle();
}

static void test_text_cursor_and_blinking(void **state)
{
    (void)state;
    text_mode();
    outx(&r.b, 0x3d4, 0x0e, 0);
    outx(&r.b, 0x3d4, 0x0f, 80 * 3 + 5);
    expect_idle(); /* it is off */
    outx(&r.b, 0x3d4, 0x0a, 0x0d);
    expect_lines(48, 16);
    outx(&r.b, 0x3d4, 0x0f, 80 * 3 + 6); /* within its row */
    expect_lines(48, 16);
    outx(&r.b, 0x3d4, 0x0e, (80 * 20) >> 8);
    outx(&r.b, 0x3d4, 0x0f, (80 * 20) & 0xff);
    assert_int_equal(refresh(), 32); /* there and here */
    outx(&r.b, 0x3d4, 0x0a, 0x02);   /* its shape */
    expect_lines(320, 16);
    r.frame = 8; /* it blinks */
    expect_lines(320, 16);
    r.frame = 12;
    expect_idle();
    outx(&r.b, 0x3d4, 0x0f, 9); /* moves in the dark */
    expect_idle();
    r.frame = 32;
    expect_lines(304, 16); /* and appears: cell 1545 is in row 19 */
    put_cell(7, 10, 'b', 0x87);
    expect_lines(160, 16);
    r.frame = 48; /* only the row with what blinks */
    expect_lines(160, 16);
    attr_out(&r.b, 0x10, 0x04); /* no blinking any more, but bright grounds */
    attr_on(&r.b);
    expect_whole();
    r.frame = 64;
    expect_idle();
}

static void test_text_whole_redraws(void **state)
{
    (void)state;
    text_mode();
    outx(&r.b, 0x3c4, 2, 4); /* a glyph, as a BIOS loads it: plane 2, by plain addresses */
    outx(&r.b, 0x3c4, 4, 6);
    outx(&r.b, 0x3ce, 5, 0);
    outx(&r.b, 0x3ce, 6, 4);
    expect_idle();
    poke(&r.b, 0xa0000 + 32 * 'Q', 0x18);
    expect_whole();
    poke(&r.b, 0xa0000 + 32 * 'Q', 0x18);
    poke(&r.b, 0xa4000 + 32 * 'Q', 0x18); /* in a font that is not shown */
    expect_idle();
    outx(&r.b, 0x3c4, 3, 1);
    expect_whole();
    dac_out(&r.b, 1, 5, 6, 7);
    expect_whole();
    outx(&r.b, 0x3d4, 0x0d, 80); /* scrolled, from the next frame on */
    expect_idle();
    next_frame(&r.b);
    expect_whole();
    lfb8(0x111, 0x42); /* text through the framebuffer */
    expect_whole();
    lfb8(0x80111, 0x42); /* where no text is */
    expect_idle();
}

/* A graphics mode from mode 3's registers, as test_vga_render.c has it. */
static void set_graphics_mode(uint8_t gc5, uint8_t seq4, uint8_t row, uint8_t underline,
                              uint8_t mode)
{
    vga_boot_text_mode(r.b.vga, NULL, 0);
    outx(&r.b, 0x3c4, 1, 1);
    outx(&r.b, 0x3c4, 2, 0x0f);
    outx(&r.b, 0x3c4, 4, seq4);
    outx(&r.b, 0x3ce, 5, gc5);
    outx(&r.b, 0x3ce, 6, 0x05);
    outx(&r.b, 0x3d4, 0x09, row | 0x40);
    outx(&r.b, 0x3d4, 0x14, underline);
    outx(&r.b, 0x3d4, 0x17, mode);
    attr_out(&r.b, 0x10, gc5 & 0x40 ? 0x41 : 0x01);
    attr_out(&r.b, 0x13, 0x00);
    attr_on(&r.b);
}

static void graphics_mode(uint8_t gc5, uint8_t seq4, uint8_t row, uint8_t underline, uint8_t mode)
{
    set_graphics_mode(gc5, seq4, row, underline, mode);
    expect_whole();
    expect_idle();
}

static void test_planar_draws_lines(void **state)
{
    (void)state;
    graphics_mode(0x00, 0x06, 0, 0, 0xe3);
    poke(&r.b, 0xa0000 + 80 * 7 + 3, 0x5a);
    expect_lines(7, 1);
    poke(&r.b, 0xa0000 + 80 * 7 + 3, 0x5a);
    expect_idle();
    poke(&r.b, 0xa0000 + 80 * 398 + 79, 1);
    poke(&r.b, 0xa0000 + 80 * 399, 1);
    expect_lines(398, 2);
    outx(&r.b, 0x3c4, 2, 0x02); /* as drivers do all the time */
    outx(&r.b, 0x3ce, 8, 0x0f);
    outx(&r.b, 0x3ce, 5, 0x02);
    outx(&r.b, 0x3ce, 0, 0x0f);
    outx(&r.b, 0x3d4, 0x0f, 0x44);
    r.frame += 8;
    expect_idle();
    poke(&r.b, 0xa0000 + 80 * 100 + 40, 0x0f);
    expect_lines(100, 1);
    outx(&r.b, 0x3d4, 0x0c, 0x20); /* another page of it */
    expect_idle();
    next_frame(&r.b);
    expect_whole();
    poke(&r.b, 0xa0000 + 80 * 100 + 40, 0x01);
    expect_idle(); /* the first one is not shown */
    poke(&r.b, 0xa2000 + 80 * 100 + 40, 0x02);
    expect_lines(100, 1);
    attr_out(&r.b, 0x13, 2);
    attr_on(&r.b);
    expect_whole();
    lfb8(4 * (0x2000 + 80 * 50),
         1); /* its page: 1024 offsets from 0x2c00 on, and lines reach one more */
    assert_in_range(refresh(), 13, 15);
    expect_idle();
}

static void test_256_draws_doubled_lines(void **state)
{
    (void)state;
    graphics_mode(0x40, 0x0e, 1, 0x40, 0xa3);
    poke(&r.b, 0xa0000 + 320 * 100 + 33, 0xc8);
    expect_lines(200, 2);
    poke(&r.b, 0xa0000 + 320 * 199 + 319, 1);
    expect_lines(398, 2);
    expect_idle();
    outb(&r.b, 0x3c6, 0x7f);
    expect_whole();
}

/* The lower part of a split screen shows the start of video memory. */
static void test_split_screen(void **state)
{
    (void)state;
    graphics_mode(0x00, 0x06, 0, 0, 0xe3);
    outx(&r.b, 0x3d4, 0x0c, 0x80);
    next_frame(&r.b);
    outx(&r.b, 0x3d4, 0x07, 0x0f);
    outx(&r.b, 0x3d4, 0x09, 0);
    outx(&r.b, 0x3d4, 0x18, 99);
    expect_whole();
    poke(&r.b, 0xa0000 + 80 * 5, 0xff);
    expect_lines(105, 1);
    poke(&r.b, 0xa8000 + 80 * 5, 0xff);
    expect_lines(5, 1);
    poke(&r.b, 0xa8000 + 80 * 105, 0xff);
    expect_idle();
}

/* ---- nothing is looked at for nothing ---- */

/* Nothing may even read video memory: a look at it would kill the test. */
static void expect_untouched(unsigned rounds)
{
    assert_int_equal(mprotect(r.b.vram, r.b.vram_size, PROT_NONE), 0);
    for (unsigned k = 0; k < rounds; k++) {
        assert_false(vga_view_refresh(r.view, r.frame));
        next_frame(&r.b);
    }
    assert_int_equal(mprotect(r.b.vram, r.b.vram_size, PROT_READ | PROT_WRITE), 0);
}

/* In every kind of mode a refresh in which nothing was written costs no look at video memory; and
 * one with a page written reads the lines of that page alone. */
static void test_idle_reads_nothing(void **state)
{
    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(modes); k++) {
        vbe_mode(&r.b, modes[k].width, modes[k].height, modes[k].bpp);
        expect_whole();
        expect_untouched(5);
    }
    vbe_out(&r.b, 4, 0);
    text_mode();
    expect_untouched(5);
    graphics_mode(0x00, 0x06, 0, 0, 0xe3);
    expect_untouched(5);
    graphics_mode(0x40, 0x0e, 1, 0x40, 0xa3);
    expect_untouched(5);
    graphics_mode(0x20, 0x02, 1, 0, 0xa2);
    expect_untouched(5);
    vbe_mode(&r.b, 1024, 768, 32); /* a page a line */
    expect_whole();
    lfb8(PAGE * 300 + 5, 1);
    assert_int_equal(mprotect(r.b.vram, PAGE * 300, PROT_NONE), 0);
    assert_int_equal(mprotect(r.b.vram + PAGE * 301, r.b.vram_size - PAGE * 301, PROT_NONE), 0);
    assert_true(vga_view_refresh(r.view, r.frame));
    assert_int_equal(lines_drawn(r.view), 1);
    assert_int_equal(mprotect(r.b.vram, r.b.vram_size, PROT_READ | PROT_WRITE), 0);
    assert_true_picture(r.view);
}

/* Graphics that blink are drawn anew when they do, and else not. */
static void test_blinking_graphics(void **state)
{
    (void)state;
    graphics_mode(0x00, 0x06, 0, 0, 0xe3);
    attr_out(&r.b, 0x30, 0x09);
    expect_whole();
    r.frame = 8;
    expect_idle();
    r.frame = 16;
    expect_whole();
    r.frame = 31;
    expect_idle();
    r.frame = 32;
    expect_whole();
}

/* ---- switched off; views ---- */

static void test_blank_screen_keeps_its_size(void **state)
{
    (void)state;
    assert_int_equal(vga_screen_info(r.b.vga).kind, VGA_SCREEN_BLANK);
    assert_int_equal(refresh(), 400);
    expect_idle();
    vbe_mode(&r.b, 800, 600, 32);
    expect_whole();
    lfb(0, "\xff\xff\xff", 3);
    expect_lines(0, 2);
    inb(&r.b, 0x3da);
    outb(&r.b, 0x3c0, 0); /* the palette is the processor's: dark */
    assert_int_equal(refresh(), 600);
    assert_int_equal(vga_view_picture(r.view)->width, 800);
    lfb(0, "\xee\xee\xee", 3);
    expect_idle();
    attr_on(&r.b);
    expect_whole();
    assert_int_equal(vga_view_picture(r.view)->pixels[0], 0xeeeeee);
}

/* Each sees everything, however seldom it looks; the log runs while there is one. */
static void test_two_views(void **state)
{
    struct vga_view *other = vga_view_new(r.b.vga);

    (void)state;
    assert_int_equal(r.starts, 1);
    vbe_mode(&r.b, 1024, 768, 32);
    expect_whole();
    assert_true(vga_view_refresh(other, 0));
    assert_int_equal(lines_drawn(other), 768);
    lfb8(4096 * 10, 1);
    expect_lines(10, 1);
    poke(&r.b, 0xa0000 + 0x3000, 1);
    expect_lines(3, 1);
    assert_true(vga_view_refresh(other, 0));
    assert_int_equal(lines_drawn(other), 2);
    assert_true_picture(other);
    assert_false(vga_view_refresh(other, 0));
    lfb8(4096 * 11, 2);
    assert_true(vga_view_refresh(other, 0)); /* the other way round */
    expect_lines(11, 1);
    vga_view_free(other);
    assert_int_equal(r.stops, 0);
    lfb8(4096 * 12, 2);
    expect_lines(12, 1);
    vga_view_free(r.view);
    assert_int_equal(r.stops, 1);
    r.view = vga_view_new(r.b.vga);
    assert_int_equal(r.starts, 2);
    expect_whole();
    vga_view_free(NULL);
}

/* ---- whatever a guest does ---- */

static uint32_t seed;

static uint32_t rnd(uint32_t n)
{
    return next_random(&seed) % n;
}

/* Registers, of which most change everything. */
static void random_register(void)
{
    static const uint16_t indexed[] = {0x3c4, 0x3ce, 0x3d4};
    static const uint16_t depth[] = {4, 8, 15, 16, 24, 32};

    switch (rnd(8)) {
    case 0: attr_out(&r.b, (uint8_t)rnd(0x20), (uint8_t)rnd(256)); break;
    case 1: vbe_out(&r.b, 4, (uint16_t)(rnd(3) ? 0x41 + 0x20 * rnd(2) : 0)); break;
    case 2: vbe_out(&r.b, 3, depth[rnd(6)]); break;
    case 3: vbe_out(&r.b, (uint16_t)(1 + rnd(2)), (uint16_t)rnd(700)); break;
    case 4: vbe_out(&r.b, (uint16_t)(5 + rnd(5)), (uint16_t)rnd(2000)); break;
    case 5:
        dac_out(&r.b, (uint8_t)rnd(256), (uint8_t)rnd(64), (uint8_t)rnd(64), (uint8_t)rnd(64));
        break;
    default: outx(&r.b, indexed[rnd(3)], (uint8_t)rnd(0x19), (uint8_t)rnd(256)); break;
    }
    if (rnd(8)) {
        attr_on(&r.b);
        outx(&r.b, 0x3c4, 0, 3);
        outx(&r.b, 0x3c4, 1, (uint8_t)rnd(0x20));
        outx(&r.b, 0x3d4, 0x17, (uint8_t)(0x80 | rnd(128)));
        outb(&r.b, 0x3c2, (uint8_t)(0x63 | rnd(256))); /* the window is open */
    }
}

/* A mode as a BIOS sets it. */
static void random_mode(void)
{
    switch (rnd(6)) {
    case 0: vga_boot_text_mode(r.b.vga, NULL, 0); break;
    case 1: set_graphics_mode(0x00, 0x06, 0, 0, 0xe3); break;
    case 2: set_graphics_mode(0x40, 0x0e, 1, 0x40, 0xa3); break;
    case 3: set_graphics_mode(0x20, 0x02, 1, 0, 0xa2); break;
    default: {
        const struct mode *m = &modes[rnd(7)];

        vbe_mode(&r.b, m->width, m->height, m->bpp);
    }
    }
}

static void random_memory(void)
{
    uint64_t v = (uint64_t)next_random(&seed) << 32 | next_random(&seed);

    for (unsigned n = rnd(5) ? rnd(4) : rnd(100); n; n--) {
        switch (rnd(4)) {
        case 0: lfb(rnd((uint32_t)r.b.vram_size - 8), &v, 1 + rnd(8)); break;
        case 1: lfb(rnd(0x40000), &v, 1 + rnd(8)); break;
        default: bus_write(r.b.mmio, 0xa0000 + rnd(0x1fff8), v, 1u << rnd(4)); break;
        }
    }
}

static void test_random_guest(void **state)
{
    struct vga_view *late;
    unsigned partial[8] = {0};

    (void)state;
    open_mib(1);
    late = vga_view_new(r.b.vga);
    seed = 0xdecade;
    for (unsigned round = 0; round < 4000; round++) {
        unsigned drawn;

        if (!rnd(60))
            random_mode();
        if (!rnd(25))
            random_register();
        if (rnd(3))
            random_memory();
        if (!rnd(4)) { /* the cursor */
            outx(&r.b, 0x3d4, (uint8_t)(0x0e + rnd(2)), (uint8_t)rnd(256));
            outx(&r.b, 0x3d4, (uint8_t)(0x0a + rnd(2)), (uint8_t)rnd(32));
        }
        r.frame += rnd(12);
        if (rnd(2))
            next_frame(&r.b);
        drawn = refresh();
        if (drawn && drawn < vga_view_picture(r.view)->height)
            partial[vga_screen_info(r.b.vga).kind]++;
        if (!rnd(10)) {
            vga_view_refresh(late, r.frame);
            assert_true_picture(late);
        }
    }
    for (unsigned kind = VGA_SCREEN_TEXT; kind <= VGA_SCREEN_VBE; kind++)
        assert_in_range(partial[kind], 30, 4000); /* it was not all drawn whole */
    vga_view_free(late);
    teardown(NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_vbe_draws_the_lines_of_dirty_pages),
        CASE(test_vbe_whole_redraws),
        CASE(test_vbe_idle_whatever_registers_do),
        CASE(test_vbe_writes_of_the_adapter),
        CASE(test_text_draws_rows),
        CASE(test_text_cursor_and_blinking),
        CASE(test_text_whole_redraws),
        CASE(test_planar_draws_lines),
        CASE(test_256_draws_doubled_lines),
        CASE(test_split_screen),
        CASE(test_idle_reads_nothing),
        CASE(test_blinking_graphics),
        CASE(test_blank_screen_keeps_its_size),
        CASE(test_two_views),
        cmocka_unit_test(test_random_guest),
    };

    return unit_main(tests);
}
