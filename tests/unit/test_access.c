/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory as instructions reach it: what the TLB may keep and what must drop it (Intel SDM
 * volume 3A, 4.10), accesses across pages, non-canonical addresses, A20, holes, ROM, and how device
 * memory sees an access.
 */
#include "tests/unit/tlb_rig.h"

/* ---- what invalidates translations ---- */

static void invlpg_drops_a_page(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < RIG_MODES; mode++) {
        struct rig *r = rig_new((enum rig_mode)mode, NULL);

        r->fx->cpu->cr4 |= CR4_PGE;
        r->full[r->n - 1] |= RIG_G;
        rig_fill(r);
        assert_true(mapped(r));
        assert_int_equal(rig_go(r, 0, RIG_EXEC).vector, -1);
        unmap(r);
        rig_insn(r, INVLPG_EBX, 0, r->va + 5); /* global pages too */
        assert_false(mapped(r));
        assert_int_equal(rig_go(r, 0, RIG_EXEC).vector, EXC_PF);
        assert_int_equal(rig_go(r, 0, RIG_WRITE).vector, EXC_PF);
        rig_free(r);
    }
}

/* Any address in a large page stands for the whole of it (4.10.4.1). */
static void invlpg_drops_large_pages_whole(void **state)
{
    static const struct {
        enum rig_mode mode;
        unsigned shift;
    } cases[] = {{RIG_32_4M, 22}, {RIG_PAE_2M, 21}, {RIG_64_2M, 21}, {RIG_64_1G, 30}};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        struct rig *r = rig_new(cases[k].mode, NULL);
        uint64_t size = UINT64_C(1) << cases[k].shift;
        gva_t last = (r->va & ~(size - 1)) + size - 1;

        assert_true(mapped(r));
        assert_true(sees(r, r->va + 0x13000, RIG_TARGET + 0x13000));
        assert_int_equal(rig_go(r, 0, RIG_EXEC).vector, -1);
        unmap(r);
        rig_insn(r, INVLPG_EBX, 0, last);
        assert_false(mapped(r));
        assert_false(sees(r, r->va + 0x13000, RIG_TARGET + 0x13000));
        assert_int_equal(rig_go(r, 0, RIG_EXEC).vector, EXC_PF);

        rig_fill(r); /* and INVPCID of an address */
        assert_true(mapped(r));
        if (rig_long(r)) {
            unmap(r);
            rig_invpcid(r, 0, 0, last);
            assert_false(mapped(r));
        }
        rig_free(r);
    }
}

static void cr3_spares_global_pages(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < RIG_MODES; mode++) {
        for (unsigned global = 0; global < 2; global++) {
            struct rig *r = rig_new((enum rig_mode)mode, NULL);
            struct cpu *cpu = r->fx->cpu;
            bool kept;

            cpu->cr4 |= CR4_PGE;
            if (global)
                r->full[r->n - 1] |= RIG_G;
            rig_fill(r);
            assert_true(mapped(r));
            assert_int_equal(rig_go(r, 0, RIG_WRITE).vector, -1);
            unmap(r);
            rig_insn(r, MOV_CR3_EAX, RIG_TABLES, 0);
            /* a global page may be kept, and is: that is what it is for */
            kept = mapped(r);
            if (!global || !FX_MAY_FORGET)
                assert_int_equal(kept, global);
            assert_int_equal(rig_go(r, 0, RIG_WRITE).vector, kept ? -1 : EXC_PF);
            rig_insn(r, MOV_CR4_EAX, cpu->cr4 & ~(uint64_t)CR4_PGE, 0);
            assert_false(mapped(r));
            rig_free(r);
        }
    }
}

/* G counts only with CR4.PGE. */
static void global_needs_pge(void **state)
{
    struct rig *r = rig_new(RIG_64_4K, NULL);

    (void)state;
    r->full[r->n - 1] |= RIG_G;
    rig_fill(r);
    assert_true(mapped(r));
    unmap(r);
    rig_insn(r, MOV_CR3_EAX, RIG_TABLES, 0);
    assert_false(mapped(r));
    rig_free(r);
}

/* Generations are few and come round again: no old entry may come back to life. */
static void many_flushes(void **state)
{
    (void)state;
    for (unsigned k = 510; k < 515; k++) {
        for (unsigned all = 0; all < 2; all++) {
            struct rig *r = rig_new(RIG_64_4K, NULL);

            r->fx->cpu->cr4 |= CR4_PGE;
            r->full[r->n - 1] |= all ? RIG_G : 0;
            rig_fill(r);
            assert_true(mapped(r));
            assert_int_equal(rig_go(r, 3, RIG_EXEC).vector, -1);
            unmap(r);
            for (unsigned n = 0; n < k; n++)
                cpu_tlb_flush(r->fx->cpu, all);
            assert_false(mapped(r));
            assert_int_equal(rig_go(r, 3, RIG_EXEC).vector, EXC_PF);
            rig_free(r);
        }
    }
}

static void pcids_do_not_mix(void **state)
{
    struct rig *r = rig_new(RIG_64_4K, NULL);
    struct cpu *cpu = r->fx->cpu;
    const uint32_t other = 0x40000; /* another PML4, without the page */

    (void)state;
    cpu->cr4 |= CR4_PGE;
    fx_wr(r->fx, other, fx_rd(r->fx, RIG_TABLES, 8), 8);
    rig_insn(r, MOV_CR4_EAX, cpu->cr4 | CR4_PCIDE, 0);
    rig_insn(r, MOV_CR3_EAX, RIG_TABLES | 1, 0);
    assert_true(mapped(r));
    rig_insn(r, MOV_CR3_EAX, UINT64_C(1) << 63 | other | 2, 0); /* bit 63: keep what there is */
    assert_int_equal(cpu->cr3, other | 2);
    assert_false(mapped(r));
    rig_insn(r, MOV_CR3_EAX, UINT64_C(1) << 63 | RIG_TABLES | 1, 0);
    assert_true(mapped(r));
    /* without bit 63 the PCID's own are dropped */
    unmap(r);
    rig_insn(r, MOV_CR3_EAX, RIG_TABLES | 1, 0);
    assert_false(mapped(r));
    rig_free(r);
}

static void invpcid_types(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 4; type++) {
        for (unsigned global = 0; global < 2; global++) {
            struct rig *r = rig_new(RIG_64_4K, NULL);

            r->fx->cpu->cr4 |= CR4_PGE;
            r->full[r->n - 1] |= global ? RIG_G : 0;
            rig_fill(r);
            assert_true(mapped(r));
            unmap(r);
            rig_invpcid(r, type, 0, r->va);
            if (!global || type == 2) /* 0, 1, 3 need not touch global ones */
                assert_false(mapped(r));
            rig_free(r);
        }
    }
}

static void invpcid_faults(void **state)
{
    static const struct {
        uint64_t type, pcid, va;
    } bad[] = {
        {4, 0, 0},      {UINT64_C(1) << 32, 0, 0}, {0, 0x1000, 0}, {1, 0x1000, 0},
        {2, 0x1000, 0}, {3, UINT64_C(1) << 63, 0}, {0, 1, 0}, /* PCIDE is clear */
        {1, 0xfff, 0},  {0, 0, UINT64_C(1) << 56},
    };
    struct rig *r = rig_new(RIG_64_4K, NULL);

    (void)state;
    fx_wr(r->fx, FX_CODE + 0x40, UINT64_C(0x0382380f66), 8);
    for (unsigned k = 0; k < ARRAY_SIZE(bad); k++) {
        rig_ring(r, 0);
        fx_wr(r->fx, 0xb000, bad[k].pcid, 8);
        fx_wr(r->fx, 0xb008, bad[k].va, 8);
        r->fx->cpu->gpr[REG_RIP] = FX_CODE + 0x40;
        r->fx->cpu->gpr[REG_RAX] = bad[k].type;
        r->fx->cpu->gpr[REG_RBX] = 0xb000;
        fx_run(r->fx, 1);
        fx_assert_vector(r->fx, EXC_GP);
        assert_int_equal(fx_stk8(r->fx, 0), 0);
    }
    rig_free(r);
}

/* ---- changes of rights, with the translation cached ---- */

/* CPL, AC, WP, SMEP and SMAP change by the guest's own instructions; no stale right may show. */
static void rights_follow_the_mode(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < RIG_MODES; mode++) {
        struct rig *r = rig_new((enum rig_mode)mode, NULL);
        struct cpu *cpu = r->fx->cpu;
        unsigned leaf = r->n - 1;

        /* a supervisor page, cached for ring 0, is closed to ring 3, and open again after */
        rig_set(r, leaf, r->full[leaf] & ~RIG_U);
        for (unsigned k = 0; k < 2; k++) {
            assert_int_equal(rig_go(r, 0, RIG_WRITE).vector, -1);
            assert_int_equal(rig_go(r, 0, RIG_EXEC).vector, -1);
            assert_int_equal(rig_go(r, 3, RIG_READ).err, PF_P | PF_U);
            assert_int_equal(rig_go(r, 3, RIG_EXEC).err & ~(uint64_t)PF_I, PF_P | PF_U);
            assert_int_equal(rig_go(r, 3, RIG_SYS_READ).vector, -1);
        }
        /* WP */
        rig_set(r, leaf, r->full[leaf] & ~RIG_W);
        cpu_tlb_flush(cpu, true);
        for (unsigned k = 0; k < 2; k++) {
            assert_int_equal(rig_go(r, 0, RIG_WRITE).vector, -1);
            assert_int_equal(rig_go(r, 3, RIG_WRITE).err, PF_P | PF_W | PF_U);
            rig_insn(r, MOV_CR0_EAX, cpu->cr0 | CR0_WP, 0);
            assert_int_equal(rig_go(r, 0, RIG_WRITE).err, PF_P | PF_W);
            rig_insn(r, MOV_CR0_EAX, cpu->cr0 & ~(uint64_t)CR0_WP, 0);
        }
        /* SMEP, SMAP, AC by STAC and CLAC */
        rig_fill(r);
        for (unsigned k = 0; k < 2; k++) {
            assert_int_equal(rig_go(r, 0, RIG_EXEC).vector, -1);
            assert_int_equal(rig_go(r, 0, RIG_WRITE).vector, -1);
            rig_insn(r, MOV_CR4_EAX, cpu->cr4 | CR4_SMEP | CR4_SMAP, 0);
            assert_int_equal(rig_go(r, 0, RIG_EXEC).err, PF_P | PF_I);
            assert_int_equal(rig_go(r, 0, RIG_WRITE).err, PF_P | PF_W);
            rig_insn(r, 0xcb010f, 3, 0, 0); /* stac */
            assert_int_equal(rig_go(r, 0, RIG_WRITE).vector, -1);
            assert_int_equal(rig_go(r, 0, RIG_SYS_READ).err, PF_P); /* implicit: AC does not help */
            rig_insn(r, 0xca010f, 3, 0, 0);                         /* clac */
            assert_int_equal(rig_go(r, 0, RIG_WRITE).err, PF_P | PF_W);
            assert_int_equal(rig_go(r, 3, RIG_WRITE).vector, -1);
            rig_insn(r, MOV_CR4_EAX, cpu->cr4 & ~(uint64_t)(CR4_SMEP | CR4_SMAP), 0);
        }
        rig_free(r);
    }
}

/* ---- across two pages ---- */

/* Accesses of every kind whose last bytes lie in a page that is not there (or not writable). */
static void second_page_faults(void **state)
{
    static const struct {
        uint8_t code[6];
        unsigned len, size;
        bool write, only64;
    } cases[] = {
        {{0x66, 0x8b, 0x03}, 3, 2, false, false},      /* mov ax, [rbx] */
        {{0x8b, 0x03}, 2, 4, false, false},            /* mov eax, [rbx] */
        {{0x48, 0x8b, 0x03}, 3, 8, false, true},       /* mov rax, [rbx] */
        {{0x66, 0x89, 0x03}, 3, 2, true, false},       /* mov [rbx], ax */
        {{0x89, 0x03}, 2, 4, true, false},             /* mov [rbx], eax */
        {{0x48, 0x89, 0x03}, 3, 8, true, true},        /* mov [rbx], rax */
        {{0x01, 0x03}, 2, 4, true, false},             /* add [rbx], eax */
        {{0xf0, 0x0f, 0xc1, 0x03}, 4, 4, true, false}, /* lock xadd [rbx], eax */
        {{0x87, 0x03}, 2, 4, true, false},             /* xchg [rbx], eax */
        {{0x0f, 0x11, 0x03}, 3, 16, true, false},      /* movups [rbx], xmm0 */
        {{0x0f, 0x10, 0x03}, 3, 16, false, false},     /* movups xmm0, [rbx] */
        {{0xdb, 0x3b}, 2, 10, true, false},            /* fstp tbyte [rbx] */
        {{0x0f, 0x01, 0x03}, 3, 6, true, false},       /* sgdt [rbx]: 10 bytes in 64-bit mode */
        {{0xf0, 0x0f, 0xc7, 0x0b}, 4, 8, true, false}, /* lock cmpxchg8b [rbx] */
    };
    static const enum rig_mode modes[] = {RIG_32_4K, RIG_PAE_4K, RIG_64_4K};

    (void)state;
    for (unsigned m = 0; m < ARRAY_SIZE(modes); m++) {
        struct rig *r = rig_new(modes[m], NULL);
        struct cpu *cpu = r->fx->cpu;
        uint32_t pte2 = r->at[r->n - 1] + rig_entry_size(r);
        uint64_t full2 = fx_rd(r->fx, pte2, rig_entry_size(r));

        cpu->cr0 |= CR0_WP;
        cpu->cr4 |= CR4_OSFXSR;
        for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
            if (cases[k].only64 && !rig_long(r))
                continue;
            for (unsigned into = 1; into < cases[k].size; into++) {
                bool gone = into & 1 || !cases[k].write;
                struct rig_result res;

                memset(r->fx->ram + RIG_TARGET + 0xff0, 0xa5, 16);
                memset(r->fx->ram + RIG_SECOND, 0xa5, 16);
                rig_fill(r);
                fx_wr(r->fx, pte2, gone ? 0 : full2 & ~RIG_W, rig_entry_size(r));
                memcpy(r->fx->ram + FX_CODE + 0x800 + k * 16, cases[k].code, 6);
                rig_ring(r, 0);
                cpu->gpr[REG_RIP] = FX_CODE + 0x800 + k * 16;
                cpu->gpr[REG_RBX] = r->va + 0x1000 - into;
                cpu->gpr[REG_RAX] = 0x1122334455667788;
                fx_run(r->fx, 1);
                res = rig_result(r, FX_CODE + 0x800 + k * 16 + cases[k].len);
                if (res.vector != EXC_PF)
                    fail_msg("mode %d case %u into %u: vector %d", modes[m], k, into, res.vector);
                assert_int_equal(res.err, (gone ? 0u : 1u) | (cases[k].write ? PF_W : 0u));
                assert_int_equal(res.cr2, r->va + 0x1000);
                assert_int_equal(res.rip, FX_CODE + 0x800 + k * 16);
                assert_int_equal(cpu->gpr[REG_RAX], 0x1122334455667788);
                for (unsigned b = 0; b < 16; b++) {
                    assert_int_equal(fx_rd(r->fx, RIG_TARGET + 0xff0 + b, 1), 0xa5);
                    assert_int_equal(fx_rd(r->fx, RIG_SECOND + b, 1), 0xa5);
                }
                fx_wr(r->fx, pte2, full2, rig_entry_size(r));
            }
        }
        rig_free(r);
    }
}

/* Two pages that lie apart: every split of a quadword, written and read back, one page to a side.
 */
static void crossing_accesses(void **state)
{
    struct rig *r = rig_new(RIG_64_4K, NULL);
    struct cpu *cpu = r->fx->cpu;
    uint32_t pte2 = r->at[r->n - 1] + 8;

    (void)state;
    fx_wr(r->fx, pte2, 0x280000 | RIG_P | RIG_W | RIG_U, 8);
    for (unsigned into = 1; into < 8; into++) {
        uint8_t seen[8];

        memset(r->fx->ram + RIG_TARGET + 0xff0, 0, 16);
        memset(r->fx->ram + 0x280000, 0, 16);
        rig_insn(r, 0x038948, 3, UINT64_C(0x8877665544332211), r->va + 0x1000 - into);
        memcpy(seen, r->fx->ram + RIG_TARGET + 0x1000 - into, into);
        memcpy(seen + into, r->fx->ram + 0x280000, 8 - into);
        assert_int_equal(ld_le64(seen), UINT64_C(0x8877665544332211));
        assert_int_equal(fx_rd(r->fx, RIG_SECOND, 8), 0);
        rig_insn(r, 0x038b48, 3, 0, r->va + 0x1000 - into);
        assert_int_equal(cpu->gpr[REG_RAX], UINT64_C(0x8877665544332211));
        rig_insn(r, 0x030148, 3, UINT64_C(0x0101010101010101), r->va + 0x1000 - into); /* add */
        rig_insn(r, 0x038b48, 3, 0, r->va + 0x1000 - into);
        assert_int_equal(cpu->gpr[REG_RAX], UINT64_C(0x8978675645342312));
    }
    rig_free(r);
}

/* An instruction that crosses into a page that is not there: CR2 is that page, RIP the start. */
static void fetch_crossing(void **state)
{
    struct rig *r = rig_new(RIG_64_4K, NULL);
    uint32_t pte2 = r->at[r->n - 1] + 8;
    uint64_t full2 = fx_rd(r->fx, pte2, 8);
    struct rig_result res;

    (void)state;
    r->fx->cpu->efer |= EFER_NXE;
    fx_wr(r->fx, pte2, 0, 8);
    FX_PUT(r->fx, RIG_TARGET + 0xffe, 0xb8, 0x11); /* mov eax, 0x44332211 */
    FX_PUT(r->fx, RIG_SECOND, 0x22, 0x33, 0x44);
    rig_ring(r, 0);
    r->fx->cpu->gpr[REG_RIP] = r->va + 0xffe;
    fx_run(r->fx, 1);
    res = rig_result(r, 0);
    assert_int_equal(res.vector, EXC_PF);
    assert_int_equal(res.err, PF_I);
    assert_int_equal(res.cr2, r->va + 0x1000);
    assert_int_equal(res.rip, r->va + 0xffe);
    fx_wr(r->fx, pte2, full2, 8);
    for (unsigned k = 0; k < 2; k++) {
        rig_ring(r, 0);
        r->fx->cpu->gpr[REG_RIP] = r->va + 0xffe;
        fx_run(r->fx, 1);
        assert_int_equal(fx_rip(r->fx), r->va + 0x1003);
        assert_int_equal(r->fx->cpu->gpr[REG_RAX], k ? 0x55332211 : 0x44332211);
        fx_wr(r->fx, RIG_SECOND + 2, 0x55, 1); /* behind the CPU's back, as DMA would: told below */
        cpu_note_code_write(r->fx->cpu, RIG_SECOND + 2, 1);
    }
    rig_free(r);
}

/* ---- non-canonical addresses ---- */

static void noncanonical(void **state)
{
    static const struct {
        uint8_t code[5];
        unsigned vector;
    } cases[] = {
        {{0x8a, 0x03}, EXC_GP},             /* mov al, [rbx] */
        {{0x88, 0x03}, EXC_GP},             /* mov [rbx], al */
        {{0x00, 0x03}, EXC_GP},             /* add [rbx], al */
        {{0x0f, 0x10, 0x03}, EXC_GP},       /* movups */
        {{0x8a, 0x45, 0x00}, EXC_SS},       /* mov al, [rbp] */
        {{0x8a, 0x04, 0x24}, EXC_SS},       /* mov al, [rsp] */
        {{0x3e, 0x8a, 0x45, 0x00}, EXC_SS}, /* a DS prefix is ignored */
        {{0x64, 0x8a, 0x45, 0x00}, EXC_GP}, /* FS is not */
        {{0x50}, EXC_SS},                   /* push rax */
        {{0x58}, EXC_SS},                   /* pop rax */
        {{0xff, 0x31}, EXC_SS},             /* push [rcx]: the operand is fine, the stack is not */
        {{0x8f, 0x01}, EXC_SS},             /* pop [rcx] */
        {{0xff, 0x11}, EXC_SS},             /* call [rcx] */
        {{0xff, 0x33}, EXC_GP},             /* push [rbx] */
        {{0xe8, 0, 0, 0, 0}, EXC_SS},       /* call */
        {{0xc3}, EXC_SS},                   /* ret */
        {{0xff, 0xe3}, EXC_GP},             /* jmp rbx */
        {{0xc9}, EXC_SS},                   /* leave */
        {{0x9c}, EXC_SS},                   /* pushf */
    };
    static const gva_t addr[] = {UINT64_C(0x0000800000000010), UINT64_C(0xffff7fffffffffff),
                                 UINT64_C(0x8000000000001000)};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        for (unsigned a = 0; a < ARRAY_SIZE(addr); a++) {
            struct fx *fx = fx_new("max");
            struct cpu *cpu = fx->cpu;

            fx_long(fx, 0);
            /* faults go to a good stack */
            fx_gate64(fx, EXC_GP, FX_CS64, FX_HAND + EXC_GP * 4, SYS_INT32, 0, 1);
            fx_gate64(fx, EXC_SS, FX_CS64, FX_HAND + EXC_SS * 4, SYS_INT32, 0, 1);
            fx_wr(fx, FX_TSS + 0x24, FX_STACK, 8);
            cpu->cr4 |= CR4_OSFXSR;
            cpu_sync_mode(cpu);
            memcpy(fx->ram + FX_CODE, cases[k].code, 5);
            cpu->gpr[REG_RBX] = cpu->gpr[REG_RBP] = cpu->gpr[REG_RSP] = addr[a];
            cpu->gpr[REG_RCX] = 0xb000;
            fx_wr(fx, 0xb000, FX_CODE, 8);
            fx_run(fx, 1);
            if (fx_rip(fx) != FX_HAND + cases[k].vector * 4)
                fail_msg("case %u address %u: at %llx", k, a, (unsigned long long)fx_rip(fx));
            assert_int_equal(fx_stk8(fx, 0), 0);
            assert_int_equal(fx_stk8(fx, 1), FX_CODE);
            assert_int_equal(fx_stk8(fx, 4), addr[a]); /* RSP as it was */
            assert_int_equal(cpu->cr2, 0);
            fx_free(fx);
        }
    }
}

/* An access that begins canonical and ends beyond is non-canonical, whatever is mapped. */
static void canonical_edge(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_long(fx, 0);
    FX_PUT(fx, FX_CODE, 0x48, 0x89, 0x03); /* mov [rbx], rax */
    for (unsigned into = 0; into < 8; into++) {
        fx_ring(fx, FX_CS64, FX_DS0, 0);
        cpu->gpr[REG_RBX] = UINT64_C(0x0000800000000000) - 8 + into;
        fx_run(fx, 1);
        fx_assert_vector(fx, into ? EXC_GP : EXC_PF);
    }
    fx_free(fx);
}

/* ---- A20, holes, ROM, devices ---- */

static void a20_gate(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_real(fx);
    cpu->seg[SEG_DS].base = 0xffff0;
    cpu->seg[SEG_DS].sel = 0xffff;
    fx_wr(fx, 0x500, 0x11, 1);
    fx_wr(fx, 0x100500, 0x22, 1);
    FX_PUT(fx, FX_CODE, 0xa0, 0x10, 0x05); /* mov al, [ffff:0510] */
    for (unsigned k = 0; k < 4; k++) {
        cpu_set_a20(cpu, k & 1);
        cpu->gpr[REG_RIP] = FX_CODE;
        fx_run(fx, 1);
        assert_int_equal(cpu->gpr[REG_RAX] & 0xff, k & 1 ? 0x22 : 0x11);
    }
    /* code too: ffff:8010 is 8000 with the gate shut */
    FX_PUT(fx, 0x108000, 0xb0, 0x33);
    FX_PUT(fx, FX_CODE, 0xb0, 0x44);
    for (unsigned k = 0; k < 4; k++) {
        cpu_set_a20(cpu, k & 1);
        cpu->seg[SEG_CS].base = 0xffff0;
        cpu->gpr[REG_RIP] = FX_CODE + 0x10;
        cpu_sync_mode(cpu);
        fx_run(fx, 1);
        assert_int_equal(cpu->gpr[REG_RAX] & 0xff, k & 1 ? 0x33 : 0x44);
    }
    fx_free(fx);
}

/* What the board saw. */
static struct {
    struct {
        gpa_t gpa;
        uint64_t val;
        unsigned size;
        bool write;
    } at[32];
    unsigned n;
} log_;

static uint64_t dev_read(void *o, gpa_t gpa, unsigned size)
{
    (void)o;
    assert_in_range(log_.n, 0, 31);
    log_.at[log_.n].gpa = gpa;
    log_.at[log_.n].size = size;
    log_.at[log_.n++].write = false;
    /* each byte is the low byte of its address */
    return zext((gpa & 0xff) * UINT64_C(0x0101010101010101) + UINT64_C(0x0706050403020100), size);
}

static void dev_write(void *o, gpa_t gpa, uint64_t val, unsigned size)
{
    (void)o;
    assert_in_range(log_.n, 0, 31);
    log_.at[log_.n].gpa = gpa;
    log_.at[log_.n].val = val;
    log_.at[log_.n].size = size;
    log_.at[log_.n++].write = true;
}

static struct fx *device_fx(void)
{
    struct fx *fx = fx_new("max");

    fx_prot(fx, 0);
    fx->cpu->hooks.mmio_read = dev_read;
    fx->cpu->hooks.mmio_write = dev_write;
    fx->cpu->cr4 |= CR4_OSFXSR;
    cpu_sync_mode(fx->cpu);
    memset(&log_, 0, sizeof(log_));
    return fx;
}

static void one_insn(struct fx *fx, const uint8_t *code, unsigned len)
{
    static uint32_t where;

    where = (where + 16) & 0xfff;
    memcpy(fx->ram + 0x20000 + where, code, len);
    fx->cpu->gpr[REG_RIP] = 0x20000 + where;
    log_.n = 0;
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), 0x20000 + where + len);
}

#define INSN(fx, ...)                                                                              \
    do {                                                                                           \
        static const uint8_t code_[] = {__VA_ARGS__};                                              \
        one_insn(fx, code_, sizeof(code_));                                                        \
    } while (0)

static void saw(unsigned k, gpa_t gpa, unsigned size, bool write)
{
    assert_true(k < log_.n);
    assert_int_equal(log_.at[k].gpa, gpa);
    assert_int_equal(log_.at[k].size, size);
    assert_int_equal(log_.at[k].write, write);
}

/* A device sees one access of the instruction's size, aligned or not; more than 8 bytes come in
 * parts. */
static void device_accesses(void **state)
{
    struct fx *fx = device_fx();
    struct cpu *cpu = fx->cpu;

    (void)state;
    for (unsigned off = 0; off < 8; off++) {
        gpa_t at = RIG_HOLE + 0x10 + off;

        cpu->gpr[REG_RBX] = at;
        cpu->gpr[REG_RAX] = 0x44332211;
        INSN(fx, 0x88, 0x03);
        assert_int_equal(log_.n, 1);
        saw(0, at, 1, true);
        assert_int_equal(log_.at[0].val, 0x11);
        INSN(fx, 0x66, 0x89, 0x03);
        assert_int_equal(log_.n, 1);
        saw(0, at, 2, true);
        assert_int_equal(log_.at[0].val, 0x2211);
        INSN(fx, 0x89, 0x03);
        assert_int_equal(log_.n, 1);
        saw(0, at, 4, true);
        assert_int_equal(log_.at[0].val, 0x44332211);
        INSN(fx, 0x0f, 0x7f, 0x03); /* movq [ebx], mm0 */
        assert_int_equal(log_.n, 1);
        saw(0, at, 8, true);
        INSN(fx, 0x0f, 0x11, 0x03); /* movups [ebx], xmm0 */
        assert_int_equal(log_.n, 2);
        saw(0, at, 8, true);
        saw(1, at + 8, 8, true);
        INSN(fx, 0x8b, 0x03);
        assert_int_equal(log_.n, 1);
        saw(0, at, 4, false);
        assert_int_equal(cpu->gpr[REG_RAX], 0x03020100 + (at & 0xff) * 0x01010101);
        INSN(fx, 0xff, 0x03); /* inc dword [ebx]: read, then write */
        assert_int_equal(log_.n, 2);
        saw(0, at, 4, false);
        saw(1, at, 4, true);
        assert_int_equal(log_.at[1].val, 0x03020101 + (at & 0xff) * 0x01010101);
    }
    fx_free(fx);
}

/* Half in RAM, half on a device: each half goes where it belongs. */
static void device_border(void **state)
{
    struct fx *fx = device_fx();
    struct cpu *cpu = fx->cpu;

    (void)state;
    for (unsigned into = 1; into < 4; into++) {
        memset(fx->ram + FX_RAM - 4, 0, 4);
        cpu->gpr[REG_RBX] = FX_RAM - into;
        cpu->gpr[REG_RAX] = 0x44332211;
        INSN(fx, 0x89, 0x03);
        assert_int_equal(fx_rd(fx, FX_RAM - 4, 4), (uint32_t)(0x44332211u << (32 - 8 * into)));
        saw(0, FX_RAM, into == 1 ? 2 : into == 2 ? 2 : 1, true);
        assert_int_equal(log_.n, into == 1 ? 2 : 1);
        INSN(fx, 0x8b, 0x03);
        assert_int_equal(cpu->gpr[REG_RAX] & ((1u << 8 * into) - 1),
                         0x44332211 & ((1u << 8 * into) - 1));
        assert_int_equal(cpu->gpr[REG_RAX] >> 8 * into, 0x020100 & ((1u << (32 - 8 * into)) - 1));
    }
    fx_free(fx);
}

/* String instructions on a device go element by element. */
static void device_strings(void **state)
{
    struct fx *fx = device_fx();
    struct cpu *cpu = fx->cpu;

    (void)state;
    cpu->gpr[REG_RDI] = RIG_HOLE;
    cpu->gpr[REG_RAX] = 0x5a5a;
    cpu->gpr[REG_RCX] = 5;
    FX_PUT(fx, FX_CODE, 0xf3, 0x66, 0xab); /* rep stosw */
    cpu->gpr[REG_RIP] = FX_CODE;
    FX_PUT(fx, FX_CODE + 3, 0xf4);
    fx_run(fx, 0);
    assert_int_equal(log_.n, 5);
    for (unsigned k = 0; k < 5; k++)
        saw(k, RIG_HOLE + 2 * k, 2, true);
    assert_int_equal(cpu->gpr[REG_RDI], RIG_HOLE + 10);
    assert_int_equal(cpu->gpr[REG_RCX], 0);
    fx_free(fx);
}

static void holes_read_ones(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_prot(fx, 0);
    cpu->gpr[REG_RBX] = RIG_HOLE + 3;
    INSN(fx, 0x89, 0x03); /* dropped */
    INSN(fx, 0x8b, 0x03);
    assert_int_equal(cpu->gpr[REG_RAX], 0xffffffff);
    cpu->gpr[REG_RIP] = RIG_HOLE; /* code there: ff ff is no instruction */
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_UD);
    fx_free(fx);
}

/* Stores to ROM vanish, whatever makes them; loads and code work. */
static void rom_drops_writes(void **state)
{
    static const uint8_t codes[][5] = {
        {0x89, 0x03},             /* mov [ebx], eax */
        {0x01, 0x03},             /* add [ebx], eax */
        {0xf0, 0x0f, 0xb1, 0x03}, /* lock cmpxchg [ebx], eax */
        {0x87, 0x03},             /* xchg */
        {0x0f, 0x11, 0x03},       /* movups */
        {0xff, 0x03},             /* inc */
        {0x0f, 0xab, 0x03},       /* bts [ebx], eax */
        {0xf3, 0xaa},             /* rep stosb */
        {0xf3, 0xa5},             /* rep movsd */
    };
    static const uint8_t lens[] = {2, 2, 4, 2, 3, 2, 3, 2, 2};
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;
    uint8_t rom[0x2000] __attribute__((aligned(4096)));

    (void)state;
    fx_prot(fx, 0);
    cpu->cr4 |= CR4_OSFXSR;
    cpu_sync_mode(cpu);
    memset(rom, 0x90, sizeof(rom));
    slots_create(fx->slots, 1, 0xfff00000, sizeof(rom), rom, MEMSLOT_READONLY);
    for (unsigned k = 0; k < ARRAY_SIZE(codes); k++) {
        for (unsigned at = 0; at < 2; at++) { /* in a page, and across two */
            for (unsigned twice = 0; twice < 2; twice++) {
                cpu->gpr[REG_RBX] = cpu->gpr[REG_RDI] = 0xfff00000 + (at ? 0xffe : 0x100);
                cpu->gpr[REG_RSI] = 0x100;
                cpu->gpr[REG_RAX] = 0x90909090;
                cpu->gpr[REG_RCX] = 1;
                one_insn(fx, codes[k], lens[k]);
                for (unsigned b = 0; b < sizeof(rom); b++)
                    assert_int_equal(rom[b], 0x90);
            }
        }
    }
    cpu->gpr[REG_RIP] = 0xfff00000;
    fx_run(fx, 3);
    assert_int_equal(fx_rip(fx), 0xfff00003);
    fx_free(fx);
}

/* Of flash that reads as memory, loads and code are memory's; stores go to the bus, whatever makes
 * them, also after a load has filled the TLB, and change nothing. */
static void flash_stores_go_to_the_bus(void **state)
{
    static const uint8_t codes[][4] = {
        {0x89, 0x03},             /* mov [ebx], eax */
        {0x01, 0x03},             /* add [ebx], eax */
        {0xf0, 0x0f, 0xb1, 0x03}, /* lock cmpxchg [ebx], eax */
        {0x87, 0x03},             /* xchg */
        {0x0f, 0x11, 0x03},       /* movups */
        {0xf3, 0xaa},             /* rep stosb */
        {0xf3, 0xa5},             /* rep movsd */
    };
    static const uint8_t lens[] = {2, 2, 4, 2, 3, 2, 2}, writes[] = {1, 1, 1, 1, 2, 1, 1};
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;
    uint8_t flash[0x2000] __attribute__((aligned(4096)));

    (void)state;
    fx_prot(fx, 0);
    cpu->cr4 |= CR4_OSFXSR;
    cpu_sync_mode(cpu);
    cpu->hooks.mmio_read = dev_read;
    cpu->hooks.mmio_write = dev_write;
    memset(flash, 0x90, sizeof(flash));
    slots_create(fx->slots, 1, 0xfff00000, sizeof(flash), flash, MEMSLOT_READONLY | MEMSLOT_FLASH);
    for (unsigned k = 0; k < ARRAY_SIZE(codes); k++) {
        for (unsigned again = 0; again < 2; again++) {
            cpu->gpr[REG_RBX] = cpu->gpr[REG_RDI] = 0xfff00100;
            cpu->gpr[REG_RSI] = 0x100;
            cpu->gpr[REG_RAX] = 0x90909090;
            cpu->gpr[REG_RCX] = 1;
            one_insn(fx, codes[k], lens[k]);
            assert_int_equal(log_.n, writes[k]);
            saw(0, 0xfff00100, log_.at[0].size, true);
            INSN(fx, 0x8b, 0x0b); /* mov ecx, [ebx] */
            assert_int_equal(log_.n, 0);
            assert_int_equal(cpu->gpr[REG_RCX], 0x90909090);
        }
    }
    /* across the border to what is not there, and to memory */
    cpu->gpr[REG_RBX] = 0xfff01ffe;
    INSN(fx, 0x89, 0x03);
    assert_int_equal(log_.n, 2);
    for (unsigned b = 0; b < sizeof(flash); b++)
        assert_int_equal(flash[b], 0x90);
    cpu->gpr[REG_RIP] = 0xfff00000;
    fx_run(fx, 3);
    assert_int_equal(fx_rip(fx), 0xfff00003);
    fx_free(fx);
}

/* REP MOVS of elements of such a size, whole. */
static void copy_by(struct fx *fx, unsigned size)
{
    FX_PUT(fx, FX_CODE, 0xf3, 0xa4, 0xf4);
    fx->ram[FX_CODE + 1] += size == 1 ? 0 : 1;
    cpu_note_code_write(fx->cpu, FX_CODE, 3);
    fx->cpu->gpr[REG_RIP] = FX_CODE;
    fx->cpu->halted = false;
    fx_run(fx, 0);
    assert_true(fx->cpu->halted);
}

/* Pages whose numbers are alike in the TLB take its one entry from each other: a copy from one to
 * the other fills it for each page, not for each element. */
static void strings_between_like_pages(void **state)
{
    enum { FROM = 0x31000, TO = FROM + TLB_SIZE * (int)PAGE_SIZE, LEN = 0x2000 };
    static uint8_t far[LEN + 0x1000] __attribute__((aligned(4096)));
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;
    uint64_t fills;

    (void)state;
    fx_prot(fx, 0);
    slots_create(fx->slots, 1, TO, sizeof(far), far, 0);
    for (unsigned k = 0; k < LEN; k++)
        fx->ram[FROM + 8 + k] = (uint8_t)(k * 11 + (k >> 8));
    for (unsigned size = 1; size <= 4; size *= 4) {
        memset(far, 0, sizeof(far));
        cpu->gpr[REG_RSI] = FROM + 8;
        cpu->gpr[REG_RDI] = TO + 12;
        cpu->gpr[REG_RCX] = LEN / size;
        fills = cpu->stat_tlb_fills;
        copy_by(fx, size);
        assert_memory_equal(far + 12, fx->ram + FROM + 8, LEN);
        assert_int_equal(far[11] | far[12 + LEN], 0);
        assert_int_equal(cpu->gpr[REG_RCX], 0);
        assert_int_equal(cpu->gpr[REG_RSI], FROM + 8 + LEN);
        assert_int_equal(cpu->gpr[REG_RDI], TO + 12 + LEN);
        assert_true(cpu->stat_tlb_fills - fills < 60);
    }
    /* two names of one page: each byte is the one before it */
    slots_delete(fx->slots, 1);
    slots_create(fx->slots, 1, TO, PAGE_SIZE, fx->ram + FROM, 0);
    cpu_tlb_flush(cpu, true);
    fx->ram[FROM] = 0x77;
    cpu->gpr[REG_RSI] = FROM;
    cpu->gpr[REG_RDI] = TO + 1;
    cpu->gpr[REG_RCX] = 200;
    copy_by(fx, 1);
    for (unsigned k = 0; k <= 200; k++)
        assert_int_equal(fx->ram[FROM + k], 0x77);
    /* the destination ends: what was written is told, and no more was */
    fx->ram[FROM + 0xff0] = 0x11;
    slots_delete(fx->slots, 1);
    slots_create(fx->slots, 1, TO, PAGE_SIZE, far, MEMSLOT_READONLY);
    cpu_tlb_flush(cpu, true);
    memset(far, 0x33, sizeof(far));
    cpu->gpr[REG_RSI] = FROM;
    cpu->gpr[REG_RDI] = TO;
    cpu->gpr[REG_RCX] = 200;
    copy_by(fx, 1);
    assert_int_equal(far[0], 0x33);
    assert_int_equal(cpu->gpr[REG_RCX], 0);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invlpg_drops_a_page),
        cmocka_unit_test(invlpg_drops_large_pages_whole),
        cmocka_unit_test(cr3_spares_global_pages),
        cmocka_unit_test(global_needs_pge),
        cmocka_unit_test(many_flushes),
        cmocka_unit_test(pcids_do_not_mix),
        cmocka_unit_test(invpcid_types),
        cmocka_unit_test(invpcid_faults),
        cmocka_unit_test(rights_follow_the_mode),
        cmocka_unit_test(second_page_faults),
        cmocka_unit_test(crossing_accesses),
        cmocka_unit_test(fetch_crossing),
        cmocka_unit_test(noncanonical),
        cmocka_unit_test(canonical_edge),
        cmocka_unit_test(a20_gate),
        cmocka_unit_test(device_accesses),
        cmocka_unit_test(device_border),
        cmocka_unit_test(device_strings),
        cmocka_unit_test(holes_read_ones),
        cmocka_unit_test(rom_drops_writes),
        cmocka_unit_test(flash_stores_go_to_the_bus),
        cmocka_unit_test(strings_between_like_pages),
    };

    return unit_main(tests);
}
