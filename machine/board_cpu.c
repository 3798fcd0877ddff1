/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CPU's hooks into the board; see board_cpu.h. Each takes the device lock for its duration. */
#include "machine/board_cpu.h"

#include "base/error.h"
#include "base/lock.h"
#include "cpu/cpuid.h"
#include "cpu/flags.h"
#include "cpu/fpu.h"
#include "cpu/mmu_shadow/dirty_log.h"
#include "cpu/mmu_shadowed.h"
#include "devices/pc/apic_bus.h"
#include "devices/pc/coproc_error.h"
#include "devices/pc/pic.h"
#include "machine/icount.h"
#include "machine/insn_limit.h"
#include "machine/kernel_entry.h"

/* Misses in a vCPU's TLB from one audit of the shadow MMU to the next, unless the user says. */
#ifdef PENUMBRA_DEBUG
#define AUDIT_EVERY 50000
#else
#define AUDIT_EVERY 0
#endif

/* Into a hook: out of guest mode, since the lock may take long, then under the device lock. The
 * value is for hook_end. */
static bool hook_begin(struct board_cpu *c)
{
    bool inside = cpu_leave_guest(c->cpu);

    lock_take(c->board->lock);
    c->board->current = c;
    if (c->board->icount)
        icount_sync(c->board->icount);
    return inside;
}

static void hook_end(struct board_cpu *c, bool inside)
{
    c->board->current = NULL;
    lock_drop(c->board->lock);
    if (inside)
        cpu_enter_guest(c->cpu);
}

static uint64_t port_read(void *opaque, uint16_t port, unsigned size)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);
    uint64_t v;

    v = bus_read(c->board->ports, port, size);
    hook_end(c, inside);
    return v;
}

static void port_write(void *opaque, uint16_t port, uint64_t val, unsigned size)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);

    bus_write(c->board->ports, port, val, size);
    hook_end(c, inside);
}

static uint64_t mmio_read(void *opaque, gpa_t gpa, unsigned size)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);
    uint64_t v;

    v = bus_read(c->board->mmio, gpa, size);
    hook_end(c, inside);
    return v;
}

static void mmio_write(void *opaque, gpa_t gpa, uint64_t val, unsigned size)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);

    bus_write(c->board->mmio, gpa, val, size);
    hook_end(c, inside);
}

static int int_ack(void *opaque)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);
    int vector;

    vector = apic_ack(c->apic);
    hook_end(c, inside);
    return vector;
}

static uint8_t get_cr8(void *opaque)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);
    uint8_t v;

    v = (uint8_t)apic_get_tpr(c->apic);
    hook_end(c, inside);
    return v;
}

static void set_cr8(void *opaque, uint8_t tpr)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);

    apic_set_tpr(c->apic, tpr);
    hook_end(c, inside);
}

static uint64_t get_apic_base(void *opaque)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);
    uint64_t v;

    v = apic_base_read(c->apic);
    hook_end(c, inside);
    return v;
}

static bool set_apic_base(void *opaque, uint64_t val)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);
    bool ok;

    ok = apic_base_write(c->apic, val);
    hook_end(c, inside);
    return ok;
}

static bool apic_msr_get(void *opaque, uint32_t index, uint64_t *val)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);
    bool ok;

    ok = apic_msr_read(c->apic, index, val);
    hook_end(c, inside);
    return ok;
}

static bool apic_msr_set(void *opaque, uint32_t index, uint64_t val)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);
    bool ok;

    ok = apic_msr_write(c->apic, index, val);
    hook_end(c, inside);
    return ok;
}

static uint64_t get_tsc_deadline(void *opaque)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);
    uint64_t v;

    v = apic_tsc_deadline_read(c->apic);
    hook_end(c, inside);
    return v;
}

static void set_tsc_deadline(void *opaque, uint64_t tsc)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);

    apic_tsc_deadline_write(c->apic, tsc);
    hook_end(c, inside);
}

/* The chipset knows one SMIACT#: SMRAM is there for all while one processor is in SMM. */
static void show_smram(struct board *b)
{
    bool any = false;

    for (unsigned n = 0; n < b->n_cpus; n++)
        any |= b->cpu[n].in_smm;
    memory_set_smm(&b->mem, any);
}

static void smm_changed(void *opaque, bool in_smm)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);

    c->in_smm = in_smm;
    show_smram(c->board);
    hook_end(c, inside);
}

static int64_t now(void *opaque)
{
    struct board_cpu *c = opaque;

    return c->board->icount ? icount_now(c->board->icount) : clock_now(c->board->clock);
}

static void ferr(void *opaque, bool level)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);

    irq_set(coproc_error_ferr_input(c->board->coproc_error), level);
    hook_end(c, inside);
}

/* With the device lock, so that no device writes, and with the other vCPUs outside guest mode. */
static void sample(void *opaque)
{
    struct board_cpu *c = opaque;

    profile_take(c->board->profile, c->cpu);
}

static void audit(void *opaque)
{
    struct board_cpu *c = opaque;
    bool inside = hook_begin(c);

    cpu_group_pause(c->board->group, c->cpu);
    mmu_shadow_audit(c->board->shadow);
    c->board->audits++;
    cpu_group_resume(c->board->group);
    hook_end(c, inside);
}

static void wait_for_event(void *opaque)
{
    struct board_cpu *c = opaque;

    vcpu_sleep(c->vcpu);
}

static void wait_a_while(void *opaque, int64_t ns)
{
    struct board_cpu *c = opaque;

    vcpu_nap(c->vcpu, ns);
}

/* The map changed: on return nobody uses the old one. Translations go now; decoded code, which
 * holds no host address, before each vCPU's next block, unless the memory is the same. */
static void map_changed(void *opaque, const struct memslots *was, const struct memslots *now)
{
    struct board *b = opaque;

    for (unsigned n = 0; n < b->n_cpus && !memslots_same_memory(was, now); n++)
        cpu_set_event(b->cpu[n].cpu, EV_FLUSH);
    cpu_group_flush(b->group, b->current ? b->current->cpu : NULL);
    if (b->shadow)
        mmu_shadow_synchronize(b->shadow);
}

static void tracked_written(void *opaque, gpa_t gpa, size_t len)
{
    struct board *b = opaque;

    cpu_group_code_written(b->group, NULL, gpa, len);
    if (b->shadow)
        mmu_shadow_written(b->shadow, gpa, len);
}

/* ---- the dirty log ---- */

static void protect_for_log(void *opaque, const struct memslot *s, uint64_t first, uint64_t mask)
{
    struct board *b = opaque;

    mmu_shadow_write_protect(b->shadow, s, first, mask);
}

static void flush_for_log(void *opaque)
{
    struct board *b = opaque;

    cpu_group_flush(b->group, NULL);
}

static bool all_stopped(void *opaque)
{
    struct board *b = opaque;

    for (unsigned n = 0; n < b->n_cpus; n++) {
        if (atomic_load(&b->cpu[n].cpu->inside))
            return false;
    }
    return true;
}

static void mark(void *opaque)
{
    struct board_cpu *c = opaque;

    insn_limit_reached(c->board, c->cpu);
}

static struct cpu *new_cpu(struct board *b, unsigned n)
{
    const struct cpu_config cfg = {
        .id = n,
        .model = b->cfg.cpu_model,
        .slots = b->mem.slots,
        .mmu = &mmu_walk_ops,
        .cores = b->cfg.cores,
        .threads = b->cfg.threads,
        .tsc_khz = BOARD_TSC_KHZ,
        .ring = b->cfg.ring,
        .counted = b->cfg.icount,
        .seed = n,
        .group = b->group,
        .hooks =
            {
                .opaque = &b->cpu[n],
                .port_read = port_read,
                .port_write = port_write,
                .mmio_read = mmio_read,
                .mmio_write = mmio_write,
                .int_ack = int_ack,
                .get_cr8 = get_cr8,
                .set_cr8 = set_cr8,
                .get_apic_base = get_apic_base,
                .set_apic_base = set_apic_base,
                .apic_msr_read = apic_msr_get,
                .apic_msr_write = apic_msr_set,
                .get_tsc_deadline = get_tsc_deadline,
                .set_tsc_deadline = set_tsc_deadline,
                .smm_changed = smm_changed,
                .ferr = n == 0 ? ferr : NULL, /* the board has one such line */
                .now = now,
                .wait_for_event = wait_for_event,
                .wait_a_while = wait_a_while,
                .audit = b->shadow ? audit : NULL,
                .sample = b->profile ? sample : NULL,
                .mark = mark,
            },
    };

    return cpu_new(&cfg);
}

bool board_cpus_new(struct board *b, GError **err)
{
    unsigned cpus = b->cfg.cpus ? b->cfg.cpus : 1;
    struct dirty_protect protect = {.opaque = b, .flush = flush_for_log, .stopped = all_stopped};

    b->group = cpu_group_new();
    b->profile = b->cfg.profile ? profile_new() : NULL;
    if (cpus > MACHINE_MAX_CPUS) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION, "%u CPUs: at most %d are supported",
                    cpus, MACHINE_MAX_CPUS);
        return false;
    }
    if (!b->cfg.mmu || strcmp(b->cfg.mmu, "walk")) {
        b->shadow = mmu_shadow_new(b->group, b->mem.slots);
        mmu_shadow_audit_every(b->shadow, b->cfg.audit_every ? b->cfg.audit_every : AUDIT_EVERY);
        protect.protect = protect_for_log;
    }
    memslots_set_dirty_protect(b->mem.slots, &protect);
    for (unsigned n = 0; n < cpus; n++) {
        b->cpu[n].board = b;
        b->cpu[n].cpu = new_cpu(b, n);
        if (!b->cpu[n].cpu) {
            g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION, "unknown CPU model '%s'",
                        b->cfg.cpu_model);
            return false;
        }
        if (b->shadow)
            mmu_shadow_attach(b->cpu[n].cpu, b->shadow);
        b->n_cpus++;
    }
    memslots_set_hooks(b->mem.slots, b, map_changed, tracked_written);
    return true;
}

void board_cpus_free(struct board *b)
{
    for (unsigned n = 0; b->shadow && n < b->n_cpus; n++)
        mmu_shadow_detach(b->cpu[n].cpu);
    mmu_shadow_free(b->shadow);
    while (b->n_cpus)
        cpu_free(b->cpu[--b->n_cpus].cpu);
    cpu_group_free(b->group);
    profile_free(b->profile);
}

void board_cpus_reset(struct board *b)
{
    for (unsigned n = 0; n < b->n_cpus; n++) {
        b->cpu[n].in_smm = false;
        cpu_reset(b->cpu[n].cpu, n == 0, false);
        b->cpu[n].cpu->tsc_offset = b->cpu[0].cpu->tsc_offset; /* they count as one */
    }
    show_smram(b);
}

void board_apic_notify(void *opaque, enum apic_event ev, unsigned arg)
{
    struct board_cpu *c = opaque;

    switch (ev) {
    case APIC_EVENT_INTR:
        if (arg)
            cpu_set_event(c->cpu, EV_INTR);
        else
            cpu_clear_event(c->cpu, EV_INTR);
        break;
    case APIC_EVENT_NMI: cpu_set_event(c->cpu, EV_NMI); break;
    case APIC_EVENT_SMI: cpu_set_event(c->cpu, EV_SMI); break;
    case APIC_EVENT_INIT: cpu_set_event(c->cpu, EV_INIT); break;
    case APIC_EVENT_SIPI:
        atomic_store(&c->cpu->sipi_vector, (uint8_t)arg);
        cpu_set_event(c->cpu, EV_SIPI);
        break;
    }
    if (c->vcpu)
        vcpu_wake(c->vcpu);
    else if (c->board->icount)
        icount_wake(c->board->icount);
}

int board_pic_ack(void *opaque)
{
    struct board_cpu *c = opaque;

    return pic_ack(c->board->pic);
}

int64_t board_tsc_to_ns(void *opaque, uint64_t tsc)
{
    struct board_cpu *c = opaque;
    uint64_t ticks = tsc - c->cpu->tsc_offset;

    if ((int64_t)ticks < 0) /* before the clock began: long past */
        return 0;
    if (ticks > (uint64_t)INT64_MAX / 2)
        return INT64_MAX;
    return (int64_t)muldiv64(ticks, 1000000, BOARD_TSC_KHZ) + 1;
}

struct apic *board_current_apic(void *opaque)
{
    struct board *b = opaque;

    return b->current ? b->current->apic : NULL;
}

void board_assert_ignne(void *opaque)
{
    struct board *b = opaque;

    if (b->current == &b->cpu[0]) /* who has FERR# has this */
        fpu_assert_ignne(b->cpu[0].cpu);
}

void board_set_a20(void *opaque, int n, bool level)
{
    struct board *b = opaque;

    (void)n;
    for (unsigned k = 0; k < b->n_cpus; k++)
        cpu_set_a20(b->cpu[k].cpu, level);
}

static void enter_segment(struct cpu *cpu, unsigned n, const struct kernel_segment *s)
{
    cpu->seg[n] =
        (struct segment){.sel = s->selector, .base = s->base, .limit = s->limit, .attr = s->attr};
    cpu_derive_segment(cpu, n, true);
}

void board_cpu_enter(struct board *b, const struct kernel_entry *e)
{
    struct cpu *cpu = b->cpu[0].cpu;

    cpu->cr0 = e->cr0;
    cpu->cr3 = e->cr3;
    cpu->cr4 = e->cr4;
    cpu->efer = e->efer;
    cpu_set_rflags(cpu, e->rflags);
    cpu->gpr[REG_RIP] = e->rip;
    cpu->gpr[REG_RSP] = e->rsp;
    cpu->gpr[REG_RAX] = e->rax;
    cpu->gpr[REG_RBX] = e->rbx;
    cpu->gpr[REG_RCX] = e->rcx;
    cpu->gpr[REG_RDX] = e->rdx;
    cpu->gpr[REG_RSI] = e->rsi;
    cpu->gpr[REG_RDI] = e->rdi;
    cpu->gpr[REG_RBP] = e->rbp;
    cpu->gdtr = (struct table_reg){.base = e->gdt_base, .limit = e->gdt_limit};
    enter_segment(cpu, SEG_CS, &e->cs);
    for (unsigned n = SEG_ES; n <= SEG_GS; n++) {
        if (n != SEG_CS)
            enter_segment(cpu, n, &e->ds);
    }
    cpu_tlb_flush(cpu, true);
    cpu_sync_mode(cpu);
}
