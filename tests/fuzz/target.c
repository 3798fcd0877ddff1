/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every fuzz target ends with; see target.h. */
#include "tests/fuzz/target.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

void fuzz_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
    abort();
}

/* A broken invariant leaves by quick_exit, which libFuzzer does not see. */
static void stop_here(void)
{
    abort();
}

void fuzz_begin(void)
{
    invariant_dump = stop_here;
}
