/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where Capstone 4 and the manual part; see decode_known.h. "SDM" is volume 2 of Intel's manual
 * unless another is named.
 */
#include "tests/unit/decode_known.h"

#include <string.h>

#include "base/bits.h"
#include "cpu/cpu.h"

static bool is(const struct opcode *row, unsigned map, unsigned op)
{
    return row->map == map && row->opcode == op;
}

static bool has(const struct opcode *row, unsigned kind)
{
    return row_has(row, kind);
}

/* ---- spelling ---- */

/* Do the prefix 66 and REX.W mean anything for the operands? */
static bool sized(const struct opcode *row)
{
    return has(row, OPR_Ev) || has(row, OPR_Gv);
}

static bool y_sized(const struct opcode *row)
{
    return has(row, OPR_Ey) || has(row, OPR_Gy);
}

static bool is_string(const struct opcode *row)
{
    return has(row, OPR_Xb) || has(row, OPR_Xv) || has(row, OPR_Yb) || has(row, OPR_Yv);
}

/* LOOP and JrCXZ, which count in a register of the address size. */
static bool counts(const struct opcode *row)
{
    return row->map == M0 && row->opcode >= 0xe0 && row->opcode <= 0xe3;
}

/* What is done to the prefixes, and why. */
struct respelling {
    bool drop_rep, drop_66, drop_67, flip_66, flip_67, clear_w, clear_r, in_order;
};

/* 16-bit code of which Capstone knows only the 32-bit twin, with the sizes turned round: all with a
 * mandatory prefix, CBW and CWD without 66, EIP of 32 bits; LAR and LSL of 32 bits. */
static bool better_in_32(const struct opcode *row, const struct encoding *e)
{
    if (e->mode != MODE_16)
        return false;
    return row->prefix != ANY || is(row, M0, 0x98) || is(row, M0, 0x99) ||
           (has(row, OPR_Jz) && e->op66) || is(row, MF, 2) || is(row, MF, 3);
}

static bool w_is_idle(const struct opcode *row)
{
    if (row->map == MF && row->prefix == NP && row->operand[0] == OPR_M)
        return false; /* FXSAVE64, XSAVE64 and their kin */
    if (row->map != M0 && row->prefix != ANY)
        return !sized(row) && !y_sized(row);
    /* bytes; INS and OUTS, which have no quadwords; JrCXZ; PAUSE */
    return has(row, OPR_Ob) || counts(row) || (has(row, OPR_DX) && is_string(row)) ||
           row->prefix == PF3;
}

static struct respelling plan(const struct opcode *row, const struct encoding *e,
                              const struct insn *in)
{
    if (row->map >= VF)
        return (struct respelling){.flip_67 = better_in_32(row, e) && (in->flags & INSN_MEM)};

    bool mandatory = row->prefix >= P66, mem = in->flags & INSN_MEM;
    bool idle_67 = !mem && !is_string(row) && !counts(row) && !is(row, M0, 0xd7);
    struct respelling r = {0};

    if (better_in_32(row, e)) {
        r.flip_66 = row->prefix == ANY || sized(row);
        r.flip_67 = mem;
    }
    /* F2 or F3 with 66: Capstone forgets the 66, but they are independent (SDM 2.1.1). F3 with BSF
     * and BSR: ignored where there are no BMI1 and LZCNT (SDM, TZCNT and LZCNT). */
    if (row->prefix == ANY && e->rep)
        r.drop_rep = e->op66 || r.flip_66 || is(row, MF, 0xbc) || is(row, MF, 0xbd);
    /* REX.W outranks 66 (SDM 2.2.1.2), which Capstone does not see in RET, PUSH and others. In
     * 64-bit mode 66 before near branches is ignored (SDM, CALL, JMP, Jcc). A mandatory F2 or F3
     * outranks it, too, where it does not size operands. */
    if (row->prefix == ANY)
        r.drop_66 = (e->rex & 8) || has(row, OPR_Ob) || (has(row, OPR_Jz) && e->mode == MODE_64);
    else
        r.drop_66 = row->prefix >= PF3 && !sized(row);
    /* 67 where there is no address: Capstone makes a 66 of it, or cuts displacements */
    r.drop_67 = idle_67 && ((e->rex & 8) || e->op66 || row->prefix != ANY || has(row, OPR_Jz) ||
                            better_in_32(row, e));
    /* W where it means nothing (SDM 2.2.1.2): with 67 it, too, is taken for 66; and in PAUSE; CLWB
     * and CLFLUSHOPT with it are XSAVEOPT64 and CLFLUSH */
    r.clear_w = w_is_idle(row) &&
                (e->addr67 || row->prefix == PF3 || (is(row, MF, 0xae) && row->prefix == P66));
    /* there are but six segment registers: R is ignored (SDM 2.2.1.2) */
    r.clear_r = has(row, OPR_Sw);
    /* prefixes may come in any order (SDM 2.1.1); Capstone wants the mandatory one last */
    r.in_order = mandatory || counts(row) || r.flip_66;
    return r;
}

static bool kept(const struct opcode *row, const struct respelling *r, unsigned b)
{
    switch (b) {
    case 0xf2:
    case 0xf3: return !r->drop_rep;
    case 0x66: return row->prefix == P66 || (!r->drop_66 && !r->flip_66);
    case 0x67: return !r->drop_67 && !r->flip_67;
    default: return true;
    }
}

static unsigned rank(const struct opcode *row, unsigned b)
{
    if (b == 0x66 || b == 0x67)
        return (b == 0x66) == counts(row) ? 1 : 2;
    return b == 0xf2 || b == 0xf3 ? 3 : 0;
}

void known_spelling(struct spelling *s, const struct encoding *e, const struct insn *in)
{
    const struct opcode *row = &opcode_table[in->op];
    struct respelling r = plan(row, e, in);
    uint8_t rex = e->rex & (r.clear_w ? 0xf7 : 0xff) & (r.clear_r ? 0xfb : 0xff), *at = s->bytes;
    unsigned seen = 0, done = e->legacy + (e->rex && row->map < VF);

    s->mode = better_in_32(row, e) ? MODE_32 : e->mode;
    if (row->map >= VF)
        rex = 0; /* is in the VEX prefix */
    if (row->prefix == P66 && sized(row) && s->mode != e->mode)
        seen = 1; /* RDRAND: the mandatory 66 sizes, too: turned round it goes */
    for (unsigned pass = 0; pass < (r.in_order ? 4 : 1); pass++) {
        if (r.flip_67 && !e->addr67 && pass == (r.in_order ? 1 : 0))
            *at++ = 0x67;
        if (r.flip_66 && !e->op66 && pass == (r.in_order ? 2 : 0))
            *at++ = 0x66;
        for (unsigned k = 0; k < e->legacy; k++) {
            uint8_t b = e->bytes[k];

            if (r.in_order && rank(row, b) != pass)
                continue;
            if (b == 0x66 && seen)
                continue;
            if (kept(row, &r, b))
                *at++ = b;
        }
    }
    if (rex)
        *at++ = rex;
    s->longer = (int)(at - s->bytes) - (int)done;
    memcpy(at, e->bytes + done, 16);
}

/* ---- names ---- */

static const struct {
    const char *ours, *by_size[4]; /* Capstone's, for operand size 8, 16, 32, 64 bits */
} sized_names[] = {
    {"movs", {"movsb", "movsw", "movsd", "movsq"}},
    {"cmps", {"cmpsb", "cmpsw", "cmpsd", "cmpsq"}},
    {"stos", {"stosb", "stosw", "stosd", "stosq"}},
    {"lods", {"lodsb", "lodsw", "lodsd", "lodsq"}},
    {"scas", {"scasb", "scasw", "scasd", "scasq"}},
    {"ins", {"insb", "insw", "insd", "insd"}}, /* there are no quadwords (SDM, INS) */
    {"outs", {"outsb", "outsw", "outsd", "outsd"}},
    {"cwde", {NULL, "cbw", "cwde", "cdqe"}},
    {"cdq", {NULL, "cwd", "cdq", "cqo"}},
    {"pusha", {NULL, "pushaw", "pushal"}},
    {"popa", {NULL, "popaw", "popal"}},
    {"pushf", {NULL, "pushf", "pushfd", "pushfq"}},
    {"popf", {NULL, "popf", "popfd", "popfq"}},
    {"iret", {NULL, "iret", "iretd", "iretq"}},
    {"retf", {NULL, "retf", "retf", "retfq"}},
    {"call far", {NULL, "lcall", "lcall", "lcall"}},
    {"jmp far", {NULL, "ljmp", "ljmp", "ljmp"}},
    {"cmpxchg8b", {NULL, "cmpxchg8b", "cmpxchg8b", "cmpxchg16b"}},
    {"fxsave", {NULL, "fxsave", "fxsave", "fxsave64"}},
    {"fxrstor", {NULL, "fxrstor", "fxrstor", "fxrstor64"}},
    {"xsave", {NULL, "xsave", "xsave", "xsave64"}},
    {"xrstor", {NULL, "xrstor", "xrstor", "xrstor64"}},
    {"xsaveopt", {NULL, "xsaveopt", "xsaveopt", "xsaveopt64"}},
    {"xsavec", {NULL, "xsavec", "xsavec", "xsavec64"}},
    {"xsaves", {NULL, "xsaves", "xsaves", "xsaves64"}},
    {"xrstors", {NULL, "xrstors", "xrstors", "xrstors64"}},
    {"sysret", {NULL, "sysret", "sysret", "sysret"}},
    {"rdpid", {NULL, "rdseed", "rdseed", "rdseed"}}, /* F3 is nothing to Capstone */
    {"ud1", {NULL, "ud2b", "ud2b", "ud2b"}},
};

/* CMPPS and its kin: below 8 the immediate is in the name, of VEX forms below 32. */
static bool named_condition(const struct opcode *row, const struct insn *in)
{
    return in->imm < (row->map == VF ? 32 : 8);
}

static bool known_compare(const struct opcode *row, const struct insn *in, const char *name)
{
    static const char *const conditions[] = {
        "eq",    "lt",     "le",     "unord",    "neq",    "nlt",    "nle",    "ord",
        "eq_uq", "nge",    "ngt",    "false",    "neq_oq", "ge",     "gt",     "true",
        "eq_os", "lt_oq",  "le_oq",  "unord_s",  "neq_us", "nlt_uq", "nle_uq", "ord_s",
        "eq_us", "nge_uq", "ngt_uq", "false_os", "neq_os", "ge_oq",  "gt_oq",  "true_us",
    };
    const char *stem = row->map == VF ? "vcmp" : "cmp";
    const char *suffix = row->mnemonic + strlen(stem);
    size_t n;

    if (!named_condition(row, in))
        return strcmp(row->mnemonic, name) == 0;
    if (strncmp(name, stem, strlen(stem)) != 0)
        return false;
    name += strlen(stem);
    n = strlen(conditions[in->imm]);
    return strncmp(name, conditions[in->imm], n) == 0 && strcmp(name + n, suffix) == 0;
}

/* PEXTRD, PINSRD: PEXTRQ, PINSRQ with W. */
static bool is_element(const struct opcode *row)
{
    return (row->map == M3A || row->map == V3A) && (row->opcode == 0x16 || row->opcode == 0x22);
}

/* Outside 64-bit mode VEX.W is ignored (SDM, PEXTRQ and PINSRQ), though not by Capstone. */
static bool known_element(const struct opcode *row, const struct insn *in, const char *name)
{
    size_t n = strlen(row->mnemonic) - 1;
    char last = in->flags & INSN_REXW ? 'q' : 'd';

    return strncmp(name, row->mnemonic, n) == 0 &&
           (name[n] == last || (row->map == V3A && name[n] == 'q'));
}

/* VCVTPD2PS and its kin, whose name says how much memory they read. */
static bool narrows(const struct opcode *row)
{
    return row->map >= VF && row->operand[0] == OPR_Vdq && row->operand[1] == OPR_Wx;
}

bool known_name(const struct opcode *row, const struct insn *in, const char *name)
{
    static const char *const by_address[] = {NULL, "jcxz", "jecxz", "jrcxz"};

    if (is(row, M0, 0xe3))
        return strcmp(by_address[in->asz], name) == 0;
    for (unsigned k = 0; k < ARRAY_SIZE(sized_names); k++) {
        if (strcmp(sized_names[k].ours, row->mnemonic) == 0)
            return sized_names[k].by_size[in->osz] &&
                   strcmp(sized_names[k].by_size[in->osz], name) == 0;
    }
    if (y_sized(row) && strcmp(row->mnemonic, "movd") == 0)
        return strcmp(name, in->flags & INSN_REXW && !has(row, OPR_Pq) ? "movq" : "movd") == 0;
    if (is_element(row))
        return known_element(row, in, name);
    if (is(row, VF, 0x6e) || (is(row, VF, 0x7e) && row->prefix == P66)) /* VMOVD */
        return strcmp(name, in->flags & INSN_REXW ? "vmovq" : "vmovd") == 0;
    /* the undocumented shift /6 */
    if (row->ext == (EXT_REG | 6) && strcmp(row->mnemonic, "shl") == 0)
        return strcmp(name, "sal") == 0;
    /* MOV with an offset, or with an immediate of 64 bits */
    if (has(row, OPR_Ob) || has(row, OPR_Ov) || (has(row, OPR_Iv) && in->osz == SZ64))
        return strcmp(name, "movabs") == 0 || strcmp(name, "mov") == 0;
    if (is(row, MF, 0xc2) || is(row, VF, 0xc2))
        return known_compare(row, in, name);
    if (narrows(row) && (in->flags & INSN_MEM))
        return strncmp(row->mnemonic, name, strlen(row->mnemonic)) == 0 &&
               strcmp(name + strlen(row->mnemonic), in->osz == VL256 ? "" : "x") == 0;
    return strcmp(row->mnemonic, name) == 0;
}

/* ---- operands ---- */

bool known_implied(const struct opcode *row, const struct insn *in, unsigned k, unsigned listed)
{
    (void)in;
    if (is(row, M0, 0xdf) && row->ext == (EXT_BYTE | 0xe0))
        return true; /* FNSTSW AX */
    /* the undocumented twins of FCOM, FCOMP, FXCH and FSTP come with ST(0), FSTP's even twice */
    if (row->operand[0] == OPR_STi && row->operand[1] == OPR___)
        return (listed == 2 && k == 0) || (listed == 3 && k != 1);
    return false;
}

bool known_hidden(const struct opcode *row, const struct insn *in, unsigned k)
{
    /* ST(0), but not in FCMOVcc and DC */
    if (row->operand[k] == OPR_ST0)
        return row->opcode != 0xdc && !strstr(row->mnemonic, "cmov");
    /* CMPccPS and its kin: the condition is in the name (SDM, CMPPS, table of pseudo-ops) */
    if (is(row, MF, 0xc2) || is(row, VF, 0xc2))
        return row->operand[k] == OPR_Ib && named_condition(row, in);
    /* reserved NOPs */
    return row->map == MF && row->opcode >= 0x19 && row->opcode <= 0x1e && k == 1 &&
           (in->flags & INSN_MEM);
}

unsigned known_word_size(const struct opcode *row, const struct insn *in)
{
    if (is(row, MF, 2))
        return in->osz == SZ64 ? SZ32 : in->osz;
    return is(row, MF, 3) || is(row, M0, 0x8e) ? in->osz : SZ16;
}

bool known_swapped(const struct opcode *row)
{
    return is(row, M0, 0x90) && (row->attr & A_PLUSR);
}

bool known_missing(const struct encoding *e, const struct insn *in)
{
    const struct opcode *row = &opcode_table[in->op];
    bool reg = !(in->flags & INSN_MEM);

    /* NOPs and hints: only some forms (SDM appendix A, table A-3 and group 16: all are NOPs) */
    if (row->map == MF && ((row->opcode >= 0x18 && row->opcode <= 0x1f) || row->opcode == 0x0d))
        return reg || row->opcode == 0x0d;
    /* fences with another r/m field than 0: it is ignored (SDM, LFENCE, MFENCE, SFENCE) */
    if (is(row, MF, 0xae) && reg && row->prefix == NP)
        return e->modrm & 7;
    /* RDPKRU and WRPKRU */
    if (is(row, MF, 0x01) && (e->modrm == 0xee || e->modrm == 0xef))
        return true;
    /* VBROADCASTI128 */
    if (is(row, V38, 0x5a))
        return true;
    /* UD0 with prefixes, of all */
    if (is(row, MF, 0xff))
        return e->legacy || e->rex;
    /* VAES and VPCLMULQDQ of 256 bits */
    if (row->feature == FEATURE_VAES || row->feature == FEATURE_VPCLMUL)
        return true;
    /* segment registers 6 and 7 are for execution to refuse */
    return (is(row, M0, 0x8c) || is(row, M0, 0x8e)) && in->reg > 5;
}

bool known_wrong(const struct encoding *e, const struct insn *in, unsigned k)
{
    const struct opcode *row = &opcode_table[in->op];

    /* ADOX with REX.W has 64-bit operands (SDM, ADOX) */
    if (is(row, M38, 0xf6) && row->prefix == PF3)
        return e->rex & 8;
    /* RDPID, for Capstone RDSEED, writes a whole register */
    if (is(row, MF, 0xc7) && row->prefix == PF3)
        return true;
    /* outside 64-bit mode bit 7 of a register in an immediate is ignored (SDM, VPBLENDVB), */
    if (row->operand[k] == OPR_Lx && e->mode != MODE_64)
        return e->bytes[in->len - 1] & 0x80;
    /* and VEX.W of PEXTRQ and PINSRQ */
    if (is_element(row) && row->map == V3A && e->mode != MODE_64)
        return row->operand[k] == OPR_Ey;
    /* MOVSXD without REX.W writes 32 bits (SDM, MOVSXD) */
    return is(row, M0, 0x63) && e->mode == MODE_64 && !(e->rex & 8) && k == 0;
}

bool known_short(const struct encoding *e, const struct insn *in)
{
    const struct opcode *row = &opcode_table[in->op];

    (void)e;
    return is(row, MF, 0xb9) || is(row, MF, 0xff);
}
