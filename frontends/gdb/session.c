/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See session.h: the life of a session, stops, and what is done with the machine. */
#include "frontends/gdb/session_int.h"

#include <inttypes.h>
#include <string.h>

#include "base/bits.h"

/* Signals as gdb numbers them. */
enum { SIG_NONE = 0, SIG_INT = 2, SIG_ILL = 4, SIG_TRAP = 5, SIG_ABRT = 6, SIG_BUS = 10 };
enum { SIG_FPE = 8, SIG_SEGV = 11 };

/* ---- output ---- */

void gdb_send_bytes(struct gdb_session *s, const GString *bytes)
{
    g_string_truncate(s->last, 0);
    gdb_frame(s->last, bytes->str, bytes->len);
    g_string_append_len(s->out, s->last->str, (gssize)s->last->len);
}

void gdb_send(struct gdb_session *s, const char *text)
{
    GString *g = g_string_new(text);

    gdb_send_bytes(s, g);
    g_string_free(g, TRUE);
}

void gdb_say(struct gdb_session *s, const char *text)
{
    const size_t piece = GDB_PACKET_MAX / 4;

    for (size_t left = strlen(text); left;) {
        size_t n = left < piece ? left : piece;
        GString *g = g_string_new("O");

        gdb_put_hex(g, text, n);
        gdb_send_bytes(s, g);
        g_string_free(g, TRUE);
        text += n;
        left -= n;
    }
}

GString *gdb_session_output(struct gdb_session *s)
{
    return s->out;
}

/* ---- stops ---- */

struct cpu *gdb_cpu(struct gdb_session *s)
{
    return machine_cpu(s->m, s->thread);
}

static unsigned signal_of(const struct debug_stop *why)
{
    static const uint8_t of[] = {
        [EXC_DE] = SIG_FPE,  [EXC_UD] = SIG_ILL,  [EXC_NM] = SIG_ILL,  [EXC_DF] = SIG_SEGV,
        [EXC_TS] = SIG_SEGV, [EXC_NP] = SIG_SEGV, [EXC_SS] = SIG_SEGV, [EXC_GP] = SIG_SEGV,
        [EXC_PF] = SIG_SEGV, [EXC_MF] = SIG_FPE,  [EXC_AC] = SIG_BUS};

    if (why->kind == DEBUG_NONE)
        return SIG_INT;
    if (why->kind == DEBUG_TRIPLE)
        return SIG_ABRT;
    if (why->kind == DEBUG_VECTOR && why->vector < ARRAY_SIZE(of) && of[why->vector])
        return of[why->vector];
    return SIG_TRAP;
}

static unsigned owner_of(const struct gdb_session *s, const struct debug_stop *why)
{
    const struct debug_point *p;
    unsigned number;

    for (unsigned n = 0; (p = debugger_point(s->set, n, &number)); n++) {
        if (number == why->number)
            return p->owner;
    }
    return 0;
}

/* In words, for what gdb has none for. */
static void explain(struct gdb_session *s, unsigned cpu, const struct debug_stop *why)
{
    GString *g = g_string_new(NULL);

    g_string_printf(g, "CPU %u: ", cpu);
    switch (why->kind) {
    case DEBUG_CODE: g_string_append_printf(g, "at breakpoint %" PRIx64, why->addr); break;
    case DEBUG_WATCH:
        g_string_append_printf(g, "%s %u bytes at %" PRIx64, why->write ? "wrote" : "read",
                               why->size, why->addr);
        break;
    case DEBUG_VECTOR:
        g_string_append_printf(g, "vector %u", why->vector);
        if (why->has_error)
            g_string_append_printf(g, " error %x", why->error);
        if (why->vector == EXC_PF)
            g_string_append_printf(g, " cr2 %" PRIx64, machine_cpu(s->m, cpu)->cr2);
        g_string_append(g, " is about to be delivered");
        break;
    case DEBUG_CR3: g_string_append_printf(g, "loaded CR3 with %" PRIx64, why->addr); break;
    case DEBUG_PORT:
        g_string_append_printf(g, "%s %u bytes, port %" PRIx64, why->write ? "wrote" : "read",
                               why->size, why->addr);
        break;
    case DEBUG_MMIO:
        g_string_append_printf(g, "%s %u bytes, MMIO %" PRIx64, why->write ? "wrote" : "read",
                               why->size, why->addr);
        break;
    case DEBUG_TRIPLE:
        g_string_append(g, "triple fault; 'monitor history' says how, going on resets");
        break;
    default: break;
    }
    g_string_append_c(g, '\n');
    gdb_say(s, g->str);
    g_string_free(g, TRUE);
}

void gdb_report(struct gdb_session *s, unsigned cpu, const struct debug_stop *why)
{
    static const char *const data[] = {
        [GDB_DATA_W] = "watch", [GDB_DATA_R] = "rwatch", [GDB_DATA_A] = "awatch"};
    unsigned owner = why->number ? owner_of(s, why) : 0;
    GString *g = g_string_new(NULL);

    g_string_printf(g, "T%02xthread:%x;", signal_of(why), cpu + 1);
    if (owner >= GDB_DATA_W && owner <= GDB_DATA_A)
        g_string_append_printf(g, "%s:%" PRIx64 ";", data[owner],
                               why->addr > why->start ? why->addr : why->start);
    else if (owner == GDB_SOFT && s->swbreak)
        g_string_append(g, "swbreak:;");
    else if (owner == GDB_HARD && s->hwbreak)
        g_string_append(g, "hwbreak:;");
    gdb_send_bytes(s, g);
    g_string_free(g, TRUE);
}

/* Notes what the vCPUs have to tell. They stand. */
static void collect(void *opaque)
{
    struct gdb_session *s = opaque;

    for (unsigned n = 0; n < machine_cpus(s->m); n++) {
        struct debug_stop why;

        if (!debugger_take(machine_cpu(s->m, n), &why))
            continue;
        s->pending[n] = (struct gdb_pending){true, why};
    }
}

/* Is what vCPU n has to tell still so? gdb may have changed its mind since. */
static bool still(struct gdb_session *s, unsigned n)
{
    const struct debug_stop *why = &s->pending[n].why;

    if (!s->pending[n].any)
        return false;
    if (why->number && !owner_of(s, why))
        s->pending[n].any = false;
    if (why->kind == DEBUG_CODE && debugger_pc(machine_cpu(s->m, n)) != why->addr)
        s->pending[n].any = false;
    return s->pending[n].any;
}

/* Tells gdb of one stop. They stand. False: there is none. */
static bool tell_pending(struct gdb_session *s)
{
    unsigned cpus = machine_cpus(s->m);

    for (unsigned k = 0; k < cpus; k++) {
        unsigned n = (s->thread + k) % cpus; /* the one that gdb looks at is first */

        if (!still(s, n))
            continue;
        s->pending[n].any = false;
        s->stop = s->pending[n].why;
        s->stop_thread = s->thread = n;
        s->running = false;
        if (s->stop.kind != DEBUG_STEPPED &&
            (!s->stop.number || owner_of(s, &s->stop) == GDB_MONITOR ||
             s->stop.kind == DEBUG_TRIPLE))
            explain(s, n, &s->stop);
        gdb_report(s, n, &s->stop);
        return true;
    }
    return false;
}

static void tell_stop(void *opaque)
{
    struct gdb_session *s = opaque;

    collect(s);
    if (tell_pending(s))
        return;
    s->stop = (struct debug_stop){.kind = DEBUG_NONE};
    s->stop_thread = s->thread;
    s->running = false;
    gdb_report(s, s->thread, &s->stop);
}

void gdb_session_paused(struct gdb_session *s)
{
    if (s->running && machine_paused(s->m))
        machine_while_stopped(s->m, tell_stop, s);
}

void gdb_session_ended(struct gdb_session *s, int status)
{
    char text[8];

    if (!s->running)
        return;
    g_snprintf(text, sizeof(text), "W%02x", status & 0xff);
    s->running = false;
    gdb_send(s, text);
}

/* ---- going on ---- */

/* The vCPUs stand. */
static void prepare(void *opaque)
{
    struct gdb_session *s = opaque;

    for (unsigned n = 0; n < machine_cpus(s->m); n++) /* of steps one is told at once, or not */
        s->pending[n].any &= s->pending[n].why.kind != DEBUG_STEPPED;
    if (tell_pending(s))
        return;
    s->running = true;
    for (unsigned n = 0; n < machine_cpus(s->m); n++) {
        struct cpu *cpu = machine_cpu(s->m, n);

        debugger_no_step(cpu);
        if (s->steps >> n & 1)
            debugger_step(cpu, s->lo[n], s->hi[n], !s->let_in);
    }
}

static void go_on(struct gdb_session *s)
{
    if (machine_while_stopped(s->m, prepare, s) && s->running)
        machine_resume_some(s->m, s->go);
}

/* No point and no step is left. The vCPUs stand. */
static void let_go(void *opaque)
{
    struct gdb_session *s = opaque;

    for (unsigned owner = 1; owner < GDB_OWNERS; owner++)
        debugger_remove_owned(s->set, owner);
    for (unsigned n = 0; n < machine_cpus(s->m); n++)
        debugger_no_step(machine_cpu(s->m, n));
}

static void do_after(struct gdb_session *s)
{
    enum gdb_after after = s->after;

    s->after = GDB_STAY;
    switch (after) {
    case GDB_STAY: break;
    case GDB_RESUME: go_on(s); break;
    case GDB_RESET: machine_reset(s->m); break;
    case GDB_DETACH: s->over = true; break;
    case GDB_KILL:
        s->over = true;
        machine_quit(s->m, MACHINE_EXIT_OFF);
        break;
    }
}

/* ---- input ---- */

static void run_command(void *opaque)
{
    struct gdb_session *s = opaque;

    gdb_command(s, s->framer.data, s->framer.len);
}

static void packet(struct gdb_session *s)
{
    if (!s->no_ack)
        g_string_append_c(s->out, '+');
    if (s->running) { /* it is to wait for the stop, or to ask for one */
        gdb_send(s, "E01");
        return;
    }
    if (!machine_while_stopped(s->m, run_command, s)) {
        s->over = true; /* the machine ends */
        return;
    }
    do_after(s);
}

static void input(struct gdb_session *s, enum gdb_input what)
{
    switch (what) {
    case GDB_INPUT_NONE:
    case GDB_INPUT_ACK: break;
    case GDB_INPUT_NAK:
        if (!s->no_ack)
            g_string_append_len(s->out, s->last->str, (gssize)s->last->len);
        break;
    case GDB_INPUT_BAD:
        if (s->no_ack)
            gdb_send(s, "E16");
        else
            g_string_append_c(s->out, '-');
        break;
    case GDB_INPUT_LONG:
        if (!s->no_ack)
            g_string_append_c(s->out, '+');
        gdb_send(s, "E22");
        break;
    case GDB_INPUT_INTERRUPT:
        if (s->running)
            machine_ask_pause(s->m);
        break;
    case GDB_INPUT_PACKET: packet(s); break;
    }
}

bool gdb_session_input(struct gdb_session *s, const uint8_t *bytes, size_t n)
{
    for (size_t k = 0; k < n && !s->over; k++)
        input(s, gdb_framer_byte(&s->framer, bytes[k]));
    return !s->over;
}

/* ---- life ---- */

static void forget_stops(void *opaque)
{
    struct gdb_session *s = opaque;

    let_go(s);
    collect(s);
    memset(s->pending, 0, sizeof(s->pending));
    debugger_add(s->set, &(struct debug_point){.kind = DEBUG_TRIPLE, .owner = GDB_MONITOR});
}

struct gdb_session *gdb_session_new(struct machine *m, struct debugger *set)
{
    struct gdb_session *s = g_new0(struct gdb_session, 1);

    s->m = m;
    s->set = set;
    s->out = g_string_new(NULL);
    s->last = g_string_new(NULL);
    s->stepper = ~0u;
    machine_pause(m);
    machine_while_stopped(m, forget_stops, s);
    return s;
}

void gdb_session_free(struct gdb_session *s)
{
    if (!s)
        return;
    if (machine_while_stopped(s->m, let_go, s))
        machine_resume(s->m);
    g_string_free(s->out, TRUE);
    g_string_free(s->last, TRUE);
    g_free(s);
}
