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

static void protect(void *opaque, const gfn_t *gfn, unsigned n)
{
    cpu_group_protect(opaque, NULL, gfn, n);
}

/* After a move the lists are empty, but their number may be another. */
static struct slot_pages *pages_of(void *opaque, const struct memslot *slot)
{
    struct slot_pages *p = atomic_load_explicit(&slot->arch->shadow, memory_order_relaxed);

    (void)opaque;
    if (p && p->base == slot->base_gfn)
        return p;
    slot_pages_free(p);
    p = slot_pages_new(slot->base_gfn, slot->npages);
    atomic_store_explicit(&slot->arch->shadow, p, memory_order_release);
    return p;
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
        .opaque = group, .protect = protect, .pages = pages_of, .leave = leave, .enter = enter};
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

void mmu_shadow_written(struct shadow_mmu *m, gpa_t gpa, size_t len)
{
    shadow_written(m, NULL, gpa, (unsigned)len);
}

void mmu_shadow_write_protect(void *opaque, const struct memslot *s, uint64_t first, uint64_t mask)
{
    const struct slot_pages *p = atomic_load_explicit(&s->arch->shadow, memory_order_acquire);

    (void)opaque;
    if (p && p->base == s->base_gfn) /* else nothing is mapped yet */
        shadow_write_protect(p, first, mask);
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
    union paging_role role;

    if (likely(!cpu->paging_new && p->a20_mask == cpu->a20_mask))
        return;
    cpu->paging_new = false;
    role = role_of(cpu);
    if (role.word != p->role.word)
        guest_paging_set_role(p, role);
    p->cr3 = cpu->cr3;
    memcpy(p->pdpte, cpu->pdpte, sizeof(p->pdpte));
    p->a20_mask = cpu->a20_mask;
    shadow_new_paging(cpu->shadow);
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
                             .logged = x.writable};
    return 0;
}

static void invlpg(struct cpu *cpu, gva_t va)
{
    if ((cpu->cr0 & CR0_PG) && !cpu->paging_new)
        shadow_invlpg(cpu->shadow, va);
}

static void written(struct cpu *cpu, gpa_t gpa, unsigned len)
{
    shadow_written(cpu->shadow->mmu, cpu->shadow, gpa, len);
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
