/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floating-point state that is no instruction's: reset, the x87 words and what follows from them,
 * the FXSAVE image. SDM volume 1, chapters 8 and 10; volume 2, FXSAVE; volume 3A, table 10-1.
 */
#include "cpu/fpu.h"

#include "base/log.h"
#include "cpu/lint.h"

static void fpu_clear_regs(struct fpu *f)
{
    memset(f->st, 0, sizeof(f->st));
    f->sw = 0;
    f->top = 0;
    f->fop = 0;
    f->fcs = f->fds = 0;
    f->fip = f->fdp = 0;
}

static void fpu_release_ferr(struct cpu *cpu)
{
    bool was = cpu->fpu.ferr;

    cpu->fpu.ferr = false;
    cpu->fpu.ignne = false;
    if (was && cpu->hooks.ferr)
        cpu->hooks.ferr(cpu->hooks.opaque, false);
}

/* ES and B say whether an exception that is not masked is flagged. */
static void fpu_derive_es(struct cpu *cpu)
{
    struct fpu *f = &cpu->fpu;

    if (f->sw & ~f->cw & SW_FLAGS) {
        f->sw |= SW_ES | SW_B;
    } else {
        f->sw &= (uint16_t) ~(SW_ES | SW_B);
        if (unlikely(f->ferr || f->ignne))
            fpu_release_ferr(cpu);
    }
}

void fpu_reset(struct cpu *cpu, bool init)
{
    if (init)
        return;
    cpu->fpu.ferr = cpu->fpu.ignne = false; /* the board's own reset lowers interrupt 13 */
    fpu_clear_regs(&cpu->fpu);
    cpu->fpu.cw = CW_POWERON;
    cpu->fpu.tags = 0xff; /* tag word 5555: every register is valid and zero */
    fpu_derive_es(cpu);
    memset(cpu->ymm, 0, sizeof(cpu->ymm));
    sse_set_mxcsr(cpu, MXCSR_DEFAULT);
}

void fpu_ninit(struct cpu *cpu)
{
    struct fpu *f = &cpu->fpu;

    f->cw = CW_INIT;
    f->sw = 0;
    f->top = 0;
    f->tags = 0;
    f->fop = 0;
    f->fcs = f->fds = 0;
    f->fip = f->fdp = 0;
    fpu_derive_es(cpu);
}

void fpu_set_cw(struct cpu *cpu, uint16_t cw)
{
    cpu->fpu.cw = (uint16_t)((cw & CW_VALID) | CW_ONES);
    fpu_derive_es(cpu);
}

void fpu_set_sw(struct cpu *cpu, uint16_t sw)
{
    cpu->fpu.top = (uint8_t)((sw & SW_TOP) >> SW_TOP_SHIFT);
    cpu->fpu.sw = (uint16_t)(sw & ~SW_TOP);
    fpu_derive_es(cpu);
}

/* 0 valid, 1 zero, 2 special (NaN, infinity, denormal, not supported). */
static unsigned fpu_tag_of(const uint8_t st[16])
{
    uint64_t mant = ld_le64(st);
    unsigned exp = ld_le16(st + 8) & 0x7fff;

    if (exp == 0)
        return mant == 0 ? 1 : 2;
    return exp == 0x7fff || !(mant >> 63) ? 2 : 0;
}

uint16_t fpu_tag_word(const struct cpu *cpu)
{
    unsigned word = 0;

    for (unsigned n = 0; n < 8; n++) {
        unsigned tag = cpu->fpu.tags & (1u << n) ? fpu_tag_of(cpu->fpu.st[n]) : 3;

        word |= tag << (2 * n);
    }
    return (uint16_t)word;
}

uint8_t fpu_abridge_tags(uint16_t tag_word)
{
    unsigned tags = 0;

    for (unsigned n = 0; n < 8; n++) {
        if (((tag_word >> (2 * n)) & 3) != 3)
            tags |= 1u << n;
    }
    return (uint8_t)tags;
}

void fpu_assert_ignne(struct cpu *cpu)
{
    if (!cpu->fpu.ferr)
        return;
    cpu->fpu.ignne = true;
}

void fpu_get_image(struct cpu *cpu, uint8_t image[FXSAVE_SIZE], bool wide)
{
    const struct fpu *f = &cpu->fpu;

    memset(image, 0, FXSAVE_SIZE);
    st_le16(image, f->cw);
    st_le16(image + 2, fpu_status(cpu));
    image[4] = f->tags;
    st_le16(image + 6, f->fop);
    if (wide) {
        st_le64(image + 8, f->fip);
        st_le64(image + 16, f->fdp);
    } else {
        st_le32(image + 8, (uint32_t)f->fip);
        st_le16(image + 12, f->fcs);
        st_le32(image + 16, (uint32_t)f->fdp);
        st_le16(image + 20, f->fds);
    }
    st_le32(image + 24, cpu->mxcsr);
    st_le32(image + 28, MXCSR_VALID);
    for (unsigned n = 0; n < 8; n++)
        memcpy(image + 32 + 16 * n, f->st[(f->top + n) & 7], 10);
    for (unsigned n = 0; n < 16; n++)
        memcpy(image + FXSAVE_XMM + 16 * n, cpu->ymm[n].x[0].b, 16);
}

void fpu_set_x87_image(struct cpu *cpu, const uint8_t image[FXSAVE_SIZE], bool wide)
{
    struct fpu *f = &cpu->fpu;

    f->cw = (uint16_t)((ld_le16(image) & CW_VALID) | CW_ONES);
    fpu_set_sw(cpu, ld_le16(image + 2));
    f->tags = image[4];
    f->fop = ld_le16(image + 6) & 0x7ff;
    if (wide) {
        f->fip = ld_le64(image + 8);
        f->fdp = ld_le64(image + 16);
    } else {
        f->fip = ld_le32(image + 8);
        f->fcs = ld_le16(image + 12);
        f->fdp = ld_le32(image + 16);
        f->fds = ld_le16(image + 20);
    }
    for (unsigned n = 0; n < 8; n++)
        memcpy(f->st[(f->top + n) & 7], image + 32 + 16 * n, 10);
}

void fpu_init_x87(struct cpu *cpu)
{
    memset(cpu->fpu.st, 0, sizeof(cpu->fpu.st));
    fpu_ninit(cpu);
}

bool fpu_set_image(struct cpu *cpu, const uint8_t image[FXSAVE_SIZE], bool wide, unsigned vectors)
{
    uint32_t mxcsr = ld_le32(image + 24);

    if (mxcsr & ~MXCSR_VALID) {
        lint_mxcsr(mxcsr);
        return false;
    }
    fpu_set_x87_image(cpu, image, wide);
    for (unsigned n = 0; n < vectors; n++)
        memcpy(cpu->ymm[n].x[0].b, image + FXSAVE_XMM + 16 * n, 16);
    sse_set_mxcsr(cpu, mxcsr);
    return true;
}

void sse_set_mxcsr(struct cpu *cpu, uint32_t mxcsr)
{
    if (mxcsr & ~MXCSR_VALID)
        log_guest("cpu%u: MXCSR %08x has reserved bits", cpu->id, mxcsr);
    cpu->mxcsr = mxcsr & MXCSR_VALID;
    cpu->mxcsr_host = (cpu->mxcsr & (MXCSR_RC | MXCSR_DAZ | MXCSR_FZ)) | MXCSR_MASKS;
    cpu->mxcsr_unmasked = (cpu->mxcsr & MXCSR_MASKS) != MXCSR_MASKS;
}
