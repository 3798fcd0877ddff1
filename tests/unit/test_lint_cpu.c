/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules about instructions: undefined-flag, split-lock, reserved-pte, reserved-bits and
 * triple-fault. Each with code that breaks it and code that comes close and does not.
 */
#include "tests/unit/cpu_fixture.h"
#include "tests/unit/lint_rig.h"

#define BYTES 40

static void run_code(struct fx *fx, const uint8_t *code, size_t len, unsigned insns)
{
    memcpy(fx->ram + FX_CODE, code, len);
    cpu_note_code_write(fx->cpu, FX_CODE, BYTES);
    fx->cpu->gpr[REG_RIP] = FX_CODE;
    fx_run(fx, insns);
}

/* Runs a program of n instructions in 64-bit mode, or 32-bit mode; with all rules on. */
static void run_for(bool wide, enum lint_rule r, uint64_t times, unsigned n, const uint8_t *code,
                    size_t len)
{
    struct fx *fx;

    lint_begin("all");
    fx = fx_new("max");
    if (wide)
        fx_long(fx, 0);
    else
        fx_prot(fx, 0);
    fx->cpu->gpr[REG_RAX] = 7;
    fx->cpu->gpr[REG_RBX] = 3;
    fx->cpu->gpr[REG_RCX] = 2;
    fx->cpu->gpr[REG_RDI] = 0x4000;
    run_code(fx, code, len, n);
    if (times)
        assert_true(lint_times(r) >= 1);
    lint_expect(r, times);
    fx_free(fx);
    lint_close();
}

#define CHECK(wide, rule, times, n, ...)                                                           \
    do {                                                                                           \
        static const uint8_t code_[] = {__VA_ARGS__};                                              \
        run_for(wide, rule, times, n, code_, sizeof(code_));                                       \
    } while (0)
#define FLAG(times, n, ...)   CHECK(true, LINT_UNDEFINED_FLAG, times, n, __VA_ARGS__)
#define FLAG32(times, n, ...) CHECK(false, LINT_UNDEFINED_FLAG, times, n, __VA_ARGS__)
#define SPLIT(times, n, ...)  CHECK(true, LINT_SPLIT_LOCK, times, n, __VA_ARGS__)

/* cpu_run's steps are blocks of their own, so these are about blocks in a row. */
static void flags_across_blocks(void **state)
{
    (void)state;
    FLAG(1, 2, 0xf7, 0xe3, 0x74, 0x00);             /* mul ebx; jz */
    FLAG(0, 2, 0xf7, 0xe3, 0x72, 0x00);             /* mul ebx; jc */
    FLAG(1, 3, 0xf7, 0xe3, 0x90, 0x0f, 0x94, 0xc0); /* mul; nop; setz al */
    FLAG(0, 3, 0xf7, 0xe3, 0x85, 0xc0, 0x74, 0x00); /* mul; test; jz */
    FLAG(0, 3, 0xf7, 0xe3, 0x9c, 0x9d);             /* mul; pushf; popf: saved, not used */
    FLAG(0, 4, 0xf7, 0xe3, 0x9c, 0x9d, 0x74, 0x00); /* ... and defined then */
    FLAG(0, 2, 0xf7, 0xe3, 0x9f);                   /* mul; lahf */
    FLAG(1, 3, 0xf7, 0xe3, 0xf9, 0x76, 0x00);       /* mul; stc; jbe: ZF still is */
    FLAG(1, 3, 0x31, 0xd2, 0xf7, 0xf3, 0x13, 0xc0) /* xor edx; div ebx; adc eax, eax */;
    FLAG(0, 2, 0x0f, 0xa3, 0xc3, 0x74, 0x00);                         /* bt: ZF stays as it was */
    FLAG(1, 2, 0x0f, 0xa3, 0xc3, 0x78, 0x00);                         /* bt; js */
    FLAG(1, 2, 0x0f, 0xbc, 0xc3, 0x72, 0x00);                         /* bsf; jc */
    FLAG(0, 2, 0x0f, 0xbc, 0xc3, 0x75, 0x00);                         /* bsf; jnz */
    FLAG(1, 3, 0x0f, 0xbc, 0xc3, 0x0f, 0x42, 0xc3, 0x0f, 0x42, 0xc3); /* bsf; cmovc twice: once */
}

static void flags_of_shifts(void **state)
{
    (void)state;
    FLAG(0, 2, 0xd1, 0xe0, 0x70, 0x00);                   /* shl eax, 1; jo */
    FLAG(1, 2, 0xc1, 0xe0, 0x02, 0x70, 0x00);             /* shl eax, 2; jo */
    FLAG(0, 2, 0xc1, 0xe0, 0x02, 0x72, 0x00);             /* shl eax, 2; jc */
    FLAG(0, 3, 0x01, 0xc0, 0xc1, 0xe0, 0x20, 0x70, 0x00); /* add; shl eax, 32: nothing; jo */
    FLAG(1, 3, 0xf7, 0xe3, 0xc1, 0xe0, 0x20, 0x74, 0x00); /* mul; shl eax, 32; jz */
    FLAG(0, 2, 0xd3, 0xe0, 0x70, 0x00);                   /* shl eax, cl; jo: who knows */
    FLAG(1, 2, 0xc0, 0xe0, 0x09, 0x72, 0x00);             /* shl al, 9; jc */
    FLAG(0, 2, 0xc0, 0xe8, 0x07, 0x72, 0x00);             /* shr al, 7; jc */
    FLAG(1, 2, 0xc1, 0xc0, 0x04, 0x70, 0x00);             /* rol eax, 4; jo */
    FLAG(0, 3, 0xc1, 0xc0, 0x04, 0xd1, 0xd0);             /* rol eax, 4; rcl eax, 1: CF is fine */
    FLAG32(1, 2, 0x24, 0x0f, 0x27);                       /* and al, 15; daa: AF */
    FLAG32(0, 2, 0x04, 0x0f, 0x27);                       /* add al, 15; daa */
}

/* One block, that is run as such: the loop's end is a HLT. */
static void flags_in_a_block(void **state)
{
    static const uint8_t bad[] = {0xf7, 0xe3, 0x90, 0x0f, 0x94, 0xc2, 0x74, 0x00, 0xf4};
    static const uint8_t good[] = {0xf7, 0xe3, 0x0f, 0x92, 0xc2, 0x70, 0x00, 0xf4};

    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct fx *fx;

        lint_begin("undefined-flag");
        fx = fx_new("max");
        fx_long(fx, 0);
        run_code(fx, k ? good : bad, k ? sizeof(good) : sizeof(bad), 0);
        assert_true(fx->cpu->halted);
        if (k) {
            lint_expect(LINT_UNDEFINED_FLAG, 0);
        } else { /* SETZ, and no more JZ: the flag was told of */
            lint_expect(LINT_UNDEFINED_FLAG, 1);
            lint_expect_text("8003 [sete dl]: depends on ZF, left undefined by "
                             "0000000000008000 [mul ebx]");
        }
        fx_free(fx);
    }
    lint_close();
}

/* INT saves and IRET loads what was undefined meanwhile. */
static void flags_of_events(void **state)
{
    struct fx *fx;
    static const uint8_t code[] = {0xf7, 0xe3, 0xcd, 0x30, 0x74, 0x00, 0xf4};

    (void)state;
    lint_begin("undefined-flag");
    fx = fx_new("max");
    fx_long(fx, 0);
    FX_PUT(fx, FX_HAND + 0x30 * 4, 0x48, 0xcf); /* iretq */
    run_code(fx, code, sizeof(code), 0);
    assert_true(fx->cpu->halted);
    lint_expect(LINT_UNDEFINED_FLAG, 0);
    fx_free(fx);
    lint_close();
}

static void split_locks(void **state)
{
    (void)state;
    SPLIT(1, 1, 0xf0, 0xff, 0x47, 0x3e);       /* lock inc dword [rdi+62] */
    SPLIT(0, 1, 0xff, 0x47, 0x3e);             /* without LOCK */
    SPLIT(0, 1, 0xf0, 0xff, 0x47, 0x3c);       /* up to the line's end */
    SPLIT(0, 1, 0xf0, 0x66, 0xff, 0x47, 0x3e); /* word */
    SPLIT(1, 1, 0x48, 0x87, 0x47, 0x39);       /* xchg [rdi+57], rax: locked anyway */
    SPLIT(0, 1, 0x48, 0x87, 0x47, 0x38);       /* xchg [rdi+56], rax */
    SPLIT(0, 1, 0x48, 0x87, 0xc3);             /* xchg of registers */
    SPLIT(1, 1, 0xf0, 0x0f, 0xc7, 0x4f, 0x3c); /* lock cmpxchg8b [rdi+60] */
    SPLIT(1, 1, 0xf0, 0x0f, 0xab, 0x47, 0x3d); /* lock bts [rdi+61], eax */
    SPLIT(1, 2, 0xb8, 0xe0, 0x01, 0x00, 0x00,  /* mov eax, 480: 60 bytes on */
          0xf0, 0x0f, 0xab, 0x47, 0x02);       /* lock bts [rdi+2], eax */
    SPLIT(0, 2, 0xb8, 0xe0, 0x01, 0x00, 0x00, 0xf0, 0x0f, 0xab, 0x07);
    CHECK(false, LINT_SPLIT_LOCK, 1, 1, 0xf0, 0xff, 0x47, 0x3e);
}

static void split_lock_is_done(void **state)
{
    static const uint8_t code[] = {0xf0, 0xff, 0x47, 0xfe};
    struct fx *fx;

    (void)state;
    lint_begin("split-lock");
    fx = fx_new("max");
    fx_long(fx, 0);
    fx->cpu->gpr[REG_RDI] = 0x4000;
    fx_wr(fx, 0x3ffe, 0x1ffff, 4);
    run_code(fx, code, sizeof(code), 1);
    assert_int_equal(fx_rd(fx, 0x3ffe, 4), 0x20000);
    lint_expect(LINT_SPLIT_LOCK, 1);
    lint_expect_text("locked access to 4 bytes at 3ffe crosses a cache line, and a page");
    fx_free(fx);
    lint_close();
}

static void reserved_entries(void **state)
{
    static const uint8_t code[] = {0x8a, 0x07}; /* mov al, [rdi] */
    static const struct {
        unsigned at; /* from FX_PML4 */
        uint64_t bits;
        const char *text; /* NULL: none */
    } cases[] = {
        {0, 1 << 7, "PML4 entry"},
        {0x2008, 1 << 13, "PD entry"},
        {0x2008, UINT64_C(1) << 51, "has reserved bits set: 8000000000000"},
        {0x2008, UINT64_C(1) << 63, "has reserved bits set: 8000000000000000"}, /* NXE is off */
        {0x2008, 1 << 9, NULL},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        struct fx *fx;
        uint64_t e;

        lint_begin("all,no-triple-fault,no-stale-tlb");
        fx = fx_new("max,phys-bits=40");
        fx_long(fx, 0);
        e = fx_rd(fx, FX_PML4 + cases[k].at, 8);
        fx_wr(fx, FX_PML4 + cases[k].at, e | cases[k].bits, 8);
        fx->cpu->gpr[REG_RDI] = 0x200000;
        run_code(fx, code, sizeof(code), 1);
        if (cases[k].text) {
            assert_true(lint_times(LINT_RESERVED_PTE) > 0);
            lint_expect_text(cases[k].text);
        } else {
            lint_expect(LINT_RESERVED_PTE, 0);
        }
        fx_free(fx);
    }
    lint_close();
}

#define REGISTER(text, ...)                                                                        \
    do {                                                                                           \
        static const uint8_t code_[] = {__VA_ARGS__};                                              \
        write_register(text, code_, sizeof(code_));                                                \
    } while (0)

static void write_register(const char *text, const uint8_t *code, size_t len)
{
    struct fx *fx;

    lint_begin("reserved-bits");
    fx = fx_new("max,phys-bits=40");
    fx_long(fx, 0);
    fx->cpu->cr4 |= CR4_OSFXSR;
    cpu_sync_mode(fx->cpu);
    fx_wr(fx, 0x4000, 0x10000, 4);
    fx_wr(fx, 0x4004, 0x1f80, 4);
    fx->cpu->gpr[REG_RDI] = 0x4000;
    fx->cpu->gpr[REG_RDX] = 0;
    run_code(fx, code, len, 3);
    lint_expect(LINT_RESERVED_BITS, text ? 1 : 0);
    if (text)
        lint_expect_text(text);
    fx_free(fx);
    lint_close();
}

static void reserved_registers(void **state)
{
    (void)state;
    REGISTER("CR4 := 80008020 sets bits that are reserved here: 80008000", 0xb8, 0x20, 0x80, 0x00,
             0x80, 0x0f, 0x22, 0xe0);
    REGISTER("CR4 := 0 asks for what cannot be in this mode", 0x31, 0xc0, 0x0f, 0x22, 0xe0);
    REGISTER(NULL, 0x0f, 0x20, 0xe0, 0x0c, 0x04, 0x0f, 0x22, 0xe0); /* CR4.TSD */
    REGISTER("CR0 := 80000091 sets bits that are reserved here: 80 (ignored)", 0xb8, 0x91, 0x00,
             0x00, 0x80, 0x0f, 0x22, 0xc0);
    REGISTER("CR3 := 10000000000 sets bits", 0x31, 0xc0, 0x48, 0x0f, 0xba, 0xe8, 0x28, 0x0f, 0x22,
             0xd8);
    REGISTER("MXCSR := 10000 sets bits that are reserved: 10000", 0x0f, 0xae, 0x17);
    REGISTER(NULL, 0x0f, 0xae, 0x57, 0x04);
    REGISTER("EFER := 4 sets bits that are reserved here: 4", 0xb9, 0x80, 0x00, 0x00, 0xc0, 0xb8,
             0x04, 0x00, 0x00, 0x00, 0x0f, 0x30);
    REGISTER(NULL, 0xb9, 0xef, 0xbe, 0xad, 0xde, 0x0f, 0x30); /* no such MSR: a question */
}

/* LLDT, LTR, a far return: one that is right, and one with bits that must be zero. */
static void reserved_in_descriptors(void **state)
{
    static const uint8_t lldt[] = {0x0f, 0x00, 0xd0}, ltr[] = {0x0f, 0x00, 0xd8},
                         lret[] = {0x48, 0xcb}, lar[] = {0x0f, 0x02, 0xc8};
    static const struct {
        const uint8_t *code;
        unsigned len;
        uint16_t type;
        uint64_t upper, times;
        const char *text;
    } cases[] = {
        {lldt, 3, SYS_LDT, 0, 0, NULL},
        {lldt, 3, SYS_LDT, 0x100, 1, "the upper half of descriptor c0 has reserved bits set"},
        {ltr, 3, SYS_TSS32, 0, 0, NULL},
        {ltr, 3, SYS_TSS32, 0x1000, 1, "the upper half of descriptor c0 has reserved bits set"},
        {lar, 3, SYS_LDT, 0x100, 0, NULL}, /* only looks */
        {lret, 2, SEG_S | SEG_T_CODE | SEG_L, 0, 0, NULL},
        {lret, 2, SEG_S | SEG_T_CODE | SEG_L | SEG_DB, 0, 1, "descriptor c0 has both L and D set"},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        struct fx *fx;

        lint_begin("reserved-bits");
        fx = fx_new("max");
        fx_long(fx, 0);
        fx_desc(fx, 0xc0, 0x3000, 0x67, SEG_P | cases[k].type);
        fx_wr(fx, FX_GDT + 0xc8, cases[k].upper << 32, 8);
        fx->cpu->gpr[REG_RAX] = 0xc0;
        fx_wr(fx, fx->cpu->gpr[REG_RSP], FX_CODE + 0x40, 8);
        fx_wr(fx, fx->cpu->gpr[REG_RSP] + 8, 0xc0, 8);
        run_code(fx, cases[k].code, cases[k].len, 1);
        lint_expect(LINT_RESERVED_BITS, cases[k].times);
        if (cases[k].text)
            lint_expect_text(cases[k].text);
        assert_int_equal(fx->cpu->gpr[REG_RIP] == FX_CODE + 3 ||
                             fx->cpu->gpr[REG_RIP] == FX_CODE + 0x40,
                         !cases[k].times);
        fx_free(fx);
        lint_close();
    }
}

static void triple_faults(void **state)
{
    static const uint8_t code[] = {0x0f, 0x0b};
    struct fx *fx;

    (void)state;
    lint_begin("all");
    fx = fx_new("max");
    fx_long(fx, 0);
    fx->cpu->idtr.limit = 0;
    run_code(fx, code, sizeof(code), 0);
    assert_int_equal(fx->why, CPU_EXIT_SHUTDOWN);
    lint_expect(LINT_TRIPLE_FAULT, 1);
    lint_expect_text("[ud2]: vector 13 while a double fault is delivered");
    fx_free(fx);
    lint_close();
}

/* Nothing is looked at that was not asked for. */
static void off(void **state)
{
    static const uint8_t code[] = {0xf0, 0xff, 0x47, 0xfe, 0xf7, 0xe3, 0x74, 0x00, 0xf4};
    struct fx *fx;

    (void)state;
    lint_begin("triple-fault");
    fx = fx_new("max");
    fx_long(fx, 0);
    fx->cpu->gpr[REG_RDI] = 0x4000;
    run_code(fx, code, sizeof(code), 0);
    lint_expect(LINT_TRIPLE_FAULT, 0);
    assert_false(fx->cpu->lint_blocks);
    fx_free(fx);
    lint_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_across_blocks),
        cmocka_unit_test(flags_of_shifts),
        cmocka_unit_test(flags_in_a_block),
        cmocka_unit_test(flags_of_events),
        cmocka_unit_test(split_locks),
        cmocka_unit_test(split_lock_is_done),
        cmocka_unit_test(reserved_entries),
        cmocka_unit_test(reserved_registers),
        cmocka_unit_test(reserved_in_descriptors),
        cmocka_unit_test(triple_faults),
        cmocka_unit_test(off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
