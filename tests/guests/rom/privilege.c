// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may execute what, at 32 bits: each privileged or sensitive instruction at CPL 0, 1, 2 and 3
 * and in virtual-8086 mode with IOPL 0 and 3, alone on a page of its own, with the vector, the
 * error code and the faulting EIP. Proved:
 * - privileged ones (descriptor tables, control and debug registers, MSRs, caches, TLB, CLTS, LMSW,
 *   HLT, SYSEXIT) are #GP(0) above CPL 0, in V86 mode too (SDM 3A 5.9, 20.2.7);
 * - CLI, STI, IN, OUT, INS, OUTS go by IOPL against each CPL; I/O in V86 mode by the map alone
 *   (SDM 1 19.5.1, SDM 3A 20.2.8);
 * - SGDT, SIDT, SLDT, STR, SMSW by CR4.UMIP; RDTSC by CR4.TSD; RDPMC by CR4.PCE;
 * - what V86 mode does not know (ARPL, LAR, LSL, VERR, VERW, SLDT, STR, LLDT, LTR) is #UD there;
 * - SYSRET, SWAPGS, RDFSBASE and RSM out of place are #UD at every level, not #GP; so is CR1;
 * - CLAC, STAC, MONITOR and MWAIT are #UD above CPL 0, not #GP;
 * - POPF changes IF and IOPL as CPL and IOPL allow, and never faults (SDM 2, POPF).
 */
// not on: qemu (TCG lets RDPMC and SYSCALL pass)
#include "test.h"

#define SEL(n) (SEL_FREE + 8 * (n))
#define OK     0x80 /* the INT 80h behind the instruction was reached */
#define V86SEG 0x6000

enum { P0, P1, P2, P3, VM };

static uint8_t ring_stack[4][1024] __attribute__((aligned(16)));
static struct {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed)) gdt_image, idt_image;
static uint8_t scratch[64] __attribute__((aligned(16)));
static struct frame got;
extern word user_return_sp;

static bool leave_always(struct frame *f)
{
    got = *f;
    leave_user();
}

/* Runs `len` bytes of code and an INT 80h at level `where`; where it ended is in `got`. Low memory
 * at V86SEG * 16, so that V86 mode reaches it as well. */
static void run_at(unsigned where, const uint8_t *code, unsigned len, word flags, const word reg[4])
{
    static word frame[9], ax, bx, cx, dx;
    uint8_t *at = (uint8_t *)(V86SEG * 16);

    for (unsigned i = 0; i < len; i++)
        at[i] = code[i];
    at[len] = 0xcd;
    at[len + 1] = 0x80;
    at[len + 2] = 0xf4;
    frame[0] = where == VM ? 0 : (word)at;
    frame[1] = where == VM ? V86SEG : where ? (word)(SEL(where) | where) : SEL_KCODE;
    frame[2] = flags | 2 | (where == VM ? 0x20000 : 0);
    frame[3] = where == VM ? 0x1000 : (word)ring_stack[where] + 1000;
    frame[4] = where == VM ? 0x7000 : (word)(SEL(4 + where) | where);
    frame[5] = frame[6] = frame[7] = frame[8] = where == VM ? 0 : SEL_UDATA;
    ax = reg[0], bx = reg[1], cx = reg[2], dx = reg[3];
    trap_hook = leave_always;
    if (where == P0)
        asm volatile("call 1f; jmp 2f\n"
                     "1: pushal; mov %%esp, user_return_sp\n"
                     "push %4; push %5; push %6\n"
                     "mov %0, %%eax; mov %1, %%ebx; mov %2, %%ecx; mov %3, %%edx\n"
                     "mov %7, %%esi; mov %7, %%edi; iret\n"
                     "2:"
                     :
                     : "m"(ax), "m"(bx), "m"(cx), "m"(dx), "m"(frame[2]), "m"(frame[1]),
                       "m"(frame[0]), "i"(scratch)
                     : "memory");
    else
        asm volatile("call 1f; jmp 2f\n"
                     "1: pushal; mov %%esp, user_return_sp\n"
                     "push 32(%0); push 28(%0); push 24(%0); push 20(%0)\n"
                     "push 16(%0); push 12(%0); push 8(%0); push 4(%0); push (%0)\n"
                     "mov %5, %%eax; mov %%eax, %%ds; mov %%eax, %%es\n"
                     "mov %1, %%eax; mov %2, %%ebx; mov %3, %%ecx; mov %4, %%edx\n"
                     "mov %6, %%esi; mov %6, %%edi; iret\n"
                     "2:"
                     :
                     : "S"(frame), "m"(ax), "m"(bx), "m"(cx), "m"(dx), "i"(SEL_UDATA), "i"(scratch)
                     : "memory");
    trap_hook = NULL;
}

static void put_where(const char *name, unsigned where)
{
    static const char *const text[] = {" at CPL 0", " at CPL 1", " at CPL 2", " at CPL 3",
                                       " in V86 mode"};
    puts("where: ");
    puts(name);
    puts(text[where]);
    puts("\n");
}

static void expect(const char *name, unsigned where, unsigned vector)
{
    word start = where == VM ? 0 : V86SEG * 16;
    bool right =
        got.vector == vector && got.error == 0 && (vector == OK ? got.ip > start : got.ip == start);

    if (!right)
        put_where(name, where);
    check_eq(name, got.vector << 16 | (got.error & 0xffff), vector << 16);
    check(name, right);
}

struct insn {
    const char *name;
    uint8_t code[6];
    unsigned len;
    uint8_t want[5];                                       /* CPL 0 to 3, V86 mode */
    enum { PLAIN, CR0, CR3, CR4, SCRATCH, GDT, IDT } load; /* what EAX or EBX holds */
    word cx;
};
#define C(...) {__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define PRIV                                                                                       \
    {                                                                                              \
        OK, GP, GP, GP, GP                                                                         \
    }
#define NOZERO                                                                                     \
    {                                                                                              \
        0xff, GP, GP, GP, GP                                                                       \
    } /* not to be tried at CPL 0 */
#define ALL                                                                                        \
    {                                                                                              \
        OK, OK, OK, OK, OK                                                                         \
    }
#define NEVER                                                                                      \
    {                                                                                              \
        UD, UD, UD, UD, UD                                                                         \
    }
#define NOV86                                                                                      \
    {                                                                                              \
        OK, OK, OK, OK, UD                                                                         \
    }
#define PV86                                                                                       \
    {                                                                                              \
        OK, GP, GP, GP, UD                                                                         \
    }

static const struct insn insns[] = {
    /* in V86 mode [EBX] is DS:BX: scratch lies below 64 KiB, as the images do */
    {"lgdt", C(0x67, 0x0f, 0x01, 0x17), {0xff, 0xff, 0xff, 0xff, GP}, GDT, 0},
    {"lgdt 32", C(0x0f, 0x01, 0x13), {OK, GP, GP, GP, 0xff}, GDT, 0},
    {"lidt 32", C(0x0f, 0x01, 0x1b), {OK, GP, GP, GP, 0xff}, IDT, 0},
    {"lldt", C(0x0f, 0x00, 0xd0), PV86, PLAIN, 0},
    {"ltr", C(0x0f, 0x00, 0xd8), {GP, GP, GP, GP, UD}, PLAIN, 0}, /* null, at CPL 0 */
    {"clts", C(0x0f, 0x06), PRIV, PLAIN, 0},
    {"lmsw", C(0x0f, 0x01, 0xf0), PRIV, CR0, 0},
    {"invd", C(0x0f, 0x08), PRIV, PLAIN, 0},
    {"wbinvd", C(0x0f, 0x09), PRIV, PLAIN, 0},
    {"hlt", C(0xf4), NOZERO, PLAIN, 0},
    {"invlpg", C(0x0f, 0x01, 0x3b), PRIV, SCRATCH, 0},
    {"mov eax, cr0", C(0x0f, 0x20, 0xc0), PRIV, PLAIN, 0},
    {"mov eax, cr2", C(0x0f, 0x20, 0xd0), PRIV, PLAIN, 0},
    {"mov eax, cr3", C(0x0f, 0x20, 0xd8), PRIV, PLAIN, 0},
    {"mov eax, cr4", C(0x0f, 0x20, 0xe0), PRIV, PLAIN, 0},
    {"mov cr0, eax", C(0x0f, 0x22, 0xc0), PRIV, CR0, 0},
    {"mov cr2, eax", C(0x0f, 0x22, 0xd0), PRIV, PLAIN, 0},
    {"mov cr3, eax", C(0x0f, 0x22, 0xd8), PRIV, CR3, 0},
    {"mov cr4, eax", C(0x0f, 0x22, 0xe0), PRIV, CR4, 0},
    {"mov eax, cr1", C(0x0f, 0x20, 0xc8), NEVER, PLAIN, 0},
    {"mov cr5, eax", C(0x0f, 0x22, 0xe8), NEVER, PLAIN, 0},
    {"mov eax, dr0", C(0x0f, 0x21, 0xc0), PRIV, PLAIN, 0},
    {"mov eax, dr7", C(0x0f, 0x21, 0xf8), PRIV, PLAIN, 0},
    {"mov dr0, eax", C(0x0f, 0x23, 0xc0), PRIV, PLAIN, 0},
    {"mov eax, dr4 (no DE)", C(0x0f, 0x21, 0xe0), PRIV, PLAIN, 0},
    {"rdmsr", C(0x0f, 0x32), PRIV, PLAIN, 0x10},
    {"wrmsr", C(0x0f, 0x30), PRIV, PLAIN, 0x175},
    {"rdpmc without PCE", C(0x0f, 0x33), NOZERO, PLAIN, 0},
    {"sysenter with no CS", C(0x0f, 0x34), {GP, GP, GP, GP, GP}, PLAIN, 0},
    {"sysexit with no CS", C(0x0f, 0x35), {GP, GP, GP, GP, GP}, PLAIN, 0},
    {"syscall", C(0x0f, 0x05), NEVER, PLAIN, 0},
    {"sysret", C(0x0f, 0x07), NEVER, PLAIN, 0},
    {"swapgs", C(0x0f, 0x01, 0xf8), NEVER, PLAIN, 0},
    {"rdfsbase", C(0xf3, 0x0f, 0xae, 0xc0), NEVER, PLAIN, 0},
    {"rsm", C(0x0f, 0xaa), NEVER, PLAIN, 0},
    {"ud2", C(0x0f, 0x0b), NEVER, PLAIN, 0},
    {"sgdt", C(0x0f, 0x01, 0x03), ALL, SCRATCH, 0},
    {"sidt", C(0x0f, 0x01, 0x0b), ALL, SCRATCH, 0},
    {"smsw", C(0x0f, 0x01, 0xe0), ALL, PLAIN, 0},
    {"sldt", C(0x0f, 0x00, 0xc0), NOV86, PLAIN, 0},
    {"str", C(0x0f, 0x00, 0xc8), NOV86, PLAIN, 0},
    {"verr", C(0x0f, 0x00, 0xe0), NOV86, PLAIN, 0},
    {"verw", C(0x0f, 0x00, 0xe8), NOV86, PLAIN, 0},
    {"lar", C(0x0f, 0x02, 0xc0), NOV86, PLAIN, 0},
    {"lsl", C(0x0f, 0x03, 0xc0), NOV86, PLAIN, 0},
    {"arpl", C(0x63, 0xc0), NOV86, PLAIN, 0},
    {"rdtsc", C(0x0f, 0x31), ALL, PLAIN, 0},
    {"cpuid", C(0x0f, 0xa2), ALL, PLAIN, 0},
};

static void run_insn(const struct insn *n, unsigned where, word flags)
{
    word reg[4] = {0, (word)scratch, n->cx, 0};

    switch (n->load) {
    case CR0: reg[0] = READ_CR(0); break;
    case CR3: reg[0] = READ_CR(3); break;
    case CR4: reg[0] = READ_CR(4); break;
    case GDT: reg[1] = (word)&gdt_image; break;
    case IDT: reg[1] = (word)&idt_image; break;
    default: break;
    }
    /* the gate of INT 80h has DPL 3: V86 mode reaches it with IOPL 3 alone */
    run_at(where, n->code, n->len, flags | (where == VM ? 0x3000u : 0), reg);
}

static void try_all(const struct insn *n)
{
    for (unsigned where = P0; where <= VM; where++) {
        if (n->want[where] == 0xff)
            continue;
        run_insn(n, where, 0);
        expect(n->name, where, n->want[where]);
    }
}

static void test_table(void)
{
    for (unsigned k = 0; k < sizeof(insns) / sizeof(insns[0]); k++)
        try_all(&insns[k]);
}

/* ---- by control bits and features ---- */

static void test_cr4(void)
{
    static const struct insn tsd = {"rdtsc with TSD", C(0x0f, 0x31), PRIV, PLAIN, 0};
    static const struct insn de = {"mov eax, dr4 with DE", C(0x0f, 0x21, 0xe0), NEVER, PLAIN, 0};
    static const struct insn umip[] = {
        {"sgdt with UMIP", C(0x0f, 0x01, 0x03), PRIV, SCRATCH, 0},
        {"sidt with UMIP", C(0x0f, 0x01, 0x0b), PRIV, SCRATCH, 0},
        {"smsw with UMIP", C(0x0f, 0x01, 0xe0), PRIV, PLAIN, 0},
        {"sldt with UMIP", C(0x0f, 0x00, 0xc0), PV86, PLAIN, 0},
        {"str with UMIP", C(0x0f, 0x00, 0xc8), PV86, PLAIN, 0},
    };
    word cr4 = READ_CR(4);

    WRITE_CR(4, cr4 | 4);
    try_all(&tsd);
    WRITE_CR(4, cr4 | 8);
    try_all(&de);
    WRITE_CR(4, cr4);
    if (!has_cpuid(7, 0, ECX, 2)) {
        skip("UMIP");
        return;
    }
    WRITE_CR(4, cr4 | 0x800);
    for (unsigned k = 0; k < sizeof(umip) / sizeof(umip[0]); k++)
        try_all(&umip[k]);
    WRITE_CR(4, cr4);
}

static void test_features(void)
{
    static const struct insn smap[] = {
        {"clac", C(0x0f, 0x01, 0xca), {OK, UD, UD, UD, UD}, PLAIN, 0},
        {"stac", C(0x0f, 0x01, 0xcb), {OK, UD, UD, UD, UD}, PLAIN, 0},
    };
    static const struct insn monitor[] = {
        {"monitor", C(0x0f, 0x01, 0xc8), {OK, UD, UD, UD, UD}, PLAIN, 0},
        {"mwait", C(0x0f, 0x01, 0xc9), {0xff, UD, UD, UD, UD}, PLAIN, 0},
    };
    static const struct insn invpcid = {"invpcid", C(0x66, 0x0f, 0x38, 0x82, 0x03), PRIV, SCRATCH,
                                        0};
    static const struct insn rdtscp = {"rdtscp", C(0x0f, 0x01, 0xf9), ALL, PLAIN, 0};

    for (unsigned k = 0; k < sizeof(scratch); k++)
        scratch[k] = 0;
    for (unsigned k = 0; k < 2 && has_cpuid(7, 0, EBX, 20); k++)
        try_all(&smap[k]);
    for (unsigned k = 0; k < 2 && has_cpuid(1, 0, ECX, 3); k++)
        try_all(&monitor[k]);
    if (has_cpuid(7, 0, EBX, 10))
        try_all(&invpcid);
    if (has_cpuid(0x80000001, 0, EDX, 27))
        try_all(&rdtscp);
}

/* ---- IOPL ---- */

static void test_iopl(void)
{
    static const struct insn sensitive[] = {
        {"cli", C(0xfa), ALL, PLAIN, 0},
        {"sti", C(0xfb), ALL, PLAIN, 0},
        {"in al, imm", C(0xe4, 0xe8), ALL, PLAIN, 0},
        {"in eax, dx", C(0xed), ALL, PLAIN, 0},
        {"out dx, ax", C(0x66, 0xef), ALL, PLAIN, 0},
        {"insb", C(0x6c), ALL, PLAIN, 0},
        {"outsb", C(0x6e), ALL, PLAIN, 0},
    };
    word reg[4] = {0, 0, 0, 0x3f0 + 0xf000}; /* a port that nobody has */

    for (unsigned k = 0; k < sizeof(sensitive) / sizeof(sensitive[0]); k++) {
        for (unsigned cpl = P0; cpl <= P3; cpl++) {
            for (unsigned iopl = 0; iopl <= 3; iopl++) {
                run_at(cpl, sensitive[k].code, sensitive[k].len, iopl << 12, reg);
                expect(sensitive[k].name, cpl, cpl <= iopl ? OK : GP);
            }
        }
    }
}

/* V86 mode: IOPL decides about CLI, STI, PUSHF, POPF, INT and IRET, the map about ports. */
static void test_v86(void)
{
    static const struct insn sensitive[] = {
        {"cli", C(0xfa), ALL, PLAIN, 0},           {"sti", C(0xfb), ALL, PLAIN, 0},
        {"pushf", C(0x9c), ALL, PLAIN, 0},         {"pushfd", C(0x66, 0x9c), ALL, PLAIN, 0},
        {"popf", C(0x9d), ALL, PLAIN, 0},          {"popfd", C(0x66, 0x9d), ALL, PLAIN, 0},
        {"int 80h", C(0xcd, 0x80), ALL, PLAIN, 0}, {"iret", C(0xcf), ALL, PLAIN, 0},
        {"iretd", C(0x66, 0xcf), ALL, PLAIN, 0},
    };
    static const uint8_t in[] = {0xec}, int3[] = {0xcc};
    word reg[4] = {0, 0, 0, 0xf3f0};
    word *stack = (word *)(0x7000 * 16 + 0x1000);

    for (unsigned k = 0; k < sizeof(sensitive) / sizeof(sensitive[0]); k++) {
        for (unsigned iopl = 0; iopl < 3; iopl++) {
            run_at(VM, sensitive[k].code, sensitive[k].len, iopl << 12, reg);
            expect(sensitive[k].name, VM, GP);
        }
    }
    /* what IRET and POPF find: back behind the instruction; stays in V86 mode, IOPL as it was */
    for (unsigned wide = 0; wide < 2; wide++) {
        static const uint8_t iret16[] = {0xcf, 0xcf, 0xcf}, iret32[] = {0x66, 0xcf, 0xcf};

        if (wide)
            stack[0] = 2, stack[1] = V86SEG, stack[2] = 0x0202;
        else
            stack[0] = 3 | V86SEG << 16, stack[1] = 0x0202;
        run_at(VM, wide ? iret32 : iret16, wide ? 2 : 3, 0x3000, reg);
        check_eq("iret with IOPL 3 in V86 mode goes on", got.vector, OK);
        check_eq("iret in V86 mode: IF changes, IOPL and VM stay", got.flags & 0x23200, 0x23200);
    }
    run_at(VM, in, 1, 0x3000, reg);
    expect("in with IOPL 3", VM, GP);
    idt_set(BP, 0, 0xe, 3, true);
    run_at(VM, int3, 1, 0, reg);
    check_eq("int3 does not ask for IOPL", got.vector, BP);
    idt_set(BP, 0, 0xe, 0, true);
    run_at(VM, int3, 1, 0x3000, reg);
    check_eq("int3 asks for the gate's DPL", got.vector << 16 | got.error, GP << 16 | (BP * 8 + 2));
    idt_set(BP, 0, 0xe, 3, true);
}

/* POPF: IOPL by CPL 0, IF by IOPL; what may not change is left, without a fault. */
static void test_popf(void)
{
    static const uint8_t popfd[] = {0x68, 0x02, 0x32, 0, 0, 0x9d, 0x9c, 0x58};
    static const uint8_t clear[] = {0x68, 0x02, 0x00, 0, 0, 0x9d, 0x9c, 0x58};
    word reg[4] = {0};

    for (unsigned cpl = P0; cpl <= P3; cpl++) {
        for (unsigned iopl = 0; iopl <= 3; iopl++) {
            word want = cpl == 0 ? 0x3200 : iopl << 12 | (cpl <= iopl ? 0x200 : 0);

            run_at(cpl, popfd, sizeof(popfd), iopl << 12, reg);
            check_eq("popf sets IF and IOPL", got.ax & 0x3200, want);
            want = cpl == 0 ? 0 : iopl << 12 | (cpl <= iopl ? 0 : 0x200);
            run_at(cpl, clear, sizeof(clear), iopl << 12 | 0x200, reg);
            check_eq("popf clears IF and IOPL", got.ax & 0x3200, want);
        }
    }
}

void main(void)
{
    tss_setup();
    outb(0x21, 0xff), outb(0xa1, 0xff); /* STI is tried: no interrupts */
    idt_set(OK, 0, 0xe, 3, true);
    for (unsigned pl = 0; pl < 4; pl++) {
        gdt_set(SEL(pl), 0, 0xfffff, 0x9b | pl << 5, 0xc);
        gdt_set(SEL(4 + pl), 0, 0xfffff, 0x93 | pl << 5, 0xc);
    }
    asm volatile("sgdt %0; sidt %1" : "=m"(gdt_image), "=m"(idt_image));
    wrmsr(0x174, 0);
    test_table();
    test_cr4();
    test_features();
    test_iopl();
    test_v86();
    test_popf();
}
