/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The RTL8139's four transmit registers and its receive ring (RTL8139C+ datasheet 5.2, 6.1). */
#include "devices/net/rtl8139_state.h"

#include "base/log.h"

#define HEADER 4u
#define TX_MAX 1792u /* what the transmit FIFO takes (5.3) */

enum { ROK = 1 << 0, BAR = 1 << 13, PAM = 1 << 14, MAR = 1 << 15 };

/* ---- transmit ---- */

static void send_one(struct rtl8139 *s, unsigned n)
{
    uint8_t *tsd = s->reg + R_TSD + 4 * n, frame[TX_MAX];
    uint32_t v = ld_le32(tsd), len = v & TSD_SIZE;
    struct iovec iov = {frame, len};

    if (len > TX_MAX || !pci_dma_read(&s->pci, ld_le32(s->reg + R_TSAD + 4 * n), frame, len)) {
        log_guest("rtl8139: a frame of %u bytes cannot be sent", len);
        st_le32(tsd, v | TSD_OWN | TSD_TABT);
        rtl8139_cause(s, ISR_TER);
        return;
    }
    if (len)
        rtl8139_send(s, &iov, 1);
    st_le32(tsd, v | TSD_OWN | TSD_TOK);
    rtl8139_cause(s, ISR_TOK);
}

void rtl8139_tx_run(struct rtl8139 *s)
{
    for (unsigned k = 0; k < 4; k++) {
        unsigned n = s->tx_next;

        if (!(s->reg[R_CR] & CR_TE) || (ld_le32(s->reg + R_TSD + 4 * n) & TSD_OWN) ||
            !rtl8139_may_send(s))
            return;
        s->tx_next = (n + 1) & 3;
        send_one(s, n);
    }
}

/* ---- receive ---- */

static uint32_t ring_size(const struct rtl8139 *s)
{
    return 8192u << (ld_le32(s->reg + R_RCR) >> 11 & 3);
}

/* Bytes that the driver has left free; the ring is never filled to the last. CAPR is 16 less than
 * where it reads. */
static uint32_t ring_free(const struct rtl8139 *s)
{
    uint32_t size = ring_size(s), head = ld_le16(s->reg + R_CBR) % size;
    uint32_t tail = (ld_le16(s->reg + R_CAPR) + 16u) % size;

    return tail > head ? tail - head : size - head + tail;
}

static uint32_t need(size_t len)
{
    return (uint32_t)(HEADER + len + ETHER_CRC + 3) & ~3u;
}

bool rtl8139_ring_has_room(const struct rtl8139 *s)
{
    return ring_free(s) > need(ETHER_MAX + 4);
}

/* At an offset of the ring; over its end to the start, unless WRAP lets it run on into the bytes
 * that the driver has behind it. */
static void put(struct rtl8139 *s, uint32_t at, const void *data, uint32_t len)
{
    uint32_t size = ring_size(s), base = ld_le32(s->reg + R_RBSTART), first = len;

    if (at + len > size && !(ld_le32(s->reg + R_RCR) & RCR_WRAP))
        first = at < size ? size - at : 0;
    if (first && !pci_dma_write(&s->pci, (uint64_t)base + at, data, first))
        log_guest("rtl8139: the ring to receive into is no memory");
    if (first < len)
        pci_dma_write(&s->pci, (uint64_t)base + (at < size ? 0 : at - size),
                      (const uint8_t *)data + first, len - first);
}

void rtl8139_ring_store(struct rtl8139 *s, const uint8_t *frame, size_t len, enum rtl8139_match m)
{
    uint32_t size = ring_size(s), at = ld_le16(s->reg + R_CBR) % size;
    uint16_t status = ROK | (m == MATCH_BROADCAST ? BAR : 0) | (m == MATCH_PHYSICAL ? PAM : 0) |
                      (m == MATCH_MULTICAST ? MAR : 0);
    uint8_t header[HEADER], crc[ETHER_CRC];

    if (need(len) >= ring_free(s)) {
        s->count.missed++;
        rtl8139_cause(s, ISR_RXOVW);
        return;
    }
    st_le16(header, status);
    st_le16(header + 2, (uint16_t)(len + ETHER_CRC));
    st_le32(crc, ether_crc(frame, len));
    put(s, at, header, HEADER);
    put(s, at + HEADER, frame, (uint32_t)len);
    put(s, at + HEADER + (uint32_t)len, crc, ETHER_CRC);
    st_le16(s->reg + R_CBR, (uint16_t)((at + need(len)) % size));
    rtl8139_cause(s, ISR_ROK);
}
