/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The i440FX host bridge and the PIIX3 ISA bridge (devices/pci/i440fx.h, piix3.h). */
#include "tests/unit/unit.h"

#include "devices/pci/i440fx.h"
#include "devices/pci/piix3.h"

struct rig {
    struct bus *ports, *mmio;
    struct pci_bus *pci;
    struct i440fx *pmc;
    struct piix3 *piix3;
    bool pam_read[64], pam_write[64]; /* by 16 KiB page of the first MiB */
    unsigned pam_calls;
    bool open, enabled, locked;
    bool isa[16];
    unsigned hard, soft;
};

static void pam_changed(void *opaque, uint32_t start, uint32_t len, bool rd, bool wr)
{
    struct rig *r = opaque;

    r->pam_calls++;
    assert_true(start >= 0xc0000 && start + len <= 0x100000);
    for (uint32_t p = start >> 14; p < (start + len) >> 14; p++) {
        r->pam_read[p] = rd;
        r->pam_write[p] = wr;
    }
}

static void smram_changed(void *opaque, bool open, bool enabled, bool locked)
{
    struct rig *r = opaque;

    r->open = open;
    r->enabled = enabled;
    r->locked = locked;
}

static void isa_set(void *opaque, int n, bool level)
{
    ((struct rig *)opaque)->isa[n] = level;
}

static void reset_hook(void *opaque, bool hard)
{
    struct rig *r = opaque;

    r->hard += hard;
    r->soft += !hard;
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct pci_bus_config bus = {0};
    struct i440fx_config pmc = {.ram_size = 300u << 20,
                                .opaque = r,
                                .pam_changed = pam_changed,
                                .smram_changed = smram_changed};
    struct piix3_config piix3 = {.opaque = r, .reset = reset_hook};

    *state = r;
    bus.ports = r->ports = bus_new("port", 0xffff);
    bus.mmio = r->mmio = bus_new("mmio", 0xffffffff);
    pmc.bus = piix3.bus = r->pci = pci_bus_new(&bus, NULL);
    for (int n = 0; n < 16; n++)
        piix3.isa[n] = (struct irq_line){isa_set, r, n};
    r->pmc = i440fx_new(&pmc, NULL);
    r->piix3 = piix3_new(&piix3, NULL);
    assert_non_null(r->pmc);
    assert_non_null(r->piix3);
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    device_destroy(i440fx_device(r->pmc));
    device_destroy(piix3_device(r->piix3));
    pci_bus_free(r->pci);
    bus_free(r->ports);
    bus_free(r->mmio);
    free(r);
    return 0;
}

static uint32_t cfg_read(struct rig *r, uint8_t devfn, unsigned off, unsigned size)
{
    return pci_config_read(r->pci, 0, devfn, off, size);
}

static void cfg_write(struct rig *r, uint8_t devfn, unsigned off, uint32_t val, unsigned size)
{
    pci_config_write(r->pci, 0, devfn, off, val, size);
}

static void test_ids(void **state)
{
    struct rig *r = *state;

    assert_int_equal(cfg_read(r, 0, 0, 4), 0x12378086);
    assert_int_equal(cfg_read(r, 0, PCI_REVISION, 4), 0x06000002);
    /* what SeaBIOS takes its board for */
    assert_int_equal(cfg_read(r, 0, PCI_SUBSYS_VENDOR, 4), 0x11001af4);
    assert_int_equal(cfg_read(r, PCI_DEVFN(1, 0), 0, 4), 0x70008086);
    assert_int_equal(cfg_read(r, PCI_DEVFN(1, 0), PCI_CLASS, 2), 0x0601);
    /* 300 MiB: rows of 128, 128 and 40 in units of 8 MiB */
    assert_int_equal(cfg_read(r, 0, 0x60, 4), 0x25252010);
    assert_int_equal(cfg_read(r, 0, 0x67, 1), 0x25);
}

static void test_pam(void **state)
{
    struct rig *r = *state;

    assert_int_equal(r->pam_calls, 13); /* told everything at reset */
    assert_false(r->pam_read[0xf0000 >> 14]);
    /* as SeaBIOS opens them: PAM0 is the BIOS segment, the rest two 16 KiB segments each */
    cfg_write(r, 0, 0x59, 0x30, 1);
    for (unsigned p = 0xf0000 >> 14; p < 0x100000 >> 14; p++)
        assert_true(r->pam_read[p] && r->pam_write[p]);
    assert_false(r->pam_read[0xec000 >> 14]);
    assert_int_equal(r->pam_calls, 14);
    cfg_write(r, 0, 0x5a, 0x21, 1);
    assert_true(r->pam_read[0xc0000 >> 14] && !r->pam_write[0xc0000 >> 14]);
    assert_true(!r->pam_read[0xc4000 >> 14] && r->pam_write[0xc4000 >> 14]);
    cfg_write(r, 0, 0x5c, 0x33333333, 4);
    assert_true(r->pam_write[0xd0000 >> 14] && r->pam_write[0xec000 >> 14]);
    /* the low half of PAM0 does not exist */
    cfg_write(r, 0, 0x59, 0xff, 1);
    assert_int_equal(cfg_read(r, 0, 0x59, 1), 0xf0);
    device_reset(i440fx_device(r->pmc));
    for (unsigned p = 0xc0000 >> 14; p < 0x100000 >> 14; p++)
        assert_false(r->pam_read[p] || r->pam_write[p]);
    assert_int_equal(cfg_read(r, 0, 0, 4), 0x12378086);
    i440fx_open_shadow(r->pmc);
    for (unsigned p = 0xc0000 >> 14; p < 0x100000 >> 14; p++)
        assert_true(r->pam_read[p] && r->pam_write[p]);
    assert_int_equal(cfg_read(r, 0, 0x59, 1), 0x30);
}

static void test_smram(void **state)
{
    struct rig *r = *state;

    assert_int_equal(cfg_read(r, 0, 0x72, 1), 0x02);
    cfg_write(r, 0, 0x72, 0x4a, 1);
    assert_true(r->open && r->enabled && !r->locked);
    cfg_write(r, 0, 0x72, 0x0a, 1);
    assert_true(!r->open && r->enabled);
    /* the lock closes it and holds until reset */
    cfg_write(r, 0, 0x72, 0x5a, 1);
    assert_true(!r->open && r->enabled && r->locked);
    assert_int_equal(cfg_read(r, 0, 0x72, 1), 0x1a);
    cfg_write(r, 0, 0x72, 0x4a, 1);
    assert_true(!r->open && r->enabled && r->locked);
    device_reset(i440fx_device(r->pmc));
    assert_true(!r->open && !r->enabled && !r->locked);
    cfg_write(r, 0, 0x72, 0x48, 1);
    assert_true(r->open);
}

static void test_pirq_routing(void **state)
{
    struct rig *r = *state;
    struct pci_device a, b;
    const uint8_t piix3 = PCI_DEVFN(1, 0);

    pci_device_init(&a, "a", 1, 1, 0, 0, 1, NULL); /* slot 2 INTA: PIRQB */
    pci_device_init(&b, "b", 1, 1, 0, 0, 1, NULL); /* slot 3 INTA: PIRQC */
    assert_true(pci_attach(r->pci, &a, PCI_DEVFN(2, 0), NULL));
    assert_true(pci_attach(r->pci, &b, PCI_DEVFN(3, 0), NULL));
    assert_int_equal(cfg_read(r, piix3, 0x60, 4), 0x80808080);
    pci_set_intx(&a, true);
    for (unsigned n = 0; n < 16; n++)
        assert_false(r->isa[n]);
    /* as SeaBIOS routes them, the level being up already */
    cfg_write(r, piix3, 0x60, 0x0b0b0a0a, 4);
    assert_true(r->isa[10]);
    pci_set_intx(&b, true);
    assert_true(r->isa[11]);
    /* two on one interrupt */
    cfg_write(r, piix3, 0x62, 10, 1);
    assert_false(r->isa[11]);
    pci_set_intx(&a, false);
    assert_true(r->isa[10]);
    pci_set_intx(&b, false);
    assert_false(r->isa[10]);
    /* interrupts that are not for PCI */
    pci_set_intx(&a, true);
    cfg_write(r, piix3, 0x61, 0, 1);
    cfg_write(r, piix3, 0x61, 8, 1);
    cfg_write(r, piix3, 0x61, 13, 1);
    assert_false(r->isa[0] || r->isa[8] || r->isa[13]);
    cfg_write(r, piix3, 0x61, 5, 1);
    assert_true(r->isa[5]);
    device_reset(piix3_device(r->piix3));
    assert_false(r->isa[5]);
    pci_set_intx(&a, true);
    piix3_set_routes(r->piix3, (const uint8_t[]){10, 10, 11, 11});
    assert_true(r->isa[10] && !r->isa[11]);
    assert_int_equal(cfg_read(r, piix3, 0x60, 4), 0x0b0b0a0a);
    pci_detach(&a);
    pci_detach(&b);
}

static void test_reset_control(void **state)
{
    struct rig *r = *state;

    bus_write(r->ports, 0xcf9, 0x02, 1);
    assert_int_equal(r->hard + r->soft, 0);
    assert_int_equal(bus_read(r->ports, 0xcf9, 1), 0x02);
    bus_write(r->ports, 0xcf9, 0x06, 1);
    assert_int_equal(r->hard, 1);
    bus_write(r->ports, 0xcf9, 0x00, 1);
    bus_write(r->ports, 0xcf9, 0x04, 1);
    assert_int_equal(r->soft, 1);
    bus_write(r->ports, 0xcf9, 0x0e, 1);
    assert_int_equal(r->hard, 2);
    device_reset(piix3_device(r->piix3));
    assert_int_equal(bus_read(r->ports, 0xcf9, 1), 0);
    /* a doubleword there is the configuration address, not a reset */
    bus_write(r->ports, 0xcf8, 0x80000600, 4);
    assert_int_equal(r->hard, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pam, setup, teardown),
        cmocka_unit_test_setup_teardown(test_smram, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pirq_routing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset_control, setup, teardown),
    };
    return unit_main(tests);
}
