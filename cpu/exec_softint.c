/* SPDX-License-Identifier: GPL-2.0-or-later */
/* INT n, INT3, INTO, INT1, BOUND, UD. Intel SDM volume 2; volume 3A, 20.3.3 (VME's redirection). */
#include "cpu/exceptions.h"
#include "cpu/exec.h"
#include "cpu/far.h"
#include "cpu/task.h"

/* Virtual-8086 mode: where INT n goes. True: to the program's own handler, done. */
static bool int_from_v86(struct cpu *cpu, const struct insn *i, unsigned vector)
{
    AT(i);
    if ((cpu->cr4 & CR4_VME) && tss_int_redirected(cpu, vector)) {
        exc_v86_redirect(cpu, i, vector);
        return true;
    }
    if (cpu_iopl(cpu) < 3)
        cpu_raise_err(cpu, EXC_GP, 0);
    return false;
}

HANDLER(int_n)
{
    unsigned vector = (uint8_t)i->imm;

    if ((cpu->rflags & FL_VM) && int_from_v86(cpu, i, vector))
        GO_ON;
    exc_soft_int(cpu, i, vector, EVK_SOFT_INT);
    GO_ON;
}
FAMILY(h_int, int_n);

HANDLER(int3)
{
    exc_soft_int(cpu, i, EXC_BP, EVK_SOFT_INT);
    GO_ON;
}
FAMILY(h_int3, int3);

HANDLER(into)
{
    if (!flag_of(cpu))
        GO_ON_AFTER;
    exc_soft_int(cpu, i, EXC_OF, EVK_SOFT_INT);
    GO_ON;
}
FAMILY(h_into, into);

HANDLER(int1)
{
    exc_soft_int(cpu, i, EXC_DB, EVK_ICEBP);
    GO_ON;
}
FAMILY(h_int1, int1);

HANDLER(bound)
{
    unsigned size = OSIZE(i);
    gva_t va = ea_gen(cpu, i, size * 2, ACC_R);
    int64_t index = (int64_t)sext(reg_get(cpu, i->reg, i->osz), size);
    uint8_t pair[16];

    mem_check_aligned(cpu, i, va, size);
    mem_read_bytes(cpu, i, va, pair, size * 2, ACC_R);
    if (index < (int64_t)sext(ld_le(pair, size), size) ||
        index > (int64_t)sext(ld_le(pair + size, size), size))
        RAISE(EXC_BR);
    NEXT;
}
FAMILY(h_bound, bound);

HANDLER(ud)
{
    RAISE(EXC_UD);
}
FAMILY(h_ud, ud);
