/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which machines of the library run: who runs one holds a lock on NAME.state and writes into it
 * what the machine does. The kernel takes the lock away with the process, however that ends, so
 * there are no leftovers to clean up, and no machine runs twice on one disk. Any thread.
 */
#ifndef FRONTENDS_LIBRARY_MACHINE_STATE_H
#define FRONTENDS_LIBRARY_MACHINE_STATE_H

#include <glib.h>
#include <stdbool.h>

enum machine_state {
    MACHINE_OFF,
    MACHINE_RUNNING,
    MACHINE_PAUSED,
};

struct machine_state_lock;

/* Claims the machine of this NAME.ini, running. NULL with an error when another process has it. */
struct machine_state_lock *machine_state_claim(const char *ini, GError **err);

/* Tells the library. */
void machine_state_tell(struct machine_state_lock *l, enum machine_state state);

/* Lets it go: it is off. NULL: no effect. */
void machine_state_release(struct machine_state_lock *l);

/* What the machine of NAME.ini does; *pid (may be NULL) who runs it, or 0. */
enum machine_state machine_state_look(const char *ini, int *pid);

/* A file that belongs to the machine of NAME.ini: NAME with another end (".png"). g_free. */
char *machine_sibling(const char *ini, const char *end);

#endif
