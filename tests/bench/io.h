/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the benchmarks of devices share: static programs that run in a guest (io_disk.c, io_net.c,
 * io_frames.c), told on their command line what to do how often. Two lines frame the work; the host
 * takes the time of both, as a guest's own clock proves nothing.
 */
#ifndef TESTS_BENCH_IO_H
#define TESTS_BENCH_IO_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Nothing is to wait in a buffer: the host looks at when a line comes. */
static inline void work_begins(void)
{
    if (write(1, "WORK begin\n", 11) != 11)
        exit(2);
}

static inline void work_ends(void)
{
    if (write(1, "WORK end\n", 9) != 9)
        exit(2);
}

/* Ends the program, which says what failed: the host gives up then. */
static inline void need(int good, const char *what)
{
    if (good)
        return;
    fflush(stdout);
    printf("WORK failed: %s: %m\n", what);
    exit(1);
}

#endif
