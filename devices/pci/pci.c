/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function: configuration space under masks, BARs that follow the command register, INTx; see
 * pci.h. PCI Local Bus Specification 3.0, 6.1-6.2.
 *
 * A BAR whose place is taken, by a fixed device or by another BAR, stays unmapped until a later
 * write to any function's command register or BARs makes room: guests pass through such states
 * while they size and move BARs, and nothing there is worth stopping for.
 */
#include "devices/pci/pci.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/lint.h"
#include "base/log.h"
#include "devices/pci/pci_internal.h"
#include "devices/pci/pci_msi.h"

#include <inttypes.h>

#define BAR_IO        0x1u
#define BAR_PREFETCH  0x8u
#define ROM_ENABLE    0x1u
#define HEADER_SIZE   0x40u
#define HEADER_MULTI  0x80u
#define NOT_WANTED    UINT64_MAX
#define STATUS_W1C    0xf900u
#define COMMAND_WMASK 0x0547u /* IO, memory, master, parity, SERR, INTx off */

void pci_device_init(struct pci_device *d, const char *name, uint16_t vendor, uint16_t device,
                     uint32_t class_code, uint8_t revision, unsigned int_pin, void *opaque)
{
    invariant(int_pin <= 4);
    *d = (struct pci_device){.name = name, .opaque = opaque};
    st_le16(d->config + PCI_VENDOR_ID, vendor);
    st_le16(d->config + PCI_DEVICE_ID, device);
    d->config[PCI_REVISION] = revision;
    d->config[PCI_CLASS_PROG] = (uint8_t)class_code;
    st_le16(d->config + PCI_CLASS, (uint16_t)(class_code >> 8));
    st_le16(d->config + PCI_SUBSYS_VENDOR, 0x1af4);
    st_le16(d->config + PCI_SUBSYS_ID, 0x1100);
    d->config[PCI_INT_PIN] = (uint8_t)int_pin;

    st_le16(d->wmask + PCI_COMMAND, COMMAND_WMASK);
    st_le16(d->w1cmask + PCI_STATUS, STATUS_W1C);
    d->wmask[PCI_CACHE_LINE] = 0xff;
    d->wmask[PCI_LATENCY] = 0xff;
    d->wmask[PCI_INT_LINE] = 0xff;
}

static bool power_of_two(uint64_t n)
{
    return n && !(n & (n - 1));
}

void pci_bar_init(struct pci_device *d, unsigned n, bool io, uint64_t size,
                  const struct bus_ops *ops, void *opaque)
{
    struct pci_bar *bar;
    unsigned off = PCI_BAR0 + 4 * n;

    invariant(n < PCI_NUM_BARS && power_of_two(size));
    invariant(io ? size >= 4 && size <= 0x10000 : size >= 16 && size <= 0x80000000u);
    bar = &d->bar[n];
    *bar = (struct pci_bar){.io = io, .size = size};
    bus_region_init(&bar->region, d->name, size, ops, opaque);
    st_le32(d->config + off, io ? BAR_IO : 0);
    st_le32(d->wmask + off, ~(uint32_t)(size - 1));
}

static uint64_t ram_read(void *opaque, uint64_t off, unsigned size)
{
    const struct pci_bar *bar = opaque;

    return ld_le((const uint8_t *)bar->ram + off, size);
}

static void ram_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    const struct pci_bar *bar = opaque;

    if (!bar->ram_readonly)
        st_le((uint8_t *)bar->ram + off, val, size);
}

/* Holds the place on the bus; serves accesses only where the board does not map RAM itself. */
static const struct bus_ops ram_bar_ops = {ram_read, ram_write, 1, 8};

void pci_bar_init_ram(struct pci_device *d, unsigned n, uint64_t size, void *ram, bool prefetch)
{
    pci_bar_init(d, n, false, size, &ram_bar_ops, &d->bar[n]);
    d->bar[n].ram = ram;
    d->bar[n].prefetch = prefetch;
    if (prefetch)
        d->config[PCI_BAR0 + 4 * n] |= BAR_PREFETCH;
}

void pci_rom_init(struct pci_device *d, uint64_t size, void *rom)
{
    invariant(power_of_two(size) && size >= 2048 && size <= 0x1000000);
    d->rom = (struct pci_bar){.size = size, .ram = rom, .ram_readonly = true};
    bus_region_init(&d->rom.region, d->name, size, &ram_bar_ops, &d->rom);
    st_le32(d->config + PCI_ROM, 0);
    st_le32(d->wmask + PCI_ROM, ~(uint32_t)(size - 1) | ROM_ENABLE);
}

unsigned pci_add_capability(struct pci_device *d, uint8_t id, unsigned len)
{
    unsigned at = d->cap_end ? d->cap_end : HEADER_SIZE, last = PCI_CAP_PTR;

    invariant(!d->bus && at + len <= PCI_CONFIG_SIZE);
    while (d->config[last])
        last = d->config[last] + 1u; /* the next one's offset follows the id */
    d->config[last] = (uint8_t)at;
    d->config[at] = id;
    d->config[PCI_STATUS] |= PCI_STATUS_CAPS;
    d->cap_end = (uint8_t)MIN((at + len + 3) & ~3u, 0xffu);
    return at;
}

/* Where the registers want BAR n (the ROM: n == PCI_NUM_BARS), or NOT_WANTED. Address 0 and the
 * last one, which holds the sizing pattern, mean "not assigned". */
static uint64_t wanted_address(const struct pci_device *d, unsigned n)
{
    const struct pci_bar *bar = n < PCI_NUM_BARS ? &d->bar[n] : &d->rom;
    uint16_t command = ld_le16(d->config + PCI_COMMAND);
    uint32_t reg = ld_le32(d->config + (n < PCI_NUM_BARS ? PCI_BAR0 + 4 * n : PCI_ROM));
    uint64_t addr = reg & ~(bar->size - 1);
    uint64_t limit = bar->io ? 0xffff : 0xffffffff;

    if (!bar->size || !(command & (bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
        return NOT_WANTED;
    if (n == PCI_NUM_BARS && !(reg & ROM_ENABLE))
        return NOT_WANTED;
    if (addr == 0 || addr + bar->size - 1 >= limit)
        return NOT_WANTED;
    return addr;
}

static struct pci_bar *bar_of(struct pci_device *d, unsigned n)
{
    return n < PCI_NUM_BARS ? &d->bar[n] : &d->rom;
}

static void bar_unmap(struct pci_device *d, struct pci_bar *bar)
{
    const struct pci_ram_ops *ram = &d->bus->config.ram;

    if (!bar->mapped)
        return;
    if (bar->ram_mapped)
        ram->unmap(ram->opaque, bar->addr, bar->size);
    bus_unmap(&bar->region);
    bar->mapped = bar->ram_mapped = false;
}

static void bar_map(struct pci_device *d, struct pci_bar *bar, uint64_t addr)
{
    const struct pci_bus_config *on = &d->bus->config;
    GError *err = NULL;

    if (!bus_map(bar->io ? on->ports : on->mmio, &bar->region, addr, &err)) {
        log_guest("pci: %s: BAR left unmapped: %s", d->name, err->message);
        g_error_free(err);
        return;
    }
    if (bar->ram && on->ram.map) {
        if (!on->ram.map(on->ram.opaque, addr, bar->size, bar->ram, bar->ram_readonly)) {
            log_guest("pci: %s: memory BAR at 0x%" PRIx64 " left unmapped: the range is in use",
                      d->name, addr);
            bus_unmap(&bar->region);
            return;
        }
        bar->ram_mapped = true;
    }
    bar->mapped = true;
    bar->addr = addr;
}

/* Plain memory that is mapped and wanted elsewhere goes there with what the board knows about it.
 * Anything else, and what finds no room, is unmapped, to be mapped again with all that are left. */
static void bar_move(struct pci_device *d, struct pci_bar *bar, uint64_t addr)
{
    const struct pci_bus_config *on = &d->bus->config;

    if (bar->ram_mapped && on->ram.move) {
        bus_unmap(&bar->region);
        if (bus_map(on->mmio, &bar->region, addr, NULL) &&
            on->ram.move(on->ram.opaque, bar->addr, addr, bar->size)) {
            bar->addr = addr;
            return;
        }
    }
    bar_unmap(d, bar);
}

void pci_bus_map_all(struct pci_bus *bus)
{
    for (unsigned k = 0; k < ARRAY_SIZE(bus->function); k++) {
        struct pci_device *d = bus->function[k];

        for (unsigned n = 0; d && n <= PCI_NUM_BARS; n++) {
            uint64_t addr = wanted_address(d, n);

            if (addr != NOT_WANTED && !bar_of(d, n)->mapped)
                bar_map(d, bar_of(d, n), addr);
        }
    }
}

static void update_bars(struct pci_device *d)
{
    bool moved = false;

    /* first all that leave, so that BARs may trade places */
    for (unsigned n = 0; n <= PCI_NUM_BARS; n++) {
        struct pci_bar *bar = bar_of(d, n);
        uint64_t addr = wanted_address(d, n);

        if (bar->mapped && addr == NOT_WANTED) {
            bar_unmap(d, bar);
        } else if (bar->mapped && bar->addr != addr) {
            bar_move(d, bar, addr);
            moved = true; /* others may want its place */
        }
        moved |= !bar->mapped;
    }
    if (moved)
        pci_bus_map_all(d->bus);
}

/* Brings the bus's count of PIRQ drivers in step with what the function now drives. */
static void update_intx(struct pci_device *d)
{
    unsigned pin = d->config[PCI_INT_PIN];
    bool off = ld_le16(d->config + PCI_COMMAND) & PCI_COMMAND_INTX_OFF;
    bool level = pin && d->intx_level && !off && !pci_uses_messages(d);
    unsigned pirq;

    if (d->intx_level)
        d->config[PCI_STATUS] |= PCI_STATUS_INTX;
    else
        d->config[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTX;
    if (level == d->intx_counted)
        return;
    d->intx_counted = level;
    pirq = (pin - 1 + (d->devfn >> 3) + 3) % PCI_NUM_PIRQS;
    d->bus->pirq_count[pirq] += level ? 1 : -1u;
    irq_set(d->bus->config.pirq[pirq], d->bus->pirq_count[pirq] > 0);
}

/* All functions of a slot with more than one say so. */
static void mark_multifunction(struct pci_bus *bus, unsigned slot)
{
    unsigned count = 0;

    for (unsigned fn = 0; fn < 8; fn++)
        count += bus->function[PCI_DEVFN(slot, fn)] != NULL;
    for (unsigned fn = 0; fn < 8; fn++) {
        struct pci_device *d = bus->function[PCI_DEVFN(slot, fn)];

        if (d && count > 1) {
            d->config[PCI_HEADER_TYPE] |= HEADER_MULTI;
            d->reset_config[PCI_HEADER_TYPE] |= HEADER_MULTI;
        }
    }
}

bool pci_attach(struct pci_bus *bus, struct pci_device *d, uint8_t devfn, GError **err)
{
    invariant(!d->bus);
    if (bus->function[devfn]) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG,
                    "PCI slot %u function %u: %s finds %s already there", devfn >> 3, devfn & 7u,
                    d->name, bus->function[devfn]->name);
        return false;
    }
    bus->function[devfn] = d;
    d->bus = bus;
    d->devfn = devfn;
    memcpy(d->reset_config, d->config, sizeof(d->config));
    mark_multifunction(bus, devfn >> 3);
    pci_device_update(d);
    return true;
}

void pci_detach(struct pci_device *d)
{
    if (!d->bus)
        return;
    for (unsigned n = 0; n <= PCI_NUM_BARS; n++)
        bar_unmap(d, bar_of(d, n));
    d->intx_level = false;
    update_intx(d);
    d->bus->function[d->devfn] = NULL;
    d->bus = NULL;
}

void pci_device_reset(struct pci_device *d)
{
    d->intx_level = false;
    if (d->msix)
        pci_msix_reset(d->msix);
    if (!d->bus) /* nothing was ever enabled, and there is no image to return to */
        return;
    memcpy(d->config, d->reset_config, sizeof(d->config));
    pci_device_update(d);
}

void pci_device_update(struct pci_device *d)
{
    if (!d->bus)
        return;
    update_bars(d);
    update_intx(d);
}

void pci_device_post_load(struct pci_device *d)
{
    pci_device_update(d);
}

static bool touches(unsigned off, unsigned size, unsigned reg, unsigned len)
{
    return off < reg + len && reg < off + size;
}

/* ---- strict mode ---- */

/* Before a write: does it move or size a BAR that is decoded? */
static void lint_bars(const struct pci_device *d, unsigned off, uint32_t val, unsigned size)
{
    for (unsigned n = 0; n <= PCI_NUM_BARS; n++) {
        unsigned reg = n < PCI_NUM_BARS ? PCI_BAR0 + 4 * n : PCI_ROM;
        bool changes = false;

        if (!touches(off, size, reg, 4) || wanted_address(d, n) == NOT_WANTED)
            continue;
        for (unsigned k = 0; k < size; k++) {
            uint8_t diff = (uint8_t)(d->config[off + k] ^ val >> 8 * k) & d->wmask[off + k];

            if (off + k == PCI_ROM) /* to switch it off is fine */
                diff &= (uint8_t)~ROM_ENABLE;
            changes |= off + k >= reg && off + k < reg + 4 && diff;
        }
        if (n == PCI_NUM_BARS && touches(off, size, PCI_ROM, 1) &&
            !(val >> 8 * (PCI_ROM - off) & ROM_ENABLE))
            changes = false;
        if (changes)
            lint_report_of(LINT_PCI_BAR, (uint64_t)d->devfn << 8 | reg,
                           "pci: %s (%02x.%x): register 0x%02x written (0x%x) while it is decoded",
                           d->name, d->devfn >> 3, d->devfn & 7u, reg, val);
    }
}

/* Registers that software may try, to find out what is there. */
static bool may_be_probed(unsigned reg)
{
    return (reg >= PCI_BAR0 && reg < PCI_BAR0 + 4 * PCI_NUM_BARS) ||
           (reg >= PCI_ROM && reg < PCI_ROM + 4) || reg == PCI_CACHE_LINE || reg == PCI_LATENCY ||
           reg == PCI_INT_LINE || (reg >= PCI_COMMAND && reg < PCI_COMMAND + 4);
}

static void lint_header(const struct pci_device *d, unsigned off, uint32_t val, unsigned size)
{
    for (unsigned k = 0; k < size && off + k < 0x40; k++) {
        uint8_t v = (uint8_t)(val >> 8 * k);
        bool reserved = off + k == PCI_COMMAND + 1 && (v & 0xf8);

        if (reserved || (!may_be_probed(off + k) && !d->wmask[off + k] && !d->w1cmask[off + k] &&
                         v != d->config[off + k])) {
            lint_report_of(LINT_PCI_READONLY, (uint64_t)d->devfn << 8 | off,
                           "pci: %s (%02x.%x): 0x%x to register 0x%02x, where it sets what is %s",
                           d->name, d->devfn >> 3, d->devfn & 7u, val, off,
                           reserved ? "reserved" : "read-only");
            return;
        }
    }
}

void pci_function_write(struct pci_device *d, unsigned off, uint32_t val, unsigned size)
{
    if (lint_on(LINT_PCI_BAR))
        lint_bars(d, off, val, size);
    if (lint_on(LINT_PCI_READONLY))
        lint_header(d, off, val, size);
    for (unsigned k = 0; k < size; k++) {
        uint8_t v = (uint8_t)(val >> (8 * k)), *reg = &d->config[off + k];
        uint8_t mask = d->wmask[off + k];

        *reg = (uint8_t)((*reg & ~mask) | (v & mask));
        *reg &= (uint8_t) ~(v & d->w1cmask[off + k]);
    }
    pci_msi_config_written(d, off, size);
    if (off >= HEADER_SIZE)
        update_intx(d);
    if (touches(off, size, PCI_COMMAND, 2) || touches(off, size, PCI_BAR0, 4 * PCI_NUM_BARS) ||
        touches(off, size, PCI_ROM, 4))
        pci_device_update(d);
    if (d->config_written)
        d->config_written(d, off, size);
}

void pci_set_intx(struct pci_device *d, bool level)
{
    d->intx_level = level;
    if (d->bus)
        update_intx(d);
}

static bool may_master(const struct pci_device *d)
{
    bool may = d->bus && (ld_le16(d->config + PCI_COMMAND) & PCI_COMMAND_MASTER);

    if (!may)
        lint_report_of(LINT_PCI_MASTER, d->devfn,
                       "pci: %s (%02x.%x): transfers with bus mastering disabled", d->name,
                       d->devfn >> 3, d->devfn & 7u);
    return may;
}

bool pci_dma_read(struct pci_device *d, uint64_t gpa, void *buf, size_t len)
{
    if (!may_master(d) || !d->bus->config.dma.read) {
        log_guest("pci: %s: DMA read without bus mastering", d->name);
        memset(buf, 0xff, len);
        return false;
    }
    return dma_read(&d->bus->config.dma, gpa, buf, len);
}

bool pci_dma_write(struct pci_device *d, uint64_t gpa, const void *buf, size_t len)
{
    if (!may_master(d) || !d->bus->config.dma.write) {
        log_guest("pci: %s: DMA write without bus mastering", d->name);
        return false;
    }
    return dma_write(&d->bus->config.dma, gpa, buf, len);
}
