// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debug exceptions beyond debug.c (SDM 3B 17.2 registers, 17.3 conditions; SDM 3A 6.8.3, 6.9).
 * Proved, with the place, DR6 and the pushed RF of each #DB:
 * - data breakpoints of one, two and four bytes against accesses of one to ten bytes, reads and
 *   writes apart, low address bits not looked at; the stack's, string and read-modify-write
 *   accesses; what the processor itself reads and writes: descriptors and their accessed bit, the
 *   IDT, the TSS, a handler's stack;
 * - a REP traps at the iteration that hits, ECX counted down, RF pushed but for the last;
 * - execution breakpoints: at the first byte only, before #UD, #GP and #PF of the instruction,
 * never twice with RF, which lasts one instruction; two at one place; not behind MOV SS;
 * - single step: over faults, INT n, IRET, far calls, REP with no count; TF and a breakpoint give
 * one #DB; a trap comes before the next instruction's breakpoint; MOV SS drops the step, and keeps
 * a data breakpoint for behind the next instruction, also when that is INT n;
 * - port breakpoints: by CR4.DE, all sizes, IN, OUT, INS, OUTS and REP;
 * - general detect only at CPL 0, with RF pushed; INT1 leaves DR6; DR6 keeps BS, BD and BT.
 */
// not on: qemu, bochs (RF in the middle of REP, MOV SS before INT n, general detect at CPL 3)
#include "test.h"

#define PORT 0xf3f0 /* nobody is there */

static struct hit {
    word ip, dr6, flags, cx, cs;
} hit[8];
static volatile unsigned hits;
static volatile bool set_rf, drop_dr7;

static bool note(struct frame *f)
{
    if (f->vector != DB)
        return false;
    if (drop_dr7)
        WRITE_DR(7, 0x400);
    if (hits < 8) {
        hit[hits].ip = f->ip;
        hit[hits].dr6 = READ_DR(6);
        hit[hits].flags = f->flags;
        hit[hits].cx = f->cx;
        hit[hits].cs = f->cs;
    }
    hits++;
    WRITE_DR(6, 0xffff0ff0);
    if (set_rf)
        f->flags |= 0x10000;
    f->flags &= ~(word)0x100;
    return true;
}

/* DR7 for breakpoint 0: kind 0 execute, 1 write, 2 port, 3 access; length 0, 1, 3. */
#define DR7(kind, len) (0x402u | (kind) << 16 | (len) << 18)

static void arm(word addr, unsigned kind, unsigned len)
{
    asm volatile("" ::: "memory"); /* what was stored before is not watched */
    WRITE_DR(0, addr);
    WRITE_DR(6, 0xffff0ff0);
    hits = 0;
    WRITE_DR(7, DR7(kind, len));
}
static void disarm(void)
{
    WRITE_DR(7, 0x400);
}

/* Runs instructions with one trap expected behind them, at the label 9. */
#define EXPECT(name, want_hits, insns, ...)                                                        \
    do {                                                                                           \
        word end_;                                                                                 \
        hits = 0;                                                                                  \
        asm volatile("movl $9f, %[end]\n" insns "\n9: nop\n" : [end] "=&r"(end_) : __VA_ARGS__);   \
        check_eq(name, hits, want_hits);                                                           \
        if ((want_hits) && hits)                                                                   \
            check_eq(name, hit[0].ip, end_);                                                       \
    } while (0)

static void user_int(void)
{
    asm volatile("int $0x80");
}

static uint8_t area[64] __attribute__((aligned(16)));

/* ---- data ---- */

static void test_overlap(void)
{
    static const struct {
        uint8_t at, len, code; /* of the breakpoint: offset, bytes, DR7's code */
    } bp[] = {{16, 1, 0}, {19, 1, 0}, {16, 2, 1}, {17, 2, 1}, {16, 4, 3}, {19, 4, 3}};

    for (unsigned b = 0; b < 6; b++) {
        unsigned lo = bp[b].at & ~(bp[b].len - 1u), hi = lo + bp[b].len;

        for (unsigned off = 8; off < 24; off++) {
            word p = (word)area + off;

            arm((word)area + bp[b].at, 3, bp[b].code);
#define TRY(bytes, what, insn)                                                                     \
    EXPECT(what, (off < hi && off + (bytes) > lo) ? 1u : 0, insn, "c"(p) : "eax", "memory")
            TRY(1, "a byte read", "mov (%%ecx), %%al");
            TRY(2, "a word read", "mov (%%ecx), %%ax");
            TRY(4, "a dword read", "mov (%%ecx), %%eax");
            TRY(1, "a byte written", "mov %%al, (%%ecx)");
            TRY(4, "a dword written", "mov %%eax, (%%ecx)");
            TRY(4, "a dword changed: once", "incl (%%ecx)");
            TRY(8, "a quadword loaded by MMX", "movq (%%ecx), %%mm0");
            disarm();
        }
    }
    asm volatile("emms");
    arm((word)area + 16, 1, 3);
    EXPECT("a write breakpoint: a read", 0, "mov (%%ecx), %%eax", "c"(area + 16) : "eax");
    EXPECT("a write breakpoint: cmp", 0, "cmpl $0, (%%ecx)", "c"(area + 16) : "eax");
    EXPECT("a write breakpoint: an add", 1, "addl $1, (%%ecx)", "c"(area + 16) : "memory");
    EXPECT("a write breakpoint: xchg", 1, "xchg %%eax, (%%ecx)", "c"(area + 16) : "eax", "memory");
    check_eq("DR6.B0 alone", hit[0].dr6 & 0xe00f, 1);
    check_eq("RF is not pushed", hit[0].flags & 0x10000, 0);
    disarm();
}

/* At ring 3, so that the handler's own frame is on another stack; the last word of that one is
 * watched. */
void stack_push(void), stack_call(void), stack_pop(void), stack_pusha(void), stack_enter(void),
    stack_pushf(void), stack_ret(void), stack_lcall(void);
asm("stack_push: push %eax; nop; int $0x80\n"
    "stack_call: call 1f; 1: int $0x80\n"
    "stack_pop: sub $4, %esp; pop %eax; nop; int $0x80\n"
    "stack_pusha: pusha; nop; int $0x80\n"
    "stack_enter: enter $0, $0; nop; int $0x80\n"
    "stack_pushf: pushf; nop; int $0x80\n"
    "stack_ret: sub $4, %esp; ret $0\n"
    "stack_lcall: lcall $0x1b, $1f; 1: int $0x80\n");

static void test_stack(void)
{
    static const struct {
        const char *name;
        void (*fn)(void);
    } t[] = {{"PUSH", stack_push},   {"CALL", stack_call},     {"POP", stack_pop},
             {"PUSHA", stack_pusha}, {"ENTER", stack_enter},   {"PUSHF", stack_pushf},
             {"RET", stack_ret},     {"far CALL", stack_lcall}};
    word top = (word)user_stack + 2048;

    for (unsigned k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
        *(volatile word *)(top - 4) = (word)user_int;
        arm(top - 4, 3, 3);
        run_user_at((word)t[k].fn, SEL_UCODE32, 2, top, SEL_UDATA);
        check_eq(t[k].name, hits, 1);
        check_trap("and it goes on", 0x80, 0);
        check_eq("at ring 3", hit[0].cs & 3, 3);
    }
    disarm();
}

extern char bp_rep_end[];
static void test_strings(void)
{
    arm((word)area + 16, 3, 3);
    hits = 0;
    asm volatile("mov $8, %%ecx; mov %0, %%edi; rep stosl" ::"i"(area), "a"(0)
                 : "ecx", "edi", "memory");
    check_eq("REP STOS: one hit", hits, 1);
    check_eq("in the middle, ECX counted down", hit[0].cx, 3);
    check_eq("RF is pushed there", hit[0].flags & 0x10000, 0x10000);
    hits = 0;
    asm volatile("mov $5, %%ecx; mov %0, %%edi; rep stosl\n bp_rep_end: nop" ::"i"(area), "a"(0)
                 : "ecx", "edi", "memory");
    check_eq("the last iteration hits", hits, 1);
    check_eq("EIP is behind", hit[0].ip, (word)bp_rep_end);
    check_eq("and RF is not pushed", hit[0].flags & 0x10000, 0);
    hits = 0;
    asm volatile("mov $16, %%ecx; mov %0, %%esi; mov %1, %%edi; rep movsb" ::"i"(area),
                 "i"(area + 32)
                 : "ecx", "esi", "edi", "memory");
    check_eq("REP MOVS that ends before", hits, 0);
    asm volatile("mov %0, %%esi; mov %1, %%edi; movsl; nop" ::"i"(area + 14), "i"(area + 40)
                 : "esi", "edi", "memory");
    check_eq("MOVS: the source", hits, 1);
    hits = 0;
    asm volatile("mov %0, %%esi; mov %0, %%edi; cmpsb; nop" ::"i"(area + 19)
                 : "esi", "edi", "memory");
    check_eq("CMPS: both at once is one trap", hits, 1);
    disarm();
}

/* ---- the processor's own accesses ---- */

static void test_implicit(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) p;
    word sel = SEL_FREE;

    asm volatile("sidt %0" : "=m"(p));
    gdt_set(SEL_FREE, 0, 0xfffff, 0x93, 0xc);
    drop_dr7 = true; /* the handler itself loads segments */
    arm((word)&gdt[SEL_FREE >> 3], 3, 3);
    EXPECT("a descriptor is read", 1, "mov %%cx, %%fs", "c"(sel) : "memory");
    arm((word)&gdt[SEL_FREE >> 3], 3, 3);
    EXPECT("LAR reads it", 1, "lar %%cx, %%eax", "c"(sel) : "eax");
    disarm();
    arm((word)&gdt[SEL_FREE >> 3] + 4, 1, 3);
    EXPECT("it is accessed already", 0, "mov %%cx, %%fs", "c"(sel) : "memory");
    disarm();
    gdt_set(SEL_FREE, 0, 0xfffff, 0x92, 0xc);
    arm((word)&gdt[SEL_FREE >> 3] + 4, 1, 3);
    EXPECT("its accessed bit is written", 1, "mov %%cx, %%fs", "c"(sel) : "memory");
    disarm();

    arm(p.base + 0x81 * 8, 3, 3);
    ATTEMPT("int $0x81", );
    check_eq("INT reads the IDT: a trap in the handler", hits, 1);
    check_eq("at its first instruction", hit[0].ip, (word)trap_stubs[0x81]);
    arm((word)&tss.esp0, 3, 3);
    run_user(user_int);
    check_eq("the TSS gives the stack", hits, 1);
    check_eq("noted at the handler's first instruction", hit[0].ip, (word)trap_stubs[0x80]);
    arm(tss.esp0 - 4, 1, 3);
    run_user(user_int);
    check_eq("SS is pushed on it", hits, 1);
    check_eq("noted there too", hit[0].ip, (word)trap_stubs[0x80]);
    disarm();
    drop_dr7 = false;
}

/* ---- execution ---- */

extern char x1[], x2[], x3[], x4[], x5[], x6[];

static void test_exec(void)
{
    set_rf = true;
    arm((word)x1 + 1, 0, 0);
    asm volatile("x1: .byte 0x66, 0xb8, 0, 0; nop" ::: "eax");
    check_eq("not at the first byte: nothing", hits, 0);
    arm((word)x2, 0, 0);
    ATTEMPT("x2: ud2", );
    check_eq("before #UD", hits, 1);
    check_trap("then #UD", UD, 0);
    check_eq("which pushes RF", trap.flags & 0x10000, 0x10000);
    check_eq("#DB for it does not", hit[0].flags & 0x10000, 0);
    check_eq("DR6: B0", hit[0].dr6 & 0xe00f, 1);
    arm((word)x3, 0, 0);
    ATTEMPT("x3: mov %w0, %%fs", ::"r"(0xfff8));
    check_eq("before #GP", hits, 1);
    check_trap("then #GP", GP, 0xfff8);
    /* RF is for one instruction: the second time round it stops again */
    arm((word)x4, 0, 0);
    asm volatile("mov $3, %%ecx; x4: nop; loop x4" ::: "ecx");
    check_eq("a loop: each time", hits, 3);
    arm((word)x5, 0, 0);
    asm volatile("mov $3, %%ecx; mov %0, %%edi; x5: rep stosb" ::"i"(area)
                 : "ecx", "edi", "memory");
    check_eq("REP: once, before the first", hits, 1);
    check_eq("with the whole count", hit[0].cx, 3);
    arm((word)x6, 0, 0);
    WRITE_DR(3, (word)x6);
    WRITE_DR(7, DR7(0, 0) | 0x80);
    asm volatile("x6: nop");
    check_eq("two at one place: one #DB", hits, 1);
    check_eq("B0 and B3", hit[0].dr6 & 0xf, 9);
    set_rf = false;
    disarm();
    WRITE_DR(3, 0);
}

/* IRET with RF set passes the breakpoint; without it does not. POPF cannot set RF. */
extern char y1[], y2[], y3[];
static void test_rf(void)
{
    word cs = SEL_KCODE;

    set_rf = true;
    arm((word)y1, 0, 0);
    asm volatile("pushf; orl $0x10000, (%%esp); push %0; push $y1; iret; y1: nop" ::"r"(cs)
                 : "memory");
    check_eq("IRET with RF", hits, 0);
    arm((word)y2, 0, 0);
    asm volatile("pushf; push %0; push $y2; iret; y2: nop" ::"r"(cs) : "memory");
    check_eq("IRET without", hits, 1);
    arm((word)y3, 0, 0);
    asm volatile("pushf; orl $0x10000, (%%esp); popf; y3: nop" ::: "memory");
    check_eq("POPF does not set RF", hits, 1);
    set_rf = false;
    disarm();
}

/* ---- MOV SS ---- */

extern char m1[], m2[], m3[], m4[], m5[];
static void test_shadow(void)
{
    static uint16_t sel = SEL_KDATA;

    set_rf = true;
    arm((word)m1, 0, 0);
    asm volatile("mov %0, %%ss; m1: nop" ::"r"(SEL_KDATA) : "memory");
    check_eq("no execution breakpoint behind MOV SS", hits, 0);
    set_rf = false;
    arm((word)&sel, 3, 1);
    asm volatile("mov %0, %%ss; m2: nop; m3: nop" ::"m"(sel) : "memory");
    check_eq("a data breakpoint of MOV SS", hits, 1);
    check_eq("waits for the next instruction", hit[0].ip, (word)m3);
    check_eq("DR6: B0", hit[0].dr6 & 0xe00f, 1);
    arm((word)&sel, 3, 1);
    ATTEMPT("mov %0, %%ss; int $0x81", ::"m"(sel) : "memory");
    check_eq("when that is INT n", hits, 1);
    check_eq("it comes in the handler", hit[0].ip, (word)trap_stubs[0x81]);
    disarm();
    hits = 0;
    asm volatile("pushf; orl $0x100, (%%esp); popf; mov %0, %%ss; nop; m4: nop" ::"r"(SEL_KDATA)
                 : "memory");
    check_eq("TF over MOV SS: one step", hits, 1);
    check_eq("behind the next instruction", hit[0].ip, (word)m4);
    check_eq("DR6: BS", hit[0].dr6 & 0xe00f, 0x4000);
    hits = 0;
    asm volatile("push %%ss; pushf; orl $0x100, (%%esp); popf; pop %%ss; nop; m5: nop" ::
                     : "memory");
    check_eq("TF over POP SS: one step", hits, 1);
    check_eq("behind the next instruction, too", hit[0].ip, (word)m5);
}

/* ---- single step ---- */

#define TF_ON "pushf; orl $0x100, (%%esp); popf; "
extern char t1[], t2[], t3[], t4[], t5[], t6[], t7[], t8[], t9[];

static void test_step(void)
{
    hits = 0;
    ATTEMPT(TF_ON "ud2", ::: "memory");
    check_eq("a fault is no step", hits, 0);
    check_trap("it is itself", UD, 0);
    check_eq("with TF pushed", trap.flags & 0x100, 0x100);
    hits = 0;
    ATTEMPT(TF_ON "int $0x81", ::: "memory");
    check_eq("INT n: no step in its handler", hits, 0);
    check_trap("INT n", 0x81, 0);
    hits = 0;
    asm volatile(
        "pushf; orl $0x100, (%%esp); push %0; push $t1; iret; t1: nop; t2: nop" ::"r"(SEL_KCODE)
        : "memory");
    check_eq("IRET that sets TF: one step", hits, 1);
    check_eq("behind the instruction it went to", hit[0].ip, (word)t2);
    hits = 0;
    asm volatile(TF_ON "ljmp %0, $t3; nop; t3: nop" ::"i"(SEL_KCODE) : "memory");
    check_eq("a far jump: at its target", hit[0].ip, (word)t3);
    hits = 0;
    asm volatile("xor %%ecx, %%ecx; mov %0, %%edi; " TF_ON "rep stosb; t4: nop" ::"i"(area)
                 : "ecx", "edi", "memory");
    check_eq("REP with no count: one step", hits, 1);
    check_eq("behind it", hit[0].ip, (word)t4);
    check_eq("without RF", hit[0].flags & 0x10000, 0);
    hits = 0;
    asm volatile("mov $2, %%ecx; mov %0, %%edi; " TF_ON "t9: rep stosb; nop" ::"i"(area)
                 : "ecx", "edi", "memory");
    check_eq("REP in the middle", hit[0].ip, (word)t9);
    check_eq("pushes RF", hit[0].flags & 0x10000, 0x10000);
    arm((word)area, 1, 0);
    asm volatile(TF_ON "movb $1, %0; t5: nop" : "=m"(area[0])::"memory");
    check_eq("a step and a breakpoint: one #DB", hits, 1);
    check_eq("B0 and BS", hit[0].dr6 & 0xe00f, 0x4001);
    check_eq("there", hit[0].ip, (word)t5);
    set_rf = false;
    arm((word)t6, 0, 0);
    drop_dr7 = false;
    asm volatile(TF_ON "nop; nop" ::: "memory"); /* t6 is elsewhere */
    check_eq("a step alone", hit[0].dr6 & 0xe00f, 0x4000);
    disarm();
}

/* A trap of one instruction, then the breakpoint of the next: two #DBs, in that order. */
static bool two(struct frame *f)
{
    if (f->vector != DB)
        return false;
    if (hits < 8) {
        hit[hits].ip = f->ip;
        hit[hits].dr6 = READ_DR(6);
    }
    if (READ_DR(6) & 1)
        f->flags |= 0x10000;
    hits++;
    WRITE_DR(6, 0xffff0ff0);
    f->flags &= ~(word)0x100;
    return true;
}

static void test_order(void)
{
    trap_hook = two;
    arm((word)t6, 0, 0);
    asm volatile(TF_ON "nop; t6: nop" ::: "memory");
    check_eq("step, then breakpoint: two", hits, 2);
    check_eq("first the step", hit[0].dr6 & 0xe00f, 0x4000);
    check_eq("then the breakpoint", hit[1].dr6 & 0xe00f, 1);
    check_eq("at the same place", hit[0].ip == hit[1].ip && hit[0].ip == (word)t6, 1);
    disarm();
    trap_hook = note;
}

/* ---- ports ---- */

static void test_ports(void)
{
    WRITE_CR(4, READ_CR(4) | 8);
    for (unsigned off = 0; off < 8; off++) {
        arm(PORT + 4, 2, 1); /* two ports */
#define IO(bytes, what, insn)                                                                      \
    EXPECT(what, (off < 6 && off + (bytes) > 4) ? 1u : 0, insn, "d"(PORT + off), "S"(area),        \
           "D"(area + 32)                                                                          \
           : "eax", "memory")
        IO(1, "inb", "inb %%dx, %%al");
        IO(2, "inw", "inw %%dx, %%ax");
        IO(4, "inl", "inl %%dx, %%eax");
        IO(1, "outb", "outb %%al, %%dx");
        IO(4, "outl", "outl %%eax, %%dx");
        disarm();
    }
    arm(0xe8, 2, 0);
    EXPECT("in from an immediate port", 1, "in $0xe8, %%al", "d"(0) : "eax");
    arm(PORT, 2, 3);
    hits = 0;
    asm volatile("outsb; t7: nop" ::"d"(PORT), "S"(area));
    check_eq("OUTS", hits, 1);
    check_eq("OUTS: behind it", hit[0].ip, (word)t7);
    hits = 0;
    asm volatile("mov $3, %%ecx; t8: rep outsb" ::"d"(PORT + 3), "S"(area) : "ecx");
    check_eq("REP OUTS: each", hits, 3);
    check_eq("first: at itself", hit[0].ip, (word)t8);
    check_eq("first: RF is pushed", hit[0].flags & 0x10000, 0x10000);
    check_eq("first: ECX", hit[0].cx, 2);
    check_eq("last: RF is not", hit[2].flags & 0x10000, 0);
    hits = 0;
    asm volatile("mov $2, %%ecx; rep insb" ::"d"(PORT), "D"(area) : "ecx", "memory");
    check_eq("REP INS: each", hits, 2);
    EXPECT("memory at that address is no port", 0, "mov (%%ecx), %%al", "c"(PORT) : "eax");
    disarm();
    WRITE_CR(4, READ_CR(4) & ~(word)8);
}

/* ---- the rest ---- */

static void user_dr(void)
{
    asm volatile("mov %%dr7, %%eax" ::: "eax");
}

static void test_rest(void)
{
    WRITE_DR(6, 0xffff0ff0);
    WRITE_DR(7, 0x2400);
    trap_hook = NULL;
    run_user(user_dr);
    check_trap("general detect is not for CPL 3", GP, 0);
    ATTEMPT("mov %%eax, %%dr6", ::: "memory");
    check_trap("general detect", DB, 0);
    check_eq("pushes RF: a fault", trap.flags & 0x10000, 0x10000);
    check_eq("DR6: BD", READ_DR(6) & 0xe00f, 0x2000);
    check_eq("GD is clear for its handler", READ_DR(7) & 0x2000, 0);
    ATTEMPT(".byte 0xf1", );
    check_trap("INT1", DB, 0);
    check_eq("INT1 sets nothing in DR6, and clears nothing", READ_DR(6) & 0xe00f, 0x2000);
    WRITE_DR(6, 0xffff2ff0);
    ATTEMPT(TF_ON "nop; nop", ::: "memory");
    check_trap("a step", DB, 0);
    check_eq("BD stays where it was", READ_DR(6) & 0xe00f, 0x6000);
    WRITE_DR(6, 0);
    check_eq("DR6: fixed bits", READ_DR(6) & 0xfffff0f0, 0xffff0ff0 & 0xfffff0f0);
    WRITE_DR(6, 0xffffffff);
    check_eq("DR6: bit 12 is 0", READ_DR(6) & 0x1000, 0);
    WRITE_DR(6, 0xffff0ff0);
    /* a data breakpoint that the page fault or limit of its instruction prevents */
    trap_hook = note;
    arm((word)area, 1, 3);
    gdt_set(SEL_FREE, (word)area, 1, 0x93, 0x4);
    asm volatile("mov %w0, %%fs" ::"r"(SEL_FREE) : "memory");
    ATTEMPT("movl $0, %%fs:0", ::: "memory");
    check_trap("#GP by the limit", GP, 0);
    check_eq("the write was not made: no trap", hits, 0);
    disarm();
}

void main(void)
{
    tss_setup();
    trap_hook = note;
    test_overlap();
    test_stack();
    test_strings();
    test_implicit();
    test_exec();
    test_rf();
    test_shadow();
    test_step();
    test_order();
    test_ports();
    test_rest();
}
