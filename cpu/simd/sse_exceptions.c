/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SSE exceptions that the guest has not masked. The host runs with every one masked; what the flags
 * say then is what the guest's processor would have found, but for overflow and underflow: a tiny
 * result counts even if it is exact, and PE tells of the result before its exponent is cut, so
 * those flags are computed once more, exactly. SDM volume 1, 4.9.1.4-4.9.1.6, 11.5 and E.4.
 */
#include "cpu/simd/soft_simd.h"

/* The instruction runs with clean flags. Flushing to zero is in force only while underflow is
 * masked. */
void sse_precise_begin(struct cpu *cpu)
{
    uint32_t v = cpu->mxcsr_host;

    sse_sync(cpu);
    if (!(cpu->mxcsr & MXCSR_UM))
        v &= ~MXCSR_FZ;
    host_set_mxcsr(v);
}

struct lanes {
    union xmm x, y, z;
};

static struct lanes lanes_of(const struct sse_work *w, unsigned half)
{
    struct lanes l;

    _mm_store_si128((__m128i *)&l.x, w->x[half]);
    _mm_store_si128((__m128i *)&l.y, w->y[half]);
    _mm_store_si128((__m128i *)&l.z, w->z[half]);
    return l;
}

/* Lane n of HADDPS and its kin takes lanes 2n and 2n + 1 of both operands in a row. */
static uint64_t neighbour(const struct lanes *l, enum sse_kind kind, unsigned k)
{
    unsigned lanes = soft_lanes(kind);

    return k < lanes ? soft_lane(&l->x, kind, k) : soft_lane(&l->y, kind, k - lanes);
}

/* x + y, x - y */
static void add(struct soft_env *e, const struct soft_format *f, uint64_t x, uint64_t y, bool minus)
{
    soft_fma(e, f, x, soft_one(f), y, false, minus);
}

static void compute_lane(struct soft_env *e, const struct sse_work *w, const struct lanes *l,
                         unsigned n)
{
    const struct soft_format *f = soft_format_of(w->kind);
    uint64_t x = soft_lane(&l->x, w->kind, n), y = soft_lane(&l->y, w->kind, n);

    switch (w->op) {
    case SSE_OTHER: break;
    case SSE_ADD: add(e, f, x, y, false); break;
    case SSE_SUB: add(e, f, x, y, true); break;
    case SSE_ADDSUB: add(e, f, x, y, !(n & 1)); break;
    case SSE_HADD:
    case SSE_HSUB:
        add(e, f, neighbour(l, w->kind, 2 * n), neighbour(l, w->kind, 2 * n + 1),
            w->op == SSE_HSUB);
        break;
    case SSE_MUL: soft_fma(e, f, x, y, 0, false, false); break;
    case SSE_DIV: soft_div(e, f, x, y); break;
    case SSE_FMA:
        soft_fma(e, f, x, y, soft_lane(&l->z, w->kind, n), w->minus[0], w->minus[1 + (n & 1)]);
        break;
    case SSE_NARROW: soft_narrow(e, &soft_double, &soft_single, x); break;
    case SSE_TO_HALF: soft_narrow(e, &soft_single, &soft_half, x); break;
    }
}

/* OE, UE and PE by the guest's masks. */
static uint32_t range_flags(const struct cpu *cpu, const struct sse_work *w)
{
    struct soft_env e = {.mxcsr = cpu->mxcsr};

    if (w->op == SSE_TO_HALF)
        soft_round_by(&e, w->imm);
    for (unsigned half = 0; half < 2; half++) {
        struct lanes l = lanes_of(w, half);

        for (unsigned n = 0; n < soft_lanes(w->kind); n++)
            compute_lane(&e, w, &l, n);
    }
    return e.flags & (MXCSR_OE | MXCSR_UE | MXCSR_PE);
}

void sse_precise_end(struct cpu *cpu, const struct insn *i, const struct sse_work *w)
{
    uint32_t flags = host_mxcsr() & MXCSR_FLAGS, raised;

    host_set_mxcsr(cpu->mxcsr_host);
    if (w && w->op != SSE_OTHER && (~cpu->mxcsr & (MXCSR_OM | MXCSR_UM)))
        flags = (flags & (MXCSR_IE | MXCSR_DE | MXCSR_ZE)) | range_flags(cpu, w);
    raised = flags & ~(cpu->mxcsr / (MXCSR_MASKS / MXCSR_FLAGS));
    /* What is found before computing keeps the rest from being found. */
    if (raised & (MXCSR_IE | MXCSR_DE | MXCSR_ZE))
        flags &= MXCSR_IE | MXCSR_DE | MXCSR_ZE;
    cpu->mxcsr |= flags;
    if (raised)
        RAISE(cpu->cr4 & CR4_OSXMMEXCPT ? EXC_XM : EXC_UD);
}
