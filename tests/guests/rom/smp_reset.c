// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Resets that another processor than the first asks for, while all run: by port 0xcf9 in the first
 * life, by a triple fault in the second; in each life all start anew and wait for their start-up
 * IPI. A byte of the RTC's battery-backed memory counts the lives.
 */
// options: -smp 4
// not on: bochs (its configuration has one processor)
#include "smp.h"

static volatile uint32_t up;
static volatile bool reset_now;
static uint8_t life;

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

void ap_main(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) none = {0, 0};

    asm volatile("lock incl %0" : "+m"(up)::"cc");
    while (!reset_now || me() != 2)
        asm volatile("lock addl $0, %0" : "+m"(up)::"cc");
    if (life == 0xa2)
        asm volatile("lidt %0; int3" ::"m"(none));
    outb(0xcf9, 2);
    outb(0xcf9, 6);
    for (;;)
        asm volatile("pause");
}

void main(void)
{
    life = lives();
    if (life != 0xa2 && life != 0xa3)
        life = 0xa1;
    set_lives((uint8_t)(life + 1));
    check_eq("nobody runs before its start-up IPI", up, 0);
    ap_start_all();
    for (unsigned i = 0; up != 3 && i < 200000000u; i++)
        asm volatile("pause");
    check_eq("all came up", up, 3);
    if (life == 0xa3) {
        set_lives(0);
        return;
    }
    reset_now = true;
    for (unsigned i = 0; i < 100000000; i++)
        asm volatile("pause");
    set_lives(0);
    check("reset by another processor", false);
}
