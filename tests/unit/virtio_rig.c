/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A driver for tests of virtio devices; see virtio_rig.h. VIRTIO 1.1, 3.1.1 and 3.1.2. */
#include "tests/unit/virtio_rig.h"

static bool ram_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    struct virtio_rig *r = opaque;

    if (gpa > RIG_RAM || len > RIG_RAM - gpa) {
        memset(buf, 0xff, len);
        return false;
    }
    memcpy(buf, r->ram + gpa, len);
    return true;
}

static bool ram_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    struct virtio_rig *r = opaque;

    if (gpa > RIG_RAM || len > RIG_RAM - gpa)
        return false;
    memcpy(r->ram + gpa, buf, len);
    return true;
}

static void pirq(void *opaque, int n, bool level)
{
    (void)n;
    ((struct virtio_rig *)opaque)->intx = level;
}

static bool message(void *opaque, uint64_t addr, uint32_t data)
{
    struct virtio_rig *r = opaque;

    assert_true(addr == 0xfee00000);
    assert_true(data < RIG_VECTORS);
    r->messages[data]++;
    return true;
}

void virtio_rig_init(struct virtio_rig *r, bool legacy)
{
    struct pci_bus_config cfg = {.dma = {r, ram_read, ram_write}, .msi = {r, message}};

    *r = (struct virtio_rig){.legacy = legacy};
    r->ram = g_malloc0(RIG_RAM);
    r->clock = clock_new_manual();
    cfg.ports = r->ports = bus_new("port", 0xffff);
    cfg.mmio = r->mmio = bus_new("memory", 0xffffffff);
    for (int n = 0; n < 4; n++)
        cfg.pirq[n] = (struct irq_line){pirq, r, n};
    r->pci = pci_bus_new(&cfg, NULL);
    assert_non_null(r->pci);
}

void virtio_rig_free(struct virtio_rig *r)
{
    pci_bus_free(r->pci);
    bus_free(r->ports);
    bus_free(r->mmio);
    clock_free(r->clock);
    g_free(r->ram);
}

/* ---- registers ---- */

static uint32_t pci_get(struct virtio_rig *r, unsigned off, unsigned size)
{
    return pci_config_read(r->pci, 0, RIG_DEVFN, off, size);
}

static void pci_put(struct virtio_rig *r, unsigned off, uint32_t val, unsigned size)
{
    pci_config_write(r->pci, 0, RIG_DEVFN, off, val, size);
}

static uint32_t get(struct virtio_rig *r, unsigned modern, unsigned legacy, unsigned size)
{
    return (uint32_t)(r->legacy ? bus_read(r->ports, RIG_IO + legacy, size)
                                : bus_read(r->mmio, r->common + modern, size));
}

static void put(struct virtio_rig *r, unsigned modern, unsigned legacy, uint32_t val, unsigned size)
{
    if (r->legacy)
        bus_write(r->ports, RIG_IO + legacy, val, size);
    else
        bus_write(r->mmio, r->common + modern, val, size);
}

uint8_t rig_status(struct virtio_rig *r)
{
    return (uint8_t)get(r, 0x14, 0x12, 1);
}

void rig_set_status(struct virtio_rig *r, uint8_t status)
{
    put(r, 0x14, 0x12, status, 1);
}

static unsigned legacy_config(struct virtio_rig *r)
{
    bool msix = false;

    for (unsigned at = pci_get(r, PCI_CAP_PTR, 1); at; at = pci_get(r, at + 1, 1))
        msix |= pci_get(r, at, 1) == 0x11 && (pci_get(r, at + 2, 2) & 0x8000);
    return msix ? 0x18 : 0x14;
}

uint64_t rig_config(struct virtio_rig *r, unsigned off, unsigned size)
{
    return r->legacy ? bus_read(r->ports, RIG_IO + legacy_config(r) + off, size)
                     : bus_read(r->mmio, r->device + off, size);
}

void rig_set_config(struct virtio_rig *r, unsigned off, uint64_t val, unsigned size)
{
    if (r->legacy)
        bus_write(r->ports, RIG_IO + legacy_config(r) + off, val, size);
    else
        bus_write(r->mmio, r->device + off, val, size);
}

/* ---- finding it ---- */

static void find_structures(struct virtio_rig *r)
{
    for (unsigned at = pci_get(r, PCI_CAP_PTR, 1); at; at = pci_get(r, at + 1, 1)) {
        uint32_t where;

        if (pci_get(r, at, 1) != 9)
            continue;
        where = r->bar[pci_get(r, at + 4, 1)] + pci_get(r, at + 8, 4);
        switch (pci_get(r, at + 3, 1)) {
        case 1: r->common = where; break;
        case 2:
            r->notify = where;
            r->notify_multiplier = pci_get(r, at + 16, 4);
            break;
        case 3: r->isr = where; break;
        case 4: r->device = where; break;
        default: break;
        }
    }
    assert_true(r->common && r->isr && r->notify);
}

static void map(struct virtio_rig *r)
{
    static const uint32_t at[PCI_NUM_BARS] = {RIG_IO, RIG_MSIX, 0, 0, RIG_MODERN, 0};

    for (unsigned n = 0; n < PCI_NUM_BARS; n++) {
        r->bar[n] = at[n];
        if (at[n])
            pci_put(r, PCI_BAR0 + 4 * n, at[n], 4);
    }
    pci_put(r, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
    if (!r->legacy)
        find_structures(r);
}

static void enable_msix(struct virtio_rig *r)
{
    for (unsigned at = pci_get(r, PCI_CAP_PTR, 1); at; at = pci_get(r, at + 1, 1)) {
        unsigned vectors;

        if (pci_get(r, at, 1) != 0x11)
            continue;
        vectors = (pci_get(r, at + 2, 2) & 0x7ff) + 1;
        assert_true(vectors <= RIG_VECTORS);
        for (unsigned n = 0; n < vectors; n++) {
            bus_write(r->mmio, RIG_MSIX + 16 * n, 0xfee00000, 8);
            bus_write(r->mmio, RIG_MSIX + 16 * n + 8, n, 4);
            bus_write(r->mmio, RIG_MSIX + 16 * n + 12, 0, 4);
        }
        pci_put(r, at + 2, 0x8000, 2);
    }
}

static uint64_t negotiate(struct virtio_rig *r, uint64_t wanted)
{
    uint64_t offered = get(r, 0x04, 0x00, 4);

    if (r->legacy) {
        put(r, 0, 0x04, (uint32_t)(offered & wanted), 4);
        return offered & wanted;
    }
    put(r, 0x00, 0, 1, 4);
    offered |= (uint64_t)get(r, 0x04, 0, 4) << 32;
    assert_true(offered & VIRTIO_F_VERSION_1);
    wanted = (wanted | VIRTIO_F_VERSION_1) & offered;
    for (uint32_t k = 0; k < 2; k++) {
        put(r, 0x08, 0, k, 4);
        put(r, 0x0c, 0, (uint32_t)(wanted >> (32 * k)), 4);
    }
    rig_set_status(r, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    assert_true(rig_status(r) & VIRTIO_FEATURES_OK);
    return wanted;
}

static void place_queue(struct virtio_rig *r, unsigned n, bool msix)
{
    struct rig_queue *q = &r->queue[n];

    put(r, 0x16, 0x0e, n, 2);
    *q = (struct rig_queue){.size = (uint16_t)get(r, 0x18, 0x0c, 2)};
    assert_true(q->size);
    q->desc = RIG_RINGS + n * RIG_RING;
    q->avail = q->desc + 16u * q->size;
    q->used = (q->avail + 6 + 2u * q->size + 4095) & ~4095u;
    memset(r->ram + q->desc, 0, RIG_RING);
    if (msix)
        put(r, 0x1a, 0x16, n, 2);
    if (r->legacy) {
        put(r, 0, 0x08, (uint32_t)(q->desc >> 12), 4);
        return;
    }
    put(r, 0x20, 0, (uint32_t)q->desc, 4);
    put(r, 0x28, 0, (uint32_t)q->avail, 4);
    put(r, 0x30, 0, (uint32_t)q->used, 4);
    put(r, 0x1c, 0, 1, 2);
    assert_int_equal(get(r, 0x1c, 0, 2), 1);
}

uint64_t virtio_rig_start(struct virtio_rig *r, uint64_t features, unsigned queues, bool msix)
{
    uint64_t agreed;

    assert_true(queues <= RIG_QUEUES);
    map(r);
    rig_set_status(r, 0);
    rig_set_status(r, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    agreed = negotiate(r, features);
    r->event_idx = agreed & VIRTIO_F_EVENT_IDX;
    if (msix) {
        enable_msix(r);
        put(r, 0x10, 0x14, queues, 2);
    }
    for (unsigned n = 0; n < queues; n++)
        place_queue(r, n, msix);
    rig_set_status(r, rig_status(r) | VIRTIO_DRIVER_OK);
    return agreed;
}

/* ---- rings ---- */

void rig_desc(struct virtio_rig *r, unsigned queue, unsigned n, uint64_t gpa, uint32_t len,
              uint16_t flags, uint16_t next)
{
    uint8_t *d = r->ram + r->queue[queue].desc + 16u * n;

    st_le64(d, gpa);
    st_le32(d + 8, len);
    st_le16(d + 12, flags);
    st_le16(d + 14, next);
}

void rig_avail(struct virtio_rig *r, unsigned queue, uint16_t head)
{
    struct rig_queue *q = &r->queue[queue];
    uint8_t *avail = r->ram + q->avail;

    st_le16(avail + 4 + 2u * (q->next_avail % q->size), head);
    st_le16(avail + 2, ++q->next_avail);
}

uint16_t rig_add(struct virtio_rig *r, unsigned queue, const struct rig_buf *buf, unsigned n)
{
    struct rig_queue *q = &r->queue[queue];
    uint16_t head = q->next_desc;

    for (unsigned k = 0; k < n; k++) {
        uint16_t at = q->next_desc, next = (uint16_t)((at + 1) % q->size);

        rig_desc(r, queue, at, buf[k].gpa, buf[k].len,
                 (uint16_t)((buf[k].in ? 2 : 0) | (k + 1 < n ? 1 : 0)), next);
        q->next_desc = next;
    }
    rig_avail(r, queue, head);
    return head;
}

void rig_kick(struct virtio_rig *r, unsigned queue)
{
    if (r->legacy)
        bus_write(r->ports, RIG_IO + 0x10, queue, 2);
    else
        bus_write(r->mmio, r->notify + queue * r->notify_multiplier, queue, 2);
}

bool rig_used(struct virtio_rig *r, unsigned queue, uint16_t *head, uint32_t *written)
{
    struct rig_queue *q = &r->queue[queue];
    const uint8_t *used = r->ram + q->used, *entry;

    if (ld_le16(used + 2) == q->seen_used)
        return false;
    entry = used + 4 + 8u * (q->seen_used++ % q->size);
    *head = (uint16_t)ld_le32(entry);
    *written = ld_le32(entry + 4);
    if (r->event_idx) /* of the next one, too */
        st_le16(r->ram + q->avail + 4 + 2u * q->size, q->seen_used);
    return true;
}
