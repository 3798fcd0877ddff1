// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * System management mode (SDM 3C chapter 31; the save state map and the I/O word of processors with
 * long mode are AMD's, APM 2 10.2). Proved:
 * - an SMI by the APM port (behind the OUT that raised it) and by an IPI; what the processor is in
 *   the handler: CS, flat segments beyond 64 KiB, CR0, CR4, EFLAGS, DR7; where RIP, RAX, CR0, CR4,
 *   EFLAGS, DR7, EFER, GDTR, CS, SMBASE and the revision lie in the save area;
 * - RSM restores all of it, and what the handler has put there instead;
 * - SMBASE relocation; auto halt restart, and going on behind the HLT; the shadow of STI;
 * - I/O instruction restart of OUT and REP OUTS, with the I/O word;
 * - SMIs and NMIs are blocked inside and come behind RSM, one of each; an IRET there lets NMIs in;
 * - SMRAM of the chipset: open, closed, seen by the handler alone, locked.
 */
// not on: qemu, bochs (their chipsets raise no SMI here)
#include "test.h"

#define LAPIC(r) (*(volatile uint32_t *)(0xfee00000u + (r)))
#define IOREGSEL (*(volatile uint32_t *)0xfec00000u)
#define IOWIN    (*(volatile uint32_t *)0xfec00010u)
#define APM      0xb2

/* What the handler finds, and what it is to do; at a fixed place that both modes can name. */
struct board {
    uint32_t entries, cr0, cr4, flags, dr7, cs, far_byte, keep; /* keep: ~0 if patches stay */
    uint32_t base;                                              /* where its save area is: SMBASE */
    uint32_t n_patches, inside; /* patches to make; what to do inside */
    uint32_t before_iret, after_iret;
    struct {
        uint32_t at, val;
    } patch[4];
    uint32_t area[128];
};
#define BOARD ((volatile struct board *)0x9000)
_Static_assert(sizeof(struct board) < 0x1000, "fits its page");

extern const uint8_t smi_begin[], smi_end[];
/* ebx = 0x9000 all the way; the stack is at 3000:7000. */
asm(".data\n.code16\n"
    "smi_begin:\n"
    "  mov $0x9000, %ebx\n"
    "  addr32 incl (%ebx)\n"
    "  mov %cr0, %eax; addr32 mov %eax, 4(%ebx)\n"
    "  mov %cr4, %eax; addr32 mov %eax, 8(%ebx)\n"
    "  mov $0x3000, %ax; mov %ax, %ss; mov $0x7000, %sp\n"
    "  pushfl; popl %eax; addr32 mov %eax, 12(%ebx)\n"
    "  mov %dr7, %eax; addr32 mov %eax, 16(%ebx)\n"
    "  xor %eax, %eax; mov %cs, %ax; addr32 mov %eax, 20(%ebx)\n"
    "  mov $0x200000, %esi; addr32 mov (%esi), %eax; addr32 mov %eax, 24(%ebx)\n"
    "  cld; addr32 mov 32(%ebx), %esi; add $0xfe00, %esi\n"
    "  mov $0x9054, %edi; mov $128, %ecx; addr32 rep movsl\n"
    "  addr32 mov 36(%ebx), %ecx; mov $0x9034, %esi\n"
    "1: jecxz 2f\n"
    "  addr32 mov (%esi), %edi; addr32 mov 4(%esi), %eax; addr32 mov %eax, (%edi)\n"
    "  add $8, %esi; dec %ecx; jmp 1b\n"
    "2: addr32 mov 28(%ebx), %eax; addr32 and %eax, 36(%ebx)\n"
    "  addr32 mov 40(%ebx), %ecx; jecxz 4f\n"
    "  addr32 movl $0, 40(%ebx)\n"
    "  mov $0xfee00300, %edi\n"
    "  addr32 movl $0x4400, (%edi)\n" /* an NMI to itself, twice, and an SMI */
    "  addr32 movl $0x4400, (%edi)\n"
    "  addr32 movl $0x4200, (%edi)\n"
    "  mov $1000, %edx; 3: dec %edx; jnz 3b\n"
    "  addr32 mov 0x9800 - 0x9000(%ebx), %eax; addr32 mov %eax, 44(%ebx)\n"
    "  cmp $2, %ecx; jne 4f\n"
    /* with an interrupt table at 0 and a stub for NMIs at 0:9900 */
    "  mov $0x9a00, %esi; addr32 lidtl (%esi)\n"
    "  pushfw; push %cs; call 5f\n"
    "5: pop %ax; add $6f - 5b, %ax; push %ax; iretw\n"
    "6: mov $1000, %edx; 7: dec %edx; jnz 7b\n"
    "  addr32 mov 0x9800 - 0x9000(%ebx), %eax; addr32 mov %eax, 48(%ebx)\n"
    "4: rsm\n"
    "smi_end:\n"
    ".code32\n.text\n");
#define NMI_COUNT (*(volatile uint32_t *)0x9800)

static bool wide; /* AMD64's map */

static uint32_t area(unsigned off)
{
    return BOARD->area[(off - 0xfe00) / 4];
}

static void install(uint32_t base)
{
    volatile uint8_t *to = (volatile uint8_t *)(base + 0x8000);

    for (const uint8_t *p = smi_begin; p < smi_end; p++)
        *to++ = *p;
}

static void patch(unsigned off, uint32_t val)
{
    unsigned n = BOARD->n_patches++;

    BOARD->patch[n].at = BOARD->base + off;
    BOARD->patch[n].val = val;
}

static uint32_t pci_read(uint32_t addr)
{
    outl(0xcf8, 0x80000000 | addr);
    return inl(0xcfc);
}
static void pci_write(uint32_t addr, uint32_t val)
{
    outl(0xcf8, 0x80000000 | addr);
    outl(0xcfc, val);
}

static void apm(uint8_t v)
{
    outb(APM, v);
}

static void send_smi(void)
{
    LAPIC(0x310) = LAPIC(0x20);
    LAPIC(0x300) = 0x4200;
}

static void wait_entries(unsigned n)
{
    for (unsigned k = 0; BOARD->entries < n && k < 10000000; k++)
        asm volatile("pause" ::: "memory");
}

/* ---- entry and save state ---- */

extern char out_next[];

static void test_entry(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) p;
    word eax, ecx, ebx, cr4 = READ_CR(4);

    asm volatile("sgdt %0" : "=m"(p));
    WRITE_CR(4, cr4 | 8);
    WRITE_DR(7, 0x700);
    *(volatile uint32_t *)0x200000 = 0x600df00d;
    BOARD->entries = 0;
    asm volatile("pushf; orl $0x40c01, (%%esp); popf\n" /* AC, OF, DF and CF */
                 "out %%al, $0xb2; out_next: nop\n"
                 "pushf; pop %%edi; cld; pushf; andl $~0x40000, (%%esp); popf"
                 : "=a"(eax), "=b"(ebx), "=c"(ecx)
                 : "a"(0x11223344), "b"(0x55667788), "c"(0x99aabbcc)
                 : "edi", "memory", "cc");
    check_eq("an SMI by port B2h", BOARD->entries, 1);
    check_eq("EAX is back", eax, 0x11223344);
    check_eq("EBX is back", ebx, 0x55667788);
    check_eq("ECX is back", ecx, 0x99aabbcc);
    check_eq("CR4 is back", READ_CR(4), cr4 | 8);
    check_eq("DR7 is back", READ_DR(7), 0x700);
    check_eq("inside: CR0.PE, EM, TS, PG clear", BOARD->cr0 & 0x8000000d, 0);
    check_eq("inside: CR4", BOARD->cr4, 0);
    check_eq("inside: EFLAGS", BOARD->flags, 2);
    check_eq("inside: DR7", BOARD->dr7, 0x400);
    check_eq("inside: CS", BOARD->cs, 0x3000);
    check_eq("inside: data beyond 64 KiB and 1 MiB", BOARD->far_byte, 0x600df00d);
    check_eq("revision: relocation and I/O restart", area(0xfefc) & 0x30000, 0x30000);
    if (wide) {
        check_eq("saved RIP: behind the OUT", area(0xff78), (word)out_next);
        check_eq("saved RAX", area(0xfff8), 0x11223344);
        check_eq("saved RBX", area(0xffe0), 0x55667788);
        check_eq("saved CR0", area(0xff58), READ_CR(0));
        check_eq("saved CR4", area(0xff48), cr4 | 8);
        check_eq("saved RFLAGS", area(0xff70) & 0x50d01, 0x40c01);
        check_eq("saved DR7", area(0xff60), 0x700);
        check_eq("saved SMBASE", area(0xff00), 0x30000);
        check_eq("saved GDTR base", area(0xfe68), p.base);
        check_eq("saved GDTR limit", area(0xfe64) & 0xffff, p.limit);
        check_eq("saved CS", area(0xfe10) & 0xffff, SEL_KCODE);
        check_eq("saved CS limit", area(0xfe14), 0xffffffff);
        check_eq("saved I/O word: OUT of a byte to B2h", area(0xfec0), APM << 16 | 0x12);
    } else {
        check_eq("saved EIP: behind the OUT", area(0xfff0), (word)out_next);
        check_eq("saved EAX", area(0xffd0), 0x11223344);
        check_eq("saved CR0", area(0xfffc), READ_CR(0));
        check_eq("saved EFLAGS", area(0xfff4) & 0x50d01, 0x40c01);
        check_eq("saved SMBASE", area(0xfef8), 0x30000);
        check_eq("saved I/O state: OUT of a byte to B2h", area(0xffa4) & ~0x80u, APM << 16 | 3);
    }
    WRITE_DR(7, 0x400);
    WRITE_CR(4, cr4);
    BOARD->entries = 0;
    send_smi();
    wait_entries(1);
    check_eq("an SMI by an IPI", BOARD->entries, 1);
    if (wide)
        check_eq("is not of an I/O instruction", area(0xfec0) & 2, 0);
}

static void test_patches(void)
{
    word eax, flags;

    BOARD->entries = 0;
    patch(wide ? 0xfff8 : 0xffd0, 0xcafe0000);
    patch(wide ? 0xff70 : 0xfff4, 0x8c3);
    asm volatile("out %%al, $0xb2; pushf; pop %1" : "=a"(eax), "=r"(flags) : "a"(1) : "cc");
    check_eq("what the handler put for EAX", eax, 0xcafe0000);
    check_eq("and for EFLAGS", flags & 0x8d5, 0x8c1);
    uint32_t off = wide ? 0xff00 : 0xfef8;
    patch(off, 0x50000);
    install(0x50000);
    apm(0);
    BOARD->base = 0x50000;
    apm(0);
    check_eq("relocated: CS", BOARD->cs, 0x5000);
    check_eq("relocated: SMBASE in its save area", area(off), 0x50000);
    patch(off, 0x30000);
    apm(0);
    BOARD->base = 0x30000;
    apm(0);
    check_eq("and back", BOARD->cs, 0x3000);
    check_eq("five entries", BOARD->entries, 5);
}

/* ---- HLT: the PIT by the IO-APIC raises SMIs ---- */

static void pit_smi(bool on)
{
    IOREGSEL = 0x15, IOWIN = LAPIC(0x20);
    IOREGSEL = 0x14, IOWIN = on ? 0x200 : 0x10000;
    outb(0x43, 0x34), outb(0x40, 0), outb(0x40, 16);
}

static void test_halt(void)
{
    /* halted with IF clear: the SMI ends it for good, since its handler clears the slot */
    BOARD->entries = 0;
    patch(wide ? 0xfec8 : 0xff00, 0);
    BOARD->keep = ~0u;
    pit_smi(true);
    asm volatile("hlt" ::: "memory");
    pit_smi(false);
    BOARD->keep = 0;
    BOARD->n_patches = 0;
    check("a HLT that the handler ended", BOARD->entries >= 1);
    check_eq("the slot said HLT", wide ? area(0xfec8) >> 8 & 1 : area(0xff00) >> 16 & 1, 1);
    /* restart: an interrupt ends it at last; the SMIs alone do not */
    BOARD->entries = 0;
    pit_smi(true);
    LAPIC(0x3e0) = 0xb, LAPIC(0x320) = 0x70, LAPIC(0x380) = 30000000;
    trap.vector = NO_TRAP;
    asm volatile("sti; hlt; cli" ::: "memory");
    pit_smi(false);
    LAPIC(0x320) = 0x10000;
    check("HLT goes on behind RSM, until the interrupt", BOARD->entries >= 1);
    check_eq("which came", trap.vector, 0x70);
}

static bool note_irq(struct frame *f)
{
    if (f->vector == NMI) {
        NMI_COUNT++;
        return true;
    }
    if (f->vector != 0x70)
        return false;
    trap.vector = 0x70;
    LAPIC(0xb0) = 0;
    return true;
}

/* ---- I/O restart ---- */

static void test_restart(void)
{
    static const uint8_t bytes[4] = {1, 2, 3, 4};
    word c = 3, s = (word)bytes;
    uint32_t slot = wide ? 0xfec8 : 0xff00;

    BOARD->entries = 0;
    patch(slot, 0xff);
    apm(0x77);
    check_eq("OUT done over: a second SMI", BOARD->entries, 2);
    check_eq("the port has it", inb(APM), 0x77);
    BOARD->entries = 0;
    patch(slot, 0xff);
    asm volatile("rep outsb" : "+c"(c), "+S"(s) : "d"(APM) : "memory");
    check_eq("REP OUTS, the first done over: four SMIs", BOARD->entries, 4);
    check_eq("ECX", c, 0);
    check_eq("ESI", s, (word)bytes + 3);
    check_eq("the last byte", inb(APM), 3);
    if (wide)
        check_eq("the I/O word: a string, repeated", area(0xfec0), APM << 16 | 0x1e);
}

/* ---- blocking ---- */

static void test_blocked(void)
{
    LAPIC(0x310) = LAPIC(0x20);
    NMI_COUNT = 0;
    BOARD->entries = 0;
    BOARD->inside = 1;
    apm(0);
    check_eq("NMIs inside wait", BOARD->before_iret, 0);
    wait_entries(2);
    check_eq("the SMI that was sent inside comes behind RSM", BOARD->entries, 2);
    check_eq("one NMI of two comes behind RSM", NMI_COUNT, 1);
    /* the handler's own table: its NMI stub counts and returns */
    volatile uint8_t *stub = (volatile uint8_t *)0x9900;
    static const uint8_t code[] = {
        0x66, 0x50, 0x66, 0x67, 0xff, 0x05, 0x00,
        0x98, 0x00, 0x00, 0x66, 0x58, 0xcf}; /* push eax; inc [9800h]; pop eax; iret */

    for (unsigned k = 0; k < sizeof(code); k++)
        stub[k] = code[k];
    *(volatile uint32_t *)(NMI * 4) = 0x9900;
    NMI_COUNT = 0;
    BOARD->entries = 0;
    BOARD->inside = 2;
    *(volatile uint16_t *)0x9a00 = 0x3ff; /* what it gives LIDT: the table at 0 */
    *(volatile uint32_t *)0x9a02 = 0;
    apm(0);
    wait_entries(2);
    check_eq("IRET inside lets an NMI in", BOARD->before_iret << 4 | BOARD->after_iret, 1);
    check_eq("and there is none behind RSM", NMI_COUNT, 1);
}

/* ---- SMRAM ---- */

static void smram(uint32_t v)
{
    pci_write(0x70, (pci_read(0x70) & ~0xff0000u) | v << 16);
}
static uint32_t smram_now(void)
{
    return pci_read(0x70) >> 16 & 0xff;
}

static void test_smram(void)
{
    uint32_t off = wide ? 0xff00 : 0xfef8;
    volatile uint32_t *there = (volatile uint32_t *)0xa8000;

    smram(0x4a);
    install(0xa0000);
    check_eq("open: memory", *there, *(volatile uint32_t *)0x38000);
    patch(off, 0xa0000);
    apm(0);
    BOARD->base = 0xa0000;
    smram(0x0a);
    check("closed: not seen", *there != *(volatile uint32_t *)0x38000);
    *there = 0; /* goes elsewhere */
    BOARD->entries = 0;
    apm(0);
    check_eq("its handler runs", BOARD->entries, 1);
    check_eq("there", BOARD->cs, 0xa000);
    smram(0x1a);
    check_eq("locked", smram_now() & 0x58, 0x18);
    smram(0x4a);
    check_eq("cannot be opened any more", smram_now() & 0x58, 0x18);
    check("and is not seen", *there != *(volatile uint32_t *)0x38000);
    apm(0);
    check_eq("but by its handler", BOARD->entries, 2);
}

void main(void)
{
    wide = has_cpuid(0x80000001, 0, EDX, 29);
    outb(0x21, 0xff), outb(0xa1, 0xff);
    tss_setup();
    trap_hook = note_irq;
    LAPIC(0xf0) = 0x1ff;
    idt_set(0x70, 0, 0xe, 0, true);
    for (unsigned k = 0; k < sizeof(struct board) / 4; k++)
        ((volatile uint32_t *)BOARD)[k] = 0;
    BOARD->base = 0x30000;
    install(0x30000);
    pci_write(0xb58, pci_read(0xb58) | 1u << 25); /* 00:01.3, DEVACTB: APMC_EN */
    test_entry();
    test_patches();
    test_halt();
    test_restart();
    test_blocked();
    test_smram();
}
