/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several vCPUs on one memory, each in a thread of its own, running little programs until they
 * write to SMP_DONE. The programs are put together from bytes and short jumps.
 */
#ifndef TESTS_UNIT_SMP_RIG_H
#define TESTS_UNIT_SMP_RIG_H

#include <pthread.h>

#include "base/lock.h"
#include "tests/unit/cpu_fixture.h"

#define SMP_MAX  8
#define SMP_DONE 0xf4 /* port: the vCPU stops */
#define SMP_LOCK 0xf5 /* port: taken with the rig's device lock, as a board does */
#define SMP_WIPE 0xf6 /* port: with the device lock, all vCPUs' translations are flushed */

#define SMP_BUSY 0xf7 /* port: takes long, inside guest mode */

struct smp;

struct smp_cpu {
    struct fx *fx;
    struct smp *smp;
    pthread_t thread;
    bool joined;
    _Atomic bool done;  /* SMP_DONE was written, or smp_stop asked */
    _Atomic bool busy;  /* in SMP_BUSY */
    _Atomic bool ended; /* the thread has nothing more to do */
};

struct smp {
    struct smp_cpu cpu[SMP_MAX];
    unsigned n;
    struct lock device; /* as the board's */
    uint64_t accesses;  /* to SMP_LOCK; device lock */
};

/* n vCPUs in flat 32-bit protected mode, or in 64-bit mode, ring 0, identity mapped. */
void smp_new(struct smp *s, unsigned n, bool wide);
void smp_free(struct smp *s);

/* Starts vCPU k where its RIP is. */
void smp_start(struct smp *s, unsigned k);
/* Asks it to stop where it is, if it has not. */
void smp_stop(struct smp *s, unsigned k);
/* Waits until it has stopped; fails the test when it never does. */
void smp_join(struct smp *s, unsigned k);

/* All of them from start to end. */
void smp_go(struct smp *s);

/* A program in the making. */
struct prog {
    uint8_t bytes[256];
    unsigned n;
};

void prog_add(struct prog *p, const uint8_t *bytes, unsigned n);
#define EMIT(p, ...)                                                                               \
    do {                                                                                           \
        static const uint8_t emit_[] = {__VA_ARGS__};                                              \
        prog_add(p, emit_, sizeof(emit_));                                                         \
    } while (0)
/* A short jump (0xeb, or 0x70 and the condition) to offset `to` of the program. */
void prog_jump(struct prog *p, uint8_t opcode, unsigned to);
void prog_imm32(struct prog *p, uint32_t v);

/* `out SMP_DONE, al` and a loop behind it. */
void prog_done(struct prog *p);

/* Puts the program at addr and vCPU k's RIP there. */
void smp_load(struct smp *s, unsigned k, uint32_t addr, const struct prog *p);

static inline struct cpu *smp_vcpu(struct smp *s, unsigned k)
{
    return s->cpu[k].fx->cpu;
}

/* Guest memory as another thread looks at it while vCPUs run. */
static inline uint32_t smp_peek(struct smp *s, uint32_t addr)
{
    return __atomic_load_n((uint32_t *)(s->cpu[0].fx->ram + addr), __ATOMIC_SEQ_CST);
}

static inline void smp_poke(struct smp *s, uint32_t addr, uint32_t v)
{
    __atomic_store_n((uint32_t *)(s->cpu[0].fx->ram + addr), v, __ATOMIC_SEQ_CST);
}

#endif
