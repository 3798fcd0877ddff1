/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RAM, ROM and their switched windows; see memory.h. */
#include "machine/memory.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mutant.h"
#include "cpu/mmu_shadow/dirty_log.h"

#define SMRAM_BASE  0xa0000u
#define SMRAM_SIZE  0x20000u
#define PAM_BASE    0xc0000u
#define PAM_SIZE    0x40000u
#define PAM_SEGMENT 0x4000u
#define PAM_LAST    0xf0000u /* a segment of 64 KiB */
#define HIGH_BASE   (UINT64_C(1) << 32)
#define BIOS_LOW    0x20000u /* how much of the image shows below 1 MiB */

static uint8_t *alloc_pages(uint64_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    madvise(p, size, MADV_HUGEPAGE);
    return p;
}

static struct memslots_change create(int id, uint64_t gpa, uint64_t size, uint8_t *hva,
                                     bool readonly)
{
    return (struct memslots_change){.op = MEMSLOTS_CREATE,
                                    .id = id,
                                    .gpa = gpa,
                                    .size = size,
                                    .hva = hva,
                                    .flags = readonly ? MEMSLOT_READONLY : 0};
}

static struct memslots_change delete (int id)
{
    return (struct memslots_change){.op = MEMSLOTS_DELETE, .id = id};
}

/* A change that only a mistake of ours could make impossible. */
static void change(struct memory *m, struct memslots_change c)
{
    invariant(memslots_change(m->slots, &c) == MEMSLOTS_OK);
}

/* RAM in [base, base+size) of the low range. */
static void map_low(struct memory *m, int id, uint32_t base, uint64_t size)
{
    change(m, create(id, base, size, m->ram.low + base, false));
}

bool memory_init(struct memory *m, uint64_t size, GError **err)
{
    memset(m, 0, sizeof(*m));
    e820_split(size, &m->ram.low_size, &m->ram.high_size);
    m->ram.low = alloc_pages(m->ram.low_size);
    if (m->ram.high_size)
        m->ram.high = alloc_pages(m->ram.high_size);
    if (!m->ram.low || (m->ram.high_size && !m->ram.high)) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST,
                    "cannot allocate %" PRIu64 " MiB of guest memory", size >> 20);
        memory_destroy(m);
        return false;
    }
    m->slots = memslots_new();
    map_low(m, MEMORY_SLOT_LOW, 0, SMRAM_BASE);
    if (m->ram.low_size > 0x100000)
        map_low(m, MEMORY_SLOT_MAIN, 0x100000, m->ram.low_size - 0x100000);
    if (m->ram.high_size)
        change(m, create(MEMORY_SLOT_HIGH, HIGH_BASE, m->ram.high_size, m->ram.high, false));
    return true;
}

void memory_destroy(struct memory *m)
{
    memslots_free(m->slots);
    if (m->ram.low)
        munmap(m->ram.low, m->ram.low_size);
    if (m->ram.high)
        munmap(m->ram.high, m->ram.high_size);
    if (m->bios)
        munmap(m->bios, m->bios_size);
    memset(m, 0, sizeof(*m));
}

void memory_set_bios(struct memory *m, const uint8_t *image, uint64_t size)
{
    invariant(!m->bios);
    m->bios = alloc_pages(size);
    invariant(m->bios);
    m->bios_size = size;
    memcpy(m->bios, image, size);
    log_msg(LOG_BOOT, "boot: firmware at 0x%" PRIx64 ", its last %" PRIu64 " KiB also below 1 MiB",
            HIGH_BASE - size, (size < BIOS_LOW ? size : BIOS_LOW) >> 10);
    change(m, create(MEMORY_SLOT_BIOS, HIGH_BASE - size, size, m->bios, true));
    memory_set_low_bios(m, m->bios, size);
}

void memory_set_low_bios(struct memory *m, uint8_t *image, uint64_t size)
{
    m->low_end = image + size;
    m->low_shown = size < BIOS_LOW ? size : BIOS_LOW;
}

void memory_flash_show(struct memory *m, unsigned n, uint64_t gpa, uint64_t size, uint8_t *hva)
{
    struct memslots_change c = create(MEMORY_SLOT_FLASH + (int)n, gpa, size, hva, true);

    invariant(n < MEMORY_FLASHES);
    c.flags |= MEMSLOT_FLASH;
    change(m, c);
}

void memory_flash_hide(struct memory *m, unsigned n)
{
    change(m, delete (MEMORY_SLOT_FLASH + (int)n));
}

/* The part of the image that shows at `addr` below 1 MiB, or NULL. */
static uint8_t *bios_at(const struct memory *m, uint32_t addr)
{
    if (!m->low_end || addr < 0x100000 - m->low_shown)
        return NULL;
    return m->low_end - (0x100000 - addr);
}

/* The slot of a segment (82441FX: twelve of 16 KiB, then one of 64). */
static int pam_slot(uint32_t start, uint32_t len)
{
    bool last = start == PAM_LAST;

    invariant(start >= PAM_BASE && start <= PAM_LAST && !(start % PAM_SEGMENT));
    invariant(len == (last ? PAM_BASE + PAM_SIZE - PAM_LAST : PAM_SEGMENT));
    return MEMORY_SLOT_PAM + (int)((start - PAM_BASE) / PAM_SEGMENT);
}

void memory_pam(struct memory *m, uint32_t start, uint32_t len, bool read_ram, bool write_ram)
{
    int id = pam_slot(start, len);
    const struct memslot *is = memslots_by_id(memslots_now(m->slots), id);
    uint8_t *hva = read_ram ? m->ram.low + start : bios_at(m, start);
    bool readonly = !(read_ram && write_ram);
    struct memslots_change c[2];
    unsigned n = 0;

    if (is ? is->hva == hva && memslot_readonly(is) == readonly : !hva)
        return;
    /* both at once: no vCPU sees the segment empty in between */
    if (is)
        c[n++] = delete (id);
    if (hva)
        c[n++] = create(id, start, len, hva, readonly);
    invariant(memslots_change_all(m->slots, c, n) == MEMSLOTS_OK);
}

static void update_smram(struct memory *m)
{
    bool show = m->smram_open || (m->smram_enabled && m->in_smm);

    if (show == m->smram_shown)
        return;
    m->smram_shown = show;
    if (show)
        map_low(m, MEMORY_SLOT_SMRAM, SMRAM_BASE, SMRAM_SIZE);
    else
        change(m, delete (MEMORY_SLOT_SMRAM));
}

void memory_smram(struct memory *m, bool open, bool enabled)
{
    m->smram_open = open;
    m->smram_enabled = enabled;
    update_smram(m);
}

void memory_set_smm(struct memory *m, bool in_smm)
{
    m->in_smm = in_smm;
    update_smram(m);
}

/* ---- BARs ---- */

/* The id that memory gets when it is mapped first, and keeps; -1 when all are taken. */
static int bar_slot(struct memory *m, void *hva)
{
    for (int n = 0; n < MEMORY_BARS; n++) {
        if (!m->bar[n])
            m->bar[n] = hva;
        if (m->bar[n] == hva)
            return MEMORY_SLOT_BAR + n;
    }
    return -1;
}

/* The BAR that is mapped at gpa. */
static const struct memslot *bar_at(struct memory *m, uint64_t gpa, uint64_t len)
{
    const struct memslot *s = memslots_find(m->slots, gpa >> PAGE_SHIFT);

    invariant(s && s->id >= MEMORY_SLOT_BAR && s->base_gfn == gpa >> PAGE_SHIFT &&
              s->npages == len >> PAGE_SHIFT);
    return s;
}

bool memory_bar_map(struct memory *m, uint64_t gpa, uint64_t len, void *hva, bool readonly)
{
    int id = bar_slot(m, hva);
    struct memslots_change c = create(id, gpa, len, hva, readonly);
    enum memslots_refusal r;

    if (id >= 0 && m->bar_logged[id - MEMORY_SLOT_BAR])
        c.flags |= MEMSLOT_LOG_DIRTY;
    r = memslots_change(m->slots, &c);
    if (r != MEMSLOTS_OK)
        log_guest("memory: BAR at 0x%" PRIx64 ": %s", gpa, memslots_refusal_text(r));
    return r == MEMSLOTS_OK;
}

bool memory_bar_move(struct memory *m, uint64_t from, uint64_t to, uint64_t len)
{
    const struct memslot *s = bar_at(m, from, len);
    struct memslots_change c = {
        .op = MEMSLOTS_MOVE, .id = s->id, .gpa = to, .size = len, .hva = s->hva, .flags = s->flags};
    enum memslots_refusal r = memslots_change(m->slots, &c);

    if (r != MEMSLOTS_OK)
        log_guest("memory: BAR to 0x%" PRIx64 ": %s", to, memslots_refusal_text(r));
    return r == MEMSLOTS_OK;
}

void memory_bar_unmap(struct memory *m, uint64_t gpa, uint64_t len)
{
    const struct memslot *s = bar_at(m, gpa, len);

    if (!MUTANT(bar_log_ends_unseen))
        m->bar_lost[s->id - MEMORY_SLOT_BAR] = true;
    change(m, delete (s->id));
}

void memory_bar_log(struct memory *m, void *hva, bool on)
{
    int id = bar_slot(m, hva);
    const struct memslot *s = memslots_by_id(memslots_now(m->slots), id);

    if (id < 0)
        return; /* nor will it ever be mapped */
    m->bar_logged[id - MEMORY_SLOT_BAR] = on;
    m->bar_lost[id - MEMORY_SLOT_BAR] = false;
    if (s)
        change(m, (struct memslots_change){
                      .op = MEMSLOTS_FLAGS,
                      .id = id,
                      .gpa = s->base_gfn << PAGE_SHIFT,
                      .size = s->npages << PAGE_SHIFT,
                      .hva = s->hva,
                      .flags =
                          (s->flags & ~(uint32_t)MEMSLOT_LOG_DIRTY) | (on ? MEMSLOT_LOG_DIRTY : 0),
                  });
}

void memory_bar_harvest(struct memory *m, void *hva, uint64_t len, uint64_t *pages)
{
    int id = bar_slot(m, hva);
    uint64_t npages = len >> PAGE_SHIFT, words = (npages + 63) / 64;

    if (id < 0)
        return;
    if (dirty_log_on(m->slots, id)) {
        uint64_t *now = g_new(uint64_t, words);

        dirty_log_harvest(m->slots, id, now);
        for (uint64_t k = 0; k < words; k++)
            pages[k] |= now[k];
        g_free(now);
    }
    if (m->bar_lost[id - MEMORY_SLOT_BAR]) {
        for (uint64_t page = 0; page < npages; page++)
            pages[page / 64] |= UINT64_C(1) << page % 64;
        m->bar_lost[id - MEMORY_SLOT_BAR] = false;
    }
}
