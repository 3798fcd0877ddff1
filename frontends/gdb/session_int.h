/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of a session share. */
#ifndef FRONTENDS_GDB_SESSION_INT_H
#define FRONTENDS_GDB_SESSION_INT_H

#include "cpu/debugger.h"
#include "frontends/gdb/packet.h"
#include "frontends/gdb/session.h"
#include "machine/machine.h"

/* Owners of points. */
enum {
    GDB_SOFT = 1, /* Z0 */
    GDB_HARD,     /* Z1 */
    GDB_DATA_W,   /* Z2 */
    GDB_DATA_R,   /* Z3 */
    GDB_DATA_A,   /* Z4 */
    GDB_MONITOR,  /* monitor commands */
    GDB_OWNERS,
};

/* What is to be done once the vCPUs need not stand for a packet. */
enum gdb_after { GDB_STAY, GDB_RESUME, GDB_DETACH, GDB_KILL, GDB_RESET };

struct gdb_pending {
    bool any;
    struct debug_stop why;
};

struct gdb_session {
    struct machine *m;
    struct debugger *set;
    struct gdb_framer framer;
    GString *out;  /* bytes to send */
    GString *last; /* the last packet, for a NAK; NULL: none */
    bool no_ack, swbreak, hwbreak;
    bool running; /* gdb waits for a stop */
    bool over;
    bool phys;        /* m and M are by physical address */
    bool let_in;      /* interrupts during steps */
    unsigned thread;  /* index of the vCPU that packets are about */
    unsigned stepper; /* that 's' steps, with the others held; ~0: all run */
    struct gdb_pending pending[MACHINE_MAX_CPUS];        /* not told yet */
    uint64_t go;                                         /* GDB_RESUME: which vCPUs */
    uint64_t steps;                                      /* ... which of them by steps, */
    uint64_t lo[MACHINE_MAX_CPUS], hi[MACHINE_MAX_CPUS]; /* ... out of this range */
    enum gdb_after after;
    bool told_stop; /* what '?' says has been told */
    struct debug_stop stop;
    unsigned stop_thread;
};

/* Sends a packet; text, or bytes. */
void gdb_send(struct gdb_session *s, const char *text);
void gdb_send_bytes(struct gdb_session *s, const GString *bytes);

/* Text for the person at gdb's prompt. */
void gdb_say(struct gdb_session *s, const char *text);

/* While the vCPUs stand, with the device lock. */
struct cpu *gdb_cpu(struct gdb_session *s);
void gdb_command(struct gdb_session *s, const char *data, size_t len);
void gdb_resume_command(struct gdb_session *s, const char *data);
void gdb_monitor(struct gdb_session *s, const char *line);

/* The answer to '?' and the report of a stop. */
void gdb_report(struct gdb_session *s, unsigned cpu, const struct debug_stop *why);

/* What the processor is doing, in words. */
void gdb_mode(const struct cpu *cpu, GString *to);

#endif
