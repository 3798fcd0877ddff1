/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A character backend: the host's side of a serial port, a debug console or a monitor. Bytes to the
 * host are written at once; bytes from the host arrive through the receiver that the device sets.
 */
#ifndef BACKENDS_CHAR_H
#define BACKENDS_CHAR_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chardev;

/* Where input goes. `can_receive` says how many bytes the device can take now (0: keep them);
 * `receive` gets at most that many. Both are called with the device lock held. */
struct char_receiver {
    void *opaque;
    size_t (*can_receive)(void *opaque);
    void (*receive)(void *opaque, const uint8_t *buf, size_t len);
};

/* Opens what -serial and friends name: "stdio", "file:PATH", "none", "null", "pty".
 * `lock` is the device lock, taken around the receiver's calls. NULL with an error. */
struct chardev *char_open(const char *spec, GMutex *lock, GError **err);

/* A backend in memory, for tests: what the device wrote is in char_written. */
struct chardev *char_new_memory(void);
const GString *char_written(const struct chardev *c);
/* Feeds bytes as if the host had sent them (memory backend; device lock held). Returns how many the
 * device took. */
size_t char_feed(struct chardev *c, const uint8_t *buf, size_t len);

void char_free(struct chardev *c);

/* Sends bytes to the host. Never blocks the caller for long; device lock held. NULL c drops them. */
void char_write(struct chardev *c, const uint8_t *buf, size_t len);

void char_set_receiver(struct chardev *c, const struct char_receiver *r);

/* The device has room again: input that was kept is offered once more. Device lock held. */
void char_accept_input(struct chardev *c);

#endif
