// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * x87 errors the AT's way, with CR0.NE clear: FERR# raises interrupt 13, the handler writes port F0
 * and may then use the x87, and the error is gone once the flags are cleared. SDM 1 8.7.2 and
 * D.2.1, PIIX3 data sheet (coprocessor error register).
 */
// not on: bochs (executes the instruction that reports) qemu (an assertion of its own)
#include "test.h"

#define VEC_PIC 0x30

static volatile unsigned hits;
static volatile uint16_t seen_sw, after_sw;
static volatile word at;
static volatile bool ignore_only;

static bool handler(struct frame *f)
{
    uint16_t sw;

    if (f->vector != VEC_PIC + 13)
        return false;
    hits++;
    at = f->ip;
    outb(0xf0, 0);
    asm volatile("fnstsw %0" : "=m"(sw));
    seen_sw = sw;
    /* waiting instructions pass while IGNNE# is asserted */
    asm volatile("fldz; fstp %st(0)");
    if (!ignore_only)
        asm volatile("fnclex");
    asm volatile("fnstsw %0" : "=m"(sw));
    after_sw = sw;
    outb(0xa0, 0x20);
    outb(0x20, 0x20);
    return true;
}

static void pic_setup(void)
{
    outb(0x20, 0x11), outb(0x21, VEC_PIC), outb(0x21, 4), outb(0x21, 1);
    outb(0xa0, 0x11), outb(0xa1, VEC_PIC + 8), outb(0xa1, 2), outb(0xa1, 1);
    outb(0x21, 0xfb), outb(0xa1, 0xdf);
}

/* 1 / 0 with the exception unmasked; `at_wait` is where the next waiting instruction stands. */
static void divide_by_zero(void)
{
    uint16_t cw = 0x37b;

    asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp" ::"m"(cw));
}

void main(void)
{
    extern char at_wait[];
    uint16_t sw;
    word cr0;

    asm volatile("mov %%cr0, %0" : "=r"(cr0));
    asm volatile("mov %0, %%cr0" ::"r"((cr0 & ~(word)0x2c) | 2)); /* no NE, TS, EM; MP */
    *(volatile uint32_t *)0xfee000f0 = 0x1ff; /* the 8259s reach the processor by LINT0 */
    *(volatile uint32_t *)0xfee00350 = 0x700;
    pic_setup();
    for (unsigned v = VEC_PIC; v < VEC_PIC + 16; v++)
        idt_set(v, 0, 0xe, 0, true);
    trap_hook = handler;
    divide_by_zero();
    asm volatile("fnstsw %0" : "=m"(sw));
    check_eq("the error is flagged", sw & 0x84, 0x84);
    check_eq("and not yet reported", hits, 0);
    asm volatile("sti; nop\n.globl at_wait\nat_wait: fwait; cli" ::: "memory");
    check_eq("a waiting instruction reports it once", hits, 1);
    check_eq("before it is executed", at, (word)at_wait);
    check_eq("the handler saw it", seen_sw & 0x84, 0x84);
    check_eq("and cleared it", after_sw & 0x84, 0);
    asm volatile("sti; fwait; cli" ::: "memory");
    check_eq("nothing is left", hits, 1);

    ignore_only = true;
    divide_by_zero();
    asm volatile("sti; fwait; fwait; cli" ::: "memory");
    check_eq("IGNNE# lets the rest go on", hits, 2);
    asm volatile("fnclex; sti; fwait; cli" ::: "memory");
    check_eq("and ends with the flags", hits, 2);
    divide_by_zero();
    asm volatile("sti; fwait; cli" ::: "memory");
    check_eq("so that the next error is reported", hits, 3);
}
