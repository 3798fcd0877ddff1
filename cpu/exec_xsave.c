/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XGETBV, XSETBV and the XSAVE family. SDM volume 1, 13.7-13.13; volume 2, the instructions. The
 * modified optimisation (13.6, XMODIFIED) takes every component for modified, as a processor may;
 * the init optimisation is exact.
 */
#include "cpu/exec.h"
#include "cpu/far.h"
#include "cpu/features.h"
#include "cpu/fpu.h"
#include "cpu/lint.h"
#include "cpu/xsave.h"

/* ---- XCR0 ---- */

static uint64_t edx_eax(const struct cpu *cpu)
{
    return (uint32_t)cpu->gpr[REG_RAX] | cpu->gpr[REG_RDX] << 32;
}

static void check_enabled(struct cpu *cpu, const struct insn *i)
{
    if (!(cpu->cr4 & CR4_OSXSAVE))
        RAISE(EXC_UD);
}

/* MXCSR belongs to SSE state but not to XINUSE (13.6). */
static bool mxcsr_in_use(const struct cpu *cpu)
{
    return cpu->mxcsr != MXCSR_DEFAULT;
}

HANDLER(xgetbv)
{
    uint32_t n = (uint32_t)cpu->gpr[REG_RCX];
    uint64_t v = cpu->xcr0;

    check_enabled(cpu, i);
    if (n > 1 || (n == 1 && !(cpu->features & FEAT(XGETBV1))))
        RAISE_ERR(EXC_GP, 0);
    if (n == 1) {
        sse_sync(cpu);
        v &= xsave_in_use(cpu) | (mxcsr_in_use(cpu) ? XCR0_SSE : 0);
    }
    cpu->gpr[REG_RAX] = (uint32_t)v;
    cpu->gpr[REG_RDX] = v >> 32;
    NEXT;
}
FAMILY(h_xgetbv, xgetbv);

HANDLER(xsetbv)
{
    check_enabled(cpu, i);
    if (cpu->cpl > 0 || (uint32_t)cpu->gpr[REG_RCX] || !xsave_xcr0_ok(cpu->features, edx_eax(cpu)))
        RAISE_ERR(EXC_GP, 0);
    cpu->xcr0 = edx_eax(cpu);
    cpu_sync_mode(cpu);
    GO_ON_AFTER;
}
FAMILY(h_xsetbv, xsetbv);

/* ---- what all forms begin with ---- */

static void check_usable(struct cpu *cpu, const struct insn *i, bool privileged)
{
    check_enabled(cpu, i);
    if (cpu->cr0 & CR0_TS)
        RAISE(EXC_NM);
    if (privileged && cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
}

/* Linear address of an area of which `size` bytes are wanted. */
static gva_t area_at(struct cpu *cpu, const struct insn *i, unsigned size, unsigned acc)
{
    gva_t va = ea_gen(cpu, i, size, acc);

    if (va & 63)
        RAISE_ERR(EXC_GP, 0);
    return va;
}

/* ---- saving ---- */

enum { PLAIN, OPTIMISED, COMPACTED };

/* Legacy region: what `saved` has of x87 and XMM registers, and MXCSR if `mxcsr`. */
static void save_legacy(struct cpu *cpu, const struct insn *i, gva_t va, uint64_t saved, bool mxcsr)
{
    uint8_t image[FXSAVE_SIZE];

    if (!(saved & (XCR0_X87 | XCR0_SSE)) && !mxcsr)
        return;
    fpu_get_image(cpu, image, i->flags & INSN_REXW);
    if (saved & XCR0_X87) {
        mem_write_bytes(cpu, i, va, image, 24, ACC_W);
        mem_write_bytes(cpu, i, va + 32, image + 32, FXSAVE_XMM - 32, ACC_W);
    }
    if (mxcsr)
        mem_write_bytes(cpu, i, va + 24, image + 24, 8, ACC_W);
    if (saved & XCR0_SSE)
        mem_write_bytes(cpu, i, va + FXSAVE_XMM, image + FXSAVE_XMM, 16 * cpu_vector_count(cpu),
                        ACC_W);
}

static void save_extended(struct cpu *cpu, const struct insn *i, gva_t va, uint64_t saved,
                          uint64_t bv, bool compact)
{
    if (saved & XCR0_AVX) {
        union xmm high[16];

        for (unsigned n = 0; n < cpu_vector_count(cpu); n++)
            high[n] = cpu->ymm[n].x[1];
        mem_write_bytes(cpu, i, va + xsave_offset(2, bv, compact), high, 16 * cpu_vector_count(cpu),
                        ACC_W);
    }
    if (saved & XCR0_PKRU)
        mem_st64(cpu, i, va + xsave_offset(9, bv, compact), cpu->pkru);
}

/* The components of `bv` as the form `how` does it. */
static void save(struct cpu *cpu, const struct insn *i, uint64_t bv, unsigned how)
{
    bool compact = how == COMPACTED, mxcsr = bv & (XCR0_SSE | XCR0_AVX);
    unsigned size = xsave_size(bv, compact);
    gva_t va = area_at(cpu, i, size, ACC_W);
    uint64_t in_use, saved, header[2] = {0};

    sse_sync(cpu);
    in_use = xsave_in_use(cpu);
    mem_probe(cpu, i, va, size, ACC_W);
    if (compact) {
        saved = bv & (in_use | (mxcsr_in_use(cpu) ? XCR0_SSE : 0));
        mxcsr = saved & XCR0_SSE;
        header[0] = saved;
        header[1] = bv | XCOMP_COMPACT;
    } else {
        saved = how == OPTIMISED ? bv & in_use : bv;
        header[0] = (mem_ld64(cpu, i, va + XSAVE_HEADER) & ~bv) | (in_use & bv);
    }
    save_legacy(cpu, i, va, saved, mxcsr);
    save_extended(cpu, i, va, saved, bv, compact);
    mem_write_bytes(cpu, i, va + XSAVE_HEADER, header, compact ? 16 : 8, ACC_W);
}

HANDLER(xsave)
{
    check_usable(cpu, i, false);
    save(cpu, i, cpu->xcr0 & edx_eax(cpu), PLAIN);
    NEXT;
}
FAMILY(h_xsave, xsave);

HANDLER(xsaveopt)
{
    check_usable(cpu, i, false);
    save(cpu, i, cpu->xcr0 & edx_eax(cpu), OPTIMISED);
    NEXT;
}
FAMILY(h_xsaveopt, xsaveopt);

HANDLER(xsavec)
{
    check_usable(cpu, i, false);
    save(cpu, i, cpu->xcr0 & edx_eax(cpu), COMPACTED);
    NEXT;
}
FAMILY(h_xsavec, xsavec);

HANDLER(xsaves)
{
    check_usable(cpu, i, true);
    save(cpu, i, (cpu->xcr0 | cpu->xss) & edx_eax(cpu), COMPACTED);
    NEXT;
}
FAMILY(h_xsaves, xsaves);

/* ---- restoring ---- */

/* What an XSAVE area says, read before anything is changed. */
struct image {
    bool compact, mxcsr; /* MXCSR is loaded */
    uint64_t bv;         /* XSTATE_BV */
    uint8_t legacy[FXSAVE_SIZE];
    union xmm high[16];
    uint64_t pkru;
};

/* The header's checks (13.8.1, 13.8.2, 13.12); `known`: components that may be named. Into
 * *xcomp_bv. */
static void read_header(struct cpu *cpu, const struct insn *i, gva_t va, uint64_t known,
                        bool supervisor, struct image *m, uint64_t *xcomp_bv)
{
    uint64_t h[8], rest = 0, comp;

    mem_read_bytes(cpu, i, va + XSAVE_HEADER, h, sizeof(h), ACC_R);
    m->bv = h[0];
    comp = h[1];
    m->compact = comp & XCOMP_COMPACT;
    *xcomp_bv = comp;
    for (unsigned n = 2; n < (m->compact ? 8 : 3); n++)
        rest |= h[n];
    if (m->compact && (cpu->features & FEAT(XSAVEC))) {
        comp &= ~XCOMP_COMPACT;
        if (!(comp & ~known) && !(m->bv & ~comp) && !rest)
            return;
    } else if (!supervisor && !comp && !rest && !(m->bv & ~known)) {
        return;
    }
    RAISE_ERR(EXC_GP, 0);
}

/* Reads the components of `wanted` that the area has. */
static void read_image(struct cpu *cpu, const struct insn *i, gva_t va, uint64_t wanted,
                       uint64_t xcomp_bv, struct image *m)
{
    uint64_t here = wanted & m->bv;

    m->mxcsr = m->compact ? here & XCR0_SSE : wanted & (XCR0_SSE | XCR0_AVX);
    if ((here & (XCR0_X87 | XCR0_SSE)) || m->mxcsr)
        mem_read_bytes(cpu, i, va, m->legacy, FXSAVE_XMM + 16 * cpu_vector_count(cpu), ACC_R);
    if (m->mxcsr && (ld_le32(m->legacy + 24) & ~MXCSR_VALID)) {
        AT(i);
        lint_mxcsr(ld_le32(m->legacy + 24));
        RAISE_ERR(EXC_GP, 0);
    }
    if (here & XCR0_AVX)
        mem_read_bytes(cpu, i, va + xsave_offset(2, xcomp_bv, m->compact), m->high,
                       16 * cpu_vector_count(cpu), ACC_R);
    if (here & XCR0_PKRU)
        m->pkru = mem_ld64(cpu, i, va + xsave_offset(9, xcomp_bv, m->compact));
}

static void load_vectors(struct cpu *cpu, const struct image *m, uint64_t wanted)
{
    static const union xmm zero;

    for (unsigned n = 0; n < cpu_vector_count(cpu); n++) {
        if ((wanted & XCR0_SSE) && (m->bv & XCR0_SSE))
            memcpy(cpu->ymm[n].x[0].b, m->legacy + FXSAVE_XMM + 16 * n, 16);
        else if (wanted & XCR0_SSE)
            cpu->ymm[n].x[0] = zero;
        if (wanted & XCR0_AVX)
            cpu->ymm[n].x[1] = m->bv & XCR0_AVX ? m->high[n] : zero;
    }
}

/* Every component of `wanted`: from the image, or to its initial configuration. Cannot fault. */
static void load_image(struct cpu *cpu, const struct insn *i, uint64_t wanted,
                       const struct image *m)
{
    uint32_t pkru = m->bv & XCR0_PKRU ? (uint32_t)m->pkru : 0;

    if (wanted & XCR0_X87) {
        if (m->bv & XCR0_X87)
            fpu_set_x87_image(cpu, m->legacy, i->flags & INSN_REXW);
        else
            fpu_init_x87(cpu);
    }
    load_vectors(cpu, m, wanted);
    if (m->mxcsr || (m->compact && (wanted & XCR0_SSE))) {
        sse_set_mxcsr(cpu, m->mxcsr ? ld_le32(m->legacy + 24) : MXCSR_DEFAULT);
        fpu_enter(cpu);
    }
    if ((wanted & XCR0_PKRU) && pkru != cpu->pkru) {
        cpu->pkru = pkru;
        cpu_tlb_forget(cpu, true); /* as WRPKRU */
    }
}

static void restore(struct cpu *cpu, const struct insn *i, uint64_t known, bool supervisor)
{
    uint64_t wanted = known & edx_eax(cpu), xcomp_bv;
    gva_t va = area_at(cpu, i, XSAVE_EXTENDED, ACC_R);
    struct image m;

    read_header(cpu, i, va, known, supervisor, &m, &xcomp_bv);
    xcomp_bv &= ~XCOMP_COMPACT;
    area_at(cpu, i, xsave_size(m.compact ? xcomp_bv : wanted & m.bv, m.compact), ACC_R);
    read_image(cpu, i, va, wanted, xcomp_bv, &m);
    load_image(cpu, i, wanted, &m);
}

HANDLER(xrstor)
{
    check_usable(cpu, i, false);
    restore(cpu, i, cpu->xcr0, false);
    NEXT;
}
FAMILY(h_xrstor, xrstor);

HANDLER(xrstors)
{
    check_usable(cpu, i, true);
    restore(cpu, i, cpu->xcr0 | cpu->xss, true);
    NEXT;
}
FAMILY(h_xrstors, xrstors);
