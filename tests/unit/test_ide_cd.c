/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ATAPI CD drive, driven by packets through ports (ATA/ATAPI-6, MMC-3, ECMA-130). */
#include "tests/unit/unit.h"

#include "tests/unit/ide_rig.h"

#define CD_SECTORS 500u

static struct image *img;

static struct rig *empty_rig(void)
{
    struct rig *r = rig_new(PIIX3_IDE);

    rig_attach(r, 0, 0, PIIX_IDE_CD, NULL);
    return r;
}

static uint8_t disc_byte(uint32_t off)
{
    return image_byte(off);
}

/* Sends a packet with this byte count limit and feature byte; the device then works on it. */
static void packet(struct rig *r, const uint8_t *cdb, unsigned limit, unsigned feature)
{
    out(r, 6, 0xa0);
    out(r, 1, feature);
    out(r, 4, limit & 0xff);
    out(r, 5, limit >> 8);
    out(r, 7, 0xa0);
    assert_int_equal(alt_status(r) & (BSY | DRQ), DRQ);
    assert_int_equal(in(r, 2) & 3, 1); /* command, to the device */
    assert_false(r->irq[0]);
    data_out(r, cdb, 12, 2);
}

/* A whole command by PIO into buf: returns how many bytes came, or -1 - sense key on an error. */
static int pio(struct rig *r, const uint8_t *cdb, void *buf, unsigned limit)
{
    unsigned got = 0, n;
    uint8_t st;

    packet(r, cdb, limit, 0);
    for (;;) {
        assert_true(r->irq[0]);
        st = in(r, 7);
        assert_false(r->irq[0]);
        assert_int_equal(st & BSY, 0);
        if (!(st & DRQ))
            break;
        assert_int_equal(in(r, 2) & 3, 2); /* data, to the host */
        n = in(r, 4) | (unsigned)in(r, 5) << 8;
        assert_true(n > 0);
        assert_true(n <= (limit ? limit : 0xfffe));
        data_in(r, (uint8_t *)buf + got, (n + 1) & ~1u, 2);
        got += n;
    }
    assert_int_equal(in(r, 2) & 3, 3); /* status */
    return st & ERR ? -1 - (in(r, 1) >> 4) : (int)got;
}

#define CDB(...) ((const uint8_t[12]){__VA_ARGS__})

/* Sense of the last error as key << 16 | asc << 8 | ascq. */
static unsigned sense(struct rig *r)
{
    uint8_t buf[20];

    assert_int_equal(pio(r, CDB(0x03, 0, 0, 0, 18), buf, 0xfffe), 18);
    return (unsigned)(buf[2] & 15) << 16 | buf[12] << 8 | buf[13];
}

static int test_ready(struct rig *r)
{
    return pio(r, CDB(0x00), NULL, 0);
}

static struct rig *cd_rig(void)
{
    struct rig *r = rig_new(PIIX3_IDE);

    img = image_new(CD_SECTORS * 2048u);
    image_number(img);
    rig_attach(r, 0, 0, PIIX_IDE_CD, img);
    assert_int_equal(test_ready(r), -1 - 6); /* power-on */
    assert_int_equal(test_ready(r), 0);
    return r;
}

static void assert_disc(const uint8_t *p, uint32_t lba, unsigned len)
{
    for (unsigned k = 0; k < len; k++)
        if (p[k] != disc_byte(lba * 2048 + k))
            fail_msg("byte %u from sector %u", k, lba);
}

static void test_identify(void **state)
{
    struct rig *r = cd_rig();
    uint8_t id[512], sum = 0;

    (void)state;
    command28(r, 0, 0xec, 0, 0); /* IDENTIFY DEVICE shows the signature */
    assert_int_equal(in(r, 7) & (ERR | DRQ), ERR);
    assert_int_equal(in(r, 1), 4);
    assert_int_equal(in(r, 4), 0x14);
    assert_int_equal(in(r, 5), 0xeb);
    command28(r, 0, 0x20, 0, 1);
    assert_int_equal(in(r, 7) & (ERR | DRQ), ERR);
    command28(r, 0, 0xa1, 0, 0);
    assert_int_equal(in(r, 7) & (ERR | DRQ), DRQ);
    data_in(r, id, 512, 2);
    for (unsigned k = 0; k < 512; k++)
        sum = (uint8_t)(sum + id[k]);
    assert_int_equal(sum, 0);
    assert_int_equal(id[0] | id[1] << 8, 0x85c0);
    assert_int_equal(id[99] & 3, 3); /* LBA, DMA */
    command28(r, 0, 0x08, 0, 0);
    assert_int_equal(in(r, 7), 0);
    assert_int_equal(in(r, 4), 0x14);
    rig_free(r);
}

/* A drive without a slave: nothing looks like a second one. */
static void test_no_slave(void **state)
{
    struct rig *r = cd_rig();

    (void)state;
    out(r, 6, 0xb0);
    assert_int_equal(in(r, 7), 0);
    out(r, 2, 0x55);
    assert_int_equal(in(r, 2), 0);
    control(r, 4);
    control(r, 0);
    assert_int_equal(in(r, 4), 0x14);
    out(r, 6, 0xb0);
    assert_int_equal(in(r, 4), 0);
    out(r, 7, 0xa1);
    assert_int_equal(in(r, 7), 0);
    rig_free(r);
}

static void test_power_on_attention(void **state)
{
    struct rig *r = rig_new(PIIX3_IDE);
    uint8_t buf[40];

    (void)state;
    rig_attach(r, 0, 0, PIIX_IDE_CD, image_new(2048 * 16));
    assert_int_equal(pio(r, CDB(0x12, 0, 0, 0, 36), buf, 0xfffe), 36); /* INQUIRY does not care */
    assert_int_equal(buf[0], 5);
    assert_int_equal(buf[1], 0x80);
    assert_int_equal(test_ready(r), -1 - 6);
    assert_int_equal(sense(r), 0x062900);
    assert_int_equal(sense(r), 0); /* told once */
    assert_int_equal(test_ready(r), 0);
    rig_free(r);
}

static void test_inquiry_sizes(void **state)
{
    struct rig *r = cd_rig();
    uint8_t buf[40];

    (void)state;
    memset(buf, 0xcc, sizeof(buf));
    assert_int_equal(pio(r, CDB(0x12, 0, 0, 0, 5), buf, 0xfffe), 5); /* an odd length */
    assert_int_equal(buf[4], 31);
    assert_int_equal(buf[6], 0xcc);
    assert_int_equal(pio(r, CDB(0x12), buf, 0xfffe), 0);
    assert_int_equal(pio(r, CDB(0x12, 0, 0, 0, 255), buf, 7), 36); /* by sixes */
    assert_memory_equal(buf + 8, "PENUMBRA", 8);
    assert_int_equal(pio(r, CDB(0x12, 1, 0x80, 0, 255), buf, 100), -1 - 5);
    assert_int_equal(sense(r), 0x052400);
    assert_int_equal(pio(r, CDB(0xf5), buf, 100), -1 - 5);
    assert_int_equal(sense(r), 0x052000);
    rig_free(r);
}

static void test_read_pio(void **state)
{
    static const unsigned limits[] = {0, 2048, 512, 0xffff, 0x8000, 3000, 129};
    struct rig *r = cd_rig();
    uint8_t *buf = g_malloc(70 * 2048);

    (void)state;
    for (unsigned k = 0; k < G_N_ELEMENTS(limits); k++) {
        memset(buf, 0, 70 * 2048);
        assert_int_equal(pio(r, CDB(0x28, 0, 0, 0, 1, 4, 0, 0, 70), buf, limits[k]), 70 * 2048);
        assert_disc(buf, 260, 70 * 2048);
    }
    assert_int_equal(pio(r, CDB(0xa8, 0, 0, 0, 0, 5, 0, 0, 0, 2), buf, 2048), 4096);
    assert_disc(buf, 5, 4096);
    assert_int_equal(pio(r, CDB(0x28, 0, 0, 0, 0, 5), buf, 2048), 0); /* no sectors: no error */
    assert_int_equal(pio(r, CDB(0x28, 0, 0, 0, 1, 0xf3, 0, 0, 2), buf, 2048), -1 - 5);
    assert_int_equal(sense(r), 0x052100);
    assert_int_equal(
        pio(r, CDB(0xa8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), buf, 2048), -1 - 5);
    assert_int_equal(pio(r, CDB(0x28, 0, 0, 0, 1, 0xf3, 0, 0, 1), buf, 2048), 2048);
    g_free(buf);
    rig_free(r);
}

static void test_read_dma(void **state)
{
    struct rig *r = cd_rig();

    (void)state;
    prd(r, 0x1000, 0, 0x20000, 0, false);
    prd(r, 0x1000, 1, 0x40000, 8192, false);
    prd(r, 0x1000, 2, 0x80000, 0, false);
    prd(r, 0x1000, 3, 0x90000, 0, true);
    packet(r, CDB(0x28, 0, 0, 0, 0, 9, 0, 0, 100), 0, 1);
    assert_false(r->irq[0]);
    bm_start(r, 0x1000, true);
    assert_int_equal(bm_status(r) & 7, 4);
    assert_true(r->irq[0]);
    assert_int_equal(in(r, 7) & (BSY | DRQ | ERR), 0);
    assert_int_equal(in(r, 2) & 3, 3);
    assert_disc(r->ram + 0x20000, 9, 0x10000);
    assert_disc(r->ram + 0x40000, 9 + 32, 8192);
    assert_disc(r->ram + 0x80000, 9 + 32 + 4, 0x20000);
    bm_stop(r);
    /* a short answer by DMA: the bus master stays active with more room */
    packet(r, CDB(0x12, 0, 0, 0, 36), 0, 1);
    bm_start(r, 0x1000, true);
    assert_int_equal(bm_status(r) & 7, 5);
    assert_memory_equal(r->ram + 0x20000 + 8, "PENUMBRA", 8);
    bm_stop(r);
    /* no data at all, in DMA mode */
    packet(r, CDB(0x00), 0, 1);
    assert_int_equal(in(r, 7) & (BSY | DRQ | ERR), 0);
    rig_free(r);
}

static void test_media_error(void **state)
{
    struct rig *r = cd_rig();
    uint8_t *buf = g_malloc(40 * 2048), s[18];

    (void)state;
    img->bad_from = 20 * 2048;
    img->bad_to = img->bad_from + 1;
    packet(r, CDB(0x28, 0, 0, 0, 0, 10, 0, 0, 20), 2048, 0);
    for (unsigned k = 0; k < 10; k++) {
        assert_int_equal(in(r, 7) & (DRQ | ERR), DRQ);
        data_in(r, buf, 2048, 2);
        assert_disc(buf, 10 + k, 2048);
    }
    assert_int_equal(in(r, 7) & (DRQ | ERR), ERR);
    assert_int_equal(in(r, 1) >> 4, 3);
    assert_int_equal(pio(r, CDB(3, 0, 0, 0, 18), s, 100), 18);
    assert_int_equal(s[0], 0xf0); /* with the address of the bad sector */
    assert_int_equal(s[6], 20);
    assert_int_equal(s[12], 0x11);
    g_free(buf);
    rig_free(r);
}

static void test_partial_last_sector(void **state)
{
    struct rig *r = rig_new(PIIX3_IDE);
    struct image *small = image_new(2048 * 3 + 512);
    uint8_t buf[4096];

    (void)state;
    image_number(small);
    rig_attach(r, 0, 0, PIIX_IDE_CD, small);
    test_ready(r);
    assert_int_equal(pio(r, CDB(0x25), buf, 100), 8);
    assert_int_equal(buf[3], 3);
    assert_int_equal(pio(r, CDB(0x28, 0, 0, 0, 0, 2, 0, 0, 2), buf, 2048), 4096);
    assert_disc(buf, 2, 2048 + 512);
    for (unsigned k = 2048 + 512; k < 4096; k++)
        assert_int_equal(buf[k], 0);
    rig_free(r);
}

static void test_toc(void **state)
{
    struct rig *r = cd_rig();
    uint8_t b[64];

    (void)state;
    assert_int_equal(pio(r, CDB(0x43, 0, 0, 0, 0, 0, 0, 0, 64), b, 100), 20);
    assert_int_equal(b[1], 18);
    assert_int_equal(b[2], 1);
    assert_int_equal(b[3], 1);
    assert_int_equal(b[5], 0x14);
    assert_int_equal(b[6], 1);
    assert_int_equal(b[14], 0xaa);
    assert_int_equal(b[18] << 8 | b[19], CD_SECTORS);
    assert_int_equal(pio(r, CDB(0x43, 2, 0, 0, 0, 0, 0xaa, 0, 64), b, 100), 12);
    /* 500 + 150 frames: 8 seconds and 50 frames */
    assert_int_equal(b[9], 0);
    assert_int_equal(b[10], 8);
    assert_int_equal(b[11], 50);
    assert_int_equal(pio(r, CDB(0x43, 0, 0, 0, 0, 0, 2, 0, 64), b, 100), -1 - 5);
    assert_int_equal(pio(r, CDB(0x43, 0, 0, 0, 0, 0, 0, 0, 64, 0x40), b, 100), 12); /* SFF */
    assert_int_equal(b[6], 1);
    assert_int_equal(pio(r, CDB(0x43, 0, 2, 0, 0, 0, 0, 0, 64), b, 100), 48);
    assert_int_equal(b[4 + 3], 0xa0);
    assert_int_equal(b[4 + 22 + 3], 0xa2);
    assert_int_equal(b[4 + 22 + 9], 8);
    assert_int_equal(b[4 + 33 + 3], 1);
    assert_int_equal(b[4 + 33 + 9], 2); /* track 1 starts at 00:02:00 */
    rig_free(r);
}

static void test_information(void **state)
{
    struct rig *r = cd_rig();
    uint8_t b[256];
    int n;

    (void)state;
    assert_int_equal(pio(r, CDB(0x51, 0, 0, 0, 0, 0, 0, 0, 64), b, 100), 34);
    assert_int_equal(b[2], 0x0e);
    assert_int_equal(pio(r, CDB(0x52, 1, 0, 0, 0, 1, 0, 0, 64), b, 100), 36);
    assert_int_equal(b[26] << 8 | b[27], CD_SECTORS);
    assert_int_equal(pio(r, CDB(0x42, 2, 0x40, 1, 0, 0, 0, 0, 64), b, 100), 16);
    assert_int_equal(b[3], 12);
    assert_int_equal(pio(r, CDB(0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8), b, 100), 8);
    n = pio(r, CDB(0x46, 0, 0, 0, 0, 0, 0, 0, 255), b, 300);
    assert_int_equal(b[3] + 4, n);
    assert_int_equal(b[7], 0x08); /* a CD is in the drive */
    n = pio(r, CDB(0x46, 2, 0, 0x1e, 0, 0, 0, 0, 255), b, 300);
    assert_int_equal(n, 16);
    assert_int_equal(b[9], 0x1e);
    assert_int_equal(b[10] & 1, 1);
    assert_int_equal(pio(r, CDB(0xad, 0, 0, 0, 0, 0, 0, 0, 0, 255), b, 300), -1 - 5);
    rig_free(r);
}

static void test_modes(void **state)
{
    struct rig *r = cd_rig();
    uint8_t b[256],
        list[24] = {0, 0, 0, 0, 0, 0, 0, 0, 0x0e, 14, 4, 0, 0, 0, 0, 0, 1, 0x40, 2, 0x50};

    (void)state;
    assert_int_equal(pio(r, CDB(0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 255), b, 300), 30);
    assert_int_equal(b[1], 28);
    assert_int_equal(b[2], 1);
    assert_int_equal(b[8], 0x2a);
    assert_int_equal(b[14] & 0xe9, 0x29);
    assert_int_equal(pio(r, CDB(0x1a, 0, 0x3f, 0, 255), b, 300), 4 + 8 + 8 + 16 + 22);
    assert_int_equal(b[0], 4 + 8 + 8 + 16 + 22 - 1);
    assert_int_equal(pio(r, CDB(0x5a, 0, 0x33, 0, 0, 0, 0, 0, 255), b, 300), -1 - 5);
    assert_int_equal(pio(r, CDB(0x5a, 0, 0xc1, 0, 0, 0, 0, 0, 255), b, 300), -1 - 5);
    assert_int_equal(sense(r), 0x053900);
    /* MODE SELECT: the volume */
    packet(r, CDB(0x55, 0x10, 0, 0, 0, 0, 0, 0, 24), 0xfffe, 0);
    assert_int_equal(in(r, 7) & DRQ, DRQ);
    assert_int_equal(in(r, 2) & 3, 0);
    data_out(r, list, 24, 2);
    assert_int_equal(in(r, 7) & (DRQ | ERR), 0);
    assert_int_equal(pio(r, CDB(0x5a, 0, 0x0e, 0, 0, 0, 0, 0, 255), b, 300), 24);
    assert_int_equal(b[17], 0x40);
    list[9] = 200; /* longer than what was sent */
    packet(r, CDB(0x55, 0x10, 0, 0, 0, 0, 0, 0, 24), 0xfffe, 0);
    data_out(r, list, 24, 2);
    assert_int_equal(in(r, 7) & (DRQ | ERR), ERR);
    assert_int_equal(sense(r), 0x052600);
    list[6] = 0xff; /* block descriptors beyond the end */
    packet(r, CDB(0x55, 0x10, 0, 0, 0, 0, 0, 0, 24), 10, 0);
    for (unsigned k = 0; k < 24; k += 2)
        data_out(r, list + k, 2, 2);
    assert_int_equal(in(r, 7) & (DRQ | ERR), ERR);
    assert_int_equal(sense(r), 0x051a00);
    rig_free(r);
}

static unsigned event(struct rig *r)
{
    uint8_t b[8];

    assert_int_equal(pio(r, CDB(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), b, 100), 8);
    assert_int_equal(b[2], 4);
    return (unsigned)b[4] << 8 | b[5];
}

static void test_change(void **state)
{
    struct rig *r = empty_rig();
    struct image *disc = image_new(2048 * 30);
    struct block *old;
    GError *err = NULL;
    uint8_t b[8];

    (void)state;
    assert_int_equal(test_ready(r), -1 - 6);
    assert_int_equal(test_ready(r), -1 - 2);
    assert_int_equal(sense(r), 0x023a01);
    assert_int_equal(event(r), 0x0000);
    block_attach(&disc->block, r->engine);
    assert_true(piix_ide_change_medium(r->ide, 0, 0, &disc->block, false, &old, NULL));
    assert_null(old);
    assert_int_equal(test_ready(r), -1 - 6);
    assert_int_equal(sense(r), 0x062800);
    assert_int_equal(test_ready(r), 0);
    assert_int_equal(event(r), 0x0202); /* new medium */
    assert_int_equal(event(r), 0x0002);
    assert_int_equal(pio(r, CDB(0x25), b, 100), 8);
    assert_int_equal(b[3], 29);
    /* a locked tray */
    assert_int_equal(pio(r, CDB(0x1e, 0, 0, 0, 1), b, 0), 0);
    assert_true(piix_ide_tray_locked(r->ide, 0, 0));
    assert_int_equal(pio(r, CDB(0x1b, 0, 0, 0, 2), b, 0), -1 - 5);
    assert_int_equal(sense(r), 0x055302);
    assert_false(piix_ide_change_medium(r->ide, 0, 0, NULL, false, &old, &err));
    g_clear_error(&err);
    assert_int_equal(event(r), 0x0102); /* somebody presses the button */
    assert_int_equal(pio(r, CDB(0x1e), b, 0), 0);
    /* the guest ejects; a reset of the machine does not close the tray */
    assert_int_equal(pio(r, CDB(0x1b, 0, 0, 0, 2), b, 0), 0);
    assert_true(piix_ide_tray_open(r->ide, 0, 0));
    assert_int_equal(test_ready(r), -1 - 2);
    assert_int_equal(sense(r), 0x023a02);
    assert_int_equal(event(r), 0x0301);
    device_reset(piix_ide_device(r->ide));
    assert_true(piix_ide_tray_open(r->ide, 0, 0));
    piix_ide_enable(r->ide);
    test_ready(r);
    assert_int_equal(pio(r, CDB(0x1b, 0, 0, 0, 3), b, 0), 0);
    assert_int_equal(test_ready(r), -1 - 6);
    assert_int_equal(test_ready(r), 0);
    assert_true(piix_ide_change_medium(r->ide, 0, 0, NULL, false, &old, NULL));
    assert_ptr_equal(old, &disc->block);
    block_free(old);
    assert_true(piix_ide_tray_open(r->ide, 0, 0)); /* as it is for whoever pressed the button */
    assert_int_equal(test_ready(r), -1 - 2);
    assert_int_equal(sense(r), 0x023a02);
    assert_int_equal(event(r), 0x0301);
    /* the guest closes it, empty as it is */
    assert_int_equal(pio(r, CDB(0x1b, 0, 0, 0, 3), b, 0), 0);
    assert_false(piix_ide_tray_open(r->ide, 0, 0));
    assert_int_equal(test_ready(r), -1 - 2);
    assert_int_equal(sense(r), 0x023a01);
    /* an empty one opens, too */
    assert_true(piix_ide_change_medium(r->ide, 0, 0, NULL, false, &old, NULL));
    assert_null(old);
    assert_true(piix_ide_tray_open(r->ide, 0, 0));
    rig_free(r);
}

static void test_change_during_read(void **state)
{
    struct rig *r = cd_rig();
    struct block *old;
    uint8_t buf[2048];
    unsigned n = 0;

    (void)state;
    packet(r, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 100), 2048, 0);
    data_in(r, buf, 2048, 2);
    assert_true(piix_ide_change_medium(r->ide, 0, 0, NULL, true, &old, NULL));
    block_free(old);
    while (in(r, 7) & DRQ) { /* what was read before, then the end */
        data_in(r, buf, 2048, 2);
        assert_true(++n < 100);
    }
    assert_int_equal(in(r, 7) & ERR, ERR);
    assert_int_equal(sense(r), 0x023a02);
    rig_free(r);
}

/* GF(2^8) with x^8+x^4+x^3+x^2+1. */
static uint8_t gf_mul(uint8_t a, uint8_t b)
{
    uint8_t v = 0;

    for (; b; b >>= 1, a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1d : 0)))
        if (b & 1)
            v ^= a;
    return v;
}

/* Syndromes of one code word of `n` bytes (data then its two parity bytes) must be zero. */
static void assert_word(const uint8_t *word, unsigned n)
{
    uint8_t s0 = 0, s1 = 0;

    for (unsigned k = 0; k < n; k++) {
        s0 ^= word[k];
        s1 = gf_mul(s1, 2) ^ word[k];
    }
    assert_int_equal(s0, 0);
    assert_int_equal(s1, 0);
}

static void test_raw_sector(void **state)
{
    struct rig *r = cd_rig();
    uint8_t s[2352 * 2], word[45];
    uint32_t crc = 0;

    (void)state;
    assert_int_equal(pio(r, CDB(0xbe, 0, 0, 0, 0, 100, 0, 0, 2, 0xf8), s, 0xfffe), 2352 * 2);
    assert_int_equal(s[0], 0);
    assert_int_equal(s[1], 0xff);
    assert_int_equal(s[11], 0);
    assert_int_equal(s[12], 0x00); /* 250 frames: 00:03:25 in BCD */
    assert_int_equal(s[13], 0x03);
    assert_int_equal(s[14], 0x25);
    assert_int_equal(s[15], 1);
    assert_disc(s + 16, 100, 2048);
    assert_int_equal(s[2352 + 14], 0x26);
    assert_disc(s + 2352 + 16, 101, 2048);
    for (unsigned k = 0; k < 2068; k++) { /* the EDC takes the remainder to zero */
        crc ^= s[k];
        for (unsigned n = 0; n < 8; n++)
            crc = crc >> 1 ^ (crc & 1 ? 0xd8018001u : 0);
    }
    assert_int_equal(crc, 0);
    for (unsigned v = 0; v < 86; v++) { /* P: 24 data bytes, 2 parity bytes, columns of 86 */
        for (unsigned k = 0; k < 26; k++)
            word[k] = s[12 + v + 86 * k];
        assert_word(word, 26);
    }
    for (unsigned v = 0; v < 52; v++) { /* Q: diagonals of 43, parity at the end */
        for (unsigned k = 0; k < 43; k++)
            word[k] = s[12 + ((v / 2 * 86 + v % 2) + 88 * k) % 2236];
        word[43] = s[2248 + v];
        word[44] = s[2248 + 52 + v];
        assert_word(word, 45);
    }
    rig_free(r);
}

static void test_read_cd(void **state)
{
    struct rig *r = cd_rig();
    uint8_t *b = g_malloc(100 * 2352);

    (void)state;
    assert_int_equal(pio(r, CDB(0xbe, 8, 0, 0, 0, 3, 0, 0, 2, 0x10), b, 0xfffe), 4096);
    assert_disc(b, 3, 4096);
    assert_int_equal(pio(r, CDB(0xbe, 0, 0, 0, 0, 3, 0, 0, 90, 0xf8), b, 0xfffe), 90 * 2352);
    for (unsigned k = 0; k < 90; k++)
        assert_disc(b + k * 2352 + 16, 3 + k, 2048);
    assert_int_equal(pio(r, CDB(0xbe, 0, 0, 0, 0, 3, 0, 0, 80, 0x20), b, 0xfffe), 320);
    assert_int_equal(b[319], 1);
    assert_int_equal(b[318], 0x07); /* frame 3 + 79 + 150 = 232: 00:03:07 */
    assert_int_equal(pio(r, CDB(0xbe, 0, 0, 0, 0, 3, 0, 0, 1, 0), b, 0xfffe), 0);
    assert_int_equal(pio(r, CDB(0xbe, 4, 0, 0, 0, 3, 0, 0, 1, 0xf8), b, 0xfffe), -1 - 5);
    assert_int_equal(sense(r), 0x056400); /* not an audio track */
    assert_int_equal(pio(r, CDB(0xbe, 0, 0, 0, 0, 3, 0, 0, 1, 0xf8, 1), b, 0xfffe), -1 - 5);
    /* from 00:02:03 up to 00:02:05 */
    assert_int_equal(pio(r, CDB(0xb9, 0, 0, 0, 2, 3, 0, 2, 5, 0x10), b, 0xfffe), 4096);
    assert_disc(b, 3, 4096);
    assert_int_equal(pio(r, CDB(0xb9, 0, 0, 0, 0, 3, 0, 2, 5, 0x10), b, 0xfffe), -1 - 5);
    g_free(b);
    rig_free(r);
}

static void test_dvd(void **state)
{
    struct rig *r = empty_rig();
    struct image *dvd = g_new0(struct image, 1);
    struct block_ops ops;
    struct image *small = image_new(2048);
    uint8_t *b = g_malloc(4096);

    (void)state;
    /* a big disc without the memory for it */
    *dvd = *small;
    ops = *small->block.ops;
    dvd->block.ops = &ops;
    dvd->block.size = 4700000000ull;
    dvd->bad_to = UINT64_MAX;
    block_attach(&dvd->block, r->engine);
    assert_true(piix_ide_change_medium(r->ide, 0, 0, &dvd->block, false, NULL, NULL));
    test_ready(r);
    test_ready(r);
    assert_int_equal(test_ready(r), 0);
    pio(r, CDB(0x46, 0, 0, 0, 0, 0, 0, 0, 255), b, 300);
    assert_int_equal(b[7], 0x10);
    assert_int_equal(pio(r, CDB(0xad, 0, 0, 0, 0, 0, 0, 0, 0x10, 0), b, 0xfffe), 2052);
    assert_int_equal(b[9], 3);
    assert_int_equal(pio(r, CDB(0xbe, 0, 0, 0, 0, 3, 0, 0, 1, 0xf8), b, 0xfffe), -1 - 5);
    assert_int_equal(pio(r, CDB(0x28, 0, 0, 0x20, 0, 0, 0, 0, 1), b, 0xfffe), -1 - 3);
    assert_true(piix_ide_change_medium(r->ide, 0, 0, NULL, true, NULL, NULL));
    block_detach(&dvd->block);
    g_free(dvd->block.name);
    g_free(dvd->data);
    g_free(dvd);
    g_free(small);
    g_free(b);
    rig_free(r);
}

static void test_overlap_refused(void **state)
{
    struct rig *r = cd_rig();

    (void)state;
    out(r, 1, 2); /* OVL */
    out(r, 7, 0xa0);
    assert_int_equal(in(r, 7) & (DRQ | ERR), ERR);
    /* DEVICE RESET gets a drive out of a packet that never comes */
    out(r, 1, 0);
    out(r, 7, 0xa0);
    assert_int_equal(in(r, 7) & DRQ, DRQ);
    out(r, 7, 0x08);
    assert_int_equal(in(r, 7), 0);
    assert_int_equal(test_ready(r), 0);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identify),
        cmocka_unit_test(test_no_slave),
        cmocka_unit_test(test_power_on_attention),
        cmocka_unit_test(test_inquiry_sizes),
        cmocka_unit_test(test_read_pio),
        cmocka_unit_test(test_read_dma),
        cmocka_unit_test(test_media_error),
        cmocka_unit_test(test_partial_last_sector),
        cmocka_unit_test(test_toc),
        cmocka_unit_test(test_information),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_change_during_read),
        cmocka_unit_test(test_raw_sector),
        cmocka_unit_test(test_read_cd),
        cmocka_unit_test(test_dvd),
        cmocka_unit_test(test_overlap_refused),
    };
    return unit_main(tests);
}
