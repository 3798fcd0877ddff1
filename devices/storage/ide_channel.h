/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ATA channel: the cable with its two devices, the command block (eight registers) and the
 * control block (one), device selection, INTRQ and resets. ATA/ATAPI-6 (T13 1410D), clauses 5.2, 7
 * and 9.
 *
 * Called with the device lock held.
 */
#ifndef DEVICES_STORAGE_IDE_CHANNEL_H
#define DEVICES_STORAGE_IDE_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/irq.h"
#include "devices/storage/ide_unit.h"

struct ide_channel_state {
    uint8_t selected; /* device 0 or 1 */
    uint8_t control;
};

struct ide_channel {
    struct ide_channel_state s;
    bool intrq; /* as it was driven last; follows from state */
    struct irq_line irq;
    /* The selected unit may want DMA service: called whenever it starts to; may be NULL. */
    void (*dma_request)(void *opaque);
    void *dma_opaque;
    struct ide_unit unit[2];
    bool unseen; /* a command was written and no status read since; for strict mode, not state */
};

/* Handlers of the command block (8 ports) and the control block (1 port); opaque is the channel. */
extern const struct bus_ops ide_command_ops, ide_control_ops;

/* Empty channel; irq and dma_request are the caller's to fill in. */
void ide_channel_init(struct ide_channel *ch, struct vclock *clock);

/* Hardware reset of the channel and its devices, whose state fields are zero. */
void ide_channel_reset(struct ide_channel *ch);

/* After the state fields were restored, perhaps from a damaged file: what cannot be is reset. */
void ide_channel_post_load(struct ide_channel *ch);

/* Drives INTRQ as the state says. */
void ide_channel_update_irq(struct ide_channel *ch);

/* A unit has a DMA block ready. */
void ide_channel_dma_request(struct ide_channel *ch);

/* The selected unit, if it is waiting for its DMA block to be moved, else NULL. */
struct ide_unit *ide_channel_dma_unit(struct ide_channel *ch);

#endif
