/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest of kill.h with its disk behind virtio-blk (slot 5), by the registers of before 1.0;
 * several writes are in the ring at once. Virtual I/O Device (VIRTIO) 1.1, 2.6 (split
 * virtqueues), 4.1.4.8 (legacy registers), 5.2 (block device).
 */
#include "kill.h"

#define SLOT  (5u << 3)
#define IO    0xc000
#define RING  0x180000u /* a page's number goes to the device */
#define HEADS 0x190000u /* headers of requests, 16 bytes each */
#define STATE ((volatile uint8_t *)0x191000)

enum {
    FEATURES = 0,
    GUEST_FEATURES = 4,
    QUEUE_PFN = 8,
    QUEUE_SIZE = 12,
    QUEUE_SELECT = 14,
    NOTIFY = 16,
    STATUS = 18
};
enum { READ, WRITE, FLUSH = 4 };

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next; /* 1: there is a next; 2: the device writes */
};

static unsigned size; /* of the queue */
static uint16_t used; /* what the device has done so far */

/* Request number `n` of those that run at once; sector_data has `bytes`. */
static void put_request(unsigned n, uint32_t type, uint32_t lba, volatile uint32_t *data,
                        uint32_t bytes)
{
    volatile struct descriptor *d = (volatile struct descriptor *)RING + n * 3;
    volatile uint16_t *avail = (volatile uint16_t *)(RING + size * 16);
    volatile uint32_t *head = (volatile uint32_t *)(HEADS + n * 16);

    head[0] = type;
    head[1] = 0;
    head[2] = lba;
    head[3] = 0;
    STATE[n] = 0xff;
    d[0] = (struct descriptor){(uintptr_t)head, 16, 1, (uint16_t)(n * 3 + (bytes ? 1 : 2))};
    d[1] = (struct descriptor){(uintptr_t)data, bytes, type == READ ? 3 : 1, (uint16_t)(n * 3 + 2)};
    d[2] = (struct descriptor){(uintptr_t)(STATE + n), 1, 2, 0};
    avail[2 + avail[1] % size] = (uint16_t)(n * 3);
    asm volatile("" ::: "memory");
    avail[1]++;
}

static void run(unsigned count)
{
    volatile uint16_t *ring =
        (volatile uint16_t *)((RING + size * 16 + 6 + size * 2 + 0xfff) & ~0xfffu);

    outw(IO + NOTIFY, 0);
    used = (uint16_t)(used + count);
    while (ring[1] != used)
        ;
    for (unsigned n = 0; n < count; n++)
        demand("a request", STATE[n] == 0);
}

static void disk_setup(void)
{
    pci_write(SLOT, 0x10, IO);
    pci_write(SLOT, 0x04, 0x0005);
    outb(IO + STATUS, 0);
    outb(IO + STATUS, 3);
    demand("a disk that can flush", inl(IO + FEATURES) & 1u << 9);
    outl(IO + GUEST_FEATURES, 1u << 9);
    outw(IO + QUEUE_SELECT, 0);
    size = inw(IO + QUEUE_SIZE);
    outl(IO + QUEUE_PFN, RING >> 12);
    outb(IO + STATUS, 7);
}

static void disk_read(uint32_t lba, unsigned count)
{
    put_request(0, READ, lba, BUFFER, count * 512);
    run(1);
}

static void disk_write(uint32_t seq, unsigned count)
{
    for (unsigned n = 0; n < count; n++)
        put_request(n, WRITE, place(seq + n), BUFFER + n * 128, 512);
    run(count);
}

static void disk_flush(void)
{
    put_request(0, FLUSH, 0, NULL, 0);
    run(1);
}
