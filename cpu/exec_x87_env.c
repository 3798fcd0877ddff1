/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87 control: the control and status words, the environment in its four layouts, FNSAVE and
 * FRSTOR, FXSAVE and FXRSTOR, waiting for exceptions. SDM volume 1, sections 8.1.10, 8.3.9, 8.7
 * and 10.5; external reporting as section 8.7.2 and D.2 describe for IRQ 13.
 */
#include "cpu/exec_x87.h"
#include "cpu/ring.h"

bool x87_pending(struct cpu *cpu, const struct insn *i)
{
    struct fpu *f = &cpu->fpu;

    AT(i);
    if (cpu->cr0 & CR0_NE)
        cpu_raise(cpu, EXC_MF);
    if (f->ignne || !cpu->hooks.ferr)
        return false;
    /* The processor stands still until an interrupt comes; it is taken before this instruction. */
    if (!f->ferr) {
        f->ferr = true;
        fpu_host_begin(cpu);
        cpu->hooks.ferr(cpu->hooks.opaque, true);
        fpu_host_end(cpu);
    }
    cpu->icount = cpu_insns(cpu) + 1; /* it counts each time: the wait is to end */
    cpu->gpr[REG_RIP] = insn_rip(cpu, i);
    if (cpu->ring)
        ring_left(cpu, i, true);
    return true;
}

/* ---- words ---- */

HANDLER(fwait)
{
    if (unlikely((cpu->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS)))
        RAISE(EXC_NM);
    X87_WAIT;
    NEXT;
}
FAMILY(h_fwait, fwait);

HANDLER(fnop)
{
    X87_WAIT;
    x87_note(cpu, i);
    NEXT;
}
FAMILY(h_fnop, fnop);

/* FNENI, FNDISI, FNSETPM: of the 8087 and the 80287. */
HANDLER(f_ignored)
{
    NEXT;
}
FAMILY(h_f_ignored, f_ignored);

HANDLER(fldcw)
{
    X87_WAIT;
    fpu_set_cw(cpu, mem_ld16(cpu, i, ea_gen(cpu, i, 2, ACC_R)));
    NEXT;
}
FAMILY(h_fldcw, fldcw);

HANDLER(fnstcw)
{
    mem_st16(cpu, i, ea_gen(cpu, i, 2, ACC_W), cpu->fpu.cw);
    NEXT;
}
FAMILY(h_fnstcw, fnstcw);

HANDLER(fnstsw)
{
    mem_st16(cpu, i, ea_gen(cpu, i, 2, ACC_W), fpu_status(cpu));
    NEXT;
}
FAMILY(h_fnstsw, fnstsw);

HANDLER(fnstsw_ax)
{
    reg_set(cpu, REG_RAX, fpu_status(cpu), SZ16);
    NEXT;
}
FAMILY(h_fnstsw_ax, fnstsw_ax);

HANDLER(fnclex)
{
    fpu_set_sw(cpu, fpu_status(cpu) & (SW_CC | SW_TOP));
    NEXT;
}
FAMILY(h_fnclex, fnclex);

HANDLER(fninit)
{
    fpu_ninit(cpu);
    NEXT;
}
FAMILY(h_fninit, fninit);

/* ---- environment ---- */

static bool env_16(const struct insn *i)
{
    return i->osz == SZ16;
}

static unsigned env_size(const struct insn *i)
{
    return env_16(i) ? 14 : 28;
}

/* Fields of the layout: 16-bit ones are packed, 32-bit ones have unused upper halves of ones. */
static void env_make(struct cpu *cpu, const struct insn *i, uint8_t env[28])
{
    const struct fpu *f = &cpu->fpu;
    bool real = cpu_real_or_v86(cpu);
    unsigned step = env_16(i) ? 2 : 4;
    uint32_t ip = (uint32_t)f->fip, dp = (uint32_t)f->fdp, word[7];

    if (real) {
        ip += (uint32_t)f->fcs << 4;
        dp += (uint32_t)f->fds << 4;
    }
    word[0] = 0xffff0000u | f->cw;
    word[1] = 0xffff0000u | fpu_status(cpu);
    word[2] = 0xffff0000u | fpu_tag_word(cpu);
    if (!real) {
        word[3] = ip;
        word[4] = (uint32_t)f->fop << 16 | f->fcs;
        word[5] = dp;
        word[6] = 0xffff0000u | f->fds;
    } else {
        word[3] = 0xffff0000u | (ip & 0xffff);
        word[4] = (ip >> 16) << 12 | f->fop;
        word[5] = 0xffff0000u | (dp & 0xffff);
        word[6] = (dp >> 16) << 12;
    }
    for (unsigned n = 0; n < 7; n++)
        st_le(env + step * n, word[n], step);
}

static void env_take(struct cpu *cpu, const struct insn *i, const uint8_t env[28])
{
    struct fpu *f = &cpu->fpu;
    unsigned step = env_16(i) ? 2 : 4;
    uint32_t word[7];

    for (unsigned n = 0; n < 7; n++)
        word[n] = (uint32_t)ld_le(env + step * n, step);
    if (cpu_real_or_v86(cpu)) {
        f->fip = (word[3] & 0xffff) | (word[4] >> 12) << 16;
        f->fdp = (word[5] & 0xffff) | (word[6] >> 12) << 16;
        f->fcs = f->fds = 0;
        f->fop = word[4] & 0x7ff;
    } else {
        f->fip = word[3];
        f->fcs = (uint16_t)word[4];
        f->fdp = word[5];
        f->fds = (uint16_t)word[6];
        if (step == 4)
            f->fop = (word[4] >> 16) & 0x7ff;
    }
    f->cw = (uint16_t)((word[0] & CW_VALID) | CW_ONES);
    f->tags = fpu_abridge_tags((uint16_t)word[2]);
    fpu_set_sw(cpu, (uint16_t)word[1]);
}

/* The operand; it is aligned like the words that it consists of (SDM volume 3A, table 6-7). */
static gva_t env_address(struct cpu *cpu, const struct insn *i, unsigned size, unsigned acc)
{
    gva_t va = ea_gen(cpu, i, size, acc);

    mem_check_aligned(cpu, i, va, i->osz == SZ16 ? 2 : 4);
    return va;
}

HANDLER(fnstenv)
{
    uint8_t env[28];
    unsigned size = env_size(i);

    env_make(cpu, i, env);
    mem_write_bytes(cpu, i, env_address(cpu, i, size, ACC_W), env, size, ACC_W);
    fpu_set_cw(cpu, cpu->fpu.cw | CW_MASKS);
    NEXT;
}
FAMILY(h_fnstenv, fnstenv);

HANDLER(fldenv)
{
    uint8_t env[28];
    unsigned size = env_size(i);

    X87_WAIT;
    mem_read_bytes(cpu, i, env_address(cpu, i, size, ACC_R), env, size, ACC_R);
    env_take(cpu, i, env);
    NEXT;
}
FAMILY(h_fldenv, fldenv);

HANDLER(fnsave)
{
    struct fpu *f = &cpu->fpu;
    uint8_t image[28 + 80];
    unsigned size = env_size(i);

    env_make(cpu, i, image);
    for (unsigned n = 0; n < 8; n++)
        memcpy(image + size + 10 * n, f->st[x87_index(f, n)], 10);
    size += 80;
    mem_write_bytes(cpu, i, env_address(cpu, i, size, ACC_W), image, size, ACC_W);
    fpu_ninit(cpu);
    NEXT;
}
FAMILY(h_fnsave, fnsave);

HANDLER(frstor)
{
    struct fpu *f = &cpu->fpu;
    uint8_t image[28 + 80];
    unsigned size = env_size(i) + 80;

    X87_WAIT;
    mem_read_bytes(cpu, i, env_address(cpu, i, size, ACC_R), image, size, ACC_R);
    env_take(cpu, i, image);
    for (unsigned n = 0; n < 8; n++)
        memcpy(f->st[x87_index(f, n)], image + env_size(i) + 10 * n, 10);
    NEXT;
}
FAMILY(h_frstor, frstor);

/* ---- FXSAVE ---- */

/* Address of the image, checked for alignment. */
static gva_t fx_ea(struct cpu *cpu, const struct insn *i, unsigned acc)
{
    gva_t va = ea_gen(cpu, i, FXSAVE_SIZE, acc);

    if (va & 15)
        RAISE_ERR(EXC_GP, 0);
    return va;
}

HANDLER(fxsave)
{
    uint8_t image[FXSAVE_SIZE];
    gva_t va = fx_ea(cpu, i, ACC_W);

    sse_sync(cpu);
    fpu_get_image(cpu, image, i->flags & INSN_REXW);
    mem_probe(cpu, i, va, FXSAVE_SIZE, ACC_W);
    mem_write_bytes(cpu, i, va, image, FXSAVE_XMM + 16 * cpu_vector_count(cpu), ACC_W);
    NEXT;
}
FAMILY(h_fxsave, fxsave);

HANDLER(fxrstor)
{
    uint8_t image[FXSAVE_SIZE];
    gva_t va = fx_ea(cpu, i, ACC_R);

    mem_read_bytes(cpu, i, va, image, FXSAVE_SIZE, ACC_R);
    if (!fpu_set_image(cpu, image, i->flags & INSN_REXW, cpu_vector_count(cpu)))
        RAISE_ERR(EXC_GP, 0);
    fpu_enter(cpu);
    NEXT;
}
FAMILY(h_fxrstor, fxrstor);
