/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control pipe of every device, and the requests that all of them know. USB 2.0: 8.5.3 control
 * transfers, 9.4 standard requests; USB 3.2, 9.4, for those of fast devices.
 */
#include "base/bits.h"
#include "base/log.h"
#include "devices/usb/usb.h"

#define MANUFACTURER "Penumbra"

static const struct usb_descriptors *descriptors(const struct usb_device *d)
{
    return d->descriptors[d->speed];
}

/* ---- descriptors ---- */

static int send(const uint8_t *from, unsigned n, const struct usb_setup *s, uint8_t *data)
{
    n = n < s->length ? n : s->length;
    memcpy(data, from, n);
    return (int)n;
}

static int send_string(const struct usb_device *d, const struct usb_setup *s, uint8_t *data)
{
    const char *text[USB_STRINGS] = {NULL, MANUFACTURER, d->product, d->serial};
    uint8_t buf[256] = {4, USB_DESC_STRING, 0x09, 0x04}; /* English */
    unsigned which = s->value & 0xff, n = 0;

    if (which >= USB_STRINGS || (which && !text[which]))
        return -1;
    if (which) {
        for (; text[which][n] && n < 126; n++)
            st_le16(buf + 2 + 2 * n, (uint8_t)text[which][n]);
        buf[0] = (uint8_t)(2 + 2 * n);
    }
    return send(buf, buf[0], s, data);
}

static int get_descriptor(struct usb_device *d, const struct usb_setup *s, uint8_t *data)
{
    const struct usb_descriptors *desc = descriptors(d);

    switch (s->value >> 8) {
    case USB_DESC_DEVICE: return send(desc->device, 18, s, data);
    case USB_DESC_CONFIG:
        return s->value & 0xff ? -1 : send(desc->config, ld_le16(desc->config + 2), s, data);
    case USB_DESC_STRING: return send_string(d, s, data);
    case USB_DESC_BOS: return desc->bos ? send(desc->bos, ld_le16(desc->bos + 2), s, data) : -1;
    default: return -1;
    }
}

/* ---- features, status ---- */

/* Is there such an endpoint in the configuration? */
static bool has_endpoint(const struct usb_device *d, unsigned address)
{
    const uint8_t *c = descriptors(d)->config;
    unsigned total = ld_le16(c + 2);

    for (unsigned at = 0; at + 2 < total && c[at]; at += c[at]) {
        if (c[at + 1] == USB_DESC_ENDPOINT && c[at + 2] == address)
            return true;
    }
    return !(address & 0x0f);
}

static int endpoint_feature(struct usb_device *d, const struct usb_setup *s, bool set)
{
    unsigned ep = s->index & 0x0f;
    bool in = s->index & USB_DIR_IN;

    if (s->value != USB_FEATURE_HALT || !has_endpoint(d, s->index & 0xff))
        return -1;
    if (!ep)
        return 0; /* it ends with each SETUP */
    if (set) {
        usb_device_halt(d, ep, in);
    } else {
        d->s.halted[in] &= (uint16_t) ~(1u << ep);
        if (d->ops->unhalted)
            d->ops->unhalted(d->self, ep, in);
    }
    return 0;
}

static int feature(struct usb_device *d, const struct usb_setup *s, bool set)
{
    switch (s->type & 0x1f) {
    case USB_TO_DEVICE:
        if (s->value == USB_FEATURE_REMOTE_WAKEUP)
            d->s.remote_wakeup = set;
        else if (d->speed < USB_SUPER) /* else U1, U2, LTM: nothing is to be done for them */
            return -1;
        return 0;
    case USB_TO_INTERFACE: return d->speed == USB_SUPER && !s->value ? 0 : -1;
    case USB_TO_ENDPOINT: return endpoint_feature(d, s, set);
    default: return -1;
    }
}

static int get_status(struct usb_device *d, const struct usb_setup *s, uint8_t *data)
{
    uint8_t status[2] = {0, 0};

    switch (s->type & 0x1f) {
    case USB_TO_DEVICE: status[0] = (uint8_t)(1 | d->s.remote_wakeup << 1); break; /* own power */
    case USB_TO_INTERFACE: break;
    case USB_TO_ENDPOINT:
        if (!has_endpoint(d, s->index & 0xff))
            return -1;
        status[0] = usb_device_halted(d, s->index & 0x0f, s->index & USB_DIR_IN);
        break;
    default: return -1;
    }
    return send(status, 2, s, data);
}

static int set_configuration(struct usb_device *d, const struct usb_setup *s)
{
    if (s->value && s->value != descriptors(d)->config[5])
        return -1;
    d->s.configuration = (uint8_t)s->value;
    d->s.halted[0] = d->s.halted[1] = 0;
    if (d->ops->restart)
        d->ops->restart(d->self);
    return 0;
}

static int standard(struct usb_device *d, const struct usb_setup *s, uint8_t *data)
{
    unsigned to = s->type & 0x1f;

    switch (s->request) {
    case USB_GET_STATUS: return s->type & USB_DIR_IN ? get_status(d, s, data) : -1;
    case USB_CLEAR_FEATURE: return feature(d, s, false);
    case USB_SET_FEATURE: return feature(d, s, true);
    case USB_SET_ADDRESS: return s->value > 127 || to ? -1 : 0; /* at the end of the transfer */
    case USB_GET_DESCRIPTOR:
        if (!(s->type & USB_DIR_IN))
            return -1;
        return to ? d->ops->control(d->self, s, data) : get_descriptor(d, s, data);
    case USB_GET_CONFIGURATION:
        return s->type & USB_DIR_IN ? send(&d->s.configuration, 1, s, data) : -1;
    case USB_SET_CONFIGURATION: return set_configuration(d, s);
    case USB_GET_INTERFACE:
        return s->type & USB_DIR_IN && d->s.configuration ? send((const uint8_t[]){0}, 1, s, data)
                                                          : -1;
    case USB_SET_INTERFACE:
        if (!d->s.configuration || s->value)
            return -1;
        d->s.halted[0] = d->s.halted[1] = 0;
        if (d->ops->restart)
            d->ops->restart(d->self);
        return 0;
    case USB_SET_SEL:
    case USB_SET_ISOCH_DELAY: return d->speed == USB_SUPER ? 0 : -1;
    default: return -1;
    }
}

/* ---- the control pipe ---- */

static struct usb_setup parse(const uint8_t *p)
{
    return (struct usb_setup){p[0], p[1], ld_le16(p + 2), ld_le16(p + 4), ld_le16(p + 6)};
}

/* All that the request needs is there. */
static void perform(struct usb_device *d)
{
    struct usb_setup s = parse(d->s.setup);
    int n;

    n = s.type & 0x60 ? d->ops->control(d->self, &s, d->s.data) : standard(d, &s, d->s.data);
    if (n < 0) {
        log_guest("usb: %s does not know request %02x %02x, value %04x", d->product, s.type,
                  s.request, s.value);
        d->s.stage = USB_STAGE_STALL;
        return;
    }
    d->s.pos = 0;
    d->s.len = s.type & USB_DIR_IN ? (uint16_t)n : 0;
    d->s.stage = s.type & USB_DIR_IN && s.length ? USB_STAGE_IN : USB_STAGE_STATUS;
}

static enum usb_result setup_packet(struct usb_device *d, const uint8_t *data, size_t len)
{
    struct usb_setup s;

    if (len != sizeof(d->s.setup))
        return USB_SILENT; /* no device acknowledges that (8.5.3) */
    memcpy(d->s.setup, data, len);
    s = parse(data);
    d->s.pos = 0;
    if (s.length > USB_CONTROL_MAX && !(s.type & USB_DIR_IN)) {
        d->s.stage = USB_STAGE_STALL;
        return USB_ACK;
    }
    if (s.length > USB_CONTROL_MAX) /* there is not as much to be said */
        st_le16(d->s.setup + 6, USB_CONTROL_MAX);
    d->s.len = 0;
    if (s.length && !(s.type & USB_DIR_IN)) {
        d->s.len = s.length;
        d->s.stage = USB_STAGE_OUT;
    } else {
        perform(d);
    }
    return USB_ACK;
}

static enum usb_result control_in(struct usb_device *d, uint8_t *data, size_t len, size_t *actual)
{
    size_t left = (size_t)(d->s.len - d->s.pos);

    switch (d->s.stage) {
    case USB_STAGE_IN:
        *actual = len < left ? len : left;
        memcpy(data, d->s.data + d->s.pos, *actual);
        d->s.pos = (uint16_t)(d->s.pos + *actual);
        return USB_ACK;
    case USB_STAGE_STATUS:
        if (!(d->s.setup[0] & 0x7f) && d->s.setup[1] == USB_SET_ADDRESS)
            d->s.address = d->s.setup[2] & 0x7f;
        d->s.stage = USB_STAGE_IDLE;
        return USB_ACK;
    default: return USB_STALL;
    }
}

static enum usb_result control_out(struct usb_device *d, const uint8_t *data, size_t len,
                                   size_t *actual)
{
    size_t left = (size_t)(d->s.len - d->s.pos);

    switch (d->s.stage) {
    case USB_STAGE_OUT:
        *actual = len < left ? len : left;
        memcpy(d->s.data + d->s.pos, data, *actual);
        d->s.pos = (uint16_t)(d->s.pos + *actual);
        if (d->s.pos == d->s.len)
            perform(d);
        return USB_ACK;
    case USB_STAGE_IN: /* the status stage, also of one that was not read to the end */
    case USB_STAGE_STATUS: d->s.stage = USB_STAGE_IDLE; return USB_ACK;
    default: return USB_STALL;
    }
}

enum usb_result usb_device_packet(struct usb_device *d, enum usb_pid pid, unsigned ep,
                                  uint8_t *data, size_t len, size_t *actual)
{
    bool in = pid == USB_IN;
    enum usb_result r;

    *actual = 0;
    if (!ep) {
        if (pid == USB_SETUP)
            return setup_packet(d, data, len);
        return in ? control_in(d, data, len, actual) : control_out(d, data, len, actual);
    }
    if (pid == USB_SETUP || !d->s.configuration ||
        !has_endpoint(d, ep | (in ? (unsigned)USB_DIR_IN : 0)))
        return USB_SILENT;
    if (usb_device_halted(d, ep, in))
        return USB_STALL;
    if (in)
        return d->ops->in(d->self, ep, data, len, actual);
    r = d->ops->out(d->self, ep, data, len);
    *actual = r == USB_ACK ? len : 0;
    return r;
}

/* ---- state ---- */

void usb_device_bus_reset(struct usb_device *d)
{
    memset(&d->s, 0, sizeof(d->s));
    if (d->ops->restart)
        d->ops->restart(d->self);
}

void usb_device_post_load(struct usb_device *d)
{
    d->s.address &= 0x7f;
    if (d->s.len > USB_CONTROL_MAX || d->s.pos > d->s.len || d->s.stage > USB_STAGE_STALL) {
        d->s.stage = USB_STAGE_IDLE;
        d->s.len = d->s.pos = 0;
    }
}

void usb_device_halt(struct usb_device *d, unsigned ep, bool in)
{
    d->s.halted[in] |= (uint16_t)(1u << ep);
}

bool usb_device_halted(const struct usb_device *d, unsigned ep, bool in)
{
    return d->s.halted[in] >> ep & 1;
}

void usb_device_ready(struct usb_device *d, unsigned ep, bool in)
{
    if (!d->port)
        return;
    if (d->s.remote_wakeup && d->port->ops->wake)
        d->port->ops->wake(d->port->opaque, d->port->index);
    if (d->port->ops->ready)
        d->port->ops->ready(d->port->opaque, d->port->index, ep, in);
}

/* ---- ports ---- */

bool usb_plug(struct usb_port *p, struct usb_device *d)
{
    if (p->device)
        return false;
    for (int speed = USB_SUPER; speed >= USB_LOW; speed--) {
        if (!(p->speeds >> speed & 1) || !d->descriptors[speed])
            continue;
        d->speed = (enum usb_speed)speed;
        d->port = p;
        p->device = d;
        usb_device_bus_reset(d);
        p->ops->plugged(p->opaque, p->index);
        return true;
    }
    return false;
}

void usb_unplug(struct usb_device *d)
{
    struct usb_port *p = d->port;

    if (!p)
        return;
    p->device = NULL;
    d->port = NULL;
    p->ops->plugged(p->opaque, p->index);
}

const char *usb_speed_name(enum usb_speed speed)
{
    static const char *const names[] = {"1.5", "12", "480", "5000"};

    return names[speed];
}
