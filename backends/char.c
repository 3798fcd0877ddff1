/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Character backends: what a name opens, and the memory backend of the tests; see char.h. */
#include "backends/char.h"

#include "backends/char_impl.h"
#include "backends/socket_place.h"
#include "base/error.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct chardev *char_new(const char *name, struct lock *lock)
{
    struct chardev *c = g_new0(struct chardev, 1);

    c->name = name;
    c->lock = lock;
    c->in_fd = c->out_fd = c->spare_fd = -1;
    c->in = g_byte_array_new();
    c->out = g_byte_array_new();
    return c;
}

/* A reader that goes away must show as an error of write, not end the process without a word. */
static void ignore_sigpipe(void)
{
    struct sigaction sa;

    if (!sigaction(SIGPIPE, NULL, &sa) && sa.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

static const char *stdio_user; /* NULL: nobody */

bool char_stdio_claim(const char *who, GError **err)
{
    if (stdio_user) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION,
                    "stdio is used by two devices (%s, %s); give one of them another place",
                    stdio_user, who);
        return false;
    }
    stdio_user = who;
    return true;
}

void char_stdio_release(const char *who)
{
    if (stdio_user == who)
        stdio_user = NULL;
}

static const char stdio_name[] = "a serial port or console";

static struct chardev *open_stdio(struct lock *lock, bool keep_signals, GError **err)
{
    struct chardev *c;

    if (!char_stdio_claim(stdio_name, err))
        return NULL;
    c = char_new("stdio", lock);
    c->in_fd = STDIN_FILENO;
    c->out_fd = STDOUT_FILENO;
    c->escapes = isatty(STDIN_FILENO);
    c->tty = char_tty_raw(STDIN_FILENO, keep_signals);
    char_fd_start(c);
    return c;
}

static struct chardev *open_file(const char *path, struct lock *lock, GError **err)
{
    struct chardev *c;
    int fd;

    if (!*path) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION,
                    "file: needs the name of a file, as in file:serial.log");
        return NULL;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot write %s: %s", path,
                    g_strerror(errno));
        return NULL;
    }
    c = char_new("file", lock);
    c->out_fd = fd;
    c->owns_fds = true;
    return c;
}

static struct chardev *open_pty(struct lock *lock, GError **err)
{
    int master, slave;
    struct chardev *c;
    char *path;

    if (!char_pty_open(&master, &slave, &path, err))
        return NULL;
    c = char_new("pty", lock);
    c->in_fd = c->out_fd = master;
    c->spare_fd = slave;
    c->pty_path = path;
    c->owns_fds = c->drop_when_full = true;
    log_user("serial port on %s", path);
    char_fd_start(c);
    return c;
}

static struct chardev *open_socket(const char *spec, struct lock *lock, GError **err)
{
    struct socket_place place;
    struct chardev *c;

    if (!socket_place_parse("character backend", spec, &place, err))
        return NULL;
    c = char_new("a character backend", lock);
    if (char_socket_open(c, &place, err))
        return c;
    char_free(c);
    return NULL;
}

struct chardev *char_open(const char *spec, struct lock *lock, GError **err)
{
    ignore_sigpipe();
    if (!strcmp(spec, "none") || !strcmp(spec, "null"))
        return char_new("null", lock);
    if (!strcmp(spec, "stdio") || !strcmp(spec, "mon:stdio") || !strcmp(spec, "stdio,signal=off"))
        return open_stdio(lock, false, err);
    if (!strcmp(spec, "stdio,signal=on"))
        return open_stdio(lock, true, err);
    if (g_str_has_prefix(spec, "file:"))
        return open_file(spec + strlen("file:"), lock, err);
    if (!strcmp(spec, "pty"))
        return open_pty(lock, err);
    if (g_str_has_prefix(spec, "unix:") || g_str_has_prefix(spec, "tcp:"))
        return open_socket(spec, lock, err);
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION,
                "unknown character backend '%s' (there are stdio, file:PATH, unix:PATH, "
                "tcp:HOST:PORT, pty, null, none)",
                spec);
    return NULL;
}

struct chardev *char_new_memory(void)
{
    struct chardev *c = char_new("memory", NULL);

    c->memory = g_string_new(NULL);
    return c;
}

struct chardev *char_new_hook(void (*wrote)(void *opaque, const uint8_t *buf, size_t len),
                              void *opaque)
{
    struct chardev *c = char_new("hook", NULL);

    c->wrote = wrote;
    c->wrote_opaque = opaque;
    return c;
}

const GString *char_written(const struct chardev *c)
{
    return c->memory;
}

size_t char_feed(struct chardev *c, const uint8_t *buf, size_t len)
{
    size_t done = 0;

    while (done < len && c->rx.receive) {
        size_t n = MIN(len - done, c->rx.can_receive(c->rx.opaque));

        if (!n)
            break;
        c->rx.receive(c->rx.opaque, buf + done, n);
        done += n;
    }
    return done;
}

void char_free(struct chardev *c)
{
    if (!c)
        return;
    char_fd_stop(c);
    char_tty_restore(c->tty);
    if (c->socket)
        char_socket_close(c);
    if (c->owns_fds) {
        close(c->out_fd);
        if (c->in_fd >= 0 && c->in_fd != c->out_fd)
            close(c->in_fd);
        if (c->spare_fd >= 0)
            close(c->spare_fd);
    }
    if (c->memory)
        g_string_free(c->memory, TRUE);
    g_byte_array_free(c->in, TRUE);
    g_byte_array_free(c->out, TRUE);
    g_free(c->pty_path);
    g_free(c);
}

void char_write(struct chardev *c, const uint8_t *buf, size_t len)
{
    if (!c)
        return;
    if (c->wrote)
        c->wrote(c->wrote_opaque, buf, len);
    else if (c->memory)
        g_string_append_len(c->memory, (const char *)buf, (gssize)len);
    else if (c->out_fd >= 0)
        char_fd_write(c, buf, len);
}

void char_set_receiver(struct chardev *c, const struct char_receiver *r)
{
    if (r)
        c->rx = *r;
    else
        memset(&c->rx, 0, sizeof(c->rx));
    char_accept_input(c);
}

void char_accept_input(struct chardev *c)
{
    if (c && (c->in_fd >= 0 || c->socket)) /* of a client that has gone there may be some left */
        char_fd_accept_input(c);
}

void char_set_escape(struct chardev *c, void (*fn)(void *opaque, int key), void *opaque)
{
    c->escape = fn;
    c->escape_opaque = opaque;
}

void char_set_focus(struct chardev *c, void (*typed)(void *opaque, const uint8_t *buf, size_t len),
                    void *opaque)
{
    c->typed = typed;
    c->typed_opaque = opaque;
}

const char *char_pty_path(const struct chardev *c)
{
    return c->pty_path;
}
