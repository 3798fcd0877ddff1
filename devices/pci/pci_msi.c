/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MSI and MSI-X; see pci_msi.h. PCI Local Bus Specification 3.0, 6.8.1 and 6.8.2. */
#include "devices/pci/pci_msi.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "devices/pci/pci_internal.h"

#define CAP_MSI  0x05
#define CAP_MSIX 0x11

/* MSI, from the capability's start: 6.8.1.1 to 6.8.1.6, the 64-bit form without masks */
enum {
    MSI_CONTROL = 2,
    MSI_ADDRESS = 4,
    MSI_DATA = 12,
    MSI_SIZE = 14,

    MSI_ENABLE = 1 << 0,
    MSI_CAPABLE_SHIFT = 1,
    MSI_ENABLED_SHIFT = 4,
    MSI_64BIT = 1 << 7,
};

/* MSI-X: 6.8.2.3 to 6.8.2.9 */
enum {
    MSIX_CONTROL = 2,
    MSIX_TABLE = 4,
    MSIX_PBA = 8,
    MSIX_SIZE = 12,

    MSIX_MASK_ALL = 1 << 14,
    MSIX_ENABLE = 1 << 15,

    ENTRY_SIZE = 16,
    ENTRY_DATA = 8,
    ENTRY_CONTROL = 12,
    ENTRY_MASKED = 1 << 0,

    PBA_OFFSET = 0x800, /* in a BAR of a page */
    BAR_SIZE = 0x1000,
};

_Static_assert(PCI_MSIX_MAX *ENTRY_SIZE <= PBA_OFFSET, "the table ends before the pending bits");
_Static_assert(PCI_MSIX_MAX <= 64, "the pending bits are one word");

static void send(struct pci_device *d, uint64_t addr, uint32_t data)
{
    const struct msi_space *msi = d->bus ? &d->bus->config.msi : NULL;

    if (!(ld_le16(d->config + PCI_COMMAND) & PCI_COMMAND_MASTER)) {
        log_guest("pci: %s: a message without bus mastering", d->name);
        return;
    }
    if (msi && msi->send)
        msi->send(msi->opaque, addr, data);
}

/* ---- MSI ---- */

void pci_msi_init(struct pci_device *d, struct pci_msi *m, unsigned vectors)
{
    uint8_t *cap;

    invariant(vectors && vectors <= 32 && !(vectors & (vectors - 1)));
    *m = (struct pci_msi){d, pci_add_capability(d, CAP_MSI, MSI_SIZE), vectors};
    d->msi = m;
    cap = d->config + m->cap;
    st_le16(cap + MSI_CONTROL, (uint16_t)(MSI_64BIT | __builtin_ctz(vectors) << MSI_CAPABLE_SHIFT));
    st_le16(d->wmask + m->cap + MSI_CONTROL, MSI_ENABLE | 7 << MSI_ENABLED_SHIFT);
    st_le32(d->wmask + m->cap + MSI_ADDRESS, ~3u);
    st_le32(d->wmask + m->cap + MSI_ADDRESS + 4, ~0u);
    st_le16(d->wmask + m->cap + MSI_DATA, 0xffff);
}

static unsigned msi_control(const struct pci_msi *m)
{
    return ld_le16(m->pci->config + m->cap + MSI_CONTROL);
}

bool pci_msi_enabled(const struct pci_msi *m)
{
    return msi_control(m) & MSI_ENABLE;
}

void pci_msi_send(struct pci_msi *m, unsigned n)
{
    const uint8_t *cap = m->pci->config + m->cap;
    unsigned enabled = 1u << MIN(5u, (msi_control(m) >> MSI_ENABLED_SHIFT) & 7);
    uint32_t data = ld_le16(cap + MSI_DATA);

    if (!pci_msi_enabled(m))
        return;
    enabled = MIN(enabled, m->vectors);
    n = MIN(n, enabled - 1);
    send(m->pci, ld_le64(cap + MSI_ADDRESS), (data & ~(enabled - 1)) | n);
}

/* ---- MSI-X ---- */

static unsigned msix_control(const struct pci_msix *x)
{
    return ld_le16(x->pci->config + x->cap + MSIX_CONTROL);
}

bool pci_msix_enabled(const struct pci_msix *x)
{
    return msix_control(x) & MSIX_ENABLE;
}

static bool masked(const struct pci_msix *x, unsigned n)
{
    return (msix_control(x) & MSIX_MASK_ALL) || (x->table[n][ENTRY_CONTROL] & ENTRY_MASKED);
}

static void send_entry(struct pci_msix *x, unsigned n)
{
    const uint8_t *entry = x->table[n];

    send(x->pci, ld_le64(entry) & ~UINT64_C(3), ld_le32(entry + ENTRY_DATA));
}

void pci_msix_send(struct pci_msix *x, unsigned n)
{
    if (!pci_msix_enabled(x) || n >= x->vectors)
        return;
    if (masked(x, n))
        x->pending |= UINT64_C(1) << n;
    else
        send_entry(x, n);
}

/* What was unmasked goes out. */
static void send_pending(struct pci_msix *x)
{
    for (unsigned n = 0; pci_msix_enabled(x) && n < x->vectors; n++) {
        if (!(x->pending >> n & 1) || masked(x, n))
            continue;
        x->pending &= ~(UINT64_C(1) << n);
        send_entry(x, n);
    }
}

static uint64_t msix_read(void *opaque, uint64_t off, unsigned size)
{
    const struct pci_msix *x = opaque;

    if (off < x->vectors * ENTRY_SIZE)
        return ld_le(&x->table[0][0] + off, size);
    if (off >= PBA_OFFSET && off + size <= PBA_OFFSET + 8)
        return zext(x->pending >> (8 * (off - PBA_OFFSET)), size);
    return 0;
}

/* 6.8.2: aligned doublewords and quadwords; the bus makes the latter of two of the former. */
static void msix_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct pci_msix *x = opaque;

    if (off >= x->vectors * ENTRY_SIZE || (off & (size - 1)))
        return;
    if (off % ENTRY_SIZE == ENTRY_CONTROL)
        val &= ENTRY_MASKED;
    st_le(&x->table[0][0] + off, val, size);
    send_pending(x);
}

static const struct bus_ops msix_ops = {msix_read, msix_write, 4, 4};

void pci_msix_reset(struct pci_msix *x)
{
    memset(x->table, 0, sizeof(x->table));
    for (unsigned n = 0; n < x->vectors; n++)
        x->table[n][ENTRY_CONTROL] = ENTRY_MASKED;
    x->pending = 0;
}

void pci_msix_init(struct pci_device *d, struct pci_msix *x, unsigned vectors, unsigned bar)
{
    uint8_t *cap;

    invariant(vectors && vectors <= PCI_MSIX_MAX);
    *x = (struct pci_msix){
        .pci = d, .cap = pci_add_capability(d, CAP_MSIX, MSIX_SIZE), .vectors = vectors};
    d->msix = x;
    cap = d->config + x->cap;
    st_le16(cap + MSIX_CONTROL, (uint16_t)(vectors - 1));
    st_le16(d->wmask + x->cap + MSIX_CONTROL, MSIX_ENABLE | MSIX_MASK_ALL);
    st_le32(cap + MSIX_TABLE, bar);
    st_le32(cap + MSIX_PBA, PBA_OFFSET | bar);
    pci_bar_init(d, bar, false, BAR_SIZE, &msix_ops, x);
    pci_msix_reset(x);
}

/* ---- both ---- */

bool pci_uses_messages(const struct pci_device *d)
{
    return (d->msi && pci_msi_enabled(d->msi)) || (d->msix && pci_msix_enabled(d->msix));
}

void pci_msi_config_written(struct pci_device *d, unsigned off, unsigned size)
{
    const struct pci_msix *x = d->msix;

    if (x && off < x->cap + MSIX_TABLE && off + size > x->cap + MSIX_CONTROL)
        send_pending(d->msix);
}
