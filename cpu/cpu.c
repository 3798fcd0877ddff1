/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's life: making it, power-on and INIT state (SDM volume 3A, 9.1 and table 9-1), start-up by
 * SIPI, and the derived words (mode, keys, segment checks) that follow from the architectural
 * state.
 */
#include "cpu/cpu.h"

#include <glib.h>

#include "base/clock.h"
#include "base/log.h"
#include "cpu/blocks.h"
#include "cpu/cpuid.h"
#include "cpu/debug.h"
#include "cpu/features.h"
#include "cpu/fetch.h"
#include "cpu/flags.h"
#include "cpu/fpu.h"
#include "cpu/lint.h"
#include "cpu/lint_tlb.h"
#include "cpu/ring.h"

struct cpu *cpu_new(const struct cpu_config *cfg)
{
    struct cpu_spec spec;
    char word[64];
    struct cpu *cpu;

    if (cpu_spec_parse(cfg->model, &spec, word, sizeof(word)) != CPU_SPEC_OK)
        return NULL;
    cpu = aligned_alloc(64, (sizeof(*cpu) + 63) & ~(size_t)63);
    memset(cpu, 0, sizeof(*cpu));
    cpu->id = cfg->id;
    cpu->model = spec.model;
    cpu->features = spec.features;
    cpu->phys_bits = spec.phys_bits;
    memcpy(cpu->vendor, spec.vendor, sizeof(cpu->vendor));
    cpu->cores = cfg->cores;
    cpu->threads = cfg->threads ? cfg->threads : 1;
    cpu->linear_bits_max = cpu->features & FEAT(LA57) ? 57 : 48;
    cpu->tsc_khz = cfg->tsc_khz;
    cpu->portable = cfg->portable;
    cpu->counted = cpu->fixed_random = cfg->counted;
    cpu->random = cfg->seed;
    cpu->slots = cfg->slots;
    cpu->mmu = cfg->mmu;
    cpu->hooks = cfg->hooks;
    atomic_init(&cpu->mark, CPU_NO_MARK);
    cpu->ring = ring_new(cpu, cfg->ring);
    cpu->blocks = blocks_new();
    cpu->own_group = !cfg->group;
    cpu->group = cfg->group ? cfg->group : cpu_group_new();
    cpu_group_add(cpu->group, cpu);
    cpu_lint_init(cpu);
    atomic_store(&cpu->a20_mask, ~UINT64_C(0));
    cpu_reset(cpu, cfg->id == 0, false);
    return cpu;
}

void cpu_free(struct cpu *cpu)
{
    if (!cpu)
        return;
    blocks_free(cpu->blocks);
    ring_free(cpu->ring);
    lint_tlb_free(cpu->lint_tlb);
    cpu_group_remove(cpu->group, cpu);
    if (cpu->own_group)
        cpu_group_free(cpu->group);
    free(cpu);
}

static void reset_segment(struct cpu *cpu, unsigned n, uint16_t sel, uint64_t base, unsigned type)
{
    cpu->seg[n] = (struct segment){
        .sel = sel, .base = base, .limit = 0xffff, .attr = (uint16_t)(SEG_P | type)};
    cpu_derive_segment(cpu, n, true);
}

void cpu_reset(struct cpu *cpu, bool bsp, bool init)
{
    for (unsigned r = 0; r < REG_COUNT; r++)
        cpu->gpr[r] = 0;
    cpu->gpr[REG_4G] = UINT64_C(1) << 32;
    cpu->gpr[REG_RDX] = cpuid_signature(cpu->model);
    cpu->gpr[REG_RIP] = 0xfff0;
    cpu_set_rflags(cpu, 0);
    cpu->cr0 = (init ? cpu->cr0 & (CR0_CD | CR0_NW) : CR0_CD | CR0_NW) | CR0_ET;
    for (unsigned n = SEG_ES; n <= SEG_GS; n++) /* with PE clear: as real mode has them */
        reset_segment(cpu, n, 0, 0, SEG_S | SEG_T_WRITE | SEG_T_ACCESSED);
    reset_segment(cpu, SEG_CS, 0xf000, 0xffff0000,
                  SEG_S | SEG_T_CODE | SEG_T_READ | SEG_T_ACCESSED);
    reset_segment(cpu, SEG_LDT, 0, 0, SYS_LDT);
    reset_segment(cpu, SEG_TR, 0, 0, SYS_TSS32_BUSY);
    cpu->gdtr = cpu->idtr = (struct table_reg){.base = 0, .limit = 0xffff};
    cpu->cr2 = cpu->cr3 = cpu->cr4 = cpu->efer = 0;
    cpu->cpl = 0;
    cpu->inhibit = 0;
    cpu->halted = cpu->monitor.armed = cpu->monitor.waiting = false;
    cpu->wait_sipi = !bsp;
    cpu->nmi_blocked = cpu->shutdown = false;
    if (init && cpu->in_smm && cpu->hooks.smm_changed) /* at power-on the board knows itself */
        cpu->hooks.smm_changed(cpu->hooks.opaque, false);
    cpu->in_smm = false;
    memset(cpu->dr, 0, sizeof(cpu->dr));
    cpu->dr6 = DR6_FIXED;
    cpu->dr7 = DR7_FIXED;
    cpu->pending_db = 0;
    cpu->lint_undef = 0;
    cpu->mid_string = false;
    cpu->last_io.at = UINT64_MAX;
    cpu->exc.pending = false;
    cpu->delivering = -1;
    cpu->cur = NULL;
    fpu_reset(cpu, init);
    if (!init) {
        cpu->pkru = 0;
        cpu->xcr0 = XCR0_X87;
        cpu->xss = 0;
        cpu->smbase = 0x30000;
        cpu->star = cpu->lstar = cpu->cstar = cpu->sfmask = cpu->kernel_gs_base = cpu->tsc_aux = 0;
        cpu->sysenter_cs = cpu->sysenter_esp = cpu->sysenter_eip = 0;
        cpu->tsc_offset = 0;
        cpu->tsc_offset = -cpu_tsc(cpu);
        cpu->tsc_adjust = 0;
        cpu->pat = UINT64_C(0x0007040600070406);
        cpu->misc_enable =
            MISC_ENABLE_FAST_STRINGS | (cpu->features & FEAT(MONITOR) ? MISC_ENABLE_MONITOR : 0);
        cpu->spec_ctrl = 0;
        cpu->feature_control = 1; /* locked, nothing enabled */
        cpu->mtrr_def_type = 0;
        memset(cpu->mtrr_fixed, 0, sizeof(cpu->mtrr_fixed));
        memset(cpu->mtrr_var, 0, sizeof(cpu->mtrr_var));
        cpu->mcg_status = cpu->mcg_ctl = 0;
        memset(cpu->mc_ctl, 0, sizeof(cpu->mc_ctl));
        atomic_store(&cpu->events, 0);
        cpu_tlb_flush(cpu, true);
        blocks_flush(cpu);
    }
    cpu_tlb_flush(cpu, true);
    cpu_sync_mode(cpu);
    atomic_store(&cpu->attention, 1);
}

void cpu_start_at(struct cpu *cpu, uint8_t vector)
{
    cpu->wait_sipi = false;
    cpu->halted = false;
    cpu->seg[SEG_CS].sel = (uint16_t)(vector << 8);
    cpu->seg[SEG_CS].base = (uint64_t)vector << 12;
    cpu_derive_segment(cpu, SEG_CS, true);
    cpu->gpr[REG_RIP] = 0;
    cpu_sync_mode(cpu);
    cpu_recheck_events(cpu);
}

uint64_t cpu_tsc(const struct cpu *cpu)
{
    int64_t ns = cpu->hooks.now ? cpu->hooks.now(cpu->hooks.opaque) : (int64_t)cpu->icount;

    return muldiv64((uint64_t)ns, cpu->tsc_khz, 1000000) + cpu->tsc_offset;
}

void cpu_derive_segment(struct cpu *cpu, unsigned n, bool usable)
{
    struct segment *s = &cpu->seg[n];
    bool code = s->attr & SEG_T_CODE;

    s->ok = 0;
    s->lo = 0;
    s->hi = s->limit;
    if (!usable || !(s->attr & SEG_P))
        return;
    if (!(s->attr & SEG_S)) {
        s->ok = ACC_R | ACC_W;
        return;
    }
    if (cpu_real_or_v86(cpu)) { /* types do not count */
        s->ok = ACC_R | ACC_W | ACC_X;
        return;
    }
    if (code) {
        s->ok = ACC_X | (s->attr & SEG_T_READ ? ACC_R : 0);
        return;
    }
    s->ok = ACC_R | (s->attr & SEG_T_WRITE ? ACC_W : 0);
    if (s->attr & SEG_T_DOWN) {
        s->lo = s->limit + 1;
        s->hi = s->attr & SEG_DB ? 0xffffffffu : 0xffffu;
        if (s->limit >= s->hi)
            s->ok = 0; /* an expand-down segment of that limit is empty */
    }
}

static bool flat_data(const struct segment *s)
{
    return s->base == 0 && s->lo == 0 && s->hi == 0xffffffffu &&
           (s->ok & (ACC_R | ACC_W)) == (ACC_R | ACC_W);
}

static bool flat_code(const struct segment *s)
{
    return s->base == 0 && s->limit == 0xffffffffu && (s->attr & SEG_DB);
}

/* Real and virtual-8086 mode do not look at types: when that changes, the hidden parts stay and the
 * derived ones follow. */
static void rederive(struct cpu *cpu)
{
    bool real = cpu_real_or_v86(cpu);

    if (real == cpu->derived_real)
        return;
    cpu->derived_real = real;
    for (unsigned n = SEG_ES; n <= SEG_GS; n++) {
        if (cpu->seg[n].ok)
            cpu_derive_segment(cpu, n, true);
    }
}

void cpu_sync_mode(struct cpu *cpu)
{
    const struct segment *cs = &cpu->seg[SEG_CS];
    uint32_t mode;

    rederive(cpu);

    if ((cpu->efer & EFER_LMA) && (cs->attr & SEG_L)) {
        mode = MODE_64 | MODE_FLAT;
        cpu->code_limit = ~UINT64_C(0);
        cpu->code_base = 0;
    } else {
        mode = cs->attr & SEG_DB ? MODE_32 : MODE_16;
        if (cpu->seg[SEG_SS].attr & SEG_DB)
            mode |= MODE_SS32;
        if ((mode & MODE_CODE) == MODE_32 && flat_code(cs) && flat_data(&cpu->seg[SEG_DS]) &&
            flat_data(&cpu->seg[SEG_ES]) && flat_data(&cpu->seg[SEG_SS]) && (mode & MODE_SS32))
            mode |= MODE_FLAT;
        cpu->code_limit = cs->limit;
        cpu->code_base = cs->base;
    }
    cpu->linear_bits = cpu->cr4 & CR4_LA57 ? 57 : 48;
    if (!(cpu->cr0 & (CR0_EM | CR0_TS)))
        mode |= MODE_FPU;
    if ((mode & MODE_FPU) && (cpu->cr4 & CR4_OSFXSR))
        mode |= MODE_SSE;
    if (cpu_protected(cpu))
        mode |= MODE_VEX;
    if ((mode & MODE_VEX) && (cpu->cr4 & CR4_OSXSAVE) &&
        (cpu->xcr0 & (XCR0_SSE | XCR0_AVX)) == (XCR0_SSE | XCR0_AVX) && !(cpu->cr0 & CR0_TS))
        mode |= MODE_AVX;
    if (cpu->portable)
        mode |= MODE_PORTABLE;
    cpu->watching = debug_data_bp_enabled(cpu);
    if ((cpu->rflags & FL_TF) || cpu->inhibit || cpu->stepping || cpu->tail || cpu->watching ||
        cpu->debug.step || cpu_virtual_intr(cpu) || debug_insn_bp_enabled(cpu) ||
        log_on(LOG_INSN | LOG_EXEC))
        mode |= MODE_STEP;
    if ((mode & MODE_STEP) != 0)
        atomic_store_explicit(&cpu->attention, 1, memory_order_relaxed);
    cpu->mode = mode;
    cpu->bcache_key = cpu_bcache_key(cpu);
    cpu->ring_high = RING_CONTEXT_NEW;
    tlb_sync_key(cpu);
}
