/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vCPU threads; see vcpu.h. */
#include "accel/vcpu.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/lock.h"

struct vcpu {
    struct vcpu_config cfg;
    GThread *thread;
    _Atomic int id;   /* gettid */
    struct lock lock; /* protects nothing but the sleep itself */
    struct condition wake;
};

struct vcpu *vcpu_new(const struct vcpu_config *cfg)
{
    struct vcpu *v = g_new0(struct vcpu, 1);

    v->cfg = *cfg;
    lock_init(&v->lock);
    condition_init(&v->wake);
    return v;
}

static gpointer vcpu_main(gpointer opaque)
{
    struct vcpu *v = opaque;
    enum cpu_exit why;

    lock_take(&v->lock);
    v->id = (int)syscall(SYS_gettid);
    condition_broadcast(&v->wake);
    lock_drop(&v->lock);
    do {
        why = v->cfg.accel->run(v->cfg.cpu);
    } while (v->cfg.exited(v->cfg.opaque, v->cfg.cpu, why));
    return NULL;
}

void vcpu_start(struct vcpu *v)
{
    char name[16];

    snprintf(name, sizeof(name), "vcpu%u", v->cfg.cpu->id);
    v->thread = g_thread_new(name, vcpu_main, v);
    lock_take(&v->lock);
    while (!v->id)
        condition_wait(&v->wake, &v->lock);
    lock_drop(&v->lock);
}

int vcpu_thread_id(const struct vcpu *v)
{
    return v->id;
}

void vcpu_wake(struct vcpu *v)
{
    lock_take(&v->lock);
    condition_broadcast(&v->wake);
    lock_drop(&v->lock);
}

void vcpu_kick(struct vcpu *v)
{
    v->cfg.accel->kick(v->cfg.cpu);
    vcpu_wake(v);
}

void vcpu_sleep(struct vcpu *v)
{
    lock_take(&v->lock);
    while (!atomic_load(&v->cfg.cpu->attention))
        condition_wait(&v->wake, &v->lock);
    lock_drop(&v->lock);
}

void vcpu_nap(struct vcpu *v, int64_t ns)
{
    lock_take(&v->lock);
    if (!atomic_load(&v->cfg.cpu->attention))
        condition_wait_for(&v->wake, &v->lock, ns);
    lock_drop(&v->lock);
}

void vcpu_join(struct vcpu *v)
{
    if (v->thread)
        g_thread_join(v->thread);
    v->thread = NULL;
}

void vcpu_free(struct vcpu *v)
{
    if (!v)
        return;
    lock_clear(&v->lock);
    condition_clear(&v->wake);
    g_free(v);
}
