/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI side of the PIIX IDE function: configuration registers, decoding of the legacy ports, BAR
 * 4, interrupts; see piix_ide.h. 82371FB/82371SB (PIIX/PIIX3) datasheet 290550, section 2.5;
 * 82371AB (PIIX4) datasheet 290562, chapter 5.
 */
#include "devices/storage/piix_ide.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "devices/storage/ide_bmdma.h"
#include "devices/storage/ide_channel.h"
#include "devices/storage/ide_drive.h"

#include <stdio.h>

/* Configuration registers of its own. */
enum {
    IDETIM = 0x40,        /* 16 bits a channel */
    SIDETIM = 0x44,       /* timing of devices 1 */
    UDMACTL = 0x48,       /* PIIX4 */
    UDMATIM = 0x4a,       /* PIIX4, 8 bits a channel */
    DECODE_ENABLE = 0x80, /* in the high byte of IDETIM */
};

static const struct {
    uint16_t command, control;
} legacy[2] = {{0x1f0, 0x3f6}, {0x170, 0x376}};

struct piix_ide_channel {
    struct ide_channel ata;
    struct ide_bmdma bm;
    struct irq_line irq;
    struct bus_region command, control;
};

struct piix_ide {
    struct device dev;
    struct pci_device pci;
    struct bus *ports;
    struct piix_ide_channel channel[2];
    void (*tray_moved)(void *opaque, unsigned channel, unsigned unit, bool open);
    void *opaque; /* of it */
};

/* INTRQ of a channel: notes its rise for the bus master and passes it on. */
static void intrq(void *opaque, int n, bool level)
{
    struct piix_ide *ide = opaque;

    if (level)
        ide_bmdma_interrupt(&ide->channel[n].bm);
    irq_set(ide->channel[n].irq, level);
}

static void dma_request(void *opaque)
{
    ide_bmdma_run(opaque);
}

static uint64_t bm_read(void *opaque, uint64_t off, unsigned size)
{
    struct piix_ide *ide = opaque;

    return ide_bmdma_read(&ide->channel[off >> 3 & 1].bm, off & 7, size);
}

static void bm_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct piix_ide *ide = opaque;

    ide_bmdma_write(&ide->channel[off >> 3 & 1].bm, off & 7, (uint32_t)val, size);
}

static const struct bus_ops bm_ops = {bm_read, bm_write, 1, 4};

static void map_region(struct piix_ide *ide, struct bus_region *r, uint16_t at, bool on)
{
    GError *err = NULL;

    if (!on) {
        bus_unmap(r);
    } else if (!r->bus && !bus_map(ide->ports, r, at, &err)) {
        log_guest("ide: ports left unmapped: %s", err->message);
        g_error_free(err);
    }
}

/* Follows the enable bits. */
static void update_decoding(struct piix_ide *ide)
{
    bool io = ide->pci.config[PCI_COMMAND] & PCI_COMMAND_IO;

    for (unsigned k = 0; k < 2; k++) {
        struct piix_ide_channel *c = &ide->channel[k];
        bool on = io && (ide->pci.config[IDETIM + 2 * k + 1] & DECODE_ENABLE);

        map_region(ide, &c->command, legacy[k].command, on);
        map_region(ide, &c->control, legacy[k].control, on);
    }
}

static void config_written(struct pci_device *d, unsigned off, unsigned size)
{
    (void)off;
    (void)size;
    update_decoding(d->opaque);
}

static void piix_ide_reset(void *self)
{
    struct piix_ide *ide = self;

    pci_device_reset(&ide->pci);
    /* The datasheet's reset value is off. OVMF, made for a board where ports are decoded without
     * it, never sets it, and would wait half a minute for each drive at ports that read as ones. */
    for (unsigned k = 0; k < 2; k++)
        ide->pci.config[IDETIM + 2 * k + 1] |= DECODE_ENABLE;
    update_decoding(ide);
    for (unsigned k = 0; k < 2; k++)
        ide_channel_reset(&ide->channel[k].ata);
}

static void piix_ide_post_load(void *self)
{
    struct piix_ide *ide = self;

    pci_device_post_load(&ide->pci);
    update_decoding(ide);
    for (unsigned k = 0; k < 2; k++) {
        struct piix_ide_channel *c = &ide->channel[k];
        uint8_t status = c->bm.s.status;

        ide_channel_post_load(&c->ata);
        c->bm.s.status = status; /* it is as saved: the line rose then, not now */
    }
}

static void piix_ide_destroy(void *self)
{
    struct piix_ide *ide = self;

    for (unsigned k = 0; k < 2; k++) {
        for (unsigned n = 0; n < 2; n++)
            ide_unit_cancel(&ide->channel[k].ata.unit[n]);
        bus_unmap(&ide->channel[k].command);
        bus_unmap(&ide->channel[k].control);
    }
    pci_detach(&ide->pci);
    g_free(ide);
}

#define UNIT_FIELDS(c, n)                                                                          \
    STATE_FIELD(struct piix_ide, channel[c].ata.unit[n].s),                                        \
        STATE_FIELD(struct piix_ide, channel[c].ata.unit[n].disk),                                 \
        STATE_FIELD(struct piix_ide, channel[c].ata.unit[n].cd),                                   \
        STATE_KEEP(struct piix_ide, channel[c].ata.unit[n].keep),                                  \
        STATE_ARRAY(struct piix_ide, channel[c].ata.unit[n].buf)

#define CHANNEL_FIELDS(c)                                                                          \
    STATE_FIELD(struct piix_ide, channel[c].ata.s), STATE_FIELD(struct piix_ide, channel[c].bm.s), \
        UNIT_FIELDS(c, 0), UNIT_FIELDS(c, 1)

static const struct state_field piix_ide_fields[] = {
    PCI_STATE_FIELDS(struct piix_ide, pci),
    CHANNEL_FIELDS(0),
    CHANNEL_FIELDS(1),
    STATE_END,
};

static const struct device_type piix_ide_type = {
    .name = "piix-ide",
    .version = 1,
    .fields = piix_ide_fields,
    .reset = piix_ide_reset,
    .post_load = piix_ide_post_load,
    .destroy = piix_ide_destroy,
};

static void init_config_space(struct piix_ide *ide, enum piix_ide_model model)
{
    bool piix4 = model == PIIX4_IDE;
    struct pci_device *d = &ide->pci;

    /* class: IDE, both channels fixed in legacy mode, bus master */
    pci_device_init(d, "piix-ide", 0x8086, piix4 ? 0x7111 : 0x7010, 0x010180, piix4 ? 1 : 0, 0,
                    ide);
    st_le16(d->config + PCI_STATUS, 0x0280); /* fast back-to-back, medium DEVSEL */
    st_le16(d->wmask + PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    d->wmask[PCI_CACHE_LINE] = 0;
    d->wmask[PCI_LATENCY] = 0xf0;
    d->wmask[PCI_INT_LINE] = 0;
    pci_bar_init(d, 4, true, 16, &bm_ops, ide);
    for (unsigned k = 0; k < 2; k++)
        st_le16(d->wmask + IDETIM + 2 * k, 0xf3ff);
    d->wmask[SIDETIM] = 0xff;
    if (piix4) {
        d->wmask[UDMACTL] = 0x0f;
        d->wmask[UDMATIM] = d->wmask[UDMATIM + 1] = 0x33;
    }
    d->config_written = config_written;
}

static void init_channel(struct piix_ide *ide, unsigned k, const struct piix_ide_config *config)
{
    struct piix_ide_channel *c = &ide->channel[k];

    c->irq = config->irq[k];
    ide_channel_init(&c->ata, config->clock);
    c->ata.irq = (struct irq_line){intrq, ide, (int)k};
    c->ata.dma_request = dma_request;
    c->ata.dma_opaque = &c->bm;
    c->bm.pci = &ide->pci;
    c->bm.channel = &c->ata;
    bus_region_init(&c->command, k ? "ide1" : "ide0", 8, &ide_command_ops, &c->ata);
    bus_region_init(&c->control, k ? "ide1 control" : "ide0 control", 1, &ide_control_ops, &c->ata);
}

struct piix_ide *piix_ide_new(const struct piix_ide_config *config, GError **err)
{
    struct piix_ide *ide = g_new0(struct piix_ide, 1);

    ide->dev = (struct device){&piix_ide_type, ide};
    ide->ports = config->ports;
    ide->tray_moved = config->tray_moved;
    ide->opaque = config->opaque;
    init_config_space(ide, config->model);
    for (unsigned k = 0; k < 2; k++)
        init_channel(ide, k, config);
    if (!pci_attach(config->pci, &ide->pci, config->devfn, err)) {
        g_free(ide);
        return NULL;
    }
    return ide;
}

struct device *piix_ide_device(struct piix_ide *ide)
{
    return &ide->dev;
}

static struct ide_unit *unit_at(struct piix_ide *ide, unsigned channel, unsigned unit)
{
    invariant(channel < 2 && unit < 2);
    return &ide->channel[channel].ata.unit[unit];
}

static void tray_moved(void *opaque, const struct ide_unit *u)
{
    struct piix_ide *ide = opaque;

    if (ide->tray_moved)
        ide->tray_moved(ide->opaque, u->channel == &ide->channel[1].ata, u->index,
                        u->keep.tray_open);
}

bool piix_ide_attach(struct piix_ide *ide, unsigned channel, unsigned unit,
                     enum piix_ide_drive drive, struct block *block, const char *serial,
                     GError **err)
{
    struct ide_unit *u = unit_at(ide, channel, unit);
    char name[sizeof(u->serial)];

    if (u->kind != IDE_KIND_NONE) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG,
                    "IDE channel %u already has a device %u", channel, unit);
        return false;
    }
    if (serial)
        g_strlcpy(name, serial, sizeof(name));
    else
        snprintf(name, sizeof(name), "PN%05u", channel * 2 + unit + 1);
    if (!ide_drive_attach(u, drive == PIIX_IDE_CD ? IDE_KIND_CD : IDE_KIND_DISK, block, name, err))
        return false;
    u->tray_moved = tray_moved;
    u->tray_opaque = ide;
    return true;
}

void piix_ide_enable(struct piix_ide *ide)
{
    ide->pci.config[PCI_COMMAND] |= PCI_COMMAND_IO | PCI_COMMAND_MASTER;
    for (unsigned k = 0; k < 2; k++)
        ide->pci.config[IDETIM + 2 * k + 1] |= DECODE_ENABLE;
    pci_device_update(&ide->pci);
    update_decoding(ide);
}

bool piix_ide_change_medium(struct piix_ide *ide, unsigned channel, unsigned unit,
                            struct block *block, bool force, struct block **old, GError **err)
{
    struct ide_unit *u = unit_at(ide, channel, unit);

    if (u->kind != IDE_KIND_CD) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION,
                    "IDE channel %u device %u is not a CD drive", channel, unit);
        return false;
    }
    return ide_drive_change(u, block, force, old, err);
}

bool piix_ide_taken(struct piix_ide *ide, unsigned channel, unsigned unit)
{
    return unit_at(ide, channel, unit)->kind != IDE_KIND_NONE;
}

struct block *piix_ide_block(struct piix_ide *ide, unsigned channel, unsigned unit)
{
    return unit_at(ide, channel, unit)->block;
}

bool piix_ide_tray_open(struct piix_ide *ide, unsigned channel, unsigned unit)
{
    return unit_at(ide, channel, unit)->keep.tray_open;
}

bool piix_ide_tray_locked(struct piix_ide *ide, unsigned channel, unsigned unit)
{
    return unit_at(ide, channel, unit)->cd.locked;
}

uint64_t piix_ide_activity(struct piix_ide *ide)
{
    uint64_t sum = 0;

    for (unsigned k = 0; k < 4; k++)
        sum += ide->channel[k / 2].ata.unit[k % 2].activity;
    return sum;
}
