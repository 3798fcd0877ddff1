/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all of SSE rests on: slow memory operands, exceptions that are not masked, MXCSR, fences and
 * hints. SDM volume 1, sections 10.2.3, 11.5 and E.4; volume 2, LDMXCSR, STMXCSR.
 */
#include <stdatomic.h>

#include "cpu/simd/simd.h"

__m128i simd_ld128_slow(struct cpu *cpu, const struct insn *i, gva_t va)
{
    uint8_t buf[16];

    mem_read_bytes(cpu, i, va, buf, 16, ACC_R);
    return _mm_loadu_si128((const __m128i *)buf);
}

void simd_st128_slow(struct cpu *cpu, const struct insn *i, gva_t va, __m128i v)
{
    uint8_t buf[16];

    _mm_storeu_si128((__m128i *)buf, v);
    mem_write_bytes(cpu, i, va, buf, 16, ACC_W);
}

void simd_misaligned(struct cpu *cpu, const struct insn *i)
{
    RAISE_ERR(EXC_GP, 0);
}

/* ---- exceptions ---- */

#define MXCSR_UM         0x0800u
#define MXCSR_MASK_SHIFT 7

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

/* Whether a lane of the result is denormal: with underflow not masked that is an underflow even if
 * it is exact, which the masked run does not flag. */
static bool sse_tiny(__m128i r, enum sse_result kind)
{
    static const struct {
        uint8_t lanes, width, fraction;
    } of[] = {
        [SSE_NONE] = {0, 0, 0}, [SSE_PS] = {4, 32, 23}, [SSE_SS] = {1, 32, 23},
        [SSE_PD] = {2, 64, 52}, [SSE_SD] = {1, 64, 52}, [SSE_PH] = {8, 16, 10},
    };
    union xmm v;

    _mm_store_si128((__m128i *)&v, r);
    for (unsigned n = 0; n < of[kind].lanes; n++) {
        uint64_t lane = of[kind].width == 16 ? v.w[n] : of[kind].width == 32 ? v.d[n] : v.q[n];
        uint64_t magnitude = lane & ~(UINT64_C(1) << (of[kind].width - 1));

        if (magnitude && !(magnitude >> of[kind].fraction))
            return true;
    }
    return false;
}

void sse_precise_end(struct cpu *cpu, const struct insn *i, __m128i r, __m128i r2,
                     enum sse_result kind)
{
    uint32_t flags = host_mxcsr() & MXCSR_FLAGS, raised;

    host_set_mxcsr(cpu->mxcsr_host);
    if (!(cpu->mxcsr & MXCSR_UM) && (sse_tiny(r, kind) || sse_tiny(r2, kind)))
        flags |= MXCSR_UE;
    raised = flags & ~(cpu->mxcsr >> MXCSR_MASK_SHIFT);
    /* With overflow or underflow not masked PE should tell of the result before its exponent was
     * cut; it tells of the cut one here, and may be set where it need not be. What is found before
     * computing keeps the rest from being found. */
    if (raised & (MXCSR_IE | MXCSR_DE | MXCSR_ZE))
        flags &= MXCSR_IE | MXCSR_DE | MXCSR_ZE;
    cpu->mxcsr |= flags;
    if (raised)
        RAISE(cpu->cr4 & CR4_OSXMMEXCPT ? EXC_XM : EXC_UD);
}

/* ---- MXCSR ---- */

HANDLER(ldmxcsr)
{
    uint32_t v = mem_ld32(cpu, i, ea_gen(cpu, i, 4, ACC_R));

    if (v & ~MXCSR_VALID)
        RAISE_ERR(EXC_GP, 0);
    sse_set_mxcsr(cpu, v);
    fpu_enter(cpu);
    NEXT;
}
FAMILY(h_ldmxcsr, ldmxcsr);

HANDLER(stmxcsr)
{
    sse_sync(cpu);
    mem_st32(cpu, i, ea_gen(cpu, i, 4, ACC_W), cpu->mxcsr);
    NEXT;
}
FAMILY(h_stmxcsr, stmxcsr);

/* ---- order and hints ---- */

HANDLER(mfence)
{
    atomic_thread_fence(memory_order_seq_cst);
    NEXT;
}
FAMILY(h_mfence, mfence);

/* Guest stores and loads are host ones in program order, so nothing is left to do. */
HANDLER(lsfence)
{
    atomic_signal_fence(memory_order_seq_cst);
    NEXT;
}
FAMILY(h_lsfence, lsfence);

HANDLER(prefetch)
{
    NEXT;
}
FAMILY(h_prefetch, prefetch);
