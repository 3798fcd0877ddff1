/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest to be killed: writes numbered sectors to a disk, flushes after every few, and says on
 * port e9 up to which number the disk has acknowledged that. tests/guests/kill/kill.py knows the
 * same numbers and looks for them afterwards. Who includes this drives a controller by the four
 * functions below.
 */
#ifndef KILL_H
#define KILL_H

#include "test.h"

#define SECTORS 4096u /* as in kill.py */
#define MAGIC   0x6c6c696bu
#define BUFFER  ((volatile uint32_t *)0x200000) /* CHUNK sectors, one behind the other */
#define CHUNK   128u                            /* sectors a read */
#define BATCH   5u                              /* sectors between two flushes, at most */

static void disk_setup(void);
static void disk_read(uint32_t lba, unsigned count);
/* Writes the first sectors of BUFFER, the nth of them to place(seq + n): at once where the
 * controller can. No two are one place. */
static void disk_write(uint32_t seq, unsigned count);
static void disk_flush(void);

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

/* An error that the disk told of is the end. */
static inline void demand(const char *what, bool good)
{
    if (!good) {
        check(what, false);
        finish();
    }
}

static inline uint32_t pci_read(unsigned slot, unsigned reg)
{
    outl(0xcf8,
         0x80000000u | slot << 8 | reg); /* slot: device and function as in a config address */
    return inl(0xcfc);
}

static inline void pci_write(unsigned slot, unsigned reg, uint32_t val)
{
    outl(0xcf8, 0x80000000u | slot << 8 | reg);
    outl(0xcfc, val);
}

static uint32_t highest(void)
{
    uint32_t max = 0;

    for (uint32_t lba = 0; lba < SECTORS; lba += CHUNK) {
        disk_read(lba, CHUNK);
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

    disk_setup();
    seq = highest();
    say("start ", seq);
    for (;;) {
        unsigned count = 1 + seq * 7919u % BATCH;

        for (unsigned n = 0; n < count; n++) {
            for (unsigned k = 0; k < 128; k++)
                BUFFER[n * 128 + k] = word_of(seq + 1 + n, k);
        }
        disk_write(seq + 1, count);
        disk_flush();
        seq += count;
        say("flushed ", seq);
    }
}

#endif
