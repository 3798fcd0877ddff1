/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See report.h. TAP: the Test Anything Protocol's specification, version 13. JUnit has no standard
 * but what readers (Jenkins, GitLab) take: testsuites, testsuite, testcase, failure, error,
 * skipped.
 */
#include "frontends/headless/report.h"

#include <inttypes.h>
#include <string.h>

void report_count(struct report_counts *c, const struct result *r)
{
    if (r->verdict == VERDICT_PASSED)
        c->passed++;
    else if (r->verdict == VERDICT_SKIPPED)
        c->skipped++;
    else
        c->failed++;
}

void report_summary(GString *out, const struct report_counts *c)
{
    g_string_append_printf(out, "%u passed, %u failed, %u skipped\n", c->passed, c->failed,
                           c->skipped);
}

char *report_speed(const struct result *r, double host_s)
{
    if (!r->instructions || host_s <= 0)
        return g_strdup("");
    return g_strdup_printf(", %.0f MIPS", (double)r->instructions / host_s / 1e6);
}

static const char *why(const struct result *r)
{
    return r->text ? r->text : "no reason is known";
}

/* ---- for a person ---- */

/* What two runs with counted time are held against each other by. */
static void append_sums(GString *out, const struct result *r)
{
    if (*r->state)
        g_string_append_printf(out, "  run: %" PRIu64 " instructions, serial %s, state %s\n",
                               r->instructions, r->serial, r->state);
}

void report_plain(GString *out, const struct report_guest *g)
{
    char *speed = report_speed(g->result, g->host_s);

    switch (g->result->verdict) {
    case VERDICT_PASSED:
        g_string_append_printf(out, "ok %s (%.1f s, %.0fM instructions%s)\n", g->name, g->host_s,
                               (double)g->result->instructions / 1e6, speed);
        append_sums(out, g->result);
        break;
    case VERDICT_SKIPPED:
        g_string_append_printf(out, "skip %s: %s\n", g->name, why(g->result));
        break;
    default:
        g_string_append_printf(out, "not ok %s: %s%s\n  artefacts: %s\n  repeat: %s\n", g->name,
                               g->result->verdict == VERDICT_HOST ? "host failure: " : "",
                               why(g->result), g->folder, g->repeat);
        append_sums(out, g->result);
    }
    g_free(speed);
}

/* ---- TAP ---- */

/* One line, in which # begins no directive. */
static void append_tap(GString *out, const char *s)
{
    for (; *s; s++) {
        if (*s == '#' || *s == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, (unsigned char)*s < ' ' || *s == 0x7f ? ' ' : *s);
    }
}

/* A YAML scalar in double quotes. */
static void append_yaml(GString *out, const char *key, const char *s)
{
    g_string_append_printf(out, "  %s: \"", key);
    for (; *s; s++) {
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            g_string_append_printf(out, "\\x%02x", (unsigned char)*s);
        else if (*s == '"' || *s == '\\')
            g_string_append_printf(out, "\\%c", *s);
        else
            g_string_append_c(out, *s);
    }
    g_string_append(out, "\"\n");
}

void report_tap_plan(GString *out, unsigned n)
{
    g_string_append_printf(out, "TAP version 13\n1..%u\n", n);
}

void report_tap(GString *out, unsigned n, const struct report_guest *g)
{
    const struct result *r = g->result;
    bool good = r->verdict == VERDICT_PASSED || r->verdict == VERDICT_SKIPPED;

    g_string_append_printf(out, "%s %u - ", good ? "ok" : "not ok", n);
    append_tap(out, g->name);
    if (r->verdict == VERDICT_SKIPPED) {
        g_string_append(out, " # SKIP ");
        append_tap(out, why(r));
    }
    g_string_append_c(out, '\n');
    if (good && !*r->state)
        return;
    g_string_append(out, "  ---\n");
    if (!good) {
        append_yaml(out, "message", why(r));
        append_yaml(out, "severity", r->verdict == VERDICT_HOST ? "host" : "fail");
        append_yaml(out, "artefacts", g->folder);
        append_yaml(out, "repeat", g->repeat);
    }
    g_string_append_printf(out, "  instructions: %" PRIu64 "\n  guest_seconds: %.3f\n",
                           r->instructions, (double)r->time_ns / 1e9);
    if (*r->state) {
        append_yaml(out, "serial_sha256", r->serial);
        append_yaml(out, "state_sha256", r->state);
    }
    g_string_append(out, "  ...\n");
}

/* ---- JUnit ---- */

/* Text in XML 1.0: valid UTF-8, no control characters, nothing that would be markup. */
static char *xml(const char *s)
{
    char *valid = g_utf8_make_valid(s, -1), *escaped;

    for (char *p = valid; *p; p++) {
        if (((unsigned char)*p < ' ' && *p != '\n' && *p != '\t') || *p == 0x7f)
            *p = '?';
    }
    escaped = g_markup_escape_text(valid, -1);
    g_free(valid);
    return escaped;
}

static void append_properties(GString *out, const struct result *r)
{
    g_string_append_printf(out,
                           "      <properties>\n"
                           "        <property name=\"instructions\" value=\"%" PRIu64 "\"/>\n"
                           "        <property name=\"guest_seconds\" value=\"%.3f\"/>\n",
                           r->instructions, (double)r->time_ns / 1e9);
    if (*r->state)
        g_string_append_printf(out,
                               "        <property name=\"serial_sha256\" value=\"%s\"/>\n"
                               "        <property name=\"state_sha256\" value=\"%s\"/>\n",
                               r->serial, r->state);
    g_string_append(out, "      </properties>\n");
}

static void append_case(GString *out, const struct report_guest *g)
{
    const struct result *r = g->result;
    char *name = xml(g->name), *text = xml(why(r)), *folder = xml(g->folder),
         *repeat = xml(g->repeat);

    g_string_append_printf(out, "    <testcase classname=\"penumbra\" name=\"%s\" time=\"%.3f\">\n",
                           name, g->host_s);
    append_properties(out, r);
    if (r->verdict == VERDICT_SKIPPED)
        g_string_append_printf(out, "      <skipped message=\"%s\"/>\n", text);
    else if (r->verdict != VERDICT_PASSED)
        g_string_append_printf(out, "      <%s message=\"%s\">artefacts: %s\nrepeat: %s\n</%s>\n",
                               r->verdict == VERDICT_HOST ? "error" : "failure", text, folder,
                               repeat, r->verdict == VERDICT_HOST ? "error" : "failure");
    g_string_append(out, "    </testcase>\n");
    g_free(name);
    g_free(text);
    g_free(folder);
    g_free(repeat);
}

void report_junit(GString *out, const struct report_guest *g, unsigned n)
{
    unsigned failures = 0, errors = 0, skipped = 0;
    double seconds = 0;

    for (unsigned k = 0; k < n; k++) {
        enum verdict v = g[k].result->verdict;

        failures += v == VERDICT_FAILED || v == VERDICT_NONE;
        errors += v == VERDICT_HOST;
        skipped += v == VERDICT_SKIPPED;
        seconds += g[k].host_s;
    }
    g_string_append_printf(out,
                           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
                           "  <testsuite name=\"penumbra\" tests=\"%u\" failures=\"%u\" "
                           "errors=\"%u\" skipped=\"%u\" time=\"%.3f\">\n",
                           n, failures, errors, skipped, seconds);
    for (unsigned k = 0; k < n; k++)
        append_case(out, &g[k]);
    g_string_append(out, "  </testsuite>\n</testsuites>\n");
}
