/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus master of one IDE channel: "Programming Interface for Bus Master IDE Controller",
 * revision 1.0, and the 82371SB (PIIX3) datasheet, 290550, section 2.7. It walks the guest's table
 * of physical regions and moves the channel's DMA blocks between them and the device's buffer.
 */
#ifndef DEVICES_STORAGE_IDE_BMDMA_H
#define DEVICES_STORAGE_IDE_BMDMA_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/pci/pci.h"
#include "devices/storage/ide_channel.h"

struct ide_bmdma_state {
    uint8_t command, status;
    uint32_t table; /* descriptor table pointer register */
    uint32_t next;  /* address of the next descriptor */
    uint32_t addr;  /* next byte of the current region */
    uint32_t left;  /* bytes left of it; 0: fetch the next descriptor */
    bool last;      /* the current region is the table's last */
    bool fetched;   /* a descriptor has been fetched since the start */
};

struct ide_bmdma {
    struct ide_bmdma_state s;
    struct pci_device *pci;
    struct ide_channel *channel;
    bool running; /* inside ide_bmdma_run: devices re-enter it */
};

/* Registers: 8 ports at offset 0..7 of the channel's half of BAR 4. */
uint32_t ide_bmdma_read(struct ide_bmdma *bm, unsigned off, unsigned size);
void ide_bmdma_write(struct ide_bmdma *bm, unsigned off, uint32_t val, unsigned size);

/* Moves what can be moved now; called whenever that may have changed. */
void ide_bmdma_run(struct ide_bmdma *bm);

/* The channel's INTRQ rose. */
void ide_bmdma_interrupt(struct ide_bmdma *bm);

#endif
