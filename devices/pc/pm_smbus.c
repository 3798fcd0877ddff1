/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBus host controller; see pm_smbus.h. Intel datasheet 290562 (82371AB), 7.3 (SMBus I/O space
 * registers). Every transaction ends at once with DEV_ERR: its address is not acknowledged.
 */
#include "devices/pc/pm_smbus.h"

#include "base/bits.h"

enum {
    SMBHSTSTS = 0x00,
    SMBSLVSTS = 0x01,
    SMBHSTCNT = 0x02,
    SMBHSTCMD = 0x03,
    SMBHSTADD = 0x04,
    SMBHSTDAT0 = 0x05,
    SMBHSTDAT1 = 0x06,
    SMBBLKDAT = 0x07,
    SMBSLVCNT = 0x08,
    SMBSHDWCMD = 0x09,
    SMBSLVEVT = 0x0a, /* 16 bits */

    STS_DEV_ERR = 1 << 2,
    STS_W1C = 0x1e, /* INTR, DEV_ERR, BUS_ERR, FAILED */

    CNT_INTEREN = 1 << 0,
    CNT_KEPT = 0x1d, /* interrupt enable and protocol; KILL and START read as zero */
    CNT_START = 1 << 6,
};

void pm_smbus_update(struct pm_smbus *s)
{
    irq_set(s->irq, (s->regs.control & CNT_INTEREN) && (s->regs.status & STS_W1C));
}

static uint8_t read_block(struct pm_smbus_regs *r)
{
    uint8_t val = r->block[r->block_index % sizeof(r->block)];

    r->block_index = (r->block_index + 1) % sizeof(r->block);
    return val;
}

static uint64_t smbus_read(void *opaque, uint64_t off, unsigned size)
{
    struct pm_smbus_regs *r = &((struct pm_smbus *)opaque)->regs;

    (void)size;
    switch (off) {
    case SMBHSTSTS: return r->status;
    case SMBHSTCNT: r->block_index = 0; return r->control;
    case SMBHSTCMD: return r->command;
    case SMBHSTADD: return r->address;
    case SMBHSTDAT0: return r->data0;
    case SMBHSTDAT1: return r->data1;
    case SMBBLKDAT: return read_block(r);
    case SMBSLVCNT: return r->slave_control;
    case SMBSHDWCMD: return r->shadow_command;
    case SMBSLVEVT: return r->slave_event & 0xff;
    case SMBSLVEVT + 1: return r->slave_event >> 8;
    default: return 0;
    }
}

static void write_control(struct pm_smbus *s, uint8_t val)
{
    s->regs.control = val & CNT_KEPT;
    if (val & CNT_START) {
        s->regs.block_index = 0;
        s->regs.status |= STS_DEV_ERR;
    }
    pm_smbus_update(s);
}

static void smbus_write(void *opaque, uint64_t off, uint64_t v, unsigned size)
{
    struct pm_smbus *s = opaque;
    struct pm_smbus_regs *r = &s->regs;
    uint8_t val = (uint8_t)v;

    (void)size;
    switch (off) {
    case SMBHSTSTS:
        r->status &= (uint8_t) ~(val & STS_W1C);
        pm_smbus_update(s);
        break;
    case SMBHSTCNT: write_control(s, val); break;
    case SMBHSTCMD: r->command = val; break;
    case SMBHSTADD: r->address = val; break;
    case SMBHSTDAT0: r->data0 = val; break;
    case SMBHSTDAT1: r->data1 = val; break;
    case SMBBLKDAT:
        r->block[r->block_index % sizeof(r->block)] = val;
        r->block_index = (r->block_index + 1) % sizeof(r->block);
        break;
    case SMBSLVCNT: r->slave_control = val & 0x0f; break;
    case SMBSHDWCMD: r->shadow_command = val; break;
    case SMBSLVEVT: r->slave_event = (uint16_t)((r->slave_event & 0xff00) | val); break;
    case SMBSLVEVT + 1: r->slave_event = (uint16_t)((r->slave_event & 0xff) | val << 8); break;
    }
}

static const struct bus_ops smbus_ops = {smbus_read, smbus_write, 1, 1};

void pm_smbus_init(struct pm_smbus *s, struct irq_line irq)
{
    *s = (struct pm_smbus){.irq = irq};
    bus_region_init(&s->region, "piix4-smbus", PM_SMBUS_LEN, &smbus_ops, s);
}
