/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers for the guest: the host's, or a fixed sequence where a run has to repeat. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the host's kernel, or where that refuses (a sandbox), from its processor. False, and nothing
 * to be used, when neither gives any. Any thread. */
bool random_host(void *buf, size_t len);

/* The next of a fixed sequence that begins with any *state. Good for tests, not for keys. */
uint64_t random_next(uint64_t *state);

#endif
