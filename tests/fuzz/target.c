/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every fuzz target ends with; see target.h. */
#include "tests/fuzz/target.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"

void fuzz_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
    fuzz_show();
    abort();
}

/* A broken invariant leaves by quick_exit, which libFuzzer does not see. */
static void stop_here(void)
{
    fuzz_show();
    abort();
}

void fuzz_begin(void)
{
    const char *bad;

    invariant_dump = stop_here;
    if (getenv("FUZZ_LOG")) /* categories as -d has them, to look at a finding */
        log_set_mask(getenv("FUZZ_LOG"), &bad);
}

/* Exceptions of the guest leave C by siglongjmp, after which this would clean up for ever. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_stack_use_after_return=0";
}
