/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a case that differs simple: see diff_shrink in runner.h. */
#include <string.h>

#include "base/bits.h"
#include "cpu/cpu.h"
#include "tests/diff/runner.h"

struct shrinker {
    struct diff_runner *r;
    struct diff_case *best; /* differs */
    const char *what;
    struct diff_facts facts; /* of the case as it came */
    bool progress;
    struct diff_result result;
};

/* Other code may branch anywhere, and for ever: it is as the first was, or does not leave. */
static bool code_is_safe(const struct shrinker *s, const struct diff_case *c)
{
    struct diff_facts f;

    diff_facts_find(&f, c);
    if (s->facts.stays)
        return f.stays;
    return f.row == s->facts.row && f.count == s->facts.count && f.count == 1;
}

/* Takes the changed case if it still differs in the same way. */
static bool offer(struct shrinker *s, const struct diff_case *c)
{
    if (memcmp(c, s->best, sizeof(*c)) == 0)
        return false;
    if (memcmp(c->code, s->best->code, sizeof(c->code)) != 0 && !code_is_safe(s, c))
        return false;
    diff_run(s->r, c, &s->result);
    if (s->result.facts.uses_fpu && !c->with_fpu)
        return false;
    if (!diff_is_bad(&s->result) || strcmp(s->result.what, s->what) != 0)
        return false;
    *s->best = *c;
    s->progress = true;
    return true;
}

/* Tries 0 and others for a number of `size` bytes in the case at `at`. */
static void shrink_number(struct shrinker *s, size_t at, unsigned size, uint64_t lowest)
{
    struct diff_case c;
    uint64_t v, masks[] = {0xff, 0xffff, 0xffffffff};

    c = *s->best;
    v = ld_le((uint8_t *)&c + at, size);
    if (v == lowest)
        return;
    st_le((uint8_t *)&c + at, lowest, size);
    if (offer(s, &c))
        return;
    for (unsigned n = 0; n < ARRAY_SIZE(masks); n++) {
        c = *s->best;
        st_le((uint8_t *)&c + at, v & masks[n], size);
        if ((v & masks[n]) != v && offer(s, &c))
            return;
    }
    for (unsigned bit = 0; bit < 8 * size; bit++) {
        c = *s->best;
        v = ld_le((uint8_t *)&c + at, size);
        if (((v ^ lowest) >> bit) & 1) {
            st_le((uint8_t *)&c + at, v ^ UINT64_C(1) << bit, size);
            offer(s, &c);
        }
    }
}

static void shrink_code(struct shrinker *s)
{
    struct diff_case c = *s->best;

    if (c.linear != DIFF_CODE + 0x800) {
        c.in.rip += DIFF_CODE + 0x800 - c.linear;
        c.linear = DIFF_CODE + 0x800;
        offer(s, &c);
    }
    for (unsigned n = 0; n < s->best->len && s->best->len > 1; n++) {
        c = *s->best;
        memmove(c.code + n, c.code + n + 1, c.len - n - 1);
        c.code[--c.len] = 0;
        offer(s, &c);
    }
    for (unsigned n = 0; n < s->best->len; n++) {
        c = *s->best;
        c.code[n] = 0;
        offer(s, &c);
    }
}

static void shrink_memory(struct shrinker *s)
{
    struct diff_case c;

    for (unsigned n = s->best->pokes; n-- > 0;) {
        c = *s->best;
        memmove(&c.poke[n], &c.poke[n + 1], (c.pokes - n - 1) * sizeof(c.poke[0]));
        memset(&c.poke[--c.pokes], 0, sizeof(c.poke[0]));
        if (offer(s, &c))
            continue;
        for (unsigned k = 0; k < s->best->poke[n].len; k++)
            shrink_number(s, offsetof(struct diff_case, poke[n].bytes[k]), 1, 0);
    }
}

static void shrink_fpu(struct shrinker *s)
{
    const size_t fx = offsetof(struct diff_case, in.fpu.fx);
    struct diff_case c = *s->best;

    c.with_fpu = false;
    diff_fpu_init(&c.in.fpu);
    if (offer(s, &c) || !s->best->with_fpu)
        return;
    shrink_number(s, fx + FX_CW, 2, 0x37f);
    shrink_number(s, fx + FX_SW, 2, 0);
    shrink_number(s, fx + FX_TAGS, 1, 0);
    shrink_number(s, fx + FX_MXCSR, 4, 0x1f80);
    for (unsigned n = 0; n < 8; n++) {
        shrink_number(s, fx + FX_ST(n), 8, 0);
        shrink_number(s, fx + FX_ST(n) + 8, 2, 0);
    }
    for (unsigned n = 0; n < 32; n++) {
        shrink_number(s, fx + FX_XMM(0) + 8 * n, 8, 0);
        shrink_number(s, offsetof(struct diff_case, in.fpu.ymmh) + 8 * n, 8, 0);
    }
}

static void shrink_registers(struct shrinker *s)
{
    static const uint8_t segs[] = {SEG_FS, SEG_GS};
    struct diff_case c = *s->best;

    c.stepped = false;
    offer(s, &c);
    c = *s->best;
    c.portable = false;
    offer(s, &c);
    for (unsigned n = 0; n < 16; n++)
        shrink_number(s, offsetof(struct diff_case, in.gpr[n]), 8,
                      n == REG_RSP && c.setup->ss16 ? DIFF_ESP_HIGH : 0);
    shrink_number(s, offsetof(struct diff_case, in.rflags), 8, FL_1);
    for (unsigned n = 0; n < 2; n++) {
        c = *s->best;
        c.in.sel[segs[n]] = 0;
        if (segs[n] == SEG_FS)
            c.in.fs_base = 0;
        else
            c.in.gs_base = 0;
        offer(s, &c);
    }
}

void diff_shrink(struct diff_runner *r, struct diff_case *c, const char *what)
{
    struct shrinker s = {.r = r, .best = c, .what = what};

    memset(c->code + c->len, 0, DIFF_CODE_MAX - c->len);
    memset(&c->poke[c->pokes], 0, (DIFF_POKES_MAX - c->pokes) * sizeof(c->poke[0]));
    if (!c->with_fpu)
        diff_fpu_init(&c->in.fpu);
    diff_facts_find(&s.facts, c);
    for (unsigned round = 0; round < 4; round++) {
        s.progress = false;
        shrink_code(&s);
        shrink_memory(&s);
        shrink_fpu(&s);
        shrink_registers(&s);
        if (!s.progress)
            break;
    }
}
