/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet device at the level of ATA: the PACKET protocol in PIO and DMA with its byte count
 * limit, and the few other commands that such a device knows. ATA/ATAPI-6 (T13 1410D), 8.23
 * and 9.8, 9.9; IDENTIFY PACKET DEVICE table 29.
 */
#include "devices/storage/ide_atapi.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "devices/storage/ide_cd.h"

#define PACKET_DMA 0x01
#define PACKET_OVL 0x02

void ide_atapi_ok(struct ide_unit *u)
{
    u->s.count[0] = IDE_REASON_CD | IDE_REASON_IO;
    ide_unit_done(u);
}

void ide_atapi_check(struct ide_unit *u, uint8_t key, unsigned asc)
{
    u->cd.key = key;
    u->cd.asc = (uint8_t)(asc >> 8);
    u->cd.ascq = (uint8_t)asc;
    u->s.count[0] = IDE_REASON_CD | IDE_REASON_IO;
    ide_unit_fail(u, 0, (uint8_t)(key << 4 | IDE_ERR_ABRT));
}

/* The next DRQ block of what is left in buf (`more` sectors follow it). Blocks are even but for the
 * last one, whose odd byte travels in a word of its own. */
static void next_block(struct ide_unit *u, uint8_t reason, uint64_t more)
{
    struct ide_unit_state *s = &u->s;
    uint32_t left = s->len - s->pos, n = left;

    if (!s->dma && n > u->cd.limit)
        n = u->cd.limit;
    if (n < left || more)
        n &= ~1u;
    if (!n)
        n = left < 2 ? left : 2; /* a limit of one byte cannot be kept */
    s->count[0] = reason;
    s->mid[0] = (uint8_t)n;
    s->high[0] = (uint8_t)(n >> 8);
    if (reason & IDE_REASON_IO)
        ide_unit_offer(u, s->pos, s->pos + ((n + 1) & ~1u), true);
    else
        ide_unit_accept(u, s->pos, s->pos + ((n + 1) & ~1u), true);
}

void ide_atapi_send(struct ide_unit *u, uint32_t len)
{
    invariant(len > 0 && len <= IDE_BUF_SIZE);
    u->s.pos = 0;
    u->s.len = len;
    next_block(u, IDE_REASON_IO, u->cd.left);
}

void ide_atapi_receive(struct ide_unit *u, uint32_t len)
{
    invariant(len > 0 && len <= IDE_BUF_SIZE);
    u->s.pos = 0;
    u->s.len = len;
    next_block(u, 0, 0);
}

void ide_atapi_reply(struct ide_unit *u, uint32_t len, uint32_t allocation)
{
    u->cd.left = 0;
    if (len > allocation)
        len = allocation;
    if (len)
        ide_atapi_send(u, len);
    else
        ide_atapi_ok(u);
}

static void packet_block_done(struct ide_unit *u)
{
    struct ide_unit_state *s = &u->s;

    if (s->phase == IDE_PHASE_CDB) {
        memcpy(u->cd.cdb, u->buf, sizeof(u->cd.cdb));
        ide_cd_execute(u);
    } else if (s->pos < s->len) {
        next_block(u, s->phase == IDE_PHASE_IN ? IDE_REASON_IO : 0, u->cd.left);
    } else if (s->phase == IDE_PHASE_IN) {
        ide_cd_continue(u);
    } else {
        ide_cd_received(u);
    }
}

static void cmd_packet(struct ide_unit *u)
{
    struct ide_unit_state *s = &u->s;
    uint32_t limit = s->mid[0] | (uint32_t)s->high[0] << 8;

    if (s->feature[0] & PACKET_OVL) {
        log_guest("ide: overlapped PACKET command");
        ide_unit_abort(u);
        return;
    }
    ide_unit_accessed(u);
    s->dma = s->feature[0] & PACKET_DMA;
    /* 0 counts as word 125 of the identify block says, ffffh as fffeh */
    u->cd.limit = limit && limit != 0xffff ? limit : 0xfffe;
    s->phase = IDE_PHASE_CDB;
    s->pos = 0;
    s->end = sizeof(u->cd.cdb);
    s->count[0] = IDE_REASON_CD;
    s->status = IDE_DRDY | IDE_DRQ; /* no interrupt: word 0 promises DRQ within 50 us */
}

static void cmd_identify_packet(struct ide_unit *u)
{
    const unsigned features = 0x4000 | 0x0200 | 0x0010 | 0x0008; /* NOP, DEVICE RESET, PACKET, PM */
    uint8_t *id = u->buf;

    memset(id, 0, IDE_SECTOR);
    ide_put_word(id, 0, 0x85c0); /* CD drive, removable medium, DRQ in 50 us, 12-byte packets */
    ide_unit_string(id + 2 * 10, 20, u->serial);
    ide_unit_string(id + 2 * 23, 8, "1.0");
    ide_unit_string(id + 2 * 27, 40, "PENUMBRA DVD-ROM");
    ide_put_word(id, 49, 0x0f00); /* IORDY, LBA, DMA */
    ide_put_word(id, 50, 0x4000);
    ide_put_word(id, 51, 0x0200);
    ide_unit_identify_modes(u, id);
    ide_put_word(id, 80, 0x0078); /* ATA-3 to ATA/ATAPI-6 */
    ide_put_word(id, 82, features);
    ide_put_word(id, 83, 0x4000);
    ide_put_word(id, 84, 0x4000);
    ide_put_word(id, 85, features);
    ide_put_word(id, 87, 0x4000);
    ide_put_word(id, 125, 0xfffe);
    id[510] = 0xa5;
    ide_checksum(id);
    ide_unit_offer(u, 0, IDE_SECTOR, true);
}

/* DEVICE RESET: only this device, and it stays selected. */
static void cmd_device_reset(struct ide_unit *u)
{
    uint8_t device = u->s.device & IDE_DEV_DEV;

    ide_unit_reset(u, IDE_RESET_SOFT);
    u->s.device = u->reset_device = device;
}

static void packet_command(struct ide_unit *u)
{
    switch (u->s.command) {
    case ATA_DEVICE_RESET: cmd_device_reset(u); return;
    case ATA_PACKET: cmd_packet(u); return;
    case ATA_IDENTIFY_PACKET: cmd_identify_packet(u); return;
    case ATA_SET_FEATURES:
        if (ide_unit_set_features(u))
            return;
        break;
    case ATA_IDENTIFY:
    case ATA_READ_SECTORS: /* both are how a host finds out what this is (9.12) */
        ide_unit_signature(u);
        break;
    default:
        if (ide_unit_power_command(u))
            return;
        if (u->s.command != ATA_NOP)
            log_guest("ide: CD drive command %02x is not supported", u->s.command);
        break;
    }
    ide_unit_abort(u);
}

/* The end of data from IDENTIFY PACKET DEVICE is silent; that of packets is the business of the
 * command set. */
static void block_done(struct ide_unit *u)
{
    if (u->s.command == ATA_PACKET)
        packet_block_done(u);
    else
        ide_unit_done_quietly(u);
}

static void packet_reset(struct ide_unit *u, enum ide_reset how)
{
    ide_cd_reset(u, how);
}

static bool packet_valid(const struct ide_unit *u)
{
    const struct ide_unit_state *s = &u->s;
    const struct ide_cd_state *cd = &u->cd;

    if (s->phase == IDE_PHASE_IDLE)
        return true;
    if (s->phase == IDE_PHASE_CDB)
        return s->end == sizeof(cd->cdb);
    return !cd->left || cd->sector_bytes == (cd->raw ? ide_cd_raw_size(cd->raw) : CD_SECTOR);
}

const struct ide_unit_ops ide_cd_ops = {
    .command = packet_command,
    .block_done = block_done,
    .reset = packet_reset,
    .valid = packet_valid,
    .signature_mid = 0x14,
    .signature_high = 0xeb,
    .reset_status = 0,
    .max_udma = 2,
};
