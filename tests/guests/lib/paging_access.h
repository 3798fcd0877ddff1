/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One access of each kind to the linear address in acc_va, from ring 0 or ring 3, and what came of
 * it: run_access() returns once the access is done (INT 80h follows it) or has faulted, with `got`
 * filled. Both ends go back by loading the stack pointer, without IRET. What is executed has no
 * operands but registers, so that ring 3 may run it at an alias of its page.
 */
#ifndef PAGING_ACCESS_H
#define PAGING_ACCESS_H

#include "test.h"

/* Offsets from acc_va: what is read, written, run; a used and a new descriptor in the LDT that lies
 * there. */
#define AT_READ  0x40
#define AT_WRITE 0x44
#define AT_USED  0x80
#define AT_NEW   0x88
#define AT_CODE  0xc0

volatile struct got {
    word vector, error, ip, cr2, ax;
} got __attribute__((used));

/* Where to run what, with which flags and value to write; acc_user: at ring 3. */
volatile word acc_user __attribute__((used)), acc_code __attribute__((used));
volatile word acc_flags __attribute__((used)), acc_value __attribute__((used));
volatile word acc_va __attribute__((used)), acc_sp __attribute__((used));

void run_access(void), end_fault(void), end_int(void);
extern char code_read[], code_write[], code_implicit_read[], code_implicit_write[];

#ifdef __x86_64__
asm(".pushsection .text\n"
    "run_access:\n"
    "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; pushf\n"
    "    mov %rsp, acc_sp\n"
    "    mov acc_va, %rdi; mov acc_value, %rdx; mov acc_code, %rcx\n"
    "    mov $0xeeeeeeee, %eax\n"
    "    cmpq $0, acc_user\n"
    "    jne 1f\n"
    "    pushq acc_flags; popf\n"
    "    jmp *%rcx\n"
    "1:  pushq $0x23; pushq $0; pushq acc_flags; pushq $0x2b; push %rcx\n"
    "    iretq\n"
    "end_fault:\n"
    "    mov %rax, got+32\n"
    "    pop %rax; mov %rax, got+8\n"
    "    mov %cr2, %rax; mov %rax, got+24\n"
    "    movq $14, got\n"
    "    jmp 2f\n"
    "end_int:\n"
    "    mov %rax, got+32\n"
    "    movq $0x80, got\n"
    "2:  pop %rax; mov %rax, got+16\n"
    "    mov acc_sp, %rsp\n"
    "    popf; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "    ret\n"
    "code_read: mov 0x40(%rdi), %eax; int $0x80\n"
    "code_write: mov %edx, 0x44(%rdi); int $0x80\n"
    ".popsection\n");
#else
asm(".pushsection .text\n"
    "run_access:\n"
    "    pushal; pushf\n"
    "    mov %esp, acc_sp\n"
    "    mov acc_va, %edi; mov acc_value, %edx; mov acc_code, %ecx\n"
    "    mov $0xeeeeeeee, %eax\n"
    "    cmpl $0, acc_user\n"
    "    jne 1f\n"
    "    pushl acc_flags; popf\n"
    "    jmp *%ecx\n"
    "1:  pushl $0x23; pushl $0; pushl acc_flags; pushl $0x1b; push %ecx\n"
    "    iret\n"
    "end_fault:\n"
    "    mov %eax, got+16\n"
    "    pop %eax; mov %eax, got+4\n"
    "    mov %cr2, %eax; mov %eax, got+12\n"
    "    movl $14, got\n"
    "    jmp 2f\n"
    "end_int:\n"
    "    mov %eax, got+16\n"
    "    movl $0x80, got\n"
    "2:  pop %eax; mov %eax, got+8\n"
    "    mov acc_sp, %esp\n"
    "    popf; popal\n"
    "    ret\n"
    "code_read: mov 0x40(%edi), %eax; int $0x80\n"
    "code_write: mov %edx, 0x44(%edi); int $0x80\n"
    ".popsection\n");
#endif
/* LSL reads a descriptor of the LDT, and a segment load sets its accessed bit: at any ring these
 * are accesses of the supervisor. */
asm(".pushsection .text\n"
    "code_implicit_read: mov $0x87, %ecx; lsl %ecx, %eax; int $0x80\n"
    "code_implicit_write: mov $0x8f, %ecx; mov %ecx, %fs; int $0x80\n"
    ".popsection\n");

#endif
