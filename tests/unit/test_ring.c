/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of what was run last: which instructions it tells, and where blocks were left. */
#include "tests/unit/cpu_fixture.h"

#include "cpu/blocks.h"
#include "cpu/ring.h"

/* nop; inc eax; div ecx; dec ebx; jmp back to the nop */
#define LOOP 0x90, 0xff, 0xc0, 0xf7, 0xf1, 0xff, 0xcb, 0xeb, 0xf7

static struct fx *with_loop(void)
{
    struct fx *fx = fx_new("max");

    fx_prot(fx, 0);
    FX_PUT(fx, FX_CODE, LOOP);
    cpu_sync_mode(fx->cpu);
    return fx;
}

static void enter(struct ring *r, struct fx *fx, uint32_t rip)
{
    fx->cpu->gpr[REG_RIP] = rip;
    ring_block(r, fx->cpu, blocks_lookup(fx->cpu));
}

static void deliver(struct ring *r, struct fx *fx, uint32_t rip, unsigned vector, int kind)
{
    struct cpu_event ev = {.vector = (uint8_t)vector, .kind = kind};

    ring_event(r, fx->cpu, &ev, rip);
}

static void expect(struct ring *r, struct fx *fx, unsigned n, unsigned told, const char *text)
{
    char *buf;
    size_t len;
    FILE *f = open_memstream(&buf, &len);

    assert_int_equal(ring_tell(r, fx->cpu, n, f), told);
    fclose(f);
    assert_string_equal(buf, text);
    free(buf);
}

#define AT(a, text) "cpu0 0 0008:000000000000" a " " text "\n"

static void tells_the_last(void **state)
{
    struct fx *fx = with_loop();
    struct ring *r = ring_new(64);

    (void)state;
    expect(r, fx, 10, 0, "");
    enter(r, fx, FX_CODE);
    enter(r, fx, FX_CODE + 5);
    expect(r, fx, 100, 7,
           AT("8000", "nop") AT("8001", "inc eax") AT("8003", "div ecx") AT("8005", "dec ebx")
               AT("8007", "jmp 0x8000") AT("8005", "dec ebx") AT("8007", "jmp 0x8000"));
    expect(r, fx, 3, 3, AT("8007", "jmp 0x8000") AT("8005", "dec ebx") AT("8007", "jmp 0x8000"));
    ring_free(r);
    fx_free(fx);
}

/* The block is told up to the instruction that faulted, but whole when an interrupt came behind. */
static void deliveries(void **state)
{
    struct fx *fx = with_loop();
    struct ring *r = ring_new(64);

    (void)state;
    enter(r, fx, FX_CODE);
    deliver(r, fx, FX_CODE + 3, EXC_DE, EVK_FAULT);
    expect(r, fx, 100, 3,
           AT("8000", "nop") AT("8001", "inc eax") AT("8003", "div ecx")
               AT("8003", "-- vector 00"));
    enter(r, fx, FX_CODE + 5);
    deliver(r, fx, FX_CODE + 5, EXC_NMI, EVK_NMI);
    expect(r, fx, 2, 2, AT("8005", "dec ebx") AT("8007", "jmp 0x8000") AT("8005", "-- vector 02"));
    ring_free(r);
    fx_free(fx);
}

/* However long it runs, as many instructions are known as were asked for. */
static void wraps(void **state)
{
    struct fx *fx = with_loop();
    struct ring *r = ring_new(5);

    (void)state;
    for (unsigned k = 0; k < 1000; k++)
        enter(r, fx, FX_CODE + 7); /* blocks of one */
    enter(r, fx, FX_CODE + 5);
    expect(r, fx, 5, 5,
           AT("8007", "jmp 0x8000") AT("8007", "jmp 0x8000") AT("8007", "jmp 0x8000")
               AT("8005", "dec ebx") AT("8007", "jmp 0x8000"));
    assert_null(ring_new(0));
    ring_free(r);
    ring_free(NULL);
    fx_free(fx);
}

/* An instruction that crosses into another page, wherever that is. */
static void across_pages(void **state)
{
    struct fx *fx = with_loop();
    struct ring *r = ring_new(8);

    (void)state;
    FX_PUT(fx, 0x201ffe, 0xb8, 0x01, 0x02, 0x03, 0x04); /* mov eax, 0x4030201 */
    enter(r, fx, 0x201ffe);
    deliver(r, fx, 0x201ffe, EXC_PF, EVK_FAULT);
    enter(r, fx, 0x201ffe);
    expect(r, fx, 8, 2,
           "cpu0 0 0008:0000000000201ffe mov eax, 0x4030201\n"
           "cpu0 0 0008:0000000000201ffe -- vector 0e\n"
           "cpu0 0 0008:0000000000201ffe mov eax, 0x4030201\n");
    ring_free(r);
    fx_free(fx);
}

/* What has been overwritten since is told as it is now. */
static void code_that_is_gone(void **state)
{
    struct fx *fx = with_loop();
    struct ring *r = ring_new(8);

    (void)state;
    enter(r, fx, FX_CODE + 5);
    fx_wr(fx, FX_CODE + 5, 0xffff, 2);
    expect(r, fx, 8, 1, AT("8005", "(bad)"));
    ring_free(r);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_last),
        cmocka_unit_test(deliveries),
        cmocka_unit_test(wraps),
        cmocka_unit_test(across_pages),
        cmocka_unit_test(code_that_is_gone),
    };

    return unit_main(tests);
}
