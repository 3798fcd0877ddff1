/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What makes the board's devices: pc.c wires those that every PC has, devices_FAMILY.c those that
 * were configured. Device lock held, no vCPU running.
 */
#ifndef MACHINE_BOARD_BUILD_H
#define MACHINE_BOARD_BUILD_H

#include "machine/board.h"
#include "machine/device_kind.h"

/* Keeps a device for resets and the end; true, to be returned. */
bool board_add(struct board *b, struct device *d);

/* Builds what is configured, in its order. False with one clear error. */
bool board_build_devices(struct board *b, GError **err);

/* Where on the PCI bus a configured device goes: where it says, or into the next free slot. False
 * with an error when that is taken, or all are. */
bool board_pci_place(struct board *b, const struct device_config *c, uint8_t *devfn, GError **err);

/* Something that firmware can boot from: `letter` is that of -boot ('a' floppy, 'c' disk, 'd' CD,
 * 'n' network), `index` a bootindex (the lowest first, all of them before those that have none) or
 * BOOT_NO_INDEX, `path` where it is in the form of SeaBIOS' "bootorder"; the board owns it. */
#define BOOT_NO_INDEX UINT64_MAX
void board_bootable(struct board *b, char letter, uint64_t index, char *path);

/* The lines of fw_cfg's "bootorder"; g_free it. */
char *board_boot_order(struct board *b);

/* All vCPUs forget what they know of this guest page. */
void board_flush_page(void *opaque, uint64_t gpa);

/* What maps these frames is forgotten: by the shadow page tables of each that maps one, and by all
 * TLBs. Device lock held. */
void board_drop_pages(struct board *b, const uint64_t *gfn, unsigned n);

#endif
