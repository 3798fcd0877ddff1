/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the RTL8139C+ share: its registers (datasheet section 5) and its state. */
#ifndef DEVICES_NET_RTL8139_STATE_H
#define DEVICES_NET_RTL8139_STATE_H

#include "base/bits.h"
#include "base/clock.h"
#include "devices/net/eeprom93.h"
#include "devices/net/rtl8139.h"

enum {
    R_IDR = 0x00,  /* address, 6 bytes */
    R_MAR = 0x08,  /* multicast table, 8 bytes */
    R_TSD = 0x10,  /* transmit status, 4 * 32 bits; C+: where counters are dumped */
    R_TSAD = 0x20, /* transmit addresses, 4 * 32 bits; C+: two rings */
    R_RBSTART = 0x30,
    R_CR = 0x37,
    R_CAPR = 0x38,
    R_CBR = 0x3a,
    R_IMR = 0x3c,
    R_ISR = 0x3e,
    R_TCR = 0x40,
    R_RCR = 0x44,
    R_TCTR = 0x48,
    R_MPC = 0x4c,
    R_9346CR = 0x50,
    R_CONFIG0 = 0x51,
    R_CONFIG1 = 0x52,
    R_TIMERINT = 0x54,
    R_MSR = 0x58,
    R_CONFIG3 = 0x59,
    R_CONFIG4 = 0x5a,
    R_MULINT = 0x5c,
    R_TSAD_ALL = 0x60,
    R_BMCR = 0x62,
    R_BMSR = 0x64,
    R_ANAR = 0x66,
    R_ANLPAR = 0x68,
    R_ANER = 0x6a,
    R_CSCR = 0x74,
    R_CONFIG5 = 0xd8,
    R_TPPOLL = 0xd9,
    R_CPCR = 0xe0,
    R_RDSAR = 0xe4,
    R_ETTHR = 0xec,
    R_SIZE = 0x100,
};

enum {
    CR_BUFE = 1 << 0,
    CR_TE = 1 << 2,
    CR_RE = 1 << 3,
    CR_RST = 1 << 4,

    TSD_SIZE = 0x1fff,
    TSD_OWN = 1 << 13,
    TSD_TOK = 1 << 15,
    TSD_TABT = 1 << 30,

    ISR_ROK = 1 << 0,
    ISR_TOK = 1 << 2,
    ISR_TER = 1 << 3,
    ISR_RXOVW = 1 << 4,
    ISR_LINK = 1 << 5,
    ISR_FOVW = 1 << 6,
    ISR_TDU = 1 << 7,
    ISR_SWINT = 1 << 8,
    ISR_TIMEOUT = 1 << 14,

    TCR_LBK = 3 << 17,
    TCR_HWVERID = 0x74800000, /* RTL8139C+ */

    RCR_AAP = 1 << 0,
    RCR_APM = 1 << 1,
    RCR_AM = 1 << 2,
    RCR_AB = 1 << 3,
    RCR_WRAP = 1 << 7,

    CPCR_TX = 1 << 0,
    CPCR_RX = 1 << 1,
    CPCR_RX_SUMS = 1 << 5,
    CPCR_RX_VLAN = 1 << 6,
};

/* Which filter let a frame in. */
enum rtl8139_match {
    MATCH_NONE,
    MATCH_PROMISCUOUS,
    MATCH_PHYSICAL,
    MATCH_MULTICAST,
    MATCH_BROADCAST
};

/* What a dump of the counters has, in its order (C+; 5.6). */
struct rtl8139_counters {
    uint64_t tx_ok, rx_ok, rx_unicast, rx_broadcast;
    uint32_t rx_multicast;
    uint16_t missed;
};

#define RTL_FRAME_MAX 65535u

struct rtl8139 {
    struct device dev;
    struct pci_device pci;
    struct net_port port;
    struct vclock *clock;
    void *rom;

    /* ---- state ---- */
    uint8_t reg[R_SIZE];
    struct eeprom93 eeprom;
    int64_t timer_base; /* ns when TCTR was 0 */
    uint8_t tx_next;    /* of the four */
    uint8_t cp_tx[2];   /* descriptor of the normal and the high priority ring */
    uint8_t cp_rx;
    struct rtl8139_counters count;
    uint32_t cp_len; /* bytes in cp_buf */
    bool cp_open;    /* a frame is being put together */
    bool cp_lost;
    uint32_t cp_first; /* its first descriptor's command, and VLAN word */
    uint32_t cp_vlan;
    uint8_t cp_buf[RTL_FRAME_MAX + 1];

    struct timer timer, retry;
};

/* rtl8139.c */
void rtl8139_cause(struct rtl8139 *s, unsigned isr);
/* Sends (or loops back) a frame. */
void rtl8139_send(struct rtl8139 *s, const struct iovec *iov, unsigned n);
bool rtl8139_loops(const struct rtl8139 *s);
bool rtl8139_may_send(struct rtl8139 *s);

/* rtl8139_ring.c: as an RTL8139 */
void rtl8139_tx_run(struct rtl8139 *s);
bool rtl8139_ring_has_room(const struct rtl8139 *s);
void rtl8139_ring_store(struct rtl8139 *s, const uint8_t *frame, size_t len, enum rtl8139_match m);

/* rtl8139_cplus.c: in C+ mode; `high` is the ring of high priority. cp_store may change the frame,
 * and write four bytes behind it. */
void rtl8139_cp_run(struct rtl8139 *s, bool high);
bool rtl8139_cp_has_room(struct rtl8139 *s);
void rtl8139_cp_store(struct rtl8139 *s, uint8_t *frame, size_t len, enum rtl8139_match m);
void rtl8139_cp_dump(struct rtl8139 *s);

#endif
