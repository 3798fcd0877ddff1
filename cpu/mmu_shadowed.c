/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See mmu_shadowed.h: between struct cpu, which the shadow MMU does not know, and the MMU. */
#include "cpu/mmu_shadowed.h"

#include "cpu/features.h"
#include "cpu/group.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "cpu/mmu_shadow/slot_pages.h"

#define PAGE_LIMIT 8192u /* shadow pages, some 70 MB */

/* ---- what the MMU asks of the machine ---- */

static void flush(void *opaque)
{
    cpu_group_flush(opaque, NULL);
}

/* After a move the lists are empty, but their number may be another. */
static struct slot_pages *pages_of(void *opaque, const struct memslot *slot)
{
    struct slot_pages *p = slot->arch->shadow;

    (void)opaque;
    if (p && p->base == slot->base_gfn)
        return p;
    slot_pages_free(p);
    return slot->arch->shadow = slot_pages_new(slot->base_gfn, slot->npages);
}

static bool leave(void *vcpu)
{
    return cpu_leave_guest(vcpu);
}

static void enter(void *vcpu)
{
    cpu_enter_guest(vcpu);
}

static void before_change(void *opaque)
{
    shadow_begin_change(opaque);
}

static void after_change(void *opaque)
{
    shadow_end_change(opaque);
}

struct shadow_mmu *mmu_shadow_new(struct cpu_group *group, struct memslots_vm *slots)
{
    const struct shadow_world world = {
        .opaque = group, .flush = flush, .pages = pages_of, .leave = leave, .enter = enter};
    struct shadow_mmu *m = shadow_mmu_new(slots, &world, (union paging_role){0}, PAGE_LIMIT);

    memslots_set_watch(slots, m, before_change, after_change);
    return m;
}

void mmu_shadow_free(struct shadow_mmu *m)
{
    if (!m)
        return;
    memslots_set_watch(m->slots, NULL, NULL, NULL);
    shadow_mmu_free(m);
}

/* ---- a vCPU's paging state ---- */

static union paging_role features_of(const struct cpu *cpu)
{
    return (union paging_role){
        .phys_bits = cpu->phys_bits & 63,
        .has_pat = !!(cpu->features & FEAT(PAT)),
        .has_pse36 = !!(cpu->features & FEAT(PSE36)),
        .has_gbpages = !!(cpu->features & FEAT(PDPE1GB)),
    };
}

static union paging_role role_of(const struct cpu *cpu)
{
    union paging_role r = features_of(cpu);

    if (cpu->efer & EFER_LMA)
        r.levels = cpu->cr4 & CR4_LA57 ? 5 : 4;
    else
        r.levels = cpu->cr4 & CR4_PAE ? 3 : 2;
    r.pse = !!(cpu->cr4 & CR4_PSE);
    r.pge = !!(cpu->cr4 & CR4_PGE);
    r.wp = !!(cpu->cr0 & CR0_WP);
    r.nxe = !!(cpu->efer & EFER_NXE);
    r.smep = !!(cpu->cr4 & CR4_SMEP);
    r.smap = !!(cpu->cr4 & CR4_SMAP);
    return r;
}

void mmu_shadow_attach(struct cpu *cpu, struct shadow_mmu *m)
{
    m->features = features_of(cpu);
    cpu->shadow = shadow_vcpu_new(m, cpu);
    cpu->mmu = &mmu_shadow_ops;
    cpu->paging_new = true;
}

void mmu_shadow_detach(struct cpu *cpu)
{
    shadow_vcpu_free(cpu->shadow);
    cpu->shadow = NULL;
}

/* Takes over what control registers say, if they say something new. */
static void take_over(struct cpu *cpu)
{
    struct guest_paging *p = &cpu->shadow->paging;
    union paging_role role = role_of(cpu);
    bool inside;

    if (!cpu->paging_new && role.word == p->role.word && p->a20_mask == cpu->a20_mask)
        return;
    cpu->paging_new = false;
    if (role.word != p->role.word)
        guest_paging_set_role(p, role);
    p->cr3 = cpu->cr3;
    memcpy(p->pdpte, cpu->pdpte, sizeof(p->pdpte));
    p->a20_mask = cpu->a20_mask;
    inside = cpu_leave_guest(cpu);
    shadow_new_paging(cpu->shadow);
    if (inside)
        cpu_enter_guest(cpu);
}

/* ---- struct mmu_ops ---- */

static int translate(struct cpu *cpu, gva_t va, unsigned acc, bool user, bool explicit_ac,
                     struct mmu_xlat *out, uint32_t *err)
{
    unsigned access = (acc & ACC_W ? WALK_WRITE : 0) | (acc & ACC_X ? WALK_EXEC : 0) |
                      (user ? WALK_USER : 0) | (explicit_ac ? WALK_AC : 0);
    struct shadow_xlat x;

    if (!(cpu->cr0 & CR0_PG))
        return mmu_walk_ops.translate(cpu, va, acc, user, explicit_ac, out, err);
    take_over(cpu);
    if (!shadow_translate(cpu->shadow, va, access, &x, err))
        return -1;
    *out = (struct mmu_xlat){.gpa = x.gpa,
                             .writable = x.writable,
                             .global = x.global,
                             .shift = (uint8_t)x.shift,
                             .tracked = x.tracked};
    return 0;
}

static void invlpg(struct cpu *cpu, gva_t va)
{
    bool inside;

    if (!(cpu->cr0 & CR0_PG) || cpu->paging_new)
        return;
    inside = cpu_leave_guest(cpu);
    shadow_invlpg(cpu->shadow, va);
    if (inside)
        cpu_enter_guest(cpu);
}

static void written(struct cpu *cpu, gpa_t gpa, unsigned len)
{
    bool inside = cpu_leave_guest(cpu);

    shadow_written(cpu->shadow->mmu, gpa, len);
    if (inside)
        cpu_enter_guest(cpu);
}

static int probe(struct cpu *cpu, gva_t va, gpa_t *out)
{
    return mmu_walk_ops.probe(cpu, va, out);
}

const struct mmu_ops mmu_shadow_ops = {
    .name = "shadow",
    .translate = translate,
    .probe = probe,
    .invlpg = invlpg,
    .written = written,
};
