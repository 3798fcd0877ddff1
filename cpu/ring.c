/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ring.h. */
#include "cpu/ring.h"

#include <glib.h>
#include <inttypes.h>

#include "base/symbols.h"
#include "cpu/blocks.h"
#include "cpu/disas.h"

#define EVENT UINT16_MAX /* in `n`: no block, a delivery */

struct entry {
    uint64_t rip, base; /* base makes it linear */
    gpa_t gpa, gpa2; /* as in struct block; of a delivery the vector, and whether it is a fault's */
    uint16_t n;      /* instructions */
    uint16_t sel;
    uint8_t mode, cpl; /* MODE_CODE bits */
};

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

static struct entry *note(struct ring *r, const struct cpu *cpu)
{
    struct entry *e = slot(r, r->next++);

    e->rip = cpu->gpr[REG_RIP];
    e->base = cpu->code_base;
    e->sel = cpu->seg[SEG_CS].sel;
    e->mode = cpu->mode & MODE_CODE;
    e->cpl = cpu->cpl;
    return e;
}

void ring_block(struct ring *r, const struct cpu *cpu, const struct block *b)
{
    struct entry *e = note(r, cpu);

    e->gpa = b->gpa;
    e->gpa2 = b->gpa2;
    e->n = b->n;
}

void ring_event(struct ring *r, const struct cpu *cpu, const struct cpu_event *ev, uint64_t rip)
{
    struct entry *e = note(r, cpu);

    e->rip = rip;
    e->gpa = ev->vector;
    e->gpa2 = ev->kind == EVK_FAULT;
    e->n = EVENT;
}

/* ---- telling ---- */

/* The code bytes of a block from `off` on. */
static size_t code(struct cpu *cpu, const struct entry *e, unsigned off, uint8_t bytes[15])
{
    size_t n = 0;

    for (; n < 15; n++) {
        uint64_t at = (e->gpa & ~PAGE_MASK) + off + n;
        gpa_t page = at < PAGE_SIZE ? e->gpa & PAGE_MASK : e->gpa2;
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
static unsigned tell_block(struct cpu *cpu, const struct entry *e, unsigned skip, uint64_t stop,
                           FILE *f)
{
    unsigned told = 0, off = 0;

    for (unsigned k = 0; k < e->n; k++) {
        uint8_t bytes[15];
        char text[128];
        size_t avail = code(cpu, e, off, bytes);
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

unsigned ring_tell(const struct ring *r, struct cpu *cpu, unsigned n, FILE *f)
{
    uint64_t oldest = r->next > r->size ? r->next - r->size : 0, first = r->next;
    unsigned have = 0, told = 0;

    while (first > oldest && have < n) {
        const struct entry *e = slot(r, --first);

        have += e->n == EVENT ? 0 : e->n;
    }
    for (; first < r->next; first++) {
        const struct entry *e = slot(r, first);
        const struct entry *then = first + 1 < r->next ? slot(r, first + 1) : NULL;
        uint64_t stop = then && then->n == EVENT && then->gpa2 ? then->rip : ~UINT64_C(0);

        if (e->n == EVENT) {
            fprintf(f, "cpu%u %u %04x:%016" PRIx64 " -- vector %02x\n", cpu->id, e->cpl, e->sel,
                    e->rip, (unsigned)e->gpa);
            continue;
        }
        told += tell_block(cpu, e, have > n ? have - n : 0, stop, f);
        have = n; /* only the oldest is cut */
    }
    return told;
}
