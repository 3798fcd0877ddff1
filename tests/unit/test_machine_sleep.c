/* SPDX-License-Identifier: GPL-2.0-or-later */
/* S3 of a whole machine: asleep until an event that the guest enabled, then firmware from the reset
 * vector; and what else may be asked of a machine that sleeps. */
#include "tests/unit/machine_rig.h"

#include "devices/pc/acpi_pm.h"
#include "machine/board.h"

#define OUTW(port, v) 0xba, (port)&0xff, (port) >> 8, 0xb8, (v)&0xff, (v) >> 8, 0xef

/* Firmware that counts its lives at 0x500. Where the CMOS memory says that it slept (byte 0x0f), it
 * ends with their number; else it has the power button wake it, and sleeps. */
#define SLEEPER                                                                                    \
    0xfe, 0x06, 0x00, 0x05,                 /* inc byte [0x500] */                                 \
        0xb0, 0x0f, 0xe6, 0x70, 0xe4, 0x71, /* CMOS byte 0x0f */                                   \
        0x3c, 0xfe, 0x74, 0x3d,             /* cmp al, 0xfe; je over the sleep */                  \
        PM_INIT, OUTW(0x602, 0x100), OUTW(0x604, 0x2400), FOREVER, 0xba, 0x01, 0x05, 0xa0, 0x00,   \
        0x05, 0xee, FOREVER /* out 0x501, [0x500] */

static const uint8_t sleeper[] = {SLEEPER};

static bool asleep(void)
{
    bool is;

    lock_take(&lock);
    is = acpi_pm_asleep(machine_board(machine)->pm);
    lock_drop(&lock);
    return is;
}

static unsigned resets;

static void note(void *opaque, const struct machine_note *n)
{
    (void)opaque;
    resets += n->event == MACHINE_EVENT_RESET;
}

static void start_and_sleep(void)
{
    build(sleeper, sizeof(sleeper));
    resets = 0;
    machine_listen(machine, note, NULL);
    start();
    while (!asleep())
        g_usleep(1000);
}

static void test_button(void **state)
{
    (void)state;
    start_and_sleep();
    machine_power_button(machine);
    wait_end();
    assert_int_equal(machine_exit_status(machine), 2 << 1 | 1);
    assert_int_equal(resets, 0); /* waking is none */
}

/* It sleeps on through a pause, and is woken when it may run. */
static void test_pause(void **state)
{
    (void)state;
    start_and_sleep();
    machine_pause(machine);
    assert_true(machine_paused(machine));
    machine_resume(machine);
    assert_true(asleep());
    machine_pause(machine);
    machine_power_button(machine);
    assert_int_equal(machine_exit_status(machine), -1);
    machine_resume(machine);
    wait_end();
    assert_int_equal(machine_exit_status(machine), 2 << 1 | 1);
}

static void count(void *opaque)
{
    ++*(unsigned *)opaque;
}

/* A reset is a new life, and not the end of the sleep. */
static void test_reset(void **state)
{
    unsigned visits = 0;

    (void)state;
    start_and_sleep();
    assert_true(machine_while_stopped(machine, count, &visits));
    assert_int_equal(visits, 1);
    assert_true(asleep());
    machine_reset(machine);
    while (!resets) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
    while (!asleep())
        g_usleep(1000);
    machine_power_button(machine);
    wait_end();
    assert_int_equal(machine_exit_status(machine), 3 << 1 | 1);
}

static void test_quit(void **state)
{
    (void)state;
    start_and_sleep();
    machine_quit(machine, 5);
    wait_end();
    assert_int_equal(machine_exit_status(machine), 5);
}

static void test_free_asleep(void **state)
{
    (void)state;
    start_and_sleep();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINE_TEST(test_button),    MACHINE_TEST(test_pause),       MACHINE_TEST(test_reset),
        MACHINE_TEST(test_quit),      MACHINE_TEST(test_free_asleep), MACHINE_TEST_SMP(test_button),
        MACHINE_TEST_SMP(test_pause), MACHINE_TEST_SMP(test_reset),
    };

    return unit_main(tests);
}
