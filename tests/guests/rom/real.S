/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Real mode, 16-bit code: arithmetic with flags, decimal adjusts, multiply and divide, shifts, string instructions
 * in both directions, stack forms, far transfers, interrupts by the vector table, faults that real mode has, big
 * (unreal) segments. SDM 2 for each instruction, 3A chapter 21 (8086 emulation).
 */
#include "check16.h"

    .code16
    .text

    .macro SET_VECTOR n, handler
    movw $\handler, %es:(\n) * 4
    movw $0, %es:(\n) * 4 + 2
    .endm

    .globl main16
main16:
    call test_arith
    call test_bcd
    call test_muldiv
    call test_shift
    call test_string
    call test_stack
    call test_flow
    call test_interrupts
    call test_faults
    call test_single_step
    call test_big_real
    jmp finish16

test_arith:
    mov $0x7fff, %ax
    add $1, %ax
    CHECK_FLAGS 0x8d5, 0x894, "add 7fff+1: OF SF AF PF, no CF ZF"
    CHECK_EQ w, 0x8000, %ax, "add 7fff+1"
    mov $0xff, %al
    add $1, %al
    CHECK_FLAGS 0x8d5, 0x055, "add ff+1: ZF PF CF AF, no OF SF"
    mov $0x80, %al
    sub $1, %al
    CHECK_FLAGS 0x8d5, 0x810, "sub 80-1: OF AF, no CF SF ZF PF"
    CHECK_EQ b, 0x7f, %al, "sub 80-1"
    mov $5, %al
    cmp $7, %al
    CHECK_FLAGS 0x8d5, 0x091, "cmp 5,7: CF SF AF; fe has odd parity"
    stc
    mov $0xffff, %ax
    adc $0, %ax
    CHECK_FLAGS 0x8d5, 0x055, "adc ffff+0+1"
    CHECK_EQ w, 0, %ax, "adc ffff+0+1 result"
    stc
    mov $0, %ax
    sbb $0xffff, %ax
    CHECK_FLAGS 0x8d5, 0x055, "sbb 0-ffff-1: CF stays set"
    CHECK_EQ w, 0, %ax, "sbb 0-ffff-1 result"
    stc
    mov $0x7f, %cl
    inc %cl
    CHECK_FLAGS 0x8d5, 0x891, "inc keeps CF"
    clc
    mov $0x80, %ch
    dec %ch
    CHECK_FLAGS 0x8d5, 0x810, "dec keeps CF clear"
    mov $0x8000, %bx
    neg %bx
    CHECK_FLAGS 0x8c5, 0x885, "neg 8000: OF CF SF PF"
    CHECK_EQ w, 0x8000, %bx, "neg 8000"
    mov $0x0ff0, %ax
    and $0xf00f, %ax
    CHECK_FLAGS 0x8c5, 0x044, "and to zero: ZF PF, CF OF clear"
    mov $0x5555, %ax
    not %ax
    CHECK_EQ w, 0xaaaa, %ax, "not"
    mov $0x80, %al
    cbw
    CHECK_EQ w, 0xff80, %ax, "cbw"
    mov $0x8000, %ax
    cwd
    CHECK_EQ w, 0xffff, %dx, "cwd"
    mov $0x1234, %ax
    mov $0x5678, %bx
    xchg %bl, %ah
    CHECK_EQ w, 0x7834, %ax, "xchg bl,ah: ah"
    CHECK_EQ w, 0x5612, %bx, "xchg bl,ah: bl"
    mov $0x12345678, %eax
    bswap %eax
    CHECK_EQ l, 0x78563412, %eax, "bswap in 16-bit code"
    mov $0x89abcdef, %eax
    mov $0, %ax
    CHECK_EQ l, 0x89ab0000, %eax, "16-bit write keeps the upper half"
    mov $3, %al
    mov $5, %cl
    cmpxchg %cl, %al
    CHECK_EQ b, 5, %al, "cmpxchg equal"
    mov $0xff, %ax
    mov $2, %cx
    xadd %cx, %ax
    CHECK_EQ w, 0x101, %ax, "xadd sum"
    CHECK_EQ w, 0xff, %cx, "xadd old value"
    mov $0x00f0, %bx
    bsf %bx, %ax
    CHECK_EQ w, 4, %ax, "bsf"
    bsr %bx, %ax
    CHECK_EQ w, 7, %ax, "bsr"
    movw $0, %ds:word0 + 4
    mov $37, %ax
    bts %ax, %ds:word0
    CHECK_EQ w, 0x20, %ds:word0 + 4, "bts with a bit index beyond the word"
    mov $0x8040, %ax
    movsx %al, %cx
    movzx %ah, %dx
    CHECK_EQ w, 0x40, %cx, "movsx"
    CHECK_EQ w, 0x80, %dx, "movzx ah"
    ret

test_bcd:
    mov $0x79, %al
    add $0x35, %al
    daa
    CHECK_FLAGS 0x01, 0x01, "daa carries"
    CHECK_EQ b, 0x14, %al, "daa 79+35"
    mov $0x35, %al
    sub $0x47, %al
    das
    CHECK_FLAGS 0x01, 0x01, "das borrows"
    CHECK_EQ b, 0x88, %al, "das 35-47"
    mov $0x0009, %ax
    add $8, %al
    aaa
    CHECK_EQ w, 0x0107, %ax, "aaa 9+8"
    mov $0x0203, %ax
    sub $9, %al
    aas
    CHECK_EQ w, 0x0104, %ax, "aas 23-9"
    mov $63, %ax
    aam
    CHECK_EQ w, 0x0603, %ax, "aam"
    aad
    CHECK_EQ w, 63, %ax, "aad"
    ret

test_muldiv:
    mov $0x1234, %ax
    mov $0x100, %bx
    mul %bx
    CHECK_FLAGS 0x801, 0x801, "mul with a high half: CF OF"
    CHECK_EQ w, 0x3400, %ax, "mul low"
    CHECK_EQ w, 0x0012, %dx, "mul high"
    mov $-3, %al
    mov $5, %bl
    imul %bl
    CHECK_FLAGS 0x801, 0, "imul that fits: no CF OF"
    CHECK_EQ w, 0xfff1, %ax, "imul -3*5"
    imul $1000, %bx, %cx
    mov $1, %dx
    mov $0x0003, %ax
    mov $0x10, %cx
    div %cx
    CHECK_EQ w, 0x1000, %ax, "div quotient"
    CHECK_EQ w, 3, %dx, "div remainder"
    mov $-7, %ax
    cwd
    mov $2, %cx
    idiv %cx
    CHECK_EQ w, 0xfffd, %ax, "idiv -7/2 truncates to -3"
    CHECK_EQ w, 0xffff, %dx, "idiv remainder has the dividend's sign"
    mov $100000, %eax
    mov $100000, %ebx
    mul %ebx
    CHECK_EQ l, 2, %edx, "32-bit mul in 16-bit code, high"
    CHECK_EQ l, 0x540be400, %eax, "32-bit mul, low"
    ret

test_shift:
    mov $0x81, %al
    shl $1, %al
    CHECK_FLAGS 0x801, 0x801, "shl 81: CF OF"
    CHECK_EQ b, 2, %al, "shl"
    mov $0x8001, %ax
    sar $1, %ax
    CHECK_FLAGS 0x881, 0x081, "sar 8001: CF SF, no OF"
    CHECK_EQ w, 0xc000, %ax, "sar"
    mov $0x8000, %ax
    mov $33, %cl
    shr %cl, %ax
    CHECK_EQ w, 0x4000, %ax, "shift counts are taken modulo 32"
    stc
    mov $0xffff, %ax
    mov $32, %cl
    shl %cl, %ax
    CHECK_FLAGS 0x01, 0x01, "a shift by 32 changes no flag"
    CHECK_EQ w, 0xffff, %ax, "a shift by 32 changes nothing"
    mov $0x1234, %ax
    rol $4, %ax
    CHECK_EQ w, 0x2341, %ax, "rol"
    CHECK_FLAGS 0x01, 0x00, "comparison above leaves CF clear"
    stc
    mov $0x8000, %ax
    rcl $1, %ax
    CHECK_FLAGS 0x01, 0x01, "rcl CF out"
    CHECK_EQ w, 1, %ax, "rcl takes CF in"
    clc
    mov $0x01, %al
    rcr $1, %al
    CHECK_FLAGS 0x01, 0x01, "rcr CF out"
    CHECK_EQ b, 0, %al, "rcr"
    stc
    mov $0x55, %al
    mov $9, %cl
    rcl %cl, %al
    CHECK_EQ b, 0x55, %al, "rcl by nine is the identity on bytes"
    mov $0x1234, %ax
    mov $0xabcd, %bx
    shld $4, %bx, %ax
    CHECK_EQ w, 0x234a, %ax, "shld"
    mov $0x1234, %ax
    shrd $8, %bx, %ax
    CHECK_EQ w, 0xcd12, %ax, "shrd"
    ret

test_string:
    push %es
    push %ds
    pop %es
    mov $text, %si
    mov $buffer, %di
    mov $8, %cx
    cld
    rep movsb
    CHECK_EQ w, 0, %cx, "rep movsb count"
    CHECK_EQ w, buffer+8, %di, "rep movsb di"
    mov $text, %si
    mov $buffer, %di
    mov $4, %cx
    repe cmpsw
    CHECK e, "repe cmpsw of a copy"
    /* overlapping copy forwards spreads the first byte */
    mov $buffer, %si
    mov $(buffer + 1), %di
    mov $7, %cx
    rep movsb
    CHECK_EQ l, 0x61616161, %ds:buffer + 4, "overlapping rep movsb goes byte by byte"
    /* and backwards keeps it */
    mov $text, %si
    mov $buffer, %di
    mov $4, %cx
    rep movsw
    std
    mov $(buffer + 6), %si
    mov $(buffer + 7), %di
    mov $7, %cx
    rep movsb
    cld
    CHECK_EQ l, 0x63626161, %ds:buffer, "backward rep movsb"
    mov $text, %di
    mov $8, %cx
    mov $'e', %al
    repne scasb
    CHECK e, "repne scasb finds"
    CHECK_EQ w, 3, %cx, "repne scasb stops after the match"
    mov $buffer, %di
    mov $3, %cx
    mov $0x1122, %ax
    rep stosw
    CHECK_EQ w, 0x1122, %ds:buffer + 4, "rep stosw"
    mov $text, %si
    lodsw
    CHECK_EQ w, 0x6261, %ax, "lodsw"
    xor %cx, %cx
    cmp %cx, %cx
    mov $text, %si
    repne cmpsb
    CHECK e, "rep with count 0 leaves ZF"
    CHECK_EQ w, text, %si, "rep with count 0 leaves SI"
    /* a string runs round the end of its segment */
    mov $0x7000, %ax
    mov %ax, %es
    mov $0xfffe, %di
    mov $4, %cx
    mov $0x5a, %al
    movb $0, %es:2
    rep stosb
    CHECK_EQ w, 2, %di, "DI wraps at 64 KiB"
    CHECK_EQ b, 0x5a, %es:1, "stosb wraps inside the segment"
    CHECK_EQ b, 0, %es:2, "and stops"
    mov $table, %bx
    mov $2, %al
    xlat
    CHECK_EQ b, 30, %al, "xlat"
    pop %es
    ret

test_stack:
    mov %sp, %bp
    push %sp
    pop %ax
    cmp %ax, %bp
    CHECK e, "push sp pushes the old value"
    mov $1, %ax
    mov $2, %cx
    mov $7, %di
    pushaw
    xor %ax, %ax
    xor %cx, %cx
    xor %di, %di
    popaw
    CHECK_EQ w, 1, %ax, "popa ax"
    CHECK_EQ w, 2, %cx, "popa cx"
    CHECK_EQ w, 7, %di, "popa di"
    mov %sp, %bp
    mov %bp, %bx
    enterw $8, $0
    mov %sp, %ax
    leavew
    sub %ax, %bx
    CHECK_EQ w, 10, %bx, "enter 8,0 takes ten bytes"
    pushw $0x1234
    mov %sp, %bp
    push 0(%bp)
    pop %ax
    CHECK_EQ w, 0x1234, %ax, "push m16 through bp uses SS"
    pop %ax
    push $-2
    pop %ax
    CHECK_EQ w, 0xfffe, %ax, "push imm8 is sign-extended"
    pushl $0x11223344
    pop %ax
    pop %bx
    CHECK_EQ w, 0x3344, %ax, "pushl low"
    CHECK_EQ w, 0x1122, %bx, "pushl high"
    pushfw
    pop %ax
    or $0x7000, %ax
    push %ax
    popfw
    pushfw
    pop %ax
    and $0xf002, %ax
    CHECK_EQ w, 0x7002, %ax, "real mode may set NT and IOPL; bit 15 is 0, bit 1 is 1"
    push $2
    popfw
    ret

test_flow:
    mov $5, %cx
    xor %ax, %ax
1:  inc %ax
    loop 1b
    CHECK_EQ w, 5, %ax, "loop"
    mov $3, %cx
    xor %ax, %ax
2:  inc %ax
    cmp $2, %ax
    loopne 2b
    CHECK_EQ w, 1, %cx, "loopne stops on ZF"
    mov $0x10000, %ecx
    jcxz 3f
    jmp 4f
3:  clc
    jmp 5f
4:  stc
5:  CHECK nc, "jcxz looks at 16 bits"
    mov $0x10000, %ecx
    clc
    jecxz 6f
    stc
6:  CHECK c, "jecxz looks at 32 bits"
    xor %ax, %ax
    lcall $0, $far_target
    CHECK_EQ w, 77, %ax, "far call and return"
    push %ds
    lds %ds:far_pointer, %si
    mov %ds, %ax
    pop %ds
    CHECK_EQ w, 0x4321, %ax, "lds segment"
    CHECK_EQ w, 0x8765, %si, "lds offset"
    mov $near_target, %bx
    xor %ax, %ax
    call *%bx
    CHECK_EQ w, 78, %ax, "indirect near call"
    pushw $1
    pushw $2
    call pops_four
    CHECK_EQ w, 0x7bfe, %sp, "ret imm16 drops arguments"
    ljmp *%ds:far_jump
    clc
8:  CHECK c, "indirect far jump"
    lea 2(%bx, %si), %ax
    setc %al
    lea -1(%eax), %ecx
    ret
far_landing:
    stc
    jmp 8b
far_target:
    mov $77, %ax
    lret
near_target:
    mov $78, %ax
    ret
pops_four:
    ret $4

test_interrupts:
    SET_VECTOR 0x60, int60
    mov $0x1111, %bx
    stc
    sti
    int $0x60
    CHECK c, "iret restores CF"
    pushfw
    pop %ax
    and $0x200, %ax
    CHECK_EQ w, 0x200, %ax, "iret restores IF"
    cli
    CHECK_EQ w, 0x2222, %bx, "int 60h ran"
    CHECK_EQ w, 0, %ds:seen_flags, "IF and TF are clear in the handler"
    SET_VECTOR 3, int3
    movb $0, %ds:hits
    int3
    CHECK_EQ b, 3, %ds:hits, "int3"
    SET_VECTOR 4, int4
    mov $0x7f, %al
    inc %al
    into
    CHECK_EQ b, 4, %ds:hits, "into with OF"
    xor %ax, %ax
    movb $0, %ds:hits
    into
    CHECK_EQ b, 0, %ds:hits, "into without OF"
    ret
int60:
    mov $0x2222, %bx
    pushfw
    pop %ax
    and $0x300, %ax
    mov %ax, %ds:seen_flags
    iret
int3:
    movb $3, %ds:hits
    iret
int4:
    movb $4, %ds:hits
    iret

/* Faults: the handler notes the vector and goes on at the address in `resume`. */
    .macro FAULT_VECTOR n
    SET_VECTOR \n, fault\n
    .endm
    .macro EXPECT n, name:vararg
    movw $775f, %ds:resume
    movb $0xff, %ds:hits
    .endm
test_faults:
    FAULT_VECTOR 0
    FAULT_VECTOR 5
    FAULT_VECTOR 6
    FAULT_VECTOR 7
    FAULT_VECTOR 13
    EXPECT 0
    mov $1, %ax
    xor %cx, %cx
    div %cl
775: CHECK_EQ b, 0, %ds:hits, "division by zero is vector 0"
    EXPECT 0
    mov $0x8000, %ax
    mov $0xff, %cl
    idiv %cl
775: CHECK_EQ b, 0, %ds:hits, "a quotient that does not fit is vector 0"
    EXPECT 5
    mov $5, %ax
    bound %ax, %ds:limits
    movb $0x55, %ds:hits
775: CHECK_EQ b, 0x55, %ds:hits, "bound inside"
    EXPECT 5
    mov $11, %ax
    bound %ax, %ds:limits
775: CHECK_EQ b, 5, %ds:hits, "bound outside is vector 5"
    EXPECT 6
    ud2
775: CHECK_EQ b, 6, %ds:hits, "ud2 is vector 6"
    EXPECT 6
    .byte 0xf0, 0x90 /* lock nop */
775: CHECK_EQ b, 6, %ds:hits, "lock on nop is vector 6"
    EXPECT 6
    arpl %ax, %bx
775: CHECK_EQ b, 6, %ds:hits, "arpl is undefined in real mode"
    EXPECT 7
    mov %cr0, %eax
    or $8, %al
    mov %eax, %cr0
    fnop
775: CHECK_EQ b, 7, %ds:hits, "x87 with CR0.TS is vector 7"
    clts
    mov %cr0, %eax
    test $8, %al
    CHECK z, "clts"
    ret
    .irp n, 0, 5, 6, 7, 13
fault\n:
    movb $\n, %ds:hits
    jmp fault_resume
    .endr
fault_resume:
    push %bp
    mov %sp, %bp
    push %ax
    mov %ds:resume, %ax
    mov %ax, 2(%bp)
    pop %ax
    pop %bp
    iret

test_single_step:
    SET_VECTOR 1, step
    movb $0, %ds:hits
    pushfw
    pop %ax
    or $0x100, %ax
    push %ax
    popfw
    nop
    nop
    pushfw
    pop %ax
    and $0xfeff, %ax
    push %ax
    popfw
    /* traps after nop, nop, pushf, pop, and, push and popf (whose TF was set when it began) */
    CHECK_EQ b, 7, %ds:hits, "one trap an instruction in single step"
    ret
step:
    incb %ds:hits
    iret

test_big_real:
    push %ds
    lgdtl %ds:big_gdt_pointer
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    jmp 1f
1:  mov $8, %bx
    mov %bx, %fs
    and $0xfe, %al
    mov %eax, %cr0
    jmp 2f
2:  pop %ds
    mov $0x200000, %edi
    movl $0x13579bdf, %fs:(%edi)
    movl $0, %fs:4(%edi)
    CHECK_EQ l, 0x13579bdf, %fs:(%edi), "big real mode reaches beyond 1 MiB"
    xor %ax, %ax
    mov %ax, %fs
    CHECK_EQ l, 0x13579bdf, %fs:(%edi), "a real-mode load keeps the big limit"
    smsw %ax
    test $1, %al
    CHECK z, "smsw says real mode"
    ret

    .data
    .balign 4
word0: .long 0, 0
text: .ascii "abcdefgh"
buffer: .skip 16
table: .byte 10, 20, 30, 40
limits: .word 0, 10
far_pointer: .word 0x8765, 0x4321
far_jump: .word far_landing, 0
hits: .byte 0
    .balign 2
resume: .word 0
seen_flags: .word 0xffff
    .balign 8
big_gdt: .quad 0, 0x00cf93000000ffff
big_gdt_pointer:
    .word 15
    .long big_gdt
