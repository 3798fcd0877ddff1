/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log and the messages to people; see log.h. */
#include "base/log.h"

#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

unsigned log_mask;
static FILE *log_file; /* NULL: stderr. Set before the machine starts. */

static const struct {
    const char *name, *what;
    unsigned bit;
} categories[] = {
    {"guest", "the guest programmed something invalid", LOG_GUEST},
    {"int", "interrupts and exceptions as they are delivered", LOG_INT},
    {"exec", "every instruction, disassembled (slow)", LOG_EXEC},
    {"insn", "the same, with the general registers before it (slower)", LOG_INSN},
    {"io", "accesses that no device answers", LOG_IO},
    {"reset", "resets, and the registers on SIGUSR1", LOG_RESET},
    {"mmu", "page faults", LOG_MMU},
    {"boot", "firmware, kernel and tables: what was loaded where", LOG_BOOT},
    {"dev", "accesses to devices' ports and registers", LOG_DEV},
};
#define N_CATEGORIES (sizeof(categories) / sizeof(categories[0]))

const char *log_category_name(unsigned n)
{
    return n < N_CATEGORIES ? categories[n].name : NULL;
}

const char *log_category_what(unsigned n)
{
    return n < N_CATEGORIES ? categories[n].what : NULL;
}

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
    if (log_file)
        fclose(log_file);
    log_file = f;
    return 0;
}

/* One call, so that lines of several threads, and of processes that share stderr, stay whole. */
static void emit(FILE *out, const char *prefix, const char *fmt, va_list ap)
{
    char *line = g_strdup_vprintf(fmt, ap);

    fprintf(out, "%s%s\n", prefix, line);
    g_free(line);
}

void log_msg(enum log_category c, const char *fmt, ...)
{
    va_list ap;

    if (!log_on(c))
        return;
    va_start(ap, fmt);
    emit(log_file ? log_file : stderr, "", fmt, ap);
    va_end(ap);
}

void log_user(const char *fmt, ...)
{
    va_list ap;

    fflush(stdout);
    va_start(ap, fmt);
    emit(stderr, "penumbra: ", fmt, ap);
    va_end(ap);
}
