// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debugging: single step (also over string instructions, MOV SS, POPF and into handlers), hardware
 * breakpoints on execution, writes and accesses, DR6 and DR7, RF, general detect, INT1. SDM 3B
 * chapter 17 (debug), 6.8.3 (MOV SS).
 */
// not on: qemu (TCG has neither general detect nor INT1)
#include "test.h"

static volatile unsigned steps;
static volatile word step_ip[64], step_dr6[64], step_flags;
static volatile bool set_rf;

static bool count_steps(struct frame *f)
{
    if (f->vector != DB)
        return false;
    if (steps < 64) {
        step_ip[steps] = f->ip;
        step_dr6[steps] = READ_DR(6);
    }
    steps++;
    step_flags = f->flags;
    WRITE_DR(6, 0xffff0ff0);
    if (set_rf)
        f->flags |= 0x10000;
    return true;
}

extern char s0[], s1[], s2[], s3[], s4[], s5[], s6[], s7[];

static void test_step(void)
{
    steps = 0;
    asm volatile("pushf; orl $0x100, (%%esp); popf\n"
                 "s0: nop\n"
                 "s1: inc %%eax\n"
                 "s2: jmp s3\n"
                 "nop\n"
                 "s3: pushf\n"
                 "s4: andl $~0x100, (%%esp)\n"
                 "s5: popf\n"
                 "s6: nop\n" ::
                     : "eax", "memory");
    check_eq("steps", steps, 6);
    check_eq("the first trap is after the instruction that follows POPF", step_ip[0], (word)s1);
    check_eq("after inc", step_ip[1], (word)s2);
    check_eq("after jmp: its target", step_ip[2], (word)s3);
    check_eq("POPF that clears TF still traps", step_ip[5], (word)s6);
    check_eq("DR6.BS", step_dr6[0] & 0x400f, 0x4000);
}

extern char r0[], r1[], r2[];
static void test_step_rep(void)
{
    static uint8_t buf[8];

    steps = 0;
    asm volatile("mov $3, %%ecx; mov %0, %%edi; pushf; orl $0x100, (%%esp); popf\n"
                 "r0: rep stosb\n"
                 "r1: pushf; andl $~0x100, (%%esp); popf\n"
                 "r2: nop\n" ::"i"(buf)
                 : "ecx", "edi", "memory");
    check_eq("rep stosb of three: a trap for each iteration", steps, 6);
    check_eq("EIP stays on the rep", step_ip[0], (word)r0);
    check_eq("and again", step_ip[1], (word)r0);
    check_eq("until it is through", step_ip[2], (word)r1);
}

extern char m0[], m1[], m2[];
static void test_step_movss(void)
{
    steps = 0;
    asm volatile("mov %%ss, %%eax; pushf; orl $0x100, (%%esp); popf\n"
                 "mov %%eax, %%ss\n"
                 "m0: nop\n"
                 "m1: pushf; andl $~0x100, (%%esp); popf\n"
                 "m2: nop\n" ::
                     : "eax", "memory");
    check_eq("MOV SS holds the trap back by an instruction", step_ip[0], (word)m1);
}

extern char b0[], b1[];
volatile uint32_t watched[3];

static void test_exec(void)
{
    WRITE_DR(0, (word)b0);
    WRITE_DR(7, 0x402); /* G0: execution, length 1 */
    steps = 0;
    set_rf = true;
    asm volatile("xor %%eax, %%eax; b0: inc %%eax; b1: nop" ::: "eax");
    check_eq("execution breakpoint: once, thanks to RF", steps, 1);
    check_eq("is a fault: EIP is its own", step_ip[0], (word)b0);
    check_eq("DR6.B0", step_dr6[0] & 0x400f, 1);
    set_rf = false;
    WRITE_DR(7, 0x400);
    steps = 0;
    asm volatile("call b2; jmp b3; b2: ret; b3:" ::: "memory");
    check_eq("disabled", steps, 0);
}

extern char w0[], w1[], w2[];
static void test_data(void)
{
    WRITE_DR(1, (word)&watched[0]);
    WRITE_DR(7, 0x00d00408); /* G1: write, four bytes */
    steps = 0;
    asm volatile("mov watched, %%eax; movl $1, watched\nw0: nop; movl $2, watched+4; nop" ::
                     : "eax", "memory");
    check_eq("write breakpoint: one hit", steps, 1);
    check_eq("is a trap: EIP is the next", step_ip[0], (word)w0);
    check_eq("DR6.B1", step_dr6[0] & 0x400f, 2);
    check_eq("the write happened", watched[0], 1);
    steps = 0;
    asm volatile("movb $1, watched+3; movb $1, watched+4; movl $0, watched-2" ::: "memory");
    check_eq("overlap of any byte counts", steps, 2);
    WRITE_DR(7, 0x00700408 | 0x00800000); /* read or write, four bytes */
    steps = 0;
    asm volatile("mov watched, %%eax; movzbl watched+1, %%eax; mov watched+4, %%eax" ::
                     : "eax", "memory");
    check_eq("access breakpoint: reads too", steps, 2);
    WRITE_DR(7, 0x00100408); /* write, one byte */
    steps = 0;
    asm volatile("movb $1, watched+1; movb $1, watched" ::: "memory");
    check_eq("length one", steps, 1);
    steps = 0;
    asm volatile("mov $2, %%ecx; mov $watched-2, %%edi; xor %%eax, %%eax; rep stosw" ::
                     : "eax", "ecx", "edi", "memory");
    check_eq("rep stos hits it once", steps, 1);
    WRITE_DR(7, 0x400);
}

static void test_registers(void)
{
    WRITE_DR(6, 0);
    check_eq("DR6's fixed bits", READ_DR(6) & 0xffff1ff0, 0xffff0ff0);
    WRITE_DR(7, 0);
    check_eq("DR7 bit 10 is 1", READ_DR(7), 0x400);
    WRITE_DR(7, 0x2400); /* GD */
    ATTEMPT("mov %%dr0, %%eax", ::: "eax");
    check_trap("general detect", DB, 0);
    check_eq("clears GD", READ_DR(7) & 0x2000, 0);
    check_eq("DR6.BD", READ_DR(6) & 0x2000, 0x2000);
    WRITE_DR(6, 0xffff0ff0);
    WRITE_CR(4, READ_CR(4) | 8);
    ATTEMPT("mov %%dr4, %%eax", ::: "eax");
    check_trap("DR4 with DE", UD, 0);
    WRITE_CR(4, READ_CR(4) & ~(word)8);
    ATTEMPT("mov %%dr4, %%eax", ::: "eax");
    check_no_trap("DR4 is DR6 without DE");
    word after;
    ATTEMPT("movl $1f, %0; .byte 0xf1; 1: nop", : "=m"(after));
    check_trap("int1", DB, 0);
    check_eq("int1 is a trap", trap.ip, after);
}

static void user_dr(void)
{
    asm volatile("mov %%dr0, %%eax" ::: "eax");
}
static void user_step(void)
{
    asm volatile("nop; nop; int $0x80");
}

void main(void)
{
    tss_setup();
    test_registers();
    run_user(user_dr);
    check_trap("debug registers at ring 3", GP, 0);
    run_user_at((word)user_step, SEL_UCODE32, 0x102, (word)user_stack + 4000, SEL_UDATA);
    check_trap("single step at ring 3", DB, 0);
    check_eq("after one instruction", trap.ip, (word)user_step + 1);
    trap_hook = count_steps;
    test_step();
    test_step_rep();
    test_step_movss();
    test_exec();
    test_data();
}
