/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks' part of fuzzing texts (text.c): what -netdev says, and the stream of frames of a cable
 * on a socket, which comes from a stranger and is held against a plain reading of it. */
#include "tests/fuzz/text_net.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/lock.h"
#include "machine/network_int.h"
#include "tests/fuzz/target.h"

bool text_netdev(const char *text, GError **err)
{
    struct netdev_config *c = netdev_config_new(text, NULL, err);
    bool ok = c != NULL;

    netdev_config_free(c);
    return ok;
}

/* ---- frames ---- */

struct seen {
    unsigned frames;
    uint64_t sum;
};

static void see(struct seen *s, const uint8_t *p, size_t len)
{
    s->frames++;
    s->sum = s->sum * 31 + len;
    for (size_t k = 0; k < len; k++)
        s->sum = s->sum * 31 + p[k];
}

static void guest_receive(void *opaque, const struct iovec *iov, unsigned n)
{
    fuzz_expect(n == 1 && iov->iov_len && iov->iov_len <= NET_FRAME_MAX);
    see(opaque, iov->iov_base, iov->iov_len);
}

static const struct net_port_ops guest_ops = {.receive = guest_receive};

/* What should come of it; true: it breaks the rules. */
static bool read_plainly(const uint8_t *p, size_t size, struct seen *s)
{
    while (size >= 4) {
        uint32_t len = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];

        if (!len || len > NET_FRAME_MAX)
            return true;
        if (size - 4 < len)
            return false;
        see(s, p + 4, len);
        p += 4 + len;
        size -= 4 + len;
    }
    return false;
}

static struct lock lock;
static struct net_port guest;
static struct net_socket *net;
static struct seen got;
static struct sockaddr_un place = {.sun_family = AF_UNIX};

static void set_up(void)
{
    struct net_socket_options o = {.kind = NET_SOCKET_STREAM,
                                   .local = {.type = PLACE_UNIX, .server = true}};
    struct net_socket_config cfg = {"n", &o, &lock};
    char *path = g_strdup_printf("%s/penumbra-fuzz-%d", g_get_tmp_dir(), (int)getpid());

    lock_init(&lock);
    g_strlcpy(o.local.path, path, sizeof(o.local.path));
    g_strlcpy(place.sun_path, path, sizeof(place.sun_path));
    net_port_init(&guest, "nic", &guest_ops, &got);
    net = net_socket_new(&cfg, NULL);
    fuzz_expect(net != NULL);
    net_connect(&guest, net_socket_port(net));
    g_free(path);
}

static void until_link(bool up)
{
    while (net_link_up(&guest) != up)
        g_main_context_iteration(NULL, TRUE);
}

void text_net_stream(const uint8_t *data, size_t size)
{
    size_t piece = size ? data[0] % 64 + 1u : 1;
    struct seen want = {0};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (!net)
        set_up();
    got = (struct seen){0};
    fuzz_expect(fd >= 0 && !connect(fd, (struct sockaddr *)&place, sizeof(place)));
    until_link(true);
    for (size_t at = 0; at < size; at += piece) {
        if (send(fd, data + at, MIN(piece, size - at), MSG_NOSIGNAL) < 0)
            break;
        g_main_context_iteration(NULL, FALSE);
    }
    shutdown(fd, SHUT_WR);
    until_link(false);
    close(fd);
    read_plainly(data, size, &want);
    fuzz_expect(got.frames == want.frames && got.sum == want.sum);
}
