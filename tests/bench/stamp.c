// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copies standard input to standard output line by line, each line led by the host's monotonic
 * time, in seconds, at which its first byte arrived. Ends at end of file, or after a line with the
 * text given as argument.
 *   stamp [-p PID] [TEXT]
 * With -p, the second word of each line is the processor time that process PID had used by then:
 * unlike the first, it says the same on a host that does other work besides. Late stamps would
 * spoil either, so this runs before everything else if it may.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void lead(clockid_t clock)
{
    struct timespec t = {0};

    clock_gettime(clock, &t);
    printf("%ld.%06ld ", (long)t.tv_sec, t.tv_nsec / 1000);
}

int main(int argc, char **argv)
{
    char line[4096], c;
    size_t n = 0;
    clockid_t work = CLOCK_MONOTONIC;
    const struct sched_param first = {.sched_priority = 1};

    sched_setscheduler(0, SCHED_FIFO, &first); /* refused to most people: then it is not */
    if (argc > 2 && !strcmp(argv[1], "-p")) {
        if (clock_getcpuclockid((pid_t)atol(argv[2]), &work)) {
            fprintf(stderr, "stamp: there is no process %s\n", argv[2]);
            return 1;
        }
        argc -= 2, argv += 2;
    }
    while (read(0, &c, 1) == 1) {
        if (c == '\r')
            continue;
        if (n == 0) {
            lead(CLOCK_MONOTONIC);
            if (work != CLOCK_MONOTONIC)
                lead(work);
        }
        if (c != '\n' && n < sizeof(line) - 1) {
            line[n++] = c;
            continue;
        }
        line[n] = 0;
        puts(line);
        fflush(stdout);
        if (argc > 1 && strstr(line, argv[1]))
            return 0;
        n = 0;
    }
    return 0;
}
