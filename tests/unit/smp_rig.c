/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several vCPUs in threads; see smp_rig.h. */
#include "tests/unit/smp_rig.h"

#include <time.h>

#define JOIN_SECONDS 50

static void port_write(void *o, uint16_t port, uint64_t val, unsigned size)
{
    struct smp_cpu *c = o;
    struct cpu *cpu = c->fx->cpu;
    bool inside;

    (void)val, (void)size;
    if (port == SMP_BUSY) {
        const struct timespec nap = {.tv_nsec = 20000000};

        atomic_store(&c->busy, true);
        nanosleep(&nap, NULL);
        atomic_store(&c->busy, false);
        return;
    }
    if (port == SMP_DONE) {
        atomic_store(&c->done, true);
        cpu_set_event(cpu, EV_STOP);
        return;
    }
    inside = cpu_leave_guest(cpu);
    lock_take(&c->smp->device);
    c->smp->accesses++;
    if (port == SMP_WIPE)
        cpu_group_flush(cpu->group, cpu);
    lock_drop(&c->smp->device);
    if (inside)
        cpu_enter_guest(cpu);
}

static uint64_t mmio_read(void *o, gpa_t gpa, unsigned size)
{
    port_write(o, SMP_LOCK, 0, size);
    return zext(gpa, size);
}

static void mmio_write(void *o, gpa_t gpa, uint64_t val, unsigned size)
{
    (void)gpa;
    port_write(o, SMP_LOCK, val, size);
}

static void wait_for_event(void *o)
{
    const struct timespec nap = {.tv_nsec = 50000};
    struct smp_cpu *c = o;

    while (!atomic_load(&c->fx->cpu->attention))
        nanosleep(&nap, NULL);
}

void smp_new(struct smp *s, unsigned n, bool wide)
{
    memset(s, 0, sizeof(*s));
    lock_init(&s->device);
    s->n = n;
    for (unsigned k = 0; k < n; k++) {
        struct smp_cpu *c = &s->cpu[k];

        c->smp = s;
        c->fx = fx_new_with("max", k ? s->cpu[0].fx : NULL, k);
        c->fx->cpu->hooks.opaque = c;
        c->fx->cpu->hooks.port_write = port_write;
        c->fx->cpu->hooks.mmio_read = mmio_read;
        c->fx->cpu->hooks.mmio_write = mmio_write;
        c->fx->cpu->hooks.wait_for_event = wait_for_event;
        c->fx->cpu->hooks.get_apic_base = NULL;
        c->fx->cpu->hooks.smm_changed = NULL;
        c->fx->cpu->hooks.now = NULL;
        c->fx->cpu->wait_sipi = false;
        if (wide)
            fx_long(c->fx, 0);
        else
            fx_prot(c->fx, 0);
        c->fx->cpu->gpr[REG_RSP] = FX_STACK - 0x200u * k;
        c->joined = true;
    }
}

void smp_free(struct smp *s)
{
    for (unsigned k = s->n; k-- > 1;)
        fx_free_with(s->cpu[k].fx);
    fx_free(s->cpu[0].fx);
    lock_clear(&s->device);
}

static void *vcpu_main(void *o)
{
    struct smp_cpu *c = o;

    do {
        c->fx->why = cpu_run(c->fx->cpu, 0);
    } while (!atomic_load(&c->done) && c->fx->why == CPU_EXIT_STOP);
    atomic_store(&c->ended, true);
    return NULL;
}

void smp_start(struct smp *s, unsigned k)
{
    struct smp_cpu *c = &s->cpu[k];

    atomic_store(&c->done, false);
    atomic_store(&c->ended, false);
    c->joined = false;
    assert_int_equal(pthread_create(&c->thread, NULL, vcpu_main, c), 0);
}

void smp_stop(struct smp *s, unsigned k)
{
    atomic_store(&s->cpu[k].done, true);
    cpu_set_event(s->cpu[k].fx->cpu, EV_STOP);
}

void smp_join(struct smp *s, unsigned k)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    time_t until = time(NULL) + JOIN_SECONDS;

    if (s->cpu[k].joined)
        return;
    while (!atomic_load(&s->cpu[k].ended)) {
        if (time(NULL) > until)
            fail_msg("vCPU %u does not stop", k);
        nanosleep(&nap, NULL);
    }
    pthread_join(s->cpu[k].thread, NULL);
    s->cpu[k].joined = true;
    assert_int_equal(s->cpu[k].fx->why, CPU_EXIT_STOP);
}

void smp_go(struct smp *s)
{
    for (unsigned k = 0; k < s->n; k++)
        smp_start(s, k);
    for (unsigned k = 0; k < s->n; k++)
        smp_join(s, k);
}

void prog_add(struct prog *p, const uint8_t *bytes, unsigned n)
{
    assert_true(p->n + n <= sizeof(p->bytes));
    memcpy(p->bytes + p->n, bytes, n);
    p->n += n;
}

void prog_jump(struct prog *p, uint8_t opcode, unsigned to)
{
    uint8_t b[2] = {opcode, (uint8_t)(to - (p->n + 2))};

    prog_add(p, b, 2);
}

void prog_imm32(struct prog *p, uint32_t v)
{
    uint8_t b[4];

    st_le32(b, v);
    prog_add(p, b, 4);
}

void prog_done(struct prog *p)
{
    EMIT(p, 0xe6, SMP_DONE, 0xeb, 0xfe);
}

void smp_load(struct smp *s, unsigned k, uint32_t addr, const struct prog *p)
{
    memcpy(s->cpu[0].fx->ram + addr, p->bytes, p->n);
    s->cpu[k].fx->cpu->gpr[REG_RIP] = addr;
}
