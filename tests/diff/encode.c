/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a row of opcodes.def to bytes: sizes, prefixes, REX and VEX, ModRM and SIB in all their
 * forms, with registers set so that the address comes out as wanted. SDM volume 2, chapter 2.
 */
#include <string.h>

#include "base/bits.h"
#include "cpu/cpu.h"
#include "tests/diff/gen.h"
#include "tests/diff/host.h"

static bool code64(const struct diff_gen *g)
{
    return g->c->setup->mode == MODE_64;
}

static void add_prefix(struct diff_gen *g, unsigned byte)
{
    if (g->prefixes < sizeof(g->prefix))
        g->prefix[g->prefixes++] = (uint8_t)byte;
}

void diff_put_imm(struct diff_gen *g, uint64_t v, unsigned size)
{
    for (unsigned n = 0; n < size; n++)
        g->imm_bytes[g->imm_len++] = (uint8_t)(v >> (8 * n));
}

/* ---- sizes ---- */

/* True, false, or by chance where the row does not say; now and then not what it says. */
static bool choose(struct diff_gen *g, unsigned yes, unsigned no)
{
    bool v = g->row->ext & yes ? true : g->row->ext & no ? false : rng_one_in(&g->rng, 2);

    if (g->plain || !(g->row->ext & (yes | no)) || !rng_one_in(&g->rng, 48))
        return v;
    g->odd = true;
    return !v;
}

static void pick_vex(struct diff_gen *g)
{
    bool addr67 = !g->plain && rng_one_in(&g->rng, 8), m32 = g->c->setup->mode == MODE_32;

    g->vex_w = choose(g, EXT_W1, EXT_W0);
    g->vex_l = choose(g, EXT_L1, EXT_L0);
    g->rex = code64(g) ? 0x40 | rng_below(&g->rng, 8) : 0;
    g->vvvv = rng_below(&g->rng, code64(g) ? 16 : 8);
    if (!diff_row_plays(g->row, ROLE_VVVV))
        g->vvvv = !g->plain && rng_one_in(&g->rng, 48) ? g->vvvv : 0;
    if (!diff_row_plays(g->row, ROLE_VVVV) && g->vvvv)
        g->odd = true;
    if (addr67)
        add_prefix(g, 0x67);
    g->asz = code64(g) ? (addr67 ? SZ32 : SZ64) : m32 != addr67 ? SZ32 : SZ16;
    g->size.w = g->vex_w && (code64(g) || diff_row_plays(g->row, ROLE_RM_VSIB));
    g->size.vec = g->vex_l ? 32 : 16;
    g->osz = code64(g) && g->vex_w ? SZ64 : SZ32;
    g->size.v = 1u << g->osz;
}

static void pick_rex(struct diff_gen *g)
{
    bool far_w = g->kind == KIND_FAR_MEM || g->kind == KIND_LOAD_FAR;

    if (!code64(g))
        return;
    g->rex = rng_one_in(&g->rng, 2) ? 0 : 0x40 | rng_below(&g->rng, 16);
    if (far_w && !diff_host_is_intel())
        g->rex &= ~8u;
    if (g->row->attr & A_NOREX)
        g->rex &= ~1u;
}

static unsigned operand_size(const struct diff_gen *g, bool op66)
{
    if (g->row->attr & A_B)
        return SZ8;
    if (code64(g) && ((g->row->attr & A_F64) || (g->rex & 8)))
        return SZ64;
    if (code64(g))
        return op66 ? SZ16 : g->row->attr & A_D64 ? SZ64 : SZ32;
    return (g->c->setup->mode == MODE_32) != op66 ? SZ32 : SZ16;
}

void diff_pick_sizes(struct diff_gen *g)
{
    const struct opcode *row = g->row;
    bool free66 = row->prefix == ANY || row->prefix == PF3 || row->prefix == PF2, op66, addr67;

    if (diff_row_is_vex(row)) {
        pick_vex(g);
        return;
    }
    op66 = free66 ? rng_one_in(&g->rng, 3) : row->prefix == P66;
    addr67 = rng_one_in(&g->rng, 5);
    /* AMD's near branches obey 66 in 64-bit mode */
    if (code64(g) && free66 && (row->attr & A_F64) && !(row->attr & A_PRIV) &&
        !diff_host_is_intel())
        op66 = false;
    pick_rex(g);
    if (op66)
        add_prefix(g, 0x66);
    if (addr67)
        add_prefix(g, 0x67);
    if (row->prefix == PF3 || row->prefix == PF2)
        add_prefix(g, row->prefix == PF3 ? 0xf3 : 0xf2);
    else if (g->kind == KIND_STRING && !rng_one_in(&g->rng, 3))
        add_prefix(g, rng_one_in(&g->rng, 2) ? 0xf3 : 0xf2);
    g->asz = code64(g)                                  ? (addr67 ? SZ32 : SZ64)
             : (g->c->setup->mode == MODE_32) != addr67 ? SZ32
                                                        : SZ16;
    g->osz = operand_size(g, op66);
    g->size.v = 1u << g->osz;
    g->size.w = g->rex & 8;
    g->size.vec = 16;
}

/* Changes g->seg. */
void diff_pick_segment(struct diff_gen *g)
{
    static const uint8_t bytes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    unsigned seg = rng_below(&g->rng, 6);

    if (!rng_one_in(&g->rng, 4))
        return;
    add_prefix(g, bytes[seg]);
    if (rng_one_in(&g->rng, 8))
        add_prefix(g, bytes[seg]);
    if (!code64(g) || seg >= SEG_FS)
        g->seg = seg;
}

void diff_pick_odd_prefixes(struct diff_gen *g)
{
    static const uint8_t odd[] = {0x66, 0xf2, 0xf3, 0xf0};
    bool allowed = (g->row->attr & A_LOCK) && g->mem;

    if (rng_one_in(&g->rng, allowed ? 3 : 100)) {
        g->odd |= !allowed;
        add_prefix(g, 0xf0);
    }
    if (rng_one_in(&g->rng, 16) && (g->odd = true))
        add_prefix(g, odd[rng_below(&g->rng, 4) | (g->row->prefix == ANY ? 1 : 0)]);
    if (g->prefixes && rng_one_in(&g->rng, 16)) /* once more */
        add_prefix(g, g->prefix[rng_below(&g->rng, g->prefixes)]);
    if (rng_one_in(&g->rng, 300) && (code64(g) || g->prefixes)) { /* too long, or nearly */
        unsigned byte = code64(g) ? 0x2e : g->prefix[0];

        for (unsigned n = 6 + rng_below(&g->rng, 8); n; n--)
            add_prefix(g, byte);
    }
}

void diff_pick_modrm(struct diff_gen *g)
{
    const struct opcode *row = g->row;
    unsigned reg = rng_below(&g->rng, 8), rm = rng_below(&g->rng, 8);

    g->mem = diff_row_takes_memory(row) &&
             (!diff_row_takes_register(row) || (!g->plain && rng_one_in(&g->rng, 2)));
    if (row->ext & EXT_REG)
        reg = row->ext & 7;
    if (row->ext & EXT_BYTE) {
        reg = row->ext >> 3 & 7;
        rm = row->ext & 7;
    }
    if (g->kind == KIND_CONTROL_REG) {
        static const uint8_t control[] = {0, 2, 3, 4}, debug[] = {0, 1, 2, 3, 6, 7};

        reg = diff_row_plays(row, ROLE_REG_CR) ? control[rng_below(&g->rng, 4)]
                                               : debug[rng_below(&g->rng, 6)];
        g->rex &= ~4u;
    }
    if (row->operand[0] == OPR_Sw && reg == SEG_CS && !rng_one_in(&g->rng, 8))
        reg = SEG_DS;
    g->reg = reg | (g->rex & 4 ? 8 : 0);
    g->rm = rm | (g->rex & 1 ? 8 : 0);
    /* for control registers the manual ignores mod */
    g->modrm = (uint8_t)((g->kind == KIND_CONTROL_REG ? rng_below(&g->rng, 4) << 6 : 0xc0) |
                         reg << 3 | rm);
}

/* ---- addresses ---- */

static uint64_t offset_wanted(const struct diff_gen *g)
{
    return g->operand - diff_segment_base(g->c, g->seg);
}

static void solve16(struct diff_gen *g)
{
    static const uint8_t bases[8] = {REG_RBX, REG_RBX, REG_RBP, REG_RBP,
                                     REG_RSI, REG_RDI, REG_RBP, REG_RBX};
    static const uint8_t indexes[4] = {REG_RSI, REG_RDI, REG_RSI, REG_RDI};
    unsigned rm = rng_below(&g->rng, 8), mod = rng_below(&g->rng, 3), base = bases[rm];
    uint64_t off, have, disp;
    bool absolute = rm == 6 && mod == 0;

    if (base == REG_RBP && !absolute && g->seg == SEG_COUNT)
        g->seg = SEG_SS;
    if (g->seg == SEG_COUNT)
        g->seg = SEG_DS;
    off = offset_wanted(g);
    have = rm < 4 ? g->c->in.gpr[indexes[rm]] : 0;
    if (absolute || (g->pinned >> base & 1)) {
        mod = absolute ? 0 : 2;
        disp = off - (absolute ? 0 : have + g->c->in.gpr[base]);
    } else {
        disp = rng_next(&g->rng);
        if (mod == 1)
            disp = sext(disp & 0xff, 1);
        if (mod == 0)
            disp = 0;
        diff_set_low(g->c, base, off - have - disp, 2);
    }
    g->disp_len = absolute ? 2 : mod;
    st_le16(g->disp, (uint16_t)disp);
    g->modrm = (uint8_t)((g->modrm & 0x38) | mod << 6 | rm);
}

static void put_sib(struct diff_gen *g, unsigned scale, unsigned index, unsigned base)
{
    g->sib = (uint8_t)(scale << 6 | (index & 7) << 3 | (base & 7));
    if (index == 4)
        g->rex &= ~2u;
}

/* Without a base: relative to RIP, or a bare displacement with or without an index. */
static void solve_absolute(struct diff_gen *g)
{
    uint64_t off = offset_wanted(g);
    bool sib = rng_one_in(&g->rng, 2);
    unsigned index = 4, scale = rng_below(&g->rng, 4);

    if (sib && rng_one_in(&g->rng, 2)) {
        index = rng_below(&g->rng, 8) | (g->rex & 2 ? 8 : 0);
        if (index != 4 && g->asz == SZ64) {
            if (g->pinned >> index & 1)
                index = 4;
            else
                g->c->in.gpr[index] = rng_below(&g->rng, 4096);
        }
        if (index != 4)
            off -= g->c->in.gpr[index] << scale;
    }
    g->modrm = (uint8_t)((g->modrm & 0x38) | (sib ? 4 : 5));
    g->has_sib = sib;
    put_sib(g, scale, index, 5);
    g->disp_len = 4;
    g->rip_relative = code64(g) && !sib;
    st_le32(g->disp, (uint32_t)off); /* made relative when the length is known */
}

/* A base register that may take any value; or of the pinned a stack pointer, which holds an
 * address. */
static unsigned pick_base(struct diff_gen *g)
{
    for (;;) {
        unsigned base = rng_below(&g->rng, 8) | (g->rex & 1 ? 8 : 0);

        if (!(g->pinned >> base & 1))
            return base;
        if (base == REG_RSP && !(g->kind == KIND_BIT_OFFSET && g->reg == base) &&
            !rng_one_in(&g->rng, 4))
            return base;
    }
}

static void default_segment(struct diff_gen *g, unsigned base)
{
    if (g->seg == SEG_COUNT)
        g->seg = base == REG_RSP || base == REG_RBP ? SEG_SS : SEG_DS;
    if (code64(g) && g->seg < SEG_FS)
        g->seg = SEG_DS;
}

/* What is left for base and displacement once the base's value is known; sets mod. */
static uint64_t split(struct diff_gen *g, unsigned base, uint64_t have, unsigned *mod)
{
    uint64_t off = offset_wanted(g), disp;

    if (!(g->pinned >> base & 1)) {
        disp = *mod == 2   ? sext(rng_next(&g->rng) & 0xffffffff, 4)
               : *mod == 1 ? sext(rng_next(&g->rng) & 0xff, 1)
                           : 0;
        if ((base & 7) == 5 && *mod == 0)
            *mod = 1;
        diff_set_low(g->c, base, off - have - disp, 1u << g->asz);
        return disp;
    }
    if (g->asz == SZ64 &&
        (int64_t)(off - g->c->in.gpr[base]) != (int32_t)(off - g->c->in.gpr[base])) {
        g->operand = g->c->in.gpr[base] + rng_below(&g->rng, 64) + diff_segment_base(g->c, g->seg);
        off = offset_wanted(g);
    }
    *mod = 2;
    return off - have - g->c->in.gpr[base];
}

static void solve_based(struct diff_gen *g)
{
    unsigned scale = rng_below(&g->rng, 4), mod = rng_below(&g->rng, 3), base = pick_base(g);
    unsigned index = rng_one_in(&g->rng, 2) ? rng_below(&g->rng, 8) | (g->rex & 2 ? 8 : 0) : 4;
    uint64_t have = 0, disp;

    if (index == base || (index != 4 && g->asz == SZ64 && (g->pinned >> base & 1)))
        index = 4;
    default_segment(g, base);
    if (index != 4)
        have = g->c->in.gpr[index] << scale;
    disp = split(g, base, have, &mod);
    g->disp_len = mod == 2 ? 4 : mod;
    st_le32(g->disp, (uint32_t)disp);
    g->has_sib = (base & 7) == 4 || index != 4 || rng_one_in(&g->rng, 8);
    g->modrm = (uint8_t)((g->modrm & 0x38) | mod << 6 | (g->has_sib ? 4 : base & 7));
    put_sib(g, scale, index, base);
}

/* The index is a vector register, whose elements are small numbers and corners. */
static void solve_vsib(struct diff_gen *g)
{
    unsigned scale = rng_below(&g->rng, 4), mod = rng_below(&g->rng, 3), base = pick_base(g);
    unsigned size = diff_row_has(g->row, OPR_VMd) ? 4 : 8;
    uint8_t wide[32];
    uint64_t disp;

    g->index = rng_below(&g->rng, 8) | (g->rex & 2 ? 8 : 0);
    for (unsigned n = 0; n < sizeof(wide); n += size) {
        uint64_t v =
            rng_one_in(&g->rng, 24) ? rng_value(&g->rng) : rng_below(&g->rng, 64) - UINT64_C(32);

        st_le(wide + n, v, size);
    }
    memcpy(g->c->in.fpu.fx + FX_XMM(g->index), wide, 16);
    memcpy(g->c->in.fpu.ymmh[g->index], wide + 16, 16);
    default_segment(g, base);
    disp = split(g, base, 0, &mod);
    g->disp_len = mod == 2 ? 4 : mod;
    st_le32(g->disp, (uint32_t)disp);
    g->has_sib = true;
    g->modrm = (uint8_t)((g->modrm & 0x38) | mod << 6 | 4);
    g->sib = (uint8_t)(scale << 6 | (g->index & 7) << 3 | (base & 7));
}

void diff_solve(struct diff_gen *g)
{
    if (g->asz == SZ16) {
        g->odd |= diff_row_plays(g->row, ROLE_RM_VSIB);
        solve16(g);
        return;
    }
    if (diff_row_plays(g->row, ROLE_RM_VSIB)) {
        if (!rng_one_in(&g->rng, 64)) {
            solve_vsib(g);
            return;
        }
        g->odd = true;
    }
    if (rng_one_in(&g->rng, 5)) {
        unsigned seg = g->seg == SEG_COUNT ? SEG_DS : g->seg;
        int64_t off = (int64_t)(g->operand - diff_segment_base(g->c, seg));

        if (g->asz == SZ32 || (off >= 0 && off < 0x7fff0000)) {
            g->seg = seg;
            solve_absolute(g);
            return;
        }
    }
    solve_based(g);
}

/* ---- bytes ---- */

static uint64_t pick_code_address(struct diff_gen *g)
{
    struct diff_case *c = g->c;

    switch (g->plain ? 9 : rng_below(&g->rng, 24)) {
    case 0: return DIFF_CODE + PAGE_SIZE - rng_below(&g->rng, c->len + 1);
    case 1:
        if (rng_one_in(&g->rng, 4))
            return DIFF_CODE + 2 * PAGE_SIZE - 1 - rng_below(&g->rng, c->len);
        /* fall through */
    default: return DIFF_CODE + 0x800 + rng_below(&g->rng, 0x400);
    }
}

static void put_bytes(struct diff_case *c, const void *bytes, unsigned n)
{
    memcpy(c->code + c->len, bytes, n);
    c->len += n;
}

static void put_prefixes(struct diff_gen *g)
{
    struct diff_case *c = g->c;

    for (unsigned n = g->prefixes; n > 1; n--) { /* any order */
        unsigned k = rng_below(&g->rng, n);
        uint8_t t = g->prefix[k];

        g->prefix[k] = g->prefix[n - 1];
        g->prefix[n - 1] = t;
    }
    if (code64(g) && g->prefixes && !g->plain && rng_one_in(&g->rng, 32)) /* one that is dead */
        c->code[c->len++] = (uint8_t)(0x40 | rng_below(&g->rng, 16));
    put_bytes(c, g->prefix, g->prefixes);
}

static void put_vex(struct diff_gen *g)
{
    static const uint8_t pp[] = {[NP] = 0, [P66] = 1, [PF3] = 2, [PF2] = 3, [ANY] = 0};
    struct diff_case *c = g->c;
    unsigned last = (~g->vvvv & 15) << 3 | (g->vex_l ? 4 : 0) | pp[g->row->prefix];

    if (g->row->map == VF && !g->vex_w && !(g->rex & 3) && !rng_one_in(&g->rng, 3)) {
        c->code[c->len++] = 0xc5;
        c->code[c->len++] = (uint8_t)(last | (g->rex & 4 ? 0 : 0x80));
        return;
    }
    c->code[c->len++] = 0xc4;
    c->code[c->len++] = (uint8_t)((~g->rex & 7) << 5 | (g->row->map - VF + 1));
    c->code[c->len++] = (uint8_t)(last | (g->vex_w ? 0x80 : 0));
}

static void put_opcode(struct diff_gen *g)
{
    static const uint8_t escape[][2] = {[MF] = {0x0f}, [M38] = {0x0f, 0x38}, [M3A] = {0x0f, 0x3a}};
    struct diff_case *c = g->c;

    if (diff_row_is_vex(g->row)) {
        put_vex(g);
    } else {
        if (g->rex)
            c->code[c->len++] = (uint8_t)(g->rex | 0x40);
        if (g->row->map != M0)
            put_bytes(c, escape[g->row->map], g->row->map == MF ? 1 : 2);
    }
    c->code[c->len++] = (uint8_t)g->opcode;
}

void diff_emit(struct diff_gen *g)
{
    struct diff_case *c = g->c;
    unsigned disp_at, fixed;
    uint32_t rip;

    c->len = 0;
    put_prefixes(g);
    put_opcode(g);
    if (g->has_modrm)
        c->code[c->len++] = g->modrm;
    if (g->has_sib)
        c->code[c->len++] = g->sib;
    disp_at = c->len;
    put_bytes(c, g->disp, g->disp_len);
    put_bytes(c, g->imm_bytes, g->imm_len);
    c->linear = pick_code_address(g);
    c->in.rip = c->linear - diff_selector_base(c->setup->cs);
    rip = (uint32_t)(c->linear + c->len);
    if (g->rip_relative)
        st_le32(c->code + disp_at, ld_le32(c->code + disp_at) - rip);
    if (diff_row_has(g->row, OPR_Jz)) {
        fixed = c->len - g->imm_len;
        if (g->imm_len == 2)
            st_le16(c->code + fixed, (uint16_t)(g->imm - rip));
        else
            st_le32(c->code + fixed, (uint32_t)g->imm - rip);
    }
}
