/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floppy drives and media. An image holds the sectors of all tracks, side 0 before side 1; its size
 * tells the format: those of IBM's PC, AT and PS/2, of DOS 1, and Microsoft's 1680K. The disk
 * change line is set by another medium and cleared by a step with one in the drive (82077AA data
 * sheet 290166, 2.1.9; as drives of 3.5 inches have it).
 */
#include "devices/storage/fdc_internal.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"

enum { RATE_500 = 1 << 0, RATE_300 = 1 << 1, RATE_250 = 1 << 2, RATE_1000 = 1 << 3 };

/* By size. A drive for 1.2M turns faster, and reads 360K at 300 kb/s. */
static const struct fdc_format formats[] = {
    {320, 40, 1, 8, RATE_250 | RATE_300, FDC_360K}, {360, 40, 1, 9, RATE_250 | RATE_300, FDC_360K},
    {640, 40, 2, 8, RATE_250 | RATE_300, FDC_360K}, {720, 40, 2, 9, RATE_250 | RATE_300, FDC_360K},
    {1440, 80, 2, 9, RATE_250, FDC_720K},           {2400, 80, 2, 15, RATE_500, FDC_1200K},
    {2880, 80, 2, 18, RATE_500, FDC_1440K},         {3360, 80, 2, 21, RATE_500, FDC_1440K},
    {5760, 80, 2, 36, RATE_1000, FDC_2880K},
};

#define LAST_CYLINDER 83 /* where heads stop */

static const struct fdc_format *format_of(const struct block *b)
{
    uint64_t sectors = (block_size(b) + FDC_SECTOR - 1) / FDC_SECTOR;

    for (unsigned k = 0; sectors && k < ARRAY_SIZE(formats); k++)
        if (sectors <= formats[k].sectors)
            return &formats[k];
    return NULL;
}

/* Does a drive read media of another's format? */
static bool reads(enum fdc_drive_type drive, enum fdc_drive_type medium)
{
    bool large = medium == FDC_360K || medium == FDC_1200K;

    if (drive == FDC_360K || drive == FDC_1200K)
        return large && medium <= drive;
    return !large && medium <= drive;
}

struct fdc_drive *fdc_drive(struct fdc *f, unsigned n)
{
    return n < FDC_DRIVES && f->drive[n].type != FDC_NO_DRIVE ? &f->drive[n] : NULL;
}

enum fdc_drive_type fdc_drive_type(const struct fdc *f, unsigned drive)
{
    return drive < FDC_DRIVES ? f->drive[drive].type : FDC_NO_DRIVE;
}

struct block *fdc_block(const struct fdc *f, unsigned drive)
{
    return drive < FDC_DRIVES ? f->drive[drive].block : NULL;
}

bool fdc_attach(struct fdc *f, unsigned drive, struct block *block, GError **err)
{
    struct fdc_drive *d = &f->drive[drive];
    const struct fdc_format *format = block ? format_of(block) : NULL;

    invariant(drive < FDC_DRIVES && d->type == FDC_NO_DRIVE);
    if (block && !format) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "'%s' is no floppy image: it has %" G_GUINT64_FORMAT " bytes, and not up to "
                    "2.88M",
                    block_name(block), block_size(block));
        return false;
    }
    *d = (struct fdc_drive){format ? format->drive : FDC_1440K, block, format};
    return true;
}

bool fdc_change_medium(struct fdc *f, unsigned drive, struct block *block, struct block **old,
                       GError **err)
{
    struct fdc_drive *d = &f->drive[drive];
    const struct fdc_format *format = block ? format_of(block) : NULL;

    invariant(drive < FDC_DRIVES);
    if (block && (!format || !reads(d->type, format->drive))) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "'%s' with its %" G_GUINT64_FORMAT " bytes is no floppy for this drive",
                    block_name(block), block_size(block));
        return false;
    }
    if (d->block) {
        block_drain(d->block);
        if (f->busy && f->req.block == d->block) { /* what waited after an error */
            fdc_io_cancel(f);
            f->io_done(f, -EIO);
        }
    }
    if (old)
        *old = d->block;
    d->block = block;
    d->format = format;
    f->changed[drive] = true;
    return true;
}

bool fdc_seek(struct fdc *f, unsigned n, unsigned cylinder)
{
    struct fdc_drive *d = fdc_drive(f, n);
    uint8_t to = (uint8_t)MIN(cylinder, LAST_CYLINDER);

    if (!d)
        return false;
    if (to != f->s.track[n] && d->format)
        f->changed[n] = false;
    f->s.track[n] = to;
    return true;
}

bool fdc_disk_changed(const struct fdc *f, unsigned n)
{
    return n < FDC_DRIVES && f->drive[n].type != FDC_NO_DRIVE &&
           (!f->drive[n].format || f->changed[n]);
}

bool fdc_readable(const struct fdc *f, const struct fdc_drive *d, unsigned head)
{
    return d && d->format && head < d->format->heads && d->format->rates >> f->s.rate & 1 &&
           f->s.track[d - f->drive] < d->format->cylinders;
}

static void io_ended(struct block_request *req, int rc)
{
    struct fdc *f = container_of(req, struct fdc, req);

    f->busy = false;
    f->io_done(f, rc);
}

void fdc_io(struct fdc *f, bool write, unsigned r, void (*done)(struct fdc *f, int rc))
{
    const struct fdc_drive *d = &f->drive[f->s.drive];
    uint64_t track = (uint64_t)f->s.track[f->s.drive] * d->format->heads + f->s.head;
    uint64_t off = (track * d->format->spt + r - 1) * FDC_SECTOR, size = block_size(d->block);
    uint64_t len = off < size ? MIN(size - off, FDC_SECTOR) : 0;

    f->req.op = write ? BLOCK_WRITE : BLOCK_READ;
    f->req.off = off;
    f->req.len = FDC_SECTOR;
    f->req.buf = f->s.buf;
    f->req.done = io_ended;
    f->io_done = done;
    if (len < FDC_SECTOR) { /* a short image: what is not there reads as zeros */
        if (!write)
            memset(f->s.buf, 0, FDC_SECTOR);
        f->req.off = MIN(off, size);
        f->req.len = write ? FDC_SECTOR : len;
    }
    f->busy = true;
    block_submit(d->block, &f->req);
}

void fdc_io_cancel(struct fdc *f)
{
    block_cancel(&f->req);
    f->busy = false;
}
