/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See scsi_disk.h. SPC-3: 6.4 INQUIRY, 6.9 MODE SENSE, 6.21 REPORT LUNS, 6.27 REQUEST SENSE, 7.6
 * vital product data; SBC-2: 5 (commands), 6.3.3 the caching page; MMC-3, 6.24 READ FORMAT
 * CAPACITIES, which drivers of sticks ask for.
 */
#include "devices/storage/scsi_disk.h"

#include <glib.h>
#include <string.h>

#include "base/log.h"
#include "devices/storage/ide_cd.h"

enum {
    TEST_UNIT_READY = 0x00,
    REQUEST_SENSE = 0x03,
    READ_6 = 0x08,
    WRITE_6 = 0x0a,
    INQUIRY = 0x12,
    MODE_SENSE_6 = 0x1a,
    START_STOP = 0x1b,
    SEND_DIAGNOSTIC = 0x1d,
    PREVENT_REMOVAL = 0x1e,
    READ_FORMAT_CAPACITIES = 0x23,
    READ_CAPACITY_10 = 0x25,
    READ_10 = 0x28,
    WRITE_10 = 0x2a,
    VERIFY_10 = 0x2f,
    SYNCHRONIZE_CACHE_10 = 0x35,
    MODE_SENSE_10 = 0x5a,
    READ_16 = 0x88,
    WRITE_16 = 0x8a,
    VERIFY_16 = 0x8f,
    SYNCHRONIZE_CACHE_16 = 0x91,
    SERVICE_ACTION_IN = 0x9e,
    REPORT_LUNS = 0xa0,
    READ_12 = 0xa8,
    WRITE_12 = 0xaa,
    VERIFY_12 = 0xaf,

    READ_CAPACITY_16 = 0x10, /* a service action */
};

enum { SENSE_DATA_PROTECT = 7, SENSE_HARDWARE = 4 };
enum { ASC_WRITE_PROTECTED = 0x2700, ASC_NO_SUCH_UNIT = 0x2500, ASC_WRITE_ERROR = 0x0c00 };

#define BLOCKS_A_CHUNK (SCSI_BUF_SIZE / SCSI_BLOCK)
#define MODE_CACHING   0x08
#define MODE_ALL       0x3f

static uint64_t ld_be64(const uint8_t *p)
{
    return (uint64_t)ld_be32(p) << 32 | ld_be32(p + 4);
}

static uint64_t blocks(const struct scsi_disk *d)
{
    return block_size(d->block) / SCSI_BLOCK;
}

/* ---- ends ---- */

static void good(struct scsi_disk *d)
{
    d->s.phase = SCSI_STATUS;
    d->s.status = SCSI_GOOD;
    d->s.key = d->s.asc = d->s.ascq = 0;
}

static void check(struct scsi_disk *d, uint8_t key, unsigned asc)
{
    d->s.phase = SCSI_STATUS;
    d->s.status = SCSI_CHECK_CONDITION;
    d->s.key = key;
    d->s.asc = (uint8_t)(asc >> 8);
    d->s.ascq = (uint8_t)asc;
}

/* buf has `len` bytes for the host, which has room for `room`. */
static void reply(struct scsi_disk *d, uint32_t len, uint32_t room)
{
    good(d);
    d->s.total = d->s.end = MIN(len, room);
    d->s.pos = 0;
    d->s.left = 0;
    d->s.to_host = true;
    if (d->s.end)
        d->s.phase = SCSI_IN;
}

/* ---- the image ---- */

static void io_done(struct block_request *req, int err);

static void submit(struct scsi_disk *d, enum block_op op)
{
    d->s.phase = SCSI_BUSY;
    d->req.op = op;
    d->req.flags = op == BLOCK_WRITE && d->s.fua ? BLOCK_FUA : 0;
    d->req.off = op == BLOCK_FLUSH ? 0 : d->s.lba * SCSI_BLOCK;
    d->req.len = op == BLOCK_FLUSH ? 0 : (uint64_t)d->s.count * SCSI_BLOCK;
    d->req.buf = d->buf;
    d->req.done = io_done;
    d->req.opaque = d;
    block_submit(d->block, &d->req);
}

/* The next part of a transfer, or its end. */
static void go_on(struct scsi_disk *d)
{
    d->s.count = MIN(d->s.left, BLOCKS_A_CHUNK);
    d->s.pos = 0;
    d->s.end = d->s.count * SCSI_BLOCK;
    if (!d->s.left)
        good(d);
    else if (d->s.to_host)
        submit(d, BLOCK_READ);
    else
        d->s.phase = SCSI_OUT;
}

static void chunk_went(struct scsi_disk *d)
{
    d->s.lba += d->s.count;
    d->s.left -= d->s.count;
}

static void io_done(struct block_request *req, int err)
{
    struct scsi_disk *d = req->opaque;

    if (err && !d->told_error) {
        d->told_error = true;
        log_user("USB disk: %s: %s", block_name(d->block), g_strerror(-err));
    }
    if (err) {
        check(d, req->op == BLOCK_READ ? SENSE_MEDIUM_ERROR : SENSE_HARDWARE,
              req->op == BLOCK_READ ? ASC_UNRECOVERED_READ : ASC_WRITE_ERROR);
    } else if (req->op == BLOCK_READ) {
        chunk_went(d);
        d->s.phase = SCSI_IN;
    } else if (req->op == BLOCK_WRITE) {
        chunk_went(d);
        go_on(d);
    } else {
        good(d);
    }
    d->changed(d->opaque);
}

void scsi_disk_moved(struct scsi_disk *d, uint32_t n)
{
    d->s.pos += n;
    if (d->s.pos < d->s.end)
        return;
    if (d->s.phase == SCSI_OUT)
        submit(d, BLOCK_WRITE);
    else if (d->s.left)
        go_on(d);
    else
        good(d);
}

/* ---- commands ---- */

static bool in_range(struct scsi_disk *d, uint64_t lba, uint64_t n)
{
    if (lba <= blocks(d) && n <= blocks(d) - lba)
        return true;
    check(d, SENSE_ILLEGAL_REQUEST, ASC_OUT_OF_RANGE);
    return false;
}

static void transfer(struct scsi_disk *d, bool to_host, uint64_t lba, uint32_t n, bool fua)
{
    if (!in_range(d, lba, n))
        return;
    if (!to_host && block_readonly(d->block)) {
        check(d, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
        return;
    }
    d->s.to_host = to_host;
    d->s.lba = lba;
    d->s.left = n;
    d->s.total = (uint64_t)n * SCSI_BLOCK;
    d->s.fua = fua;
    go_on(d);
}

static void verify(struct scsi_disk *d, uint8_t flags, uint64_t lba, uint32_t n)
{
    if (flags & 0x06) /* with data to compare */
        check(d, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
    else if (in_range(d, lba, n))
        good(d);
}

static uint32_t vital_page(struct scsi_disk *d, uint8_t page)
{
    static const uint8_t pages[] = {0x00, 0x80, 0x83, 0xb0};
    uint8_t *p = d->buf;
    uint32_t len = 0;

    switch (page) {
    case 0x00:
        len = sizeof(pages);
        memcpy(p + 4, pages, len);
        break;
    case 0x80:
        len = (uint32_t)MIN(strlen(d->serial), 36u);
        memcpy(p + 4, d->serial, len);
        break;
    case 0x83: /* one designator: of the vendor's, in ASCII */
        len = (uint32_t)MIN(strlen(d->serial), 36u);
        memcpy(p + 8 + 8, d->serial, len);
        memcpy(p + 8, "Penumbra", 8);
        p[4] = 2;
        p[5] = 1;
        p[7] = (uint8_t)(8 + len);
        len += 12;
        break;
    case 0xb0: len = 0x3c; break; /* no limits */
    default: return 0;
    }
    p[1] = page;
    p[3] = (uint8_t)len;
    return 4 + len;
}

static void inquiry(struct scsi_disk *d, unsigned lun, const uint8_t *cdb)
{
    uint32_t len = 36;
    uint8_t *p = d->buf;

    memset(p, 0, 96);
    if (cdb[1] & 1) {
        len = vital_page(d, cdb[2]);
    } else if (cdb[2]) {
        len = 0;
    } else {
        p[1] = d->removable ? 0x80 : 0;
        p[2] = 5; /* SPC-3 */
        p[3] = 2;
        p[4] = 31;
        memcpy(p + 8, "PenumbraUSB disk        1.0 ", 28);
    }
    if (lun)
        p[0] = 0x7f; /* there is no such unit */
    if (len)
        reply(d, len, ld_be16(cdb + 3));
    else
        check(d, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
}

static void request_sense(struct scsi_disk *d, unsigned lun, const uint8_t *cdb)
{
    uint8_t *p = d->buf;

    memset(p, 0, 18);
    p[0] = 0x70;
    p[2] = lun ? SENSE_ILLEGAL_REQUEST : d->s.key;
    p[7] = 10;
    p[12] = lun ? ASC_NO_SUCH_UNIT >> 8 : d->s.asc;
    p[13] = lun ? 0 : d->s.ascq;
    if (d->s.attention && !lun && !d->s.key) {
        p[2] = SENSE_UNIT_ATTENTION;
        p[12] = ASC_RESET >> 8;
        d->s.attention = false;
    }
    reply(d, 18, cdb[4]);
}

static void mode_sense(struct scsi_disk *d, const uint8_t *cdb, bool ten)
{
    uint8_t page = cdb[2] & 0x3f, *p = d->buf, head = ten ? 8 : 4;
    uint32_t len = head;

    memset(p, 0, 64);
    if (page != MODE_CACHING && page != MODE_ALL) {
        check(d, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
        return;
    }
    p[len] = MODE_CACHING;
    p[len + 1] = 0x12;
    if (cdb[2] >> 6 != 1 && block_write_cache(d->block)) /* not what could be changed */
        p[len + 2] = 4;
    len += 0x14;
    p[ten ? 3 : 2] = block_readonly(d->block) ? 0x90 : 0x10; /* FUA is known */
    if (ten)
        st_be16(p, len - 2);
    else
        p[0] = (uint8_t)(len - 1);
    reply(d, len, ten ? ld_be16(cdb + 7) : cdb[4]);
}

static void capacity_10(struct scsi_disk *d)
{
    st_be32(d->buf, (uint32_t)MIN(blocks(d) - 1, (uint64_t)UINT32_MAX));
    st_be32(d->buf + 4, SCSI_BLOCK);
    reply(d, 8, 8);
}

static void capacity_16(struct scsi_disk *d, const uint8_t *cdb)
{
    if ((cdb[1] & 0x1f) != READ_CAPACITY_16) {
        check(d, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
        return;
    }
    memset(d->buf, 0, 32);
    st_be32(d->buf, (uint32_t)((blocks(d) - 1) >> 32));
    st_be32(d->buf + 4, (uint32_t)(blocks(d) - 1));
    st_be32(d->buf + 8, SCSI_BLOCK);
    reply(d, 32, ld_be32(cdb + 10));
}

static void format_capacities(struct scsi_disk *d, const uint8_t *cdb)
{
    memset(d->buf, 0, 12);
    d->buf[3] = 8;
    st_be32(d->buf + 4, (uint32_t)MIN(blocks(d), (uint64_t)UINT32_MAX));
    st_be32(d->buf + 8, SCSI_BLOCK);
    d->buf[8] = 2; /* formatted */
    reply(d, 12, ld_be16(cdb + 7));
}

static void report_luns(struct scsi_disk *d, const uint8_t *cdb)
{
    memset(d->buf, 0, 16);
    d->buf[3] = 8;
    reply(d, 16, ld_be32(cdb + 6));
}

static void sync_cache(struct scsi_disk *d)
{
    d->s.count = 0;
    submit(d, BLOCK_FLUSH);
}

static void execute(struct scsi_disk *d, const uint8_t *cdb)
{
    uint32_t lba = ld_be32(cdb + 2);
    bool fua = cdb[1] & 8;

    switch (cdb[0]) {
    case TEST_UNIT_READY:
    case START_STOP:
    case SEND_DIAGNOSTIC:
    case PREVENT_REMOVAL: good(d); break;
    case MODE_SENSE_6: mode_sense(d, cdb, false); break;
    case MODE_SENSE_10: mode_sense(d, cdb, true); break;
    case READ_FORMAT_CAPACITIES: format_capacities(d, cdb); break;
    case READ_CAPACITY_10: capacity_10(d); break;
    case SERVICE_ACTION_IN: capacity_16(d, cdb); break;
    case READ_6:
    case WRITE_6:
        transfer(d, cdb[0] == READ_6, ld_be24(cdb + 1) & 0x1fffff, cdb[4] ? cdb[4] : 256, false);
        break;
    case READ_10:
    case WRITE_10: transfer(d, cdb[0] == READ_10, lba, ld_be16(cdb + 7), fua); break;
    case READ_12:
    case WRITE_12: transfer(d, cdb[0] == READ_12, lba, ld_be32(cdb + 6), fua); break;
    case READ_16:
    case WRITE_16: transfer(d, cdb[0] == READ_16, ld_be64(cdb + 2), ld_be32(cdb + 10), fua); break;
    case VERIFY_10: verify(d, cdb[1], lba, ld_be16(cdb + 7)); break;
    case VERIFY_12: verify(d, cdb[1], lba, ld_be32(cdb + 6)); break;
    case VERIFY_16: verify(d, cdb[1], ld_be64(cdb + 2), ld_be32(cdb + 10)); break;
    case SYNCHRONIZE_CACHE_10:
    case SYNCHRONIZE_CACHE_16: sync_cache(d); break;
    default:
        log_guest("SCSI disk: unknown command %02x", cdb[0]);
        check(d, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
    }
}

void scsi_disk_command(struct scsi_disk *d, unsigned lun, const uint8_t *cdb, unsigned len)
{
    uint8_t c[16] = {0};

    scsi_disk_abort(d);
    memcpy(c, cdb, MIN(len, sizeof(c)));
    d->s.op = c[0];
    d->s.total = 0;
    d->s.pos = d->s.end = d->s.left = d->s.count = 0;
    d->s.to_host = false;
    switch (c[0]) { /* those that attention and absence do not stop (SPC-3, 5.6.3) */
    case INQUIRY: inquiry(d, lun, c); return;
    case REQUEST_SENSE: request_sense(d, lun, c); return;
    case REPORT_LUNS: report_luns(d, c); return;
    default: break;
    }
    if (lun) {
        check(d, SENSE_ILLEGAL_REQUEST, ASC_NO_SUCH_UNIT);
    } else if (d->s.attention) {
        d->s.attention = false;
        check(d, SENSE_UNIT_ATTENTION, ASC_RESET);
    } else {
        execute(d, c);
    }
}

/* ---- life ---- */

void scsi_disk_abort(struct scsi_disk *d)
{
    if (block_busy(&d->req))
        block_cancel(&d->req);
    d->s.phase = SCSI_STATUS;
    d->s.pos = d->s.end = d->s.left = 0;
}

void scsi_disk_reset(struct scsi_disk *d)
{
    scsi_disk_abort(d);
    d->s = (struct scsi_disk_state){.attention = true};
}

void scsi_disk_post_load(struct scsi_disk *d)
{
    const struct scsi_disk_state *s = &d->s;
    bool moving = s->phase == SCSI_IN || s->phase == SCSI_OUT;

    if (s->phase == SCSI_BUSY || s->phase > SCSI_OUT || s->end > SCSI_BUF_SIZE ||
        s->count > BLOCKS_A_CHUNK || (moving && s->pos >= s->end) || s->lba > blocks(d) ||
        s->left > blocks(d) - s->lba ||
        (s->phase == SCSI_OUT && (s->count > s->left || s->end != s->count * SCSI_BLOCK))) {
        log_user("USB disk: the saved state makes no sense; the disk is reset");
        scsi_disk_reset(d);
    }
}
