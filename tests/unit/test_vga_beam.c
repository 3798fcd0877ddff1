/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hangs on where the beam is: the start address, which is taken at a vertical retrace; the
 * vertical interrupt; retrace bits in modes of other timings. And the adapter's own switch.
 */
#include "tests/unit/vga_modes.h"

#include "devices/display/vga_render.h"
#include "devices/display/vga_text.h"

static struct rig {
    struct vga_bench b;
    bool line;
    unsigned rises;
} r;

static void set_line(void *opaque, int n, bool level)
{
    assert_ptr_equal(opaque, &r);
    assert_int_equal(n, 9);
    r.rises += level && !r.line;
    r.line = level;
}

static int setup(void **state)
{
    (void)state;
    r = (struct rig){0};
    bench_open_config(&r.b, (struct vga_config){.irq = {set_line, &r, 9}});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bench_close(&r.b);
    return 0;
}

static void wait_for(uint8_t mask, uint8_t value)
{
    for (unsigned k = 0; (inb(&r.b, 0x3da) & mask) != value; k++) {
        assert_true(k < 100000);
        clock_advance_to(r.b.clock, clock_now(r.b.clock) + 1000);
    }
}

/* Nanoseconds from the beginning of one retrace to that of the next, and its length. */
static void measure(int64_t *frame, int64_t *retrace)
{
    int64_t begin;

    wait_for(8, 0);
    wait_for(8, 8);
    begin = clock_now(r.b.clock);
    wait_for(8, 0);
    *retrace = clock_now(r.b.clock) - begin;
    wait_for(8, 8);
    *frame = clock_now(r.b.clock) - begin;
}

/* Lines and dots of a frame and the clock are those of the mode's registers. */
static void test_timings(void **state)
{
    static const struct {
        const struct vga_mode *mode;
        unsigned lines, dots, hz, retrace_lines;
    } want[] = {
        {&mode_12, 525, 800, 25175000, 2},
        {&mode_13, 449, 800, 25175000, 2},
        {&mode_10, 449, 800, 25175000, 2},
        {&mode_0d, 449, 800, 25175000, 2}, /* half the dot clock, half the dots */
        {&mode_x, 527, 800, 25175000, 2},
        {&mode_360, 527, 896, 28322000, 2},
    };

    (void)state;
    for (unsigned k = 0; k < G_N_ELEMENTS(want); k++) {
        double line = want[k].dots * 1e9 / want[k].hz;
        int64_t frame, retrace;

        set_mode(&r.b, want[k].mode);
        measure(&frame, &retrace);
        assert_in_range(frame, (int64_t)(line * want[k].lines) - 2000,
                        (int64_t)(line * want[k].lines) + 2000);
        assert_in_range(retrace, (int64_t)(line * want[k].retrace_lines) - 2000,
                        (int64_t)(line * want[k].retrace_lines) + 2000);
    }
}

static unsigned first_column(void)
{
    return vga_text_at(r.b.vga, 0, 0).ch;
}

/* A program may write both halves of a new start address at leisure: the picture never jumps
 * between, nor before the frame is over. */
static void test_start_waits_for_retrace(void **state)
{
    (void)state;
    vga_boot_text_mode(r.b.vga, NULL, 0);
    r.b.vram[0] = 'a';
    r.b.vram[4 * (2 * 0x10)] = 'h'; /* the new low half alone */
    r.b.vram[4 * (2 * 0x110)] = 'b';
    wait_for(8, 8);
    wait_for(9, 0); /* a frame begins */
    outx(&r.b, 0x3d4, 0x0d, 0x10);
    assert_int_equal(first_column(), 'a');
    outx(&r.b, 0x3d4, 0x0c, 0x01);
    assert_int_equal(first_column(), 'a');
    assert_int_equal(inx(&r.b, 0x3d4, 0x0c), 0x01); /* read back at once */
    wait_for(9, 1);
    wait_for(9, 0);
    assert_int_equal(first_column(), 'a'); /* the next line is not the next frame */
    wait_for(8, 8);
    assert_int_equal(first_column(), 'b');
    /* one half a frame before the other */
    outx(&r.b, 0x3d4, 0x0c, 0x00);
    wait_for(8, 0);
    assert_int_equal(first_column(), 'b');
    wait_for(8, 8);
    assert_int_equal(first_column(), 'h');
    /* written and taken back within a frame */
    wait_for(8, 0);
    outx(&r.b, 0x3d4, 0x0d, 0x00);
    outx(&r.b, 0x3d4, 0x0d, 0x10);
    assert_int_equal(first_column(), 'h');
    wait_for(8, 8);
    assert_int_equal(first_column(), 'h');
}

/* Bit 4 low clears and holds, bit 5 low lets it out; it is there from the retrace on. */
static void test_vertical_interrupt(void **state)
{
    int64_t frame, retrace, before;

    (void)state;
    set_mode(&r.b, &mode_12);
    measure(&frame, &retrace);
    clock_advance_to(r.b.clock, clock_now(r.b.clock) + 3 * frame);
    assert_int_equal(r.rises, 0); /* as the BIOS leaves it */
    wait_for(8, 8);
    wait_for(8, 0);
    outx(&r.b, 0x3d4, 0x11, 0x9c);
    before = clock_now(r.b.clock);
    clock_advance_to(r.b.clock, before + frame - retrace - 2000);
    assert_false(r.line);
    assert_int_equal(inb(&r.b, 0x3c2) & 0x80, 0);
    clock_advance_to(r.b.clock, before + frame - retrace + 2000);
    assert_true(r.line);
    assert_int_equal(inb(&r.b, 0x3c2) & 0x80, 0x80);
    assert_int_equal(inb(&r.b, 0x3da) & 8, 8);
    clock_advance_to(r.b.clock, before + 5 * frame);
    assert_int_equal(r.rises, 1); /* until it is acknowledged */
    outx(&r.b, 0x3d4, 0x11, 0x8c);
    assert_false(r.line);
    outx(&r.b, 0x3d4, 0x11, 0x9c);
    clock_advance_to(r.b.clock, before + 6 * frame + 1000);
    assert_int_equal(r.rises, 2);
    outx(&r.b, 0x3d4, 0x11, 0xbc); /* the request stays, its line does not */
    assert_false(r.line);
    assert_int_equal(inb(&r.b, 0x3c2) & 0x80, 0x80);
    outx(&r.b, 0x3d4, 0x11, 0x9c);
    assert_true(r.line);
    device_reset(vga_device(r.b.vga));
    assert_false(r.line);
    clock_advance_to(r.b.clock, before + 20 * frame);
    assert_false(r.line);
}

/* A mode that is set while the interrupt is waited for moves it. */
static void test_vertical_interrupt_of_the_new_mode(void **state)
{
    int64_t frame, retrace, asked;

    (void)state;
    set_mode(&r.b, &mode_360);
    outx(&r.b, 0x3d4, 0x11, 0x1c);
    for (unsigned k = 0; k < 7; k++)
        outx(&r.b, 0x3d4, (uint8_t)k, mode_12.crtc[k]);
    outb(&r.b, 0x3c2, mode_12.misc);
    measure(&frame, &retrace);
    assert_int_equal(r.rises, 1);
    outx(&r.b, 0x3d4, 0x11, 0x0c);
    outx(&r.b, 0x3d4, 0x11, 0x1c);
    asked = clock_now(r.b.clock);
    while (r.rises < 2) {
        clock_advance_to(r.b.clock, clock_now(r.b.clock) + 1000);
        assert_true(clock_now(r.b.clock) <= asked + frame + 2000);
    }
    assert_int_equal(inb(&r.b, 0x3da) & 8, 8);
}

/* Switched off at 0x3c3 it answers nowhere else, and goes on showing what it has. */
static void test_subsystem_enable(void **state)
{
    (void)state;
    vga_boot_text_mode(r.b.vga, NULL, 0);
    assert_int_equal(inb(&r.b, 0x3c3), 1);
    poke(&r.b, 0xb8000, 'x');
    outb(&r.b, 0x3c3, 0xfe);
    assert_int_equal(inb(&r.b, 0x3c3), 0);
    assert_int_equal(inb(&r.b, 0x3cc), 0xff);
    outb(&r.b, 0x3c2, 0);
    poke(&r.b, 0xb8000, 'y');
    assert_int_equal(peek(&r.b, 0xb8000), 0xff);
    assert_int_equal(vga_screen_info(r.b.vga).kind, VGA_SCREEN_TEXT);
    outb(&r.b, 0x3c3, 1);
    assert_int_equal(inb(&r.b, 0x3cc), 0x67);
    assert_int_equal(peek(&r.b, 0xb8000), 'x');
    outb(&r.b, 0x3c3, 0);
    device_reset(vga_device(r.b.vga));
    assert_int_equal(inb(&r.b, 0x3c3), 1);
}

/* What detection programs look at, beyond IBM's documented registers. */
static void test_hidden_crtc_registers(void **state)
{
    (void)state;
    set_mode(&r.b, &mode_12);
    for (unsigned p = 0; p < 4; p++)
        r.b.vram[4 * 9 + p] = (uint8_t)(0x11 * (p + 1));
    peek(&r.b, 0xa0009);
    outx(&r.b, 0x3ce, 4, 2);
    assert_int_equal(inx(&r.b, 0x3d4, 0x22), 0x33);
    inb(&r.b, 0x3da);
    assert_int_equal(inx(&r.b, 0x3d4, 0x24), 0);
    outb(&r.b, 0x3c0, 0x33);
    assert_int_equal(inx(&r.b, 0x3d4, 0x24), 0x80);
    assert_int_equal(inx(&r.b, 0x3d4, 0x26), 0x33);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_timings),
        CASE(test_start_waits_for_retrace),
        CASE(test_vertical_interrupt),
        CASE(test_vertical_interrupt_of_the_new_mode),
        CASE(test_subsystem_enable),
        CASE(test_hidden_crtc_registers),
    };

    return unit_main(tests);
}
