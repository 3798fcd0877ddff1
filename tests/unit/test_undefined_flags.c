/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every row of opcodes.def that leaves flags undefined has a choice for each in undefined_flags.c,
 * and its handler does just that: registers and flags of a fixed seed, 32-bit protected mode, the
 * row's register form.
 */
#include "cpu/opcodes.h"
#include "tests/unit/cpu_fixture.h"
#include "tests/unit/undefined_flags.h"

#define TRIES 200

static uint64_t seed = 1;

static uint32_t draw(void)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(seed >> 32);
}

static bool operand_is(const struct opcode *row, unsigned n, unsigned kind)
{
    return row->operand[n] == kind;
}

static bool has_modrm(const struct opcode *row)
{
    static const uint8_t kinds[] = {OPR_Eb, OPR_Ev, OPR_Ey, OPR_Gb, OPR_Gv, OPR_Gy};

    for (unsigned n = 0; n < 4; n++) {
        if (memchr(kinds, row->operand[n], sizeof(kinds)))
            return true;
    }
    return (row->ext & ~EXT_VEX) != 0;
}

/* r/m is EBX or BL, reg EDX or DL, VEX.vvvv ESI; the immediate follows. How long it is without. */
static unsigned put_row(struct fx *fx, const struct opcode *row, uint32_t imm)
{
    static const uint8_t prefix[] = {[P66] = 0x66, [PF3] = 0xf3, [PF2] = 0xf2};
    static const uint8_t pp[] = {[P66] = 1, [PF3] = 2, [PF2] = 3};
    uint8_t *at = fx->ram + FX_CODE, *p = at;

    if (row->map >= VF) {
        *p++ = 0xc4;
        *p++ = (uint8_t)(0xe0 | (row->map - VF + 1));
        *p++ = (uint8_t)((~REG_RSI & 15) << 3 | pp[row->prefix] | (row->ext & EXT_W1 ? 0x80 : 0) |
                         (row->ext & EXT_L1 ? 4 : 0));
    } else {
        if (row->prefix >= P66)
            *p++ = prefix[row->prefix];
        if (row->map != M0)
            *p++ = 0x0f;
        if (row->map == M38 || row->map == M3A)
            *p++ = row->map == M38 ? 0x38 : 0x3a;
    }
    *p++ = row->opcode;
    if (has_modrm(row))
        *p++ = (uint8_t)(0xc0 | (row->ext & EXT_REG ? row->ext & 7u : (unsigned)REG_RDX) << 3 |
                         REG_RBX);
    memcpy(p, &imm, 4);
    cpu_note_code_write(fx->cpu, FX_CODE, 16);
    return (unsigned)(p - at);
}

static unsigned imm_size(const struct opcode *row)
{
    for (unsigned n = 0; n < 4; n++) {
        if (operand_is(row, n, OPR_Ib) || operand_is(row, n, OPR_sIb))
            return 1;
        if (operand_is(row, n, OPR_Iz))
            return 4;
    }
    return 0;
}

/* Where the result goes. */
static unsigned result_reg(const struct opcode *row)
{
    switch (row->operand[0]) {
    case OPR_Gb:
    case OPR_Gv:
    case OPR_Gy: return REG_RDX;
    case OPR_By: return REG_RSI;
    case OPR_Eb:
    case OPR_Ev:
        /* MUL, IMUL, DIV and IDIV of one operand */
        return operand_is(row, 1, OPR___) && row->map == M0 && (row->opcode & 0xfe) == 0xf6
                   ? REG_RAX
                   : REG_RBX;
    default: return REG_RAX;
    }
}

/* One execution, before and after. */
struct trial {
    const struct opcode *row;
    unsigned bits; /* of the result */
    uint32_t count, was, is, fl_was, fl_is;
};

static bool top(const struct trial *t, uint32_t v, unsigned below)
{
    return v >> (t->bits - 1 - below) & 1;
}

/* OF when the last of `count` steps was a shift by one (SDM volume 2, RCL and SAL). */
static bool of_last(const struct trial *t)
{
    const char *m = t->row->mnemonic;
    bool cf = t->fl_is & FL_CF;

    if (strcmp(m, "sar") == 0)
        return false;
    if (strcmp(m, "shr") == 0)
        return t->count == 1 && top(t, t->was, 0);
    if (m[2] == 'l') /* rol, rcl, shl */
        return cf ^ top(t, t->is, 0);
    return top(t, t->is, 0) ^ top(t, t->is, 1);
}

static bool expected(const struct trial *t, unsigned flag, enum undefined_rule rule)
{
    switch (rule) {
    case UNDEFINED_KEPT: return t->fl_was & flag;
    case UNDEFINED_CLEAR: return false;
    case UNDEFINED_RESULT:
        return flag == FL_SF   ? top(t, t->is, 0)
               : flag == FL_ZF ? t->is == 0
                               : !__builtin_parity(t->is & 0xff);
    case UNDEFINED_LAST: return of_last(t);
    default: return top(t, t->is, 0) != top(t, t->was, 0);
    }
}

static void check_trial(const struct trial *t)
{
    for (unsigned flag = 1; flag < 0x1000; flag <<= 1) {
        const struct undefined_choice *c;
        bool want;

        if (!(t->row->fl_undef & flag))
            continue;
        c = undefined_choice_of(t->row->mnemonic, (uint16_t)flag);
        if (!c)
            print_message("# %s has no choice for flag %x\n", t->row->mnemonic, flag);
        assert_non_null(c);
        want = expected(t, flag, c->rule);
        if (want != !!(t->fl_is & flag))
            print_message("# %s %02x: flag %x after %x to %x by %u\n", t->row->mnemonic,
                          t->row->opcode, flag, t->was, t->is, t->count);
        assert_int_equal(want, !!(t->fl_is & flag));
    }
}

static bool is_shift(const struct opcode *row)
{
    const struct undefined_choice *c = undefined_choice_of(row->mnemonic, FL_OF);

    return (row->fl_undef & FL_OF) && c && (c->rule == UNDEFINED_LAST || c->rule == UNDEFINED_SIGN);
}

/* Executes the row once with registers that are drawn; false when it faulted or shifted by 0. */
static bool try_row(struct fx *fx, const struct opcode *row)
{
    struct cpu *cpu = fx->cpu;
    struct trial t = {.row = row, .bits = row->attr & A_B || row->attr & A_I64 ? 8 : 32};
    uint32_t imm = draw();
    unsigned reg = result_reg(row), len = put_row(fx, row, imm) + imm_size(row);
    uint32_t mask = t.bits == 8 ? 0xff : ~0u;

    for (unsigned r = REG_RAX; r <= REG_RDI; r++)
        cpu->gpr[r] = r == REG_RSP ? FX_STACK : draw() >> (draw() & 1 ? 0 : draw() % 32);
    if (row->mnemonic[0] == 'd' ||
        row->mnemonic[1] == 'd') /* divisions that mostly have a result */
        cpu->gpr[REG_RDX] = t.bits == 8 ? cpu->gpr[REG_RDX] : 0;
    cpu_set_rflags(cpu, FL_1 | (draw() & FL_ARITH));
    cpu->gpr[REG_RIP] = FX_CODE;
    t.count = operand_is(row, 1, OPR_I1) ? 1 : imm_size(row) ? imm & 31 : cpu->gpr[REG_RCX] & 31;
    t.was = (uint32_t)cpu->gpr[reg] & mask;
    t.fl_was = flags_arith(cpu);
    fx_run(fx, 1);
    if (fx_rip(fx) != FX_CODE + len || (is_shift(row) && !t.count))
        return false;
    t.is = (uint32_t)cpu->gpr[reg] & mask;
    t.fl_is = flags_arith(cpu);
    check_trial(&t);
    return true;
}

static void every_row(void **state)
{
    struct fx *fx = fx_new("max");
    unsigned rows = 0;

    (void)state;
    fx_prot(fx, 0);
    fx->cpu->features = ~(feature_set)0;
    for (unsigned k = 0; k < opcode_count; k++) {
        unsigned done = 0;

        if (!opcode_table[k].fl_undef)
            continue;
        for (unsigned n = 0; n < TRIES; n++) {
            fx_prot(fx, 0);
            done += try_row(fx, &opcode_table[k]);
        }
        if (done < TRIES / 10)
            print_message("# %s %02x: executed %u times\n", opcode_table[k].mnemonic,
                          opcode_table[k].opcode, done);
        assert_true(done >= TRIES / 10);
        rows++;
    }
    assert_true(rows > 100);
    fx_free(fx);
}

/* Nothing is in the list but what rows have. */
static void no_choice_too_many(void **state)
{
    (void)state;
    for (unsigned k = 0; k < undefined_choice_count; k++) {
        char words[80], *rest = NULL;

        strcpy(words, undefined_choices[k].mnemonics);
        for (char *m = strtok_r(words, " ", &rest); m; m = strtok_r(NULL, " ", &rest)) {
            unsigned undef = 0;

            for (unsigned r = 0; r < opcode_count; r++)
                undef |= strcmp(opcode_table[r].mnemonic, m) == 0 ? opcode_table[r].fl_undef : 0u;
            assert_int_equal(undefined_choices[k].flags & ~undef, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row),
        cmocka_unit_test(no_choice_too_many),
    };

    return unit_main(tests);
}
