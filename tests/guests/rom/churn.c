// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page tables churned on every processor at once, for a fixed amount of work: each has three roots
 * and pages of its own that it maps, unmaps, remaps, makes read-only and writable, in small and in
 * large pages, below leaf tables that are replaced and recycled; and a slice of leaf tables that
 * all share. Each access is compared with what its processor knows: value or fault, to the bit.
 * Nothing depends on time or on the others. The rounds grow with the memory beyond 16 MiB: -m 320M
 * runs nineteen times as long as the 32M of the test suite.
 */
// guest: 64
// options: -smp 4
// not on: bochs (its configuration has one processor)
#include "smp_paging.h"

#define ROUNDS      20000u                      /* each processor's, with 16 MiB beyond 16 */
#define AREA(c)     (0x400000u + (c)*0x200000u) /* a processor's own 2 MiB: */
#define TABLES      112u                        /* pages for tables from its start, and */
#define FRAMES      128u                        /* pages of data from this page on */
#define FRAME_AT    0x80000u
#define GROUPS      4u /* leaf tables, or large pages, below each root */
#define SLOTS       16u
#define OWN_VA      ((word)1 << 39)
#define SHARED_VA   ((word)8 << 39)
#define SHARED_N    2u /* leaf tables that all share */
#define SLICE       32u
#define STABLE      256u /* entries of them that nobody changes */
#define STABLE_N    8u
#define STABLE_AT   0x380000u
#define SHARED_POOL 0x300000u
#define POISON      0xdeadbee0u

struct slot {
    int frame; /* -1: not present */
    bool writable;
};
struct group {
    word table; /* 0: a large page */
    bool writable;
    struct slot slot[SLOTS];
};
/* Two sets of tables; the third root has the first's by an entry without W. */
static struct own {
    word root[3], pd[2];
    unsigned current;
    struct group group[2][GROUPS];
    struct slot slice[SHARED_N][SLICE];
    uint16_t pool[TABLES];
    uint32_t value[FRAMES], pooled, serial;
} owns[SMP_CPUS];
static word shared_pdpt, shared_table[SHARED_N];
static uint32_t rounds;

static word frame_at(unsigned cpu, unsigned frame)
{
    return AREA(cpu) + FRAME_AT + frame * 4096;
}

static void fill_page(word page, uint32_t v)
{
    for (unsigned i = 0; i < 1024; i++)
        ((volatile uint32_t *)page)[i] = v;
}

/* ---- tables ---- */
static word take_table(unsigned cpu)
{
    struct own *o = &owns[cpu];
    unsigned n = rnd(o->pooled);
    word t = AREA(cpu) + o->pool[n] * 4096u;

    o->pool[n] = o->pool[--o->pooled];
    for (unsigned i = 0; i < 1024; i++) {
        uint32_t is = ((volatile uint32_t *)t)[i];
        if (is != POISON)
            fail_here("a free page was changed", t + i * 4, is, 0, 0);
    }
    fill_page(t, 0);
    return t;
}

static void give_table(unsigned cpu, word t)
{
    struct own *o = &owns[cpu];

    fill_page(t, POISON);
    o->pool[o->pooled++] = (uint16_t)((t - AREA(cpu)) / 4096);
}

static unsigned set_of(const struct own *o)
{
    return o->current & 1;
}

static word slot_va(unsigned g, unsigned i)
{
    return OWN_VA + g * LARGE_PAGE + (i * 31 % 512) * 4096;
}

static word slice_va(unsigned cpu, unsigned j, unsigned i)
{
    return SHARED_VA + j * LARGE_PAGE + (cpu * SLICE + i) * 4096;
}

static word slot_entry(unsigned cpu, const struct slot *s)
{
    return s->frame < 0 ? 0
                        : frame_at(cpu, (unsigned)s->frame) | E_P | E_U | (s->writable ? E_W : 0);
}

static void load_root(unsigned cpu, unsigned r)
{
    owns[cpu].current = r;
    WRITE_CR(3, owns[cpu].root[r]);
}

/* ---- accesses, each judged ---- */
static void check_access(unsigned cpu, word va, int frame, bool writable)
{
    struct own *o = &owns[cpu];
    uint32_t v = 0, err, want = 0;

    if (rnd(2)) {
        err = load(va, &v);
        if (frame < 0)
            want = FAULTED;
        if (err != want || (!err && v != o->value[frame]))
            fail_here("load", va, err, v, frame < 0 ? 0 : o->value[frame]);
        return;
    }
    v = cpu << 28 | ++o->serial;
    err = store(va, v);
    if (frame < 0)
        want = FAULTED | 2;
    else if (!writable)
        want = FAULTED | 3;
    if (err != want)
        fail_here("store", va, err, want, o->current);
    if (!err && frame >= 0)
        o->value[frame] = v;
    if (frame >= 0 && *(volatile uint32_t *)frame_at(cpu, (unsigned)frame) != o->value[frame])
        fail_here("stored value", va, *(volatile uint32_t *)frame_at(cpu, (unsigned)frame),
                  o->value[frame], err);
}

static void check_slot(unsigned cpu, unsigned g, unsigned i)
{
    struct own *o = &owns[cpu];
    const struct group *p = &o->group[set_of(o)][g];
    bool above = o->current != 2;

    if (p->table)
        check_access(cpu, slot_va(g, i), p->slot[i].frame, p->slot[i].writable && above);
    else /* the large page is the processor's whole area: any frame */
        check_access(cpu, OWN_VA + g * LARGE_PAGE + FRAME_AT + (i * 8) * 4096, (int)i * 8,
                     p->writable && above);
}

/* ---- changes; `set` may be that in use or the other ---- */
static void change_slot(unsigned cpu, unsigned set, unsigned g, unsigned i)
{
    struct own *o = &owns[cpu];
    struct group *p = &o->group[set][g];
    struct slot *s = &p->slot[i];
    volatile word *e = entry_in(p->table, slot_va(g, i), 1);

    switch (rnd(4)) {
    case 0: s->frame = -1; break;
    case 1: s->writable = !s->writable; break;
    default:
        s->frame = (int)rnd(FRAMES);
        s->writable = rnd(2);
        break;
    }
    if (rnd(2))
        *e = slot_entry(cpu, s);
    else
        exchange(e, slot_entry(cpu, s));
    if (set == set_of(o))
        invlpg(slot_va(g, i));
}

static void flush_group(unsigned cpu, unsigned set, unsigned g)
{
    if (set != set_of(&owns[cpu]))
        return;
    if (rnd(2)) {
        load_root(cpu, owns[cpu].current);
        return;
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        invlpg(slot_va(g, i));
        invlpg(OWN_VA + g * LARGE_PAGE + FRAME_AT + (i * 8) * 4096);
    }
}

/* A leaf table is replaced by a copy, by another, or by a large page; or a large page by a table.
 */
static void change_group(unsigned cpu, unsigned set, unsigned g)
{
    struct own *o = &owns[cpu];
    struct group *p = &o->group[set][g];
    volatile word *e = entry_in(o->pd[set], OWN_VA + g * LARGE_PAGE, 2);
    word old = p->table;

    if (old && rnd(3) == 0) {
        p->table = 0;
        p->writable = rnd(2);
        *e = AREA(cpu) | E_P | E_U | E_PS | (p->writable ? E_W : 0);
    } else {
        bool same = rnd(2);

        p->table = take_table(cpu);
        for (unsigned i = 0; i < SLOTS; i++) {
            if (!same || !old)
                p->slot[i] =
                    (struct slot){.frame = rnd(4) ? (int)rnd(FRAMES) : -1, .writable = rnd(2)};
            *entry_in(p->table, slot_va(g, i), 1) = slot_entry(cpu, &p->slot[i]);
        }
        *e = p->table | LINK;
    }
    flush_group(cpu, set, g);
    if (old)
        give_table(cpu, old);
}

static void change_slice(unsigned cpu)
{
    unsigned j = rnd(SHARED_N), i = rnd(SLICE);
    struct slot *s = &owns[cpu].slice[j][i];

    s->frame = rnd(4) ? (int)rnd(FRAMES) : -1;
    s->writable = rnd(2);
    *entry_in(shared_table[j], slice_va(cpu, j, i), 1) = slot_entry(cpu, s);
    invlpg(slice_va(cpu, j, i));
    check_access(cpu, slice_va(cpu, j, i), s->frame, s->writable);
}

static void check_stable(void)
{
    unsigned j = rnd(SHARED_N), k = rnd(STABLE_N);
    word va = SHARED_VA + j * LARGE_PAGE + (STABLE + k) * 4096;
    uint32_t v = 0, err = load(va, &v);

    if (err || v != 0x5ab1e000 + k)
        fail_here("what nobody changes", va, err, v, k);
    err = store(va, 0);
    if (err != (FAULTED | 3))
        fail_here("a store to what nobody may write", va, err, 0, k);
}

static void churn(unsigned cpu)
{
    struct own *o = &owns[cpu];

    load_root(cpu, 0);
    for (uint32_t n = 0; n < rounds; n++) {
        unsigned what = rnd(32), set = rnd(2), g = rnd(GROUPS);

        if (what < 12 && o->group[set][g].table)
            change_slot(cpu, set, g, rnd(SLOTS));
        else if (what < 14)
            change_group(cpu, set, g);
        else if (what < 18)
            load_root(cpu, rnd(3));
        else if (what < 24)
            change_slice(cpu);
        else if (what < 26)
            check_stable();
        for (unsigned k = 0; k < 4; k++)
            check_slot(cpu, rnd(GROUPS), rnd(SLOTS));
    }
    for (unsigned f = 0; f < FRAMES; f++) {
        uint32_t is = *(volatile uint32_t *)frame_at(cpu, f);
        if (is != o->value[f])
            fail_here("a frame at the end", frame_at(cpu, f), is, o->value[f], 0);
    }
    for (unsigned n = o->pooled; n; n--) /* each once more looked at */
        take_table(cpu);
}

/* ---- setup ---- */
static void prepare(unsigned cpu)
{
    struct own *o = &owns[cpu];
    word pdpt[2];

    for (unsigned n = 0; n < TABLES; n++)
        give_table(cpu, AREA(cpu) + n * 4096);
    for (unsigned f = 0; f < FRAMES; f++) {
        fill_page(frame_at(cpu, f), 0);
        *(volatile uint32_t *)frame_at(cpu, f) = o->value[f] = cpu << 28 | 0xf000000 | f;
    }
    for (unsigned set = 0; set < 2; set++) {
        pdpt[set] = take_table(cpu);
        o->pd[set] = take_table(cpu);
        *entry_in(pdpt[set], OWN_VA, 3) = o->pd[set] | LINK;
        for (unsigned g = 0; g < GROUPS; g++) {
            o->group[set][g].table = take_table(cpu);
            for (unsigned i = 0; i < SLOTS; i++)
                o->group[set][g].slot[i].frame = -1;
            *entry_in(o->pd[set], OWN_VA + g * LARGE_PAGE, 2) = o->group[set][g].table | LINK;
        }
    }
    for (unsigned r = 0; r < 3; r++) {
        o->root[r] = take_table(cpu);
        *entry_in(o->root[r], 0, 4) = 0x71000 | LINK;
        *entry_in(o->root[r], OWN_VA, 4) = pdpt[r & 1] | (r == 2 ? E_P | E_U : LINK);
        *entry_in(o->root[r], SHARED_VA, 4) = shared_pdpt | LINK;
    }
    for (unsigned j = 0; j < SHARED_N; j++) {
        for (unsigned i = 0; i < SLICE; i++)
            o->slice[j][i].frame = -1;
    }
}

static void prepare_shared(void)
{
    word at = SHARED_POOL, pd;

    fill_page(shared_pdpt = at, 0);
    fill_page(pd = at += 4096, 0);
    *entry_in(shared_pdpt, SHARED_VA, 3) = pd | LINK;
    for (unsigned j = 0; j < SHARED_N; j++) {
        fill_page(shared_table[j] = at += 4096, 0);
        *entry_in(pd, SHARED_VA + j * LARGE_PAGE, 2) = shared_table[j] | LINK;
        for (unsigned k = 0; k < STABLE_N; k++) {
            fill_page(STABLE_AT + k * 4096, 0x5ab1e000 + k);
            ((volatile word *)shared_table[j])[STABLE + k] = (STABLE_AT + k * 4096) | E_P | E_U;
        }
    }
}

/* How many processors fw_cfg tells of; how much memory the CMOS does, in steps of 16 MiB past 16.
 */
static unsigned processors(void)
{
    outw(0x510, 5);
    unsigned n = inb(0x511);
    return n < SMP_CPUS ? n : SMP_CPUS;
}
static uint32_t memory_steps(void)
{
    outb(0x70, 0x35);
    uint32_t n = inb(0x71) << 8;
    outb(0x70, 0x34);
    n = (n | inb(0x71)) / 256;
    return n ? n : 1;
}

void ap_main(void)
{
    LAPIC(0xf0) = 0x1ff;
    WRITE_CR(0, READ_CR(0) | 0x10000);
    obey();
}

void main(void)
{
    cpus = processors();
    rounds = ROUNDS * memory_steps();
    smp_map_apic();
    WRITE_CR(3, READ_CR(3));
    WRITE_CR(0, READ_CR(0) | 0x10000);
    trap_hook = probe_trap;
    prepare_shared();
    for (unsigned c = 0; c < cpus; c++)
        prepare(c);
    if (cpus > 1)
        ap_start_all();
    while (up != cpus - 1)
        relax();
    everyone(churn);
    churn(0);
    everyone_done();
    report_failures("churn", cpus);
}
