/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cable to another machine, or to any program that speaks the same: -netdev socket, stream and
 * dgram. On a stream socket each frame stands behind its length, four bytes of which the first is
 * the highest, as QEMU and others have it; a datagram is a frame.
 *
 * The main thread reads and writes the socket, without the device lock; frames of the guest wait in
 * a queue, up to a limit. What the other side does not take is not taken from the guest either. The
 * other side may be anything: a length that no frame has ends the connection.
 *
 * A stream's link is down while nobody is there.
 */
#ifndef BACKENDS_NET_SOCKET_H
#define BACKENDS_NET_SOCKET_H

#include "backends/net.h"
#include "backends/socket_place.h"

struct lock;
struct net_socket;

enum net_socket_kind { NET_SOCKET_SOCKET, NET_SOCKET_STREAM, NET_SOCKET_DGRAM };

struct net_socket_options {
    enum net_socket_kind kind;  /* the word behind -netdev */
    bool dgram;                 /* what it comes to */
    struct socket_place local;  /* a stream's one place; a datagram socket's own */
    struct socket_place remote; /* where datagrams go */
};

/* One of QEMU's parameters of such a -netdev: 1 taken, 0 none of them, -1 with an error. */
int net_socket_option(struct net_socket_options *o, const char *key, const char *value,
                      GError **err);

/* The keys of a kind, for suggestions; NULL behind the last. */
const char *const *net_socket_keys(enum net_socket_kind kind);

/* What all of them together must fulfil. */
bool net_socket_options_finish(struct net_socket_options *o, GError **err);

struct net_socket_config {
    const char *name;                         /* of the port; copied */
    const struct net_socket_options *options; /* finished; not kept */
    struct lock *lock;                        /* the device lock */
};

/* NULL with an error. Main thread, without the device lock or before anybody else takes it; so are
 * all below. */
struct net_socket *net_socket_new(const struct net_socket_config *cfg, GError **err);
void net_socket_free(struct net_socket *s);
struct net_port *net_socket_port(struct net_socket *s);

/* The machine pauses: nothing is read from the socket from now on; or it goes on. */
void net_socket_hold(struct net_socket *s, bool held);

/* The port of a tcp server, 0 for others. */
uint16_t net_socket_tcp_port(const struct net_socket *s);

#endif
