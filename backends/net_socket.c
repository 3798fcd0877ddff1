/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A socket as the other end of a cable; see net_socket.h. */
#include "backends/net_socket.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/socket.h"
#include "base/lock.h"
#include "base/log.h"

#define HEADER   4u
#define OUT_MAX  512u         /* frames of the guest that wait */
#define OUT_SIZE (1u << 20)   /* and their bytes */
#define IN_SIZE  (256u << 10) /* more than a frame */
#define BATCH    64u          /* datagrams that are read before others get their turn */

struct net_socket {
    struct net_port port;
    struct lock *lock;

    /* ---- the device lock's ---- */
    GQueue out; /* struct net_frame of the guest */
    size_t out_bytes;
    guint kick; /* GLib source id: the main thread has something to do; 0: it knows nothing of it */

    /* ---- the main thread's ---- */
    struct net_socket_options o;
    int listen_fd, fd;                              /* -1: none */
    guint listen_watch, in_watch, out_watch, retry; /* GLib source ids; 0: none */
    bool held;
    GQueue sending; /* taken from `out` */
    size_t sent;    /* of the first of them, with its header */
    uint8_t *in;
    size_t in_len;
};

static void watch_input(struct net_socket *s);
static void watch_listener(struct net_socket *s);
static void try_later(struct net_socket *s);
static void send_all(struct net_socket *s);

static void drop_source(guint *id)
{
    if (*id)
        g_source_remove(*id);
    *id = 0;
}

static void clear_queue(GQueue *q)
{
    g_queue_foreach(q, (GFunc)(void (*)(void))g_free, NULL);
    g_queue_clear(q);
}

/* ---- the guest's frames ---- */

static gboolean kicked(gpointer opaque)
{
    struct net_socket *s = opaque;

    lock_take(s->lock);
    s->kick = 0;
    lock_drop(s->lock);
    send_all(s);
    watch_input(s);
    return G_SOURCE_REMOVE;
}

/* Device lock held, any thread. */
static void wake(struct net_socket *s)
{
    if (!s->kick)
        s->kick = g_idle_add_full(G_PRIORITY_DEFAULT, kicked, s, NULL);
}

static bool can_receive(void *opaque)
{
    const struct net_socket *s = opaque;

    return g_queue_get_length((GQueue *)(uintptr_t)&s->out) < OUT_MAX && s->out_bytes < OUT_SIZE;
}

static void receive(void *opaque, const struct iovec *iov, unsigned n)
{
    struct net_socket *s = opaque;
    struct net_frame *f = net_frame_copy(iov, n);

    g_queue_push_tail(&s->out, f);
    s->out_bytes += f->len;
    wake(s);
}

/* The guest takes frames again. */
static void writable(void *opaque)
{
    wake(opaque);
}

static const struct net_port_ops port_ops = {
    .can_receive = can_receive, .receive = receive, .writable = writable};

/* ---- connections ---- */

static void set_link(struct net_socket *s, bool up)
{
    lock_take(s->lock);
    net_set_link(&s->port, up);
    if (!up) {
        clear_queue(&s->out);
        s->out_bytes = 0;
    }
    lock_drop(s->lock);
}

static void begin(struct net_socket *s, int fd)
{
    s->fd = fd;
    s->in_len = s->sent = 0;
    set_link(s, true);
    watch_input(s);
}

static void end(struct net_socket *s)
{
    drop_source(&s->in_watch);
    drop_source(&s->out_watch);
    close(s->fd);
    s->fd = -1;
    clear_queue(&s->sending);
    s->sent = 0;
    set_link(s, false);
    watch_listener(s);
    try_later(s);
}

static gboolean accept_ready(gint fd, GIOCondition cond, gpointer opaque)
{
    struct net_socket *s = opaque;
    int client = socket_accept(fd);

    (void)cond;
    if (client < 0)
        return G_SOURCE_CONTINUE;
    s->listen_watch = 0;
    begin(s, client);
    return G_SOURCE_REMOVE;
}

static void watch_listener(struct net_socket *s)
{
    if (s->listen_fd >= 0 && !s->listen_watch)
        s->listen_watch = g_unix_fd_add(s->listen_fd, G_IO_IN, accept_ready, s);
}

static gboolean reconnect(gpointer opaque)
{
    struct net_socket *s = opaque;
    int fd = socket_connect(s->port.name, &s->o.local, NULL);

    if (fd < 0)
        return G_SOURCE_CONTINUE;
    s->retry = 0;
    begin(s, fd);
    return G_SOURCE_REMOVE;
}

static void try_later(struct net_socket *s)
{
    if (s->o.local.reconnect && !s->retry)
        s->retry = g_timeout_add_seconds(s->o.local.reconnect, reconnect, s);
}

/* ---- out ---- */

static void put_length(uint8_t header[HEADER], size_t len)
{
    uint32_t be = GUINT32_TO_BE((uint32_t)len);

    memcpy(header, &be, HEADER);
}

static size_t get_length(const uint8_t *header)
{
    uint32_t be;

    memcpy(&be, header, HEADER);
    return GUINT32_FROM_BE(be);
}

/* The rest of a frame on a stream: 1 all of it has gone, 0 it waits, -1 so has the connection. */
static int send_stream(struct net_socket *s, const struct net_frame *f)
{
    uint8_t header[HEADER];
    struct iovec iov[2] = {{header, HEADER}, {(void *)(uintptr_t)f->data, f->len}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    size_t skip = MIN(s->sent, HEADER);
    ssize_t n;

    put_length(header, f->len);
    iov[0].iov_base = header + skip;
    iov[0].iov_len = HEADER - skip;
    iov[1].iov_base = (uint8_t *)iov[1].iov_base + (s->sent - skip);
    iov[1].iov_len -= s->sent - skip;
    n = sendmsg(s->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
    s->sent += (size_t)n;
    return s->sent == HEADER + f->len;
}

/* A datagram: one that the other side does not get is lost, as on any cable. */
static int send_dgram(const struct net_socket *s, const struct net_frame *f)
{
    ssize_t n = socket_send_dgram(s->fd, &s->o.remote, f->data, f->len);

    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static gboolean out_ready(gint fd, GIOCondition cond, gpointer opaque)
{
    struct net_socket *s = opaque;

    (void)fd;
    (void)cond;
    s->out_watch = 0;
    send_all(s);
    return G_SOURCE_REMOVE;
}

/* What has been taken from the guest; false when it waits, or the connection has gone. */
static bool send_taken(struct net_socket *s)
{
    struct net_frame *f;

    while ((f = g_queue_peek_head(&s->sending))) {
        int rc = s->o.dgram ? send_dgram(s, f) : send_stream(s, f);

        if (rc < 0) {
            end(s);
            return false;
        }
        if (!rc) {
            s->out_watch = g_unix_fd_add(s->fd, G_IO_OUT | G_IO_HUP | G_IO_ERR, out_ready, s);
            return false;
        }
        g_free(g_queue_pop_head(&s->sending));
        s->sent = 0;
    }
    return true;
}

static void send_all(struct net_socket *s)
{
    if (s->fd < 0 || s->out_watch)
        return;
    while (send_taken(s)) {
        bool none;

        lock_take(s->lock);
        s->sending = s->out; /* which is empty */
        g_queue_init(&s->out);
        s->out_bytes = 0;
        net_flush(&s->port); /* whoever waited to send goes on */
        none = g_queue_is_empty(&s->sending);
        lock_drop(s->lock);
        if (none)
            return;
    }
}

/* ---- in ---- */

enum gave { GAVE, GUEST_IS_FULL, NO_FRAME };

static enum gave give(struct net_socket *s, uint8_t *frame, size_t len)
{
    struct iovec iov = {frame, len};
    enum gave rc = GUEST_IS_FULL;

    if (!len || len > NET_FRAME_MAX)
        return NO_FRAME;
    lock_take(s->lock);
    if (net_can_send(&s->port)) {
        net_send(&s->port, &iov, 1);
        rc = GAVE;
    }
    lock_drop(s->lock);
    return rc;
}

/* The frames that have come whole. */
static enum gave parse(struct net_socket *s)
{
    enum gave rc = GAVE;
    size_t at = 0;

    while (rc == GAVE && s->in_len - at >= HEADER) {
        size_t len = get_length(s->in + at);

        if (len && len <= NET_FRAME_MAX && s->in_len - at - HEADER < len)
            break;
        rc = give(s, s->in + at + HEADER, len);
        if (rc == GAVE)
            at += HEADER + len;
    }
    memmove(s->in, s->in + at, s->in_len - at);
    s->in_len -= at;
    return rc;
}

/* False: the guest is full, or the connection has gone. */
static bool go_on(struct net_socket *s)
{
    enum gave rc = parse(s);

    if (rc == NO_FRAME) {
        log_user("%s: what came is no frame; the connection is closed", s->port.name);
        end(s);
    }
    return rc == GAVE;
}

/* False: no more for now. */
static bool read_stream(struct net_socket *s)
{
    ssize_t n = read(s->fd, s->in + s->in_len, IN_SIZE - s->in_len);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0) {
        end(s);
        return false;
    }
    s->in_len += (size_t)n;
    return go_on(s);
}

static bool read_dgrams(struct net_socket *s)
{
    for (unsigned k = 0; k < BATCH; k++) {
        ssize_t n;

        if (!s->in_len) {
            n = recv(s->fd, s->in, IN_SIZE, MSG_DONTWAIT | MSG_TRUNC);
            if (n <= 0 || (size_t)n > NET_FRAME_MAX)
                return true; /* none, an error of an earlier one that was sent, or no frame */
            s->in_len = (size_t)n;
        }
        if (give(s, s->in, s->in_len) == GUEST_IS_FULL)
            return false;
        s->in_len = 0;
    }
    return true;
}

static gboolean in_ready(gint fd, GIOCondition cond, gpointer opaque)
{
    struct net_socket *s = opaque;
    guint source = s->in_watch;

    (void)fd;
    (void)cond;
    if (s->o.dgram ? read_dgrams(s) : read_stream(s))
        return G_SOURCE_CONTINUE;
    if (s->in_watch == source)
        s->in_watch = 0; /* until the guest is `writable` */
    return G_SOURCE_REMOVE;
}

/* Also what came before, and the guest had no room for. */
static void watch_input(struct net_socket *s)
{
    if (s->fd < 0 || s->in_watch || s->held)
        return;
    if (s->in_len && s->o.dgram) {
        if (give(s, s->in, s->in_len) == GUEST_IS_FULL)
            return;
        s->in_len = 0;
    } else if (s->in_len && !go_on(s)) {
        return;
    }
    s->in_watch = g_unix_fd_add(s->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, in_ready, s);
}

/* ---- life ---- */

static bool open_place(struct net_socket *s, GError **err)
{
    const struct socket_place *p = &s->o.local;
    int fd;

    if (s->o.dgram) {
        fd = socket_open_dgram(s->port.name, p, &s->o.remote, err);
        if (fd >= 0)
            begin(s, fd);
        return fd >= 0;
    }
    set_link(s, false);
    if (p->server) {
        s->listen_fd = socket_listen(s->port.name, p, err);
        watch_listener(s);
        return s->listen_fd >= 0;
    }
    fd = socket_connect(s->port.name, p, p->reconnect ? NULL : err);
    if (fd >= 0)
        begin(s, fd);
    else
        try_later(s);
    return fd >= 0 || p->reconnect;
}

struct net_socket *net_socket_new(const struct net_socket_config *cfg, GError **err)
{
    struct net_socket *s = g_new0(struct net_socket, 1);

    net_port_init(&s->port, cfg->name, &port_ops, s);
    s->lock = cfg->lock;
    s->o = *cfg->options;
    s->listen_fd = s->fd = -1;
    s->in = g_malloc(IN_SIZE);
    g_queue_init(&s->out);
    g_queue_init(&s->sending);
    if (open_place(s, err))
        return s;
    net_socket_free(s);
    return NULL;
}

void net_socket_free(struct net_socket *s)
{
    if (!s)
        return;
    drop_source(&s->listen_watch);
    drop_source(&s->retry);
    drop_source(&s->in_watch);
    drop_source(&s->out_watch);
    drop_source(&s->kick);
    if (s->listen_fd >= 0)
        socket_unlisten(s->listen_fd, &s->o.local);
    if (s->fd >= 0)
        close(s->fd);
    if (s->o.dgram && s->fd >= 0 && s->o.local.type == PLACE_UNIX)
        unlink(s->o.local.path);
    net_port_clear(&s->port);
    clear_queue(&s->out);
    clear_queue(&s->sending);
    g_free(s->in);
    g_free(s);
}

struct net_port *net_socket_port(struct net_socket *s)
{
    return &s->port;
}

void net_socket_hold(struct net_socket *s, bool held)
{
    s->held = held;
    if (held)
        drop_source(&s->in_watch);
    else
        watch_input(s);
}

uint16_t net_socket_tcp_port(const struct net_socket *s)
{
    return s->listen_fd >= 0 ? socket_port(s->listen_fd) : 0;
}
