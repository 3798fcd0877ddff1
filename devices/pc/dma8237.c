/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two 8237As as IBM wired them. Intel 8237A data sheet (231466) for the chip; IBM PC AT Technical
 * Reference for the cascade, the word channels and the page registers.
 */
#include "devices/pc/dma8237.h"

#include "base/bits.h"
#include "base/lint.h"
#include "base/log.h"

enum {
    CMD_MEM_TO_MEM = 1 << 0,
    CMD_HOLD_CH0 = 1 << 1,
    CMD_DISABLE = 1 << 2,

    MODE_TYPE = 0x0c,
    MODE_VERIFY = 0x00,
    MODE_WRITE = 0x04, /* to memory */
    MODE_READ = 0x08,
    MODE_AUTOINIT = 0x10,
    MODE_DECREMENT = 0x20,
    MODE_KIND = 0xc0,
    MODE_BLOCK = 0x80,
    MODE_CASCADE = 0xc0,

    CMD_RESERVED = 0x2b, /* 82371SB: memory to memory and what serves it is not there */
};

/* What of a channel has been programmed; for strict mode. */
enum { HAS_ADDR = 1 << 0, HAS_COUNT = 1 << 1, HAS_MODE = 1 << 2, HAS_ALL = 7 };

struct channel {
    uint16_t base_addr, base_count;
    uint16_t addr, count;
    uint8_t mode;
};

struct chip {
    struct channel ch[4];
    uint8_t command, mask, temp;
    uint8_t soft;     /* software requests, a bit a channel */
    uint8_t dreq;     /* the devices' request lines */
    uint8_t tc;       /* terminal counts since status was read */
    uint8_t flipflop; /* the next byte of a 16-bit register is the high one */
};

struct dma8237 {
    struct device dev;
    struct dma8237_config cfg;
    struct bus_region chip_ports[2], page_ports;
    struct {
        void (*ready)(void *opaque);
        void *opaque;
    } client[8];

    struct chip chip[2];
    uint8_t page[16]; /* all of 0x80-0x8f; those without a channel are plain latches */

    uint8_t programmed[8]; /* HAS_*, a channel each; not state */
};

static const uint8_t page_of_channel[8] = {0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa};

/* Where the next unit of a channel lies. */
static uint64_t address_of(const struct dma8237 *d, unsigned chan)
{
    uint64_t page = d->page[page_of_channel[chan]];
    uint16_t addr = d->chip[chan >> 2].ch[chan & 3].addr;

    return chan < 4 ? page << 16 | addr : (page & 0xfe) << 16 | (uint64_t)addr << 1;
}

static bool open_cascade(const struct dma8237 *d)
{
    const struct chip *c = &d->chip[1];

    return !(c->command & CMD_DISABLE) && !(c->mask & 1) &&
           (c->ch[0].mode & MODE_KIND) == MODE_CASCADE;
}

bool dma8237_ready(const struct dma8237 *d, unsigned chan)
{
    const struct chip *c = &d->chip[chan >> 2 & 1];
    uint8_t bit = (uint8_t)(1u << (chan & 3));

    if (chan > 7 || chan == 4 || (c->command & CMD_DISABLE))
        return false;
    if ((c->ch[chan & 3].mode & MODE_KIND) == MODE_CASCADE)
        return false;
    if ((c->mask & bit) && !(c->soft & bit))
        return false;
    return chan > 4 || open_cascade(d);
}

/* The count has gone from 0 to 0xffff. */
static void terminal_count(struct chip *c, unsigned n)
{
    struct channel *ch = &c->ch[n];
    uint8_t bit = (uint8_t)(1u << n);

    c->tc |= bit;
    c->soft &= (uint8_t)~bit;
    if (ch->mode & MODE_AUTOINIT) {
        ch->addr = ch->base_addr;
        ch->count = ch->base_count;
    } else {
        c->mask |= bit;
    }
}

static void move(struct dma8237 *d, unsigned chan, void *buf, size_t len)
{
    uint64_t gpa = address_of(d, chan);

    switch (d->chip[chan >> 2].ch[chan & 3].mode & MODE_TYPE) {
    case MODE_WRITE: dma_write(d->cfg.memory, gpa, buf, len); break;
    case MODE_READ: dma_read(d->cfg.memory, gpa, buf, len); break;
    }
}

size_t dma8237_transfer(struct dma8237 *d, unsigned chan, enum dma8237_dir dir, void *buf,
                        size_t len, bool *tc)
{
    struct chip *c = &d->chip[chan >> 2 & 1];
    struct channel *ch = &c->ch[chan & 3];
    unsigned unit = chan < 4 ? 1 : 2, type = ch->mode & MODE_TYPE;
    uint8_t *p = buf;
    size_t units = len / unit, done = 0;
    bool end = false;

    if (tc)
        *tc = false;
    if (!dma8237_ready(d, chan))
        return 0;
    if (type != MODE_VERIFY && type != (dir == DMA8237_TO_MEMORY ? MODE_WRITE : MODE_READ)) {
        log_guest("dma channel %u: mode 0x%02x does not fit the device", chan, ch->mode);
        return 0;
    }
    while (done < units && !end) {
        size_t n = 1;

        if (!(ch->mode & MODE_DECREMENT)) {
            /* all that lies in one piece: the address wraps inside its page */
            n = MIN(units - done, (size_t)ch->count + 1);
            n = MIN(n, 0x10000u - ch->addr);
        }
        move(d, chan, p + done * unit, n * unit);
        done += n;
        ch->addr = (uint16_t)(ch->addr + (ch->mode & MODE_DECREMENT ? (size_t)-1 : n));
        end = n == (size_t)ch->count + 1;
        ch->count = (uint16_t)(ch->count - n);
    }
    if (end)
        terminal_count(c, chan & 3);
    if (tc)
        *tc = end;
    return done * unit;
}

/* Memory to memory: channel 0 reads, channel 1 writes and counts, byte by byte through temp. */
static void copy_memory(struct dma8237 *d)
{
    struct chip *c = &d->chip[0];
    struct channel *src = &c->ch[0], *dst = &c->ch[1];
    bool end = false;

    if ((c->command & CMD_DISABLE) || !open_cascade(d))
        return;
    while (!end) {
        dma_read(d->cfg.memory, address_of(d, 0), &c->temp, 1);
        dma_write(d->cfg.memory, address_of(d, 1), &c->temp, 1);
        if (!(c->command & CMD_HOLD_CH0))
            src->addr = (uint16_t)(src->addr + (src->mode & MODE_DECREMENT ? -1 : 1));
        dst->addr = (uint16_t)(dst->addr + (dst->mode & MODE_DECREMENT ? -1 : 1));
        src->count--;
        end = dst->count-- == 0;
    }
    c->soft &= (uint8_t)~1u;
    terminal_count(c, 1);
}

/* A block requested by software on a channel without a device: the data bus floats. */
static void run_without_device(struct dma8237 *d, unsigned chan)
{
    const struct channel *ch = &d->chip[chan >> 2].ch[chan & 3];
    uint8_t buf[512];
    bool tc = false;

    if ((ch->mode & MODE_KIND) != MODE_BLOCK)
        return;
    while (!tc) {
        memset(buf, 0xff, sizeof(buf));
        if (!dma8237_transfer(d, chan,
                              (ch->mode & MODE_TYPE) == MODE_READ ? DMA8237_FROM_MEMORY
                                                                  : DMA8237_TO_MEMORY,
                              buf, sizeof(buf), &tc))
            return;
    }
}

/* A register changed: whoever waits for its channel is told. */
static void serve(struct dma8237 *d)
{
    if ((d->chip[0].command & CMD_MEM_TO_MEM) && (d->chip[0].soft & 1))
        copy_memory(d);
    for (unsigned chan = 0; chan < 8; chan++) {
        const struct chip *c = &d->chip[chan >> 2];
        uint8_t bit = (uint8_t)(1u << (chan & 3));

        if (!((c->dreq | c->soft) & bit) || !dma8237_ready(d, chan))
            continue;
        if (d->client[chan].ready)
            d->client[chan].ready(d->client[chan].opaque);
        else if (c->soft & bit)
            run_without_device(d, chan);
    }
}

static void master_clear(struct chip *c)
{
    c->command = c->temp = c->soft = c->tc = c->flipflop = 0;
    c->mask = 0x0f;
}

static void set_byte(struct chip *c, uint16_t *base, uint16_t *current, uint8_t val)
{
    *base = (uint16_t)(c->flipflop ? (*base & 0x00ff) | val << 8 : (*base & 0xff00) | val);
    *current = (uint16_t)(c->flipflop ? (*current & 0x00ff) | val << 8 : (*current & 0xff00) | val);
    c->flipflop = !c->flipflop;
}

static void set_bit(uint8_t *reg, uint8_t val)
{
    uint8_t bit = (uint8_t)(1u << (val & 3));

    *reg = (uint8_t)(val & 4 ? *reg | bit : *reg & ~bit);
}

/* ---- strict mode ---- */

static void lint_channel(const struct dma8237 *d, unsigned chan)
{
    const struct chip *c = &d->chip[chan >> 2];
    const struct channel *ch = &c->ch[chan & 3];
    uint8_t has = d->programmed[chan];
    unsigned end = ch->mode & MODE_DECREMENT ? 0xffffu - ch->addr : ch->addr;

    if ((has & HAS_MODE) && (ch->mode & MODE_KIND) == MODE_CASCADE)
        return;
    if (has != HAS_ALL) {
        lint_report_of(LINT_DMA_INIT, chan, "dma channel %u: unmasked without%s%s%s", chan,
                       has & HAS_MODE ? "" : " a mode", has & HAS_ADDR ? "" : " an address",
                       has & HAS_COUNT ? "" : " a count");
        return;
    }
    if (c->flipflop)
        lint_report_of(LINT_DMA_INIT, chan,
                       "dma channel %u: unmasked when half an address or count is written", chan);
    if (end + ch->count > 0xffff)
        lint_report_of(LINT_DMA_WRAP, chan,
                       "dma channel %u: %u units from 0x%04x wrap in their 64 K", chan,
                       ch->count + 1u, ch->addr);
}

/* After a write to a register that masks or unmasks. */
static void lint_masks(const struct dma8237 *d, unsigned n, uint8_t was)
{
    uint8_t opened = was & (uint8_t)~d->chip[n].mask;

    for (unsigned k = 0; k < 4; k++)
        if (opened >> k & 1)
            lint_channel(d, n * 4 + k);
}

static void lint_command(unsigned n, uint8_t val)
{
    if (val & CMD_RESERVED)
        lint_report_of(LINT_DMA_COMMAND, n, "dma: reserved bits 0x%02x set in the command register",
                       val & CMD_RESERVED);
}

static void forget_programming(struct dma8237 *d, unsigned n)
{
    memset(d->programmed + 4 * n, 0, 4);
}

static void chip_write(struct dma8237 *d, unsigned n, unsigned reg, uint8_t val)
{
    struct chip *c = &d->chip[n];
    struct channel *ch = &c->ch[reg >> 1 & 3];
    uint8_t mask = c->mask;

    switch (reg) {
    case 0x0 ... 0x7:
        if (c->flipflop)
            d->programmed[n * 4 + (reg >> 1)] |= reg & 1 ? HAS_COUNT : HAS_ADDR;
        if (reg & 1)
            set_byte(c, &ch->base_count, &ch->count, val);
        else
            set_byte(c, &ch->base_addr, &ch->addr, val);
        return;
    case 0x8:
        lint_command(n, val);
        c->command = val;
        break;
    case 0x9: set_bit(&c->soft, val); break;
    case 0xa: set_bit(&c->mask, val); break;
    case 0xb:
        c->ch[val & 3].mode = val & 0xfc;
        d->programmed[n * 4 + (val & 3)] |= HAS_MODE;
        break;
    case 0xc: c->flipflop = 0; return;
    case 0xd:
        master_clear(c);
        forget_programming(d, n);
        return;
    case 0xe: c->mask = 0; break;
    case 0xf: c->mask = val & 0x0f; break;
    }
    if (lint_on(LINT_DMA_INIT) || lint_on(LINT_DMA_WRAP))
        lint_masks(d, n, mask);
    serve(d);
}

static uint8_t chip_read(struct dma8237 *d, unsigned n, unsigned reg)
{
    struct chip *c = &d->chip[n];
    const struct channel *ch = &c->ch[reg >> 1 & 3];
    uint8_t val;

    switch (reg) {
    case 0x0 ... 0x7:
        val = (uint8_t)((reg & 1 ? ch->count : ch->addr) >> (c->flipflop ? 8 : 0));
        c->flipflop = !c->flipflop;
        return val;
    case 0x8:
        val = (uint8_t)((c->dreq | c->soft) << 4 | c->tc);
        c->tc = 0;
        return val;
    case 0xd: return c->temp;
    case 0xf: return 0xf0 | c->mask;
    default: return 0xff;
    }
}

static uint64_t first_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return chip_read(opaque, 0, off & 15);
}

static void first_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    (void)size;
    chip_write(opaque, 0, off & 15, (uint8_t)val);
}

/* The second chip sits on the even ports. */
static uint64_t second_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return off & 1 ? 0xff : chip_read(opaque, 1, off >> 1 & 15);
}

static void second_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    (void)size;
    if (!(off & 1))
        chip_write(opaque, 1, off >> 1 & 15, (uint8_t)val);
}

static uint64_t page_read(void *opaque, uint64_t off, unsigned size)
{
    const struct dma8237 *d = opaque;

    (void)size;
    return d->page[off & 15];
}

static void page_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct dma8237 *d = opaque;

    (void)size;
    d->page[off & 15] = (uint8_t)val;
}

static const struct bus_ops first_ops = {first_read, first_write, 1, 1};
static const struct bus_ops second_ops = {second_read, second_write, 1, 1};
static const struct bus_ops page_ops = {page_read, page_write, 1, 1};

void dma8237_attach(struct dma8237 *d, unsigned chan, void (*ready)(void *opaque), void *opaque)
{
    if (chan > 7 || chan == 4)
        return;
    d->client[chan].ready = ready;
    d->client[chan].opaque = opaque;
}

void dma8237_dreq(struct dma8237 *d, unsigned chan, bool level)
{
    struct chip *c = &d->chip[chan >> 2 & 1];
    uint8_t bit = (uint8_t)(1u << (chan & 3));

    if (chan <= 7 && chan != 4)
        c->dreq = (uint8_t)(level ? c->dreq | bit : c->dreq & ~bit);
}

static void dma8237_reset(void *self)
{
    struct dma8237 *d = self;

    master_clear(&d->chip[0]);
    master_clear(&d->chip[1]);
    forget_programming(d, 0);
    forget_programming(d, 1);
}

static void dma8237_trust(void *self)
{
    struct dma8237 *d = self;

    memset(d->programmed, HAS_ALL, sizeof(d->programmed));
}

static void dma8237_destroy(void *self)
{
    struct dma8237 *d = self;

    bus_unmap(&d->chip_ports[0]);
    bus_unmap(&d->chip_ports[1]);
    bus_unmap(&d->page_ports);
    g_free(d);
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct dma8237, chip),
    STATE_ARRAY(struct dma8237, page),
    STATE_END,
};

static const struct device_type dma8237_type = {
    .name = "dma8237",
    .version = 1,
    .fields = fields,
    .reset = dma8237_reset,
    .post_load = dma8237_trust,
    .trust = dma8237_trust,
    .destroy = dma8237_destroy,
};

struct dma8237 *dma8237_new(const struct dma8237_config *cfg, GError **err)
{
    struct dma8237 *d = g_new0(struct dma8237, 1);

    d->cfg = *cfg;
    d->dev = (struct device){.type = &dma8237_type, .self = d};
    bus_region_init(&d->chip_ports[0], "dma 0-3", 0x10, &first_ops, d);
    bus_region_init(&d->chip_ports[1], "dma 4-7", 0x20, &second_ops, d);
    bus_region_init(&d->page_ports, "dma pages", 0x10, &page_ops, d);
    if (!bus_map(cfg->ports, &d->chip_ports[0], 0x00, err) ||
        !bus_map(cfg->ports, &d->chip_ports[1], 0xc0, err) ||
        !bus_map(cfg->ports, &d->page_ports, 0x80, err)) {
        dma8237_destroy(d);
        return NULL;
    }
    device_reset(&d->dev);
    return d;
}

struct device *dma8237_device(struct dma8237 *d)
{
    return &d->dev;
}
