/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See insn_limit.h. */
#include "machine/insn_limit.h"

/* No share is larger: what several vCPUs may run too far, while one of them does not look. */
#define SHARE_MAX UINT64_C(100000)

static uint64_t begun(const struct board *b)
{
    uint64_t sum = 0;

    for (unsigned n = 0; n < b->n_cpus; n++)
        sum += b->cpu[n].cpu->icount;
    return sum;
}

void insn_limit_set(struct board *b, uint64_t total)
{
    atomic_store(&b->insn_limit, total);
    for (unsigned n = 0; n < b->n_cpus; n++) /* each takes its share when it looks next */
        atomic_store(&b->cpu[n].cpu->mark, total == UINT64_MAX ? CPU_NO_MARK : 0);
}

void insn_limit_reached(struct board *b, struct cpu *cpu)
{
    uint64_t none = CPU_NO_MARK, limit, sum, share;

    /* before the limit is read: a new one that comes meanwhile sets the mark anew */
    atomic_store(&cpu->mark, none);
    limit = atomic_load(&b->insn_limit);
    sum = begun(b);
    if (limit == UINT64_MAX)
        return;
    if (sum >= limit) {
        if (atomic_compare_exchange_strong(&b->insn_limit, &limit, UINT64_MAX))
            board_request(b, REQUEST_PAUSE);
        return;
    }
    share = (limit - sum) / b->n_cpus;
    if (b->n_cpus > 1 && share > SHARE_MAX)
        share = SHARE_MAX;
    atomic_compare_exchange_strong(&cpu->mark, &none, cpu->icount + share);
}
