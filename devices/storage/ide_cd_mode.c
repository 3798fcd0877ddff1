/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MODE SENSE and MODE SELECT, 6 and 10 bytes, with the pages a CD/DVD-ROM drive has: error recovery
 * (01h), CD device parameters (0dh), audio control (0eh), capabilities (2ah). MMC-3 (T10 1363D) 5.5
 * and annexes; SFF-8020i for the medium types.
 */
#include "devices/storage/ide_cd.h"

#include "base/bits.h"
#include "base/log.h"

#define ALL_PAGES 0x3f
#define SPEED     5632 /* kB/s: 32 times an audio CD */

enum control { CURRENT, CHANGEABLE, DEFAULT, SAVED };

static const uint8_t default_recovery[2] = {0x00, 5}; /* flags; retries */
static const uint8_t default_audio[8] = {1, 0xff, 2, 0xff};
static const uint8_t changeable_audio[8] = {0x0f, 0xff, 0x0f, 0xff, 0x0f, 0xff, 0x0f, 0xff};

void ide_cd_mode_reset(struct ide_unit *u)
{
    memcpy(u->cd.recovery, default_recovery, sizeof(default_recovery));
    memcpy(u->cd.audio, default_audio, sizeof(default_audio));
}

static unsigned page_recovery(struct ide_unit *u, enum control pc, uint8_t *p)
{
    static const uint8_t all[2] = {0xff, 0xff};

    p[1] = 6;
    memcpy(p + 2, pc == CURRENT ? u->cd.recovery : pc == DEFAULT ? default_recovery : all, 2);
    return 8;
}

static unsigned page_device(struct ide_unit *u, enum control pc, uint8_t *p)
{
    (void)u;
    p[1] = 6;
    if (pc != CHANGEABLE) {
        p[3] = 0x0d; /* spin down after 8 minutes */
        p[5] = 60;
        p[7] = 75;
    }
    return 8;
}

static unsigned page_audio(struct ide_unit *u, enum control pc, uint8_t *p)
{
    p[1] = 14;
    if (pc != CHANGEABLE)
        p[2] = 0x04; /* IMMED */
    memcpy(p + 8,
           pc == CURRENT   ? u->cd.audio
           : pc == DEFAULT ? default_audio
                           : changeable_audio,
           8);
    return 16;
}

static unsigned page_capabilities(struct ide_unit *u, enum control pc, uint8_t *p)
{
    p[1] = 20;
    if (pc == CHANGEABLE)
        return 22;
    p[2] = 0x0b; /* reads CD-R, CD-RW, DVD-ROM */
    p[4] = 0x70; /* multi-session, mode 2 */
    p[6] = (uint8_t)(0x29 | (u->cd.locked ? 2 : 0));
    st_be16(p + 8, SPEED);
    st_be16(p + 12, 512); /* KiB of buffer */
    st_be16(p + 14, SPEED);
    return 22;
}

static const struct page {
    uint8_t code;
    unsigned (*put)(struct ide_unit *u, enum control pc, uint8_t *p);
} pages[] = {
    {0x01, page_recovery},
    {0x0d, page_device},
    {0x0e, page_audio},
    {0x2a, page_capabilities},
};

static uint8_t medium_type(const struct ide_unit *u)
{
    if (u->keep.tray_open)
        return 0x71;
    if (!u->block)
        return 0x70;
    return ide_cd_is_dvd(u) ? 0x00 : 0x01;
}

void ide_cd_mode_sense(struct ide_unit *u)
{
    const uint8_t *cdb = u->cd.cdb;
    bool ten = cdb[0] == 0x5a;
    enum control pc = (enum control)(cdb[2] >> 6);
    uint8_t code = cdb[2] & 0x3f, *p = u->buf;
    uint32_t head = ten ? 8 : 4, len = head;

    if (pc == SAVED) {
        ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_SAVING_UNSUPPORTED);
        return;
    }
    memset(p, 0, 128);
    for (unsigned k = 0; k < ARRAY_SIZE(pages); k++) {
        if (code != ALL_PAGES && code != pages[k].code)
            continue;
        p[len] = pages[k].code;
        len += pages[k].put(u, pc, p + len);
    }
    if (len == head) {
        ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
        return;
    }
    if (ten) {
        st_be16(p, len - 2);
        p[2] = medium_type(u);
    } else {
        p[0] = (uint8_t)(len - 1);
        p[1] = medium_type(u);
    }
    ide_atapi_reply(u, len, ten ? ld_be16(cdb + 7) : cdb[4]);
}

void ide_cd_mode_select(struct ide_unit *u)
{
    const uint8_t *cdb = u->cd.cdb;
    uint32_t len = cdb[0] == 0x55 ? ld_be16(cdb + 7) : cdb[4];

    if (cdb[1] & 1) /* save pages */
        ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
    else if (!len)
        ide_atapi_ok(u);
    else
        ide_atapi_receive(u, len);
}

/* One page of a MODE SELECT, `len` bytes with its header. False if it does not fit the drive's. */
static bool apply_page(struct ide_unit *u, const uint8_t *p, uint32_t len, bool check_only)
{
    switch (p[0] & 0x3f) {
    case 0x01: /* drives of MMC-2 and later have the 12-byte form of it */
        if (len != 8 && len != 12)
            return false;
        if (!check_only)
            memcpy(u->cd.recovery, p + 2, 2);
        return true;
    case 0x0d: return len == 8;
    case 0x0e:
        if (len != 16)
            return false;
        for (unsigned k = 0; k < 8 && !check_only; k++)
            u->cd.audio[k] = p[8 + k] & changeable_audio[k];
        return true;
    case 0x2a: return len >= 4; /* nothing in it can be changed */
    default: return false;
    }
}

/* Goes through all pages; nothing is taken over unless all are good. */
static bool apply_pages(struct ide_unit *u, const uint8_t *p, uint32_t len, bool check_only)
{
    while (len) {
        uint32_t n;

        if (len < 2)
            return false;
        n = p[1] + 2u;
        if (n > len || !apply_page(u, p, n, check_only))
            return false;
        p += n;
        len -= n;
    }
    return true;
}

void ide_cd_mode_received(struct ide_unit *u)
{
    bool ten = u->cd.cdb[0] == 0x55;
    uint32_t len = u->s.len, head = ten ? 8 : 4;

    if (len >= head)
        head += ten ? ld_be16(u->buf + 6) : u->buf[3]; /* block descriptors */
    if (len < head) {
        ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LENGTH);
        return;
    }
    if (!apply_pages(u, u->buf + head, len - head, true)) {
        log_guest("ide: MODE SELECT with a page that does not fit");
        ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_INVALID_PARAMETER);
        return;
    }
    apply_pages(u, u->buf + head, len - head, false);
    ide_atapi_ok(u);
}
