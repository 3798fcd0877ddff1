/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder; see decode.h. Rows are found by map and opcode, then by prefix, ModRM and mode. SDM
 * volume 2, 2.1-2.3 (legacy prefixes, REX, VEX).
 */
#include "cpu/decode.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/bits.h"
#include "cpu/cpu.h"

#define MAX_ROWS 2048

/* Rows that match (map, opcode), in the table's order: list[first[map][op]] .. until row_end. */
static uint16_t row_first[MAP_COUNT][256];
static uint16_t row_list[MAX_ROWS * 2];
static pthread_once_t rows_once = PTHREAD_ONCE_INIT;
#define ROW_END 0xffff

static bool row_covers(const struct opcode *r, unsigned map, unsigned op)
{
    return r->map == map && (r->attr & A_PLUSR ? r->opcode == (op & 0xf8) : r->opcode == op);
}

static void index_rows(void)
{
    unsigned n = 0;

    for (unsigned map = 0; map < MAP_COUNT; map++) {
        for (unsigned op = 0; op < 256; op++) {
            row_first[map][op] = (uint16_t)n;
            for (unsigned k = 0; k < opcode_count; k++) {
                if (row_covers(&opcode_table[k], map, op))
                    row_list[n++] = (uint16_t)k;
            }
            row_list[n++] = ROW_END;
        }
    }
}

/* What is known while bytes are read. */
struct reader {
    const uint8_t *p, *end;
    bool more;   /* ran off the end */
    bool peeked; /* the byte at p was looked at: it chose the row */
};

static uint64_t take(struct reader *r, unsigned size)
{
    uint64_t v;

    if ((size_t)(r->end - r->p) < size) {
        r->more = true;
        r->p = r->end;
        return 0;
    }
    v = ld_le(r->p, size);
    r->p += size;
    return v;
}

struct prefixes {
    uint8_t rex; /* 0 when there is none */
    bool op66, addr67, lock;
    uint8_t rep; /* 0, 0xf2 or 0xf3 */
    int8_t seg;  /* -1 when there is none */
    bool vex;    /* with R, X, B and W in rex, and besides: */
    bool vex_w;  /* outside 64-bit mode rex has no W */
    bool vex_l;
    uint8_t vvvv, pp;
};

/* ES, CS, SS, DS: in 64-bit mode no override, and nothing that undoes one by FS or GS. */
static void take_null_seg(struct prefixes *pfx, bool code64, unsigned seg)
{
    if (!code64)
        pfx->seg = (int8_t)seg;
}

/* Reads prefixes; returns the first opcode byte. */
static unsigned take_prefixes(struct reader *r, bool code64, struct prefixes *pfx)
{
    *pfx = (struct prefixes){.seg = -1};
    for (;;) {
        unsigned b = (unsigned)take(r, 1);

        switch (b) {
        case 0x26: take_null_seg(pfx, code64, SEG_ES); break;
        case 0x2e: take_null_seg(pfx, code64, SEG_CS); break;
        case 0x36: take_null_seg(pfx, code64, SEG_SS); break;
        case 0x3e: take_null_seg(pfx, code64, SEG_DS); break;
        case 0x64: pfx->seg = SEG_FS; break;
        case 0x65: pfx->seg = SEG_GS; break;
        case 0x66: pfx->op66 = true; break;
        case 0x67: pfx->addr67 = true; break;
        case 0xf0: pfx->lock = true; break;
        case 0xf2:
        case 0xf3: pfx->rep = (uint8_t)b; break;
        default:
            if (code64 && (b & 0xf0) == 0x40) {
                pfx->rex = (uint8_t)b;
                continue; /* not reset below: the opcode must follow */
            }
            return b;
        }
        if (r->more)
            return 0;
        pfx->rex = 0; /* a REX that is not last is ignored */
    }
}

/* A VEX prefix whose first byte was C4 or C5 (`b`), and the opcode behind it, into *op; returns its
 * map, or MAP_COUNT if it cannot be. In 64-bit mode rex gets a bit more, so that it is not 0. */
static unsigned take_vex(struct reader *r, unsigned b, bool code64, struct prefixes *pfx,
                         unsigned *op)
{
    unsigned map = 1, first = (unsigned)take(r, 1), last = first;

    if (b == 0xc4) {
        map = first & 0x1f;
        last = (unsigned)take(r, 1);
        pfx->vex_w = last & 0x80;
    }
    *op = (unsigned)take(r, 1);
    if (pfx->op66 || pfx->rep || pfx->lock || pfx->rex || map < 1 || map > 3)
        return MAP_COUNT;
    pfx->vex = true;
    pfx->vex_l = last & 4;
    pfx->vvvv = (~last >> 3) & 15;
    pfx->pp = last & 3;
    if (code64) {
        unsigned rxb = b == 0xc4 ? (~first >> 5) & 7 : (~first >> 5) & 4;

        pfx->rex = (uint8_t)(0x40 | rxb | (pfx->vex_w ? 8 : 0));
    }
    return VF + map - 1;
}

/* Are C4 and C5 a VEX prefix here? Outside 64-bit mode they are LES and LDS if memory follows. */
static bool vex_follows(struct reader *r, bool code64)
{
    if (code64)
        return true;
    if (r->p == r->end) {
        r->more = true;
        return false;
    }
    return *r->p >= 0xc0;
}

static bool operand_needs_modrm(unsigned o)
{
    switch (o) {
    case OPR_Eb:
    case OPR_Ew:
    case OPR_Ed:
    case OPR_Ev:
    case OPR_Ey:
    case OPR_Gb:
    case OPR_Gw:
    case OPR_Gd:
    case OPR_Gv:
    case OPR_Gy:
    case OPR_M:
    case OPR_Mb:
    case OPR_Mw:
    case OPR_Md:
    case OPR_Mq:
    case OPR_Mdq:
    case OPR_Mt:
    case OPR_Mp:
    case OPR_Ma:
    case OPR_Sw:
    case OPR_Cd:
    case OPR_Dd:
    case OPR_STi:
    case OPR_Pq:
    case OPR_Qq:
    case OPR_Nq:
    case OPR_Vx:
    case OPR_Wd:
    case OPR_Wq:
    case OPR_Wx:
    case OPR_Ux:
    case OPR_Ww:
    case OPR_Mx:
    case OPR_Wdq:
    case OPR_Wqq:
    case OPR_Wh:
    case OPR_Wf:
    case OPR_We:
    case OPR_Vdq:
    case OPR_Udq:
    case OPR_VMd:
    case OPR_VMq: return true;
    default: return false;
    }
}

static bool row_needs_modrm(const struct opcode *row)
{
    return (row->ext & ~EXT_VEX) || operand_needs_modrm(row->operand[0]) ||
           operand_needs_modrm(row->operand[1]) || operand_needs_modrm(row->operand[2]);
}

static bool ext_matches(unsigned ext, unsigned modrm)
{
    if ((ext & EXT_BYTE) && (ext & 0xff) != modrm)
        return false;
    if ((ext & EXT_REG) && (ext & 7) != ((modrm >> 3) & 7))
        return false;
    if ((ext & EXT_MEM) && modrm >= 0xc0)
        return false;
    return !((ext & EXT_RONLY) && modrm < 0xc0);
}

static bool vex_matches(unsigned ext, const struct prefixes *pfx)
{
    return !(ext & (pfx->vex_w ? EXT_W0 : EXT_W1)) && !(ext & (pfx->vex_l ? EXT_L0 : EXT_L1));
}

static const struct opcode *find_row(struct reader *r, unsigned map, unsigned op,
                                     const struct prefixes *pfx, bool code64, feature_set features)
{
    unsigned mandatory = pfx->vex           ? NP + pfx->pp
                         : pfx->rep == 0xf3 ? PF3
                         : pfx->rep == 0xf2 ? PF2
                         : pfx->op66        ? P66
                                            : NP;

    for (const uint16_t *k = &row_list[row_first[map][op]]; *k != ROW_END; k++) {
        const struct opcode *row = &opcode_table[*k];

        if (row->attr & (code64 ? A_I64 : A_O64))
            continue;
        if (row->prefix != ANY && row->prefix != mandatory)
            continue;
        if ((row->attr & A_NOREX) && (pfx->rex & 1))
            continue;
        if (!(features >> row->feature & 1))
            continue;
        if (!vex_matches(row->ext, pfx))
            continue;
        if (row->ext & ~EXT_VEX) {
            if (r->p == r->end) {
                r->more = true;
                return NULL;
            }
            r->peeked = true;
            if (!ext_matches(row->ext, *r->p))
                continue;
        }
        return row;
    }
    return NULL;
}

static bool has_operand(const struct opcode *row, unsigned o)
{
    return row->operand[0] == o || row->operand[1] == o || row->operand[2] == o ||
           row->operand[3] == o;
}

/* Of a VEX row: by W where that counts, else by L. */
static unsigned vex_size(const struct opcode *row, const struct prefixes *pfx)
{
    if (has_operand(row, OPR_Ey) || has_operand(row, OPR_Gy))
        return pfx->rex & 8 ? SZ64 : SZ32;
    return pfx->vex_l ? VL256 : VL128;
}

static unsigned operand_size(const struct opcode *row, const struct prefixes *pfx, unsigned code)
{
    if (pfx->vex)
        return vex_size(row, pfx);
    if (row->attr & A_B)
        return SZ8;
    if (code == MODE_64) {
        if (row->attr & A_F64)
            return SZ64;
        if (pfx->rex & 8)
            return SZ64;
        if (pfx->op66)
            return SZ16;
        return row->attr & A_D64 ? SZ64 : SZ32;
    }
    return (code == MODE_32) != pfx->op66 ? SZ32 : SZ16;
}

/* Register number of a byte operand as an offset into the register file. */
static uint8_t byte_reg(unsigned n, bool rex)
{
    return (uint8_t)(!rex && n >= 4 && n < 8 ? (n - 4) * 8 + 1 : n * 8);
}

/* Memory operand with 16-bit addressing: table 2-1. */
static void take_mem16(struct reader *r, unsigned mod, unsigned rm, struct insn *out)
{
    static const uint8_t base[8] = {REG_RBX, REG_RBX, REG_RBP, REG_RBP,
                                    REG_RSI, REG_RDI, REG_RBP, REG_RBX};
    static const uint8_t index[8] = {REG_RSI,  REG_RDI,  REG_RSI,  REG_RDI,
                                     REG_ZERO, REG_ZERO, REG_ZERO, REG_ZERO};

    out->base = base[rm];
    out->index = index[rm];
    if (mod == 0 && rm == 6) {
        out->base = REG_ZERO;
        out->disp = (int16_t)take(r, 2);
        return;
    }
    if (out->base == REG_RBP)
        out->seg = SEG_SS;
    if (mod == 1)
        out->disp = (int8_t)take(r, 1);
    else if (mod == 2)
        out->disp = (int16_t)take(r, 2);
}

/* With 32- and 64-bit addressing: tables 2-2 and 2-3. */
static void take_mem32(struct reader *r, unsigned mod, unsigned rm, unsigned rex, bool code64,
                       bool vsib, struct insn *out)
{
    if (rm == 4) {
        unsigned sib = (unsigned)take(r, 1);
        unsigned index = ((sib >> 3) & 7) | (rex & 2 ? 8 : 0);

        rm = sib & 7;
        out->index = index == 4 && !vsib ? REG_ZERO : (uint8_t)index;
        out->scale = (uint8_t)(sib >> 6);
        if (rm == 5 && mod == 0) {
            out->disp = (int32_t)take(r, 4);
            return;
        }
    } else if (rm == 5 && mod == 0) {
        out->disp = (int32_t)take(r, 4);
        if (code64)
            out->base = REG_RIP;
        return;
    }
    out->base = (uint8_t)(rm | (rex & 1 ? 8 : 0));
    if (out->base == REG_RSP || out->base == REG_RBP)
        out->seg = SEG_SS;
    if (mod == 1)
        out->disp = (int8_t)take(r, 1);
    else if (mod == 2)
        out->disp = (int32_t)take(r, 4);
}

/* False when there is no such instruction. */
static bool take_modrm(struct reader *r, const struct opcode *row, const struct prefixes *pfx,
                       unsigned code, struct insn *out)
{
    unsigned modrm = (unsigned)take(r, 1);
    unsigned mod = modrm >> 6, reg = (modrm >> 3) & 7, rm = modrm & 7;
    unsigned rexreg = reg | (pfx->rex & 4 ? 8 : 0);
    bool vsib = has_operand(row, OPR_VMd) || has_operand(row, OPR_VMq);

    if (has_operand(row, OPR_Cd) || has_operand(row, OPR_Dd))
        mod = 3; /* MOV to and from control and debug registers has no memory form */
    if (has_operand(row, OPR_Gb))
        out->reg = byte_reg(rexreg, pfx->rex);
    else if (has_operand(row, OPR_Pq) || has_operand(row, OPR_Sw))
        out->reg = (uint8_t)reg;
    else
        out->reg = (uint8_t)rexreg;
    if (mod == 3) {
        unsigned rexrm = rm | (pfx->rex & 1 ? 8 : 0);

        if (has_operand(row, OPR_Eb))
            out->rm = byte_reg(rexrm, pfx->rex);
        else if (has_operand(row, OPR_Qq) || has_operand(row, OPR_Nq) || has_operand(row, OPR_STi))
            out->rm = (uint8_t)rm;
        else
            out->rm = (uint8_t)rexrm;
        return !vsib;
    }
    out->flags |= INSN_MEM;
    if (row->attr & A_FPU)
        out->rm = (uint8_t)modrm;
    if (vsib && (rm != 4 || out->asz == SZ16))
        return false;
    if (out->asz == SZ16)
        take_mem16(r, mod, rm, out);
    else
        take_mem32(r, mod, rm, pfx->rex, code == MODE_64, vsib, out);
    return true;
}

/* Operands that stand behind ModRM or in the opcode itself. */
static void take_operand(struct reader *r, unsigned o, unsigned op, const struct prefixes *pfx,
                         struct insn *out, bool second_imm)
{
    unsigned osz = out->osz;

    switch (o) {
    case OPR_Ib:
        if (second_imm)
            out->disp = (int32_t)take(r, 1);
        else
            out->imm = take(r, 1);
        break;
    case OPR_sIb:
    case OPR_Jb: out->imm = sext(take(r, 1), 1); break;
    case OPR_Lx: out->imm = take(r, 1) & (pfx->rex ? 0xff : 0x7f); break;
    case OPR_Iw: out->imm = take(r, 2); break;
    case OPR_Iz:
    case OPR_Jz: out->imm = osz == SZ16 ? sext(take(r, 2), 2) : sext(take(r, 4), 4); break;
    case OPR_Iv: {
        unsigned size = 1u << osz;

        out->imm = sext(take(r, size), size);
        break;
    }
    case OPR_I1: out->imm = 1; break;
    case OPR_I3: out->imm = 3; break;
    case OPR_Ap:
        out->imm = take(r, osz == SZ16 ? 2 : 4);
        out->disp = (int32_t)take(r, 2);
        break;
    case OPR_Ob:
    case OPR_Ov:
        out->imm = take(r, 1u << out->asz);
        out->flags |= INSN_MEM;
        break;
    case OPR_Zb: out->rm = byte_reg((op & 7) | (pfx->rex & 1 ? 8 : 0), pfx->rex); break;
    case OPR_Zv: out->rm = (uint8_t)((op & 7) | (pfx->rex & 1 ? 8 : 0)); break;
    default: break;
    }
}

/* LOCK needs a row that allows it and a memory destination (SDM volume 2, LOCK). */
/* VEX.vvvv: a register where the row has one (one of eight outside 64-bit mode), else all ones. */
static bool take_vvvv(const struct opcode *row, const struct prefixes *pfx, bool code64,
                      struct insn *out)
{
    if (!has_operand(row, OPR_Hx) && !has_operand(row, OPR_By))
        return pfx->vvvv == 0;
    out->vvvv = pfx->vvvv & (code64 ? 15 : 7);
    return true;
}

static bool lock_ok(const struct opcode *row, const struct insn *out)
{
    return (row->attr & A_LOCK) && (out->flags & INSN_MEM);
}

enum decode_status decode(const uint8_t *bytes, size_t avail, unsigned mode, feature_set features,
                          struct insn *out)
{
    unsigned code = mode & MODE_CODE;
    bool code64 = code == MODE_64;
    struct reader r = {bytes, bytes + (avail > INSN_MAX_LEN ? INSN_MAX_LEN : avail), false, false};
    struct prefixes pfx;
    const struct opcode *row;
    unsigned map = M0, op;
    bool imm_seen = false, possible = true;

    pthread_once(&rows_once, index_rows);
    *out = (struct insn){.base = REG_ZERO, .index = REG_ZERO, .seg = SEG_DS};
    op = take_prefixes(&r, code64, &pfx);
    if (op == 0x0f && !r.more) {
        op = (unsigned)take(&r, 1);
        map = MF;
        if (op == 0x38 || op == 0x3a) {
            map = op == 0x38 ? M38 : M3A;
            op = (unsigned)take(&r, 1);
        }
    } else if ((op == 0xc4 || op == 0xc5) && !r.more && vex_follows(&r, code64)) {
        map = take_vex(&r, op, code64, &pfx, &op);
    }
    if (r.more)
        goto ended;
    row = map == MAP_COUNT ? NULL : find_row(&r, map, op, &pfx, code64, features);
    if (r.more)
        goto ended;
    if (!row || (pfx.vex && !take_vvvv(row, &pfx, code64, out))) {
        out->len = (uint8_t)(r.p - bytes + r.peeked);
        return DECODE_UD;
    }
    out->op = (uint16_t)(row - opcode_table);
    out->osz = operand_size(row, &pfx, code) & 15;
    out->asz =
        (code64 ? (pfx.addr67 ? SZ32 : SZ64) : ((code == MODE_32) != pfx.addr67 ? SZ32 : SZ16)) &
        15;
    out->flags = (uint8_t)((pfx.rep == 0xf3 ? INSN_REP : 0) | (pfx.rep == 0xf2 ? INSN_REPNE : 0) |
                           (pfx.op66 ? INSN_OP66 : 0) | (pfx.rex & 8 ? INSN_REXW : 0) |
                           (row->attr & A_STACK ? INSN_STACK : 0));
    if (row_needs_modrm(row))
        possible = take_modrm(&r, row, &pfx, code, out);
    for (unsigned k = 0; k < ARRAY_SIZE(row->operand); k++) {
        take_operand(&r, row->operand[k], op, &pfx, out, imm_seen);
        imm_seen |= row->operand[k] == OPR_Iw || row->operand[k] == OPR_Ib;
    }
    if (r.more)
        goto ended;
    if (pfx.seg >= 0)
        out->seg = (uint8_t)pfx.seg;
    out->len = (uint8_t)(r.p - bytes);
    if (!possible)
        return DECODE_UD;
    if (pfx.lock) {
        if (!lock_ok(row, out))
            return DECODE_UD;
        out->flags |= INSN_LOCK;
    }
    return DECODE_OK;

ended:
    out->len = (uint8_t)(r.end - bytes);
    return avail >= INSN_MAX_LEN ? DECODE_LONG : DECODE_MORE;
}
