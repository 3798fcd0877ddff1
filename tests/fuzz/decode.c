/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes the decoder: any bytes in any mode with any features. What holds for all of them: it reads
 * no byte beyond those it is given, says the same each time, and the same when more bytes follow;
 * what it decodes is an instruction of 1 to 15 bytes, every operand in range, that neither other
 * features nor the parts of the mode that do not concern it change, and that can be bound.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cpu/blocks.h"
#include "cpu/cpu.h"
#include "cpu/cpuid.h"
#include "cpu/decode.h"
#include "tests/fuzz/code.h"
#include "tests/fuzz/target.h"

const size_t fuzz_max_len = 64;

#define BYTES 20 /* of code; more than an instruction may have */

struct verdict {
    enum decode_status status;
    struct insn insn;
};

struct question {
    uint8_t bytes[FUZZ_INSN_MAX > BYTES ? FUZZ_INSN_MAX : BYTES];
    unsigned mode;
    feature_set features;
};

static struct verdict ask(const struct question *q, size_t n, int poison)
{
    uint8_t *exact = malloc(n); /* so that a byte too many is seen */
    struct verdict v;

    memcpy(exact, q->bytes, n);
    memset(&v, 0, sizeof(v));
    memset(&v.insn, poison, sizeof(v.insn));
    v.status = decode(exact, n, q->mode, q->features, &v.insn);
    v.insn.fn = NULL; /* not the decoder's to fill */
    v.insn.off = 0;
    free(exact);
    return v;
}

static bool same(const struct verdict *a, const struct verdict *b)
{
    return a->status == b->status && memcmp(&a->insn, &b->insn, sizeof(a->insn)) == 0;
}

static void show(const struct question *q, unsigned n, const struct verdict *a,
                 const struct verdict *b)
{
    fprintf(stderr, "mode %u:", q->mode);
    for (unsigned k = 0; k < BYTES; k++)
        fprintf(stderr, " %02x", q->bytes[k]);
    fprintf(stderr, "\nof %u bytes: status %d len %u row %u; of all: status %d len %u row %u\n", n,
            a->status, a->insn.len, a->insn.op, b->status, b->insn.len, b->insn.op);
}

/* The verdict on ever more bytes: "more" up to some length, and from there one and the same. */
static struct verdict check_lengths(const struct question *q)
{
    struct verdict last = ask(q, BYTES, 0x00), v;

    fuzz_expect(last.status != DECODE_MORE && last.insn.len >= 1);
    fuzz_expect(last.insn.len <= INSN_MAX_LEN);
    fuzz_expect(last.status != DECODE_LONG || last.insn.len == INSN_MAX_LEN);
    for (unsigned n = 1; n < BYTES; n++) {
        bool whole = n >= last.insn.len, ok;

        v = ask(q, n, 0xff);
        ok = whole ? same(&v, &last) : v.status == DECODE_MORE && v.insn.len == n;
        if (!ok)
            show(q, n, &v, &last);
        fuzz_expect(ok);
    }
    return last;
}

/* A register operand: 16 of them, or a byte of gpr[] for 8-bit ones. */
static bool register_ok(unsigned n)
{
    return n < 16 * sizeof(uint64_t);
}

static void check_insn(const struct question *q, const struct insn *i)
{
    const struct opcode *row = &opcode_table[i->op];
    bool code64 = q->mode == MODE_64;

    fuzz_expect(i->op < opcode_count);
    fuzz_expect(q->features >> row->feature & 1);
    fuzz_expect(!(row->attr & (code64 ? A_I64 : A_O64)));
    fuzz_expect(register_ok(i->reg) && i->vvvv < (code64 ? 16 : 8));
    fuzz_expect(register_ok(i->rm) || ((row->attr & A_FPU) && (i->flags & INSN_MEM)));
    fuzz_expect(i->base < REG_4G && i->index <= REG_ZERO && i->scale <= 3);
    fuzz_expect(i->base != REG_RIP || (code64 && i->index == REG_ZERO));
    fuzz_expect(i->seg <= SEG_GS && i->osz <= SZ64);
    fuzz_expect(i->asz >= SZ16 && i->asz <= SZ64 && (i->asz != SZ64 || code64));
    fuzz_expect(code64 || row->map > M3A || i->osz < SZ64);
    fuzz_expect(code64 || (i->base != REG_RIP && i->vvvv < 8));
    fuzz_expect(!(i->flags & INSN_LOCK) || ((row->attr & A_LOCK) && (i->flags & INSN_MEM)));
}

/* With the row's feature alone, rows that stood before it are gone at most; with other features
 * than it had, what was no instruction does not become another one's half. */
static void check_features(struct question q, const struct verdict *v)
{
    struct verdict other;

    q.features = (feature_set)1 << opcode_table[v->insn.op].feature;
    other = ask(&q, BYTES, 0x00);
    fuzz_expect(same(&other, v));
}

static void check_modes(struct question q, const struct verdict *v, unsigned others)
{
    struct verdict other;

    q.mode |= others & ~(unsigned)MODE_CODE;
    other = ask(&q, BYTES, 0x00);
    fuzz_expect(same(&other, v));
}

/* With whatever the rest of the mode allows, there is a handler. */
static void check_binding(const struct question *q, const struct verdict *v, unsigned others)
{
    struct insn i = v->insn;

    bind_insn(&i, (others & ~(unsigned)MODE_CODE) | q->mode, others & 1);
    fuzz_expect(i.fn != NULL);
}

static feature_set pick_features(struct fuzz_input *in)
{
    unsigned n, k = fuzz_below(in, 16);
    const struct cpu_model *models = cpu_models_list(&n);

    if (k < n)
        return models[k].features;
    if (k == 15)
        return (feature_set)fuzz_word(in, 8) << 64 | fuzz_word(in, 8) | FEAT(BASE);
    return ~(feature_set)0;
}

void fuzz_show(void)
{
}

void fuzz_one(const uint8_t *data, size_t size)
{
    static const unsigned modes[] = {MODE_16, MODE_32, MODE_64};
    struct fuzz_input in = fuzz_part(data, size, 0, size);
    struct question q = {.mode = modes[fuzz_below(&in, 3)]};
    struct verdict v;
    unsigned others;

    q.features = pick_features(&in);
    others = (unsigned)fuzz_word(&in, 2);
    if (fuzz_below(&in, 2))
        fuzz_insn(&in, q.mode, q.bytes);
    else
        for (unsigned k = 0; k < BYTES; k++)
            q.bytes[k] = fuzz_u8(&in);
    v = check_lengths(&q);
    check_modes(q, &v, others);
    if (v.status != DECODE_OK)
        return;
    check_insn(&q, &v.insn);
    check_features(q, &v);
    check_binding(&q, &v, others);
}
