/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block device's features, configuration and life; see virtio_blk.h. VIRTIO 1.1: 5.2.3
 * features, 5.2.4 configuration, 5.2.5 the write cache. Its requests are in virtio_blk_req.c.
 */
#include "devices/virtio/virtio_blk.h"

#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "devices/virtio/virtio_blk_int.h"

/* Offsets in the configuration space. */
enum {
    C_CAPACITY = 0,
    C_SEG_MAX = 12,
    C_GEOMETRY = 16,
    C_BLK_SIZE = 20,
    C_TOPOLOGY = 24,
    C_WRITEBACK = 32,
    C_NUM_QUEUES = 34,
    C_DISCARD = 36,
    C_WRITE_ZEROES = 48,
    CONFIG_LEN = 60,
};

static const struct state_field blk_fields[] = {
    VIRTIO_STATE_FIELDS(struct virtio_blk, virtio),
    STATE_FIELD(struct virtio_blk, wce_written),
    STATE_END,
};

bool blk_writes_through(struct virtio_blk *d)
{
    if (!block_write_cache(d->cfg.block))
        return false; /* the image does so by itself */
    if (virtio_has(&d->virtio, VIRTIO_BLK_F_CONFIG_WCE))
        return !d->virtio.config[C_WRITEBACK];
    return !virtio_has(&d->virtio, VIRTIO_BLK_F_FLUSH);
}

/* ---- configuration ---- */

static void log2_byte(uint8_t *at, uint32_t ratio)
{
    *at = (uint8_t)__builtin_ctz(ratio);
}

/* A PC's idea of a disk, for legacy drivers that ask: 16 heads and 63 sectors. */
static void put_geometry(uint8_t *c, uint64_t sectors)
{
    uint64_t cylinders = sectors / (16 * 63);

    st_le16(c + C_GEOMETRY, (uint16_t)CLAMP(cylinders, 1, 16383));
    c[C_GEOMETRY + 2] = 16;
    c[C_GEOMETRY + 3] = 63;
}

static void put_limits(const struct virtio_blk *d, uint8_t *c)
{
    uint32_t align = MAX(block_limits(d->cfg.block).alignment, d->cfg.logical) / BLOCK_SECTOR;

    st_le32(c + C_DISCARD, BLK_MAX_SECTORS);
    st_le32(c + C_DISCARD + 4, BLK_MAX_SEGMENTS);
    st_le32(c + C_DISCARD + 8, align);
    st_le32(c + C_WRITE_ZEROES, BLK_MAX_SECTORS);
    st_le32(c + C_WRITE_ZEROES + 4, BLK_MAX_SEGMENTS);
    c[C_WRITE_ZEROES + 8] = 1; /* with the flag it may unmap */
}

/* All but what the driver says of the write cache. */
static void put_config(struct virtio_blk *d)
{
    uint8_t *c = d->virtio.config, writeback = c[C_WRITEBACK];
    uint64_t sectors = block_sectors(d->cfg.block);

    memset(c, 0, CONFIG_LEN);
    sectors -= sectors % (d->cfg.logical / BLOCK_SECTOR);
    st_le64(c + C_CAPACITY, sectors);
    st_le32(c + C_SEG_MAX, d->cfg.queue_size - 2u); /* header and status have the other two */
    put_geometry(c, sectors);
    st_le32(c + C_BLK_SIZE, d->cfg.logical);
    log2_byte(c + C_TOPOLOGY, d->cfg.physical / d->cfg.logical);
    st_le16(c + C_TOPOLOGY + 2, (uint16_t)(d->cfg.physical / d->cfg.logical));
    c[C_WRITEBACK] = writeback;
    st_le16(c + C_NUM_QUEUES, (uint16_t)d->cfg.queues);
    put_limits(d, c);
}

/* 5.2.5.2: who cannot flush begins with a cache that is written through. */
static void settle_writeback(struct virtio_blk *d)
{
    if (!d->wce_written && virtio_has(&d->virtio, VIRTIO_BLK_F_CONFIG_WCE) &&
        !virtio_has(&d->virtio, VIRTIO_BLK_F_FLUSH))
        d->virtio.config[C_WRITEBACK] = 0;
}

static void config_read(void *self)
{
    settle_writeback(self);
}

static void config_written(void *self, unsigned off, unsigned len)
{
    struct virtio_blk *d = self;

    if (off <= C_WRITEBACK && off + len > C_WRITEBACK)
        d->wce_written = true;
}

void virtio_blk_resized(struct virtio_blk *d)
{
    put_config(d);
    virtio_config_changed(&d->virtio);
}

/* ---- life ---- */

static void blk_run(void *self, bool running)
{
    struct virtio_blk *d = self;

    if (!running) {
        blk_forget(d);
        return;
    }
    settle_writeback(d);
    for (unsigned n = 0; n < d->cfg.queues; n++) /* what was made available before */
        virtio_queue_notified(&d->virtio, n);
}

static void blk_virtio_reset(void *self)
{
    struct virtio_blk *d = self;

    d->wce_written = false;
    d->virtio.config[C_WRITEBACK] = block_write_cache(d->cfg.block);
    put_config(d);
}

static void blk_notify(void *self, unsigned n)
{
    struct virtio_blk *d = self;
    struct block_engine *batch = block_batch_begin(d->cfg.block);

    blk_serve(d, n);
    block_batch_end(batch);
}

static const struct virtio_class blk_class = {
    .name = "virtio-blk",
    .id = VIRTIO_ID_BLOCK,
    .pci_class = 0x010000,
    .notify = blk_notify,
    .run = blk_run,
    .reset = blk_virtio_reset,
    .config_written = config_written,
    .config_read = config_read,
};

static void blk_reset(void *self)
{
    virtio_reset(&((struct virtio_blk *)self)->virtio);
}

static void blk_post_load(void *self)
{
    struct virtio_blk *d = self;

    d->virtio.config[C_WRITEBACK] &= 1;
    put_config(d);
    virtio_post_load(&d->virtio);
}

static void blk_destroy(void *self)
{
    struct virtio_blk *d = self;

    virtio_detach(&d->virtio);
    blk_forget(d);
    g_free(d);
}

static const struct device_type blk_type = {
    .name = "virtio-blk",
    .version = 1,
    .fields = blk_fields,
    .reset = blk_reset,
    .post_load = blk_post_load,
    .destroy = blk_destroy,
};

static uint64_t features(const struct virtio_blk_config *cfg)
{
    struct block_limits can = block_limits(cfg->block);
    uint64_t f = VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_GEOMETRY | VIRTIO_BLK_F_BLK_SIZE |
                 VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_TOPOLOGY;

    if (cfg->queues > 1)
        f |= VIRTIO_BLK_F_MQ;
    if (cfg->config_wce)
        f |= VIRTIO_BLK_F_CONFIG_WCE;
    if (block_readonly(cfg->block))
        return f | VIRTIO_BLK_F_RO;
    if (cfg->discard && can.discard)
        f |= VIRTIO_BLK_F_DISCARD;
    if (cfg->write_zeroes && can.write_zeroes)
        f |= VIRTIO_BLK_F_WRITE_ZEROES;
    return f;
}

struct virtio_blk *virtio_blk_new(const struct virtio_blk_config *cfg, GError **err)
{
    struct virtio_blk *d = g_new0(struct virtio_blk, 1);
    struct virtio_config virtio = {.class = &blk_class,
                                   .self = d,
                                   .bus = cfg->bus,
                                   .devfn = cfg->devfn,
                                   .form = cfg->form,
                                   .features = features(cfg),
                                   .queues = cfg->queues,
                                   .queue_size = cfg->queue_size,
                                   .config_len = CONFIG_LEN,
                                   .writable = d->writable};

    invariant(cfg->queues && cfg->queues <= VIRTIO_BLK_MAX_QUEUES && cfg->queue_size >= 4);
    d->dev = (struct device){&blk_type, d};
    d->cfg = *cfg;
    if (cfg->serial)
        memcpy(d->id, cfg->serial, strnlen(cfg->serial, sizeof(d->id)));
    if (cfg->config_wce)
        d->writable[C_WRITEBACK] = 1;
    if (!virtio_attach(&d->virtio, &virtio, err)) {
        blk_destroy(d);
        return NULL;
    }
    device_reset(&d->dev);
    return d;
}

struct device *virtio_blk_device(struct virtio_blk *d)
{
    return &d->dev;
}
