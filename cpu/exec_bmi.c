/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Later general-register arithmetic: LZCNT TZCNT, ADCX ADOX, CRC32, BMI1 and BMI2. SDM volume 2.
 * The flags that LZCNT and TZCNT leave undefined are cleared; those that BMI1 and BZHI do follow
 * from the result, AF is cleared.
 */
#include "cpu/crc32c.h"
#include "cpu/exec.h"
#include "cpu/regs.h"

/* Handlers of an operation `static inline void OP(cpu, i, v, osz)` on an r/m operand v, one for
 * registers and one for memory of each size. */
#define RM_SIZE(op, bits, osz_)                                                                    \
    HANDLER(op##_r##bits)                                                                          \
    {                                                                                              \
        op(cpu, i, reg_get(cpu, i->rm, osz_), osz_);                                               \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(op##_m##bits)                                                                          \
    {                                                                                              \
        op(cpu, i, mem_ld##bits(cpu, i, ea_gen(cpu, i, (bits) / 8, ACC_R)), osz_);                 \
        NEXT;                                                                                      \
    }
/* By operand size; and where it is 64 bits by REX.W, else 32, so that 66 does not count. */
#define FAMILY_V(op)                                                                               \
    RM_SIZE(op, 16, SZ16)                                                                          \
    RM_SIZE(op, 32, SZ32)                                                                          \
    RM_SIZE(op, 64, SZ64)                                                                          \
    const struct family h_##op = {                                                                 \
        .fn = {{NULL}, {op##_r16, op##_m16}, {op##_r32, op##_m32}, {op##_r64, op##_m64}}}
#define FAMILY_Y(op)                                                                               \
    RM_SIZE(op, 32, SZ32)                                                                          \
    RM_SIZE(op, 64, SZ64)                                                                          \
    const struct family h_##op = {                                                                 \
        .fn = {{NULL}, {op##_r32, op##_m32}, {op##_r32, op##_m32}, {op##_r64, op##_m64}}}

/* ---- counts of zeros ---- */

static inline void set_count(struct cpu *cpu, const struct insn *i, unsigned n, unsigned osz)
{
    reg_set(cpu, i->reg, n, osz);
    flags_set_arith(cpu, (n == 8u << osz ? FL_CF : 0) | (n ? 0 : FL_ZF));
}

static inline void lzcnt(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    unsigned bits = 8u << osz;

    set_count(cpu, i, v ? (unsigned)__builtin_clzll(v) - (64 - bits) : bits, osz);
}
FAMILY_V(lzcnt);

static inline void tzcnt(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    set_count(cpu, i, v ? (unsigned)__builtin_ctzll(v) : 8u << osz, osz);
}
FAMILY_V(tzcnt);

/* ---- additions with a carry of their own ---- */

/* reg += v + *carry; *carry = the carry out. */
static inline void add_carry(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz,
                             bool *carry)
{
    if (osz == SZ64) {
        unsigned __int128 sum = (unsigned __int128)cpu->gpr[i->reg] + v + *carry;

        cpu->gpr[i->reg] = (uint64_t)sum;
        *carry = sum >> 64;
    } else {
        uint64_t sum = (uint64_t)GET_32(i->reg) + v + *carry;

        SET_32(i->reg, (uint32_t)sum);
        *carry = sum >> 32;
    }
}

static inline void adcx(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    bool c = flag_cf(cpu);

    add_carry(cpu, i, v, osz, &c);
    flags_set_cf(cpu, c);
}
FAMILY_Y(adcx);

static inline void adox(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    bool c = flag_of(cpu);

    add_carry(cpu, i, v, osz, &c);
    flags_set_cf_of(cpu, flag_cf(cpu), c);
}
FAMILY_Y(adox);

/* ---- CRC32: the destination's upper half is cleared, whatever its size ---- */

static inline void crc32(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    cpu->gpr[i->reg] = crc32c(GET_32(i->reg), v, 1u << osz);
}
RM_SIZE(crc32, 8, SZ8)
RM_SIZE(crc32, 16, SZ16)
RM_SIZE(crc32, 32, SZ32)
RM_SIZE(crc32, 64, SZ64)
const struct family h_crc32 = {.fn = {{crc32_r8, crc32_m8},
                                      {crc32_r16, crc32_m16},
                                      {crc32_r32, crc32_m32},
                                      {crc32_r64, crc32_m64}}};

/* ---- BMI1 and BMI2 ---- */

/* SF, ZF and PF from the result, CF as given, OF and AF clear. */
static inline void flags_result(struct cpu *cpu, uint64_t r, unsigned osz, bool cf)
{
    cpu->cc_res = osz == SZ64 ? r : (uint64_t)(int64_t)(int32_t)r;
    cpu->cc_vec = cf ? CC_CF | CC_TOP : 0;
}

static inline uint64_t vvvv_get(const struct cpu *cpu, const struct insn *i, unsigned osz)
{
    return reg_get(cpu, i->vvvv, osz);
}

static inline void andn(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    uint64_t r = ~vvvv_get(cpu, i, osz) & v;

    reg_set(cpu, i->reg, r, osz);
    flags_result(cpu, r, osz, false);
}
FAMILY_Y(andn);

static inline void blsr(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    uint64_t r = v & (v - 1);

    reg_set(cpu, i->vvvv, r, osz);
    flags_result(cpu, r, osz, !v);
}
FAMILY_Y(blsr);

static inline void blsmsk(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    uint64_t r = v ^ (v - 1);

    reg_set(cpu, i->vvvv, r, osz);
    flags_result(cpu, r, osz, !v);
}
FAMILY_Y(blsmsk);

static inline void blsi(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    uint64_t r = v & (0 - v);

    reg_set(cpu, i->vvvv, r, osz);
    flags_result(cpu, r, osz, v);
}
FAMILY_Y(blsi);

/* The low n bits of v. */
static inline uint64_t low_bits(uint64_t v, unsigned n)
{
    return n < 64 ? v & ((UINT64_C(1) << n) - 1) : v;
}

static inline void bextr(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    unsigned start = (uint8_t)cpu->gpr[i->vvvv], count = (uint8_t)(cpu->gpr[i->vvvv] >> 8);
    uint64_t r = start < 64 ? low_bits(v >> start, count) : 0;

    reg_set(cpu, i->reg, r, osz);
    flags_result(cpu, r, osz, false);
}
FAMILY_Y(bextr);

static inline void bzhi(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    unsigned n = (uint8_t)cpu->gpr[i->vvvv];
    uint64_t r = low_bits(v, n);

    reg_set(cpu, i->reg, r, osz);
    flags_result(cpu, r, osz, n >= 8u << osz);
}
FAMILY_Y(bzhi);

/* Bits of the source go by turns to, or come from, where the mask v has ones. */
static inline void pdep(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    uint64_t src = vvvv_get(cpu, i, osz), r = 0;

    for (; v; v &= v - 1, src >>= 1)
        r |= v & (0 - v) & (0 - (src & 1));
    reg_set(cpu, i->reg, r, osz);
}
FAMILY_Y(pdep);

static inline void pext(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    uint64_t src = vvvv_get(cpu, i, osz), r = 0;

    for (uint64_t bit = 1; v; v &= v - 1, bit <<= 1)
        r |= src & v & (0 - v) ? bit : 0;
    reg_set(cpu, i->reg, r, osz);
}
FAMILY_Y(pext);

/* Where both destinations are one register it gets the high half. */
static inline void mulx(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    unsigned __int128 r = (unsigned __int128)v * reg_get(cpu, REG_RDX, osz);

    reg_set(cpu, i->vvvv, (uint64_t)r, osz);
    reg_set(cpu, i->reg, (uint64_t)(r >> (8u << osz)), osz);
}
FAMILY_Y(mulx);

static inline unsigned shift_count(const struct cpu *cpu, const struct insn *i, unsigned osz)
{
    return (unsigned)cpu->gpr[i->vvvv] & ((8u << osz) - 1);
}

static inline void shlx(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    reg_set(cpu, i->reg, v << shift_count(cpu, i, osz), osz);
}
FAMILY_Y(shlx);

static inline void shrx(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    reg_set(cpu, i->reg, v >> shift_count(cpu, i, osz), osz);
}
FAMILY_Y(shrx);

static inline void sarx(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    int64_t s = osz == SZ64 ? (int64_t)v : (int32_t)v;

    reg_set(cpu, i->reg, (uint64_t)(s >> shift_count(cpu, i, osz)), osz);
}
FAMILY_Y(sarx);

static inline void rorx(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    unsigned bits = 8u << osz, n = (unsigned)i->imm & (bits - 1);

    reg_set(cpu, i->reg, v >> n | v << (-n & (bits - 1)), osz);
}
FAMILY_Y(rorx);
