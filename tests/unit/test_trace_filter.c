/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -dfilter: what its items mean, together and apart, and what is none. */
#include "tests/unit/cpu_fixture.h"

#include <glib.h>

#include "cpu/trace_filter.h"

static void add(const char *list)
{
    const char *bad, *why = trace_filter_add(list, &bad);

    if (why)
        fail_msg("%s: %s %s", list, bad, why);
}

static bool wanted(struct cpu *cpu, uint64_t at, unsigned cpl, uint64_t cr3)
{
    cpu->gpr[REG_RIP] = at - cpu->code_base;
    cpu->cpl = (uint8_t)cpl;
    cpu->cr3 = cr3;
    return trace_wanted(cpu);
}

static void ranges(void **state)
{
    static const struct {
        const char *list;
        uint64_t first, last;
    } cases[] = {
        {"0x8000..0x8fff", 0x8000, 0x8fff},
        {"0x8000+0x100", 0x8000, 0x80ff},
        {"0x8000-0x100", 0x7f01, 0x8000},
        {"5..5", 5, 5},
        {"0xffffffff81000000+4096", 0xffffffff81000000, 0xffffffff81000fff},
        {"0xffffffffffffff00..0xffffffffffffffff", 0xffffffffffffff00, 0xffffffffffffffff},
    };
    struct fx *fx = fx_new("max");

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        trace_filter_clear();
        assert_true(wanted(fx->cpu, 1, 0, 0));
        add(cases[k].list);
        assert_true(wanted(fx->cpu, cases[k].first, 0, 0));
        assert_true(wanted(fx->cpu, cases[k].last, 3, 0x1000));
        assert_false(wanted(fx->cpu, cases[k].first - 1, 0, 0));
        assert_false(wanted(fx->cpu, cases[k].last + 1, 0, 0));
    }
    trace_filter_clear();
    fx_free(fx);
}

static void kinds(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    trace_filter_clear();
    add("0x1000+0x1000,0x5000+1,cpl=0,cpl=3,cr3=0x7000");
    add("cr3=0x9fff"); /* its low bits are PCID and flags */
    assert_true(wanted(fx->cpu, 0x1800, 0, 0x7000));
    assert_true(wanted(fx->cpu, 0x5000, 3, 0x9001));
    assert_false(wanted(fx->cpu, 0x1800, 1, 0x7000));
    assert_false(wanted(fx->cpu, 0x1800, 0, 0x8000));
    assert_false(wanted(fx->cpu, 0x5001, 0, 0x7000));
    trace_filter_clear();
    assert_true(wanted(fx->cpu, 0x5001, 1, 0));
    fx_free(fx);
}

static void refusals(void **state)
{
    static const struct {
        const char *list, *bad;
    } cases[] = {
        {"x", "x"},
        {"0x1000", "0x1000"},
        {"1..2,0x1000..", "0x1000.."},
        {"1.2", "1.2"},
        {"2..1", "2..1"},
        {"5+0", "5+0"},
        {"5-7", "5-7"},
        {"1+2+3", "1+2+3"},
        {"0xffffffffffffffff+2", "0xffffffffffffffff+2"},
        {"0x10000000000000000..1", "0x10000000000000000..1"},
        {"cpl=4,1..2", "cpl=4,1..2"},
        {"cpl=", "cpl="},
        {"cr3=y", "cr3=y"},
        {"-1..5", "-1..5"},
    };
    struct fx *fx = fx_new("max");
    GString *many = g_string_new("");
    const char *bad;

    (void)state;
    trace_filter_clear();
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        assert_non_null(trace_filter_add(cases[k].list, &bad));
        assert_string_equal(bad, cases[k].bad);
        assert_true(wanted(fx->cpu, 0x77, 2, 0)); /* nothing was narrowed */
    }
    for (unsigned k = 0; k <= TRACE_FILTER_MAX; k++)
        g_string_append_printf(many, "%u..%u,", k, k);
    assert_string_equal(trace_filter_add(many->str, &bad), "is one range too many");
    g_string_free(many, TRUE);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),
        cmocka_unit_test(kinds),
        cmocka_unit_test(refusals),
    };

    return unit_main(tests);
}
