// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Four processors: brought up by INIT-SIPI-SIPI, counted by locked instructions, sent to by every
 * kind of IPI destination, NMI included, halted and waked, shooting down each other's translations,
 * changing each other's code, put back by INIT. SDM 3A 9.4 (MP initialisation), 11.6 (IPIs), 5.10.5
 * (invalidation over processors), 9.1.3 (cross-modifying code).
 */
// options: -smp 4
// not on: bochs (its configuration has one processor)
#include "smp.h"

#define CPUS      4u
#define VEC_COUNT 0x50
#define VEC_SHOOT 0x51
#define VEC_WAKE  0x52
#define PATIENCE  200000000u
#define WINDOW    0x00800000u

static volatile uint32_t up, started[CPUS], command, finished, hits[CPUS][256];
static volatile uint32_t counted, spin, plain, halting, seen[CPUS];
static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t table[1024] __attribute__((aligned(4096)));
static uint32_t page_a[1024] __attribute__((aligned(4096)));
static uint32_t page_b[1024] __attribute__((aligned(4096)));
static uint8_t code[4096] __attribute__((aligned(4096)));
static uint8_t split[8192] __attribute__((aligned(4096)));

enum { WAIT, COUNT, SPLIT, SPIN, HALT, LOOK, RUN_CODE };

static bool patient(volatile uint32_t *what, uint32_t want)
{
    for (unsigned i = 0; *what != want && i < PATIENCE; i++)
        asm volatile("pause" ::: "memory");
    return *what == want;
}

static void locked_inc(volatile uint32_t *p)
{
    asm volatile("lock incl %0" : "+m"(*p)::"cc");
}

static bool interrupt(struct frame *f)
{
    if (f->vector != 2 && f->vector < 0x20)
        return false;
    if (f->vector == VEC_SHOOT)
        invlpg(WINDOW);
    locked_inc(&hits[me()][f->vector]);
    if (f->vector != 2)
        LAPIC(0xb0) = 0;
    return true;
}

static void work(uint32_t what)
{
    uint32_t one = 1;

    switch (what) {
    case COUNT:
        for (unsigned i = 0; i < 20000; i++) {
            asm volatile("lock addl $1, %0" : "+m"(counted)::"cc");
            asm volatile("lock xaddl %0, %1" : "+r"(one), "+m"(counted)::"cc");
            one = 1;
        }
        break;
    case SPLIT:
        for (unsigned i = 0; i < 2000; i++)
            asm volatile("lock addl $1, %0" : "+m"(*(uint32_t *)(split + 4094))::"cc");
        break;
    case SPIN:
        for (unsigned i = 0; i < 5000; i++) {
            uint32_t v;

            do {
                v = 1;
                asm volatile("xchgl %0, %1" : "+r"(v), "+m"(spin)::"memory");
            } while (v);
            plain++;
            asm volatile("" ::: "memory");
            spin = 0;
        }
        break;
    case HALT:
        locked_inc(&halting);
        asm volatile("sti; hlt; cli" ::: "memory");
        break;
    case LOOK: seen[me()] = *(volatile uint32_t *)WINDOW; break;
    case RUN_CODE: {
        uint32_t v, b, c, d;

        asm volatile("cpuid" : "=a"(v), "=b"(b), "=c"(c), "=d"(d) : "0"(0), "2"(0) : "memory");
        asm volatile("call *%1" : "=a"(v) : "r"(code) : "ecx", "edx", "memory", "cc");
        seen[me()] = v;
        break;
    }
    }
}

/* An application processor's life: each new command once, interrupts open meanwhile. */
void ap_main(void)
{
    uint32_t last = 0, c;
    unsigned id = me();

    LAPIC(0xf0) = 0x1ff;
    LAPIC(0xd0) = 1u << (24 + id); /* logical id, flat */
    LAPIC(0xe0) = 0xffffffff;
    WRITE_CR(3, directory);
    WRITE_CR(4, READ_CR(4) | 0x10);
    WRITE_CR(0, READ_CR(0) | 0x80000000u);
    locked_inc(&started[id]);
    locked_inc(&up);
    for (;;) {
        asm volatile("sti");
        while ((c = command) == last)
            asm volatile("pause" ::: "memory");
        asm volatile("cli");
        last = c;
        work(c & 0xff);
        locked_inc(&finished);
    }
}

/* Everyone does `what` (the bootstrap processor too when `too`); true when all came back. */
static bool all_do(uint32_t what, bool too)
{
    static uint32_t n;
    uint32_t want = CPUS - 1;

    finished = 0;
    command = ++n << 8 | what;
    if (too)
        work(what);
    return patient(&finished, want);
}

static bool start_up(unsigned want)
{
    ap_start_all();
    return patient(&up, want);
}

static void test_start(void)
{
    check("the others wait for their start", up == 0);
    check("all came up", start_up(CPUS - 1));
    for (unsigned id = 1; id < CPUS; id++)
        check_eq("each came up once", started[id], 1);
    check_eq("the base MSR says who is the bootstrap processor", rdmsr(0x1b) >> 8 & 1, 1);
}

static void test_locked(void)
{
    check("counting ends", all_do(COUNT, true));
    check_eq("LOCK ADD and XADD lose nothing", counted, CPUS * 40000);
    check("counting across pages ends", all_do(SPLIT, true));
    check_eq("nor do split ones", *(uint32_t *)(split + 4094), CPUS * 2000);
    check("spinning ends", all_do(SPIN, true));
    check_eq("XCHG keeps one at a time", plain, CPUS * 5000);
}

static uint32_t total(unsigned vector)
{
    uint32_t n = 0;

    for (unsigned id = 0; id < CPUS; id++)
        n += hits[id][vector];
    return n;
}

static bool patient_total(unsigned vector, uint32_t want)
{
    asm volatile("sti");
    for (unsigned i = 0; total(vector) != want && i < PATIENCE; i++)
        asm volatile("pause" ::: "memory");
    asm volatile("cli");
    return total(vector) == want;
}

static void test_ipis(void)
{
    for (uint32_t id = 1; id < CPUS; id++) {
        ipi(id, 0x4000 | VEC_COUNT);
        check("physical destination", patient(&hits[id][VEC_COUNT], 1));
    }
    ipi(0x0a, 0x4800 | VEC_COUNT); /* logical, flat: processors 1 and 3 */
    check("logical destinations", patient_total(VEC_COUNT, 5));
    check_eq("not the one between", hits[2][VEC_COUNT], 1);
    ipi(0, 0xc4000 | VEC_COUNT);
    check("all but self", patient_total(VEC_COUNT, 8));
    check_eq("not self", hits[0][VEC_COUNT], 0);
    ipi(0, 0x84000 | VEC_COUNT);
    check("all and self", patient_total(VEC_COUNT, 12));
    ipi(0, 0x44000 | VEC_COUNT);
    check("self", patient_total(VEC_COUNT, 13));
    check_eq("self alone", hits[0][VEC_COUNT], 2);
    ipi(0xff, 0x4000 | VEC_COUNT);
    check("physical broadcast", patient_total(VEC_COUNT, 17));
    ipi(0x0e, 0x4900 | VEC_COUNT); /* lowest priority, one of 1, 2, 3 */
    check("lowest priority goes to one", patient_total(VEC_COUNT, 18));
    check_eq("of those named", hits[0][VEC_COUNT], 3);
    ipi(0, 0xc4400);
    check("NMI to the others", patient_total(2, CPUS - 1));
    check_eq("and not to self", hits[0][2], 0);
}

static void test_halt(void)
{
    finished = 0;
    command = 0x800000 | HALT;
    check("all halt", patient(&halting, CPUS - 1));
    for (unsigned i = 0; i < 100000; i++)
        asm volatile("pause");
    check_eq("halted ones stay so", finished, 0);
    for (uint32_t id = 1; id < CPUS; id++) {
        ipi(id, 0x4000 | VEC_WAKE);
        check("an IPI wakes its own", patient(&finished, id));
    }
}

/* The window is mapped to another page; after the others have acknowledged, none sees the old. */
static void test_shootdown(void)
{
    bool stale = false, came = true;

    for (uint32_t round = 0; round < 200; round++) {
        uint32_t want = round & 1 ? 0xbbbb : 0xaaaa, before = total(VEC_SHOOT);

        table[0] = (uint32_t)(round & 1 ? page_b : page_a) | 3;
        invlpg(WINDOW);
        ipi(0, 0xc4000 | VEC_SHOOT);
        came &= patient_total(VEC_SHOOT, before + CPUS - 1);
        came &= all_do(LOOK, true);
        for (unsigned id = 0; id < CPUS; id++)
            stale |= seen[id] != want;
    }
    check("every shootdown is acknowledged", came);
    check("no stale translation after it", !stale);
}

static void test_code(void)
{
    bool old = false, came = true;

    for (uint32_t round = 1; round <= 500; round++) {
        ((volatile uint8_t *)code)[0] = 0xb8; /* mov eax, round; ret */
        for (unsigned i = 0; i < 4; i++)
            ((volatile uint8_t *)code)[1 + i] = (uint8_t)(round >> (8 * i));
        ((volatile uint8_t *)code)[5] = 0xc3;
        came &= all_do(RUN_CODE, true);
        for (unsigned id = 0; id < CPUS; id++)
            old |= seen[id] != round;
    }
    check("everyone runs it", came);
    check("nobody runs old code", !old);
}

static void test_again(void)
{
    up = 0;
    ipi(2, 0x4500);
    ipi(2, 0x4600 | AP_PAGE >> 12);
    check("INIT and SIPI bring one back", patient(&up, 1));
    check_eq("that one", started[2], 2);
    ipi(2, 0x4600 | AP_PAGE >> 12);
    for (unsigned i = 0; i < 100000; i++)
        asm volatile("pause");
    check_eq("a SIPI to one that runs does nothing", started[2], 2);
    check("all work on", all_do(COUNT, true));
    check_eq("and count", counted, 2 * CPUS * 40000);
}

void main(void)
{
    trap_hook = interrupt;
    for (unsigned i = 0; i < 1024; i++) {
        page_a[i] = 0xaaaa;
        page_b[i] = 0xbbbb;
        directory[i] = i << 22 | 0x83; /* one to one */
    }
    table[0] = (uint32_t)page_a | 3;
    directory[WINDOW >> 22] = (uint32_t)table | 3;
    LAPIC(0xf0) = 0x1ff;
    LAPIC(0xd0) = 1u << 24;
    LAPIC(0xe0) = 0xffffffff;
    WRITE_CR(3, directory);
    WRITE_CR(4, READ_CR(4) | 0x10);
    WRITE_CR(0, READ_CR(0) | 0x80000000u);
    test_start();
    test_locked();
    test_ipis();
    test_halt();
    test_shootdown();
    test_code();
    test_again();
    finish();
}
