/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host failures travel up as GError in Penumbra's own domain, with a message that reads as one clear
 * line once "penumbra: " stands before it. Guest faults and broken invariants never use this.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <glib.h>

enum penumbra_error {
    PENUMBRA_ERROR_OPTION, /* what the user asked for makes no sense */
    PENUMBRA_ERROR_FILE,   /* a file is missing, truncated or not what it should be */
    PENUMBRA_ERROR_CONFIG, /* the board cannot be built so: overlaps, sizes */
    PENUMBRA_ERROR_HOST,   /* the host refused: memory, threads, terminals */
};

#define PENUMBRA_ERROR (penumbra_error_quark())
GQuark penumbra_error_quark(void);

/* Stops the process with a state dump: an invariant of ours is broken. Never for guest or user
 * mistakes. The dump hook (set once by machine/) prints the machine's state; it may be NULL. */
extern void (*invariant_dump)(void);
__attribute__((noreturn, cold)) void invariant_failed(const char *file, int line, const char *what);

#define invariant(cond)                                                                            \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0))                                                          \
            invariant_failed(__FILE__, __LINE__, #cond);                                           \
    } while (0)

#endif
