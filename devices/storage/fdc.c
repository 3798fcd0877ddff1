/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floppy controller's registers, its phases and its resets: 82077AA data sheet 290166, chapters
 * 2 (registers, in the AT's mode, where ports 3f0h and 3f1h are not driven), 4 (phases), 7.4
 * (resets). Seeks and the turning of the disk take no time.
 */
#include "devices/storage/fdc_internal.h"

#include <string.h>

#include "base/log.h"

enum {
    PORT_BASE = 0x3f0,
    PORT_DIR = 0x3f7,

    REG_DOR = 2,
    REG_TDR = 3,
    REG_MSR = 4, /* written: DSR */
    REG_FIFO = 5,

    MSR_READY = 0x80,
    MSR_TO_HOST = 0x40,
    MSR_NOT_DMA = 0x20,
    MSR_BUSY = 0x10,
    DSR_RESET = 0x80,
    DIR_CHANGED = 0x80,
};

void fdc_update_irq(struct fdc *f)
{
    irq_set(f->cfg.irq, f->s.irq && (f->s.dor & DOR_DMA));
}

void fdc_finish(struct fdc *f, bool interrupt)
{
    struct fdc_state *s = &f->s;

    s->phase = s->n_out ? FDC_RESULT : FDC_COMMAND;
    s->n_in = s->needs = s->at_out = 0;
    if (interrupt)
        s->irq = true;
    fdc_update_irq(f);
}

/* By DOR, DSR or the reset line; the drives do not notice. What LOCK protects stays. */
static void reset(struct fdc *f)
{
    struct fdc_state *s = &f->s;

    fdc_io_cancel(f);
    dma8237_dreq(f->cfg.dma, f->cfg.channel, false);
    s->phase = FDC_COMMAND;
    s->op = FDC_NONE;
    s->host = false;
    s->n_in = s->needs = s->n_out = s->at_out = 0;
    s->irq = false;
    s->reset_senses = 0;
    memset(s->sense, 0, sizeof(s->sense));
    if (!s->locked) {
        s->config = CONFIG_NO_FIFO;
        s->pretrack = 0;
    }
    s->perpendicular &= s->locked ? 0x3f : 0x3c;
    fdc_update_irq(f);
}

/* Out of it: all four drives seem to have become ready (5.2.5). Also when CONFIGURE has switched
 * polling off: drivers that have done so wait for the interrupt all the same. */
static void end_reset(struct fdc *f)
{
    f->s.reset_senses = 4;
    f->s.irq = true;
    fdc_update_irq(f);
}

static void write_dor(struct fdc *f, uint8_t val)
{
    uint8_t was = f->s.dor;

    f->s.dor = val;
    if ((was & DOR_NOT_RESET) && !(val & DOR_NOT_RESET))
        reset(f);
    else if (!(was & DOR_NOT_RESET) && (val & DOR_NOT_RESET))
        end_reset(f);
    fdc_update_irq(f);
    fdc_run_dma(f);
}

static void write_dsr(struct fdc *f, uint8_t val)
{
    f->s.rate = val & 3;
    if (!(val & DSR_RESET))
        return;
    reset(f);
    if (f->s.dor & DOR_NOT_RESET)
        end_reset(f);
}

static uint8_t main_status(const struct fdc *f)
{
    const struct fdc_state *s = &f->s;

    if (!(s->dor & DOR_NOT_RESET))
        return 0;
    switch (s->phase) {
    case FDC_COMMAND: return MSR_READY | (s->n_in ? MSR_BUSY : 0);
    case FDC_RESULT: return MSR_READY | MSR_TO_HOST | MSR_BUSY;
    default:
        if (fdc_by_dma(f))
            return MSR_BUSY;
        if (!s->host)
            return MSR_BUSY | MSR_NOT_DMA;
        return MSR_READY | MSR_BUSY | MSR_NOT_DMA | (fdc_to_host(f) ? MSR_TO_HOST : 0);
    }
}

/* ---- the FIFO ---- */

static bool host_moves(const struct fdc *f, bool to_host)
{
    return f->s.phase == FDC_EXECUTION && f->s.host && !fdc_by_dma(f) && fdc_to_host(f) == to_host;
}

static uint8_t read_fifo(struct fdc *f)
{
    struct fdc_state *s = &f->s;
    uint8_t val = 0;

    if (host_moves(f, true)) {
        val = s->buf[s->pos++];
        if (s->pos == s->len)
            fdc_host_done(f);
    } else if (s->phase == FDC_RESULT) {
        s->irq = false; /* the first byte of a result acknowledges it */
        val = s->out[s->at_out++];
        if (s->at_out == s->n_out) {
            s->n_out = 0;
            fdc_finish(f, false);
        }
        fdc_update_irq(f);
    } else {
        log_guest("fdc: data register read when there is nothing in it");
    }
    return val;
}

static void write_fifo(struct fdc *f, uint8_t val)
{
    struct fdc_state *s = &f->s;

    if (!(s->dor & DOR_NOT_RESET))
        return;
    if (host_moves(f, false)) {
        s->buf[s->pos++] = val;
        if (s->pos == s->len)
            fdc_host_done(f);
        return;
    }
    if (s->phase != FDC_COMMAND) {
        log_guest("fdc: data register written during command %02x", s->in[0]);
        return;
    }
    if (!s->n_in)
        s->needs = (uint8_t)fdc_command_length(val);
    s->in[s->n_in++] = val;
    if (s->n_in == s->needs)
        fdc_command_run(f);
}

/* ---- ports ---- */

static uint64_t ports_read(void *opaque, uint64_t off, unsigned size)
{
    struct fdc *f = opaque;

    (void)size;
    switch (off) {
    case REG_DOR: return f->s.dor;
    case REG_TDR: return f->s.tdr;
    case REG_MSR: return main_status(f);
    case REG_FIFO: return read_fifo(f);
    default: return 0xff;
    }
}

static void ports_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct fdc *f = opaque;

    (void)size;
    switch (off) {
    case REG_DOR: write_dor(f, (uint8_t)val); break;
    case REG_TDR: f->s.tdr = val & 3; break;
    case REG_MSR: write_dsr(f, (uint8_t)val); break;
    case REG_FIFO: write_fifo(f, (uint8_t)val); break;
    default: break;
    }
}

static uint64_t dir_read(void *opaque, uint64_t off, unsigned size)
{
    struct fdc *f = opaque;
    unsigned n = f->s.dor & DOR_DRIVE;
    bool turns = f->s.dor & DOR_MOTOR << n;

    (void)off;
    (void)size;
    return turns && fdc_disk_changed(f, n) ? DIR_CHANGED : 0;
}

static void ccr_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct fdc *f = opaque;

    (void)off;
    (void)size;
    f->s.rate = val & 3;
}

static const struct bus_ops ports_ops = {ports_read, ports_write, 1, 1};
static const struct bus_ops dir_ops = {dir_read, ccr_write, 1, 1};

static void dma_ready(void *opaque)
{
    fdc_run_dma(opaque);
}

/* ---- the device ---- */

static void fdc_reset(void *self)
{
    struct fdc *f = self;

    reset(f);
    f->s.rate = 2; /* 250 kb/s */
}

/* What indexes buffers must be within them; a transfer of nothing has no end. */
static bool valid(const struct fdc_state *s)
{
    bool in = s->n_in <= s->needs && s->needs <= 9 && (!s->n_in || s->n_in < s->needs);
    bool out = s->n_out <= sizeof(s->out) && (s->phase != FDC_RESULT || s->at_out < s->n_out);

    if (s->phase > FDC_RESULT || s->op > FDC_VERIFY || s->rate > 3 || s->reset_senses > 4)
        return false;
    if (s->phase == FDC_COMMAND && !in)
        return false;
    if (s->phase != FDC_EXECUTION)
        return out && !s->host;
    return s->host && s->op != FDC_NONE && s->op != FDC_VERIFY && s->drive < FDC_DRIVES &&
           s->head < 2 && s->pos < s->len &&
           s->len <= (s->op == FDC_FORMAT ? s->eot * 4u : FDC_SECTOR);
}

static void fdc_post_load(void *self)
{
    struct fdc *f = self;

    if (!valid(&f->s)) {
        log_user("fdc: the saved state makes no sense; the controller is reset");
        f->s.rate &= 3;
        reset(f);
    }
    fdc_update_irq(f);
}

static void fdc_destroy(void *self)
{
    struct fdc *f = self;

    fdc_io_cancel(f);
    dma8237_attach(f->cfg.dma, f->cfg.channel, NULL, NULL);
    bus_unmap(&f->ports);
    bus_unmap(&f->dir);
    g_free(f);
}

static const struct state_field fdc_fields[] = {
    STATE_FIELD(struct fdc, s),
    STATE_KEEP(struct fdc, changed),
    STATE_END,
};

static const struct device_type fdc_type = {
    .name = "fdc",
    .version = 1,
    .fields = fdc_fields,
    .reset = fdc_reset,
    .post_load = fdc_post_load,
    .destroy = fdc_destroy,
};

struct fdc *fdc_new(const struct fdc_config *cfg, GError **err)
{
    struct fdc *f = g_new0(struct fdc, 1);

    f->dev = (struct device){&fdc_type, f};
    f->cfg = *cfg;
    bus_region_init(&f->ports, "floppy controller", 6, &ports_ops, f);
    bus_region_init(&f->dir, "floppy change line", 1, &dir_ops, f);
    if (!bus_map(cfg->ports, &f->ports, PORT_BASE, err) ||
        !bus_map(cfg->ports, &f->dir, PORT_DIR, err)) {
        fdc_destroy(f);
        return NULL;
    }
    dma8237_attach(cfg->dma, cfg->channel, dma_ready, f);
    device_reset(&f->dev);
    return f;
}

struct device *fdc_device(struct fdc *f)
{
    return &f->dev;
}
