/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CPU's hooks into the board: ports, MMIO, interrupt acknowledge, APIC, SMM, A20. */
#ifndef MACHINE_BOARD_CPU_H
#define MACHINE_BOARD_CPU_H

#include "devices/pc/apic.h"
#include "machine/board.h"

/* Makes the vCPU with its hooks; false with an error for an unknown model or engine. */
bool board_cpu_new(struct board *b, GError **err);

/* For the APIC's configuration. */
void board_apic_notify(void *opaque, enum apic_event ev, unsigned arg);
int board_pic_ack(void *opaque);
int64_t board_tsc_to_ns(void *opaque, uint64_t tsc);
struct apic *board_current_apic(void *opaque);

/* Address line 20 is let through or not. */
void board_set_a20(void *opaque, int n, bool level);

/* For the coprocessor error logic: IGNNE#. In the vCPU's thread. */
void board_assert_ignne(void *opaque);

/* Copies a kernel's entry state into the (reset) processor. */
struct kernel_entry;
void board_cpu_enter(struct board *b, const struct kernel_entry *e);

#endif
