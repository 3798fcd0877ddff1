/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One case on both processors. */
#ifndef TESTS_DIFF_RUNNER_H
#define TESTS_DIFF_RUNNER_H

#include "tests/diff/guest.h"
#include "tests/diff/judge.h"

struct diff_runner {
    struct diff_memory memory;
    struct diff_guest guest;
};

/* NULL, or why nothing can be run here. */
const char *diff_runner_init(struct diff_runner *r);
void diff_runner_free(struct diff_runner *r);

struct diff_result {
    struct diff_facts facts;
    const char *excluded; /* why it was not run, or NULL; what follows is then not set */
    const char *what;     /* differs, or NULL */
    const char *allowed;  /* why that is no error, or NULL */
    uint64_t address;     /* of memory that differs */
    struct diff_state host, guest;
};

void diff_run(struct diff_runner *r, const struct diff_case *c, struct diff_result *out);

/* It differs, and must not. */
static inline bool diff_is_bad(const struct diff_result *r)
{
    return !r->excluded && r->what && !r->allowed;
}

/* Makes a case that differs as simple as it can be while the same thing still differs. */
void diff_shrink(struct diff_runner *r, struct diff_case *c, const char *what);

#endif
