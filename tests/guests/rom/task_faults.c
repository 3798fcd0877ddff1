// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Task switches where they are hard (SDM 3A chapter 8, table 8-1; 6.13 for error codes; SDM 3B
 * 17.2.3, 17.3.1.5). Faults are taken through task gates, whose back link says in whose context
 * they came. Proved:
 * - before the switch, in the old task: no right to the gate or TSS, a TSS that is short; IRET with
 *   NT to what is no busy TSS, in the LDT, beyond the GDT, not present; nothing has changed then;
 * - behind it, in the new task: each way in which LDT, CS, SS, DS and EIP may be wrong, with vector
 *   and error code; the new task's EIP is saved as it was, the old one's behind its jump;
 * - a 16-bit TSS, entered by JMP, CALL and through the IDT with an error code, and left by IRET;
 * - a task in virtual-8086 mode; a call from ring 3 through a task gate, and the return;
 * - the T bit (#DB before the first instruction, DR6.BT); TF in the new task's EFLAGS; DR7's local
 *   bits go, the global ones stay; RF in the EFLAGS that a fault saves, not in those of INT n;
 * - CR3 is loaded from the TSS with paging on.
 */
// not on: qemu (TCG does not set RF in a TSS, and knows no T bit)
#include "test.h"

#define SEL(n)   (SEL_FREE + 8 * (n))
#define OTHER    SEL(0)
#define GATE     SEL(1)
#define BAD      SEL(2)
#define CATCH(k) SEL(4 + (k)) /* TSSes of the fault handlers */
#define VIA(v)   ((uint64_t)(v) << 16 | (uint64_t)0x85 << 40)

struct tss16 {
    uint16_t link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags;
    uint16_t ax, cx, dx, bx, sp, bp, si, di, es, cs, ss, ds, ldt;
};

static struct tss32 other;
static struct tss16 other16;
static uint8_t other_stack[2048] __attribute__((aligned(16)));
static uint64_t *idt;

/* ---- the handlers' tasks: #TS, #NP, #SS, #GP ---- */

static const uint8_t caught_vector[4] = {TS, NP, SS, GP};
static struct tss32 catcher[4];
static uint8_t catch_stack[4][1024] __attribute__((aligned(16)));
volatile uint32_t caught, caught_error;
static uint64_t plain_gate[4];

/* Each takes the error code off its stack, notes its own number and goes to the main task. */
void catch0(void), catch1(void), catch2(void), catch3(void);
asm(".irp n, 0, 1, 2, 3\n"
    "catch\\n: popl caught_error; movl $\\n, caught; ljmp $0x38, $0; jmp catch\\n\n"
    ".endr\n");

static void task32(struct tss32 *t, word ip, word sp)
{
    *t = (struct tss32){0};
    t->eip = ip;
    t->esp = sp;
    t->cs = SEL_KCODE;
    t->ss = t->ds = t->es = t->fs = t->gs = SEL_KDATA;
    t->eflags = 2;
    t->cr3 = READ_CR(3);
    t->iomap = sizeof(*t);
    t->ss0 = SEL_KDATA;
    t->esp0 = sp - 512;
}

static void catch_faults(bool on)
{
    static void (*const fn[4])(void) = {catch0, catch1, catch2, catch3};

    for (unsigned k = 0; k < 4; k++) {
        if (on) {
            task32(&catcher[k], (word)fn[k], (word)catch_stack[k] + 1024);
            gdt_set(CATCH(k), (word)&catcher[k], sizeof(catcher[k]) - 1, 0x89, 0);
            plain_gate[k] = idt[caught_vector[k]];
            idt[caught_vector[k]] = VIA(CATCH(k));
        } else {
            idt[caught_vector[k]] = plain_gate[k];
        }
    }
    caught = caught_error = 0xdead;
}

/* Where the other task goes on when nothing is wrong with it: a #GP by HLT at CPL 3, or back. */
void other_arrives(void);
volatile uint32_t arrived;
asm("other_arrives: movl $1, arrived; ljmp $0x38, $0; jmp other_arrives\n");

static void prepare(void)
{
    task32(&other, (word)other_arrives, (word)other_stack + sizeof(other_stack));
    gdt_set(OTHER, (word)&other, sizeof(other) - 1, 0x89, 0);
    arrived = 0;
}

static void go(void)
{
    catch_faults(true);
    asm volatile("ljmp %0, $0" ::"i"(OTHER) : "memory", "eax", "ecx", "edx");
    catch_faults(false);
    asm volatile("clts");
}

/* The switch went through, then faulted in the new task. */
static void in_new_task(const char *name, unsigned vector, word error)
{
    uint32_t who = 4, code;

    arrived = 0;
    catch_faults(true);
    asm volatile("ljmp %0, $0" ::"i"(OTHER) : "memory", "eax", "ecx", "edx");
    who = caught, code = caught_error;
    catch_faults(false);
    asm volatile("clts");
    check_eq(name, who < 4 ? (uint64_t)caught_vector[who] << 16 | code : 0xdead,
             (uint64_t)vector << 16 | error);
    if (who < 4)
        check_eq("in the new task's context", catcher[who].link & 0xffff, OTHER);
    check_eq("which has not run", arrived, 0);
    check_eq("and whose EIP is its first", other.eip,
             other.eip == 0x1000 ? 0x1000 : (word)other_arrives);
    prepare();
}

static void test_cs(void)
{
    prepare(), other.cs = 0;
    in_new_task("CS null", TS, 0);
    other.cs = SEL_KDATA;
    in_new_task("CS a data segment", TS, SEL_KDATA);
    other.cs = GDT_ENTRIES * 8;
    in_new_task("CS beyond the GDT", TS, GDT_ENTRIES * 8);
    other.cs = SEL_UCODE32 & ~3u;
    in_new_task("CS of another DPL than its RPL", TS, SEL_UCODE32 & ~3u);
    gdt_set(BAD, 0, 0xfffff, 0x1b, 0xc);
    other.cs = BAD;
    in_new_task("CS not present", NP, BAD);
    gdt_set(BAD, 0, 0xfffff, 0xff, 0xc);
    other.cs = BAD;
    in_new_task("CS conforming, of a DPL above its RPL", TS, BAD);
    gdt_set(BAD, 0, 0xfff, 0x9b, 0x4);
    other.cs = BAD;
    other.eip = 0x1000;
    in_new_task("EIP beyond CS's limit", GP, 0);
    gdt_set(BAD, 0, 0xfffff, 0x9f, 0xc);
    other.cs = BAD;
    go();
    check_eq("CS conforming, of its RPL's DPL, is fine", arrived, 1);
}

static void test_ss(void)
{
    prepare(), other.ss = 0;
    in_new_task("SS null", TS, 0);
    other.ss = SEL_KCODE;
    in_new_task("SS code", TS, SEL_KCODE);
    gdt_set(BAD, 0, 0xfffff, 0x91, 0xc);
    other.ss = BAD;
    in_new_task("SS read-only", TS, BAD);
    other.ss = SEL_UDATA;
    in_new_task("SS of ring 3 at CPL 0", TS, SEL_UDATA & ~3u);
    other.ss = SEL_KDATA | 1;
    in_new_task("SS of another RPL", TS, SEL_KDATA);
    gdt_set(BAD, 0, 0xfffff, 0x13, 0xc);
    other.ss = BAD;
    in_new_task("SS not present", SS, BAD);
}

static void test_data(void)
{
    gdt_set(BAD, 0, 0xfffff, 0x99, 0xc);
    prepare(), other.ds = BAD;
    in_new_task("DS execute-only", TS, BAD);
    other.fs = SEL_TSS;
    in_new_task("FS a system segment", TS, SEL_TSS);
    gdt_set(BAD, 0, 0xfffff, 0x13, 0xc);
    other.es = BAD;
    in_new_task("ES not present", NP, BAD);
    other.gs = SEL_KDATA | 3;
    in_new_task("GS of RPL 3, DPL 0", TS, SEL_KDATA);
    other.cs = SEL_UCODE32, other.ss = SEL_UDATA;
    other.es = other.fs = other.gs = 0, other.ds = SEL_KDATA;
    in_new_task("DS of ring 0 at CPL 3", TS, SEL_KDATA);
    other.ds = other.es = other.fs = other.gs = 0;
    other.ds = SEL_KDATA; /* the arrival writes through it */
    go();
    check_eq("null ES, FS and GS are fine", arrived, 1);
}

static void test_ldt(void)
{
    static uint64_t ldt[2];

    gdt_set(BAD, (word)ldt, sizeof(ldt) - 1, 0x02, 0);
    prepare(), other.ldt = BAD;
    in_new_task("LDT not present", TS, BAD);
    other.ldt = SEL_KDATA;
    in_new_task("LDT a data segment", TS, SEL_KDATA);
    other.ldt = SEL_KDATA | 4;
    in_new_task("LDT in the LDT", TS, SEL_KDATA | 4);
    ldt[1] = gdt[SEL_KDATA >> 3];
    gdt_set(BAD, (word)ldt, sizeof(ldt) - 1, 0x82, 0);
    other.ldt = BAD;
    other.ds = 8 | 4;
    go();
    check_eq("LDT, and DS in it", arrived, 1);
    uint32_t v;
    asm volatile("sldt %0" : "=r"(v));
    check_eq("back: no LDT, as the main task's TSS says", v & 0xffff, 0);
}

/* ---- before the switch ---- */

static void user_call_tss(void)
{
    asm volatile("lcall %0, $0" ::"i"(OTHER | 3));
}
static void user_call_gate(void)
{
    asm volatile("lcall %0, $0; mov $0x77, %%ecx; int $0x80" ::"i"(GATE | 3));
}

static void test_refused(void)
{
    prepare();
    run_user(user_call_tss);
    check_trap("a TSS of DPL 0 from ring 3", GP, OTHER);
    gdt[GATE >> 3] = VIA(OTHER);
    run_user(user_call_gate);
    check_trap("a task gate of DPL 0 from ring 3", GP, GATE);
    gdt[GATE >> 3] = VIA(OTHER) & ~((uint64_t)0x80 << 40);
    ATTEMPT("lcall %0, $0", ::"i"(GATE));
    check_trap("a task gate that is not present", NP, GATE);
    gdt[GATE >> 3] = VIA(SEL_KDATA);
    ATTEMPT("lcall %0, $0", ::"i"(GATE));
    check_trap("a task gate to data", GP, SEL_KDATA);
    gdt[GATE >> 3] = VIA(OTHER | 4);
    ATTEMPT("lcall %0, $0", ::"i"(GATE));
    check_trap("a task gate to a TSS in the LDT", GP, OTHER | 4);
    idt_set(0x60, 0, 0xe, 0, true);
    uint64_t old = idt[0x60];
    idt[0x60] = VIA(SEL_TSS);
    ATTEMPT("int $0x60", );
    check_trap("INT through a task gate to a busy TSS", GP, SEL_TSS);
    idt[0x60] = VIA(OTHER) & ~((uint64_t)0x80 << 40);
    ATTEMPT("int $0x60", );
    check_trap("INT through a task gate that is not present", NP, 0x60 * 8 + 2);
    idt[0x60] = old;
    old = idt[UD];
    idt[UD] = VIA(SEL_TSS);
    ATTEMPT("ud2", );
    check_trap("an exception through a gate to a busy TSS: EXT", GP, SEL_TSS | 1);
    idt[UD] = old;
    check_eq("the main task is busy still", gdt[SEL_TSS >> 3] >> 40 & 0xff, 0x8b);
    check_eq("the other is not", gdt[OTHER >> 3] >> 40 & 0xff, 0x89);
}

static void iret_to(const char *name, unsigned link, unsigned vector, word error)
{
    word fl;

    asm volatile("pushf; pop %0" : "=r"(fl));
    tss.link = link;
    ATTEMPT("push %0; popf; iret", ::"r"(fl | 0x4000) : "memory");
    asm volatile("push %0; popf" ::"r"(fl));
    tss.link = 0;
    check_trap(name, vector, error);
}

static void test_iret(void)
{
    prepare();
    iret_to("IRET to an available TSS", OTHER, TS, OTHER);
    gdt_set(OTHER, (word)&other, sizeof(other) - 1, 0x0b, 0);
    iret_to("IRET to a TSS that is not present", OTHER, NP, OTHER);
    gdt_set(OTHER, (word)&other, 0x66, 0x8b, 0);
    iret_to("IRET to a TSS that is short", OTHER, TS, OTHER);
    iret_to("IRET to a TSS in the LDT", OTHER | 4, TS, OTHER | 4);
    iret_to("IRET beyond the GDT", GDT_ENTRIES * 8, TS, GDT_ENTRIES * 8);
}

/* ---- from ring 3 ---- */

void other_returns(void);
asm("other_returns: movl $1, arrived; iret; jmp other_returns\n");

static void test_from_user(void)
{
    prepare();
    other.eip = (word)other_returns;
    gdt[GATE >> 3] = VIA(OTHER) | (uint64_t)0x60 << 40;
    run_user(user_call_gate);
    check_trap("a task gate of DPL 3 from ring 3, and back", 0x80, 0);
    check_eq("the task ran", arrived, 1);
    check_eq("and the caller went on", trap.cx, 0x77);
    check_eq("at ring 3", trap.cs & 0xffff, SEL_UCODE32);
    asm volatile("clts");
}

/* ---- 16 bits ---- */

static void prepare16(word ip)
{
    other16 = (struct tss16){.ip = (uint16_t)ip,
                             .flags = 2,
                             .ax = 0x1234,
                             .sp = sizeof(other_stack),
                             .cs = SEL_KCODE,
                             .ss = BAD, /* a small stack: ESP's upper half is undefined */
                             .ds = SEL_KDATA,
                             .es = SEL_KDATA};
    gdt_set(OTHER, (word)&other16, sizeof(other16) - 1, 0x81, 0);
    gdt_set(BAD, (word)other_stack, 0xffff, 0x93, 0);
    arrived = 0;
}

volatile uint32_t note16;
void other16_returns(void), other16_jumps(void), other16_error(void);
asm("other16_returns: movl $1, arrived; mov %eax, note16; mov $0x5678, %ax; iret\n"
    "  movl $2, arrived; iret\n"
    "other16_jumps: movl $1, arrived; mov %eax, note16; ljmp $0x38, $0\n"
    "other16_error: movl $1, arrived; movl $0, note16; popw note16\n"
    "  addl $2, tss + 32; iret\n"); /* over the two bytes of the move to GS */

static void test_16(void)
{
    uint32_t ebx = 0x12345678;

    prepare16((word)other16_jumps);
    asm volatile("ljmp %1, $0" : "+b"(ebx) : "i"(OTHER) : "memory", "eax", "ecx", "edx");
    asm volatile("clts");
    check_eq("16 bits by JMP", arrived, 1);
    check_eq("AX from the TSS", note16 & 0xffff, 0x1234);
    check_eq("back: all of EBX", ebx, 0x12345678);
    check_eq("the outgoing IP is saved, 16 bits", other16.ip > ((word)other16_jumps & 0xffff), 1);
    prepare16((word)other16_returns);
    asm volatile("lcall %0, $0" ::"i"(OTHER) : "memory", "eax", "ecx", "edx");
    asm volatile("clts");
    check_eq("16 bits by CALL", arrived, 1);
    check_eq("back link", other16.link, SEL_TSS);
    check_eq("AX is saved", other16.ax, 0x5678);
    check_eq("flags are saved without NT", other16.flags & 0x4000, 0);
    check_eq("no longer busy", gdt[OTHER >> 3] >> 40 & 0xff, 0x81);
    asm volatile("lcall %0, $0" ::"i"(OTHER) : "memory", "eax", "ecx", "edx");
    asm volatile("clts");
    check_eq("it goes on behind its IRET", arrived, 2);
    gdt_set(OTHER, (word)&other16, sizeof(other16) - 2, 0x81, 0);
    ATTEMPT("lcall %0, $0", ::"i"(OTHER));
    check_trap("a 16-bit TSS one byte short", TS, OTHER);

    prepare16((word)other16_error);
    uint64_t old = idt[GP];
    idt[GP] = VIA(OTHER);
    asm volatile("mov %0, %%eax; mov %%eax, %%gs; nop; nop" ::"i"(0xfff8) : "eax", "memory");
    idt[GP] = old;
    asm volatile("clts");
    check_eq("an error code in a 16-bit task", arrived << 16 | (note16 & 0xffff), 0x1fff8);
    check_eq("is a word", other16.sp, sizeof(other_stack));
}

/* ---- virtual-8086 mode ---- */

static void test_v86(void)
{
    uint8_t *code = (uint8_t *)0x50000;

    prepare();
    code[0] = 0xb8, code[1] = 0x86, code[2] = 0x80; /* mov ax, 8086h */
    code[3] = 0xf4;                                 /* hlt */
    other.eflags = 0x20002;
    other.eip = 0, other.cs = 0x5000;
    other.ss = 0x7000, other.esp = 0x1000;
    other.ds = 0x1111, other.es = 0x2222, other.fs = 0x3333, other.gs = 0x4444;
    catch_faults(true);
    asm volatile("ljmp %0, $0" ::"i"(OTHER) : "memory", "eax", "ecx", "edx");
    uint32_t who = caught, code_seen = caught_error;
    catch_faults(false);
    asm volatile("clts");
    check_eq("a V86 task ends by HLT: #GP(0)", who << 16 | code_seen, 3 << 16);
    check_eq("its AX", other.eax & 0xffff, 0x8086);
    check_eq("its IP", other.eip, 3);
    check_eq("its CS", other.cs & 0xffff, 0x5000);
    check_eq("its GS", other.gs & 0xffff, 0x4444);
    check_eq("VM, and RF of a fault, in its EFLAGS", other.eflags & 0x30000, 0x30000);
}

/* ---- debugging ---- */

static volatile unsigned steps;
static volatile word step_ip, step_dr6, step_tr, step_dr7;

static bool note_step(struct frame *f)
{
    uint32_t v;

    if (f->vector != DB)
        return false;
    asm volatile("str %0" : "=r"(v));
    if (!steps++) {
        step_ip = f->ip;
        step_dr6 = READ_DR(6);
        step_dr7 = READ_DR(7);
        step_tr = v & 0xffff;
    }
    f->flags &= ~(word)0x100;
    WRITE_DR(6, 0xffff0ff0);
    return true;
}

static void test_debug(void)
{
    trap_hook = note_step;
    WRITE_DR(6, 0xffff0ff0);
    prepare();
    other.trap = 1;
    steps = 0;
    go();
    check_eq("the T bit: one trap", steps, 1);
    check_eq("before the new task's first instruction", step_ip, (word)other_arrives);
    check_eq("in the new task", step_tr, OTHER);
    check_eq("DR6: BT alone", step_dr6 & 0xe00f, 0x8000);
    check_eq("and the task goes on", arrived, 1);
    prepare();
    other.eflags = 0x102;
    steps = 0;
    go();
    check_eq("TF in the new task", steps, 1);
    check_eq("traps behind its first instruction", step_ip, (word)other_arrives + 10);
    check_eq("DR6: BS alone", step_dr6 & 0xe00f, 0x4000);
    prepare();
    WRITE_DR(0, 0x12345678);
    WRITE_DR(7, 0x403 | 0x300 | 0xc); /* L0 G0 L1 G1, LE GE */
    go();
    check_eq("DR7: L0-L3 and LE are cleared, G0-G3 and GE stay", READ_DR(7) & 0x3ff, 0x20a);
    WRITE_DR(7, 0x400);
    trap_hook = NULL;
}

/* What EFLAGS hold in the TSS of a task that a fault, or an INT, left. */
void other_skips(void);
asm("other_skips: mov tss + 36, %eax; mov %eax, arrived; addl $2, tss + 32; iret\n");

static void test_rf(void)
{
    uint64_t old;

    prepare();
    other.eip = (word)other_returns;
    old = idt[0x60];
    idt[0x60] = VIA(OTHER);
    asm volatile("int $0x60" ::: "memory");
    asm volatile("clts");
    idt[0x60] = old;
    check_eq("INT n saves EFLAGS without RF", tss.eflags & 0x10000, 0);
    prepare();
    other.eip = (word)other_skips;
    old = idt[UD];
    idt[UD] = VIA(OTHER);
    asm volatile("ud2" ::: "memory"); /* the task moves the saved EIP on by its two bytes */
    asm volatile("clts");
    idt[UD] = old;
    check_eq("a fault saves EFLAGS with RF", arrived & 0x10000, 0x10000);
}

/* ---- paging ---- */

static void test_cr3(void)
{
    static uint32_t dir[2][1024] __attribute__((aligned(4096)));
    word cr4 = READ_CR(4);
    volatile uint32_t *window = (volatile uint32_t *)0x800000;

    for (unsigned d = 0; d < 2; d++) {
        for (unsigned k = 0; k < 1024; k++)
            dir[d][k] = k << 22 | 0xe3;
    }
    dir[1][2] = 0xc00000 | 0xe3; /* the other sees something else there */
    *(volatile uint32_t *)0x800000 = 1;
    *(volatile uint32_t *)0xc00000 = 2;
    WRITE_CR(4, cr4 | 0x10);
    WRITE_CR(3, dir[0]);
    WRITE_CR(0, READ_CR(0) | 0x80000000);
    tss.cr3 = (word)dir[0];
    prepare();
    extern void other_looks(void);
    other.eip = (word)other_looks;
    other.cr3 = (word)dir[1];
    check_eq("the main task's page", *window, 1);
    go();
    check_eq("the other task's page", arrived, 2);
    check_eq("the main task's page again", *window, 1);
    check_eq("CR3 is the main task's", READ_CR(3), (word)dir[0]);
    check_eq("which the switch does not write to the TSS", other.cr3, (word)dir[1]);
    WRITE_CR(0, READ_CR(0) & ~(word)0x80000000);
    WRITE_CR(3, 0);
    WRITE_CR(4, cr4);
}
asm("other_looks: mov 0x800000, %eax; mov %eax, arrived; ljmp $0x38, $0\n");

void main(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) p;

    asm volatile("sidt %0" : "=m"(p));
    idt = (uint64_t *)p.base;
    tss_setup();
    test_refused();
    test_iret();
    test_cs();
    test_ss();
    test_data();
    test_ldt();
    test_from_user();
    test_16();
    test_v86();
    test_debug();
    test_rf();
    test_cr3();
}
