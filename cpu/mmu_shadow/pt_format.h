/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The format of the page tables that the direct MMU builds, as a parameter: 512 entries of 64 bits
 * a table, 4 or 5 levels, and a mask for everything that an entry can say. Two formats: our own,
 * which only the interpreter reads, and Intel's EPT (SDM volume 3C, 28.3.2 and tables 28-1 to
 * 28-7), which hardware reads. What number stands in an entry's address field for a piece of host
 * memory is the business of struct pt_space.
 */
#ifndef CPU_MMU_SHADOW_PT_FORMAT_H
#define CPU_MMU_SHADOW_PT_FORMAT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "cpu/types.h"

#define PT_ENTRIES    512
#define PT_MAX_LEVELS 5

/* Levels count from the leaves. */
enum pt_level {
    PT_LEVEL_NONE = 0,
    PT_LEVEL_4K = 1,
    PT_LEVEL_2M = 2,
    PT_LEVEL_1G = 3,
    PT_LEVEL_HUGEST = PT_LEVEL_1G, /* a leaf above this is not architected */
};

enum pt_right {
    PT_READ = 1,
    PT_WRITE = 2,
    PT_EXEC = 4,
    PT_ALL = 7,
};

/* An entry of a table: changed by several threads at once and, in EPT, by the processor. */
typedef _Atomic uint64_t pt_entry;

struct pt_format {
    const char *name;
    uint64_t present; /* an entry is present when any of these is set */
    uint64_t read, write, exec;
    uint64_t huge; /* a leaf, at a level above 4K */
    uint64_t accessed, dirty;
    uint64_t address;    /* the frame number's field, starting at bit 12 */
    uint64_t type, wb;   /* a leaf's memory type: the field, and write-back in it */
    uint64_t table_zero; /* must be zero in an entry that points to a table */
    uint64_t host_mayw;  /* software: the slot lets the guest write this */
    uint64_t mmu_mayw;   /* software: no write tracking; write may be granted without asking */
    uint64_t frozen;     /* the whole value of an entry that nobody may change but its freezer */
};

extern const struct pt_format pt_format_own;
extern const struct pt_format pt_format_ept;

/* Host memory as seen by who reads the tables. `frame` of a page-aligned host address, and `host`
 * of a table's frame (`host` is asked about tables only). */
struct pt_space {
    const struct pt_format *format;
    void *opaque;
    uint64_t (*frame)(void *opaque, hva_t hva);
    hva_t (*host)(void *opaque, uint64_t frame);
};

/* Frames that are host page numbers: hva >> 12. */
uint64_t pt_identity_frame(void *opaque, hva_t hva);
hva_t pt_identity_host(void *opaque, uint64_t frame);

/* Pages that an entry of this level spans. */
static inline uint64_t pt_pages(int level)
{
    return UINT64_C(1) << (9 * (level - 1));
}

static inline gfn_t pt_align(gfn_t gfn, int level)
{
    return gfn & ~(pt_pages(level) - 1);
}

static inline unsigned pt_index(gfn_t gfn, int level)
{
    return (gfn >> (9 * (level - 1))) & (PT_ENTRIES - 1);
}

static inline bool pt_present(const struct pt_format *f, uint64_t spte)
{
    return spte & f->present;
}

static inline bool pt_is_leaf(const struct pt_format *f, uint64_t spte, int level)
{
    return pt_present(f, spte) && (level == PT_LEVEL_4K || (spte & f->huge));
}

static inline bool pt_is_table(const struct pt_format *f, uint64_t spte, int level)
{
    return pt_present(f, spte) && level > PT_LEVEL_4K && !(spte & f->huge);
}

static inline uint64_t pt_frame(const struct pt_format *f, uint64_t spte)
{
    return (spte & f->address) >> PAGE_SHIFT;
}

/* enum pt_right's that a present entry grants. */
unsigned pt_rights(const struct pt_format *f, uint64_t spte);

/* An entry that points to a table: every right, the leaf decides. */
uint64_t pt_make_table(const struct pt_format *f, uint64_t frame);

/* A leaf with these rights, accessed and not dirty. PT_READ is always among the rights: EPT without
 * it would be a misconfiguration (SDM 28.3.3.1). The frame is aligned to the level. */
uint64_t pt_make_leaf(const struct pt_format *f, uint64_t frame, int level, unsigned rights);

/* The leaf of `level` that says for gfn's whole page of that level what the leaf `child`, of a
 * lower level and for gfn, says for its part. */
uint64_t pt_make_huge(const struct pt_format *f, uint64_t child, gfn_t gfn, int level);

/* The index'th of the 512 leaves, of one level less, that together say what this leaf says. */
uint64_t pt_make_small(const struct pt_format *f, uint64_t leaf, int level, unsigned index);

/* NULL, or in words why no reader of this format may ever meet this value at this level. */
const char *pt_fault(const struct pt_format *f, uint64_t spte, int level);

#endif
