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
    LOG_EXEC = 1 << 2,  /* every instruction as it is begun, disassembled */
    LOG_INSN = 1 << 3,  /* the same, with the general registers before it */
    LOG_IO = 1 << 4,    /* accesses that no device answers */
    LOG_RESET = 1 << 5, /* resets, triple faults, power changes */
    LOG_MMU = 1 << 6,   /* page faults, flushes */
    LOG_BOOT = 1 << 7,  /* what the loaders put where */
    LOG_DEV = 1 << 8,   /* accesses to devices' ports and registers */
};

/* Bits of enum log_category now wanted. Set before the machine starts, then only read. */
extern unsigned log_mask;

/* Is one of these categories (one, or several ORed) wanted? */
static inline bool log_on(unsigned categories)
{
    return (log_mask & categories) != 0;
}

/* The categories by number from 0, to be listed for people: name and meaning; NULL after the last.
 */
const char *log_category_name(unsigned n);
const char *log_category_what(unsigned n);

/* Parses a comma list of category names ("guest,int") into log_mask. False when a name is unknown:
 * it then starts at *bad (pointing into `list`, up to the next comma), and log_mask is as it was.
 */
bool log_set_mask(const char *list, const char **bad);

/* Sends the log (log_msg; not log_user) to a file instead of stderr, from now on. Returns 0, or
 * -errno and all is as it was. Before the machine starts. */
int log_set_file(const char *path);

/* One line in category `c`, of any length, printed only if it is on. Any thread; lines do not
 * interleave. */
void log_msg(enum log_category c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One line "penumbra: ..." on stderr for the person who runs us, of any length. Any thread. */
void log_user(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define log_guest(...)                                                                             \
    do {                                                                                           \
        if (log_on(LOG_GUEST))                                                                     \
            log_msg(LOG_GUEST, __VA_ARGS__);                                                       \
    } while (0)

#endif
