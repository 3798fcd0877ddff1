/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See int_encode.h. */
#include "tests/unit/int_encode.h"

#include <cpuid.h>
#include <string.h>

#include "base/bits.h"
#include "tests/unit/int_values.h"

bool int_host_is_intel(void)
{
    static enum { UNKNOWN, INTEL, OTHER } host; /* CPUID is slow where it is virtual */
    unsigned a, b, c, d;

    if (host == UNKNOWN)
        host = __get_cpuid(0, &a, &b, &c, &d) && b == 0x756e6547 ? INTEL : OTHER;
    return host == INTEL;
}

bool int_needs_modrm(const struct opcode *row)
{
    static const uint8_t kinds[] = {OPR_Eb, OPR_Ew,  OPR_Ed, OPR_Ev, OPR_Ey, OPR_Gb, OPR_Gw,
                                    OPR_Gd, OPR_Gv,  OPR_Gy, OPR_M,  OPR_Mb, OPR_Mw, OPR_Md,
                                    OPR_Mq, OPR_Mdq, OPR_Mp, OPR_Ma, OPR_Sw, OPR_Cd, OPR_Dd};

    for (unsigned n = 0; n < ARRAY_SIZE(kinds); n++) {
        if (int_row_has(row, kinds[n]))
            return true;
    }
    return row->ext != EXT_ANY;
}

uint64_t int_segment_base(const struct int_case *c, const struct int_rig *r, unsigned seg)
{
    if (c->setup->mode == MODE_64)
        return seg == SEG_FS ? r->fs_base : seg == SEG_GS && r->has_ldt ? INT_BASE : 0;
    return int_selector_base(c->in.sel[seg]);
}

void int_set_low(struct int_case *c, unsigned reg, uint64_t v, unsigned size)
{
    uint64_t mask = size == 8 ? ~UINT64_C(0) : (UINT64_C(1) << (8 * size)) - 1;

    c->in.gpr[reg] = (c->in.gpr[reg] & ~mask) | (v & mask);
}

void int_put_imm(struct int_encoder *e, uint64_t v, unsigned size)
{
    for (unsigned n = 0; n < size; n++)
        e->imm[e->imm_len++] = (uint8_t)(v >> (8 * n));
}

void int_pick_sizes(struct int_case *c, struct int_encoder *e, struct rng *g)
{
    const struct opcode *row = c->row;
    bool code64 = c->setup->mode == MODE_64, intel = int_host_is_intel();
    bool op66 = row->prefix == ANY || row->prefix == PF3 ? int_one_in(g, 3) : row->prefix == P66;
    bool addr67 = int_one_in(g, 5);
    bool far_w = (c->kind == INT_FAR_MEM || c->kind == INT_LOAD_FAR) && !intel;

    /* AMD's near branches obey 66 in 64-bit mode; far pointers there have no 64-bit offset */
    if (code64 && (row->attr & A_F64) && !(row->attr & A_PRIV) && !intel)
        op66 = false;
    if (code64) {
        e->rex = int_one_in(g, 2) ? 0 : 0x40 | rng_below(g, 16);
        if (far_w)
            e->rex &= ~8u;
        if (row->attr & A_NOREX)
            e->rex &= ~1u;
    }
    if (op66)
        e->prefix[e->prefixes++] = 0x66;
    if (addr67)
        e->prefix[e->prefixes++] = 0x67;
    if (row->prefix == PF3 || row->prefix == PF2)
        e->prefix[e->prefixes++] = row->prefix == PF3 ? 0xf3 : 0xf2;
    else if (c->kind == INT_STRING && !int_one_in(g, 3))
        e->prefix[e->prefixes++] = int_one_in(g, 2) ? 0xf3 : 0xf2;
    c->asz = code64 ? (addr67 ? SZ32 : SZ64) : (c->setup->mode == MODE_32) != addr67 ? SZ32 : SZ16;
    if (row->attr & A_B)
        c->osz = SZ8;
    else if (code64 && ((row->attr & A_F64) || (e->rex & 8)))
        c->osz = SZ64;
    else if (code64)
        c->osz = op66 ? SZ16 : row->attr & A_D64 ? SZ64 : SZ32;
    else
        c->osz = (c->setup->mode == MODE_32) != op66 ? SZ32 : SZ16;
    c->rex = e->rex != 0;
}

/* A segment override, or none; sets c->seg. FS holds the thread pointer: only where the whole
 * address can make up for it. */
void int_pick_segment(struct int_case *c, struct int_encoder *e, struct rng *g)
{
    static const uint8_t bytes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    unsigned seg = rng_below(g, 6);
    bool code64 = c->setup->mode == MODE_64;

    if (!int_one_in(g, 4) || (seg == SEG_FS && c->asz != SZ64))
        return;
    e->prefix[e->prefixes++] = bytes[seg];
    if (!code64 || seg >= SEG_FS)
        c->seg = seg;
}

void int_pick_modrm(struct int_case *c, struct int_encoder *e, struct rng *g, bool plain)
{
    const struct opcode *row = c->row;
    unsigned reg = rng_below(g, 8), rm = rng_below(g, 8);

    c->mem = row->ext & EXT_MEM ? true : row->ext & EXT_RONLY ? false : !plain && int_one_in(g, 2);
    if (int_row_has(row, OPR_M) || int_row_has(row, OPR_Mb) || int_row_has(row, OPR_Mp) ||
        int_row_has(row, OPR_Mdq))
        c->mem = true;
    if (row->ext & (EXT_REG))
        reg = row->ext & 7;
    if (row->ext & EXT_BYTE) {
        c->mem = false;
        reg = row->ext >> 3 & 7;
        rm = row->ext & 7;
    }
    if (int_row_has(row, OPR_Sw) && row->operand[0] == OPR_Sw && reg == SEG_FS)
        reg = SEG_GS;
    if (c->kind == INT_CONTROL_REG) {
        static const uint8_t control[] = {0, 2, 3, 4}, debug[] = {0, 1, 2, 3, 6, 7};

        reg = int_row_has(row, OPR_Cd) ? control[rng_below(g, 4)] : debug[rng_below(g, 6)];
        e->rex &= ~4u;
        c->mem = false;
    }
    c->reg = reg | (e->rex & 4 ? 8 : 0);
    c->rm = rm | (e->rex & 1 ? 8 : 0);
    /* for control registers the manual ignores mod */
    e->modrm =
        (uint8_t)((c->kind == INT_CONTROL_REG ? rng_below(g, 4) << 6 : 0xc0) | reg << 3 | rm);
}

/* ModRM, SIB and displacement so that the address is c->operand; sets registers that are free. */
static void solve16(struct int_case *c, const struct int_rig *r, struct int_encoder *e,
                    struct rng *g)
{
    static const uint8_t bases[8] = {REG_RBX, REG_RBX, REG_RBP, REG_RBP,
                                     REG_RSI, REG_RDI, REG_RBP, REG_RBX};
    static const uint8_t indexes[4] = {REG_RSI, REG_RDI, REG_RSI, REG_RDI};
    unsigned rm = rng_below(g, 8), mod = rng_below(g, 3), base = bases[rm];
    uint64_t off, have, disp;
    bool absolute = rm == 6 && mod == 0;

    if (base == REG_RBP && !absolute && c->seg == SEG_COUNT)
        c->seg = SEG_SS;
    if (c->seg == SEG_COUNT)
        c->seg = SEG_DS;
    off = c->operand - int_segment_base(c, r, c->seg);
    have = rm < 4 ? c->in.gpr[indexes[rm]] : 0;
    if (absolute || (c->pinned >> base & 1)) {
        mod = absolute ? 0 : 2;
        disp = off - (absolute ? 0 : have + c->in.gpr[base]);
    } else {
        disp = rng_next(g);
        if (mod == 1)
            disp = sext(disp & 0xff, 1);
        if (mod == 0)
            disp = 0;
        int_set_low(c, base, off - have - disp, 2);
    }
    e->disp_len = absolute ? 2 : mod;
    st_le16(e->disp, (uint16_t)disp);
    e->modrm = (uint8_t)((e->modrm & 0x38) | mod << 6 | rm);
}

/* Without a base: relative to RIP, or a bare displacement with or without an index. */
static void solve_absolute(struct int_case *c, const struct int_rig *r, struct int_encoder *e,
                           struct rng *g)
{
    bool code64 = c->setup->mode == MODE_64;
    uint64_t off = c->operand - int_segment_base(c, r, c->seg);
    bool sib = int_one_in(g, 2);
    unsigned index = 4, scale = rng_below(g, 4);

    if (sib && int_one_in(g, 2)) {
        index = rng_below(g, 8) | (e->rex & 2 ? 8 : 0);
        if (index != 4 && c->asz == SZ64) {
            if (c->pinned >> index & 1)
                index = 4;
            else
                c->in.gpr[index] = rng_below(g, 4096);
        }
        if (index != 4)
            off -= c->in.gpr[index] << scale;
    }
    if (index == 4)
        e->rex &= ~2u;
    e->modrm = (uint8_t)((e->modrm & 0x38) | (sib ? 4 : 5));
    e->has_sib = sib;
    e->sib = (uint8_t)(scale << 6 | (index & 7) << 3 | 5);
    e->disp_len = 4;
    e->rip_relative = code64 && !sib;
    st_le32(e->disp, (uint32_t)off); /* made relative when the length is known */
}

static void solve_based(struct int_case *c, const struct int_rig *r, struct int_encoder *e,
                        struct rng *g)
{
    unsigned size = 1u << c->asz, scale = rng_below(g, 4), mod = rng_below(g, 3);
    unsigned base = rng_below(g, 8) | (e->rex & 1 ? 8 : 0);
    unsigned index = int_one_in(g, 2) ? rng_below(g, 8) | (e->rex & 2 ? 8 : 0) : 4;
    uint64_t off, have = 0, disp;

    /* of the pinned, only a stack pointer holds an address */
    while ((c->pinned >> base & 1) &&
           (base != REG_RSP || (c->kind == INT_BIT_OFFSET && c->reg == base) || int_one_in(g, 4)))
        base = rng_below(g, 8) | (e->rex & 1 ? 8 : 0);
    if (index == base || (index != 4 && c->asz == SZ64 && (c->pinned >> base & 1)))
        index = 4;
    if (c->seg == SEG_COUNT)
        c->seg = base == REG_RSP || base == REG_RBP ? SEG_SS : SEG_DS;
    if (c->setup->mode == MODE_64 && c->seg < SEG_FS)
        c->seg = SEG_DS;
    off = c->operand - int_segment_base(c, r, c->seg);
    if (index != 4)
        have = c->in.gpr[index] << scale;
    if (c->pinned >> base & 1) {
        if (c->asz == SZ64 &&
            (int64_t)(off - c->in.gpr[base]) != (int32_t)(off - c->in.gpr[base])) {
            c->operand = c->in.gpr[base] + rng_below(g, 64) + int_segment_base(c, r, c->seg);
            off = c->operand - int_segment_base(c, r, c->seg);
        }
        mod = 2;
        disp = off - have - c->in.gpr[base];
    } else {
        disp = mod == 2   ? sext(rng_next(g) & 0xffffffff, 4)
               : mod == 1 ? sext(rng_next(g) & 0xff, 1)
                          : 0;
        if ((base & 7) == 5 && mod == 0)
            mod = 1;
        int_set_low(c, base, off - have - disp, size);
    }
    if (index == 4)
        e->rex &= ~2u;
    e->disp_len = mod == 2 ? 4 : mod;
    st_le32(e->disp, (uint32_t)disp);
    e->has_sib = (base & 7) == 4 || index != 4 || int_one_in(g, 8);
    e->modrm = (uint8_t)((e->modrm & 0x38) | mod << 6 | (e->has_sib ? 4 : base & 7));
    e->sib = (uint8_t)(scale << 6 | (index & 7) << 3 | (base & 7));
}

void int_solve(struct int_case *c, const struct int_rig *r, struct int_encoder *e, struct rng *g)
{
    if (c->asz == SZ16) {
        solve16(c, r, e, g);
        return;
    }
    if (int_one_in(g, 5)) {
        unsigned seg = c->seg == SEG_COUNT ? SEG_DS : c->seg;
        int64_t off = (int64_t)(c->operand - int_segment_base(c, r, seg));

        if (c->asz == SZ32 || (off >= 0 && off < 0x7fff0000)) {
            c->seg = seg;
            solve_absolute(c, r, e, g);
            return;
        }
    }
    solve_based(c, r, e, g);
}

static uint64_t pick_code_address(struct rng *g, unsigned len, bool plain)
{
    switch (plain ? 9 : rng_below(g, 16)) {
    case 0: return INT_CODE + PAGE_SIZE - rng_below(g, len + 1);
    case 1:
        if (int_one_in(g, 4))
            return INT_CODE + 2 * PAGE_SIZE - 1 - rng_below(g, len);
        /* fall through */
    default: return INT_CODE + 0x800 + rng_below(g, 0x400);
    }
}

static void put_bytes(struct int_case *c, const void *bytes, unsigned n)
{
    memcpy(c->code + c->len, bytes, n);
    c->len += n;
}

void int_emit(struct int_case *c, struct int_encoder *e, struct rng *g, bool plain)
{
    static const uint8_t escape[][2] = {[MF] = {0x0f}, [M38] = {0x0f, 0x38}, [M3A] = {0x0f, 0x3a}};
    unsigned disp_at, fixed = 0, rip;

    for (unsigned n = e->prefixes; n > 1; n--) { /* any order */
        unsigned k = rng_below(g, n);
        uint8_t t = e->prefix[k];

        e->prefix[k] = e->prefix[n - 1];
        e->prefix[n - 1] = t;
    }
    put_bytes(c, e->prefix, e->prefixes);
    if (e->rex)
        c->code[c->len++] = (uint8_t)(e->rex | 0x40);
    if (c->row->map != M0)
        put_bytes(c, escape[c->row->map], c->row->map == MF ? 1 : 2);
    c->code[c->len++] = (uint8_t)e->opcode;
    if (c->has_modrm)
        c->code[c->len++] = e->modrm;
    if (e->has_sib)
        c->code[c->len++] = e->sib;
    disp_at = c->len;
    put_bytes(c, e->disp, e->disp_len);
    put_bytes(c, e->imm, e->imm_len);
    /* AMD's UD0 and UD1 have no ModRM byte that a fetch could fault on */
    c->linear = pick_code_address(g, c->len, plain || int_row_named(c->row, "ud0,ud1"));
    c->in.rip = c->linear - int_selector_base(c->setup->cs);
    rip = (uint32_t)(c->linear + c->len);
    if (e->rip_relative)
        st_le32(c->code + disp_at, ld_le32(c->code + disp_at) - rip);
    if (int_row_has(c->row, OPR_Jz)) {
        fixed = c->len - e->imm_len;
        if (e->imm_len == 2)
            st_le16(c->code + fixed, (uint16_t)(c->imm - rip));
        else
            st_le32(c->code + fixed, (uint32_t)c->imm - rip);
    }
}

/* LOCK where it is allowed, and now and then where it is not. */
void int_pick_lock(struct int_case *c, struct int_encoder *e, struct rng *g)
{
    bool allowed = (c->row->attr & A_LOCK) && c->mem;

    /* AMD: another way to say CR8; a VERW that takes the prefix */
    if (c->kind == INT_CONTROL_REG || int_row_named(c->row, "verw"))
        return;
    if (!int_one_in(g, allowed ? 3 : 100))
        return;
    e->prefix[e->prefixes++] = 0xf0;
    c->lock_misused = !allowed;
}
