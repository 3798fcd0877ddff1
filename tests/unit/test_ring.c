/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of what was run last: which instructions it tells, with which bytes, and where blocks
 * were left. */
#include "tests/unit/cpu_fixture.h"

#include "cpu/blocks.h"
#include "cpu/ring.h"

/* In 32-bit code; programs end with a HLT. */
static struct fx *with_ring(unsigned n)
{
    struct fx *fx = fx_new("max");

    fx->cpu->ring = ring_new(fx->cpu, n);
    fx_prot(fx, 0);
    return fx;
}

/* Until the HLT. */
static void run(struct fx *fx, uint32_t rip)
{
    fx->cpu->halted = false;
    fx->cpu->gpr[REG_RIP] = rip;
    fx_run(fx, 0);
    assert_true(fx->cpu->halted);
}

static void expect(struct fx *fx, unsigned n, unsigned told, const char *text)
{
    char *buf;
    size_t len;
    FILE *f = open_memstream(&buf, &len);
    unsigned have = ring_tell(fx->cpu, n, f);

    fclose(f);
    assert_string_equal(buf, text);
    assert_int_equal(have, told);
    free(buf);
}

#define AT(a, text) "cpu0 0 0008:000000000000" a " " text "\n"

static void tells_the_last(void **state)
{
    struct fx *fx = with_ring(64);

    (void)state;
    FX_PUT(fx, FX_CODE, 0x90, 0xff, 0xc0, 0xeb, 0x01, 0xcc, 0xff, 0xcb, 0xf4);
    expect(fx, 10, 0, "");
    run(fx, FX_CODE);
    expect(fx, 100, 5,
           AT("8000", "nop") AT("8001", "inc eax") AT("8003", "jmp 0x8006") AT("8006", "dec ebx")
               AT("8008", "hlt"));
    expect(fx, 3, 3, AT("8003", "jmp 0x8006") AT("8006", "dec ebx") AT("8008", "hlt"));
    fx_free(fx);
}

/* A block is told up to the instruction that faulted, but whole when an interrupt came behind. */
static void deliveries(void **state)
{
    struct fx *fx = with_ring(64);

    (void)state;
    FX_PUT(fx, FX_CODE, 0x90, 0xf7, 0xf1, 0xff, 0xcb, 0xf4); /* nop; div ecx; dec ebx; hlt */
    fx->cpu->gpr[REG_RCX] = 0;
    run(fx, FX_CODE);
    expect(fx, 64, 3,
           AT("8000", "nop") AT("8001", "div ecx") AT("8001", "-- vector 00") AT("9000", "hlt"));
    run(fx, FX_CODE + 3);
    fx->cpu->halted = false;
    fx->cpu->gpr[REG_RIP] = FX_CODE;
    cpu_set_event(fx->cpu, EV_NMI);
    fx_run(fx, 0);
    expect(fx, 3, 3,
           AT("8003", "dec ebx") AT("8005", "hlt") AT("8000", "-- vector 02") AT("9008", "hlt"));
    fx_free(fx);
}

/* However long it runs, as many instructions are known as were asked for; no more are told. */
static void wraps(void **state)
{
    struct fx *fx = with_ring(5);

    (void)state;
    FX_PUT(fx, FX_CODE, 0xff, 0xc9, 0x75, 0xfc, 0xf4); /* dec ecx; jnz; hlt */
    fx->cpu->gpr[REG_RCX] = 100000;
    run(fx, FX_CODE);
    expect(fx, 100, 5,
           AT("8000", "dec ecx") AT("8002", "jne 0x8000") AT("8000", "dec ecx")
               AT("8002", "jne 0x8000") AT("8004", "hlt"));
    assert_null(ring_new(fx->cpu, 0));
    ring_free(NULL);
    fx_free(fx);
}

static void count_lines(struct fx *fx, unsigned n, unsigned lines)
{
    char *buf;
    size_t len;
    unsigned found = 0;
    FILE *f = open_memstream(&buf, &len);

    assert_int_equal(ring_tell(fx->cpu, n, f), lines);
    fclose(f);
    for (const char *p = buf; (p = strchr(p, '\n')); p++)
        found++;
    assert_int_equal(found, lines);
    free(buf);
}

/* Blocks of one instruction over many chunks: none is missing. */
static void keeps_enough(void **state)
{
    struct fx *fx = with_ring(20000);

    (void)state;
    FX_PUT(fx, FX_CODE, 0xe2, 0xfe, 0xf4); /* loop; hlt */
    fx->cpu->gpr[REG_RCX] = 19000;
    run(fx, FX_CODE);
    count_lines(fx, 20000, 19001);
    for (unsigned k = 0; k < 10; k++) {
        fx->cpu->gpr[REG_RCX] = 70000;
        run(fx, FX_CODE);
        count_lines(fx, 30000, 20000);
    }
    fx_free(fx);
}

/* An instruction that crosses into another page, faulting and not. */
static void across_pages(void **state)
{
    struct fx *fx = with_ring(8);

    (void)state;
    FX_PUT(fx, 0x200ffe, 0x8b, 0x81, 0x00, 0x00, 0x20, 0x00, 0xf4); /* mov eax, [ecx + …]; hlt */
    fx->cpu->gpr[REG_RCX] = 0;
    run(fx, 0x200ffe);
    fx_seg(fx, SEG_DS, 0);
    cpu_derive_segment(fx->cpu, SEG_DS, false);
    cpu_sync_mode(fx->cpu);
    run(fx, 0x200ffe);
    expect(fx, 8, 4,
           "cpu0 0 0008:0000000000200ffe mov eax, dword ptr [ecx + 0x200000]\n"
           "cpu0 0 0008:0000000000201004 hlt\n"
           "cpu0 0 0008:0000000000200ffe mov eax, dword ptr [ecx + 0x200000]\n"
           "cpu0 0 0008:0000000000200ffe -- vector 0d\n"
           "cpu0 0 0008:0000000000009034 hlt\n");
    fx_free(fx);
}

/* What has been overwritten since is told as it was run, each time. */
static void code_that_is_gone(void **state)
{
    struct fx *fx = with_ring(8);

    (void)state;
    FX_PUT(fx, FX_CODE, 0xff, 0xc0, 0xf4); /* inc eax; hlt */
    run(fx, FX_CODE);
    fx_wr(fx, FX_CODE + 1, 0xc8, 1); /* dec eax */
    cpu_note_code_write(fx->cpu, FX_CODE + 1, 1);
    run(fx, FX_CODE);
    fx_wr(fx, FX_CODE, 0, 4);
    cpu_note_code_write(fx->cpu, FX_CODE, 4);
    expect(fx, 8, 4,
           AT("8000", "inc eax") AT("8002", "hlt") AT("8000", "dec eax") AT("8002", "hlt"));
    fx_free(fx);
}

/* A block that rewrites what is behind in it: what it did begin, and then the new. */
static void code_that_changes_itself(void **state)
{
    struct fx *fx = with_ring(8);

    (void)state;
    /* mov byte ptr [0x8009], 0xc8; inc eax -> dec eax; inc eax; hlt */
    FX_PUT(fx, FX_CODE, 0xc6, 0x05, 0x09, 0x80, 0x00, 0x00, 0xc8, 0x90, 0xff, 0xc0, 0xff, 0xc0,
           0xf4);
    fx->cpu->gpr[REG_RAX] = 7;
    run(fx, FX_CODE);
    assert_int_equal(fx->cpu->gpr[REG_RAX], 7);
    expect(fx, 8, 5,
           AT("8000", "mov byte ptr [0x8009], 0xc8") AT("8007", "nop") AT("8008", "dec eax")
               AT("800a", "inc eax") AT("800c", "hlt"));
    fx_free(fx);
}

/* Blocks that are forgotten, and whose memory others get. */
static void forgotten_blocks(void **state)
{
    struct fx *fx = with_ring(4000);

    (void)state;
    FX_PUT(fx, FX_CODE, 0xff, 0xc0, 0xf4);              /* inc eax; hlt */
    FX_PUT(fx, FX_CODE + 0x10, 0x90, 0xff, 0xcb, 0xf4); /* nop; dec ebx; hlt */
    FX_PUT(fx, FX_CODE + 0x20, 0xe2, 0xfe, 0xf4);       /* loop; hlt */
    run(fx, FX_CODE);
    blocks_flush(fx->cpu);
    run(fx, FX_CODE + 0x10);
    expect(fx, 5, 5,
           AT("8000", "inc eax") AT("8002", "hlt") AT("8010", "nop") AT("8011", "dec ebx")
               AT("8013", "hlt"));
    for (unsigned k = 0; k < 3000; k++) { /* each time over a part of a chunk */
        fx->cpu->gpr[REG_RCX] = k % 7 + 1;
        run(fx, FX_CODE + 0x20);
        blocks_flush(fx->cpu);
    }
    count_lines(fx, 4000, 4000);
    run(fx, FX_CODE + 0x10);
    expect(fx, 4, 4, AT("8022", "hlt") AT("8010", "nop") AT("8011", "dec ebx") AT("8013", "hlt"));
    fx_free(fx);
}

/* Code that is not in RAM is in no cache. */
static void code_outside_ram(void **state)
{
    struct fx *fx = with_ring(8);

    (void)state;
    run(fx, 0x800000);
    expect(fx, 8, 2,
           "cpu0 0 0008:0000000000800000 (bad)\n"
           "cpu0 0 0008:0000000000800000 -- vector 06\n" AT("9018", "hlt"));
    fx_free(fx);
}

/* Privilege, selectors and bases are those of the time. */
static void contexts(void **state)
{
    struct fx *fx = with_ring(8);

    (void)state;
    FX_PUT(fx, FX_CODE, 0xcd, 0x30); /* int 0x30 */
    fx_ring(fx, FX_CS3, FX_DS3, 3);
    run(fx, FX_CODE);
    expect(fx, 8, 2,
           "cpu0 3 001b:0000000000008000 int 0x30\n"
           "cpu0 3 001b:0000000000008002 -- vector 30\n" AT("90c0", "hlt"));
    fx_free(fx);

    fx = fx_new("max");
    fx->cpu->ring = ring_new(fx->cpu, 8);
    FX_PUT(fx, FX_CODE, 0xea, 0x05, 0x00, 0x00, 0x08, 0xf4); /* jmp 0x800:5; hlt */
    fx_real(fx);
    run(fx, FX_CODE);
    expect(fx, 8, 2,
           "cpu0 0 0000:0000000000008000 ljmp 0x800:5\n"
           "cpu0 0 0800:0000000000000005 hlt\n");
    fx_free(fx);
}

/* Half of the address space away: RIP's high half is told, too. */
static void high_addresses(void **state)
{
    struct fx *fx = with_ring(8);

    (void)state;
    fx_long(fx, 0);
    fx_wr(fx, FX_PML4 + 511 * 8, (FX_PML4 + 0x1000) | 7, 8); /* the same there */
    FX_PUT(fx, FX_CODE, 0xff, 0xe0);                         /* jmp rax */
    FX_PUT(fx, FX_CODE + 0x10, 0x90, 0xf4);
    fx->cpu->gpr[REG_RAX] = UINT64_C(0xffffff8000008010);
    run(fx, FX_CODE);
    expect(fx, 8, 3,
           "cpu0 0 0038:0000000000008000 jmp rax\n"
           "cpu0 0 0038:ffffff8000008010 nop\n"
           "cpu0 0 0038:ffffff8000008011 hlt\n");
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_last),
        cmocka_unit_test(deliveries),
        cmocka_unit_test(wraps),
        cmocka_unit_test(keeps_enough),
        cmocka_unit_test(across_pages),
        cmocka_unit_test(code_that_is_gone),
        cmocka_unit_test(code_that_changes_itself),
        cmocka_unit_test(forgotten_blocks),
        cmocka_unit_test(code_outside_ram),
        cmocka_unit_test(contexts),
        cmocka_unit_test(high_addresses),
    };

    return unit_main(tests);
}
