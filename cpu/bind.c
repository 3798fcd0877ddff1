/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a decoded instruction to its handler: the row's family, the operand size, the form of the
 * memory operand, and what the mode allows. Over a whole block: pairs are fused, and flag results
 * that nothing can see are not computed.
 */
#include <cpuid.h>
#include <pthread.h>

#include "cpu/blocks.h"
#include "cpu/exec.h"
#include "cpu/fuse.h"
#include "cpu/lint.h"
#include "cpu/opcodes.h"

/* native_X is there for what is compiled for AVX2 hosts, too; else its address is NULL. */
#define ROW(name, map_, op_, pfx, ext_, o1, o2, o3, o4, feat, attr_, fr, fw, fu, fam)              \
    extern const struct family fam;                                                                \
    extern const struct family native_##fam __attribute__((weak));
#include "cpu/opcodes.def"

static const struct family *const portable[] = {
#define ROW(name, map_, op_, pfx, ext_, o1, o2, o3, o4, feat, attr_, fr, fw, fu, fam) &fam,
#include "cpu/opcodes.def"
};

static const struct family *const native[] = {
#define ROW(name, map_, op_, pfx, ext_, o1, o2, o3, o4, feat, attr_, fr, fw, fu, fam) &native_##fam,
#include "cpu/opcodes.def"
};

/* Has the host what cpu/simd/files.ninja compiles for? */
static bool host_has_avx2(void)
{
    unsigned a, b, c = 0, d;

    __builtin_cpu_init(); /* looks at XCR0, too */
    __get_cpuid(1, &a, &b, &c, &d);
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("aes") &&
           __builtin_cpu_supports("pclmul") && (c & bit_F16C);
}

/* And what its rows want beyond that? */
static bool host_has_sha(void)
{
    unsigned a, b = 0, c, d;

    __get_cpuid_count(7, 0, &a, &b, &c, &d);
    return b & bit_SHA;
}

/* What this host takes: the native family where it can run it. */
static const struct family *best[ARRAY_SIZE(portable)];
static pthread_once_t best_once = PTHREAD_ONCE_INIT;

static void choose(void)
{
    bool avx2 = host_has_avx2(), sha = avx2 && host_has_sha();

    for (unsigned k = 0; k < ARRAY_SIZE(portable); k++) {
        bool can = opcode_table[k].feature == FEATURE_SHA ? sha : avx2;

        best[k] = native[k] && can ? native[k] : portable[k];
    }
}

static const struct family *family_of(const struct insn *i, unsigned mode)
{
    if (mode & MODE_PORTABLE)
        return portable[i->op];
    pthread_once(&best_once, choose);
    return best[i->op];
}

static FAMILY(undefined, op_undefined);

static enum insn_form memory_form(const struct insn *i, unsigned mode)
{
    if (!(mode & MODE_FLAT))
        return FORM_GEN;
    if ((mode & MODE_CODE) == MODE_64) {
        if (i->asz != SZ64 || i->seg >= SEG_FS)
            return FORM_GEN;
        return i->index == REG_ZERO ? FORM_B64 : FORM_X64;
    }
    /* code segments are not writable, flat or not */
    return i->asz == SZ32 && i->seg < SEG_FS && i->seg != SEG_CS ? FORM_X32 : FORM_GEN;
}

static insn_fn *pick(const struct family *f, unsigned osz, enum insn_form form)
{
    if (f->fn[osz][form])
        return f->fn[osz][form];
    if (form == FORM_B64 && f->fn[osz][FORM_X64])
        return f->fn[osz][FORM_X64];
    if (form != FORM_REG && f->fn[osz][FORM_GEN])
        return f->fn[osz][FORM_GEN];
    return f->fn[osz][FORM_REG];
}

static insn_fn *choose_handler(const struct insn *i, unsigned mode, bool linkable)
{
    const struct opcode *row = &opcode_table[i->op];
    const struct family *f = family_of(i, mode);
    enum insn_form form = i->flags & INSN_MEM ? memory_form(i, mode) : FORM_REG;
    insn_fn *fn;

    if ((row->attr & A_FPU) && !(mode & MODE_FPU))
        f = &h_fpu_na;
    else if ((row->attr & A_SSE) && !(mode & MODE_SSE))
        f = &h_fpu_na;
    else if (row->map >= VF && !(mode & MODE_VEX))
        f = &undefined;
    else if ((row->attr & A_AVX) && !(mode & MODE_AVX))
        f = &h_fpu_na;
    else if ((i->flags & INSN_LOCK) && f->locked)
        f = f->locked;
    if (linkable && form == FORM_REG && (row->attr & A_END) && f->fn[i->osz][FORM_LINK])
        form = FORM_LINK;
    fn = pick(f, i->osz, form);
    return fn ? fn : op_undefined;
}

insn_fn *bind_handler(const struct insn *i, unsigned mode)
{
    return choose_handler(i, mode, false);
}

void bind_insn(struct insn *i, unsigned mode, bool linkable)
{
    bool look = lint_on(LINT_SPLIT_LOCK) && lint_binds_locked(i);

    i->fn = look ? op_lint_locked : choose_handler(i, mode, linkable);
    if ((opcode_table[i->op].attr & A_END) && !(i->flags & INSN_MEM))
        i->scale = linkable; /* for fused branches */
}

/* Cannot fault, leave or be seen by a handler of the guest: register forms only. */
static bool harmless(const struct insn *i)
{
    return (opcode_table[i->op].attr & A_NOFAULT) && !(i->flags & INSN_MEM);
}

/* Walks backwards with the set of flags that are certain to be overwritten before anyone looks. */
static void drop_dead_flags(struct block *b)
{
    unsigned dead = 0;

    for (unsigned k = b->n; k-- > 0;) {
        struct insn *i = &b->insns[k];
        const struct opcode *row = &opcode_table[i->op];
        const struct family *f = family_of(i, b->mode);

        if (row->fl_write && !(row->fl_write & ~dead) && harmless(i) && f->noflags)
            i->fn = pick(f->noflags, i->osz, FORM_REG);
        if (harmless(i))
            dead = (dead | row->fl_write) & ~(unsigned)row->fl_read;
        else
            dead = 0; /* a fault here, or whoever runs next, shows all that was computed before */
    }
}

void bind_block(struct block *b)
{
    drop_dead_flags(b);
    fuse_block(b);
}
