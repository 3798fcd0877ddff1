/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interpreter as an engine: it is always there. */
#include "accel/accel.h"

static bool interp_probe(char *why, size_t size)
{
    snprintf(why, size, "decoded blocks and a software TLB; runs on every x86-64 host");
    return true;
}

static enum cpu_exit interp_run(struct cpu *cpu)
{
    return cpu_run(cpu, 0);
}

static void interp_kick(struct cpu *cpu)
{
    cpu_set_event(cpu, EV_STOP);
}

const struct accel_ops accel_interp = {
    .name = "interp",
    .probe = interp_probe,
    .run = interp_run,
    .kick = interp_kick,
};
