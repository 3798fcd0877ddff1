/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file that tells what the vCPUs ran last (cpu/ring.h), when there is trouble or at the end. */
#ifndef MACHINE_BOARD_RING_H
#define MACHINE_BOARD_RING_H

#include <stdio.h>

#include "machine/board.h"

/* Writes the configured file anew: of `only`, or of all vCPUs where that is NULL. Says on stderr
 * where it is, or why it could not be written. Nothing without such a configuration. The vCPUs told
 * of stand, or are the caller's. */
void board_tell_ring(struct board *b, struct cpu *only);

/* The same into f, of all vCPUs; returns how many instructions. Nothing without rings. */
unsigned board_write_rings(struct board *b, FILE *f);

#endif
