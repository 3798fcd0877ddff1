/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The error domain, and the end of a process whose invariants broke; see error.h. */
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

G_DEFINE_QUARK(penumbra-error, penumbra_error)

void (*invariant_dump)(void);

void invariant_failed(const char *file, int line, const char *what)
{
    static int entered;

    fprintf(stderr, "penumbra: internal error: %s:%d: %s does not hold\n", file, line, what);
    if (!entered++ && invariant_dump)
        invariant_dump();
    abort();
}
