/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of a machine's networks share. */
#ifndef MACHINE_NETWORK_INT_H
#define MACHINE_NETWORK_INT_H

#include "backends/net_user.h"
#include "machine/network.h"

struct netdev_config {
    char *id;
    struct net_user_options *user;
};

#endif
