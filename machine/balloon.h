/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's memory balloon (-device virtio-balloon-pci), for front ends. Any thread, without
 * the device lock. */
#ifndef MACHINE_BALLOON_H
#define MACHINE_BALLOON_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;

/* Asks the guest to make do with so many bytes; it may take a while, or never happen. False with an
 * error when the machine has no balloon. */
bool machine_balloon_set(struct machine *m, uint64_t bytes, GError **err);

/* How much the guest has; and, unless NULL, lines of what it told of its memory last (g_free). */
bool machine_balloon_get(struct machine *m, uint64_t *bytes, char **stats, GError **err);

#endif
