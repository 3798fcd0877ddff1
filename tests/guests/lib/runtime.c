/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guests' runtime in C: reporting on the debug port, the trap dispatcher behind enter.S's
 * stubs, descriptor tables, ring 3. See test.h.
 */
#include "test.h"

static unsigned checks, failed;
volatile struct frame trap;
word trap_cr2;
volatile word trap_resume;
bool (*trap_hook)(struct frame *f);
uint8_t user_stack[4096] __attribute__((aligned(16)));
static uint8_t kernel_stack[8192] __attribute__((aligned(16)));

/* gcc may call these even in freestanding code. */
void *memset(void *p, int c, size_t n)
{
    void *d = p;
    asm volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
    return p;
}

void *memcpy(void *d, const void *s, size_t n)
{
    void *p = d;
    asm volatile("rep movsb" : "+D"(p), "+S"(s), "+c"(n)::"memory");
    return d;
}

void puts(const char *s)
{
    for (; *s; s++)
        outb(PORT_DEBUG, (uint8_t)*s);
}

void put_hex(uint64_t v)
{
    int shift = 60;

    puts("0x");
    while (shift > 0 && !(v >> shift))
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        outb(PORT_DEBUG, (uint8_t) "0123456789abcdef"[(v >> shift) & 15]);
}

static void put_dec(unsigned v)
{
    if (v >= 10)
        put_dec(v / 10);
    outb(PORT_DEBUG, (uint8_t)('0' + v % 10));
}

void skip(const char *name)
{
    puts("skip ");
    puts(name);
    puts("\n");
}

void check(const char *name, bool ok)
{
    checks++;
    if (ok)
        return;
    failed++;
    puts("FAIL ");
    puts(name);
    puts("\n");
}

void check_eq(const char *name, uint64_t got, uint64_t want)
{
    checks++;
    if (got == want)
        return;
    failed++;
    puts("FAIL ");
    puts(name);
    puts(": got ");
    put_hex(got);
    puts(", want ");
    put_hex(want);
    puts("\n");
}

void check_trap(const char *name, unsigned vector, word error)
{
    checks++;
    if (trap.vector == vector && trap.error == error)
        return;
    failed++;
    puts("FAIL ");
    puts(name);
    puts(": got vector ");
    put_hex(trap.vector);
    puts(" error ");
    put_hex(trap.error);
    puts(", want ");
    put_hex(vector);
    puts(" error ");
    put_hex(error);
    puts("\n");
}

void check_no_trap(const char *name)
{
    check_trap(name, NO_TRAP, 0);
}

void finish(void)
{
    puts("done: checks=");
    put_dec(checks);
    puts(" failed=");
    put_dec(failed);
    puts("\n");
    outb(PORT_EXIT, failed || !checks ? EXIT_FAIL : EXIT_PASS);
    for (const char *s = "Shutdown"; *s; s++)
        outb(PORT_BOCHS_EXIT, (uint8_t)*s);
    for (;;)
        asm volatile("cli; hlt");
}

/* Every trap comes here from enter.S. */
void trap_c(struct frame *f)
{
    if (trap_hook && trap_hook(f))
        return;
    trap_cr2 = READ_CR(2);
    if (trap_resume) {
        trap = *f;
        f->ip = trap_resume;
        f->flags &= ~(word)0x40500; /* no trap flag, direction or alignment check on the way on */
        trap_resume = 0;
        return;
    }
    if ((f->cs & 3) == 3 || (f->flags & 0x20000)) {
        trap = *f;
        leave_user();
    }
    failed++;
    puts("FAIL unexpected trap: vector ");
    put_hex(f->vector);
    puts(" error ");
    put_hex(f->error);
    puts(" at ");
    put_hex(f->cs);
    puts(":");
    put_hex(f->ip);
    puts(" cr2 ");
    put_hex(trap_cr2);
    puts("\n");
    finish();
}

#ifdef __x86_64__
static uint64_t idt[256][2];
struct tss64 tss;
#else
static uint64_t idt[256][1];
struct tss32 tss;
#endif

void idt_set(unsigned vector, word handler, unsigned type, unsigned dpl, bool present)
{
    if (!handler)
        handler = (word)trap_stubs[vector];
    idt[vector][0] = (handler & 0xffff) | (uint64_t)SEL_KCODE << 16 |
                     (uint64_t)(type | dpl << 5 | (present ? 0x80u : 0)) << 40 |
                     (uint64_t)((handler >> 16) & 0xffff) << 48;
#ifdef __x86_64__
    idt[vector][1] = handler >> 32;
#endif
}

void idt_set_ist(unsigned vector, unsigned ist)
{
    idt[vector][0] = (idt[vector][0] & ~((uint64_t)7 << 32)) | (uint64_t)ist << 32;
}

void idt_setup(void)
{
    struct {
        uint16_t limit;
        word base;
    } __attribute__((packed)) p = {sizeof(idt) - 1, (word)idt};

    for (unsigned i = 0; i < 256; i++)
        idt_set(i, 0, 0xe, i == BP || i == OF || i == 0x80 ? 3 : 0, true);
    asm volatile("lidt %0" ::"m"(p));
}

void gdt_set(unsigned sel, uint32_t base, uint32_t limit, unsigned access, unsigned flags)
{
    gdt[sel >> 3] = (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)access << 40 |
                    (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)flags << 52 |
                    (uint64_t)(base >> 24) << 56;
}

void gdt_reload(void)
{
    struct {
        uint16_t limit;
        word base;
    } __attribute__((packed)) p = {sizeof(gdt) - 1, (word)gdt};

    asm volatile("lgdt %0" ::"m"(p));
}

void tss_setup(void)
{
#ifdef __x86_64__
    tss.rsp[0] = (word)kernel_stack + sizeof(kernel_stack);
    gdt[(SEL_TSS >> 3) + 1] = (word)&tss >> 32;
#else
    tss.esp0 = (word)kernel_stack + sizeof(kernel_stack);
    tss.ss0 = SEL_KDATA;
#endif
    tss.iomap = sizeof(tss); /* none */
    gdt_set(SEL_TSS, (uint32_t)(word)&tss, sizeof(tss) - 1, 0x89, 0);
    gdt_reload();
    asm volatile("ltr %w0" ::"r"(SEL_TSS));
}

void run_user_at(word ip, word cs, word flags, word sp, word ss)
{
    word frame[5] = {ip, cs, flags, sp, ss};

    trap.vector = NO_TRAP;
    trap.error = 0;
    enter_user(frame);
}

void run_user(void (*fn)(void))
{
    word sp = (word)user_stack + sizeof(user_stack) - sizeof(word);

#ifdef __x86_64__
    run_user_at((word)fn, SEL_UCODE64, 0x2, sp, SEL_UDATA);
#else
    run_user_at((word)fn, SEL_UCODE32, 0x2, sp, SEL_UDATA);
#endif
}

bool has_cpuid(uint32_t leaf, uint32_t sub, int reg, unsigned bit)
{
    uint32_t r[4];

    asm volatile("cpuid"
                 : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                 : "a"(leaf & 0x80000000), "c"(0));
    if (r[0] < leaf)
        return false;
    asm volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(sub));
    return r[reg] >> bit & 1;
}
