/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a vCPU is when something is reported (base/lint.h): the instruction under way. */
#include "cpu/lint.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/symbols.h"
#include "cpu/blocks.h"
#include "cpu/disas.h"
#include "cpu/lint_tlb.h"

uint64_t lint_insn_rip(const struct cpu *cpu)
{
    const struct block *b = cpu->cur_block;
    const struct insn *i = cpu->cur;

    if (!i || !b || i < b->insns || i >= b->insns + b->n)
        return cpu->gpr[REG_RIP];
    return (cpu->gpr[REG_RIP] + i->off) & (cpu_code64(cpu) ? ~UINT64_C(0) : 0xffffffffu);
}

void lint_insn_text(struct cpu *cpu, uint64_t rip, char *buf, size_t size)
{
    char name[128], known[136] = "", text[128];
    uint8_t bytes[15];
    size_t n = disas_fetch(cpu, rip, bytes, sizeof(bytes));

    if (symbols_known() && symbols_name(cpu->code_base + rip, name, sizeof(name)))
        snprintf(known, sizeof(known), " <%s>", name);
    disas(bytes, n, cpu->mode, rip, text, sizeof(text));
    snprintf(buf, size, "%0*" PRIx64 "%s [%s]", cpu_code64(cpu) ? 16 : 8, rip, known, text);
}

/* User space of different processes is one place for each address: what is wrong in a library is
 * told once. */
static uint64_t place(void *opaque)
{
    const struct cpu *cpu = opaque;

    return cpu->code_base + lint_insn_rip(cpu);
}

static void tell(void *opaque, char *buf, size_t size)
{
    struct cpu *cpu = opaque;
    char text[280];

    lint_insn_text(cpu, lint_insn_rip(cpu), text, sizeof(text));
    snprintf(buf, size, "cpu%u CPL %u %04x:%s", cpu->id, cpu->cpl, cpu->seg[SEG_CS].sel, text);
}

void cpu_lint_init(struct cpu *cpu)
{
    if (cpu_group_lint(cpu->group))
        cpu->lint_tlb = lint_tlb_new();
    cpu->lint_blocks = lint_on(LINT_UNDEFINED_FLAG);
    cpu->lint_where = (struct lint_where){.opaque = cpu, .place = place, .tell = tell};
}
