/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SCSI disk behind any transport: commands in, data through one buffer, a status out. SPC-3,
 * SBC-2.
 *
 * The transport gives a command and then follows `s.phase`: while it is SCSI_IN the bytes
 * buf[s.pos, s.end) are for the host, with SCSI_OUT as many are wanted from it, and it says
 * scsi_disk_moved; with SCSI_BUSY it waits, and `changed` tells of the end; SCSI_STATUS has the
 * status in s.status, and the next command may come.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_STORAGE_SCSI_DISK_H
#define DEVICES_STORAGE_SCSI_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "backends/block.h"

#define SCSI_BLOCK    512u
#define SCSI_BUF_SIZE 65536u

enum scsi_phase { SCSI_STATUS, SCSI_BUSY, SCSI_IN, SCSI_OUT };
enum { SCSI_GOOD = 0, SCSI_CHECK_CONDITION = 2 };

struct scsi_disk_state {
    uint8_t phase; /* enum scsi_phase */
    uint8_t status;
    uint8_t op;     /* the command under way */
    bool to_host;   /* its data's direction, and … */
    uint64_t total; /* … how much there is to be moved in all */
    uint32_t pos, end;
    uint64_t lba;
    uint32_t left;  /* blocks not yet moved between image and buf, and … */
    uint32_t count; /* … those of the I/O under way, or in buf */
    bool fua;
    uint8_t key, asc, ascq; /* what REQUEST SENSE says */
    bool attention;         /* of a reset the host is told first of all */
};

struct scsi_disk {
    struct block *block; /* not owned */
    const char *serial;
    bool removable;
    void (*changed)(void *opaque);
    void *opaque;
    struct block_request req; /* not state: nothing is saved while it is under way */
    bool told_error;
    struct scsi_disk_state s;
    uint8_t buf[SCSI_BUF_SIZE];
};

/* A command for a unit (0 is the disk, others do not exist). What was under way is given up. */
void scsi_disk_command(struct scsi_disk *d, unsigned lun, const uint8_t *cdb, unsigned len);

/* n <= s.end - s.pos bytes were taken from buf, or put there. */
void scsi_disk_moved(struct scsi_disk *d, uint32_t n);

/* Gives up what is under way. */
void scsi_disk_abort(struct scsi_disk *d);

/* After power-on or a reset; of the machine's (s was cleared) or the transport's. */
void scsi_disk_reset(struct scsi_disk *d);

/* After s was restored: what makes no sense, or waited for the host's disk, becomes a reset. */
void scsi_disk_post_load(struct scsi_disk *d);

#endif
