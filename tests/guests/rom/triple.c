// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A triple fault with -no-reboot ends the emulator with a status of its own and a dump of the
 * state.
 */
// ends: status 3
// options: -no-reboot
// not on: qemu (no status for it)
#include "test.h"

void main(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) p = {0, 0};

    puts("triple fault now\n");
    asm volatile("lidt %0; mov $0x600df00d, %%eax; int3" ::"m"(p) : "eax");
}
