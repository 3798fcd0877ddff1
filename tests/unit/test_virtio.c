/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio's queues and PCI function (devices/virtio/virtio.h), with the entropy device on them, by
 * the modern and by the legacy registers; and what hostile rings come to.
 */
#include "tests/unit/virtio_rig.h"

#include "devices/virtio/virtio_rng.h"

#define LIMIT 100u

static struct virtio_rig r;
static struct virtio_rng *rng;
static uint8_t next_byte;
static size_t dry_after; /* bytes that there are */

static size_t counting(void *opaque, void *buf, size_t len)
{
    uint8_t *b = buf;

    (void)opaque;
    len = MIN(len, dry_after);
    dry_after -= len;
    for (size_t k = 0; k < len; k++)
        b[k] = next_byte++;
    return len;
}

static void make(bool legacy, enum virtio_form form, uint64_t max_bytes)
{
    struct virtio_rng_config cfg = {.devfn = RIG_DEVFN,
                                    .form = form,
                                    .max_bytes = max_bytes,
                                    .period = 1000,
                                    .random = counting};

    virtio_rig_init(&r, legacy);
    cfg.bus = r.pci;
    cfg.clock = r.clock;
    rng = virtio_rng_new(&cfg, NULL);
    assert_non_null(rng);
    next_byte = 1;
    dry_after = SIZE_MAX;
}

static int setup_modern(void **state)
{
    (void)state;
    make(false, VIRTIO_TRANSITIONAL, 0);
    return 0;
}

static int setup_legacy(void **state)
{
    (void)state;
    make(true, VIRTIO_TRANSITIONAL, 0);
    return 0;
}

static int setup_limited(void **state)
{
    (void)state;
    make(false, VIRTIO_MODERN, LIMIT);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(virtio_rng_device(rng));
    virtio_rig_free(&r);
    return 0;
}

static uint32_t config(unsigned off, unsigned size)
{
    return pci_config_read(r.pci, 0, RIG_DEVFN, off, size);
}

static void expect_used(uint16_t head, uint32_t len)
{
    uint16_t got_head;
    uint32_t got_len;

    assert_true(rig_used(&r, 0, &got_head, &got_len));
    assert_int_equal(got_head, head);
    assert_int_equal(got_len, len);
}

static bool any_used(void)
{
    uint16_t head;
    uint32_t len;

    return rig_used(&r, 0, &head, &len);
}

/* Chains of several buffers, as they come; more of them than the queue is long. */
static void give_and_take(void)
{
    unsigned at = RIG_BUFFERS;
    uint8_t expect = 1;

    for (unsigned round = 0; round < 50; round++) {
        const struct rig_buf one[] = {{at, 7, true}};
        const struct rig_buf three[] = {{at + 7, 1, true}, {at + 8, 0, true}, {at + 8, 5000, true}};
        uint16_t a = rig_add(&r, 0, one, 1), b = rig_add(&r, 0, three, 3);

        assert_false(any_used());
        rig_kick(&r, 0);
        expect_used(a, 7);
        expect_used(b, 5001);
        assert_false(any_used());
        for (unsigned k = 0; k < 5008; k++)
            assert_int_equal(r.ram[at + k], expect++);
        assert_int_equal(r.ram[at + 5008], 0);
        at += 6000;
    }
}

static void test_modern(void **state)
{
    (void)state;
    assert_int_equal(config(PCI_VENDOR_ID, 4), 0x10051af4);
    assert_int_equal(config(PCI_REVISION, 1), 0);
    assert_int_equal(config(PCI_SUBSYS_ID, 2), VIRTIO_ID_RNG);
    virtio_rig_start(&r, ~UINT64_C(0), 1, true);
    assert_true(rig_status(&r) ==
                (VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK));
    give_and_take();
    assert_int_equal(r.messages[0], 50);
    assert_false(r.intx);
}

static void test_legacy(void **state)
{
    (void)state;
    virtio_rig_start(&r, VIRTIO_F_INDIRECT_DESC, 1, false);
    give_and_take();
    assert_true(r.intx);
    assert_int_equal(bus_read(r.ports, RIG_IO + 0x13, 1), 1);
    assert_false(r.intx);
    assert_int_equal(bus_read(r.ports, RIG_IO + 0x13, 1), 0);
}

static void test_legacy_msix(void **state)
{
    (void)state;
    virtio_rig_start(&r, 0, 1, true);
    give_and_take();
    assert_int_equal(r.messages[0], 50);
    assert_false(r.intx);
}

static void test_ids_of_forms(void **state)
{
    (void)state;
    device_destroy(virtio_rng_device(rng));
    virtio_rig_free(&r);
    make(false, VIRTIO_MODERN, 0);
    assert_int_equal(config(PCI_VENDOR_ID, 4), 0x10441af4);
    assert_int_equal(config(PCI_REVISION, 1), 1);
    assert_int_equal(config(PCI_BAR0, 4), 0);
    device_destroy(virtio_rng_device(rng));
    virtio_rig_free(&r);
    make(false, VIRTIO_LEGACY, 0);
    assert_int_equal(config(PCI_VENDOR_ID, 4), 0x10051af4);
    assert_int_equal(config(PCI_BAR0 + 16, 4), 0);
    for (unsigned at = config(PCI_CAP_PTR, 1); at; at = config(at + 1, 1))
        assert_int_not_equal(config(at, 1), 9);
}

/* 2.6.5.3 */
static void test_indirect(void **state)
{
    uint8_t *table = r.ram + 0x8000;

    (void)state;
    virtio_rig_start(&r, VIRTIO_F_INDIRECT_DESC, 1, false);
    for (unsigned k = 0; k < 30; k++) { /* longer than the queue */
        st_le64(table + 16 * k, RIG_BUFFERS + 100 * k);
        st_le32(table + 16 * k + 8, 3);
        st_le16(table + 16 * k + 12, (uint16_t)(2 | (k < 29)));
        st_le16(table + 16 * k + 14, (uint16_t)(k + 1));
    }
    rig_desc(&r, 0, 0, 0x8000, 30 * 16, 4, 0);
    rig_avail(&r, 0, 0);
    rig_kick(&r, 0);
    expect_used(0, 90);
    assert_int_equal(r.ram[RIG_BUFFERS + 2902], 90);
}

static void expect_broken(void)
{
    uint8_t was = next_byte;

    rig_kick(&r, 0);
    assert_true(rig_status(&r) & VIRTIO_NEEDS_RESET);
    assert_int_equal(next_byte, was);
    assert_false(any_used());
    rig_kick(&r, 0);
    rig_set_status(&r, 0);
    assert_int_equal(rig_status(&r), 0);
    virtio_rig_start(&r, VIRTIO_F_INDIRECT_DESC, 1, false);
    give_and_take();
    next_byte = 1;
    rig_set_status(&r, 0);
    virtio_rig_start(&r, VIRTIO_F_INDIRECT_DESC, 1, false);
}

static void indirect(uint64_t table, uint32_t len, uint16_t flags)
{
    rig_desc(&r, 0, 0, table, len, flags, 1);
    rig_avail(&r, 0, 0);
}

/* Each breaks the queue, once, and a reset mends it. */
static void test_hostile_rings(void **state)
{
    struct rig_queue *q = &r.queue[0];

    (void)state;
    virtio_rig_start(&r, VIRTIO_F_INDIRECT_DESC, 1, false);
    next_byte = 1;
    rig_desc(&r, 0, 0, RIG_BUFFERS, 1, 3, 0); /* a loop of one */
    rig_avail(&r, 0, 0);
    expect_broken();
    rig_avail(&r, 0, q->size); /* a head beyond the table */
    expect_broken();
    rig_avail(&r, 0, 0xffff);
    expect_broken();
    rig_desc(&r, 0, 0, RIG_BUFFERS, 1, 3, q->size); /* a successor beyond it */
    rig_avail(&r, 0, 0);
    expect_broken();
    rig_desc(&r, 0, 0, RIG_BUFFERS, 1, 3, 1); /* out after in */
    rig_desc(&r, 0, 1, RIG_BUFFERS, 1, 0, 0);
    rig_avail(&r, 0, 0);
    expect_broken();
    st_le16(r.ram + q->avail + 2, (uint16_t)(q->size + 1)); /* more than there can be */
    expect_broken();
    rig_desc(&r, 0, 0, RIG_BUFFERS, 0xffffffff, 3, 1); /* more than 4 GiB together */
    rig_desc(&r, 0, 1, RIG_BUFFERS, 2, 2, 0);
    rig_avail(&r, 0, 0);
    expect_broken();
    indirect(0x8000, 0, 4);
    expect_broken();
    indirect(0x8000, 17, 4);
    expect_broken();
    indirect(0x8000, 16, 5); /* with a successor */
    expect_broken();
    indirect(RIG_RAM, 16, 4);
    expect_broken();
    indirect(~UINT64_C(0) - 15, 16, 4);
    expect_broken();
    memset(r.ram + 0x8000, 0, 16);
    st_le16(r.ram + 0x8000 + 12, 4); /* indirect within indirect */
    indirect(0x8000, 16, 4);
    expect_broken();
    st_le16(r.ram + 0x8000 + 12, 1); /* a loop of one in it */
    indirect(0x8000, 16, 4);
    expect_broken();
}

/* Rings outside of memory, and buffers: the device goes on, or says so. */
static void test_outside_of_memory(void **state)
{
    static const unsigned part[] = {0x20, 0x28, 0x30};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(part); k++) {
        virtio_rig_start(&r, 0, 0, false);
        rig_set_status(&r, VIRTIO_ACKNOWLEDGE);
        bus_write(r.mmio, r.common + 0x20, RIG_RINGS, 4);
        bus_write(r.mmio, r.common + 0x28, RIG_RINGS + 0x1000, 4);
        bus_write(r.mmio, r.common + 0x30, RIG_RINGS + 0x2000, 4);
        bus_write(r.mmio, r.common + part[k], 0xfffffff0, 4);
        bus_write(r.mmio, r.common + part[k] + 4, 0xffffffff, 4);
        bus_write(r.mmio, r.common + 0x1c, 1, 2);
        rig_set_status(&r, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
        st_le16(r.ram + RIG_RINGS + 0x1002, 1);
        rig_set_status(&r,
                       VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
        rig_kick(&r, 0);
        assert_true(rig_status(&r) & VIRTIO_NEEDS_RESET);
        memset(r.ram + RIG_RINGS, 0, 0x4000);
        rig_set_status(&r, 0);
    }
    virtio_rig_start(&r, 0, 1, false);
    rig_add(&r, 0, (const struct rig_buf[]){{RIG_RAM - 4, 8, true}}, 1);
    rig_add(&r, 0, (const struct rig_buf[]){{~UINT64_C(0) - 3, 8, true}}, 1);
    rig_kick(&r, 0);
    expect_used(0, 8);
    expect_used(1, 8);
}

/* 3.1.1: features that were not offered are refused; none changes after that. */
static void test_negotiation(void **state)
{
    (void)state;
    virtio_rig_start(&r, 0, 1, false);
    rig_set_status(&r, 0);
    bus_write(r.mmio, r.common + 0x08, 1, 4);
    bus_write(r.mmio, r.common + 0x0c, 1 | 1 << 30, 4);
    rig_set_status(&r, 11);
    assert_int_equal(rig_status(&r), 3);
    bus_write(r.mmio, r.common + 0x0c, 0, 4); /* nor without VERSION_1 */
    rig_set_status(&r, 11);
    assert_int_equal(rig_status(&r), 3);
    rig_set_status(&r, 7); /* and nothing runs without */
    assert_int_equal(rig_status(&r), 3);
    bus_write(r.mmio, r.common + 0x0c, 1, 4);
    rig_set_status(&r, 11);
    assert_int_equal(rig_status(&r), 11);
    bus_write(r.mmio, r.common + 0x0c, 0, 4);
    assert_int_equal(bus_read(r.mmio, r.common + 0x0c, 4), 1);
    bus_write(r.mmio, r.common + 0x00, 2, 4);
    assert_int_equal(bus_read(r.mmio, r.common + 0x04, 4), 0);
}

/* 2.6.7: the driver hears of what it asked for. */
static void test_suppression(void **state)
{
    const struct rig_buf one = {RIG_BUFFERS, 4, true};

    (void)state;
    virtio_rig_start(&r, 0, 1, true);
    st_le16(r.ram + r.queue[0].avail, 1); /* no interrupts */
    rig_add(&r, 0, &one, 1);
    rig_kick(&r, 0);
    assert_true(any_used());
    assert_int_equal(r.messages[0], 0);
    rig_set_status(&r, 0);
    virtio_rig_start(&r, VIRTIO_F_EVENT_IDX, 1, true);
    for (unsigned k = 0; k < 3; k++)
        rig_add(&r, 0, &one, 1);
    st_le16(r.ram + r.queue[0].avail + 4 + 2u * r.queue[0].size, 4); /* at the fifth */
    rig_kick(&r, 0);
    r.messages[0] = 0; /* the first is told in any case */
    rig_add(&r, 0, &one, 1);
    rig_kick(&r, 0);
    assert_int_equal(r.messages[0], 0);
    rig_add(&r, 0, &one, 1);
    rig_kick(&r, 0);
    assert_int_equal(r.messages[0], 1);
    assert_int_equal(ld_le16(r.ram + r.queue[0].used + 4 + 8u * r.queue[0].size), 5);
}

/* 4.1.4.7: the same registers by configuration space alone. */
static void test_window(void **state)
{
    unsigned at;

    (void)state;
    for (at = config(PCI_CAP_PTR, 1); config(at, 1) != 9 || config(at + 3, 1) != 5;)
        at = config(at + 1, 1);
    pci_config_write(r.pci, 0, RIG_DEVFN, at + 4, 4, 1);
    pci_config_write(r.pci, 0, RIG_DEVFN, at + 8, 0x14, 4);
    pci_config_write(r.pci, 0, RIG_DEVFN, at + 12, 1, 4);
    pci_config_write(r.pci, 0, RIG_DEVFN, at + 16, 3, 1);
    assert_int_equal(config(at + 16, 1), 3);
    pci_config_write(r.pci, 0, RIG_DEVFN, at + 8, 0x12, 4);
    pci_config_write(r.pci, 0, RIG_DEVFN, at + 12, 2, 4);
    assert_int_equal(config(at + 16, 2), 1); /* queues */
    pci_config_write(r.pci, 0, RIG_DEVFN, at + 8, 0xffffffff, 4);
    pci_config_write(r.pci, 0, RIG_DEVFN, at + 12, 4, 4);
    pci_config_write(r.pci, 0, RIG_DEVFN, at + 16, 0xffffffff, 4);
    config(at + 16, 4);
    pci_config_write(r.pci, 0, RIG_DEVFN, at + 12, 0xffffffff, 4);
    config(at + 16, 4);
}

/* Registers may be read at any width and place. */
static void test_register_widths(void **state)
{
    (void)state;
    virtio_rig_start(&r, 0, 1, false);
    assert_int_equal(bus_read(r.mmio, r.common + 0x10, 4), 0x0001ffff);
    assert_int_equal(bus_read(r.mmio, r.common + 0x14, 1), 15);
    assert_int_equal(bus_read(r.mmio, r.common + 0x20, 8), r.queue[0].desc);
    assert_int_equal(bus_read(r.mmio, r.common + 0x21, 1), (r.queue[0].desc >> 8) & 0xff);
    assert_int_equal(bus_read(r.mmio, r.common + 0x13, 1), 0);
    for (unsigned off = 0x38; off < 0x40; off++)
        assert_int_equal(bus_read(r.mmio, r.common + off, 1), 0);
    bus_write(r.mmio, r.common + 0x21, 0xff, 1); /* part of a register: refused */
    assert_int_equal(bus_read(r.mmio, r.common + 0x20, 8), r.queue[0].desc);
}

/* A source that dries up, and a limit in time: the buffer waits, and is filled later. */
static void test_rng_limits(void **state)
{
    const struct rig_buf big = {RIG_BUFFERS, 250, true}, none = {RIG_BUFFERS, 0, true};
    uint16_t a, b;

    (void)state;
    virtio_rig_start(&r, 0, 1, false);
    a = rig_add(&r, 0, &big, 1);
    rig_kick(&r, 0);
    expect_used(a, LIMIT);
    b = rig_add(&r, 0, &big, 1);
    rig_kick(&r, 0);
    assert_false(any_used());
    clock_advance_to(r.clock, 999);
    assert_false(any_used());
    clock_advance_to(r.clock, 1000);
    expect_used(b, LIMIT);
    a = rig_add(&r, 0, &none, 1);
    rig_kick(&r, 0);
    expect_used(a, 0);
    clock_advance_to(r.clock, 5000);
    dry_after = 0;
    b = rig_add(&r, 0, &big, 1);
    rig_kick(&r, 0);
    assert_false(any_used());
    rig_kick(&r, 0);
    dry_after = 3;
    clock_advance_to(r.clock, 6000);
    expect_used(b, 3);
    rig_add(&r, 0, &big, 1);
    dry_after = 0;
    rig_kick(&r, 0);
    device_reset(virtio_rng_device(rng)); /* with a timer armed */
    dry_after = 1000;
    clock_advance_to(r.clock, 9000);
    assert_int_equal(dry_after, 1000);
}

#define RNG_TEST(fn, form) cmocka_unit_test_setup_teardown(fn, setup_##form, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RNG_TEST(test_modern, modern),        RNG_TEST(test_legacy, legacy),
        RNG_TEST(test_legacy_msix, legacy),   RNG_TEST(test_ids_of_forms, modern),
        RNG_TEST(test_indirect, modern),      RNG_TEST(test_hostile_rings, modern),
        RNG_TEST(test_hostile_rings, legacy), RNG_TEST(test_outside_of_memory, modern),
        RNG_TEST(test_negotiation, modern),   RNG_TEST(test_suppression, modern),
        RNG_TEST(test_window, modern),        RNG_TEST(test_register_widths, modern),
        RNG_TEST(test_rng_limits, limited),
    };
    return unit_main(tests);
}
