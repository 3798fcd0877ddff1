/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host failures travel up as GError in Penumbra's own domain, with a message that reads as one
 * clear line once "penumbra: " stands before it. Guest faults and broken invariants never use this.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <glib.h>
#include <stdbool.h>

enum penumbra_error {
    PENUMBRA_ERROR_OPTION, /* what the user asked for makes no sense */
    PENUMBRA_ERROR_FILE,   /* a file is missing, truncated or not what it should be */
    PENUMBRA_ERROR_CONFIG, /* the board cannot be built so: overlaps, sizes */
    PENUMBRA_ERROR_HOST,   /* the host refused: memory, threads, terminals */
};

#define PENUMBRA_ERROR (penumbra_error_quark())
GQuark penumbra_error_quark(void);

/* Set *err (err may be NULL) to a PENUMBRA_ERROR_OPTION, or _CONFIG, with the text of a format;
 * false, to be returned. */
bool error_option(GError **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool error_config(GError **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* An invariant of ours is broken: says which, dumps the machine's state and ends the process with
 * EXIT_INTERNAL_ERROR. Never for guest or user mistakes. The dump hook (set by machine/ while there
 * is a machine) prints to stderr, may meet any state, and is called once at most; it may be NULL.
 */
#define EXIT_INTERNAL_ERROR 2 /* docs/exit-status.md */
extern void (*invariant_dump)(void);
__attribute__((noreturn, cold)) void invariant_failed(const char *file, int line, const char *what);

#define invariant(cond)                                                                            \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0))                                                          \
            invariant_failed(__FILE__, __LINE__, #cond);                                           \
    } while (0)

#endif
