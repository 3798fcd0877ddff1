/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What adapters share about frames: pieces put together, CRC, checksums (IEEE 802.3, RFC 1071). */
#include "tests/unit/unit.h"

#include "base/bits.h"
#include "devices/net/ether.h"

static void test_gather(void **state)
{
    static const uint8_t a[ETHER_HEADER] = {1, 2, 3}, b[100] = {9};
    struct iovec iov[3] = {{(void *)a, sizeof(a)}, {NULL, 0}, {(void *)b, sizeof(b)}};
    uint8_t frame[256];

    (void)state;
    memset(frame, 0xee, sizeof(frame));
    assert_int_equal(ether_gather(frame, 114, iov, 3), 114);
    assert_memory_equal(frame, a, sizeof(a));
    assert_memory_equal(frame + sizeof(a), b, sizeof(b));
    assert_int_equal(frame[114], 0xee);
    assert_int_equal(ether_gather(frame, 113, iov, 3), 0);
    /* a short one ends in zeros */
    memset(frame, 0xee, sizeof(frame));
    assert_int_equal(ether_gather(frame, 114, iov, 1), ETHER_MIN);
    for (unsigned k = sizeof(a); k < ETHER_MIN; k++)
        assert_int_equal(frame[k], 0);
    assert_int_equal(frame[ETHER_MIN], 0xee);
    iov[1].iov_len = SIZE_MAX; /* no sum of lengths goes round */
    assert_int_equal(ether_gather(frame, 114, iov, 3), 0);
}

/* The CRC as a shift register takes an address's bits, low ones first (IEEE 802.3 3.2.9). */
static uint32_t on_the_cable(const uint8_t *addr)
{
    uint32_t crc = UINT32_MAX;

    for (unsigned k = 0; k < 8 * ETHER_ADDR; k++) {
        bool carry = crc >> 31 ^ (addr[k / 8] >> k % 8 & 1);

        crc = crc << 1 ^ (carry ? 0x04c11db7u : 0);
    }
    return crc;
}

static void test_crc(void **state)
{
    static const uint8_t group[][ETHER_ADDR] = {
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {1, 0, 0x5e, 0, 0, 1}, {0x33, 0x33, 0, 0, 0, 0xfb}};
    uint8_t with[13] = "123456789";

    (void)state;
    assert_int_equal(ether_crc("123456789", 9), 0xcbf43926u);
    st_le32(with + 9, ether_crc(with, 9));
    assert_int_equal(ether_crc(with, 13), 0x2144df1cu); /* of every frame with its CRC behind it */
    for (unsigned k = 0; k < ARRAY_SIZE(group); k++)
        assert_int_equal(ether_hash6(group[k]), on_the_cable(group[k]) >> 26);
}

/* A UDP packet of IPv4, its checksums filled in and then looked at; and each broken. */
static void test_checksums(void **state)
{
    uint8_t frame[64] = {
        [12] = 8, [14] = 0x45, [17] = 31, [22] = 64, [23] = 17,  [26] = 10,  [29] = 1,  [30] = 10,
        [33] = 2, [35] = 7,    [37] = 8,  [39] = 11, [42] = 'o', [43] = 'd', [44] = 'd'};
    struct ether_checked c;

    (void)state;
    assert_int_equal(ether_ip_header(frame, 45), 20);
    ether_fill_ip(frame, 45);
    ether_fill_l4(frame, 45);
    c = ether_check(frame, sizeof(frame));
    assert_true(c.ip && c.ip_good && c.l4 && c.l4_good && c.udp);
    frame[43] ^= 1;
    c = ether_check(frame, sizeof(frame));
    assert_true(c.ip_good && c.l4 && !c.l4_good);
    frame[22]--;
    c = ether_check(frame, sizeof(frame));
    assert_true(c.ip && !c.ip_good);
    frame[12] = 6;
    c = ether_check(frame, sizeof(frame));
    assert_false(c.ip || c.l4);
    assert_int_equal(ether_ip_header(frame, 45), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gather),
        cmocka_unit_test(test_crc),
        cmocka_unit_test(test_checksums),
    };

    return unit_main(tests);
}
