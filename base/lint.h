/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strict mode: what a guest does that real hardware would punish or leave undefined, told to the
 * person who writes it (`-lint`). The rules are in lint.def. Whoever sees one broken calls
 * lint_report; the place, which is the instruction under way, is added here, through what the
 * thread that runs a vCPU has said of itself (lint_where), so that a device needs to know of none.
 *
 * A rule that is broken at the same place again is counted, not told. Like the log there is one for
 * the process: it is configured before the machine starts (lint_control.h).
 */
#ifndef BASE_LINT_H
#define BASE_LINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lint_rule {
#define LINT(id, name, what, why, manual) LINT_##id,
#include "base/lint.def"
#undef LINT
    LINT_RULES
};
_Static_assert(LINT_RULES <= 64, "a bit each");

/* Bits 1 << LINT_* of the rules that are wanted. Set before the machine starts, then only read. */
extern uint64_t lint_mask;

static inline bool lint_on(enum lint_rule r)
{
    return __builtin_expect((lint_mask >> r & 1) != 0, 0);
}

/* ---- reporting; any thread ---- */

/* The rule is broken, by what the message says in one line without an end (it may be composed of
 * anything; values in it do not make it another report). Nothing happens when the rule is off, but
 * the arguments are worked out: ask lint_on first where that costs something. */
#define lint_report(rule, ...) lint_report_of(rule, 0, __VA_ARGS__)

/* The same of one of several things that may break the rule at the same place: reports with
 * different `subject`s (a register's number, an address) are told each. */
#define lint_report_of(rule, subject, ...)                                                         \
    do {                                                                                           \
        if (lint_on(rule))                                                                         \
            lint_say(rule, subject, __VA_ARGS__);                                                  \
    } while (0)
void lint_say(enum lint_rule r, uint64_t subject, const char *fmt, ...)
    __attribute__((cold, format(printf, 3, 4)));

/* ---- where; of the calling thread ---- */

/* Who runs guest code in a thread, and can tell which instruction is under way. */
struct lint_where {
    void *opaque;
    uint64_t (*place)(void *opaque); /* tells it from others: its address */
    /* The same for people: "cpu0 0010:00007c00 <name> mov al, 1" or so. */
    void (*tell)(void *opaque, char *buf, size_t size);
};

/* NULL: this thread runs no guest code. Stays the caller's; returns what was there before. */
const struct lint_where *lint_set_where(const struct lint_where *w);

#endif
