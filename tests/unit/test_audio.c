/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Voices, the mixer, rates and formats, the WAV file, and levels. */
#include "tests/unit/sound_rig.h"

#include <glib/gstdio.h>
#include <math.h>
#include <unistd.h>

#include "backends/audio_resample.h"
#include "base/bits.h"
#include "devices/audio/level.h"

static struct vclock *vclk;
static struct audio *audio;

static const struct audio_spec s16 = {44100, 2, AUDIO_FMT_S16};

static int setup(void **state)
{
    (void)state;
    vclk = clock_new_manual();
    audio = ear_audio(vclk, 44100);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    audio_free(audio);
    clock_free(vclk);
    return 0;
}

static void pass(int64_t ns)
{
    clock_advance_to(vclk, clock_now(vclk) + ns);
}

/* ---- voices ---- */

/* n frames: left counts from `first`, right is its negative. */
static void play_ramp(struct audio_voice *v, int first, unsigned n)
{
    for (unsigned k = 0; k < n; k++) {
        int16_t f[2] = {(int16_t)(first + (int)k), (int16_t)(-first - (int)k)};

        audio_voice_play(v, f, 1);
    }
}

static void test_as_given(void **state)
{
    struct audio_voice *v = audio_voice_new(audio);

    (void)state;
    play_ramp(v, 1, 10); /* it does not play */
    pass(5 * MS);
    audio_voice_start(v, &s16);
    play_ramp(v, 1, 1000);
    assert_in_range(heard->len, 700, 1000);
    audio_voice_free(v);
    assert_int_equal(heard->len, 1000);
    for (unsigned k = 0; k < 1000; k++) {
        assert_int_equal(left_of(k), 1 + (int)k);
        assert_int_equal(right_of(k), -1 - (int)k);
    }
    assert_int_equal(audio_frames_played(audio), 1000);
}

static void test_formats(void **state)
{
    static const struct {
        struct audio_spec spec;
        uint8_t bytes[8];
        int left, right;
    } t[] = {
        {{44100, 2, AUDIO_FMT_U8}, {0x80, 0xff}, 0, 0x7f00},
        {{44100, 1, AUDIO_FMT_U8}, {0x00}, -0x8000, -0x8000},
        {{44100, 2, AUDIO_FMT_S8}, {0x80, 0x01}, -0x8000, 0x100},
        {{44100, 2, AUDIO_FMT_U16}, {0x00, 0x80, 0xff, 0xff}, 0, 0x7fff},
        {{44100, 1, AUDIO_FMT_S16}, {0x34, 0x12}, 0x1234, 0x1234},
        {{44100, 2, AUDIO_FMT_S32}, {1, 2, 3, 4, 5, 6, 7, 0x88}, 0x0403, (int16_t)0x8807},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(t); k++) {
        struct audio_voice *v = audio_voice_new(audio);

        audio_voice_start(v, &t[k].spec);
        audio_voice_play(v, t[k].bytes, 1);
        audio_voice_free(v);
        assert_int_equal(left_of(k), t[k].left);
        assert_int_equal(right_of(k), t[k].right);
    }
}

static void test_gain(void **state)
{
    struct audio_voice *v = audio_voice_new(audio);
    int16_t f[2] = {20000, -20000};

    (void)state;
    audio_voice_gain(v, AUDIO_UNITY / 2, 4 * AUDIO_UNITY);
    audio_voice_start(v, &s16);
    audio_voice_play(v, f, 1);
    audio_voice_gain(v, 0, 0);
    audio_voice_play(v, f, 1);
    audio_voice_free(v);
    assert_int_equal(left_of(0), 10000);
    assert_int_equal(right_of(0), -32768); /* and no more */
    assert_int_equal(left_of(1), 0);
    assert_int_equal(audio_frames_played(audio), 1); /* silence is not played */
}

/* Two voices, the second begun 10 ms after the first: their sum from there on. */
static void test_mix(void **state)
{
    struct audio_voice *a = audio_voice_new(audio), *b = audio_voice_new(audio);
    int16_t one[2] = {100, 200}, two[2] = {1000, 2000};

    (void)state;
    audio_voice_start(a, &s16);
    pass(10 * MS); /* 441 frames */
    audio_voice_start(b, &s16);
    for (unsigned k = 0; k < 500; k++)
        audio_voice_play(a, one, 1);
    assert_in_range(heard->len, 200, 441); /* what follows waits for the other */
    for (unsigned k = 0; k < 100; k++)
        audio_voice_play(b, two, 1);
    audio_voice_stop(a);
    pass(30 * MS); /* and it is gone */
    assert_int_equal(heard->len, 541);
    assert_int_equal(left_of(440), 100);
    assert_int_equal(left_of(441), 1100);
    assert_int_equal(right_of(499), 2200);
    assert_int_equal(left_of(540), 1000);
    audio_voice_free(a);
    audio_voice_free(b);
}

/* One that is not fed does not hold up the others for good. */
static void test_starved(void **state)
{
    struct audio_voice *a = audio_voice_new(audio), *b = audio_voice_new(audio);

    (void)state;
    audio_voice_start(a, &s16);
    audio_voice_start(b, &s16);
    play_ramp(a, 0, 40000);
    assert_true(heard->len >= 40000 - 32768);
    assert_int_equal(left_of(7000), 7000);
    play_ramp(b, 0, 40000); /* late */
    audio_voice_free(a);
    audio_voice_free(b);
    assert_true(heard->len >= 40000);
}

/* Between buffers a card stops: what follows soon follows at once, what follows later does not. */
static void test_gaps(void **state)
{
    struct audio_voice *v = audio_voice_new(audio);

    (void)state;
    audio_voice_start(v, &s16);
    play_ramp(v, 1, 441);
    pass(10 * MS);
    audio_voice_stop(v);
    pass(1 * MS);
    audio_voice_start(v, &s16);
    play_ramp(v, 442, 441);
    audio_voice_stop(v);
    pass(1000 * MS);
    assert_int_equal(heard->len, 882);
    assert_int_equal(left_of(881), 882);
    audio_voice_start(v, &s16);
    play_ramp(v, 5, 1);
    audio_voice_free(v);
    assert_int_equal(heard->len, 883); /* the silence is nobody's */
    assert_int_equal(left_of(882), 5);
}

/* ---- rates ---- */

/* A sine of 1 kHz at one rate is one at the other: the worst error, and how many frames there are.
 */
static double sine_error(unsigned in, unsigned out, size_t *count)
{
    struct audio_resample *r = audio_resample_new(in, out);
    size_t n = in / 10, got = 0, tail = audio_resample_tail(r);
    int16_t(*src)[2] = g_malloc0((n + tail) * sizeof(*src));
    int16_t(*dst)[2] = g_malloc0(out * sizeof(*dst));
    const int16_t(*p)[2] = (const int16_t(*)[2])src;
    double worst = 0;

    for (size_t k = 0; k < n; k++) {
        src[k][0] = (int16_t)lrint(20000 * sin(2 * G_PI * 1000 * (double)k / in));
        src[k][1] = 12345;
    }
    n += tail;
    for (size_t was = 1; n || got != was;) { /* in pieces of odd sizes */
        size_t part = MIN(n, 37), left = part;

        was = got;
        got += audio_resample_run(r, &p, &left, dst + got, 53);
        n -= part - left;
    }
    for (size_t k = out / 50; k < out / 10 - out / 50; k++) {
        double want = 20000 * sin(2 * G_PI * 1000 * (double)k / out);

        worst = fmax(worst, fabs(dst[k][0] - want));
        assert_in_range(dst[k][1], 12344, 12346);
    }
    *count = got;
    audio_resample_free(r);
    g_free(src);
    g_free(dst);
    return worst;
}

static void test_rates(void **state)
{
    static const unsigned rates[][2] = {{48000, 44100},  {44100, 48000}, {8000, 44100},
                                        {11025, 44100},  {22222, 44100}, {96000, 44100},
                                        {192000, 44100}, {4000, 192000}, {44100, 8000}};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(rates); k++) {
        unsigned in = rates[k][0], out = rates[k][1];
        size_t n;
        double e = sine_error(in, out, &n);

        if (e > 12)
            fail_msg("%u to %u Hz: an error of %f in 20000", in, out, e);
        assert_in_range(n, out / 10 - 2, out / 10 + 2);
    }
}

/* What the lower rate cannot carry is gone, instead of folded back. */
static void test_no_alias(void **state)
{
    struct audio_resample *r = audio_resample_new(48000, 8000);
    int16_t src[4800][2], dst[900][2];
    const int16_t(*p)[2] = (const int16_t(*)[2])src;
    size_t n = ARRAY_SIZE(src), got;

    (void)state;
    for (size_t k = 0; k < n; k++)
        src[k][0] = src[k][1] = (int16_t)(20000 * sin(2 * G_PI * 7000 * (double)k / 48000));
    got = audio_resample_run(r, &p, &n, dst, ARRAY_SIZE(dst));
    assert_true(got > 700);
    for (size_t k = 100; k < got; k++)
        assert_in_range(dst[k][0] + 20, 0, 40);
    audio_resample_free(r);
}

static void test_voice_rate(void **state)
{
    static const struct audio_spec spec = {22050, 1, AUDIO_FMT_S16};
    struct audio_voice *v = audio_voice_new(audio);
    int16_t f = 10000;

    (void)state;
    audio_voice_start(v, &spec);
    for (unsigned k = 0; k < 2205; k++)
        audio_voice_play(v, &f, 1);
    audio_voice_free(v);
    assert_in_range(heard->len, 4409, 4411);
    assert_in_range(left_of(2000), 9999, 10001);
}

/* ---- recording ---- */

static void test_capture(void **state)
{
    static const struct audio_spec mono = {44100, 1, AUDIO_FMT_S16},
                                   slow = {11025, 2, AUDIO_FMT_S16};
    struct audio_capture *c = audio_capture_new(audio);
    int16_t got[100][2];

    (void)state;
    audio_capture_start(c, &s16);
    assert_true(microphone_on);
    audio_capture_read(c, got, 100);
    for (int k = 0; k < 100; k++)
        assert_true(got[k][0] == k && got[k][1] == -k);
    audio_capture_start(c, &mono);
    audio_capture_read(c, got, 3);
    assert_int_equal(got[0][0], 0); /* the mean */
    audio_capture_stop(c);
    assert_false(microphone_on);
    microphone = 0;
    audio_capture_start(c, &slow);
    audio_capture_read(c, got, 50);
    assert_in_range(got[40][0], 159, 161);
    assert_in_range(microphone, 200, 200 + 70); /* no more than it needs */
    audio_capture_free(c);
    assert_false(microphone_on);
}

/* ---- the file ---- */

static void test_wav(void **state)
{
    char *dir = g_dir_make_tmp("penumbra-wav-XXXXXX", NULL);
    char *path = g_build_filename(dir, "out.wav", NULL);
    struct audio_config cfg = {
        .driver = &audio_wav_driver, .id = "w", .path = path, .rate = 44100, .clock = vclk};
    struct audio *a = audio_new(&cfg, NULL);
    struct audio_voice *v = audio_voice_new(a);
    uint8_t *data;
    gsize len;

    (void)state;
    assert_true(g_file_get_contents(path, (char **)&data, &len, NULL));
    assert_int_equal(len, 44);
    assert_int_equal(ld_le32(data + 4), 36);
    g_free(data);
    audio_voice_start(v, &s16);
    play_ramp(v, 7, 1000);
    audio_voice_stop(v);
    pass(50 * MS);
    /* nothing was closed: it is as after a kill */
    assert_true(g_file_get_contents(path, (char **)&data, &len, NULL));
    assert_int_equal(len, 44 + 4000);
    assert_memory_equal(data, "RIFF", 4);
    assert_int_equal(ld_le32(data + 4), len - 8);
    assert_memory_equal(data + 8, "WAVEfmt ", 8);
    assert_int_equal(ld_le32(data + 24), 44100);
    assert_int_equal(ld_le32(data + 40), 4000);
    assert_int_equal(ld_le16(data + 44 + 4 * 999), 1006);
    g_free(data);
    audio_voice_free(v);
    audio_free(a);
    g_unlink(path);
    g_rmdir(dir);
    g_free(path);
    g_free(dir);
}

static void test_wav_errors(void **state)
{
    struct audio_config cfg = {.driver = &audio_wav_driver, .id = "w", .clock = vclk, .rate = 8000};
    GError *err = NULL;

    (void)state;
    cfg.path = "/nonexistent/out.wav";
    assert_null(audio_new(&cfg, &err));
    assert_non_null(strstr(err->message, "/nonexistent/out.wav"));
    g_clear_error(&err);
    cfg.path = "/dev/full";
    assert_null(audio_new(&cfg, &err));
    g_clear_error(&err);
}

/* ---- levels ---- */

static void test_level(void **state)
{
    struct level l;
    int64_t frame = NS_PER_SEC / 44100;

    (void)state;
    level_init(&l, audio);
    assert_false(level_run(&l, 0));
    level_set(&l, 0, 1000);
    level_set(&l, frame * 10 + frame / 4, 2000);
    level_set(&l, frame * 20 + frame / 2, 0);
    pass(1 * MS);
    assert_true(level_run(&l, clock_now(vclk)));
    pass(50 * MS);
    assert_false(level_run(&l, clock_now(vclk)));
    pass(50 * MS);
    assert_int_equal(left_of(9), 1000);
    assert_in_range(left_of(10), 1745, 1755); /* three quarters of it */
    assert_int_equal(left_of(11), 2000);
    assert_in_range(left_of(20), 985, 1015);
    assert_int_equal(left_of(21), 0);
    level_clear(&l);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_as_given), T(test_formats),    T(test_gain),     T(test_mix),        T(test_starved),
        T(test_gaps),     T(test_rates),      T(test_no_alias), T(test_voice_rate), T(test_capture),
        T(test_wav),      T(test_wav_errors), T(test_level),
    };

    return unit_main(tests);
}
