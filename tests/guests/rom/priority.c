// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which of several faults an instruction raises, and what it leaves behind (SDM 3A 6.9 with table
 * 6-2, 6.15 with table 6-5 for double faults and table 6-7 for #AC; SDM 2 for each instruction).
 * Where the manual leaves the order open, as for #AC and #PF, it is today's processors'. Proved:
 * - an instruction that cannot be decoded before what its operands would raise; #UD before #NM, #NM
 *   before #MF, #GP and #PF; #MF before #PF; privilege and port permission before the operand;
 * - a segment's limit before #PF; #GP of MOVAPS before #PF; #AC before #PF; #PF before #DE and #BR;
 * - fetch: the breakpoint before the page fault, the page fault of a second page with its address,
 *   no fault for a page behind the last byte;
 * - a store across two pages of which the second faults leaves the first as it was; REP stops with
 *   exact registers and RF; PUSH, CALL, POP and ENTER keep ESP and EBP;
 * - #PF, #GP and #NP in the delivery of #PF, #GP, #UD: serial, or #DF;
 * - #AC for each size at CPL 3 with AM and AC alone, not for what the processor does itself.
 */
// not on: qemu, bochs (they order #AC and #PF the other way; TCG checks few of these)
#include "test.h"

#define SEL(n) (SEL_FREE + 8 * (n))
#define AREA   0x400000u       /* pages of which each may be there or not */
#define GONE   (AREA + 0x1000) /* this one is not */
#define RDONLY (AREA + 0x3000) /* this one is read-only, also for CPL 0 */
#define THERE  0x67u

static uint32_t dir[1024] __attribute__((aligned(4096)));
static uint32_t table[1024] __attribute__((aligned(4096)));

static void pages_on(void)
{
    for (unsigned k = 0; k < 1024; k++) {
        dir[k] = k << 22 | 0xe7;
        table[k] = (AREA + k * 0x1000) | THERE;
    }
    dir[AREA >> 22] = (word)table | THERE;
    table[1] = 0;
    table[3] = RDONLY | 0x65;
    WRITE_CR(4, READ_CR(4) | 0x610); /* PSE, OSFXSR, OSXMMEXCPT */
    WRITE_CR(3, dir);
    WRITE_CR(0, READ_CR(0) | 0x80010000);
}

static void check_pf(const char *name, word error, word cr2)
{
    check_trap(name, PF, error);
    check_eq(name, trap_cr2, cr2);
}

/* ---- the order ---- */

static void test_fpu_order(void)
{
    word cr0 = READ_CR(0), cr4 = READ_CR(4);
    uint16_t cw = 0x37e;

    WRITE_CR(0, cr0 | 8);
    ATTEMPT("flds (%0)", ::"r"(GONE));
    check_trap("#NM before #PF", NM, 0);
    ATTEMPT("movaps 1(%0), %%xmm0", ::"r"(AREA));
    check_trap("#NM before #GP of MOVAPS", NM, 0);
    ATTEMPT(".byte 0xf0, 0xd9, 0x00", ::"a"(AREA));
    check_trap("#UD of LOCK before #NM", UD, 0);
    ATTEMPT(".byte 0xd9, 0xd1", ); /* no such x87 instruction */
    check("an x87 opcode that is not there: #NM or #UD", trap.vector == NM || trap.vector == UD);
    WRITE_CR(4, cr4 & ~(word)0x200);
    ATTEMPT("movaps (%0), %%xmm0", ::"r"(GONE));
    check_trap("#UD without OSFXSR before #NM", UD, 0);
    WRITE_CR(4, cr4);
    WRITE_CR(0, (cr0 | 4) & ~(word)8);
    ATTEMPT("addps (%0), %%xmm0", ::"r"(GONE));
    check_trap("SSE with EM: #UD before #PF", UD, 0);
    ATTEMPT("movq (%0), %%mm0", ::"r"(GONE));
    check_trap("MMX with EM: #UD before #PF", UD, 0);
    WRITE_CR(0, (cr0 | 0x22) & ~(word)0xc);
    asm volatile("fninit; fldcw %0; fldz; fldz; fdivp" ::"m"(cw));
    ATTEMPT("flds (%0)", ::"r"(GONE));
    check_trap("#MF before #PF", MF, 0);
    WRITE_CR(0, (cr0 | 0x2a) & ~(word)4);
    ATTEMPT("flds (%0)", ::"r"(GONE));
    check_trap("#NM before #MF", NM, 0);
    WRITE_CR(0, (cr0 | 0x22) & ~(word)0xc);
    asm volatile("fninit");
    ATTEMPT("movaps 1(%0), %%xmm0", ::"r"(GONE));
    check_trap("#GP of MOVAPS before #PF", GP, 0);
    ATTEMPT("movaps (%0), %%xmm0", ::"r"(GONE));
    check_pf("MOVAPS: #PF", 0, GONE);
    WRITE_CR(0, cr0);
}

static void user_lgdt(void)
{
    asm volatile("lgdt (%0)" ::"r"(GONE));
}
static void user_ltr(void)
{
    asm volatile("ltr (%0)" ::"r"(GONE));
}
static void user_ins(void)
{
    asm volatile("insb" ::"D"(GONE), "d"(0x80));
}
static void user_outs(void)
{
    asm volatile("outsb" ::"S"(GONE), "d"(0x80));
}
static void user_dr(void)
{
    asm volatile(".byte 0x0f, 0x20, 0xc8");
}

static void test_order(void)
{
    static const struct {
        const char *name;
        void (*fn)(void);
        unsigned vector;
    } user[] = {{"LGDT: privilege before its operand", user_lgdt, GP},
                {"LTR: privilege before its operand", user_ltr, GP},
                {"INS: the port before its operand", user_ins, GP},
                {"OUTS: the port before its operand", user_outs, GP},
                {"MOV CR1: #UD before privilege", user_dr, UD}};

    for (unsigned k = 0; k < sizeof(user) / sizeof(user[0]); k++) {
        run_user(user[k].fn);
        check_trap(user[k].name, user[k].vector, 0);
    }
    gdt_set(SEL(0), GONE, 0xf, 0x93, 0x4);
    asm volatile("mov %w0, %%fs" ::"r"(SEL(0)));
    ATTEMPT("mov %%fs:0xd, %%eax", ::: "eax");
    check_trap("the limit before #PF", GP, 0);
    ATTEMPT("mov %%fs:0xc, %%eax", ::: "eax");
    check_pf("within it #PF", 0, GONE + 0xc);
    gdt_set(SEL(0), GONE, 0xf, 0x91, 0x4);
    asm volatile("mov %w0, %%fs" ::"r"(SEL(0)));
    ATTEMPT("mov %%eax, %%fs:0", ::: "memory");
    check_trap("a segment's type before #PF", GP, 0);
    asm volatile("mov %w0, %%fs" ::"r"(SEL_KDATA));
    ATTEMPT("divl (%0)", ::"r"(GONE), "a"(1), "d"(9));
    check_pf("#PF before #DE", 0, GONE);
    ATTEMPT("bound %%eax, (%0)", ::"r"(GONE - 4), "a"(1000));
    check_pf("#PF of BOUND's second half", 0, GONE);
    ATTEMPT("lock incl (%0)", ::"r"(RDONLY));
    check_pf("a change of what is read-only", 3, RDONLY);
    ATTEMPT("cmpxchg %%ecx, (%0)", ::"r"(RDONLY), "a"(1), "c"(2));
    check_pf("CMPXCHG that would not store", 3, RDONLY);
    ATTEMPT("xadd %%eax, (%0)", ::"r"(GONE), "a"(1));
    check_pf("XADD: as a store", 2, GONE);
    ATTEMPT("bts %%eax, (%0)", ::"r"(AREA), "a"(0x1000 * 8 + 5));
    check_pf("BTS of a bit far away", 2, GONE);
    word cx = 0;
    ATTEMPT("rep movsb", : "+c"(cx) : "S"(GONE), "D"(GONE) : "memory");
    check_no_trap("REP with no count touches nothing");
}

/* ---- fetch ---- */

static volatile unsigned dbs;
static volatile word db_ip;

static void jump(word to)
{
    word sp;

    trap.vector = NO_TRAP;
    asm volatile("mov %%esp, %%ebx; " RESUME "jmp *%1; 771: mov %%ebx, %%esp"
                 : "=&a"(sp)
                 : "c"(to)
                 : "ebx", "memory");
    trap_resume = 0;
}

static bool note_db(struct frame *f)
{
    if (f->vector != DB)
        return false;
    dbs++;
    db_ip = f->ip;
    f->flags |= 0x10000;
    return true;
}

static void test_fetch(void)
{
    volatile uint8_t *end = (volatile uint8_t *)GONE;

    jump(GONE);
    check_pf("a jump to a page that is not there", 0, GONE);
    check_eq("at its target", trap.ip, GONE);
    end[-2] = 0xb8, end[-1] = 1; /* mov eax, imm32: three bytes are beyond */
    jump(GONE - 2);
    check_pf("an instruction cut off by it", 0, GONE);
    check_eq("at its start", trap.ip, GONE - 2);
    end[-2] = 0x0f, end[-1] = 0x0b;
    jump(GONE - 2);
    check_trap("the last two bytes: UD2", UD, 0);
    end[-2] = 0x0f, end[-1] = 0xaa; /* RSM */
    jump(GONE - 2);
    check_trap("the last two bytes: RSM", UD, 0);
    end[-2] = 0xcd, end[-1] = 0x60;
    jump(GONE - 2);
    check_trap("the last two bytes: INT", 0x60, 0);
    end[-1] = 0x0f;
    jump(GONE - 1);
    check_pf("half an opcode", 0, GONE);
    dbs = 0;
    trap_hook = note_db;
    WRITE_DR(0, GONE);
    WRITE_DR(7, 0x402);
    jump(GONE);
    WRITE_DR(7, 0x400);
    trap_hook = NULL;
    check_eq("a breakpoint before the page fault", dbs, 1);
    check_pf("then that", 0, GONE);
}

/* ---- what stays ---- */

static void test_halves(void)
{
    volatile uint32_t *last = (volatile uint32_t *)(GONE - 4);

#define CROSS(name, insns, error)                                                                  \
    do {                                                                                           \
        *last = 0x5a5a5a5a;                                                                        \
        ATTEMPT(insns, ::"c"(GONE - 2) : "eax", "edi", "esi", "memory");                           \
        check_pf(name, error, GONE);                                                               \
        check_eq("and nothing is stored", *last, 0x5a5a5a5a);                                      \
    } while (0)
    CROSS("MOV across", "movl $0, (%%ecx)", 2);
    CROSS("ADD across", "addl $1, (%%ecx)", 2);
    CROSS("XCHG across", "xchg %%eax, (%%ecx)", 2);
    CROSS("LOCK ADD across", "lock addl $1, (%%ecx)", 2);
    CROSS("FSTP of ten bytes across", "fld1; fstpt -6(%%ecx)", 2);
    CROSS("FNSTENV across", "fnstenv -20(%%ecx)", 2);
    CROSS("MOVUPS across", "movups %%xmm0, -8(%%ecx)", 2);
    CROSS("SGDT across", "sgdt (%%ecx)", 2);
    CROSS("STOS across", "mov %%ecx, %%edi; stosl", 2);
    CROSS("CMPXCHG8B across", "cmpxchg8b -2(%%ecx)", 2);
    ATTEMPT("movl $0, (%0)", ::"r"(RDONLY - 2) : "memory");
    check_pf("a store into what is read-only, across", 3, RDONLY);
    check_eq("its first half is not made", *(volatile uint16_t *)(RDONLY - 2), 0);

    word cx = 0x20, di = GONE - 0x20, si = AREA;
    ATTEMPT("rep movsl", : "+c"(cx), "+S"(si), "+D"(di)::"memory");
    check_pf("REP MOVS into it", 2, GONE);
    check_eq("ECX", trap.cx, 0x18);
    check_eq("ESI", trap.si, AREA + 0x20);
    check_eq("EDI", trap.di, GONE);
    check_eq("RF is pushed", trap.flags & 0x10000, 0x10000);
    cx = 0x20, di = GONE + 0x1000 + 0x1c;
    ATTEMPT("std; rep stosl", : "+c"(cx), "+D"(di) : "a"(0) : "memory");
    check_pf("REP STOS downwards", 2, GONE + 0xffc);
    check_eq("ECX", trap.cx, 0x18);
    asm volatile("cld");
}

static void user_push(void)
{
    asm volatile("mov %0, %%esp; push %%eax" ::"i"(GONE + 0x1000));
}
static void user_call(void)
{
    asm volatile("mov %0, %%esp; call user_stack" ::"i"(GONE + 0x1000));
}
static void user_pop(void)
{
    asm volatile("mov %0, %%esp; pop %%eax" ::"i"(GONE));
}
static void user_enter(void)
{
    asm volatile("mov %0, %%esp; mov $0x1234, %%ebp; enter $0x1000, $0" ::"i"(GONE + 0x1010)
                 : "ebp");
}
static void user_pusha(void)
{
    asm volatile("mov %0, %%esp; pusha" ::"i"(GONE + 0x1010));
}

static void test_stack(void)
{
    run_user(user_push);
    check_pf("PUSH", 6, GONE + 0xffc);
    check_eq("PUSH keeps ESP", trap.sp, GONE + 0x1000);
    run_user(user_call);
    check_pf("CALL", 6, GONE + 0xffc);
    check_eq("CALL keeps ESP", trap.sp, GONE + 0x1000);
    check_eq("and EIP", trap.ip - (word)user_call < 16, 1);
    run_user(user_pop);
    check_pf("POP", 4, GONE);
    check_eq("POP keeps ESP", trap.sp, GONE);
    run_user(user_pusha);
    check_pf("PUSHA", 6, GONE + 0xffc);
    check_eq("PUSHA keeps ESP", trap.sp, GONE + 0x1010);
    run_user(user_enter);
    check_trap("ENTER whose frame ends on a page that is not there", PF, 6);
    check_eq("ENTER keeps ESP", trap.sp, GONE + 0x1010);
    check_eq("ENTER keeps EBP", trap.bp, 0x1234);
}

/* ---- faults in delivery ---- */

static void test_delivery(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) p;

    asm volatile("sidt %0" : "=m"(p));
    uint64_t *idt = (uint64_t *)p.base;
    uint64_t in_ldt = (uint64_t)(8 | 4) << 16;

    /* an LDT on the page that is not there: a gate into it faults when its descriptor is read */
    gdt_set(SEL(1), GONE, 0xff, 0x82, 0);
    asm volatile("lldt %w0" ::"r"(SEL(1)));
#define INTO_LDT(v)                                                                                \
    uint64_t old = idt[v];                                                                         \
    idt[v] = (old & ~((uint64_t)0xffff << 16)) | in_ldt
    {
        INTO_LDT(UD);
        ATTEMPT("ud2", ::: "memory");
        check_pf("#PF in the delivery of #UD: serial", 0, GONE + 8);
        idt[UD] = old;
    }
    {
        INTO_LDT(GP);
        ATTEMPT("mov %w0, %%fs", ::"r"(0xfff8) : "memory");
        check_pf("#PF in the delivery of #GP: serial", 0, GONE + 8);
        idt[GP] = old;
    }
    {
        INTO_LDT(PF);
        ATTEMPT("mov (%0), %%eax", ::"r"(GONE) : "eax", "memory");
        check_trap("#PF in the delivery of #PF: #DF", DF, 0);
        idt[PF] = old;
    }
    {
        uint64_t old = idt[PF];
        idt[PF] &= ~((uint64_t)0x80 << 40);
        ATTEMPT("mov (%0), %%eax", ::"r"(GONE) : "eax", "memory");
        check_trap("#NP in the delivery of #PF: #DF", DF, 0);
        idt[PF] = (old & ~((uint64_t)0xffff << 16)) | (uint64_t)SEL_KDATA << 16;
        ATTEMPT("mov (%0), %%eax", ::"r"(GONE) : "eax", "memory");
        check_trap("#GP in the delivery of #PF: #DF", DF, 0);
        idt[PF] = old;
    }
    {
        uint64_t old = idt[NP];
        idt[NP] &= ~((uint64_t)0x80 << 40);
        gdt_set(SEL(0), 0, 0xfffff, 0x13, 0xc);
        ATTEMPT("mov %w0, %%fs", ::"r"(SEL(0)) : "memory");
        check_trap("#NP in the delivery of #NP: #DF", DF, 0);
        idt[NP] = old;
    }
    {
        uint64_t old = idt[BP];
        idt[BP] &= ~((uint64_t)0x80 << 40);
        ATTEMPT("int3", ::: "memory");
        check_trap("#NP in the delivery of INT3: itself, without EXT", NP, BP * 8 + 2);
        ATTEMPT("int $3", ::: "memory");
        check_trap("and of INT 3", NP, BP * 8 + 2);
        idt[BP] = old;
        old = idt[DB];
        idt[DB] &= ~((uint64_t)0x80 << 40);
        ATTEMPT(".byte 0xf1", ::: "memory");
        check_trap("of INT1: with EXT", NP, DB * 8 + 3);
        idt[DB] = old;
    }
    asm volatile("lldt %w0" ::"r"(0));
}

/* ---- alignment ---- */

static uint8_t buffer[256] __attribute__((aligned(64)));

asm("ac_1: mov (%ecx), %ax; int $0x80\n"
    "ac_2: mov %eax, (%ecx); int $0x80\n"
    "ac_3: fldl (%ecx); fstp %st(0); int $0x80\n"
    "ac_4: fldt (%ecx); fstp %st(0); int $0x80\n"
    "ac_5: movups (%ecx), %xmm0; int $0x80\n"
    "ac_6: les (%ecx), %eax; int $0x80\n"
    "ac_7: lesw (%ecx), %ax; int $0x80\n"
    "ac_8: bound %eax, (%ecx); int $0x80\n"
    "ac_9: cmpxchg8b (%ecx); int $0x80\n"
    "ac_10: mov %ecx, %esp; push %eax; int $0x80\n"
    "ac_11: mov %ecx, %esp; pop %eax; int $0x80\n"
    "ac_12: mov %ecx, %esp; pushw %ax; int $0x80\n"
    "ac_13: sgdt (%ecx); int $0x80\n"
    "ac_14: fnstenv (%ecx); int $0x80\n"
    "ac_15: fnstcw (%ecx); int $0x80\n"
    "ac_16: mov %ecx, %esi; lodsl; int $0x80\n"
    "ac_17: mov %ecx, %edi; stosw; int $0x80\n"
    "ac_18: lock incl (%ecx); int $0x80\n"
    "ac_19: mov %ecx, %esp; pushf; int $0x80\n"
    "ac_20: mov (%ecx), %al; int $0x80\n"
    "ac_21: mov %ecx, %esp; call 1f; 1: int $0x80\n"
    "ac_22: movq (%ecx), %mm0; emms; int $0x80\n"
    "ac_23: mov %ds, (%ecx); int $0x80\n"
    "ac_24: xor %eax, %eax; bt %eax, (%ecx); int $0x80\n");

static void test_alignment(void)
{
    /* `good`: offsets within 16 bytes at which there is no #AC */
    extern char ac_1[], ac_2[], ac_3[], ac_4[], ac_5[], ac_6[], ac_7[], ac_8[], ac_9[], ac_10[],
        ac_11[], ac_12[], ac_13[], ac_14[], ac_15[], ac_16[], ac_17[], ac_18[], ac_19[], ac_20[],
        ac_21[], ac_22[], ac_23[], ac_24[];
    static const struct {
        const char *name;
        char *code;
        uint16_t good;
    } t[] = {
        {"a word", ac_1, 0x5555},
        {"a dword", ac_2, 0x1111},
        {"a double", ac_3, 0x0101},
        {"an extended", ac_4, 0x0101},
        {"MOVUPS", ac_5, 0x0001},
        {"a 48-bit pointer", ac_6, 0x1111},
        {"a 32-bit pointer", ac_7, 0x5555},
        {"BOUND", ac_8, 0x1111},
        {"CMPXCHG8B", ac_9, 0x0101},
        {"PUSH", ac_10, 0x1111},
        {"POP", ac_11, 0x1111},
        {"PUSH of a word", ac_12, 0x5555},
        {"SGDT", ac_13, 0x4444},
        {"FNSTENV", ac_14, 0x1111},
        {"FNSTCW", ac_15, 0x5555},
        {"LODS", ac_16, 0x1111},
        {"STOS of words", ac_17, 0x5555},
        {"LOCK INC", ac_18, 0x1111},
        {"PUSHF", ac_19, 0x1111},
        {"a byte", ac_20, 0xffff},
        {"CALL", ac_21, 0x1111},
        {"MMX", ac_22, 0x0101},
        {"a selector", ac_23, 0x5555},
        {"BT", ac_24, 0x1111},
    };
    word cr0 = READ_CR(0);

    WRITE_CR(0, cr0 | 0x40000);
    for (unsigned k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
        for (unsigned off = 0; off < 16; off++) {
            for (unsigned i = 0; i < sizeof(buffer); i++)
                buffer[i] = 0;
            trap.vector = NO_TRAP;
            trap.error = 0;
            /* ECX through IRET */
            static word frame[5];
            frame[0] = (word)t[k].code, frame[1] = SEL_UCODE32, frame[2] = 0x40002;
            frame[3] = (word)user_stack + 4000, frame[4] = SEL_UDATA;
            asm volatile("call 1f; jmp 2f\n"
                         "1: pushal; mov %%esp, user_return_sp\n"
                         "push 16(%0); push 12(%0); push 8(%0); push 4(%0); push (%0)\n"
                         "mov $0x23, %%edx; mov %%edx, %%ds; mov %%edx, %%es; xor %%eax, %%eax\n"
                         "iret\n2:" ::"S"(frame),
                         "c"(buffer + 64 + off)
                         : "edx", "memory");
            bool good = t[k].good >> off & 1;

            if (trap.vector != (good ? 0x80u : AC) || trap.error)
                put_hex(off), puts(" is where this is wrong:\n");
            check_trap(t[k].name, good ? 0x80 : AC, 0);
        }
    }
    /* what the processor itself does may be anywhere */
    word esp0 = tss.esp0;
    tss.esp0 = esp0 - 1;
    run_user_at((word)ac_20, SEL_UCODE32, 0x40002, (word)user_stack + 4000, SEL_UDATA);
    check("its own stack, at an odd address", trap.vector == 0x80 || trap.vector == PF);
    tss.esp0 = esp0;
    WRITE_CR(0, cr0);
}

static void user_ac_gone(void)
{
    asm volatile("mov 1(%0), %%eax" ::"r"(GONE) : "eax");
}
static void user_ac_limit(void)
{
    asm volatile("mov %%cs:0xfffffffd, %%eax" ::: "eax");
}

static void test_ac_order(void)
{
    word cr0 = READ_CR(0);

    WRITE_CR(0, cr0 | 0x40000);
    run_user_at((word)user_ac_gone, SEL_UCODE32, 0x40002, (word)user_stack + 4000, SEL_UDATA);
    check_trap("#AC before #PF", AC, 0);
    run_user_at((word)user_ac_limit, SEL_UCODE32, 0x40002, (word)user_stack + 4000, SEL_UDATA);
    check_trap("#GP of the limit before #AC", GP, 0);
    WRITE_CR(0, cr0);
}

void main(void)
{
    tss_setup();
    pages_on();
    test_fpu_order();
    test_order();
    test_fetch();
    test_halves();
    test_stack();
    test_delivery();
    test_alignment();
    test_ac_order();
}
