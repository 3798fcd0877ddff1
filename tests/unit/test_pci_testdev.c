/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI test device, driven by its protocol, and what pci_assign gives functions. */
#include "tests/unit/unit.h"

#include "devices/pci/pci_bus.h"
#include "devices/pci/pci_testdev.h"
#include "machine/pci_assign.h"

struct rig {
    struct bus *ports, *mmio;
    struct pci_bus *pci;
    struct pci_testdev *dev;
};

static const struct pci_windows windows = {.mem = 0xc0000000,
                                           .mem_end = 0xc0100000,
                                           .io = 0xc000,
                                           .io_end = 0xc300,
                                           .irq = {10, 10, 11, 11}};

static int setup(void **state)
{
    struct rig *r = g_new0(struct rig, 1);
    struct pci_bus_config cfg;
    struct pci_testdev_config dev = {.devfn = PCI_DEVFN(3, 0)};

    r->ports = bus_new("port", 0xffff);
    r->mmio = bus_new("memory", ~UINT64_C(0));
    cfg = (struct pci_bus_config){.ports = r->ports, .mmio = r->mmio};
    r->pci = pci_bus_new(&cfg, NULL);
    dev.bus = r->pci;
    r->dev = pci_testdev_new(&dev, NULL);
    *state = r;
    return r->dev ? 0 : -1;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    device_destroy(pci_testdev_device(r->dev));
    pci_bus_free(r->pci);
    bus_free(r->ports);
    bus_free(r->mmio);
    g_free(r);
    return 0;
}

static uint32_t config(struct rig *r, unsigned off)
{
    return pci_config_read(r->pci, 0, PCI_DEVFN(3, 0), off, 4);
}

static void test_identity(void **state)
{
    struct rig *r = *state;

    assert_int_equal(config(r, PCI_VENDOR_ID), 0x00051b36);
    assert_int_equal(config(r, PCI_REVISION), 0xff000000);
    assert_int_equal(config(r, PCI_BAR0), 0);
    assert_int_equal(config(r, PCI_BAR0 + 4), 1);
    assert_int_equal(config(r, PCI_INT_LINE), 0);
    pci_config_write(r->pci, 0, PCI_DEVFN(3, 0), PCI_BAR0, 0xffffffff, 4);
    assert_int_equal(config(r, PCI_BAR0), ~(PCI_TESTDEV_MEM_SIZE - 1));
}

static void string_at(struct bus *bus, uint64_t base, char *out, size_t room)
{
    size_t n = 0;

    do
        out[n] = (char)bus_read(bus, base + PCI_TESTDEV_NAME + n, 1);
    while (out[n] && ++n < room);
}

/* As a guest does: starts each test, writes what it is told to, and looks at the count. */
static unsigned all_tests(struct bus *bus, uint64_t base, const char *kind)
{
    unsigned n = 0;

    for (;; n++) {
        uint32_t offset, data;
        char name[64];

        bus_write(bus, base + PCI_TESTDEV_TEST, n, 1);
        assert_int_equal(bus_read(bus, base + PCI_TESTDEV_COUNT, 4), 0);
        if (bus_read(bus, base + PCI_TESTDEV_WIDTH, 1) != 1)
            break;
        offset = (uint32_t)bus_read(bus, base + PCI_TESTDEV_OFFSET, 4);
        data = (uint32_t)bus_read(bus, base + PCI_TESTDEV_DATA, 4);
        string_at(bus, base, name, sizeof(name));
        assert_true(g_str_has_prefix(name, kind));
        for (unsigned k = 0; k < 16; k++)
            bus_write(bus, base + offset, data, 1);
        assert_int_equal(bus_read(bus, base + PCI_TESTDEV_COUNT, 4), 16);
        bus_write(bus, base + offset, data ^ 1, 1); /* only one test takes any data */
        assert_int_equal(bus_read(bus, base + PCI_TESTDEV_COUNT, 4),
                         strstr(name, "wildcard") ? 17 : 16);
        bus_write(bus, base + offset + 8, data, 1);
        bus_write(bus, base + offset, data, 4);
        assert_in_range(bus_read(bus, base + PCI_TESTDEV_COUNT, 4), 16, 17);
    }
    return n;
}

static void test_protocol(void **state)
{
    struct rig *r = *state;
    uint64_t mem, io;

    pci_assign(r->pci, &windows);
    mem = config(r, PCI_BAR0);
    io = config(r, PCI_BAR0 + 4) & ~3u;
    assert_int_equal(mem, 0xc0000000);
    assert_int_equal(io, 0xc000);
    assert_int_equal(config(r, PCI_COMMAND) & 3, 3);
    assert_int_equal(bus_read(r->mmio, mem + PCI_TESTDEV_WIDTH, 1), 0); /* none runs */
    assert_int_equal(all_tests(r->mmio, mem, "mmio-"), PCI_TESTDEV_NUM_TESTS);
    assert_int_equal(all_tests(r->ports, io, "portio-"), PCI_TESTDEV_NUM_TESTS);
    bus_write(r->mmio, mem, 1, 1);
    assert_int_equal(bus_read(r->mmio, mem + PCI_TESTDEV_WIDTH, 1), 1);
    device_reset(pci_testdev_device(r->dev));
    assert_int_equal(config(r, PCI_BAR0), 0);
    assert_int_equal(bus_read(r->mmio, mem + PCI_TESTDEV_WIDTH, 1), 0xff); /* not there */
}

/* Another function with large and small BARs, one of them with an address already. */
static void test_assign(void **state)
{
    struct rig *r = *state;
    static const struct bus_ops ops = {0};
    struct pci_device nic;
    const uint8_t *c = nic.config;

    pci_device_init(&nic, "nic", 0x1af4, 0x1000, 0x020000, 0, 2, NULL);
    pci_bar_init(&nic, 0, false, 0x80000, &ops, NULL);
    pci_bar_init(&nic, 1, false, 0x100000, &ops, NULL); /* no room for both */
    pci_bar_init(&nic, 2, true, 32, &ops, NULL);
    pci_bar_init(&nic, 3, false, 16, &ops, NULL);
    assert_true(pci_attach(r->pci, &nic, PCI_DEVFN(4, 0), NULL));
    pci_config_write(r->pci, 0, PCI_DEVFN(4, 0), PCI_BAR0 + 12, 0xd0000000, 4);
    pci_assign(r->pci, &windows);
    assert_int_equal(pci_config_read(r->pci, 0, PCI_DEVFN(4, 0), PCI_BAR0 + 4, 4), 0xc0000000);
    assert_int_equal(pci_config_read(r->pci, 0, PCI_DEVFN(4, 0), PCI_BAR0, 4), 0);
    assert_int_equal(pci_config_read(r->pci, 0, PCI_DEVFN(4, 0), PCI_BAR0 + 8, 4), 0xc101);
    assert_int_equal(pci_config_read(r->pci, 0, PCI_DEVFN(4, 0), PCI_BAR0 + 12, 4), 0xd0000000);
    assert_int_equal(c[PCI_INT_LINE], 10);    /* INTB of slot 4: PIRQ (1 + 4 - 1) mod 4 */
    assert_int_equal(config(r, PCI_BAR0), 0); /* nothing left for the test device's memory */
    assert_int_equal(config(r, PCI_BAR0 + 4), 0xc001);
    assert_true(nic.bar[1].mapped && nic.bar[2].mapped && !nic.bar[0].mapped);
    pci_detach(&nic);
}

#define PCI_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {PCI_TEST(test_identity), PCI_TEST(test_protocol),
                                       PCI_TEST(test_assign)};

    return unit_main(tests);
}
