/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A litmus test of process-context identifiers and global pages, on every processor by itself, all
 * at once: two roots under two PCIDs, switched with and without a flush. An entry that was changed
 * may show either frame until one of the flushes that the SDM (3A 4.10.4.1) says will reach it, and
 * then the new one only; a flush of one context may leave the other as it is.
 */
#ifndef TLB_CONTEXTS_H
#define TLB_CONTEXTS_H

#include "tlb_aliases.h"

#ifdef __x86_64__
#define CTX_VA    ((word)11 << 39) /* each context's own table */
#define CTX_G_VA  ((word)12 << 39) /* the table of both, global */
#define CTX_SLOTS 8u
#define NO_FLUSH  ((word)1 << 63)

/* Set 2 is the global entries'. */
static struct context_state {
    word root[2], table[3], frame[4];
    unsigned current;
    struct {
        unsigned now, old; /* which frames; both may show while they differ */
    } slot[3][CTX_SLOTS];
} contexts[SMP_CPUS];
static volatile uint32_t context_rounds;

static word context_va(unsigned set, unsigned i)
{
    return (set == 2 ? CTX_G_VA : CTX_VA) + i * 4096;
}

static void settle(struct context_state *c, unsigned set)
{
    for (unsigned i = 0; i < CTX_SLOTS; i++)
        c->slot[set][i].old = c->slot[set][i].now;
}

static void switch_context(struct context_state *c, bool flush)
{
    c->current ^= 1;
    WRITE_CR(3, c->root[c->current] | (c->current + 1) | (flush ? 0 : NO_FLUSH));
    if (flush)
        settle(c, c->current);
}

static void change_context(struct context_state *c, unsigned set, unsigned i)
{
    if (c->slot[set][i].old != c->slot[set][i].now) /* one change at a time */
        return;
    c->slot[set][i].now = rnd(4);
    ((volatile word *)c->table[set])[i] =
        c->frame[c->slot[set][i].now] | LINK | (set == 2 ? E_G : 0);
}

static void flush_context(struct context_state *c, unsigned set, unsigned i)
{
    bool reached = set == 2 || set == c->current;

    switch (rnd(have_invpcid ? 6 : 2)) {
    case 0:
        invlpg(context_va(set, i));
        if (reached)
            c->slot[set][i].old = c->slot[set][i].now;
        break;
    case 1:
        WRITE_CR(4, READ_CR(4) ^ 0x80);
        WRITE_CR(4, READ_CR(4) ^ 0x80);
        for (unsigned s = 0; s < 3; s++)
            settle(c, s);
        break;
    case 2:
        if (set == 2)
            break;
        invpcid(0, set + 1, context_va(set, i));
        c->slot[set][i].old = c->slot[set][i].now;
        break;
    case 3:
        if (set == 2)
            break;
        invpcid(1, set + 1, 0);
        settle(c, set);
        break;
    case 4:
        invpcid(2, 0, 0);
        for (unsigned s = 0; s < 3; s++)
            settle(c, s);
        break;
    default:
        invpcid(3, 0, 0);
        settle(c, 0);
        settle(c, 1);
        break;
    }
}

static void check_context(struct context_state *c, unsigned set, unsigned i)
{
    uint32_t v = 0, err = load(context_va(set, i), &v);
    uint32_t fresh = *(volatile uint32_t *)c->frame[c->slot[set][i].now];
    uint32_t stale = *(volatile uint32_t *)c->frame[c->slot[set][i].old];

    if (err || (v != fresh && v != stale))
        fail_here("contexts", context_va(set, i), err, v, (uint64_t)stale << 32 | fresh);
}

static void context_work(unsigned cpu)
{
    struct context_state *c = &contexts[cpu];
    word cr3 = READ_CR(3), cr4 = READ_CR(4);

    WRITE_CR(4, cr4 | 0x20080); /* PCIDE, PGE */
    WRITE_CR(3, c->root[0] | 1);
    for (uint32_t n = 0; n < context_rounds; n++) {
        unsigned set = rnd(3), i = rnd(CTX_SLOTS), what = rnd(8);

        if (what < 3)
            change_context(c, set, i);
        else if (what < 5)
            flush_context(c, set, i);
        else if (what < 7)
            switch_context(c, rnd(3) == 0);
        for (unsigned k = 0; k < 4; k++)
            check_context(c, rnd(2) ? 2 : c->current, rnd(CTX_SLOTS));
    }
    WRITE_CR(3, cr3);
    WRITE_CR(4, cr4);
    WRITE_CR(3, cr3);
}

static void test_contexts(uint32_t rounds)
{
    if (!have_pcid || !have_pge) {
        skip("PCID");
        return;
    }
    word root = alias_root;

    for (unsigned n = 0; n < cpus; n++) {
        struct context_state *c = &contexts[n];

        for (unsigned k = 0; k < 4; k++)
            c->frame[k] = alias_page(n << 8 | k);
        for (unsigned r = 0; r < 2; r++) {
            c->root[r] = alias_page(0);
            *(volatile word *)c->root[r] = 0x71000 | LINK;
            alias_root = c->root[r];
            c->table[r] = FRAME_OF((word)alias_entry(CTX_VA, 1));
            if (r) /* what is global is the same to both */
                *entry_in(c->root[1], CTX_G_VA, 4) = *entry_in(c->root[0], CTX_G_VA, 4);
            c->table[2] = FRAME_OF((word)alias_entry(CTX_G_VA, 1));
        }
        for (unsigned set = 0; set < 3; set++) {
            for (unsigned i = 0; i < CTX_SLOTS; i++)
                ((volatile word *)c->table[set])[i] = c->frame[0] | LINK | (set == 2 ? E_G : 0);
        }
    }
    alias_root = root;
    context_rounds = rounds;
    everyone(context_work);
    context_work(0);
    everyone_done();
    report_failures("contexts", cpus);
}
#endif

#endif
