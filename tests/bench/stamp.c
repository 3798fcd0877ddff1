// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copies standard input to standard output line by line, each line led by the host's monotonic
 * time, in seconds, at which its first byte arrived. Ends at end of file, or after a line with the
 * text given as argument.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char line[4096], c;
    size_t n = 0;
    struct timespec t = {0};

    while (read(0, &c, 1) == 1) {
        if (c == '\r')
            continue;
        if (n == 0)
            clock_gettime(CLOCK_MONOTONIC, &t);
        if (c != '\n' && n < sizeof(line) - 1) {
            line[n++] = c;
            continue;
        }
        line[n] = 0;
        printf("%ld.%06ld %s\n", (long)t.tv_sec, t.tv_nsec / 1000, line);
        fflush(stdout);
        if (argc > 1 && strstr(line, argv[1]))
            return 0;
        n = 0;
    }
    return 0;
}
