/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flash chip as firmware's driver uses it (Intel StrataFlash J3 datasheet 290667; JESD68.01),
 * and what is in its image when. The image takes its time where that counts.
 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/clock.h"
#include "devices/storage/pflash.h"
#include "tests/unit/slow_block.h"

enum { BASE = 0x10000, SIZE = 0x5000 };
enum { READY = 0x80, ERASE_ERROR = 0x20, PROGRAM_ERROR = 0x10, LOCKED = 2 };

static struct bus *mmio;
static struct vclock *vclock;
static struct block_engine *engine;
static struct slow_block *image;
static struct pflash *flash;
static void *shown; /* what loads find; NULL: MMIO */

static void show(void *opaque, void *hva)
{
    assert_ptr_equal(opaque, &shown);
    assert_null(shown);
    shown = hva;
}

static void hide(void *opaque)
{
    assert_ptr_equal(opaque, &shown);
    assert_non_null(shown);
    shown = NULL;
}

static void make(void)
{
    struct pflash_config cfg = {.name = "flash",
                                .mmio = mmio,
                                .clock = vclock,
                                .base = BASE,
                                .block = &image->block,
                                .opaque = &shown,
                                .show = show,
                                .hide = hide};

    flash = pflash_new(&cfg, NULL);
    assert_non_null(flash);
    assert_null(shown);
    device_reset(pflash_device(flash));
    assert_ptr_equal(shown, pflash_memory(flash));
}

static int setup(void **state)
{
    struct block_engine_config cfg = {0};

    (void)state;
    mmio = bus_new("memory", 0xffffffff);
    vclock = clock_new_manual();
    engine = block_engine_new(&cfg);
    image = slow_block_new(SIZE);
    for (unsigned k = 0; k < SIZE; k++)
        image->data[k] = (uint8_t)(k < 0x1000 ? 0xff : k * 7);
    block_attach(&image->block, engine);
    make();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(pflash_device(flash));
    assert_null(shown);
    block_free(&image->block);
    block_engine_free(engine);
    clock_free(vclock);
    bus_free(mmio);
    return 0;
}

static void wr(unsigned off, unsigned v)
{
    bus_write(mmio, BASE + off, v, 1);
}

/* As a guest's load: memory, where there is some. */
static unsigned rd(unsigned off)
{
    return shown ? ((uint8_t *)shown)[off] : (unsigned)bus_read(mmio, BASE + off, 1);
}

/* Polls as a driver does, while the main loop runs. */
static unsigned await_ready(void)
{
    unsigned sr;

    while (!((sr = rd(0)) & READY))
        g_main_context_iteration(NULL, TRUE);
    return sr;
}

static void test_reads_as_memory(void **state)
{
    (void)state;
    assert_memory_equal(shown, image->data, SIZE);
    wr(0, 0xff);
    assert_int_equal(rd(0x1001), (uint8_t)(0x1001 * 7));
    /* by the bus as well, in any width */
    assert_int_equal(bus_read(mmio, BASE + 0x1002, 4), *(uint32_t *)(image->data + 0x1002));
    assert_int_equal(image->writes, 0);
}

/* OVMF's QemuFlashDetected: what it tells flash from RAM and ROM by. */
static void test_detection(void **state)
{
    (void)state;
    wr(0x1001, 0x50);
    assert_int_equal(rd(0x1001), (uint8_t)(0x1001 * 7)); /* the same: no RAM */
    wr(0x1001, 0x70);
    assert_null(shown);
    assert_int_equal(rd(0x1001), 0x00); /* neither the same nor 70 */
    wr(0x1001, 0xff);
    assert_non_null(shown);
}

static void test_program(void **state)
{
    (void)state;
    wr(3, 0x40);
    wr(3, 0x5a);
    assert_int_equal(await_ready(), READY);
    assert_int_equal(image->data[3], 0x5a);
    assert_true(image->flushed_writes); /* durably */
    /* bits are only cleared */
    wr(3, 0x10);
    wr(3, 0xf0);
    assert_int_equal(await_ready(), READY);
    wr(0, 0xff);
    assert_int_equal(rd(3), 0x50);
    assert_int_equal(rd(2), 0xff);
    assert_int_equal(image->data[3], 0x50);
}

static void test_erase(void **state)
{
    (void)state;
    wr(0x1234, 0x20);
    wr(0x1234, 0xd0);
    assert_int_equal(await_ready(), READY);
    wr(0, 0xff);
    for (unsigned k = 0x1000; k < 0x2000; k++) {
        assert_int_equal(rd(k), 0xff);
        assert_int_equal(image->data[k], 0xff);
    }
    assert_int_equal(rd(0x2000), (uint8_t)(0x2000 * 7));
    /* something else than the confirmation */
    wr(0x2000, 0x20);
    wr(0x2000, 0xff);
    assert_int_equal(rd(0), READY | ERASE_ERROR | PROGRAM_ERROR);
    wr(0, 0x50);
    wr(0, 0x70);
    assert_int_equal(rd(0), 0);
    wr(0, 0xff);
    assert_int_equal(rd(0x2000), (uint8_t)(0x2000 * 7));
}

static void test_buffer(void **state)
{
    (void)state;
    wr(0x100, 0xe8);
    assert_int_equal(rd(0x100), READY); /* there is a buffer */
    wr(0x100, 3);                       /* of one more */
    for (unsigned k = 0; k < 4; k++)
        wr(0x103 - k, 0x10 + k);
    wr(0x100, 0xd0);
    assert_int_equal(await_ready(), READY);
    assert_memory_equal(image->data + 0xff, "\xff\x13\x12\x11\x10\xff", 6);
    /* a byte that lies elsewhere, a wrong end */
    wr(0x200, 0xe8);
    wr(0x200, 1);
    wr(0x2ff, 0);
    wr(0x300, 0);
    assert_int_equal(rd(0), READY | ERASE_ERROR | PROGRAM_ERROR);
    wr(0, 0x50);
    wr(0x200, 0xe8);
    wr(0x200, 0);
    wr(0x200, 0);
    wr(0x200, 0xff);
    assert_int_equal(rd(0), READY | ERASE_ERROR | PROGRAM_ERROR);
    wr(0, 0xff);
    for (unsigned k = 0x200; k < 0x400; k++)
        assert_int_equal(rd(k), 0xff);
}

static void test_locks(void **state)
{
    (void)state;
    wr(0, 0x90);
    assert_int_equal(rd(0), 0x89);
    assert_int_equal(rd(1), 0x18);
    assert_int_equal(rd(2), 0);
    wr(0, 0x60);
    wr(0, 0x01);
    assert_int_equal(rd(0), READY);
    wr(0, 0x90);
    assert_int_equal(rd(2), 1);
    assert_int_equal(rd(0x1002), 0);
    wr(5, 0x40);
    wr(5, 0);
    assert_int_equal(rd(0), READY | PROGRAM_ERROR | LOCKED);
    wr(0, 0x50);
    wr(5, 0x20);
    wr(5, 0xd0);
    assert_int_equal(rd(0), READY | ERASE_ERROR | LOCKED);
    wr(0, 0x50);
    wr(0x10, 0xe8);
    wr(0x10, 0);
    wr(0x10, 0);
    wr(0x10, 0xd0);
    assert_int_equal(rd(0), READY | PROGRAM_ERROR | LOCKED);
    wr(0, 0x50);
    wr(0, 0x60);
    wr(0, 0xd0);
    wr(5, 0x40);
    wr(5, 0);
    assert_int_equal(await_ready(), READY);
    assert_int_equal(image->data[5], 0);
    assert_int_equal(image->data[0x10], 0xff);
    wr(0, 0x60);
    wr(0, 0x01);
    device_reset(pflash_device(flash));
    wr(0, 0x90);
    assert_int_equal(rd(2), 0);
}

static void test_query(void **state)
{
    uint8_t q[0x40];

    (void)state;
    wr(0x55, 0x98);
    for (unsigned k = 0; k < sizeof(q); k++)
        q[k] = (uint8_t)rd(k);
    assert_memory_equal(q + 0x10, "QRY\x01\x00\x31\x00", 7);
    assert_int_equal(q[0x27], 15); /* the power of two that it fits in */
    assert_int_equal(q[0x2a], 8);
    assert_memory_equal(q + 0x2c, "\x01\x04\x00\x10\x00", 5); /* five blocks of 4 KiB */
    assert_memory_equal(q + 0x31, "PRI10", 5);
    assert_int_equal(rd(0x4fff), 0);
}

/* A write-protected chip. */
static void test_readonly(void **state)
{
    (void)state;
    image->block.readonly = true;
    wr(0, 0x40);
    wr(0, 0);
    assert_int_equal(rd(0), READY | PROGRAM_ERROR | LOCKED);
    wr(0, 0x50);
    wr(0, 0x20);
    wr(0, 0xd0);
    assert_int_equal(rd(0), READY | ERASE_ERROR | LOCKED);
    wr(0, 0xff);
    assert_int_equal(rd(0), 0xff);
    assert_int_equal(image->writes, 0);
}

/* It says "ready" when the image has it, and not before. */
static void test_ready_is_written(void **state)
{
    (void)state;
    slow_block_close(image);
    wr(7, 0x40);
    wr(7, 0x77);
    assert_int_equal(rd(0) & READY, 0);
    slow_block_await(image, 1);
    assert_int_equal(rd(0) & READY, 0);
    wr(8, 0x40); /* one that does not wait */
    wr(8, 0x88);
    assert_int_equal(rd(0) & READY, 0);
    assert_int_equal(image->data[7], 0xff);
    slow_block_open(image);
    assert_int_equal(await_ready(), READY);
    assert_int_equal(image->data[7], 0x77);
    assert_int_equal(image->data[8], 0x88);
}

/* OVMF's driver does not ask: what it has programmed is in the image when it reads memory again. */
static void test_array_is_written(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 600; k++) {
        wr(k, 0x10);
        wr(k, k);
    }
    wr(599, 0xff);
    assert_non_null(shown);
    for (unsigned k = 0; k < 600; k++)
        assert_int_equal(image->data[k], (uint8_t)k);
    assert_int_equal(image->writes, 1);
    assert_int_equal(image->flushed_writes, 1);
}

/* And one that neither asks nor reads. */
static void test_is_written_soon(void **state)
{
    (void)state;
    wr(9, 0x40);
    wr(9, 0x99);
    clock_advance_to(vclock, 100000000);
    while (image->data[9] != 0x99)
        g_main_context_iteration(NULL, TRUE);
    assert_int_equal(rd(0), READY);
}

static void test_end_and_reset_write(void **state)
{
    (void)state;
    wr(9, 0x40);
    wr(9, 0x99);
    device_reset(pflash_device(flash));
    assert_int_equal(image->data[9], 0x99);
    wr(10, 0x40);
    wr(10, 0xaa);
    device_destroy(pflash_device(flash));
    assert_int_equal(image->data[10], 0xaa);
    make();
    assert_int_equal(rd(10), 0xaa);
}

/* The host's disk fails: the guest hears of it. */
static void test_errors(void **state)
{
    (void)state;
    slow_block_fail(image, -EIO, 1);
    wr(9, 0x40);
    wr(9, 0x99);
    assert_int_equal(await_ready(), READY | PROGRAM_ERROR);
    wr(0, 0x50);
    slow_block_fail(image, -EIO, 1);
    wr(0x1000, 0x20);
    wr(0x1000, 0xd0);
    assert_int_equal(await_ready(), READY | ERASE_ERROR);
}

/* The machine stops, and tries again when it goes on: nothing is lost, and nobody waits for ever.
 */
static void test_retry(void **state)
{
    (void)state;
    block_set_error_policy(&image->block, BLOCK_ERROR_STOP, BLOCK_ERROR_STOP);
    slow_block_fail(image, -ENOSPC, 1);
    wr(9, 0x40);
    wr(9, 0x99);
    wr(9, 0xff); /* comes back */
    assert_int_equal(image->data[9], 0xff);
    wr(10, 0x40);
    wr(10, 0xaa);
    block_engine_retry(engine);
    assert_int_equal(await_ready(), READY);
    assert_int_equal(image->data[9], 0x99);
    assert_int_equal(image->data[10], 0xaa);
}

#define PFLASH_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PFLASH_TEST(test_reads_as_memory),
        PFLASH_TEST(test_detection),
        PFLASH_TEST(test_program),
        PFLASH_TEST(test_erase),
        PFLASH_TEST(test_buffer),
        PFLASH_TEST(test_locks),
        PFLASH_TEST(test_query),
        PFLASH_TEST(test_readonly),
        PFLASH_TEST(test_ready_is_written),
        PFLASH_TEST(test_array_is_written),
        PFLASH_TEST(test_is_written_soon),
        PFLASH_TEST(test_end_and_reset_write),
        PFLASH_TEST(test_errors),
        PFLASH_TEST(test_retry),
    };
    return unit_main(tests);
}
