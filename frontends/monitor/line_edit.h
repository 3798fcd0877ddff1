/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of a terminal that is being typed: cursor keys, history, completion, and the control keys
 * that shells have taught people (^A ^E ^B ^F ^U ^K ^W ^H ^D ^L ^P ^N). Bytes in, lines out, and
 * what the terminal is to show; it knows no terminal itself. Lines are UTF-8.
 */
#ifndef FRONTENDS_MONITOR_LINE_EDIT_H
#define FRONTENDS_MONITOR_LINE_EDIT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define LINE_EDIT_MAX     4096u /* bytes of a line; more is not taken */
#define LINE_EDIT_HISTORY 500u

struct line_edit;

/* `complete` is hmp_complete's: what words can end `line`, and from where on. */
struct line_edit *line_edit_new(const char *prompt,
                                GPtrArray *(*complete)(const char *line, size_t *from));
void line_edit_free(struct line_edit *e);

/* Shows the prompt and an empty line. */
void line_edit_start(struct line_edit *e, GString *show);

/* A byte was typed. The line (g_free) when that ended it, else NULL; `show` gets what the terminal
 * is to be sent. */
char *line_edit_type(struct line_edit *e, uint8_t byte, GString *show);

/* Line n of the history, from 0, the oldest; NULL behind the last. */
const char *line_edit_history(const struct line_edit *e, unsigned n);

#endif
