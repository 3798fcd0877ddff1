/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory balloon; see virtio_balloon.h. VIRTIO 1.1, 5.5: queues of page numbers in and out, and
 * one buffer of statistics that goes to and fro. Both spaces of numbers are little-endian in every
 * form of the device. */
#include "devices/virtio/virtio_balloon.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"

#define MAX_NUMBERS 65536u /* of a chain; drivers send 256 */

enum {
    Q_INFLATE = 0,
    Q_DEFLATE = 1,
    Q_STATS = 2,
    QUEUES = 3,

    C_TARGET = 0,
    C_ACTUAL = 4,
    CONFIG_LEN = 8,

    STAT_SIZE = 10,
};

struct virtio_balloon {
    struct device dev;
    struct virtio virtio;
    struct virtio_balloon_config cfg;
    uint8_t writable[CONFIG_LEN];
    uint32_t target;               /* state: outlives resets, as it is not the guest's */
    uint64_t stats[BALLOON_STATS]; /* state */
};

/* ---- pages ---- */

/* 5.5.6: numbers of pages of 4 KiB, in what the driver has written. */
static void drop_pages(struct virtio_balloon *d, struct virtqueue *q, const struct vq_elem *e)
{
    uint8_t raw[VIRTIO_BALLOON_BATCH * 4];
    uint64_t gfn[VIRTIO_BALLOON_BATCH], at = 0, end = MIN(e->out_len, (uint64_t)MAX_NUMBERS * 4);

    if (end < e->out_len)
        log_guest("virtio-balloon: more than %u pages in a chain; the rest stays", MAX_NUMBERS);
    while (end - at >= 4) {
        size_t len = vq_elem_read(q, e, at, raw, MIN(sizeof(raw), (size_t)(end - at) & ~3u));
        unsigned n = (unsigned)len / 4;

        for (unsigned k = 0; k < n; k++)
            gfn[k] = ld_le32(raw + 4 * k);
        d->cfg.drop(d->cfg.opaque, gfn, n);
        at += len;
    }
}

static void serve_pages(struct virtio_balloon *d, unsigned n)
{
    struct virtqueue *q = &d->virtio.queue[n];
    struct vq_elem *e;
    bool any = false;

    while ((e = virtqueue_pop(q))) {
        if (n == Q_INFLATE) /* a page that is taken out is there as soon as it is touched */
            drop_pages(d, q, e);
        virtqueue_push(q, e->head, 0);
        g_free(e);
        any = true;
    }
    if (any)
        virtqueue_notify(q);
}

/* ---- statistics ---- */

static void take_stats(struct virtio_balloon *d, struct virtqueue *q, const struct vq_elem *e)
{
    uint8_t raw[STAT_SIZE];

    for (uint64_t at = 0; at + STAT_SIZE <= MIN(e->out_len, (uint64_t)64 * STAT_SIZE);
         at += STAT_SIZE) {
        unsigned tag;

        vq_elem_read(q, e, at, raw, sizeof(raw));
        tag = ld_le16(raw);
        if (tag < BALLOON_STATS)
            d->stats[tag] = ld_le64(raw + 2);
    }
}

/* 5.5.6.3: the buffer is kept, and goes back when somebody asks; here that is by popping it again.
 */
static void keep_stats(struct virtio_balloon *d)
{
    struct virtqueue *q = &d->virtio.queue[Q_STATS];
    struct vq_elem *e = virtqueue_pop(q);

    if (!e)
        return;
    take_stats(d, q, e);
    virtqueue_unpop(q);
    g_free(e);
}

void virtio_balloon_stats(struct virtio_balloon *d, uint64_t *stats)
{
    struct virtqueue *q = &d->virtio.queue[Q_STATS];
    struct vq_elem *e;

    memcpy(stats, d->stats, sizeof(d->stats));
    if (!d->virtio.running || !virtio_has(&d->virtio, VIRTIO_BALLOON_F_STATS_VQ))
        return;
    e = virtqueue_pop(q);
    if (!e)
        return;
    virtqueue_push(q, e->head, 0);
    virtqueue_notify(q);
    g_free(e);
}

/* ---- size ---- */

void virtio_balloon_set_target(struct virtio_balloon *d, uint32_t pages)
{
    d->target = MIN(pages, d->cfg.pages);
    st_le32(d->virtio.config + C_TARGET, d->target);
    virtio_config_changed(&d->virtio);
}

uint32_t virtio_balloon_actual(const struct virtio_balloon *d)
{
    return MIN((uint32_t)ld_le32(d->virtio.config + C_ACTUAL), d->cfg.pages);
}

static void config_written(void *self, unsigned off, unsigned len)
{
    struct virtio_balloon *d = self;

    if (d->cfg.changed && off + len > C_ACTUAL)
        d->cfg.changed(d->cfg.opaque);
}

/* ---- life ---- */

static void balloon_notify(void *self, unsigned n)
{
    if (n == Q_STATS)
        keep_stats(self);
    else
        serve_pages(self, n);
}

static void balloon_run(void *self, bool running)
{
    struct virtio_balloon *d = self;

    for (unsigned n = 0; running && n < QUEUES; n++)
        virtio_queue_notified(&d->virtio, n);
}

/* A guest that begins anew has all of its memory. */
static void balloon_virtio_reset(void *self)
{
    struct virtio_balloon *d = self;

    memset(d->virtio.config, 0, CONFIG_LEN);
    st_le32(d->virtio.config + C_TARGET, d->target);
    for (unsigned k = 0; k < BALLOON_STATS; k++)
        d->stats[k] = BALLOON_STAT_UNKNOWN;
}

static const struct virtio_class balloon_class = {
    .name = "virtio-balloon",
    .id = VIRTIO_ID_BALLOON,
    .pci_class = 0x00ff00,
    .notify = balloon_notify,
    .run = balloon_run,
    .reset = balloon_virtio_reset,
    .config_written = config_written,
};

static const struct state_field balloon_fields[] = {
    VIRTIO_STATE_FIELDS(struct virtio_balloon, virtio),
    STATE_KEEP(struct virtio_balloon, target),
    STATE_ARRAY(struct virtio_balloon, stats),
    STATE_END,
};

static void balloon_reset(void *self)
{
    virtio_reset(&((struct virtio_balloon *)self)->virtio);
}

static void balloon_post_load(void *self)
{
    struct virtio_balloon *d = self;

    d->target = MIN(d->target, d->cfg.pages);
    virtio_post_load(&d->virtio);
}

static void balloon_destroy(void *self)
{
    struct virtio_balloon *d = self;

    virtio_detach(&d->virtio);
    g_free(d);
}

static const struct device_type balloon_type = {
    .name = "virtio-balloon",
    .version = 1,
    .fields = balloon_fields,
    .reset = balloon_reset,
    .post_load = balloon_post_load,
    .destroy = balloon_destroy,
};

struct virtio_balloon *virtio_balloon_new(const struct virtio_balloon_config *cfg, GError **err)
{
    struct virtio_balloon *d = g_new0(struct virtio_balloon, 1);
    struct virtio_config virtio = {.class = &balloon_class,
                                   .self = d,
                                   .bus = cfg->bus,
                                   .devfn = cfg->devfn,
                                   .form = cfg->form,
                                   .features =
                                       VIRTIO_BALLOON_F_STATS_VQ |
                                       (cfg->deflate_on_oom ? VIRTIO_BALLOON_F_DEFLATE_ON_OOM : 0),
                                   .queues = QUEUES,
                                   .queue_size = 128,
                                   .config_len = CONFIG_LEN,
                                   .writable = d->writable};

    d->dev = (struct device){&balloon_type, d};
    d->cfg = *cfg;
    memset(d->writable + C_ACTUAL, 0xff, 4);
    if (!virtio_attach(&d->virtio, &virtio, err)) {
        balloon_destroy(d);
        return NULL;
    }
    device_reset(&d->dev);
    return d;
}

struct device *virtio_balloon_device(struct virtio_balloon *d)
{
    return &d->dev;
}
