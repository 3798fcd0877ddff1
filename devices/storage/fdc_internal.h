/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the floppy controller: fdc.c has the registers and phases, fdc_command.c the
 * commands, fdc_transfer.c those that move sectors, fdc_drive.c the drives and their media. */
#ifndef DEVICES_STORAGE_FDC_INTERNAL_H
#define DEVICES_STORAGE_FDC_INTERNAL_H

#include "devices/storage/fdc.h"

#define FDC_SECTOR   512u
#define FDC_SIZE_512 2u    /* as sector ids have it */
#define FDC_BUF      1024u /* a sector, or the ids of 255 */

enum fdc_phase { FDC_COMMAND, FDC_EXECUTION, FDC_RESULT };

/* What is done in the execution phase. */
enum fdc_op { FDC_NONE, FDC_READ, FDC_WRITE, FDC_FORMAT, FDC_VERIFY };

enum {
    DOR_DRIVE = 0x03,
    DOR_NOT_RESET = 0x04,
    DOR_DMA = 0x08, /* interrupt and DMA request reach the bus */
    DOR_MOTOR = 0x10,

    ST0_ABNORMAL = 0x40,
    ST0_INVALID = 0x80,
    ST0_READY_CHANGED = 0xc0,
    ST0_SEEK_END = 0x20,
    ST0_CHECK = 0x10, /* no track 0 */
    ST1_END = 0x80,   /* of cylinder */
    ST1_DATA = 0x20,  /* error */
    ST1_NO_DATA = 0x04,
    ST1_PROTECTED = 0x02,
    ST1_NO_MARK = 0x01,
    ST2_DELETED = 0x40, /* a mark of the other kind */
    ST2_DATA = 0x20,
    ST2_CYLINDER = 0x10, /* another one */
    ST3_PROTECTED = 0x40,
    ST3_READY = 0x20,
    ST3_TRACK0 = 0x10,
    ST3_TWO_SIDES = 0x08,

    CONFIG_IMPLIED_SEEK = 0x40,
    CONFIG_NO_FIFO = 0x20,
};

struct fdc_state {
    uint8_t dor, tdr, rate;
    uint8_t phase;
    bool irq;
    uint8_t in[16], n_in, needs; /* of the command */
    uint8_t out[16], n_out, at_out;
    uint8_t specify[2], config, pretrack, perpendicular;
    bool locked;
    uint8_t last_eot;
    uint8_t reset_senses; /* that are still due after a reset */
    uint8_t sense[4];     /* ST0 after a seek; 0: none */
    uint8_t track[4];     /* the controller's count */
    uint8_t id_sector;    /* that passed last, for READ ID */

    /* execution */
    uint8_t op;
    bool host;  /* it waits for the host to move data */
    bool tc;    /* the DMA controller said that it is enough */
    bool multi; /* both sides */
    bool once;  /* READ DELETED DATA: one sector, then stop */
    uint8_t drive, head, c, h, r, n, eot, left;
    uint8_t st1, st2;
    uint16_t pos, len;
    uint8_t buf[FDC_BUF];
};

struct fdc_format {
    uint16_t sectors; /* of 512 bytes, in all */
    uint8_t cylinders, heads, spt;
    uint8_t rates; /* bit n: it is read at data rate n */
    enum fdc_drive_type drive;
};

struct fdc_drive {
    enum fdc_drive_type type;
    struct block *block;
    const struct fdc_format *format; /* of the medium; NULL: none */
};

struct fdc {
    struct device dev;
    struct fdc_config cfg;
    struct bus_region ports, dir;
    struct fdc_state s;
    bool changed[FDC_DRIVES]; /* state; the drives' disk change lines */
    struct fdc_drive drive[FDC_DRIVES];
    bool moving; /* data is being moved by DMA */

    /* The I/O under way. It is not state: nothing is saved or loaded while there is one. */
    struct block_request req;
    bool busy;
    void (*io_done)(struct fdc *f, int rc);
};

/* ---- fdc.c ---- */

void fdc_update_irq(struct fdc *f);

/* Into the result phase with what is in s.out, or, with nothing, to the next command. */
void fdc_finish(struct fdc *f, bool interrupt);

/* ---- fdc_command.c ---- */

/* How many bytes the command that begins with this one has. */
unsigned fdc_command_length(uint8_t first);
void fdc_command_run(struct fdc *f);

/* ---- fdc_transfer.c ---- */

void fdc_read_write(struct fdc *f);
void fdc_format_track(struct fdc *f);
void fdc_read_id(struct fdc *f);

/* The host's part of a transfer: all of s.buf that it wanted, or up to terminal count, has been
 * moved. */
void fdc_host_done(struct fdc *f);

/* Moves what the DMA controller will. */
void fdc_run_dma(struct fdc *f);

static inline bool fdc_by_dma(const struct fdc *f)
{
    return !(f->s.specify[1] & 1);
}

static inline bool fdc_to_host(const struct fdc *f)
{
    return f->s.op == FDC_READ;
}

/* ---- fdc_drive.c ---- */

/* The selected drive; NULL when there is none. */
struct fdc_drive *fdc_drive(struct fdc *f, unsigned n);

/* Moves the heads; false when the drive is not there. */
bool fdc_seek(struct fdc *f, unsigned n, unsigned cylinder);

/* Can a medium be read there at the current data rate? */
bool fdc_readable(const struct fdc *f, const struct fdc_drive *d, unsigned head);

/* The line of drive n. */
bool fdc_disk_changed(const struct fdc *f, unsigned n);

/* Reads or writes sector r (1 …) of the track under the heads, between s.buf and the medium; the
 * sector is one of the format. `done` gets 0 or -errno, never before the return. */
void fdc_io(struct fdc *f, bool write, unsigned r, void (*done)(struct fdc *f, int rc));
void fdc_io_cancel(struct fdc *f);

#endif
