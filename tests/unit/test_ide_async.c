/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IDE drives whose images take their time: what the registers say meanwhile, and what becomes of a
 * command when a reset, another medium or the end comes before its image has answered. ATA/ATAPI-6,
 * clauses 7.15 (BSY, DRQ) and 9.2 to 9.4 (resets).
 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/ide_rig.h"
#include "tests/unit/slow_block.h"

enum { TABLE = 0x1000, DATA = 0x20000 };

static struct rig *rig;
static struct slow_block *disk, *disc;

/* A disk as device 0, a CD drive as device 1. */
static int setup(void **state)
{
    (void)state;
    rig = rig_new_with(PIIX3_IDE, true);
    rig->unsettled = true;
    disk = slow_block_new(SECTORS * 512u);
    disc = slow_block_new(100 * 2048u);
    for (unsigned k = 0; k < SECTORS * 512u; k++)
        disk->data[k] = image_byte(k);
    memset(disc->data, 'c', 100 * 2048u);
    block_attach(&disk->block, rig->engine);
    block_attach(&disc->block, rig->engine);
    assert_true(piix_ide_attach(rig->ide, 0, 0, PIIX_IDE_DISK, &disk->block, "SLOW", NULL));
    assert_true(piix_ide_attach(rig->ide, 0, 1, PIIX_IDE_CD, &disc->block, NULL, NULL));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_free(rig);
    return 0;
}

/* The main loop until the selected device is idle. */
static void await_idle(void)
{
    while (alt_status(rig) & BSY)
        g_main_context_iteration(NULL, TRUE);
}

static void open_both(void)
{
    slow_block_open(disk);
    slow_block_open(disc);
}

static void test_read_pio(void **state)
{
    uint8_t buf[1024];

    (void)state;
    slow_block_close(disk);
    command28(rig, 0, 0x20, 7, 2);
    assert_int_equal(alt_status(rig), BSY);
    assert_int_equal(in(rig, 7), BSY);
    assert_false(rig->irq[0]);
    assert_int_equal(bus_read(rig->ports, 0x1f0, 2), 0); /* no data yet */
    out(rig, 7, 0xec);                                   /* nor another command */
    out(rig, 2, 99);
    slow_block_await(disk, 1);
    slow_block_open(disk);
    await_idle();
    assert_int_equal(alt_status(rig), DRDY | DSC | DRQ);
    assert_true(rig->irq[0]);
    data_in(rig, buf, 512, 2);
    await_idle();
    data_in(rig, buf + 512, 512, 2);
    assert_sectors(buf, 7, 2);
    assert_int_equal(in(rig, 7), DRDY | DSC);
    assert_int_equal(disk->reads, 2);
}

static void test_write_and_flush(void **state)
{
    uint8_t buf[512];

    (void)state;
    memset(buf, 'w', sizeof(buf));
    command28(rig, 0, 0x30, 9, 1);
    assert_int_equal(alt_status(rig), DRDY | DSC | DRQ); /* the first block needs no disk */
    slow_block_close(disk);
    data_out(rig, buf, 512, 2);
    assert_int_equal(alt_status(rig), BSY);
    slow_block_await(disk, 1);
    assert_int_not_equal(disk->data[9 * 512], 'w');
    slow_block_open(disk);
    await_idle();
    assert_true(rig->irq[0]);
    assert_int_equal(disk->data[9 * 512], 'w');
    /* a flush is told when the image's has returned, and not before */
    in(rig, 7);
    slow_block_close(disk);
    command28(rig, 0, 0xe7, 0, 0);
    slow_block_await(disk, 1);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    assert_int_equal(alt_status(rig), BSY);
    assert_false(rig->irq[0]);
    assert_int_equal(disk->flushes, 0);
    slow_block_open(disk);
    await_idle();
    assert_int_equal(in(rig, 7), DRDY | DSC);
    assert_int_equal(disk->flushes, 1);
    assert_int_equal(disk->flushed_writes, 1);
}

/* A cache that is off: the write itself is told when it is durable. */
static void test_write_through(void **state)
{
    uint8_t buf[512] = {1};

    (void)state;
    out(rig, 1, 0x82);
    command28(rig, 0, 0xef, 0, 0);
    await_idle();
    assert_int_equal(disk->flushes, 1);
    command28(rig, 0, 0x30, 9, 1);
    data_out(rig, buf, 512, 2);
    await_idle();
    assert_int_equal(disk->flushes, 2);
    assert_int_equal(disk->flushed_writes, 1);
    slow_block_fail(disk, -EIO, 1);
    command28(rig, 0, 0xe7, 0, 0);
    await_idle();
    assert_error(rig, DF, 4);
}

static void test_dma(void **state)
{
    (void)state;
    prd(rig, TABLE, 0, DATA, 0, false); /* 64 KiB */
    prd(rig, TABLE, 1, DATA + 0x10000, 0x8000, true);
    slow_block_close(disk);
    command28(rig, 0, 0xc8, 100, 192);
    bm_start(rig, TABLE, true);
    assert_int_equal(bm_status(rig) & 7, 1); /* active */
    slow_block_await(disk, 1);
    slow_block_open(disk);
    await_idle();
    assert_int_equal(bm_status(rig) & 7, 4);
    assert_true(rig->irq[0]);
    assert_sectors(rig->ram + DATA, 100, 192);
    /* the driver gives up: the data stays in the drive */
    memset(rig->ram + DATA, 0xee, 512);
    prd(rig, TABLE, 0, DATA, 512, true);
    slow_block_close(disk);
    command28(rig, 0, 0xc8, 5, 1);
    bm_start(rig, TABLE, true);
    bm_stop(rig);
    slow_block_open(disk);
    await_idle();
    assert_int_equal(rig->ram[DATA], 0xee);
    assert_int_equal(bm_status(rig) & 1, 0);
    assert_int_equal(alt_status(rig) & DRQ, DRQ);
    bm_start(rig, TABLE, true);
    assert_sectors(rig->ram + DATA, 5, 1);
}

static void test_verify(void **state)
{
    (void)state;
    command28(rig, 0, 0x40, 0, 0); /* 256 sectors: two buffers */
    assert_int_equal(alt_status(rig), BSY);
    await_idle();
    assert_int_equal(in(rig, 7), DRDY | DSC);
    assert_int_equal(disk->reads, 2);
    /* after an error sector by sector, to tell which it was: the third */
    slow_block_fail(disk, -EIO, 1);
    command28(rig, 0, 0x40, 50, 4);
    while (disk->reads < 3)
        block_engine_drain(rig->engine);
    await_idle();
    assert_error(rig, 0, 0x40);
    assert_int_equal(in(rig, 3), 53); /* the one that was left: all others can be read by now */
    assert_int_equal(disk->reads, 6);
}

/* SRST: the device stays busy until its image has answered, and says nothing of the command. */
static void test_software_reset(void **state)
{
    uint8_t buf[512];

    (void)state;
    slow_block_close(disk);
    command28(rig, 0, 0x20, 7, 1);
    slow_block_await(disk, 1);
    control(rig, 4);
    control(rig, 0);
    assert_int_equal(alt_status(rig), BSY);
    control(rig, 4); /* again */
    control(rig, 0);
    slow_block_open(disk);
    await_idle();
    assert_int_equal(alt_status(rig), DRDY | DSC);
    assert_false(rig->irq[0]);
    assert_int_equal(in(rig, 1), 1); /* passed */
    assert_int_equal(in(rig, 2), 1);
    assert_int_equal(in(rig, 3), 1);
    assert_int_equal(disk->reads, 1);
    command28(rig, 0, 0x20, 8, 1);
    await_idle();
    data_in(rig, buf, 512, 2);
    assert_sectors(buf, 8, 1);
}

/* EXECUTE DEVICE DIAGNOSTIC to the other device, which is not busy. */
static void test_diagnostic(void **state)
{
    (void)state;
    slow_block_close(disk);
    command28(rig, 0, 0x20, 7, 1);
    slow_block_await(disk, 1);
    out(rig, 6, 0x10);
    out(rig, 7, 0x90);
    assert_int_equal(alt_status(rig), BSY); /* device 0 reports */
    assert_false(rig->irq[0]);
    slow_block_open(disk);
    await_idle();
    assert_int_equal(alt_status(rig), DRDY | DSC);
    assert_true(rig->irq[0]);
    assert_int_equal(in(rig, 1), 1);
}

/* READ(10) of `count` sectors by PIO, up to its command packet. */
static void start_cd_read(unsigned count)
{
    uint8_t cdb[12] = {0x28, 0, 0, 0, 0, 10, 0, 0, (uint8_t)count};

    out(rig, 6, 0x10);
    out(rig, 1, 0);
    out(rig, 4, 0x00);
    out(rig, 5, 0x08); /* 2048 bytes at once */
    out(rig, 7, 0xa0);
    data_out(rig, cdb, 12, 2);
}

/* Takes the unit attention of the reset away. */
static void calm_cd(void)
{
    start_cd_read(1);
    await_idle();
}

static void test_cd_read(void **state)
{
    uint8_t buf[2048];

    (void)state;
    calm_cd();
    slow_block_close(disc);
    start_cd_read(1);
    assert_int_equal(alt_status(rig), BSY);
    slow_block_await(disc, 1);
    slow_block_open(disc);
    await_idle();
    assert_int_equal(in(rig, 2) & 3, 2); /* data to the host */
    data_in(rig, buf, 2048, 2);
    assert_int_equal(buf[2047], 'c');
    assert_int_equal(in(rig, 7), DRDY | DSC);
}

static void test_device_reset(void **state)
{
    (void)state;
    calm_cd();
    slow_block_close(disc);
    start_cd_read(1);
    slow_block_await(disc, 1);
    out(rig, 7, 0x08);
    assert_int_equal(alt_status(rig), BSY);
    slow_block_open(disc);
    await_idle();
    assert_int_equal(alt_status(rig), 0);
    assert_int_equal(in(rig, 4), 0x14);
    assert_int_equal(in(rig, 5), 0xeb);
    assert_int_equal(in(rig, 6) & 0x10, 0x10); /* it stays selected */
}

/* The tray opens under the laser: what was asked for comes, then the end. */
static void test_other_medium(void **state)
{
    struct block *old;

    (void)state;
    calm_cd();
    start_cd_read(2);
    assert_true(piix_ide_change_medium(rig->ide, 0, 1, NULL, true, &old, NULL));
    assert_ptr_equal(old, &disc->block);
    block_free(old); /* nobody works on it any more */
    disc = NULL;
    assert_int_equal(alt_status(rig) & (BSY | DRQ), DRQ);
    while (alt_status(rig) & DRQ) {
        uint8_t buf[2048];

        data_in(rig, buf, 2048, 2);
        await_idle();
    }
}

/* The same while a failed read waits for the machine to go on. */
static void test_other_medium_after_stop(void **state)
{
    struct block *old;

    (void)state;
    calm_cd();
    block_set_error_policy(&disc->block, BLOCK_ERROR_STOP, BLOCK_ERROR_STOP);
    slow_block_fail(disc, -EIO, 1);
    start_cd_read(1);
    block_engine_drain(rig->engine);
    assert_int_equal(alt_status(rig), BSY);
    assert_true(piix_ide_change_medium(rig->ide, 0, 1, NULL, true, &old, NULL));
    block_free(old);
    assert_int_equal(alt_status(rig) & (BSY | ERR), ERR);
}

static void test_hard_reset(void **state)
{
    uint8_t buf[512];

    (void)state;
    block_set_error_policy(&disk->block, BLOCK_ERROR_STOP, BLOCK_ERROR_STOP);
    slow_block_fail(disk, -EIO, 1);
    command28(rig, 0, 0xc8, 7, 1);
    block_engine_drain(rig->engine); /* as the board does; it waits for the machine to go on */
    assert_int_equal(alt_status(rig), BSY);
    device_reset(piix_ide_device(rig->ide));
    piix_ide_enable(rig->ide);
    assert_int_equal(alt_status(rig), DRDY | DSC);
    block_engine_retry(rig->engine); /* nobody wants it any more */
    block_engine_drain(rig->engine);
    assert_int_equal(alt_status(rig), DRDY | DSC);
    command28(rig, 0, 0x20, 3, 1);
    await_idle();
    data_in(rig, buf, 512, 2);
    assert_sectors(buf, 3, 1);
}

static void test_end(void **state)
{
    (void)state;
    command28(rig, 0, 0x40, 0, 0);
    start_cd_read(3);
    /* teardown frees the function with both under way */
}

/* Any order of accesses, the images sometimes fast and sometimes slow, some errors. */
static void test_noise(void **state)
{
    GRand *rand = g_rand_new_with_seed(7);

    (void)state;
    for (unsigned k = 0; k < RAM_SIZE; k += 4)
        *(uint32_t *)(void *)(rig->ram + k) = g_rand_int(rand) & 0x000fffff;
    for (unsigned k = 0; k < 60000; k++) {
        uint32_t v = g_rand_int(rand);

        switch (v % 16) {
        case 0: control(rig, v >> 8 & 0x82); break;
        case 1: bus_write(rig->ports, BM_BASE + (v >> 4 & 15), v >> 8 & 0xfffff, 1); break;
        case 2: bus_read(rig->ports, 0x1f0 + (v >> 4 & 7), 1); break;
        case 3: out(rig, 7, v >> 4 & 1 ? 0xa0 : v >> 8 & 0xff); break;
        case 4: out(rig, 6, v >> 8 & 0xff); break;
        case 5:
        case 6:
            for (unsigned n = 0; n < 128; n++)
                data_in(rig, &v, 4, 4);
            break;
        case 7:
            control(rig, 4);
            control(rig, 0);
            break;
        case 8: data_out(rig, &v, 4, 4); break;
        case 9: g_main_context_iteration(NULL, FALSE); break;
        case 10: slow_block_fail(disk, -EIO, v >> 8 & 1); break;
        case 11: v >> 8 & 1 ? slow_block_close(disk) : slow_block_open(disk); break;
        case 12:
            command28(rig, v >> 8 & 1, v >> 9 & 1 ? 0xc8 : 0xca, v >> 16 & 1023, v & 15);
            break;
        default: out(rig, v >> 4 & 7, v >> 8 & 0xff); break;
        }
        if (k % 1000 == 0) {
            open_both();
            block_engine_drain(rig->engine);
        }
    }
    open_both();
    g_rand_free(rand);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_read_pio),
        TEST(test_write_and_flush),
        TEST(test_write_through),
        TEST(test_dma),
        TEST(test_verify),
        TEST(test_software_reset),
        TEST(test_diagnostic),
        TEST(test_cd_read),
        TEST(test_device_reset),
        TEST(test_other_medium),
        TEST(test_other_medium_after_stop),
        TEST(test_hard_reset),
        TEST(test_end),
        TEST(test_noise),
    };

    return unit_main(tests);
}
