/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character backends on sockets: one client at a time of those who connect to us, or a server that
 * we are the client of and, where that was asked for, look for again. While nobody is there output
 * is lost, as on a line whose cable is off. unix(7), tcp(7).
 *
 * Clients come and go on the main thread, under the device lock, which also guards the descriptor
 * for those who write.
 */
#include <glib-unix.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/char_impl.h"
#include "backends/socket.h"
#include "base/log.h"

struct char_socket {
    struct socket_place place;
    int listen_fd;             /* -1: none */
    guint listen_watch, retry; /* GLib source ids; 0: none */
};

static void watch_listener(struct chardev *c);
static void try_later(struct chardev *c);

static void begin_client(struct chardev *c, int fd)
{
    if (c->lock)
        lock_take(c->lock);
    c->in_fd = c->out_fd = fd;
    c->in_closed = c->out_closed = c->out_stalled = c->dropped = false;
    char_fd_start(c);
    if (c->lock)
        lock_drop(c->lock);
}

void char_socket_lost(struct chardev *c)
{
    int fd;

    if (c->lock)
        lock_take(c->lock);
    fd = c->in_fd;
    if (c->out_watch)
        g_source_remove(c->out_watch);
    c->out_watch = 0;
    c->in_fd = c->out_fd = -1;
    c->in_closed = true;
    g_byte_array_set_size(c->out, 0);
    if (c->lock)
        lock_drop(c->lock);
    if (fd >= 0)
        close(fd);
    watch_listener(c);
    try_later(c);
}

void char_socket_broken(struct chardev *c)
{
    shutdown(c->out_fd, SHUT_RDWR);
}

static gboolean accept_ready(gint fd, GIOCondition cond, gpointer opaque)
{
    struct chardev *c = opaque;
    int client = socket_accept(fd);

    (void)cond;
    if (client < 0)
        return G_SOURCE_CONTINUE;
    c->socket->listen_watch = 0;
    begin_client(c, client);
    return G_SOURCE_REMOVE;
}

static void watch_listener(struct chardev *c)
{
    struct char_socket *s = c->socket;

    if (s->listen_fd >= 0 && !s->listen_watch)
        s->listen_watch = g_unix_fd_add(s->listen_fd, G_IO_IN, accept_ready, c);
}

static gboolean reconnect(gpointer opaque)
{
    struct chardev *c = opaque;
    int fd = socket_connect(c->name, &c->socket->place, NULL);

    if (fd < 0)
        return G_SOURCE_CONTINUE;
    c->socket->retry = 0;
    begin_client(c, fd);
    return G_SOURCE_REMOVE;
}

static void try_later(struct chardev *c)
{
    struct char_socket *s = c->socket;

    if (s->place.reconnect && !s->retry)
        s->retry = g_timeout_add_seconds(s->place.reconnect, reconnect, c);
}

/* The machine does not start without its client; a signal may end the wait, and us. */
static int await_client(const struct chardev *c, int listener)
{
    const struct socket_place *p = &c->socket->place;
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    int fd;

    if (p->type == PLACE_UNIX)
        log_user("waits for a client at %s", p->path);
    else
        log_user("waits for a client at %s port %u", p->host, socket_port(listener));
    while ((fd = socket_accept(listener)) < 0)
        poll(&wait, 1, -1);
    return fd;
}

bool char_socket_open(struct chardev *c, const struct socket_place *place, GError **err)
{
    struct char_socket *s = g_new0(struct char_socket, 1);
    int fd;

    c->socket = s;
    s->place = *place;
    s->listen_fd = -1;
    c->in_closed = true;
    if (place->server) {
        s->listen_fd = socket_listen(c->name, place, err);
        if (s->listen_fd < 0)
            return false;
        if (place->wait)
            begin_client(c, await_client(c, s->listen_fd));
        else
            watch_listener(c);
        return true;
    }
    fd = socket_connect(c->name, place, place->reconnect ? NULL : err);
    if (fd >= 0)
        begin_client(c, fd);
    else
        try_later(c);
    return fd >= 0 || place->reconnect;
}

void char_socket_close(struct chardev *c)
{
    struct char_socket *s = c->socket;

    if (s->listen_watch)
        g_source_remove(s->listen_watch);
    if (s->retry)
        g_source_remove(s->retry);
    if (s->listen_fd >= 0)
        socket_unlisten(s->listen_fd, &s->place);
    if (c->in_fd >= 0)
        close(c->in_fd);
    g_free(s);
    c->socket = NULL;
}

uint16_t char_socket_port(const struct chardev *c)
{
    return c->socket && c->socket->listen_fd >= 0 ? socket_port(c->socket->listen_fd) : 0;
}
