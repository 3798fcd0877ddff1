// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A reset with -no-reboot ends the emulator with a status of its own.
 */
// ends: status 4
// options: -no-reboot
// not on: qemu bochs (no status for it)
#include "test.h"

void main(void)
{
    outb(0xcf9, 2);
    outb(0xcf9, 6);
    for (;;)
        asm volatile("pause");
}
