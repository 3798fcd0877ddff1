// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hardware task switches: by far jump, far call with IRET back, through task gates (also in the
 * IDT, for a double fault), busy and NT bits, back links, CR0.TS, CR3, and #TS for what a TSS may
 * not hold. SDM 3A chapter 8.
 */
#include "test.h"

#define SEL(n) (SEL_FREE + 8 * (n))
#define OTHER  SEL(0) /* the other task's TSS */

static struct tss32 other;
static uint8_t other_stack[4096] __attribute__((aligned(16)));
volatile uint32_t resume_at, note_eax, note_error;
static volatile uint32_t note_tr, note_link, note_flags, note_cr0, note_busy_main, note_busy_other;

static void prepare(void (*fn)(void))
{
    other = (struct tss32){0};
    other.eip = (word)fn;
    other.cs = SEL_KCODE;
    other.ss = other.ds = other.es = other.fs = other.gs = SEL_KDATA;
    other.esp = (word)other_stack + sizeof(other_stack);
    other.eflags = 2;
    other.eax = 0x1234;
    other.iomap = sizeof(other);
    gdt_set(OTHER, (word)&other, sizeof(other) - 1, 0x89, 0);
}

void other_notes(void)
{
    uint32_t v;

    asm volatile("str %0" : "=r"(v));
    note_tr = v & 0xffff;
    note_link = other.link & 0xffff;
    asm volatile("pushf; pop %0" : "=r"(v));
    note_flags = v;
    note_cr0 = READ_CR(0);
    note_busy_main = gdt[SEL_TSS >> 3] >> 40 & 0xff;
    note_busy_other = gdt[OTHER >> 3] >> 40 & 0xff;
    asm volatile("clts");
}

void other_by_call(void), other_by_jump(void), other_double(void);
asm("other_by_call: mov %eax, note_eax; call other_notes; iret; jmp other_by_call\n"
    "other_by_jump: mov %eax, note_eax; call other_notes; ljmp $0x38, $0\n"
    "other_double: pop note_error; call other_notes; mov resume_at, %eax; mov %eax, tss + 32; "
    "iret\n");

static bool busy(unsigned sel)
{
    return (gdt[sel >> 3] >> 41 & 1) != 0;
}

static void test_jump(void)
{
    uint32_t ebx = 0x55aa;

    prepare(other_by_jump);
    asm volatile("ljmp %1, $0x99" : "+b"(ebx) : "i"(OTHER) : "memory", "eax", "ecx", "edx");
    check_eq("jump: TR", note_tr, OTHER);
    check_eq("jump: EAX from the TSS", note_eax, 0x1234);
    check_eq("jump: no NT", note_flags & 0x4000, 0);
    check_eq("jump: CR0.TS", note_cr0 & 8, 8);
    check_eq("jump: the old task is no longer busy", note_busy_main, 0x89);
    check_eq("jump: the new one is", note_busy_other, 0x8b);
    check_eq("jump: no back link is written", note_link, 0);
    check_eq("back: registers as they were", ebx, 0x55aa);
    check("back: busy bits", busy(SEL_TSS) && !busy(OTHER));
    check_eq("back: CR0.TS again", READ_CR(0) & 8, 8);
    check_eq("the other task's EIP is saved behind its jump", other.eip > (word)other_by_jump,
             true);
    asm volatile("clts");
}

static void test_call(void)
{
    prepare(other_by_call);
    asm volatile("lcall %0, $0" ::"i"(OTHER) : "memory");
    check_eq("call: TR", note_tr, OTHER);
    check_eq("call: NT is set", note_flags & 0x4000, 0x4000);
    check_eq("call: back link", note_link, SEL_TSS);
    check_eq("call: the caller stays busy", note_busy_main, 0x8b);
    check("return: busy bits", busy(SEL_TSS) && !busy(OTHER));
    check_eq("return: NT is clear in the saved flags", other.eflags & 0x4000, 0);
    asm volatile("clts");
    note_tr = 0;
    asm volatile("lcall %0, $0" ::"i"(OTHER) : "memory");
    check_eq("call again: goes on behind the IRET", note_tr, OTHER);
    asm volatile("clts");
}

static void test_gate(void)
{
    prepare(other_by_call);
    gdt[SEL(1) >> 3] = (uint64_t)OTHER << 16 | (uint64_t)0x85 << 40;
    note_tr = 0;
    asm volatile("lcall %0, $0" ::"i"(SEL(1)) : "memory");
    check_eq("task gate", note_tr, OTHER);
    asm volatile("clts");
}

static void test_refusals(void)
{
    prepare(other_by_call);
    gdt_set(OTHER, (word)&other, sizeof(other) - 1, 0x8b, 0);
    ATTEMPT("lcall %0, $0", ::"i"(OTHER));
    check_trap("a busy TSS", GP, OTHER);
    gdt_set(OTHER, (word)&other, sizeof(other) - 1, 0x09, 0);
    ATTEMPT("lcall %0, $0", ::"i"(OTHER));
    check_trap("a TSS that is not present", NP, OTHER);
    gdt_set(OTHER, (word)&other, 0x66, 0x89, 0);
    ATTEMPT("lcall %0, $0", ::"i"(OTHER));
    check_trap("a TSS that is too short", TS, OTHER);
    ATTEMPT("lcall $0x3c, $0", );
    check_trap("a TSS in the LDT", GP, 0x3c);
}

static void test_idt_task_gate(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) p;

    asm volatile("sidt %0" : "=m"(p));
    uint64_t *idt = (uint64_t *)p.base;

    prepare(other_by_call);
    idt[0x60] = (uint64_t)OTHER << 16 | (uint64_t)0x85 << 40;
    note_tr = 0;
    asm volatile("int $0x60" ::: "memory");
    check_eq("int through a task gate", note_tr, OTHER);
    check_eq("int through a task gate: back link", note_link, SEL_TSS);
    asm volatile("clts");

    /* A double fault: #GP whose gate is not present gives #NP while delivering, contributory twice.
     */
    prepare(other_double);
    uint64_t gp = idt[GP], df = idt[DF];
    idt[DF] = (uint64_t)OTHER << 16 | (uint64_t)0x85 << 40;
    idt[GP] &= ~((uint64_t)0x80 << 40);
    note_tr = 0;
    note_error = 0x77;
    /* The saved EIP is the faulting instruction's, so the handler's task moves it on before it
     * returns. */
    static volatile uint32_t resumed;
    asm volatile("movl $0, %0; jmp 2f\n"
                 "1: movl $1, %0; jmp 3f\n"
                 "2: movl $1b, %1; mov $0xfff8, %%eax; mov %%ax, %%gs\n"
                 "3:"
                 : "=m"(resumed), "=m"(resume_at)
                 :
                 : "eax", "memory");
    idt[GP] = gp;
    idt[DF] = df;
    check_eq("double fault by a task gate", note_tr, OTHER);
    check_eq("double fault's error code is 0", note_error, 0);
    check_eq("and its task returned", resumed, 1);
    asm volatile("clts");
}

void main(void)
{
    tss_setup();
    test_jump();
    test_call();
    test_gate();
    test_refusals();
    test_idt_task_gate();
}
