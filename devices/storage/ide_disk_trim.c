/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two commands that came after ATA/ATAPI-6: DATA SET MANAGEMENT with its one function, TRIM
 * (ATA8-ACS2, T13 2015D, 7.5), and READ LOG EXT with the logs of all devices that queue (ATA8-ACS,
 * T13 1699D, 7.31 and annex A: the directory, 00h, and the queued error log, 10h).
 */
#include "devices/storage/ide_disk.h"

#include "base/bits.h"
#include "base/log.h"

#include <errno.h>

enum {
    TRIM = 0x01,
    RANGE_BYTES = 8,
    LOG_DIRECTORY = 0x00,
    LOG_QUEUE_ERROR = 0x10,
};

static void trim_next(struct ide_unit *u);

static void trim_done(struct ide_unit *u, int rc)
{
    if (rc && rc != -ENOTSUP &&
        rc != -EOPNOTSUPP) { /* it is a hint: not to follow it is no error */
        ide_unit_fail(u, IDE_DF, IDE_ERR_ABRT);
        return;
    }
    trim_next(u);
}

/* From the next range that is not empty on. */
static void trim_next(struct ide_unit *u)
{
    while (u->disk.trim < u->s.end / RANGE_BYTES) {
        uint64_t range = ld_le64(u->buf + u->disk.trim++ * RANGE_BYTES);
        uint64_t lba = bits(range, 47, 0), count = range >> 48;

        if (!count)
            continue;
        if (lba >= u->sectors || count > u->sectors - lba) {
            log_guest("ide: TRIM beyond the end of the disk");
            ide_unit_fail(u, 0, IDE_ERR_IDNF | IDE_ERR_ABRT);
            return;
        }
        ide_unit_io(u, IDE_IO_DISCARD, lba * IDE_SECTOR, count * IDE_SECTOR, trim_done);
        return;
    }
    ide_unit_done(u);
}

void ide_disk_trim_received(struct ide_unit *u)
{
    u->disk.trim = 0;
    trim_next(u);
}

void ide_disk_trim(struct ide_unit *u, uint8_t flags)
{
    uint32_t blocks = u->s.count[0] | (uint32_t)u->s.count[1] << 8;

    (void)flags;
    if (!(u->s.feature[0] & TRIM) || !blocks || blocks > IDE_BUF_SIZE / IDE_SECTOR ||
        block_readonly(u->block)) {
        ide_unit_abort(u);
        return;
    }
    ide_unit_accessed(u);
    u->s.dma = true;
    ide_unit_accept(u, 0, blocks * IDE_SECTOR, false);
}

void ide_disk_read_log(struct ide_unit *u, uint8_t flags)
{
    const struct ide_unit_state *s = &u->s;
    unsigned log = s->low[0], page = s->mid[0] | s->mid[1] << 8;
    unsigned count = s->count[0] | s->count[1] << 8;

    (void)flags;
    if (page || count != 1 || (log != LOG_DIRECTORY && log != LOG_QUEUE_ERROR)) {
        u->disk.queue_halted = false;
        ide_unit_abort(u);
        return;
    }
    memset(u->buf, 0, IDE_SECTOR);
    if (log == LOG_DIRECTORY) {
        ide_put_word(u->buf, 0, 1);
        ide_put_word(u->buf, LOG_QUEUE_ERROR, 1);
    } else {
        memcpy(u->buf, u->disk.queue_error, sizeof(u->disk.queue_error));
        ide_checksum(u->buf);
        u->disk.queue_halted = false;
    }
    ide_disk_reply(u);
}
