// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A triple fault of one processor among several, with -no-reboot, ends the emulator as that of an
 * only one does, whatever the others are doing: running, halted, waiting for a start-up IPI.
 */
// ends: status 3
// options: -smp 4 -no-reboot
// not on: qemu, bochs (no status for it)
#include "smp.h"

void ap_main(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) none = {0, 0};

    if (me() == 3)
        asm volatile("hlt");
    asm volatile("lidt %0; int3" ::"m"(none));
    for (;;)
        asm volatile("hlt");
}

void main(void)
{
    puts("triple fault now\n");
    ap_start_all();
    for (unsigned i = 0; i < 4000000000u; i++)
        asm volatile("pause");
    puts("FAIL the others went on\n");
}
