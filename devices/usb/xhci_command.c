/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command ring, slots and endpoints. xHCI 1.2: 4.6 commands, 4.5 slots, 6.2 contexts, 6.4.3
 * command TRBs. */
#include <glib.h>

#include "base/bits.h"
#include "base/log.h"
#include "devices/usb/xhci_int.h"

enum {
    C_ENABLE_SLOT = 9,
    C_DISABLE_SLOT = 10,
    C_ADDRESS_DEVICE = 11,
    C_CONFIGURE_ENDPOINT = 12,
    C_EVALUATE_CONTEXT = 13,
    C_RESET_ENDPOINT = 14,
    C_STOP_ENDPOINT = 15,
    C_SET_DEQUEUE = 16,
    C_RESET_DEVICE = 17,
    C_NO_OP = 23,

    CONTEXT = 32,
    EP_CONTROL = 4,
};
#define CONTEXT_ADDRESS UINT64_C(0xffffffffffffffc0)

/* ---- contexts ---- */

static bool read_context(struct xhci *x, uint64_t base, unsigned n, uint8_t *c)
{
    return xhci_read(x, base + CONTEXT * n, c, CONTEXT);
}

static void store_slot(struct xhci *x, unsigned slot, uint8_t *c, unsigned address)
{
    st_le32(c + 12, address | (uint32_t)x->s.slot[slot].state << 27);
    xhci_write(x, x->s.slot[slot].context, c, CONTEXT);
}

/* An endpoint as its input context says; it runs from now on. */
static enum xhci_cc enable_endpoint(struct xhci *x, unsigned slot, unsigned dci, const uint8_t *c)
{
    struct xhci_ep *e = &x->s.slot[slot].ep[dci];
    unsigned type = c[4] >> 3 & 7, packet = ld_le16(c + 6);
    uint8_t out[CONTEXT];

    if (!type || (ld_le32(c) & 0x7c00) || !packet || packet > 1024 ||
        (dci == 1) != (type == EP_CONTROL) || (type != EP_CONTROL && (type > 4) != (dci & 1)))
        return CC_PARAMETER;
    *e = (struct xhci_ep){.state = EP_RUNNING, .type = (uint8_t)type, .packet = (uint16_t)packet};
    e->ring.dequeue = ld_le64(c + 8) & ~UINT64_C(0xf);
    e->ring.cycle = c[8] & 1;
    memcpy(out, c, CONTEXT);
    out[0] = (uint8_t)((out[0] & ~7) | EP_RUNNING);
    xhci_write(x, x->s.slot[slot].context + CONTEXT * dci, out, CONTEXT);
    return CC_SUCCESS;
}

static void disable_endpoint(struct xhci *x, unsigned slot, unsigned dci)
{
    struct xhci_ep *e = &x->s.slot[slot].ep[dci];

    if (e->state == EP_DISABLED)
        return;
    *e = (struct xhci_ep){.state = EP_DISABLED};
    xhci_ep_store(x, slot, dci);
}

/* ---- commands ---- */

static enum xhci_cc enable_slot(struct xhci *x, unsigned *slot)
{
    for (*slot = 1; *slot <= XHCI_SLOTS; ++*slot) {
        if (*slot > (x->s.config & 0xff))
            break;
        if (!x->s.slot[*slot].enabled) {
            x->s.slot[*slot] = (struct xhci_slot){.enabled = true};
            return CC_SUCCESS;
        }
    }
    *slot = 0;
    return CC_NO_SLOTS;
}

void xhci_slot_disable(struct xhci *x, unsigned slot)
{
    x->s.slot[slot] = (struct xhci_slot){.enabled = false};
    x->s.todo[slot] = 0;
}

static enum xhci_cc disable_slot(struct xhci *x, unsigned slot)
{
    uint8_t c[CONTEXT];

    if (x->s.slot[slot].context && read_context(x, x->s.slot[slot].context, 0, c)) {
        x->s.slot[slot].state = SLOT_DISABLED;
        store_slot(x, slot, c, 0);
    }
    xhci_slot_disable(x, slot);
    return CC_SUCCESS;
}

/* The controller speaks to the device itself, at its address of before. */
static bool set_address(struct usb_device *d, unsigned address)
{
    uint8_t setup[8] = {0, USB_SET_ADDRESS, (uint8_t)address};
    size_t n;

    return usb_device_packet(d, USB_SETUP, 0, setup, 8, &n) == USB_ACK &&
           usb_device_packet(d, USB_IN, 0, setup, 0, &n) == USB_ACK;
}

static enum xhci_cc address_device(struct xhci *x, unsigned slot, const struct xhci_trb *t)
{
    struct xhci_slot *s = &x->s.slot[slot];
    uint64_t in = t->param & ~UINT64_C(0xf);
    uint8_t flags[CONTEXT], c[CONTEXT], ep[CONTEXT], entry[8];
    bool block = t->control & TRB_BSR;
    struct usb_device *d;
    unsigned port;
    enum xhci_cc code;

    if (!read_context(x, in, 0, flags) || !read_context(x, in, 1, c) ||
        !read_context(x, in, 2, ep) ||
        !xhci_read(x, (x->s.dcbaap & CONTEXT_ADDRESS) + 8 * slot, entry, 8))
        return CC_TRB;
    port = c[6];
    if ((ld_le32(flags + 4) & 3) != 3 || (ld_le32(c) & 0xfffff) || !port || port > XHCI_PORTS)
        return CC_PARAMETER;
    if (block ? s->state != SLOT_DISABLED : s->state > SLOT_DEFAULT)
        return CC_CONTEXT_STATE;
    d = xhci_port_device(x, port);
    if (!d)
        return CC_TRANSACTION;
    for (unsigned other = 1; other <= XHCI_SLOTS; other++) {
        if (other != slot && x->s.slot[other].enabled && x->s.slot[other].port == port)
            return CC_PARAMETER; /* one slot a device */
    }
    s->context = ld_le64(entry) & CONTEXT_ADDRESS;
    s->port = (uint8_t)port;
    code = enable_endpoint(x, slot, 1, ep);
    if (code != CC_SUCCESS)
        return code;
    if (!block && !set_address(d, slot))
        return CC_TRANSACTION;
    s->state = block ? SLOT_DEFAULT : SLOT_ADDRESSED;
    store_slot(x, slot, c, block ? 0 : slot);
    return CC_SUCCESS;
}

static enum xhci_cc deconfigure(struct xhci *x, unsigned slot)
{
    uint8_t c[CONTEXT];

    for (unsigned dci = 2; dci < XHCI_ENDPOINTS; dci++)
        disable_endpoint(x, slot, dci);
    if (!read_context(x, x->s.slot[slot].context, 0, c))
        return CC_TRB;
    x->s.slot[slot].state = SLOT_ADDRESSED;
    c[3] = (uint8_t)((c[3] & 7) | 1 << 3);
    store_slot(x, slot, c, c[12]);
    return CC_SUCCESS;
}

static enum xhci_cc configure_endpoint(struct xhci *x, unsigned slot, const struct xhci_trb *t)
{
    uint64_t in = t->param & ~UINT64_C(0xf);
    uint8_t flags[CONTEXT], c[CONTEXT], out[CONTEXT], ep[CONTEXT];
    uint32_t drop, add;

    if (x->s.slot[slot].state < SLOT_ADDRESSED)
        return CC_CONTEXT_STATE;
    if (t->control & TRB_DECONFIGURE)
        return deconfigure(x, slot);
    if (!read_context(x, in, 0, flags) || !read_context(x, in, 1, c) ||
        !read_context(x, x->s.slot[slot].context, 0, out))
        return CC_TRB;
    drop = ld_le32(flags) & ~3u;
    add = ld_le32(flags + 4);
    if ((ld_le32(flags) & 3) || (add & 3) != 1)
        return CC_PARAMETER;
    for (unsigned dci = 2; dci < XHCI_ENDPOINTS; dci++) {
        enum xhci_cc code = CC_SUCCESS;

        if (drop >> dci & 1)
            disable_endpoint(x, slot, dci);
        if (add >> dci & 1)
            code = read_context(x, in, dci + 1, ep) ? enable_endpoint(x, slot, dci, ep) : CC_TRB;
        if (code != CC_SUCCESS)
            return code;
    }
    x->s.slot[slot].state = SLOT_CONFIGURED;
    out[3] = (uint8_t)((out[3] & 7) | (c[3] & 0xf8)); /* how many contexts there are */
    store_slot(x, slot, out, out[12]);
    return CC_SUCCESS;
}

static enum xhci_cc evaluate_context(struct xhci *x, unsigned slot, const struct xhci_trb *t)
{
    uint64_t in = t->param & ~UINT64_C(0xf), to = x->s.slot[slot].context;
    uint8_t flags[CONTEXT], c[CONTEXT], out[CONTEXT];

    if (x->s.slot[slot].state < SLOT_DEFAULT)
        return CC_CONTEXT_STATE;
    if (!read_context(x, in, 0, flags))
        return CC_TRB;
    if (flags[4] & 1) { /* exit latency, interrupter */
        if (!read_context(x, in, 1, c) || !read_context(x, to, 0, out))
            return CC_TRB;
        memcpy(out + 4, c + 4, 2);
        memcpy(out + 10, c + 10, 2);
        xhci_write(x, to, out, CONTEXT);
    }
    if (flags[4] & 2) {
        if (!read_context(x, in, 2, c) || !read_context(x, to, 1, out))
            return CC_TRB;
        if (!ld_le16(c + 6) || ld_le16(c + 6) > 1024)
            return CC_PARAMETER;
        x->s.slot[slot].ep[1].packet = ld_le16(c + 6);
        memcpy(out + 6, c + 6, 2);
        xhci_write(x, to + CONTEXT, out, CONTEXT);
    }
    return CC_SUCCESS;
}

static enum xhci_cc reset_device(struct xhci *x, unsigned slot)
{
    uint8_t c[CONTEXT];

    if (x->s.slot[slot].state < SLOT_ADDRESSED)
        return CC_CONTEXT_STATE;
    for (unsigned dci = 2; dci < XHCI_ENDPOINTS; dci++)
        disable_endpoint(x, slot, dci);
    if (!read_context(x, x->s.slot[slot].context, 0, c))
        return CC_TRB;
    x->s.slot[slot].state = SLOT_DEFAULT;
    c[3] = (uint8_t)((c[3] & 7) | 1 << 3);
    store_slot(x, slot, c, 0);
    return CC_SUCCESS;
}

static enum xhci_cc endpoint_command(struct xhci *x, unsigned slot, const struct xhci_trb *t)
{
    unsigned dci = t->control >> 16 & 0x1f;
    struct xhci_ep *e = &x->s.slot[slot].ep[dci];

    if (!dci)
        return CC_TRB;
    if (e->state == EP_DISABLED)
        return CC_ENDPOINT_DISABLED;
    switch (trb_type(t)) {
    case C_RESET_ENDPOINT:
        if (e->state != EP_HALTED)
            return CC_CONTEXT_STATE;
        e->state = EP_STOPPED;
        break;
    case C_STOP_ENDPOINT:
        if (e->state != EP_RUNNING)
            return CC_CONTEXT_STATE;
        e->state = EP_STOPPED;
        break;
    default:
        if (e->state != EP_STOPPED && e->state != EP_ERROR)
            return CC_CONTEXT_STATE;
        e->ring.dequeue = t->param & ~UINT64_C(0xf);
        e->ring.cycle = t->param & 1;
        e->state = EP_STOPPED;
        xhci_ep_forget(e);
    }
    xhci_ep_store(x, slot, dci);
    return CC_SUCCESS;
}

static enum xhci_cc execute(struct xhci *x, const struct xhci_trb *t, unsigned *slot)
{
    unsigned type = trb_type(t);

    *slot = t->control >> 24;
    if (type == C_NO_OP || type == C_ENABLE_SLOT) {
        *slot = 0;
        return type == C_NO_OP ? CC_SUCCESS : enable_slot(x, slot);
    }
    if (type < C_ENABLE_SLOT || type > C_RESET_DEVICE)
        return CC_TRB;
    if (!*slot || *slot > XHCI_SLOTS || !x->s.slot[*slot].enabled)
        return CC_SLOT_DISABLED;
    switch (type) {
    case C_DISABLE_SLOT: return disable_slot(x, *slot);
    case C_ADDRESS_DEVICE: return address_device(x, *slot, t);
    case C_CONFIGURE_ENDPOINT: return configure_endpoint(x, *slot, t);
    case C_EVALUATE_CONTEXT: return evaluate_context(x, *slot, t);
    case C_RESET_DEVICE: return reset_device(x, *slot);
    default: return endpoint_command(x, *slot, t);
    }
}

bool xhci_run_commands(struct xhci *x, unsigned max)
{
    for (unsigned n = 0; n < max; n++) {
        struct xhci_trb t;
        enum xhci_cc code;
        unsigned slot;
        uint64_t at;
        int there;

        if (!xhci_running(x) || !x->s.command_running)
            return true;
        if (!xhci_event_room(x)) {
            x->s.todo[0] |= 1;
            return true;
        }
        there = xhci_ring_peek(x, &x->s.command, &t, &at);
        if (there < 0) {
            log_guest("xhci: the command ring leads nowhere");
            xhci_die(x);
        }
        if (there <= 0)
            return true;
        code = execute(x, &t, &slot);
        xhci_ring_pass(&x->s.command);
        xhci_event(x,
                   (struct xhci_trb){at, (uint32_t)code << 24,
                                     (uint32_t)TRB_COMMAND_EVENT << 10 | (uint32_t)slot << 24},
                   true);
    }
    return false;
}
