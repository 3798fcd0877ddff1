/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio network adapter (devices/virtio/virtio_net.h): frames in and out, merged buffers,
 * checksums, filters and commands; buffers that are too short and chains that are none.
 */
#include "tests/unit/virtio_rig.h"

#include "devices/virtio/virtio_net.h"

enum { RX = 0, TX = 1, CTRL = 2 };
#define BUF   RIG_BUFFERS
#define CMD   (RIG_BUFFERS + 0x100000)
#define ACK   (RIG_BUFFERS + 0x110000)
#define FRAME 1000u

static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
static struct virtio_rig r;
static struct virtio_net *nic;
static struct net_port far;
static bool far_full;
static GPtrArray *got;

static bool far_takes(void *opaque)
{
    (void)opaque;
    return !far_full;
}

static void far_got(void *opaque, const struct iovec *iov, unsigned n)
{
    (void)opaque;
    g_ptr_array_add(got, net_frame_copy(iov, n));
}

static const struct net_port_ops far_ops = {.can_receive = far_takes, .receive = far_got};

static void make_pairs(bool legacy, uint16_t pairs)
{
    struct virtio_net_config cfg = {.nic = {.name = "nic", .devfn = RIG_DEVFN},
                                    .form = VIRTIO_TRANSITIONAL,
                                    .mtu = 1400,
                                    .queue_size = 64,
                                    .pairs = pairs,
                                    .mrg_rxbuf = true,
                                    .csum = true,
                                    .tso = true};

    virtio_rig_init(&r, legacy);
    memcpy(cfg.nic.mac, mac, sizeof(mac));
    cfg.nic.bus = r.pci;
    cfg.nic.clock = r.clock;
    far_full = false;
    got = g_ptr_array_new_with_free_func(g_free);
    net_port_init(&far, "far", &far_ops, NULL);
    nic = virtio_net_new(&cfg, NULL);
    assert_non_null(nic);
    net_connect(&far, virtio_net_port(nic));
}

static void make(bool legacy)
{
    make_pairs(legacy, 1);
}

static int setup_pairs(void **state)
{
    (void)state;
    make_pairs(false, 3);
    return 0;
}

static int setup_modern(void **state)
{
    (void)state;
    make(false);
    return 0;
}

static int setup_legacy(void **state)
{
    (void)state;
    make(true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(virtio_net_device(nic));
    net_port_clear(&far);
    g_ptr_array_unref(got);
    virtio_rig_free(&r);
    return 0;
}

static const struct net_frame *sent(unsigned n)
{
    assert_true(n < got->len);
    return g_ptr_array_index(got, n);
}

static void make_frame(uint8_t *f, size_t len, const uint8_t *to)
{
    memcpy(f, to, 6);
    memset(f + 6, 2, 6);
    f[12] = 0x88;
    f[13] = 0xb5;
    for (size_t k = 14; k < len; k++)
        f[k] = (uint8_t)(k * 7);
}

static void arrive(const uint8_t *f, size_t len)
{
    struct iovec iov[2] = {{(void *)(uintptr_t)f, len / 2},
                           {(void *)(uintptr_t)(f + len / 2), len - len / 2}};

    net_send(&far, iov, 2);
}

/* The next used chain of the receive queue; its bytes, 0 for none. */
static uint32_t received(uint16_t *head)
{
    uint32_t len;

    return rig_used(&r, RX, head, &len) ? len : 0;
}

static void give(unsigned n, uint32_t len)
{
    for (unsigned k = 0; k < n; k++)
        rig_add(&r, RX, (const struct rig_buf[]){{BUF + k * len, len, true}}, 1);
    rig_kick(&r, RX);
}

static void send_frames(size_t header)
{
    uint8_t *f = r.ram + BUF + header;
    const struct rig_buf one[] = {{BUF, (uint32_t)header, false},
                                  {BUF + header, 100, false},
                                  {BUF + header + 100, FRAME - 100, false}};
    uint16_t head, used;
    uint32_t len;

    for (unsigned k = 0; k < 200; k++) {
        memset(r.ram + BUF, 0, header);
        make_frame(f, FRAME, mac);
        f[20] = (uint8_t)k;
        head = rig_add(&r, TX, one, 3);
        rig_kick(&r, TX);
        assert_true(rig_used(&r, TX, &used, &len));
        assert_int_equal(used, head);
        assert_int_equal(sent(k)->len, FRAME);
        assert_memory_equal(sent(k)->data, f, FRAME);
    }
}

static void test_modern(void **state)
{
    static uint8_t f[FRAME];
    uint16_t head;

    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), 3, true);
    send_frames(12);
    assert_true(r.messages[TX]);
    make_frame(f, FRAME, mac);
    give(3, 2000);
    arrive(f, FRAME);
    assert_int_equal(received(&head), FRAME + 12);
    assert_int_equal(r.messages[RX], 1);
    assert_memory_equal(r.ram + BUF + 12, f, FRAME);
    assert_int_equal(ld_le16(r.ram + BUF + 10), 1);
}

static void test_legacy(void **state)
{
    static uint8_t f[FRAME];
    uint16_t head;

    (void)state;
    virtio_rig_start(&r, 0, 2, false);
    send_frames(10);
    make_frame(f, FRAME, mac);
    give(1, 2000);
    arrive(f, FRAME);
    assert_int_equal(received(&head), FRAME + 10);
    assert_memory_equal(r.ram + BUF + 10, f, FRAME);
    assert_true(r.intx);
    rig_set_config(&r, 0, 0xaa, 1); /* its address, by hand */
    assert_int_equal(rig_config(&r, 0, 1), 0xaa);
}

static void test_config(void **state)
{
    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), 3, true);
    for (unsigned k = 0; k < 6; k++)
        assert_int_equal(rig_config(&r, k, 1), mac[k]);
    rig_set_config(&r, 0, 0xaa, 1);
    assert_int_equal(rig_config(&r, 0, 1), 0x52);
    assert_int_equal(rig_config(&r, 6, 2), 1);
    assert_int_equal(rig_config(&r, 10, 2), 1400);
    net_set_link(&far, false);
    assert_int_equal(rig_config(&r, 6, 2), 0);
    assert_int_equal(r.messages[3], 1);
    net_set_link(&far, true);
    assert_int_equal(rig_config(&r, 6, 2), 3); /* and announce yourself */
}

/* 5.1.6.3.1: a frame in several buffers; and one that has to wait for the last of them. */
static void test_merged(void **state)
{
    static uint8_t f[5000];
    uint16_t head;

    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), 3, false);
    make_frame(f, sizeof(f), mac);
    give(2, 2048);
    arrive(f, sizeof(f));
    arrive(f, 60);
    assert_int_equal(received(&head), 0);
    rig_add(&r, RX, (const struct rig_buf[]){{BUF + 2 * 2048, 2048, true}}, 1);
    rig_kick(&r, RX);
    assert_int_equal(received(&head), 2048);
    assert_int_equal(ld_le16(r.ram + BUF + 10), 3);
    assert_int_equal(received(&head), 2048);
    assert_int_equal(received(&head), 5012 - 4096);
    assert_memory_equal(r.ram + BUF + 12, f, 5000);
    assert_int_equal(received(&head), 0);
    rig_add(&r, RX, (const struct rig_buf[]){{BUF, 2048, true}}, 1);
    rig_kick(&r, RX);
    assert_int_equal(received(&head), 72);
    give(1, 2048); /* without merging, what does not fit is lost */
    virtio_rig_start(&r, ~VIRTIO_NET_F_MRG_RXBUF, 3, false);
    give(1, 2048);
    arrive(f, sizeof(f));
    arrive(f, 60);
    assert_int_equal(received(&head), 72);
    assert_int_equal(received(&head), 0);
}

static uint8_t command(uint8_t class, uint8_t cmd, const void *data, uint32_t len)
{
    const struct rig_buf buf[] = {{CMD, 2, false}, {CMD + 2, len, false}, {ACK, 1, true}};
    uint16_t head;
    uint32_t written;

    r.ram[CMD] = class;
    r.ram[CMD + 1] = cmd;
    memcpy(r.ram + CMD + 2, data, len);
    r.ram[ACK] = 0xee;
    rig_add(&r, CTRL, buf, 3);
    rig_kick(&r, CTRL);
    assert_true(rig_used(&r, CTRL, &head, &written));
    assert_int_equal(written, 1);
    return r.ram[ACK];
}

static bool comes(const uint8_t *to, unsigned vlan)
{
    static uint8_t f[100];
    uint16_t head;

    make_frame(f, sizeof(f), to);
    if (vlan) {
        st_le32(f + 12, 0x81);
        f[14] = (uint8_t)(vlan >> 8);
        f[15] = (uint8_t)vlan;
    }
    give(1, 2000);
    arrive(f, sizeof(f));
    return received(&head) == 112;
}

static void test_filter(void **state)
{
    static const uint8_t other[6] = {2, 0, 0, 0, 0, 9}, multi[6] = {1, 0, 0x5e, 0, 0, 1};
    static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
    uint8_t table[20] = {1, 0, 0, 0, 2, 0, 0, 0, 0, 9, 1, 0, 0, 0, 1, 0, 0x5e, 0, 0, 1};
    uint8_t many[4 + 6 * 65 + 4] = {65};

    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), 3, false);
    assert_true(comes(other, 0)); /* promiscuous at first */
    assert_int_equal(command(0, 0, "\0", 1), 0);
    assert_false(comes(other, 0));
    assert_false(comes(multi, 0));
    assert_true(comes(mac, 0));
    assert_true(comes(all, 0));
    assert_int_equal(command(0, 5, "\1", 1), 0);
    assert_false(comes(all, 0));
    assert_int_equal(command(0, 1, "\1", 1), 0);
    assert_true(comes(multi, 0));
    assert_int_equal(command(0, 1, "\0", 1), 0);
    assert_int_equal(command(1, 0, table, sizeof(table)), 0);
    assert_true(comes(multi, 0));
    assert_true(comes(other, 0));
    assert_int_equal(command(1, 0, many, sizeof(many)), 0); /* too many: all unicast */
    assert_true(comes((const uint8_t *)"\2\7\7\7\7\7", 0));
    assert_false(comes(multi, 0));
    assert_int_equal(command(1, 1, "\2\1\2\3\4\5", 6), 0);
    assert_int_equal(rig_config(&r, 5, 1), 5);
    assert_false(comes(mac, 7)); /* its VLAN is not wanted */
    assert_int_equal(command(2, 0, "\7\0", 2), 0);
    assert_true(comes((const uint8_t *)"\2\1\2\3\4\5", 7));
    assert_int_equal(command(2, 1, "\7\0", 2), 0);
    assert_false(comes((const uint8_t *)"\2\1\2\3\4\5", 7));
    assert_int_equal(command(2, 0, "\0\x10", 2), 1);
    assert_int_equal(command(0, 6, "\0", 1), 1);
    assert_int_equal(command(0, 0, "", 0), 1);
    assert_int_equal(command(1, 0, "\xff\xff\xff\xff", 4), 1);
    assert_int_equal(command(1, 0, table, 10), 1);
    assert_int_equal(command(1, 1, "\2", 1), 1);
    assert_int_equal(command(9, 0, "", 0), 1);
    assert_int_equal(command(3, 0, "", 0), 1); /* nothing was to be announced */
}

static const struct net_frame *offload(uint8_t flags, uint8_t gso, unsigned start, unsigned offset,
                                       size_t len)
{
    const struct rig_buf one[] = {{BUF, 12 + (uint32_t)len, false}};
    unsigned before = got->len;
    uint16_t used;
    uint32_t n;

    memset(r.ram + BUF, 0, 12);
    r.ram[BUF] = flags;
    r.ram[BUF + 1] = gso;
    st_le16(r.ram + BUF + 6, (uint16_t)start);
    st_le16(r.ram + BUF + 8, (uint16_t)offset);
    rig_add(&r, TX, one, 1);
    rig_kick(&r, TX);
    assert_true(rig_used(&r, TX, &used, &n));
    return got->len > before ? sent(before) : NULL;
}

/* 5.1.6.2: the driver has summed the pseudo header, we the rest; and the reverse way. */
static void test_checksums(void **state)
{
    static uint8_t good[60000];
    uint8_t *f = r.ram + BUF + 12;
    size_t len = sizeof(good);
    uint16_t head;
    uint32_t pseudo;

    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), 3, false);
    for (unsigned large = 0; large < 2; large++) {
        len = large ? sizeof(good) : 999;
        make_frame(good, len, mac);
        memcpy(good + 12, "\x08\x00\x45\x00", 4);
        good[16] = (uint8_t)((len - 14) >> 8);
        good[17] = (uint8_t)(len - 14);
        memcpy(good + 18, "\0\1\x40\0\x40\6\0\0\12\0\2\17\12\0\2\2", 16);
        good[46] = 0x50;
        ether_fill_ip(good, len);
        memcpy(f, good, len);
        pseudo = (0x0a00u + 0x020f + 0x0a00 + 0x0202 + 6 + (uint32_t)(len - 34));
        pseudo = (pseudo & 0xffff) + (pseudo >> 16);
        f[50] = (uint8_t)(pseudo >> 8);
        f[51] = (uint8_t)pseudo;
        ether_fill_l4(good, len);
        assert_memory_equal(offload(1, large ? 1 : 0, 34, 16, len)->data, good, len);
    }
    give(64, 2000);
    arrive(good, 100); /* cut short: no sum that could be good */
    assert_int_equal(received(&head), 112);
    assert_int_equal(r.ram[BUF], 0);
    arrive(good, len);
    assert_int_equal(received(&head), 2000);
    assert_int_equal(r.ram[BUF + 2000], 2);        /* DATA_VALID */
    assert_null(offload(1, 0, 65535, 65535, 100)); /* outside */
    assert_null(offload(1, 0, 98, 1, 100));
    assert_null(offload(0, 3, 0, 0, 100)); /* UDP fragmentation was not offered */
    assert_null(offload(0, 0, 0, 0, 0));
    assert_null(offload(0, 0, 0, 0, 70000));
}

/* The other end is full: frames stay in the queue. */
static void test_waiting(void **state)
{
    const struct rig_buf one[] = {{BUF, 112, false}};
    uint16_t used;
    uint32_t len;

    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), 3, false);
    memset(r.ram + BUF, 0, 112);
    far_full = true;
    rig_add(&r, TX, one, 1);
    rig_add(&r, TX, one, 1);
    rig_kick(&r, TX);
    assert_false(rig_used(&r, TX, &used, &len));
    far_full = false;
    net_flush(&far);
    assert_int_equal(got->len, 2);
    assert_true(rig_used(&r, TX, &used, &len));
    assert_true(rig_used(&r, TX, &used, &len));
}

static void expect_broken(unsigned queue, const struct rig_buf *buf, unsigned n)
{
    static uint8_t f[60];

    rig_add(&r, queue, buf, n);
    rig_kick(&r, queue);
    make_frame(f, sizeof(f), mac);
    arrive(f, sizeof(f));
    assert_true(rig_status(&r) & VIRTIO_NEEDS_RESET);
    virtio_rig_start(&r, ~UINT64_C(0), 3, false);
}

static void test_hostile(void **state)
{
    static const uint8_t multi[6] = {1, 0, 0x5e, 0, 0, 1};
    uint8_t f[1500];

    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), 3, false);
    expect_broken(TX, (const struct rig_buf[]){{BUF, 11, false}}, 1);
    expect_broken(TX, (const struct rig_buf[]){{BUF, 100, true}}, 1);
    expect_broken(RX, (const struct rig_buf[]){{BUF, 11, true}}, 1);
    expect_broken(RX, (const struct rig_buf[]){{BUF, 2000, false}}, 1);
    expect_broken(CTRL, (const struct rig_buf[]){{BUF, 1, false}, {ACK, 1, true}}, 2);
    expect_broken(CTRL, (const struct rig_buf[]){{BUF, 20, false}}, 1);
    for (unsigned k = 0; k < 64; k++) /* a ring full of buffers that are too short together */
        rig_add(&r, RX, (const struct rig_buf[]){{BUF, 12, true}}, 1);
    rig_kick(&r, RX);
    make_frame(f, sizeof(f), multi);
    arrive(f, sizeof(f));
    arrive(f, sizeof(f));
    assert_false(rig_status(&r) & VIRTIO_NEEDS_RESET);
    device_reset(virtio_net_device(nic));
    arrive(f, sizeof(f));
}

/* ---- several pairs ---- */

static uint8_t set_pairs(unsigned ctrl, uint16_t n)
{
    const struct rig_buf command[] = {{CMD, 4, false}, {ACK, 1, true}};
    uint16_t head;
    uint32_t len;

    r.ram[CMD] = 4;
    r.ram[CMD + 1] = 0;
    st_le16(r.ram + CMD + 2, n);
    r.ram[ACK] = 0xff;
    rig_add(&r, ctrl, command, 2);
    rig_kick(&r, ctrl);
    assert_true(rig_used(&r, ctrl, &head, &len));
    return r.ram[ACK];
}

/* TCP from or to port `port` of a peer. */
static void make_tcp(uint8_t *f, unsigned port, bool out)
{
    static const uint8_t us[4] = {10, 0, 2, 15}, peer[4] = {10, 0, 2, 2};

    make_frame(f, 60, mac);
    f[12] = 0x08;
    f[13] = 0x00;
    memset(f + 14, 0, 46);
    f[14] = 0x45;
    f[17] = 46;
    f[23] = 6;
    memcpy(f + 26, out ? us : peer, 4);
    memcpy(f + 30, out ? peer : us, 4);
    f[out ? 36 : 34] = (uint8_t)(port >> 8);
    f[out ? 37 : 35] = (uint8_t)port;
    f[out ? 34 : 36] = 0x30;
}

static void add_room(unsigned pair)
{
    for (unsigned k = 0; k < 40; k++)
        rig_add(&r, 2 * pair, (const struct rig_buf[]){{BUF + 0x40000 + k * 2048, 2048, true}}, 1);
    rig_kick(&r, 2 * pair);
}

static unsigned count_used(unsigned queue)
{
    unsigned n = 0;
    uint16_t head;
    uint32_t len;

    while (rig_used(&r, queue, &head, &len))
        n++;
    return n;
}

static void send_tcp(unsigned pair, unsigned port)
{
    memset(r.ram + BUF, 0, 12);
    make_tcp(r.ram + BUF + 12, port, true);
    rig_add(&r, 2 * pair + 1, (const struct rig_buf[]){{BUF, 72, false}}, 1);
    rig_kick(&r, 2 * pair + 1);
}

/* A driver that knows of pairs has its control queue behind them; those that it uses are served,
 * and what belongs to a flow comes where the flow's frames go out. */
static void test_pairs(void **state)
{
    uint8_t f[60];

    (void)state;
    assert_true(virtio_rig_start(&r, ~UINT64_C(0), 7, true) & VIRTIO_NET_F_MQ);
    assert_int_equal(rig_config(&r, 8, 2), 3);
    for (unsigned pair = 0; pair < 3; pair++)
        add_room(pair);
    send_tcp(2, 80); /* is not in use */
    assert_int_equal(got->len, 0);
    make_tcp(f, 80, false);
    arrive(f, sizeof(f));
    assert_int_equal(count_used(0), 1);
    assert_int_equal(set_pairs(6, 0), 1);
    assert_int_equal(set_pairs(6, 4), 1);
    assert_int_equal(set_pairs(6, 3), 0);
    assert_int_equal(got->len, 1); /* what had waited */
    for (unsigned port = 1; port <= 3; port++)
        send_tcp(port - 1, 100 * port);
    for (unsigned port = 1; port <= 3; port++) {
        make_tcp(f, 100 * port, false);
        for (unsigned k = 0; k < 5 + port; k++)
            arrive(f, sizeof(f));
    }
    assert_int_equal(got->len, 4);
    for (unsigned pair = 0; pair < 3; pair++)
        assert_int_equal(count_used(2 * pair), 6 + pair);
    /* full: another takes it, and nothing is lost when none can */
    make_tcp(f, 300, false);
    for (unsigned k = 0; k < 200; k++)
        arrive(f, sizeof(f));
    assert_int_equal(count_used(0) + count_used(2) + count_used(4), 120 - 1 - 6 - 7 - 8);
    add_room(0);
    add_room(1);
    add_room(2);
    assert_int_equal(count_used(0) + count_used(2) + count_used(4), 102);
    assert_int_equal(set_pairs(6, 1), 0);
    arrive(f, sizeof(f)); /* there is room in the third alone, which counts no more */
    assert_int_equal(count_used(0) + count_used(2) + count_used(4), 0);
    add_room(0);
    assert_int_equal(count_used(0), 1);
}

/* One that does not has it where it is without them. */
static void test_pairs_not_taken(void **state)
{
    (void)state;
    assert_false(virtio_rig_start(&r, ~VIRTIO_NET_F_MQ, 3, true) & VIRTIO_NET_F_MQ);
    add_room(0);
    assert_int_equal(set_pairs(2, 1), 1);
    send_tcp(0, 80);
    assert_int_equal(got->len, 1);
}

#define NET_TEST(fn, form) cmocka_unit_test_setup_teardown(fn, setup_##form, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(test_modern, modern),  NET_TEST(test_legacy, legacy),
        NET_TEST(test_config, modern),  NET_TEST(test_merged, modern),
        NET_TEST(test_filter, modern),  NET_TEST(test_checksums, modern),
        NET_TEST(test_waiting, modern), NET_TEST(test_hostile, modern),
        NET_TEST(test_pairs, pairs),    NET_TEST(test_pairs_not_taken, pairs),
    };
    return unit_main(tests);
}
