/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The combinations that paging is tried with, for whatever mode the bench (lib/paging_bench.h) is
 * set up. Every stage below runs under every combination of WP, SMEP, SMAP, NXE and PSE that the
 * processor has, every kind of access, AC both ways where it counts; PGE, protection keys, G, and
 * the way of flushing are drawn. Within a stage:
 * - rights: every combination of W, U, NX over all levels, with every one of the above;
 * - bad entries: at each level not present, and each reserved bit alone; above it open and drawn
 *   rights; below it good, absent and reserved ones;
 * - ignored bits: each alone at each level;
 * - marks: every combination of A at all levels and D;
 * - keys: every right of a key, against every right of the page;
 * - a walk of random steps, in which nothing is flushed that the SDM does not ask to be.
 */
#ifndef PAGING_MATRIX_H
#define PAGING_MATRIX_H

#include "paging_bench.h"

#define RIGHTS (E_W | E_U | E_NX)
#define OPEN   (E_W | E_U)

static uint64_t drawn[TOP + 1]; /* the bits of each level's entry, before it is aimed */

/* ---- configurations ---- */
static void draw_others(void)
{
    if (now.wide)
        now.pse = have.pse && rnd(2);
    now.pge = have.pge && rnd(2);
    now.pke = now.lng && have.pku && rnd(2);
    now.pkru = rnd(4) ? 0 : rnd(0x7fffffff) << 1 | rnd(2);
}

/* Calls fn under each combination of the CR bits that the CPU has. */
static void each_config(void (*fn)(unsigned leaf), unsigned leaf)
{
    for (unsigned c = 0; c < 32; c++) {
        bool smep = c & 2, smap = c & 4, nxe = c & 8, pse = c & 16;

        if ((smep && !have.smep) || (smap && !have.smap) || (nxe && !(have.nx && now.wide)))
            continue;
        if (pse && (now.wide || !have.pse))
            continue;
        if (!now.wide && leaf == 2 && !pse)
            continue;
        now.wp = c & 1;
        now.smep = smep;
        now.smap = smap;
        now.nxe = nxe;
        now.pse = pse;
        draw_others();
        apply();
        WRITE_CR(3, bench_root);
        invlpg(bench_va);
        fn(leaf);
    }
}

/* ---- entries ---- */
static void draw_open(unsigned leaf)
{
    for (unsigned l = 1; l <= now.levels; l++)
        drawn[l] = E_P | OPEN | (l == leaf && leaf > 1 ? E_PS : 0);
}

/* Makes the drawn bits the entries, those below the leaf included; flushes. */
static void set_drawn(void)
{
    static unsigned turn;
    static const uint8_t hows[16] = {0, 0, 0, 1, 0, 0, 1, 2, 0, 1, 0, 0, 0, 1, 0, 3};

    for (unsigned l = 1; l <= now.levels; l++)
        bench_entry[l] = drawn[l] & E_P ? aim(l, drawn[l], turn & 1) : drawn[l];
    set_entries(hows[turn++ & 15]);
}

static void each_access(void)
{
    for (unsigned a = 0; a < ACCESSES; a++) {
        for (unsigned ac = 0; ac < (have.smap ? 2 : 1); ac++) {
            now.ac = ac;
            set_drawn();
            try_access((enum access)a);
        }
    }
}

/* As each_access with AC drawn: where AC is not what counts. */
static void each_access_once(void)
{
    for (unsigned a = 0; a < ACCESSES; a++) {
        now.ac = rnd(2);
        set_drawn();
        try_access((enum access)a);
    }
}

static uint64_t rights_of(unsigned n)
{
    return (n & 1 ? E_W : 0) | (n & 2 ? E_U : 0) | (n & 4 ? E_NX : 0);
}

static void draw_marks(unsigned leaf)
{
    for (unsigned l = leaf; l <= now.levels; l++)
        drawn[l] |= rnd(2) ? E_A : 0;
    drawn[leaf] |= (rnd(2) ? E_D : 0) | (rnd(2) ? E_G : 0);
    if (now.lng)
        drawn[leaf] |= (uint64_t)rnd(16) << 59;
}

/* ---- stages ---- */
static void stage_rights(unsigned leaf)
{
    unsigned each = now.wide ? 8 : 4, all = 1;

    for (unsigned l = leaf; l <= now.levels; l++)
        all *= each;
    for (unsigned n = 0; n < all; n++) {
        unsigned rest = n;

        draw_open(leaf);
        for (unsigned l = leaf; l <= now.levels; l++, rest /= each)
            drawn[l] = (drawn[l] & ~RIGHTS) | rights_of(rest % each);
        draw_marks(leaf);
        each_access();
    }
}

/* Entries above `bad` open (0) or drawn; below it good (0), absent or with all reserved bits. */
static void surround(unsigned bad, unsigned above, unsigned below)
{
    for (unsigned l = 1; l <= now.levels; l++) {
        if (l > bad && above)
            drawn[l] = (drawn[l] & ~RIGHTS) | rights_of(rnd(4));
        if (l < bad && below == 1)
            drawn[l] = 0;
        if (l < bad && below == 2)
            drawn[l] |= model_reserved(&now, l, drawn[l]);
    }
}

static void stage_bad(unsigned leaf)
{
    for (unsigned bad = leaf; bad <= now.levels; bad++) {
        for (unsigned bit = 0; bit < 64; bit++) {
            draw_open(leaf);
            uint64_t reserved = model_reserved(&now, bad, drawn[bad]);

            if (bit && !(reserved >> bit & 1))
                continue;
            for (unsigned around = 0; around < 6; around++) {
                draw_open(leaf);
                surround(bad, around & 1, around >> 1);
                draw_marks(leaf);
                drawn[bad] |= 1ull << bit;
                if (!bit)
                    drawn[bad] = ((uint64_t)rnd(0x7fffffff) << 33 | rnd(0x7fffffff)) & ~E_P;
                each_access_once();
            }
        }
    }
}

/* The bits of this entry that mean something to the walk: address, rights, marks. */
static uint64_t meant(unsigned level, uint64_t e)
{
    bool leaf = model_leaf(&now, level, e);
    uint64_t m = E_P | OPEN | E_A | E_D | E_NX | bit_range(12, now.wide ? now.maxphy - 1 : 31);

    if (level == 2 || level == 3)
        m |= E_PS;
    if (leaf && level > 1)
        m &= ~(1ull << 12); /* PAT */
    return m;
}

static void stage_ignored(unsigned leaf)
{
    for (unsigned l = leaf; l <= now.levels; l++) {
        for (unsigned bit = 0; bit < (now.wide ? 64 : 32); bit++) {
            draw_open(leaf);
            uint64_t skipped = meant(l, drawn[l]) | model_reserved(&now, l, drawn[l]);

            if (skipped >> bit & 1)
                continue;
            drawn[l] |= 1ull << bit;
            each_access_once();
            drawn[l] &= ~E_W;
            each_access_once();
            drawn[l] &= ~E_U;
            each_access_once();
        }
    }
}

static void stage_marks(unsigned leaf)
{
    unsigned count = now.levels - leaf + 1;

    for (unsigned n = 0; n < 4u << count; n++) {
        draw_open(leaf);
        for (unsigned k = 0; k < count; k++)
            drawn[leaf + k] |= n >> k & 1 ? E_A : 0;
        drawn[leaf] |= n >> count & 1 ? E_D : 0;
        if (n >> count & 2)
            drawn[leaf] &= ~E_W;
        each_access_once();
        if (rnd(2))
            drawn[leaf] ^= E_U;
        each_access_once();
    }
}

static void stage_keys(unsigned leaf)
{
    static const uint8_t keys[4] = {0, 1, 7, 15};

    now.pke = true;
    for (unsigned n = 0; n < 4 * 4 * 4; n++) {
        unsigned key = keys[n & 3], rights = n >> 2 & 3, page = n >> 4;

        now.pkru = ~(3u << (2 * key));
        if (rights != 3)
            now.pkru =
                rights == 2 ? ~(1u << (2 * key)) : ~(rights ? 2u << (2 * key) : 3u << (2 * key));
        else
            now.pkru = 3u << (2 * key);
        apply();
        draw_open(leaf);
        drawn[leaf] &= ~(uint64_t)(page << 1);
        drawn[leaf] |= (uint64_t)key << 59;
        each_access();
        drawn[now.levels] &= ~E_U;
        each_access();
    }
}

/* ---- the random walk ---- */
static uint64_t draw_entry(unsigned level)
{
    uint64_t e = E_P;

    e |= rnd(5) ? E_W : 0;
    e |= rnd(4) ? E_U : 0;
    e |= now.nxe && !rnd(5) ? E_NX : 0;
    e |= rnd(2) ? E_A : 0;
    e |= rnd(2) ? E_D : 0;
    e |= rnd(2) ? E_G : 0;
    if (level > 1 && level <= 3 && !rnd(4) && model_leaf(&now, level, E_PS))
        e |= E_PS;
    if (now.lng && rnd(2))
        e |= (uint64_t)rnd(16) << 59;
    if (!rnd(24))
        e &= ~E_P;
    if (!rnd(24) && model_reserved(&now, level, e))
        e |= model_reserved(&now, level, e);
    return e;
}

/* A new path below a level drawn; the table there may be the other one. */
static void step_entries(unsigned top)
{
    for (unsigned l = 1; l <= top; l++) {
        if (l < now.levels && rnd(2))
            bench_choice[l] ^= 1;
        if (l == top || rnd(2))
            drawn[l] = draw_entry(l);
        else
            drawn[l] = bench_entry[l] & (bit_range(0, 8) | bit_range(59, 63));
        if (drawn[l] & E_PS && !model_leaf(&now, l, drawn[l]))
            drawn[l] &= ~E_PS;
    }
    for (unsigned l = 1; l <= now.levels; l++) {
        uint64_t bits = l <= top ? drawn[l] : bench_entry[l] & ~bit_range(12, 51);

        /* the next level's table may have changed for the level above, too */
        if (l == top + 1 && !model_leaf(&now, l, bits) && bits & E_P &&
            !(bench_entry[l] & model_reserved(&now, l, bench_entry[l])))
            bench_entry[l] = aim(l, bits, 0);
        else if (l <= top)
            bench_entry[l] = bits & E_P ? aim(l, bits, rnd(2)) : bits;
    }
    set_entries((unsigned[]){0, 0, 0, 1, 2, 3}[rnd(6)]);
}

/* Most control bits act at once, on translations that are cached, too. */
static void step_config(void)
{
    bool redraw = false;

    switch (rnd(8)) {
    case 0: now.wp = !now.wp; break;
    case 1: now.smep = have.smep && !now.smep; break;
    case 2: now.smap = have.smap && !now.smap; break;
    case 3: now.pge = have.pge && !now.pge; break;
    case 4: now.pke = now.lng && have.pku && !now.pke; break;
    case 5: now.pkru = rnd(2) ? 0 : rnd(0x7fffffff); break;
    case 6:
        now.nxe = now.wide && have.nx && !now.nxe;
        redraw = true;
        break;
    default:
        now.pse = have.pse && !now.pse;
        redraw = !now.wide;
        break;
    }
    apply();
    if (redraw) /* entries mean another thing now */
        step_entries(now.levels);
    was_global |= any_global();
}

/* More rights, or presence: needs no flush. Reserved bits are never cached either. */
static void step_widen(void)
{
    unsigned l = 1 + rnd(now.levels);
    uint64_t e = bench_entry[l];

    if (!(e & E_P) || e & model_reserved(&now, l, e)) {
        /* never cached, so that it may become anything */
        e = aim(l, draw_entry(l), rnd(2));
        e &= ~(model_reserved(&now, l, e) & ~bit_range(12, 29));
    } else {
        e |= E_W; /* not U: SMEP and SMAP make that less for a supervisor */
        if (rnd(2))
            e &= ~E_NX;
    }
    bench_entry[l] = e;
    store_entry(l);
    was_global |= any_global();
    may_be_spurious = true;
}

static void stage_walk(unsigned steps)
{
    now.wp = now.smep = now.smap = now.nxe = now.pke = false;
    now.pse = !now.wide && have.pse;
    apply();
    draw_open(1);
    set_drawn();
    invlpg(bench_va);
    for (unsigned n = 0; n < steps; n++) {
        unsigned what = rnd(16);

        bench_how = 100 + what;
        if (what < 5)
            step_config();
        else if (what < 11)
            step_entries(1 + rnd(now.levels));
        else if (what < 14)
            step_widen();
        for (unsigned k = 1 + rnd(3); k; k--) {
            now.ac = rnd(2);
            try_access((enum access)rnd(ACCESSES));
        }
    }
    for (unsigned l = 1; l < now.levels; l++)
        bench_choice[l] = 0;
}

/* All of it, for the mode that the bench is in. */
static void run_matrix(const char *name, unsigned steps)
{
    random_state = 0x2545f491;
    bench_ldt();
    puts(name);
    puts("\n");
    for (unsigned leaf = 1; leaf <= 3 && leaf <= now.levels; leaf++) {
        now.pse = have.pse;
        if (leaf > 1 && !model_leaf(&now, leaf, E_PS))
            continue;
        each_config(stage_rights, leaf);
        each_config(stage_bad, leaf);
        each_config(stage_ignored, leaf);
        each_config(stage_marks, leaf);
        if (now.lng && have.pku)
            each_config(stage_keys, leaf);
    }
    stage_walk(steps);
    check_beside();
    now.wp = now.smep = now.smap = now.nxe = now.pke = now.pge = now.ac = false;
    apply();
}

#endif
