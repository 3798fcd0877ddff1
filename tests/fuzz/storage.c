/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzing the controllers of disks: an input writes registers of an AHCI controller (with a disk
 * and a CD), of a floppy controller with its DMA and of a flash chip, and bytes of the little
 * memory from which command lists, tables and descriptors are read; I/O ends when the input says
 * so. Nothing may come of it but what the guest does to itself.
 */
#include <glib.h>
#include <stdio.h>

#include "backends/block.h"
#include "devices/storage/ahci.h"
#include "devices/storage/fdc.h"
#include "devices/storage/pflash.h"
#include "tests/fuzz/board.h"

#define USED  0x4000u /* of the memory */
#define SLOT  PCI_DEVFN(3, 0)
#define ABAR  0xf0000000u
#define LISTS 0x400u /* of port n: one more each */
#define FLASH 0xfff00000u
#define CHIP  0x3000u /* its size */

const size_t fuzz_max_len = 4096;

static struct fuzz_board *board;
static struct block_engine *engine;
static struct dma8237 *dma;
static struct ahci *ahci;
static struct fdc *fdc;
static struct block *disk, *cd, *floppy, *flash_image;
static struct pflash *flash;
static bool shown; /* the flash reads as memory */

void fuzz_show(void)
{
    for (unsigned k = 0; k < 2; k++)
        fprintf(stderr, "port %u: CI %08x CMD %08x IS %08x\n", k,
                (unsigned)bus_read(board->mmio, ABAR + 0x138 + 0x80 * k, 4),
                (unsigned)bus_read(board->mmio, ABAR + 0x118 + 0x80 * k, 4),
                (unsigned)bus_read(board->mmio, ABAR + 0x110 + 0x80 * k, 4));
}

static struct block *image(uint64_t size)
{
    struct block *b = block_new_memory(size);

    block_attach(b, engine);
    return b;
}

static void show(void *opaque, void *hva)
{
    (void)opaque;
    fuzz_expect(!shown && hva == pflash_memory(flash));
    shown = true;
}

static void hide(void *opaque)
{
    (void)opaque;
    fuzz_expect(shown);
    shown = false;
}

static void make_flash(void)
{
    struct pflash_config f = {.name = "flash",
                              .mmio = board->mmio,
                              .clock = board->clock,
                              .base = FLASH,
                              .show = show,
                              .hide = hide};

    flash_image = f.block = image(CHIP);
    flash = pflash_new(&f, NULL);
    fuzz_expect(flash);
    device_reset(pflash_device(flash));
}

/* One that reads as memory is as its image. */
static void check_flash(void)
{
    uint8_t in_image[CHIP];

    fuzz_expect(!block_read(flash_image, 0, in_image, CHIP));
    fuzz_expect(!shown || !memcmp(in_image, pflash_memory(flash), CHIP));
}

static void flash_access(struct fuzz_input *in)
{
    static const uint8_t commands[] = {0x10, 0x20, 0x40, 0x50, 0x60, 0x70, 0x90,
                                       0x98, 0xb0, 0xd0, 0xd0, 0xe8, 0xff, 0x01};
    uint64_t at = FLASH + fuzz_below(in, CHIP);
    unsigned size = 1u << fuzz_below(in, 3);

    if (fuzz_below(in, 4) == 0)
        bus_read(board->mmio, at, size);
    else if (fuzz_below(in, 3))
        bus_write(board->mmio, at, commands[fuzz_below(in, ARRAY_SIZE(commands))], 1);
    else
        bus_write(board->mmio, at, fuzz_word(in, 4), size);
    check_flash();
    if (!fuzz_below(in, 64))
        device_reset(pflash_device(flash));
    if (!fuzz_below(in, 16))
        clock_advance_to(board->clock, clock_now(board->clock) + 30000000);
}

/* A board as firmware leaves it, with both ports of the AHCI started. */
static void make(void)
{
    struct fuzz_board *b = board = fuzz_board_new();
    struct block_engine_config e = {.counted = true, .clock = b->clock};
    struct ahci_config a = {.devfn = SLOT, .clock = b->clock, .pci = b->pci};
    struct dma8237_config d = {b->ports, &b->dma};
    struct fdc_config f = {.ports = b->ports, .channel = 2};

    engine = block_engine_new(&e);
    disk = image(3000 * 512);
    cd = image(300 * 2048);
    floppy = image(1440 << 10);
    ahci = ahci_new(&a, NULL);
    dma = f.dma = dma8237_new(&d, NULL);
    fdc = fdc_new(&f, NULL);
    fuzz_expect(ahci && fdc && ahci_attach(ahci, 0, AHCI_DISK, disk, NULL, NULL) &&
                ahci_attach(ahci, 1, AHCI_CD, cd, NULL, NULL) && fdc_attach(fdc, 0, floppy, NULL));
    make_flash();
    pci_config_write(board->pci, 0, SLOT, 0x24, ABAR, 4);
    pci_config_write(board->pci, 0, SLOT, 0x04, 0x0006, 2);
    for (unsigned k = 0; k < 2; k++) {
        bus_write(board->mmio, ABAR + 0x100 + 0x80 * k, LISTS + 0x400 * k, 4);
        bus_write(board->mmio, ABAR + 0x108 + 0x80 * k, 0x200 + 0x100 * k, 4);
        bus_write(board->mmio, ABAR + 0x114 + 0x80 * k, ~0u, 4);
        bus_write(board->mmio, ABAR + 0x118 + 0x80 * k, 0x11, 4);
    }
    bus_write(board->ports, 0xd6, 0xc0, 1);
    bus_write(board->ports, 0xd4, 0, 1);
    bus_write(board->ports, 0x3f2, 0x1c, 1);
    bus_write(board->ports, 0x3f7, 0, 1);
}

static void unmake(void)
{
    device_destroy(pflash_device(flash));
    fuzz_expect(!shown);
    device_destroy(fdc_device(fdc));
    device_destroy(ahci_device(ahci));
    device_destroy(dma8237_device(dma));
    block_free(disk);
    block_free(cd);
    block_free(floppy);
    block_free(flash_image);
    block_engine_free(engine);
    fuzz_board_free(board);
}

/* A command in a slot that is nearly right. */
static void command(struct fuzz_input *in)
{
    static const uint8_t codes[] = {0x60, 0x61, 0x25, 0x35, 0x24, 0x34, 0x29, 0xec, 0xa1, 0xa0,
                                    0xa0, 0x06, 0x2f, 0xef, 0xe6, 0x08, 0x90, 0xb0, 0xea, 0x42};
    unsigned port = fuzz_below(in, 2), slot = fuzz_below(in, 32);
    uint32_t table = 0x1000 + fuzz_below(in, 0x18) * 0x80;
    uint8_t *head = board->ram + LISTS + 0x400 * port + slot * 32, *t = board->ram + table;

    st_le32(head, 5 | (uint32_t)fuzz_below(in, 0x10) << 16);
    st_le32(head + 8, table);
    st_le32(head + 12, 0);
    t[0] = 0x27;
    t[1] = 0x80;
    t[2] = codes[fuzz_below(in, ARRAY_SIZE(codes))];
    for (unsigned k = 3; k < 16; k++)
        t[k] = k < 6 || k == 12 ? fuzz_u8(in) : 0;
    t[7] = 0x40;
    if (fuzz_below(in, 2))
        t[12] = (uint8_t)(slot << 3);
    for (unsigned k = 0; k < 12; k++)
        t[0x40 + k] = fuzz_u8(in);
    for (unsigned k = 0; k < 4; k++) {
        st_le64(t + 0x80 + 16 * k, fuzz_below(in, USED));
        st_le32(t + 0x8c + 16 * k, (uint32_t)fuzz_word(in, 2));
    }
    bus_write(board->mmio, ABAR + 0x138 + 0x80 * port, 1u << slot, 4);
}

static void floppy_access(struct fuzz_input *in)
{
    static const uint16_t at[] = {0x3f2, 0x3f4, 0x3f5, 0x3f5, 0x3f5, 0x3f5, 0x3f7,
                                  0x0a,  0x0b,  0x0c,  0x05,  0x04,  0x81,  0x08};
    uint16_t port = at[fuzz_below(in, ARRAY_SIZE(at))];

    if (fuzz_below(in, 3))
        bus_write(board->ports, port, fuzz_u8(in), 1);
    else
        bus_read(board->ports, port, 1);
}

static void step(struct fuzz_input *in)
{
    uint64_t reg;

    switch (fuzz_below(in, 16)) {
    case 0:
    case 1:
    case 2: command(in); break;
    case 3: board->ram[fuzz_below(in, USED)] = fuzz_u8(in); break;
    case 4:
        reg = ABAR + (fuzz_below(in, 0x200) & ~3u);
        bus_write(board->mmio, reg, fuzz_word(in, 4), 4);
        break;
    case 5: bus_read(board->mmio, ABAR + (fuzz_below(in, 0x200) & ~3u), 4); break;
    case 6: block_engine_drain(engine); break;
    case 7: /* as drivers recover */
        reg = ABAR + 0x100 + 0x80 * fuzz_below(in, 2);
        bus_write(board->mmio, reg + 0x18, 0x10, 4);
        bus_write(board->mmio, reg + 0x2c, fuzz_below(in, 2), 4);
        bus_write(board->mmio, reg + 0x2c, 0, 4);
        bus_write(board->mmio, reg + 0x18, 0x11, 4);
        break;
    case 8:
        if (!fuzz_below(in, 16))
            device_reset(ahci_device(ahci));
        break;
    case 9:
    case 10:
    case 11: floppy_access(in); break;
    default: flash_access(in); break;
    }
}

void fuzz_one(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_part(data, size, 0, size);

    make();
    for (unsigned k = 0; k < 400; k++)
        step(&in);
    block_engine_drain(engine);
    unmake();
}
