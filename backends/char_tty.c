/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Terminals: raw mode that never outlives the process, and pseudo-terminals. */
#define _GNU_SOURCE /* ptsname_r */
#include "backends/char_impl.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

struct char_tty {
    int fd;
    struct termios old;
};

/* What exit and signal handlers restore: a process has at most one terminal in raw mode. */
static struct char_tty *raw_tty;

static void restore_at_exit(void)
{
    if (raw_tty)
        tcsetattr(raw_tty->fd, TCSANOW, &raw_tty->old);
}

/* Restores the terminal, then lets the signal do what it would have done. */
static void restore_on_signal(int sig)
{
    restore_at_exit(); /* tcsetattr is async-signal-safe */
    raise(sig);        /* SA_RESETHAND made it the default again; it is delivered as we return */
}

/* Only signals that would otherwise end the process unnoticed: front ends may install their own
 * handlers before or after. */
static void catch_signals(void)
{
    static const int deadly[] = {SIGHUP,  SIGINT, SIGQUIT, SIGTERM, SIGABRT,
                                 SIGSEGV, SIGBUS, SIGILL,  SIGFPE};
    struct sigaction old, sa = {.sa_handler = restore_on_signal, .sa_flags = SA_RESETHAND};

    for (unsigned k = 0; k < G_N_ELEMENTS(deadly); k++)
        if (!sigaction(deadly[k], NULL, &old) && old.sa_handler == SIG_DFL)
            sigaction(deadly[k], &sa, NULL);
}

struct char_tty *char_tty_raw(int fd, bool keep_signals)
{
    static bool prepared;
    struct termios raw;
    struct char_tty *t;

    if (raw_tty || !isatty(fd) || tcgetpgrp(fd) != getpgrp())
        return NULL;
    t = g_new0(struct char_tty, 1);
    t->fd = fd;
    if (tcgetattr(fd, &t->old)) {
        g_free(t);
        return NULL;
    }
    raw = t->old;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    if (!keep_signals)
        raw.c_lflag &= ~(tcflag_t)ISIG;
    raw.c_cflag = (raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    raw_tty = t;
    if (!prepared) {
        prepared = true;
        atexit(restore_at_exit);
        at_quick_exit(restore_at_exit); /* a broken invariant (base/error.c) */
        catch_signals();
    }
    tcsetattr(fd, TCSANOW, &raw);
    return t;
}

void char_tty_restore(struct char_tty *t)
{
    if (!t)
        return;
    tcsetattr(t->fd, TCSANOW, &t->old);
    raw_tty = NULL;
    g_free(t);
}

static bool pty_setup(int master, int *slave, char **path)
{
    struct termios raw;
    char name[128];

    if (grantpt(master) || unlockpt(master))
        return false;
    errno = ptsname_r(master, name, sizeof(name));
    if (errno)
        return false;
    /* our own end: without it the master reads errors until somebody connects */
    *slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*slave < 0)
        return false;
    if (!tcgetattr(*slave, &raw)) {
        cfmakeraw(&raw);
        tcsetattr(*slave, TCSANOW, &raw);
    }
    *path = g_strdup(name);
    return true;
}

bool char_pty_open(int *master, int *slave, char **path, GError **err)
{
    *master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (*master >= 0 && pty_setup(*master, slave, path))
        return true;
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST, "cannot make a pseudo-terminal: %s",
                g_strerror(errno));
    if (*master >= 0)
        close(*master);
    return false;
}
