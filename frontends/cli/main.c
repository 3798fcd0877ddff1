/* SPDX-License-Identifier: GPL-2.0-or-later */
/* penumbra: command line to a running machine, its display and terminal, and its exit status. */
#include <errno.h>
#include <glib-unix.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/audio_sdl.h"
#include "backends/char.h"
#include "base/error.h"
#include "base/lint_control.h"
#include "base/lock.h"
#include "base/log.h"
#include "frontends/cli/options.h"
#include "frontends/cli/text_view.h"
#include "frontends/gdb/server.h"
#include "frontends/headless/run.h"
#include "frontends/library/machine_state.h"
#include "frontends/monitor/monitor.h"
#include "frontends/sdl/library_window.h"
#include "frontends/sdl/sdl_display.h"

#define VERSION "0.1"

struct app {
    struct options o;
    struct lock lock; /* the device lock */
    GMainLoop *loop;
    struct machine *machine;
    struct chardev *chardev[MACHINE_MAX_SERIAL + 1];
    struct sdl_display *sdl;
    struct machine_state_lock *state; /* of a machine of the library, and its last screen */
    char *picture;
    struct text_view *text;
    struct gdb_server *gdb;
    struct monitor *monitor;
    int signal_status; /* 128 + n when a signal ended us */
};

static int fail(GError *err)
{
    log_user("%s", err->message);
    g_error_free(err);
    return 1;
}

static void machine_ended(void *opaque)
{
    struct app *a = opaque;

    g_main_loop_quit(a->loop);
}

/* ---- the terminal ---- */

static void escape(void *opaque, int key)
{
    struct app *a = opaque;

    if (key == 'x')
        machine_quit(a->machine, MACHINE_EXIT_OFF);
    else if (key == 'c')
        monitor_toggle(a->monitor);
}

static struct chardev *open_char(struct app *a, const char *spec, unsigned slot, GError **err)
{
    a->chardev[slot] = char_open(spec, &a->lock, err);
    return a->chardev[slot];
}

static bool open_chars(struct app *a, GError **err)
{
    struct machine_config *m = &a->o.machine;

    for (unsigned n = 0; n < MACHINE_MAX_SERIAL; n++) {
        if (!a->o.serial[n] || !strcmp(a->o.serial[n], "none"))
            continue;
        m->serial[n] = open_char(a, a->o.serial[n], n, err);
        if (!m->serial[n])
            return false;
        if (char_pty_path(m->serial[n]))
            log_user("serial port %u is %s", n + 1, char_pty_path(m->serial[n]));
    }
    for (unsigned n = 0; n < m->n_chardevs; n++) {
        m->chardev[n].chr = char_open(a->o.chardev_spec[n], &a->lock, err);
        if (!m->chardev[n].chr)
            return false;
    }
    if (a->o.port_e9) {
        m->port_e9 = open_char(a, a->o.port_e9, MACHINE_MAX_SERIAL, err);
        if (!m->port_e9)
            return false;
        m->debugcon = m->port_e9;
        m->debugcon_base = 0x402;
    }
    return true;
}

/* ---- the screen ---- */

static void lock_devices(void *opaque)
{
    lock_take(&((struct app *)opaque)->lock);
}

static void unlock_devices(void *opaque)
{
    lock_drop(&((struct app *)opaque)->lock);
}

static bool open_display(struct app *a, GError **err)
{
    struct vga *vga = machine_vga(a->machine);

    if (a->o.display == DISPLAY_NONE)
        return true;
    if (!vga) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION,
                    "-display needs a display adapter (-vga none was given)");
        return false;
    }
    if (a->o.display == DISPLAY_SDL) {
        struct sdl_display_config cfg = {.machine = a->machine,
                                         .lock = &a->lock,
                                         .name = a->o.machine.name,
                                         .renderer = a->o.renderer,
                                         .layout = a->o.layout,
                                         .picture = a->picture,
                                         .state = a->state,
                                         .fullscreen = a->o.full_screen,
                                         .smooth = a->o.smooth,
                                         .no_close = a->o.no_window_close};

        a->sdl = sdl_display_new(&cfg, err);
        return a->sdl != NULL;
    }
    struct text_view_config cfg = {.vga = vga,
                                   .fd = STDOUT_FILENO,
                                   .opaque = a,
                                   .lock = lock_devices,
                                   .unlock = unlock_devices};

    a->text = text_view_new(&cfg, err);
    return a->text != NULL;
}

static bool open_gdb(struct app *a, GError **err)
{
    if (a->o.gdb)
        a->gdb = gdb_server_new(a->machine, a->o.gdb, err);
    return !a->o.gdb || a->gdb;
}

static void write_screendump(struct app *a)
{
    char *text = machine_screen_text(a->machine);
    GError *err = NULL;

    if (!g_file_set_contents(a->o.screendump, text, -1, &err)) {
        log_user("%s", err->message);
        g_error_free(err);
    }
    g_free(text);
}

/* ---- monitors ---- */

static bool open_monitors(struct app *a, GError **err)
{
    struct monitor_chardev chr[MACHINE_MAX_SERIAL + 1];
    struct monitor_config cfg = {.machine = a->machine,
                                 .name = a->o.name_given ? a->o.machine.name : NULL,
                                 .version = VERSION,
                                 .qemu_version = OPTIONS_QEMU_VERSION,
                                 .start_paused = a->o.machine.start_paused,
                                 .address = a->o.monitor,
                                 .n_addresses = a->o.n_monitors,
                                 .chardev = chr};

    for (unsigned n = 0; n < MACHINE_MAX_SERIAL; n++) {
        struct monitor_chardev *c = &chr[cfg.n_chardevs];

        if (!a->chardev[n])
            continue;
        g_snprintf(c->label, sizeof(c->label), "serial%u", n);
        c->file = a->o.serial[n];
        cfg.n_chardevs++;
    }
    if (a->chardev[MACHINE_MAX_SERIAL])
        chr[cfg.n_chardevs++] = (struct monitor_chardev){"debugcon", a->o.port_e9};
    a->monitor = monitor_new(&cfg, err);
    for (unsigned n = 0; a->monitor && n < MACHINE_MAX_SERIAL; n++) {
        if (a->chardev[n] && !strcmp(a->o.serial[n], "mon:stdio"))
            monitor_share(a->monitor, a->chardev[n], &a->lock);
    }
    return a->monitor != NULL;
}

/* ---- signals ---- */

static gboolean on_usr1(gpointer opaque)
{
    struct app *a = opaque;

    if (a->o.screendump)
        write_screendump(a);
    if (log_on(LOG_RESET))
        machine_dump(a->machine);
    return G_SOURCE_CONTINUE;
}

static gboolean on_int(gpointer opaque)
{
    struct app *a = opaque;

    a->signal_status = 128 + SIGINT;
    machine_quit(a->machine, a->signal_status);
    return G_SOURCE_CONTINUE;
}

static gboolean on_term(gpointer opaque)
{
    struct app *a = opaque;

    a->signal_status = 128 + SIGTERM;
    machine_quit(a->machine, a->signal_status);
    return G_SOURCE_CONTINUE;
}

static gboolean on_hup(gpointer opaque)
{
    struct app *a = opaque;

    a->signal_status = 128 + SIGHUP;
    machine_quit(a->machine, a->signal_status);
    return G_SOURCE_CONTINUE;
}

/* ---- counters ---- */

static void print_line(void *opaque, const char *text)
{
    (void)opaque;
    log_user("%s", text);
}

static void print_hash(struct machine *m)
{
    char *hash = machine_state_hash(m);

    log_user("state %s", hash);
    g_free(hash);
}

static void print_stats(struct app *a, int64_t us)
{
    uint64_t n = machine_instructions(a->machine);

    log_user("%" PRIu64 " instructions in %.2f s: %.0f million a second", n, (double)us / 1e6,
             us ? (double)n / (double)us : 0.0);
    machine_print_stats(a->machine, print_line, NULL);
    if (a->o.machine.icount)
        print_hash(a->machine);
}

/* ---- life ---- */

static int run(struct app *a)
{
    GError *err = NULL;
    int64_t began = g_get_monotonic_time();
    int status;

    signal(SIGPIPE, SIG_IGN); /* who no longer reads what we write is an error like others */
    if (a->o.opened) {
        a->state = machine_state_claim(a->o.opened, &err);
        a->picture = machine_sibling(a->o.opened, ".png");
        if (!a->state)
            return fail(err);
    }
    if (!open_chars(a, &err))
        return fail(err);
    a->o.machine.lock = &a->lock;
    a->o.machine.audio_sdl = &audio_sdl_driver;
    a->o.machine.ended = machine_ended;
    a->o.machine.opaque = a;
    a->machine = machine_new(&a->o.machine, &err);
    if (!a->machine)
        return fail(err);
    for (unsigned n = 0; n <= MACHINE_MAX_SERIAL; n++) {
        if (a->chardev[n])
            char_set_escape(a->chardev[n], escape, a);
    }
    for (unsigned n = 0; n < a->o.machine.n_chardevs; n++)
        char_set_escape(a->o.machine.chardev[n].chr, escape, a);
    g_unix_signal_add(SIGUSR1, on_usr1, a);
    g_unix_signal_add(SIGINT, on_int, a);
    g_unix_signal_add(SIGTERM, on_term, a);
    g_unix_signal_add(SIGHUP, on_hup, a);
    if (!open_monitors(a, &err) || !open_display(a, &err) || !open_gdb(a, &err))
        return fail(err);
    if (machine_exit_status(a->machine) >= 0) /* while a monitor waited for its client */
        return machine_exit_status(a->machine);
    if (!machine_start(a->machine, &err))
        return fail(err);
    g_main_loop_run(a->loop);
    status = machine_exit_status(a->machine);
    if (a->o.screendump)
        write_screendump(a);
    if (a->o.profile && !machine_write_profile(a->machine, a->o.profile, &err))
        return fail(err);
    if (a->o.stats)
        print_stats(a, g_get_monotonic_time() - began);
    return status;
}

static void close_app(struct app *a)
{
    monitor_free(a->monitor);
    sdl_display_free(a->sdl);
    text_view_free(a->text);
    gdb_server_free(a->gdb);
    machine_free(a->machine);
    for (unsigned n = 0; n <= MACHINE_MAX_SERIAL; n++)
        char_free(a->chardev[n]);
    machine_state_release(a->state);
    g_free(a->picture);
    for (unsigned n = 0; n < a->o.machine.n_chardevs; n++)
        char_free(a->o.machine.chardev[n].chr);
    g_main_loop_unref(a->loop);
    options_free(&a->o);
    lock_clear(&a->lock);
}

/* In one write, which a pipe takes whole: "penumbra --help | grep -q WORD" must not end us halfway,
 * by SIGPIPE, where scripts look at every status. */
static int print_help(const char *text)
{
    size_t len = strlen(text);

    while (len) {
        ssize_t n = write(STDOUT_FILENO, text, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return 1;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct app a = {0};
    GError *err = NULL;
    int status;

    if (argc > 1 && !strcmp(argv[1], "run"))
        return headless_run(argc - 1, argv + 1);
    if (argc == 1)
        return library_window_run(argv[0]);
    a.loop = g_main_loop_new(NULL, FALSE);
    lock_init(&a.lock);
    if (!options_parse(&a.o, argc, argv, &err)) {
        status = fail(err);
    } else if (a.o.help || a.o.help_text) {
        status = print_help(a.o.help ? options_usage() : a.o.help_text);
    } else if (a.o.version) {
        puts("penumbra " VERSION);
        status = 0;
    } else {
        for (guint n = 0; n < a.o.warnings->len; n++)
            log_user("warning: %s", (const char *)g_ptr_array_index(a.o.warnings, n));
        status = run(&a);
    }
    close_app(&a);
    lint_close();
    return status;
}
