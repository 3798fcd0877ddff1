/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SSE4.2's comparisons of strings: PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM, legacy and with VEX.
 * SDM volume 2, 4.1. SSE2 serves for them: the immediate is a constant to the host's instruction,
 * and compilers would make 256 of it.
 */
#include "cpu/simd/vex.h"

/* The immediate. */
#define IMM_WORDS  0x01u
#define IMM_SIGNED 0x02u
#define IMM_AGGR   0x0cu
#define IMM_ANY    0x00u
#define IMM_RANGES 0x04u
#define IMM_EACH   0x08u
#define IMM_NEGATE 0x10u
#define IMM_MASKED 0x20u
#define IMM_TOP    0x40u /* of the index: the last; of the mask: a whole element for each bit */

/* Two strings: `n` elements fit, the first `la` and `lb` of them count. */
struct strings {
    __m128i a, b;
    unsigned la, lb, n;
    unsigned imm;
};

static unsigned lowest(unsigned bits)
{
    return (1u << bits) - 1;
}

/* A bit for each element of a comparison's result. */
static unsigned element_bits(const struct strings *s, __m128i v)
{
    if (s->imm & IMM_WORDS)
        v = _mm_packs_epi16(v, _mm_setzero_si128());
    return (unsigned)_mm_movemask_epi8(v);
}

static __m128i equal(const struct strings *s, __m128i x, __m128i y)
{
    return s->imm & IMM_WORDS ? _mm_cmpeq_epi16(x, y) : _mm_cmpeq_epi8(x, y);
}

static __m128i greater(const struct strings *s, __m128i x, __m128i y)
{
    return s->imm & IMM_WORDS ? _mm_cmpgt_epi16(x, y) : _mm_cmpgt_epi8(x, y);
}

static __m128i in_all(const struct strings *s, const union xmm *v, unsigned k)
{
    return s->imm & IMM_WORDS ? _mm_set1_epi16((short)v->w[k]) : _mm_set1_epi8((char)v->b[k]);
}

static union xmm elements(__m128i v)
{
    union xmm u;

    _mm_store_si128((__m128i *)&u, v);
    return u;
}

/* ---- the four aggregations: a bit for each element of b ---- */

static unsigned equal_any(const struct strings *s)
{
    union xmm a = elements(s->a);
    __m128i found = _mm_setzero_si128();

    for (unsigned k = 0; k < s->la; k++)
        found = _mm_or_si128(found, equal(s, s->b, in_all(s, &a, k)));
    return element_bits(s, found) & lowest(s->lb);
}

/* Each pair of a's elements is a range, both ends within. */
static unsigned ranges(const struct strings *s)
{
    __m128i top = s->imm & IMM_SIGNED  ? _mm_setzero_si128()
                  : s->imm & IMM_WORDS ? _mm_set1_epi16(INT16_MIN)
                                       : _mm_set1_epi8(INT8_MIN);
    union xmm a = elements(_mm_xor_si128(s->a, top));
    __m128i b = _mm_xor_si128(s->b, top);
    unsigned r = 0;

    for (unsigned k = 0; k + 1 < s->la; k += 2) {
        __m128i below = greater(s, in_all(s, &a, k), b);
        __m128i above = greater(s, b, in_all(s, &a, k + 1));

        r |= ~element_bits(s, _mm_or_si128(below, above));
    }
    return r & lowest(s->lb);
}

/* Behind both ends strings are equal. */
static unsigned equal_each(const struct strings *s)
{
    unsigned both = lowest(s->la) & lowest(s->lb), neither = ~(lowest(s->la) | lowest(s->lb));

    return (element_bits(s, equal(s, s->a, s->b)) & both) | (neither & lowest(s->n));
}

/* Where a begins in b; the end of the register may cut it off. */
static unsigned equal_ordered(const struct strings *s)
{
    union xmm a = elements(s->a);
    unsigned r = lowest(s->n);

    for (unsigned k = 0; k < s->la; k++) {
        unsigned same = element_bits(s, equal(s, s->b, in_all(s, &a, k))) & lowest(s->lb);

        r &= same >> k | ~lowest(s->n - k);
    }
    return r;
}

static unsigned aggregate(const struct strings *s)
{
    switch (s->imm & IMM_AGGR) {
    case IMM_ANY: return equal_any(s);
    case IMM_RANGES: return ranges(s);
    case IMM_EACH: return equal_each(s);
    default: return equal_ordered(s);
    }
}

/* The result after polarity (the manual's IntRes2), and the flags. */
static unsigned compare(struct cpu *cpu, const struct strings *s)
{
    unsigned r = aggregate(s);

    if (s->imm & IMM_NEGATE)
        r ^= s->imm & IMM_MASKED ? lowest(s->lb) : lowest(s->n);
    flags_set_arith(cpu, (r ? FL_CF : 0) | (s->lb < s->n ? FL_ZF : 0) | (s->la < s->n ? FL_SF : 0) |
                             (r & 1 ? FL_OF : 0));
    return r;
}

/* ---- lengths ---- */

static struct strings strings_begin(const struct cpu *cpu, const struct insn *i, __m128i b)
{
    struct strings s = {.a = xmm_get(cpu, i->reg), .b = b, .imm = (unsigned)i->imm};

    s.n = s.imm & IMM_WORDS ? 8 : 16;
    return s;
}

/* Up to the first zero. */
static unsigned implicit_length(const struct strings *s, __m128i v)
{
    return (unsigned)__builtin_ctz(element_bits(s, equal(s, v, _mm_setzero_si128())) | 1u << s->n);
}

static struct strings implicit(const struct cpu *cpu, const struct insn *i, __m128i b)
{
    struct strings s = strings_begin(cpu, i, b);

    s.la = implicit_length(&s, s.a);
    s.lb = implicit_length(&s, s.b);
    return s;
}

/* A register's absolute value, up to n. */
static unsigned explicit_length(const struct strings *s, const struct insn *i, uint64_t v)
{
    int64_t len = i->flags & INSN_REXW ? (int64_t)v : (int32_t)v;
    uint64_t size = len < 0 ? -(uint64_t)len : (uint64_t)len;

    return size < s->n ? (unsigned)size : s->n;
}

static struct strings explicit(const struct cpu *cpu, const struct insn *i, __m128i b)
{
    struct strings s = strings_begin(cpu, i, b);

    s.la = explicit_length(&s, i, cpu->gpr[REG_RAX]);
    s.lb = explicit_length(&s, i, cpu->gpr[REG_RDX]);
    return s;
}

/* ---- results ---- */

/* ECX: the first or last place; n if there is none. */
static void set_index(struct cpu *cpu, struct strings s)
{
    unsigned r = compare(cpu, &s);

    if (!r)
        cpu->gpr[REG_RCX] = s.n;
    else if (s.imm & IMM_TOP)
        cpu->gpr[REG_RCX] = 31 - (unsigned)__builtin_clz(r);
    else
        cpu->gpr[REG_RCX] = (unsigned)__builtin_ctz(r);
}

/* For XMM0: the bits, or as many whole elements. */
static __m128i make_mask(struct cpu *cpu, struct strings s)
{
    unsigned bits = compare(cpu, &s);
    __m128i r, bit;

    if (!(s.imm & IMM_TOP))
        return _mm_cvtsi32_si128((int)bits);
    if (s.imm & IMM_WORDS) {
        r = _mm_set1_epi16((short)bits);
        bit = _mm_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128);
        return _mm_cmpeq_epi16(_mm_and_si128(r, bit), bit);
    }
    r = _mm_unpacklo_epi64(_mm_set1_epi8((char)bits), _mm_set1_epi8((char)(bits >> 8)));
    bit = _mm_set1_epi64x((long long)0x8040201008040201);
    return _mm_cmpeq_epi8(_mm_and_si128(r, bit), bit);
}

#define COMPARISON(name, lengths)                                                                  \
    static void name##i_do(struct cpu *cpu, const struct insn *i, __m128i b)                       \
    {                                                                                              \
        set_index(cpu, lengths(cpu, i, b));                                                        \
    }                                                                                              \
    FORMS_RM(name##i, xmm_get(cpu, i->rm), ldu128, 16)                                             \
    static void name##m_do(struct cpu *cpu, const struct insn *i, __m128i b)                       \
    {                                                                                              \
        xmm_set(cpu, 0, make_mask(cpu, lengths(cpu, i, b)));                                       \
    }                                                                                              \
    FORMS_RM(name##m, xmm_get(cpu, i->rm), ldu128, 16)                                             \
    static void v##name##m_do(struct cpu *cpu, const struct insn *i, __m128i b)                    \
    {                                                                                              \
        xmm_set_vex(cpu, 0, make_mask(cpu, lengths(cpu, i, b)));                                   \
    }                                                                                              \
    FORMS_RM(v##name##m, xmm_get(cpu, i->rm), ldu128, 16)
COMPARISON(pcmpistr, implicit)
COMPARISON(pcmpestr, explicit)
