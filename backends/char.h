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
struct lock;

/* Where input goes. `can_receive` says how many bytes the device can take now (0: keep them);
 * `receive` gets at most that many. Both are called with the device lock held. */
struct char_receiver {
    void *opaque;
    size_t (*can_receive)(void *opaque);
    void (*receive)(void *opaque, const uint8_t *buf, size_t len);
};

/* Opens what -serial and friends name: "stdio" (also "mon:stdio"), "file:PATH", "none", "null",
 * "pty", or a socket as socket_place_parse has it, whose first client may be waited for here. A
 * terminal on stdio is put in raw mode, where even Ctrl-C is the guest's
 * ("stdio,signal=on" leaves it its signals), and is restored by char_free, at exit and when a
 * signal ends the process. `lock` is the device lock, taken around the receiver's calls; main
 * thread. NULL with an error. */
struct chardev *char_open(const char *spec, struct lock *lock, GError **err);

/* A backend in memory, for tests: what the device wrote is in char_written. */
struct chardev *char_new_memory(void);
const GString *char_written(const struct chardev *c);
/* A backend that hands what the device writes to `wrote`: on the writer's thread, with the device
 * lock held. */
struct chardev *char_new_hook(void (*wrote)(void *opaque, const uint8_t *buf, size_t len),
                              void *opaque);

/* Feeds bytes as if the host had sent them (memory and hook backends; device lock held). Returns
 * how many the device took. */
size_t char_feed(struct chardev *c, const uint8_t *buf, size_t len);

/* Waits a moment for output that is still queued, then closes. Main thread, device lock not held;
 * no effect on NULL. */
void char_free(struct chardev *c);

/* The keys after Ctrl-A on stdio: 'x' (leave) and 'c' reach `fn`, on the main thread and without
 * the device lock; 'h' prints a reminder; Ctrl-A sends itself. Before the first call they only do
 * the latter two. No effect on other backends. */
void char_set_escape(struct chardev *c, void (*fn)(void *opaque, int key), void *opaque);

/* Somebody else than the device has the keys of a stdio backend: `typed` gets what comes in from
 * now on, on the main thread and without the device lock. NULL: the device again. Main thread. */
void char_set_focus(struct chardev *c, void (*typed)(void *opaque, const uint8_t *buf, size_t len),
                    void *opaque);

/* The path of a "pty" backend's terminal, NULL for others. */
const char *char_pty_path(const struct chardev *c);

/* The tcp port that a socket backend listens at, 0 for others. */
uint16_t char_socket_port(const struct chardev *c);

/* Sends bytes to the host. Never blocks the caller for long; device lock held. NULL c drops them.
 */
void char_write(struct chardev *c, const uint8_t *buf, size_t len);

/* Where input goes from now on; NULL: it is kept. Device lock held, or no input possible yet. */
void char_set_receiver(struct chardev *c, const struct char_receiver *r);

/* The device has room again: input that was kept is offered once more. Device lock held. */
void char_accept_input(struct chardev *c);

#endif
