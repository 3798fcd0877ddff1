/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule split-lock: a locked access that is not within one line of the cache. It locks the whole bus
 * for thousands of cycles, or, where the processor can and the system wants it, is #AC. Locked
 * instructions with a memory operand are bound to this handler, which looks at the address and
 * leaves the rest to the one that they would have had. SDM volume 3A, 9.1.2.
 */
#include <inttypes.h>

#include "cpu/blocks.h"
#include "cpu/exec.h"
#include "cpu/lint.h"
#include "cpu/opcodes.h"

#define LINE 64

bool lint_binds_locked(const struct insn *i)
{
    const struct opcode *row = &opcode_table[i->op];
    bool xchg = row->map == M0 && (row->opcode == 0x86 || row->opcode == 0x87);

    return (i->flags & INSN_MEM) && ((i->flags & INSN_LOCK) || xchg);
}

static unsigned size_of(const struct insn *i)
{
    const struct opcode *row = &opcode_table[i->op];

    if (row->operand[0] == OPR_Mq) /* CMPXCHG8B and CMPXCHG16B */
        return i->flags & INSN_REXW ? 16 : 8;
    return OSIZE(i);
}

/* BTS and its kin with the bit's number in a register reach beyond the operand. */
static uint64_t beyond(const struct cpu *cpu, const struct insn *i)
{
    const struct opcode *row = &opcode_table[i->op];
    bool bits =
        row->map == MF && (row->opcode == 0xab || row->opcode == 0xb3 || row->opcode == 0xbb);
    int64_t n = (int64_t)reg_get((struct cpu *)(uintptr_t)cpu, i->reg, i->osz);

    if (!bits)
        return 0;
    if (i->osz < SZ64)
        n = i->osz == SZ16 ? (int16_t)n : (int32_t)n;
    return (uint64_t)(n >> (i->osz + 3)) << i->osz;
}

/* As the handler will find it, but without the checks, which are its business. */
static gva_t address_of(const struct cpu *cpu, const struct insn *i)
{
    uint64_t off = ea_offset(cpu, i) + beyond(cpu, i);

    if (cpu_code64(cpu))
        return i->seg >= SEG_FS ? cpu->seg[i->seg].base + off : off;
    if (i->asz == SZ16)
        off = (uint16_t)off;
    return (uint32_t)(cpu->seg[i->seg].base + off);
}

static void look(struct cpu *cpu, const struct insn *i)
{
    gva_t va = address_of(cpu, i);
    unsigned size = size_of(i);

    if (likely(va % LINE + size <= LINE))
        return;
    cpu->cur = i;
    lint_report(LINT_SPLIT_LOCK, "locked access to %u bytes at %" PRIx64 " crosses a cache line%s",
                size, va, (va & ~PAGE_MASK) + size > PAGE_SIZE ? ", and a page" : "");
}

EXEC_CC EXEC_RET op_lint_locked(struct cpu *cpu, const struct insn *i)
{
    insn_fn *fn = bind_handler(i, cpu->cur_block->mode);

    look(cpu, i);
    GOTO_HANDLER(fn);
}
