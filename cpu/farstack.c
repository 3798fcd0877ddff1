/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks of far transfers and interrupts; see farstack.h. Intel SDM volume 1, chapter 6. */
#include "cpu/farstack.h"

#include "base/error.h"
#include "cpu/access.h"

#define MAX_PUSH 40

struct fstack fstack_current(const struct cpu *cpu, unsigned ext)
{
    const struct segment *ss = &cpu->seg[SEG_SS];
    bool wide = cpu_code64(cpu);

    return (struct fstack){
        .wide = wide,
        .base = ss->base,
        .lo = ss->lo,
        .hi = ss->hi,
        .mask = wide                  ? ~UINT64_C(0)
                : (ss->attr & SEG_DB) ? 0xffffffff
                                      : 0xffff,
        .sp = cpu->gpr[REG_RSP],
        .usable = (ss->ok & ACC_W) != 0,
        .err = ext,
    };
}

struct fstack fstack_inner(const struct descriptor *d, uint64_t sp, unsigned pl, uint32_t err)
{
    bool big = d->attr & SEG_DB, down = d->attr & SEG_T_DOWN;

    return (struct fstack){
        .base = d->base,
        .lo = down ? (uint64_t)d->limit + 1 : 0,
        .hi = down ? (big ? 0xffffffff : 0xffff) : d->limit,
        .mask = big ? 0xffffffff : 0xffff,
        .sp = sp,
        .usable = true,
        .supervisor = pl < 3,
        .err = err,
    };
}

struct fstack fstack_inner64(uint64_t rsp, unsigned pl, uint32_t err)
{
    return (struct fstack){
        .wide = true,
        .mask = ~UINT64_C(0),
        .sp = rsp,
        .usable = true,
        .supervisor = pl < 3,
        .err = err,
    };
}

static gva_t fstack_linear(struct cpu *cpu, const struct fstack *st, uint64_t off, unsigned size)
{
    if (st->wide) {
        if (!gva_canonical(cpu, off) || !gva_canonical(cpu, off + size - 1))
            cpu_raise_err(cpu, EXC_SS, st->err);
        return off;
    }
    if (!st->usable || off < st->lo || off + (size - 1) > st->hi)
        cpu_raise_err(cpu, EXC_SS, st->err);
    return (uint32_t)(st->base + off);
}

static unsigned fstack_acc(const struct fstack *st, unsigned acc)
{
    return acc | ACC_STACK | (st->supervisor ? ACC_SYS : 0);
}

void fstack_push(struct cpu *cpu, struct fstack *st, const uint64_t *vals, unsigned n,
                 unsigned size)
{
    uint8_t buf[MAX_PUSH * 8];
    gva_t va[MAX_PUSH];
    uint64_t sp = st->sp & st->mask;
    bool together = true;

    invariant(n > 0 && n <= MAX_PUSH);
    for (unsigned k = 0; k < n; k++) {
        sp = (sp - size) & st->mask;
        va[k] = fstack_linear(cpu, st, sp, size);
        if (!st->supervisor)
            mem_check_aligned(cpu, cpu->cur, va[k], size);
        together &= va[k] == va[0] - (uint64_t)k * size;
        st_le(buf + (n - 1 - k) * size, vals[k], size);
    }
    if (together) {
        mem_write_bytes(cpu, cpu->cur, va[n - 1], buf, n * size, fstack_acc(st, ACC_W));
    } else { /* wraps around: prove every part first */
        for (unsigned k = 0; k < n; k++)
            mem_probe(cpu, cpu->cur, va[k], size, fstack_acc(st, ACC_W));
        for (unsigned k = 0; k < n; k++)
            mem_write_bytes(cpu, cpu->cur, va[k], buf + (n - 1 - k) * size, size,
                            fstack_acc(st, ACC_W));
    }
    st->sp = (st->sp & ~st->mask) | sp;
}

uint64_t fstack_peek(struct cpu *cpu, const struct fstack *st, unsigned off, unsigned size)
{
    uint8_t buf[8];
    gva_t va = fstack_linear(cpu, st, (st->sp + off) & st->mask, size);

    if (!st->supervisor)
        mem_check_aligned(cpu, cpu->cur, va, size);
    mem_read_bytes(cpu, cpu->cur, va, buf, size, fstack_acc(st, ACC_R));
    return ld_le(buf, size);
}
