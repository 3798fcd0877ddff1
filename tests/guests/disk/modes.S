/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A picture in each kind of graphics mode that the BIOS sets: CGA's 4 and 2 colours, EGA's and VGA's planes by write modes 0 and 2, set/reset
 * and bit mask, mode 13h with a palette of its own, and 256 colours of VBE by banks. Each is announced on the debug port, and
 * stays until a key. IBM VGA technical reference; VBE 2.0.
 */
#include "check16.h"

    .code16
    .text
    .globl main16
main16:
    /* 4: interleaved lines, two bits a pixel */
    mov $0x04, %ax
    call mode
    push $0xb800
    pop %es
    xor %di, %di
1:  mov %di, %ax
    shr $3, %ax
    xor %di, %ax
    stosb
    cmp $0x3f40, %di
    jb 1b
    mov $'4', %al
    call picture
    /* 6: one bit a pixel */
    mov $0x06, %ax
    call mode
    xor %di, %di
2:  mov %di, %ax
    imul $37, %ax, %ax
    stosb
    cmp $0x3f40, %di
    jb 2b
    mov $'6', %al
    call picture
    /* 0dh: each plane by its map mask */
    mov $0x0d, %ax
    call mode
    push $0xa000
    pop %es
    mov $0x0102, %bx
3:  mov $0x3c4, %dx
    mov %bx, %ax
    out %ax, %dx
    xor %di, %di
4:  mov %di, %ax
    shr $2, %ax
    add %di, %ax
    and %bh, %ah
    xor %bh, %al
    stosb
    cmp $8000, %di
    jb 4b
    shl $1, %bh
    cmp $0x10, %bh
    jb 3b
    mov $'d', %al
    call picture
    /* 12h: stripes by write mode 2, then a frame by set/reset and bit mask */
    mov $0x12, %ax
    call mode
    mov $0x3ce, %dx
    mov $0x0205, %ax            /* write mode 2 */
    out %ax, %dx
    xor %di, %di
5:  mov %di, %ax
    shr $4, %ax
    stosb
    cmp $38400, %di
    jb 5b
    mov $0x0005, %ax            /* write mode 0 */
    out %ax, %dx
    mov $0x0c00, %ax            /* set/reset: light red */
    out %ax, %dx
    mov $0x0f01, %ax
    out %ax, %dx
    mov $0x1808, %ax            /* the two pixels in the middle of each byte */
    out %ax, %dx
    mov $80 * 100, %di
6:  mov %es:(%di), %al          /* fills the latches */
    stosb
    cmp $80 * 200, %di
    jb 6b
    mov $'c', %al
    call picture
    /* 13h: a palette of 64 steps of three colours */
    mov $0x13, %ax
    call mode
    mov $0x3c8, %dx
    xor %al, %al
    out %al, %dx
    inc %dx
    xor %cx, %cx
7:  mov %cl, %al
    and $63, %al
    out %al, %dx
    mov %cl, %al
    shr $2, %al
    out %al, %dx
    mov $63, %al
    sub %cl, %al
    and $63, %al
    out %al, %dx
    inc %cl
    jnz 7b
    xor %di, %di
8:  mov %di, %ax
    xor %dx, %dx
    mov $320, %bx
    div %bx                     /* AX: row, DX: column */
    xor %dl, %al
    stosb
    cmp $64000, %di
    jb 8b
    mov $'3', %al
    call picture
    /* VBE 101h, 640x480 in 256 colours, by banks of 64 KiB */
    mov $0x4f02, %ax
    mov $0x0101, %bx
    int $0x10
    CHECK_EQ w, 0x004f, %ax, "VBE sets mode 101h"
    xor %si, %si
9:  mov $0x4f05, %ax
    xor %bx, %bx
    mov %si, %dx
    int $0x10
    CHECK_EQ w, 0x004f, %ax, "VBE changes the bank"
    xor %di, %di
10: mov %di, %ax
    shr $7, %ax
    add %si, %ax
    xor %di, %ax
    stosb
    test %di, %di
    jnz 10b
    inc %si
    cmp $5, %si
    jb 9b
    mov $'v', %al
    call picture
    mov $0x03, %ax
    call mode
    jmp finish16

mode:
    int $0x10
    mov $0x0f, %ah
    int $0x10
    ret
