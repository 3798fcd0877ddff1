/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The networks of a machine: what stands behind its adapters as it was configured (-netdev, the
 * backend's half of -nic, -object filter-dump), and what front ends can see and change of it.
 */
#ifndef MACHINE_NETWORK_H
#define MACHINE_NETWORK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct board;
struct machine;
struct net_port;

/* ---- configuration ---- */

struct netdev_config;

/* "user|socket|stream|dgram[,id=ID][,PARAMETER=VALUE]...", as -netdev has it; `id` is that of one
 * that names none (NULL: it must). NULL with one clear error. */
struct netdev_config *netdev_config_new(const char *text, const char *id, GError **err);
void netdev_config_free(struct netdev_config *c);
const char *netdev_config_id(const struct netdev_config *c);

/* A capture: "filter-dump,id=ID,netdev=ID,file=FILE[,maxlen=N]". */
struct netdump_config {
    char *id, *netdev, *file;
    unsigned maxlen; /* 0: whole frames */
};
struct netdump_config *netdump_config_new(const char *text, GError **err);
void netdump_config_free(struct netdump_config *c);

/* ---- the board's: device lock held, or nobody else there yet ---- */

struct board_network;

/* Opens the backends that are configured. False with one clear error; board_close_network cleans
 * up, when the adapters are gone. Main thread. */
bool board_open_network(struct board *b, GError **err);
void board_close_network(struct board *b);

/* After the adapters: captures, and whether something is behind nothing. */
bool board_finish_network(struct board *b, GError **err);

/* An adapter of this kind and address: lays the cable from its port to the backend `netdev` (NULL:
 * it has none). False with an error when there is no such backend, or it has a cable already. */
bool board_connect_nic(struct board *b, struct net_port *port, const char *kind,
                       const uint8_t mac[6], const char *netdev, GError **err);

/* The name of the next adapter that has no id ("e1000.0"; g_free), and the address of one that has
 * none: 52:54:00:12:34:56 and on. */
char *board_nic_name(struct board *b, const char *kind);
void board_nic_mac(struct board *b, uint8_t mac[6]);

/* The machine pauses, or goes on. Main thread, without the device lock. */
void board_hold_network(struct board *b, bool held);

/* How many frames all adapters have sent to their networks, and these to them. */
void board_count_network(const struct board *b, uint64_t *sent, uint64_t *passed);

/* ---- for front ends: main thread, without the device lock ---- */

/* Lines about adapters, what is behind them, and how much went through; g_free. */
char *machine_network_text(struct machine *m);

/* The connections of all user networks, as libslirp tells them; g_free. */
char *machine_usernet_text(struct machine *m);

/* Pulls the cable out of an adapter or backend of this name, or plugs it in. */
bool machine_set_link(struct machine *m, const char *name, bool up, GError **err);

/* "tcp:[HOST]:PORT-[GUEST]:PORT", and for removal what is before the dash; on the user network
 * `netdev`, or where that is NULL on the first. */
bool machine_hostfwd_add(struct machine *m, const char *netdev, const char *text, GError **err);
bool machine_hostfwd_remove(struct machine *m, const char *netdev, const char *text, GError **err);

#endif
