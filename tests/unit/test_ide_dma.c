/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bus-master transfers of the PIIX IDE function, driven through ports (PIIX3 datasheet; Programming
 * Interface for Bus Master IDE Controller 1.0).
 */
#include "tests/unit/unit.h"

#include "tests/unit/ide_rig.h"

#include <errno.h>

static void test_dma_read(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    /* odd-sized pieces, one with count 0 for 64 KiB, the order not that of memory */
    prd(r, 0x1000, 0, 0x80000, 2, false);
    prd(r, 0x1000, 1, 0x20000, 0, false);
    prd(r, 0x1000, 2, 0x70000, 510, true);
    command28(r, 0, 0xc8, 40, 129);
    assert_int_equal(r->rose[0], 0);
    assert_int_equal(alt_status(r) & (BSY | DRQ), DRQ);
    bm_start(r, 0x1000, true);
    assert_int_equal(r->rose[0], 1);
    assert_int_equal(bm_status(r) & 7, 4); /* interrupt, no error, not active */
    assert_int_equal(in(r, 7), DRDY | DSC);
    assert_false(r->irq[0]);
    bm_stop(r);
    assert_int_equal(r->ram[0x80000], image_byte(40 * 512));
    assert_int_equal(r->ram[0x80001], image_byte(40 * 512 + 1));
    for (unsigned k = 0; k < 0x10000; k++)
        if (r->ram[0x20000 + k] != image_byte(40 * 512 + 2 + k))
            fail_msg("byte %u", k);
    assert_int_equal(r->ram[0x30000], 0);
    assert_int_equal(r->ram[0x70000 + 509], image_byte(169 * 512 - 1));
    assert_int_equal(r->ram[0x70000 + 510], 0);
    port_out(r, BM_BASE + 2, 4, 1);
    assert_int_equal(bm_status(r) & 4, 0);
    rig_free(r);
}

static void test_dma_start_first(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    /* the bus master waits for the command */
    prd(r, 0x1000, 0, 0x20000, 1024, true);
    bm_start(r, 0x1000, true);
    assert_int_equal(bm_status(r) & 7, 1);
    command48(r, 0, 0x25, 8, 2);
    assert_int_equal(bm_status(r) & 7, 4);
    assert_true(r->irq[0]);
    assert_sectors(r->ram + 0x20000, 8, 2);
    rig_free(r);
}

static void test_dma_write(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    for (unsigned k = 0; k < 300 * 512; k++)
        r->ram[0x10000 + k] = (uint8_t)(k * 13 + k / 512);
    prd(r, 0x1000, 0, 0x10000, 0, false);
    prd(r, 0x1000, 1, 0x20000, 0, false);
    prd(r, 0x1000, 2, 0x30000, 300 * 512 - 0x20000, true);
    command48(r, 0, 0x35, 1000, 300);
    bm_start(r, 0x1000, false);
    assert_int_equal(bm_status(r) & 7, 4);
    assert_int_equal(in(r, 7), DRDY | DSC);
    assert_memory_equal(disk_image->data + 1000 * 512, r->ram + 0x10000, 300 * 512);
    assert_int_equal(disk_image->data[1300 * 512], image_byte(1300 * 512));
    rig_free(r);
}

static void test_dma_sizes(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    /* table longer than the transfer: interrupt while active */
    prd(r, 0x1000, 0, 0x20000, 4096, true);
    command28(r, 0, 0xc8, 1, 1);
    bm_start(r, 0x1000, true);
    assert_int_equal(bm_status(r) & 7, 5);
    assert_int_equal(in(r, 7), DRDY | DSC);
    bm_stop(r);
    assert_int_equal(bm_status(r) & 1, 0);
    /* table shorter: the bus master ends, the device still wants service and is silent */
    r->rose[0] = 0;
    prd(r, 0x1000, 0, 0x20000, 512, true);
    command28(r, 0, 0xc8, 1, 2);
    bm_start(r, 0x1000, true);
    assert_int_equal(bm_status(r) & 7, 0);
    assert_int_equal(r->rose[0], 0);
    assert_int_equal(alt_status(r) & DRQ, DRQ);
    bm_stop(r);
    /* and goes on where it stood when the host gives it more */
    bm_start(r, 0x1000, true);
    assert_int_equal(bm_status(r) & 7, 4);
    assert_sectors(r->ram + 0x20000, 2, 1);
    rig_free(r);
}

static void test_dma_bad(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    /* table outside RAM */
    command28(r, 0, 0xc8, 1, 1);
    bm_start(r, 0xfffffff8u, true);
    assert_int_equal(bm_status(r) & 7, 2);
    assert_int_equal(r->rose[0], 0);
    control(r, 4);
    control(r, 0);
    bm_stop(r);
    /* region across the end of RAM */
    prd(r, 0x1000, 0, RAM_SIZE - 512, 1024, true);
    command28(r, 0, 0xca, 1, 2);
    bm_start(r, 0x1000, false);
    assert_int_equal(bm_status(r) & 7, 2);
    assert_int_equal(disk_image->writes, 0);
    control(r, 4);
    control(r, 0);
    bm_stop(r);
    /* a table without an end: stops at the 64 KiB line */
    for (unsigned k = 0; k < 0x10000 / 8; k++)
        prd(r, 0x10000, k, 0x20000, 2, false);
    command28(r, 0, 0xc8, 0, 200);
    bm_start(r, 0x10000, true);
    assert_int_equal(bm_status(r) & 7, 2);
    control(r, 4);
    control(r, 0);
    bm_stop(r);
    /* wrong direction: nothing moves */
    prd(r, 0x1000, 0, 0x20000, 512, true);
    command28(r, 0, 0xca, 1, 1);
    bm_start(r, 0x1000, true);
    assert_int_equal(bm_status(r) & 7, 1);
    assert_int_equal(disk_image->writes, 0);
    control(r, 4);
    control(r, 0);
    bm_stop(r);
    /* no bus mastering */
    pci_config_write(r->pci, 0, DEVFN, 4, 1, 2);
    command28(r, 0, 0xc8, 1, 1);
    bm_start(r, 0x1000, true);
    assert_int_equal(bm_status(r) & 7, 2);
    rig_free(r);
}

static void test_dma_io_error(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    disk_image->bad_from = 70 * 512 + 5;
    disk_image->bad_to = disk_image->bad_from + 1;
    prd(r, 0x1000, 0, 0x20000, 0, true);
    command48(r, 0, 0x25, 60, 100);
    bm_start(r, 0x1000, true);
    assert_int_equal(r->rose[0], 1);
    assert_int_equal(bm_status(r) & 4, 4);
    assert_error(r, 0, 0x40);
    assert_int_equal(in(r, 3), 70);
    assert_sectors(r->ram + 0x20000, 60, 10); /* what could be read is there */
    bm_stop(r);
    command48(r, 0, 0x35, 60, 100);
    bm_start(r, 0x1000, false);
    assert_error(r, DF, 4);
    rig_free(r);
}

static void test_bm_registers(void **state)
{
    struct rig *r = disk_rig();

    (void)state;
    port_out(r, BM_BASE + 4, 0xffffffff, 4);
    assert_int_equal(port_in(r, BM_BASE + 4, 4), 0xfffffffc);
    port_out(r, BM_BASE + 2, 0xff, 1);
    assert_int_equal(bm_status(r), 0x60);
    assert_int_equal(port_in(r, BM_BASE, 4), 0x00600000);
    port_out(r, BM_BASE + 8 + 4, 0x12345678, 4);
    assert_int_equal(port_in(r, BM_BASE + 12, 4), 0x12345678);
    assert_int_equal(port_in(r, BM_BASE + 4, 4), 0xfffffffc);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dma_read),     cmocka_unit_test(test_dma_start_first),
        cmocka_unit_test(test_dma_write),    cmocka_unit_test(test_dma_sizes),
        cmocka_unit_test(test_dma_bad),      cmocka_unit_test(test_dma_io_error),
        cmocka_unit_test(test_bm_registers),
    };
    return unit_main(tests);
}
