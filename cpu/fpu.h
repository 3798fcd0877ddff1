/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floating-point state: bits of the x87 words, power-on state, the FXSAVE image, and the rules by
 * which the host's MXCSR is the guest's while guest code runs. SDM volume 1, chapters 8-11; volume
 * 2, FXSAVE.
 *
 * MXCSR. Between fpu_enter and fpu_exit the host's MXCSR holds the guest's rounding mode, DAZ and
 * FZ with every exception masked; exception flags gather there and reach cpu->mxcsr at sse_sync.
 * Outside, the host's MXCSR is its default. Host code called from a handler (device hooks) runs
 * between fpu_host_begin and fpu_host_end. All of these belong to the vCPU's thread.
 *
 * x87. The host's x87 keeps its default control word between instructions; handlers change it for
 * as long as they need.
 */
#ifndef CPU_FPU_H
#define CPU_FPU_H

#include "cpu/cpu.h"

/* x87 status word. */
#define SW_IE        0x0001u
#define SW_DE        0x0002u
#define SW_ZE        0x0004u
#define SW_OE        0x0008u
#define SW_UE        0x0010u
#define SW_PE        0x0020u
#define SW_SF        0x0040u
#define SW_ES        0x0080u
#define SW_C0        0x0100u
#define SW_C1        0x0200u
#define SW_C2        0x0400u
#define SW_TOP       0x3800u
#define SW_C3        0x4000u
#define SW_B         0x8000u
#define SW_FLAGS     0x003fu
#define SW_CC        (SW_C0 | SW_C1 | SW_C2 | SW_C3)
#define SW_TOP_SHIFT 11

/* x87 control word. */
#define CW_MASKS   0x003fu
#define CW_UM      0x0010u
#define CW_PC      0x0300u
#define CW_RC      0x0c00u
#define CW_VALID   0x1f3fu /* bits that FLDCW can change */
#define CW_ONES    0x0040u /* reads as 1 */
#define CW_INIT    0x037fu /* FNINIT; also what the ABI promises host code */
#define CW_POWERON 0x0040u

#define FXSAVE_SIZE 512
#define FXSAVE_XMM  160u /* where its XMM registers begin (SDM volume 1, 10.5.1) */

/* Power-on state (SDM 3A, table 10-1); INIT keeps everything. */
void fpu_reset(struct cpu *cpu, bool init);

/* What FNINIT does. */
void fpu_ninit(struct cpu *cpu);

/* The status word with TOP in its place. */
static inline uint16_t fpu_status(const struct cpu *cpu)
{
    return (uint16_t)((cpu->fpu.sw & ~SW_TOP) | (unsigned)cpu->fpu.top << SW_TOP_SHIFT);
}

/* Load control or status word, and derive ES and B from both; lets go of FERR# when nothing is
 * pending any more. The status word gives TOP as well. */
void fpu_set_cw(struct cpu *cpu, uint16_t cw);
void fpu_set_sw(struct cpu *cpu, uint16_t sw);

/* The full tag word (two bits a register) from the registers' contents, and the abridged one from
 * it. */
uint16_t fpu_tag_word(const struct cpu *cpu);
uint8_t fpu_abridge_tags(uint16_t tag_word);

/* IGNNE#: the board asserts it at the guest's write to port F0. From then on, and until the
 * exception flags are cleared (when FERR# falls too), x87 instructions go on in spite of them.
 * Nothing while FERR# is not asserted. In the vCPU thread (port write hook). */
void fpu_assert_ignne(struct cpu *cpu);

/* The image that FXSAVE makes (bytes 0..415; the rest is zeroed), and back. `wide` is the layout
 * with 64-bit pointers; the first `vectors` XMM registers are loaded, the others stay.
 * fpu_set_image is false, with nothing changed, when MXCSR has reserved bits. Neither may be called
 * from another thread than the vCPU's while it runs. */
void fpu_get_image(struct cpu *cpu, uint8_t image[FXSAVE_SIZE], bool wide);
bool fpu_set_image(struct cpu *cpu, const uint8_t image[FXSAVE_SIZE], bool wide, unsigned vectors);

/* The x87 part of such an image back, and x87 as XRSTOR initialises it (SDM volume 1, 13.6): with
 * all registers zero, too. */
void fpu_set_x87_image(struct cpu *cpu, const uint8_t image[FXSAVE_SIZE], bool wide);
void fpu_init_x87(struct cpu *cpu);

/* Replaces the guest's MXCSR (no reserved bits). Does not touch the host's: to be followed by
 * fpu_enter when guest code is running. */
void sse_set_mxcsr(struct cpu *cpu, uint32_t mxcsr);

static inline uint32_t host_mxcsr(void)
{
    uint32_t v;

    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return v;
}

static inline void host_set_mxcsr(uint32_t v)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(v));
}

/* Before the first guest instruction. */
static inline void fpu_enter(struct cpu *cpu)
{
    host_set_mxcsr(cpu->mxcsr_host);
}

/* Brings the flags in cpu->mxcsr up to date; only between fpu_enter and fpu_exit. */
static inline void sse_sync(struct cpu *cpu)
{
    cpu->mxcsr |= host_mxcsr() & MXCSR_FLAGS;
}

/* After the last guest instruction. */
static inline void fpu_exit(struct cpu *cpu)
{
    sse_sync(cpu);
    host_set_mxcsr(MXCSR_DEFAULT);
}

/* Around host code that may compute: it sees the host's rounding, and its flags stay out of the
 * guest's. */
static inline void fpu_host_begin(struct cpu *cpu)
{
    uint32_t now = host_mxcsr();

    cpu->mxcsr |= now & MXCSR_FLAGS;
    if (unlikely((now & ~MXCSR_FLAGS) != MXCSR_DEFAULT))
        host_set_mxcsr(MXCSR_DEFAULT);
}

static inline void fpu_host_end(struct cpu *cpu)
{
    if (host_mxcsr() != cpu->mxcsr_host)
        host_set_mxcsr(cpu->mxcsr_host);
}

#endif
