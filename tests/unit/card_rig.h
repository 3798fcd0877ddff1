/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A board for tests of sound cards: ports, a PCI bus, the ISA's DMA controllers, memory, and a
 * backend that keeps what it hears (sound_rig.h).
 */
#ifndef TESTS_UNIT_CARD_RIG_H
#define TESTS_UNIT_CARD_RIG_H

#include "tests/unit/sound_rig.h"

#include "base/bits.h"
#include "devices/pc/dma8237.h"
#include "devices/pci/pci_bus.h"

#define CARD_RAM   0x100000u
#define CARD_DEVFN PCI_DEVFN(4, 0)

struct card_rig {
    struct bus *ports, *mmio;
    struct vclock *clock;
    struct pci_bus *pci;
    struct dma_space dma;
    struct dma8237 *isa_dma;
    struct audio *audio;
    struct probe_line irq; /* of all PIRQs, or the card's */
    uint8_t ram[CARD_RAM];
};

static inline bool card_ram_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    struct card_rig *r = opaque;

    if (gpa > CARD_RAM || len > CARD_RAM - gpa) {
        memset(buf, 0xff, len);
        return false;
    }
    memcpy(buf, r->ram + gpa, len);
    return true;
}

static inline bool card_ram_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    struct card_rig *r = opaque;

    if (gpa > CARD_RAM || len > CARD_RAM - gpa)
        return false;
    memcpy(r->ram + gpa, buf, len);
    return true;
}

static inline struct card_rig *card_rig_new(unsigned rate)
{
    struct card_rig *r = g_new0(struct card_rig, 1);
    struct pci_bus_config bus = {.dma = {r, card_ram_read, card_ram_write}};
    struct dma8237_config isa = {.memory = &r->dma};

    r->ports = bus.ports = isa.ports = bus_new("port", 0xffff);
    r->mmio = bus.mmio = bus_new("memory", ~UINT64_C(0));
    r->clock = clock_new_manual();
    r->dma = bus.dma;
    r->pci = pci_bus_new(&bus, NULL);
    r->isa_dma = dma8237_new(&isa, NULL);
    r->audio = ear_audio(r->clock, rate);
    for (unsigned n = 0; n < PCI_NUM_PIRQS; n++)
        pci_bus_set_pirq(r->pci, n, probe_line(&r->irq));
    return r;
}

/* After the card is gone. */
static inline void card_rig_free(struct card_rig *r)
{
    device_destroy(dma8237_device(r->isa_dma));
    pci_bus_free(r->pci);
    audio_free(r->audio);
    clock_free(r->clock);
    bus_free(r->ports);
    bus_free(r->mmio);
    g_free(r);
}

static inline void card_pass(struct card_rig *r, int64_t ns)
{
    clock_advance_to(r->clock, clock_now(r->clock) + ns);
}

#endif
