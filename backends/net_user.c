/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libslirp in the main loop; see net_user.h. libslirp.h says what it wants of its user. */
#include "backends/net_user.h"

#include <slirp/libslirp.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>

#define PENDING_MAX    512u          /* frames of the guest that wait for libslirp */
#define PENDING_BYTES  (4u << 20)    /* and their bytes */
#define HELD_MAX       NET_QUEUE_MAX /* frames for a guest that is paused */
#define CONFIG_VERSION 4

/* libslirp's one kind of timer. */
struct user_timer {
    struct net_user *user;
    SlirpTimerId id;
    void *cb_opaque;
    int64_t expires; /* ms of the machine's clock; -1: not set */
};

struct user_source {
    GSource source;
    struct net_user *user;
};

struct net_user {
    struct net_port port;
    struct lock *lock;
    struct vclock *clock;

    /* ---- the device lock's ---- */
    GPtrArray *pending; /* struct net_frame of the guest */
    size_t pending_bytes;

    /* ---- the main thread's ---- */
    Slirp *slirp;
    GSource *source;
    GPtrArray *polls; /* GPollFD that the source waits for */
    guint used_polls;
    int64_t look_at; /* host time (us) of the next look without an event; -1: none */
    GPtrArray *timers;
    bool held;      /* nothing goes to the guest */
    GPtrArray *out; /* struct net_frame for the guest */
};

/* ---- the guest's frames ---- */

static bool user_can_receive(void *opaque)
{
    const struct net_user *u = opaque;

    return u->pending->len < PENDING_MAX && u->pending_bytes < PENDING_BYTES;
}

static void wake(struct net_user *u)
{
    g_source_set_ready_time(u->source, 0);
}

static void user_receive(void *opaque, const struct iovec *iov, unsigned n)
{
    struct net_user *u = opaque;
    struct net_frame *f = net_frame_copy(iov, n);

    g_ptr_array_add(u->pending, f);
    u->pending_bytes += f->len;
    if (u->pending->len == 1)
        wake(u);
}

static const struct net_port_ops port_ops = {
    .can_receive = user_can_receive, .receive = user_receive, .ends_tcp = true};

/* ---- what libslirp calls ---- */

static ssize_t on_send(const void *buf, size_t len, void *opaque)
{
    struct net_user *u = opaque;
    struct iovec iov = {(void *)buf, len};

    if (u->out->len < HELD_MAX) /* TCP will send again */
        g_ptr_array_add(u->out, net_frame_copy(&iov, 1));
    return (ssize_t)len;
}

static void on_guest_error(const char *msg, void *opaque)
{
    (void)opaque;
    log_guest("net: %s", msg);
}

static int64_t on_clock(void *opaque)
{
    return clock_now(((struct net_user *)opaque)->clock);
}

static void *on_timer_new(SlirpTimerId id, void *cb_opaque, void *opaque)
{
    struct net_user *u = opaque;
    struct user_timer *t = g_new(struct user_timer, 1);

    *t = (struct user_timer){u, id, cb_opaque, -1};
    g_ptr_array_add(u->timers, t);
    return t;
}

static void on_timer_free(void *timer, void *opaque)
{
    g_ptr_array_remove_fast(((struct net_user *)opaque)->timers, timer);
}

static void on_timer_mod(void *timer, int64_t expires, void *opaque)
{
    (void)opaque;
    ((struct user_timer *)timer)->expires = expires;
}

static void on_fd(int fd, void *opaque)
{
    (void)fd;
    (void)opaque; /* all are asked for anew before each wait */
}

static void on_notify(void *opaque)
{
    wake(opaque);
}

static const SlirpCb callbacks = {
    .send_packet = on_send,
    .guest_error = on_guest_error,
    .clock_get_ns = on_clock,
    .timer_new_opaque = on_timer_new,
    .timer_free = on_timer_free,
    .timer_mod = on_timer_mod,
    .register_poll_fd = on_fd,
    .unregister_poll_fd = on_fd,
    .notify = on_notify,
};

/* ---- the main loop ---- */

static const struct {
    int slirp;
    gushort glib;
} poll_bits[] = {
    {SLIRP_POLL_IN, G_IO_IN},   {SLIRP_POLL_OUT, G_IO_OUT}, {SLIRP_POLL_PRI, G_IO_PRI},
    {SLIRP_POLL_ERR, G_IO_ERR}, {SLIRP_POLL_HUP, G_IO_HUP},
};

/* Most waits are for the same descriptors as the one before: these stay where they are. */
static int on_add_poll(int fd, int events, void *opaque)
{
    struct net_user *u = opaque;
    GPollFD *p;

    if (u->used_polls == u->polls->len) {
        p = g_new0(GPollFD, 1);
        p->fd = -1;
        g_ptr_array_add(u->polls, p);
    }
    p = g_ptr_array_index(u->polls, u->used_polls);
    if (p->fd != fd) {
        if (p->fd >= 0)
            g_source_remove_poll(u->source, p);
        p->fd = fd;
        g_source_add_poll(u->source, p);
    }
    p->events = p->revents = 0;
    for (unsigned k = 0; k < G_N_ELEMENTS(poll_bits); k++) {
        if (events & poll_bits[k].slirp)
            p->events |= poll_bits[k].glib;
    }
    return (int)u->used_polls++;
}

static int on_revents(int idx, void *opaque)
{
    struct net_user *u = opaque;
    const GPollFD *p;
    int events = 0;

    if (idx < 0 || (guint)idx >= u->used_polls)
        return 0;
    p = g_ptr_array_index(u->polls, (guint)idx);
    for (unsigned k = 0; k < G_N_ELEMENTS(poll_bits); k++) {
        if (p->revents & poll_bits[k].glib)
            events |= poll_bits[k].slirp;
    }
    return events;
}

static void forget_polls(struct net_user *u, guint from)
{
    for (guint k = from; k < u->polls->len; k++) {
        GPollFD *p = g_ptr_array_index(u->polls, k);

        if (p->fd >= 0)
            g_source_remove_poll(u->source, p);
        p->fd = -1;
    }
}

/* Milliseconds to the next timer, within `timeout`. Time that stands still brings none nearer. */
static uint32_t to_next_timer(struct net_user *u, uint32_t timeout)
{
    int64_t now = clock_now(u->clock) / 1000000;

    for (guint k = 0; k < u->timers->len && !clock_stopped(u->clock); k++) {
        const struct user_timer *t = g_ptr_array_index(u->timers, k);

        if (t->expires >= 0)
            timeout = (uint32_t)MIN((int64_t)timeout, MAX(t->expires - now, 0));
    }
    return timeout;
}

static gboolean user_prepare(GSource *source, gint *timeout)
{
    struct net_user *u = ((struct user_source *)source)->user;
    uint32_t ms = UINT32_MAX;

    u->used_polls = 0;
    slirp_pollfds_fill(u->slirp, &ms, on_add_poll, u);
    forget_polls(u, u->used_polls);
    ms = to_next_timer(u, ms);
    u->look_at = ms > INT32_MAX ? -1 : g_get_monotonic_time() + (int64_t)ms * 1000;
    *timeout = ms > INT32_MAX ? -1 : (gint)ms;
    return ms == 0;
}

static gboolean user_check(GSource *source)
{
    struct net_user *u = ((struct user_source *)source)->user;

    for (guint k = 0; k < u->used_polls; k++) {
        if (((GPollFD *)g_ptr_array_index(u->polls, k))->revents)
            return TRUE;
    }
    return u->look_at >= 0 && g_get_monotonic_time() >= u->look_at;
}

static void run_timers(struct net_user *u)
{
    int64_t now = clock_now(u->clock) / 1000000;

    for (guint k = 0; k < u->timers->len; k++) {
        struct user_timer *t = g_ptr_array_index(u->timers, k);

        if (t->expires >= 0 && t->expires <= now) {
            t->expires = -1;
            slirp_handle_timer(u->slirp, t->id, t->cb_opaque);
        }
    }
}

/* The guest's frames to libslirp. Its answers are in u->out afterwards. */
static void take_in(struct net_user *u)
{
    GPtrArray *frames;

    lock_take(u->lock);
    frames = u->pending;
    u->pending = g_ptr_array_new_with_free_func(g_free);
    u->pending_bytes = 0;
    net_flush(&u->port); /* whoever waited to send goes on */
    lock_drop(u->lock);
    for (guint k = 0; k < frames->len; k++) {
        const struct net_frame *f = g_ptr_array_index(frames, k);

        slirp_input(u->slirp, f->data, (int)f->len);
    }
    g_ptr_array_unref(frames);
}

/* Frames for the guest, unless it is paused. */
static void give_out(struct net_user *u)
{
    if (!u->out->len || u->held)
        return;
    lock_take(u->lock);
    if (!clock_stopped(u->clock)) {
        for (guint k = 0; k < u->out->len; k++) {
            struct net_frame *f = g_ptr_array_index(u->out, k);
            struct iovec iov = {f->data, f->len};

            net_send(&u->port, &iov, 1);
        }
        g_ptr_array_set_size(u->out, 0);
    }
    lock_drop(u->lock);
}

static gboolean user_dispatch(GSource *source, GSourceFunc fn, gpointer data)
{
    struct net_user *u = ((struct user_source *)source)->user;

    (void)fn;
    (void)data;
    g_source_set_ready_time(source, -1);
    slirp_pollfds_poll(u->slirp, 0, on_revents, u);
    run_timers(u);
    take_in(u);
    give_out(u);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
    .prepare = user_prepare, .check = user_check, .dispatch = user_dispatch};

/* ---- life ---- */

static void add_source(struct net_user *u)
{
    u->source = g_source_new(&source_funcs, sizeof(struct user_source));
    ((struct user_source *)u->source)->user = u;
    g_source_set_name(u->source, "net-user");
    g_source_attach(u->source, NULL);
}

static Slirp *new_slirp(struct net_user *u, const struct net_user_options *o)
{
    SlirpConfig c = {.version = CONFIG_VERSION,
                     .restricted = o->restricted,
                     .in_enabled = o->ipv4,
                     .vnetwork = o->net,
                     .vnetmask = o->mask,
                     .vhost = o->host,
                     .in6_enabled = o->ipv6,
                     .vprefix_addr6 = o->prefix6,
                     .vprefix_len = (uint8_t)o->prefix6_len,
                     .vhost6 = o->host6,
                     .vhostname = o->hostname,
                     .tftp_server_name = o->tftp_server_name,
                     .tftp_path = o->tftp,
                     .bootfile = o->bootfile,
                     .vdhcp_start = o->dhcpstart,
                     .vnameserver = o->dns,
                     .vnameserver6 = o->dns6,
                     .vdomainname = o->domainname};
    GPtrArray *search = g_ptr_array_new();
    Slirp *slirp;

    for (guint k = 0; k < o->dnssearch->len; k++)
        g_ptr_array_add(search, g_ptr_array_index(o->dnssearch, k));
    g_ptr_array_add(search, NULL);
    if (o->dnssearch->len)
        c.vdnssearch = (const char **)search->pdata;
    slirp = slirp_new(&c, &callbacks, u);
    g_ptr_array_unref(search); /* libslirp has made its own of all strings */
    return slirp;
}

static bool add_guestfwd(struct net_user *u, const struct net_guestfwd *f, GError **err)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr at = f->server;
    int rc = f->command ? slirp_add_exec(u->slirp, f->command, &at, f->port)
                        : slirp_add_unix(u->slirp, f->unix_path, &at, f->port);

    if (!rc)
        return true;
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION,
                "guestfwd: %s:%u is not an address of the network that is free",
                inet_ntop(AF_INET, &f->server, text, sizeof(text)), f->port);
    return false;
}

static bool add_forwards(struct net_user *u, const struct net_user_options *o, GError **err)
{
    for (guint k = 0; k < o->hostfwd->len; k++) {
        if (!net_user_add_hostfwd(u, &g_array_index(o->hostfwd, struct net_hostfwd, k), err))
            return false;
    }
    for (guint k = 0; k < o->guestfwd->len; k++) {
        if (!add_guestfwd(u, &g_array_index(o->guestfwd, struct net_guestfwd, k), err))
            return false;
    }
    return true;
}

struct net_user *net_user_new(const struct net_user_config *cfg, GError **err)
{
    struct net_user *u = g_new0(struct net_user, 1);

    net_port_init(&u->port, cfg->name, &port_ops, u);
    u->lock = cfg->lock;
    u->clock = cfg->clock;
    u->pending = g_ptr_array_new_with_free_func(g_free);
    u->out = g_ptr_array_new_with_free_func(g_free);
    u->polls = g_ptr_array_new_with_free_func(g_free);
    u->timers = g_ptr_array_new_with_free_func(g_free);
    add_source(u);
    u->slirp = new_slirp(u, cfg->options);
    if (!u->slirp) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST,
                    "network %s: libslirp does not take these addresses", cfg->name);
    } else if (add_forwards(u, cfg->options, err)) {
        return u;
    }
    net_user_free(u);
    return NULL;
}

void net_user_free(struct net_user *u)
{
    if (!u)
        return;
    net_port_clear(&u->port);
    forget_polls(u, 0);
    if (u->slirp)
        slirp_cleanup(u->slirp);
    g_source_destroy(u->source);
    g_source_unref(u->source);
    g_ptr_array_unref(u->pending);
    g_ptr_array_unref(u->out);
    g_ptr_array_unref(u->polls);
    g_ptr_array_unref(u->timers);
    g_free(u);
}

struct net_port *net_user_port(struct net_user *u)
{
    return &u->port;
}

void net_user_hold(struct net_user *u, bool held)
{
    u->held = held;
    wake(u);
}

static void fail_hostfwd(const struct net_hostfwd *f, const char *what, GError **err)
{
    char text[INET_ADDRSTRLEN];

    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST, "hostfwd: %s %s:%u: %s",
                f->udp ? "UDP" : "TCP", inet_ntop(AF_INET, &f->host, text, sizeof(text)),
                f->host_port, what);
}

bool net_user_add_hostfwd(struct net_user *u, const struct net_hostfwd *f, GError **err)
{
    errno = 0;
    if (slirp_add_hostfwd(u->slirp, f->udp, f->host, f->host_port, f->guest, f->guest_port) < 0) {
        fail_hostfwd(f, errno ? g_strerror(errno) : "cannot be had", err);
        return false;
    }
    wake(u);
    return true;
}

bool net_user_remove_hostfwd(struct net_user *u, const struct net_hostfwd *f, GError **err)
{
    if (slirp_remove_hostfwd(u->slirp, f->udp, f->host, f->host_port) < 0) {
        fail_hostfwd(f, "is not forwarded", err);
        return false;
    }
    wake(u);
    return true;
}

char *net_user_connections(struct net_user *u)
{
    return slirp_connection_info(u->slirp);
}
