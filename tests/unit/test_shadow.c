/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shadow MMU (cpu/mmu_shadow/shadow_mmu.h) of one thread: a guest of a few tables that are
 * rewritten at random through a window of its own, with the notices that the architecture asks for;
 * every translation is then what a plain walk of the tables says, and the audit finds nothing. Each
 * vCPU has a model of a TLB that forgets only when it is told to.
 */
#include "tests/unit/unit.h"

#include <glib.h>

#include "base/bits.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/page_track.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "cpu/mmu_shadow/slot_pages.h"
#include "cpu/x86.h"

#define RAM_PAGES 4096u /* 16 MiB */
#define ROM_PAGES 16u
#define ROM_GFN   0x8000u
#define FIXED     8u  /* frames of the window's tables */
#define TABLES    32u /* frames of the tables that change */
#define N_TABLES  12u
#define N_VCPUS   2u
#define N_VAS     128u
#define TLB_MODEL 64u

struct tlb_model {
    gva_t page;
    bool valid, user;
    bool slow; /* stores ask who tracks the frame */
    struct shadow_xlat x;
};

struct mode {
    const char *name;
    unsigned levels, top;
    gva_t window; /* where RAM is seen one to one */
};

static const struct mode modes[] = {
    {"32-bit", 2, 2, 0xc0000000},
    {"PAE", 3, 2, 0xc0000000},
    {"4-level", 4, 4, UINT64_C(0xffff800000000000)},
    {"5-level", 5, 5, UINT64_C(0xff00000000000000)},
};

static const struct mode *mode;
static uint8_t *ram, *rom;
static struct memslots_vm *slots;
static struct slot_pages *pages[2];
static struct shadow_mmu *mmu;
static struct shadow_vcpu *vcpu[N_VCPUS];
static struct tlb_model tlb[N_VCPUS][TLB_MODEL];
static gva_t vas[N_VAS];
static GRand *rnd;
static unsigned protections;

static uint32_t pick(uint32_t n)
{
    return (uint32_t)g_rand_int_range(rnd, 0, (gint32)n);
}

static void protect(void *opaque, const gfn_t *gfn, unsigned n)
{
    (void)opaque;
    protections++;
    for (unsigned k = 0; k < N_VCPUS * TLB_MODEL; k++) {
        for (unsigned g = 0; g < n; g++) {
            struct tlb_model *t = &tlb[0][0] + k;

            t->slow |= t->x.gpa >> PAGE_SHIFT == gfn[g];
        }
    }
}

static bool tracked(gpa_t gpa)
{
    const struct memslot *s = memslots_find(slots, gpa >> PAGE_SHIFT);

    return s && page_tracked(s, gpa >> PAGE_SHIFT);
}

static struct slot_pages *pages_of(void *opaque, const struct memslot *slot)
{
    (void)opaque;
    return pages[slot->id];
}

/* ---- the guest ---- */

static unsigned entry_size(void)
{
    return mode->levels == 2 ? 4 : 8;
}

static unsigned index_bits(void)
{
    return mode->levels == 2 ? 10 : 9;
}

static gpa_t entry_gpa(unsigned frame, unsigned index)
{
    return (gpa_t)frame * PAGE_SIZE + index * entry_size();
}

static void poke(gpa_t gpa, uint64_t v)
{
    memcpy(ram + gpa, &v, entry_size());
}

static unsigned window_index(unsigned level)
{
    return mode->window >> (12 + (level - 1) * index_bits()) & ((1u << index_bits()) - 1);
}

/* The window's tables: from frame FIXED + level down to large pages at level 2. */
static void build_window(unsigned root)
{
    unsigned span = mode->levels == 2 ? 22 : 21;

    for (unsigned level = mode->top; level > 2; level--) {
        unsigned frame = level == mode->top ? root : FIXED + level;

        poke(entry_gpa(frame, window_index(level)),
             (uint64_t)(FIXED + level - 1) * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_U);
    }
    for (unsigned k = 0; k < (RAM_PAGES * PAGE_SIZE) >> span; k++)
        poke(entry_gpa(mode->top == 2 && mode->levels == 2 ? root : FIXED + 2, window_index(2) + k),
             (uint64_t)k << span | GPTE_P | GPTE_W | GPTE_A | GPTE_D | GPTE_PS);
}

static gpa_t root_gpa(unsigned k)
{
    return (gpa_t)(TABLES + k) * PAGE_SIZE;
}

static void load_cr3(unsigned n, unsigned root)
{
    struct guest_paging *p = &vcpu[n]->paging;

    p->cr3 = root_gpa(root);
    for (unsigned k = 0; k < 3; k++)
        p->pdpte[k] = (gpa_t)(TABLES + (root + k) % N_TABLES) * PAGE_SIZE | GPTE_P;
    p->pdpte[3] = (uint64_t)(FIXED + 2) * PAGE_SIZE | GPTE_P;
    shadow_new_paging(vcpu[n]);
    memset(tlb[n], 0, sizeof(tlb[n]));
}

static void tlb_fill(unsigned n, gva_t va, bool user, const struct shadow_xlat *x)
{
    tlb[n][(va >> PAGE_SHIFT) % TLB_MODEL] = (struct tlb_model){
        .page = va >> PAGE_SHIFT, .user = user, .valid = true, .slow = tracked(x->gpa), .x = *x};
}

static struct tlb_model *tlb_hit(unsigned n, gva_t va, bool user)
{
    struct tlb_model *t = &tlb[n][(va >> PAGE_SHIFT) % TLB_MODEL];

    return t->valid && t->page == va >> PAGE_SHIFT && t->user == user ? t : NULL;
}

/* A store of the guest's, by its window, as the interpreter does it. */
static void store(unsigned n, gpa_t gpa, uint64_t v, unsigned size)
{
    gva_t va = mode->window + gpa;
    struct tlb_model *hit = tlb_hit(n, va, false);

    if (!hit || !hit->x.writable || (hit->slow && !tracked(gpa))) {
        struct shadow_xlat x;
        uint32_t error;

        assert_true(shadow_translate(vcpu[n], va, WALK_WRITE, &x, &error));
        assert_true(x.gpa == gpa);
        tlb_fill(n, va, false, &x);
        hit = tlb_hit(n, va, false);
    }
    memcpy(ram + gpa, &v, size);
    if (hit->slow && tracked(gpa))
        shadow_written(mmu, vcpu[n], gpa, size);
}

static uint64_t random_entry(unsigned level)
{
    uint64_t e = 0, frame;
    unsigned kind = pick(16);
    bool large = level > 1 && level <= (mode->levels == 2 ? 2u : 3u) && pick(4) == 0;

    if (kind == 0)
        return 0;
    if (level > 1 && !large)
        frame = TABLES + pick(N_TABLES);
    else if (kind == 1)
        frame = ROM_GFN + pick(ROM_PAGES + 2);
    else if (kind == 2)
        frame = 0x5000 + pick(64); /* a hole */
    else
        frame = pick(RAM_PAGES);
    e = GPTE_P | frame * PAGE_SIZE;
    if (large) {
        unsigned shift = 12 + (level - 1) * index_bits();

        e = (e >> shift << shift) | GPTE_P | GPTE_PS;
    }
    e |= pick(4) ? GPTE_W : 0;
    e |= pick(4) ? GPTE_U : 0;
    e |= pick(2) ? GPTE_A : 0;
    e |= pick(2) ? GPTE_D : 0;
    e |= pick(8) ? 0 : GPTE_G;
    if (mode->levels > 2 && !pick(6))
        e |= GPTE_NX;
    if (!pick(40))
        e |= mode->levels == 2 ? (large ? UINT64_C(1) << 21 : 0) : UINT64_C(1) << 45;
    return e;
}

/* Addresses that have few indices a level, so that tables are shared and reused. */
static void choose_vas(void)
{
    for (unsigned k = 0; k < N_VAS; k++) {
        gva_t va = pick(1u << 12);

        for (unsigned level = 1; level <= mode->top; level++) {
            static const unsigned few[] = {0, 1, 8, 300};
            unsigned index = few[pick(level == mode->top ? 2 : 4)];

            va |= (gva_t)index << (12 + (level - 1) * index_bits());
        }
        if (mode->levels == 3)
            va |= (gva_t)pick(3) << 30;
        vas[k] = va;
    }
}

static unsigned used_index(unsigned level)
{
    return vas[pick(N_VAS)] >> (12 + (level - 1) * index_bits()) & ((1u << index_bits()) - 1);
}

/* Which level a table is used at is for the walk to say: an entry is made for any of them. */
static void change_an_entry(unsigned n)
{
    unsigned level = 1 + pick(mode->top), table = pick(N_TABLES), index = used_index(level);
    gpa_t at = entry_gpa(TABLES + table, index);

    /* the roots keep the window; PAE's has a table of its own */
    if (mode->levels != 3 && at >= entry_gpa(TABLES + table, window_index(mode->top)) &&
        at < entry_gpa(TABLES + table, window_index(mode->top) + 8))
        return;
    store(n, at, random_entry(level), entry_size());
    if (!pick(30)) { /* a byte somewhere in it */
        at += pick(entry_size());
        store(n, at, pick(256), 1);
    }
}

/* ---- against the walk ---- */

static void *entry(void *opaque, gpa_t gpa, bool *writable)
{
    (void)opaque;
    *writable = gpa < RAM_PAGES * PAGE_SIZE;
    if (*writable)
        return ram + gpa;
    if (gpa >> PAGE_SHIFT >= ROM_GFN && gpa >> PAGE_SHIFT < ROM_GFN + ROM_PAGES)
        return rom + (gpa - (gpa_t)ROM_GFN * PAGE_SIZE);
    return NULL;
}

static void check_va(unsigned n, gva_t va)
{
    const struct walk_memory mem = {.entry = entry};
    unsigned access = pick(6); /* read, write or execute, as supervisor or (from 3) as user */
    struct shadow_xlat x;
    struct guest_walk w;
    uint32_t error = 0;
    bool want, got;

    access = access % 3 | (access >= 3 ? WALK_USER : 0);
    /* what a probe says before is what a translation must say, with A and D besides */
    want = guest_walk(&vcpu[n]->paging, &mem, va, access | WALK_PROBE, &w);
    got = shadow_translate(vcpu[n], va, access, &x, &error);
    if (want != got || (!got && error != w.error) ||
        (got && x.gpa != (w.gfn << PAGE_SHIFT | (va & ~PAGE_MASK))))
        fail_msg("%s: vcpu %u, va %llx, access %x: walk %d %x %llx, shadow %d %x %llx", mode->name,
                 n, (unsigned long long)va, access, want, w.error, (unsigned long long)w.gfn, got,
                 error, (unsigned long long)x.gpa);
    if (!got)
        return;
    guest_walk(&vcpu[n]->paging, &mem, va, access | WALK_PROBE, &w);
    assert_true(w.gpte[w.level - 1] & GPTE_A || (access & WALK_PROBE) || w.gfn >= RAM_PAGES ||
                entry(NULL, w.gpte_gpa[w.level - 1], &want) >= (void *)rom);
    if (x.writable) {
        if (!w.dirty || (w.gfn >= ROM_GFN && w.gfn < ROM_GFN + ROM_PAGES))
            fail_msg("%s: va %llx, access %x: writable; level %u entry %llx at %llx", mode->name,
                     (unsigned long long)va, access, w.level,
                     (unsigned long long)w.gpte[w.level - 1],
                     (unsigned long long)w.gpte_gpa[w.level - 1]);
        assert_true(guest_walk_permits(&vcpu[n]->paging, w.rights[w.level - 1], w.pkey,
                                       access | WALK_WRITE));
    }
    tlb_fill(n, va, access & WALK_USER, &x);
}

/* Many entries of a leaf table that is in use, as when a process is mapped or copied. */
static void rewrite_a_table(unsigned n)
{
    const struct walk_memory mem = {.entry = entry};

    for (unsigned tries = 0; tries < 16; tries++) {
        struct guest_walk w;

        guest_walk(&vcpu[n]->paging, &mem, vas[pick(N_VAS)], WALK_PROBE, &w);
        if (w.level != 1 || w.table_gfn[0] < TABLES || w.table_gfn[0] >= TABLES + N_TABLES)
            continue;
        for (unsigned k = 0; k < 16; k++) {
            gpa_t at = entry_gpa((unsigned)w.table_gfn[0], used_index(1));

            if (at < entry_gpa((unsigned)w.table_gfn[0], window_index(mode->top)) ||
                at >= entry_gpa((unsigned)w.table_gfn[0], window_index(mode->top) + 8))
                store(n, at, random_entry(1), entry_size());
        }
        return;
    }
}

/* One of the addresses, on one of the first `n` vCPUs. */
static void check_any(unsigned n)
{
    unsigned k = pick(n);

    check_va(k, vas[pick(N_VAS)]);
}

static int vm_new(const struct mode *m, unsigned limit, uint32_t seed)
{
    const struct shadow_world world = {.protect = protect, .pages = pages_of};
    union paging_role features = {.phys_bits = 40, .has_pat = 1, .has_pse36 = 1, .has_gbpages = 1};
    union paging_role role = features;
    struct memslots_change c[2] = {
        {.op = MEMSLOTS_CREATE, .id = 0, .size = RAM_PAGES * PAGE_SIZE},
        {.op = MEMSLOTS_CREATE,
         .id = 1,
         .gpa = (gpa_t)ROM_GFN * PAGE_SIZE,
         .size = ROM_PAGES * PAGE_SIZE,
         .flags = MEMSLOT_READONLY},
    };

    mode = m;
    rnd = g_rand_new_with_seed(seed);
    ram = aligned_alloc(PAGE_SIZE, RAM_PAGES * PAGE_SIZE);
    rom = aligned_alloc(PAGE_SIZE, ROM_PAGES * PAGE_SIZE);
    assert_true(ram && rom);
    memset(ram, 0, RAM_PAGES * PAGE_SIZE);
    memset(rom, 0, ROM_PAGES * PAGE_SIZE);
    c[0].hva = ram;
    c[1].hva = rom;
    slots = memslots_new();
    assert_int_equal(memslots_change_all(slots, c, 2), MEMSLOTS_OK);
    pages[0] = slot_pages_new(0, RAM_PAGES);
    pages[1] = slot_pages_new(ROM_GFN, ROM_PAGES);
    mmu = shadow_mmu_new(slots, &world, features, limit);
    role.levels = m->levels & 7;
    role.pse = role.pge = role.wp = role.nxe = role.smep = 1;
    choose_vas();
    for (unsigned k = 0; k < N_TABLES; k++)
        build_window(TABLES + k);
    for (unsigned n = 0; n < N_VCPUS; n++) {
        vcpu[n] = shadow_vcpu_new(mmu, NULL);
        guest_paging_set_role(&vcpu[n]->paging, role);
        load_cr3(n, n);
    }
    protections = 0;
    return 0;
}

static void vm_free(void)
{
    for (unsigned n = 0; n < N_VCPUS; n++)
        shadow_vcpu_free(vcpu[n]);
    shadow_mmu_free(mmu);
    slot_pages_free(pages[0]);
    slot_pages_free(pages[1]);
    memslots_free(slots);
    free(ram);
    free(rom);
    g_rand_free(rnd);
}

static struct shadow_stats total;

static void add_up(const struct shadow_stats *s)
{
    total.pages_made += s->pages_made;
    total.prefetched += s->prefetched;
    total.tracked_writes += s->tracked_writes;
    total.unsyncs += s->unsyncs;
    total.syncs += s->syncs;
    total.floods += s->floods;
    total.prefetch_hits += s->prefetch_hits;
}

/* It was not all too easy. */
static void check_total(const char *name)
{
    const struct shadow_stats *s = &total;

    if (s->pages_made < 300 || s->prefetched < 120 || s->tracked_writes < 120 || s->unsyncs < 20 ||
        s->syncs < 10 || s->floods < 20 || s->prefetch_hits < 20)
        fail_msg("%s: %llu made, %llu prefetched, %llu hit, %llu writes, %llu unsync, %llu sync, "
                 "%llu floods",
                 name, (unsigned long long)s->pages_made, (unsigned long long)s->prefetched,
                 (unsigned long long)s->prefetch_hits, (unsigned long long)s->tracked_writes,
                 (unsigned long long)s->unsyncs, (unsigned long long)s->syncs,
                 (unsigned long long)s->floods);
}

/* Tables change, the guest says so as it must, and everybody sees what they say. */
static void churn(const struct mode *m, unsigned limit, uint32_t seed, unsigned rounds)
{
    vm_new(m, limit, seed);
    for (unsigned round = 0; round < rounds; round++) {
        unsigned n = pick(N_VCPUS);

        for (unsigned k = pick(6); k > 0; k--)
            change_an_entry(n);
        if (round % 3 == 0)
            rewrite_a_table(n);
        /* a flush everywhere, as by IPIs */
        for (unsigned k = 0; k < N_VCPUS; k++)
            load_cr3(k, pick(4) ? k : pick(N_TABLES));
        for (unsigned k = pick(24); k > 0; k--)
            check_any(N_VCPUS);
        if (round % 8 == 0)
            shadow_audit(mmu);
    }
    shadow_audit(mmu);
    if (limit > 100)
        add_up(&mmu->stats);
    else
        assert_true(mmu->stats.pages_evicted > 10);
    vm_free();
}

static void test_churn(void **state)
{
    (void)state;
    for (unsigned k = 0; k < sizeof(modes) / sizeof(modes[0]); k++) {
        total = (struct shadow_stats){0};
        for (uint32_t seed = 1; seed <= 6; seed++)
            churn(&modes[k], 1000, seed, 300);
        check_total(modes[k].name);
    }
}

/* One leaf entry changes and INVLPG says so: that address is right at once, on every vCPU. */
static void invlpg(const struct mode *m, uint32_t seed)
{
    const struct walk_memory mem = {.entry = entry};
    unsigned changed = 0;

    vm_new(m, 1000, seed);
    for (unsigned k = 0; k < 2000; k++)
        change_an_entry(0);
    for (unsigned round = 0; round < 3000; round++) {
        gva_t va = vas[pick(N_VAS)];
        unsigned n = pick(N_VCPUS);
        struct shadow_xlat x;
        struct guest_walk w;
        uint32_t error;

        if (round % 4 == 0) {
            unsigned root = pick(N_TABLES);

            load_cr3(0, root);
            load_cr3(1, root);
        }
        if (!guest_walk(&vcpu[n]->paging, &mem, va, WALK_PROBE, &w) || w.level != 1 ||
            w.table_gfn[0] < TABLES || w.table_gfn[0] >= TABLES + N_TABLES ||
            w.table_gfn[0] == w.table_gfn[1])
            continue;
        for (unsigned k = 0; k < N_VCPUS; k++) /* may be stale by an alias, and then stays so */
            shadow_translate(vcpu[k], va, pick(2), &x, &error);
        store(n, w.gpte_gpa[0], random_entry(1), entry_size());
        for (unsigned k = 0; k < N_VCPUS; k++) {
            shadow_invlpg(vcpu[k], va);
            tlb[k][(va >> PAGE_SHIFT) % TLB_MODEL].valid = false;
        }
        check_va(0, va);
        check_va(1, va);
        changed++;
    }
    if (changed < 20)
        fail_msg("%s, seed %u: only %u changes", m->name, seed, changed);
    shadow_audit(mmu);
    vm_free();
}

static void test_invlpg(void **state)
{
    (void)state;
    for (unsigned k = 0; k < sizeof(modes) / sizeof(modes[0]); k++) {
        for (uint32_t seed = 1; seed <= 4; seed++)
            invlpg(&modes[k], seed);
    }
}

static void expect_gfn(gva_t va, gfn_t gfn)
{
    struct shadow_xlat x;
    uint32_t error;

    assert_true(shadow_translate(vcpu[0], va, 0, &x, &error));
    assert_int_equal(x.gpa >> PAGE_SHIFT, gfn);
}

static void flush_everywhere(gva_t va)
{
    for (unsigned n = 0; n < N_VCPUS; n++) {
        if (va)
            shadow_invlpg(vcpu[n], va);
        else
            load_cr3(n, 0);
    }
    memset(tlb, 0, sizeof(tlb));
}

/* A middle table has two shadows, for two rights of the entry above, and one is linked at a time. A
 * leaf entry changes and is flushed while the other is linked: the first has missed it, and must
 * not come back as it was. */
static void test_unsync_table_comes_back(void **state)
{
    enum { PDPT = 60, PD, PT, ONE, TWO, THREE };
    const uint64_t all = GPTE_P | GPTE_W | GPTE_U | GPTE_A, less = all & ~(uint64_t)GPTE_W;
    const gva_t va = UINT64_C(1) << 39;
    const gpa_t above = entry_gpa(PDPT, 0);

    (void)state;
    vm_new(&modes[2], 1000, 1);
    poke(entry_gpa(TABLES, 1), PDPT * PAGE_SIZE | all);
    poke(above, PD * PAGE_SIZE | all);
    poke(entry_gpa(PD, 0), PT * PAGE_SIZE | all);
    poke(entry_gpa(PT, 0), ONE * PAGE_SIZE | all);
    poke(entry_gpa(PT, 1), TWO * PAGE_SIZE | all);
    flush_everywhere(0);
    for (unsigned k = 0; k < 2; k++) {
        store(1, above, PD * PAGE_SIZE | (k ? all : less), 8);
        flush_everywhere(0);
        expect_gfn(va, ONE);
        expect_gfn(va + PAGE_SIZE, TWO);
    }
    for (unsigned k = 0; k < 16; k++) /* so often that it is left alone */
        store(1, entry_gpa(PT, 16 + k), TWO * PAGE_SIZE | all, 8);
    assert_true(mmu->stats.unsyncs > 0);
    store(1, entry_gpa(PT, 1), THREE * PAGE_SIZE | all, 8);
    flush_everywhere(va + PAGE_SIZE);
    expect_gfn(va + PAGE_SIZE, THREE);
    store(1, above, PD * PAGE_SIZE | less, 8);
    flush_everywhere(0);
    expect_gfn(va, ONE);
    expect_gfn(va + PAGE_SIZE, THREE);
    shadow_audit(mmu);
    vm_free();
}

/* While slots change nothing is remembered, and afterwards all is made anew. */
static void test_slot_change(void **state)
{
    struct memslots_change c = {.op = MEMSLOTS_DELETE, .id = 1};
    uint64_t made;

    (void)state;
    vm_new(&modes[2], 1000, 5);
    for (unsigned k = 0; k < 400; k++)
        change_an_entry(0);
    for (unsigned k = 0; k < 300; k++)
        check_any(1);
    shadow_begin_change(mmu);
    assert_int_equal(mmu->used, 0);
    made = mmu->stats.pages_made;
    for (unsigned k = 0; k < 100; k++)
        check_any(1);
    assert_int_equal(mmu->stats.pages_made, made);
    assert_int_equal(memslots_change(slots, &c), MEMSLOTS_OK);
    memset(tlb, 0, sizeof(tlb));
    shadow_end_change(mmu);
    for (unsigned k = 0; k < 100; k++) {
        uint32_t error;
        struct shadow_xlat x;

        shadow_translate(vcpu[0], vas[pick(N_VAS)], 0, &x, &error);
    }
    assert_true(mmu->stats.pages_made > made);
    shadow_audit(mmu);
    vm_free();
}

static unsigned mapped_by(gfn_t gfn)
{
    const struct slot_pages *p = pages[memslots_find(slots, gfn)->id];
    unsigned n = 0;

    for (unsigned level = 1; level <= SLOT_LEVELS; level++) {
        struct pte_list_iter iter;

        for (spte_t *s = pte_list_first(slot_rmap(p, gfn, level), &iter); s;
             s = pte_list_next(&iter))
            n++;
    }
    return n;
}

static unsigned mapped_frames(void)
{
    unsigned n = 0;

    for (gfn_t gfn = 0; gfn < RAM_PAGES; gfn++)
        n += mapped_by(gfn) != 0;
    return n;
}

/* A few frames are about to be others: what maps them goes and does not come back meanwhile; no
 * table goes, and what maps the others stays. */
static void drop_some(bool neighbours)
{
    gfn_t gfn[40];
    unsigned before = mapped_frames(), used = mmu->used, were = 0, k;

    for (k = 0; k < ARRAY_SIZE(gfn) - 2; k++)
        gfn[k] = neighbours ? TABLES + N_TABLES + k : pick(RAM_PAGES);
    gfn[k++] = RAM_PAGES; /* nobody's */
    gfn[k] = ~UINT64_C(0) >> PAGE_SHIFT;
    for (k = 0; k < ARRAY_SIZE(gfn) - 2; k++)
        were += mapped_by(gfn[k]) != 0;
    shadow_begin_drop(mmu, gfn, ARRAY_SIZE(gfn));
    assert_int_equal(mmu->used, used);
    memset(tlb, 0, sizeof(tlb));
    for (k = 0; k < 100; k++)
        check_any(1);
    for (k = 0; k < ARRAY_SIZE(gfn) - 2; k++)
        assert_int_equal(mapped_by(gfn[k]), 0);
    shadow_end_change(mmu);
    if (mapped_frames() > before || (before > 600 && mapped_frames() + 512 * were + 40 < before))
        fail_msg("%u frames were mapped, %u of which should go, and %u are", before, were,
                 mapped_frames());
    shadow_audit(mmu);
}

static void test_drop(void **state)
{
    (void)state;
    for (unsigned m = 0; m < ARRAY_SIZE(modes); m++) {
        unsigned remapped = 0;

        vm_new(&modes[m], 1000, 21 + m);
        for (unsigned round = 0; round < 40; round++) {
            for (unsigned k = 0; k < 20; k++)
                change_an_entry(0);
            for (unsigned k = 0; k < N_VCPUS; k++)
                load_cr3(k, k);
            for (unsigned k = 0; k < 150; k++)
                check_any(N_VCPUS);
            drop_some(round % 2);
            for (unsigned k = 0; k < 150; k++)
                check_any(N_VCPUS);
            remapped += mapped_frames();
        }
        assert_true(remapped > 0);
        vm_free();
    }
}

static void test_churn_with_few_pages(void **state)
{
    (void)state;
    for (unsigned k = 0; k < sizeof(modes) / sizeof(modes[0]); k++)
        churn(&modes[k], 12, 77, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_churn),
        cmocka_unit_test(test_invlpg),
        cmocka_unit_test(test_unsync_table_comes_back),
        cmocka_unit_test(test_slot_change),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_churn_with_few_pages),
    };
    return unit_main(tests);
}
