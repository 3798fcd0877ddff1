/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See mmu_direct.h: what the direct MMU asks of the machine, and how a vCPU uses it. */
#include "cpu/mmu_direct.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "cpu/group.h"
#include "cpu/mmu_shadow/page_track.h"
#include "cpu/mmu_shadow/tdp_mmu.h"

#define LEVELS 4 /* 48 bits: more than any model's MAXPHYADDR */

struct mmu_direct {
    struct cpu_group *group;
    struct memslots_vm *slots;
    struct tdp_mmu tdp;
    struct rwlock lock;
    _Atomic unsigned users;    /* vCPUs that hold a root */
    unsigned changing;         /* changes of slots under way; the lock */
    _Atomic uint64_t sequence; /* changes that ended */
    struct lock free_lock;     /* innermost */
    GPtrArray *deferred;       /* tables that others may still read; free_lock */
};

/* ---- what the direct MMU asks: slots are read inside guest mode or under the lock ---- */

static bool slot(void *opaque, gfn_t gfn, struct tdp_slot *out)
{
    struct mmu_direct *d = opaque;
    const struct memslot *s = memslots_find(d->slots, gfn);

    if (!s)
        return false;
    *out = (struct tdp_slot){
        .base = s->base_gfn,
        .npages = s->npages,
        .hva = (hva_t)s->hva,
        .rights = memslot_readonly(s) ? PT_READ | PT_EXEC : PT_ALL,
        .log_dirty = s->flags & MEMSLOT_LOG_DIRTY,
    };
    return true;
}

static bool write_tracked(void *opaque, gfn_t gfn, uint64_t npages)
{
    struct mmu_direct *d = opaque;

    for (uint64_t k = 0; k < npages; k++) {
        const struct memslot *s = memslots_find(d->slots, gfn + k);

        if (s && (page_tracked(s, gfn + k) & TRACK_TABLES))
            return true;
    }
    return false;
}

static int max_level(void *opaque, const struct tdp_slot *s, gfn_t gfn)
{
    int level = tdp_slot_level(s, gfn);

    while (level > PT_LEVEL_4K && write_tracked(opaque, pt_align(gfn, level), pt_pages(level)))
        level--;
    return level;
}

static void mark_dirty(void *opaque, gfn_t gfn, uint64_t npages)
{
    struct mmu_direct *d = opaque;
    const struct memslot *s = memslots_find(d->slots, gfn);

    if (s)
        memslot_mark_dirty_range(s, gfn, npages);
}

static void flush(void *opaque, gfn_t gfn, uint64_t npages)
{
    struct mmu_direct *d = opaque;

    (void)gfn, (void)npages;
    cpu_group_flush(d->group, NULL);
}

static uint64_t invalidate_seq(void *opaque)
{
    struct mmu_direct *d = opaque;

    return atomic_load(&d->sequence);
}

static bool invalidate_retry(void *opaque, uint64_t seq, gfn_t gfn, uint64_t npages)
{
    struct mmu_direct *d = opaque;

    (void)gfn, (void)npages;
    return d->changing || atomic_load(&d->sequence) != seq;
}

static bool need_resched(void *opaque)
{
    (void)opaque;
    return false;
}

static pt_entry *table_new(void *opaque)
{
    pt_entry *table = aligned_alloc(PAGE_SIZE, PAGE_SIZE);

    (void)opaque;
    if (table)
        memset((void *)table, 0, PAGE_SIZE);
    return table;
}

static void table_free(void *opaque, pt_entry *table)
{
    (void)opaque;
    free((void *)table);
}

static void defer_free(void *opaque, pt_entry *table)
{
    struct mmu_direct *d = opaque;

    lock_take(&d->free_lock);
    g_ptr_array_add(d->deferred, (void *)table);
    lock_drop(&d->free_lock);
}

static bool leave(void *opaque, void *vcpu)
{
    (void)opaque;
    return cpu_leave_guest(vcpu);
}

static const struct tdp_ops ops = {
    .slot = slot,
    .max_level = max_level,
    .write_tracked = write_tracked,
    .mark_dirty = mark_dirty,
    .flush = flush,
    .invalidate_seq = invalidate_seq,
    .invalidate_retry = invalidate_retry,
    .need_resched = need_resched,
    .table_new = table_new,
    .table_free = table_free,
    .defer_free = defer_free,
    .leave = leave,
};

/* Frees what waits for it, after what tdp_mmu.h asks for: a moment when nobody held the lock, and a
 * flush. */
static void reclaim(struct mmu_direct *d)
{
    GPtrArray *tables;

    lock_take(&d->free_lock);
    tables = d->deferred;
    if (tables->len)
        d->deferred = g_ptr_array_new_with_free_func(free);
    lock_drop(&d->free_lock);
    if (!tables->len)
        return;
    mmu_direct_synchronize(d);
    cpu_group_flush(d->group, NULL);
    g_ptr_array_free(tables, TRUE);
}

/* ---- life ---- */

struct mmu_direct *mmu_direct_new(struct cpu_group *group, struct memslots_vm *slots)
{
    static const struct pt_space space = {
        .format = &pt_format_own, .frame = pt_identity_frame, .host = pt_identity_host};
    struct mmu_direct *d = g_new0(struct mmu_direct, 1);

    d->group = group;
    d->slots = slots;
    rwlock_init(&d->lock);
    lock_init(&d->free_lock);
    d->deferred = g_ptr_array_new_with_free_func(free);
    tdp_mmu_init(&d->tdp, &space, &ops, d, &d->lock, LEVELS);
    return d;
}

void mmu_direct_free(struct mmu_direct *d)
{
    if (!d)
        return;
    invariant(!d->users);
    tdp_mmu_clear(&d->tdp);
    g_ptr_array_free(d->deferred, TRUE);
    lock_clear(&d->free_lock);
    rwlock_clear(&d->lock);
    g_free(d);
}

/* ---- a vCPU ---- */

static struct tdp_root *root_of(struct mmu_direct *d, struct cpu *cpu)
{
    if (!cpu->direct_root) {
        atomic_fetch_add(&d->users, 1);
        cpu->direct_root = tdp_mmu_root_get(&d->tdp);
        if (!cpu->direct_root)
            atomic_fetch_sub(&d->users, 1);
    }
    return cpu->direct_root;
}

void mmu_direct_release(struct mmu_direct *d, struct cpu *cpu)
{
    bool inside;

    if (!cpu->direct_root)
        return;
    inside = cpu_leave_guest(cpu);
    tdp_mmu_root_put(&d->tdp, cpu->direct_root);
    cpu->direct_root = NULL;
    if (atomic_fetch_sub(&d->users, 1) == 1) {
        rwlock_write(&d->lock);
        tdp_mmu_invalidate_roots(&d->tdp);
        rwlock_drop(&d->lock);
        tdp_mmu_zap_invalid_roots(&d->tdp);
        reclaim(d);
    }
    if (inside)
        cpu_enter_guest(cpu);
}

static enum tdp_result map(struct mmu_direct *d, struct cpu *cpu, gfn_t gfn, unsigned access)
{
    struct tdp_fault fault = {.gfn = gfn, .access = access, .vcpu = cpu};
    enum tdp_result r = tdp_mmu_map(&d->tdp, cpu->direct_root, &fault);

    if (fault.left)
        cpu_enter_guest(cpu);
    if (r == TDP_STALE_ROOT) {
        tdp_mmu_root_put(&d->tdp, cpu->direct_root);
        cpu->direct_root = NULL;
        atomic_fetch_sub(&d->users, 1);
    }
    return r;
}

/* The rights that the tree gives; 0: it knows nothing of the frame. */
static unsigned look_up(struct mmu_direct *d, struct cpu *cpu, gfn_t gfn)
{
    int level;
    uint64_t spte = tdp_mmu_lookup(&d->tdp, cpu->direct_root, gfn, &level);

    return spte ? pt_rights(&pt_format_own, spte) : 0;
}

void mmu_direct_translate(struct mmu_direct *d, struct cpu *cpu, gva_t va, unsigned acc,
                          struct mmu_xlat *out)
{
    unsigned access = acc & ACC_W ? PT_WRITE : acc & ACC_X ? PT_EXEC : PT_READ;
    gpa_t gpa = va & cpu->a20_mask;
    gfn_t gfn = gpa >> PAGE_SHIFT;

    *out = (struct mmu_xlat){.gpa = gpa, .global = true, .shift = PAGE_SHIFT};
    while (root_of(d, cpu)) {
        unsigned rights = look_up(d, cpu, gfn);

        if (rights & access) {
            out->writable = out->logged = rights & PT_WRITE;
            return;
        }
        switch (map(d, cpu, gfn, access)) {
        case TDP_MAPPED:
        case TDP_SPURIOUS:
        case TDP_RETRY:
        case TDP_STALE_ROOT: break;
        case TDP_NO_SLOT: out->writable = true; return; /* devices see to it */
        case TDP_DENIED:
        case TDP_TRACKED:
        case TDP_NO_MEMORY: return;
        }
    }
}

/* ---- what changes ---- */

void mmu_direct_track(struct mmu_direct *d, gfn_t gfn)
{
    if (!atomic_load(&d->users)) /* who begins to use it sees that the frame is tracked */
        return;
    rwlock_write(&d->lock);
    tdp_mmu_write_track(&d->tdp, gfn);
    rwlock_drop(&d->lock);
}

void mmu_direct_begin_change(struct mmu_direct *d)
{
    rwlock_write(&d->lock);
    d->changing++;
    rwlock_drop(&d->lock);
    tdp_mmu_zap_leafs(&d->tdp, 0, ~UINT64_C(0));
}

void mmu_direct_begin_drop(struct mmu_direct *d, const gfn_t *gfn, unsigned n)
{
    rwlock_write(&d->lock);
    d->changing++;
    rwlock_drop(&d->lock);
    for (unsigned k = 0, run; k < n; k += run) { /* neighbours together */
        for (run = 1; k + run < n && gfn[k + run] == gfn[k] + run; run++)
            ;
        tdp_mmu_zap_leafs(&d->tdp, gfn[k], gfn[k] + run);
    }
}

void mmu_direct_end_change(struct mmu_direct *d)
{
    rwlock_write(&d->lock);
    invariant(d->changing);
    d->changing--;
    atomic_fetch_add(&d->sequence, 1);
    rwlock_drop(&d->lock);
    reclaim(d);
}

void mmu_direct_synchronize(struct mmu_direct *d)
{
    rwlock_write(&d->lock);
    rwlock_drop(&d->lock);
}

static void flags_changed(struct mmu_direct *d)
{
    rwlock_write(&d->lock);
    atomic_fetch_add(&d->sequence, 1);
    rwlock_drop(&d->lock);
}

void mmu_direct_log_begun(struct mmu_direct *d, const struct memslot *s)
{
    gfn_t end = s->base_gfn + s->npages;

    flags_changed(d);
    if (tdp_mmu_split_huge(&d->tdp, s->base_gfn, end, PT_LEVEL_4K)) /* no memory for tables */
        tdp_mmu_zap_leafs(&d->tdp, s->base_gfn, end);
    tdp_mmu_write_protect(&d->tdp, s->base_gfn, end);
}

void mmu_direct_log_ended(struct mmu_direct *d, const struct memslot *s)
{
    struct tdp_slot now;

    flags_changed(d);
    if (slot(d, s->base_gfn, &now))
        tdp_mmu_recover_huge(&d->tdp, &now);
    reclaim(d);
}

void mmu_direct_write_protect(struct mmu_direct *d, const struct memslot *s, uint64_t first,
                              uint64_t mask)
{
    if (atomic_load(&d->users))
        tdp_mmu_write_protect_mask(&d->tdp, s->base_gfn + first, mask);
}

void mmu_direct_audit(struct mmu_direct *d)
{
    char buf[160];
    const char *broken;

    rwlock_write(&d->lock);
    broken = tdp_mmu_audit(&d->tdp, buf, sizeof(buf));
    rwlock_drop(&d->lock);
    if (broken)
        log_user("direct MMU: %s", broken);
    invariant(!broken);
}

struct mmu_direct_counts mmu_direct_count(const struct mmu_direct *d)
{
    struct mmu_direct_counts c = {.tables = atomic_load(&d->tdp.stats.tables),
                                  .recovered = atomic_load(&d->tdp.stats.recovered)};

    for (unsigned level = 1; level <= PT_LEVEL_HUGEST; level++)
        c.leafs[level] = atomic_load(&d->tdp.stats.leafs[level]);
    return c;
}
