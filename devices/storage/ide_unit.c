/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps that ATA commands are made of, and those that disks and CD drives share: transfer modes
 * and power management. ATA/ATAPI-6 (T13 1410D), clauses 6, 8 and 9; see ide_unit.h. */
#include "devices/storage/ide_unit.h"

#include "base/bits.h"
#include "base/error.h"

#include <errno.h>

void ide_unit_signature(struct ide_unit *u)
{
    struct ide_unit_state *s = &u->s;

    s->count[0] = s->low[0] = 1;
    s->mid[0] = u->ops->signature_mid;
    s->high[0] = u->ops->signature_high;
    s->count[1] = s->low[1] = s->mid[1] = s->high[1] = 0;
}

static void reset_now(struct ide_unit *u, enum ide_reset how)
{
    struct ide_unit_state *s = &u->s;

    u->reset_waits = false;
    s->irq = false;
    s->phase = IDE_PHASE_IDLE;
    s->pos = s->end = s->len = 0;
    s->power = IDE_POWER_ACTIVE;
    s->device = u->reset_device;
    s->error = IDE_DIAG_PASSED;
    s->status = u->ops->reset_status;
    ide_unit_signature(u);
    if (how == IDE_RESET_HARD) {
        s->mwdma = 0;
        s->udma = 0;
        s->last_access = clock_now(u->clock);
    }
    u->ops->reset(u, how);
}

void ide_unit_reset(struct ide_unit *u, enum ide_reset how)
{
    u->reset_device = 0;
    u->diagnosing = false;
    if (how == IDE_RESET_HARD)
        ide_unit_cancel(u);
    if (!block_busy(&u->req)) {
        reset_now(u, how);
        return;
    }
    u->reset_waits = true;
    u->s.irq = false;
    u->s.phase = IDE_PHASE_IDLE;
    u->s.pos = u->s.end = u->s.len = 0;
    u->s.status = IDE_BSY;
}

/* The I/O that a soft reset waited for has ended. */
static void end_reset(struct ide_unit *u)
{
    bool interrupt = u->diagnosing;

    u->diagnosing = false;
    reset_now(u, IDE_RESET_SOFT);
    if (interrupt)
        ide_unit_interrupt(u);
    u->host->irq(u);
}

bool ide_unit_valid(const struct ide_unit *u)
{
    const struct ide_unit_state *s = &u->s;

    if (s->status & IDE_BSY) /* what it was busy with is not here */
        return false;
    if (s->phase > IDE_PHASE_OUT || s->len > IDE_BUF_SIZE || s->end > IDE_BUF_SIZE)
        return false;
    if (s->phase != IDE_PHASE_IDLE && (s->pos >= s->end || (s->pos | s->end) & 1))
        return false;
    return u->ops->valid(u);
}

void ide_unit_interrupt(struct ide_unit *u)
{
    u->s.irq = true;
    u->host->irq(u);
}

void ide_unit_done_quietly(struct ide_unit *u)
{
    u->s.phase = IDE_PHASE_IDLE;
    u->s.status = IDE_DRDY | IDE_DSC;
}

void ide_unit_done(struct ide_unit *u)
{
    ide_unit_done_quietly(u);
    ide_unit_interrupt(u);
}

void ide_unit_fail(struct ide_unit *u, uint8_t status, uint8_t error)
{
    ide_unit_done_quietly(u);
    u->s.status |= status | IDE_ERR;
    u->s.error = error;
    ide_unit_interrupt(u);
}

void ide_unit_abort(struct ide_unit *u)
{
    ide_unit_fail(u, 0, IDE_ERR_ABRT);
}

static void start_block(struct ide_unit *u, enum ide_phase phase, uint32_t pos, uint32_t end,
                        bool interrupt)
{
    invariant(pos < end && end <= IDE_BUF_SIZE);
    u->s.phase = (uint8_t)phase;
    u->s.pos = pos;
    u->s.end = end;
    u->s.status = IDE_DRDY | IDE_DSC | IDE_DRQ;
    if (!u->s.dma && interrupt)
        ide_unit_interrupt(u);
    u->host->data(u);
}

void ide_unit_offer(struct ide_unit *u, uint32_t pos, uint32_t end, bool interrupt)
{
    start_block(u, IDE_PHASE_IN, pos, end, interrupt);
}

void ide_unit_accept(struct ide_unit *u, uint32_t pos, uint32_t end, bool interrupt)
{
    start_block(u, IDE_PHASE_OUT, pos, end, interrupt);
}

void ide_unit_advance(struct ide_unit *u, uint32_t n)
{
    invariant(n <= u->s.end - u->s.pos);
    u->s.pos += n;
    if (u->s.pos < u->s.end)
        return;
    u->s.status = IDE_BSY;
    u->ops->block_done(u);
}

static void count_error(struct ide_unit *u, int rc)
{
    if (rc == -ENOMEDIUM || rc == -EROFS)
        return;
    if (u->io_op != IDE_IO_READ && u->io_op != IDE_IO_VERIFY)
        u->write_errors++;
    else
        u->read_errors++;
}

static void submit(struct ide_unit *u, enum block_op op, uint64_t off, uint64_t len)
{
    u->req.op = op;
    u->req.off = off;
    u->req.len = len;
    u->req.buf = u->buf;
    u->activity++;
    block_submit(u->block, &u->req);
}

static void verify_next(struct ide_unit *u, uint64_t off)
{
    uint64_t n = u->io_left < IDE_BUF_SIZE ? u->io_left : IDE_BUF_SIZE;

    u->io_left -= n;
    submit(u, BLOCK_READ, off, n);
}

static void io_ended(struct block_request *req, int rc)
{
    struct ide_unit *u = container_of(req, struct ide_unit, req);

    if (u->reset_waits) {
        end_reset(u);
        return;
    }
    if (!rc && u->io_op == IDE_IO_VERIFY && u->io_left) {
        verify_next(u, req->off + req->len);
        return;
    }
    if (rc)
        count_error(u, rc);
    u->io_done(u, rc);
}

void ide_unit_io(struct ide_unit *u, enum ide_io_op op, uint64_t off, uint64_t len,
                 void (*done)(struct ide_unit *u, int rc))
{
    invariant(op == IDE_IO_VERIFY || op == IDE_IO_DISCARD || len <= IDE_BUF_SIZE);
    u->s.status = IDE_BSY;
    u->io_op = op;
    u->io_done = done;
    u->req.done = io_ended;
    if (!u->block) {
        done(u, -ENOMEDIUM);
        return;
    }
    switch (op) {
    case IDE_IO_READ: submit(u, BLOCK_READ, off, len); break;
    case IDE_IO_WRITE: submit(u, BLOCK_WRITE, off, len); break;
    case IDE_IO_FLUSH: submit(u, BLOCK_FLUSH, 0, 0); break;
    case IDE_IO_DISCARD: submit(u, BLOCK_DISCARD, off, len); break;
    case IDE_IO_VERIFY:
        u->io_left = len;
        verify_next(u, off);
        break;
    }
}

void ide_unit_give_up(struct ide_unit *u, int rc)
{
    if (!block_busy(&u->req))
        return;
    block_cancel(&u->req);
    io_ended(&u->req, rc);
}

void ide_unit_cancel(struct ide_unit *u)
{
    block_cancel(&u->req);
    u->reset_waits = false;
}

/* SET FEATURES 03h: the transfer mode in the count register (ATA/ATAPI-6, table 42). */
static bool set_transfer_mode(struct ide_unit *u)
{
    unsigned type = u->s.count[0] >> 3, mode = u->s.count[0] & 7;

    switch (type) {
    case 0: return mode <= 1; /* PIO default, with or without IORDY */
    case 1: return mode <= 4; /* PIO with flow control; nothing here depends on its timing */
    case 4:
        if (mode > 2)
            return false;
        u->s.mwdma = (uint8_t)(1u << mode);
        u->s.udma = 0;
        return true;
    case 8:
        if (mode > u->ops->max_udma)
            return false;
        u->s.udma = (uint8_t)(1u << mode);
        u->s.mwdma = 0;
        return true;
    default: return false;
    }
}

bool ide_unit_set_features(struct ide_unit *u)
{
    bool ok = true;

    switch (u->s.feature[0]) {
    case 0x03: ok = set_transfer_mode(u); break;
    case 0x66: u->s.keep_settings = true; break;
    case 0xcc: u->s.keep_settings = false; break;
    default: return false;
    }
    if (ok)
        ide_unit_done(u);
    else
        ide_unit_abort(u);
    return true;
}

/* ATA/ATAPI-6, table 41. */
static int64_t standby_period(uint8_t v)
{
    const int64_t minute = 60 * NS_PER_SEC;

    if (v <= 240)
        return v * 5 * NS_PER_SEC;
    if (v <= 251)
        return (v - 240) * 30 * minute;
    switch (v) {
    case 252: return 21 * minute;
    case 255: return 21 * minute + 15 * NS_PER_SEC;
    default: return 8 * 60 * minute;
    }
}

void ide_unit_accessed(struct ide_unit *u)
{
    u->s.power = IDE_POWER_ACTIVE;
    u->s.last_access = clock_now(u->clock);
}

static void standby_flushed(struct ide_unit *u, int rc)
{
    if (rc)
        ide_unit_fail(u, IDE_DF, IDE_ERR_ABRT);
    else
        ide_unit_done(u);
}

/* What is written must be safe before the motor stops: the host may cut the power next. */
static void spin_down(struct ide_unit *u, enum ide_power to)
{
    u->s.power = (uint8_t)to;
    if (u->kind == IDE_KIND_DISK)
        ide_unit_io(u, IDE_IO_FLUSH, 0, 0, standby_flushed);
    else
        ide_unit_done(u);
}

static void check_power(struct ide_unit *u)
{
    struct ide_unit_state *s = &u->s;

    if (s->standby_after && clock_now(u->clock) - s->last_access >= s->standby_after)
        s->power = IDE_POWER_STANDBY;
    s->count[0] = s->power == IDE_POWER_STANDBY ? 0x00 : 0xff;
    ide_unit_done(u);
}

bool ide_unit_power_command(struct ide_unit *u)
{
    switch (u->s.command) {
    case 0x94: /* the codes of ATA-1 to -3 */
    case 0xe0: spin_down(u, IDE_POWER_STANDBY); return true;
    case 0x96:
    case 0xe2:
        u->s.standby_after = standby_period(u->s.count[0]);
        spin_down(u, IDE_POWER_STANDBY);
        return true;
    case 0x97:
    case 0xe3:
        u->s.standby_after = standby_period(u->s.count[0]);
        /* fall through */
    case 0x95:
    case 0xe1:
        ide_unit_accessed(u);
        ide_unit_done(u);
        return true;
    case 0x98:
    case 0xe5: check_power(u); return true;
    case 0x99:
    case 0xe6: spin_down(u, IDE_POWER_SLEEP); return true;
    default: return false;
    }
}

void ide_unit_string(uint8_t *p, unsigned len, const char *s)
{
    for (unsigned k = 0; k < len; k++)
        p[k ^ 1] = (uint8_t)(*s ? *s++ : ' ');
}

void ide_unit_identify_modes(const struct ide_unit *u, uint8_t *id)
{
    ide_put_word(id, 53, 0x0007); /* words 54-58, 64-70 and 88 are valid */
    ide_put_word(id, 63, 0x0007u | (unsigned)u->s.mwdma << 8);
    ide_put_word(id, 64, 0x0003); /* PIO modes 3 and 4 */
    for (unsigned w = 65; w <= 68; w++)
        ide_put_word(id, w, 120); /* ns a cycle */
    ide_put_word(id, 88, ((2u << u->ops->max_udma) - 1) | (unsigned)u->s.udma << 8);
    /* reset result: passed, jumpered by position, 80-conductor cable seen */
    if (!u->sata)
        ide_put_word(id, 93, u->index ? 0x6300 : 0x6003);
}

void ide_checksum(uint8_t *block)
{
    uint8_t sum = 0;

    for (unsigned k = 0; k < 511; k++)
        sum = (uint8_t)(sum + block[k]);
    block[511] = (uint8_t)-sum;
}
