/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a boot sector reaches memory above 1 MiB: the A20 gate by BIOS, by port 0x92 and by the keyboard controller; the BIOS's block
 * move (int 15h, AH=87h); segments of 4 GiB in real mode, and what segments of 64 KiB say to that. SDM 3A 9.9.2, 21.1; 8042.
 */
#include "check16.h"

    .equ low, 0x600             /* 1 MiB below high_offset of segment 0xffff */
    .equ high_offset, 0x610

    .code16
    .text
    .globl main16
main16:
    push $0xffff
    pop %gs
    mov $0xdd, %bl              /* of the two gates that let A20 through, the keyboard controller's is closed */
    call output_port
    mov $0x2400, %ax
    int $0x15
    mov $0x2401, %ax
    int $0x15
    CHECK nc, "int 15/2401"
    call is_open
    CHECK e, "int 15/2401 opens A20"
    mov $0x2402, %ax
    int $0x15
    CHECK_EQ b, 1, %al, "int 15/2402 says so"
    mov $0x2400, %ax
    int $0x15
    call is_open
    CHECK ne, "int 15/2400 closes A20"
    mov $0x2402, %ax
    int $0x15
    CHECK_EQ b, 0, %al, "int 15/2402 says that, too"
    in $0x92, %al
    or $2, %al
    and $0xfe, %al
    out %al, $0x92
    call is_open
    CHECK e, "port 92 opens A20"
    in $0x92, %al
    and $0xfc, %al
    out %al, $0x92
    call is_open
    CHECK ne, "port 92 closes A20"
    mov $0xdf, %bl
    call output_port
    call is_open
    CHECK e, "the keyboard controller opens A20"
    mov $0xdd, %bl
    call output_port
    call is_open
    CHECK ne, "the keyboard controller closes A20"
    mov $0x2401, %ax
    int $0x15
    call is_open
    CHECK e, "open again, for good"

    /* to 5 MiB and back, by the BIOS */
    mov $pattern, %si
    mov $0x1000, %di
    mov $4, %cx
    rep movsl
    mov $0x1000, %eax
    mov $0x500000, %ebx
    call block_move
    movl $0, %ds:0x1000
    mov $0x500000, %eax
    mov $0x2000, %ebx
    call block_move
    CHECK_EQ l, 0x01234567, %ds:0x2000, "int 15/87 there and back"
    CHECK_EQ l, 0x66778899, %ds:0x200c, "all of it"

    /* the same memory, in big real mode */
    mov $16, %bx
    call load_fs
    mov $0x500000, %edi
    CHECK_EQ l, 0x01234567, %fs:(%edi), "big real mode sees what the BIOS moved"
    mov $0x600000, %edi
    movl $0xcafe1234, %fs:(%edi)
    CHECK_EQ l, 0xcafe1234, %fs:(%edi), "and writes there"
    sti
    mov %ds:0x46c, %ax          /* interrupts leave the limit alone */
1:  cmp %ds:0x46c, %ax
    je 1b
    CHECK_EQ l, 0xcafe1234, %fs:(%edi), "the limit outlives interrupts"

    /* a segment of 64 KiB, as U-Boot gives the video BIOS: #GP at IP of the instruction */
    mov $8, %bx
    call load_fs
    xor %ax, %ax
    mov %ax, %es
    cli
    pushl %es:13*4
    movw $caught, %es:13*4
    movw $0, %es:13*4+2
    mov $0xc0000000, %eax
    movw $3f, %ds:resume
2:  mov %fs:(%eax), %al
3:  CHECK_EQ w, 1, %ds:faults, "64 KiB: 0xc0000000 faults"
    CHECK_EQ w, 2b, %ds:fault_ip, "at its instruction"
    mov $0xffff, %eax
    movw $4f, %ds:resume
    mov %fs:(%eax), %cl
4:  CHECK_EQ w, 1, %ds:faults, "its last byte is there"
    movw $5f, %ds:resume
    mov %fs:(%eax), %cx
5:  CHECK_EQ w, 2, %ds:faults, "a word at its last byte faults"
    mov $0x10000, %eax
    movw $6f, %ds:resume
    mov %fs:(%eax), %cl
6:  CHECK_EQ w, 3, %ds:faults, "and the byte behind it"
    popl %es:13*4
    sti
    jmp finish16

caught:
    incw %ds:faults
    push %bp
    mov %sp, %bp
    push %ax
    mov 2(%bp), %ax
    mov %ax, %ds:fault_ip
    mov %ds:resume, %ax
    mov %ax, 2(%bp)
    pop %ax
    pop %bp
    iret

/* ZF: A20 is open, so that 1 MiB higher is other memory. */
is_open:
    movw $0x1111, %ds:low
    movw $0x2222, %gs:high_offset
    cmpw $0x1111, %ds:low
    ret

/* BL to the keyboard controller's output port. */
output_port:
    cli
    call controller_ready
    mov $0xd1, %al
    out %al, $0x64
    call controller_ready
    mov %bl, %al
    out %al, $0x60
    call controller_ready
    sti
    ret
controller_ready:
    in $0x64, %al
    test $2, %al
    jnz controller_ready
    ret

/* FS = 0 with the limit of descriptor BX. */
load_fs:
    cli
    lgdtl %ds:gdt_pointer
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    jmp 1f
1:  mov %bx, %fs
    and $0xfe, %al
    mov %eax, %cr0
    jmp 2f
2:  xor %ax, %ax
    mov %ax, %fs
    sti
    ret

/* 16 bytes from linear EAX to EBX. */
block_move:
    mov %eax, %ds:move_gdt+18
    movb $0x93, %ds:move_gdt+21
    rol $8, %eax
    mov %al, %ds:move_gdt+23
    mov %ebx, %ds:move_gdt+26
    movb $0x93, %ds:move_gdt+29
    rol $8, %ebx
    mov %bl, %ds:move_gdt+31
    mov $8, %cx                 /* words */
    mov $move_gdt, %si
    mov $0x87, %ah
    int $0x15
    CHECK nc, "int 15/87"
    ret

    .data
    .balign 8
gdt: .quad 0, 0x000093000000ffff, 0x00cf93000000ffff
gdt_pointer:
    .word 23
    .long gdt
    .balign 8
move_gdt: .quad 0, 0, 0xffff, 0xffff, 0, 0
pattern: .long 0x01234567, 0x89abcdef, 0x22334455, 0x66778899
faults: .word 0
fault_ip: .word 0
resume: .word 0
