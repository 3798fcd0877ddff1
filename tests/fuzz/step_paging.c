/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page tables for the target `step`, in the format that the control registers ask for. Intel SDM
 * volume 3A, chapter 4. The windows are mapped, with rights that mostly let the code run; then some
 * entries are spoilt.
 */
#include "cpu/features.h"
#include "tests/fuzz/step.h"

#define PTE_P  UINT64_C(0x001)
#define PTE_W  UINT64_C(0x002)
#define PTE_U  UINT64_C(0x004)
#define PTE_A  UINT64_C(0x020)
#define PTE_D  UINT64_C(0x040)
#define PTE_PS UINT64_C(0x080)
#define PTE_G  UINT64_C(0x100)
#define PTE_NX (UINT64_C(1) << 63)

struct tables {
    struct step *st;
    unsigned levels; /* 2 to 5 */
    unsigned bits;   /* of an index: 10 with 4-byte entries, 9 with 8-byte ones */
    unsigned next;   /* free page */
};

static unsigned entry_size(const struct tables *t)
{
    return t->bits == 10 ? 4 : 8;
}

/* A page for a table; 0 when there is none left. */
static gpa_t new_table(struct tables *t)
{
    return t->next < STEP_TABLES_END ? (gpa_t)t->next++ << 12 : 0;
}

static uint8_t *entry_at(const struct tables *t, gpa_t table, gva_t lin, unsigned level)
{
    unsigned shift = 12 + (level - 1) * t->bits;
    unsigned index = (unsigned)(lin >> shift) & ((1u << t->bits) - 1);

    if (t->levels == 3 && level == 3) /* PAE: four entries, at 32 bytes */
        index &= 3;
    return t->st->ram + table + index * entry_size(t);
}

/* Rights of a leaf: mostly all that is needed. */
static uint64_t leaf_flags(struct step *st, unsigned bits)
{
    struct fuzz_input *in = &st->in;
    uint64_t f = PTE_P | PTE_W | PTE_A | PTE_D;

    if (st->cpl == 3 || fuzz_once_in(in, 4))
        f |= PTE_U;
    if (fuzz_once_in(in, 4))
        f ^= UINT64_C(1) << fuzz_below(in, 12);
    if (bits == 9 && (st->s.efer & EFER_NXE) && fuzz_once_in(in, 8))
        f |= PTE_NX;
    if (bits == 9 && st->kind >= KIND_COMPAT && fuzz_below(in, 2))
        f |= (uint64_t)fuzz_below(in, 16) << 59; /* a protection key */
    return f;
}

/* May an entry of this level map a page itself? */
static bool large_ok(const struct tables *t, unsigned level)
{
    if (t->bits == 10)
        return level == 2 && (t->st->s.cr4 & CR4_PSE);
    return level == 2 || (level == 3 && t->levels > 3 && (t->st->cpu->features & FEAT(PDPE1GB)));
}

/* Maps one page; `flags` for the leaf, the levels above allow everything, mostly. */
static void map_page(struct tables *t, gva_t lin, gpa_t gpa, uint64_t flags)
{
    struct fuzz_input *in = &t->st->in;
    gpa_t table = t->st->s.cr3 & 0xffffffe0u;

    for (unsigned level = t->levels; level > 1; level--) {
        uint8_t *at = entry_at(t, table, lin, level);
        uint64_t e = ld_le(at, entry_size(t));

        if (!e && large_ok(t, level) && fuzz_once_in(in, 16)) {
            gpa_t mask = (UINT64_C(1) << (12 + (level - 1) * t->bits)) - 1;

            st_le(at, (gpa & ~mask) | flags | PTE_PS, entry_size(t));
            return;
        }
        if (!e) {
            gpa_t sub = new_table(t);
            bool pdpte = t->levels == 3 && level == 3;

            if (!sub)
                return;
            e = sub | (pdpte ? PTE_P : PTE_P | PTE_W | PTE_U | PTE_A);
            if (!pdpte && fuzz_once_in(in, 16))
                e ^= UINT64_C(1) << fuzz_below(in, 6);
            st_le(at, e, entry_size(t));
        }
        if (!(e & PTE_P) || (e & PTE_PS && large_ok(t, level)))
            return;
        table = e & UINT64_C(0x3f000);
    }
    st_le(entry_at(t, table, lin, 1), gpa | flags, entry_size(t));
}

/* Flips bits of entries that are there. */
static void spoil(struct tables *t)
{
    struct fuzz_input *in = &t->st->in;
    unsigned n = fuzz_once_in(in, 4) ? 1 + fuzz_below(in, 4) : 0;

    while (n--) {
        unsigned first = STEP_TABLES + fuzz_below(in, STEP_TABLES_END - STEP_TABLES);
        uint8_t *table = t->st->ram + first * 4096;

        for (unsigned at = 0; at < 4096; at += entry_size(t)) {
            uint64_t e = ld_le(table + at, entry_size(t));

            if (e && fuzz_below(in, 2))
                st_le(table + at, e ^ UINT64_C(1) << fuzz_below(in, 64), entry_size(t));
        }
    }
}

static struct tables tables_for(struct step *st)
{
    struct tables t = {.st = st, .levels = 2, .bits = 10, .next = STEP_TABLES};

    if (st->s.cr4 & CR4_PAE) {
        t.bits = 9;
        t.levels = st->kind < KIND_COMPAT ? 3 : st->s.cr4 & CR4_LA57 ? 5 : 4;
    }
    return t;
}

void step_fill_paging(struct step *st)
{
    struct tables t = tables_for(st);
    gpa_t root = new_table(&t);

    st->s.cr3 = root;
    if (t.levels == 3 && fuzz_below(&st->in, 2))
        st->s.cr3 |= fuzz_below(&st->in, 128) << 5;
    else if (t.levels > 3 && (st->s.cr4 & CR4_PCIDE))
        st->s.cr3 |= fuzz_below(&st->in, 8);
    for (unsigned k = 0; k < WIN_COUNT; k++) {
        const struct step_window *w = &st->win[k];
        uint64_t flags = leaf_flags(st, t.bits);

        for (unsigned n = 0; n < w->pages; n++) {
            if (fuzz_once_in(&st->in, 16))
                flags = leaf_flags(st, t.bits);
            map_page(&t, w->lin + n * 4096, w->gpa + n * 4096, flags);
        }
    }
    spoil(&t);
    if (t.levels == 3) {
        for (unsigned k = 0; k < 4; k++)
            st->s.pdpte[k] = ld_le64(st->ram + (st->s.cr3 & 0xffffffe0u) + k * 8);
    }
}
