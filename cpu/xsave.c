/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The XSAVE-managed state; see xsave.h. */
#include "cpu/xsave.h"

#include "cpu/cpu.h"
#include "cpu/fpu.h"

#define COMPONENTS 10

/* Offsets are those of Intel's processors, where what stands between is MPX's and AVX-512's. None
 * of them is aligned in the compacted format. */
static const struct {
    struct xsave_component c;
    feature_set feature;
} components[COMPONENTS] = {
    [0] = {{0, 0}, FEAT(XSAVE)},
    [1] = {{0, 0}, FEAT(XSAVE)},
    [2] = {{256, XSAVE_EXTENDED}, FEAT(AVX)},
    [9] = {{8, 2688}, FEAT(PKU)},
};

struct xsave_component xsave_component(unsigned n)
{
    return n < COMPONENTS ? components[n].c : (struct xsave_component){0, 0};
}

uint64_t xsave_supported(feature_set features)
{
    uint64_t bv = 0;

    for (unsigned n = 0; n < COMPONENTS; n++) {
        if (features & components[n].feature)
            bv |= UINT64_C(1) << n;
    }
    return features & FEAT(XSAVE) ? bv : 0;
}

bool xsave_xcr0_ok(feature_set features, uint64_t xcr0)
{
    return !(xcr0 & ~xsave_supported(features)) && (xcr0 & XCR0_X87) &&
           (!(xcr0 & XCR0_AVX) || (xcr0 & XCR0_SSE));
}

unsigned xsave_offset(unsigned n, uint64_t bv, bool compact)
{
    unsigned at = XSAVE_EXTENDED;

    if (!compact)
        return xsave_component(n).offset;
    for (unsigned k = 2; k < n; k++)
        at += bv >> k & 1 ? xsave_component(k).size : 0;
    return at;
}

unsigned xsave_size(uint64_t bv, bool compact)
{
    unsigned end = XSAVE_EXTENDED;

    for (unsigned n = 2; n < COMPONENTS; n++) {
        if (bv >> n & 1)
            end = xsave_offset(n, bv, compact) + xsave_component(n).size;
    }
    return end;
}

/* ---- XINUSE ---- */

static bool x87_in_use(const struct fpu *f)
{
    uint8_t any = 0;

    if (f->cw != CW_INIT || f->sw || f->top || f->tags || f->fop || f->fip || f->fdp || f->fcs ||
        f->fds)
        return true;
    for (unsigned n = 0; n < 8; n++) {
        for (unsigned k = 0; k < 10; k++)
            any |= f->st[n][k];
    }
    return any;
}

static bool vectors_in_use(const struct cpu *cpu, unsigned half)
{
    uint64_t any = 0;

    for (unsigned n = 0; n < cpu_vector_count(cpu); n++)
        any |= cpu->ymm[n].q[2 * half] | cpu->ymm[n].q[2 * half + 1];
    return any;
}

uint64_t xsave_in_use(const struct cpu *cpu)
{
    return (x87_in_use(&cpu->fpu) ? XCR0_X87 : 0) | (vectors_in_use(cpu, 0) ? XCR0_SSE : 0) |
           (vectors_in_use(cpu, 1) ? XCR0_AVX : 0) | (cpu->pkru ? XCR0_PKRU : 0);
}
