/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CD/DVD-ROM drive: dispatch, sense data, the tray, and reading. MMC-3 (T10 1363D) clauses 5
 * and 6; INQUIRY, REQUEST SENSE and TEST UNIT READY after SPC-2 (T10 1236D); SFF-8020i where those
 * leave ATAPI drives their own way.
 */
#include "devices/storage/ide_cd.h"

#include "base/bits.h"
#include "base/log.h"

#include <errno.h>

void ide_cd_reset(struct ide_unit *u, enum ide_reset how)
{
    u->cd.left = 0;
    u->cd.locked = false;
    u->cd.key = u->cd.asc = u->cd.ascq = 0;
    u->cd.sense_info_valid = false;
    if (how == IDE_RESET_HARD) {
        u->cd.reset_attention = true;
        ide_cd_mode_reset(u);
    }
}

static void medium_appeared(struct ide_unit *u)
{
    u->keep.medium_attention = true;
    u->keep.new_medium_event = true;
}

static void medium_vanished(struct ide_unit *u)
{
    u->keep.medium_attention = false;
    u->keep.new_medium_event = false;
    u->keep.removal_event = true;
}

static void tell_tray(struct ide_unit *u)
{
    if (u->tray_moved)
        u->tray_moved(u->tray_opaque, u);
}

void ide_cd_open_tray(struct ide_unit *u)
{
    if (u->keep.tray_open)
        return;
    if (u->block)
        medium_vanished(u);
    u->keep.tray_open = true;
    tell_tray(u);
}

void ide_cd_close_tray(struct ide_unit *u)
{
    if (!u->keep.tray_open)
        return;
    u->keep.tray_open = false;
    if (u->block)
        medium_appeared(u);
    tell_tray(u);
}

void ide_cd_change(struct ide_unit *u, struct block *block)
{
    uint64_t sectors = block ? (block_size(block) + CD_SECTOR - 1) / CD_SECTOR : 0;

    ide_cd_open_tray(u);
    u->block = block;
    u->sectors = sectors < INT32_MAX ? sectors : INT32_MAX;
    if (block)
        ide_cd_close_tray(u);
}

static void check_not_ready(struct ide_unit *u)
{
    ide_atapi_check(u, SENSE_NOT_READY,
                    u->keep.tray_open ? ASC_NO_MEDIUM_OPEN : ASC_NO_MEDIUM_CLOSED);
}

/* Takes the next unit attention that is due; 0 when none is. */
static unsigned take_attention(struct ide_unit *u)
{
    if (u->cd.reset_attention) {
        u->cd.reset_attention = false;
        return ASC_RESET;
    }
    if (u->keep.medium_attention) {
        u->keep.medium_attention = false;
        return ASC_MEDIUM_CHANGED;
    }
    return 0;
}

static void invalid_field(struct ide_unit *u)
{
    ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
}

static void cmd_request_sense(struct ide_unit *u)
{
    struct ide_cd_state *cd = &u->cd;
    uint8_t *p = u->buf;

    if (cd->key == SENSE_NONE) {
        unsigned asc = take_attention(u);

        cd->key = asc ? SENSE_UNIT_ATTENTION : SENSE_NONE;
        cd->asc = (uint8_t)(asc >> 8);
        cd->ascq = (uint8_t)asc;
    }
    memset(p, 0, 18);
    p[0] = cd->sense_info_valid ? 0xf0 : 0x70;
    p[2] = cd->key;
    if (cd->sense_info_valid)
        st_be32(p + 3, cd->sense_info);
    p[7] = 10;
    p[12] = cd->asc;
    p[13] = cd->ascq;
    cd->key = cd->asc = cd->ascq = 0;
    cd->sense_info_valid = false;
    ide_atapi_reply(u, 18, cd->cdb[4]);
}

static void cmd_inquiry(struct ide_unit *u)
{
    uint8_t *p = u->buf;

    memset(p, 0, 36);
    p[0] = 0x05; /* CD/DVD */
    if (u->cd.cdb[1] & 1) {
        if (u->cd.cdb[2] != 0) {
            invalid_field(u);
            return;
        }
        p[3] = 1; /* one page of vital data: this list */
        ide_atapi_reply(u, 5, ld_be16(u->cd.cdb + 3));
        return;
    }
    p[1] = 0x80; /* removable */
    p[3] = 0x21; /* ATAPI */
    p[4] = 31;
    memcpy(p + 8, "PENUMBRA", 8);
    memcpy(p + 16, "DVD-ROM         ", 16);
    memcpy(p + 32, "1.0 ", 4);
    ide_atapi_reply(u, 36, ld_be16(u->cd.cdb + 3));
}

static void cmd_start_stop(struct ide_unit *u)
{
    uint8_t how = u->cd.cdb[4];

    if (how >> 4 == 0 && (how & 3) == 2) {
        if (u->cd.locked) {
            ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
            return;
        }
        ide_cd_open_tray(u);
    } else if (how >> 4 == 0 && (how & 3) == 3) {
        ide_cd_close_tray(u);
    } else if ((how & 1) && !ide_cd_ready(u)) {
        check_not_ready(u);
        return;
    }
    ide_atapi_ok(u);
}

static void cmd_prevent(struct ide_unit *u)
{
    u->cd.locked = u->cd.cdb[4] & 1;
    ide_atapi_ok(u);
}

static void cmd_read_capacity(struct ide_unit *u)
{
    st_be32(u->buf, (uint32_t)u->sectors - 1);
    st_be32(u->buf + 4, CD_SECTOR);
    ide_atapi_reply(u, 8, 8);
}

static void cmd_seek(struct ide_unit *u)
{
    if (ld_be32(u->cd.cdb + 2) < u->sectors)
        ide_atapi_ok(u);
    else
        ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_OUT_OF_RANGE);
}

static void read_next(struct ide_unit *u);

static void read_completed(struct ide_unit *u, int rc)
{
    struct ide_cd_state *cd = &u->cd;
    uint32_t n = cd->io_count;

    if (rc && n > 1) {
        cd->one_by_one = true; /* all before the bad sector still reaches the host */
        read_next(u);
        return;
    }
    if (rc) {
        cd->sense_info_valid = true;
        cd->sense_info = cd->lba;
        ide_atapi_check(u, SENSE_MEDIUM_ERROR, ASC_UNRECOVERED_READ);
        return;
    }
    if (cd->raw) {
        uint8_t data[CD_SECTOR];

        /* in place: from the end when sectors grow, from the start when they shrink */
        for (uint32_t k = 0; k < n; k++) {
            uint32_t i = cd->sector_bytes > CD_SECTOR ? n - 1 - k : k;

            memcpy(data, u->buf + i * CD_SECTOR, CD_SECTOR);
            ide_cd_raw_build(u->buf + i * cd->sector_bytes, cd->raw, cd->lba + i, data);
        }
    }
    cd->lba += n;
    cd->left -= n;
    ide_atapi_send(u, n * cd->sector_bytes);
}

static void read_next(struct ide_unit *u)
{
    struct ide_cd_state *cd = &u->cd;
    uint32_t room = IDE_BUF_SIZE / (cd->sector_bytes > CD_SECTOR ? cd->sector_bytes : CD_SECTOR);
    uint64_t off = (uint64_t)cd->lba * CD_SECTOR, len;

    if (!ide_cd_ready(u)) { /* taken out under way */
        check_not_ready(u);
        return;
    }
    if (cd->lba >= u->sectors || cd->left > u->sectors - cd->lba) { /* replaced by a smaller one */
        ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_OUT_OF_RANGE);
        return;
    }
    cd->io_count = cd->one_by_one ? 1 : cd->left < room ? cd->left : room;
    len = (uint64_t)cd->io_count * CD_SECTOR;
    if (len > block_size(u->block) - off) { /* an image that ends inside its last sector */
        memset(u->buf, 0, len);
        len = block_size(u->block) - off;
    }
    ide_unit_io(u, IDE_IO_READ, off, len, read_completed);
}

static void start_read(struct ide_unit *u, uint32_t lba, uint32_t count, uint8_t raw)
{
    struct ide_cd_state *cd = &u->cd;

    if (lba > u->sectors || count > u->sectors - lba) {
        log_guest("ide: CD read beyond the end: sector %u, %u of them", lba, count);
        ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_OUT_OF_RANGE);
        return;
    }
    if (!count) {
        ide_atapi_ok(u);
        return;
    }
    cd->lba = lba;
    cd->left = count;
    cd->raw = raw;
    cd->sector_bytes = raw ? ide_cd_raw_size(raw) : CD_SECTOR;
    cd->one_by_one = false;
    read_next(u);
}

void ide_cd_continue(struct ide_unit *u)
{
    if (u->cd.left)
        read_next(u);
    else
        ide_atapi_ok(u);
}

static void cmd_read_10(struct ide_unit *u)
{
    start_read(u, ld_be32(u->cd.cdb + 2), ld_be16(u->cd.cdb + 7), 0);
}

static void cmd_read_12(struct ide_unit *u)
{
    start_read(u, ld_be32(u->cd.cdb + 2), ld_be32(u->cd.cdb + 6), 0);
}

/* The common part of READ CD and READ CD MSF. Every sector is one of mode 1. */
static void read_cd(struct ide_unit *u, uint32_t lba, uint32_t count)
{
    const uint8_t *cdb = u->cd.cdb;
    unsigned type = cdb[1] >> 2 & 7;
    uint8_t parts = cdb[9] & 0xf8;

    if (ide_cd_is_dvd(u)) {
        ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_INCOMPATIBLE_MEDIUM);
    } else if (type != 0 && type != 2) {
        ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_ILLEGAL_MODE);
    } else if ((cdb[9] & 0x06) || (cdb[10] & 7)) { /* C2 pointers, sub-channels */
        invalid_field(u);
    } else if (!parts || !ide_cd_raw_size(parts)) {
        start_read(u, lba, 0, 0);
    } else {
        start_read(u, lba, count, parts == 0x10 ? 0 : parts);
    }
}

static void cmd_read_cd(struct ide_unit *u)
{
    read_cd(u, ld_be32(u->cd.cdb + 2), ld_be24(u->cd.cdb + 6));
}

static bool msf_to_lba(const uint8_t *p, uint32_t *lba)
{
    uint32_t frame = (p[0] * 60u + p[1]) * 75u + p[2];

    if (p[1] >= 60 || p[2] >= 75 || frame < 150)
        return false;
    *lba = frame - 150;
    return true;
}

static void cmd_read_cd_msf(struct ide_unit *u)
{
    uint32_t from, to;

    if (!msf_to_lba(u->cd.cdb + 3, &from) || !msf_to_lba(u->cd.cdb + 6, &to) || to < from)
        invalid_field(u);
    else
        read_cd(u, from, to - from);
}

/* There is never an audio track to play. */
static void cmd_play(struct ide_unit *u)
{
    ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_ILLEGAL_MODE);
}

static void cmd_pause(struct ide_unit *u)
{
    ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_SEQUENCE);
}

enum {
    NEEDS_MEDIUM = 1 << 0,
    KEEPS_ATTENTION = 1 << 1, /* runs even when a unit attention is due, and leaves it so */
};

static const struct packet_command {
    uint8_t code, flags;
    void (*run)(struct ide_unit *u);
} commands[] = {
    {0x00, NEEDS_MEDIUM, ide_atapi_ok}, /* TEST UNIT READY */
    {0x03, KEEPS_ATTENTION, cmd_request_sense},
    {0x12, KEEPS_ATTENTION, cmd_inquiry},
    {0x15, 0, ide_cd_mode_select},
    {0x1a, 0, ide_cd_mode_sense},
    {0x1b, 0, cmd_start_stop},
    {0x1e, 0, cmd_prevent},
    {0x25, NEEDS_MEDIUM, cmd_read_capacity},
    {0x28, NEEDS_MEDIUM, cmd_read_10},
    {0x2b, NEEDS_MEDIUM, cmd_seek},
    {0x42, NEEDS_MEDIUM, ide_cd_read_subchannel},
    {0x43, NEEDS_MEDIUM, ide_cd_read_toc},
    {0x45, NEEDS_MEDIUM, cmd_play},
    {0x46, KEEPS_ATTENTION, ide_cd_get_configuration},
    {0x47, NEEDS_MEDIUM, cmd_play},
    {0x4a, KEEPS_ATTENTION, ide_cd_get_event},
    {0x4b, NEEDS_MEDIUM, cmd_pause},
    {0x4e, NEEDS_MEDIUM, ide_atapi_ok}, /* STOP PLAY/SCAN: nothing plays */
    {0x51, NEEDS_MEDIUM, ide_cd_read_disc_info},
    {0x52, NEEDS_MEDIUM, ide_cd_read_track_info},
    {0x55, 0, ide_cd_mode_select},
    {0x5a, 0, ide_cd_mode_sense},
    {0xa5, NEEDS_MEDIUM, cmd_play},
    {0xa8, NEEDS_MEDIUM, cmd_read_12},
    {0xad, NEEDS_MEDIUM, ide_cd_read_dvd_structure},
    {0xb9, NEEDS_MEDIUM, cmd_read_cd_msf},
    {0xbb, 0, ide_atapi_ok}, /* SET CD SPEED: always as fast as the host */
    {0xbd, 0, ide_cd_mechanism_status},
    {0xbe, NEEDS_MEDIUM, cmd_read_cd},
};

static const struct packet_command *find_command(uint8_t code)
{
    for (unsigned k = 0; k < ARRAY_SIZE(commands); k++)
        if (commands[k].code == code)
            return &commands[k];
    return NULL;
}

void ide_cd_execute(struct ide_unit *u)
{
    struct ide_cd_state *cd = &u->cd;
    const struct packet_command *c = find_command(cd->cdb[0]);
    unsigned attention;

    cd->left = 0;
    if (cd->cdb[0] != 0x03) { /* sense data lives until the next command but REQUEST SENSE */
        cd->key = cd->asc = cd->ascq = 0;
        cd->sense_info_valid = false;
    }
    if (!c) {
        log_guest("ide: packet command %02x is not supported", cd->cdb[0]);
        ide_atapi_check(u, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
        return;
    }
    attention = c->flags & KEEPS_ATTENTION ? 0 : take_attention(u);
    if (attention)
        ide_atapi_check(u, SENSE_UNIT_ATTENTION, attention);
    else if ((c->flags & NEEDS_MEDIUM) && !ide_cd_ready(u))
        check_not_ready(u);
    else
        c->run(u);
}

void ide_cd_received(struct ide_unit *u)
{
    ide_cd_mode_received(u);
}
