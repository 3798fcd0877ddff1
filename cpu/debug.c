/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Breakpoints and single steps; see debug.h. Intel SDM volume 3B, 18.2 and 18.3. */
#include "cpu/debug.h"

#include "cpu/exceptions.h"

enum { DR_EXEC = 0, DR_WRITE = 1, DR_IO = 2, DR_RW = 3 };

static bool bp_enabled(const struct cpu *cpu, unsigned n)
{
    return (cpu->dr7 >> (n * 2)) & 3;
}

static unsigned bp_kind(const struct cpu *cpu, unsigned n)
{
    return (unsigned)(cpu->dr7 >> (16 + n * 4)) & 3;
}

static unsigned bp_len(const struct cpu *cpu, unsigned n)
{
    static const uint8_t len[4] = {1, 2, 8, 4};

    return len[(cpu->dr7 >> (18 + n * 4)) & 3];
}

/* DR6 bits of the enabled breakpoints among `kinds` (mask of 1 << DR_*) that overlap the range. */
static uint64_t bp_hits(const struct cpu *cpu, unsigned kinds, uint64_t addr, unsigned size)
{
    uint64_t hits = 0;

    for (unsigned n = 0; n < 4; n++) {
        unsigned len = bp_len(cpu, n);
        uint64_t start = cpu->dr[n] & ~(uint64_t)(len - 1);

        if (bp_enabled(cpu, n) && (kinds >> bp_kind(cpu, n) & 1) && start < addr + size &&
            addr < start + len)
            hits |= UINT64_C(1) << n;
    }
    return hits;
}

void exc_debug_trap(struct cpu *cpu)
{
    cpu->dr6 = (cpu->dr6 & ~UINT64_C(0xf)) | cpu->pending_db;
    cpu->pending_db = 0;
    cpu->exc = (struct cpu_event){.pending = true, .vector = EXC_DB, .kind = EVK_TRAP};
    exc_deliver(cpu);
}

bool debug_insn_bp_enabled(const struct cpu *cpu)
{
    return (cpu->dr7 & 0xff) != 0;
}

bool debug_data_bp_enabled(const struct cpu *cpu)
{
    for (unsigned n = 0; n < 4; n++) {
        if (bp_enabled(cpu, n) && bp_kind(cpu, n) != DR_EXEC)
            return true;
    }
    return false;
}

bool debug_insn_bp(struct cpu *cpu)
{
    uint64_t rip = cpu->gpr[REG_RIP], hits = 0;
    uint64_t lin = cpu_code64(cpu) ? rip : (uint32_t)(cpu->seg[SEG_CS].base + rip);

    if (!(cpu->dr7 & 0xff) || (cpu->rflags & FL_RF))
        return false;
    for (unsigned n = 0; n < 4; n++) {
        if (bp_enabled(cpu, n) && bp_kind(cpu, n) == DR_EXEC && cpu->dr[n] == lin)
            hits |= UINT64_C(1) << n;
    }
    if (hits)
        cpu->dr6 = (cpu->dr6 & ~UINT64_C(0xf)) | hits;
    return hits != 0;
}

void debug_data_access(struct cpu *cpu, gva_t va, unsigned size, bool is_write)
{
    cpu->pending_db |=
        bp_hits(cpu, is_write ? 1u << DR_WRITE | 1u << DR_RW : 1u << DR_RW, va, size);
}

void debug_io_access(struct cpu *cpu, uint16_t port, unsigned size)
{
    if ((cpu->cr4 & CR4_DE) && (cpu->dr7 & 0xff))
        cpu->pending_db |= bp_hits(cpu, 1u << DR_IO, port, size);
}

void debug_set_dr6(struct cpu *cpu, uint64_t val)
{
    cpu->dr6 = (val & 0xe00f) | DR6_FIXED;
}

void debug_set_dr7(struct cpu *cpu, uint64_t val)
{
    cpu->dr7 = (val & 0xffff23ff) | DR7_FIXED;
    cpu_sync_mode(cpu);
}
