/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Marks in dirty bitmaps, and how they are taken out; see dirty_log.h for what the order of the
 * steps is good for.
 */
#include "cpu/mmu_shadow/dirty_log.h"

#include "base/error.h"
#include "base/mutant.h"
#include "base/step.h"

/* ---- marking ---- */

/*
 * One word's marks. Most are there already, and a locked OR of a line that other vCPUs mark in,
 * too, costs more than a look. The look may only stand for the OR if nobody can have taken the mark
 * before the entry became writable:
 *
 *     vCPU                                   harvest
 *     entry := writable                      word := 0, by exchange
 *     fence                                  fence
 *     mark there? -> nothing to do           entry writable? -> protect it
 *
 * Two stores and two loads across, each side with a full fence between: at least one side sees the
 * other's store. Either the vCPU sees the word without its mark and sets it, for the next harvest;
 * or the harvest sees the entry, and takes its write access away. Without the vCPU's fence its load
 * could be done while its store still waits in the store buffer, as x86 does, too, and neither
 * would see the other. The OR has the same fence before it, since C's does not order what is around
 * it on its own; that it is one operation keeps the marks of others in the word.
 */
static void mark_word(_Atomic uint64_t *word, uint64_t bits)
{
    step("dirty: marking");
    if ((atomic_load_explicit(word, memory_order_relaxed) & bits) == bits)
        return;
    step("dirty: not marked yet");
    if (MUTANT(dirty_mark_plain_store)) {
        uint64_t was = atomic_load_explicit(word, memory_order_relaxed);

        step("dirty: plain store");
        atomic_store_explicit(word, was | bits, memory_order_relaxed);
        return;
    }
    atomic_fetch_or_explicit(word, bits, memory_order_seq_cst);
    step("dirty: marked");
}

/* Bits from..from+n-1, which are within one word. */
static uint64_t bit_run(unsigned from, uint64_t n)
{
    return (n == 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1) << from;
}

void memslot_set_dirty(const struct memslot *s, gfn_t gfn, uint64_t npages)
{
    uint64_t page = gfn - s->base_gfn;

    invariant(page < s->npages && npages <= s->npages - page);
    if (MUTANT(dirty_mark_skipped))
        return;
    atomic_thread_fence(memory_order_seq_cst);
    while (npages) {
        unsigned bit = page % 64;
        uint64_t n = npages < 64 - bit ? npages : 64 - bit;

        mark_word(&s->arch->dirty[page / 64], bit_run(bit, n));
        page += n;
        npages -= n;
    }
}

/* ---- taking out ---- */

static const struct memslot *logged(struct memslots_vm *vm, int id)
{
    const struct memslot *s = memslots_by_id(memslots_now(vm), id);

    invariant(s && (s->flags & MEMSLOT_LOG_DIRTY));
    return s;
}

bool dirty_log_on(struct memslots_vm *vm, int id)
{
    const struct memslot *s = memslots_by_id(memslots_now(vm), id);

    return s && (s->flags & MEMSLOT_LOG_DIRTY);
}

static void protect(struct memslots_vm *vm, const struct memslot *s, uint64_t word, uint64_t mask)
{
    const struct dirty_protect *p = memslots_dirty_protect(vm);

    if (p->protect)
        p->protect(p->opaque, s, word * 64, mask);
    step("dirty: protected");
}

static void flush(struct memslots_vm *vm)
{
    const struct dirty_protect *p = memslots_dirty_protect(vm);

    if (p->flush && !MUTANT(dirty_no_flush))
        p->flush(p->opaque);
}

/* Takes the marks of mask out of the word; which there were. By one operation: a mark that is set
 * in between is left there or taken, never lost. The fence pairs with that of the marking side. */
static uint64_t take(_Atomic uint64_t *word, uint64_t mask)
{
    uint64_t was;

    if (MUTANT(dirty_take_by_store)) {
        was = atomic_load_explicit(word, memory_order_relaxed);
        step("dirty: to be stored");
        atomic_store_explicit(word, was & ~mask, memory_order_relaxed);
    } else if (mask == ~UINT64_C(0)) {
        was = atomic_exchange_explicit(word, 0, memory_order_seq_cst);
    } else {
        was = atomic_fetch_and_explicit(word, ~mask, memory_order_seq_cst);
    }
    atomic_thread_fence(memory_order_seq_cst);
    step("dirty: taken");
    return was & mask;
}

/* Takes out of one word and protects what it took. The look before spares idle logs the exchange:
 * a mark that it misses is in the next harvest. */
static uint64_t harvest_word(struct memslots_vm *vm, const struct memslot *s, uint64_t k,
                             uint64_t mask)
{
    _Atomic uint64_t *word = &s->arch->dirty[k];
    uint64_t there = atomic_load_explicit(word, memory_order_relaxed) & mask, taken;

    if (!there)
        return 0;
    if (MUTANT(dirty_protect_before_take)) {
        protect(vm, s, k, there);
        return take(word, mask);
    }
    taken = take(word, mask);
    if (taken && !MUTANT(dirty_no_protect))
        protect(vm, s, k, taken);
    return taken;
}

bool dirty_log_harvest(struct memslots_vm *vm, int id, uint64_t *bitmap)
{
    const struct memslot *s = logged(vm, id);
    uint64_t any = 0;

    for (uint64_t k = 0; k < memslot_dirty_words(s); k++)
        any |= bitmap[k] = harvest_word(vm, s, k, ~UINT64_C(0));
    if (any)
        flush(vm);
    return any;
}

bool dirty_log_final(struct memslots_vm *vm, int id, uint64_t *bitmap)
{
    const struct dirty_protect *p = memslots_dirty_protect(vm);

    if (!MUTANT(dirty_final_while_running))
        invariant(!p->stopped || p->stopped(p->opaque));
    return dirty_log_harvest(vm, id, bitmap);
}

bool dirty_log_get(struct memslots_vm *vm, int id, uint64_t *bitmap)
{
    const struct memslot *s = logged(vm, id);
    uint64_t any = 0;

    for (uint64_t k = 0; k < memslot_dirty_words(s); k++)
        any |= bitmap[k] = atomic_load_explicit(&s->arch->dirty[k], memory_order_acquire);
    return any;
}

void dirty_log_clear(struct memslots_vm *vm, int id, uint64_t first, uint64_t n,
                     const uint64_t *mask)
{
    const struct memslot *s = logged(vm, id);
    uint64_t any = 0;

    invariant(!(first % 64) && first <= s->npages && n <= s->npages - first);
    for (uint64_t k = 0; k * 64 < n; k++) {
        uint64_t rest = n - k * 64;

        any |= harvest_word(vm, s, first / 64 + k,
                            mask[k] & (rest < 64 ? bit_run(0, rest) : ~UINT64_C(0)));
    }
    if (any && !MUTANT(dirty_clear_no_flush))
        flush(vm);
}
