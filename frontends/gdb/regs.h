/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers as gdb sees them: one list for all modes, so that neither its numbers nor the size
 * of a 'g' packet change when the guest does. It has the 64-bit names and, beside them, the 32-bit
 * ones as registers of their own: whichever architecture gdb is set to finds those that it knows.
 * rip and eip are linear addresses (CS's base added), `ip` is what the processor holds.
 */
#ifndef FRONTENDS_GDB_REGS_H
#define FRONTENDS_GDB_REGS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu;

#define GDB_REG_MAX 16 /* bytes of the widest */

/* How many there are, numbered from 0. */
unsigned gdb_regs_count(void);

/* Size of register n in bytes; and its value, least byte first. The vCPU stands. */
size_t gdb_reg_size(unsigned n);
void gdb_reg_get(const struct cpu *cpu, unsigned n, uint8_t *value);

/* False when it cannot be written, or not to that. */
bool gdb_reg_set(struct cpu *cpu, unsigned n, const uint8_t *value);

/* The target description (gdb manual, appendix G). */
const char *gdb_regs_xml(void);

#endif
