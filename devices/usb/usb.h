/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * USB between host controllers and devices: a device with its descriptors and its control pipe, the
 * packets that it answers, and the ports that it is plugged into. USB 2.0, chapters 8 and 9; USB
 * 3.2, chapter 9, for what fast devices say besides.
 *
 * A packet is answered at once, as on the wire: with data, or NAK when the device has none yet or
 * is not done. Later it tells the port that its endpoint is ready (usb_device_ready); a controller
 * that asks each frame in any case need not listen. So no packet is ever under way between two
 * calls, and there is nothing to be taken back at a reset.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_USB_USB_H
#define DEVICES_USB_USB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/device.h"

#define USB_CONTROL_MAX 1024u /* bytes of a control transfer's data */
#define USB_STRINGS     4u    /* string descriptors 1 to 3; 0 is the list of languages */

enum usb_speed { USB_LOW, USB_FULL, USB_HIGH, USB_SUPER };
enum usb_pid { USB_SETUP = 0x2d, USB_IN = 0x69, USB_OUT = 0xe1 };

enum usb_result {
    USB_ACK,
    USB_NAK,    /* not now */
    USB_STALL,  /* the endpoint is halted, or the request is none */
    USB_SILENT, /* nobody is there */
    USB_BABBLE, /* it had more to say than there was room for */
};

/* bmRequestType and bRequest (9.3, 9.4). */
enum {
    USB_DIR_IN = 0x80,
    USB_TYPE_CLASS = 0x20,
    USB_TO_DEVICE = 0,
    USB_TO_INTERFACE = 1,
    USB_TO_ENDPOINT = 2,

    USB_GET_STATUS = 0,
    USB_CLEAR_FEATURE = 1,
    USB_SET_FEATURE = 3,
    USB_SET_ADDRESS = 5,
    USB_GET_DESCRIPTOR = 6,
    USB_GET_CONFIGURATION = 8,
    USB_SET_CONFIGURATION = 9,
    USB_GET_INTERFACE = 10,
    USB_SET_INTERFACE = 11,
    USB_SET_SEL = 0x30,
    USB_SET_ISOCH_DELAY = 0x31,

    USB_FEATURE_HALT = 0,
    USB_FEATURE_REMOTE_WAKEUP = 1,

    USB_DESC_DEVICE = 1,
    USB_DESC_CONFIG = 2,
    USB_DESC_STRING = 3,
    USB_DESC_INTERFACE = 4,
    USB_DESC_ENDPOINT = 5,
    USB_DESC_BOS = 15,
};

struct usb_setup {
    uint8_t type, request;
    uint16_t value, index, length;
};

struct usb_port;

/* Descriptors at one speed. */
struct usb_descriptors {
    const uint8_t *device; /* 18 bytes */
    const uint8_t *config; /* the whole configuration, wTotalLength in it; there is one */
    const uint8_t *bos;    /* or NULL */
};

struct usb_device_ops {
    /* A request that is not one of every device's. `data` has s->length bytes of room or content
     * (at most USB_CONTROL_MAX). How many bytes there are to be read, 0 for one that is done; -1:
     * STALL. */
    int (*control)(void *self, const struct usb_setup *s, uint8_t *data);
    /* A packet for another endpoint than 0, 1 to 15, that is not halted; *actual <= len. */
    enum usb_result (*in)(void *self, unsigned ep, uint8_t *data, size_t len, size_t *actual);
    enum usb_result (*out)(void *self, unsigned ep, const uint8_t *data, size_t len);
    /* The endpoints are as after a reset: another configuration, or a reset of the bus; may be
     * NULL. */
    void (*restart)(void *self);
    /* The host has cleared the halt of an endpoint; may be NULL. */
    void (*unhalted)(void *self, unsigned ep, bool in);
};

enum usb_stage { USB_STAGE_IDLE, USB_STAGE_IN, USB_STAGE_OUT, USB_STAGE_STATUS, USB_STAGE_STALL };

struct usb_device_state {
    uint8_t address, configuration;
    bool remote_wakeup;
    uint16_t halted[2]; /* OUT, IN: a bit an endpoint */
    /* the control transfer */
    uint8_t stage; /* enum usb_stage */
    uint8_t setup[8];
    uint16_t len, pos; /* of its data; pos <= len <= USB_CONTROL_MAX */
    uint8_t data[USB_CONTROL_MAX];
};

/* Embedded in a device as a member named `usb`. */
struct usb_device {
    const char *product; /* as the guest and people see it */
    const char *serial;  /* or NULL */
    const struct usb_device_ops *ops;
    void *self;
    enum usb_speed speed; /* since it was plugged in: the best of the port's that it has */
    const struct usb_descriptors *descriptors[USB_SUPER + 1]; /* NULL: it has no such speed */
    struct usb_port *port;                                    /* NULL: not plugged in */
    struct usb_device_state s;
};

/* For the state table of the device that embeds it. Its reset need not do anything about them; its
 * post_load calls usb_device_post_load. */
#define USB_STATE_FIELDS(type) STATE_FIELD(type, usb.s)
void usb_device_post_load(struct usb_device *d);

/* A packet for this device at its present address; *actual gets how many bytes were moved. */
enum usb_result usb_device_packet(struct usb_device *d, enum usb_pid pid, unsigned ep,
                                  uint8_t *data, size_t len, size_t *actual);

/* A reset of the bus: address 0, no configuration. */
void usb_device_bus_reset(struct usb_device *d);

static inline bool usb_device_configured(const struct usb_device *d)
{
    return d->s.configuration != 0;
}

/* ---- for devices ---- */

/* The endpoint answers STALL from now on, until the host clears that. */
void usb_device_halt(struct usb_device *d, unsigned ep, bool in);
bool usb_device_halted(const struct usb_device *d, unsigned ep, bool in);

/* What was answered with NAK may be asked for again; a bus that sleeps is woken if the host has
 * allowed that. */
void usb_device_ready(struct usb_device *d, unsigned ep, bool in);

/* ---- ports ---- */

struct usb_port_ops {
    /* A device came or (no port->device) went; not called during a reset. */
    void (*plugged)(void *opaque, unsigned port);
    void (*ready)(void *opaque, unsigned port, unsigned ep, bool in); /* may be NULL */
    void (*wake)(void *opaque, unsigned port); /* if it sleeps: remote wake-up (7.1.7.7) */
};

struct usb_port {
    const struct usb_port_ops *ops;
    void *opaque;
    unsigned index;
    unsigned speeds; /* a bit each */
    struct usb_device *device;
};

/* False when the port is taken, or the device has no speed of the port's. */
bool usb_plug(struct usb_port *p, struct usb_device *d);
void usb_unplug(struct usb_device *d); /* no effect when it is in no port */

/* "12", "480" … in Mb/s, as `info usb` has it. */
const char *usb_speed_name(enum usb_speed speed);

#endif
