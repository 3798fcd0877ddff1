/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI function of an AHCI controller and its registers as a whole; see ahci.h. Serial ATA AHCI
 * 1.3.1, chapters 2 (configuration space), 3.1 (generic host control), 10.3 (reset), 10.7
 * (interrupts); Intel ICH9 datasheet 316972, chapter 15, for what is Intel's own.
 */
#include "devices/storage/ahci_internal.h"

#include <stdio.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "devices/storage/ide_drive.h"

enum {
    HBA_CAP = 0x00,
    HBA_GHC = 0x04,
    HBA_IS = 0x08,
    HBA_PI = 0x0c,
    HBA_VS = 0x10,
    PORTS_AT = 0x100,
    PORT_BYTES = 0x80,
    ABAR_SIZE = 0x1000,

    GHC_HR = 1 << 0,
    GHC_IE = 1 << 1,

    CAP_PMD = 1 << 15, /* PIO commands of several blocks */
    CAP_SAM = 1 << 18, /* never in legacy mode */
    CAP_SPEED_3 = 3 << 20,
    CAP_SCLO = 1 << 24,
    CAP_SSS = 1 << 27,
    CAP_SNCQ = 1 << 30,

    MAP = 0x90, /* configuration space: the mode is AHCI */
};

#define GHC_AE   (1u << 31)
#define CAP_S64A (1u << 31)
#define VERSION  0x00010301u

void ahci_update_irq(struct ahci *a)
{
    uint32_t fresh;

    for (unsigned k = 0; k < AHCI_PORTS; k++)
        if (a->port[k].s.is & a->port[k].s.ie)
            a->s.is |= 1u << k;
    pci_set_intx(&a->pci, a->s.is && (a->s.ghc & GHC_IE));
    fresh = a->s.ghc & GHC_IE ? a->s.is & ~a->s.told : 0;
    if (!fresh)
        return;
    a->s.told |= fresh;
    if (pci_msi_enabled(&a->msi))
        pci_msi_send(&a->msi, 0);
}

static void reset_ports(struct ahci *a)
{
    a->s = (struct ahci_state){.ghc = GHC_AE};
    for (unsigned k = 0; k < AHCI_PORTS; k++)
        ahci_port_reset(&a->port[k]);
    ahci_update_irq(a);
}

static uint32_t capabilities(const struct ahci *a)
{
    return (AHCI_PORTS - 1) | (AHCI_SLOTS - 1) << 8 | CAP_PMD | CAP_SAM | CAP_SPEED_3 | CAP_SCLO |
           CAP_SNCQ | CAP_S64A | (a->cfg.staggered ? CAP_SSS : 0);
}

static uint64_t abar_read(void *opaque, uint64_t off, unsigned size)
{
    struct ahci *a = opaque;
    uint64_t port = off < PORTS_AT ? AHCI_PORTS : (off - PORTS_AT) / PORT_BYTES;

    (void)size;
    if (port < AHCI_PORTS)
        return ahci_port_read(&a->port[port], off % PORT_BYTES);
    switch (off) {
    case HBA_CAP: return capabilities(a);
    case HBA_GHC: return a->s.ghc;
    case HBA_IS: return a->s.is;
    case HBA_PI: return (1u << AHCI_PORTS) - 1;
    case HBA_VS: return VERSION;
    default: return 0;
    }
}

static void abar_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct ahci *a = opaque;
    uint64_t port = off < PORTS_AT ? AHCI_PORTS : (off - PORTS_AT) / PORT_BYTES;

    (void)size;
    if (port < AHCI_PORTS) {
        ahci_port_write(&a->port[port], off % PORT_BYTES, (uint32_t)val);
        return;
    }
    if (off == HBA_GHC && (val & GHC_HR)) {
        reset_ports(a);
    } else if (off == HBA_GHC) {
        a->s.ghc = GHC_AE | (val & GHC_IE);
    } else if (off == HBA_IS) {
        a->s.is &= ~(uint32_t)val;
        a->s.told &= a->s.is;
    }
    ahci_update_irq(a);
}

static const struct bus_ops abar_ops = {abar_read, abar_write, 4, 4};

/* ---- the device ---- */

static void ahci_reset(void *self)
{
    struct ahci *a = self;

    pci_device_reset(&a->pci);
    for (unsigned k = 0; k < AHCI_PORTS; k++) {
        if (a->port[k].unit.kind != IDE_KIND_NONE)
            ide_unit_reset(&a->port[k].unit, IDE_RESET_HARD);
    }
    reset_ports(a);
}

static void ahci_post_load(void *self)
{
    struct ahci *a = self;

    pci_device_post_load(&a->pci);
    for (unsigned k = 0; k < AHCI_PORTS; k++) {
        struct ahci_port *p = &a->port[k];
        struct ide_unit *u = &p->unit;

        p->slot = -1;
        p->s.clb &= ~UINT64_C(0x3ff);
        p->s.fb &= ~UINT64_C(0xff);
        if (u->kind != IDE_KIND_NONE && (u->s.phase != IDE_PHASE_IDLE || !ide_unit_valid(u))) {
            log_user("AHCI: the saved state of port %u makes no sense; the drive is reset", k);
            ide_unit_reset(u, IDE_RESET_HARD);
        }
    }
    ahci_update_irq(a);
}

static void ahci_destroy(void *self)
{
    struct ahci *a = self;

    for (unsigned k = 0; k < AHCI_PORTS; k++) {
        if (a->port[k].unit.kind != IDE_KIND_NONE)
            ahci_port_drop(&a->port[k]);
    }
    pci_detach(&a->pci);
    g_free(a);
}

#define PORT_FIELDS(n)                                                                             \
    STATE_FIELD(struct ahci, port[n].s), STATE_FIELD(struct ahci, port[n].unit.s),                 \
        STATE_FIELD(struct ahci, port[n].unit.disk), STATE_FIELD(struct ahci, port[n].unit.cd),    \
        STATE_KEEP(struct ahci, port[n].unit.keep)

static const struct state_field ahci_fields[] = {
    PCI_STATE_FIELDS(struct ahci, pci),
    STATE_FIELD(struct ahci, s),
    PORT_FIELDS(0),
    PORT_FIELDS(1),
    PORT_FIELDS(2),
    PORT_FIELDS(3),
    PORT_FIELDS(4),
    PORT_FIELDS(5),
    STATE_END,
};

static const struct device_type ahci_type = {
    .name = "ahci",
    .version = 1,
    .fields = ahci_fields,
    .reset = ahci_reset,
    .post_load = ahci_post_load,
    .destroy = ahci_destroy,
};

struct ahci *ahci_new(const struct ahci_config *cfg, GError **err)
{
    struct ahci *a = g_new0(struct ahci, 1);

    a->dev = (struct device){&ahci_type, a};
    a->cfg = *cfg;
    pci_device_init(&a->pci, "ahci", 0x8086, 0x2922, 0x010601, 2, 1, a);
    a->pci.config[MAP] = 0x40;
    pci_bar_init(&a->pci, 5, false, ABAR_SIZE, &abar_ops, a);
    pci_msi_init(&a->pci, &a->msi, 1);
    for (unsigned k = 0; k < AHCI_PORTS; k++) {
        struct ahci_port *p = &a->port[k];

        p->hba = a;
        p->index = k;
        p->slot = -1;
        p->unit.host = &ahci_port_host;
        p->unit.clock = cfg->clock;
        p->unit.sata = true;
    }
    if (!pci_attach(cfg->pci, &a->pci, cfg->devfn, err)) {
        ahci_destroy(a);
        return NULL;
    }
    device_reset(&a->dev);
    return a;
}

struct device *ahci_device(struct ahci *a)
{
    return &a->dev;
}

/* ---- drives ---- */

bool ahci_port_taken(const struct ahci *a, unsigned port)
{
    return a->port[port].unit.kind != IDE_KIND_NONE;
}

static void tray_moved(void *opaque, const struct ide_unit *u)
{
    const struct ahci_port *p = opaque;

    if (p->hba->cfg.tray_moved)
        p->hba->cfg.tray_moved(p->hba->cfg.opaque, p->hba, p->index, u->keep.tray_open);
}

bool ahci_attach(struct ahci *a, unsigned port, enum ahci_drive drive, struct block *block,
                 const char *serial, GError **err)
{
    struct ahci_port *p = &a->port[port];
    char name[sizeof(p->unit.serial)];

    if (ahci_port_taken(a, port)) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, "AHCI port %u already has a drive",
                    port);
        return false;
    }
    snprintf(name, sizeof(name), "PN%05u", port + 1);
    if (!ide_drive_attach(&p->unit, drive == AHCI_CD ? IDE_KIND_CD : IDE_KIND_DISK, block,
                          serial ? serial : name, err))
        return false;
    p->unit.tray_moved = tray_moved;
    p->unit.tray_opaque = p;
    ahci_port_reset(p);
    return true;
}

bool ahci_change_medium(struct ahci *a, unsigned port, struct block *block, bool force,
                        struct block **old, GError **err)
{
    return ide_drive_change(&a->port[port].unit, block, force, old, err);
}

struct block *ahci_block(const struct ahci *a, unsigned port)
{
    return a->port[port].unit.block;
}

bool ahci_tray_open(const struct ahci *a, unsigned port)
{
    return a->port[port].unit.keep.tray_open;
}

bool ahci_tray_locked(const struct ahci *a, unsigned port)
{
    return a->port[port].unit.cd.locked;
}
