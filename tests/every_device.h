/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each kind of -device with what it needs, for tests of all of them on one board. That none is
 * forgotten is a test of tests/unit/test_device.c.
 */
#ifndef TESTS_EVERY_DEVICE_H
#define TESTS_EVERY_DEVICE_H

#include "base/bits.h"
#include "machine/device_kind.h"
#include "machine/machine.h"

/* Adds them to a configuration, with drives: `file` is behind the hard disks and floppies, of which
 * nothing is written to it. False with an error when one is refused. */
static inline bool every_device_add(struct machine_config *cfg, const char *file, GError **err)
{
    static const char *const kinds[] = {
        "AC97",
        "ahci,id=ahci0",
        "ide-cd,drive=cd,bus=ahci0.1",
        "ide-hd,drive=hd,bus=ahci0.0",
        "e1000",
        "ich9-intel-hda",
        "intel-hda",
        "hda-duplex",
        "hda-output",
        "isa-debug-exit,iobase=0x501,iosize=4",
        "ne2k_isa",
        "ne2k_pci",
        "pc-testdev",
        "pci-testdev",
        "VGA",
        "rtl8139",
        "sb16",
        "virtio-balloon-pci",
        "virtio-blk-pci,drive=disk,num-queues=2",
        "virtio-net-pci",
        "virtio-rng-pci",
        "virtio-serial-pci",
        "virtconsole",
        "virtserialport,name=line",
        "piix3-usb-uhci,id=uhci",
        "piix3-usb-uhci,id=uhci2",
        "usb-kbd,bus=uhci.0,port=2",
        "qemu-xhci,id=xhci",
        "usb-tablet,bus=xhci.0",
        "usb-mouse",
        "usb-storage,drive=stick,bus=uhci2.0",
        "usb-tablet", /* clang-format: one a line */
    };

    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct device_config *c = device_config_new(kinds[k], err);

        if (!c)
            return false;
        cfg->device[cfg->n_devices++] = c;
    }
    cfg->drive[2] = (struct machine_drive){.present = true, .cd = true};
    cfg->drive[4] = (struct machine_drive){
        .present = true, .interface = MACHINE_IF_NONE, .id = "hd", .file = file, .readonly = true};
    cfg->drive[5] = (struct machine_drive){
        .present = true, .interface = MACHINE_IF_NONE, .id = "cd", .cd = true};
    cfg->drive[6] = (struct machine_drive){
        .present = true, .interface = MACHINE_IF_FLOPPY, .file = file, .readonly = true};
    cfg->drive[7] =
        (struct machine_drive){.present = true, .interface = MACHINE_IF_FLOPPY, .index = 1};
    cfg->drive[8] = (struct machine_drive){.present = true,
                                           .interface = MACHINE_IF_NONE,
                                           .id = "disk",
                                           .file = file,
                                           .format = "raw",
                                           .snapshot = true};
    cfg->drive[9] = (struct machine_drive){.present = true,
                                           .interface = MACHINE_IF_NONE,
                                           .id = "stick",
                                           .file = file,
                                           .readonly = true};
    return true;
}

/* Frees what every_device_add made; the machine is gone. */
static inline void every_device_free(struct machine_config *cfg)
{
    while (cfg->n_devices)
        device_config_free((struct device_config *)(uintptr_t)cfg->device[--cfg->n_devices]);
}

#endif
