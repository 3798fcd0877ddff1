/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * String instructions: MOVS STOS LODS CMPS SCAS INS OUTS, alone and repeated. SDM volume 2, REP.
 *
 * A repeated one works in bursts: as many iterations as fit in the current pages of source and
 * destination are done on host memory at once; where that cannot be (MMIO, decoded code, page ends,
 * segments that end, breakpoints) one at a time by the ordinary accessors. After each burst the
 * registers are exact, so that a fault or an interrupt finds the instruction restartable.
 */
#include "cpu/blocks.h"
#include "cpu/debug.h"
#include "cpu/debugger.h"
#include "cpu/exec.h"
#include "cpu/hostio.h"
#include "cpu/ring.h"
#include "cpu/smm.h"
#include "cpu/task.h"

/* Bursts between two looks at cpu.attention. */
#define MAX_BURSTS 64

struct string_op {
    unsigned size; /* of an element, bytes */
    unsigned asz;
    int64_t step; /* +size or -size */
};

/* `max_size`: INS and OUTS know no quadwords. */
static struct string_op string_op(const struct cpu *cpu, const struct insn *i, unsigned max_size)
{
    unsigned size = OSIZE(i) > max_size ? max_size : OSIZE(i);

    return (struct string_op){
        .size = size, .asz = i->asz, .step = cpu->rflags & FL_DF ? -(int64_t)size : (int64_t)size};
}

static uint64_t index_get(const struct cpu *cpu, unsigned reg, const struct string_op *op)
{
    return reg_get(cpu, reg, op->asz);
}

static void index_add(struct cpu *cpu, unsigned reg, const struct string_op *op, int64_t delta)
{
    reg_set(cpu, reg, cpu->gpr[reg] + (uint64_t)delta, op->asz);
}

static gva_t source(struct cpu *cpu, const struct insn *i, const struct string_op *op)
{
    return seg_linear(cpu, i, i->seg, index_get(cpu, REG_RSI, op), op->size, ACC_R);
}

/* The destination is always ES. */
static gva_t dest(struct cpu *cpu, const struct insn *i, const struct string_op *op, unsigned acc)
{
    return seg_linear(cpu, i, SEG_ES, index_get(cpu, REG_RDI, op), op->size, acc);
}

static bool repeated(const struct insn *i)
{
    return i->flags & (INSN_REP | INSN_REPNE);
}

/* How many elements from va on lie in one page (upwards), and are not cut by the index register's
 * wrap or the segment's end. 0 when bursts do not apply. */
static uint64_t burst_room(struct cpu *cpu, const struct string_op *op, unsigned seg, uint64_t off,
                           gva_t va)
{
    uint64_t room = (PAGE_SIZE - (va & ~PAGE_MASK)) / op->size;
    uint64_t wrap = op->asz == SZ64 ? ~UINT64_C(0) : op->asz == SZ32 ? 0xffffffffu : 0xffffu;

    if (op->step < 0)
        return 0;
    if (!cpu_code64(cpu) && cpu->seg[seg].hi < wrap)
        wrap = cpu->seg[seg].hi;
    if (wrap - off < room * op->size)
        room = (wrap - off) / op->size;
    return room;
}

static uint64_t min64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Single instructions of debugging: one iteration at a time. */
static bool one_by_one(const struct cpu *cpu)
{
    return cpu->mode & MODE_STEP;
}

/* The host's own instructions: whole elements in the right order, whatever overlaps and whoever
 * looks on. */
static void host_movs(void *to, const void *from, uint64_t n, unsigned size)
{
    switch (size) {
    case 1: __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory"); break;
    case 2: __asm__ volatile("rep movsw" : "+D"(to), "+S"(from), "+c"(n)::"memory"); break;
    case 4: __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(n)::"memory"); break;
    default: __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n)::"memory"); break;
    }
}

static void host_stos(void *to, uint64_t value, uint64_t n, unsigned size)
{
    switch (size) {
    case 1: __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory"); break;
    case 2: __asm__ volatile("rep stosw" : "+D"(to), "+c"(n) : "a"(value) : "memory"); break;
    case 4: __asm__ volatile("rep stosl" : "+D"(to), "+c"(n) : "a"(value) : "memory"); break;
    default: __asm__ volatile("rep stosq" : "+D"(to), "+c"(n) : "a"(value) : "memory"); break;
    }
}

/* ---- bursts: each returns how many elements it did (0: none, use the single step) ---- */

/* Source and destination are in pages that share an entry of the TLB, so only one of them is there
 * at a time, and a host address of the other may be void by then: by way of a copy. A fault comes
 * before anything is written. */
static bool movs_by_copy(struct cpu *cpu, const struct insn *i, gva_t s, gva_t d, uint64_t n,
                         unsigned size)
{
    uint8_t copy[PAGE_SIZE];
    const uint8_t *from;
    uintptr_t was, now;
    uint8_t *to;

    mem_probe(cpu, i, s, size, ACC_R);
    from = tlb_hit(cpu, s, 1, ACC_R);
    if (!from)
        return false;
    was = (uintptr_t)from;
    host_movs(copy, from, n, size);
    mem_probe(cpu, i, d, size, ACC_W);
    to = tlb_hit(cpu, d, 1, ACC_W);
    now = (uintptr_t)to;
    if (!to || (now < was + n * size && was < now + n * size)) /* the same memory: in order */
        return false;
    host_movs(to, copy, n, size);
    return true;
}

static uint64_t movs_burst(struct cpu *cpu, const struct insn *i, const struct string_op *op,
                           uint64_t count)
{
    gva_t s = source(cpu, i, op), d = dest(cpu, i, op, ACC_W);
    uint64_t n = min64(count, min64(burst_room(cpu, op, i->seg, index_get(cpu, REG_RSI, op), s),
                                    burst_room(cpu, op, SEG_ES, index_get(cpu, REG_RDI, op), d)));
    const uint8_t *from;
    uint8_t *to;
    size_t bytes = n * op->size;

    if (n < 2)
        return 0;
    if (tlb_slot(cpu, s) == tlb_slot(cpu, d) && (s ^ d) & PAGE_MASK) {
        if (!movs_by_copy(cpu, i, s, d, n, op->size))
            return 0;
    } else {
        from = tlb_hit(cpu, s, 1, ACC_R);
        to = tlb_hit(cpu, d, 1, ACC_W);
        if (!from || !to)
            return 0;
        host_movs(to, from, n, op->size);
    }
    index_add(cpu, REG_RSI, op, (int64_t)bytes);
    index_add(cpu, REG_RDI, op, (int64_t)bytes);
    return n;
}

static uint64_t stos_burst(struct cpu *cpu, const struct insn *i, const struct string_op *op,
                           uint64_t count)
{
    gva_t d = dest(cpu, i, op, ACC_W);
    uint64_t n = min64(count, burst_room(cpu, op, SEG_ES, index_get(cpu, REG_RDI, op), d));
    uint8_t *to;

    if (n < 2)
        return 0;
    to = tlb_hit(cpu, d, 1, ACC_W);
    if (!to)
        return 0;
    host_stos(to, cpu->gpr[REG_RAX], n, op->size);
    index_add(cpu, REG_RDI, op, (int64_t)(n * op->size));
    return n;
}

/* ---- single iterations ---- */

static void movs_one(struct cpu *cpu, const struct insn *i, const struct string_op *op)
{
    uint64_t v = mem_ld(cpu, i, source(cpu, i, op), op->size);

    mem_st(cpu, i, dest(cpu, i, op, ACC_W), v, op->size);
    index_add(cpu, REG_RSI, op, op->step);
    index_add(cpu, REG_RDI, op, op->step);
}

static void stos_one(struct cpu *cpu, const struct insn *i, const struct string_op *op)
{
    mem_st(cpu, i, dest(cpu, i, op, ACC_W), reg_get(cpu, REG_RAX, i->osz), op->size);
    index_add(cpu, REG_RDI, op, op->step);
}

static void lods_one(struct cpu *cpu, const struct insn *i, const struct string_op *op)
{
    reg_set(cpu, REG_RAX, mem_ld(cpu, i, source(cpu, i, op), op->size), i->osz);
    index_add(cpu, REG_RSI, op, op->step);
}

/* Of the access that is about to be made, should an SMI come of it; leave_* say when. */
static void note_port(struct cpu *cpu, const struct insn *i, uint16_t port, unsigned size, bool in)
{
    cpu->last_io.io = (struct smm_io){.rip = insn_rip(cpu, i),
                                      .rcx = cpu->gpr[REG_RCX],
                                      .rsi = cpu->gpr[REG_RSI],
                                      .rdi = cpu->gpr[REG_RDI],
                                      .port = port,
                                      .size = (uint8_t)size,
                                      .in = in,
                                      .string = true,
                                      .rep = i->flags & (INSN_REP | INSN_REPNE)};
}

static void ins_one(struct cpu *cpu, const struct insn *i, const struct string_op *op)
{
    uint16_t port = (uint16_t)cpu->gpr[REG_RDX];
    gva_t d = dest(cpu, i, op, ACC_W);

    AT(i);
    sys_check_io(cpu, port, op->size);
    mem_probe(cpu, i, d, op->size, ACC_W); /* a fault must come before the port is read */
    note_port(cpu, i, port, op->size, true);
    mem_st(cpu, i, d, cpu_port_read(cpu, port, op->size), op->size);
    debug_io_access(cpu, port, op->size);
    index_add(cpu, REG_RDI, op, op->step);
}

static void outs_one(struct cpu *cpu, const struct insn *i, const struct string_op *op)
{
    uint16_t port = (uint16_t)cpu->gpr[REG_RDX];
    uint64_t v;

    AT(i);
    sys_check_io(cpu, port, op->size);
    v = mem_ld(cpu, i, source(cpu, i, op), op->size);
    note_port(cpu, i, port, op->size, false);
    cpu_port_write(cpu, port, v, op->size);
    debug_io_access(cpu, port, op->size);
    index_add(cpu, REG_RSI, op, op->step);
}

static void flags_compare(struct cpu *cpu, uint64_t a, uint64_t b, unsigned size)
{
    uint64_t r = a - b, c = (~a & b) | ((~a | b) & r);

    cpu->cc_res = sext(r, size);
    cpu->cc_vec = (c << (64 - 8 * size) & (CC_CF | CC_TOP)) | (c & CC_AF);
}

static void cmps_one(struct cpu *cpu, const struct insn *i, const struct string_op *op)
{
    uint64_t a = mem_ld(cpu, i, source(cpu, i, op), op->size);
    uint64_t b = mem_ld(cpu, i, dest(cpu, i, op, ACC_R), op->size);

    index_add(cpu, REG_RSI, op, op->step);
    index_add(cpu, REG_RDI, op, op->step);
    flags_compare(cpu, a, b, op->size);
}

static void scas_one(struct cpu *cpu, const struct insn *i, const struct string_op *op)
{
    uint64_t b = mem_ld(cpu, i, dest(cpu, i, op, ACC_R), op->size);

    index_add(cpu, REG_RDI, op, op->step);
    flags_compare(cpu, reg_get(cpu, REG_RAX, i->osz), b, op->size);
}

/* ---- the repeat ---- */

typedef void string_one(struct cpu *cpu, const struct insn *i, const struct string_op *op);
typedef uint64_t string_burst(struct cpu *cpu, const struct insn *i, const struct string_op *op,
                              uint64_t count);

/* Runs some iterations; true when the instruction is finished. `compare`: REPE/REPNE look at ZF.
 * After a port access attention is heeded at once: the device may have changed the memory map. */
static bool run_string(struct cpu *cpu, const struct insn *i, string_one *one, string_burst *burst,
                       bool compare, unsigned max_size)
{
    struct string_op op = string_op(cpu, i, max_size);
    bool port = max_size < 8;
    unsigned looks = 0;

    if (!repeated(i)) {
        one(cpu, i, &op);
        return true;
    }
    for (;;) {
        uint64_t count = reg_get(cpu, REG_RCX, op.asz), done = 0;

        if (!count)
            return true;
        if (burst && !one_by_one(cpu))
            done = burst(cpu, i, &op, count);
        if (!done) {
            one(cpu, i, &op);
            done = 1;
        }
        reg_set(cpu, REG_RCX, count - done, op.asz);
        if (compare && flag_zf(cpu) != !!(i->flags & INSN_REP))
            return true;
        if (count == done)
            return true;
        if (one_by_one(cpu) || (cpu->cur_block && cpu->cur_block->stale))
            return false;
        if ((looks++ & (MAX_BURSTS - 1)) == MAX_BURSTS - 1 || done > 1 || port) {
            if (atomic_load_explicit(&cpu->attention, memory_order_relaxed))
                return false;
        }
    }
}

void exec_unfinished(struct cpu *cpu, const struct insn *i)
{
    struct block *b = cpu->cur_block;

    cpu->icount -= (uint64_t)(b->n - (i - b->insns));
    cpu->gpr[REG_RIP] = insn_rip(cpu, i);
    if (cpu->ring)
        ring_left(cpu, i, true);
    cpu->rflags |= FL_RF;
    cpu->mid_string = true;
    if (cpu_debugs(cpu, DEBUG_CODE))
        debugger_goes_on(cpu);
}

/* Leaves behind an instruction that does not end its block. */
static void leave_behind(struct cpu *cpu, const struct insn *i)
{
    struct block *b = cpu->cur_block;

    cpu->icount -= (uint64_t)(b->n - (i - b->insns) - 1);
    cpu->gpr[REG_RIP] = insn_next_rip(cpu, i);
    if (cpu->ring)
        ring_left(cpu, i, true);
}

#define STRING(name, burst, compare, max)                                                          \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        if (unlikely(!run_string(cpu, i, name##_one, burst, compare, max))) {                      \
            exec_unfinished(cpu, i);                                                               \
            if ((max) < 8)                                                                         \
                cpu->last_io.at = cpu->icount;                                                     \
            LEAVE;                                                                                 \
        }                                                                                          \
        if ((max) < 8 && atomic_load_explicit(&cpu->attention, memory_order_relaxed)) {            \
            leave_behind(cpu, i);                                                                  \
            cpu->last_io.at = cpu->icount;                                                         \
            LEAVE;                                                                                 \
        }                                                                                          \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, name);
STRING(movs, movs_burst, false, 8)
STRING(stos, stos_burst, false, 8)
STRING(lods, NULL, false, 8)
STRING(cmps, NULL, true, 8)
STRING(scas, NULL, true, 8)
STRING(ins, NULL, false, 4)
STRING(outs, NULL, false, 4)
