/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of keys that QMP and sendkey use: those of QEMU's QKeyCode, which clients know. */
#ifndef FRONTENDS_MONITOR_QCODE_H
#define FRONTENDS_MONITOR_QCODE_H

#include <stddef.h>

#include "devices/input/keys.h"

/* PKEY_NONE when no key has this name; the name has `len` bytes. */
enum pkey qcode_find(const char *name, size_t len);

/* The names by number from 0; NULL behind the last. */
const char *qcode_name(unsigned n);

#endif
