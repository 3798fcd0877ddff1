/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Protection keys against Intel's SDM: volume 3A 4.6.2 (what they stop) and 4.7 (the error code),
 * volume 2 (RDPKRU, WRPKRU), 2.7 of volume 3A (PKRU). What is expected comes from the rules as
 * written down here, not from a walker.
 */
#include "cpu/cpuid.h"
#include "cpu/features.h"
#include "cpu/state.h"
#include "tests/unit/tlb_rig.h"

#define MODEL      "max,+pku"
#define RDPKRU     0xee010f
#define WRPKRU     0xef010f
#define KEY_SHIFT  59
#define DENY_READ  1u /* AD */
#define DENY_WRITE 2u /* WD */

static struct rig *pku_rig(enum rig_mode mode)
{
    struct rig *r = rig_new(mode, MODEL);

    rig_insn(r, MOV_CR4_EAX, r->fx->cpu->cr4 | CR4_PKE, 0);
    r->fx->cpu->efer |= EFER_NXE;
    return r;
}

static void wrpkru(struct rig *r, uint32_t val)
{
    r->fx->cpu->gpr[REG_RCX] = r->fx->cpu->gpr[REG_RDX] = 0;
    rig_insn(r, WRPKRU, 3, val, 0);
    assert_int_equal(r->fx->cpu->pkru, val);
}

/* ---- 4.6.2 ---- */

struct situation {
    bool pke, wp, cpl3, user_page, writable;
    unsigned bits; /* of the page's key */
    enum rig_access kind;
};

/* -1: goes through; else the error code. */
static int64_t expect(const struct situation *s)
{
    bool implicit = s->kind >= RIG_SYS_READ, user = s->cpl3 && !implicit;
    unsigned steps = s->kind == RIG_SYS_WRITE ? 2 : 1;

    for (unsigned k = 0; k < steps; k++) {
        bool write = s->kind == RIG_WRITE || k == 1, fetch = s->kind == RIG_EXEC, rights, key;

        rights = (!user || s->user_page) && (!write || s->writable || (!user && !s->wp));
        key = !s->pke || !s->user_page || fetch ||
              !((s->bits & DENY_READ) || ((s->bits & DENY_WRITE) && write && (user || s->wp)));
        if (!rights || !key)
            return PF_P | (write ? PF_W : 0) | (user ? PF_U : 0) | (fetch ? PF_I : 0) |
                   (key ? 0 : PF_PK);
    }
    return -1;
}

static void check(struct rig *r, const struct situation *s, unsigned key)
{
    struct cpu *cpu = r->fx->cpu;
    unsigned leaf = r->n - 1;
    struct rig_result res;
    int64_t want = expect(s);

    for (unsigned k = 0; k < leaf; k++) /* keys of upper entries are none */
        rig_set(r, k, r->full[k] | (uint64_t)(~key & 15) << KEY_SHIFT);
    rig_set(r, leaf,
            (r->full[leaf] & ~(RIG_U | RIG_W)) | (s->user_page ? RIG_U : 0) |
                (s->writable ? RIG_W : 0) | (uint64_t)key << KEY_SHIFT);
    cpu->cr0 = s->wp ? cpu->cr0 | CR0_WP : cpu->cr0 & ~(uint64_t)CR0_WP;
    cpu->cr4 = s->pke ? cpu->cr4 | CR4_PKE : cpu->cr4 & ~(uint64_t)CR4_PKE;
    /* other keys say the opposite */
    cpu->pkru = (s->bits ? 0 : ~0u) & ~(3u << 2 * key);
    cpu->pkru |= s->bits << 2 * key;
    cpu_tlb_flush(cpu, true);
    res = rig_go(r, s->cpl3 ? 3 : 0, s->kind);
    if (res.vector != (want < 0 ? -1 : EXC_PF) || (want >= 0 && res.err != (uint64_t)want))
        fail_msg("mode %d kind %d key %u bits %u pke %d wp %d cpl3 %d page u%d w%d: vector %d "
                 "error %x, not %x",
                 r->mode, s->kind, key, s->bits, s->pke, s->wp, s->cpl3, s->user_page, s->writable,
                 res.vector, (unsigned)res.err, (unsigned)want);
    if (want >= 0 && s->kind != RIG_SYS_WRITE)
        assert_false(rig_get(r, leaf) & (RIG_A | RIG_D));
}

static void keys_and_rights(void **state)
{
    static const enum rig_mode modes[] = {RIG_64_4K, RIG_64_2M, RIG_64_1G, RIG_57_4K, RIG_57_1G};
    static const unsigned keys[] = {0, 1, 9, 15};

    (void)state;
    for (unsigned m = 0; m < ARRAY_SIZE(modes); m++) {
        struct rig *r = pku_rig(modes[m]);

        for (unsigned k = 0; k < ARRAY_SIZE(keys); k++) {
            for (unsigned n = 0; n < 128 * RIG_ACCESSES; n++) {
                struct situation s = {.pke = n & 1,
                                      .wp = n & 2,
                                      .cpl3 = n & 4,
                                      .user_page = n & 8,
                                      .writable = n & 16,
                                      .bits = n >> 5 & 3,
                                      .kind = (enum rig_access)(n >> 7)};

                check(r, &s, keys[k]);
            }
        }
        rig_free(r);
    }
}

/* Outside long mode bits 62..59 are no key, and PKRU stops nothing. */
static void no_keys_outside_long_mode(void **state)
{
    static const enum rig_mode modes[] = {RIG_32_4K, RIG_32_4M, RIG_PAE_4K, RIG_PAE_2M};

    (void)state;
    for (unsigned m = 0; m < ARRAY_SIZE(modes); m++) {
        struct rig *r = pku_rig(modes[m]);

        wrpkru(r, ~0u);
        assert_int_equal(rig_go(r, 3, RIG_READ).vector, -1);
        assert_int_equal(rig_go(r, 3, RIG_WRITE).vector, -1);
        assert_int_equal(rig_go(r, 0, RIG_WRITE).vector, -1);
        rig_free(r);
    }
}

/* ---- changes, with the translation cached ---- */

/* WRPKRU counts at once, without any flush. */
static void wrpkru_counts_at_once(void **state)
{
    static const enum rig_mode modes[] = {RIG_64_4K, RIG_64_2M, RIG_57_4K};

    (void)state;
    for (unsigned m = 0; m < ARRAY_SIZE(modes); m++) {
        struct rig *r = pku_rig(modes[m]);
        unsigned leaf = r->n - 1;

        r->full[leaf] |= UINT64_C(3) << KEY_SHIFT | RIG_G;
        r->fx->cpu->cr4 |= CR4_PGE;
        rig_fill(r);
        for (unsigned k = 0; k < 3; k++) {
            wrpkru(r, 0);
            assert_int_equal(rig_go(r, 3, RIG_WRITE).vector, -1);
            assert_int_equal(rig_go(r, 3, RIG_READ).vector, -1);
            wrpkru(r, DENY_WRITE << 6);
            assert_int_equal(rig_go(r, 3, RIG_READ).vector, -1);
            assert_int_equal(rig_go(r, 3, RIG_WRITE).err, PF_P | PF_W | PF_U | PF_PK);
            assert_int_equal(rig_go(r, 0, RIG_WRITE).vector, -1); /* CR0.WP is clear */
            wrpkru(r, DENY_READ << 6);
            assert_int_equal(rig_go(r, 3, RIG_READ).err, PF_P | PF_U | PF_PK);
            assert_int_equal(rig_go(r, 3, RIG_WRITE).err, PF_P | PF_W | PF_U | PF_PK);
            assert_int_equal(rig_go(r, 0, RIG_READ).err, PF_P | PF_PK);
            assert_int_equal(rig_go(r, 3, RIG_EXEC).vector, -1);
        }
        /* so does CR4.PKE */
        rig_insn(r, MOV_CR4_EAX, r->fx->cpu->cr4 & ~(uint64_t)CR4_PKE, 0);
        assert_int_equal(rig_go(r, 3, RIG_WRITE).vector, -1);
        rig_insn(r, MOV_CR4_EAX, r->fx->cpu->cr4 | CR4_PKE, 0);
        assert_int_equal(rig_go(r, 3, RIG_READ).err, PF_P | PF_U | PF_PK);
        rig_free(r);
    }
}

/* A debugger reads whatever the keys say. */
static void probes_have_all_keys(void **state)
{
    struct rig *r = pku_rig(RIG_64_4K);
    gpa_t gpa = 0;

    (void)state;
    wrpkru(r, ~0u);
    assert_int_equal(r->fx->cpu->mmu->probe(r->fx->cpu, r->va + 5, &gpa), 0);
    assert_int_equal(gpa, RIG_TARGET + 5);
    rig_free(r);
}

/* ---- the instructions ---- */

static void reading_and_writing(void **state)
{
    struct rig *r = pku_rig(RIG_64_4K);
    struct cpu *cpu = r->fx->cpu;

    (void)state;
    for (unsigned cpl = 0; cpl <= 3; cpl += 3) {                              /* at any privilege */
        cpu->gpr[REG_RCX] = cpu->gpr[REG_RDX] = UINT64_C(0xffffffff00000000); /* high halves: */
        assert_int_equal(rig_raises(r, cpl, WRPKRU, UINT64_C(0x5500000000) | 0xa5a5a5a0u | cpl, 0),
                         -1); /* … ignored */
        assert_int_equal(cpu->pkru, 0xa5a5a5a0u | cpl);
        cpu->gpr[REG_RDX] = ~UINT64_C(0);
        assert_int_equal(rig_raises(r, cpl, RDPKRU, ~UINT64_C(0), 0), -1);
        assert_int_equal(cpu->gpr[REG_RAX], 0xa5a5a5a0u | cpl);
        assert_int_equal(cpu->gpr[REG_RDX], 0);
        assert_int_equal(cpu->gpr[REG_RCX], UINT64_C(0xffffffff00000000));
    }
    rig_free(r);
}

static void refused(void **state)
{
    static const uint64_t forms[] = {
        UINT64_C(0x010f66), UINT64_C(0x010ff2), UINT64_C(0x010ff3), /* NP */
        UINT64_C(0x010ff0),                                         /* LOCK */
    };
    struct rig *r = pku_rig(RIG_64_4K);
    struct cpu *cpu = r->fx->cpu;

    (void)state;
    cpu->gpr[REG_RCX] = 1;
    cpu->gpr[REG_RDX] = 0;
    assert_int_equal(rig_raises(r, 0, RDPKRU, 0, 0), EXC_GP);
    assert_int_equal(rig_raises(r, 3, RDPKRU, 0, 0), EXC_GP);
    assert_int_equal(rig_raises(r, 0, WRPKRU, 7, 0), EXC_GP);
    cpu->gpr[REG_RCX] = 0;
    cpu->gpr[REG_RDX] = 1;
    assert_int_equal(rig_raises(r, 0, WRPKRU, 7, 0), EXC_GP);
    assert_int_equal(rig_raises(r, 0, RDPKRU, 7, 0), -1);
    assert_int_equal(cpu->pkru, 0);
    cpu->gpr[REG_RDX] = 0;
    for (unsigned k = 0; k < ARRAY_SIZE(forms); k++) {
        assert_int_equal(rig_raises(r, 0, forms[k] | UINT64_C(0xee) << 24, 0, 0), EXC_UD);
        assert_int_equal(rig_raises(r, 0, forms[k] | UINT64_C(0xef) << 24, 0, 0), EXC_UD);
    }
    /* #UD comes before #GP */
    rig_insn(r, MOV_CR4_EAX, cpu->cr4 & ~(uint64_t)CR4_PKE, 0);
    for (unsigned ecx = 0; ecx < 2; ecx++) {
        cpu->gpr[REG_RCX] = ecx;
        assert_int_equal(rig_raises(r, 0, RDPKRU, 0, 0), EXC_UD);
        assert_int_equal(rig_raises(r, 0, WRPKRU, 0, 0), EXC_UD);
    }
    rig_free(r);

    r = rig_new(RIG_64_4K, "max,-pku");
    assert_int_equal(rig_raises(r, 0, 0xe0220f, r->fx->cpu->cr4 | CR4_PKE, 0), EXC_GP);
    assert_int_equal(rig_raises(r, 0, RDPKRU, 0, 0), EXC_UD);
    rig_free(r);
}

static void shown_by_cpuid(void **state)
{
    struct rig *r = pku_rig(RIG_64_4K);

    (void)state;
    assert_int_equal(cpuid_query(r->fx->cpu, 7, 0).ecx >> 3 & 3, 3); /* PKU, OSPKE */
    rig_insn(r, MOV_CR4_EAX, r->fx->cpu->cr4 & ~(uint64_t)CR4_PKE, 0);
    assert_int_equal(cpuid_query(r->fx->cpu, 7, 0).ecx >> 3 & 3, 1);
    assert_int_equal(cpuid_query(r->fx->cpu, 7, 1).ecx, 0);
    rig_free(r);
    r = rig_new(RIG_64_4K, "max,-pku");
    assert_int_equal(cpuid_query(r->fx->cpu, 7, 0).ecx >> 3 & 3, 0);
    rig_free(r);
}

/* It goes with the rest of the state; INIT leaves it, a reset clears it. */
static void part_of_the_state(void **state)
{
    struct rig *r = pku_rig(RIG_64_4K);
    struct cpu *cpu = r->fx->cpu;
    struct x86_state s;

    (void)state;
    wrpkru(r, DENY_READ);
    assert_int_equal(rig_go(r, 3, RIG_READ).err, PF_P | PF_U | PF_PK);
    cpu_get_state(cpu, &s);
    assert_int_equal(s.pkru, DENY_READ);
    s.pkru = DENY_WRITE;
    assert_true(cpu_set_state(cpu, &s));
    assert_int_equal(cpu->pkru, DENY_WRITE);
    assert_int_equal(rig_go(r, 3, RIG_READ).vector, -1);
    assert_int_equal(rig_go(r, 3, RIG_WRITE).err, PF_P | PF_U | PF_W | PF_PK);
    cpu_reset(cpu, true, true);
    assert_int_equal(cpu->pkru, DENY_WRITE);
    cpu_reset(cpu, true, false);
    assert_int_equal(cpu->pkru, 0);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_rights),       cmocka_unit_test(no_keys_outside_long_mode),
        cmocka_unit_test(wrpkru_counts_at_once), cmocka_unit_test(probes_have_all_keys),
        cmocka_unit_test(reading_and_writing),   cmocka_unit_test(refused),
        cmocka_unit_test(shown_by_cpuid),        cmocka_unit_test(part_of_the_state),
    };

    return unit_main(tests);
}
