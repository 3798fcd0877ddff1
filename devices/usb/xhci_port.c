/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The root hub. xHCI 1.2: 4.19 (its state machines), 5.4.8 PORTSC, 4.15 suspension and resumption,
 * 6.4.2.3 the event. */
#include "base/bits.h"
#include "devices/usb/xhci_int.h"

enum {
    P_CCS = 1 << 0,
    P_PED = 1 << 1,
    P_PR = 1 << 4,
    P_LINK_SHIFT = 5,
    P_LINK = 0xf << P_LINK_SHIFT,
    P_POWER = 1 << 9,
    P_SPEED_SHIFT = 10,
    P_SPEED = 0xf << P_SPEED_SHIFT,
    P_LWS = 1 << 16,
    P_CSC = 1 << 17,
    P_PEC = 1 << 18,
    P_WRC = 1 << 19,
    P_PRC = 1 << 21,
    P_PLC = 1 << 22,
    P_CHANGES = 0x7f << 17,
    P_KEPT = 0x7 << 25 | 0x3 << 14, /* wake enables, indicators: only stored */

    LINK_U0 = 0,
    LINK_U3 = 3,
    LINK_RX_DETECT = 5,
    LINK_POLLING = 7,
    LINK_RESUME = 15,
};
#define P_WPR (1u << 31)

static bool is_usb3(unsigned n)
{
    return n >= XHCI_USB2_PORTS;
}

static unsigned link_of(const struct xhci *x, unsigned n)
{
    return (x->s.portsc[n] & P_LINK) >> P_LINK_SHIFT;
}

static void set_link(struct xhci *x, unsigned n, unsigned state)
{
    x->s.portsc[n] = (x->s.portsc[n] & ~(uint32_t)P_LINK) | state << P_LINK_SHIFT;
}

static void tell(struct xhci *x, unsigned n)
{
    x->s.sts |= XHCI_STS_PCD;
    if (xhci_running(x))
        xhci_event(x,
                   (struct xhci_trb){(uint64_t)(n + 1) << 24, (uint32_t)CC_SUCCESS << 24,
                                     (uint32_t)TRB_PORT_EVENT << 10},
                   true);
}

static void changed(struct xhci *x, unsigned n, uint32_t what)
{
    bool news = ~x->s.portsc[n] & what;

    x->s.portsc[n] |= what;
    if (news)
        tell(x, n);
}

void xhci_ports_tell(struct xhci *x)
{
    for (unsigned n = 0; n < XHCI_PORTS; n++) {
        if (x->s.portsc[n] & P_CHANGES)
            tell(x, n);
    }
}

/* Connection and speed as they are; a port of USB 3 enables itself. */
static void connect(struct xhci *x, unsigned n)
{
    static const uint8_t speeds[] = {
        [USB_LOW] = 2, [USB_FULL] = 1, [USB_HIGH] = 3, [USB_SUPER] = 4};
    const struct usb_device *d = x->port[n].device;

    x->s.portsc[n] = (x->s.portsc[n] & (P_CHANGES | P_KEPT)) | P_POWER;
    set_link(x, n, LINK_RX_DETECT);
    if (!d)
        return;
    x->s.portsc[n] |= P_CCS | (uint32_t)speeds[d->speed] << P_SPEED_SHIFT;
    set_link(x, n, is_usb3(n) ? LINK_U0 : LINK_POLLING);
    if (is_usb3(n))
        x->s.portsc[n] |= P_PED;
}

void xhci_port_refresh(struct xhci *x, unsigned n)
{
    if (!(x->s.portsc[n] & P_CCS) != !x->port[n].device)
        connect(x, n);
}

struct usb_device *xhci_port_device(struct xhci *x, unsigned port)
{
    if (!port || port > XHCI_PORTS || !(x->s.portsc[port - 1] & P_PED) ||
        link_of(x, port - 1) != LINK_U0)
        return NULL;
    return x->port[port - 1].device;
}

static void reset_port(struct xhci *x, unsigned n, bool warm)
{
    struct usb_device *d = x->port[n].device;

    if (!d)
        return;
    usb_device_bus_reset(d);
    x->s.portsc[n] |= P_PED;
    set_link(x, n, LINK_U0);
    changed(x, n, P_PRC | (warm ? P_WRC : 0u));
}

static void write_link(struct xhci *x, unsigned n, unsigned state)
{
    unsigned old = link_of(x, n);

    if (!(x->s.portsc[n] & P_PED))
        return;
    switch (state) {
    case LINK_U0:
        set_link(x, n, LINK_U0);
        if (old == LINK_U3 || old == LINK_RESUME)
            changed(x, n, P_PLC);
        for (unsigned slot = 1; slot <= XHCI_SLOTS; slot++) {
            if (x->s.slot[slot].port == n + 1)
                x->s.todo[slot] = ~1u; /* what waited meanwhile */
        }
        break;
    case LINK_U3: set_link(x, n, LINK_U3); break;
    case LINK_RESUME:
        if (old == LINK_U3 && !is_usb3(n))
            set_link(x, n, LINK_RESUME);
        break;
    default: break;
    }
}

void xhci_port_write(struct xhci *x, unsigned n, uint32_t val)
{
    uint32_t *sc = &x->s.portsc[n];

    *sc &= ~(val & P_CHANGES);
    *sc = (*sc & ~(uint32_t)P_KEPT) | (val & P_KEPT);
    if (val & P_LWS)
        write_link(x, n, (val & P_LINK) >> P_LINK_SHIFT);
    if ((val & P_PED) && (*sc & P_PED)) { /* writing one disables */
        *sc &= ~(uint32_t)P_PED;
        set_link(x, n, LINK_POLLING);
    }
    if (val & P_PR)
        reset_port(x, n, false);
    else if ((val & P_WPR) && is_usb3(n))
        reset_port(x, n, true);
    xhci_work(x);
}

/* ---- what the ports say ---- */

static void port_plugged(void *opaque, unsigned n)
{
    struct xhci *x = opaque;

    connect(x, n);
    changed(x, n, P_CSC);
}

static void port_ready(void *opaque, unsigned n, unsigned ep, bool in)
{
    struct xhci *x = opaque;

    for (unsigned slot = 1; slot <= XHCI_SLOTS; slot++) {
        if (x->s.slot[slot].enabled && x->s.slot[slot].port == n + 1)
            xhci_todo(x, slot, 2 * ep + in);
    }
    xhci_work(x);
}

static void port_wake(void *opaque, unsigned n)
{
    struct xhci *x = opaque;

    if (link_of(x, n) != LINK_U3)
        return;
    set_link(x, n, LINK_RESUME);
    changed(x, n, P_PLC);
}

static const struct usb_port_ops port_ops = {port_plugged, port_ready, port_wake};

void xhci_ports_init(struct xhci *x)
{
    for (unsigned n = 0; n < XHCI_PORTS; n++)
        x->port[n] = (struct usb_port){.ops = &port_ops,
                                       .opaque = x,
                                       .index = n,
                                       .speeds = is_usb3(n) ? 1u << USB_SUPER
                                                            : 1u << USB_LOW | 1u << USB_FULL |
                                                                  1u << USB_HIGH};
}

void xhci_ports_reset(struct xhci *x)
{
    for (unsigned n = 0; n < XHCI_PORTS; n++) {
        x->s.portsc[n] = x->s.portpmsc[n] = 0;
        connect(x, n);
        if (x->port[n].device)
            x->s.portsc[n] |= P_CSC;
    }
}
