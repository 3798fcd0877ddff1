/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A board for tests of USB controllers: a PCI bus with one in slot 3, memory for its schedules, a
 * clock by hand; and the devices that are plugged in, spoken to by packets without a controller.
 */
#ifndef TESTS_UNIT_USB_RIG_H
#define TESTS_UNIT_USB_RIG_H

#include "tests/unit/chip.h"

#include "base/bits.h"
#include "base/clock.h"
#include "devices/pci/pci_bus.h"
#include "devices/usb/usb_hid.h"

#define USB_RIG_RAM   0x100000u
#define USB_RIG_MMIO  0xfe000000u
#define USB_RIG_IO    0xc000u
#define USB_RIG_DEVFN PCI_DEVFN(3, 0)

struct usb_rig {
    struct bus *ports, *mmio;
    struct vclock *clock;
    struct pci_bus *pci;
    struct input_router *router;
    struct probe_line intx; /* of all four PIRQs */
    uint8_t ram[USB_RIG_RAM];
};

static inline bool usb_rig_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    struct usb_rig *r = opaque;

    if (gpa > USB_RIG_RAM || len > USB_RIG_RAM - gpa) {
        memset(buf, 0xff, len);
        return false;
    }
    memcpy(buf, r->ram + gpa, len);
    return true;
}

static inline bool usb_rig_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    struct usb_rig *r = opaque;

    if (gpa > USB_RIG_RAM || len > USB_RIG_RAM - gpa)
        return false;
    memcpy(r->ram + gpa, buf, len);
    return true;
}

static inline struct usb_rig *usb_rig_new(void)
{
    struct usb_rig *r = g_new0(struct usb_rig, 1);
    struct pci_bus_config bus = {.dma = {r, usb_rig_read, usb_rig_write}};

    r->ports = bus.ports = bus_new("port", 0xffff);
    r->mmio = bus.mmio = bus_new("memory", ~UINT64_C(0));
    r->clock = clock_new_manual();
    r->router = input_router_new();
    r->pci = pci_bus_new(&bus, NULL);
    for (unsigned n = 0; n < PCI_NUM_PIRQS; n++)
        pci_bus_set_pirq(r->pci, n, probe_line(&r->intx));
    return r;
}

/* As firmware does it: BAR `io` or (negative) BAR 0 in memory. */
static inline void usb_rig_map(struct usb_rig *r, int io)
{
    if (io >= 0)
        pci_config_write(r->pci, 0, USB_RIG_DEVFN, PCI_BAR0 + 4 * (unsigned)io, USB_RIG_IO, 4);
    else
        pci_config_write(r->pci, 0, USB_RIG_DEVFN, PCI_BAR0, USB_RIG_MMIO, 4);
    pci_config_write(r->pci, 0, USB_RIG_DEVFN, PCI_COMMAND, 7, 2);
}

static inline void usb_rig_free(struct usb_rig *r)
{
    input_router_free(r->router);
    pci_bus_free(r->pci);
    clock_free(r->clock);
    bus_free(r->ports);
    bus_free(r->mmio);
    g_free(r);
}

/* A whole control transfer by packets of 8 bytes; how many bytes came or went, or -1 for STALL. */
static inline int usb_control(struct usb_device *d, uint8_t type, uint8_t request, uint16_t value,
                              uint16_t index, void *data, uint16_t len)
{
    uint8_t setup[8] = {type, request};
    uint8_t *at = data;
    size_t n, moved = 0;

    st_le16(setup + 2, value);
    st_le16(setup + 4, index);
    st_le16(setup + 6, len);
    assert_int_equal(usb_device_packet(d, USB_SETUP, 0, setup, 8, &n), USB_ACK);
    while (moved < len) {
        size_t want = MIN(8u, len - moved);

        if (usb_device_packet(d, type & 0x80 ? USB_IN : USB_OUT, 0, at + moved, want, &n))
            return -1;
        moved += n;
        if (n < want)
            break;
    }
    if (usb_device_packet(d, type & 0x80 && len ? USB_OUT : USB_IN, 0, NULL, 0, &n))
        return -1;
    return (int)moved;
}

#endif
