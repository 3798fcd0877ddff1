/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest to be killed: writes numbered sectors to the primary master, by PIO and by DMA in turn,
 * flushes after every few, and says on port e9 up to which number the disk has acknowledged that.
 * tests/guests/kill/kill.py knows the same numbers and looks for them afterwards.
 * ATA/ATAPI-6 (T13 1410D), clauses 8 and 9; 82371SB datasheet 290550, section 2.7.
 */
#include "test.h"

#define SECTORS 4096u /* as in kill.py */
#define MAGIC   0x6c6c696bu
#define BM      0xc000 /* ports of the bus master */
#define PRD     ((volatile uint32_t *)0x180000)
#define BUFFER  ((volatile uint32_t *)0x200000)
#define CHUNK   128u /* sectors a read */

enum { BSY = 0x80, FAULT = 0x20, DRQ = 8, ERR = 1 };
enum { READ_DMA = 0xc8, WRITE_PIO = 0x30, WRITE_DMA = 0xca, FLUSH = 0xe7 };

static void pci_write(unsigned reg, uint32_t val)
{
    outl(0xcf8, 0x80000900u | reg); /* device 1, function 1 */
    outl(0xcfc, val);
}

/* Where number `seq` goes, and what word k of its sector is. */
static uint32_t place(uint32_t seq)
{
    return (seq * 2654435761u >> 8) % SECTORS;
}

static uint32_t word_of(uint32_t seq, uint32_t k)
{
    switch (k) {
    case 0: return MAGIC;
    case 1: return seq;
    case 2: return place(seq);
    default: return (seq * 40503u) ^ (k * 2654435761u);
    }
}

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
    if (wait_idle() & (ERR | FAULT)) {
        check(what, false);
        finish();
    }
}

static void by_dma(uint32_t lba, unsigned count, bool to_memory)
{
    PRD[0] = (uint32_t)(uintptr_t)BUFFER;
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

static void by_pio(uint32_t lba)
{
    command(lba, 1, WRITE_PIO);
    while (!(inb(0x3f6) & DRQ))
        ;
    for (unsigned k = 0; k < 128; k++)
        outl(0x1f0, BUFFER[k]);
    end("a PIO write");
}

static uint32_t highest(void)
{
    uint32_t max = 0;

    for (uint32_t lba = 0; lba < SECTORS; lba += CHUNK) {
        by_dma(lba, CHUNK, true);
        for (unsigned n = 0; n < CHUNK; n++) {
            if (BUFFER[n * 128] == MAGIC && BUFFER[n * 128 + 1] > max)
                max = BUFFER[n * 128 + 1];
        }
    }
    return max;
}

static void say(const char *what, uint32_t seq)
{
    puts(what);
    put_hex(seq);
    puts("\n");
}

void main(void)
{
    uint32_t seq;

    pci_write(0x20, BM);
    pci_write(0x40, 0x80008000); /* both channels decode their ports */
    pci_write(0x04, 0x0005);
    outb(0x3f6, 0); /* interrupts are shown, to the bus master */
    seq = highest();
    say("start ", seq);
    for (;;) {
        unsigned n = 1 + seq * 7919u % 5;

        while (n--) {
            seq++;
            for (unsigned k = 0; k < 128; k++)
                BUFFER[k] = word_of(seq, k);
            if (seq & 1)
                by_pio(place(seq));
            else
                by_dma(place(seq), 1, false);
        }
        command(0, 0, FLUSH);
        end("a flush");
        say("flushed ", seq);
    }
}
