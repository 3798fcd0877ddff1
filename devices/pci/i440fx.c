/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel 82441FX PMC; see i440fx.h. Datasheet 290549, 3.2 (PCI configuration registers): PAM 3.2.18,
 * DRB 3.2.19, SMRAM 3.2.24. The timing and error registers only store what is written.
 */
#include "devices/pci/i440fx.h"

#include "base/bits.h"

enum {
    PMCCFG = 0x50,
    DBC = 0x53,
    AXC = 0x54,
    DRT = 0x55,
    DRAMC = 0x57,
    DRAMT = 0x58,
    PAM0 = 0x59,
    DRB0 = 0x60,
    FDHC = 0x68,
    MTT = 0x70,
    CLT = 0x71,
    SMRAM = 0x72,
    ERRCMD = 0x90,
    ERRSTS = 0x91,
    TRC = 0x93,

    PAM_READ = 1 << 0,
    PAM_WRITE = 1 << 1,

    SMRAM_BASE_SEG = 0x02, /* bits 2:0, hardwired: 0xa0000 */
    SMRAM_ENABLE = 1 << 3,
    SMRAM_LOCK = 1 << 4,
    SMRAM_CLOSED = 1 << 5,
    SMRAM_OPEN = 1 << 6,
};

#define NUM_SEGMENTS 13

struct i440fx {
    struct device dev;
    struct i440fx_config config;
    struct pci_device pci;
    uint8_t pam_now[NUM_SEGMENTS]; /* what the board was last told */
};

/* Segment 0 is the system BIOS at 0xf0000 (high nibble of PAM0), 1..12 are 16 KiB each from
 * 0xc0000, two to a register, low nibble first. */
static uint8_t pam_bits(const struct i440fx *s, unsigned seg)
{
    uint8_t reg = s->pci.config[PAM0 + (seg + 1) / 2];

    return (seg & 1 ? reg : reg >> 4) & (PAM_READ | PAM_WRITE);
}

static void update_pam(struct i440fx *s, bool all)
{
    for (unsigned seg = 0; seg < NUM_SEGMENTS; seg++) {
        uint8_t now = pam_bits(s, seg);
        uint32_t start = seg ? 0xc0000 + (seg - 1) * 0x4000 : 0xf0000;

        if (!all && now == s->pam_now[seg])
            continue;
        s->pam_now[seg] = now;
        if (s->config.pam_changed)
            s->config.pam_changed(s->config.opaque, start, seg ? 0x4000 : 0x10000, now & PAM_READ,
                                  now & PAM_WRITE);
    }
}

/* Once locked, open is off and every bit of the register holds until reset. */
static void update_smram(struct i440fx *s)
{
    uint8_t *reg = &s->pci.config[SMRAM];

    if (*reg & SMRAM_LOCK)
        *reg &= (uint8_t)~SMRAM_OPEN;
    s->pci.wmask[SMRAM] =
        *reg & SMRAM_LOCK ? 0 : SMRAM_ENABLE | SMRAM_LOCK | SMRAM_CLOSED | SMRAM_OPEN;
    if (s->config.smram_changed)
        s->config.smram_changed(s->config.opaque, *reg & SMRAM_OPEN, *reg & SMRAM_ENABLE,
                                *reg & SMRAM_LOCK);
}

static void config_written(struct pci_device *d, unsigned off, unsigned size)
{
    struct i440fx *s = d->opaque;

    if (off < PAM0 + 7 && PAM0 < off + size)
        update_pam(s, false);
    if (off <= SMRAM && SMRAM < off + size)
        update_smram(s);
}

/* Row boundaries count 8 MiB units from 0; a row holds at most 128 MiB. Boards larger than the chip
 * could take show as full. */
static void fill_rows(struct i440fx *s)
{
    uint64_t total = s->config.ram_size >> 23;

    for (unsigned row = 0; row < 8; row++) {
        uint64_t end = (row + 1) * 16;

        s->pci.config[DRB0 + row] = (uint8_t)(end < total ? end : total);
    }
}

static void set_masks(struct i440fx *s)
{
    uint8_t *w = s->pci.wmask;

    st_le16(w + PCI_COMMAND, 0x0142); /* SERR, parity; IO off, memory and master fixed on */
    w[PCI_CACHE_LINE] = w[PCI_INT_LINE] = 0;
    st_le16(w + PMCCFG, 0xf87c);
    w[DBC] = 0xff;
    w[AXC] = 0xff;
    st_le16(w + DRT, 0xffff);
    w[DRAMC] = 0xff;
    w[DRAMT] = 0xff;
    w[PAM0] = 0xf0;
    memset(w + PAM0 + 1, 0xff, 6);
    memset(w + DRB0, 0xff, 8);
    w[FDHC] = 0xff;
    w[MTT] = 0xf8;
    w[CLT] = 0xff;
    w[ERRCMD] = 0xff;
    s->pci.w1cmask[ERRSTS] = 0x11;
    w[TRC] = 0; /* the machine's reset control is the south bridge's */
}

static void set_defaults(struct i440fx *s)
{
    uint8_t *c = s->pci.config;

    st_le16(c + PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    st_le16(c + PCI_STATUS, 0x0280);
    st_le16(c + PMCCFG, 0x0040);
    c[DBC] = 0x80;
    c[DRAMC] = 0x01;
    c[DRAMT] = 0x10;
    fill_rows(s);
    c[SMRAM] = SMRAM_BASE_SEG;
}

static void i440fx_reset(void *self)
{
    struct i440fx *s = self;

    pci_device_reset(&s->pci);
    update_pam(s, true);
    update_smram(s);
}

static void i440fx_post_load(void *self)
{
    struct i440fx *s = self;

    pci_device_post_load(&s->pci);
    update_pam(s, true);
    update_smram(s);
}

static void i440fx_destroy(void *self)
{
    struct i440fx *s = self;

    pci_detach(&s->pci);
    g_free(s);
}

static const struct state_field i440fx_fields[] = {
    PCI_STATE_FIELDS(struct i440fx, pci),
    STATE_END,
};

static const struct device_type i440fx_type = {
    .name = "i440fx",
    .version = 1,
    .fields = i440fx_fields,
    .reset = i440fx_reset,
    .post_load = i440fx_post_load,
    .destroy = i440fx_destroy,
};

struct i440fx *i440fx_new(const struct i440fx_config *config, GError **err)
{
    struct i440fx *s = g_new0(struct i440fx, 1);

    s->dev = (struct device){&i440fx_type, s};
    s->config = *config;
    pci_device_init(&s->pci, "i440fx", 0x8086, 0x1237, 0x060000, 2, 0, s);
    s->pci.config_written = config_written;
    set_masks(s);
    set_defaults(s);
    if (!pci_attach(config->bus, &s->pci, PCI_DEVFN(0, 0), err)) {
        g_free(s);
        return NULL;
    }
    device_reset(&s->dev);
    return s;
}

void i440fx_open_shadow(struct i440fx *s)
{
    s->pci.config[PAM0] = (PAM_READ | PAM_WRITE) << 4;
    memset(s->pci.config + PAM0 + 1, (PAM_READ | PAM_WRITE) * 0x11, 6);
    update_pam(s, false);
}

struct device *i440fx_device(struct i440fx *s)
{
    return &s->dev;
}
