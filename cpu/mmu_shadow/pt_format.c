/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two table formats and how their entries are made; see pt_format.h. EPT: SDM volume 3C, tables
 * 28-1 to 28-7: bits 2:0 are R, W and X, 5:3 the memory type of a leaf, 7 a huge leaf, 8 and 9
 * accessed and dirty, 62:52 (but for a few that are off) and 11 the software's.
 */
#include "cpu/mmu_shadow/pt_format.h"

#include "base/error.h"

#define BIT(n) (UINT64_C(1) << (n))

#define ADDRESS 0x000ffffffffff000u

const struct pt_format pt_format_own = {
    .name = "own",
    .present = BIT(0),
    .read = BIT(0),
    .write = BIT(1),
    .exec = BIT(2),
    .huge = BIT(7),
    .accessed = BIT(5),
    .dirty = BIT(6),
    .address = ADDRESS,
    .table_zero = BIT(6) | BIT(7),
    .host_mayw = BIT(52),
    .mmu_mayw = BIT(53),
    .frozen = BIT(11),
};

const struct pt_format pt_format_ept = {
    .name = "EPT",
    .present = 7,
    .read = BIT(0),
    .write = BIT(1),
    .exec = BIT(2),
    .huge = BIT(7),
    .accessed = BIT(8),
    .dirty = BIT(9),
    .address = ADDRESS,
    .type = 7 << 3,
    .wb = 6 << 3,
    .table_zero = 0xf8, /* table 28-4: 7:3 are reserved */
    .host_mayw = BIT(52),
    .mmu_mayw = BIT(53),
    .frozen = BIT(11),
};

_Static_assert(ADDRESS == (BIT(52) - 1) - (PAGE_SIZE - 1), "a frame is 40 bits from bit 12");

uint64_t pt_identity_frame(void *opaque, hva_t hva)
{
    (void)opaque;
    return hva >> PAGE_SHIFT;
}

hva_t pt_identity_host(void *opaque, uint64_t frame)
{
    (void)opaque;
    return (hva_t)frame << PAGE_SHIFT;
}

unsigned pt_rights(const struct pt_format *f, uint64_t spte)
{
    return (spte & f->read ? PT_READ : 0u) | (spte & f->write ? PT_WRITE : 0u) |
           (spte & f->exec ? PT_EXEC : 0u);
}

uint64_t pt_make_table(const struct pt_format *f, uint64_t frame)
{
    invariant(!(frame << PAGE_SHIFT & ~f->address));
    return frame << PAGE_SHIFT | f->read | f->write | f->exec;
}

uint64_t pt_make_leaf(const struct pt_format *f, uint64_t frame, int level, unsigned rights)
{
    uint64_t spte = frame << PAGE_SHIFT | f->wb | f->accessed;

    invariant(!(frame << PAGE_SHIFT & ~f->address) && !(frame & (pt_pages(level) - 1)));
    invariant(rights & PT_READ);
    spte |= f->read;
    if (rights & PT_WRITE)
        spte |= f->write;
    if (rights & PT_EXEC)
        spte |= f->exec;
    return level > PT_LEVEL_4K ? spte | f->huge : spte;
}

uint64_t pt_make_huge(const struct pt_format *f, uint64_t child, gfn_t gfn, int level)
{
    uint64_t frame = pt_frame(f, child) - (gfn & (pt_pages(level) - 1));

    invariant(pt_present(f, child) && !(frame & (pt_pages(level) - 1)));
    return (child & ~f->address) | frame << PAGE_SHIFT | f->huge;
}

uint64_t pt_make_small(const struct pt_format *f, uint64_t leaf, int level, unsigned index)
{
    uint64_t frame = pt_frame(f, leaf) + index * pt_pages(level - 1);
    uint64_t spte = (leaf & ~f->address) | frame << PAGE_SHIFT;

    invariant(pt_is_leaf(f, leaf, level) && level > PT_LEVEL_4K && index < PT_ENTRIES);
    return level - 1 == PT_LEVEL_4K ? spte & ~f->huge : spte;
}

static const char *table_fault(const struct pt_format *f, uint64_t spte)
{
    if (spte & f->table_zero)
        return "a reserved bit in an entry that points to a table";
    if (pt_rights(f, spte) != PT_ALL)
        return "an entry that points to a table withholds a right";
    return NULL;
}

static const char *leaf_fault(const struct pt_format *f, uint64_t spte, int level)
{
    if (level > PT_LEVEL_HUGEST)
        return "a leaf above 1G";
    if (pt_frame(f, spte) & (pt_pages(level) - 1))
        return "a misaligned huge page";
    if (!(spte & f->read))
        return "a leaf that cannot be read";
    if ((spte & f->type) != f->wb)
        return "a memory type other than write-back";
    if ((spte & f->write) && !(spte & f->host_mayw))
        return "writable though the slot is not";
    if ((spte & f->write) && !(spte & f->mmu_mayw))
        return "writable though write-protected by the MMU";
    return NULL;
}

const char *pt_fault(const struct pt_format *f, uint64_t spte, int level)
{
    if (!pt_present(f, spte))
        return spte && spte != f->frozen ? "bits set in an absent entry" : NULL;
    return pt_is_leaf(f, spte, level) ? leaf_fault(f, spte, level) : table_fault(f, spte);
}
