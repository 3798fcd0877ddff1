/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counters of the vCPUs and of the shadow MMU, summed up and put in words. */
#ifndef MACHINE_BOARD_STATS_H
#define MACHINE_BOARD_STATS_H

#include "machine/board.h"

#include "cpu/mmu_shadow/shadow_page.h"

/* What was counted, over all vCPUs. */
struct board_stats {
    uint64_t tlb_fills, walks, blocks, smc, audits;
    bool has_shadow;
    struct shadow_stats shadow; /* if it has */
};

/* Hands the lines that say it, without newlines, to `line`. */
void board_stats_print(const struct board_stats *s, void (*line)(void *opaque, const char *text),
                       void *opaque);

/* The same of a board. No vCPU runs. */
void board_print_stats(const struct board *b, void (*line)(void *opaque, const char *text),
                       void *opaque);

/* See machine_count; all but `disk`. */
void board_count(const struct board *b, struct machine_counters *out);

#endif
