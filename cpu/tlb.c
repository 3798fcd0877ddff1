/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software TLB as a whole: generations, address spaces by PCID, flushes (SDM 3A 4.10). Entries
 * are looked up in access.h, and filled in access.c.
 */
#include "cpu/tlb.h"

#include "base/lint.h"
#include "base/mutant.h"
#include "cpu/access.h"
#include "cpu/blocks.h"
#include "cpu/lint_tlb.h"
#include "cpu/mmu.h"

/* ---- keys ---- */

void tlb_sync_key(struct cpu *cpu)
{
    bool never = cpu->watching || cpu_alignment_checked(cpu);

    cpu->tlb_key = tlb_key_for(cpu, never ? TLB_CTX_NEVER : tlb_ctx(cpu, 0));
}

static void wipe_tlb(struct cpu *cpu)
{
    memset(cpu->tlb, 0xff, sizeof(cpu->tlb));
    memset(cpu->itlb, 0xff, sizeof(cpu->itlb));
}

/* ---- address spaces ---- */

/*
 * SDM 3A 4.10.1. Each PCID that is in use has a generation of the TLB, and one of the block cache,
 * of its own: a load of CR3 that keeps translations goes back to them. The few that were left last
 * are remembered; what is forgotten gets new ones, which is as good as a flush. Global entries go
 * from one generation to the other (revive).
 */
static uint16_t current_pcid(const struct cpu *cpu)
{
    return cpu->cr4 & CR4_PCIDE ? cpu->cr3 & 0xfff : 0;
}

static void drop_spaces(struct cpu *cpu)
{
    for (unsigned k = 0; k < TLB_SPACES; k++)
        cpu->spaces[k].kept = false;
}

static struct tlb_space *find_space(struct cpu *cpu, uint16_t pcid)
{
    for (unsigned k = 0; k < TLB_SPACES; k++) {
        if (cpu->spaces[k].kept && cpu->spaces[k].pcid == pcid)
            return &cpu->spaces[k];
    }
    return NULL;
}

/* The current one is left: to a free place, or to that of the one left longest ago. */
static void keep_space(struct cpu *cpu)
{
    struct tlb_space *to = &cpu->spaces[0];

    for (unsigned k = 0; k < TLB_SPACES && to->kept; k++) {
        if (!cpu->spaces[k].kept || cpu->spaces[k].left < to->left)
            to = &cpu->spaces[k];
    }
    *to = (struct tlb_space){.kept = true,
                             .pcid = cpu->tlb_pcid,
                             .tlb_gen = cpu->tlb_gen,
                             .bcache_gen = cpu->bcache_gen,
                             .left = cpu->space_switches++};
}

static void new_tlb_generation(struct cpu *cpu)
{
    if (++cpu->tlb_last_gen == TLB_GENS) { /* they come round again */
        cpu->tlb_last_gen = 0;
        wipe_tlb(cpu);
        if (!MUTANT(tlb_spaces_outlive_generations))
            drop_spaces(cpu);
    }
    cpu->tlb_gen = cpu->tlb_last_gen;
    tlb_sync_key(cpu);
}

static void drop_blocks_of_spaces(struct cpu *cpu)
{
    for (unsigned k = 0; k < TLB_SPACES; k++)
        cpu->spaces[k].bcache_gen = 0;
}

static void new_bcache_generation(struct cpu *cpu)
{
    if (++cpu->bcache_last_gen == BCACHE_GENS) {
        cpu->bcache_last_gen = 1;
        memset(cpu->bcache, 0, sizeof(cpu->bcache));
        drop_blocks_of_spaces(cpu);
    }
    cpu->bcache_gen = cpu->bcache_last_gen;
    cpu->bcache_key = cpu_bcache_key(cpu);
}

void cpu_tlb_switch(struct cpu *cpu, bool keep)
{
    uint16_t pcid = current_pcid(cpu);
    struct tlb_space *s = find_space(cpu, pcid), old = {0};

    cpu->paging_new = true; /* also with `keep`: INVPCID may have named this one meanwhile */
    if (unlikely(cpu->lint_tlb) && !keep)
        lint_tlb_flush_pcid(cpu, pcid);
    if (keep && pcid == cpu->tlb_pcid)
        return;
    if (s) {
        old = *s;
        s->kept = false;
    }
    if (pcid != cpu->tlb_pcid)
        keep_space(cpu);
    cpu->tlb_pcid = pcid;
    if (keep && old.kept) {
        cpu->tlb_gen = old.tlb_gen;
        tlb_sync_key(cpu);
    } else {
        new_tlb_generation(cpu);
        old.bcache_gen = 0;
    }
    if (old.bcache_gen) {
        cpu->bcache_gen = old.bcache_gen;
        cpu->bcache_key = cpu_bcache_key(cpu);
    } else {
        new_bcache_generation(cpu);
    }
}

void cpu_tlb_flush_pcid(struct cpu *cpu, uint16_t pcid)
{
    struct tlb_space *s = find_space(cpu, pcid);

    if (unlikely(cpu->lint_tlb))
        lint_tlb_flush_pcid(cpu, pcid);
    if (s)
        s->kept = false; /* its tables are looked at when CR3 is loaded */
    if (pcid == cpu->tlb_pcid)
        cpu_tlb_switch(cpu, false);
}

/* ---- pieces of large pages ---- */

/* The TLB's entries are 4 KiB each; INVLPG must drop all that came of one large page (SDM 3A
 * 4.10.4.1). A filter over the large pages met since the last whole flush spares most INVLPGs the
 * search. */
static unsigned large_bit(gva_t va, unsigned shift)
{
    uint64_t page = (va >> shift) ^ ((uint64_t)shift << 56);

    return (unsigned)(page * UINT64_C(0x9e3779b97f4a7c15) >> 32) % TLB_LARGE_BITS;
}

void tlb_note_large(struct cpu *cpu, gva_t va, unsigned shift)
{
    unsigned bit = large_bit(va, shift);

    cpu->tlb_large[bit / 64] |= UINT64_C(1) << bit % 64;
}

static bool maybe_large(const struct cpu *cpu, gva_t va, unsigned shift)
{
    unsigned bit = large_bit(va, shift);

    return cpu->tlb_large[bit / 64] >> bit % 64 & 1;
}

static void drop_large(struct cpu *cpu, gva_t va, unsigned shift)
{
    for (unsigned k = 0; k < TLB_SIZE; k++) {
        struct tlb_entry *e = &cpu->tlb[k];

        if (!((e->rtag ^ va) >> shift))
            e->rtag = e->wtag = ~UINT64_C(0);
    }
    for (unsigned k = 0; k < ITLB_SIZE; k++) {
        if (!((cpu->itlb[k].tag ^ va) >> shift))
            cpu->itlb[k].tag = ~UINT64_C(0);
    }
}

void cpu_tlb_flush(struct cpu *cpu, bool globals_too)
{
    cpu->paging_new = true;
    if (unlikely(cpu->lint_tlb))
        lint_tlb_flush(cpu, globals_too);
    cpu_tlb_forget(cpu, globals_too);
}

void cpu_tlb_forget(struct cpu *cpu, bool globals_too)
{
    if (globals_too)
        memset(cpu->tlb_large, 0, sizeof(cpu->tlb_large));
    if (globals_too && ++cpu->tlb_global_gen == TLB_GENS) {
        cpu->tlb_global_gen = 0;
        wipe_tlb(cpu);
    }
    if (!MUTANT(tlb_flush_spares_other_spaces))
        drop_spaces(cpu);
    cpu->tlb_pcid = current_pcid(cpu);
    new_tlb_generation(cpu);
    new_bcache_generation(cpu);
}

void cpu_tlb_flush_page(struct cpu *cpu, gva_t va)
{
    static const uint8_t large_shifts[] = {21, 22, 30};
    struct tlb_entry *e = tlb_slot(cpu, va);

    e->rtag = e->wtag = ~UINT64_C(0);
    cpu->itlb[(va >> PAGE_SHIFT) & (ITLB_SIZE - 1)].tag = ~UINT64_C(0);
    for (unsigned k = 0; k < ARRAY_SIZE(large_shifts); k++) {
        if (unlikely(maybe_large(cpu, va, large_shifts[k])))
            drop_large(cpu, va, large_shifts[k]);
    }
    if (cpu->mmu->invlpg)
        cpu->mmu->invlpg(cpu, va);
    if (!MUTANT(invlpg_spares_blocks_of_other_spaces)) /* the page may be global */
        drop_blocks_of_spaces(cpu);
    new_bcache_generation(cpu);
}

void tlb_protect_pages(struct cpu *cpu, const gfn_t *gfn, unsigned n)
{
    for (unsigned k = 0; k < TLB_SIZE; k++) {
        struct tlb_entry *e = &cpu->tlb[k];

        if (e->wtag == ~UINT64_C(0))
            continue;
        for (unsigned g = 0; g < n; g++) {
            if (e->gpa >> PAGE_SHIFT == gfn[g])
                e->wtag |= TLB_SLOW;
        }
    }
}
