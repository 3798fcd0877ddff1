// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Code that one processor changes while others run it: an immediate by one aligned store, a byte,
 * an instruction by way of INT3 as kernels do, any bytes by the manual's protocol; written at the
 * address that runs or at an alias of it, by plain, locked and string stores; every processor
 * rewriting code of its own beside the others' in one page; a page that is code, a page table and
 * data by turns. SDM 3A 9.1.3 (self- and cross-modifying code), 12.6.
 */
// options: -smp 4
// not on: bochs (its configuration has one processor) qemu (TCG runs old code after a locked store)
#include "smp_paging.h"

#define CPUS    4u
#define ALIAS   0x80000000u /* the code pages once more */
#define TABLE   0x80400000u /* what the page of many uses maps when it is a page table */
#define ROUNDS  1500u
#define IMM32   0x1000u /* offsets in code: an immediate that is aligned, */
#define IMM8    0x1040u
#define POKED   0x1080u /* an instruction that is changed by INT3, */
#define FREE    0x0fe0u /* anything, across pages */
#define OWN(c)  (0x2000u + (c)*64)
#define MANY    0x3000u /* the page of many uses */
#define JUMP    "\xe9\x06\0\0\0"
#define NOTHING "\x0f\x1f\x44\0\0"

static uint32_t root[1024] __attribute__((aligned(4096)));
static uint32_t alias[1024] __attribute__((aligned(4096)));
static uint8_t code[0x4000] __attribute__((aligned(4096)));
static uint32_t frames[4][1024] __attribute__((aligned(4096)));

/* A version is intended before its first store and settled when all have heard. */
static volatile uint32_t intended, settled, asked, acked[CPUS], parked, stop, ran[CPUS];
static volatile uint32_t int3s[CPUS];

static void serialize(void)
{
    uint32_t a = 0, b, c = 0, d;

    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d)::"memory");
}

static uint8_t *at(uint32_t offset, bool by_alias)
{
    return by_alias ? (uint8_t *)ALIAS + offset : code + offset;
}

static uint32_t run(uint32_t offset, bool by_alias)
{
    uint32_t v;

    asm volatile("call *%1" : "=a"(v) : "r"(at(offset, by_alias)) : "ecx", "edx", "memory", "cc");
    return v;
}

/* Bytes by one of several ways of storing. */
static void put(uint8_t *to, const char *bytes, uint32_t n)
{
    if (rnd(2)) {
        asm volatile("rep movsb" : "+D"(to), "+S"(bytes), "+c"(n)::"memory");
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        *(volatile uint8_t *)(to + i) = (uint8_t)bytes[i];
}

static void put_byte(uint8_t *to, uint8_t v)
{
    if (rnd(2))
        *(volatile uint8_t *)to = v;
    else
        asm volatile("xchg %0, %1" : "+q"(v), "+m"(*to)::"memory");
}

static void put_word(uint8_t *to, uint32_t v)
{
    volatile uint32_t *p = (volatile uint32_t *)to;
    uint32_t old = *p;

    switch (rnd(3)) {
    case 0: *p = v; break;
    case 1: asm volatile("xchg %0, %1" : "+r"(v), "+m"(*p)::"memory"); break;
    default: asm volatile("lock cmpxchg %2, %1" : "+a"(old), "+m"(*p) : "r"(v) : "memory", "cc");
    }
}

static void put_mov(uint8_t *to, uint32_t v) /* mov eax, v; ret */
{
    char bytes[6] = {'\xb8', (char)v, (char)(v >> 8), (char)(v >> 16), (char)(v >> 24), '\xc3'};

    put(to, bytes, 6);
}

/* ---- hearing of changes ---- */
static void hear(unsigned cpu)
{
    uint32_t seq = asked;

    if (acked[cpu] == seq)
        return;
    acked[cpu] = seq;
    while (parked == seq)
        relax();
    WRITE_CR(3, root);
    serialize();
}

static void tell(bool park)
{
    uint32_t seq = asked + 1;

    if (park)
        parked = seq;
    asked = seq;
    for (unsigned c = 1; c < CPUS; c++) {
        while (acked[c] != seq)
            relax();
    }
}

static void release(void)
{
    parked = 0;
    WRITE_CR(3, root);
    serialize();
}

static bool int3_trap(struct frame *f)
{
    uint32_t offset = f->ip - 1 - (f->ip >= ALIAS ? ALIAS : (word)code);

    if (f->vector == BP && offset == POKED) {
        int3s[self()]++;
        f->ip += 4;
        return true;
    }
    return probe_trap(f);
}

/* ---- one test: what a version returns, how it is made, how the code is run ---- */
static uint32_t (*volatile value)(uint32_t v);
static volatile uint32_t where;

static void run_once(unsigned cpu)
{
    uint32_t lo = settled, hits = int3s[cpu], hi, r = run(where, rnd(2));
    bool good = false;

    hi = intended;
    for (uint32_t v = lo; v - lo <= hi - lo && !good; v++)
        good = r == value(v);
    if (!good)
        fail_here("result", where, r, lo, hi);
    if (lo == hi && int3s[cpu] != hits)
        fail_here("an INT3 that is gone", where, r, lo, hi);
    ran[cpu]++;
}

static void runner(unsigned cpu)
{
    for (uint32_t since = 0, last = 0; !stop;) {
        hear(cpu);
        if (last != intended) {
            last = intended;
            since = 0;
        }
        if (since++ < 30)
            run_once(cpu);
        else
            relax();
    }
}

static void versions(const char *name, uint32_t offset, void (*make)(uint32_t v),
                     uint32_t (*result)(uint32_t v))
{
    intended = settled = stop = 0;
    value = result;
    where = offset;
    make(0);
    serialize();
    for (unsigned c = 0; c < CPUS; c++)
        ran[c] = 0;
    everyone(runner);
    for (uint32_t v = 1; v <= ROUNDS; v++) {
        intended = v;
        make(v);
        serialize();
        tell(false);
        settled = v;
        run_once(0);
    }
    stop = 1;
    everyone_done();
    for (unsigned c = 0; c < CPUS; c++)
        check("every processor has run it", ran[c] >= ROUNDS);
    report_failures(name, CPUS);
}

static uint32_t result_word(uint32_t v)
{
    return v * 0x01010101u;
}
static void make_word(uint32_t v)
{
    if (!v) {
        put_mov(code + IMM32 - 1, 0);
        return;
    }
    put_word(at(IMM32, rnd(2)), result_word(v));
}

static uint32_t result_byte(uint32_t v)
{
    return v & 0xff;
}
static void make_byte(uint32_t v)
{
    if (!v)
        put(code + IMM8, "\x31\xc0\xb0\x00\xc3", 5); /* xor eax, eax; mov al, 0; ret */
    else
        put_byte(at(IMM8 + 3, rnd(2)), (uint8_t)v);
}

static uint32_t result_poke(uint32_t v)
{
    return v & 1;
}
static void make_poke(uint32_t v)
{
    uint8_t *p = at(POKED, rnd(2));
    const char *bytes = v & 1 ? JUMP : NOTHING;

    if (!v) {
        put(code + POKED, NOTHING "\xb8\0\0\0\0\xc3\xb8\1\0\0\0\xc3", 17);
        return;
    }
    put_byte(p, 0xcc);
    tell(false);
    put(p + 1, bytes + 1, 4);
    tell(false);
    put_byte(p, (uint8_t)bytes[0]);
}

/* Any length and place of code, while nobody runs it. */
static void make_any(uint32_t v)
{
    static const char *const fill[] = {"\x90", "\x89\xf6", "\x0f\x1f\x00", "\x8d\x74\x26\x00"};
    uint8_t *p = at(FREE, rnd(2));
    uint32_t n = 0, until = rnd(30);

    if (v)
        tell(true);
    while (n < until) {
        uint32_t k = rnd(4);
        put(p + n, fill[k], k + 1);
        n += k + 1;
    }
    put_mov(p + n, result_word(v));
    settled = v; /* before anyone goes on */
    if (v)
        release();
}

/* ---- each its own code, side by side ---- */
static void rewrite_own(unsigned cpu)
{
    for (uint32_t n = 1; n <= 4 * ROUNDS; n++) {
        uint32_t v = cpu << 24 | n, r;
        bool there = rnd(2);

        if (n % 64 == 1)
            put_mov(at(OWN(cpu), there), v);
        else
            put_word(at(OWN(cpu) + 1, there), v);
        serialize(); /* it may have been written at the alias */
        r = run(OWN(cpu), rnd(2));
        if (r != v)
            fail_here("code of its own", r, v, there, 0);
    }
}

/* ---- a page of many uses ---- */
enum { AS_CODE, AS_TABLE, AS_DATA, USES };
static volatile uint32_t use;

static void use_page(unsigned cpu)
{
    uint32_t now_is = use, v = settled, k = rnd(4), is = 0;

    if (now_is == AS_CODE) {
        is = run(MANY + (v % 7) * 16, rnd(2));
        if (is != v)
            fail_here("the page as code", is, v, cpu, 0);
    } else if (now_is == AS_TABLE) {
        uint32_t err = load(TABLE + ((v + k) % 1024) * 4096, &is);
        if (err || is != 0xf00d0000 + (k + v) % 4)
            fail_here("the page as a table", err, is, v, k);
        err = load(TABLE + ((v + 4) % 1024) * 4096, &is);
        if (err != FAULTED)
            fail_here("the page as a table, absent", err, is, v, k);
    } else {
        volatile uint32_t *mine = (volatile uint32_t *)at(MANY + 0x800 + cpu * 4, rnd(2));
        *mine = v ^ cpu;
        is = *(volatile uint32_t *)at(MANY + 0x800 + cpu * 4, rnd(2));
        if (is != (v ^ cpu))
            fail_here("the page as data", is, v, cpu, 0);
    }
}

static void user(unsigned cpu)
{
    for (uint32_t since = 0, last = 0; !stop;) {
        hear(cpu);
        if (last != settled) {
            last = settled;
            since = 0;
        }
        if (since++ < 20)
            use_page(cpu);
        else
            relax();
    }
}

static void next_use(uint32_t v)
{
    uint32_t *page = (uint32_t *)at(MANY, rnd(2));

    tell(true);
    for (uint32_t i = 0; i < 1024; i++)
        page[i] = 0;
    root[TABLE >> 22] = 0;
    use = rnd(USES);
    if (use == AS_CODE)
        put_mov(at(MANY + (v % 7) * 16, rnd(2)), v);
    if (use == AS_TABLE) {
        for (uint32_t k = 0; k < 4; k++)
            page[(v + k) % 1024] = (uint32_t)frames[(v + k) % 4] | LINK;
        root[TABLE >> 22] = (uint32_t)(code + MANY) | LINK;
    }
    settled = v;
    release();
}

static void test_many_uses(void)
{
    intended = settled = stop = 0;
    use = AS_DATA;
    everyone(user);
    for (uint32_t v = 1; v <= ROUNDS; v++) {
        next_use(v);
        use_page(0);
    }
    stop = 1;
    everyone_done();
    report_failures("a page of many uses", CPUS);
}

static void enter_paging(void)
{
    WRITE_CR(4, READ_CR(4) | 0x10);
    WRITE_CR(3, root);
    WRITE_CR(0, READ_CR(0) | 0x80010000);
}

void ap_main(void)
{
    LAPIC(0xf0) = 0x1ff;
    enter_paging();
    obey();
}

void main(void)
{
    cpus = CPUS;
    for (uint32_t i = 0; i < 8; i++)
        root[i] = i << 22 | LINK | E_PS;
    for (uint32_t i = 0xfec00000 >> 22; i < 1024; i++)
        root[i] = i << 22 | LINK | E_PS;
    root[ALIAS >> 22] = (uint32_t)alias | LINK;
    for (uint32_t i = 0; i < sizeof(code) / 4096; i++)
        alias[i] = ((uint32_t)code + i * 4096) | LINK;
    for (uint32_t i = 0; i < 4; i++)
        frames[i][0] = 0xf00d0000 + i;
    enter_paging();
    trap_hook = int3_trap;
    ap_start_all();
    while (up != cpus - 1)
        relax();
    versions("an aligned immediate", IMM32 - 1, make_word, result_word);
    versions("a byte", IMM8, make_byte, result_byte);
    versions("an instruction by INT3", POKED, make_poke, result_poke);
    versions("any bytes", FREE, make_any, result_word);
    everyone(rewrite_own);
    rewrite_own(0);
    everyone_done();
    report_failures("code of its own", CPUS);
    test_many_uses();
}
