/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PIIX4 power management; see acpi_pm.h. Intel datasheet 290562 (82371AB): 7.1 (PCI configuration
 * registers of function 3), 7.2 (PM I/O space registers), 3.1.3 (APM ports); ACPI specification 4.8
 * for what the fixed registers mean.
 *
 * Only S0, S3 (where the board has it) and S5 exist: another sleep type is refused with a note. The
 * C2/C3 and throttling registers store or answer, but nothing sleeps by them.
 */
#include "devices/pc/acpi_pm.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/lint.h"
#include "base/log.h"
#include "devices/pc/pm_smbus.h"

enum {
    /* configuration space */
    CFG_PMBASE = 0x40,
    CFG_FIRST_STORED = 0x44, /* device activity and resource registers: only stored */
    CFG_DEVACTB = 0x58,
    CFG_LAST_STORED = 0x7f,
    CFG_PMREGMISC = 0x80,
    CFG_SMBBASE = 0x90,
    CFG_SMBHSTCFG = 0xd2,
    CFG_SMBSLVC = 0xd3,
    CFG_SMBSHDW1 = 0xd4,
    CFG_SMBSHDW2 = 0xd5,

    DEVACTB_APMC_EN_BYTE3 = 0x02, /* bit 25, as a bit of the register's last byte */
    SMBHSTCFG_ENABLE = 0x01,
    SMBHSTCFG_IRQ = 0x0e, /* 100b: IRQ 9 */
    SMBHSTCFG_IRQ9 = 0x08,

    /* I/O space, as numbers of 32-bit words */
    PM_EVT = 0x00 / 4, /* PMSTS, PMEN */
    PM_CNT = 0x04 / 4,
    PM_TMR = 0x08 / 4,
    PM_GPE = 0x0c / 4, /* GPSTS, GPEN */
    PM_PCNTRL = 0x10 / 4,
    PM_GLBSTS = 0x18 / 4,
    PM_GLBEN = 0x20 / 4,
    PM_GLBCTL = 0x28 / 4,
    PM_DEVCTL = 0x2c / 4,
    PM_GPOREG = 0x34 / 4,
    PM_WORDS = ACPI_PM_LEN / 4,

    SLP_S3 = 1, /* SLP_TYP; 0 is S5 */

    TMR_STS = 1 << 0,
    PWRBTN_STS = 1 << 8,
    RTC_STS = 1 << 10,
    WAK_STS = 1 << 15,
    PM1_STS_MASK = 0x8d31,
    PM1_EN_MASK = 0x0521,
    SCI_EN = 1 << 0,
    SUS_EN = 1 << 13,
    PM1_CNT_KEPT = 0x1c03,
};

#define TMR_BITS 24
#define TMR_TOGGLE                                                                                 \
    (UINT64_C(1) << (TMR_BITS - 1)) /* ticks from one change of bit 23 to the next                 \
                                     */

struct acpi_pm {
    struct device dev;
    struct acpi_pm_config config;
    struct pci_device pci;
    struct pm_smbus smbus;
    struct bus_region pm_region, apm_region;
    struct timer overflow;
    bool smbus_level; /* what the host controller drives */
    /* state; pm_smbus.regs too */
    uint16_t pmsts, pmen, pmcntrl, gpsts, gpen;
    uint64_t tmr_next;         /* tick at which the timer's status bit is to be set next */
    uint8_t apm[2];            /* 0xb2, 0xb3 */
    uint32_t stored[PM_WORDS]; /* registers that only store */
    bool asleep;
};

/* ---- the timer and the SCI ---- */

static uint64_t ticks(const struct acpi_pm *pm)
{
    return muldiv64((uint64_t)clock_now(pm->config.clock), ACPI_PM_TMR_HZ, NS_PER_SEC);
}

uint32_t acpi_pm_timer(struct acpi_pm *pm)
{
    return (uint32_t)(ticks(pm) & ((1u << TMR_BITS) - 1));
}

static void restart_overflow(struct acpi_pm *pm)
{
    pm->tmr_next = (ticks(pm) / TMR_TOGGLE + 1) * TMR_TOGGLE;
}

static void update(struct acpi_pm *pm)
{
    bool sci;
    uint64_t at;

    if (ticks(pm) >= pm->tmr_next)
        pm->pmsts |= TMR_STS;
    sci = (pm->pmcntrl & SCI_EN) && ((pm->pmsts & pm->pmen) || (pm->gpsts & pm->gpen));
    irq_set(pm->config.sci, sci || pm->smbus_level);

    /* the host's timer is needed only where the guest wants to hear of the overflow */
    if ((pm->pmsts & TMR_STS) || !(pm->pmen & TMR_STS) || !(pm->pmcntrl & SCI_EN)) {
        timer_cancel(&pm->overflow);
        return;
    }
    at = muldiv64(pm->tmr_next, NS_PER_SEC, ACPI_PM_TMR_HZ) + 1;
    timer_arm(&pm->overflow, (int64_t)at);
}

static void overflow(void *opaque)
{
    update(opaque);
}

static void smbus_irq(void *opaque, int n, bool level)
{
    struct acpi_pm *pm = opaque;

    (void)n;
    pm->smbus_level = level && (pm->pci.config[CFG_SMBHSTCFG] & SMBHSTCFG_IRQ) == SMBHSTCFG_IRQ9;
    update(pm);
}

/* The power button and the alarm wake whoever enabled them; GPEs stay with their devices. */
static void wake_check(struct acpi_pm *pm)
{
    if (pm->asleep && (pm->pmsts & pm->pmen & (PWRBTN_STS | RTC_STS)) && pm->config.wake)
        pm->config.wake(pm->config.opaque);
}

static void fixed_event(struct acpi_pm *pm, uint16_t status)
{
    pm->pmsts |= status;
    update(pm);
    wake_check(pm);
}

void acpi_pm_power_button(struct acpi_pm *pm)
{
    fixed_event(pm, PWRBTN_STS);
}

void acpi_pm_rtc_alarm(struct acpi_pm *pm)
{
    fixed_event(pm, RTC_STS);
}

bool acpi_pm_asleep(const struct acpi_pm *pm)
{
    return pm->asleep;
}

uint16_t acpi_pm_wake_status(const struct acpi_pm *pm)
{
    return (uint16_t)(pm->pmsts & (PWRBTN_STS | RTC_STS));
}

void acpi_pm_woken(struct acpi_pm *pm, uint16_t status)
{
    pm->asleep = false;
    pm->pmsts |= WAK_STS | status;
    update(pm);
}

bool acpi_pm_wake(struct acpi_pm *pm)
{
    if (!pm->asleep || !pm->config.wake)
        return false;
    pm->pmsts |= PWRBTN_STS;
    pm->config.wake(pm->config.opaque);
    return true;
}

void acpi_pm_gpe(struct acpi_pm *pm, unsigned n)
{
    invariant(n < 16);
    pm->gpsts |= (uint16_t)(1u << n);
    update(pm);
}

/* ---- the PM I/O space ---- */

static uint32_t word_read(struct acpi_pm *pm, unsigned word)
{
    switch (word) {
    case PM_EVT: update(pm); return pm->pmsts | (uint32_t)pm->pmen << 16;
    case PM_CNT: return pm->pmcntrl;
    case PM_TMR: return acpi_pm_timer(pm);
    case PM_GPE: return pm->gpsts | (uint32_t)pm->gpen << 16;
    default: return pm->stored[word];
    }
}

static void write_evt(struct acpi_pm *pm, uint32_t val, uint32_t mask)
{
    uint32_t clear = val & mask & PM1_STS_MASK;

    update(pm);
    pm->pmsts &= (uint16_t)~clear;
    if (clear & TMR_STS)
        restart_overflow(pm);
    mask >>= 16;
    pm->pmen = (uint16_t)(((pm->pmen & ~mask) | (val >> 16 & mask)) & PM1_EN_MASK);
    update(pm);
}

static void write_cnt(struct acpi_pm *pm, uint32_t val, uint32_t mask)
{
    unsigned type;

    val = (pm->pmcntrl & ~mask) | (val & mask);
    if ((val ^ pm->pmcntrl) & SCI_EN)
        lint_report(LINT_ACPI_PM, "acpi: SCI_EN switched by hand, not by SMI_CMD");
    pm->pmcntrl = val & PM1_CNT_KEPT;
    update(pm);
    if (!(val & SUS_EN & mask))
        return;
    type = (unsigned)bits(val, 12, 10);
    if (type == SLP_S3 && pm->config.suspend) {
        pm->asleep = true;
        pm->config.suspend(pm->config.opaque);
        wake_check(pm); /* by what was up before */
        return;
    }
    if (type != 0) {
        log_guest("acpi: sleep type %u does not exist here", type);
        lint_report(LINT_ACPI_PM, "acpi: sleep type %u is none of the DSDT's", type);
    } else if (pm->config.power_off) {
        pm->config.power_off(pm->config.opaque);
    }
}

static void write_gpe(struct acpi_pm *pm, uint32_t val, uint32_t mask)
{
    pm->gpsts &= (uint16_t) ~(val & mask);
    mask >>= 16;
    pm->gpen = (uint16_t)((pm->gpen & ~mask) | (val >> 16 & mask));
    update(pm);
}

static void word_write(struct acpi_pm *pm, unsigned word, uint32_t val, uint32_t mask)
{
    switch (word) {
    case PM_EVT: write_evt(pm, val, mask); break;
    case PM_CNT: write_cnt(pm, val, mask); break;
    case PM_GPE: write_gpe(pm, val, mask); break;
    case PM_PCNTRL:
    case PM_GLBEN:
    case PM_GLBCTL:
    case PM_DEVCTL:
    case PM_GPOREG: pm->stored[word] = (pm->stored[word] & ~mask) | (val & mask); break;
    case PM_GLBSTS: pm->stored[word] &= ~(val & mask); break;
    case PM_TMR: lint_report(LINT_ACPI_PM, "acpi: the timer is read-only"); break;
    default: break; /* the timer, inputs, C2 and C3 entry: read-only */
    }
}

/* Any size and alignment, in pieces that lie inside one word. */
static uint64_t pm_read(void *opaque, uint64_t off, unsigned size)
{
    unsigned low = (unsigned)off & 3;
    uint64_t val = word_read(opaque, (unsigned)off / 4) >> (8 * low);

    if (low + size > 4)
        val |= (uint64_t)word_read(opaque, (unsigned)off / 4 + 1) << (8 * (4 - low));
    return zext(val, size);
}

static void pm_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    unsigned low = (unsigned)off & 3;
    uint64_t mask = zext(UINT64_MAX, size) << (8 * low);

    val <<= 8 * low;
    word_write(opaque, (unsigned)off / 4, (uint32_t)val, (uint32_t)mask);
    if (mask >> 32)
        word_write(opaque, (unsigned)off / 4 + 1, (uint32_t)(val >> 32), (uint32_t)(mask >> 32));
}

static const struct bus_ops pm_ops = {pm_read, pm_write, 1, 4};

/* ---- the APM ports: how the OS calls firmware's SMI handler ---- */

static bool apmc_enabled(const struct acpi_pm *pm)
{
    return pm->pci.config[CFG_DEVACTB + 3] & DEVACTB_APMC_EN_BYTE3;
}

static void apm_command(struct acpi_pm *pm, uint8_t command)
{
    /* SeaBIOS' SMI handler leaves the switch to the chip: do it, handler or not */
    if (command == ACPI_PM_CMD_ENABLE)
        pm->pmcntrl |= SCI_EN;
    else if (command == ACPI_PM_CMD_DISABLE)
        pm->pmcntrl &= (uint16_t)~SCI_EN;
    update(pm);
    if (pm->config.smi && apmc_enabled(pm))
        pm->config.smi(pm->config.opaque);
}

static uint64_t apm_read(void *opaque, uint64_t off, unsigned size)
{
    const struct acpi_pm *pm = opaque;

    (void)size;
    return pm->apm[off];
}

static void apm_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct acpi_pm *pm = opaque;

    (void)size;
    pm->apm[off] = (uint8_t)val;
    if (off == 0)
        apm_command(pm, (uint8_t)val);
}

static const struct bus_ops apm_ops = {apm_read, apm_write, 1, 1};

/* ---- configuration space ---- */

static void place(struct acpi_pm *pm, struct bus_region *r, uint64_t base, bool enabled)
{
    GError *err = NULL;

    if (r->bus && enabled && r->base == base)
        return;
    bus_unmap(r);
    if (!enabled || !base)
        return;
    if (!bus_map(pm->config.ports, r, base, &err)) {
        log_guest("acpi: %s", err->message);
        g_error_free(err);
    }
}

static void update_places(struct acpi_pm *pm)
{
    const uint8_t *c = pm->pci.config;
    bool io = ld_le16(c + PCI_COMMAND) & PCI_COMMAND_IO;

    place(pm, &pm->pm_region, ld_le16(c + CFG_PMBASE) & 0xffc0, c[CFG_PMREGMISC] & 1);
    place(pm, &pm->smbus.region, ld_le16(c + CFG_SMBBASE) & 0xfff0,
          io && (c[CFG_SMBHSTCFG] & SMBHSTCFG_ENABLE));
    pm_smbus_update(&pm->smbus);
}

static void config_written(struct pci_device *d, unsigned off, unsigned size)
{
    (void)off;
    (void)size;
    update_places(d->opaque);
}

void acpi_pm_set_bases(struct acpi_pm *pm)
{
    uint8_t *c = pm->pci.config;

    c[PCI_COMMAND] |= PCI_COMMAND_IO;
    c[PCI_INT_LINE] = ACPI_PM_SCI_IRQ;
    st_le32(c + CFG_PMBASE, ACPI_PM_BASE | 1);
    c[CFG_PMREGMISC] = 1;
    st_le32(c + CFG_SMBBASE, ACPI_PM_SMB_BASE | 1);
    c[CFG_SMBHSTCFG] = SMBHSTCFG_IRQ9 | SMBHSTCFG_ENABLE;
    update_places(pm);
}

uint16_t acpi_pm_base(const struct acpi_pm *pm)
{
    return pm->pm_region.bus ? (uint16_t)pm->pm_region.base : 0;
}

static void set_config_space(struct pci_device *d)
{
    uint8_t *c = d->config, *w = d->wmask;

    st_le16(c + PCI_STATUS, 0x0280);
    st_le16(w + PCI_COMMAND, PCI_COMMAND_IO);
    w[PCI_CACHE_LINE] = 0;
    w[PCI_LATENCY] = 0;
    c[CFG_PMBASE] = 1;
    st_le16(w + CFG_PMBASE, 0xffc0);
    memset(w + CFG_FIRST_STORED, 0xff, CFG_LAST_STORED - CFG_FIRST_STORED + 1);
    w[CFG_PMREGMISC] = 0x01;
    c[CFG_SMBBASE] = 1;
    st_le16(w + CFG_SMBBASE, 0xfff0);
    w[CFG_SMBHSTCFG] = 0x0f;
    w[CFG_SMBSLVC] = 0xff;
    w[CFG_SMBSHDW1] = w[CFG_SMBSHDW2] = 0xff;
}

/* ---- the device ---- */

static void acpi_pm_reset(void *self)
{
    struct acpi_pm *pm = self;

    pci_device_reset(&pm->pci);
    if (!pm->config.smi)
        pm->pci.config[CFG_DEVACTB + 3] |= DEVACTB_APMC_EN_BYTE3;
    restart_overflow(pm);
    update_places(pm);
    update(pm);
}

static void acpi_pm_post_load(void *self)
{
    struct acpi_pm *pm = self;

    pci_device_post_load(&pm->pci);
    update_places(pm);
    update(pm);
}

static void acpi_pm_destroy(void *self)
{
    struct acpi_pm *pm = self;

    timer_cancel(&pm->overflow);
    bus_unmap(&pm->pm_region);
    bus_unmap(&pm->smbus.region);
    bus_unmap(&pm->apm_region);
    pci_detach(&pm->pci);
    g_free(pm);
}

static const struct state_field acpi_pm_fields[] = {
    PCI_STATE_FIELDS(struct acpi_pm, pci), STATE_FIELD(struct acpi_pm, smbus.regs),
    STATE_FIELD(struct acpi_pm, pmsts),    STATE_FIELD(struct acpi_pm, pmen),
    STATE_FIELD(struct acpi_pm, pmcntrl),  STATE_FIELD(struct acpi_pm, gpsts),
    STATE_FIELD(struct acpi_pm, gpen),     STATE_FIELD(struct acpi_pm, tmr_next),
    STATE_ARRAY(struct acpi_pm, apm),      STATE_ARRAY(struct acpi_pm, stored),
    STATE_FIELD(struct acpi_pm, asleep),   STATE_END,
};

static const struct device_type acpi_pm_type = {
    .name = "piix4-pm",
    .version = 1,
    .fields = acpi_pm_fields,
    .reset = acpi_pm_reset,
    .post_load = acpi_pm_post_load,
    .destroy = acpi_pm_destroy,
};

struct acpi_pm *acpi_pm_new(const struct acpi_pm_config *config, GError **err)
{
    struct acpi_pm *pm = g_new0(struct acpi_pm, 1);

    pm->dev = (struct device){&acpi_pm_type, pm};
    pm->config = *config;
    timer_init(&pm->overflow, config->clock, overflow, pm);
    pm_smbus_init(&pm->smbus, (struct irq_line){smbus_irq, pm, 0});
    bus_region_init(&pm->pm_region, "piix4-pm", ACPI_PM_LEN, &pm_ops, pm);
    bus_region_init(&pm->apm_region, "apm", 2, &apm_ops, pm);
    pci_device_init(&pm->pci, "piix4-pm", 0x8086, 0x7113, 0x068000, 3, 1, pm);
    pm->pci.config_written = config_written;
    set_config_space(&pm->pci);
    if (!bus_map(config->ports, &pm->apm_region, ACPI_PM_SMI_CMD, err) ||
        !pci_attach(config->bus, &pm->pci, PCI_DEVFN(1, 3), err)) {
        acpi_pm_destroy(pm);
        return NULL;
    }
    device_reset(&pm->dev);
    return pm;
}

struct device *acpi_pm_device(struct acpi_pm *pm)
{
    return &pm->dev;
}
