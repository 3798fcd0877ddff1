// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Protected-mode segmentation at ring 0: what a selector load checks, what each kind of segment
 * allows, the instructions that inspect descriptors, conforming code, 16-bit protected mode. Limit
 * and type checks on accesses are in limits.c. SDM 3A chapter 5 (protection).
 */
// not on: qemu (TCG does not check null segments)
#include "test.h"

#define SEL(n) (SEL_FREE + 8 * (n))

static void load_ds(unsigned sel)
{
    ATTEMPT("mov %w0, %%ds; mov %w1, %%ds", ::"r"(sel), "r"(SEL_KDATA) : "memory");
}

static void load_ss(unsigned sel)
{
    ATTEMPT("mov %w0, %%ss; mov %w1, %%ss", ::"r"(sel), "r"(SEL_KDATA) : "memory");
}

static void test_loads(void)
{
    load_ds(0);
    check_no_trap("a null selector loads in DS");
    ATTEMPT("mov %w0, %%gs; mov %%gs:0, %%eax", ::"r"(0) : "eax");
    check_trap("a use of a null GS", GP, 0);
    ATTEMPT("mov %w0, %%gs; mov %%gs:0, %%eax", ::"r"(3) : "eax");
    check_trap("3 is a null selector too", GP, 0);
    load_ds(GDT_ENTRIES * 8);
    check_trap("DS beyond the GDT", GP, GDT_ENTRIES * 8);
    asm volatile("lldt %w0" ::"r"(0));
    load_ds(SEL_KDATA | 4);
    check_trap("DS in an LDT that is not there", GP, SEL_KDATA | 4);
    gdt_set(SEL(0), 0, 0xfffff, 0x13, 0xc);
    load_ds(SEL(0));
    check_trap("DS not present", NP, SEL(0));
    load_ds(SEL(0) | 3);
    check_trap("privilege is checked before presence", GP, SEL(0));
    gdt_set(SEL(0), 0, 0xfffff, 0x99, 0xc);
    load_ds(SEL(0));
    check_trap("DS with execute-only code", GP, SEL(0));
    gdt_set(SEL(0), 0, 0xfffff, 0x9b, 0xc);
    load_ds(SEL(0));
    check_no_trap("DS with readable code");
    gdt_set(SEL(0), 0, 0xfffff, 0x89, 0);
    load_ds(SEL(0));
    check_trap("DS with a system segment", GP, SEL(0));
    gdt_set(SEL(0), 0, 0xfffff, 0x90, 0xc);
    load_ds(SEL(0));
    check_no_trap("DS read-only");
    check_eq("the accessed bit is set by a load", gdt[SEL(0) >> 3] >> 40 & 0xff, 0x91);

    load_ss(0);
    check_trap("SS null", GP, 0);
    load_ss(SEL(0));
    check_trap("SS read-only", GP, SEL(0));
    load_ss(SEL_KCODE);
    check_trap("SS with code", GP, SEL_KCODE);
    load_ss(SEL_UDATA);
    check_trap("SS with another privilege", GP, SEL_UDATA & ~3);
    load_ss(SEL_KDATA | 1);
    check_trap("SS with another RPL", GP, SEL_KDATA);
    gdt_set(SEL(0), 0, 0xfffff, 0x13, 0xc);
    load_ss(SEL(0));
    check_trap("SS not present", SS, SEL(0));
    ATTEMPT(".byte 0x8e, 0xc8", ::"a"(SEL_KCODE)); /* mov cs, ax */
    check_trap("MOV to CS is undefined", UD, 0);
}

static void far_to(unsigned sel)
{
    struct {
        uint32_t off;
        uint16_t sel;
    } __attribute__((packed)) p = {0, (uint16_t)sel};

    ATTEMPT("ljmp *%0", ::"m"(p));
}

static void test_far(void)
{
    static struct {
        uint32_t off;
        uint16_t sel;
    } __attribute__((packed)) target;

    far_to(0);
    check_trap("far jump to null", GP, 0);
    far_to(SEL_KDATA);
    check_trap("far jump to data", GP, SEL_KDATA);
    far_to(SEL_UCODE32);
    check_trap("far jump to ring 3 code", GP, SEL_UCODE32 & ~3);
    far_to(GDT_ENTRIES * 8 + 3);
    check_trap("far jump beyond the GDT", GP, GDT_ENTRIES * 8);
    gdt_set(SEL(1), 0, 0xfffff, 0x1b, 0xc);
    far_to(SEL(1));
    check_trap("far jump to code not present", NP, SEL(1));
    gdt_set(SEL(1), 0, 0x0fff, 0x9b, 0x4);
    target.sel = SEL(1);
    target.off = 0x1000;
    ATTEMPT("ljmp *%0", ::"m"(target));
    check_trap("far jump beyond the target's limit", GP, 0);
}

static void test_conforming(void)
{
    static struct {
        uint32_t off;
        uint16_t sel;
    } __attribute__((packed)) target;
    uint32_t cs = 0;

    gdt_set(SEL(1), 0, 0xfffff, 0x9f, 0xc);
    target.sel = SEL(1) | 3;
    asm volatile("movl $1f, %1; lcall *%1; jmp 2f; 1: mov %%cs, %0; lret; 2:"
                 : "=&r"(cs), "+m"(target)::"memory");
    check_eq("conforming code runs at the caller's privilege", cs & 0xffff, SEL(1));
    check_eq("a far call sets the accessed bit", gdt[SEL(1) >> 3] >> 40 & 1, 1);
}

static void test_inspect(void)
{
    uint32_t v, zf;

#define INSPECT(insn, sel)                                                                         \
    asm volatile("mov $0x55555555, %0; " insn " %2, %0; setz %b1"                                  \
                 : "=&r"(v), "=&q"(zf)                                                             \
                 : "r"(sel)                                                                        \
                 : "cc")
    gdt_set(SEL(2), 0, 0x12345, 0xf2, 0xc);
    INSPECT("lar", SEL(2));
    check_eq("lar: rights", v & 0xf0ff00, 0x00c0f200); /* bits 19..16 are undefined */
    check("lar: ZF", zf & 1);
    INSPECT("lsl", SEL(2));
    check_eq("lsl: limit in bytes", v, 0x12345fff);
    gdt_set(SEL(2), 0, 0x12345, 0x92, 0x4);
    INSPECT("lsl", SEL(2));
    check_eq("lsl: byte granularity", v, 0x12345);
    INSPECT("lar", SEL(2) | 3);
    check("lar: not visible by RPL", !(zf & 1) && v == 0x55555555);
    INSPECT("lar", GDT_ENTRIES * 8);
    check("lar: outside the table", !(zf & 1));
    gdt_set(SEL(2), 0, 0, 0x8e, 0); /* interrupt gate */
    INSPECT("lar", SEL(2));
    check("lar: an interrupt gate is no answer", !(zf & 1));
    gdt_set(SEL(2), 0, 0, 0x8c, 0); /* call gate */
    INSPECT("lar", SEL(2));
    check("lar: a call gate is", zf & 1);
    INSPECT("lsl", SEL(2));
    check("lsl: a call gate has no limit", !(zf & 1));
    INSPECT("lar", 0);
    check("lar: null", !(zf & 1));
#define VERIFY(insn, sel) asm volatile(insn " %w1; setz %b0" : "=&q"(zf) : "r"(sel) : "cc")
    VERIFY("verr", SEL_KCODE);
    check("verr: readable code", zf & 1);
    VERIFY("verw", SEL_KCODE);
    check("verw: code is not writable", !(zf & 1));
    VERIFY("verw", SEL_KDATA);
    check("verw: data", zf & 1);
    VERIFY("verr", SEL_KDATA | 3);
    check("verr: RPL above DPL", !(zf & 1));
    gdt_set(SEL(2), 0, 0, 0x98, 0);
    VERIFY("verr", SEL(2));
    check("verr: execute-only code", !(zf & 1));
    v = 0x10;
    asm volatile("arpl %w2, %w0; setz %b1" : "+r"(v), "=&q"(zf) : "r"(3) : "cc");
    check("arpl raises", (zf & 1) && v == 0x13);
    asm volatile("arpl %w2, %w0; setz %b1" : "+r"(v), "=&q"(zf) : "r"(1) : "cc");
    check("arpl leaves", !(zf & 1) && v == 0x13);
}

/* 16-bit protected mode: operand and address sizes from CS.D, the stack pointer's size from SS.B.
 */
static void test_16bit(void)
{
    uint32_t a, b, c, d;

    asm volatile("mov $0xaaaaaaaa, %%eax\n"
                 "mov %%esp, %%esi\n"
                 "ljmp %4, $1f\n"
                 ".code16\n"
                 "1: mov $0x1234, %%ax\n" /* three bytes here: imm16 */
                 "movl $0x89abcdef, %%ebx\n"
                 "mov $0x10000, %%ecx\n"
                 "loop 2f\n" /* CX: 0 - 1 is not 0 */
                 "mov $0, %%cx\n"
                 "2: pushfw\n"
                 "popfw\n"
                 "mov %5, %%dx\n"
                 "mov %%dx, %%ss\n" /* B clear: only SP moves */
                 "mov $0x00070000, %%esp\n"
                 "push %%ax\n"
                 "mov %%esp, %%edx\n"
                 "ljmpl %6, $3f\n"
                 ".code32\n"
                 "3: mov %7, %%edi\n"
                 "mov %%edi, %%ss\n"
                 "mov %%esi, %%esp\n"
                 : "=&a"(a), "=&b"(b), "=&c"(c), "=&d"(d)
                 : "i"(SEL_KCODE16), "i"(SEL_KDATA16), "i"(SEL_KCODE), "i"(SEL_KDATA)
                 : "esi", "edi", "memory");
    check_eq("16-bit code: imm16", a, 0xaaaa1234);
    check_eq("16-bit code: operand size prefix", b, 0x89abcdef);
    check_eq("16-bit code: loop counts CX", c, 0x1ffff);
    check_eq("16-bit stack: SP wraps alone", d, 0x0007fffe);
}

/* Bases are added modulo 4 GiB. */
static void test_base(void)
{
    static volatile uint32_t cell;
    uint32_t v;

    gdt_set(SEL(3), (uint32_t)&cell - 0x1000, 0xfffff, 0x93, 0xc);
    asm volatile("mov %w1, %%fs; movl $0x600d, %%fs:0x1000; mov %%fs:0x1000, %0"
                 : "=r"(v)
                 : "r"(SEL(3))
                 : "memory");
    check_eq("fs base", cell, 0x600d);
    check_eq("fs read back", v, 0x600d);
    asm volatile("movl $0xbeef, %%fs:(%0)" ::"r"(0x1000) : "memory");
    check_eq("fs with a register", cell, 0xbeef);
    gdt_set(SEL(3), 0xfffff000, 0xfffff, 0x93, 0xc);
    asm volatile("mov %w1, %%fs; mov %%fs:(%2), %0"
                 : "=r"(v)
                 : "r"(SEL(3)), "r"((uint32_t)&cell + 0x1000));
    check_eq("the sum of base and offset wraps", v, 0xbeef);
    asm volatile("mov %w0, %%fs" ::"r"(SEL_KDATA));
}

static void test_tables(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) p;
    static uint64_t ldt[2];
    uint32_t v;

    asm volatile("sgdt %0" : "=m"(p));
    check_eq("sgdt limit", p.limit, sizeof(gdt) - 1);
    check_eq("sgdt base", p.base, (uint32_t)gdt);
    gdt_set(SEL(4), (uint32_t)ldt, sizeof(ldt) - 1, 0x82, 0);
    ldt[1] = gdt[SEL_KDATA >> 3];
    ATTEMPT("lldt %w0", ::"r"(SEL_KDATA));
    check_trap("lldt of a data segment", GP, SEL_KDATA);
    ATTEMPT("lldt %w0", ::"r"(SEL(4)));
    check_no_trap("lldt");
    asm volatile("sldt %0" : "=r"(v));
    check_eq("sldt", v & 0xffff, SEL(4));
    load_ds(8 | 4);
    check_no_trap("DS from the LDT");
    load_ds(16 | 4);
    check_trap("DS beyond the LDT", GP, 16 | 4);
    asm volatile("lldt %w0" ::"r"(0));
    ATTEMPT("ltr %w0", ::"r"(0));
    check_trap("ltr null", GP, 0);
    tss_setup();
    asm volatile("str %0" : "=r"(v));
    check_eq("str", v & 0xffff, SEL_TSS);
    check_eq("ltr marks the TSS busy", gdt[SEL_TSS >> 3] >> 40 & 0xff, 0x8b);
    ATTEMPT("ltr %w0", ::"r"(SEL_TSS));
    check_trap("ltr of a busy TSS", GP, SEL_TSS);
}

void main(void)
{
    test_loads();
    test_far();
    test_conforming();
    test_inspect();
    test_16bit();
    test_base();
    test_tables();
}
