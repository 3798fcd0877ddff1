/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See int_cases.h. */
#include "tests/unit/int_cases.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/decode.h"
#include "tests/unit/int_encode.h"
#include "tests/unit/int_values.h"
#include "tests/unit/unit.h"

const struct int_setup int_setups[] = {
    {"64-bit", MODE_64, INT_CS64, INT_DS_USER, INT_DS_USER, false},
    {"32-bit flat", MODE_32, INT_CS32, INT_DS32, INT_DS32, false},
    {"32-bit based", MODE_32, INT_CS32B, INT_DS32B, INT_DS32B, false},
    {"32-bit, 16-bit stack", MODE_32, INT_CS32, INT_DS32, INT_DS16, true},
    {"16-bit", MODE_16, INT_CS16, INT_DS16, INT_DS16, true},
    {"16-bit, 32-bit stack", MODE_16, INT_CS16, INT_DS32B, INT_DS32, false},
};
const unsigned int_setup_count = ARRAY_SIZE(int_setups);

/* ---- rows ---- */

bool int_row_named(const struct opcode *row, const char *list)
{
    size_t n = strlen(row->mnemonic);

    for (const char *at = list; (at = strstr(at, row->mnemonic)) != NULL; at++) {
        if ((at == list || at[-1] == ',') && (at[n] == ',' || !at[n]))
            return true;
    }
    return false;
}

static enum int_kind work_out_kind(const struct opcode *row)
{
    static const struct {
        const char *names;
        enum int_kind kind;
    } list[] = {
        {"lea,nop,prefetchw,ud0,ud1,ud2,invlpg", INT_NO_ACCESS},
        {"movs,cmps,stos,lods,scas,ins,outs", INT_STRING},
        {"xlatb", INT_XLAT},
        {"rol,ror,rcl,rcr,shl,shr,sar", INT_SHIFT},
        {"shld,shrd", INT_SHIFT_DOUBLE},
        {"div,idiv", INT_DIV},
        {"loop,loope,loopne,jrcxz", INT_LOOP},
        {"bsf,bsr", INT_BIT_SCAN},
        {"cmpxchg", INT_CMPXCHG},
        {"cmpxchg8b", INT_CMPXCHG8B},
        {"enter,leave", INT_FRAME},
        {"ret", INT_RET},
        {"retf", INT_RETF},
        {"iret", INT_IRET},
        {"bound", INT_BOUND},
        {"les,lds,lss,lfs,lgs", INT_LOAD_FAR},
        {"popf", INT_POPF},
        {"int", INT_SOFT},
        {"verr,verw,lar,lsl,arpl", INT_SELECTOR},
    };

    if (int_row_has(row, OPR_Ap))
        return INT_FAR_IMM;
    if (int_row_has(row, OPR_Mp) && strstr(row->mnemonic, "far"))
        return INT_FAR_MEM;
    if (int_row_has(row, OPR_Cd) || int_row_has(row, OPR_Dd))
        return INT_CONTROL_REG;
    if (int_row_named(row, "bt,bts,btr,btc"))
        return int_row_has(row, OPR_Gv) ? INT_BIT_OFFSET : INT_PLAIN;
    if (int_row_named(row, "jmp,call") && int_row_has(row, OPR_Ev))
        return INT_BRANCH_E;
    if (int_row_named(row, "pop") && row->operand[0] >= OPR_ES && row->operand[0] <= OPR_GS)
        return INT_POP_SEG;
    if (row->operand[0] == OPR_Sw)
        return INT_SELECTOR;
    for (unsigned n = 0; n < ARRAY_SIZE(list); n++) {
        if (int_row_named(row, list[n].names))
            return list[n].kind;
    }
    return int_row_has(row, OPR_Jb) || int_row_has(row, OPR_Jz) ? INT_BRANCH : INT_PLAIN;
}

enum int_kind int_kind_of(const struct opcode *row)
{
    static uint8_t known[4096]; /* kind + 1 */
    size_t n = (size_t)(row - opcode_table);

    assert_true(n < ARRAY_SIZE(known));
    if (!known[n])
        known[n] = (uint8_t)(work_out_kind(row) + 1);
    return (enum int_kind)(known[n] - 1);
}

/* Bytes of the memory operand. */
static unsigned operand_bytes(const struct int_case *c)
{
    static const uint8_t fixed[] = {[OPR_Eb] = 1, [OPR_Ew] = 2, [OPR_Ed] = 4, [OPR_Mb] = 1,
                                    [OPR_Mw] = 2, [OPR_Md] = 4, [OPR_Mq] = 8, [OPR_Mdq] = 16};
    unsigned v = 1u << c->osz;

    for (unsigned n = 0; n < 3; n++) {
        unsigned o = c->row->operand[n];

        if (o == OPR_Mq && c->osz == SZ64)
            return 16;
        if (o < ARRAY_SIZE(fixed) && fixed[o])
            return fixed[o];
        if (o == OPR_Mp)
            return v + 2;
        if (o == OPR_Ma)
            return 2 * v;
    }
    return v;
}

/* ---- addresses ---- */

/* Code segments mostly, and an offset in one that lands well. */
static uint16_t pick_code(const struct int_case *c, struct rng *g, uint64_t *offset)
{
    static const uint16_t list[] = {INT_CS32, INT_CS16, INT_CS32B, INT_CS64,
                                    0x23,     INT_CONF, INT_XONLY};
    uint16_t sel = int_one_in(g, 3) ? int_pick_selector(g) : list[rng_below(g, ARRAY_SIZE(list))];

    /* AMD's far call from compatibility mode to 64-bit code pushes without the stack's segment */
    if (int_row_named(c->row, "call far") && c->setup->mode != MODE_64 && (sel | 3) == INT_CS64 &&
        !int_host_is_intel())
        sel = INT_CS32;

    *offset = int_pick_landing(g, false) - (int_one_in(g, 16) ? 0 : int_selector_base(sel | 3));
    return sel;
}

/* ---- register values ---- */

static void pin(struct int_case *c, unsigned reg)
{
    c->pinned |= (uint16_t)(1u << reg);
}

static void set_stack(struct int_case *c, const struct int_rig *r, uint64_t linear)
{
    uint64_t off = linear - int_segment_base(c, r, SEG_SS);

    c->in.gpr[REG_RSP] = c->setup->ss16 ? INT_ESP_HIGH | (off & 0xffff) : off;
    pin(c, REG_RSP);
}

static uint64_t stack_linear(const struct int_case *c, const struct int_rig *r)
{
    uint64_t sp = c->in.gpr[REG_RSP];

    return int_segment_base(c, r, SEG_SS) + (c->setup->ss16 ? sp & 0xffff : sp);
}

static void random_state(struct int_case *c, const struct int_rig *r, struct rng *g)
{
    struct int_state *s = &c->in;

    memset(s, 0, sizeof(*s));
    for (unsigned n = 0; n < 16; n++)
        s->gpr[n] = int_rng_value(g);
    s->rflags = (rng_next(g) & FL_ARITH) | FL_1 | (int_one_in(g, 4) ? FL_DF : 0) |
                (int_one_in(g, 16) ? FL_ID : 0) | (int_one_in(g, 32) ? FL_AC : 0) |
                (int_one_in(g, 32) ? FL_NT : 0);
    s->sel[SEG_CS] = c->setup->cs;
    s->sel[SEG_SS] = c->setup->ss;
    s->sel[SEG_DS] = s->sel[SEG_ES] = c->setup->ds;
    s->sel[SEG_GS] = r->has_ldt ? INT_DS32B : 0;
    if (c->setup->mode != MODE_64)
        set_stack(c, r, int_pick_stack(g));
    else if (c->row->attr & A_STACK || c->kind == INT_RET || c->kind == INT_FRAME)
        set_stack(c, r, int_pick_stack(g));
}

/* ---- what particular instructions want ---- */

/* Before addresses are solved: registers that are pinned. */
static void prepare_registers(struct int_case *c, const struct int_rig *r, struct rng *g)
{
    struct int_state *s = &c->in;
    unsigned n = 1u << c->osz;

    switch (c->kind) {
    case INT_SHIFT:
    case INT_SHIFT_DOUBLE:
        if (int_row_has(c->row, OPR_CL)) {
            int_set_low(c, REG_RCX, int_one_in(g, 2) ? rng_below(g, 256) : rng_below(g, 36), 1);
            pin(c, REG_RCX);
        }
        break;
    case INT_DIV:
        if (int_one_in(g, 4))
            break;
        if (c->osz == SZ8)
            int_set_low(c, REG_RAX,
                        int_one_in(g, 2) ? rng_below(g, 0x400) : 0u - rng_below(g, 0x400), 2);
        else if (int_one_in(g, 2))
            int_set_low(
                c, REG_RDX,
                sext(s->gpr[REG_RAX] & (~UINT64_C(0) >> (64 - 8 * n)), n) >> 63 ? ~UINT64_C(0) : 0,
                n);
        else
            int_set_low(c, REG_RDX, rng_below(g, 4), n);
        break;
    case INT_LOOP:
        if (int_one_in(g, 2))
            int_set_low(c, REG_RCX, rng_below(g, 3), 1u << c->asz);
        break;
    case INT_BIT_OFFSET:
        if (c->mem && !(c->pinned >> c->reg & 1)) {
            int_set_low(c, c->reg, rng_below(g, 4096) - UINT64_C(2048), n);
            pin(c, c->reg);
        }
        break;
    case INT_FRAME: {
        uint64_t bp = int_pick_stack(g) - int_segment_base(c, r, SEG_SS);

        s->rflags &= ~(uint64_t)FL_AC; /* whether ENTER's look at the new stack top is checked */
        s->gpr[REG_RBP] =
            int_one_in(g, 2) ? bp : bp | (c->setup->mode == MODE_64 ? 0 : rng_next(g) << 32);
        break;
    }
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

static void choose_operand(struct int_case *c, struct rng *g)
{
    unsigned n = operand_bytes(c);

    c->operand = int_pick_address(g, n, c->setup->mode == MODE_64);
    /* what leads elsewhere must be what poke_operand puts there: not the page that it cannot write
     */
    if ((c->kind == INT_BRANCH_E || c->kind == INT_FAR_MEM || c->kind == INT_LOAD_FAR ||
         c->kind == INT_SELECTOR) &&
        c->operand - INT_ROM < PAGE_SIZE)
        c->operand -= INT_ROM - INT_DATA;
    if ((c->row->attr & A_LOCK) && host_punishes_split_locks())
        c->operand &= ~(uint64_t)(n - 1);
    if (c->kind == INT_BIT_OFFSET) {
        int64_t bit = (int64_t)sext(c->in.gpr[c->reg] & (~UINT64_C(0) >> (64 - 8 * n)), n);

        c->operand -= (uint64_t)((bit >> 3) & ~(int64_t)(n - 1));
    }
}

static void poke_operand(struct int_case *c, struct int_rig *r, struct rng *g)
{
    unsigned n = operand_bytes(c);
    uint64_t at = c->operand, off;

    switch (c->kind) {
    case INT_NO_ACCESS:
    case INT_BIT_OFFSET: return;
    case INT_CMPXCHG:
        int_poke(r, at, int_one_in(g, 2) ? c->in.gpr[REG_RAX] : int_rng_value(g), n);
        return;
    case INT_CMPXCHG8B:
        if (int_one_in(g, 2)) {
            int_poke(r, at, c->in.gpr[REG_RAX], n / 2);
            int_poke(r, at + n / 2, c->in.gpr[REG_RDX], n / 2);
        }
        return;
    case INT_BRANCH_E:
        int_poke(r, at,
                 int_pick_landing(g, c->setup->mode == MODE_64) - int_segment_base(c, r, SEG_CS),
                 n);
        return;
    case INT_FAR_MEM: {
        uint16_t sel = pick_code(c, g, &off);

        int_poke(r, at, off, n - 2);
        int_poke(r, at + n - 2, sel, 2);
        return;
    }
    case INT_LOAD_FAR: int_poke(r, at + n - 2, int_pick_selector(g), 2); return;
    case INT_SELECTOR: int_poke(r, at, int_pick_selector(g), 2); return;
    case INT_BOUND:
        for (unsigned k = 0; k < 2; k++)
            int_poke(r, at + k * n / 2,
                     int_one_in(g, 2) ? c->in.gpr[c->reg] + rng_below(g, 5) - 2 : int_rng_value(g),
                     n / 2);
        return;
    default:
        if (int_one_in(g, 2)) {
            int_poke(r, at, int_rng_value(g), 8);
            if (n > 8)
                int_poke(r, at + 8, int_rng_value(g), 8);
        }
    }
}

static void prepare_register_operand(struct int_case *c, const struct int_rig *r, struct rng *g)
{
    if (c->rm == REG_RSP && (c->pinned >> REG_RSP & 1))
        return;
    if (c->kind == INT_BRANCH_E)
        c->in.gpr[c->rm] =
            int_pick_landing(g, c->setup->mode == MODE_64) - int_segment_base(c, r, SEG_CS);
    else if (c->kind == INT_SELECTOR)
        int_set_low(c, c->rm, int_pick_selector(g), 2);
    else if (c->kind == INT_CMPXCHG && c->osz != SZ8 && int_one_in(g, 2))
        c->in.gpr[c->rm] = c->in.gpr[REG_RAX];
}

#define POPF_MASK (~(uint64_t)FL_TF) /* a trap behind the next instruction is not this test's */

static void poke_stack(struct int_case *c, struct int_rig *r, struct rng *g)
{
    uint64_t at = stack_linear(c, r), off;
    unsigned n = 1u << c->osz;

    switch (c->kind) {
    case INT_RET:
        int_poke(r, at,
                 int_pick_landing(g, c->setup->mode == MODE_64) - int_segment_base(c, r, SEG_CS),
                 n);
        break;
    case INT_RETF:
    case INT_IRET: {
        uint16_t sel = pick_code(c, g, &off);

        int_poke(r, at, off, n);
        int_poke(r, at + n, sel, n);
        if (c->kind == INT_RETF)
            break;
        int_poke(r, at + 2 * n, rng_next(g) & POPF_MASK, n);
        if (c->setup->mode == MODE_64) {
            int_poke(r, at + 3 * n, INT_STACK + rng_below(g, 0x2000), n);
            int_poke(r, at + 4 * n, int_one_in(g, 3) ? int_pick_selector(g) : INT_DS_USER, n);
        }
        break;
    }
    case INT_POPF: int_poke(r, at, rng_next(g) & POPF_MASK, n); break;
    case INT_POP_SEG: int_poke(r, at, int_pick_selector(g), 2); break;
    default:
        if (int_one_in(g, 2))
            int_poke(r, at, int_rng_value(g), 8);
    }
}

static void prepare_string(struct int_case *c, struct int_rig *r, struct rng *g)
{
    unsigned asz = 1u << c->asz, n = 1u << c->osz;
    bool code64 = c->setup->mode == MODE_64;
    uint64_t src = int_pick_address(g, n, code64), dst = int_pick_address(g, n, code64), v;
    uint64_t count = int_one_in(g, 16)   ? rng_below(g, 3000)
                     : int_one_in(g, 64) ? ~UINT64_C(0)
                                         : rng_below(g, 40);

    if (int_row_named(c->row,
                      "ins,outs")) /* whether none at all is still checked for the port is open */
        count |= 1;
    if (int_one_in(g, 4))
        dst = src + rng_below(g, 65) - 32;
    if (int_one_in(g, 2))
        c->in.rflags ^= FL_DF;
    if (c->seg == SEG_COUNT)
        c->seg = SEG_DS;
    int_set_low(c, REG_RCX, count, asz);
    int_set_low(c, REG_RSI, src - int_segment_base(c, r, c->seg), asz);
    int_set_low(c, REG_RDI, dst - int_segment_base(c, r, SEG_ES), asz);
    if (!int_row_named(c->row, "cmps,scas") || int_one_in(g, 4))
        return;
    /* something to compare: runs of equals */
    v = int_row_named(c->row, "scas") ? c->in.gpr[REG_RAX] : int_rng_value(g);
    for (unsigned k = 0; k < 24; k++) {
        int64_t step = (int64_t)(k * n) * (c->in.rflags & FL_DF ? -1 : 1);

        int_poke(r, dst + (uint64_t)step, v, n);
        int_poke(r, src + (uint64_t)step, k == 23 && int_one_in(g, 2) ? v + 1 : v, n);
    }
    int_poke(r, dst + rng_below(g, 32) - 16, int_rng_value(g), 1);
}

static void put_operand(struct int_case *c, struct int_rig *r, struct int_encoder *e, struct rng *g,
                        unsigned o)
{
    unsigned n = c->osz == SZ16 ? 2 : c->osz == SZ8 ? 1 : 4;
    uint64_t v = int_rng_value(g), off;

    switch (o) {
    case OPR_Ib:
        if ((c->kind == INT_SHIFT || c->kind == INT_SHIFT_DOUBLE) && int_one_in(g, 2))
            v = rng_below(g, 36);
        if (c->kind == INT_FRAME && int_one_in(g, 2))
            v = rng_below(g, 4);
        if (c->kind == INT_SOFT && (v & 0xff) == 0x80)
            v = 0x81; /* the host's system call */
        if (c->kind != INT_FRAME)
            c->imm = v & 0xff;
        int_put_imm(e, v, 1);
        break;
    case OPR_sIb: int_put_imm(e, v, 1); break;
    case OPR_Iw:
        if (!int_one_in(g, 8))
            v = rng_below(g, 300);
        int_put_imm(e, v, 2);
        break;
    case OPR_Iz: int_put_imm(e, v, n); break;
    case OPR_Iv: int_put_imm(e, v, 1u << c->osz); break;
    case OPR_Jb:
        v &= 0xff;
        if (v >= 0xe0)
            v -= 0x40; /* not into the instruction itself */
        int_put_imm(e, v, 1);
        break;
    case OPR_Jz:
        c->imm = int_pick_landing(g, false);
        int_put_imm(e, 0, n);
        break;
    case OPR_Ap: {
        uint16_t sel = pick_code(c, g, &off);

        int_put_imm(e, off, n);
        int_put_imm(e, sel, 2);
        break;
    }
    case OPR_Ob:
    case OPR_Ov:
        if (c->seg == SEG_COUNT)
            c->seg = SEG_DS;
        c->operand = int_pick_address(g, 1u << c->osz, c->setup->mode == MODE_64);
        poke_operand(c, r, g);
        int_put_imm(e, c->operand - int_segment_base(c, r, c->seg), 1u << c->asz);
        break;
    default: break;
    }
}

/* ---- the whole ---- */

bool int_case_make(struct int_case *c, struct int_rig *r, struct rng *g, const struct opcode *row,
                   const struct int_setup *setup, bool plain)
{
    struct int_encoder e = {.opcode = row->opcode};

    if (row->attr & (setup->mode == MODE_64 ? A_I64 : A_O64))
        return false;
    memset(c, 0, sizeof(*c));
    c->row = row;
    c->setup = setup;
    c->kind = int_kind_of(row);
    c->seg = SEG_COUNT;
    random_state(c, r, g);
    int_pick_sizes(c, &e, g);
    if (row->attr & A_PLUSR) {
        unsigned low = rng_below(g, 8);

        e.opcode |= low;
        c->rm = low | (e.rex & 1 ? 8 : 0);
        if (row->opcode == 0x90 && c->rm == 0)
            return false; /* that is NOP */
    }
    c->has_modrm = int_needs_modrm(row);
    if (c->has_modrm)
        int_pick_modrm(c, &e, g, plain);
    if (plain) {
        c->in.rflags &= FL_ARITH | FL_1;
    } else {
        int_pick_segment(c, &e, g);
        int_pick_lock(c, &e, g);
    }
    prepare_registers(c, r, g);
    if (c->mem) {
        choose_operand(c, g);
        int_solve(c, r, &e, g);
        poke_operand(c, r, g);
    } else if (!plain) {
        prepare_register_operand(c, r, g);
    }
    if (c->kind == INT_STRING)
        prepare_string(c, r, g);
    if (c->kind == INT_XLAT) {
        if (c->seg == SEG_COUNT)
            c->seg = SEG_DS;
        c->operand = int_pick_address(g, 1, setup->mode == MODE_64);
        int_set_low(c, REG_RBX,
                    c->operand - int_segment_base(c, r, c->seg) - (c->in.gpr[REG_RAX] & 0xff),
                    1u << c->asz);
    }
    for (unsigned n = 0; n < 3; n++)
        put_operand(c, r, &e, g, row->operand[n]);
    if (c->pinned >> REG_RSP & 1 && !plain)
        poke_stack(c, r, g);
    int_emit(c, &e, g, plain);
    if (c->len > INSN_MAX_LEN)
        return false;
    if (!plain)
        int_poke_code(r, c->linear, c->code, c->len);
    for (unsigned n = 0; n < 2; n++)
        c->before[n] = int_peek(r, (c->mem ? c->operand : stack_linear(c, r)) + 8 * n, 8);
    return true;
}

void int_case_clear(const struct int_case *c, struct int_rig *r)
{
    uint8_t fill[INT_CODE_MAX];

    memset(fill, 0xcc, sizeof(fill));
    int_poke_code(r, c->linear, fill, c->len);
}

unsigned int_shift_count(const struct int_case *c)
{
    unsigned count = int_row_has(c->row, OPR_I1)   ? 1
                     : int_row_has(c->row, OPR_CL) ? (unsigned)c->in.gpr[REG_RCX] & 0xff
                                                   : (unsigned)c->imm;

    return count & (c->osz == SZ64 ? 63 : 31);
}

unsigned int_undefined_flags(const struct int_case *c)
{
    unsigned undef = c->row->fl_undef, size = 8u << c->osz, count;

    if (c->kind != INT_SHIFT && c->kind != INT_SHIFT_DOUBLE)
        return undef;
    count = int_shift_count(c);
    if (count == 0)
        return 0;
    if (count == 1)
        undef &= ~(unsigned)FL_OF;
    if (int_row_named(c->row, "shl,shr") && count >= size)
        undef |= FL_CF;
    if (c->kind == INT_SHIFT_DOUBLE && count > size)
        undef = FL_ARITH;
    return undef;
}

/* ---- given bytes; more than one instruction ---- */

void int_case_fixed(struct int_case *c, struct int_rig *r, const struct int_setup *setup,
                    const uint8_t *code, unsigned len, unsigned flags, uint32_t sp)
{
    struct rng g = {1};

    memset(c, 0, sizeof(*c));
    c->row = &opcode_table[0];
    c->kind = INT_SEQUENCE;
    c->setup = setup;
    random_state(c, r, &g);
    for (unsigned n = 0; n < 16; n++)
        c->in.gpr[n] = 0x101 * (n + 1);
    set_stack(c, r, sp);
    c->in.gpr[REG_RBP] = c->in.gpr[REG_RSP] + 0x40;
    c->in.gpr[REG_RBX] = UINT64_C(0x0800000000000dd1);
    c->in.rflags = FL_1 | flags;
    for (unsigned n = 0; n < 64; n++)
        int_poke(r, sp + n, n, 1);
    int_poke(r, sp, 0x1500, 2);
    int_poke(r, sp + 2, INT_CS64, 2);
    memcpy(c->code, code, len);
    c->len = len;
    c->linear = INT_CODE + 0x800;
    c->in.rip = c->linear - int_selector_base(setup->cs);
    int_poke_code(r, c->linear, code, len);
}

void int_case_branch(struct int_case *c, struct int_rig *r, struct rng *g)
{
    c->code[c->len++] = (uint8_t)(0x70 | rng_below(g, 16));
    c->code[c->len++] = (uint8_t)(1 + rng_below(g, 100));
    int_poke_code(r, c->linear, c->code, c->len);
}

/* Undefined flags after one more instruction whose operands are not known beforehand. */
static unsigned carry_undefined(unsigned undef, const struct int_case *one)
{
    bool by_cl = int_row_has(one->row, OPR_CL);

    if (one->kind == INT_SHIFT && by_cl)
        return undef | one->row->fl_undef | FL_CF;
    if (one->kind == INT_SHIFT && int_shift_count(one) == 0)
        return undef;
    return (undef & ~(unsigned)one->row->fl_write) | int_undefined_flags(one);
}

void int_case_sequence(struct int_case *c, struct int_rig *r, struct rng *g,
                       const struct int_setup *setup, bool (*usable)(const struct opcode *row))
{
    unsigned want = 2 + rng_below(g, 7);
    struct int_case one;

    for (unsigned n = 0; n < want;) {
        const struct opcode *row = &opcode_table[rng_below(g, opcode_count)];
        unsigned undef = n ? c->undefined : 0;

        if (!usable(row) || (row->fl_read & undef) ||
            !int_case_make(&one, r, g, row, setup, true) || one.mem)
            continue;
        if (n == 0) {
            *c = one;
            c->len = 0;
            c->kind = INT_SEQUENCE;
        }
        memcpy(c->code + c->len, one.code, one.len);
        c->len += one.len;
        c->undefined = carry_undefined(undef, &one);
        n++;
    }
    if (int_one_in(g, 2) && !(c->undefined & ~(unsigned)FL_AF)) /* no branch reads AF */
        int_case_branch(c, r, g);
    int_poke_code(r, c->linear, c->code, c->len);
}
