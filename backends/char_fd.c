/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character backends over file descriptors. The main thread reads; whoever holds the device lock
 * writes. Descriptors stay as we got them (a terminal's are shared with our parent, so they are not
 * made non-blocking): poll comes before each small read and write instead.
 */
#include "backends/char_impl.h"

#include "base/log.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define IN_MAX     4096
#define OUT_MAX    (1024 * 1024)
#define PTY_MAX    (64 * 1024)
#define CHUNK      512   /* fits a pipe or terminal that poll calls writable */
#define STALL_MS   10000 /* how long a full queue may hold the guest up */
#define GOODBYE_MS 2000  /* how long char_free waits for a reader that takes nothing */
#define CTRL_A     1

static void lock(struct chardev *c)
{
    if (c->lock)
        lock_take(c->lock);
}

static void unlock(struct chardev *c)
{
    if (c->lock)
        lock_drop(c->lock);
}

static gboolean in_ready(gint fd, GIOCondition cond, gpointer opaque);

/* Gives the device what it has room for. Device lock held. */
static void deliver(struct chardev *c)
{
    uint8_t buf[64];

    while (c->in->len && c->rx.receive) {
        size_t n = MIN(c->rx.can_receive(c->rx.opaque), sizeof(buf));

        n = MIN(n, c->in->len);
        if (!n)
            return;
        memcpy(buf, c->in->data, n);
        /* out of the queue first: the device may ask for more while it receives */
        g_byte_array_remove_range(c->in, 0, (guint)n);
        c->rx.receive(c->rx.opaque, buf, n);
    }
}

/* Waits for input while there is room for it. Device lock held. */
static void watch_input(struct chardev *c)
{
    if (!c->in_watch && !c->in_closed && c->in->len < IN_MAX)
        c->in_watch = g_unix_fd_add(c->in_fd, G_IO_IN | G_IO_HUP | G_IO_ERR, in_ready, c);
}

/* Takes the escape keys out of buf up to the first that char_set_escape's function must hear, which
 * is then in *key (else 0); returns how many bytes remain of those, and in *used how many they
 * were. Main thread. */
static size_t filter_escapes(struct chardev *c, uint8_t *buf, size_t len, int *key, size_t *used)
{
    size_t kept = 0;

    *key = 0;
    *used = len;
    for (size_t k = 0; k < len; k++) {
        uint8_t b = buf[k];

        if (!c->after_ctrl_a) {
            if (b == CTRL_A)
                c->after_ctrl_a = true;
            else
                buf[kept++] = b;
            continue;
        }
        c->after_ctrl_a = false;
        switch (b) {
        case CTRL_A: buf[kept++] = b; break;
        case 'x':
        case 'c':
            *key = b;
            *used = k + 1;
            return kept;
        case 'h':
        case '?':
            log_user("Ctrl-A x: leave   Ctrl-A c: monitor   Ctrl-A h: this help   Ctrl-A Ctrl-A: "
                     "send Ctrl-A");
            break;
        }
    }
    return kept;
}

/* To whoever has the keys. */
static void came_in(struct chardev *c, const uint8_t *buf, size_t len)
{
    if (c->typed) {
        c->typed(c->typed_opaque, buf, len);
        return;
    }
    lock(c);
    g_byte_array_append(c->in, buf, (guint)len);
    deliver(c);
    unlock(c);
}

/* The same for a terminal with escape keys. */
static void typed_in(struct chardev *c, uint8_t *buf, size_t len)
{
    while (len) {
        size_t used, kept;
        int key;

        kept = filter_escapes(c, buf, len, &key, &used);
        if (kept)
            came_in(c, buf, kept);
        if (key && c->escape)
            c->escape(c->escape_opaque, key);
        buf += used;
        len -= used;
    }
}

static gboolean in_ready(gint fd, GIOCondition cond, gpointer opaque)
{
    struct chardev *c = opaque;
    uint8_t buf[IN_MAX];
    bool again, closed;
    size_t room;
    ssize_t n;

    (void)cond;
    /* only this thread fills the queue, so that the room cannot shrink while we read unlocked */
    lock(c);
    room = IN_MAX - c->in->len;
    unlock(c);
    n = read(fd, buf, room);
    closed = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    if (n > 0 && c->escapes)
        typed_in(c, buf, (size_t)n);
    else if (n > 0)
        came_in(c, buf, (size_t)n);
    lock(c);
    c->in_closed = closed;
    again = !c->in_closed && c->in->len < IN_MAX;
    if (!again)
        c->in_watch = 0;
    unlock(c);
    if (closed && c->socket)
        char_socket_lost(c);
    return again;
}

void char_fd_start(struct chardev *c)
{
    watch_input(c);
}

void char_fd_accept_input(struct chardev *c)
{
    deliver(c);
    watch_input(c);
}

/* Whether the host would take some output within so many milliseconds. */
static bool writable(const struct chardev *c, int ms)
{
    struct pollfd p = {.fd = c->out_fd, .events = POLLOUT};

    return poll(&p, 1, ms) > 0;
}

static void output_failed(struct chardev *c)
{
    if (c->socket) /* the reader of its input ends it */
        char_socket_broken(c);
    else
        log_user("%s: output is lost from here on: %s", c->name, g_strerror(errno));
    c->out_closed = true;
    g_byte_array_set_size(c->out, 0);
}

/* Writes queued output as far as it goes without waiting. Device lock held. */
static void flush(struct chardev *c)
{
    guint done = 0;

    while (done < c->out->len && writable(c, 0)) {
        ssize_t n = write(c->out_fd, c->out->data + done, MIN(c->out->len - done, CHUNK));

        if (n > 0) {
            done += (guint)n;
        } else if (n < 0 && errno == EAGAIN) {
            break;
        } else if (n < 0 && errno != EINTR) {
            output_failed(c);
            return;
        }
    }
    if (done) {
        g_byte_array_remove_range(c->out, 0, done);
        c->out_stalled = false;
    }
}

/* Waits for the queue to get shorter. Device lock held: not for long. */
static void wait_for_room(struct chardev *c, guint max)
{
    for (int waited = 0; c->out->len > max && !c->out_closed; waited += 100) {
        guint before = c->out->len;

        if (waited >= STALL_MS) {
            c->out_stalled = true;
            return;
        }
        writable(c, 100);
        flush(c);
        if (c->out->len < before)
            waited = 0;
    }
}

static gboolean out_ready(gint fd, GIOCondition cond, gpointer opaque)
{
    struct chardev *c = opaque;
    gboolean again;

    (void)fd;
    (void)cond;
    lock(c);
    flush(c);
    again = c->out->len && !c->out_closed;
    if (!again)
        c->out_watch = 0;
    unlock(c);
    return again;
}

void char_fd_write(struct chardev *c, const uint8_t *buf, size_t len)
{
    guint max = c->drop_when_full ? PTY_MAX : OUT_MAX;

    if (c->out_closed)
        return;
    if (c->out->len + len > max) {
        if (!c->drop_when_full && !c->out_stalled)
            wait_for_room(c, max / 2);
        if (c->out->len + len > max) {
            if (!c->drop_when_full && !c->dropped)
                log_user("%s: nobody takes the output; some of it is lost", c->name);
            c->dropped = true;
            return;
        }
    }
    g_byte_array_append(c->out, buf, (guint)len);
    flush(c);
    if (c->out->len && !c->out_watch)
        c->out_watch = g_unix_fd_add(c->out_fd, G_IO_OUT | G_IO_HUP | G_IO_ERR, out_ready, c);
}

void char_fd_stop(struct chardev *c)
{
    if (c->in_watch)
        g_source_remove(c->in_watch);
    if (c->out_watch)
        g_source_remove(c->out_watch);
    c->in_watch = c->out_watch = 0;
    for (int waited = 0; c->out->len && !c->out_closed && !c->drop_when_full;) {
        guint before = c->out->len;

        if (waited >= GOODBYE_MS)
            return;
        writable(c, 100);
        flush(c);
        waited = c->out->len < before ? 0 : waited + 100;
    }
}
