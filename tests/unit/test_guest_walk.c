/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest walk (cpu/mmu_shadow/guest_walk.h) in every paging mode: what it finds, what it
 * remembers, which faults with which error codes, rights and keys against the manual's rules
 * written out once more, A and D, entries that change under it (mail 002: the walk runs outside the
 * lock, so somebody may).
 */
#include "tests/unit/unit.h"

#include "base/bits.h"
#include "cpu/mmu_shadow/guest_walk.h"
#include "cpu/x86.h"

#define PAGES  64u
#define TABLES 8u /* the first tables' frame; table of level n of the path is TABLES + n */
#define TARGET UINT64_C(0x123456) /* the frame that the path leads to, where there is no memory */

static uint8_t ram[PAGES * PAGE_SIZE];
static bool rom;              /* all of it is */
static unsigned change_after; /* reads until `change` is made: 0 never */
static void (*change)(void);

static void *entry(void *opaque, gpa_t gpa, bool *writable)
{
    (void)opaque;
    if (change_after && !--change_after)
        change();
    *writable = !rom;
    return gpa < sizeof(ram) ? ram + gpa : NULL;
}

static const struct walk_memory memory = {.entry = entry};

struct mode {
    const char *name;
    unsigned levels, top; /* top: of entries in memory */
    unsigned large;       /* highest level of a leaf */
    gva_t va;
};

static const struct mode modes[] = {
    {"32-bit", 2, 2, 2, 0xc1234567},
    {"PAE", 3, 2, 2, 0xc1234567},
    {"4-level", 4, 4, 3, UINT64_C(0xffff812345678abc)},
    {"5-level", 5, 5, 3, UINT64_C(0xff12345678abcdef)},
};

static struct guest_paging paging;
static const struct mode *mode;

static unsigned index_bits(void)
{
    return mode->levels == 2 ? 10 : 9;
}

static gpa_t place(unsigned level)
{
    unsigned size = mode->levels == 2 ? 4 : 8;
    uint64_t index = mode->va >> (12 + (level - 1) * index_bits()) & ((1u << index_bits()) - 1);

    return (gpa_t)(TABLES + level) * PAGE_SIZE + index * size;
}

static uint64_t get(unsigned level)
{
    return mode->levels == 2 ? ld_le32(ram + place(level)) : ld_le64(ram + place(level));
}

static void put(unsigned level, uint64_t e)
{
    if (mode->levels == 2)
        st_le32(ram + place(level), (uint32_t)e);
    else
        st_le64(ram + place(level), e);
}

/* The mode with everything on, and a path of full rights to a leaf of this level. */
static void build(const struct mode *m, unsigned leaf)
{
    union paging_role role = {.levels = m->levels & 7,
                              .phys_bits = 40,
                              .pse = 1,
                              .has_pat = 1,
                              .has_pse36 = 1,
                              .has_gbpages = 1,
                              .pge = 1,
                              .wp = 1,
                              .nxe = 1};

    mode = m;
    memset(ram, 0, sizeof(ram));
    rom = false;
    change_after = 0;
    paging = (struct guest_paging){.a20_mask = ~UINT64_C(0)};
    guest_paging_set_role(&paging, role);
    paging.cr3 = (uint64_t)(TABLES + m->top) * PAGE_SIZE;
    paging.pdpte[m->va >> 30 & 3] = (uint64_t)(TABLES + 2) * PAGE_SIZE | GPTE_P;
    for (unsigned level = m->top; level > leaf; level--)
        put(level, (uint64_t)(TABLES + level - 1) * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_U);
    if (leaf > 1) {
        unsigned shift = 12 + (leaf - 1) * index_bits();

        put(leaf, (TARGET << 12 >> shift << shift) | GPTE_P | GPTE_W | GPTE_U | GPTE_PS);
        if (m->levels == 2) /* frame bits above 31 by PSE-36 */
            put(leaf, ((TARGET << 12) & 0xffc00000u) | ((TARGET >> 20 & 0xff) << 13) | GPTE_P |
                          GPTE_W | GPTE_U | GPTE_PS);
    } else {
        put(1, ((TARGET << 12) & (m->levels == 2 ? 0xfffff000u : ~UINT64_C(0))) | GPTE_P | GPTE_W |
                   GPTE_U);
    }
}

/* Calls fn for each mode and each level that a leaf of it may have. */
static void each(void (*fn)(unsigned leaf))
{
    for (unsigned k = 0; k < sizeof(modes) / sizeof(modes[0]); k++) {
        for (unsigned leaf = 1; leaf <= modes[k].large; leaf++) {
            build(&modes[k], leaf);
            fn(leaf);
        }
    }
}

static gfn_t expected_gfn(unsigned leaf)
{
    unsigned low = (leaf - 1) * index_bits();

    if (mode->levels == 2 && leaf == 1) /* frames of 20 bits */
        return TARGET & 0xfffff;
    return (TARGET >> low << low) | ((mode->va >> 12) & ((UINT64_C(1) << low) - 1));
}

static void finds(unsigned leaf)
{
    struct guest_walk w;

    assert_true(guest_walk(&paging, &memory, mode->va, WALK_WRITE | WALK_USER, &w));
    assert_int_equal(w.top, mode->top);
    assert_int_equal(w.level, leaf);
    assert_true(w.gfn == expected_gfn(leaf));
    assert_true(w.dirty && !w.global && !w.pkey);
    for (unsigned level = leaf; level <= mode->top; level++) {
        assert_true(w.gpte_gpa[level - 1] == place(level));
        assert_true(w.table_gfn[level - 1] == TABLES + level);
        assert_true(w.gpte[level - 1] == get(level));
        assert_int_equal(get(level) & (GPTE_A | GPTE_D), GPTE_A | (level == leaf ? GPTE_D : 0));
        assert_int_equal(w.rights[level - 1], RIGHT_ALL);
    }
    put(leaf, get(leaf) | GPTE_G);
    assert_true(guest_walk(&paging, &memory, mode->va, 0, &w));
    assert_true(w.global);
}

static void test_finds(void **state)
{
    (void)state;
    each(finds);
}

static void touches_nothing(unsigned leaf)
{
    struct guest_walk w;

    assert_true(guest_walk(&paging, &memory, mode->va, WALK_PROBE, &w));
    assert_false(w.dirty);
    for (unsigned level = leaf; level <= mode->top; level++)
        assert_int_equal(get(level) & (GPTE_A | GPTE_D), 0);
    rom = true;
    assert_true(guest_walk(&paging, &memory, mode->va, WALK_WRITE, &w));
    assert_false(w.dirty); /* ROM drops the bits */
    for (unsigned level = leaf; level <= mode->top; level++)
        assert_int_equal(get(level) & (GPTE_A | GPTE_D), 0);
    rom = false;
    put(leaf, get(leaf) & ~GPTE_W); /* a walk that faults sets nothing */
    assert_false(guest_walk(&paging, &memory, mode->va, WALK_WRITE | WALK_USER, &w));
    for (unsigned level = leaf; level <= mode->top; level++)
        assert_int_equal(get(level) & (GPTE_A | GPTE_D), 0);
}

static void test_touches_nothing(void **state)
{
    (void)state;
    each(touches_nothing);
}

static void not_present(unsigned leaf)
{
    struct guest_walk w;

    for (unsigned level = leaf; level <= mode->top; level++) {
        uint64_t e = get(level);

        put(level, e & ~GPTE_P);
        for (unsigned access = 0; access < 8; access++) {
            uint32_t want = (access & WALK_WRITE ? PF_W : 0) | (access & WALK_USER ? PF_U : 0);

            if ((access & WALK_EXEC) && mode->levels > 2)
                want |= PF_I;
            if ((access & (WALK_WRITE | WALK_EXEC)) == (WALK_WRITE | WALK_EXEC))
                continue;
            assert_false(guest_walk(&paging, &memory, mode->va, access, &w));
            assert_int_equal(w.error, want);
            assert_int_equal(w.level, level);
        }
        put(level, e);
    }
}

static void test_not_present(void **state)
{
    struct guest_walk w;

    (void)state;
    each(not_present);
    build(&modes[1], 1);
    paging.pdpte[mode->va >> 30 & 3] &= ~GPTE_P;
    assert_false(guest_walk(&paging, &memory, mode->va, WALK_WRITE, &w));
    assert_int_equal(w.error, PF_W);
    build(&modes[2], 1); /* a table where there is no memory: all ones, reserved bits among them */
    put(3, UINT64_C(0x10000000) | GPTE_P);
    assert_false(guest_walk(&paging, &memory, mode->va, 0, &w));
    assert_int_equal(w.error, PF_P | PF_RSVD);
}

/* 4.3, 4.4, 4.5 (tables 4-4 to 4-20), as a list of bits. */
static bool is_reserved(unsigned level, bool leaf, unsigned bit)
{
    union paging_role role = paging.role;

    if (role.levels == 2) {
        if (level == 1)
            return bit == 7 && role.pse && !role.has_pat;
        if (!leaf)
            return false;
        if (bit == 12)
            return !role.has_pat;
        if (bit == 21 || (bit >= 13 && bit <= 20 && !role.has_pse36))
            return true;
        return bit >= 13 && bit <= 20 && bit - 13 + 32 >= role.phys_bits;
    }
    if (bit == 63)
        return !role.nxe;
    if (bit >= 52)
        return role.levels == 3;
    if (bit >= role.phys_bits)
        return true;
    if (bit == 7)
        return level >= 4 || (level == 3 && !role.has_gbpages);
    return leaf && level > 1 && bit >= 13 && bit < 12 + 9 * (level - 1);
}

static void reserved(unsigned leaf)
{
    struct guest_walk w;

    for (unsigned level = leaf; level <= mode->top; level++) {
        uint64_t e = get(level);

        for (unsigned bit = 3; bit < (mode->levels == 2 ? 32 : 64); bit++) {
            bool in_frame = level > leaf ? bit >= 12 && bit < paging.role.phys_bits : bit >= 12;
            bool want = is_reserved(level, level == leaf, bit);

            if (bit == 7 && !want) /* would make another kind of entry */
                continue;
            if (in_frame && !want && level > leaf) /* would lead elsewhere */
                continue;
            if (e >> bit & 1)
                continue;
            put(level, e | UINT64_C(1) << bit);
            assert_int_equal(guest_walk(&paging, &memory, mode->va, 0, &w), !want);
            if (want)
                assert_int_equal(w.error, PF_P | PF_RSVD);
        }
        put(level, e);
    }
}

static void test_reserved(void **state)
{
    (void)state;
    for (unsigned k = 0; k < sizeof(modes) / sizeof(modes[0]); k++) {
        for (unsigned has = 0; has < 16; has++) {
            for (unsigned leaf = 1; leaf <= modes[k].large; leaf++) {
                union paging_role role;

                build(&modes[k], leaf);
                role = paging.role;
                role.has_pat = has & 1;
                role.has_pse36 = has >> 1 & 1;
                role.has_gbpages = has >> 2 & 1;
                role.nxe = has >> 3;
                role.phys_bits = has & 4 ? 36 : 40;
                guest_paging_set_role(&paging, role);
                if (leaf == 3 && !role.has_gbpages && role.levels >= 4)
                    continue;
                if (leaf == 2 && role.levels == 2)
                    put(2, get(2) & ~UINT64_C(0x3fe000));
                if (role.phys_bits == 36)
                    put(leaf, get(leaf) & ~(UINT64_C(0xf) << 36));
                reserved(leaf);
            }
        }
    }
}

/* ---- rights: 4.6 once more ---- */

struct situation {
    bool user, write, exec, ac;
    bool page_u, page_w, page_x;
    bool wp, smep, smap, pke;
    unsigned pkru; /* of the page's key: AD, WD */
};

static bool may(const struct situation *s)
{
    bool x = s->page_x;

    if (s->exec)
        return s->user ? s->page_u && x : x && !(s->page_u && s->smep);
    if (s->user && !s->page_u)
        return false;
    if (!s->user && s->page_u && s->smap && !s->ac)
        return false;
    if (s->write && !s->page_w && (s->user || s->wp))
        return false;
    return true;
}

static bool key_forbids(const struct situation *s)
{
    if (!s->pke || !s->page_u || s->exec)
        return false;
    return (s->pkru & 1) || ((s->pkru & 2) && s->write && (s->user || s->wp));
}

static void check_rights(unsigned leaf, unsigned taker, unsigned bits)
{
    struct situation s = {.user = bits & 1,
                          .write = bits & 2,
                          .exec = bits & 4,
                          .ac = bits & 8,
                          .page_u = bits & 16,
                          .page_w = bits & 32,
                          .page_x = bits & 64,
                          .wp = bits & 128,
                          .smep = bits & 256,
                          .smap = bits & 512,
                          .pke = bits & 1024,
                          .pkru = bits >> 11 & 3};
    unsigned access = (s.user ? WALK_USER : 0) | (s.write ? WALK_WRITE : 0) |
                      (s.exec ? WALK_EXEC : 0) | (s.ac ? WALK_AC : 0);
    union paging_role role = paging.role;
    uint64_t e = get(taker), key = mode->levels >= 4 ? UINT64_C(5) << 59 : 0;
    uint64_t leaf_entry = get(leaf);
    struct guest_walk w;
    bool ok;

    if (s.write && s.exec)
        return;
    if (mode->levels == 2 && !s.page_x)
        return; /* no NX there */
    if (!key)
        s.pke = false;
    role.wp = s.wp;
    role.smep = s.smep;
    role.smap = s.smap;
    role.pke = s.pke;
    guest_paging_set_role(&paging, role);
    paging.pkru = s.pkru << 10;
    put(leaf, leaf_entry | key);
    put(taker, (get(taker) & ~(GPTE_U | GPTE_W)) | (s.page_u ? GPTE_U : 0) |
                   (s.page_w ? GPTE_W : 0) | (s.page_x ? 0 : GPTE_NX));
    ok = guest_walk(&paging, &memory, mode->va, access, &w);
    if (ok != (may(&s) && !key_forbids(&s)))
        fail_msg("%s, leaf %u, level %u takes away: bits %x", mode->name, leaf, taker, bits);
    if (!ok) {
        uint32_t want = PF_P | (s.write ? PF_W : 0) | (s.user ? PF_U : 0);

        if (s.exec && (s.smep || mode->levels > 2))
            want |= PF_I;
        if (key_forbids(&s))
            want |= PF_PK;
        assert_int_equal(w.error, want);
    } else {
        assert_int_equal(w.rights[leaf - 1], (s.page_u ? RIGHT_U : 0) | (s.page_w ? RIGHT_W : 0) |
                                                 (s.page_x ? RIGHT_X : 0));
    }
    put(leaf, leaf_entry);
    put(taker, e);
}

static void rights(unsigned leaf)
{
    for (unsigned taker = leaf; taker <= mode->top; taker++) {
        for (unsigned bits = 0; bits < 1u << 13; bits++)
            check_rights(leaf, taker, bits);
    }
}

static void test_rights(void **state)
{
    (void)state;
    each(rights);
}

/* ---- an entry that changes between its reading and its A bit ---- */

#define OTHER 20u /* frame of another last-level table */

static void take_right_away(void)
{
    put(2, get(2) & ~GPTE_W);
}

static void point_elsewhere(void)
{
    put(2, (get(2) & UINT64_C(0xfff)) | (uint64_t)OTHER * PAGE_SIZE);
}

/* The change comes as the leaf is looked for, when the entry above it has been read. */
static void test_mail002_entry_changes_before_accessed_is_set(void **state)
{
    struct guest_walk w;

    (void)state;
    for (unsigned k = 0; k < sizeof(modes) / sizeof(modes[0]); k++) {
        gpa_t other;

        build(&modes[k], 1);
        change = take_right_away;
        change_after = mode->top;
        assert_false(guest_walk(&paging, &memory, mode->va, WALK_WRITE | WALK_USER, &w));
        assert_int_equal(w.error, PF_P | PF_W | PF_U);
        assert_int_equal(get(1) & (GPTE_A | GPTE_D), 0);

        build(&modes[k], 1);
        other = place(1) + (OTHER - TABLES - 1) * PAGE_SIZE;
        ram[other] = GPTE_P | GPTE_U;
        ram[other + 1] = 0x70; /* frame 7 */
        change = point_elsewhere;
        change_after = mode->top;
        assert_true(guest_walk(&paging, &memory, mode->va, 0, &w));
        assert_true(w.gfn == 7);
        assert_true(w.gpte_gpa[0] == other);
        assert_true(w.gpte[1] == get(2));
        assert_int_equal(get(1) & GPTE_A, 0); /* the table that it no longer uses */
        assert_int_equal(ram[other] & GPTE_A, GPTE_A);
    }
}

static void test_a20(void **state)
{
    struct guest_walk w;

    (void)state;
    build(&modes[0], 1);
    put(1, (get(1) & 0xfff) | 0x345000);
    paging.a20_mask = ~UINT64_C(0x100000);
    paging.cr3 |= 0x100000; /* comes out where it was without bit 20 */
    assert_true(guest_walk(&paging, &memory, mode->va, 0, &w));
    assert_true(w.gfn == 0x245);
    assert_true(w.table_gfn[1] == TABLES + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds),
        cmocka_unit_test(test_touches_nothing),
        cmocka_unit_test(test_not_present),
        cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_mail002_entry_changes_before_accessed_is_set),
        cmocka_unit_test(test_a20),
    };
    return unit_main(tests);
}
