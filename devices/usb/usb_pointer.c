/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mouse and a tablet by USB: five buttons, two axes, a wheel. HID 1.11, appendix B.2 for the
 * mouse's boot protocol. The tablet says where the pointer is, 0 to 32767 on each axis, so that the
 * guest's is where the host's is.
 *
 * What happened while the buttons stood as they are is one event; short clicks are not lost.
 */
#include <glib.h>

#include "base/bits.h"
#include "devices/usb/usb_hid.h"

#define MAX_MOVE 65536

struct pointer_event {
    int32_t x, y; /* movement, or a place */
    int32_t wheel;
    uint8_t buttons;
};

struct usb_pointer {
    struct device dev;
    struct usb_hid hid;
    struct usb_input_config cfg;
    struct input_pointer input;
    struct pointer_event event[HID_QUEUE]; /* oldest first; [0] always exists */
    uint8_t n_events;                      /* 1..HID_QUEUE */
    bool news;                             /* the last of them is not told yet */
};

static const uint8_t mouse_report[] = {
    0x05, 0x01, 0x09, 0x02, 0xa1, 0x01,                         /* generic desktop: mouse */
    0x09, 0x01, 0xa1, 0x00,                                     /* pointer */
    0x05, 0x09, 0x19, 0x01, 0x29, 0x05, 0x15, 0x00, 0x25, 0x01, /* buttons 1 to 5 */
    0x95, 0x05, 0x75, 0x01, 0x81, 0x02,                         /* a bit each */
    0x95, 0x01, 0x75, 0x03, 0x81, 0x01,                         /* to the byte's end */
    0x05, 0x01, 0x09, 0x30, 0x09, 0x31, 0x09, 0x38,             /* X, Y, wheel */
    0x15, 0x81, 0x25, 0x7f, 0x75, 0x08, 0x95, 0x03, 0x81, 0x06, /* -127 to 127, relative */
    0xc0, 0xc0,
};

static const uint8_t tablet_report[] = {
    0x05, 0x01, 0x09, 0x02, 0xa1, 0x01,                         /* generic desktop: mouse */
    0x09, 0x01, 0xa1, 0x00,                                     /* pointer */
    0x05, 0x09, 0x19, 0x01, 0x29, 0x05, 0x15, 0x00, 0x25, 0x01, /* buttons 1 to 5 */
    0x95, 0x05, 0x75, 0x01, 0x81, 0x02,                         /* a bit each */
    0x95, 0x01, 0x75, 0x03, 0x81, 0x01,                         /* to the byte's end */
    0x05, 0x01, 0x09, 0x30, 0x09, 0x31,                         /* X, Y */
    0x15, 0x00, 0x26, 0xff, 0x7f, 0x35, 0x00, 0x46, 0xff, 0x7f, /* 0 to 32767 */
    0x75, 0x10, 0x95, 0x02, 0x81, 0x02,                         /* absolute */
    0x05, 0x01, 0x09, 0x38, 0x15, 0x81, 0x25, 0x7f,             /* wheel */
    0x35, 0x00, 0x45, 0x00, 0x75, 0x08, 0x95, 0x01, 0x81, 0x06, /* relative */
    0xc0, 0xc0,
};

static struct pointer_event *last(struct usb_pointer *p)
{
    return &p->event[p->n_events - 1];
}

static bool absolute(const struct usb_pointer *p)
{
    return p->input.absolute;
}

/* ---- towards the guest ---- */

static int take(int32_t *from)
{
    int v = CLAMP(*from, -127, 127);

    *from -= v;
    return v;
}

/* What is left of the oldest event is told by later reports. */
static void next_event(struct usb_pointer *p)
{
    struct pointer_event *e = &p->event[0];

    if (e->wheel || (!absolute(p) && (e->x || e->y)))
        return;
    if (p->n_events > 1) {
        p->n_events--;
        memmove(p->event, p->event + 1, p->n_events * sizeof(p->event[0]));
    } else {
        p->news = false;
    }
}

static unsigned report(void *self, uint8_t *buf, bool again)
{
    struct usb_pointer *p = self;
    struct pointer_event *e = &p->event[0];
    unsigned n;

    if (!p->news && !again)
        return 0;
    buf[0] = e->buttons;
    if (absolute(p)) {
        st_le16(buf + 1, (uint16_t)e->x);
        st_le16(buf + 3, (uint16_t)e->y);
        buf[5] = (uint8_t)take(&e->wheel);
        n = 6;
    } else {
        buf[1] = (uint8_t)take(&e->x);
        buf[2] = (uint8_t)take(&e->y);
        buf[3] = (uint8_t)take(&e->wheel);
        n = p->hid.s.boot ? 3 : 4;
    }
    if (p->news)
        next_event(p);
    if (p->news)
        usb_hid_news(&p->hid);
    return n;
}

static void restart(void *self)
{
    struct usb_pointer *p = self;

    memset(p->event, 0, sizeof(p->event));
    p->n_events = 1;
    p->news = false;
}

static const struct usb_hid_kind mouse_kind = {
    .product = "USB mouse",
    .subclass = 1,
    .protocol = 2,
    .report_descriptor = mouse_report,
    .report_descriptor_len = sizeof(mouse_report),
    .report = report,
    .restart = restart,
};

static const struct usb_hid_kind tablet_kind = {
    .product = "USB tablet",
    .report_descriptor = tablet_report,
    .report_descriptor_len = sizeof(tablet_report),
    .report = report,
    .restart = restart,
};

/* ---- from the front ends ---- */

static bool input_ready(void *self)
{
    return usb_device_configured(&((struct usb_pointer *)self)->hid.usb);
}

static void told(struct usb_pointer *p)
{
    p->news = true;
    usb_hid_news(&p->hid);
}

static int32_t add(int32_t a, int b)
{
    return (int32_t)CLAMP((int64_t)a + b, -MAX_MOVE, MAX_MOVE);
}

static void input_move(void *self, int x, int y)
{
    struct usb_pointer *p = self;
    struct pointer_event *e = last(p);

    if (absolute(p) && e->x == x && e->y == y)
        return;
    e->x = absolute(p) ? CLAMP(x, 0, INPUT_ABS_MAX) : add(e->x, x);
    e->y = absolute(p) ? CLAMP(y, 0, INPUT_ABS_MAX) : add(e->y, y);
    told(p);
}

static void input_wheel(void *self, int detents)
{
    struct usb_pointer *p = self;

    last(p)->wheel = add(last(p)->wheel, detents);
    told(p);
}

/* The router's bits are those of the report. */
static void input_buttons(void *self, unsigned held)
{
    struct usb_pointer *p = self;
    struct pointer_event *e = last(p);

    held &= 0x1f;
    if (held == e->buttons)
        return;
    if (p->news && p->n_events < HID_QUEUE) {
        struct pointer_event *next = e + 1;

        *next = (struct pointer_event){.x = absolute(p) ? e->x : 0, .y = absolute(p) ? e->y : 0};
        p->n_events++;
        e = next;
    }
    e->buttons = (uint8_t)held;
    told(p);
}

/* ---- the device ---- */

static void pointer_reset(void *self)
{
    struct usb_pointer *p = self;

    usb_hid_reset(&p->hid);
    restart(p);
}

static void pointer_post_load(void *self)
{
    struct usb_pointer *p = self;

    p->n_events = CLAMP(p->n_events, 1, HID_QUEUE);
    usb_hid_post_load(&p->hid);
}

static void pointer_destroy(void *self)
{
    struct usb_pointer *p = self;

    usb_hid_clear(&p->hid);
    input_router_remove_pointer(p->cfg.router, &p->input);
    g_free(p);
}

static const struct state_field pointer_fields[] = {
    USB_HID_STATE_FIELDS(struct usb_pointer),
    STATE_ARRAY(struct usb_pointer, event),
    STATE_FIELD(struct usb_pointer, n_events),
    STATE_FIELD(struct usb_pointer, news),
    STATE_END,
};

static const struct device_type pointer_type = {
    .name = "usb-pointer",
    .version = 1,
    .fields = pointer_fields,
    .reset = pointer_reset,
    .post_load = pointer_post_load,
    .destroy = pointer_destroy,
};

struct usb_pointer *usb_pointer_new(const struct usb_input_config *cfg, bool is_absolute)
{
    struct usb_pointer *p = g_new0(struct usb_pointer, 1);

    p->dev = (struct device){&pointer_type, p};
    p->cfg = *cfg;
    p->hid.usb.serial = cfg->serial;
    p->input = (struct input_pointer){.name = is_absolute ? "USB tablet" : "USB mouse",
                                      .self = p,
                                      .absolute = is_absolute,
                                      .ready = input_ready,
                                      .move = input_move,
                                      .wheel = input_wheel,
                                      .buttons = input_buttons};
    usb_hid_init(&p->hid, is_absolute ? &tablet_kind : &mouse_kind, 1, cfg->clock, p);
    device_reset(&p->dev);
    if (!input_router_add_pointer(cfg->router, &p->input)) {
        g_free(p);
        return NULL;
    }
    return p;
}

struct device *usb_pointer_device(struct usb_pointer *p)
{
    return &p->dev;
}

struct usb_device *usb_pointer_usb(struct usb_pointer *p)
{
    return &p->hid.usb;
}
