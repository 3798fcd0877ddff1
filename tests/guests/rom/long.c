// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Long mode: 64-bit operands, canonical addresses, SYSCALL and SYSRET, SYSENTER and SYSEXIT,
 * compatibility mode, IRETQ, stacks of the interrupt stack table, swapgs and segment bases, CR8,
 * what 64-bit mode no longer has. SDM 3A 5.8.7-5.8.8, 6.14, 9.8.5; SDM 2 for each instruction; APM
 * 2 4.8 (long-mode segmentation).
 */
// guest: 64
// not on: qemu (TCG lets CR4.PAE be cleared in long mode)
#include "test.h"

#define MSR_EFER        0xc0000080
#define MSR_STAR        0xc0000081
#define MSR_LSTAR       0xc0000082
#define MSR_CSTAR       0xc0000083
#define MSR_FMASK       0xc0000084
#define MSR_FS_BASE     0xc0000100
#define MSR_GS_BASE     0xc0000101
#define MSR_KERNEL_GS   0xc0000102
#define MSR_SYSENTER_CS 0x174
#define NONCANON        0x0000800000000000ull

volatile word note[8];

static void test_operands(void)
{
    uint64_t a, b;

    asm volatile("mov $-1, %0; mov $1, %k0" : "=r"(a));
    check_eq("a 32-bit write clears the upper half", a, 1);
    asm volatile("mov $-1, %0; mov $1, %w0" : "=r"(a));
    check_eq("a 16-bit write does not", a, 0xffffffffffff0001);
    asm volatile("movslq %k1, %0" : "=r"(a) : "r"(0x80000000u));
    check_eq("movsxd", a, 0xffffffff80000000);
    asm volatile("mov $0x80000000, %k0; add $-1, %0" : "=r"(a));
    check_eq("imm8 is sign-extended to 64", a, 0x7fffffff);
    asm volatile("mul %3"
                 : "=a"(a), "=d"(b)
                 : "a"(0xfedcba9876543210ull), "r"(0x123456789abcdef0ull));
    check_eq("mul: low", a, 0x236d88fe5618cf00ull);
    check_eq("mul: high", b, 0x121fa00ad77d7422ull);
    asm volatile("div %4" : "=a"(a), "=d"(b) : "a"(a), "d"(b), "r"(0x123456789abcdef0ull));
    check_eq("div undoes mul", a, 0xfedcba9876543210ull);
    check_eq("div: remainder", b, 0);
    asm volatile("mov %1, %0; shl $63, %0; sar $63, %0" : "=&r"(a) : "r"(3ull));
    check_eq("64-bit shifts", a, ~0ull);
    asm volatile("mov $1, %0; mov $65, %%cl; shl %%cl, %0" : "=&r"(a)::"rcx");
    check_eq("64-bit counts are modulo 64", a, 2);
    asm volatile("bswap %0" : "=r"(a) : "0"(0x0102030405060708ull));
    check_eq("bswap", a, 0x0807060504030201ull);
    asm volatile("mov $0x1234567890abcdef, %0" : "=r"(a));
    check_eq("mov imm64", a, 0x1234567890abcdefull);
    asm volatile("lea 1f(%%rip), %0; 1: lea 1b, %k1" : "=r"(a), "=r"(b));
    check_eq("rip-relative", a, b);
    asm volatile("mov $0x11, %%esi; mov $0x2200, %%eax; mov %%ah, %%cl; mov %%sil, %%dl; movzx "
                 "%%cl, %0; movzx %%dl, %1"
                 : "=r"(a), "=r"(b)::"rax", "rcx", "rdx", "rsi");
    check_eq("ah without REX", a, 0x22);
    check_eq("sil with REX", b, 0x11);
    asm volatile("push $-2; pop %0" : "=r"(a));
    check_eq("push imm8 is 64 bits", a, -2ull);
    uint64_t pair[2] __attribute__((aligned(16))) = {5, 6};
    uint8_t zf;
    if (has_cpuid(1, 0, ECX, 13)) {
        asm volatile("lock cmpxchg16b %0; setz %1"
                     : "+m"(pair), "=q"(zf), "=a"(a), "=d"(b)
                     : "2"(5ull), "3"(6ull), "b"(7ull), "c"(8ull));
        check("cmpxchg16b", zf && pair[0] == 7 && pair[1] == 8);
        ATTEMPT("cmpxchg16b 8(%0)", ::"r"(pair), "a"(0), "d"(0), "b"(0), "c"(0) : "memory");
        check_trap("cmpxchg16b misaligned", GP, 0);
    }
    uint32_t di_hi;
    asm volatile("mov $0xffffffff00000000, %%rdi; add %1, %%rdi; mov $1, %%ecx; mov $0x41, %%al; "
                 ".byte 0x67; rep stosb; shr $32, %%rdi; mov %%edi, %0"
                 : "=r"(di_hi)
                 : "r"((uint64_t)user_stack)
                 : "rdi", "rcx", "rax", "memory");
    check_eq("rep stosb with 32-bit addresses", user_stack[0], 0x41);
    check_eq("and EDI zero-extended", di_hi, 0);
}

static void test_removed(void)
{
    ATTEMPT(".byte 0x06", );
    check_trap("push es", UD, 0);
    ATTEMPT(".byte 0x27", );
    check_trap("daa", UD, 0);
    ATTEMPT(".byte 0x60", );
    check_trap("pusha", UD, 0);
    ATTEMPT(".byte 0xce", );
    check_trap("into", UD, 0);
    ATTEMPT(".byte 0xea, 0,0,0,0, 8,0", );
    check_trap("far jump with a pointer", UD, 0);
    ATTEMPT(".byte 0xd5, 10", );
    check_trap("aad", UD, 0);
    ATTEMPT("int $0x20", );
    check_trap("int n", 0x20, 0);
    word cr4 = READ_CR(4);
    ATTEMPT("mov %0, %%cr4", ::"r"(cr4 & ~0x20ull));
    check_trap("CR4.PAE cannot go in long mode", GP, 0);
    ATTEMPT("mov %0, %%cr0", ::"r"(READ_CR(0) | 1ull << 32));
    check_trap("upper half of CR0", GP, 0);
    ATTEMPT("wrmsr", ::"c"(MSR_EFER), "a"(0xd01 & ~0x100u), "d"(0));
    check_trap("LME cannot change under paging", GP, 0);
    ATTEMPT("wrmsr", ::"c"(MSR_EFER), "a"(0xffffffff), "d"(0));
    check_trap("reserved bits of EFER", GP, 0);
}

/* What no register takes: those go by the widest addresses that the processor has (LA57). */
static uint64_t noncanonical_ever(void)
{
    return has_cpuid(7, 0, ECX, 16) ? 1ull << 56 : NONCANON;
}

static void test_canonical(void)
{
    uint64_t ever = noncanonical_ever();

    ATTEMPT("mov (%0), %%eax", ::"D"(NONCANON) : "rax");
    check_trap("load", GP, 0);
    ATTEMPT("mov %%eax, (%0)", ::"D"(0xffff7fffffffffffull) : "memory");
    check_trap("store", GP, 0);
    trap.vector = NO_TRAP;
    asm volatile("movq $1f, trap_resume; mov %%rbp, %%rbx; mov %0, %%rbp; mov (%%rbp), %%eax; 1: "
                 "mov %%rbx, %%rbp" ::"r"(NONCANON)
                 : "rax", "rbx", "memory");
    trap_resume = 0;
    check_trap("by RBP it is #SS", SS, 0);
    ATTEMPT("mov 0x7fffffffffff, %%al", ::: "rax");
    check("the last byte of the lower half is canonical", trap.vector == PF);
    ATTEMPT("jmp *%0", ::"r"(NONCANON));
    check_trap("jump", GP, 0);
    ATTEMPT("invlpg (%0)", ::"r"(NONCANON));
    check_no_trap("invlpg ignores it");
    ATTEMPT("wrmsr", ::"c"(MSR_LSTAR), "a"(0), "d"(ever >> 32));
    check_trap("wrmsr LSTAR", GP, 0);
    ATTEMPT("wrmsr", ::"c"(MSR_FS_BASE), "a"(0), "d"(ever >> 32));
    check_trap("wrmsr FS base", GP, 0);
    ATTEMPT("prefetcht0 (%0)", ::"r"(NONCANON));
    check_no_trap("prefetch of anything");
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) p = {0xffff, ever};
    ATTEMPT("lgdt %0", ::"m"(p));
    check_trap("lgdt", GP, 0);
}

static void test_bases(void)
{
    static uint64_t cell[4] = {11, 22, 33, 44};
    uint64_t v;

    wrmsr(MSR_FS_BASE, (word)cell);
    asm volatile("mov %%fs:8, %0" : "=r"(v));
    check_eq("fs base", v, 22);
    wrmsr(MSR_GS_BASE, (word)&cell[1]);
    wrmsr(MSR_KERNEL_GS, (word)&cell[2]);
    asm volatile("mov %%gs:8, %0" : "=r"(v));
    check_eq("gs base", v, 33);
    asm volatile("swapgs; mov %%gs:8, %0; swapgs" : "=r"(v));
    check_eq("swapgs", v, 44);
    check_eq("swapgs twice", rdmsr(MSR_GS_BASE), (word)&cell[1]);
    asm volatile("mov %w0, %%fs" ::"r"(SEL_KDATA));
    check_eq("a load of FS takes the descriptor's base", rdmsr(MSR_FS_BASE), 0);
    gdt_set(SEL_FREE, 0x12345678, 0xfffff, 0x93, 0xc);
    asm volatile("mov %w0, %%fs" ::"r"(SEL_FREE));
    check_eq("32 bits of it", rdmsr(MSR_FS_BASE), 0x12345678);
    asm volatile("mov %w0, %%ds; mov %1, %0; mov %w2, %%ds"
                 : "=&r"(v)
                 : "m"(cell[0]), "r"(SEL_KDATA), "0"(SEL_FREE));
    check_eq("DS has no base", v, 11);
    asm volatile("mov %w0, %%ds; mov %1, %0; mov %w2, %%ds"
                 : "=&r"(v)
                 : "m"(cell[3]), "r"(SEL_KDATA), "0"(0));
    check_eq("DS may be null", v, 44);
    ATTEMPT("mov %w0, %%ss; mov %w1, %%ss", ::"r"(0), "r"(SEL_KDATA));
    check_no_trap("SS may be null at ring 0");
    asm volatile("mov %w0, %%fs; mov %w0, %%gs" ::"r"(0));
}

/* SYSCALL from ring 3 comes here: leaves by SYSRET once, then by leave_user. */
void syscall_entry(void), syscall_entry32(void), sysenter_entry(void);
asm("syscall_entry:\n"
    "mov %rcx, note; mov %r11, note+8; mov %rsp, note+16\n"
    "mov %ss, %eax; mov %rax, note+24; mov %cs, %eax; mov %rax, note+32\n"
    "pushf; popq note+40\n"
    "incq note+48\n"
    "rex.w sysret\n"
    "syscall_entry32:\n"
    "mov %rcx, note; mov %cs, %eax; mov %rax, note+32\n"
    "sysretl\n");

static volatile word user_sp, user_after, user_flags, user_cs;
static void user_syscall(void)
{
    asm volatile("mov %%rsp, %0; std; syscall; 1: pushf; popq %2; cld; mov %%cs, %%eax; mov %%rax, "
                 "%3; lea 1b(%%rip), %%rax; mov %%rax, %1; int $0x80"
                 : "=m"(user_sp), "=m"(user_after), "=m"(user_flags), "=m"(user_cs)::"rax", "rcx",
                   "r11", "memory");
}

static void test_syscall(void)
{
    wrmsr(MSR_STAR, (uint64_t)(SEL_UCODE32) << 48 | (uint64_t)SEL_KCODE << 32);
    wrmsr(MSR_LSTAR, (word)syscall_entry);
    wrmsr(MSR_CSTAR, (word)syscall_entry32);
    wrmsr(MSR_FMASK, 0x400);
    note[6] = 0;
    run_user(user_syscall);
    check_trap("back at ring 3, then int 80h", 0x80, 0);
    check_eq("entered once", note[6], 1);
    check_eq("RCX is the next instruction", note[0], user_after);
    check_eq("R11 has the flags", note[1] & 0x600, 0x400);
    check_eq("RSP is untouched", note[2], user_sp);
    check_eq("SS", note[3] & 0xffff, SEL_KDATA);
    check_eq("CS", note[4] & 0xffff, SEL_KCODE);
    check_eq("FMASK clears", note[5] & 0x400, 0);
    check_eq("SYSRET restores the flags", user_flags & 0x400, 0x400);
    check_eq("SYSRET's CS", user_cs & 0xffff, SEL_UCODE64);
    check_eq("SYSRET's SS", trap.ss & 0xffff, SEL_UDATA);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~1ull);
    run_user(user_syscall);
    check_trap("SYSCALL without SCE", UD, 0);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1);
}

asm("sysenter_entry:\n"
    "mov %rsp, note; mov %cs, %eax; mov %rax, note+8; mov %ss, %eax; mov %rax, note+16\n"
    "pushf; popq note+24\n"
    "lea sysexit_target(%rip), %rdx\n"
    "lea user_stack+4000(%rip), %rcx\n"
    "rex.w sysexit\n"
    "sysexit_target:\n"
    "mov %cs, %eax; mov %rax, note+32; mov %rsp, note+40; int $0x80\n");
static void user_sysenter(void)
{
    asm volatile("sysenter");
}

static void test_sysenter(void)
{
    wrmsr(MSR_SYSENTER_CS, 0);
    run_user(user_sysenter);
    check_trap("SYSENTER without a CS", GP, 0);
    wrmsr(MSR_SYSENTER_CS, SEL_KCODE);
    wrmsr(0x175, 0x88000);
    wrmsr(0x176, (word)sysenter_entry);
    run_user(user_sysenter);
    check_trap("SYSENTER, SYSEXIT, int 80h", 0x80, 0);
    check_eq("SYSENTER: RSP", note[0], 0x88000);
    check_eq("SYSENTER: CS", note[1] & 0xffff, SEL_KCODE);
    check_eq("SYSENTER: SS", note[2] & 0xffff, SEL_KDATA);
    check_eq("SYSENTER: IF is clear", note[3] & 0x200, 0);
    check_eq("SYSEXIT: CS", note[4] & 0xffff, SEL_UCODE64);
    check_eq("SYSEXIT: RSP", note[5], (word)user_stack + 4000);
    check_eq("SYSEXIT: SS", trap.ss & 0xffff, SEL_UDATA2);
}

/* Compatibility mode: the same selectors with L clear run 32-bit code. */
void compat_code(void);
struct far_pointer {
    uint32_t off;
    uint16_t sel;
} __attribute__((packed)) to32, to64;
asm(".code32\n"
    "compat_code: mov $0x12345678, %eax; .byte 0x40; movw $0x1122, %bx\n" /* 0x40 is inc eax here, a
                                                                             REX in 64 bits */
    "mov %esp, %ecx; push %eax; sub %esp, %ecx\n"
    "pushal; popal\n"
    "int $0x80\n"
    ".code64\n");

static void test_compat(void)
{
    run_user_at((word)compat_code, SEL_UCODE32, 2, (word)user_stack + 4000, SEL_UDATA);
    check_trap("32-bit code at ring 3 ends by int 80h", 0x80, 0);
    check_eq("0x40 is inc eax", trap.ax, 0x12345679);
    check_eq("pushes are four bytes", trap.cx, 4);
    check_eq("CS", trap.cs & 0xffff, SEL_UCODE32);
    uint64_t v;
    to32.sel = SEL_KCODE32;
    to64.sel = SEL_KCODE;
    asm volatile("movl $1f, to32; movl $2f, to64; mov %%rsp, %%r15; mov $-1, %%rbx\n"
                 "ljmp *to32\n"
                 ".code32\n"
                 "1: mov $0x7fffffff, %%eax; .byte 0x40\n"
                 "ljmp *to64\n"
                 ".code64\n"
                 "2: mov %%r15, %%rsp; mov %%eax, %k0\n"
                 : "=r"(v)::"rax", "rbx", "r15", "memory");
    check_eq("into compatibility mode at ring 0 and back", v, 0x80000000);
    gdt_set(SEL_FREE, 0, 0xfffff, 0x9b, 0xe); /* L and D both set */
    to32.sel = SEL_FREE;
    ATTEMPT("ljmp *%0", ::"m"(to32));
    check_trap("a code segment with L and D", GP, SEL_FREE);
}

static volatile word frame_sp, frame_ss, frame_addr;
static bool note_stack(struct frame *f)
{
    if (f->vector != 0x50)
        return false;
    frame_sp = f->sp;
    frame_ss = f->ss;
    frame_addr = (word)(&f->ss + 1);
    return true;
}

static void test_interrupts(void)
{
    static uint8_t ist[4096] __attribute__((aligned(16)));
    word sp;

    trap_hook = note_stack;
    asm volatile("mov %%rsp, %0; int $0x50" : "=r"(sp));
    check_eq("RSP is always pushed", frame_sp, sp);
    check_eq("the frame is aligned", frame_addr & 15, 0);
    asm volatile("mov %%rsp, %0; sub $8, %%rsp; int $0x50; add $8, %%rsp" : "=r"(sp));
    check_eq("whatever RSP was", frame_addr & 15, 0);
    check_eq("RSP, misaligned", frame_sp, sp - 8);
    tss.ist[2] = (word)ist + sizeof(ist);
    idt_set_ist(0x50, 3);
    asm volatile("int $0x50");
    check_eq("IST stack, same ring", frame_addr, (word)ist + sizeof(ist));
    idt_set_ist(0x50, 0);
    trap_hook = NULL;
    /* IRETQ to a non-canonical address faults, at ring 0, before anything changes */
    trap.vector = NO_TRAP;
    asm volatile(
        "movq $1f, trap_resume; mov %%rsp, %%rbx; pushq %0; push %%rbx; pushf; pushq %1; push %2\n"
        "iretq; 1: mov %%rbx, %%rsp" ::"i"(SEL_KDATA),
        "i"(SEL_KCODE), "r"(NONCANON)
        : "rax", "rbx", "memory");
    check_trap("iretq to a non-canonical RIP", GP, 0);
}

static void test_cr8(void)
{
    WRITE_CR(8, 5);
    check_eq("CR8", READ_CR(8), 5);
    ATTEMPT("mov %0, %%cr8", ::"r"(16ull));
    check_trap("CR8 has four bits", GP, 0);
    WRITE_CR(8, 0);
}

static void test_pcid(void)
{
    if (!has_cpuid(1, 0, ECX, 17)) {
        skip("PCID");
        return;
    }
    word cr3 = READ_CR(3), cr4 = READ_CR(4);
    WRITE_CR(4, cr4 | 0x20000);
    WRITE_CR(3, cr3 | 5);
    WRITE_CR(3, cr3 | 6 | 1ull << 63);
    check_eq("CR3 with a PCID; bit 63 reads 0", READ_CR(3), cr3 | 6);
    ATTEMPT("mov %0, %%cr0", ::"r"(READ_CR(0) & ~0x80000000ull));
    check_trap("paging cannot go with PCIDE", GP, 0);
    WRITE_CR(3, cr3);
    WRITE_CR(4, cr4);
    WRITE_CR(3, cr3 | 5);
    ATTEMPT("mov %0, %%cr4", ::"r"(cr4 | 0x20000));
    check_trap("PCIDE needs PCID 0", GP, 0);
    WRITE_CR(3, cr3);
}

void main(void)
{
    tss_setup();
    test_operands();
    test_removed();
    test_canonical();
    test_bases();
    test_syscall();
    test_sysenter();
    test_compat();
    test_interrupts();
    test_cr8();
    test_pcid();
}
