/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CPU's hooks into the board; see board_cpu.h. Each takes the device lock for its duration. */
#include "machine/board_cpu.h"

#include "base/error.h"
#include "base/lock.h"
#include "cpu/cpuid.h"
#include "cpu/flags.h"
#include "cpu/fpu.h"
#include "cpu/mmu.h"
#include "devices/pc/apic_bus.h"
#include "devices/pc/coproc_error.h"
#include "devices/pc/pic.h"
#include "machine/kernel_entry.h"

static uint64_t port_read(void *opaque, uint16_t port, unsigned size)
{
    struct board *b = opaque;
    uint64_t v;

    lock_take(b->lock);
    v = bus_read(b->ports, port, size);
    lock_drop(b->lock);
    return v;
}

static void port_write(void *opaque, uint16_t port, uint64_t val, unsigned size)
{
    struct board *b = opaque;

    lock_take(b->lock);
    bus_write(b->ports, port, val, size);
    lock_drop(b->lock);
}

static uint64_t mmio_read(void *opaque, gpa_t gpa, unsigned size)
{
    struct board *b = opaque;
    uint64_t v;

    lock_take(b->lock);
    v = bus_read(b->mmio, gpa, size);
    lock_drop(b->lock);
    return v;
}

static void mmio_write(void *opaque, gpa_t gpa, uint64_t val, unsigned size)
{
    struct board *b = opaque;

    lock_take(b->lock);
    bus_write(b->mmio, gpa, val, size);
    lock_drop(b->lock);
}

static int int_ack(void *opaque)
{
    struct board *b = opaque;
    int vector;

    lock_take(b->lock);
    vector = apic_ack(b->apic);
    lock_drop(b->lock);
    return vector;
}

static uint8_t get_cr8(void *opaque)
{
    struct board *b = opaque;
    uint8_t v;

    lock_take(b->lock);
    v = (uint8_t)apic_get_tpr(b->apic);
    lock_drop(b->lock);
    return v;
}

static void set_cr8(void *opaque, uint8_t tpr)
{
    struct board *b = opaque;

    lock_take(b->lock);
    apic_set_tpr(b->apic, tpr);
    lock_drop(b->lock);
}

static uint64_t get_apic_base(void *opaque)
{
    struct board *b = opaque;
    uint64_t v;

    lock_take(b->lock);
    v = apic_base_read(b->apic);
    lock_drop(b->lock);
    return v;
}

static bool set_apic_base(void *opaque, uint64_t val)
{
    struct board *b = opaque;
    bool ok;

    lock_take(b->lock);
    ok = apic_base_write(b->apic, val);
    lock_drop(b->lock);
    return ok;
}

static uint64_t get_tsc_deadline(void *opaque)
{
    struct board *b = opaque;
    uint64_t v;

    lock_take(b->lock);
    v = apic_tsc_deadline_read(b->apic);
    lock_drop(b->lock);
    return v;
}

static void set_tsc_deadline(void *opaque, uint64_t tsc)
{
    struct board *b = opaque;

    lock_take(b->lock);
    apic_tsc_deadline_write(b->apic, tsc);
    lock_drop(b->lock);
}

static void smm_changed(void *opaque, bool in_smm)
{
    struct board *b = opaque;

    lock_take(b->lock);
    memory_set_smm(&b->mem, in_smm);
    lock_drop(b->lock);
}

static int64_t now(void *opaque)
{
    struct board *b = opaque;

    return clock_now(b->clock);
}

static void ferr(void *opaque, bool level)
{
    struct board *b = opaque;

    lock_take(b->lock);
    irq_set(coproc_error_ferr_input(b->coproc_error), level);
    lock_drop(b->lock);
}

static void wait_for_event(void *opaque)
{
    struct board *b = opaque;

    vcpu_sleep(b->vcpu);
}

/* The map changed: the vCPU drops its translations before its next block. */
static void map_changed(void *opaque)
{
    struct board *b = opaque;

    cpu_set_event(b->cpu, EV_FLUSH);
}

static void code_written(void *opaque, gpa_t gpa, size_t len)
{
    struct board *b = opaque;

    cpu_note_code_write(b->cpu, gpa, len);
}

bool board_cpu_new(struct board *b, GError **err)
{
    const struct cpu_hooks hooks = {
        .opaque = b,
        .port_read = port_read,
        .port_write = port_write,
        .mmio_read = mmio_read,
        .mmio_write = mmio_write,
        .int_ack = int_ack,
        .get_cr8 = get_cr8,
        .set_cr8 = set_cr8,
        .get_apic_base = get_apic_base,
        .set_apic_base = set_apic_base,
        .get_tsc_deadline = get_tsc_deadline,
        .set_tsc_deadline = set_tsc_deadline,
        .smm_changed = smm_changed,
        .ferr = ferr,
        .now = now,
        .wait_for_event = wait_for_event,
    };
    const struct cpu_config cfg = {
        .id = 0,
        .model = b->cfg.cpu_model,
        .pm = b->mem.pm,
        .mmu = &mmu_walk_ops,
        .hooks = hooks,
        .tsc_khz = BOARD_TSC_KHZ,
    };

    b->cpu = cpu_new(&cfg);
    if (!b->cpu) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION, "unknown CPU model '%s'",
                    b->cfg.cpu_model);
        return false;
    }
    physmem_set_hooks(b->mem.pm, b, map_changed, code_written);
    return true;
}

void board_apic_notify(void *opaque, enum apic_event ev, unsigned arg)
{
    struct board *b = opaque;

    switch (ev) {
    case APIC_EVENT_INTR:
        if (arg)
            cpu_set_event(b->cpu, EV_INTR);
        else
            cpu_clear_event(b->cpu, EV_INTR);
        break;
    case APIC_EVENT_NMI: cpu_set_event(b->cpu, EV_NMI); break;
    case APIC_EVENT_SMI: cpu_set_event(b->cpu, EV_SMI); break;
    case APIC_EVENT_INIT: cpu_set_event(b->cpu, EV_INIT); break;
    case APIC_EVENT_SIPI:
        b->cpu->sipi_vector = (uint8_t)arg;
        cpu_set_event(b->cpu, EV_SIPI);
        break;
    }
    if (b->vcpu)
        vcpu_wake(b->vcpu);
}

int board_pic_ack(void *opaque)
{
    struct board *b = opaque;

    return pic_ack(b->pic);
}

int64_t board_tsc_to_ns(void *opaque, uint64_t tsc)
{
    struct board *b = opaque;
    uint64_t ticks = tsc - (uint64_t)b->cpu->tsc_offset;

    if ((int64_t)ticks < 0) /* before the clock began: long past */
        return 0;
    if (ticks > (uint64_t)INT64_MAX / 2)
        return INT64_MAX;
    return (int64_t)muldiv64(ticks, 1000000, BOARD_TSC_KHZ) + 1;
}

struct apic *board_current_apic(void *opaque)
{
    struct board *b = opaque;

    return b->apic;
}

void board_assert_ignne(void *opaque)
{
    struct board *b = opaque;

    fpu_assert_ignne(b->cpu);
}

void board_set_a20(void *opaque, int n, bool level)
{
    struct board *b = opaque;

    (void)n;
    cpu_set_a20(b->cpu, level);
}

static void enter_segment(struct cpu *cpu, unsigned n, const struct kernel_segment *s)
{
    cpu->seg[n] =
        (struct segment){.sel = s->selector, .base = s->base, .limit = s->limit, .attr = s->attr};
    cpu_derive_segment(cpu, n, true);
}

void board_cpu_enter(struct board *b, const struct kernel_entry *e)
{
    struct cpu *cpu = b->cpu;

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
