/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Points of a debugger and what happens at them; see debugger.h. The list of points is what front
 * ends change; tables for quick looks are made from it by the first vCPU that runs behind a change.
 */
#include "cpu/debugger.h"

#include <glib.h>

#include "base/lock.h"
#include "cpu/blocks.h"
#include "cpu/exec.h"
#include "cpu/mmu.h"
#include "cpu/peek.h"

#define VECTORS 256

struct numbered {
    unsigned number;
    struct debug_point point;
};

struct debugger {
    GArray *points;   /* of struct numbered; the next three follow it */
    uint64_t version; /* counts changes; never 0 */
    unsigned last_number;
    struct lock lock;                 /* protects the making of what follows */
    uint64_t made;                    /* of that version it is */
    uint32_t what;                    /* see cpu_debug.what */
    GHashTable *linear, *physical;    /* address of a breakpoint -> its number */
    uint64_t offsets[PAGE_SIZE / 64]; /* where in pages breakpoints are */
    unsigned vector[VECTORS];         /* numbers, or 0 */
};

/* ---- the set ---- */

struct debugger *debugger_new(void)
{
    struct debugger *d = g_new0(struct debugger, 1);

    d->points = g_array_new(FALSE, FALSE, sizeof(struct numbered));
    d->version = 1;
    lock_init(&d->lock);
    d->linear = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    d->physical = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return d;
}

void debugger_free(struct debugger *d)
{
    if (!d)
        return;
    g_hash_table_destroy(d->linear);
    g_hash_table_destroy(d->physical);
    lock_clear(&d->lock);
    g_array_free(d->points, TRUE);
    g_free(d);
}

void debugger_attach(struct debugger *d, struct cpu *cpu)
{
    cpu->debug = (struct cpu_debug){.set = d};
    /* what the last set has left behind */
    cpu_tlb_forget(cpu, true);
    blocks_flush(cpu);
    cpu_sync_mode(cpu);
}

static bool same(const struct debug_point *a, const struct debug_point *b)
{
    return a->kind == b->kind && a->first == b->first && a->last == b->last &&
           a->access == b->access && a->phys == b->phys && a->owner == b->owner;
}

static struct numbered *at(const struct debugger *d, unsigned n)
{
    return &g_array_index(d->points, struct numbered, n);
}

unsigned debugger_add(struct debugger *d, const struct debug_point *p)
{
    struct numbered new = {d->last_number + 1, *p};

    for (unsigned n = 0; n < d->points->len; n++) {
        if (same(&at(d, n)->point, p))
            return at(d, n)->number;
    }
    g_array_append_val(d->points, new);
    d->version++;
    return ++d->last_number;
}

static void remove_at(struct debugger *d, unsigned n)
{
    g_array_remove_index(d->points, n);
    d->version++;
}

bool debugger_remove(struct debugger *d, unsigned number)
{
    for (unsigned n = 0; n < d->points->len; n++) {
        if (at(d, n)->number == number) {
            remove_at(d, n);
            return true;
        }
    }
    return false;
}

bool debugger_remove_like(struct debugger *d, const struct debug_point *p)
{
    for (unsigned n = 0; n < d->points->len; n++) {
        if (same(&at(d, n)->point, p)) {
            remove_at(d, n);
            return true;
        }
    }
    return false;
}

void debugger_remove_owned(struct debugger *d, unsigned owner)
{
    for (unsigned n = d->points->len; n-- > 0;) {
        if (at(d, n)->point.owner == owner)
            remove_at(d, n);
    }
}

const struct debug_point *debugger_point(const struct debugger *d, unsigned n, unsigned *number)
{
    if (n >= d->points->len)
        return NULL;
    if (number)
        *number = at(d, n)->number;
    return &at(d, n)->point;
}

/* ---- the tables ---- */

static void make_code(struct debugger *d, const struct numbered *p)
{
    GHashTable *table = p->point.phys ? d->physical : d->linear;
    unsigned off = (unsigned)(p->point.first & ~PAGE_MASK);

    d->offsets[off / 64] |= UINT64_C(1) << (off % 64);
    if (!g_hash_table_contains(table, &p->point.first))
        g_hash_table_insert(table, g_memdup2(&p->point.first, sizeof(p->point.first)),
                            GUINT_TO_POINTER(p->number));
}

/* The lock is held. */
static void make_tables(struct debugger *d)
{
    if (d->made == d->version)
        return;
    d->what = 0;
    g_hash_table_remove_all(d->linear);
    g_hash_table_remove_all(d->physical);
    memset(d->offsets, 0, sizeof(d->offsets));
    memset(d->vector, 0, sizeof(d->vector));
    for (unsigned n = 0; n < d->points->len; n++) {
        const struct numbered *p = at(d, n);

        d->what |= 1u << p->point.kind;
        if (p->point.kind == DEBUG_CODE)
            make_code(d, p);
        for (uint64_t v = p->point.first;
             p->point.kind == DEBUG_VECTOR && v <= p->point.last && v < VECTORS; v++)
            d->vector[v] = p->number;
    }
    d->made = d->version;
}

bool debugger_changed(const struct cpu *cpu)
{
    return cpu->debug.set && cpu->debug.version != cpu->debug.set->version;
}

void debugger_sync(struct cpu *cpu)
{
    struct debugger *d = cpu->debug.set;

    lock_take(&d->lock);
    make_tables(d);
    lock_drop(&d->lock);
    cpu->debug.version = d->version;
    cpu->debug.what = d->what;
    cpu_tlb_forget(cpu, true);
    blocks_flush(cpu);
}

/* ---- telling ---- */

static void stop(struct cpu *cpu, const struct debug_stop *why)
{
    struct cpu_debug *g = &cpu->debug;

    atomic_store_explicit(&cpu->attention, 1, memory_order_relaxed);
    if (g->stop) /* the first stands */
        return;
    g->stop = g->told = true;
    g->why = *why;
    g->step = false;
}

bool debugger_take(struct cpu *cpu, struct debug_stop *why)
{
    if (!cpu->debug.told)
        return false;
    cpu->debug.told = false;
    *why = cpu->debug.why;
    return true;
}

gva_t debugger_pc(const struct cpu *cpu)
{
    gva_t lin = cpu->code_base + cpu->gpr[REG_RIP];

    return cpu_code64(cpu) ? lin : (uint32_t)lin;
}

void debugger_set_pc(struct cpu *cpu, gva_t pc)
{
    uint64_t rip = pc - cpu->code_base;

    cpu->gpr[REG_RIP] = cpu_code64(cpu) ? rip : (uint32_t)rip;
    if (cpu->exc.pending && (cpu->exc.kind == EVK_FAULT || cpu->exc.kind == EVK_TRAP))
        cpu->exc.pending = false;
    cpu->debug.vector_passes = cpu->exc.pending && cpu->debug.vector_passes;
    cpu->delivering = -1;
    cpu->halted = cpu->monitor.waiting = false;
    cpu->mid_string = false;
}

/* ---- breakpoints ---- */

bool debugger_may_break(const struct cpu *cpu, gpa_t gpa)
{
    unsigned off = (unsigned)(gpa & ~PAGE_MASK);

    return cpu_debugs(cpu, DEBUG_CODE) && (cpu->debug.set->offsets[off / 64] >> (off % 64) & 1);
}

/* The breakpoint at RIP is not told of at the next attempt. */
static void pass_once(struct cpu *cpu)
{
    cpu->debug.pass = true;
    cpu->debug.pass_pc = debugger_pc(cpu);
    cpu->debug.pass_sp = cpu->gpr[REG_RSP];
}

static bool passes(const struct cpu *cpu, gva_t pc)
{
    return cpu->debug.pass && cpu->debug.pass_pc == pc && cpu->debug.pass_sp == cpu->gpr[REG_RSP];
}

static bool find_code(struct cpu *cpu, gva_t pc, gpa_t gpa, unsigned *number)
{
    const struct debugger *d = cpu->debug.set;

    *number = GPOINTER_TO_UINT(g_hash_table_lookup(d->linear, &pc));
    if (!*number)
        *number = GPOINTER_TO_UINT(g_hash_table_lookup(d->physical, &gpa));
    return *number != 0;
}

/* True: stop before it. */
static bool code_at(struct cpu *cpu, gpa_t gpa)
{
    gva_t pc = debugger_pc(cpu);
    struct debug_stop why = {.kind = DEBUG_CODE, .addr = pc, .start = pc};

    if (passes(cpu, pc) || !find_code(cpu, pc, gpa, &why.number))
        return false;
    stop(cpu, &why);
    pass_once(cpu);
    return true;
}

bool debugger_before_block(struct cpu *cpu, const struct block *b)
{
    if (code_at(cpu, b->gpa))
        return true;
    cpu->debug.pass = false;
    return false;
}

bool debugger_before_insn(struct cpu *cpu)
{
    gva_t pc = debugger_pc(cpu);
    gpa_t gpa = ~UINT64_C(0);

    if (!debugger_may_break(cpu, pc))
        return false;
    if (g_hash_table_size(cpu->debug.set->physical) && cpu->mmu->probe(cpu, pc, &gpa))
        return false;
    return code_at(cpu, gpa);
}

void debugger_goes_on(struct cpu *cpu)
{
    pass_once(cpu);
}

/* ---- steps ---- */

void debugger_step(struct cpu *cpu, uint64_t lo, uint64_t hi, bool hold)
{
    cpu->debug.step = true;
    cpu->debug.hold = hold;
    cpu->debug.step_lo = lo;
    cpu->debug.step_hi = hi;
    pass_once(cpu);
}

void debugger_no_step(struct cpu *cpu)
{
    cpu->debug.step = false;
}

void debugger_stepped(struct cpu *cpu)
{
    gva_t pc = debugger_pc(cpu);
    struct debug_stop why = {.kind = DEBUG_STEPPED, .addr = pc, .start = pc};

    if (!cpu->debug.step || cpu->exc.pending)
        return;
    if (pc >= cpu->debug.step_lo && pc < cpu->debug.step_hi)
        return;
    stop(cpu, &why);
}

bool debugger_holds(const struct cpu *cpu)
{
    return cpu->debug.step && cpu->debug.hold && !cpu->halted && !cpu->wait_sipi;
}

/* ---- exceptions ---- */

bool debugger_vector(struct cpu *cpu, const struct cpu_event *ev)
{
    struct debug_stop why = {.kind = DEBUG_VECTOR,
                             .number = cpu->debug.set->vector[ev->vector],
                             .addr = debugger_pc(cpu),
                             .vector = ev->vector,
                             .has_error = ev->has_error,
                             .error = ev->error};

    if (!why.number || cpu->debug.vector_passes) {
        cpu->debug.vector_passes = false;
        return false;
    }
    cpu->debug.vector_passes = true;
    stop(cpu, &why);
    return true;
}

/* Interrupts, and what programs call their systems by, would leave no room for exceptions. */
static bool is_exception(const struct cpu_event *ev)
{
    return ev->kind == EVK_SOFT_INT ? ev->vector == EXC_BP || ev->vector == EXC_OF
                                    : ev->kind != EVK_INTR;
}

void debugger_note(struct cpu *cpu, const struct cpu_event *ev, uint64_t rip)
{
    if (!is_exception(ev))
        return;
    cpu->debug.past[cpu->debug.pasts++ % DEBUG_HISTORY] =
        (struct debug_past){.vector = ev->vector,
                            .has_error = ev->has_error,
                            .error = ev->error,
                            .cs = cpu->seg[SEG_CS].sel,
                            .rip = rip,
                            .cr2 = cpu->cr2,
                            .icount = cpu->icount};
}

unsigned debugger_history(const struct cpu *cpu, struct debug_past *to, unsigned max)
{
    unsigned n = cpu->debug.pasts < DEBUG_HISTORY ? cpu->debug.pasts : DEBUG_HISTORY;

    n = n < max ? n : max;
    for (unsigned k = 0; k < n; k++)
        to[k] = cpu->debug.past[(cpu->debug.pasts - 1 - k) % DEBUG_HISTORY];
    return n;
}

bool debugger_shutdown(struct cpu *cpu)
{
    struct debug_stop why = {.kind = DEBUG_TRIPLE, .addr = debugger_pc(cpu)};

    if (!cpu_debugs(cpu, DEBUG_TRIPLE) || cpu->debug.shutdown_told) {
        cpu->debug.shutdown_told = false;
        return false;
    }
    cpu->debug.shutdown_told = true;
    stop(cpu, &why);
    cpu->debug.stop = false; /* cpu_run is being left */
    return true;
}

/* ---- data, ports, CR3 ---- */

static bool overlaps(const struct debug_point *p, uint64_t first, uint64_t last)
{
    return p->first <= last && first <= p->last;
}

bool debugger_watches(const struct cpu *cpu, gva_t va, gpa_t gpa)
{
    const struct debugger *d = cpu->debug.set;

    for (unsigned n = 0; n < d->points->len; n++) {
        const struct debug_point *p = &at(d, n)->point;
        uint64_t page = (p->phys ? gpa : va) & PAGE_MASK;

        if (p->kind == DEBUG_WATCH && overlaps(p, page, page | ~PAGE_MASK))
            return true;
    }
    return false;
}

/* The first point of that kind that the access hits. `physical`: its other address, or the same. */
static bool hit(struct cpu *cpu, struct debug_stop *why, uint64_t physical, unsigned acc)
{
    const struct debugger *d = cpu->debug.set;

    for (unsigned n = 0; n < d->points->len; n++) {
        const struct debug_point *p = &at(d, n)->point;
        uint64_t first = p->phys ? physical : why->addr;

        if (p->kind == why->kind && (p->access & acc) &&
            overlaps(p, first, first + why->size - 1)) {
            why->number = at(d, n)->number;
            why->start = p->first;
            return true;
        }
    }
    return false;
}

void debugger_accessed(struct cpu *cpu, gva_t va, gpa_t gpa, unsigned size, unsigned acc)
{
    struct debug_stop why = {
        .kind = DEBUG_WATCH, .addr = va, .size = size, .write = (acc & ACC_W) != 0};

    if (!hit(cpu, &why, gpa, acc & (ACC_R | ACC_W)))
        return;
    stop(cpu, &why);
    if (cpu->cur)
        blocks_leave_soon(cpu);
}

void debugger_io(struct cpu *cpu, enum debug_kind kind, uint64_t addr, unsigned size, bool write)
{
    struct debug_stop why = {.kind = kind, .addr = addr, .size = size, .write = write};

    if (!hit(cpu, &why, addr, write ? ACC_W : ACC_R))
        return;
    stop(cpu, &why);
    if (cpu->cur && kind == DEBUG_MMIO)
        blocks_leave_soon(cpu);
}

void debugger_cr3(struct cpu *cpu)
{
    const struct debugger *d = cpu->debug.set;
    struct debug_stop why = {.kind = DEBUG_CR3, .addr = cpu->cr3};

    for (unsigned n = 0; n < d->points->len; n++) {
        const struct debug_point *p = &at(d, n)->point;
        /* bits of the PCID, or flags, count where they are asked for */
        uint64_t mask = p->first & ~PAGE_MASK ? ~UINT64_C(0) : PAGE_MASK;

        if (p->kind == DEBUG_CR3 && p->first == (cpu->cr3 & mask)) {
            why.number = at(d, n)->number;
            why.start = p->first;
            stop(cpu, &why);
            return;
        }
    }
}

/* ---- memory ---- */

/* A debugger is not to be shown what lies elsewhere. */
static bool exists(const struct cpu *cpu, bool phys, uint64_t addr)
{
    return phys || cpu_long_mode(cpu) || addr <= UINT32_MAX;
}

size_t debugger_read(struct cpu *cpu, bool phys, uint64_t addr, void *buf, size_t len)
{
    if (!exists(cpu, phys, addr))
        return 0;
    return phys ? cpu_peek_physical(cpu, addr, buf, len) : cpu_peek(cpu, addr, buf, len);
}

size_t debugger_write(struct cpu *cpu, bool phys, uint64_t addr, const void *buf, size_t len)
{
    if (!exists(cpu, phys, addr))
        return 0;
    return phys ? cpu_poke_physical(cpu, addr, buf, len) : cpu_poke(cpu, addr, buf, len);
}
