/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest of kill.h with its disk on the first port of an AHCI controller (slot 5), which it
 * writes by queued commands, all at once, and by single ones in turn. Serial ATA AHCI 1.3.1,
 * chapters 3 to 5; Serial ATA 3.0, 10.3 (FIS) and 13.6 (NCQ); ATA8-ACS, clause 7.
 */
#include "kill.h"

#define SLOT  (5u << 3)
#define ABAR  0xfd000000u
#define HBA   ((volatile uint32_t *)ABAR)
#define PORT  ((volatile uint32_t *)(ABAR + 0x100))
#define LIST  ((volatile uint32_t *)0x180000) /* command headers */
#define FIS   0x181000u                       /* what is received */
#define TABLE 0x182000u                       /* command tables, 256 bytes each */

enum { GHC = 1 }; /* words of the HBA */
enum {
    CLB,
    CLBU,
    FB,
    FBU,
    IS,
    IE,
    CMD,
    TFD = 8,
    SSTS = 10,
    SERR = 12,
    SACT,
    CI
}; /* and of a port */
enum { READ_DMA_EXT = 0x25, WRITE_DMA_EXT = 0x35, FLUSH_EXT = 0xea, WRITE_QUEUED = 0x61 };

/* Fills command slot `slot`; `count` 0 is a command without data. */
static void prepare(unsigned slot, uint8_t cmd, uint32_t lba, volatile uint32_t *data,
                    unsigned count)
{
    volatile uint32_t *header = LIST + slot * 8,
                      *table = (volatile uint32_t *)(TABLE + slot * 0x100);
    bool queued = cmd == WRITE_QUEUED;
    uint32_t features = queued ? count : 0, sectors = queued ? slot << 3 : count;

    header[0] = 5 | (cmd != READ_DMA_EXT && count ? 0x40 : 0) |
                (count ? 1 << 16 : 0); /* five words, write, one PRD */
    header[1] = 0;
    header[2] = (uint32_t)(uintptr_t)table;
    header[3] = 0;
    table[0] = 0x8027u | (uint32_t)cmd << 16 | (features & 0xff) << 24;
    table[1] = (lba & 0xffffff) | 0x40u << 24;
    table[2] = lba >> 24 | (features >> 8) << 24;
    table[3] = sectors;
    table[4] = 0;
    table[0x20] = (uint32_t)(uintptr_t)data;
    table[0x21] = 0;
    table[0x22] = 0;
    table[0x23] = count * 512 - 1;
}

static void issue(uint32_t slots, bool queued)
{
    if (queued)
        PORT[SACT] = slots;
    PORT[CI] = slots;
    while ((PORT[CI] | PORT[SACT]) & slots)
        demand("a command", !(PORT[TFD] & 1) && !(PORT[IS] & 0x78000000));
    PORT[IS] = 0xffffffff;
    demand("a command", !(PORT[TFD] & 0x21));
}

static void disk_setup(void)
{
    pci_write(SLOT, 0x24, ABAR);
    pci_write(SLOT, 0x04, 0x0006);
    HBA[GHC] = 0x80000000u;
    PORT[CLB] = (uint32_t)(uintptr_t)LIST;
    PORT[CLBU] = 0;
    PORT[FB] = FIS;
    PORT[FBU] = 0;
    PORT[SERR] = 0xffffffff;
    PORT[CMD] = 0x16; /* spin up, power on, receive */
    while ((PORT[SSTS] & 15) != 3 || (PORT[TFD] & 0x88))
        ;
    PORT[CMD] |= 1;
}

static void disk_read(uint32_t lba, unsigned count)
{
    prepare(0, READ_DMA_EXT, lba, BUFFER, count);
    issue(1, false);
}

static void disk_write(uint32_t seq, unsigned count)
{
    bool queued = seq % 3 != 0;

    for (unsigned n = 0; n < count; n++) {
        prepare(n, queued ? WRITE_QUEUED : WRITE_DMA_EXT, place(seq + n), BUFFER + n * 128, 1);
        if (!queued)
            issue(1u << n, false);
    }
    if (queued)
        issue((1u << count) - 1, true);
}

static void disk_flush(void)
{
    prepare(0, FLUSH_EXT, 0, NULL, 0);
    issue(1, false);
}
