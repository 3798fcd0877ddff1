/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who called whom: stacks with frame pointers, without them, with what only looks like a return
 * address, in all code sizes; and the profile made of it.
 */
#include "tests/unit/cpu_fixture.h"

#include <glib/gstdio.h>
#include <unistd.h>

#include "base/symbols.h"
#include "cpu/backtrace.h"
#include "cpu/peek.h"
#include "machine/profile.h"

#define OUTER  0x210000u /* functions, each with a call to the next at +0x10 */
#define MIDDLE 0x211000u
#define INNER  0x212000u

static void call_at(struct fx *fx, uint32_t at, uint32_t to)
{
    fx_wr(fx, at, 0xe8, 1);
    fx_wr(fx, at + 1, to - (at + 5), 4);
}

static struct fx *three_functions(bool wide)
{
    struct fx *fx = fx_new("max");

    if (wide)
        fx_long(fx, 0);
    else
        fx_prot(fx, 0);
    memset(fx->ram + OUTER, 0x90, 0x3000);
    call_at(fx, OUTER + 0x10, MIDDLE);
    fx_wr(fx, MIDDLE + 0x13, 0xd0ff, 2); /* call rax */
    cpu_sync_mode(fx->cpu);
    fx->cpu->gpr[REG_RIP] = INNER + 0x20;
    fx->cpu->gpr[REG_RSP] = FX_STACK - 0x100;
    fx->cpu->gpr[REG_RBP] = 0x1234567; /* some value */
    memset(fx->ram + FX_STACK - 0x100, 0, 0x100);
    symbols_clear();
    return fx;
}

/* A word of the stack, counted from the stack pointer. */
static void word(struct fx *fx, bool wide, unsigned n, uint64_t v)
{
    unsigned size = wide ? 8 : 4;

    fx_wr(fx, FX_STACK - 0x100 + n * size, v, size);
}

static void expect(struct fx *fx, unsigned n, ...)
{
    uint64_t pc[8];
    va_list ap;

    assert_int_equal(cpu_backtrace(fx->cpu, pc, 8), n);
    va_start(ap, n);
    for (unsigned k = 0; k < n; k++)
        assert_int_equal(pc[k], va_arg(ap, unsigned));
    va_end(ap);
}

static void by_frame_pointers(void **state)
{
    (void)state;
    for (unsigned wide = 0; wide < 2; wide++) {
        struct fx *fx = three_functions(wide);
        unsigned size = wide ? 8 : 4;

        /* a stale return address below the frame is not looked at */
        word(fx, wide, 1, OUTER + 0x15);
        fx->cpu->gpr[REG_RBP] = FX_STACK - 0x100 + 4 * size;
        word(fx, wide, 4, FX_STACK - 0x100 + 8 * size);
        word(fx, wide, 5, MIDDLE + 0x15);
        word(fx, wide, 8, 0);
        word(fx, wide, 9, OUTER + 0x15);
        expect(fx, 3, INNER + 0x20, MIDDLE + 0x15, OUTER + 0x15);
        fx_free(fx);
    }
}

static void by_looking(void **state)
{
    (void)state;
    for (unsigned wide = 0; wide < 2; wide++) {
        struct fx *fx = three_functions(wide);

        word(fx, wide, 0, 0xffffffff);
        word(fx, wide, 2, INNER + 5);     /* no call before it */
        word(fx, wide, 3, MIDDLE + 0x15); /* an indirect one */
        word(fx, wide, 6, FX_STACK);
        word(fx, wide, 7, OUTER + 0x15);
        expect(fx, 3, INNER + 0x20, MIDDLE + 0x15, OUTER + 0x15);
        fx_free(fx);
    }
}

/* A call to another function cannot have led here; with symbols that is exact. */
static void wrong_callee(void **state)
{
    struct fx *fx = three_functions(true);
    char *path;
    int fd = g_file_open_tmp("penumbra-map-XXXXXX", &path, NULL);

    (void)state;
    close(fd);
    word(fx, true, 1, OUTER + 0x15); /* calls MIDDLE: before INNER, and within reach */
    expect(fx, 2, INNER + 0x20, OUTER + 0x15);
    assert_true(
        g_file_set_contents(path, "210000 T outer\n211000 T middle\n212000 T inner\n", -1, NULL));
    assert_true(symbols_add_file(path, NULL));
    expect(fx, 1, INNER + 0x20);
    word(fx, true, 2, MIDDLE + 0x15);
    word(fx, true, 3, OUTER + 0x15);
    expect(fx, 3, INNER + 0x20, MIDDLE + 0x15, OUTER + 0x15);
    symbols_clear();
    g_unlink(path);
    g_free(path);
    fx_free(fx);
}

static void indirect_calls(void **state)
{
    static const struct {
        const char *code;
        unsigned len;
        bool is;
    } cases[] = {
        {"\xff\xd0", 2, true},                         /* call rax */
        {"\x41\xff\xd3", 3, true},                     /* call r11 */
        {"\xff\x10", 2, true},                         /* call [rax] */
        {"\xff\x50\x08", 3, true},                     /* call [rax+8] */
        {"\xff\x90\x00\x01\x00\x00", 6, true},         /* call [rax+0x100] */
        {"\xff\x15\x00\x01\x00\x00", 6, true},         /* call [rip+0x100] */
        {"\xff\x14\xc8", 3, true},                     /* call [rax+rcx*8] */
        {"\xff\x14\xc5\x00\x10\x00\x00", 7, true},     /* call [rax*8+0x1000] */
        {"\x41\xff\x94\xc0\x00\x10\x00\x00", 8, true}, /* call [r8+rax*8+0x1000] */
        {"\xff\xe0", 2, false},                        /* jmp rax */
        {"\xff\x30", 2, false},                        /* push [rax] */
        {"\x90\x90", 2, false},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        struct fx *fx = three_functions(true);

        memcpy(fx->ram + OUTER + 0x40 - cases[k].len, cases[k].code, cases[k].len);
        word(fx, true, 4, OUTER + 0x40);
        if (cases[k].is)
            expect(fx, 2, INNER + 0x20, OUTER + 0x40);
        else
            expect(fx, 1, INNER + 0x20);
        fx_free(fx);
    }
}

/* Stacks that lead nowhere, or in circles, end. */
static void odd_stacks(void **state)
{
    struct fx *fx = three_functions(true);
    uint64_t pc[1];

    (void)state;
    fx->cpu->gpr[REG_RSP] = 0x7fff00000000; /* nothing there */
    expect(fx, 1, INNER + 0x20);
    fx->cpu->gpr[REG_RSP] = 0x8000000000000000;
    fx->cpu->gpr[REG_RBP] = 0x8000000000000000;
    expect(fx, 1, INNER + 0x20);
    fx->cpu->gpr[REG_RSP] = FX_STACK - 0x100;
    fx->cpu->gpr[REG_RBP] = FX_STACK - 0x100;
    word(fx, true, 0, FX_STACK - 0x100); /* a frame that is its own caller */
    word(fx, true, 1, MIDDLE + 0x15);
    expect(fx, 2, INNER + 0x20, MIDDLE + 0x15);
    assert_int_equal(cpu_backtrace(fx->cpu, pc, 1), 1);
    fx_free(fx);
    fx = fx_new("max"); /* real mode */
    fx->cpu->gpr[REG_RIP] = 0x100;
    assert_int_equal(cpu_backtrace(fx->cpu, pc, 1), 1);
    assert_int_equal(pc[0], fx->cpu->code_base + 0x100);
    fx_free(fx);
}

static void peeks(void **state)
{
    struct fx *fx = three_functions(false);
    uint8_t buf[0x2000];

    (void)state;
    for (unsigned k = 0; k < sizeof(buf); k++)
        fx->ram[0x20ff0 + k] = (uint8_t)(k * 7);
    assert_int_equal(cpu_peek(fx->cpu, 0x20ff0, buf, sizeof(buf)), sizeof(buf));
    assert_memory_equal(buf, fx->ram + 0x20ff0, sizeof(buf));
    assert_int_equal(cpu_peek(fx->cpu, 0xf0000000, buf, 4), 0); /* nobody's */
    fx_free(fx);
}

static void folded(void **state)
{
    struct fx *fx = three_functions(true);
    struct profile *p = profile_new();
    char *path, *text;
    int fd = g_file_open_tmp("penumbra-map-XXXXXX", &path, NULL);

    (void)state;
    close(fd);
    assert_true(g_file_set_contents(path, "211000 T outer\n212000 T in;ner\n", -1, NULL));
    word(fx, true, 1, MIDDLE + 0x15);
    fx_wr(fx, MIDDLE + 0x10, 0xe8, 1); /* call INNER instead */
    fx_wr(fx, MIDDLE + 0x11, INNER - (MIDDLE + 0x15), 4);
    profile_take(p, fx->cpu);
    assert_true(symbols_add_file(path, NULL));
    profile_take(p, fx->cpu);
    profile_take(p, fx->cpu);
    assert_int_equal(profile_samples(p), 3);
    assert_true(profile_write(p, path, NULL));
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_string_equal(text, "kernel;0x211000;0x212000 1\nkernel;outer;in_ner 2\n");
    g_free(text);
    assert_false(profile_write(p, "/nowhere/at/all", NULL));
    profile_free(p);
    symbols_clear();
    g_unlink(path);
    g_free(path);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_frame_pointers),
        cmocka_unit_test(by_looking),
        cmocka_unit_test(wrong_callee),
        cmocka_unit_test(indirect_calls),
        cmocka_unit_test(odd_stacks),
        cmocka_unit_test(peeks),
        cmocka_unit_test(folded),
    };

    return unit_main(tests);
}
