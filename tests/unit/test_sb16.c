/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Sound Blaster 16: its DSP, transfers of all kinds through the 8237s, its mixer. */
#include "tests/unit/card_rig.h"

#include "devices/audio/sb16.h"
#include "devices/audio/sb16_adpcm.h"

#define BASE  0x220u
#define MIXER (BASE + 4)
#define DATA  0x10000u

static struct card_rig *r;
static struct sb16 *card;
static struct probe_line irq[SB16_IRQS];

static int setup(void **state)
{
    struct sb16_config cfg = {.base = BASE, .irq_no = 5, .dma8 = 1, .dma16 = 5};

    (void)state;
    r = card_rig_new(44100);
    memset(irq, 0, sizeof(irq));
    for (unsigned k = 0; k < SB16_IRQS; k++)
        cfg.irq[k] = probe_line(&irq[k]);
    cfg.ports = r->ports;
    cfg.clock = r->clock;
    cfg.dma = r->isa_dma;
    cfg.audio = r->audio;
    card = sb16_new(&cfg, NULL);
    outb(r->ports, 0xd6, 0xc0); /* the cascade */
    outb(r->ports, 0xd4, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(sb16_device(card));
    card_rig_free(r);
    return 0;
}

static void dsp(unsigned n, ...)
{
    va_list ap;

    va_start(ap, n);
    while (n--) {
        assert_int_equal(inb(r->ports, BASE + 0xc) & 0x80, 0);
        outb(r->ports, BASE + 0xc, (unsigned)va_arg(ap, int));
    }
    va_end(ap);
}

static uint8_t answer(void)
{
    assert_int_equal(inb(r->ports, BASE + 0xe) & 0x80, 0x80);
    return inb(r->ports, BASE + 0xa);
}

static void mixer(unsigned reg, unsigned val)
{
    outb(r->ports, MIXER, reg);
    outb(r->ports, MIXER + 1, val);
}

static uint8_t mixed(unsigned reg)
{
    outb(r->ports, MIXER, reg);
    return inb(r->ports, MIXER + 1);
}

/* Channel 1 or 5: len bytes from DATA on (the mode's upper bits are given). */
static void dma(unsigned chan, unsigned mode, unsigned len)
{
    unsigned two = chan > 3, at = two ? DATA >> 1 : DATA, n = (two ? len / 2 : len) - 1;
    unsigned port = two ? 0xc0 + 4 * (chan - 4) : 2 * chan, step = two ? 2 : 1;

    outb(r->ports, two ? 0xd8 : 0x0c, 0);
    outb(r->ports, port, at & 0xff);
    outb(r->ports, port, at >> 8 & 0xff);
    outb(r->ports, port + step, n & 0xff);
    outb(r->ports, port + step, n >> 8);
    outb(r->ports, chan == 1 ? 0x83 : chan == 5 ? 0x8b : 0x87, DATA >> 16);
    outb(r->ports, two ? 0xd6 : 0x0b, mode | (chan & 3));
    outb(r->ports, two ? 0xd4 : 0x0a, chan & 3);
}

enum { SINGLE_OUT = 0x48, AUTO_OUT = 0x58, SINGLE_IN = 0x44 };

static void test_reset(void **state)
{
    (void)state;
    outb(r->ports, BASE + 6, 1);
    assert_int_equal(inb(r->ports, BASE + 0xe) & 0x80, 0);
    outb(r->ports, BASE + 6, 0);
    assert_int_equal(answer(), 0xaa);
    assert_int_equal(inb(r->ports, BASE + 0xe) & 0x80, 0);
    assert_int_equal(inb(r->ports, BASE + 0xa), 0xaa); /* the last, again */
}

static void test_questions(void **state)
{
    (void)state;
    dsp(1, 0xe1);
    assert_int_equal(answer(), 4);
    assert_int_equal(answer(), 5);
    dsp(2, 0xe0, 0x5a);
    assert_int_equal(answer(), 0xa5);
    dsp(3, 0xe4, 0x77, 0xe8);
    assert_int_equal(answer(), 0x77);
    dsp(1, 0xe3);
    for (const char *c = "COPYRIGHT (C) CREATIVE TECHNOLOGY LTD, 1992."; *c; c++)
        assert_int_equal(answer(), *c);
    assert_int_equal(answer(), 0);
    dsp(2, 0xd1, 0xd8);
    assert_int_equal(answer(), 0xff);
    dsp(2, 0xd3, 0xd8);
    assert_int_equal(answer(), 0);
    for (unsigned k = 0; k < 20; k++)
        dsp(1, 0xe3); /* nobody reads: no more than there is room for */
}

static void test_irq(void **state)
{
    (void)state;
    dsp(1, 0xf2);
    assert_true(irq[1].level);
    assert_int_equal(mixed(0x82) & 7, 1);
    inb(r->ports, BASE + 0xe);
    assert_false(irq[1].level);
    dsp(1, 0xf3);
    assert_int_equal(mixed(0x82) & 7, 2);
    inb(r->ports, BASE + 0xe);
    assert_true(irq[1].level);
    mixer(0x80, 8); /* interrupt 10 */
    assert_false(irq[1].level);
    assert_true(irq[3].level);
    inb(r->ports, BASE + 0xf);
    assert_false(irq[3].level);
    assert_int_equal(mixed(0x80), 8);
    mixer(0, 0);
    assert_int_equal(mixed(0x80), 8);
}

static void test_mixer(void **state)
{
    (void)state;
    assert_int_equal(mixed(0x81), 0x22);
    mixer(0x22, 0xa5);
    assert_int_equal(mixed(0x30), 0xa8);
    assert_int_equal(mixed(0x31), 0x58);
    assert_int_equal(mixed(0x22), 0xa5);
    mixer(0x32, 0xff);
    assert_int_equal(mixed(0x32), 0xf8);
    mixer(0x0a, 7);
    assert_int_equal(mixed(0x3a), 0xe0);
    mixer(0, 0);
    assert_int_equal(mixed(0x30), 0xf8);
}

/* 8 bits, once. */
static void test_single_8(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 441; k++)
        r->ram[DATA + k] = (uint8_t)k;
    dma(1, SINGLE_OUT, 441);
    dsp(3, 0x41, 44100 >> 8, 44100 & 0xff);
    dsp(4, 0xc0, 0x00, 440 & 0xff, 440 >> 8);
    card_pass(r, 10 * MS - 1);
    assert_false(irq[1].level);
    card_pass(r, 1);
    assert_true(irq[1].level);
    assert_int_equal(inb(r->ports, 0x08) & 2, 2); /* terminal count */
    inb(r->ports, BASE + 0xe);
    card_pass(r, 100 * MS);
    assert_int_equal(irq[1].rises, 1);
    assert_int_equal(heard->len, 441);
    for (unsigned k = 0; k < 441; k++)
        assert_int_equal(left_of(k), ((int)(k & 0xff) - 128) * 256);
    assert_int_equal(clock_next(r->clock), -1);
}

/* 16 bits in stereo, around and around; the last block is the one in which it is told to end. */
static void test_auto_16(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 882; k++) {
        st_le16(r->ram + DATA + 4 * k, (uint16_t)(k + 1));
        st_le16(r->ram + DATA + 4 * k + 2, (uint16_t)(0 - k - 1));
    }
    dma(5, AUTO_OUT, 882 * 4);
    dsp(3, 0x41, 44100 >> 8, 44100 & 0xff);
    dsp(4, 0xb6, 0x30, (882 - 1) & 0xff, (882 - 1) >> 8); /* half of it: 441 frames */
    for (unsigned k = 0; k < 10; k++) {
        card_pass(r, 10 * MS);
        assert_int_equal(irq[1].rises, k + 1);
        assert_int_equal(mixed(0x82) & 3, 2);
        inb(r->ports, BASE + 0xf);
    }
    card_pass(r, 1 * MS);
    dsp(1, 0xd9);
    card_pass(r, 100 * MS);
    assert_int_equal(irq[1].rises, 11);
    assert_int_equal(heard->len, 441 * 11);
    for (unsigned k = 0; k < heard->len; k++) {
        assert_int_equal(left_of(k), (int)(k % 882) + 1);
        assert_int_equal(right_of(k), -(int)(k % 882) - 1);
    }
}

/* As programs for the first Sound Blasters do it: time constant, blocks, high speed. */
static void test_old_ways(void **state)
{
    (void)state;
    memset(r->ram + DATA, 0xc0, 0x1000);
    dsp(2, 0x40, 256 - 100); /* 10000 a second */
    dsp(3, 0x48, 99, 0);
    dma(1, AUTO_OUT, 200);
    dsp(1, 0x1c);
    card_pass(r, 10 * MS);
    assert_int_equal(irq[1].rises, 1);
    inb(r->ports, BASE + 0xe);
    card_pass(r, 10 * MS);
    assert_int_equal(irq[1].rises, 2);
    inb(r->ports, BASE + 0xe);
    dsp(1, 0xda);
    card_pass(r, 100 * MS);
    assert_int_equal(irq[1].rises, 3);
    assert_in_range(heard->len, 1322, 1325); /* 30 ms */
    assert_int_equal(left_of(600), 0x4000);
    inb(r->ports, BASE + 0xe);
    /* stereo: half as many frames of two bytes */
    mixer(0x0e, 2);
    dma(1, SINGLE_OUT, 100);
    dsp(1, 0x91);
    card_pass(r, 10 * MS - 1);
    assert_false(irq[1].level);
    card_pass(r, 1);
    assert_true(irq[1].level);
}

static void test_pause(void **state)
{
    (void)state;
    dma(1, SINGLE_OUT, 0x1000);
    dsp(3, 0x41, 44100 >> 8, 44100 & 0xff);
    dsp(4, 0xc0, 0, 0xff, 0x0f);
    card_pass(r, 10 * MS);
    dsp(1, 0xd0);
    outb(r->ports, 0x0c, 0);
    assert_int_equal(inb(r->ports, 3), (0xfff - 441) & 0xff);
    card_pass(r, 1000 * MS);
    outb(r->ports, 0x0c, 0);
    assert_int_equal(inb(r->ports, 3), (0xfff - 441) & 0xff);
    dsp(1, 0xd5); /* that is the other's */
    dsp(1, 0xd4);
    card_pass(r, 90 * MS);
    assert_int_equal(irq[1].rises, 1);
}

/* The card waits for its DMA channel, and goes on when that does. */
static void test_masked(void **state)
{
    (void)state;
    dsp(3, 0x41, 44100 >> 8, 44100 & 0xff);
    dsp(4, 0xc0, 0, 440 & 0xff, 440 >> 8);
    card_pass(r, 1000 * MS);
    assert_int_equal(irq[1].rises, 0);
    dma(1, SINGLE_OUT, 200); /* not enough */
    card_pass(r, 100 * MS);
    assert_int_equal(irq[1].rises, 0);
    dma(1, SINGLE_OUT, 241);
    card_pass(r, 100 * MS);
    assert_int_equal(irq[1].rises, 1);
    assert_int_equal(heard->len, 441);
}

static void test_silence(void **state)
{
    (void)state;
    dsp(3, 0x41, 11025 >> 8, 11025 & 0xff);
    dsp(3, 0x80, 1102 & 0xff, 1102 >> 8);
    card_pass(r, 99 * MS);
    assert_false(irq[1].level);
    card_pass(r, 2 * MS);
    assert_true(irq[1].level);
    assert_int_equal(heard->len, 0);
}

static void test_direct(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 100; k++) {
        dsp(2, 0x10, k & 1 ? 0x80 : 0xc0);
        card_pass(r, MS);
    }
    card_pass(r, 200 * MS);
    assert_in_range(heard->len, 4400, 5800);
    assert_int_equal(left_of(20), 0x4000);
    assert_int_equal(left_of(60), 0);
    assert_int_equal(clock_next(r->clock), -1);
    dsp(1, 0x20);
    answer();
}

static void test_record(void **state)
{
    (void)state;
    dma(5, SINGLE_IN, 400);
    dsp(3, 0x42, 44100 >> 8, 44100 & 0xff);
    dsp(4, 0xb8, 0x30, 199, 0);
    card_pass(r, 20 * MS);
    assert_int_equal(mixed(0x82) & 3, 2);
    for (int k = 0; k < 100; k++) {
        assert_int_equal((int16_t)ld_le16(r->ram + DATA + 4 * k), k);
        assert_int_equal((int16_t)ld_le16(r->ram + DATA + 4 * k + 2), -k);
    }
}

static void test_volume(void **state)
{
    (void)state;
    memset(r->ram + DATA, 0xc0, 16);
    mixer(0x30, (31 - 3) << 3); /* 6 dB down */
    mixer(0x33, (31 - 10) << 3);
    mixer(0x42, 0x80); /* and 12 up */
    dma(1, SINGLE_OUT, 16);
    dsp(3, 0x41, 44100 >> 8, 44100 & 0xff);
    dsp(4, 0xc0, 0, 15, 0);
    card_pass(r, 50 * MS);
    assert_in_range(left_of(0), 8205, 8220);
    assert_in_range(right_of(0), 6515, 6530);
}

static void test_adpcm(void **state)
{
    static const uint8_t want4[] = {128 + 0, 128 + 7, 135 - 15, 120 + 2 * 1};
    struct sb16_adpcm a = {SB16_ADPCM4, 128, 0};
    uint8_t out[4];

    (void)state;
    sb16_adpcm_unpack(&a, 0x07, out); /* 0, and 7 at the lowest scale */
    assert_memory_equal(out, want4, 2);
    sb16_adpcm_unpack(&a, 0xf0, out); /* -7 at the next, then the smallest at the one after */
    assert_memory_equal(out, want4 + 2, 2);
    assert_int_equal(a.scale, 1);
    a = (struct sb16_adpcm){SB16_ADPCM26, 128, 0};
    sb16_adpcm_unpack(&a, 3 << 5 | 7 << 2 | 3, out); /* 3, -3 at the next, -2 at the one after */
    assert_int_equal(out[0], 131);
    assert_int_equal(out[1], 131 - 7);
    assert_int_equal(out[2], 131 - 7 - 10);
    a = (struct sb16_adpcm){SB16_ADPCM2, 128, 0};
    sb16_adpcm_unpack(&a, 0x55, out); /* ones */
    assert_int_equal(out[0], 129);
    assert_int_equal(out[1], 132);
    assert_int_equal(out[2], 138);
    assert_int_equal(out[3], 150);
    /* by DMA: the first byte is the reference, each other two samples */
    memset(r->ram + DATA, 0x00, 101);
    r->ram[DATA] = 0xc0;
    dma(1, SINGLE_OUT, 101);
    dsp(3, 0x41, 20000 >> 8, 20000 & 0xff);
    dsp(3, 0x75, 100, 0);
    card_pass(r, 10 * MS - 1);
    assert_false(irq[1].level);
    card_pass(r, 1);
    assert_true(irq[1].level);
    card_pass(r, 50 * MS);
    assert_int_equal(left_of(200), 0x4000);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_reset),   T(test_questions), T(test_irq),    T(test_mixer),  T(test_single_8),
        T(test_auto_16), T(test_old_ways),  T(test_pause),  T(test_masked), T(test_silence),
        T(test_direct),  T(test_record),    T(test_volume), T(test_adpcm),
    };

    return unit_main(tests);
}
