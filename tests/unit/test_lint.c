/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -lint: what its list means, what is told once and counted after, limits, and the summary. */
#include "tests/unit/unit.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"
#include "base/lint_control.h"

static char *path;
static uint64_t at;

static uint64_t place(void *opaque)
{
    return *(uint64_t *)opaque;
}

static void tell(void *opaque, char *buf, size_t size)
{
    g_snprintf(buf, size, "at %u", (unsigned)*(uint64_t *)opaque);
}

static const struct lint_where here = {.opaque = &at, .place = place, .tell = tell};

static void begin(const char *list)
{
    GError *err = NULL;
    char *all = g_strdup_printf("%s,file=%s", list, path);

    if (!lint_configure(all, &err))
        fail_msg("%s: %s", all, err->message);
    g_free(all);
}

/* Ends it; what was written is exactly this. */
static void expect(const char *text)
{
    char *got;

    lint_close();
    assert_true(g_file_get_contents(path, &got, NULL, NULL));
    assert_string_equal(got, text);
    g_free(got);
}

static void refused(const char *list, const char *why)
{
    GError *err = NULL;

    assert_false(lint_configure(list, &err));
    assert_int_equal(err->domain, PENUMBRA_ERROR);
    if (!strstr(err->message, why))
        fail_msg("%s: %s", list, err->message);
    g_clear_error(&err);
    assert_int_equal(lint_mask, 0);
}

static void lists(void **state)
{
    const uint64_t all = ~UINT64_C(0) >> (64 - LINT_RULES), flag = 1 << LINT_UNDEFINED_FLAG,
                   note = UINT64_C(1) << LINT_UNCLAIMED;

    (void)state;
    begin("");
    assert_int_equal(lint_mask, all & ~note);
    begin("limit=3");
    assert_int_equal(lint_mask, all & ~note);
    begin("unclaimed");
    assert_int_equal(lint_mask, note);
    begin("all");
    assert_int_equal(lint_mask, all);
    begin("undefined-flag");
    assert_int_equal(lint_mask, flag);
    begin("no-undefined-flag");
    assert_int_equal(lint_mask, all & ~flag & ~note);
    begin("all,no-undefined-flag,limit=3");
    assert_int_equal(lint_mask, all & ~flag);
    begin("stale-tlb,undefined-flag");
    assert_int_equal(lint_mask, flag | 1 << LINT_STALE_TLB);
    expect("lint: no reports\n");
    assert_int_equal(lint_mask, 0);
    refused("undefined-flags", "no rule 'undefined-flags'");
    refused("no-such", "no rule 'no-such'");
    refused("stale-tlb,limit=0", "limit '0'");
    refused("limit=9x", "limit '9x'");
    refused("limit=99999999999999999999", "limit");
    refused("file=/nowhere/at/all", "/nowhere/at/all");
}

static void report(unsigned value)
{
    lint_report(LINT_STALE_TLB, "value %u", value);
}

static void once_a_place(void **state)
{
    uint64_t times, places;

    (void)state;
    begin("stale-tlb");
    lint_report(LINT_UNDEFINED_FLAG, "is off");
    report(1);
    assert_null(lint_set_where(&here));
    at = 5;
    report(2);
    report(3); /* counted: the value makes it no other */
    at = 6;
    report(4);
    lint_report(LINT_STALE_TLB, "another statement");
    for (unsigned k = 0; k < 4; k++)
        lint_report_of(LINT_STALE_TLB, k / 2, "of %u", k / 2);
    assert_ptr_equal(lint_set_where(NULL), &here);
    lint_count(LINT_STALE_TLB, &times, &places);
    assert_int_equal(times, 9);
    assert_int_equal(places, 6);
    lint_count(LINT_UNDEFINED_FLAG, &times, &places);
    assert_int_equal(times, 0);
    expect("lint: stale-tlb: value 1\n"
           "lint: stale-tlb: at 5: value 2\n"
           "lint: stale-tlb: at 6: value 4\n"
           "lint: stale-tlb: at 6: another statement\n"
           "lint: stale-tlb: at 6: of 0\n"
           "lint: stale-tlb: at 6: of 1\n"
           "lint: 6 reports, 9 times: stale-tlb 6 (9)\n");
}

static void limited(void **state)
{
    (void)state;
    begin("limit=2");
    lint_set_where(&here);
    for (at = 0; at < 5; at++)
        report(0);
    at = 1; /* one that was told */
    report(0);
    lint_report(LINT_UNDEFINED_FLAG, "other rules go on");
    lint_set_where(NULL);
    expect("lint: stale-tlb: at 0: value 0\n"
           "lint: stale-tlb: at 1: value 0\n"
           "lint: stale-tlb: at more than 2 places; no more are told\n"
           "lint: undefined-flag: at 1: other rules go on\n"
           "lint: 3 reports, 7 times: stale-tlb 2+ (6), undefined-flag 1 (1)\n");
}

static void gather(void *opaque, const char *text)
{
    g_string_append_printf(opaque, "%s\n", text);
}

static void told(void **state)
{
    GString *s = g_string_new(NULL);

    (void)state;
    lint_tell(gather, s);
    assert_string_equal(s->str, "lint: off (-lint switches it on)\n");
    g_string_truncate(s, 0);
    begin("all");
    report(1);
    report(1);
    lint_tell(gather, s);
    assert_string_equal(s->str, "lint: 1 report, 2 times: stale-tlb 1 (2)\n"
                                "       2 stale-tlb: value 1\n");
    g_string_free(s, TRUE);
    lint_close();
}

static gpointer hammer(gpointer opaque)
{
    (void)opaque;
    for (unsigned k = 0; k < 20000; k++)
        lint_report_of(LINT_STALE_TLB, k % 100, "of %u", k % 100);
    return NULL;
}

static void threads(void **state)
{
    GThread *t[4];
    uint64_t times, places;

    (void)state;
    begin("all");
    for (unsigned k = 0; k < 4; k++)
        t[k] = g_thread_new("hammer", hammer, NULL);
    for (unsigned k = 0; k < 4; k++)
        g_thread_join(t[k]);
    lint_count(LINT_STALE_TLB, &times, &places);
    assert_int_equal(times, 80000);
    assert_int_equal(places, 100);
    lint_close();
}

static void help(void **state)
{
    char *text = lint_help();

    (void)state;
    assert_non_null(strstr(text, "\nstale-tlb\n"));
    assert_non_null(strstr(text, "\nundefined-flag\n"));
    g_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists), cmocka_unit_test(once_a_place), cmocka_unit_test(limited),
        cmocka_unit_test(told),  cmocka_unit_test(threads),      cmocka_unit_test(help),
    };
    int r;

    path = g_strdup_printf("%s/penumbra-lint-XXXXXX", g_get_tmp_dir());
    g_close(g_mkstemp(path), NULL);
    r = cmocka_run_group_tests(tests, NULL, NULL);
    g_unlink(path);
    g_free(path);
    return r;
}
