/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A place where clients come, and who speaks there: QMP (qmp.c) or the human monitor (hmp.c). */
#ifndef FRONTENDS_MONITOR_SESSION_H
#define FRONTENDS_MONITOR_SESSION_H

#include "frontends/monitor/command.h"
#include "frontends/monitor/wire.h"

struct qmp;

struct session {
    enum monitor_kind kind;
    bool wait; /* for the first client */
    bool met;  /* it has come */
    struct wire *wire;
    struct qmp *qmp; /* by kind */
    struct hmp *hmp;
};

/* What speaks on a wire. The wire's callbacks are qmp_wire_ops' and hmp_wire_ops' with q or h. */
struct qmp *qmp_new(struct monitor *mon, struct session *s);
void qmp_free(struct qmp *q);
struct wire_ops qmp_wire_ops(struct qmp *q);

/* Sends an event (borrowed), if the client is past its greeting. */
void qmp_event(struct qmp *q, const json_t *event);

/* The same for a person's. */
struct hmp *hmp_new(struct monitor *mon, struct session *s);
void hmp_free(struct hmp *h);
struct wire_ops hmp_wire_ops(struct hmp *h);

#endif
