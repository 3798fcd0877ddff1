/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where interrupt lines meet (machine/irq_mux.h): sources of one interrupt are ORed, cut off, and
 * reach PIC and IO-APIC; and what an irq_line is (devices/irq.h). */
#include "tests/unit/chip.h"

#include "machine/irq_mux.h"

static struct irq_mux mux;
static struct probe_line pic[16], ioapic[IRQ_MUX_LINES];

static int setup(void **state)
{
    (void)state;
    irq_mux_init(&mux, NULL, NULL);
    memset(pic, 0, sizeof(pic));
    memset(ioapic, 0, sizeof(ioapic));
    for (unsigned n = 0; n < 16; n++)
        mux.pic[n] = probe_line(&pic[n]);
    for (unsigned n = 0; n < IRQ_MUX_LINES; n++)
        mux.ioapic[n] = probe_line(&ioapic[n]);
    return 0;
}

static void set(unsigned n, enum irq_source source, bool level)
{
    irq_set(irq_mux_input(&mux, n, source), level);
}

/* Exactly these inputs are high; -1: none. */
static void expect(int pic_high, int ioapic_high)
{
    for (int n = 0; n < 16; n++)
        assert_int_equal(pic[n].level, n == pic_high);
    for (int n = 0; n < IRQ_MUX_LINES; n++)
        assert_int_equal(ioapic[n].level, n == ioapic_high);
}

static void test_every_line(void **state)
{
    (void)state;
    for (unsigned n = 0; n < IRQ_MUX_LINES; n++) {
        for (unsigned s = 0; s < IRQ_SOURCES; s++) {
            set(n, (enum irq_source)s, true);
            expect(n < 16 ? (int)n : -1, n ? (int)n : 2); /* the MADT's override of interrupt 0 */
            set(n, (enum irq_source)s, false);
            expect(-1, -1);
        }
    }
    assert_int_equal(ioapic[0].rises, 0);
    assert_int_equal(ioapic[23].rises, IRQ_SOURCES);
}

static void test_sources_are_ored(void **state)
{
    (void)state;
    set(11, IRQ_CHIP, true);
    set(11, IRQ_PIRQ, true);
    set(11, IRQ_CHIP, false);
    expect(11, 11);
    assert_int_equal(pic[11].falls, 0);
    set(11, IRQ_PIRQ, true); /* again: nothing new */
    assert_int_equal(pic[11].rises, 1);
    set(11, IRQ_PIRQ, false);
    expect(-1, -1);
    assert_int_equal(pic[11].falls, 1);
    assert_int_equal(ioapic[11].rises, 1);
}

/* Interrupts 0 and 2 share an input of the IO-APIC: the level of one does not hide the other's. */
static void test_shared_input(void **state)
{
    (void)state;
    set(0, IRQ_CHIP, true);
    set(2, IRQ_TEST, true);
    set(2, IRQ_TEST, false);
    assert_true(ioapic[2].level);
    set(2, IRQ_TEST, true);
    set(0, IRQ_CHIP, false);
    assert_true(ioapic[2].level);
    set(2, IRQ_TEST, false);
    expect(-1, -1);
    assert_int_equal(ioapic[2].rises, 1);
}

static void test_gate(void **state)
{
    (void)state;
    set(8, IRQ_CHIP, true);
    irq_mux_gate(&mux, 8, IRQ_CHIP, true); /* counts as low at once */
    expect(-1, -1);
    set(8, IRQ_CHIP, false);
    set(8, IRQ_CHIP, true);
    expect(-1, -1);
    set(8, IRQ_HPET, true); /* only that source is cut off */
    expect(8, 8);
    set(8, IRQ_HPET, false);
    irq_mux_gate(&mux, 8, IRQ_CHIP, false); /* the level it has now */
    expect(8, 8);
    set(8, IRQ_CHIP, false);
    irq_mux_gate(&mux, 0, IRQ_CHIP, true);
    set(0, IRQ_CHIP, true);
    expect(-1, -1);
    irq_mux_gate(&mux, 0, IRQ_CHIP, false);
    expect(0, 2);
}

static void test_reset(void **state)
{
    (void)state;
    set(5, IRQ_CHIP, true);
    set(20, IRQ_HPET, true);
    set(0, IRQ_CHIP, true);
    irq_mux_gate(&mux, 8, IRQ_CHIP, true);
    irq_mux_reset(&mux);
    expect(-1, -1);
    set(8, IRQ_CHIP, true); /* let through again */
    expect(8, 8);
    set(5, IRQ_PIRQ, true); /* nothing of before is left over */
    set(5, IRQ_PIRQ, false);
    assert_false(pic[5].level);
}

static void test_lines(void **state)
{
    struct irq_line nowhere = {0};
    struct probe_line probe = {0};

    (void)state;
    irq_set(nowhere, true);
    irq_pulse(nowhere);
    irq_pulse(probe_line(&probe));
    assert_int_equal(probe.rises, 1);
    assert_int_equal(probe.falls, 1);
    assert_false(probe.level);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_line, setup),
        cmocka_unit_test_setup(test_sources_are_ored, setup),
        cmocka_unit_test_setup(test_shared_input, setup),
        cmocka_unit_test_setup(test_gate, setup),
        cmocka_unit_test_setup(test_reset, setup),
        cmocka_unit_test_setup(test_lines, setup),
    };
    return unit_main(tests);
}
