/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs guests, some at a time, each in a process of its own, and reports how they went. */
#ifndef FRONTENDS_HEADLESS_SUITE_H
#define FRONTENDS_HEADLESS_SUITE_H

#include "frontends/headless/spec.h"

struct suite_config {
    GPtrArray *specs;      /* of struct spec */
    const char *artefacts; /* folder of folders, absolute */
    const char *with;      /* more options for every machine, or NULL */
    const char *junit;     /* file to write, or NULL */
    unsigned jobs;
    unsigned slow; /* multiplies guards */
    bool tap, keep, fail_fast, verbose;
    bool no_skip; /* what is skipped has failed */
};

/* Runs them all; prints to stdout. The process's exit status: 0 when none failed and one passed.
 * Takes over the main loop and the signals SIGINT and SIGTERM. */
int suite_run(const struct suite_config *cfg);

#endif
