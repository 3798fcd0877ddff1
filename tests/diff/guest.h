/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running a case on the emulated CPU: in ring 3 of long mode, with the host kernel's selectors and
 * user-visible settings. INT3 and faults lead to handlers that halt; what the handler's stack says
 * is the result. The machine is fpu_rig's.
 */
#ifndef TESTS_DIFF_GUEST_H
#define TESTS_DIFF_GUEST_H

#include "tests/diff/state.h"
#include "tests/unit/fpu_rig.h"

struct diff_guest {
    struct rig *machine;
    uint8_t *region; /* DIFF_BASE in its RAM */
    bool has_ldt;
    uint64_t xcr0;
    unsigned runs;
};

void diff_guest_init(struct diff_guest *g, bool has_ldt, uint64_t xcr0);
void diff_guest_free(struct diff_guest *g);

/* Puts the code where it belongs and runs it; *out is what it found. */
void diff_guest_run(struct diff_guest *g, const struct diff_case *c, struct diff_state *out);

#endif
