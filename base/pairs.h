/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comma lists of parameters, "a=b,c,d=e", as options and configured devices have them. */
#ifndef BASE_PAIRS_H
#define BASE_PAIRS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define PAIRS_MAX 32

struct pairs {
    unsigned n;
    char *key[PAIRS_MAX];         /* owned */
    const char *value[PAIRS_MAX]; /* in the key's memory; NULL for a bare word */
};

/* Splits `list` at its commas; a doubled comma stands for one, empty items are passed over. False
 * with an error, and nothing to clear, when there are too many. */
bool pairs_split(struct pairs *p, const char *list, GError **err);
void pairs_clear(struct pairs *p);

/* Values. "on", "off" and their likes, where no value is on; a number from 0 to max in C's
 * notations. `what` names the thing in the error. */
bool pairs_on_off(const char *what, const char *value, bool *out, GError **err);
bool pairs_number(const char *what, const char *value, uint64_t max, uint64_t *out, GError **err);

#endif
