/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a Multiboot loader to enter.S's start32: the header, and what the loader left in EAX and EBX (Multiboot
 * Specification 0.6.96, 3.1 and 3.2). No address fields: the loader goes by the ELF headers.
 */
#include "guest.h"

#define MAGIC 0x1badb002
#define FLAGS 0

    .section .start, "ax"
    .balign 4
    .long MAGIC, FLAGS, -(MAGIC + FLAGS)

    .code32
    .globl multiboot_start
multiboot_start:
    cli
    cld
    mov %eax, multiboot_magic
    mov %ebx, multiboot_info
    mov $0x3fb, %edx            /* the serial line: 8 bits a character */
    mov $3, %al
    out %al, %dx
    lgdt gdt_pointer
    ljmp $SEL_KCODE32, $start32

    .data
    .balign 8
    .globl multiboot_magic, multiboot_info
multiboot_magic: .long 0, 0
multiboot_info: .long 0, 0
