/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory slots: which guest frames are which host memory. What no slot covers is MMIO.
 *
 * All slots of a moment are one immutable generation: an array sorted by base_gfn, of which the
 * first `used` entries count, and a table from slot ids to indices. A change builds the next
 * generation beside the current one and publishes it by one atomic store, so that a reader, who
 * takes no lock, sees either all of the old map or all of the new one.
 *
 * When an old generation dies:
 * - Changes are made one at a time: the caller holds the device lock.
 * - DMA reads slots with the device lock held, so no change is under way then.
 * - A vCPU reads slots without a lock, but only between two acknowledgements: what memslots_find
 *   gave it, and every host address that came of it, it forgets before it acknowledges. It takes
 *   part in none of this while it is outside guest mode (asleep, stopped, or waiting for a lock in
 *   a hook).
 * - After publishing, a change calls the `synchronize` hook, which returns when every vCPU has
 *   dropped its translations and acknowledged, or is outside guest mode and will do so before it
 *   enters again. A vCPU that makes a change itself is outside guest mode then: it is in a hook.
 * - Only then the old generation is freed, and the host memory of a slot that it had and the new
 *   one has not is no longer used by anyone: memslots_change returns and the owner may unmap it.
 *
 * So no reader can hold a pointer into a generation that is freed, and no count of readers is
 * needed on the path of every TLB miss.
 *
 * The order is descending, the highest base_gfn at the front (index 0): the one slot that can hold
 * a gfn is then the first whose base is not above it, a plain lower bound whose answer for "none"
 * is the used count itself, without a case of its own for a gfn below all slots.
 */
#ifndef CPU_MMU_SHADOW_MEMSLOTS_H
#define CPU_MMU_SHADOW_MEMSLOTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "cpu/types.h"

#define MEMSLOTS_MAX      64  /* slots at a time */
#define MEMSLOT_IDS       128 /* ids are 0 to one less; a board may number sparsely */
#define MEMSLOT_MAX_PAGES (UINT64_C(1) << 31)
#define MEMSLOT_GPA_BITS  52 /* no x86 has more (SDM 3A, 4.1.4: MAXPHYADDR) */

/* memslot.flags */
enum {
    MEMSLOT_READONLY = 1 << 0,  /* guest writes are dropped (ROM) */
    MEMSLOT_LOG_DIRTY = 1 << 1, /* somebody wants to know which pages were written */
    MEMSLOT_FLASH = 1 << 2,     /* with MEMSLOT_READONLY: stores of vCPUs are MMIO, as where no slot
                                   is (flash that reads as memory, and takes commands) */
};

/* What is known about each page of a slot. It belongs to the memory, not to its place: it survives
 * moves and changes of flags. Counted references: each generation with the slot has one, and so has
 * whoever left a mark here that it must find again to take it away. */
struct memslot_arch {
    _Atomic unsigned refs;
    uint64_t npages;
    _Atomic uint32_t *track; /* who wants to hear of stores to a page: see page_track.h */
    /* The shadow MMU's, if there is one, by frame number: gone when the slot has moved. Set under
     * its lock; taken away with the device lock held, when it has zapped everything. */
    struct slot_pages *_Atomic shadow;
    /* A bit a page: written since it was last taken out (dirty_log.h). There from the first
     * generation on that has the slot with MEMSLOT_LOG_DIRTY; only such a one tells of it. */
    _Atomic uint64_t *dirty;
};

struct memslot {
    gfn_t base_gfn;
    uint64_t npages;
    uint8_t *hva; /* of base_gfn; the caller's memory. Any value: NULL says nothing */
    struct memslot_arch *arch;
    uint32_t flags;
    int16_t id;
};

/* One generation. Nothing of it changes once it is published, but for the hint. */
struct memslots {
    uint64_t generation; /* one more with each change */
    unsigned used;
    /* Index of the slot found last. Inherited by the next generation, where that index may be
     * another slot or none: it is only ever where to look first. */
    _Atomic unsigned hint;
    int16_t id_to_index[MEMSLOT_IDS];  /* -1: no such slot */
    struct memslot slot[MEMSLOTS_MAX]; /* descending by base_gfn; behind `used` is anything */
};

struct memslots_vm;
struct dirty_protect;

/* ---- life ---- */

struct memslots_vm *memslots_new(void);

/* Nobody reads any more. NULL is fine. */
void memslots_free(struct memslots_vm *vm);

/* `synchronize`: the generation `now` has been published after `was`; see the top for what must
 * hold on return. Both are whole and readable during the call, which makes no change itself.
 * `written`: somebody else than a vCPU (DMA) wrote `len` bytes at gpa, within a page that is
 * tracked (page_track.h). Either may be NULL: then there are no vCPUs. */
void memslots_set_hooks(struct memslots_vm *vm, void *opaque,
                        void (*synchronize)(void *opaque, const struct memslots *was,
                                            const struct memslots *now),
                        void (*written)(void *opaque, gpa_t gpa, size_t len));

/* Who keeps something made of the slots: `before` is called when a change is about to be published,
 * with the old generation still the current one; `after` when it is done and the old generation is
 * gone. Both within memslots_change. */
void memslots_set_watch(struct memslots_vm *vm, void *opaque,
                        void (*before)(void *opaque, const struct memslots *was,
                                       const struct memslots *next),
                        void (*after)(void *opaque, const struct memslots *now));

/* How write access is taken away from logged pages, for dirty_log.h; copied. NULL: nobody has any.
 * While no slot is logged. */
void memslots_set_dirty_protect(struct memslots_vm *vm, const struct dirty_protect *p);
const struct dirty_protect *memslots_dirty_protect(struct memslots_vm *vm);

/* ---- changing ---- */

enum memslots_op {
    MEMSLOTS_CREATE,
    MEMSLOTS_DELETE, /* only the id counts */
    MEMSLOTS_MOVE,   /* to another gpa, everything else as it is */
    MEMSLOTS_FLAGS,  /* MEMSLOT_LOG_DIRTY or not, everything else as it is; a dirty log that starts
                      * is empty, and knows of all that is written after the change */
};

struct memslots_change {
    enum memslots_op op;
    int id;
    gpa_t gpa;     /* page-aligned, as are the next two */
    uint64_t size; /* bytes */
    uint8_t *hva;
    uint32_t flags;
};

/* Why a change cannot be. */
enum memslots_refusal {
    MEMSLOTS_OK,
    MEMSLOTS_BAD_ID,           /* not 0 to MEMSLOT_IDS-1 */
    MEMSLOTS_BAD_FLAGS,        /* bits that mean nothing, or not without another */
    MEMSLOTS_EXISTS,           /* create: the id is taken */
    MEMSLOTS_NOT_THERE,        /* no slot has this id */
    MEMSLOTS_NO_PAGES,         /* create: size 0 */
    MEMSLOTS_MISALIGNED,       /* gpa, size or hva is not a multiple of a page */
    MEMSLOTS_TOO_LARGE,        /* over MEMSLOT_MAX_PAGES */
    MEMSLOTS_WRAPS,            /* ends above the last physical address */
    MEMSLOTS_OVERLAPS,         /* shares a frame with another slot */
    MEMSLOTS_TOO_MANY,         /* MEMSLOTS_MAX slots are there */
    MEMSLOTS_SIZE_CHANGED,     /* of a slot that is there */
    MEMSLOTS_HVA_CHANGED,      /* of a slot that is there: its pages would silently be others */
    MEMSLOTS_READONLY_CHANGED, /* of a slot that is there */
    MEMSLOTS_FLAGS_CHANGED,    /* by a move */
    MEMSLOTS_PLACE_CHANGED,    /* by a change of flags */
};

/* The refusal in words, for a message: "overlaps another slot". */
const char *memslots_refusal_text(enum memslots_refusal r);

/* Makes one change, or `n` of them in turn as one: readers see none or all. Nothing has changed
 * unless MEMSLOTS_OK is returned. When nothing is to be changed (a move to where the slot is), no
 * generation is made. Device lock held; not from within a hook of this map. */
enum memslots_refusal memslots_change(struct memslots_vm *vm, const struct memslots_change *c);
enum memslots_refusal memslots_change_all(struct memslots_vm *vm, const struct memslots_change *c,
                                          unsigned n);

/* ---- reading: vCPUs between acknowledgements, or with the device lock held ---- */

/* The current generation. */
const struct memslots *memslots_now(struct memslots_vm *vm);

/* The slot that holds gfn, or NULL for MMIO. */
const struct memslot *memslots_find(struct memslots_vm *vm, gfn_t gfn);

/* The slot with this id in a generation, or NULL; any id may be asked for. */
const struct memslot *memslots_by_id(const struct memslots *g, int id);

/* Is the same memory at the same place in both, whether it is logged or not? */
bool memslots_same_memory(const struct memslots *a, const struct memslots *b);

/* Host address of gpa, valid to the end of its page; NULL for MMIO. */
uint8_t *memslots_ptr(struct memslots_vm *vm, gpa_t gpa);

static inline bool memslot_holds(const struct memslot *s, gfn_t gfn)
{
    return gfn - s->base_gfn < s->npages;
}

/* Host address of gpa, which the slot holds. */
static inline uint8_t *memslot_hva(const struct memslot *s, gpa_t gpa)
{
    return s->hva + (gpa - (s->base_gfn << PAGE_SHIFT));
}

static inline bool memslot_readonly(const struct memslot *s)
{
    return s->flags & MEMSLOT_READONLY;
}

/* Words of the dirty bitmap. */
static inline uint64_t memslot_dirty_words(const struct memslot *s)
{
    return (s->npages + 63) / 64;
}

/* For the two below: whatever the caller did before (made an SPTE or a TLB entry writable and put
 * it where `protect` finds it; wrote the page) is seen by the harvest that takes the mark. In
 * dirty_log.c with the reason. The slot logs. */
void memslot_set_dirty(const struct memslot *s, gfn_t gfn, uint64_t npages);

/* Pages of the slot were written, or may be from now on: into the log, if there is one. The last
 * step of whoever gives write access; behind the writing where it is done through no translation. A
 * vCPU between acknowledgements, or device lock held. */
static inline void memslot_mark_dirty(const struct memslot *s, gfn_t gfn)
{
    if (s->flags & MEMSLOT_LOG_DIRTY)
        memslot_set_dirty(s, gfn, 1);
}

static inline void memslot_mark_dirty_range(const struct memslot *s, gfn_t gfn, uint64_t npages)
{
    if (s->flags & MEMSLOT_LOG_DIRTY)
        memslot_set_dirty(s, gfn, npages);
}

/* Any thread that has a reference or reads a slot that has one: one more, one less (the last frees
 * it). */
struct memslot_arch *memslot_arch_get(struct memslot_arch *a);
void memslot_arch_put(struct memslot_arch *a);

/* ---- copies (memslots_io.c): for DMA, device lock held, and as above for vCPUs ---- */

/* Copy through RAM. False when a part is not RAM (reads as ones there) or, for writes, read-only.
 * Nothing goes round from the last address to the first. A write to a tracked page is told to the
 * `written` hook. */
bool memslots_read(struct memslots_vm *vm, gpa_t gpa, void *buf, size_t len);
bool memslots_write(struct memslots_vm *vm, gpa_t gpa, const void *buf, size_t len);

/* The page's memory goes back to the host: it reads as zeros from now on. Told to the `written`
 * hook as a store is. False, and nothing happens, where there is no RAM that may be written. */
bool memslots_drop(struct memslots_vm *vm, gfn_t gfn);

/* For memslots_io.c: calls the hook of that name if there is one. */
void memslots_written(struct memslots_vm *vm, gpa_t gpa, size_t len);

#endif
