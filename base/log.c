/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one place that prints to stderr; see log.h. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

unsigned log_mask;
static FILE *log_file; /* NULL: stderr. Set before the machine starts. */

static const struct {
    const char *name;
    unsigned bit;
} categories[] = {
    {"guest", LOG_GUEST}, {"int", LOG_INT},     {"exec", LOG_EXEC}, {"insn", LOG_INSN},
    {"io", LOG_IO},       {"reset", LOG_RESET}, {"mmu", LOG_MMU},   {"boot", LOG_BOOT},
};
#define N_CATEGORIES (sizeof(categories) / sizeof(categories[0]))

bool log_set_mask(const char *list, const char **bad)
{
    unsigned mask = 0;
    const char *p = list;

    while (*p) {
        size_t len = strcspn(p, ",");
        size_t k;

        for (k = 0; k < N_CATEGORIES; k++) {
            if (strlen(categories[k].name) == len && !strncmp(categories[k].name, p, len))
                break;
        }
        if (k == N_CATEGORIES) {
            *bad = p;
            return false;
        }
        mask |= categories[k].bit;
        p += len;
        if (*p == ',')
            p++;
    }
    log_mask = mask;
    return true;
}

int log_set_file(const char *path)
{
    FILE *f = fopen(path, "w");

    if (!f)
        return -errno;
    setvbuf(f, NULL, _IOLBF, 0);
    log_file = f;
    return 0;
}

static void emit(const char *prefix, const char *fmt, va_list ap)
{
    FILE *out = log_file ? log_file : stderr;
    char line[1024];

    vsnprintf(line, sizeof(line), fmt, ap);
    fprintf(out, "%s%s\n", prefix, line);
}

void log_msg(enum log_category c, const char *fmt, ...)
{
    va_list ap;

    if (!log_on(c))
        return;
    va_start(ap, fmt);
    emit("", fmt, ap);
    va_end(ap);
}

void log_user(const char *fmt, ...)
{
    va_list ap;

    fflush(stdout);
    va_start(ap, fmt);
    emit("penumbra: ", fmt, ap);
    va_end(ap);
}
