/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See host.h. Linux: arch_prctl(2), sigaltstack(2); the signal frame's XSAVE area is the kernel's.
 */
#include "tests/diff/host.h"

#include <cpuid.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/bits.h"
#include "cpu/cpu.h"
#include "cpu/cpuid.h"
#include "tests/diff/descriptors.h"

/* ---- in and out ---- */

/* native_enter(state, frame): loads the state's registers and IRETs through the frame. It comes
 * back from diff_native_exit, to which the code jumps, or from native_on_signal; either has left
 * what it found in native_out. */
void native_enter(const struct diff_state *s, const uint64_t *frame);
void native_exit(void);
void native_on_signal(int sig, siginfo_t *info, void *context);
void native_note(int sig, siginfo_t *info, void *context);

/* The assembler's and C's; `used`, since the compiler does not see the first. */
struct diff_state native_out __attribute__((used));
struct diff_fpu native_clean __attribute__((used)); /* xstate_bv 0: all initial */
uint64_t native_sp __attribute__((used));
uint64_t native_host_fs __attribute__((used));
uint64_t native_mask __attribute__((used)); /* of state components; 0: none is loaded */

#define XS(x) #x
#define S(x)  XS(x)
#define O_RIP 128
#define O_FL  136
#define O_SEL 144
#define O_FSB 160
#define O_GSB 168
#define O_FPU 192
static_assert(offsetof(struct diff_state, rip) == O_RIP &&
                  offsetof(struct diff_state, rflags) == O_FL &&
                  offsetof(struct diff_state, sel) == O_SEL &&
                  offsetof(struct diff_state, fs_base) == O_FSB &&
                  offsetof(struct diff_state, gs_base) == O_GSB &&
                  offsetof(struct diff_state, fpu) == O_FPU,
              "as the assembler knows them");

/* clang-format off */
__asm__(
    ".pushsection .text\n"
    "native_enter:\n"
    "pushq %rbx\n"
    "pushq %rbp\n"
    "pushq %r12\n"
    "pushq %r13\n"
    "pushq %r14\n"
    "pushq %r15\n"
    "movq %rsp, native_sp(%rip)\n"
    "movq native_mask(%rip), %rax\n"
    "testq %rax, %rax\n"
    "jz 1f\n"
    "xorl %edx, %edx\n"
    "xrstor64 " S(O_FPU) "(%rdi)\n"
    "1:\n"
    "movw " S(O_SEL) "+0(%rdi), %es\n"
    "movw " S(O_SEL) "+6(%rdi), %ds\n"
    "movw " S(O_SEL) "+8(%rdi), %fs\n"
    "movw " S(O_SEL) "+10(%rdi), %gs\n"
    "movq " S(O_FSB) "(%rdi), %rax\n"
    "wrfsbase %rax\n"
    "movq " S(O_GSB) "(%rdi), %rax\n"
    "wrgsbase %rax\n"
    "movq %rsi, %rsp\n"
    "movq 0(%rdi), %rax\n"
    "movq 8(%rdi), %rcx\n"
    "movq 16(%rdi), %rdx\n"
    "movq 24(%rdi), %rbx\n"
    "movq 40(%rdi), %rbp\n"
    "movq 48(%rdi), %rsi\n"
    "movq 64(%rdi), %r8\n"
    "movq 72(%rdi), %r9\n"
    "movq 80(%rdi), %r10\n"
    "movq 88(%rdi), %r11\n"
    "movq 96(%rdi), %r12\n"
    "movq 104(%rdi), %r13\n"
    "movq 112(%rdi), %r14\n"
    "movq 120(%rdi), %r15\n"
    "movq 56(%rdi), %rdi\n"
    "iretq\n"
    "native_exit:\n"
    "movq %rax, native_out+0(%rip)\n"
    "movq %rcx, native_out+8(%rip)\n"
    "movq %rdx, native_out+16(%rip)\n"
    "movq %rbx, native_out+24(%rip)\n"
    "movq %rsp, native_out+32(%rip)\n"
    "movq %rbp, native_out+40(%rip)\n"
    "movq %rsi, native_out+48(%rip)\n"
    "movq %rdi, native_out+56(%rip)\n"
    "movq %r8, native_out+64(%rip)\n"
    "movq %r9, native_out+72(%rip)\n"
    "movq %r10, native_out+80(%rip)\n"
    "movq %r11, native_out+88(%rip)\n"
    "movq %r12, native_out+96(%rip)\n"
    "movq %r13, native_out+104(%rip)\n"
    "movq %r14, native_out+112(%rip)\n"
    "movq %r15, native_out+120(%rip)\n"
    "movw %ss, %ax\n"
    "movw %ax, native_out+" S(O_SEL) "+4(%rip)\n"
    "movl $0x2b, %eax\n" /* DIFF_DS_USER: of the host's kernel */
    "movw %ax, %ss\n"
    "movq native_sp(%rip), %rsp\n"
    "pushfq\n"
    "popq native_out+" S(O_FL) "(%rip)\n"
    "pushq $0x202\n"
    "popfq\n"
    "call native_segments\n"
    "movq native_mask(%rip), %rax\n"
    "testq %rax, %rax\n"
    "jz 2f\n"
    "xorl %edx, %edx\n"
    "xsave64 native_out+" S(O_FPU) "(%rip)\n"
    "movq native_mask(%rip), %rax\n"
    "xrstor64 native_clean(%rip)\n"
    "jmp 2f\n"
    /* ES, DS, FS, GS and the bases; the host's FS base again, where its thread pointer is */
    "native_segments:\n"
    "movw %es, native_out+" S(O_SEL) "+0(%rip)\n"
    "movw %ds, native_out+" S(O_SEL) "+6(%rip)\n"
    "movw %fs, native_out+" S(O_SEL) "+8(%rip)\n"
    "movw %gs, native_out+" S(O_SEL) "+10(%rip)\n"
    "rdfsbase %rax\n"
    "movq %rax, native_out+" S(O_FSB) "(%rip)\n"
    "rdgsbase %rax\n"
    "movq %rax, native_out+" S(O_GSB) "(%rip)\n"
    "xorl %eax, %eax\n"
    "movw %ax, %fs\n"
    "movq native_host_fs(%rip), %rax\n"
    "wrfsbase %rax\n"
    "ret\n"
    /* On the alternate stack; never goes back to what was interrupted. */
    "native_on_signal:\n"
    "pushq $0x202\n"
    "popfq\n"
    "call native_segments\n"
    "subq $8, %rsp\n"
    "call native_note\n"
    "movq native_sp(%rip), %rsp\n"
    "2:\n"
    "popq %r15\n"
    "popq %r14\n"
    "popq %r13\n"
    "popq %r12\n"
    "popq %rbp\n"
    "popq %rbx\n"
    "ret\n"
    ".popsection\n");
/* clang-format on */

static bool has_error(unsigned vector)
{
    return vector == EXC_DF || (vector >= EXC_TS && vector <= EXC_PF) || vector == EXC_AC;
}

void native_note(int sig, siginfo_t *info, void *context)
{
    static const int regs[16] = {[REG_RAX] = 13, [REG_RCX] = 14, [REG_RDX] = 12, [REG_RBX] = 11,
                                 [REG_RSP] = 15, [REG_RBP] = 10, [REG_RSI] = 9,  [REG_RDI] = 8,
                                 [REG_R8] = 0,   [REG_R9] = 1,   [REG_R10] = 2,  [REG_R11] = 3,
                                 [REG_R12] = 4,  [REG_R13] = 5,  [REG_R14] = 6,  [REG_R15] = 7};
    const ucontext_t *uc = context;
    const greg_t *g = uc->uc_mcontext.gregs;
    struct diff_state *s = &native_out;

    (void)sig, (void)info;
    for (unsigned n = 0; n < 16; n++)
        s->gpr[n] = (uint64_t)g[regs[n]];
    s->rip = (uint64_t)g[16];
    s->rflags = (uint64_t)g[17];
    s->sel[SEG_CS] = (uint16_t)g[18];
    s->sel[SEG_SS] = (uint16_t)((uint64_t)g[18] >> 48);
    s->vector = (unsigned)g[20];
    s->error = has_error(s->vector) ? (uint32_t)g[19] : 0;
    s->cr2 = (uint64_t)g[22];
    if (native_mask)
        memcpy(&s->fpu, uc->uc_mcontext.fpregs, sizeof(s->fpu));
}

/* ---- set-up ---- */

static bool has_ldt;
static uint64_t xcr0;

bool diff_host_has_ldt(void)
{
    return has_ldt;
}

uint64_t diff_host_xcr0(void)
{
    return xcr0;
}

bool diff_host_is_intel(void)
{
    static enum { UNKNOWN, INTEL, OTHER } host; /* CPUID is slow where it is virtual */
    unsigned a, b, c, d;

    if (host == UNKNOWN)
        host = __get_cpuid(0, &a, &b, &c, &d) && b == 0x756e6547 ? INTEL : OTHER;
    return host == INTEL;
}

static void take_signals(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
    static uint8_t stack[65536] __attribute__((aligned(64)));
    struct sigaction sa = {.sa_sigaction = native_on_signal,
                           .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};

    sigaltstack(&ss, NULL);
    for (unsigned n = 0; n < ARRAY_SIZE(signals); n++)
        sigaction(signals[n], &sa, NULL);
}

static uint64_t read_xcr0(void)
{
    uint32_t lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

const char *diff_host_init(void)
{
    unsigned a, b, c = 0, d;
    uint16_t ss;

    __get_cpuid(1, &a, &b, &c, &d);
    if (!(c >> 27 & 1))
        return "this kernel or processor has no XSAVE";
    if (!(getauxval(AT_HWCAP2) & 2))
        return "this kernel or processor has no FSGSBASE";
    __asm__ volatile("movw %%ss, %0" : "=m"(ss));
    if (ss != DIFF_DS_USER)
        return "this kernel's selectors are others";
    xcr0 = read_xcr0() & (XCR0_X87 | XCR0_SSE | XCR0_AVX);
    __asm__ volatile("rdfsbase %0" : "=r"(native_host_fs));
    has_ldt = diff_host_ldt();
    st_le32(native_clean.fx + FX_MXCSR, 0x1f80);
    return NULL;
}

void diff_host_ready(void)
{
    uint8_t *out = (uint8_t *)(uintptr_t)DIFF_TRAMPOLINE;

    out[0] = 0xff; /* JMP [RIP+2] */
    out[1] = 0x25;
    st_le32(out + 2, 2);
    st_le64(out + 8, (uint64_t)(uintptr_t)native_exit); /* aligned: AC may be set */
    take_signals();
}

/* ---- features ---- */

static bool cpuid_bit(unsigned leaf, unsigned reg, unsigned bit)
{
    unsigned r[4] = {0};

    return __get_cpuid_count(leaf, 0, &r[0], &r[1], &r[2], &r[3]) && (r[reg] >> bit & 1);
}

bool diff_host_has(unsigned feature)
{
    static uint8_t known[FEATURE_COUNT]; /* 1 no, 2 yes */
    unsigned leaf, reg, bit;

    if (!known[feature])
        known[feature] =
            !cpuid_shows(feature, &leaf, &reg, &bit) || cpuid_bit(leaf, reg, bit) ? 2 : 1;
    return known[feature] == 2;
}

/* ---- a case ---- */

/* The jump to the trampoline that goes behind the code; the bytes it takes. */
static unsigned jump_back(const struct diff_case *c, uint8_t out[8])
{
    uint64_t from = c->linear + c->len;

    if (c->setup->mode == MODE_64) {
        out[0] = 0xe9;
        st_le32(out + 1, (uint32_t)(DIFF_TRAMPOLINE - (from + 5)));
        return 5;
    }
    out[0] = 0x66;
    out[1] = 0xea;
    st_le32(out + 2, DIFF_TRAMPOLINE);
    st_le16(out + 6, DIFF_CS64);
    if (c->setup->mode == MODE_16)
        return 8;
    memmove(out, out + 1, 7);
    return 7;
}

/* What XSAVE leaves out is initial. */
static void fill_in(struct diff_fpu *f)
{
    if (!(f->xstate_bv & XCR0_X87)) {
        uint32_t mxcsr = ld_le32(f->fx + FX_MXCSR);

        memset(f->fx, 0, FX_MXCSR);
        memset(f->fx + FX_ST(0), 0, 128);
        st_le16(f->fx + FX_CW, 0x37f);
        st_le32(f->fx + FX_MXCSR, mxcsr);
    }
    if (!(f->xstate_bv & XCR0_SSE))
        memset(f->fx + FX_XMM(0), 0, 256);
    if (!(f->xstate_bv & XCR0_AVX))
        memset(f->ymmh, 0, sizeof(f->ymmh));
}

void diff_host_run(struct diff_memory *m, const struct diff_case *c, struct diff_state *out,
                   bool jump)
{
    uint64_t *frame = (uint64_t *)(uintptr_t)DIFF_FRAME_PAGE + 64;
    uint8_t *at = m->host_rw + (c->linear - DIFF_BASE), back[8];
    size_t room = DIFF_CODE + 2 * PAGE_SIZE - c->linear, len = c->len < room ? c->len : room, n = 0;

    if (jump && c->len + sizeof(back) <= room)
        n = jump_back(c, back);
    memcpy(at, c->code, len);
    memcpy(at + len, back, n);
    frame[0] = c->in.rip;
    frame[1] = c->in.sel[SEG_CS];
    frame[2] = c->in.rflags | FL_IF;
    frame[3] = c->in.gpr[REG_RSP];
    frame[4] = c->in.sel[SEG_SS];
    native_mask = c->with_fpu ? xcr0 : 0;
    native_out.vector = EXC_BP;
    native_out.error = 0;
    native_out.cr2 = 0;
    native_out.rip = c->in.rip + c->len + 1;
    native_out.sel[SEG_CS] = c->in.sel[SEG_CS];
    native_enter(&c->in, frame);
    memset(at, 0xcc, len + n);
    if (!c->with_fpu) {
        memcpy(out, &native_out, offsetof(struct diff_state, fpu));
        return;
    }
    *out = native_out;
    fill_in(&out->fpu);
}
