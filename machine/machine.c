/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine's life: the vCPUs' threads with the board's requests, timers on the main loop, the end.
 * See machine.h for the lock, board.h for what is requested of whom.
 *
 * A request stops every vCPU at an instruction boundary: each comes back from its engine and parks.
 * The first one's thread serves the request when all others are there, and lets them go; while the
 * machine is paused it keeps them, and serves what else is requested. With time that is counted
 * (machine/icount.h) one thread runs all vCPUs, and nobody else is to be waited for.
 */
#include "machine/machine.h"

#include <stdio.h>

#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"
#include "devices/display/vga_text.h"
#include "devices/pc/acpi_pm.h"
#include "devices/pc/apic.h"
#include "machine/board.h"
#include "machine/board_ring.h"
#include "machine/board_stats.h"
#include "machine/icount.h"
#include "machine/insn_limit.h"
#include "machine/network.h"
#include "machine/notes.h"
#include "machine/sound.h"

/* What somebody wants done while all stand still. */
struct visit {
    void (*fn)(void *opaque);
    void *opaque;
};

struct machine {
    struct board board;
    GSource *timers;
    bool started;
    struct machine_notes *notes;
    struct cpu *profiled[MACHINE_MAX_CPUS];
    struct lock parking; /* protects the next nine */
    unsigned others;     /* threads of vCPUs but the leader's */
    unsigned parked;     /* of these, that are stopped for a request */
    bool paused;
    bool by_debugger;              /* a vCPU has paused it for its debugger */
    bool asleep;                   /* S3; the clock runs on */
    uint64_t held;                 /* vCPUs that do not run, bit n for vCPU n */
    unsigned resumes;              /* calls of machine_resume */
    struct visit *visit;           /* the one of REQUEST_VISIT, until it has been served */
    struct condition changed;      /* of parked, paused, visit, or of the board's requests */
    struct timer pause_at;         /* counted time: see machine_pause_at */
    atomic_bool quit, reset_asked; /* by a front end, not by the guest */
    atomic_bool debug_asked;       /* the pause that is requested is one for the debugger */
    guint end_source; /* the vCPUs have stopped for good and the main loop is to say so */
    bool ended;       /* ended() was called */
    bool ends_later;  /* REQUEST_GUEST_END, when the debugger lets the machine go on; parking */
};

/* ---- requests ---- */

void board_request(struct board *b, unsigned what)
{
    atomic_fetch_or(&b->requests, what);
    if (b->icount)
        icount_kick(b->icount, what & REQUEST_END);
    for (unsigned n = 0; n < b->n_cpus; n++) {
        if (b->cpu[n].vcpu)
            vcpu_kick(b->cpu[n].vcpu);
    }
}

void board_end(struct board *b, int status)
{
    int none = BOARD_RUNS;

    /* the first status stands, whichever threads ask at once */
    atomic_compare_exchange_strong(&b->exit_status, &none, status);
    board_request(b, REQUEST_END);
}

void board_end_by_guest(struct board *b, int status)
{
    int none = BOARD_RUNS;

    atomic_compare_exchange_strong(&b->guest_status, &none, status);
    board_request(b, REQUEST_GUEST_END);
}

static gboolean tell_ended(gpointer opaque)
{
    struct machine *m = opaque;

    if (!m->ended) {
        m->ended = true;
        if (m->board.cfg.ended)
            m->board.cfg.ended(m->board.cfg.opaque);
    }
    return G_SOURCE_REMOVE;
}

static void triple_fault(struct machine *m, struct cpu *cpu)
{
    struct board *b = &m->board;

    if (b->n_cpus > 1)
        log_user("the guest caused a triple fault on CPU %u", cpu->id);
    else
        log_user("the guest caused a triple fault");
    cpu_dump(cpu, stderr);
    board_tell_ring(b, cpu);
    if (b->cfg.no_reboot)
        board_end(b, MACHINE_EXIT_TRIPLE_FAULT);
    else
        board_request(b, REQUEST_RESET);
}

/* Device lock held, no vCPU running. The reset of a CPU forgets its events, and with them the kick
 * of a request that came meanwhile. */
static bool reset_all(struct board *b, bool wake, GError **err)
{
    bool ok = wake ? board_wake(b, err) : board_reset(b, err);

    if (atomic_load(&b->requests))
        board_request(b, 0);
    return ok;
}

/* Every vCPU is stopped; the parking lock is held. False when they should end. */
static bool serve(struct machine *m, unsigned requests)
{
    struct board *b = &m->board;
    GError *err = NULL;

    if (!(requests & REQUEST_END) && (requests & REQUEST_RESET) && b->cfg.no_reboot) {
        board_end(b, MACHINE_EXIT_RESET);
        requests |= REQUEST_END;
    }
    if ((requests & REQUEST_GUEST_END) && !(requests & REQUEST_END)) {
        /* all are parked: who asked for the end has also said that it stops for the debugger */
        m->ends_later = (requests & REQUEST_PAUSE) && atomic_load(&m->debug_asked);
        if (!m->ends_later) {
            board_end(b, atomic_load(&b->guest_status));
            requests |= REQUEST_END;
        }
    }
    if (requests & REQUEST_END) {
        notes_post(m->notes, MACHINE_EVENT_END, !m->quit);
        /* not g_main_context_invoke: before the main loop runs, that would call it here and now */
        m->end_source = g_idle_add_full(G_PRIORITY_HIGH, tell_ended, m, NULL);
        return false;
    }
    lock_take(b->lock);
    if ((requests & REQUEST_SLEEP) && acpi_pm_asleep(b->pm) && !m->asleep) {
        m->asleep = true;
        notes_post(m->notes, MACHINE_EVENT_SUSPEND, true);
    }
    if ((requests & REQUEST_RESET) || (m->asleep && (requests & REQUEST_WAKE))) {
        bool wake = !(requests & REQUEST_RESET);

        m->asleep = m->ends_later = false;
        atomic_store(&b->guest_status, BOARD_RUNS);
        if (!reset_all(b, wake, &err)) {
            log_user("%s", err->message);
            g_error_free(err);
            board_end(b, 1);
        }
        if (wake)
            notes_post(m->notes, MACHINE_EVENT_WAKEUP, true);
        else
            notes_post(m->notes, MACHINE_EVENT_RESET, !atomic_exchange(&m->reset_asked, false));
    } else if (requests & REQUEST_CPU_RESET) {
        for (unsigned n = 0; n < b->n_cpus; n++) /* the INIT pin of all */
            apic_init(b->cpu[n].apic);
    }
    if (requests & REQUEST_VISIT) {
        m->visit->fn(m->visit->opaque);
        m->visit = NULL;
    }
    if ((requests & REQUEST_PAUSE) && !m->paused) {
        block_engine_pause(b->blocks); /* no transfer ends while the machine stands */
        m->paused = true;
        m->by_debugger = atomic_exchange(&m->debug_asked, false);
        clock_stop(b->clock);
        notes_post(m->notes, MACHINE_EVENT_PAUSED, false);
    }
    lock_drop(b->lock);
    return true;
}

/* Does vCPU n stand though nothing is requested? One that is held for its thread's part: with
 * counted time it is only passed over. */
static bool stands(const struct machine *m, unsigned n)
{
    return m->paused || m->asleep || (!m->board.icount && (m->held >> n & 1));
}

/* The parking lock is held, which is dropped meanwhile. Until machine_resume, or a request. Also
 * for the sleep. */
static void wait_paused(struct machine *m)
{
    struct board_cpu *c = &m->board.cpu[0];
    bool paused = m->paused;

    /* its attention is what a kick sets; whatever event is lost here, the next run looks anew */
    cpu_clear_event(c->cpu, EV_STOP);
    atomic_store(&c->cpu->attention, 0);
    if (!stands(m, 0) || atomic_load(&m->board.requests))
        return;
    condition_broadcast(&m->changed);
    lock_drop(&m->parking);
    if (m->board.icount && paused)
        icount_pause(m->board.icount);
    else if (m->board.icount)
        icount_sleep(m->board.icount);
    else
        vcpu_sleep(c->vcpu);
    lock_take(&m->parking);
}

/* The first vCPU's part: waits for the others and serves what is requested. */
static bool lead(struct machine *m)
{
    struct board *b = &m->board;
    unsigned requests;
    bool go_on = true;

    if (!atomic_load(&b->requests))
        return true;
    lock_take(&m->parking);
    for (;;) {
        while (atomic_load(&b->requests) && m->parked < m->others)
            condition_wait(&m->changed, &m->parking);
        requests = atomic_fetch_and(&b->requests, REQUEST_END);
        if (requests)
            go_on = serve(m, requests);
        if (!go_on || !stands(m, 0))
            break;
        if (!m->paused) /* the others are let go */
            condition_broadcast(&m->changed);
        wait_paused(m);
    }
    condition_broadcast(&m->changed);
    lock_drop(&m->parking);
    return go_on;
}

static bool ending(struct machine *m)
{
    return atomic_load(&m->board.requests) & REQUEST_END;
}

/* Another's: parks until nothing is requested, for good when the end is. */
static bool park(struct machine *m, unsigned id)
{
    struct board *b = &m->board;
    bool end;

    lock_take(&m->parking);
    m->parked++;
    condition_broadcast(&m->changed);
    while (!ending(m) && (stands(m, id) || atomic_load(&b->requests)))
        condition_wait(&m->changed, &m->parking);
    end = ending(m);
    if (!end)
        m->parked--;
    lock_drop(&m->parking);
    return !end;
}

/* On the vCPU's thread, between runs. False when the thread should end. */
static bool vcpu_exited(void *opaque, struct cpu *cpu, enum cpu_exit why)
{
    struct machine *m = opaque;

    if (why == CPU_EXIT_SHUTDOWN && !ending(m))
        triple_fault(m, cpu);
    if (why == CPU_EXIT_DEBUG) {
        atomic_store(&m->debug_asked, true);
        board_request(&m->board, REQUEST_PAUSE);
    }
    return cpu->id == 0 || m->board.icount ? lead(m) : park(m, cpu->id);
}

bool machine_while_stopped(struct machine *m, void (*fn)(void *opaque), void *opaque)
{
    struct visit visit = {fn, opaque};
    bool done = false;

    lock_take(&m->parking);
    while (m->visit && !ending(m))
        condition_wait(&m->changed, &m->parking);
    if (!ending(m)) {
        m->visit = &visit;
        board_request(&m->board, REQUEST_VISIT);
        while (m->visit == &visit && !ending(m))
            condition_wait(&m->changed, &m->parking);
        done = m->visit != &visit;
        if (!done)
            m->visit = NULL;
        condition_broadcast(&m->changed);
    }
    lock_drop(&m->parking);
    return done;
}

void machine_ask_pause(struct machine *m)
{
    board_request(&m->board, REQUEST_PAUSE);
}

static void pause_came(void *opaque)
{
    machine_ask_pause(opaque);
}

void machine_pause_at(struct machine *m, int64_t ns)
{
    lock_take(m->board.lock);
    timer_arm(&m->pause_at, ns);
    lock_drop(m->board.lock);
}

void machine_pause_after(struct machine *m, uint64_t total)
{
    insn_limit_set(&m->board, total);
}

void machine_pause(struct machine *m)
{
    unsigned resumes;

    lock_take(&m->parking);
    resumes = m->resumes;
    if (!m->paused)
        board_request(&m->board, REQUEST_PAUSE);
    while (!m->paused && resumes == m->resumes && !ending(m))
        condition_wait(&m->changed, &m->parking);
    lock_drop(&m->parking);
}

static void resume(struct machine *m, uint64_t keep)
{
    struct board *b = &m->board;
    bool freed;

    lock_take(&m->parking);
    freed = (m->held & 1) && !(keep & 1);
    m->held = keep;
    if (b->icount)
        icount_hold(b->icount, keep);
    /* a pause that was asked for and not yet made is over, too */
    atomic_fetch_and(&b->requests, ~(unsigned)REQUEST_PAUSE);
    atomic_store(&m->debug_asked, false);
    m->resumes++;
    if (m->paused && !ending(m)) {
        m->paused = false;
        if (m->ends_later)
            board_request(b, REQUEST_GUEST_END);
        m->ends_later = false;
        lock_take(b->lock);
        clock_cont(b->clock);
        lock_drop(b->lock);
        notes_post(m->notes, MACHINE_EVENT_RESUMED, false);
        freed = true;
    }
    lock_take(b->lock);
    block_engine_retry(b->blocks);
    lock_drop(b->lock);
    if (freed && b->icount)
        icount_kick(b->icount, false);
    else if (freed)
        vcpu_kick(b->cpu[0].vcpu);
    condition_broadcast(&m->changed);
    lock_drop(&m->parking);
}

void machine_resume(struct machine *m)
{
    resume(m, 0);
}

void machine_resume_some(struct machine *m, uint64_t cpus)
{
    resume(m, ~cpus);
}

bool machine_paused(struct machine *m)
{
    bool paused;

    lock_take(&m->parking);
    paused = m->paused;
    lock_drop(&m->parking);
    return paused;
}

/* ---- images ---- */

/* Any thread, device lock held. */
static void image_failed(void *opaque, unsigned drive, const struct block_error *e)
{
    struct machine *m = opaque;

    notes_post_error(m->notes, drive, e);
    if (e->policy == BLOCK_ERROR_STOP)
        machine_ask_pause(m);
}

enum machine_run_state machine_run_state(struct machine *m)
{
    enum machine_run_state state = RUN_STATE_RUNS;

    lock_take(&m->parking);
    if (machine_exit_status(m) >= 0)
        state = RUN_STATE_ENDS;
    else if (m->paused)
        state = m->by_debugger ? RUN_STATE_DEBUGGED : RUN_STATE_PAUSED;
    else if (m->asleep)
        state = RUN_STATE_ASLEEP;
    lock_drop(&m->parking);
    return state;
}

/* ---- timers on the main loop ---- */

struct timer_source {
    GSource source;
    struct board *board;
};

static void schedule(struct timer_source *t, int64_t deadline)
{
    int64_t wait;

    if (deadline < 0 || clock_stopped(t->board->clock)) { /* going on, the clock rearms */
        g_source_set_ready_time(&t->source, -1);
        return;
    }
    wait = deadline - clock_now(t->board->clock);
    g_source_set_ready_time(&t->source,
                            g_get_monotonic_time() + (wait > 0 ? (wait - 1) / 1000 + 1 : 0));
}

static gboolean timers_dispatch(GSource *source, GSourceFunc fn, gpointer data)
{
    struct timer_source *t = (struct timer_source *)source;

    (void)fn;
    (void)data;
    lock_take(t->board->lock);
    schedule(t, clock_run_timers(t->board->clock));
    lock_drop(t->board->lock);
    return G_SOURCE_CONTINUE;
}

/* The earliest deadline changed; device lock held, any thread. */
static void rearm(void *opaque)
{
    struct timer_source *t = opaque;

    g_source_set_ready_time(&t->source, g_get_monotonic_time());
}

static GSourceFuncs timer_funcs = {.dispatch = timers_dispatch};

/* ---- life ---- */

/* The machine whose state a broken invariant dumps: the one made last. */
static struct machine *to_dump;

static void dump_broken(void)
{
    machine_dump(to_dump);
}

static void new_vcpus(struct machine *m, const struct accel_ops *accel)
{
    struct board *b = &m->board;

    for (unsigned n = 0; n < b->n_cpus; n++) {
        struct vcpu_config vcpu = {
            .cpu = b->cpu[n].cpu, .accel = accel, .exited = vcpu_exited, .opaque = m};

        b->cpu[n].vcpu = vcpu_new(&vcpu);
    }
    m->others = b->n_cpus - 1;
    m->timers = g_source_new(&timer_funcs, sizeof(struct timer_source));
    ((struct timer_source *)m->timers)->board = b;
    g_source_set_priority(m->timers, G_PRIORITY_HIGH);
    g_source_attach(m->timers, NULL);
    clock_set_rearm_hook(b->clock, rearm, m->timers);
}

static void new_icount(struct machine *m)
{
    struct board *b = &m->board;
    const struct icount_config icount = {.board = b,
                                         .shift = b->cfg.icount_shift,
                                         .jumps = b->cfg.icount_jumps,
                                         .exited = vcpu_exited,
                                         .opaque = m};

    b->icount = icount_new(&icount);
    timer_init(&m->pause_at, b->clock, pause_came, m);
    clock_set_rearm_hook(b->clock, icount_rearm, b->icount);
}

/* Networks know of pauses, which counted time does not show. */
static void tell_network(void *opaque, const struct machine_note *note)
{
    struct machine *m = opaque;

    if (note->event == MACHINE_EVENT_PAUSED || note->event == MACHINE_EVENT_RESUMED)
        board_hold_network(&m->board, note->event == MACHINE_EVENT_PAUSED);
}

struct machine *machine_new(const struct machine_config *cfg, GError **err)
{
    struct machine *m = g_new0(struct machine, 1);
    struct board *b = &m->board;
    const struct accel_ops *accel = accel_find(cfg->accel);

    b->cfg = *cfg;
    b->lock = cfg->lock;
    b->clock = cfg->icount ? clock_new_manual() : clock_new_host();
    atomic_store(&b->exit_status, BOARD_RUNS);
    atomic_init(&b->insn_limit, UINT64_MAX);
    atomic_store(&b->guest_status, BOARD_RUNS);
    clock_stop(b->clock);
    b->notes = m->notes = notes_new();
    b->image_failed = image_failed;
    b->image_failed_opaque = m;
    notes_listen(m->notes, tell_network, m);
    lock_init(&m->parking);
    condition_init(&m->changed);
    if (!accel) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION, "unknown accelerator '%s'",
                    cfg->accel);
        machine_free(m);
        return NULL;
    }
    if (!board_build(b, err)) {
        machine_free(m);
        return NULL;
    }
    if (cfg->icount)
        new_icount(m);
    else
        new_vcpus(m, accel);
    to_dump = m;
    invariant_dump = dump_broken;
    return m;
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    if (to_dump == m) {
        to_dump = NULL;
        invariant_dump = NULL;
    }
    if (m->started) {
        board_end(&m->board, MACHINE_EXIT_OFF);
        if (m->board.profile)
            profile_stop(m->board.profile);
        for (unsigned n = 0; n < m->board.n_cpus && !m->board.icount; n++)
            vcpu_join(m->board.cpu[n].vcpu);
        if (m->board.icount)
            icount_join(m->board.icount);
        if (!m->board.ring_told)
            board_tell_ring(&m->board, NULL);
    }
    if (m->timers) {
        g_source_destroy(m->timers);
        g_source_unref(m->timers);
    }
    clock_set_rearm_hook(m->board.clock, NULL, NULL);
    for (unsigned n = 0; n < m->board.n_cpus; n++) {
        vcpu_free(m->board.cpu[n].vcpu);
        m->board.cpu[n].vcpu = NULL;
    }
    icount_free(m->board.icount);
    m->board.icount = NULL;
    board_destroy(&m->board);
    clock_free(m->board.clock);
    if (m->end_source && !m->ended)
        g_source_remove(m->end_source);
    notes_free(m->notes);
    condition_clear(&m->changed);
    lock_clear(&m->parking);
    g_free(m);
}

static void start_profile(struct machine *m)
{
    for (unsigned n = 0; n < m->board.n_cpus; n++)
        m->profiled[n] = m->board.cpu[n].cpu;
    profile_start(m->board.profile, m->profiled, m->board.n_cpus);
}

bool machine_write_profile(struct machine *m, const char *path, GError **err)
{
    profile_stop(m->board.profile);
    return profile_write(m->board.profile, path, err);
}

bool machine_start(struct machine *m, GError **err)
{
    bool ok;

    lock_take(m->board.lock);
    clock_cont(m->board.clock);
    ok = reset_all(&m->board, false, err);
    lock_drop(m->board.lock);
    if (ok) {
        m->started = true;
        if (m->board.cfg.start_paused)
            machine_ask_pause(m); /* heard before the first instruction */
        for (unsigned n = 0; n < m->board.n_cpus && !m->board.icount; n++)
            vcpu_start(m->board.cpu[n].vcpu);
        if (m->board.icount)
            icount_start(m->board.icount);
        if (m->board.profile)
            start_profile(m);
    }
    return ok;
}

void machine_quit(struct machine *m, int status)
{
    atomic_store(&m->quit, true);
    board_end(&m->board, status);
}

void machine_reset(struct machine *m)
{
    atomic_store(&m->reset_asked, true);
    board_request(&m->board, REQUEST_RESET);
}

void machine_listen(struct machine *m, void (*fn)(void *opaque, const struct machine_note *note),
                    void *opaque)
{
    notes_listen(m->notes, fn, opaque);
}

unsigned machine_cpus(const struct machine *m)
{
    return m->board.n_cpus;
}

struct cpu *machine_cpu(struct machine *m, unsigned n)
{
    return m->board.cpu[n].cpu;
}

int machine_cpu_thread(const struct machine *m, unsigned n)
{
    return vcpu_thread_id(m->board.cpu[n].vcpu);
}

void machine_nmi(struct machine *m)
{
    for (unsigned n = 0; n < m->board.n_cpus; n++) {
        cpu_set_event(m->board.cpu[n].cpu, EV_NMI);
        vcpu_wake(m->board.cpu[n].vcpu);
    }
}

struct board *machine_board(struct machine *m)
{
    return &m->board;
}

int machine_exit_status(const struct machine *m)
{
    return atomic_load(&m->board.exit_status);
}

struct input_router *machine_input(struct machine *m)
{
    return m->board.input;
}

struct vga *machine_vga(struct machine *m)
{
    return m->board.vga;
}

void machine_power_button(struct machine *m)
{
    lock_take(m->board.lock);
    acpi_pm_power_button(m->board.pm);
    lock_drop(m->board.lock);
    notes_post(m->notes, MACHINE_EVENT_POWERDOWN, false);
}

bool machine_wake(struct machine *m)
{
    bool slept;

    lock_take(m->board.lock);
    slept = acpi_pm_wake(m->board.pm);
    lock_drop(m->board.lock);
    return slept;
}

char *machine_screen_text(struct machine *m)
{
    char *text;

    lock_take(m->board.lock);
    text = m->board.vga ? vga_text_screen(m->board.vga) : g_strdup("(no display)\n");
    lock_drop(m->board.lock);
    return text;
}

void machine_dump(struct machine *m)
{
    for (unsigned n = 0; n < m->board.n_cpus; n++)
        cpu_dump(m->board.cpu[n].cpu, stderr);
    board_tell_ring(&m->board, NULL);
}

uint64_t machine_instructions(const struct machine *m)
{
    uint64_t sum = 0;

    for (unsigned n = 0; n < m->board.n_cpus; n++)
        sum += m->board.cpu[n].cpu->icount;
    return sum;
}

int64_t machine_time(const struct machine *m)
{
    return clock_now(m->board.clock);
}

void machine_print_stats(struct machine *m, void (*line)(void *opaque, const char *text),
                         void *opaque)
{
    board_print_stats(&m->board, line, opaque);
}

void machine_count(struct machine *m, struct machine_counters *out)
{
    struct board *b = &m->board;

    board_count(b, out);
    if (lock_take_within(b->lock, 2000000)) {
        out->has_io = true;
        out->disk = board_count_drives(b);
        board_count_network(b, &out->sent, &out->passed);
        lock_drop(b->lock);
    }
    out->sound = machine_sound_frames(m);
}
