/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a machine's window does without a window: input on its way to the guest
 * (frontends/sdl/input.h), rates (meters.h), where the screen goes (screen.h), small pictures
 * (thumbnail.h). */
#include "tests/unit/unit.h"

#include <glib/gstdio.h>

#include "devices/input/input_router.h"
#include "frontends/sdl/input.h"
#include "frontends/sdl/meters.h"
#include "frontends/sdl/screen.h"
#include "frontends/sdl/thumbnail.h"

/* ---- input ---- */

static GString *heard;
static bool busy, taken = true, caps;

static bool op_lock(void *opaque)
{
    (void)opaque;
    return !busy;
}

static void op_unlock(void *opaque)
{
    (void)opaque;
}

static void op_key(void *opaque, enum pkey key, bool down)
{
    (void)opaque;
    g_string_append_printf(heard, "%c%u ", down ? '+' : '-', key);
}

static void op_release(void *opaque)
{
    (void)opaque;
    g_string_append(heard, "release ");
}

static void op_mouse(void *opaque, int dx, int dy, int wheel, unsigned buttons)
{
    (void)opaque;
    g_string_append_printf(heard, "(%d,%d,%d,%u) ", dx, dy, wheel, buttons);
}

static void op_place(void *opaque, int x, int y)
{
    (void)opaque;
    g_string_append_printf(heard, "[%d,%d] ", x, y);
}

static bool op_taken(void *opaque)
{
    (void)opaque;
    return taken;
}

static bool op_caps(void *opaque)
{
    (void)opaque;
    return caps;
}

static const struct input_ops ops = {op_lock,  op_unlock, op_key,   op_release,
                                     op_mouse, op_place,  op_taken, op_caps};
static struct input *in;

static int setup(void **state)
{
    (void)state;
    heard = g_string_new(NULL);
    busy = caps = false;
    taken = true;
    in = input_new(&ops, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    input_free(in);
    g_string_free(heard, TRUE);
    return 0;
}

static void hears(const char *fmt, ...)
{
    va_list ap;
    char *want;

    va_start(ap, fmt);
    want = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    assert_string_equal(heard->str, want);
    g_free(want);
    g_string_truncate(heard, 0);
}

/* While the guest holds the lock nothing is lost, and the order stays. */
static void test_input_waits(void **state)
{
    (void)state;
    busy = true;
    input_key(in, PKEY_A, true);
    input_mouse(in, 1, 2, 0, 0);
    input_mouse(in, 3, -1, 1, 0);
    input_mouse(in, 0, 0, 0, INPUT_LEFT);
    input_mouse(in, 0, 0, 0, 0);
    input_place(in, 5, 6);
    input_place(in, 7, 8); /* the last of them counts */
    input_mouse(in, 0, 0, 0, INPUT_RIGHT);
    input_place(in, 9, 8);
    input_key(in, PKEY_A, false);
    input_release_keys(in);
    input_tick(in);
    hears("");
    busy = false;
    input_tick(in);
    hears("+%u (4,1,1,0) (0,0,0,1) (0,0,0,0) [7,8] (0,0,0,2) [9,8] -%u release ", PKEY_A, PKEY_A);
    input_tick(in);
    hears("");
}

/* A guest that is slow to read its keyboard gets every key, and the mouse goes past them; for one
 * that never does no more than so many are kept. */
static void test_keys_wait(void **state)
{
    (void)state;
    taken = false;
    input_key(in, PKEY_A, true);
    input_key(in, PKEY_A, false);
    input_mouse(in, 1, 2, 0, 0);
    input_release_keys(in);
    input_tick(in);
    hears("(1,2,0,0) ");
    input_tick(in);
    hears("");
    taken = true;
    input_tick(in);
    hears("+%u -%u release ", PKEY_A, PKEY_A);
    taken = false;
    for (unsigned n = 0; n < 256; n++)
        input_key(in, PKEY_B, n % 2 == 0);
    input_tick(in);
    hears("");
    input_key(in, PKEY_A, true);
    input_tick(in);
    assert_true(heard->len > 257 * 3);
    g_string_truncate(heard, 0);
    input_tick(in);
    hears("");
}

static void test_chord(void **state)
{
    static const enum pkey keys[] = {PKEY_LEFTCTRL, PKEY_LEFTALT, PKEY_DELETE};

    (void)state;
    input_chord(in, keys, 3);
    input_tick(in);
    hears("+%u +%u +%u -%u -%u -%u ", PKEY_LEFTCTRL, PKEY_LEFTALT, PKEY_DELETE, PKEY_DELETE,
          PKEY_LEFTALT, PKEY_LEFTCTRL);
}

/* One keystroke at a time, when the guest has taken the one before. */
static void test_typing(void **state)
{
    const struct keyboard_layout *de = keyboard_layout_find("de");

    (void)state;
    assert_int_equal(input_type(in, de,
                                "a@\r\n\xe4\xb8\x80"
                                "A"),
                     1);
    assert_int_equal(input_typing(in), 4);
    input_tick(in);
    hears("+%u -%u ", PKEY_A, PKEY_A);
    taken = false;
    input_tick(in);
    hears("");
    taken = true;
    input_tick(in);
    hears("+%u +%u -%u -%u ", PKEY_RIGHTALT, PKEY_Q, PKEY_Q, PKEY_RIGHTALT);
    input_tick(in);
    hears("+%u -%u ", PKEY_ENTER, PKEY_ENTER);
    caps = true; /* an A without Shift, then */
    input_tick(in);
    hears("+%u -%u ", PKEY_A, PKEY_A);
    assert_int_equal(input_typing(in), 0);
    input_tick(in);
    hears("");
}

static void test_typing_stops(void **state)
{
    (void)state;
    input_type(in, keyboard_layout_find("us"), "abc");
    input_tick(in);
    hears("+%u -%u ", PKEY_A, PKEY_A);
    input_stop_typing(in);
    assert_int_equal(input_typing(in), 0);
    input_tick(in);
    hears("");
    input_type(in, keyboard_layout_find("us"), "\xff");
    assert_int_equal(input_typing(in), 0);
}

/* ---- meters ---- */

static void test_meters(void **state)
{
    static struct meters m;
    struct machine_counters c = {
        .instructions = 1000000, .has_io = true, .disk = 5, .sent = 3, .has_shadow = true};

    (void)state;
    assert_true(meters_due(&m, 1000000));
    assert_false(meters_take(&m, &c, 1000000)); /* the first is where the others begin */
    assert_false(meters_due(&m, 1000001));
    c.instructions += 50000000;
    c.tlb_fills = 100;
    c.disk = 6;
    assert_true(meters_take(&m, &c, 1500000));
    assert_float_equal(meter_rate(&m, METER_MIPS), 100, 0.01);
    assert_float_equal(meter_rate(&m, METER_TLB_FILLS), 200, 0.01);
    assert_float_equal(meter_rate(&m, METER_DISK), 2, 0.01);
    assert_true(m.disk);
    assert_false(m.sent || m.got || m.heard);
    assert_true(meter_there(&m, METER_FLUSHES));
    c.disk = c.sent = 0; /* they could not be read */
    c.has_io = false;
    c.sound = 1;
    assert_true(meters_take(&m, &c, 2000000));
    assert_false(m.disk || m.sent || m.got);
    assert_true(m.heard);
    c.has_io = true;
    c.disk = 6;
    c.sent = 4;
    c.passed = 9;
    c.has_shadow = false;
    assert_true(meters_take(&m, &c, 2500000));
    assert_false(m.disk || m.heard);
    assert_true(m.sent && m.got);
    assert_float_equal(meter_rate(&m, METER_NETWORK), 20, 0.01);
    assert_false(meter_there(&m, METER_FLUSHES));
    assert_true(meter_there(&m, METER_WALKS));
    assert_float_equal(m.rate[METER_MIPS][METERS_SAMPLES - 3], 100, 0.01);
    assert_float_equal(meter_rate(&m, METER_MIPS), 0, 0.01);
}

/* ---- the screen ---- */

static void placed(int room_w, int room_h, int w, int h, bool smooth, SDL_Rect want)
{
    SDL_Rect r = screen_place((SDL_Rect){10, 20, room_w, room_h}, w, h, smooth);

    assert_int_equal(r.x, want.x);
    assert_int_equal(r.y, want.y);
    assert_int_equal(r.w, want.w);
    assert_int_equal(r.h, want.h);
}

static void test_place(void **state)
{
    (void)state;
    placed(640, 480, 640, 480, false, (SDL_Rect){10, 20, 640, 480});
    placed(1300, 1000, 640, 480, false, (SDL_Rect){20, 40, 1280, 960});
    placed(1279, 1000, 640, 480, false, (SDL_Rect){10 + 319, 20 + 260, 640, 480});
    placed(1279, 1000, 640, 480, true, (SDL_Rect){10, 20 + 20, 1279, 959});
    placed(320, 1000, 640, 480, false, (SDL_Rect){10, 20 + 380, 320, 240});
    placed(1000, 240, 640, 480, false, (SDL_Rect){10 + 340, 20, 320, 240});
}

/* Each pixel of the window leads to the guest's below it, however the guest reads a place. */
static void pointed(int room_w, int room_h, int w, int h, bool smooth)
{
    const struct screen s = {.w = w, .h = h};
    SDL_Rect shown = screen_place((SDL_Rect){10, 20, room_w, room_h}, w, h, smooth);

    for (int x = 0; x < shown.w; x++) {
        int y = x % shown.h;
        SDL_Point p = screen_point(&s, shown, (SDL_Point){shown.x + x, shown.y + y}, INPUT_ABS_MAX);

        assert_in_range(p.x, 0, INPUT_ABS_MAX);
        assert_int_equal(p.x * (w - 1) / INPUT_ABS_MAX, x * w / shown.w);
        assert_int_equal(p.x * w / (INPUT_ABS_MAX + 1), x * w / shown.w);
        assert_int_equal(p.y * (h - 1) / INPUT_ABS_MAX, y * h / shown.h);
    }
}

static void test_point(void **state)
{
    const struct screen s = {.w = 640, .h = 480}, none = {.w = 0, .h = 0};
    const SDL_Rect shown = {100, 50, 640, 480};
    SDL_Point p;

    (void)state;
    pointed(640, 480, 640, 480, false);
    pointed(1300, 1000, 640, 480, false);
    pointed(2600, 1700, 1280, 800, true);
    pointed(1279, 1000, 640, 480, true);
    pointed(320, 1000, 640, 480, false); /* smaller than the picture */
    pointed(500, 311, 1280, 800, true);
    p = screen_point(&s, shown, (SDL_Point){0, 5000}, INPUT_ABS_MAX); /* outside */
    assert_int_equal(p.x, 0);
    assert_int_equal(p.y, INPUT_ABS_MAX);
    p = screen_point(&s, shown, (SDL_Point){739, 49}, INPUT_ABS_MAX);
    assert_int_equal(p.x, INPUT_ABS_MAX);
    assert_int_equal(p.y, 0);
    p = screen_point(&none, shown, (SDL_Point){300, 300}, INPUT_ABS_MAX); /* no picture yet */
    assert_int_equal(p.x, 0);
}

static void test_thumbnail(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("penumbra-desktop-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "a.png", NULL);
    static uint32_t pixels[480][640];
    struct vga_surface s = {.pixels = &pixels[0][0], .width = 640, .height = 480, .stride = 640};
    struct vga_surface none = {0};
    uint32_t *got;
    unsigned w, h;

    (void)state;
    for (unsigned y = 0; y < 480; y++) {
        for (unsigned x = 0; x < 640; x++)
            pixels[y][x] = x < 320 ? (x & 1 ? 0xff0000 : 0x000000) : 0x204060;
    }
    assert_true(thumbnail_write(path, &none, NULL)); /* nothing to show is no error */
    assert_null(thumbnail_read(path, &w, &h));
    assert_true(thumbnail_write(path, &s, NULL));
    got = thumbnail_read(path, &w, &h);
    assert_non_null(got);
    assert_int_equal(w, 320);
    assert_int_equal(h, 240);
    assert_int_equal(got[0] & 0xffffff, 0x7f0000);
    assert_int_equal(got[w - 1] & 0xffffff, 0x204060);
    g_free(got);
    assert_true(g_file_set_contents(path, "no picture", -1, NULL));
    assert_null(thumbnail_read(path, &w, &h));
    g_unlink(path);
    g_rmdir(dir);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_input_waits),
        CASE(test_keys_wait),
        CASE(test_chord),
        CASE(test_typing),
        CASE(test_typing_stops),
        cmocka_unit_test(test_meters),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_point),
        cmocka_unit_test(test_thumbnail),
    };

    return unit_main(tests);
}
