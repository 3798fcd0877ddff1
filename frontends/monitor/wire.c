/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See wire.h. Sockets are non-blocking. Standard output is shared with others and stays as it is:
 * there poll() is asked before each small piece. */
#include "frontends/monitor/wire.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/char.h"
#include "backends/char_stdio.h"
#include "backends/socket.h"
#include "base/lock.h"
#include "base/log.h"

#define IN_MAX     4096u
#define CHUNK      512u /* what a pipe or terminal that is writable takes without waiting */
#define GOODBYE_MS 1000 /* for the last output to leave */
#define LINGER_S   5    /* for a client that sends no more to read its replies */

struct wire {
    const char *what;
    struct socket_place place;
    enum monitor_kind kind;
    struct wire_ops ops;
    int listen_fd, in_fd, out_fd; /* -1: none */
    bool socket, tty;
    struct chardev *shared; /* NULL: descriptors of its own */
    struct lock *lock;      /* of shared */
    struct char_tty *raw;
    uint8_t in[IN_MAX]; /* that nobody has taken */
    size_t in_len;
    GByteArray *out;
    guint listen_watch, in_watch, out_watch, linger, retry; /* GLib source ids; 0: none */
    bool ending; /* no more input; the end comes when all is written */
    bool busy;   /* within ops.input */
    bool broken; /* the client has gone, and nobody has been told */
};

static void watch_listener(struct wire *w);
static void try_later(struct wire *w);
static void watch_input(struct wire *w);

static void drop_source(guint *id)
{
    if (*id)
        g_source_remove(*id);
    *id = 0;
}

static void end_client(struct wire *w)
{
    if (w->in_fd < 0)
        return;
    drop_source(&w->in_watch);
    drop_source(&w->out_watch);
    drop_source(&w->linger);
    if (w->socket)
        close(w->in_fd);
    w->in_fd = w->out_fd = -1;
    w->in_len = 0;
    g_byte_array_set_size(w->out, 0);
    w->ending = w->broken = false;
    if (w->ops.closed)
        w->ops.closed(w->ops.opaque);
    watch_listener(w);
    try_later(w);
}

/* The client is of no use any more; told at once unless it is speaking. */
static void lose_client(struct wire *w)
{
    w->broken = true;
    if (!w->busy)
        end_client(w);
}

/* ---- output ---- */

static ssize_t write_some(struct wire *w, const uint8_t *buf, size_t len)
{
    struct pollfd p = {.fd = w->out_fd, .events = POLLOUT};

    if (w->socket)
        return send(w->out_fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (poll(&p, 1, 0) <= 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(w->out_fd, buf, MIN(len, CHUNK));
}

/* As far as it goes; false when the client has gone. */
static bool flush(struct wire *w)
{
    guint done = 0;
    bool ok = true;

    while (done < w->out->len) {
        ssize_t n = write_some(w, w->out->data + done, w->out->len - done);

        if (n > 0) {
            done += (guint)n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else {
            ok = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
            break;
        }
    }
    if (done)
        g_byte_array_remove_range(w->out, 0, done);
    return ok;
}

/* Offers what was read; true when all of it was taken. */
static bool offer(struct wire *w)
{
    size_t taken;

    while (w->in_len && !w->broken && !wire_full(w)) {
        w->busy = true;
        taken = w->ops.input(w->ops.opaque, w->in, w->in_len);
        w->busy = false;
        if (w->broken) {
            end_client(w);
            return false;
        }
        memmove(w->in, w->in + taken, w->in_len - taken);
        w->in_len -= taken;
        if (!taken)
            break;
    }
    return !w->in_len;
}

void wire_offer(struct wire *w)
{
    if (offer(w))
        watch_input(w);
}

static gboolean out_ready(gint fd, GIOCondition cond, gpointer opaque)
{
    struct wire *w = opaque;

    (void)fd;
    (void)cond;
    if (!flush(w)) {
        w->out_watch = 0;
        end_client(w);
        return G_SOURCE_REMOVE;
    }
    if (!wire_full(w) && w->in_len) {
        guint source = w->out_watch;

        offer(w);
        if (w->out_watch != source) /* the client has gone */
            return G_SOURCE_REMOVE;
    }
    if (w->out->len)
        return G_SOURCE_CONTINUE;
    w->out_watch = 0;
    if (w->ending && !w->in_len)
        end_client(w);
    else if (!w->ending)
        watch_input(w);
    return G_SOURCE_REMOVE;
}

void wire_write(struct wire *w, const char *text, size_t len)
{
    if (w->shared) {
        lock_take(w->lock);
        char_write(w->shared, (const uint8_t *)text, len);
        lock_drop(w->lock);
        return;
    }
    if (w->out_fd < 0 || w->broken)
        return;
    if (w->out->len + len > WIRE_MAX) {
        log_user("%s: the client does not read; it is dropped", w->what);
        lose_client(w);
        return;
    }
    g_byte_array_append(w->out, (const guint8 *)text, (guint)len);
    if (!w->out_watch && !flush(w)) {
        lose_client(w);
        return;
    }
    if (w->out->len && !w->out_watch)
        w->out_watch = g_unix_fd_add(w->out_fd, G_IO_OUT | G_IO_HUP | G_IO_ERR, out_ready, w);
}

/* ---- input ---- */

static gboolean lingered(gpointer opaque)
{
    struct wire *w = opaque;

    w->linger = 0;
    end_client(w);
    return G_SOURCE_REMOVE;
}

void wire_hang_up(struct wire *w)
{
    if (w->in_fd < 0)
        return;
    w->ending = true;
    drop_source(&w->in_watch);
    if (!w->out->len && !w->busy)
        end_client(w);
    else if (!w->linger)
        w->linger = g_timeout_add_seconds(LINGER_S, lingered, w);
}

static gboolean in_ready(gint fd, GIOCondition cond, gpointer opaque)
{
    struct wire *w = opaque;
    guint source = w->in_watch;
    ssize_t n;

    (void)cond;
    if (wire_full(w) || w->in_len == IN_MAX) { /* until it has read what there is */
        w->in_watch = 0;
        return G_SOURCE_REMOVE;
    }
    n = read(fd, w->in + w->in_len, IN_MAX - w->in_len);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return G_SOURCE_CONTINUE;
    if (n > 0) {
        w->in_len += (size_t)n;
        offer(w);
        return w->in_watch == source ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
    }
    w->in_watch = 0;
    if (n < 0)
        end_client(w);
    else
        wire_hang_up(w);
    return G_SOURCE_REMOVE;
}

static void watch_input(struct wire *w)
{
    if (w->in_fd >= 0 && !w->in_watch && !w->ending)
        w->in_watch = g_unix_fd_add(w->in_fd, G_IO_IN | G_IO_HUP | G_IO_ERR, in_ready, w);
}

/* ---- clients ---- */

static void begin_client(struct wire *w, int in_fd, int out_fd, bool socket)
{
    w->in_fd = in_fd;
    w->out_fd = out_fd;
    w->socket = socket;
    watch_input(w);
    if (w->ops.opened)
        w->ops.opened(w->ops.opaque);
}

static gboolean accept_ready(gint fd, GIOCondition cond, gpointer opaque)
{
    struct wire *w = opaque;
    int client = socket_accept(fd);

    (void)cond;
    if (client < 0)
        return G_SOURCE_CONTINUE;
    w->listen_watch = 0;
    begin_client(w, client, client, true);
    return G_SOURCE_REMOVE;
}

static void watch_listener(struct wire *w)
{
    if (w->listen_fd >= 0 && !w->listen_watch)
        w->listen_watch = g_unix_fd_add(w->listen_fd, G_IO_IN, accept_ready, w);
}

/* The server that we were connected to has gone, or was not there: it may come back. */
static gboolean reconnect(gpointer opaque)
{
    struct wire *w = opaque;
    int fd = socket_connect(w->what, &w->place, NULL);

    if (fd < 0)
        return G_SOURCE_CONTINUE;
    w->retry = 0;
    begin_client(w, fd, fd, true);
    return G_SOURCE_REMOVE;
}

static void try_later(struct wire *w)
{
    if (w->place.reconnect && !w->retry)
        w->retry = g_timeout_add_seconds(w->place.reconnect, reconnect, w);
}

static gboolean begin_idle(gpointer opaque)
{
    struct wire *w = opaque;

    w->listen_watch = 0;
    begin_client(w, w->in_fd, w->out_fd, w->socket);
    return G_SOURCE_REMOVE;
}

/* ---- life ---- */

static struct wire *wire_alloc(const char *what, const struct wire_ops *ops)
{
    struct wire *w = g_new0(struct wire, 1);

    w->what = what;
    w->ops = *ops;
    w->listen_fd = w->in_fd = w->out_fd = -1;
    w->out = g_byte_array_new();
    return w;
}

static bool open_place(struct wire *w, GError **err)
{
    switch (w->place.type) {
    case PLACE_NONE: return true;
    case PLACE_STDIO:
        if (!char_stdio_claim(w->what, err))
            return false;
        w->in_fd = STDIN_FILENO;
        w->out_fd = STDOUT_FILENO;
        if (w->kind == MONITOR_HUMAN) {
            w->raw = char_tty_raw(STDIN_FILENO, true);
            w->tty = w->raw != NULL;
        }
        break;
    default:
        if (w->place.server) {
            w->listen_fd = socket_listen(w->what, &w->place, err);
            watch_listener(w);
            return w->listen_fd >= 0;
        }
        w->in_fd = w->out_fd = socket_connect(w->what, &w->place, w->place.reconnect ? NULL : err);
        w->socket = true;
        if (w->in_fd < 0 && w->place.reconnect) {
            try_later(w);
            return true;
        }
    }
    if (w->in_fd >= 0)
        w->listen_watch = g_idle_add(begin_idle, w);
    return w->in_fd >= 0;
}

struct wire *wire_new(const char *what, const struct monitor_address *address,
                      const struct wire_ops *ops, GError **err)
{
    struct wire *w = wire_alloc(what, ops);

    w->place = address->place;
    w->kind = address->kind;
    if (open_place(w, err))
        return w;
    wire_free(w);
    return NULL;
}

struct wire *wire_new_fd(int fd, const struct wire_ops *ops)
{
    struct wire *w = wire_alloc("monitor", ops);

    begin_client(w, fd, fd, true);
    return w;
}

struct wire *wire_new_shared(struct chardev *c, struct lock *lock, const struct wire_ops *ops)
{
    struct wire *w = wire_alloc("monitor", ops);

    w->shared = c;
    w->lock = lock;
    w->tty = true;
    return w;
}

void wire_type(struct wire *w, const uint8_t *buf, size_t len)
{
    w->ops.input(w->ops.opaque, buf, len); /* which takes all, as nothing is ever full here */
}

static void say_goodbye(struct wire *w)
{
    int64_t end = g_get_monotonic_time() + GOODBYE_MS * 1000;

    while (w->out_fd >= 0 && w->out->len && flush(w) && w->out->len) {
        struct pollfd p = {.fd = w->out_fd, .events = POLLOUT};
        int64_t left = end - g_get_monotonic_time();

        if (left <= 0 || poll(&p, 1, (int)(left / 1000) + 1) <= 0)
            return;
    }
}

void wire_free(struct wire *w)
{
    if (!w)
        return;
    say_goodbye(w);
    w->ops.closed = NULL;
    w->place.reconnect = 0;
    drop_source(&w->retry);
    drop_source(&w->listen_watch);
    if (w->listen_fd >= 0) {
        socket_unlisten(w->listen_fd, &w->place);
        w->listen_fd = -1;
    }
    end_client(w);
    if (w->raw)
        char_tty_restore(w->raw);
    if (w->place.type == PLACE_STDIO)
        char_stdio_release(w->what);
    g_byte_array_free(w->out, TRUE);
    g_free(w);
}

bool wire_full(const struct wire *w)
{
    return w->out->len > WIRE_FULL;
}

bool wire_open(const struct wire *w)
{
    return w->shared || (w->in_fd >= 0 && !w->broken);
}

bool wire_is_tty(const struct wire *w)
{
    return w->tty;
}

size_t wire_queued(const struct wire *w)
{
    return w->out->len;
}

uint16_t wire_port(const struct wire *w)
{
    return w->listen_fd >= 0 ? socket_port(w->listen_fd) : 0;
}
