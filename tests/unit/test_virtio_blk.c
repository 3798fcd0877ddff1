/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio disk (devices/virtio/virtio_blk.h): requests of all kinds and what they come to, the
 * write cache, several queues, resets with requests in flight, and chains that are none.
 */
#include "tests/unit/virtio_rig.h"

#include <errno.h>

#include "devices/virtio/virtio_blk.h"
#include "tests/unit/slow_block.h"

#define SIZE    (4u << 20)
#define QUEUES  3u
#define HEADER  RIG_BUFFERS
#define DATA    (RIG_BUFFERS + 0x1000)
#define STATUS  (RIG_BUFFERS + 0x100000)
#define PENDING 0xee

enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, ZEROES = 13 };
enum { OK = 0, IOERR = 1, UNSUPP = 2 };

static struct virtio_rig r;
static struct block_engine *engine;
static struct slow_block *slow;
static struct virtio_blk *disk;
static unsigned discards;

static int count_discard(struct block *b, uint64_t off, uint64_t len)
{
    struct slow_block *s = (struct slow_block *)b;

    memset(s->data + off, 0xdd, len);
    discards++;
    return 0;
}

static void make(bool legacy, bool readonly)
{
    const struct block_engine_config e = {.threads = 4};
    struct virtio_blk_config cfg = {.devfn = RIG_DEVFN,
                                    .form = VIRTIO_TRANSITIONAL,
                                    .serial = "disk-1",
                                    .queues = QUEUES,
                                    .queue_size = 64,
                                    .logical = 512,
                                    .physical = 4096,
                                    .config_wce = true,
                                    .discard = true,
                                    .write_zeroes = true};
    static struct block_ops ops;

    virtio_rig_init(&r, legacy);
    engine = block_engine_new(&e);
    slow = slow_block_new(SIZE);
    ops = *slow->block.ops;
    ops.discard = count_discard;
    discards = 0;
    slow->block.ops = &ops;
    slow->block.allow_discard = true;
    slow->block.readonly = readonly;
    block_attach(&slow->block, engine);
    cfg.bus = r.pci;
    cfg.block = &slow->block;
    disk = virtio_blk_new(&cfg, NULL);
    assert_non_null(disk);
}

static int setup_modern(void **state)
{
    (void)state;
    make(false, false);
    return 0;
}

static int setup_legacy(void **state)
{
    (void)state;
    make(true, false);
    return 0;
}

static int setup_readonly(void **state)
{
    (void)state;
    make(false, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    slow_block_open(slow);
    device_destroy(virtio_blk_device(disk));
    block_free(&slow->block);
    block_engine_free(engine);
    virtio_rig_free(&r);
    return 0;
}

/* Adds a request with n bytes of data at `data`, and says where its status will be. */
static uint16_t add(unsigned queue, uint32_t type, uint64_t sector, uint64_t data, uint32_t n)
{
    struct rig_buf buf[3] = {
        {HEADER, 16, false}, {data, n, type == IN || type == GET_ID}, {STATUS, 1, true}};
    uint8_t *h = r.ram + HEADER;

    st_le32(h, type);
    st_le32(h + 4, 0);
    st_le64(h + 8, sector);
    r.ram[STATUS] = PENDING;
    if (!n)
        buf[1] = buf[2];
    return rig_add(&r, queue, buf, n ? 3 : 2);
}

static uint32_t written; /* as the used ring had it last */

/* One request from beginning to end; its status. */
static uint8_t request(unsigned queue, uint32_t type, uint64_t sector, uint64_t data, uint32_t n)
{
    uint16_t head = add(queue, type, sector, data, n), got;

    rig_kick(&r, queue);
    block_drain(&slow->block);
    assert_true(rig_used(&r, queue, &got, &written));
    assert_int_equal(got, head);
    assert_false(rig_used(&r, queue, &got, &written));
    return r.ram[STATUS];
}

static void pattern(uint8_t *at, size_t n, unsigned seed)
{
    for (size_t k = 0; k < n; k++)
        at[k] = (uint8_t)(k * 13 + k / 251 + seed);
}

static void transfers(void)
{
    static uint8_t want[65536];

    for (unsigned round = 0; round < 100; round++) {
        uint64_t sector = round * 64;
        uint32_t n = 512 * (1 + round % 128);

        pattern(want, n, round);
        memcpy(r.ram + DATA, want, n);
        assert_int_equal(request(0, OUT, sector, DATA, n), OK);
        assert_int_equal(written, 1);
        assert_memory_equal(slow->data + sector * 512, want, n);
        memset(r.ram + DATA, 0, n);
        assert_int_equal(request(0, IN, sector, DATA, n), OK);
        assert_int_equal(written, n + 1);
        assert_memory_equal(r.ram + DATA, want, n);
    }
    assert_int_equal(request(0, IN, SIZE / 512 - 1, DATA, 512), OK);
    assert_int_equal(request(0, IN, SIZE / 512, DATA, 0), OK);
}

static void test_modern(void **state)
{
    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), QUEUES, true);
    transfers();
    assert_true(r.messages[0]);
    assert_int_equal(r.messages[1], 0);
    assert_int_equal(request(2, IN, 0, DATA, 512), OK);
    assert_int_equal(r.messages[2], 1);
    assert_false(r.intx);
}

static void test_legacy(void **state)
{
    (void)state;
    virtio_rig_start(&r, VIRTIO_BLK_F_FLUSH, 1, false);
    transfers();
    assert_true(r.intx);
    assert_int_equal(request(0, IN | 1u << 31, 0, DATA, 0), OK); /* with a barrier */
    assert_int_equal(request(0, FLUSH + 1, 0, 0, 0), OK);        /* FLUSH_OUT */
    assert_int_equal(slow->flushes, 1);
}

/* 3.1.2: legacy drivers that do not wait for DRIVER_OK. */
static void test_legacy_hurry(void **state)
{
    (void)state;
    virtio_rig_start(&r, 0, 1, false);
    rig_set_status(&r, 0);
    rig_set_status(&r, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    bus_write(r.ports, RIG_IO + 0x0e, 0, 2);
    bus_write(r.ports, RIG_IO + 0x08, (uint32_t)(r.queue[0].desc >> 12), 4);
    memset(r.ram + r.queue[0].desc, 0, RIG_RING);
    r.queue[0].next_avail = r.queue[0].next_desc = r.queue[0].seen_used = 0;
    assert_int_equal(request(0, IN, 0, DATA, 512), OK);
    assert_true(rig_status(&r) & VIRTIO_DRIVER_OK);
}

static void test_config(void **state)
{
    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), QUEUES, true);
    assert_int_equal(rig_config(&r, 0, 4), SIZE / 512);
    assert_int_equal(rig_config(&r, 4, 4), 0);
    assert_int_equal(rig_config(&r, 12, 4), 62);
    assert_int_equal(rig_config(&r, 20, 4), 512);
    assert_int_equal(rig_config(&r, 24, 1), 3);
    assert_int_equal(rig_config(&r, 32, 1), 1);
    assert_int_equal(rig_config(&r, 34, 2), QUEUES);
    assert_int_equal(rig_config(&r, 36, 4), 1 << 22);
    assert_int_equal(rig_config(&r, 40, 4), 32);
    rig_set_config(&r, 0, 5, 4); /* nothing of it but the cache is the driver's */
    rig_set_config(&r, 32, 0xfe, 1);
    assert_int_equal(rig_config(&r, 0, 4), SIZE / 512);
    assert_int_equal(rig_config(&r, 32, 1), 0);
    slow->block.size = SIZE / 2;
    virtio_blk_resized(disk);
    assert_int_equal(rig_config(&r, 0, 4), SIZE / 1024);
    assert_int_equal(r.messages[QUEUES], 1);
    assert_int_equal(request(0, IN, SIZE / 1024, DATA, 512), IOERR);
}

static void test_id(void **state)
{
    static const char want[20] = "disk-1";

    (void)state;
    virtio_rig_start(&r, 0, 1, false);
    memset(r.ram + DATA, 0xff, 64);
    assert_int_equal(request(0, GET_ID, 0, DATA, 20), OK);
    assert_memory_equal(r.ram + DATA, want, 20);
    assert_int_equal(request(0, GET_ID, 0, DATA, 3), OK);
    assert_int_equal(request(0, GET_ID, 0, DATA, 64), OK);
    assert_int_equal(r.ram[DATA + 20], 0xff);
    assert_int_equal(request(0, GET_ID, 0, 0, 0), OK);
}

static void test_errors(void **state)
{
    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), 1, false);
    assert_int_equal(request(0, IN, SIZE / 512, DATA, 512), IOERR);
    assert_int_equal(request(0, IN, SIZE / 512 - 1, DATA, 1024), IOERR);
    assert_int_equal(request(0, OUT, ~UINT64_C(0), DATA, 512), IOERR);
    assert_int_equal(request(0, OUT, UINT64_C(1) << 55, DATA, 512), IOERR);
    assert_int_equal(request(0, IN, 0, DATA, 511), IOERR);
    assert_int_equal(request(0, OUT, 0, DATA, 513), IOERR);
    assert_int_equal(request(0, 2, 0, DATA, 512), UNSUPP); /* SCSI */
    assert_int_equal(request(0, 0x1234, 0, DATA, 512), UNSUPP);
    assert_int_equal(slow->reads + slow->writes, 0);
    slow_block_fail(slow, -EIO, 3);
    assert_int_equal(request(0, IN, 0, DATA, 512), IOERR);
    assert_int_equal(written, 0);
    assert_int_equal(request(0, OUT, 0, DATA, 512), IOERR);
    assert_int_equal(request(0, FLUSH, 0, 0, 0), IOERR);
    assert_int_equal(request(0, FLUSH, 0, 0, 0), OK);
}

static void test_readonly(void **state)
{
    uint64_t agreed = virtio_rig_start(&r, ~UINT64_C(0), 1, false);

    (void)state;
    assert_true(agreed & VIRTIO_BLK_F_RO);
    assert_false(agreed & (VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES));
    assert_int_equal(request(0, OUT, 0, DATA, 512), IOERR);
    assert_int_equal(request(0, ZEROES, 0, DATA, 16), UNSUPP);
    assert_int_equal(request(0, IN, 0, DATA, 512), OK);
    assert_int_equal(request(0, FLUSH, 0, 0, 0), OK);
    assert_int_equal(slow->writes, 0);
}

static void put_segment(unsigned n, uint64_t sector, uint32_t count, uint32_t flags)
{
    uint8_t *s = r.ram + DATA + 16 * n;

    st_le64(s, sector);
    st_le32(s + 8, count);
    st_le32(s + 12, flags);
}

static void test_discard_and_zeroes(void **state)
{
    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), 1, false);
    memset(slow->data, 0x11, SIZE);
    put_segment(0, 10, 2, 0);
    put_segment(1, 100, 0, 0);
    put_segment(2, 20, 1, 0);
    assert_int_equal(request(0, DISCARD, 0, DATA, 48), OK);
    assert_int_equal(discards, 2);
    assert_int_equal(slow->data[10 * 512], 0xdd);
    assert_int_equal(slow->data[12 * 512 - 1], 0xdd);
    assert_int_equal(slow->data[12 * 512], 0x11);
    assert_int_equal(slow->data[20 * 512], 0xdd);
    assert_int_equal(request(0, ZEROES, 0, DATA, 48), OK);
    assert_int_equal(slow->data[10 * 512], 0);
    assert_int_equal(slow->data[9 * 512], 0x11);
    put_segment(0, 40, 1, 1);
    assert_int_equal(request(0, ZEROES, 0, DATA, 16), OK);
    assert_int_equal(slow->data[40 * 512], 0);
    assert_int_equal(request(0, DISCARD, 0, DATA, 16), UNSUPP); /* a flag that is for zeroing */
    put_segment(0, 40, 1, 2);
    assert_int_equal(request(0, ZEROES, 0, DATA, 16), UNSUPP);
    put_segment(0, SIZE / 512, 1, 0);
    assert_int_equal(request(0, DISCARD, 0, DATA, 16), IOERR);
    put_segment(0, ~UINT64_C(0), 1, 0);
    assert_int_equal(request(0, DISCARD, 0, DATA, 16), IOERR);
    put_segment(0, 0, UINT32_MAX, 0);
    assert_int_equal(request(0, ZEROES, 0, DATA, 16), IOERR);
    assert_int_equal(request(0, DISCARD, 0, DATA, 15), IOERR);
    assert_int_equal(request(0, DISCARD, 0, DATA, 33 * 16), IOERR);
    assert_int_equal(request(0, DISCARD, 0, 0, 0), IOERR);
    assert_int_equal(discards, 2);
}

/* 5.2.5: who cannot flush has no cache. */
static void test_write_cache(void **state)
{
    unsigned was;

    (void)state;
    virtio_rig_start(&r, ~VIRTIO_BLK_F_CONFIG_WCE, 1, false);
    was = (unsigned)block_stats(&slow->block).syncs;
    request(0, OUT, 0, DATA, 512);
    assert_int_equal(block_stats(&slow->block).syncs, was);
    virtio_rig_start(&r, 0, 1, false);
    request(0, OUT, 0, DATA, 512);
    assert_int_equal(block_stats(&slow->block).syncs, was + 1);
    virtio_rig_start(&r, VIRTIO_BLK_F_CONFIG_WCE, 1, false);
    assert_int_equal(rig_config(&r, 32, 1), 0);
    request(0, OUT, 0, DATA, 512);
    assert_int_equal(block_stats(&slow->block).syncs, was + 2);
    rig_set_config(&r, 32, 1, 1);
    assert_int_equal(rig_config(&r, 32, 1), 1);
    request(0, OUT, 0, DATA, 512);
    assert_int_equal(block_stats(&slow->block).syncs, was + 2);
    virtio_rig_start(&r, ~UINT64_C(0), 1, false);
    assert_int_equal(rig_config(&r, 32, 1), 1);
    rig_set_config(&r, 32, 0, 1);
    request(0, OUT, 0, DATA, 512);
    assert_int_equal(block_stats(&slow->block).syncs, was + 3);
}

/* A chain of more than one piece, and more of them than the device holds at a time. */
static void test_large(void **state)
{
    struct rig_buf buf[12] = {{HEADER, 16, false}};
    uint16_t got;

    (void)state;
    virtio_rig_start(&r, 0, 2, false);
    for (unsigned k = 0; k < 10; k++) /* 5 MiB, all into the same memory */
        buf[1 + k] = (struct rig_buf){DATA, 0x60000, true};
    buf[11] = (struct rig_buf){STATUS, 1, true};
    for (size_t k = 0; k < SIZE; k++)
        slow->data[k] = (uint8_t)(k >> 19);
    st_le64(r.ram + HEADER, 0);
    st_le64(r.ram + HEADER + 8, 0);
    r.ram[STATUS] = PENDING;
    for (unsigned k = 0; k < 5; k++)
        rig_add(&r, k & 1, buf, 12);
    rig_kick(&r, 0);
    rig_kick(&r, 1);
    block_drain(&slow->block);
    for (unsigned k = 0; k < 5; k++) {
        assert_true(rig_used(&r, k & 1, &got, &written));
        assert_int_equal(written, 10 * 0x60000 + 1);
    }
    assert_int_equal(r.ram[STATUS], OK);
    assert_int_equal(r.ram[DATA + 0x5ffff], (10 * 0x60000 - 1) >> 19);
}

/* Resets with requests at the gate: nothing comes of them, and what follows is whole. */
static void test_reset_in_flight(void **state)
{
    uint16_t got;
    GThread *opener;

    (void)state;
    virtio_rig_start(&r, 0, 1, false);
    for (unsigned round = 0; round < 4; round++) {
        slow_block_close(slow);
        for (unsigned k = 0; k < 8; k++)
            add(0, IN, k, DATA, 512);
        rig_kick(&r, 0);
        slow_block_await(slow, 4);
        opener = g_thread_new("opener", (GThreadFunc)(void (*)(void))slow_block_open, slow);
        if (round == 0)
            rig_set_status(&r, 0);
        else if (round == 1)
            device_reset(virtio_blk_device(disk));
        else if (round == 2)
            rig_set_status(&r, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
        else
            virtio_blk_device(disk)->type->post_load(disk);
        g_thread_join(opener);
        block_drain(&slow->block);
        assert_false(rig_used(&r, 0, &got, &written));
        assert_int_equal(r.ram[STATUS], PENDING);
        virtio_rig_start(&r, 0, 1, false);
        assert_int_equal(request(0, IN, 0, DATA, 512), OK);
    }
}

/* No more in flight than the queue is long, though the driver never waits. */
static void test_bounded(void **state)
{
    uint16_t got;
    unsigned n = 0;

    (void)state;
    virtio_rig_start(&r, 0, 1, false);
    slow_block_close(slow);
    add(0, IN, 0, DATA, 512);
    for (unsigned k = 1; k < 2 * r.queue[0].size; k++) { /* the same one again and again */
        rig_kick(&r, 0);
        rig_avail(&r, 0, 0);
    }
    slow_block_open(slow);
    rig_kick(&r, 0);
    block_drain(&slow->block);
    while (rig_used(&r, 0, &got, &written))
        n++;
    assert_int_equal(n, 2 * r.queue[0].size);
    assert_int_equal(slow->reads, n);
}

static void expect_broken(const struct rig_buf *buf, unsigned n)
{
    uint16_t got;

    rig_add(&r, 0, buf, n);
    rig_kick(&r, 0);
    block_drain(&slow->block);
    assert_true(rig_status(&r) & VIRTIO_NEEDS_RESET);
    assert_false(rig_used(&r, 0, &got, &written));
    virtio_rig_start(&r, 0, 1, false);
    assert_int_equal(request(0, IN, 0, DATA, 512), OK);
}

static void test_hostile_chains(void **state)
{
    const struct rig_buf short_header[] = {{HEADER, 15, false}, {STATUS, 1, true}};
    const struct rig_buf no_status[] = {{HEADER, 16, false}, {DATA, 512, false}};
    const struct rig_buf empty[] = {{HEADER, 16, false}, {DATA, 0, true}};
    const struct rig_buf nothing[] = {{HEADER, 0, false}};
    const struct rig_buf split[] = {{HEADER, 3, false},
                                    {HEADER + 3, 13, false},
                                    {DATA, 100, true},
                                    {DATA + 100, 412, true},
                                    {STATUS, 1, true}};
    const struct rig_buf glued[] = {{HEADER, 16, false}, {DATA, 513, true}};
    const struct rig_buf nowhere[] = {{~UINT64_C(0) - 99, 16, false}, {STATUS, 1, true}};
    const struct rig_buf huge[] = {
        {HEADER, 16, false}, {DATA, 0xfffffe00, true}, {STATUS, 1, true}};
    uint16_t got;

    (void)state;
    virtio_rig_start(&r, 0, 1, false);
    expect_broken(short_header, 2);
    expect_broken(no_status, 2);
    expect_broken(empty, 2);
    expect_broken(nothing, 1);
    memset(r.ram + HEADER, 0, 16); /* 2.6.4: any layout */
    rig_add(&r, 0, split, 5);
    rig_add(&r, 0, glued, 2);
    rig_kick(&r, 0);
    block_drain(&slow->block);
    assert_true(rig_used(&r, 0, &got, &written));
    assert_int_equal(written, 513);
    assert_true(rig_used(&r, 0, &got, &written));
    assert_int_equal(written, 513);
    assert_int_equal(r.ram[DATA + 512], OK);
    rig_add(&r, 0, huge, 3);
    rig_add(&r, 0, nowhere, 2); /* reads as ones: no such request */
    rig_kick(&r, 0);
    block_drain(&slow->block);
    assert_true(rig_used(&r, 0, &got, &written));
    assert_true(rig_used(&r, 0, &got, &written));
    assert_int_equal(r.ram[STATUS], UNSUPP);
}

#define BLK_TEST(fn, form) cmocka_unit_test_setup_teardown(fn, setup_##form, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BLK_TEST(test_modern, modern),
        BLK_TEST(test_legacy, legacy),
        BLK_TEST(test_legacy_hurry, legacy),
        BLK_TEST(test_config, modern),
        BLK_TEST(test_id, modern),
        BLK_TEST(test_errors, modern),
        BLK_TEST(test_readonly, readonly),
        BLK_TEST(test_discard_and_zeroes, modern),
        BLK_TEST(test_write_cache, modern),
        BLK_TEST(test_large, modern),
        BLK_TEST(test_reset_in_flight, modern),
        BLK_TEST(test_bounded, modern),
        BLK_TEST(test_hostile_chains, modern),
        BLK_TEST(test_hostile_chains, legacy),
    };
    return unit_main(tests);
}
