/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One number for what a machine has come to, by which two runs are compared: RAM, the vCPUs'
 * architectural state, virtual time.
 */
#include "base/clock.h"
#include "cpu/state.h"
#include "machine/board.h"
#include "machine/icount.h"

#define CHUNK (UINT64_C(1) << 20)

static void add_memory(GChecksum *sum, const uint8_t *p, uint64_t len)
{
    for (uint64_t n; len; p += n, len -= n) {
        n = MIN(len, CHUNK);
        g_checksum_update(sum, p, (gssize)n);
    }
}

char *machine_state_hash(struct machine *m)
{
    struct board *b = machine_board(m);
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    int64_t now = b->icount ? icount_now(b->icount) : clock_now(b->clock);
    char *text;

    add_memory(sum, b->mem.ram.low, b->mem.ram.low_size);
    add_memory(sum, b->mem.ram.high, b->mem.ram.high_size);
    for (unsigned n = 0; n < b->n_cpus; n++) {
        struct x86_state s;

        cpu_get_state(b->cpu[n].cpu, &s);
        g_checksum_update(sum, (const guchar *)&s, sizeof(s));
    }
    g_checksum_update(sum, (const guchar *)&now, sizeof(now));
    text = g_strdup(g_checksum_get_string(sum));
    g_checksum_free(sum);
    return text;
}
