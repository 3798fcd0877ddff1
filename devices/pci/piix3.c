/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel 82371SB PIIX3, function 0; see piix3.h. Datasheet 290550, 2.2 (PCI configuration registers:
 * PIRQRCx 2.2.7) and 2.5.6.3 (RC, reset control). Decode and SMI registers only store what is
 * written.
 */
#include "devices/pci/piix3.h"

#include "base/bits.h"

enum {
    IORT = 0x4c,
    XBCS = 0x4e,
    PIRQRCA = 0x60,
    TOM = 0x69,
    MSTAT = 0x6a,
    MBIRQ0 = 0x70,
    MBDMA0 = 0x76,
    PCSC = 0x78,
    APICBASE = 0x80,
    DLC = 0x82,
    SMICNTL = 0xa0,
    SMIEN = 0xa2,
    SEE = 0xa4,
    FTMR = 0xa8,
    SMIREQ = 0xaa,
    CTLTMR = 0xac,
    CTHTMR = 0xae,

    PIRQRC_OFF = 0x80,
    RC_HARD = 1 << 1,
    RC_RESET = 1 << 2,
};

/* Interrupts that PIRQs may be routed to: not 0, 1, 2, 8 and 13. */
#define ROUTABLE 0xdef8u

struct piix3 {
    struct device dev;
    struct piix3_config config;
    struct pci_device pci;
    uint8_t rc;                        /* state: port 0xcf9 */
    uint8_t pirq_level[PCI_NUM_PIRQS]; /* as the slots drive them; the functions' state */
    uint16_t isa_level;                /* what we now drive */
};

static void update_isa(struct piix3 *s)
{
    uint16_t level = 0, changed;

    for (unsigned n = 0; n < PCI_NUM_PIRQS; n++) {
        uint8_t route = s->pci.config[PIRQRCA + n];

        if (s->pirq_level[n] && !(route & PIRQRC_OFF))
            level |= (uint16_t)((1u << (route & 0xf)) & ROUTABLE);
    }
    changed = level ^ s->isa_level;
    s->isa_level = level;
    for (unsigned irq = 0; irq < 16; irq++) {
        if (changed & (1u << irq))
            irq_set(s->config.isa[irq], level & (1u << irq));
    }
}

static void set_pirq(void *opaque, int n, bool level)
{
    struct piix3 *s = opaque;

    s->pirq_level[n] = level;
    update_isa(s);
}

static void config_written(struct pci_device *d, unsigned off, unsigned size)
{
    if (off < PIRQRCA + PCI_NUM_PIRQS && PIRQRCA < off + size)
        update_isa(d->opaque);
}

static uint8_t rc_read(void *opaque)
{
    const struct piix3 *s = opaque;

    return s->rc;
}

/* The rising edge of bit 2 starts the reset, which clears the bit again. */
static void rc_write(void *opaque, uint8_t val)
{
    struct piix3 *s = opaque;

    s->rc = val & RC_HARD;
    if ((val & RC_RESET) && s->config.reset)
        s->config.reset(s->config.opaque, val & RC_HARD);
}

static void set_masks(uint8_t *w, uint8_t *w1c)
{
    st_le16(w + PCI_COMMAND, 0x0108); /* special cycles, SERR; the rest is fixed on */
    w[PCI_CACHE_LINE] = w[PCI_LATENCY] = w[PCI_INT_LINE] = 0;
    w[IORT] = 0x7f;
    st_le16(w + XBCS, 0x01ff);
    memset(w + PIRQRCA, 0x8f, PCI_NUM_PIRQS);
    w[TOM] = 0xfe;
    st_le16(w + MSTAT, 0x0091);
    w1c[MSTAT + 1] = 0x80;
    w[MBIRQ0] = w[MBIRQ0 + 1] = 0xef;
    w[MBDMA0] = w[MBDMA0 + 1] = 0x8f;
    st_le16(w + PCSC, 0xffff);
    w[APICBASE] = 0x7f;
    w[DLC] = 0x0f;
    w[SMICNTL] = 0x1f;
    st_le16(w + SMIEN, 0x01ff);
    st_le32(w + SEE, 0xe000ffff);
    w[FTMR] = 0xff;
    st_le16(w + SMIREQ, 0x01ff);
    w[CTLTMR] = w[CTHTMR] = 0xff;
}

static void set_defaults(uint8_t *c)
{
    st_le16(c + PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    st_le16(c + PCI_STATUS, 0x0200);
    c[IORT] = 0x4d;
    st_le16(c + XBCS, 0x0003);
    memset(c + PIRQRCA, PIRQRC_OFF, PCI_NUM_PIRQS);
    c[TOM] = 0x02;
    c[MBIRQ0] = c[MBIRQ0 + 1] = 0x80;
    c[MBDMA0] = c[MBDMA0 + 1] = 0x0c;
    st_le16(c + PCSC, 0x0002);
    c[SMICNTL] = 0x08;
    c[FTMR] = 0x0f;
}

static void piix3_reset(void *self)
{
    struct piix3 *s = self;

    pci_device_reset(&s->pci);
    update_isa(s);
}

static void piix3_post_load(void *self)
{
    struct piix3 *s = self;

    pci_device_post_load(&s->pci);
    update_isa(s);
}

static void piix3_destroy(void *self)
{
    struct piix3 *s = self;

    if (s->pci.bus) {
        pci_bus_set_cf9(s->pci.bus, NULL);
        for (unsigned n = 0; n < PCI_NUM_PIRQS; n++)
            pci_bus_set_pirq(s->pci.bus, n, (struct irq_line){0});
        pci_detach(&s->pci);
    }
    g_free(s);
}

static const struct state_field piix3_fields[] = {
    PCI_STATE_FIELDS(struct piix3, pci),
    STATE_FIELD(struct piix3, rc),
    STATE_END,
};

static const struct device_type piix3_type = {
    .name = "piix3",
    .version = 1,
    .fields = piix3_fields,
    .reset = piix3_reset,
    .post_load = piix3_post_load,
    .destroy = piix3_destroy,
};

struct piix3 *piix3_new(const struct piix3_config *config, GError **err)
{
    struct piix3 *s = g_new0(struct piix3, 1);
    struct pci_cf9_ops cf9 = {s, rc_read, rc_write};

    s->dev = (struct device){&piix3_type, s};
    s->config = *config;
    pci_device_init(&s->pci, "piix3", 0x8086, 0x7000, 0x060100, 0, 0, s);
    s->pci.config_written = config_written;
    set_masks(s->pci.wmask, s->pci.w1cmask);
    set_defaults(s->pci.config);
    if (!pci_attach(config->bus, &s->pci, PCI_DEVFN(1, 0), err)) {
        g_free(s);
        return NULL;
    }
    pci_bus_set_cf9(config->bus, &cf9);
    for (unsigned n = 0; n < PCI_NUM_PIRQS; n++)
        pci_bus_set_pirq(config->bus, n, (struct irq_line){set_pirq, s, (int)n});
    device_reset(&s->dev);
    return s;
}

void piix3_set_routes(struct piix3 *s, const uint8_t irq[4])
{
    for (unsigned n = 0; n < PCI_NUM_PIRQS; n++)
        s->pci.config[PIRQRCA + n] = irq[n] & 0xf;
    update_isa(s);
}

struct device *piix3_device(struct piix3 *s)
{
    return &s->dev;
}
