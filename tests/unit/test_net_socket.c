/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cables over sockets (backends/net_socket.h): two of them in one main loop, whose guests send each
 * other frames; and a stranger at the other end who breaks the rules.
 */
#include "tests/unit/unit.h"

#include <glib-unix.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends/net_socket.h"
#include "backends/socket.h"
#include "base/lock.h"
#include "machine/network_int.h"

static struct lock device_lock;

/* A guest's adapter, which takes as many frames as it has room for. */
struct guest {
    struct net_port port;
    struct net_socket *net;
    unsigned room, got, writable;
    uint64_t sum, links_up, links_down;
    size_t longest;
};

static bool guest_can_receive(void *opaque)
{
    return ((struct guest *)opaque)->room > 0;
}

static uint64_t sum_of(const uint8_t *p, size_t len)
{
    uint64_t sum = len;

    for (size_t k = 0; k < len; k++)
        sum = sum * 31 + p[k];
    return sum;
}

static void guest_receive(void *opaque, const struct iovec *iov, unsigned n)
{
    struct guest *g = opaque;

    assert_int_equal(n, 1);
    assert_false(!pthread_mutex_trylock(&device_lock.mutex)); /* held by whoever calls */
    g->room--;
    g->got++;
    g->sum += sum_of(iov->iov_base, iov->iov_len) * g->got;
    g->longest = MAX(g->longest, iov->iov_len);
}

static void guest_link(void *opaque, bool up)
{
    struct guest *g = opaque;

    g->links_up += up;
    g->links_down += !up;
}

static void guest_writable(void *opaque)
{
    ((struct guest *)opaque)->writable++;
}

static const struct net_port_ops guest_ops = {.can_receive = guest_can_receive,
                                              .receive = guest_receive,
                                              .link_changed = guest_link,
                                              .writable = guest_writable};

static void guest_init(struct guest *g, const char *fmt, const char *a, const char *b)
{
    char *text = g_strdup_printf(fmt, a, b);
    struct netdev_config *c = netdev_config_new(text, NULL, NULL);
    struct net_socket_config cfg = {.lock = &device_lock};

    if (!c)
        fail_msg("%s is refused", text);
    cfg.name = c->id;
    cfg.options = &c->socket;
    *g = (struct guest){.room = UINT32_MAX};
    net_port_init(&g->port, "nic", &guest_ops, g);
    g->net = net_socket_new(&cfg, NULL);
    assert_non_null(g->net);
    lock_take(&device_lock);
    net_connect(&g->port, net_socket_port(g->net));
    lock_drop(&device_lock);
    netdev_config_free(c);
    g_free(text);
}

static void guest_free(struct guest *g)
{
    net_port_clear(&g->port);
    net_socket_free(g->net);
}

static void settle(void)
{
    for (unsigned idle = 0; idle < 10; idle++) {
        while (g_main_context_iteration(NULL, FALSE))
            idle = 0;
        g_usleep(1000);
    }
}

/* As much as goes, waiting as an adapter does; the sum that the other side should have. */
static uint64_t send_frames(struct guest *from, unsigned count, unsigned seed, const unsigned *got)
{
    GRand *r = g_rand_new_with_seed(seed);
    uint8_t *frame = g_malloc(NET_FRAME_MAX);
    uint64_t sum = 0;

    for (unsigned k = 1; k <= count; k++) {
        size_t len = k % 50 ? (size_t)g_rand_int_range(r, 1, 1600) : NET_FRAME_MAX;
        struct iovec iov = {frame, len};

        for (size_t n = 0; n < len; n++)
            frame[n] = (uint8_t)(n * k + seed);
        sum += sum_of(frame, len) * k;
        for (;;) {
            bool can;

            lock_take(&device_lock);
            can = net_can_send(&from->port);
            if (can)
                net_send(&from->port, &iov, 1);
            lock_drop(&device_lock);
            if (can)
                break;
            g_main_context_iteration(NULL, FALSE);
        }
    }
    for (unsigned spin = 0; *got < count && spin < 20000; spin++) {
        if (!g_main_context_iteration(NULL, FALSE))
            g_usleep(100);
    }
    g_free(frame);
    g_rand_free(r);
    return sum;
}

static char *dir;

static char *place(const char *name)
{
    return g_build_filename(dir, name, NULL);
}

static int setup(void **state)
{
    (void)state;
    dir = g_dir_make_tmp(NULL, NULL);
    return dir ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(g_rmdir(dir), 0); /* nothing is left behind */
    g_free(dir);
    return 0;
}

static void both_ways(struct guest *a, struct guest *b, unsigned count)
{
    uint64_t sum;

    settle();
    sum = send_frames(a, count, 1, &b->got);
    assert_int_equal(b->got, count);
    assert_true(b->sum == sum);
    sum = send_frames(b, count, 2, &a->got);
    assert_int_equal(a->got, count);
    assert_true(a->sum == sum);
}

static void test_stream_unix(void **state)
{
    char *path = place("cable");
    struct guest a, b;

    (void)state;
    guest_init(&a, "stream,id=n,server=on,addr.type=unix,addr.path=%s", path, NULL);
    assert_false(net_link_up(&a.port));
    guest_init(&b, "stream,id=n,addr.type=unix,addr.path=%s", path, NULL);
    settle();
    assert_true(net_link_up(&a.port) && net_link_up(&b.port));
    both_ways(&a, &b, 3000);
    assert_int_equal(b.longest, NET_FRAME_MAX);
    guest_free(&b);
    settle();
    assert_false(net_link_up(&a.port));
    assert_int_equal(a.links_down, 1);
    guest_init(&b, "stream,id=n,addr.type=unix,addr.path=%s", path, NULL);
    a.got = 0;
    a.sum = 0;
    both_ways(&a, &b, 100);
    guest_free(&b);
    guest_free(&a);
    g_free(path);
}

static void test_stream_tcp(void **state)
{
    struct guest a, b;
    char port[16];

    (void)state;
    guest_init(&a, "socket,id=n,listen=127.0.0.1:%s", "0", NULL);
    g_snprintf(port, sizeof(port), "%u", net_socket_tcp_port(a.net));
    guest_init(&b, "socket,id=n,connect=:%s", port, NULL);
    both_ways(&a, &b, 2000);
    guest_free(&b);
    guest_free(&a);
}

static void test_stream_reconnect(void **state)
{
    char *path = place("cable");
    struct guest a, b;

    (void)state;
    guest_init(&b, "stream,id=n,addr.type=unix,addr.path=%s,reconnect=1", path, NULL);
    for (unsigned k = 0; k < 2; k++) {
        guest_init(&a, "stream,id=n,server=on,addr.type=unix,addr.path=%s", path, NULL);
        while (!net_link_up(&b.port))
            g_main_context_iteration(NULL, TRUE);
        b.got = 0;
        b.sum = 0;
        both_ways(&a, &b, 20);
        guest_free(&a);
        settle();
        assert_false(net_link_up(&b.port));
    }
    guest_free(&b);
    g_free(path);
}

/* Frames may be lost that the other side is too slow for, or not there for; none is when it takes
 * them. */
static void test_dgram_unix(void **state)
{
    char *one = place("one"), *two = place("two");
    struct guest a, b;

    (void)state;
    guest_init(&a, "dgram,id=n,local.type=unix,local.path=%s,remote.type=unix,remote.path=%s", one,
               two);
    assert_true(net_link_up(&a.port));
    send_frames(&a, 3, 9, &(unsigned){3});
    settle();
    guest_init(&b, "dgram,id=n,local.type=unix,local.path=%s,remote.type=unix,remote.path=%s", two,
               one);
    both_ways(&a, &b, 1000);
    guest_free(&b);
    guest_free(&a);
    g_free(one);
    g_free(two);
}

/* What the guest has no room for, or comes while it is paused, waits, and nothing of it is lost. */
static void test_flow_control(void **state)
{
    char *path = place("cable");
    struct guest a, b;
    uint64_t sum;

    (void)state;
    guest_init(&a, "stream,id=n,server=on,addr.type=unix,addr.path=%s", path, NULL);
    guest_init(&b, "stream,id=n,addr.type=unix,addr.path=%s", path, NULL);
    settle();
    b.room = 10;
    sum = send_frames(&a, 400, 3, &(unsigned){400});
    settle();
    assert_int_equal(b.got, 10);
    net_socket_hold(b.net, true);
    b.room = UINT32_MAX;
    lock_take(&device_lock);
    net_flush(&b.port);
    lock_drop(&device_lock);
    settle();
    assert_in_range(b.got, 10, 11);
    net_socket_hold(b.net, false);
    settle();
    assert_int_equal(b.got, 400);
    assert_true(b.sum == sum);
    guest_free(&a);
    guest_free(&b);
    g_free(path);
}

static int dial(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(name.sun_path, path, sizeof(name.sun_path));
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    return fd;
}

/* Whatever comes: whole frames reach the guest, a length that none has ends the connection, and the
 * next may come. */
static void test_stranger(void **state)
{
    static const uint32_t lengths[] = {0, NET_FRAME_MAX + 1, 0x7fffffff, 0x80000000, 0xffffffff};
    char *path = place("cable");
    struct guest a;

    (void)state;
    guest_init(&a, "stream,id=n,server=on,addr.type=unix,addr.path=%s", path, NULL);
    for (unsigned k = 0; k < G_N_ELEMENTS(lengths); k++) {
        uint8_t bytes[] = {0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 9, 9};
        uint32_t be = GUINT32_TO_BE(lengths[k]);
        int fd = dial(path);
        char c;

        memcpy(bytes + 7, &be, 4);
        a.got = 0;
        for (unsigned n = 0; n < sizeof(bytes); n++) { /* byte by byte */
            if (send(fd, bytes + n, 1, MSG_NOSIGNAL) < 0)
                assert_true(n > 10);
            while (g_main_context_iteration(NULL, FALSE))
                ;
        }
        settle();
        assert_int_equal(a.got, 1);
        assert_true(recv(fd, &c, 1, MSG_DONTWAIT) <= 0 && errno != EAGAIN);
        close(fd);
        settle();
        assert_false(net_link_up(&a.port));
    }
    guest_free(&a);
    g_free(path);
}

/* Each is refused by one line. */
static void test_options(void **state)
{
    static const char *const wrong[] = {
        "socket,id=n",
        "socket,id=n,listen=:1,connect=:2",
        "socket,id=n,listen=192.0.2.1:5",
        "socket,id=n,udp=:5",
        "socket,id=n,listen=:1,udp=:5,localaddr=:6",
        "socket,id=n,lisen=:1",
        "stream,id=n",
        "stream,id=n,addr.type=unix",
        "stream,id=n,addr.type=inet,addr.path=x",
        "stream,id=n,addr.type=fax",
        "stream,id=n,addr.type=unix,addr.path=x,server=on,reconnect=3",
        "stream,id=n,addr.type=inet,addr.host=example.org,addr.port=3",
        "stream,addr.type=unix,addr.path=x",
        "dgram,id=n,local.type=unix,local.path=x",
        "dgram,id=n,local.type=unix,local.path=x,remote.type=inet,remote.port=5",
        "dgram,id=n,local.type=inet,local.port=0,remote.type=inet,remote.port=0",
        "dgram,id=n,server=on",
        "strem,id=n",
    };
    static const char *const right[] = {
        "socket,id=n,udp=127.0.0.1:5,localaddr=:6",
        "stream,id=n,addr.type=inet,addr.host=::1,addr.port=3",
        "stream,id=n,addr.type=inet,addr.port=3,addr.host=localhost,reconnect=2",
        "dgram,id=n,local.type=inet,local.host=::1,local.port=1,remote.type=inet,remote.port=2",
    };

    (void)state;
    for (unsigned k = 0; k < G_N_ELEMENTS(wrong); k++) {
        GError *err = NULL;

        if (netdev_config_new(wrong[k], NULL, &err))
            fail_msg("took %s", wrong[k]);
        assert_null(strchr(err->message, '\n'));
        g_error_free(err);
    }
    for (unsigned k = 0; k < G_N_ELEMENTS(right); k++) {
        struct netdev_config *c = netdev_config_new(right[k], NULL, NULL);

        if (!c)
            fail_msg("refused %s", right[k]);
        netdev_config_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stream_unix, setup, teardown),
        cmocka_unit_test(test_stream_tcp),
        cmocka_unit_test_setup_teardown(test_stream_reconnect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dgram_unix, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flow_control, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stranger, setup, teardown),
        cmocka_unit_test(test_options),
    };

    lock_init(&device_lock);
    return unit_main(tests);
}
