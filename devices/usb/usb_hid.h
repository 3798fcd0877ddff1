/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What keyboards, mice and tablets by USB have in common: one interface of the HID class with one
 * interrupt endpoint, its requests and the idle rate. Device Class Definition for Human Interface
 * Devices 1.11.
 */
#ifndef DEVICES_USB_USB_HID_H
#define DEVICES_USB_USB_HID_H

#include "base/clock.h"
#include "devices/input/input_router.h"
#include "devices/usb/usb.h"

#define HID_REPORT_MAX 8u
#define HID_CONFIG_LEN 34u
#define HID_QUEUE      32u
#define HID_DEVICE_LEN 18u

struct usb_hid;

struct usb_hid_kind {
    const char *product;
    uint8_t subclass, protocol; /* boot interfaces: 1, and 1 keyboard or 2 mouse */
    const uint8_t *report_descriptor;
    uint16_t report_descriptor_len;
    /* The next report into buf (HID_REPORT_MAX): how long it is. 0 when there is nothing new;
     * `again`: then what was said last. */
    unsigned (*report)(void *self, uint8_t *buf, bool again);
    void (*output)(void *self, const uint8_t *data, unsigned len); /* LEDs; or NULL */
    void (*restart)(void *self);                                   /* what waits is forgotten */
};

struct usb_hid_state {
    bool boot;         /* SET_PROTOCOL: the boot protocol */
    uint8_t idle;      /* in 4 ms: a report as often as that, news or not; 0: only with news */
    bool repeat_due;   /* by that */
    int64_t repeat_at; /* ns: when it will be */
};

/* Embedded as a member named `hid`. */
struct usb_hid {
    struct usb_device usb;
    const struct usb_hid_kind *kind;
    void *self;
    struct vclock *clock;
    struct timer timer;
    uint8_t device[HID_DEVICE_LEN], config[HID_CONFIG_LEN];
    struct usb_descriptors full;
    struct usb_hid_state s;
};

#define USB_HID_STATE_FIELDS(type) STATE_FIELD(type, hid.usb.s), STATE_FIELD(type, hid.s)

void usb_hid_init(struct usb_hid *h, const struct usb_hid_kind *kind, uint16_t product_id,
                  struct vclock *clock, void *self);
/* From the embedding device's reset, post_load and destroy. */
void usb_hid_reset(struct usb_hid *h);
void usb_hid_post_load(struct usb_hid *h);
void usb_hid_clear(struct usb_hid *h);

/* There is something to be said. */
void usb_hid_news(struct usb_hid *h);

/* ---- the devices ---- */

struct usb_input_config {
    struct vclock *clock;
    struct input_router *router; /* it outlives the device */
    const char *serial;          /* or NULL */
};

/* NULL with no room in the router. They say that they are ready once they are configured. */
struct usb_kbd;
struct usb_kbd *usb_kbd_new(const struct usb_input_config *cfg);
struct device *usb_kbd_device(struct usb_kbd *k);
struct usb_device *usb_kbd_usb(struct usb_kbd *k);

/* A mouse, or (absolute) a tablet. */
struct usb_pointer;
struct usb_pointer *usb_pointer_new(const struct usb_input_config *cfg, bool absolute);
struct device *usb_pointer_device(struct usb_pointer *p);
struct usb_device *usb_pointer_usb(struct usb_pointer *p);

#endif
