/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network cables; see net.h. */
#include "backends/net.h"

#include "base/error.h"

#include <string.h>

size_t net_iov_len(const struct iovec *iov, unsigned n)
{
    size_t len = 0;

    for (unsigned k = 0; k < n; k++)
        len += iov[k].iov_len;
    return len;
}

struct net_frame *net_frame_copy(const struct iovec *iov, unsigned n)
{
    struct net_frame *f = g_malloc(sizeof(*f) + net_iov_len(iov, n));

    f->len = 0;
    for (unsigned k = 0; k < n; k++) {
        if (iov[k].iov_len)
            memcpy(f->data + f->len, iov[k].iov_base, iov[k].iov_len);
        f->len += iov[k].iov_len;
    }
    return f;
}

void net_port_init(struct net_port *p, const char *name, const struct net_port_ops *ops,
                   void *opaque)
{
    *p = (struct net_port){.ops = ops, .opaque = opaque, .name = g_strdup(name)};
    g_queue_init(&p->queue);
}

static void tell_link(struct net_port *p, bool up)
{
    if (p->ops->link_changed)
        p->ops->link_changed(p->opaque, up);
}

static void drop_queue(struct net_port *p)
{
    g_queue_foreach(&p->queue, (GFunc)(void (*)(void))g_free, NULL);
    g_queue_clear(&p->queue);
}

void net_port_clear(struct net_port *p)
{
    struct net_port *peer = p->peer;

    if (!p->ops)
        return;
    drop_queue(p);
    p->peer = NULL;
    if (peer) {
        bool was_up = !p->unplugged && !peer->unplugged;

        drop_queue(peer);
        peer->peer = NULL;
        if (was_up)
            tell_link(peer, false);
    }
    if (p->taps)
        g_array_free(p->taps, TRUE);
    g_free(p->name);
    *p = (struct net_port){0};
}

void net_connect(struct net_port *a, struct net_port *b)
{
    invariant(a != b && !a->peer && !b->peer);
    a->peer = b;
    b->peer = a;
    if (net_link_up(a)) {
        tell_link(a, true);
        tell_link(b, true);
    }
}

bool net_link_up(const struct net_port *p)
{
    return p->peer && !p->unplugged && !p->peer->unplugged;
}

void net_set_link(struct net_port *p, bool up)
{
    bool was_up = net_link_up(p), is_up;

    p->unplugged = !up;
    is_up = net_link_up(p);
    if (was_up == is_up)
        return;
    if (!is_up) {
        drop_queue(p);
        drop_queue(p->peer);
    }
    tell_link(p, is_up);
    tell_link(p->peer, is_up);
    net_flush(p); /* whoever waited to send may go on: into nothing, if need be */
    net_flush(p->peer);
}

static void show_taps(const struct net_port *of, const struct net_port *from,
                      const struct iovec *iov, unsigned n)
{
    for (guint k = 0; of->taps && k < of->taps->len; k++) {
        const struct net_tap *t = &g_array_index(of->taps, struct net_tap, k);

        t->frame(t->opaque, from, iov, n);
    }
}

static bool takes(const struct net_port *p)
{
    return !p->ops->can_receive || p->ops->can_receive(p->opaque);
}

bool net_send(struct net_port *from, const struct iovec *iov, unsigned n)
{
    struct net_port *to = from->peer;
    size_t len = net_iov_len(iov, n);

    if (!net_link_up(from) || !len || len > NET_FRAME_MAX || n > NET_IOV_MAX) {
        from->stats.dropped++;
        return false;
    }
    show_taps(from, from, iov, n);
    show_taps(to, from, iov, n);
    if (g_queue_get_length(&to->queue) >= NET_QUEUE_MAX) {
        from->stats.dropped++;
        return false;
    }
    from->stats.frames++;
    from->stats.bytes += len;
    if (g_queue_is_empty(&to->queue) && takes(to))
        to->ops->receive(to->opaque, iov, n);
    else
        g_queue_push_tail(&to->queue, net_frame_copy(iov, n));
    return true;
}

static bool free_way(const struct net_port *from)
{
    return !net_link_up(from) || (g_queue_is_empty(&from->peer->queue) && takes(from->peer));
}

bool net_can_send(struct net_port *from)
{
    if (free_way(from))
        return true;
    from->wants_writable = true;
    return false;
}

bool net_takes_segments(const struct net_port *from)
{
    return from->peer && from->peer->ops->ends_tcp;
}

void net_flush(struct net_port *p)
{
    struct net_port *peer = p->peer;

    while (!g_queue_is_empty(&p->queue) && takes(p)) {
        struct net_frame *f = g_queue_pop_head(&p->queue);
        struct iovec iov = {f->data, f->len};

        p->ops->receive(p->opaque, &iov, 1);
        g_free(f);
    }
    if (peer && peer->wants_writable && free_way(peer)) {
        peer->wants_writable = false;
        if (peer->ops->writable)
            peer->ops->writable(peer->opaque);
    }
}

void net_add_tap(struct net_port *p, const struct net_tap *tap)
{
    if (!p->taps)
        p->taps = g_array_new(FALSE, FALSE, sizeof(struct net_tap));
    g_array_append_val(p->taps, *tap);
}
