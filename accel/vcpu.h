/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vCPU's thread: runs its engine, sleeps while the guest halts or is paused, hands exits up. */
#ifndef ACCEL_VCPU_H
#define ACCEL_VCPU_H

#include <glib.h>

#include "accel/accel.h"

struct vcpu;

struct vcpu_config {
    struct cpu *cpu; /* outlives the vcpu */
    const struct accel_ops *accel;
    /* The engine came back. Called on the vCPU's thread without any lock; false ends the thread. */
    bool (*exited)(void *opaque, struct cpu *cpu, enum cpu_exit why);
    void *opaque;
};

struct vcpu *vcpu_new(const struct vcpu_config *cfg);

/* Starts the thread. Main thread, once. */
void vcpu_start(struct vcpu *v);

/* Makes the engine come back soon, and wakes a sleeping vCPU. Any thread. */
void vcpu_kick(struct vcpu *v);

/* Wakes a vCPU that sleeps in a HLT, after an event was set for it. Any thread. */
void vcpu_wake(struct vcpu *v);

/* For the CPU's wait_for_event hook: sleeps until cpu->attention. The vCPU's thread. */
void vcpu_sleep(struct vcpu *v);

/* The same for wait_a_while: for `ns` nanoseconds at most. */
void vcpu_nap(struct vcpu *v, int64_t ns);

/* The host's number for its thread (gettid); 0 before it was started. Any thread,
 * but for the moment when it is. */
int vcpu_thread_id(const struct vcpu *v);

/* Waits for the thread to end (exited returned false). Main thread. */
void vcpu_join(struct vcpu *v);
void vcpu_free(struct vcpu *v);

#endif
