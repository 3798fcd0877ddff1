// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reset by port 0xcf9 (PIIX3 data sheet, reset control register), told by a byte that survives it.
 */
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
        check("reset by port cf9", true);
        return;
    }
    check_eq("cold start", lives() == 0xa7, false);
    set_lives(0xa7);
    outb(0xcf9, 2);
    outb(0xcf9, 6);
    for (unsigned i = 0; i < 100000000; i++)
        asm volatile("pause");
    set_lives(0);
    check("reset by port cf9", false);
}
