/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread, turns of vCPUs, slices of turns, and time that is instructions; see icount.h. */
#include "machine/icount.h"

#include <glib.h>

#include "base/lock.h"
#include "cpu/blocks.h"
#include "machine/board.h"

/* Instructions of a turn, of which there are several only where there are several vCPUs: long
 * enough to be worth a change, short for who spins until another lets go of a lock. */
#define TURN       UINT64_C(10000)
#define TURN_ALONE (UINT64_C(1) << 32)

struct icount {
    struct icount_config cfg;
    GThread *thread;
    struct lock lock; /* of woken */
    struct condition wake;
    bool woken;         /* something happened since the thread looked */
    atomic_bool kicked; /* the run is to end for a look at requests, or for a new plan */
    atomic_bool replan; /* timers changed, and not by the vCPU that runs */
    _Atomic uint64_t held;

    /* ---- the thread's ---- */
    int64_t slept;                /* ns that passed without an instruction */
    unsigned turn;                /* whose it is */
    uint64_t turn_end, slice_end; /* counts of all instructions */
    bool in_slice;
};

struct icount *icount_new(const struct icount_config *cfg)
{
    struct icount *ic = g_new0(struct icount, 1);

    ic->cfg = *cfg;
    lock_init(&ic->lock);
    condition_init(&ic->wake);
    return ic;
}

void icount_free(struct icount *ic)
{
    if (!ic)
        return;
    condition_clear(&ic->wake);
    lock_clear(&ic->lock);
    g_free(ic);
}

/* ---- time ---- */

static uint64_t total(const struct icount *ic)
{
    const struct board *b = ic->cfg.board;
    uint64_t sum = 0;

    for (unsigned n = 0; n < b->n_cpus; n++)
        sum += cpu_insns(b->cpu[n].cpu);
    return sum;
}

int64_t icount_now(const struct icount *ic)
{
    return ic->slept + (int64_t)(total(ic) << ic->cfg.shift);
}

void icount_sync(struct icount *ic)
{
    clock_move_to(ic->cfg.board->clock, icount_now(ic));
}

/* The first count at which `deadline` has come. */
static uint64_t count_at(const struct icount *ic, int64_t deadline)
{
    uint64_t ns = deadline > ic->slept ? (uint64_t)(deadline - ic->slept) : 0;
    uint64_t unit = UINT64_C(1) << ic->cfg.shift;

    return (ns >> ic->cfg.shift) + ((ns & (unit - 1)) != 0);
}

/* ---- from other threads, and from within a run ---- */

void icount_wake(struct icount *ic)
{
    lock_take(&ic->lock);
    ic->woken = true;
    condition_broadcast(&ic->wake);
    lock_drop(&ic->lock);
}

/* The flag first: whoever sets a budget looks at it afterwards. */
static void interrupt(struct icount *ic)
{
    const struct board *b = ic->cfg.board;

    atomic_store(&ic->kicked, true);
    for (unsigned n = 0; n < b->n_cpus; n++)
        atomic_store(&b->cpu[n].cpu->budget, 0);
}

void icount_kick(struct icount *ic, bool end)
{
    const struct board *b = ic->cfg.board;

    interrupt(ic);
    for (unsigned n = 0; end && n < b->n_cpus; n++)
        cpu_set_event(b->cpu[n].cpu, EV_STOP);
    icount_wake(ic);
}

/* Within a run the slice gets shorter, but by no less than the longest block, so that where it ends
 * does not depend on what is in the block that runs. */
static void shorten(struct icount *ic, struct cpu *cpu)
{
    int64_t deadline = clock_next(ic->cfg.board->clock);
    uint64_t now = total(ic), end;

    if (deadline < 0)
        return;
    end = MAX(count_at(ic, deadline), now + BLOCK_MAX_INSNS);
    if (end >= ic->slice_end)
        return;
    ic->slice_end = end;
    atomic_store(&cpu->budget, cpu_insns(cpu) + (end - now));
    if (atomic_load(&ic->kicked))
        atomic_store(&cpu->budget, 0);
}

void icount_rearm(void *opaque)
{
    struct icount *ic = opaque;
    struct board *b = ic->cfg.board;

    if (b->current) {
        shorten(ic, b->current->cpu);
        return;
    }
    atomic_store(&ic->replan, true);
    interrupt(ic);
    icount_wake(ic);
}

/* ---- the thread ---- */

/* Whose turn it is, or NULL when all wait. */
static struct cpu *whose_turn(struct icount *ic)
{
    const struct board *b = ic->cfg.board;
    uint64_t now = total(ic);
    unsigned first = now < ic->turn_end ? 0 : 1;

    for (unsigned k = first; k < first + b->n_cpus; k++) {
        unsigned n = (ic->turn + k) % b->n_cpus;

        if (cpu_idle(b->cpu[n].cpu) || (atomic_load(&ic->held) >> n & 1))
            continue;
        if (k) {
            ic->turn = n;
            ic->turn_end = now + (b->n_cpus > 1 ? TURN : TURN_ALONE);
        }
        return b->cpu[n].cpu;
    }
    return NULL;
}

/* Fires what is due, and says how far to go without another look; NULL when all wait. */
static struct cpu *plan(struct icount *ic)
{
    struct board *b = ic->cfg.board;
    struct cpu *cpu;
    int64_t deadline;

    lock_take(b->lock);
    clock_advance_to(b->clock, icount_now(ic));
    atomic_store(&ic->replan, false); /* what was armed up to now is in the plan */
    atomic_store(&ic->kicked, false); /* requests are looked at again */
    deadline = clock_next(b->clock);
    lock_drop(b->lock);
    cpu = whose_turn(ic);
    ic->slice_end = ic->turn_end;
    if (deadline >= 0)
        ic->slice_end = MIN(ic->slice_end, count_at(ic, deadline));
    return cpu;
}

/* When something happens by itself though all wait; -1: never. */
static int64_t next_event(struct icount *ic)
{
    struct board *b = ic->cfg.board;
    int64_t next;

    lock_take(b->lock);
    next = clock_next(b->clock);
    lock_drop(b->lock);
    for (unsigned n = 0; n < b->n_cpus; n++) {
        const struct cpu *cpu = b->cpu[n].cpu;

        if (cpu->halted && cpu->monitor.waiting && (next < 0 || cpu->monitor_until < next))
            next = cpu->monitor_until;
    }
    return next;
}

/* Until woken; or for ns of host time, unless negative. How long it was. */
static int64_t doze(struct icount *ic, int64_t ns)
{
    int64_t began = g_get_monotonic_time(), now = began;

    lock_take(&ic->lock);
    while (!ic->woken && (ns < 0 || (now - began) * 1000 < ns)) {
        if (ns < 0)
            condition_wait(&ic->wake, &ic->lock);
        else
            condition_wait_for(&ic->wake, &ic->lock, ns - (now - began) * 1000);
        now = g_get_monotonic_time();
    }
    lock_drop(&ic->lock);
    return (now - began) * 1000;
}

/* All wait: time goes by. What comes meanwhile sets `woken`, which was cleared before they were
 * looked at. */
static void sleep_on(struct icount *ic)
{
    int64_t now = icount_now(ic), next = next_event(ic), slept;

    if (next < 0) {
        doze(ic, -1);
    } else if (ic->cfg.jumps) {
        ic->slept += MAX(next - now, 0);
    } else {
        slept = doze(ic, MAX(next - now, 0));
        ic->slept += CLAMP(slept, 0, MAX(next - now, 0));
    }
}

static void clear_woken(struct icount *ic)
{
    lock_take(&ic->lock);
    ic->woken = false;
    lock_drop(&ic->lock);
}

void icount_hold(struct icount *ic, uint64_t cpus)
{
    if (atomic_exchange(&ic->held, cpus) != cpus)
        atomic_store(&ic->replan, true);
}

void icount_pause(struct icount *ic)
{
    doze(ic, -1);
    clear_woken(ic);
}

void icount_sleep(struct icount *ic)
{
    struct board *b = ic->cfg.board;

    sleep_on(ic); /* not at all, if something came since the look at requests */
    clear_woken(ic);
    lock_take(b->lock);
    clock_advance_to(b->clock, icount_now(ic));
    lock_drop(b->lock);
}

/* Runs vCPU `cpu` in its slice, from where it was interrupted if it was. */
static enum cpu_exit run_slice(struct icount *ic, struct cpu *cpu, bool fresh)
{
    struct board *b = ic->cfg.board;
    uint64_t end = cpu->icount + (ic->slice_end - total(ic));
    enum cpu_exit why;

    if (fresh)
        cpu_set_budget(cpu, end);
    else
        atomic_store(&cpu->budget, end);
    if (atomic_load(&ic->kicked) || atomic_load(&b->requests))
        atomic_store(&cpu->budget, 0);
    why = cpu_run(cpu, 0);
    lock_take(b->lock);
    icount_sync(ic);
    lock_drop(b->lock);
    return why;
}

/* The next slice of whoever is to run, or the rest of one. False when the thread should end. */
static bool go_on(struct icount *ic)
{
    struct board *b = ic->cfg.board;
    struct cpu *cpu = b->cpu[ic->turn].cpu;
    bool fresh = !ic->in_slice || atomic_load(&ic->replan);
    enum cpu_exit why;

    if (fresh) {
        clear_woken(ic);
        cpu = plan(ic);
        if (!cpu) {
            if (!atomic_load(&b->requests) && !atomic_load(&ic->replan))
                sleep_on(ic);
            return true;
        }
    }
    why = run_slice(ic, cpu, fresh);
    ic->in_slice = why != CPU_EXIT_IDLE && total(ic) < ic->slice_end;
    if (why == CPU_EXIT_BUDGET || why == CPU_EXIT_IDLE || why == CPU_EXIT_STOP)
        return true;
    return ic->cfg.exited(ic->cfg.opaque, cpu, why);
}

static gpointer icount_main(gpointer opaque)
{
    struct icount *ic = opaque;
    struct board *b = ic->cfg.board;
    bool alive = true;

    while (alive) {
        atomic_store(&ic->kicked, false);
        if (atomic_load(&b->requests))
            alive = ic->cfg.exited(ic->cfg.opaque, b->cpu[0].cpu, CPU_EXIT_STOP);
        else
            alive = go_on(ic);
    }
    return NULL;
}

void icount_start(struct icount *ic)
{
    ic->thread = g_thread_new("vcpus", icount_main, ic);
}

void icount_join(struct icount *ic)
{
    if (ic->thread)
        g_thread_join(ic->thread);
    ic->thread = NULL;
}
