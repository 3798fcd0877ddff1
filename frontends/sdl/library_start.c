/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting a machine: `penumbra -open FILE.ini` in a process of its own. What it says goes to
 * NAME.log, from where the library shows the last line if it ended badly; whether it runs is told
 * by its lock (machine_state.h), whoever started it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontends/sdl/library_int.h"

struct child {
    char *log;
};

/* It ended: after a good end there is nothing to say, after a signal it could not say it itself. */
static void ended(GPid pid, gint status, gpointer opaque)
{
    struct child *c = opaque;
    int fd = open(c->log, O_WRONLY | O_CLOEXEC | O_APPEND);

    if (fd >= 0 && WIFEXITED(status) && !WEXITSTATUS(status)) {
        if (ftruncate(fd, 0) < 0)
            g_debug("%s cannot be emptied", c->log);
    } else if (fd >= 0 && WIFSIGNALED(status)) {
        dprintf(fd, "penumbra: ended by signal %d (%s)\n", WTERMSIG(status),
                g_strsignal(WTERMSIG(status)));
    } else if (fd >= 0 && lseek(fd, 0, SEEK_END) == 0) {
        dprintf(fd, "penumbra: ended with status %d\n", WEXITSTATUS(status));
    }
    if (fd >= 0)
        close(fd);
    g_spawn_close_pid(pid);
    g_free(c->log);
    g_free(c);
}

/* Between fork and exec: Ctrl+C in the library's terminal is not for the machines. */
static void own_session(gpointer opaque)
{
    (void)opaque;
    setsid();
}

void library_start(struct library_window *w, const struct library_machine *m)
{
    g_autofree char *log = machine_sibling(m->path, ".log"), *self = NULL;
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    char option[] = "-open", display[] = "-display", sdl[] = "sdl", *argv[6];
    struct child *c;
    GError *err = NULL;
    GPid pid;

    if (fd < 0) {
        g_autofree char *why = g_strdup_printf("cannot write %s: %s", log, g_strerror(errno));

        library_notice(w, true, why);
        return;
    }
    self = g_file_read_link("/proc/self/exe", NULL);
    argv[0] = self && g_file_test(self, G_FILE_TEST_IS_EXECUTABLE) ? self : w->program;
    argv[1] = display;
    argv[2] = sdl;
    argv[3] = option;
    argv[4] = m->path;
    argv[5] = NULL;
    if (!g_spawn_async_with_fds(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH,
                                own_session, NULL, &pid, -1, -1, fd, &err)) {
        library_notice(w, true, err->message);
        g_error_free(err);
    } else {
        c = g_new0(struct child, 1);
        c->log = g_steal_pointer(&log);
        g_child_watch_add(pid, ended, c);
    }
    close(fd);
}
