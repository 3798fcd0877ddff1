/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PACKET protocol, as the command set (ide_cd*.c) sees it. */
#ifndef DEVICES_STORAGE_IDE_ATAPI_H
#define DEVICES_STORAGE_IDE_ATAPI_H

#include "devices/storage/ide_unit.h"

extern const struct ide_unit_ops ide_cd_ops;

/* Sense keys. */
enum {
    SENSE_NONE = 0,
    SENSE_NOT_READY = 2,
    SENSE_MEDIUM_ERROR = 3,
    SENSE_ILLEGAL_REQUEST = 5,
    SENSE_UNIT_ATTENTION = 6,
};

/* Additional sense codes (asc << 8 | ascq). */
enum {
    ASC_UNRECOVERED_READ = 0x1100,
    ASC_PARAMETER_LENGTH = 0x1a00,
    ASC_INVALID_OPCODE = 0x2000,
    ASC_OUT_OF_RANGE = 0x2100,
    ASC_INVALID_FIELD = 0x2400,
    ASC_INVALID_PARAMETER = 0x2600,
    ASC_MEDIUM_CHANGED = 0x2800,
    ASC_RESET = 0x2900,
    ASC_SEQUENCE = 0x2c00,
    ASC_INCOMPATIBLE_MEDIUM = 0x3002,
    ASC_SAVING_UNSUPPORTED = 0x3900,
    ASC_NO_MEDIUM_CLOSED = 0x3a01,
    ASC_NO_MEDIUM_OPEN = 0x3a02,
    ASC_REMOVAL_PREVENTED = 0x5302,
    ASC_ILLEGAL_MODE = 0x6400,
};

/* End the packet command well, or with CHECK CONDITION and this sense. */
void ide_atapi_ok(struct ide_unit *u);
void ide_atapi_check(struct ide_unit *u, uint8_t key, unsigned asc);

/* Sends the first `len` bytes of buf, at most `allocation` (the command's own limit), and ends the
 * command. */
void ide_atapi_reply(struct ide_unit *u, uint32_t len, uint32_t allocation);

/* Sends `len` bytes of buf (1..IDE_BUF_SIZE); when they are gone ide_cd_continue is called. */
void ide_atapi_send(struct ide_unit *u, uint32_t len);

/* Waits for `len` bytes from the host (1..IDE_BUF_SIZE); then ide_cd_received is called. */
void ide_atapi_receive(struct ide_unit *u, uint32_t len);

#endif
