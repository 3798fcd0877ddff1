/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes a whole board with every device that there is: accesses to whatever ports and memory
 * somebody answers, to the PCI functions' configuration (so that BARs come to lie anywhere),
 * descriptors in memory, time that passes, keys that are pressed, resets. Where the targets of
 * single devices go deep, this one has the chips of the board, and all of them together.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>

#include "backends/char.h"
#include "base/lock.h"
#include "devices/input/ps2_kbd.h"
#include "devices/input/ps2_mouse.h"
#include "devices/pc/acpi_pm.h"
#include "devices/storage/piix_ide.h"
#include "machine/board.h"
#include "machine/pci_assign.h"
#include "tests/every_device.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

#define ROM_SIZE 0x10000
#define RAM_SIZE (1 << 20)
#define LOW      0x10000u /* where rings and descriptors are */
#define STEPS    300u

const size_t fuzz_max_len = 4096;

static struct lock lock;
static struct board board;
static struct chardev *line;
static char *dir, *rom;

void fuzz_show(void)
{
}

static void leave(void)
{
    board_destroy(&board);
    every_device_free(&board.cfg);
    char_free(line);
    g_unlink(rom);
    g_rmdir(dir);
}

static void make_board(void)
{
    uint8_t *image = g_malloc0(ROM_SIZE);

    dir = g_dir_make_tmp("penumbra-fuzz-XXXXXX", NULL);
    rom = g_build_filename(dir, "rom", NULL);
    fuzz_expect(g_file_set_contents(rom, (char *)image, ROM_SIZE, NULL));
    g_free(image);
    lock_init(&lock);
    line = char_new_memory();
    board.cfg = (struct machine_config){.name = "fuzz",
                                        .lock = &lock,
                                        .ram_size = RAM_SIZE,
                                        .cpu_model = "max",
                                        .cpus = 2,
                                        .accel = "interp",
                                        .mmu = "shadow",
                                        .bios = rom,
                                        .serial = {line},
                                        .icount = true,
                                        .usb = true};
    board.lock = &lock;
    board.clock = clock_new_manual();
    fuzz_expect(every_device_add(&board.cfg, rom, NULL) && board_build(&board, NULL));
    atexit(leave);
}

/* ---- what happens ---- */

/* A region of a bus, drawn. */
struct draw {
    unsigned at, n;
    uint64_t base, len;
};

static void count(const struct bus_region *r, void *opaque)
{
    (void)r;
    ((struct draw *)opaque)->n++;
}

static void take(const struct bus_region *r, void *opaque)
{
    struct draw *d = opaque;

    if (d->n++ == d->at) {
        d->base = r->base;
        d->len = r->len;
    }
}

/* Ends of a region are drawn more often than its middle, and what is just beyond it sometimes. */
static uint64_t pick_address(struct bus *bus, struct fuzz_input *in)
{
    struct draw d = {0};
    uint64_t off;

    bus_foreach(bus, count, &d);
    d.at = fuzz_below(in, d.n);
    d.n = 0;
    bus_foreach(bus, take, &d);
    off = fuzz_below(in, 4) ? fuzz_below(in, 0x400) : fuzz_word(in, 3);
    return d.base + (fuzz_once_in(in, 64) ? d.len : off % d.len);
}

/* Numbers that lead somewhere: into memory, to single bits, to the ends. */
static uint64_t pick_value(struct fuzz_input *in)
{
    switch (fuzz_below(in, 6)) {
    case 0: return fuzz_u8(in);
    case 1: return fuzz_word(in, 2);
    case 2: return (uint64_t)fuzz_below(in, LOW / 16) * 16;
    case 3: return UINT64_C(1) << fuzz_below(in, 32);
    case 4: return UINT32_MAX - fuzz_u8(in);
    default: return fuzz_word(in, 4);
    }
}

static void access(struct bus *bus, struct fuzz_input *in)
{
    uint64_t at = pick_address(bus, in);
    unsigned size = 1u << fuzz_below(in, 3);

    if (fuzz_below(in, 3))
        bus_write(bus, at, pick_value(in), size);
    else
        bus_read(bus, at, size);
}

/* Command and BARs more often than the rest; devices that are there more often than others. */
static void configure(struct fuzz_input *in)
{
    static const uint8_t often[] = {0x04, 0x10, 0x14, 0x18, 0x20, 0x24, 0x30, 0x3c};
    unsigned reg = fuzz_below(in, 2) ? often[fuzz_below(in, ARRAY_SIZE(often))]
                                     : fuzz_below(in, 0x40) * 4,
             devfn = fuzz_below(in, 20) * 8 + fuzz_below(in, 4) * !fuzz_below(in, 4);
    uint32_t val = reg == 4            ? 7
                   : fuzz_below(in, 2) ? 0xe0000000u + fuzz_below(in, 0x1000) * 0x10000u
                                       : (uint32_t)fuzz_word(in, 2) | fuzz_below(in, 2);

    bus_write(board.ports, 0xcf8, 0x80000000u | devfn << 8 | reg, 4);
    bus_write(board.ports, 0xcfc + fuzz_below(in, 4) * !fuzz_below(in, 8), val,
              fuzz_below(in, 8) ? 4 : 1u << fuzz_below(in, 3));
}

/* Descriptors: words that mean something in some of them. */
static void scribble(struct fuzz_input *in)
{
    uint64_t at = (uint64_t)fuzz_below(in, LOW / 16) * 16;
    uint32_t words[16];

    for (unsigned k = 0; k < ARRAY_SIZE(words); k++)
        words[k] = k & 1 && fuzz_below(in, 2) ? 0 : (uint32_t)pick_value(in);
    dma_write(&board.dma, at, words, 4 * (1 + fuzz_below(in, ARRAY_SIZE(words))));
}

static void somebody(struct fuzz_input *in)
{
    static const uint8_t text[16] = "what comes in";

    switch (fuzz_below(in, 3)) {
    case 0:
        ps2_kbd_key(board.kbd, (enum pkey)(1 + fuzz_below(in, PKEY_COUNT - 1)), fuzz_below(in, 2));
        break;
    case 1: ps2_mouse_move(board.mouse, (int)fuzz_u8(in) - 128, (int)fuzz_u8(in) - 128); break;
    default: char_feed(line, text, 1 + fuzz_below(in, sizeof(text)));
    }
}

static void happen(struct fuzz_input *in)
{
    GError *err = NULL;

    switch (fuzz_below(in, 16)) {
    case 0:
    case 1: scribble(in); break;
    case 2:
    case 3: configure(in); break;
    case 4:
        clock_advance_to(board.clock, clock_now(board.clock) + ((int64_t)1 << fuzz_below(in, 24)));
        break;
    case 5: somebody(in); break;
    case 6:
        if (fuzz_once_in(in, 16))
            block_engine_drain(board.blocks);
        else if (fuzz_once_in(in, 64))
            fuzz_expect(board_reset(&board, &err));
        break;
    case 7:
    case 8:
    case 9:
    case 10: access(board.mmio, in); break;
    default: access(board.ports, in); break;
    }
}

/* Mostly, a board as firmware leaves it: else hardly an input would come to a function's registers.
 */
static void set_up(struct fuzz_input *in)
{
    static const struct pci_windows windows = {.mem = 0xe0000000,
                                               .mem_end = 0xfec00000,
                                               .io = 0xc000,
                                               .io_end = 0x10000,
                                               .irq = {10, 10, 11, 11}};

    if (fuzz_once_in(in, 4))
        return;
    acpi_pm_set_bases(board.pm);
    piix_ide_enable(board.ide);
    pci_assign(board.pci, &windows);
}

void fuzz_one(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_part(data, size, 0, size);

    if (!rom)
        make_board();
    lock_take(&lock);
    fuzz_expect(board_reset(&board, NULL));
    set_up(&in);
    for (unsigned k = 0; k < STEPS; k++)
        happen(&in);
    block_engine_drain(board.blocks);
    lock_drop(&lock);
}
