/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User networking: a router with DHCP, DNS and TFTP servers behind a port, made of libslirp, which
 * turns the guest's connections into sockets of this process. It needs no privileges.
 *
 * Who runs it: libslirp belongs to the main thread alone and holds no lock. Frames of the guest are
 * put into a queue, with the device lock held, and the main loop is woken; what libslirp answers is
 * gathered and given to the port under the device lock. So a vCPU that sends never waits for a
 * system call of ours but the one that wakes the loop.
 *
 * Time is the machine's: while it is paused no connection times out, and nothing reaches the guest.
 */
#ifndef BACKENDS_NET_USER_H
#define BACKENDS_NET_USER_H

#include <netinet/in.h>

#include "backends/net.h"

struct lock;
struct vclock;
struct net_user;

/* A port of the host that leads to one of the guest. */
struct net_hostfwd {
    bool udp;
    struct in_addr host;  /* 0.0.0.0: every address of this host */
    uint16_t host_port;   /* 0: any that is free */
    struct in_addr guest; /* 0.0.0.0: the first address that DHCP gives */
    uint16_t guest_port;
};

/* A port of an address inside the network that leads to a program or a UNIX socket of the host. */
struct net_guestfwd {
    struct in_addr server;
    uint16_t port;
    char *command; /* run for each connection, by the shell's rules of quotes; or NULL */
    char *unix_path;
};

/* What the options say; made by net_user_options_new. */
struct net_user_options {
    struct in_addr net, mask, host, dhcpstart, dns;
    bool net_given, host_given, dhcpstart_given, dns_given;
    bool restricted; /* the guest reaches only what is forwarded */
    bool ipv4, ipv6;
    struct in6_addr prefix6, host6, dns6;
    unsigned prefix6_len;
    bool prefix6_given, host6_given, dns6_given;
    char *hostname, *domainname, *tftp, *tftp_server_name, *bootfile;
    GPtrArray *dnssearch; /* of strings */
    GArray *hostfwd;      /* of struct net_hostfwd */
    GArray *guestfwd;     /* of struct net_guestfwd */
};

struct net_user_options *net_user_options_new(void);
void net_user_options_free(struct net_user_options *o);

/* One of QEMU's parameters of -netdev user: 1 taken, 0 none of them, -1 with an error. */
int net_user_option(struct net_user_options *o, const char *key, const char *value, GError **err);

/* The keys that it knows, for suggestions; NULL behind the last. */
extern const char *const net_user_keys[];

/* What all of them together must fulfil; fills in what follows from others. */
bool net_user_options_finish(struct net_user_options *o, GError **err);

/* "tcp|udp:[hostaddr]:hostport-[guestaddr]:guestport"; for removal without what follows '-'. */
bool net_hostfwd_parse(const char *text, bool removal, struct net_hostfwd *out, GError **err);

struct net_user_config {
    const char *name;                       /* of the port; copied */
    const struct net_user_options *options; /* finished; not kept */
    struct lock *lock;                      /* the device lock */
    struct vclock *clock;                   /* the machine's */
};

/* NULL with an error, e.g. where a port of the host cannot be had. Main thread, without the device
 * lock or before anybody else takes it. */
struct net_user *net_user_new(const struct net_user_config *cfg, GError **err);
void net_user_free(struct net_user *u);
struct net_port *net_user_port(struct net_user *u);

/* The machine pauses: what comes is held back from now on; or it goes on. Main thread. */
void net_user_hold(struct net_user *u, bool held);

/* While it runs. Main thread, without the device lock. */
bool net_user_add_hostfwd(struct net_user *u, const struct net_hostfwd *f, GError **err);
bool net_user_remove_hostfwd(struct net_user *u, const struct net_hostfwd *f, GError **err);

/* libslirp's table of connections; g_free. Main thread, without the device lock. */
char *net_user_connections(struct net_user *u);

#endif
