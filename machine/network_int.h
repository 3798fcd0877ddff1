/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of a machine's networks share. */
#ifndef MACHINE_NETWORK_INT_H
#define MACHINE_NETWORK_INT_H

#include "backends/net_socket.h"
#include "backends/net_user.h"
#include "machine/network.h"

/* Of one kind or the other. */
struct netdev_config {
    char *id;
    struct net_user_options *user; /* NULL: `socket` counts */
    struct net_socket_options socket;
};

#endif
