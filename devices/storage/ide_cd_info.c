/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the drive tells about the medium and itself: READ TOC, READ SUB-CHANNEL, disc and track
 * information, GET CONFIGURATION, GET EVENT STATUS NOTIFICATION, MECHANISM STATUS. MMC-3 (T10
 * 1363D) clause 6. Every medium is one finished session with one data track of mode 1.
 */
#include "devices/storage/ide_cd.h"

#include "base/bits.h"

#define LEAD_OUT     0xaa
#define DATA_TRACK   0x14 /* ADR 1, control 4 */
#define PROFILE_CD   0x0008
#define PROFILE_DVD  0x0010
#define MEDIA_CLASS  4
#define EVENT_EJECT  1
#define EVENT_NEW    2
#define EVENT_REMOVE 3

static void invalid_field(struct ide_unit *u)
{
    ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
}

void ide_cd_msf(uint8_t *p, uint32_t lba)
{
    lba += 150;
    p[0] = (uint8_t)(lba / 75 / 60);
    p[1] = (uint8_t)(lba / 75 % 60);
    p[2] = (uint8_t)(lba % 75);
}

/* A four-byte address in the form the command asks for. */
static void put_address(uint8_t *p, uint32_t lba, bool msf)
{
    if (msf) {
        p[0] = 0;
        ide_cd_msf(p + 1, lba);
    } else {
        st_be32(p, lba);
    }
}

/* Format 0: one descriptor a track, from the one asked for, and the lead-out's. */
static uint32_t toc_tracks(struct ide_unit *u, bool msf, uint8_t from)
{
    uint8_t *p = u->buf + 4;

    if (from > 1 && from != LEAD_OUT)
        return 0;
    u->buf[2] = u->buf[3] = 1;
    if (from <= 1) {
        memcpy(p, (const uint8_t[4]){0, DATA_TRACK, 1, 0}, 4);
        put_address(p + 4, 0, msf);
        p += 8;
    }
    memcpy(p, (const uint8_t[4]){0, DATA_TRACK, LEAD_OUT, 0}, 4);
    put_address(p + 4, (uint32_t)u->sectors, msf);
    return (uint32_t)(p + 8 - u->buf);
}

static uint32_t toc_sessions(struct ide_unit *u, bool msf)
{
    uint8_t *p = u->buf;

    p[2] = p[3] = 1;
    memcpy(p + 4, (const uint8_t[4]){0, DATA_TRACK, 1, 0}, 4);
    put_address(p + 8, 0, msf);
    return 12;
}

/* Format 2: the Q sub-channel of the lead-in, always with MSF addresses. */
static uint32_t toc_full(struct ide_unit *u)
{
    static const uint8_t points[] = {0xa0, 0xa1, 0xa2, 1};
    uint8_t *p = u->buf + 4;

    u->buf[2] = u->buf[3] = 1;
    for (unsigned k = 0; k < ARRAY_SIZE(points); k++, p += 11) {
        memset(p, 0, 11);
        p[0] = 1;
        p[1] = DATA_TRACK;
        p[3] = points[k];
        switch (points[k]) {
        case 0xa0: p[8] = 1; break; /* first track; disc type 0: CD-ROM */
        case 0xa1: p[8] = 1; break; /* last track */
        case 0xa2: ide_cd_msf(p + 8, (uint32_t)u->sectors); break;
        default: ide_cd_msf(p + 8, 0); break;
        }
    }
    return (uint32_t)(p - u->buf);
}

void ide_cd_read_toc(struct ide_unit *u)
{
    const uint8_t *cdb = u->cd.cdb;
    bool msf = cdb[1] & 2;
    /* SFF-8020i has the format in the last byte; MMC in byte 2 */
    unsigned format = cdb[2] & 0x0f ? cdb[2] & 0x0f : cdb[9] >> 6;
    uint32_t len = 0;

    if (format == 0)
        len = toc_tracks(u, msf, cdb[6]);
    else if (format == 1)
        len = toc_sessions(u, msf);
    else if (format == 2 && cdb[6] <= 1)
        len = toc_full(u);
    if (!len) {
        invalid_field(u);
        return;
    }
    st_be16(u->buf, len - 2);
    ide_atapi_reply(u, len, ld_be16(cdb + 7));
}

void ide_cd_read_subchannel(struct ide_unit *u)
{
    const uint8_t *cdb = u->cd.cdb;
    bool msf = cdb[1] & 2, subq = cdb[2] & 0x40;
    uint32_t len = 4;
    uint8_t *p = u->buf;

    memset(p, 0, 24);
    p[1] = 0x15; /* no audio status to give */
    if (subq) {
        p[4] = cdb[3];
        switch (cdb[3]) {
        case 1: /* current position */
            p[5] = DATA_TRACK;
            p[6] = p[7] = 1;
            put_address(p + 8, u->cd.lba, msf);
            put_address(p + 12, u->cd.lba, msf);
            len = 16;
            break;
        case 2: /* catalogue number: none */ len = 24; break;
        case 3:
            p[5] = DATA_TRACK;
            p[6] = 1;
            len = 24;
            break;
        default: invalid_field(u); return;
        }
    }
    st_be16(p + 2, len - 4);
    ide_atapi_reply(u, len, ld_be16(cdb + 7));
}

void ide_cd_read_disc_info(struct ide_unit *u)
{
    uint8_t *p = u->buf;

    memset(p, 0, 34);
    st_be16(p, 32);
    p[2] = 0x0e; /* last session and disc complete */
    p[3] = p[4] = p[5] = p[6] = 1;
    p[7] = 0x20;             /* unrestricted use */
    memset(p + 16, 0xff, 8); /* no further lead-in or lead-out */
    ide_atapi_reply(u, 34, ld_be16(u->cd.cdb + 7));
}

void ide_cd_read_track_info(struct ide_unit *u)
{
    const uint8_t *cdb = u->cd.cdb;
    uint32_t which = ld_be32(cdb + 2);
    bool by_lba = (cdb[1] & 3) == 0;
    uint8_t *p = u->buf;

    if ((cdb[1] & 3) == 3 || (by_lba ? which >= u->sectors : which != 1)) {
        invalid_field(u);
        return;
    }
    memset(p, 0, 36);
    st_be16(p, 34);
    p[2] = p[3] = 1;
    p[5] = 4; /* data track */
    p[6] = 1; /* mode 1 */
    st_be32(p + 24, (uint32_t)u->sectors);
    ide_atapi_reply(u, 36, ld_be16(cdb + 7));
}

void ide_cd_read_dvd_structure(struct ide_unit *u)
{
    const uint8_t *cdb = u->cd.cdb;
    uint32_t last = 0x30000u + (uint32_t)u->sectors - 1;
    uint8_t *p = u->buf;

    if (!ide_cd_is_dvd(u)) {
        ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_INCOMPATIBLE_MEDIUM);
        return;
    }
    if (cdb[6] != 0 || cdb[7] > 1) { /* layer 0; physical format, copyright */
        invalid_field(u);
        return;
    }
    memset(p, 0, 4 + CD_SECTOR);
    if (cdb[7] == 1) {
        st_be16(p, 6);
        ide_atapi_reply(u, 8, ld_be16(cdb + 8));
        return;
    }
    st_be16(p, 2 + CD_SECTOR);
    p[4] = 0x01; /* DVD-ROM, version 1 */
    p[5] = 0x0f; /* 120 mm, no limit of rate */
    p[6] = 0x01; /* one embossed layer */
    st_be32(p + 8, 0x30000);
    st_be32(p + 12, last < 0xffffff ? last : 0xffffff);
    ide_atapi_reply(u, 4 + CD_SECTOR, ld_be16(cdb + 8));
}

/* Which features GET CONFIGURATION lists. `when` is what must be in the drive for it to be current.
 */
enum when { ALWAYS, WITH_MEDIUM, WITH_CD, WITH_DVD };

static const struct feature {
    uint16_t code;
    uint8_t flags; /* version and persistent bit */
    uint8_t when;
    uint8_t len;
    uint8_t data[8];
} features[] = {
    {0x0000, 0x02, ALWAYS, 8, {0, 0x10, 0, 0, 0, 0x08, 0, 0}}, /* profiles: DVD-ROM, CD-ROM */
    {0x0001, 0x02, ALWAYS, 4, {0, 0, 0, 2}},                   /* core: ATAPI */
    {0x0002, 0x06, ALWAYS, 4, {0}},                            /* morphing */
    {0x0003, 0x02, ALWAYS, 4, {0x29}},                         /* tray, eject, lock */
    {0x0010, 0x00, WITH_MEDIUM, 8, {0, 0, 8, 0, 0, 1, 1, 0}},  /* random reads of 2048 bytes */
    {0x001d, 0x00, WITH_CD, 0, {0}},                           /* multi-read */
    {0x001e, 0x00, WITH_CD, 4, {0}},                           /* CD read */
    {0x001f, 0x00, WITH_DVD, 0, {0}},                          /* DVD read */
    {0x0100, 0x02, ALWAYS, 0, {0}},                            /* power management */
    {0x0105, 0x02, ALWAYS, 0, {0}},                            /* timeout */
};

static bool is_current(const struct ide_unit *u, uint8_t when)
{
    switch (when) {
    case ALWAYS: return true;
    case WITH_MEDIUM: return ide_cd_ready(u);
    case WITH_CD: return ide_cd_ready(u) && !ide_cd_is_dvd(u);
    default: return ide_cd_ready(u) && ide_cd_is_dvd(u);
    }
}

static uint8_t *put_feature(const struct ide_unit *u, const struct feature *f, uint8_t *p)
{
    st_be16(p, f->code);
    p[2] = f->flags | is_current(u, f->when);
    p[3] = f->len;
    memcpy(p + 4, f->data, f->len);
    if (f->code == 0x0000) { /* mark the current profile */
        p[6] = is_current(u, WITH_DVD);
        p[10] = is_current(u, WITH_CD);
    }
    return p + 4 + f->len;
}

void ide_cd_get_configuration(struct ide_unit *u)
{
    const uint8_t *cdb = u->cd.cdb;
    unsigned type = cdb[1] & 3, from = ld_be16(cdb + 2);
    uint8_t *p = u->buf + 8;

    if (type == 3) {
        invalid_field(u);
        return;
    }
    memset(u->buf, 0, 8);
    if (ide_cd_ready(u))
        st_be16(u->buf + 6, ide_cd_is_dvd(u) ? PROFILE_DVD : PROFILE_CD);
    for (unsigned k = 0; k < ARRAY_SIZE(features); k++) {
        const struct feature *f = &features[k];

        if (type == 2 ? f->code != from : f->code < from)
            continue;
        if (type == 1 && !is_current(u, f->when))
            continue;
        p = put_feature(u, f, p);
    }
    st_be32(u->buf, (uint32_t)(p - u->buf) - 4);
    ide_atapi_reply(u, (uint32_t)(p - u->buf), ld_be16(cdb + 7));
}

/* The next event of the media class; it is told once. */
static uint8_t take_event(struct ide_unit *u)
{
    if (u->keep.eject_button_event) {
        u->keep.eject_button_event = false;
        return EVENT_EJECT;
    }
    if (u->keep.removal_event) {
        u->keep.removal_event = false;
        return EVENT_REMOVE;
    }
    if (u->keep.new_medium_event) {
        u->keep.new_medium_event = false;
        return EVENT_NEW;
    }
    return 0;
}

void ide_cd_get_event(struct ide_unit *u)
{
    const uint8_t *cdb = u->cd.cdb;
    uint32_t allocation = ld_be16(cdb + 7);
    uint8_t *p = u->buf;

    if (!(cdb[1] & 1)) { /* asynchronous notification is for queueing devices */
        invalid_field(u);
        return;
    }
    memset(p, 0, 8);
    p[3] = 1 << MEDIA_CLASS; /* the classes known here */
    if (!(cdb[4] & 1 << MEDIA_CLASS)) {
        st_be16(p, 2);
        p[2] = 0x80; /* no such class */
        ide_atapi_reply(u, 4, allocation);
        return;
    }
    st_be16(p, 6);
    p[2] = MEDIA_CLASS;
    if (allocation > 4) /* else the event would get lost */
        p[4] = take_event(u);
    p[5] = (uint8_t)(u->keep.tray_open | (ide_cd_ready(u) ? 2 : 0));
    ide_atapi_reply(u, 8, allocation);
}

void ide_cd_mechanism_status(struct ide_unit *u)
{
    uint8_t *p = u->buf;

    memset(p, 0, 8);
    p[1] = u->keep.tray_open ? 0x10 : 0;
    p[2] = (uint8_t)(u->cd.lba >> 16);
    p[3] = (uint8_t)(u->cd.lba >> 8);
    p[4] = (uint8_t)u->cd.lba;
    ide_atapi_reply(u, 8, ld_be16(u->cd.cdb + 8));
}
