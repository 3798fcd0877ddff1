/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the manual says of the floating-point state itself: power-on values, the environment's
 * layouts, FXSAVE, pending exceptions and how they are reported, what CR0 and CR4 forbid,
 * alignment, MXCSR. SDM volume 1, chapters 8, 10 and 11; volume 3A, sections 2.5 and 10.1.
 */
#include "tests/unit/unit.h"

#include "base/bits.h"
#include "cpu/fpu.h"
#include "tests/unit/fpu_rig.h"

static struct rig *rig;
static uint8_t *data;

static int setup(void **state)
{
    (void)state;
    rig = rig_new();
    rig_mode(rig, RIG_PROT32);
    data = rig->ram + RIG_DATA;
    rig->cpu->gpr[REG_RDI] = RIG_DATA;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_free(rig);
    return 0;
}

#define RUN(n, ...)                                                                                \
    rig_run(rig, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), n)

/* ---- words and layouts ---- */

static void test_power_on(void **state)
{
    struct fpu *f = &rig->cpu->fpu;

    (void)state;
    assert_int_equal(f->cw, 0x40);
    assert_int_equal(RUN(1, 0xd9, 0x37), -1); /* FNSTENV [EDI] */
    assert_int_equal(ld_le32(data), 0xffff0040);
    assert_int_equal(ld_le32(data + 4), 0xffff0000);
    assert_int_equal(ld_le32(data + 8), 0xffff5555); /* all valid and zero */
    assert_int_equal(f->cw, 0x7f);                   /* it masks everything */
    assert_int_equal(rig->cpu->mxcsr, 0x1f80);
    f->cw = 0x123;
    rig->cpu->mxcsr = 0x1fa0;
    fpu_reset(rig->cpu, true);
    assert_int_equal(f->cw, 0x123);
    assert_int_equal(rig->cpu->mxcsr, 0x1fa0);
}

static void test_env_prot32(void **state)
{
    (void)state;
    st_le32(data + 64, 0x3fc00000);
    /* FNINIT; FLD dword [EDI+64]; FLDZ; FNSTENV [EDI] */
    assert_int_equal(RUN(4, 0xdb, 0xe3, 0xd9, 0x47, 64, 0xd9, 0xee, 0xd9, 0x37), -1);
    assert_int_equal(ld_le32(data), 0xffff037f);
    assert_int_equal(ld_le32(data + 4), 0xffff3000);    /* TOP is 6 */
    assert_int_equal(ld_le32(data + 8), 0xffff1fff);    /* R7 valid, R6 zero */
    assert_int_equal(ld_le32(data + 12), RIG_CODE + 5); /* FLDZ */
    assert_int_equal(ld_le16(data + 16), 8);
    assert_int_equal(ld_le32(data + 20), RIG_DATA + 64);
    assert_int_equal(ld_le32(data + 24), 0xffff0010);
}

static void test_env_prot16(void **state)
{
    (void)state;
    memset(data, 0xaa, 32);
    /* FNINIT; FLD1; 16-bit FNSTENV [EDI] */
    assert_int_equal(RUN(3, 0xdb, 0xe3, 0xd9, 0xe8, 0x66, 0xd9, 0x37), -1);
    assert_int_equal(ld_le16(data), 0x037f);
    assert_int_equal(ld_le16(data + 2), 0x3800);
    assert_int_equal(ld_le16(data + 4), 0x3fff);
    assert_int_equal(ld_le16(data + 6), (RIG_CODE + 2) & 0xffff);
    assert_int_equal(ld_le16(data + 8), 8);
    assert_int_equal(ld_le16(data + 14), 0xaaaa);
}

static void test_env_real16(void **state)
{
    struct cpu *cpu = rig->cpu;

    (void)state;
    rig_mode(rig, RIG_REAL);
    cpu->seg[SEG_DS].sel = 0x1800;
    cpu->seg[SEG_DS].base = 0x18000;
    cpu->gpr[REG_RDI] = 0x8000; /* the same place */
    st_le32(data + 64, 0x3fc00000);
    /* FNINIT; FLD dword [DI+64]; FNSTENV [DI] */
    assert_int_equal(RUN(3, 0xdb, 0xe3, 0xd9, 0x45, 64, 0xd9, 0x35), -1);
    assert_int_equal(ld_le16(data), 0x037f);
    assert_int_equal(ld_le16(data + 6), 0x8002);
    assert_int_equal(ld_le16(data + 8) & 0xf800, 0);
    assert_int_equal(ld_le16(data + 10), (RIG_DATA + 64) & 0xffff);
    assert_int_equal(ld_le16(data + 12), (RIG_DATA >> 16) << 12);
    st_le16(data + 2, 0x2945); /* FLDENV [DI] takes it back, with other flags */
    assert_int_equal(RUN(1, 0xd9, 0x25), -1);
    assert_int_equal(fpu_status(cpu), 0x2945);
    assert_int_equal(cpu->fpu.tags, 0x80);
    assert_int_equal(cpu->fpu.fdp, RIG_DATA + 64);
}

static void test_save_restore(void **state)
{
    struct fpu *f = &rig->cpu->fpu;
    uint8_t before[8][16];

    (void)state;
    /* FNINIT; FLDPI; FLD1; FLDL2E; FNSAVE [EDI] */
    assert_int_equal(RUN(4, 0xdb, 0xe3, 0xd9, 0xeb, 0xd9, 0xe8, 0xd9, 0xea), -1);
    memcpy(before, f->st, sizeof(before));
    assert_int_equal(RUN(1, 0xdd, 0x37), -1);
    assert_int_equal(f->cw, 0x37f);
    assert_int_equal(f->tags, 0);
    assert_int_equal(f->top, 0);
    assert_int_equal(ld_le64(data + 28), 0xb8aa3b295c17f0bc); /* ST(0) first: log2 e */
    assert_int_equal(ld_le16(data + 36), 0x3fff);
    memset(f->st, 0, sizeof(f->st));
    assert_int_equal(RUN(1, 0xdd, 0x27), -1); /* FRSTOR [EDI] */
    assert_int_equal(f->top, 5);
    assert_int_equal(f->tags, 0xe0);
    assert_memory_equal(f->st, before, sizeof(before));
}

static void test_fxsave(void **state)
{
    struct cpu *cpu = rig->cpu;

    (void)state;
    memset(data, 0xaa, 512);
    for (unsigned n = 0; n < 16; n++)
        memset(cpu->ymm[n].b, (int)(0x10 + n), 16);
    assert_int_equal(RUN(3, 0xdb, 0xe3, 0xd9, 0xe8, 0x0f, 0xae, 0x07), -1);
    assert_int_equal(ld_le16(data), 0x37f);
    assert_int_equal(ld_le16(data + 2), 0x3800);
    assert_int_equal(data[4], 0x80);
    assert_int_equal(ld_le32(data + 24), 0x1f80);
    assert_int_equal(ld_le32(data + 28), 0xffff);
    assert_int_equal(ld_le64(data + 32), UINT64_C(1) << 63);
    assert_int_equal(data[160 + 7 * 16], 0x17);
    assert_int_equal(data[160 + 8 * 16], 0xaa); /* XMM8 is of 64-bit mode */
    rig_mode(rig, RIG_LONG);
    assert_int_equal(RUN(1, 0x48, 0x0f, 0xae, 0x07), -1); /* FXSAVE64 */
    assert_int_equal(data[160 + 15 * 16], 0x1f);
    assert_int_equal(data[416], 0xaa);
    assert_int_equal(ld_le64(data + 8), RIG_CODE + 2);
}

static void test_fxrstor_faults(void **state)
{
    struct cpu *cpu = rig->cpu;

    (void)state;
    assert_int_equal(RUN(1, 0x0f, 0xae, 0x07), -1);
    cpu->ymm[0].q[0] = 77;
    st_le32(data + 24, 0x11f80);
    assert_int_equal(RUN(1, 0x0f, 0xae, 0x0f), EXC_GP); /* MXCSR has a reserved bit */
    assert_int_equal(cpu->ymm[0].q[0], 77);
    st_le32(data + 24, 0x1f80);
    assert_int_equal(RUN(1, 0x0f, 0xae, 0x4f, 8), EXC_GP); /* FXRSTOR [EDI+8] */
    assert_int_equal(RUN(1, 0x0f, 0xae, 0x47, 8), EXC_GP); /* FXSAVE [EDI+8] */
    cpu->ymm[9].q[0] = 99;
    assert_int_equal(RUN(1, 0x0f, 0xae, 0x0f), -1);
    assert_int_equal(cpu->ymm[0].q[0], 0);
    assert_int_equal(cpu->ymm[9].q[0], 99);
}

/* ---- exceptions ---- */

/* FNINIT; FLDCW [EDI] with zero divide not masked; FLD1; FLDZ; FDIVP: leaves it pending. */
static void divide_by_zero(void)
{
    st_le16(data, 0x37b);
    assert_int_equal(RUN(5, 0xdb, 0xe3, 0xd9, 0x2f, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9), -1);
}

static void test_mf(void **state)
{
    struct fpu *f = &rig->cpu->fpu;

    (void)state;
    divide_by_zero();
    assert_int_equal(fpu_status(rig->cpu), 0xb084); /* B, ES, ZE; nothing popped */
    assert_int_equal(f->tags, 0xc0);
    assert_int_equal(f->fop, 0x6f9);
    assert_int_equal(f->fip, RIG_CODE + 8);
    assert_int_equal(RUN(1, 0xd9, 0xe8), EXC_MF); /* FLD1 */
    assert_int_equal(ld_le32(rig->ram + rig->cpu->gpr[REG_RSP]), RIG_CODE);
    assert_int_equal(RUN(1, 0x9b), EXC_MF);             /* FWAIT */
    assert_int_equal(RUN(1, 0x0f, 0xfc, 0xc1), EXC_MF); /* PADDB MM0, MM1 */
    assert_int_equal(RUN(1, 0x0f, 0x77), EXC_MF);       /* EMMS */
    assert_int_equal(RUN(1, 0xdf, 0xe0), -1);           /* FNSTSW AX */
    assert_int_equal((uint16_t)rig->cpu->gpr[REG_RAX], 0xb084);
    assert_int_equal(RUN(1, 0x0f, 0x58, 0xc1), -1); /* ADDPS does not care */
    assert_int_equal(RUN(1, 0xdb, 0xe2), -1);       /* FNCLEX */
    assert_int_equal(fpu_status(rig->cpu), 0x3000);
    assert_int_equal(RUN(1, 0x9b), -1);
}

static void test_unmask_later(void **state)
{
    (void)state;
    /* FNINIT; FLD1; FLDZ; FDIVP with everything masked, then FLDCW that does not mask it. */
    assert_int_equal(RUN(4, 0xdb, 0xe3, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9), -1);
    assert_int_equal(fpu_status(rig->cpu), 0x3804);
    st_le16(data, 0x37b);
    assert_int_equal(RUN(1, 0xd9, 0x2f), -1);
    assert_int_equal(fpu_status(rig->cpu), 0xb884);
    assert_int_equal(RUN(1, 0xd9, 0x2f), EXC_MF);
    assert_int_equal(RUN(2, 0xd9, 0x37, 0x9b), -1); /* FNSTENV masks it again */
}

static void test_ferr(void **state)
{
    (void)state;
    rig->cpu->cr0 &= ~(uint64_t)CR0_NE;
    cpu_sync_mode(rig->cpu);
    divide_by_zero();
    assert_int_equal(rig->ferr_level, 0); /* reported by the next waiting instruction */
    assert_int_equal(RUN(1, 0xd9, 0xe8), -1);
    assert_int_equal(rig->ferr_level, 1);
    assert_int_equal(rig->cpu->gpr[REG_RIP], RIG_CODE); /* it waits for the interrupt */
    assert_int_equal(rig->cpu->fpu.tags, 0xc0);
    fpu_assert_ignne(rig->cpu);
    assert_int_equal(RUN(1, 0xd9, 0xe8), -1); /* now it goes on */
    assert_int_equal(rig->cpu->fpu.tags, 0xe0);
    assert_int_equal(RUN(2, 0xd8, 0xc1, 0xd9, 0xc9), -1); /* so do those that compute */
    assert_true(rig->cpu->fpu.sw & SW_ZE);
    assert_int_equal(RUN(1, 0xdb, 0xe2), -1);
    assert_false(rig->cpu->fpu.ignne);
    assert_int_equal(rig->ferr_level, 0); /* FERR# falls with the flags, and only then */
    assert_int_equal(rig->ferr_calls, 2);
}

/* A store that faults, or that an exception forbids, changes nothing. */
static void test_store_faults(void **state)
{
    struct fpu *f = &rig->cpu->fpu;

    (void)state;
    rig->cpu->seg[SEG_DS].limit = RIG_DATA + 2;
    cpu_derive_segment(rig->cpu, SEG_DS, true);
    cpu_sync_mode(rig->cpu);
    assert_int_equal(RUN(2, 0xdb, 0xe3, 0xd9, 0xeb), -1);
    assert_int_equal(RUN(1, 0xd9, 0x1f), EXC_GP); /* FSTP dword [EDI] */
    assert_int_equal(f->tags, 0x80);
    assert_int_equal(f->sw, 0);
    st_le16(data, 0x35f & ~0x10u); /* underflow and precision: not masked */
    assert_int_equal(RUN(1, 0xd9, 0x2f), -1);
    rig->cpu->seg[SEG_DS].limit = ~0u;
    cpu_derive_segment(rig->cpu, SEG_DS, true);
    cpu_sync_mode(rig->cpu);
    memset(f->st[7], 0, 16);
    f->st[7][7] = 0x80;
    f->st[7][8] = 1; /* the smallest normal number, far below a double's */
    memset(data, 0xaa, 8);
    assert_int_equal(RUN(1, 0xdd, 0x1f), -1); /* FSTP qword [EDI] */
    assert_int_equal(ld_le64(data), UINT64_C(0xaaaaaaaaaaaaaaaa));
    assert_int_equal(f->tags, 0x80);
    assert_true((f->sw & (SW_UE | SW_ES)) == (SW_UE | SW_ES));
}

static void test_xm(void **state)
{
    struct cpu *cpu = rig->cpu;

    (void)state;
    cpu->ymm[0].d[0] = 0x3f800000;
    cpu->ymm[1].d[0] = 0;
    st_le32(data, 0x1d80); /* zero divide not masked */
    assert_int_equal(RUN(1, 0x0f, 0xae, 0x17), -1);
    assert_int_equal(RUN(1, 0xf3, 0x0f, 0x5e, 0xc1), EXC_XM); /* DIVSS XMM0, XMM1 */
    assert_int_equal(cpu->ymm[0].d[0], 0x3f800000);
    assert_int_equal(cpu->mxcsr, 0x1d84);
    cpu->cr4 &= ~(uint64_t)CR4_OSXMMEXCPT;
    assert_int_equal(RUN(1, 0xf3, 0x0f, 0x5e, 0xc1), EXC_UD);
    st_le32(data, 0x1f80);
    assert_int_equal(RUN(2, 0x0f, 0xae, 0x17, 0xf3, 0x0f, 0x5e, 0xc1), -1);
    assert_int_equal(cpu->ymm[0].d[0], 0x7f800000);
    assert_int_equal(RUN(1, 0x0f, 0xae, 0x1f), -1); /* STMXCSR */
    assert_int_equal(ld_le32(data), 0x1f84);
    st_le32(data, 0x10000);
    assert_int_equal(RUN(1, 0x0f, 0xae, 0x17), EXC_GP);
}

/* Guest rounding and flushing stay in the guest. */
static void test_host_mxcsr(void **state)
{
    (void)state;
    st_le32(data, 0xffc0);
    assert_int_equal(RUN(1, 0x0f, 0xae, 0x17), -1);
    assert_int_equal(host_mxcsr(), MXCSR_DEFAULT);
    rig->cpu->ymm[0].d[0] = 0x3f800000;
    rig->cpu->ymm[1].d[0] = 0x40400000;
    assert_int_equal(RUN(1, 0xf3, 0x0f, 0x5e, 0xc1), -1);
    assert_int_equal(rig->cpu->ymm[0].d[0], 0x3eaaaaaa); /* a third, cut */
    assert_int_equal(rig->cpu->mxcsr, 0xffe0);
    assert_int_equal(host_mxcsr(), MXCSR_DEFAULT);
}

/* ---- what the control registers forbid ---- */

static void set_cr(uint64_t cr0_set, uint64_t cr4_clear)
{
    rig->cpu->cr0 = CR0_ET | CR0_NE | CR0_PE | cr0_set;
    rig->cpu->cr4 = (CR4_OSFXSR | CR4_OSXMMEXCPT) & ~cr4_clear;
    cpu_sync_mode(rig->cpu);
}

static void test_not_available(void **state)
{
    (void)state;
    set_cr(CR0_TS, 0);
    assert_int_equal(RUN(1, 0xd9, 0xe8), EXC_NM);
    assert_int_equal(RUN(1, 0x0f, 0xfc, 0xc1), EXC_NM);
    assert_int_equal(RUN(1, 0x0f, 0x58, 0xc1), EXC_NM);
    assert_int_equal(RUN(1, 0x0f, 0xae, 0x07), EXC_NM);
    assert_int_equal(RUN(1, 0x9b), -1); /* WAIT: only with MP */
    set_cr(CR0_TS | CR0_MP, 0);
    assert_int_equal(RUN(1, 0x9b), EXC_NM);
    set_cr(CR0_EM, 0);
    assert_int_equal(RUN(1, 0xd9, 0xe8), EXC_NM);
    assert_int_equal(RUN(1, 0xda, 0xc1), EXC_NM); /* FCMOVB */
    assert_int_equal(RUN(1, 0x0f, 0xfc, 0xc1), EXC_UD);
    assert_int_equal(RUN(1, 0x0f, 0x58, 0xc1), EXC_UD);
    set_cr(0, CR4_OSFXSR);
    assert_int_equal(RUN(1, 0x0f, 0x58, 0xc1), EXC_UD);
    assert_int_equal(RUN(1, 0x0f, 0xfc, 0xc1), -1);
    assert_int_equal(RUN(1, 0xd9, 0xe8), -1);
}

static void test_alignment(void **state)
{
    static const enum rig_mode modes[] = {RIG_PROT32, RIG_LONG};

    (void)state;
    for (unsigned n = 0; n < 2; n++) {
        rig_mode(rig, modes[n]);
        assert_int_equal(RUN(1, 0x0f, 0x28, 0x47, 4), EXC_GP);       /* MOVAPS load */
        assert_int_equal(RUN(1, 0x0f, 0x29, 0x47, 4), EXC_GP);       /* and store */
        assert_int_equal(RUN(1, 0x0f, 0x58, 0x47, 8), EXC_GP);       /* ADDPS */
        assert_int_equal(RUN(1, 0x66, 0x0f, 0xfc, 0x47, 8), EXC_GP); /* PADDB */
        assert_int_equal(RUN(1, 0x66, 0x0f, 0x6f, 0x47, 1), EXC_GP); /* MOVDQA */
        assert_int_equal(RUN(1, 0x0f, 0x10, 0x47, 4), -1);           /* MOVUPS */
        assert_int_equal(RUN(1, 0xf3, 0x0f, 0x7f, 0x47, 1), -1);     /* MOVDQU */
        assert_int_equal(RUN(1, 0xf3, 0x0f, 0x58, 0x47, 1), -1);     /* ADDSS */
        assert_int_equal(RUN(1, 0x0f, 0xfc, 0x47, 1), -1);           /* PADDB on MMX */
    }
}

/* MMX enters its own state of the x87; EMMS leaves it; CVTPI2PS enters it from memory too. */
static void test_mmx_state(void **state)
{
    struct fpu *f = &rig->cpu->fpu;

    (void)state;
    st_le64(data, UINT64_C(0x0000000300000002));
    /* FNINIT; FLD1; MOVQ MM2, [EDI] */
    assert_int_equal(RUN(3, 0xdb, 0xe3, 0xd9, 0xe8, 0x0f, 0x6f, 0x17), -1);
    assert_int_equal(f->top, 0);
    assert_int_equal(f->tags, 0xff);
    assert_int_equal(ld_le16(f->st[2] + 8), 0xffff);
    assert_int_equal(RUN(1, 0x0f, 0x77), -1);
    assert_int_equal(f->tags, 0);
    assert_int_equal(RUN(1, 0x0f, 0x2a, 0x07), -1);
    assert_int_equal(f->tags, 0xff);
    assert_int_equal(rig->cpu->ymm[0].d[0], 0x40000000);
    assert_int_equal(rig->cpu->ymm[0].d[1], 0x40400000);
    assert_int_equal(RUN(2, 0x0f, 0x77, 0x66, 0x0f, 0x2a, 0x07), -1); /* CVTPI2PD does not */
    assert_int_equal(f->tags, 0);
}

static void test_maskmov(void **state)
{
    struct cpu *cpu = rig->cpu;

    (void)state;
    memset(data, 0, 32);
    memset(cpu->ymm[1].b, 0x55, 16);
    memset(cpu->ymm[2].b, 0, 16);
    cpu->ymm[2].b[3] = 0x80;
    cpu->ymm[2].b[15] = 0xff;
    cpu->gpr[REG_RDI] = RIG_DATA + 1;
    assert_int_equal(RUN(1, 0x66, 0x0f, 0xf7, 0xca), -1);
    for (unsigned n = 0; n < 32; n++)
        assert_int_equal(data[n], n == 4 || n == 16 ? 0x55 : 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_power_on),       TEST(test_env_prot32),
        TEST(test_env_prot16),     TEST(test_env_real16),
        TEST(test_save_restore),   TEST(test_fxsave),
        TEST(test_fxrstor_faults), TEST(test_mf),
        TEST(test_unmask_later),   TEST(test_ferr),
        TEST(test_store_faults),   TEST(test_xm),
        TEST(test_host_mxcsr),     TEST(test_not_available),
        TEST(test_alignment),      TEST(test_mmx_state),
        TEST(test_maskmov),
    };

    return unit_main(tests);
}
