/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The RTL8139C+ as a PCI function: registers (datasheet section 5), filters, timer; see rtl8139.h.
 */
#include "devices/net/rtl8139_state.h"

#include <stdlib.h>

#define TICKS_PER_SEC 33000000u /* of TCTR: the bus clock */
#define RETRY_NS      1000000
#define FRAME_IN_MAX  8192u

enum {
    EEM = 0xc0, /* 9346CR: mode */
    EEM_PROGRAM = 0x80,
    EEM_CONFIG = 0xc0,
    EECS = 8,
    EESK = 4,
    EEDI = 2,
    EEDO = 1,
    BMCR_RESET = 0x80,     /* of its upper byte */
    BMCR_DEFAULT = 0x3100, /* autonegotiation, 100 Mb/s, full duplex */
    BMSR_ABILITIES = 0x7809,
    BMSR_LINKED = 0x0024, /* link, autonegotiation complete */
    MSR_NO_LINK = 4,
    TPPOLL_HIGH = 0x80,
    TPPOLL_NORMAL = 0x40,
    TPPOLL_SWINT = 0x01,
};

/* ---- interrupts, the cable ---- */

static void update_irq(struct rtl8139 *s)
{
    pci_set_intx(&s->pci, ld_le16(s->reg + R_ISR) & ld_le16(s->reg + R_IMR));
}

void rtl8139_cause(struct rtl8139 *s, unsigned isr)
{
    st_le16(s->reg + R_ISR, (uint16_t)(ld_le16(s->reg + R_ISR) | isr));
    update_irq(s);
}

static void follow_link(struct rtl8139 *s)
{
    bool up = net_link_up(&s->port);

    st_le16(s->reg + R_BMSR, (uint16_t)(BMSR_ABILITIES | (up ? BMSR_LINKED : 0)));
    st_le16(s->reg + R_ANLPAR, up ? 0x45e1 : 0);
    st_le16(s->reg + R_ANER, up ? 1 : 0);
    st_le16(s->reg + R_CSCR, up ? 0x07c8 : 0x07c0);
    s->reg[R_MSR] = (uint8_t)((s->reg[R_MSR] & ~MSR_NO_LINK) | (up ? 0 : MSR_NO_LINK));
}

static void port_link(void *opaque, bool up)
{
    (void)up;
    follow_link(opaque);
    rtl8139_cause(opaque, ISR_LINK);
}

/* ---- frames ---- */

static bool cplus_rx(const struct rtl8139 *s)
{
    return ld_le16(s->reg + R_CPCR) & CPCR_RX;
}

static bool can_receive(void *opaque)
{
    struct rtl8139 *s = opaque;

    if (!(s->reg[R_CR] & CR_RE))
        return true; /* and loses it */
    if (!cplus_rx(s))
        return rtl8139_ring_has_room(s);
    if (rtl8139_cp_has_room(s))
        return true;
    /* a driver gives descriptors back without a word: look again */
    if (!timer_armed(&s->retry))
        timer_arm(&s->retry, clock_now(s->clock) + RETRY_NS);
    return false;
}

static enum rtl8139_match match(const struct rtl8139 *s, const uint8_t *dst)
{
    uint32_t rcr = ld_le32(s->reg + R_RCR);
    unsigned hash = ether_hash6(dst);

    if (ether_is_broadcast(dst)) {
        if (rcr & RCR_AB)
            return MATCH_BROADCAST;
    } else if (ether_is_multicast(dst)) {
        if ((rcr & RCR_AM) && (s->reg[R_MAR + hash / 8] >> hash % 8 & 1))
            return MATCH_MULTICAST;
    } else if ((rcr & RCR_APM) && !memcmp(dst, s->reg + R_IDR, ETHER_ADDR)) {
        return MATCH_PHYSICAL;
    }
    return rcr & RCR_AAP ? MATCH_PROMISCUOUS : MATCH_NONE;
}

static void count_rx(struct rtl8139 *s, const uint8_t *frame)
{
    s->count.rx_ok++;
    if (ether_is_broadcast(frame))
        s->count.rx_broadcast++;
    else if (ether_is_multicast(frame))
        s->count.rx_multicast++;
    else
        s->count.rx_unicast++;
}

static void receive(void *opaque, const struct iovec *iov, unsigned n)
{
    struct rtl8139 *s = opaque;
    uint8_t frame[FRAME_IN_MAX + ETHER_CRC];
    enum rtl8139_match m;
    size_t len;

    if (!(s->reg[R_CR] & CR_RE))
        return;
    len = ether_gather(frame, FRAME_IN_MAX - ETHER_CRC, iov, n);
    m = len ? match(s, frame) : MATCH_NONE;
    if (m == MATCH_NONE)
        return;
    count_rx(s, frame);
    if (cplus_rx(s))
        rtl8139_cp_store(s, frame, len, m);
    else
        rtl8139_ring_store(s, frame, len, m);
}

bool rtl8139_loops(const struct rtl8139 *s)
{
    return (ld_le32(s->reg + R_TCR) & TCR_LBK) == TCR_LBK;
}

bool rtl8139_may_send(struct rtl8139 *s)
{
    return rtl8139_loops(s) || net_can_send(&s->port);
}

void rtl8139_send(struct rtl8139 *s, const struct iovec *iov, unsigned n)
{
    s->count.tx_ok++;
    if (rtl8139_loops(s))
        receive(s, iov, n);
    else
        net_send(&s->port, iov, n);
}

static void run_tx(struct rtl8139 *s)
{
    if (!(ld_le16(s->reg + R_CPCR) & CPCR_TX)) {
        rtl8139_tx_run(s);
        return;
    }
    if (s->reg[R_TPPOLL] & TPPOLL_HIGH)
        rtl8139_cp_run(s, true);
    if (s->reg[R_TPPOLL] & TPPOLL_NORMAL)
        rtl8139_cp_run(s, false);
}

static void retry(void *opaque)
{
    struct rtl8139 *s = opaque;

    run_tx(s);
    net_flush(&s->port);
}

static void port_writable(void *opaque)
{
    run_tx(opaque);
}

static const struct net_port_ops port_ops = {
    .can_receive = can_receive,
    .receive = receive,
    .link_changed = port_link,
    .writable = port_writable,
};

/* ---- the timer (5.10, 5.12) ---- */

static uint32_t timer_count(const struct rtl8139 *s)
{
    return (uint32_t)muldiv64((uint64_t)(clock_now(s->clock) - s->timer_base), TICKS_PER_SEC,
                              NS_PER_SEC);
}

/* For the next time that TCTR passes TIMERINT. */
static void arm_timer(struct rtl8139 *s)
{
    uint32_t at = ld_le32(s->reg + R_TIMERINT), left = at - timer_count(s);

    if (!at) {
        timer_cancel(&s->timer);
        return;
    }
    timer_arm(&s->timer,
              clock_now(s->clock) + 1 +
                  (int64_t)muldiv64(left ? left : UINT64_C(1) << 32, NS_PER_SEC, TICKS_PER_SEC));
}

static void timer_fire(void *opaque)
{
    struct rtl8139 *s = opaque;

    rtl8139_cause(s, ISR_TIMEOUT);
    arm_timer(s);
}

/* ---- registers ---- */

/* As after power-on; a software reset leaves the address and the PHY alone. */
static void soft_reset(struct rtl8139 *s)
{
    uint8_t keep[R_MAR], config[0x60 - R_9346CR];

    memcpy(keep, s->reg, sizeof(keep));
    memcpy(config, s->reg + R_9346CR, sizeof(config));
    memset(s->reg, 0, R_TSAD_ALL);
    memcpy(s->reg, keep, ETHER_ADDR);
    memcpy(s->reg + R_9346CR, config, sizeof(config));
    s->reg[R_9346CR] = 0;
    memset(s->reg + R_TPPOLL, 0, R_SIZE - R_TPPOLL);
    for (unsigned n = 0; n < 4; n++)
        st_le32(s->reg + R_TSD + 4 * n, TSD_OWN);
    st_le16(s->reg + R_CAPR, 0xfff0);
    st_le32(s->reg + R_TIMERINT, 0);
    s->tx_next = s->cp_rx = s->cp_tx[0] = s->cp_tx[1] = 0;
    s->cp_open = false;
    s->cp_len = 0;
    s->timer_base = clock_now(s->clock);
    timer_cancel(&s->timer);
    timer_cancel(&s->retry);
    follow_link(s);
    update_irq(s);
}

/* Bits of each byte that a guest may write; others have effects of their own. */
static uint8_t write_mask(const struct rtl8139 *s, unsigned off)
{
    bool config = (s->reg[R_9346CR] & EEM) == EEM_CONFIG;

    switch (off) {
    case 6:
    case 7:
    case R_CBR:
    case R_CBR + 1:
    case R_ISR:
    case R_ISR + 1:
    case R_CONFIG0:
    case R_BMSR:
    case R_BMSR + 1:
    case R_ANLPAR ... R_ANER + 1: return 0;
    case R_CR: return CR_TE | CR_RE;
    case R_TCR + 2: return 0x07;
    case R_TCR + 3: return 0x03;
    case R_9346CR: return 0xfe;
    case R_CONFIG1: return config ? 0xf1 : 0;
    case R_CONFIG3: return config ? 0x35 : 0;
    case R_CONFIG4:
    case R_CONFIG5: return config ? 0xff : 0;
    case R_MSR: return 0xc0;
    case R_TSAD_ALL:
    case R_TSAD_ALL + 1: return 0;
    default: return off < R_CSCR || off >= R_CPCR || off == R_TPPOLL ? 0xff : 0;
    }
}

static bool touches(unsigned off, unsigned size, unsigned reg, unsigned len)
{
    return off < reg + len && reg < off + size;
}

static void wrote_9346(struct rtl8139 *s)
{
    uint8_t v = s->reg[R_9346CR];

    if ((v & EEM) == EEM_PROGRAM)
        eeprom93_pins(&s->eeprom, v & EECS, v & EESK, v & EEDI);
    else
        eeprom93_pins(&s->eeprom, false, false, false);
}

/* Transmission: status registers as an RTL8139, rings and polling in C+ mode. */
static void wrote_tx(struct rtl8139 *s, unsigned off, unsigned size)
{
    bool cplus = ld_le16(s->reg + R_CPCR) & CPCR_TX;

    if (touches(off, size, R_TSD, 16) && !cplus) {
        for (unsigned n = 0; n < 4; n++) {
            uint8_t *tsd = s->reg + R_TSD + 4 * n;

            if (touches(off, size, R_TSD + 4 * n, 4))
                st_le32(tsd, ld_le32(tsd) & 0x003f3fff);
        }
        run_tx(s);
    } else if (touches(off, size, R_TSD, 4) && (s->reg[R_TSD] & 8)) {
        rtl8139_cp_dump(s);
    }
    if (touches(off, size, R_TSAD, 8) && cplus)
        s->cp_tx[0] = 0;
    if (touches(off, size, R_TSAD + 8, 8) && cplus)
        s->cp_tx[1] = 0;
    if (touches(off, size, R_TPPOLL, 1)) {
        if (s->reg[R_TPPOLL] & TPPOLL_SWINT)
            rtl8139_cause(s, ISR_SWINT);
        s->reg[R_TPPOLL] &= (uint8_t)~TPPOLL_SWINT;
        run_tx(s);
    }
}

static void wrote_phy(struct rtl8139 *s)
{
    if (s->reg[R_BMCR + 1] & BMCR_RESET)
        st_le16(s->reg + R_BMCR, BMCR_DEFAULT);
    s->reg[R_BMCR + 1] &= (uint8_t)~0x02; /* negotiated again, at once */
    follow_link(s);
}

/* What follows from a write; reg[] has the new values. */
static void wrote(struct rtl8139 *s, unsigned off, unsigned size)
{
    if (touches(off, size, R_9346CR, 1))
        wrote_9346(s);
    if (touches(off, size, R_TCTR, 4)) {
        s->timer_base = clock_now(s->clock);
        arm_timer(s);
    }
    if (touches(off, size, R_TIMERINT, 4))
        arm_timer(s);
    if (touches(off, size, R_MPC, 4))
        st_le32(s->reg + R_MPC, 0);
    if (touches(off, size, R_BMCR, 2))
        wrote_phy(s);
    if (touches(off, size, R_RDSAR, 8))
        s->cp_rx = 0;
    if (touches(off, size, R_TSD, 32) || touches(off, size, R_TPPOLL, 1))
        wrote_tx(s, off, size);
    if (touches(off, size, R_CR, 1))
        run_tx(s);
    update_irq(s);
    if (touches(off, size, R_CR, 1) || touches(off, size, R_CAPR, 2) ||
        touches(off, size, R_IMR, 4) || touches(off, size, R_RCR, 4))
        net_flush(&s->port);
}

static void reg_write(void *opaque, uint64_t at, uint64_t val, unsigned size)
{
    struct rtl8139 *s = opaque;
    unsigned off = (unsigned)at;

    for (unsigned k = 0; k < size && off + k < R_SIZE; k++) {
        uint8_t v = (uint8_t)(val >> 8 * k), mask = write_mask(s, off + k);

        if (off + k == R_CR && (v & CR_RST)) {
            soft_reset(s);
            return;
        }
        if (off + k == R_ISR || off + k == R_ISR + 1)
            s->reg[off + k] &= (uint8_t)~v;
        s->reg[off + k] = (uint8_t)((s->reg[off + k] & ~mask) | (v & mask));
    }
    wrote(s, off, size);
}

/* The status of all four transmissions in 16 bits (5.19). */
static uint16_t tx_summary(const struct rtl8139 *s)
{
    unsigned v = 0;

    for (unsigned n = 0; n < 4; n++) {
        uint32_t tsd = ld_le32(s->reg + R_TSD + 4 * n);

        v |= (tsd & TSD_OWN ? 1u : 0) << n | (tsd & TSD_TABT ? 0x10u : 0) << n |
             (tsd & TSD_TOK ? 0x1000u : 0) << n;
    }
    return (uint16_t)v;
}

static uint8_t reg_byte(struct rtl8139 *s, unsigned off)
{
    uint8_t v = s->reg[off];
    bool empty;

    switch (off) {
    case R_CR:
        empty = ld_le16(s->reg + R_CBR) == (uint16_t)(ld_le16(s->reg + R_CAPR) + 16);
        return v | (empty ? CR_BUFE : 0);
    case R_TCR ... R_TCR + 3: return v | (uint8_t)(TCR_HWVERID >> 8 * (off - R_TCR));
    case R_TCTR ... R_TCTR + 3: return (uint8_t)(timer_count(s) >> 8 * (off - R_TCTR));
    case R_9346CR: return (uint8_t)((v & ~EEDO) | (s->eeprom.out ? EEDO : 0));
    case R_TSAD_ALL:
    case R_TSAD_ALL + 1: return (uint8_t)(tx_summary(s) >> 8 * (off - R_TSAD_ALL));
    default: return v;
    }
}

static uint64_t reg_read(void *opaque, uint64_t off, unsigned size)
{
    uint64_t v = 0;

    for (unsigned k = 0; k < size && off + k < R_SIZE; k++)
        v |= (uint64_t)reg_byte(opaque, (unsigned)off + k) << 8 * k;
    return v;
}

static const struct bus_ops reg_ops = {reg_read, reg_write, 1, 4};

/* ---- the device ---- */

/* The EEPROM's words that drivers read (section 7). */
static void fill_eeprom(struct rtl8139 *s, const uint8_t *mac)
{
    uint16_t *w = s->eeprom.word;

    w[0] = 0x8129;
    w[1] = 0x10ec;
    w[2] = 0x8139;
    w[3] = ld_le16(s->pci.config + PCI_SUBSYS_VENDOR);
    w[4] = ld_le16(s->pci.config + PCI_SUBSYS_ID);
    w[5] = 0x4020; /* MXLAT, MNGNT */
    for (unsigned k = 0; k < 3; k++)
        w[7 + k] = ld_le16(mac + 2 * k);
}

static void rtl8139_reset(void *self)
{
    struct rtl8139 *s = self;

    pci_device_reset(&s->pci);
    for (unsigned k = 0; k < 3; k++)
        st_le16(s->reg + R_IDR + 2 * k, s->eeprom.word[7 + k]);
    eeprom93_reset(&s->eeprom);
    s->reg[R_CONFIG1] = 0x0c; /* both of its BARs are there */
    st_le16(s->reg + R_BMCR, BMCR_DEFAULT);
    st_le16(s->reg + R_ANAR, 0x05e1);
    soft_reset(s);
}

static void rtl8139_post_load(void *self)
{
    struct rtl8139 *s = self;

    eeprom93_check(&s->eeprom);
    s->tx_next &= 3;
    s->cp_rx %= 64;
    s->cp_tx[0] %= 64;
    s->cp_tx[1] %= 64;
    if (s->cp_len > RTL_FRAME_MAX)
        s->cp_len = s->cp_open = 0;
    pci_device_post_load(&s->pci);
    arm_timer(s);
    update_irq(s);
    timer_arm(&s->retry, clock_now(s->clock));
}

static void rtl8139_destroy(void *self)
{
    struct rtl8139 *s = self;

    timer_cancel(&s->timer);
    timer_cancel(&s->retry);
    net_port_clear(&s->port);
    pci_detach(&s->pci);
    free(s->rom);
    g_free(s);
}

static const struct state_field fields[] = {
    PCI_STATE_FIELDS(struct rtl8139, pci),
    STATE_ARRAY(struct rtl8139, reg),
    STATE_KEEP(struct rtl8139, eeprom),
    STATE_FIELD(struct rtl8139, timer_base),
    STATE_FIELD(struct rtl8139, tx_next),
    STATE_ARRAY(struct rtl8139, cp_tx),
    STATE_FIELD(struct rtl8139, cp_rx),
    STATE_FIELD(struct rtl8139, count),
    STATE_FIELD(struct rtl8139, cp_len),
    STATE_FIELD(struct rtl8139, cp_open),
    STATE_FIELD(struct rtl8139, cp_lost),
    STATE_FIELD(struct rtl8139, cp_first),
    STATE_FIELD(struct rtl8139, cp_vlan),
    STATE_ARRAY(struct rtl8139, cp_buf),
    STATE_END,
};

static const struct device_type rtl8139_type = {
    .name = "rtl8139",
    .version = 1,
    .fields = fields,
    .reset = rtl8139_reset,
    .post_load = rtl8139_post_load,
    .destroy = rtl8139_destroy,
};

struct rtl8139 *rtl8139_new(const struct nic_config *cfg, GError **err)
{
    struct rtl8139 *s = g_new0(struct rtl8139, 1);

    s->dev = (struct device){&rtl8139_type, s};
    s->clock = cfg->clock;
    net_port_init(&s->port, cfg->name, &port_ops, s);
    timer_init(&s->timer, s->clock, timer_fire, s);
    timer_init(&s->retry, s->clock, retry, s);
    pci_device_init(&s->pci, "rtl8139", 0x10ec, 0x8139, 0x020000, 0x20, 1, s);
    pci_bar_init(&s->pci, 0, true, R_SIZE, &reg_ops, s);
    pci_bar_init(&s->pci, 1, false, R_SIZE, &reg_ops, s);
    fill_eeprom(s, cfg->mac);
    if (!nic_add_rom(&s->pci, cfg, &s->rom, err) ||
        !pci_attach(cfg->bus, &s->pci, cfg->devfn, err)) {
        rtl8139_destroy(s);
        return NULL;
    }
    device_reset(&s->dev);
    return s;
}

struct device *rtl8139_device(struct rtl8139 *s)
{
    return &s->dev;
}

struct net_port *rtl8139_port(struct rtl8139 *s)
{
    return &s->port;
}
