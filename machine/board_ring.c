/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See board_ring.h. */
#include "machine/board_ring.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "cpu/ring.h"

void board_tell_ring(struct board *b, struct cpu *only)
{
    const char *path = b->cfg.ring_file;
    unsigned told = 0;
    FILE *f;

    if (!path)
        return;
    f = fopen(path, "w");
    if (!f) {
        log_user("%s: %s", path, g_strerror(errno));
        return;
    }
    for (unsigned n = 0; n < b->n_cpus; n++) {
        struct cpu *cpu = b->cpu[n].cpu;

        if (!only || cpu == only)
            told += ring_tell(cpu, b->cfg.ring, f);
    }
    if (fclose(f) != 0)
        log_user("%s: %s", path, g_strerror(errno));
    else
        log_user("the last %u instructions are in %s", told, path);
    b->ring_told = true;
}
