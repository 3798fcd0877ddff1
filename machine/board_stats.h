/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counters of the vCPUs and of the shadow MMU, summed up and put in words. */
#ifndef MACHINE_BOARD_STATS_H
#define MACHINE_BOARD_STATS_H

#include "machine/board.h"

/* Hands the lines, without newlines, to `line`. No vCPU runs. */
void board_print_stats(const struct board *b, void (*line)(void *opaque, const char *text),
                       void *opaque);

#endif
