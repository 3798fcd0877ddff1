/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A DP8390 on ISA and on PCI; see ne2000.h. */
#include "devices/net/ne2000.h"

#include <stdlib.h>

#include "devices/net/dp8390.h"

/* ---- PCI ---- */

struct ne2k_pci {
    struct device dev;
    struct pci_device pci;
    struct dp8390 nic;
    void *rom;
};

static void set_intx(void *opaque, int n, bool level)
{
    struct ne2k_pci *s = opaque;

    (void)n;
    pci_set_intx(&s->pci, level);
}

static void pci_nic_reset(void *self)
{
    struct ne2k_pci *s = self;

    pci_device_reset(&s->pci);
    dp8390_reset(&s->nic);
}

static void pci_nic_post_load(void *self)
{
    struct ne2k_pci *s = self;

    pci_device_post_load(&s->pci);
    dp8390_post_load(&s->nic);
}

static void pci_nic_destroy(void *self)
{
    struct ne2k_pci *s = self;

    dp8390_clear(&s->nic);
    pci_detach(&s->pci);
    free(s->rom);
    g_free(s);
}

static const struct state_field pci_fields[] = {
    PCI_STATE_FIELDS(struct ne2k_pci, pci),
    DP8390_STATE_FIELDS(struct ne2k_pci, nic),
    STATE_END,
};

static const struct device_type pci_type = {
    .name = "ne2k_pci",
    .version = 1,
    .fields = pci_fields,
    .reset = pci_nic_reset,
    .post_load = pci_nic_post_load,
    .destroy = pci_nic_destroy,
};

struct ne2k_pci *ne2k_pci_new(const struct nic_config *cfg, GError **err)
{
    struct ne2k_pci *s = g_new0(struct ne2k_pci, 1);

    s->dev = (struct device){&pci_type, s};
    pci_device_init(&s->pci, "ne2k_pci", 0x10ec, 0x8029, 0x020000, 0, 1, s);
    dp8390_init(&s->nic, cfg->name, cfg->mac, (struct irq_line){set_intx, s, 0});
    s->nic.rtl8029 = true;
    pci_bar_init(&s->pci, 0, true, DP8390_PORTS, &dp8390_ops, &s->nic);
    if (!nic_add_rom(&s->pci, cfg, &s->rom, err) ||
        !pci_attach(cfg->bus, &s->pci, cfg->devfn, err)) {
        pci_nic_destroy(s);
        return NULL;
    }
    device_reset(&s->dev);
    return s;
}

struct device *ne2k_pci_device(struct ne2k_pci *s)
{
    return &s->dev;
}

struct net_port *ne2k_pci_port(struct ne2k_pci *s)
{
    return &s->nic.port;
}

/* ---- ISA ---- */

struct ne2k_isa {
    struct device dev;
    struct bus_region region;
    struct dp8390 nic;
};

static void isa_nic_reset(void *self)
{
    dp8390_reset(&((struct ne2k_isa *)self)->nic);
}

static void isa_nic_post_load(void *self)
{
    dp8390_post_load(&((struct ne2k_isa *)self)->nic);
}

static void isa_nic_destroy(void *self)
{
    struct ne2k_isa *s = self;

    dp8390_clear(&s->nic);
    bus_unmap(&s->region);
    g_free(s);
}

static const struct state_field isa_fields[] = {
    DP8390_STATE_FIELDS(struct ne2k_isa, nic),
    STATE_END,
};

static const struct device_type isa_type = {
    .name = "ne2k_isa",
    .version = 1,
    .fields = isa_fields,
    .reset = isa_nic_reset,
    .post_load = isa_nic_post_load,
    .destroy = isa_nic_destroy,
};

struct ne2k_isa *ne2k_isa_new(const struct nic_config *cfg, struct bus *ports, uint16_t base,
                              struct irq_line irq, GError **err)
{
    struct ne2k_isa *s = g_new0(struct ne2k_isa, 1);

    s->dev = (struct device){&isa_type, s};
    dp8390_init(&s->nic, cfg->name, cfg->mac, irq);
    bus_region_init(&s->region, "ne2k_isa", DP8390_PORTS, &dp8390_ops, &s->nic);
    if (!bus_map(ports, &s->region, base, err)) {
        isa_nic_destroy(s);
        return NULL;
    }
    device_reset(&s->dev);
    return s;
}

struct device *ne2k_isa_device(struct ne2k_isa *s)
{
    return &s->dev;
}

struct net_port *ne2k_isa_port(struct ne2k_isa *s)
{
    return &s->nic.port;
}
