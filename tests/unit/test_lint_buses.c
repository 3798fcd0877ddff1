/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strict mode's rules for APICs, the HPET, power management, PCI, IDE and VGA (docs/lint.md,
 * "Devices"): what breaks each is reported, and the right way of doing the same is not.
 */
#include "tests/unit/lint_told.h"

#include "base/bits.h"
#include "devices/display/vga.h"
#include "devices/pc/acpi_pm.h"
#include "devices/pc/apic_bus.h"
#include "devices/pc/hpet.h"
#include "devices/pc/ioapic.h"
#include "tests/unit/ide_rig.h"

/* ---- APICs and the HPET ---- */

#define LAPIC(reg) (0xfee00000u + (reg))
#define IOAPIC     0xfec00000u

static struct bus *mmio, *ports;
static struct vclock *vclk;
static struct apic_bus *apics;
static struct apic *apic;
static struct ioapic *ioapic;
static struct hpet *hpet;

static struct apic *current(void *opaque)
{
    (void)opaque;
    return apic;
}

static int setup(void **state)
{
    struct apic_bus_config bus = {.current = current};
    struct apic_config cpu = {.bsp = true};
    struct ioapic_config io = {0};
    struct hpet_config timers = {0};

    (void)state;
    bus.mmio = io.mmio = timers.mmio = mmio = bus_new("memory", 0xffffffff);
    cpu.clock = timers.clock = vclk = clock_new_manual();
    cpu.bus = io.bus = apics = apic_bus_new(&bus, NULL);
    apic = apic_new(&cpu, NULL);
    ioapic = ioapic_new(&io, NULL);
    timers.gsi[16] = ioapic_input(ioapic, 16);
    hpet = hpet_new(&timers, NULL);
    told_begin();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    told_end();
    device_destroy(hpet_device(hpet));
    device_destroy(ioapic_device(ioapic));
    device_destroy(apic_device(apic));
    apic_bus_free(apics);
    bus_free(mmio);
    clock_free(vclk);
    return 0;
}

static void wr(uint64_t addr, uint32_t val)
{
    bus_write(mmio, addr, val, 4);
}

static void test_apic_registers(void **state)
{
    (void)state;
    bus_read(mmio, LAPIC(0x20), 4);
    wr(LAPIC(0xf0), 0x1ff);
    TOLD_NOTHING();
    wr(LAPIC(0x30), 0);             /* version */
    bus_read(mmio, LAPIC(0xb0), 4); /* EOI */
    bus_read(mmio, LAPIC(0x2f0), 4);
    TOLD(APIC_ACCESS, 3);
    bus_read(mmio, LAPIC(0x20), 8);
    TOLD(APIC_ACCESS, 1);
    bus_read(mmio, LAPIC(0x20), 1);
    TOLD(ACCESS_WIDTH, 1);
}

static void test_apic_lvt(void **state)
{
    (void)state;
    wr(LAPIC(0x320), 0x10000);
    TOLD_NOTHING();
    wr(LAPIC(0x320), 0x40);
    TOLD(APIC_LVT, 1); /* not enabled */
    wr(LAPIC(0xf0), 0x1ff);
    wr(LAPIC(0x320), 0x40);
    wr(LAPIC(0x350), 0x700);
    wr(LAPIC(0x360), 0x400);
    wr(LAPIC(0x370), 0x10000);
    wr(LAPIC(0xe0), 0x0fffffff);
    TOLD_NOTHING();
    wr(LAPIC(0x320), 0x0f);
    TOLD(APIC_VECTOR, 1);
    wr(LAPIC(0x350), 0x340);  /* a reserved mode */
    wr(LAPIC(0x360), 0x8040); /* level */
    wr(LAPIC(0x370), 0x01000040);
    wr(LAPIC(0xe0), 0x4fffffff);
    wr(LAPIC(0x320), 0x60040);
    TOLD(APIC_LVT, 5);
}

static void test_apic_ipi(void **state)
{
    (void)state;
    wr(LAPIC(0xf0), 0x1ff);
    wr(LAPIC(0x300), 0x40040); /* fixed, to itself */
    wr(LAPIC(0x300), 0xc4500); /* INIT to the others */
    wr(LAPIC(0x300), 0xc4610);
    wr(LAPIC(0xb0), 0);
    TOLD(APIC_EOI, 1); /* nobody has acknowledged anything */
    assert_int_equal(apic_ack(apic), 0x40);
    wr(LAPIC(0xb0), 0);
    TOLD_NOTHING();
    wr(LAPIC(0x300), 0x40005);
    TOLD(APIC_VECTOR, 1);
    wr(LAPIC(0x300), 0x40340);
    wr(LAPIC(0x300), 0x84400); /* NMI to all, itself too */
    TOLD(APIC_ICR, 2);
    wr(LAPIC(0x300), 0xc0140);
    wr(LAPIC(0x300), 0xc8500);
    TOLD(APIC_DEPRECATED, 2);
}

static void entry(unsigned pin, uint32_t low, uint32_t high)
{
    wr(IOAPIC, 0x11 + 2 * pin);
    wr(IOAPIC + 0x10, high);
    wr(IOAPIC, 0x10 + 2 * pin);
    wr(IOAPIC + 0x10, low);
}

static void test_ioapic(void **state)
{
    (void)state;
    entry(1, 0x10000, 0);
    entry(1, 0x31, 0x01000000);
    entry(2, 0xa931, 0xff000000);
    entry(3, 0x700, 0);
    bus_write(mmio, IOAPIC, 1, 1);
    bus_read(mmio, IOAPIC + 0x10, 4);
    TOLD_NOTHING();
    entry(1, 0x0f, 0);
    entry(1, 0xff, 0);
    entry(1, 0x340, 0);
    entry(1, 0x8700, 0);
    entry(1, 0x20040, 0);
    TOLD(IOAPIC_ENTRY, 5);
    bus_read(mmio, IOAPIC + 0x10, 1);
    bus_write(mmio, IOAPIC + 0x10, 0, 2);
    wr(IOAPIC, 0x40);
    wr(IOAPIC + 0x10, 0);
    TOLD(IOAPIC_ACCESS, 3);
}

#define HPET(reg) (HPET_DEFAULT_BASE + (reg))

static void test_hpet(void **state)
{
    (void)state;
    bus_write(mmio, HPET(0xf0), 0, 8);
    bus_write(mmio, HPET(0x100), 0x4c | 16 << 9, 4); /* periodic, with a first match */
    bus_write(mmio, HPET(0x108), 1000000, 8);
    bus_write(mmio, HPET(0x108), 1000000, 8);
    bus_write(mmio, HPET(0x10), 1, 4);
    bus_read(mmio, HPET(0xf0), 8);
    TOLD_NOTHING();
    bus_write(mmio, HPET(0xf0), 0, 8);
    TOLD(HPET_COUNTER, 1);
    bus_write(mmio, HPET(0x120), 0x04 | 17 << 9, 4); /* nowhere */
    bus_write(mmio, HPET(0x140), 0x0c | 16 << 9, 4); /* no first match */
    bus_write(mmio, HPET(0x148), 1000, 8);
    TOLD(HPET_TIMER, 2);
    bus_read(mmio, HPET(0xf4), 8);
    bus_write(mmio, HPET(0x10), 5, 4);
    bus_write(mmio, HPET(0x100), 0x80, 4);
    TOLD(HPET_ACCESS, 3);
    bus_read(mmio, HPET(0xf0), 2);
    TOLD(ACCESS_WIDTH, 1);
}

/* ---- power management ---- */

static void test_acpi_pm(void **state)
{
    struct pci_bus_config bus = {0};
    struct acpi_pm_config config = {0};
    struct acpi_pm *pm;

    (void)state;
    bus.ports = config.ports = ports = bus_new("port", 0xffff);
    bus.mmio = mmio;
    config.bus = pci_bus_new(&bus, NULL);
    config.clock = vclk;
    pm = acpi_pm_new(&config, NULL);
    assert_non_null(pm);
    acpi_pm_set_bases(pm);
    bus_write(ports, 0xb2, ACPI_PM_CMD_ENABLE, 1);
    bus_write(ports, ACPI_PM_BASE + 4, bus_read(ports, ACPI_PM_BASE + 4, 2) | 2, 2);
    bus_read(ports, ACPI_PM_BASE + 8, 4);
    TOLD_NOTHING();
    bus_write(ports, ACPI_PM_BASE + 4, 0, 2);
    bus_write(ports, ACPI_PM_BASE + 4, 0x2000 | 5 << 10, 2);
    bus_write(ports, ACPI_PM_BASE + 8, 0, 4);
    TOLD(ACPI_PM, 3);
    device_destroy(acpi_pm_device(pm));
    pci_bus_free(config.bus);
    bus_free(ports);
}

/* ---- PCI ---- */

static void cfg(struct rig *r, uint32_t address, uint32_t val, unsigned size)
{
    bus_write(r->ports, 0xcf8, address & ~3u, 4);
    bus_write(r->ports, 0xcfc + (address & 3), val, size);
}

#define IDE_FN (0x80000000u | DEVFN << 8)

static void test_pci(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    told_begin();
    cfg(r, IDE_FN | 4, 0x0000, 2);
    cfg(r, IDE_FN | 0x20, 0xffffffff, 4);
    cfg(r, IDE_FN | 0x20, BM_BASE | 1, 4);
    cfg(r, IDE_FN | 0x10, 0xffffffff, 4); /* there is none: one may ask */
    cfg(r, IDE_FN | 4, 0x0005, 2);
    cfg(r, IDE_FN | 0x20, BM_BASE | 1, 4); /* where it is */
    TOLD_NOTHING();
    cfg(r, IDE_FN | 0x20, 0xffffffff, 4);
    TOLD(PCI_BAR, 1);
    cfg(r, IDE_FN | 0x20, BM_BASE | 1, 4);
    TOLD_NOTHING(); /* all ones are no address */
    cfg(r, IDE_FN | 0, 0x1234, 2);
    cfg(r, IDE_FN | 4, 0x8005, 2);
    TOLD(PCI_READONLY, 2);
    bus_write(r->ports, 0xcf8, 0x8f000000, 4);
    bus_write(r->ports, 0xcf8, 0, 4);
    bus_read(r->ports, 0xcfc, 4);
    bus_write(r->ports, 0xcfc, 0, 4);
    TOLD(PCI_ADDRESS, 3);
    told_end();
    rig_free(r);
}

/* ---- IDE ---- */

static void test_ata(void **state)
{
    struct rig *r = disk_rig();
    uint8_t buf[512];

    (void)state;
    told_begin();
    in(r, 7);
    command28(r, 0, 0x20, 3, 1);
    assert_true(in(r, 7) & DRQ);
    data_in(r, buf, 512, 2);
    in(r, 7);
    TOLD_NOTHING();
    bus_read(r->ports, 0x1f0, 2);
    bus_write(r->ports, 0x1f0, 0, 2);
    TOLD(ATA_DATA, 2);
    command28(r, 0, 0x20, 3, 1);
    in(r, 7);
    bus_read(r->ports, 0x1f0, 1);
    TOLD(ATA_DATA, 1);
    out(r, 2, 1);
    out(r, 7, 0xec);
    TOLD(ATA_BUSY, 2);
    data_in(r, buf, 510, 2);
    command28(r, 0, 0xe0, 0, 0);
    TOLD_NOTHING();
    out(r, 7, 0xe0); /* is the first one done? */
    TOLD(ATA_BUSY, 1);
    in(r, 7);
    out(r, 6, 0xb0); /* a drive that is not there */
    out(r, 7, 0xec);
    bus_read(r->ports, 0x1f0, 2);
    TOLD_NOTHING();
    out(r, 6, 0xa0);
    in(r, 7);
    out(r, 7, 0x10);
    in(r, 7);
    TOLD(ATA_DEPRECATED, 1);
    out(r, 3, 1); /* sector 1 of head 0 and cylinder 0 */
    out(r, 4, 0);
    out(r, 5, 0);
    out(r, 2, 1);
    out(r, 7, 0x40);
    in(r, 7);
    TOLD(ATA_DEPRECATED, 1);
    told_end();
    rig_free(r);
}

/* A read of two sectors by DMA, whose first region is `addr`, `len` bytes. */
static void dma_read2(struct rig *r, uint32_t table, uint32_t addr, uint32_t len)
{
    prd(r, table, 0, addr, len, false);
    prd(r, table, 1, 0x30000, 1024, true);
    in(r, 7);
    command28(r, 0, 0xc8, 8, 2);
    bm_start(r, table, true);
    bm_stop(r);
    in(r, 7);
}

static void test_bus_master(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    told_begin();
    dma_read2(r, 0x1000, 0x1fe00, 512);
    TOLD_NOTHING();
    dma_read2(r, 0x1000, 0x1ff00, 512);
    TOLD(BMIDE_PRD, 1);
    dma_read2(r, 0x1000, 0x20001, 512);
    TOLD(BMIDE_PRD, 1);
    bus_write(r->ports, BM_BASE + 4, 0x1002, 4);
    bus_write(r->ports, BM_BASE + 4, 0, 4);
    bus_write(r->ports, BM_BASE, 9, 1);
    bm_stop(r);
    TOLD(BMIDE_PRD, 2); /* misaligned, not set */
    prd(r, 0x1000, 0, 0x20000, 512, true);
    in(r, 7);
    command28(r, 0, 0xc8, 8, 1);
    bm_start(r, 0x1000, false);
    TOLD(BMIDE_START, 1);
    bus_write(r->ports, BM_BASE + 4, 0x2000, 4);
    TOLD(BMIDE_START, 4); /* each byte of it */
    bm_stop(r);
    cfg(r, IDE_FN | 4, 0x0001, 2);
    bm_start(r, 0x1000, true);
    TOLD(PCI_MASTER, 1);
    told_end();
    rig_free(r);
}

/* ---- VGA ---- */

static void outx(unsigned port, unsigned index, unsigned val)
{
    bus_write(ports, port, index, 1);
    bus_write(ports, port + 1, val, 1);
}

static void test_vga(void **state)
{
    struct vga_config config = {.vram_mib = 1, .clock = vclk, .mmio = mmio};
    struct vga *vga;

    (void)state;
    config.port = ports = bus_new("port", 0xffff);
    vga = vga_new(&config, NULL);
    assert_non_null(vga);
    outx(0x3c4, 0, 1); /* synchronous reset */
    bus_write(ports, 0x3c2, 0x67, 1);
    outx(0x3c4, 1, 0x09);
    outx(0x3c4, 0, 3);
    outx(0x3c4, 1, 0x29); /* the screen off: no clock */
    outx(0x3d4, 0x11, 0x0e);
    outx(0x3d4, 0x00, 0x5f);
    outx(0x3d4, 0x11, 0x8e);
    outx(0x3d4, 0x00, 0x5f); /* as it is */
    outx(0x3d4, 0x07, 0x10); /* the line compare bit */
    bus_read(ports, 0x3da, 1);
    bus_write(ports, 0x3c0, 0x01, 1);
    bus_write(ports, 0x3c0, 0x3f, 1);
    TOLD_NOTHING();
    outx(0x3c4, 1, 0x21);
    bus_write(ports, 0x3c2, 0x63, 1);
    TOLD(VGA_CLOCK, 2);
    outx(0x3d4, 0x00, 0x60);
    outx(0x3d4, 0x07, 0x01);
    TOLD(VGA_PROTECTED, 2);
    bus_write(ports, 0x3c0, 0x21, 1);
    bus_write(ports, 0x3c0, 0x3f, 1);
    TOLD(VGA_PALETTE, 1);
    device_destroy(vga_device(vga));
    bus_free(ports);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_apic_registers),
        TEST(test_apic_lvt),
        TEST(test_apic_ipi),
        TEST(test_ioapic),
        TEST(test_hpet),
        TEST(test_acpi_pm),
        TEST(test_vga),
        cmocka_unit_test(test_pci),
        cmocka_unit_test(test_ata),
        cmocka_unit_test(test_bus_master),
    };

    return unit_main(tests);
}
