/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers and ports of the UHCI controller; see uhci.h. UHCI Design Guide 1.1, 2.1 (I/O
 * registers), 5.2 (configuration space); Intel 290550, 2.4 and 2.7 for the PIIX3's own.
 *
 * While it runs a timer counts frames of a millisecond. One that the host was late for is made up
 * for, but for no more than a few: the guest sees the frame number jump.
 */
#include "base/bits.h"
#include "base/log.h"
#include "devices/usb/uhci_int.h"

#define FRAME_NS   INT64_C(1000000)
#define MAX_LATE   (8 * FRAME_NS)
#define FRAME_BITS 0x7ffu

enum {
    SBRN = 0x60,
    LEGSUP = 0xc0,
    LEGSUP_PIRQ = 1 << 13,

    PORT_CONNECTED = 1 << 0,
    PORT_CONNECT_CHANGE = 1 << 1,
    PORT_ENABLED = 1 << 2,
    PORT_ENABLE_CHANGE = 1 << 3,
    PORT_DPLUS = 1 << 4,
    PORT_DMINUS = 1 << 5,
    PORT_RESUME = 1 << 6,
    PORT_ALWAYS_1 = 1 << 7,
    PORT_LOW_SPEED = 1 << 8,
    PORT_RESET = 1 << 9,
    PORT_SUSPEND = 1 << 12,
    PORT_CHANGES = PORT_CONNECT_CHANGE | PORT_ENABLE_CHANGE,

    CMD_WRITABLE = 0xff,
    STS_CLEARED = 0x1f, /* by writing one */
};

void uhci_update_irq(struct uhci *u)
{
    const struct uhci_state *s = &u->s;
    bool level = ((s->sts & UHCI_STS_INT) && ((s->ioc && (s->intr & UHCI_INTR_IOC)) ||
                                              (s->short_packet && (s->intr & UHCI_INTR_SHORT)))) ||
                 ((s->sts & UHCI_STS_ERROR) && (s->intr & UHCI_INTR_ERROR)) ||
                 ((s->sts & UHCI_STS_RESUME) && (s->intr & UHCI_INTR_RESUME)) ||
                 (s->sts & (UHCI_STS_HOST_ERROR | UHCI_STS_PROCESS_ERROR));

    pci_set_intx(&u->pci, level && (ld_le16(u->pci.config + LEGSUP) & LEGSUP_PIRQ));
}

void uhci_stop(struct uhci *u, uint16_t why)
{
    u->s.cmd &= (uint16_t)~UHCI_CMD_RS;
    u->s.sts |= UHCI_STS_HALTED | why;
    timer_cancel(&u->frame);
}

static void arm(struct uhci *u)
{
    if (u->s.cmd & UHCI_CMD_RS)
        timer_arm(&u->frame, u->s.next_frame);
    else
        timer_cancel(&u->frame);
}

static void frame_fire(void *opaque)
{
    struct uhci *u = opaque;
    int64_t late = clock_now(u->cfg.clock) - u->s.next_frame;
    uint64_t skip = late > MAX_LATE ? (uint64_t)(late / FRAME_NS) : 0;

    if (!(u->s.cmd & UHCI_CMD_EGSM))
        uhci_run_frame(u);
    if (u->s.cmd & UHCI_CMD_SWDBG)
        uhci_stop(u, 0);
    u->s.frnum = (u->s.frnum + 1 + skip) & FRAME_BITS;
    u->s.next_frame += FRAME_NS * (int64_t)(1 + skip);
    arm(u);
    uhci_update_irq(u);
}

/* ---- ports ---- */

struct usb_device *uhci_find(struct uhci *u, unsigned address)
{
    for (unsigned n = 0; n < UHCI_PORTS; n++) {
        struct usb_device *d = u->port[n].device;

        if (d && d->s.address == address &&
            (u->s.portsc[n] & (PORT_ENABLED | PORT_SUSPEND | PORT_RESET)) == PORT_ENABLED)
            return d;
    }
    return NULL;
}

/* What the port's state is with what is plugged in now. */
static void port_lines(struct uhci *u, unsigned n)
{
    const struct usb_device *d = u->port[n].device;
    uint16_t *sc = &u->s.portsc[n];

    *sc &= (uint16_t) ~(PORT_CONNECTED | PORT_DPLUS | PORT_DMINUS | PORT_LOW_SPEED);
    *sc |= PORT_ALWAYS_1;
    if (d)
        *sc |= d->speed == USB_LOW ? PORT_CONNECTED | PORT_DMINUS | PORT_LOW_SPEED
                                   : PORT_CONNECTED | PORT_DPLUS;
}

static void resume_detected(struct uhci *u)
{
    u->s.sts |= UHCI_STS_RESUME;
    uhci_update_irq(u);
}

static void port_wake(void *opaque, unsigned n)
{
    struct uhci *u = opaque;
    bool suspended = u->s.portsc[n] & PORT_SUSPEND;

    if (!(u->s.portsc[n] & PORT_ENABLED) || !(suspended || (u->s.cmd & UHCI_CMD_EGSM)))
        return;
    if (suspended)
        u->s.portsc[n] |= PORT_RESUME;
    if (u->s.cmd & UHCI_CMD_EGSM)
        u->s.cmd |= UHCI_CMD_FGR;
    resume_detected(u);
}

static void port_plugged(void *opaque, unsigned n)
{
    struct uhci *u = opaque;
    uint16_t *sc = &u->s.portsc[n];

    port_lines(u, n);
    *sc |= PORT_CONNECT_CHANGE;
    if (!u->port[n].device && (*sc & PORT_ENABLED)) {
        *sc &= (uint16_t)~PORT_ENABLED;
        *sc |= PORT_ENABLE_CHANGE;
    }
    if (u->s.cmd & UHCI_CMD_EGSM)
        resume_detected(u);
}

static const struct usb_port_ops port_ops = {.plugged = port_plugged, .wake = port_wake};

static void port_write(struct uhci *u, unsigned n, uint16_t val)
{
    uint16_t *sc = &u->s.portsc[n], old = *sc;
    const uint16_t kept = PORT_ENABLED | PORT_RESUME | PORT_RESET | PORT_SUSPEND;

    *sc = (uint16_t)((old & ~kept) | (val & kept));
    *sc &= (uint16_t) ~(val & PORT_CHANGES);
    if (!(*sc & PORT_CONNECTED))
        *sc &= (uint16_t)~PORT_ENABLED;
    if (*sc & PORT_RESET)
        *sc &= (uint16_t)~PORT_ENABLED;
    if ((*sc & PORT_RESET) && !(old & PORT_RESET) && u->port[n].device)
        usb_device_bus_reset(u->port[n].device);
    /* the end of the resume signal is the end of the suspension (2.1.7) */
    if ((old & PORT_RESUME) && !(*sc & PORT_RESUME))
        *sc &= (uint16_t)~PORT_SUSPEND;
}

/* ---- the whole ---- */

static void reset_registers(struct uhci *u)
{
    timer_cancel(&u->frame);
    u->s = (struct uhci_state){.sts = UHCI_STS_HALTED, .sofmod = 0x40};
    for (unsigned n = 0; n < UHCI_PORTS; n++) {
        port_lines(u, n);
        if (u->port[n].device)
            u->s.portsc[n] |= PORT_CONNECT_CHANGE;
    }
}

static void reset_buses(struct uhci *u)
{
    for (unsigned n = 0; n < UHCI_PORTS; n++) {
        if (u->port[n].device)
            usb_device_bus_reset(u->port[n].device);
    }
}

static void cmd_write(struct uhci *u, uint16_t val)
{
    uint16_t old = u->s.cmd;

    val &= CMD_WRITABLE;
    if (val & UHCI_CMD_HCRESET) { /* the ports lose their devices for a moment */
        reset_buses(u);
        reset_registers(u);
        return;
    }
    if ((val & UHCI_CMD_GRESET) && !(old & UHCI_CMD_GRESET)) {
        reset_buses(u);
        reset_registers(u);
        val &= UHCI_CMD_GRESET;
    }
    u->s.cmd = val;
    if ((old & UHCI_CMD_FGR) && !(val & UHCI_CMD_FGR)) {
        for (unsigned n = 0; n < UHCI_PORTS; n++)
            u->s.portsc[n] &= (uint16_t) ~(PORT_RESUME | PORT_SUSPEND);
    }
    if (!(val & UHCI_CMD_RS)) {
        uhci_stop(u, 0);
    } else if (!(old & UHCI_CMD_RS)) {
        u->s.sts &= (uint16_t)~UHCI_STS_HALTED;
        u->s.next_frame = clock_now(u->cfg.clock) + FRAME_NS;
        arm(u);
    }
}

static uint64_t io_read(void *opaque, uint64_t off, unsigned size)
{
    struct uhci *u = opaque;
    uint32_t v;

    switch (off & ~3u) {
    case 0x00: v = u->s.cmd | (uint32_t)u->s.sts << 16; break;
    case 0x04: v = u->s.intr | (uint32_t)u->s.frnum << 16; break;
    case 0x08: v = u->s.frbase; break;
    case 0x0c: v = u->s.sofmod; break;
    case 0x10: v = u->s.portsc[0] | (uint32_t)u->s.portsc[1] << 16; break;
    default: v = 0; /* there are no more ports: software looks for bit 7 */
    }
    return zext(v >> 8 * (off & 3), size);
}

static void write16(struct uhci *u, uint64_t off, uint16_t val)
{
    switch (off) {
    case 0x00: cmd_write(u, val); break;
    case 0x02:
        u->s.sts &= (uint16_t) ~(val & STS_CLEARED);
        if (val & UHCI_STS_INT)
            u->s.ioc = u->s.short_packet = false;
        break;
    case 0x04: u->s.intr = val & 0xf; break;
    case 0x06:
        if (u->s.sts & UHCI_STS_HALTED)
            u->s.frnum = val & FRAME_BITS;
        break;
    case 0x08: u->s.frbase = (u->s.frbase & 0xffff0000) | (val & 0xf000); break;
    case 0x0a: u->s.frbase = (u->s.frbase & 0xffff) | (uint32_t)val << 16; break;
    case 0x0c: u->s.sofmod = val & 0x7f; break;
    case 0x10:
    case 0x12: port_write(u, (off - 0x10) / 2, val); break;
    default: break;
    }
}

static void io_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct uhci *u = opaque;

    if (size == 1 && off != 0x0c) { /* words are what the registers have; a byte leaves the rest */
        uint16_t other = (uint16_t)io_read(u, off & ~1u, 2);

        if ((off & ~1u) == 0x02)
            other = 0; /* of bits that are cleared by ones */
        else if ((off & ~1u) >= 0x10)
            other &= (uint16_t)~PORT_CHANGES;
        val = off & 1 ? (other & 0x00ff) | val << 8 : (other & 0xff00) | val;
        off &= ~UINT64_C(1);
    }
    write16(u, off, (uint16_t)val);
    if (size == 4)
        write16(u, off + 2, (uint16_t)(val >> 16));
    uhci_update_irq(u);
}

static const struct bus_ops io_ops = {io_read, io_write, 1, 4};

static void config_written(struct pci_device *d, unsigned off, unsigned size)
{
    if (off < LEGSUP + 2 && LEGSUP < off + size)
        uhci_update_irq(d->opaque);
}

/* ---- the device ---- */

static void uhci_reset(void *self)
{
    struct uhci *u = self;

    pci_device_reset(&u->pci);
    reset_registers(u);
    uhci_update_irq(u);
}

static void uhci_post_load(void *self)
{
    struct uhci *u = self;

    pci_device_post_load(&u->pci);
    u->s.frbase &= 0xfffff000;
    u->s.frnum &= FRAME_BITS;
    for (unsigned n = 0; n < UHCI_PORTS; n++)
        port_lines(u, n);
    if (u->s.cmd & UHCI_CMD_RS && u->s.next_frame < clock_now(u->cfg.clock))
        u->s.next_frame = clock_now(u->cfg.clock);
    arm(u);
    uhci_update_irq(u);
}

static void uhci_destroy(void *self)
{
    struct uhci *u = self;

    timer_cancel(&u->frame);
    for (unsigned n = 0; n < UHCI_PORTS; n++) {
        if (u->port[n].device)
            u->port[n].device->port = NULL;
    }
    pci_detach(&u->pci);
    g_free(u);
}

static const struct state_field uhci_fields[] = {
    PCI_STATE_FIELDS(struct uhci, pci),
    STATE_FIELD(struct uhci, s),
    STATE_END,
};

static const struct device_type uhci_type = {
    .name = "piix3-usb-uhci",
    .version = 1,
    .fields = uhci_fields,
    .reset = uhci_reset,
    .post_load = uhci_post_load,
    .destroy = uhci_destroy,
};

struct uhci *uhci_new(const struct uhci_config *cfg, GError **err)
{
    struct uhci *u = g_new0(struct uhci, 1);

    u->dev = (struct device){&uhci_type, u};
    u->cfg = *cfg;
    timer_init(&u->frame, cfg->clock, frame_fire, u);
    pci_device_init(&u->pci, "piix3-usb-uhci", 0x8086, 0x7020, 0x0c0300, 1, 4, u);
    pci_bar_init(&u->pci, 4, true, 0x20, &io_ops, u);
    u->pci.config_written = config_written;
    u->pci.config[SBRN] = 0x10; /* USB 1.0 */
    st_le16(u->pci.config + LEGSUP, LEGSUP_PIRQ);
    st_le16(u->pci.wmask + LEGSUP, 0x20bf);
    st_le16(u->pci.w1cmask + LEGSUP, 0x8f00);
    for (unsigned n = 0; n < UHCI_PORTS; n++)
        u->port[n] = (struct usb_port){
            .ops = &port_ops, .opaque = u, .index = n, .speeds = 1u << USB_LOW | 1u << USB_FULL};
    if (!pci_attach(cfg->bus, &u->pci, cfg->devfn, err)) {
        uhci_destroy(u);
        return NULL;
    }
    device_reset(&u->dev);
    return u;
}

struct device *uhci_device(struct uhci *u)
{
    return &u->dev;
}

struct usb_port *uhci_port(struct uhci *u, unsigned n)
{
    return &u->port[n];
}
