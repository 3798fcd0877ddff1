/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network cables. A port is one end: a network adapter's, or that of a backend which stands for the
 * rest of the world. Frames are Ethernet's, from the destination address to the end of the payload,
 * without preamble and frame check sequence; whoever sends need not pad.
 *
 * A port that cannot take frames now has them kept, up to a limit; a sender that would rather wait
 * than lose frames asks net_can_send first, and is told when to go on.
 *
 * All calls, and all calls of ports' functions, with the device lock held; any thread. No port
 * blocks: what takes the host's time is done elsewhere (net_user.h, net_dump.h).
 */
#ifndef BACKENDS_NET_H
#define BACKENDS_NET_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define NET_FRAME_MAX 65550u /* bytes of the longest frame: 64 KiB behind its header */
#define NET_FRAME_MIN 60u    /* what a sender on a real cable pads to */
#define NET_QUEUE_MAX 1024u  /* frames that are kept for one port */

struct net_port;

struct net_port_ops {
    /* Would `receive` take a frame now? NULL: always. */
    bool (*can_receive)(void *opaque);
    /* A whole frame, of 1 to NET_FRAME_MAX bytes in up to NET_IOV_MAX pieces. What it can make no
     * use of it drops. Must not send. */
    void (*receive)(void *opaque, const struct iovec *iov, unsigned n);
    /* The cable works from now on, or does not. May be NULL. */
    void (*link_changed)(void *opaque, bool up);
    /* After net_can_send said no: try again. May send. May be NULL. */
    void (*writable)(void *opaque);
    /* Ends TCP itself, so that a sender need not cut up what is longer than a cable's frames. */
    bool ends_tcp;
};
#define NET_IOV_MAX 4

/* Sees every frame that goes through a cable: `from` sent it. Must not send. */
struct net_tap {
    void (*frame)(void *opaque, const struct net_port *from, const struct iovec *iov, unsigned n);
    void *opaque;
};

struct net_port_stats {
    uint64_t frames, bytes; /* sent by this port, and that went to a peer */
    uint64_t dropped;       /* sent by it, and lost: cable off, or the peer's queue full */
};

/* Embedded in its owner. */
struct net_port {
    const struct net_port_ops *ops;
    void *opaque;
    char *name;            /* owned */
    struct net_port *peer; /* NULL: no cable */
    bool unplugged;        /* by net_set_link at this end */
    bool wants_writable;   /* net_can_send said no */
    GQueue queue;          /* of struct net_frame: kept for this port */
    GArray *taps;          /* of struct net_tap; NULL: none. Those of either end see all */
    struct net_port_stats stats;
};

/* A frame that is kept; g_free. */
struct net_frame {
    size_t len;
    uint8_t data[];
};
struct net_frame *net_frame_copy(const struct iovec *iov, unsigned n);
size_t net_iov_len(const struct iovec *iov, unsigned n);

/* `name` is copied. */
void net_port_init(struct net_port *p, const char *name, const struct net_port_ops *ops,
                   void *opaque);

/* Takes the cable off, and all that is kept for the port. A zeroed port is fine. */
void net_port_clear(struct net_port *p);

/* A cable between two ports that have none. */
void net_connect(struct net_port *a, struct net_port *b);

/* Is there a cable, and plugged in at both ends? */
bool net_link_up(const struct net_port *p);

/* Pulls the cable out of this end, or plugs it in again; both ends are told of a change. */
void net_set_link(struct net_port *p, bool up);

/* Sends a frame to the peer: it takes it, or it is kept for it. Where the cable is off, the frame
 * is too long or empty, or too many are kept, it is lost: false then. */
bool net_send(struct net_port *from, const struct iovec *iov, unsigned n);

/* Would a frame that is sent now be taken at once (or be lost to a cable that is off)? After a "no"
 * the port's `writable` is called when that has changed. */
bool net_can_send(struct net_port *from);

/* Does the other end take TCP segments of up to NET_FRAME_MAX bytes as one frame? */
bool net_takes_segments(const struct net_port *from);

/* The port has room again: gets what is kept for it. Not from within its `receive`. */
void net_flush(struct net_port *p);

/* Adds a tap to both directions of the cable at `p`; it goes with the port. */
void net_add_tap(struct net_port *p, const struct net_tap *tap);

#endif
