/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Near branches: JMP, Jcc, CALL, RET, LOOP, JrCXZ, and the pseudo instructions that stand at a
 * block's end or for what cannot be executed. SDM volume 2, the instructions' own pages.
 */
#include "cpu/branch.h"
#include "cpu/debugger.h"
#include "cpu/lint.h"
#include "cpu/ring.h"
#include "cpu/stack.h"

struct block *branch_resolve(struct cpu *cpu, struct block **link)
{
    uint64_t before = blocks_flush_count(cpu);
    struct block *b = blocks_lookup(cpu);

    /* An uncached block must not be linked, nor may a slot be touched whose block is gone. What
     * reaches into a second page depends on a translation that links do not look at. */
    if (link && blocks_flush_count(cpu) == before && blocks_cached(cpu, b) &&
        b->gpa2 == ~UINT64_C(0))
        *link = b;
    return b;
}

/* Somebody wants to hear when the block is entered. */
EXEC_CC EXEC_RET op_enter(struct cpu *cpu, const struct insn *i)
{
    const struct block *b = cpu->cur_block;

    if (cpu->counted) {
        cpu->cur = NULL;
        if (unlikely(cpu->icount > atomic_load_explicit(&cpu->budget, memory_order_relaxed)) &&
            !cpu->stepping) {
            cpu->icount -= b->n; /* RIP is where the block begins */
            LEAVE;
        }
    }
    if (cpu_debugs(cpu, DEBUG_CODE) && debugger_may_break(cpu, b->gpa) &&
        debugger_before_block(cpu, b)) {
        cpu->icount -= b->n;
        LEAVE;
    }
    if (cpu->ring)
        ring_block(cpu, b);
    if (unlikely(cpu->lint_blocks))
        lint_enter_block(cpu, b);
    GOTO_HANDLER(b->first);
}

EXEC_CC EXEC_RET op_enter_ring(struct cpu *cpu, const struct insn *i)
{
    const struct block *b = (const struct block *)((uintptr_t)i - offsetof(struct block, insns));
    uint64_t rip = cpu->gpr[REG_RIP];

    if (unlikely(ring_full(cpu, rip)))
        ring_block(cpu, b);
    else
        *cpu->ring_at++ = ring_word(i, rip);
    GOTO_HANDLER(b->first);
}

EXEC_CC EXEC_RET op_stale(struct cpu *cpu, const struct insn *i)
{
    struct block *b = cpu->cur_block;

    cpu->icount -= (uint64_t)(b->n - (i - b->insns));
    cpu->gpr[REG_RIP] = insn_rip(cpu, i);
    if (cpu->ring && i != b->insns) /* else it was not entered */
        ring_left(cpu, i, false);
    LEAVE;
}

EXEC_CC EXEC_RET op_fallthrough(struct cpu *cpu, const struct insn *i)
{
    BRANCH_CACHED(insn_next_rip(cpu, i));
}

EXEC_CC EXEC_RET op_fallthrough_link(struct cpu *cpu, const struct insn *i)
{
    BRANCH_LINKED(insn_next_rip(cpu, i), &branch_links(i)->fall);
}

EXEC_CC EXEC_RET op_undefined(struct cpu *cpu, const struct insn *i)
{
    RAISE(EXC_UD);
}

EXEC_CC EXEC_RET op_too_long(struct cpu *cpu, const struct insn *i)
{
    RAISE_ERR(EXC_GP, 0);
}

/* Branch targets by operand size: IP wraps to it. */
static inline uint64_t target16(const struct cpu *cpu, const struct insn *i)
{
    return (uint16_t)(cpu->gpr[REG_RIP] + i->off + i->len + i->imm);
}

static inline uint64_t target32(const struct cpu *cpu, const struct insn *i)
{
    return (uint32_t)(cpu->gpr[REG_RIP] + i->off + i->len + i->imm);
}

static inline uint64_t target64(const struct cpu *cpu, const struct insn *i)
{
    return cpu->gpr[REG_RIP] + i->off + i->len + i->imm;
}

static inline uint64_t next16(const struct cpu *cpu, const struct insn *i)
{
    return insn_next_rip(cpu, i);
}
#define next32 next16

static inline uint64_t next64(const struct cpu *cpu, const struct insn *i)
{
    return cpu->gpr[REG_RIP] + i->off + i->len;
}

/* In 64-bit mode a target may be non-canonical, which faults before the branch is done. */
#define CHECK16(t) CHECK_TARGET(t)
#define CHECK32(t) CHECK_TARGET(t)
#define CHECK64(t)                                                                                 \
    do {                                                                                           \
        if (unlikely(!gva_canonical(cpu, t)))                                                      \
            RAISE_ERR(EXC_GP, 0);                                                                  \
    } while (0)

/* ---- JMP ---- */

#define JMP(bits)                                                                                  \
    HANDLER(jmp##bits)                                                                             \
    {                                                                                              \
        uint64_t t = target##bits(cpu, i);                                                         \
                                                                                                   \
        CHECK##bits(t);                                                                            \
        BRANCH_CACHED(t);                                                                          \
    }                                                                                              \
    HANDLER(jmp_e##bits)                                                                           \
    {                                                                                              \
        uint64_t t = rm_get(cpu, i, i->osz);                                                       \
                                                                                                   \
        CHECK##bits(t);                                                                            \
        BRANCH_CACHED(t);                                                                          \
    }
JMP(16)
JMP(32)
JMP(64)

#define JMP_LINK(bits)                                                                             \
    HANDLER(jmp##bits##_link)                                                                      \
    {                                                                                              \
        BRANCH_LINKED(target##bits(cpu, i), &branch_links(i)->taken);                              \
    }
JMP_LINK(32)
JMP_LINK(64)

const struct family h_jmp = {
    .fn = {{0}, {jmp16}, {jmp32, jmp32_link}, {jmp64, jmp64_link}},
};
const struct family h_jmp_e = {
    .fn = {{0}, {jmp_e16, jmp_e16}, {jmp_e32, jmp_e32}, {jmp_e64, jmp_e64}},
};

/* ---- Jcc ---- */

#define JCC(cc, cond)                                                                              \
    HANDLER(j_##cc##_16)                                                                           \
    {                                                                                              \
        uint64_t t = target16(cpu, i);                                                             \
                                                                                                   \
        if (!(cond))                                                                               \
            BRANCH_CACHED(next16(cpu, i));                                                         \
        CHECK16(t);                                                                                \
        BRANCH_CACHED(t);                                                                          \
    }                                                                                              \
    HANDLER(j_##cc##_32)                                                                           \
    {                                                                                              \
        uint64_t t = target32(cpu, i);                                                             \
                                                                                                   \
        if (!(cond))                                                                               \
            BRANCH_CACHED(next32(cpu, i));                                                         \
        CHECK32(t);                                                                                \
        BRANCH_CACHED(t);                                                                          \
    }                                                                                              \
    HANDLER(j_##cc##_32_link)                                                                      \
    {                                                                                              \
        if (cond)                                                                                  \
            BRANCH_LINKED(target32(cpu, i), &branch_links(i)->taken);                              \
        BRANCH_NEXT(next32(cpu, i));                                                               \
    }                                                                                              \
    HANDLER(j_##cc##_64)                                                                           \
    {                                                                                              \
        uint64_t t = target64(cpu, i);                                                             \
                                                                                                   \
        if (!(cond))                                                                               \
            BRANCH_CACHED(next64(cpu, i));                                                         \
        CHECK64(t);                                                                                \
        BRANCH_CACHED(t);                                                                          \
    }                                                                                              \
    HANDLER(j_##cc##_64_link)                                                                      \
    {                                                                                              \
        if (cond)                                                                                  \
            BRANCH_LINKED(target64(cpu, i), &branch_links(i)->taken);                              \
        BRANCH_NEXT(next64(cpu, i));                                                               \
    }                                                                                              \
    const struct family h_j_##cc = {                                                               \
        .fn = {{0},                                                                                \
               {j_##cc##_16},                                                                      \
               {j_##cc##_32, j_##cc##_32_link},                                                    \
               {j_##cc##_64, j_##cc##_64_link}},                                                   \
    };

/* The instruction behind a linkable branch is nearly always in the same page, but not when the
 * branch ends the page: then its link slot stays empty and the cache serves. */
#define BRANCH_NEXT(t)                                                                             \
    do {                                                                                           \
        struct block *next_ = branch_links(i)->fall;                                               \
        uint64_t next_rip_ = (t);                                                                  \
        if (likely(next_)) {                                                                       \
            cpu->gpr[REG_RIP] = next_rip_;                                                         \
            ENTER_BLOCK(next_);                                                                    \
        }                                                                                          \
        if (((cpu->code_base + next_rip_) & ~PAGE_MASK) == 0)                                      \
            BRANCH_CACHED(next_rip_);                                                              \
        BRANCH_LINKED(next_rip_, &branch_links(i)->fall);                                          \
    } while (0)

JCC(o, flag_of(cpu))
JCC(no, !flag_of(cpu))
JCC(b, flag_cf(cpu))
JCC(ae, !flag_cf(cpu))
JCC(e, flag_zf(cpu))
JCC(ne, !flag_zf(cpu))
JCC(be, (flag_cf(cpu) || flag_zf(cpu)))
JCC(a, !(flag_cf(cpu) || flag_zf(cpu)))
JCC(s, flag_sf(cpu))
JCC(ns, !flag_sf(cpu))
JCC(p, flag_pf(cpu))
JCC(np, !flag_pf(cpu))
JCC(l, (flag_sf(cpu) != flag_of(cpu)))
JCC(ge, (flag_sf(cpu) == flag_of(cpu)))
JCC(le, (flag_zf(cpu) || flag_sf(cpu) != flag_of(cpu)))
JCC(g, (!flag_zf(cpu) && flag_sf(cpu) == flag_of(cpu)))

/* ---- LOOP, JrCXZ: the counter's size is the address size ---- */

static inline uint64_t count_reg(const struct cpu *cpu, const struct insn *i)
{
    return reg_get(cpu, REG_RCX, i->asz);
}

/* Where a branch that is not worth specialising goes. */
static uint64_t cold_target(struct cpu *cpu, const struct insn *i, bool taken)
{
    uint64_t t;

    if (!taken)
        return insn_next_rip(cpu, i);
    t = cpu->gpr[REG_RIP] + i->off + i->len + i->imm;
    t = i->osz == SZ64 ? t : i->osz == SZ32 ? (uint32_t)t : (uint16_t)t;
    if (t > cpu->code_limit || (i->osz == SZ64 && !gva_canonical(cpu, t)))
        RAISE_ERR(EXC_GP, 0);
    return t;
}

#define LOOP(name, cond)                                                                           \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        uint64_t n = count_reg(cpu, i) - 1;                                                        \
        uint64_t t = cold_target(cpu, i, zext(n, OSIZE_A(i)) != 0 && (cond));                      \
                                                                                                   \
        reg_set(cpu, REG_RCX, n, i->asz);                                                          \
        BRANCH_CACHED(t);                                                                          \
    }                                                                                              \
    FAMILY(h_##name, name);
#define OSIZE_A(i) (1u << (i)->asz)
LOOP(loop, true)
LOOP(loope, flag_zf(cpu))
LOOP(loopne, !flag_zf(cpu))

HANDLER(jrcxz)
{
    uint64_t t = cold_target(cpu, i, count_reg(cpu, i) == 0);

    BRANCH_CACHED(t);
}
FAMILY(h_jrcxz, jrcxz);

/* ---- CALL, RET ---- */

/* In 64-bit mode; the return address goes first, so that a fault leaves everything as it was. */
#define PUSH64(v)                                                                                  \
    do {                                                                                           \
        uint64_t sp_ = cpu->gpr[REG_RSP] - 8;                                                      \
        mem_st64(cpu, i, sp_, (v));                                                                \
        cpu->gpr[REG_RSP] = sp_;                                                                   \
    } while (0)

HANDLER(call64)
{
    uint64_t t = target64(cpu, i);

    CHECK64(t);
    PUSH64(next64(cpu, i));
    BRANCH_CACHED(t);
}

HANDLER(call64_link)
{
    PUSH64(next64(cpu, i));
    BRANCH_LINKED(target64(cpu, i), &branch_links(i)->taken);
}

HANDLER(call_e64)
{
    uint64_t t = rm_get(cpu, i, SZ64);

    CHECK64(t);
    stack_push(cpu, i, next64(cpu, i), 8); /* knows #SS from the operand's #GP */
    BRANCH_CACHED(t);
}

HANDLER(ret64)
{
    uint64_t t = mem_ld64(cpu, i, cpu->gpr[REG_RSP]);

    CHECK64(t);
    cpu->gpr[REG_RSP] += 8;
    BRANCH_CACHED(t);
}

HANDLER(call16_32)
{
    uint64_t t = cpu->gpr[REG_RIP] + i->off + i->len + i->imm;

    t = i->osz == SZ32 ? (uint32_t)t : (uint16_t)t;
    CHECK_TARGET(t);
    stack_push(cpu, i, insn_next_rip(cpu, i), OSIZE(i));
    BRANCH_CACHED(t);
}

HANDLER(call32_link)
{
    stack_push(cpu, i, insn_next_rip(cpu, i), 4);
    BRANCH_LINKED(target32(cpu, i), &branch_links(i)->taken);
}

HANDLER(call_e16_32)
{
    uint64_t t = rm_get(cpu, i, i->osz);

    CHECK_TARGET(t);
    stack_push(cpu, i, insn_next_rip(cpu, i), OSIZE(i));
    BRANCH_CACHED(t);
}

HANDLER(ret16_32)
{
    uint64_t t = stack_read(cpu, i, 0, OSIZE(i));

    CHECK_TARGET(t);
    stack_adjust(cpu, OSIZE(i));
    BRANCH_CACHED(t);
}

HANDLER(ret_iw)
{
    uint64_t t = stack_read(cpu, i, 0, OSIZE(i));

    if (i->osz == SZ64)
        CHECK64(t);
    else
        CHECK_TARGET(t);
    stack_adjust(cpu, OSIZE(i) + i->imm);
    BRANCH_CACHED(t);
}

const struct family h_call = {
    .fn = {{0}, {call16_32}, {call16_32, call32_link}, {call64, call64_link}},
};
const struct family h_call_e = {
    .fn = {{0}, {call_e16_32, call_e16_32}, {call_e16_32, call_e16_32}, {call_e64, call_e64}},
};
const struct family h_ret = {.fn = {{0}, {ret16_32}, {ret16_32}, {ret64}}};
FAMILY(h_ret_iw, ret_iw);
