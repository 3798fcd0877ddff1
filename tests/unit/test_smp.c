/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locked instructions and the memory order of several vCPUs (SDM 3A, 9.1 and 9.2): every locked
 * form counts exactly, wherever its operand lies, also across pages, over code, and over a device;
 * only outcomes that the manual allows are seen.
 */
#include "tests/unit/smp_rig.h"

#include "base/bits.h"

#define CPUS   4
#define ROUNDS 3000u
#define COUNT  0x28000u /* what is counted without a lock, by who holds one */

/* Where the operand lies: in one cache line, across two, across two pages, in a page with code (the
 * program's own). */
static const struct place {
    const char *what;
    uint32_t addr;
} places[] = {
    {"aligned", 0x20000},
    {"unaligned", 0x20011},
    {"across cache lines", 0x2003e},
    {"across pages", 0x20ffe},
    {"in a page with code", FX_CODE + 0xe00},
    {"across pages, one with code", FX_CODE + 0xffe},
};

/* Runs the program on all vCPUs, for each place, with its address in rSI, COUNT's in rDI and the
 * rounds in rBP. Then the 32 bits at `place`, or at COUNT, must be all rounds' sum. */
static void count_everywhere(const struct prog *p, bool counted_at_place)
{
    for (unsigned at = 0; at < ARRAY_SIZE(places); at++) {
        struct smp s;

        smp_new(&s, CPUS, false);
        for (unsigned k = 0; k < CPUS; k++) {
            struct cpu *cpu = smp_vcpu(&s, k);

            smp_load(&s, k, FX_CODE, p);
            cpu->gpr[REG_RSI] = places[at].addr;
            cpu->gpr[REG_RDI] = COUNT;
            cpu->gpr[REG_RBP] = ROUNDS;
        }
        fx_wr(s.cpu[0].fx, places[at].addr, 0, 8);
        smp_go(&s);
        if (fx_rd(s.cpu[0].fx, counted_at_place ? places[at].addr : COUNT, 4) != CPUS * ROUNDS)
            fail_msg("%s: %u instead of %u", places[at].what,
                     (unsigned)fx_rd(s.cpu[0].fx, counted_at_place ? places[at].addr : COUNT, 4),
                     CPUS * ROUNDS);
        smp_free(&s);
    }
}

/* dec ebp; jnz to the start; done. */
static void again(struct prog *p)
{
    EMIT(p, 0x4d);
    prog_jump(p, 0x75, 0);
    prog_done(p);
}

static void test_lock_add(void **state)
{
    struct prog p = {.n = 0};

    (void)state;
    EMIT(&p, 0xf0, 0x83, 0x06, 0x01); /* lock add dword [esi], 1 */
    again(&p);
    count_everywhere(&p, true);
}

static void test_lock_sub_adc(void **state)
{
    struct prog p = {.n = 0};

    (void)state;
    EMIT(&p, 0xf0, 0x83, 0x2e, 0x01); /* lock sub dword [esi], 1 */
    EMIT(&p, 0xf9);                   /* stc */
    EMIT(&p, 0xf0, 0x83, 0x16, 0x01); /* lock adc dword [esi], 1 */
    again(&p);
    count_everywhere(&p, true);
}

static void test_lock_inc(void **state)
{
    struct prog p = {.n = 0};

    (void)state;
    EMIT(&p, 0xf0, 0xff, 0x06); /* lock inc dword [esi] */
    again(&p);
    count_everywhere(&p, true);
}

static void test_lock_xadd(void **state)
{
    struct prog p = {.n = 0};

    (void)state;
    EMIT(&p, 0xb8, 1, 0, 0, 0, 0xf0, 0x0f, 0xc1, 0x06); /* mov eax, 1; lock xadd [esi], eax */
    again(&p);
    count_everywhere(&p, true);
}

static void test_lock_cmpxchg(void **state)
{
    struct prog p = {.n = 0};

    (void)state;
    EMIT(&p, 0x8b, 0x06, 0x8d, 0x58, 0x01); /* mov eax, [esi]; lea ebx, [eax+1] */
    EMIT(&p, 0xf0, 0x0f, 0xb1, 0x1e);       /* lock cmpxchg [esi], ebx */
    prog_jump(&p, 0x75, 0);
    again(&p);
    count_everywhere(&p, true);
}

static void test_lock_cmpxchg8b(void **state)
{
    struct prog p = {.n = 0};

    (void)state;
    EMIT(&p, 0x8b, 0x06, 0x8b, 0x56, 0x04);       /* mov eax, [esi]; mov edx, [esi+4] */
    EMIT(&p, 0x89, 0xc3, 0x89, 0xd1);             /* mov ebx, eax; mov ecx, edx */
    EMIT(&p, 0x83, 0xc3, 0x01, 0x83, 0xd1, 0x00); /* add ebx, 1; adc ecx, 0 */
    EMIT(&p, 0xf0, 0x0f, 0xc7, 0x0e);             /* lock cmpxchg8b [esi] */
    prog_jump(&p, 0x75, 5);
    again(&p);
    count_everywhere(&p, true);
}

/* A spin lock by BTS and BTR, around an increment that is not locked. */
static void test_lock_bts(void **state)
{
    struct prog p = {.n = 0};

    (void)state;
    EMIT(&p, 0xf0, 0x0f, 0xba, 0x2e, 0x09); /* lock bts dword [esi], 9 */
    prog_jump(&p, 0x72, 0);
    EMIT(&p, 0xff, 0x07);                   /* inc dword [edi] */
    EMIT(&p, 0xf0, 0x0f, 0xba, 0x36, 0x09); /* lock btr dword [esi], 9 */
    again(&p);
    count_everywhere(&p, false);
}

/* A spin lock by XCHG, which needs no prefix. */
static void test_xchg(void **state)
{
    struct prog p = {.n = 0};

    (void)state;
    EMIT(&p, 0xb8, 1, 0, 0, 0, 0x87, 0x06, 0x85, 0xc0); /* mov eax, 1; xchg [esi], eax; test */
    prog_jump(&p, 0x75, 0);
    EMIT(&p, 0xff, 0x07, 0x31, 0xc0, 0x87, 0x06); /* inc dword [edi]; xor eax, eax; xchg */
    again(&p);
    count_everywhere(&p, false);
}

/* A byte and a word, each in one half of what others count as a whole: no neighbour is lost. */
static void test_sizes_side_by_side(void **state)
{
    struct prog bytes = {.n = 0}, words = {.n = 0};
    struct smp s;

    (void)state;
    EMIT(&bytes, 0xf0, 0x80, 0x06, 0x01); /* lock add byte [esi], 1 */
    again(&bytes);
    EMIT(&words, 0x66, 0xf0, 0x83, 0x06, 0x01); /* lock add word [esi], 1 */
    again(&words);
    smp_new(&s, CPUS, false);
    for (unsigned k = 0; k < CPUS; k++) {
        smp_load(&s, k, FX_CODE + 0x100 * k, k < 2 ? &bytes : &words);
        smp_vcpu(&s, k)->gpr[REG_RSI] = k < 2 ? 0x20000 + k : 0x20002 + 2 * (k - 2);
        smp_vcpu(&s, k)->gpr[REG_RBP] = ROUNDS;
    }
    smp_go(&s);
    assert_int_equal(fx_rd(s.cpu[0].fx, 0x20000, 1), ROUNDS & 0xff);
    assert_int_equal(fx_rd(s.cpu[0].fx, 0x20001, 1), ROUNDS & 0xff);
    assert_int_equal(fx_rd(s.cpu[0].fx, 0x20002, 2), ROUNDS);
    assert_int_equal(fx_rd(s.cpu[0].fx, 0x20004, 2), ROUNDS);
    smp_free(&s);
}

/* Two count in the low half of a word that lies across two pages, as a whole; two in its high half,
 * whose access is plain to the host. Neither may write back what the other has changed. */
static void test_split_and_whole_side_by_side(void **state)
{
    const unsigned rounds = 30000;
    struct prog split = {.n = 0}, high = {.n = 0};
    struct smp s;

    (void)state;
    EMIT(&split, 0xf0, 0x83, 0x06, 0x01); /* lock add dword [esi], 1 */
    again(&split);
    EMIT(&high, 0x66, 0xf0, 0x83, 0x06, 0x01); /* lock add word [esi], 1 */
    again(&high);
    smp_new(&s, CPUS, false);
    for (unsigned k = 0; k < CPUS; k++) {
        smp_load(&s, k, FX_CODE + 0x100 * k, k & 1 ? &high : &split);
        smp_vcpu(&s, k)->gpr[REG_RSI] = k & 1 ? 0x21000 : 0x20ffe;
        smp_vcpu(&s, k)->gpr[REG_RBP] = rounds;
    }
    smp_go(&s);
    assert_int_equal(fx_rd(s.cpu[0].fx, 0x20ffe, 2), 2 * rounds);
    assert_int_equal(fx_rd(s.cpu[0].fx, 0x21000, 2), 2 * rounds);
    smp_free(&s);
}

/* Locked accesses to a device and split ones go on side by side with others that hold the device
 * lock and flush: nobody waits for ever, nothing is lost. */
static void test_locks_and_devices_do_not_deadlock(void **state)
{
    struct prog split = {.n = 0}, device = {.n = 0}, wipe = {.n = 0}, mmio = {.n = 0};
    struct smp s;

    (void)state;
    EMIT(&split, 0xf0, 0x83, 0x06, 0x01);
    again(&split);
    EMIT(&device, 0xe6, SMP_LOCK);
    again(&device);
    EMIT(&wipe, 0xe6, SMP_WIPE);
    again(&wipe);
    EMIT(&mmio, 0xf0, 0x83, 0x06, 0x01);
    again(&mmio);
    smp_new(&s, 6, false);
    for (unsigned k = 0; k < 6; k++) {
        smp_load(&s, k, FX_CODE + 0x100 * k,
                 k < 2    ? &split
                 : k == 2 ? &device
                 : k == 3 ? &mmio
                          : &wipe);
        smp_vcpu(&s, k)->gpr[REG_RSI] = k == 3 ? 0xf0000000u : 0x20ffe;
        smp_vcpu(&s, k)->gpr[REG_RBP] = ROUNDS;
    }
    smp_go(&s);
    assert_int_equal(fx_rd(s.cpu[0].fx, 0x20ffe, 4), 2 * ROUNDS);
    /* each locked access of a device is a read and a write */
    assert_int_equal(s.accesses, (1 + 2 + 2) * ROUNDS);
    smp_free(&s);
}

/* A split locked access that faults lets the others go on. */
static void test_split_lock_faults(void **state)
{
    struct prog split = {.n = 0}, count = {.n = 0}, handler = {.n = 0};
    struct smp s;

    (void)state;
    EMIT(&split, 0xf0, 0x83, 0x06, 0x01);
    prog_done(&split);
    EMIT(&count, 0xf0, 0x83, 0x07, 0x01); /* lock add dword [edi], 1 */
    again(&count);
    prog_done(&handler);
    smp_new(&s, 2, false);
    for (unsigned v = 0; v < 0x20; v++)
        fx_gate(s.cpu[0].fx, FX_IDT + v * 8, FX_CS0, 0xa000, SYS_INT32, 0, 0);
    memcpy(s.cpu[0].fx->ram + 0xa000, handler.bytes, handler.n);
    smp_load(&s, 0, FX_CODE, &split);
    smp_load(&s, 1, FX_CODE + 0x100, &count);
    smp_vcpu(&s, 0)->gpr[REG_RSI] = 0x20ffe;
    fx_seg(s.cpu[0].fx, SEG_DS, FX_ROM); /* not to be written */
    cpu_sync_mode(smp_vcpu(&s, 0));
    smp_vcpu(&s, 1)->gpr[REG_RDI] = 0x21ffe;
    smp_vcpu(&s, 1)->gpr[REG_RBP] = ROUNDS;
    smp_go(&s);
    assert_int_equal(smp_vcpu(&s, 0)->gpr[REG_RSP], FX_STACK - 16); /* a fault with its code */
    assert_int_equal(fx_rd(s.cpu[0].fx, 0x20ffe, 4), 0);
    assert_int_equal(fx_rd(s.cpu[0].fx, 0x21ffe, 4), ROUNDS);
    smp_free(&s);
}

/* ---- order ---- */

/* Stores are seen in their order, loads are made in theirs: with y stored after x, who sees y sees
 * x. */
static void test_message_passing(void **state)
{
    struct prog w = {.n = 0}, r = {.n = 0};
    struct smp s;

    (void)state;
    EMIT(&w, 0x40, 0x89, 0x06, 0x89, 0x07, 0x39, 0xe8); /* inc eax; mov [esi], eax; [edi], eax */
    prog_jump(&w, 0x72, 0);                             /* below ebp: again */
    prog_done(&w);
    EMIT(&r, 0x8b, 0x07, 0x8b, 0x1e, 0x39, 0xc3); /* mov eax, [edi]; mov ebx, [esi]; cmp */
    prog_jump(&r, 0x73, r.n + 3);
    EMIT(&r, 0x42);       /* inc edx: x is older than y */
    EMIT(&r, 0x39, 0xe8); /* cmp eax, ebp */
    prog_jump(&r, 0x72, 0);
    prog_done(&r);
    smp_new(&s, 4, false);
    for (unsigned k = 0; k < 4; k++) {
        struct cpu *cpu = smp_vcpu(&s, k);

        smp_load(&s, k, k & 1 ? FX_CODE + 0x100 : FX_CODE, k & 1 ? &r : &w);
        cpu->gpr[REG_RAX] = cpu->gpr[REG_RDX] = 0;
        cpu->gpr[REG_RSI] = 0x20000 + (k >> 1) * 0x2000;
        cpu->gpr[REG_RDI] = 0x21000 + (k >> 1) * 0x2000;
        cpu->gpr[REG_RBP] = 300000;
    }
    smp_go(&s);
    assert_int_equal(smp_vcpu(&s, 1)->gpr[REG_RDX], 0);
    assert_int_equal(smp_vcpu(&s, 3)->gpr[REG_RDX], 0);
    smp_free(&s);
}

/* Each stores its round's number, fences, and notes what it sees of the other. In no round may both
 * have missed the other's store. */
static void store_buffering(const uint8_t *fence, unsigned fence_len)
{
    const unsigned rounds = 100000;
    struct prog p = {.n = 0};
    struct smp s;

    EMIT(&p, 0x40, 0x89, 0x06); /* inc eax; mov [esi], eax */
    prog_add(&p, fence, fence_len);
    EMIT(&p, 0x8b, 0x1f, 0x89, 0x1c, 0x82, 0x39, 0xe8); /* mov ebx, [edi]; mov [edx+eax*4], ebx */
    prog_jump(&p, 0x72, 0);
    prog_done(&p);
    smp_new(&s, 2, false);
    for (unsigned k = 0; k < 2; k++) {
        struct cpu *cpu = smp_vcpu(&s, k);

        smp_load(&s, k, FX_CODE, &p);
        cpu->gpr[REG_RAX] = 0;
        cpu->gpr[REG_RSI] = 0x20000 + k * 0x1000;
        cpu->gpr[REG_RDI] = 0x21000 - k * 0x1000;
        cpu->gpr[REG_RDX] = 0x100000 + k * 0x100000;
        cpu->gpr[REG_RBP] = rounds;
    }
    smp_go(&s);
    for (uint32_t n = 1; n <= rounds; n++) {
        if (fx_rd(s.cpu[0].fx, 0x100000 + n * 4, 4) < n &&
            fx_rd(s.cpu[0].fx, 0x200000 + n * 4, 4) < n)
            fail_msg("round %u: neither saw the other", n);
    }
    smp_free(&s);
}

static void test_store_buffering(void **state)
{
    static const uint8_t mfence[] = {0x0f, 0xae, 0xf0};
    static const uint8_t lock_or[] = {0xf0, 0x83, 0x0c, 0x24, 0x00}; /* lock or dword [esp], 0 */
    static const uint8_t xchg[] = {0x87, 0x0c, 0x24};                /* xchg ecx, [esp] */

    (void)state;
    store_buffering(mfence, sizeof(mfence));
    store_buffering(lock_or, sizeof(lock_or));
    store_buffering(xchg, sizeof(xchg));
}

/* Aligned accesses of 8 bytes are seen whole, whatever makes them: one stores words of equal
 * halves, the others must never read different ones. */
static void whole(const struct prog *store, bool with_sse)
{
    struct prog r = {.n = 0};
    struct smp s;

    EMIT(&r, 0x48, 0x8b, 0x06, 0x89, 0xc3, 0x48, 0xc1, 0xe8, 0x20); /* mov rax, [rsi]; halves */
    EMIT(&r, 0x39, 0xc3);                                           /* cmp ebx, eax */
    prog_jump(&r, 0x74, r.n + 4);
    EMIT(&r, 0xff, 0xc2); /* inc edx */
    EMIT(&r, 0x3d);       /* cmp eax, rounds */
    prog_imm32(&r, 100000);
    prog_jump(&r, 0x72, 0);
    prog_done(&r);
    smp_new(&s, 3, true);
    for (unsigned k = 0; k < 3; k++) {
        struct cpu *cpu = smp_vcpu(&s, k);

        if (with_sse) {
            cpu->cr4 |= CR4_OSFXSR;
            cpu_sync_mode(cpu);
        }
        smp_load(&s, k, k ? FX_CODE + 0x100 : FX_CODE, k ? &r : store);
        cpu->gpr[REG_RAX] = cpu->gpr[REG_RDX] = cpu->gpr[REG_RBP] = 0;
        cpu->gpr[REG_RSI] = k ? 0x20010 : 0x22000;
        cpu->gpr[REG_RDI] = 0x20010;
    }
    smp_go(&s);
    assert_int_equal(smp_vcpu(&s, 1)->gpr[REG_RDX], 0);
    assert_int_equal(smp_vcpu(&s, 2)->gpr[REG_RDX], 0);
    smp_free(&s);
}

/* ebp counts; rax is twice the count side by side. Ends with the store at [rdi]. */
static void make_halves(struct prog *p)
{
    EMIT(p, 0xff, 0xc5, 0x89, 0xe8);                   /* inc ebp; mov eax, ebp */
    EMIT(p, 0x48, 0x89, 0xc3, 0x48, 0xc1, 0xe3, 0x20); /* mov rbx, rax; shl rbx, 32 */
    EMIT(p, 0x48, 0x09, 0xd8);                         /* or rax, rbx */
}

static void repeat_halves(struct prog *p)
{
    EMIT(p, 0x81, 0xfd); /* cmp ebp, rounds */
    prog_imm32(p, 100000);
    prog_jump(p, 0x72, 0);
    prog_done(p);
}

static void test_aligned_is_whole(void **state)
{
    struct prog mov = {.n = 0}, stos = {.n = 0}, movs = {.n = 0}, sse = {.n = 0};

    (void)state;
    make_halves(&mov);
    EMIT(&mov, 0x48, 0x89, 0x07); /* mov [rdi], rax */
    repeat_halves(&mov);
    whole(&mov, false);

    make_halves(&stos);
    EMIT(&stos, 0x57, 0xb9, 4, 0, 0, 0, 0xf3, 0x48, 0xab, 0x5f); /* push rdi; rep stosq x 4; pop */
    repeat_halves(&stos);
    whole(&stos, false);

    make_halves(&movs);
    EMIT(&movs, 0x48, 0x89, 0x06, 0x48, 0x89, 0x46, 0x08); /* mov [rsi], rax; [rsi+8] */
    EMIT(&movs, 0x57, 0x56, 0xb9, 2, 0, 0, 0, 0xf3, 0x48, 0xa5, 0x5e, 0x5f); /* rep movsq x 2 */
    repeat_halves(&movs);
    whole(&movs, false);

    make_halves(&sse);
    EMIT(&sse, 0x66, 0x48, 0x0f, 0x6e, 0xc0); /* movq xmm0, rax */
    EMIT(&sse, 0x66, 0x0f, 0xd6, 0x07);       /* movq [rdi], xmm0 */
    EMIT(&sse, 0x66, 0x0f, 0x6c, 0xc0);       /* punpcklqdq xmm0, xmm0 */
    EMIT(&sse, 0x66, 0x0f, 0x7f, 0x07);       /* movdqa [rdi], xmm0 */
    repeat_halves(&sse);
    whole(&sse, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock_add),
        cmocka_unit_test(test_lock_sub_adc),
        cmocka_unit_test(test_lock_inc),
        cmocka_unit_test(test_lock_xadd),
        cmocka_unit_test(test_lock_cmpxchg),
        cmocka_unit_test(test_lock_cmpxchg8b),
        cmocka_unit_test(test_lock_bts),
        cmocka_unit_test(test_xchg),
        cmocka_unit_test(test_sizes_side_by_side),
        cmocka_unit_test(test_split_and_whole_side_by_side),
        cmocka_unit_test(test_locks_and_devices_do_not_deadlock),
        cmocka_unit_test(test_split_lock_faults),
        cmocka_unit_test(test_message_passing),
        cmocka_unit_test(test_store_buffering),
        cmocka_unit_test(test_aligned_is_whole),
    };

    return unit_main(tests);
}
