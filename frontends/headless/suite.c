/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See suite.h. A guest is this program again, `penumbra run --one SPEC`, in a group of processes of
 * its own, which says on its standard output how it goes (result.h). */
#include "frontends/headless/suite.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "frontends/headless/artefacts.h"
#include "frontends/headless/progress.h"
#include "frontends/headless/report.h"

#define SELF          "/proc/self/exe" /* ourselves, even when a newer one stands in our place */
#define FETCH_GUARD_S 3600             /* for images that are fetched and built */
#define LAST_WORDS_S  30               /* from asking a guest to end to making it */
#define DRAW_MS       250
#define LINE_MAX_LEN  65536

struct suite;

struct guest_process {
    struct suite *suite;
    const struct spec *spec;
    char *folder, *repeat;
    struct result result;
    GPid pid; /* 0: it does not run */
    int fd;   /* its lines */
    guint watch, guard;
    GString *line; /* begun */
    int64_t began_us;
    double host_s;
    bool guarded, killed; /* asked to end because of its guard; made to */
    bool done;
};

struct suite {
    const struct suite_config *cfg;
    GMainLoop *loop;
    char *exe;
    struct guest_process *guest;
    unsigned n, next, running, finished;
    bool interrupted;
    struct report_counts counts;
    struct progress progress;
};

/* ---- what is printed ---- */

static struct report_guest report_of(const struct guest_process *p)
{
    return (struct report_guest){.name = p->spec->name,
                                 .description = p->spec->description,
                                 .result = &p->result,
                                 .host_s = p->host_s,
                                 .folder = p->folder,
                                 .repeat = p->repeat};
}

static void print(struct suite *s, GString *text)
{
    progress_clear(&s->progress);
    fwrite(text->str, 1, text->len, stdout);
    fflush(stdout);
    g_string_free(text, TRUE);
}

static double seconds_since(int64_t us)
{
    return (double)(g_get_monotonic_time() - us) / 1e6;
}

static gboolean draw(gpointer opaque)
{
    struct suite *s = opaque;
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

    for (unsigned k = 0; k < s->n; k++) {
        const struct guest_process *p = &s->guest[k];
        double host_s = seconds_since(p->began_us);
        char *speed;

        if (!p->pid)
            continue;
        speed = report_speed(&p->result, host_s);
        g_ptr_array_add(lines, g_strdup_printf("   %s: %.0f s%s: %s", p->spec->name, host_s, speed,
                                               p->result.text ? p->result.text : "begins"));
        g_free(speed);
    }
    g_ptr_array_add(lines, g_strdup_printf("   %u of %u done", s->finished, s->n));
    progress_draw(&s->progress, lines);
    g_ptr_array_free(lines, TRUE);
    return G_SOURCE_CONTINUE;
}

static void write_junit(const struct suite *s)
{
    struct report_guest *g = g_new0(struct report_guest, s->n);
    GString *out = g_string_new(NULL);
    GError *err = NULL;

    for (unsigned k = 0; k < s->n; k++)
        g[k] = report_of(&s->guest[k]);
    report_junit(out, g, s->n);
    if (!g_file_set_contents(s->cfg->junit, out->str, (gssize)out->len, &err)) {
        log_user("%s", err->message);
        g_error_free(err);
    }
    g_string_free(out, TRUE);
    g_free(g);
}

/* ---- the end of a guest ---- */

static void start_more(struct suite *s);

static void set_verdict(struct guest_process *p, enum verdict v, char *text)
{
    g_free(p->result.text);
    p->result.text = text;
    p->result.verdict = v;
}

/* What its process says by how it ended, where it does not fit what it said before. */
static void judge_end(struct guest_process *p, int wait_status)
{
    const char *doing = p->result.text ? p->result.text : "began";
    bool verdict = p->result.verdict != VERDICT_NONE;

    if (p->guarded && !verdict)
        set_verdict(p, VERDICT_HOST,
                    g_strdup_printf("the host's guard ran out while it did: %s", doing));
    else if (p->suite->interrupted && !verdict)
        set_verdict(p, VERDICT_HOST, g_strdup("interrupted"));
    else if (WIFSIGNALED(wait_status))
        set_verdict(
            p, VERDICT_FAILED,
            g_strdup_printf("its process died of signal %d (%s)%s%s", WTERMSIG(wait_status),
                            strsignal(WTERMSIG(wait_status)),
                            verdict ? " at the end" : " while it did: ", verdict ? "" : doing));
    else if (!verdict || WEXITSTATUS(wait_status))
        set_verdict(p, VERDICT_FAILED,
                    g_strdup_printf("its process ended with status %d, see stderr.txt",
                                    WEXITSTATUS(wait_status)));
    if (p->result.verdict == VERDICT_SKIPPED && p->suite->cfg->no_skip)
        p->result.verdict = VERDICT_HOST;
}

static void write_reason(const struct guest_process *p)
{
    char *path = g_build_filename(p->folder, "reason.txt", NULL);
    char *text = g_strdup_printf("%s\n", p->result.text ? p->result.text : "");

    g_file_set_contents(path, text, -1, NULL);
    g_free(text);
    g_free(path);
}

static void finish(struct guest_process *p)
{
    struct suite *s = p->suite;
    struct report_guest g = report_of(p);
    GString *text = g_string_new(NULL);

    p->done = true;
    s->finished++;
    report_count(&s->counts, &p->result);
    if (s->cfg->tap)
        report_tap(text, s->finished, &g);
    else
        report_plain(text, &g);
    print(s, text);
    if (p->result.verdict == VERDICT_PASSED && !s->cfg->keep)
        artefacts_remove(p->folder);
    else if (p->result.verdict != VERDICT_PASSED)
        write_reason(p);
    if (s->finished == s->n)
        g_main_loop_quit(s->loop);
}

/* ---- its lines ---- */

static void take_line(struct guest_process *p)
{
    char *before = g_strdup(p->result.text);
    bool news = result_parse(&p->result, p->line->str) && p->result.verdict == VERDICT_NONE &&
                g_strcmp0(before, p->result.text);

    if (news && p->suite->cfg->verbose) {
        progress_clear(&p->suite->progress);
        log_user("%s: %s", p->spec->name, p->result.text ? p->result.text : "begins");
    }
    g_free(before);
}

static void take_bytes(struct guest_process *p, const char *buf, size_t len)
{
    for (size_t k = 0; k < len; k++) {
        if (buf[k] != '\n') {
            if (p->line->len < LINE_MAX_LEN)
                g_string_append_c(p->line, buf[k]);
            continue;
        }
        take_line(p);
        g_string_truncate(p->line, 0);
    }
}

static void arm_guard(struct guest_process *p, unsigned seconds);

/* False at the end of the pipe. */
static bool read_lines(struct guest_process *p)
{
    bool started = p->result.started;
    char buf[4096];
    ssize_t n = read(p->fd, buf, sizeof(buf));

    if (n > 0)
        take_bytes(p, buf, (size_t)n);
    if (!started && p->result.started && !p->guarded)
        arm_guard(p, p->spec->guard_s * p->suite->cfg->slow);
    return n > 0 || (n < 0 && errno == EINTR);
}

static gboolean on_lines(gint fd, GIOCondition cond, gpointer opaque)
{
    struct guest_process *p = opaque;

    (void)fd;
    (void)cond;
    if (read_lines(p) || errno == EAGAIN)
        return G_SOURCE_CONTINUE;
    p->watch = 0;
    return G_SOURCE_REMOVE;
}

static gboolean on_guard(gpointer opaque)
{
    struct guest_process *p = opaque;

    p->guard = 0;
    p->killed = p->guarded;
    p->guarded = true;
    kill(-p->pid, p->killed ? SIGKILL : SIGTERM);
    if (!p->killed)
        arm_guard(p, LAST_WORDS_S);
    return G_SOURCE_REMOVE;
}

static void arm_guard(struct guest_process *p, unsigned seconds)
{
    if (p->guard)
        g_source_remove(p->guard);
    p->guard = g_timeout_add_seconds(seconds, on_guard, p);
}

static void on_ended(GPid pid, gint status, gpointer opaque)
{
    struct guest_process *p = opaque;
    struct suite *s = p->suite;

    while (read_lines(p))
        ;
    p->host_s = seconds_since(p->began_us);
    g_spawn_close_pid(pid);
    kill(-pid, SIGKILL); /* whatever it left running */
    p->pid = 0;
    if (p->watch)
        g_source_remove(p->watch);
    if (p->guard)
        g_source_remove(p->guard);
    close(p->fd);
    judge_end(p, status);
    s->running--;
    finish(p);
    start_more(s);
}

/* ---- its beginning ---- */

/* In the child, between fork and exec. */
static void own_group(gpointer opaque)
{
    (void)opaque;
    setpgid(0, 0);
}

/* Whatever a run before left is gone. */
static bool make_folder(struct guest_process *p, int *stderr_fd, GError **err)
{
    char *said = g_build_filename(p->folder, "stderr.txt", NULL);
    char *script = g_build_filename(p->folder, "repeat", NULL);
    char *text = g_strdup_printf("#!/bin/sh\n%s\n", p->repeat);

    artefacts_remove(p->folder);
    *stderr_fd = -1;
    if (!g_mkdir_with_parents(p->folder, 0777))
        *stderr_fd = open(said, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (*stderr_fd < 0)
        error_option(err, "cannot write %s: %s", said, g_strerror(errno));
    else if (g_file_set_contents(script, text, -1, err))
        g_chmod(script, 0755);
    g_free(said);
    g_free(script);
    g_free(text);
    return !*err;
}

static bool spawn(struct guest_process *p, GError **err)
{
    const struct suite_config *cfg = p->suite->cfg;
    const char *argv[] = {SELF,
                          "run",
                          "--one",
                          p->spec->path,
                          "--artifacts",
                          p->folder,
                          "--with",
                          cfg->with ? cfg->with : "",
                          cfg->keep ? "--keep" : NULL,
                          NULL};
    int stderr_fd = -1;
    bool ok = make_folder(p, &stderr_fd, err) &&
              g_spawn_async_with_pipes_and_fds(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
                                               own_group, NULL, -1, -1, stderr_fd, NULL, NULL, 0,
                                               &p->pid, NULL, &p->fd, NULL, err);

    if (stderr_fd >= 0)
        close(stderr_fd);
    return ok;
}

static void start(struct guest_process *p)
{
    struct suite *s = p->suite;
    GError *err = NULL;

    p->began_us = g_get_monotonic_time();
    if (!spawn(p, &err)) {
        set_verdict(p, VERDICT_HOST, g_strdup(err->message));
        g_error_free(err);
        finish(p);
        return;
    }
    s->running++;
    g_unix_set_fd_nonblocking(p->fd, TRUE, NULL);
    p->watch = g_unix_fd_add(p->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_lines, p);
    g_child_watch_add(p->pid, on_ended, p);
    arm_guard(p, FETCH_GUARD_S);
}

static void start_more(struct suite *s)
{
    while (s->running < s->cfg->jobs && s->next < s->n) {
        struct guest_process *p = &s->guest[s->next++];
        bool stop = s->interrupted || (s->cfg->fail_fast && s->counts.failed);

        if (!stop) {
            start(p);
            continue;
        }
        set_verdict(p, VERDICT_SKIPPED,
                    g_strdup(s->interrupted ? "interrupted" : "another has failed (--fail-fast)"));
        finish(p);
    }
}

/* ---- the whole ---- */

static gboolean on_signal(gpointer opaque)
{
    struct suite *s = opaque;

    for (unsigned k = 0; k < s->n; k++) {
        if (s->guest[k].pid)
            kill(-s->guest[k].pid, s->interrupted ? SIGKILL : SIGINT);
    }
    s->interrupted = true;
    return G_SOURCE_CONTINUE;
}

/* A word of a shell's command. */
static void append_word(GString *c, const char *word)
{
    char *quoted = g_shell_quote(word);
    bool plain = *word && strcspn(word, " '\"\\$`&;|<>()*?[]{}~#!\n\t") == strlen(word);

    g_string_append_printf(c, " %s", plain ? word : quoted);
    g_free(quoted);
}

/* The command that runs this one guest as it is run now. */
static char *repeat_command(const struct suite *s, const struct spec *spec)
{
    char *path = g_canonicalize_filename(spec->path, NULL), *cwd = g_get_current_dir();
    GString *c = g_string_new("cd");

    append_word(c, cwd);
    g_string_append(c, " &&");
    append_word(c, s->exe);
    g_string_append(c, " run --artifacts");
    append_word(c, s->cfg->artefacts);
    if (s->cfg->with && *s->cfg->with) {
        g_string_append(c, " --with");
        append_word(c, s->cfg->with);
    }
    if (s->cfg->slow != 1)
        g_string_append_printf(c, " --slow %u", s->cfg->slow);
    append_word(c, path);
    g_free(path);
    g_free(cwd);
    return g_string_free(c, FALSE);
}

static void prepare(struct suite *s)
{
    s->guest = g_new0(struct guest_process, s->n);
    for (unsigned k = 0; k < s->n; k++) {
        struct guest_process *p = &s->guest[k];

        p->suite = s;
        p->spec = g_ptr_array_index(s->cfg->specs, k);
        p->folder = g_build_filename(s->cfg->artefacts, p->spec->name, NULL);
        p->repeat = repeat_command(s, p->spec);
        p->line = g_string_new(NULL);
    }
}

static void clean_up(struct suite *s)
{
    for (unsigned k = 0; k < s->n; k++) {
        struct guest_process *p = &s->guest[k];

        g_free(p->folder);
        g_free(p->repeat);
        result_clear(&p->result);
        g_string_free(p->line, TRUE);
    }
    g_free(s->guest);
    g_free(s->exe);
    g_main_loop_unref(s->loop);
}

int suite_run(const struct suite_config *cfg)
{
    struct suite s = {.cfg = cfg, .n = cfg->specs->len};
    GString *text = g_string_new(NULL);
    guint drawing;

    s.exe = g_file_read_link(SELF, NULL);
    s.loop = g_main_loop_new(NULL, FALSE);
    progress_init(&s.progress, cfg->tap ? STDERR_FILENO : STDOUT_FILENO);
    prepare(&s);
    if (cfg->tap)
        report_tap_plan(text, s.n);
    print(&s, text);
    g_unix_signal_add(SIGINT, on_signal, &s);
    g_unix_signal_add(SIGTERM, on_signal, &s);
    drawing = g_timeout_add(DRAW_MS, draw, &s);
    start_more(&s);
    if (s.finished < s.n)
        g_main_loop_run(s.loop);
    g_source_remove(drawing);
    if (cfg->junit)
        write_junit(&s);
    text = g_string_new(cfg->tap ? "# " : NULL);
    report_summary(text, &s.counts);
    print(&s, text);
    clean_up(&s);
    return s.counts.failed || !s.counts.passed;
}
