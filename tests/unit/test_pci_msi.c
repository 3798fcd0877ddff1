/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MSI and MSI-X of PCI functions (devices/pci/pci_msi.h). */
#include "tests/unit/unit.h"

#include "base/bits.h"
#include "devices/pci/pci_bus.h"
#include "devices/pci/pci_msi.h"

#define DEVFN   PCI_DEVFN(5, 0)
#define TABLE   0xe0000000u
#define PBA     (TABLE + 0x800)
#define VECTORS 40u

struct rig {
    struct bus *ports, *mmio;
    struct pci_bus *pci;
    struct pci_device dev;
    struct pci_msi msi;
    struct pci_msix msix;
    bool pirq[4];
    unsigned sent;
    uint64_t addr;
    uint32_t data;
};

static void pirq_set(void *opaque, int n, bool level)
{
    ((struct rig *)opaque)->pirq[n] = level;
}

static bool take(void *opaque, uint64_t addr, uint32_t data)
{
    struct rig *r = opaque;

    r->sent++;
    r->addr = addr;
    r->data = data;
    return true;
}

static uint32_t get(struct rig *r, unsigned off, unsigned size)
{
    return pci_config_read(r->pci, 0, DEVFN, off, size);
}

static void put(struct rig *r, unsigned off, uint32_t val, unsigned size)
{
    pci_config_write(r->pci, 0, DEVFN, off, val, size);
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct pci_bus_config config = {.msi = {r, take}};

    *state = r;
    config.ports = r->ports = bus_new("port", 0xffff);
    config.mmio = r->mmio = bus_new("mmio", 0xffffffffff);
    for (int n = 0; n < 4; n++)
        config.pirq[n] = (struct irq_line){pirq_set, r, n};
    r->pci = pci_bus_new(&config, NULL);
    pci_device_init(&r->dev, "test", 0x1234, 0x5678, 0x020000, 0, 1, r);
    pci_msi_init(&r->dev, &r->msi, 4);
    pci_msix_init(&r->dev, &r->msix, VECTORS, 1);
    assert_true(pci_attach(r->pci, &r->dev, DEVFN, NULL));
    pci_device_reset(&r->dev);
    put(r, PCI_BAR0 + 4, TABLE, 4);
    put(r, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    pci_bus_free(r->pci);
    bus_free(r->ports);
    bus_free(r->mmio);
    free(r);
    return 0;
}

static unsigned find(struct rig *r, uint8_t id)
{
    unsigned at = get(r, PCI_CAP_PTR, 1), steps = 0;

    assert_true(get(r, PCI_STATUS, 2) & PCI_STATUS_CAPS);
    while (at && get(r, at, 1) != id) {
        at = get(r, at + 1, 1);
        assert_true(steps++ < 8);
    }
    assert_true(at >= 0x40 && at % 4 == 0);
    return at;
}

/* Software finds both, and may write nothing else in them. */
static void test_capabilities(void **state)
{
    struct rig *r = *state;
    unsigned msi = find(r, 5), msix = find(r, 0x11);

    assert_int_equal(get(r, msi + 2, 2), 0x80 | 2 << 1); /* 64 bits, four vectors */
    assert_int_equal(get(r, msix + 2, 2), VECTORS - 1);
    assert_int_equal(get(r, msix + 4, 4), 1);
    assert_int_equal(get(r, msix + 8, 4), 0x801);
    put(r, msi, 0xffffffff, 4);
    assert_int_equal(get(r, msi + 2, 2), 0x80 | 2 << 1 | 0x71);
    assert_int_equal(get(r, msi, 1), 5);
    put(r, msi + 4, 0xffffffff, 4);
    assert_int_equal(get(r, msi + 4, 4), 0xfffffffc);
    put(r, msix, 0xffffffff, 4);
    assert_int_equal(get(r, msix + 2, 2), 0xc000 | (VECTORS - 1));
    put(r, msix + 4, 0xffffffff, 4);
    put(r, msix + 8, 0xffffffff, 4);
    assert_int_equal(get(r, msix + 4, 4), 1);
    assert_int_equal(get(r, msix + 8, 4), 0x801);
    pci_device_reset(&r->dev);
    assert_int_equal(get(r, msi + 2, 2), 0x80 | 2 << 1);
    assert_int_equal(get(r, msix + 2, 2), VECTORS - 1);
}

static void test_msi(void **state)
{
    struct rig *r = *state;
    unsigned cap = find(r, 5);

    pci_msi_send(&r->msi, 0);
    assert_int_equal(r->sent, 0);
    put(r, cap + 4, 0xfee03000, 4);
    put(r, cap + 8, 0x12, 4);
    put(r, cap + 12, 0x4167, 2);
    put(r, cap + 2, 1, 2); /* one vector: all are the same */
    for (unsigned n = 0; n < 4; n++) {
        pci_msi_send(&r->msi, n);
        assert_int_equal(r->sent, n + 1);
        assert_true(r->addr == 0x12fee03000);
        assert_int_equal(r->data, 0x4167);
    }
    put(r, cap + 2, 1 | 2 << 4, 2);
    for (unsigned n = 0; n < 6; n++) {
        pci_msi_send(&r->msi, n);
        assert_int_equal(r->data, 0x4164 + MIN(n, 3u));
    }
    put(r, cap + 2, 1 | 7 << 4, 2); /* reserved: no more than it has */
    pci_msi_send(&r->msi, 31);
    assert_int_equal(r->data, 0x4167);
    put(r, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    r->sent = 0;
    pci_msi_send(&r->msi, 0);
    assert_int_equal(r->sent, 0);
}

static void entry(struct rig *r, unsigned n, uint32_t addr, uint32_t data, bool mask)
{
    bus_write(r->mmio, TABLE + 16 * n, addr, 4);
    bus_write(r->mmio, TABLE + 16 * n + 4, 0, 4);
    bus_write(r->mmio, TABLE + 16 * n + 8, data, 4);
    bus_write(r->mmio, TABLE + 16 * n + 12, mask, 4);
}

static void test_msix(void **state)
{
    struct rig *r = *state;
    unsigned cap = find(r, 0x11);

    for (unsigned n = 0; n < VECTORS; n++) {
        assert_int_equal(bus_read(r->mmio, TABLE + 16 * n + 12, 4), 1);
        entry(r, n, 0xfee00000 + (n << 12), 0x4000 + n, n == 7);
    }
    pci_msix_send(&r->msix, 3);
    assert_int_equal(r->sent, 0); /* not enabled, and not remembered */
    put(r, cap + 2, 0x8000, 2);
    assert_int_equal(r->sent, 0);
    pci_msix_send(&r->msix, 3);
    assert_int_equal(r->sent, 1);
    assert_true(r->addr == 0xfee03000 && r->data == 0x4003);
    pci_msix_send(&r->msix, VECTORS);
    pci_msix_send(&r->msix, ~0u);
    assert_int_equal(r->sent, 1);
    /* masked by itself, then all */
    pci_msix_send(&r->msix, 7);
    assert_int_equal(r->sent, 1);
    assert_int_equal(bus_read(r->mmio, PBA, 4), 1 << 7);
    entry(r, 7, 0xfee07000, 0x77, false);
    assert_int_equal(r->sent, 2);
    assert_int_equal(r->data, 0x77);
    assert_int_equal(bus_read(r->mmio, PBA, 8), 0);
    put(r, cap + 2, 0xc000, 2);
    pci_msix_send(&r->msix, 39);
    pci_msix_send(&r->msix, 1);
    pci_msix_send(&r->msix, 1);
    assert_int_equal(r->sent, 2);
    assert_true(bus_read(r->mmio, PBA, 8) == (UINT64_C(1) << 39 | 2));
    assert_int_equal(bus_read(r->mmio, PBA + 4, 4), 1 << 7);
    put(r, cap + 2, 0x8000, 2);
    assert_int_equal(r->sent, 4); /* each once */
    assert_int_equal(bus_read(r->mmio, PBA, 8), 0);
}

/* 6.8.2: what lies beside the table answers, and changes nothing. */
static void test_msix_bar(void **state)
{
    struct rig *r = *state;

    put(r, find(r, 0x11) + 2, 0x8000, 2);
    bus_write(r->mmio, TABLE, 0x1122334455667788, 8);
    assert_true(bus_read(r->mmio, TABLE, 8) == 0x1122334455667788);
    bus_write(r->mmio, TABLE + 12, 0xfffffffe, 4);
    assert_int_equal(bus_read(r->mmio, TABLE + 12, 4), 0);
    bus_write(r->mmio, TABLE + 0, 0xff, 1); /* narrower than a doubleword: refused */
    assert_true(bus_read(r->mmio, TABLE, 8) == 0x1122334455667788);
    bus_write(r->mmio, PBA, 0xffffffff, 4);
    bus_write(r->mmio, TABLE + 0xffc, 0xffffffff, 4);
    bus_write(r->mmio, TABLE + 16 * VECTORS, 0xffffffff, 4);
    for (unsigned off = 16 * VECTORS; off < 0x1000; off += 4)
        assert_int_equal(bus_read(r->mmio, TABLE + off, 4), 0);
    assert_int_equal(r->sent, 0);
    pci_device_reset(&r->dev);
    assert_int_equal(r->msix.table[0][12], 1);
    assert_int_equal(r->msix.table[0][0], 0);
    assert_int_equal(r->msix.pending, 0);
}

/* 6.8.2: with either enabled, the function's INTx is silent. */
static void test_intx(void **state)
{
    struct rig *r = *state;
    unsigned cap[2] = {find(r, 5), find(r, 0x11)};
    unsigned pirq = (0 + 5 - 1) % 4;

    for (unsigned k = 0; k < 2; k++) {
        pci_set_intx(&r->dev, true);
        assert_true(r->pirq[pirq]);
        put(r, cap[k] + 2, k ? 0x8000 : 1, 2);
        assert_false(r->pirq[pirq]);
        assert_true(get(r, PCI_STATUS, 2) & PCI_STATUS_INTX);
        pci_set_intx(&r->dev, false);
        pci_set_intx(&r->dev, true);
        assert_false(r->pirq[pirq]);
        put(r, cap[k] + 2, 0, 2);
        assert_true(r->pirq[pirq]);
        pci_set_intx(&r->dev, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_capabilities, setup, teardown),
        cmocka_unit_test_setup_teardown(test_msi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_msix, setup, teardown),
        cmocka_unit_test_setup_teardown(test_msix_bar, setup, teardown),
        cmocka_unit_test_setup_teardown(test_intx, setup, teardown),
    };
    return unit_main(tests);
}
