/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expressions of the human monitor: 64-bit numbers (0x1f, 31, 'a'), registers ($rip, $cr3, $cs),
 * + - * / % & | ^ ~ ( ), with C's precedence. */
#ifndef FRONTENDS_MONITOR_EXPR_H
#define FRONTENDS_MONITOR_EXPR_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct x86_state;

/* Evaluates what *text begins with, and moves it behind that. `cpu` NULL: there are no registers.
 * `more`: something else follows, which an operator with a space before and none behind it belongs
 * to ("0x1000 /tmp/file"), unless it is in brackets. False with an error. */
bool expr_eval(const char **text, const struct x86_state *cpu, bool more, uint64_t *out,
               GError **err);

/* The value of a register by its name without the $; false when there is none. */
bool expr_register(const struct x86_state *cpu, const char *name, uint64_t *out);

/* Names of registers by number from 0, in several sizes; NULL behind the last. */
const char *expr_register_name(unsigned n);

#endif
