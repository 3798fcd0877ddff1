/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reporting for guests written in 16-bit assembler: DS is 0 (or a 16-bit protected-mode data segment of base 0).
 * Nothing but the flags is changed by fail16.
 */
#include "guest.h"

    .code16
    .text

/* The name at DS:SI is that of a failed check. */
    .globl fail16
fail16:
    push %si
    push %ax
    push %si
    mov $str_fail, %si
    call puts16
    pop %si
    call puts16
    mov $'\n', %al
    out %al, $PORT_DEBUG
    incw %ds:failed16
    pop %ax
    pop %si
    ret

puts16:
    lodsb
    test %al, %al
    jz 1f
    out %al, $PORT_DEBUG
    jmp puts16
1:  ret

/* AX in decimal. */
putn16:
    xor %dx, %dx
    mov $10, %bx
    div %bx
    push %dx
    test %ax, %ax
    jz 1f
    call putn16
1:  pop %ax
    add $'0', %al
    out %al, $PORT_DEBUG
    ret

/* Prints the summary and ends the machine. */
    .globl finish16
finish16:
    cli
    cld
    mov $str_done, %si
    call puts16
    mov %ds:checks16, %ax
    call putn16
    mov $str_failed, %si
    call puts16
    mov %ds:failed16, %ax
    call putn16
    mov $'\n', %al
    out %al, $PORT_DEBUG
    mov $EXIT_PASS, %al
    cmpw $0, %ds:failed16
    je 1f
    mov $EXIT_FAIL, %al
1:  mov $PORT_EXIT, %dx
    out %al, %dx
    mov $str_shutdown, %si
    mov $PORT_BOCHS_EXIT, %dx
2:  lodsb
    out %al, %dx
    test %al, %al
    jnz 2b
3:  hlt
    jmp 3b

    .data
    .globl checks16, failed16
checks16: .word 0
failed16: .word 0
str_fail: .asciz "FAIL "
str_done: .asciz "done: checks="
str_failed: .asciz " failed="
str_shutdown: .asciz "Shutdown"
