/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entropy device; see virtio_rng.h. VIRTIO 1.1, 5.4: one queue, no features, no configuration.
 */
#include "devices/virtio/virtio_rng.h"

#define CHUNK 4096u

struct virtio_rng {
    struct device dev;
    struct virtio virtio;
    struct virtio_rng_config cfg;
    struct timer refill;
    uint64_t left;      /* state: of max_bytes, in this period */
    bool refill_armed;  /* state */
    int64_t refill_due; /* state */
};

/* How much of len may be given now. */
static size_t quota(const struct virtio_rng *r, size_t len)
{
    return r->cfg.max_bytes ? (size_t)MIN((uint64_t)len, r->left) : len;
}

/* 5.4.6: one byte at least, or the buffer is kept for later. */
static uint32_t fill(struct virtio_rng *r, struct virtqueue *q, const struct vq_elem *e)
{
    uint8_t bytes[CHUNK];
    uint64_t done = 0;

    while (done < e->in_len) {
        size_t want = quota(r, (size_t)MIN(e->in_len - done, (uint64_t)sizeof(bytes)));
        size_t got = want ? r->cfg.random(r->cfg.opaque, bytes, want) : 0;

        if (!got)
            break;
        if (r->cfg.max_bytes)
            r->left -= got;
        done += vq_elem_write(q, e, done, bytes, got);
    }
    return (uint32_t)done;
}

static void arm(struct virtio_rng *r)
{
    if (r->refill_armed)
        return;
    r->refill_armed = true;
    r->refill_due = clock_now(r->cfg.clock) + r->cfg.period;
    timer_arm(&r->refill, r->refill_due);
}

static void rng_notify(void *self, unsigned n)
{
    struct virtio_rng *r = self;
    struct virtqueue *q = &r->virtio.queue[n];
    struct vq_elem *e;
    bool any = false;

    while ((e = virtqueue_pop(q))) {
        uint32_t len = fill(r, q, e);

        if (!len && e->in_len) { /* it waits */
            virtqueue_unpop(q);
            arm(r);
            g_free(e);
            break;
        }
        virtqueue_push(q, e->head, len);
        any = true;
        g_free(e);
    }
    if (any)
        virtqueue_notify(q);
}

static void refilled(void *opaque)
{
    struct virtio_rng *r = opaque;

    r->refill_armed = false;
    r->left = r->cfg.max_bytes;
    virtio_queue_notified(&r->virtio, 0);
}

static const struct virtio_class rng_class = {
    .name = "virtio-rng",
    .id = VIRTIO_ID_RNG,
    .pci_class = 0x00ff00,
    .notify = rng_notify,
};

static void rng_reset(void *self)
{
    struct virtio_rng *r = self;

    timer_cancel(&r->refill);
    r->left = r->cfg.max_bytes;
    virtio_reset(&r->virtio);
}

static void rng_post_load(void *self)
{
    struct virtio_rng *r = self;

    timer_cancel(&r->refill);
    if (r->refill_armed)
        timer_arm(&r->refill, r->refill_due);
    virtio_post_load(&r->virtio);
}

static void rng_destroy(void *self)
{
    struct virtio_rng *r = self;

    virtio_detach(&r->virtio);
    timer_cancel(&r->refill);
    g_free(r);
}

static const struct state_field rng_fields[] = {
    VIRTIO_STATE_FIELDS(struct virtio_rng, virtio),
    STATE_FIELD(struct virtio_rng, left),
    STATE_FIELD(struct virtio_rng, refill_armed),
    STATE_FIELD(struct virtio_rng, refill_due),
    STATE_END,
};

static const struct device_type rng_type = {
    .name = "virtio-rng",
    .version = 1,
    .fields = rng_fields,
    .reset = rng_reset,
    .post_load = rng_post_load,
    .destroy = rng_destroy,
};

struct virtio_rng *virtio_rng_new(const struct virtio_rng_config *cfg, GError **err)
{
    struct virtio_rng *r = g_new0(struct virtio_rng, 1);
    struct virtio_config virtio = {.class = &rng_class,
                                   .self = r,
                                   .bus = cfg->bus,
                                   .devfn = cfg->devfn,
                                   .form = cfg->form,
                                   .queues = 1,
                                   .queue_size = 8};

    r->dev = (struct device){&rng_type, r};
    r->cfg = *cfg;
    timer_init(&r->refill, cfg->clock, refilled, r);
    if (!virtio_attach(&r->virtio, &virtio, err)) {
        rng_destroy(r);
        return NULL;
    }
    device_reset(&r->dev);
    return r;
}

struct device *virtio_rng_device(struct virtio_rng *r)
{
    return &r->dev;
}
