/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For 16-bit guests that draw: they say which picture stands, and wait for a key before they go on.
 */
#include "guest.h"

    .code16
    .text

/* Says on the debug port that the picture named by the letter AL stands, and waits for a key. */
    .globl picture
picture:
    push %si
    push %ax
    mov $str_picture, %si
1:  lodsb
    test %al, %al
    jz 2f
    out %al, $PORT_DEBUG
    jmp 1b
2:  pop %ax
    out %al, $PORT_DEBUG
    mov $'\n', %al
    out %al, $PORT_DEBUG
    xor %ah, %ah
    int $0x16
    pop %si
    ret

    .data
str_picture: .asciz "picture "
