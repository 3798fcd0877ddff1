/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI function of the xHCI controller and its registers; see xhci.h. xHCI 1.2: 5.2 (PCI), 5.3
 * (capabilities), 5.4 (operational), 5.5 (runtime), 5.6 (doorbells), 7.2 (supported
 * protocols), 4.9.2 (rings). */
#include "base/bits.h"
#include "base/log.h"
#include "devices/usb/xhci_int.h"

#define BAR_SIZE 0x4000u
#define LATER_NS INT64_C(125000)
#define MFINDEX  INT64_C(125000) /* ns of a microframe */

enum {
    OPERATIONAL = 0x40,
    PROTOCOLS = 0x20,
    PORTS_AT = OPERATIONAL + 0x400,
    RUNTIME = 0x1000,
    INTERRUPTER = RUNTIME + 0x20,
    DOORBELLS = 0x2000,

    USBCMD = 0x00,
    USBSTS = 0x04,
    PAGESIZE = 0x08,
    DNCTRL = 0x14,
    CRCR = 0x18,
    DCBAAP = 0x30,
    CONFIG = 0x38,

    CRCR_RCS = 1 << 0,
    CRCR_STOP = 1 << 1,
    CRCR_ABORT = 1 << 2,
    CRCR_RUNNING = 1 << 3,

    CMD_LHCRST = 1 << 7,
    CMD_CSS = 1 << 8,
    CMD_CRS = 1 << 9,
    CMD_KEPT = XHCI_CMD_RS | XHCI_CMD_INTE | 1 << 3 | 1 << 10,
    STS_CLEARED = XHCI_STS_HSE | XHCI_STS_EINT | XHCI_STS_PCD | XHCI_STS_SRE,

    MAX_LINKS = 4, /* in a row */
    MAX_COMMANDS = 64,
    MAX_ROUNDS = 256, /* of endpoints, before others have their turn */
};

/* ---- memory ---- */

bool xhci_die(struct xhci *x)
{
    x->s.cmd &= ~(uint32_t)XHCI_CMD_RS;
    x->s.sts |= XHCI_STS_HSE | XHCI_STS_HCH | XHCI_STS_HCE;
    x->s.command_running = false;
    return false;
}

bool xhci_read(struct xhci *x, uint64_t at, void *buf, size_t len)
{
    return pci_dma_read(&x->pci, at, buf, len) || xhci_die(x);
}

bool xhci_write(struct xhci *x, uint64_t at, const void *buf, size_t len)
{
    return pci_dma_write(&x->pci, at, buf, len) || xhci_die(x);
}

int xhci_ring_peek(struct xhci *x, struct xhci_ring *r, struct xhci_trb *t, uint64_t *at)
{
    for (unsigned n = 0; n < MAX_LINKS; n++) {
        uint8_t raw[16];

        if (!pci_dma_read(&x->pci, r->dequeue, raw, sizeof(raw)))
            return -1;
        *t = (struct xhci_trb){ld_le64(raw), ld_le32(raw + 8), ld_le32(raw + 12)};
        if ((t->control & TRB_CYCLE) != r->cycle)
            return 0;
        *at = r->dequeue;
        if (trb_type(t) != TRB_LINK)
            return 1;
        r->dequeue = t->param & ~UINT64_C(0xf);
        if (t->control & TRB_TOGGLE)
            r->cycle = !r->cycle;
    }
    return -1;
}

/* ---- work ---- */

void xhci_todo(struct xhci *x, unsigned slot, unsigned dci)
{
    x->s.todo[slot] |= 1u << dci;
}

static bool run_one(struct xhci *x, unsigned slot, unsigned dci)
{
    return slot ? xhci_run_endpoint(x, slot, dci) : xhci_run_commands(x, MAX_COMMANDS);
}

/* One round over what there is to do; false when there was nothing, or no room for events. */
static bool work_round(struct xhci *x, bool *more)
{
    bool any = false;

    for (unsigned slot = 0; slot <= XHCI_SLOTS; slot++) {
        uint32_t todo = x->s.todo[slot];

        x->s.todo[slot] = 0;
        while (todo) {
            unsigned dci = (unsigned)__builtin_ctz(todo);

            todo &= todo - 1;
            if (!run_one(x, slot, dci)) {
                x->s.todo[slot] |= 1u << dci;
                *more = true;
            }
            any = true;
        }
    }
    return any && xhci_event_room(x);
}

void xhci_work(struct xhci *x)
{
    bool more = false;
    unsigned n = 0;

    if (x->busy || !xhci_running(x) || !xhci_event_room(x))
        return;
    x->busy = true;
    while (!more && n < MAX_ROUNDS && work_round(x, &more))
        n++;
    x->busy = false;
    if (more || n == MAX_ROUNDS)
        timer_arm(&x->later, clock_now(x->cfg.clock) + LATER_NS);
}

static void later_fire(void *opaque)
{
    xhci_work(opaque);
}

/* ---- reset ---- */

static void reset_registers(struct xhci *x)
{
    timer_cancel(&x->later);
    memset(&x->s, 0, sizeof(x->s));
    x->s.sts = XHCI_STS_HCH;
    x->s.event_cycle = true;
    x->s.imod = 4000;
    xhci_ports_reset(x);
}

static void host_reset(struct xhci *x)
{
    for (unsigned n = 0; n < XHCI_PORTS; n++) {
        if (x->port[n].device)
            usb_device_bus_reset(x->port[n].device);
    }
    reset_registers(x);
}

/* ---- reading ---- */

static uint32_t capability(unsigned off)
{
    switch (off) {
    case 0x00: return OPERATIONAL | 0x0100u << 16;
    case 0x04: return XHCI_SLOTS | 1u << 8 | XHCI_PORTS << 24;
    case 0x08: return 0x0f; /* isochronous threshold; one segment in the event ring */
    case 0x10: return 1 | (PROTOCOLS / 4) << 16; /* addresses of 64 bits */
    case 0x14: return DOORBELLS;
    case 0x18: return RUNTIME;
    case PROTOCOLS: return 0x02000402;
    case PROTOCOLS + 4:
    case PROTOCOLS + 20: return 0x20425355; /* "USB " */
    case PROTOCOLS + 8: return 1 | XHCI_USB2_PORTS << 8;
    case PROTOCOLS + 16: return 0x03000002;
    case PROTOCOLS + 24: return (XHCI_USB2_PORTS + 1) | (XHCI_PORTS - XHCI_USB2_PORTS) << 8;
    default: return 0;
    }
}

static uint32_t operational(const struct xhci *x, unsigned off)
{
    switch (off) {
    case USBCMD: return x->s.cmd;
    case USBSTS: return x->s.sts;
    case PAGESIZE: return 1;
    case DNCTRL: return x->s.dnctrl;
    case CRCR: return x->s.command_running ? CRCR_RUNNING : 0;
    case DCBAAP: return (uint32_t)x->s.dcbaap;
    case DCBAAP + 4: return (uint32_t)(x->s.dcbaap >> 32);
    case CONFIG: return x->s.config;
    default: return 0;
    }
}

static uint32_t interrupter(const struct xhci *x, unsigned off)
{
    switch (off) {
    case 0x00: return x->s.iman;
    case 0x04: return x->s.imod;
    case 0x08: return x->s.erstsz;
    case 0x10: return (uint32_t)x->s.erstba;
    case 0x14: return (uint32_t)(x->s.erstba >> 32);
    case 0x18: return (uint32_t)x->s.erdp;
    case 0x1c: return (uint32_t)(x->s.erdp >> 32);
    default: return 0;
    }
}

static uint64_t bar_read(void *opaque, uint64_t at, unsigned size)
{
    struct xhci *x = opaque;
    unsigned off = (unsigned)at, n = (off - PORTS_AT) / 16;

    (void)size;
    if (off < OPERATIONAL)
        return capability(off);
    if (off < PORTS_AT)
        return operational(x, off - OPERATIONAL);
    if (off < PORTS_AT + 16 * XHCI_PORTS)
        return off % 16 == 0 ? x->s.portsc[n] : off % 16 == 4 ? x->s.portpmsc[n] : 0;
    if (off == RUNTIME && xhci_running(x))
        return (uint64_t)((clock_now(x->cfg.clock) - x->s.started) / MFINDEX) & 0x3fff;
    if (off >= INTERRUPTER && off < INTERRUPTER + 0x20)
        return interrupter(x, off - INTERRUPTER);
    return 0;
}

/* ---- writing ---- */

static void cmd_write(struct xhci *x, uint32_t val)
{
    bool was = xhci_running(x);

    if (val & XHCI_CMD_HCRST) {
        host_reset(x);
        return;
    }
    x->s.cmd = val & CMD_KEPT;
    if (val & CMD_CRS) /* what was saved is not there: the driver begins anew */
        x->s.sts |= XHCI_STS_SRE;
    if (x->s.sts & XHCI_STS_HCE)
        x->s.cmd &= ~(uint32_t)XHCI_CMD_RS;
    if (!xhci_running(x)) {
        x->s.sts |= XHCI_STS_HCH;
        x->s.command_running = false;
        return;
    }
    x->s.sts &= ~(uint32_t)XHCI_STS_HCH;
    if (!was) {
        x->s.started = clock_now(x->cfg.clock);
        xhci_ports_tell(x);
        xhci_work(x);
    }
}

static void crcr_write(struct xhci *x, uint32_t val, bool low)
{
    if (x->s.command_running) {
        x->s.ignore_high = low && (val & (CRCR_STOP | CRCR_ABORT));
        if (!x->s.ignore_high)
            return;
        x->s.command_running = false;
        xhci_event(x,
                   (struct xhci_trb){x->s.command.dequeue, (uint32_t)CC_RING_STOPPED << 24,
                                     (uint32_t)TRB_COMMAND_EVENT << 10},
                   true);
        return;
    }
    if (!low && x->s.ignore_high) { /* the other half of a stop */
        x->s.ignore_high = false;
        return;
    }
    x->s.ignore_high = false;
    x->s.crcr = low ? (x->s.crcr & ~UINT64_C(0xffffffff)) | val
                    : (x->s.crcr & 0xffffffff) | (uint64_t)val << 32;
    x->s.command.dequeue = x->s.crcr & ~UINT64_C(0x3f);
    x->s.command.cycle = x->s.crcr & CRCR_RCS;
}

static uint64_t half(uint64_t old, uint32_t val, bool low)
{
    return low ? (old & ~UINT64_C(0xffffffff)) | val : (old & 0xffffffff) | (uint64_t)val << 32;
}

static void operational_write(struct xhci *x, unsigned off, uint32_t val)
{
    switch (off) {
    case USBCMD: cmd_write(x, val); break;
    case USBSTS: x->s.sts &= ~(val & STS_CLEARED); break;
    case DNCTRL: x->s.dnctrl = val & 0xffff; break;
    case CRCR:
    case CRCR + 4: crcr_write(x, val, off == CRCR); break;
    case DCBAAP:
    case DCBAAP + 4: x->s.dcbaap = half(x->s.dcbaap, val, off == DCBAAP) & ~UINT64_C(0x3f); break;
    case CONFIG: x->s.config = val & 0x3ff; break;
    default: break;
    }
}

static void interrupter_write(struct xhci *x, unsigned off, uint32_t val)
{
    switch (off) {
    case 0x00: x->s.iman = (x->s.iman & ~(val & 1) & 1) | (val & 2); break;
    case 0x04: x->s.imod = val; break;
    case 0x08:
        x->s.erstsz = val & 0xffff;
        xhci_event_ring_set(x);
        break;
    case 0x10:
    case 0x14:
        x->s.erstba = half(x->s.erstba, val, off == 0x10) & ~UINT64_C(0x3f);
        xhci_event_ring_set(x);
        break;
    case 0x18:
    case 0x1c: xhci_erdp_write(x, val, off == 0x18); break;
    default: break;
    }
}

static void doorbell(struct xhci *x, unsigned slot, uint32_t val)
{
    unsigned dci = val & 0xff;

    if (!xhci_running(x) || slot > XHCI_SLOTS)
        return;
    if (!slot) {
        if (dci)
            return;
        x->s.command_running = true;
        x->s.todo[0] |= 1;
    } else {
        struct xhci_ep *e = &x->s.slot[slot].ep[dci & 0x1f];

        if (!x->s.slot[slot].enabled || !dci || dci > 31)
            return;
        if (e->state == EP_STOPPED) {
            e->state = EP_RUNNING;
            xhci_ep_store(x, slot, dci);
        }
        if (e->state == EP_RUNNING)
            xhci_todo(x, slot, dci);
    }
    xhci_work(x);
}

static void bar_write(void *opaque, uint64_t at, uint64_t val, unsigned size)
{
    struct xhci *x = opaque;
    unsigned off = (unsigned)at, n = (off - PORTS_AT) / 16;

    (void)size;
    if (off >= DOORBELLS)
        doorbell(x, (off - DOORBELLS) / 4, (uint32_t)val);
    else if (off >= INTERRUPTER && off < INTERRUPTER + 0x20)
        interrupter_write(x, off - INTERRUPTER, (uint32_t)val);
    else if (off >= PORTS_AT && off < PORTS_AT + 16 * XHCI_PORTS && off % 16 == 0)
        xhci_port_write(x, n, (uint32_t)val);
    else if (off >= PORTS_AT && off < PORTS_AT + 16 * XHCI_PORTS && off % 16 == 4)
        x->s.portpmsc[n] = (uint32_t)val & 0x1ffff;
    else if (off >= OPERATIONAL && off < PORTS_AT)
        operational_write(x, off - OPERATIONAL, (uint32_t)val);
    xhci_update_irq(x);
}

static const struct bus_ops bar_ops = {bar_read, bar_write, 4, 4};

/* ---- the device ---- */

static void xhci_reset(void *self)
{
    struct xhci *x = self;

    pci_device_reset(&x->pci);
    reset_registers(x);
    xhci_update_irq(x);
}

/* What the code relies on. */
static void mend(struct xhci *x)
{
    for (unsigned slot = 1; slot <= XHCI_SLOTS; slot++) {
        struct xhci_slot *s = &x->s.slot[slot];

        s->port = s->port > XHCI_PORTS ? 0 : s->port;
        for (unsigned dci = 0; dci < XHCI_ENDPOINTS; dci++) {
            s->ep[dci].packet = (uint16_t)CLAMP(s->ep[dci].packet, 1, 1024);
            if (s->ep[dci].trb_done > 0x1ffff)
                xhci_ep_forget(&s->ep[dci]);
        }
    }
    if (x->s.event_size < 16 || x->s.event_size > 4096)
        x->s.event_size = 0;
    if (x->s.event_at >= x->s.event_size)
        x->s.event_at = 0;
    x->s.todo[0] &= 1;
}

static void xhci_post_load(void *self)
{
    struct xhci *x = self;

    mend(x);
    pci_device_post_load(&x->pci);
    for (unsigned n = 0; n < XHCI_PORTS; n++)
        xhci_port_refresh(x, n);
    timer_arm(&x->later, clock_now(x->cfg.clock));
    xhci_update_irq(x);
}

static void xhci_destroy(void *self)
{
    struct xhci *x = self;

    timer_cancel(&x->later);
    for (unsigned n = 0; n < XHCI_PORTS; n++) {
        if (x->port[n].device)
            x->port[n].device->port = NULL;
    }
    pci_detach(&x->pci);
    g_free(x);
}

static const struct state_field xhci_fields[] = {
    PCI_STATE_FIELDS(struct xhci, pci),
    PCI_MSIX_STATE_FIELDS(struct xhci, msix),
    STATE_FIELD(struct xhci, s),
    STATE_END,
};

static const struct device_type xhci_type = {
    .name = "qemu-xhci",
    .version = 1,
    .fields = xhci_fields,
    .reset = xhci_reset,
    .post_load = xhci_post_load,
    .destroy = xhci_destroy,
};

struct xhci *xhci_new(const struct xhci_config *cfg, GError **err)
{
    struct xhci *x = g_new0(struct xhci, 1);

    x->dev = (struct device){&xhci_type, x};
    x->cfg = *cfg;
    timer_init(&x->later, cfg->clock, later_fire, x);
    pci_device_init(&x->pci, "qemu-xhci", 0x1b36, 0x000d, 0x0c0330, 1, 1, x);
    pci_bar_init(&x->pci, 0, false, BAR_SIZE, &bar_ops, x);
    x->pci.config[0x60] = 0x30; /* SBRN: USB 3.0 */
    x->pci.config[0x61] = 0x20; /* FLADJ: none */
    pci_msix_init(&x->pci, &x->msix, 1, 1);
    xhci_ports_init(x);
    if (!pci_attach(cfg->bus, &x->pci, cfg->devfn, err)) {
        xhci_destroy(x);
        return NULL;
    }
    device_reset(&x->dev);
    return x;
}

struct device *xhci_device(struct xhci *x)
{
    return &x->dev;
}

struct usb_port *xhci_port(struct xhci *x, unsigned n)
{
    return &x->port[n];
}
