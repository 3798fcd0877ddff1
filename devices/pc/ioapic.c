/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IO-APIC; see ioapic.h. Intel datasheet 290566 (82093AA), 3.0 register description; the EOI
 * register is that of the IO-APICs in the ICH family.
 *
 * An edge that comes while its entry is masked is lost, as the datasheet has it. A level-triggered
 * entry sends once and again after each EOI while its input is held.
 */
#include "devices/pc/ioapic.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/lint.h"
#include "base/log.h"

#include <inttypes.h>

#define IOAPIC_VERSION 0x20u
#define IOAPIC_LEN     0x1000

enum {
    /* MMIO */
    IOREGSEL = 0x00,
    IOWIN = 0x10,
    IOEOI = 0x40,
    /* indexed registers */
    REG_ID = 0x00,
    REG_VER = 0x01,
    REG_ARB = 0x02,
    REG_REDIR = 0x10,
};

#define REDIR_LOGICAL (UINT64_C(1) << 11)
#define REDIR_RIRR    (UINT64_C(1) << 14)
#define REDIR_LEVEL   (UINT64_C(1) << 15)
#define REDIR_MASKED  (UINT64_C(1) << 16)
#define REDIR_WMASK   UINT64_C(0xff0000000001afff)

struct ioapic {
    struct device dev;
    struct ioapic_config config;
    struct bus_region region;
    /* state */
    uint32_t lines; /* inputs as they are driven */
    uint64_t redir[IOAPIC_PINS];
    uint8_t id, index;
};

static bool level_triggered(uint64_t entry)
{
    unsigned mode = (unsigned)bits(entry, 10, 8);

    return (entry & REDIR_LEVEL) && (mode == APIC_FIXED || mode == APIC_LOWEST);
}

static bool deliver(struct ioapic *s, unsigned pin)
{
    uint64_t entry = s->redir[pin];
    struct apic_msg msg = {
        .dest = apic_dest8((uint8_t)bits(entry, 63, 56)),
        .logical = entry & REDIR_LOGICAL,
        .level = level_triggered(entry),
        .vector = (uint8_t)entry,
        .mode = (enum apic_delivery)bits(entry, 10, 8),
    };

    if ((int)msg.mode == 3 || msg.mode == APIC_SIPI) {
        log_guest("ioapic: input %u has the reserved delivery mode %d", pin, msg.mode);
        return false;
    }
    return apic_bus_send(s->config.bus, &msg);
}

/* Sends a level-triggered input that is held and not yet sent. */
static void service(struct ioapic *s, unsigned pin)
{
    uint64_t *entry = &s->redir[pin];

    if (!level_triggered(*entry) || !(s->lines & (1u << pin)) ||
        (*entry & (REDIR_MASKED | REDIR_RIRR)))
        return;
    if (deliver(s, pin))
        *entry |= REDIR_RIRR;
}

static void input(void *opaque, int n, bool level)
{
    struct ioapic *s = opaque;
    unsigned pin = (unsigned)n;
    uint32_t bit = 1u << pin;
    bool rising = level && !(s->lines & bit);

    if (level)
        s->lines |= bit;
    else
        s->lines &= ~bit;
    if (level_triggered(s->redir[pin]))
        service(s, pin);
    else if (rising && !(s->redir[pin] & REDIR_MASKED))
        deliver(s, pin);
}

static void eoi(void *opaque, uint8_t vector)
{
    struct ioapic *s = opaque;

    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        uint64_t *entry = &s->redir[pin];

        if (!(*entry & REDIR_RIRR) || (uint8_t)*entry != vector)
            continue;
        *entry &= ~REDIR_RIRR;
        service(s, pin);
    }
}

/* ---- strict mode; 82093AA 3.2.4 ---- */

static void lint_entry(const struct ioapic *s, unsigned pin, bool high, uint32_t val)
{
    static const uint32_t reserved[2] = {0xfffe0000, 0x00ffffff};
    uint64_t e = s->redir[pin];
    unsigned mode = (unsigned)bits(e, 10, 8), vector = e & 0xff;

    if (val & reserved[high])
        lint_report_of(LINT_IOAPIC_ENTRY, pin,
                       "ioapic: reserved bits 0x%x set in the %s half of entry %u",
                       val & reserved[high], high ? "high" : "low", pin);
    if (high || (e & REDIR_MASKED)) /* the low half comes last, or has been told of */
        return;
    if (mode == 3 || mode == APIC_SIPI)
        lint_report_of(LINT_IOAPIC_ENTRY, pin, "ioapic: entry %u has the reserved delivery mode %u",
                       pin, mode);
    else if ((mode == APIC_SMI || mode == APIC_EXTINT) && (e & REDIR_LEVEL))
        lint_report_of(LINT_IOAPIC_ENTRY, pin,
                       "ioapic: entry %u is level-triggered, which delivery mode %u cannot be", pin,
                       mode);
    else if ((mode == APIC_FIXED || mode == APIC_LOWEST) && (vector < 0x10 || vector > 0xfe))
        lint_report_of(LINT_IOAPIC_ENTRY, pin, "ioapic: entry %u is unmasked with vector 0x%02x",
                       pin, vector);
}

static void lint_access(const struct ioapic *s, const char *verb, uint64_t off, unsigned size)
{
    if (off == IOWIN && size == 4)
        lint_report_of(LINT_IOAPIC_ACCESS, s->index,
                       "ioapic: %s of register 0x%02x, which is not there or read-only", verb,
                       s->index);
    else
        lint_report_of(LINT_IOAPIC_ACCESS, off, "ioapic: %u-byte %s at offset 0x%" PRIx64, size,
                       verb, off);
}

/* ---- registers ---- */

static uint32_t reg_read(const struct ioapic *s)
{
    unsigned n = s->index - REG_REDIR;

    switch (s->index) {
    case REG_ID:
    case REG_ARB: return (uint32_t)s->id << 24;
    case REG_VER: return IOAPIC_VERSION | (IOAPIC_PINS - 1) << 16;
    }
    if (s->index >= REG_REDIR && n < 2 * IOAPIC_PINS)
        return (uint32_t)(s->redir[n / 2] >> (n & 1 ? 32 : 0));
    log_guest("ioapic: read of register 0x%02x", s->index);
    lint_access(s, "read", IOWIN, 4);
    return 0;
}

static void redir_write(struct ioapic *s, unsigned pin, bool high, uint32_t val)
{
    uint64_t *entry = &s->redir[pin];
    uint64_t half = high ? UINT64_C(0xffffffff00000000) : UINT64_C(0xffffffff);
    uint64_t mask = REDIR_WMASK & half;

    *entry = (*entry & ~mask) | ((high ? (uint64_t)val << 32 : val) & mask);
    /* an entry made edge-triggered forgets its remote IRR: the EOI of kernels that know no other */
    if (!level_triggered(*entry))
        *entry &= ~REDIR_RIRR;
    if (lint_on(LINT_IOAPIC_ENTRY))
        lint_entry(s, pin, high, val);
    service(s, pin);
}

static void reg_write(struct ioapic *s, uint32_t val)
{
    unsigned n = s->index - REG_REDIR;

    if (s->index == REG_ID) {
        s->id = (uint8_t)bits(val, 27, 24);
    } else if (s->index >= REG_REDIR && n < 2 * IOAPIC_PINS) {
        redir_write(s, n / 2, n & 1, val);
    } else {
        log_guest("ioapic: write of 0x%x to register 0x%02x", val, s->index);
        lint_access(s, "write", IOWIN, 4);
    }
}

static uint64_t ioapic_read(void *opaque, uint64_t off, unsigned size)
{
    struct ioapic *s = opaque;

    if (off == IOREGSEL)
        return s->index;
    if (off == IOWIN && size == 4)
        return reg_read(s);
    log_guest("ioapic: %u-byte read at offset 0x%" PRIx64, size, off);
    lint_access(s, "read", off, size);
    return 0;
}

static void ioapic_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct ioapic *s = opaque;

    if (off == IOREGSEL) {
        s->index = (uint8_t)val;
    } else if (off == IOWIN && size == 4) {
        reg_write(s, (uint32_t)val);
    } else if (off == IOEOI && size == 4) {
        eoi(s, (uint8_t)val);
    } else {
        log_guest("ioapic: %u-byte write at offset 0x%" PRIx64, size, off);
        lint_access(s, "write", off, size);
    }
}

static const struct bus_ops ioapic_ops = {ioapic_read, ioapic_write, 1, 4};

static void ioapic_reset(void *self)
{
    struct ioapic *s = self;

    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        s->redir[pin] = REDIR_MASKED;
}

static void ioapic_destroy(void *self)
{
    struct ioapic *s = self;

    apic_bus_remove_eoi(s->config.bus, s);
    bus_unmap(&s->region);
    g_free(s);
}

static const struct state_field ioapic_fields[] = {
    STATE_KEEP(struct ioapic, lines),
    STATE_ARRAY(struct ioapic, redir),
    STATE_FIELD(struct ioapic, id),
    STATE_FIELD(struct ioapic, index),
    STATE_END,
};

static const struct device_type ioapic_type = {
    .name = "ioapic",
    .version = 1,
    .fields = ioapic_fields,
    .reset = ioapic_reset,
    .destroy = ioapic_destroy,
};

struct ioapic *ioapic_new(const struct ioapic_config *config, GError **err)
{
    struct ioapic *s = g_new0(struct ioapic, 1);

    s->dev = (struct device){&ioapic_type, s};
    s->config = *config;
    bus_region_init(&s->region, "ioapic", IOAPIC_LEN, &ioapic_ops, s);
    if (!bus_map(config->mmio, &s->region, config->base ? config->base : IOAPIC_DEFAULT_BASE,
                 err)) {
        g_free(s);
        return NULL;
    }
    apic_bus_add_eoi(config->bus, eoi, s);
    device_reset(&s->dev);
    return s;
}

struct device *ioapic_device(struct ioapic *s)
{
    return &s->dev;
}

struct irq_line ioapic_input(struct ioapic *s, unsigned n)
{
    invariant(n < IOAPIC_PINS);
    return (struct irq_line){input, s, (int)n};
}

void ioapic_describe(const struct ioapic *s, GString *out)
{
    static const char *const modes[] = {"fixed", "lowest", "SMI",  "reserved",
                                        "NMI",   "INIT",   "SIPI", "ExtINT"};

    g_string_append_printf(out, "ioapic at 0x%" PRIx64 ", id %u\n",
                           s->config.base ? s->config.base : IOAPIC_DEFAULT_BASE, s->id);
    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        uint64_t e = s->redir[n];

        g_string_append_printf(
            out, "  pin %2u: 0x%016" PRIx64 " line %s, vector %u, %s to %s %u, %s%s%s\n", n, e,
            s->lines >> n & 1 ? "high" : "low", (unsigned)(e & 0xff), modes[bits(e, 10, 8)],
            e & REDIR_LOGICAL ? "logical" : "physical", (unsigned)bits(e, 63, 56),
            e & REDIR_LEVEL ? "level" : "edge", e & REDIR_MASKED ? ", masked" : "",
            e & REDIR_RIRR ? ", waits for EOI" : "");
    }
}
