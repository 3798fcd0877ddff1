// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The benchmark's workloads, one static program without libc, built for 64 and for 32 bits, run
 * alike on the host and in a guest. Around each workload it prints a "BENCH NAME begin" and "BENCH
 * NAME end" line, unbuffered: whoever reads them takes the time, since an emulated machine's own
 * clock proves nothing. Each result is printed and must be the same everywhere.
 */
#include "sys.h"

#include "numeric.h"
#ifdef __x86_64__
#include "simd.h"
#endif

static uint8_t area[16 << 20];

/* Arithmetic in registers: a multiply-and-rotate mix. */
static uint32_t work_integer(void)
{
    uint32_t a = 1, b = 2, c = 3;

    for (uint32_t i = 0; i < 40000000; i++) {
        a = a * 1664525 + i;
        b ^= a >> 7;
        c += (b << 3) | (b >> 29);
        b -= c;
    }
    return a ^ b ^ c;
}

/* Loads and stores that miss the first-level cache, in a fixed pseudo-random order. */
static uint32_t work_memory(void)
{
    uint32_t *p = (uint32_t *)area, x = 12345, s = 0;

    for (uint32_t i = 0; i < 10000000; i++) {
        x = x * 1103515245 + 12345;
        uint32_t k = (x >> 10) & ((sizeof(area) / 4) - 1);
        s += p[k];
        p[k] = s + i;
    }
    return s;
}

/* Conditional jumps, half of them hard to foresee: a sieve and a collatz walk. */
static uint32_t work_branch(void)
{
    uint32_t s = 0;

    for (uint32_t i = 1; i < 250000; i++)
        for (uint32_t n = i; n != 1; s++)
            n = n & 1 ? n * 3 + 1 : n / 2;
    return s;
}

__attribute__((noinline)) static uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
static uint32_t (*volatile indirect)(uint32_t) = fib;

static uint32_t work_call(void)
{
    uint32_t s = 0;

    for (uint32_t i = 0; i < 1000000; i++)
        s += indirect(i & 3);
    return s + fib(34);
}

/* REP MOVS, STOS, CMPS and SCAS, short and long. */
static uint32_t work_string(void)
{
    uint32_t s = 0;

    for (uint32_t i = 0; i < 300; i++) {
        void *d = area, *q = area + (1 << 20);
        size_t n = 1 << 18;
        asm volatile("rep movsb" : "+D"(d), "+S"(q), "+c"(n)::"memory");
        d = area + i, n = 1 << 16;
        asm volatile("rep stosl" : "+D"(d), "+c"(n) : "a"(i) : "memory");
    }
    for (uint32_t i = 0; i < 1000000; i++) {
        void *d = area + (i & 0xffff), *q = area + 0x20000;
        size_t n = i & 31;
        asm volatile("rep movsb" : "+D"(d), "+S"(q), "+c"(n)::"memory");
    }
    for (uint32_t i = 0; i < 20; i++) {
        void *d = area + (2 << 20);
        size_t n = 1 << 16;
        asm volatile("repne scasb" : "+D"(d), "+c"(n) : "a"(0xee) : "cc", "memory");
        s += (uint32_t)n;
    }
    for (uint32_t i = 0; i < 1 << 18; i++)
        s += area[i];
    return s;
}

/* Double precision, in SSE registers at 64 bits and on the x87 at 32. */
static uint32_t work_float(void)
{
    double x = 0.5, y = 0.25, s = 0;

    for (uint32_t i = 1; i < 8000000; i++) {
        x = x * 0.999999 + y;
        y = y * 0.5 - x / (double)i;
        s += x * y;
    }
    return (uint32_t)(int32_t)(s * 0.001);
}

#ifdef __x86_64__
/* Packed SSE2: integers and floats, aligned. */
static uint32_t work_sse(void)
{
    typedef float v4f __attribute__((vector_size(16)));
    typedef uint32_t v4u __attribute__((vector_size(16)));
    v4f f = {1, 2, 3, 4}, g = {0.5f, 0.25f, 0.125f, 1};
    v4u a = {1, 2, 3, 4}, b = {5, 6, 7, 8};

    for (uint32_t i = 0; i < 8000000; i++) {
        f = f * g + g;
        a += b ^ (a << 5);
        b -= a >> 3;
    }
    return a[0] ^ b[1] ^ a[2] ^ b[3] ^ (uint32_t)f[3];
}
#endif

static uint32_t work_syscall(void)
{
    uint32_t s = 0;

    for (uint32_t i = 0; i < 200000; i++)
        s += sys(NR_GETPPID, 0, 0, 0, 0, 0, 0) >= 0;
    return s;
}

static char self[256];
static char **environ_;

static uint32_t work_fork(void)
{
    uint32_t s = 0;

    for (uint32_t i = 0; i < 150; i++) {
        long pid = sys(NR_FORK, 0, 0, 0, 0, 0, 0);
        if (pid == 0) {
            char *argv[] = {self, "child", NULL};
            sys(NR_EXECVE, (long)self, (long)argv, (long)environ_, 0, 0, 0);
            sys(NR_EXIT, 99, 0, 0, 0, 0, 0);
        }
        int status = -1;
        sys(NR_WAIT4, pid, (long)&status, 0, 0, 0, 0);
        s += status == 7 << 8;
    }
    return s;
}

/* Page tables: map, touch, unmap. */
static uint32_t work_pages(void)
{
    uint32_t s = 0;

    for (uint32_t i = 0; i < 60; i++) {
        size_t len = 512 * 4096;
        uint8_t *p = (uint8_t *)sys(NR_MMAP, 0, (long)len, 3, 0x22, -1, 0);
        if ((long)p < 0 && (long)p > -4096)
            return 0xbad;
        for (size_t k = 0; k < len; k += 4096)
            s += ++p[k];
        sys(NR_MUNMAP, (long)p, (long)len, 0, 0, 0, 0);
    }
    return s;
}

__attribute__((used)) void bench_main(long *stack)
{
    long argc = stack[0];
    char **argv = (char **)(stack + 1);
    const char *only = argc > 1 ? argv[1] : NULL;

    environ_ = argv + argc + 1;
    if (only && only[0] == 'c' && only[1] == 'h' && only[2] == 'i')
        sys(NR_EXIT, 7, 0, 0, 0, 0, 0);
    for (size_t i = 0; i < sizeof(self) - 1 && argv[0][i]; i++)
        self[i] = argv[0][i];
    run("integer", work_integer, only);
    run("memory", work_memory, only);
    run("branch", work_branch, only);
    run("call", work_call, only);
    run("string", work_string, only);
    run("float", work_float, only);
    run("root", work_root, only);
    run("planets", work_planets, only);
    run("mandelbrot", work_mandelbrot, only);
    run("linpack", work_linpack, only);
    run("x87", work_x87, only);
#ifdef __x86_64__
    find_offers();
    run("sse", work_sse, only);
    run("chacha", work_chacha, only);
    run("bytes", work_bytes, only);
    if (offers.avx2) {
        run("chacha256", work_chacha256, only);
        run("bytes256", work_bytes256, only);
    }
    if (offers.avx2 && offers.fma)
        run("fma", work_fma, only);
    if (offers.aes)
        run("aes", work_aes, only);
    if (offers.sha)
        run("sha", work_sha, only);
#endif
    run("syscall", work_syscall, only);
    run("fork", work_fork, only);
    run("pages", work_pages, only);
    sys(NR_EXIT, 0, 0, 0, 0, 0, 0);
}
