/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The display adapter on the board. Device lock held, no vCPU running. */
#ifndef MACHINE_DEVICES_DISPLAY_H
#define MACHINE_DEVICES_DISPLAY_H

#include <glib.h>
#include <stdbool.h>

struct board;

/* The adapter that a PC has unless it is to have none, or one that is configured as a device of its
 * own. False with one clear error. */
bool display_build(struct board *b, GError **err);

#endif
