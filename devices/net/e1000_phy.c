/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 82540EM's PHY, a Marvell 88E1000 behind MDIC (manual 13.4.8; registers: IEEE 802.3 22.2.4
 * and the manual's 13.6), and its EEPROM (chapter 5; 13.4.3 EECD, 13.4.4 EERD).
 */
#include "devices/net/e1000_state.h"

enum {
    MDIC_REG = 16,
    MDIC_PHY = 21,
    MDIC_WRITE = 1 << 26,
    MDIC_READ = 2 << 26,
    MDIC_OP = 3 << 26,
    MDIC_READY = 1 << 28,
    MDIC_INT = 1 << 29,
    MDIC_ERROR = 1 << 30,
    OUR_PHY = 1,

    PHY_CTRL = 0,
    PHY_STATUS = 1,
    PHY_ID1 = 2,
    PHY_ID2 = 3,
    PHY_ADVERTISE = 4,
    PHY_PARTNER = 5,
    PHY_EXPANSION = 6,
    PHY_1000T_CTRL = 9,
    PHY_1000T_STATUS = 10,
    PHY_EXT_STATUS = 15,
    M88_CTRL = 16,
    M88_STATUS = 17,
    M88_INT_ENABLE = 18,
    M88_INT_STATUS = 19,
    M88_EXT_CTRL = 20,
    M88_ERRORS = 21,
    M88_PAGE = 29,
    M88_GENERAL = 30,

    CTRL_RESET = 0x8000,
    CTRL_POWER_DOWN = 0x0800,
    CTRL_RESTART = 0x0200,
    CTRL_DEFAULT = 0x1140, /* autonegotiation, full duplex, 1000 Mb/s */
    STATUS_ABILITIES = 0x7949,
    STATUS_LINK = 0x0004,
    STATUS_AN_DONE = 0x0020,
    M88_LINK_1000_FD = 0xac08, /* 1000 Mb/s, full duplex, resolved, link, … */
    M88_NO_LINK = 0x8000,
};

static bool phy_linked(const struct e1000 *s)
{
    return net_link_up(&s->port) && !(s->phy[PHY_CTRL] & CTRL_POWER_DOWN);
}

/* What the PHY's registers say of the other end. */
static void phy_follow(struct e1000 *s)
{
    bool up = phy_linked(s);

    s->phy[PHY_STATUS] = (uint16_t)(STATUS_ABILITIES | (up ? STATUS_LINK | STATUS_AN_DONE : 0));
    s->phy[PHY_PARTNER] = up ? 0x45e1 : 0; /* acknowledged, 10 and 100 in both duplexes, pause */
    s->phy[PHY_EXPANSION] = up ? 3 : 0;
    s->phy[PHY_1000T_STATUS] = up ? 0x3c00 : 0; /* both receivers fine, 1000BASE-T in both */
    s->phy[M88_STATUS] = up ? M88_LINK_1000_FD : M88_NO_LINK;
}

void e1000_phy_reset(struct e1000 *s)
{
    memset(s->phy, 0, sizeof(s->phy));
    s->phy[PHY_CTRL] = CTRL_DEFAULT;
    s->phy[PHY_ID1] = 0x0141;
    s->phy[PHY_ID2] = 0x0c20;
    s->phy[PHY_ADVERTISE] = 0x0de1;
    s->phy[PHY_1000T_CTRL] = 0x0e00;
    s->phy[PHY_EXT_STATUS] = 0x3000;
    s->phy[M88_CTRL] = 0x0360;
    s->phy[M88_EXT_CTRL] = 0x0d60;
    phy_follow(s);
}

void e1000_link(struct e1000 *s)
{
    uint32_t old = REG(s, E_STATUS), now = old & ~(uint32_t)STATUS_LU;

    phy_follow(s);
    if (phy_linked(s))
        now |= STATUS_LU;
    REG(s, E_STATUS) = now;
    if (old != now)
        e1000_cause(s, ICR_LSC);
}

static uint16_t phy_read(struct e1000 *s, unsigned reg)
{
    uint16_t v = s->phy[reg];

    if (reg == M88_INT_STATUS || reg == M88_ERRORS)
        s->phy[reg] = 0;
    return v;
}

static void phy_write(struct e1000 *s, unsigned reg, uint16_t v)
{
    switch (reg) {
    case PHY_CTRL:
        if (v & CTRL_RESET)
            e1000_phy_reset(s);
        else
            s->phy[reg] = v & (uint16_t)~CTRL_RESTART; /* which is over at once */
        REG(s, E_STATUS) &= ~(uint32_t)(v & (CTRL_RESET | CTRL_RESTART) ? STATUS_LU : 0);
        e1000_link(s);
        break;
    case PHY_ADVERTISE:
    case 7: /* next page */
    case PHY_1000T_CTRL:
    case M88_CTRL:
    case M88_INT_ENABLE:
    case M88_EXT_CTRL:
    case 22:
    case 23:
    case 24:
    case 25:
    case 26:
    case 27:
    case M88_PAGE:
    case M88_GENERAL: s->phy[reg] = v; break;
    default: break;
    }
}

void e1000_write_mdic(struct e1000 *s, uint32_t v)
{
    unsigned reg = v >> MDIC_REG & 31, phy = v >> MDIC_PHY & 31, op = v & MDIC_OP;

    v &= ~(uint32_t)(MDIC_READY | MDIC_ERROR);
    if (phy != OUR_PHY || (op != MDIC_READ && op != MDIC_WRITE))
        v |= MDIC_ERROR;
    else if (op == MDIC_READ)
        v = (v & 0xffff0000) | phy_read(s, reg);
    else
        phy_write(s, reg, (uint16_t)v);
    REG(s, E_MDIC) = v | MDIC_READY;
    if (v & MDIC_INT)
        e1000_cause(s, ICR_MDAC);
}

/* ---- EEPROM ---- */

#define CHECKSUM_WORD 0x3fu
#define CHECKSUM      0xbabau

/* Table 5-2: the words that the chip or its drivers read. */
void e1000_eeprom_fill(struct e1000 *s, const uint8_t *mac)
{
    uint16_t *w = s->eeprom.word, sum = 0;

    memset(w, 0, sizeof(s->eeprom.word));
    for (unsigned k = 0; k < 3; k++)
        w[k] = ld_le16(mac + 2 * k);
    w[0x08] = w[0x09] = 0xffff; /* no PBA number */
    w[0x0a] = 0x4003;           /* IDs are loaded from here */
    w[0x0b] = ld_le16(s->pci.config + PCI_SUBSYS_ID);
    w[0x0c] = ld_le16(s->pci.config + PCI_SUBSYS_VENDOR);
    w[0x0d] = ld_le16(s->pci.config + PCI_DEVICE_ID);
    w[0x0e] = ld_le16(s->pci.config + PCI_VENDOR_ID);
    w[0x0f] = 0x3040; /* pause both ways, of SWDPIO */
    for (unsigned k = 0; k < CHECKSUM_WORD; k++)
        sum += w[k];
    w[CHECKSUM_WORD] = (uint16_t)(CHECKSUM - sum);
}

void e1000_write_eecd(struct e1000 *s, uint32_t v)
{
    uint32_t keep = EECD_SK | EECD_CS | EECD_DI | EECD_FWE | EECD_REQ;

    REG(s, E_EECD) = v & keep;
    if (v & EECD_REQ)
        eeprom93_pins(&s->eeprom, v & EECD_CS, v & EECD_SK, v & EECD_DI);
}

uint32_t e1000_read_eecd(struct e1000 *s)
{
    uint32_t v = REG(s, E_EECD) | EECD_PRES;

    if (v & EECD_REQ)
        v |= EECD_GNT;
    if (s->eeprom.out)
        v |= EECD_DO;
    return v;
}

void e1000_write_eerd(struct e1000 *s, uint32_t v)
{
    unsigned addr = v >> 8 & 0xff;

    if (!(v & EERD_START)) {
        REG(s, E_EERD) = v & 0xff00;
        return;
    }
    REG(s, E_EERD) =
        (uint32_t)s->eeprom.word[addr % EEPROM93_WORDS] << 16 | addr << 8 | EERD_DONE | EERD_START;
}
