/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tap that writes the frames of a cable to a file, which Wireshark and tcpdump read: the format
 * of libpcap ("PCAP Capture File Format", IETF draft-ietf-opsawg-pcap), Ethernet, microseconds.
 *
 * Frames are gathered in memory with the device lock held; the main loop writes them.
 */
#ifndef BACKENDS_NET_DUMP_H
#define BACKENDS_NET_DUMP_H

#include "backends/net.h"

#define NET_DUMP_SNAP_MAX 65536u

struct lock;
struct vclock;
struct net_dump;

struct net_dump_config {
    const char *file; /* made anew */
    unsigned snap;    /* bytes of each frame that are kept; 0: NET_DUMP_SNAP_MAX */
    struct lock *lock;
    struct vclock *clock; /* what time it is in the guest … */
    int64_t epoch_us;     /* … that began at this many microseconds since 1970 */
};

/* NULL with an error. Main thread, without the device lock or before anybody else takes it. */
struct net_dump *net_dump_new(const struct net_dump_config *cfg, GError **err);

/* To be added to a port; lives as long as the dump does. */
struct net_tap net_dump_tap(struct net_dump *d);

/* Writes what is left. Main thread; no frame comes any more. */
void net_dump_free(struct net_dump *d);

#endif
