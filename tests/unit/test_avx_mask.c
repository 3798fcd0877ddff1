/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Masked moves and gathers where the differential fuzzer cannot look: which accesses a device sees,
 * and data breakpoints in the midst of a gather. SDM volume 2, VMASKMOV and VGATHER; 3B, 18.2.5.
 */
#include "base/bits.h"
#include "cpu/debug.h"
#include "tests/unit/events_rig.h"

#define BUS 0x500000u /* no RAM there */

static struct {
    unsigned count;
    gpa_t gpa[8];
    unsigned size[8];
    uint64_t value[8];
} seen;

static void note(gpa_t gpa, unsigned size, uint64_t value)
{
    assert_true(seen.count < ARRAY_SIZE(seen.gpa));
    seen.gpa[seen.count] = gpa;
    seen.size[seen.count] = size;
    seen.value[seen.count++] = value;
}

static uint64_t bus_read(void *o, gpa_t gpa, unsigned size)
{
    (void)o;
    note(gpa, size, 0);
    return 0xabc00000u + (gpa & 0xff);
}

static void bus_write(void *o, gpa_t gpa, uint64_t value, unsigned size)
{
    (void)o;
    note(gpa, size, value);
}

static struct fx *begin(bool portable)
{
    struct fx *fx = prot();
    struct cpu *cpu = fx->cpu;

    seen.count = 0;
    cpu->hooks.mmio_read = bus_read;
    cpu->hooks.mmio_write = bus_write;
    cpu->portable = portable;
    cpu->cr4 |= CR4_OSFXSR | CR4_OSXSAVE;
    cpu->xcr0 = 7;
    cpu_sync_mode(cpu);
    for (unsigned k = 0; k < 8; k++)
        cpu->ymm[1].d[k] = 0x11111111 * (k + 1);
    return fx;
}

static void masked_store_on_the_bus(void **state)
{
    for (unsigned portable = 0; portable < 2; portable++) {
        struct fx *fx = begin(portable);

        (void)state;
        FX_PUT(fx, FX_CODE, 0xc4, 0xe2, 0x65, 0x2e, 0x08); /* vmaskmovps [eax], ymm3, ymm1 */
        fx->cpu->gpr[REG_RAX] = BUS;
        fx->cpu->ymm[3] = (union ymm){.d = {0x7fffffff, 0x80000000, 1, 0, 0, 0x80000001, 0, ~0u}};
        fx_run(fx, 1);
        assert_int_equal(fx_rip(fx), FX_CODE + 5);
        assert_int_equal(seen.count, 3);
        for (unsigned k = 0; k < 3; k++) {
            static const uint8_t which[] = {1, 5, 7};

            assert_int_equal(seen.gpa[k], BUS + 4 * which[k]);
            assert_int_equal(seen.size[k], 4);
            assert_int_equal(seen.value[k], 0x11111111u * (which[k] + 1));
        }
        fx_free(fx);
    }
}

static void masked_load_from_the_bus(void **state)
{
    for (unsigned portable = 0; portable < 2; portable++) {
        struct fx *fx = begin(portable);

        (void)state;
        FX_PUT(fx, FX_CODE, 0xc4, 0xe2, 0x61, 0x2c, 0x08); /* vmaskmovps xmm1, xmm3, [eax] */
        fx->cpu->gpr[REG_RAX] = BUS;
        fx->cpu->ymm[3] = (union ymm){.d = {0, 0x80000000, 1, ~0u, ~0u, ~0u, ~0u, ~0u}};
        fx_run(fx, 1);
        assert_int_equal(seen.count, 2);
        assert_int_equal(seen.gpa[0], BUS + 4);
        assert_int_equal(seen.gpa[1], BUS + 12);
        for (unsigned k = 0; k < 8; k++)
            assert_int_equal(fx->cpu->ymm[1].d[k], k == 1 ? 0xabc00004 : k == 3 ? 0xabc0000c : 0);
        fx_free(fx);
    }
}

/* VPGATHERDD XMM1, [EAX + XMM2], XMM3 of all four elements, at `index`; DS ends at FFFF. */
static struct fx *gather(const uint32_t index[4], uint32_t breakpoint)
{
    struct fx *fx = begin(false);
    struct cpu *cpu = fx->cpu;

    FX_PUT(fx, FX_CODE, 0xc4, 0xe2, 0x61, 0x90, 0x0c, 0x10, 0xf4);
    FX_PUT(fx, FX_HAND + EXC_DB * 4, 0xcf);
    fx_seg(fx, SEG_DS, FX_DS16);
    for (unsigned k = 0; k < 4; k++) {
        cpu->ymm[2].d[k] = index[k];
        cpu->ymm[3].d[k] = ~0u;
        if (index[k] < 0x10000)
            fx_wr(fx, index[k], 0xe0000000u + k, 4);
    }
    cpu->gpr[REG_RAX] = 0;
    cpu->dr[0] = breakpoint;
    debug_set_dr7(cpu, 1 | 0xfu << 16); /* four bytes, read or written */
    return fx;
}

/* The breakpoint of an element comes before the fault of a later one. */
static void breakpoint_before_a_fault(void **state)
{
    struct fx *fx = gather((const uint32_t[]){0xa100, 0xa200, 0xa300, 0x10000}, 0xa200);
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_run(fx, 1);
    at_handler(fx, EXC_DB, FX_CODE);
    assert_int_equal(cpu->dr6 & 15, 1);
    assert_true(fx_stk4(fx, 2) & FL_RF);
    assert_int_equal(cpu->ymm[1].d[1], 0xe0000001);
    assert_int_equal(cpu->ymm[1].d[2], 0x33333333);
    assert_int_equal(cpu->ymm[3].q[0], 0);
    assert_int_equal(cpu->ymm[3].q[1], UINT64_MAX);
    fx_run(fx, 2); /* IRET, and the rest of it */
    fx_assert_vector(fx, EXC_GP);
    assert_int_equal(fx_stk4(fx, 1), FX_CODE);
    assert_int_equal(cpu->ymm[1].d[2], 0xe0000002);
    assert_int_equal(cpu->ymm[3].q[1], UINT64_C(0xffffffff00000000));
    fx_free(fx);
}

/* Of the last element it comes behind the instruction. */
static void breakpoint_at_the_end(void **state)
{
    struct fx *fx = gather((const uint32_t[]){0xa100, 0xa200, 0xa300, 0xa400}, 0xa400);
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_run(fx, 1);
    at_handler(fx, EXC_DB, FX_CODE + 6);
    assert_int_equal(cpu->dr6 & 15, 1);
    assert_int_equal(cpu->ymm[1].d[3], 0xe0000003);
    assert_int_equal(cpu->ymm[3].q[0] | cpu->ymm[3].q[1], 0);
    fx_free(fx);
}

/* Two that strike: each once, and all elements are there in the end. */
static void breakpoint_resumes(void **state)
{
    struct fx *fx = gather((const uint32_t[]){0xa100, 0xa200, 0xa100, 0xa400}, 0xa100);
    struct cpu *cpu = fx->cpu;

    (void)state;
    FX_PUT(fx, FX_HAND + EXC_DB * 4, 0x43, 0xcf); /* inc ebx; iret */
    cpu->gpr[REG_RBX] = 0;
    fx_run(fx, 0);
    assert_int_equal(fx_rip(fx), FX_CODE + 7);
    assert_int_equal(cpu->gpr[REG_RBX], 2);
    assert_int_equal(cpu->ymm[1].d[0], 0xe0000002); /* one place, written last */
    assert_int_equal(cpu->ymm[1].d[1], 0xe0000001);
    assert_int_equal(cpu->ymm[1].d[2], 0xe0000002);
    assert_int_equal(cpu->ymm[1].d[3], 0xe0000003);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masked_store_on_the_bus),   cmocka_unit_test(masked_load_from_the_bus),
        cmocka_unit_test(breakpoint_before_a_fault), cmocka_unit_test(breakpoint_at_the_end),
        cmocka_unit_test(breakpoint_resumes),
    };

    return unit_main(tests);
}
