/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See lint_tlb.h. */
#include "cpu/lint_tlb.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cpu/lint.h"
#include "cpu/lint_tables.h"
#include "cpu/mmu_shadow/guest_walk.h"
#include "cpu/mmu_shadowed.h"

#define ENTRIES 32768 /* a power of two; one that is pushed out is not known any more */
#define WAITING 8

static const uint8_t shifts[] = {12, 21, 22, 30};

struct entry {
    bool used, global, dirty;
    uint8_t shift, rights, pkey, top, level;
    uint16_t pcid;
    uint32_t all_gen, gen; /* of everything, and of what is not global, when it was made */
    uint32_t pcid_gen;
    gva_t page; /* va >> shift */
    gfn_t gfn;  /* that the page begins at */
    gpa_t gpte_gpa[WALK_MAX_LEVELS];
    uint64_t gpte[WALK_MAX_LEVELS];
};

/* A report that waits for the vCPU to be asked to invalidate. */
struct waiting {
    bool used;
    gva_t va;
    uint64_t since; /* instructions */
    uint64_t place;
    char text[880];
};

struct lint_tlb {
    struct entry entry[ENTRIES];
    uint32_t all_gen, gen; /* go up with each flush */
    uint32_t pcid_gen[4096];
    unsigned sizes; /* bit n: there were entries of shifts[n] */
    struct waiting waiting[WAITING];
    unsigned n_waiting;
};

struct lint_tlb *lint_tlb_new(void)
{
    return g_new0(struct lint_tlb, 1);
}

void lint_tlb_free(struct lint_tlb *t)
{
    g_free(t);
}

static uint16_t pcid_of(const struct cpu *cpu)
{
    return cpu->cr4 & CR4_PCIDE ? cpu->cr3 & 0xfff : 0;
}

/* ---- entries ---- */

static struct entry *slot(struct lint_tlb *t, gva_t page, unsigned shift)
{
    uint64_t h = (page ^ (uint64_t)shift << 58) * UINT64_C(0x9e3779b97f4a7c15);

    return &t->entry[(h >> 40) & (ENTRIES - 1)];
}

static bool alive(const struct lint_tlb *t, const struct entry *e)
{
    return e->used && e->all_gen == t->all_gen &&
           (e->global || (e->gen == t->gen && e->pcid_gen == t->pcid_gen[e->pcid]));
}

static struct entry *find_size(struct lint_tlb *t, gva_t va, unsigned shift, uint16_t pcid,
                               bool globals)
{
    struct entry *e = slot(t, va >> shift, shift);
    bool ours = (e->global && globals) || (!e->global && e->pcid == pcid);

    return alive(t, e) && e->shift == shift && e->page == va >> shift && ours ? e : NULL;
}

static struct entry *find(struct lint_tlb *t, gva_t va, uint16_t pcid)
{
    struct entry *e = NULL;

    for (unsigned k = 0; !e && k < ARRAY_SIZE(shifts); k++) {
        if (t->sizes >> k & 1)
            e = find_size(t, va, shifts[k], pcid, true);
    }
    return e;
}

static void insert(struct cpu *cpu, const struct guest_paging *p, gva_t va,
                   const struct guest_walk *gw)
{
    struct lint_tlb *t = cpu->lint_tlb;
    unsigned shift = guest_level_shift(p->role, gw->level);
    uint16_t pcid = pcid_of(cpu);
    struct entry *e = slot(t, va >> shift, shift);

    for (unsigned k = 0; k < ARRAY_SIZE(shifts); k++)
        t->sizes |= (shifts[k] == shift) << k;
    *e = (struct entry){
        .used = true,
        .global = gw->global,
        .dirty = gw->dirty,
        .shift = (uint8_t)shift,
        .rights = gw->rights[gw->level - 1],
        .pkey = gw->pkey,
        .top = (uint8_t)gw->top,
        .level = (uint8_t)gw->level,
        .pcid = pcid,
        .all_gen = t->all_gen,
        .gen = t->gen,
        .pcid_gen = t->pcid_gen[pcid],
        .page = va >> shift,
        .gfn = gw->gfn - ((va & ((UINT64_C(1) << shift) - 1)) >> PAGE_SHIFT),
    };
    memcpy(e->gpte_gpa, gw->gpte_gpa, sizeof(e->gpte_gpa));
    memcpy(e->gpte, gw->gpte, sizeof(e->gpte));
    for (unsigned level = gw->level; level <= gw->top; level++)
        lint_tables_note(cpu, gw->gpte_gpa[level - 1], p->role.levels == 2 ? 4 : 8,
                         gw->gpte[level - 1]);
}

/* ---- reports ---- */

/* The first entry of the way down that is not what it was; 0: none. */
static unsigned changed_level(struct cpu *cpu, const struct guest_paging *p, const struct entry *e,
                              uint64_t *now)
{
    for (unsigned level = e->top; level >= e->level; level--) {
        const void *at = memslots_ptr(cpu->slots, e->gpte_gpa[level - 1]);

        *now = !at                   ? 0
               : p->role.levels == 2 ? __atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED)
                                     : __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED);
        if ((*now ^ e->gpte[level - 1]) & ~(GPTE_A | GPTE_D))
            return level;
    }
    return 0;
}

static const char *kind_of(unsigned acc)
{
    return acc & ACC_X ? "fetch from" : acc & ACC_W ? "write to" : "read of";
}

/* What the access would do now and by the old translation. */
static void compose(struct cpu *cpu, const struct guest_paging *p, const struct entry *e, gva_t va,
                    unsigned acc, const struct guest_walk *now, char *buf, size_t size)
{
    gfn_t old = e->gfn + ((va & ((UINT64_C(1) << e->shift) - 1)) >> PAGE_SHIFT);
    unsigned width = p->role.levels == 2 ? 8 : 16;
    uint64_t value = 0;
    unsigned level = changed_level(cpu, p, e, &value);
    struct lint_change c;
    int n = snprintf(buf, size, "%s %" PRIx64 ": a TLB may still have it at physical %" PRIx64,
                     kind_of(acc), va, old << PAGE_SHIFT);

    if (now)
        n += snprintf(buf + n, size - (size_t)n, ", it is at %" PRIx64 " now",
                      now->gfn << PAGE_SHIFT);
    else
        n += snprintf(buf + n, size - (size_t)n, ", it faults now");
    if (!level)
        return;
    n += snprintf(buf + n, size - (size_t)n,
                  "; %s entry at %" PRIx64 " was %0*" PRIx64 " and is %0*" PRIx64,
                  lint_level_name(level), e->gpte_gpa[level - 1], (int)width, e->gpte[level - 1],
                  (int)width, value);
    if (lint_tables_last_change(cpu, e->gpte_gpa[level - 1], &c)) {
        char text[200];

        lint_insn_text(cpu, c.rip, text, sizeof(text));
        snprintf(buf + n, size - (size_t)n, " since cpu%u at %s", c.cpu, text);
    }
}

/* Did this vCPU itself change it? Where nobody was seen to, a single one must have. */
static bool changed_here(struct cpu *cpu, const struct guest_paging *p, const struct entry *e)
{
    uint64_t now;
    unsigned level = changed_level(cpu, p, e, &now);
    struct lint_change c;

    if (level && lint_tables_last_change(cpu, e->gpte_gpa[level - 1], &c))
        return c.cpu == cpu->id;
    return cpu_group_size(cpu->group) == 1;
}

static void wait_for_invalidation(struct cpu *cpu, gva_t va, const char *text)
{
    struct lint_tlb *t = cpu->lint_tlb;
    char place[280];

    if (t->n_waiting == WAITING)
        return;
    for (unsigned k = 0; k < WAITING; k++) {
        struct waiting *w = &t->waiting[k];

        if (w->used)
            continue;
        *w = (struct waiting){.used = true,
                              .va = va,
                              .since = cpu->icount,
                              .place = cpu->code_base + lint_insn_rip(cpu)};
        lint_insn_text(cpu, lint_insn_rip(cpu), place, sizeof(place));
        snprintf(w->text, sizeof(w->text), "cpu%u %s: %s", cpu->id, place, text);
        t->n_waiting++;
        return;
    }
}

static void judge(struct cpu *cpu, const struct guest_paging *p, const struct entry *e, gva_t va,
                  unsigned acc, const struct guest_walk *now)
{
    char text[560];

    compose(cpu, p, e, va, acc, now, text, sizeof(text));
    if (changed_here(cpu, p, e))
        lint_report(LINT_STALE_TLB, "%s", text);
    else
        wait_for_invalidation(cpu, va, text);
}

/* Those that have waited too long. */
static void tell_overdue(struct cpu *cpu)
{
    struct lint_tlb *t = cpu->lint_tlb;

    for (unsigned k = 0; k < WAITING; k++) {
        struct waiting *w = &t->waiting[k];
        const struct lint_where *here;

        if (!w->used || cpu->icount - w->since < INVALIDATION_DUE)
            continue;
        here = lint_set_where(NULL); /* it was there, not here */
        lint_report_of(LINT_STALE_TLB, w->place, "%s, and no invalidation came", w->text);
        lint_set_where(here);
        w->used = false;
        t->n_waiting--;
    }
}

static void settle(struct lint_tlb *t, bool all, gva_t va, unsigned shift)
{
    for (unsigned k = 0; t->n_waiting && k < WAITING; k++) {
        if (t->waiting[k].used && (all || !((t->waiting[k].va ^ va) >> shift))) {
            t->waiting[k].used = false;
            t->n_waiting--;
        }
    }
}

/* ---- uses ---- */

void lint_tlb_used(struct cpu *cpu, gva_t va, unsigned acc, bool user, bool explicit_ac)
{
    const struct walk_memory mem = {.opaque = cpu, .entry = lint_walk_entry};
    unsigned access = WALK_PROBE | (acc & ACC_W ? WALK_WRITE : 0) | (acc & ACC_X ? WALK_EXEC : 0) |
                      (user ? WALK_USER : 0) | (explicit_ac ? WALK_AC : 0);
    struct lint_tlb *t = cpu->lint_tlb;
    struct guest_paging p;
    struct guest_walk gw;
    struct entry *e;
    bool ok, by_old;
    gfn_t old;

    if (!(cpu->cr0 & CR0_PG))
        return;
    if (t->n_waiting)
        tell_overdue(cpu);
    mmu_guest_paging(cpu, &p);
    ok = guest_walk(&p, &mem, va, access, &gw);
    e = find(t, va, pcid_of(cpu));
    if (!e) {
        if (ok)
            insert(cpu, &p, va, &gw);
        return;
    }
    /* a store by an entry whose D is clear goes by the tables, which it writes */
    by_old = guest_walk_permits(&p, e->rights, e->pkey, access) && (e->dirty || !(acc & ACC_W));
    old = e->gfn + ((va & ((UINT64_C(1) << e->shift) - 1)) >> PAGE_SHIFT);
    if (by_old && ok && gw.gfn == old)
        return;
    if (by_old)
        judge(cpu, &p, e, va, acc, ok ? &gw : NULL);
    e->used = false; /* faults invalidate; what was told is told */
    if (ok)
        insert(cpu, &p, va, &gw);
}

/* ---- flushes ---- */

void lint_tlb_flush(struct cpu *cpu, bool globals_too)
{
    struct lint_tlb *t = cpu->lint_tlb;

    t->gen++;
    t->all_gen += globals_too;
    settle(t, true, 0, 0);
}

void lint_tlb_flush_pcid(struct cpu *cpu, uint16_t pcid)
{
    struct lint_tlb *t = cpu->lint_tlb;

    t->pcid_gen[pcid & 0xfff]++;
    settle(t, true, 0, 0);
}

void lint_tlb_flush_page(struct cpu *cpu, gva_t va, uint16_t pcid, bool globals_too)
{
    struct lint_tlb *t = cpu->lint_tlb;

    for (unsigned k = 0; k < ARRAY_SIZE(shifts); k++) {
        struct entry *e =
            t->sizes >> k & 1 ? find_size(t, va, shifts[k], pcid & 0xfff, globals_too) : NULL;

        if (e) {
            settle(t, false, va, e->shift);
            e->used = false;
        }
    }
    settle(t, false, va, PAGE_SHIFT);
}
