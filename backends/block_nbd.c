/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection to an NBD server, by libnbd. A thread of its own moves bytes both ways. Reads and
 * writes are begun by whoever submits them, as many as he likes, and that thread tells of their
 * end; for all else a worker hands it a command and waits. When the server goes, all commands fail,
 * now and later.
 */
#include "backends/block_nbd.h"

#include <errno.h>
#include <libnbd.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backends/block_child.h"
#include "backends/block_impl.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"

#define CONNECT_MS  15000
#define MAX_COMMAND (UINT64_C(16) << 20) /* bytes of a read or a write; servers take 32 MiB */
#define MAX_HOLE    (UINT64_C(1) << 30)  /* bytes of a command without data */
#define HOLE_ALIGN  65536u               /* what formats like qcow2 can free */

struct block_nbd {
    struct block block;
    struct nbd_handle *h;
    struct block_child *child;
    GThread *thread;
    int wake_fd;
    _Atomic bool stop;
    bool can_flush, can_trim, can_zero;
    struct lock lock; /* of what follows, and of commands' `over` */
    struct condition ended;
    struct block_engine *untold; /* has requests that have ended, and was not told to look */
};

/* One command, on the stack of who waits for it. */
struct command {
    struct block_nbd *n;
    bool over;
    int err;
};

/* ---- the thread ---- */

static void wake(struct block_nbd *n)
{
    const uint64_t one = 1;

    invariant(write(n->wake_fd, &one, sizeof(one)) == sizeof(one) || errno == EAGAIN);
}

static bool is_open(struct block_nbd *n)
{
    return nbd_aio_is_dead(n->h) == 0 && nbd_aio_is_closed(n->h) == 0;
}

/* Not within a callback, which libnbd's own lock is held for. */
static void pass_on(struct block_nbd *n)
{
    struct block_engine *e;

    lock_take(&n->lock);
    e = n->untold;
    n->untold = NULL;
    lock_drop(&n->lock);
    if (e)
        block_engine_pass_on(e);
}

static void move_bytes(struct block_nbd *n)
{
    unsigned way = nbd_aio_get_direction(n->h);
    struct pollfd fds[2] = {{.fd = nbd_aio_get_fd(n->h)}, {.fd = n->wake_fd, .events = POLLIN}};
    uint64_t times;

    if (way & LIBNBD_AIO_DIRECTION_READ)
        fds[0].events |= POLLIN;
    if (way & LIBNBD_AIO_DIRECTION_WRITE)
        fds[0].events |= POLLOUT;
    if (poll(fds, 2, -1) < 0)
        return;
    if ((fds[1].revents & POLLIN) && read(n->wake_fd, &times, sizeof(times)) < 0)
        return;
    way = nbd_aio_get_direction(n->h); /* somebody may have begun a command */
    if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) && (way & LIBNBD_AIO_DIRECTION_READ))
        nbd_aio_notify_read(n->h);
    else if ((fds[0].revents & (POLLOUT | POLLHUP | POLLERR)) && (way & LIBNBD_AIO_DIRECTION_WRITE))
        nbd_aio_notify_write(n->h);
}

static gpointer connection(gpointer opaque)
{
    struct block_nbd *n = opaque;

    while (!atomic_load(&n->stop) && is_open(n)) {
        move_bytes(n);
        pass_on(n);
    }
    pass_on(n);
    if (!atomic_load(&n->stop)) {
        char *words = n->child ? block_child_words(n->child) : g_strdup("");

        log_user("%s: the server of this image is gone%s%s", n->block.name, *words ? ": " : "",
                 words);
        g_free(words);
    }
    return NULL;
}

/* ---- commands ---- */

/* On the connection's thread, or on that which begins a command. */
static int command_over(void *opaque, int *error)
{
    struct command *c = opaque;

    lock_take(&c->n->lock);
    c->err = *error;
    c->over = true;
    condition_broadcast(&c->n->ended);
    lock_drop(&c->n->lock);
    return 1; /* nobody asks for it again */
}

/* The guest's disk has no word for a lost connection. */
static int error_of(int err)
{
    return !err ? 0 : err == ENOSPC ? -ENOSPC : err == EPERM ? -EROFS : -EIO;
}

/* Waits for a command that was begun; `cookie` is what libnbd returned for it. */
static int finish(struct block_nbd *n, struct command *c, int64_t cookie)
{
    if (cookie < 0)
        return -EIO;
    wake(n);
    lock_take(&n->lock);
    while (!c->over)
        condition_wait(&n->ended, &n->lock);
    lock_drop(&n->lock);
    return error_of(c->err);
}

#define COMMAND(c) ((nbd_completion_callback){.callback = command_over, .user_data = (c)})

/* ---- requests that nobody waits for ---- */

/* On the connection's thread, or on that which begins a command. */
static int request_over(void *opaque, int *error)
{
    struct block_request *req = opaque;
    struct block_nbd *n = (struct block_nbd *)req->block;

    lock_take(&n->lock);
    n->untold = req->engine;
    lock_drop(&n->lock);
    block_engine_ended(req, error_of(*error));
    return 1;
}

/* libnbd sends what the socket takes at once. Its thread sleeps until something comes, and is woken
 * where more is to be sent or the end has come already. */
static bool nbd_begin(struct block *b, struct block_request *req)
{
    const nbd_completion_callback over = {.callback = request_over, .user_data = req};
    struct block_nbd *n = (struct block_nbd *)b;
    int64_t cookie;
    bool untold;

    if (req->len > MAX_COMMAND || !is_open(n))
        return false;
    cookie = req->op == BLOCK_READ
                 ? nbd_aio_pread(n->h, req->buf, (size_t)req->len, req->off, over, 0)
                 : nbd_aio_pwrite(n->h, req->buf, (size_t)req->len, req->off, over, 0);
    lock_take(&n->lock);
    untold = n->untold;
    lock_drop(&n->lock);
    if (untold || (nbd_aio_get_direction(n->h) & LIBNBD_AIO_DIRECTION_WRITE))
        wake(n);
    return cookie >= 0;
}

/* ---- those that a worker waits for ---- */

static int nbd_read(struct block *b, uint64_t off, void *buf, size_t len)
{
    struct block_nbd *n = (struct block_nbd *)b;
    char *p = buf;
    int rc = 0;

    for (size_t part; len && !rc; p += part, off += part, len -= part) {
        struct command c = {.n = n};

        part = MIN(len, MAX_COMMAND);
        rc = finish(n, &c, nbd_aio_pread(n->h, p, part, off, COMMAND(&c), 0));
    }
    return rc;
}

static int nbd_write(struct block *b, uint64_t off, const void *buf, size_t len)
{
    struct block_nbd *n = (struct block_nbd *)b;
    const char *p = buf;
    int rc = 0;

    for (size_t part; len && !rc; p += part, off += part, len -= part) {
        struct command c = {.n = n};

        part = MIN(len, MAX_COMMAND);
        rc = finish(n, &c, nbd_aio_pwrite(n->h, p, part, off, COMMAND(&c), 0));
    }
    return rc;
}

static int nbd_sync(struct block *b)
{
    struct block_nbd *n = (struct block_nbd *)b;
    struct command c = {.n = n};

    return n->can_flush ? finish(n, &c, nbd_aio_flush(n->h, COMMAND(&c), 0)) : 0;
}

static int nbd_discard(struct block *b, uint64_t off, uint64_t len)
{
    struct block_nbd *n = (struct block_nbd *)b;
    int rc = n->can_trim ? 0 : -ENOTSUP;

    for (uint64_t part; len && !rc; off += part, len -= part) {
        struct command c = {.n = n};

        part = MIN(len, MAX_HOLE);
        rc = finish(n, &c, nbd_aio_trim(n->h, part, off, COMMAND(&c), 0));
    }
    return rc;
}

static int nbd_make_zero(struct block *b, uint64_t off, uint64_t len, bool unmap)
{
    struct block_nbd *n = (struct block_nbd *)b;
    uint32_t flags = unmap ? 0 : LIBNBD_CMD_FLAG_NO_HOLE;
    int rc = n->can_zero ? 0 : -ENOTSUP;

    for (uint64_t part; len && !rc; off += part, len -= part) {
        struct command c = {.n = n};

        part = MIN(len, MAX_HOLE);
        rc = finish(n, &c, nbd_aio_zero(n->h, part, off, COMMAND(&c), flags));
    }
    return rc;
}

/* So that the server knows that nothing was lost. */
static void say_goodbye(struct nbd_handle *h)
{
    int64_t until = g_get_monotonic_time() + CONNECT_MS * 1000;

    if (nbd_aio_is_ready(h) != 1 || nbd_aio_disconnect(h, 0) < 0)
        return;
    while (nbd_aio_is_closed(h) == 0 && nbd_aio_is_dead(h) == 0) {
        if (g_get_monotonic_time() > until || nbd_poll(h, 100) < 0)
            return;
    }
}

static void nbd_free(struct block *b)
{
    struct block_nbd *n = (struct block_nbd *)b;

    if (n->thread) {
        atomic_store(&n->stop, true);
        wake(n);
        g_thread_join(n->thread);
    }
    say_goodbye(n->h);
    nbd_close(n->h);
    /* nbdkit would serve the next one */
    block_child_end(n->child, !strcmp(b->format, "gzip") || !strcmp(b->format, "xz"));
    close(n->wake_fd);
    condition_clear(&n->ended);
    lock_clear(&n->lock);
    g_free(n);
}

static const struct block_ops nbd_ops = {
    .read = nbd_read,
    .write = nbd_write,
    .flush = nbd_sync,
    .free = nbd_free,
    .begin = nbd_begin,
    .discard = nbd_discard,
    .zero = nbd_make_zero,
};

/* ---- connecting ---- */

/* Ends with a connection that takes commands; a server that says nothing is not waited for. */
static bool negotiate(struct nbd_handle *h, const char *uri, int socket)
{
    int64_t until = g_get_monotonic_time() + CONNECT_MS * 1000;

    if ((uri ? nbd_aio_connect_uri(h, uri) : nbd_aio_connect_socket(h, socket)) < 0)
        return false;
    while (nbd_aio_is_ready(h) == 0) {
        if (nbd_aio_is_dead(h) != 0 || nbd_aio_is_closed(h) != 0)
            return false;
        if (g_get_monotonic_time() > until || nbd_poll(h, 100) < 0)
            return false;
    }
    return true;
}

/* How a connection failed, in one line: by the program's own words where there are any. */
static void tell_failure(const struct block_spec *spec, struct block_child *child, GError **err)
{
    char *words = NULL, *line;
    const char *why = nbd_get_error();

    if (child) {
        g_usleep(50000); /* for its last words */
        words = block_child_words(child);
    }
    line = g_strdup(words && *words ? words : why ? why : "the server does not answer");
    g_strdelimit(line, "\n", ' ');
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot open disk image '%s': %s",
                spec->file, line);
    g_free(line);
    g_free(words);
}

static bool look_at_server(struct block_nbd *n, const struct block_spec *spec, int64_t *size,
                           GError **err)
{
    const char *wrong = NULL;

    *size = nbd_get_size(n->h);
    n->can_flush = nbd_can_flush(n->h) == 1;
    n->can_trim = nbd_can_trim(n->h) == 1;
    n->can_zero = nbd_can_zero(n->h) == 1;
    if (*size <= 0)
        wrong = "is empty";
    else if (!spec->readonly && nbd_is_read_only(n->h) == 1)
        wrong = "can only be read: say readonly=on or snapshot=on";
    else if (nbd_get_block_size(n->h, LIBNBD_SIZE_MINIMUM) > (int64_t)BLOCK_SECTOR)
        wrong = "is served in blocks larger than 512 bytes, which is not supported";
    if (wrong) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "disk image '%s' %s", spec->file,
                    wrong);
        return false;
    }
    if (!spec->readonly && !n->can_flush)
        log_user("%s: the server cannot flush; what the guest writes may not survive a crash of it",
                 spec->file);
    return true;
}

struct block *block_nbd_new(const struct block_spec *spec, const char *uri, int socket,
                            struct block_child *child, GError **err)
{
    struct block_nbd *n = g_new0(struct block_nbd, 1);
    bool ready;
    int64_t size = 0;

    n->child = child;
    n->h = nbd_create();
    invariant(n->h);
    lock_init(&n->lock);
    condition_init(&n->ended);
    n->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    invariant(n->wake_fd >= 0);
    ready = negotiate(n->h, uri, socket);
    if (!ready)
        tell_failure(spec, child, err);
    ready = ready && look_at_server(n, spec, &size, err);
    block_init(&n->block, &nbd_ops, spec->file, (uint64_t)MAX(size, 0), spec->readonly);
    for (const char *const *f = block_open_formats(); spec->format && *f; f++) {
        if (!strcmp(*f, spec->format))
            n->block.format = *f;
    }
    n->block.alignment = HOLE_ALIGN;
    if (!ready) {
        block_free(&n->block);
        return NULL;
    }
    n->thread = g_thread_new("nbd", connection, n);
    return &n->block;
}
