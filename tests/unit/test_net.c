/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cables, captures, and the user network as a guest's frames meet it. */
#include "tests/unit/unit.h"

#include "backends/net_dump.h"
#include "backends/net_user.h"
#include "base/bits.h"
#include "base/clock.h"
#include "base/lock.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>

/* ---- a port that keeps what it gets ---- */

struct end {
    struct net_port port;
    GPtrArray *got;
    bool full;
    unsigned ups, downs, told;
};

static bool end_takes(void *opaque)
{
    return !((struct end *)opaque)->full;
}

static void end_got(void *opaque, const struct iovec *iov, unsigned n)
{
    g_ptr_array_add(((struct end *)opaque)->got, net_frame_copy(iov, n));
}

static void end_link(void *opaque, bool up)
{
    struct end *e = opaque;

    e->ups += up;
    e->downs += !up;
}

static void end_writable(void *opaque)
{
    ((struct end *)opaque)->told++;
}

static const struct net_port_ops end_ops = {end_takes, end_got, end_link, end_writable, false};

static struct end *end_new(const char *name)
{
    struct end *e = g_new0(struct end, 1);

    e->got = g_ptr_array_new_with_free_func(g_free);
    net_port_init(&e->port, name, &end_ops, e);
    return e;
}

static void end_free(struct end *e)
{
    net_port_clear(&e->port);
    g_ptr_array_unref(e->got);
    g_free(e);
}

static bool send_text(struct end *e, const char *text)
{
    struct iovec iov[2] = {{(void *)(uintptr_t)text, 1},
                           {(void *)(uintptr_t)(text + 1), strlen(text) - 1}};

    return net_send(&e->port, iov, 2);
}

static void assert_got(struct end *e, unsigned n, const char *text)
{
    const struct net_frame *f;

    assert_true(n < e->got->len);
    f = e->got->pdata[n];
    assert_int_equal(f->len, strlen(text));
    assert_memory_equal(f->data, text, f->len);
}

/* ---- cables ---- */

static void test_cable(void **state)
{
    struct end *a = end_new("a"), *b = end_new("b");

    (void)state;
    assert_false(send_text(a, "into nothing"));
    net_connect(&a->port, &b->port);
    assert_int_equal(a->ups + b->ups, 2);
    assert_true(send_text(a, "one"));
    assert_got(b, 0, "one");
    b->full = true;
    assert_false(net_can_send(&a->port));
    assert_true(send_text(a, "two"));
    assert_int_equal(b->got->len, 1);
    b->full = false;
    assert_true(send_text(a, "three")); /* none overtakes */
    assert_int_equal(b->got->len, 1);
    net_flush(&b->port);
    assert_got(b, 1, "two");
    assert_got(b, 2, "three");
    assert_int_equal(a->told, 1);
    assert_true(net_can_send(&a->port));
    assert_int_equal(a->port.stats.frames, 3);
    assert_int_equal(a->port.stats.dropped, 1);
    end_free(a);
    assert_int_equal(b->downs, 1);
    assert_false(send_text(b, "nobody"));
    end_free(b);
}

static void test_queue_has_an_end(void **state)
{
    struct end *a = end_new("a"), *b = end_new("b");

    (void)state;
    net_connect(&a->port, &b->port);
    b->full = true;
    for (unsigned n = 0; n < NET_QUEUE_MAX; n++)
        assert_true(send_text(a, "frame"));
    assert_false(send_text(a, "frame"));
    b->full = false;
    net_flush(&b->port);
    assert_int_equal(b->got->len, NET_QUEUE_MAX);
    end_free(a);
    end_free(b);
}

static void test_link(void **state)
{
    struct end *a = end_new("a"), *b = end_new("b");

    (void)state;
    net_connect(&a->port, &b->port);
    b->full = true;
    assert_false(net_can_send(&a->port));
    send_text(a, "kept");
    net_set_link(&b->port, false);
    assert_int_equal(a->downs, 1);
    assert_int_equal(b->downs, 1);
    assert_int_equal(a->told, 1); /* nothing is to be waited for */
    assert_true(net_can_send(&a->port));
    assert_false(send_text(a, "lost"));
    net_set_link(&a->port, false);
    net_set_link(&b->port, true);
    assert_false(net_link_up(&a->port));
    assert_int_equal(a->downs, 1);
    net_set_link(&a->port, true);
    assert_int_equal(a->ups, 2);
    b->full = false;
    send_text(a, "through");
    assert_int_equal(b->got->len, 1);
    end_free(a);
    end_free(b);
}

/* ---- captures ---- */

static void test_capture(void **state)
{
    struct end *a = end_new("a"), *b = end_new("b");
    char *dir = g_dir_make_tmp("penumbra-XXXXXX", NULL), *file = g_build_filename(dir, "p", NULL);
    struct lock lock;
    struct vclock *clock = clock_new_manual();
    struct net_dump_config cfg = {
        .file = file, .snap = 8, .lock = &lock, .clock = clock, .epoch_us = 1767225600000000};
    struct net_dump *d;
    struct net_tap tap;
    uint8_t *p;
    gsize len;

    (void)state;
    lock_init(&lock);
    d = net_dump_new(&cfg, NULL);
    assert_non_null(d);
    tap = net_dump_tap(d);
    net_add_tap(&b->port, &tap);
    net_connect(&a->port, &b->port);
    clock_advance_to(clock, 1234567890);
    send_text(a, "0123456789");
    while (g_main_context_iteration(NULL, FALSE)) /* some is written meanwhile */
        continue;
    send_text(b, "abc");
    net_dump_free(d);
    assert_true(g_file_get_contents(file, (char **)&p, &len, NULL));
    assert_int_equal(len, 24 + 16 + 8 + 16 + 3);
    assert_int_equal(ld_le32(p), 0xa1b2c3d4);
    assert_int_equal(ld_le16(p + 4), 2);
    assert_int_equal(ld_le16(p + 6), 4);
    assert_int_equal(ld_le32(p + 16), 8);
    assert_int_equal(ld_le32(p + 20), 1);
    assert_int_equal(ld_le32(p + 24), 1767225601);
    assert_int_equal(ld_le32(p + 28), 234567);
    assert_int_equal(ld_le32(p + 32), 8);
    assert_int_equal(ld_le32(p + 36), 10);
    assert_memory_equal(p + 40, "01234567", 8);
    assert_int_equal(ld_le32(p + 48 + 8), 3);
    assert_memory_equal(p + 64, "abc", 3);
    g_free(p);
    cfg.file = "/nowhere/at/all";
    assert_null(net_dump_new(&cfg, NULL));
    g_unlink(file);
    g_rmdir(dir);
    g_free(file);
    g_free(dir);
    end_free(a);
    end_free(b);
    clock_free(clock);
    lock_clear(&lock);
}

/* ---- options ---- */

static bool option(struct net_user_options *o, const char *key, const char *value)
{
    GError *err = NULL;
    int rc = net_user_option(o, key, value, &err);

    assert_true((rc < 0) == (err != NULL));
    g_clear_error(&err);
    return rc > 0;
}

static void test_options(void **state)
{
    struct net_user_options *o = net_user_options_new();
    const struct net_hostfwd *f;
    char text[INET_ADDRSTRLEN];

    (void)state;
    assert_int_equal(net_user_option(o, "colour", "blue", NULL), 0);
    assert_true(option(o, "net", "192.168.7.99/24"));
    assert_true(option(o, "hostfwd", "tcp:127.0.0.1:2222-:22"));
    assert_true(option(o, "hostfwd", "udp::0-192.168.7.15:53"));
    assert_true(option(o, "restrict", "on"));
    assert_true(option(o, "guestfwd", "tcp:192.168.7.100:80-cmd:cat"));
    for (const char *const *bad =
             (const char *const[]){"", "tcp", "tcp:127.0.0.1:2222", "tcp:127.0.0.1:2222-22",
                                   "tcp:localhost:2222-:22", "tcp::70000-:22", "tcp::22-:0",
                                   "sctp::22-:22", "tcp::22x-:22", NULL};
         *bad; bad++)
        assert_false(option(o, "hostfwd", *bad));
    assert_false(option(o, "net", "10.0.2.0/33"));
    assert_true(option(o, "net", "192.168.7.0/255.255.255.0"));
    assert_false(option(o, "tftp", "/nowhere/at/all"));
    assert_true(net_user_options_finish(o, NULL));
    assert_string_equal(inet_ntop(AF_INET, &o->dhcpstart, text, sizeof(text)), "192.168.7.15");
    assert_int_equal(o->hostfwd->len, 2);
    f = &g_array_index(o->hostfwd, struct net_hostfwd, 0);
    assert_false(f->udp);
    assert_int_equal(f->host_port, 2222);
    assert_int_equal(ntohl(f->host.s_addr), 0x7f000001);
    assert_true(g_array_index(o->hostfwd, struct net_hostfwd, 1).udp);
    assert_true(option(o, "dns", "192.168.8.3"));
    assert_false(net_user_options_finish(o, NULL));
    net_user_options_free(o);
}

/* ---- libslirp ---- */

struct network {
    struct lock lock;
    struct vclock *clock;
    struct net_user *user;
    struct end *guest;
};

static struct network *network_new(void)
{
    struct network *n = g_new0(struct network, 1);
    struct net_user_options *o = net_user_options_new();
    struct net_user_config cfg = {"n0", o, &n->lock, NULL};

    lock_init(&n->lock);
    n->clock = cfg.clock = clock_new_host();
    n->guest = end_new("guest");
    assert_true(net_user_options_finish(o, NULL));
    n->user = net_user_new(&cfg, NULL);
    assert_non_null(n->user);
    net_user_options_free(o);
    net_connect(&n->guest->port, net_user_port(n->user));
    return n;
}

static void network_free(struct network *n)
{
    end_free(n->guest);
    net_user_free(n->user);
    clock_free(n->clock);
    lock_clear(&n->lock);
    g_free(n);
}

/* Asks who has 10.0.2.2. */
static void send_arp(struct network *n)
{
    static const uint8_t arp[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 1,  2,
                                    3,    0x08, 0x06, 0,    1,    0x08, 0,    6,    4, 0,  1,
                                    0x52, 0x54, 0,    1,    2,    3,    10,   0,    2, 15, 0,
                                    0,    0,    0,    0,    0,    10,   0,    2,    2};
    struct iovec iov = {(void *)(uintptr_t)arp, sizeof(arp)};

    lock_take(&n->lock);
    net_send(&n->guest->port, &iov, 1);
    lock_drop(&n->lock);
}

/* Is there an answer? Waits for it, or sees that the loop has nothing left to do. */
static bool answered(struct network *n, bool wait)
{
    for (;;) {
        for (guint k = 0; k < n->guest->got->len; k++) {
            const struct net_frame *f = n->guest->got->pdata[k];

            if (f->len >= 42 && f->data[12] == 8 && f->data[13] == 6 && f->data[21] == 2 &&
                !memcmp(f->data + 28, "\x0a\x00\x02\x02", 4))
                return true;
        }
        if (!g_main_context_iteration(NULL, wait) && !wait)
            return false;
    }
}

static void test_user_answers(void **state)
{
    struct network *n = network_new();

    (void)state;
    send_arp(n);
    assert_int_equal(n->guest->got->len, 0); /* not on the sender's thread */
    assert_true(answered(n, true));
    network_free(n);
}

static void test_pause_holds_answers(void **state)
{
    struct network *n = network_new();

    (void)state;
    clock_stop(n->clock);
    net_user_hold(n->user, true);
    send_arp(n);
    assert_false(answered(n, false));
    clock_cont(n->clock);
    net_user_hold(n->user, false);
    assert_true(answered(n, true));
    network_free(n);
}

static void test_hostfwd_while_it_runs(void **state)
{
    struct network *n = network_new();
    struct net_hostfwd f;
    GError *err = NULL;
    char *text;

    (void)state;
    assert_true(net_hostfwd_parse("tcp:127.0.0.1:0-:22", false, &f, NULL));
    assert_true(net_user_add_hostfwd(n->user, &f, NULL));
    text = net_user_connections(n->user);
    assert_non_null(strstr(text, "TCP[HOST_FORWARD]"));
    g_free(text);
    f.host_port = 1; /* not forwarded */
    assert_false(net_user_remove_hostfwd(n->user, &f, &err));
    assert_non_null(strstr(err->message, "127.0.0.1:1"));
    g_clear_error(&err);
    network_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cable),
        cmocka_unit_test(test_queue_has_an_end),
        cmocka_unit_test(test_link),
        cmocka_unit_test(test_capture),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_user_answers),
        cmocka_unit_test(test_pause_holds_answers),
        cmocka_unit_test(test_hostfwd_while_it_runs),
    };

    return unit_main(tests);
}
