/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of storage: AHCI controllers, and ATA disks and CD drives on them or on the IDE cables. */
#include "machine/devices_storage.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "devices/pci/pci.h"
#include "devices/storage/ahci.h"
#include "devices/storage/fdc.h"
#include "devices/storage/piix_ide.h"
#include "machine/board.h"
#include "machine/board_build.h"
#include "machine/device_families.h"
#include "machine/firmware_cfg.h"
#include "machine/media.h"
#include "machine/notes.h"

void storage_tray_moved(struct board *b, const void *controller, unsigned place, bool open)
{
    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++) {
        if (b->drive[n].taken && b->drive[n].device == controller && b->drive[n].place == place)
            notes_post_tray(b->notes, n, open);
    }
}

/* ---- what front ends may ask of a CD drive ---- */

static bool change_ide_cd(void *device, unsigned place, struct block *fresh, bool force,
                          struct block **old, GError **err)
{
    return piix_ide_change_medium(device, place / 2, place % 2, fresh, force, old, err);
}

static bool ide_tray_open(void *device, unsigned place)
{
    return piix_ide_tray_open(device, place / 2, place % 2);
}

static bool ide_tray_locked(void *device, unsigned place)
{
    return piix_ide_tray_locked(device, place / 2, place % 2);
}

static const struct board_drive_ops ide_cd_ops = {change_ide_cd, ide_tray_open, ide_tray_locked};

static bool change_sata_cd(void *device, unsigned place, struct block *fresh, bool force,
                           struct block **old, GError **err)
{
    return ahci_change_medium(device, place, fresh, force, old, err);
}

static bool sata_tray_open(void *device, unsigned place)
{
    return ahci_tray_open(device, place);
}

static bool sata_tray_locked(void *device, unsigned place)
{
    return ahci_tray_locked(device, place);
}

static const struct board_drive_ops sata_cd_ops = {change_sata_cd, sata_tray_open,
                                                   sata_tray_locked};

/* ---- drives ---- */

/* A drive on its way to a place. */
struct wanted {
    struct board_drive *drive;
    bool cd;
    const char *serial;
    uint64_t bootindex;
};

static void taken_by(struct wanted *w, void *controller, unsigned place,
                     const struct board_drive_ops *ops)
{
    w->drive->taken = true;
    w->drive->ops = w->cd ? ops : NULL;
    w->drive->device = controller;
    w->drive->place = place;
}

static bool attach_ide(struct board *b, struct wanted *w, unsigned place, GError **err)
{
    if (!piix_ide_attach(b->ide, place / 2, place % 2, w->cd ? PIIX_IDE_CD : PIIX_IDE_DISK,
                         w->drive->block, w->serial, err))
        return false;
    taken_by(w, b->ide, place, &ide_cd_ops);
    board_bootable(b, w->cd ? 'd' : 'c', w->bootindex,
                   firmware_ide_path(1, 1, place / 2, place % 2));
    return true;
}

static bool attach_sata(struct board *b, struct wanted *w, struct board_ahci *bus, unsigned port,
                        GError **err)
{
    if (!ahci_attach(bus->hba, port, w->cd ? AHCI_CD : AHCI_DISK, w->drive->block, w->serial, err))
        return false;
    taken_by(w, bus->hba, port, &sata_cd_ops);
    board_bootable(b, w->cd ? 'd' : 'c', w->bootindex,
                   firmware_ahci_path(bus->devfn >> 3, bus->devfn & 7, port));
    return true;
}

bool storage_attach_ide(struct board *b, GError **err)
{
    for (unsigned n = 0; n < MACHINE_IDE_DRIVES; n++) {
        const struct machine_drive *d = &b->cfg.drive[n];
        struct wanted w = {&b->drive[n], d->cd, d->serial, BOOT_NO_INDEX};

        if (d->present && !attach_ide(b, &w, n, err))
            return false;
    }
    return true;
}

/* ---- floppies ---- */

static bool change_floppy(void *device, unsigned place, struct block *fresh, bool force,
                          struct block **old, GError **err)
{
    (void)force;
    return fdc_change_medium(device, place, fresh, old, err);
}

static bool floppy_no(void *device, unsigned place)
{
    (void)device;
    (void)place;
    return false;
}

static const struct board_drive_ops floppy_ops = {change_floppy, floppy_no, floppy_no};

static bool build_fdc(struct board *b, GError **err)
{
    struct fdc_config cfg = {.ports = b->ports,
                             .irq = irq_mux_input(&b->irq, 6, IRQ_CHIP),
                             .dma = b->isa_dma,
                             .channel = 2};

    b->fdc = fdc_new(&cfg, err);
    b->chips |= ACPI_CHIP_FDC;
    return b->fdc && board_add(b, fdc_device(b->fdc));
}

bool storage_attach_floppies(struct board *b, GError **err)
{
    const struct machine_drive *d;
    struct board_drive *drive;

    while ((drive = board_next_drive(b, MACHINE_IF_FLOPPY, &d))) {
        if (!b->fdc && !build_fdc(b, err))
            return false;
        if (!fdc_attach(b->fdc, d->index, drive->block, err))
            return false;
        drive->ops = &floppy_ops;
        drive->device = b->fdc;
        drive->place = d->index;
        board_bootable(b, 'a', BOOT_NO_INDEX, firmware_floppy_path(d->index));
    }
    return true;
}

static bool refuse(const struct device_config *c, const char *why, GError **err)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, "%s: %s", device_config_kind(c)->name,
                why);
    return false;
}

/* Without bus=: the first free place there is. */
static bool attach_anywhere(struct board *b, const struct device_config *c, struct wanted *w,
                            GError **err)
{
    for (unsigned place = 0; place < MACHINE_IDE_DRIVES; place++) {
        if (!piix_ide_taken(b->ide, place / 2, place % 2))
            return attach_ide(b, w, place, err);
    }
    for (unsigned k = 0; k < b->n_ahci * AHCI_PORTS; k++) {
        if (!ahci_port_taken(b->ahci[k / AHCI_PORTS].hba, k % AHCI_PORTS))
            return attach_sata(b, w, &b->ahci[k / AHCI_PORTS], k % AHCI_PORTS, err);
    }
    return refuse(c, "no place is left on the IDE cables, nor on an AHCI controller", err);
}

static bool attach_to_cable(struct board *b, const struct device_config *c, struct wanted *w,
                            unsigned channel, GError **err)
{
    unsigned unit = (unsigned)device_number(c, "unit");

    if (!device_given(c, "unit") && piix_ide_taken(b->ide, channel, 0))
        unit = 1;
    return attach_ide(b, w, channel * 2 + unit, err);
}

/* "ide.0", "ide.1", or ID.PORT of an AHCI controller. */
static bool attach_to(struct board *b, const struct device_config *c, struct wanted *w,
                      const char *bus, GError **err)
{
    const char *dot = strrchr(bus, '.');
    size_t len = dot ? (size_t)(dot - bus) : 0;
    bool numbered = dot && g_ascii_isdigit(dot[1]) && !dot[2];
    unsigned number = numbered ? (unsigned)(dot[1] - '0') : 0;

    if (numbered && len == 3 && !strncmp(bus, "ide", 3) && number < 2)
        return attach_to_cable(b, c, w, number, err);
    for (unsigned k = 0; numbered && k < b->n_ahci; k++) {
        const char *id = b->ahci[k].id;

        if (!id || strlen(id) != len || strncmp(id, bus, len))
            continue;
        if (number >= AHCI_PORTS)
            break;
        if (device_number(c, "unit"))
            return refuse(c, "a port of an AHCI controller has room for one drive, unit 0", err);
        return attach_sata(b, w, &b->ahci[k], number, err);
    }
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG,
                "%s: there is no bus '%s': ide.0, ide.1, or ID.0 to ID.5 of a -device ahci,id=ID "
                "before it",
                device_config_kind(c)->name, bus);
    return false;
}

static bool build_drive(struct board *b, const struct device_config *c, bool cd, GError **err)
{
    const char *id = device_text(c, "drive"), *serial = device_text(c, "serial");
    const char *bus = device_text(c, "bus");
    const struct machine_drive *d;
    struct wanted w = {.cd = cd, .bootindex = BOOT_NO_INDEX};

    if (!id)
        return refuse(c, "no drive=, the id of its image", err);
    if (serial && (!*serial || strlen(serial) > 20))
        return refuse(c, "serial has 1 to 20 characters", err);
    w.drive = board_take_drive(b, id, &d, err);
    if (!w.drive)
        return false;
    if (d->cd && !cd)
        return refuse(c, "its drive has media=cdrom", err);
    if (cd && !d->cd) { /* the device decides */
        b->cfg.drive[w.drive - b->drive].cd = true;
        if (w.drive->block && !media_check_cd(w.drive->block, err))
            return false;
    }
    w.serial = serial ? serial : d->serial;
    if (device_given(c, "bootindex"))
        w.bootindex = device_number(c, "bootindex");
    return bus ? attach_to(b, c, &w, bus, err) : attach_anywhere(b, c, &w, err);
}

static bool build_hd(struct board *b, const struct device_config *c, GError **err)
{
    return build_drive(b, c, false, err);
}

static bool build_cd(struct board *b, const struct device_config *c, GError **err)
{
    return build_drive(b, c, true, err);
}

static const struct device_prop drive_props[] = {
    {.name = "drive", .type = PROP_TEXT, .what = "the id of a -drive if=none"},
    {.name = "bus",
     .type = PROP_TEXT,
     .what = "ide.0, ide.1, or ID.PORT of an ahci (default: the first free place)"},
    {"unit", PROP_NUMBER, "0 or 1 on an IDE cable", .max = 1},
    {"bootindex", PROP_NUMBER, "firmware boots from the lowest first", .max = INT32_MAX},
    {.name = "serial",
     .type = PROP_TEXT,
     .what = "number that the guest sees, up to 20 characters"},
    DEVICE_PROPS_END,
};

static const struct device_kind cd_kind = {
    .name = "ide-cd",
    .bus = "IDE",
    .what = "CD drive on an IDE cable or an AHCI port",
    .family = FAMILY_STORAGE,
    .props = drive_props,
    .build = build_cd,
};

static const struct device_kind hd_kind = {
    .name = "ide-hd",
    .bus = "IDE",
    .what = "disk on an IDE cable or an AHCI port",
    .family = FAMILY_STORAGE,
    .props = drive_props,
    .build = build_hd,
};

/* ---- controllers ---- */

static void sata_tray_moved(void *opaque, struct ahci *a, unsigned port, bool open)
{
    storage_tray_moved(opaque, a, port, open);
}

static bool build_ahci(struct board *b, const struct device_config *c, GError **err)
{
    struct ahci_config cfg = {.pci = b->pci,
                              .clock = b->clock,
                              .staggered = device_flag(c, "staggered"),
                              .tray_moved = sata_tray_moved,
                              .opaque = b};
    struct ahci *a;

    if (!board_pci_place(b, c, &cfg.devfn, err))
        return false;
    a = ahci_new(&cfg, err);
    if (!a)
        return false;
    invariant(b->n_ahci < BOARD_MAX_AHCI);
    b->ahci[b->n_ahci++] = (struct board_ahci){a, device_config_id(c), cfg.devfn};
    return board_add(b, ahci_device(a));
}

static const struct device_prop ahci_props[] = {
    {.name = "staggered", .type = PROP_ON_OFF, .what = "ports wait until the guest spins them up"},
    DEVICE_PROPS_END,
};

static const struct device_kind ahci_kind = {
    .name = "ahci",
    .bus = "PCI",
    .what = "serial ATA controller with six ports (ICH9)",
    .family = FAMILY_STORAGE,
    .limit = BOARD_MAX_AHCI,
    .props = ahci_props,
    .build = build_ahci,
};

const struct device_kind *const devices_storage[] = {
    &ahci_kind,
    &cd_kind,
    &hd_kind,
    NULL,
};
