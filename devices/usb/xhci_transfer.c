/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transfer rings. xHCI 1.2: 4.9.1 transfer descriptors, 4.10 their results, 4.11.2 and 4.11.5 what
 * is in them, 6.4.1 their TRBs.
 *
 * A TRB is moved in packets that keep to the endpoint's size counted from the TD's beginning; after
 * each the position is in the endpoint's state, and NAK may stop there at any time.
 */
#include <glib.h>

#include "base/bits.h"
#include "base/log.h"
#include "devices/usb/xhci_int.h"

#define MAX_TRBS   512u /* of one endpoint at a time */
#define MAX_BYTES  (256u << 10)
#define MAX_PACKET 1024u

enum outcome {
    DONE, /* with this TRB */
    WAITS,
    FAILED, /* the endpoint has halted */
};

void xhci_ep_forget(struct xhci_ep *e)
{
    e->trb_done = e->td_done = 0;
    e->in_td = e->ended = e->told = false;
}

void xhci_ep_store(struct xhci *x, unsigned slot, unsigned dci)
{
    const struct xhci_ep *e = &x->s.slot[slot].ep[dci];
    uint64_t at = x->s.slot[slot].context + 32 * dci;
    uint8_t raw[16];

    if (!xhci_read(x, at, raw, sizeof(raw)))
        return;
    raw[0] = (uint8_t)((raw[0] & ~7) | e->state);
    st_le64(raw + 8, e->ring.dequeue | e->ring.cycle);
    xhci_write(x, at, raw, sizeof(raw));
}

static void tell(struct xhci *x, unsigned slot, unsigned dci, uint64_t param, enum xhci_cc code,
                 uint32_t len, uint32_t flags)
{
    xhci_event(x,
               (struct xhci_trb){param, (len & 0xffffff) | (uint32_t)code << 24,
                                 (flags & 4) | (uint32_t)TRB_TRANSFER_EVENT << 10 | dci << 16 |
                                     (uint32_t)slot << 24},
               !(flags & TRB_BEI));
}

static enum outcome halt(struct xhci *x, unsigned slot, unsigned dci, uint64_t at,
                         enum xhci_cc code, uint32_t left)
{
    struct xhci_ep *e = &x->s.slot[slot].ep[dci];

    e->state = code == CC_TRB ? EP_ERROR : EP_HALTED;
    xhci_ep_forget(e);
    xhci_ep_store(x, slot, dci);
    tell(x, slot, dci, at, code, left, 0);
    return FAILED;
}

/* One packet of a TRB: its result, and how many of n bytes went. */
static enum usb_result packet(struct xhci *x, struct usb_device *d, enum usb_pid pid, unsigned ep,
                              const struct xhci_trb *t, uint32_t from, size_t n, size_t *got,
                              bool *lost)
{
    uint8_t data[MAX_PACKET], imm[8];
    enum usb_result r;

    *lost = false;
    *got = 0;
    if (pid != USB_IN && n) {
        st_le64(imm, t->param);
        if (t->control & TRB_IDT)
            memcpy(data, imm + from, n);
        else
            *lost = !pci_dma_read(&x->pci, t->param + from, data, n);
        if (*lost)
            return USB_SILENT;
    }
    r = usb_device_packet(d, pid, ep, data, n, got);
    if (r == USB_ACK && pid == USB_IN && *got)
        *lost = !pci_dma_write(&x->pci, t->param + from, data, *got);
    return r;
}

static enum xhci_cc code_of(enum usb_result r, bool lost)
{
    if (lost)
        return CC_DATA_BUFFER;
    return r == USB_STALL ? CC_STALL : r == USB_BABBLE ? CC_BABBLE : CC_TRANSACTION;
}

static enum usb_pid pid_of(struct xhci_ep *e, unsigned dci, const struct xhci_trb *t)
{
    if (dci != 1)
        return dci & 1 ? USB_IN : USB_OUT;
    switch (trb_type(t)) {
    case TRB_SETUP: return USB_SETUP;
    case TRB_DATA: e->data_in = t->control & TRB_DIR_IN; break;
    case TRB_STATUS: return t->control & TRB_DIR_IN ? USB_IN : USB_OUT;
    default: break;
    }
    return e->data_in ? USB_IN : USB_OUT;
}

/* The data of a TRB, from where it was left. */
static enum outcome move(struct xhci *x, unsigned slot, unsigned dci, const struct xhci_trb *t,
                         uint64_t at, uint32_t *bytes)
{
    struct xhci_ep *e = &x->s.slot[slot].ep[dci];
    struct usb_device *d = xhci_port_device(x, x->s.slot[slot].port);
    enum usb_pid pid = pid_of(e, dci, t);
    uint32_t len = trb_type(t) == TRB_STATUS ? 0 : t->status & 0x1ffff;
    bool empty = !len;

    if ((pid == USB_SETUP && (len != 8 || !(t->control & TRB_IDT))) ||
        ((t->control & TRB_IDT) && (len > 8 || pid == USB_IN)))
        return halt(x, slot, dci, at, CC_TRB, len);
    if (!d && x->s.slot[slot].port && x->port[x->s.slot[slot].port - 1].device)
        return WAITS; /* the port sleeps, or is not enabled */
    while (!e->ended && (e->trb_done < len || empty)) {
        size_t n = MIN((uint32_t)e->packet - e->td_done % e->packet, len - e->trb_done), got = 0;
        enum usb_result r = USB_SILENT;
        bool lost = false;

        if (pid == USB_SETUP)
            n = 8;
        if (d)
            r = packet(x, d, pid, dci / 2, t, e->trb_done, n, &got, &lost);
        if (r == USB_NAK)
            return WAITS;
        if (r != USB_ACK || lost)
            return halt(x, slot, dci, at, code_of(r, lost), len - e->trb_done);
        if (pid != USB_IN)
            got = n;
        e->trb_done += (uint32_t)got;
        e->td_done += (uint32_t)got;
        *bytes += (uint32_t)got;
        e->ended = got < n;
        empty = false;
    }
    return DONE;
}

/* A TRB is done: the guest hears of it if it wants to, and the ring goes on. */
static void pass(struct xhci *x, unsigned slot, unsigned dci, const struct xhci_trb *t, uint64_t at)
{
    struct xhci_ep *e = &x->s.slot[slot].ep[dci];
    unsigned type = trb_type(t);
    bool chained = t->control & TRB_CHAIN;
    enum xhci_cc code = e->ended ? CC_SHORT_PACKET : CC_SUCCESS;
    uint32_t len = type == TRB_STATUS ? 0 : t->status & 0x1ffff;

    if (type == TRB_EVENT_DATA) {
        if (t->control & TRB_IOC)
            tell(x, slot, dci, t->param, code, e->td_done, (t->control & TRB_BEI) | 4);
        e->told = true;
    } else if (!e->told && ((t->control & TRB_IOC) || (e->ended && (t->control & TRB_ISP)))) {
        tell(x, slot, dci, at, code, len - e->trb_done, t->control & TRB_BEI);
        e->told = e->ended;
    }
    xhci_ring_pass(&e->ring);
    e->trb_done = 0;
    e->in_td = chained;
    if (!chained) {
        uint8_t data_in = e->data_in;

        xhci_ep_forget(e);
        e->data_in = data_in;
    }
}

static enum outcome run_trb(struct xhci *x, unsigned slot, unsigned dci, const struct xhci_trb *t,
                            uint64_t at, uint32_t *bytes)
{
    struct xhci_ep *e = &x->s.slot[slot].ep[dci];

    switch (trb_type(t)) {
    case TRB_SETUP:
    case TRB_DATA:
    case TRB_STATUS:
        if (dci != 1)
            return halt(x, slot, dci, at, CC_TRB, 0);
        break;
    case TRB_NORMAL:
    case TRB_ISOCH: break;
    case TRB_EVENT_DATA:
    case TRB_NO_OP: return DONE;
    default:
        log_guest("xhci: a TRB of type %u in a transfer ring", trb_type(t));
        return halt(x, slot, dci, at, CC_TRB, 0);
    }
    if (e->ended)
        return DONE; /* skipped */
    return move(x, slot, dci, t, at, bytes);
}

bool xhci_run_endpoint(struct xhci *x, unsigned slot, unsigned dci)
{
    struct xhci_ep *e = &x->s.slot[slot].ep[dci];
    uint32_t bytes = 0;

    for (unsigned n = 0; n < MAX_TRBS && bytes < MAX_BYTES; n++) {
        struct xhci_trb t;
        uint64_t at;
        int there;

        if (!xhci_running(x) || !x->s.slot[slot].enabled || e->state != EP_RUNNING)
            return true;
        if (!xhci_event_room(x)) { /* ERDP comes back to it */
            x->s.todo[slot] |= 1u << dci;
            return true;
        }
        there = xhci_ring_peek(x, &e->ring, &t, &at);
        if (there < 0)
            halt(x, slot, dci, e->ring.dequeue, CC_TRB, 0);
        if (there <= 0 || run_trb(x, slot, dci, &t, at, &bytes) != DONE)
            return true;
        pass(x, slot, dci, &t, at);
    }
    return false;
}
