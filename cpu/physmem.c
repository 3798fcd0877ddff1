/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The physical memory map: a sorted array of slots; see physmem.h. */
#include "cpu/physmem.h"

#include "base/bits.h"
#include "base/error.h"

struct physmem {
    struct phys_slot slot[PHYSMEM_MAX_SLOTS]; /* by gpa, `used` of them */
    unsigned used;
    void *opaque;
    void (*changed)(void *opaque);
    void (*code_written)(void *opaque, gpa_t gpa, size_t len);
};

struct physmem *physmem_new(void)
{
    return g_new0(struct physmem, 1);
}

void physmem_free(struct physmem *pm)
{
    if (!pm)
        return;
    for (unsigned k = 0; k < pm->used; k++)
        g_free(pm->slot[k].code);
    g_free(pm);
}

void physmem_set_hooks(struct physmem *pm, void *opaque, void (*changed)(void *opaque),
                       void (*code_written)(void *opaque, gpa_t gpa, size_t len))
{
    pm->opaque = opaque;
    pm->changed = changed;
    pm->code_written = code_written;
}

/* Index of the first slot that ends above gpa. */
static unsigned slot_above(const struct physmem *pm, gpa_t gpa)
{
    unsigned lo = 0, hi = pm->used;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (pm->slot[mid].gpa + pm->slot[mid].size <= gpa)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void insert_slot(struct physmem *pm, unsigned at, struct phys_slot s)
{
    memmove(&pm->slot[at + 1], &pm->slot[at], (pm->used - at) * sizeof(s));
    s.code = g_malloc0(s.size >> PAGE_SHIFT);
    pm->slot[at] = s;
    pm->used++;
}

static void remove_slot(struct physmem *pm, unsigned at)
{
    g_free(pm->slot[at].code);
    pm->used--;
    memmove(&pm->slot[at], &pm->slot[at + 1], (pm->used - at) * sizeof(pm->slot[0]));
}

static void map_changed(struct physmem *pm)
{
    if (pm->changed)
        pm->changed(pm->opaque);
}

bool physmem_map(struct physmem *pm, gpa_t gpa, uint64_t size, void *hva, bool readonly)
{
    unsigned at = slot_above(pm, gpa);

    invariant(size && !(gpa & ~PAGE_MASK) && !(size & ~PAGE_MASK));
    if (pm->used == PHYSMEM_MAX_SLOTS || gpa + size < gpa)
        return false;
    if (at < pm->used && pm->slot[at].gpa < gpa + size)
        return false;
    insert_slot(pm, at,
                (struct phys_slot){.gpa = gpa, .size = size, .hva = hva, .readonly = readonly});
    map_changed(pm);
    return true;
}

void physmem_unmap(struct physmem *pm, gpa_t gpa, uint64_t size)
{
    gpa_t end = gpa + size;
    unsigned at;

    while ((at = slot_above(pm, gpa)) < pm->used && pm->slot[at].gpa < end) {
        struct phys_slot s = pm->slot[at];
        gpa_t s_end = s.gpa + s.size;

        remove_slot(pm, at);
        if (s.gpa < gpa) {
            struct phys_slot head = s;

            head.size = gpa - s.gpa;
            insert_slot(pm, at++, head);
        }
        if (s_end > end) {
            struct phys_slot tail = s;

            invariant(pm->used < PHYSMEM_MAX_SLOTS);
            tail.gpa = end;
            tail.hva += end - s.gpa;
            tail.size = s_end - end;
            insert_slot(pm, at, tail);
        }
    }
    map_changed(pm);
}

struct phys_slot *physmem_find(struct physmem *pm, gpa_t gpa)
{
    unsigned at = slot_above(pm, gpa);

    return at < pm->used && pm->slot[at].gpa <= gpa ? &pm->slot[at] : NULL;
}

void *physmem_ptr(struct physmem *pm, gpa_t gpa)
{
    struct phys_slot *s = physmem_find(pm, gpa);

    return s ? s->hva + (gpa - s->gpa) : NULL;
}

/* Bytes from gpa to the end of its page, at most len. */
static size_t page_piece(gpa_t gpa, size_t len)
{
    size_t room = PAGE_SIZE - (gpa & ~PAGE_MASK);

    return len < room ? len : room;
}

bool physmem_read(struct physmem *pm, gpa_t gpa, void *buf, size_t len)
{
    bool ok = true;
    uint8_t *out = buf;

    while (len) {
        size_t n = page_piece(gpa, len);
        const void *p = physmem_ptr(pm, gpa);

        if (p) {
            memcpy(out, p, n);
        } else {
            memset(out, 0xff, n);
            ok = false;
        }
        gpa += n;
        out += n;
        len -= n;
        if (!gpa) { /* past the last address: not round to RAM at the first */
            memset(out, 0xff, len);
            return false;
        }
    }
    return ok;
}

bool physmem_write(struct physmem *pm, gpa_t gpa, const void *buf, size_t len)
{
    bool ok = true;
    const uint8_t *in = buf;

    while (len) {
        size_t n = page_piece(gpa, len);
        struct phys_slot *s = physmem_find(pm, gpa);

        if (s && !s->readonly) {
            memcpy(s->hva + (gpa - s->gpa), in, n);
            if (s->code[(gpa - s->gpa) >> PAGE_SHIFT] && pm->code_written)
                pm->code_written(pm->opaque, gpa, n);
        } else {
            ok = false;
        }
        gpa += n;
        in += n;
        len -= n;
        if (!gpa)
            return false;
    }
    return ok;
}
