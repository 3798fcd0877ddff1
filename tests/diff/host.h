/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running a case on the host's processor: the whole state is loaded, the code is jumped to, and
 * comes back either by a jump that stands behind it or by a signal, which is how the host's kernel
 * tells of faults.
 */
#ifndef TESTS_DIFF_HOST_H
#define TESTS_DIFF_HOST_H

#include "tests/diff/memory.h"

/* What keeps cases from running here, or NULL. To be called once, before anything else. */
const char *diff_host_init(void);

/* When the memory is mapped. Takes SIGSEGV, SIGBUS, SIGILL, SIGTRAP and SIGFPE. */
void diff_host_ready(void);

/* Has the kernel modify_ldt(2)? Else there is only 64-bit mode. */
bool diff_host_has_ldt(void);

/* Is it an Intel? Then what AMD does differently is no excuse. */
bool diff_host_is_intel(void);

/* Has the host the feature (FEATURE_*) that a row needs? */
bool diff_host_has(unsigned feature);

/* State components, as in XCR0, that the host lets us load: x87, SSE, AVX. */
uint64_t diff_host_xcr0(void);

/* Puts the code where it belongs and runs it; *out is what it found. `jump`: a jump back may stand
 * behind the code, which does not branch; it then looks like the INT3 that stands there else. */
void diff_host_run(struct diff_memory *m, const struct diff_case *c, struct diff_state *out,
                   bool jump);

#endif
