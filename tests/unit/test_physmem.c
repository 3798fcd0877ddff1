/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The physical memory map: its own rules, DMA through it, and that a vCPU which has translations
 * and decoded code of a page in its caches follows every change of the map with its next
 * instruction.
 */
#include "tests/unit/cpu_fixture.h"

#define PG 0x1000u

/* ---- the map by itself ---- */

static struct {
    unsigned changes;
    unsigned writes;
    gpa_t gpa[8];
    size_t len[8];
} seen;

static void note_change(void *o)
{
    (void)o;
    seen.changes++;
}

static void note_code(void *o, gpa_t gpa, size_t len)
{
    (void)o;
    assert_in_range(seen.writes, 0, 7);
    seen.gpa[seen.writes] = gpa;
    seen.len[seen.writes++] = len;
}

static uint8_t mem[64 * PG] __attribute__((aligned(4096)));

static struct physmem *new_map(void)
{
    struct physmem *pm = physmem_new();

    memset(&seen, 0, sizeof(seen));
    for (unsigned k = 0; k < sizeof(mem); k++)
        mem[k] = (uint8_t)(k >> 12);
    physmem_set_hooks(pm, NULL, note_change, note_code);
    return pm;
}

static void overlap_is_refused(void **state)
{
    struct physmem *pm = new_map();

    (void)state;
    assert_true(physmem_map(pm, 4 * PG, 4 * PG, mem, false));
    assert_false(physmem_map(pm, 4 * PG, 4 * PG, mem, false));           /* the same */
    assert_false(physmem_map(pm, 3 * PG, 2 * PG, mem, false));           /* its first page */
    assert_false(physmem_map(pm, 7 * PG, 2 * PG, mem, true));            /* its last */
    assert_false(physmem_map(pm, 5 * PG, PG, mem, false));               /* inside */
    assert_false(physmem_map(pm, 2 * PG, 16 * PG, mem, false));          /* around */
    assert_false(physmem_map(pm, ~UINT64_C(0xfff), 2 * PG, mem, false)); /* beyond 2^64 */
    assert_int_equal(seen.changes, 1);
    assert_true(physmem_map(pm, 3 * PG, PG, mem, false)); /* neighbours are welcome */
    assert_true(physmem_map(pm, 8 * PG, PG, mem, false));
    assert_int_equal(seen.changes, 3);
    physmem_free(pm);
}

static void table_gets_full(void **state)
{
    struct physmem *pm = new_map();

    (void)state;
    for (unsigned k = 0; k < PHYSMEM_MAX_SLOTS; k++)
        assert_true(physmem_map(pm, 2 * k * PG, PG, mem, false));
    assert_false(physmem_map(pm, 1000 * PG, PG, mem, false));
    physmem_unmap(pm, 6 * PG, PG);
    assert_true(physmem_map(pm, 1000 * PG, PG, mem, false));
    assert_non_null(physmem_find(pm, 1000 * PG + 5));
    assert_null(physmem_find(pm, 6 * PG));
    physmem_free(pm);
}

static void look_up(void **state)
{
    struct physmem *pm = new_map();

    (void)state;
    /* not in order */
    assert_true(physmem_map(pm, 40 * PG, 2 * PG, mem + 8 * PG, false));
    assert_true(physmem_map(pm, 10 * PG, 2 * PG, mem, false));
    assert_true(physmem_map(pm, 20 * PG, 2 * PG, mem + 4 * PG, true));
    assert_null(physmem_ptr(pm, 10 * PG - 1));
    assert_ptr_equal(physmem_ptr(pm, 10 * PG), mem);
    assert_ptr_equal(physmem_ptr(pm, 12 * PG - 1), mem + 2 * PG - 1);
    assert_null(physmem_ptr(pm, 12 * PG));
    assert_ptr_equal(physmem_ptr(pm, 21 * PG + 7), mem + 5 * PG + 7);
    assert_true(physmem_find(pm, 20 * PG)->readonly);
    assert_false(physmem_find(pm, 41 * PG)->readonly);
    assert_null(physmem_find(pm, UINT64_MAX));
    physmem_free(pm);
}

/* Whatever is unmapped, the rest keeps its addresses, its memory and its kind. */
static void unmap_splits(void **state)
{
    (void)state;
    for (unsigned from = 0; from < 12; from++) {
        for (unsigned n = 1; from + n <= 12; n++) {
            struct physmem *pm = new_map();

            /* pages 1-4 RAM, 5 nothing, 6-9 ROM, 10 RAM */
            assert_true(physmem_map(pm, PG, 4 * PG, mem + PG, false));
            assert_true(physmem_map(pm, 6 * PG, 4 * PG, mem + 6 * PG, true));
            assert_true(physmem_map(pm, 10 * PG, PG, mem + 10 * PG, false));
            physmem_unmap(pm, from * PG, n * PG);
            assert_int_equal(seen.changes, 4);
            for (unsigned p = 0; p < 12; p++) {
                bool there = p != 0 && p != 5 && p != 11 && (p < from || p >= from + n);
                struct phys_slot *s = physmem_find(pm, p * PG + 9);

                assert_int_equal(s != NULL, there);
                if (!s)
                    continue;
                assert_ptr_equal(physmem_ptr(pm, p * PG + 9), mem + p * PG + 9);
                assert_int_equal(s->readonly, p >= 6 && p <= 9);
                assert_int_equal(s->code[(p * PG - s->gpa) >> PAGE_SHIFT], 0);
            }
            physmem_free(pm);
        }
    }
}

/* ---- DMA ---- */

static void dma_over_borders(void **state)
{
    struct physmem *pm = new_map();
    uint8_t buf[5 * PG], rom[PG];

    (void)state;
    /* 10 RAM, 11 hole, 12 RAM from elsewhere, 13 ROM */
    assert_true(physmem_map(pm, 10 * PG, PG, mem + PG, false));
    assert_true(physmem_map(pm, 12 * PG, PG, mem + 3 * PG, false));
    assert_true(physmem_map(pm, 13 * PG, PG, mem + 2 * PG, true));
    assert_true(physmem_read(pm, 10 * PG + 1, buf, PG - 1));
    assert_true(physmem_read(pm, 12 * PG + 5, buf, PG + 100)); /* RAM, then ROM: both can be read */
    assert_int_equal(buf[PG - 6], 3);
    assert_int_equal(buf[PG - 5], 2);
    memset(buf, 0x55, sizeof(buf));
    assert_false(physmem_read(pm, 10 * PG - 2, buf, 2 * PG + 4));
    assert_int_equal(buf[0], 0xff);
    assert_int_equal(buf[1], 0xff);
    assert_int_equal(buf[2], 1);
    assert_int_equal(buf[PG + 1], 1);
    assert_int_equal(buf[PG + 2], 0xff);
    assert_int_equal(buf[2 * PG + 1], 0xff);
    assert_int_equal(buf[2 * PG + 2], 3);
    assert_int_equal(buf[2 * PG + 4], 0x55); /* no byte too many */

    memset(buf, 0x77, sizeof(buf));
    memcpy(rom, mem + 2 * PG, PG);
    assert_false(physmem_write(pm, 10 * PG + 8, buf, 4 * PG));
    assert_int_equal(mem[PG + 7], 1);
    assert_int_equal(mem[PG + 8], 0x77);
    assert_int_equal(mem[2 * PG - 1], 0x77);
    assert_int_equal(mem[3 * PG], 0x77);
    assert_int_equal(mem[4 * PG - 1], 0x77);
    assert_memory_equal(rom, mem + 2 * PG, PG); /* ROM as it was */
    assert_int_equal(mem[4 * PG], 4);
    assert_true(physmem_write(pm, 12 * PG, buf, PG));
    assert_true(physmem_read(pm, 0, buf, 0));
    /* from the last page of all */
    assert_false(physmem_read(pm, UINT64_MAX - 3, buf, 4));
    physmem_free(pm);
}

static void dma_tells_of_code(void **state)
{
    struct physmem *pm = new_map();
    uint8_t buf[3 * PG];

    (void)state;
    assert_true(physmem_map(pm, 10 * PG, 4 * PG, mem, false));
    physmem_find(pm, 10 * PG)->code[1] = 1;
    physmem_find(pm, 10 * PG)->code[2] = 1;
    memset(buf, 0, sizeof(buf));
    assert_true(physmem_write(pm, 10 * PG + 16, buf, 3 * PG));
    assert_int_equal(seen.writes, 2);
    assert_int_equal(seen.gpa[0], 11 * PG);
    assert_int_equal(seen.len[0], PG);
    assert_int_equal(seen.gpa[1], 12 * PG);
    assert_int_equal(seen.len[1], PG);
    assert_true(physmem_read(pm, 11 * PG, buf, PG)); /* reading is no one's business */
    assert_int_equal(seen.writes, 2);
    physmem_free(pm);
}

/* ---- with a vCPU ---- */

#define WINDOW 0x300000u /* the page that is switched */

enum view { RAM, ROM, OTHER, HOLE };

static uint8_t other[PG] __attribute__((aligned(4096)));

static void show(struct fx *fx, enum view view)
{
    physmem_unmap(fx->pm, WINDOW, PG);
    if (view != HOLE)
        assert_true(
            physmem_map(fx->pm, WINDOW, PG, view == OTHER ? other : fx->ram + WINDOW, view == ROM));
}

/* Port 0x90: what the window shows, as a chipset's register would switch it. */
static void switch_port(void *o, uint16_t port, uint64_t val, unsigned size)
{
    (void)size;
    if (port == 0x90)
        show((struct fx *)o, (enum view)val);
}

static void cpu_change(void *o)
{
    cpu_set_event(((struct fx *)o)->cpu, EV_FLUSH);
}

static void cpu_code(void *o, gpa_t gpa, size_t len)
{
    cpu_note_code_write(((struct fx *)o)->cpu, gpa, len);
}

static struct fx *window_fx(void)
{
    struct fx *fx = fx_new("max");

    fx_prot(fx, 0);
    physmem_set_hooks(fx->pm, fx, cpu_change, cpu_code);
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
    assert_null(physmem_find(fx->pm, WINDOW)); /* other[1] was seen, not ram[1] */
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
            assert_true(physmem_write(fx->pm, FX_CODE + 1, &byte, 1));
        run_program(fx);
        assert_int_equal(cpu->gpr[REG_RCX] & 0xff, k);
    }
    /* beside the code: nothing is lost */
    retired = cpu->stat_smc;
    assert_true(physmem_write(fx->pm, FX_CODE + 0x100, "x", 1));
    run_program(fx);
    assert_int_equal(cpu->stat_smc, retired);
    fx_free(fx);
}

/* ---- SMRAM ---- */

static void smram_hook(void *o, bool in_smm)
{
    show((struct fx *)o, in_smm ? OTHER : HOLE);
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
        cmocka_unit_test(overlap_is_refused),
        cmocka_unit_test(table_gets_full),
        cmocka_unit_test(look_up),
        cmocka_unit_test(unmap_splits),
        cmocka_unit_test(dma_over_borders),
        cmocka_unit_test(dma_tells_of_code),
        cmocka_unit_test(switch_takes_effect_at_once),
        cmocka_unit_test(switch_by_string_output),
        cmocka_unit_test(code_follows_the_map),
        cmocka_unit_test(dma_over_code),
        cmocka_unit_test(smram_comes_and_goes),
    };

    return unit_main(tests);
}
