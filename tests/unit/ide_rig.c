/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The board of the IDE tests; see ide_rig.h. */
#include "tests/unit/unit.h"

#include "tests/unit/ide_rig.h"

#include <errno.h>

static bool touches_bad(const struct image *img, uint64_t off, size_t len)
{
    return off < img->bad_to && off + len > img->bad_from;
}

static int image_read(struct block *b, uint64_t off, void *buf, size_t len)
{
    struct image *img = (struct image *)b;

    if (touches_bad(img, off, len))
        return -EIO;
    memcpy(buf, img->data + off, len);
    return 0;
}

static int image_write(struct block *b, uint64_t off, const void *buf, size_t len)
{
    struct image *img = (struct image *)b;

    if (touches_bad(img, off, len))
        return -EIO;
    memcpy(img->data + off, buf, len);
    img->writes++;
    return 0;
}

static int image_flush(struct block *b)
{
    struct image *img = (struct image *)b;

    img->flushes++;
    return img->flush_rc;
}

static void image_free(struct block *b)
{
    g_free(((struct image *)b)->data);
    g_free(b);
}

static const struct block_ops image_ops = {
    .read = image_read, .write = image_write, .flush = image_flush, .free = image_free};

struct image *image_new(uint64_t size)
{
    struct image *img = g_new0(struct image, 1);

    block_init(&img->block, &image_ops, "image", size, false);
    img->data = g_malloc0(size);
    return img;
}

uint8_t image_byte(uint64_t off)
{
    uint64_t sector = off / 512;

    return (uint8_t)(sector * 7 + sector / 256 + off % 512 * 3);
}

void image_number(struct image *img)
{
    for (uint64_t k = 0; k < img->block.size; k++)
        img->data[k] = image_byte(k);
}

static void set_irq(void *opaque, int n, bool level)
{
    struct rig *r = opaque;

    if (level && !r->irq[n])
        r->rose[n]++;
    r->irq[n] = level;
}

static bool ram_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    struct rig *r = opaque;

    if (gpa > RAM_SIZE || len > RAM_SIZE - gpa)
        return false;
    memcpy(buf, r->ram + gpa, len);
    return true;
}

static bool ram_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    struct rig *r = opaque;

    if (gpa > RAM_SIZE || len > RAM_SIZE - gpa)
        return false;
    memcpy(r->ram + gpa, buf, len);
    return true;
}

struct rig *rig_new_with(enum piix_ide_model model, bool workers)
{
    struct rig *r = g_new0(struct rig, 1);
    struct block_engine_config engine = {.counted = !workers};
    struct pci_bus_config bus = {.dma = {r, ram_read, ram_write}};
    struct piix_ide_config config = {.devfn = DEVFN, .model = model};

    r->ports = bus.ports = config.ports = bus_new("port", 0xffff);
    r->mmio = bus.mmio = bus_new("mmio", ~0ull);
    r->clock = config.clock = engine.clock = clock_new_manual();
    r->engine = block_engine_new(&engine);
    r->pci = config.pci = pci_bus_new(&bus, NULL);
    for (int n = 0; n < 2; n++)
        config.irq[n] = (struct irq_line){set_irq, r, n};
    r->ide = piix_ide_new(&config, NULL);
    assert_non_null(r->ide);
    device_reset(piix_ide_device(r->ide));
    /* what SeaBIOS does */
    pci_config_write(r->pci, 0, DEVFN, 0x20, BM_BASE, 4);
    pci_config_write(r->pci, 0, DEVFN, 0x40, 0x8000, 2);
    pci_config_write(r->pci, 0, DEVFN, 0x42, 0x8000, 2);
    pci_config_write(r->pci, 0, DEVFN, 0x04, 0x0005, 2);
    return r;
}

struct rig *rig_new(enum piix_ide_model model)
{
    return rig_new_with(model, false);
}

void rig_free(struct rig *r)
{
    struct block *b[4];

    for (unsigned k = 0; k < 4; k++)
        b[k] = piix_ide_block(r->ide, k / 2, k % 2);
    device_destroy(piix_ide_device(r->ide));
    for (unsigned k = 0; k < 4; k++)
        block_free(b[k]);
    block_engine_free(r->engine);
    pci_bus_free(r->pci);
    clock_free(r->clock);
    bus_free(r->ports);
    bus_free(r->mmio);
    g_free(r);
}

void rig_attach(struct rig *r, unsigned channel, unsigned unit, enum piix_ide_drive drive,
                struct image *img)
{
    GError *err = NULL;

    if (img)
        block_attach(&img->block, r->engine);
    assert_true(
        piix_ide_attach(r->ide, channel, unit, drive, img ? &img->block : NULL, NULL, &err));
}

void settle(struct rig *r)
{
    block_engine_drain(r->engine);
}

uint32_t port_in(struct rig *r, uint16_t port, unsigned size)
{
    uint32_t val = (uint32_t)bus_read(r->ports, port, size);

    if (!r->unsettled)
        settle(r);
    return val;
}

void port_out(struct rig *r, uint16_t port, uint32_t val, unsigned size)
{
    bus_write(r->ports, port, val, size);
    if (!r->unsettled)
        settle(r);
}

uint8_t in(struct rig *r, unsigned reg)
{
    return (uint8_t)port_in(r, 0x1f0 + reg, 1);
}

void out(struct rig *r, unsigned reg, unsigned val)
{
    port_out(r, 0x1f0 + reg, val, 1);
}

uint8_t alt_status(struct rig *r)
{
    return (uint8_t)port_in(r, 0x3f6, 1);
}

void control(struct rig *r, unsigned val)
{
    port_out(r, 0x3f6, val, 1);
}

void command28(struct rig *r, unsigned unit, unsigned cmd, uint32_t lba, unsigned count)
{
    out(r, 6, 0xe0 | unit << 4 | (lba >> 24 & 15));
    out(r, 2, count);
    out(r, 3, lba & 0xff);
    out(r, 4, lba >> 8 & 0xff);
    out(r, 5, lba >> 16 & 0xff);
    out(r, 7, cmd);
}

void command48(struct rig *r, unsigned unit, unsigned cmd, uint64_t lba, unsigned count)
{
    out(r, 6, 0x40 | unit << 4);
    out(r, 2, count >> 8);
    out(r, 2, count & 0xff);
    for (unsigned k = 0; k < 3; k++)
        out(r, 3 + k, lba >> (24 + 8 * k) & 0xff);
    for (unsigned k = 0; k < 3; k++)
        out(r, 3 + k, lba >> 8 * k & 0xff);
    out(r, 7, cmd);
}

void data_in(struct rig *r, void *buf, unsigned len, unsigned width)
{
    for (unsigned k = 0; k < len; k += width) {
        uint32_t v = port_in(r, 0x1f0, width);

        memcpy((uint8_t *)buf + k, &v, width);
    }
}

void data_out(struct rig *r, const void *buf, unsigned len, unsigned width)
{
    for (unsigned k = 0; k < len; k += width) {
        uint32_t v = 0;

        memcpy(&v, (const uint8_t *)buf + k, width);
        port_out(r, 0x1f0, v, width);
    }
}

void prd(struct rig *r, uint32_t table, unsigned k, uint32_t addr, uint32_t len, bool last)
{
    uint32_t d[2] = {addr, (len & 0xffff) | (last ? 0x80000000u : 0)};

    memcpy(r->ram + table + 8 * k, d, 8);
}

void bm_start(struct rig *r, uint32_t table, bool to_memory)
{
    port_out(r, BM_BASE + 4, table, 4);
    port_out(r, BM_BASE, to_memory ? 8 : 0, 1);
    port_out(r, BM_BASE + 2, 0x06, 1);
    port_out(r, BM_BASE, to_memory ? 9 : 1, 1);
}

void bm_stop(struct rig *r)
{
    port_out(r, BM_BASE, port_in(r, BM_BASE, 1) & 8, 1);
}

uint8_t bm_status(struct rig *r)
{
    return (uint8_t)port_in(r, BM_BASE + 2, 1);
}

struct image *disk_image;

struct rig *disk_rig(void)
{
    struct rig *r = rig_new(PIIX3_IDE);

    disk_image = image_new(SECTORS * 512u);
    image_number(disk_image);
    rig_attach(r, 0, 0, PIIX_IDE_DISK, disk_image);
    return r;
}

void assert_sectors(const uint8_t *p, uint64_t lba, unsigned count)
{
    for (unsigned k = 0; k < count * 512; k++)
        if (p[k] != image_byte(lba * 512 + k))
            fail_msg("byte %u of sector %llu on", k, (unsigned long long)lba);
}

void assert_error(struct rig *r, unsigned status, unsigned error)
{
    assert_int_equal(in(r, 7), DRDY | DSC | ERR | status);
    assert_int_equal(in(r, 1), error);
}
