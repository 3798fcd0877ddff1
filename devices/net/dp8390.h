/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * National's DP8390 network interface controller with 16 KiB of memory and the glue of Novell's
 * NE2000 around it: a data port for its remote DMA, a PROM with the address, a reset port (DP8390D
 * datasheet; the NE2000's own part as in the RTL8029AS datasheet, section 5). The ISA and PCI
 * adapters embed it.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_NET_DP8390_H
#define DEVICES_NET_DP8390_H

#include "devices/device.h"
#include "devices/irq.h"
#include "devices/net/nic.h"

#define DP8390_PORTS     32u /* 16 registers, the data port, reset */
#define DP8390_MEM_START 0x4000u
#define DP8390_MEM_END   0x8000u
#define DP8390_PROM      32u

/* State, but for the first four members. */
struct dp8390 {
    struct net_port port;
    struct irq_line irq;
    bool rtl8029; /* its two extra registers are there */
    uint8_t prom[DP8390_PROM];

    uint8_t cr, pstart, pstop, bnry, tpsr, isr, imr, rcr, tcr, dcr, tsr, rsr, curr;
    uint16_t tbcr, rsar, rbcr;
    uint8_t par[ETHER_ADDR], mar[8];
    uint8_t missed;  /* CNTR2 */
    bool tx_waiting; /* until the cable takes a frame */
    uint8_t mem[DP8390_MEM_END - DP8390_MEM_START];
};

#define DP8390_STATE_FIELDS(type, m)                                                               \
    STATE_FIELD(type, m.cr), STATE_FIELD(type, m.pstart), STATE_FIELD(type, m.pstop),              \
        STATE_FIELD(type, m.bnry), STATE_FIELD(type, m.tpsr), STATE_FIELD(type, m.isr),            \
        STATE_FIELD(type, m.imr), STATE_FIELD(type, m.rcr), STATE_FIELD(type, m.tcr),              \
        STATE_FIELD(type, m.dcr), STATE_FIELD(type, m.tsr), STATE_FIELD(type, m.rsr),              \
        STATE_FIELD(type, m.curr), STATE_FIELD(type, m.tbcr), STATE_FIELD(type, m.rsar),           \
        STATE_FIELD(type, m.rbcr), STATE_ARRAY(type, m.par), STATE_ARRAY(type, m.mar),             \
        STATE_FIELD(type, m.missed), STATE_FIELD(type, m.tx_waiting), STATE_ARRAY(type, m.mem)

void dp8390_init(struct dp8390 *d, const char *name, const uint8_t mac[ETHER_ADDR],
                 struct irq_line irq);
void dp8390_clear(struct dp8390 *d);

/* After power-on or from the reset line; after the state was loaded. */
void dp8390_reset(struct dp8390 *d);
void dp8390_post_load(struct dp8390 *d);

/* Its DP8390_PORTS ports; `opaque` is the dp8390. */
extern const struct bus_ops dp8390_ops;

#endif
