/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See gen.h. */
#include "tests/diff/gen.h"

#include <string.h>

#include "base/bits.h"
#include "cpu/cpu.h"
#include "tests/diff/facts.h"
#include "tests/diff/host.h"
#include "tests/diff/prepare.h"

/* ---- rows ---- */

static enum diff_kind work_out_kind(const struct opcode *row)
{
    static const struct {
        const char *names;
        enum diff_kind kind;
    } list[] = {
        {"lea,nop,prefetchw,ud0,ud1,ud2,invlpg", KIND_NO_ACCESS},
        {"movs,cmps,stos,lods,scas,ins,outs", KIND_STRING},
        {"xlatb", KIND_XLAT},
        {"maskmovq,maskmovdqu,vmaskmovdqu", KIND_MASKMOV},
        {"rol,ror,rcl,rcr,shl,shr,sar,shld,shrd", KIND_SHIFT},
        {"div,idiv", KIND_DIV},
        {"loop,loope,loopne,jrcxz", KIND_LOOP},
        {"cmpxchg", KIND_CMPXCHG},
        {"cmpxchg8b", KIND_CMPXCHG8B},
        {"enter,leave", KIND_FRAME},
        {"ret", KIND_RET},
        {"retf", KIND_RETF},
        {"iret", KIND_IRET},
        {"bound", KIND_BOUND},
        {"les,lds,lss,lfs,lgs", KIND_LOAD_FAR},
        {"popf", KIND_POPF},
        {"int", KIND_SOFT},
        {"verr,verw,lar,lsl,arpl", KIND_SELECTOR},
        {"fldenv,frstor", KIND_X87_STATE},
        {"fxrstor", KIND_FXRSTOR},
    };

    if (diff_row_has(row, OPR_Ap))
        return KIND_FAR_IMM;
    if (diff_row_has(row, OPR_Mp) && strstr(row->mnemonic, "far"))
        return KIND_FAR_MEM;
    if (diff_row_has(row, OPR_Cd) || diff_row_has(row, OPR_Dd))
        return KIND_CONTROL_REG;
    if (diff_row_named(row, "bt,bts,btr,btc"))
        return diff_row_has(row, OPR_Gv) ? KIND_BIT_OFFSET : KIND_PLAIN;
    if (diff_row_named(row, "jmp,call") && diff_row_has(row, OPR_Ev))
        return KIND_BRANCH_E;
    if (diff_row_named(row, "pop") && row->operand[0] >= OPR_ES && row->operand[0] <= OPR_GS)
        return KIND_POP_SEG;
    if (row->operand[0] == OPR_Sw)
        return KIND_SELECTOR;
    if (diff_row_plays(row, ROLE_RM_VSIB))
        return KIND_GATHER;
    if (diff_row_is_xsave(row))
        return KIND_XSAVE;
    for (unsigned n = 0; n < ARRAY_SIZE(list); n++) {
        if (diff_row_named(row, list[n].names))
            return list[n].kind;
    }
    return diff_row_plays(row, ROLE_REL) ? KIND_BRANCH : KIND_PLAIN;
}

enum diff_kind diff_kind_of(const struct opcode *row)
{
    static uint8_t known[4096]; /* kind + 1 */
    size_t n = (size_t)(row - opcode_table);

    assert(n < ARRAY_SIZE(known));
    if (!known[n])
        known[n] = (uint8_t)(work_out_kind(row) + 1);
    return (enum diff_kind)(known[n] - 1);
}

/* ---- states ---- */

void diff_poke_bytes(struct diff_case *c, uint64_t linear, const void *bytes, unsigned n)
{
    const uint8_t *from = bytes;

    for (unsigned k = 0; k < n;) {
        struct diff_poke *p = &c->poke[c->pokes];

        if (diff_page_kind(linear + k) != DIFF_PAGE_DATA) {
            k++;
            continue;
        }
        if (c->pokes == DIFF_POKES_MAX)
            return;
        p->at = (uint32_t)(linear + k);
        p->len = 0;
        while (k < n && p->len < sizeof(p->bytes) && diff_page_kind(linear + k) == DIFF_PAGE_DATA)
            p->bytes[p->len++] = from[k++];
        c->pokes++;
    }
}

void diff_poke(struct diff_case *c, uint64_t linear, uint64_t v, unsigned n)
{
    uint8_t bytes[8];

    st_le64(bytes, v);
    diff_poke_bytes(c, linear, bytes, n);
}

void diff_set_low(struct diff_case *c, unsigned reg, uint64_t v, unsigned size)
{
    uint64_t mask = size == 8 ? ~UINT64_C(0) : (UINT64_C(1) << (8 * size)) - 1;

    c->in.gpr[reg] = (c->in.gpr[reg] & ~mask) | (v & mask);
}

uint64_t diff_segment_base(const struct diff_case *c, unsigned seg)
{
    if (seg == SEG_FS)
        return c->in.fs_base;
    if (seg == SEG_GS)
        return c->in.gs_base;
    return c->setup->mode == MODE_64 ? 0 : diff_selector_base(c->in.sel[seg]);
}

/* FS and GS: in 64-bit mode bases of their own. */
static void random_fs_gs(struct diff_gen *g)
{
    struct diff_state *s = &g->c->in;
    bool code64 = g->c->setup->mode == MODE_64;

    if (!diff_host_has_ldt())
        return;
    s->sel[SEG_GS] = DIFF_DS32B;
    s->gs_base = DIFF_BASE;
    if (!code64 && rng_one_in(&g->rng, 4))
        return; /* null */
    s->sel[SEG_FS] = rng_one_in(&g->rng, 2) ? DIFF_DS32B : DIFF_DS32;
    s->fs_base = diff_selector_base(s->sel[SEG_FS]);
    if (code64)
        s->fs_base = rng_next(&g->rng) >> (17 + rng_below(&g->rng, 30));
}

static void random_state(struct diff_gen *g)
{
    struct diff_case *c = g->c;
    struct diff_state *s = &c->in;

    memset(s, 0, offsetof(struct diff_state, fpu));
    for (unsigned n = 0; n < 16; n++)
        s->gpr[n] = rng_value(&g->rng);
    s->rflags = (rng_next(&g->rng) & FL_ARITH) | FL_1;
    if (!g->plain)
        s->rflags |= (rng_one_in(&g->rng, 4) ? FL_DF : 0) | (rng_one_in(&g->rng, 16) ? FL_ID : 0) |
                     (rng_one_in(&g->rng, 32) ? FL_AC : 0) | (rng_one_in(&g->rng, 32) ? FL_NT : 0) |
                     (rng_one_in(&g->rng, 64) ? FL_TF : 0);
    s->sel[SEG_CS] = c->setup->cs;
    s->sel[SEG_SS] = c->setup->ss;
    s->sel[SEG_DS] = s->sel[SEG_ES] = c->setup->ds;
    random_fs_gs(g);
    if (c->with_fpu)
        rng_fpu(&g->rng, &s->fpu, rng_one_in(&g->rng, 8));
}

static void begin(struct diff_gen *g, struct diff_case *c, const struct diff_setup *setup)
{
    struct rng rng = g->rng;
    struct diff_memory *m = g->m;

    memset(g, 0, sizeof(*g));
    g->rng = rng;
    g->m = m;
    g->c = c;
    g->seg = SEG_COUNT;
    c->setup = setup;
    c->pokes = 0;
    c->len = 0;
    c->with_fpu = false;
    c->stepped = false;
    c->portable = false;
}

/* ---- one instruction ---- */

static bool encode(struct diff_gen *g, const struct opcode *row)
{
    g->row = row;
    g->kind = diff_kind_of(row);
    g->opcode = row->opcode;
    diff_pick_sizes(g);
    if (row->attr & A_PLUSR) {
        unsigned low = rng_below(&g->rng, 8);

        g->opcode |= low;
        g->rm = low | (g->rex & 1 ? 8 : 0);
        if (row->map == M0 && row->opcode == 0x90 && g->rm == 0)
            return false; /* that is NOP */
    }
    g->has_modrm = diff_row_has_modrm(row);
    if (g->has_modrm)
        diff_pick_modrm(g);
    return true;
}

bool diff_gen_case(struct diff_gen *g, struct diff_case *c, const struct opcode *row,
                   const struct diff_setup *setup)
{
    if (row->attr & (setup->mode == MODE_64 ? A_I64 : A_O64))
        return false;
    begin(g, c, setup);
    c->with_fpu = diff_row_uses_fpu(row) || rng_one_in(&g->rng, 32);
    c->stepped = rng_one_in(&g->rng, 8);
    c->portable = c->with_fpu && rng_one_in(&g->rng, 3);
    random_state(g);
    if (setup->mode != MODE_64 || diff_wants_stack(row))
        diff_set_stack(g);
    if (!encode(g, row))
        return false;
    diff_pick_segment(g);
    diff_pick_odd_prefixes(g);
    diff_prepare(g);
    diff_emit(g);
    return true;
}

/* ---- several ---- */

static bool one_of_sequence(struct diff_gen *g, struct diff_case *c, const struct opcode *row,
                            const struct diff_setup *setup)
{
    if (row->attr & (setup->mode == MODE_64 ? A_I64 : A_O64))
        return false;
    begin(g, c, setup);
    g->plain = true;
    if (!encode(g, row) || g->mem)
        return false;
    diff_prepare_immediates(g);
    diff_emit(g);
    return c->len <= 15;
}

void diff_gen_branch(struct diff_gen *g)
{
    struct diff_case *c = g->c;

    c->code[c->len++] = (uint8_t)(0x70 | rng_below(&g->rng, 16));
    c->code[c->len++] = (uint8_t)(1 + rng_below(&g->rng, 100));
}

void diff_gen_sequence(struct diff_gen *g, struct diff_case *c, const struct opcode *const *rows,
                       unsigned count, const struct diff_setup *setup)
{
    unsigned want = 2 + rng_below(&g->rng, 7), len = 0, undef = 0;
    uint8_t code[DIFF_CODE_MAX];
    bool with_fpu = false;

    for (unsigned n = 0; n < want;) {
        const struct opcode *row = rows[rng_below(&g->rng, count)];

        if ((row->fl_read & undef) || !one_of_sequence(g, c, row, setup))
            continue;
        memcpy(code + len, c->code, c->len);
        len += c->len;
        undef = diff_carry_undefined(undef, c->code, setup->mode);
        with_fpu |= diff_row_uses_fpu(row);
        n++;
    }
    begin(g, c, setup);
    g->plain = true;
    c->with_fpu = with_fpu;
    c->portable = with_fpu && rng_one_in(&g->rng, 3);
    random_state(g);
    if (setup->mode != MODE_64)
        diff_set_stack(g);
    memcpy(c->code, code, len);
    c->len = len;
    c->linear = DIFF_CODE + 0x800 + rng_below(&g->rng, 0x400);
    c->in.rip = c->linear - diff_selector_base(setup->cs);
    if (rng_one_in(&g->rng, 2) && !(undef & ~(unsigned)FL_AF)) /* no branch reads AF */
        diff_gen_branch(g);
}

/* ---- none ---- */

/* Random prefixes, map and opcode; ModRM and whatever may follow. */
static void random_bytes(struct diff_gen *g)
{
    static const uint8_t prefixes[] = {0x66, 0x66, 0xf2, 0xf3, 0xf2, 0xf3, 0x67, 0x2e, 0x65, 0xf0};
    struct diff_case *c = g->c;
    unsigned n = rng_one_in(&g->rng, 3) ? 0 : 1 + rng_below(&g->rng, 2);

    c->len = 0;
    while (n--)
        c->code[c->len++] = prefixes[rng_below(&g->rng, ARRAY_SIZE(prefixes))];
    if (c->setup->mode == MODE_64 && rng_one_in(&g->rng, 3))
        c->code[c->len++] = (uint8_t)(0x40 | rng_below(&g->rng, 16));
    switch (rng_below(&g->rng, 8)) {
    case 0: break;
    case 1:
    case 2: c->code[c->len++] = 0x0f; break;
    case 3:
        c->code[c->len++] = 0x0f;
        c->code[c->len++] = 0x38;
        break;
    case 4:
        c->code[c->len++] = 0x0f;
        c->code[c->len++] = 0x3a;
        break;
    case 5:
        c->code[c->len++] = 0xc5;
        c->code[c->len++] = (uint8_t)(rng_next(&g->rng) | (rng_one_in(&g->rng, 2) ? 0xf8 : 0xc0));
        break;
    default:
        c->code[c->len++] = 0xc4;
        c->code[c->len++] =
            (uint8_t)(0xc0 | (rng_one_in(&g->rng, 8) ? rng_below(&g->rng, 64)
                                                     : 0x20 | rng_below(&g->rng, 4)));
        c->code[c->len++] = (uint8_t)(rng_next(&g->rng) | (rng_one_in(&g->rng, 2) ? 0x78 : 0));
        break;
    }
    for (n = 0; n < 3; n++)
        c->code[c->len++] = (uint8_t)rng_next(&g->rng);
    for (n = 0; n < 5; n++) /* displacement and immediate, or the next instruction */
        c->code[c->len++] = 0xcc;
}

void diff_gen_undefined(struct diff_gen *g, struct diff_case *c, const struct diff_setup *setup)
{
    struct diff_facts f;

    begin(g, c, setup);
    c->with_fpu = rng_one_in(&g->rng, 2);
    random_state(g);
    diff_set_stack(g);
    do
        random_bytes(g);
    while (diff_facts_find(&f, c), f.row);
    c->linear = DIFF_CODE + 0x800 + rng_below(&g->rng, 0x400);
    c->in.rip = c->linear - diff_selector_base(setup->cs);
}
