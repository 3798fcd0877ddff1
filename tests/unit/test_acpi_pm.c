/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PIIX4 power management and SMBus (devices/pc/acpi_pm.h), through configuration space and ports.
 */
#include "tests/unit/unit.h"

#include "devices/pc/acpi_pm.h"

struct rig {
    struct bus *ports, *mmio;
    struct pci_bus *pci;
    struct vclock *clock;
    struct acpi_pm *pm;
    bool sci;
    unsigned offs, smis, sleeps, wakes;
};

static void sci_set(void *opaque, int n, bool level)
{
    (void)n;
    ((struct rig *)opaque)->sci = level;
}

static void power_off(void *opaque)
{
    ((struct rig *)opaque)->offs++;
}

static void suspend(void *opaque)
{
    ((struct rig *)opaque)->sleeps++;
}

static void wake(void *opaque)
{
    ((struct rig *)opaque)->wakes++;
}

static void smi(void *opaque)
{
    ((struct rig *)opaque)->smis++;
}

#define FN PCI_DEVFN(1, 3)
#define PM 0x600

static struct rig *rig_new(bool with_smm)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct pci_bus_config bus = {0};
    struct acpi_pm_config config = {.sci = {sci_set, r, 9},
                                    .opaque = r,
                                    .power_off = power_off,
                                    .suspend = suspend,
                                    .wake = wake};

    bus.ports = config.ports = r->ports = bus_new("port", 0xffff);
    bus.mmio = r->mmio = bus_new("mmio", 0xffffffff);
    config.bus = r->pci = pci_bus_new(&bus, NULL);
    config.clock = r->clock = clock_new_manual();
    config.smi = with_smm ? smi : NULL;
    r->pm = acpi_pm_new(&config, NULL);
    assert_non_null(r->pm);
    return r;
}

/* As SeaBIOS does it. */
static void program(struct rig *r)
{
    pci_config_write(r->pci, 0, FN, 0x40, PM | 1, 4);
    pci_config_write(r->pci, 0, FN, 0x80, 1, 1);
    pci_config_write(r->pci, 0, FN, 0x90, 0x700 | 1, 4);
    pci_config_write(r->pci, 0, FN, 0xd2, 0x09, 1);
    pci_config_write(r->pci, 0, FN, PCI_COMMAND, 0x103, 2);
}

static int setup(void **state)
{
    *state = rig_new(true);
    program(*state);
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    device_destroy(acpi_pm_device(r->pm));
    pci_bus_free(r->pci);
    bus_free(r->ports);
    bus_free(r->mmio);
    clock_free(r->clock);
    free(r);
    return 0;
}

static void out(struct rig *r, uint16_t port, uint32_t val, unsigned size)
{
    bus_write(r->ports, port, val, size);
}

static uint32_t in(struct rig *r, uint16_t port, unsigned size)
{
    return (uint32_t)bus_read(r->ports, port, size);
}

static void test_config(void **state)
{
    struct rig *r = *state;

    assert_int_equal(pci_config_read(r->pci, 0, FN, 0, 4), 0x71138086);
    assert_int_equal(pci_config_read(r->pci, 0, FN, PCI_CLASS, 2), 0x0680);
    assert_int_equal(pci_config_read(r->pci, 0, FN, 0x40, 4), PM | 1);
    assert_int_equal(pci_config_read(r->pci, 0, FN, 0x90, 4), 0x701);
    pci_config_write(r->pci, 0, FN, 0x40, 0xffffffff, 4);
    assert_int_equal(pci_config_read(r->pci, 0, FN, 0x40, 4), 0xffc1);
    assert_null(bus_find(r->ports, PM));
    pci_config_write(r->pci, 0, FN, 0x40, 0xb000, 4);
    assert_non_null(bus_find(r->ports, 0xb03f));
    assert_int_equal(acpi_pm_base(r->pm), 0xb000);
    pci_config_write(r->pci, 0, FN, 0x80, 0, 1);
    assert_null(bus_find(r->ports, 0xb000));
    assert_int_equal(acpi_pm_base(r->pm), 0);
    /* onto another device's ports: refused, survived, and possible to take back */
    pci_config_write(r->pci, 0, FN, 0x40, 0x0cc0, 4);
    pci_config_write(r->pci, 0, FN, 0x80, 1, 1);
    assert_null(bus_find(r->ports, 0x0cc0));
    pci_config_write(r->pci, 0, FN, 0x40, PM, 4);
    assert_non_null(bus_find(r->ports, PM));
    device_reset(acpi_pm_device(r->pm));
    assert_null(bus_find(r->ports, PM));
    assert_null(bus_find(r->ports, 0x700));
    acpi_pm_set_bases(r->pm);
    assert_non_null(bus_find(r->ports, PM));
    assert_non_null(bus_find(r->ports, 0x70f));
}

static void test_timer(void **state)
{
    struct rig *r = *state;

    clock_advance_to(r->clock, NS_PER_SEC);
    assert_int_equal(in(r, PM + 8, 4), 3579545);
    clock_advance_to(r->clock, 10 * NS_PER_SEC);
    assert_int_equal(in(r, PM + 8, 4), 35795450 & 0xffffff);
    assert_int_equal(in(r, PM + 9, 1), (35795450 >> 8) & 0xff);
    out(r, PM + 8, 0, 4);
    assert_int_equal(in(r, PM + 8, 4), 35795450 & 0xffffff);
}

/* The status bit follows changes of bit 23: every 2^23 ticks, 2.343484 s. */
static void test_timer_overflow(void **state)
{
    struct rig *r = *state;

    assert_int_equal(in(r, PM, 2) & 1, 0);
    clock_advance_to(r->clock, 2343484000);
    assert_int_equal(in(r, PM, 2) & 1, 0);
    clock_advance_to(r->clock, 2343485000);
    assert_int_equal(in(r, PM, 2) & 1, 1);
    out(r, PM, 1, 2);
    assert_int_equal(in(r, PM, 2) & 1, 0);
    /* with its interrupt: the SCI comes by itself */
    out(r, PM + 4, 1, 2);
    out(r, PM + 2, 1, 2);
    assert_false(r->sci);
    clock_advance_to(r->clock, 4687000000);
    assert_true(r->sci);
    out(r, PM, 1, 2);
    assert_false(r->sci);
    clock_advance_to(r->clock, 3 * INT64_C(2343484437) + 1000);
    assert_true(r->sci);
    out(r, PM + 4, 0, 2);
    assert_false(r->sci);
}

static void test_power_button(void **state)
{
    struct rig *r = *state;

    acpi_pm_power_button(r->pm);
    assert_int_equal(in(r, PM, 2), 0x100);
    assert_false(r->sci);
    out(r, PM + 4, 1, 2);
    assert_false(r->sci);
    out(r, PM + 2, 0x100, 2);
    assert_true(r->sci);
    assert_int_equal(in(r, PM, 4), 0x01000100);
    out(r, PM, 0xfeff, 2);
    assert_true(r->sci);
    out(r, PM, 0x100, 2);
    assert_false(r->sci);
}

static void test_gpe(void **state)
{
    struct rig *r = *state;

    out(r, PM + 4, 1, 2);
    acpi_pm_gpe(r->pm, 9);
    assert_int_equal(in(r, PM + 0x0c, 2), 0x200);
    assert_false(r->sci);
    out(r, PM + 0x0f, 0x02, 1); /* ACPICA accesses it by bytes */
    assert_true(r->sci);
    out(r, PM + 0x0d, 0x02, 1);
    assert_false(r->sci);
    assert_int_equal(in(r, PM + 0x0c, 4), 0x02000000);
}

static void test_soft_off(void **state)
{
    struct rig *r = *state;

    out(r, PM + 4, 5 << 10 | 1 << 13, 2); /* "working": nothing */
    out(r, PM + 4, 1 << 10 | 1 << 13, 2); /* suspend to RAM: not offered */
    out(r, PM + 4, 0x0001, 2);
    assert_int_equal(r->offs, 0);
    out(r, PM + 4, 0x2001, 2);
    assert_int_equal(r->offs, 1);
    assert_int_equal(in(r, PM + 4, 2), 1); /* the start bit reads as zero */
    out(r, PM + 5, 0x20, 1);
    assert_int_equal(r->offs, 2);
}

static void test_smi_command(void **state)
{
    struct rig *r = *state, *direct;
    uint32_t act;
    void *p;

    out(r, 0xb3, 0x42, 1);
    assert_int_equal(in(r, 0xb3, 1), 0x42);
    /* no handler installed yet: the commands themselves */
    out(r, 0xb2, 0xf1, 1);
    assert_int_equal(r->smis, 0);
    assert_int_equal(in(r, PM + 4, 2), 1);
    out(r, 0xb2, 0xf0, 1);
    assert_int_equal(in(r, PM + 4, 2), 0);
    act = pci_config_read(r->pci, 0, FN, 0x58, 4);
    assert_int_equal(act & 1 << 25, 0);
    pci_config_write(r->pci, 0, FN, 0x58, act | 1 << 25, 4);
    out(r, 0xb2, 0xf1, 1);
    assert_int_equal(r->smis, 1);
    assert_int_equal(in(r, 0xb2, 1), 0xf1);
    assert_int_equal(in(r, PM + 4, 2), 1); /* the chip's doing, with a handler or without */
    /* a board without SMM tells firmware that all is done */
    p = direct = rig_new(false);
    assert_int_equal(pci_config_read(direct->pci, 0, FN, 0x58, 4), 1 << 25);
    program(direct);
    out(direct, 0xb2, 0xf1, 1);
    assert_int_equal(in(direct, PM + 4, 2), 1);
    teardown(&p);
}

/* As Linux's i2c-piix4 does a quick command to a device that is not there. */
static void test_smbus(void **state)
{
    struct rig *r = *state;

    assert_int_equal(in(r, 0x700, 1), 0);
    out(r, 0x704, 0x50 << 1, 1);
    out(r, 0x702, 0x00, 1);
    out(r, 0x702, in(r, 0x702, 1) | 0x40, 1);
    assert_int_equal(in(r, 0x700, 1), 0x04); /* not busy, device error */
    assert_int_equal(in(r, 0x702, 1), 0x00);
    assert_false(r->sci);
    out(r, 0x700, 0x04, 1);
    assert_int_equal(in(r, 0x700, 1), 0);
    /* with the interrupt, on IRQ 9 as SMBHSTCFG says */
    out(r, 0x702, 0x41, 1);
    assert_true(r->sci);
    out(r, 0x700, 0xff, 1);
    assert_false(r->sci);
    /* the block buffer wraps and starts over when the control register is read */
    for (unsigned k = 0; k < 40; k++)
        out(r, 0x707, k, 1);
    in(r, 0x702, 1);
    assert_int_equal(in(r, 0x707, 1), 32);
    assert_int_equal(in(r, 0x707, 1), 33);
    pci_config_write(r->pci, 0, FN, 0xd2, 0, 1);
    assert_null(bus_find(r->ports, 0x700));
}

static void test_odd_accesses(void **state)
{
    struct rig *r = *state;
    uint32_t x = 1;

    out(r, PM + 2, 0x521, 2);
    assert_int_equal(in(r, PM + 1, 4), 0x00052100);
    for (unsigned k = 0; k < 100000; k++) {
        x = x * 1664525 + 1013904223;
        if (k % 2)
            in(r, PM + (x >> 10) % 0x50, 1u << (x >> 28) % 3);
        else
            out(r, PM + (x >> 10) % 0x50, x >> 5, 1u << (x >> 28) % 3);
    }
}

/* S3 (ACPI 4.8.3): what is enabled wakes, once it has been entered; what is not, does not. */
static void test_suspend(void **state)
{
    struct rig *r = *state;

    out(r, PM + 2, 0x400, 2);  /* RTC_EN */
    out(r, PM + 4, 0x0400, 2); /* SLP_TYP alone */
    assert_int_equal(r->sleeps, 0);
    acpi_pm_rtc_alarm(r->pm);
    assert_int_equal(r->wakes, 0); /* awake */
    assert_int_equal(in(r, PM, 2) & 0x400, 0x400);
    out(r, PM, 0x400, 2);
    out(r, PM + 4, 0x2400, 2);
    assert_int_equal(r->sleeps, 1);
    assert_int_equal(r->offs, 0);
    assert_true(acpi_pm_asleep(r->pm));
    acpi_pm_power_button(r->pm); /* not enabled */
    assert_int_equal(r->wakes, 0);
    acpi_pm_rtc_alarm(r->pm);
    assert_int_equal(r->wakes, 1);
    assert_int_equal(acpi_pm_wake_status(r->pm), 0x500);
    device_reset(acpi_pm_device(r->pm));
    program(r);
    assert_false(acpi_pm_asleep(r->pm));
    acpi_pm_woken(r->pm, 0x400);
    assert_int_equal(in(r, PM, 2) & 0x8500, 0x8400); /* WAK_STS */
    out(r, PM, 0x8000, 2);
    assert_int_equal(in(r, PM, 2) & 0x8500, 0x0400);
    out(r, PM + 2, 0x400, 2);
    out(r, PM + 4, 0x2400, 2); /* with the event standing: woken at once */
    assert_int_equal(r->sleeps, 2);
    assert_int_equal(r->wakes, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_config, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timer_overflow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_power_button, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gpe, setup, teardown),
        cmocka_unit_test_setup_teardown(test_soft_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_suspend, setup, teardown),
        cmocka_unit_test_setup_teardown(test_smi_command, setup, teardown),
        cmocka_unit_test_setup_teardown(test_smbus, setup, teardown),
        cmocka_unit_test_setup_teardown(test_odd_accesses, setup, teardown),
    };
    return unit_main(tests);
}
