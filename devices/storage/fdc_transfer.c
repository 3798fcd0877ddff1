/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floppy commands that find, read, write and make sectors: 82077AA data sheet 290166, chapters 5.1
 * (data transfer commands) and 6 (status). An image knows neither deleted marks nor sectors of
 * other sizes or numbers than its format: writes lose the mark, and such sectors are not found.
 */
#include "devices/storage/fdc_internal.h"

#include <string.h>

#include "base/log.h"

enum { READ_TRACK = 0x02, WRITE_DELETED = 0x09, READ_DELETED = 0x0c, VERIFY = 0x16, WRITE = 0x05 };

static void next_sector(struct fdc *f);

static void put_result(struct fdc *f, uint8_t st0)
{
    struct fdc_state *s = &f->s;
    const uint8_t all[] = {
        (uint8_t)(st0 | s->head << 2 | s->drive), s->st1, s->st2, s->c, s->h, s->r, s->n};

    memcpy(s->out, all, sizeof(all));
    s->n_out = sizeof(all);
    s->op = FDC_NONE;
    s->host = false;
    dma8237_dreq(f->cfg.dma, f->cfg.channel, false);
    fdc_finish(f, true);
}

static void fail(struct fdc *f, uint8_t st1, uint8_t st2)
{
    f->s.st1 |= st1;
    f->s.st2 |= st2;
    put_result(f, ST0_ABNORMAL);
}

/* ---- the host's part ---- */

static void want_host(struct fdc *f, unsigned len)
{
    f->s.pos = 0;
    f->s.len = (uint16_t)len;
    f->s.host = true;
    if (fdc_by_dma(f)) {
        fdc_run_dma(f);
    } else {
        f->s.irq = true;
        fdc_update_irq(f);
    }
}

void fdc_run_dma(struct fdc *f)
{
    struct fdc_state *s = &f->s;

    if (f->moving || !s->host || !fdc_by_dma(f) || !(s->dor & DOR_DMA))
        return;
    f->moving = true;
    dma8237_dreq(f->cfg.dma, f->cfg.channel, true);
    while (s->host) {
        bool tc = false;
        size_t n = dma8237_transfer(f->cfg.dma, f->cfg.channel,
                                    fdc_to_host(f) ? DMA8237_TO_MEMORY : DMA8237_FROM_MEMORY,
                                    s->buf + s->pos, (size_t)(s->len - s->pos), &tc);

        s->pos = (uint16_t)(s->pos + n);
        s->tc |= tc;
        if (!s->tc && s->pos < s->len)
            break;
        fdc_host_done(f);
    }
    dma8237_dreq(f->cfg.dma, f->cfg.channel, s->host);
    f->moving = false;
}

/* ---- sectors ---- */

/* The id behind the last one (5.1.7, table 5-7). */
static void advance(struct fdc *f)
{
    struct fdc_state *s = &f->s;

    if (s->r != s->eot) {
        s->r++;
        return;
    }
    s->r = 1;
    if (s->multi) {
        s->head ^= 1;
        s->h ^= 1;
    }
    if (!s->multi || !s->head)
        s->c++;
}

/* A sector is through: the end of all, or on to the next. */
static void sector_done(struct fdc *f)
{
    struct fdc_state *s = &f->s;
    bool last = s->r == s->eot && !(s->multi && !s->head);
    bool counted = s->op == FDC_VERIFY && s->left && !--s->left;

    if (s->tc || counted || s->once || (s->op == FDC_VERIFY && last)) {
        uint8_t head = s->head;

        advance(f);
        s->head = head; /* as it was, in the status */
        put_result(f, 0);
    } else if (last) {
        advance(f);
        fail(f, ST1_END, 0);
    } else {
        advance(f);
        next_sector(f);
    }
}

static void sector_read(struct fdc *f, int rc)
{
    if (rc)
        fail(f, ST1_DATA, ST2_DATA);
    else if (f->s.op == FDC_VERIFY)
        sector_done(f);
    else
        want_host(f, FDC_SECTOR);
}

static void sector_written(struct fdc *f, int rc)
{
    if (rc)
        fail(f, ST1_DATA, ST2_DATA);
    else
        sector_done(f);
}

/* Is the sector that is wanted under the heads? If not, the command has ended. */
static bool find(struct fdc *f)
{
    struct fdc_state *s = &f->s;
    const struct fdc_drive *d = fdc_drive(f, s->drive);

    if (!fdc_readable(f, d, s->head)) {
        fail(f, ST1_NO_MARK, 0);
        return false;
    }
    if (s->c != s->track[s->drive]) {
        fail(f, ST1_NO_DATA, ST2_CYLINDER);
        return false;
    }
    if (s->h != s->head || s->n != FDC_SIZE_512 || !s->r || s->r > d->format->spt) {
        fail(f, ST1_NO_DATA, 0);
        return false;
    }
    return true;
}

static void next_sector(struct fdc *f)
{
    if (!find(f))
        return;
    if (f->s.op == FDC_WRITE)
        want_host(f, FDC_SECTOR);
    else
        fdc_io(f, false, f->s.r, sector_read);
}

static bool begin(struct fdc *f, enum fdc_op op)
{
    struct fdc_state *s = &f->s;
    const struct fdc_drive *d;

    s->op = (uint8_t)op;
    s->drive = s->in[1] & 3;
    s->head = s->in[1] >> 2 & 1;
    s->st1 = s->st2 = 0;
    s->tc = s->host = s->once = s->multi = false;
    s->left = 0;
    s->phase = FDC_EXECUTION;
    d = fdc_drive(f, s->drive);
    if ((op != FDC_WRITE && op != FDC_FORMAT) || !d || !d->block || !block_readonly(d->block))
        return true;
    fail(f, ST1_PROTECTED, 0);
    return false;
}

void fdc_read_write(struct fdc *f)
{
    struct fdc_state *s = &f->s;
    uint8_t code = s->in[0] & 0x1f;
    bool write = code == WRITE || code == WRITE_DELETED;

    s->c = s->in[2];
    s->h = s->in[3];
    s->r = s->in[4];
    s->n = s->in[5];
    s->eot = s->last_eot = s->in[6];
    if (!begin(f, write ? FDC_WRITE : code == VERIFY ? FDC_VERIFY : FDC_READ))
        return;
    s->multi = s->in[0] & 0x80 && code != READ_TRACK;
    if (code == READ_TRACK)
        s->r = 1;
    if (code == VERIFY && (s->in[1] & 0x80))
        s->left = s->in[8];
    if ((s->config & CONFIG_IMPLIED_SEEK) && code != READ_TRACK)
        fdc_seek(f, s->drive, s->c);
    if (code == READ_DELETED) {
        if (s->in[0] & 0x20) { /* all of them are skipped */
            s->r = s->eot;
            advance(f);
            fail(f, ST1_END, ST2_DELETED);
            return;
        }
        s->once = true;
        s->st2 = ST2_DELETED;
    }
    next_sector(f);
}

void fdc_read_id(struct fdc *f)
{
    struct fdc_state *s = &f->s;
    const struct fdc_drive *d;

    if (!begin(f, FDC_NONE))
        return;
    d = fdc_drive(f, s->drive);
    s->c = s->track[s->drive];
    s->h = s->head;
    s->n = FDC_SIZE_512;
    if (!fdc_readable(f, d, s->head)) {
        s->r = 1;
        fail(f, ST1_NO_MARK, 0);
        return;
    }
    s->id_sector = (uint8_t)(s->id_sector % d->format->spt + 1); /* it turns */
    s->r = s->id_sector;
    put_result(f, 0);
}

/* ---- FORMAT TRACK ---- */

static void format_next(struct fdc *f);

static void format_written(struct fdc *f, int rc)
{
    if (rc)
        fail(f, ST1_DATA, ST2_DATA);
    else
        format_next(f);
}

/* The ids have all been checked: each sector of the track is written once. */
static void format_next(struct fdc *f)
{
    struct fdc_state *s = &f->s;

    if (!fdc_readable(f, fdc_drive(f, s->drive), s->head)) {
        fail(f, ST1_NO_MARK, 0);
    } else if (s->r == s->eot) {
        put_result(f, 0);
    } else {
        s->r++;
        memset(s->buf, s->in[5], FDC_SECTOR);
        fdc_io(f, true, s->r, format_written);
    }
}

/* Only the format that the medium has: others cannot be kept. */
static bool same_ids(const struct fdc *f, unsigned spt)
{
    const struct fdc_state *s = &f->s;
    uint64_t seen = 0;

    for (unsigned k = 0; k < spt; k++) {
        const uint8_t *id = s->buf + 4 * k;

        if (id[0] != s->track[s->drive] || id[1] != s->head || id[3] != FDC_SIZE_512 || !id[2] ||
            id[2] > spt)
            return false;
        seen |= UINT64_C(1) << id[2];
    }
    return seen == ((UINT64_C(1) << spt) - 1) << 1;
}

static void format_ids(struct fdc *f)
{
    struct fdc_state *s = &f->s;
    const struct fdc_drive *d = fdc_drive(f, s->drive);

    if (!fdc_readable(f, d, s->head) || s->eot != d->format->spt || s->pos < s->len ||
        !same_ids(f, d->format->spt)) {
        log_guest("fdc: FORMAT TRACK in another format than the medium's");
        fail(f, ST1_DATA, 0);
        return;
    }
    s->r = 0;
    format_next(f);
}

void fdc_format_track(struct fdc *f)
{
    struct fdc_state *s = &f->s;
    const struct fdc_drive *d;

    s->c = s->track[s->in[1] & 3];
    s->h = s->in[1] >> 2 & 1;
    s->n = s->in[2];
    s->eot = s->last_eot = s->in[3];
    s->r = 0;
    if (!begin(f, FDC_FORMAT))
        return;
    d = fdc_drive(f, s->drive);
    if (!fdc_readable(f, d, s->head))
        fail(f, ST1_NO_MARK, 0);
    else if (!s->eot)
        put_result(f, 0);
    else
        want_host(f, s->eot * 4u);
}

void fdc_host_done(struct fdc *f)
{
    struct fdc_state *s = &f->s;

    s->host = false;
    if (!fdc_by_dma(f)) {
        s->irq = false;
        fdc_update_irq(f);
    }
    if (s->op == FDC_FORMAT) {
        format_ids(f);
    } else if (s->op == FDC_READ) {
        sector_done(f);
    } else if (find(f)) { /* the medium may be another by now */
        memset(s->buf + s->pos, 0, FDC_SECTOR - s->pos);
        fdc_io(f, true, s->r, sector_written);
    }
}
