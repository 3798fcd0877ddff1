/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The router of input: who gets keys and the pointer, and that what is pressed is released there.
 */
#include "tests/unit/unit.h"

#include "devices/input/input_router.h"

/* A keyboard and a pointer that remember. */
struct thing {
    bool ready;
    enum pkey key;
    bool down;
    unsigned keys, held, moves;
    int x, y, wheel;
};

static bool is_ready(void *self)
{
    return ((struct thing *)self)->ready;
}

static void key(void *self, enum pkey k, bool down)
{
    struct thing *t = self;

    t->key = k;
    t->down = down;
    t->keys++;
}

static bool taken(void *self)
{
    return !((struct thing *)self)->keys;
}

static unsigned leds(void *self)
{
    return ((struct thing *)self)->held;
}

static void move(void *self, int x, int y)
{
    struct thing *t = self;

    t->x = x;
    t->y = y;
    t->moves++;
}

static void wheel(void *self, int detents)
{
    ((struct thing *)self)->wheel += detents;
}

static void buttons(void *self, unsigned held)
{
    ((struct thing *)self)->held = held;
}

#define KEYBOARD(t)                                                                                \
    {                                                                                              \
        .name = #t, .self = &(t), .ready = is_ready, .key = key, .taken = taken, .leds = leds      \
    }
#define POINTER(t, abs)                                                                            \
    {                                                                                              \
        .name = #t, .self = &(t), .absolute = (abs), .ready = is_ready, .move = move,              \
        .wheel = wheel, .buttons = buttons                                                         \
    }

static void test_keys(void **state)
{
    struct thing first = {.ready = true}, second = {.held = 5};
    struct input_keyboard a = KEYBOARD(first), b = KEYBOARD(second);
    struct input_router *r = input_router_new();

    (void)state;
    input_router_key(r, PKEY_A, true); /* nobody */
    assert_true(input_router_taken(r));
    assert_true(input_router_add_keyboard(r, &a) && input_router_add_keyboard(r, &b));
    input_router_key(r, PKEY_A, true);
    assert_int_equal(first.key, PKEY_A);
    assert_int_equal(second.keys, 0); /* its guest does not use it */
    second.ready = true;
    assert_int_equal(input_router_leds(r), 5);
    input_router_key(r, PKEY_B, true);
    assert_int_equal(second.key, PKEY_B);
    input_router_key(r, PKEY_A, false); /* where it went down */
    assert_true(first.keys == 2 && !first.down);
    assert_false(input_router_taken(r));
    input_router_release_keys(r);
    assert_true(second.keys == 2 && second.key == PKEY_B && !second.down);
    input_router_key(r, PKEY_C, true);
    input_router_remove_keyboard(r, &b);
    input_router_key(r, PKEY_C, false); /* of what is gone nothing is left */
    assert_int_equal(second.keys, 3);
    input_router_key(r, (enum pkey) - 1, true);
    input_router_key(r, PKEY_COUNT, true);
    assert_int_equal(first.keys, 3);
    input_router_free(r);
}

static void test_pointer(void **state)
{
    struct thing ps2 = {.ready = true}, usb = {0}, tablet = {0};
    struct input_pointer a = POINTER(ps2, false), b = POINTER(tablet, true),
                         c = POINTER(usb, false);
    struct input_router *r = input_router_new();

    (void)state;
    assert_false(input_router_absolute(r));
    input_router_buttons(r, INPUT_LEFT); /* nobody */
    assert_null(input_router_active(r));
    assert_true(input_router_add_pointer(r, &a) && input_router_add_pointer(r, &b) &&
                input_router_add_pointer(r, &c));
    input_router_place(r, 5, 6);
    assert_int_equal(tablet.moves, 0); /* lost: nobody is told places */
    input_router_move(r, 3, -4);
    assert_true(ps2.x == 3 && ps2.y == -4);
    input_router_buttons(r, INPUT_LEFT);
    assert_int_equal(ps2.held, INPUT_LEFT);

    tablet.ready = true; /* absolute ones come first, and what was held elsewhere is let go */
    assert_true(input_router_absolute(r));
    assert_ptr_equal(input_router_active(r), &b);
    input_router_buttons(r, INPUT_LEFT | INPUT_RIGHT);
    assert_int_equal(ps2.held, 0);
    assert_int_equal(tablet.held, INPUT_LEFT | INPUT_RIGHT);
    assert_int_equal(input_router_held(r), INPUT_LEFT | INPUT_RIGHT);
    input_router_place(r, 40000, -3);
    assert_true(tablet.x == INPUT_ABS_MAX && tablet.y == 0);
    input_router_wheel(r, 2);
    assert_int_equal(tablet.wheel, 2);

    usb.ready = true; /* the newer one of those that move */
    input_router_move(r, 1, 1);
    assert_true(usb.moves == 1 && ps2.moves == 1);
    assert_true(input_router_select(r, 0)); /* a person's choice */
    assert_false(input_router_absolute(r));
    input_router_move(r, 1, 1);
    assert_int_equal(ps2.moves, 2);
    input_router_place(r, 1, 2); /* still for one that can */
    assert_int_equal(tablet.x, 1);
    assert_false(input_router_select(r, 3));
    ps2.ready = false; /* as long as its guest uses it */
    assert_true(input_router_absolute(r));
    input_router_remove_pointer(r, &b);
    input_router_buttons(r, 0);
    assert_int_equal(tablet.held, INPUT_LEFT | INPUT_RIGHT); /* it is not spoken to any more */
    assert_ptr_equal(input_router_pointer(r, 1), &c);
    assert_null(input_router_pointer(r, 2));
    input_router_free(r);
}

static void test_room(void **state)
{
    struct thing t = {0};
    struct input_pointer p[INPUT_MAX + 1];
    struct input_router *r = input_router_new();

    (void)state;
    for (unsigned n = 0; n <= INPUT_MAX; n++) {
        p[n] = (struct input_pointer)POINTER(t, false);
        assert_int_equal(input_router_add_pointer(r, &p[n]), n < INPUT_MAX);
    }
    input_router_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_pointer),
        cmocka_unit_test(test_room),
    };
    return unit_main(tests);
}
