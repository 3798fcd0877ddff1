/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest of kill.h with its disk as the primary master, which it writes by PIO and by DMA in
 * turn. ATA/ATAPI-6 (T13 1410D), clauses 8 and 9; 82371SB datasheet 290550, section 2.7.
 */
#include "kill.h"

#define SLOT 9u     /* device 1, function 1 */
#define BM   0xc000 /* ports of the bus master */
#define PRD  ((volatile uint32_t *)0x180000)

enum { BSY = 0x80, FAULT = 0x20, DRQ = 8, ERR = 1 };
enum { READ_DMA = 0xc8, WRITE_PIO = 0x30, WRITE_DMA = 0xca, FLUSH = 0xe7 };

static uint8_t wait_idle(void)
{
    uint8_t status;

    while ((status = inb(0x3f6)) & BSY)
        ;
    return inb(0x1f7) | status;
}

static void command(uint32_t lba, unsigned count, uint8_t cmd)
{
    wait_idle();
    outb(0x1f6, 0xe0 | (lba >> 24 & 15));
    outb(0x1f2, (uint8_t)count);
    outb(0x1f3, (uint8_t)lba);
    outb(0x1f4, (uint8_t)(lba >> 8));
    outb(0x1f5, (uint8_t)(lba >> 16));
    outb(0x1f7, cmd);
}

static void end(const char *what)
{
    demand(what, !(wait_idle() & (ERR | FAULT)));
}

static void by_dma(uint32_t lba, volatile uint32_t *data, unsigned count, bool to_memory)
{
    PRD[0] = (uint32_t)(uintptr_t)data;
    PRD[1] = 0x80000000u | (count * 512 & 0xffff);
    outl(BM + 4, (uint32_t)(uintptr_t)PRD);
    outb(BM, to_memory ? 8 : 0);
    outb(BM + 2, 0x06);
    command(lba, count, to_memory ? READ_DMA : WRITE_DMA);
    outb(BM, to_memory ? 9 : 1);
    while (!(inb(BM + 2) & 4)) /* the interrupt, which comes when all has been moved */
        ;
    outb(BM, 0);
    end("a DMA command");
}

static void by_pio(uint32_t lba, volatile uint32_t *data)
{
    command(lba, 1, WRITE_PIO);
    while (!(inb(0x3f6) & DRQ))
        ;
    for (unsigned k = 0; k < 128; k++)
        outl(0x1f0, data[k]);
    end("a PIO write");
}

static void disk_setup(void)
{
    pci_write(SLOT, 0x20, BM);
    pci_write(SLOT, 0x40, 0x80008000); /* both channels decode their ports */
    pci_write(SLOT, 0x04, 0x0005);
    outb(0x3f6, 0); /* interrupts are shown, to the bus master */
}

static void disk_read(uint32_t lba, unsigned count)
{
    by_dma(lba, BUFFER, count, true);
}

static void disk_write(uint32_t seq, unsigned count)
{
    for (unsigned n = 0; n < count; n++, seq++) {
        if (seq & 1)
            by_pio(place(seq), BUFFER + n * 128);
        else
            by_dma(place(seq), BUFFER + n * 128, 1, false);
    }
}

static void disk_flush(void)
{
    command(0, 0, FLUSH);
    end("a flush");
}
