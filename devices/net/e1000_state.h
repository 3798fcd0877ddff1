/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the 82540EM share: its registers (manual chapter 13) and its state. */
#ifndef DEVICES_NET_E1000_STATE_H
#define DEVICES_NET_E1000_STATE_H

#include "base/bits.h"
#include "base/clock.h"
#include "devices/net/e1000.h"
#include "devices/net/eeprom93.h"

/* Offsets in BAR0 (table 13-2). */
enum {
    E_CTRL = 0x0000,
    E_STATUS = 0x0008,
    E_EECD = 0x0010,
    E_EERD = 0x0014,
    E_CTRL_EXT = 0x0018,
    E_MDIC = 0x0020,
    E_FCAL = 0x0028,
    E_FCAH = 0x002c,
    E_FCT = 0x0030,
    E_VET = 0x0038,
    E_ICR = 0x00c0,
    E_ITR = 0x00c4,
    E_ICS = 0x00c8,
    E_IMS = 0x00d0,
    E_IMC = 0x00d8,
    E_RCTL = 0x0100,
    E_FCTTV = 0x0170,
    E_TXCW = 0x0178,
    E_RXCW = 0x0180,
    E_TCTL = 0x0400,
    E_TIPG = 0x0410,
    E_AIFS = 0x0458,
    E_LEDCTL = 0x0e00,
    E_PBA = 0x1000,
    E_FCRTL = 0x2160,
    E_FCRTH = 0x2168,
    E_RDFH = 0x2410,
    E_RDFPC = 0x2430,
    E_RDBAL = 0x2800,
    E_RDBAH = 0x2804,
    E_RDLEN = 0x2808,
    E_RDH = 0x2810,
    E_RDT = 0x2818,
    E_RDTR = 0x2820,
    E_RXDCTL = 0x2828,
    E_RADV = 0x282c,
    E_RSRPD = 0x2c00,
    E_TDFH = 0x3410,
    E_TDFPC = 0x3430,
    E_TDBAL = 0x3800,
    E_TDBAH = 0x3804,
    E_TDLEN = 0x3808,
    E_TDH = 0x3810,
    E_TDT = 0x3818,
    E_TIDV = 0x3820,
    E_TXDCTL = 0x3828,
    E_TADV = 0x382c,
    E_TSPMT = 0x3830,
    E_STATS = 0x4000, /* statistics, up to … */
    E_STATS_END = 0x4100,
    E_RXCSUM = 0x5000,
    E_MTA = 0x5200,
    E_RAL = 0x5400,
    E_VFTA = 0x5600,
    E_WUC = 0x5800,
    E_WUPM_END = 0x5b00,
    E_REGS_END = 0x5c00,
};

/* Statistics (13.7). */
enum {
    E_MPC = 0x4010,
    E_TSCTC = 0x40f8,
    E_PRC64 = 0x405c, /* six by size, to PRC1522 */
    E_GPRC = 0x4074,
    E_BPRC = 0x4078,
    E_MPRC = 0x407c,
    E_GPTC = 0x4080,
    E_GORCL = 0x4088,
    E_GOTCL = 0x4090,
    E_RNBC = 0x40a0,
    E_ROC = 0x40ac,
    E_TORL = 0x40c0,
    E_TOTL = 0x40c8,
    E_TPR = 0x40d0,
    E_TPT = 0x40d4,
    E_PTC64 = 0x40d8, /* six by size */
    E_MPTC = 0x40f0,
    E_BPTC = 0x40f4,
};

enum {
    CTRL_FD = 1 << 0,
    CTRL_ASDE = 1 << 5,
    CTRL_SLU = 1 << 6,
    CTRL_SPEED_1000 = 2 << 8,
    CTRL_RST = 1 << 26,
    CTRL_VME = 1 << 30,
    CTRL_PHY_RST = 1u << 31,

    STATUS_FD = 1 << 0,
    STATUS_LU = 1 << 1,
    STATUS_TXOFF = 1 << 4,
    STATUS_SPEED_1000 = 2 << 6,
    STATUS_ASDV_1000 = 2 << 8,

    EECD_SK = 1 << 0,
    EECD_CS = 1 << 1,
    EECD_DI = 1 << 2,
    EECD_DO = 1 << 3,
    EECD_FWE = 3 << 4,
    EECD_FWE_OFF = 1 << 4,
    EECD_REQ = 1 << 6,
    EECD_GNT = 1 << 7,
    EECD_PRES = 1 << 8,

    EERD_START = 1 << 0,
    EERD_DONE = 1 << 4,

    CTRL_EXT_EE_RST = 1 << 13,

    ICR_TXDW = 1 << 0,
    ICR_TXQE = 1 << 1,
    ICR_LSC = 1 << 2,
    ICR_RXDMT0 = 1 << 4,
    ICR_RXO = 1 << 6,
    ICR_RXT0 = 1 << 7,
    ICR_MDAC = 1 << 9,
    ICR_TXD_LOW = 1 << 15,
    ICR_ALL = 0x1ffff,

    RCTL_EN = 1 << 1,
    RCTL_SBP = 1 << 2,
    RCTL_UPE = 1 << 3,
    RCTL_MPE = 1 << 4,
    RCTL_LPE = 1 << 5,
    RCTL_LBM = 3 << 6,
    RCTL_BAM = 1 << 15,
    RCTL_VFE = 1 << 18,
    RCTL_CFIEN = 1 << 19,
    RCTL_CFI = 1 << 20,
    RCTL_DPF = 1 << 22,
    RCTL_PMCF = 1 << 23,
    RCTL_BSEX = 1 << 25,
    RCTL_SECRC = 1 << 26,

    TCTL_EN = 1 << 1,
    TCTL_PSP = 1 << 3,

    RXCSUM_IPOFL = 1 << 8,
    RXCSUM_TUOFL = 1 << 9,

    RAH_AV = 1u << 31,
    RDTR_FPD = 1u << 31,
};

/* One of the two sets of offloads that a context descriptor loads (3.3.6). */
struct e1000_context {
    uint8_t ipcss, ipcso, tucss, tucso;
    uint16_t ipcse, tucse;
    uint16_t mss;
    uint8_t hdrlen;
    bool tcp, ip4;
};

#define E1000_FRAME_MAX 65535u /* of one frame on the cable, more than any driver sends */

/* The packet that is being put together from descriptors. */
struct e1000_tx {
    struct e1000_context offload, segment; /* of packets whole, and segmented */
    bool open;     /* there is one: up to EOP the first descriptor's word counts */
    bool extended; /* of data descriptors */
    bool tse;      /* to be segmented */
    bool vle;
    bool lost; /* too long, or not to be read: dropped at its end */
    uint8_t popts;
    uint8_t cso, css; /* legacy: insert a checksum */
    bool ic;
    uint16_t vlan;
    uint32_t sent;       /* segments of it */
    uint32_t payload;    /* bytes of it in those */
    uint32_t len;        /* bytes in buf */
    uint8_t header[256]; /* of all segments, once it is there */
    uint8_t buf[E1000_FRAME_MAX + 1];
};

struct e1000 {
    struct device dev;
    struct pci_device pci;
    struct net_port port;
    struct vclock *clock;
    void *rom;

    /* ---- state ---- */
    uint32_t reg[E_REGS_END / 4];
    uint32_t io_addr; /* IOADDR */
    uint16_t phy[32];
    struct eeprom93 eeprom;
    struct e1000_tx tx;
    int64_t irq_not_before; /* ns: ITR */
    int64_t rx_not_after;   /* ns: RADV; -1: no packet waits for its interrupt */
    int64_t tx_not_after;

    struct timer irq_timer, rx_timer, tx_delay, tx_go_on;
};

static inline uint32_t *e1000_reg(struct e1000 *s, unsigned off)
{
    return &s->reg[off / 4];
}
#define REG(s, off) (*e1000_reg((s), (off)))

/* e1000_irq.c: these causes have come. */
void e1000_cause(struct e1000 *s, uint32_t causes);
/* The line follows ICR, IMS and ITR. */
void e1000_update_irq(struct e1000 *s);
/* A packet came, a descriptor was done: its interrupt, perhaps later (13.4.30, 13.4.44). */
void e1000_rx_cause(struct e1000 *s);
void e1000_tx_cause(struct e1000 *s, bool delay);
void e1000_irq_init(struct e1000 *s);

/* e1000_tx.c: does what descriptors there are, within bounds; e1000_tx_init sets its timer up. */
void e1000_tx_run(struct e1000 *s);
void e1000_tx_init(struct e1000 *s);

/* e1000_rx.c */
bool e1000_can_receive(void *opaque);
void e1000_receive(void *opaque, const struct iovec *iov, unsigned n);

/* e1000_phy.c: the PHY and the EEPROM behind their registers. */
void e1000_phy_reset(struct e1000 *s);
void e1000_link(struct e1000 *s); /* STATUS and PHY follow the cable; LSC when it changed */
void e1000_write_mdic(struct e1000 *s, uint32_t v);
void e1000_eeprom_fill(struct e1000 *s, const uint8_t *mac);
void e1000_write_eecd(struct e1000 *s, uint32_t v);
uint32_t e1000_read_eecd(struct e1000 *s);
void e1000_write_eerd(struct e1000 *s, uint32_t v);

/* e1000_stats.c: counts a frame of len bytes without CRC; and one more of an event. */
void e1000_count_rx(struct e1000 *s, const uint8_t *frame, size_t len);
void e1000_count_tx(struct e1000 *s, const uint8_t *frame, size_t len);
void e1000_count(struct e1000 *s, unsigned off);
uint32_t e1000_read_stat(struct e1000 *s, unsigned off);

#endif
