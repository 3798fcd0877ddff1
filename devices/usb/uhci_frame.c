/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame of the UHCI schedule: UHCI Design Guide 1.1, 3.1 (frame list), 3.2 (transfer
 * descriptors), 3.3 (queue heads), 3.4 (the walk).
 *
 * The lists are the guest's and may loop, and those of real drivers do: to use what is left of a
 * frame. So a frame ends at a number of packets, as on the wire, at a number of elements looked at,
 * or when a loop comes round without one packet that went through. The wire's 12 Mb/s are not kept
 * to: a frame has room for some 16 times as much.
 */
#include "base/bits.h"
#include "base/log.h"
#include "devices/usb/uhci_int.h"

#define MAX_ELEMENTS 1024u
#define MAX_PACKETS  256u
#define MAX_DATA     1280u /* bytes of a packet that a TD may ask for */

enum {
    LINK_END = 1 << 0,
    LINK_QH = 1 << 1,
    LINK_DEPTH = 1 << 2,

    TD_ACTIVE = 1 << 23,
    TD_STALLED = 1 << 22,
    TD_BABBLE = 1 << 20,
    TD_NAK = 1 << 19,
    TD_TIMEOUT = 1 << 18,
    TD_IOC = 1 << 24,
    TD_ISO = 1 << 25,
    TD_ERRORS_SHIFT = 27,
    TD_ERRORS = 3 << TD_ERRORS_SHIFT,
    TD_SPD = 1 << 29,
    TD_LENGTH = 0x7ff,
};
#define LINK_ADDRESS 0xfffffff0u

struct td {
    uint32_t link, ctrl, token, buffer;
};

enum td_end {
    TD_ADVANCE, /* it is done: the queue goes on behind it */
    TD_STAY,    /* not yet, or it failed: the queue stays at it */
    TD_HALT,    /* so does the controller */
};

/* Whether the walk goes round in circles: an element that was seen before, with no packet that went
 * through since. Which one is remembered changes at powers of two (Brent). */
struct watch {
    uint32_t mark;
    unsigned steps, until;
};

static bool came_round(struct watch *w, uint32_t at)
{
    if (at == w->mark)
        return true;
    if (++w->steps >= w->until) {
        w->mark = at;
        w->until *= 2;
    }
    return false;
}

static void progress(struct watch *w)
{
    *w = (struct watch){.mark = LINK_END, .until = 1}; /* the address of none */
}

static bool host_error(struct uhci *u)
{
    log_guest("uhci: the schedule leads out of memory");
    uhci_stop(u, UHCI_STS_HOST_ERROR);
    return false;
}

static bool read32(struct uhci *u, uint32_t at, uint32_t *out)
{
    uint8_t raw[4];

    if (!pci_dma_read(&u->pci, at, raw, 4))
        return host_error(u);
    *out = ld_le32(raw);
    return true;
}

static bool write32(struct uhci *u, uint32_t at, uint32_t v)
{
    uint8_t raw[4];

    st_le32(raw, v);
    return pci_dma_write(&u->pci, at, raw, 4) || host_error(u);
}

/* ---- one transfer descriptor ---- */

static void failed(struct uhci *u, struct td *td, uint32_t why)
{
    td->ctrl = (td->ctrl & ~(uint32_t)TD_ACTIVE) | why;
    u->s.sts |= UHCI_STS_ERROR;
    if (td->ctrl & TD_IOC) {
        u->s.sts |= UHCI_STS_INT;
        u->s.ioc = true;
    }
}

/* Nobody answered: the third time in a row counts, or as the descriptor says; none: never. */
static void timed_out(struct uhci *u, struct td *td)
{
    uint32_t left = (td->ctrl & TD_ERRORS) >> TD_ERRORS_SHIFT;

    td->ctrl |= TD_TIMEOUT;
    if (!left)
        return;
    td->ctrl = (td->ctrl & ~(uint32_t)TD_ERRORS) | (left - 1) << TD_ERRORS_SHIFT;
    if (left == 1)
        failed(u, td, TD_STALLED);
}

static enum td_end finished(struct uhci *u, struct td *td, size_t want, size_t got)
{
    bool is_short = got < want && (td->token & 0xff) == USB_IN;

    td->ctrl &= ~(uint32_t)(TD_ACTIVE | TD_NAK | TD_TIMEOUT);
    td->ctrl = (td->ctrl & ~(uint32_t)TD_LENGTH) | ((uint32_t)(got - 1) & TD_LENGTH);
    if (td->ctrl & TD_IOC) {
        u->s.sts |= UHCI_STS_INT;
        u->s.ioc = true;
    }
    if (!is_short || !(td->ctrl & TD_SPD))
        return TD_ADVANCE;
    u->s.sts |= UHCI_STS_INT;
    u->s.short_packet = true;
    return TD_STAY;
}

static enum td_end packet(struct uhci *u, struct td *td)
{
    enum usb_pid pid = (enum usb_pid)(td->token & 0xff);
    size_t want = ((td->token >> 21) + 1) & TD_LENGTH, got = 0;
    struct usb_device *dev = uhci_find(u, td->token >> 8 & 0x7f);
    enum usb_result r = USB_SILENT;
    uint8_t data[MAX_DATA];

    if ((pid != USB_IN && pid != USB_OUT && pid != USB_SETUP) || want > MAX_DATA) {
        log_guest("uhci: a descriptor with PID %02x and length %zu", pid, want);
        uhci_stop(u, UHCI_STS_PROCESS_ERROR);
        return TD_HALT;
    }
    if (pid != USB_IN && want && !pci_dma_read(&u->pci, td->buffer, data, want)) {
        host_error(u);
        return TD_HALT;
    }
    if (dev)
        r = usb_device_packet(dev, pid, td->token >> 15 & 0xf, data, want, &got);
    if (r == USB_ACK && pid != USB_IN)
        got = want;
    if (r == USB_ACK && pid == USB_IN && got && !pci_dma_write(&u->pci, td->buffer, data, got)) {
        host_error(u);
        return TD_HALT;
    }
    switch (r) {
    case USB_ACK: return finished(u, td, want, got);
    case USB_NAK: td->ctrl |= TD_NAK; break;
    case USB_STALL: failed(u, td, TD_STALLED); break;
    case USB_BABBLE: failed(u, td, TD_STALLED | TD_BABBLE); break;
    case USB_SILENT: timed_out(u, td); break;
    }
    if (td->ctrl & TD_ISO) { /* it is not tried again */
        td->ctrl &= ~(uint32_t)TD_ACTIVE;
        return TD_ADVANCE;
    }
    return TD_STAY;
}

/* Reads the descriptor and, if it is active, does it. */
static enum td_end run_td(struct uhci *u, uint32_t at, struct td *td, bool *done)
{
    uint8_t raw[16];
    enum td_end end;
    uint32_t ctrl;

    *done = false;
    if (!pci_dma_read(&u->pci, at, raw, sizeof(raw))) {
        host_error(u);
        return TD_HALT;
    }
    *td = (struct td){ld_le32(raw), ld_le32(raw + 4), ld_le32(raw + 8), ld_le32(raw + 12)};
    if (!(td->ctrl & TD_ACTIVE))
        return TD_STAY;
    ctrl = td->ctrl;
    end = packet(u, td);
    *done = !(td->ctrl & TD_ACTIVE);
    if (end != TD_HALT && td->ctrl != ctrl && !write32(u, at + 4, td->ctrl))
        return TD_HALT;
    return end;
}

/* ---- the walk ---- */

/* Where a queue leads to next; false when the controller has stopped. */
static bool run_queue(struct uhci *u, uint32_t head, uint32_t element, uint32_t across,
                      struct watch *w, unsigned *packets, uint32_t *next)
{
    *next = across;
    while (!(element & (LINK_END | LINK_QH)) && *packets < MAX_PACKETS) {
        struct td td;
        bool done;
        enum td_end end = run_td(u, element & LINK_ADDRESS, &td, &done);

        if (end == TD_HALT)
            return false;
        if (done) {
            ++*packets;
            progress(w);
        }
        if (end != TD_ADVANCE)
            return true;
        element = td.link;
        if (!write32(u, head + 4, element))
            return false;
        if (!(td.link & LINK_DEPTH))
            return true;
    }
    if (!(element & LINK_END) && (element & LINK_QH))
        *next = element;
    return true;
}

void uhci_run_frame(struct uhci *u)
{
    struct watch w;
    unsigned packets = 0;
    uint32_t link;

    if (!read32(u, u->s.frbase + 4 * (u->s.frnum & 0x3ff), &link))
        return;
    progress(&w);
    for (unsigned n = 0; n < MAX_ELEMENTS && packets < MAX_PACKETS && !(link & LINK_END); n++) {
        uint32_t at = link & LINK_ADDRESS, element;

        if (came_round(&w, at))
            break;
        if (link & LINK_QH) {
            if (!read32(u, at, &link) || !read32(u, at + 4, &element) ||
                !run_queue(u, at, element, link, &w, &packets, &link))
                break;
        } else {
            struct td td;
            bool done;

            if (run_td(u, at, &td, &done) == TD_HALT)
                break;
            packets += done;
            link = td.link;
        }
    }
}
