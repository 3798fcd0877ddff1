/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moves: MOV in all forms, MOVZX, MOVSX, MOVSXD, LEA, XCHG, BSWAP, CMOVcc, SETcc, MOVBE, XLAT, and
 * the sign extensions of the accumulator. SDM volume 2.
 */
#include <sched.h>

#include "cpu/exec.h"
#include "cpu/regs.h"

#define PAUSES 32 /* between two offers of the processor to other threads */

/* ---- MOV ---- */

#define MOV_MEM(bits, form)                                                                        \
    HANDLER(mov_eg_##form##bits)                                                                   \
    {                                                                                              \
        mem_st##bits(cpu, i, EA_##form(bits, ACC_W), GET_##bits(i->reg));                          \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(mov_ge_##form##bits)                                                                   \
    {                                                                                              \
        uint##bits##_t v = mem_ld##bits(cpu, i, EA_##form(bits, ACC_R));                           \
                                                                                                   \
        SET_##bits(i->reg, v);                                                                     \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(mov_ei_##form##bits)                                                                   \
    {                                                                                              \
        mem_st##bits(cpu, i, EA_##form(bits, ACC_W), (uint##bits##_t)i->imm);                      \
        NEXT;                                                                                      \
    }
#define MOV_SIZE(bits)                                                                             \
    HANDLER(mov_eg_r##bits)                                                                        \
    {                                                                                              \
        SET_##bits(i->rm, GET_##bits(i->reg));                                                     \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(mov_ge_r##bits)                                                                        \
    {                                                                                              \
        SET_##bits(i->reg, GET_##bits(i->rm));                                                     \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(mov_ei_r##bits)                                                                        \
    {                                                                                              \
        SET_##bits(i->rm, i->imm);                                                                 \
        NEXT;                                                                                      \
    }                                                                                              \
    MOV_MEM(bits, gen)                                                                             \
    MOV_MEM(bits, x32)                                                                             \
    MOV_MEM(bits, x64)                                                                             \
    MOV_MEM(bits, b64)
MOV_SIZE(8)
MOV_SIZE(16)
MOV_SIZE(32)
MOV_SIZE(64)

#define FORMS(op, bits)                                                                            \
    {                                                                                              \
        op##_r##bits, op##_gen##bits, op##_x32##bits, op##_x64##bits, op##_b64##bits               \
    }
#define MOV_FAMILY(op)                                                                             \
    const struct family h_##op = {                                                                 \
        .fn = {FORMS(op, 8), FORMS(op, 16), FORMS(op, 32), FORMS(op, 64)}};
MOV_FAMILY(mov_eg)
MOV_FAMILY(mov_ge)
MOV_FAMILY(mov_ei)

/* AL/rAX and an absolute offset of address size, in the immediate. */
static gva_t moffs(struct cpu *cpu, const struct insn *i, unsigned acc)
{
    return seg_linear(cpu, i, i->seg, i->imm, OSIZE(i), acc);
}

HANDLER(mov_load_offs)
{
    reg_set(cpu, REG_RAX, mem_ld(cpu, i, moffs(cpu, i, ACC_R), OSIZE(i)), i->osz);
    NEXT;
}
FAMILY(h_mov_load_offs, mov_load_offs);

HANDLER(mov_store_offs)
{
    mem_st(cpu, i, moffs(cpu, i, ACC_W), reg_get(cpu, REG_RAX, i->osz), OSIZE(i));
    NEXT;
}
FAMILY(h_mov_store_offs, mov_store_offs);

/* ---- extensions ---- */

#define EXTEND(name, from, bits, conv)                                                             \
    HANDLER(name##_r##bits)                                                                        \
    {                                                                                              \
        SET_##bits(i->reg, (uint##bits##_t)(conv)GET_##from(i->rm));                               \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(name##_gen##bits)                                                                      \
    {                                                                                              \
        SET_##bits(i->reg, (uint##bits##_t)(conv)mem_ld##from(cpu, i, EA_gen(from, ACC_R)));       \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(name##_x32##bits)                                                                      \
    {                                                                                              \
        SET_##bits(i->reg, (uint##bits##_t)(conv)mem_ld##from(cpu, i, EA_x32(from, ACC_R)));       \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(name##_x64##bits)                                                                      \
    {                                                                                              \
        SET_##bits(i->reg, (uint##bits##_t)(conv)mem_ld##from(cpu, i, EA_x64(from, ACC_R)));       \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(name##_b64##bits)                                                                      \
    {                                                                                              \
        SET_##bits(i->reg, (uint##bits##_t)(conv)mem_ld##from(cpu, i, EA_b64(from, ACC_R)));       \
        NEXT;                                                                                      \
    }
#define EXTEND_FAMILY(name, from, conv)                                                            \
    EXTEND(name, from, 16, conv)                                                                   \
    EXTEND(name, from, 32, conv)                                                                   \
    EXTEND(name, from, 64, conv)                                                                   \
    const struct family h_##name = {.fn = {{0}, FORMS(name, 16), FORMS(name, 32), FORMS(name, 64)}};

EXTEND_FAMILY(movzx_b, 8, uint8_t)
EXTEND_FAMILY(movzx_w, 16, uint16_t)
EXTEND_FAMILY(movsx_b, 8, int8_t)
EXTEND_FAMILY(movsx_w, 16, int16_t)
EXTEND_FAMILY(movsxd, 32, int32_t)

HANDLER(cwde)
{
    switch (i->osz) {
    case SZ16: SET_16(REG_RAX, (int8_t)cpu->gpr[REG_RAX]); break;
    case SZ32: SET_32(REG_RAX, (uint32_t)(int16_t)cpu->gpr[REG_RAX]); break;
    default: SET_64(REG_RAX, (uint64_t)(int32_t)cpu->gpr[REG_RAX]); break;
    }
    NEXT;
}
FAMILY(h_cwde, cwde);

HANDLER(cdq)
{
    uint64_t sign = (uint64_t)((int64_t)sext(cpu->gpr[REG_RAX], OSIZE(i)) >> 63);

    reg_set(cpu, REG_RDX, sign, i->osz);
    NEXT;
}
FAMILY(h_cdq, cdq);

/* ---- LEA ---- */

HANDLER(lea_gen)
{
    reg_set(cpu, i->reg, ea_offset(cpu, i), i->osz);
    NEXT;
}

HANDLER(lea32_x32)
{
    SET_32(i->reg, ea_x32(cpu, i));
    NEXT;
}

HANDLER(lea32_x64)
{
    SET_32(i->reg, ea_x64(cpu, i));
    NEXT;
}

HANDLER(lea64_x64)
{
    SET_64(i->reg, ea_x64(cpu, i));
    NEXT;
}

HANDLER(lea64_b64)
{
    SET_64(i->reg, ea_b64(cpu, i));
    NEXT;
}

const struct family h_lea = {
    .fn = {{0},
           {NULL, lea_gen},
           {NULL, lea_gen, lea32_x32, lea32_x64},
           {NULL, lea_gen, NULL, lea64_x64, lea64_b64}},
};

/* ---- XCHG (with memory always locked), BSWAP ---- */

#define XCHG(bits)                                                                                 \
    HANDLER(xchg_r##bits)                                                                          \
    {                                                                                              \
        uint##bits##_t a = GET_##bits(i->rm), b = GET_##bits(i->reg);                              \
                                                                                                   \
        SET_##bits(i->rm, b);                                                                      \
        SET_##bits(i->reg, a);                                                                     \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(xchg_m##bits)                                                                          \
    {                                                                                              \
        gva_t va = ea_gen(cpu, i, bits / 8, ACC_R | ACC_W);                                        \
        uint##bits##_t *p = mem_rmw##bits(cpu, i, va), a, b = GET_##bits(i->reg);                  \
                                                                                                   \
        if (likely(p)) {                                                                           \
            a = __atomic_exchange_n(p, b, __ATOMIC_SEQ_CST);                                       \
        } else {                                                                                   \
            do {                                                                                   \
                mem_lock(cpu, i, va, bits / 8);                                                    \
                a = (uint##bits##_t)mem_read_slow(cpu, i, va, bits / 8);                           \
                mem_write_slow(cpu, i, va, b, bits / 8);                                           \
            } while (!mem_unlock(cpu));                                                            \
        }                                                                                          \
        SET_##bits(i->reg, a);                                                                     \
        NEXT;                                                                                      \
    }
XCHG(8)
XCHG(16)
XCHG(32)
XCHG(64)
const struct family h_xchg = {
    .fn = {{xchg_r8, xchg_m8}, {xchg_r16, xchg_m16}, {xchg_r32, xchg_m32}, {xchg_r64, xchg_m64}}};

HANDLER(bswap)
{
    switch (i->osz) {
    case SZ16: SET_16(i->rm, 0); break; /* undefined; processors clear it */
    case SZ32: SET_32(i->rm, __builtin_bswap32((uint32_t)cpu->gpr[i->rm])); break;
    default: SET_64(i->rm, __builtin_bswap64(cpu->gpr[i->rm])); break;
    }
    NEXT;
}
FAMILY(h_bswap, bswap);

static uint64_t swap_bytes(uint64_t v, unsigned osz)
{
    return __builtin_bswap64(v) >> (64 - (8u << osz));
}

HANDLER(movbe_load)
{
    uint64_t v = mem_ld(cpu, i, ea_gen(cpu, i, OSIZE(i), ACC_R), OSIZE(i));

    reg_set(cpu, i->reg, swap_bytes(v, i->osz), i->osz);
    NEXT;
}
FAMILY(h_movbe_load, movbe_load);

HANDLER(movbe_store)
{
    mem_st(cpu, i, ea_gen(cpu, i, OSIZE(i), ACC_W),
           swap_bytes(reg_get(cpu, i->reg, i->osz), i->osz), OSIZE(i));
    NEXT;
}
FAMILY(h_movbe_store, movbe_store);

/* ---- CMOVcc, SETcc ---- */

/* The source is read, and a 32-bit destination cleared above, whether the condition holds or not.
 */
#define CMOV_SIZE(cc, cond, bits)                                                                  \
    HANDLER(cmov_##cc##_r##bits)                                                                   \
    {                                                                                              \
        uint##bits##_t v = GET_##bits(i->rm), old = GET_##bits(i->reg);                            \
                                                                                                   \
        SET_##bits(i->reg, (cond) ? v : old);                                                      \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(cmov_##cc##_m##bits)                                                                   \
    {                                                                                              \
        uint##bits##_t v = mem_ld##bits(cpu, i, ea_gen(cpu, i, bits / 8, ACC_R)),                  \
                       old = GET_##bits(i->reg);                                                   \
                                                                                                   \
        SET_##bits(i->reg, (cond) ? v : old);                                                      \
        NEXT;                                                                                      \
    }
#define CONDITION(cc, cond)                                                                        \
    CMOV_SIZE(cc, cond, 16)                                                                        \
    CMOV_SIZE(cc, cond, 32)                                                                        \
    CMOV_SIZE(cc, cond, 64)                                                                        \
    const struct family h_cmov_##cc = {.fn = {{0},                                                 \
                                              {cmov_##cc##_r16, cmov_##cc##_m16},                  \
                                              {cmov_##cc##_r32, cmov_##cc##_m32},                  \
                                              {cmov_##cc##_r64, cmov_##cc##_m64}}};                \
    HANDLER(set_##cc##_r)                                                                          \
    {                                                                                              \
        SET_8(i->rm, (cond) ? 1 : 0);                                                              \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(set_##cc##_m)                                                                          \
    {                                                                                              \
        mem_st8(cpu, i, ea_gen(cpu, i, 1, ACC_W), (cond) ? 1 : 0);                                 \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY_RM(h_set_##cc, set_##cc##_r, set_##cc##_m);

CONDITION(o, flag_of(cpu))
CONDITION(no, !flag_of(cpu))
CONDITION(b, flag_cf(cpu))
CONDITION(ae, !flag_cf(cpu))
CONDITION(e, flag_zf(cpu))
CONDITION(ne, !flag_zf(cpu))
CONDITION(be, flag_cf(cpu) || flag_zf(cpu))
CONDITION(a, !(flag_cf(cpu) || flag_zf(cpu)))
CONDITION(s, flag_sf(cpu))
CONDITION(ns, !flag_sf(cpu))
CONDITION(p, flag_pf(cpu))
CONDITION(np, !flag_pf(cpu))
CONDITION(l, flag_sf(cpu) != flag_of(cpu))
CONDITION(ge, flag_sf(cpu) == flag_of(cpu))
CONDITION(le, flag_zf(cpu) || flag_sf(cpu) != flag_of(cpu))
CONDITION(g, !flag_zf(cpu) && flag_sf(cpu) == flag_of(cpu))

/* ---- the rest ---- */

HANDLER(xlat)
{
    uint64_t off = cpu->gpr[REG_RBX] + (uint8_t)cpu->gpr[REG_RAX];

    off = i->asz == SZ64 ? off : i->asz == SZ32 ? (uint32_t)off : (uint16_t)off;
    SET_8(REG_RAX, mem_ld8(cpu, i, seg_linear(cpu, i, i->seg, off, 1, ACC_R)));
    NEXT;
}
FAMILY(h_xlat, xlat);

HANDLER(nop)
{
    NEXT;
}
FAMILY(h_nop, nop);

/* Who waits for another vCPU lets it have the host's processor. */
HANDLER(pause)
{
    if (cpu_group_size(cpu->group) > 1 && !(++cpu->pauses % PAUSES)) {
        cpu_leave_guest(cpu);
        sched_yield();
        cpu_enter_guest(cpu);
    }
    NEXT;
}
FAMILY(h_pause, pause);

/* CLFLUSH is a load as far as faults go (SDM volume 2). */
HANDLER(clflush)
{
    mem_probe(cpu, i, ea_gen(cpu, i, 1, ACC_R), 1, ACC_R);
    NEXT;
}
FAMILY(h_clflush, clflush);
