/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a machine's events from whatever thread they happen on to listeners on the main one.
 */
#ifndef MACHINE_NOTES_H
#define MACHINE_NOTES_H

#include "machine/machine.h"

struct machine_notes;

struct machine_notes *notes_new(void);

/* What was posted and not yet told is lost. Main thread, nobody posting. */
void notes_free(struct machine_notes *n);

/* See machine_listen. */
void notes_listen(struct machine_notes *n,
                  void (*fn)(void *opaque, const struct machine_note *note), void *opaque);

/* It has happened now. Any thread, whatever it has locked; does not call a listener itself. */
void notes_post(struct machine_notes *n, enum machine_event event, bool guest);

/* The same of an error of drive `drive`. */
void notes_post_error(struct machine_notes *n, unsigned drive, const struct block_error *e);
/* The tray of a drive was moved, likewise. */
void notes_post_tray(struct machine_notes *n, unsigned drive, bool open);

#endif
