// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual interrupts: CR4.VME in virtual-8086 mode and CR4.PVI in protected mode (SDM 3A 20.3,
 * 20.4; SDM 2: CLI, STI, PUSHF, POPF, IRET, INT n). Proved:
 * - INT n for VME off and on, each IOPL, redirection bit clear and set: one of table 20-2's six
 *   methods, with what is pushed and which of IF, VIF and TF goes; INT3 and INTO never redirected;
 * - with VME and IOPL < 3 CLI, STI, PUSHF, POPF and IRET of 16 bits read and write VIF, never IF;
 *   their 32-bit forms are #GP(0), and so is POPF or IRET that sets TF, or IF while VIP is set;
 *   a fault leaves VIF, the stack and IP as they were;
 * - with IOPL 3 they are about IF, VME or not;
 * - VIF and VIP both set when an instruction begins: #GP(0) before it, also at the first one that
 *   IRET enters; not without VME or PVI, not below CPL 3;
 * - PVI: CLI and STI at CPL 3 only, with IOPL < 3; PUSHF and POPF do not know VIF; CPL 1 faults.
 */
// not on: qemu (TCG does not look at VIF and VIP before an instruction)
#include "test.h"

#define SEG    0x5000 /* the 8086 program */
#define STK    0x7000
#define VIF    0x80000u
#define VIP    0x100000u
#define VMBIT  0x20000u
#define OTHER  SEL_FREE
#define R1CODE (SEL_FREE + 8)
#define R1DATA (SEL_FREE + 16)

static uint8_t map_tss[104 + 32 + 8] __attribute__((aligned(8)));
static struct frame got;
extern word user_return_sp;

static bool leave_always(struct frame *f)
{
    got = *f;
    leave_user();
}

static uint16_t *at(word seg, word off)
{
    return (uint16_t *)((seg << 4) + (off & 0xffff));
}

/* Runs code in V86 mode with SP 1000h; the stack's top holds ip, cs, fl as IRET or POPF would find
 * them. */
static void v86(const uint8_t *code, unsigned len, word flags, uint16_t top, uint16_t next,
                uint16_t third)
{
    static word frame[9];
    uint8_t *to = (uint8_t *)at(SEG, 0);

    for (unsigned i = 0; i < len; i++)
        to[i] = code[i];
    to[len] = 0xf4;
    *at(STK, 0x1000) = top, *at(STK, 0x1002) = next, *at(STK, 0x1004) = third;
    frame[0] = 0, frame[1] = SEG, frame[2] = VMBIT | 2 | flags;
    frame[3] = 0x1000, frame[4] = STK;
    frame[5] = frame[6] = frame[7] = frame[8] = 0;
    trap_hook = leave_always;
    asm volatile("call 1f; jmp 2f\n"
                 "1: pushal; mov %%esp, user_return_sp\n"
                 "push 32(%0); push 28(%0); push 24(%0); push 20(%0)\n"
                 "push 16(%0); push 12(%0); push 8(%0); push 4(%0); push (%0); iret\n"
                 "2:" ::"S"(frame)
                 : "memory");
    trap_hook = NULL;
}
#define RUN(flags, top, next, third, ...)                                                          \
    do {                                                                                           \
        static const uint8_t code_[] = {__VA_ARGS__};                                              \
        v86(code_, sizeof(code_), flags, top, next, third);                                        \
    } while (0)

/* Where it ended: #GP(0) at offset ip (the HLT is behind the code). */
static void ended(const char *name, word ip)
{
    check_eq(name, (uint64_t)got.vector << 32 | got.error << 16 | got.ip, (uint64_t)GP << 32 | ip);
}

static void redirect(unsigned vector, bool to_8086)
{
    uint8_t *byte = map_tss + 104 + vector / 8;

    *byte = (uint8_t)(to_8086 ? *byte & ~(1u << vector % 8) : *byte | 1u << vector % 8);
}

static void setup(void)
{
    for (unsigned i = 0; i < 104; i++)
        map_tss[i] = ((uint8_t *)&tss)[i];
    for (unsigned i = 104; i < sizeof(map_tss); i++)
        map_tss[i] = 0xff;
    map_tss[102] = 104 + 32;
    map_tss[103] = 0;
    gdt_set(SEL_TSS, (uint32_t)map_tss, sizeof(map_tss) - 1, 0x89, 0);
    asm volatile("ltr %w0" ::"r"(SEL_TSS));
    idt_set(0x60, 0, 0xe, 3, true);
    idt_set(OF, 0, 0xe, 3, true);
    *at(0, 0x60 * 4) = 0x100; /* the program's own handler: SEG:100 */
    *at(0, 0x60 * 4 + 2) = SEG;
    ((uint8_t *)at(SEG, 0x100))[0] = 0xf4;
}

static void vme(bool on)
{
    WRITE_CR(4, on ? READ_CR(4) | 1 : READ_CR(4) & ~(word)1);
}

/* ---- INT n ---- */

static void int_redirected(unsigned iopl)
{
    word image = *at(STK, 0xffe);

    ended("redirected: in the program's handler", 0x100);
    check_eq("redirected: SP", got.sp & 0xffff, 0xffa);
    check_eq("redirected: IP pushed is the next", *at(STK, 0xffa), 2);
    check_eq("redirected: CS pushed", *at(STK, 0xffc), SEG);
    if (iopl == 3) {
        check_eq("method 5: FLAGS pushed as they are", image & 0x3200, 0x3200);
        check_eq("method 5: IF is cleared, VIF is not", got.flags & (VIF | 0x200), VIF);
    } else {
        check_eq("method 6: pushed with IOPL 3 and VIF for IF", image & 0x3200, 0x3200);
        check_eq("method 6: VIF is cleared, IF is not", got.flags & (VIF | 0x200), 0x200);
        RUN(0x200 | iopl << 12, 0, 0, 0, 0xcd, 0x60);
        check_eq("method 6: a clear VIF is pushed", *at(STK, 0xffe) & 0x3200, 0x3000);
    }
    check_eq("redirected: IOPL stays", got.flags & 0x3000, iopl << 12);
}

static void test_int(void)
{
    for (unsigned on = 0; on < 2; on++) {
        for (unsigned to_8086 = 0; to_8086 < 2; to_8086++) {
            redirect(0x60, to_8086);
            vme(on);
            for (unsigned iopl = 0; iopl < 4; iopl++) {
                RUN(VIF | 0x200 | iopl << 12, 0, 0, 0, 0xcd, 0x60);
                if (on && to_8086) {
                    int_redirected(iopl);
                } else if (iopl == 3) {
                    check_eq("methods 1 and 4: the gate", got.vector, 0x60);
                    check_eq("methods 1 and 4: behind INT", got.ip, 2);
                    check_eq("methods 1 and 4: the flags", got.flags & (VIF | VMBIT | 0x3200),
                             VIF | VMBIT | 0x3200);
                } else {
                    ended("methods 2 and 3: #GP(0) at the INT", 0);
                }
            }
        }
    }
    vme(true);
    redirect(BP, true), redirect(OF, true);
    RUN(0, 0, 0, 0, 0xcc);
    check_eq("INT3 is not redirected", got.vector, BP);
    RUN(0x800, 0, 0, 0, 0xce);
    check_eq("INTO is not redirected", got.vector, OF);
    redirect(3, true);
    *at(0, 12) = 0x100, *at(0, 14) = SEG;
    RUN(0, 0, 0, 0, 0xcd, 3);
    ended("INT 3 of two bytes is", 0x100);
    /* a single step of INT: TF goes, and no trap is left over */
    redirect(0x60, true);
    RUN(0x100, 0, 0, 0, 0xcd, 0x60);
    ended("INT with TF set, redirected: no trap in the handler", 0x100);
    check_eq("its TF was pushed", *at(STK, 0xffe) & 0x100, 0x100);
    check_eq("and is clear", got.flags & 0x100, 0);
    vme(false);
}

/* ---- CLI, STI, PUSHF, POPF, IRET with VME ---- */

static void test_flag(unsigned iopl)
{
    word fl = iopl << 12;

    vme(true);
    RUN(fl | VIF | 0x200, 0, 0, 0, 0xfa);
    ended("CLI", 1);
    check_eq("CLI clears VIF alone", got.flags & (VIF | 0x200), 0x200);
    RUN(fl, 0, 0, 0, 0xfb);
    ended("STI", 1);
    check_eq("STI sets VIF alone", got.flags & (VIF | 0x200), VIF);
    RUN(fl | VIP, 0, 0, 0, 0xfb);
    ended("STI with VIP set: #GP", 0);
    check_eq("and VIF stays clear", got.flags & (VIF | VIP), VIP);
    RUN(fl | VIP | 0x200, 0, 0, 0, 0xfa);
    ended("CLI with VIP set is fine", 1);
    RUN(fl | VIF, 0, 0, 0, 0x9c);
    ended("PUSHF", 1);
    check_eq("PUSHF: VIF as IF, IOPL as 3", *at(STK, 0xffe) & 0x3200, 0x3200);
    RUN(fl | 0x200, 0, 0, 0, 0x9c);
    check_eq("PUSHF: the real IF is not seen", *at(STK, 0xffe) & 0x3200, 0x3000);
    RUN(fl, 0, 0, 0, 0x66, 0x9c);
    ended("PUSHFD: #GP", 0);
    RUN(fl, 0, 0, 0, 0x66, 0x9d);
    ended("POPFD: #GP", 0);

    RUN(fl, 0x7ed7, 0, 0, 0x9d);
    ended("POPF with IF", 1);
    check_eq("POPF sets VIF, not IF nor IOPL", got.flags & (VIF | 0x3200), VIF | fl);
    check_eq("POPF sets the others", got.flags & 0x4cd5, 0x4cd5);
    RUN(fl | VIF | 0x200, 0, 0, 0, 0x9d);
    check_eq("POPF clears VIF, not IF", got.flags & (VIF | 0x200), 0x200);
    RUN(fl, 0x100, 0, 0, 0x9d);
    ended("POPF that sets TF: #GP", 0);
    check_eq("and keeps SP", got.sp & 0xffff, 0x1000);
    RUN(fl | VIP, 0x200, 0, 0, 0x9d);
    ended("POPF of IF with VIP set: #GP", 0);
    RUN(fl | VIP, 0x0001, 0, 0, 0x9d);
    ended("POPF without IF, with VIP set", 1);
    check_eq("did its work", got.flags & 1, 1);

    RUN(fl, 0x100, SEG, 0x7201, 0xcf);
    ended("IRET", 0x100);
    check_eq("IRET sets VIF, not IF nor IOPL", got.flags & (VIF | 0x3200), VIF | fl);
    check_eq("IRET stays in the mode", got.flags & VMBIT, VMBIT);
    check_eq("IRET drops three words", got.sp & 0xffff, 0x1006);
    RUN(fl | VIF | 0x200, 0x100, SEG, 0, 0xcf);
    check_eq("IRET clears VIF, not IF", got.flags & (VIF | 0x200), 0x200);
    RUN(fl, 0x100, SEG, 0x100, 0xcf);
    ended("IRET that sets TF: #GP", 0);
    RUN(fl | VIP, 0x100, SEG, 0x200, 0xcf);
    ended("IRET of IF with VIP set: #GP", 0);
    check_eq("and keeps SP", got.sp & 0xffff, 0x1000);
    RUN(fl, 0x100, SEG, 0, 0x66, 0xcf);
    ended("IRETD: #GP", 0);
    vme(false);
}

static void test_iopl3(void)
{
    for (unsigned on = 0; on < 2; on++) {
        vme(on);
        RUN(0x3200 | VIF, 0, 0, 0, 0xfa);
        check_eq("IOPL 3: CLI clears IF", got.flags & (VIF | 0x200), VIF);
        RUN(0x3000 | VIP, 0, 0, 0, 0xfb);
        ended("IOPL 3: STI does not ask for VIP", 1);
        check_eq("IOPL 3: STI sets IF", got.flags & (VIF | 0x200), 0x200);
        RUN(0x3200, 0, 0, 0, 0x9c);
        check_eq("IOPL 3: PUSHF", *at(STK, 0xffe) & 0x3200, 0x3200);
        RUN(0x3000 | VIF, 0x0200, 0, 0, 0x9d);
        check_eq("IOPL 3: POPF is about IF, not IOPL", got.flags & (VIF | 0x3200), VIF | 0x3200);
    }
    vme(false);
}

/* ---- VIF and VIP ---- */

static void test_pending(void)
{
    vme(false);
    RUN(VIF | VIP, 0, 0, 0, 0x90);
    ended("VIF and VIP without VME mean nothing", 1);
    vme(true);
    RUN(VIF | VIP, 0, 0, 0, 0x90);
    ended("VIF and VIP: #GP before the instruction that IRET enters", 0);
    check_eq("and both stay", got.flags & (VIF | VIP), VIF | VIP);
    RUN(VIF | VIP | 0x2000, 0, 0, 0, 0x0f, 0x0b);
    ended("and before its own #UD", 0);
    RUN(VIF | VIP | 0x3000, 0, 0, 0, 0x90);
    ended("also with IOPL 3", 0);
    vme(false);
}

/* ---- PVI ---- */

static void user_cli(void)
{
    asm volatile("cli; int $0x80");
}
static void user_sti(void)
{
    asm volatile("sti; int $0x80");
}
static void user_popf(void)
{
    asm volatile("pushl $0x202; popf; pushf; pop %%eax; int $0x80" ::: "eax");
}
static void user_int(void)
{
    asm volatile("int $0x80");
}

static void user(void (*fn)(void), word flags)
{
    run_user_at((word)fn, SEL_UCODE32, flags | 2, (word)user_stack + 4000, SEL_UDATA);
}

static void test_pvi(void)
{
    WRITE_CR(4, READ_CR(4) | 2);
    for (unsigned iopl = 0; iopl < 3; iopl++) {
        word fl = iopl << 12;

        user(user_cli, fl | VIF | 0x200);
        check_trap("PVI: CLI", 0x80, 0);
        check_eq("PVI: CLI clears VIF alone", trap.flags & (VIF | 0x200), 0x200);
        user(user_sti, fl);
        check_trap("PVI: STI", 0x80, 0);
        check_eq("PVI: STI sets VIF alone", trap.flags & (VIF | 0x200), VIF);
        user(user_sti, fl | VIP);
        check_trap("PVI: STI with VIP set", GP, 0);
        user(user_popf, fl);
        check_eq("PVI: POPF knows neither IF nor VIF", trap.flags & (VIF | 0x200), 0);
        user(user_popf, fl | VIF);
        check_eq("PVI: PUSHF shows VIF in its place", trap.ax & (VIF | 0x200), VIF);
        user(user_int, fl | VIF | VIP);
        check_trap("PVI: VIF and VIP", GP, 0);
        check_eq("PVI: before the first instruction", trap.ip, (word)user_int);
    }
    user(user_sti, 0x3000 | VIP);
    check_trap("PVI, IOPL 3: STI", 0x80, 0);
    check_eq("PVI, IOPL 3: STI sets IF", trap.flags & (VIF | 0x200), 0x200);
    user(user_int, 0x3000 | VIF | VIP);
    check_trap("PVI, IOPL 3: VIF and VIP", GP, 0);

    /* CPL 1 */
    gdt_set(R1CODE, 0, 0xfffff, 0xbb, 0xc);
    gdt_set(R1DATA, 0, 0xfffff, 0xb3, 0xc);
    trap_hook = leave_always;
    run_user_at((word)user_cli, R1CODE | 1, 2, (word)user_stack + 4000, R1DATA | 1);
    check_eq("PVI is for CPL 3: CLI at CPL 1", got.vector, GP);
    run_user_at((word)user_int, R1CODE | 1, 2 | VIF | VIP, (word)user_stack + 4000, R1DATA | 1);
    check_eq("PVI: VIF and VIP at CPL 1", got.vector, 0x80);
    trap_hook = NULL;
    WRITE_CR(4, READ_CR(4) & ~(word)2);
    user(user_int, VIF | VIP);
    check_trap("VIF and VIP without PVI", 0x80, 0);
    user(user_cli, 0);
    check_trap("CLI without PVI", GP, 0);
}

void main(void)
{
    if (!has_cpuid(1, 0, EDX, 1)) {
        skip("VME");
        check("a processor without VME has no CR4.VME", true);
        return;
    }
    tss_setup();
    outb(0x21, 0xff), outb(0xa1, 0xff);
    setup();
    test_int();
    for (unsigned iopl = 0; iopl < 3; iopl++)
        test_flag(iopl);
    test_iopl3();
    test_pending();
    test_pvi();
}
