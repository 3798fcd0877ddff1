/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The human monitor: lines to commands, and what their handlers need. */
#ifndef FRONTENDS_MONITOR_HMP_H
#define FRONTENDS_MONITOR_HMP_H

#include "frontends/monitor/command.h"

#define HMP_LINE_MAX   4096u      /* bytes of a line */
#define HMP_OUTPUT_MAX (1u << 20) /* bytes that one command prints; then it is cut off */

struct cpu;
struct line_edit;
struct session;

struct hmp {
    struct monitor *mon;
    struct session *session; /* NULL: a line on behalf of QMP */
    unsigned cpu;            /* whose registers and addresses are meant */
    uint64_t next;           /* where x and xp go on */
    struct line_edit *edit;  /* a person's terminal; NULL: plain lines */
    GString *line;           /* of plain ones, so far */
    bool too_long;
};

extern const struct mon_group hmp_vm, hmp_info, hmp_chips, hmp_memory, hmp_net, hmp_balloon,
    hmp_input;

/* Runs one line; what it prints, with errors, is appended to `out`. */
void hmp_run(struct hmp *h, const char *line, GString *out);

/* The processor that is meant. */
struct cpu *hmp_cpu(struct hmp *h);

/* What can stand at the end of a line that is typed as far as `line`: whole words (g_free each),
 * and in *from where the word begins that they complete. */
GPtrArray *hmp_complete(const char *line, size_t *from);

/* Whether a command has printed enough, and should end. */
static inline bool hmp_enough(const GString *out)
{
    return out->len > HMP_OUTPUT_MAX;
}

#endif
