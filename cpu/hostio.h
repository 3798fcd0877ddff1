/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls out of the CPU to ports and MMIO, with the host's own floating-point environment in force.
 */
#ifndef CPU_HOSTIO_H
#define CPU_HOSTIO_H

#include "cpu/cpu.h"
#include "cpu/debugger.h"
#include "cpu/fpu.h"

static inline uint64_t cpu_port_read(struct cpu *cpu, uint16_t port, unsigned size)
{
    uint64_t v;

    fpu_host_begin(cpu);
    v = cpu->hooks.port_read(cpu->hooks.opaque, port, size);
    fpu_host_end(cpu);
    if (cpu_debugs(cpu, DEBUG_PORT))
        debugger_io(cpu, DEBUG_PORT, port, size, false);
    return v;
}

static inline void cpu_port_write(struct cpu *cpu, uint16_t port, uint64_t val, unsigned size)
{
    fpu_host_begin(cpu);
    cpu->hooks.port_write(cpu->hooks.opaque, port, val, size);
    fpu_host_end(cpu);
    if (cpu_debugs(cpu, DEBUG_PORT))
        debugger_io(cpu, DEBUG_PORT, port, size, true);
}

static inline uint64_t cpu_mmio_read(struct cpu *cpu, gpa_t gpa, unsigned size)
{
    uint64_t v;

    fpu_host_begin(cpu);
    v = cpu->hooks.mmio_read(cpu->hooks.opaque, gpa, size);
    fpu_host_end(cpu);
    if (cpu_debugs(cpu, DEBUG_MMIO))
        debugger_io(cpu, DEBUG_MMIO, gpa, size, false);
    return v;
}

static inline void cpu_mmio_write(struct cpu *cpu, gpa_t gpa, uint64_t val, unsigned size)
{
    fpu_host_begin(cpu);
    cpu->hooks.mmio_write(cpu->hooks.opaque, gpa, val, size);
    fpu_host_end(cpu);
    if (cpu_debugs(cpu, DEBUG_MMIO))
        debugger_io(cpu, DEBUG_MMIO, gpa, size, true);
}

#endif
