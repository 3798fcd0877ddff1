/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floppy controller, as a driver uses it: ports, interrupt 6, channel 2 of the DMA controller.
 * 82077AA data sheet 290166; sections are named where they say what is tested.
 */
#include "tests/unit/unit.h"

#include "backends/block_impl.h"
#include "devices/storage/fdc.h"
#include "tests/unit/ide_rig.h"

#define AT 0x8000u

struct pc {
    struct bus *ports;
    struct vclock *clock;
    struct block_engine *engine;
    struct dma8237 *dma;
    struct dma_space memory;
    struct fdc *f;
    struct image *disk;
    uint8_t ram[RAM_SIZE];
    bool irq;
    bool unsettled;
    uint8_t res[16];
};

static bool ram_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    struct pc *p = opaque;

    if (gpa > RAM_SIZE || len > RAM_SIZE - gpa)
        return false;
    memcpy(buf, p->ram + gpa, len);
    return true;
}

static bool ram_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    struct pc *p = opaque;

    if (gpa > RAM_SIZE || len > RAM_SIZE - gpa)
        return false;
    memcpy(p->ram + gpa, buf, len);
    return true;
}

static void set_irq(void *opaque, int n, bool level)
{
    struct pc *p = opaque;

    (void)n;
    p->irq = level;
}

static uint8_t get(struct pc *p, unsigned port)
{
    if (!p->unsettled)
        block_engine_drain(p->engine);
    return (uint8_t)bus_read(p->ports, port, 1);
}

static void put(struct pc *p, unsigned port, unsigned val)
{
    bus_write(p->ports, port, val, 1);
    if (!p->unsettled)
        block_engine_drain(p->engine);
}

/* The bytes of a command, which the controller asks for one by one. */
static void command(struct pc *p, unsigned n, const uint8_t *bytes)
{
    for (unsigned k = 0; k < n; k++) {
        assert_int_equal(get(p, 0x3f4) & 0xc0, 0x80);
        put(p, 0x3f5, bytes[k]);
    }
}

#define COMMAND(p, ...) command(p, sizeof((uint8_t[]){__VA_ARGS__}), (const uint8_t[]){__VA_ARGS__})

/* All of a result; its length. */
static unsigned result(struct pc *p)
{
    unsigned n = 0;

    while ((get(p, 0x3f4) & 0xd0) == 0xd0 && n < sizeof(p->res))
        p->res[n++] = get(p, 0x3f5);
    return n;
}

static void sense(struct pc *p, unsigned st0, unsigned track)
{
    COMMAND(p, 0x08);
    assert_int_equal(result(p), 2);
    assert_int_equal(p->res[0], st0);
    assert_int_equal(p->res[1], track);
}

/* A controller with one drive, numbered all over; out of reset, at the format's rate. */
static struct pc *pc_new(uint64_t size, unsigned rate)
{
    struct pc *p = g_new0(struct pc, 1);
    struct block_engine_config engine = {.counted = true};
    struct dma8237_config dma;
    struct fdc_config cfg = {.irq = {set_irq, p, 0}, .channel = 2};
    GError *err = NULL;

    p->ports = cfg.ports = bus_new("port", 0xffff);
    p->clock = engine.clock = clock_new_manual();
    p->engine = block_engine_new(&engine);
    p->memory = (struct dma_space){p, ram_read, ram_write};
    dma = (struct dma8237_config){p->ports, &p->memory};
    p->dma = cfg.dma = dma8237_new(&dma, NULL);
    p->f = fdc_new(&cfg, &err);
    assert_non_null(p->f);
    p->disk = image_new(size);
    image_number(p->disk);
    block_attach(&p->disk->block, p->engine);
    assert_true(fdc_attach(p->f, 0, &p->disk->block, &err));
    put(p, 0xd6, 0xc0); /* the cascade */
    put(p, 0xd4, 0);
    put(p, 0x3f2, 0x1c);
    assert_true(p->irq);
    for (unsigned n = 0; n < 4; n++)
        sense(p, 0xc0 | n, 0);
    assert_false(p->irq);
    put(p, 0x3f7, rate);
    COMMAND(p, 0x03, 0xdf, 0x02);
    return p;
}

static void pc_free(struct pc *p)
{
    device_destroy(fdc_device(p->f));
    block_free(&p->disk->block);
    device_destroy(dma8237_device(p->dma));
    block_engine_free(p->engine);
    clock_free(p->clock);
    bus_free(p->ports);
    g_free(p);
}

/* Channel 2: `len` bytes at `addr`. */
static void dma(struct pc *p, bool to_memory, uint32_t addr, unsigned len)
{
    put(p, 0x0a, 6);
    put(p, 0x0c, 0);
    put(p, 0x0b, to_memory ? 0x46 : 0x4a);
    put(p, 0x04, addr & 0xff);
    put(p, 0x04, addr >> 8 & 0xff);
    put(p, 0x81, addr >> 16);
    put(p, 0x05, (len - 1) & 0xff);
    put(p, 0x05, (len - 1) >> 8);
    put(p, 0x0a, 2);
}

static void seek(struct pc *p, unsigned track)
{
    COMMAND(p, 0x0f, 0, (uint8_t)track);
    assert_true(p->irq);
    sense(p, 0x20, track);
    assert_false(p->irq);
}

static void expect(struct pc *p, unsigned st0, unsigned st1, unsigned st2)
{
    assert_true(p->irq);
    assert_int_equal(result(p), 7);
    assert_false(p->irq);
    assert_int_equal(p->res[0], st0);
    assert_int_equal(p->res[1], st1);
    assert_int_equal(p->res[2], st2);
}

static void expect_id(struct pc *p, unsigned c, unsigned h, unsigned r)
{
    assert_int_equal(p->res[3], c);
    assert_int_equal(p->res[4], h);
    assert_int_equal(p->res[5], r);
    assert_int_equal(p->res[6], 2);
}

/* ---- tests ---- */

static void test_formats(void **state)
{
    static const struct {
        unsigned size, rate, cylinders, spt, type;
    } all[] = {{360 << 10, 2, 40, 9, FDC_360K},    {360 << 10, 1, 40, 9, FDC_360K},
               {720 << 10, 2, 80, 9, FDC_720K},    {1200 << 10, 0, 80, 15, FDC_1200K},
               {1440 << 10, 0, 80, 18, FDC_1440K}, {2880 << 10, 3, 80, 36, FDC_2880K}};

    (void)state;
    for (unsigned k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
        struct pc *p = pc_new(all[k].size, all[k].rate);
        uint8_t c = (uint8_t)(all[k].cylinders - 1), spt = (uint8_t)all[k].spt;

        assert_int_equal(fdc_drive_type(p->f, 0), all[k].type);
        seek(p, c);
        dma(p, true, AT, spt * 512u); /* the last track */
        COMMAND(p, 0xe6, 4, c, 1, 1, 2, spt, 0x1b, 0xff);
        expect(p, 4, 0, 0);
        assert_sectors(p->ram + AT, all[k].size / 512 - spt, spt);
        COMMAND(p, 0x4a, 0);
        expect(p, 0, 0, 0);
        put(p, 0x3f7, all[k].rate == 0 ? 2 : 0); /* the wrong rate */
        COMMAND(p, 0x4a, 0);
        expect(p, 0x40, 1, 0);
        dma(p, true, AT, 512);
        COMMAND(p, 0xe6, 4, c, 1, 1, 2, spt, 0x1b, 0xff);
        expect(p, 0x44, 1, 0);
        pc_free(p);
    }
}

/* 5.1.7: the ids in results; multi-track; the end of a cylinder without terminal count. */
static void test_read(void **state)
{
    struct pc *p = pc_new(1440 << 10, 0);

    (void)state;
    seek(p, 2);
    dma(p, true, AT, 20 * 512);
    COMMAND(p, 0xe6, 0, 2, 0, 17, 2, 18, 0x1b, 0xff); /* over to the other side */
    expect(p, 4, 0, 0);
    expect_id(p, 3, 1 ^ 1, 1);
    assert_sectors(p->ram + AT, 2 * 36 + 16, 20);
    dma(p, true, AT, 512);
    COMMAND(p, 0x46, 0, 2, 0, 3, 2, 18, 0x1b, 0xff);
    expect(p, 0, 0, 0);
    expect_id(p, 2, 0, 4);
    dma(p, true, AT, 0x8000);
    COMMAND(p, 0x46, 0, 2, 0, 17, 2, 18, 0x1b, 0xff);
    expect(p, 0x40, 0x80, 0);
    dma(p, true, AT, 100); /* part of a sector */
    memset(p->ram + AT, 0, 512);
    COMMAND(p, 0x46, 0, 2, 0, 1, 2, 18, 0x1b, 0xff);
    expect(p, 0, 0, 0);
    assert_int_equal(p->ram[AT + 99], image_byte(72 * 512 + 99));
    assert_int_equal(p->ram[AT + 100], 0);
    /* nowhere: another cylinder, head, number, size */
    COMMAND(p, 0x46, 0, 3, 0, 1, 2, 18, 0x1b, 0xff);
    expect(p, 0x40, 4, 0x10);
    COMMAND(p, 0x46, 0, 2, 1, 1, 2, 18, 0x1b, 0xff);
    expect(p, 0x40, 4, 0);
    COMMAND(p, 0x46, 0, 2, 0, 19, 2, 30, 0x1b, 0xff);
    expect(p, 0x40, 4, 0);
    COMMAND(p, 0x46, 0, 2, 0, 1, 3, 18, 0x1b, 0xff);
    expect(p, 0x40, 4, 0);
    /* READ TRACK, READ DELETED DATA */
    dma(p, true, AT, 9 * 512);
    COMMAND(p, 0x42, 0, 2, 0, 7, 2, 18, 0x1b, 0xff);
    expect(p, 0, 0, 0);
    assert_sectors(p->ram + AT, 72, 9);
    dma(p, true, AT, 9 * 512);
    COMMAND(p, 0x4c, 0, 2, 0, 7, 2, 18, 0x1b, 0xff);
    expect(p, 0, 0, 0x40);
    expect_id(p, 2, 0, 8);
    p->disk->bad_from = 72 * 512;
    p->disk->bad_to = 73 * 512;
    COMMAND(p, 0x46, 0, 2, 0, 1, 2, 18, 0x1b, 0xff);
    expect(p, 0x40, 0x20, 0x20);
    pc_free(p);
}

static void test_write(void **state)
{
    struct pc *p = pc_new(720 << 10, 2);

    (void)state;
    COMMAND(p, 0x13, 0, 0x57, 0); /* implied seek */
    memset(p->ram + AT, 0x33, 1024);
    dma(p, false, AT, 600);
    COMMAND(p, 0xc5, 0, 5, 0, 9, 2, 9, 0x2a, 0xff);
    expect(p, 4, 0, 0);
    expect_id(p, 5, 1, 2);
    assert_int_equal(p->disk->data[(5 * 18 + 8) * 512], 0x33);
    assert_int_equal(p->disk->data[(5 * 18 + 9) * 512 + 87], 0x33);
    assert_int_equal(p->disk->data[(5 * 18 + 9) * 512 + 88], 0); /* the rest is filled */
    assert_int_equal(p->disk->writes, 2);
    COMMAND(p, 0xd6, 0x80, 5, 0, 1, 2, 9, 0x2a, 4); /* VERIFY of four sectors */
    expect(p, 0, 0, 0);
    expect_id(p, 5, 0, 5);
    p->disk->block.readonly = true;
    COMMAND(p, 0xc5, 0, 5, 0, 9, 2, 9, 0x2a, 0xff);
    expect(p, 0x40, 2, 0);
    COMMAND(p, 0x04, 0);
    assert_int_equal(result(p), 1);
    assert_int_equal(p->res[0], 0x68); /* protected, ready, two sides */
    pc_free(p);
}

static void test_format(void **state)
{
    struct pc *p = pc_new(720 << 10, 2);

    (void)state;
    seek(p, 1);
    for (unsigned k = 0; k < 9; k++) {
        const uint8_t id[] = {1, 1, (uint8_t)(k * 2 % 9 + 1), 2};

        memcpy(p->ram + AT + 4 * k, id, 4);
    }
    dma(p, false, AT, 36);
    COMMAND(p, 0x4d, 4, 2, 9, 0x50, 0xf6);
    expect(p, 4, 0, 0);
    for (unsigned k = 0; k < 9 * 512; k++)
        assert_int_equal(p->disk->data[27 * 512 + k], 0xf6);
    assert_int_equal(p->disk->data[36 * 512], image_byte(36 * 512));
    assert_int_equal(p->disk->data[27 * 512 - 1], image_byte(27 * 512 - 1));
    p->ram[AT + 2] = 3; /* twice the same number */
    dma(p, false, AT, 36);
    COMMAND(p, 0x4d, 4, 2, 9, 0x50, 0xf6);
    expect(p, 0x44, 0x20, 0);
    dma(p, false, AT, 255 * 4);
    COMMAND(p, 0x4d, 4, 2, 255, 0x50, 0xf6);
    expect(p, 0x44, 0x20, 0);
    pc_free(p);
}

/* Without DMA each byte is the processor's, and it ends only with the cylinder. */
static void test_not_dma(void **state)
{
    struct pc *p = pc_new(1440 << 10, 0);
    uint8_t got[1024];

    (void)state;
    COMMAND(p, 0x03, 0xdf, 0x03);
    COMMAND(p, 0x46, 0, 0, 0, 17, 2, 18, 0x1b, 0xff);
    for (unsigned k = 0; k < sizeof(got); k++) {
        assert_int_equal(get(p, 0x3f4), 0xf0);
        assert_true(p->irq);
        got[k] = get(p, 0x3f5);
    }
    assert_sectors(got, 16, 2);
    (void)get(p, 0x3f4);
    expect(p, 0x40, 0x80, 0);
    COMMAND(p, 0x45, 0, 0, 0, 18, 2, 18, 0x1b, 0xff);
    for (unsigned k = 0; k < 512; k++) {
        assert_int_equal(get(p, 0x3f4), 0xb0);
        put(p, 0x3f5, 0x44);
    }
    expect(p, 0x40, 0x80, 0);
    assert_int_equal(p->disk->data[17 * 512 + 511], 0x44);
    pc_free(p);
}

static void reply(struct pc *p, unsigned first)
{
    COMMAND(p, (uint8_t)first);
    assert_int_equal(result(p), 1);
}

static void test_control(void **state)
{
    struct pc *p = pc_new(1440 << 10, 0);

    (void)state;
    reply(p, 0x10);
    assert_int_equal(p->res[0], 0x90);
    reply(p, 0x18);
    assert_int_equal(p->res[0], 0x41);
    reply(p, 0x08); /* nothing to sense */
    assert_int_equal(p->res[0], 0x80);
    reply(p, 0x11); /* SCAN EQUAL */
    assert_int_equal(p->res[0], 0x80);
    reply(p, 0x94);
    assert_int_equal(p->res[0], 0x10);
    COMMAND(p, 0x13, 0, 0x5a, 7);
    COMMAND(p, 0x12, 0x84);
    seek(p, 9);
    put(p, 0x3f4, 0x80); /* what is locked outlives it */
    for (unsigned n = 0; n < 4; n++)
        sense(p, 0xc0 | n, n ? 0 : 9);
    COMMAND(p, 0x0e);
    assert_int_equal(result(p), 10);
    assert_int_equal(p->res[0], 9);
    assert_int_equal(p->res[4], 0xdf);
    assert_int_equal(p->res[7], 0x84);
    assert_int_equal(p->res[8], 0x5a);
    assert_int_equal(p->res[9], 7);
    reply(p, 0x14);
    assert_int_equal(p->res[0], 0);
    put(p, 0x3f2, 0x18);
    assert_int_equal(get(p, 0x3f4), 0);
    put(p, 0x3f2, 0x1c);
    COMMAND(p, 0x0e);
    result(p);
    assert_int_equal(p->res[8], 0x20);
    for (unsigned n = 0; n < 4; n++)
        sense(p, 0xc0 | n, n ? 0 : 9);
    COMMAND(p, 0x8f, 0, 5); /* outwards, and inwards */
    sense(p, 0x20, 4);
    COMMAND(p, 0xcf, 0, 2);
    sense(p, 0x20, 6);
    COMMAND(p, 0x07, 0);
    sense(p, 0x20, 0);
    COMMAND(p, 0x04, 0);
    assert_int_equal(result(p), 1);
    assert_int_equal(p->res[0], 0x38); /* ready, track 0, two sides */
    COMMAND(p, 0x07, 1);               /* no such drive */
    sense(p, 0x71, 0);
    put(p, 0x3f2, 0x14); /* the gate is shut */
    COMMAND(p, 0x07, 0);
    assert_false(p->irq);
    put(p, 0x3f2, 0x1c);
    assert_true(p->irq);
    pc_free(p);
}

static void test_change(void **state)
{
    struct pc *p = pc_new(1440 << 10, 0);
    struct image *other = image_new(720 << 10), *large = image_new(2880 << 10);
    struct block *old = NULL;
    GError *err = NULL;

    (void)state;
    block_attach(&other->block, p->engine);
    assert_int_equal(get(p, 0x3f7) & 0x80, 0);
    assert_true(fdc_change_medium(p->f, 0, NULL, &old, &err));
    assert_ptr_equal(old, &p->disk->block);
    assert_int_equal(get(p, 0x3f7) & 0x80, 0x80);
    seek(p, 1); /* there is none: the line stays */
    assert_int_equal(get(p, 0x3f7) & 0x80, 0x80);
    COMMAND(p, 0x4a, 0);
    expect(p, 0x40, 1, 0);
    assert_false(fdc_change_medium(p->f, 0, &large->block, &old, &err));
    g_clear_error(&err);
    assert_true(fdc_change_medium(p->f, 0, &other->block, &old, &err));
    assert_int_equal(get(p, 0x3f7) & 0x80, 0x80);
    seek(p, 1); /* no step */
    assert_int_equal(get(p, 0x3f7) & 0x80, 0x80);
    seek(p, 0);
    assert_int_equal(get(p, 0x3f7) & 0x80, 0);
    put(p, 0x3f2, 0x0c); /* only a drive that turns drives the line */
    assert_true(fdc_change_medium(p->f, 0, NULL, &old, &err));
    assert_int_equal(get(p, 0x3f7) & 0x80, 0);
    block_free(&other->block);
    block_free(&large->block);
    pc_free(p);
}

/* A channel that is masked makes it wait; a reset in the middle of the I/O takes it back. */
static void test_waiting(void **state)
{
    struct pc *p = pc_new(1440 << 10, 0);

    (void)state;
    dma(p, true, AT, 512);
    put(p, 0x0a, 6);
    COMMAND(p, 0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    assert_int_equal(get(p, 0x3f4), 0x10);
    assert_false(p->irq);
    put(p, 0x0a, 2);
    expect(p, 0, 0, 0);
    assert_sectors(p->ram + AT, 0, 1);
    dma(p, true, AT, 512);
    p->unsettled = true;
    COMMAND(p, 0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    put(p, 0x3f2, 0x18);
    put(p, 0x3f2, 0x1c);
    p->unsettled = false;
    for (unsigned n = 0; n < 4; n++)
        sense(p, 0xc0 | n, 0);
    assert_false(p->irq);
    pc_free(p);
}

static void test_noise(void **state)
{
    static const uint16_t ports[] = {0x3f2, 0x3f4, 0x3f5, 0x3f5, 0x3f5, 0x3f5, 0x3f5,
                                     0x3f7, 0x0a,  0x0b,  0x05,  0x04,  0x81};
    struct pc *p = pc_new(1440 << 10, 0);
    GRand *r = g_rand_new_with_seed(3);

    (void)state;
    for (unsigned k = 0; k < 400000; k++) {
        uint16_t port = ports[g_rand_int(r) % (sizeof(ports) / 2)];
        uint8_t val = (uint8_t)g_rand_int(r);

        p->unsettled = g_rand_int(r) % 4;
        if (port == 0x3f2)
            val |= g_rand_int(r) % 16 ? 0x0c : 0;
        if (port == 0x3f5)
            val &= g_rand_boolean(r) ? 0x1f : 0xff;
        if (g_rand_int(r) % 3)
            put(p, port, val);
        else
            get(p, port);
    }
    g_rand_free(r);
    pc_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats), cmocka_unit_test(test_read),
        cmocka_unit_test(test_write),   cmocka_unit_test(test_format),
        cmocka_unit_test(test_not_dma), cmocka_unit_test(test_control),
        cmocka_unit_test(test_change),  cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_noise),
    };

    return unit_main(tests);
}
