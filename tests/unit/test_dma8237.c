/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two 8237As by their ports, with a device on a channel (devices/pc/dma8237.h). */
#include "tests/unit/chip.h"

#include "devices/pc/dma8237.h"

#define MEM_SIZE 0x40000

static struct bus *bus;
static struct dma8237 *dma;
static uint8_t mem[MEM_SIZE];
static unsigned ready_calls;

static bool mem_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    (void)opaque;
    memset(buf, 0xff, len);
    if (gpa >= MEM_SIZE)
        return false;
    memcpy(buf, mem + gpa, len < MEM_SIZE - gpa ? len : MEM_SIZE - gpa);
    return len <= MEM_SIZE - gpa;
}

static bool mem_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    (void)opaque;
    if (gpa >= MEM_SIZE)
        return false;
    memcpy(mem + gpa, buf, len < MEM_SIZE - gpa ? len : MEM_SIZE - gpa);
    return len <= MEM_SIZE - gpa;
}

static struct dma_space space = {.read = mem_read, .write = mem_write};

static void on_ready(void *opaque)
{
    (void)opaque;
    ready_calls++;
}

static int setup(void **state)
{
    struct dma8237_config cfg = {.memory = &space};

    (void)state;
    memset(mem, 0, sizeof(mem));
    ready_calls = 0;
    bus = bus_new("port", 0xffff);
    cfg.ports = bus;
    dma = dma8237_new(&cfg, NULL);
    assert_non_null(dma);
    outb(bus, 0xda, 0); /* clear both, open the cascade */
    outb(bus, 0x0d, 0);
    outb(bus, 0xd6, 0xc0);
    outb(bus, 0xd4, 0x00);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(dma8237_device(dma));
    bus_free(bus);
    return 0;
}

/* Channel 2, as a floppy driver does it. */
static void program2(unsigned mode, unsigned addr, unsigned count)
{
    outb(bus, 0x0a, 0x06);
    outb(bus, 0x0c, 0);
    outb(bus, 0x0b, mode);
    outb(bus, 0x04, addr & 0xff);
    outb(bus, 0x04, addr >> 8 & 0xff);
    outb(bus, 0x81, addr >> 16);
    outb(bus, 0x05, count & 0xff);
    outb(bus, 0x05, count >> 8);
    outb(bus, 0x0a, 0x02);
}

static unsigned get16(unsigned port, unsigned clear_port)
{
    unsigned lo;

    outb(bus, clear_port, 0);
    lo = inb(bus, port);
    return lo | inb(bus, port) << 8;
}

static void test_to_memory(void **state)
{
    uint8_t data[512];
    bool tc;

    (void)state;
    for (unsigned k = 0; k < 512; k++)
        data[k] = (uint8_t)(k * 7);
    program2(0x46, 0x12345, 511);
    assert_int_equal(dma8237_transfer(dma, 2, DMA8237_TO_MEMORY, data, 200, &tc), 200);
    assert_false(tc);
    assert_int_equal(get16(0x04, 0x0c), 0x2345 + 200);
    assert_int_equal(get16(0x05, 0x0c), 311);
    assert_int_equal(dma8237_transfer(dma, 2, DMA8237_TO_MEMORY, data + 200, 1000, &tc), 312);
    assert_true(tc);
    assert_memory_equal(mem + 0x12345, data, 512);
    assert_int_equal(mem[0x12345 + 512], 0);
    assert_int_equal(get16(0x05, 0x0c), 0xffff);
    assert_int_equal(inb(bus, 0x08), 0x04); /* the terminal count, once */
    assert_int_equal(inb(bus, 0x08), 0x00);
    assert_false(dma8237_ready(dma, 2)); /* masked itself */
    assert_int_equal(dma8237_transfer(dma, 2, DMA8237_TO_MEMORY, data, 1, &tc), 0);
}

static void test_from_memory_autoinit(void **state)
{
    uint8_t buf[8] = {0};
    bool tc;

    (void)state;
    memcpy(mem + 0x1000, "abcd", 4);
    program2(0x5a, 0x1000, 3);
    assert_int_equal(dma8237_transfer(dma, 2, DMA8237_FROM_MEMORY, buf, 8, &tc), 4);
    assert_true(tc);
    assert_int_equal(dma8237_transfer(dma, 2, DMA8237_FROM_MEMORY, buf + 4, 4, &tc), 4);
    assert_memory_equal(buf, "abcdabcd", 8);
    assert_true(dma8237_ready(dma, 2));
    assert_int_equal(get16(0x04, 0x0c), 0x1000);
    /* the wrong way */
    assert_int_equal(dma8237_transfer(dma, 2, DMA8237_TO_MEMORY, buf, 4, &tc), 0);
}

static void test_wrap_and_decrement(void **state)
{
    uint8_t buf[4] = {1, 2, 3, 4};

    (void)state;
    program2(0x46, 0x1fffe, 3); /* wraps inside its 64 KiB page */
    assert_int_equal(dma8237_transfer(dma, 2, DMA8237_TO_MEMORY, buf, 4, NULL), 4);
    assert_int_equal(mem[0x1fffe], 1);
    assert_int_equal(mem[0x1ffff], 2);
    assert_int_equal(mem[0x10000], 3);
    assert_int_equal(mem[0x10001], 4);
    assert_int_equal(mem[0x20000], 0);
    program2(0x66, 0x0103, 3);
    assert_int_equal(dma8237_transfer(dma, 2, DMA8237_TO_MEMORY, buf, 4, NULL), 4);
    assert_memory_equal(mem + 0x100, ((uint8_t[]){4, 3, 2, 1}), 4);
}

static void test_verify(void **state)
{
    uint8_t buf[4] = {1, 2, 3, 4};
    bool tc;

    (void)state;
    program2(0x42, 0x100, 3);
    assert_int_equal(dma8237_transfer(dma, 2, DMA8237_TO_MEMORY, buf, 4, &tc), 4);
    assert_true(tc);
    assert_int_equal(mem[0x100], 0);
}

static void test_words(void **state)
{
    uint8_t buf[6] = {1, 2, 3, 4, 5, 6};
    bool tc;

    (void)state;
    outb(bus, 0xd8, 0);
    outb(bus, 0xd6, 0x45); /* channel 5 writes memory */
    outb(bus, 0xc4, 0x00);
    outb(bus, 0xc4, 0x80); /* word address 0x8000: byte 0x10000 of the 128 KiB page */
    outb(bus, 0x8b, 0x03); /* bit 0 of the page does not count */
    outb(bus, 0xc6, 0x01);
    outb(bus, 0xc6, 0x00);
    outb(bus, 0xd4, 0x01);
    assert_int_equal(dma8237_transfer(dma, 5, DMA8237_TO_MEMORY, buf, 5, &tc), 4);
    assert_true(tc);
    assert_memory_equal(mem + 0x30000, buf, 4);
    assert_int_equal(get16(0xc4, 0xd8), 0x8002);
    assert_int_equal(inb(bus, 0xd0), 0x02);
}

static void test_masks(void **state)
{
    (void)state;
    dma8237_attach(dma, 2, on_ready, NULL);
    program2(0x46, 0, 0);
    assert_int_equal(ready_calls, 0);
    dma8237_dreq(dma, 2, true);
    assert_int_equal(inb(bus, 0x08), 0x40);
    outb(bus, 0x0f, 0x0f);
    assert_false(dma8237_ready(dma, 2));
    outb(bus, 0x0e, 0);
    assert_true(dma8237_ready(dma, 2));
    assert_int_equal(ready_calls, 1);
    outb(bus, 0x08, 0x04); /* controller disabled */
    assert_false(dma8237_ready(dma, 2));
    outb(bus, 0x08, 0x00);
    outb(bus, 0xd4, 0x04); /* cascade closed */
    assert_false(dma8237_ready(dma, 2));
    outb(bus, 0xd4, 0x00);
    outb(bus, 0x0d, 0);
    assert_false(dma8237_ready(dma, 2)); /* master clear masks all */
    assert_int_equal(inb(bus, 0x0f) & 0x0f, 0x0f);
    assert_false(dma8237_ready(dma, 4));
    assert_false(dma8237_ready(dma, 99));
}

static void test_software(void **state)
{
    (void)state;
    /* a block on channel 3 with nobody there stores what the bus floats to */
    outb(bus, 0x0c, 0);
    outb(bus, 0x0b, 0x87);
    outb(bus, 0x06, 0x00);
    outb(bus, 0x06, 0x02);
    outb(bus, 0x07, 0x07);
    outb(bus, 0x07, 0x00);
    outb(bus, 0x82, 0x01);
    outb(bus, 0x09, 0x07); /* a software request needs no unmasking */
    assert_int_equal(mem[0x10200], 0xff);
    assert_int_equal(mem[0x10207], 0xff);
    assert_int_equal(mem[0x10208], 0x00);
    assert_int_equal(inb(bus, 0x08), 0x08);
}

static void test_memory_to_memory(void **state)
{
    (void)state;
    memcpy(mem + 0x500, "penumbra", 8);
    outb(bus, 0x08, 0x01);
    outb(bus, 0x0c, 0);
    outb(bus, 0x0b, 0x88);
    outb(bus, 0x0b, 0x85);
    outb(bus, 0x00, 0x00);
    outb(bus, 0x00, 0x05);
    outb(bus, 0x02, 0x00);
    outb(bus, 0x02, 0x06);
    outb(bus, 0x03, 0x07);
    outb(bus, 0x03, 0x00);
    outb(bus, 0x09, 0x04);
    assert_memory_equal(mem + 0x600, "penumbra", 8);
    assert_int_equal(mem[0x608], 0);
    assert_int_equal(inb(bus, 0x0d), 'a');
    assert_int_equal(inb(bus, 0x08), 0x02);
}

static void test_random(void **state)
{
    GRand *r = g_rand_new_with_seed(8237);
    uint8_t buf[256];

    (void)state;
    for (unsigned k = 0; k < 3000; k++) {
        static const unsigned bases[3] = {0x00, 0xc0, 0x80};
        unsigned port = bases[g_rand_int_range(r, 0, 3)] + (g_rand_int(r) & 15) * 2 % 32;

        outb(bus, port, g_rand_int(r) & 0xff);
        inb(bus, port);
        dma8237_transfer(dma, g_rand_int(r) & 7,
                         g_rand_boolean(r) ? DMA8237_TO_MEMORY : DMA8237_FROM_MEMORY, buf,
                         sizeof(buf), NULL);
    }
    g_rand_free(r);
}

#define CHIP_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHIP_TEST(test_to_memory),
        CHIP_TEST(test_from_memory_autoinit),
        CHIP_TEST(test_wrap_and_decrement),
        CHIP_TEST(test_verify),
        CHIP_TEST(test_words),
        CHIP_TEST(test_masks),
        CHIP_TEST(test_software),
        CHIP_TEST(test_memory_to_memory),
        CHIP_TEST(test_random),
    };
    return unit_main(tests);
}
