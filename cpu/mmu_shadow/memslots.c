/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generations of memory slots: look-up, and how one is made from another; see memslots.h. "Front"
 * is index 0 with the highest base_gfn, "back" the last used entry with the lowest.
 */
#include "cpu/mmu_shadow/memslots.h"

#include <string.h>

#include "base/error.h"
#include "base/mutant.h"
#include "base/step.h"
#include "cpu/mmu_shadow/dirty_log.h"
#include "cpu/mmu_shadow/slot_pages.h"

struct memslots_vm {
    _Atomic(struct memslots *) now;
    bool changing; /* device lock */
    void *opaque;
    void (*synchronize)(void *opaque, const struct memslots *was, const struct memslots *now);
    void *watch;
    void (*before)(void *opaque, const struct memslots *was, const struct memslots *next);
    void (*after)(void *opaque, const struct memslots *now);
    void (*written)(void *opaque, gpa_t gpa, size_t len);
    struct dirty_protect dirty_protect;
};

/* ---- what belongs to the pages ---- */

static struct memslot_arch *arch_new(uint64_t npages)
{
    struct memslot_arch *a = g_new0(struct memslot_arch, 1);

    atomic_init(&a->refs, 1);
    a->npages = npages;
    a->track = g_new0(_Atomic uint32_t, npages);
    return a;
}

struct memslot_arch *memslot_arch_get(struct memslot_arch *a)
{
    invariant(atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed) > 0);
    return a;
}

void memslot_arch_put(struct memslot_arch *a)
{
    /* whoever frees must see what all others did to it before they let go */
    unsigned before = atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel);

    invariant(before > 0);
    if (before > 1)
        return;
    g_free((void *)a->track);
    g_free((void *)a->dirty);
    slot_pages_free(a->shadow);
    g_free(a);
}

/* A log that starts is empty. Nobody marks in it: the generations that log are of before and their
 * readers gone, or still to come. */
static void arch_start_log(struct memslot_arch *a)
{
    size_t words = (a->npages + 63) / 64;

    if (!a->dirty)
        a->dirty = g_malloc0(words * sizeof(*a->dirty));
    for (size_t k = 0; k < words; k++)
        atomic_store_explicit(&a->dirty[k], 0, memory_order_relaxed);
}

/* ---- generations ---- */

static struct memslots *generation_first(void)
{
    struct memslots *g = g_new0(struct memslots, 1);

    memset(g->id_to_index, 0xff, sizeof(g->id_to_index));
    return g;
}

/* The next generation, the same so far. Field by field: readers write the hint meanwhile. */
static struct memslots *generation_copy(struct memslots *from)
{
    struct memslots *g = g_new0(struct memslots, 1);

    g->generation = from->generation + 1;
    g->used = from->used;
    atomic_init(&g->hint, atomic_load_explicit(&from->hint, memory_order_relaxed));
    memcpy(g->id_to_index, from->id_to_index, sizeof(g->id_to_index));
    memcpy(g->slot, from->slot, from->used * sizeof(from->slot[0]));
    for (unsigned k = 0; k < g->used; k++)
        memslot_arch_get(g->slot[k].arch);
    return g;
}

/* Whoever still reads it, wrongly, finds no slot. */
static void generation_free(struct memslots *g)
{
    for (unsigned k = 0; k < g->used; k++)
        memslot_arch_put(g->slot[k].arch);
    g->used = 0;
    g->generation = 0;
    g_free(g);
}

struct memslots_vm *memslots_new(void)
{
    struct memslots_vm *vm = g_new0(struct memslots_vm, 1);

    atomic_init(&vm->now, generation_first());
    return vm;
}

void memslots_free(struct memslots_vm *vm)
{
    if (!vm)
        return;
    invariant(!vm->changing);
    generation_free(atomic_load(&vm->now));
    g_free(vm);
}

void memslots_set_hooks(struct memslots_vm *vm, void *opaque,
                        void (*synchronize)(void *opaque, const struct memslots *was,
                                            const struct memslots *now),
                        void (*written)(void *opaque, gpa_t gpa, size_t len))
{
    vm->opaque = opaque;
    vm->synchronize = synchronize;
    vm->written = written;
}

void memslots_set_watch(struct memslots_vm *vm, void *opaque,
                        void (*before)(void *opaque, const struct memslots *was,
                                       const struct memslots *next),
                        void (*after)(void *opaque, const struct memslots *now))
{
    vm->watch = opaque;
    vm->before = before;
    vm->after = after;
}

void memslots_set_dirty_protect(struct memslots_vm *vm, const struct dirty_protect *p)
{
    vm->dirty_protect = p ? *p : (struct dirty_protect){0};
}

const struct dirty_protect *memslots_dirty_protect(struct memslots_vm *vm)
{
    return &vm->dirty_protect;
}

void memslots_written(struct memslots_vm *vm, gpa_t gpa, size_t len)
{
    if (vm->written)
        vm->written(vm->opaque, gpa, len);
}

/* ---- look-up ---- */

/* Acquire: with the pointer comes everything that was written before it was published. */
static struct memslots *current(struct memslots_vm *vm)
{
    return atomic_load_explicit(&vm->now, memory_order_acquire);
}

const struct memslots *memslots_now(struct memslots_vm *vm)
{
    return current(vm);
}

/* Of the first `end` slots, the first that begins at or below gfn; `end` when none does. */
static unsigned lower_bound(const struct memslots *g, unsigned end, gfn_t gfn)
{
    unsigned lo = 0, hi = end;

    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;

        if (g->slot[mid].base_gfn <= gfn)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

const struct memslot *memslots_find(struct memslots_vm *vm, gfn_t gfn)
{
    struct memslots *g = current(vm);
    unsigned used = g->used, hint = atomic_load_explicit(&g->hint, memory_order_relaxed), at;

    step("memslots_find: generation taken");
    if (MUTANT(memslots_find_takes_two_generations))
        g = current(vm);
    if ((hint < used || MUTANT(memslots_hint_past_used)) && memslot_holds(&g->slot[hint], gfn))
        return &g->slot[hint];
    if (MUTANT(memslots_search_past_used))
        used = MEMSLOTS_MAX;
    at = lower_bound(g, used, gfn);
    if (at == used || !memslot_holds(&g->slot[at], gfn))
        return NULL;
    atomic_store_explicit(&g->hint, at, memory_order_relaxed);
    return &g->slot[at];
}

const struct memslot *memslots_by_id(const struct memslots *g, int id)
{
    if (id < 0 || id >= MEMSLOT_IDS || g->id_to_index[id] < 0)
        return NULL;
    return &g->slot[g->id_to_index[id]];
}

bool memslots_same_memory(const struct memslots *a, const struct memslots *b)
{
    if (a->used != b->used)
        return false;
    for (unsigned k = 0; k < a->used; k++) {
        const struct memslot *s = &a->slot[k], *t = &b->slot[k];

        if (s->base_gfn != t->base_gfn || s->arch != t->arch || s->hva != t->hva ||
            ((s->flags ^ t->flags) & ~(uint32_t)MEMSLOT_LOG_DIRTY))
            return false;
    }
    return true;
}

uint8_t *memslots_ptr(struct memslots_vm *vm, gpa_t gpa)
{
    const struct memslot *s = memslots_find(vm, gpa >> PAGE_SHIFT);

    return s ? memslot_hva(s, gpa) : NULL;
}

/* ---- changing the array ---- */

/* Index of a slot that must be there. */
static unsigned index_of(const struct memslots *g, int16_t id)
{
    invariant(g->id_to_index[id] >= 0 && (unsigned)g->id_to_index[id] < g->used);
    return (unsigned)g->id_to_index[id];
}

/* slot[to] = slot[from], and the table knows. */
static void shift(struct memslots *g, unsigned to, unsigned from)
{
    g->slot[to] = g->slot[from];
    if (!MUTANT(memslots_shift_forgets_index))
        g->id_to_index[g->slot[to].id] = (int16_t)to;
    step("memslots: shifted one");
}

/* Takes the slot out: all behind it move one towards the front. Its arch is let go. */
static void delete_slot(struct memslots *g, int16_t id)
{
    unsigned i = index_of(g, id), last = g->used - 1;

    memslot_arch_put(g->slot[i].arch);
    for (; i < last; i++) {
        g->slot[i] = g->slot[i + 1];
        if (!MUTANT(memslots_delete_forgets_shifted))
            g->id_to_index[g->slot[i].id] = (int16_t)i;
    }
    if (!MUTANT(memslots_delete_keeps_used))
        g->used = last;
    if (!MUTANT(memslots_delete_forgets_own))
        g->id_to_index[id] = -1;
}

/* Room for one more, at the back of the used ones; where it is. */
static unsigned insert_back(struct memslots *g)
{
    invariant(g->used < MEMSLOTS_MAX);
    return g->used++;
}

/* The place of a slot whose base_gfn is about to become s->base_gfn moves towards the back, as far
 * as slots with a higher gfn stand behind it: they shift to the front by one. Where the place is
 * then; s itself is not written there yet. */
static unsigned move_backward(struct memslots *g, const struct memslot *s)
{
    unsigned i;

    invariant(g->used);
    for (i = index_of(g, s->id); i + 1 < g->used; i++) {
        if (s->base_gfn > g->slot[i + 1].base_gfn)
            break;
        invariant(s->base_gfn != g->slot[i + 1].base_gfn);
        shift(g, i, i + 1);
    }
    return i;
}

/* The same towards the front, from `start`, past slots with a lower gfn. */
static unsigned move_forward(struct memslots *g, const struct memslot *s, unsigned start)
{
    unsigned i;

    for (i = start; i > 0; i--) {
        if (s->base_gfn < g->slot[i - 1].base_gfn)
            break;
        invariant(s->base_gfn != g->slot[i - 1].base_gfn);
        shift(g, i, i - 1);
    }
    return i;
}

/* Puts s where it belongs: a new slot, or one that is there under the same id with another base or
 * other flags. s is a copy, no pointer into the array: entries move under it. */
static void place(struct memslots *g, const struct memslot *s, bool create)
{
    unsigned i = create ? insert_back(g) : move_backward(g, s);

    if (!MUTANT(memslots_insert_stays_at_back))
        i = move_forward(g, s, i);
    g->slot[i] = *s;
    g->id_to_index[s->id] = (int16_t)i;
}

/* ---- what is refused ---- */

const char *memslots_refusal_text(enum memslots_refusal r)
{
    static const char *const text[] = {
        [MEMSLOTS_OK] = "no objection",
        [MEMSLOTS_BAD_ID] = "id out of range",
        [MEMSLOTS_BAD_FLAGS] = "unknown flags",
        [MEMSLOTS_EXISTS] = "a slot with this id exists",
        [MEMSLOTS_NOT_THERE] = "no slot has this id",
        [MEMSLOTS_NO_PAGES] = "a slot without pages",
        [MEMSLOTS_MISALIGNED] = "not a multiple of the page size",
        [MEMSLOTS_TOO_LARGE] = "too many pages",
        [MEMSLOTS_WRAPS] = "ends above the last physical address",
        [MEMSLOTS_OVERLAPS] = "overlaps another slot",
        [MEMSLOTS_TOO_MANY] = "too many slots",
        [MEMSLOTS_SIZE_CHANGED] = "the size of a slot cannot change",
        [MEMSLOTS_HVA_CHANGED] = "the host memory of a slot cannot change",
        [MEMSLOTS_READONLY_CHANGED] = "a slot cannot change between read-only and writable",
        [MEMSLOTS_FLAGS_CHANGED] = "a move cannot change flags",
        [MEMSLOTS_PLACE_CHANGED] = "a change of flags cannot move",
    };

    return text[r];
}

/* Can there be a slot of this shape? */
static enum memslots_refusal check_shape(const struct memslots_change *c)
{
    const gpa_t end = UINT64_C(1) << MEMSLOT_GPA_BITS;

    if (!c->size)
        return MEMSLOTS_NO_PAGES;
    if ((c->gpa | c->size | (hva_t)c->hva) & ~PAGE_MASK)
        return MEMSLOTS_MISALIGNED;
    if (c->size >> PAGE_SHIFT > MEMSLOT_MAX_PAGES)
        return MEMSLOTS_TOO_LARGE;
    /* not gpa + size > end: that sum may itself go past the end of its type */
    if (c->gpa >= end || c->size > end - c->gpa)
        return MEMSLOTS_WRAPS;
    return MEMSLOTS_OK;
}

static bool overlaps(const struct memslots *g, const struct memslots_change *c)
{
    gfn_t first = c->gpa >> PAGE_SHIFT, end = first + (c->size >> PAGE_SHIFT);

    for (unsigned k = 0; k < g->used; k++) {
        const struct memslot *s = &g->slot[k];

        if (s->id != c->id && s->base_gfn < end && first < s->base_gfn + s->npages)
            return true;
    }
    return false;
}

static enum memslots_refusal check_create(const struct memslots *g, const struct memslots_change *c)
{
    enum memslots_refusal r;

    if (memslots_by_id(g, c->id))
        return MEMSLOTS_EXISTS;
    r = check_shape(c);
    if (r != MEMSLOTS_OK)
        return r;
    if (g->used == MEMSLOTS_MAX)
        return MEMSLOTS_TOO_MANY;
    return !MUTANT(memslots_overlap_unchecked) && overlaps(g, c) ? MEMSLOTS_OVERLAPS : MEMSLOTS_OK;
}

/* A move or a change of flags. */
static enum memslots_refusal check_update(const struct memslots *g, const struct memslots_change *c)
{
    const struct memslot *s = memslots_by_id(g, c->id);
    enum memslots_refusal r;

    if (!s)
        return MEMSLOTS_NOT_THERE;
    if (!MUTANT(memslots_size_may_change) && c->size != s->npages << PAGE_SHIFT)
        return MEMSLOTS_SIZE_CHANGED;
    if (!MUTANT(memslots_hva_may_change) && c->hva != s->hva)
        return MEMSLOTS_HVA_CHANGED;
    if (!MUTANT(memslots_readonly_may_change) &&
        ((c->flags ^ s->flags) & (MEMSLOT_READONLY | MEMSLOT_FLASH)))
        return MEMSLOTS_READONLY_CHANGED;
    if (c->op == MEMSLOTS_MOVE && c->flags != s->flags)
        return MEMSLOTS_FLAGS_CHANGED;
    if (c->op == MEMSLOTS_FLAGS && c->gpa != s->base_gfn << PAGE_SHIFT)
        return MEMSLOTS_PLACE_CHANGED;
    r = check_shape(c);
    if (r != MEMSLOTS_OK)
        return r;
    return !MUTANT(memslots_move_overlap_unchecked) && overlaps(g, c) ? MEMSLOTS_OVERLAPS
                                                                      : MEMSLOTS_OK;
}

static enum memslots_refusal check(const struct memslots *g, const struct memslots_change *c)
{
    if (c->id < 0 || c->id >= MEMSLOT_IDS)
        return MEMSLOTS_BAD_ID;
    if (c->op == MEMSLOTS_DELETE)
        return memslots_by_id(g, c->id) ? MEMSLOTS_OK : MEMSLOTS_NOT_THERE;
    if (c->flags & ~(uint32_t)(MEMSLOT_READONLY | MEMSLOT_LOG_DIRTY | MEMSLOT_FLASH) ||
        (c->flags & (MEMSLOT_READONLY | MEMSLOT_FLASH)) == MEMSLOT_FLASH)
        return MEMSLOTS_BAD_FLAGS;
    return c->op == MEMSLOTS_CREATE ? check_create(g, c) : check_update(g, c);
}

/* ---- changes ---- */

/* Carries out what check() allowed; false when that was nothing. */
static bool apply(struct memslots *g, const struct memslots_change *c)
{
    struct memslot s;

    switch (c->op) {
    case MEMSLOTS_CREATE:
        s = (struct memslot){.base_gfn = c->gpa >> PAGE_SHIFT,
                             .npages = c->size >> PAGE_SHIFT,
                             .hva = c->hva,
                             .flags = c->flags,
                             .id = (int16_t)c->id};
        s.arch = arch_new(s.npages);
        if (s.flags & MEMSLOT_LOG_DIRTY)
            arch_start_log(s.arch);
        place(g, &s, true);
        return true;
    case MEMSLOTS_DELETE: delete_slot(g, (int16_t)c->id); return true;
    case MEMSLOTS_MOVE:
    case MEMSLOTS_FLAGS: break;
    }
    s = *memslots_by_id(g, c->id);
    if (s.base_gfn == c->gpa >> PAGE_SHIFT && s.flags == c->flags)
        return false;
    if (c->flags & ~s.flags & MEMSLOT_LOG_DIRTY)
        arch_start_log(s.arch);
    s.base_gfn = c->gpa >> PAGE_SHIFT;
    s.flags = c->flags;
    place(g, &s, false);
    return true;
}

/* Release: whoever sees the pointer sees the whole generation. */
static void publish(struct memslots_vm *vm, struct memslots *g)
{
    atomic_store_explicit(&vm->now, g, memory_order_release);
    step("memslots: published");
}

/* What the shadow MMU keeps by frame number is void for a slot that has moved; nothing is in it any
 * more. It goes here, with the device lock held, as who harvests a dirty log reads it. */
static void forget_places(const struct memslots *now)
{
    for (unsigned k = 0; k < now->used; k++) {
        const struct memslot *s = &now->slot[k];
        struct slot_pages *p = atomic_load_explicit(&s->arch->shadow, memory_order_acquire);

        if (!p || p->base == s->base_gfn || MUTANT(memslots_move_keeps_pages))
            continue;
        atomic_store_explicit(&s->arch->shadow, NULL, memory_order_release);
        slot_pages_free(p);
    }
}

/* The readers leave `was`, and it dies. */
static void retire(struct memslots_vm *vm, struct memslots *was, struct memslots *now)
{
    if (!MUTANT(memslots_free_before_synchronize)) {
        if (vm->synchronize)
            vm->synchronize(vm->opaque, was, now);
        step("memslots: synchronized");
        generation_free(was);
    } else {
        generation_free(was);
        if (vm->synchronize)
            vm->synchronize(vm->opaque, was, now);
    }
    forget_places(now);
}

enum memslots_refusal memslots_change_all(struct memslots_vm *vm, const struct memslots_change *c,
                                          unsigned n)
{
    struct memslots *was, *next;
    enum memslots_refusal r = MEMSLOTS_OK;
    bool any = false;

    invariant(!vm->changing);
    vm->changing = true;
    was = current(vm);
    next = generation_copy(was);
    if (MUTANT(memslots_publish_before_sorted))
        publish(vm, next);
    for (unsigned k = 0; k < n && r == MEMSLOTS_OK; k++) {
        r = check(next, &c[k]);
        if (r == MEMSLOTS_OK)
            any |= apply(next, &c[k]);
    }
    if (r == MEMSLOTS_OK && any) {
        if (vm->before)
            vm->before(vm->watch, was, next);
        publish(vm, next);
        retire(vm, was, next);
        if (vm->after)
            vm->after(vm->watch, next);
    } else {
        generation_free(next);
    }
    vm->changing = false;
    return r;
}

enum memslots_refusal memslots_change(struct memslots_vm *vm, const struct memslots_change *c)
{
    return memslots_change_all(vm, c, 1);
}
