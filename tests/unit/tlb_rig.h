/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of the TLB do with the paging rig: run the instructions that drop translations, change
 * entries in memory only, and look through which translation an address is seen.
 */
#ifndef TESTS_UNIT_TLB_RIG_H
#define TESTS_UNIT_TLB_RIG_H

#include "tests/unit/mmu_rig.h"

/* Runs one instruction, given as up to 8 bytes, in ring `cpl` with RAX and RBX set. Where it stood.
 */
static inline uint64_t rig_insn_at(struct rig *r, unsigned cpl, uint64_t code, uint64_t rax,
                                   uint64_t rbx)
{
    static uint32_t where;
    uint32_t at;

    where = (where + 16) & 0x7ff;
    at = (cpl == 3 ? RIG_UCODE : FX_CODE) + 0x400 + where;
    rig_ring(r, cpl);
    fx_wr(r->fx, at, code, 8);
    cpu_note_code_write(r->fx->cpu, at, 8);
    r->fx->cpu->gpr[REG_RIP] = at;
    r->fx->cpu->gpr[REG_RAX] = rax;
    r->fx->cpu->gpr[REG_RBX] = rbx;
    fx_run(r->fx, 1);
    return at;
}

/* The same in ring 0; it must not fault. */
static inline void rig_insn(struct rig *r, uint64_t code, unsigned len, uint64_t rax, uint64_t rbx)
{
    uint64_t at = rig_insn_at(r, 0, code, rax, rbx);

    assert_int_equal(fx_rip(r->fx), at + len);
}

/* The same; the vector that it raised with error code 0 (if it has one), or -1: it went somewhere
 * else. */
static inline int rig_raises(struct rig *r, unsigned cpl, uint64_t code, uint64_t rax, uint64_t rbx)
{
    uint64_t rip;

    rig_insn_at(r, cpl, code, rax, rbx);
    rip = fx_rip(r->fx);
    if (rip < FX_HAND || rip >= FX_HAND + 32 * 4)
        return -1;
    return (int)(rip - FX_HAND) / 4;
}

#define MOV_CR0_EAX 0xc0220f, 3
#define MOV_CR3_EAX 0xd8220f, 3
#define MOV_CR4_EAX 0xe0220f, 3
#define INVLPG_EBX  0x3b010f, 3

static inline void rig_invpcid(struct rig *r, uint64_t type, uint64_t pcid, gva_t va)
{
    fx_wr(r->fx, 0xb000, pcid, 8);
    fx_wr(r->fx, 0xb008, va, 8);
    rig_insn(r, UINT64_C(0x0382380f66), 5, type, 0xb000);
}

/* Whether reads of va still go to the page at `gpa`, which starts with a mark of its own. */
static inline bool sees(struct rig *r, gva_t va, uint32_t gpa)
{
    struct rig_result res;
    gva_t keep = r->va;

    fx_wr(r->fx, gpa + RIG_DATA, 0x77, 1);
    r->va = va;
    res = rig_go(r, 0, RIG_READ);
    r->va = keep;
    fx_wr(r->fx, gpa + RIG_DATA, 0, 1);
    return res.vector == -1 && (r->fx->cpu->gpr[REG_RAX] & 0xff) == 0x77;
}

/* Takes the page away, in memory only. */
static inline void unmap(struct rig *r)
{
    rig_set(r, r->n - 1, 0);
}

static inline bool mapped(struct rig *r)
{
    return sees(r, r->va, RIG_TARGET);
}

#endif
