// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every exception that an instruction can raise at 32 bits, with its vector, its error code and
 * whether EIP is the instruction's own (faults) or the next one's (traps); double faults; the I/O
 * bitmap. SDM 3A chapter 6, SDM 1 chapter 19.
 */
// not on: qemu (TCG lets LOCK MOV and a pending x87 error pass)
#include "test.h"

static word after; /* address of a label set by the attempts below */

static void test_arithmetic(void)
{
    ATTEMPT("xor %%edx, %%edx; div %%edx", ::: "eax", "edx");
    check_trap("#DE by zero", DE, 0);
    ATTEMPT("mov $1, %%edx; mov $1, %%ecx; div %%ecx", ::: "eax", "ecx", "edx");
    check_trap("#DE by overflow", DE, 0);
    ATTEMPT("mov $0x80000000, %%eax; cltd; mov $-1, %%ecx; idiv %%ecx", ::: "eax", "ecx", "edx");
    check_trap("#DE by the most negative number", DE, 0);
    ATTEMPT("mov $0x100, %%ax; .byte 0xd4, 0", ::: "eax");
    check_trap("#DE by aam 0", DE, 0);
    ATTEMPT("movl $1f, %0; int3; 1:", : "=m"(after));
    check_trap("#BP", BP, 0);
    check_eq("#BP is a trap", trap.ip, after);
    ATTEMPT("movl $1f, %0; mov $0x7fffffff, %%eax; inc %%eax; into; 1:", : "=m"(after)::"eax");
    check_trap("#OF", OF, 0);
    check_eq("#OF is a trap", trap.ip, after);
    static const int32_t bounds[2] = {-5, 5};
    ATTEMPT("movl $1f, %0; 1: bound %1, %2", : "=m"(after) : "r"(6), "m"(bounds));
    check_trap("#BR", BR, 0);
    check_eq("#BR is a fault", trap.ip, after);
    ATTEMPT("bound %0, %1", ::"r"(-5), "m"(bounds));
    check_no_trap("bound includes its limits");
}

static void test_undefined(void)
{
    ATTEMPT("movl $1f, %0; 1: ud2", : "=m"(after));
    check_trap("#UD ud2", UD, 0);
    check_eq("#UD is a fault", trap.ip, after);
    ATTEMPT(".byte 0x0f, 0xff, 0xc0", );
    check_trap("#UD ud0", UD, 0);
    ATTEMPT(".byte 0x0f, 0xb9, 0xc0", );
    check_trap("#UD ud1", UD, 0);
    ATTEMPT(".byte 0xf0, 0x89, 0x03", ::"b"(&after));
    check_trap("#UD lock mov", UD, 0);
    ATTEMPT(".byte 0xf0, 0x01, 0xc0", ::: "eax");
    check_trap("#UD lock add to a register", UD, 0);
    ATTEMPT("lock incl %0", : "+m"(after));
    check_no_trap("lock inc of memory");
    ATTEMPT(".byte 0x8d, 0xc0", ::: "eax");
    check_trap("#UD lea of a register", UD, 0);
    ATTEMPT(".byte 0xff, 0xff", );
    check_trap("#UD group 5, /7", UD, 0);
    ATTEMPT(".byte 0x0f, 0x20, 0xc8", ::: "eax"); /* mov eax, cr1 */
    check_trap("#UD mov from CR1", UD, 0);
    ATTEMPT(".byte 0xc4, 0xc0", );
    check("#UD les of a register", trap.vector == UD);
    ATTEMPT(".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90", );
    check_no_trap("fifteen bytes are an instruction");
    ATTEMPT(
        ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90", );
    check_trap("sixteen are #GP", GP, 0);
}

static void test_fpu(void)
{
    word cr0 = READ_CR(0);
    uint16_t cw = 0x37e; /* invalid operation unmasked */

    WRITE_CR(0, cr0 | 8);
    ATTEMPT("fninit", );
    check_trap("#NM with TS", NM, 0);
    ATTEMPT("wait", );
    check_no_trap("wait without MP");
    WRITE_CR(0, cr0 | 0xa);
    ATTEMPT("wait", );
    check_trap("#NM wait with MP and TS", NM, 0);
    WRITE_CR(0, (cr0 | 4) & ~(word)8);
    ATTEMPT("fninit", );
    check_trap("#NM with EM", NM, 0);
    WRITE_CR(0, (cr0 | 0x22) & ~(word)0xc);
    ATTEMPT("fninit; fldcw %0; fldz; fldz; fdivp; fwait", ::"m"(cw));
    check_trap("#MF", MF, 0);
    ATTEMPT("fldz", );
    check_trap("#MF stays pending for the next instruction", MF, 0);
    ATTEMPT("fnclex; fldz", );
    check_no_trap("fnclex");
    asm volatile("fninit");
    WRITE_CR(0, cr0);
}

static void test_gp(void)
{
    ATTEMPT("movl $1f, %0; 1: mov %1, %%cr0", : "=m"(after) : "r"(0x80000000));
    check_trap("#GP paging without protection", GP, 0);
    check_eq("#GP is a fault", trap.ip, after);
    ATTEMPT("mov %0, %%cr0", ::"r"(READ_CR(0) | 0x20000000));
    word cr0 = READ_CR(0);
    if (trap.vector == NO_TRAP)
        WRITE_CR(0, cr0 & ~(word)0x60000000);
    check_trap("#GP NW without CD", GP, 0);
    ATTEMPT("mov %0, %%cr4", ::"r"(0x80000000));
    check_trap("#GP reserved bit of CR4", GP, 0);
    ATTEMPT("rdmsr", ::"c"(0x12345678) : "eax", "edx");
    check_trap("#GP unknown MSR", GP, 0);
    ATTEMPT("int $0x20; int $0x20", );
    check_trap("int n with its gate", 0x20, 0);
}

static void user_privileged_cli(void)
{
    asm volatile("cli");
}
static void user_privileged_hlt(void)
{
    asm volatile("hlt");
}
static void user_privileged_cr0(void)
{
    asm volatile("mov %%cr0, %%eax" ::: "eax");
}
static void user_privileged_in(void)
{
    asm volatile("inb $0x71, %%al" ::: "eax");
}
static void user_privileged_lgdt(void)
{
    asm volatile("lgdt 0");
}
static void user_privileged_clts(void)
{
    asm volatile("clts");
}
static void user_privileged_rdmsr(void)
{
    asm volatile("rdmsr" ::"c"(0x10));
}
static void user_privileged_invlpg(void)
{
    asm volatile("invlpg 0");
}
static void user_popf(void)
{
    asm volatile("pushl $0x3202; popf; pushf; pop %%eax; int $0x80" ::: "eax");
}
static void user_rdtsc(void)
{
    asm volatile("rdtsc; int $0x80" ::: "eax", "edx");
}
static void user_in_allowed(void)
{
    asm volatile("mov $0xe8, %%dx; inb %%dx, %%al; mov $0xe9, %%dx; inb %%dx, %%al; mov $0xea, "
                 "%%dx; inb %%dx, %%al" ::
                     : "eax", "edx");
}
static void user_in_word(void)
{
    asm volatile("mov $0xe9, %%dx; inw %%dx, %%ax" ::: "eax", "edx");
}

static void test_privilege(void)
{
    static const struct {
        const char *name;
        void (*fn)(void);
    } t[] = {{"cli", user_privileged_cli},     {"hlt", user_privileged_hlt},
             {"mov cr0", user_privileged_cr0}, {"in", user_privileged_in},
             {"lgdt", user_privileged_lgdt},   {"clts", user_privileged_clts},
             {"rdmsr", user_privileged_rdmsr}, {"invlpg", user_privileged_invlpg}};

    for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        run_user(t[i].fn);
        check_trap(t[i].name, GP, 0);
    }
    run_user(user_popf);
    check_trap("popf at ring 3", 0x80, 0);
    check_eq("popf at ring 3 leaves IF and IOPL", trap.ax & 0x3200, 0);
    run_user(user_rdtsc);
    check_trap("rdtsc at ring 3", 0x80, 0);
    WRITE_CR(4, READ_CR(4) | 4);
    run_user(user_rdtsc);
    check_trap("rdtsc with TSD", GP, 0);
    WRITE_CR(4, READ_CR(4) & ~(word)4);
    /* The I/O bitmap: ports e8 and e9 allowed. */
    static uint8_t big_tss[104 + 40] __attribute__((aligned(8)));
    for (unsigned i = 0; i < sizeof(tss); i++)
        big_tss[i] = ((uint8_t *)&tss)[i];
    for (unsigned i = 104; i < sizeof(big_tss); i++)
        big_tss[i] = 0xff;
    big_tss[102] = 104;
    big_tss[103] = 0;
    big_tss[104 + 0xe8 / 8] = 0xfc;
    gdt_set(SEL_TSS, (uint32_t)big_tss, sizeof(big_tss) - 1, 0x89, 0);
    asm volatile("ltr %w0" ::"r"(SEL_TSS));
    run_user(user_in_allowed);
    check_trap("the I/O bitmap stops the third port", GP, 0);
    check_eq("and only that", trap.dx & 0xffff, 0xea);
    run_user(user_in_word);
    check_trap("a word access needs both bits", GP, 0);
    run_user_at((word)user_privileged_cli, SEL_UCODE32, 0x3202, (word)user_stack + 4000, SEL_UDATA);
    check("cli with IOPL 3", trap.vector != GP || trap.ip != (word)user_privileged_cli);
    tss_setup();
}

static void user_misaligned(void)
{
    asm volatile("mov %0, %%eax; mov 1(%%eax), %%ecx; int $0x80" ::"i"(user_stack) : "eax", "ecx");
}
static void user_aligned(void)
{
    asm volatile(
        "mov %0, %%eax; mov 4(%%eax), %%ecx; movb 1(%%eax), %%cl; int $0x80" ::"i"(user_stack)
        : "eax", "ecx");
}

static void test_alignment(void)
{
    word cr0 = READ_CR(0), sp = (word)user_stack + 4000;

    run_user_at((word)user_misaligned, SEL_UCODE32, 0x40002, sp, SEL_UDATA);
    check_trap("AC without AM", 0x80, 0);
    WRITE_CR(0, cr0 | 0x40000);
    run_user_at((word)user_misaligned, SEL_UCODE32, 2, sp, SEL_UDATA);
    check_trap("AM without AC", 0x80, 0);
    run_user_at((word)user_aligned, SEL_UCODE32, 0x40002, sp, SEL_UDATA);
    check_trap("aligned accesses", 0x80, 0);
    run_user_at((word)user_misaligned, SEL_UCODE32, 0x40002, sp, SEL_UDATA);
    check_trap("#AC", AC, 0);
    asm volatile("pushf; orl $0x40000, (%%esp); popf; mov 1(%0), %%eax; pushf; andl $~0x40000, "
                 "(%%esp); popf" ::"r"(user_stack)
                 : "eax");
    check("no alignment checks at ring 0", true);
    WRITE_CR(0, cr0);
}

static void test_double(void)
{
    idt_set(GP, 0, 0xe, 0, false);
    ATTEMPT("mov %w0, %%gs", ::"r"(0xfff8));
    check_trap("#GP whose gate is not present: #DF", DF, 0);
    idt_set(GP, 0, 0xe, 0, true);
    idt_set(UD, 0, 0xe, 0, false);
    ATTEMPT("ud2", );
    check_trap("#UD whose gate is not present: #NP with EXT, not #DF", NP, UD * 8 + 3);
    idt_set(UD, 0, 0xe, 0, true);
    idt_set(DE, 0, 0xe, 0, false);
    ATTEMPT("xor %%ecx, %%ecx; div %%ecx", ::: "ecx");
    check_trap("#DE whose gate is not present: #DF", DF, 0);
    idt_set(DE, 0, 0xe, 0, true);
}

static void test_ts(void)
{
    gdt_set(SEL_FREE, (uint32_t)&tss, 0x20, 0x89, 0);
    ATTEMPT("lcall %0, $0", ::"i"(SEL_FREE));
    check_trap("#TS for a short TSS", TS, SEL_FREE);
    word nt;
    asm volatile("pushf; pop %0" : "=r"(nt));
    /* IRET with NT and a back link that is no TSS */
    tss.link = SEL_KDATA;
    ATTEMPT("push %0; popf; iret", ::"r"(nt | 0x4000));
    asm volatile("push %0; popf" ::"r"(nt));
    check_trap("#TS for IRET with NT to no TSS", TS, SEL_KDATA);
    tss.link = 0;
}

void main(void)
{
    tss_setup();
    test_arithmetic();
    test_undefined();
    test_fpu();
    test_gp();
    test_privilege();
    test_alignment();
    test_double();
    test_ts();
}
