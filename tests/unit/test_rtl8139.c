/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The RTL8139C+ in both of its modes, and the NE2000s, driven as their drivers do. */
#include "tests/unit/nic_rig.h"

#include "devices/net/ne2000.h"
#include "devices/net/rtl8139.h"

enum {
    TSD = 0x10,
    TSAD = 0x20,
    RBSTART = 0x30,
    CR = 0x37,
    CAPR = 0x38,
    CBR = 0x3a,
    IMR = 0x3c,
    ISR = 0x3e,
    TCR = 0x40,
    RCR = 0x44,
    TCTR = 0x48,
    TIMERINT = 0x54,
    BMSR = 0x64,
    TPPOLL = 0xd9,
    CPCR = 0xe0,
    RDSAR = 0xe4,

    RX = 0x10000,
    TX = 0x30000,
    TX_RING = 0x1000,
    RX_RING = 0x2000,
};

static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void wr8(struct nic_rig *r, unsigned off, unsigned v)
{
    bus_write(r->mmio, NIC_MMIO + off, v, 1);
}

static void wr16(struct nic_rig *r, unsigned off, unsigned v)
{
    bus_write(r->mmio, NIC_MMIO + off, v, 2);
}

static unsigned rd16(struct nic_rig *r, unsigned off)
{
    return (unsigned)bus_read(r->mmio, NIC_MMIO + off, 2);
}

static unsigned rd8(struct nic_rig *r, unsigned off)
{
    return (unsigned)bus_read(r->mmio, NIC_MMIO + off, 1);
}

static int setup(void **state)
{
    struct nic_config cfg;
    struct nic_rig *r = nic_rig_board(&cfg);
    struct rtl8139 *s = rtl8139_new(&cfg, NULL);

    assert_non_null(s);
    nic_rig_start(r, rtl8139_device(s), rtl8139_port(s), 1, 0);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    nic_rig_free(*state);
    return 0;
}

/* Both ways are open, 8 KiB to receive. */
static void start(struct nic_rig *r)
{
    wr8(r, CR, 0x10);
    assert_false(rd8(r, CR) & 0x10);
    nic_wr(r, RBSTART, RX);
    wr8(r, CR, 0x0c);
    nic_wr(r, RCR, 0x0e);
}

static void test_identity(void **state)
{
    struct nic_rig *r = *state;

    for (unsigned k = 0; k < 6; k++)
        assert_int_equal(rd8(r, k), nic_mac[k]);
    assert_int_equal(pci_config_read(r->pci, 0, NIC_DEVFN, 0, 4), 0x813910ec);
    assert_int_equal(pci_config_read(r->pci, 0, NIC_DEVFN, 8, 1), 0x20);
    assert_int_equal(nic_rd(r, TCR) & 0x7cc00000, 0x74800000);
    assert_true(rd16(r, BMSR) & 4);
    net_set_link(&r->far, false);
    assert_false(rd16(r, BMSR) & 4);
    assert_true(rd16(r, ISR) & 0x20);
    assert_int_equal(rd8(r, CR) & 1, 1); /* empty */
}

static void test_send(void **state)
{
    struct nic_rig *r = *state;

    start(r);
    wr16(r, IMR, 0x04);
    for (unsigned n = 0; n < 6; n++) {
        nic_make_frame(r->ram + TX, 100 + n, everyone);
        assert_true(nic_rd(r, TSD + 4 * (n & 3)) & 0x2000); /* ours */
        nic_wr(r, TSAD + 4 * (n & 3), TX);
        nic_wr(r, TSD + 4 * (n & 3), 100 + n);
        assert_int_equal(r->got->len, n + 1);
        assert_int_equal(nic_got(r, n)->len, 100 + n);
        assert_true(nic_rd(r, TSD + 4 * (n & 3)) & 0x8000);
        assert_true(r->intx.level);
        wr16(r, ISR, 0x04);
        assert_false(r->intx.level);
    }
}

/* The next packet of the ring, checked and passed over; its length without CRC. */
static unsigned take(struct nic_rig *r, unsigned *at, uint8_t *out)
{
    unsigned status = ld_le16(r->ram + RX + *at), len = ld_le16(r->ram + RX + *at + 2);

    assert_false(rd8(r, CR) & 1);
    assert_true(status & 1);
    for (unsigned k = 0; k < len; k++)
        out[k] = r->ram[RX + (*at + 4 + k) % 8192];
    assert_int_equal(ld_le32(out + len - 4), ether_crc(out, len - 4));
    *at = (*at + 4 + len + 3) / 4 * 4 % 8192;
    wr16(r, CAPR, (*at - 16) & 0xffff);
    return len - 4;
}

static void test_receive_round_the_ring(void **state)
{
    struct nic_rig *r = *state;
    uint8_t f[1514], got[2048];
    unsigned at = 0;

    start(r);
    wr16(r, IMR, 1);
    for (unsigned n = 0; n < 40; n++) {
        unsigned len = 60 + n * 37;

        len = len > 1514 ? 1514 : len;
        nic_make_frame(f, len, n & 1 ? nic_mac : everyone);
        assert_true(nic_arrive(r, f, len));
        assert_true(r->intx.level);
        wr16(r, ISR, 1);
        assert_int_equal(take(r, &at, got), len);
        assert_memory_equal(got, f, len);
        assert_true(rd8(r, CR) & 1);
    }
}

static void test_full_ring_keeps_frames(void **state)
{
    struct nic_rig *r = *state;
    uint8_t f[1514], got[2048];
    unsigned at = 0;

    start(r);
    nic_make_frame(f, sizeof(f), nic_mac);
    for (unsigned n = 0; n < 12; n++) {
        f[20] = (uint8_t)n;
        assert_true(nic_arrive(r, f, sizeof(f)));
    }
    assert_false(net_can_send(&r->far));
    for (unsigned n = 0; n < 12; n++) {
        take(r, &at, got);
        assert_int_equal(got[20], n);
    }
    assert_true(rd8(r, CR) & 1);
}

static void test_filters(void **state)
{
    struct nic_rig *r = *state;
    static const uint8_t group[6] = {0x01, 0, 0x5e, 0, 0, 0xfb};
    unsigned hash = ether_hash6(group);
    uint8_t f[60];

    start(r);
    nic_make_frame(f, sizeof(f), group);
    nic_arrive(r, f, sizeof(f));
    assert_true(rd8(r, CR) & 1);
    wr8(r, 8 + hash / 8, 1u << hash % 8);
    nic_rd(r, 8);
    nic_wr(r, RCR, 0x0e);
    nic_arrive(r, f, sizeof(f));
    assert_false(rd8(r, CR) & 1);
    assert_true(ld_le16(r->ram + RX) & 0x8000);
}

/* The hash of the 8390's kind: as drivers compute it, bit by bit. */
static void test_hash(void **state)
{
    const uint8_t addr[6] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e};
    uint32_t crc = 0xffffffff;

    (void)state;
    for (unsigned k = 0; k < 6; k++) {
        uint8_t byte = addr[k];

        for (unsigned b = 0; b < 8; b++, byte >>= 1)
            crc = crc << 1 ^ ((crc >> 31 ^ (byte & 1)) ? 0x04c11db7 : 0);
    }
    assert_int_equal(ether_hash6(addr), crc >> 26);
}

static void test_timer(void **state)
{
    struct nic_rig *r = *state;

    start(r);
    wr16(r, IMR, 0x4000);
    nic_wr(r, TCTR, 0);
    nic_wr(r, TIMERINT, 33000); /* a millisecond */
    clock_advance_to(r->clock, 999999);
    assert_false(r->intx.level);
    clock_advance_to(r->clock, 1000100);
    assert_true(r->intx.level);
    assert_int_equal(nic_rd(r, TCTR), 33003);
}

/* ---- C+ ---- */

static void desc(struct nic_rig *r, unsigned ring, unsigned n, uint32_t cmd, uint64_t addr)
{
    st_le32(r->ram + ring + 16 * n, cmd);
    st_le32(r->ram + ring + 16 * n + 4, 0);
    st_le64(r->ram + ring + 16 * n + 8, addr);
}

static void start_cplus(struct nic_rig *r)
{
    wr8(r, CR, 0x10);
    wr16(r, CPCR, 0x23);
    nic_wr(r, TSAD, TX_RING);
    nic_wr(r, RDSAR, RX_RING);
    for (unsigned n = 0; n < 4; n++)
        desc(r, RX_RING, n, 0x80000000u | (n == 3 ? 0x40000000u : 0) | 600, RX + 2048 * n);
    wr8(r, CR, 0x0c);
    nic_wr(r, RCR, 0x0e);
}

static void test_cplus_receive(void **state)
{
    struct nic_rig *r = *state;
    uint8_t f[1000];

    start_cplus(r);
    nic_make_tcp(f, sizeof(f));
    ether_fill_l4(f, sizeof(f));
    nic_arrive(r, f, sizeof(f)); /* two buffers */
    assert_int_equal(ld_le32(r->ram + RX_RING) >> 28, 2);
    assert_int_equal(ld_le32(r->ram + RX_RING + 16), 0x10000000 | 0x02000000 | 0x10000 | 1004);
    assert_memory_equal(r->ram + RX, f, 600);
    assert_memory_equal(r->ram + RX + 2048, f + 600, 400);
    f[500] ^= 1;
    nic_arrive(r, f, sizeof(f));
    assert_int_equal(ld_le32(r->ram + RX_RING + 48) & 0xe000, 0x2000);
    f[500] ^= 1;
    nic_arrive(r, f, sizeof(f)); /* kept, until descriptors come back without a word */
    assert_false(net_can_send(&r->far));
    desc(r, RX_RING, 0, 0x80000000u | 1600, RX);
    memset(r->ram + RX, 0, 1600);
    clock_advance_to(r->clock, clock_now(r->clock) + 2 * MS);
    assert_memory_equal(r->ram + RX, f, 1000);
    assert_int_equal(ld_le32(r->ram + RX_RING) & 0x1fff, 1004);
}

static void test_cplus_large_send(void **state)
{
    struct nic_rig *r = *state;
    unsigned at = 0;

    start_cplus(r);
    nic_make_tcp(r->ram + TX, 54 + 3000);
    desc(r, TX_RING, 0, 0x80000000u | 0x20000000 | 0x08000000 | 1400 << 16 | 100, TX);
    desc(r, TX_RING, 1, 0x80000000u | 0x10000000 | 0x40000000 | 0x08000000 | 1400 << 16 | 2954,
         TX + 100);
    wr8(r, TPPOLL, 0x40);
    assert_int_equal(r->got->len, 3);
    for (unsigned n = 0; n < 3; n++) {
        const struct net_frame *g = nic_got(r, n);
        struct ether_checked c = ether_check(g->data, g->len);
        unsigned part = n < 2 ? 1400 : 200;

        assert_true(c.ip_good && c.l4 && c.l4_good);
        assert_int_equal(g->len, 54 + part);
        assert_int_equal(g->data[40] << 8 | g->data[41], 0x1000 + at);
        assert_int_equal(g->data[47], n < 2 ? 0x10 : 0x19);
        assert_memory_equal(g->data + 54, r->ram + TX + 54 + at, part);
        at += part;
    }
    assert_false(ld_le32(r->ram + TX_RING) & 0x80000000u);
    assert_false(ld_le32(r->ram + TX_RING + 16) & 0x80000000u);
}

static void test_cplus_small_segments(void **state)
{
    struct nic_rig *r = *state;

    start_cplus(r);
    nic_make_tcp(r->ram + TX, 54 + 200);
    /* segments smaller than their headers */
    desc(r, TX_RING, 0, 0x80000000u | 0x70000000 | 0x08000000 | 40 << 16 | 254, TX);
    wr8(r, TPPOLL, 0x40);
    assert_int_equal(r->got->len, 5);
    for (unsigned n = 0; n < 5; n++) {
        const struct net_frame *g = nic_got(r, n);

        assert_true(ether_check(g->data, g->len).l4_good);
        assert_memory_equal(g->data + 54, r->ram + TX + 54 + 40 * n, 40);
    }
}

static void test_hostile(void **state)
{
    struct nic_rig *r = *state;
    uint8_t f[1514];

    start(r);
    nic_wr(r, RBSTART, 0xfffff000);
    nic_make_frame(f, sizeof(f), nic_mac);
    nic_arrive(r, f, sizeof(f));
    bus_write(r->mmio, NIC_MMIO + 0x0e, 0xffffffff, 4); /* across two registers' border */
    nic_wr(r, TSAD, 0xfffffff0);
    nic_wr(r, TSD, 1000);
    assert_true(nic_rd(r, TSD) & 1 << 30);
    start_cplus(r);
    memset(r->ram, 0xff, sizeof(r->ram)); /* a ring that never ends, of frames that do not either */
    wr8(r, TPPOLL, 0xc0);
    nic_arrive(r, f, sizeof(f));
    clock_advance_to(r->clock, clock_now(r->clock) + 5 * MS);
}

/* ---- NE2000 ---- */

static int setup_ne2k(void **state)
{
    struct nic_config cfg;
    struct nic_rig *r = nic_rig_board(&cfg);
    struct ne2k_pci *s = ne2k_pci_new(&cfg, NULL);

    assert_non_null(s);
    nic_rig_start(r, ne2k_pci_device(s), ne2k_pci_port(s), -1, 0);
    *state = r;
    return 0;
}

static void ne_out(struct nic_rig *r, unsigned reg, unsigned v)
{
    bus_write(r->ports, NIC_IO + reg, v, 1);
}

static unsigned ne_in(struct nic_rig *r, unsigned reg)
{
    return (unsigned)bus_read(r->ports, NIC_IO + reg, 1);
}

static void ne_dma(struct nic_rig *r, unsigned at, unsigned len, unsigned cmd)
{
    ne_out(r, 8, at & 0xff);
    ne_out(r, 9, at >> 8);
    ne_out(r, 10, len & 0xff);
    ne_out(r, 11, len >> 8);
    ne_out(r, 0, cmd | 2);
}

static void ne_read(struct nic_rig *r, unsigned at, uint8_t *out, unsigned len)
{
    ne_dma(r, at, len, 8);
    for (unsigned k = 0; k < len; k += 2)
        st_le16(out + k, (uint16_t)bus_read(r->ports, NIC_IO + 0x10, 2));
    assert_true(ne_in(r, 7) & 0x40);
    ne_out(r, 7, 0x40);
}

static void ne_start(struct nic_rig *r)
{
    ne_in(r, 0x1f);
    assert_true(ne_in(r, 7) & 0x80);
    ne_out(r, 0, 0x21);
    ne_out(r, 14, 0x49);
    ne_out(r, 12, 0x0c);
    ne_out(r, 13, 0);
    ne_out(r, 1, 0x46);
    ne_out(r, 2, 0x50);
    ne_out(r, 3, 0x46);
    ne_out(r, 7, 0xff);
    ne_out(r, 15, 0x0f);
    ne_out(r, 0, 0x61);
    for (unsigned k = 0; k < 6; k++)
        ne_out(r, 1 + k, nic_mac[k]);
    ne_out(r, 7, 0x47);
    ne_out(r, 0, 0x22);
}

static void test_ne2k(void **state)
{
    struct nic_rig *r = *state;
    uint8_t prom[32], f[600], head[4], got[604];

    ne_start(r);
    ne_read(r, 0, prom, 32);
    for (unsigned k = 0; k < 6; k++)
        assert_int_equal(prom[2 * k], nic_mac[k]);
    assert_int_equal(prom[28], 0x57);
    assert_int_equal(prom[30], 0x57);
    nic_make_frame(f, sizeof(f), nic_mac);
    ne_dma(r, 0x4000, sizeof(f), 0x10);
    for (unsigned k = 0; k < sizeof(f); k += 4)
        bus_write(r->ports, NIC_IO + 0x10, ld_le32(f + k), 4);
    ne_out(r, 4, 0x40);
    ne_out(r, 5, sizeof(f) & 0xff);
    ne_out(r, 6, sizeof(f) >> 8);
    ne_out(r, 0, 0x26);
    assert_int_equal(r->got->len, 1);
    assert_memory_equal(nic_got(r, 0)->data, f, sizeof(f));
    assert_true(r->intx.level);
    ne_out(r, 7, 0xff);
    assert_false(r->intx.level);
    for (unsigned n = 0, page = 0x47; n < 20; n++) { /* round the ring */
        f[20] = (uint8_t)n;
        ne_out(r, 0, 0x20); /* neither start nor stop: it runs on */
        nic_arrive(r, f, sizeof(f));
        assert_true(ne_in(r, 7) & 1);
        ne_read(r, page << 8, head, 4);
        assert_int_equal(head[0] & 1, 1);
        assert_int_equal(ld_le16(head + 2), sizeof(f) + 8);
        ne_read(r, (page << 8) + 4, got, sizeof(got));
        assert_memory_equal(got, f, sizeof(f));
        assert_int_equal(ld_le32(got + sizeof(f)), ether_crc(f, sizeof(f)));
        page = head[1];
        ne_out(r, 3, page - 1); /* as Linux does: before the ring for its end */
        ne_out(r, 7, 1);
    }
}

static void test_ne2k_hostile(void **state)
{
    struct nic_rig *r = *state;
    uint8_t f[1514];

    ne_start(r);
    nic_make_frame(f, sizeof(f), nic_mac);
    ne_out(r, 1, 0xff);
    ne_out(r, 2, 0x01); /* a ring that ends before it begins */
    nic_arrive(r, f, sizeof(f));
    ne_out(r, 1, 0x00);
    ne_out(r, 2, 0xff); /* and one beyond the memory */
    ne_out(r, 3, 0xfe);
    for (unsigned n = 0; n < 100; n++)
        nic_arrive(r, f, sizeof(f));
    ne_out(r, 4, 0x7f);
    ne_out(r, 5, 0xff);
    ne_out(r, 6, 0xff);
    ne_out(r, 0, 0x26);
    assert_int_equal(ne_in(r, 4), 8); /* aborted */
    assert_int_equal(r->got->len, 0);
    ne_dma(r, 0xffff, 0xffff, 8);
    bus_read(r->ports, NIC_IO + 0x10, 4);
}

/* ---- option ROMs ---- */

/* An image that names another adapter: of the same maker (10ec), or not. */
static void make_rom(uint8_t *rom, size_t len, unsigned vendor)
{
    uint8_t sum = 0;

    memset(rom, 0x90, len);
    st_le16(rom, 0xaa55);
    rom[2] = (uint8_t)(len / 512);
    st_le16(rom + 0x18, 0x1c);
    memcpy(rom + 0x1c, "PCIR", 4);
    st_le16(rom + 0x20, (uint16_t)vendor);
    st_le16(rom + 0x22, 0xffff);
    for (size_t k = 0; k < len; k++)
        sum = (uint8_t)(sum + rom[k]);
    rom[len - 1] = (uint8_t)(rom[len - 1] - sum);
}

static void expect_rom(const uint8_t *image, size_t len, bool adapts, unsigned device)
{
    const struct nic_config cfg = {.rom = image, .rom_len = len, .rom_adapts = adapts};
    struct pci_device d;
    uint8_t *copy, sum = 0;
    void *mem;

    pci_device_init(&d, "nic", 0x10ec, 0x8139, 0x020000, 0, 1, NULL);
    assert_true(nic_add_rom(&d, &cfg, &mem, NULL));
    copy = mem;
    for (size_t k = 0; k < len; k++)
        sum = (uint8_t)(sum + copy[k]);
    assert_int_equal(sum, 0);
    assert_int_equal(ld_le16(copy + 0x22), device);
    if (device == 0xffff)
        assert_memory_equal(copy, image, len);
    free(mem);
}

static void test_option_rom(void **state)
{
    uint8_t rom[1024];

    (void)state;
    make_rom(rom, sizeof(rom), 0x10ec);
    expect_rom(rom, sizeof(rom), true, 0x8139);
    expect_rom(rom, sizeof(rom), false, 0xffff);
    make_rom(rom, sizeof(rom), 0x8086);
    expect_rom(rom, sizeof(rom), true, 0xffff);
    make_rom(rom, sizeof(rom), 0x10ec);
    rom[0x18] = 0xf0; /* the header would end behind the image */
    rom[0x19] = 0x03;
    rom[1023] = (uint8_t)(rom[1023] + 0x1c - 0xf0 - 0x03);
    expect_rom(rom, sizeof(rom), true, 0xffff);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define N(name) cmocka_unit_test_setup_teardown(name, setup_ne2k, teardown)
    const struct CMUnitTest tests[] = {
        T(test_identity),
        T(test_send),
        T(test_receive_round_the_ring),
        T(test_full_ring_keeps_frames),
        T(test_filters),
        T(test_hash),
        T(test_timer),
        T(test_cplus_receive),
        T(test_cplus_large_send),
        T(test_cplus_small_segments),
        T(test_hostile),
        N(test_ne2k),
        N(test_ne2k_hostile),
        cmocka_unit_test(test_option_rom),
    };

    return unit_main(tests);
}
