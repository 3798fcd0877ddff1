/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dirty log: which pages of a slot were written since somebody looked last. A slot is logged
 * while it has MEMSLOT_LOG_DIRTY (memslots_change starts and stops it); the display's refresh, a
 * snapshot or a migration takes out what has been written.
 *
 * Whoever gives write access to a page of a logged slot, in this order (mail 003):
 *   1. makes the entry (an SPTE; where there are none, a TLB entry) writable;
 *   2. puts it where `protect` finds it, into the rmap;
 *   3. memslot_mark_dirty.
 * The harvest, in this order:
 *   1. takes the bits out by exchange;
 *   2. takes write access away from those pages, without the MMU's lock;
 *   3. flushes every vCPU, before it returns.
 * So whenever no step is under way each page is marked, or write-protected, or both; whoever finds
 * a mark finds the writable entry that it stands for. In the other orders a page can be left
 * writable and unmarked for ever:
 *
 *     vCPU                                   harvest
 *     marks
 *                                            takes the mark; finds no writable entry
 *     makes its entry writable
 *     writes                                 ... not in the log, never protected
 *
 * There is a third case, and it is right: between a write and the mark that follows it (a device's,
 * or through an entry that is writable already and not yet marked) the page is neither marked nor
 * protected. The mark is then in the next harvest. The last one, dirty_log_final, is made when no
 * vCPU is in guest mode and no device writes: nothing is under way, and it finds everything.
 *
 * All with the device lock held, of a slot that is there and logged; one bit a page of the slot,
 * memslot_dirty_words() words. There is one log a slot: what one client takes another never sees.
 */
#ifndef CPU_MMU_SHADOW_DIRTY_LOG_H
#define CPU_MMU_SHADOW_DIRTY_LOG_H

#include "cpu/mmu_shadow/memslots.h"

/* The MMU in use. `protect`: on return no entry that was there at the call, for the pages
 * first_page
 * + n of the slot for each bit n of mask, gives write access; without the MMU's lock. NULL: what
 * `flush` drops are all the entries that there are. `flush`: on return no vCPU has a translation
 * that it got before, and all that was written through such is seen. `stopped`, or NULL: true when
 * no vCPU is in guest mode. */
struct dirty_protect {
    void *opaque;
    void (*protect)(void *opaque, const struct memslot *s, uint64_t first_page, uint64_t mask);
    void (*flush)(void *opaque);
    bool (*stopped)(void *opaque);
};

/* Is there such a log? */
bool dirty_log_on(struct memslots_vm *vm, int id);

/* Takes out all that is marked, into bitmap; each of the pages has then to be written anew to be
 * marked, and reading them after this finds all that was written before it. True if any was. */
bool dirty_log_harvest(struct memslots_vm *vm, int id, uint64_t *bitmap);

/* The same when the vCPUs are stopped and no device writes: nothing that was ever written since the
 * harvest before is missing. */
bool dirty_log_final(struct memslots_vm *vm, int id, uint64_t *bitmap);

/* What is marked, which stays marked; true if any is. And takes marks out: of the pages first + k,
 * k < n, those whose bit k of mask is set (first is a multiple of 64; mask has as many words as n
 * needs). A page whose mark is found by the one, taken by the other and read after that is read
 * with all that was written before. */
bool dirty_log_get(struct memslots_vm *vm, int id, uint64_t *bitmap);
void dirty_log_clear(struct memslots_vm *vm, int id, uint64_t first, uint64_t n,
                     const uint64_t *mask);

#endif
