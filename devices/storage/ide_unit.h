/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One ATA device on a cable, disk or CD drive: its task file, the buffer that data passes through,
 * and the steps every command is made of. The channel (ide_channel.c) owns it, moves bytes between
 * the buffer and the host, and calls the operations of its kind (ide_disk.c, ide_atapi.c).
 *
 * A data transfer is a chain of DRQ blocks in `buf`. The kind offers one (ide_unit_offer, _accept)
 * and returns; once the host or the bus master has moved s.pos up to s.end, block_done is called,
 * and the kind offers the next one or ends the command. PIO and DMA differ only in who moves the
 * bytes, in the size of the blocks, and in the interrupt that PIO raises for each.
 *
 * Everything is called with the device lock held.
 */
#ifndef DEVICES_STORAGE_IDE_UNIT_H
#define DEVICES_STORAGE_IDE_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#include "backends/block.h"
#include "base/clock.h"
#include "devices/storage/ide_regs.h"

#define IDE_SECTOR   512u
#define IDE_BUF_SIZE 65536u

struct ide_channel;
struct ide_unit;

/* What a unit hangs on: an IDE channel or a port of an AHCI controller. */
struct ide_host {
    /* s.irq, or with the end of a reset more than that, has changed. */
    void (*irq)(struct ide_unit *u);
    /* A data block is ready to be moved, in s.phase. */
    void (*data)(struct ide_unit *u);
};

enum ide_kind { IDE_KIND_NONE, IDE_KIND_DISK, IDE_KIND_CD };
enum ide_phase { IDE_PHASE_IDLE, IDE_PHASE_CDB, IDE_PHASE_IN, IDE_PHASE_OUT };
enum ide_power { IDE_POWER_ACTIVE, IDE_POWER_STANDBY, IDE_POWER_SLEEP };
enum ide_reset { IDE_RESET_HARD, IDE_RESET_SOFT };
enum ide_io_op { IDE_IO_READ, IDE_IO_WRITE, IDE_IO_VERIFY, IDE_IO_FLUSH, IDE_IO_DISCARD };

struct ide_unit_ops {
    /* s.command was written; s.status is BSY, the interrupt and the error register are clear. */
    void (*command)(struct ide_unit *u);
    /* The block of s.phase has been moved whole. */
    void (*block_done)(struct ide_unit *u);
    /* After a reset: the kind's own state. A hard one finds all state zeroed. */
    void (*reset)(struct ide_unit *u, enum ide_reset how);
    /* Whether the kind's restored state is one that it could have reached. */
    bool (*valid)(const struct ide_unit *u);
    uint8_t signature_mid, signature_high; /* ATA/ATAPI-6, 9.12 */
    uint8_t reset_status;
    uint8_t max_udma; /* fastest Ultra DMA mode */
};

/* State common to both kinds. Plain data: saved and cleared as a whole. */
struct ide_unit_state {
    /* [0] holds the byte written last, [1] the one before it (ATA/ATAPI-6, 6.20: 48-bit addresses)
     */
    uint8_t feature[2], count[2], low[2], mid[2], high[2];
    uint8_t device, status, error, command;
    bool irq;              /* interrupt pending: drives INTRQ while selected and nIEN is clear */
    uint8_t phase;         /* enum ide_phase */
    bool dma;              /* the current command's data goes by DMA */
    uint32_t pos;          /* in buf: next byte to move */
    uint32_t end;          /* end of the DRQ block; pos < end in every phase but IDLE */
    uint32_t len;          /* valid bytes; packet commands cut them into several blocks */
    uint8_t mwdma, udma;   /* bit of the selected mode, 0: none */
    bool keep_settings;    /* SET FEATURES 66h: a soft reset leaves features alone */
    uint8_t power;         /* enum ide_power */
    int64_t standby_after; /* ns without an access until standby; 0: never */
    int64_t last_access;   /* ns */
};

struct ide_disk_state {
    uint16_t cylinders, heads, spt; /* current CHS translation */
    uint8_t multiple;               /* sectors a block of READ/WRITE MULTIPLE; 0: not set */
    bool write_cache, look_ahead, smart, smart_autosave;
    /* the command under way */
    uint64_t lba;
    uint32_t left;     /* sectors not yet moved between image and buf */
    uint32_t block;    /* sectors a DRQ block */
    uint8_t flags;     /* of the command table */
    bool chs;          /* the host addressed by cylinder, head and sector */
    uint32_t io_count; /* sectors of the I/O under way */
    uint32_t trim;     /* entries of DATA SET MANAGEMENT that were dealt with */
    /* What log 10h tells of the queued command that failed; all zero: of none. */
    uint8_t queue_error[14];
    bool queue_halted; /* it did: until that log is read nothing else is done */
};

struct ide_cd_state {
    uint8_t cdb[12];
    uint32_t limit; /* PIO: byte count limit */
    uint8_t key, asc, ascq;
    bool sense_info_valid;
    uint32_t sense_info;
    bool reset_attention;  /* unit attention 29h is due */
    bool locked;           /* PREVENT MEDIUM REMOVAL */
    bool out_is_mode;      /* data out belongs to MODE SELECT */
    uint8_t recovery[2];   /* mode page 01h: bytes 2 and 3 */
    uint8_t audio[8];      /* mode page 0eh: bytes 8 to 15 */
    uint32_t lba, left;    /* the read under way, in 2048-byte sectors */
    uint32_t sector_bytes; /* that reach the host */
    uint8_t raw;           /* READ CD: byte 9, the wanted parts; 0 for plain reads */
    bool one_by_one;       /* after an error: read single sectors to find the bad one */
    uint32_t io_count;
};

/* What a reset of the machine does not change about a drive. */
struct ide_cd_keep {
    bool tray_open;
    bool medium_attention;   /* unit attention 28h is due */
    bool removal_event;      /* not yet told by GET EVENT STATUS NOTIFICATION */
    bool new_medium_event;   /* nor this */
    bool eject_button_event; /* nor this */
};

struct ide_unit {
    const struct ide_host *host;
    struct ide_channel *channel; /* of an IDE channel, else NULL */
    unsigned index;              /* 0 or 1 */
    bool sata;                   /* says what a drive on a serial cable does */
    enum ide_kind kind;
    const struct ide_unit_ops *ops;
    struct vclock *clock;
    struct block *block; /* not owned; NULL: no medium (CD only) */
    uint64_t sectors;    /* of 512 bytes (disk) or 2048 bytes (CD) */
    char serial[21];
    uint64_t activity; /* transfers so far */
    uint64_t read_errors, write_errors;

    /* The I/O under way. It is not state: nothing is saved or loaded while there is one. */
    struct block_request req;
    enum ide_io_op io_op;
    uint64_t io_left; /* bytes that IDE_IO_VERIFY has yet to begin */
    void (*io_done)(struct ide_unit *u, int rc);
    /* A reset came meanwhile. The device stays busy until the I/O has ended, and is reset then. */
    bool reset_waits;
    uint8_t reset_device; /* the device register after it */
    bool diagnosing;      /* it raises an interrupt */
    bool told_error;      /* the user has been told of a host error */
    /* The tray of a CD drive was opened or closed, by whomever; NULL: nobody wants to know. */
    void (*tray_moved)(void *opaque, const struct ide_unit *u);
    void *tray_opaque;

    struct ide_unit_state s;
    struct ide_disk_state disk;
    struct ide_cd_state cd;
    struct ide_cd_keep keep;
    uint8_t buf[IDE_BUF_SIZE];
};

/* Back to the state after power-on or SRST, with the signature in the task file. The interrupt is
 * clear; the channel updates its line. A soft one may have to wait for the I/O under way, with BSY;
 * a hard one takes that back. */
void ide_unit_reset(struct ide_unit *u, enum ide_reset how);

/* Whether the restored state keeps the promises that the code relies on. */
bool ide_unit_valid(const struct ide_unit *u);

/* Puts the kind's signature and diagnostic code into the task file. */
void ide_unit_signature(struct ide_unit *u);

/* Ends the command: no error and an interrupt; the same without one; with an error. `status` are
 * bits beside DRDY, DSC and ERR. */
void ide_unit_done(struct ide_unit *u);
void ide_unit_done_quietly(struct ide_unit *u);
void ide_unit_fail(struct ide_unit *u, uint8_t status, uint8_t error);
void ide_unit_abort(struct ide_unit *u);

/* Raises the interrupt. */
void ide_unit_interrupt(struct ide_unit *u);

/* The DRQ block buf[pos, end) is to be read or written by the host; 0 <= pos < end <= IDE_BUF_SIZE.
 * `interrupt` says whether PIO raises one for it (DMA never does). */
void ide_unit_offer(struct ide_unit *u, uint32_t pos, uint32_t end, bool interrupt);
void ide_unit_accept(struct ide_unit *u, uint32_t pos, uint32_t end, bool interrupt);

/* n bytes of the block were moved (n <= end - pos). */
void ide_unit_advance(struct ide_unit *u, uint32_t n);

/* Starts an I/O between buf (from its start) and the image: `off` and `len` in bytes, len <=
 * IDE_BUF_SIZE but for IDE_IO_VERIFY, whose data goes nowhere and may use all of buf, and for
 * IDE_IO_DISCARD. `done` gets 0
 * or -errno; BSY is up until then. A NULL block reports -ENOMEDIUM, before the return. */
void ide_unit_io(struct ide_unit *u, enum ide_io_op op, uint64_t off, uint64_t len,
                 void (*done)(struct ide_unit *u, int rc));

/* The I/O under way, if there is one, ends with `rc` here and now; or without a word to anybody. */
void ide_unit_give_up(struct ide_unit *u, int rc);
void ide_unit_cancel(struct ide_unit *u);

/* Shared commands. Each is true if it has dealt with the command, one way or the other. */
bool ide_unit_set_features(struct ide_unit *u);
bool ide_unit_power_command(struct ide_unit *u);

/* A medium access: wakes the device from standby. */
void ide_unit_accessed(struct ide_unit *u);

/* An identify string: `len` (even) bytes at p, space-padded, bytes of each word swapped. */
void ide_unit_string(uint8_t *p, unsigned len, const char *s);

/* The words of both identify blocks that the transfer modes make. */
void ide_unit_identify_modes(const struct ide_unit *u, uint8_t *id);

static inline void ide_put_word(uint8_t *id, unsigned word, uint32_t v)
{
    id[2 * word] = (uint8_t)v;
    id[2 * word + 1] = (uint8_t)(v >> 8);
}

/* Makes byte 511 such that the block sums up to 0. */
void ide_checksum(uint8_t *block);

#endif
