/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU over memory slots that change: with translations and decoded code of a page in its caches
 * it follows every change of the map with its next instruction.
 */
#include "cpu/mmu_shadow/page_track.h"
#include "tests/unit/cpu_fixture.h"

#define PG 0x1000u

#define WINDOW 0x300000u /* the page that is switched */

enum view { RAM, ROM, OTHER, HOLE };

static uint8_t other[PG] __attribute__((aligned(4096)));

enum { BELOW = FX_SLOT, SHOWN, ABOVE };

static void show(struct fx *fx, enum view view)
{
    if (memslots_by_id(memslots_now(fx->slots), SHOWN))
        slots_delete(fx->slots, SHOWN);
    if (view != HOLE)
        slots_create(fx->slots, SHOWN, WINDOW, PG, view == OTHER ? other : fx->ram + WINDOW,
                     view == ROM ? MEMSLOT_READONLY : 0);
}

/* As a board's hooks do it, outside guest mode. */
static void show_from_hook(struct fx *fx, enum view view)
{
    bool inside = cpu_leave_guest(fx->cpu);

    show(fx, view);
    if (inside)
        cpu_enter_guest(fx->cpu);
}

/* Port 0x90: what the window shows, as a chipset's register would switch it. */
static void switch_port(void *o, uint16_t port, uint64_t val, unsigned size)
{
    (void)size;
    if (port == 0x90)
        show_from_hook((struct fx *)o, (enum view)val);
}

static void cpu_change(void *o, const struct memslots *was, const struct memslots *now)
{
    struct fx *fx = o;

    (void)was, (void)now;
    cpu_set_event(fx->cpu, EV_FLUSH);
    if (fx->shadow)
        mmu_shadow_synchronize(fx->shadow);
}

static void cpu_code(void *o, gpa_t gpa, size_t len)
{
    cpu_note_code_write(((struct fx *)o)->cpu, gpa, len);
}

static struct fx *window_fx(void)
{
    struct fx *fx = fx_new("max");

    fx_prot(fx, 0);
    slots_delete(fx->slots, BELOW);
    slots_create(fx->slots, BELOW, 0, WINDOW, fx->ram, 0);
    slots_create(fx->slots, ABOVE, WINDOW + PG, FX_RAM - WINDOW - PG, fx->ram + WINDOW + PG, 0);
    show(fx, RAM);
    memslots_set_hooks(fx->slots, fx, cpu_change, cpu_code);
    fx->cpu->hooks.port_write = switch_port;
    memset(fx->ram + WINDOW, 0x11, PG);
    memset(other, 0x22, PG);
    return fx;
}

/* Runs the program at FX_CODE to its HLT. */
static void run_program(struct fx *fx)
{
    fx->cpu->gpr[REG_RIP] = FX_CODE;
    fx->cpu->halted = false;
    fx_run(fx, 0);
    assert_true(fx->cpu->halted);
}

/* OUT, then at once loads and stores through a warm TLB. */
static void switch_takes_effect_at_once(void **state)
{
    struct fx *fx = window_fx();
    struct cpu *cpu = fx->cpu;

    (void)state;
    FX_PUT(fx, FX_CODE, 0xbb, 0x00, 0x00, 0x30, 0x00, /* mov ebx, WINDOW */
           0x8a, 0x0b, 0x88, 0x0b, /* mov cl, [ebx]; mov [ebx], cl: both cached */
           0xe6, 0x90,             /* out 0x90, al */
           0x8a, 0x13,             /* mov dl, [ebx] */
           0xc6, 0x03, 0x99,       /* mov byte [ebx], 0x99 */
           0x8a, 0x33,             /* mov dh, [ebx] */
           0xf4);
    for (unsigned from = RAM; from <= HOLE; from++) {
        for (unsigned to = RAM; to <= HOLE; to++) {
            static const uint8_t reads[] = {0x11, 0x11, 0x22, 0xff};
            bool keeps = to == RAM || to == OTHER;

            fx->ram[WINDOW] = 0x11;
            other[0] = 0x22;
            show(fx, (enum view)from);
            cpu->gpr[REG_RAX] = to;
            run_program(fx);
            assert_int_equal(cpu->gpr[REG_RCX] & 0xff, reads[from]);
            assert_int_equal(cpu->gpr[REG_RDX] & 0xff, reads[to]);
            assert_int_equal(cpu->gpr[REG_RDX] >> 8 & 0xff, keeps ? 0x99 : reads[to]);
            assert_int_equal(fx->ram[WINDOW], to == RAM ? 0x99 : 0x11);
            assert_int_equal(other[0], to == OTHER ? 0x99 : 0x22);
        }
    }
    fx_free(fx);
}

/* OUTS does so in mid-run, and even when it does not end its block. */
static void switch_by_string_output(void **state)
{
    struct fx *fx = window_fx();
    struct cpu *cpu = fx->cpu;

    (void)state;
    FX_PUT(fx, FX_CODE, 0x8a, 0x0b, /* mov cl, [ebx] */
           0x6e, 0x8a, 0x2b,        /* outsb; mov ch, [ebx] */
           0xf4);
    show(fx, RAM);
    cpu->gpr[REG_RDX] = 0x90;
    cpu->gpr[REG_RBX] = WINDOW;
    cpu->gpr[REG_RSI] = 0x20000;
    fx->ram[0x20000] = OTHER;
    run_program(fx);
    assert_int_equal(cpu->gpr[REG_RCX] & 0xffff, 0x2211);

    /* the second byte that goes out is read after the first has switched the window it is in */
    FX_PUT(fx, FX_CODE, 0x8a, 0x0e, 0xb9, 0x02, 0x00, 0x00, 0x00, /* mov cl, [esi]; mov ecx, 2 */
           0xf3, 0x6e, 0xf4);                                     /* rep outsb */
    show(fx, RAM);
    fx->ram[WINDOW] = OTHER;
    other[1] = HOLE;
    cpu_note_code_write(cpu, FX_CODE, 16);
    cpu->gpr[REG_RSI] = WINDOW;
    run_program(fx);
    assert_int_equal(cpu->gpr[REG_RCX], 0);
    assert_int_equal(cpu->gpr[REG_RSI], WINDOW + 2);
    assert_null(memslots_find(fx->slots, WINDOW >> PAGE_SHIFT)); /* other[1] was seen, not ram[1] */
    fx_free(fx);
}

/* Code that is decoded and even running follows the map. */
static void code_follows_the_map(void **state)
{
    struct fx *fx = window_fx();
    struct cpu *cpu = fx->cpu;

    (void)state;
    FX_PUT(fx, WINDOW, 0xb1, 0x01, 0xe6, 0x90, 0xb5, 0x01,
           0xf4); /* mov cl, 1; out; mov ch, 1; hlt */
    memcpy(other, fx->ram + WINDOW, 16);
    other[1] = other[5] = 2;
    FX_PUT(fx, FX_CODE, 0xbb, 0x00, 0x00, 0x30, 0x00, 0xff, 0xe3); /* jmp WINDOW */
    for (unsigned k = 0; k < 6; k++) {
        enum view from = k & 1 ? OTHER : RAM, to = k & 2 ? OTHER : RAM;

        show(fx, from);
        cpu->gpr[REG_RAX] = to;
        run_program(fx);
        assert_int_equal(cpu->gpr[REG_RCX] & 0xff, from == RAM ? 1 : 2);
        assert_int_equal(cpu->gpr[REG_RCX] >> 8 & 0xff, to == RAM ? 1 : 2);
    }
    fx_free(fx);
}

/* How many block caches have code of the first page. */
#define MARKS(arch) ((arch)->track[0] & TRACK_CODES)

/* A page's mark for decoded code is where it was left, whatever has become of the map since: taken
 * away with the code, from memory that moved or that is nobody's any more. */
static void marks_follow_the_memory(void **state)
{
    struct fx *fx = window_fx();
    struct memslot_arch *arch =
        memslot_arch_get(memslots_find(fx->slots, WINDOW >> PAGE_SHIFT)->arch);
    const uint32_t away = 0x80000000;

    (void)state;
    FX_PUT(fx, WINDOW, 0xb1, 0x05, 0xf4);                          /* mov cl, 5; hlt */
    FX_PUT(fx, FX_CODE, 0xbb, 0x00, 0x00, 0x30, 0x00, 0xff, 0xe3); /* jmp WINDOW */
    memcpy(other, fx->ram + WINDOW, 4);
    run_program(fx);
    assert_int_equal(MARKS(arch), 1);
    assert_int_equal(slots_try(fx->slots, MEMSLOTS_MOVE, SHOWN, away, PG, fx->ram + WINDOW, 0),
                     MEMSLOTS_OK);
    slots_create(fx->slots, 4, WINDOW, PG, other, 0); /* other memory with code in its place */
    run_program(fx);
    assert_int_equal(fx->cpu->gpr[REG_RCX] & 0xff, 5);
    assert_int_equal(MARKS(arch), 0);
    assert_int_equal(MARKS(memslots_find(fx->slots, WINDOW >> PAGE_SHIFT)->arch), 1);
    slots_delete(fx->slots, 4);
    assert_int_equal(slots_try(fx->slots, MEMSLOTS_MOVE, SHOWN, WINDOW, PG, fx->ram + WINDOW, 0),
                     MEMSLOTS_OK);
    run_program(fx);
    assert_int_equal(MARKS(arch), 1);
    slots_delete(fx->slots, SHOWN);
    FX_PUT(fx, FX_CODE, 0xf4);
    run_program(fx);
    assert_int_equal(MARKS(arch), 0);
    assert_int_equal(arch->refs, 1); /* ours */
    memslot_arch_put(arch);
    fx_free(fx);
}

static void dma_over_code(void **state)
{
    struct fx *fx = window_fx();
    struct cpu *cpu = fx->cpu;
    uint64_t retired;

    (void)state;
    FX_PUT(fx, FX_CODE, 0xb1, 0x01, 0xf4);
    run_program(fx);
    assert_int_equal(cpu->gpr[REG_RCX], 1);
    for (unsigned k = 2; k < 200; k++) { /* many at a time too */
        uint8_t byte = (uint8_t)k;

        for (unsigned n = 0; n < k; n++)
            assert_true(memslots_write(fx->slots, FX_CODE + 1, &byte, 1));
        run_program(fx);
        assert_int_equal(cpu->gpr[REG_RCX] & 0xff, k);
    }
    /* beside the code: nothing is lost */
    retired = cpu->stat_smc;
    assert_true(memslots_write(fx->slots, FX_CODE + 0x100, "x", 1));
    run_program(fx);
    assert_int_equal(cpu->stat_smc, retired);
    fx_free(fx);
}

/* ---- SMRAM ---- */

static void smram_hook(void *o, bool in_smm)
{
    show_from_hook((struct fx *)o, in_smm ? OTHER : HOLE);
}

/* Memory that is there only in SMM: seen from its first instruction on, gone behind RSM. */
static void smram_comes_and_goes(void **state)
{
    struct fx *fx = window_fx();
    struct cpu *cpu = fx->cpu;

    (void)state;
    cpu->hooks.smm_changed = smram_hook;
    smram_hook(fx, false);
    cpu->smbase = WINDOW - 0x8000; /* entry at WINDOW */
    other[0] = 0x67;               /* mov byte [WINDOW+100], 0x33; rsm, in 16-bit code */
    memcpy(other + 1, "\xc6\x05\x00\x01\x30\x00\x33\x0f\xaa", 9);
    FX_PUT(fx, FX_CODE, 0xbb, 0x00, 0x01, 0x30, 0x00, 0x8a, 0x0b, /* mov cl, [WINDOW+100] */
           0x90, 0x8a, 0x2b, 0xf4);                               /* nop; mov ch, [ebx] */
    cpu->gpr[REG_RIP] = FX_CODE;
    fx_run(fx, 2);
    assert_int_equal(cpu->gpr[REG_RCX] & 0xff, 0xff);
    cpu_set_event(cpu, EV_SMI);
    fx_run(fx, 2);
    assert_false(cpu->in_smm);
    assert_int_equal(other[0x100], 0x33);
    fx_run(fx, 2);
    assert_int_equal(cpu->gpr[REG_RCX] & 0xffff, 0xffff);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(switch_takes_effect_at_once),
        cmocka_unit_test(switch_by_string_output),
        cmocka_unit_test(code_follows_the_map),
        cmocka_unit_test(marks_follow_the_memory),
        cmocka_unit_test(dma_over_code),
        cmocka_unit_test(smram_comes_and_goes),
    };

    return unit_main(tests);
}
