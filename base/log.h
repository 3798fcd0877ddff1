/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Penumbra says of itself on stderr. Three voices, never mixed: a message for the person who
 * runs it, a note that the guest did something no driver should, and a broken invariant.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

/* Categories of `-d`; off unless asked for. */
enum log_category {
    LOG_GUEST = 1 << 0, /* the guest programmed something invalid */
    LOG_INT = 1 << 1,   /* interrupts and exceptions as they are delivered */
    LOG_EXEC = 1 << 2,  /* every block as it is entered */
    LOG_INSN = 1 << 3,  /* every instruction, one at a time, with registers */
    LOG_IO = 1 << 4,    /* accesses that no device answers */
    LOG_RESET = 1 << 5, /* resets, triple faults, power changes */
    LOG_MMU = 1 << 6,   /* page faults, flushes */
    LOG_BOOT = 1 << 7,  /* loaders and firmware tables */
};

/* Bits of enum log_category now wanted. Set before the machine starts, then only read. */
extern unsigned log_mask;

static inline bool log_on(enum log_category c)
{
    return (log_mask & (unsigned)c) != 0;
}

/* Parses a comma list of category names ("guest,int"; "help" lists them) into log_mask; false when
 * a name is unknown, which is then in *bad (pointing into `list`). */
bool log_set_mask(const char *list, const char **bad);

/* Sends the log to a file instead of stderr. Returns 0 or -errno. */
int log_set_file(const char *path);

/* One line in category `c`, printed only if it is on. Any thread; lines do not interleave. */
void log_msg(enum log_category c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One line "penumbra: ..." for the person who runs us. Any thread. */
void log_user(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define log_guest(...)                                                                             \
    do {                                                                                           \
        if (log_on(LOG_GUEST))                                                                     \
            log_msg(LOG_GUEST, __VA_ARGS__);                                                       \
    } while (0)

#endif
