/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The board's memory (machine/memory.h): RAM around the PCI hole for every size, the firmware
 * image, PAM segments, SMRAM and BARs, each a memory slot of its own; and DMA over it
 * (devices/dma.h, cpu/mmu_shadow/memslots.h). */
#include "cpu/mmu_shadow/page_track.h"
#include "tests/unit/unit.h"

#include <glib.h>

#include "base/bits.h"
#include "base/error.h"
#include "devices/dma.h"
#include "machine/memory.h"

#define MIB    (UINT64_C(1) << 20)
#define GIB    (UINT64_C(1) << 30)
#define FOUR_G (UINT64_C(4) << 30)

static struct memory m;

static void make(uint64_t size)
{
    GError *err = NULL;

    if (!memory_init(&m, size, &err))
        fail_msg("%s", err->message);
}

static int teardown(void **state)
{
    (void)state;
    memory_destroy(&m);
    return 0;
}

/* What a guest's read of a byte sees: -1 for the bus. */
static int peek(uint64_t gpa)
{
    const uint8_t *p = memslots_ptr(m.slots, gpa);

    return p ? *p : -1;
}

/* A guest's write of a byte, as the CPU does it: true if it went into RAM. */
static bool poke(uint64_t gpa, uint8_t val)
{
    const struct memslot *s = memslots_find(m.slots, gpa >> PAGE_SHIFT);

    if (!s || memslot_readonly(s))
        return false;
    *memslot_hva(s, gpa) = val;
    return true;
}

/* RAM fills exactly [from, to), whose two ends hold different bytes of it. */
static void expect_ram(uint64_t from, uint64_t to)
{
    assert_true(poke(from, 0x11));
    assert_true(poke(to - 1, 0x22));
    assert_int_equal(peek(from), 0x11);
    assert_int_equal(peek(to - 1), 0x22);
    assert_int_equal(peek(to), -1);
    assert_true(!from || peek(from - 1) == -1);
}

static void test_ram_sizes(void **state)
{
    static const uint64_t sizes[] = {
        1 * MIB, 2 * MIB,       3 * MIB, 640 * MIB,         3 * GIB - MIB,
        3 * GIB, 3 * GIB + MIB, 4 * GIB, 5 * GIB + 7 * MIB, 64 * GIB,
    };

    (void)state;
    for (unsigned k = 0; k < G_N_ELEMENTS(sizes); k++) {
        uint64_t low = MIN(sizes[k], 3 * GIB), high = sizes[k] - low;

        make(sizes[k]);
        assert_true(m.ram.low_size == low && m.ram.high_size == high);
        expect_ram(0, 0xa0000);
        if (low > MIB)
            expect_ram(MIB, low);
        assert_int_equal(peek(low == MIB ? MIB : low), -1); /* the PCI hole */
        assert_int_equal(peek(FOUR_G - 1), -1);
        if (high)
            expect_ram(FOUR_G, FOUR_G + high);
        else
            assert_int_equal(peek(FOUR_G), -1);
        /* the loader's view of it is the same memory */
        assert_ptr_equal(guest_ram_at(&m.ram, 0x1234, 1), memslots_ptr(m.slots, 0x1234));
        assert_ptr_equal(guest_ram_at(&m.ram, FOUR_G, 1), memslots_ptr(m.slots, FOUR_G));
        assert_ptr_equal(guest_ram_at(&m.ram, FOUR_G + high - 1, 1),
                         high ? memslots_ptr(m.slots, FOUR_G + high - 1) : NULL);
        memory_destroy(&m);
    }
    memory_destroy(&m); /* again: no effect */
}

/* What the host cannot give is an error in words. */
static void test_too_much(void **state)
{
    GError *err = NULL;

    (void)state;
    assert_false(memory_init(&m, UINT64_C(1) << 50, &err));
    assert_true(g_error_matches(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST));
    assert_non_null(strstr(err->message, "1073741824 MiB"));
    g_clear_error(&err);
}

/* A firmware image whose every 4 KiB page begins with its number. */
static uint8_t *image(uint64_t size)
{
    uint8_t *p = g_malloc0(size);

    for (uint64_t k = 0; k < size; k += 4096)
        st_le16(p + k, (uint16_t)(k >> 12));
    return p;
}

static void expect_page(uint64_t gpa, unsigned page)
{
    const uint8_t *p = memslots_ptr(m.slots, gpa);

    assert_non_null(p);
    assert_int_equal(ld_le16(p), page);
    assert_false(poke(gpa, 0xee));
}

static void set_bios(uint64_t size)
{
    uint8_t *p = image(size);

    make(4 * MIB);
    memory_set_bios(&m, p, size);
    g_free(p); /* it was copied */
    /* as a host bridge out of reset says: all is ROM */
    memory_pam(&m, 0xf0000, 0x10000, false, false);
    for (uint32_t at = 0xc0000; at < 0xf0000; at += 0x4000)
        memory_pam(&m, at, 0x4000, false, false);
}

static void test_bios_sizes(void **state)
{
    static const uint64_t sizes[] = {0x10000, 0x20000, 0x30000, 0x40000, 16 * MIB};

    (void)state;
    for (unsigned k = 0; k < G_N_ELEMENTS(sizes); k++) {
        unsigned pages = (unsigned)(sizes[k] >> 12);
        uint64_t shown = MIN(sizes[k], 0x20000);

        set_bios(sizes[k]);
        for (unsigned n = 0; n < pages; n += 5)
            expect_page(FOUR_G - sizes[k] + ((uint64_t)n << 12), n);
        expect_page(FOUR_G - 4096, pages - 1);
        assert_int_equal(peek(FOUR_G - sizes[k] - 1), -1);
        expect_page(MIB - 4096, pages - 1);
        expect_page(MIB - shown, pages - (unsigned)(shown >> 12));
        assert_int_equal(peek(MIB - shown - 1), -1);
        assert_int_equal(peek(0xc0000), -1);
        memory_destroy(&m);
    }
}

static void test_pam(void **state)
{
    (void)state;
    set_bios(0x40000);
    /* shadowing as firmware does it: RAM for both, filled, then write-protected */
    memory_pam(&m, 0xf0000, 0x10000, true, true);
    assert_true(poke(0xf0000, 0x5a));
    assert_true(poke(0xfffff, 0xa5));
    expect_page(0xef000, 0x2f); /* its neighbour is as it was */
    memory_pam(&m, 0xf0000, 0x10000, true, false);
    assert_int_equal(peek(0xf0000), 0x5a);
    assert_false(poke(0xf0000, 0));
    /* reads from ROM, writes to RAM: goes by the reads, writes are lost */
    memory_pam(&m, 0xf0000, 0x10000, false, true);
    expect_page(0xf0000, 0x30);
    /* the RAM below still has what was written */
    memory_pam(&m, 0xf0000, 0x10000, true, true);
    assert_int_equal(peek(0xf0000), 0x5a);
    assert_int_equal(peek(0xfffff), 0xa5);
    assert_int_equal(ld_le16(guest_ram_at(&m.ram, 0xf0000, 2)), 0x5a);
    /* a segment behind which there is no ROM: the bus, or RAM */
    memory_pam(&m, 0xc8000, 0x4000, true, true);
    assert_true(poke(0xc8000, 7) && poke(0xcbfff, 8));
    assert_int_equal(peek(0xc7fff), -1);
    assert_int_equal(peek(0xcc000), -1);
    memory_pam(&m, 0xc8000, 0x4000, false, false);
    assert_int_equal(peek(0xc8000), -1);
    /* the high mapping was never touched */
    expect_page(FOUR_G - 0x10000, 0x30);
}

/* Every segment in every state, one after the other: each is alone, and nothing runs out. */
static void test_all_pam_states(void **state)
{
    (void)state;
    set_bios(0x40000);
    for (unsigned round = 0; round < 64; round++) {
        for (unsigned seg = 0; seg < 13; seg++) {
            uint32_t at = seg == 12 ? 0xf0000 : 0xc0000 + seg * 0x4000;
            uint32_t len = seg == 12 ? 0x10000 : 0x4000;
            unsigned how = (round + seg * 7) % 4;
            bool rom = at >= 0xe0000;
            bool reads = how & 1, writes = how & 2;

            memory_pam(&m, at, len, reads, writes);
            assert_int_equal(poke(at, (uint8_t)seg), reads && writes);
            assert_int_equal(poke(at + len - 1, (uint8_t)seg), reads && writes);
            assert_int_equal(peek(at) >= 0, reads || rom);
            if (reads)
                assert_ptr_equal(memslots_ptr(m.slots, at), m.ram.low + at);
        }
    }
}

/* 82441FX, SMRAM register: the window is the adapter's unless it is open, or enabled and the CPU in
 * SMM. */
static void test_smram(void **state)
{
    (void)state;
    make(4 * MIB);
    for (unsigned k = 0; k < 64; k++) {
        bool open = k & 1, enabled = k & 2, smm = k & 4, smm_first = k & 8;
        bool shown = open || (enabled && smm);

        if (smm_first)
            memory_set_smm(&m, smm);
        memory_smram(&m, open, enabled);
        memory_set_smm(&m, smm);
        assert_int_equal(peek(0xa0000) >= 0, shown);
        assert_int_equal(peek(0xbffff) >= 0, shown);
        assert_true(peek(0x9ffff) >= 0);
        assert_int_equal(peek(0xc0000), -1);
        if (shown)
            assert_ptr_equal(memslots_ptr(m.slots, 0xa8000), m.ram.low + 0xa8000);
    }
    memory_smram(&m, true, true);
    assert_true(poke(0xa8000, 0x77));
    memory_smram(&m, false, true);
    memory_set_smm(&m, false);
    assert_int_equal(peek(0xa8000), -1);
    memory_set_smm(&m, true);
    assert_int_equal(peek(0xa8000), 0x77);
}

/* ---- slots ---- */

static int slot_at(uint64_t gpa)
{
    const struct memslot *s = memslots_find(m.slots, gpa >> PAGE_SHIFT);

    return s ? s->id : -1;
}

/* Every part of the board is the slot of its name. */
static void test_slot_ids(void **state)
{
    uint8_t *rom = image(0x20000);

    (void)state;
    make(5 * GIB);
    memory_set_bios(&m, rom, 0x20000);
    g_free(rom);
    memory_smram(&m, true, true);
    for (unsigned seg = 0; seg < MEMORY_PAM_SEGMENTS; seg++) {
        uint32_t at = 0xc0000 + seg * 0x4000, len = seg == 12 ? 0x10000 : 0x4000;

        memory_pam(&m, at, len, true, true);
        assert_int_equal(slot_at(at), MEMORY_SLOT_PAM + (int)seg);
        assert_int_equal(slot_at(at + len - 1), MEMORY_SLOT_PAM + (int)seg);
    }
    assert_int_equal(slot_at(0), MEMORY_SLOT_LOW);
    assert_int_equal(slot_at(0x9ffff), MEMORY_SLOT_LOW);
    assert_int_equal(slot_at(0xa0000), MEMORY_SLOT_SMRAM);
    assert_int_equal(slot_at(0xbffff), MEMORY_SLOT_SMRAM);
    assert_int_equal(slot_at(MIB), MEMORY_SLOT_MAIN);
    assert_int_equal(slot_at(3 * GIB - 1), MEMORY_SLOT_MAIN);
    assert_int_equal(slot_at(FOUR_G - 1), MEMORY_SLOT_BIOS);
    assert_int_equal(slot_at(FOUR_G), MEMORY_SLOT_HIGH);
    assert_int_equal(slot_at(6 * GIB - 1), MEMORY_SLOT_HIGH);
    assert_int_equal(memslots_now(m.slots)->used, 5 + MEMORY_PAM_SEGMENTS);
}

static struct {
    unsigned maps;
    bool hole; /* nothing was at 0xf0000 in some generation */
} pam_seen;

static void pam_watched(void *opaque, const struct memslots *was, const struct memslots *now)
{
    (void)opaque, (void)was;
    pam_seen.maps++;
    pam_seen.hole |= !memslots_by_id(now, MEMORY_SLOT_PAM + 12);
}

/* From ROM to RAM and back in one step: who executes there never meets a hole. */
static void test_pam_switches_at_once(void **state)
{
    (void)state;
    set_bios(0x20000);
    memset(&pam_seen, 0, sizeof(pam_seen));
    memslots_set_hooks(m.slots, NULL, pam_watched, NULL);
    memory_pam(&m, 0xf0000, 0x10000, true, true);
    memory_pam(&m, 0xf0000, 0x10000, true, false);
    memory_pam(&m, 0xf0000, 0x10000, false, false);
    assert_int_equal(pam_seen.maps, 3);
    memory_pam(&m, 0xf0000, 0x10000, false, true); /* writes to a ROM are lost all the same */
    assert_int_equal(pam_seen.maps, 3);
    assert_false(pam_seen.hole);
}

static void test_bars(void **state)
{
    static uint8_t fb[4 * 4096] __attribute__((aligned(4096)));
    static uint8_t rom[2 * 4096] __attribute__((aligned(4096)));
    static uint8_t small[4096] __attribute__((aligned(4096)));
    const struct memslot_arch *arch;
    const uint64_t at = 0xe0000000;

    (void)state;
    make(5 * GIB);
    assert_true(memory_bar_map(&m, at, sizeof(fb), fb, false));
    assert_true(memory_bar_map(&m, 0xfeb00000, sizeof(rom), rom, true));
    assert_int_equal(slot_at(at), MEMORY_SLOT_BAR);
    assert_int_equal(slot_at(0xfeb00000), MEMORY_SLOT_BAR + 1);
    assert_true(poke(at + 5, 0x42));
    assert_int_equal(fb[5], 0x42);
    assert_false(poke(0xfeb00000, 1));
    /* moved with what is known about it; or not at all, where something is */
    arch = memslots_find(m.slots, at >> PAGE_SHIFT)->arch;
    assert_true(memory_bar_move(&m, at, at + 0x1000, sizeof(fb)));
    assert_ptr_equal(memslots_find(m.slots, (at >> PAGE_SHIFT) + 1)->arch, arch);
    assert_int_equal(peek(at), -1);
    assert_int_equal(peek(at + 0x1005), 0x42);
    assert_false(memory_bar_move(&m, at + 0x1000, 0xfeb00000, sizeof(fb)));
    assert_false(memory_bar_move(&m, at + 0x1000, 3 * GIB - 0x1000, sizeof(fb)));
    assert_false(memory_bar_move(&m, at + 0x1000, FOUR_G - 0x1000, sizeof(fb)));
    assert_false(memory_bar_move(&m, at + 0x1000, UINT64_C(1) << 52, sizeof(fb)));
    assert_int_equal(peek(at + 0x1005), 0x42);
    assert_false(memory_bar_map(&m, 0x1000, sizeof(small), small, false));
    assert_false(memory_bar_map(&m, at, 2048, small, true)); /* less than a page */
    /* memory keeps its id, whatever came in between */
    memory_bar_unmap(&m, at + 0x1000, sizeof(fb));
    assert_int_equal(peek(at + 0x1005), -1);
    assert_true(memory_bar_map(&m, at, sizeof(small), small, false));
    assert_int_equal(slot_at(at), MEMORY_SLOT_BAR + 2);
    assert_true(memory_bar_map(&m, at + 0x1000, sizeof(fb), fb, false));
    assert_int_equal(slot_at(at + 0x1000), MEMORY_SLOT_BAR);
}

static bool dma(uint64_t at)
{
    return memslots_write(m.slots, at, "x", 1);
}

static uint64_t harvest(void *hva)
{
    uint64_t pages[1] = {0};

    memory_bar_harvest(&m, hva, 4 * 4096, pages);
    return pages[0];
}

/* The log of a BAR goes with it wherever it is mapped; what went with an unmapped slot counts as
 * all of it. */
static void test_mail003_log_of_a_bar(void **state)
{
    static uint8_t fb[4 * 4096] __attribute__((aligned(4096)));
    const uint64_t at = 0xe0000000, there = 0xd0000000;

    (void)state;
    make(4 * MIB);
    memory_bar_log(&m, fb, true); /* before it is mapped */
    assert_int_equal(harvest(fb), 0);
    assert_true(memory_bar_map(&m, at, sizeof(fb), fb, false));
    assert_int_equal(harvest(fb), 0);
    assert_true(dma(at + 4096));
    assert_int_equal(harvest(fb), 2);
    assert_int_equal(harvest(fb), 0);
    assert_true(dma(at + 2 * 4096));
    assert_true(memory_bar_move(&m, at, there, sizeof(fb)));
    assert_true(dma(there));
    assert_int_equal(harvest(fb), 5);
    assert_true(dma(there));
    memory_bar_unmap(&m, there, sizeof(fb));
    assert_int_equal(harvest(fb), 0xf);
    assert_int_equal(harvest(fb), 0);
    assert_true(memory_bar_map(&m, at, sizeof(fb), fb, false));
    assert_true(dma(at));
    assert_int_equal(harvest(fb), 1);
    memory_bar_log(&m, fb, false);
    assert_true(dma(at));
    assert_int_equal(harvest(fb), 0);
    memory_bar_log(&m, fb, true); /* while it is mapped */
    assert_int_equal(harvest(fb), 0);
    assert_true(dma(at + 3 * 4096));
    assert_int_equal(harvest(fb), 8);
}

/* More BARs of plain memory than there are ids for. */
static void test_too_many_bars(void **state)
{
    uint8_t *many = g_malloc0((MEMORY_BARS + 2) * 4096);
    uint8_t *first = many + (-(uintptr_t)many & 4095);

    (void)state;
    make(MIB);
    for (unsigned k = 0; k < MEMORY_BARS; k++)
        assert_true(memory_bar_map(&m, 0xe0000000 + k * 4096, 4096, first + k * 4096, false));
    assert_false(memory_bar_map(&m, 0xf0000000, 4096, first + MEMORY_BARS * 4096, false));
    memory_destroy(&m);
    g_free(many);
}

/* ---- DMA ---- */

static struct {
    uint64_t gpa;
    size_t len;
    unsigned maps, codes;
} seen;

static void map_changed(void *opaque, const struct memslots *was, const struct memslots *now)
{
    assert_true(now->generation == was->generation + 1);
    assert_ptr_equal(opaque, &seen);
    seen.maps++;
}

static void code_written(void *opaque, gpa_t gpa, size_t len)
{
    assert_ptr_equal(opaque, &seen);
    seen.codes++;
    seen.gpa = gpa;
    seen.len = len;
}

static bool ram_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    return memslots_read(opaque, gpa, buf, len);
}

static bool ram_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    return memslots_write(opaque, gpa, buf, len);
}

static void test_dma(void **state)
{
    struct dma_space dma;
    uint8_t buf[3 * 4096], out[3 * 4096];

    (void)state;
    make(3 * GIB + 2 * MIB);
    dma = (struct dma_space){m.slots, ram_read, ram_write};
    for (unsigned k = 0; k < sizeof(buf); k++)
        buf[k] = (uint8_t)(k * 7 + (k >> 8));
    assert_true(dma_write(&dma, 0x1ffd, buf, sizeof(buf)));
    assert_memory_equal(m.ram.low + 0x1ffd, buf, sizeof(buf));
    assert_true(dma_read(&dma, 0x1ffd, out, sizeof(out)));
    assert_memory_equal(out, buf, sizeof(buf));
    /* off the end of low RAM: what is RAM is copied, the rest reads as ones and takes nothing */
    assert_false(dma_write(&dma, 3 * GIB - 100, buf, sizeof(buf)));
    assert_memory_equal(m.ram.low + 3 * GIB - 100, buf, 100);
    assert_false(dma_read(&dma, 3 * GIB - 100, out, sizeof(out)));
    assert_memory_equal(out, buf, 100);
    for (unsigned k = 100; k < sizeof(out); k++)
        assert_int_equal(out[k], 0xff);
    /* across 4 GiB from below, where there is none, and off the end of high RAM */
    assert_false(dma_write(&dma, FOUR_G - 4096, buf, sizeof(buf)));
    assert_memory_equal(m.ram.high, buf + 4096, 4096);
    assert_false(dma_read(&dma, FOUR_G + 2 * MIB, out, 1));
    assert_int_equal(out[0], 0xff);
    assert_true(dma_read(&dma, FOUR_G + 2 * MIB - 1, out, 1));
    assert_true(dma_read(&dma, ~UINT64_C(0), out, 0)); /* nothing is always there */
}

/* Addresses that make no sense touch nothing: above all not low memory, once they pass the last
 * one. */
static void test_dma_wraps(void **state)
{
    uint8_t buf[0x3000], before[0x2000];

    (void)state;
    make(4 * MIB);
    for (unsigned k = 0; k < sizeof(before); k++)
        m.ram.low[k] = before[k] = (uint8_t)(k * 3 + 1);
    memset(buf, 0x55, sizeof(buf));
    assert_false(memslots_write(m.slots, ~UINT64_C(0) - 0xfff, buf, sizeof(buf)));
    assert_memory_equal(m.ram.low, before, sizeof(before));
    assert_false(memslots_read(m.slots, ~UINT64_C(0) - 0xfff, buf, sizeof(buf)));
    for (unsigned k = 0; k < sizeof(buf); k++)
        assert_int_equal(buf[k], 0xff);
    assert_false(memslots_write(m.slots, ~UINT64_C(0), buf, 2));
    assert_memory_equal(m.ram.low, before, sizeof(before));
}

static void test_dma_and_rom(void **state)
{
    uint8_t buf[8] = {1, 2, 3, 4, 5, 6, 7, 8};

    (void)state;
    set_bios(0x20000);
    assert_false(
        memslots_write(m.slots, MIB - 4, buf, 8)); /* ROM keeps its bytes, RAM takes its own */
    assert_int_equal(peek(MIB - 4), 0);
    assert_int_equal(peek(MIB), 5);
    assert_true(memslots_read(m.slots, MIB - 4096, buf, 8));
    assert_int_equal(ld_le16(buf), 0x1f);
}

/* What tracks memory hears of DMA, a page at a time, and of each change of the map. */
static void test_hooks(void **state)
{
    uint8_t buf[0x2000] = {0};
    const struct memslot *s;

    (void)state;
    make(4 * MIB);
    memset(&seen, 0, sizeof(seen));
    memslots_set_hooks(m.slots, &seen, map_changed, code_written);
    s = memslots_find(m.slots, 0x200);
    page_track_begin(page_track_word(s, 0x200), TRACK_CODE);
    assert_true(memslots_write(m.slots, 0x1ff000, buf, 0x1000));
    assert_int_equal(seen.codes, 0);
    assert_true(memslots_write(m.slots, 0x1ffff0, buf, 0x20));
    assert_int_equal(seen.codes, 1);
    assert_true(seen.gpa == 0x200000 && seen.len == 0x10);
    assert_int_equal(seen.maps, 0);
    memory_smram(&m, true, false);
    assert_int_equal(seen.maps, 1);
    memory_smram(&m, true, true); /* no change */
    assert_int_equal(seen.maps, 1);
    memory_pam(&m, 0xf0000, 0x10000, true, true);
    assert_true(seen.maps > 1);
}

/* Two chips below 4 GiB, of which the first shows below 1 MiB as well. */
static void test_flash(void **state)
{
    uint8_t *a = g_aligned_alloc(1, 0x40000, PAGE_SIZE), *b = g_aligned_alloc(1, 0x3000, PAGE_SIZE);
    const struct memslot *s;

    (void)state;
    make(4 * MIB);
    memset(a, 0xaa, 0x40000);
    memset(b, 0xbb, 0x3000);
    a[0x20000] = 0xa1;
    memory_set_low_bios(&m, a, 0x40000);
    memory_flash_show(&m, 0, FOUR_G - 0x40000, 0x40000, a);
    memory_flash_show(&m, 1, FOUR_G - 0x43000, 0x3000, b);
    memory_pam(&m, 0xf0000, 0x10000, false, false);
    memory_pam(&m, 0xe0000, 0x4000, false, false);
    assert_int_equal(peek(FOUR_G - 1), 0xaa);
    assert_int_equal(peek(FOUR_G - 0x40001), 0xbb);
    assert_int_equal(peek(FOUR_G - 0x43001), -1);
    assert_int_equal(peek(0xe0000), 0xa1);
    assert_int_equal(peek(0xfffff), 0xaa);
    s = memslots_find(m.slots, (FOUR_G - 0x43000) >> PAGE_SHIFT);
    assert_int_equal(s->flags, MEMSLOT_READONLY | MEMSLOT_FLASH);
    memory_flash_hide(&m, 0); /* it reads as something else: but not below 1 MiB */
    assert_int_equal(peek(FOUR_G - 1), -1);
    assert_int_equal(peek(FOUR_G - 0x40001), 0xbb);
    assert_int_equal(peek(0xe0000), 0xa1);
    memory_flash_show(&m, 0, FOUR_G - 0x40000, 0x40000, a);
    assert_int_equal(peek(FOUR_G - 1), 0xaa);
    memory_flash_hide(&m, 0);
    memory_flash_hide(&m, 1);
    g_aligned_free(a);
    g_aligned_free(b);
}

#define MEMORY_TEST(fn) cmocka_unit_test_teardown(fn, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_TEST(test_ram_sizes),      MEMORY_TEST(test_too_much),
        MEMORY_TEST(test_bios_sizes),     MEMORY_TEST(test_pam),
        MEMORY_TEST(test_all_pam_states), MEMORY_TEST(test_smram),
        MEMORY_TEST(test_slot_ids),       MEMORY_TEST(test_pam_switches_at_once),
        MEMORY_TEST(test_bars),           MEMORY_TEST(test_mail003_log_of_a_bar),
        MEMORY_TEST(test_too_many_bars),  MEMORY_TEST(test_dma),
        MEMORY_TEST(test_dma_wraps),      MEMORY_TEST(test_dma_and_rom),
        MEMORY_TEST(test_hooks),          MEMORY_TEST(test_flash),
    };
    return unit_main(tests);
}
