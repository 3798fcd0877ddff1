/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See prepare.h. */
#include "tests/diff/prepare.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/cpu.h"
#include "tests/diff/host.h"

static bool code64(const struct diff_gen *g)
{
    return g->c->setup->mode == MODE_64;
}

/* ---- addresses ---- */

/* Code segments mostly, and an offset in one that lands well. */
static uint16_t pick_code(struct diff_gen *g, uint64_t *offset)
{
    static const uint16_t list[] = {DIFF_CS32,      DIFF_CS16, DIFF_CS32B, DIFF_CS64,
                                    DIFF_CS32_USER, DIFF_CONF, DIFF_XONLY};
    uint16_t sel =
        rng_one_in(&g->rng, 3) ? rng_selector(&g->rng) : list[rng_below(&g->rng, ARRAY_SIZE(list))];

    /* AMD's far call from compatibility mode to 64-bit code pushes without the stack's segment, to
     * where the host's kernel may send the fault back for ever */
    if (diff_row_named(g->row, "call far") && !code64(g) && (sel | 3) == DIFF_CS64 &&
        !diff_host_is_intel())
        sel = DIFF_CS32;
    *offset = rng_landing(&g->rng, false) - (rng_one_in(&g->rng, 16) ? 0 : diff_selector_base(sel));
    return sel;
}

static uint64_t pick_near(struct diff_gen *g)
{
    return rng_landing(&g->rng, code64(g)) - diff_segment_base(g->c, SEG_CS);
}

static void pin(struct diff_gen *g, unsigned reg)
{
    g->pinned |= (uint16_t)(1u << reg);
}

bool diff_wants_stack(const struct opcode *row)
{
    return (row->attr & A_STACK) || diff_row_named(row, "ret,enter,leave");
}

void diff_set_stack(struct diff_gen *g)
{
    struct diff_case *c = g->c;
    uint64_t off = rng_stack(&g->rng) - diff_segment_base(c, SEG_SS);

    c->in.gpr[REG_RSP] = c->setup->ss16 ? DIFF_ESP_HIGH | (off & 0xffff) : off;
    pin(g, REG_RSP);
}

static uint64_t stack_linear(const struct diff_gen *g)
{
    uint64_t sp = g->c->in.gpr[REG_RSP];

    return diff_segment_base(g->c, SEG_SS) + (g->c->setup->ss16 ? sp & 0xffff : sp);
}

/* ---- registers ---- */

static void prepare_div(struct diff_gen *g)
{
    struct diff_case *c = g->c;
    unsigned n = 1u << g->osz;

    if (rng_one_in(&g->rng, 4))
        return;
    if (g->osz == SZ8)
        diff_set_low(
            c, REG_RAX,
            rng_one_in(&g->rng, 2) ? rng_below(&g->rng, 0x400) : 0u - rng_below(&g->rng, 0x400), 2);
    else if (rng_one_in(&g->rng, 2))
        diff_set_low(
            c, REG_RDX,
            sext(c->in.gpr[REG_RAX] & (~UINT64_C(0) >> (64 - 8 * n)), n) >> 63 ? ~UINT64_C(0) : 0,
            n);
    else
        diff_set_low(c, REG_RDX, rng_below(&g->rng, 4), n);
}

/* Before addresses are solved: registers that are pinned. */
static void prepare_registers(struct diff_gen *g)
{
    struct diff_case *c = g->c;
    unsigned n = 1u << g->osz;

    switch (g->kind) {
    case KIND_SHIFT:
        if (diff_row_has(g->row, OPR_CL)) {
            diff_set_low(c, REG_RCX,
                         rng_one_in(&g->rng, 2) ? rng_below(&g->rng, 256) : rng_below(&g->rng, 36),
                         1);
            pin(g, REG_RCX);
        }
        break;
    case KIND_DIV: prepare_div(g); break;
    case KIND_LOOP:
        if (rng_one_in(&g->rng, 2))
            diff_set_low(c, REG_RCX, rng_below(&g->rng, 3), 1u << g->asz);
        break;
    case KIND_BIT_OFFSET:
        if (g->mem && !(g->pinned >> g->reg & 1)) {
            diff_set_low(c, g->reg, rng_below(&g->rng, 4096) - UINT64_C(2048), n);
            pin(g, g->reg);
        }
        break;
    case KIND_FRAME: {
        uint64_t bp = rng_stack(&g->rng) - diff_segment_base(c, SEG_SS);

        c->in.rflags &= ~(uint64_t)FL_AC; /* whether ENTER's look at the new top is checked */
        c->in.gpr[REG_RBP] =
            rng_one_in(&g->rng, 2) ? bp : bp | (code64(g) ? 0 : rng_next(&g->rng) << 32);
        break;
    }
    case KIND_XSAVE: /* components that both have, or neither */
        c->in.gpr[REG_RAX] &= ~UINT64_C(0xe0);
        if (rng_one_in(&g->rng, 2))
            c->in.gpr[REG_RAX] |= 7;
        pin(g, REG_RAX);
        pin(g, REG_RDX);
        break;
    default: break;
    }
}

/* Linux stops a process for milliseconds, or for good, when a locked operand crosses a cache line
 * on a processor that reports it. */
static bool host_punishes_split_locks(void)
{
    static enum { UNKNOWN, YES, NO } answer;
    char line[8192];
    FILE *f;

    if (answer != UNKNOWN)
        return answer == YES;
    answer = NO;
    f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof(line), f)) {
        if (strstr(line, "split_lock_detect") || strstr(line, "bus_lock_detect"))
            answer = YES;
    }
    if (f)
        fclose(f);
    return answer == YES;
}

static void choose_operand(struct diff_gen *g)
{
    unsigned n = diff_memory_size(g->row, &g->size);

    g->operand = rng_address(&g->rng, n, code64(g));
    /* what leads elsewhere must be what poke_operand puts there: not a page that it cannot write */
    if ((g->kind == KIND_BRANCH_E || g->kind == KIND_FAR_MEM || g->kind == KIND_LOAD_FAR ||
         g->kind == KIND_SELECTOR) &&
        g->operand - DIFF_ROM < PAGE_SIZE)
        g->operand -= DIFF_ROM - DIFF_DATA;
    if ((g->row->attr & A_LOCK) && host_punishes_split_locks())
        g->operand &= ~(uint64_t)(n - 1);
    if (g->kind == KIND_BIT_OFFSET) {
        int64_t bit = (int64_t)sext(g->c->in.gpr[g->reg] & (~UINT64_C(0) >> (64 - 8 * n)), n);

        g->operand -= (uint64_t)((bit >> 3) & ~(int64_t)(n - 1));
    }
}

/* ---- memory ---- */

static void poke_x87_state(struct diff_gen *g)
{
    unsigned word = g->osz == SZ16 ? 2 : 4, n = diff_memory_size(g->row, &g->size);
    struct diff_fpu f;
    uint8_t image[108];

    rng_fpu(&g->rng, &f, rng_one_in(&g->rng, 4));
    for (unsigned k = 0; k < sizeof(image); k++)
        image[k] = (uint8_t)rng_next(&g->rng);
    memcpy(image, f.fx + FX_CW, 2);
    memcpy(image + word, f.fx + FX_SW, 2);
    for (unsigned k = 0; k < 8; k++)
        memcpy(image + 7 * word + 10 * k, f.fx + FX_ST(k), 10);
    diff_poke_bytes(g->c, g->operand, image, n);
}

static void poke_fxsave(struct diff_gen *g)
{
    struct diff_fpu f;

    rng_fpu(&g->rng, &f, rng_one_in(&g->rng, 4));
    if (rng_one_in(&g->rng, 8))
        st_le32(f.fx + FX_MXCSR, (uint32_t)rng_next(&g->rng));
    st_le16(f.fx + FX_FOP, rng_next(&g->rng) & 0x7ff);
    if (g->kind == KIND_FXRSTOR) {
        diff_poke_bytes(g->c, g->operand, f.fx, 416);
        return;
    }
    f.xstate_bv = rng_one_in(&g->rng, 8) ? rng_value(&g->rng) : rng_below(&g->rng, 8);
    f.xstate_bv &= ~UINT64_C(0xe0); /* the host may have AVX-512 */
    if (rng_one_in(&g->rng, 8))
        f.header[rng_below(&g->rng, 7)] = rng_value(&g->rng);
    diff_poke_bytes(g->c, g->operand, &f, 832);
}

static void poke_far(struct diff_gen *g, unsigned n)
{
    uint64_t off;
    uint16_t sel = pick_code(g, &off);

    diff_poke(g->c, g->operand, off, n - 2);
    diff_poke(g->c, g->operand + n - 2, sel, 2);
}

static void poke_any(struct diff_gen *g, unsigned n)
{
    uint8_t bytes[64];

    if (n > 64 || g->kind == KIND_GATHER)
        n = 64;
    if (diff_row_has(g->row, OPR_Mt) && rng_one_in(&g->rng, 2)) {
        for (unsigned k = 0; k < 9; k++) /* packed decimal */
            bytes[k] = (uint8_t)(rng_below(&g->rng, 10) << 4 | rng_below(&g->rng, 10));
        bytes[9] = rng_one_in(&g->rng, 2) ? 0x80 : 0;
    } else if (diff_row_has(g->row, OPR_Mt)) {
        rng_extended(&g->rng, bytes);
    } else if (g->c->with_fpu) {
        rng_vector(&g->rng, bytes, (n + 7) & ~7u);
    } else {
        for (unsigned k = 0; k < ((n + 7) & ~7u); k += 8)
            st_le64(bytes + k, rng_value(&g->rng));
    }
    if (diff_row_named(g->row, "ldmxcsr,vldmxcsr") && !rng_one_in(&g->rng, 4))
        st_le32(bytes, ld_le32(bytes) & 0xffff);
    diff_poke_bytes(g->c, g->operand, bytes, n);
}

static void poke_operand(struct diff_gen *g)
{
    unsigned n = diff_memory_size(g->row, &g->size);
    struct diff_case *c = g->c;
    uint64_t at = g->operand;

    switch (g->kind) {
    case KIND_NO_ACCESS:
    case KIND_BIT_OFFSET: return;
    case KIND_CMPXCHG:
        diff_poke(c, at, rng_one_in(&g->rng, 2) ? c->in.gpr[REG_RAX] : rng_value(&g->rng), n);
        return;
    case KIND_CMPXCHG8B:
        if (rng_one_in(&g->rng, 2)) {
            diff_poke(c, at, c->in.gpr[REG_RAX], n / 2);
            diff_poke(c, at + n / 2, c->in.gpr[REG_RDX], n / 2);
        }
        return;
    case KIND_BRANCH_E: diff_poke(c, at, pick_near(g), n); return;
    case KIND_FAR_MEM: poke_far(g, n); return;
    case KIND_LOAD_FAR: diff_poke(c, at + n - 2, rng_selector(&g->rng), 2); return;
    case KIND_SELECTOR: diff_poke(c, at, rng_selector(&g->rng), 2); return;
    case KIND_X87_STATE: poke_x87_state(g); return;
    case KIND_FXRSTOR:
    case KIND_XSAVE: poke_fxsave(g); return;
    case KIND_BOUND:
        for (unsigned k = 0; k < 2; k++)
            diff_poke(c, at + k * n / 2,
                      rng_one_in(&g->rng, 2) ? c->in.gpr[g->reg] + rng_below(&g->rng, 5) - 2
                                             : rng_value(&g->rng),
                      n / 2);
        return;
    default:
        if (!rng_one_in(&g->rng, 4))
            poke_any(g, n);
    }
}

static void prepare_register_operand(struct diff_gen *g)
{
    struct diff_case *c = g->c;

    if (g->rm == REG_RSP && (g->pinned >> REG_RSP & 1))
        return;
    if (g->kind == KIND_BRANCH_E)
        c->in.gpr[g->rm] = pick_near(g);
    else if (g->kind == KIND_SELECTOR)
        diff_set_low(c, g->rm, rng_selector(&g->rng), 2);
    else if (g->kind == KIND_CMPXCHG && g->osz != SZ8 && rng_one_in(&g->rng, 2))
        c->in.gpr[g->rm] = c->in.gpr[REG_RAX];
}

#define POPF_MASK (~(uint64_t)FL_TF) /* a trap behind the next instruction is not this test's */

static void poke_iret(struct diff_gen *g, uint64_t at, unsigned n)
{
    struct diff_case *c = g->c;
    uint64_t off;
    uint16_t sel = pick_code(g, &off);

    diff_poke(c, at, off, n);
    diff_poke(c, at + n, sel, n);
    if (g->kind == KIND_RETF)
        return;
    diff_poke(c, at + 2 * n, rng_next(&g->rng) & POPF_MASK, n);
    if (!code64(g))
        return;
    diff_poke(c, at + 3 * n, DIFF_STACK + rng_below(&g->rng, 0x2000), n);
    diff_poke(c, at + 4 * n, rng_one_in(&g->rng, 3) ? rng_selector(&g->rng) : DIFF_DS_USER, n);
}

static void poke_stack(struct diff_gen *g)
{
    uint64_t at = stack_linear(g);
    unsigned n = 1u << g->osz;

    switch (g->kind) {
    case KIND_RET: diff_poke(g->c, at, pick_near(g), n); break;
    case KIND_RETF:
    case KIND_IRET: poke_iret(g, at, n); break;
    case KIND_POPF: diff_poke(g->c, at, rng_next(&g->rng) & POPF_MASK, n); break;
    case KIND_POP_SEG: diff_poke(g->c, at, rng_selector(&g->rng), 2); break;
    default:
        if (rng_one_in(&g->rng, 2))
            diff_poke(g->c, at, rng_value(&g->rng), 8);
    }
}

static void prepare_string(struct diff_gen *g)
{
    struct diff_case *c = g->c;
    struct rng *r = &g->rng;
    unsigned asz = 1u << g->asz, n = 1u << g->osz;
    uint64_t src = rng_address(r, n, code64(g)), dst = rng_address(r, n, code64(g)), v;
    uint64_t count = rng_one_in(r, 16)   ? rng_below(r, 3000)
                     : rng_one_in(r, 64) ? ~UINT64_C(0)
                                         : rng_below(r, 40);

    if (diff_row_named(g->row, "ins,outs")) /* is the port checked for no iteration at all? */
        count |= 1;
    if (rng_one_in(r, 4))
        dst = src + rng_below(r, 65) - 32;
    if (rng_one_in(r, 2))
        c->in.rflags ^= FL_DF;
    if (g->seg == SEG_COUNT)
        g->seg = SEG_DS;
    diff_set_low(c, REG_RCX, count, asz);
    diff_set_low(c, REG_RSI, src - diff_segment_base(c, g->seg), asz);
    diff_set_low(c, REG_RDI, dst - diff_segment_base(c, SEG_ES), asz);
    if (!diff_row_named(g->row, "cmps,scas") || rng_one_in(r, 4))
        return;
    /* something to compare: runs of equals */
    v = diff_row_named(g->row, "scas") ? c->in.gpr[REG_RAX] : rng_value(r);
    for (unsigned k = 0; k < 24; k++) {
        int64_t step = (int64_t)(k * n) * (c->in.rflags & FL_DF ? -1 : 1);

        diff_poke(c, dst + (uint64_t)step, v, n);
        diff_poke(c, src + (uint64_t)step, k == 23 && rng_one_in(r, 2) ? v + 1 : v, n);
    }
    diff_poke(c, dst + rng_below(r, 32) - 16, rng_value(r), 1);
}

/* An address in a register that no field names. */
static void prepare_implied(struct diff_gen *g, unsigned reg, uint64_t less, unsigned bytes)
{
    if (g->seg == SEG_COUNT)
        g->seg = SEG_DS;
    g->operand = rng_address(&g->rng, bytes, code64(g));
    diff_set_low(g->c, reg, g->operand - diff_segment_base(g->c, g->seg) - less, 1u << g->asz);
}

/* ---- immediates ---- */

static uint64_t small_imm(struct diff_gen *g)
{
    uint64_t v = rng_value(&g->rng);

    if (g->kind == KIND_SHIFT && rng_one_in(&g->rng, 2))
        return rng_below(&g->rng, 36);
    if (g->kind == KIND_FRAME && rng_one_in(&g->rng, 2))
        return rng_below(&g->rng, 4);
    if (g->kind == KIND_SOFT && (v & 0xff) == 0x80)
        return 0x81; /* the host's system call */
    return rng_one_in(&g->rng, 3) ? rng_next(&g->rng) : v;
}

static void put_operand(struct diff_gen *g, unsigned o)
{
    unsigned n = g->osz == SZ16 ? 2 : g->osz == SZ8 ? 1 : 4;
    uint64_t v = rng_value(&g->rng), off;

    switch (o) {
    case OPR_Ib: diff_put_imm(g, small_imm(g), 1); break;
    case OPR_sIb: diff_put_imm(g, v, 1); break;
    case OPR_Lx: diff_put_imm(g, rng_next(&g->rng), 1); break;
    case OPR_Iw: diff_put_imm(g, rng_one_in(&g->rng, 8) ? v : rng_below(&g->rng, 300), 2); break;
    case OPR_Iz: diff_put_imm(g, v, n); break;
    case OPR_Iv: diff_put_imm(g, v, 1u << g->osz); break;
    case OPR_Jb:
        v &= 0xff;
        if (v >= 0xe0)
            v -= 0x40; /* not into the instruction itself */
        diff_put_imm(g, v, 1);
        break;
    case OPR_Jz:
        g->imm = rng_landing(&g->rng, false);
        diff_put_imm(g, 0, n);
        break;
    case OPR_Ap: {
        uint16_t sel = pick_code(g, &off);

        diff_put_imm(g, off, n);
        diff_put_imm(g, sel, 2);
        break;
    }
    case OPR_Ob:
    case OPR_Ov:
        if (g->seg == SEG_COUNT)
            g->seg = SEG_DS;
        g->operand = rng_address(&g->rng, 1u << g->osz, code64(g));
        poke_operand(g);
        diff_put_imm(g, g->operand - diff_segment_base(g->c, g->seg), 1u << g->asz);
        break;
    default: break;
    }
}

void diff_prepare_immediates(struct diff_gen *g)
{
    for (unsigned n = 0; n < ARRAY_SIZE(g->row->operand); n++)
        put_operand(g, g->row->operand[n]);
}

void diff_prepare(struct diff_gen *g)
{
    prepare_registers(g);
    if (g->mem) {
        choose_operand(g);
        diff_solve(g);
        poke_operand(g);
    } else {
        prepare_register_operand(g);
    }
    if (g->kind == KIND_STRING)
        prepare_string(g);
    if (g->kind == KIND_XLAT)
        prepare_implied(g, REG_RBX, g->c->in.gpr[REG_RAX] & 0xff, 1);
    if (g->kind == KIND_MASKMOV)
        prepare_implied(g, REG_RDI, 0, 16);
    diff_prepare_immediates(g);
    if (g->pinned >> REG_RSP & 1)
        poke_stack(g);
}
