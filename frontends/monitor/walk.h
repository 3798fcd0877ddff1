/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's page tables for a person. While the machine stands; nothing is changed. */
#ifndef FRONTENDS_MONITOR_WALK_H
#define FRONTENDS_MONITOR_WALK_H

#include <glib.h>
#include <stdbool.h>

#include "cpu/types.h"

struct cpu;

/* The walk of one address: each entry with its place and flags, where it ends, and which accesses
 * would be let through. */
void walk_explain(struct cpu *cpu, gva_t va, GString *out);

/* All that is mapped: `merge`, ranges with the same rights; else each page with its flags. Ends
 * early when there is too much. */
void walk_list(struct cpu *cpu, bool merge, GString *out);

/* "4-level paging" and the like, "paging is off". */
const char *walk_mode(const struct cpu *cpu);

#endif
