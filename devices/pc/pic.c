/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two cascaded 8259As. Intel 8259A data sheet (231468): initialisation and operation command words,
 * priority modes, special mask, poll, automatic EOI, special fully nested mode, default IR7.
 * Trigger modes are those of the PIIX3's ELCR (82371SB datasheet); ICW1's LTIM has no effect, as
 * there.
 */
#include "devices/pc/pic.h"

#include "base/bits.h"
#include "base/lint.h"
#include "base/log.h"

#define CASCADE 2

enum {
    ICW1 = 0x10,
    ICW1_IC4 = 1 << 0,
    ICW1_SNGL = 1 << 1,
    ICW4_X86 = 1 << 0,
    ICW4_AEOI = 1 << 1,
    ICW4_SFNM = 1 << 4,
    OCW3 = 0x08,
    OCW3_RIS = 1 << 0,
    OCW3_RR = 1 << 1,
    OCW3_POLL = 1 << 2,
    OCW3_SMM = 1 << 5,
    OCW3_ESMM = 1 << 6,
};

/* What the next write to the odd port is. */
enum { EXPECT_OCW1, EXPECT_ICW2, EXPECT_ICW3, EXPECT_ICW4 };

struct chip {
    uint8_t lines;   /* levels of the inputs */
    uint8_t latched; /* edges seen and not yet acknowledged */
    uint8_t imr, isr;
    uint8_t elcr;   /* one: level-triggered */
    uint8_t lowest; /* the input with the lowest priority */
    uint8_t base;   /* vector of input 0 */
    uint8_t expect;
    bool want_icw4, single;
    bool aeoi, rotate_aeoi, sfnm;
    bool special_mask, read_isr, poll;
};

struct pic {
    struct device dev;
    struct pic_config cfg;
    struct bus_region command_ports[2], elcr_port;

    struct chip chip[2]; /* master, slave */

    bool initialised[2]; /* for strict mode; not state */
};

static const uint8_t elcr_mask[2] = {0xf8, 0xde}; /* 0, 1, 2, 8 and 13 are always edges */

static uint8_t irr(const struct chip *c)
{
    return (uint8_t)((c->latched & ~c->elcr) | (c->lines & c->elcr));
}

/* The place of the set bit with the highest priority, counted from the highest: 0..7, 8 when none.
 */
static unsigned rank_of(const struct chip *c, uint8_t set)
{
    unsigned rank;

    for (rank = 0; rank < 8; rank++)
        if (set & (1u << ((c->lowest + 1 + rank) & 7)))
            break;
    return rank;
}

static int input_at(const struct chip *c, unsigned rank)
{
    return (int)((c->lowest + 1 + rank) & 7);
}

/* The input that the chip would have the CPU serve now, or -1. */
static int request(const struct pic *p, unsigned n)
{
    const struct chip *c = &p->chip[n];
    uint8_t busy = c->isr;
    unsigned rank, limit;

    /* a masked level in service no longer holds the others back */
    if (c->special_mask)
        busy &= (uint8_t)~c->imr;
    limit = rank_of(c, busy);
    rank = rank_of(c, irr(c) & (uint8_t)~c->imr);
    if (rank == 8)
        return -1;
    /* special fully nested: the slave may interrupt its own service, having the nesting inside */
    if (rank < limit || (rank == limit && n == 0 && c->sfnm && input_at(c, rank) == CASCADE))
        return input_at(c, rank);
    return -1;
}

static void update(struct pic *p)
{
    struct chip *master = &p->chip[0];
    bool slave = !master->single && request(p, 1) >= 0;

    /* the cascade follows the slave's INT output, which drops at each acknowledge */
    master->lines = (uint8_t)((master->lines & ~(1u << CASCADE)) | (unsigned)slave << CASCADE);
    master->latched = (uint8_t)((master->latched & ~(1u << CASCADE)) | (unsigned)slave << CASCADE);
    irq_set(p->cfg.intr, request(p, 0) >= 0);
}

static void set_input(void *opaque, int n, bool level)
{
    struct pic *p = opaque;
    struct chip *c = &p->chip[n >> 3];
    uint8_t bit = (uint8_t)(1u << (n & 7));

    if (level == !!(c->lines & bit))
        return;
    if (level && !(c->elcr & bit))
        c->latched |= bit;
    c->lines ^= bit;
    update(p);
}

/* Takes the request into service: what the first INTA pulse, or a poll, does. */
static void serve(struct chip *c, int n)
{
    c->latched &= (uint8_t) ~(1u << n);
    if (!c->aeoi)
        c->isr |= (uint8_t)(1u << n);
    else if (c->rotate_aeoi)
        c->lowest = (uint8_t)n;
}

static int ack_chip(struct pic *p, unsigned n)
{
    struct chip *c = &p->chip[n];
    int irq = request(p, n);

    if (irq < 0) {
        log_msg(LOG_INT, "pic: spurious interrupt of the %s", n ? "slave" : "master");
        irq = 7;
    } else {
        serve(c, irq);
    }
    if (n == 0 && irq == CASCADE && !c->single)
        return ack_chip(p, 1);
    return c->base + irq;
}

int pic_ack(struct pic *p)
{
    int vector = ack_chip(p, 0);

    update(p);
    return vector;
}

bool pic_pending(const struct pic *p)
{
    return request(p, 0) >= 0;
}

static uint8_t poll_read(struct pic *p, unsigned n)
{
    struct chip *c = &p->chip[n];
    int irq = request(p, n);

    c->poll = false;
    if (irq < 0)
        return 0;
    serve(c, irq);
    update(p);
    return (uint8_t)(0x80 | irq);
}

static void icw1(struct chip *c, uint8_t val)
{
    c->latched = 0; /* edge sense is reset: a line that stays high asks for nothing */
    c->imr = c->isr = 0;
    c->lowest = 7;
    c->special_mask = c->read_isr = c->poll = false;
    c->aeoi = c->rotate_aeoi = c->sfnm = false;
    c->want_icw4 = val & ICW1_IC4;
    c->single = val & ICW1_SNGL;
    c->expect = EXPECT_ICW2;
}

static void eoi(struct chip *c, int n, bool rotate)
{
    c->isr &= (uint8_t) ~(1u << n);
    if (rotate)
        c->lowest = (uint8_t)n;
}

/* The level in service that a non-specific EOI ends, or -1. */
static int in_service(const struct chip *c)
{
    uint8_t set = c->special_mask ? (uint8_t)(c->isr & ~c->imr) : c->isr;
    unsigned rank = rank_of(c, set);

    return rank < 8 ? input_at(c, rank) : -1;
}

static void ocw2(struct chip *c, uint8_t val)
{
    int level = val & 7, top = in_service(c);

    switch (val >> 5) {
    case 0: c->rotate_aeoi = false; break;
    case 4: c->rotate_aeoi = true; break;
    case 1:
    case 5:
        if (top >= 0)
            eoi(c, top, val & 0x80);
        break;
    case 3:
    case 7: eoi(c, level, val & 0x80); break;
    case 6: c->lowest = (uint8_t)level; break;
    }
}

static void ocw3(struct chip *c, uint8_t val)
{
    if (val & OCW3_ESMM)
        c->special_mask = val & OCW3_SMM;
    if (val & OCW3_POLL)
        c->poll = true;
    else if (val & OCW3_RR)
        c->read_isr = val & OCW3_RIS;
}

static void write_odd(struct chip *c, uint8_t val)
{
    switch (c->expect) {
    case EXPECT_OCW1: c->imr = val; return;
    case EXPECT_ICW2:
        c->base = val & 0xf8;
        c->expect = !c->single ? EXPECT_ICW3 : c->want_icw4 ? EXPECT_ICW4 : EXPECT_OCW1;
        return;
    case EXPECT_ICW3: /* the wiring is what it is */
        c->expect = c->want_icw4 ? EXPECT_ICW4 : EXPECT_OCW1;
        return;
    case EXPECT_ICW4:
        if (!(val & ICW4_X86))
            log_guest("pic: ICW4 0x%02x asks for MCS-80 mode", val);
        c->aeoi = val & ICW4_AEOI;
        c->sfnm = val & ICW4_SFNM;
        c->expect = EXPECT_OCW1;
        return;
    }
}

/* ---- strict mode; "Initialization Command Words", "Operation Command Words" ---- */

static const char *const chip_names[2] = {"master", "slave"};

/* What a write to the odd port means while the chip expects an ICW. */
static void lint_icw(const struct chip *c, unsigned n, uint8_t val)
{
    if (c->expect == EXPECT_ICW3 && val != (n ? CASCADE : 1 << CASCADE))
        lint_report(LINT_PIC_INIT, "pic: ICW3 of the %s is 0x%02x, but the slave is at input 2",
                    chip_names[n], val);
    if (c->expect == EXPECT_ICW4 && !(val & ICW4_X86))
        lint_report(LINT_PIC_INIT, "pic: ICW4 of the %s (0x%02x) asks for MCS-80 mode",
                    chip_names[n], val);
}

static void lint_eoi(const struct chip *c, unsigned n, uint8_t val)
{
    bool specific = val & 0x40;

    if (!(val & 0x20) || (val >> 5) == 0)
        return;
    if (!specific && in_service(c) < 0)
        lint_report(LINT_PIC_EOI, "pic: EOI (0x%02x) to the %s, where nothing is in service", val,
                    chip_names[n]);
    if (specific && !(c->isr >> (val & 7) & 1))
        lint_report(LINT_PIC_EOI,
                    "pic: EOI (0x%02x) to the %s for input %u, which is not in service", val,
                    chip_names[n], val & 7u);
}

static void lint_write(const struct pic *p, unsigned n, bool odd, uint8_t val)
{
    const struct chip *c = &p->chip[n];

    if (!odd && (val & ICW1)) {
        if (val & ICW1_SNGL)
            lint_report(LINT_PIC_INIT, "pic: ICW1 of the %s (0x%02x) says that there is no cascade",
                        chip_names[n], val);
        if (!(val & ICW1_IC4))
            lint_report(LINT_PIC_INIT,
                        "pic: ICW1 of the %s (0x%02x) wants no ICW4, which means MCS-80 mode",
                        chip_names[n], val);
        return;
    }
    if (c->expect != EXPECT_OCW1) {
        if (odd)
            lint_icw(c, n, val);
        else
            lint_report(LINT_PIC_INIT, "pic: OCW 0x%02x to the %s, which waits for ICW%d", val,
                        chip_names[n], c->expect + 1);
        return;
    }
    if (!p->initialised[n])
        lint_report(LINT_PIC_INIT, "pic: %s 0x%02x to the %s, which was not initialised",
                    odd          ? "mask"
                    : val & OCW3 ? "OCW3"
                                 : "OCW2",
                    val, chip_names[n]);
    else if (!odd && !(val & OCW3))
        lint_eoi(c, n, val);
}

static void pic_write(struct pic *p, unsigned n, uint64_t off, uint8_t val)
{
    struct chip *c = &p->chip[n];
    bool icw = c->expect != EXPECT_OCW1;

    if (lint_on(LINT_PIC_INIT) || lint_on(LINT_PIC_EOI))
        lint_write(p, n, off, val);
    if (off)
        write_odd(c, val);
    else if (val & ICW1)
        icw1(c, val);
    else if (val & OCW3)
        ocw3(c, val);
    else
        ocw2(c, val);
    if (icw && c->expect == EXPECT_OCW1)
        p->initialised[n] = true;
    update(p);
}

static uint64_t pic_read(struct pic *p, unsigned n, uint64_t off)
{
    const struct chip *c = &p->chip[n];

    if (c->poll)
        return poll_read(p, n);
    if (off)
        return c->imr;
    return c->read_isr ? c->isr : irr(c);
}

static uint64_t master_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return pic_read(opaque, 0, off);
}

static void master_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    (void)size;
    pic_write(opaque, 0, off, (uint8_t)val);
}

static uint64_t slave_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return pic_read(opaque, 1, off);
}

static void slave_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    (void)size;
    pic_write(opaque, 1, off, (uint8_t)val);
}

static uint64_t elcr_read(void *opaque, uint64_t off, unsigned size)
{
    const struct pic *p = opaque;

    (void)size;
    return p->chip[off & 1].elcr;
}

static void elcr_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct pic *p = opaque;
    struct chip *c = &p->chip[off & 1];

    (void)size;
    if (val & 0xff & ~(unsigned)elcr_mask[off & 1])
        lint_report(LINT_PIC_ELCR,
                    "elcr: 0x%02x to port 0x%x makes an input level-triggered that "
                    "must be edge-triggered",
                    (unsigned)val, 0x4d0 + (unsigned)off);
    c->elcr = (uint8_t)val & elcr_mask[off & 1];
    c->latched &= (uint8_t)~c->elcr;
    update(p);
}

static const struct bus_ops master_ops = {master_read, master_write, 1, 1};
static const struct bus_ops slave_ops = {slave_read, slave_write, 1, 1};
static const struct bus_ops elcr_ops = {elcr_read, elcr_write, 1, 1};

static void pic_reset(void *self)
{
    struct pic *p = self;

    p->chip[0].lowest = p->chip[1].lowest = 7;
    p->initialised[0] = p->initialised[1] = false;
    update(p);
}

static void pic_trust(void *self)
{
    struct pic *p = self;

    p->initialised[0] = p->initialised[1] = true;
}

static void pic_post_load(void *self)
{
    struct pic *p = self;

    for (unsigned n = 0; n < 2; n++) {
        p->chip[n].lowest &= 7;
        p->chip[n].base &= 0xf8;
        p->chip[n].elcr &= elcr_mask[n];
    }
    pic_trust(p);
    update(p);
}

static void pic_destroy(void *self)
{
    struct pic *p = self;

    bus_unmap(&p->command_ports[0]);
    bus_unmap(&p->command_ports[1]);
    bus_unmap(&p->elcr_port);
    g_free(p);
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct pic, chip),
    STATE_END,
};

static const struct device_type pic_type = {
    .name = "pic",
    .version = 1,
    .fields = fields,
    .reset = pic_reset,
    .post_load = pic_post_load,
    .trust = pic_trust,
    .destroy = pic_destroy,
};

struct pic *pic_new(const struct pic_config *cfg, GError **err)
{
    struct pic *p = g_new0(struct pic, 1);

    p->cfg = *cfg;
    p->dev = (struct device){.type = &pic_type, .self = p};
    bus_region_init(&p->command_ports[0], "pic master", 2, &master_ops, p);
    bus_region_init(&p->command_ports[1], "pic slave", 2, &slave_ops, p);
    bus_region_init(&p->elcr_port, "elcr", 2, &elcr_ops, p);
    if (!bus_map(cfg->ports, &p->command_ports[0], 0x20, err) ||
        !bus_map(cfg->ports, &p->command_ports[1], 0xa0, err) ||
        !bus_map(cfg->ports, &p->elcr_port, 0x4d0, err)) {
        pic_destroy(p);
        return NULL;
    }
    device_reset(&p->dev);
    return p;
}

struct device *pic_device(struct pic *p)
{
    return &p->dev;
}

struct irq_line pic_input(struct pic *p, int irq)
{
    if (irq < 0 || irq > 15 || irq == CASCADE)
        return (struct irq_line){0};
    return (struct irq_line){.set = set_input, .opaque = p, .n = irq};
}

void pic_describe(const struct pic *p, GString *out)
{
    for (unsigned n = 0; n < 2; n++) {
        const struct chip *c = &p->chip[n];

        g_string_append_printf(out,
                               "%s: lines=%02x irr=%02x imr=%02x isr=%02x elcr=%02x vectors=%02x "
                               "lowest priority=%u%s%s%s%s\n",
                               n ? "slave" : "master", c->lines, irr(c), c->imr, c->isr, c->elcr,
                               c->base, c->lowest, c->aeoi ? ", automatic EOI" : "",
                               c->sfnm ? ", special fully nested" : "",
                               c->special_mask ? ", special mask" : "",
                               c->expect != EXPECT_OCW1 ? ", being initialised" : "");
    }
}
