// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual-8086 mode with a monitor: 8086 code runs as a ring-3 task, and what is sensitive to IOPL
 * or privileged traps with #GP(0). The monitor emulates INT, IRET, CLI, STI, PUSHF and POPF the way
 * DOS extenders do; the virtual interrupt flag (VME) is tried where CPUID offers it. SDM 3A
 * chapter 21.
 */
#include "test.h"

extern const uint8_t v86_begin[], v86_end[], v86_int60[], v86_vme[];

/* Assembled as 16-bit code, copied to 0x5000:0. */
asm(".data\n.code16\n"
    "v86_begin:\n"
    "  mov $0x1234, %ax\n"
    "  mov $0x8000, %bx\n"
    "  mov %bx, %ds\n"
    "  mov %ax, 0x10\n" /* a write through a real-mode segment: 0x80010 */
    "  mov $0xffff, %si\n"
    "  cli\n" /* traps: IOPL 0 */
    "  pushf\n"
    "  pop %cx\n"
    "  sti\n"
    "  pushf\n"
    "  pop %dx\n"
    "  int $0x60\n" /* reflected through the vector table at 0 */
    "  push %cs\n"
    "  call 1f\n"
    "  jmp 2f\n"
    "1: lret\n"
    "2: smsw %di\n"
    "  hlt\n" /* ends it */
    "v86_int60:\n"
    "  mov $0x6060, %bp\n"
    "  iret\n"
    "v86_vme:\n"
    "  cli\n"
    "  pushf\n"
    "  pop %cx\n"
    "  sti\n"
    "  pushf\n"
    "  pop %dx\n"
    "  int $0x61\n"
    "  hlt\n"
    "v86_end:\n"
    ".code32\n.text\n");

#define CODE_SEG 0x5000
static bool vif;
static unsigned traps[256];
static struct frame last;

static uint16_t *at(word seg, word off)
{
    return (uint16_t *)(((seg & 0xffff) << 4) + (off & 0xffff));
}

static void push16(struct frame *f, uint16_t v)
{
    f->sp = (f->sp & 0xffff0000) | ((f->sp - 2) & 0xffff);
    *at(f->ss, f->sp) = v;
}

static uint16_t pop16(struct frame *f)
{
    uint16_t v = *at(f->ss, f->sp);

    f->sp = (f->sp & 0xffff0000) | ((f->sp + 2) & 0xffff);
    return v;
}

/* The monitor. */
static bool monitor(struct frame *f)
{
    if (!(f->flags & 0x20000))
        return false;
    traps[f->vector & 255]++;
    if (f->vector != GP || f->error) {
        last = *f;
        return false;
    }
    uint8_t *ip = (uint8_t *)at(f->cs, f->ip);
    uint16_t v;

    switch (*ip) {
    case 0xfa:
        vif = false;
        f->ip++;
        return true;
    case 0xfb:
        vif = true;
        f->ip++;
        return true;
    case 0x9c:
        push16(f, (uint16_t)((f->flags & ~(word)0x200) | (vif ? 0x200 : 0)));
        f->ip++;
        return true;
    case 0x9d:
        v = pop16(f);
        vif = v >> 9 & 1;
        f->flags = (f->flags & 0xffff0200) | (v & 0xcd5);
        f->ip++;
        return true;
    case 0xcd:
        push16(f, (uint16_t)((f->flags & ~(word)0x200) | (vif ? 0x200 : 0)));
        push16(f, (uint16_t)f->cs);
        push16(f, (uint16_t)(f->ip + 2));
        f->ip = *at(0, ip[1] * 4u);
        f->cs = *at(0, ip[1] * 4u + 2);
        vif = false;
        return true;
    case 0xcf:
        f->ip = pop16(f);
        f->cs = pop16(f);
        v = pop16(f);
        vif = v >> 9 & 1;
        f->flags = (f->flags & 0xffff0200) | (v & 0xcd5);
        return true;
    default: last = *f; return false; /* HLT: the end */
    }
}

static void enter_v86(word ip, word flags)
{
    /* IRET with VM set pops ES, DS, FS and GS as well. */
    static word frame[9];

    frame[0] = ip;
    frame[1] = CODE_SEG;
    frame[2] = 0x20002 | flags;
    frame[3] = 0x1000;
    frame[4] = 0x7000;
    frame[5] = 0x1111;
    frame[6] = 0x2222;
    frame[7] = 0x3333;
    frame[8] = 0x4444;
    for (unsigned i = 0; i < 256; i++)
        traps[i] = 0;
    last = (struct frame){0};
    asm volatile("call 1f; jmp 2f\n"
                 "1: pushal; mov %%esp, user_return_sp\n"
                 "push 32(%0); push 28(%0); push 24(%0); push 20(%0)\n"
                 "push 16(%0); push 12(%0); push 8(%0); push 4(%0); push (%0); iret\n"
                 "2:" ::"a"(frame)
                 : "memory");
}

static void test_monitor(void)
{
    *at(0, 0x60 * 4) = (uint16_t)(v86_int60 - v86_begin);
    *at(0, 0x60 * 4 + 2) = CODE_SEG;
    *at(0x8000, 0x10) = 0;
    enter_v86(0, 0);
    check_eq("ended by HLT", last.vector, GP);
    check_eq("at the HLT", *(uint8_t *)at(last.cs, last.ip), 0xf4);
    check_eq("AX", last.ax & 0xffff, 0x1234);
    check_eq("a store through DS reached seg * 16 + off", *at(0x8000, 0x10), 0x1234);
    check_eq("pushf after cli, by the monitor", last.cx & 0x200, 0);
    check_eq("pushf after sti, by the monitor", last.dx & 0x200, 0x200);
    check_eq("int 60h ran in V86 mode", last.bp & 0xffff, 0x6060);
    check_eq("CS pushed is the 8086 segment", last.cs & 0xffff, CODE_SEG);
    check_eq("VM is set in the pushed flags", last.flags & 0x20000, 0x20000);
    check_eq("SS pushed", last.ss & 0xffff, 0x7000);
    check_eq("SP balanced", last.sp, 0x1000);
    check_eq("ES pushed", last.v86_es & 0xffff, 0x1111);
    check_eq("DS pushed, as loaded in V86 mode", last.v86_ds & 0xffff, 0x8000);
    check_eq("FS pushed", last.v86_fs & 0xffff, 0x3333);
    check_eq("GS pushed", last.v86_gs & 0xffff, 0x4444);
    check_eq("DS is null inside", last.ds & 0xffff, 0);
    check_eq("GS is null inside", last.gs & 0xffff, 0);
    check_eq("seven sensitive instructions trapped", traps[GP], 7);
}

/* With IOPL 3, cli and pushf run freely and INT goes to the protected-mode gate. */
static void test_iopl3(void)
{
    trap_hook = NULL;
    trap.vector = NO_TRAP;
    enter_v86(0, 0x3000);
    check_eq("IOPL 3: int 60h needs a gate of DPL 3", trap.vector, GP);
    check_eq("IOPL 3: error code", trap.error, 0x60 * 8 + 2);
    check_eq("IOPL 3: cli is the real IF", trap.cx & 0x200, 0);
    check_eq("IOPL 3: sti is the real IF", trap.dx & 0x200, 0x200);
    check_eq("IOPL 3: pushf shows IOPL", trap.cx & 0x3000, 0x3000);
    idt_set(0x60, 0, 0xe, 3, true);
    enter_v86(0, 0x3000);
    check_eq("IOPL 3: int 60h by a gate of DPL 3", trap.vector, 0x60);
    trap_hook = monitor;
}

static void test_vme(void)
{
    if (!has_cpuid(1, 0, EDX, 1)) {
        skip("VME");
        return;
    }
    /* A TSS with an all-clear interrupt redirection map: INT goes to the 8086 program's own table.
     */
    static uint8_t map_tss[104 + 32 + 8] __attribute__((aligned(8)));

    for (unsigned i = 0; i < 104; i++)
        map_tss[i] = ((uint8_t *)&tss)[i];
    map_tss[102] = 104 + 32;
    map_tss[103] = 0;
    gdt_set(SEL_TSS, (uint32_t)map_tss, sizeof(map_tss) - 1, 0x89, 0);
    asm volatile("ltr %w0" ::"r"(SEL_TSS));
    *at(0, 0x61 * 4) = (uint16_t)(v86_int60 - v86_begin);
    *at(0, 0x61 * 4 + 2) = CODE_SEG;
    WRITE_CR(4, READ_CR(4) | 1);
    enter_v86((word)(v86_vme - v86_begin), 0x80200); /* VIF, and the real IF */
    check_eq("VME: ended by HLT", last.vector, GP);
    check_eq("VME: only HLT trapped", traps[GP], 1);
    check_eq("VME: pushf shows VIF clear", last.cx & 0x200, 0);
    check_eq("VME: pushf shows VIF set", last.dx & 0x200, 0x200);
    check_eq("VME: pushf shows IOPL 3", last.cx & 0x3000, 0x3000);
    check_eq("VME: the real IF never moved", last.flags & 0x200, 0x200);
    check_eq("VME: INT was redirected", last.bp & 0xffff, 0x6060);
    enter_v86((word)(v86_vme - v86_begin), 0x100200); /* VIP: an interrupt waits */
    check_eq("VME: sti with VIP traps", last.vector, GP);
    check_eq("VME: at the sti", *(uint8_t *)at(last.cs, last.ip), 0xfb);
    WRITE_CR(4, READ_CR(4) & ~(word)1);
    tss_setup();
}

static bool all_but_sti(struct frame *f)
{
    if (!(f->flags & 0x20000))
        return false;
    traps[f->vector & 255]++;
    last = *f;
    return false;
}

void main(void)
{
    uint8_t *to = (uint8_t *)(CODE_SEG << 4);

    for (const uint8_t *p = v86_begin; p < v86_end; p++)
        *to++ = *p;
    tss_setup();
    trap_hook = monitor;
    test_monitor();
    test_iopl3();
    trap_hook = all_but_sti;
    test_vme();
}
