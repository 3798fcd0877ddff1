/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The AC'97 controller and its codec, driven as a driver does. */
#include "tests/unit/card_rig.h"

#include "devices/audio/ac97.h"

#define NAM  0xc000u
#define NABM 0xc400u
#define PI   (NABM + 0x00)
#define PO   (NABM + 0x10)
#define MC   (NABM + 0x20)
#define BDS  0x1000u
#define DATA 0x10000u
#define IOC  0x80000000u

enum { BDBAR = 0, CIV = 4, LVI = 5, SR = 6, PICB = 8, PIV = 10, CR = 11 };
enum { RUN = 1, RESET = 2, LVBIE = 4, IOCE = 16 };

static struct card_rig *r;
static struct ac97 *card;

static unsigned rd(unsigned port, unsigned size)
{
    return (unsigned)bus_read(r->ports, port, size);
}

static void wr(unsigned port, unsigned val, unsigned size)
{
    bus_write(r->ports, port, val, size);
}

static int setup(void **state)
{
    struct ac97_config cfg = {.devfn = CARD_DEVFN};

    (void)state;
    r = card_rig_new(48000);
    cfg.bus = r->pci;
    cfg.clock = r->clock;
    cfg.audio = r->audio;
    card = ac97_new(&cfg, NULL);
    pci_config_write(r->pci, 0, CARD_DEVFN, PCI_BAR0, NAM, 4);
    pci_config_write(r->pci, 0, CARD_DEVFN, PCI_BAR0 + 4, NABM, 4);
    pci_config_write(r->pci, 0, CARD_DEVFN, PCI_COMMAND, 5, 2);
    wr(NABM + 0x2c, 2, 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(ac97_device(card));
    card_rig_free(r);
    return 0;
}

/* Everything at 0 dB. */
static void open_volumes(void)
{
    wr(NAM + 0x02, 0, 2);
    wr(NAM + 0x18, 0x0808, 2);
}

/* Descriptor n: `samples` at `at`. */
static void put_bd(unsigned n, unsigned at, unsigned samples, uint32_t flags)
{
    st_le32(r->ram + BDS + 8 * n, at);
    st_le32(r->ram + BDS + 8 * n + 4, samples | flags);
}

/* A ramp from 1 on: left counts up, right down. */
static void put_ramp(unsigned at, unsigned frames)
{
    for (unsigned k = 0; k < frames; k++) {
        st_le16(r->ram + at + 4 * k, (uint16_t)(k + 1));
        st_le16(r->ram + at + 4 * k + 2, (uint16_t)(0 - k - 1));
    }
}

static void start(unsigned ch, unsigned lvi, unsigned control)
{
    wr(ch + CR, RESET, 1);
    wr(ch + BDBAR, BDS, 4);
    wr(ch + LVI, lvi, 1);
    wr(ch + CR, RUN | control, 1);
}

static void test_identity(void **state)
{
    (void)state;
    assert_int_equal(pci_config_read(r->pci, 0, CARD_DEVFN, 0, 4), 0x24158086);
    assert_int_equal(pci_config_read(r->pci, 0, CARD_DEVFN, PCI_CLASS, 2), 0x0401);
    assert_int_equal(rd(NAM + 0x7c, 2), 0x8384);
    assert_int_equal(rd(NAM + 0x7e, 2), 0x7600);
    assert_int_equal(rd(NAM + 0x26, 2) & 0xf, 0xf);
    assert_int_equal(rd(NABM + 0x30, 4) & 0x100, 0x100);
    /* a second codec does not answer, which is told */
    assert_int_equal(rd(NAM + 0x80, 2), 0xffff);
    assert_int_equal(rd(NABM + 0x30, 4) & 0x8000, 0x8000);
    wr(NABM + 0x30, 0x8000, 4);
    assert_int_equal(rd(NABM + 0x30, 4) & 0x8000, 0);
}

static void test_semaphore(void **state)
{
    (void)state;
    rd(NAM, 2);
    assert_int_equal(rd(NABM + 0x34, 1), 0);
    assert_int_equal(rd(NABM + 0x34, 1), 1);
    rd(NAM, 2);
    assert_int_equal(rd(NABM + 0x34, 1), 0);
}

static void test_mixer(void **state)
{
    (void)state;
    assert_int_equal(rd(NAM + 0x02, 2), 0x8000);
    assert_int_equal(rd(NAM + 0x18, 2), 0x8808);
    wr(NAM + 0x02, 0x0303, 2);
    assert_int_equal(rd(NAM + 0x02, 2), 0x0303);
    wr(NAM + 0x02, 0x2025, 2); /* a sixth bit: all the way down */
    assert_int_equal(rd(NAM + 0x02, 2), 0x1f1f);
    wr(NAM + 0x04, 0x1111, 2); /* no headphones */
    assert_int_equal(rd(NAM + 0x04, 2), 0);
    wr(NAM, 1, 2);
    assert_int_equal(rd(NAM + 0x02, 2), 0x8000);
    /* rates */
    wr(NAM + 0x2c, 44100, 2);
    assert_int_equal(rd(NAM + 0x2c, 2), 48000); /* without VRA */
    wr(NAM + 0x2a, 1, 2);
    wr(NAM + 0x2c, 44100, 2);
    assert_int_equal(rd(NAM + 0x2c, 2), 44100);
    wr(NAM + 0x2c, 1, 2);
    assert_int_equal(rd(NAM + 0x2c, 2), 8000);
    wr(NAM + 0x2a, 0, 2);
    assert_int_equal(rd(NAM + 0x2c, 2), 48000);
}

static void test_play(void **state)
{
    (void)state;
    open_volumes();
    put_ramp(DATA, 9600);
    put_bd(0, DATA, 9600, IOC); /* 100 ms */
    put_bd(1, DATA + 4 * 4800, 9600, 0);
    start(PO, 1, IOCE | LVBIE);
    assert_int_equal(rd(PO + CIV, 1), 0);
    assert_int_equal(rd(PO + PIV, 1), 1);
    assert_int_equal(rd(PO + SR, 2), 0);
    card_pass(r, 50 * MS);
    assert_int_equal(rd(PO + PICB, 2), 4800);
    assert_int_equal(rd(PO + CIV, 4) & 0xff00ff, 0); /* CIV, SR in one read */
    card_pass(r, 50 * MS - 1);
    assert_false(r->irq.level);
    card_pass(r, 1);
    assert_true(r->irq.level);
    assert_int_equal(rd(PO + CIV, 1), 1);
    assert_int_equal(rd(PO + SR, 2), 8);
    assert_int_equal(rd(NABM + 0x30, 4) & 0xe0, 0x40);
    wr(PO + SR, 8, 2);
    assert_false(r->irq.level);
    card_pass(r, 100 * MS);
    assert_true(r->irq.level);
    assert_int_equal(rd(PO + SR, 2), 7); /* the last one, and halted */
    card_pass(r, 1000 * MS);
    assert_int_equal(heard->len, 9600);
    for (unsigned k = 0; k < 9600; k++) {
        assert_int_equal(left_of(k), (int)k + 1);
        assert_int_equal(right_of(k), -(int)k - 1);
    }
    assert_int_equal(clock_next(r->clock), -1);
}

/* A ring that the driver keeps ahead of, once around and more, without a frame lost. */
static void test_ring(void **state)
{
    unsigned frames = 0;

    (void)state;
    open_volumes();
    put_ramp(DATA, 320);
    for (unsigned n = 0; n < 32; n++)
        put_bd(n, DATA + 4 * 10 * n, 20, IOC);
    start(PO, 31, IOCE);
    for (unsigned k = 0; k < 100; k++) {
        while (!r->irq.level)
            card_pass(r, 10000);
        wr(PO + SR, 0x1c, 2);
        wr(PO + LVI, (rd(PO + CIV, 1) + 31) % 32, 1);
        frames += 10;
    }
    wr(PO + CR, 0, 1);
    assert_int_equal(rd(PO + SR, 2) & 1, 1);
    card_pass(r, 50 * MS);
    assert_in_range(heard->len, frames, frames + 1);
    for (unsigned k = 0; k < frames; k++)
        assert_int_equal(left_of(k), (int)(k % 320) + 1);
}

/* It has come to the last buffer, and goes on when another one is valid. */
static void test_goes_on(void **state)
{
    (void)state;
    open_volumes();
    put_ramp(DATA, 96);
    put_bd(0, DATA, 96, 0);
    put_bd(1, DATA + 4 * 48, 96, 0);
    start(PO, 0, LVBIE);
    card_pass(r, 5 * MS);
    assert_int_equal(rd(PO + SR, 2), 7);
    wr(PO + SR, 4, 2);
    wr(PO + CR, RUN, 1); /* nothing new */
    assert_int_equal(rd(PO + SR, 2), 3);
    wr(PO + LVI, 1, 1);
    assert_int_equal(rd(PO + SR, 2), 0);
    assert_int_equal(rd(PO + CIV, 1), 1);
    card_pass(r, 50 * MS);
    assert_int_equal(heard->len, 96);
    assert_int_equal(left_of(95), 96);
}

static void test_pause(void **state)
{
    (void)state;
    open_volumes();
    put_ramp(DATA, 4800);
    put_bd(0, DATA, 9600, 0);
    start(PO, 0, 0);
    card_pass(r, 10 * MS);
    wr(PO + CR, 0, 1);
    assert_int_equal(rd(PO + PICB, 2), 9600 - 960);
    card_pass(r, 1000 * MS);
    assert_int_equal(rd(PO + PICB, 2), 9600 - 960);
    wr(PO + CR, RUN, 1);
    card_pass(r, 10 * MS);
    assert_int_equal(rd(PO + PICB, 2), 9600 - 1920);
    wr(PO + CR, 0, 1);
    card_pass(r, 100 * MS);
    assert_int_equal(heard->len, 960);
    assert_int_equal(left_of(959), 960);
}

static void test_volume(void **state)
{
    (void)state;
    st_le32(r->ram + DATA, 0x10001000);
    put_bd(0, DATA, 2, 0);
    wr(NAM + 0x02, 0x0004, 2); /* right 6 dB down */
    wr(NAM + 0x18, 0x0408, 2); /* left 6 dB up */
    start(PO, 0, 0);
    card_pass(r, 50 * MS);
    assert_in_range(left_of(0), 8170, 8180);
    assert_in_range(right_of(0), 2050, 2056);
    wr(NAM + 0x18, 0x8808, 2);
    start(PO, 0, 0);
    card_pass(r, 50 * MS);
    assert_int_equal(heard->len, 2);
    assert_int_equal(left_of(1), 0);
}

static void test_rate(void **state)
{
    (void)state;
    open_volumes();
    wr(NAM + 0x2a, 1, 2);
    wr(NAM + 0x2c, 8000, 2);
    put_bd(0, DATA, 1600, 0);
    start(PO, 0, LVBIE);
    card_pass(r, 100 * MS - 1);
    assert_false(r->irq.level);
    card_pass(r, 1);
    assert_true(r->irq.level);
    card_pass(r, 100 * MS);
    assert_in_range(heard->len, 4798, 4802);
}

static void test_record(void **state)
{
    (void)state;
    wr(NAM + 0x1c, 0, 2);
    put_bd(0, DATA, 960, IOC);
    start(PI, 0, IOCE);
    card_pass(r, 11 * MS);
    assert_true(r->irq.level);
    assert_int_equal(rd(NABM + 0x30, 4) & 0xe0, 0x20);
    for (unsigned k = 0; k < 480; k++) {
        assert_int_equal((int16_t)ld_le16(r->ram + DATA + 4 * k), (int)k);
        assert_int_equal((int16_t)ld_le16(r->ram + DATA + 4 * k + 2), -(int)k);
    }
    assert_int_equal(ld_le16(r->ram + DATA + 4 * 480), 0);
    /* the microphone's channel has one sample a frame */
    put_bd(0, DATA + 0x8000, 480, 0);
    start(MC, 0, LVBIE);
    card_pass(r, 10 * MS - 1);
    assert_int_equal(rd(MC + SR, 2), 0);
    card_pass(r, 1);
    assert_int_equal(rd(MC + SR, 2), 7);
    assert_int_equal(rd(NABM + 0x30, 4) & 0xe0, 0xa0);
}

/* Buffers of no length, or an odd one, and memory that is not there. */
static void test_bad_rings(void **state)
{
    (void)state;
    open_volumes();
    start(PO, 31, LVBIE); /* all of no length */
    assert_int_equal(rd(PO + SR, 2), 7);
    assert_int_equal(rd(PO + CIV, 1), 31);
    put_bd(0, DATA, 1, 0);
    put_bd(1, DATA, 3, 0);
    start(PO, 1, 0);
    card_pass(r, MS);
    assert_int_equal(rd(PO + SR, 2), 7);
    put_bd(0, 0xfffffff0, 0xffff, 0);
    start(PO, 0, 0);
    card_pass(r, 2000 * MS);
    assert_int_equal(rd(PO + SR, 2), 7);
    wr(PO + CR, RESET, 1);
    wr(PO + BDBAR, 0xffffffff, 4);
    assert_int_equal(rd(PO + BDBAR, 4), 0xfffffff8);
    wr(PO + CR, RUN, 1);
    card_pass(r, 2000 * MS);
}

static void test_cold_reset(void **state)
{
    (void)state;
    open_volumes();
    put_bd(0, DATA, 0xfffe, IOC);
    start(PO, 0, IOCE);
    card_pass(r, MS);
    wr(NABM + 0x2c, 0, 4);
    assert_int_equal(rd(PO + SR, 2), 1);
    assert_int_equal(rd(PO + CR, 1), 0);
    assert_int_equal(rd(NABM + 0x30, 4) & 0x100, 0);
    assert_int_equal(rd(NAM + 0x02, 2), 0xffff);
    wr(NABM + 0x2c, 2, 4);
    assert_int_equal(rd(NAM + 0x02, 2), 0x8000);
    card_pass(r, 100 * MS);
    assert_int_equal(clock_next(r->clock), -1);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_identity), T(test_semaphore), T(test_mixer),     T(test_play),
        T(test_ring),     T(test_goes_on),   T(test_pause),     T(test_volume),
        T(test_rate),     T(test_record),    T(test_bad_rings), T(test_cold_reset),
    };

    return unit_main(tests);
}
