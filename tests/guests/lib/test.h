/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What guests in C get from lib/runtime.c: checks, faults that are expected, ring 3, descriptors,
 * ports. A guest is one file with `void main(void)`; it is compiled for 32 or for 64 bits and runs
 * with interrupts off, at ring 0, in flat memory (see enter.S).
 */
#ifndef TEST_H
#define TEST_H

#include "guest.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uintptr_t word; /* a register */

/* What the entry stubs save, as it lies on the stack. */
struct frame {
#ifdef __x86_64__
    word ax, bx, cx, dx, si, di, bp, r8, r9, r10, r11, r12, r13, r14, r15;
#else
    word di, si, bp, unused_sp, bx, dx, cx, ax;
    word ds, es, fs, gs;
#endif
    word vector, error;
    word ip, cs, flags, sp, ss; /* 32 bits: sp and ss only when the privilege changed */
#ifndef __x86_64__
    word v86_es, v86_ds, v86_fs, v86_gs;
#endif
};

/* The last exception that was expected (EXPECT) or came from ring 3; vector is NO_TRAP when there
 * was none. */
#define NO_TRAP 0xffff
extern volatile struct frame trap;
extern word trap_cr2;

/* Called first for every trap; true: handled, go back. */
extern bool (*trap_hook)(struct frame *f);

/* Where EXPECT goes on after a fault; 0 when none is expected. */
extern volatile word trap_resume;

/* Runs instructions that may fault; afterwards trap.vector and trap.error tell. Operands as in asm.
 */
#ifdef __x86_64__
#define RESUME "movq $771f, trap_resume;"
#else
#define RESUME "movl $771f, trap_resume;"
#endif
#define ATTEMPT(insns, ...)                                                                        \
    do {                                                                                           \
        trap.vector = NO_TRAP;                                                                     \
        trap.error = 0;                                                                            \
        asm volatile(RESUME insns "\n771: " __VA_ARGS__);                                          \
        trap_resume = 0;                                                                           \
    } while (0)

void check(const char *name, bool ok);
void check_eq(const char *name, uint64_t got, uint64_t want);
/* The last ATTEMPT or run_user ended in this exception with this error code. */
void check_trap(const char *name, unsigned vector, word error);
void check_no_trap(const char *name);
void puts(const char *s);
void put_hex(uint64_t v);
void skip(const char *name); /* prints that something is not offered by this CPU */
void finish(void) __attribute__((noreturn));

void idt_setup(void);
extern uint8_t trap_stubs[][16];
/* Points vector at the common stub (or at `handler`) with this type (0xe interrupt, 0xf trap gate)
 * and DPL. */
void idt_set(unsigned vector, word handler, unsigned type, unsigned dpl, bool present);
void idt_set_ist(unsigned vector, unsigned ist);

extern uint64_t gdt[GDT_ENTRIES];
/* Fills selector's descriptor: access is bits 47..40, flags bits 55..52. */
void gdt_set(unsigned sel, uint32_t base, uint32_t limit, unsigned access, unsigned flags);
void gdt_reload(void);

/* A TSS with a ring-0 stack, loaded in TR; needed before run_user. */
struct tss32 {
    uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs, ldt;
    uint16_t trap, iomap;
    uint8_t io[32];
};
struct tss64 {
    uint32_t reserved0;
    uint64_t rsp[3], reserved1, ist[7], reserved2;
    uint16_t reserved3, iomap;
    uint8_t io[32];
} __attribute__((packed));
#ifdef __x86_64__
extern struct tss64 tss;
#else
extern struct tss32 tss;
#endif
void tss_setup(void);

/* Runs fn at ring 3 until it traps; any trap (unless trap_hook takes it) returns here with `trap`
 * filled. */
void run_user(void (*fn)(void));
void run_user_at(word ip, word cs, word flags, word sp, word ss);
void enter_user(word frame[5]);
void leave_user(void) __attribute__((noreturn));
extern uint8_t user_stack[4096];

bool has_cpuid(uint32_t leaf, uint32_t sub, int reg, unsigned bit); /* reg 0..3: eax ebx ecx edx */
enum { EAX, EBX, ECX, EDX };

static inline void outb(uint16_t port, uint8_t v)
{
    asm volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}
static inline void outw(uint16_t port, uint16_t v)
{
    asm volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}
static inline void outl(uint16_t port, uint32_t v)
{
    asm volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}
static inline uint8_t inb(uint16_t port)
{
    uint8_t v;
    asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline uint16_t inw(uint16_t port)
{
    uint16_t v;
    asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline uint32_t inl(uint16_t port)
{
    uint32_t v;
    asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;
    asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return lo | (uint64_t)hi << 32;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
    asm volatile("wrmsr" ::"c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}
static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;
    asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return lo | (uint64_t)hi << 32;
}
#define READ_CR(n)                                                                                 \
    ({                                                                                             \
        word v_;                                                                                   \
        asm volatile("mov %%cr" #n ", %0" : "=r"(v_));                                             \
        v_;                                                                                        \
    })
#define WRITE_CR(n, v) asm volatile("mov %0, %%cr" #n ::"r"((word)(v)) : "memory")
#define READ_DR(n)                                                                                 \
    ({                                                                                             \
        word v_;                                                                                   \
        asm volatile("mov %%dr" #n ", %0" : "=r"(v_));                                             \
        v_;                                                                                        \
    })
#define WRITE_DR(n, v) asm volatile("mov %0, %%dr" #n ::"r"((word)(v)))

static inline void invlpg(word addr)
{
    asm volatile("invlpg (%0)" ::"r"(addr) : "memory");
}

/* Exceptions by their manual names. */
enum { DE, DB, NMI, BP, OF, BR, UD, NM, DF, TS = 10, NP, SS, GP, PF, MF = 16, AC, XM = 19 };

#endif
