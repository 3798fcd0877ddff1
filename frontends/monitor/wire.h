/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's end of a monitor: one client at a time on a socket, or standard input and output. The
 * client may be anything. What it does not read is queued up to a limit, and meanwhile nothing more
 * is taken from it; nothing here ever waits. All calls on the main thread, without locks.
 */
#ifndef FRONTENDS_MONITOR_WIRE_H
#define FRONTENDS_MONITOR_WIRE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/socket_place.h"

#define WIRE_FULL                                                                                  \
    (64u << 10)             /* queued bytes beyond which the client's input is left where it is    \
                             */
#define WIRE_MAX (8u << 20) /* and beyond which a client is dropped */

enum monitor_kind { MONITOR_QMP, MONITOR_HUMAN };

/* Where a monitor is, and of which kind. */
struct monitor_address {
    enum monitor_kind kind;
    struct socket_place place;
};

struct wire;

struct wire_ops {
    void *opaque;
    void (*opened)(void *opaque); /* a client has come */
    /* Input; returns how much of it was taken. The rest is offered again once the client has read
     * its replies, or when there is more: what cannot be taken must be for wire_full(). */
    size_t (*input)(void *opaque, const uint8_t *buf, size_t len);
    void (*closed)(void *opaque); /* the client has gone */
};

/* Opens the place, listening or connected. `what` names it in messages (static). The main loop does
 * the rest: opened() is called from there. NULL with an error. */
struct wire *wire_new(const char *what, const struct monitor_address *address,
                      const struct wire_ops *ops, GError **err);

/* A client that is there already, for tests: owns fd. */
struct wire *wire_new_fd(int fd, const struct wire_ops *ops);

/* A terminal that is shared with a serial port, whose backend (and lock) it has: what is typed
 * comes by wire_type, what is written goes there. opened() is not called. */
struct chardev;
struct lock;
struct wire *wire_new_shared(struct chardev *c, struct lock *lock, const struct wire_ops *ops);
void wire_type(struct wire *w, const uint8_t *buf, size_t len);

/* Lets queued output leave for a moment, then closes. NULL is fine. */
void wire_free(struct wire *w);

/* Queues output; without a client it is lost. */
void wire_write(struct wire *w, const char *text, size_t len);

/* The client has much to read. */
bool wire_full(const struct wire *w);

/* A client is there. */
bool wire_open(const struct wire *w);

/* A person's terminal, in raw mode. */
bool wire_is_tty(const struct wire *w);

/* Offers input that was not taken once more. */
void wire_offer(struct wire *w);

/* Bytes queued now. */
size_t wire_queued(const struct wire *w);

/* Ends the client's session once it has read what is queued. */
void wire_hang_up(struct wire *w);

/* The port of a tcp server. */
uint16_t wire_port(const struct wire *w);

#endif
