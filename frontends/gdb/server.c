/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See server.h. */
#include "frontends/gdb/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "cpu/debugger.h"
#include "frontends/gdb/session.h"
#include "machine/machine.h"

#define OUTPUT_MAX (4u << 20) /* bytes that gdb does not read; then it is given up */
#define CHUNK      512u       /* what a pipe or terminal that is writable takes without waiting */

struct gdb_server {
    struct machine *m;
    struct debugger *set;
    struct gdb_session *session;
    int listener; /* -1: none */
    int in, out;  /* of the connection; -1: none */
    guint listen_source, in_source, out_source;
    char *unix_path; /* to be removed */
    unsigned port;
    bool ended; /* the machine is */
};

/* ---- the connection ---- */

static void listen_again(struct gdb_server *g);

static void drop_source(guint *source)
{
    if (*source)
        g_source_remove(*source);
    *source = 0;
}

static void disconnect(struct gdb_server *g)
{
    drop_source(&g->in_source);
    drop_source(&g->out_source);
    if (g->in > STDERR_FILENO)
        close(g->in);
    g->in = g->out = -1;
    gdb_session_free(g->session);
    g->session = NULL;
    if (g->listener < 0 && !g->ended) /* stdio: nobody can come again, nor see what goes on */
        machine_quit(g->m, MACHINE_EXIT_OFF);
    listen_again(g);
}

static gboolean writable(gint fd, GIOCondition cond, gpointer opaque);

/* Standard output is shared with others and stays as it is: there poll() is asked first. */
static ssize_t send_some(const struct gdb_server *g, const GString *out)
{
    struct pollfd p = {.fd = g->out, .events = POLLOUT};

    if (g->listener >= 0)
        return send(g->out, out->str, out->len, MSG_NOSIGNAL);
    if (poll(&p, 1, 0) <= 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(g->out, out->str, MIN(out->len, CHUNK));
}

/* Sends what there is; false when the other side has gone. */
static bool flush(struct gdb_server *g)
{
    GString *out = gdb_session_output(g->session);

    while (out->len) {
        ssize_t n = send_some(g, out);

        if (n > 0) {
            g_string_erase(out, 0, n);
        } else if (n < 0 && errno == EAGAIN) {
            if (!g->out_source)
                g->out_source = g_unix_fd_add(g->out, G_IO_OUT, writable, g);
            return out->len <= OUTPUT_MAX;
        } else if (n == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

static gboolean writable(gint fd, GIOCondition cond, gpointer opaque)
{
    struct gdb_server *g = opaque;

    (void)fd;
    (void)cond;
    g->out_source = 0;
    if (!flush(g))
        disconnect(g);
    return G_SOURCE_REMOVE;
}

static gboolean readable(gint fd, GIOCondition cond, gpointer opaque)
{
    struct gdb_server *g = opaque;
    uint8_t buf[4096];
    ssize_t n = read(fd, buf, sizeof(buf));
    bool go_on = true;

    (void)cond;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return G_SOURCE_CONTINUE;
    if (n > 0)
        go_on = gdb_session_input(g->session, buf, (size_t)n);
    if (!flush(g) || !go_on || n <= 0) {
        g->in_source = 0;
        disconnect(g);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static void connected(struct gdb_server *g, int in, int out)
{
    drop_source(&g->listen_source);
    g->in = in;
    g->out = out;
    if (g->listener >= 0)
        g_unix_set_fd_nonblocking(in, TRUE, NULL);
    g->session = gdb_session_new(g->m, g->set);
    g->in_source = g_unix_fd_add(in, G_IO_IN | G_IO_HUP | G_IO_ERR, readable, g);
}

static gboolean incoming(gint fd, GIOCondition cond, gpointer opaque)
{
    struct gdb_server *g = opaque;
    int s = accept(fd, NULL, NULL);

    (void)cond;
    if (s < 0)
        return G_SOURCE_CONTINUE;
    fcntl(s, F_SETFD, FD_CLOEXEC);
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    g->listen_source = 0;
    connected(g, s, s);
    return G_SOURCE_REMOVE;
}

static void listen_again(struct gdb_server *g)
{
    if (g->listener >= 0 && !g->ended)
        g->listen_source = g_unix_fd_add(g->listener, G_IO_IN, incoming, g);
}

static gboolean stdio_begins(gpointer opaque)
{
    connected(opaque, STDIN_FILENO, STDOUT_FILENO);
    return G_SOURCE_REMOVE;
}

/* ---- the machine's events ---- */

static void on_note(void *opaque, const struct machine_note *note)
{
    struct gdb_server *g = opaque;

    if (note->event == MACHINE_EVENT_END)
        g->ended = true;
    if (!g->session)
        return;
    if (note->event == MACHINE_EVENT_PAUSED)
        gdb_session_paused(g->session);
    else if (note->event == MACHINE_EVENT_END)
        gdb_session_ended(g->session, machine_exit_status(g->m));
    if (!flush(g))
        disconnect(g);
}

/* ---- where to listen ---- */

static bool listen_at(struct gdb_server *g, int family, const struct sockaddr *addr, socklen_t len)
{
    g->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (g->listener < 0)
        return false;
    setsockopt(g->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (!bind(g->listener, addr, len) && !listen(g->listener, 1))
        return true;
    close(g->listener);
    g->listener = -1;
    return false;
}

static void note_port(struct gdb_server *g)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } a;
    socklen_t len = sizeof(a);

    if (!getsockname(g->listener, &a.any, &len))
        g->port = ntohs(a.any.sa_family == AF_INET6 ? a.in6.sin6_port : a.in.sin_port);
}

static bool open_tcp(struct gdb_server *g, const char *spec, GError **err)
{
    const char *colon = strrchr(spec, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *list;
    char *host;
    bool ok = false;
    int rc;

    if (!colon || !g_ascii_isdigit(colon[1]) ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon + 1) > 5 ||
        atoi(colon + 1) > 65535)
        return error_option(err, "-gdb: 'tcp:%s' is not tcp:HOST:PORT", spec);
    host = colon == spec ? g_strdup("127.0.0.1") : g_strndup(spec, (size_t)(colon - spec));
    rc = getaddrinfo(host, colon + 1, &hints, &list);
    if (rc) {
        error_option(err, "-gdb: host '%s': %s", host, gai_strerror(rc));
    } else {
        for (const struct addrinfo *a = list; a && !ok; a = a->ai_next)
            ok = listen_at(g, a->ai_family, a->ai_addr, a->ai_addrlen);
        if (!ok)
            error_option(err, "-gdb: cannot listen at %s port %s: %s", host, colon + 1,
                         g_strerror(errno));
        else
            note_port(g);
        freeaddrinfo(list);
    }
    g_free(host);
    return ok;
}

static bool open_unix(struct gdb_server *g, const char *path, GError **err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct stat st;

    if (!*path || strlen(path) >= sizeof(a.sun_path))
        return error_option(err, "-gdb: the path of a unix socket has 1 to %zu bytes",
                            sizeof(a.sun_path) - 1);
    strcpy(a.sun_path, path);
    if (!lstat(path, &st) && S_ISSOCK(st.st_mode)) /* an earlier run's */
        unlink(path);
    if (!listen_at(g, AF_UNIX, (struct sockaddr *)&a, sizeof(a)))
        return error_option(err, "-gdb: cannot listen at '%s': %s", path, g_strerror(errno));
    g->unix_path = g_strdup(path);
    return true;
}

static bool open_spec(struct gdb_server *g, const char *spec, GError **err)
{
    if (g_str_has_prefix(spec, "tcp:"))
        return open_tcp(g, spec + 4, err);
    if (g_str_has_prefix(spec, "unix:"))
        return open_unix(g, spec + 5, err);
    if (!strcmp(spec, "stdio")) {
        g->in_source = g_idle_add(stdio_begins, g); /* when the machine has been started */
        return true;
    }
    return error_option(
        err, "-gdb: '%s' is none of tcp:HOST:PORT, tcp::PORT, unix:PATH, stdio, none", spec);
}

/* ---- life ---- */

struct gdb_server *gdb_server_new(struct machine *m, const char *spec, GError **err)
{
    struct gdb_server *g = g_new0(struct gdb_server, 1);

    g->m = m;
    g->listener = g->in = g->out = -1;
    if (!open_spec(g, spec, err)) {
        gdb_server_free(g);
        return NULL;
    }
    g->set = debugger_new();
    for (unsigned n = 0; n < machine_cpus(m); n++)
        debugger_attach(g->set, machine_cpu(m, n));
    machine_listen(m, on_note, g);
    listen_again(g);
    return g;
}

void gdb_server_free(struct gdb_server *g)
{
    if (!g)
        return;
    g->ended = true;
    drop_source(&g->in_source);
    drop_source(&g->out_source);
    drop_source(&g->listen_source);
    if (g->in > STDERR_FILENO)
        close(g->in);
    gdb_session_free(g->session);
    if (g->listener >= 0)
        close(g->listener);
    if (g->unix_path)
        unlink(g->unix_path);
    g_free(g->unix_path);
    debugger_free(g->set);
    g_free(g);
}

unsigned gdb_server_port(const struct gdb_server *g)
{
    return g->port;
}
