/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PUSH and POP of general registers, memory and immediates; PUSHA, POPA, ENTER, LEAVE. SDM
 * volume 2. */
#include "cpu/stack.h"

#include "cpu/exec.h"
#include "cpu/regs.h"

/* The hot forms: 64-bit mode, full size. */
HANDLER(push64_r)
{
    uint64_t sp = cpu->gpr[REG_RSP] - 8;

    mem_st64(cpu, i, sp, cpu->gpr[i->rm]);
    cpu->gpr[REG_RSP] = sp;
    NEXT;
}

HANDLER(pop64_r)
{
    uint64_t v = mem_ld64(cpu, i, cpu->gpr[REG_RSP]);

    cpu->gpr[REG_RSP] += 8;
    cpu->gpr[i->rm] = v; /* POP RSP: the value wins */
    NEXT;
}

HANDLER(push)
{
    stack_push(cpu, i, rm_get(cpu, i, i->osz), OSIZE(i));
    NEXT;
}

HANDLER(push_i)
{
    stack_push(cpu, i, zext(i->imm, OSIZE(i)), OSIZE(i));
    NEXT;
}

HANDLER(pop_r)
{
    uint64_t v = stack_read(cpu, i, 0, OSIZE(i));

    stack_adjust(cpu, OSIZE(i));
    reg_set(cpu, i->rm, v, i->osz);
    NEXT;
}

/* An address that uses rSP is computed after the increment. */
HANDLER(pop_m)
{
    uint64_t v = stack_read(cpu, i, 0, OSIZE(i)), old = cpu->gpr[REG_RSP];
    gva_t va;

    stack_adjust(cpu, OSIZE(i));
    AT(i);
    /* if the store faults, rSP must be what it was */
    {
        uint64_t now = cpu->gpr[REG_RSP];
        uint64_t off = ea_offset(cpu, i);

        cpu->gpr[REG_RSP] = old;
        va = seg_linear(cpu, i, i->seg, off, OSIZE(i), ACC_W);
        mem_st(cpu, i, va, v, OSIZE(i));
        cpu->gpr[REG_RSP] = now;
    }
    NEXT;
}

const struct family h_push = {
    .fn = {{0}, {push, push}, {push, push}, {push64_r, push}},
};
const struct family h_pop = {
    .fn = {{0}, {pop_r, pop_m}, {pop_r, pop_m}, {pop64_r, pop_m}},
};
FAMILY(h_push_i, push_i);

HANDLER(pusha)
{
    unsigned size = OSIZE(i);
    uint64_t sp = cpu->gpr[REG_RSP];

    for (unsigned k = 0; k < 8; k++) {
        uint64_t v = k == REG_RSP ? sp : cpu->gpr[k];

        stack_write(cpu, i, -(int64_t)(size * (k + 1)), zext(v, size), size);
    }
    stack_adjust(cpu, -(uint64_t)(8 * size));
    NEXT;
}
FAMILY(h_pusha, pusha);

HANDLER(popa)
{
    unsigned size = OSIZE(i);
    uint64_t v[8];

    for (unsigned k = 0; k < 8; k++)
        v[k] = stack_read(cpu, i, size * (7 - k), size);
    stack_adjust(cpu, 8 * size);
    for (unsigned k = 0; k < 8; k++) {
        if (k != REG_RSP)
            reg_set(cpu, k, v[k], i->osz);
    }
    NEXT;
}
FAMILY(h_popa, popa);

HANDLER(enter)
{
    unsigned size = OSIZE(i), level = (unsigned)i->disp & 31;
    uint64_t sp = stack_pointer(cpu), rbp = cpu->gpr[REG_RBP], frame;
    int64_t delta = -(int64_t)size;

    stack_write(cpu, i, delta, zext(rbp, size), size);
    /* the whole of ESP, though a 16-bit stack counts in SP alone */
    frame = (cpu->gpr[REG_RSP] & ~stack_mask(cpu)) | ((sp - size) & stack_mask(cpu));
    for (unsigned k = 1; k < level; k++) {
        /* the display: pointers of the enclosing frames, found through rBP */
        int64_t from = (int64_t)(rbp - sp - size * k); /* wraps */

        delta -= size;
        stack_write(cpu, i, delta, stack_read(cpu, i, from, size), size);
    }
    if (level) {
        delta -= size;
        stack_write(cpu, i, delta, zext(frame, size), size);
    }
    delta -= (int64_t)i->imm;
    /* the new stack top must be writable */
    mem_probe(cpu, i, stack_linear(cpu, i, delta, size, ACC_W), size, ACC_W);
    stack_adjust(cpu, (uint64_t)delta);
    reg_set(cpu, REG_RBP, frame, i->osz);
    NEXT;
}
FAMILY(h_enter, enter);

HANDLER(leave)
{
    unsigned size = OSIZE(i);
    int64_t at = (int64_t)(cpu->gpr[REG_RBP] - stack_pointer(cpu));
    uint64_t v = stack_read(cpu, i, at, size);

    stack_adjust(cpu, (uint64_t)at + size);
    reg_set(cpu, REG_RBP, v, i->osz);
    NEXT;
}
FAMILY(h_leave, leave);
