/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the xHCI controller: xhci.c has the PCI function and its registers,
 * xhci_port.c the root hub, xhci_event.c the event ring and interrupts, xhci_command.c the
 * commands, xhci_transfer.c the transfer rings.
 *
 * Rings are the guest's and may be anything. So work is done in bounded portions: what is left of
 * it waits for a timer (`todo`), and so does what finds no room in the event ring, for the guest.
 */
#ifndef DEVICES_USB_XHCI_INT_H
#define DEVICES_USB_XHCI_INT_H

#include "devices/pci/pci_msi.h"
#include "devices/usb/xhci.h"

#define XHCI_SLOTS     32u
#define XHCI_ENDPOINTS 32u /* by device context index; 0 is the slot's, 1 the control endpoint */

enum {
    XHCI_CMD_RS = 1 << 0,
    XHCI_CMD_HCRST = 1 << 1,
    XHCI_CMD_INTE = 1 << 2,

    XHCI_STS_HCH = 1 << 0,
    XHCI_STS_HSE = 1 << 2,
    XHCI_STS_EINT = 1 << 3,
    XHCI_STS_PCD = 1 << 4,
    XHCI_STS_SRE = 1 << 10,
    XHCI_STS_HCE = 1 << 12,
};

/* Bits of a TRB's last word (6.4). */
enum {
    TRB_CYCLE = 1 << 0,
    TRB_TOGGLE = 1 << 1,
    TRB_ISP = 1 << 2,
    TRB_CHAIN = 1 << 4,
    TRB_IOC = 1 << 5,
    TRB_IDT = 1 << 6,
    TRB_BEI = 1 << 9,
    TRB_BSR = 1 << 9, /* of a command; so is the next */
    TRB_DECONFIGURE = 1 << 9,
    TRB_DIR_IN = 1 << 16,

    TRB_NORMAL = 1,
    TRB_SETUP = 2,
    TRB_DATA = 3,
    TRB_STATUS = 4,
    TRB_ISOCH = 5,
    TRB_LINK = 6,
    TRB_EVENT_DATA = 7,
    TRB_NO_OP = 8,
    TRB_TRANSFER_EVENT = 32,
    TRB_COMMAND_EVENT = 33,
    TRB_PORT_EVENT = 34,
};

/* Completion codes (6.4.5). */
enum xhci_cc {
    CC_SUCCESS = 1,
    CC_DATA_BUFFER = 2,
    CC_BABBLE = 3,
    CC_TRANSACTION = 4,
    CC_TRB = 5,
    CC_STALL = 6,
    CC_NO_SLOTS = 9,
    CC_SLOT_DISABLED = 11,
    CC_ENDPOINT_DISABLED = 12,
    CC_SHORT_PACKET = 13,
    CC_PARAMETER = 17,
    CC_CONTEXT_STATE = 19,
    CC_RING_STOPPED = 24,
};

enum xhci_ep_state { EP_DISABLED, EP_RUNNING, EP_HALTED, EP_STOPPED, EP_ERROR };
enum xhci_slot_state { SLOT_DISABLED, SLOT_DEFAULT, SLOT_ADDRESSED, SLOT_CONFIGURED };

struct xhci_trb {
    uint64_t param;
    uint32_t status, control;
};

static inline unsigned trb_type(const struct xhci_trb *t)
{
    return t->control >> 10 & 0x3f;
}

struct xhci_ring {
    uint64_t dequeue;
    bool cycle;
};

struct xhci_ep {
    uint8_t state; /* enum xhci_ep_state */
    uint8_t type;
    uint16_t packet; /* bytes at most, 1 to 1024 */
    struct xhci_ring ring;
    /* of the transfer under way */
    uint32_t trb_done; /* bytes of the TRB at the ring's dequeue pointer */
    uint32_t td_done;  /* of the whole TD */
    bool in_td;        /* its first TRB is behind */
    bool ended;        /* a short packet: what is left of the TD is skipped */
    bool told;         /* and the guest has heard of it */
    bool data_in;      /* the control endpoint's data stage */
};

struct xhci_slot {
    bool enabled;
    uint8_t state; /* enum xhci_slot_state */
    uint8_t port;  /* from 1; 0: none yet */
    uint64_t context;
    struct xhci_ep ep[XHCI_ENDPOINTS];
};

struct xhci_state {
    uint32_t cmd, sts, dnctrl, config;
    uint64_t crcr, dcbaap;
    bool command_running, ignore_high;
    struct xhci_ring command;
    uint32_t portsc[XHCI_PORTS], portpmsc[XHCI_PORTS];
    uint32_t iman, imod, erstsz;
    uint64_t erstba, erdp;
    uint64_t event_base;                   /* the one segment: where it is … */
    uint32_t event_size, event_at;         /* … entries in it, the next one … */
    bool event_cycle;                      /* … and its cycle bit */
    uint32_t todo[XHCI_SLOTS + 1];         /* endpoints to look at; [0] bit 0: commands */
    int64_t started;                       /* ns: MFINDEX counts from there */
    struct xhci_slot slot[XHCI_SLOTS + 1]; /* from 1 */
};

struct xhci {
    struct device dev;
    struct pci_device pci;
    struct pci_msix msix;
    struct xhci_config cfg;
    struct usb_port port[XHCI_PORTS];
    struct timer later;
    bool busy; /* in xhci_work: who is called from there leaves it to the loop */
    struct xhci_state s;
};

/* ---- xhci.c ---- */

/* Does what is in `todo`, as much as there is time for. */
void xhci_work(struct xhci *x);
void xhci_todo(struct xhci *x, unsigned slot, unsigned dci);

/* An error that only a reset helps against: memory that is none. False. */
bool xhci_die(struct xhci *x);
bool xhci_read(struct xhci *x, uint64_t at, void *buf, size_t len);
bool xhci_write(struct xhci *x, uint64_t at, const void *buf, size_t len);

static inline bool xhci_running(const struct xhci *x)
{
    return x->s.cmd & XHCI_CMD_RS;
}

/* The next TRB of a ring, links followed: 1; 0 when the producer has not written it yet, -1 when
 * the ring leads nowhere. *at gets its address; it stays the next one until xhci_ring_pass. */
int xhci_ring_peek(struct xhci *x, struct xhci_ring *r, struct xhci_trb *t, uint64_t *at);
static inline void xhci_ring_pass(struct xhci_ring *r)
{
    r->dequeue += 16;
}

/* ---- xhci_port.c ---- */

void xhci_ports_init(struct xhci *x);
void xhci_ports_reset(struct xhci *x);
void xhci_port_write(struct xhci *x, unsigned n, uint32_t val);
/* Changes that nobody was told of while it did not run. */
void xhci_ports_tell(struct xhci *x);
/* PORTSC as what is plugged in wants it, after a restored state. */
void xhci_port_refresh(struct xhci *x, unsigned n);
/* The device at a port that works, from 1; or NULL. */
struct usb_device *xhci_port_device(struct xhci *x, unsigned port);

/* ---- xhci_event.c ---- */

/* Is there room for a few? Else the work waits until the guest has taken some. */
bool xhci_event_room(const struct xhci *x);
void xhci_event(struct xhci *x, struct xhci_trb t, bool interrupts);
void xhci_event_ring_set(struct xhci *x); /* ERSTSZ, ERSTBA were written */
void xhci_erdp_write(struct xhci *x, uint64_t val, bool low);
void xhci_update_irq(struct xhci *x);

/* ---- xhci_command.c ---- */

/* Up to n commands; false when there may be more. */
bool xhci_run_commands(struct xhci *x, unsigned n);
void xhci_slot_disable(struct xhci *x, unsigned slot);

/* ---- xhci_transfer.c ---- */

/* What the endpoint can do now; false when it was a lot and there may be more. */
bool xhci_run_endpoint(struct xhci *x, unsigned slot, unsigned dci);
/* Nothing of a transfer is under way any more. */
void xhci_ep_forget(struct xhci_ep *e);
/* State and dequeue pointer into the endpoint's context in memory. */
void xhci_ep_store(struct xhci *x, unsigned slot, unsigned dci);

#endif
