/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Engines that run vCPUs. An engine is a small set of operations on a `struct cpu`, whose fields
 * hold the architectural state whenever no operation is under way. The interpreter (interp.c) is
 * one; the hardware path will be the other.
 */
#ifndef ACCEL_ACCEL_H
#define ACCEL_ACCEL_H

#include <stdbool.h>
#include <stddef.h>

#include "cpu/cpu.h"

struct accel_ops {
    const char *name; /* as -accel names it */
    /* Can this host run it? Writes one line in words to `why` either way. Any thread. */
    bool (*probe)(char *why, size_t size);
    /* Runs until something ends it. The vCPU's thread, without the device lock; the hooks of the
     * CPU take it. */
    enum cpu_exit (*run)(struct cpu *cpu);
    /* Makes run() return CPU_EXIT_STOP soon. Any thread. */
    void (*kick)(struct cpu *cpu);
};

extern const struct accel_ops accel_interp;

/* The engine of that name, NULL when there is none. accel_by_index counts from 0 and ends with
 * NULL. */
const struct accel_ops *accel_find(const char *name);
const struct accel_ops *accel_by_index(unsigned n);

#endif
