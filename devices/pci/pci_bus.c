/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI bus and configuration mechanism #1; see pci_bus.h. 82441FX datasheet 3.2.1 (CONFADD,
 * CONFDATA): only a doubleword access reaches the address register, narrower ones at its ports go
 * on to the bus, where the byte at 0xcf9 is the south bridge's reset control register.
 */
#include "devices/pci/pci_bus.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/lint.h"
#include "base/log.h"
#include "devices/pci/pci_internal.h"

#define CONFADD_ENABLE 0x80000000u
#define CONFADD_MASK   0x80fffffcu
#define CONFADD_ZERO   0x7f000000u

/* Configuration data that goes to no configuration space. */
static void lint_disabled(uint64_t off)
{
    if (off >= 4)
        lint_report(LINT_PCI_ADDRESS, "pci: port 0x%x used with the enable bit of 0xcf8 off",
                    0xcf8 + (unsigned)off);
}

static uint64_t ports_read(void *opaque, uint64_t off, unsigned size)
{
    struct pci_bus *bus = opaque;

    if (off == 0 && size == 4)
        return bus->address;
    if (off == 1 && size == 1 && bus->cf9.read)
        return bus->cf9.read(bus->cf9.opaque);
    if (off < 4 || !(bus->address & CONFADD_ENABLE)) {
        lint_disabled(off);
        return ~UINT64_C(0);
    }
    return pci_config_read(bus, (bus->address >> 16) & 0xff, (uint8_t)(bus->address >> 8),
                           (bus->address & 0xfc) + ((unsigned)off & 3), size);
}

static void ports_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct pci_bus *bus = opaque;

    if (off == 0 && size == 4) {
        if ((uint32_t)val & CONFADD_ZERO)
            lint_report(LINT_PCI_ADDRESS, "pci: reserved bits 0x%x set in the address 0x%08x",
                        (uint32_t)val & CONFADD_ZERO, (uint32_t)val);
        bus->address = (uint32_t)val & CONFADD_MASK;
    } else if (off == 1 && size == 1 && bus->cf9.write) {
        bus->cf9.write(bus->cf9.opaque, (uint8_t)val);
    } else if (off >= 4 && (bus->address & CONFADD_ENABLE)) {
        pci_config_write(bus, (bus->address >> 16) & 0xff, (uint8_t)(bus->address >> 8),
                         (bus->address & 0xfc) + ((unsigned)off & 3), (uint32_t)val, size);
    } else {
        lint_disabled(off);
    }
}

static const struct bus_ops port_ops = {ports_read, ports_write, 1, 4};

static const struct state_field bus_fields[] = {
    STATE_FIELD(struct pci_bus, address),
    STATE_END,
};

static void bus_destroy(void *self)
{
    pci_bus_free(self);
}

static const struct device_type bus_type = {
    .name = "pci-bus",
    .version = 1,
    .fields = bus_fields,
    .destroy = bus_destroy,
};

struct pci_bus *pci_bus_new(const struct pci_bus_config *config, GError **err)
{
    struct pci_bus *bus = g_new0(struct pci_bus, 1);

    bus->dev = (struct device){&bus_type, bus};
    bus->config = *config;
    bus_region_init(&bus->ports, "pci-config", 8, &port_ops, bus);
    if (!bus_map(config->ports, &bus->ports, 0xcf8, err)) {
        g_free(bus);
        return NULL;
    }
    return bus;
}

void pci_bus_free(struct pci_bus *bus)
{
    if (!bus)
        return;
    for (unsigned k = 0; k < ARRAY_SIZE(bus->function); k++) {
        if (bus->function[k])
            pci_detach(bus->function[k]);
    }
    bus_unmap(&bus->ports);
    g_free(bus);
}

struct device *pci_bus_device(struct pci_bus *bus)
{
    return &bus->dev;
}

void pci_bus_set_pirq(struct pci_bus *bus, unsigned n, struct irq_line line)
{
    invariant(n < PCI_NUM_PIRQS);
    bus->config.pirq[n] = line;
    irq_set(line, bus->pirq_count[n] > 0);
}

void pci_bus_set_cf9(struct pci_bus *bus, const struct pci_cf9_ops *ops)
{
    bus->cf9 = ops ? *ops : (struct pci_cf9_ops){0};
}

struct pci_device *pci_bus_find(struct pci_bus *bus, uint8_t devfn)
{
    return bus->function[devfn];
}

void pci_bus_foreach(struct pci_bus *bus, void (*fn)(struct pci_device *d, void *opaque),
                     void *opaque)
{
    for (unsigned k = 0; k < ARRAY_SIZE(bus->function); k++) {
        if (bus->function[k])
            fn(bus->function[k], opaque);
    }
}

/* The function, or NULL when the access is for another bus, nobody, or out of bounds. */
static struct pci_device *target(struct pci_bus *bus, unsigned bus_no, uint8_t devfn, unsigned off,
                                 unsigned size)
{
    if (bus_no != 0 || off >= PCI_CONFIG_SIZE || size > PCI_CONFIG_SIZE - off)
        return NULL;
    return bus->function[devfn];
}

uint32_t pci_config_read(struct pci_bus *bus, unsigned bus_no, uint8_t devfn, unsigned off,
                         unsigned size)
{
    struct pci_device *d = target(bus, bus_no, devfn, off, size);

    if (!d)
        return (uint32_t)zext(0xffffffff, size);
    if (d->config_reading)
        d->config_reading(d, off, size);
    return (uint32_t)ld_le(d->config + off, size);
}

void pci_config_write(struct pci_bus *bus, unsigned bus_no, uint8_t devfn, unsigned off,
                      uint32_t val, unsigned size)
{
    struct pci_device *d = target(bus, bus_no, devfn, off, size);

    if (d)
        pci_function_write(d, off, val, size);
}
