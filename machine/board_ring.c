/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See board_ring.h. */
#include "machine/board_ring.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "cpu/ring.h"

static unsigned write_rings(struct board *b, struct cpu *only, FILE *f)
{
    unsigned told = 0;

    for (unsigned n = 0; n < b->n_cpus; n++) {
        struct cpu *cpu = b->cpu[n].cpu;

        if (cpu->ring && (!only || cpu == only))
            told += ring_tell(cpu, b->cfg.ring, f);
    }
    return told;
}

unsigned board_write_rings(struct board *b, FILE *f)
{
    return write_rings(b, NULL, f);
}

void board_tell_ring(struct board *b, struct cpu *only)
{
    const char *path = b->cfg.ring_file;
    unsigned told;
    FILE *f;

    if (!path)
        return;
    f = fopen(path, "w");
    if (!f) {
        log_user("%s: %s", path, g_strerror(errno));
        return;
    }
    told = write_rings(b, only, f);
    if (fclose(f) != 0)
        log_user("%s: %s", path, g_strerror(errno));
    else
        log_user("the last %u instructions are in %s", told, path);
    b->ring_told = true;
}
