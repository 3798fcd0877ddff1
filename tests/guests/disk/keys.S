/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A keyboard echo by the BIOS: each key of int 16h is written to the screen, and its scan code, character and the
 * shift keys (int 16h, AH=02h) to the debug port as "key SSCC FF". Escape ends it.
 */
#include "check16.h"

    .code16
    .text
    .globl main16
main16:
    mov $3, %ax
    int $0x10
    mov $1, %ah
    int $0x16
    CHECK z, "no key waits at the beginning"
    mov $greeting, %si
    call show
    mov $debug_ready, %si
    call tell
1:  mov $0x10, %ah
    int $0x16
    push %ax
    mov $debug_key, %si
    call tell
    mov %ah, %al
    call tell_hex
    pop %ax
    push %ax
    call tell_hex
    mov $' ', %al
    out %al, $PORT_DEBUG
    mov $2, %ah
    int $0x16
    and $0x0f, %al              /* shift, ctrl, alt; not the locks */
    call tell_hex
    mov $'\n', %al
    out %al, $PORT_DEBUG
    pop %ax
    cmp $27, %al
    je 3f
    test %al, %al
    jz 1b
    cmp $0xe0, %al
    je 1b
    call put
    cmp $13, %al
    jne 1b
    mov $10, %al
    call put
    jmp 1b
3:  CHECK_EQ b, 1, %ah, "Escape's scan code"
    jmp finish16

/* AL to the screen. */
put:
    mov $0x0e, %ah
    mov $7, %bx
    int $0x10
    ret

/* The text at SI to the screen, and to the debug port. */
show:
    lodsb
    test %al, %al
    jz 1f
    call put
    jmp show
1:  ret
tell:
    lodsb
    test %al, %al
    jz 1f
    out %al, $PORT_DEBUG
    jmp tell
1:  ret

tell_hex:
    push %ax
    shr $4, %al
    call 1f
    pop %ax
    and $15, %al
1:  cmp $10, %al
    jb 2f
    add $'a' - '0' - 10, %al
2:  add $'0', %al
    out %al, $PORT_DEBUG
    ret

    .data
greeting: .asciz "Echo: "
debug_ready: .asciz "ready\n"
debug_key: .asciz "key "
