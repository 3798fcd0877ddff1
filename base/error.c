/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The error domain, and the end of a process whose invariants broke; see error.h. */
#include "base/error.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

GQuark penumbra_error_quark(void)
{
    return g_quark_from_static_string("penumbra-error");
}

bool error_option(GError **err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_propagate_error(err, g_error_new_valist(PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION, fmt, ap));
    va_end(ap);
    return false;
}

bool error_config(GError **err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_propagate_error(err, g_error_new_valist(PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, fmt, ap));
    va_end(ap);
    return false;
}

void (*invariant_dump)(void);

void invariant_failed(const char *file, int line, const char *what)
{
    static atomic_flag entered = ATOMIC_FLAG_INIT;

    fprintf(stderr, "penumbra: internal error: %s:%d: %s does not hold\n", file, line, what);
    if (!atomic_flag_test_and_set(&entered) && invariant_dump)
        invariant_dump();
    /* not exit(): whatever tidies up there would meet what is broken. The terminal is restored. */
    quick_exit(EXIT_INTERNAL_ERROR);
}
