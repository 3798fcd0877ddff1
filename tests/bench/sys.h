/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the benchmark's static programs have instead of a libc: system calls for 64 and 32 bits,
 * text, marks around a workload, and the entry, which calls `void bench_main(long *stack)` with the
 * stack as the kernel made it: argc, argv, NULL, environment.
 */
#ifndef TESTS_BENCH_SYS_H
#define TESTS_BENCH_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __x86_64__
enum {
    NR_READ = 0,
    NR_WRITE = 1,
    NR_MMAP = 9,
    NR_MPROTECT = 10,
    NR_MUNMAP = 11,
    NR_PIPE = 22,
    NR_SCHED_YIELD = 24,
    NR_FORK = 57,
    NR_EXECVE = 59,
    NR_EXIT = 60,
    NR_WAIT4 = 61,
    NR_GETPPID = 110,
    NR_SCHED_SETSCHEDULER = 144
};
static long sys(long n, long a, long b, long c, long d, long e, long f)
{
    long r;
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    register long r9 asm("r9") = f;

    asm volatile("syscall"
                 : "=a"(r)
                 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return r;
}
#define WIDTH "64"
#else
enum {
    NR_EXIT = 1,
    NR_FORK = 2,
    NR_READ = 3,
    NR_WRITE = 4,
    NR_EXECVE = 11,
    NR_PIPE = 42,
    NR_GETPPID = 64,
    NR_MUNMAP = 91,
    NR_WAIT4 = 114,
    NR_MPROTECT = 125,
    NR_SCHED_SETSCHEDULER = 156,
    NR_SCHED_YIELD = 158,
    NR_MMAP = 192
};
static long sys(long n, long a, long b, long c, long d, long e, long f)
{
    long r;
    long args[7] = {n, a, b, c, d, e, f};

    asm volatile("push %%ebp; push %%ebx\n"
                 "mov 24(%1), %%ebp; mov 20(%1), %%edi; mov 16(%1), %%esi; mov 12(%1), %%edx; mov "
                 "8(%1), %%ecx; mov 4(%1), %%ebx\n"
                 "mov (%1), %%eax; int $0x80\n"
                 "pop %%ebx; pop %%ebp"
                 : "=a"(r)
                 : "0"(args)
                 : "ecx", "edx", "esi", "edi", "memory");
    return r;
}
#define WIDTH "32"
#endif

static void put(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    sys(NR_WRITE, 1, (long)s, (long)n, 0, 0, 0);
}

void *memset(void *p, int c, size_t n)
{
    uint8_t *d = p;

    while (n--)
        *d++ = (uint8_t)c;
    return p;
}

/* Does the work between its two marks, unless `only` names another. */
static void run(const char *name, uint32_t (*fn)(void), const char *only)
{
    char text[9] = "00000000";
    uint32_t r;

    for (size_t i = 0; only && (only[i] || name[i]); i++)
        if (only[i] != name[i])
            return;
    put("BENCH " WIDTH "-");
    put(name);
    put(" begin\n");
    r = fn();
    put("BENCH " WIDTH "-");
    put(name);
    put(" end ");
    for (int i = 0; i < 8; i++)
        text[i] = "0123456789abcdef"[r >> (28 - 4 * i) & 15];
    put(text);
    put("\n");
}

#ifdef __x86_64__
asm(".globl _start\n_start: mov %rsp, %rdi; and $-16, %rsp; call bench_main");
#else
asm(".globl _start\n_start: mov %esp, %eax; and $-16, %esp; sub $12, %esp; push %eax; call "
    "bench_main");
#endif

#endif
