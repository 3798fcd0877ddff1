/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The vCPUs' hooks into the board: ports, MMIO, interrupt acknowledge, APIC, SMM, A20. */
#ifndef MACHINE_BOARD_CPU_H
#define MACHINE_BOARD_CPU_H

#include "devices/pc/apic.h"
#include "machine/board.h"

/* Makes the vCPUs with their hooks; false with an error for an unknown model. board_cpus_free after
 * either. */
bool board_cpus_new(struct board *b, GError **err);
void board_cpus_free(struct board *b);

/* Power-on state of all, with equal time stamp counters. Device lock held, none running. */
void board_cpus_reset(struct board *b);

/* For an APIC's configuration; the first three with the vCPU's struct board_cpu, the last with the
 * board. */
void board_apic_notify(void *opaque, enum apic_event ev, unsigned arg);
int board_pic_ack(void *opaque);
int64_t board_tsc_to_ns(void *opaque, uint64_t tsc);
struct apic *board_current_apic(void *opaque);

/* Address line 20 is let through or not. */
void board_set_a20(void *opaque, int n, bool level);

/* For the coprocessor error logic: IGNNE#. In the thread of the vCPU that wrote the port. */
void board_assert_ignne(void *opaque);

/* Copies a kernel's entry state into the (reset) bootstrap processor. */
struct kernel_entry;
void board_cpu_enter(struct board *b, const struct kernel_entry *e);

#endif
