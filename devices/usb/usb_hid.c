/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See usb_hid.h. HID 1.11: 6.2.1 the HID descriptor, 7.2 requests, 7.2.4 the idle rate. */
#include "devices/usb/usb_hid.h"

#include <glib.h>

#include "base/bits.h"

#define IDLE_UNIT INT64_C(4000000)
#define ENDPOINT  1u

enum {
    GET_REPORT = 1,
    GET_IDLE = 2,
    GET_PROTOCOL = 3,
    SET_REPORT = 9,
    SET_IDLE = 10,
    SET_PROTOCOL = 11,

    DESC_HID = 0x21,
    DESC_REPORT = 0x22,

    HID_AT = 18, /* in the configuration: behind its own descriptor and the interface's */
};

static void idle_later(struct usb_hid *h)
{
    h->s.repeat_due = false;
    if (h->s.idle) {
        h->s.repeat_at = clock_now(h->clock) + h->s.idle * IDLE_UNIT;
        timer_arm(&h->timer, h->s.repeat_at);
    } else {
        timer_cancel(&h->timer);
    }
}

static void idle_fire(void *opaque)
{
    struct usb_hid *h = opaque;

    h->s.repeat_due = true;
    usb_hid_news(h);
}

void usb_hid_news(struct usb_hid *h)
{
    if (usb_device_configured(&h->usb))
        usb_device_ready(&h->usb, ENDPOINT, true);
}

static enum usb_result hid_in(void *self, unsigned ep, uint8_t *data, size_t len, size_t *actual)
{
    struct usb_hid *h = self;
    uint8_t report[HID_REPORT_MAX];
    unsigned n = h->kind->report(h->self, report, h->s.repeat_due);

    (void)ep;
    if (!n)
        return USB_NAK;
    idle_later(h);
    if (n > len)
        return USB_BABBLE;
    memcpy(data, report, n);
    *actual = n;
    return USB_ACK;
}

static enum usb_result hid_out(void *self, unsigned ep, const uint8_t *data, size_t len)
{
    (void)self;
    (void)ep;
    (void)data;
    (void)len;
    return USB_STALL;
}

static int send(const uint8_t *from, unsigned n, const struct usb_setup *s, uint8_t *data)
{
    n = MIN(n, (unsigned)s->length);
    memcpy(data, from, n);
    return (int)n;
}

static int get_descriptor(struct usb_hid *h, const struct usb_setup *s, uint8_t *data)
{
    switch (s->value >> 8) {
    case DESC_HID: return send(h->config + HID_AT, 9, s, data);
    case DESC_REPORT:
        return send(h->kind->report_descriptor, h->kind->report_descriptor_len, s, data);
    default: return -1;
    }
}

static int hid_control(void *self, const struct usb_setup *s, uint8_t *data)
{
    struct usb_hid *h = self;
    uint8_t report[HID_REPORT_MAX];
    unsigned n;

    if (s->type == (USB_DIR_IN | USB_TO_INTERFACE) && s->request == USB_GET_DESCRIPTOR)
        return get_descriptor(h, s, data);
    if ((s->type & 0x7f) != (USB_TYPE_CLASS | USB_TO_INTERFACE) || s->index)
        return -1;
    if (s->type & USB_DIR_IN) {
        switch (s->request) {
        case GET_REPORT:
            if (s->value >> 8 != 1)
                return -1;
            n = h->kind->report(h->self, report, true);
            return send(report, n, s, data);
        case GET_IDLE: return send(&h->s.idle, 1, s, data);
        case GET_PROTOCOL: return send((const uint8_t[]){!h->s.boot}, 1, s, data);
        default: return -1;
        }
    }
    switch (s->request) {
    case SET_REPORT:
        if (s->value >> 8 != 2 || !h->kind->output)
            return -1;
        h->kind->output(h->self, data, s->length);
        return 0;
    case SET_IDLE:
        h->s.idle = (uint8_t)(s->value >> 8);
        idle_later(h);
        return 0;
    case SET_PROTOCOL:
        if (!h->kind->subclass || s->value > 1)
            return -1;
        h->s.boot = !s->value;
        return 0;
    default: return -1;
    }
}

static void hid_restart(void *self)
{
    struct usb_hid *h = self;

    h->s = (struct usb_hid_state){.boot = false};
    timer_cancel(&h->timer);
    h->kind->restart(h->self);
}

static const struct usb_device_ops hid_ops = {
    .control = hid_control,
    .in = hid_in,
    .out = hid_out,
    .restart = hid_restart,
};

/* ---- life ---- */

static void build_descriptors(struct usb_hid *h, uint16_t id)
{
    const uint8_t device[HID_DEVICE_LEN] = {
        18,
        USB_DESC_DEVICE,
        0x10,
        0x01,
        0,
        0,
        0,
        8, /* USB 1.1, 8 bytes on endpoint 0 */
        0x27,
        0x06,
        (uint8_t)id,
        (uint8_t)(id >> 8),
        0,
        0,
        1,
        2,
        h->usb.serial ? 3 : 0,
        1, /* one configuration */
    };
    const uint8_t config[HID_CONFIG_LEN] = {
        9,
        USB_DESC_CONFIG,
        HID_CONFIG_LEN,
        0,
        1,
        1,
        0,
        0xe0,
        50, /* own power, remote wake-up */
        9,
        USB_DESC_INTERFACE,
        0,
        0,
        1,
        3,
        h->kind->subclass,
        h->kind->protocol,
        0,
        9,
        DESC_HID,
        0x11,
        0x01,
        0,
        1,
        DESC_REPORT,
        (uint8_t)h->kind->report_descriptor_len,
        (uint8_t)(h->kind->report_descriptor_len >> 8),
        7,
        USB_DESC_ENDPOINT,
        USB_DIR_IN | ENDPOINT,
        3,
        HID_REPORT_MAX,
        0,
        8, /* every 8 ms */
    };

    memcpy(h->device, device, sizeof(device));
    memcpy(h->config, config, sizeof(config));
    h->full = (struct usb_descriptors){h->device, h->config, NULL};
    h->usb.descriptors[USB_FULL] = &h->full;
}

void usb_hid_init(struct usb_hid *h, const struct usb_hid_kind *kind, uint16_t product_id,
                  struct vclock *clock, void *self)
{
    h->kind = kind;
    h->self = self;
    h->clock = clock;
    h->usb.product = kind->product;
    h->usb.ops = &hid_ops;
    h->usb.self = h;
    h->usb.speed = USB_FULL;
    timer_init(&h->timer, clock, idle_fire, h);
    build_descriptors(h, product_id);
}

void usb_hid_reset(struct usb_hid *h)
{
    timer_cancel(&h->timer);
}

void usb_hid_post_load(struct usb_hid *h)
{
    usb_device_post_load(&h->usb);
    if (h->s.idle && !h->s.repeat_due)
        timer_arm(&h->timer, h->s.repeat_at);
    else
        timer_cancel(&h->timer);
}

void usb_hid_clear(struct usb_hid *h)
{
    timer_cancel(&h->timer);
    usb_unplug(&h->usb);
}
