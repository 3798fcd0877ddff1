/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot sector of our 16-bit guests on a disk or floppy: a BIOS loads it to 0x7c00; it loads the rest of the image
 * behind itself, a sector at a time as any drive can (int 13h, AH=08h and 02h), and goes on at main16 with CS = DS = ES = SS = 0,
 * a stack below 0x7c00, interrupts on, and the BIOS's drive number in boot_drive.
 */
#include "guest.h"

    .code16
    .section .boot, "ax"
    .globl boot_sector
boot_sector:
    ljmp $0, $1f
1:  xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x7c00, %sp
    sti
    cld
    mov %dl, %ds:boot_drive
    mov $8, %ah
    int $0x13                   /* CL: sectors a track, DH: last head */
    jc broken
    xor %ax, %ax
    mov %ax, %es                /* it points to a floppy's parameters */
    and $0x3f, %cl
    mov %cl, %ds:track_sectors
    inc %dh
    mov %dh, %ds:heads
    mov $1, %si                 /* the sector, from the disk's beginning */
2:  mov %si, %ax
    divb %ds:track_sectors
    mov %ah, %cl
    inc %cl
    xor %ah, %ah
    divb %ds:heads
    mov %al, %ch
    mov %ah, %dh
    mov %ds:boot_drive, %dl
    mov %si, %bx
    shl $9, %bx
    add $0x7c00, %bx
    mov $0x0201, %ax
    int $0x13
    jc broken
    inc %si
    cmp $disk_sectors, %si
    jb 2b
    jmp main16

broken:
    mov $0x0e00 + '!', %ax
    mov $7, %bx
    int $0x10
3:  hlt
    jmp 3b

    .globl boot_drive, track_sectors, heads
boot_drive: .byte 0
track_sectors: .byte 0
heads: .byte 0
