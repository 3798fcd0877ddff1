/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bits and atomics: BT BTS BTR BTC, BSF BSR POPCNT, XADD, CMPXCHG, CMPXCHG8B/16B. SDM volume 2.
 * BT's undefined flags keep their values; BSF and BSR of zero leave the destination alone, as
 * processors do.
 */
#include "cpu/exec.h"
#include "cpu/features.h"
#include "cpu/regs.h"

/* ---- BT family ---- */

#define BIT_bt(v, m)  (v)
#define BIT_bts(v, m) ((v) | (m))
#define BIT_btr(v, m) ((v) & ~(m))
#define BIT_btc(v, m) ((v) ^ (m))

/* A read-modify-write of `size` bytes at va with new = BIT_op(old, mask); returns old. */
#define BIT_RMW(op)                                                                                \
    RACY UNALIGNED_GUEST static uint64_t rmw_##op(struct cpu *cpu, const struct insn *i, gva_t va, \
                                                  unsigned size, uint64_t m)                       \
    {                                                                                              \
        void *p = mem_rmw_slow(cpu, i, va, size);                                                  \
        uint64_t old;                                                                              \
                                                                                                   \
        if (!p) {                                                                                  \
            do {                                                                                   \
                if (i->flags & INSN_LOCK)                                                          \
                    mem_lock(cpu, i, va, size);                                                    \
                old = mem_read_slow(cpu, i, va, size);                                             \
                mem_write_slow(cpu, i, va, BIT_##op(old, m), size);                                \
            } while (!mem_unlock(cpu));                                                            \
            return old;                                                                            \
        }                                                                                          \
        if (!(i->flags & INSN_LOCK)) {                                                             \
            old = 0;                                                                               \
            ram_copy(&old, p, size);                                                               \
            m = BIT_##op(old, m);                                                                  \
            ram_copy(p, &m, size);                                                                 \
            return old;                                                                            \
        }                                                                                          \
        if (size == 8) {                                                                           \
            uint64_t v = __atomic_load_n((uint64_t *)p, __ATOMIC_RELAXED);                         \
                                                                                                   \
            while (!__atomic_compare_exchange_n((uint64_t *)p, &v, BIT_##op(v, m), true,           \
                                                __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))               \
                ;                                                                                  \
            return v;                                                                              \
        }                                                                                          \
        if (size == 4) {                                                                           \
            uint32_t v = __atomic_load_n((uint32_t *)p, __ATOMIC_RELAXED);                         \
                                                                                                   \
            while (!__atomic_compare_exchange_n((uint32_t *)p, &v, (uint32_t)(BIT_##op(v, m)),     \
                                                true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))         \
                ;                                                                                  \
            return v;                                                                              \
        }                                                                                          \
        uint16_t v = __atomic_load_n((uint16_t *)p, __ATOMIC_RELAXED);                             \
                                                                                                   \
        while (!__atomic_compare_exchange_n((uint16_t *)p, &v, (uint16_t)(BIT_##op(v, m)), true,   \
                                            __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))                   \
            ;                                                                                      \
        return v;                                                                                  \
    }
BIT_RMW(bts)
BIT_RMW(btr)
BIT_RMW(btc)

/* BT only reads. */
static uint64_t rmw_bt(struct cpu *cpu, const struct insn *i, gva_t va, unsigned size, uint64_t m)
{
    (void)m;
    return mem_ld(cpu, i, va, size);
}

/* With a register bit number a memory operand is a bit string: the number moves the address. */
static gva_t bit_string(struct cpu *cpu, const struct insn *i, unsigned acc)
{
    int64_t bit = (int64_t)sext(cpu->gpr[i->reg], OSIZE(i));
    uint64_t off = ea_offset(cpu, i) + (uint64_t)((bit >> (3 + i->osz)) * (int64_t)OSIZE(i));

    if (i->asz != SZ64)
        off = i->asz == SZ32 ? (uint32_t)off : (uint16_t)off;
    return seg_linear(cpu, i, i->seg, off, OSIZE(i), acc);
}

#define BIT_OP(op, acc)                                                                            \
    HANDLER(op##_g_m)                                                                              \
    {                                                                                              \
        unsigned n = (unsigned)cpu->gpr[i->reg] & (8 * OSIZE(i) - 1);                              \
        uint64_t old = rmw_##op(cpu, i, bit_string(cpu, i, acc), OSIZE(i), UINT64_C(1) << n);      \
                                                                                                   \
        flags_set_cf(cpu, (old >> n) & 1);                                                         \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(op##_i_m)                                                                              \
    {                                                                                              \
        unsigned n = (unsigned)i->imm & (8 * OSIZE(i) - 1);                                        \
        gva_t va = ea_gen(cpu, i, OSIZE(i), acc);                                                  \
        uint64_t old = rmw_##op(cpu, i, va, OSIZE(i), UINT64_C(1) << n);                           \
                                                                                                   \
        flags_set_cf(cpu, (old >> n) & 1);                                                         \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(op##_g_r)                                                                              \
    {                                                                                              \
        unsigned n = (unsigned)cpu->gpr[i->reg] & (8 * OSIZE(i) - 1);                              \
        uint64_t v = reg_get(cpu, i->rm, i->osz);                                                  \
                                                                                                   \
        reg_set(cpu, i->rm, BIT_##op(v, UINT64_C(1) << n), i->osz);                                \
        flags_set_cf(cpu, (v >> n) & 1);                                                           \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(op##_i_r)                                                                              \
    {                                                                                              \
        unsigned n = (unsigned)i->imm & (8 * OSIZE(i) - 1);                                        \
        uint64_t v = reg_get(cpu, i->rm, i->osz);                                                  \
                                                                                                   \
        reg_set(cpu, i->rm, BIT_##op(v, UINT64_C(1) << n), i->osz);                                \
        flags_set_cf(cpu, (v >> n) & 1);                                                           \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY_RM(h_##op##_g, op##_g_r, op##_g_m);                                                     \
    FAMILY_RM(h_##op##_i, op##_i_r, op##_i_m);
BIT_OP(bts, ACC_R | ACC_W)
BIT_OP(btr, ACC_R | ACC_W)
BIT_OP(btc, ACC_R | ACC_W)

/* BT of a register must not write it: a 32-bit destination would lose its upper half. */
HANDLER(bt_g_m)
{
    unsigned n = (unsigned)cpu->gpr[i->reg] & (8 * OSIZE(i) - 1);

    flags_set_cf(cpu, (rmw_bt(cpu, i, bit_string(cpu, i, ACC_R), OSIZE(i), 0) >> n) & 1);
    NEXT;
}

HANDLER(bt_g_r)
{
    flags_set_cf(cpu, (cpu->gpr[i->rm] >> (cpu->gpr[i->reg] & (8 * OSIZE(i) - 1))) & 1);
    NEXT;
}

HANDLER(bt_i)
{
    flags_set_cf(cpu, (rm_get(cpu, i, i->osz) >> (i->imm & (8 * OSIZE(i) - 1))) & 1);
    NEXT;
}
FAMILY_RM(h_bt_g, bt_g_r, bt_g_m);
FAMILY(h_bt_i, bt_i);

/* ---- scans ---- */

static void flags_set_zf(struct cpu *cpu, bool zf)
{
    flags_set_arith(cpu, (flags_arith(cpu) & ~(uint32_t)FL_ZF) | (zf ? FL_ZF : 0u));
}

HANDLER(bsf)
{
    uint64_t v = rm_get(cpu, i, i->osz);

    if (v)
        reg_set(cpu, i->reg, (uint64_t)__builtin_ctzll(v), i->osz);
    flags_set_zf(cpu, !v);
    NEXT;
}
FAMILY(h_bsf, bsf);

HANDLER(bsr)
{
    uint64_t v = rm_get(cpu, i, i->osz);

    if (v)
        reg_set(cpu, i->reg, 63u - (unsigned)__builtin_clzll(v), i->osz);
    flags_set_zf(cpu, !v);
    NEXT;
}
FAMILY(h_bsr, bsr);

HANDLER(popcnt)
{
    uint64_t v = rm_get(cpu, i, i->osz);

    reg_set(cpu, i->reg, (uint64_t)__builtin_popcountll(v), i->osz);
    flags_set_arith(cpu, v ? 0 : FL_ZF);
    NEXT;
}
FAMILY(h_popcnt, popcnt);

/* ---- XADD, CMPXCHG: atomic whenever there is a host address, locked or not ---- */

#define ATOMICS(bits)                                                                              \
    HANDLER(xadd_r##bits)                                                                          \
    {                                                                                              \
        uint##bits##_t a = GET_##bits(i->rm), b = GET_##bits(i->reg), r = (uint##bits##_t)(a + b); \
                                                                                                   \
        SET_##bits(i->reg, a);                                                                     \
        SET_##bits(i->rm, r);                                                                      \
        flags_add##bits(cpu, a, b, r);                                                             \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(xadd_m##bits)                                                                          \
    {                                                                                              \
        gva_t va = ea_gen(cpu, i, bits / 8, ACC_R | ACC_W);                                        \
        uint##bits##_t *p = mem_rmw##bits(cpu, i, va), a, b = GET_##bits(i->reg);                  \
                                                                                                   \
        if (likely(p)) {                                                                           \
            a = __atomic_fetch_add(p, b, __ATOMIC_SEQ_CST);                                        \
        } else {                                                                                   \
            do {                                                                                   \
                mem_lock(cpu, i, va, bits / 8);                                                    \
                a = (uint##bits##_t)mem_read_slow(cpu, i, va, bits / 8);                           \
                mem_write_slow(cpu, i, va, (uint##bits##_t)(a + b), bits / 8);                     \
            } while (!mem_unlock(cpu));                                                            \
        }                                                                                          \
        SET_##bits(i->reg, a);                                                                     \
        flags_add##bits(cpu, a, b, (uint##bits##_t)(a + b));                                       \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(cmpxchg_r##bits)                                                                       \
    {                                                                                              \
        uint##bits##_t old = GET_##bits(i->rm), acc = GET_##bits(REG_RAX);                         \
                                                                                                   \
        if (old == acc)                                                                            \
            SET_##bits(i->rm, GET_##bits(i->reg));                                                 \
        else                                                                                       \
            SET_##bits(REG_RAX, old);                                                              \
        flags_sub##bits(cpu, acc, old, (uint##bits##_t)(acc - old));                               \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(cmpxchg_m##bits)                                                                       \
    {                                                                                              \
        gva_t va = ea_gen(cpu, i, bits / 8, ACC_R | ACC_W);                                        \
        uint##bits##_t *p = mem_rmw##bits(cpu, i, va), acc = GET_##bits(REG_RAX), old = acc;       \
                                                                                                   \
        if (likely(p)) {                                                                           \
            __atomic_compare_exchange_n(p, &old, GET_##bits(i->reg), false, __ATOMIC_SEQ_CST,      \
                                        __ATOMIC_SEQ_CST);                                         \
        } else { /* the destination is written either way */                                       \
            do {                                                                                   \
                mem_lock(cpu, i, va, bits / 8);                                                    \
                old = (uint##bits##_t)mem_read_slow(cpu, i, va, bits / 8);                         \
                mem_write_slow(cpu, i, va, old == acc ? GET_##bits(i->reg) : old, bits / 8);       \
            } while (!mem_unlock(cpu));                                                            \
        }                                                                                          \
        if (old != acc)                                                                            \
            SET_##bits(REG_RAX, old);                                                              \
        flags_sub##bits(cpu, acc, old, (uint##bits##_t)(acc - old));                               \
        NEXT;                                                                                      \
    }
ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)
#define ATOMIC_FAMILY(op)                                                                          \
    const struct family h_##op = {.fn = {{op##_r8, op##_m8},                                       \
                                         {op##_r16, op##_m16},                                     \
                                         {op##_r32, op##_m32},                                     \
                                         {op##_r64, op##_m64}}};
ATOMIC_FAMILY(xadd)
ATOMIC_FAMILY(cmpxchg)

HANDLER(cmpxchg8b)
{
    gva_t va = ea_gen(cpu, i, 8, ACC_R | ACC_W);
    uint64_t *p = mem_rmw64(cpu, i, va);
    uint64_t acc = (uint32_t)cpu->gpr[REG_RAX] | cpu->gpr[REG_RDX] << 32, old = acc;
    uint64_t new = (uint32_t)cpu->gpr[REG_RBX] | cpu->gpr[REG_RCX] << 32;

    if (likely(p)) {
        __atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    } else {
        do {
            mem_lock(cpu, i, va, 8);
            old = mem_read_slow(cpu, i, va, 8);
            mem_write_slow(cpu, i, va, old == acc ? new : old, 8);
        } while (!mem_unlock(cpu));
    }
    if (old != acc) {
        SET_32(REG_RAX, (uint32_t)old);
        SET_32(REG_RDX, old >> 32);
    }
    flags_set_zf(cpu, old == acc);
    NEXT;
}

/* The operand must be 16-byte aligned; it never crosses a page then. */
HANDLER(cmpxchg16b)
{
    gva_t va = ea_gen(cpu, i, 16, ACC_R | ACC_W);
    uint64_t old[2], new[2] = {cpu->gpr[REG_RBX], cpu->gpr[REG_RCX]};
    bool equal;

    if (!(cpu->features & FEAT(CX16)))
        RAISE(EXC_UD);
    if (va & 15)
        RAISE_ERR(EXC_GP, 0);
    mem_probe(cpu, i, va, 16, ACC_W);
    void *p = tlb_hit(cpu, va, 16, ACC_W);

    if (p) {
        old[0] = cpu->gpr[REG_RAX];
        old[1] = cpu->gpr[REG_RDX];
        equal = ram_cas16(p, old, new);
    } else {
        do {
            mem_lock(cpu, i, va, 16);
            mem_read_bytes(cpu, i, va, old, 16, ACC_R);
            equal = old[0] == cpu->gpr[REG_RAX] && old[1] == cpu->gpr[REG_RDX];
            mem_write_bytes(cpu, i, va, equal ? new : old, 16, ACC_W);
        } while (!mem_unlock(cpu));
    }
    if (!equal) {
        cpu->gpr[REG_RAX] = old[0];
        cpu->gpr[REG_RDX] = old[1];
    }
    flags_set_zf(cpu, equal);
    NEXT;
}
const struct family h_cmpxchg8b = {
    .fn = {{0}, {NULL, cmpxchg8b}, {NULL, cmpxchg8b}, {NULL, cmpxchg16b}}};
