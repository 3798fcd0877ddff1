/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The differential fuzzer: cases from the rows of opcodes.def, or from lines of text, on the host's
 * processor and on the emulated one. tests/diff/run starts one process a group; docs/testing.md.
 */
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "cpu/cpu.h"
#include "cpu/disas.h"
#include "tests/diff/groups.h"
#include "tests/diff/host.h"
#include "tests/diff/line.h"
#include "tests/diff/runner.h"

#define MAX_ROWS    4096
#define MAX_REPORTS 25 /* of a group, */
#define ROW_REPORTS 2  /* of a row of it */
#define DECODED     32 /* cases of each row whose bytes the decoder must read as that row */

static struct diff_runner runner;
static struct {
    uint64_t cases, seed;
    const char *only; /* regular expression of mnemonics, or NULL */
    regex_t only_re;
    bool verbose;
} options = {.cases = 5000000, .seed = 1};

/* ---- counts by reason ---- */

static struct {
    const char *why;
    uint64_t count;
} reasons[128];

static void count_reason(const char *why)
{
    for (unsigned n = 0; n < ARRAY_SIZE(reasons); n++) {
        if (!reasons[n].why)
            reasons[n].why = why;
        if (reasons[n].why == why) {
            reasons[n].count++;
            return;
        }
    }
}

static void print_reasons(void)
{
    for (unsigned n = 0; n < ARRAY_SIZE(reasons) && reasons[n].why; n++)
        printf("#   not compared %8" PRIu64 ": %s\n", reasons[n].count, reasons[n].why);
    memset(reasons, 0, sizeof(reasons));
}

/* ---- telling ---- */

static void print_code(const struct diff_case *c)
{
    for (unsigned n = 0; n < c->len;) {
        char text[100] = "?";
        size_t used =
            disas(c->code + n, c->len - n, c->setup->mode, c->in.rip + n, text, sizeof(text));

        printf("%s%s", n ? "; " : "", text);
        n += used ? (unsigned)used : c->len;
    }
}

static void report(const struct diff_case *c, const struct diff_result *r)
{
    char line[DIFF_LINE_MAX];

    printf("%s differs: ", r->what);
    print_code(c);
    if (r->address)
        printf(" (memory at %" PRIx64 ")", r->address);
    diff_line_result(c, &r->host, line, sizeof(line));
    printf("\n    host:  %s\n", line);
    diff_line_result(c, &r->guest, line, sizeof(line));
    printf("    guest: %s\n", line);
    diff_line_print(c, line, sizeof(line));
    printf("    tests/diff/run --case '%s'\n", line);
    fflush(stdout);
}

static void report_shrunk(const struct diff_case *c, const struct diff_result *r)
{
    static struct diff_case small;
    static struct diff_result again;

    small = *c;
    diff_shrink(&runner, &small, r->what);
    diff_run(&runner, &small, &again);
    if (diff_is_bad(&again))
        report(&small, &again);
    else
        report(c, r); /* it depends on what ran before: as it came */
}

/* ---- groups ---- */

struct tally {
    uint64_t cases, faults, bad;
};

static const struct opcode *rows[MAX_ROWS];
static unsigned row_bad[MAX_ROWS];

static bool wanted(const struct opcode *row)
{
    return !options.only || regexec(&options.only_re, row->mnemonic, 0, NULL, 0) == 0;
}

static unsigned collect_rows(const struct diff_group *group, bool tell)
{
    unsigned count = 0;

    for (unsigned n = 0; n < opcode_count; n++) {
        const struct opcode *row = &opcode_table[n];
        const char *why;

        if (!group->has(row) || !wanted(row))
            continue;
        why = diff_row_excluded(row);
        if (!why)
            rows[count++] = row;
        else if (tell)
            printf("#   row not run: %s %02x: %s\n", row->mnemonic, row->opcode, why);
    }
    return count;
}

static void judge_case(const struct diff_group *group, const struct diff_case *c, unsigned row,
                       struct tally *t)
{
    static struct diff_result r;

    diff_run(&runner, c, &r);
    if (r.excluded) {
        count_reason(r.excluded);
        return;
    }
    t->cases++;
    t->faults += r.host.vector != EXC_BP;
    if (r.what && r.allowed)
        count_reason(r.allowed);
    if (!diff_is_bad(&r))
        return;
    t->bad++;
    if ((row_bad[row]++ < ROW_REPORTS || group->kind != DIFF_ROWS) && t->bad <= MAX_REPORTS)
        report_shrunk(c, &r);
}

/* Has the decoder under test read the bytes as they were meant? Those of a row, no more nor less.
 */
static bool decoded(const struct diff_gen *g, const struct diff_case *c)
{
    char line[DIFF_LINE_MAX];
    struct diff_facts f;

    diff_facts_find(&f, c);
    if (g->odd || c->len > INSN_MAX_LEN ||
        (f.status == DECODE_OK && f.row == g->row && f.insn.len == c->len))
        return true;
    diff_line_print(c, line, sizeof(line));
    printf("decoded as %s, %u bytes, not %s, %u bytes: %s\n", f.row ? f.row->mnemonic : "nothing",
           f.insn.len, g->row->mnemonic, c->len, line);
    return false;
}

static bool make_case(struct diff_gen *g, struct diff_case *c, const struct diff_group *group,
                      uint64_t n, unsigned count)
{
    const struct diff_setup *setup =
        &diff_setups[group->setup[(n / (count ? count : 1)) % group->setups]];

    if (setup->mode != MODE_64 && !diff_host_has_ldt())
        return false;
    if (group->kind == DIFF_UNDEFINED)
        diff_gen_undefined(g, c, setup);
    else if (group->kind == DIFF_SEQUENCES)
        diff_gen_sequence(g, c, rows, count, setup);
    else if (!diff_gen_case(g, c, rows[n % count], setup))
        return false;
    return true;
}

static bool run_group(const struct diff_group *group, uint64_t cases)
{
    static struct diff_case c;
    struct diff_gen g = {.rng = {(options.seed * 2 + 1) * UINT64_C(0x9e3779b97f4a7c15)},
                         .m = &runner.memory};
    struct tally t = {0};
    unsigned count = collect_rows(group, true);
    double seconds;
    struct timespec start, end;

    for (const char *p = group->name; *p; p++)
        g.rng.state = (g.rng.state ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    memset(row_bad, 0, sizeof(row_bad));
    if (!count && group->kind != DIFF_UNDEFINED)
        return true;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (uint64_t n = 0; t.cases < cases && n < 4 * cases + 100000; n++) {
        if (!make_case(&g, &c, group, n, count))
            continue;
        if (group->kind == DIFF_ROWS && n < DECODED * count && !decoded(&g, &c))
            t.bad++;
        else
            judge_case(group, &c, group->kind == DIFF_ROWS ? (unsigned)(n % count) : 0, &t);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
    print_reasons();
    for (unsigned n = 0; group->kind == DIFF_ROWS && n < count; n++) {
        if (row_bad[n])
            printf("#   %u differ: %s %02x\n", row_bad[n], rows[n]->mnemonic, rows[n]->opcode);
    }
    printf("%s: %u rows, %" PRIu64 " cases (%" PRIu64 " faults), %" PRIu64 " differ; %.1f s\n",
           group->name, count, t.cases, t.faults, t.bad, seconds);
    fflush(stdout);
    return t.bad == 0 && (t.cases >= cases || options.only);
}

/* ---- lines ---- */

static bool run_line(const char *line, bool always_tell)
{
    static struct diff_case c;
    static struct diff_result r;
    char word[64];

    if (!diff_line_parse(line, &c, word)) {
        printf("not understood: \"%s\" in: %s\n", word, line);
        return false;
    }
    if (c.setup->mode != MODE_64 && !diff_host_has_ldt()) {
        printf("not run, no modify_ldt(2): %s\n", line);
        return true;
    }
    diff_facts_find(&r.facts, &c);
    c.with_fpu |= r.facts.uses_fpu;
    diff_run(&runner, &c, &r);
    if (r.excluded) {
        printf("not run: %s: %s\n", r.excluded, line);
        return false;
    }
    if (!r.what && !always_tell)
        return true;
    if (!r.what)
        r.what = "nothing";
    else if (r.allowed)
        printf("allowed, since: %s\n", r.allowed);
    report(&c, &r);
    return !diff_is_bad(&r) || strcmp(r.what, "nothing") == 0;
}

static bool run_file(const char *name)
{
    FILE *f = fopen(name, "r");
    char line[DIFF_LINE_MAX];
    unsigned count = 0, bad = 0;

    if (!f) {
        perror(name);
        return false;
    }
    while (fgets(line, sizeof(line), f)) {
        if (line[strspn(line, " \t\n")] == '#' || !line[strspn(line, " \t\n")])
            continue;
        count++;
        bad += !run_line(line, false);
    }
    fclose(f);
    printf("%s: %u cases, %u differ\n", name, count, bad);
    return bad == 0 && count > 0;
}

/* ---- options ---- */

static uint64_t number(const char *text)
{
    char *end;
    uint64_t v = strtoull(text, &end, 0);

    if (*end == 'M')
        return v * 1000000;
    return *end == 'k' ? v * 1000 : v;
}

static bool run_groups(const char *name)
{
    unsigned all = 0, found = 0;
    bool good = true;

    for (unsigned n = 0; n < diff_group_count; n++)
        all += diff_groups[n].share;
    for (unsigned n = 0; n < diff_group_count; n++) {
        const struct diff_group *group = &diff_groups[n];
        uint64_t cases = options.cases * group->share / all;

        if (name && strcmp(name, group->name) != 0)
            continue;
        found++;
        if (options.only && (group->kind != DIFF_ROWS || !collect_rows(group, false)))
            continue;
        good &= run_group(group, options.only ? options.cases : cases);
    }
    if (!found)
        printf("no group %s\n", name);
    return good && found;
}

static int usage(void)
{
    printf(
        "diff [--cases N] [--seed N] [--rows REGEX] [--group NAME] | --case LINE | --file FILE | "
        "--list\n");
    return 2;
}

static int list_groups(void)
{
    for (unsigned n = 0; n < diff_group_count; n++)
        printf("%s\n", diff_groups[n].name);
    return 0;
}

int main(int argc, char **argv)
{
    const char *group = NULL, *line = NULL, *file = NULL, *why;
    bool good;

    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list_groups();
    for (int n = 1; n < argc; n += 2) {
        if (n + 1 == argc)
            return usage();
        if (strcmp(argv[n], "--cases") == 0)
            options.cases = number(argv[n + 1]);
        else if (strcmp(argv[n], "--seed") == 0)
            options.seed = number(argv[n + 1]);
        else if (strcmp(argv[n], "--rows") == 0)
            options.only = argv[n + 1];
        else if (strcmp(argv[n], "--group") == 0)
            group = argv[n + 1];
        else if (strcmp(argv[n], "--case") == 0)
            line = argv[n + 1];
        else if (strcmp(argv[n], "--file") == 0)
            file = argv[n + 1];
        else
            return usage();
    }
    if (options.only && regcomp(&options.only_re, options.only, REG_EXTENDED | REG_NOSUB) != 0)
        return usage();
    why = diff_runner_init(&runner);
    if (why) {
        printf("cannot run: %s\n", why);
        return 77;
    }
    good = line ? run_line(line, true) : file ? run_file(file) : run_groups(group);
    diff_runner_free(&runner);
    return good ? 0 : 1;
}
