/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BIOS services that boot sectors use, checked against each other and against the hardware they stand for: text (int 10h),
 * disk by cylinder, head, sector and by block (int 13h, EDD), memory sizes and map (int 11h, 12h, 15h), clock (int 1Ah). The machine
 * has 64 MiB, its disk 2880 sectors, and its clock begins at 2026-01-02 03:04:05. Ralf Brown's interrupt list; EDD 3.0; ACPI 15.1.
 */
#include "check16.h"

    .equ spare, 0x1000          /* buffers */
    .equ spare2, 0x3000
    .equ map, 0x5000

    .code16
    .text
    .globl main16
main16:
    call test_text
    call test_disk
    call test_disk_errors
    call test_memory
    call test_map
    call test_clock
    jmp finish16

test_text:
    mov $3, %ax
    int $0x10
    mov $0x0f, %ah
    int $0x10
    CHECK_EQ b, 3, %al, "int 10/0f: mode 3"
    CHECK_EQ b, 80, %ah, "int 10/0f: 80 columns"
    push $0xb800
    pop %gs
    CHECK_EQ l, 0x07200720, %gs:0, "int 10/00 clears the screen"
    mov $0x02, %ah              /* row 5, column 10 */
    mov $0, %bh
    mov $0x050a, %dx
    int $0x10
    mov $0x09, %ah
    mov $'x', %al
    mov $0x001e, %bx
    mov $3, %cx
    int $0x10
    CHECK_EQ w, 0x1e78, %gs:820, "int 10/09 writes character and colour"
    CHECK_EQ w, 0x1e78, %gs:824, "int 10/09 writes so many"
    CHECK_EQ w, 0x0720, %gs:826, "int 10/09 writes no more"
    mov $0x08, %ah
    int $0x10
    CHECK_EQ w, 0x1e78, %ax, "int 10/08 reads it back"
    mov $0x0e00 + 'T', %ax
    mov $7, %bx
    int $0x10
    mov $0x03, %ah
    mov $0, %bh
    int $0x10
    CHECK_EQ w, 0x050b, %dx, "int 10/0e moves the cursor, 10/03 says where it is"
    mov $0x3d4, %dx             /* the CRTC's cursor is there, too */
    mov $0x0f, %al
    out %al, %dx
    inc %dx
    in %dx, %al
    CHECK_EQ b, 0x9b, %al, "the CRTC's cursor, low byte of 5 * 80 + 11"
    mov $0x1301, %ax            /* a string, the cursor behind it */
    mov $0x004f, %bx
    mov $6, %cx
    mov $0x0600, %dx
    mov $string, %bp
    int $0x10
    CHECK_EQ l, 0x4f6e4f65, %gs:962, "int 10/13 writes a string"
    mov $0x0602, %ax            /* rows 5 to 10, up by two */
    mov $0x70, %bh
    mov $0x0500, %cx
    mov $0x0a4f, %dx
    int $0x10
    CHECK_EQ w, 0x7020, %gs:1440, "int 10/06 fills below"
    CHECK_EQ w, 0x0720, %gs:820, "int 10/06 scrolls"
    ret

/* An address packet of %cx blocks at block %eax, memory %bx. */
set_packet:
    movw $16, %ds:packet
    mov %cx, %ds:packet + 2
    mov %bx, %ds:packet + 4
    movw $0, %ds:packet + 6
    mov %eax, %ds:packet + 8
    movl $0, %ds:packet + 12
    mov $packet, %si
    mov %ds:boot_drive, %dl
    ret

/* CH, CL, DH, DL of the block in AX. */
locate:
    divb %ds:track_sectors
    mov %ah, %cl
    inc %cl
    xor %ah, %ah
    divb %ds:heads
    mov %al, %ch
    mov %ah, %dh
    mov %ds:boot_drive, %dl
    ret

test_disk:
    CHECK_EQ b, 0x80, %ds:boot_drive, "the drive that was booted"
    mov $0x41, %ah
    mov $0x55aa, %bx
    mov %ds:boot_drive, %dl
    int $0x13
    CHECK nc, "int 13/41: extensions"
    CHECK_EQ w, 0xaa55, %bx, "int 13/41: signature"
    test $1, %cl
    CHECK nz, "int 13/41: access by packets"
    mov $0x15, %ah
    mov %ds:boot_drive, %dl
    int $0x13
    CHECK nc, "int 13/15"
    CHECK_EQ b, 3, %ah, "int 13/15: a hard disk"
    movw $26, %ds:spare
    mov $0x48, %ah
    mov $spare, %si
    mov %ds:boot_drive, %dl
    int $0x13
    CHECK nc, "int 13/48"
    CHECK_EQ l, 2880, %ds:spare+16, "int 13/48: sectors"
    CHECK_EQ l, 0, %ds:spare+20, "int 13/48: sectors, high half"
    CHECK_EQ w, 512, %ds:spare+24, "int 13/48: bytes a sector"

    /* eight sectors by cylinder, head, sector over a track's end; the same by packet, and from memory */
    mov $spare, %di
    mov $0x12345678, %eax
    mov $1024, %cx
1:  stosl
    imul $0x19660d, %eax, %eax
    add $0x3c6ef35f, %eax
    loop 1b
    movzbw %ds:track_sectors, %ax
    sub $4, %ax
    mov %ax, %ds:block
    mov $0, %di
2:  mov %ds:block, %ax          /* one at a time: no track's end is crossed in a call */
    add %di, %ax
    call locate
    mov %di, %bx
    shl $9, %bx
    add $spare, %bx
    mov $0x0301, %ax
    int $0x13
    CHECK nc, "int 13/03 writes"
    CHECK_EQ b, 1, %al, "int 13/03: sectors written"
    inc %di
    cmp $8, %di
    jb 2b
    movzwl %ds:block, %eax
    mov $8, %cx
    mov $spare2, %bx
    call set_packet
    mov $0x42, %ah
    int $0x13
    CHECK nc, "int 13/42 reads"
    CHECK_EQ w, 8, %ds:packet+2, "int 13/42: blocks read"
    call same
    CHECK e, "what 13/03 wrote, 13/42 reads"
    mov $2000, %eax             /* the other way round */
    mov $8, %cx
    mov $spare, %bx
    call set_packet
    mov $0x4300, %ax
    int $0x13
    CHECK nc, "int 13/43 writes"
    call wipe
    mov $0, %di
3:  mov $2000, %ax
    add %di, %ax
    call locate
    mov %di, %bx
    shl $9, %bx
    add $spare2, %bx
    mov $0x0201, %ax
    int $0x13
    CHECK nc, "int 13/02 reads"
    inc %di
    cmp $8, %di
    jb 3b
    call same
    CHECK e, "what 13/43 wrote, 13/02 reads"
    ret

/* ZF: 4 KiB at spare and at spare2 are the same. Wipes the second. */
same:
    mov $spare, %si
    mov $spare2, %di
    mov $1024, %cx
    repe cmpsl
    pushfw
    call wipe
    popfw
    ret
wipe:
    mov $spare2, %di
    mov $1024, %cx
    mov $0xdeadbeef, %eax
    rep stosl
    ret

test_disk_errors:
    mov $2880, %eax             /* the first that is not there */
    mov $1, %cx
    mov $spare2, %bx
    call set_packet
    mov $0x42, %ah
    int $0x13
    CHECK c, "int 13/42 beyond the end"
    CHECK_EQ l, 0xdeadbeef, %ds:spare2, "nothing was read there"
    mov %ah, %ch
    mov $1, %ah
    mov %ds:boot_drive, %dl
    int $0x13
    cmp %ch, %ah
    CHECK e, "int 13/01: the last status"
    test %ah, %ah
    CHECK nz, "int 13/01: an error"
    mov $0x0201, %ax            /* there is no sector 0 */
    mov $0, %cx
    mov $0, %dh
    mov %ds:boot_drive, %dl
    mov $spare2, %bx
    int $0x13
    CHECK c, "int 13/02 of sector 0"
    mov $0x0201, %ax
    mov $1, %cx
    mov $0, %dh
    mov $0x85, %dl
    int $0x13
    CHECK c, "int 13/02 of a drive that is not there"
    xor %ah, %ah
    mov %ds:boot_drive, %dl
    int $0x13
    CHECK nc, "int 13/00 resets"
    ret

test_memory:
    int $0x12
    cmp $640, %ax
    CHECK be, "int 12: no more than 640 KiB"
    cmp $600, %ax
    CHECK ae, "int 12: 600 KiB at least"
    cmp %ds:0x413, %ax
    CHECK e, "int 12 and the BIOS's data agree"
    int $0x11
    mov %ax, %bx
    and $0x30, %ax
    CHECK_EQ w, 0x20, %ax, "int 11: 80 columns, in colour"
    test $2, %bl
    CHECK nz, "int 11: there is an FPU"
    mov $0x88, %ah
    int $0x15
    CHECK nc, "int 15/88"
    cmp $62 << 10, %ax
    CHECK ae, "int 15/88: 62 MiB above the first, at least"
    cmp $63 << 10, %ax
    CHECK be, "int 15/88: 63 MiB at most"
    mov $0xe801, %ax
    xor %cx, %cx
    xor %dx, %dx
    int $0x15
    CHECK nc, "int 15/e801"
    CHECK_EQ w, 15360, %cx, "int 15/e801: 15 MiB below 16"
    cmp $47 << 4, %dx
    CHECK ae, "int 15/e801: 47 MiB above 16, at least"
    cmp $48 << 4, %dx
    CHECK be, "int 15/e801: 48 MiB at most"
    ret

/* The map: entries of 20 bytes at `map`. */
test_map:
    xor %ebx, %ebx
    mov $map, %di
1:  mov $0xe820, %eax
    mov $0x534d4150, %edx
    mov $20, %ecx
    int $0x15
    CHECK nc, "int 15/e820"
    CHECK_EQ l, 0x534d4150, %eax, "int 15/e820: signature"
    CHECK_EQ l, 20, %ecx, "int 15/e820: size"
    /* lies where the entry before it ended, or later */
    mov %ds:4(%di), %eax
    test %eax, %eax
    jnz 2f                      /* above 4 GiB */
    mov %ds:(%di), %eax
    cmp %ds:map_end, %eax
    CHECK ae, "entries are in order and do not overlap"
    add %ds:8(%di), %eax
    mov %eax, %ds:map_end
    cmpl $1, %ds:16(%di)
    jne 2f
    mov %ds:8(%di), %eax
    add %eax, %ds:usable
2:  add $20, %di
    incw %ds:entries
    cmpw $32, %ds:entries
    jae 3f
    test %ebx, %ebx
    jnz 1b
3:  CHECK_EQ l, 0, %ds:map, "the first begins at 0"
    CHECK_EQ l, 1, %ds:map+16, "and is usable"
    int $0x12
    movzwl %ax, %eax
    shl $10, %eax
    cmp %ds:map + 8, %eax
    CHECK e, "its length is what int 12 says"
    mov %ds:usable, %eax
    cmp $64 << 20, %eax
    CHECK b, "less is usable than there is"
    cmp $63 << 20, %eax
    CHECK a, "and more than 63 MiB"
    cmpw $4, %ds:entries
    CHECK ae, "four entries at least"
    ret

test_clock:
    mov $4, %ah
    int $0x1a
    CHECK nc, "int 1a/04"
    CHECK_EQ w, 0x2026, %cx, "int 1a/04: the year"
    CHECK_EQ w, 0x0102, %dx, "int 1a/04: month and day"
    mov $2, %ah
    int $0x1a
    CHECK nc, "int 1a/02"
    CHECK_EQ b, 3, %ch, "int 1a/02: the hour"
    xor %ah, %ah
    int $0x1a
    mov %dx, %si
1:  hlt                         /* the timer's interrupt goes on */
    xor %ah, %ah
    int $0x1a
    sub %si, %dx
    cmp $3, %dx
    jb 1b
    mov %ds:0x46c, %ax
    sub %si, %ax
    cmp $3, %ax
    CHECK ae, "the BIOS's count of ticks is what int 1a/00 says"
    mov $0x86, %ah              /* wait 60 ms: a tick at least */
    mov %ds:0x46c, %si
    mov $0, %cx
    mov $60000, %dx
    int $0x15
    CHECK nc, "int 15/86 waits"
    mov %ds:0x46c, %ax
    sub %si, %ax
    cmp $1, %ax
    CHECK ae, "and the ticks go on meanwhile"
    ret

    .data
    .balign 4
packet: .skip 16
map_end: .long 0
usable: .long 0
block: .word 0
entries: .word 0
string: .ascii "Penumb"
