/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See walk.h. SDM volume 3A, chapter 4. The walk is the MMU's own (cpu/mmu_shadow/guest_walk.h), as
 * a probe. */
#include "frontends/monitor/walk.h"

#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/mmu_shadow/guest_walk.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadowed.h"
#include "cpu/peek.h"
#include "frontends/monitor/hmp.h"

/* Tables that point to each other would have no end. */
#define MAX_LEAVES (1u << 22)
#define MAX_TABLES (1u << 16)

const char *walk_mode(const struct cpu *cpu)
{
    if (!(cpu->cr0 & CR0_PG))
        return "paging is off";
    if (cpu->efer & EFER_LMA)
        return cpu->cr4 & CR4_LA57 ? "5-level paging" : "4-level paging";
    return cpu->cr4 & CR4_PAE ? "PAE paging" : "32-bit paging";
}

static void *find_entry(void *opaque, gpa_t gpa, bool *writable)
{
    *writable = false; /* a probe sets nothing */
    return memslots_ptr(((struct cpu *)opaque)->slots, gpa);
}

static const char *const level_names[] = {"", "PT", "PD", "PDPT", "PML4", "PML5"};

static void print_flags(uint64_t e, bool leaf, unsigned level, GString *out)
{
    if (!(e & GPTE_P)) {
        g_string_append(out, "not present");
        return;
    }
    g_string_append(out, e & GPTE_W ? "present, writable" : "present, read-only");
    g_string_append(out, e & GPTE_U ? ", user" : ", supervisor");
    if (e & GPTE_NX)
        g_string_append(out, ", no execute");
    g_string_append(out, e & GPTE_A ? ", accessed" : ", not accessed");
    if (leaf)
        g_string_append(out, e & GPTE_D ? ", dirty" : ", not dirty");
    if (leaf && (e & GPTE_G))
        g_string_append(out, ", global");
    if (leaf && level > 1)
        g_string_append(out, ", large page");
    if (e & 8)
        g_string_append(out, ", write-through");
    if (e & 16)
        g_string_append(out, ", cache disabled");
}

static void explain_levels(const struct guest_paging *p, const struct guest_walk *gw, GString *out)
{
    if (!gw->level) /* not even one entry was read */
        return;
    for (unsigned level = gw->top; level >= gw->level; level--) {
        uint64_t e = gw->gpte[level - 1];
        bool leaf = guest_entry_is_leaf(p->role, e, level);

        g_string_append_printf(
            out, "%-4s entry %3u at 0x%09" PRIx64 ": 0x%016" PRIx64 "  ", level_names[level],
            (unsigned)((gw->gpte_gpa[level - 1] & 0xfff) / (p->role.levels == 2 ? 4 : 8)),
            gw->gpte_gpa[level - 1], e);
        print_flags(e, leaf, level, out);
        g_string_append_c(out, '\n');
    }
}

static void explain_fault(uint32_t error, GString *out)
{
    g_string_append_printf(
        out, "page fault, error code 0x%x (%s%s%s%s%s%s)", error,
        error & PF_P ? "protection" : "not present", error & PF_W ? ", write" : ", read",
        error & PF_U ? ", user" : "", error & PF_RSVD ? ", reserved bit" : "",
        error & PF_I ? ", instruction fetch" : "", error & PF_PK ? ", protection key" : "");
}

static void explain_accesses(const struct guest_paging *p, const struct walk_memory *mem, gva_t va,
                             GString *out)
{
    static const struct {
        const char *name;
        unsigned access;
    } accesses[] = {
        {"supervisor read", 0},
        {"supervisor write", WALK_WRITE},
        {"supervisor fetch", WALK_EXEC},
        {"user read", WALK_USER},
        {"user write", WALK_USER | WALK_WRITE},
        {"user fetch", WALK_USER | WALK_EXEC},
    };

    for (unsigned k = 0; k < G_N_ELEMENTS(accesses); k++) {
        struct guest_walk gw;

        g_string_append_printf(out, "%-17s ", accesses[k].name);
        if (guest_walk(p, mem, va, accesses[k].access | WALK_PROBE, &gw))
            g_string_append(out, "is let through");
        else
            explain_fault(gw.error, out);
        g_string_append_c(out, '\n');
    }
}

void walk_explain(struct cpu *cpu, gva_t va, GString *out)
{
    /* every entry reads as in place and is not to be written: see find_entry */
    struct walk_memory mem = {.opaque = cpu, .entry = find_entry};
    struct guest_paging p;
    struct guest_walk gw;
    gpa_t gpa;

    g_string_append_printf(out, "%s", walk_mode(cpu));
    if (!(cpu->cr0 & CR0_PG)) {
        g_string_append_printf(out, ": physical address 0x%" PRIx64 "\n", va & cpu->a20_mask);
        return;
    }
    g_string_append_printf(out, ", CR3 = 0x%" PRIx64 "\n", cpu->cr3);
    if (!cpu_long_mode(cpu))
        va = (uint32_t)va;
    else if (!gva_canonical(cpu, va)) {
        g_string_append_printf(out, "0x%" PRIx64 " is not canonical: #GP (#SS on the stack)\n", va);
        return;
    }
    mmu_guest_paging(cpu, &p);
    if (p.role.levels == 3)
        g_string_append_printf(out, "PDPT entry %u as loaded with CR3: 0x%016" PRIx64 "\n",
                               (unsigned)(va >> 30), p.pdpte[va >> 30 & 3]);
    memset(&gw, 0, sizeof(gw));
    guest_walk(&p, &mem, va, WALK_PROBE, &gw);
    explain_levels(&p, &gw, out);
    if (cpu_peek_gpa(cpu, va, &gpa))
        g_string_append_printf(out,
                               "physical address 0x%" PRIx64 ", in a page of %" PRIu64 " KiB\n",
                               gpa, UINT64_C(1) << (guest_level_shift(p.role, gw.level) - 10));
    explain_accesses(&p, &mem, va, out);
}

/* ---- all of them ---- */

struct lister {
    struct cpu *cpu;
    struct guest_paging p;
    bool merge;
    GString *out;
    unsigned leaves, tables; /* seen so far */
    bool open;               /* merging: from .. to with rights */
    gva_t from, to;
    unsigned rights;
};

static bool too_many(const struct lister *l)
{
    return l->leaves >= MAX_LEAVES || l->tables > MAX_TABLES;
}

static void flush_range(struct lister *l)
{
    if (l->open)
        g_string_append_printf(l->out, "%016" PRIx64 "-%016" PRIx64 " %016" PRIx64 " %c%c%c%c\n",
                               l->from, l->to, l->to - l->from, l->rights & RIGHT_U ? 'u' : '-',
                               'r', l->rights & RIGHT_W ? 'w' : '-',
                               l->rights & RIGHT_X ? 'x' : '-');
    l->open = false;
}

static void add_leaf(struct lister *l, gva_t va, uint64_t e, unsigned level, unsigned rights)
{
    uint64_t size = UINT64_C(1) << guest_level_shift(l->p.role, level);

    if (!l->merge) {
        g_string_append_printf(
            l->out, "%016" PRIx64 ": %012" PRIx64 " %c%c%c%c%c%c%c %s\n", va,
            guest_leaf_gfn(l->p.role, e, level) << PAGE_SHIFT, e & GPTE_NX ? 'X' : '-',
            e & GPTE_G ? 'G' : '-', level > 1 ? 'P' : '-', e & GPTE_D ? 'D' : '-',
            e & GPTE_A ? 'A' : '-', e & GPTE_U ? 'U' : '-', e & GPTE_W ? 'W' : '-',
            level == 1   ? "4K"
            : level == 3 ? "1G"
            : size >> 22 ? "4M"
                         : "2M");
        return;
    }
    if (l->open && l->to == va && l->rights == rights) {
        l->to = va + size;
        return;
    }
    flush_range(l);
    l->open = true;
    l->from = va;
    l->to = va + size;
    l->rights = rights;
}

static void list_table(struct lister *l, gpa_t table, unsigned level, gva_t va, unsigned rights);

static void list_entry(struct lister *l, uint64_t e, unsigned level, gva_t va, unsigned rights)
{
    uint64_t mask = l->p.role.levels == 2 ? UINT64_C(0xfffff000) : UINT64_C(0x000ffffffffff000);

    if (!(e & GPTE_P))
        return;
    rights &= guest_entry_rights(l->p.role, e);
    if (!guest_entry_is_leaf(l->p.role, e, level)) {
        list_table(l, e & mask, level - 1, va, rights);
        return;
    }
    l->leaves++;
    add_leaf(l, va, e, level, rights);
}

static void list_table(struct lister *l, gpa_t table, unsigned level, gva_t va, unsigned rights)
{
    unsigned n = l->p.role.levels == 2 ? 1024 : 512, size = l->p.role.levels == 2 ? 4 : 8;

    const uint8_t *entries = memslots_ptr(l->cpu->slots, table & l->p.a20_mask);

    l->tables++;
    if (!entries)
        return;
    for (unsigned k = 0; k < n; k++) {
        gva_t at = va + ((uint64_t)k << guest_level_shift(l->p.role, level));

        if (too_many(l) || hmp_enough(l->out))
            return;
        if (level == l->p.role.levels && level >= 4 &&
            (at & UINT64_C(1) << (l->cpu->linear_bits - 1)))
            at |= ~UINT64_C(0) << l->cpu->linear_bits;
        list_entry(l, size == 4 ? ld_le32(entries + k * 4) : ld_le64(entries + k * 8), level, at,
                   rights);
    }
}

void walk_list(struct cpu *cpu, bool merge, GString *out)
{
    struct lister l = {.cpu = cpu, .merge = merge, .out = out};

    if (!(cpu->cr0 & CR0_PG)) {
        g_string_append(out, "paging is off\n");
        return;
    }
    mmu_guest_paging(cpu, &l.p);
    if (l.p.role.levels == 3) {
        for (unsigned k = 0; k < 4; k++) {
            if (l.p.pdpte[k] & GPTE_P)
                list_table(&l, l.p.pdpte[k] & UINT64_C(0x000ffffffffff000), 2, (gva_t)k << 30,
                           RIGHT_ALL);
        }
    } else {
        list_table(&l,
                   cpu->cr3 &
                       (l.p.role.levels == 2 ? UINT64_C(0xfffff000) : UINT64_C(0x000ffffffffff000)),
                   l.p.role.levels, 0, RIGHT_ALL);
    }
    flush_range(&l);
    if (too_many(&l))
        g_string_append(out, "(cut off here: too many)\n");
}
