/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A board for the IDE tests: a PCI bus with the PIIX IDE function, 1 MiB of memory for its DMA, and
 * images that can be made to fail. Drives are reached only as a guest's driver would: through
 * ports.
 */
#ifndef TESTS_UNIT_IDE_RIG_H
#define TESTS_UNIT_IDE_RIG_H

#include "backends/block_impl.h"
#include "devices/pci/pci_bus.h"
#include "devices/storage/piix_ide.h"

#define RAM_SIZE 0x100000u
#define BM_BASE  0xc000u
#define DEVFN    PCI_DEVFN(1, 1)
#define SECTORS  5000u /* of disk_rig: a little over 4 cylinders of 16 x 63 */

/* Status values as drivers test them. */
enum { BSY = 0x80, DRDY = 0x40, DF = 0x20, DSC = 0x10, DRQ = 8, ERR = 1 };

/* An image in memory that fails where it is told to and counts flushes. */
struct image {
    struct block block;
    uint8_t *data;
    uint64_t bad_from, bad_to; /* bytes that cannot be read or written */
    int flush_rc;
    unsigned flushes, writes;
};

struct rig {
    struct bus *ports, *mmio;
    struct vclock *clock;
    struct pci_bus *pci;
    struct block_engine *engine;
    bool unsettled; /* an access returns before what it started has ended */
    struct piix_ide *ide;
    uint8_t ram[RAM_SIZE];
    bool irq[2];      /* level of 14 and 15 */
    unsigned rose[2]; /* rising edges */
};

struct image *image_new(uint64_t size);

/* Each sector of 512 bytes filled with bytes made of its number. */
void image_number(struct image *img);
uint8_t image_byte(uint64_t off);

struct rig *rig_new(enum piix_ide_model model);
/* With threads for the images, and `unsettled` for the test to set. */
struct rig *rig_new_with(enum piix_ide_model model, bool workers);
void rig_free(struct rig *r);
void rig_attach(struct rig *r, unsigned channel, unsigned unit, enum piix_ide_drive drive,
                struct image *img);

/* A PIIX3 with one numbered disk as primary master, which is disk_image. */
extern struct image *disk_image;
struct rig *disk_rig(void);

/* `count` sectors from `lba` of a numbered image are at p. */
void assert_sectors(const uint8_t *p, uint64_t lba, unsigned count);

/* The drive has ended a command with ERR, `status` besides and `error`. */
void assert_error(struct rig *r, unsigned status, unsigned error);

/* Waits for the images. */
void settle(struct rig *r);

/* One access, and then settles. */
uint32_t port_in(struct rig *r, uint16_t port, unsigned size);
void port_out(struct rig *r, uint16_t port, uint32_t val, unsigned size);

/* Registers of the primary channel, by offset; control block. */
uint8_t in(struct rig *r, unsigned reg);
void out(struct rig *r, unsigned reg, unsigned val);
uint8_t alt_status(struct rig *r);
void control(struct rig *r, unsigned val);

/* Task file and command at once: LBA28 on device `unit`, or 48 bits wide. */
void command28(struct rig *r, unsigned unit, unsigned cmd, uint32_t lba, unsigned count);
void command48(struct rig *r, unsigned unit, unsigned cmd, uint64_t lba, unsigned count);

/* `len` (even) bytes through the data register, as 16-bit or 32-bit accesses. */
void data_in(struct rig *r, void *buf, unsigned len, unsigned width);
void data_out(struct rig *r, const void *buf, unsigned len, unsigned width);

/* Bus master: descriptor k of the table at `table`; registers of the primary channel. */
void prd(struct rig *r, uint32_t table, unsigned k, uint32_t addr, uint32_t len, bool last);
void bm_start(struct rig *r, uint32_t table, bool to_memory);
void bm_stop(struct rig *r);
uint8_t bm_status(struct rig *r);

#endif
