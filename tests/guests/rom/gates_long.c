// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Gates and IRET in IA-32e mode (SDM 3A 5.8.3.1, 6.14; SDM 2: CALL, INT n, IRET, RET; error codes
 * 6.13). Proved:
 * - IDT: gate types that are refused (16-bit, task, call), not present, DPL, beyond the limit, with
 *   the IDT and EXT bits; a handler's CS that is null, data, 32-bit code, of a lower privilege,
 *   not present, beyond the GDT; an offset that is not canonical;
 * - stacks: aligned to 16 bytes, IST at every level, SS null on the way inwards, an RSP0 or IST
 * that is not canonical: #SS with EXT for events, without for INT n; a TSS too short for its IST:
 * #TS; a conforming handler runs at the caller's level on its stack;
 * - call gates of 64 bits: from ring 3 and the same level, DPL, not present, to 32-bit code, the
 *   upper half's type, beyond the table; a far jump inwards refused; far return to ring 3;
 * - IRETQ: to ring 3 and the same level, SS null only to 64-bit code below CPL 3, RPL and DPL of CS
 *   and SS, L with D, limits of compatibility code, RIP not canonical, an inward return; NT is
 *   #GP(0); 16- and 32-bit operand sizes; which flags change at CPL 0 and 3 by IOPL;
 * - a stack that is not canonical: #SS for pushes and IRET, then #DF by a handler without IST.
 */
// guest: 64
// not on: qemu, bochs (the one checks less, the other has selectors in the error code of #SS)
#include "test.h"

#define SEL(n)   (SEL_FREE + 8 * (n))
#define BAD      SEL(0)
#define GATE     SEL(2) /* 16 bytes */
#define CONF     SEL(4)
#define NONCANON 0x0000800000000000ull

static uint64_t *idt;
static uint8_t ist_stack[2048] __attribute__((aligned(16)));
static uint8_t df_stack[4096] __attribute__((aligned(16)));

static void idt_raw(unsigned vector, word target, unsigned sel, unsigned type)
{
    idt[vector * 2] = (target & 0xffff) | (uint64_t)sel << 16 | (uint64_t)type << 40 |
                      (target >> 16 & 0xffff) << 48;
    idt[vector * 2 + 1] = target >> 32;
}

/* A far call through *p, by any path back: the stack as it was. */
static void try_int(const char *name, unsigned vector, word error)
{
    ATTEMPT("int $0x60", ::: "memory");
    check_trap(name, vector, error);
}

static void test_idt(void)
{
    static const uint8_t bad_types[] = {0x86, 0x87, 0x85, 0x8c, 0x84, 0x89, 0x8b, 0x82, 0x80, 0x92};
    word stub = (word)trap_stubs[0x60];

    for (unsigned k = 0; k < sizeof(bad_types); k++) {
        idt_raw(0x60, stub, SEL_KCODE, bad_types[k]);
        try_int("a gate of a wrong type", GP, 0x60 * 8 + 2);
    }
    idt_raw(0x60, stub, SEL_KCODE, 0x8f);
    try_int("a trap gate", 0x60, 0);
    idt_raw(0x60, stub, SEL_KCODE, 0x0e);
    try_int("not present", NP, 0x60 * 8 + 2);
    idt_raw(0x60, stub, 0, 0x8e);
    try_int("CS null", GP, 0);
    idt_raw(0x60, stub, SEL_KDATA, 0x8e);
    try_int("CS data", GP, SEL_KDATA);
    idt_raw(0x60, stub, SEL_KCODE32, 0x8e);
    try_int("CS 32-bit code", GP, SEL_KCODE32);
    idt_raw(0x60, stub, SEL_UCODE64, 0x8e);
    try_int("CS of ring 3, from ring 0", GP, SEL_UCODE64 & ~3u);
    idt_raw(0x60, stub, GDT_ENTRIES * 8, 0x8e);
    try_int("CS beyond the GDT", GP, GDT_ENTRIES * 8);
    gdt_set(BAD, 0, 0xfffff, 0x1b, 0xa);
    idt_raw(0x60, stub, BAD, 0x8e);
    try_int("CS not present", NP, BAD);
    gdt_set(BAD, 0, 0xfffff, 0x9b, 0xe);
    idt_raw(0x60, stub, BAD, 0x8e);
    try_int("CS with L and D", GP, BAD);
    idt_raw(0x60, NONCANON, SEL_KCODE, 0x8e);
    try_int("an offset that is not canonical", GP, 0);
    idt_raw(UD, NONCANON, SEL_KCODE, 0x8e);
    ATTEMPT("ud2", ::: "memory");
    check_trap("the same for an exception: EXT", GP, 1);
    idt_raw(UD, (word)trap_stubs[UD], SEL_KDATA, 0x8e);
    ATTEMPT("ud2", ::: "memory");
    check_trap("CS data for an exception: EXT", GP, SEL_KDATA | 1);
    idt_raw(UD, (word)trap_stubs[UD], SEL_KCODE, 0x0e);
    ATTEMPT("ud2", ::: "memory");
    check_trap("not present for an exception: EXT and IDT", NP, UD * 8 + 3);
    idt_set(UD, 0, 0xe, 0, true);
    idt_set(0x60, 0, 0xe, 0, true);
}

/* ---- stacks ---- */

static void user_int(void)
{
    asm volatile("int $0x61");
}
static void user_int80(void)
{
    asm volatile("int $0x80");
}
static void user_ud(void)
{
    asm volatile("ud2");
}

static volatile word seen_sp, seen_ss, seen_rsp;
static bool note_stack(struct frame *f)
{
    uint16_t ss;

    if (f->vector != 0x61)
        return false;
    asm volatile("mov %%ss, %0" : "=r"(ss));
    seen_ss = ss;
    seen_sp = (word)f;
    seen_rsp = f->sp;
    return false;
}

static void user_frame(const char *name, void (*fn)(void), unsigned vector, word error)
{
    run_user(fn);
    check_trap(name, vector, error);
}

static void test_stacks(void)
{
    word rsp0 = tss.rsp[0];
    word frame_bytes = sizeof(struct frame);

    idt_set(0x61, 0, 0xe, 3, true);
    trap_hook = note_stack;
    for (unsigned off = 0; off < 16; off += 5) {
        tss.rsp[0] = rsp0 - 64 - off;
        user_frame("INT from ring 3", user_int, 0x61, 0);
        check_eq("RSP0 is aligned down to 16", seen_sp + frame_bytes,
                 (rsp0 - 64 - off) & ~(word)15);
        check_eq("SS is null inside", seen_ss, 0);
    }
    tss.rsp[0] = rsp0;
    tss.ist[2] = (word)ist_stack + sizeof(ist_stack) - 3;
    idt_set_ist(0x61, 3);
    user_frame("INT by IST from ring 3", user_int, 0x61, 0);
    check_eq("on the IST's stack", seen_sp + frame_bytes,
             ((word)ist_stack + sizeof(ist_stack) - 3) & ~(word)15);
    ATTEMPT("int $0x61", ::: "memory");
    check_trap("INT by IST from ring 0", 0x61, 0);
    check_eq("on the IST's stack, too", seen_sp + frame_bytes,
             ((word)ist_stack + sizeof(ist_stack) - 3) & ~(word)15);
    check_eq("SS stays", seen_ss, SEL_KDATA);
    tss.ist[2] = NONCANON;
    ATTEMPT("int $0x61", ::: "memory");
    check_trap("an IST that is not canonical, INT n", SS, 0);
    tss.ist[2] = 0;
    idt_set_ist(0x61, 0);
    tss.ist[4] = NONCANON;
    idt_set_ist(UD, 5);
    ATTEMPT("ud2", ::: "memory");
    check_trap("an IST that is not canonical, an exception: EXT", SS, 1);
    /* the TSS ends before IST 5 */
    gdt_set(SEL_TSS, (uint32_t)(word)&tss, 0x43, 0x89, 0);
    asm volatile("ltr %w0" ::"r"(SEL_TSS));
    ATTEMPT("ud2", ::: "memory");
    check_trap("a TSS without that IST: #TS, EXT", TS, SEL_TSS | 1);
    idt_set_ist(UD, 0);
    tss_setup();
    tss.rsp[0] = NONCANON;
    idt_set_ist(SS, 1);
    tss.ist[0] = rsp0;
    user_frame("RSP0 not canonical, INT n", user_int, SS, 0);
    user_frame("RSP0 not canonical, an exception: EXT", user_ud, SS, 1);
    idt_set_ist(SS, 0);
    tss_setup();
    trap_hook = NULL;
}

/* A conforming handler of DPL 0: at ring 3, on ring 3's stack. */
void conforming_handler(void);
asm("conforming_handler: mov %cs, %eax; mov %rsp, %rbx; mov $0, %ecx; mov %ss, %ecx; int $0x80\n");
static void user_conforming(void)
{
    asm volatile("int $0x62");
}

static void test_conforming(void)
{
    gdt_set(CONF, 0, 0xfffff, 0x9f, 0xa);
    idt_raw(0x62, (word)conforming_handler, CONF, 0xee);
    run_user(user_conforming);
    check_trap("a conforming handler", 0x80, 0);
    check_eq("CPL 3", trap.ax & 0xffff, CONF | 3);
    check_eq("SS as it was", trap.cx & 0xffff, SEL_UDATA);
    check_eq("on the same stack, aligned", trap.bx,
             (((word)user_stack + sizeof(user_stack) - 8) & ~(word)15) - 40);
}

/* ---- call gates ---- */

static void gate64(word target, unsigned sel, unsigned access)
{
    gdt[GATE >> 3] = (target & 0xffff) | (uint64_t)sel << 16 | (uint64_t)access << 40 |
                     (target >> 16 & 0xffff) << 48;
    gdt[(GATE >> 3) + 1] = target >> 32;
}

volatile word g_cs, g_ss, g_sp[4];
void gate_target(void);
asm("gate_target: mov %cs, %eax; mov %rax, g_cs; mov %ss, %eax; mov %rax, g_ss\n"
    "mov (%rsp), %rax; mov %rax, g_sp; mov 8(%rsp), %rax; mov %rax, g_sp+8\n"
    "mov 16(%rsp), %rax; mov %rax, g_sp+16; mov 24(%rsp), %rax; mov %rax, g_sp+24; lretq\n");

struct far_ptr {
    uint32_t off;
    uint16_t sel;
} __attribute__((packed));
static struct far_ptr via = {0x12345678, GATE | 3};

static void user_call(void)
{
    asm volatile("mov %%rsp, %%rbx; lcall *%0; mov %%rsp, %%rcx; int $0x80" ::"m"(via)
                 : "rbx", "rcx", "rax");
}
static void user_jmp(void)
{
    asm volatile("ljmp *%0" ::"m"(via));
}

static void test_call_gates(void)
{
    gate64((word)gate_target, SEL_KCODE, 0xec);
    run_user(user_call);
    check_trap("a call gate from ring 3", 0x80, 0);
    check_eq("inside: CS", g_cs, SEL_KCODE);
    check_eq("inside: SS null", g_ss, 0);
    check_eq("inside: CS pushed", g_sp[1], SEL_UCODE64);
    check_eq("inside: RSP pushed", g_sp[2], trap.bx);
    check_eq("inside: SS pushed", g_sp[3], SEL_UDATA);
    check_eq("back: RSP", trap.cx, trap.bx);
    check_eq("back: CS", trap.cs, SEL_UCODE64);
    run_user(user_jmp);
    check_trap("a jump may not go inwards", GP, SEL_KCODE);
    gate64((word)gate_target, SEL_KCODE, 0x8c);
    run_user(user_call);
    check_trap("a gate of DPL 0", GP, GATE);
    gate64((word)gate_target, SEL_KCODE, 0x6c);
    run_user(user_call);
    check_trap("a gate that is not present", NP, GATE);
    gate64((word)gate_target, SEL_KCODE32, 0xec);
    run_user(user_call);
    check_trap("a gate to 32-bit code", GP, SEL_KCODE32);
    gate64((word)gate_target, SEL_KDATA, 0xec);
    run_user(user_call);
    check_trap("a gate to data", GP, SEL_KDATA);
    gate64((word)gate_target, 0, 0xec);
    run_user(user_call);
    check_trap("a gate to null", GP, 0);
    gate64(NONCANON, SEL_KCODE, 0xec);
    run_user(user_call);
    check_trap("a gate to where no code can be", GP, 0);
    gate64((word)gate_target, SEL_KCODE, 0xec);
    gdt[(GATE >> 3) + 1] |= (uint64_t)0x0c << 40;
    run_user(user_call);
    check_trap("an upper half with a type", GP, GATE);
    gate64((word)gate_target, SEL_KCODE, 0xe4);
    run_user(user_call);
    check_trap("a 16-bit call gate", GP, GATE);
    gate64((word)gate_target, SEL_KCODE, 0xe5);
    run_user(user_call);
    check_trap("a task gate", GP, GATE);
    via.sel = SEL_TSS | 3;
    run_user(user_call);
    check_trap("a TSS", GP, SEL_TSS);
    via.sel = GATE | 3;
    /* at the same level: two words on the same stack */
    gate64((word)gate_target, SEL_KCODE, 0x8c);
    via.sel = GATE;
    word before, after;
    asm volatile("mov %%rsp, %0; lcall *%2; mov %%rsp, %1"
                 : "=&b"(before), "=&c"(after)
                 : "m"(via)
                 : "rax", "memory");
    check_eq("the same level: SS stays", g_ss, SEL_KDATA);
    check_eq("the same level: CS pushed", g_sp[1], SEL_KCODE);
    check_eq("the same level: RSP back", after, before);
    ATTEMPT("mov %0, %%rbx; lcall *(%%rbx)", ::"i"(NONCANON) : "rbx", "memory");
    check_trap("a pointer that is not canonical", GP, 0);
}

/* ---- IRETQ ---- */

static word iret_frame[5];

/* IRETQ with that frame, from ring 0; what comes back says where it went. */
static void iretq(word ip, word cs, word flags, word sp, word ss)
{
    iret_frame[0] = ip, iret_frame[1] = cs, iret_frame[2] = flags, iret_frame[3] = sp;
    iret_frame[4] = ss;
    trap.vector = NO_TRAP;
    trap.error = 0;
    asm volatile(
        "push %%rbp; mov %%rsp, %%rbp; " RESUME "pushq 32(%0); pushq 24(%0); pushq 16(%0); "
        "pushq 8(%0); pushq (%0); iretq; 771: mov %%rbp, %%rsp; pop %%rbp" ::"a"(iret_frame)
        : "rbx", "memory");
    trap_resume = 0;
}

void iret_here(void);
asm("iret_here: mov %ss, %ebx; int $0x63\n");

static void test_iret(void)
{
    word sp, here = (word)iret_here;

    idt_set(0x63, 0, 0xe, 3, true);
    asm volatile("mov %%rsp, %0" : "=r"(sp));
    sp -= 1024;
    iretq(here, SEL_KCODE, 2, sp, 0);
    check_trap("to ring 0 with SS null", 0x63, 0);
    check_eq("RSP is popped at the same level, too", trap.sp, sp);
    check_eq("SS", trap.bx & 0xffff, 0);
    iretq(here, SEL_KCODE, 2, sp, SEL_KDATA);
    check_trap("to ring 0", 0x63, 0);
    iretq(here, SEL_KCODE32, 2, sp, 0);
    check_trap("SS null to compatibility code", GP, 0);
    iretq(here, SEL_UCODE64, 2, sp, 0);
    check_trap("SS null to ring 3", GP, 0);
    iretq(here, SEL_UCODE64, 2, sp, 3);
    check_trap("SS null of RPL 3 to ring 3", GP, 0);
    iretq(here, SEL_KCODE, 2, sp, SEL_UDATA);
    check_trap("SS of ring 3 at ring 0", GP, SEL_UDATA & ~3u);
    iretq(here, SEL_UCODE64, 2, sp, SEL_KDATA);
    check_trap("SS of ring 0 at ring 3", GP, SEL_KDATA);
    iretq(here, SEL_UCODE64 & ~3u, 2, sp, SEL_KDATA);
    check_trap("CS of DPL 3, RPL 0", GP, SEL_UCODE64 & ~3u);
    iretq(here, 0, 2, sp, SEL_KDATA);
    check_trap("CS null", GP, 0);
    iretq(here, SEL_KDATA, 2, sp, SEL_KDATA);
    check_trap("CS data", GP, SEL_KDATA);
    gdt_set(BAD, 0, 0xfffff, 0x9b, 0xe);
    iretq(here, BAD, 2, sp, SEL_KDATA);
    check_trap("CS with L and D", GP, BAD);
    gdt_set(BAD, 0, 0xfffff, 0x1b, 0xa);
    iretq(here, BAD, 2, sp, SEL_KDATA);
    check_trap("CS not present", NP, BAD);
    gdt_set(BAD, 0, 0xfffff, 0x13, 0xc);
    iretq(here, SEL_KCODE, 2, sp, BAD);
    check_trap("SS not present", SS, BAD);
    gdt_set(BAD, 0, 0xfffff, 0x91, 0xc);
    iretq(here, SEL_KCODE, 2, sp, BAD);
    check_trap("SS read-only", GP, BAD);
    iretq(NONCANON, SEL_KCODE, 2, sp, SEL_KDATA);
    check_trap("RIP not canonical", GP, 0);
    check_eq("is IRET's own fault", trap.cs, SEL_KCODE);
    iretq(NONCANON, SEL_UCODE64, 2, sp, SEL_UDATA);
    check_trap("RIP not canonical, to ring 3", GP, 0);
    check_eq("is IRET's own fault, too", trap.cs, SEL_KCODE);
    gdt_set(BAD, 0, 0xfff, 0x9b, 0x4);
    iretq(0x1000, BAD, 2, sp, SEL_KDATA);
    check_trap("RIP beyond compatibility code's limit", GP, 0);
    iretq(here, SEL_KCODE, 0x4002, sp, SEL_KDATA);
    check_trap("NT goes into the flags", 0x63, 0);
    check_eq("as it does", trap.flags & 0x4000, 0x4000);
    asm volatile("pushf; orl $0x4000, (%%rsp); popf" ::: "memory", "cc");
    iretq(here, SEL_KCODE, 2, sp, SEL_KDATA);
    asm volatile("pushf; andl $~0x4000, (%%rsp); popf" ::: "memory", "cc");
    check_trap("IRETQ with NT set", GP, 0);
    iretq(here, SEL_KCODE, 2, NONCANON, SEL_KDATA);
    check("RSP not canonical loads; the next push is #SS, its delivery #DF or #SS by IST",
          trap.vector == 0x63 || trap.vector == DF || trap.vector == SS);
}

/* 16- and 32-bit operand sizes pop words of that size, always five of them. */
static void test_sizes(void)
{
    static uint16_t w[5];
    static uint32_t d[5];
    word sp = (word)ist_stack + sizeof(ist_stack);

    d[0] = (uint32_t)(word)iret_here, d[1] = SEL_KCODE, d[2] = 2, d[3] = (uint32_t)sp;
    d[4] = SEL_KDATA;
    trap.vector = NO_TRAP;
    asm volatile("push %%rbp; mov %%rsp, %%rbp; " RESUME
                 "mov %0, %%rsp; .byte 0xcf; 771: mov %%rbp, "
                 "%%rsp; pop %%rbp" ::"a"(d)
                 : "rbx", "memory");
    trap_resume = 0;
    check_trap("IRETD in 64-bit mode", 0x63, 0);
    check_eq("RSP from 32 bits", trap.sp, sp);
    w[0] = (uint16_t)(word)iret_here, w[1] = SEL_KCODE, w[2] = 2, w[3] = (uint16_t)sp;
    w[4] = SEL_KDATA;
    trap.vector = NO_TRAP;
    asm volatile("push %%rbp; mov %%rsp, %%rbp; " RESUME
                 "mov %0, %%rsp; .byte 0x66, 0xcf; 771: mov "
                 "%%rbp, %%rsp; pop %%rbp" ::"a"(w)
                 : "rbx", "memory");
    trap_resume = 0;
    check_trap("IRET of 16 bits in 64-bit mode", 0x63, 0);
    check_eq("RIP and RSP from 16 bits", trap.sp, sp & 0xffff);
}

static void user_iret(void)
{
    asm volatile(
        "mov %%rsp, %%rcx; pushq %0; push %%rcx; pushq $0x3a7202; pushq %1; push $1f; iretq\n"
        "1: int $0x80" ::"i"(SEL_UDATA),
        "i"(SEL_UCODE64)
        : "rcx", "memory");
}

static void test_flags(void)
{
    word sp = (word)user_stack + 4000;

    for (unsigned iopl = 0; iopl < 4; iopl += 3) {
        run_user_at((word)user_iret, SEL_UCODE64, 2 | iopl << 12, sp, SEL_UDATA);
        check_trap("IRETQ at ring 3", 0x80, 0);
        check_eq("IF by IOPL; IOPL, VIF and VIP not at all; NT and ID always",
                 trap.flags & 0x3b7200, (iopl == 3 ? 0x200u : 0) | iopl << 12 | 0x204000);
    }
    run_user_at((word)user_int80, SEL_UCODE64, 0x3b3202 & ~0x20000u, sp, SEL_UDATA);
    check_eq("from ring 0: IOPL, IF, VIF and VIP as well", trap.flags & 0x1b3200, 0x183200);
}

void main(void)
{
    struct {
        uint16_t limit;
        word base;
    } __attribute__((packed)) p;

    asm volatile("sidt %0" : "=m"(p));
    idt = (uint64_t *)p.base;
    tss_setup();
    tss.ist[6] = (word)df_stack + sizeof(df_stack);
    idt_set_ist(DF, 7);
    test_idt();
    test_stacks();
    tss.ist[6] = (word)df_stack + sizeof(df_stack);
    test_conforming();
    test_call_gates();
    test_iret();
    test_sizes();
    test_flags();
}
