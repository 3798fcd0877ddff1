/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The comparison with Capstone; see decode_compare.h. What Capstone names otherwise, lists
 * otherwise or gets wrong stands in decode_known.c, each with its reason; everything else must
 * agree.
 */
#include "tests/unit/decode_compare.h"

#include <capstone/capstone.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/cpu.h"
#include "tests/unit/decode_known.h"
#include "tests/unit/unit.h"

#define ADDRESS UINT64_C(0x1000)

static csh handles[3];
static cs_insn *scratch;

void compare_begin(void)
{
    static const cs_mode modes[] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};

    for (unsigned m = 0; m < 3; m++) {
        assert_int_equal(cs_open(CS_ARCH_X86, modes[m], &handles[m]), CS_ERR_OK);
        assert_int_equal(cs_option(handles[m], CS_OPT_DETAIL, CS_OPT_ON), CS_ERR_OK);
    }
    scratch = cs_malloc(handles[0]);
}

void compare_end(void)
{
    cs_free(scratch, 1);
    for (unsigned m = 0; m < 3; m++)
        cs_close(&handles[m]);
}

/* ---- what the decoder's result means, as Capstone would list it ---- */

enum expect_kind { EXPECT_REG, EXPECT_IMM, EXPECT_BRANCH, EXPECT_MEM };

struct expect {
    enum expect_kind kind;
    unsigned size; /* of immediates: how many bytes count */
    const char *reg;
    uint64_t imm;
    const char *seg; /* override, or NULL */
    const char *base, *index;
    unsigned scale;
};

struct view {
    const struct encoding *e;
    const struct insn *in;
    const struct opcode *row;
    struct expect op[4];
    unsigned n;
};

static const char *gpr_name(unsigned n, unsigned size)
{
    static const char *const names[4][16] = {
        {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
         "r13b", "r14b", "r15b"},
        {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w",
         "r13w", "r14w", "r15w"},
        {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d",
         "r12d", "r13d", "r14d", "r15d"},
        {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
         "r13", "r14", "r15"}};

    return n == REG_ZERO ? NULL : n < 16 ? names[size][n] : "(no such register)";
}

static const char *byte_name(unsigned off)
{
    static const char *const high[] = {"ah", "ch", "dh", "bh"};

    if (off & 1)
        return off >> 3 < 4 ? high[off >> 3] : "(no such register)";
    return gpr_name(off >> 3, SZ8);
}

static const char *numbered(const char *prefix, unsigned n)
{
    static char names[8][16];
    static unsigned next;
    char *s = names[next++ & 7];

    snprintf(s, sizeof(names[0]), "%s%u%s", prefix, n, strcmp(prefix, "st(") == 0 ? ")" : "");
    return s;
}

static const char *const segment_names[] = {"es", "cs", "ss", "ds", "fs", "gs"};

static void add_reg(struct view *v, const char *name)
{
    v->op[v->n++] = (struct expect){.kind = EXPECT_REG, .reg = name};
}

static void add_imm(struct view *v, uint64_t imm, unsigned size)
{
    v->op[v->n++] = (struct expect){.kind = EXPECT_IMM, .imm = zext(imm, size), .size = size};
}

/* The override as written; in 64-bit mode only FS and GS are one (SDM volume 1, 3.4.2.1). */
static const char * override(const struct view *v)
{
    bool overridden = v->e->seg && (v->e->mode != MODE_64 || v->in->seg >= SEG_FS);

    return overridden ? segment_names[v->in->seg] : NULL;
}

static void add_mem(struct view *v, unsigned base, unsigned index, uint64_t disp, bool is_dest)
{
    unsigned asz = v->in->asz;
    struct expect x = {.kind = EXPECT_MEM,
                       .imm = zext(disp, 1u << asz),
                       .size = 1u << asz,
                       .seg = is_dest ? NULL : override(v),
                       .index = gpr_name(index, asz),
                       .scale = v->in->scale};

    x.base = base != REG_RIP ? gpr_name(base, asz) : asz == SZ64 ? "rip" : "eip";
    v->op[v->n++] = x;
}

static void add_modrm_mem(struct view *v)
{
    add_mem(v, v->in->base, v->in->index, (uint64_t)(int64_t)v->in->disp, false);
}

/* ---- vectors ---- */

/* Of scalars VEX.L is ignored; integers (VPABSD) are none. */
static bool is_scalar(const struct opcode *row)
{
    const char *end = row->mnemonic + strlen(row->mnemonic) - 2;

    return (strcmp(end, "ss") == 0 || strcmp(end, "sd") == 0) &&
           strncmp(row->mnemonic, "vp", 2) != 0 && !strstr(row->mnemonic, "broadcast");
}

/* Dwords gathered by qwords: half as long as their index. */
static bool is_half(const struct opcode *row)
{
    return row_has(row, OPR_VMq) && (row->ext & EXT_W0);
}

static bool is_wide(const struct view *v)
{
    return v->e->wide && !is_scalar(v->row) && !is_half(v->row);
}

static const char *vector_name(const struct view *v, unsigned n)
{
    return numbered(is_wide(v) ? "ymm" : "xmm", n);
}

/* A base, and an index that is a vector: of as many elements as the one that is loaded, where it
 * has room for them. */
static void add_vsib(struct view *v, unsigned kind)
{
    bool dword_data = !(v->row->ext & EXT_W1);
    bool wide = v->e->wide && (kind == OPR_VMq || dword_data);

    add_modrm_mem(v);
    v->op[v->n - 1].index = numbered(wide ? "ymm" : "xmm", v->in->index);
}

/* False when the operand is of another kind. */
static bool add_vector(struct view *v, unsigned kind)
{
    const struct insn *in = v->in;
    bool mem = in->flags & INSN_MEM;

    switch (kind) {
    case OPR_Vx: add_reg(v, vector_name(v, in->reg)); return true;
    case OPR_Hx: add_reg(v, vector_name(v, in->vvvv)); return true;
    case OPR_Lx: add_reg(v, vector_name(v, in->imm >> 4 & 15)); return true;
    case OPR_Vdq: add_reg(v, numbered("xmm", in->reg)); return true;
    case OPR_Wx:
    case OPR_Ux: mem ? add_modrm_mem(v) : add_reg(v, vector_name(v, in->rm)); return true;
    case OPR_Wqq: mem ? add_modrm_mem(v) : add_reg(v, numbered("ymm", in->rm)); return true;
    case OPR_Ww:
    case OPR_Wd:
    case OPR_Wq:
    case OPR_Wdq:
    case OPR_Wh:
    case OPR_Wf:
    case OPR_We:
    case OPR_Udq: mem ? add_modrm_mem(v) : add_reg(v, numbered("xmm", in->rm)); return true;
    case OPR_VMd:
    case OPR_VMq: add_vsib(v, kind); return true;
    default: return false;
    }
}

/* Size of an Ey or Gy operand. */
static unsigned y_size(const struct view *v)
{
    if (v->row->attr & A_F64) /* moves to and from control registers: the mode's natural size */
        return v->e->mode == MODE_64 ? SZ64 : SZ32;
    return v->in->flags & INSN_REXW ? SZ64 : SZ32;
}

static void add_branch(struct view *v)
{
    v->op[v->n++] = (struct expect){
        .kind = EXPECT_BRANCH, .imm = zext(v->in->imm, 1u << v->in->osz), .size = 1u << v->in->osz};
}

/* Ports are 32 bits wide at most. */
static unsigned accumulator_size(const struct view *v)
{
    bool io = v->row->map == M0 && (v->row->opcode & 0xf5) == 0xe5;

    return io && v->in->osz == SZ64 ? SZ32 : v->in->osz;
}

static void add_general(struct view *v, unsigned kind)
{
    const struct insn *in = v->in;

    switch (kind) {
    case OPR_Eb: add_reg(v, byte_name(in->rm)); break;
    case OPR_Ew: add_reg(v, gpr_name(in->rm, known_word_size(v->row, in))); break;
    case OPR_Ed: add_reg(v, gpr_name(in->rm, SZ32)); break;
    case OPR_Ev: add_reg(v, gpr_name(in->rm, in->osz)); break;
    case OPR_Ey: add_reg(v, gpr_name(in->rm, y_size(v))); break;
    case OPR_Gb: add_reg(v, byte_name(in->reg)); break;
    case OPR_Gw: add_reg(v, gpr_name(in->reg, SZ16)); break;
    case OPR_Gd: add_reg(v, gpr_name(in->reg, SZ32)); break;
    case OPR_Gv: add_reg(v, gpr_name(in->reg, in->osz)); break;
    case OPR_Gy: add_reg(v, gpr_name(in->reg, y_size(v))); break;
    case OPR_Zb: add_reg(v, byte_name(in->rm)); break;
    case OPR_Zv: add_reg(v, gpr_name(in->rm, in->osz)); break;
    case OPR_AL: add_reg(v, "al"); break;
    case OPR_CL: add_reg(v, "cl"); break;
    case OPR_DX: add_reg(v, "dx"); break;
    case OPR_rAX: add_reg(v, gpr_name(REG_RAX, accumulator_size(v))); break;
    case OPR_Ib:
        add_imm(v, v->n && v->row->operand[0] == OPR_Iw ? (uint64_t)in->disp : in->imm, 1);
        break;
    case OPR_sIb: add_imm(v, in->imm, 1u << in->osz); break;
    case OPR_Iw: add_imm(v, in->imm, 2); break;
    case OPR_Iz:
    case OPR_Iv: add_imm(v, in->imm, 1u << in->osz); break;
    case OPR_I1:
    case OPR_I3: add_imm(v, in->imm, 1); break;
    case OPR_Jb:
    case OPR_Jz: add_branch(v); break;
    default: assert_true(false); break;
    }
}

static void add_special(struct view *v, unsigned kind)
{
    const struct insn *in = v->in;
    bool mem = in->flags & INSN_MEM;

    switch (kind) {
    case OPR_Sw: add_reg(v, in->reg < 6 ? segment_names[in->reg] : "(none)"); break;
    case OPR_Cd: add_reg(v, numbered("cr", in->reg)); break;
    case OPR_Dd: add_reg(v, numbered("dr", in->reg)); break;
    case OPR_ES:
    case OPR_CS:
    case OPR_SS:
    case OPR_DS:
    case OPR_FS:
    case OPR_GS: add_reg(v, segment_names[kind - OPR_ES]); break;
    case OPR_ST0: add_reg(v, "st(0)"); break;
    case OPR_STi: add_reg(v, numbered("st(", in->rm)); break;
    case OPR_Pq: add_reg(v, numbered("mm", in->reg)); break;
    case OPR_Qq:
    case OPR_Nq: mem ? add_modrm_mem(v) : add_reg(v, numbered("mm", in->rm)); break;
    case OPR_By: add_reg(v, gpr_name(in->vvvv, y_size(v))); break;
    case OPR_Ob:
    case OPR_Ov: add_mem(v, REG_ZERO, REG_ZERO, in->imm, false); break;
    case OPR_Xb:
    case OPR_Xv: add_mem(v, REG_RSI, REG_ZERO, 0, false); break;
    case OPR_Yb:
    case OPR_Yv: add_mem(v, REG_RDI, REG_ZERO, 0, true); break;
    case OPR_Ap:
        add_imm(v, (uint64_t)in->disp, 2);
        add_imm(v, in->imm, 1u << in->osz);
        break;
    default:
        if (!add_vector(v, kind))
            add_general(v, kind);
        break;
    }
}

static void view_operands(struct view *v)
{
    for (unsigned n = 0; n < ARRAY_SIZE(v->row->operand); n++) {
        unsigned kind = v->row->operand[n];
        bool e_kind =
            kind == OPR_Eb || kind == OPR_Ew || kind == OPR_Ed || kind == OPR_Ev || kind == OPR_Ey;
        bool m_kind = kind == OPR_M || kind == OPR_Mb || kind == OPR_Mw || kind == OPR_Md ||
                      kind == OPR_Mq || kind == OPR_Mdq || kind == OPR_Mt || kind == OPR_Mp ||
                      kind == OPR_Ma || kind == OPR_Mx;

        if (kind == OPR___)
            continue;
        if (m_kind || (e_kind && (v->in->flags & INSN_MEM)))
            add_modrm_mem(v);
        else
            add_special(v, kind);
    }
    if (known_swapped(v->row)) {
        struct expect first = v->op[0];

        v->op[0] = v->op[1];
        v->op[1] = first;
    }
}

/* ---- comparing ---- */

static const char *reg_text(csh h, unsigned reg)
{
    return reg == X86_REG_INVALID ? NULL : cs_reg_name(h, reg);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool mem_agrees(csh h, const struct view *v, const struct expect *x, const cs_x86_op *op)
{
    const char *index = reg_text(h, op->mem.index), *seg = reg_text(h, op->mem.segment);

    if (index && (strcmp(index, "eiz") == 0 || strcmp(index, "riz") == 0))
        index = NULL; /* Capstone's name for "no index" */
    /* where none is written, the destination of strings names ES, and the ignored ones may show */
    if (!x->seg && seg && (v->e->mode == MODE_64 || strcmp(seg, "es") == 0))
        seg = strcmp(seg, "fs") == 0 || strcmp(seg, "gs") == 0 ? seg : NULL;
    return op->type == X86_OP_MEM && same_text(x->base, reg_text(h, op->mem.base)) &&
           same_text(x->index, index) && same_text(x->seg, seg) &&
           (!index || (1 << x->scale) == op->mem.scale) &&
           x->imm == zext((uint64_t)op->mem.disp, x->size);
}

static bool operand_agrees(csh h, const struct view *v, const struct expect *x, const cs_x86_op *op)
{
    switch (x->kind) {
    case EXPECT_REG: return op->type == X86_OP_REG && same_text(x->reg, reg_text(h, op->reg));
    case EXPECT_IMM: return op->type == X86_OP_IMM && x->imm == zext((uint64_t)op->imm, x->size);
    case EXPECT_BRANCH: /* Capstone gives the target */
        return op->type == X86_OP_IMM &&
               x->imm == zext((uint64_t)op->imm - ADDRESS - scratch->size, x->size);
    default: return mem_agrees(h, v, x, op);
    }
}

static bool operands_agree(csh h, const struct view *v, const cs_x86 *x86, unsigned *count)
{
    unsigned n = 0;

    *count = 0;
    for (unsigned k = 0; k < x86->op_count; k++) {
        if (known_implied(v->row, v->in, k, x86->op_count))
            continue;
        while (n < v->n && known_hidden(v->row, v->in, n))
            n++;
        if (n == v->n)
            return false;
        if (!known_wrong(v->e, v->in, n)) {
            if (!operand_agrees(h, v, &v->op[n], &x86->operands[k]))
                return false;
            (*count)++;
        }
        n++;
    }
    while (n < v->n && known_hidden(v->row, v->in, n))
        n++;
    return n == v->n;
}

/* Default segments (SDM volume 1, table 3-5): SS with rSP or rBP as base, else DS. */
static bool segment_right(const struct view *v)
{
    static const struct {
        uint8_t prefix, seg;
    } prefixes[] = {{0x26, SEG_ES}, {0x2e, SEG_CS}, {0x36, SEG_SS},
                    {0x3e, SEG_DS}, {0x64, SEG_FS}, {0x65, SEG_GS}};
    unsigned want = SEG_DS;

    if (!(v->in->flags & INSN_MEM))
        return true;
    if (v->in->base == REG_RSP || v->in->base == REG_RBP)
        want = SEG_SS;
    for (unsigned k = 0; k < ARRAY_SIZE(prefixes); k++) {
        if (v->e->seg == prefixes[k].prefix && (v->e->mode != MODE_64 || prefixes[k].seg >= SEG_FS))
            want = prefixes[k].seg;
    }
    return v->in->seg == want;
}

/* What the encoding says by itself. */
static bool flags_right(const struct view *v)
{
    const struct encoding *e = v->e;
    unsigned f = v->in->flags;
    unsigned asz = e->mode == MODE_64   ? e->addr67 ? SZ32 : SZ64
                   : e->mode == MODE_32 ? e->addr67 ? SZ16 : SZ32
                   : e->addr67          ? SZ32
                                        : SZ16;

    return !!(f & INSN_LOCK) == e->lock && !!(f & INSN_REP) == (e->rep == 0xf3) &&
           !!(f & INSN_REPNE) == (e->rep == 0xf2) && !!(f & INSN_OP66) == e->op66 &&
           !!(f & INSN_REXW) == !!(e->rex & 8) && v->in->asz == asz && segment_right(v);
}

/* How opcodes.def has immediates extended to 64 bits: Ib and Iw by zeros, all others by their sign.
 */
static bool extended_right(const struct view *v)
{
    uint64_t imm = v->in->imm;
    unsigned size = 1u << v->in->osz;

    for (unsigned n = 0; n < ARRAY_SIZE(v->row->operand); n++) {
        switch (v->row->operand[n]) {
        case OPR_Iw: return imm <= 0xffff && v->in->disp >= 0 && v->in->disp <= 0xff;
        case OPR_Ib: return imm <= 0xff;
        case OPR_sIb:
        case OPR_Jb: return imm == sext(zext(imm, 1), 1);
        case OPR_Iz:
        case OPR_Jz: size = size > 4 ? 4 : size; return imm == sext(zext(imm, size), size);
        case OPR_Iv: return imm == sext(zext(imm, size), size);
        case OPR_Ap: return imm == zext(imm, size) && (v->in->disp & ~0xffff) == 0;
        default: break;
        }
    }
    return true;
}

static void report(const struct encoding *e, const struct insn *in, const char *what,
                   const cs_insn *cs, struct compare_stats *st)
{
    if (st->failed++)
        return;
    printf("# mode %u, row %s:",
           e->mode == MODE_64   ? 64
           : e->mode == MODE_32 ? 32
                                : 16,
           opcode_table[in->op].mnemonic);
    for (unsigned k = 0; k < in->len; k++)
        printf(" %02x", e->bytes[k]);
    printf(": %s (len %u reg %u rm %u base %u index %u scale %u disp %x imm %" PRIx64
           " osz %u asz %u seg %u flags %x)",
           what, in->len, in->reg, in->rm, in->base, in->index, in->scale, (unsigned)in->disp,
           in->imm, in->osz, in->asz, in->seg, in->flags);
    if (cs)
        printf("; Capstone: %s %s, length %u, %u operands", cs->mnemonic, cs->op_str, cs->size,
               cs->detail->x86.op_count);
    printf("\n");
}

void compare_insn(const struct encoding *e, const struct insn *in, struct compare_stats *st)
{
    struct view v = {.e = e, .in = in, .row = &opcode_table[in->op]};
    struct spelling sp;
    const uint8_t *code = sp.bytes;
    size_t avail = sizeof(sp.bytes);
    uint64_t address = ADDRESS;
    unsigned count = 0;
    csh h;

    view_operands(&v);
    known_spelling(&sp, e, in);
    h = handles[sp.mode];
    st->respelled += memcmp(sp.bytes, e->bytes, in->len) != 0;
    if (!flags_right(&v) || !extended_right(&v)) {
        report(e, in, "flags, address size, segment or extension", NULL, st);
    } else if (!cs_disasm_iter(h, &code, &avail, &address, scratch)) {
        if (known_missing(e, in))
            st->unknown++;
        else
            report(e, in, "Capstone does not know it", NULL, st);
    } else if (scratch->size != in->len + sp.longer && !known_short(e, in)) {
        report(e, in, "length", scratch, st);
    } else if (!known_name(v.row, in, cs_insn_name(h, scratch->id))) {
        report(e, in, cs_insn_name(h, scratch->id), scratch, st);
    } else if (!known_short(e, in) && !operands_agree(h, &v, &scratch->detail->x86, &count)) {
        report(e, in, "operands", scratch, st);
    } else {
        st->compared++;
        st->operands += count;
    }
}
