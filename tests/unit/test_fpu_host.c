/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every x87, MMX, SSE and SSE2 row of opcodes.def, executed by the emulated CPU and by the host's,
 * on random and corner-case operands, in every form of memory operand: all registers, flags, status
 * words and memory must agree. What the manual leaves to the processor, and where processors are
 * known to differ, is in differs().
 */
#include "tests/unit/unit.h"

#include <signal.h>

#include "base/bits.h"
#include "cpu/fpu.h"
#include "cpu/opcodes.h"
#include "tests/unit/fpu_operands.h"
#include "tests/unit/fpu_rig.h"

#define ROUNDS 700 /* of each row, in each mode */

struct code {
    uint8_t host[16], guest[16]; /* the same but for how memory is addressed */
    size_t host_len, guest_len;
    bool mem;
};

static void put(struct code *k, uint8_t byte)
{
    k->host[k->host_len++] = byte;
    k->guest[k->guest_len++] = byte;
}

/* What ModRM's fields stand for in a row. */
struct fields {
    bool modrm, mem, gpr_reg, gpr_rm, xmm_reg, xmm_rm, wide, imm;
};

static struct fields row_fields(const struct opcode *row)
{
    struct fields f = {.modrm = row->ext != EXT_ANY};

    for (unsigned n = 0; n < 3; n++) {
        switch (row->operand[n]) {
        case OPR___: continue;
        case OPR_Ib: f.imm = true; continue;
        case OPR_Ey: f.wide = true; /* fall through */
        case OPR_Ed: f.gpr_rm = true; break;
        case OPR_Gy: f.wide = true; /* fall through */
        case OPR_Gd: f.gpr_reg = true; break;
        case OPR_Vx: f.xmm_reg = true; break;
        case OPR_Wd:
        case OPR_Wq:
        case OPR_Wx:
        case OPR_Ux: f.xmm_rm = true; break;
        default: break;
        }
        f.modrm = true;
    }
    return f;
}

/* The guest's memory operand in one of the forms that are bound differently; the host's is [RDI].
 */
static void put_memory(struct code *k, struct rng *g, enum rig_mode mode, unsigned reg)
{
    k->host[k->host_len++] = (uint8_t)(reg << 3 | 7);
    if (rng_below(g, 2)) {
        k->guest[k->guest_len++] = (uint8_t)(reg << 3 | 7);
    } else {
        k->guest[k->guest_len++] = (uint8_t)(reg << 3 | 4);
        k->guest[k->guest_len++] = mode == RIG_LONG ? 0x87 : 0x27; /* [RDI + R8*4], [EDI] by SIB */
    }
}

static void encode(struct code *k, const struct opcode *row, enum rig_mode mode, struct rng *g)
{
    static const uint8_t mandatory[] = {[P66] = 0x66, [PF3] = 0xf3, [PF2] = 0xf2};
    struct fields f = row_fields(row);
    unsigned reg = rng_below(g, 8), rm = rng_below(g, 8), rex = 0;

    memset(k, 0, sizeof(*k));
    k->mem = row->ext & EXT_MEM                  ? true
             : row->ext & (EXT_RONLY | EXT_BYTE) ? false
                                                 : f.modrm && rng_below(g, 2);
    if (row->ext & EXT_REG)
        reg = row->ext & 7;
    if (f.gpr_reg)
        reg %= 3;
    if (f.gpr_rm)
        rm %= 3;
    if (mode == RIG_LONG) {
        rex |= f.xmm_reg && rng_below(g, 2) ? 4 : 0;
        rex |= f.xmm_rm && !k->mem && rng_below(g, 2) ? 1 : 0;
        rex |= f.wide && rng_below(g, 2) ? 8 : 0;
    }
    if (k->mem && rng_below(g, 4) == 0)
        k->guest[k->guest_len++] = mode == RIG_LONG ? 0x64 : 0x3e; /* FS, DS: the general form */
    if (row->prefix >= P66)
        put(k, mandatory[row->prefix]);
    if (k->mem && mode == RIG_LONG) {
        k->guest[k->guest_len++] = (uint8_t)(0x42 | rex); /* X: the index is R8 or none */
        if (rex)
            k->host[k->host_len++] = (uint8_t)(0x40 | rex);
    } else if (rex) {
        put(k, (uint8_t)(0x40 | rex));
    }
    if (row->map == MF)
        put(k, 0x0f);
    put(k, row->opcode);
    if (row->ext & EXT_BYTE)
        put(k, (uint8_t)row->ext);
    else if (k->mem)
        put_memory(k, g, mode, reg);
    else if (f.modrm)
        put(k, (uint8_t)(0xc0 | reg << 3 | rm));
    if (f.imm)
        put(k, (uint8_t)(rng_below(g, 2) ? rng_next(g) : rng_below(g, 20)));
}

static bool named(const struct opcode *row, const char *name)
{
    return strcmp(row->mnemonic, name) == 0;
}

/* Rows with addresses or layouts in memory, which test_fpu_state.c looks at; and hints. */
static bool left_out(const struct opcode *row, const struct code *k)
{
    return named(row, "fxsave") || named(row, "fxrstor") || named(row, "fldenv") ||
           named(row, "fnstenv") || named(row, "fnsave") || named(row, "frstor") ||
           named(row, "nop") || strncmp(row->mnemonic, "prefetch", 8) == 0 ||
           (named(row, "cvtpi2ps") && k->mem);
}

/* What the two made of one case, as words; NULL when they agree. */
static const char *differs(const struct opcode *row, struct fpu_case *host, struct fpu_case *guest)
{
    /* The manual clears C1; some processors leave it. */
    if (strstr(row->mnemonic, "comi") && row->map == M0) {
        host->fx[3] &= (uint8_t)~2;
        guest->fx[3] &= (uint8_t)~2;
    }
    if (memcmp(host->gpr, guest->gpr, sizeof(host->gpr)) != 0)
        return "general registers";
    if (host->flags != guest->flags)
        return "flags";
    if (ld_le16(host->fx) != ld_le16(guest->fx))
        return "control word";
    if (ld_le16(host->fx + 2) != ld_le16(guest->fx + 2))
        return "status word";
    if (host->fx[4] != guest->fx[4])
        return "tags";
    if (ld_le32(host->fx + 24) != ld_le32(guest->fx + 24))
        return "MXCSR";
    for (unsigned n = 0; n < 8; n++) {
        if (memcmp(host->fx + 32 + 16 * n, guest->fx + 32 + 16 * n, 10) != 0)
            return "x87 register";
    }
    if (memcmp(host->fx + 160, guest->fx + 160, 256) != 0)
        return "XMM register";
    return memcmp(host->mem, guest->mem, RIG_MEM) != 0 ? "memory" : NULL;
}

static void report(const struct opcode *row, const struct code *k, const struct fpu_case *start,
                   const struct fpu_case *host, const struct fpu_case *guest, const char *what)
{
    char bytes[40] = "";

    for (size_t n = 0; n < k->guest_len; n++)
        snprintf(bytes + 2 * n, 3, "%02x", k->guest[n]);
    print_message("# %s (%s): %s; cw %04x sw %04x tags %02x mxcsr %04x, host sw %04x mxcsr %04x,"
                  " guest sw %04x mxcsr %04x\n",
                  row->mnemonic, bytes, what, ld_le16(start->fx), ld_le16(start->fx + 2),
                  start->fx[4], ld_le32(start->fx + 24), ld_le16(host->fx + 2),
                  ld_le32(host->fx + 24), ld_le16(guest->fx + 2), ld_le32(guest->fx + 24));
}

static bool is_x87(const struct opcode *row)
{
    return row->map == M0;
}

/* One case; true when they agree. */
static bool try_row(struct rig *r, const struct opcode *row, struct rng *g)
{
    struct fpu_case start, host, guest;
    const char *what = NULL;
    struct code k;
    int sig, vector;

    encode(&k, row, r->mode, g);
    if (left_out(row, &k))
        return true;
    if (is_x87(row))
        rng_case_x87(g, &start);
    else
        rng_case_simd(g, &start);
    if (named(row, "fstpnce")) /* what comes of an empty register is the processor's own */
        start.fx[4] = 0xff;
    if (named(row, "ldmxcsr"))
        st_le32(start.mem, ld_le32(start.mem) & MXCSR_VALID);
    host = guest = start;
    sig = rig_native(k.host, k.host_len, &host);
    if (sig == SIGILL)
        return true; /* an alias that this host does not have */
    vector = rig_emulate(r, k.guest, k.guest_len, &guest);
    if (vector != (sig == SIGFPE ? EXC_XM : -1))
        what = "exception";
    else
        what = differs(row, &host, &guest);
    if (what)
        report(row, &k, &start, &host, &guest, what);
    return !what;
}

static bool in_group(const struct opcode *row, const char *group)
{
    bool simd = row->feature == FEATURE_SSE || row->feature == FEATURE_SSE2;
    bool mmx = false;

    for (unsigned n = 0; n < 3; n++)
        mmx |= row->operand[n] == OPR_Pq || row->operand[n] == OPR_Nq || row->operand[n] == OPR_Qq;
    if (strcmp(group, "x87") == 0)
        return row->map == M0 && (row->feature == FEATURE_FPU || row->feature == FEATURE_CMOV);
    if (strcmp(group, "mmx") == 0)
        return row->feature == FEATURE_MMX || (simd && mmx);
    return simd && !mmx && row->feature == (group[3] == '2' ? FEATURE_SSE2 : FEATURE_SSE);
}

static void run_group(const char *group, enum rig_mode mode)
{
    struct rig *r = rig_new();
    struct rng g = {0x9e3779b97f4a7c15};
    unsigned rows = 0, bad = 0;

    rig_mode(r, mode);
    for (unsigned n = 0; n < opcode_count; n++) {
        const struct opcode *row = &opcode_table[n];
        unsigned row_bad = 0;

        if (!in_group(row, group))
            continue;
        rows++;
        for (unsigned round = 0; round < ROUNDS && row_bad < 3; round++)
            row_bad += !try_row(r, row, &g);
        bad += row_bad;
    }
    rig_free(r);
    assert_true(rows > 30);
    assert_int_equal(bad, 0);
}

#define GROUP(name, group, mode)                                                                   \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        run_group(group, mode);                                                                    \
    }
GROUP(test_x87_long, "x87", RIG_LONG)
GROUP(test_x87_prot32, "x87", RIG_PROT32)
GROUP(test_mmx_long, "mmx", RIG_LONG)
GROUP(test_mmx_prot32, "mmx", RIG_PROT32)
GROUP(test_sse_long, "sse", RIG_LONG)
GROUP(test_sse_prot32, "sse", RIG_PROT32)
GROUP(test_sse2_long, "sse2", RIG_LONG)
GROUP(test_sse2_prot32, "sse2", RIG_PROT32)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_x87_long),  cmocka_unit_test(test_x87_prot32),
        cmocka_unit_test(test_mmx_long),  cmocka_unit_test(test_mmx_prot32),
        cmocka_unit_test(test_sse_long),  cmocka_unit_test(test_sse_prot32),
        cmocka_unit_test(test_sse2_long), cmocka_unit_test(test_sse2_prot32),
    };

    return unit_main(tests);
}
