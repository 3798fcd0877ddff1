// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When interrupts and NMIs come, and when they wait (SDM 3A 6.7.1, 6.8, 6.9; SDM 2: STI, MOV, POP,
 * HLT, IRET). Sources are the local APIC's IPIs to itself, so that nothing depends on time. Proved,
 * by the address at which each arrives:
 * - STI holds interrupts back for one instruction, only when IF was clear, and not NMIs; STI CLI
 *   opens no window; POPF and IRET that set IF have no shadow;
 * - MOV SS and POP SS hold interrupts and NMIs back for one instruction, LSS does not; a fault in
 *   that instruction ends it;
 * - an NMI blocks further NMIs until IRET: of which one is kept; also an IRET that faults ends it,
 *   one to V86 mode, to ring 3, and by a task switch; interrupts are not blocked by it but by IF;
 * - NMI before interrupt, interrupt before the next instruction's fault and its breakpoint;
 * - HLT ends by an interrupt, an NMI; the return address is behind it; STI HLT loses none;
 * - a REP is interrupted between iterations, its count exact.
 */
// not on: bochs, qemu (an NMI sent by a processor to itself)
#include "test.h"

#define LAPIC(r) (*(volatile uint32_t *)(0xfee00000u + (r)))
#define IOREGSEL (*(volatile uint32_t *)0xfec00000u)
#define IOWIN    (*(volatile uint32_t *)0xfec00010u)
#define VEC      0x70
#define VEC2     0x82 /* of a higher class */
#define OTHER    SEL_FREE

static struct {
    word vector, ip, flags, cs;
} seen[8];
static volatile unsigned n_seen;
static void (*volatile in_nmi)(struct frame *f);

static bool note(struct frame *f)
{
    if (f->vector != NMI && f->vector < 0x20)
        return false;
    if (f->vector == 0x80)
        return false;
    if (n_seen < 8) {
        seen[n_seen].vector = f->vector;
        seen[n_seen].ip = f->ip;
        seen[n_seen].flags = f->flags;
        seen[n_seen].cs = f->cs;
    }
    n_seen++;
    if (f->vector == NMI) {
        if (in_nmi)
            in_nmi(f);
    } else {
        LAPIC(0xb0) = 0;
    }
    return true;
}

/* To itself. With IF clear it waits there. */
static void ipi(unsigned vector)
{
    LAPIC(0x310) = 0;
    LAPIC(0x300) = 0x44000 | vector;
}
static void nmi(void)
{
    LAPIC(0x310) = LAPIC(0x20); /* by its id: self shorthand knows no NMI */
    LAPIC(0x300) = 0x4400;
}
/* For the asm below: registers for the two stores that send. */
#define SEND_NMI "movl $0x4400, 0xfee00300\n"

/* What is sent comes when it comes. */
static void wait_for(unsigned n)
{
    for (unsigned k = 0; n_seen < n && k < 10000000; k++)
        asm volatile("pause" ::: "memory");
    check_eq("it came", n_seen, n);
}

static void start(void)
{
    n_seen = 0;
    for (unsigned k = 0; k < 8; k++)
        seen[k].ip = seen[k].vector = 0;
    LAPIC(0x310) = LAPIC(0x20);
}

extern char s0[], s1[], s2[], s3[], s4[], s5[], s6[], s9[];

static void test_sti(void)
{
    start();
    ipi(VEC);
    asm volatile("sti; nop; s0: nop; cli" ::: "memory");
    check_eq("STI: behind the next instruction", seen[0].ip, (word)s0);
    start();
    ipi(VEC);
    asm volatile("sti; cli; nop" ::: "memory");
    check_eq("STI CLI: none", n_seen, 0);
    asm volatile("sti; sti; s1: nop; cli" ::: "memory");
    check_eq("STI STI: behind the second, which has no shadow", seen[0].ip, (word)s1);
    start();
    ipi(VEC);
    asm volatile("pushf; orl $0x200, (%%esp); popf; s2: nop; cli" ::: "memory");
    check_eq("POPF: at once", seen[0].ip, (word)s2);
    start();
    ipi(VEC);
    asm volatile(
        "pushf; orl $0x200, (%%esp); push %0; push $s3; iret; s3: nop; cli" ::"i"(SEL_KCODE)
        : "memory");
    check_eq("IRET: at once", seen[0].ip, (word)s3);
    start();
    ipi(VEC);
    asm volatile("sti; hlt; s4: nop; cli" ::: "memory");
    check_eq("STI HLT: behind HLT", seen[0].ip, (word)s4);
    start();
    asm volatile("sti; " SEND_NMI "s5: nop; cli" ::: "memory");
    wait_for(1);
    check("an NMI, not before STI's next instruction is done", seen[0].ip >= (word)s5);
    check_eq("is an NMI", seen[0].vector, NMI);
}

static void test_mov_ss(void)
{
    extern char m0[], m1[], m2[], m3[];
    static struct {
        uint32_t off;
        uint16_t sel;
    } __attribute__((packed)) far;

    start();
    ipi(VEC);
    /* IF is set by POPF, whose boundary would take it: MOV SS stands in the shadow of STI */
    asm volatile("mov %0, %%eax; sti; mov %%eax, %%ss; nop; m0: nop; cli" ::"i"(SEL_KDATA)
                 : "eax", "memory");
    check_eq("STI, MOV SS, NOP: behind NOP", seen[0].ip, (word)m0);
    start();
    ipi(VEC);
    asm volatile("push %%ss; sti; pop %%ss; nop; m1: nop; cli" ::: "memory");
    check_eq("POP SS likewise", seen[0].ip, (word)m1);
    start();
    asm volatile("mov %0, %%eax; mov %%eax, %%ss; " SEND_NMI "m2: nop; nop" ::"i"(SEL_KDATA)
                 : "eax", "memory");
    wait_for(1);
    check("an NMI raised in the shadow", seen[0].ip >= (word)m2);
    asm volatile("mov %%esp, %0; movw %%ss, %1" : "=m"(far.off), "=m"(far.sel));
    start();
    ipi(VEC);
    asm volatile("mov %%esp, %0; sti; lss %0, %%esp; m3: nop; cli" : "+m"(far)::"memory");
    check_eq("LSS has no shadow", seen[0].ip, (word)m3);
    start();
    ipi(VEC);
    ATTEMPT("mov %0, %%eax; sti; mov %%eax, %%ss; ud2", ::"i"(SEL_KDATA) : "eax", "memory");
    check_trap("a fault behind MOV SS", UD, 0);
    asm volatile("sti; nop; nop; cli" ::: "memory");
    check_eq("keeps the interrupt for later", n_seen, 1);
}

/* ---- NMIs ---- */

/* Time for what was sent to come, if it were let in. */
static void settle(void)
{
    for (unsigned k = 0; k < 1000; k++)
        asm volatile("pause" ::: "memory");
}

static volatile unsigned depth, deepest;

static void two_more(struct frame *f)
{
    (void)f;
    if (++depth > deepest)
        deepest = depth;
    if (n_seen == 1) {
        nmi();
        settle();
        nmi();
        settle();
    }
    depth--;
}

static void open_interrupts(struct frame *f)
{
    (void)f;
    if (n_seen > 1)
        return;
    ipi(VEC);
    asm volatile("sti; nop; nop; cli" ::: "memory");
}

static void early_iret(struct frame *f)
{
    (void)f;
    if (n_seen > 1)
        return;
    nmi();
    settle();
    check_eq("blocked in the handler", n_seen, 1);
    asm volatile("pushf; push %0; push $s6; iret; s6: nop" ::"i"(SEL_KCODE) : "memory");
    check_eq("an IRET there ends it: the second came", n_seen, 2);
    check_eq("behind that IRET", seen[1].ip, (word)s6);
}

static void faulting_iret(struct frame *f)
{
    (void)f;
    if (n_seen > 1)
        return;
    nmi();
    settle();
    check_eq("blocked until", n_seen, 1);
    trap.vector = NO_TRAP;
    asm volatile("mov %%esp, %%ebx; " RESUME "pushf; push %0; push $771f; iret; 771: mov %%ebx, "
                 "%%esp" ::"i"(SEL_KDATA)
                 : "ebx", "memory");
    trap_resume = 0;
    check_trap("an IRET that faults", GP, SEL_KDATA);
    check_eq("which ends it, too", n_seen, 2);
}

static void user_spin(void)
{
    asm volatile("int $0x80");
}

static void to_user(struct frame *f)
{
    (void)f;
    if (n_seen > 1)
        return;
    nmi();
    settle();
    check_eq("blocked before", n_seen, 1);
    run_user(user_spin);
    check_eq("IRET to ring 3 ends it", n_seen, 2);
    check_eq("there", seen[1].cs, SEL_UCODE32);
    check_eq("before its first instruction", seen[1].ip, (word)user_spin);
}

static void to_v86(struct frame *f)
{
    static word frame[9] = {0, 0x5000, 0x20002, 0x1000, 0x7000};

    (void)f;
    if (n_seen > 1)
        return;
    *(uint8_t *)0x50000 = 0xf4;
    nmi();
    settle();
    asm volatile("call 1f; jmp 2f\n"
                 "1: pushal; mov %%esp, user_return_sp\n"
                 "push 32(%0); push 28(%0); push 24(%0); push 20(%0)\n"
                 "push 16(%0); push 12(%0); push 8(%0); push 4(%0); push (%0); iret\n"
                 "2:" ::"a"(frame)
                 : "memory");
    check_eq("IRET to V86 mode ends it", n_seen, 2);
    check_eq("there: VM is pushed", seen[1].flags & 0x20000, 0x20000);
}

static struct tss32 other;
static uint8_t other_stack[1024] __attribute__((aligned(16)));
void nmi_task_returns(void);
asm("nmi_task_returns: iret; jmp nmi_task_returns\n");

static void by_task(struct frame *f)
{
    (void)f;
    if (n_seen > 1)
        return;
    other = (struct tss32){.eip = (word)nmi_task_returns,
                           .eflags = 2,
                           .esp = (word)other_stack + sizeof(other_stack),
                           .cs = SEL_KCODE,
                           .ss = SEL_KDATA,
                           .ds = SEL_KDATA,
                           .es = SEL_KDATA,
                           .iomap = sizeof(other)};
    gdt_set(OTHER, (word)&other, sizeof(other) - 1, 0x89, 0);
    nmi();
    settle();
    check_eq("blocked here", n_seen, 1);
    asm volatile("lcall %0, $0; s9: clts" ::"i"(OTHER) : "memory");
    check_eq("IRET by a task switch ends it", n_seen, 2);
    check_eq("in the task that it went to", seen[1].ip, (word)s9);
}

static void test_nmi(void)
{
    start();
    in_nmi = two_more;
    nmi();
    settle();
    check_eq("NMIs in an NMI's handler: one is kept", n_seen, 2);
    check_eq("until it has returned", deepest, 1);
    start();
    in_nmi = open_interrupts;
    nmi();
    settle();
    check_eq("interrupts are not blocked by an NMI", n_seen, 2);
    check_eq("but by IF", seen[1].vector, VEC);
    start();
    in_nmi = early_iret;
    nmi();
    settle();
    start();
    in_nmi = faulting_iret;
    nmi();
    settle();
    start();
    in_nmi = to_user;
    nmi();
    settle();
    start();
    in_nmi = to_v86;
    nmi();
    settle();
    start();
    in_nmi = by_task;
    nmi();
    settle();
    in_nmi = NULL;
}

/* ---- priorities ---- */

static void test_priority(void)
{
    extern char p1[];

    start();
    ipi(VEC);
    ipi(VEC2);
    asm volatile("sti; nop; nop; cli" ::: "memory");
    check_eq("the higher vector first", seen[0].vector << 8 | seen[1].vector, VEC2 << 8 | VEC);
    start();
    ipi(VEC);
    ATTEMPT("sti; nop; p1: ud2", ::: "memory");
    asm volatile("cli");
    check_trap("the next instruction's fault", UD, 0);
    check_eq("after the interrupt", seen[0].ip, (word)p1);
    start();
    ipi(VEC);
    extern char p2[];
    WRITE_DR(0, (word)p2);
    WRITE_DR(7, 0x402);
    ATTEMPT("sti; nop; p2: nop", ::: "memory");
    WRITE_DR(7, 0x400);
    asm volatile("cli");
    check_trap("the next instruction's breakpoint", DB, 0);
    check_eq("after the interrupt, too", n_seen << 16 | (seen[0].ip & 0xffff),
             1 << 16 | ((word)p2 & 0xffff));
}

/* The timer fires again and again, so that none is missed. */
static void timer(unsigned lvt, unsigned count)
{
    LAPIC(0x3e0) = 0xb, LAPIC(0x320) = 0x20000 | lvt, LAPIC(0x380) = count;
}
static void timer_off(void)
{
    LAPIC(0x320) = 0x10000, LAPIC(0x380) = 0;
}

static void test_hlt(void)
{
    extern char h0[], h1[];

    start();
    timer(VEC, 100000);
    asm volatile("sti; hlt; h0: cli" ::: "memory");
    timer_off();
    check_eq("the timer ends HLT", seen[0].ip, (word)h0);
    asm volatile("sti; nop; cli" ::: "memory");
    start();
    /* the PIT, by the IO-APIC, as an NMI: again and again */
    IOREGSEL = 0x15, IOWIN = LAPIC(0x20);
    IOREGSEL = 0x14, IOWIN = 0x400;
    outb(0x43, 0x34), outb(0x40, 0), outb(0x40, 8); /* 583 Hz */
    asm volatile("hlt; h1: nop" ::: "memory");
    IOREGSEL = 0x14, IOWIN = 0x10000;
    check("an NMI ends HLT with IF clear", n_seen > 0 && seen[0].vector == NMI);
    check("and returns behind it, or came before", seen[0].ip <= (word)h1);
    settle();
}

extern char s7[];
static volatile unsigned inside_rep, wrong_rep;
static bool note_rep(struct frame *f)
{
    if (f->vector != VEC)
        return false;
    if (f->ip == (word)s7 && f->cx != 0x100000) {
        inside_rep++;
        /* in the middle: RF is pushed, and EDI agrees with ECX */
        if (!(f->flags & 0x10000) || f->di != 0x800000 + (0x100000 - f->cx) * 4)
            wrong_rep++;
    }
    LAPIC(0xb0) = 0;
    return true;
}

static void test_rep(void)
{
    trap_hook = note_rep;
    timer(VEC, 50000);
    asm volatile("sti");
    for (unsigned k = 0; k < 1000 && inside_rep < 5; k++) {
        word c = 0x100000, d = 0x800000;

        asm volatile("s7: rep stosl" : "+c"(c), "+D"(d) : "a"(k) : "memory");
        if (c || d != 0xc00000)
            wrong_rep++;
    }
    asm volatile("cli");
    timer_off();
    check("REP is interrupted", inside_rep >= 5);
    check_eq("between iterations, with RF, and goes on to its end", wrong_rep, 0);
}

void main(void)
{
    tss_setup();
    outb(0x21, 0xff), outb(0xa1, 0xff);
    LAPIC(0xf0) = 0x1ff;
    LAPIC(0x80) = 0;
    trap_hook = note;
    idt_set(VEC, 0, 0xe, 0, true);
    test_sti();
    test_mov_ss();
    test_nmi();
    test_priority();
    test_hlt();
    test_rep();
}
