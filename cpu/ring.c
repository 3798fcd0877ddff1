/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ring.h. The ring is a list of chunks, as many as hold the instructions that are wanted, which
 * with blocks of the usual length are few enough for the host's caches. A chunk is an array of
 * words, of which bits 5..0 say the kind and bits 63..32 most often the low half of RIP. The first
 * is a context, so that a chunk can be told alone.
 */
#include "cpu/ring.h"

#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/symbols.h"
#include "cpu/blocks.h"
#include "cpu/disas.h"

#define CHUNK_WORDS (RING_CHUNK_BYTES / sizeof(uint64_t))

enum {
    KIND_BLOCK,   /* a block: bits 31..0 are those of the address of its first instruction */
    KIND_CONTEXT, /* what the following words have in common: struct context */
    KIND_KEPT,    /* a block of which `kept` has a copy, at bits 31..6 */
    KIND_LEFT,    /* the block before began only bits 63..32 of its instructions */
    KIND_EVENT,   /* a delivery; bits 15..8 are the vector */
    KIND_MASK = 63,
};
static_assert(offsetof(struct block, insns) % BLOCK_ALIGN == 0 && BLOCK_ALIGN == KIND_MASK + 1,
              "the address of its first instruction has KIND_BLOCK");

/* Bits 31..16 of its word, 15..14, 13, 63..32. */
struct context {
    uint16_t sel; /* CS */
    uint8_t cpl;
    bool code64;
    uint32_t high; /* 64-bit code: of RIP; else CS's base, and RIP has no high half */
};

struct chunk {
    struct chunk *next;  /* later */
    uint64_t *word;      /* CHUNK_WORDS, aligned to their size */
    uint64_t icount;     /* the vCPU's when it began */
    GByteArray *kept;    /* copies of blocks, each a struct kept */
    unsigned kept_words; /* all before have been looked at by ring_keep_blocks */
};

/* A block that is gone; behind it the length of each instruction, then the bytes. */
struct kept {
    uint8_t n;
    uint8_t len;
    uint8_t mode; /* MODE_CODE bits */
};

struct ring {
    unsigned size; /* instructions wanted */
    unsigned chunks, max_chunks;
    struct chunk *oldest, *current;
    uint64_t context; /* the last context's word */
};

/* ---- chunks ---- */

static struct chunk *chunk_new(void)
{
    struct chunk *c = g_new0(struct chunk, 1);

    c->word = aligned_alloc(RING_CHUNK_BYTES, RING_CHUNK_BYTES);
    invariant(c->word);
    c->kept = g_byte_array_new();
    return c;
}

static void chunk_free(struct chunk *c)
{
    free(c->word);
    g_byte_array_free(c->kept, TRUE);
    g_free(c);
}

/* The oldest one, when those behind it hold enough. Never the current one. */
static struct chunk *take_oldest(struct ring *r, const struct cpu *cpu)
{
    struct chunk *c = r->oldest;

    /* the count runs ahead by the block under way */
    if (r->chunks < 3 || (cpu->icount - c->next->icount < (uint64_t)r->size + BLOCK_MAX_INSNS &&
                          r->chunks < r->max_chunks))
        return NULL;
    r->oldest = c->next;
    r->chunks--;
    return c;
}

static void begin_chunk(struct ring *r, struct cpu *cpu)
{
    struct chunk *c = take_oldest(r, cpu), *more;

    while (c && (more = take_oldest(r, cpu))) {
        chunk_free(c);
        c = more;
    }
    if (!c)
        c = chunk_new();
    memset(c->word, 0, RING_CHUNK_BYTES);
    g_byte_array_set_size(c->kept, 0);
    c->kept_words = 0;
    c->icount = cpu->icount;
    c->next = NULL;
    if (r->current)
        r->current->next = c;
    else
        r->oldest = c;
    r->current = c;
    r->chunks++;
    c->word[0] = r->context;
    cpu->ring_at = &c->word[1];
}

struct ring *ring_new(struct cpu *cpu, unsigned n)
{
    struct ring *r;

    if (!n)
        return NULL;
    r = g_new0(struct ring, 1);
    r->size = n;
    /* blocks of one instruction, a context and a delivery for each */
    r->max_chunks = (unsigned)((uint64_t)n * 3 / (CHUNK_WORDS - 1)) + 3;
    r->context = KIND_CONTEXT;
    begin_chunk(r, cpu);
    cpu->ring_high = RING_CONTEXT_NEW;
    return r;
}

void ring_free(struct ring *r)
{
    if (!r)
        return;
    while (r->oldest) {
        struct chunk *c = r->oldest;

        r->oldest = c->next;
        chunk_free(c);
    }
    g_free(r);
}

/* ---- noting ---- */

static void put(struct cpu *cpu, uint64_t word)
{
    if (!((uintptr_t)cpu->ring_at & (RING_CHUNK_BYTES - 1))) {
        begin_chunk(cpu->ring, cpu);
        if (unlikely(cpu->icount >= atomic_load(&cpu->mark)))
            cpu_set_event(cpu, EV_MARK);
    }
    *cpu->ring_at++ = word;
}

static void put_context(struct cpu *cpu, uint64_t rip)
{
    bool code64 = cpu_code64(cpu);
    uint32_t high = code64 ? (uint32_t)(rip >> 32) : (uint32_t)cpu->code_base;
    uint64_t word = (uint64_t)high << 32 | (uint64_t)cpu->seg[SEG_CS].sel << 16 |
                    (uint64_t)(cpu->cpl & 3) << 14 | (uint64_t)code64 << 13 | KIND_CONTEXT;

    if (word != cpu->ring->context) {
        cpu->ring->context = word;
        put(cpu, word);
    }
    cpu->ring_high = rip >> 32;
}

static unsigned length(const struct block *b, unsigned k)
{
    return (k + 1u < b->n ? b->insns[k + 1].off : b->len) - b->insns[k].off;
}

/* A word for a copy of it. */
static uint64_t keep(struct chunk *c, const struct block *b)
{
    const struct kept head = {
        .n = (uint8_t)b->n, .len = (uint8_t)b->len, .mode = b->mode & MODE_CODE};
    uint64_t at = c->kept->len;

    g_byte_array_append(c->kept, (const guint8 *)&head, sizeof(head));
    for (unsigned k = 0; k < b->n; k++) {
        uint8_t len = (uint8_t)length(b, k);

        g_byte_array_append(c->kept, &len, 1);
    }
    g_byte_array_append(c->kept, block_code(b), b->len);
    return at << 6 | KIND_KEPT;
}

void ring_block(struct cpu *cpu, const struct block *b)
{
    uint64_t rip = cpu->gpr[REG_RIP];

    if (cpu->ring_high != rip >> 32)
        put_context(cpu, rip);
    if (blocks_cached(cpu, b)) {
        put(cpu, ring_word(b->insns, rip));
        return;
    }
    put(cpu, KIND_LEFT); /* may begin a chunk, which is the one to hold the copy */
    cpu->ring_at[-1] = keep(cpu->ring->current, b) | rip << 32;
}

void ring_left(struct cpu *cpu, const struct insn *i, bool begun)
{
    put(cpu, (uint64_t)(i - cpu->cur_block->insns + begun) << 32 | KIND_LEFT);
}

void ring_event(struct cpu *cpu, const struct cpu_event *ev, uint64_t rip)
{
    put_context(cpu, rip);
    put(cpu, rip << 32 | (uint64_t)ev->vector << 8 | KIND_EVENT);
}

/* Each block once in each chunk. */
static void keep_chunk(struct chunk *c, struct cpu *cpu)
{
    GHashTable *known = g_hash_table_new(NULL, NULL);
    unsigned end = c == cpu->ring->current ? (unsigned)(cpu->ring_at - c->word) : CHUNK_WORDS;

    for (unsigned k = c->kept_words; k < end; k++) {
        uint32_t low = (uint32_t)c->word[k];
        gpointer at;

        if ((low & KIND_MASK) != KIND_BLOCK)
            continue;
        if (!g_hash_table_lookup_extended(known, GUINT_TO_POINTER(low), NULL, &at)) {
            at = GUINT_TO_POINTER((guint)keep(c, blocks_of_insns(cpu, low)));
            g_hash_table_insert(known, GUINT_TO_POINTER(low), at);
        }
        c->word[k] = (c->word[k] & ~UINT64_C(0xffffffff)) | GPOINTER_TO_UINT(at);
    }
    c->kept_words = end;
    g_hash_table_unref(known);
}

void ring_keep_blocks(struct cpu *cpu)
{
    for (struct chunk *c = cpu->ring->oldest; c; c = c->next) {
        if (c->kept_words < CHUNK_WORDS)
            keep_chunk(c, cpu);
    }
}

/* ---- telling ---- */

/* What a word says of a block, wherever that is. */
struct told_block {
    const uint8_t *len, *code; /* len: NULL where it lives */
    const struct block *b;
    unsigned n, mode;
};

static struct told_block look(const struct cpu *cpu, const struct chunk *c, uint64_t word)
{
    struct told_block t = {0};

    if ((word & KIND_MASK) == KIND_BLOCK) {
        t.b = blocks_of_insns(cpu, (uint32_t)word);
        t.n = t.b->n;
        t.mode = t.b->mode;
        t.code = block_code(t.b);
    } else {
        const struct kept *k = (const struct kept *)&c->kept->data[(uint32_t)word >> 6];

        t.n = k->n;
        t.mode = k->mode;
        t.len = (const uint8_t *)(k + 1);
        t.code = t.len + k->n;
    }
    return t;
}

struct teller {
    const struct cpu *cpu;
    struct context context;
    uint64_t seen; /* instructions so far */
    uint64_t skip; /* of these are not told */
    FILE *f;       /* NULL: they are only counted */
};

static void set_context(struct teller *t, uint64_t word)
{
    t->context = (struct context){.sel = (uint16_t)(word >> 16),
                                  .cpl = word >> 14 & 3,
                                  .code64 = word >> 13 & 1,
                                  .high = (uint32_t)(word >> 32)};
}

static uint64_t whole_rip(const struct teller *t, uint64_t word)
{
    return (t->context.code64 ? (uint64_t)t->context.high << 32 : 0) | word >> 32;
}

static void tell_place(const struct teller *t, uint64_t rip)
{
    uint64_t base = t->context.code64 ? 0 : t->context.high;
    char name[128];

    fprintf(t->f, "cpu%u %u %04x:%016" PRIx64, t->cpu->id, t->context.cpl, t->context.sel, rip);
    if (symbols_name(base + rip, name, sizeof(name)))
        fprintf(t->f, " <%s>", name);
}

static void tell_block(struct teller *t, const struct chunk *c, uint64_t word, unsigned begun)
{
    struct told_block b = look(t->cpu, c, word);
    uint64_t rip = whole_rip(t, word);

    for (unsigned k = 0, off = 0; k < b.n && k < begun; k++) {
        unsigned len = b.len ? b.len[k] : length(b.b, k);
        char text[128];

        if (t->seen++ >= t->skip && t->f) {
            disas(b.code + off, len, b.mode, rip + off, text, sizeof(text));
            tell_place(t, rip + off);
            fprintf(t->f, " %s\n", text);
        }
        off += len;
    }
}

static void tell_event(const struct teller *t, uint64_t word)
{
    if (!t->f || t->seen < t->skip)
        return;
    tell_place(t, whole_rip(t, word));
    fprintf(t->f, " -- vector %02x\n", (unsigned)(word >> 8) & 0xff);
}

/* The words of a chunk; `then` is the word behind its last. */
static void tell_chunk(struct teller *t, const struct chunk *c, unsigned end, uint64_t then)
{
    for (unsigned k = 0; k < end; k++) {
        uint64_t word = c->word[k], next = k + 1 < end ? c->word[k + 1] : then;
        unsigned begun = (next & KIND_MASK) == KIND_LEFT ? (unsigned)(next >> 32) : BLOCK_MAX_INSNS;

        switch (word & KIND_MASK) {
        case KIND_CONTEXT: set_context(t, word); break;
        case KIND_EVENT: tell_event(t, word); break;
        case KIND_BLOCK:
        case KIND_KEPT: tell_block(t, c, word, begun); break;
        }
    }
}

static void tell_all(struct teller *t)
{
    const struct ring *r = t->cpu->ring;

    t->seen = 0;
    for (const struct chunk *c = r->oldest; c; c = c->next) {
        unsigned end = c->next ? CHUNK_WORDS : (unsigned)(t->cpu->ring_at - c->word);

        /* its first word is a context */
        tell_chunk(t, c, end, c->next ? c->next->word[1] : KIND_CONTEXT);
    }
}

unsigned ring_tell(const struct cpu *cpu, unsigned n, FILE *f)
{
    struct teller t = {.cpu = cpu};

    n = MIN(n, cpu->ring->size);
    tell_all(&t);
    t.skip = t.seen > n ? t.seen - n : 0;
    t.f = f;
    tell_all(&t);
    return (unsigned)(t.seen - t.skip);
}
