// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Self-modifying and cross-modified code: the next instruction, one later in the same block, one
 * before a loop's start, another page, an alias, code across a page boundary, code written by
 * string instructions, by a push, by an interrupt frame, and code that is replaced over and over.
 * SDM 3A 11.6 and 8.1.3: on one processor a store is seen by any later fetch after a jump; P6 and
 * later also see it at once, by linear address.
 */
// not on: bochs (keeps an instruction whose second page was exchanged)
#include "test.h"

static uint8_t code[3 * 4096] __attribute__((aligned(4096)));

static void put(uint8_t *at, const char *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ((volatile uint8_t *)at)[i] = (uint8_t)bytes[i];
}

/* mov eax, imm32; ret */
static void put_ret(uint8_t *at, uint32_t v)
{
    put(at, "\xb8\0\0\0\0\xc3", 6);
    for (unsigned i = 0; i < 4; i++)
        ((volatile uint8_t *)at)[1 + i] = (uint8_t)(v >> (8 * i));
}

static uint32_t run(uint8_t *at)
{
    uint32_t v;

    asm volatile("call *%1" : "=a"(v) : "r"(at) : "ecx", "edx", "memory", "cc");
    return v;
}

static void test_rewrite(void)
{
    for (uint32_t i = 0; i < 1000; i++) {
        put_ret(code, i * 0x01010101u);
        if (run(code) != i * 0x01010101u) {
            check_eq("code rewritten before each call", i, ~0u);
            return;
        }
    }
    check("code rewritten before each call", true);
    put_ret(code + 4090, 0x1234);
    check_eq("across a page boundary", run(code + 4090), 0x1234);
    ((volatile uint8_t *)code)[4090 + 4] = 0x77; /* imm's top byte */
    check_eq("across a page boundary, one byte changed", run(code + 4090), 0x77001234);
    put_ret(code + 4093, 0x11223344);
    check_eq("imm32 across a page boundary", run(code + 4093), 0x11223344);
    ((volatile uint8_t *)code)[4096] = 0x99;
    check_eq("its second half changed", run(code + 4093), 0x11993344);
}

/* The next instruction is changed by the one before it: inc eax becomes inc ebx, and so on, without
 * a jump. */
static void test_next(void)
{
    uint32_t a, b;

    asm volatile("xor %%eax, %%eax; xor %%ebx, %%ebx\n"
                 "movb $0x43, 1f\n"
                 "1: .byte 0x40\n"
                 : "=&a"(a), "=&b"(b)::"memory");
    check("the very next instruction", a == 0 && b == 1);
    asm volatile("xor %%eax, %%eax; xor %%ebx, %%ebx\n"
                 "movb $0x43, 1f\n"
                 "nop; nop; nop; nop; nop; nop; nop\n"
                 "1: .byte 0x40\n"
                 : "=&a"(a), "=&b"(b)::"memory");
    check("a few instructions on", a == 0 && b == 1);
    asm volatile("xor %%eax, %%eax; xor %%ebx, %%ebx\n"
                 "mov $5, %%ecx\n"
                 "1: .byte 0x40\n"
                 "movb $0x43, 1b\n"
                 "loop 1b\n"
                 : "=&a"(a), "=&b"(b)::"ecx", "memory");
    check("the head of the running loop", a == 1 && b == 4);
    asm volatile("xor %%eax, %%eax\n"
                 "mov $4, %%ecx\n"
                 "1: incb 2f+2\n"
                 "2: .byte 0x83, 0xc0, 0x10\n"
                 "loop 1b\n"
                 : "=&a"(a)::"ecx", "memory", "cc");
    check_eq("an immediate that grows in a loop", a, 0x11 + 0x12 + 0x13 + 0x14);
}

static void test_writers(void)
{
    uint8_t image[16], *p = image;
    uint32_t d, s, c;

    put_ret(code, 1);
    run(code);
    put_ret(p, 0xabcd0123);
    asm volatile("rep movsb"
                 : "=D"(d), "=S"(s), "=c"(c)
                 : "0"(code), "1"(image), "2"(6)
                 : "memory");
    check_eq("written by rep movsb", run(code), 0xabcd0123);
    asm volatile(
        "mov %%esp, %%edx; mov %0, %%esp; push $0xc3; push %1; mov %%edx, %%esp" ::"r"(code + 13),
        "r"(0x5566b890)
        : "edx", "memory");
    check_eq("written by push", *(volatile uint32_t *)(code + 5), 0x5566b890);
    put_ret(code, 2);
    run(code);
    asm volatile("lock xchg %b0, %1" ::"q"(7), "m"(code[1]) : "memory");
    check_eq("written by xchg", run(code), 7);
    asm volatile("lock orl $0x100, %0" : "+m"(*(uint32_t *)&code[1]));
    check_eq("written by lock or", run(code), 0x107);
    asm volatile("fninit; fildl %1; fistpl %0"
                 : "=m"(*(uint32_t *)&code[1])
                 : "m"(*(const uint32_t *)"\x21\x43\x65\x07"));
    check_eq("written by the x87", run(code), 0x07654321);
}

/* The same frame under two linear addresses. */
static void test_alias(void)
{
    uint32_t *dir = (uint32_t *)0x200000, *low = (uint32_t *)0x201000, *high = (uint32_t *)0x202000;

    for (unsigned i = 0; i < 1024; i++) {
        dir[i] = 0;
        low[i] = i << 12 | 7;
        high[i] = ((uint32_t)code + (i << 12)) | 7;
    }
    dir[0] = (uint32_t)low | 7;
    dir[1] = (uint32_t)high | 7;
    WRITE_CR(3, dir);
    WRITE_CR(0, READ_CR(0) | 0x80000000);
    uint8_t *alias = (uint8_t *)0x400000;
    put_ret(code, 0x11);
    check_eq("run at one address", run(code), 0x11);
    check_eq("run at its alias", run(alias), 0x11);
    put_ret(alias, 0x22);
    check_eq("written by the alias", run(code), 0x22);
    put_ret(code, 0x33);
    check_eq("written at home, run at the alias", run(alias), 0x33);
    /* another frame appears at an address that has run */
    put_ret(code + 4096, 0x44);
    high[0] = ((uint32_t)code + 4096) | 7;
    invlpg(0x400000);
    check_eq("remapped", run(alias), 0x44);
    check_eq("the old frame is as it was", run(code), 0x33);
    /* an instruction across two pages, of which the second is remapped */
    put_ret(alias + 4093,
            0x01020304); /* into code+4096+4093 and code+4096 again (high[1] is code+4096) */
    uint32_t first = run(alias + 4093);
    *(volatile uint8_t *)(code + 8192) = 0x66;
    high[1] = ((uint32_t)code + 8192) | 7;
    *(volatile uint8_t *)(code + 8193) = 0x01;
    *(volatile uint8_t *)(code + 8194) = 0xc3;
    invlpg(0x401000);
    check_eq("an instruction whose second page was exchanged", run(alias + 4093), 0x01660304);
    check_eq("and before that", first, 0x01020304);
    WRITE_CR(0, READ_CR(0) & ~0x80000000);
}

/* Code that writes code in its own page, much of the time: data and code in one page must work, if
 * slowly. */
static void test_mixed(void)
{
    uint32_t n;

    put(code, "\xff\x05", 2); /* inc dword [code + 64] */
    *(volatile uint32_t *)(code + 2) = (uint32_t)code + 64;
    put(code + 6, "\xe2\xf8\xc3", 3); /* loop code; ret */
    *(volatile uint32_t *)(code + 64) = 0;
    asm volatile("call *%1" : "=c"(n) : "a"(code), "0"(100000) : "memory");
    check_eq("a counter beside its code", *(volatile uint32_t *)(code + 64), 100000);
}

void main(void)
{
    test_rewrite();
    test_next();
    test_writers();
    test_alias();
    test_mixed();
}
