/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver for tests of virtio devices: a PCI bus, memory, a device found and set up by its modern
 * or legacy registers, and the driver's half of the rings. Messages of MSI-X are counted by vector.
 */
#ifndef TESTS_UNIT_VIRTIO_RIG_H
#define TESTS_UNIT_VIRTIO_RIG_H

#include "tests/unit/unit.h"

#include "base/bits.h"
#include "base/clock.h"
#include "devices/pci/pci_bus.h"
#include "devices/virtio/virtio.h"

#define RIG_DEVFN   PCI_DEVFN(5, 0)
#define RIG_RAM     (1u << 22)
#define RIG_RINGS   0x10000u /* of queue n: at RIG_RINGS + n * RIG_RING_SIZE */
#define RIG_RING    0x8000u
#define RIG_BUFFERS 0x200000u /* what tests put their buffers into */
#define RIG_IO      0xc000u
#define RIG_MODERN  0xe0000000u
#define RIG_MSIX    0xe0010000u
#define RIG_QUEUES  8u
#define RIG_VECTORS 16u

struct rig_queue {
    uint16_t size, next_desc, next_avail, seen_used;
    uint64_t desc, avail, used;
};

struct virtio_rig {
    struct bus *ports, *mmio;
    struct pci_bus *pci;
    struct vclock *clock;
    uint8_t *ram;
    bool legacy, event_idx;
    bool intx;                      /* the level of its PIRQ */
    unsigned messages[RIG_VECTORS]; /* of MSI-X, by vector */
    uint32_t bar[PCI_NUM_BARS];
    uint32_t common, isr, device, notify, notify_multiplier; /* modern: addresses */
    struct rig_queue queue[RIG_QUEUES];
};

/* A buffer of a chain. */
struct rig_buf {
    uint64_t gpa;
    uint32_t len;
    bool in; /* the device writes it */
};

/* Bus, memory and clock, on which the test then makes its device at RIG_DEVFN. */
void virtio_rig_init(struct virtio_rig *r, bool legacy);
void virtio_rig_free(struct virtio_rig *r);

/* Finds and maps the device, and goes through initialization with those of `features` that are
 * offered; msix: with a vector n for queue n, and the last one for the configuration. Returns what
 * was agreed on. */
uint64_t virtio_rig_start(struct virtio_rig *r, uint64_t features, unsigned queues, bool msix);

uint8_t rig_status(struct virtio_rig *r);
void rig_set_status(struct virtio_rig *r, uint8_t status);
uint64_t rig_config(struct virtio_rig *r, unsigned off, unsigned size);
void rig_set_config(struct virtio_rig *r, unsigned off, uint64_t val, unsigned size);

/* Puts a chain into the available ring; its head. Does not notify. */
uint16_t rig_add(struct virtio_rig *r, unsigned queue, const struct rig_buf *buf, unsigned n);
void rig_kick(struct virtio_rig *r, unsigned queue);

/* The next used chain, if there is one. */
bool rig_used(struct virtio_rig *r, unsigned queue, uint16_t *head, uint32_t *written);

/* A descriptor of the table by hand. */
void rig_desc(struct virtio_rig *r, unsigned queue, unsigned n, uint64_t gpa, uint32_t len,
              uint16_t flags, uint16_t next);
/* Makes a head available, whatever it is. */
void rig_avail(struct virtio_rig *r, unsigned queue, uint16_t head);

#endif
