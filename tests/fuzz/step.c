/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes the interpreter: a machine in a random state (step.h) executes a few random instructions,
 * singly or in blocks, while things happen from outside. Nothing may upset the host:
 * AddressSanitizer and UBSan watch, step_check says what holds between runs, and the shadow MMU is
 * audited.
 */
#include "tests/fuzz/step.h"

#include <signal.h>
#include <sys/time.h>

#include "tests/fuzz/code.h"
#include "tests/fuzz/target.h"

/* The parts of an input. */
#define STATE_FROM  8
#define STATE_LEN   256
#define EVENTS_FROM (STATE_FROM + STATE_LEN)
#define EVENTS_LEN  32
#define CODE_FROM   (EVENTS_FROM + EVENTS_LEN)
#define CODE_LEN    128

const size_t fuzz_max_len = CODE_FROM + CODE_LEN;

/* Instructions from the state's CS:RIP on, and then OUT, which ends a run of blocks. */
static void put_code(struct step *st)
{
    static const uint8_t stop[] = {0xe6, 0xf4};
    const struct x86_state_segment *cs = &st->s.seg[SEG_CS];
    unsigned code = cs->attr & SEG_L ? MODE_64 : cs->attr & SEG_DB ? MODE_32 : MODE_16;
    unsigned n = 1 + fuzz_below(&st->code, 6);
    unsigned at =
        fuzz_below(&st->code, 4) ? fuzz_below(&st->code, 3072) : 4096 - fuzz_below(&st->code, 16);
    uint8_t *page = st->ram + STEP_CODE * 4096;

    st->s.rip = st->win[WIN_CODE].lin + at - (code == MODE_64 ? 0 : cs->base);
    if (code != MODE_64)
        st->s.rip = (uint32_t)st->s.rip;
    while (n-- && at < 8192 - FUZZ_INSN_MAX - sizeof(stop))
        at += fuzz_insn_whole(&st->code, code, page + at);
    memcpy(page + at, stop, sizeof(stop));
}

/* Makes the state impossible, or at least unlikely. */
static void spoil_state(struct step *st)
{
    size_t first = offsetof(struct x86_state, gpr);
    unsigned n = 1 + fuzz_below(&st->in, 8);

    while (n--) {
        size_t at = first + fuzz_below(&st->in, 65536) % (sizeof(st->s) - first);

        ((uint8_t *)&st->s)[at] = fuzz_u8(&st->in);
    }
}

/* ---- runs of blocks: ended by an event, or after some milliseconds ---- */

static struct cpu *_Atomic running;

static void time_is_up(int sig)
{
    struct cpu *cpu = running;

    (void)sig;
    if (cpu)
        cpu_set_event(cpu, EV_STOP);
}

static void run_blocks(struct step *st)
{
    const struct itimerval limit = {.it_value.tv_usec = 4000}, never = {0};

    signal(SIGVTALRM, time_is_up);
    running = st->cpu;
    setitimer(ITIMER_VIRTUAL, &limit, NULL);
    cpu_run(st->cpu, 0);
    setitimer(ITIMER_VIRTUAL, &never, NULL);
    running = NULL;
    cpu_clear_event(st->cpu, EV_STOP);
}

static void run(struct step *st)
{
    unsigned turns = 1 + fuzz_below(&st->events, 12);

    while (turns--) {
        step_event(st);
        if (fuzz_once_in(&st->events, 8))
            run_blocks(st);
        else
            cpu_run(st->cpu, 1 + fuzz_below(&st->events, 3));
        step_check(st);
        if (st->shadow && (!turns || fuzz_once_in(&st->events, 8)))
            mmu_shadow_audit(st->shadow);
    }
}

/* What was taken out of the vCPU can be put back. */
static void check_round_trip(struct step *st)
{
    struct x86_state a, b;

    cpu_get_state(st->cpu, &a);
    fuzz_expect(cpu_set_state(st->cpu, &a));
    cpu_get_state(st->cpu, &b);
    b.tsc = a.tsc;
    fuzz_expect(memcmp(&a, &b, sizeof(a)) == 0);
}

static struct step *subject;

void fuzz_show(void)
{
    if (subject && subject->cpu)
        cpu_dump(subject->cpu, stderr);
}

/* The machine and its state; true when that has been spoilt. */
static bool make(struct step *st, const uint8_t *data, size_t size)
{
    st->in = fuzz_part(data, size, STATE_FROM, STATE_LEN);
    st->events = fuzz_part(data, size, EVENTS_FROM, EVENTS_LEN);
    st->code = fuzz_part(data, size, CODE_FROM, CODE_LEN);
    st->bulk = fuzz_part(data, size, size, 0);
    step_make(st);
    step_choose(st);
    put_code(st);
    if (!fuzz_once_in(&st->in, 16))
        return false;
    spoil_state(st);
    return true;
}

static void with_twin(struct step *st, const uint8_t *data, size_t size)
{
    struct step twin = {.other_mmu = true};

    make(&twin, data, size);
    fuzz_expect(cpu_set_state(twin.cpu, &twin.s));
    step_run_twins(st, &twin);
    step_check(&twin);
    step_free(&twin);
}

void fuzz_one(const uint8_t *data, size_t size)
{
    struct step st = {0};
    bool spoilt = make(&st, data, size);

    subject = &st;
    if (cpu_set_state(st.cpu, &st.s)) {
        if (!spoilt && fuzz_below(&st.events, 4) == 3)
            with_twin(&st, data, size);
        else
            run(&st);
        check_round_trip(&st);
        step_harvest(&st);
    } else {
        fuzz_expect(spoilt);
    }
    subject = NULL;
    step_free(&st);
}
