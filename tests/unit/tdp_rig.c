/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The world of the direct MMU's tests; see tdp_rig.h. */
#include "tests/unit/tdp_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/step.h"

/* Frames of EPT are not the host's page numbers: a bit more tells whether both ways are taken. */
#define EPT_FRAME_BIT (UINT64_C(1) << 36)

static uint64_t ept_frame(void *opaque, hva_t hva)
{
    (void)opaque;
    return hva >> PAGE_SHIFT | EPT_FRAME_BIT;
}

static hva_t ept_host(void *opaque, uint64_t frame)
{
    (void)opaque;
    invariant(frame & EPT_FRAME_BIT);
    return (hva_t)(frame & ~EPT_FRAME_BIT) << PAGE_SHIFT;
}

static void note_broken(struct rig *r, const char *what)
{
    if (!r->broken)
        r->broken = what;
}

/* Scheduled threads change at steps only, and there is none in what this protects. */
static void world_take(struct rig *r)
{
    if (!step_scheduled())
        lock_take(&r->world);
}

static void world_drop(struct rig *r)
{
    if (!step_scheduled())
        lock_drop(&r->world);
}

/* ---- what the MMU asks ---- */

static bool find_slot(struct rig *r, gfn_t gfn, struct tdp_slot *slot)
{
    for (unsigned k = 0; k < r->n_slots; k++) {
        if (gfn - r->slots[k].base < r->slots[k].npages) {
            *slot = r->slots[k];
            return true;
        }
    }
    return false;
}

static bool op_slot(void *opaque, gfn_t gfn, struct tdp_slot *slot)
{
    struct rig *r = opaque;
    bool found;

    if (r->on_slot)
        r->on_slot(r);
    world_take(r);
    found = find_slot(r, gfn, slot);
    world_drop(r);
    return found;
}

static bool is_tracked(struct rig *r, gfn_t gfn, uint64_t npages)
{
    for (unsigned k = 0; k < r->n_tracked; k++)
        if (r->tracked[k] - gfn < npages)
            return true;
    return false;
}

static bool op_write_tracked(void *opaque, gfn_t gfn, uint64_t npages)
{
    struct rig *r = opaque;
    bool tracked;

    world_take(r);
    tracked = is_tracked(r, gfn, npages);
    world_drop(r);
    return tracked;
}

static int op_max_level(void *opaque, const struct tdp_slot *slot, gfn_t gfn)
{
    struct rig *r = opaque;
    int level = tdp_slot_level(slot, gfn);

    world_take(r);
    r->asked_level++;
    if (gfn < slot->base || gfn >= slot->base + slot->npages)
        note_broken(r, "max_level asked about a gfn outside the slot");
    if (level > r->max_level)
        level = r->max_level;
    while (r->max_level_knows_tracking && level > PT_LEVEL_4K &&
           is_tracked(r, pt_align(gfn, level), pt_pages(level)))
        level--;
    world_drop(r);
    return level;
}

static void op_mark_dirty(void *opaque, gfn_t gfn, uint64_t npages)
{
    struct rig *r = opaque;

    if (r->on_dirty)
        r->on_dirty(r, gfn);
    world_take(r);
    r->dirties++;
    for (uint64_t k = 0; k < npages && gfn + k < RIG_PAGES; k++)
        r->dirty[gfn + k] = 1;
    world_drop(r);
}

static void op_flush(void *opaque, gfn_t gfn, uint64_t npages)
{
    struct rig *r = opaque;

    world_take(r);
    if (!rwlock_is_held(&r->lock))
        note_broken(r, "flush without the MMU lock");
    r->flush_lo = r->flushes && r->flush_lo < gfn ? r->flush_lo : gfn;
    r->flush_hi = r->flushes && r->flush_hi > gfn + npages ? r->flush_hi : gfn + npages;
    r->flushes++;
    for (unsigned cpu = 0; cpu < RIG_VCPUS; cpu++)
        for (uint64_t k = 0; k < npages && gfn + k < RIG_PAGES; k++)
            r->tlb[cpu][gfn + k] = 0;
    world_drop(r);
}

static uint64_t op_invalidate_seq(void *opaque)
{
    struct rig *r = opaque;
    uint64_t seq;

    world_take(r);
    seq = r->inv_seq;
    world_drop(r);
    return seq;
}

static bool op_invalidate_retry(void *opaque, uint64_t seq, gfn_t gfn, uint64_t npages)
{
    struct rig *r = opaque;
    bool retry;

    world_take(r);
    retry =
        seq != r->inv_seq || (r->invalidating && gfn < r->inv_end && gfn + npages > r->inv_start);
    world_drop(r);
    return retry;
}

static bool op_need_resched(void *opaque)
{
    struct rig *r = opaque;
    bool resched;

    if (r->on_resched)
        r->on_resched(r);
    world_take(r);
    r->resched_calls++;
    resched = r->always_resched && r->resched_calls < r->resched_limit &&
              (!r->resched_for || r->resched_calls <= r->resched_for);
    if (r->resched_calls >= r->resched_limit)
        note_broken(r, "no progress");
    world_drop(r);
    return resched;
}

static pt_entry *op_table_new(void *opaque)
{
    struct rig *r = opaque;
    pt_entry *table = NULL;

    if (r->on_table_new)
        r->on_table_new(r);
    world_take(r);
    if (r->tables_left) {
        table = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
        invariant(table);
        memset((void *)table, 0, PAGE_SIZE);
        r->tables++;
        r->tables_left -= r->tables_left > 0;
    }
    world_drop(r);
    return table;
}

/* A leaf that every walk would want to change, in tables where none must be. */
static uint64_t poison(struct rig *r)
{
    return pt_make_leaf(r->mmu.space.format, 0xdead, PT_LEVEL_4K, PT_READ) |
           r->mmu.space.format->dirty;
}

static void dig_up(struct rig *r)
{
    pt_entry *table = r->grave[--r->n_grave];

    for (unsigned k = 0; k < PT_ENTRIES; k++)
        if (atomic_load(&table[k]) != poison(r))
            note_broken(r, "a table was written to after it was freed");
    free((void *)table);
}

/* Under the world's lock. AddressSanitizer knows better than we who uses it afterwards. */
static void bury(struct rig *r, pt_entry *table)
{
    r->tables--;
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
    free((void *)table);
    return;
#endif
#endif
    if (r->n_grave == 64)
        dig_up(r);
    for (unsigned k = 0; k < PT_ENTRIES; k++)
        atomic_store_explicit(&table[k], poison(r), memory_order_relaxed);
    r->grave[r->n_grave++] = table;
}

static void op_table_free(void *opaque, pt_entry *table)
{
    struct rig *r = opaque;

    world_take(r);
    bury(r, table);
    world_drop(r);
}

static void op_defer_free(void *opaque, pt_entry *table)
{
    struct rig *r = opaque;

    world_take(r);
    invariant(r->n_retired < 256);
    r->retired[r->n_retired++] = table;
    world_drop(r);
}

static const struct tdp_ops ops = {
    .slot = op_slot,
    .max_level = op_max_level,
    .write_tracked = op_write_tracked,
    .mark_dirty = op_mark_dirty,
    .flush = op_flush,
    .invalidate_seq = op_invalidate_seq,
    .invalidate_retry = op_invalidate_retry,
    .need_resched = op_need_resched,
    .table_new = op_table_new,
    .table_free = op_table_free,
    .defer_free = op_defer_free,
};

/* ---- life ---- */

void rig_init(struct rig *r, const struct pt_format *format, int levels)
{
    bool own = format == &pt_format_own;
    struct pt_space space = {
        .format = format,
        .opaque = r,
        .frame = own ? pt_identity_frame : ept_frame,
        .host = own ? pt_identity_host : ept_host,
    };

    memset(r, 0, sizeof(*r));
    rwlock_init(&r->lock);
    lock_init(&r->world);
    r->max_level = PT_LEVEL_HUGEST;
    r->max_level_knows_tracking = true;
    r->tables_left = -1;
    r->resched_limit = 10 * 1000 * 1000;
    tdp_mmu_init(&r->mmu, &space, &ops, r, &r->lock, levels);
}

static void drop_roots(struct rig *r)
{
    for (unsigned cpu = 0; cpu < RIG_VCPUS; cpu++) {
        if (r->root[cpu])
            tdp_mmu_root_put(&r->mmu, r->root[cpu]);
        r->root[cpu] = NULL;
    }
}

const char *rig_end(struct rig *r)
{
    const char *broken = rig_check(r);

    r->on_resched = NULL;
    r->always_resched = false;
    drop_roots(r);
    tdp_mmu_clear(&r->mmu);
    rig_grace(r);
    while (r->n_grave)
        dig_up(r);
    if (!broken && r->tables)
        broken = "tables are left after the end";
    if (!broken)
        broken = r->broken;
    lock_clear(&r->world);
    rwlock_clear(&r->lock);
    return broken;
}

struct tdp_slot *rig_slot(struct rig *r, gfn_t base, uint64_t npages, hva_t hva, unsigned rights)
{
    invariant(r->n_slots < RIG_SLOTS);
    r->slots[r->n_slots] =
        (struct tdp_slot){.base = base, .npages = npages, .hva = hva, .rights = rights};
    return &r->slots[r->n_slots++];
}

/* ---- vCPUs ---- */

/* What the tables say for one page, as the leaf of 4K that it might be; 0 for nothing. */
static uint64_t page_of(struct rig *r, unsigned cpu, gfn_t gfn)
{
    const struct pt_format *f = r->mmu.space.format;
    int level;
    uint64_t spte = r->root[cpu] ? tdp_mmu_lookup(&r->mmu, r->root[cpu], gfn, &level) : 0;

    for (; spte && level > PT_LEVEL_4K; level--)
        spte = pt_make_small(f, spte, level, pt_index(gfn, level - 1));
    return spte;
}

/* Between two acknowledgements nothing can be flushed: the look-up and its use are one to others,
 * for which the world's lock stands here. */
static void fill(struct rig *r, unsigned cpu, gfn_t gfn)
{
    world_take(r);
    if (gfn < RIG_PAGES)
        r->tlb[cpu][gfn] = page_of(r, cpu, gfn);
    world_drop(r);
}

enum tdp_result rig_fault(struct rig *r, unsigned cpu, gfn_t gfn, unsigned access)
{
    struct tdp_fault fault = {.gfn = gfn, .access = access};
    enum tdp_result result;

    if (!r->root[cpu])
        r->root[cpu] = tdp_mmu_root_get(&r->mmu);
    result = tdp_mmu_map(&r->mmu, r->root[cpu], &fault);
    if (result == TDP_STALE_ROOT) {
        tdp_mmu_root_put(&r->mmu, r->root[cpu]);
        r->root[cpu] = NULL;
        world_take(r);
        memset(r->tlb[cpu], 0, sizeof(r->tlb[cpu]));
        world_drop(r);
    }
    if (result == TDP_MAPPED || result == TDP_SPURIOUS)
        fill(r, cpu, gfn);
    return result;
}

/* True if the vCPU's TLB grants it; then it is done. */
static bool through_tlb(struct rig *r, unsigned cpu, gfn_t gfn, unsigned access)
{
    const struct pt_format *f = r->mmu.space.format;
    struct tdp_slot slot;
    bool granted;

    if (gfn >= RIG_PAGES)
        return false;
    world_take(r);
    granted = r->tlb[cpu][gfn] && !(access & ~pt_rights(f, r->tlb[cpu][gfn]));
    if (granted && access == PT_WRITE && find_slot(r, gfn, &slot) && slot.log_dirty)
        r->written[gfn] = 1;
    world_drop(r);
    return granted;
}

enum rig_access rig_access(struct rig *r, unsigned cpu, gfn_t gfn, unsigned access)
{
    while (!through_tlb(r, cpu, gfn, access)) {
        switch (rig_fault(r, cpu, gfn, access)) {
        case TDP_NO_SLOT:
        case TDP_DENIED:
        case TDP_TRACKED:
        case TDP_NO_MEMORY: return RIG_REFUSED;
        case TDP_STALE_ROOT: break;
        case TDP_RETRY: step_spin("rig: the guest runs again"); break;
        default:
            if (gfn >= RIG_PAGES)
                return RIG_DONE;
        }
    }
    return RIG_DONE;
}

/* ---- the owner's changes ---- */

void rig_invalidate_begin(struct rig *r, gfn_t start, gfn_t end)
{
    rwlock_write(&r->lock);
    world_take(r);
    r->invalidating = true;
    r->inv_start = start;
    r->inv_end = end;
    world_drop(r);
    rwlock_drop(&r->lock);
}

void rig_invalidate_end(struct rig *r)
{
    rwlock_write(&r->lock);
    world_take(r);
    r->inv_seq++;
    r->invalidating = false;
    world_drop(r);
    rwlock_drop(&r->lock);
}

void rig_remap(struct rig *r, struct tdp_slot *slot, hva_t hva)
{
    rig_invalidate_begin(r, slot->base, slot->base + slot->npages);
    world_take(r);
    slot->hva = hva;
    world_drop(r);
    tdp_mmu_zap_leafs(&r->mmu, slot->base, slot->base + slot->npages);
    rig_invalidate_end(r);
}

void rig_log(struct rig *r, struct tdp_slot *slot, bool on)
{
    rwlock_write(&r->lock);
    world_take(r);
    slot->log_dirty = on;
    r->inv_seq++; /* a fault that knows the slot without the flag must not install what it would */
    for (gfn_t gfn = slot->base; gfn < slot->base + slot->npages && gfn < RIG_PAGES; gfn++)
        r->dirty[gfn] = r->written[gfn] = 0;
    world_drop(r);
    rwlock_drop(&r->lock);
}

void rig_track(struct rig *r, gfn_t gfn)
{
    rwlock_write(&r->lock);
    world_take(r);
    invariant(r->n_tracked < 8);
    r->tracked[r->n_tracked++] = gfn;
    world_drop(r);
    tdp_mmu_write_track(&r->mmu, gfn);
    rwlock_drop(&r->lock);
}

void rig_untrack(struct rig *r, gfn_t gfn)
{
    rwlock_write(&r->lock);
    world_take(r);
    for (unsigned k = 0; k < r->n_tracked; k++)
        if (r->tracked[k] == gfn)
            r->tracked[k--] = r->tracked[--r->n_tracked];
    world_drop(r);
    rwlock_drop(&r->lock);
}

void rig_new_root(struct rig *r)
{
    rwlock_write(&r->lock);
    tdp_mmu_invalidate_roots(&r->mmu);
    rwlock_drop(&r->lock);
    tdp_mmu_zap_invalid_roots(&r->mmu);
}

uint64_t rig_harvest(struct rig *r, gfn_t base)
{
    uint64_t mask = 0;

    world_take(r);
    for (unsigned k = 0; k < 64; k++) {
        mask |= (uint64_t)r->dirty[base + k] << k;
        r->dirty[base + k] = 0;
    }
    world_drop(r);
    step("rig: the bits are taken");
    if (mask)
        tdp_mmu_write_protect_mask(&r->mmu, base, mask);
    world_take(r);
    /* these are told now; what was written since has its bit again, for the next harvest */
    for (unsigned k = 0; k < 64; k++)
        if ((mask >> k & 1) && !r->dirty[base + k])
            r->written[base + k] = 0;
    world_drop(r);
    return mask;
}

void rig_grace(struct rig *r)
{
    const struct pt_format *f = r->mmu.space.format;

    rwlock_write(&r->lock); /* waits for every walk */
    op_flush(r, 0, ~UINT64_C(0));
    world_take(r);
    for (unsigned k = 0; k < r->n_retired; k++) {
        for (unsigned i = 0; i < PT_ENTRIES; i++)
            if (pt_present(f, atomic_load(&r->retired[k][i])))
                note_broken(r, "a table is freed with something in it");
        bury(r, r->retired[k]);
    }
    r->n_retired = 0;
    world_drop(r);
    rwlock_drop(&r->lock);
}

/* ---- what must hold ---- */

static const char *check_tlbs(struct rig *r)
{
    const struct pt_format *f = r->mmu.space.format;

    for (unsigned cpu = 0; cpu < RIG_VCPUS; cpu++) {
        for (gfn_t gfn = 0; gfn < RIG_PAGES; gfn++) {
            uint64_t has = r->tlb[cpu][gfn], says;

            if (!has)
                continue;
            says = page_of(r, cpu, gfn);
            if (!says)
                return "a TLB has a page that the tables do not map";
            if (pt_frame(f, has) != pt_frame(f, says))
                return "a TLB has another page than the tables";
            if (pt_rights(f, has) & ~pt_rights(f, says))
                return "a TLB grants what the tables do not";
        }
    }
    return NULL;
}

const char *rig_check(struct rig *r)
{
    static char buf[200];
    const char *broken;

    rwlock_write(&r->lock);
    broken = tdp_mmu_audit(&r->mmu, buf, sizeof(buf));
    rwlock_drop(&r->lock);
    if (!broken)
        broken = check_tlbs(r);
    for (gfn_t gfn = 0; !broken && gfn < RIG_PAGES; gfn++)
        if (r->written[gfn] && !r->dirty[gfn])
            broken = "a written page is missing in the dirty bits";
    return broken ? broken : r->broken;
}

uint64_t rig_lookup(struct rig *r, gfn_t gfn, int *level)
{
    struct tdp_root *root = tdp_mmu_root_get(&r->mmu);
    uint64_t spte = tdp_mmu_lookup(&r->mmu, root, gfn, level);

    tdp_mmu_root_put(&r->mmu, root);
    return spte;
}
