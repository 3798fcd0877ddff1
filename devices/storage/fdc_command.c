/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floppy commands that move no data, and the table of all: 82077AA data sheet 290166, chapter 5;
 * 82078 data sheet 290475 for PART ID and POWERDOWN MODE. SCAN is not known, as to the chips after
 * the 8272.
 */
#include "devices/storage/fdc_internal.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"

#define VERSION 0x90 /* 82077 and compatible */
#define PART_ID 0x41 /* 82078 */

static void reply(struct fdc *f, uint8_t val)
{
    f->s.out[0] = val;
    f->s.n_out = 1;
    fdc_finish(f, false);
}

static void done(struct fdc *f)
{
    f->s.n_out = 0;
    fdc_finish(f, false);
}

static void cmd_invalid(struct fdc *f)
{
    log_guest("fdc: command %02x is not known", f->s.in[0]);
    reply(f, ST0_INVALID);
}

static void cmd_specify(struct fdc *f)
{
    memcpy(f->s.specify, f->s.in + 1, 2);
    done(f);
}

static void cmd_sense_drive(struct fdc *f)
{
    unsigned n = f->s.in[1] & 3;
    const struct fdc_drive *d = fdc_drive(f, n);
    uint8_t st3 = (uint8_t)(ST3_READY | ST3_TWO_SIDES | (f->s.in[1] & 7));

    if (d && !f->s.track[n])
        st3 |= ST3_TRACK0;
    if (d && d->block && block_readonly(d->block))
        st3 |= ST3_PROTECTED;
    reply(f, st3);
}

/* After a seek of either kind: no result, but an interrupt that is to be sensed. */
static void seek_ended(struct fdc *f, unsigned n, uint8_t st0)
{
    f->s.sense[n] = (uint8_t)(st0 | ST0_SEEK_END | (f->s.in[1] & 4) | n);
    f->s.n_out = 0;
    f->s.irq = true;
    fdc_finish(f, false);
}

static void cmd_recalibrate(struct fdc *f)
{
    unsigned n = f->s.in[1] & 3;
    bool there = fdc_seek(f, n, 0);

    f->s.in[1] &= 3;
    f->s.track[n] = 0;
    seek_ended(f, n, there ? 0 : ST0_ABNORMAL | ST0_CHECK);
}

static void cmd_seek(struct fdc *f)
{
    unsigned n = f->s.in[1] & 3, by = f->s.in[2];

    if (f->s.in[0] & 0x80) { /* relative: 40h inwards */
        unsigned at = f->s.track[n];

        by = f->s.in[0] & 0x40 ? at + by : at > by ? at - by : 0;
    }
    if (!fdc_seek(f, n, by))
        f->s.track[n] = (uint8_t)by;
    seek_ended(f, n, 0);
}

static void cmd_sense_interrupt(struct fdc *f)
{
    struct fdc_state *s = &f->s;
    unsigned n = 4;

    s->irq = false;
    if (s->reset_senses) {
        n = 4u - s->reset_senses--;
        s->out[0] = (uint8_t)(ST0_READY_CHANGED | n);
    } else {
        for (n = 0; n < 4 && !s->sense[n];)
            n++;
        if (n == 4) {
            reply(f, ST0_INVALID);
            return;
        }
        s->out[0] = s->sense[n];
        s->sense[n] = 0;
    }
    s->out[1] = s->track[n];
    s->n_out = 2;
    fdc_finish(f, false);
}

static void cmd_dump(struct fdc *f)
{
    const struct fdc_state *s = &f->s;
    const uint8_t all[] = {
        s->track[0],   s->track[1],
        s->track[2],   s->track[3],
        s->specify[0], s->specify[1],
        s->last_eot,   (uint8_t)((s->locked ? 0x80 : 0) | (s->perpendicular & 0x3f)),
        s->config,     s->pretrack};

    memcpy(f->s.out, all, sizeof(all));
    f->s.n_out = sizeof(all);
    fdc_finish(f, false);
}

static void cmd_version(struct fdc *f)
{
    reply(f, VERSION);
}

static void cmd_part_id(struct fdc *f)
{
    reply(f, PART_ID);
}

static void cmd_power(struct fdc *f)
{
    reply(f, f->s.in[1]);
}

/* OW, 80h, lets the bits of the drives in; the others are always written (5.2.8). */
static void cmd_perpendicular(struct fdc *f)
{
    uint8_t val = f->s.in[1], mask = val & 0x80 ? 0x3f : 0x03;

    f->s.perpendicular = (uint8_t)((f->s.perpendicular & ~mask) | (val & mask));
    done(f);
}

static void cmd_configure(struct fdc *f)
{
    f->s.config = f->s.in[2] & 0x7f;
    f->s.pretrack = f->s.in[3];
    done(f);
}

static void cmd_lock(struct fdc *f)
{
    f->s.locked = f->s.in[0] & 0x80;
    reply(f, f->s.locked ? 0x10 : 0);
}

/* `mask` are the bits of the first byte that tell the command. */
static const struct {
    uint8_t mask, code, length;
    void (*run)(struct fdc *f);
} commands[] = {
    {0x9f, 0x02, 9, fdc_read_write}, /* READ TRACK */
    {0xff, 0x03, 3, cmd_specify},       {0xff, 0x04, 2, cmd_sense_drive},
    {0x3f, 0x05, 9, fdc_read_write}, /* WRITE DATA */
    {0x1f, 0x06, 9, fdc_read_write}, /* READ DATA */
    {0xff, 0x07, 2, cmd_recalibrate},   {0xff, 0x08, 1, cmd_sense_interrupt},
    {0x3f, 0x09, 9, fdc_read_write},                                     /* WRITE DELETED DATA */
    {0xbf, 0x0a, 2, fdc_read_id},       {0x1f, 0x0c, 9, fdc_read_write}, /* READ DELETED DATA */
    {0xbf, 0x0d, 6, fdc_format_track},  {0xff, 0x0e, 1, cmd_dump},
    {0xbf, 0x0f, 3, cmd_seek}, /* also with 40h, which has no meaning then */
    {0xbf, 0x8f, 3, cmd_seek},          {0xff, 0x10, 1, cmd_version},
    {0xff, 0x12, 2, cmd_perpendicular}, {0xff, 0x13, 4, cmd_configure},
    {0x7f, 0x14, 1, cmd_lock},          {0x1f, 0x16, 9, fdc_read_write}, /* VERIFY */
    {0xff, 0x17, 2, cmd_power},         {0xff, 0x18, 1, cmd_part_id},
};

static int find(uint8_t first)
{
    for (unsigned k = 0; k < ARRAY_SIZE(commands); k++)
        if ((first & commands[k].mask) == commands[k].code)
            return (int)k;
    return -1;
}

unsigned fdc_command_length(uint8_t first)
{
    int k = find(first);

    return k < 0 ? 1 : commands[k].length;
}

void fdc_command_run(struct fdc *f)
{
    int k = find(f->s.in[0]);

    if (k < 0)
        cmd_invalid(f);
    else
        commands[k].run(f);
}
