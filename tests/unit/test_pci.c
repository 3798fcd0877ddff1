/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI functions, BARs, INTx and configuration mechanism #1 (devices/pci/pci.h, pci_bus.h). */
#include "tests/unit/unit.h"

#include "base/bits.h"
#include "devices/pci/pci_bus.h"

struct rig {
    struct bus *ports, *mmio;
    struct pci_bus *pci;
    struct pci_device nic, disk;
    uint8_t vram[0x10000], rom[2048];
    bool pirq[4];
    unsigned maps, unmaps, moves, dma_reads;
    uint64_t mapped_at, moved_from;
    bool mapped_readonly, refuse_map;
    uint8_t cf9;
    uint64_t last_off, last_val;
};

static uint64_t reg_read(void *opaque, uint64_t off, unsigned size)
{
    (void)opaque;
    return zext(0x44332211, size) + off;
}

static void reg_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct rig *r = opaque;

    (void)size;
    r->last_off = off;
    r->last_val = val;
}

static const struct bus_ops reg_ops = {reg_read, reg_write, 1, 4};

static void pirq_set(void *opaque, int n, bool level)
{
    ((struct rig *)opaque)->pirq[n] = level;
}

static bool ram_map(void *opaque, uint64_t gpa, uint64_t len, void *hva, bool readonly)
{
    struct rig *r = opaque;

    assert_true(len == sizeof(r->vram) || len == sizeof(r->rom));
    assert_true(hva == r->vram || hva == r->rom);
    if (r->refuse_map)
        return false;
    r->maps++;
    r->mapped_at = gpa;
    r->mapped_readonly = readonly;
    return true;
}

static void ram_unmap(void *opaque, uint64_t gpa, uint64_t len)
{
    struct rig *r = opaque;

    (void)gpa;
    (void)len;
    r->unmaps++;
}

static bool ram_move(void *opaque, uint64_t from, uint64_t to, uint64_t len)
{
    struct rig *r = opaque;

    assert_true(len == sizeof(r->vram) || len == sizeof(r->rom));
    if (r->refuse_map)
        return false;
    r->moves++;
    r->moved_from = from;
    r->mapped_at = to;
    return true;
}

static bool fake_dma_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    ((struct rig *)opaque)->dma_reads++;
    memset(buf, (int)gpa, len);
    return true;
}

static bool fake_dma_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    (void)opaque;
    (void)gpa;
    (void)buf;
    (void)len;
    return true;
}

static uint8_t cf9_read(void *opaque)
{
    return ((struct rig *)opaque)->cf9;
}

static void cf9_write(void *opaque, uint8_t val)
{
    ((struct rig *)opaque)->cf9 = val;
}

static int setup_board(void **state, bool moves)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct pci_bus_config config = {.dma = {r, fake_dma_read, fake_dma_write},
                                    .ram = {r, ram_map, ram_unmap, moves ? ram_move : NULL}};

    *state = r;
    config.ports = r->ports = bus_new("port", 0xffff);
    config.mmio = r->mmio = bus_new("mmio", 0xffffffffff);
    for (int n = 0; n < 4; n++)
        config.pirq[n] = (struct irq_line){pirq_set, r, n};
    r->pci = pci_bus_new(&config, NULL);
    assert_non_null(r->pci);
    /* slot 3: a NIC with an I/O BAR, a register BAR, a ROM; slot 4: a display with memory */
    pci_device_init(&r->nic, "nic", 0x1234, 0x5678, 0x020000, 7, 1, r);
    pci_bar_init(&r->nic, 0, true, 0x40, &reg_ops, r);
    pci_bar_init(&r->nic, 1, false, 0x1000, &reg_ops, r);
    pci_rom_init(&r->nic, sizeof(r->rom), r->rom);
    assert_true(pci_attach(r->pci, &r->nic, PCI_DEVFN(3, 0), NULL));
    pci_device_init(&r->disk, "display", 0x1234, 0x1111, 0x030000, 2, 2, r);
    pci_bar_init_ram(&r->disk, 0, sizeof(r->vram), r->vram, true);
    pci_bar_init(&r->disk, 2, false, 0x1000, &reg_ops, r);
    assert_true(pci_attach(r->pci, &r->disk, PCI_DEVFN(4, 0), NULL));
    return 0;
}

static int setup(void **state)
{
    return setup_board(state, false);
}

/* With a board that can move memory as a whole. */
static int setup_moving(void **state)
{
    return setup_board(state, true);
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

/* Through the ports, as a guest does. */
static uint32_t cfg_read(struct rig *r, uint8_t devfn, unsigned off, unsigned size)
{
    bus_write(r->ports, 0xcf8, 0x80000000u | (uint32_t)devfn << 8 | (off & 0xfc), 4);
    return (uint32_t)bus_read(r->ports, 0xcfc + (off & 3), size);
}

static void cfg_write(struct rig *r, uint8_t devfn, unsigned off, uint32_t val, unsigned size)
{
    bus_write(r->ports, 0xcf8, 0x80000000u | (uint32_t)devfn << 8 | (off & 0xfc), 4);
    bus_write(r->ports, 0xcfc + (off & 3), val, size);
}

#define NIC  PCI_DEVFN(3, 0)
#define DISP PCI_DEVFN(4, 0)

static void test_mechanism_1(void **state)
{
    struct rig *r = *state;
    struct pci_cf9_ops cf9 = {r, cf9_read, cf9_write};

    assert_int_equal(cfg_read(r, NIC, PCI_VENDOR_ID, 4), 0x56781234);
    assert_int_equal(cfg_read(r, NIC, PCI_DEVICE_ID, 2), 0x5678);
    assert_int_equal(cfg_read(r, NIC, 0x0b, 1), 0x02);
    assert_int_equal(cfg_read(r, NIC, PCI_SUBSYS_VENDOR, 4), 0x11001af4);
    /* ids are read-only */
    cfg_write(r, NIC, PCI_VENDOR_ID, 0, 4);
    assert_int_equal(cfg_read(r, NIC, PCI_VENDOR_ID, 4), 0x56781234);
    /* nobody there, and another bus */
    assert_int_equal(cfg_read(r, PCI_DEVFN(9, 0), 0, 4), 0xffffffff);
    bus_write(r->ports, 0xcf8, 0x80010000u | NIC << 8, 4);
    assert_int_equal(bus_read(r->ports, 0xcfc, 4), 0xffffffff);
    /* reserved bits of the address read as zero */
    bus_write(r->ports, 0xcf8, 0xffffffff, 4);
    assert_int_equal(bus_read(r->ports, 0xcf8, 4), 0x80fffffc);
    /* narrow accesses do not reach it */
    bus_write(r->ports, 0xcf8, 0x80001800, 4);
    bus_write(r->ports, 0xcf8, 0x55, 1);
    bus_write(r->ports, 0xcfa, 0xaaaa, 2);
    assert_int_equal(bus_read(r->ports, 0xcf8, 4), 0x80001800);
    /* not enabled: no configuration cycle */
    bus_write(r->ports, 0xcf8, 0x00001800, 4);
    assert_int_equal(bus_read(r->ports, 0xcfc, 4), 0xffffffff);
    /* 0xcf9 belongs to another chip */
    assert_int_equal(bus_read(r->ports, 0xcf9, 1), 0xff);
    pci_bus_set_cf9(r->pci, &cf9);
    bus_write(r->ports, 0xcf9, 0x42, 1);
    assert_int_equal(r->cf9, 0x42);
    assert_int_equal(bus_read(r->ports, 0xcf9, 1), 0x42);
    assert_int_equal(bus_read(r->ports, 0xcf8, 4), 0x00001800);
}

static void test_bar_sizing_and_mapping(void **state)
{
    struct rig *r = *state;

    cfg_write(r, NIC, PCI_BAR0, 0xffffffff, 4);
    assert_int_equal(cfg_read(r, NIC, PCI_BAR0, 4), 0xffffffc1);
    cfg_write(r, NIC, PCI_BAR0 + 4, 0xffffffff, 4);
    assert_int_equal(cfg_read(r, NIC, PCI_BAR0 + 4, 4), 0xfffff000);
    cfg_write(r, NIC, PCI_BAR0 + 8, 0xffffffff, 4);
    assert_int_equal(cfg_read(r, NIC, PCI_BAR0 + 8, 4), 0);
    cfg_write(r, DISP, PCI_BAR0, 0xffffffff, 4);
    assert_int_equal(cfg_read(r, DISP, PCI_BAR0, 4), 0xffff0008);
    cfg_write(r, NIC, PCI_ROM, 0xfffff800, 4);
    assert_int_equal(cfg_read(r, NIC, PCI_ROM, 4), 0xfffff800);

    cfg_write(r, NIC, PCI_BAR0, 0xc000, 4);
    cfg_write(r, NIC, PCI_BAR0 + 4, 0xfebf0000, 4);
    assert_null(bus_find(r->ports, 0xc000));
    cfg_write(r, NIC, PCI_COMMAND, PCI_COMMAND_IO, 2);
    assert_int_equal(bus_read(r->ports, 0xc004, 1), 0x15);
    assert_null(bus_find(r->mmio, 0xfebf0000));
    cfg_write(r, NIC, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, 2);
    bus_write(r->mmio, 0xfebf0010, 0x1234, 2);
    assert_int_equal(r->last_off, 0x10);
    assert_int_equal(r->last_val, 0x1234);
    /* moving, one byte of the register at a time */
    cfg_write(r, NIC, PCI_BAR0 + 6, 0xbe, 1);
    assert_null(bus_find(r->mmio, 0xfebf0000));
    assert_non_null(bus_find(r->mmio, 0xfebe0000));
    cfg_write(r, NIC, PCI_COMMAND, 0, 2);
    assert_null(bus_find(r->mmio, 0xfebe0000));
    assert_null(bus_find(r->ports, 0xc000));
}

static void test_ram_bar_and_rom(void **state)
{
    struct rig *r = *state;

    cfg_write(r, DISP, PCI_BAR0, 0xe0000000, 4);
    cfg_write(r, DISP, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    assert_int_equal(r->maps, 1);
    assert_int_equal(r->mapped_at, 0xe0000000);
    assert_false(r->mapped_readonly);
    r->vram[5] = 0x77;
    assert_int_equal(bus_read(r->mmio, 0xe0000005, 1), 0x77);
    cfg_write(r, DISP, PCI_BAR0, 0xe1000000, 4);
    assert_int_equal(r->maps, 2);
    assert_int_equal(r->unmaps, 1);
    /* the ROM needs its own enable bit as well */
    cfg_write(r, NIC, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    cfg_write(r, NIC, PCI_ROM, 0xfeb00000, 4);
    assert_int_equal(r->maps, 2);
    cfg_write(r, NIC, PCI_ROM, 0xfeb00001, 4);
    assert_int_equal(r->maps, 3);
    assert_true(r->mapped_readonly);
    bus_write(r->mmio, 0xfeb00000, 0xee, 1);
    assert_int_equal(r->rom[0], 0);
    pci_device_reset(&r->nic);
    assert_int_equal(r->unmaps, 2);
    assert_null(bus_find(r->mmio, 0xfeb00000));
}

/* A framebuffer whose address changes is moved, handlers and memory, where the board can; and goes
 * and comes again where something is in the way. */
static void test_ram_bar_moves(void **state)
{
    struct rig *r = *state;
    struct bus_region fixed;

    cfg_write(r, DISP, PCI_BAR0, 0xe0000000, 4);
    cfg_write(r, DISP, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    cfg_write(r, DISP, PCI_BAR0, 0xe1000000, 4);
    assert_int_equal(r->moves, 1);
    assert_int_equal(r->maps, 1);
    assert_int_equal(r->unmaps, 0);
    assert_int_equal(r->moved_from, 0xe0000000);
    assert_int_equal(r->mapped_at, 0xe1000000);
    assert_null(bus_find(r->mmio, 0xe0000000));
    assert_ptr_equal(bus_find(r->mmio, 0xe1000000), &r->disk.bar[0].region);
    /* what waited for its old place gets it */
    cfg_write(r, DISP, PCI_BAR0 + 8, 0xe1000000, 4);
    assert_false(r->disk.bar[2].mapped);
    cfg_write(r, DISP, PCI_BAR0, 0xe2000000, 4);
    assert_int_equal(r->moves, 2);
    assert_ptr_equal(bus_find(r->mmio, 0xe1000000), &r->disk.bar[2].region);
    /* no room on the bus, then none on the board: unmapped, and back when there is */
    bus_region_init(&fixed, "fixed", 0x1000, &reg_ops, r);
    assert_true(bus_map(r->mmio, &fixed, 0xe3000000, NULL));
    cfg_write(r, DISP, PCI_BAR0, 0xe3000000, 4);
    assert_int_equal(r->unmaps, 1);
    assert_false(r->disk.bar[0].mapped);
    assert_null(bus_find(r->mmio, 0xe2000000));
    bus_unmap(&fixed);
    cfg_write(r, DISP, PCI_BAR0, 0xe4000000, 4);
    assert_int_equal(r->maps, 2);
    r->refuse_map = true;
    cfg_write(r, DISP, PCI_BAR0, 0x00100000, 4);
    assert_int_equal(r->unmaps, 2);
    assert_null(bus_find(r->mmio, 0x00100000));
    assert_null(bus_find(r->mmio, 0xe4000000));
    r->refuse_map = false;
    cfg_write(r, DISP, PCI_BAR0, 0xe4000000, 4);
    assert_int_equal(r->maps, 3);
    /* switched off it is unmapped, not moved */
    cfg_write(r, DISP, PCI_COMMAND, 0, 2);
    assert_int_equal(r->unmaps, 3);
    assert_int_equal(r->moves, 2);
}

static void test_overlap_is_survived(void **state)
{
    struct rig *r = *state;
    struct bus_region fixed;

    bus_region_init(&fixed, "fixed", 0x1000, &reg_ops, r);
    assert_true(bus_map(r->mmio, &fixed, 0xfec00000, NULL));
    cfg_write(r, NIC, PCI_BAR0 + 4, 0xfec00000, 4);
    cfg_write(r, NIC, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    assert_ptr_equal(bus_find(r->mmio, 0xfec00000), &fixed);
    assert_false(r->nic.bar[1].mapped);
    /* two BARs at one place: the first stays; the other follows once there is room */
    cfg_write(r, NIC, PCI_BAR0 + 4, 0xfe000000, 4);
    cfg_write(r, DISP, PCI_BAR0 + 8, 0xfe000000, 4);
    cfg_write(r, DISP, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    assert_ptr_equal(bus_find(r->mmio, 0xfe000000), &r->nic.bar[1].region);
    cfg_write(r, NIC, PCI_COMMAND, 0, 2);
    assert_null(r->nic.bar[1].region.bus);
    cfg_write(r, NIC, PCI_BAR0 + 4, 0xfd000000, 4);
    assert_ptr_equal(bus_find(r->mmio, 0xfe000000), &r->disk.bar[2].region);
    /* sizing with decoding left on maps nothing at the top of the address space */
    cfg_write(r, DISP, PCI_BAR0 + 8, 0xffffffff, 4);
    assert_null(bus_find(r->mmio, 0xfffff000));
    /* the board refuses: its RAM is there */
    r->refuse_map = true;
    cfg_write(r, DISP, PCI_BAR0, 0x00100000, 4);
    assert_false(r->disk.bar[0].mapped);
    assert_null(bus_find(r->mmio, 0x00100000));
    bus_unmap(&fixed);
}

static void test_intx(void **state)
{
    struct rig *r = *state;
    struct pci_device other;

    /* slot 3 INTA: PIRQ (0 + 3 - 1) = C; slot 4 INTB: (1 + 4 - 1) = A */
    pci_set_intx(&r->nic, true);
    assert_true(r->pirq[2]);
    pci_set_intx(&r->disk, true);
    assert_true(r->pirq[0]);
    assert_false(r->pirq[1] || r->pirq[3]);
    assert_int_equal(cfg_read(r, NIC, PCI_STATUS, 2) & PCI_STATUS_INTX, PCI_STATUS_INTX);
    /* shared: slot 7 INTA is C as well */
    pci_device_init(&other, "other", 1, 2, 0xff0000, 0, 1, NULL);
    assert_true(pci_attach(r->pci, &other, PCI_DEVFN(7, 0), NULL));
    pci_set_intx(&other, true);
    pci_set_intx(&r->nic, false);
    assert_true(r->pirq[2]);
    /* disabled in the command register: still in the status register, not on the wire */
    cfg_write(r, PCI_DEVFN(7, 0), PCI_COMMAND, PCI_COMMAND_INTX_OFF, 2);
    assert_false(r->pirq[2]);
    assert_int_equal(cfg_read(r, PCI_DEVFN(7, 0), PCI_STATUS, 2) & 8, 8);
    cfg_write(r, PCI_DEVFN(7, 0), PCI_COMMAND, 0, 2);
    assert_true(r->pirq[2]);
    pci_device_reset(&other);
    assert_false(r->pirq[2]);
    pci_set_intx(&other, true);
    pci_detach(&other);
    assert_false(r->pirq[2]);
}

static void test_multifunction_and_places(void **state)
{
    struct rig *r = *state;
    struct pci_device fn1, clash;
    GError *err = NULL;

    assert_int_equal(cfg_read(r, NIC, PCI_HEADER_TYPE, 1), 0);
    pci_device_init(&fn1, "second", 1, 2, 0xff0000, 0, 0, NULL);
    assert_true(pci_attach(r->pci, &fn1, PCI_DEVFN(3, 1), NULL));
    assert_int_equal(cfg_read(r, NIC, PCI_HEADER_TYPE, 1), 0x80);
    pci_device_reset(&r->nic);
    assert_int_equal(cfg_read(r, NIC, PCI_HEADER_TYPE, 1), 0x80);
    pci_device_init(&clash, "clash", 1, 2, 0xff0000, 0, 0, NULL);
    assert_false(pci_attach(r->pci, &clash, PCI_DEVFN(3, 1), &err));
    assert_non_null(strstr(err->message, "second"));
    g_clear_error(&err);
    pci_detach(&fn1);
}

static void test_dma_needs_mastering(void **state)
{
    struct rig *r = *state;
    uint8_t buf[4] = {0};

    assert_false(pci_dma_read(&r->nic, 0x5a, buf, 4));
    assert_int_equal(buf[0], 0xff);
    assert_int_equal(r->dma_reads, 0);
    assert_false(pci_dma_write(&r->nic, 0x5a, buf, 4));
    cfg_write(r, NIC, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
    assert_true(pci_dma_read(&r->nic, 0x5a, buf, 4));
    assert_int_equal(buf[3], 0x5a);
    assert_true(pci_dma_write(&r->nic, 0x5a, buf, 4));
}

/* Every write a guest can make, many of them: nothing may break or stay mapped after reset. */
static void test_fuzz(void **state)
{
    struct rig *r = *state;
    uint32_t x = 12345;

    for (unsigned k = 0; k < 200000; k++) {
        x = x * 1664525 + 1013904223;
        bus_write(r->ports, 0xcf8 + (x >> 8) % 8, x >> 3 ^ (k & 1 ? 0x80001810 : 0x80002000),
                  1u << (x >> 28) % 3);
        if (k % 3 == 0)
            cfg_write(r, x & 64 ? NIC : DISP, (x >> 16) & 0xff, x ^ x << 7, 1u << (x >> 9) % 3);
    }
    pci_device_reset(&r->nic);
    pci_device_reset(&r->disk);
    assert_int_equal(r->maps, r->unmaps);
    for (unsigned n = 0; n < 4; n++)
        assert_false(r->pirq[n]);
}

static void test_fuzz_moving(void **state)
{
    struct rig *r = *state;

    test_fuzz(state);
    assert_true(r->moves > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mechanism_1, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bar_sizing_and_mapping, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ram_bar_and_rom, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ram_bar_moves, setup_moving, teardown),
        cmocka_unit_test_setup_teardown(test_overlap_is_survived, setup, teardown),
        cmocka_unit_test_setup_teardown(test_intx, setup, teardown),
        cmocka_unit_test_setup_teardown(test_multifunction_and_places, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dma_needs_mastering, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fuzz, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fuzz_moving, setup_moving, teardown),
    };
    return unit_main(tests);
}
