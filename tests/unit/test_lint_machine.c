/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict mode in a whole machine: writes to ROM, and that what a device sees comes with the
 * instruction that did it. */
#include "tests/unit/machine_rig.h"

#include "tests/unit/lint_told.h"

static void test_rom_write(void **state)
{
    (void)state;
    told_begin();
    assert_int_equal(RUN(0x2e, 0xa0, 0x00, 0x00, /* mov al, cs:[0] */
                         0xa2, 0x00, 0x05,       /* mov [0x500], al */
                         EXIT(1)),
                     3);
    TOLD_NOTHING();
    assert_int_equal(RUN(0x2e, 0xa2, 0x00, 0x00, /* mov cs:[0], al */
                         EXIT(1)),
                     3);
    TOLD(ROM_WRITE, 1);
    told_end();
}

static void keep_first(void *opaque, const char *text)
{
    char **first = opaque;

    if (!*first && strstr(text, "cpu0"))
        *first = g_strdup(text);
}

static void test_place(void **state)
{
    char *line = NULL;

    (void)state;
    told_begin();
    assert_int_equal(RUN(OUT(0x20, 0x20), EXIT(1)), 3); /* an EOI to a bare 8259A */
    TOLD(PIC_INIT, 1);
    lint_tell(keep_first, &line);
    assert_non_null(line);
    assert_non_null(strstr(line, "pic-init: cpu0"));
    assert_non_null(strstr(line, "out 0x20, al"));
    g_free(line);
    told_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINE_TEST(test_rom_write),
        MACHINE_TEST(test_place),
    };

    return unit_main(tests);
}
