// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Transfers through gates at 32 bits: call gates with and without a stack switch and their
 * parameters, far returns outwards, interrupt and trap gates from ring 0 and 3, and what each
 * refuses. SDM 3A 5.8 (privilege), 6.12.
 */
#include "test.h"

#define SEL(n) (SEL_FREE + 8 * (n))

static void gate_set(unsigned sel, unsigned target, void (*fn)(void), unsigned params,
                     unsigned access)
{
    word a = (word)fn;

    gdt[sel >> 3] = (a & 0xffff) | (uint64_t)target << 16 | (uint64_t)(params & 31) << 32 |
                    (uint64_t)access << 40 | (uint64_t)(a >> 16) << 48;
}

static volatile uint32_t seen[8];

/* What the inner side of the call gate finds: two parameters, the way back, and the ring-3 stack.
 */
void gate_inner(void);
asm(".globl gate_inner\n"
    "gate_inner:\n"
    "mov %cs, %eax; mov %eax, %ss:seen\n"
    "mov %ss, %eax; mov %eax, %ss:seen+4\n"
    "mov 4(%esp), %eax; mov %eax, %ss:seen+8\n"   /* caller's CS */
    "mov 8(%esp), %eax; mov %eax, %ss:seen+12\n"  /* second parameter pushed */
    "mov 12(%esp), %eax; mov %eax, %ss:seen+16\n" /* first */
    "mov 20(%esp), %eax; mov %eax, %ss:seen+20\n" /* SS of ring 3 */
    "mov 16(%esp), %eax; mov %eax, %ss:seen+24\n" /* ESP of ring 3 */
    "lret $8\n");

static volatile uint32_t user_esp[2];
static void user_call_gate(void)
{
    asm volatile("push $0x1111; push $0x2222; mov %%esp, %0; lcall %2, $0; mov %%esp, %1; int $0x80"
                 : "=m"(user_esp[0]), "=m"(user_esp[1])
                 : "i"(SEL(0) | 3));
}
static void user_call_kernel_gate(void)
{
    asm volatile("lcall %0, $0" ::"i"(SEL(1) | 3));
}
static void user_call_absent_gate(void)
{
    asm volatile("lcall %0, $0" ::"i"(SEL(2) | 3));
}
static void user_jmp_gate(void)
{
    asm volatile("ljmp %0, $0" ::"i"(SEL(0) | 3));
}

static void test_call_gates(void)
{
    gate_set(SEL(0), SEL_KCODE, gate_inner, 2, 0xec);
    gate_set(SEL(1), SEL_KCODE, gate_inner, 0, 0x8c);
    gate_set(SEL(2), SEL_KCODE, gate_inner, 0, 0x6c);
    run_user(user_call_gate);
    check_eq("came back and left by int 80h", trap.vector, 0x80);
    check_eq("inside: CS", seen[0] & 0xffff, SEL_KCODE);
    check_eq("inside: SS from the TSS", seen[1] & 0xffff, SEL_KDATA);
    check_eq("inside: caller's CS", seen[2] & 0xffff, SEL_UCODE32);
    check_eq("inside: last parameter on top", seen[3], 0x2222);
    check_eq("inside: first parameter below", seen[4], 0x1111);
    check_eq("inside: caller's SS", seen[5] & 0xffff, SEL_UDATA);
    check_eq("inside: caller's ESP", seen[6], user_esp[0]);
    check_eq("lret 8 drops the caller's parameters too", user_esp[1], user_esp[0] + 8);
    check_eq("DS of ring 3 survives", trap.ds & 0xffff, SEL_UDATA);
    run_user(user_call_kernel_gate);
    check_trap("a gate of DPL 0 from ring 3", GP, SEL(1));
    run_user(user_call_absent_gate);
    check_trap("a gate that is not present", NP, SEL(2));
    run_user(user_jmp_gate);
    check_trap("a jump may not go inwards", GP, SEL_KCODE);
    gate_set(SEL(0), SEL_KDATA, gate_inner, 0, 0xec);
    run_user(user_call_gate);
    check_trap("a gate to a data segment", GP, SEL_KDATA);
    gate_set(SEL(0), 0, gate_inner, 0, 0xec);
    run_user(user_call_gate);
    check_trap("a gate to null", GP, 0);
}

/* At the same privilege a call gate switches nothing. */
void gate_same(void);
asm(".globl gate_same\n"
    "gate_same: mov %esp, seen+28; lret\n");
static void test_same_level(void)
{
    uint32_t before;

    gate_set(SEL(1), SEL_KCODE, gate_same, 0, 0x8c);
    asm volatile("mov %%esp, %0; lcall %1, $0x12345" : "=&r"(before) : "i"(SEL(1)) : "memory");
    check_eq("call gate at ring 0: eight bytes on the same stack", before - seen[7], 8);
    ATTEMPT("ljmp %0, $0", ::"i"(SEL_FREE + 8 * 20));
    check_trap("far jump to an empty descriptor", GP, SEL_FREE + 8 * 20);
}

static void user_int(void)
{
    asm volatile("int $0x80");
}
static void user_int_kernel(void)
{
    asm volatile("int $0x42");
}
static void user_int_absent(void)
{
    asm volatile("int $0x81");
}
static void user_int_outside(void)
{
    asm volatile("int $0xff");
}
static void user_lret_inwards(void)
{
    asm volatile("push %0; push $0; lret" ::"i"(SEL_KCODE));
}

static volatile uint32_t flags_inside;
static bool note_flags(struct frame *f)
{
    word flags;

    if (f->vector != 0x50 && f->vector != 0x51)
        return false;
    asm volatile("pushf; pop %0" : "=r"(flags));
    flags_inside = flags;
    return true;
}

static void test_interrupt_gates(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) p, whole;

    trap_hook = note_flags;
    idt_set(0x50, 0, 0xe, 0, true);
    idt_set(0x51, 0, 0xf, 0, true);
    asm volatile("sti; int $0x50; cli" ::: "memory");
    check_eq("an interrupt gate clears IF", flags_inside & 0x200, 0);
    asm volatile("sti; int $0x51; cli" ::: "memory");
    check_eq("a trap gate does not", flags_inside & 0x200, 0x200);
    trap_hook = NULL;

    run_user(user_int);
    check_trap("int 80h from ring 3", 0x80, 0);
    check_eq("pushes CS of ring 3", trap.cs & 0xffff, SEL_UCODE32);
    check_eq("pushes SS of ring 3", trap.ss & 0xffff, SEL_UDATA);
    run_user(user_int_kernel);
    check_trap("int to a gate of DPL 0", GP, 0x42 * 8 + 2);
    idt_set(0x81, 0, 0xe, 3, false);
    run_user(user_int_absent);
    check_trap("int to a gate that is not present", NP, 0x81 * 8 + 2);
    run_user(user_lret_inwards);
    check_trap("lret inwards", GP, SEL_KCODE);

    asm volatile("sidt %0" : "=m"(whole));
    p = whole;
    p.limit = 0x90 * 8 - 1;
    asm volatile("lidt %0" ::"m"(p));
    run_user(user_int_outside);
    check_trap("int beyond the IDT's limit", GP, 0xff * 8 + 2);
    asm volatile("lidt %0" ::"m"(whole));
    ATTEMPT("pushl $0x10000; popl %%eax; int $0x81", ::: "eax");
    check_trap("not present, from ring 0", NP, 0x81 * 8 + 2);
}

static void test_iret(void)
{
    ATTEMPT("pushf; push %0; push $1f; iret; 1: nop", ::"i"(SEL_KDATA));
    check_trap("iret to a data segment", GP, SEL_KDATA);
    ATTEMPT("pushf; push %0; push $1f; iret; 1: nop", ::"i"(0));
    check_trap("iret to null", GP, 0);
    run_user_at((word)user_int, SEL_UCODE32, 0x3202, (word)user_stack + 4000, SEL_UDATA);
    check_eq("iret from ring 0 sets IOPL and IF", trap.flags & 0x3200, 0x3200);
    ATTEMPT("push %0; push $0; pushf; push %1; push $1f; iret; 1: nop", ::"i"(SEL_KDATA),
            "i"(SEL_UCODE32));
    check_trap("iret outwards with an inner SS", GP, SEL_KDATA);
    asm volatile("" ::: "memory");
}

/* Returning outwards, data segments that the outer ring may not have become null. */
void user_reads_segments(void);
extern word user_return_sp;
asm(".globl user_reads_segments\n"
    "user_reads_segments: mov %fs, %eax; mov %gs, %ebx; int $0x80\n");

static void test_outward_segments(void)
{
    word frame[5] = {(word)user_reads_segments, SEL_UCODE32, 2, (word)user_stack + 4000, SEL_UDATA};

    trap.vector = NO_TRAP;
    asm volatile("mov %1, %%fs; mov %2, %%gs\n"
                 "call 1f; jmp 2f\n" /* leave_user returns as from a function */
                 "1: pushal; mov %%esp, user_return_sp\n"
                 "push 16(%0); push 12(%0); push 8(%0); push 4(%0); push (%0); iret\n"
                 "2:"
                 :
                 : "a"(frame), "r"(SEL_KDATA), "r"(SEL_UDATA)
                 : "memory");
    check_eq("arrived", trap.vector, 0x80);
    check_eq("FS of ring 0 is null at ring 3", trap.ax & 0xffff, 0);
    check_eq("GS of ring 3 stays", trap.bx & 0xffff, SEL_UDATA);
}

void main(void)
{
    tss_setup();
    test_call_gates();
    test_same_level();
    test_interrupt_gates();
    test_iret();
    test_outward_segments();
}
