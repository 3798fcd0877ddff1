// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debugging in 64-bit mode (SDM 3B 17.2.4-17.2.6, 17.3; SDM 2: SYSCALL, SYSRET, SYSENTER; SDM 3A
 * 6.14.5). Proved:
 * - breakpoints of eight bytes, and addresses of 64 bits that differ in the upper half alone;
 * - DR6 and DR7 refuse an upper half that is not zero with #GP(0), DR0-DR3 take any;
 * - SYSCALL with TF: no step in the kernel when SFMASK clears TF, at its first instruction when
 *   not; SYSRET that sets TF: behind the first instruction of ring 3; SYSENTER keeps TF;
 * - #DB by IST; a data breakpoint of MOV SS before SYSCALL comes in the kernel;
 * - RF through IRETQ; R11 of SYSCALL without RF; general detect.
 */
// guest: 64
// not on: qemu, bochs (SYSCALL and MOV SS with a breakpoint)
#include "test.h"

static struct {
    word ip, dr6, flags, cs, sp;
} hit[8];
static volatile unsigned hits;
static volatile bool keep_tf, set_rf;

static bool note(struct frame *f)
{
    if (f->vector != DB)
        return false;
    if (hits < 8) {
        hit[hits].ip = f->ip;
        hit[hits].dr6 = READ_DR(6);
        hit[hits].flags = f->flags;
        hit[hits].cs = f->cs;
        hit[hits].sp = (word)f;
    }
    hits++;
    WRITE_DR(6, 0xffff0ff0);
    if (!keep_tf)
        f->flags &= ~(word)0x100;
    if (set_rf)
        f->flags |= 0x10000;
    return true;
}

static uint8_t area[64] __attribute__((aligned(64)));

static void arm(word addr, unsigned kind, unsigned len)
{
    asm volatile("" ::: "memory");
    WRITE_DR(0, addr);
    WRITE_DR(6, 0xffff0ff0);
    hits = 0;
    WRITE_DR(7, 0x402u | kind << 16 | len << 18);
}
static void disarm(void)
{
    WRITE_DR(7, 0x400);
}

static void test_eight(void)
{
    for (unsigned off = 0; off < 32; off++) {
        volatile uint8_t *p = area + off;

        arm((word)area + 19, 3, 2); /* eight bytes: 16 to 23 */
        (void)*p;
        check_eq("a byte", hits, off >= 16 && off < 24);
        hits = 0;
        (void)*(volatile uint64_t *)p;
        check_eq("a quadword", hits, off + 8 > 16 && off < 24);
        disarm();
    }
    arm((word)area + 0x100000000, 3, 3);
    (void)*(volatile uint32_t *)area;
    check_eq("all 64 bits of an address count", hits, 0);
    disarm();
}

static void test_registers(void)
{
    ATTEMPT("mov %0, %%dr7", ::"r"(0x100000400ul));
    check_trap("DR7's upper half", GP, 0);
    ATTEMPT("mov %0, %%dr6", ::"r"(0x1ffff0ff0ul));
    check_trap("DR6's upper half", GP, 0);
    ATTEMPT("mov %0, %%dr3", ::"r"(0xfedcba9876543210ul));
    check_no_trap("DR3 takes any");
    check_eq("DR3: all of it", READ_DR(3), 0xfedcba9876543210ul);
    WRITE_DR(3, 0);
    ATTEMPT(".byte 0x44, 0x0f, 0x21, 0xc0", ::: "rax"); /* mov rax, dr8 */
    check_trap("DR8", UD, 0);
}

/* ---- SYSCALL ---- */

void sys_entry(void), user_sys(void), user_after(void), sys_entry2(void), user_enter(void);
asm("sys_entry: nop\n"
    "sys_entry2: int $0x81\n"
    "user_sys: nop; syscall\n"
    "user_enter: nop; sysenter\n"
    "user_after: nop\n"
    ".globl user_after2\n"
    "user_after2: int $0x80\n");
extern char user_after2[];

/* The handler of INT 81h: away from the SYSCALL's stack, which is ring 3's. */
static bool end_syscall(struct frame *f)
{
    if (f->vector == 0x81) {
        trap = *f;
        leave_user();
    }
    return note(f);
}

static void run_tf(void (*fn)(void), word flags)
{
    hits = 0;
    run_user_at((word)fn, SEL_UCODE64, flags | 2, (word)user_stack + 4000, SEL_UDATA);
}

static void test_syscall(void)
{
    uint64_t star = (uint64_t)SEL_KCODE << 32 | (uint64_t)(SEL_UCODE32 & ~3u) << 48;

    wrmsr(0xc0000081, star);
    wrmsr(0xc0000082, (word)sys_entry);
    wrmsr(0xc0000084, 0x100);
    trap_hook = end_syscall;
    keep_tf = true;
    run_tf(user_sys, 0x100);
    check_eq("SYSCALL, SFMASK clears TF: the one step before it", hits, 1);
    check_eq("in ring 3", hit[0].ip, (word)user_sys + 1);
    check_eq("R11 has TF, not RF", trap.r11 & 0x10100, 0x100);
    check_eq("RCX is behind", trap.cx, (word)user_sys + 3);
    wrmsr(0xc0000084, 0);
    run_tf(user_sys, 0x100);
    check("SYSCALL that keeps TF: steps in the kernel", hits >= 2);
    check_eq("at its first instruction", hit[1].ip, (word)sys_entry);
    check_eq("with the kernel's CS", hit[1].cs, SEL_KCODE);
    wrmsr(0x174, SEL_KCODE);
    wrmsr(0x175, (word)user_stack + 2000);
    wrmsr(0x176, (word)sys_entry);
    run_tf(user_enter, 0x100);
    check("SYSENTER keeps TF", hits >= 2);
    check_eq("at its first instruction", hit[1].ip, (word)sys_entry);
    keep_tf = false;
    wrmsr(0xc0000084, 0x100);
}

static word ret_sp;
static bool end_sysret(struct frame *f)
{
    if (f->vector == 0x80) {
        trap = *f;
        asm volatile("mov %0, %%rsp; jmp sysret_back" ::"m"(ret_sp));
    }
    return note(f);
}

static void test_sysret(void)
{
    trap_hook = end_sysret;
    hits = 0;
    asm volatile(
        "push %%rbp; push %%rbx; mov %%rsp, %0\n"
        "mov $user_after, %%ecx; mov $0x102, %%r11d; mov %1, %%rsp; sysretq\n"
        "sysret_back: pop %%rbx; pop %%rbp; mov %2, %%eax; mov %%eax, %%ds; mov %%eax, %%es\n"
        "mov %%eax, %%ss\n"
        : "=m"(ret_sp)
        : "r"((word)user_stack + 4000), "i"(SEL_KDATA)
        : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
          "memory");
    check_eq("SYSRET that sets TF: one step", hits, 1);
    check_eq("behind ring 3's first instruction", hit[0].ip, (word)user_after2);
    trap_hook = end_syscall;
}

/* MOV SS with a breakpoint on its operand, then SYSCALL: #DB in the kernel. */
static uint16_t user_ss = SEL_UDATA;
void user_mov_ss(void);
asm("user_mov_ss: movw user_ss, %ss; syscall\n");

static void test_mov_ss(void)
{
    trap_hook = end_syscall;
    asm volatile("" ::"m"(user_ss));
    arm((word)&user_ss, 3, 1);
    run_tf(user_mov_ss, 0);
    disarm();
    check_eq("MOV SS, SYSCALL: the breakpoint comes", hits, 1);
    check_eq("at the kernel's first instruction", hit[0].ip, (word)sys_entry);
    check_eq("B0", hit[0].dr6 & 0xe00f, 1);
    trap_hook = note;
}

extern char ist_here[], rf_here[], rf_again[];
static uint8_t db_stack[4096] __attribute__((aligned(16)));

static void test_ist(void)
{
    tss.ist[0] = (word)db_stack + sizeof(db_stack);
    idt_set_ist(DB, 1);
    arm((word)area, 1, 0);
    asm volatile("movb $1, %0; ist_here: nop" : "=m"(area[0])::"memory");
    check_eq("#DB by IST", hits, 1);
    check_eq("there", hit[0].ip, (word)ist_here);
    check_eq("on its stack", hit[0].sp, (word)db_stack + sizeof(db_stack) - sizeof(struct frame));
    disarm();
    idt_set_ist(DB, 0);
    set_rf = true;
    arm((word)rf_here, 0, 0);
    asm volatile("rf_here: nop" ::: "memory");
    check_eq("an execution breakpoint, then RF", hits, 1);
    set_rf = false;
    disarm();
    WRITE_DR(7, 0x2400);
    ATTEMPT("mov %%dr1, %%rax", ::: "rax");
    check_eq("general detect", hits, 2);
    check_eq("BD", hit[1].dr6 & 0xe00f, 0x2000);
}

void main(void)
{
    tss_setup();
    trap_hook = note;
    idt_set(0x81, 0, 0xe, 0, true);
    test_eight();
    test_registers();
    test_syscall();
    test_sysret();
    test_mov_ss();
    test_ist();
}
