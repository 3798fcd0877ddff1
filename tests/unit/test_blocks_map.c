/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block cache against what decides where code is and what it means: linear aliases, remapped
 * pages, modes, segment bases and limits, and RIP-relative operands at the ends of their range. SDM
 * volume 3A, 4.10 (translation caching), 5.3 (limits); volume 1, 3.5. Changing code is in
 * test_blocks.c.
 */
#include "tests/unit/blocks_rig.h"

/* ---- pages ---- */

#define LIN    0x600000u /* 4 KiB pages, by a page table at PT */
#define PT     0x14000u
#define FRAME  0x200000u /* physical pages for them: FRAME + n * 4096 */
#define PAGE_0 (FRAME + 0u)
#define PAGE_1 (FRAME + 0x1000u)
#define PAGE_2 (FRAME + 0x2000u)
#define PAGE_3 (FRAME + 0x3000u)

static void map(struct fx *fx, unsigned n, uint32_t frame)
{
    fx_wr(fx, PT + n * 8, frame | 7, 8);
}

static struct fx *paged_new(void)
{
    struct fx *fx = rig_new(MODE_64);

    fx_wr(fx, FX_PML4 + 0x2000 + 2 * 8, 0xe7, 8); /* 400000 up: an alias of 0 up */
    fx_wr(fx, FX_PML4 + 0x2000 + 3 * 8, PT | 7, 8);
    for (unsigned n = 0; n < 8; n++)
        map(fx, n, FRAME + n * 0x1000);
    return fx;
}

/* Code reached by one linear address, written through another. */
static void alias_write(void **state)
{
    struct fx *fx = paged_new();
    struct asm_at a = {fx, FX_CODE, MODE_64}, b = {fx, FX_CODE + 0x100, MODE_64};

    (void)state;
    EMIT(&b, "\x04\x01"); /* add al, 1 */
    emit_jump(&b, JMP, FX_CODE + 0x200);
    b.at = FX_CODE + 0x200;
    emit_store8(&b, 0x400000 + FX_CODE + 0x101, 0x10);
    emit_loop(&b, FX_CODE);
    EMIT(&b, "\xf4");
    emit_jump(&a, JMP, FX_CODE + 0x100);
    fx->cpu->gpr[REG_RCX] = 4;
    rig_go(fx, FX_CODE);
    assert_int_equal(AL(fx), 0x31);
    fx->cpu->gpr[REG_RCX] = 2;
    rig_go(fx, 0x400000 + FX_CODE); /* the alias runs the same code */
    assert_int_equal(AL(fx), 0x51);
    fx_free(fx);
}

/* A loop in one page calls a page that is remapped each time round, by the PTE and INVLPG or CR3.
 */
static void remap(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 2; how++) {
        struct fx *fx = paged_new();
        struct asm_at a = {fx, FX_CODE, MODE_64};

        for (unsigned n = 0; n < 2; n++) {
            struct asm_at x = {fx, FRAME + n * 0x1000, MODE_64};

            if (n == 0)
                EMIT(&x, "\x04\x01");
            else
                EMIT(&x, "\x90\x04\x10");
            EMIT(&x, "\xc3");
        }
        EMIT(&a, "\xbe\x00\x00\x60\x00\xff\xd6"); /* mov esi, 600000; call rsi */
        EMIT(&a, "\x80\x34\x25"); /* xor byte [PT + 1], 10: frames 0 and 1 in turn */
        emit_num(&a, PT + 1, 4);
        EMIT(&a, "\x10");
        if (how == 0)
            EMIT(&a, "\x0f\x01\x3e"); /* invlpg [rsi] */
        else
            EMIT(&a, "\x0f\x20\xda\x0f\x22\xda"); /* mov rdx, cr3; mov cr3, rdx */
        emit_loop(&a, FX_CODE);
        EMIT(&a, "\xf4");
        fx->cpu->gpr[REG_RCX] = 5;
        rig_go(fx, FX_CODE);
        assert_int_equal(AL(fx), 0x23);
        fx_free(fx);
    }
}

/* 05 imm32 with its last two bytes in the next page, then RET there. `caller`, in the instruction's
 * own page, jumps to it: a chain within the page. */
static void put_straddling(struct fx *fx, uint32_t frame)
{
    struct asm_at s = {fx, frame + 0xffd, MODE_64}, c = {fx, frame + 0xf00, MODE_64};

    EMIT(&s, "\x05\x01\x00");
    EMIT(&c, "\x90\xe9");
    emit_num(&c, 0xffd - 0xf06, 4);
}

static void put_rest(struct fx *fx, uint32_t frame, unsigned val)
{
    struct asm_at r = {fx, frame, MODE_64};

    emit_num(&r, val, 2);
    EMIT(&r, "\xc3");
}

/* The second page of an instruction is remapped while its first stays. */
static void remap_second_page(void **state)
{
    struct fx *fx = paged_new();
    struct asm_at a = {fx, FX_CODE, MODE_64};

    (void)state;
    put_straddling(fx, PAGE_0);
    put_rest(fx, PAGE_1, 0x10);
    put_rest(fx, PAGE_3, 0x20);
    EMIT(&a, "\xbe\x00\x0f\x60\x00\xff\xd6"); /* mov esi, 600f00; call rsi */
    EMIT(&a, "\x80\x34\x25");                 /* page 1: frame 1 and 3 in turn */
    emit_num(&a, PT + 8 + 1, 4);
    EMIT(&a, "\x20\x0f\x01\xbe\x00\x01\x00\x00"); /* invlpg [rsi + 100] */
    emit_loop(&a, FX_CODE);
    EMIT(&a, "\xf4");
    fx->cpu->gpr[REG_RCX] = 4;
    rig_go(fx, FX_CODE);
    assert_int_equal(fx->cpu->gpr[REG_RAX], 4 + 2 * 0x100000 + 2 * 0x200000);
    fx_free(fx);
}

/* The same first page stands twice in linear memory, before different second ones. */
static void two_second_pages(void **state)
{
    struct fx *fx = paged_new();
    struct asm_at a = {fx, FX_CODE, MODE_64};

    (void)state;
    put_straddling(fx, PAGE_0);
    put_rest(fx, PAGE_1, 0x10);
    put_rest(fx, PAGE_3, 0x20);
    map(fx, 2, PAGE_0); /* LIN + 2000: PAGE_0, then PAGE_3 */
    EMIT(&a, "\xbe\x00\x0f\x60\x00\xff\xd6\xbe\x00\x2f\x60\x00\xff\xd6");
    emit_loop(&a, FX_CODE);
    EMIT(&a, "\xf4");
    fx->cpu->gpr[REG_RCX] = 3;
    rig_go(fx, FX_CODE);
    assert_int_equal(fx->cpu->gpr[REG_RAX], 6 + 3 * 0x100000 + 3 * 0x200000);
    fx_free(fx);
}

/* Both halves of an instruction in one physical page, which is then written in either half. */
static void folded_page(void **state)
{
    struct fx *fx = paged_new();
    struct asm_at a = {fx, FX_CODE, MODE_64};

    (void)state;
    put_straddling(fx, PAGE_0);
    put_rest(fx, PAGE_0, 0x10);
    map(fx, 1, PAGE_0);
    EMIT(&a, "\xbe\x00\x0f\x60\x00\xff\xd6");
    emit_store8(&a, PAGE_0, 0x20); /* high half of the immediate */
    EMIT(&a, "\xff\xd6");
    emit_store8(&a, PAGE_0 + 0xffe, 0x02); /* low half */
    EMIT(&a, "\xff\xd6\xf4");
    fx_wr(fx, FX_PML4 + 0x2000 + 8, 0x2000e7, 8);
    rig_go(fx, FX_CODE);
    assert_int_equal(fx->cpu->gpr[REG_RAX], 0x100001 + 0x200001 + 0x200002);
    fx_free(fx);
}

/* ---- modes ---- */

/* b8 34 12 eb 08 90: in 16-bit code MOV AX, JMP; in 32-bit code MOV EAX, NOP. Far jumps between. */
static void same_bytes_16_32(void **state)
{
    struct fx *fx = rig_new(MODE_32);
    struct asm_at a = {fx, FX_CODE, MODE_32}, x = {fx, 0xa000, MODE_32};

    (void)state;
    EMIT(&x, "\xb8\x34\x12\xeb\x08\x90\xc3");
    x.at = 0xa00d;
    EMIT(&x, "\x66\xea"); /* jmp far CS0:8020 */
    emit_num(&x, 0x8020, 4);
    emit_num(&x, FX_CS0, 2);
    emit_jump(&a, 0xe8, 0xa000);      /* call */
    EMIT(&a, "\x01\xc3\x31\xc0\xea"); /* add ebx, eax; xor eax, eax; jmp far CS16:a000 */
    emit_num(&a, 0xa000, 4);
    emit_num(&a, FX_CS16, 2);
    a.at = 0x8020;
    EMIT(&a, "\x01\xc3"); /* add ebx, eax */
    emit_loop(&a, FX_CODE);
    EMIT(&a, "\xf4");
    fx->cpu->gpr[REG_RCX] = 5;
    rig_go(fx, FX_CODE);
    assert_int_equal(fx->cpu->gpr[REG_RBX], 5 * (0x08eb1234 + 0x1234));
    fx_free(fx);
}

/* 48 ff c0: INC RAX, or DEC EAX, INC EAX. 64-bit code and compatibility code take turns. */
static void same_bytes_32_64(void **state)
{
    struct fx *fx = rig_new(MODE_64);
    struct asm_at a = {fx, FX_CODE, MODE_64}, x = {fx, 0xa000, MODE_64};

    (void)state;
    EMIT(&x, "\x48\xff\xc0\xc3");
    emit_jump(&a, 0xe8, 0xa000);
    EMIT(&a, "\x6a\x08\x68\x00\x82\x00\x00\x48\xcb"); /* push CS0; push 8200; retfq */
    a.at = 0x8200;
    emit_jump(&a, 0xe8, 0xa000);
    EMIT(&a, "\xea"); /* jmp far CS64:8300 */
    emit_num(&a, 0x8300, 4);
    emit_num(&a, FX_CS64, 2);
    a.at = 0x8300;
    emit_loop(&a, FX_CODE);
    EMIT(&a, "\xf4");
    fx->cpu->gpr[REG_RCX] = 5;
    rig_go(fx, FX_CODE);
    assert_int_equal(fx->cpu->gpr[REG_RAX], 5);
    fx_free(fx);
}

/* One physical address as 0000:a000 and as 0a00:0000: IP differs. */
static void segment_base(void **state)
{
    struct fx *fx = rig_new(MODE_16);
    struct asm_at a = {fx, FX_CODE, MODE_16}, x = {fx, 0xa000, MODE_16};

    (void)state;
    EMIT(&x, "\xe8\x00\x00\x58\x01\xc3\xcb"); /* call next; pop ax; add bx, ax; retf */
    EMIT(&a, "\x9a\x00\xa0\x00\x00\x9a\x00\x00\x00\x0a");
    emit_loop(&a, FX_CODE);
    EMIT(&a, "\xf4");
    fx->cpu->gpr[REG_RCX] = 3;
    rig_go(fx, FX_CODE);
    assert_int_equal(fx->cpu->gpr[REG_RBX], 3 * (0xa003 + 3) % 0x10000);
    fx_free(fx);
}

/* CR0.TS set over a cached FPU instruction; DS made smaller over a cached store. */
static void state_of_the_machine(void **state)
{
    struct fx *fx = rig_new(MODE_32);
    struct asm_at a = {fx, FX_CODE, MODE_32}, x = {fx, 0xa000, MODE_32};

    (void)state;
    EMIT(&x, "\xdb\xe3\xc6\x05\x00\xb8\x00\x00\x05\xf4"); /* fninit; mov byte [b800], 5; hlt */
    rig_go(fx, 0xa000);
    assert_int_equal(fx_rd(fx, 0xb800, 1), 5);
    EMIT(&a, "\x0f\x20\xc0\x83\xc8\x08\x0f\x22\xc0"); /* cr0 |= TS */
    emit_jump(&a, JMP, 0xa000);
    rig_go(fx, FX_CODE);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_NM * 4 + 1);
    assert_int_equal(fx_stk4(fx, 0), 0xa000);
    fx->cpu->gpr[REG_RSP] = FX_STACK;
    fx_desc(fx, 0x90, 0, 0xb7ff, FX_ATTR_DATA | SEG_DB);
    a.at = FX_CODE;
    EMIT(&a, "\x0f\x06\xb8\x90\x00\x00\x00\x8e\xd8"); /* clts; mov eax, 90; mov ds, eax */
    emit_jump(&a, JMP, 0xa000);
    cpu_note_code_write(fx->cpu, FX_CODE, 64);
    rig_go(fx, FX_CODE);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_GP * 4 + 1);
    assert_int_equal(fx_stk4(fx, 1), 0xa002);
    fx_free(fx);
}

/* ---- limits ---- */

#define X     0xa000u
#define SEL_A 0x90 /* the whole program */
#define SEL_B 0x98 /* cut short */

/* Enters sel:8000 by a far jump from flat code, whence a near jump leads to X. */
static void enter(struct fx *fx, unsigned sel, uint32_t base)
{
    struct asm_at a = {fx, 0x8800, MODE_32};

    EMIT(&a, "\xea");
    emit_num(&a, FX_CODE - base, 4);
    emit_num(&a, sel, 2);
    cpu_note_code_write(fx->cpu, 0x8800, 16);
    fx_ring(fx, FX_CS0, FX_DS0, 0);
    fx->cpu->gpr[REG_RAX] = 0;
    rig_go(fx, 0x8800);
}

struct limit_case {
    const char *what, *code;
    unsigned n;    /* bytes of code, at X */
    unsigned room; /* of them inside the segment */
    unsigned fault, eax;
};

#define INCS8 "\x40\x40\x40\x40\x40\x40\x40\x40"
static const struct limit_case limit_cases[] = {
    {"between instructions", INCS8 "\xf4", 9, 4, 4, 4},
    {"behind the first", INCS8 "\xf4", 9, 1, 1, 1},
    {"at the last", INCS8 "\xf4", 9, 8, 8, 8},
    {"inside one", "\x40\xbb\x01\x02\x03\x04\x40\xf4", 8, 4, 1, 1},
    {"inside one, last byte", "\x40\x81\xc3\x01\x00\x01\x00\x40\xf4", 9, 3, 1, 1},
    {"behind a branch not taken", "\x40\x84\xc0\x74\x01\x40\xf4", 7, 5, 5, 1},
    {"behind a long one", "\x40\x84\xc0\x0f\x84\x01\x00\x00\x00\x40\xf4", 11, 5, 3, 1},
    {"behind LOOP not taken", "\x40\xb9\x01\x00\x00\x00\xe2\xf8\x40\xf4", 10, 8, 8, 1},
    {"target outside", "\x40\xeb\x02\x40\x40\x40\xf4", 7, 4, 1, 1},
    {"target of a taken one", "\x40\x84\xc0\x75\x02\x40\x40\x40\xf4", 9, 6, 3, 1},
    {"behind CALL", "\x40\xe8\x00\x00\x00\x00\x40\xf4", 8, 6, 1, 1},
};

static void put_program(struct fx *fx, const struct limit_case *c)
{
    struct asm_at a = {fx, FX_CODE, MODE_32};

    memcpy(fx->ram + X, c->code, c->n);
    emit_jump(&a, JMP, X);
}

static void assert_fault(struct fx *fx, uint32_t eip, unsigned eax, const char *what)
{
    if (fx_rip(fx) != FX_HAND + EXC_GP * 4 + 1 || fx_stk4(fx, 1) != eip)
        print_message("# %s: rip %x, pushed %x, eax %x\n", what, (unsigned)fx_rip(fx),
                      fx_stk4(fx, 1), (unsigned)fx->cpu->gpr[REG_RAX]);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_GP * 4 + 1);
    assert_int_equal(fx_stk4(fx, 0), 0);
    assert_int_equal(fx_stk4(fx, 1), eip);
    assert_int_equal(fx->cpu->gpr[REG_RAX], eax);
}

/* The program runs whole, is cached and chained, then runs again in a segment that ends inside it.
 * Also where the base is not 0, and the other way round. */
static void limit_shrinks(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 4 * ARRAY_SIZE(limit_cases); n++) {
        const struct limit_case *c = &limit_cases[n / 4];
        uint32_t base = n & 1 ? 0x1000 : 0, limit = X + c->room - 1 - base;
        struct fx *fx = rig_new(MODE_32);

        fx_desc(fx, SEL_A, 0, 0xbfff, FX_ATTR_CODE | SEG_DB);
        fx_desc(fx, SEL_B, base, limit, FX_ATTR_CODE | SEG_DB);
        put_program(fx, c);
        if (n & 2) { /* cut first */
            enter(fx, SEL_B, base);
            assert_fault(fx, X + c->fault - base, c->eax, c->what);
        }
        for (unsigned k = 0; k < 2; k++) {
            enter(fx, SEL_A, 0);
            if (c->code[1] != '\xe8') /* the CALL's next instruction is its target: on and on */
                assert_int_equal(fx_rip(fx), X + c->n);
            enter(fx, SEL_B, base);
            assert_fault(fx, X + c->fault - base, c->eax, c->what);
        }
        fx_free(fx);
    }
}

/* Straight code over several blocks: the limit ends it between two of them, and in their middle. */
static void limit_between_blocks(void **state)
{
    (void)state;
    for (unsigned room = 60; room <= 140; room++) {
        struct fx *fx = rig_new(MODE_32);
        struct limit_case c = {.what = "long", .code = INCS8, .n = 8};

        fx_desc(fx, SEL_A, 0, 0xbfff, FX_ATTR_CODE | SEG_DB);
        fx_desc(fx, SEL_B, 0, X + room - 1, FX_ATTR_CODE | SEG_DB);
        put_program(fx, &c);
        memset(fx->ram + X, 0x40, 200);
        fx_wr(fx, X + 200, 0xf4, 1);
        enter(fx, SEL_A, 0);
        assert_int_equal(fx->cpu->gpr[REG_RAX], 200);
        enter(fx, SEL_B, 0);
        assert_fault(fx, X + room, room, "long");
        enter(fx, SEL_A, 0);
        assert_int_equal(fx->cpu->gpr[REG_RAX], 200);
        fx_free(fx);
    }
}

/* The same in 16-bit code. */
static void limit_16(void **state)
{
    struct fx *fx = rig_new(MODE_32);
    struct asm_at a = {fx, FX_CODE, MODE_16};

    (void)state;
    fx_desc(fx, SEL_A, 0, 0xbfff, FX_ATTR_CODE);
    fx_desc(fx, SEL_B, 0, X + 4, FX_ATTR_CODE);
    memcpy(fx->ram + X, INCS8 "\xf4", 9);
    emit_jump(&a, JMP, X);
    for (unsigned k = 0; k < 3; k++) {
        enter(fx, SEL_A, 0);
        assert_int_equal(fx->cpu->gpr[REG_RAX], 8);
        enter(fx, SEL_B, 0);
        assert_fault(fx, X + 5, 5, "16-bit");
    }
    fx_free(fx);
}

/* 16-bit code does not wrap at FFFF: it meets the limit there, or runs on where the limit is
 * higher; a branch wraps. All as the host's processor does in a segment of its own LDT. */
static void end_of_64k(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 12; n++) {
        bool large = n & 1, jump = n & 2;
        uint32_t base = 0x100000 + n / 4 * 0x810; /* the 64 KiB end inside a page, too */
        struct fx *fx = rig_new(MODE_32);

        fx_desc(fx, SEL_A, base, large ? 0x1ffff : 0xffff, FX_ATTR_CODE);
        memset(fx->ram + base, 0x90, 0x20000);
        fx_wr(fx, base + 0x10, 0xf4, 1);
        fx_wr(fx, base + 0x10010, 0xf4, 1);
        if (jump)
            fx_wr(fx, base + 0xfffe, 0xeb, 1), fx_wr(fx, base + 0xffff, 0x0f, 1);
        fx_ring(fx, FX_CS0, FX_DS0, 0);
        fx_seg(fx, SEG_CS, SEL_A);
        cpu_sync_mode(fx->cpu);
        rig_go(fx, 0xfff0);
        if (jump) {
            assert_int_equal(fx_rip(fx), 0x11);
        } else if (large) {
            assert_int_equal(fx_rip(fx), 0x10011);
        } else {
            assert_int_equal(fx_rip(fx), FX_HAND + EXC_GP * 4 + 1);
            assert_int_equal(fx_stk4(fx, 1), 0x10000);
        }
        fx_free(fx);
    }
}

/* A segment of 4 GiB that begins where the small one ends: the byte behind the end is its offset 0.
 */
static void limit_meets_base(void **state)
{
    struct fx *fx = rig_new(MODE_32);
    struct limit_case c = {.what = "met", .code = INCS8 "\xf4", .n = 9};

    (void)state;
    fx_desc(fx, SEL_A, X + 4, 0xfffff, FX_ATTR_CODE | SEG_DB | SEG_G);
    fx_desc(fx, SEL_B, 0, X + 3, FX_ATTR_CODE | SEG_DB);
    put_program(fx, &c);
    for (unsigned k = 0; k < 3; k++) {
        struct asm_at a = {fx, FX_CODE, MODE_32};

        emit_jump(&a, JMP, X + 4);
        cpu_note_code_write(fx->cpu, FX_CODE, 8);
        enter(fx, SEL_A, X + 4);
        assert_int_equal(fx->cpu->gpr[REG_RAX], 4);
        a.at = FX_CODE;
        emit_jump(&a, JMP, X);
        cpu_note_code_write(fx->cpu, FX_CODE, 8);
        enter(fx, SEL_B, 0);
        assert_fault(fx, X + 4, 4, "met");
    }
    fx_free(fx);
}

/* ---- RIP-relative operands ---- */

/* lea rax, [rip + disp], and a load by it, at various places of a block. */
static void rip_relative(void **state)
{
    static const int32_t disps[] = {0x7fffffff, 0x7fffff80, 0x7fffff00, -0x7fffffff - 1, -1, 0};

    (void)state;
    for (unsigned n = 0; n < 3 * ARRAY_SIZE(disps); n++) {
        static const unsigned gaps[] = {0, 40, 220}; /* NOPs of five bytes before it */
        struct fx *fx = rig_new(MODE_64);
        struct asm_at a = {fx, FX_CODE, MODE_64};
        int32_t disp = disps[n / 3];
        uint64_t want;

        for (unsigned k = 0; k < gaps[n % 3]; k += 5)
            EMIT(&a, "\x0f\x1f\x44\x00\x00");
        EMIT(&a, "\x48\x8d\x05");
        emit_num(&a, (uint32_t)disp, 4);
        want = a.at + (uint64_t)(int64_t)disp;
        EMIT(&a, "\x67\x48\x8d\x1d"); /* lea rbx, [eip + disp]: cut to 32 bits */
        emit_num(&a, (uint32_t)disp, 4);
        EMIT(&a, "\xf4");
        for (unsigned k = 0; k < 2; k++) {
            rig_go(fx, FX_CODE);
            assert_int_equal(fx->cpu->gpr[REG_RAX], want);
            assert_int_equal(fx->cpu->gpr[REG_RBX], (uint32_t)(want + 8));
        }
        fx_free(fx);
    }
}

/* Loads, stores, a compare that is fused with its branch, and one through GS, 2 GiB ahead. */
static void rip_relative_access(void **state)
{
    struct fx *fx = rig_new(MODE_64);
    struct asm_at a = {fx, FX_CODE, MODE_64};

    (void)state;
    fx_wr(fx, FX_PML4 + 0x1000 + 2 * 8, 0x15007, 8); /* 80000000 up: 0 up, too */
    fx_wr(fx, 0x15000, 0xe7, 8);
    for (unsigned k = 0; k < 20; k++)
        EMIT(&a, "\x0f\x1f\x44\x00\x00");
    EMIT(&a, "\x8b\x05\xff\xff\xff\x7f");     /* mov eax, [rip + 7fffffff] */
    EMIT(&a, "\x65\x8b\x1d\xff\xff\xff\x7f"); /* mov ebx, gs:[…] */
    EMIT(&a, "\x83\x3d\xff\xff\xff\x7f\x7f"); /* cmp dword […], 7f: reads 7f, 75, … */
    EMIT(&a, "\x75\x01\xf4\x90\xc6\x05\xff\xff\xff\x7f\x42\xf4"); /* jne +1; …; mov byte […], 42 */
    fx_run(fx, 1);
    rig_go(fx, FX_CODE);
    assert_int_equal(fx->cpu->gpr[REG_RAX], 0x1d8b657f); /* its own last byte, and on */
    assert_int_equal(fx->cpu->gpr[REG_RBX], 0xff3d837f);
    assert_int_equal(fx_rip(fx), a.at);
    assert_int_equal(fx_rd(fx, a.at - 2, 1), 0x42); /* over its own immediate */
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alias_write),          cmocka_unit_test(remap),
        cmocka_unit_test(remap_second_page),    cmocka_unit_test(two_second_pages),
        cmocka_unit_test(folded_page),          cmocka_unit_test(same_bytes_16_32),
        cmocka_unit_test(same_bytes_32_64),     cmocka_unit_test(segment_base),
        cmocka_unit_test(state_of_the_machine), cmocka_unit_test(limit_shrinks),
        cmocka_unit_test(limit_between_blocks), cmocka_unit_test(limit_16),
        cmocka_unit_test(end_of_64k),           cmocka_unit_test(limit_meets_base),
        cmocka_unit_test(rip_relative),         cmocka_unit_test(rip_relative_access),
    };

    return unit_main(tests);
}
