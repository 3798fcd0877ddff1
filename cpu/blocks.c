/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cache of decoded blocks: look-up, building, and what happens when code is written; blocks.h.
 */
#include "cpu/blocks.h"

#include <glib.h>
#include <sys/mman.h>

#include "base/error.h"
#include "base/lock.h"
#include "base/mutant.h"
#include "base/step.h"
#include "cpu/access.h"
#include "cpu/debugger.h"
#include "cpu/decode.h"
#include "cpu/fetch.h"
#include "cpu/hostio.h"
#include "cpu/lint.h"
#include "cpu/mmu_shadow/page_track.h"
#include "cpu/ring.h"

#define ARENA_SIZE  (UINT64_C(96) << 20)
#define HASH_SIZE   65536
#define PAGE_HASH   4096
#define MAX_BYTES   240 /* insn.off is a byte, and the last instruction may be 15 long */
#define CODE_MAX    (MAX_BYTES + INSN_MAX_LEN)
#define CHUNK_SHIFT 6 /* code is noted in chunks of 64 bytes */
#define MAX_NOTES   64

static_assert(MODE_PORTABLE < 1 << MODE_BITS, "the mode fits its place in a key");

/* A physical page with decoded code. */
struct code_page {
    gfn_t gfn;
    struct memslot_arch *mark; /* where the page's memory counts us (a reference); NULL: no RAM */
    uint64_t index;            /* of the page there */
    uint64_t chunks;           /* bit n: bytes n*64.. hold code of some block in the list */
    struct block *first;
    struct code_page *next;
};

struct note {
    gpa_t gpa;
    size_t len;
};

struct blocks {
    uint8_t *arena;
    uint64_t used;
    struct block *hash[HASH_SIZE];
    struct code_page *pages[PAGE_HASH];
    uint64_t flushes;
    struct block *scratch;  /* room for one uncached block */
    struct lock notes_lock; /* protects notes, n_notes */
    struct note notes[MAX_NOTES];
    unsigned n_notes; /* > MAX_NOTES: too many, drop all */
};

static size_t block_bytes(unsigned insns)
{
    return sizeof(struct block) + (insns + 2) * sizeof(struct insn) + CODE_MAX;
}

/* Instruction slots in use: n, the fall-through if there is one, and the links. */
static size_t block_slots(const struct block *b)
{
    return b->n + 2u;
}

struct blocks *blocks_new(void)
{
    struct blocks *bs = g_new0(struct blocks, 1);

    bs->arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    invariant(bs->arena != MAP_FAILED);
    bs->scratch = g_malloc0(block_bytes(1));
    lock_init(&bs->notes_lock);
    return bs;
}

/* The mark is taken from where it was left: by now the map may show other memory at that gfn. */
static void free_page(struct code_page *cp)
{
    if (cp->mark) {
        page_track_end(&cp->mark->track[cp->index], TRACK_CODE);
        memslot_arch_put(cp->mark);
    }
    g_free(cp);
}

static void free_pages(struct blocks *bs)
{
    for (unsigned k = 0; k < PAGE_HASH; k++) {
        while (bs->pages[k]) {
            struct code_page *cp = bs->pages[k];

            bs->pages[k] = cp->next;
            free_page(cp);
        }
    }
}

void blocks_free(struct blocks *bs)
{
    if (!bs)
        return;
    free_pages(bs);
    munmap(bs->arena, ARENA_SIZE);
    lock_clear(&bs->notes_lock);
    g_free(bs->scratch);
    g_free(bs);
}

static unsigned hash_of(gpa_t gpa, uint32_t mode)
{
    uint64_t h = (gpa ^ ((uint64_t)mode << 40)) * UINT64_C(0x9e3779b97f4a7c15);

    return (unsigned)(h >> 48) & (HASH_SIZE - 1);
}

static struct code_page **page_slot(struct blocks *bs, gfn_t gfn)
{
    struct code_page **at = &bs->pages[(gfn ^ (gfn >> 12)) & (PAGE_HASH - 1)];

    while (*at && (*at)->gfn != gfn)
        at = &(*at)->next;
    return at;
}

/* ---- tracking of written code ---- */

/* Has all that is stored to the page told (page_track.h): by other vCPUs, of which some may have it
 * in their TLBs as one to store to without a look, and by this one. True when guest mode was left
 * for it. */
static bool mark_page(struct cpu *cpu, struct code_page *cp)
{
    const struct memslot *s = memslots_find(cpu->slots, cp->gfn);
    bool others = cpu_group_size(cpu->group) > 1 && !MUTANT(blocks_seal_before_decoding);
    _Atomic uint32_t *word;

    if (!s)
        return false;
    cp->mark = memslot_arch_get(s->arch);
    cp->index = cp->gfn - s->base_gfn;
    word = &cp->mark->track[cp->index];
    if (!page_track_begin(word, TRACK_CODE))
        return false;
    if (others) {
        cpu_leave_guest(cpu);
        cpu_group_protect(cpu->group, cpu, &cp->gfn, 1);
        cpu_enter_guest(cpu);
    } else {
        tlb_protect_pages(cpu, &cp->gfn, 1);
    }
    page_track_seal(word);
    return others;
}

/* Before the page's bytes are read: DMA, or another vCPU, may write them now. True when guest mode
 * was left meanwhile: everything is to be translated anew. */
static bool track_page(struct cpu *cpu, gfn_t gfn)
{
    struct code_page **at = page_slot(cpu->blocks, gfn);

    if (*at)
        return false;
    *at = g_new0(struct code_page, 1);
    (*at)->gfn = gfn;
    return mark_page(cpu, *at);
}

/* Which of a block's two page lists goes through gfn. */
static unsigned page_side(const struct block *b, gfn_t gfn)
{
    return (b->gpa >> PAGE_SHIFT) == gfn ? 0 : 1;
}

/* The bytes of b that lie in page gfn, as offsets first..last in it. */
static void block_extent(const struct block *b, gfn_t gfn, unsigned *first, unsigned *last)
{
    unsigned start = (unsigned)(b->gpa & ~PAGE_MASK);

    if (page_side(b, gfn) == 0) {
        *first = start;
        *last = start + b->len - 1 > PAGE_SIZE - 1 ? (unsigned)PAGE_SIZE - 1 : start + b->len - 1;
    } else {
        *first = 0;
        *last = start + b->len - (unsigned)PAGE_SIZE - 1;
    }
}

static uint64_t chunk_mask(unsigned first, unsigned last)
{
    return bits(~UINT64_C(0), last >> CHUNK_SHIFT, 0) & ~UINT64_C(0) << (first >> CHUNK_SHIFT);
}

static void page_add_block(struct cpu *cpu, gfn_t gfn, struct block *b)
{
    struct code_page *cp = *page_slot(cpu->blocks, gfn);
    unsigned first, last;

    invariant(cp);
    block_extent(b, gfn, &first, &last);
    cp->chunks |= chunk_mask(first, last);
    b->page_next[page_side(b, gfn)] = cp->first;
    cp->first = b;
}

static void retire(struct cpu *cpu, struct block *b)
{
    struct block **at = &cpu->blocks->hash[hash_of(b->gpa, b->mode)];

    while (*at && *at != b)
        at = &(*at)->hash_next;
    if (*at)
        *at = b->hash_next;
    b->stale = true;
    for (unsigned k = 0; k < b->n; k++)
        b->insns[k].fn = op_stale;
    cpu->stat_smc++;
}

/* Drops the stale blocks from a page's list and forgets the page when none is left. */
static void tidy_page(struct code_page **slot)
{
    struct code_page *cp = *slot;
    struct block **at = &cp->first;

    cp->chunks = 0;
    while (*at) {
        struct block *b = *at;
        unsigned side = page_side(b, cp->gfn), first, last;

        if (b->stale) {
            *at = b->page_next[side];
            continue;
        }
        block_extent(b, cp->gfn, &first, &last);
        cp->chunks |= chunk_mask(first, last);
        at = &b->page_next[side];
    }
    if (!cp->first) {
        *slot = cp->next;
        free_page(cp);
    }
}

/* Retires the blocks that have bytes in from..to of the page. */
static void retire_range(struct cpu *cpu, struct code_page **slot, unsigned from, unsigned to)
{
    bool any = false;

    for (struct block *b = (*slot)->first; b; b = b->page_next[page_side(b, (*slot)->gfn)]) {
        unsigned first, last;

        block_extent(b, (*slot)->gfn, &first, &last);
        if (!b->stale && first <= to && from <= last) {
            retire(cpu, b);
            any = true;
        }
    }
    if (any)
        tidy_page(slot);
}

/* Retires what this vCPU has decoded of the bytes. */
static void retire_written(struct cpu *cpu, gpa_t gpa, unsigned len)
{
    struct code_page **slot = page_slot(cpu->blocks, gpa >> PAGE_SHIFT);
    unsigned from = (unsigned)(gpa & ~PAGE_MASK), to = from + len - 1;

    if (!*slot)
        return;
    if (!(*slot)->first) /* tracked, but nothing came of it */
        tidy_page(slot);
    else if ((*slot)->chunks & chunk_mask(from, to))
        retire_range(cpu, slot, from, to);
}

void blocks_code_written(struct cpu *cpu, gpa_t gpa, unsigned len, unsigned caches)
{
    bool ours = *page_slot(cpu->blocks, gpa >> PAGE_SHIFT) != NULL;

    retire_written(cpu, gpa, len);
    if (caches > ours && !MUTANT(blocks_tell_other_vcpus))
        cpu_group_code_written(cpu->group, cpu, gpa, len);
}

void blocks_leave_soon(struct cpu *cpu)
{
    struct block *b = cpu->cur_block;
    gfn_t page[2] = {b->gpa >> PAGE_SHIFT, b->gpa2 >> PAGE_SHIFT};

    atomic_store_explicit(&cpu->attention, 1, memory_order_relaxed);
    if (!blocks_cached(cpu, b) || b->stale || b->n == 1)
        return; /* nothing behind it is run without a look at attention */
    retire(cpu, b);
    for (unsigned k = 0; k < (b->gpa2 == ~UINT64_C(0) ? 1 : 2); k++) {
        struct code_page **slot = page_slot(cpu->blocks, page[k]);

        if (*slot)
            tidy_page(slot);
    }
}

void blocks_note_write(struct cpu *cpu, gpa_t gpa, size_t len)
{
    struct blocks *bs = cpu->blocks;

    lock_take(&bs->notes_lock);
    if (bs->n_notes < MAX_NOTES)
        bs->notes[bs->n_notes] = (struct note){gpa, len};
    bs->n_notes++;
    lock_drop(&bs->notes_lock);
    cpu_set_event(cpu, EV_CODE);
}

void blocks_handle_notes(struct cpu *cpu)
{
    struct blocks *bs = cpu->blocks;
    struct note notes[MAX_NOTES];
    unsigned n;

    lock_take(&bs->notes_lock);
    n = bs->n_notes;
    bs->n_notes = 0;
    memcpy(notes, bs->notes, sizeof(notes));
    lock_drop(&bs->notes_lock);
    if (n > MAX_NOTES) {
        blocks_flush(cpu);
        return;
    }
    for (unsigned k = 0; k < n; k++)
        retire_written(cpu, notes[k].gpa, (unsigned)notes[k].len);
}

void blocks_flush(struct cpu *cpu)
{
    struct blocks *bs = cpu->blocks;

    if (cpu->ring)
        ring_keep_blocks(cpu);
    free_pages(bs);
    memset(bs->hash, 0, sizeof(bs->hash));
    memset(cpu->bcache, 0, sizeof(cpu->bcache));
    bs->used = 0;
    bs->flushes++;
}

uint64_t blocks_flush_count(const struct cpu *cpu)
{
    return cpu->blocks->flushes;
}

const uint8_t *block_code(const struct block *b)
{
    return (const uint8_t *)&b->insns[block_slots(b)];
}

const struct block *blocks_of_insns(const struct cpu *cpu, uint32_t low)
{
    const uint8_t *arena = cpu->blocks->arena;
    uint32_t at = low - (uint32_t)(uintptr_t)arena - (uint32_t)offsetof(struct block, insns);

    return (const struct block *)(arena + at);
}

bool blocks_cached(const struct cpu *cpu, const struct block *b)
{
    return b != cpu->blocks->scratch;
}

/* ---- building ---- */

/* Can the branch that ends at offset `next` of block b be chained to `target_off` bytes further?
 * Only where linear addresses are plain (flat), and within the page. */
static bool same_page(const struct block *b, uint64_t target)
{
    uint64_t off = (b->gpa & ~PAGE_MASK) + target; /* below 0 it is past any page */

    return (b->mode & MODE_FLAT) && !(b->mode & MODE_STEP) && off < PAGE_SIZE;
}

static void append(struct block *b, insn_fn *fn, unsigned off, unsigned len)
{
    b->insns[b->n] = (struct insn){
        .fn = fn, .off = (uint8_t)off, .len = (uint8_t)len, .base = REG_ZERO, .index = REG_ZERO};
    b->n++;
}

/* The arena may have been used before: what overlays slot n must begin empty. */
static void clear_links(struct block *b, unsigned n)
{
    memset(&b->insns[n], 0, sizeof(b->insns[n]));
}

/* From the end of the instruction to the start of the block, which is what REG_RIP holds. The sum
 * may outgrow the field: then it is 4 GiB too low, which the index, unused in this form, makes
 * good. */
static void rebase_rip(struct insn *in, uint32_t next)
{
    int64_t disp = (int64_t)in->disp + next;

    in->disp = (int32_t)disp;
    if (disp > INT32_MAX && in->asz == SZ64)
        in->index = REG_4G;
}

/* Puts a decoded instruction at the block's end; false when it ends the block. */
static bool add_insn(struct block *b, struct insn *in)
{
    uint32_t attr = opcode_table[in->op].attr;
    uint32_t next = (uint32_t)b->len + in->len;

    in->off = (uint8_t)b->len;
    if (in->base == REG_RIP)
        rebase_rip(in, next);
    b->insns[b->n] = *in;
    bind_insn(&b->insns[b->n], b->mode, same_page(b, next + in->imm));
    b->n++;
    b->len = (uint16_t)next;
    clear_links(b, b->n);
    return !(attr & A_END);
}

/* Behind straight-line code: goes on with the next block. Not counted in n. */
static void add_fallthrough(struct block *b, insn_fn *fn)
{
    append(b, fn, b->len, 0);
    clear_links(b, b->n);
    b->n--;
}

/* What every block goes through when its instructions are there. Where the debugger watches memory
 * each instruction stands for itself, so that one can stop behind it. */
static void bind_whole(struct cpu *cpu, struct block *b)
{
    if (!cpu_debugs(cpu, DEBUG_WATCH) && !cpu_debugs(cpu, DEBUG_MMIO))
        bind_block(b);
}

static bool may_break(const struct cpu *cpu, gpa_t gpa)
{
    return cpu_debugs(cpu, DEBUG_CODE) && debugger_may_break(cpu, gpa);
}

/* The whole of it is built, from `code`. */
static void put_entry(struct cpu *cpu, struct block *b, const uint8_t *code)
{
    bool others =
        cpu->lint_blocks || cpu->counted || may_break(cpu, b->gpa) || !blocks_cached(cpu, b);

    if (unlikely(cpu->lint_blocks))
        lint_scan_block(b);
    else if (likely(!cpu->counted && !cpu->ring && !may_break(cpu, b->gpa)))
        return;
    b->first = b->insns[0].fn;
    b->insns[0].fn = others ? op_enter : op_enter_ring;
    if (cpu->ring)
        memcpy((uint8_t *)block_code(b), code, b->len);
}

/* Copies code of one page. A store of up to eight aligned bytes that another vCPU makes meanwhile
 * is in the copy as a whole or not at all, as for a processor's own fetches (APM 2 7.6.1). */
static void copy_code(uint8_t *to, const uint8_t *from, size_t n)
{
    while (n) {
        size_t skip = (uintptr_t)from & 7, k = 8 - skip < n ? 8 - skip : n;
        uint8_t whole[8];

        ram_copy(whole, from - skip, 8);
        memcpy(to, whole + skip, k);
        to += k, from += k, n -= k;
    }
}

/* Decodes `avail` bytes into b. Returns false when not even one instruction is whole. */
static bool fill(struct cpu *cpu, struct block *b, const uint8_t *bytes, size_t avail)
{
    unsigned max = b->mode & MODE_STEP ? 1 : BLOCK_MAX_INSNS;

    while (b->n < max && b->len < MAX_BYTES) {
        struct insn in;
        enum decode_status st;

        if (b->len == avail || (b->n && may_break(cpu, b->gpa + b->len)))
            break;
        st = decode(bytes + b->len, avail - b->len, b->mode, cpu->features, &in);
        if (st == DECODE_MORE)
            break;
        if (st != DECODE_OK) {
            append(b, st == DECODE_UD ? op_undefined : op_too_long, b->len, in.len);
            b->len = (uint16_t)(b->len + (in.len ? in.len : 1));
            return true;
        }
        if (!add_insn(b, &in)) {
            bind_whole(cpu, b);
            return true;
        }
    }
    if (!b->n)
        return false;
    bind_whole(cpu, b);
    add_fallthrough(b, same_page(b, b->len) ? op_fallthrough_link : op_fallthrough);
    return true;
}

static void init_block(struct block *b, struct cpu *cpu, gpa_t gpa)
{
    *b = (struct block){.gpa = gpa, .gpa2 = ~UINT64_C(0), .mode = cpu->mode};
}

static struct block *publish(struct cpu *cpu, struct block *b)
{
    struct blocks *bs = cpu->blocks;
    unsigned h = hash_of(b->gpa, b->mode);

    bs->used += sizeof(*b) + block_slots(b) * sizeof(struct insn) + (cpu->ring ? b->len : 0);
    bs->used = (bs->used + BLOCK_ALIGN - 1) & ~(uint64_t)(BLOCK_ALIGN - 1);
    b->hash_next = bs->hash[h];
    bs->hash[h] = b;
    page_add_block(cpu, b->gpa >> PAGE_SHIFT, b);
    if (b->gpa2 != ~UINT64_C(0))
        page_add_block(cpu, b->gpa2 >> PAGE_SHIFT, b);
    cpu->stat_blocks++;
    return b;
}

/* Room for the largest block, after dropping everything if need be. */
static struct block *arena_block(struct cpu *cpu)
{
    struct blocks *bs = cpu->blocks;

    if (bs->used + block_bytes(BLOCK_MAX_INSNS) > ARENA_SIZE)
        blocks_flush(cpu);
    return (struct block *)(bs->arena + bs->used);
}

/* One instruction that is not in one page of RAM, or stands at the segment's end: bytes are
 * gathered one by one, up to 15. Cached when both pages are RAM, no limit cuts it, and it is not
 * folded: both halves in one physical page, of which a block can be in the list but once. NULL when
 * translations were lost on the way: to be begun again. */
static struct block *build_straddling(struct cpu *cpu, gva_t lin, gpa_t gpa, size_t seg_avail)
{
    uint8_t bytes[INSN_MAX_LEN];
    size_t avail = 0, in_page = PAGE_SIZE - (lin & ~PAGE_MASK);
    gpa_t gpa2 = ~UINT64_C(0);
    bool ram = true;
    struct block *b = arena_block(cpu);
    struct insn in;
    enum decode_status st = DECODE_MORE;

    for (; st == DECODE_MORE && avail < seg_avail && avail < INSN_MAX_LEN; avail++) {
        gpa_t at = gpa + avail;
        size_t room = sizeof(bytes) - avail;
        uint8_t *p;

        if (avail >= in_page) {
            if (avail == in_page)
                gpa2 = fetch_translate(cpu, lin + avail);
            at = gpa2 + (avail - in_page);
        }
        p = memslots_ptr(cpu->slots, at);
        ram &= p != NULL && (avail < in_page || at >> PAGE_SHIFT != gpa >> PAGE_SHIFT);
        if (ram && (avail == 0 || avail == in_page) && track_page(cpu, at >> PAGE_SHIFT))
            return NULL;
        if (!p)
            bytes[avail] = (uint8_t)cpu_mmio_read(cpu, at, 1);
        else if (avail == 0 || avail == in_page) /* the rest of it in this page, at once */
            copy_code(&bytes[avail], p,
                      room < PAGE_SIZE - (at & ~PAGE_MASK) ? room : PAGE_SIZE - (at & ~PAGE_MASK));
        st = decode(bytes, avail + 1, cpu->mode, cpu->features, &in);
    }
    if (!ram || st != DECODE_OK)
        b = cpu->blocks->scratch;
    init_block(b, cpu, gpa);
    if (st == DECODE_OK) {
        if (in.len > in_page)
            b->gpa2 = gpa2;
        b->mode |= MODE_STEP; /* no links: its neighbours are in other pages */
        if (add_insn(b, &in))
            add_fallthrough(b, op_fallthrough);
        b->mode = cpu->mode;
        put_entry(cpu, b, bytes);
        return b == cpu->blocks->scratch ? b : publish(cpu, b);
    }
    append(b, st == DECODE_UD ? op_undefined : op_too_long, 0, 1);
    b->len = 1;
    put_entry(cpu, b, bytes);
    return b;
}

static struct block *find(struct cpu *cpu, gva_t lin, gpa_t gpa)
{
    struct block *b = cpu->blocks->hash[hash_of(gpa, cpu->mode)];

    for (; b; b = b->hash_next) {
        if (b->gpa != gpa || b->mode != cpu->mode)
            continue;
        if (b->gpa2 != ~UINT64_C(0) && fetch_translate(cpu, (lin | ~PAGE_MASK) + 1) != b->gpa2)
            continue;
        return b;
    }
    return NULL;
}

/* NULL when translations were lost on the way. */
static struct block *build(struct cpu *cpu, gva_t lin, gpa_t gpa, const uint8_t *page,
                           size_t seg_avail)
{
    size_t avail = PAGE_SIZE - (lin & ~PAGE_MASK);
    uint8_t bytes[CODE_MAX]; /* the decoder looks twice, and another vCPU may write now */
    struct block *b;

    if (!page || seg_avail < INSN_MAX_LEN)
        return build_straddling(cpu, lin, gpa, seg_avail);
    b = arena_block(cpu);
    if (track_page(cpu, gpa >> PAGE_SHIFT))
        return NULL;
    init_block(b, cpu, gpa);
    avail = MIN(MIN(avail, seg_avail), sizeof(bytes));
    copy_code(bytes, page + (lin & ~PAGE_MASK), avail);
    if (!fill(cpu, b, bytes, avail))
        return build_straddling(cpu, lin, gpa, seg_avail);
    put_entry(cpu, b, bytes);
    return publish(cpu, b);
}

struct block *blocks_lookup(struct cpu *cpu)
{
    uint64_t rip = cpu->gpr[REG_RIP];
    gva_t lin = cpu->code_base + rip;
    struct bcache_entry *e;
    const uint8_t *page;
    size_t seg_avail = SIZE_MAX;
    struct block *b;
    gpa_t gpa;

    cpu->cur = NULL;
    if (!cpu_code64(cpu)) {
        lin = (uint32_t)lin;
        if (rip > cpu->code_limit)
            cpu_raise_err(cpu, EXC_GP, 0);
        seg_avail = cpu->code_limit - rip + 1;
    }
    do {
        gpa = fetch_translate_page(cpu, lin, &page);
        b = find(cpu, lin, gpa);
        if (!b)
            b = build(cpu, lin, gpa, page, seg_avail);
        else if (b->len > seg_avail) /* decoded under a larger limit */
            b = build_straddling(cpu, lin, gpa, seg_avail);
    } while (!b);
    /* An entry of the same mode and segment end is good for other bases, too. That must not hold
     * for the byte behind the end, which straight code may run into: it can only be offset 0 of 4
     * GiB. */
    if (b != cpu->blocks->scratch &&
        (rip || (cpu->mode & MODE_FLAT) || cpu->code_limit != 0xffffffffu)) {
        e = bcache_slot(cpu, lin);
        *e = (struct bcache_entry){.lin = lin, .key = cpu->bcache_key, .block = b};
    }
    return b;
}
