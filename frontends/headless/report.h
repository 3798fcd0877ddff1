/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How guests' runs went, as text: for a person, as TAP 13, as JUnit's XML. Pure functions. */
#ifndef FRONTENDS_HEADLESS_REPORT_H
#define FRONTENDS_HEADLESS_REPORT_H

#include "frontends/headless/result.h"

struct report_guest {
    const char *name, *description;
    const struct result *result;
    double host_s;      /* how long it took here */
    const char *folder; /* of its artefacts */
    const char *repeat; /* the command that runs it again, alone */
};

struct report_counts {
    unsigned passed, failed, skipped;
};

void report_count(struct report_counts *c, const struct result *r);

/* "N passed, N failed, N skipped" and a newline. */
void report_summary(GString *out, const struct report_counts *c);

/* A line or, for a failure, a few. */
void report_plain(GString *out, const struct report_guest *g);

/* A test point, number n from 1, with what YAML holds of a failure. The plan is report_tap_plan. */
void report_tap_plan(GString *out, unsigned n);
void report_tap(GString *out, unsigned n, const struct report_guest *g);

/* A whole document. */
void report_junit(GString *out, const struct report_guest *g, unsigned n);

/* "12.3M" and the like: instructions a second of the host's, "" when there is none to tell. */
char *report_speed(const struct result *r, double host_s);

#endif
