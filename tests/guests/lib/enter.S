/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From real mode to C: a 32-bit guest's main runs flat with paging off, a 64-bit guest's with the first gigabyte
 * mapped one to one by 2 MiB pages (user accessible). Also the GDT, the IDT's 256 entry stubs and the way into ring 3 and back.
 * SDM 3A 10.9 (mode switching), 10.8.5 (IA-32e initialisation).
 */
#include "guest.h"

#define PML4 0x70000 /* 64-bit guests' first page tables: three pages of low memory */
#define PDPT 0x71000
#define PD   0x72000
#define STACK_TOP 0x90000

    .code16
    .text
    .globl main16
main16:
    lgdtl %ds:gdt_pointer
    mov %cr0, %eax
    and $~0x60000000, %eax      /* caches on */
    or $1, %eax
    mov %eax, %cr0
    ljmpl $SEL_KCODE32, $start32

    .code32
    .globl start32
start32:
    mov $SEL_KDATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    mov %eax, %ss
    mov $STACK_TOP, %esp
#ifndef __x86_64__
    ljmp $SEL_KCODE, $1f
1:  call idt_setup
    call main
    jmp finish
#else
    mov $PML4, %edi
    mov $(3 * 1024), %ecx
    xor %eax, %eax
    rep stosl
    movl $(PDPT + 7), PML4
    movl $(PD + 7), PDPT
    mov $PD, %edi
    mov $0xe7, %eax             /* present, writable, user, accessed, dirty, large */
1:  mov %eax, (%edi)
    add $8, %edi
    add $0x200000, %eax
    cmp $(0x40000000 + 0xe7), %eax
    jb 1b
    mov %cr4, %eax
    or $0x20, %eax              /* PAE */
    mov %eax, %cr4
    mov $PML4, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    rdmsr
    or $0x901, %eax             /* LME, SCE, NXE */
    wrmsr
    mov %cr0, %eax
    or $0x80000000, %eax
    mov %eax, %cr0
    ljmp $SEL_KCODE, $start64

    .code64
start64:
    mov $STACK_TOP, %rsp
    call idt_setup
    call main
    jmp finish
#endif

/* The entry stubs, 16 bytes each: a zero where the processor pushes no error code, then the vector. */
    .balign 16
    .globl trap_stubs
trap_stubs:
    .set vec, 0
    .rept 256
    .balign 16
    .if (vec == 8) || ((vec >= 10) && (vec <= 14)) || (vec == 17) || (vec == 21)
    .else
    push $0
    .endif
#ifdef __x86_64__
    pushq $vec
#else
    pushl $vec
#endif
    jmp trap_common
    .set vec, vec + 1
    .endr

#ifndef __x86_64__
trap_common:
    push %gs
    push %fs
    push %es
    push %ds
    pushal
    cld
    mov $SEL_KDATA, %eax
    mov %eax, %ds
    mov %eax, %es
    push %esp
    call trap_c
    add $4, %esp
    popal
    pop %ds
    pop %es
    pop %fs
    pop %gs
    add $8, %esp
    iret

/* void enter_user(uint32_t frame[5]): IRET to eip, cs, eflags, esp, ss; returns when leave_user is called. */
    .globl enter_user
enter_user:
    mov 4(%esp), %eax
    pushal
    mov %esp, user_return_sp
    pushl 16(%eax)
    pushl 12(%eax)
    pushl 8(%eax)
    pushl 4(%eax)
    pushl (%eax)
    mov $SEL_UDATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    iret
    .globl leave_user
leave_user:
    cli
    cld
    mov $SEL_KDATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    mov %eax, %ss
    mov user_return_sp, %esp
    popal
    ret
#else
trap_common:
    push %r15
    push %r14
    push %r13
    push %r12
    push %r11
    push %r10
    push %r9
    push %r8
    push %rbp
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rbx
    push %rax
    cld
    mov %rsp, %rdi
    mov %rsp, %rbx
    and $-16, %rsp
    call trap_c
    mov %rbx, %rsp
    pop %rax
    pop %rbx
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    pop %rbp
    pop %r8
    pop %r9
    pop %r10
    pop %r11
    pop %r12
    pop %r13
    pop %r14
    pop %r15
    add $16, %rsp
    iretq

    .globl enter_user
enter_user:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, user_return_sp
    pushq 32(%rdi)
    pushq 24(%rdi)
    pushq 16(%rdi)
    pushq 8(%rdi)
    pushq (%rdi)
    mov $SEL_UDATA, %eax
    mov %eax, %ds
    mov %eax, %es
    iretq
    .globl leave_user
leave_user:
    cli
    cld
    mov user_return_sp, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    mov $SEL_KDATA, %eax
    mov %eax, %ss
    mov %eax, %ds
    mov %eax, %es
    ret
#endif

    .data
    .balign 8
    .globl gdt, gdt_pointer
gdt:
    .quad 0
#ifdef __x86_64__
    .quad 0x00af9b000000ffff
#else
    .quad 0x00cf9b000000ffff
#endif
    .quad 0x00cf93000000ffff
    .quad 0x00cffb000000ffff
    .quad 0x00cff3000000ffff
    .quad 0x00affb000000ffff
    .quad 0x00cff3000000ffff
    .quad 0, 0
    .quad 0x00cf9b000000ffff
    .quad 0x00009b000000ffff
    .quad 0x000093000000ffff
    .fill GDT_ENTRIES - 12, 8, 0
gdt_pointer:
    .word GDT_ENTRIES * 8 - 1
    .long gdt, 0

    .bss
    .balign 8
    .globl user_return_sp
user_return_sp: .skip 8
