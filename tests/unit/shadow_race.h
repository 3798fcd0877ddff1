/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rig for races of the shadow MMU under the scheduler: two vCPUs on one memory. The first has an
 * address, VA, behind tables of two levels; the second a window on all memory in an address space
 * of its own, and stores through it as the interpreter does, by a TLB of one entry.
 */
#ifndef TESTS_UNIT_SHADOW_RACE_H
#define TESTS_UNIT_SHADOW_RACE_H

#include "tests/unit/unit.h"

#include <stdlib.h>

#include "base/bits.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/page_track.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "cpu/mmu_shadow/slot_pages.h"
#include "tests/unit/schedule.h"

#define FRAMES    1024u /* 4 MiB: one large page of the window */
#define PD        1u
#define PT        2u /* the table in use, and the one that is put in its place */
#define PT2       3u
#define PD2       4u   /* the writer's address space, with the window */
#define BEFORE    100u /* the frames that the address leads to */
#define AFTER     101u
#define ELSE      102u /* and by the other table */
#define VA        0x00001000u
#define NEIGHBOUR 0x00020000u /* too far for prefetching */
#define WINDOW    0xc0000000u

struct race {
    gpa_t at;       /* the entry that the guest changes */
    uint32_t value; /* to what */
    gfn_t leads;    /* where the address leads then */
    bool warm;      /* the writer has the entry's page in its TLB before */
    gfn_t before;   /* where it led before; 0: BEFORE */
    bool linked;    /* the reader has used a neighbour of the address before */
    bool slots;     /* it is not the guest that changes, but the slot: to other memory */

    uint8_t *ram, *other;
    struct memslots_vm *vm;
    struct slot_pages *pages;
    struct shadow_mmu *mmu;
    struct shadow_vcpu *vcpu[2];
    struct shadow_xlat tlb; /* the writer's */
    bool tlb_valid, tlb_slow, storing;
    bool changed; /* the slots have, and everybody has flushed */
    bool inside;  /* the first vCPU is in guest mode */
    unsigned flushed;
};

/* Nobody is where a flush must wait for them. */
static inline bool all_outside(const void *arg)
{
    const struct race *r = arg;

    return !r->storing && !r->inside;
}

/* The first vCPU's guest mode; the second's is modelled by `storing`. */
static inline bool race_leave(void *vcpu)
{
    struct race *r = vcpu;
    bool was = r && r->inside;

    if (was)
        r->inside = false;
    return was;
}

static inline void race_enter(void *vcpu)
{
    struct race *r = vcpu;

    r->inside = true;
}

/* A flush returns when nobody is between using a translation and forgetting it. */
static inline void race_flush(struct race *r)
{
    r->tlb_valid = false;
    r->flushed++;
    if (step_scheduled())
        step_wait("flush", all_outside, r);
}

static inline void race_protect(void *opaque, const gfn_t *gfn, unsigned n)
{
    struct race *r = opaque;

    for (unsigned k = 0; k < n; k++)
        r->tlb_slow |= r->tlb.gpa >> PAGE_SHIFT == gfn[k];
    r->flushed++;
    if (step_scheduled())
        step_wait("protect", all_outside, r);
}

static inline bool tracked(struct race *r)
{
    const struct memslot *s = memslots_find(r->vm, r->at >> PAGE_SHIFT);

    return page_tracked(s, r->at >> PAGE_SHIFT);
}

static inline struct slot_pages *pages_of(void *opaque, const struct memslot *slot)
{
    struct race *r = opaque;

    (void)slot;
    return r->pages;
}

static inline void load_cr3(struct race *r, unsigned n)
{
    r->vcpu[n]->paging.cr3 = (n ? PD2 : PD) * PAGE_SIZE;
    shadow_new_paging(r->vcpu[n]);
}

static inline void put(struct race *r, gpa_t at, uint32_t e)
{
    st_le32(r->ram + at, e);
}

static inline void race_clean(struct race *r)
{
    if (!r->mmu)
        return;
    shadow_vcpu_free(r->vcpu[0]);
    shadow_vcpu_free(r->vcpu[1]);
    shadow_mmu_free(r->mmu);
    slot_pages_free(r->pages);
    memslots_free(r->vm);
    r->mmu = NULL;
}

static inline void race_setup(void *ctx)
{
    struct race *r = ctx;
    const struct shadow_world world = {.opaque = r,
                                       .protect = race_protect,
                                       .pages = pages_of,
                                       .leave = race_leave,
                                       .enter = race_enter};
    const struct memslots_change c = {
        .op = MEMSLOTS_CREATE, .size = FRAMES * PAGE_SIZE, .hva = r->ram};
    union paging_role role = {.levels = 2, .phys_bits = 32, .has_pat = 1, .pse = 1, .wp = 1};

    race_clean(r);
    memset(r->ram, 0, 8 * PAGE_SIZE);
    put(r, PD * PAGE_SIZE, PT * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_A);
    put(r, PD2 * PAGE_SIZE + (WINDOW >> 22) * 4, GPTE_P | GPTE_W | GPTE_A | GPTE_D | GPTE_PS);
    put(r, PT * PAGE_SIZE + 4,
        (uint32_t)(r->before ? r->before : BEFORE) * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_A);
    put(r, PT2 * PAGE_SIZE + 4, ELSE * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_A);
    r->vm = memslots_new();
    if (memslots_change(r->vm, &c) != MEMSLOTS_OK)
        abort();
    r->pages = slot_pages_new(0, FRAMES);
    r->mmu = shadow_mmu_new(r->vm, &world, role, 100);
    r->storing = r->tlb_valid = r->tlb_slow = r->inside = r->changed = false;
    for (unsigned n = 0; n < 2; n++) {
        r->vcpu[n] = shadow_vcpu_new(r->mmu, n ? NULL : r);
        guest_paging_set_role(&r->vcpu[n]->paging, role);
        load_cr3(r, n);
    }
    if (r->linked) {
        struct shadow_xlat x;
        uint32_t error;

        put(r, PT * PAGE_SIZE + NEIGHBOUR / PAGE_SIZE * 4, BEFORE * PAGE_SIZE | GPTE_P | GPTE_A);
        if (!shadow_translate(r->vcpu[0], NEIGHBOUR, 0, &x, &error))
            abort();
    }
    if (r->warm) {
        uint32_t error;

        if (!shadow_translate(r->vcpu[1], WINDOW + r->at, WALK_WRITE, &r->tlb, &error))
            abort();
        r->tlb_valid = true;
        r->tlb_slow = tracked(r);
    }
}

/* As the interpreter stores: a translation is used only while no flush can come between. */
static inline void race_store(void *ctx)
{
    struct race *r = ctx;
    bool slow;

    for (;;) {
        unsigned flushed = r->flushed;
        struct shadow_xlat x;
        uint32_t error;

        if (r->tlb_valid) {
            r->storing = true;
            break;
        }
        schedule_expect(shadow_translate(r->vcpu[1], WINDOW + r->at, WALK_WRITE, &x, &error));
        if (r->flushed != flushed) /* by another, or for this very translation */
            continue;
        r->storing = r->tlb_valid = true;
        r->tlb = x;
        r->tlb_slow = tracked(r);
        break;
    }
    slow = r->tlb_slow;
    step("store: before");
    put(r, r->at, r->value);
    r->storing = false;
    step("store: after");
    if (slow && tracked(r))
        shadow_written(r->mmu, r->vcpu[1], r->at, 4);
}

/* A race's memory, and what was made of it. */
static inline void race_new(struct race *r)
{
    r->ram = aligned_alloc(PAGE_SIZE, FRAMES * PAGE_SIZE);
    r->other = aligned_alloc(PAGE_SIZE, FRAMES * PAGE_SIZE);
    assert_true(r->ram && r->other);
    memset(r->ram, 0, FRAMES * PAGE_SIZE);
}

static inline void race_free(struct race *r)
{
    race_clean(r);
    free(r->ram);
    free(r->other);
}

static inline void race_explore(struct race *r, const struct schedule *s)
{
    race_new(r);
    schedule_explore(s);
    race_free(r);
}

#endif
