/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See block_child.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include "backends/block_child.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

#define LISTEN_FD   3 /* the first one, by sd_listen_fds(3) */
#define PATIENCE_MS 20000
#define PID_DIGITS  12

struct block_child {
    pid_t pid;
    int words; /* what it prints */
};

static bool host_error(GError **err, const char *what)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST, "cannot %s: %s", what, g_strerror(errno));
    return false;
}

/* ---- the socket ---- */

static int listen_at(const char *path, struct sockaddr_un *addr)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *addr = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (g_strlcpy(addr->sun_path, path, sizeof(addr->sun_path)) >= sizeof(addr->sun_path)) {
        errno = ENAMETOOLONG;
    } else if (fd >= 0 && !bind(fd, (struct sockaddr *)addr, sizeof(*addr)) && !listen(fd, 1)) {
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* A listening socket and one that is connected to it. */
static bool make_pair(int *listening, int *ours, GError **err)
{
    char *dir = g_dir_make_tmp("penumbra-XXXXXX", err), *path; /* 0700 */
    struct sockaddr_un addr;
    bool ok = false;

    if (!dir)
        return false;
    path = g_build_filename(dir, "nbd", NULL);
    *listening = listen_at(path, &addr);
    *ours = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*listening >= 0 && *ours >= 0)
        ok = !connect(*ours, (struct sockaddr *)&addr, sizeof(addr));
    if (!ok)
        host_error(err, "make a socket for the program that serves a disk image");
    g_unlink(path);
    g_rmdir(dir);
    g_free(path);
    g_free(dir);
    if (!ok && *listening >= 0)
        close(*listening);
    if (!ok && *ours >= 0)
        close(*ours);
    return ok;
}

/* ---- the program ---- */

/* Our environment with LISTEN_FDS=1 and room for LISTEN_PID, whose digits are at *digits. */
static char **make_environment(char **digits)
{
    char **env = g_get_environ(), *pid = NULL;

    env = g_environ_setenv(env, "LISTEN_FDS", "1", TRUE);
    env = g_environ_unsetenv(env, "LISTEN_FDNAMES");
    env = g_environ_setenv(env, "LISTEN_PID", "000000000000", TRUE);
    for (char **e = env; *e; e++) {
        if (g_str_has_prefix(*e, "LISTEN_PID="))
            pid = *e + strlen("LISTEN_PID=");
    }
    *digits = pid;
    return env;
}

/* Without zeros before them, which would make them octal. */
static void put_digits(char *to, pid_t pid)
{
    char digits[PID_DIGITS];
    unsigned n = 0;

    for (; pid; pid /= 10)
        digits[n++] = (char)('0' + pid % 10);
    while (n)
        *to++ = digits[--n];
    *to = '\0';
}

/* In the new process: only what may be called after a fork of one of several threads. */
static void become(const char *path, char *const *argv, char *const *env, char *digits,
                   int listening, int words, pid_t parent)
{
    int null = open("/dev/null", O_RDWR);
    sigset_t none;

    put_digits(digits, getpid());
    setpgid(0, 0); /* Ctrl-C on our terminal is not for it */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* who ended before that */
        _exit(1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    dup2(null, 0);
    dup2(words, 1);
    dup2(words, 2);
    if (listening == LISTEN_FD)
        fcntl(LISTEN_FD, F_SETFD, 0);
    else
        dup2(listening, LISTEN_FD);
    execve(path, argv, env);
    _exit(127);
}

struct block_child *block_child_start(const char *const *argv, int *socket, GError **err)
{
    char *path = g_find_program_in_path(argv[0]), *digits, **env;
    int listening = -1, words = memfd_create("words", MFD_CLOEXEC);
    struct block_child *c;
    pid_t parent = getpid(), pid;

    if (!path || words < 0 || !make_pair(&listening, socket, err)) {
        if (!path)
            g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST, "%s is not installed", argv[0]);
        else if (words < 0)
            host_error(err, "make a file in memory");
        if (words >= 0)
            close(words);
        g_free(path);
        return NULL;
    }
    env = make_environment(&digits);
    pid = fork();
    if (pid == 0)
        become(path, (char *const *)(uintptr_t)argv, env, digits, listening, words, parent);
    close(listening); /* when the program ends now, our side is closed */
    g_strfreev(env);
    g_free(path);
    if (pid < 0) {
        host_error(err, "start another program");
        close(words);
        close(*socket);
        return NULL;
    }
    c = g_new0(struct block_child, 1);
    c->pid = pid;
    c->words = words;
    return c;
}

char *block_child_words(const struct block_child *c)
{
    char text[1024];
    ssize_t n = pread(c->words, text, sizeof(text) - 1, 0);

    text[MAX(n, 0)] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    return g_utf8_make_valid(text, -1);
}

/* Within `ms`. */
static bool has_ended(const struct block_child *c, int ms)
{
    for (; waitpid(c->pid, NULL, WNOHANG) == 0; ms--) {
        if (ms <= 0)
            return false;
        g_usleep(1000);
    }
    return true;
}

void block_child_end(struct block_child *c, bool now)
{
    if (!c)
        return;
    if (now)
        kill(c->pid, SIGTERM);
    if (!has_ended(c, PATIENCE_MS)) {
        kill(c->pid, SIGTERM);
        if (!has_ended(c, PATIENCE_MS)) {
            kill(c->pid, SIGKILL);
            waitpid(c->pid, NULL, 0);
        }
    }
    close(c->words);
    g_free(c);
}
