// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an MMU is busy with in a guest that runs an operating system: processes that take turns,
 * fork and exec, maps that come and go. One static program without libc, like bench.c, whose marks
 * it prints.
 *   mmu one [REPEAT]     for one processor
 *   mmu two [REPEAT]     work for two, which one does one after the other
 *   mmu NAME [REPEAT]    one workload, for a profile
 *   mmu child            what `exec` runs: it only ends
 * Each workload is done REPEAT times.
 */
#include "sys.h"

#define PAGE 4096u

static uint8_t area[2048 * PAGE];
static char self[256];
static char **environment;

/* ---- processes ---- */

static _Noreturn void end(int status)
{
    for (;;)
        sys(NR_EXIT, status, 0, 0, 0, 0, 0);
}

static long fork_process(void)
{
    return sys(NR_FORK, 0, 0, 0, 0, 0, 0);
}

/* Waits for any child; its status, or -1. */
static int wait_child(void)
{
    int status = -1;

    return sys(NR_WAIT4, -1, (long)&status, 0, 0, 0, 0) > 0 ? status : -1;
}

static void exec_child(void)
{
    char *argv[] = {self, "child", NULL};

    sys(NR_EXECVE, (long)self, (long)argv, (long)environment, 0, 0, 0);
    end(99);
}

/* Runs fn(k) in n processes at once; how many ended well. */
static uint32_t in_processes(unsigned n, void (*fn)(unsigned k))
{
    uint32_t good = 0;

    for (unsigned k = 0; k < n; k++) {
        if (fork_process() == 0) {
            fn(k);
            end(7);
        }
    }
    for (unsigned k = 0; k < n; k++)
        good += wait_child() == 7 << 8;
    return good;
}

/* ---- pages ---- */

static uint8_t *map_pages(size_t pages)
{
    long p = sys(NR_MMAP, 0, (long)(pages * PAGE), 3 /* read, write */, 0x22, -1, 0);

    if (p < 0 && p > -4096)
        end(98);
    return (uint8_t *)p;
}

/* A byte in each page: they add up so that nothing is left out. */
static uint32_t touch(uint8_t *p, size_t pages)
{
    uint32_t s = 0;

    for (size_t k = 0; k < pages; k++)
        s += ++*(volatile uint8_t *)(p + k * PAGE);
    return s;
}

/* ---- turns ---- */

static void yielder(unsigned k)
{
    static int priority = 1;

    (void)k;
    /* first in, first out: each yield is a switch, however fast the machine is */
    sys(NR_SCHED_SETSCHEDULER, 0, 1, (long)&priority, 0, 0, 0);
    for (uint32_t i = 0; i < 50000; i++)
        sys(NR_SCHED_YIELD, 0, 0, 0, 0, 0, 0);
}

/* Two processes that give way to each other. */
static uint32_t work_yield(void)
{
    return in_processes(2, yielder);
}

#define RING_MAX 8
static int ring[RING_MAX][2];
static unsigned ring_size, ring_rounds, ring_pages;

/* Member k waits for a byte from the one before, touches its pages, and passes the byte on. */
static void ring_member(unsigned k)
{
    char byte = 0;

    for (unsigned i = 0; i < ring_rounds; i++) {
        if (sys(NR_READ, ring[k][0], (long)&byte, 1, 0, 0, 0) != 1)
            end(97);
        touch(area, ring_pages);
        if (k == ring_size - 1 && i == ring_rounds - 1)
            break;
        if (sys(NR_WRITE, ring[(k + 1) % ring_size][1], (long)&byte, 1, 0, 0, 0) != 1)
            end(96);
    }
}

/* A byte goes `rounds` times round `members` processes. */
static uint32_t turns(unsigned members, unsigned rounds, unsigned pages)
{
    ring_size = members, ring_rounds = rounds, ring_pages = pages;
    for (unsigned k = 0; k < members; k++) {
        if (sys(NR_PIPE, (long)ring[k], 0, 0, 0, 0, 0))
            end(95);
    }
    if (sys(NR_WRITE, ring[0][1], (long)"", 1, 0, 0, 0) != 1)
        end(94);
    return in_processes(members, ring_member);
}

static uint32_t work_pingpong(void)
{
    return turns(2, 8000, 0);
}

static uint32_t work_turns400(void)
{
    return turns(2, 4000, 400);
}

/* More processes than an MMU may remember the roots of. */
static uint32_t work_ring8(void)
{
    return turns(8, 1500, 40);
}

/* ---- processes that come and go ---- */

/* The child writes to some of what it shares with its parent. */
static uint32_t work_fork(void)
{
    uint32_t good = 0;

    touch(area, 512);
    for (unsigned i = 0; i < 250; i++) {
        if (fork_process() == 0) {
            touch(area, 64);
            end(7);
        }
        good += wait_child() == 7 << 8;
    }
    return good;
}

static uint32_t exec_times(unsigned n)
{
    uint32_t good = 0;

    for (unsigned i = 0; i < n; i++) {
        if (fork_process() == 0)
            exec_child();
        good += wait_child() == 7 << 8;
    }
    return good;
}

static uint32_t work_exec(void)
{
    return exec_times(200);
}

/* What a configure script does. */
static uint32_t work_shell(void)
{
    static char sh[] = "/bin/sh", c[] = "-c",
                script[] = "i=0; while [ $i -lt 25 ]; do i=$((i+1)); x=$(echo $i | /bin/cat | "
                           "/bin/sed s/1/2/); [ -n \"$x\" ] || exit 1; done; exit 7";
    char *argv[] = {sh, c, script, NULL};

    if (fork_process() == 0) {
        sys(NR_EXECVE, (long)sh, (long)argv, (long)environment, 0, 0, 0);
        end(99);
    }
    return wait_child() == 7 << 8;
}

/* ---- maps that come and go ---- */

static uint32_t work_mmap(void)
{
    uint32_t s = 0;

    for (unsigned i = 0; i < 60; i++) {
        uint8_t *p = map_pages(512);

        s += touch(p, 512);
        sys(NR_MUNMAP, (long)p, 512 * PAGE, 0, 0, 0, 0);
    }
    return s;
}

static uint32_t work_mmapsmall(void)
{
    uint32_t s = 0;

    for (unsigned i = 0; i < 2500; i++) {
        uint8_t *p = map_pages(8);

        s += touch(p, 8);
        sys(NR_MUNMAP, (long)p, 8 * PAGE, 0, 0, 0, 0);
    }
    return s;
}

/* Write-protected, read, made writable again, written, as garbage collectors do. */
static uint32_t work_mprotect(void)
{
    uint8_t *p = map_pages(64);
    uint32_t s = 0;

    for (unsigned i = 0; i < 6000; i++) {
        s += touch(p, 64);
        sys(NR_MPROTECT, (long)p, 64 * PAGE, 1, 0, 0, 0);
        for (unsigned k = 0; k < 64; k++)
            s += *(volatile uint8_t *)(p + k * PAGE);
        sys(NR_MPROTECT, (long)p, 64 * PAGE, 3, 0, 0, 0);
    }
    sys(NR_MUNMAP, (long)p, 64 * PAGE, 0, 0, 0, 0);
    return s;
}

/* Misses for want of room, with no change of address space: more pages than a TLB holds. */
static uint32_t work_capacity(void)
{
    uint32_t s = 0;

    for (unsigned i = 0; i < 3000; i++)
        s += touch(area, 2048);
    return s;
}

/* ---- for two processors ---- */

static void compute(unsigned k)
{
    uint32_t *p = (uint32_t *)area, x = 12345 + k;

    for (uint32_t i = 0; i < 20000000; i++) {
        x = x * 1103515245 + 12345;
        p[(x >> 10) & 0x3fff] += x; /* 64 KiB of its own */
    }
}

static void execs(unsigned k)
{
    (void)k;
    if (exec_times(200) != 200)
        end(93);
}

static void either(unsigned k)
{
    if (k < 2)
        compute(k);
    else
        execs(k);
}

static uint32_t work_two_compute(void)
{
    return in_processes(2, compute);
}

static uint32_t work_two_exec(void)
{
    return in_processes(2, execs);
}

static uint32_t work_two_mixed(void)
{
    return in_processes(4, either);
}

/* ---- life ---- */

struct workload {
    const char *name;
    uint32_t (*fn)(void);
};

static const struct workload one[] = {
    {"yield", work_yield},       {"pingpong", work_pingpong}, {"turns400", work_turns400},
    {"ring8", work_ring8},       {"fork", work_fork},         {"exec", work_exec},
    {"shell", work_shell},       {"mmap", work_mmap},         {"mmapsmall", work_mmapsmall},
    {"mprotect", work_mprotect}, {"capacity", work_capacity}, {NULL, NULL},
};

static const struct workload two[] = {
    {"compute2", work_two_compute},
    {"exec2", work_two_exec},
    {"mixed4", work_two_mixed},
    {NULL, NULL},
};

/* Each in a process of its own, so that none finds pages that another has touched. */
static void run_all(const struct workload *w, const char *only)
{
    for (; w->name; w++) {
        if (fork_process() == 0) {
            run(w->name, w->fn, only);
            end(0);
        }
        wait_child();
    }
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

__attribute__((used)) void bench_main(long *stack)
{
    long argc = stack[0];
    char **argv = (char **)(stack + 1);
    const char *what = argc > 1 ? argv[1] : "one";
    bool ones = same(what, "one"), twos = same(what, "two");
    long repeat = argc > 2 ? 0 : 1;

    environment = argv + argc + 1;
    if (same(what, "child"))
        end(7);
    for (size_t i = 0; i < sizeof(self) - 1 && argv[0][i]; i++)
        self[i] = argv[0][i];
    for (const char *p = argc > 2 ? argv[2] : ""; *p; p++)
        repeat = repeat * 10 + (*p - '0');
    for (; repeat > 0; repeat--) {
        if (!twos)
            run_all(one, ones ? NULL : what);
        if (!ones)
            run_all(two, twos ? NULL : what);
    }
    end(0);
}
