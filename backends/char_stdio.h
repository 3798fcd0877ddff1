/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Standard input and output, of which a process has one: who uses it, and the terminal that it may
 * be. For whatever talks to a person there: serial ports by char.h, a monitor. Main thread.
 */
#ifndef BACKENDS_CHAR_STDIO_H
#define BACKENDS_CHAR_STDIO_H

#include <glib.h>
#include <stdbool.h>

/* Takes it for `who` (static). False with an error that names both when another has it. */
bool char_stdio_claim(const char *who, GError **err);

/* Gives it back, if `who` has it. */
void char_stdio_release(const char *who);

struct char_tty;

/* Puts the terminal `fd` in raw mode until char_tty_restore, exit or a deadly signal. NULL when fd
 * is no terminal, or not ours to change because we run in the background. */
struct char_tty *char_tty_raw(int fd, bool keep_signals);
void char_tty_restore(struct char_tty *t);

#endif
