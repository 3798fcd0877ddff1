/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a disk says of itself: IDENTIFY DEVICE (ATA/ATAPI-6, 8.15 and table 27) and the SMART
 * attribute sectors, in the layout of ATA-3 that all readers of them know.
 */
#include "devices/storage/ide_disk.h"

#include "base/bits.h"

#include <string.h>

void ide_disk_default_geometry(uint64_t sectors, uint16_t *cylinders, uint16_t *heads,
                               uint16_t *spt)
{
    uint64_t c = sectors / (16 * 63);

    *heads = 16;
    *spt = 63;
    *cylinders = (uint16_t)(c > 16383 ? 16383 : c ? c : 1);
}

static void identify_capacity(const struct ide_unit *u, uint8_t *id)
{
    uint64_t lba28 = u->sectors < 0x0fffffff ? u->sectors : 0x0fffffff;
    uint32_t chs = (uint32_t)u->disk.cylinders * u->disk.heads * u->disk.spt;
    uint16_t c, h, s;

    ide_disk_default_geometry(u->sectors, &c, &h, &s);
    ide_put_word(id, 1, c);
    ide_put_word(id, 3, h);
    ide_put_word(id, 6, s);
    ide_put_word(id, 54, u->disk.cylinders);
    ide_put_word(id, 55, u->disk.heads);
    ide_put_word(id, 56, u->disk.spt);
    st_le32(id + 2 * 57, chs < u->sectors ? chs : (uint32_t)u->sectors);
    st_le32(id + 2 * 60, (uint32_t)lba28);
    st_le64(id + 2 * 100, u->sectors);
}

/* Of the serial cable: Serial ATA 3.0, 13.2.1. */
static void identify_serial(uint8_t *id)
{
    ide_put_word(id, 75, 31);      /* queue depth, less one */
    ide_put_word(id, 76, 0x010e);  /* 1.5 to 6 Gb/s, native command queuing */
    ide_put_word(id, 222, 0x101f); /* a serial transport */
}

/* ATA8-ACS2, 7.16.7.55 and .77. */
static void identify_trim(const struct ide_unit *u, uint8_t *id)
{
    if (!block_limits(u->block).discard)
        return;
    ide_put_word(id, 105, IDE_BUF_SIZE / IDE_SECTOR); /* blocks of ranges a command */
    ide_put_word(id, 169, 1);
}

void ide_disk_identify(struct ide_unit *u)
{
    /* NOP, look-ahead, write cache, power management, SMART */
    unsigned features = 0x4000 | 0x0040 | 0x0020 | 0x0008 | 0x0001, enabled = features;
    uint8_t *id = u->buf;

    if (!u->disk.look_ahead)
        enabled &= ~0x0040u;
    if (!u->disk.write_cache)
        enabled &= ~0x0020u;
    if (!u->disk.smart)
        enabled &= ~0x0001u;
    memset(id, 0, IDE_SECTOR);
    ide_put_word(id, 0, 0x0040); /* an ATA device that stays in its box */
    ide_unit_string(id + 2 * 10, 20, u->serial);
    ide_unit_string(id + 2 * 23, 8, "1.0");
    ide_unit_string(id + 2 * 27, 40, "PENUMBRA HARDDISK");
    ide_put_word(id, 47, 0x8000 | IDE_DISK_MAX_MULTIPLE);
    ide_put_word(id, 49, 0x2f00); /* standby timer values, IORDY, LBA, DMA */
    ide_put_word(id, 50, 0x4000);
    ide_put_word(id, 51, 0x0200);
    ide_put_word(id, 59, u->disk.multiple ? 0x0100u | u->disk.multiple : 0);
    identify_capacity(u, id);
    ide_unit_identify_modes(u, id);
    if (u->sata)
        identify_serial(id);
    if (!block_readonly(u->block))
        identify_trim(u, id);
    ide_put_word(id, 80, u->sata ? 0x01f0 : 0x007e); /* (ATA-4 to ATA8-ACS or) ATA-1 to -6 */
    ide_put_word(id, 82, features);
    ide_put_word(id, 83, 0x7400); /* FLUSH CACHE (EXT), 48-bit addresses */
    ide_put_word(id, 84, 0x4060); /* WRITE DMA FUA EXT, WRITE MULTIPLE FUA EXT, logs */
    ide_put_word(id, 85, enabled);
    ide_put_word(id, 86, 0x3400);
    ide_put_word(id, 87, 0x4060);
    id[510] = 0xa5;
    ide_checksum(id);
}

struct attribute {
    uint8_t id, flags, threshold;
};

/* Prefail attributes have flag 1, those updated while running flag 2. */
static const struct attribute attributes[] = {
    {1, 0x0b, 16},   /* read errors */
    {5, 0x33, 36},   /* reallocated sectors */
    {9, 0x32, 0},    /* hours since power-on */
    {12, 0x32, 0},   /* power cycles */
    {200, 0x0b, 16}, /* write errors */
};

static uint64_t attribute_raw(const struct ide_unit *u, uint8_t id)
{
    switch (id) {
    case 1: return u->read_errors;
    case 9: return (uint64_t)(clock_now(u->clock) / (3600 * NS_PER_SEC));
    case 12: return 1;
    case 200: return u->write_errors;
    default: return 0;
    }
}

void ide_disk_smart_data(struct ide_unit *u)
{
    uint8_t *d = u->buf;

    memset(d, 0, IDE_SECTOR);
    st_le16(d, 0x0010);
    for (unsigned k = 0; k < ARRAY_SIZE(attributes); k++) {
        uint8_t *a = d + 2 + 12 * k;

        a[0] = attributes[k].id;
        a[1] = attributes[k].flags;
        a[3] = a[4] = 100; /* value, worst */
        st_le32(a + 5, (uint32_t)attribute_raw(u, attributes[k].id));
    }
    d[362] = u->disk.smart_autosave ? 0x82 : 0x02; /* off-line collection done, none supported */
    st_le16(d + 368, 0x0003);                      /* attributes outlive power-down; autosave */
    ide_checksum(d);
}

void ide_disk_smart_thresholds(struct ide_unit *u)
{
    uint8_t *d = u->buf;

    memset(d, 0, IDE_SECTOR);
    st_le16(d, 0x0010);
    for (unsigned k = 0; k < ARRAY_SIZE(attributes); k++) {
        d[2 + 12 * k] = attributes[k].id;
        d[2 + 12 * k + 1] = attributes[k].threshold;
    }
    ide_checksum(d);
}
