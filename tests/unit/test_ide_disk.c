/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ATA disks behind the PIIX IDE function, driven through ports (ATA/ATAPI-6, PIIX3 datasheet). */
#include "tests/unit/unit.h"

#include "tests/unit/ide_rig.h"

#include <errno.h>

static uint16_t word(const uint8_t *id, unsigned n)
{
    return (uint16_t)(id[2 * n] | id[2 * n + 1] << 8);
}

static void identify(struct rig *r, unsigned unit, uint8_t *id)
{
    command28(r, unit, 0xec, 0, 0);
    assert_int_equal(alt_status(r), DRDY | DSC | DRQ);
    data_in(r, id, 512, 2);
    assert_int_equal(in(r, 7), DRDY | DSC);
}

static void test_config_space(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    assert_int_equal(pci_config_read(r->pci, 0, DEVFN, 0, 4), 0x70108086);
    assert_int_equal(pci_config_read(r->pci, 0, DEVFN, 8, 4), 0x01018000);
    assert_int_equal(pci_config_read(r->pci, 0, DEVFN, 6, 2), 0x0280);
    assert_int_equal(pci_config_read(r->pci, 0, DEVFN, 0x3d, 1), 0);
    pci_config_write(r->pci, 0, DEVFN, 0x40, 0xa307ffffu, 4);
    assert_int_equal(pci_config_read(r->pci, 0, DEVFN, 0x40, 4), 0xa307f3ff);
    /* no Ultra DMA on a PIIX3 */
    pci_config_write(r->pci, 0, DEVFN, 0x48, 0xffffffffu, 4);
    assert_int_equal(pci_config_read(r->pci, 0, DEVFN, 0x48, 4), 0);
    /* each channel's decode enable bit, and I/O enable for both */
    assert_int_equal(in(r, 7), DRDY | DSC);
    pci_config_write(r->pci, 0, DEVFN, 0x40, 0x0000, 2);
    assert_int_equal(in(r, 7), 0xff);
    assert_int_equal(port_in(r, 0x177, 1), 0x7f);
    pci_config_write(r->pci, 0, DEVFN, 0x40, 0x8000, 2);
    assert_int_equal(in(r, 7), DRDY | DSC);
    pci_config_write(r->pci, 0, DEVFN, 0x04, 0x0000, 2);
    assert_int_equal(in(r, 7), 0xff);
    assert_int_equal(alt_status(r), 0xff);
    /* a board without firmware */
    piix_ide_enable(r->ide);
    assert_int_equal(in(r, 7), DRDY | DSC);
    device_reset(piix_ide_device(r->ide));
    assert_int_equal(in(r, 7), 0xff);
    /* OVMF sets I/O enable alone */
    pci_config_write(r->pci, 0, DEVFN, 0x04, 0x0001, 2);
    assert_int_equal(in(r, 7), DRDY | DSC);
    assert_int_equal(port_in(r, 0x177, 1), 0x7f);
    rig_free(r);
}

static void test_piix4(void **state)
{
    struct rig *r = rig_new(PIIX4_IDE);

    (void)state;
    assert_int_equal(pci_config_read(r->pci, 0, DEVFN, 0, 4), 0x71118086);
    pci_config_write(r->pci, 0, DEVFN, 0x48, 0xffffffffu, 4);
    assert_int_equal(pci_config_read(r->pci, 0, DEVFN, 0x48, 4), 0x3333000f);
    rig_free(r);
}

static void test_identify(void **state)
{
    struct rig *r = disk_rig();
    uint8_t id[512], sum = 0;

    (void)state;
    identify(r, 0, id);
    assert_int_equal(r->rose[0], 1);
    for (unsigned k = 0; k < 512; k++)
        sum = (uint8_t)(sum + id[k]);
    assert_int_equal(sum, 0);
    assert_int_equal(id[510], 0xa5);
    assert_int_equal(word(id, 0) & 0x8000, 0);
    assert_int_equal(word(id, 1), SECTORS / (16 * 63));
    assert_int_equal(word(id, 3), 16);
    assert_int_equal(word(id, 6), 63);
    assert_memory_equal(id + 54, "EPUNBMAR", 8);
    assert_int_equal(word(id, 60), SECTORS);
    assert_int_equal(word(id, 100), SECTORS);
    assert_int_equal(word(id, 101), 0);
    assert_int_equal(word(id, 49) & 0x0b00, 0x0b00);
    assert_int_equal(word(id, 83) & 0xf400, 0x7400);
    assert_int_equal(word(id, 63), 0x0007);
    rig_free(r);
}

static void test_absent_devices(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    /* device 1: status 0, registers answered by device 0, commands ignored (9.16.1) */
    out(r, 6, 0xb0);
    assert_int_equal(in(r, 7), 0);
    assert_int_equal(alt_status(r), 0);
    out(r, 2, 0x55);
    out(r, 3, 0xaa);
    assert_int_equal(in(r, 2), 0x55);
    assert_int_equal(in(r, 3), 0xaa);
    assert_int_equal(in(r, 6), 0xb0);
    out(r, 7, 0xec);
    assert_int_equal(in(r, 7), 0);
    out(r, 6, 0xa0);
    assert_int_equal(in(r, 7), DRDY | DSC);
    /* a channel without any device: not busy, keeps no values */
    port_out(r, 0x172, 0x55, 1);
    assert_int_not_equal(port_in(r, 0x172, 1), 0x55);
    assert_int_equal(port_in(r, 0x177, 1) & BSY, 0);
    port_out(r, 0x177, 0xec, 1);
    assert_int_equal(port_in(r, 0x377 - 1, 1), 0x7f);
    assert_int_equal(r->rose[1], 0);
    rig_free(r);
}

static void test_pio_read(void **state)
{
    struct rig *r = disk_rig();
    uint8_t buf[4 * 512];

    (void)state;
    command28(r, 0, 0x20, 1000, 4);
    for (unsigned k = 0; k < 4; k++) {
        /* one interrupt for each sector, before it is read */
        assert_int_equal(r->rose[0], k + 1);
        assert_true(r->irq[0]);
        assert_int_equal(alt_status(r), DRDY | DSC | DRQ);
        assert_true(r->irq[0]);
        assert_int_equal(in(r, 7), DRDY | DSC | DRQ);
        assert_false(r->irq[0]);
        data_in(r, buf + 512 * k, 512, k & 1 ? 4 : 2);
    }
    assert_int_equal(in(r, 7), DRDY | DSC);
    assert_int_equal(r->rose[0], 4);
    assert_sectors(buf, 1000, 4);
    /* the task file names the last sector */
    assert_int_equal(in(r, 3) | in(r, 4) << 8, 1003);
    /* nothing more comes */
    assert_int_equal(port_in(r, 0x1f0, 2), 0);
    assert_true(piix_ide_activity(r->ide) >= 4);
    rig_free(r);
}

static void test_pio_write(void **state)
{
    struct rig *r = disk_rig();
    uint8_t buf[2 * 512];

    (void)state;
    memset(buf, 0x5a, sizeof(buf));
    buf[512] = 0x99;
    command28(r, 0, 0x30, 77, 2);
    assert_int_equal(alt_status(r), DRDY | DSC | DRQ);
    assert_int_equal(r->rose[0], 0); /* the first block comes without */
    data_out(r, buf, 512, 2);
    assert_int_equal(r->rose[0], 1);
    assert_int_equal(in(r, 7), DRDY | DSC | DRQ);
    data_out(r, buf + 512, 512, 4);
    assert_int_equal(r->rose[0], 2);
    assert_int_equal(in(r, 7), DRDY | DSC);
    assert_memory_equal(disk_image->data + 77 * 512, buf, 1024);
    assert_int_equal(disk_image->data[76 * 512], image_byte(76 * 512));
    assert_int_equal(disk_image->data[79 * 512], image_byte(79 * 512));
    rig_free(r);
}

static void test_count_zero(void **state)
{
    struct rig *r = disk_rig();
    uint8_t *buf = g_malloc(256 * 512);

    (void)state;
    control(r, 2);
    command28(r, 0, 0x21, 0, 0);
    data_in(r, buf, 256 * 512, 4);
    assert_int_equal(in(r, 7), DRDY | DSC);
    assert_sectors(buf, 0, 256);
    assert_int_equal(r->rose[0], 0); /* nIEN */
    /* 65536 sectors in 48 bits: more than there are, and known at once */
    command48(r, 0, 0x24, 0, 0);
    assert_error(r, 0, 0x10);
    g_free(buf);
    rig_free(r);
}

static void test_multiple(void **state)
{
    struct rig *r = disk_rig();
    uint8_t buf[20 * 512];

    (void)state;
    command28(r, 0, 0xc4, 0, 1);
    assert_error(r, 0, 4); /* not set up */
    command28(r, 0, 0xc6, 0, 3);
    assert_error(r, 0, 4);
    command28(r, 0, 0xc6, 0, 32);
    assert_error(r, 0, 4);
    command28(r, 0, 0xc6, 0, 8);
    assert_int_equal(in(r, 7), DRDY | DSC);
    r->rose[0] = 0;
    command28(r, 0, 0xc4, 300, 20); /* 8 + 8 + 4 */
    for (unsigned k = 0; k < 3; k++) {
        assert_int_equal(in(r, 7), DRDY | DSC | DRQ);
        assert_int_equal(r->rose[0], k + 1);
        data_in(r, buf + k * 4096, k < 2 ? 4096 : 2048, 4);
    }
    assert_int_equal(in(r, 7), DRDY | DSC);
    assert_sectors(buf, 300, 20);
    memset(buf, 0xee, sizeof(buf));
    command48(r, 0, 0x39, 400, 9);
    data_out(r, buf, 4096, 4);
    assert_int_equal(in(r, 7), DRDY | DSC | DRQ);
    data_out(r, buf, 512, 4);
    assert_int_equal(in(r, 7), DRDY | DSC);
    assert_memory_equal(disk_image->data + 400 * 512, buf, 9 * 512);
    assert_int_equal(disk_image->data[409 * 512], image_byte(409 * 512));
    command28(r, 0, 0xc6, 0, 0); /* off again */
    command28(r, 0, 0xc5, 0, 1);
    assert_error(r, 0, 4);
    rig_free(r);
}

static void test_chs(void **state)
{
    struct rig *r = disk_rig();
    uint8_t buf[512];

    (void)state;
    out(r, 6, 0xa0 | 3); /* cylinder 2, head 3, sector 5 */
    out(r, 2, 1);
    out(r, 3, 5);
    out(r, 4, 2);
    out(r, 5, 0);
    out(r, 7, 0x20);
    data_in(r, buf, 512, 2);
    assert_sectors(buf, (2 * 16 + 3) * 63 + 4, 1);
    out(r, 3, 0); /* there is no sector 0 */
    out(r, 7, 0x20);
    assert_error(r, 0, 0x10);
    out(r, 3, 64);
    out(r, 7, 0x20);
    assert_error(r, 0, 0x10);
    /* another translation: 4 heads, 17 sectors */
    out(r, 6, 0xa3);
    out(r, 2, 17);
    out(r, 7, 0x91);
    assert_int_equal(in(r, 7), DRDY | DSC);
    out(r, 2, 2);
    out(r, 3, 17);
    out(r, 4, 10);
    out(r, 7, 0x20); /* the last sector of a cylinder and the next one */
    data_in(r, buf, 512, 2);
    assert_sectors(buf, (10 * 4 + 3) * 17 + 16, 1);
    data_in(r, buf, 512, 2);
    assert_sectors(buf, 11 * 4 * 17, 1);
    assert_int_equal(in(r, 4), 11);
    assert_int_equal(in(r, 3), 1);
    assert_int_equal(in(r, 6), 0xa0);
    out(r, 6, 0xa4); /* head 4 of 4 */
    out(r, 7, 0x20);
    assert_error(r, 0, 0x10);
    out(r, 2, 0);
    out(r, 7, 0x91);
    assert_error(r, 0, 4);
    rig_free(r);
}

static void test_range(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    command28(r, 0, 0x20, SECTORS - 1, 2);
    assert_error(r, 0, 0x10);
    assert_int_equal(in(r, 3) | in(r, 4) << 8, SECTORS);
    command28(r, 0, 0xca, 0xfffffff, 1);
    assert_error(r, 0, 0x10);
    command48(r, 0, 0x25, 0xffffffffffff, 0);
    assert_error(r, 0, 0x10);
    command48(r, 0, 0x34, 1ull << 40, 1);
    assert_error(r, 0, 0x10);
    control(r, 0x80); /* the failing address, high half */
    assert_int_equal(in(r, 3), 0);
    assert_int_equal(in(r, 5), 1);
    control(r, 0);
    command28(r, 0, 0x40, SECTORS - 4, 4); /* verify to the very end */
    assert_int_equal(in(r, 7), DRDY | DSC);
    command28(r, 0, 0x70, SECTORS, 0);
    assert_error(r, 0, 0x10);
    command28(r, 0, 0x70, SECTORS - 1, 0);
    assert_int_equal(in(r, 7), DRDY | DSC);
    assert_int_equal(disk_image->writes, 0);
    rig_free(r);
}

static void test_hob(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    out(r, 3, 0x12);
    out(r, 3, 0x34);
    assert_int_equal(in(r, 3), 0x34);
    control(r, 0x80);
    assert_int_equal(in(r, 3), 0x12);
    out(r, 2, 1); /* any write takes HOB back */
    assert_int_equal(in(r, 3), 0x34);
    command48(r, 0, 0x27, 0, 0); /* READ NATIVE MAX ADDRESS EXT */
    assert_int_equal(in(r, 3) | in(r, 4) << 8, SECTORS - 1);
    control(r, 0x80);
    assert_int_equal(in(r, 3), 0);
    command28(r, 0, 0xf8, 0, 0);
    assert_int_equal(in(r, 3) | in(r, 4) << 8, SECTORS - 1);
    rig_free(r);
}

static void test_reset(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    rig_attach(r, 0, 1, PIIX_IDE_CD, NULL);
    command28(r, 0, 0x20, 0, 2);
    assert_true(r->irq[0]);
    out(r, 6, 0xb0);
    assert_false(r->irq[0]); /* INTRQ is the selected device's */
    out(r, 6, 0xa0);
    assert_true(r->irq[0]);
    control(r, 4);
    assert_false(r->irq[0]);
    assert_int_equal(in(r, 7), BSY);
    out(r, 7, 0xec);
    control(r, 0);
    assert_int_equal(in(r, 7), DRDY | DSC);
    assert_int_equal(in(r, 1), 1);
    assert_int_equal(in(r, 2), 1);
    assert_int_equal(in(r, 3), 1);
    assert_int_equal(in(r, 4), 0);
    assert_int_equal(in(r, 5), 0);
    out(r, 6, 0xb0);
    assert_int_equal(in(r, 7), 0);
    assert_int_equal(in(r, 1), 1);
    assert_int_equal(in(r, 4), 0x14);
    assert_int_equal(in(r, 5), 0xeb);
    /* diagnostics are for both, device 0 is then selected and interrupts */
    out(r, 4, 0);
    r->rose[0] = 0;
    out(r, 7, 0x90);
    assert_int_equal(r->rose[0], 1);
    assert_int_equal(in(r, 1), 1);
    assert_int_equal(in(r, 4), 0);
    assert_int_equal(in(r, 6) & 0x10, 0);
    out(r, 6, 0xb0);
    assert_int_equal(in(r, 4), 0x14);
    rig_free(r);
}

static void test_busy_protection(void **state)
{
    struct rig *r = disk_rig();
    uint8_t buf[512];

    (void)state;
    command28(r, 0, 0x20, 9, 1);
    out(r, 7, 0x30); /* commands and registers during DRQ are not taken */
    out(r, 3, 99);
    data_in(r, buf, 512, 2);
    assert_sectors(buf, 9, 1);
    assert_int_equal(in(r, 3), 9);
    command28(r, 0, 0x08, 0, 0); /* DEVICE RESET is for packet devices */
    assert_error(r, 0, 4);
    port_out(r, 0x1f0, 0xffff, 2);
    command28(r, 0, 0xff, 0, 0);
    assert_error(r, 0, 4);
    command28(r, 0, 0x00, 0, 0);
    assert_error(r, 0, 4);
    command28(r, 0, 0xa1, 0, 0);
    assert_error(r, 0, 4);
    /* a byte of the data register takes the word with it */
    command28(r, 0, 0x20, 9, 1);
    assert_int_equal(port_in(r, 0x1f0, 1), image_byte(9 * 512));
    assert_int_equal(port_in(r, 0x1f0, 2) & 0xff, image_byte(9 * 512 + 2));
    rig_free(r);
}

static void test_io_errors(void **state)
{
    struct rig *r = disk_rig();
    uint8_t buf[8 * 512];

    (void)state;
    disk_image->bad_from = 103 * 512;
    disk_image->bad_to = 104 * 512;
    command28(r, 0, 0x20, 101, 8);
    data_in(r, buf, 1024, 2); /* the good ones arrive */
    assert_sectors(buf, 101, 2);
    assert_error(r, 0, 0x40);
    assert_int_equal(in(r, 3), 103);
    command28(r, 0, 0xc6, 0, 8);
    command28(r, 0, 0xc4, 98, 8); /* in a block of eight: none of it, but the right address */
    assert_error(r, 0, 0x40);
    assert_int_equal(in(r, 3), 103);
    command28(r, 0, 0x40, 0, 200);
    assert_error(r, 0, 0x40);
    assert_int_equal(in(r, 3), 103);
    command48(r, 0, 0x34, 103, 1);
    memset(buf, 0, 512);
    data_out(r, buf, 512, 2);
    assert_error(r, DF, 4);
    assert_int_equal(in(r, 3), 103);
    assert_true(r->irq[0] || r->rose[0] > 0);
    disk_image->flush_rc = -EIO;
    command28(r, 0, 0xe7, 0, 0);
    assert_error(r, DF, 4);
    command28(r, 0, 0xe0, 0, 0); /* standby would lose data */
    assert_error(r, DF, 4);
    disk_image->block.readonly = true;
    command28(r, 0, 0x30, 0, 1);
    assert_error(r, 0, 4);
    rig_free(r);
}

static void test_durability(void **state)
{
    struct rig *r = disk_rig();
    uint8_t buf[512] = {1}, id[512];

    (void)state;
    command28(r, 0, 0x30, 5, 1);
    data_out(r, buf, 512, 2);
    assert_int_equal(disk_image->flushes, 0);
    command28(r, 0, 0xe7, 0, 0);
    assert_int_equal(disk_image->flushes, 1);
    command48(r, 0, 0xea, 0, 0);
    assert_int_equal(disk_image->flushes, 2);
    out(r, 1, 0x82); /* write cache off: flushed at once and after each write */
    command28(r, 0, 0xef, 0, 0);
    assert_int_equal(disk_image->flushes, 3);
    identify(r, 0, id);
    assert_int_equal(word(id, 85) & 0x20, 0);
    command28(r, 0, 0x30, 5, 1);
    data_out(r, buf, 512, 2);
    assert_int_equal(disk_image->flushes, 4);
    out(r, 1, 0x02);
    command28(r, 0, 0xef, 0, 0);
    identify(r, 0, id);
    assert_int_equal(word(id, 85) & 0x20, 0x20);
    /* FUA */
    prd(r, 0x1000, 0, 0x2000, 512, true);
    command48(r, 0, 0x3d, 6, 1);
    bm_start(r, 0x1000, false);
    assert_int_equal(in(r, 7), DRDY | DSC);
    assert_int_equal(disk_image->flushes, 5);
    command28(r, 0, 0xe0, 0, 0);
    assert_int_equal(disk_image->flushes, 6);
    rig_free(r);
}

static void test_set_features(void **state)
{
    struct rig *r = disk_rig();
    uint8_t id[512];

    (void)state;
    out(r, 1, 3);
    command28(r, 0, 0xef, 0, 0x22); /* multi-word DMA 2 */
    assert_int_equal(in(r, 7), DRDY | DSC);
    identify(r, 0, id);
    assert_int_equal(word(id, 63), 0x0407);
    command28(r, 0, 0xef, 0, 0x45); /* Ultra DMA 5 */
    identify(r, 0, id);
    assert_int_equal(word(id, 63), 0x0007);
    assert_int_equal(word(id, 88), 0x203f);
    command28(r, 0, 0xef, 0, 0x46);
    assert_error(r, 0, 4);
    command28(r, 0, 0xef, 0, 0x0c);
    assert_int_equal(in(r, 7), DRDY | DSC);
    out(r, 1, 0x77);
    command28(r, 0, 0xef, 0, 0);
    assert_error(r, 0, 4);
    rig_free(r);
}

static void test_power(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    command28(r, 0, 0xe5, 0, 0);
    assert_int_equal(in(r, 2), 0xff);
    command28(r, 0, 0xe0, 0, 0);
    command28(r, 0, 0xe5, 0, 0);
    assert_int_equal(in(r, 2), 0);
    command28(r, 0, 0xe3, 0, 12); /* idle, and standby after a minute */
    clock_advance_to(r->clock, 59 * NS_PER_SEC);
    command28(r, 0, 0xe5, 0, 0);
    assert_int_equal(in(r, 2), 0xff);
    clock_advance_to(r->clock, 60 * NS_PER_SEC);
    command28(r, 0, 0xe5, 0, 0);
    assert_int_equal(in(r, 2), 0);
    command28(r, 0, 0xe6, 0, 0); /* only a reset ends sleep */
    r->rose[0] = 0;
    command28(r, 0, 0xec, 0, 0);
    assert_int_equal(alt_status(r) & DRQ, 0);
    control(r, 4);
    control(r, 0);
    command28(r, 0, 0xec, 0, 0);
    assert_int_equal(in(r, 7), DRDY | DSC | DRQ);
    rig_free(r);
}

static void smart(struct rig *r, unsigned sub)
{
    out(r, 1, sub);
    command28(r, 0, 0xb0, 0xc24f00, 0);
}

static void test_smart(void **state)
{
    struct rig *r = disk_rig();
    uint8_t buf[512], sum = 0;

    (void)state;
    smart(r, 0xda);
    assert_int_equal(in(r, 7), DRDY | DSC);
    assert_int_equal(in(r, 4), 0x4f);
    assert_int_equal(in(r, 5), 0xc2);
    smart(r, 0xd0);
    data_in(r, buf, 512, 2);
    for (unsigned k = 0; k < 512; k++)
        sum = (uint8_t)(sum + buf[k]);
    assert_int_equal(sum, 0);
    assert_int_equal(buf[2], 1);
    smart(r, 0xd9);
    smart(r, 0xda);
    assert_error(r, 0, 4);
    smart(r, 0xd8);
    smart(r, 0xd1);
    assert_int_equal(in(r, 7), DRDY | DSC | DRQ);
    data_in(r, buf, 512, 2);
    out(r, 1, 0xd0);
    command28(r, 0, 0xb0, 0x123400, 0); /* without the key */
    assert_error(r, 0, 4);
    rig_free(r);
}

static void test_two_disks(void **state)
{
    struct rig *r = disk_rig();
    struct image *second = image_new(8 * 512);
    uint8_t buf[512], id0[512], id1[512];

    (void)state;
    memset(second->data, 0x77, 8 * 512);
    rig_attach(r, 0, 1, PIIX_IDE_DISK, second);
    command28(r, 1, 0x20, 7, 1);
    data_in(r, buf, 512, 2);
    assert_int_equal(buf[100], 0x77);
    command28(r, 0, 0x20, 7, 1);
    data_in(r, buf, 512, 2);
    assert_sectors(buf, 7, 1);
    identify(r, 0, id0);
    identify(r, 1, id1);
    assert_memory_not_equal(id0 + 20, id1 + 20, 20); /* serial numbers differ */
    assert_int_equal(word(id1, 60), 8);
    rig_free(r);
}

static void test_attach_errors(void **state)
{
    struct rig *r = disk_rig();
    struct block *tiny = block_new_memory(100);
    GError *err = NULL;

    (void)state;
    assert_false(piix_ide_attach(r->ide, 0, 0, PIIX_IDE_CD, NULL, NULL, &err));
    g_clear_error(&err);
    assert_false(piix_ide_attach(r->ide, 0, 1, PIIX_IDE_DISK, tiny, NULL, &err));
    g_clear_error(&err);
    assert_false(piix_ide_attach(r->ide, 0, 1, PIIX_IDE_DISK, NULL, NULL, &err));
    g_clear_error(&err);
    assert_false(piix_ide_change_medium(r->ide, 0, 0, tiny, true, NULL, &err));
    g_clear_error(&err);
    block_free(tiny);
    rig_free(r);
}

/* All state of the function, by its table: out of `from`, into `to`. */
static void copy_state(struct rig *to, struct rig *from)
{
    const struct device *s = piix_ide_device(from->ide), *d = piix_ide_device(to->ide);

    for (const struct state_field *f = s->type->fields; f->name; f++)
        memcpy((char *)d->self + f->offset, (char *)s->self + f->offset, f->size * f->count);
    d->type->post_load(d->self);
}

static void test_state(void **state)
{
    struct rig *a = disk_rig(), *b;
    uint8_t buf[3 * 512];
    const struct device *d;

    (void)state;
    b = disk_rig();
    /* in the middle of a PIO transfer */
    command28(a, 0, 0x20, 50, 3);
    data_in(a, buf, 700 & ~3, 4);
    copy_state(b, a);
    assert_true(b->irq[0]);
    assert_int_equal(in(b, 7), DRDY | DSC | DRQ);
    data_in(b, buf + 700, sizeof(buf) - 700, 4);
    assert_sectors(buf, 50, 3);
    /* with a DMA command waiting */
    prd(b, 0x1000, 0, 0x20000, 1024, true);
    control(a, 4);
    control(a, 0);
    command28(a, 0, 0xc8, 60, 2);
    copy_state(b, a);
    bm_start(b, 0x1000, true);
    assert_sectors(b->ram + 0x20000, 60, 2);
    /* damaged: the device starts afresh */
    d = piix_ide_device(b->ide);
    for (const struct state_field *f = d->type->fields; f->name; f++)
        if (strstr(f->name, "unit[0].s") || strstr(f->name, "unit[0].disk"))
            memset((char *)d->self + f->offset, 1, f->size);
    d->type->post_load(d->self);
    assert_int_equal(in(b, 7), DRDY | DSC);
    command28(b, 0, 0x20, 1, 1);
    data_in(b, buf, 512, 2);
    assert_sectors(buf, 1, 1);
    rig_free(a);
    rig_free(b);
}

/* Anything at all through the ports: nothing may break, and reads stay on the disk. */
static void test_noise(void **state)
{
    struct rig *r = disk_rig();
    GRand *rand = g_rand_new_with_seed(1);

    (void)state;
    rig_attach(r, 0, 1, PIIX_IDE_CD, image_new(100 * 2048 + 10));
    for (unsigned k = 0; k < RAM_SIZE; k += 4)
        *(uint32_t *)(void *)(r->ram + k) = g_rand_int(rand) & 0x000fffff;
    for (unsigned k = 0; k < 400000; k++) {
        uint32_t v = g_rand_int(rand), size = 1u << (v & 3) % 3;

        if (k % 1024 == 0)
            r->unsettled = g_rand_boolean(rand);
        if (r->unsettled && v >> 30 == 0)
            settle(r);
        v >>= 2;
        switch (v % 16) {
        case 0: port_out(r, 0x3f6, v >> 8, 1); break;
        case 1: port_out(r, BM_BASE + (v >> 4 & 15), v >> 8 & 0xfffff, size); break;
        case 2: port_in(r, 0x1f0 + (v >> 4 & 7), size); break;
        case 3: port_out(r, 0x1f7, v >> 4 & 1 ? 0xa0 : v >> 8, 1); break;
        case 4: port_out(r, 0x1f6, v >> 8, 1); break;
        case 5: data_in(r, &v, 4, 4); break;
        case 6:
            for (unsigned n = 0; n < 64; n++)
                data_in(r, &v, 4, 4);
            break;
        case 7:
            port_out(r, 0x3f6, 4, 1);
            port_out(r, 0x3f6, 0, 1);
            break;
        case 8: data_out(r, &v, 4, 4); break;
        default: port_out(r, 0x1f0 + (v >> 4 & 7), v >> 8 & 0xff, 1); break;
        }
    }
    g_rand_free(rand);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_space),
        cmocka_unit_test(test_piix4),
        cmocka_unit_test(test_identify),
        cmocka_unit_test(test_absent_devices),
        cmocka_unit_test(test_pio_read),
        cmocka_unit_test(test_pio_write),
        cmocka_unit_test(test_count_zero),
        cmocka_unit_test(test_multiple),
        cmocka_unit_test(test_chs),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_hob),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_busy_protection),
        cmocka_unit_test(test_io_errors),
        cmocka_unit_test(test_durability),
        cmocka_unit_test(test_set_features),
        cmocka_unit_test(test_power),
        cmocka_unit_test(test_smart),
        cmocka_unit_test(test_two_disks),
        cmocka_unit_test(test_attach_errors),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_noise),
    };
    return unit_main(tests);
}
