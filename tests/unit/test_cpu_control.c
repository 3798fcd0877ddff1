/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control registers, MSRs, CPUID, debug registers, port permissions, flags by privilege, system
 * management mode, state: checked against Intel's SDM by running the instructions.
 */
#include "cpu/cpuid.h"
#include "cpu/features.h"
#include "cpu/msr.h"
#include "cpu/state.h"
#include "tests/unit/cpu_fixture.h"

/* Runs one instruction of 32-bit ring-0 code with EAX, ECX and EDX given; the vector it raised, or
 * -1. */
static int try_insn(struct fx *fx, const uint8_t *code, unsigned len, uint64_t eax, uint32_t ecx)
{
    struct cpu *cpu = fx->cpu;
    static uint32_t where = 0x20000; /* never twice the same bytes: blocks are cached */

    where += 16;
    memcpy(fx->ram + where, code, len);
    cpu->gpr[REG_RAX] = eax;
    cpu->gpr[REG_RCX] = ecx;
    cpu->gpr[REG_RDX] = eax >> 32;
    cpu->gpr[REG_RSP] = FX_STACK;
    cpu->gpr[REG_RIP] = where;
    fx_run(fx, 1);
    if (fx_rip(fx) == where + len)
        return -1;
    return (int)(fx_rip(fx) - FX_HAND) / 4;
}

#define TRY(fx, eax, ecx, ...)                                                                     \
    ({                                                                                             \
        static const uint8_t code_[] = {__VA_ARGS__};                                              \
        try_insn(fx, code_, sizeof(code_), eax, ecx);                                              \
    })
#define MOV_CR(fx, n, val)  TRY(fx, val, 0, 0x0f, 0x22, 0xc0 | (n) << 3)
#define WRMSR(fx, msr, val) TRY(fx, val, msr, 0x0f, 0x30)

static int rdmsr(struct fx *fx, uint32_t msr, uint64_t *val)
{
    int v = TRY(fx, 0, msr, 0x0f, 0x32);

    *val = (uint32_t)fx->cpu->gpr[REG_RAX] | fx->cpu->gpr[REG_RDX] << 32;
    return v;
}

/* ---- control registers ---- */

static void cr0_rules(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    assert_int_equal(MOV_CR(fx, 0, CR0_PG), EXC_GP);          /* PG without PE */
    assert_int_equal(MOV_CR(fx, 0, CR0_PE | CR0_NW), EXC_GP); /* NW without CD */
    assert_int_equal(MOV_CR(fx, 0, CR0_PE | CR0_WP | 0x2000000), -1);
    assert_int_equal(fx->cpu->cr0, CR0_PE | CR0_WP | CR0_ET); /* ET stays, rest reads zero */
    assert_int_equal(MOV_CR(fx, 1, 0), EXC_UD);
    assert_int_equal(MOV_CR(fx, 7, 0), EXC_UD);
    fx_free(fx);
}

static void cr4_rules(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    assert_int_equal(MOV_CR(fx, 4, 1u << 23), EXC_GP); /* CET: not offered */
    assert_int_equal(MOV_CR(fx, 4, CR4_OSXSAVE), -1);
    assert_int_equal(MOV_CR(fx, 4, CR4_PCIDE), EXC_GP); /* not in long mode */
    assert_int_equal(MOV_CR(fx, 4, CR4_PAE | CR4_SMEP | CR4_UMIP), -1);
    fx_free(fx);

    fx = fx_new("pentium");
    fx_prot(fx, 0);
    assert_int_equal(MOV_CR(fx, 4, CR4_PAE), EXC_GP);
    assert_int_equal(MOV_CR(fx, 4, CR4_OSXSAVE), EXC_GP);
    assert_int_equal(MOV_CR(fx, 4, CR4_PSE | CR4_DE), -1);
    fx_free(fx);
}

static void long_mode_activation(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_long(fx, 0); /* for its tables */
    cpu->cr0 = CR0_ET;
    cpu->efer = 0;
    cpu->cr4 = 0;
    fx_prot(fx, 0);
    assert_int_equal(WRMSR(fx, MSR_EFER, EFER_LME), -1);
    assert_int_equal(MOV_CR(fx, 3, FX_PML4), -1);
    assert_int_equal(MOV_CR(fx, 0, CR0_PE | CR0_PG), EXC_GP); /* no PAE */
    assert_int_equal(MOV_CR(fx, 4, CR4_PAE), -1);
    assert_int_equal(MOV_CR(fx, 0, CR0_PE | CR0_PG), -1);
    assert_true(cpu->efer & EFER_LMA);
    assert_false(cpu_code64(cpu)); /* still compatibility mode */
    FX_PUT(fx, 0x28800, 0xea, 0x00, 0x88, 0x00, 0x00, FX_CS64, 0x00);
    cpu->gpr[REG_RIP] = 0x28800;
    fx_run(fx, 1);
    assert_true(cpu_code64(cpu));
    assert_int_equal(fx_rip(fx), 0x8800);
    fx_free(fx);
}

static void long_mode_guards(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_long(fx, 0);
    assert_int_equal(MOV_CR(fx, 4, 0), EXC_GP);      /* PAE must stay */
    assert_int_equal(MOV_CR(fx, 0, CR0_PE), EXC_GP); /* paging off in 64-bit code */
    assert_int_equal(MOV_CR(fx, 0, UINT64_C(1) << 32 | CR0_PE | CR0_PG), EXC_GP);
    assert_int_equal(MOV_CR(fx, 3, UINT64_C(1) << 40 | FX_PML4), EXC_GP);
    assert_int_equal(WRMSR(fx, MSR_EFER, EFER_SCE), EXC_GP); /* LME while paging */
    assert_int_equal(MOV_CR(fx, 4, CR4_PAE | CR4_PCIDE), -1);
    assert_int_equal(MOV_CR(fx, 3, UINT64_C(1) << 63 | FX_PML4 | 5), -1);
    assert_int_equal(cpu->cr3, FX_PML4 | 5);
    assert_int_equal(TRY(fx, 7, 0, 0x44, 0x0f, 0x22, 0xc0), -1); /* mov cr8, rax */
    assert_int_equal(fx->cr8, 7);
    assert_int_equal(TRY(fx, 16, 0, 0x44, 0x0f, 0x22, 0xc0), EXC_GP);
    fx_free(fx);
}

static void pae_pointers(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    fx_wr(fx, 0x30000, 0x31007, 8); /* R/W is reserved in a PDPTE */
    assert_int_equal(MOV_CR(fx, 3, 0x30000), -1);
    assert_int_equal(MOV_CR(fx, 4, CR4_PAE), -1);
    assert_int_equal(MOV_CR(fx, 0, CR0_PE | CR0_PG), EXC_GP);
    fx_wr(fx, 0x30000, 0x31001, 8);
    fx_wr(fx, 0x31000, 0xe3, 8);
    assert_int_equal(MOV_CR(fx, 0, CR0_PE | CR0_PG), -1);
    assert_int_equal(fx->cpu->pdpte[0], 0x31001);
    fx_free(fx);
}

/* ---- MSRs and CPUID ---- */

static void msr_rules(void **state)
{
    struct fx *fx = fx_new("max");
    uint64_t v;

    (void)state;
    fx_long(fx, 0);
    assert_int_equal(rdmsr(fx, 0x12345678, &v), EXC_GP);
    assert_int_equal(WRMSR(fx, MSR_PAT, 0x0707070707070702), EXC_GP); /* type 2 */
    assert_int_equal(WRMSR(fx, MSR_PAT, 0x0007010600070106), -1);
    assert_int_equal(rdmsr(fx, MSR_PAT, &v), -1);
    assert_int_equal(v, 0x0007010600070106);
    assert_int_equal(WRMSR(fx, MSR_LSTAR, UINT64_C(1) << 56), EXC_GP);
    assert_int_equal(WRMSR(fx, MSR_GS_BASE, UINT64_C(0xffff800000000000)), -1);
    assert_int_equal(fx->cpu->seg[SEG_GS].base, UINT64_C(0xffff800000000000));
    assert_int_equal(rdmsr(fx, MSR_MTRRCAP, &v), -1);
    assert_int_equal(v & 0xff, 8);
    assert_int_equal(WRMSR(fx, MSR_MTRR_PHYSBASE0, 0xc0000003), EXC_GP);
    assert_int_equal(WRMSR(fx, MSR_MTRR_PHYSBASE0 + 1, UINT64_C(0xff00000800)), -1);
    assert_int_equal(WRMSR(fx, MSR_MTRR_PHYSBASE0 + 16, 0), EXC_GP);
    assert_int_equal(WRMSR(fx, MSR_MTRR_FIX4K_C0000, 0x0606060606060606), -1);
    assert_int_equal(rdmsr(fx, MSR_MTRR_FIX4K_C0000, &v), -1);
    assert_int_equal(v, 0x0606060606060606);
    assert_int_equal(WRMSR(fx, MSR_ARCH_CAPABILITIES, 0), EXC_GP);
    assert_int_equal(WRMSR(fx, MSR_FEATURE_CONTROL, 5), EXC_GP); /* locked */
    assert_int_equal(WRMSR(fx, MSR_EFER, EFER_LME | EFER_LMA | 0x1000), EXC_GP);
    assert_int_equal(rdmsr(fx, 0x9e, &v), EXC_GP); /* SMBASE: not in SMM */
    assert_int_equal(WRMSR(fx, MSR_TSC, 0), -1);
    assert_int_equal(rdmsr(fx, MSR_TSC, &v), -1);
    assert_true(v < 100000);
    fx_ring(fx, FX_CS64U, FX_DS3, 3);
    assert_int_equal(rdmsr(fx, MSR_TSC, &v), EXC_GP);
    fx_free(fx);
}

static void tsc_adjust(void **state)
{
    struct fx *fx = fx_new("max");
    uint64_t before, v;

    (void)state;
    fx_prot(fx, 0);
    before = cpu_tsc(fx->cpu);
    assert_int_equal(WRMSR(fx, MSR_TSC_ADJUST, 1u << 30), -1);
    assert_in_range(cpu_tsc(fx->cpu) - before, 1u << 30, (1u << 30) + 100000);
    assert_int_equal(WRMSR(fx, MSR_TSC, 0), -1);
    assert_int_equal(rdmsr(fx, MSR_TSC_ADJUST, &v), -1);
    assert_true(v != 1u << 30); /* a write of the TSC shows there */
    fx_free(fx);
}

static void cpuid_agrees_with_execution(void **state)
{
    struct fx *fx;
    struct cpuid_regs r;

    (void)state;
    fx = fx_new("486");
    fx_prot(fx, 0);
    assert_int_equal(TRY(fx, 1, 0, 0x0f, 0xa2), -1);
    assert_int_equal((fx->cpu->gpr[REG_RAX] >> 8) & 15, 4);
    assert_int_equal(fx->cpu->gpr[REG_RDX] & 0x30, 0);         /* no TSC, no MSRs */
    assert_int_equal(TRY(fx, 0, 0, 0x0f, 0x31), EXC_UD);       /* rdtsc */
    assert_int_equal(TRY(fx, 0, 0x10, 0x0f, 0x32), EXC_UD);    /* rdmsr */
    assert_int_equal(TRY(fx, 0, 0, 0x0f, 0x44, 0xc1), EXC_UD); /* cmove */
    fx_free(fx);

    fx = fx_new("max");
    fx_long(fx, 0);
    r = cpuid_query(fx->cpu, 7, 0);
    assert_true(r.ebx & 1);                                                /* FSGSBASE */
    assert_int_equal(TRY(fx, 0, 0, 0xf3, 0x48, 0x0f, 0xae, 0xc0), EXC_UD); /* CR4 says no */
    fx->cpu->cr4 |= CR4_FSGSBASE;
    assert_int_equal(TRY(fx, 0, 0, 0xf3, 0x48, 0x0f, 0xae, 0xc0), -1);
    r = cpuid_query(fx->cpu, 1, 0);
    assert_true(r.ecx & 1u << 30);
    assert_true(r.ecx & 1u << 31);
    assert_true(r.ecx & 1u << 3);
    fx->cpu->misc_enable = 0; /* MONITOR switched off */
    assert_int_equal(TRY(fx, 0, 0, 0x0f, 0x01, 0xc8), EXC_UD);
    r = cpuid_query(fx->cpu, 1, 0);
    assert_false(r.ecx & 1u << 3);
    assert_int_equal(TRY(fx, 0, 0, 0x48, 0x0f, 0xc7, 0xf0), -1); /* rdrand rax */
    assert_true(flag_cf(fx->cpu));
    fx->apic_base = 0xfee00100; /* APIC switched off */
    assert_false(cpuid_query(fx->cpu, 1, 0).edx & 1u << 9);
    fx_free(fx);
}

static void cpuid_leaves(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpuid_regs r, s;
    unsigned n;

    (void)state;
    r = cpuid_query(fx->cpu, 0x15, 0);
    assert_int_equal((uint64_t)r.ecx * r.ebx / r.eax, 1000000000);
    r = cpuid_query(fx->cpu, 0x40000000, 0);
    assert_memory_equal(&r.ebx, "PENUMBRAPENU", 12);
    assert_int_equal(cpuid_query(fx->cpu, 0x40000010, 0).eax, 1000000);
    assert_int_equal(cpuid_query(fx->cpu, 0x80000008, 0).eax, 40 | 57 << 8);
    r = cpuid_query(fx->cpu, 0x12345, 0); /* beyond the last: as the last */
    s = cpuid_query(fx->cpu, 0x16, 0);
    assert_memory_equal(&r, &s, sizeof(r));
    r = cpuid_query(fx->cpu, 0x80000002, 0);
    assert_memory_equal(&r, "Penumbra virtual", 16);
    assert_false(cpuid_query(fx->cpu, 0x80000001, 0).edx &
                 1u << 11); /* SYSCALL, seen from 16-bit */
    fx_free(fx);

    assert_null(cpu_model_find("athlon"));
    assert_ptr_equal(cpu_model_find("qemu64"), cpu_model_find("x86-64-v1"));
    assert_string_equal(cpu_models_list(&n)->name, "max");
    assert_true(n >= 6);
}

/* MODEL,+FEATURE,-FEATURE: what CPUID shows and what control registers take follow. */
static void feature_switches(void **state)
{
    struct fx *fx = fx_new("max,-smep,-pcid,-smap,+smap");
    struct cpu_spec spec;
    char word[8];

    (void)state;
    assert_false(cpuid_query(fx->cpu, 7, 0).ebx & 1u << 7);
    assert_true(cpuid_query(fx->cpu, 7, 0).ebx & 1u << 20);
    assert_false(cpuid_query(fx->cpu, 1, 0).ecx & 1u << 17);
    fx_prot(fx, 0);
    assert_int_equal(MOV_CR(fx, 4, CR4_SMEP), EXC_GP);
    assert_int_equal(MOV_CR(fx, 4, CR4_SMAP), -1);
    fx_free(fx);
    fx = fx_new("core2,+smep,+rdtscp");
    assert_true(cpuid_query(fx->cpu, 7, 0).ebx & 1u << 7);
    assert_true(cpuid_query(fx->cpu, 0x80000001, 0).edx & 1u << 27);
    fx_free(fx);

    assert_int_equal(cpu_spec_parse("max,+nosuch", &spec, word, sizeof(word)), CPU_SPEC_FEATURE);
    assert_string_equal(word, "nosuch");
    assert_int_equal(cpu_spec_parse("max,+toolongone", &spec, word, sizeof(word)),
                     CPU_SPEC_FEATURE);
    assert_string_equal(word, "toolon");
    assert_int_equal(cpu_spec_parse("486,+pse36", &spec, word, sizeof(word)), CPU_SPEC_IMPOSSIBLE);
    assert_int_equal(cpu_spec_parse("toolongamodel", &spec, word, sizeof(word)), CPU_SPEC_MODEL);
    assert_string_equal(word, "toolong");
    assert_null(cpu_new(&(struct cpu_config){.model = "max,+nosuch"}));
}

/* ---- debug registers ---- */

static void single_step(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    fx->cpu->rflags |= FL_TF;
    FX_PUT(fx, FX_CODE, 0x90, 0x90);
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_DB);
    assert_true(fx->cpu->dr6 & DR6_BS);
    assert_int_equal(fx_stk4(fx, 0), FX_CODE + 1);
    assert_true(fx_stk4(fx, 2) & FL_TF);
    assert_false(fx_stk4(fx, 2) & FL_RF);
    assert_false(fx->cpu->rflags & FL_TF);
    fx_free(fx);
}

static void breakpoints(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_prot(fx, 0);
    cpu->dr[0] = FX_CODE + 1;     /* execution */
    cpu->dr[1] = FX_CODE + 0x800; /* writes, four bytes */
    assert_int_equal(TRY(fx, 0x2 | 0x8 | 0xdu << 20, 0, 0x0f, 0x23, 0xf8), -1); /* mov dr7, eax */
    FX_PUT(fx, FX_CODE, 0x90, 0x90, 0xc6, 0x05, 0x02, 0x88, 0x00, 0x00, 0x55,   /* mov [8802], 55 */
           0x90);
    cpu->gpr[REG_RIP] = FX_CODE;
    fx_run(fx, 2);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_DB * 4);
    assert_int_equal(fx_stk4(fx, 0), FX_CODE + 1); /* before the instruction */
    assert_int_equal(cpu->dr6 & 15, 1);
    fx_wr(fx, (uint32_t)cpu->gpr[REG_RSP] + 8, fx_stk4(fx, 2) | FL_RF, 4);
    FX_PUT(fx, FX_HAND + EXC_DB * 4, 0xcf, 0xf4);
    cpu_tlb_flush(cpu, true);
    fx_run(fx, 3); /* iret, nop (RF lets it pass), mov */
    fx_assert_vector(fx, EXC_DB);
    assert_int_equal(fx_stk4(fx, 0), FX_CODE + 9); /* behind the store */
    assert_int_equal(cpu->dr6 & 15, 2);
    assert_int_equal(fx_rd(fx, FX_CODE + 0x802, 1), 0x55);
    fx_free(fx);
}

static void general_detect(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    assert_int_equal(TRY(fx, DR7_GD, 0, 0x0f, 0x23, 0xf8), -1);
    assert_int_equal(TRY(fx, 0, 0, 0x0f, 0x21, 0xf0), EXC_DB);
    assert_true(fx->cpu->dr6 & DR6_BD);
    assert_int_equal(TRY(fx, 0, 0, 0x0f, 0x21, 0xf0), -1); /* GD was cleared on the way */
    fx->cpu->cr4 |= CR4_DE;
    assert_int_equal(TRY(fx, 0, 0, 0x0f, 0x21, 0xe0), EXC_UD); /* DR4 */
    fx_free(fx);
}

/* ---- ports, flags, privilege ---- */

static void port_permissions(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 3);
    fx_wr(fx, FX_TSS + 0x68 + 0x80 / 8, 0x02, 1); /* port 81 is forbidden */
    fx_wr(fx, FX_TSS + 0x68 + 0x3f8 / 8, 0xff, 1);
    assert_int_equal(TRY(fx, 0x42, 0, 0xe6, 0x80), -1); /* out 0x80, al */
    assert_int_equal(fx->port, 0x80);
    assert_int_equal(fx->port_val, 0x42);
    fx_ring(fx, FX_CS3, FX_DS3, 3);
    assert_int_equal(TRY(fx, 0, 0, 0xe7, 0x80), EXC_GP); /* a dword reaches 81 */
    fx_ring(fx, FX_CS3, FX_DS3, 3);
    fx->cpu->rflags |= FL_IOPL;
    assert_int_equal(TRY(fx, 0, 0, 0xe7, 0x80), -1); /* IOPL 3 needs no map */
    fx->cpu->rflags &= ~(uint64_t)FL_IOPL;
    fx->cpu->seg[SEG_TR].limit = 0x67;
    fx_ring(fx, FX_CS3, FX_DS3, 3);
    assert_int_equal(TRY(fx, 0, 0, 0xe4, 0x10), EXC_GP); /* map beyond the limit */
    fx_free(fx);
}

static void user_mode_restrictions(void **state)
{
    static const uint8_t codes[][3] = {
        {0xfa},
        {0xfb},
        {0xf4},
        {0x0f, 0x06},
        {0x0f, 0x20, 0xc0},
        {0x0f, 0x09},
        {0x0f, 0x30},
        {0x0f, 0x33},
        {0x0f, 0x01, 0x10},
        {0x0f, 0x00, 0xd0},
        {0x0f, 0x01, 0xf0},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(codes); k++) {
        struct fx *fx = fx_new("max");

        fx_prot(fx, 3);
        fx->cpu->gpr[REG_RAX] = FX_CODE;
        memcpy(fx->ram + FX_CODE, codes[k], 3);
        fx_run(fx, 1);
        fx_assert_vector(fx, EXC_GP);
        assert_int_equal(fx_stk4(fx, 0), 0);
        fx_free(fx);
    }
}

static void popf_by_privilege(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_prot(fx, 3);
    fx_wr(fx, FX_UST - 4, FL_IF | FL_IOPL | FL_DF | FL_ID | FL_VM | FL_RF | FL_CF, 4);
    cpu->gpr[REG_RSP] = FX_UST - 4;
    FX_PUT(fx, FX_CODE, 0x9d, 0x9c); /* popf; pushf */
    fx_run(fx, 2);
    assert_int_equal(fx_stk4(fx, 0), FL_1 | FL_DF | FL_ID | FL_CF);
    fx_free(fx);
}

static void umip(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 3);
    fx->cpu->cr4 |= CR4_UMIP;
    FX_PUT(fx, FX_CODE, 0x0f, 0x01, 0xe0); /* smsw eax */
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_GP);
    fx_free(fx);
}

/* ---- system management mode ---- */

static void smm_round_trip(void **state, const char *model, uint32_t rev, uint32_t rax_at)
{
    struct fx *fx = fx_new(model);
    struct cpu *cpu = fx->cpu;
    struct x86_state before, after;

    (void)state;
    if (rev & 0x64)
        fx_long(fx, 3);
    else
        fx_prot(fx, 3);
    cpu->gpr[REG_RAX] = 0x11223344;
    FX_PUT(fx, FX_CODE, 0x90);
    /* SMM: mov dword [0x3fef8 or 0x3ff00], 0x40000; rsm */
    FX_PUT(fx, 0x38000, 0x66, 0x67, 0xc7, 0x05, 0xf8, 0xfe, 0x03, 0x00, 0x00, 0x00, 0x04, 0x00,
           0x0f, 0xaa);
    if (rev & 0x64)
        fx_wr(fx, 0x38004, 0x3ff00, 4);
    cpu_get_state(cpu, &before);
    cpu_set_event(cpu, EV_SMI);
    fx_run(fx, 1);
    assert_true(fx->smm);
    assert_true(cpu->in_smm);
    assert_int_equal(cpu->seg[SEG_CS].sel, 0x3000);
    assert_int_equal(cpu->seg[SEG_CS].base, 0x30000);
    assert_int_equal(cpu->cr0 & (CR0_PE | CR0_PG), 0);
    assert_int_equal(fx_rd(fx, 0x3fefc, 4), rev);
    assert_int_equal(fx_rd(fx, 0x30000 + rax_at, 4), 0x11223344);
    fx_run(fx, 1); /* rsm */
    assert_false(fx->smm);
    assert_int_equal(fx->smm_calls, 2);
    cpu_get_state(cpu, &after);
    assert_int_equal(after.smbase, 0x40000); /* relocated */
    assert_int_equal(after.rip, before.rip);
    assert_int_equal(after.rflags, before.rflags);
    assert_int_equal(after.cr0, before.cr0);
    assert_int_equal(after.cr4, before.cr4);
    assert_int_equal(after.efer, before.efer);
    assert_int_equal(after.cpl, 3);
    assert_memory_equal(after.gpr, before.gpr, sizeof(after.gpr));
    assert_memory_equal(after.seg, before.seg, sizeof(after.seg));
    fx_free(fx);
}

static void smm_amd64_layout(void **state)
{
    smm_round_trip(state, "max", 0x30064, 0xfff8);
}

static void smm_legacy_layout(void **state)
{
    smm_round_trip(state, "pentium3", 0x30000, 0xffd0);
}

static void rsm_outside_is_ud(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    assert_int_equal(TRY(fx, 0, 0, 0x0f, 0xaa), EXC_UD);
    fx_free(fx);
}

static void hlt_and_smi(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    FX_PUT(fx, FX_CODE, 0xf4, 0x90);
    FX_PUT(fx, 0x38000, 0x90, 0x0f, 0xaa); /* nop; rsm */
    fx_run(fx, 1);
    assert_true(fx->cpu->halted);
    cpu_set_event(fx->cpu, EV_SMI);
    fx_run(fx, 1);
    assert_true(fx->cpu->in_smm);
    fx_run(fx, 1);
    assert_true(fx->cpu->halted); /* auto halt restart */
    assert_int_equal(fx_rip(fx), FX_CODE + 1);
    fx_free(fx);
}

/* ---- state ---- */

static void state_moves_whole(void **state)
{
    struct fx *a = fx_new("max"), *b = fx_new("max");
    struct x86_state s, t;

    (void)state;
    fx_long(a, 3);
    a->cpu->gpr[REG_R13] = 0x1234;
    a->cpu->ymm[7].q[1] = 77;
    a->cpu->fpu.top = 5;
    a->cpu->fpu.st[5][3] = 0xab;
    a->cpu->nmi_blocked = true;
    a->cpu->mtrr_fixed[4] = 6;
    flags_set_arith(a->cpu, FL_OF | FL_PF);
    cpu_get_state(a->cpu, &s);
    assert_true(cpu_set_state(b->cpu, &s));
    cpu_get_state(b->cpu, &t);
    assert_in_range(t.tsc - s.tsc, 0, 1000000);
    t.tsc = s.tsc;
    assert_memory_equal(&s, &t, sizeof(s));
    assert_true(cpu_code64(b->cpu));
    memcpy(b->ram, a->ram, FX_RAM);
    FX_PUT(b, FX_CODE, 0x4d, 0x89, 0xee); /* mov r14, r13 */
    fx_run(b, 1);
    assert_int_equal(b->cpu->gpr[REG_R14], 0x1234);
    s.version++;
    assert_false(cpu_set_state(b->cpu, &s));
    t.cr4 |= CR4_PCIDE;
    assert_true(cpu_set_state(b->cpu, &t));
    t.efer &= ~(uint64_t)EFER_LMA; /* PCIDs are long mode's */
    assert_false(cpu_set_state(b->cpu, &t));
    fx_free(a);
    fx_free(b);

    a = fx_new("pentium");
    s.version--;
    assert_false(cpu_set_state(a->cpu, &s)); /* features it has not */
    fx_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cr0_rules),
        cmocka_unit_test(cr4_rules),
        cmocka_unit_test(long_mode_activation),
        cmocka_unit_test(long_mode_guards),
        cmocka_unit_test(pae_pointers),
        cmocka_unit_test(msr_rules),
        cmocka_unit_test(tsc_adjust),
        cmocka_unit_test(cpuid_agrees_with_execution),
        cmocka_unit_test(cpuid_leaves),
        cmocka_unit_test(feature_switches),
        cmocka_unit_test(single_step),
        cmocka_unit_test(breakpoints),
        cmocka_unit_test(general_detect),
        cmocka_unit_test(port_permissions),
        cmocka_unit_test(user_mode_restrictions),
        cmocka_unit_test(popf_by_privilege),
        cmocka_unit_test(umip),
        cmocka_unit_test(smm_amd64_layout),
        cmocka_unit_test(smm_legacy_layout),
        cmocka_unit_test(rsm_outside_is_ud),
        cmocka_unit_test(hlt_and_smi),
        cmocka_unit_test(state_moves_whole),
    };

    return unit_main(tests);
}
