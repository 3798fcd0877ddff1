/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all of SSE rests on: slow memory operands, MXCSR, fences and
 * hints. SDM volume 1, sections 10.2.3 and 11.5; volume 2, LDMXCSR, STMXCSR.
 */
#include <stdatomic.h>

#include "cpu/lint.h"
#include "cpu/simd/simd.h"

__m128i simd_ld128_slow(struct cpu *cpu, const struct insn *i, gva_t va)
{
    uint8_t buf[16];

    mem_check_aligned(cpu, i, va, 16);
    mem_read_bytes(cpu, i, va, buf, 16, ACC_R);
    return _mm_loadu_si128((const __m128i *)buf);
}

void simd_st128_slow(struct cpu *cpu, const struct insn *i, gva_t va, __m128i v)
{
    uint8_t buf[16];

    _mm_storeu_si128((__m128i *)buf, v);
    mem_check_aligned(cpu, i, va, 16);
    mem_write_bytes(cpu, i, va, buf, 16, ACC_W);
}

void simd_misaligned(struct cpu *cpu, const struct insn *i)
{
    RAISE_ERR(EXC_GP, 0);
}

/* ---- MXCSR ---- */

HANDLER(ldmxcsr)
{
    uint32_t v = mem_ld32(cpu, i, ea_gen(cpu, i, 4, ACC_R));

    if (v & ~MXCSR_VALID) {
        AT(i);
        lint_mxcsr(v);
        RAISE_ERR(EXC_GP, 0);
    }
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
