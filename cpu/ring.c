/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ring.h. */
#include "cpu/ring.h"

#include <glib.h>
#include <inttypes.h>

#include "base/symbols.h"
#include "cpu/blocks.h"
#include "cpu/disas.h"

/* In `n`, which is else at most a block's length. */
enum {
    SECOND = UINT16_MAX - 2, /* the second page of the block noted before */
    VECTOR,                  /* no block, a delivery … */
    FAULT,                   /* … of a fault */
};

/* Two in a line of the host's cache. */
struct entry {
    uint64_t rip;
    gpa_t gpa;     /* of a delivery the vector */
    uint32_t base; /* makes it linear; 0 in 64-bit mode */
    uint16_t n;    /* instructions */
    uint16_t sel;
    uint8_t mode, cpl; /* MODE_CODE bits */
};
static_assert(sizeof(struct entry) == 32, "as said");

struct ring {
    unsigned size; /* a power of two */
    uint64_t next; /* entries noted so far */
    struct entry entry[];
};

struct ring *ring_new(unsigned n)
{
    unsigned size = 1;
    struct ring *r;

    if (!n)
        return NULL;
    while (size < n && size < 1u << 30)
        size <<= 1;
    r = g_malloc0(sizeof(*r) + size * sizeof(r->entry[0]));
    r->size = size;
    return r;
}

void ring_free(struct ring *r)
{
    g_free(r);
}

static struct entry *slot(const struct ring *r, uint64_t n)
{
    return (struct entry *)&r->entry[n & (r->size - 1)];
}

static void note(struct ring *r, const struct cpu *cpu, uint64_t rip, gpa_t gpa, unsigned n)
{
    *slot(r, r->next++) = (struct entry){.rip = rip,
                                         .gpa = gpa,
                                         .base = (uint32_t)cpu->code_base,
                                         .n = (uint16_t)n,
                                         .sel = cpu->seg[SEG_CS].sel,
                                         .mode = cpu->mode & MODE_CODE,
                                         .cpl = cpu->cpl};
}

void ring_block(struct ring *r, const struct cpu *cpu, const struct block *b)
{
    note(r, cpu, cpu->gpr[REG_RIP], b->gpa, b->n);
    if (unlikely(b->gpa2 != ~UINT64_C(0)))
        note(r, cpu, cpu->gpr[REG_RIP], b->gpa2, SECOND);
}

void ring_event(struct ring *r, const struct cpu *cpu, const struct cpu_event *ev, uint64_t rip)
{
    note(r, cpu, rip, ev->vector, ev->kind == EVK_FAULT ? FAULT : VECTOR);
}

/* ---- telling ---- */

/* The code bytes of a block from `off` on; its second page is gpa2, ~0 when there is none. */
static size_t code(struct cpu *cpu, const struct entry *e, gpa_t gpa2, unsigned off,
                   uint8_t bytes[15])
{
    size_t n = 0;

    for (; n < 15; n++) {
        uint64_t at = (e->gpa & ~PAGE_MASK) + off + n;
        gpa_t page = at < PAGE_SIZE ? e->gpa & PAGE_MASK : gpa2;
        const uint8_t *p;

        if (page == ~UINT64_C(0) || at >= 2 * PAGE_SIZE)
            break;
        p = memslots_ptr(cpu->slots, (page & PAGE_MASK) | (at & ~PAGE_MASK));
        if (!p)
            break;
        bytes[n] = *p;
    }
    return n;
}

static void tell_insn(const struct cpu *cpu, const struct entry *e, uint64_t rip, const char *text,
                      FILE *f)
{
    char name[128], place[136] = "";

    if (symbols_name(e->base + rip, name, sizeof(name)))
        snprintf(place, sizeof(place), " <%s>", name);
    fprintf(f, "cpu%u %u %04x:%016" PRIx64 "%s %s\n", cpu->id, e->cpl, e->sel, rip, place, text);
}

/* Tells a block's instructions but the first `skip`, up to the one at `stop`, which faulted (~0:
 * none did). */
static unsigned tell_block(struct cpu *cpu, const struct entry *e, gpa_t gpa2, unsigned skip,
                           uint64_t stop, FILE *f)
{
    unsigned told = 0, off = 0;

    for (unsigned k = 0; k < e->n; k++) {
        uint8_t bytes[15];
        char text[128];
        size_t avail = code(cpu, e, gpa2, off, bytes);
        size_t len = disas(bytes, avail, e->mode, e->rip + off, text, sizeof(text));

        if (k >= skip) {
            tell_insn(cpu, e, e->rip + off, text, f);
            told++;
        }
        if (!len || e->rip + off == stop) /* without length: what was there is gone */
            break;
        off += (unsigned)len;
    }
    return told;
}

/* The entry before `end`, or one of no instructions. */
static const struct entry *before(const struct ring *r, uint64_t n, uint64_t end)
{
    static const struct entry none;

    return n < end ? slot(r, n) : &none;
}

unsigned ring_tell(const struct ring *r, struct cpu *cpu, unsigned n, FILE *f)
{
    uint64_t oldest = r->next > r->size ? r->next - r->size : 0, first = r->next;
    unsigned have = 0, told = 0;

    while (first > oldest && have < n) {
        const struct entry *e = slot(r, --first);

        have += e->n >= SECOND ? 0 : e->n;
    }
    for (; first < r->next; first++) {
        const struct entry *e = slot(r, first), *then = before(r, first + 1, r->next);
        gpa_t gpa2 = ~UINT64_C(0);

        if (e->n == VECTOR || e->n == FAULT)
            fprintf(f, "cpu%u %u %04x:%016" PRIx64 " -- vector %02x\n", cpu->id, e->cpl, e->sel,
                    e->rip, (unsigned)e->gpa);
        if (e->n >= SECOND)
            continue;
        if (then->n == SECOND) {
            gpa2 = then->gpa;
            then = before(r, first + 2, r->next);
        }
        told += tell_block(cpu, e, gpa2, have > n ? have - n : 0,
                           then->n == FAULT ? then->rip : ~UINT64_C(0), f);
        have = n; /* only the oldest is cut */
    }
    return told;
}
