/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function and the bus it sits on: configuration space with write masks, base address
 * registers that follow the command register, and INTx lines. PCI Local Bus Specification 3.0,
 * chapter 6.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_PCI_PCI_H
#define DEVICES_PCI_PCI_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/device.h"
#include "devices/dma.h"

#define PCI_CONFIG_SIZE 256
#define PCI_NUM_BARS    6

#define PCI_DEVFN(slot, fn) (((slot) << 3) | (fn))

/* Configuration registers (offsets) and bits used all over. */
enum {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_CLASS_PROG = 0x09,
    PCI_CLASS = 0x0a, /* 16 bits: subclass, class */
    PCI_CACHE_LINE = 0x0c,
    PCI_LATENCY = 0x0d,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SUBSYS_VENDOR = 0x2c,
    PCI_SUBSYS_ID = 0x2e,
    PCI_ROM = 0x30,
    PCI_CAP_PTR = 0x34,
    PCI_INT_LINE = 0x3c,
    PCI_INT_PIN = 0x3d,

    PCI_COMMAND_IO = 1 << 0,
    PCI_COMMAND_MEMORY = 1 << 1,
    PCI_COMMAND_MASTER = 1 << 2,
    PCI_COMMAND_INTX_OFF = 1 << 10,
    PCI_STATUS_INTX = 1 << 3,
    PCI_STATUS_CAPS = 1 << 4,
};

struct pci_bus;
struct pci_device;
struct pci_msi;
struct pci_msix;

/* Where message-signalled interrupts go: the local APICs' bus. */
struct msi_space {
    void *opaque;
    bool (*send)(void *opaque, uint64_t addr, uint32_t data); /* NULL: nowhere */
};

/* Memory that a BAR (or the ROM BAR) exposes as plain RAM instead of through handlers, e.g. a
 * framebuffer: the board maps and unmaps it in the physical address space. */
struct pci_ram_ops {
    void *opaque;
    bool (*map)(void *opaque, uint64_t gpa, uint64_t len, void *hva, bool readonly);
    void (*unmap)(void *opaque, uint64_t gpa, uint64_t len);
    /* What is mapped at `from` goes to `to` as it is; false and nothing done if it cannot. May be
     * NULL: then it is unmapped and mapped again. */
    bool (*move)(void *opaque, uint64_t from, uint64_t to, uint64_t len);
};

struct pci_bar {
    bool io;                  /* port space, else memory */
    bool prefetch;            /* memory BARs: the prefetchable bit */
    uint64_t size;            /* power of two; 0: not implemented */
    struct bus_region region; /* handlers; unused when `ram` is set */
    void *ram;                /* host memory of `size` bytes mapped as RAM, or NULL */
    bool ram_readonly;
    bool mapped;
    uint64_t addr;   /* where, while mapped */
    bool ram_mapped; /* `ram` was handed to the board's pci_ram_ops */
};

/* Embedded in the device that implements the function. */
struct pci_device {
    const char *name;
    struct pci_bus *bus;
    uint8_t devfn;
    uint8_t config[PCI_CONFIG_SIZE];
    uint8_t wmask[PCI_CONFIG_SIZE];   /* bits the guest may write */
    uint8_t w1cmask[PCI_CONFIG_SIZE]; /* bits cleared by writing one */
    struct pci_bar bar[PCI_NUM_BARS];
    struct pci_bar rom; /* expansion ROM; size 0 when none */
    bool intx_level;    /* what the function drives */
    bool intx_counted;  /* what the bus has seen of it; not state, the bus keeps it */
    uint8_t reset_config[PCI_CONFIG_SIZE]; /* config[] as it was at pci_attach */
    uint8_t cap_end;                       /* of the capabilities so far; 0: none */
    struct pci_msi *msi;                   /* the device's; NULL: it has none */
    struct pci_msix *msix;                 /* likewise */
    void *opaque;                          /* the implementing device */
    /* After a guest write has been masked in and BARs were remapped; may be NULL. `off` and `size`
     * are the guest's; config[] already holds the new value. */
    void (*config_written)(struct pci_device *d, unsigned off, unsigned size);
    /* Before a read; may be NULL. */
    void (*config_reading)(struct pci_device *d, unsigned off, unsigned size);
};

/* Fills d in with ids and class (24 bits: class, subclass, prog-if) and the standard write masks.
 * `int_pin` is 0 (none) or 1..4 for INTA..INTD. The subsystem ids become 1af4:1100, by which
 * SeaBIOS knows the boards that it supports; a device may put others into config[]. */
void pci_device_init(struct pci_device *d, const char *name, uint16_t vendor, uint16_t device,
                     uint32_t class_code, uint8_t revision, unsigned int_pin, void *opaque);

/* Declares BAR n with handlers; size is a power of two (at least 4 for io, 16 for memory). */
void pci_bar_init(struct pci_device *d, unsigned n, bool io, uint64_t size,
                  const struct bus_ops *ops, void *opaque);

/* Declares BAR n as plain memory `ram` of `size` bytes, owned by the device. */
void pci_bar_init_ram(struct pci_device *d, unsigned n, uint64_t size, void *ram, bool prefetch);

/* Puts a capability of `len` bytes into the list, zeroed and read-only but for its head, and
 * returns its offset. Before pci_attach; all of them together fit behind the header. */
unsigned pci_add_capability(struct pci_device *d, uint8_t id, unsigned len);

/* Declares the expansion ROM: `size` a power of two >= 2048, contents owned by the device. */
void pci_rom_init(struct pci_device *d, uint64_t size, void *rom);

/* The guest-visible state of a `struct pci_device` member, for the state table of the device that
 * embeds it. Such a device calls pci_device_reset from its reset and pci_device_post_load from its
 * post_load. */
#define PCI_STATE_FIELDS(type, member)                                                             \
    STATE_ARRAY(type, member.config), STATE_FIELD(type, member.intx_level)

/* Puts the function at devfn; false when the place is taken. What config[] holds now is what every
 * reset brings back, so defaults are filled in before this. */
bool pci_attach(struct pci_bus *bus, struct pci_device *d, uint8_t devfn, GError **err);

/* Takes the function off its bus, mappings and INTx with it; no effect when it is on none. */
void pci_detach(struct pci_device *d);

/* Back to the state after power-on: config[] as it was at pci_attach (command and BARs cleared),
 * mappings gone, INTx low. Does not need the old config[] and so works after device_reset has
 * cleared it. Before pci_attach it leaves config[] alone. */
void pci_device_reset(struct pci_device *d);

/* After config[] and intx_level were restored from outside: maps the BARs and drives INTx anew. */
void pci_device_post_load(struct pci_device *d);

/* Follows config[] after the device itself (not the guest) changed command or BARs in it. */
void pci_device_update(struct pci_device *d);

/* Drives the function's INTx; honours the command register's disable bit. */
void pci_set_intx(struct pci_device *d, bool level);

/* Where the function's DMA goes; respects bus mastering (a function without it transfers nothing).
 */
bool pci_dma_read(struct pci_device *d, uint64_t gpa, void *buf, size_t len);
bool pci_dma_write(struct pci_device *d, uint64_t gpa, const void *buf, size_t len);

#endif
