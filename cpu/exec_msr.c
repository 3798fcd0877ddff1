/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RDMSR, WRMSR, time stamps, CPUID, RDRAND, RDSEED, RDPID, RSM. Intel SDM volume 2. */
#include "base/random.h"
#include "cpu/cpuid.h"
#include "cpu/exec.h"
#include "cpu/far.h"
#include "cpu/lint.h"
#include "cpu/msr.h"
#include "cpu/smm.h"

static void set_edx_eax(struct cpu *cpu, uint64_t v)
{
    cpu->gpr[REG_RAX] = (uint32_t)v;
    cpu->gpr[REG_RDX] = v >> 32;
}

HANDLER(rdmsr)
{
    uint64_t v;

    AT(i);
    if (cpu->cpl > 0 || !msr_read(cpu, (uint32_t)cpu->gpr[REG_RCX], &v))
        RAISE_ERR(EXC_GP, 0);
    set_edx_eax(cpu, v);
    NEXT;
}
FAMILY(h_rdmsr, rdmsr);

HANDLER(wrmsr)
{
    uint64_t v = (uint32_t)cpu->gpr[REG_RAX] | cpu->gpr[REG_RDX] << 32;

    AT(i);
    if (cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    if (!msr_write(cpu, (uint32_t)cpu->gpr[REG_RCX], v)) {
        if (lint_on(LINT_RESERVED_BITS))
            lint_msr_write(cpu, (uint32_t)cpu->gpr[REG_RCX], v);
        RAISE_ERR(EXC_GP, 0);
    }
    GO_ON_AFTER;
}
FAMILY(h_wrmsr, wrmsr);

static void check_tsd(struct cpu *cpu, const struct insn *i)
{
    if ((cpu->cr4 & CR4_TSD) && cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
}

HANDLER(rdtsc)
{
    AT(i); /* which tells the time */
    check_tsd(cpu, i);
    set_edx_eax(cpu, cpu_tsc(cpu));
    NEXT;
}
FAMILY(h_rdtsc, rdtsc);

HANDLER(rdtscp)
{
    AT(i); /* which tells the time */
    check_tsd(cpu, i);
    set_edx_eax(cpu, cpu_tsc(cpu));
    cpu->gpr[REG_RCX] = (uint32_t)cpu->tsc_aux;
    NEXT;
}
FAMILY(h_rdtscp, rdtscp);

HANDLER(rdpmc)
{
    RAISE_ERR(EXC_GP, 0); /* there are no counters to name */
}
FAMILY(h_rdpmc, rdpmc);

/* Serialises: what was stored is seen by others, and what follows is fetched anew if another vCPU
 * wrote it, which is looked at between blocks. */
HANDLER(cpuid)
{
    struct cpuid_regs r;

    AT(i);
    r = cpuid_query(cpu, (uint32_t)cpu->gpr[REG_RAX], (uint32_t)cpu->gpr[REG_RCX]);
    cpu->gpr[REG_RAX] = r.eax;
    cpu->gpr[REG_RBX] = r.ebx;
    cpu->gpr[REG_RCX] = r.ecx;
    cpu->gpr[REG_RDX] = r.edx;
    atomic_thread_fence(memory_order_seq_cst);
    GO_ON_AFTER;
}
FAMILY(h_cpuid, cpuid);

/* And RDSEED. */
HANDLER(rdrand)
{
    uint64_t v = 0;
    bool got = true;

    if (cpu->fixed_random)
        v = random_next(&cpu->random);
    else
        got = random_host(&v, sizeof(v));

    reg_set(cpu, i->rm, got ? v : 0, i->osz);
    flags_set_arith(cpu, got ? FL_CF : 0);
    NEXT;
}
FAMILY(h_rdrand, rdrand);

HANDLER(rdpid)
{
    cpu->gpr[i->rm] = (uint32_t)cpu->tsc_aux;
    NEXT;
}
FAMILY(h_rdpid, rdpid);

HANDLER(rsm)
{
    if (!cpu->in_smm)
        RAISE(EXC_UD);
    smm_leave(cpu);
    LEAVE;
}
FAMILY(h_rsm, rsm);
