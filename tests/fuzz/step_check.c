/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holds of every vCPU between two runs, whatever state it began in: registers that stand for
 * constants, derived words, bits of control registers that go together; and of the host, whose
 * floating-point environment is its own again.
 */
#include <stdio.h>

#include "cpu/control.h"
#include "cpu/features.h"
#include "cpu/flags.h"
#include "tests/fuzz/step.h"
#include "tests/fuzz/target.h"

static void check_host(void)
{
    uint16_t cw, sw;
    uint32_t mxcsr;
    uint64_t flags;

    __asm__ volatile("fnstcw %0" : "=m"(cw));
    __asm__ volatile("fnstsw %0" : "=m"(sw));
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    __asm__ volatile("pushf; pop %0" : "=r"(flags)::"memory");
    fuzz_expect(cw == 0x37f && !(sw & 0x3800));
    fuzz_expect((mxcsr & ~MXCSR_FLAGS) == MXCSR_DEFAULT);
    fuzz_expect(!(flags & (FL_DF | FL_AC)));
}

static void check_constants(const struct cpu *cpu)
{
    fuzz_expect(cpu->gpr[REG_ZERO] == 0);
    fuzz_expect(cpu->gpr[REG_4G] == UINT64_C(1) << 32);
    fuzz_expect(cpu->catcher == NULL);
    fuzz_expect(!atomic_load(&cpu->inside) && !cpu->locked);
    fuzz_expect(!cpu->stepping);
}

static void check_registers(const struct cpu *cpu)
{
    uint64_t fl = cpu_rflags(cpu);

    fuzz_expect(fl & FL_1);
    fuzz_expect(!(cpu->rflags & FL_ARITH));
    fuzz_expect(cpu->fpu.top < 8 && !(cpu->fpu.sw & 0x3800));
    fuzz_expect(!(cpu->mxcsr & ~MXCSR_VALID));
    fuzz_expect(cpu_code64(cpu) || !(cpu->gpr[REG_RIP] >> 32));
}

static void check_control(const struct cpu *cpu)
{
    fuzz_expect(!(cpu->cr0 >> 32) && !(cpu->cr4 & ~control_cr4_valid(cpu)));
    fuzz_expect(!(cpu->cr0 & CR0_PG) || (cpu->cr0 & CR0_PE));
    if (cpu->efer & EFER_LMA)
        fuzz_expect((cpu->cr0 & CR0_PG) && (cpu->cr4 & CR4_PAE) && (cpu->efer & EFER_LME));
    else
        fuzz_expect(!(cpu->cr4 & CR4_PCIDE) && !((cpu->cr0 & CR0_PG) && (cpu->efer & EFER_LME)));
}

/* Privilege level, mode and segments belong together. */
static void check_privilege(const struct cpu *cpu)
{
    if (!(cpu->cr0 & CR0_PE))
        fuzz_expect(cpu->cpl == 0 && !(cpu->rflags & FL_VM));
    else if (cpu->rflags & FL_VM)
        fuzz_expect(cpu->cpl == 3 && !(cpu->efer & EFER_LMA));
}

/* What is derived says the same when it is derived anew. */
static void check_derived(struct cpu *cpu)
{
    struct segment seg[SEG_COUNT];
    uint64_t key = cpu->bcache_key, tlb_key = cpu->tlb_key, limit = cpu->code_limit;
    uint32_t mode = cpu->mode;

    memcpy(seg, cpu->seg, sizeof(seg));
    for (unsigned n = SEG_ES; n <= SEG_GS; n++)
        cpu_derive_segment(cpu, n, cpu->seg[n].ok != 0);
    cpu_sync_mode(cpu);
    for (unsigned n = SEG_ES; n <= SEG_GS; n++) {
        const struct segment *is = &cpu->seg[n], *was = &seg[n];

        if (is->ok != was->ok)
            fprintf(stderr, "segment register %u: %x, not %x\n", n, was->ok, is->ok);
        fuzz_expect(is->ok == was->ok);
        fuzz_expect(!is->ok || (is->lo == was->lo && is->hi == was->hi));
    }
    fuzz_expect(cpu->bcache_key == key && cpu->tlb_key == tlb_key);
    fuzz_expect(cpu->mode == mode && cpu->code_limit == limit);
}

void step_check(struct step *st)
{
    check_host();
    check_constants(st->cpu);
    check_registers(st->cpu);
    check_control(st->cpu);
    check_privilege(st->cpu);
    check_derived(st->cpu);
}
