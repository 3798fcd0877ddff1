/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest of test_machine_churn.c, as a firmware image's first bytes: four processors in 64-bit
 * mode, each of which changes page tables for ever, its own and such as all share, and checks that
 * what the manual promises holds (SDM 3A 4.10.4): behind its INVLPG or load of CR3 an address leads
 * where its tables say. It ends the machine, by way of port 0x501, only when something is wrong.
 *
 * Physical memory is mapped one to one; PML4 entry 1 is each processor's own window, entry 2 the
 * shared one. The image runs where it shows below 1 MiB, at BASE.
 */
#define BASE      0xf0000
#define LAPIC     0xfee00000
#define STEPS     0x600  /* made so far, by each processor */
#define IDT       0x7000 /* in RAM */
#define STACKS    0x9000 /* the ends of */
#define PDPT      0x200000 /* the one-to-one map */
#define PDS       0x201000
#define ALL_PDPT  0x205000 /* the shared window */
#define ALL_PD    0x206000
#define ALL_PTS   0x207000
#define OWN       0x210000 /* each processor's tables: */
#define OWN_SIZE  0x10000
#define OWN_PML4B 0x1000 /* the first is at 0 */
#define OWN_PDPT  0x2000
#define OWN_PD    0x3000
#define OWN_PTS   0x4000   /* four */
#define FRAMES    0x400000 /* each one's frames, 1 MiB */
#define ALL       0x800000 /* the shared ones, 2 MiB: each begins with ALL_SIGN and its number */
#define ALL_SIGN  0x5a000000
#define LARGE     0xa00000  /* each one's large page */
#define STROKES   0x1200000 /* 4 MiB that all write */
#define MOVES     0x40000000 /* the host moves memory to and fro: here, or 2 MiB further */
#define MOVE_SIGN 0xa5000000
#define OWN_VA    0x8000000000
#define ALL_VA    0x10000000000

#define PW 0x3  /* present, writable */
#define AD 0x60 /* accessed, dirty */
#define PS 0x80

/* Where its data is, from its start. */
#define GDT  16
#define GDTR 48
#define IDTR 56
#define HANDLER 68

    .section .rodata
    .intel_syntax noprefix
    .globl churn_guest, churn_guest_end
    .code16
churn_guest:
    jmp start
    .skip GDT - (. - churn_guest)
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
    .skip GDTR - (. - churn_guest)
    .word 31
    .long BASE + GDT
    .skip IDTR - (. - churn_guest)
    .word 15 * 16 - 1
    .quad IDT
    .skip HANDLER - (. - churn_guest)
    .long BASE + page_fault - churn_guest
start:
    cli
    lgdt cs:[GDTR]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    .byte 0x66, 0xea /* jmp far */
    .long BASE + prot - churn_guest
    .word 8

    .code32
prot:
    mov ax, 16
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov ecx, 0x1b
    rdmsr
    test eax, 0x100 /* the first processor builds for all */
    jz long_mode
    mov esp, STACKS
    call build
    mov dword ptr [LAPIC + 0x300], 0xc4500 /* INIT, then start at BASE: to all others */
    mov dword ptr [LAPIC + 0x300], 0xc0600 + (BASE >> 12)

long_mode:
    mov ebx, [LAPIC + 0x20]
    shr ebx, 24 /* who it is */
    imul esi, ebx, OWN_SIZE
    add esi, OWN
    mov cr3, esi
    mov eax, cr4
    or eax, 0x20
    mov cr4, eax
    mov ecx, 0xc0000080
    rdmsr
    or eax, 0x100
    wrmsr
    mov eax, cr0
    or eax, 0x80010000
    mov cr0, eax
    .byte 0xea
    .long BASE + wide - churn_guest
    .word 0x18

/* ecx entries of 8 bytes at edi: eax, then edx more each time. */
entries:
    mov [edi], eax
    add edi, 8
    add eax, edx
    loop entries
    ret

build:
    mov edx, 0x1000
    mov edi, PDPT
    mov eax, PDS + PW
    mov ecx, 4
    call entries
    mov edi, ALL_PDPT
    mov eax, ALL_PD + PW
    mov ecx, 1
    call entries
    mov edi, ALL_PD
    mov eax, ALL_PTS + PW
    mov ecx, 4
    call entries
    mov edi, PDS
    mov eax, PW + AD + PS
    mov edx, 0x200000
    mov ecx, 2048
    call entries
    mov ebx, OWN
own:
    mov edx, 0x1000
    lea edi, [ebx + OWN_PDPT]
    lea eax, [ebx + OWN_PD + PW]
    mov ecx, 1
    call entries
    lea edi, [ebx + OWN_PD]
    lea eax, [ebx + OWN_PTS + PW]
    mov ecx, 4
    call entries
    lea eax, [ebx + OWN_PDPT + PW]
    mov dword ptr [ebx], PDPT + PW
    mov [ebx + 8], eax
    mov dword ptr [ebx + 16], ALL_PDPT + PW
    mov dword ptr [ebx + OWN_PML4B], PDPT + PW
    mov [ebx + OWN_PML4B + 8], eax
    mov dword ptr [ebx + OWN_PML4B + 16], ALL_PDPT + PW
    add ebx, OWN_SIZE
    cmp ebx, OWN + 4 * OWN_SIZE
    jne own
    mov edi, ALL
    mov eax, ALL_SIGN
sign:
    mov [edi], eax
    add edi, 0x1000
    inc eax
    cmp eax, ALL_SIGN + 512
    jne sign
    mov eax, [BASE + HANDLER]
    mov ecx, eax
    and eax, 0xffff
    or eax, 0x180000
    mov [IDT + 14 * 16], eax
    and ecx, 0xffff0000
    or ecx, 0x8e00 /* an interrupt gate */
    mov [IDT + 14 * 16 + 4], ecx
    ret

/*
 * What registers hold from here on: r11 who it is, r12 the last random number, r13 its tables, r14
 * its window, r15 where to go on after a page fault (0: there must be none), rbp the shared window.
 */
    .code64
wide:
    lidt [BASE + IDTR]
    mov r11d, ebx
    mov r12d, ebx
    mov r13d, esi
    movabs r14, OWN_VA
    movabs rbp, ALL_VA
    xor r15d, r15d
    imul eax, ebx, 0x1000
    lea esp, [rax + STACKS]
    jmp step

/* eax: 24 random bits */
random:
    imul r12d, r12d, 1664525
    add r12d, 1013904223
    mov eax, r12d
    shr eax, 8
    ret

page_fault:
    test r15, r15
    jz stray
    mov [rsp + 8], r15
    add rsp, 8
    iretq
stray:
    mov al, 1
/* The verdict is al. */
failed:
    mov dx, 0x501
    out dx, al
    cli
    hlt
    jmp failed

done:
    xor r15d, r15d
    inc dword ptr [STEPS + r11 * 4]
step:
    call random
    shr eax, 8
    and eax, 15
    lea rdx, [rip + steps]
    movsxd rax, dword ptr [rdx + rax * 4]
    add rax, rdx
    jmp rax
steps:
    .long map - steps, map - steps, map - steps, unmap - steps
    .long storm - steps, load_cr3 - steps, swap_tables - steps, large_page - steps
    .long free_table - steps, shared - steps, shared - steps, shared_table - steps
    .long stroke - steps, stroke - steps, moving - steps, locked - steps

/* A page of the own window: rsi its address, rdi its entry's. */
pick:
    call random
    mov edi, eax
    and edi, 63
    mov esi, edi
    shl rsi, 12
    shl edi, 3
    shr eax, 6
    and eax, 3
    mov edx, eax
    shl rdx, 21
    add rsi, rdx
    add rsi, r14
    shl eax, 12
    add edi, eax
    lea rdi, [rdi + r13 + OWN_PTS]
    ret

/* rdx: one of the own frames */
frame:
    call random
    and eax, 0xff000
    mov edx, r11d
    shl edx, 20
    lea edx, [rdx + rax + FRAMES]
    ret

/* The window's page at rsi leads to where the entry at rdi says. */
check:
    mov rdx, [rdi]
    test dl, 1
    jz absent
    and edx, 0xfffff000
/* It leads to rdx. */
leads:
    call random
    mov ecx, eax
    and ecx, 0xff8
    mov [rsi + rcx], r12d
    cmp [rdx + rcx], r12d
    mov al, 2
    jne failed
    mov eax, r12d
    not eax
    mov [rdx + rcx], eax
    cmp [rsi + rcx], eax
    mov al, 3
    jne failed
absent:
    ret

/* Behind check: what was stored by is accessed and dirty. */
check_bits:
    mov eax, [rdi]
    and eax, AD
    cmp eax, AD
    mov al, 4
    jne failed
    ret

map:
    call pick
    call frame
    call random
    and eax, AD
    lea eax, [rax + rdx + PW]
    mov [rdi], rax
    invlpg [rsi]
    call check
    call check_bits
    jmp done

unmap:
    call pick
    mov qword ptr [rdi], 0
    invlpg [rsi]
    lea r15, [rip + done]
    mov eax, [rsi]
    mov al, 5
    jmp failed

/* Many entries, by plain stores; what counts is the load of CR3. */
storm:
    call pick
    and rdi, ~127
    and rsi, ~0xffff
    mov ebx, 16
storm_next:
    call frame
    lea eax, [rdx + PW + AD]
    mov [rdi + rbx * 8 - 8], rax
    dec ebx
    jnz storm_next
    mov rax, cr3
    mov cr3, rax
    call random
    and eax, 15
    lea rdi, [rdi + rax * 8]
    shl eax, 12
    add rsi, rax
    call check
    jmp done

/* To the other of its address spaces. */
load_cr3:
    mov rax, cr3
    xor rax, OWN_PML4B
    mov cr3, rax
    call pick
    call check
    jmp done

/* Two entries of the PD change places, and back. */
swap_tables:
    call random
    mov ebx, eax
    and ebx, 3
    call exchange_tables
    call pick
    and rsi, 0x3f000 /* the page of table ebx... */
    and edi, 0xff8
    mov eax, ebx
    shl rax, 21
    add rsi, rax
    add rsi, r14
    lea eax, [rbx + 1] /* ... by the entry of the next */
    and eax, 3
    shl eax, 12
    lea rdi, [rdi + rax + OWN_PTS]
    add rdi, r13
    call check
    call exchange_tables
    call pick
    call check
    jmp done

exchange_tables:
    lea eax, [rbx + 1]
    and eax, 3
    mov rcx, [r13 + OWN_PD + rbx * 8]
    xchg rcx, [r13 + OWN_PD + rax * 8]
    mov [r13 + OWN_PD + rbx * 8], rcx
    mov rax, cr3
    mov cr3, rax
    ret

/* A large page in the place of a table. */
large_page:
    call random
    mov ebx, eax
    and ebx, 3
    imul edx, r11d, 0x200000
    add edx, LARGE
    lea eax, [rdx + PW + AD + PS]
    mov rdi, [r13 + OWN_PD + rbx * 8]
    mov [r13 + OWN_PD + rbx * 8], rax
    mov rax, cr3
    mov cr3, rax
    call random
    and eax, 0x1ff000
    mov rsi, rbx
    shl rsi, 21
    add rsi, r14
    add rsi, rax
    add edx, eax
    call leads
    mov [r13 + OWN_PD + rbx * 8], rdi
    mov rax, cr3
    mov cr3, rax
    call pick
    call check
    jmp done

/* A table is data for a while. */
free_table:
    call random
    mov ebx, eax
    and ebx, 3
    mov r8, [r13 + OWN_PD + rbx * 8]
    mov qword ptr [r13 + OWN_PD + rbx * 8], 0
    mov rax, cr3
    mov cr3, rax
    mov esi, r8d
    and esi, 0xfffff000
    mov edi, esi
    mov ecx, 128
    mov eax, r12d
    rep stosd
    cmp [rsi + 508], eax
    mov al, 6
    jne failed
    mov edi, esi
    mov ecx, 64
    xor eax, eax
    rep stosq
    mov [r13 + OWN_PD + rbx * 8], r8
    mov rax, cr3
    mov cr3, rax
    jmp done

/* A page of the shared window, rsi: it leads to some shared frame, or nowhere. */
look_shared:
    lea r15, [rip + done]
    mov eax, [rsi]
    and eax, ~511
    cmp eax, ALL_SIGN
    mov al, 7
    jne failed
    call random
    and eax, 0xff0
    mov [rsi + rax + 8], r12d
    jmp done

shared:
    call random
    mov edi, eax
    and edi, 63
    mov esi, edi
    shl rsi, 12
    shl edi, 3
    shr eax, 6
    and eax, 3
    mov edx, eax
    shl rdx, 21
    add rsi, rdx
    add rsi, rbp
    shl eax, 12
    add edi, eax
    add edi, ALL_PTS
    call random
    mov edx, eax
    and edx, 0x1ff000
    and eax, AD
    lea edx, [rdx + rax + ALL + PW]
    test r12d, 0x30000000 /* one in four is no page */
    jnz shared_set
    xor edx, edx
shared_set:
    xchg [rdi], rdx
    test r12d, 0x40000000
    jz look_shared
    invlpg [rsi]
    jmp look_shared

/* Another table in an entry of the shared PD, or a large page, or nothing. */
shared_table:
    call random
    mov esi, eax
    and esi, 3
    mov edi, esi
    shl rsi, 21
    add rsi, rbp
    mov edx, eax
    and edx, 0x3000
    add edx, ALL_PTS + PW
    shr eax, 4
    and eax, 7
    cmp al, 1
    jne not_large
    mov edx, ALL + PW + AD + PS
not_large:
    test al, al
    jnz shared_table_set
    xor edx, edx
shared_table_set:
    mov [ALL_PD + rdi * 8], rdx
    test r12d, 0x40000000
    jz shared_table_look
    mov rax, cr3
    mov cr3, rax
shared_table_look:
    call random
    and eax, 0x3f000
    add rsi, rax
    jmp look_shared

/* A stroke where all write. */
stroke:
    call random
    and eax, 0x3fffc0
    lea edi, [rax + STROKES]
    mov ecx, 16
    mov eax, r12d
    rep stosd
    jmp done

/* Memory that the host moves: there, or not there. */
moving:
    call random
    mov esi, eax
    and esi, 0x3ff000 /* either place */
    mov edx, esi
    and edx, 0x1ff000
    shr edx, 12
    add edx, MOVE_SIGN
    add esi, MOVES
    mov eax, [rsi]
    cmp eax, edx
    je moving_write
    inc eax /* all ones */
    mov al, 8
    jnz failed
moving_write:
    call random
    and eax, 0xff0
    mov [rsi + rax + 8], r12d
    jmp done

/* Locked accesses to an entry; A and D come back. */
locked:
    call pick
    lock and qword ptr [rdi], ~AD
    invlpg [rsi]
    test byte ptr [rdi], 1
    jz done
    call check
    call check_bits
    jmp done

churn_guest_end:
    .section .note.GNU-stack, "", @progbits
