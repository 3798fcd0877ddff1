/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The High Definition Audio controller with a duplex codec, driven as a driver does. */
#include "tests/unit/card_rig.h"

#include "devices/audio/hda.h"

#define MMIO 0xfe000000u
#define CORB 0x1000u
#define RIRB 0x2000u
#define BDL  0x3000u
#define POSN 0x4000u
#define DATA 0x10000u
#define IN0  0x80u
#define OUT0 0x100u /* stream 4 */
#define ROOT 0u
#define DAC  2u
#define ADC  4u

static struct card_rig *r;
static struct hda *card;
static unsigned verbs;

static uint32_t rd(unsigned off, unsigned size)
{
    return (uint32_t)bus_read(r->mmio, MMIO + off, size);
}

static void wr(unsigned off, uint32_t val, unsigned size)
{
    bus_write(r->mmio, MMIO + off, val, size);
}

static int setup(void **state)
{
    struct hda_config cfg = {.devfn = CARD_DEVFN, .device_id = 0x2668};

    (void)state;
    r = card_rig_new(48000);
    cfg.bus = r->pci;
    cfg.clock = r->clock;
    card = hda_new(&cfg, NULL);
    assert_true(hda_add_codec(card, r->audio, true, NULL));
    assert_true(hda_add_codec(card, r->audio, false, NULL));
    pci_config_write(r->pci, 0, CARD_DEVFN, PCI_BAR0, MMIO, 4);
    pci_config_write(r->pci, 0, CARD_DEVFN, PCI_COMMAND, 6, 2);
    wr(0x08, 1, 4);
    wr(0x40, CORB, 4);
    wr(0x50, RIRB, 4);
    wr(0x4a, 0x8000, 2);
    wr(0x4a, 0, 2);
    wr(0x58, 0x8000, 2);
    wr(0x5a, 1, 2);
    wr(0x5c, 3, 1);
    wr(0x4c, 2, 1);
    verbs = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(hda_device(card));
    card_rig_free(r);
    return 0;
}

/* By the rings; the response comes into the next place. */
static uint32_t verb(unsigned codec, unsigned node, uint32_t v)
{
    unsigned n = ++verbs & 0xff;

    st_le32(r->ram + CORB + 4 * n, codec << 28 | node << 20 | v);
    wr(0x48, n, 2);
    assert_int_equal(rd(0x4a, 2), n);
    assert_int_equal(rd(0x58, 2), n);
    assert_int_equal(ld_le32(r->ram + RIRB + 8 * n + 4), codec);
    return ld_le32(r->ram + RIRB + 8 * n);
}

static uint32_t parameter(unsigned node, unsigned id)
{
    return verb(0, node, 0xf0000 | id);
}

static void test_controller(void **state)
{
    (void)state;
    assert_int_equal(pci_config_read(r->pci, 0, CARD_DEVFN, 0, 4), 0x26688086);
    assert_int_equal(pci_config_read(r->pci, 0, CARD_DEVFN, PCI_CLASS, 2), 0x0403);
    assert_int_equal(rd(0, 2), 0x4401);
    assert_int_equal(rd(0x0e, 2), 3); /* both codecs */
    wr(0x0e, 1, 2);
    assert_int_equal(rd(0x0e, 2), 2);
    card_pass(r, MS);
    assert_in_range(rd(0x30, 4), 24000, 24001);
    assert_int_equal(rd(0x30, 4), rd(0x2030, 4));
    wr(0x08, 0, 4);
    assert_int_equal(rd(0x40, 4), 0);
    wr(0x40, CORB, 4); /* in reset */
    assert_int_equal(rd(0x40, 4), 0);
    wr(0x08, 1, 4);
    assert_int_equal(rd(0x0e, 2), 3);
}

static void test_codec(void **state)
{
    (void)state;
    assert_int_equal(parameter(ROOT, 0), 0x1af40022);
    assert_int_equal(verb(1, ROOT, 0xf0000), 0x1af40012);
    assert_int_equal(parameter(ROOT, 4), 0x00010001);
    assert_int_equal(parameter(1, 4), 0x00020004);
    assert_int_equal(verb(1, 1, 0xf0004), 0x00020002);
    assert_int_equal(verb(1, ADC, 0xf0009), 0); /* it has none */
    assert_int_equal(parameter(DAC, 9) >> 20, 0);
    assert_int_equal(parameter(ADC, 9) >> 20, 1);
    assert_int_equal(parameter(3, 9) >> 20, 4);
    assert_int_equal(verb(0, 3, 0xf0200), DAC);
    assert_int_equal(verb(0, ADC, 0xf0200), 5);
    verb(0, DAC, 0x20000 | 0x4011);
    assert_int_equal(verb(0, DAC, 0xa0000), 0x4011);
    verb(0, DAC, 0x30000 | 0xa000 | 10); /* left, of the output */
    assert_int_equal(verb(0, DAC, 0xb0000 | 0xa000), 10);
    assert_int_equal(verb(0, DAC, 0xb0000 | 0x8000), 74);
    verb(0, DAC, 0x30000 | 0xb000 | 0x7f); /* no more than there is */
    assert_int_equal(verb(0, DAC, 0xb0000 | 0x8000), 74);
    /* one that is not there does not respond */
    st_le32(r->ram + CORB + 4 * ((verbs + 1) & 0xff), 5u << 28 | 0xf0000);
    wr(0x48, (verbs + 1) & 0xff, 2);
    assert_int_equal(rd(0x4a, 2), verbs + 1);
    assert_int_equal(rd(0x58, 2), verbs);
}

static void test_immediate(void **state)
{
    (void)state;
    wr(0x60, 0xf0000, 4);
    wr(0x68, 1, 2);
    assert_int_equal(rd(0x68, 2), 2);
    assert_int_equal(rd(0x64, 4), 0x1af40022);
    wr(0x68, 2, 2);
    assert_int_equal(rd(0x68, 2), 0);
}

static void test_command_irq(void **state)
{
    (void)state;
    wr(0x20, 0xc0000000, 4);
    wr(0x5d, 5, 1);
    assert_false(r->irq.level);
    parameter(ROOT, 0);
    assert_true(r->irq.level);
    assert_int_equal(rd(0x24, 4), 0xc0000000);
    wr(0x5d, 1, 1);
    assert_false(r->irq.level);
}

static void put_bd(unsigned n, uint64_t at, uint32_t len, unsigned ioc)
{
    st_le64(r->ram + BDL + 16 * n, at);
    st_le32(r->ram + BDL + 16 * n + 8, len);
    st_le32(r->ram + BDL + 16 * n + 12, ioc);
}

static void start(unsigned stream, unsigned tag, unsigned format, unsigned cbl, unsigned lvi)
{
    wr(stream, 1, 1);
    assert_int_equal(rd(stream, 1) & 1, 1);
    wr(stream, 0, 1);
    wr(stream + 0x18, BDL, 4);
    wr(stream + 0x08, cbl, 4);
    wr(stream + 0x0c, lvi, 2);
    wr(stream + 0x12, format, 2);
    wr(stream + 2, tag << 4, 1);
    wr(stream, 0x1e, 1);
}

/* Two buffers in a ring, heard twice and a half. */
static void test_play(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 960; k++) {
        st_le16(r->ram + DATA + 4 * k, (uint16_t)(k + 1));
        st_le16(r->ram + DATA + 4 * k + 2, (uint16_t)(0 - k - 1));
    }
    verb(0, DAC, 0x70600 | 0x30);
    put_bd(0, DATA, 480 * 4, 1);
    put_bd(1, DATA + 480 * 4, 480 * 4, 0);
    wr(0x20, 0x80000010, 4);
    wr(0x70, POSN | 1, 4);
    start(OUT0, 3, 0x0011, 960 * 4, 1);
    card_pass(r, 10 * MS - 1);
    assert_false(r->irq.level);
    card_pass(r, 1);
    assert_true(r->irq.level);
    assert_int_equal(rd(0x24, 4) & ~0x40000000u, 0x80000010);
    assert_int_equal(rd(OUT0 + 3, 1) & 4, 4);
    assert_int_equal(rd(OUT0 + 4, 4), 480 * 4);
    assert_int_equal(ld_le32(r->ram + POSN + 8 * 4), 480 * 4);
    wr(OUT0 + 3, 4, 1);
    assert_false(r->irq.level);
    card_pass(r, 10 * MS);
    assert_false(r->irq.level); /* the second does not ask for one */
    assert_int_equal(rd(OUT0 + 4, 4), 0);
    card_pass(r, 10 * MS);
    assert_true(r->irq.level);
    card_pass(r, 20 * MS);
    wr(OUT0, 0, 1);
    card_pass(r, 100 * MS);
    assert_int_equal(heard->len, 2400);
    for (unsigned k = 0; k < 2400; k++) {
        assert_int_equal(left_of(k), (int)(k % 960) + 1);
        assert_int_equal(right_of(k), -(int)(k % 960) - 1);
    }
    assert_int_equal(clock_next(r->clock), -1);
}

static void test_formats(void **state)
{
    (void)state;
    /* 44100 Hz, 32 bits, four channels: the first two are heard, 6 dB down on the right */
    for (unsigned k = 0; k < 441; k++) {
        static const uint32_t frame[4] = {0x10000000, 0x20000000, 0x7fffffff, 0x7fffffff};

        memcpy(r->ram + DATA + 16 * k, frame, 16);
    }
    verb(0, DAC, 0x70600 | 0x10);
    verb(0, DAC, 0x30000 | 0x9000 | (74 - 6));
    put_bd(0, DATA, 441 * 16, 1);
    start(OUT0, 1, 0x4043, 441 * 16, 0);
    card_pass(r, 10 * MS - 1);
    assert_int_equal(rd(OUT0 + 3, 1) & 4, 0);
    card_pass(r, 1);
    assert_int_equal(rd(OUT0 + 3, 1) & 4, 4);
    wr(OUT0, 0, 1);
    card_pass(r, 100 * MS);
    assert_in_range(heard->len, 478, 482);
    assert_in_range(left_of(240), 0x1000 - 1, 0x1000 + 1);
    assert_in_range(right_of(240), 4100, 4112);
}

static void test_record(void **state)
{
    (void)state;
    verb(0, ADC, 0x70600 | 0x20);
    put_bd(0, DATA, 480 * 4, 1);
    start(IN0, 2, 0x0011, 480 * 4, 0);
    card_pass(r, 10 * MS);
    assert_int_equal(rd(IN0 + 3, 1) & 4, 4);
    for (int k = 0; k < 480; k++) {
        assert_int_equal((int16_t)ld_le16(r->ram + DATA + 4 * k), k);
        assert_int_equal((int16_t)ld_le16(r->ram + DATA + 4 * k + 2), -k);
    }
    wr(IN0, 0, 1);
}

/* Lists without any bytes, of memory that is not there, and a ring of commands without an end. */
static void test_hostile(void **state)
{
    (void)state;
    verb(0, DAC, 0x70600 | 0x10);
    start(OUT0, 1, 0x0011, 0, 255); /* all of no length */
    assert_int_equal(rd(OUT0 + 3, 1) & 0x10, 0x10);
    card_pass(r, 1000 * MS);
    put_bd(0, 0xfffffffffffffff0, 0xffffffff, 1);
    start(OUT0, 1, 0x7f7f, 1, 0);
    card_pass(r, 1000 * MS);
    assert_int_equal(rd(OUT0 + 4, 4), 0);
    wr(OUT0, 0, 1);
    wr(0x40, 0xffffff80, 4);
    wr(0x48, 0x80, 2);
    assert_int_equal(rd(0x4a, 2), 0x80);
    card_pass(r, 1000 * MS);
}

static void test_too_many(void **state)
{
    GError *err = NULL;

    (void)state;
    assert_true(hda_add_codec(card, r->audio, true, NULL));
    assert_true(hda_add_codec(card, r->audio, true, NULL));
    assert_false(hda_add_codec(card, r->audio, true, &err));
    g_error_free(err);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_controller), T(test_codec),  T(test_immediate), T(test_command_irq), T(test_play),
        T(test_formats),    T(test_record), T(test_hostile),   T(test_too_many),
    };

    return unit_main(tests);
}
