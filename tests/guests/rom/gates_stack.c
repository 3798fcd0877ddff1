// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Legacy gates where the level changes (SDM 3A 5.8.2-5.8.6, 6.12, 6.13, table 6-5; SDM 2: CALL,
 * INT n, IRET, RET). Proved:
 * - call gates of 16 and 32 bits with 0 to 31 parameters, to CPL 0, 1 and 2, each on its stack from
 *   the TSS, and the far return with as many bytes to drop; conforming targets do not switch;
 * - interrupt and trap gates of 16 bits: frames of words, the offset's upper half not looked at;
 * - the inner stack: SS null, of a wrong DPL, RPL or type, beyond the GDT: #TS with its selector;
 *   not present, or without room: #SS with it; the TSS too short: #TS with the TSS; EXT for an
 *   exception, clear for INT n and CALL; nothing has changed then: CPL 3, ESP as it was;
 * - handlers: an offset beyond CS's limit, CS not present, a level outside the caller's;
 * - far returns and IRET outwards: SS and CS judged, with the state of CPL 0 kept; DS, ES, FS and
 * GS of an inner level become null, conforming code and outer data stay.
 */
// not on: qemu (TCG checks fewer of these)
#include "test.h"

#define SEL(n)  (SEL_FREE + 8 * (n))
#define CODE(p) SEL(p)       /* 1 and 2: code of that level */
#define DATA(p) SEL(2 + (p)) /* 1 and 2 */
#define GATE    SEL(6)
#define BAD     SEL(7)
#define CONF    SEL(8)

static uint8_t inner_stack[3][1024] __attribute__((aligned(16)));
static uint64_t *idt;
volatile uint32_t in_cs, in_ss, in_esp, in_frame[40];

static void gate(unsigned target, word off, unsigned params, unsigned access)
{
    gdt[GATE >> 3] = (off & 0xffff) | (uint64_t)target << 16 | (uint64_t)params << 32 |
                     (uint64_t)access << 40 | (uint64_t)(off >> 16) << 48;
}

/* Notes where it is and what is on its stack; returns as `far_return` says. */
extern uint8_t far_return[];
void inner(void);
asm("inner: mov %cs, %eax; mov %eax, %ss:in_cs; mov %ss, %eax; mov %eax, %ss:in_ss\n"
    "mov %esp, %ss:in_esp; mov %esp, %esi; mov $in_frame, %edi; mov $38, %ecx\n"
    "1: mov %ss:(%esi), %eax; mov %eax, %ss:(%edi); add $4, %esi; add $4, %edi; loop 1b\n"
    "jmp far_return\n"
    ".pushsection .data\n"
    "far_return: .byte 0x66, 0xca, 0, 0, 0xca, 0, 0\n"
    ".popsection\n");

static word user_esp;
static struct {
    uint32_t off;
    uint16_t sel;
} __attribute__((packed)) via = {0, GATE | 3};

static void user_call(void)
{
    asm volatile("mov $31, %%ecx; 1: push %%ecx; loop 1b; pushw $0x3232; pushw $0x3131\n"
                 "mov %%esp, %%ebx; lcall *%0; mov %%esp, %%edx; int $0x80" ::"m"(via)
                 : "ebx", "ecx", "edx");
}

static void test_call(unsigned pl, unsigned params, bool wide)
{
    unsigned size = wide ? 4 : 2, drop = params * size;
    const volatile uint16_t *w = (const volatile uint16_t *)in_frame;

    /* far_return: a 16-bit RETF has an operand size prefix, a 32-bit one none */
    far_return[0] = wide ? 0xca : 0x66;
    far_return[1] = wide ? (uint8_t)drop : 0xca;
    far_return[2] = wide ? (uint8_t)(drop >> 8) : (uint8_t)drop;
    far_return[3] = wide ? 0 : (uint8_t)(drop >> 8);
    /* a 16-bit gate returns to a 16-bit EIP: the guest lies below 64 KiB */
    gate(pl ? CODE(pl) : SEL_KCODE, (word)inner, params, wide ? 0xec : 0xe4);
    run_user(user_call);
    check_trap("back from the gate", 0x80, 0);
    check_eq("CS inside", in_cs & 0xffff, (pl ? CODE(pl) : SEL_KCODE) | pl);
    check_eq("SS inside", in_ss & 0xffff, (pl ? DATA(pl) : SEL_KDATA) | pl);
    check_eq("ESP inside", in_esp, (&tss.esp0)[pl * 2] - drop - 4 * size);
    user_esp = trap.bx;
    for (unsigned k = 0; k < params; k++) {
        uint32_t got = wide ? in_frame[2 + k] : w[2 + k];
        uint32_t want =
            wide ? ((volatile uint32_t *)user_esp)[k] : ((volatile uint16_t *)user_esp)[k];

        if (got != want)
            check_eq("a parameter", got, want);
    }
    check_eq("CS pushed", wide ? in_frame[1] & 0xffff : w[1], SEL_UCODE32);
    check_eq("ESP pushed", wide ? in_frame[2 + params] : w[2 + params],
             wide ? user_esp : user_esp & 0xffff);
    check_eq("SS pushed", wide ? in_frame[3 + params] & 0xffff : w[3 + params], SEL_UDATA);
    check_eq("the caller's parameters are dropped", trap.dx & 0xffff, (user_esp + drop) & 0xffff);
}

static void test_calls(void)
{
    static const uint8_t counts[] = {0, 1, 2, 17, 31};

    for (unsigned pl = 0; pl < 3; pl++) {
        for (unsigned k = 0; k < sizeof(counts); k++)
            test_call(pl, counts[k], true), test_call(pl, counts[k], false);
    }
}

/* ---- the inner stack ---- */

static void user_int(void)
{
    asm volatile("int $0x60");
}
static void user_ud(void)
{
    asm volatile("ud2");
}

/* The same wrong SS0 for a call, an INT and an exception: the last has EXT. A #TS or #SS handler
 * needs a good one, so it is of another level. */
static void bad_ss(const char *name, unsigned ss, unsigned vector)
{
    word sel = ss & 0xfffc;

    tss.ss1 = ss;
    gate(CODE(1), (word)inner, 0, 0xec);
    run_user(user_call);
    check_trap(name, vector, sel);
    check_eq("by CALL: still at ring 3", trap.cs & 0xffff, SEL_UCODE32);
    check_eq("on its stack", trap.sp, trap.bx);
    run_user(user_int);
    check_trap(name, vector, sel);
    run_user(user_ud);
    check_trap(name, vector, sel | 1);
    check_eq("at the instruction", trap.ip, (word)user_ud);
    tss.ss1 = DATA(1) | 1;
}

static void test_stack(void)
{
    /* INT 60h and #UD go to level 1 */
    uint64_t ud = idt[UD];
    word esp1 = tss.esp1;

    idt_set(0x60, 0, 0xe, 3, true);
    idt[0x60] = (idt[0x60] & ~((uint64_t)0xffff << 16)) | (uint64_t)CODE(1) << 16;
    idt[UD] = (ud & ~((uint64_t)0xffff << 16)) | (uint64_t)CODE(1) << 16;
    bad_ss("SS null", 0, TS);
    bad_ss("SS null of RPL 1", 1, TS);
    bad_ss("SS of level 0", SEL_KDATA | 1, TS);
    bad_ss("SS of RPL 0", DATA(1), TS);
    bad_ss("SS code", CODE(1) | 1, TS);
    bad_ss("SS beyond the GDT", GDT_ENTRIES * 8 + 1, TS);
    gdt_set(BAD, 0, 0xfffff, 0xb1, 0xc);
    bad_ss("SS read-only", BAD | 1, TS);
    gdt_set(BAD, 0, 0xfffff, 0x33, 0xc);
    bad_ss("SS not present", BAD | 1, SS);
    gdt_set(BAD, 0, 0xfff, 0xb3, 0x4);
    bad_ss("no room: ESP beyond the limit", BAD | 1, SS);
    gdt_set(BAD, 0, 0xfffff, 0xb3, 0x4);
    tss.esp1 = 4; /* wraps round in a segment of 1 MiB */
    bad_ss("no room: ESP too small", BAD | 1, SS);
    tss.esp1 = esp1;
    /* the TSS ends before level 1's stack */
    gdt_set(SEL_TSS, (uint32_t)&tss, 0x10, 0x89, 0);
    asm volatile("ltr %w0" ::"r"(SEL_TSS));
    run_user(user_int);
    check_trap("a TSS without that stack", TS, SEL_TSS);
    run_user(user_ud);
    check_trap("for an exception: EXT", TS, SEL_TSS | 1);
    tss_setup();
    idt[UD] = ud;
}

/* ---- handlers ---- */

static void handler(const char *name, uint64_t entry, unsigned vector, word error)
{
    uint64_t ud = idt[UD];

    idt[0x60] = entry | (uint64_t)3 << 45;
    run_user(user_int);
    check_trap(name, vector, error);
    idt[UD] = entry;
    run_user(user_ud);
    check_trap(name, vector, error | 1);
    idt[UD] = ud;
}

static uint64_t entry(word off, unsigned sel, unsigned access)
{
    return (off & 0xffff) | (uint64_t)sel << 16 | (uint64_t)access << 40 |
           (uint64_t)(off >> 16) << 48;
}

void words_handler(void);
asm("words_handler: mov %esp, %ebx; movzwl (%esp), %ecx; movzwl 2(%esp), %edx; mov $0x66, %eax\n"
    "  .byte 0x66; iret\n");
extern char words_back[];
static void user_words(void)
{
    asm volatile("int $0x60; words_back: int $0x80" ::: "eax", "ebx", "ecx", "edx");
}

static void test_handlers(void)
{
    word stub = (word)trap_stubs[0x60];

    gdt_set(BAD, 0, 0xfff, 0x9b, 0x4);
    handler("an offset beyond CS's limit", entry(0x1000, BAD, 0x8e), GP, 0);
    gdt_set(BAD, 0, 0xfffff, 0x1b, 0xc);
    handler("CS not present", entry(stub, BAD, 0x8e), NP, BAD);
    handler("CS null", entry(stub, 0, 0x8e), GP, 0);
    handler("CS data", entry(stub, SEL_KDATA, 0x8e), GP, SEL_KDATA);
    handler("CS beyond the GDT", entry(stub, GDT_ENTRIES * 8, 0x8e), GP, GDT_ENTRIES * 8);
    idt[0x60] = entry(stub, SEL_KCODE, 0xec);
    run_user(user_int);
    check_trap("a call gate in the IDT", GP, 0x60 * 8 + 2);
}

static void test_words(void)
{
    /* the offset's upper half is not looked at; RETURN pops words: IP below 64 KiB, SP, too */
    idt[0x60] = entry((word)words_handler | 0x55550000, SEL_KCODE, 0xe6);
    run_user_at((word)user_words, SEL_UCODE32, 2, (word)user_stack + 4000, SEL_UDATA);
    check_trap("a 16-bit gate, and the way back", 0x80, 0);
    check_eq("it ran", trap.ax, 0x66);
    check_eq("five words", tss.esp0 - trap.bx, 10);
    check_eq("IP", trap.cx, (word)words_back);
    check_eq("CS", trap.dx, SEL_UCODE32);
    idt_set(0x60, 0, 0xe, 3, true);
}

/* ---- conforming ---- */

void conforming(void);
asm("conforming: mov %cs, %eax; mov %ss, %edx; mov %esp, %ebp; lret\n");
static void user_conforming(void)
{
    asm volatile("mov %%esp, %%ebx; lcall *%0; int $0x80" ::"m"(via) : "eax", "ebx", "edx", "ebp");
}

static void test_conforming(void)
{
    gdt_set(CONF, 0, 0xfffff, 0x9f, 0xc);
    gate(CONF, (word)conforming, 5, 0xec);
    run_user(user_conforming);
    check_trap("conforming code by a gate", 0x80, 0);
    check_eq("runs at CPL 3", trap.ax & 0xffff, CONF | 3);
    check_eq("on the caller's stack", trap.dx & 0xffff, SEL_UDATA);
    check_eq("copies nothing", trap.bx - trap.bp, 8);
    via.sel = CONF | 3;
    via.off = (word)conforming;
    run_user(user_conforming);
    check_trap("and without a gate", 0x80, 0);
    via.sel = SEL_KCODE | 3;
    run_user(user_conforming);
    check_trap("other code of DPL 0 is not to be called", GP, SEL_KCODE);
    via.sel = GATE | 3;
}

/* ---- outwards ---- */

static void ret_to(const char *name, unsigned cs, word ip, unsigned ss, unsigned vector, word error)
{
    trap.vector = NO_TRAP;
    trap.error = 0;
    asm volatile("mov %%esp, %%ebx; " RESUME "push %0; push %1; push %2; push %3; lret; 771: mov "
                 "%%ebx, %%esp" ::"S"(ss),
                 "D"((word)user_stack + 4000), "c"(cs), "d"(ip)
                 : "ebx", "memory");
    trap_resume = 0;
    check_trap(name, vector, error);
    if (vector != 0x80)
        check_eq("at ring 0 still", trap.cs & 0xffff, SEL_KCODE);
}

static void test_returns(void)
{
    ret_to("RETF with SS null", SEL_UCODE32, 0, 0, GP, 0);
    ret_to("RETF with SS of ring 0", SEL_UCODE32, 0, SEL_KDATA, GP, SEL_KDATA);
    ret_to("RETF with SS code", SEL_UCODE32, 0, SEL_UCODE32, GP, SEL_UCODE32 & ~3u);
    gdt_set(BAD, 0, 0xfffff, 0x73, 0xc);
    ret_to("RETF with SS not present", SEL_UCODE32, 0, BAD | 3, SS, BAD);
    gdt_set(BAD, 0, 0xfffff, 0x7b, 0xc);
    ret_to("RETF to CS not present", BAD | 3, 0, SEL_UDATA, NP, BAD);
    gdt_set(BAD, 0, 0xfff, 0xfb, 0x4);
    ret_to("RETF beyond CS's limit", BAD | 3, 0x1000, SEL_UDATA, GP, 0);
    ret_to("RETF to CS of DPL 0, RPL 3", SEL_KCODE | 3, 0, SEL_UDATA, GP, SEL_KCODE);
    ret_to("RETF to data", SEL_UDATA, 0, SEL_UDATA, GP, SEL_UDATA & ~3u);
    ret_to("RETF to null", 3, 0, SEL_UDATA, GP, 0);
}

void main(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) p;

    asm volatile("sidt %0" : "=m"(p));
    idt = (uint64_t *)p.base;
    tss_setup();
    for (unsigned pl = 1; pl < 3; pl++) {
        gdt_set(CODE(pl), 0, 0xfffff, 0x9b | pl << 5, 0xc);
        gdt_set(DATA(pl), 0, 0xfffff, 0x93 | pl << 5, 0xc);
    }
    tss.ss1 = DATA(1) | 1, tss.esp1 = (word)inner_stack[1] + 1024;
    tss.ss2 = DATA(2) | 2, tss.esp2 = (word)inner_stack[2] + 1024;
    test_calls();
    test_stack();
    test_handlers();
    test_words();
    test_conforming();
    test_returns();
}
