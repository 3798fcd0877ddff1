/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 82540EM as a PCI function: its registers in memory and, by a window, in I/O space (manual
 * 4.1, 13.2), resets (14.7), link; see e1000.h.
 */
#include "devices/net/e1000_state.h"

#include <stdlib.h>

#define MMIO_SIZE 0x20000u
#define IO_SIZE   64u
#define IO_DATA   4u

/* ---- registers ---- */

/* Which bits a guest may write, of registers that are no more than storage; zero elsewhere. */
static const struct {
    uint16_t first, last;
    uint32_t mask;
} plain[] = {
    {E_CTRL_EXT, E_CTRL_EXT, 0xffffdfff},
    {0x001c, 0x001c, 0xffffffff}, /* flash */
    {E_FCAL, E_FCT, 0xffffffff},
    {E_VET, E_VET, 0xffff},
    {E_ITR, E_ITR, 0xffff},
    {E_FCTTV, E_FCTTV, 0xffff},
    {E_TXCW, E_TXCW, 0xffffffff},
    {E_TIPG, E_TIPG, 0x3fffffff},
    {E_AIFS, E_AIFS, 0xffff},
    {E_LEDCTL, E_LEDCTL, 0xcfcfcfcf},
    {E_FCRTL, E_FCRTH, 0x8000fff8},
    {E_RDFH, E_RDFPC, 0x1fff},
    {E_RDBAL, E_RDBAL, 0xfffffff0},
    {E_RDBAH, E_RDBAH, 0xffffffff},
    {E_RDLEN, E_RDLEN, 0xfff80},
    {E_RDH, E_RDH, 0xffff},
    {E_RXDCTL, E_RXDCTL, 0x013f3f3f},
    {E_RADV, E_RADV, 0xffff},
    {E_RSRPD, E_RSRPD, 0xfff},
    {E_TDFH, E_TDFPC, 0x1fff},
    {E_TDBAL, E_TDBAL, 0xfffffff0},
    {E_TDBAH, E_TDBAH, 0xffffffff},
    {E_TDLEN, E_TDLEN, 0xfff80},
    {E_TDH, E_TDH, 0xffff},
    {E_TIDV, E_TIDV, 0xffff},
    {E_TXDCTL, E_TXDCTL, 0xff3f3f3f},
    {E_TADV, E_TADV, 0xffff},
    {E_TSPMT, E_TSPMT, 0xffffffff},
    {E_RXCSUM, E_RXCSUM, 0x7ff},
    {E_MTA, E_MTA + 4 * 127, 0xffffffff},
    {E_RAL, E_RAL + 8 * 16 - 4, 0xffffffff},
    {E_VFTA, E_VFTA + 4 * 127, 0xffffffff},
    {E_WUC, E_WUPM_END - 4, 0xffffffff},
};

static uint32_t plain_mask(unsigned off)
{
    for (unsigned k = 0; k < ARRAY_SIZE(plain); k++) {
        if (off >= plain[k].first && off <= plain[k].last)
            return plain[k].mask;
    }
    return 0;
}

static void load_address(struct e1000 *s)
{
    const uint16_t *w = s->eeprom.word;

    REG(s, E_RAL) = w[0] | (uint32_t)w[1] << 16;
    REG(s, E_RAL + 4) = w[2] | RAH_AV;
}

/* What the MAC has after power-on and after CTRL.RST; the tables and the PHY stay as they are
 * (14.7: receive address 0 comes from the EEPROM). */
static void reset_mac(struct e1000 *s)
{
    uint32_t status = REG(s, E_STATUS) & STATUS_LU;

    timer_cancel(&s->rx_timer);
    timer_cancel(&s->tx_delay);
    timer_cancel(&s->tx_go_on);
    memset(s->reg, 0, E_MTA);
    memset(&s->tx, 0, offsetof(struct e1000_tx, buf));
    s->rx_not_after = s->tx_not_after = -1;
    s->irq_not_before = 0;
    REG(s, E_CTRL) = CTRL_FD | CTRL_ASDE | CTRL_SPEED_1000;
    REG(s, E_STATUS) = status | STATUS_FD | STATUS_SPEED_1000 | STATUS_ASDV_1000;
    REG(s, E_EECD) = EECD_FWE_OFF;
    REG(s, E_PBA) = 0x00100030; /* KiB: 48 to receive, 16 to send */
    REG(s, E_VET) = 0x8100;
    REG(s, E_LEDCTL) = 0x07068302;
    REG(s, E_RXDCTL) = 1 << 16;
    REG(s, E_TIPG) = 0x00602008;
    eeprom93_reset(&s->eeprom);
    load_address(s);
    e1000_update_irq(s);
}

static void write_ctrl(struct e1000 *s, uint32_t v)
{
    if (v & CTRL_PHY_RST)
        e1000_phy_reset(s);
    if (v & CTRL_RST)
        reset_mac(s);
    else
        REG(s, E_CTRL) = v & ~(uint32_t)CTRL_PHY_RST;
    e1000_link(s);
}

static void write_rctl(struct e1000 *s, uint32_t v)
{
    REG(s, E_RCTL) = v & 0x07fffffe;
    net_flush(&s->port);
}

static void write_rdtr(struct e1000 *s, uint32_t v)
{
    REG(s, E_RDTR) = v & 0xffff;
    if ((v & RDTR_FPD) && timer_armed(&s->rx_timer)) {
        timer_cancel(&s->rx_timer);
        s->rx_not_after = -1;
        e1000_cause(s, ICR_RXT0);
    }
}

/* Interrupts; false: not one of theirs. */
static bool write_irq(struct e1000 *s, unsigned off, uint32_t v)
{
    switch (off) {
    case E_ICR: REG(s, E_ICR) &= ~v; break;
    case E_ICS: REG(s, E_ICR) |= v & ICR_ALL; break;
    case E_IMS: REG(s, E_IMS) |= v & ICR_ALL; break;
    case E_IMC: REG(s, E_IMS) &= ~v; break;
    default: return false;
    }
    e1000_update_irq(s);
    return true;
}

static void reg_write(struct e1000 *s, unsigned off, uint32_t v)
{
    if (write_irq(s, off, v))
        return;
    switch (off) {
    case E_CTRL:
    case E_CTRL + 4: write_ctrl(s, v); break; /* the second is a copy (13.4.1) */
    case E_EECD: e1000_write_eecd(s, v); break;
    case E_EERD: e1000_write_eerd(s, v); break;
    case E_MDIC: e1000_write_mdic(s, v); break;
    case E_RCTL: write_rctl(s, v); break;
    case E_TCTL:
        REG(s, E_TCTL) = v & 0x03fffffa;
        e1000_tx_run(s);
        break;
    case E_RDTR: write_rdtr(s, v); break;
    case E_RDT:
        REG(s, E_RDT) = v & 0xffff;
        net_flush(&s->port);
        break;
    case E_TDT:
        REG(s, E_TDT) = v & 0xffff;
        e1000_tx_run(s);
        break;
    case E_PBA:
        v &= 0x3f;
        REG(s, E_PBA) = v | (64 - v) << 16;
        break;
    default:
        REG(s, off) = (REG(s, off) & ~plain_mask(off)) | (v & plain_mask(off));
        if (off == E_CTRL_EXT && (v & CTRL_EXT_EE_RST))
            load_address(s);
        break;
    }
}

static uint32_t reg_read(struct e1000 *s, unsigned off)
{
    uint32_t v;

    if (off >= E_STATS && off < E_STATS_END)
        return e1000_read_stat(s, off);
    switch (off) {
    case E_CTRL + 4: return REG(s, E_CTRL);
    case E_EECD: return e1000_read_eecd(s);
    case E_ICR:
        v = REG(s, E_ICR);
        REG(s, E_ICR) = 0;
        e1000_update_irq(s);
        return v;
    default: return REG(s, off);
    }
}

/* ---- the BARs ---- */

static uint64_t mmio_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return off < E_REGS_END && !(off & 3) ? reg_read(opaque, (unsigned)off) : 0;
}

static void mmio_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    (void)size;
    if (off < E_REGS_END && !(off & 3))
        reg_write(opaque, (unsigned)off, (uint32_t)val);
}

static const struct bus_ops mmio_ops = {mmio_read, mmio_write, 4, 4};

static uint64_t io_read(void *opaque, uint64_t off, unsigned size)
{
    struct e1000 *s = opaque;

    if (off == IO_DATA)
        return mmio_read(s, s->io_addr, size);
    return off == 0 ? s->io_addr : 0;
}

static void io_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct e1000 *s = opaque;

    if (off == IO_DATA)
        mmio_write(s, s->io_addr, val, size);
    else if (off == 0)
        s->io_addr = (uint32_t)val & (MMIO_SIZE - 1);
}

static const struct bus_ops io_ops = {io_read, io_write, 4, 4};

/* ---- the port ---- */

static void port_link(void *opaque, bool up)
{
    (void)up;
    e1000_link(opaque);
}

static void port_writable(void *opaque)
{
    e1000_tx_run(opaque);
}

static const struct net_port_ops port_ops = {
    .can_receive = e1000_can_receive,
    .receive = e1000_receive,
    .link_changed = port_link,
    .writable = port_writable,
};

/* ---- the device ---- */

static void e1000_reset(void *self)
{
    struct e1000 *s = self;

    pci_device_reset(&s->pci);
    timer_cancel(&s->irq_timer);
    memset(s->reg, 0, sizeof(s->reg));
    reset_mac(s);
    e1000_phy_reset(s);
    e1000_link(s);
    REG(s, E_ICR) = 0;
}

static void e1000_post_load(void *self)
{
    struct e1000 *s = self;
    struct e1000_tx *tx = &s->tx;

    eeprom93_check(&s->eeprom);
    s->io_addr &= MMIO_SIZE - 1;
    if (tx->len > E1000_FRAME_MAX || (tx->sent && tx->len < tx->segment.hdrlen))
        tx->len = tx->open = 0;
    pci_device_post_load(&s->pci);
    if (s->rx_not_after >= 0)
        timer_arm(&s->rx_timer, clock_now(s->clock));
    if (s->tx_not_after >= 0)
        timer_arm(&s->tx_delay, clock_now(s->clock));
    e1000_update_irq(s);
    timer_arm(&s->tx_go_on, clock_now(s->clock));
}

static void e1000_destroy(void *self)
{
    struct e1000 *s = self;

    timer_cancel(&s->irq_timer);
    timer_cancel(&s->rx_timer);
    timer_cancel(&s->tx_delay);
    timer_cancel(&s->tx_go_on);
    net_port_clear(&s->port);
    pci_detach(&s->pci);
    free(s->rom);
    g_free(s);
}

static const struct state_field fields[] = {
    PCI_STATE_FIELDS(struct e1000, pci),       STATE_ARRAY(struct e1000, reg),
    STATE_FIELD(struct e1000, io_addr),        STATE_ARRAY(struct e1000, phy),
    STATE_KEEP(struct e1000, eeprom),          STATE_FIELD(struct e1000, tx),
    STATE_FIELD(struct e1000, irq_not_before), STATE_FIELD(struct e1000, rx_not_after),
    STATE_FIELD(struct e1000, tx_not_after),   STATE_END,
};

static const struct device_type e1000_type = {
    .name = "e1000",
    .version = 1,
    .fields = fields,
    .reset = e1000_reset,
    .post_load = e1000_post_load,
    .destroy = e1000_destroy,
};

struct e1000 *e1000_new(const struct nic_config *cfg, GError **err)
{
    struct e1000 *s = g_new0(struct e1000, 1);

    s->dev = (struct device){&e1000_type, s};
    s->clock = cfg->clock;
    net_port_init(&s->port, cfg->name, &port_ops, s);
    e1000_irq_init(s);
    e1000_tx_init(s);
    pci_device_init(&s->pci, "e1000", 0x8086, 0x100e, 0x020000, 3, 1, s);
    pci_bar_init(&s->pci, 0, false, MMIO_SIZE, &mmio_ops, s);
    pci_bar_init(&s->pci, 1, true, IO_SIZE, &io_ops, s);
    s->pci.config[0x3e] = 255; /* MIN_GNT (4.1) */
    e1000_eeprom_fill(s, cfg->mac);
    if (!nic_add_rom(&s->pci, cfg, &s->rom, err) ||
        !pci_attach(cfg->bus, &s->pci, cfg->devfn, err)) {
        e1000_destroy(s);
        return NULL;
    }
    device_reset(&s->dev);
    return s;
}

struct device *e1000_device(struct e1000 *s)
{
    return &s->dev;
}

struct net_port *e1000_port(struct e1000 *s)
{
    return &s->port;
}
