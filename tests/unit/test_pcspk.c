/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loudspeaker: what the 8254 and port 0x61 do is what is heard, edge by edge. */
#include "tests/unit/sound_rig.h"

#include "devices/audio/pcspk.h"

static struct bus *bus;
static struct vclock *vclk;
static struct audio *audio;
static struct pit *pit;
static struct pcspk *spk;

static void changed(void *opaque)
{
    (void)opaque;
    if (spk)
        pcspk_changed(spk);
}

static int setup(void **state)
{
    struct pit_config cfg = {.speaker = changed};

    (void)state;
    bus = cfg.ports = bus_new("port", 0xffff);
    vclk = cfg.clock = clock_new_manual();
    audio = ear_audio(vclk, 48000);
    pit = pit_new(&cfg, NULL);
    spk = pcspk_new(audio, vclk, pit);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(pcspk_device(spk));
    spk = NULL;
    device_destroy(pit_device(pit));
    audio_free(audio);
    bus_free(bus);
    clock_free(vclk);
    return 0;
}

static void pass(int64_t ns)
{
    clock_advance_to(vclk, clock_now(vclk) + ns);
}

static void tone(unsigned mode, unsigned count)
{
    outb(bus, 0x43, 0xb0 | mode << 1);
    outb(bus, 0x42, count & 0xff);
    outb(bus, 0x42, count >> 8);
}

/* Rising edges, and frames that are up. */
static unsigned rises(unsigned *up)
{
    unsigned n = 0;
    int last = 0;

    *up = 0;
    for (unsigned k = 0; k < heard->len; k++) {
        int v = left_of(k) >= PCSPK_LEVEL / 2;

        n += v && !last;
        *up += v;
        last = v;
        assert_int_equal(left_of(k), right_of(k));
        assert_in_range(left_of(k), 0, PCSPK_LEVEL);
    }
    return n;
}

static void test_square(void **state)
{
    unsigned up;

    (void)state;
    tone(3, 1193); /* 1000.15 Hz */
    pass(50 * MS);
    assert_int_equal(heard->len, 0); /* it is not switched on */
    outb(bus, 0x61, 3);
    pass(1000 * MS);
    outb(bus, 0x61, 0);
    pass(100 * MS);
    assert_int_equal(rises(&up), 1001);
    assert_in_range(up, 24000 - 40, 24000 + 40);
    /* a second, and until it was sure that no more came */
    assert_in_range(heard->len, 48000, 48000 + 48 * 45);
    assert_int_equal(left_of(47999 + 100), 0);
}

/* The time of each edge, to a few thousandths of a frame, from the frame that it lies in. */
static void test_edges(void **state)
{
    unsigned edge = 0;

    (void)state;
    tone(3, 777);
    outb(bus, 0x61, 3);
    pass(200 * MS);
    outb(bus, 0x61, 0);
    pass(100 * MS);
    for (unsigned k = 1; k < 9000; k++) {
        int v = left_of(k);
        double at, tick;

        if (v == 0 || v == PCSPK_LEVEL)
            continue;
        /* an edge within it: up until then, or from then on */
        at = left_of(k - 1) ? (double)v / PCSPK_LEVEL : 1 - (double)v / PCSPK_LEVEL;
        at += k;
        edge++;
        /* the first half period is 389 clocks, one after the gate's edge, the others take turns */
        tick = (edge / 2) * 777.0 + (edge % 2 ? 389 : 0);
        assert_true(at * PIT_HZ / 48000 > tick - 1.5 && at * PIT_HZ / 48000 < tick + 2.5);
    }
    assert_in_range(edge, 574, 577);
}

/* Samples by pulses whose width is the count of mode 0, as games did it. */
static void test_pulses(void **state)
{
    double sum = 0;

    (void)state;
    outb(bus, 0x61, 3);
    outb(bus, 0x43, 0x90); /* mode 0, one byte */
    for (unsigned k = 0; k < 1600; k++) {
        outb(bus, 0x42, 18); /* low for a quarter of the 62.5 us, then high */
        pass(62500);
    }
    outb(bus, 0x61, 0);
    pass(100 * MS);
    for (unsigned k = 480; k < 4320; k++)
        sum += left_of(k);
    assert_in_range(sum / 3840, PCSPK_LEVEL * 0.73, PCSPK_LEVEL * 0.77);
}

/* A program that moves the membrane itself, by port 0x61. */
static void test_by_hand(void **state)
{
    unsigned up;

    (void)state;
    tone(3, 1193);
    outb(bus, 0x61, 0); /* the gate is off: its output stays high */
    for (unsigned k = 0; k < 100; k++) {
        outb(bus, 0x61, 2);
        pass(MS);
        outb(bus, 0x61, 0);
        pass(MS);
    }
    pass(100 * MS);
    assert_int_equal(rises(&up), 100);
    assert_in_range(up, 4790, 4810);
}

/* The tone goes on with its next count at the edge where that takes over. */
static void test_new_count(void **state)
{
    unsigned up;

    (void)state;
    tone(3, 2386);
    outb(bus, 0x61, 3);
    pass(100 * MS);
    outb(bus, 0x42, 1193 & 0xff);
    outb(bus, 0x42, 1193 >> 8);
    pass(100 * MS);
    outb(bus, 0x61, 0);
    pass(100 * MS);
    assert_in_range(rises(&up), 149, 152);
}

static void test_reset(void **state)
{
    guint len;

    (void)state;
    tone(3, 1193);
    outb(bus, 0x61, 3);
    pass(100 * MS);
    device_reset(pit_device(pit));
    device_reset(pcspk_device(spk));
    pass(100 * MS);
    len = heard->len;
    assert_in_range(len, 4800, 4800 + 48 * 45);
    pass(1000 * MS);
    assert_int_equal(heard->len, len);
    assert_int_equal(clock_next(vclk), -1); /* nor does it cost anything */
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_square),  T(test_edges),     T(test_pulses),
        T(test_by_hand), T(test_new_count), T(test_reset),
    };

    return unit_main(tests);
}
