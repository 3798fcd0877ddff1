/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule stale-tlb: what changes of page tables are told of when the page is used again, and which
 * are not, by SDM 3A 4.10.4; each way to invalidate; other vCPUs. Built over either MMU.
 */
#include "cpu/lint_tlb.h"
#include "tests/unit/cpu_fixture.h"
#include "tests/unit/lint_rig.h"

#define VA    0x200000u
#define PT    0x20000u
#define FRAME 0x30000u
#define OTHER 0x31000u
#define PD    (FX_PML4 + 0x2000)

#define P 1u
#define W 2u
#define U 4u
#define A 0x20u
#define D 0x40u
#define G 0x100u

/* Instructions. RDI is VA, RSI the PTE, RBX what is stored there. */
#define READ   0x8a, 0x07                         /* mov al, [rdi] */
#define WRITE  0x88, 0x07                         /* mov [rdi], al */
#define CHANGE 0x48, 0x89, 0x1e                   /* mov [rsi], rbx */
#define INVLPG 0x0f, 0x01, 0x3f                   /* invlpg [rdi] */
#define CR3    0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8 /* mov rax, cr3; mov cr3, rax */
#define PGE                                                                                        \
    0x0f, 0x20, 0xe0, 0x48, 0x35, 0x80, 0, 0, 0, 0x0f, 0x22, 0xe0 /* CR4.PGE the other way */
#define FETCH 0xff, 0xd7                                          /* call rdi */

static struct fx *new_rig(const struct fx *first)
{
    struct fx *fx = fx_new_with("max", first, first ? 1 : 0);

    fx_long(fx, 0);
    fx_wr(fx, PD + 8, PT | P | W | U | A, 8);
    fx->cpu->efer |= EFER_NXE;
    fx->cpu->cr4 |= CR4_PGE;
    fx->cpu->cr0 |= CR0_WP;
    fx->cpu->gpr[REG_RDI] = VA;
    fx->cpu->gpr[REG_RSI] = PT;
    fx->ram[FRAME] = fx->ram[OTHER] = 0xc3; /* ret */
    fx->cpu->wait_sipi = false;
    cpu_tlb_flush(fx->cpu, true);
    return fx;
}

static void run_code(struct fx *fx, const uint8_t *code, size_t len)
{
    memset(fx->ram + FX_CODE, 0xf4, 64);
    memcpy(fx->ram + FX_CODE, code, len);
    cpu_note_code_write(fx->cpu, FX_CODE, 64);
    fx->cpu->gpr[REG_RIP] = FX_CODE;
    fx->cpu->gpr[REG_RSP] = FX_STACK;
    fx->cpu->halted = false;
    fx_run(fx, 0);
    assert_true(fx->cpu->halted);
}

static void check(uint64_t was, uint64_t is, uint64_t times, const uint8_t *code, size_t len)
{
    struct fx *fx;

    lint_begin("stale-tlb");
    fx = new_rig(NULL);
    fx_wr(fx, PT, was, 8);
    fx->cpu->gpr[REG_RBX] = is;
    run_code(fx, code, len);
    lint_expect(LINT_STALE_TLB, times);
    fx_free(fx);
    lint_close();
}

#define CHECK(was, is, times, ...)                                                                 \
    do {                                                                                           \
        static const uint8_t code_[] = {__VA_ARGS__};                                              \
        check(was, is, times, code_, sizeof(code_));                                               \
    } while (0)

#define OLD (FRAME | P | W | A | D)
#define NX  (UINT64_C(1) << 63)

static void changes(void **state)
{
    (void)state;
    CHECK(OLD, OTHER | P | W | A | D, 1, READ, CHANGE, READ);       /* another frame */
    CHECK(OLD, OTHER | P | W | A | D, 1, READ, CHANGE, READ, READ); /* told once */
    CHECK(OLD, 0, 1, READ, CHANGE, READ);                           /* cleared */
    CHECK(OLD, FRAME | P | A | D, 1, WRITE, CHANGE, WRITE);         /* not writable any more */
    CHECK(OLD, FRAME | P | A | D, 0, WRITE, CHANGE, READ);          /* which a read does not feel */
    CHECK(OLD, OLD | NX, 1, FETCH, CHANGE, FETCH);
    CHECK(OLD, OLD | NX, 0, FETCH, CHANGE, READ);
    /* What needs no invalidation. */
    CHECK(0, OLD, 0, CHANGE, READ);                        /* becomes present */
    CHECK(FRAME | P | A | D, OLD, 0, READ, CHANGE, WRITE); /* becomes writable */
    CHECK(OLD, FRAME | P | W, 0, WRITE, CHANGE, WRITE);    /* A and D are cleared */
    CHECK(OLD, OLD | 0x200, 0, READ, CHANGE, READ);        /* bits for software */
    CHECK(OLD, OLD, 0, READ, CHANGE, READ);
    CHECK(OLD, OTHER | P | W | A | D, 0, CHANGE, READ);                  /* never used before */
    CHECK(OLD, 0, 0, READ, CHANGE);                                      /* nor after */
    CHECK(FRAME | P | W | A, OTHER | P | W | A, 0, READ, CHANGE, WRITE); /* D was clear: walks */
}

static void invalidations(void **state)
{
    (void)state;
    CHECK(OLD, OTHER | P | W | A | D, 0, READ, CHANGE, INVLPG, READ);
    CHECK(OLD, OTHER | P | W | A | D, 0, READ, CHANGE, CR3, READ);
    CHECK(OLD, OTHER | P | W | A | D, 0, READ, CHANGE, PGE, READ);
    CHECK(OLD, OTHER | P | W | A | D, 0, READ, INVLPG, CHANGE, READ);
    CHECK(OLD, OTHER | P | W | A | D, 1, READ, INVLPG, READ, CHANGE, READ);
    CHECK(OLD, 0, 0, READ, CHANGE, INVLPG, READ);
    /* Global pages survive CR3, not CR4.PGE, nor INVLPG. */
    CHECK(OLD | G, OTHER | P | W | A | D | G, 1, READ, CHANGE, CR3, READ);
    CHECK(OLD | G, OTHER | P | W | A | D | G, 0, READ, CHANGE, PGE, READ);
    CHECK(OLD | G, OTHER | P | W | A | D | G, 0, READ, CHANGE, INVLPG, READ);
}

static void told(void **state)
{
    static const uint8_t code[] = {READ, CHANGE, READ};
    struct fx *fx;

    (void)state;
    lint_begin("stale-tlb");
    fx = new_rig(NULL);
    fx_wr(fx, PT, OLD, 8);
    fx->cpu->gpr[REG_RBX] = 0x31063;
    run_code(fx, code, sizeof(code));
    lint_expect_text(
        "cpu0 CPL 0 0038:0000000000008005 [mov al, byte ptr [rdi]]: read of 200000: a TLB may "
        "still "
        "have it at physical 30000, it is at 31000 now; PT entry at 20000 was 0000000000030063 and "
        "is 0000000000031063 since cpu0 at 0000000000008002 [mov qword ptr [rsi], rbx]");
    fx_free(fx);
    lint_close();
}

/* An upper entry: its table is exchanged, the leaf that is used is another. */
static void upper_entries(void **state)
{
    static const uint8_t bad[] = {READ, CHANGE, READ}, good[] = {READ, CHANGE, INVLPG, READ};

    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct fx *fx;

        lint_begin("stale-tlb");
        fx = new_rig(NULL);
        fx_wr(fx, PT, OLD, 8);
        fx_wr(fx, 0x22000, OTHER | P | W | A | D, 8);
        fx->cpu->gpr[REG_RSI] = PD + 8;
        fx->cpu->gpr[REG_RBX] = 0x22000 | P | W | A;
        run_code(fx, k ? good : bad, k ? sizeof(good) : sizeof(bad));
        lint_expect(LINT_STALE_TLB, !k);
        if (!k)
            lint_expect_text("PD entry at 12008 was");
        fx_free(fx);
    }
    lint_close();
}

/* From a table of pages to one large page with the same frames and rights: nothing changes for
 * anybody. To another frame: told. */
static void page_sizes(void **state)
{
    static const uint8_t code[] = {READ, CHANGE, READ};

    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct fx *fx;

        lint_begin("stale-tlb");
        fx = new_rig(NULL);
        for (unsigned n = 0; n < 512; n++)
            fx_wr(fx, PT + n * 8, 0x200000 + n * 0x1000 + (P | W | A | D), 8);
        fx->cpu->gpr[REG_RSI] = PD + 8;
        fx->cpu->gpr[REG_RBX] = (k ? 0 : 0x200000) | P | W | A | D | 0x80;
        run_code(fx, code, sizeof(code));
        lint_expect(LINT_STALE_TLB, k);
        fx_free(fx);
    }
    lint_close();
}

/* INVLPG anywhere in a large page drops the whole of it. */
static void large_pages(void **state)
{
    static const uint8_t code[] = {READ, CHANGE, 0x0f, 0x01, 0xbf, 0, 0, 0x10, 0, READ};
    struct fx *fx;

    (void)state;
    lint_begin("stale-tlb");
    fx = new_rig(NULL);
    fx_wr(fx, PD + 8, 0x200000 | P | W | A | D | 0x80, 8);
    fx->cpu->gpr[REG_RSI] = PD + 8;
    fx->cpu->gpr[REG_RBX] = 0 | P | W | A | D | 0x80;
    run_code(fx, code, sizeof(code));
    lint_expect(LINT_STALE_TLB, 0);
    fx_free(fx);
    lint_close();
}

/* INVLPG is about the current PCID only, INVPCID about the one it names. */
static void pcids(void **state)
{
    static const struct {
        uint8_t code[32];
        uint64_t times;
    } cases[] = {
        {{READ, CHANGE, 0x0f, 0x22, 0xd9, INVLPG, 0x0f, 0x22, 0xda, READ}, 1},
        {{READ, CHANGE, INVLPG, 0x0f, 0x22, 0xd9, 0x0f, 0x22, 0xda, READ}, 0},
        /* invpcid rax, [rbp]: type 1, PCID 0 */
        {{READ, CHANGE, 0x0f, 0x22, 0xd9, 0x66, 0x0f, 0x38, 0x82, 0x45, 0x00, 0x0f, 0x22, 0xda,
          READ},
         0},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        struct fx *fx;

        lint_begin("stale-tlb");
        fx = new_rig(NULL);
        fx_wr(fx, PT, OLD, 8);
        fx->cpu->cr4 |= CR4_PCIDE;
        fx->cpu->gpr[REG_RBX] = OTHER | P | W | A | D;
        fx->cpu->gpr[REG_RCX] = FX_PML4 | 5;                 /* PCID 5 */
        fx->cpu->gpr[REG_RDX] = FX_PML4 | UINT64_C(1) << 63; /* PCID 0, kept */
        fx->cpu->gpr[REG_RAX] = 0;
        fx->cpu->gpr[REG_RBP] = 0x4000;
        if (k == 2) { /* AL is what READ reads */
            fx->ram[FRAME] = 1;
            fx_wr(fx, 0x4000, 0, 8);
        }
        run_code(fx, cases[k].code, sizeof(cases[k].code));
        lint_expect(LINT_STALE_TLB, cases[k].times);
        fx_free(fx);
    }
    lint_close();
}

/* What one vCPU changes and another uses is told of when no invalidation comes. */
static void other_vcpus(void **state)
{
    static const uint8_t use[] = {READ}, change[] = {CHANGE}, invlpg[] = {INVLPG};
    static const uint8_t loop[] = {0xb9, 0,    0,    0x40, 1,    0xff, 0xc9, 0x75, 0xfc,
                                   0x8a, 0x04, 0x25, 0x00, 0xb0, 0x00, 0x00}; /* looks at misses */

    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct fx *a, *b;

        lint_begin("stale-tlb");
        a = new_rig(NULL);
        b = new_rig(a);
        fx_wr(a, PT, OLD, 8);
        a->cpu->gpr[REG_RBX] = OTHER | P | W | A | D;
        run_code(b, use, sizeof(use));
        run_code(a, change, sizeof(change));
        run_code(a, invlpg, sizeof(invlpg)); /* its own only */
        run_code(b, use, sizeof(use));
        lint_expect(LINT_STALE_TLB, 0);
        if (k)
            run_code(b, invlpg, sizeof(invlpg));
        run_code(b, loop, sizeof(loop));
        lint_expect(LINT_STALE_TLB, !k);
        if (!k) {
            lint_expect_text("cpu1 0000000000008000 [mov al, byte ptr [rdi]]: read of 200000");
            lint_expect_text("and no invalidation came");
        }
        fx_free_with(b);
        fx_free(a);
    }
    lint_close();
}

/* Without the rule nothing is tracked. */
static void off(void **state)
{
    static const uint8_t code[] = {READ, CHANGE, READ};
    struct fx *fx;

    (void)state;
    lint_begin("all,no-stale-tlb");
    fx = new_rig(NULL);
    assert_null(fx->cpu->lint_tlb);
    fx_wr(fx, PT, OLD, 8);
    fx->cpu->gpr[REG_RBX] = 0;
    run_code(fx, code, sizeof(code));
    lint_expect(LINT_STALE_TLB, 0);
    fx_free(fx);
    lint_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes),    cmocka_unit_test(invalidations),
        cmocka_unit_test(told),       cmocka_unit_test(upper_entries),
        cmocka_unit_test(page_sizes), cmocka_unit_test(large_pages),
        cmocka_unit_test(pcids),      cmocka_unit_test(other_vcpus),
        cmocka_unit_test(off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
