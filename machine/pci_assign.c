/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See pci_assign.h. PCI Local Bus Specification 3.0, 6.2.5 (base addresses), 6.2.4 (line and pin).
 */
#include "machine/pci_assign.h"

#include "base/bits.h"
#include "base/log.h"

#include <inttypes.h>

#define PAGE UINT64_C(4096)

struct assignment {
    struct pci_windows left;
    uint64_t
        size; /* BARs of this size have their turn: the largest first, so that none is wasted */
};

/* Takes `size` bytes at a multiple of it from [*at, end); 0 when there is no room. */
static uint64_t take(uint64_t *at, uint64_t end, uint64_t size)
{
    uint64_t start = (*at + size - 1) & ~(size - 1);

    if (start >= end || size > end - start)
        return 0;
    *at = start + size;
    return start;
}

static void assign_bar(struct assignment *a, struct pci_device *d, unsigned n)
{
    const struct pci_bar *bar = &d->bar[n];
    uint8_t *reg = d->config + PCI_BAR0 + 4 * n;
    uint64_t at, io = a->left.io;

    if (bar->size != a->size || (ld_le32(reg) & ~(uint32_t)(bar->size - 1)))
        return;
    /* a page each for memory, so that one can be mapped without its neighbours */
    at = bar->io ? take(&io, a->left.io_end, bar->size)
                 : take(&a->left.mem, a->left.mem_end, MAX(bar->size, PAGE));
    a->left.io = (uint32_t)io;
    if (!at) {
        log_msg(LOG_BOOT, "boot: no room for BAR %u of %s", n, d->name);
        return;
    }
    st_le32(reg, ld_le32(reg) | (uint32_t)at);
    d->config[PCI_COMMAND] |= bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
    log_msg(LOG_BOOT, "boot: BAR %u of %s at 0x%" PRIx64, n, d->name, at);
}

static void assign_size(struct pci_device *d, void *opaque)
{
    for (unsigned n = 0; n < PCI_NUM_BARS; n++)
        assign_bar(opaque, d, n);
}

static void finish(struct pci_device *d, void *opaque)
{
    const struct assignment *a = opaque;
    unsigned pin = d->config[PCI_INT_PIN], slot = d->devfn >> 3;

    if (pin && !d->config[PCI_INT_LINE]) /* as pci_bus.h says that the slots are wired */
        d->config[PCI_INT_LINE] = a->left.irq[(pin - 1 + slot - 1) % PCI_NUM_PIRQS];
    pci_device_update(d);
}

void pci_assign(struct pci_bus *bus, const struct pci_windows *windows)
{
    struct assignment a = {.left = *windows};

    for (a.size = UINT64_C(1) << 31; a.size >= 4; a.size >>= 1)
        pci_bus_foreach(bus, assign_size, &a);
    pci_bus_foreach(bus, finish, &a);
}
