/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands around a device that is fuzzed: buses, a clock set by hand, a PCI bus whose DMA ends
 * in a little memory, and the other end of a network cable. All of a target's devices have one.
 */
#ifndef TESTS_FUZZ_BOARD_H
#define TESTS_FUZZ_BOARD_H

#include "backends/net.h"
#include "base/bits.h"
#include "base/clock.h"
#include "devices/pci/pci_bus.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

#define FUZZ_RAM 0x8000u

struct fuzz_board {
    struct bus *ports, *mmio;
    struct vclock *clock;
    struct pci_bus *pci;
    struct dma_space dma; /* the memory below, as devices see it; nothing beyond it */
    struct net_port far;  /* once a cable is plugged in; it looks at every byte that comes */
    bool far_full, plugged;
    uint8_t ram[FUZZ_RAM];
};

/* A board without devices, with its memory zero. To be freed by fuzz_board_free when its devices
 * are gone. */
struct fuzz_board *fuzz_board_new(void);
void fuzz_board_free(struct fuzz_board *b);

/* Connects the far end to a device's port. */
void fuzz_plug(struct fuzz_board *b, struct net_port *port);

/* A frame arrives at the far end: sometimes for 52:54:00:01:02:03, or all, and of a known type. */
void fuzz_frame(struct fuzz_board *b, struct fuzz_input *in);

/* Numbers that lead somewhere: into memory, to ends of rings, all bits. */
uint32_t fuzz_value(struct fuzz_input *in);

/* Up to 16 ms pass. */
void fuzz_pass(struct fuzz_board *b, struct fuzz_input *in);

/* Reads every byte, so that a sanitizer sees what was never written. */
void fuzz_look(const void *data, size_t len);

#endif
