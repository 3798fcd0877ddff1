/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See lint_tables.h. */
#include "cpu/lint_tables.h"

#include <glib.h>

#include "base/lock.h"
#include "cpu/fetch.h"
#include "cpu/group.h"
#include "cpu/lint.h"
#include "cpu/mmu_shadow/guest_walk.h"
#include "cpu/mmu_shadow/page_track.h"

#define CHANGES 64  /* remembered of all tables */
#define PENDING 256 /* frames to be protected from other vCPUs */
#define BATCH   16  /* of them at a time */

/* Where an entry's index counts in four bytes, also of entries of eight. */
#define SLOTS (PAGE_SIZE / 4)

struct table {
    gfn_t gfn;
    struct memslot_arch *mark; /* a reference: where its memory is tracked */
    uint64_t index;            /* of the page there */
    unsigned n;                /* entries noted */
    unsigned size;             /* of an entry */
    uint64_t gpte[SLOTS];      /* as last seen; 0: not noted */
};

struct lint_tables {
    struct lock lock;
    GHashTable *table; /* by gfn */
    struct lint_change change[CHANGES];
    unsigned changes; /* ever */
    gfn_t pending[PENDING];
    unsigned n_pending;
};

static void free_table(gpointer p)
{
    struct table *t = p;

    page_track_end(&t->mark->track[t->index], TRACK_LINT);
    memslot_arch_put(t->mark);
    g_free(t);
}

struct lint_tables *lint_tables_new(void)
{
    struct lint_tables *lt = g_new0(struct lint_tables, 1);

    lock_init(&lt->lock);
    lt->table = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free_table);
    return lt;
}

void lint_tables_free(struct lint_tables *lt)
{
    if (!lt)
        return;
    g_hash_table_destroy(lt->table);
    lock_clear(&lt->lock);
    g_free(lt);
}

/* ---- tracking ---- */

/* Stores of this vCPU are seen at once; of others when they have been asked, which cannot be in the
 * middle of an instruction. */
static void track(struct cpu *cpu, struct lint_tables *lt, struct table *t)
{
    if (!page_track_begin(&t->mark->track[t->index], TRACK_LINT))
        return;
    tlb_protect_pages(cpu, &t->gfn, 1);
    if (cpu_group_size(cpu->group) == 1) {
        page_track_seal(&t->mark->track[t->index]);
    } else if (lt->n_pending < PENDING) {
        lt->pending[lt->n_pending++] = t->gfn;
        cpu_set_event(cpu, EV_LINT);
    }
}

static struct table *add_table(struct cpu *cpu, struct lint_tables *lt, gfn_t gfn, unsigned size)
{
    const struct memslot *s = memslots_find(cpu->slots, gfn);
    struct table *t;

    if (!s || memslot_readonly(s))
        return NULL;
    t = g_new0(struct table, 1);
    t->gfn = gfn;
    t->size = size;
    t->mark = memslot_arch_get(s->arch);
    t->index = gfn - s->base_gfn;
    g_hash_table_insert(lt->table, &t->gfn, t);
    track(cpu, lt, t);
    return t;
}

void lint_tables_note(struct cpu *cpu, gpa_t gpa, unsigned size, uint64_t value)
{
    struct lint_tables *lt = cpu_group_lint(cpu->group);
    gfn_t gfn = gpa >> PAGE_SHIFT;
    struct table *t;
    uint64_t *at;

    lock_take(&lt->lock);
    t = g_hash_table_lookup(lt->table, &gfn);
    if (t && t->size != size) { /* a table of another kind was here */
        g_hash_table_remove(lt->table, &gfn);
        t = NULL;
    }
    if (!t)
        t = add_table(cpu, lt, gfn, size);
    if (t) {
        at = &t->gpte[(gpa & ~PAGE_MASK) / 4];
        t->n += !*at;
        *at = value;
    }
    lock_drop(&lt->lock);
}

void lint_tables_catch_up(struct cpu *cpu)
{
    struct lint_tables *lt = cpu_group_lint(cpu->group);
    gfn_t gfn[BATCH];
    unsigned n;

    cpu_tlb_forget(cpu, true);
    for (;;) {
        lock_take(&lt->lock);
        for (n = 0; n < BATCH && lt->n_pending; n++)
            gfn[n] = lt->pending[--lt->n_pending];
        lock_drop(&lt->lock);
        if (!n)
            return;
        cpu_leave_guest(cpu);
        cpu_group_protect(cpu->group, cpu, gfn, n);
        cpu_enter_guest(cpu);
        lock_take(&lt->lock);
        for (unsigned k = 0; k < n; k++) {
            struct table *t = g_hash_table_lookup(lt->table, &gfn[k]);

            if (t)
                page_track_seal(&t->mark->track[t->index]);
        }
        lock_drop(&lt->lock);
    }
}

/* ---- changes ---- */

/* Is it one after which an old translation may do what the new one does not? Other frames, rights
 * that went, entries that went (SDM 3A 4.10.4.2, 4.10.4.3). */
static bool takes_away(uint64_t was, uint64_t is)
{
    const uint64_t frame = UINT64_C(0x000ffffffffff000), gave = GPTE_W | GPTE_U;

    return !(is & GPTE_P) || ((was ^ is) & (frame | GPTE_PS)) || (was & ~is & gave) ||
           (is & ~was & GPTE_NX);
}

static uint64_t read_entry(struct cpu *cpu, gpa_t gpa, unsigned size)
{
    const void *p = memslots_ptr(cpu->slots, gpa);

    if (!p)
        return 0;
    return size == 4 ? __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED)
                     : __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED);
}

static void remember(struct cpu *cpu, struct lint_tables *lt, gpa_t gpa, uint64_t was, uint64_t is)
{
    struct lint_change *c = &lt->change[lt->changes++ % CHANGES];

    *c = (struct lint_change){
        .gpa = gpa, .was = was, .is = is, .cpu = cpu->id, .rip = lint_insn_rip(cpu)};
}

/* One entry may have been written; true when it matters. The lock is held. */
static bool entry_written(struct cpu *cpu, struct lint_tables *lt, struct table *t, gpa_t gpa)
{
    uint64_t *at = &t->gpte[(gpa & ~PAGE_MASK) / 4], was = *at, is;

    if (!was)
        return false;
    is = read_entry(cpu, gpa, t->size);
    if (!((was ^ is) & ~(GPTE_A | GPTE_D)) || !takes_away(was, is))
        return false;
    remember(cpu, lt, gpa, was, is);
    *at = is & GPTE_P ? is : 0;
    t->n -= !*at;
    return true;
}

void lint_tables_written(struct cpu *cpu, gpa_t gpa, unsigned len)
{
    struct lint_tables *lt = cpu_group_lint(cpu->group);
    gfn_t gfn = gpa >> PAGE_SHIFT;
    struct table *t;
    bool matters = false;

    if (!lt)
        return;
    lock_take(&lt->lock);
    t = g_hash_table_lookup(lt->table, &gfn);
    if (t) {
        for (gpa_t at = gpa & ~(gpa_t)(t->size - 1); at < gpa + len; at += t->size)
            matters |= entry_written(cpu, lt, t, at);
        if (!t->n) /* a table no more, perhaps */
            g_hash_table_remove(lt->table, &gfn);
    }
    lock_drop(&lt->lock);
    if (!matters)
        return;
    cpu_tlb_forget(cpu, true);
    cpu_group_event(cpu->group, cpu, EV_LINT);
}

bool lint_tables_last_change(struct cpu *cpu, gpa_t gpa, struct lint_change *out)
{
    struct lint_tables *lt = cpu_group_lint(cpu->group);
    bool found = false;

    lock_take(&lt->lock);
    for (unsigned k = lt->changes; !found && k && k + CHANGES > lt->changes; k--) {
        *out = lt->change[(k - 1) % CHANGES];
        found = out->gpa == gpa;
    }
    lock_drop(&lt->lock);
    return found;
}
