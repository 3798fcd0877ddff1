/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bits of the ATA task file, as ATA/ATAPI-6 (T13 1410D) clause 7 lays them out. */
#ifndef DEVICES_STORAGE_IDE_REGS_H
#define DEVICES_STORAGE_IDE_REGS_H

/* Command block registers, by offset from 1f0h or 170h. */
enum ide_reg {
    IDE_DATA = 0,
    IDE_FEATURES = 1, /* written; Error when read */
    IDE_ERROR = 1,
    IDE_COUNT = 2,
    IDE_LBA_LOW = 3,
    IDE_LBA_MID = 4,
    IDE_LBA_HIGH = 5,
    IDE_DEVICE = 6,
    IDE_COMMAND = 7, /* written; Status when read */
    IDE_STATUS = 7,
};

/* Status. */
enum {
    IDE_BSY = 0x80,
    IDE_DRDY = 0x40,
    IDE_DF = 0x20,  /* device fault */
    IDE_DSC = 0x10, /* seek complete; SERV of packet devices */
    IDE_DRQ = 0x08,
    IDE_ERR = 0x01, /* CHK of packet devices */
};

/* Error. */
enum {
    IDE_ERR_UNC = 0x40,  /* data could not be read */
    IDE_ERR_IDNF = 0x10, /* no such address */
    IDE_ERR_ABRT = 0x04,
    IDE_DIAG_PASSED = 0x01, /* after a reset: the diagnostic code */
};

/* Device. */
enum {
    IDE_DEV_LBA = 0x40,
    IDE_DEV_DEV = 0x10,
    IDE_DEV_HEAD = 0x0f,
};

/* Device control. */
enum {
    IDE_CTL_HOB = 0x80,
    IDE_CTL_SRST = 0x04,
    IDE_CTL_NIEN = 0x02,
};

/* Interrupt reason, which is the count register of packet commands. */
enum {
    IDE_REASON_CD = 0x01, /* command (or status), not data */
    IDE_REASON_IO = 0x02, /* to the host */
};

/* Commands that more than one file speaks of. */
enum ide_command {
    ATA_NOP = 0x00,
    ATA_DEVICE_RESET = 0x08,
    ATA_DATA_SET_MANAGEMENT = 0x06,
    ATA_READ_SECTORS = 0x20,
    ATA_READ_LOG_EXT = 0x2f,
    ATA_READ_FPDMA = 0x60,
    ATA_WRITE_FPDMA = 0x61,
    ATA_DIAGNOSTIC = 0x90,
    ATA_PACKET = 0xa0,
    ATA_IDENTIFY_PACKET = 0xa1,
    ATA_IDENTIFY = 0xec,
    ATA_SET_FEATURES = 0xef,
};

#endif
