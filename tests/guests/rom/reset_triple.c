// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A triple fault resets the machine when -no-reboot is not given.
 */
// not on: bochs (configured to stop there)
#include "test.h"

/* Something that survives a reset: a byte of the RTC's battery-backed memory. */
static uint8_t lives(void)
{
    outb(0x70, 0x48);
    return inb(0x71);
}
static void set_lives(uint8_t v)
{
    outb(0x70, 0x48);
    outb(0x71, v);
}

void main(void)
{
    if (lives() == 0xa7) {
        set_lives(0);
        check("reset by a triple fault", true);
        return;
    }
    check_eq("cold start", lives() == 0xa7, false);
    set_lives(0xa7);
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) p = {0, 0};

    asm volatile("lidt %0; int3" ::"m"(p));
    for (unsigned i = 0; i < 100000000; i++)
        asm volatile("pause");
    set_lives(0);
    check("reset by a triple fault", false);
}
