/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks of decoded instructions, cached by physical address and mode, and chained to each other. A
 * block is straight-line code that ends at a branch, at something that may change the mode, at its
 * page's end, or when it is long enough; it never leaves its page, but for a block of one
 * instruction that crosses into the next.
 *
 * When code is written, every block over the written bytes turns stale: the handlers of all its
 * instructions are replaced by one that leaves, so that whoever still jumps to it (or is inside it)
 * comes back to the loop and finds the new code. Memory of stale blocks is reclaimed when the arena
 * is full and everything is dropped at once, never while the vCPU is inside a block.
 *
 * Where somebody wants to hear when a block is entered (a counted vCPU's budget, cpu_config; the
 * debugger; the ring) it begins with a handler that sees to that. Others pay nothing for it.
 *
 * One cache a vCPU; all calls but blocks_note_write by the vCPU's thread.
 */
#ifndef CPU_BLOCKS_H
#define CPU_BLOCKS_H

#include <stddef.h>

#include "cpu/cpu.h"

#define BLOCK_MAX_INSNS 64
#define BLOCK_ALIGN     64 /* bytes */

struct block {
    gpa_t gpa;     /* of the first byte */
    gpa_t gpa2;    /* of the second page when the one instruction crosses, else ~0 */
    uint32_t mode; /* MODE_* it was decoded for */
    uint16_t n;    /* instructions */
    uint16_t len;  /* bytes */
    bool stale;
    /* What it does to the flags, for -lint (lint_flags.c): which of those that it finds it
     * consumes, leaves defined, leaves undefined, the last by the instruction at this offset; and
     * whether it consumes what it has left undefined itself. */
    uint8_t lint_use, lint_def, lint_undef, lint_last;
    bool lint_self;
    insn_fn *first; /* with op_enter in its place: the first instruction's handler */
    struct block *hash_next;
    struct block *page_next[2]; /* lists of blocks on the first and second page */
    struct insn insns[];        /* n of them, then one slot that struct block_links overlays */
};

static_assert(offsetof(struct block, insns) % 64 == 0, "instructions stay in lines of the cache");

/* Behind the last instruction of a block: where its branches lead, when that is known for good
 * (same page, so that no translation can part them). */
struct block_links {
    struct block *taken, *fall;
    uint64_t unused[2];
};
static_assert(sizeof(struct block_links) == sizeof(struct insn), "the slot is an instruction wide");

struct blocks *blocks_new(void);
void blocks_free(struct blocks *bs);

/* The block at CS:RIP in the current mode, decoded if need be. May raise (fetch faults, with RIP
 * where it is; #UD and the like are raised by the block itself when it runs). */
struct block *blocks_lookup(struct cpu *cpu);

/* The vCPU stored `len` bytes at gpa (one page) over code that `caches` vCPUs have decoded. */
void blocks_code_written(struct cpu *cpu, gpa_t gpa, unsigned len, unsigned caches);

/* Any thread: the same, by somebody else; carried out before the vCPU's next block. */
void blocks_note_write(struct cpu *cpu, gpa_t gpa, size_t len);

/* Carries out what blocks_note_write noted. */
void blocks_handle_notes(struct cpu *cpu);

/* Forgets all blocks. */
void blocks_flush(struct cpu *cpu);

/* The instruction under way (cpu->cur) will be the last of the chain, wherever in its block it is.
 */
void blocks_leave_soon(struct cpu *cpu);

/* How often everything was forgotten: a changed count means that all pointers to blocks are void.
 */
uint64_t blocks_flush_count(const struct cpu *cpu);

/* The bytes that b was decoded from, b->len of them. Only where the vCPU has a ring. */
const uint8_t *block_code(const struct block *b);

/* The cached block whose insns are at an address of these low bits. */
const struct block *blocks_of_insns(const struct cpu *cpu, uint32_t low);

/* False for the one uncached block, which is good for a single run. */
bool blocks_cached(const struct cpu *cpu, const struct block *b);

/* Binds a decoded instruction to its handler (bind.c). `linkable`: its branch target is in the same
 * page and may be chained. */
void bind_insn(struct insn *i, unsigned mode, bool linkable);
/* The handler that it would have, of an instruction that does not end a block. */
insn_fn *bind_handler(const struct insn *i, unsigned mode);
/* Then over a whole block: fuses pairs and drops flag work that is dead. */
void bind_block(struct block *b);

/* Handlers that stand for themselves. */
insn_fn op_stale;       /* the block is gone: back to the loop at this instruction */
insn_fn op_fallthrough; /* behind the last instruction of a block that does not end in a branch */
insn_fn op_fallthrough_link; /* the same when what follows is in the same page */
insn_fn op_enter;            /* before a block's first: see debugger.h and ring.h */
insn_fn op_enter_ring;       /* the same where only the ring wants to hear */
insn_fn op_undefined;        /* #UD */
insn_fn op_too_long;         /* #GP(0): over 15 bytes or over the segment limit */

static inline struct bcache_entry *bcache_slot(struct cpu *cpu, uint64_t lin)
{
    return &cpu->bcache[(lin ^ (lin >> 13)) & (BCACHE_SIZE - 1)];
}

#endif
