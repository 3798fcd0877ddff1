/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See usb_storage.h. Bulk-Only Transport 1.0: 3 (requests), 5 (wrappers), 6.7 (the thirteen cases
 * in which host and disk agree or not on what is to be moved).
 */
#include "devices/usb/usb_storage.h"

#include <glib.h>

#include "base/bits.h"
#include "base/log.h"
#include "devices/storage/scsi_disk.h"

enum {
    EP_IN = 1,
    EP_OUT = 2,

    CBW_LEN = 31,
    CSW_LEN = 13,
    CBW_SIGNATURE = 0x43425355,
    CSW_SIGNATURE = 0x53425355,

    REQUEST_RESET = 0xff,
    REQUEST_MAX_LUN = 0xfe,

    PHASE_ERROR = 2,
};

enum stage {
    WAIT_COMMAND,
    MOVE_DATA,
    TELL_STATUS,
    WEDGED, /* after nonsense: until the host resets it (6.6.1) */
};

struct bot_state {
    uint8_t stage; /* enum stage */
    uint32_t tag;
    bool to_host;  /* as the host believes */
    uint32_t left; /* of what the host wants to move */
    bool phase_error;
};

struct usb_storage {
    struct device dev;
    struct usb_device usb;
    struct scsi_disk disk;
    char serial[40];
    struct bot_state s;
};

/* ---- descriptors ---- */

#define DEVICE(version_lo, version_hi, mps0)                                                       \
    {                                                                                              \
        18, USB_DESC_DEVICE, version_lo, version_hi, 0, 0, 0, mps0, 0xf4, 0x46, 0x01, 0x00, 0, 1,  \
            1, 2, 3, 1                                                                             \
    }
/* SCSI commands by Bulk-Only Transport */
#define CONFIG(total, endpoints...)                                                                \
    {                                                                                              \
        9, USB_DESC_CONFIG, total, 0, 1, 1, 0, 0xc0, 0, 9, USB_DESC_INTERFACE, 0, 0, 2, 8, 6,      \
            0x50, 0, endpoints                                                                     \
    }
#define BULK(address, mps) 7, USB_DESC_ENDPOINT, address, 2, (uint8_t)(mps), (mps) >> 8, 0
#define COMPANION          6, 0x30, 15, 0, 0, 0 /* bursts of 16 packets */

static const uint8_t full_device[] = DEVICE(0x00, 0x02, 64);
static const uint8_t full_config[] = CONFIG(32, BULK(0x80 | EP_IN, 64), BULK(EP_OUT, 64));
static const uint8_t high_config[] = CONFIG(32, BULK(0x80 | EP_IN, 512), BULK(EP_OUT, 512));
static const uint8_t super_device[] = DEVICE(0x00, 0x03, 9);
static const uint8_t super_config[] =
    CONFIG(44, BULK(0x80 | EP_IN, 1024), COMPANION, BULK(EP_OUT, 1024), COMPANION);
static const uint8_t super_bos[] = {
    5,  USB_DESC_BOS, 22, 0, 2,                   /* */
    7,  16,           2,  2, 0,    0, 0,          /* USB 2.0 extension: link power management */
    10, 16,           3,  0, 0x0e, 0, 1, 0, 0, 0, /* SuperSpeed: from full speed on */
};

static const struct usb_descriptors full = {full_device, full_config, NULL};
static const struct usb_descriptors high = {full_device, high_config, NULL};
static const struct usb_descriptors super = {super_device, super_config, super_bos};

/* ---- the stages ---- */

static void stall(struct usb_storage *u, bool in)
{
    usb_device_halt(&u->usb, in ? EP_IN : EP_OUT, in);
}

static void wedge(struct usb_storage *u)
{
    log_guest("USB disk: no valid command wrapper");
    scsi_disk_abort(&u->disk);
    u->s.stage = WEDGED;
    stall(u, true);
    stall(u, false);
}

/* Host and disk do not agree. */
static void disagree(struct usb_storage *u)
{
    scsi_disk_abort(&u->disk);
    u->s.phase_error = true;
    u->s.stage = TELL_STATUS;
}

static enum usb_result command(struct usb_storage *u, const uint8_t *p, size_t len)
{
    unsigned cdb_len = len == CBW_LEN ? p[14] : 0;

    if (len != CBW_LEN || ld_le32(p) != CBW_SIGNATURE || !cdb_len || cdb_len > 16 ||
        (p[13] & 0xf0) || (p[12] & 0x7f)) {
        wedge(u);
        return USB_STALL;
    }
    u->s.tag = ld_le32(p + 4);
    u->s.left = ld_le32(p + 8);
    u->s.to_host = p[12] & 0x80;
    u->s.phase_error = false;
    u->s.stage = u->s.left ? MOVE_DATA : TELL_STATUS;
    scsi_disk_command(&u->disk, p[13], p + 15, cdb_len);
    if (u->disk.s.total && u->disk.s.to_host != u->s.to_host && u->s.left) {
        stall(u, u->s.to_host); /* cases 8 and 10 */
        disagree(u);
    }
    usb_device_ready(&u->usb, EP_IN, true); /* it may have been asked already */
    return USB_ACK;
}

/* Does the disk want to move more than it has? A write counts until the image has it. */
static bool wants_more(const struct scsi_disk *d)
{
    if (d->s.phase == SCSI_BUSY)
        return d->s.to_host || d->s.left > d->s.count;
    return d->s.phase == SCSI_IN || d->s.phase == SCSI_OUT;
}

/* Has all that the host asked for been moved? Then the disk has to be at its end, too. */
static void check_end(struct usb_storage *u)
{
    if (u->s.left)
        return;
    if (wants_more(&u->disk))
        disagree(u); /* cases 7 and 13 */
    else
        u->s.stage = TELL_STATUS;
}

static enum usb_result data_out(struct usb_storage *u, const uint8_t *data, size_t len)
{
    struct scsi_disk *d = &u->disk;

    if (len > u->s.left || u->s.to_host) {
        disagree(u);
        stall(u, false);
        return USB_STALL;
    }
    switch (d->s.phase) {
    case SCSI_OUT:
        if (len > d->s.end - d->s.pos) {
            disagree(u);
            stall(u, false);
            return USB_STALL;
        }
        memcpy(d->buf + d->s.pos, data, len);
        u->s.left -= (uint32_t)len;
        scsi_disk_moved(d, (uint32_t)len);
        check_end(u);
        usb_device_ready(&u->usb, EP_IN, true);
        return USB_ACK;
    case SCSI_BUSY: return USB_NAK;
    default: /* it needs no more: cases 9 and 11 */
        u->s.stage = TELL_STATUS;
        stall(u, false);
        return USB_STALL;
    }
}

static enum usb_result data_in(struct usb_storage *u, uint8_t *data, size_t len, size_t *actual)
{
    struct scsi_disk *d = &u->disk;
    uint32_t n;

    switch (d->s.phase) {
    case SCSI_IN:
        n = (uint32_t)MIN(len, MIN(d->s.end - d->s.pos, u->s.left));
        memcpy(data, d->buf + d->s.pos, n);
        *actual = n;
        u->s.left -= n;
        scsi_disk_moved(d, n);
        if (n < len && d->s.phase == SCSI_STATUS) /* a short packet says it: cases 4 and 5 */
            u->s.stage = TELL_STATUS;
        check_end(u);
        return USB_ACK;
    case SCSI_BUSY: return USB_NAK;
    default: /* there is no more: the same, with nothing to make short */
        u->s.stage = TELL_STATUS;
        stall(u, true);
        return USB_STALL;
    }
}

static enum usb_result status(struct usb_storage *u, uint8_t *data, size_t len, size_t *actual)
{
    struct scsi_disk *d = &u->disk;

    if (d->s.phase == SCSI_BUSY)
        return USB_NAK;
    if (d->s.phase != SCSI_STATUS) /* it has data, and the host wants none: cases 2 and 3 */
        disagree(u);
    if (len < CSW_LEN)
        return USB_BABBLE;
    st_le32(data, CSW_SIGNATURE);
    st_le32(data + 4, u->s.tag);
    st_le32(data + 8, u->s.left);
    data[12] = u->s.phase_error ? PHASE_ERROR : d->s.status != SCSI_GOOD;
    *actual = CSW_LEN;
    u->s.stage = WAIT_COMMAND;
    return USB_ACK;
}

static enum usb_result storage_in(void *self, unsigned ep, uint8_t *data, size_t len,
                                  size_t *actual)
{
    struct usb_storage *u = self;

    (void)ep;
    switch (u->s.stage) {
    case MOVE_DATA:
        if (u->s.to_host)
            return data_in(u, data, len, actual);
        return USB_NAK; /* the status comes after the data */
    case TELL_STATUS: return status(u, data, len, actual);
    case WAIT_COMMAND: return USB_NAK;
    default: return USB_STALL;
    }
}

static enum usb_result storage_out(void *self, unsigned ep, const uint8_t *data, size_t len)
{
    struct usb_storage *u = self;

    (void)ep;
    switch (u->s.stage) {
    case WAIT_COMMAND: return command(u, data, len);
    case MOVE_DATA: return data_out(u, data, len);
    case TELL_STATUS: wedge(u); return USB_STALL;
    default: return USB_STALL;
    }
}

/* ---- requests, resets ---- */

static void start_over(struct usb_storage *u)
{
    scsi_disk_abort(&u->disk);
    u->s = (struct bot_state){.stage = WAIT_COMMAND};
}

static int storage_control(void *self, const struct usb_setup *s, uint8_t *data)
{
    struct usb_storage *u = self;

    if (s->type == (USB_TYPE_CLASS | USB_TO_INTERFACE) && s->request == REQUEST_RESET) {
        start_over(u);
        return 0;
    }
    if (s->type == (USB_DIR_IN | USB_TYPE_CLASS | USB_TO_INTERFACE) &&
        s->request == REQUEST_MAX_LUN && s->length) {
        data[0] = 0;
        return 1;
    }
    return -1;
}

static void storage_restart(void *self)
{
    start_over(self);
}

static void storage_unhalted(void *self, unsigned ep, bool in)
{
    struct usb_storage *u = self;

    (void)ep;
    if (u->s.stage == WEDGED)
        stall(u, in);
}

static void disk_changed(void *opaque)
{
    struct usb_storage *u = opaque;

    usb_device_ready(&u->usb, EP_IN, true);
    usb_device_ready(&u->usb, EP_OUT, false);
}

static const struct usb_device_ops storage_ops = {
    .control = storage_control,
    .in = storage_in,
    .out = storage_out,
    .restart = storage_restart,
    .unhalted = storage_unhalted,
};

/* ---- the device ---- */

static void storage_reset(void *self)
{
    struct usb_storage *u = self;

    scsi_disk_reset(&u->disk);
}

static void storage_post_load(void *self)
{
    struct usb_storage *u = self;

    usb_device_post_load(&u->usb);
    scsi_disk_post_load(&u->disk);
    if (u->s.stage > WEDGED)
        u->s.stage = WEDGED;
}

static void storage_destroy(void *self)
{
    struct usb_storage *u = self;

    usb_unplug(&u->usb);
    scsi_disk_abort(&u->disk);
    g_free(u);
}

static const struct state_field storage_fields[] = {
    USB_STATE_FIELDS(struct usb_storage),
    STATE_FIELD(struct usb_storage, disk.s),
    STATE_ARRAY(struct usb_storage, disk.buf),
    STATE_FIELD(struct usb_storage, s),
    STATE_END,
};

static const struct device_type storage_type = {
    .name = "usb-storage",
    .version = 1,
    .fields = storage_fields,
    .reset = storage_reset,
    .post_load = storage_post_load,
    .destroy = storage_destroy,
};

struct usb_storage *usb_storage_new(const struct usb_storage_config *cfg)
{
    struct usb_storage *u = g_new0(struct usb_storage, 1);

    u->dev = (struct device){&storage_type, u};
    /* twelve digits are what drivers want at least (4.1.1) */
    g_strlcpy(u->serial, cfg->serial ? cfg->serial : "000000000001", sizeof(u->serial));
    u->usb.product = "USB disk";
    u->usb.serial = u->serial;
    u->usb.ops = &storage_ops;
    u->usb.self = u;
    u->usb.speed = USB_FULL;
    u->usb.descriptors[USB_FULL] = &full;
    u->usb.descriptors[USB_HIGH] = &high;
    u->usb.descriptors[USB_SUPER] = &super;
    u->disk.block = cfg->block;
    u->disk.serial = u->serial;
    u->disk.removable = cfg->removable;
    u->disk.changed = disk_changed;
    u->disk.opaque = u;
    device_reset(&u->dev);
    return u;
}

struct device *usb_storage_device(struct usb_storage *u)
{
    return &u->dev;
}

struct usb_device *usb_storage_usb(struct usb_storage *u)
{
    return &u->usb;
}
