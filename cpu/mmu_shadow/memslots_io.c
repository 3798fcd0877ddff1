/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory as DMA reaches it: copies over the borders of slots, holes and ROM; see memslots.h. */
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/page_track.h"

#include <string.h>
#include <sys/mman.h>

#include "base/mutant.h"
#include "base/step.h"

/* Bytes from gpa to the end of its page, at most len. */
static size_t page_piece(gpa_t gpa, size_t len)
{
    size_t room = PAGE_SIZE - (gpa & ~PAGE_MASK);

    return len < room ? len : room;
}

bool memslots_read(struct memslots_vm *vm, gpa_t gpa, void *buf, size_t len)
{
    bool ok = true;
    uint8_t *out = buf;

    while (len) {
        size_t n = page_piece(gpa, len);
        const struct memslot *s = memslots_find(vm, gpa >> PAGE_SHIFT);

        if (s) {
            memcpy(out, memslot_hva(s, gpa), n);
        } else {
            memset(out, 0xff, n);
            ok = false;
        }
        gpa += n;
        out += n;
        len -= n;
        if (!gpa && len) { /* past the last address: not round to RAM at the first */
            memset(out, 0xff, len);
            return false;
        }
    }
    return ok;
}

bool memslots_write(struct memslots_vm *vm, gpa_t gpa, const void *buf, size_t len)
{
    bool ok = true;
    const uint8_t *in = buf;

    while (len) {
        size_t n = page_piece(gpa, len);
        const struct memslot *s = memslots_find(vm, gpa >> PAGE_SHIFT);

        if (s && !memslot_readonly(s)) {
            memcpy(memslot_hva(s, gpa), in, n);
            /* Who tracks a page counts, then reads its bytes; here they are written, then the count
             * is read. The fence keeps that order: one of the two sees the other. */
            atomic_thread_fence(memory_order_seq_cst);
            step("memslots_write: written");
            if (!MUTANT(dma_marks_nothing))
                memslot_mark_dirty(s, gpa >> PAGE_SHIFT);
            if (page_tracked(s, gpa >> PAGE_SHIFT))
                memslots_written(vm, gpa, n);
        } else {
            ok = false;
        }
        gpa += n;
        in += n;
        len -= n;
        if (!gpa && len)
            return false;
    }
    return ok;
}

bool memslots_drop(struct memslots_vm *vm, gfn_t gfn)
{
    const struct memslot *s =
        gfn >> (MEMSLOT_GPA_BITS - PAGE_SHIFT) ? NULL : memslots_find(vm, gfn);
    gpa_t gpa = gfn << PAGE_SHIFT;

    if (!s || memslot_readonly(s))
        return false;
    if (madvise(memslot_hva(s, gpa), PAGE_SIZE, MADV_DONTNEED)) /* locked, or not ours to give */
        memset(memslot_hva(s, gpa), 0, PAGE_SIZE);
    atomic_thread_fence(memory_order_seq_cst); /* as in memslots_write */
    memslot_mark_dirty(s, gfn);
    if (page_tracked(s, gfn))
        memslots_written(vm, gpa, PAGE_SIZE);
    return true;
}
