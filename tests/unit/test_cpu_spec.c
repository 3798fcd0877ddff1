/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What -cpu's properties and -smp's parts make of CPUID. SDM 2A, CPUID: leaves 0, 1, 4, 0xB,
 * 0x80000008. */
#include "tests/unit/unit.h"

#include "cpu/cpu.h"
#include "cpu/cpuid.h"
#include "cpu/mmu.h"

static struct memslots_vm *slots;
static struct cpu_group *group;
static struct cpu *cpus[8];

static void make(const char *model, unsigned n, unsigned cores, unsigned threads)
{
    slots = memslots_new();
    group = cpu_group_new();
    for (unsigned k = 0; k < n; k++) {
        struct cpu_config cfg = {.id = k,
                                 .model = model,
                                 .slots = slots,
                                 .mmu = &mmu_walk_ops,
                                 .cores = cores,
                                 .threads = threads,
                                 .tsc_khz = 1000000,
                                 .group = group};

        cpus[k] = cpu_new(&cfg);
        assert_non_null(cpus[k]);
    }
}

static void unmake(void)
{
    for (unsigned k = 0; k < 8; k++) {
        cpu_free(cpus[k]);
        cpus[k] = NULL;
    }
    cpu_group_free(group);
    memslots_free(slots);
}

static unsigned reach(const char *model)
{
    unsigned bits, leaf;

    make(model, 1, 0, 0);
    bits = cpus[0]->phys_bits;
    leaf = cpuid_query(cpus[0], 0x80000008, 0).eax & 0xff;
    assert_int_equal(leaf, bits);
    unmake();
    return bits;
}

static void test_phys_bits(void **state)
{
    (void)state;
    assert_int_equal(reach("max"), 40);
    assert_int_equal(reach("max,phys-bits=36"), 36);
    assert_int_equal(reach("max,phys-bits=52"), 52);
    assert_int_equal(reach("max,phys-bits=0"), 40);
    assert_int_equal(reach("max,host-phys-bits=off"), 40);
    assert_in_range(reach("max,host-phys-bits"), 36, 52);
    assert_int_equal(reach("max,host-phys-bits,host-phys-bits-limit=34"), 34);
    assert_int_equal(reach("IvyBridge,phys-bits=36,host-phys-bits=off"), 36);
}

static void vendor(const char *model, const char *is)
{
    struct cpuid_regs r;
    char text[13] = "";

    make(model, 1, 0, 0);
    r = cpuid_query(cpus[0], 0, 0);
    memcpy(text, &r.ebx, 4);
    memcpy(text + 4, &r.edx, 4);
    memcpy(text + 8, &r.ecx, 4);
    assert_string_equal(text, is);
    unmake();
}

static void test_vendor(void **state)
{
    (void)state;
    vendor("max", "GenuineIntel");
    vendor("max,vendor=AuthenticAMD", "AuthenticAMD");
    vendor("Opteron_G1", "AuthenticAMD");
    vendor("Opteron_G1,vendor=GenuineIntel", "GenuineIntel");
}

/* Leaf 0xB: the shift to the next level and the logical processors of this one. */
static void level(unsigned cpu, unsigned sub, unsigned shift, unsigned count, unsigned type)
{
    struct cpuid_regs r = cpuid_query(cpus[cpu], 0xb, sub);

    assert_int_equal(r.eax, shift);
    assert_int_equal(r.ebx, count);
    assert_int_equal(r.ecx, type << 8 | sub);
    assert_int_equal(r.edx, cpu);
}

static void test_topology(void **state)
{
    struct cpuid_regs r;

    (void)state;
    make("max", 8, 2, 2); /* two sockets of two cores of two threads */
    level(5, 0, 1, 2, 1);
    level(5, 1, 2, 4, 2);
    level(5, 2, 0, 0, 0);
    r = cpuid_query(cpus[5], 1, 0);
    assert_int_equal(r.ebx >> 16 & 0xff, 4);
    assert_true(r.edx & 1u << 28);
    r = cpuid_query(cpus[5], 4, 0); /* L1: a core's; two cores in the package */
    assert_int_equal(r.eax >> 14 & 0xfff, 1);
    assert_int_equal(r.eax >> 26, 1);
    r = cpuid_query(cpus[5], 4, 3); /* L3: the package's */
    assert_int_equal(r.eax >> 14 & 0xfff, 3);
    unmake();
    make("max", 6, 0, 0);
    level(3, 0, 0, 1, 1);
    level(3, 1, 3, 6, 2);
    unmake();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_phys_bits),
                                       cmocka_unit_test(test_vendor),
                                       cmocka_unit_test(test_topology)};

    return unit_main(tests);
}
