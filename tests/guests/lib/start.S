/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the reset vector (SDM 3A, 10.1.4) to real mode in RAM: the last 64 KiB of the firmware image are copied
 * from 0xf0000 to 0, .bss is cleared, and main16 runs with CS = DS = ES = 0, SS:SP = 0x6000:0x7c00, interrupts off.
 * Needs no device but RAM.
 */
#include "guest.h"

    .code16
    .section .reset, "ax"
    .globl reset_vector
reset_vector:
    ljmp $0xf000, $rom_start

    .section .start, "ax"
rom_start:
    cli
    cld
    mov $0xf000, %ax
    mov %ax, %ds
    xor %ax, %ax
    mov %ax, %es
    xor %si, %si
    xor %di, %di
    mov $0x8000, %cx
    rep movsw
    mov $0x2000, %ax            /* .bss: up to four segments' worth */
    mov $0x6000, %dx
1:  cmp %dx, %ax
    jae 2f
    mov %ax, %es
    xor %di, %di
    push %ax
    xor %ax, %ax
    mov $8, %cx
    rep stosw
    pop %ax
    inc %ax
    jmp 1b
2:  in $0x92, %al               /* A20, should the board come up without it */
    or $2, %al
    and $0xfe, %al
    out %al, $0x92
    xor %ax, %ax
    mov %ax, %es
    mov %ax, %ds
    mov $0x6000, %ax
    mov %ax, %ss
    mov $0x7c00, %sp
    ljmp $0, $main16
