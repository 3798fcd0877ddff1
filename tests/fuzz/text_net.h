/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Readers of what concerns networks, for tests/fuzz/text.c. */
#ifndef TESTS_FUZZ_TEXT_NET_H
#define TESTS_FUZZ_TEXT_NET_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What -netdev says. False with an error. */
bool text_netdev(const char *text, GError **err);

/* A stream of frames from another machine. */
void text_net_stream(const uint8_t *data, size_t size);

#endif
