/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block cache against code that changes: by the code itself, in the same block and elsewhere,
 * by every kind of store, by DMA; when the arena is full; and what must interrupt a chain of
 * blocks: events, single steps, breakpoints. SDM volume 3A, 8.1.3 (self-modifying code), 18
 * (debug). Mappings, modes and limits are in test_blocks_map.c.
 */
#include <pthread.h>
#include <time.h>

#include "cpu/blocks.h"
#include "tests/unit/blocks_rig.h"

/* ---- self-modifying code ---- */

/* mov al, 0; mov byte [imm of the add], 10; `gap` NOPs; add al, 1; hlt */
static void modify_ahead(unsigned mode, unsigned gap)
{
    struct fx *fx = rig_new(mode);

    for (unsigned round = 0; round < 3; round++) {
        struct asm_at a = {fx, FX_CODE, mode};
        uint32_t store;

        EMIT(&a, "\xb0\x00");
        store = a.at;
        emit_store8(&a, 0, 0x10 + round);
        memset(fx->ram + a.at, 0x90, gap);
        a.at += gap;
        EMIT(&a, "\x04\x01\xf4");
        a.at = store;
        emit_store8(&a,
                    a.at +
                        (mode == MODE_16   ? 5
                         : mode == MODE_32 ? 7
                                           : 8) +
                        gap + 1,
                    0x10 + round);
        /* put there behind the cache's back: the program of the first round stays cached */
        if (round == 0) {
            rig_go(fx, FX_CODE);
            assert_int_equal(AL(fx), 0x10);
            continue;
        }
        cpu_note_code_write(fx->cpu, FX_CODE, 512);
        rig_go(fx, FX_CODE);
        assert_int_equal(AL(fx), 0x10 + round);
        rig_go(fx, FX_CODE);
        assert_int_equal(AL(fx), 0x10 + round);
    }
    fx_free(fx);
}

static void next_instruction(void **state)
{
    (void)state;
    for (unsigned m = 0; m < 3; m++)
        modify_ahead(rig_modes[m], 0);
}

static void later_instruction(void **state)
{
    (void)state;
    for (unsigned m = 0; m < 3; m++) {
        modify_ahead(rig_modes[m], 7);
        modify_ahead(rig_modes[m], 50);  /* the block's end is near */
        modify_ahead(rig_modes[m], 130); /* in a block behind, chained */
    }
}

/* The instruction before is other code the next time round; also of another length. */
static void earlier_instruction(void **state)
{
    (void)state;
    for (unsigned m = 0; m < 3; m++) {
        unsigned mode = rig_modes[m];
        struct fx *fx = rig_new(mode);
        struct asm_at a = {fx, FX_CODE, mode};

        EMIT(&a, "\x04\x01\x90\x90"); /* add al, 1; nop; nop */
        emit_store8(&a, FX_CODE + 1, 0x10);
        emit_loop(&a, FX_CODE);
        EMIT(&a, "\xf4");
        fx->cpu->gpr[REG_RCX] = 3;
        rig_go(fx, FX_CODE);
        assert_int_equal(AL(fx), 0x21);
        fx->cpu->gpr[REG_RAX] = 0;
        fx->cpu->gpr[REG_RCX] = 2;
        a.at = FX_CODE + 0x400; /* nop; nop becomes add al, 11, written by another block */
        emit_store8(&a, FX_CODE + 3, 0x11);
        emit_store8(&a, FX_CODE + 2, 0x04);
        emit_jump(&a, JMP, FX_CODE);
        rig_go(fx, FX_CODE + 0x400);
        assert_int_equal(AL(fx), 2 * (0x10 + 0x11));
        fx_free(fx);
    }
}

/* A (jmp B), B (add; jmp C), C (modify B; loop to A), in pages of their own or all in one. */
static void other_block(void **state)
{
    static const uint32_t places[][3] = {{0x8000, 0x8100, 0x8200},
                                         {0x8000, 0xa000, 0xb000},
                                         {0x8000, 0x8100, 0xb000},
                                         {0x8ff0, 0xa003, 0xa033}};

    (void)state;
    for (unsigned n = 0; n < 12; n++) {
        unsigned mode = rig_modes[n % 3];
        const uint32_t *p = places[n / 3];
        struct fx *fx = rig_new(mode);
        struct asm_at a = {fx, p[0], mode}, b = {fx, p[1], mode}, c = {fx, p[2], mode};

        emit_jump(&a, JMP, p[1]);
        EMIT(&b, "\x04\x01");
        emit_jump(&b, JMP, p[2]);
        emit_store8(&c, p[1] + 1, 0x10);
        emit_loop(&c, p[0]);
        EMIT(&c, "\xf4");
        fx->cpu->gpr[REG_RCX] = 5;
        rig_go(fx, p[0]);
        assert_int_equal(AL(fx), 0x41);
        fx_free(fx);
    }
}

/* add al-or-eax, imm with the boundary inside; either page is written. */
static void straddling(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 9; n++) {
        unsigned mode = rig_modes[n % 3], isize = mode == MODE_16 ? 2 : 4;
        uint32_t start = 0xc000 - 1 - n / 3, where = start + 1; /* low byte of the immediate */
        struct fx *fx = rig_new(mode);
        struct asm_at s = {fx, start, mode}, t = {fx, FX_CODE + 0x40, mode};

        if (n / 3 == 2) { /* 81 /0: add ax, imm */
            EMIT(&s, "\x81\xc0");
            where = start + 2;
        } else {
            EMIT(&s, "\x05");
        }
        emit_num(&s, 0x0101, isize);
        emit_jump(&s, JMP, FX_CODE + 0x40);
        emit_store8(&t, where, 0x10); /* one byte in the first page … */
        emit_store8(&t, where + 1, 0x20);
        emit_loop(&t, start);
        EMIT(&t, "\xf4");
        fx->cpu->gpr[REG_RCX] = 3;
        rig_go(fx, start);
        assert_int_equal(fx->cpu->gpr[REG_RAX], 0x0101 + 2 * 0x2010);
        fx->cpu->gpr[REG_RAX] = 0; /* … and from a cached state, one at a time */
        fx->cpu->gpr[REG_RCX] = 1;
        fx_wr(fx, FX_CODE + 0x40, 0x90, 1);
        t.at = FX_CODE + 0x40;
        emit_store8(&t, where + 1, 0x30);
        EMIT(&t, "\xf4");
        cpu_note_code_write(fx->cpu, FX_CODE + 0x40, 64);
        rig_go(fx, start);
        assert_int_equal(fx->cpu->gpr[REG_RAX], 0x2010);
        rig_go(fx, start);
        assert_int_equal(fx->cpu->gpr[REG_RAX], 0x2010 + 0x3010);
        fx_free(fx);
    }
}

/* The jcc of a fused pair, changed by the block it is in and by another. */
static void fused_pair(void **state)
{
    (void)state;
    for (unsigned m = 1; m < 3; m++) {
        struct fx *fx = rig_new(rig_modes[m]);
        struct asm_at a = {fx, FX_CODE, rig_modes[m]};
        uint32_t jcc;

        EMIT(&a, "\x83\xf9\x07"); /* cmp ecx, 7 */
        jcc = a.at;
        EMIT(&a, "\x74\x03\xb0\x01\xf4\xb0\x02\xf4"); /* je 1f; mov al, 1; hlt; 1: mov al, 2; hlt */
        fx->cpu->gpr[REG_RCX] = 7;
        for (unsigned k = 0; k < 3; k++) {
            rig_go(fx, FX_CODE);
            assert_int_equal(AL(fx), 2);
        }
        a.at = FX_CODE + 0x800; /* je becomes jne, from elsewhere */
        emit_store8(&a, jcc, 0x75);
        emit_jump(&a, JMP, FX_CODE);
        rig_go(fx, FX_CODE + 0x800);
        assert_int_equal(AL(fx), 1);
        /* and from within: the store stands before the pair, which is turned round twice */
        a.at = FX_CODE + 0x100;
        emit_store8(&a, FX_CODE + 0x100 + (m == 1 ? 10 : 11), 0x74);
        EMIT(&a, "\x83\xf9\x07\x75\x03\xb0\x01\xf4\xb0\x02\xf4");
        assert_int_equal(fx_rd(fx, FX_CODE + 0x100 + (m == 1 ? 10 : 11), 1), 0x75);
        rig_go(fx, FX_CODE + 0x100);
        assert_int_equal(AL(fx), 2);
        fx_free(fx);
    }
}

/* ---- every kind of store ---- */

/* In 32-bit mode each makes the byte at [edi] = b001 an 11, with eax = f4f4f411 and the same, zeros
 * behind it, at [esi]. What it writes behind that byte does not count. */
static const struct {
    const char *what, *code;
    unsigned n;
} stores[] = {
    {"mov8", "\x88\x07", 2},
    {"mov16", "\x66\x89\x07", 3},
    {"mov32", "\x89\x07", 2},
    {"mov moffs", "\xa2\x01\xb0\x00\x00", 5},
    {"stosb", "\xaa", 1},
    {"stosd", "\xab", 1},
    {"rep stosb", "\xb9\x01\x00\x00\x00\xf3\xaa", 7},
    {"rep stosd", "\xb9\x02\x00\x00\x00\xf3\xab", 7},
    {"movsb", "\xa4", 1},
    {"movsd", "\xa5", 1},
    {"rep movsb", "\xb9\x03\x00\x00\x00\xf3\xa4", 7},
    {"rep movsd", "\xb9\x02\x00\x00\x00\xf3\xa5", 7},
    {"std rep movsb", "\xfd\xb9\x01\x00\x00\x00\xf3\xa4\xfc", 9},
    {"insb", "\xba\x55\x00\x00\x00\x6c", 6},
    {"xchg", "\x86\x07", 2},
    {"lock xchg32", "\xf0\x87\x07", 3},
    {"add (rmw)", "\x80\x07\x10", 3},
    {"lock add", "\xf0\x80\x07\x10", 4},
    {"or", "\x80\x0f\x10", 3},
    {"lock xor", "\xf0\x80\x37\x10", 4},
    {"inc to 11", "\xc6\x07\x10\xfe\x07", 5},
    {"bts", "\x0f\xba\x2f\x04", 4},
    {"lock bts", "\xf0\x0f\xba\x2f\x04", 5},
    {"xadd", "\xb0\x10\x0f\xc0\x07", 5},
    {"cmpxchg", "\x88\xc1\xb0\x01\x0f\xb0\x0f", 7},
    {"lock cmpxchg", "\x88\xc1\xb0\x01\xf0\x0f\xb0\x0f", 8},
    {"push", "\x8d\x67\x04\x50", 4},
    {"push mem", "\x8d\x67\x04\xff\x36", 5},
    {"pop mem", "\x89\xf4\x8f\x07", 4},
    {"call", "\x8d\x67\x04\xe8\x00\x00\x00\x00\xc6\x07\x11", 11},
    {"pusha", "\x8d\x67\x20\x60\xc6\x07\x11", 7},
    {"movd mm", "\x0f\x6e\xc0\x0f\x7e\x07", 6},
    {"movq mm", "\x0f\x6f\x06\x0f\x7f\x07", 6},
    {"movups", "\x0f\x10\x06\x0f\x11\x07", 6},
    {"movss", "\xf3\x0f\x10\x06\xf3\x0f\x11\x07", 8},
    {"fistp32", "\xdb\xe3\xdb\x06\xdb\x1f", 6},
    {"fistp64", "\xdb\xe3\xdf\x2e\xdf\x3f", 6},
    {"rcl by 4", "\xb1\x04\xc6\x07\x01\xc0\x07\x04\x80\x07\x01", 11},
    {"not", "\xc6\x07\xee\xf6\x17", 5},
    {"shld", "\x66\xc7\x07\x00\x00\xb0\x00\xb4\x11\x66\x0f\xa4\x07\x08", 14},
    {"movnti", "\x0f\xc3\x07", 3},
};

static void every_store(void **state)
{
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(stores); n++) {
        struct fx *fx = rig_new(MODE_32);
        struct cpu *cpu = fx->cpu;
        struct asm_at a = {fx, FX_CODE, MODE_32}, b = {fx, 0xb000, MODE_32};

        cpu->cr4 |= CR4_OSFXSR;
        cpu_sync_mode(cpu);
        EMIT(&b, "\x04\x01"); /* add al, 1 */
        EMIT(&b, "\xf4");
        memset(fx->ram + b.at, 0xf4, 64);
        cpu->gpr[REG_RAX] = 0;
        rig_go(fx, 0xb000);
        assert_int_equal(AL(fx), 1);
        emit(&a, stores[n].code, stores[n].n);
        EMIT(&a, "\xb0\x00\xf4"); /* mov al, 0; hlt */
        fx_wr(fx, 0xa800, 0xf4f4f411, 4);
        fx_wr(fx, 0xa804, 0, 4);
        cpu->gpr[REG_RAX] = 0xf4f4f411;
        cpu->gpr[REG_RSI] = 0xa800;
        cpu->gpr[REG_RDI] = 0xb001;
        rig_go(fx, FX_CODE);
        if (fx_rd(fx, 0xb001, 1) != 0x11)
            print_message("# %s wrote %x\n", stores[n].what, (unsigned)fx_rd(fx, 0xb001, 1));
        assert_int_equal(fx_rd(fx, 0xb001, 1), 0x11);
        memset(fx->ram + 0xb002, 0xf4, 1); /* whatever came behind: HLT, as it was */
        cpu->gpr[REG_RSP] = FX_STACK;
        rig_go(fx, 0xb000);
        if (AL(fx) != 0x11)
            print_message("# %s: stale\n", stores[n].what);
        assert_int_equal(AL(fx), 0x11);
        fx_free(fx);
    }
}

/* The page was written as data before it was run, so that the store's translation is at hand. */
static void data_then_code(void **state)
{
    (void)state;
    for (unsigned m = 0; m < 3; m++) {
        struct fx *fx = rig_new(rig_modes[m]);
        struct asm_at a = {fx, FX_CODE, rig_modes[m]}, b = {fx, 0xb000, rig_modes[m]};

        EMIT(&b, "\x04\x00");
        emit_jump(&b, JMP, FX_CODE + 0x40);
        EMIT(&a, "\x90\x90");
        emit_store8(&a, 0xb001, 1); /* before anything ran there */
        emit_jump(&a, JMP, 0xb000);
        a.at = FX_CODE + 0x40;
        emit_store8(&a, 0xb001, 0x10);
        emit_loop(&a, 0xb000);
        EMIT(&a, "\xf4");
        fx->cpu->gpr[REG_RCX] = 3;
        rig_go(fx, FX_CODE);
        assert_int_equal(AL(fx), 0x21);
        fx_free(fx);
    }
}

/* A store that crosses into or out of a page with code, and one over two pages of code. */
static void crossing_store(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 9; n++) {
        unsigned mode = rig_modes[n % 3];
        bool first = n / 3 != 1, second = n / 3 != 0;
        struct fx *fx = rig_new(mode);
        struct asm_at a = {fx, FX_CODE, mode}, b = {fx, 0xbffd, mode}, c = {fx, 0xc000, mode};

        EMIT(&b, "\x04\x01\xf4"); /* ends with its page */
        EMIT(&c, "\xb0\x01\xf4");
        if (first)
            rig_go(fx, 0xbffd);
        if (second)
            rig_go(fx, 0xc000);
        if (mode == MODE_16)
            EMIT(&a, "\x66");
        EMIT(&a, "\xc7"); /* mov dword [bffe], … */
        emit_abs(&a, 0, 0xbffe);
        emit_num(&a, 0x22b0f411, 4);
        EMIT(&a, "\xb0\x00\xf4");
        rig_go(fx, FX_CODE);
        rig_go(fx, 0xbffd);
        assert_int_equal(AL(fx), 0x11);
        rig_go(fx, 0xc000);
        assert_int_equal(AL(fx), 0x22);
        fx_free(fx);
    }
}

/* ---- instructions that were none ---- */

/* #UD and #GP for length are verdicts on bytes, too: the handler mends the byte that decided. */
static void mended(const uint8_t *code, unsigned n, unsigned byte, unsigned good, unsigned vector)
{
    struct fx *fx = rig_new(MODE_32);
    struct asm_at h = {fx, 0x9800, MODE_32};

    memcpy(fx->ram + FX_CODE, code, n);
    fx_gate(fx, FX_IDT + vector * 8, FX_CS0, 0x9800, SYS_INT32, 0, 0);
    if (vector == EXC_GP)
        EMIT(&h, "\x83\xc4\x04"); /* drop the error code */
    emit_store8(&h, FX_CODE + byte, good);
    EMIT(&h, "\xff\xc3\xcf"); /* inc ebx; iretd */
    rig_go(fx, FX_CODE);
    assert_int_equal(fx->cpu->gpr[REG_RBX], 1);
    assert_int_equal(AL(fx), 1);
    fx_free(fx);
}

static void mended_instruction(void **state)
{
    static const uint8_t group[] = {0xfe, 0xf8, 0xf4}; /* FE /7 becomes FE /0, INC */
    static const uint8_t later[] = {0xb0, 0x00, 0x90, 0xfe, 0xf8, 0xf4};
    static const uint8_t mapped[] = {0x0f, 0x04, 0xc0, 0xf4}; /* 0F 04 becomes SETNO */
    static const uint8_t locked[] = {0xf0, 0xfe, 0xc0, 0xf4}; /* LOCK becomes NOP */
    static const uint8_t too_long[] = {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                       0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xfe, 0xc0, 0xf4};

    (void)state;
    mended(group, sizeof(group), 1, 0xc0, EXC_UD);
    mended(later, sizeof(later), 4, 0xc0, EXC_UD);
    mended(mapped, sizeof(mapped), 1, 0x91, EXC_UD);
    mended(locked, sizeof(locked), 0, 0x90, EXC_UD);
    mended(too_long, sizeof(too_long), 12, 0x90, EXC_GP);
    mended(too_long, sizeof(too_long), 1, 0x90, EXC_GP);
}

/* ---- DMA ---- */

static void dma_changed(void *opaque, const struct memslots *was, const struct memslots *now)
{
    (void)was, (void)now;
    cpu_set_event(opaque, EV_FLUSH);
}

static void dma_written(void *opaque, gpa_t gpa, size_t len)
{
    cpu_note_code_write(opaque, gpa, len);
}

static void dma_port(void *opaque, uint16_t port, uint64_t val, unsigned size)
{
    struct fx *fx = opaque;
    uint8_t b = (uint8_t)val;

    (void)port, (void)size;
    assert_true(memslots_write(fx->slots, 0xb001, &b, 1));
}

/* A device that writes code: between two runs, and while the CPU runs, by an OUT. */
static void dma(void **state)
{
    (void)state;
    for (unsigned m = 0; m < 3; m++) {
        struct fx *fx = rig_new(rig_modes[m]);
        struct asm_at a = {fx, FX_CODE, rig_modes[m]}, b = {fx, 0xb000, rig_modes[m]};
        uint8_t code[3] = {0xb0, 0x77, 0xf4};

        memslots_set_hooks(fx->slots, fx->cpu, dma_changed, dma_written);
        fx->cpu->hooks.port_write = dma_port;
        EMIT(&b, "\xb0\x01\x00\xc4"); /* mov al, 1; add ah, al */
        emit_jump(&b, JMP, FX_CODE + 0x20);
        EMIT(&a, "\xb4\x00"); /* mov ah, 0 */
        emit_jump(&a, JMP, 0xb000);
        a.at = FX_CODE + 0x20;
        EMIT(&a, "\xb0\x10\xe6\x80"); /* mov al, 10; out 80, al */
        emit_loop(&a, 0xb000);
        EMIT(&a, "\xf4");
        fx->cpu->gpr[REG_RCX] = 3;
        rig_go(fx, FX_CODE);
        assert_int_equal(fx->cpu->gpr[REG_RAX] >> 8 & 0xff, 0x21);
        assert_true(memslots_write(fx->slots, 0xb000, code, 3));
        rig_go(fx, 0xb000);
        assert_int_equal(AL(fx), 0x77);
        fx_free(fx);
    }
}

/* More notes than the list holds; each over another block, and one that crosses pages. */
static void dma_flood(void **state)
{
    struct fx *fx = rig_new(MODE_32);
    uint8_t buf[200 * 32];

    (void)state;
    memslots_set_hooks(fx->slots, fx->cpu, dma_changed, dma_written);
    for (unsigned k = 0; k < 200; k++) {
        struct asm_at a = {fx, 0x100000 + k * 32, MODE_32};

        EMIT(&a, "\xb0\x01\xf4");
        rig_go(fx, 0x100000 + k * 32);
        assert_int_equal(AL(fx), 1);
    }
    for (unsigned k = 0; k < 200; k++) {
        uint8_t v = (uint8_t)(k + 2);

        assert_true(memslots_write(fx->slots, 0x100001 + k * 32, &v, 1));
    }
    for (unsigned k = 0; k < 200; k++) {
        rig_go(fx, 0x100000 + k * 32);
        assert_int_equal(AL(fx), (k + 2) & 0xff);
    }
    memset(buf, 0x90, sizeof(buf));
    buf[sizeof(buf) - 1] = 0xf4;
    assert_true(memslots_write(fx->slots, 0x100000, buf, sizeof(buf))); /* crosses a page */
    fx->cpu->gpr[REG_RAX] = 0x55;
    for (unsigned k = 0; k < 200; k += 7) {
        rig_go(fx, 0x100000 + k * 32);
        assert_int_equal(AL(fx), 0x55);
        assert_int_equal(fx_rip(fx), 0x100000 + sizeof(buf));
    }
    fx_free(fx);
}

/* ---- the arena ---- */

/* A call to every byte of a field of INC EAX … RET makes a block each, several arenas full, while
 * the caller's own blocks and the chains in the field are dropped under way. */
static void arena(void **state)
{
    enum { PERIOD = 199, STARTS = 150000, FIELD = 0x100000 };
    struct fx *fx = rig_new(MODE_32);
    struct asm_at a = {fx, FX_CODE, MODE_32};
    uint64_t flushes = blocks_flush_count(fx->cpu);
    uint32_t want = 0;

    (void)state;
    for (unsigned k = 0; k < STARTS + PERIOD; k++) {
        bool last = k % PERIOD == PERIOD - 1;

        fx->ram[FIELD + k] = last ? 0xc3 : 0x40;
        if (k < STARTS)
            want += PERIOD - 1 - k % PERIOD;
    }
    EMIT(&a, "\xff\xd6\x46\x49\x75\xfa\xf4"); /* 1: call esi; inc esi; dec ecx; jnz 1b; hlt */
    fx->cpu->gpr[REG_RAX] = 0;
    fx->cpu->gpr[REG_RSI] = FIELD;
    fx->cpu->gpr[REG_RCX] = STARTS;
    rig_go(fx, FX_CODE);
    assert_int_equal(fx->cpu->gpr[REG_RAX], want);
    assert_true(blocks_flush_count(fx->cpu) >= flushes + 2);
    fx->cpu->gpr[REG_RAX] = 0; /* code that is written behind all that is still noticed */
    fx->cpu->gpr[REG_RCX] = 2;
    fx->cpu->gpr[REG_RSI] = FIELD + STARTS - 2;
    a.at = 0xa000;
    emit_store8(&a, FIELD + STARTS - 1, 0xc3);
    emit_jump(&a, JMP, FX_CODE);
    rig_go(fx, 0xa000);
    assert_int_equal(fx->cpu->gpr[REG_RAX], 1);
    fx_free(fx);
}

/* ---- interrupting chains ---- */

struct kick {
    struct fx *fx;
    uint32_t ev;
    struct timespec at;
};

static void *kicker(void *arg)
{
    struct kick *k = arg;

    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    clock_gettime(CLOCK_MONOTONIC, &k->at);
    cpu_set_event(k->fx->cpu, k->ev);
    return NULL;
}

/* Runs an endless loop until the event comes from another thread; returns after how many seconds.
 */
static double loop_until(struct fx *fx, uint32_t ev)
{
    struct kick k = {.fx = fx, .ev = ev};
    struct timespec now;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, kicker, &k), 0);
    fx->cpu->gpr[REG_RIP] = FX_CODE;
    fx->cpu->halted = false;
    fx_run(fx, 0);
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_join(thread, NULL);
    return (double)(now.tv_sec - k.at.tv_sec) + (double)(now.tv_nsec - k.at.tv_nsec) / 1e9;
}

static void endless_loops(void **state)
{
    static const struct {
        const char *code;
        unsigned n;
    } loops[] = {
        {"\xeb\xfe", 2},                 /* jmp $ */
        {"\x39\xc0\x74\xfc", 4},         /* cmp eax, eax; je: fused */
        {"\x90\x90\x90\xeb\xfb", 5},     /* straight code before it */
        {"\xb1\x05\xe2\xfe\xeb\xfa", 6}, /* LOOP in a loop */
        {"\xeb\x02\xeb\xfc\xeb\xfc", 6}, /* two blocks */
    };

    (void)state;
    for (unsigned n = 0; n < 3 * ARRAY_SIZE(loops); n++) {
        struct fx *fx = rig_new(rig_modes[n % 3]);

        memcpy(fx->ram + FX_CODE, loops[n / 3].code, loops[n / 3].n);
        assert_true(loop_until(fx, EV_STOP) < 5);
        assert_int_equal(fx->why, CPU_EXIT_STOP);
        assert_in_range(fx_rip(fx), FX_CODE, FX_CODE + 5);
        assert_false(fx->cpu->halted);
        fx->vector = 0x40;
        fx->cpu->rflags |= FL_IF;
        assert_true(loop_until(fx, EV_INTR) < 5);
        assert_true(fx->cpu->halted); /* in the handler */
        assert_int_equal(fx_rip(fx), FX_HAND + 0x40 * 4 + 1);
        fx_free(fx);
    }
}

/* ---- debugging ---- */

static const char incs[] = "\xff\xc0\xff\xc0\xff\xc0\xff\xc0\xf4"; /* inc eax, four times; hlt */

/* TF set by POPF over code that is cached in one block: the trap comes after each instruction. */
static void single_step(void **state)
{
    (void)state;
    for (unsigned m = 1; m < 3; m++) {
        struct fx *fx = rig_new(rig_modes[m]);
        struct asm_at a = {fx, FX_CODE, rig_modes[m]};

        memcpy(fx->ram + 0xa000, incs, sizeof(incs));
        rig_go(fx, 0xa000);
        assert_int_equal(fx->cpu->gpr[REG_RAX], 4);
        fx->cpu->gpr[REG_RAX] = 0;
        EMIT(&a, "\x9c\x80\x4c\x24\x01\x01\x9d"); /* pushf; or byte [esp + 1], 1; popf */
        emit_jump(&a, JMP, 0xa000);
        rig_go(fx, FX_CODE);
        assert_int_equal(fx_rip(fx), FX_HAND + EXC_DB * 4 + 1);
        assert_int_equal(m == 1 ? fx_stk4(fx, 0) : fx_stk8(fx, 0), 0xa000); /* after the JMP */
        assert_true(fx->cpu->dr6 & DR6_BS);
        /* now a handler that returns, until the fifth trap: after the JMP and each INC */
        a.at = FX_HAND + EXC_DB * 4;
        emit_jump(&a, JMP, 0x9800);
        a.at = 0x9800;
        EMIT(&a, "\xff\xc3\x83\xfb\x05\x75\x01\xf4"); /* inc ebx; cmp ebx, 5; jne 1f; hlt; 1: */
        if (m == 2)
            EMIT(&a, "\x48");
        EMIT(&a, "\xcf");
        cpu_note_code_write(fx->cpu, FX_HAND, 512);
        fx->cpu->gpr[REG_RSP] = FX_STACK;
        fx->cpu->gpr[REG_RBX] = 0;
        rig_go(fx, FX_CODE);
        assert_int_equal(fx_rip(fx), 0x9808);
        assert_int_equal(fx->cpu->gpr[REG_RAX], 4);
        assert_int_equal(m == 1 ? fx_stk4(fx, 0) : fx_stk8(fx, 0), 0xa008);
        fx_free(fx);
    }
}

/* DR0 on the third of four instructions that are cached in one block. */
static void breakpoint(void **state)
{
    (void)state;
    for (unsigned m = 1; m < 3; m++) {
        struct fx *fx = rig_new(rig_modes[m]);
        struct asm_at a = {fx, FX_CODE, rig_modes[m]};

        memcpy(fx->ram + 0xa000, incs, sizeof(incs));
        rig_go(fx, 0xa000);
        EMIT(&a, "\xb8\x04\xa0\x00\x00\x0f\x23\xc0"); /* mov eax, a004; mov dr0, eax */
        EMIT(&a, "\xb8\x02\x00\x00\x00\x0f\x23\xf8"); /* mov eax, 2; mov dr7, eax */
        EMIT(&a, "\x31\xc0");
        emit_jump(&a, JMP, 0xa000);
        rig_go(fx, FX_CODE);
        assert_int_equal(fx_rip(fx), FX_HAND + EXC_DB * 4 + 1);
        assert_int_equal(m == 1 ? fx_stk4(fx, 0) : fx_stk8(fx, 0), 0xa004);
        assert_int_equal(fx->cpu->gpr[REG_RAX], 2);
        assert_true(fx->cpu->dr6 & 1);
        assert_false(fx->cpu->dr6 & DR6_BS);
        fx_free(fx);
    }
}

/* A data breakpoint set after the store was cached. */
static void watchpoint(void **state)
{
    struct fx *fx = rig_new(MODE_32);
    struct asm_at a = {fx, FX_CODE, MODE_32}, b = {fx, 0xa000, MODE_32};

    (void)state;
    emit_store8(&b, 0xb000, 1);
    EMIT(&b, "\xff\xc3\xf4"); /* inc ebx; hlt */
    rig_go(fx, 0xa000);
    assert_int_equal(fx->cpu->gpr[REG_RBX], 1);
    EMIT(&a, "\xb8\x00\xb0\x00\x00\x0f\x23\xc0"); /* dr0 = b000 */
    EMIT(&a, "\xb8\x02\x00\x01\x00\x0f\x23\xf8"); /* dr7: write, one byte */
    emit_jump(&a, JMP, 0xa000);
    rig_go(fx, FX_CODE);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_DB * 4 + 1);
    assert_int_equal(fx_stk4(fx, 0), 0xa007);
    assert_int_equal(fx->cpu->gpr[REG_RBX], 1);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_instruction),
        cmocka_unit_test(later_instruction),
        cmocka_unit_test(earlier_instruction),
        cmocka_unit_test(other_block),
        cmocka_unit_test(straddling),
        cmocka_unit_test(fused_pair),
        cmocka_unit_test(every_store),
        cmocka_unit_test(data_then_code),
        cmocka_unit_test(crossing_store),
        cmocka_unit_test(mended_instruction),
        cmocka_unit_test(dma),
        cmocka_unit_test(dma_flood),
        cmocka_unit_test(arena),
        cmocka_unit_test(endless_loops),
        cmocka_unit_test(single_step),
        cmocka_unit_test(breakpoint),
        cmocka_unit_test(watchpoint),
    };

    return unit_main(tests);
}
