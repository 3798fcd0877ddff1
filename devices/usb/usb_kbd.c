/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A keyboard by USB with the report of the boot protocol: modifiers, and up to six keys that are
 * down. HID 1.11, appendices B.1 and C; HID Usage Tables 1.12, chapter 10. The guest repeats keys
 * itself; one change of a key is one report, so that none is lost.
 */
#include <glib.h>

#include "base/bits.h"
#include "devices/usb/usb_hid.h"

enum {
    USAGE_ROLL_OVER = 1,
    USAGE_LEFT_CTRL = 0xe0,

    LED_NUM = 1 << 0, /* as the guest tells */
    LED_CAPS = 1 << 1,
    LED_SCROLL = 1 << 2,
    PS2_SCROLL = 1 << 0, /* as the router's callers know them */
    PS2_NUM = 1 << 1,
    PS2_CAPS = 1 << 2,

    MAX_KEYS = 6,
};

struct key_change {
    uint8_t usage;
    bool down;
};

struct usb_kbd {
    struct device dev;
    struct usb_hid hid;
    struct usb_input_config cfg;
    struct input_keyboard input;
    struct key_change change[HID_QUEUE]; /* that were not told yet, oldest first */
    uint8_t n_changes;
    uint8_t down[32];    /* a bit a usage: as the guest knows it */
    uint8_t pressed[32]; /* the same, as it will when all is told */
    uint8_t leds;
};

static const uint8_t kbd_report[] = {
    0x05, 0x01, 0x09, 0x06, 0xa1, 0x01,                   /* generic desktop: keyboard */
    0x75, 0x01, 0x95, 0x08, 0x05, 0x07,                   /* eight bits: */
    0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01,       /* the modifiers */
    0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01,       /* and a byte of nothing */
    0x95, 0x05, 0x75, 0x01, 0x05, 0x08,                   /* five bits towards the device: */
    0x19, 0x01, 0x29, 0x05, 0x91, 0x02,                   /* the LEDs */
    0x95, 0x01, 0x75, 0x03, 0x91, 0x01,                   /* to the byte's end */
    0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x26, 0xff, 0x00, /* six bytes: */
    0x05, 0x07, 0x19, 0x00, 0x2a, 0xff, 0x00, 0x81, 0x00, /* the keys that are down */
    0xc0,
};

/* Usages of page 7. Keys of other pages (sound, media, power) are none of a boot keyboard's. */
static const uint8_t usages[PKEY_COUNT] = {
    [PKEY_A] = 0x04,
    [PKEY_B] = 0x05,
    [PKEY_C] = 0x06,
    [PKEY_D] = 0x07,
    [PKEY_E] = 0x08,
    [PKEY_F] = 0x09,
    [PKEY_G] = 0x0a,
    [PKEY_H] = 0x0b,
    [PKEY_I] = 0x0c,
    [PKEY_J] = 0x0d,
    [PKEY_K] = 0x0e,
    [PKEY_L] = 0x0f,
    [PKEY_M] = 0x10,
    [PKEY_N] = 0x11,
    [PKEY_O] = 0x12,
    [PKEY_P] = 0x13,
    [PKEY_Q] = 0x14,
    [PKEY_R] = 0x15,
    [PKEY_S] = 0x16,
    [PKEY_T] = 0x17,
    [PKEY_U] = 0x18,
    [PKEY_V] = 0x19,
    [PKEY_W] = 0x1a,
    [PKEY_X] = 0x1b,
    [PKEY_Y] = 0x1c,
    [PKEY_Z] = 0x1d,
    [PKEY_1] = 0x1e,
    [PKEY_2] = 0x1f,
    [PKEY_3] = 0x20,
    [PKEY_4] = 0x21,
    [PKEY_5] = 0x22,
    [PKEY_6] = 0x23,
    [PKEY_7] = 0x24,
    [PKEY_8] = 0x25,
    [PKEY_9] = 0x26,
    [PKEY_0] = 0x27,
    [PKEY_ENTER] = 0x28,
    [PKEY_ESC] = 0x29,
    [PKEY_BACKSPACE] = 0x2a,
    [PKEY_TAB] = 0x2b,
    [PKEY_SPACE] = 0x2c,
    [PKEY_MINUS] = 0x2d,
    [PKEY_EQUAL] = 0x2e,
    [PKEY_LEFTBRACE] = 0x2f,
    [PKEY_RIGHTBRACE] = 0x30,
    [PKEY_BACKSLASH] = 0x31,
    [PKEY_SEMICOLON] = 0x33,
    [PKEY_APOSTROPHE] = 0x34,
    [PKEY_GRAVE] = 0x35,
    [PKEY_COMMA] = 0x36,
    [PKEY_DOT] = 0x37,
    [PKEY_SLASH] = 0x38,
    [PKEY_CAPSLOCK] = 0x39,
    [PKEY_F1] = 0x3a,
    [PKEY_F2] = 0x3b,
    [PKEY_F3] = 0x3c,
    [PKEY_F4] = 0x3d,
    [PKEY_F5] = 0x3e,
    [PKEY_F6] = 0x3f,
    [PKEY_F7] = 0x40,
    [PKEY_F8] = 0x41,
    [PKEY_F9] = 0x42,
    [PKEY_F10] = 0x43,
    [PKEY_F11] = 0x44,
    [PKEY_F12] = 0x45,
    [PKEY_SYSRQ] = 0x46,
    [PKEY_SCROLLLOCK] = 0x47,
    [PKEY_PAUSE] = 0x48,
    [PKEY_INSERT] = 0x49,
    [PKEY_HOME] = 0x4a,
    [PKEY_PAGEUP] = 0x4b,
    [PKEY_DELETE] = 0x4c,
    [PKEY_END] = 0x4d,
    [PKEY_PAGEDOWN] = 0x4e,
    [PKEY_RIGHT] = 0x4f,
    [PKEY_LEFT] = 0x50,
    [PKEY_DOWN] = 0x51,
    [PKEY_UP] = 0x52,
    [PKEY_NUMLOCK] = 0x53,
    [PKEY_KPSLASH] = 0x54,
    [PKEY_KPASTERISK] = 0x55,
    [PKEY_KPMINUS] = 0x56,
    [PKEY_KPPLUS] = 0x57,
    [PKEY_KPENTER] = 0x58,
    [PKEY_KP1] = 0x59,
    [PKEY_KP2] = 0x5a,
    [PKEY_KP3] = 0x5b,
    [PKEY_KP4] = 0x5c,
    [PKEY_KP5] = 0x5d,
    [PKEY_KP6] = 0x5e,
    [PKEY_KP7] = 0x5f,
    [PKEY_KP8] = 0x60,
    [PKEY_KP9] = 0x61,
    [PKEY_KP0] = 0x62,
    [PKEY_KPDOT] = 0x63,
    [PKEY_102ND] = 0x64,
    [PKEY_MENU] = 0x65,
    [PKEY_POWER] = 0x66,
    [PKEY_MUTE] = 0x7f,
    [PKEY_VOLUMEUP] = 0x80,
    [PKEY_VOLUMEDOWN] = 0x81,
    [PKEY_RO] = 0x87,
    [PKEY_KATAKANAHIRAGANA] = 0x88,
    [PKEY_YEN] = 0x89,
    [PKEY_HENKAN] = 0x8a,
    [PKEY_MUHENKAN] = 0x8b,
    [PKEY_LEFTCTRL] = 0xe0,
    [PKEY_LEFTSHIFT] = 0xe1,
    [PKEY_LEFTALT] = 0xe2,
    [PKEY_LEFTMETA] = 0xe3,
    [PKEY_RIGHTCTRL] = 0xe4,
    [PKEY_RIGHTSHIFT] = 0xe5,
    [PKEY_RIGHTALT] = 0xe6,
    [PKEY_RIGHTMETA] = 0xe7,
};

static bool test(const uint8_t *set, unsigned usage)
{
    return set[usage / 8] >> (usage % 8) & 1;
}

static void put(uint8_t *set, unsigned usage, bool on)
{
    uint8_t bit = (uint8_t)(1u << (usage % 8));

    set[usage / 8] = on ? set[usage / 8] | bit : set[usage / 8] & (uint8_t)~bit;
}

/* ---- towards the guest ---- */

static unsigned report(void *self, uint8_t *buf, bool again)
{
    struct usb_kbd *k = self;
    unsigned n = 0;

    if (!k->n_changes && !again)
        return 0;
    if (k->n_changes) {
        put(k->down, k->change[0].usage, k->change[0].down);
        memmove(k->change, k->change + 1, --k->n_changes * sizeof(k->change[0]));
    }
    memset(buf, 0, 8);
    buf[0] = k->down[USAGE_LEFT_CTRL / 8];
    for (unsigned usage = USAGE_ROLL_OVER + 1; usage < USAGE_LEFT_CTRL; usage++) {
        if (!test(k->down, usage))
            continue;
        if (n == MAX_KEYS) { /* too many to tell which */
            memset(buf + 2, USAGE_ROLL_OVER, MAX_KEYS);
            break;
        }
        buf[2 + n++] = (uint8_t)usage;
    }
    if (k->n_changes)
        usb_hid_news(&k->hid);
    return 8;
}

static void output(void *self, const uint8_t *data, unsigned len)
{
    struct usb_kbd *k = self;

    if (len)
        k->leds = data[0] & 0x1f;
}

static void restart(void *self)
{
    struct usb_kbd *k = self;

    k->n_changes = k->leds = 0;
    memset(k->change, 0, sizeof(k->change));
    memset(k->down, 0, sizeof(k->down));
    memset(k->pressed, 0, sizeof(k->pressed));
}

static const struct usb_hid_kind kbd_kind = {
    .product = "USB keyboard",
    .subclass = 1,
    .protocol = 1,
    .report_descriptor = kbd_report,
    .report_descriptor_len = sizeof(kbd_report),
    .report = report,
    .output = output,
    .restart = restart,
};

/* ---- from the front ends ---- */

static bool input_ready(void *self)
{
    return usb_device_configured(&((struct usb_kbd *)self)->hid.usb);
}

/* With no room left the oldest change is not told by itself, only what comes of it. */
static void input_key(void *self, enum pkey key, bool down)
{
    struct usb_kbd *k = self;
    uint8_t usage = usages[key];

    if (!usage || test(k->pressed, usage) == down)
        return;
    if (k->n_changes == HID_QUEUE) {
        put(k->down, k->change[0].usage, k->change[0].down);
        memmove(k->change, k->change + 1, --k->n_changes * sizeof(k->change[0]));
    }
    put(k->pressed, usage, down);
    k->change[k->n_changes++] = (struct key_change){usage, down};
    usb_hid_news(&k->hid);
}

static bool input_taken(void *self)
{
    return !((struct usb_kbd *)self)->n_changes;
}

static unsigned input_leds(void *self)
{
    unsigned leds = ((struct usb_kbd *)self)->leds;

    return (leds & LED_NUM ? PS2_NUM : 0u) | (leds & LED_CAPS ? PS2_CAPS : 0u) |
           (leds & LED_SCROLL ? PS2_SCROLL : 0u);
}

/* ---- the device ---- */

static void kbd_reset(void *self)
{
    usb_hid_reset(&((struct usb_kbd *)self)->hid);
}

static void kbd_post_load(void *self)
{
    struct usb_kbd *k = self;

    k->n_changes = MIN(k->n_changes, HID_QUEUE);
    usb_hid_post_load(&k->hid);
}

static void kbd_destroy(void *self)
{
    struct usb_kbd *k = self;

    usb_hid_clear(&k->hid);
    input_router_remove_keyboard(k->cfg.router, &k->input);
    g_free(k);
}

static const struct state_field kbd_fields[] = {
    USB_HID_STATE_FIELDS(struct usb_kbd),
    STATE_ARRAY(struct usb_kbd, change),
    STATE_FIELD(struct usb_kbd, n_changes),
    STATE_ARRAY(struct usb_kbd, down),
    STATE_ARRAY(struct usb_kbd, pressed),
    STATE_FIELD(struct usb_kbd, leds),
    STATE_END,
};

static const struct device_type kbd_type = {
    .name = "usb-kbd",
    .version = 1,
    .fields = kbd_fields,
    .reset = kbd_reset,
    .post_load = kbd_post_load,
    .destroy = kbd_destroy,
};

struct usb_kbd *usb_kbd_new(const struct usb_input_config *cfg)
{
    struct usb_kbd *k = g_new0(struct usb_kbd, 1);

    k->dev = (struct device){&kbd_type, k};
    k->cfg = *cfg;
    k->hid.usb.serial = cfg->serial;
    k->input = (struct input_keyboard){.name = "USB keyboard",
                                       .self = k,
                                       .ready = input_ready,
                                       .key = input_key,
                                       .taken = input_taken,
                                       .leds = input_leds};
    usb_hid_init(&k->hid, &kbd_kind, 1, cfg->clock, k);
    device_reset(&k->dev);
    if (!input_router_add_keyboard(cfg->router, &k->input)) {
        g_free(k);
        return NULL;
    }
    return k;
}

struct device *usb_kbd_device(struct usb_kbd *k)
{
    return &k->dev;
}

struct usb_device *usb_kbd_usb(struct usb_kbd *k)
{
    return &k->hid.usb;
}
