/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder, row by row of opcodes.def: for each row there is a case here, made by including the
 * table. A case encodes the row in the three modes over addressing forms, prefixes and corner
 * values, and holds the result against Capstone; it also cuts every encoding short, makes it too
 * long, takes the row's feature away, tries LOCK, and the forms and modes that the row does not
 * have. Behind the rows: the opcodes that no row covers.
 */
#include <stdio.h>

#include "base/bits.h"
#include "cpu/cpu.h"
#include "cpu/decode.h"
#include "tests/unit/decode_compare.h"
#include "tests/unit/decode_rows.h"
#include "tests/unit/unit.h"

#define ALL_FEATURES (~(feature_set)0)

/* What the cases know of a row by themselves. */
struct row_case {
    const char *name; /* of the test */
    const char *mnemonic;
    const char *operand[4];
    uint8_t map, opcode;
};

static const struct row_case rows[] = {
#define ROW(mnemonic_, map_, op_, pfx, ext_, o1, o2, o3, o4, feat, attr_, fr, fw, fu, fam)         \
    {#map_ " " #op_ " " #pfx " " #ext_ ": " mnemonic_, mnemonic_, {#o1, #o2, #o3, #o4}, map_, op_},
#include "cpu/opcodes.def"
};
#define ROWS ARRAY_SIZE(rows)

static const unsigned modes[] = {MODE_16, MODE_32, MODE_64};

static struct compare_stats total;
static unsigned long prefixes_cut, locks, rows_done;

static enum decode_status decode_encoding(const struct encoding *e, struct insn *in)
{
    return decode(e->bytes, INSN_MAX_LEN, e->mode, ALL_FEATURES, in);
}

static void print_bytes(const struct encoding *e, const char *what)
{
    printf("# %s, mode %u:", what, e->mode);
    for (unsigned k = 0; k < 15; k++)
        printf(" %02x", e->bytes[k]);
    printf("\n");
}

/* ---- a row's encodings ---- */

struct row_run {
    unsigned row;
    struct compare_stats st;
};

/* Whatever ends before the instruction does is not enough, and no more. */
static void cut_short(const struct encoding *e, const struct insn *in)
{
    for (unsigned n = 1; n < in->len; n++) {
        struct insn part;
        enum decode_status st = decode(e->bytes, n, e->mode, ALL_FEATURES, &part);

        if (st != DECODE_MORE)
            print_bytes(e, "cut short");
        assert_int_equal(st, DECODE_MORE);
        prefixes_cut++;
    }
    struct insn whole;
    assert_int_equal(decode(e->bytes, in->len, e->mode, ALL_FEATURES, &whole), DECODE_OK);
    assert_int_equal(whole.len, in->len);
}

static void visit(const struct encoding *e, void *arg)
{
    struct row_run *run = arg;
    struct insn in;
    enum decode_status st = decode_encoding(e, &in);

    if (st != DECODE_OK || in.op != run->row)
        print_bytes(e, st == DECODE_OK ? opcode_table[in.op].mnemonic : "not decoded");
    assert_int_equal(st, DECODE_OK);
    assert_int_equal(in.op, run->row);
    cut_short(e, &in);
    compare_insn(e, &in, &run->st);
}

static void add_stats(const struct compare_stats *st)
{
    total.compared += st->compared;
    total.operands += st->operands;
    total.respelled += st->respelled;
    total.unknown += st->unknown;
    total.failed += st->failed;
}

/* A plain encoding of the row: the register form if there is one. False when not in that mode. */
static bool plain_form(const struct opcode *row, unsigned mode, bool reg, struct form *f)
{
    *f = (struct form){.prefixes = "", .sib = 0x24, .tail = 8};
    if (!row_in_mode(row, mode))
        return false;
    if (row->map == M0 && row->opcode == 0x90 && (row->attr & A_PLUSR))
        f->plus = 1;
    if (row_has_vsib(row) && mode == MODE_16)
        f->prefixes = "\x67"; /* 16-bit addresses have no SIB byte */
    return !row_has_modrm(row) || row_modrm(row, reg, &f->modrm) || row_modrm(row, !reg, &f->modrm);
}

/* ---- what a row does not allow ---- */

/* SDM volume 2, LOCK: these, when the destination is memory. */
static bool manual_locks(const struct row_case *r)
{
    static const char *const list[] = {"add",     "adc",       "and", "btc", "btr",  "bts",
                                       "cmpxchg", "cmpxchg8b", "dec", "inc", "neg",  "not",
                                       "or",      "sbb",       "sub", "xor", "xadd", "xchg"};

    for (unsigned k = 0; k < ARRAY_SIZE(list); k++) {
        if (strcmp(r->mnemonic, list[k]) == 0)
            return r->operand[0][0] == 'E' || r->operand[0][0] == 'M';
    }
    return false;
}

static void try_lock(unsigned k, unsigned mode, bool reg)
{
    const struct opcode *row = &opcode_table[k];
    struct form f;
    struct encoding e;
    struct insn in;
    bool allowed;

    if (!plain_form(row, mode, reg, &f))
        return;
    f.prefixes = "\xf0";
    encode(&e, row, mode, &f);
    allowed = manual_locks(&rows[k]) && e.has_modrm && e.modrm < 0xc0;
    assert_int_equal(decode_encoding(&e, &in), allowed ? DECODE_OK : DECODE_UD);
    if (allowed)
        assert_true(in.flags & INSN_LOCK);
    locks++;
}

static void try_too_long(unsigned k, unsigned mode)
{
    const struct opcode *row = &opcode_table[k];
    struct form f;
    struct encoding e;
    struct insn in;
    char pad[17] = "";

    if (!plain_form(row, mode, true, &f))
        return;
    encode(&e, row, mode, &f);
    assert_int_equal(decode_encoding(&e, &in), DECODE_OK);
    strcpy(pad, f.prefixes);
    memset(pad + strlen(pad), 0x3e, 15u - in.len);
    f.prefixes = pad;
    encode(&e, row, mode, &f);
    assert_int_equal(decode(e.bytes, 16, mode, ALL_FEATURES, &in), DECODE_OK);
    assert_int_equal(in.len, 15);
    assert_int_equal(in.op, k);
    strcat(pad, "\x3e");
    encode(&e, row, mode, &f);
    assert_int_equal(decode(e.bytes, 16, mode, ALL_FEATURES, &in), DECODE_LONG);
    assert_int_equal(decode(e.bytes, 15, mode, ALL_FEATURES, &in), DECODE_LONG);
    assert_int_equal(in.len, 15);
    assert_int_equal(decode(e.bytes, 14, mode, ALL_FEATURES, &in), DECODE_MORE);
}

/* Does a row of another feature, to which prefixes are nothing, take the encoding as well? TZCNT is
 * BSF then, LZCNT BSR. */
static bool means_less_without(const struct opcode *row, const struct encoding *e)
{
    for (unsigned k = 0; k < opcode_count; k++) {
        const struct opcode *o = &opcode_table[k];

        if (o->map == row->map && o->opcode == row->opcode && o->feature != row->feature &&
            o->prefix == ANY && row->prefix != ANY && row_in_mode(o, e->mode) &&
            (!row_has_modrm(o) || row_takes_modrm(o, e->modrm)))
            return true;
    }
    return false;
}

static void try_without_feature(unsigned k, unsigned mode)
{
    const struct opcode *row = &opcode_table[k];
    feature_set features = ALL_FEATURES & ~((feature_set)1 << row->feature);
    struct form f;
    struct encoding e;
    struct insn in;

    if (!plain_form(row, mode, true, &f))
        return;
    encode(&e, row, mode, &f);
    if (means_less_without(row, &e)) {
        assert_int_equal(decode(e.bytes, 15, mode, features, &in), DECODE_OK);
        assert_int_equal(opcode_table[in.op].prefix, ANY);
    } else {
        assert_int_equal(decode(e.bytes, 15, mode, features, &in), DECODE_UD);
    }
}

/* In a mode that the row is not for: no instruction, or another one's opcode. */
static void try_other_mode(unsigned k, unsigned mode)
{
    const struct opcode *row = &opcode_table[k];
    struct form f;
    struct encoding e;
    struct insn in;
    enum decode_status st;

    if (row_in_mode(row, mode))
        return;
    plain_form(row, mode == MODE_64 ? MODE_32 : MODE_64, true, &f);
    encode(&e, row, mode, &f);
    st = decode_encoding(&e, &in);
    if (row->map == M0 && mode == MODE_64 && (row->opcode & 0xf0) == 0x40)
        assert_true(st != DECODE_OK || in.op != k); /* REX prefixes */
    else if (row->map == M0 && row->opcode == 0x63)
        assert_string_equal(opcode_table[in.op].mnemonic, mode == MODE_64 ? "movsxd" : "arpl");
    else
        assert_int_equal(st, DECODE_UD);
}

/* Does some row of the same opcode and mandatory prefix take the ModRM byte? */
static bool covered(const struct opcode *row, unsigned mode, unsigned modrm)
{
    for (unsigned k = 0; k < opcode_count; k++) {
        const struct opcode *o = &opcode_table[k];

        if (o->map == row->map && o->opcode == row->opcode && row_in_mode(o, mode) &&
            (o->prefix == ANY || row->prefix == ANY || o->prefix == row->prefix) &&
            row_takes_modrm(o, modrm))
            return true;
    }
    return false;
}

/* The ModRM bytes that the row does not take are other rows' or nobody's. */
static void try_other_modrm(unsigned k, unsigned mode)
{
    const struct opcode *row = &opcode_table[k];

    if (!row_in_mode(row, mode) || !row_has_modrm(row))
        return;
    for (unsigned m = 0; m < 256; m++) {
        struct form f = {.prefixes = "", .modrm = m, .sib = 0x24, .tail = 8};
        struct encoding e;
        struct insn in;
        enum decode_status st;

        if (row_takes_modrm(row, m))
            continue;
        if (row->map == M0 && (row->opcode | 1) == 0xc5)
            continue; /* LES and LDS of registers are VEX prefixes */
        encode(&e, row, mode, &f);
        st = decode_encoding(&e, &in);
        if (covered(row, mode, m)) {
            assert_int_not_equal(in.op, st == DECODE_OK ? k : opcode_count);
        } else {
            assert_int_equal(st, DECODE_UD);
            assert_int_equal(in.len, e.fixed - (m < 0xc0 && (m & 7) == 4 && mode != MODE_16));
        }
    }
}

static void row_test(void **state)
{
    const struct row_case *r = *state;
    struct row_run run = {.row = (unsigned)(r - rows)};
    unsigned made = 0;

    assert_string_equal(r->mnemonic, opcode_table[run.row].mnemonic);
    assert_int_equal(r->opcode, opcode_table[run.row].opcode);
    for (unsigned m = 0; m < ARRAY_SIZE(modes); m++) {
        made += encode_row(run.row, modes[m], visit, &run);
        try_lock(run.row, modes[m], true);
        try_lock(run.row, modes[m], false);
        try_too_long(run.row, modes[m]);
        try_without_feature(run.row, modes[m]);
        try_other_mode(run.row, modes[m]);
        try_other_modrm(run.row, modes[m]);
    }
    add_stats(&run.st);
    rows_done++;
    assert_int_equal(run.st.failed, 0);
    assert_int_equal(run.st.compared + run.st.unknown, made);
    assert_true(made >= 20);
}

static int begin(void **state)
{
    (void)state;
    compare_begin();
    return 0;
}

static int end(void **state)
{
    (void)state;
    compare_end();
    return 0;
}

/* ---- what no row covers ---- */

/* Opcodes without an instruction here, by appendix A of SDM volume 2: prefixes and escapes left
 * out. */
static const uint8_t free_m0_64[] = {0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f,
                                     0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x62,
                                     0x82, 0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea};
static const uint8_t free_mf[] = {
    0x04, 0x0a, 0x0c, 0x0e, 0x0f, 0x24, 0x25, 0x26, 0x27, 0x36, 0x37, 0x39,
    0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x78, 0x79, 0x7a, 0x7b, 0xa6, 0xa7,
};
/* SYSCALL, SYSRET: Intel's only in 64-bit mode. */
static const uint8_t free_mf_legacy[] = {0x05, 0x07};

/* The opcodes that there are in the maps that are mostly empty (SDM volume 2, tables,
 * and the VEX forms): from, to. */
struct opcode_range {
    uint8_t from, to;
};
static const struct opcode_range present[MAP_COUNT][24] = {
    [M38] = {{0x00, 0x0b},
             {0x10, 0x10},
             {0x14, 0x15},
             {0x17, 0x17},
             {0x1c, 0x1e},
             {0x20, 0x25},
             {0x28, 0x2b},
             {0x30, 0x35},
             {0x37, 0x41},
             {0x82, 0x82},
             {0xc8, 0xcd},
             {0xdb, 0xdf},
             {0xf0, 0xf1},
             {0xf6, 0xf6}},
    [M3A] = {{0x08, 0x0f},
             {0x14, 0x17},
             {0x20, 0x22},
             {0x40, 0x42},
             {0x44, 0x44},
             {0x60, 0x63},
             {0xcc, 0xcc},
             {0xdf, 0xdf}},
    [VF] = {{0x10, 0x17},
            {0x28, 0x2f},
            {0x50, 0x77},
            {0x7c, 0x7f},
            {0xae, 0xae},
            {0xc2, 0xc2},
            {0xc4, 0xc6},
            {0xd0, 0xfe}},
    [V38] = {{0x00, 0x0f},
             {0x13, 0x13},
             {0x16, 0x1a},
             {0x1c, 0x1e},
             {0x20, 0x25},
             {0x28, 0x41},
             {0x45, 0x47},
             {0x58, 0x5a},
             {0x78, 0x79},
             {0x8c, 0x8c},
             {0x8e, 0x8e},
             {0x90, 0x93},
             {0x96, 0x9f},
             {0xa6, 0xaf},
             {0xb6, 0xbf},
             {0xdb, 0xdf},
             {0xf2, 0xf3},
             {0xf5, 0xf7}},
    [V3A] = {{0x00, 0x02},
             {0x04, 0x06},
             {0x08, 0x0f},
             {0x14, 0x19},
             {0x1d, 0x1d},
             {0x20, 0x22},
             {0x38, 0x39},
             {0x40, 0x42},
             {0x44, 0x44},
             {0x46, 0x46},
             {0x4a, 0x4c},
             {0x60, 0x63},
             {0xdf, 0xdf},
             {0xf0, 0xf0}},
};

static bool in_ranges(unsigned map, unsigned op)
{
    for (unsigned k = 0; k < ARRAY_SIZE(present[map]); k++) {
        if (present[map][k].to && op >= present[map][k].from && op <= present[map][k].to)
            return true;
    }
    return false;
}

static unsigned opcodes_present(void)
{
    unsigned n = 0;

    for (unsigned k = 0; k < MAP_COUNT * 256; k++)
        n += in_ranges(k / 256, k & 255);
    return n;
}

static bool in_list(const uint8_t *list, size_t n, unsigned op)
{
    return memchr(list, (int)op, n) != NULL;
}

static bool is_free(unsigned map, unsigned op, unsigned mode)
{
    if (map == MF)
        return in_list(free_mf, sizeof(free_mf), op) ||
               (mode != MODE_64 && in_list(free_mf_legacy, sizeof(free_mf_legacy), op));
    if (map == M0)
        return mode == MODE_64 && in_list(free_m0_64, sizeof(free_m0_64), op);
    return !in_ranges(map, op);
}

static bool is_prefix(unsigned map, unsigned op, unsigned mode)
{
    static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
                                       0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x0f};

    if (map == MF)
        return op == 0x38 || op == 0x3a;
    if (map == M0 && mode == MODE_64 && ((op & 0xf0) == 0x40 || op == 0xc4 || op == 0xc5))
        return true;
    return map == M0 && in_list(prefixes, sizeof(prefixes), op);
}

/* One of four prefixes, which stands at b[0], and what opens the map; `other` is bits W, L and one
 * of vvvv. */
static uint8_t *put_map(uint8_t *b, unsigned map, unsigned mode, unsigned pp, unsigned other)
{
    if (map >= VF) {
        if (mode == MODE_16)
            *b++ = 0x67; /* there is no 16-bit VSIB */
        b[0] = 0xc4;
        b[1] = (uint8_t)(0xe0 | (map - VF + 1));
        b[2] = (uint8_t)((other & 1) << 7 | (other & 4 ? 0x70 : 0x78) | (other & 2) << 1 | pp);
        return b + 3;
    }
    b++;
    if (map != M0)
        *b++ = 0x0f;
    if (map == M38 || map == M3A)
        *b++ = map == M38 ? 0x38 : 0x3a;
    return b;
}

/* Is there an instruction of that opcode at all, with some prefix and some ModRM byte? Every other
 * combination must be refused, and refused for what was looked at. */
static bool any_instruction(unsigned map, unsigned op, unsigned mode)
{
    static const uint8_t prefixes[] = {0x3e, 0x66, 0xf3, 0xf2};
    bool any = false;

    for (unsigned n = 0; n < ARRAY_SIZE(prefixes) * 256; n++) {
        uint8_t b[16] = {prefixes[n / 256]}, *at = put_map(b, map, mode, n / 256, (n ^ n >> 3) & 7);
        enum decode_status st;
        struct insn in;

        *at++ = (uint8_t)op;
        *at = (uint8_t)n;
        st = decode(b, sizeof(b), mode, ALL_FEATURES, &in);
        assert_true(st == DECODE_OK || st == DECODE_UD);
        any |= st == DECODE_OK;
        if (st == DECODE_UD && map < VF && !(map == M0 && (op | 1) == 0xc5)) { /* but VEX */
            assert_in_range(in.len, at - b, at - b + 1);
            assert_int_equal(decode(b, in.len, mode, ALL_FEATURES, &in), DECODE_UD);
        }
    }
    return any;
}

static void free_opcodes(void **state)
{
    unsigned n_free = 0;

    (void)state;
    for (unsigned m = 0; m < ARRAY_SIZE(modes); m++) {
        for (unsigned n = 0; n < MAP_COUNT * 256; n++) {
            unsigned map = n / 256, op = n & 255;
            bool any;

            if (is_prefix(map, op, modes[m]))
                continue;
            any = any_instruction(map, op, modes[m]);
            if (any == is_free(map, op, modes[m]))
                printf("# map %u opcode %02x mode %u\n", map, op, modes[m]);
            assert_int_equal(any, !is_free(map, op, modes[m]));
            n_free += !any;
        }
    }
    assert_int_equal(n_free, sizeof(free_m0_64) + 3 * sizeof(free_mf) + 2 * sizeof(free_mf_legacy) +
                                 3 * (5 * 256 - opcodes_present()));
}

/* ---- single facts ---- */

static enum decode_status decode_bytes(const char *bytes, size_t n, unsigned mode, struct insn *in)
{
    return decode((const uint8_t *)bytes, n, mode, ALL_FEATURES, in);
}

/* In 64-bit mode ES, CS, SS and DS prefixes are null: they do not undo FS or GS (and so does the
 * host's processor); elsewhere the last one counts. */
static void null_segments(void **state)
{
    struct insn in;

    (void)state;
    assert_int_equal(decode_bytes("\x65\x2e\x8b\x01", 4, MODE_64, &in), DECODE_OK);
    assert_int_equal(in.seg, SEG_GS);
    assert_int_equal(decode_bytes("\x26\x64\x3e\x8b\x01", 5, MODE_64, &in), DECODE_OK);
    assert_int_equal(in.seg, SEG_FS);
    assert_int_equal(decode_bytes("\x64\x65\x8b\x01", 4, MODE_64, &in), DECODE_OK);
    assert_int_equal(in.seg, SEG_GS);
    assert_int_equal(decode_bytes("\x36\x8b\x01", 3, MODE_64, &in), DECODE_OK);
    assert_int_equal(in.seg, SEG_DS);
    assert_int_equal(decode_bytes("\x65\x2e\x8b\x01", 4, MODE_32, &in), DECODE_OK);
    assert_int_equal(in.seg, SEG_CS);
}

/* Opcode 90 is NOP, PAUSE and, with REX.B, XCHG: that with F3, too (as on the host's processor). */
static void opcode_90(void **state)
{
    struct insn in;

    (void)state;
    assert_int_equal(decode_bytes("\x90", 1, MODE_64, &in), DECODE_OK);
    assert_string_equal(opcode_table[in.op].mnemonic, "nop");
    assert_int_equal(decode_bytes("\xf3\x90", 2, MODE_64, &in), DECODE_OK);
    assert_string_equal(opcode_table[in.op].mnemonic, "pause");
    assert_int_equal(decode_bytes("\x41\x90", 2, MODE_64, &in), DECODE_OK);
    assert_string_equal(opcode_table[in.op].mnemonic, "xchg");
    assert_int_equal(in.rm, REG_R8);
    assert_int_equal(decode_bytes("\xf3\x41\x90", 3, MODE_64, &in), DECODE_OK);
    assert_string_equal(opcode_table[in.op].mnemonic, "xchg");
    assert_int_equal(decode_bytes("\x41\xf3\x90", 3, MODE_64, &in), DECODE_OK);
    assert_string_equal(opcode_table[in.op].mnemonic, "pause"); /* a REX before a prefix is void */
}

/* What the verdicts hang on: code caches must forget them when one of these bytes changes. */
static void verdict_lengths(void **state)
{
    char nops[16];
    struct insn in;

    (void)state;
    assert_int_equal(decode_bytes("\xfe\x38", 2, MODE_32, &in), DECODE_UD);
    assert_int_equal(in.len, 2); /* the reg field decides */
    assert_int_equal(decode_bytes("\x0f\x04\x00", 3, MODE_32, &in), DECODE_UD);
    assert_int_equal(in.len, 2); /* no ModRM byte would make it one */
    assert_int_equal(decode_bytes("\xf0\x01\xc0", 3, MODE_32, &in), DECODE_UD);
    assert_int_equal(in.len, 3);
    memset(nops, 0x66, sizeof(nops));
    assert_int_equal(decode_bytes(nops, 16, MODE_32, &in), DECODE_LONG);
    assert_int_equal(in.len, 15);
}

static void sums(void **state)
{
    (void)state;
    printf("# %lu rows: %lu encodings agree with Capstone (%lu operands), %lu of them in another "
           "spelling; %lu it does not know; %lu cut short, %lu with LOCK; %lu failed\n",
           rows_done, total.compared, total.operands, total.respelled, total.unknown, prefixes_cut,
           locks, total.failed);
    assert_int_equal(rows_done, ROWS);
    assert_int_equal(ROWS, opcode_count);
    assert_int_equal(total.failed, 0);
    assert_true(total.compared >= 2000000);
    assert_true(total.operands >= 3000000);
    assert_true(total.unknown <= 40000);
}

static const struct CMUnitTest others[] = {
    cmocka_unit_test(free_opcodes),    cmocka_unit_test(null_segments), cmocka_unit_test(opcode_90),
    cmocka_unit_test(verdict_lengths), cmocka_unit_test(sums),
};

int main(void)
{
    static struct CMUnitTest tests[ROWS + ARRAY_SIZE(others)];

    for (unsigned k = 0; k < ROWS; k++)
        tests[k] = (struct CMUnitTest){
            .name = rows[k].name, .test_func = row_test, .initial_state = (void *)&rows[k]};
    memcpy(&tests[ROWS], others, sizeof(others));
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, begin, end);
}
