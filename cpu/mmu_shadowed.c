/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See mmu_shadowed.h: between struct cpu, which the shadow MMU does not know, and the MMU. */
#include "cpu/mmu_shadowed.h"

#include <glib.h>

#include "cpu/features.h"
#include "cpu/group.h"
#include "cpu/mmu_direct.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "cpu/mmu_shadow/slot_pages.h"

#define PAGE_LIMIT 8192u /* shadow pages, some 70 MB */

/* One a machine. */
struct mmu_shadow {
    struct cpu_group *group;
    struct memslots_vm *slots;
    struct shadow_mmu *paged;
    struct mmu_direct *direct;
    struct cpu *first;    /* that is attached */
    unsigned audit_every; /* misses in the TLB; 0: never */
    bool log_only;        /* the change of slots under way is of logs alone; the device lock */
    uint64_t begun[MEMSLOT_IDS / 64], ended[MEMSLOT_IDS / 64]; /* ... of these slots */
};

/* ---- what the shadow MMU asks of the machine ---- */

static void protect(void *opaque, const gfn_t *gfn, unsigned n)
{
    struct mmu_shadow *m = opaque;

    for (unsigned k = 0; k < n; k++)
        mmu_direct_track(m->direct, gfn[k]);
    cpu_group_protect(m->group, NULL, gfn, n);
}

/* Made when they are needed first; they go with the slot, or when it moves. */
static struct slot_pages *pages_of(void *opaque, const struct memslot *slot)
{
    struct slot_pages *p = atomic_load_explicit(&slot->arch->shadow, memory_order_relaxed);

    (void)opaque;
    if (p)
        return p;
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

/* ---- changes of slots ---- */

/* Which logs begin and end, where that is all that changes. */
static void note_logs(struct mmu_shadow *m, const struct memslots *was, const struct memslots *next)
{
    memset(m->begun, 0, sizeof(m->begun));
    memset(m->ended, 0, sizeof(m->ended));
    for (unsigned k = 0; k < was->used; k++) {
        const struct memslot *a = &was->slot[k], *b = &next->slot[k];

        if (b->flags & ~a->flags)
            m->begun[b->id / 64] |= UINT64_C(1) << (b->id % 64);
        if (a->flags & ~b->flags)
            m->ended[b->id / 64] |= UINT64_C(1) << (b->id % 64);
    }
}

static void before_change(void *opaque, const struct memslots *was, const struct memslots *next)
{
    struct mmu_shadow *m = opaque;

    m->log_only = memslots_same_memory(was, next);
    if (m->log_only) {
        note_logs(m, was, next);
        return;
    }
    shadow_begin_change(m->paged);
    mmu_direct_begin_change(m->direct);
}

void mmu_shadow_forget(struct mmu_shadow *m, struct cpu *self)
{
    shadow_begin_change(m->paged);
    mmu_direct_begin_change(m->direct);
    cpu_group_flush(m->group, self);
    mmu_direct_end_change(m->direct);
    shadow_end_change(m->paged);
}

void mmu_shadow_drop(struct mmu_shadow *m, struct cpu *self, const gfn_t *gfn, unsigned n)
{
    shadow_begin_drop(m->paged, gfn, n);
    mmu_direct_begin_drop(m->direct, gfn, n);
    cpu_group_flush(m->group, self);
    mmu_direct_end_change(m->direct);
    shadow_end_change(m->paged);
}

static void log_changed(struct mmu_shadow *m, const struct memslot *s)
{
    uint64_t bit = UINT64_C(1) << (s->id % 64);

    if (m->begun[s->id / 64] & bit) {
        shadow_log_begun(m->paged, s);
        mmu_direct_log_begun(m->direct, s);
        cpu_group_flush(m->group, NULL);
    }
    if (m->ended[s->id / 64] & bit) {
        shadow_log_ended(m->paged, s);
        mmu_direct_log_ended(m->direct, s);
    }
}

static void after_change(void *opaque, const struct memslots *now)
{
    struct mmu_shadow *m = opaque;

    if (!m->log_only) {
        mmu_direct_end_change(m->direct);
        shadow_end_change(m->paged);
    }
    for (unsigned k = 0; k < now->used && m->log_only; k++)
        log_changed(m, &now->slot[k]);
    if (m->audit_every && m->first)
        cpu_set_event(m->first, EV_AUDIT);
}

void mmu_shadow_synchronize(struct mmu_shadow *m)
{
    lock_take(&m->paged->lock);
    lock_drop(&m->paged->lock);
    mmu_direct_synchronize(m->direct);
}

/* ---- life ---- */

struct mmu_shadow *mmu_shadow_new(struct cpu_group *group, struct memslots_vm *slots)
{
    struct mmu_shadow *m = g_new0(struct mmu_shadow, 1);
    const struct shadow_world world = {
        .opaque = m, .protect = protect, .pages = pages_of, .leave = leave, .enter = enter};

    m->group = group;
    m->slots = slots;
    m->paged = shadow_mmu_new(slots, &world, (union paging_role){0}, PAGE_LIMIT);
    m->direct = mmu_direct_new(group, slots);
    memslots_set_watch(slots, m, before_change, after_change);
    return m;
}

void mmu_shadow_free(struct mmu_shadow *m)
{
    if (!m)
        return;
    memslots_set_watch(m->slots, NULL, NULL, NULL);
    mmu_direct_free(m->direct);
    shadow_mmu_free(m->paged);
    g_free(m);
}

/* ---- others than vCPUs ---- */

void mmu_shadow_written(struct mmu_shadow *m, gpa_t gpa, size_t len)
{
    shadow_written(m->paged, NULL, gpa, (unsigned)len);
}

void mmu_shadow_write_protect(struct mmu_shadow *m, const struct memslot *s, uint64_t first,
                              uint64_t mask)
{
    const struct slot_pages *p = atomic_load_explicit(&s->arch->shadow, memory_order_acquire);

    if (p) /* else nothing is mapped yet */
        shadow_write_protect(p, first, mask);
    mmu_direct_write_protect(m->direct, s, first, mask);
}

void mmu_shadow_audit(struct mmu_shadow *m)
{
    shadow_audit(m->paged);
    mmu_direct_audit(m->direct);
}

void mmu_shadow_audit_every(struct mmu_shadow *m, unsigned every)
{
    m->audit_every = every;
}

void mmu_shadow_stats(struct mmu_shadow *m, struct shadow_stats *out)
{
    lock_take(&m->paged->lock);
    *out = m->paged->stats;
    lock_drop(&m->paged->lock);
    out->recoveries += mmu_direct_count(m->direct).recovered;
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
    r.pke = r.levels >= 4 && (cpu->cr4 & CR4_PKE);
    return r;
}

void mmu_guest_paging(const struct cpu *cpu, struct guest_paging *out)
{
    memset(out, 0, sizeof(*out));
    guest_paging_set_role(out, role_of(cpu));
    out->cr3 = cpu->cr3;
    memcpy(out->pdpte, cpu->pdpte, sizeof(out->pdpte));
    out->pkru = cpu->pkru;
    out->a20_mask = cpu->a20_mask;
}

void mmu_shadow_attach(struct cpu *cpu, struct mmu_shadow *m)
{
    m->paged->features = features_of(cpu);
    cpu->shadow = shadow_vcpu_new(m->paged, cpu);
    cpu->direct = m->direct;
    cpu->audit_in = m->audit_every;
    cpu->audit_every = m->audit_every;
    if (!m->first)
        m->first = cpu;
    cpu->mmu = &mmu_shadow_ops;
    cpu->paging_new = true;
}

void mmu_shadow_detach(struct cpu *cpu)
{
    mmu_direct_release(cpu->direct, cpu);
    cpu->direct = NULL;
    shadow_vcpu_free(cpu->shadow);
    cpu->shadow = NULL;
}

/* Takes over what control registers say, if they say something new. */
static void take_over(struct cpu *cpu)
{
    struct guest_paging *p = &cpu->shadow->paging;
    union paging_role role;

    p->pkru = cpu->pkru; /* judged at each access */
    if (likely(!cpu->paging_new && p->a20_mask == cpu->a20_mask))
        return;
    cpu->paging_new = false;
    mmu_direct_release(cpu->direct, cpu);
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

    if (unlikely(cpu->audit_every) && --cpu->audit_in == 0) {
        cpu->audit_in = cpu->audit_every;
        cpu_set_event(cpu, EV_AUDIT);
    }
    if (!(cpu->cr0 & CR0_PG)) {
        mmu_direct_translate(cpu->direct, cpu, va, acc, out);
        return 0;
    }
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
