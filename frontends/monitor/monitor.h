/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitors of a machine: QMP for programs, a human monitor for people, on sockets or the
 * terminal. docs/monitor.md is for their users. Everything happens on the main thread, which holds
 * no lock when it comes in here.
 */
#ifndef FRONTENDS_MONITOR_MONITOR_H
#define FRONTENDS_MONITOR_MONITOR_H

#include <glib.h>
#include <stdbool.h>

#include "frontends/monitor/wire.h"

#define MONITORS_MAX 8

struct machine;
struct monitor;

struct monitor_chardev {
    char label[16];
    const char *file; /* as the option named it */
};

struct monitor_config {
    struct machine *machine;
    const char *name;         /* of the guest; NULL: none was given */
    const char *version;      /* of Penumbra */
    const char *qemu_version; /* of the QEMU whose QMP this is: "MAJOR.MINOR.MICRO" */
    bool start_paused;
    const struct monitor_address *address; /* what to open; copied */
    unsigned n_addresses;
    const struct monitor_chardev *chardev; /* what query-chardev tells; copied */
    unsigned n_chardevs;
};

/* Opens all places, and waits for clients where that was asked for (running the main loop), unless
 * the machine is told to end meanwhile. Between machine_new and machine_start. NULL with an error.
 */
struct monitor *monitor_new(const struct monitor_config *cfg, GError **err);

/* A human monitor on the terminal of a serial port (opened by char_open, with the device lock),
 * which has the keys first; monitor_toggle gives them to the monitor, and back. At most one;
 * without it, or with NULL, monitor_toggle does nothing. */
struct chardev;
struct lock;
void monitor_share(struct monitor *mon, struct chardev *c, struct lock *lock);
void monitor_toggle(struct monitor *mon);

/* Before machine_free, with the machine at its end or never started; clients get what is queued for
 * them. NULL is fine. */
void monitor_free(struct monitor *mon);

#endif
