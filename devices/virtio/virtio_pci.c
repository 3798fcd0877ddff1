/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of a virtio PCI function. VIRTIO 1.1: 4.1.4 the modern structures, all in BAR 4,
 * 4.1.4.8 the legacy ones in I/O BAR 0, 4.1.2 the ids; MSI-X has BAR 1.
 */
#include "devices/virtio/virtio_pci.h"

#include "base/bits.h"
#include "base/log.h"

#define VENDOR            0x1af4
#define DEVICE_MODERN     0x1040 /* and the device's type */
#define SUBSYSTEM_LEGACY  0x1af4
#define NO_VECTOR         0xffffu
#define LEGACY_PAGE_SHIFT 12
#define LEGACY_ALIGN      4096u

enum { BAR_LEGACY = 0, BAR_MSIX = 1, BAR_MODERN = 4 };

/* 4.1.4: types of structures; where ours are in BAR 4. */
enum {
    CFG_COMMON = 1,
    CFG_NOTIFY = 2,
    CFG_ISR = 3,
    CFG_DEVICE = 4,
    CFG_PCI = 5,

    PART_SIZE = 0x1000,
    AT_COMMON = 0 * PART_SIZE,
    AT_ISR = 1 * PART_SIZE,
    AT_DEVICE = 2 * PART_SIZE,
    AT_NOTIFY = 3 * PART_SIZE,
    MODERN_SIZE = 4 * PART_SIZE,
    NOTIFY_MULTIPLIER = 4,

    CAP_VENDOR = 0x09,
    CAP_SIZE = 16, /* 20 with what follows for notifications and the window */
};

/* 4.1.4.3 */
enum {
    DEVICE_FEATURE_SELECT = 0x00,
    DEVICE_FEATURE = 0x04,
    DRIVER_FEATURE_SELECT = 0x08,
    DRIVER_FEATURE = 0x0c,
    CONFIG_MSIX_VECTOR = 0x10,
    NUM_QUEUES = 0x12,
    DEVICE_STATUS = 0x14,
    CONFIG_GENERATION = 0x15,
    QUEUE_SELECT = 0x16,
    QUEUE_SIZE = 0x18,
    QUEUE_MSIX_VECTOR = 0x1a,
    QUEUE_ENABLE = 0x1c,
    QUEUE_NOTIFY_OFF = 0x1e,
    QUEUE_DESC = 0x20,
    QUEUE_DRIVER = 0x28,
    QUEUE_DEVICE = 0x30,
    COMMON_END = 0x38,
};

/* 4.1.4.8 */
enum {
    LEGACY_DEVICE_FEATURES = 0x00,
    LEGACY_DRIVER_FEATURES = 0x04,
    LEGACY_QUEUE_PFN = 0x08,
    LEGACY_QUEUE_SIZE = 0x0c,
    LEGACY_QUEUE_SELECT = 0x0e,
    LEGACY_QUEUE_NOTIFY = 0x10,
    LEGACY_STATUS = 0x12,
    LEGACY_ISR = 0x13,
    LEGACY_CONFIG_VECTOR = 0x14, /* these two only with MSI-X enabled */
    LEGACY_QUEUE_VECTOR = 0x16,
    LEGACY_CONFIG = 0x14,
    LEGACY_CONFIG_MSIX = 0x18,
};

/* A vector that the table has not reads back as none: 4.1.5.1.2. */
static uint16_t vector(const struct virtio *v, uint64_t val)
{
    return val < v->msix.vectors ? (uint16_t)val : NO_VECTOR;
}

static uint32_t half(uint64_t val, uint32_t select)
{
    return select > 1 ? 0 : (uint32_t)(val >> (32 * select));
}

/* ---- the modern common structure ---- */

static uint64_t queue_get(struct virtio *v, uint64_t reg)
{
    const struct virtqueue *q = virtio_selected(v);

    if (!q)
        return 0;
    switch (reg) {
    case QUEUE_SIZE: return q->s->size;
    case QUEUE_MSIX_VECTOR: return q->s->vector;
    case QUEUE_ENABLE: return q->s->enabled;
    case QUEUE_NOTIFY_OFF: return v->queue_select;
    case QUEUE_DESC: return (uint32_t)q->s->desc;
    case QUEUE_DESC + 4: return q->s->desc >> 32;
    case QUEUE_DRIVER: return (uint32_t)q->s->avail;
    case QUEUE_DRIVER + 4: return q->s->avail >> 32;
    case QUEUE_DEVICE: return (uint32_t)q->s->used;
    case QUEUE_DEVICE + 4: return q->s->used >> 32;
    default: return 0;
    }
}

static uint64_t common_get(struct virtio *v, uint64_t reg)
{
    switch (reg) {
    case DEVICE_FEATURE_SELECT: return v->device_feature_select;
    case DEVICE_FEATURE: return half(virtio_offered(v, false), v->device_feature_select);
    case DRIVER_FEATURE_SELECT: return v->driver_feature_select;
    case DRIVER_FEATURE: return half(v->driver_features, v->driver_feature_select);
    case CONFIG_MSIX_VECTOR: return v->config_vector;
    case NUM_QUEUES: return v->cfg.queues;
    case DEVICE_STATUS: return v->status;
    case CONFIG_GENERATION: return v->generation;
    case QUEUE_SELECT: return v->queue_select;
    default: return queue_get(v, reg);
    }
}

static void set_half(uint64_t *field, uint64_t val, bool high)
{
    *field = high ? (*field & 0xffffffff) | val << 32 : (*field & ~UINT64_C(0xffffffff)) | val;
}

static void set_queue_size(struct virtqueue *q, uint64_t val)
{
    if (val && val <= q->max_size && !(val & (val - 1)))
        q->s->size = (uint16_t)val;
    else
        log_guest("virtio: %s: a queue's size may not be %u", q->pci->name, (unsigned)val);
}

/* 2.6: what the parts are aligned to. */
static void enable_queue(struct virtqueue *q)
{
    if (q->s->desc & 15 || q->s->avail & 1 || q->s->used & 3)
        log_guest("virtio: %s: a queue's parts are not aligned", q->pci->name);
    else
        q->s->enabled = true;
}

static void queue_set(struct virtio *v, uint64_t reg, uint64_t val)
{
    struct virtqueue *q = virtio_selected(v);

    if (!q)
        return;
    if (reg == QUEUE_MSIX_VECTOR) {
        q->s->vector = vector(v, val);
        return;
    }
    if (q->s->enabled) {
        log_guest("virtio: %s: a queue in use is changed", q->pci->name);
        return;
    }
    switch (reg) {
    case QUEUE_SIZE: set_queue_size(q, val); break;
    case QUEUE_ENABLE:
        if (val == 1)
            enable_queue(q);
        break;
    case QUEUE_DESC: set_half(&q->s->desc, val, false); break;
    case QUEUE_DESC + 4: set_half(&q->s->desc, val, true); break;
    case QUEUE_DRIVER: set_half(&q->s->avail, val, false); break;
    case QUEUE_DRIVER + 4: set_half(&q->s->avail, val, true); break;
    case QUEUE_DEVICE: set_half(&q->s->used, val, false); break;
    case QUEUE_DEVICE + 4: set_half(&q->s->used, val, true); break;
    default: break;
    }
}

static void common_set(struct virtio *v, uint64_t reg, uint64_t val)
{
    uint64_t features = v->driver_features;

    switch (reg) {
    case DEVICE_FEATURE_SELECT: v->device_feature_select = (uint32_t)val; break;
    case DRIVER_FEATURE_SELECT: v->driver_feature_select = (uint32_t)val; break;
    case DRIVER_FEATURE:
        if (v->driver_feature_select > 1)
            break;
        set_half(&features, val, v->driver_feature_select == 1);
        virtio_set_driver_features(v, features, false);
        break;
    case CONFIG_MSIX_VECTOR: v->config_vector = vector(v, val); break;
    case DEVICE_STATUS: virtio_set_status(v, (uint8_t)val, false); break;
    case QUEUE_SELECT: v->queue_select = (uint16_t)val; break;
    default: queue_set(v, reg, val); break;
    }
}

/* Widths of the registers: 4.1.3.1 wants each accessed as it is wide; a doubleword over two of 16
 * bits, or half of a wide one, is served all the same. */
static unsigned common_width(uint64_t reg)
{
    if (reg == DEVICE_STATUS || reg == CONFIG_GENERATION)
        return 1;
    return reg >= CONFIG_MSIX_VECTOR && reg < QUEUE_DESC ? 2 : 4;
}

static uint64_t common_read(struct virtio *v, uint64_t off, unsigned size)
{
    uint64_t val = 0;

    for (unsigned k = 0; k < size && off + k < COMMON_END;) {
        uint64_t reg = off + k;
        unsigned width, skip;

        while (reg % common_width(reg)) /* its first byte */
            reg--;
        width = common_width(reg);
        skip = (unsigned)(off + k - reg);
        val |= (common_get(v, reg) >> (8 * skip)) << (8 * k);
        k += width - skip;
    }
    return zext(val, size);
}

static void common_write(struct virtio *v, uint64_t off, uint64_t val, unsigned size)
{
    for (unsigned k = 0; k < size && off + k < COMMON_END;) {
        unsigned width = common_width(off + k);

        if ((off + k) % width || k + width > size) {
            log_guest("virtio: %s: a write of %u bytes to part of a register", v->cfg.class->name,
                      size);
            return;
        }
        common_set(v, off + k, zext(val >> (8 * k), width));
        k += width;
    }
}

static uint64_t modern_read(void *opaque, uint64_t off, unsigned size)
{
    struct virtio *v = opaque;

    switch (off & ~(uint64_t)(PART_SIZE - 1)) {
    case AT_COMMON: return common_read(v, off, size);
    case AT_ISR: return off == AT_ISR ? virtio_read_isr(v) : 0;
    case AT_DEVICE: return virtio_config_get(v, off - AT_DEVICE, size);
    default: return 0;
    }
}

static void modern_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct virtio *v = opaque;

    switch (off & ~(uint64_t)(PART_SIZE - 1)) {
    case AT_COMMON: common_write(v, off, val, size); break;
    case AT_DEVICE: virtio_config_set(v, off - AT_DEVICE, val, size); break;
    case AT_NOTIFY:
        virtio_queue_notified(v, (unsigned)(off - AT_NOTIFY) / NOTIFY_MULTIPLIER);
        break;
    default: break;
    }
}

static const struct bus_ops modern_ops = {modern_read, modern_write, 1, 4};

/* ---- the legacy registers ---- */

static uint64_t legacy_config_start(const struct virtio *v)
{
    return pci_msix_enabled(&v->msix) ? LEGACY_CONFIG_MSIX : LEGACY_CONFIG;
}

static uint64_t legacy_read(void *opaque, uint64_t off, unsigned size)
{
    struct virtio *v = opaque;
    const struct virtqueue *q = virtio_selected(v);
    uint64_t config = legacy_config_start(v);

    if (off >= config)
        return virtio_config_get(v, off - config, size);
    switch (off) {
    case LEGACY_DEVICE_FEATURES: return virtio_offered(v, true);
    case LEGACY_DRIVER_FEATURES: return v->driver_features;
    case LEGACY_QUEUE_PFN: return q ? q->s->desc >> LEGACY_PAGE_SHIFT : 0;
    case LEGACY_QUEUE_SIZE: return q ? q->max_size : 0;
    case LEGACY_QUEUE_SELECT: return v->queue_select;
    case LEGACY_STATUS: return v->status;
    case LEGACY_ISR: return virtio_read_isr(v);
    case LEGACY_CONFIG_VECTOR: return v->config_vector;
    case LEGACY_QUEUE_VECTOR: return q ? q->s->vector : NO_VECTOR;
    default: return 0;
    }
}

/* 2.6.2: one address gives all three parts. Zero, to a legacy driver, resets the queue; the last
 * one that it takes away, the device. */
static void legacy_place_queue(struct virtqueue *q, uint64_t pfn)
{
    uint64_t at = pfn << LEGACY_PAGE_SHIFT;
    uint16_t keep = q->s->vector;

    if (!pfn) {
        virtqueue_reset(q);
        q->s->vector = keep;
        return;
    }
    q->s->size = q->max_size;
    q->s->desc = at;
    q->s->avail = at + 16u * q->s->size;
    q->s->used =
        (q->s->avail + 6 + 2u * q->s->size + LEGACY_ALIGN - 1) & ~(uint64_t)(LEGACY_ALIGN - 1);
    q->s->next_avail = q->s->next_used = 0;
    q->s->signalled_valid = false;
    q->s->enabled = true;
}

static void legacy_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct virtio *v = opaque;
    struct virtqueue *q = virtio_selected(v);
    uint64_t config = legacy_config_start(v);

    if (off >= config) {
        virtio_config_set(v, off - config, val, size);
        return;
    }
    switch (off) {
    case LEGACY_DRIVER_FEATURES: virtio_set_driver_features(v, val, true); break;
    case LEGACY_QUEUE_PFN:
        if (q)
            legacy_place_queue(q, (uint32_t)val);
        break;
    case LEGACY_QUEUE_SELECT: v->queue_select = (uint16_t)val; break;
    case LEGACY_QUEUE_NOTIFY: virtio_legacy_notified(v, (uint16_t)val); break;
    case LEGACY_STATUS: virtio_set_status(v, (uint8_t)val, true); break;
    case LEGACY_CONFIG_VECTOR: v->config_vector = vector(v, (uint16_t)val); break;
    case LEGACY_QUEUE_VECTOR:
        if (q)
            q->s->vector = vector(v, (uint16_t)val);
        break;
    default: break;
    }
}

static const struct bus_ops legacy_ops = {legacy_read, legacy_write, 1, 4};

/* ---- the window in configuration space: 4.1.4.7 ---- */

/* Before a read of the window's data, or after a write to it: moves it to or from the BAR. */
static void use_window(struct virtio *v, bool write)
{
    uint8_t *cap = v->pci.config + v->cap_pci_cfg;
    uint32_t off = ld_le32(cap + 8), len = ld_le32(cap + 12);

    if (cap[4] != BAR_MODERN || (len != 1 && len != 2 && len != 4) || off % len ||
        off > MODERN_SIZE - len)
        return;
    if (write)
        modern_write(v, off, ld_le(cap + 16, len), len);
    else
        st_le(cap + 16, modern_read(v, off, len), len);
}

static bool touches_window(const struct virtio *v, unsigned off, unsigned size)
{
    unsigned data = v->cap_pci_cfg + 16u;

    return v->cap_pci_cfg && off < data + 4 && off + size > data;
}

static void config_reading(struct pci_device *d, unsigned off, unsigned size)
{
    struct virtio *v = d->opaque;

    if (touches_window(v, off, size))
        use_window(v, false);
}

static void config_written(struct pci_device *d, unsigned off, unsigned size)
{
    struct virtio *v = d->opaque;

    if (touches_window(v, off, size))
        use_window(v, true);
}

/* ---- the function ---- */

static unsigned add_structure(struct virtio *v, uint8_t type, uint32_t at, uint32_t len,
                              unsigned extra)
{
    unsigned cap = pci_add_capability(&v->pci, CAP_VENDOR, CAP_SIZE + extra);
    uint8_t *c = v->pci.config + cap;

    c[2] = (uint8_t)(CAP_SIZE + extra);
    c[3] = type;
    c[4] = type == CFG_PCI ? 0 : BAR_MODERN;
    st_le32(c + 8, at);
    st_le32(c + 12, len);
    return cap;
}

static void add_modern(struct virtio *v)
{
    unsigned cap;

    pci_bar_init(&v->pci, BAR_MODERN, false, MODERN_SIZE, &modern_ops, v);
    add_structure(v, CFG_COMMON, AT_COMMON, COMMON_END, 0);
    add_structure(v, CFG_ISR, AT_ISR, 1, 0);
    if (v->cfg.config_len)
        add_structure(v, CFG_DEVICE, AT_DEVICE, v->cfg.config_len, 0);
    cap = add_structure(v, CFG_NOTIFY, AT_NOTIFY, v->cfg.queues * NOTIFY_MULTIPLIER, 4);
    st_le32(v->pci.config + cap + 16, NOTIFY_MULTIPLIER);
    cap = add_structure(v, CFG_PCI, 0, 0, 4);
    v->cap_pci_cfg = (uint8_t)cap;
    v->pci.wmask[cap + 4] = 0xff;
    memset(v->pci.wmask + cap + 8, 0xff, 12);
}

static void add_legacy(struct virtio *v)
{
    uint64_t size = 32;

    while (size < LEGACY_CONFIG_MSIX + v->cfg.config_len)
        size *= 2;
    pci_bar_init(&v->pci, BAR_LEGACY, true, size, &legacy_ops, v);
}

/* 4.1.2.1: transitional ids are from a list of their own. */
static uint16_t pci_id(const struct virtio *v)
{
    static const uint16_t old[] = {[VIRTIO_ID_NET] = 0x1000,
                                   [VIRTIO_ID_BLOCK] = 0x1001,
                                   [VIRTIO_ID_CONSOLE] = 0x1003,
                                   [VIRTIO_ID_RNG] = 0x1005,
                                   [VIRTIO_ID_BALLOON] = 0x1002};
    unsigned id = v->cfg.class->id;

    if (v->cfg.form != VIRTIO_MODERN && id < ARRAY_SIZE(old) && old[id])
        return old[id];
    return (uint16_t)(DEVICE_MODERN + id);
}

bool virtio_pci_attach(struct virtio *v, GError **err)
{
    bool modern = v->cfg.form == VIRTIO_MODERN;

    pci_device_init(&v->pci, v->cfg.class->name, VENDOR, pci_id(v), v->cfg.class->pci_class,
                    modern ? 1 : 0, 1, v);
    st_le16(v->pci.config + PCI_SUBSYS_VENDOR, SUBSYSTEM_LEGACY);
    st_le16(v->pci.config + PCI_SUBSYS_ID, modern ? 0x1100 : (uint16_t)v->cfg.class->id);
    v->pci.config_reading = config_reading;
    v->pci.config_written = config_written;
    if (!modern)
        add_legacy(v);
    pci_msix_init(&v->pci, &v->msix, v->cfg.queues + 1, BAR_MSIX);
    if (v->cfg.form != VIRTIO_LEGACY)
        add_modern(v);
    if (v->cfg.prepare && !v->cfg.prepare(v->cfg.self, &v->pci, err))
        return false;
    return pci_attach(v->cfg.bus, &v->pci, v->cfg.devfn, err);
}
