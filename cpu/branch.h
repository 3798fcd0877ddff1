/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a handler goes on to another block: by a chained link, the cache by linear address, or the
 * loop. */
#ifndef CPU_BRANCH_H
#define CPU_BRANCH_H

#include "cpu/blocks.h"
#include "cpu/exec.h"

/* Finds the block at REG_RIP the long way; when `link` is given, remembers it there. May raise. */
struct block *branch_resolve(struct cpu *cpu, struct block **link);

static inline struct block_links *branch_links(const struct insn *last)
{
    return (struct block_links *)(uintptr_t)(last + 1);
}

/* The block at REG_RIP by the linear-address cache, or NULL. */
static inline struct block *branch_cached(struct cpu *cpu)
{
    uint64_t lin = cpu->code_base + cpu->gpr[REG_RIP];
    const struct bcache_entry *e = bcache_slot(cpu, lin);

    return likely(e->lin == lin && e->key == cpu->bcache_key) ? e->block : NULL;
}

/* Begins block b, unless someone wants attention. */
#define ENTER_BLOCK(b)                                                                             \
    do {                                                                                           \
        struct block *enter_ = (b);                                                                \
        if (unlikely(atomic_load_explicit(&cpu->attention, memory_order_relaxed)))                 \
            LEAVE;                                                                                 \
        cpu->icount += enter_->n;                                                                  \
        cpu->cur_block = enter_;                                                                   \
        GOTO_INSN(enter_->insns);                                                                  \
    } while (0)

/* REG_RIP := target (already checked and wrapped), then on by the link slot. */
#define BRANCH_LINKED(target, slot)                                                                \
    do {                                                                                           \
        struct block *linked_ = *(slot);                                                           \
        cpu->gpr[REG_RIP] = (target);                                                              \
        if (unlikely(!linked_))                                                                    \
            linked_ = branch_resolve(cpu, slot);                                                   \
        ENTER_BLOCK(linked_);                                                                      \
    } while (0)

/* The same by the cache: targets in other pages, computed ones. */
#define BRANCH_CACHED(target)                                                                      \
    do {                                                                                           \
        struct block *cached_;                                                                     \
        cpu->gpr[REG_RIP] = (target);                                                              \
        cached_ = branch_cached(cpu);                                                              \
        if (unlikely(!cached_)) {                                                                  \
            if (atomic_load_explicit(&cpu->attention, memory_order_relaxed))                       \
                LEAVE;                                                                             \
            cached_ = branch_resolve(cpu, NULL);                                                   \
        }                                                                                          \
        ENTER_BLOCK(cached_);                                                                      \
    } while (0)

/* #GP(0) when a near branch leaves the code segment or is not canonical. */
#define CHECK_TARGET(target)                                                                       \
    do {                                                                                           \
        if (unlikely((target) > cpu->code_limit))                                                  \
            RAISE_ERR(EXC_GP, 0);                                                                  \
    } while (0)

#endif
