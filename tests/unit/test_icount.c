/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time that counts instructions (machine/icount.h): exact counts, timers at exact instructions,
 * jumps over sleep, turns of vCPUs; and two machines, one of which is disturbed by its host all the
 * while, come to the same state.
 */
#include "tests/unit/machine_rig.h"

#include "machine/board.h"

/* ---- code ---- */

#define ADDR16(a) (a) & 0xff, (a) >> 8
#define ZERO_DS   0x31, 0xc0, 0x8e, 0xd8 /* xor ax, ax; mov ds, ax */
#define VECTOR(n, ip)                                                                              \
    0xc7, 0x06, ADDR16((n)*4), ADDR16(ip),        /* mov word [n*4], ip */                         \
        0xc7, 0x06, ADDR16((n)*4 + 2), 0x00, 0xf0 /* mov word [n*4+2], 0xf000 */
#define STACK 0xbc, ADDR16(0x7000), 0x8e, 0xd0    /* mov sp, 0x7000; mov ss, ax */
/* Without its APIC the processor's INTR is the PIC's. */
#define NO_APIC                                                                                    \
    0x66, 0xb9, 0x1b, 0x00, 0x00, 0x00, 0x0f, 0x32, 0x25, 0xff, 0xf7, 0x0f, 0x30 /* MSR 0x1b */
/* PIT counter 0 every n ticks; all interrupts of the first PIC but that one are masked. */
#define TICKS(n)                                                                                   \
    OUT(0x20, 0x11), OUT(0x21, 0x08), OUT(0x21, 0x04), OUT(0x21, 0x01), OUT(0x21, 0xfe),           \
        OUT(0x43, 0x34), OUT(0x40, (n)&0xff), OUT(0x40, (n) >> 8)

static const uint8_t *ram(uint64_t at)
{
    return machine_board(machine)->mem.ram.low + at;
}

static uint16_t word(uint64_t at)
{
    uint16_t v;

    memcpy(&v, ram(at), 2);
    return v;
}

/* ---- runs that are compared ---- */

struct outcome {
    uint64_t instructions;
    int64_t time;
    char *hash;
};

static struct outcome outcome(void)
{
    return (struct outcome){machine_instructions(machine), clock_now(machine_board(machine)->clock),
                            machine_state_hash(machine)};
}

static void expect_same(const struct outcome *a, const struct outcome *b)
{
    assert_int_equal(a->instructions, b->instructions);
    assert_int_equal(a->time, b->time);
    assert_string_equal(a->hash, b->hash);
}

static void outcome_free(struct outcome *o)
{
    g_free(o->hash);
}

static int setup_counted(void **state)
{
    setup(state);
    cfg.icount = cfg.icount_jumps = true;
    return 0;
}

static int setup_counted_smp(void **state)
{
    setup_counted(state);
    cfg.cpus = 4;
    return 0;
}

static atomic_bool over;

static void look(void *opaque)
{
    ++*(uint64_t *)opaque;
}

/* What a host may do without being noticed, from the first instruction on: pauses and visits. */
static gpointer disturb(gpointer opaque)
{
    uint64_t looks = 0;

    (void)opaque;
    while (!atomic_load(&over)) {
        if (!machine_while_stopped(machine, look, &looks))
            break;
        machine_resume(machine);
        g_usleep(20);
        machine_pause(machine);
    }
    return (gpointer)(uintptr_t)looks;
}

static struct outcome run_outcome(const uint8_t *code, size_t len, bool disturbed)
{
    GThread *t = NULL;

    machine_free(machine);
    ends = 0;
    cfg.start_paused = disturbed;
    build(code, len);
    start();
    atomic_store(&over, false);
    if (disturbed)
        t = g_thread_new("disturb", disturb, NULL);
    wait_end();
    atomic_store(&over, true);
    if (t)
        assert_true((uintptr_t)g_thread_join(t) > 0);
    assert_int_equal(machine_exit_status(machine), 3);
    return outcome();
}

/* ---- counts ---- */

/* Every instruction counts once when it begins, a repeated one too; a fault takes nothing of what
 * is behind it in its block. */
static void test_counts_exactly(void **state)
{
    static const uint8_t code[] = {
        ZERO_DS,         /* 2, and the jump to here: 3 */
        STACK,           /* 5 */
        VECTOR(0, 0x40), /* 7 */
        0x8e,
        0xc0, /* mov es, ax: 8 */
        0xbf,
        ADDR16(0x1000), /* mov di, 0x1000: 9 */
        0xb9,
        ADDR16(0x2000), /* mov cx, 0x2000: 10 */
        0xf3,
        0xaa, /* rep stosb: 11 */
        0xf6,
        0xf1, /* div cl, which is 0: 12, and the handler's two: 14 */
        0x40,
        0x40,
        0x40, /* inc ax, thrice: 17 */
        0xb9,
        ADDR16(100), /* mov cx, 100: 18 */
        0xe2,
        0xfe,             /* loop here: 118 */
        OUT_DX(0x501, 1), /* 121 */
        FOREVER,
    };
    /* add word [0x6ffa], 2: the return address; iret */
    static const uint8_t handler[] = {0x83, 0x06, ADDR16(0x6ffa), 0x02, 0xcf};
    uint8_t copy[0x50] = {0};

    (void)state;
    memcpy(copy, code, sizeof(code));
    memcpy(copy + 0x40, handler, sizeof(handler));
    for (unsigned shift = 0; shift <= 10; shift += 5) {
        cfg.icount_shift = shift;
        assert_int_equal(run(copy, sizeof(copy)), 3);
        assert_int_equal(machine_instructions(machine), 121);
        assert_int_equal(clock_now(machine_board(machine)->clock), 121 << shift);
    }
}

/* ---- timers ---- */

#define FIRES 2000

struct clockwork {
    struct timer timer;
    unsigned fired;
    uint64_t at[FIRES]; /* instructions */
    int64_t due[FIRES];
};

static void strike(void *opaque)
{
    struct clockwork *w = opaque;

    w->at[w->fired] = machine_instructions(machine);
    w->due[w->fired] = w->timer.deadline;
    if (++w->fired < FIRES)
        timer_arm(&w->timer, w->timer.deadline + 1 + w->fired % 397);
    else
        machine_quit(machine, 3);
}

/* Whatever block the guest is in. */
static void test_timers_are_exact(void **state)
{
    static const uint8_t code[] = {
        ZERO_DS, 0x40, 0x41,          0x42,      0x43, 0x45,
        0x46,    0x47,                                       /* inc of seven registers */
        0xff,    0x06, ADDR16(0x500),                        /* inc word [0x500] */
        0xf7,    0x06, ADDR16(0x500), ADDR16(7), 0x75, 0xf2, /* test [0x500], 7; jnz back */
        0x41,    0x41, 0x41,          0xeb,      0xed,       /* inc cx, thrice; jmp back */
    };
    struct clockwork w = {0};

    (void)state;
    cfg.icount_shift = 2;
    build(code, sizeof(code));
    timer_init(&w.timer, machine_board(machine)->clock, strike, &w);
    lock_take(&lock);
    timer_arm(&w.timer, 5);
    lock_drop(&lock);
    start();
    wait_end();
    assert_int_equal(w.fired, FIRES);
    for (unsigned k = 0; k < FIRES; k++)
        assert_int_equal(w.at[k], (w.due[k] + 3) / 4);
}

/* Sleeps ten ticks of 13.7 ms and notes the time stamp counter after each. */
static const uint8_t sleeper[] = {
    ZERO_DS,       STACK,         VECTOR(8, 0x80),
    NO_APIC,       TICKS(0x4000), 0xbf,
    ADDR16(0x600), /* mov di, 0x600 */
    0xfb,          0xf4,          0x0f,
    0x31, /* sti; hlt; rdtsc */
    0x66,          0x89,          0x05,
    0x83,          0xc7,          0x04, /* mov [di], eax; add di, 4 */
    0x83,          0xff,          0x28,
    0x90, /* (see below) */
    [0x80] = 0x50, 0xb0,          0x20,
    0xe6,          0x20,          0x58,
    0xcf, /* push ax; EOI; pop ax; iret */
};

static size_t make_sleeper(uint8_t *code)
{
    size_t n = 0;

    memset(code, 0x90, 0x90);
    memcpy(code, sleeper, 0x80);
    while (memcmp(code + n, (uint8_t[]){0xfb, 0xf4, 0x0f, 0x31}, 4))
        n++;
    /* cmp di, 0x628; jne to the sti; and out */
    memcpy(code + n + 10, (uint8_t[]){0x81, 0xff, ADDR16(0x628), 0x75, 0xf0, EXIT(1)}, 6 + 9);
    memcpy(code + 0x80, sleeper + 0x80, sizeof(sleeper) - 0x80);
    return 0x90;
}

/* Time that is slept through passes, at once or as the host's: to the guest that is the same. */
static void test_sleep_jumps(void **state)
{
    uint8_t code[0x90];
    size_t len = make_sleeper(code);
    struct outcome jumped, slept;
    int64_t began;

    (void)state;
    jumped = run_outcome(code, len, false);
    assert_true(jumped.time > 130000000 && jumped.time < 150000000);
    assert_true(jumped.instructions < 1000);
    for (unsigned k = 0; k < 10; k++) /* a tick after a tick; PIT ticks are 838 ns */
        assert_in_range(*(const uint32_t *)ram(0x600 + 4 * k) - (k + 1) * 13731372ull, 0, 10000);
    cfg.icount_jumps = false;
    began = g_get_monotonic_time();
    slept = run_outcome(code, len, false);
    assert_true(g_get_monotonic_time() - began >= 130000);
    expect_same(&jumped, &slept);
    outcome_free(&jumped);
    outcome_free(&slept);
}

/* ---- nothing shows ---- */

/* For 30 ticks of the PIT, which its handler counts at [0x500]: long copies, time stamps and
 * random numbers, all summed up in memory. */
static size_t make_busy(uint8_t *code)
{
    static const uint8_t begin[] = {NO_APIC,      ZERO_DS, STACK, VECTOR(8, 0xa0),
                                    TICKS(0x400), 0x8e,    0xc0,  0xfb};
    static const uint8_t loop_[] = {
        0xbe,          ADDR16(0x1000), 0xbf,          ADDR16(0x4001), /* mov si, 0x1000; mov di,
                                                                         0x4001 */
        0xb9,          ADDR16(0x0fff), 0xf3,          0xa4,           /* mov cx, 0xfff; rep movsb */
        0x0f,          0x31,           0x66,          0x01,           0x06,
        ADDR16(0x600),                                                /* rdtsc; add [0x600], eax */
        0x66,          0x0f,           0xc7,          0xf0,           /* rdrand eax */
        0x66,          0x31,           0x06,          ADDR16(0x1004), /* xor [0x1004], eax */
        0xb9,          ADDR16(50),     0x01,          0x0e,           ADDR16(0x608),
        0xe2,          0xfa,                                      /* add [0x608], cx; loop */
        0x81,          0x3e,           ADDR16(0x500), ADDR16(30), /* cmp word [0x500], 30 */
    };
    size_t n = sizeof(begin) + sizeof(loop_);

    memset(code, 0x90, 0xc0);
    memcpy(code, begin, sizeof(begin));
    memcpy(code + sizeof(begin), loop_, sizeof(loop_));
    code[n] = 0x72; /* jb back */
    code[n + 1] = (uint8_t) - (sizeof(loop_) + 2);
    memcpy(code + n + 2, (uint8_t[]){0xfa, EXIT(1)}, 1 + 9);
    assert_true(n + 12 < 0xa0);
    /* inc word [0x500]; push ax; EOI; pop ax; iret */
    memcpy(code + 0xa0,
           (uint8_t[]){0xff, 0x06, ADDR16(0x500), 0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf}, 11);
    return 0xc0;
}

static void test_disturbed_is_the_same(void **state)
{
    uint8_t code[0xc0];
    size_t len = make_busy(code);
    struct outcome calm, other;

    (void)state;
    calm = run_outcome(code, len, false);
    assert_int_equal(word(0x500), 30);
    assert_true(calm.instructions > 1000000);
    for (unsigned k = 0; k < 3; k++) {
        if (k == 2)
            cfg.mmu = "shadow";
        other = run_outcome(code, len, true);
        expect_same(&calm, &other);
        outcome_free(&other);
    }
    outcome_free(&calm);
}

/* The hash sees a bit of memory, of a register, and time. */
static void test_hash_sees_all(void **state)
{
    uint8_t code[0x90];
    struct outcome was = run_outcome(code, make_sleeper(code), false), longer;
    struct board *b = machine_board(machine);
    uint8_t *byte = b->mem.ram.low + (4 << 20) - 1;
    uint64_t *reg = &machine_cpu(machine, 0)->gpr[REG_R15];
    char *hash;

    (void)state;
#define DIFFERS(change, back)                                                                      \
    do {                                                                                           \
        change;                                                                                    \
        hash = machine_state_hash(machine);                                                        \
        assert_string_not_equal(hash, was.hash);                                                   \
        g_free(hash);                                                                              \
        back;                                                                                      \
    } while (0)
    DIFFERS(*byte ^= 0x80, *byte ^= 0x80);
    DIFFERS(*reg ^= 1, *reg ^= 1);
    hash = machine_state_hash(machine);
    assert_string_equal(hash, was.hash);
    g_free(hash);
    cfg.icount_shift = 1; /* another length of an instruction is another machine */
    longer = run_outcome(code, make_sleeper(code), false);
    assert_string_not_equal(longer.hash, was.hash);
    outcome_free(&longer);
    outcome_free(&was);
}

static void step_twenty(void *opaque)
{
    struct cpu *cpu = machine_cpu(machine, 0);
    uint64_t was = cpu->icount;

    for (unsigned k = 1; k <= 20; k++) {
        assert_int_equal(cpu_run(cpu, 1), CPU_EXIT_STEPS);
        assert_int_equal(cpu->icount, was + k);
    }
    *(bool *)opaque = true;
}

/* A debugger's steps know no budget, and the run goes on behind them. */
static void test_single_steps(void **state)
{
    static const uint8_t code[] = {ZERO_DS, 0xff, 0x06,   ADDR16(0x500),
                                   0x79,    0xfa, EXIT(1) /* inc word [0x500]; jns back */};
    bool stepped = false;

    (void)state;
    cfg.start_paused = true;
    build(code, sizeof(code));
    start();
    assert_true(machine_while_stopped(machine, step_twenty, &stepped));
    assert_true(stepped);
    machine_resume(machine);
    wait_end();
    assert_int_equal(word(0x500), 0x8000);
    assert_int_equal(machine_instructions(machine), 3 + 2 * 0x8000 + 3);
}

/* ---- several processors ---- */

#define ENTRIES 60000 /* all of them together */

/* The first wakes the others by its APIC; then all write their numbers into one list, with an
 * index that no lock protects. */
static size_t make_list(uint8_t *code)
{
    static const uint8_t all[] = {
        0x66, 0xb9, 0x1b, 0x00, 0x00,    0x00, 0x0f, 0x32, /* rdmsr 0x1b */
        0xf6, 0xc4, 0x01, 0x74, 0x22,                      /* test ah, 1; jz over this: */
        0x66, 0xb8, 0x00, 0x09, 0x0a,    0x00, 0x0f, 0x30, /* its APIC to 0xa0000 */
        0xb8, 0x00, 0xa0, 0x8e, 0xd8,                      /* mov ds, 0xa000 */
        0x66, 0x31, 0xc0, 0x66, 0xa3,    0x10, 0x03,       /* mov [0x310], 0 */
        0x66, 0xb8, 0xf0, 0x46, 0x0c,    0x00, 0x66, 0xa3, 0x00, 0x03, /* SIPI to the others */
        0x90, 0x90, 0x90, 0x90, ZERO_DS, 0xb8, 0x00, 0x10, 0x8e, 0xc0, /* es = 0x1000 */
        0x66, 0xb8, 0x01, 0x00, 0x00,    0x00, 0x0f, 0xa2,             /* cpuid 1: */
        0x66, 0xc1, 0xeb, 0x18, 0x88,    0xd8,                         /* al = its number */
    };
    static const uint8_t loop_[] = {
        0x8b, 0x36,        ADDR16(0x500), /* mov si, [0x500] */
        0x81, 0xfe,        ADDR16(ENTRIES),
        0x73, 0x0e,                       /* cmp si, ENTRIES; jae out */
        0xff, 0x06,        ADDR16(0x500), /* inc word [0x500] */
        0x26, 0x88,        0x04,          /* mov es:[si], al */
        0xb9, ADDR16(100), 0xe2,
        0xfe,       /* mov cx, 100; loop here */
        0xeb, 0xe8, /* jmp back */
    };
    size_t n = sizeof(all) + sizeof(loop_);

    memset(code, 0x90, 0x80);
    memcpy(code, all, sizeof(all));
    memcpy(code + sizeof(all), loop_, sizeof(loop_));
    memcpy(code + n, (uint8_t[]){EXIT(1)}, 9);
    return 0x80;
}

static void test_turns(void **state)
{
    uint8_t code[0x80];
    size_t len = make_list(code);
    struct outcome calm = run_outcome(code, len, false), other;
    unsigned count[4] = {0}, changes = 0;

    (void)state;
    for (unsigned k = 1; k < ENTRIES; k++) {
        uint8_t who = *ram(0x10000 + k);

        assert_in_range(who, 0, 3);
        count[who]++;
        changes += who != *ram(0x10000 + k - 1);
    }
    for (unsigned n = 0; n < 4; n++) /* 107 instructions an entry, 10000 a turn */
        assert_in_range(count[n], ENTRIES / 4 - 200, ENTRIES / 4 + 200);
    assert_in_range(changes, ENTRIES * 107 / 10000 - 20, ENTRIES * 107 / 10000 + 20);
    for (unsigned k = 0; k < 3; k++) {
        other = run_outcome(code, len, true);
        expect_same(&calm, &other);
        outcome_free(&other);
    }
    outcome_free(&calm);
}

#define COUNTED_TEST(fn)     cmocka_unit_test_setup_teardown(fn, setup_counted, teardown)
#define COUNTED_TEST_SMP(fn) cmocka_unit_test_setup_teardown(fn, setup_counted_smp, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COUNTED_TEST(test_counts_exactly), COUNTED_TEST(test_timers_are_exact),
        COUNTED_TEST(test_sleep_jumps),    COUNTED_TEST(test_disturbed_is_the_same),
        COUNTED_TEST(test_hash_sees_all),  COUNTED_TEST_SMP(test_turns),
        COUNTED_TEST(test_single_steps),
    };

    return unit_main(tests);
}
