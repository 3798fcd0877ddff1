/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the machine in QMP's words. */
#ifndef FRONTENDS_MONITOR_STATUS_H
#define FRONTENDS_MONITOR_STATUS_H

struct monitor;

/* "running"; "paused", "prelaunch" (not yet let go after -S) or "debug" (gdb was told of
 * something); "suspended" (S3); "shutdown". */
const char *monitor_status(struct monitor *mon);

#endif
