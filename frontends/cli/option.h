/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of options share. An options_GROUP.c holds the options of one kind with their
 * table; options.c knows the groups. Strings that are parsed live as long as struct options.
 */
#ifndef FRONTENDS_CLI_OPTION_H
#define FRONTENDS_CLI_OPTION_H

#include "base/pairs.h"
#include "frontends/cli/options.h"

struct option {
    const char *name;
    /* What to call it in the usage; NULL: takes none. All in brackets: may be left out. */
    const char *value;
    const char *what; /* NULL: not in the usage */
    /* False with one clear error. `value` is NULL when it takes none or none was given. */
    bool (*fn)(struct options *o, const char *value, GError **err);
};

struct option_group {
    const struct option *option;
    unsigned n;
};

extern const struct option_group options_machine, options_board, options_boot, options_drive,
    options_io, options_device, options_debug, options_lint, options_gdb, options_monitor,
    options_icount, options_library, options_net, options_chardev, options_sound;

/* The adapter that there is when nothing was said of networks. */
bool options_net_default(struct options *o, GError **err);

/* The sound backend that there is when nothing was said of any. */
bool options_sound_default(struct options *o, GError **err);

/* The id of "chardev:ID", else NULL; and what stands for all that are named so, by -mon as well. */
const char *option_chardev_id(const char *value);
bool options_chardev_finish(struct options *o, GError **err);

/* Takes n words as the command line has them. False with one clear error, then *at is the option
 * that it is about. */
bool options_take(struct options *o, int n, char **word, int *at, GError **err);

/* Something that was asked for does not hold; main prints it as one line with the word "warning".
 */
void option_warn(struct options *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Chooses the engine: the first of "A[:B]..." that there is. What QEMU has and Penumbra has not
 * gives the interpreter, and a warning. */
bool option_accel(struct options *o, const char *list, GError **err);

/* Makes o the owner of a string (g_malloc'ed), and returns it. */
char *option_own(struct options *o, char *s);

/* A comma list, "a=b,c,d=e"; a doubled comma stands for one. */
struct option_pairs {
    unsigned n;
    const char *key[PAIRS_MAX], *value[PAIRS_MAX]; /* value NULL for a bare word */
};
bool option_pairs(struct options *o, const char *list, struct option_pairs *p, GError **err);

/* Appends key=value, or the bare word where value is NULL, to a list that is put together anew. */
void option_append(GString *list, const char *key, const char *value);

/* Puts a device, as -device has it, at place `at` (n_devices: behind all) of the machine's. */
bool option_add_device(struct options *o, unsigned at, const char *text, GError **err);

/* "on", "off" and their likes; no value is on. A number from 0 to max, in C's notations. `what`
 * names the thing in the error. */
bool option_on_off(const char *what, const char *value, bool *out, GError **err);
bool option_number(const char *what, const char *value, uint64_t max, uint64_t *out, GError **err);

#endif
