/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio devices, whatever their transport; see virtio.h. VIRTIO 1.1: 2.1 status, 2.2 features, 2.4
 * configuration space, 3.1 initialization; 2.2.3, 2.4.3, 3.1.2 for legacy drivers.
 */
#include "devices/virtio/virtio.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "devices/virtio/virtio_pci.h"

#define ISR_QUEUE  1u
#define ISR_CONFIG 2u
#define NO_VECTOR  0xffffu

#define COMMON_FEATURES (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)
#define LEGACY_FEATURES (VIRTIO_F_NOTIFY_ON_EMPTY | VIRTIO_F_ANY_LAYOUT)

uint64_t virtio_offered(const struct virtio *v, bool legacy)
{
    uint64_t common = v->cfg.features | COMMON_FEATURES;

    if (legacy)
        return (common | LEGACY_FEATURES) & 0xffffffff;
    return common | VIRTIO_F_VERSION_1;
}

/* ---- interrupts ---- */

static void update_intx(struct virtio *v)
{
    pci_set_intx(&v->pci, v->isr != 0);
}

static void interrupt(struct virtio *v, uint8_t isr, uint16_t vector)
{
    v->isr |= isr;
    if (pci_msix_enabled(&v->msix))
        pci_msix_send(&v->msix, vector); /* NO_VECTOR: beyond the table */
    else
        update_intx(v);
}

static void queue_interrupt(void *opaque, struct virtqueue *q)
{
    interrupt(opaque, ISR_QUEUE, q->s->vector);
}

void virtio_config_changed(struct virtio *v)
{
    v->generation++;
    if (v->status & VIRTIO_DRIVER_OK)
        interrupt(v, ISR_CONFIG, v->config_vector);
}

uint8_t virtio_read_isr(struct virtio *v)
{
    uint8_t isr = v->isr;

    v->isr = 0;
    update_intx(v);
    return isr;
}

/* 2.1.1: the driver is told that nothing more will come before a reset. */
static void queue_broken(void *opaque, struct virtqueue *q, const char *why)
{
    struct virtio *v = opaque;

    (void)q;
    (void)why;
    v->status |= VIRTIO_NEEDS_RESET;
    virtio_config_changed(v);
}

/* ---- status ---- */

static void run(struct virtio *v, bool running)
{
    if (v->running == running)
        return;
    v->running = running;
    if (v->cfg.class->run)
        v->cfg.class->run(v->cfg.self, running);
}

static void reset(struct virtio *v)
{
    run(v, false);
    v->features = v->driver_features = 0;
    v->device_feature_select = v->driver_feature_select = 0;
    v->status = v->isr = 0;
    v->queue_select = 0;
    v->config_vector = NO_VECTOR;
    for (unsigned n = 0; n < v->cfg.queues; n++)
        virtqueue_reset(&v->queue[n]);
    if (v->cfg.class->reset)
        v->cfg.class->reset(v->cfg.self);
    update_intx(v);
}

void virtio_reset(struct virtio *v)
{
    reset(v);
    pci_device_reset(&v->pci);
}

static void agree(struct virtio *v)
{
    v->features = v->driver_features;
    for (unsigned n = 0; n < v->cfg.queues; n++)
        v->queue[n].s->event_idx = virtio_has(v, VIRTIO_F_EVENT_IDX);
}

/* 2.2.2, 6.1: a subset of what is offered, and with VERSION_1 by the modern registers. */
static bool acceptable(const struct virtio *v)
{
    return !(v->driver_features & ~virtio_offered(v, false)) &&
           (v->driver_features & VIRTIO_F_VERSION_1);
}

void virtio_set_status(struct virtio *v, uint8_t status, bool legacy)
{
    uint8_t was = v->status;

    if (!status) {
        reset(v);
        return;
    }
    v->status = status | (was & VIRTIO_NEEDS_RESET);
    if (!legacy && (status & ~was & VIRTIO_FEATURES_OK)) {
        if (acceptable(v))
            agree(v);
        else
            v->status &= (uint8_t)~VIRTIO_FEATURES_OK;
    }
    if (!legacy && (v->status & VIRTIO_DRIVER_OK) && !(v->status & VIRTIO_FEATURES_OK)) {
        log_guest("virtio: %s: DRIVER_OK without FEATURES_OK", v->cfg.class->name);
        v->status &= (uint8_t)~VIRTIO_DRIVER_OK;
    }
    if (legacy && (v->status & VIRTIO_DRIVER_OK & ~was))
        agree(v);
    run(v, v->status & VIRTIO_DRIVER_OK);
}

void virtio_set_driver_features(struct virtio *v, uint64_t features, bool legacy)
{
    if (v->status & (legacy ? VIRTIO_DRIVER_OK : VIRTIO_FEATURES_OK)) {
        log_guest("virtio: %s: features are written after they were agreed on", v->cfg.class->name);
        return;
    }
    v->driver_features = legacy ? features & virtio_offered(v, true) : features;
    if (legacy) /* seen at once by drivers that never say FEATURES_OK */
        agree(v);
}

/* ---- queues ---- */

struct virtqueue *virtio_selected(struct virtio *v)
{
    return v->queue_select < v->cfg.queues ? &v->queue[v->queue_select] : NULL;
}

void virtio_queue_notified(struct virtio *v, unsigned n)
{
    if (v->running && n < v->cfg.queues && v->queue[n].s->enabled && !v->queue[n].s->broken)
        v->cfg.class->notify(v->cfg.self, n);
}

/* 3.1.2: legacy drivers use the device before DRIVER_OK; a queue that is used says as much. */
void virtio_legacy_notified(struct virtio *v, unsigned n)
{
    if (!v->running && (v->status & VIRTIO_DRIVER) && n < v->cfg.queues && v->queue[n].s->enabled)
        virtio_set_status(v, v->status | VIRTIO_DRIVER_OK, true);
    virtio_queue_notified(v, n);
}

/* ---- configuration space ---- */

uint64_t virtio_config_get(struct virtio *v, uint64_t off, unsigned size)
{
    uint64_t val = 0;

    if (v->cfg.class->config_read)
        v->cfg.class->config_read(v->cfg.self);
    for (unsigned k = 0; k < size; k++) {
        uint8_t byte = off + k < v->cfg.config_len ? v->config[off + k] : 0;

        val |= (uint64_t)byte << (8 * k);
    }
    return val;
}

void virtio_config_set(struct virtio *v, uint64_t off, uint64_t val, unsigned size)
{
    for (unsigned k = 0; k < size; k++) {
        uint8_t mask =
            v->cfg.writable && off + k < v->cfg.config_len ? v->cfg.writable[off + k] : 0;

        if (mask)
            v->config[off + k] =
                (uint8_t)((v->config[off + k] & ~mask) | ((val >> (8 * k)) & mask));
    }
    if (v->cfg.class->config_written && off < v->cfg.config_len)
        v->cfg.class->config_written(v->cfg.self, (unsigned)off,
                                     MIN(size, v->cfg.config_len - (unsigned)off));
}

/* ---- life ---- */

bool virtio_attach(struct virtio *v, const struct virtio_config *cfg, GError **err)
{
    invariant(cfg->queues && cfg->queues <= VIRTIO_MAX_QUEUES);
    invariant(cfg->queue_size && cfg->queue_size <= VIRTQUEUE_MAX &&
              !(cfg->queue_size & (cfg->queue_size - 1)));
    invariant(cfg->config_len <= VIRTIO_MAX_CONFIG);
    v->cfg = *cfg;
    for (unsigned n = 0; n < cfg->queues; n++) {
        v->queue[n] = (struct virtqueue){.s = &v->queue_state[n],
                                         .pci = &v->pci,
                                         .max_size = cfg->queue_size,
                                         .opaque = v,
                                         .broken = queue_broken,
                                         .interrupt = queue_interrupt};
        virtqueue_reset(&v->queue[n]);
    }
    v->config_vector = NO_VECTOR;
    return virtio_pci_attach(v, err);
}

void virtio_detach(struct virtio *v)
{
    if (v->pci.bus)
        run(v, false);
    pci_detach(&v->pci);
}

/* Values that no device has written may come from a file: back into their bounds. */
void virtio_post_load(struct virtio *v)
{
    for (unsigned n = 0; n < v->cfg.queues; n++) {
        struct virtqueue_state *s = &v->queue_state[n];

        if (s->size > v->queue[n].max_size || (s->size & (s->size - 1)))
            s->size = v->queue[n].max_size;
    }
    pci_device_post_load(&v->pci);
    update_intx(v);
    run(v, false); /* what was in flight belonged to the state before */
    run(v, v->status & VIRTIO_DRIVER_OK);
}
