// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * x87 and SSE results, bit by bit where IEEE 754 says what they are: rounding modes and
 * precisions, exceptions and their flags, the register stack, FSAVE and FXSAVE images,
 * comparisons, conversions, MXCSR, #XM, denormals, NaNs. SDM 1 chapters 8, 10, 11; SDM 2 for each
 * instruction.
 */
// not on: qemu (TCG has no x87 stack faults, no #XM, no reserved bits in MXCSR)
#include "test.h"

volatile uint64_t m64, n64, r64;
volatile uint32_t m32, r32;
volatile uint16_t cw, sw;
static uint8_t image[512] __attribute__((aligned(16)));

#define X87(insns) asm volatile(insns ::: "memory", "eax")
static void fcw(uint16_t v)
{
    cw = v;
    asm volatile("fninit; fldcw cw" ::: "memory");
}
static uint16_t status(void)
{
    asm volatile("fnstsw sw" ::: "memory");
    return sw;
}

static void test_x87(void)
{
    fcw(0x37f);
    check_eq("fninit: status", status(), 0);
    X87("fld1; fldpi; faddp; fstpl r64");
    check_eq("1 + pi", r64, 0x401090fdaa22168c);
    m64 = 0x3ff0000000000000; /* 1.0 */
    n64 = 0x4008000000000000; /* 3.0 */
    X87("fldl m64; fdivl n64; fstpl r64");
    check_eq("1 / 3, to nearest", r64, 0x3fd5555555555555);
    check_eq("inexact", status() & 0x3f, 0x20);
    fcw(0xb7f); /* up */
    X87("fldl m64; fdivl n64; fstpl r64");
    check_eq("1 / 3, up", r64, 0x3fd5555555555556);
    fcw(0x77f); /* down, extended */
    X87("fldl m64; fchs; fdivl n64; fstpl r64");
    check_eq("-1 / 3, down", r64, 0xbfd5555555555556);
    fcw(0x07f); /* single precision in registers */
    X87("fldl m64; fdivl n64; fstpl r64");
    check_eq("1 / 3 in single precision", r64, 0x3fd5555560000000);
    fcw(0x37f);
    m64 = 0;
    X87("fld1; fdivl m64; fstpl r64");
    check_eq("1 / 0", r64, 0x7ff0000000000000);
    check_eq("is a zero divide", status() & 0x3f, 4);
    fcw(0x37f);
    m64 = 0x3ff0000000000000;
    X87("fldz; fdivl m64; fstpl r64");
    check_eq("0 / 1", r64, 0);
    fcw(0x37f);
    m64 = 0xbff0000000000000;
    X87("fldl m64; fsqrt; fstpl r64");
    check_eq("the root of -1 is the default NaN", r64, 0xfff8000000000000);
    check_eq("and invalid", status() & 1, 1);
    fcw(0x37f);
    X87("fstpl r64");
    check_eq("stack underflow: NaN", r64, 0xfff8000000000000);
    check_eq("stack underflow: IE, SF, C1 clear", status() & 0x241, 0x41);
    fcw(0x37f);
    X87("fld1; fld1; fld1; fld1; fld1; fld1; fld1; fld1; fld1");
    check_eq("stack overflow: IE, SF, C1", status() & 0x241, 0x241);
    fcw(0x37f);
    m64 = 0xc005bf0a8b145769; /* -2.718... */
    X87("fldl m64; frndint; fistpl r32");
    check_eq("frndint, fistp", r32, (uint32_t)-3);
    fcw(0xf7f); /* truncate */
    X87("fldl m64; fistpl r32");
    check_eq("fistp truncating", r32, (uint32_t)-2);
    fcw(0x37f);
    m64 = 0x43f0000000000000; /* 2^64 */
    X87("fldl m64; fistpll r64");
    check_eq("fistp of what does not fit: integer indefinite", r64, 0x8000000000000000);
    m32 = 0x00000001; /* the smallest denormal */
    fcw(0x37f);
    X87("flds m32; fstpl r64");
    check_eq("a single denormal is a double normal", r64, 0x36a0000000000000);
    check_eq("denormal operand", status() & 2, 2);
    fcw(0x37f);
    uint32_t flags;
    asm volatile("fldz; fld1; fucomip %%st(1), %%st; pushf; pop %0; fstp %%st"
                 : "=r"(flags)::"memory");
    check_eq("fucomi 1, 0: above", flags & 0x45, 0);
    asm volatile("fldz; fldz; fdivp; fld1; fucomip %%st(1), %%st; pushf; pop %0; fstp %%st"
                 : "=r"(flags)::"memory");
    check_eq("fucomi with NaN: unordered", flags & 0x45, 0x45);
    fcw(0x37f);
    asm volatile("fld1; fxam; fnstsw %0" : "=m"(sw));
    check_eq("fxam: normal", sw & 0x4500, 0x400);
    fcw(0x37f);
    asm volatile("fxam; fnstsw %0" : "=m"(sw));
    check_eq("fxam: empty", sw & 0x4500, 0x4100);
    fcw(0x37f);
    asm volatile("fld1; fldl2e; fbstp %0" : "=m"(*(uint8_t(*)[10])image));
    check_eq("fbstp", image[0], 1);
    asm volatile("fldpi; fstpt %0" : "=m"(*(uint8_t(*)[10])image));
    check_eq("pi, 80 bits: mantissa", *(uint64_t *)image, 0xc90fdaa22168c235);
    check_eq("pi, 80 bits: exponent", *(uint16_t *)(image + 8), 0x4000);
    fcw(0x37f);
    asm volatile("fld1; fldpi; fnsave %0" : "=m"(*(uint8_t(*)[108])image));
    check_eq("fnsave: tags", *(uint16_t *)(image + 8), 0x0fff);
    check_eq("fnsave: top", *(uint16_t *)(image + 4) >> 11 & 7, 6);
    check_eq("fnsave: st(0)", *(uint64_t *)(image + 28), 0xc90fdaa22168c235);
    asm volatile("frstor %1; fstp %%st; fstpl %0" : "=m"(r64) : "m"(*(uint8_t(*)[108])image));
    check_eq("frstor", r64, 0x3ff0000000000000);
    fcw(0x37f);
    asm volatile("fldlg2; fldln2; fldl2t; fsin; fcos; fstp %%st; fptan; fincstp; fdecstp; fxch; "
                 "fprem; fscale; fnclex" ::
                     : "memory");
    check_eq("transcendentals ran", status() & 0x80, 0);
}

static void mxcsr(uint32_t v)
{
    m32 = v;
    asm volatile("ldmxcsr m32" ::: "memory");
}
static uint32_t get_mxcsr(void)
{
    asm volatile("stmxcsr r32" ::: "memory");
    return r32;
}

static void test_sse(void)
{
    if (!has_cpuid(1, 0, EDX, 26)) {
        skip("SSE2");
        return;
    }
    ATTEMPT("xorps %%xmm0, %%xmm0", :);
    check_trap("SSE without OSFXSR", UD, 0);
    WRITE_CR(4, READ_CR(4) | 0x600);
    mxcsr(0x1f80);
    m64 = 0x3ff0000000000000;
    n64 = 0x4008000000000000;
    X87("movsd m64, %%xmm0; divsd n64, %%xmm0; movsd %%xmm0, r64");
    check_eq("divsd", r64, 0x3fd5555555555555);
    check_eq("MXCSR: inexact", get_mxcsr() & 0x3f, 0x20);
    mxcsr(0x1f80 | 0x4000);
    X87("movsd m64, %%xmm0; divsd n64, %%xmm0; movsd %%xmm0, r64");
    check_eq("divsd, up", r64, 0x3fd5555555555556);
    mxcsr(0x1f80);
    X87("xorpd %%xmm1, %%xmm1; movsd m64, %%xmm0; divsd %%xmm1, %%xmm0; movsd %%xmm0, r64");
    check_eq("1 / 0", r64, 0x7ff0000000000000);
    check_eq("MXCSR: ZE", get_mxcsr() & 0x3f, 4);
    mxcsr(0x1d80); /* ZM clear */
    ATTEMPT("xorpd %%xmm1, %%xmm1; movsd m64, %%xmm0; divsd %%xmm1, %%xmm0", ::: "memory");
    check_trap("#XM", XM, 0);
    WRITE_CR(4, READ_CR(4) & ~(word)0x400);
    ATTEMPT("movsd m64, %%xmm0; divsd %%xmm1, %%xmm0", ::: "memory");
    check_trap("without OSXMMEXCPT it is #UD", UD, 0);
    WRITE_CR(4, READ_CR(4) | 0x400);
    mxcsr(0x1f80);
    ATTEMPT("ldmxcsr %0", ::"m"(*(const uint32_t *)"\x00\x00\x01\x00"));
    check_trap("a reserved bit of MXCSR", GP, 0);
    m64 = 0x0000000000000001;
    X87("movsd m64, %%xmm0; addsd %%xmm0, %%xmm0; movsd %%xmm0, r64");
    check_eq("denormals add", r64, 2);
    mxcsr(0x1f80 | 0x8040); /* FTZ, DAZ */
    X87("movsd m64, %%xmm0; addsd %%xmm0, %%xmm0; movsd %%xmm0, r64");
    check_eq("DAZ makes them zero", r64, 0);
    mxcsr(0x1f80);
    uint32_t v;
    m64 = 0x4004000000000000; /* 2.5 */
    asm volatile("cvtsd2si m64, %0" : "=r"(v)::"memory");
    check_eq("cvtsd2si rounds to even", v, 2);
    m64 = 0x400c000000000000; /* 3.5 */
    asm volatile("cvtsd2si m64, %0" : "=r"(v)::"memory");
    check_eq("cvtsd2si, up to even", v, 4);
    asm volatile("cvttsd2si m64, %0" : "=r"(v)::"memory");
    check_eq("cvttsd2si", v, 3);
    m64 = 0x41f0000000000000; /* 2^32 */
    asm volatile("cvttsd2si m64, %0" : "=r"(v)::"memory");
    check_eq("cvttsd2si of what does not fit", v, 0x80000000);
    check_eq("is invalid", get_mxcsr() & 1, 1);
    mxcsr(0x1f80);
    uint32_t flags;
    m64 = 0x7ff8000000000000;
    asm volatile("movsd m64, %%xmm0; ucomisd %%xmm0, %%xmm0; pushf; pop %0"
                 : "=r"(flags)::"memory");
    check_eq("ucomisd of NaN", flags & 0x45, 0x45);
    check_eq("ucomisd of a quiet NaN is not invalid", get_mxcsr() & 1, 0);
    asm volatile("comisd %%xmm0, %%xmm0" ::: "memory", "cc");
    check_eq("comisd is", get_mxcsr() & 1, 1);
    mxcsr(0x1f80);
    ATTEMPT("movaps (%0), %%xmm0", ::"r"(image + 4));
    check_trap("movaps misaligned", GP, 0);
    ATTEMPT("movups (%0), %%xmm0", ::"r"(image + 4));
    check_no_trap("movups misaligned");
    static uint32_t a[4] __attribute__((aligned(16))) = {1, 2, 3, 0xffffffff},
                         b[4] __attribute__((aligned(16))) = {10, 20, 30, 2},
                         c[4] __attribute__((aligned(16)));
    asm volatile("movdqa %1, %%xmm0; paddd %2, %%xmm0; movdqa %%xmm0, %0"
                 : "=m"(c)
                 : "m"(a), "m"(b));
    check("paddd", c[0] == 11 && c[1] == 22 && c[2] == 33 && c[3] == 1);
    asm volatile("movdqa %1, %%xmm0; pshufd $0x1b, %%xmm0, %%xmm1; movdqa %%xmm1, %0"
                 : "=m"(c)
                 : "m"(a));
    check("pshufd", c[0] == 0xffffffff && c[1] == 3 && c[2] == 2 && c[3] == 1);
    asm volatile("movdqa %1, %%xmm0; pmuludq %2, %%xmm0; movdqa %%xmm0, %0"
                 : "=m"(c)
                 : "m"(a), "m"(b));
    check("pmuludq", c[0] == 10 && c[1] == 0 && c[2] == 90 && c[3] == 0);
    asm volatile("movdqa %1, %%xmm0; pcmpgtd %2, %%xmm0; pmovmskb %%xmm0, %0"
                 : "=r"(v)
                 : "m"(b), "m"(a));
    check_eq("pcmpgtd is signed, pmovmskb", v, 0xffff);
    asm volatile(
        "movdqa %1, %%xmm0; packssdw %%xmm0, %%xmm0; punpcklwd %%xmm0, %%xmm0; movdqa %%xmm0, %0"
        : "=m"(c)
        : "m"(b));
    check("packssdw, punpcklwd", c[0] == 0x000a000a && c[1] == 0x00140014);
    asm volatile("fninit; fldpi; fxsave %0" : "=m"(image));
    check_eq("fxsave: mxcsr", *(uint32_t *)(image + 24), 0x1f80);
    check_eq("fxsave: abridged tags", image[4], 0x80);
    check_eq("fxsave: st(0)", *(uint64_t *)(image + 32), 0xc90fdaa22168c235);
    check_eq("fxsave: xmm0", *(uint32_t *)(image + 160), 0x000a000a);
    asm volatile("fninit; xorps %%xmm0, %%xmm0; fxrstor %1; movdqa %%xmm0, %0"
                 : "=m"(c)
                 : "m"(image));
    check_eq("fxrstor: xmm0", c[0], 0x000a000a);
    check_eq("fxrstor: top", status() >> 11 & 7, 7);
    asm volatile("fninit; emms");
}

void main(void)
{
    WRITE_CR(0, (READ_CR(0) | 0x22) & ~(word)0xc);
    test_x87();
    test_sse();
}
