/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What vCPUs and the board ask of each other (cpu/group.h): remote TLB flushes, acknowledged;
 * decoded code that another vCPU, or DMA, writes; INIT and start-up IPIs; CPUID's topology.
 */
#include "tests/unit/smp_rig.h"

#include <time.h>

#include "cpu/access.h"
#include "cpu/blocks.h"
#include "cpu/cpuid.h"
#include "cpu/mmu.h"
#include "cpu/mmu_shadow/page_track.h"

#define WINDOW  0x400000u /* linear: a page table of the tests' own, at PT */
#define PT      0x15000u
#define PAGE_A  0x50000u
#define PAGE_B  0x51000u
#define RESULT  0x28000u
#define X       0x30000u /* code that is written */
#define PATIENT 20       /* seconds before a test says that nothing comes */

static void nap(void)
{
    const struct timespec t = {.tv_nsec = 20000};

    nanosleep(&t, NULL);
}

/* Until the guest's word at addr is v (or, `changed`, no longer is). */
static void wait_for(struct smp *s, uint32_t addr, uint32_t v, bool changed)
{
    time_t until = time(NULL) + PATIENT;

    while ((smp_peek(s, addr) == v) == changed) {
        if (time(NULL) > until)
            fail_msg("the word at %x stays %x", addr, smp_peek(s, addr));
        nap();
    }
}

static void map_window(struct smp *s, uint32_t page)
{
    uint64_t pte = page | 0x67;

    __atomic_store_n((uint64_t *)(s->cpu[0].fx->ram + PT), pte, __ATOMIC_SEQ_CST);
}

/* Long mode, with the window to PAGE_A, which holds 0xa, while PAGE_B holds 0xb. */
static void window_new(struct smp *s, unsigned n)
{
    smp_new(s, n, true);
    fx_wr(s->cpu[0].fx, FX_PML4 + 0x2000 + 2 * 8, PT | 0x67, 8);
    fx_wr(s->cpu[0].fx, PAGE_A, 0xa, 4);
    fx_wr(s->cpu[0].fx, PAGE_B, 0xb, 4);
    map_window(s, PAGE_A);
}

/* mov eax, [window]; mov [result], eax; for ever. */
static void load_reader(struct smp *s, unsigned k)
{
    struct prog p = {.n = 0};

    EMIT(&p, 0x8b, 0x06, 0x89, 0x07);
    prog_jump(&p, 0xeb, 0);
    smp_load(s, k, FX_CODE + 0x100 * k, &p);
    smp_vcpu(s, k)->gpr[REG_RSI] = WINDOW;
    smp_vcpu(s, k)->gpr[REG_RDI] = RESULT + 4 * k;
}

/* ---- flushes ---- */

/* A stale translation may be used until the flush returns, never after. */
static void test_flush_returns_after_acknowledge(void **state)
{
    struct smp s;

    (void)state;
    window_new(&s, 3);
    for (unsigned k = 0; k < 3; k++) {
        load_reader(&s, k);
        smp_start(&s, k);
    }
    for (unsigned round = 0; round < 500; round++) {
        uint32_t want = round & 1 ? 0xa : 0xb;

        map_window(&s, round & 1 ? PAGE_A : PAGE_B);
        cpu_group_flush(smp_vcpu(&s, 0)->group, NULL);
        for (unsigned k = 0; k < 3; k++)
            smp_poke(&s, RESULT + 4 * k, 0);
        for (unsigned k = 0; k < 3; k++) {
            wait_for(&s, RESULT + 4 * k, 0, true);
            assert_int_equal(smp_peek(&s, RESULT + 4 * k), want);
        }
    }
    for (unsigned k = 0; k < 3; k++)
        smp_stop(&s, k);
    for (unsigned k = 0; k < 3; k++)
        smp_join(&s, k);
    smp_free(&s);
}

/* One that is inside is waited for, however long its instruction takes. */
static void test_flush_waits_for_one_inside(void **state)
{
    struct prog p = {.n = 0};
    struct smp s;

    (void)state;
    smp_new(&s, 1, false);
    EMIT(&p, 0xe6, SMP_BUSY);
    prog_done(&p);
    for (unsigned round = 0; round < 5; round++) {
        smp_load(&s, 0, FX_CODE, &p);
        smp_start(&s, 0);
        while (!atomic_load(&s.cpu[0].busy))
            nap();
        cpu_group_flush(smp_vcpu(&s, 0)->group, NULL);
        assert_false(atomic_load(&s.cpu[0].busy));
        smp_join(&s, 0);
    }
    smp_free(&s);
}

/* Nobody waits for a vCPU that is outside guest mode; it flushes before it goes on. */
static void test_flush_of_one_outside(void **state)
{
    struct smp s;

    (void)state;
    window_new(&s, 2);
    load_reader(&s, 0);
    fx_run(s.cpu[0].fx, 2); /* has the window in its TLB */
    assert_int_equal(smp_peek(&s, RESULT), 0xa);
    map_window(&s, PAGE_B);
    cpu_group_flush(smp_vcpu(&s, 0)->group, NULL);
    fx_run(s.cpu[0].fx, 3);
    assert_int_equal(smp_peek(&s, RESULT), 0xb);
    /* what only stores need may go; reading goes on by the TLB */
    map_window(&s, PAGE_A);
    cpu_group_protect(smp_vcpu(&s, 0)->group, NULL, &(gfn_t){PAGE_B >> PAGE_SHIFT}, 1);
    fx_run(s.cpu[0].fx, 3);
    assert_int_equal(smp_peek(&s, RESULT), 0xb);
    smp_free(&s);
}

/* A vCPU that sleeps in HLT is not waked for a flush, but has it when it wakes. */
static void test_flush_of_a_sleeper(void **state)
{
    struct prog p = {.n = 0}, wake = {.n = 0};
    struct smp s;

    (void)state;
    window_new(&s, 1);
    EMIT(&p, 0x8b, 0x06, 0x89, 0x07, 0xf4, 0x8b, 0x06, 0x89, 0x07); /* load, store, hlt, the same */
    prog_done(&p);
    smp_load(&s, 0, FX_CODE, &p);
    EMIT(&wake, 0x48, 0xcf); /* iretq */
    memcpy(s.cpu[0].fx->ram + FX_HAND + 2 * 4, wake.bytes, wake.n);
    smp_vcpu(&s, 0)->gpr[REG_RSI] = WINDOW;
    smp_vcpu(&s, 0)->gpr[REG_RDI] = RESULT;
    smp_start(&s, 0);
    wait_for(&s, RESULT, 0xa, false);
    while (atomic_load(&smp_vcpu(&s, 0)->inside))
        nap();
    map_window(&s, PAGE_B);
    cpu_group_flush(smp_vcpu(&s, 0)->group, NULL);
    cpu_set_event(smp_vcpu(&s, 0), EV_NMI);
    smp_join(&s, 0);
    assert_int_equal(smp_peek(&s, RESULT), 0xb);
    smp_free(&s);
}

/* From mem_lock of an operand in RAM to mem_unlock, the other vCPUs stand still, and then go on. */
static void test_split_lock_stops_the_others(void **state)
{
    struct prog p = {.n = 0};
    struct cpu *cpu;
    struct smp s;

    (void)state;
    smp_new(&s, 3, false);
    cpu = smp_vcpu(&s, 0); /* which this thread plays */
    EMIT(&p, 0xff, 0x07);  /* inc dword [edi]; for ever */
    prog_jump(&p, 0xeb, 0);
    for (unsigned k = 1; k < 3; k++) {
        smp_load(&s, k, FX_CODE, &p);
        smp_vcpu(&s, k)->gpr[REG_RDI] = RESULT + 4 * k;
        smp_start(&s, k);
    }
    for (unsigned round = 0; round < 50; round++) {
        uint32_t before[3];

        for (unsigned k = 1; k < 3; k++) {
            before[k] = smp_peek(&s, RESULT + 4 * k);
            wait_for(&s, RESULT + 4 * k, before[k], true);
        }
        cpu_enter_guest(cpu);
        mem_lock(cpu, NULL, 0x20ffe, 4);
        for (unsigned k = 1; k < 3; k++)
            before[k] = smp_peek(&s, RESULT + 4 * k);
        nap();
        for (unsigned k = 1; k < 3; k++)
            assert_int_equal(smp_peek(&s, RESULT + 4 * k), before[k]);
        mem_unlock(cpu);
        cpu_leave_guest(cpu);
    }
    for (unsigned k = 1; k < 3; k++) {
        smp_stop(&s, k);
        smp_join(&s, k);
    }
    smp_free(&s);
}

static unsigned translations;

/* An MMU that waits for a lock at each translation; after the second, a flush is asked for. */
static int translate_outside(struct cpu *cpu, gva_t va, unsigned acc, bool user, bool explicit_ac,
                             struct mmu_xlat *out, uint32_t *err)
{
    bool inside = cpu_leave_guest(cpu);

    if (inside)
        cpu_enter_guest(cpu);
    if (++translations == 2) {
        cpu->flush.all = true;
        atomic_fetch_add(&cpu->flush_wanted, 1);
    }
    return mmu_walk_ops.translate(cpu, va, acc, user, explicit_ac, out, err);
}

/* A flush that is asked for while the section is waited for takes the operand's translation away;
 * the access must not end the section by translating again. */
static void test_lock_outlasts_a_flush(void **state)
{
    const gva_t at = 0x20ffe;
    struct mmu_ops ops = mmu_walk_ops;
    struct cpu *cpu;
    struct smp s;

    (void)state;
    ops.translate = translate_outside;
    smp_new(&s, 2, false);
    cpu = smp_vcpu(&s, 0);
    cpu->mmu = &ops;
    cpu_enter_guest(cpu);
    translations = 0;
    mem_lock(cpu, NULL, at, 4);
    assert_int_equal(cpu->locked, CPU_LOCKED_ALL);
    mem_write_slow(cpu, NULL, at, mem_read_slow(cpu, NULL, at, 4) + 1, 4);
    assert_int_equal(cpu->locked, CPU_LOCKED_ALL);
    mem_unlock(cpu);
    assert_int_equal(smp_peek(&s, (uint32_t)at), 1);
    assert_true(translations > 3);
    cpu_leave_guest(cpu);
    cpu->mmu = &mmu_walk_ops;
    smp_free(&s);
}

/* Between the read and the write of a locked access somebody else writes: it is to be done again. */
static void test_locked_swap_that_lost(void **state)
{
    const gva_t at = 0x20010;
    struct cpu *cpu;
    struct smp s;

    (void)state;
    smp_new(&s, 2, false);
    cpu = smp_vcpu(&s, 0);
    cpu_enter_guest(cpu);
    for (unsigned size = 1; size <= 16; size *= 2) {
        uint64_t v[2] = {0};

        fx_wr(s.cpu[0].fx, at, 5, 8);
        mem_lock(cpu, NULL, at, size);
        mem_read_bytes(cpu, NULL, at, v, size, ACC_R);
        assert_int_equal(v[0], 5);
        fx_wr(s.cpu[0].fx, at, 6, 8);
        v[0]++;
        mem_write_bytes(cpu, NULL, at, v, size, ACC_W);
        assert_false(mem_unlock(cpu));
        assert_int_equal(fx_rd(s.cpu[0].fx, at, 8), 6);
        mem_lock(cpu, NULL, at, size);
        mem_read_bytes(cpu, NULL, at, v, size, ACC_R);
        v[0]++;
        mem_write_bytes(cpu, NULL, at, v, size, ACC_W);
        assert_true(mem_unlock(cpu));
        assert_int_equal(fx_rd(s.cpu[0].fx, at, 8), 7);
    }
    cpu_leave_guest(cpu);
    smp_free(&s);
}

struct flusher {
    struct smp *s;
    _Atomic bool stop;
    _Atomic unsigned done;
};

static void *flush_on_and_on(void *o)
{
    struct flusher *f = o;

    while (!atomic_load(&f->stop)) {
        cpu_group_flush(smp_vcpu(f->s, 0)->group, NULL);
        f->done++;
    }
    return NULL;
}

/* vCPUs that flush in hooks, with the device lock, and threads that flush without: all go on. */
static void test_flushes_cross(void **state)
{
    struct prog p = {.n = 0};
    struct flusher f[2] = {{0}};
    pthread_t t[2];
    struct smp s;

    (void)state;
    EMIT(&p, 0xe6, SMP_WIPE, 0xff, 0xcd); /* out; dec ebp */
    prog_jump(&p, 0x75, 0);
    prog_done(&p);
    smp_new(&s, 4, true);
    for (unsigned k = 0; k < 2; k++) {
        f[k].s = &s;
        assert_int_equal(pthread_create(&t[k], NULL, flush_on_and_on, &f[k]), 0);
        while (!atomic_load(&f[k].done))
            nap();
    }
    for (unsigned k = 0; k < 4; k++) {
        smp_load(&s, k, FX_CODE, &p);
        smp_vcpu(&s, k)->gpr[REG_RBP] = 2000;
        smp_start(&s, k);
    }
    for (unsigned k = 0; k < 4; k++)
        smp_join(&s, k);
    for (unsigned k = 0; k < 2; k++) {
        atomic_store(&f[k].stop, true);
        pthread_join(t[k], NULL);
    }
    assert_int_equal(s.accesses, 4 * 2000);
    smp_free(&s);
}

/* A load that crosses from a device into RAM: the device's hook changes the map, so the RAM half
 * must have been read before, or be translated anew. */
static uint64_t unmap_in_hook(void *o, gpa_t gpa, unsigned size)
{
    struct smp_cpu *c = o;
    bool inside = cpu_leave_guest(c->fx->cpu);

    (void)gpa;
    map_window(c->smp, PAGE_B);
    memset(c->fx->ram + PAGE_A, 0xee, 0x1000); /* it has another owner now */
    cpu_group_flush(c->fx->cpu->group, c->fx->cpu);
    if (inside)
        cpu_enter_guest(c->fx->cpu);
    return zext(UINT64_C(0x1111111111111111), size);
}

static void test_hook_in_the_middle_of_an_access(void **state)
{
    struct prog p = {.n = 0};
    struct smp s;

    (void)state;
    window_new(&s, 1);
    /* the page below the window is the device */
    fx_wr(s.cpu[0].fx, FX_PML4 + 0x2000 + 1 * 8, 0x16000 | 0x67, 8);
    fx_wr(s.cpu[0].fx, 0x16000 + 511 * 8, 0xf0000067u, 8);
    smp_vcpu(&s, 0)->hooks.mmio_read = unmap_in_hook;
    EMIT(&p, 0x8b, 0x06); /* mov eax, [rsi]: two bytes of each */
    EMIT(&p, 0x8b, 0x1f); /* mov ebx, [rdi]: in the same block, behind the hook */
    prog_done(&p);
    smp_load(&s, 0, FX_CODE, &p);
    smp_vcpu(&s, 0)->gpr[REG_RSI] = WINDOW - 2;
    smp_vcpu(&s, 0)->gpr[REG_RDI] = WINDOW;
    smp_go(&s);
    assert_int_equal(smp_vcpu(&s, 0)->gpr[REG_RAX], 0x000a1111);
    assert_int_equal(smp_vcpu(&s, 0)->gpr[REG_RBX], 0xb);
    smp_free(&s);
}

/* ---- code that others write ---- */

/* X: mov eax, v; ret. */
static void put_code(struct smp *s, uint32_t at, uint32_t v)
{
    fx_wr(s->cpu[0].fx, at, 0xb8, 1);
    fx_wr(s->cpu[0].fx, at + 1, v, 4);
    fx_wr(s->cpu[0].fx, at + 5, 0xc3, 1);
}

/* call [edx]; mov [edi], eax; done */
static void load_caller(struct smp *s, unsigned k, uint32_t target)
{
    struct prog p = {.n = 0};

    EMIT(&p, 0xff, 0xd2, 0x89, 0x07);
    prog_done(&p);
    smp_load(s, k, FX_CODE + 0x100 * k, &p);
    smp_vcpu(s, k)->gpr[REG_RDX] = target;
    smp_vcpu(s, k)->gpr[REG_RDI] = RESULT;
}

/* mov [esi], eax; done: vCPU k stores v at `at`. */
static void store_by(struct smp *s, unsigned k, uint32_t at, uint32_t v)
{
    struct prog p = {.n = 0};

    EMIT(&p, 0x89, 0x06);
    prog_done(&p);
    smp_load(s, k, FX_CODE + 0x800 + 0x100 * k, &p);
    smp_vcpu(s, k)->gpr[REG_RSI] = at;
    smp_vcpu(s, k)->gpr[REG_RAX] = v;
    smp_start(s, k);
    smp_join(s, k);
}

static uint32_t call_by(struct smp *s, unsigned k, uint32_t target)
{
    load_caller(s, k, target);
    smp_start(s, k);
    smp_join(s, k);
    return smp_peek(s, RESULT);
}

/* One vCPU has the page in its TLB as one to store to; then another decodes it. The first one's
 * next store must be noticed all the same. */
static void test_code_in_a_page_others_can_store_to(void **state)
{
    struct smp s;

    (void)state;
    smp_new(&s, 2, false);
    put_code(&s, X, 1);
    store_by(&s, 1, X + 0x800, 7);
    assert_int_equal(call_by(&s, 0, X), 1);
    store_by(&s, 1, X + 1, 2);
    assert_int_equal(call_by(&s, 0, X), 2);
    smp_free(&s);
}

/* Both have decoded it; each sees what the other writes, and their own. */
static void test_code_written_by_another(void **state)
{
    struct smp s;

    (void)state;
    smp_new(&s, 3, false);
    put_code(&s, X, 1);
    for (unsigned k = 0; k < 3; k++)
        assert_int_equal(call_by(&s, k, X), 1);
    for (uint32_t v = 2; v < 50; v++) {
        store_by(&s, v % 3, X + 1, v);
        for (unsigned k = 0; k < 3; k++)
            assert_int_equal(call_by(&s, k, X), v);
    }
    smp_free(&s);
}

/* The same when the last byte stands in another page. */
static void test_code_across_pages_written_by_another(void **state)
{
    struct smp s;

    (void)state;
    smp_new(&s, 2, false);
    put_code(&s, X + 0xffd, 0x11223344);
    assert_int_equal(call_by(&s, 0, X + 0xffd), 0x11223344);
    assert_int_equal(call_by(&s, 1, X + 0xffd), 0x11223344);
    fx_wr(s.cpu[0].fx, X + 0x1ff0, 0, 4);
    store_by(&s, 1, X + 0x1000, 0xc3c3aabb);
    assert_int_equal(call_by(&s, 0, X + 0xffd) >> 16, 0xaabb);
    assert_int_equal(call_by(&s, 1, X + 0xffd) >> 16, 0xaabb);
    smp_free(&s);
}

/* DMA's writes are told to all that have code there. */
static void dma_wrote(void *o, gpa_t gpa, size_t len)
{
    cpu_group_code_written(((struct cpu *)o)->group, NULL, gpa, len);
}

static void test_code_written_by_dma(void **state)
{
    const uint32_t two = 2;
    struct smp s;

    (void)state;
    smp_new(&s, 2, false);
    memslots_set_hooks(s.cpu[0].fx->slots, smp_vcpu(&s, 0), NULL, dma_wrote);
    put_code(&s, X, 1);
    assert_int_equal(call_by(&s, 0, X), 1);
    assert_int_equal(call_by(&s, 1, X), 1);
    assert_true(memslots_write(s.cpu[0].fx->slots, X + 1, &two, 4));
    assert_int_equal(call_by(&s, 0, X), 2);
    assert_int_equal(call_by(&s, 1, X), 2);
    smp_free(&s);
}

/* A page's mark goes when the last vCPU has dropped its code, not before. */
static void test_mark_counts_vcpus(void **state)
{
    const struct memslot *slot;
    struct smp s;

    (void)state;
    smp_new(&s, 2, false);
    put_code(&s, X, 1);
    slot = memslots_find(s.cpu[0].fx->slots, X >> PAGE_SHIFT);
    assert_int_equal(page_tracked(slot, X >> PAGE_SHIFT), 0);
    call_by(&s, 0, X);
    call_by(&s, 1, X);
    assert_int_equal(page_tracked(slot, X >> PAGE_SHIFT), 2 * TRACK_CODE | TRACK_SEALED);
    blocks_flush(smp_vcpu(&s, 0));
    assert_int_equal(page_tracked(slot, X >> PAGE_SHIFT), TRACK_CODE | TRACK_SEALED);
    store_by(&s, 0, X + 1, 5); /* by the slow path still: the other's code goes */
    assert_int_equal(call_by(&s, 1, X), 5);
    blocks_flush(smp_vcpu(&s, 1));
    assert_int_equal(page_tracked(slot, X >> PAGE_SHIFT), 0);
    smp_free(&s);
}

/* SDM 3A 9.1.3: one writes the code, then a flag; the other sees the flag, serialises, and runs the
 * new code; while both run. */
static void cross_modify(uint32_t at)
{
    const uint32_t rounds = 3000, flag = RESULT, ack = RESULT + 0x40, wrong = RESULT + 0x80;
    struct prog w = {.n = 0}, r = {.n = 0};
    unsigned top;
    struct smp s;

    EMIT(&w, 0x40, 0x89, 0x06, 0x89, 0x07); /* inc eax; mov [esi], eax; mov [edi], eax */
    EMIT(&w, 0x3b, 0x45, 0x00);             /* until [ebp] is eax, too */
    prog_jump(&w, 0x75, 5);
    EMIT(&w, 0x3d);
    prog_imm32(&w, rounds);
    prog_jump(&w, 0x72, 0);
    prog_done(&w);
    EMIT(&r, 0x46); /* inc esi */
    top = r.n;
    EMIT(&r, 0x39, 0x37); /* until [edi] is esi */
    prog_jump(&r, 0x75, top);
    EMIT(&r, 0x31, 0xc0, 0x0f, 0xa2); /* xor eax, eax; cpuid */
    EMIT(&r, 0xba);                   /* mov edx, X */
    prog_imm32(&r, at);
    EMIT(&r, 0xff, 0xd2, 0x39, 0xf0); /* call edx; cmp eax, esi */
    prog_jump(&r, 0x74, r.n + 8);
    EMIT(&r, 0xff, 0x05);
    prog_imm32(&r, wrong);
    EMIT(&r, 0x89, 0x75, 0x00); /* mov [ebp], esi */
    EMIT(&r, 0x81, 0xfe);
    prog_imm32(&r, rounds);
    prog_jump(&r, 0x72, 0);
    prog_done(&r);

    smp_new(&s, 2, false);
    put_code(&s, at, 0);
    smp_load(&s, 0, FX_CODE, &w);
    smp_load(&s, 1, FX_CODE + 0x1800, &r);
    for (unsigned k = 0; k < 2; k++) {
        struct cpu *cpu = smp_vcpu(&s, k);

        cpu->gpr[REG_RAX] = 0;
        cpu->gpr[REG_RSI] = k ? 0 : at + 1;
        cpu->gpr[REG_RDI] = flag;
        cpu->gpr[REG_RBP] = ack;
    }
    smp_go(&s);
    assert_int_equal(smp_peek(&s, ack), rounds);
    assert_int_equal(smp_peek(&s, wrong), 0);
    smp_free(&s);
}

static void test_cross_modifying_code(void **state)
{
    (void)state;
    cross_modify(X);
    cross_modify(X + 0xffd);                /* the value across two pages */
    cross_modify(FX_CODE + 0x1800 + 0x100); /* in the page of the program that runs it */
}

/* ---- INIT, SIPI ---- */

static void test_init_and_sipi(void **state)
{
    struct prog p = {.n = 0}, wait = {.n = 0};
    struct cpu *ap;
    struct smp s;

    (void)state;
    smp_new(&s, 2, false);
    /* real mode: inc word [0x500]; mov [0x504], cs; done */
    EMIT(&p, 0xff, 0x06, 0x00, 0x05, 0x8c, 0x0e, 0x04, 0x05);
    prog_done(&p);
    memcpy(s.cpu[0].fx->ram + 0x40000, p.bytes, p.n);
    EMIT(&wait, 0xf4);
    ap = smp_vcpu(&s, 1);
    cpu_reset(ap, false, false);
    assert_true(ap->wait_sipi);
    smp_start(&s, 1);
    cpu_set_event(ap, EV_NMI | EV_INTR); /* neither wakes it */
    for (unsigned k = 0; k < 50; k++)
        nap();
    assert_int_equal(smp_peek(&s, 0x500), 0);
    cpu_clear_event(ap, EV_NMI | EV_INTR);
    cpu_set_event(ap, EV_INIT);
    atomic_store(&ap->sipi_vector, 0x40);
    cpu_set_event(ap, EV_SIPI);
    smp_join(&s, 1);
    assert_int_equal(smp_peek(&s, 0x500), 1);
    assert_int_equal(smp_peek(&s, 0x504), 0x4000);
    /* a second one finds nobody waiting */
    atomic_store(&ap->sipi_vector, 0x41);
    cpu_set_event(ap, EV_SIPI);
    ap->gpr[REG_RIP] = 0;
    smp_start(&s, 1);
    smp_join(&s, 1);
    assert_int_equal(smp_peek(&s, 0x500), 2);
    assert_int_equal(smp_peek(&s, 0x504), 0x4000);
    /* an INIT stops it wherever it is, and the next one starts it again */
    cpu_set_event(ap, EV_INIT);
    smp_start(&s, 1);
    for (unsigned k = 0; k < 50; k++)
        nap();
    assert_int_equal(smp_peek(&s, 0x500), 2);
    atomic_store(&ap->sipi_vector, 0x40);
    cpu_set_event(ap, EV_SIPI);
    smp_join(&s, 1);
    assert_int_equal(smp_peek(&s, 0x500), 3);
    smp_free(&s);
}

/* ---- topology ---- */

static void check_topology(unsigned n, unsigned shift)
{
    struct smp s;

    smp_new(&s, n, false);
    for (unsigned k = 0; k < n; k++) {
        const struct cpu *cpu = smp_vcpu(&s, k);
        struct cpuid_regs r = cpuid_query(cpu, 1, 0);

        assert_int_equal(r.ebx >> 24, k);
        assert_int_equal(r.ebx >> 16 & 0xff, 1u << shift);
        assert_int_equal(r.edx >> 28 & 1, n > 1);
        r = cpuid_query(cpu, 4, 0); /* L1: one a core */
        assert_int_equal(r.eax >> 26, (1u << shift) - 1);
        assert_int_equal(r.eax >> 14 & 0xfff, 0);
        r = cpuid_query(cpu, 4, 3); /* L3: for all */
        assert_int_equal(r.eax >> 14 & 0xfff, (1u << shift) - 1);
        r = cpuid_query(cpu, 0xb, 0);
        assert_int_equal(r.eax, 0);
        assert_int_equal(r.ebx, 1);
        assert_int_equal(r.ecx, 0x100);
        assert_int_equal(r.edx, k);
        r = cpuid_query(cpu, 0xb, 1);
        assert_int_equal(r.eax, shift);
        assert_int_equal(r.ebx, n);
        assert_int_equal(r.ecx, 0x201);
        assert_int_equal(r.edx, k);
        r = cpuid_query(cpu, 0xb, 2);
        assert_int_equal(r.eax | r.ebx, 0);
        assert_int_equal(r.ecx, 2);
        assert_int_equal(r.edx, k);
    }
    smp_free(&s);
}

static void test_topology(void **state)
{
    (void)state;
    check_topology(1, 0);
    check_topology(2, 1);
    check_topology(3, 2);
    check_topology(8, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flush_returns_after_acknowledge),
        cmocka_unit_test(test_flush_waits_for_one_inside),
        cmocka_unit_test(test_flush_of_one_outside),
        cmocka_unit_test(test_flush_of_a_sleeper),
        cmocka_unit_test(test_split_lock_stops_the_others),
        cmocka_unit_test(test_lock_outlasts_a_flush),
        cmocka_unit_test(test_locked_swap_that_lost),
        cmocka_unit_test(test_flushes_cross),
        cmocka_unit_test(test_hook_in_the_middle_of_an_access),
        cmocka_unit_test(test_code_in_a_page_others_can_store_to),
        cmocka_unit_test(test_code_written_by_another),
        cmocka_unit_test(test_code_across_pages_written_by_another),
        cmocka_unit_test(test_code_written_by_dma),
        cmocka_unit_test(test_mark_counts_vcpus),
        cmocka_unit_test(test_cross_modifying_code),
        cmocka_unit_test(test_init_and_sipi),
        cmocka_unit_test(test_topology),
    };

    return unit_main(tests);
}
