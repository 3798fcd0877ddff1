/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests of strict mode's rules share: reports go to nobody, and are counted. */
#ifndef TESTS_UNIT_LINT_TOLD_H
#define TESTS_UNIT_LINT_TOLD_H

#include "tests/unit/unit.h"

#include "base/lint_control.h"

static uint64_t told_before[LINT_RULES];

static inline void told_begin(void)
{
    assert_true(lint_configure("all,file=/dev/null", NULL));
    memset(told_before, 0, sizeof(told_before));
}

static inline void told_end(void)
{
    lint_close();
}

/* Since the last time: the rule was broken `times` times, and no
 * other was. */
static inline void told_just(int rule, int times, const char *file, int line)
{
    for (int r = 0; r < LINT_RULES; r++) {
        uint64_t now, places, new;

        lint_count((enum lint_rule)r, &now, &places);
        new = now - told_before[r];
        told_before[r] = now;
        if (r == rule ? new != (uint64_t)times : new != 0)
            fail_msg("%s:%d: rule %d was broken %d times", file, line, r, (int)new);
    }
}

#define TOLD(rule, times) told_just(LINT_##rule, times, __FILE__, __LINE__)
#define TOLD_NOTHING()    told_just(-1, 0, __FILE__, __LINE__)

#endif
