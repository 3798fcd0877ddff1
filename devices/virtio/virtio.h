/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every virtio device has: feature negotiation, status, queues, a configuration space, and
 * its PCI function in the forms transitional, legacy only and modern only. VIRTIO 1.1, chapters 2
 * to 4.1. A device embeds struct virtio and answers through struct virtio_class.
 *
 * All calls, and those of the class, with the device lock held.
 */
#ifndef DEVICES_VIRTIO_VIRTIO_H
#define DEVICES_VIRTIO_VIRTIO_H

#include "devices/pci/pci_msi.h"
#include "devices/virtio/virtqueue.h"

#define VIRTIO_MAX_QUEUES 33 /* one for control among them */
#define VIRTIO_MAX_CONFIG 256

/* Device types, chapter 5. */
enum virtio_id {
    VIRTIO_ID_NET = 1,
    VIRTIO_ID_BLOCK = 2,
    VIRTIO_ID_CONSOLE = 3,
    VIRTIO_ID_RNG = 4,
    VIRTIO_ID_BALLOON = 5,
};

/* Feature bits that are no device's own, chapter 6. */
#define VIRTIO_F_NOTIFY_ON_EMPTY (UINT64_C(1) << 24)
#define VIRTIO_F_ANY_LAYOUT      (UINT64_C(1) << 27)
#define VIRTIO_F_INDIRECT_DESC   (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX       (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1       (UINT64_C(1) << 32)

enum virtio_status {
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64,
    VIRTIO_FAILED = 128,
};

struct virtio_class {
    const char *name;
    enum virtio_id id;
    uint32_t pci_class; /* 24 bits */
    /* The driver has put buffers into queue n. Only while the device is running (DRIVER_OK). */
    void (*notify)(void *self, unsigned n);
    /* The device begins to run, with v->features agreed on, or (running false) stops: all requests
     * in flight end now or are forgotten, and no queue is touched after it returns. May be NULL. */
    void (*run)(void *self, bool running);
    /* A reset, by the driver or of the machine: the device's own state, and v->config, which holds
     * anything, become what a driver first finds. The device does not run. May be NULL. */
    void (*reset)(void *self);
    /* The driver has written `len` bytes at `off` of v->config, which holds them; bytes that are
     * not its to write were kept. May be NULL. */
    void (*config_written)(void *self, unsigned off, unsigned len);
    /* Before the driver reads v->config; may be NULL. */
    void (*config_read)(void *self);
};

enum virtio_form { VIRTIO_TRANSITIONAL, VIRTIO_LEGACY, VIRTIO_MODERN };

struct virtio_config {
    const struct virtio_class *class;
    void *self;
    struct pci_bus *bus;
    uint8_t devfn;
    enum virtio_form form;
    uint64_t features; /* the device's own, that are offered */
    unsigned queues;
    uint16_t queue_size; /* of each; a power of two up to VIRTQUEUE_MAX */
    unsigned config_len; /* bytes of its configuration space */
    /* Adds what is not virtio's to the function (an option ROM), before it is on the bus; false
     * with an error. May be NULL. */
    bool (*prepare)(void *self, struct pci_device *pci, GError **err);
    const uint8_t *writable; /* of the same length: bits that the driver may write; NULL: none */
};

struct virtio {
    /* wiring */
    struct virtio_config cfg;
    struct pci_device pci;
    struct pci_msix msix;
    struct virtqueue queue[VIRTIO_MAX_QUEUES];
    bool running;        /* the class has been told so; follows from status */
    uint8_t cap_pci_cfg; /* offset of the capability that is a window onto the BARs; 0: none */

    /* state */
    uint64_t features;        /* agreed on, once FEATURES_OK or DRIVER_OK */
    uint64_t driver_features; /* as written so far */
    uint32_t device_feature_select, driver_feature_select;
    uint8_t status, isr, generation;
    uint16_t queue_select, config_vector;
    uint8_t config[VIRTIO_MAX_CONFIG];
    struct virtqueue_state queue_state[VIRTIO_MAX_QUEUES];
};

/* Fills v in and puts its function onto the bus; NULL'ed fields of cfg as said there. False with an
 * error. The device lists VIRTIO_STATE_FIELDS in its table, calls virtio_reset from its reset and
 * virtio_post_load from its post_load, and virtio_detach from its destroy. */
bool virtio_attach(struct virtio *v, const struct virtio_config *cfg, GError **err);
void virtio_detach(struct virtio *v);
void virtio_reset(struct virtio *v);
void virtio_post_load(struct virtio *v);

#define VIRTIO_STATE_FIELDS(type, member)                                                          \
    PCI_STATE_FIELDS(type, member.pci), PCI_MSIX_STATE_FIELDS(type, member.msix),                  \
        STATE_FIELD(type, member.features), STATE_FIELD(type, member.driver_features),             \
        STATE_FIELD(type, member.device_feature_select),                                           \
        STATE_FIELD(type, member.driver_feature_select), STATE_FIELD(type, member.status),         \
        STATE_FIELD(type, member.isr), STATE_FIELD(type, member.generation),                       \
        STATE_FIELD(type, member.queue_select), STATE_FIELD(type, member.config_vector),           \
        STATE_ARRAY(type, member.config), STATE_ARRAY(type, member.queue_state)

/* Was it offered and taken? */
static inline bool virtio_has(const struct virtio *v, uint64_t feature)
{
    return (v->features & feature) != 0;
}

/* The device changed v->config: tells the driver. */
void virtio_config_changed(struct virtio *v);

/* ---- for virtio_pci.c: what a driver does, by whichever registers ---- */

uint64_t virtio_offered(const struct virtio *v, bool legacy);
void virtio_set_status(struct virtio *v, uint8_t status, bool legacy);
void virtio_set_driver_features(struct virtio *v, uint64_t features, bool legacy);
void virtio_queue_notified(struct virtio *v, unsigned n);
void virtio_legacy_notified(struct virtio *v, unsigned n);
struct virtqueue *virtio_selected(struct virtio *v); /* NULL: no such queue */
uint64_t virtio_config_get(struct virtio *v, uint64_t off, unsigned size);
void virtio_config_set(struct virtio *v, uint64_t off, uint64_t val, unsigned size);
uint8_t virtio_read_isr(struct virtio *v);

#endif
