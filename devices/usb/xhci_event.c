/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event ring, one segment of it, and the interrupter. xHCI 1.2: 4.9.4 event ring management,
 * 4.17 interrupters, 5.5.2 their registers, 6.5 the segment table. */
#include "base/bits.h"
#include "base/log.h"
#include "devices/usb/xhci_int.h"

enum {
    IMAN_IP = 1 << 0,
    IMAN_IE = 1 << 1,
    ERDP_BUSY = 1 << 3,
    ROOM = 4, /* events that one step of work may make */
    MIN_SIZE = 16,
    MAX_SIZE = 4096,
};

void xhci_update_irq(struct xhci *x)
{
    bool level = (x->s.iman & IMAN_IP) && (x->s.iman & IMAN_IE) && (x->s.cmd & XHCI_CMD_INTE);

    if (pci_msix_enabled(&x->msix)) {
        if (level) { /* the message takes it (4.17.5) */
            x->s.iman &= ~(uint32_t)IMAN_IP;
            pci_msix_send(&x->msix, 0);
        }
        return;
    }
    pci_set_intx(&x->pci, level);
}

static void raise_interrupt(struct xhci *x)
{
    if (x->s.erdp & ERDP_BUSY)
        return; /* the guest is at it and will see */
    x->s.erdp |= ERDP_BUSY;
    x->s.iman |= IMAN_IP;
    x->s.sts |= XHCI_STS_EINT;
    xhci_update_irq(x);
}

/* Entries that the guest has not taken yet. */
static uint32_t waiting(const struct xhci *x)
{
    uint64_t at = (x->s.erdp & ~UINT64_C(0xf)) - x->s.event_base;
    uint32_t taken = at / 16 < x->s.event_size ? (uint32_t)(at / 16) : 0;

    return (x->s.event_at + x->s.event_size - taken) % x->s.event_size;
}

bool xhci_event_room(const struct xhci *x)
{
    return x->s.event_size && waiting(x) + ROOM < x->s.event_size;
}

void xhci_event(struct xhci *x, struct xhci_trb t, bool interrupts)
{
    uint8_t raw[16];

    if (!x->s.event_size || waiting(x) + 1 >= x->s.event_size) {
        log_guest("xhci: an event, and no room in the ring");
        return;
    }
    st_le64(raw, t.param);
    st_le32(raw + 8, t.status);
    st_le32(raw + 12, t.control | x->s.event_cycle);
    if (!xhci_write(x, x->s.event_base + 16 * (uint64_t)x->s.event_at, raw, sizeof(raw)))
        return;
    if (++x->s.event_at == x->s.event_size) {
        x->s.event_at = 0;
        x->s.event_cycle = !x->s.event_cycle;
    }
    if (interrupts)
        raise_interrupt(x);
}

void xhci_event_ring_set(struct xhci *x)
{
    uint8_t entry[16];

    x->s.event_size = x->s.event_at = 0;
    x->s.event_cycle = true;
    if (!x->s.erstsz || !x->s.erstba)
        return;
    if (!pci_dma_read(&x->pci, x->s.erstba, entry, sizeof(entry)))
        return; /* half an address: the other half comes */
    x->s.event_base = ld_le64(entry) & ~UINT64_C(0x3f);
    x->s.event_size = ld_le32(entry + 8) & 0xffff;
    if (x->s.event_size < MIN_SIZE || x->s.event_size > MAX_SIZE) {
        log_guest("xhci: an event ring of %u entries", x->s.event_size);
        x->s.event_size = 0;
    }
}

void xhci_erdp_write(struct xhci *x, uint64_t val, bool low)
{
    uint64_t busy = x->s.erdp & ERDP_BUSY;

    if (!low) {
        x->s.erdp = (x->s.erdp & 0xffffffff) | val << 32;
    } else {
        if (val & ERDP_BUSY)
            busy = 0;
        x->s.erdp = (x->s.erdp & ~UINT64_C(0xffffffff)) | (val & 0xfffffff7) | busy;
        if ((val & ERDP_BUSY) && x->s.event_size && waiting(x))
            raise_interrupt(x); /* there was more */
    }
    xhci_work(x); /* what had no room */
}
