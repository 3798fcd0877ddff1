/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vCPUs that share a memory: requests, acknowledgements, exclusive sections; see group.h. */
#include "cpu/group.h"

#include <glib.h>

#include "base/error.h"
#include "base/lock.h"
#include "base/mutant.h"
#include "base/step.h"
#include "cpu/cpu.h"
#include "cpu/fetch.h"
#include "cpu/lint_tables.h"

struct cpu_group {
    struct cpu *cpu[CPU_GROUP_MAX];
    unsigned n;
    struct lock lock;          /* what `moved` waits under; protects changes of owner */
    struct condition moved;    /* while there are waiters: one went outside or acknowledged */
    _Atomic unsigned waiters;  /* threads that wait for others to move */
    struct cpu *_Atomic owner; /* of the exclusive section; NULL when there is none */
    struct lock bus;           /* locked accesses to devices, one at a time */
    struct lint_tables *lint;  /* NULL: rule stale-tlb is off */
};

struct cpu_group *cpu_group_new(void)
{
    struct cpu_group *g = g_new0(struct cpu_group, 1);

    lock_init(&g->lock);
    lock_init(&g->bus);
    condition_init(&g->moved);
    if (lint_on(LINT_STALE_TLB))
        g->lint = lint_tables_new();
    return g;
}

void cpu_group_free(struct cpu_group *g)
{
    if (!g)
        return;
    invariant(!g->n);
    lint_tables_free(g->lint);
    condition_clear(&g->moved);
    lock_clear(&g->bus);
    lock_clear(&g->lock);
    g_free(g);
}

void cpu_group_add(struct cpu_group *g, struct cpu *cpu)
{
    invariant(g->n < CPU_GROUP_MAX);
    g->cpu[g->n++] = cpu;
}

void cpu_group_remove(struct cpu_group *g, struct cpu *cpu)
{
    for (unsigned k = 0; k < g->n; k++) {
        if (g->cpu[k] == cpu) {
            g->cpu[k] = g->cpu[--g->n];
            return;
        }
    }
}

unsigned cpu_group_size(const struct cpu_group *g)
{
    return g->n;
}

/* ---- in and out ---- */

static void tell_waiters(struct cpu_group *g)
{
    if (!atomic_load(&g->waiters))
        return;
    lock_take(&g->lock);
    condition_broadcast(&g->moved);
    lock_drop(&g->lock);
}

static void do_flush(struct cpu *cpu, const struct cpu_flush *f)
{
    if (f->all && !MUTANT(group_flush_on_acknowledge))
        cpu_tlb_forget(cpu, true);
    else if (!f->all && !MUTANT(group_protect_on_acknowledge))
        tlb_protect_pages(cpu, f->gfn, f->n);
}

static void acknowledge(struct cpu *cpu)
{
    struct cpu_flush f;
    uint64_t wanted;

    if (atomic_load(&cpu->flush_wanted) ==
        atomic_load_explicit(&cpu->flush_done, memory_order_relaxed))
        return;
    lock_take(&cpu->group->lock);
    wanted = atomic_load(&cpu->flush_wanted);
    f = cpu->flush;
    cpu->flush = (struct cpu_flush){0};
    lock_drop(&cpu->group->lock);
    if (MUTANT(group_request_is_whole))
        wanted = atomic_load(&cpu->flush_wanted);
    do_flush(cpu, &f);
    step("group: flushed");
    atomic_store(&cpu->flush_done, wanted);
    step("group: acknowledged");
    if (!MUTANT(group_acknowledge_tells))
        tell_waiters(cpu->group);
}

static bool foreign_owner(const struct cpu *cpu)
{
    const struct cpu *owner = atomic_load(&cpu->group->owner);

    return owner && owner != cpu;
}

bool cpu_leave_guest(struct cpu *cpu)
{
    if (!atomic_load_explicit(&cpu->inside, memory_order_relaxed))
        return false;
    if (cpu->locked == CPU_LOCKED_ALL)
        cpu_unlock(cpu);
    atomic_store(&cpu->inside, false);
    step("group: outside");
    if (!MUTANT(group_leave_tells))
        tell_waiters(cpu->group);
    return true;
}

void cpu_enter_guest(struct cpu *cpu)
{
    struct cpu_group *g = cpu->group;

    if (MUTANT(group_inside_before_looking)) {
        acknowledge(cpu);
        step("group: looked");
    }
    for (;;) {
        atomic_store(&cpu->inside, true);
        step("group: inside");
        if (!foreign_owner(cpu) || MUTANT(group_enter_waits_for_owner))
            break;
        atomic_store(&cpu->inside, false);
        lock_take(&g->lock);
        if (!MUTANT(group_enter_tells_owner))
            condition_broadcast(&g->moved);
        while (foreign_owner(cpu))
            condition_wait(&g->moved, &g->lock);
        lock_drop(&g->lock);
    }
    if (!MUTANT(group_acknowledge_on_entry) && !MUTANT(group_inside_before_looking))
        acknowledge(cpu);
}

void cpu_poll_group(struct cpu *cpu)
{
    if (unlikely(foreign_owner(cpu)) && !MUTANT(group_poll_lets_owner_have_it)) {
        cpu_leave_guest(cpu);
        cpu_enter_guest(cpu);
    }
    acknowledge(cpu);
}

/* ---- flushes ---- */

static bool must_wait(const struct cpu *c, uint64_t target)
{
    return (atomic_load(&c->inside) || MUTANT(group_sleepers_are_not_waited_for)) &&
           atomic_load(&c->flush_done) < target;
}

/* To what was asked for already; everything where the list is full. */
static void add_request(struct cpu_flush *f, const gfn_t *gfn, unsigned n)
{
    if (!gfn || (f->n + n > CPU_FLUSH_FRAMES && !MUTANT(group_too_many_are_all)))
        f->all = true;
    for (unsigned k = 0; k < n && !f->all && f->n < CPU_FLUSH_FRAMES; k++)
        f->gfn[f->n++] = gfn[k];
}

/* A vCPU that runs acknowledges at its next block, much sooner than a thread sleeps and wakes: a
 * moment is spent on that before the condition is waited for. */
#define SPINS 400

static void spin(const struct cpu_group *g, const struct cpu *self, const uint64_t *target)
{
    for (unsigned k = 0, n = 0; k < g->n; k++) {
        while (g->cpu[k] != self && must_wait(g->cpu[k], target[k])) {
            if (n++ == SPINS)
                return;
            __builtin_ia32_pause();
        }
    }
}

static void flush(struct cpu_group *g, struct cpu *self, const gfn_t *gfn, unsigned n)
{
    uint64_t target[CPU_GROUP_MAX] = {0};

    invariant(!self || !atomic_load(&self->inside));
    lock_take(&g->lock);
    for (unsigned k = 0; k < g->n; k++) {
        add_request(&g->cpu[k]->flush, gfn, n);
        if (MUTANT(group_attention_behind_request))
            atomic_store(&g->cpu[k]->attention, 1);
        step("group: to be wanted");
        target[k] = atomic_fetch_add(&g->cpu[k]->flush_wanted, 1) + 1;
        if (!MUTANT(group_attention_behind_request))
            atomic_store(&g->cpu[k]->attention, 1);
    }
    step("group: flush wanted");
    if (MUTANT(group_wait_for_acknowledge)) {
        lock_drop(&g->lock);
        return;
    }
    if (!step_scheduled()) {
        lock_drop(&g->lock);
        spin(g, self, target);
        lock_take(&g->lock);
    }
    if (!MUTANT(group_waiters_count_first))
        atomic_fetch_add(&g->waiters, 1);
    for (unsigned k = 0; k < g->n; k++) {
        while (g->cpu[k] != self && must_wait(g->cpu[k], target[k])) {
            step("group: to wait");
            if (MUTANT(group_waiters_count_first))
                atomic_fetch_add(&g->waiters, 1);
            condition_wait(&g->moved, &g->lock);
        }
    }
    atomic_fetch_sub(&g->waiters, 1);
    lock_drop(&g->lock);
}

void cpu_group_flush(struct cpu_group *g, struct cpu *self)
{
    flush(g, self, NULL, 0);
}

void cpu_group_protect(struct cpu_group *g, struct cpu *self, const gfn_t *gfn, unsigned n)
{
    flush(g, self, gfn, n);
}

/* ---- locked accesses ---- */

void cpu_group_pause(struct cpu_group *g, struct cpu *cpu)
{
    invariant(!atomic_load(&cpu->inside));
    lock_take(&g->lock);
    while (atomic_load(&g->owner) && !MUTANT(group_one_owner))
        condition_wait(&g->moved, &g->lock);
    atomic_store(&g->owner, cpu);
    step("group: owner");
    atomic_fetch_add(&g->waiters, 1);
    for (unsigned k = 0; k < g->n; k++) {
        struct cpu *c = g->cpu[k];

        while (!MUTANT(group_exclusive_waits) && c != cpu && atomic_load(&c->inside)) {
            if (!MUTANT(group_owner_asks_for_attention))
                atomic_store(&c->attention, 1);
            condition_wait(&g->moved, &g->lock);
        }
    }
    atomic_fetch_sub(&g->waiters, 1);
    lock_drop(&g->lock);
}

void cpu_group_resume(struct cpu_group *g)
{
    lock_take(&g->lock);
    atomic_store(&g->owner, NULL);
    if (!MUTANT(group_unlock_tells))
        condition_broadcast(&g->moved);
    lock_drop(&g->lock);
}

void cpu_lock_all(struct cpu *cpu)
{
    invariant(!cpu->locked);
    if (!MUTANT(group_owner_goes_outside))
        cpu_leave_guest(cpu);
    cpu_group_pause(cpu->group, cpu);
    cpu->locked = CPU_LOCKED_ALL;
    cpu_enter_guest(cpu);
}

void cpu_lock_bus(struct cpu *cpu)
{
    invariant(!cpu->locked);
    if (!MUTANT(group_bus_waits_outside))
        cpu_leave_guest(cpu);
    if (MUTANT(group_bus_excludes))
        return;
    lock_take(&cpu->group->bus);
    cpu_enter_guest(cpu);
    cpu->locked = CPU_LOCKED_BUS;
}

void cpu_unlock(struct cpu *cpu)
{
    struct cpu_group *g = cpu->group;

    if (cpu->locked == CPU_LOCKED_ALL) {
        cpu_group_resume(g);
    } else if (cpu->locked == CPU_LOCKED_BUS) {
        lock_drop(&g->bus);
    }
    cpu->locked = CPU_LOCKED_NOT;
}

/* ---- code ---- */

void cpu_group_event(struct cpu_group *g, const struct cpu *self, uint32_t ev)
{
    for (unsigned k = 0; k < g->n; k++) {
        if (g->cpu[k] != self)
            cpu_set_event(g->cpu[k], ev);
    }
}

struct lint_tables *cpu_group_lint(const struct cpu_group *g)
{
    return g->lint;
}

void cpu_group_code_written(struct cpu_group *g, const struct cpu *self, gpa_t gpa, size_t len)
{
    for (unsigned k = 0; k < g->n; k++) {
        if (g->cpu[k] != self)
            cpu_note_code_write(g->cpu[k], gpa, len);
    }
}
