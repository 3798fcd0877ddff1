/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a guest's run went, and the lines by which the process that ran it says so: fields with tabs
 * between them, text escaped. The reader takes any bytes.
 */
#ifndef FRONTENDS_HEADLESS_RESULT_H
#define FRONTENDS_HEADLESS_RESULT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum verdict {
    VERDICT_NONE, /* it runs, or died without a word */
    VERDICT_PASSED,
    VERDICT_FAILED,
    VERDICT_SKIPPED, /* what it boots cannot be had */
    VERDICT_HOST,    /* the host failed, not the guest; counts as failed */
};

#define RESULT_SUM 65 /* hexadecimal digits and a zero */

struct result {
    enum verdict verdict;
    char *text;   /* what it does now; or why the verdict is what it is; NULL: nothing to say */
    bool started; /* the machine runs, or has */
    uint64_t instructions;
    int64_t time_ns; /* of the guest's clock */
    /* Of a run with counted time, when it is over: SHA-256 sums, "" where there are none. */
    char serial[RESULT_SUM]; /* of what it said, on all lines; see guest.c */
    char state[RESULT_SUM];  /* machine_state_hash */
};

/* A line with its newline; g_free. */
char *result_line(const struct result *r);

/* Takes a line without its newline into *r. False when it is none of ours, and *r is as it was. */
bool result_parse(struct result *r, const char *line);

void result_clear(struct result *r);

#endif
