/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IN and OUT. Intel SDM volume 1, chapter 19; volume 2. String forms are with the strings. */
#include "cpu/debug.h"
#include "cpu/exec.h"
#include "cpu/far.h"
#include "cpu/hostio.h"
#include "cpu/smm.h"
#include "cpu/task.h"

/* 1, 2 or 4: REX.W does not widen port accesses. */
static unsigned port_size(const struct insn *i)
{
    return i->osz >= SZ32 ? 4 : OSIZE(i);
}

static void accessed(struct cpu *cpu, const struct insn *i, uint16_t port, unsigned size, bool in)
{
    struct smm_io io = {.rip = insn_rip(cpu, i), .port = port, .size = (uint8_t)size, .in = in};

    debug_io_access(cpu, port, size);
    if (cpu->pending_db)
        cpu_recheck_events(cpu);
    smm_note_io(cpu, &io);
}

static void port_in(struct cpu *cpu, const struct insn *i, uint16_t port)
{
    unsigned size = port_size(i);

    AT(i);
    sys_check_io(cpu, port, size);
    reg_set(cpu, REG_RAX, cpu_port_read(cpu, port, size), size == 4 ? SZ32 : i->osz);
    accessed(cpu, i, port, size, true);
}

static void port_out(struct cpu *cpu, const struct insn *i, uint16_t port)
{
    unsigned size = port_size(i);

    AT(i);
    sys_check_io(cpu, port, size);
    cpu_port_write(cpu, port, zext(cpu->gpr[REG_RAX], size), size);
    accessed(cpu, i, port, size, false);
}

/* All end their block: a device may have asked for an interrupt, or changed the memory map. */
HANDLER(in_imm)
{
    port_in(cpu, i, (uint8_t)i->imm);
    GO_ON_AFTER;
}
FAMILY(h_in_imm, in_imm);

HANDLER(in_dx)
{
    port_in(cpu, i, (uint16_t)cpu->gpr[REG_RDX]);
    GO_ON_AFTER;
}
FAMILY(h_in_dx, in_dx);

HANDLER(out_imm)
{
    port_out(cpu, i, (uint8_t)i->imm);
    GO_ON_AFTER;
}
FAMILY(h_out_imm, out_imm);

HANDLER(out_dx)
{
    port_out(cpu, i, (uint16_t)cpu->gpr[REG_RDX]);
    GO_ON_AFTER;
}
FAMILY(h_out_dx, out_dx);
