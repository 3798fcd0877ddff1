/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of devices for tests: the exit port and the test devices of ISA and PCI. */
#include "devices/pc/isa_debug_exit.h"
#include "devices/pc/testdev.h"
#include "devices/pci/pci_testdev.h"
#include "machine/board.h"
#include "machine/board_build.h"
#include "machine/device_families.h"

static void debug_exit(void *opaque, uint32_t val)
{
    board_end_by_guest(opaque, (int)(((val << 1) | 1) & 0xff));
}

static bool build_debug_exit(struct board *b, const struct device_config *c, GError **err)
{
    struct isa_debug_exit_config cfg = {b->ports, (uint16_t)device_number(c, "iobase"),
                                        (uint16_t)device_number(c, "iosize"), debug_exit, b};
    struct isa_debug_exit *d = isa_debug_exit_new(&cfg, err);

    return d && board_add(b, isa_debug_exit_device(d));
}

static const struct device_prop debug_exit_props[] = {
    {"iobase", PROP_NUMBER, "its port", .max = 0xffff, .number = 0x501},
    {"iosize", PROP_NUMBER, "how many bytes of ports", .min = 1, .max = 4, .number = 2},
    DEVICE_PROPS_END,
};

static const struct device_kind debug_exit_kind = {
    .name = "isa-debug-exit",
    .bus = "ISA",
    .what = "lets the guest end Penumbra with a status",
    .family = FAMILY_MISC,
    .limit = 1,
    .props = debug_exit_props,
    .build = build_debug_exit,
};

static bool build_pc_testdev(struct board *b, const struct device_config *c, GError **err)
{
    struct testdev_config cfg = {
        .ports = b->ports, .mmio = b->mmio, .flush_page = board_flush_page, .opaque = b};
    struct testdev *t;

    (void)c;
    for (unsigned n = 0; n < TESTDEV_NUM_IRQS && n < 24; n++)
        cfg.irq[n] = irq_mux_input(&b->irq, n, IRQ_TEST);
    t = testdev_new(&cfg, err);
    return t && board_add(b, testdev_device(t));
}

static const struct device_kind pc_testdev_kind = {
    .name = "pc-testdev",
    .bus = "ISA",
    .what = "ports and memory for the kvm-unit-tests",
    .family = FAMILY_MISC,
    .limit = 1,
    .build = build_pc_testdev,
};

static bool build_pci_testdev(struct board *b, const struct device_config *c, GError **err)
{
    struct pci_testdev_config cfg = {.bus = b->pci};
    struct pci_testdev *t;

    if (!board_pci_place(b, c, &cfg.devfn, err))
        return false;
    t = pci_testdev_new(&cfg, err);
    return t && board_add(b, pci_testdev_device(t));
}

static const struct device_kind pci_testdev_kind = {
    .name = "pci-testdev",
    .bus = "PCI",
    .what = "a PCI function for tests of BARs",
    .family = FAMILY_MISC,
    .build = build_pci_testdev,
};

const struct device_kind *const devices_misc[] = {
    &debug_exit_kind,
    &pc_testdev_kind,
    &pci_testdev_kind,
    NULL,
};
