/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 82540EM, driven as its drivers do. */
#include "tests/unit/nic_rig.h"

#include "devices/net/e1000.h"

enum {
    CTRL = 0,
    STATUS = 8,
    EECD = 0x10,
    EERD = 0x14,
    MDIC = 0x20,
    ICR = 0xc0,
    ITR = 0xc4,
    ICS = 0xc8,
    IMS = 0xd0,
    IMC = 0xd8,
    RCTL = 0x100,
    TCTL = 0x400,
    RDBAL = 0x2800,
    RDLEN = 0x2808,
    RDH = 0x2810,
    RDT = 0x2818,
    RDTR = 0x2820,
    TDBAL = 0x3800,
    TDLEN = 0x3808,
    TDH = 0x3810,
    TDT = 0x3818,
    GPRC = 0x4074,
    GORCL = 0x4088,
    GPTC = 0x4080,
    RXCSUM = 0x5000,
    MTA = 0x5200,
    VFTA = 0x5600,

    TX_RING = 0x1000,
    RX_RING = 0x2000,
    RX_BUFFERS = 0x10000,
    TX_BUFFERS = 0x40000,
    RING = 8,
    EOP = 0x01000000,
    IC = 0x04000000,
    TSE = 0x04000000,
    RS = 0x08000000,
    DEXT = 0x20000000,
    VLE = 0x40000000,
    DTYP_DATA = 0x00100000,
};

static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t group[6] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb};

static void set_rx_desc(struct nic_rig *r, unsigned n, uint64_t addr)
{
    memset(r->ram + RX_RING + 16 * n, 0, 16);
    st_le64(r->ram + RX_RING + 16 * n, addr);
}

static int setup(void **state)
{
    struct nic_config cfg;
    struct nic_rig *r = nic_rig_board(&cfg);
    struct e1000 *s = e1000_new(&cfg, NULL);

    assert_non_null(s);
    nic_rig_start(r, e1000_device(s), e1000_port(s), 0, 1);
    nic_wr(r, TDBAL, TX_RING);
    nic_wr(r, TDLEN, RING * 16);
    nic_wr(r, RDBAL, RX_RING);
    nic_wr(r, RDLEN, RING * 16);
    for (unsigned n = 0; n < RING; n++)
        set_rx_desc(r, n, RX_BUFFERS + 2048 * n);
    nic_wr(r, RDT, RING - 1);
    nic_wr(r, TCTL, 0x0a);   /* EN, PSP */
    nic_wr(r, RCTL, 0x8002); /* EN, BAM */
    nic_rd(r, ICR);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    nic_rig_free(*state);
    return 0;
}

/* ---- EEPROM, PHY ---- */

static bool eecd_bit(struct nic_rig *r, unsigned di)
{
    nic_wr(r, EECD, 0x42 | di << 2);
    nic_wr(r, EECD, 0x43 | di << 2);
    di = nic_rd(r, EECD) >> 3 & 1;
    nic_wr(r, EECD, 0x42);
    return di;
}

static uint16_t microwire_read(struct nic_rig *r, unsigned addr)
{
    uint16_t v = 0;

    nic_wr(r, EECD, 0x40); /* REQ */
    assert_true(nic_rd(r, EECD) & 0x80);
    nic_wr(r, EECD, 0x42); /* CS */
    for (int k = 8; k >= 0; k--)
        eecd_bit(r, (0x180 | addr) >> k & 1);
    for (unsigned k = 0; k < 16; k++)
        v = (uint16_t)(v << 1 | eecd_bit(r, 0));
    nic_wr(r, EECD, 0x40);
    nic_wr(r, EECD, 0);
    return v;
}

static void test_eeprom(void **state)
{
    struct nic_rig *r = *state;
    uint16_t sum = 0;

    for (unsigned k = 0; k < 64; k++) {
        uint32_t v;

        nic_wr(r, EERD, k << 8 | 1);
        v = nic_rd(r, EERD);
        assert_true(v & 0x10);
        assert_int_equal(microwire_read(r, k), v >> 16);
        sum = (uint16_t)(sum + (v >> 16));
    }
    assert_int_equal(sum, 0xbaba);
    for (unsigned k = 0; k < 3; k++)
        assert_int_equal(microwire_read(r, k), ld_le16(nic_mac + 2 * k));
    assert_int_equal(nic_rd(r, 0x5400), ld_le32(nic_mac));
    assert_int_equal(nic_rd(r, 0x5404), 0x80000000u | ld_le16(nic_mac + 4));
}

static uint32_t mdic(struct nic_rig *r, uint32_t v)
{
    nic_wr(r, MDIC, v);
    assert_true(nic_rd(r, MDIC) & 1 << 28);
    return nic_rd(r, MDIC);
}

static void test_phy_and_link(void **state)
{
    struct nic_rig *r = *state;

    assert_int_equal(mdic(r, 0x08220000) & 0xffff, 0x0141);
    assert_int_equal(mdic(r, 0x08230000) & 0xfff0, 0x0c20);
    assert_int_equal(mdic(r, 0x08210000) & 0x24, 0x24);
    assert_true(mdic(r, 0x08420000) & 1 << 30); /* there is no PHY 2 */
    assert_true(nic_rd(r, STATUS) & 2);
    nic_wr(r, IMS, 4);
    net_set_link(&r->far, false);
    assert_true(r->intx.level);
    assert_int_equal(nic_rd(r, ICR), 4);
    assert_false(r->intx.level);
    assert_false(nic_rd(r, STATUS) & 2);
    assert_int_equal(mdic(r, 0x08210000) & 0x24, 0);
    net_set_link(&r->far, true);
    assert_true(nic_rd(r, STATUS) & 2);
    assert_int_equal(nic_rd(r, ICR), 4);
}

/* ---- receive ---- */

static void assert_received(struct nic_rig *r, unsigned n, const uint8_t *frame, size_t len)
{
    const uint8_t *d = r->ram + RX_RING + 16 * n, *buf = r->ram + RX_BUFFERS + 2048 * n;

    assert_int_equal(d[12] & 3, 3);
    assert_int_equal(ld_le16(d + 8), len + 4);
    assert_memory_equal(buf, frame, len);
    assert_int_equal(ld_le32(buf + len), ether_crc(frame, len));
}

static void test_receive(void **state)
{
    struct nic_rig *r = *state;
    uint8_t f[1514], small[60] = {0};

    nic_wr(r, IMS, 0x80);
    nic_make_frame(f, sizeof(f), nic_mac);
    assert_true(nic_arrive(r, f, sizeof(f)));
    assert_received(r, 0, f, sizeof(f));
    assert_true(r->intx.level);
    assert_true(nic_rd(r, ICR) & 0x80);
    nic_make_frame(small, 20, everyone);
    nic_arrive(r, small, 20); /* padded */
    assert_received(r, 1, small, 60);
    assert_int_equal(nic_rd(r, RDH), 2);
    assert_int_equal(nic_rd(r, GPRC), 2);
    assert_int_equal(nic_rd(r, GPRC), 0); /* read and gone */
    assert_int_equal(nic_rd(r, GORCL), 1518 + 64);
}

static void test_crc_is_standard(void **state)
{
    (void)state;
    assert_int_equal(ether_crc("123456789", 9), 0xcbf43926);
    assert_int_equal(ether_crc("The quick brown fox jumps over the lazy dog", 43), 0x414fa339);
}

static void test_filters(void **state)
{
    struct nic_rig *r = *state;
    static const uint8_t other[6] = {0x52, 0x54, 0, 0, 0, 1};
    unsigned bit = (unsigned)ld_le16(group + 4) >> 4 & 0xfff;
    uint8_t f[100];

    nic_make_frame(f, sizeof(f), other);
    nic_arrive(r, f, sizeof(f));
    nic_make_frame(f, sizeof(f), group);
    nic_arrive(r, f, sizeof(f));
    assert_int_equal(nic_rd(r, RDH), 0);
    nic_wr(r, MTA + 4 * (bit >> 5), 1u << (bit & 31));
    nic_arrive(r, f, sizeof(f));
    assert_int_equal(nic_rd(r, RDH), 1);
    nic_wr(r, RCTL, 0x0a); /* UPE, not BAM */
    nic_make_frame(f, sizeof(f), other);
    nic_arrive(r, f, sizeof(f));
    assert_int_equal(nic_rd(r, RDH), 2);
    nic_make_frame(f, sizeof(f), everyone);
    nic_arrive(r, f, sizeof(f));
    assert_int_equal(nic_rd(r, RDH), 2);
    nic_wr(r, RCTL, 0x12); /* MPE */
    nic_arrive(r, f, sizeof(f));
    assert_int_equal(nic_rd(r, RDH), 3);
}

static void test_vlan(void **state)
{
    struct nic_rig *r = *state;
    const uint8_t *d = r->ram + RX_RING;
    uint8_t f[104], plain[100];

    nic_make_frame(plain, sizeof(plain), nic_mac);
    memcpy(f, plain, 12);
    memcpy(f + 12, "\x81\x00\x20\x05", 4); /* priority 1, network 5 */
    memcpy(f + 16, plain + 12, sizeof(plain) - 12);
    nic_wr(r, RCTL, 0x48002); /* VFE */
    nic_wr(r, CTRL, 0x40000041);
    nic_arrive(r, f, sizeof(f));
    assert_int_equal(nic_rd(r, RDH), 0);
    nic_wr(r, VFTA, 1 << 5);
    nic_arrive(r, f, sizeof(f));
    assert_received(r, 0, plain, sizeof(plain));
    assert_true(d[12] & 8);
    assert_int_equal(ld_le16(d + 14), 0x2005);
}

static void test_long_frames_and_small_buffers(void **state)
{
    struct nic_rig *r = *state;
    uint8_t f[1600];

    nic_make_frame(f, sizeof(f), nic_mac);
    nic_arrive(r, f, sizeof(f));
    assert_int_equal(nic_rd(r, RDH), 0); /* not without LPE */
    nic_wr(r, RCTL, 0x04028022);         /* SECRC, 512 bytes, BAM, LPE, EN */
    nic_arrive(r, f, sizeof(f));
    assert_int_equal(nic_rd(r, RDH), 4);
    for (unsigned n = 0; n < 4; n++) {
        const uint8_t *d = r->ram + RX_RING + 16 * n;
        unsigned part = n < 3 ? 512 : 1600 - 3 * 512;

        assert_int_equal(ld_le16(d + 8), part);
        assert_int_equal(d[12] & 3, n < 3 ? 1 : 3);
        assert_memory_equal(r->ram + RX_BUFFERS + 2048 * n, f + 512 * n, part);
    }
}

static void test_full_ring_keeps_frames(void **state)
{
    struct nic_rig *r = *state;
    uint8_t f[60];

    for (unsigned n = 0; n < 20; n++) {
        nic_make_frame(f, sizeof(f), nic_mac);
        f[59] = (uint8_t)n;
        assert_true(nic_arrive(r, f, sizeof(f)));
    }
    assert_int_equal(nic_rd(r, RDH), 7);
    assert_false(net_can_send(&r->far));
    for (unsigned n = 0; n < RING; n++)
        r->ram[RX_RING + 16 * n + 12] = 0;
    nic_wr(r, RDT, 6); /* seven more */
    assert_int_equal(nic_rd(r, RDH), 6);
    assert_int_equal(r->ram[RX_BUFFERS + 2048 * 5 + 59], 13);
}

static void test_checksums_are_judged(void **state)
{
    struct nic_rig *r = *state;
    uint8_t f[200];

    nic_wr(r, RXCSUM, 0x300);
    nic_make_tcp(f, sizeof(f));
    ether_fill_l4(f, sizeof(f));
    nic_arrive(r, f, sizeof(f));
    f[100] ^= 1;
    nic_arrive(r, f, sizeof(f));
    f[100] ^= 1;
    f[20] ^= 1;
    nic_arrive(r, f, sizeof(f));
    assert_int_equal(r->ram[RX_RING + 12], 0x63); /* both were looked at */
    assert_int_equal(r->ram[RX_RING + 13], 0);
    assert_int_equal(r->ram[RX_RING + 16 + 13], 0x20);
    assert_int_equal(r->ram[RX_RING + 32 + 13] & 0x40, 0x40);
}

/* ---- transmit ---- */

static void tx_desc(struct nic_rig *r, unsigned n, uint64_t addr, uint32_t lower, uint32_t upper)
{
    st_le64(r->ram + TX_RING + 16 * n, addr);
    st_le32(r->ram + TX_RING + 16 * n + 8, lower);
    st_le32(r->ram + TX_RING + 16 * n + 12, upper);
}

static void test_send(void **state)
{
    struct nic_rig *r = *state;

    nic_wr(r, IMS, 1);
    nic_make_frame(r->ram + TX_BUFFERS, 1000, everyone);
    tx_desc(r, 0, TX_BUFFERS, 400, 0);
    tx_desc(r, 1, TX_BUFFERS + 400, 600 | EOP | RS, 0);
    tx_desc(r, 2, TX_BUFFERS, 20 | EOP, 0);
    nic_wr(r, TDT, 3);
    assert_int_equal(nic_rd(r, TDH), 3);
    assert_int_equal(r->got->len, 2);
    assert_int_equal(nic_got(r, 0)->len, 1000);
    assert_memory_equal(nic_got(r, 0)->data, r->ram + TX_BUFFERS, 1000);
    assert_int_equal(nic_got(r, 1)->len, 60); /* padded */
    assert_int_equal(r->ram[TX_RING + 12], 0);
    assert_int_equal(r->ram[TX_RING + 16 + 12], 1); /* as it asked for */
    assert_true(r->intx.level);
    assert_int_equal(nic_rd(r, ICR) & 3, 3);
    assert_int_equal(nic_rd(r, GPTC), 2);
}

static void test_busy_cable_stops_the_ring(void **state)
{
    struct nic_rig *r = *state;

    r->far_full = true;
    nic_make_frame(r->ram + TX_BUFFERS, 100, everyone);
    for (unsigned n = 0; n < 5; n++)
        tx_desc(r, n, TX_BUFFERS, 100 | EOP | RS, 0);
    nic_wr(r, TDT, 5);
    assert_int_equal(nic_rd(r, TDH), 0);
    r->far_full = false;
    net_flush(&r->far);
    assert_int_equal(nic_rd(r, TDH), 5);
    assert_int_equal(r->got->len, 5);
}

static void context(struct nic_rig *r, unsigned n, uint32_t tucmd, unsigned hdrlen, unsigned mss)
{
    /* IP at 14, its checksum at 24, up to 33; TCP at 34, its checksum at 50 */
    tx_desc(r, n, UINT64_C(0x0000322200211800) | 14 | (uint64_t)24 << 8, DEXT | tucmd,
            hdrlen << 8 | mss << 16);
    st_le32(r->ram + TX_RING + 16 * n, 14 | 24 << 8 | 33 << 16);
    st_le32(r->ram + TX_RING + 16 * n + 4, 34 | 50 << 8);
}

static bool sums_are_good(const struct net_frame *f)
{
    struct ether_checked c = ether_check(f->data, f->len);

    return c.ip && c.ip_good && c.l4 && c.l4_good;
}

/* As a driver leaves it there: the sum of the pseudo header, with or without the length. */
static void put_pseudo(uint8_t *f, size_t len)
{
    uint8_t pseudo[4] = {0, 6, (uint8_t)(len >> 8), (uint8_t)len};

    st_le16(f + 50, (uint16_t)~ether_sum_end(ether_sum(pseudo, 4, ether_sum(f + 26, 8, 0))));
}

static void test_checksums_are_inserted(void **state)
{
    struct nic_rig *r = *state;
    uint8_t *f = r->ram + TX_BUFFERS;

    nic_make_tcp(f, 300);
    put_pseudo(f, 300 - 34);
    f[24] = f[25] = 0;
    context(r, 0, 0x03000000, 0, 0);
    tx_desc(r, 1, TX_BUFFERS, 300 | EOP | DEXT | DTYP_DATA, 0x300);
    nic_wr(r, TDT, 2);
    assert_int_equal(r->got->len, 1);
    assert_true(sums_are_good(nic_got(r, 0)));
    /* and by a legacy descriptor, of TCP alone */
    ether_fill_ip(f, 300);
    tx_desc(r, 2, TX_BUFFERS, 300 | EOP | IC | 50 << 16, 34 << 8);
    nic_wr(r, TDT, 3);
    assert_true(sums_are_good(nic_got(r, 1)));
}

static void test_segmentation(void **state)
{
    struct nic_rig *r = *state;
    uint8_t *f = r->ram + TX_BUFFERS;
    unsigned at = 0;

    nic_make_tcp(f, 54 + 4000);
    put_pseudo(f, 0);
    f[24] = f[25] = 0;
    context(r, 0, 0x07000000, 54, 1460);
    tx_desc(r, 1, TX_BUFFERS, 54 | DEXT | DTYP_DATA | TSE, 0x300);
    tx_desc(r, 2, TX_BUFFERS + 54, 1000 | DEXT | DTYP_DATA | TSE, 0x300);
    tx_desc(r, 3, TX_BUFFERS + 1054, 3000 | DEXT | DTYP_DATA | TSE | EOP | RS, 0x300);
    nic_wr(r, TDT, 4);
    assert_int_equal(r->got->len, 3);
    for (unsigned n = 0; n < 3; n++) {
        const struct net_frame *g = nic_got(r, n);
        unsigned part = n < 2 ? 1460 : 4000 - 2 * 1460;

        assert_int_equal(g->len, 54 + part);
        assert_true(sums_are_good(g));
        assert_int_equal(g->data[18] << 8 | g->data[19], 0x1234 + n);
        assert_int_equal(g->data[40] << 8 | g->data[41], 0x1000 + at);
        assert_int_equal(g->data[47], n < 2 ? 0x10 : 0x19); /* FIN and PSH on the last alone */
        assert_memory_equal(g->data + 54, f + 54 + at, part);
        at += part;
    }
}

/* To who ends TCP it is one segment, header and all; what no frame has room for is several. */
static void test_long_segments(void **state)
{
    struct nic_rig *r = *state;
    struct net_port_ops ops = *r->far.ops;
    uint8_t *f = r->ram + TX_BUFFERS;
    const struct net_frame *g;

    ops.ends_tcp = true;
    r->far.ops = &ops;
    nic_make_tcp(f, 54 + 4000);
    put_pseudo(f, 0);
    f[24] = f[25] = 0;
    context(r, 0, 0x07000000, 54, 1460);
    tx_desc(r, 1, TX_BUFFERS, 54 | DEXT | DTYP_DATA | TSE, 0x300);
    tx_desc(r, 2, TX_BUFFERS + 54, 4000 | DEXT | DTYP_DATA | TSE | EOP | RS, 0x300);
    nic_wr(r, TDT, 3);
    assert_int_equal(r->got->len, 1);
    g = nic_got(r, 0);
    assert_int_equal(g->len, 54 + 4000);
    assert_true(sums_are_good(g));
    assert_int_equal(g->data[16] << 8 | g->data[17], 4000 + 40);
    assert_int_equal(g->data[47], 0x19);
    assert_memory_equal(g->data + 54, f + 54, 4000);
    /* the same bytes over and over, more than 64 KiB of them */
    tx_desc(r, 3, TX_BUFFERS, 54 | DEXT | DTYP_DATA | TSE, 0x300);
    for (unsigned n = 4; n < 9; n++)
        tx_desc(r, n % RING, TX_BUFFERS + 54,
                16000 | DEXT | DTYP_DATA | TSE | (n == 8 ? EOP | RS : 0), 0x300);
    nic_wr(r, TDT, 9 % RING);
    assert_int_equal(r->got->len, 3);
    g = nic_got(r, 1);
    assert_int_equal(g->len, 54 + 44 * 1460); /* all are full, but for the last */
    assert_true(sums_are_good(g));
    assert_int_equal(g->data[47], 0x10);
    g = nic_got(r, 2);
    assert_int_equal(g->len, 54 + 80000 - 44 * 1460);
    assert_true(sums_are_good(g));
    assert_int_equal(g->data[40] << 8 | g->data[41], (0x1000 + 44 * 1460) & 0xffff);
    assert_int_equal(g->data[47], 0x19);
    r->far.ops = &nic_far_ops;
}

static void test_tag_is_inserted(void **state)
{
    struct nic_rig *r = *state;

    nic_wr(r, CTRL, 0x40000041);
    nic_make_frame(r->ram + TX_BUFFERS, 100, everyone);
    tx_desc(r, 0, TX_BUFFERS, 100 | EOP | VLE, 0x20050000);
    nic_wr(r, TDT, 1);
    assert_int_equal(nic_got(r, 0)->len, 104);
    assert_memory_equal(nic_got(r, 0)->data + 12, "\x81\x00\x20\x05\x88\xb5", 6);
}

/* ---- interrupts ---- */

static void test_throttling(void **state)
{
    struct nic_rig *r = *state;

    nic_wr(r, ITR, 1000); /* 256 us */
    nic_wr(r, IMS, 0x10);
    nic_wr(r, ICS, 0x10);
    assert_true(r->intx.level);
    nic_rd(r, ICR);
    nic_wr(r, ICS, 0x10);
    assert_false(r->intx.level);
    clock_advance_to(r->clock, 255999);
    assert_false(r->intx.level);
    clock_advance_to(r->clock, 256000);
    assert_true(r->intx.level);
    nic_wr(r, IMC, 0x10);
    assert_false(r->intx.level);
}

static void test_receive_delay(void **state)
{
    struct nic_rig *r = *state;
    uint8_t f[60];

    nic_wr(r, IMS, 0x80);
    nic_wr(r, RDTR, 100); /* 102.4 us since the last */
    nic_wr(r, 0x282c, 150);
    nic_make_frame(f, sizeof(f), nic_mac);
    nic_arrive(r, f, sizeof(f));
    clock_advance_to(r->clock, 90000);
    nic_arrive(r, f, sizeof(f));
    clock_advance_to(r->clock, 153599);
    assert_false(r->intx.level);
    clock_advance_to(r->clock, 153600); /* RADV since the first */
    assert_true(r->intx.level);
}

/* ---- hostile drivers ---- */

static void test_hostile_rings(void **state)
{
    struct nic_rig *r = *state;
    uint8_t f[100];

    /* a long ring of long descriptors is done in portions */
    nic_wr(r, TDBAL, 0);
    nic_wr(r, TDLEN, 0xfff80);
    memset(r->ram, 0xff, sizeof(r->ram));
    nic_wr(r, TDT, 0xffff);
    assert_true(nic_rd(r, TDH) < 1000);
    nic_wr(r, TCTL, 0);
    /* heads beyond the ring */
    nic_wr(r, RDLEN, 128);
    nic_wr(r, RDH, 0x7fff);
    nic_make_frame(f, sizeof(f), nic_mac);
    nic_arrive(r, f, sizeof(f));
    nic_wr(r, RDH, 0);
    nic_wr(r, RDT, 0xfff0);
    nic_wr(r, RDBAL, 0xfffffff0); /* not memory */
    nic_wr(r, RDT, 5);
    assert_true(nic_rd(r, RDH) <= 5);
    nic_wr(r, CTRL, 1 << 26);
    assert_int_equal(nic_rd(r, RCTL), 0);
    assert_int_equal(nic_rd(r, 0x5400), ld_le32(nic_mac));
}

static void test_io_window(void **state)
{
    struct nic_rig *r = *state;

    bus_write(r->ports, NIC_IO, STATUS, 4);
    assert_int_equal(bus_read(r->ports, NIC_IO + 4, 4), nic_rd(r, STATUS));
    bus_write(r->ports, NIC_IO, 0x1fffc, 4);
    assert_int_equal(bus_read(r->ports, NIC_IO + 4, 4), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_eeprom),
        T(test_phy_and_link),
        T(test_receive),
        T(test_crc_is_standard),
        T(test_filters),
        T(test_vlan),
        T(test_long_frames_and_small_buffers),
        T(test_full_ring_keeps_frames),
        T(test_checksums_are_judged),
        T(test_send),
        T(test_busy_cable_stops_the_ring),
        T(test_checksums_are_inserted),
        T(test_segmentation),
        T(test_long_segments),
        T(test_tag_is_inserted),
        T(test_throttling),
        T(test_receive_delay),
        T(test_hostile_rings),
        T(test_io_window),
    };

    return unit_main(tests);
}
