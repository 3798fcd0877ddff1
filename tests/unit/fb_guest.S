/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest of test_machine_view.c, as a firmware image's first bytes: all processors draw into the
 * linear framebuffer at once, in one mode after another, in protected mode with or without paging.
 * After each mode the first waits until the others are done too, says which mode it was at the end
 * of the framebuffer, and goes on when the host answers there. It is copied to where it runs, below
 * 1 MiB at BASE: its addresses are counted from its start.
 */
#define BASE    0xf0000
#define FB      0xe0000000
#define MAILBOX 0xe0f00000 /* +0 to the host, +4 from it */
#define PHASE   0x600      /* for the other processors: modes that have begun */
#define ARRIVED 0x604      /* how often one of them was done */
#define PAGES   0x10000    /* a page directory */
#define LAPIC   0xfee00000

/* Where its data is, from its start. */
#define PAGING 8
#define OTHERS 9
#define GDT    16
#define GDTR   40
#define MODES  48

    .section .rodata
    .intel_syntax noprefix
    .globl fb_guest, fb_guest_paging, fb_guest_others, fb_guest_end
    .code16
fb_guest:
    jmp start
    .skip PAGING - (. - fb_guest)
fb_guest_paging:
    .byte 0
fb_guest_others:
    .byte 0
    .skip GDT - (. - fb_guest)
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
    .skip GDTR - (. - fb_guest)
    .word 23
    .long BASE + GDT
    .skip MODES - (. - fb_guest)
    .word 640, 480, 8, 0, 800, 600, 16, 0, 640, 480, 24, 0 /* width, height, bits a pixel */
    .word 800, 600, 32, 0, 1024, 768, 15, 0, 1024, 768, 16, 0
    .word 0
start:
    cli
    lgdt cs:[GDTR]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    .byte 0x66, 0xea /* jmp far */
    .long BASE + prot - fb_guest
    .word 8

    .code32
prot:
    mov ax, 16
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov ecx, 0x1b
    rdmsr
    mov esi, eax /* bit 8: the first processor */
    cmp byte ptr [BASE + PAGING], 0
    je no_paging
    mov edi, PAGES
    mov eax, 0xe3 /* identity, in pages of 4 MiB; all processors write the same */
map:
    mov [edi], eax
    add edi, 4
    add eax, 0x400000
    cmp edi, PAGES + 0x1000
    jne map
    mov eax, cr4
    or al, 0x10
    mov cr4, eax
    mov eax, PAGES
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
no_paging:
    mov eax, [LAPIC + 0x20]
    shr eax, 24
    shl eax, 8
    lea esp, [eax + 0x8000]
    xor ebp, ebp /* modes so far */
    test esi, 0x100
    jz other
    mov eax, 0x80001010 /* function 2.0: BAR0 */
    mov edx, 0xcf8
    out dx, eax
    mov dl, 0xfc
    mov eax, FB
    out dx, eax
    mov dl, 0xf8
    mov eax, 0x80001004 /* and its command register */
    out dx, eax
    mov dl, 0xfc
    mov eax, 3
    out dx, eax
    mov dword ptr [LAPIC + 0x300], 0xc4500 /* INIT, then start at BASE: to all others */
    mov dword ptr [LAPIC + 0x300], 0xc0600 + (BASE >> 12)

first:
    mov esi, ebp
    shl esi, 3
    add esi, BASE + MODES
    cmp word ptr [esi], 0
    je done
    mov ebx, 4
    xor eax, eax
    call vbe /* off */
    mov ebx, 1
set:
    movzx eax, word ptr [esi + ebx * 2 - 2]
    call vbe /* width, height, depth */
    inc ebx
    cmp bl, 4
    jb set
    mov dx, 0x3da
    in al, dx
    mov dx, 0x3c0
    mov al, 0x20
    out dx, al
    mov eax, 0x41
    call vbe /* on */
    inc ebp
    mov [PHASE], ebp
    call draw
wait_others:
    movzx eax, byte ptr [BASE + OTHERS]
    imul eax, ebp
    cmp [ARRIVED], eax
    jne wait_others
    mov [MAILBOX], ebp
wait_host:
    pause
    cmp [MAILBOX + 4], ebp
    jne wait_host
    jmp first
done:
    mov dx, 0x501
    mov al, 7
    out dx, al
end:
    hlt
    jmp end

other:
    inc ebp
wait_first:
    pause
    cmp [PHASE], ebp
    jb wait_first
    call draw
    lock inc dword ptr [ARRIVED]
    jmp other

/* VBE register ebx := eax */
vbe:
    xchg eax, ebx
    mov edx, 0x1ce
    out dx, ax
    xchg eax, ebx
    inc edx
    out dx, ax
    ret

/* Strokes of 64 bytes anywhere in the first 2 MiB, with pauses. */
draw:
    imul eax, esp, 0x9e3779b1
    add eax, ebp
    mov edx, 1200
stroke:
    imul eax, eax, 1664525
    add eax, 1013904223
    mov edi, eax
    shr edi, 11
    add edi, FB
    mov ecx, 16
    rep stosd
    mov ecx, 1000
think:
    loop think
    dec edx
    jnz stroke
    ret

fb_guest_end:
    .section .note.GNU-stack, "", @progbits
