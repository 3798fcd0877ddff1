/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What adapters share about frames: the CRC of IEEE 802.3 (3.2.9), by which they also hash
 * multicast addresses, and the Internet checksum (RFC 1071).
 */
#ifndef DEVICES_NET_ETHER_H
#define DEVICES_NET_ETHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#define ETHER_ADDR   6u
#define ETHER_HEADER 14u
#define ETHER_MIN    60u   /* without the CRC */
#define ETHER_MAX    1514u /* the same, untagged */
#define ETHER_CRC    4u

static inline bool ether_is_multicast(const uint8_t *addr)
{
    return addr[0] & 1;
}

static inline bool ether_is_broadcast(const uint8_t *addr)
{
    return !memcmp(addr, "\xff\xff\xff\xff\xff\xff", ETHER_ADDR);
}

/* What comes in n pieces as one frame of at most `max` bytes, and of ETHER_MIN at least: a shorter
 * one ends in zeros. Returns its length, or 0 when it is longer. `frame` has room for both. */
size_t ether_gather(uint8_t *frame, size_t max, const struct iovec *iov, unsigned n);

/* The frame check sequence of len bytes, as it stands behind them in little-endian order. */
uint32_t ether_crc(const void *data, size_t len);

/* The six bits by which the 8390 and its heirs look a multicast address up: the CRC's first six
 * bits on the cable. */
unsigned ether_hash6(const uint8_t *addr);

/* Adds len bytes, which begin at an even place of what is summed, to a sum; and the sum's
 * complement as the 16 bits (in the order of memory) that make it right. */
uint32_t ether_sum(const void *data, size_t len, uint32_t sum);
uint16_t ether_sum_end(uint32_t sum);

/* What a receiver can say of the checksums of an IPv4 packet in an untagged frame. */
struct ether_checked {
    bool ip, ip_good; /* the header's was looked at, and is good */
    bool l4, l4_good; /* that of TCP or UDP, in a packet that is no fragment */
    bool udp;         /* and it was UDP */
};
struct ether_checked ether_check(const uint8_t *frame, size_t len);

/* Puts the header's checksum of an IPv4 packet in an untagged frame right; that of its TCP or UDP,
 * over all that the frame has of it. Frames that are no such thing stay as they are. */
void ether_fill_ip(uint8_t *frame, size_t len);
void ether_fill_l4(uint8_t *frame, size_t len);

/* A number by which the frames of one flow (IP addresses, and the ports of TCP and UDP) are known
 * in both directions; frames without such have one of what they are. */
unsigned ether_flow(const uint8_t *frame, size_t len);

/* The length of an IPv4 header in an untagged frame of len bytes; 0: there is none. */
size_t ether_ip_header(const uint8_t *frame, size_t len);

#endif
