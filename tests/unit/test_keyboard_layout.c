/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which keys write a character (frontends/keyboard_layout.h). */
#include "tests/unit/unit.h"

#include "frontends/keyboard_layout.h"

static void one(const char *layout, gunichar c, enum pkey key, bool shift, bool altgr)
{
    struct key_stroke s[KEYBOARD_MAX_STROKES];

    assert_int_equal(keyboard_layout_type(keyboard_layout_find(layout), c, s), 1);
    assert_int_equal(s[0].key, key);
    assert_int_equal(s[0].shift, shift);
    assert_int_equal(s[0].altgr, altgr);
}

/* A dead key, then another. */
static void two(const char *layout, gunichar c, enum pkey dead, bool dead_shift, enum pkey key,
                bool shift)
{
    struct key_stroke s[KEYBOARD_MAX_STROKES];

    assert_int_equal(keyboard_layout_type(keyboard_layout_find(layout), c, s), 2);
    assert_int_equal(s[0].key, dead);
    assert_int_equal(s[0].shift, dead_shift);
    assert_int_equal(s[1].key, key);
    assert_int_equal(s[1].shift, shift);
}

static void test_us(void **state)
{
    (void)state;
    one("us", 'a', PKEY_A, false, false);
    one("us", 'Z', PKEY_Z, true, false);
    one("us", '|', PKEY_BACKSLASH, true, false);
    one("us", '~', PKEY_GRAVE, true, false);
    one("us", '?', PKEY_SLASH, true, false);
    one("us", ' ', PKEY_SPACE, false, false);
    one("us", '\n', PKEY_ENTER, false, false);
    one("us", '\t', PKEY_TAB, false, false);
}

static void test_de(void **state)
{
    (void)state;
    one("de", 'z', PKEY_Y, false, false);
    one("de", 'Y', PKEY_Z, true, false);
    one("de", '@', PKEY_Q, false, true);
    one("de", 0x20ac, PKEY_E, false, true);
    one("de", '{', PKEY_7, false, true);
    one("de", '}', PKEY_0, false, true);
    one("de", '\\', PKEY_MINUS, false, true);
    one("de", '~', PKEY_RIGHTBRACE, false, true);
    one("de", '|', PKEY_102ND, false, true);
    one("de", '<', PKEY_102ND, false, false);
    one("de", '/', PKEY_7, true, false);
    one("de", '#', PKEY_BACKSLASH, false, false);
    one("de", 0xdf, PKEY_MINUS, false, false);
    one("de", 0xe4, PKEY_APOSTROPHE, false, false);
    one("de", 0xd6, PKEY_SEMICOLON, true, false);
    one("de", 0xb5, PKEY_M, false, true);
    two("de", '^', PKEY_GRAVE, false, PKEY_SPACE, false);
    two("de", '`', PKEY_EQUAL, true, PKEY_SPACE, false);
    two("de", 0xe9, PKEY_EQUAL, false, PKEY_E, false);
    two("de", 0xc0, PKEY_EQUAL, true, PKEY_A, true);
}

static void test_fr(void **state)
{
    (void)state;
    one("fr", 'a', PKEY_Q, false, false);
    one("fr", 'q', PKEY_A, false, false);
    one("fr", 'M', PKEY_SEMICOLON, true, false);
    one("fr", '1', PKEY_1, true, false);
    one("fr", '&', PKEY_1, false, false);
    one("fr", '@', PKEY_0, false, true);
    one("fr", '#', PKEY_3, false, true);
    one("fr", '\\', PKEY_8, false, true);
    one("fr", '}', PKEY_EQUAL, false, true);
    one("fr", '.', PKEY_COMMA, true, false);
    one("fr", '/', PKEY_DOT, true, false);
    one("fr", 0xe9, PKEY_2, false, false);
    one("fr", 0xa7, PKEY_SLASH, true, false);
    two("fr", 0xea, PKEY_LEFTBRACE, false, PKEY_E, false);
    two("fr", 0xcf, PKEY_LEFTBRACE, true, PKEY_I, true);
}

static void test_gb(void **state)
{
    (void)state;
    one("gb", '"', PKEY_2, true, false);
    one("gb", '@', PKEY_APOSTROPHE, true, false);
    one("gb", '#', PKEY_BACKSLASH, false, false);
    one("gb", '\\', PKEY_102ND, false, false);
    one("gb", 0xa3, PKEY_3, true, false);
    one("gb", 0x20ac, PKEY_4, false, true);
}

/* All of ASCII, in each. */
static void test_ascii(void **state)
{
    struct key_stroke s[KEYBOARD_MAX_STROKES];

    (void)state;
    for (unsigned n = 0; keyboard_layout_names[n]; n++) {
        const struct keyboard_layout *l = keyboard_layout_find(keyboard_layout_names[n]);

        assert_non_null(l);
        for (gunichar c = ' '; c < 0x7f; c++) {
            if (!keyboard_layout_type(l, c, s))
                fail_msg("%s cannot write '%c'", keyboard_layout_names[n], (char)c);
        }
        assert_int_equal(keyboard_layout_type(l, 0x4e00, s), 0);
        assert_int_equal(keyboard_layout_type(l, 1, s), 0);
    }
    assert_null(keyboard_layout_find("xx"));
}

static void test_caps(void **state)
{
    struct key_stroke s[KEYBOARD_MAX_STROKES];

    (void)state;
    assert_int_equal(keyboard_layout_type(keyboard_layout_find("us"), 'a', s), 1);
    assert_true(s[0].caps);
    assert_int_equal(keyboard_layout_type(keyboard_layout_find("us"), '1', s), 1);
    assert_false(s[0].caps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_us), cmocka_unit_test(test_de),    cmocka_unit_test(test_fr),
        cmocka_unit_test(test_gb), cmocka_unit_test(test_ascii), cmocka_unit_test(test_caps),
    };

    return unit_main(tests);
}
