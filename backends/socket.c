/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See socket.h; unix(7), tcp(7). */
#define _GNU_SOURCE /* accept4 */
#include "backends/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

#define CONNECT_MS 500

union name {
    struct sockaddr any;
    struct sockaddr_un un;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static int fail(GError **err, const char *what, const char *does, const struct socket_place *a,
                int fd)
{
    int e = errno;

    if (fd >= 0)
        close(fd);
    if (a->type == PLACE_UNIX)
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST, "%s: cannot %s %s: %s", what, does,
                    a->path, g_strerror(e));
    else
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST, "%s: cannot %s %s port %u: %s", what,
                    does, a->host, a->port, g_strerror(e));
    return -1;
}

static socklen_t fill_name(const struct socket_place *a, union name *n)
{
    memset(n, 0, sizeof(*n));
    if (a->type == PLACE_UNIX) {
        n->un.sun_family = AF_UNIX;
        g_strlcpy(n->un.sun_path, a->path, sizeof(n->un.sun_path));
        return sizeof(n->un);
    }
    if (inet_pton(AF_INET, a->host, &n->in.sin_addr) == 1) {
        n->in.sin_family = AF_INET;
        n->in.sin_port = htons(a->port);
        return sizeof(n->in);
    }
    inet_pton(AF_INET6, a->host, &n->in6.sin6_addr);
    n->in6.sin6_family = AF_INET6;
    n->in6.sin6_port = htons(a->port);
    return sizeof(n->in6);
}

/* A socket at the path that nobody listens to any more goes. */
static void remove_stale(const struct socket_place *a, int type, const union name *n, socklen_t len)
{
    struct stat st;
    int fd;

    if (lstat(a->path, &st) || !S_ISSOCK(st.st_mode))
        return;
    fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, &n->any, len) && errno == ECONNREFUSED)
        unlink(a->path);
    close(fd);
}

int socket_listen(const char *what, const struct socket_place *a, GError **err)
{
    union name n;
    socklen_t len = fill_name(a, &n);
    int one = 1, fd;

    if (a->type == PLACE_UNIX)
        remove_stale(a, SOCK_STREAM, &n, len);
    fd = socket(n.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(err, what, "open", a, -1);
    if (a->type == PLACE_TCP)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, &n.any, len) || listen(fd, 8))
        return fail(err, what, "listen at", a, fd);
    if (a->type == PLACE_TCP && !a->port)
        log_user("%s: listens at %s port %u", what, a->host, socket_port(fd));
    return fd;
}

/* What becomes of a connection that is under way. */
static bool connected(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    socklen_t len = sizeof(errno);
    int e = ETIMEDOUT;

    if (poll(&p, 1, CONNECT_MS) > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len))
        e = errno;
    errno = e;
    return !e;
}

int socket_connect(const char *what, const struct socket_place *a, GError **err)
{
    union name n;
    socklen_t len = fill_name(a, &n);
    int one = 1, fd = socket(n.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || (connect(fd, &n.any, len) && (errno != EINPROGRESS || !connected(fd))))
        return fail(err, what, "connect to", a, fd);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

int socket_open_dgram(const char *what, const struct socket_place *local,
                      const struct socket_place *remote, GError **err)
{
    union name n, to;
    socklen_t len = fill_name(local, &n);
    int fd;

    if (local->type == PLACE_UNIX)
        remove_stale(local, SOCK_DGRAM, &n, len);
    fd = socket(n.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, &n.any, len))
        return fail(err, what, "use", local, fd);
    if (remote->type == PLACE_TCP) {
        len = fill_name(remote, &to);
        if (connect(fd, &to.any, len))
            return fail(err, what, "send to", remote, fd);
    }
    return fd;
}

ssize_t socket_send_dgram(int fd, const struct socket_place *remote, const void *buf, size_t len)
{
    union name to;
    socklen_t to_len;

    if (remote->type == PLACE_TCP)
        return send(fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    to_len = fill_name(remote, &to);
    return sendto(fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT, &to.any, to_len);
}

int socket_accept(int fd)
{
    int one = 1, client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (client >= 0) /* fails on unix sockets, which need it not */
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return client;
}

void socket_unlisten(int fd, const struct socket_place *a)
{
    close(fd);
    if (a->type == PLACE_UNIX)
        unlink(a->path);
}

uint16_t socket_port(int fd)
{
    union name n;
    socklen_t len = sizeof(n);

    if (getsockname(fd, &n.any, &len))
        return 0;
    return ntohs(n.any.sa_family == AF_INET6 ? n.in6.sin6_port : n.in.sin_port);
}
