// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Segment limits and types on every access: the checks that make an emulator strict. SDM 3A 5.3
 * (limit checking), 5.5 (type checking), and the interrupt chapter for which of #GP and #SS it is.
 */
// not on: qemu (TCG does not check limits)
#include "test.h"

#define SEL(n) (SEL_FREE + 8 * (n))
uint8_t area[0x4000] __attribute__((aligned(4096)));

static void set_fs(uint32_t limit, unsigned access, unsigned flags)
{
    gdt_set(SEL(0), (uint32_t)area, limit, access, flags);
    asm volatile("mov %w0, %%fs" ::"r"(SEL(0)));
}

static void read4(uint32_t off)
{
    ATTEMPT("movl %%fs:(%0), %%eax", ::"r"(off) : "eax");
}
static void read2(uint32_t off)
{
    ATTEMPT("movw %%fs:(%0), %%ax", ::"r"(off) : "eax");
}
static void read1(uint32_t off)
{
    ATTEMPT("movb %%fs:(%0), %%al", ::"r"(off) : "eax");
}
static void write4(uint32_t off)
{
    ATTEMPT("movl %%eax, %%fs:(%0)", ::"r"(off) : "memory");
}

static void test_expand_up(void)
{
    set_fs(0xfff, 0x93, 0x4);
    read4(0xffc);
    check_no_trap("the last dword inside");
    read4(0xffd);
    check_trap("a dword half outside", GP, 0);
    read2(0xfff);
    check_trap("a word half outside", GP, 0);
    read1(0xfff);
    check_no_trap("the last byte");
    read1(0x1000);
    check_trap("the first byte outside", GP, 0);
    write4(0x1000);
    check_trap("a write outside", GP, 0);
    read4(0xfffffffe);
    check_trap("an offset that wraps", GP, 0);
    area[0x0ffe] = area[0x1000] = 0;
    write4(0xffe);
    check_trap("a write half outside", GP, 0);
    check("changes nothing", !area[0xffe] && !area[0x1000]);
    ATTEMPT("movq %%fs:(%0), %%mm0", ::"r"(0xffa));
    check_trap("a quadword half outside (MMX)", GP, 0);
}

static void test_expand_down(void)
{
    set_fs(0xfff, 0x97, 0x4);
    read1(0xfff);
    check_trap("expand down: at the limit", GP, 0);
    read1(0x1000);
    check_no_trap("expand down: above the limit");
    read4(0xffe);
    check_trap("expand down: across the limit", GP, 0);
    read1(0x2000);
    check_no_trap("expand down: far above");
    gdt_set(SEL(0), (uint32_t)area - 0xe000, 0xefff, 0x97, 0);
    asm volatile("mov %w0, %%fs" ::"r"(SEL(0)));
    read1(0xffff);
    check_no_trap("expand down, 16 bits: top byte");
    read1(0x10000);
    check_trap("expand down, 16 bits: above 64 KiB", GP, 0);
    read2(0xffff);
    check_trap("expand down, 16 bits: across 64 KiB", GP, 0);
}

static void test_types(void)
{
    set_fs(0xfff, 0x91, 0x4);
    read4(0);
    check_no_trap("read-only data: read");
    write4(0);
    check_trap("read-only data: write", GP, 0);
    ATTEMPT("incl %%fs:0", ::: "memory");
    check_trap("read-only data: read and write", GP, 0);
    set_fs(0xfff, 0x9b, 0x4);
    read4(0);
    check_no_trap("readable code: read");
    write4(0);
    check_trap("readable code: write", GP, 0);
    ATTEMPT("movl $1, %%cs:area", ::: "memory");
    check_trap("a write through CS", GP, 0);
}

static void user_pushes(void)
{
    asm volatile("mov $0x20000, %esp; push %eax");
}
static void user_ebp(void)
{
    asm volatile("mov $0x20000, %ebp; mov (%ebp), %eax");
}
static void user_pop(void)
{
    asm volatile("mov $0xfffe, %esp; pop %eax");
}
static void user_call(void)
{
    asm volatile("mov $0x20004, %esp; call user_call");
}

static void run_small_stack(void (*fn)(void))
{
    run_user_at((word)fn, SEL_UCODE32, 2, 0xfff0, SEL(2) | 3);
}

static void test_user_stack(void)
{
    gdt_set(SEL(2), 0, 0xffff, 0xf3, 0x4);
    run_small_stack(user_pushes);
    check_trap("push beyond SS's limit", SS, 0);
    run_small_stack(user_ebp);
    check_trap("EBP uses SS", SS, 0);
    run_small_stack(user_pop);
    check_trap("pop across SS's limit", SS, 0);
    check_eq("a faulting pop keeps ESP", trap.sp, 0xfffe);
    run_small_stack(user_call);
    check_trap("call beyond SS's limit", SS, 0);
    check_eq("a faulting call keeps EIP", trap.ip - (word)user_call < 16, true);
}

static void test_code_limit(void)
{
    struct {
        uint32_t off;
        uint16_t sel;
    } __attribute__((packed)) p;

    /* Code of base area with limit 0xfff: a jump past its end, and running off its end. */
    gdt_set(SEL(3), (uint32_t)area, 0xfff, 0x9b, 0x4);
    area[0xffe] = area[0xfff] = 0x90;
    area[0x1000] = 0xf4;
    p.sel = SEL(3);
    p.off = 0xffe;
    ATTEMPT("ljmp *%0", ::"m"(p));
    check_trap("running off the end of a code segment", GP, 0);
    check_eq("EIP is the first byte outside", trap.ip, 0x1000);
    check_eq("in that segment", trap.cs & 0xffff, SEL(3));
    area[0xff0] = 0xe9; /* jmp +0x100 */
    area[0xff1] = 0x00;
    area[0xff2] = 0x01;
    area[0xff3] = area[0xff4] = 0;
    p.off = 0xff0;
    ATTEMPT("ljmp *%0", ::"m"(p));
    check_trap("near jump beyond the limit", GP, 0);
    check_eq("is the jump's own fault", trap.ip, 0xff0);
    area[0xffd] = 0xb8; /* mov eax, imm32 cut off by the limit */
    p.off = 0xffd;
    ATTEMPT("ljmp *%0", ::"m"(p));
    check_trap("an instruction cut off by the limit", GP, 0);
    check_eq("faults at its start", trap.ip, 0xffd);
}

static bool back_to_flat(struct frame *f)
{
    /* EXPECT's address is one in the flat code segment. */
    if (trap_resume && f->cs == SEL(3)) {
        trap = *f;
        f->cs = SEL_KCODE;
        f->ip = trap_resume;
        trap_resume = 0;
        return true;
    }
    return false;
}

void main(void)
{
    trap_hook = back_to_flat;
    test_expand_up();
    test_expand_down();
    test_types();
    tss_setup();
    test_user_stack();
    test_code_limit();
}
