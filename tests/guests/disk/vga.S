/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What games and demos of the DOS years did with a VGA, each until a picture stands that tests/guests/vga-pictures computes on its
 * own: a palette that turns in mode 13h; mode X with a status bar below a split screen, pages that are flipped, and a background that the
 * latches copy; EGA's mode 0Dh on a wider screen than is seen, scrolled by single pixels; all write modes, read modes and
 * functions of the graphics controller in mode 12h; CGA's interleaved lines; 80x50 characters of two fonts at once, some of
 * which blink, or have bright grounds. They wait for the retrace at port 3DAh as one did. M. Abrash, Graphics Programming Black Book; IBM VGA technical
 * reference.
 */
#include "check16.h"

#define SEQ 0x3c4
#define GC 0x3ce
#define CRTC 0x3d4

/* Index and value of an indexed register. Spoils AX and DX. */
.macro REG port, index, value
    mov $\port, %dx
    mov $(\value << 8 | \index), %ax
    out %ax, %dx
    .endm

    .code16
    .text
    .globl main16
main16:
    call scene_13
    call scene_x
    call scene_0d
    call scene_12
    call scene_4
    call scene_text
    mov $0x03, %ax
    int $0x10
    jmp finish16

/* ---- shared ---- */

/* Until the next vertical retrace begins. Spoils AL and DX. */
wait_retrace:
    mov $0x3da, %dx
1:  in %dx, %al
    test $8, %al
    jnz 1b
2:  in %dx, %al
    test $8, %al
    jz 2b
    ret

/* Entry n of the DAC: red k, green k / 4, blue (k / 2) ^ 21, six bits each, with k = (n + BL) mod 256. Spoils AL, CX, DX. */
set_palette:
    mov $0x3c8, %dx
    xor %al, %al
    out %al, %dx
    inc %dx
    mov $256, %cx
1:  mov %bl, %al
    and $63, %al
    out %al, %dx
    mov %bl, %al
    shr $2, %al
    out %al, %dx
    mov %bl, %al
    shr $1, %al
    xor $21, %al
    and $63, %al
    out %al, %dx
    inc %bl
    loop 1b
    ret

/* Palette register n of the attribute controller names entry 4 n of the DAC. Spoils AX, DX. */
spread_attributes:
    mov $0x3da, %dx
    in %dx, %al
    mov $0x3c0, %dx
    xor %ah, %ah
1:  mov %ah, %al
    out %al, %dx
    shl $2, %al
    out %al, %dx
    inc %ah
    cmp $16, %ah
    jb 1b
    mov $0x20, %al
    out %al, %dx
    ret

video_memory:
    push $0xa000
    pop %es
    ret

/* ---- mode 13h: a hundred frames, each with the palette turned by one ---- */

scene_13:
    mov $0x13, %ax
    int $0x10
    call video_memory
    xor %di, %di
    xor %si, %si                /* row */
1:  xor %cx, %cx                /* column */
2:  mov %cx, %ax
    mul %si
    shr $6, %ax
    mov %cx, %bx
    xor %si, %bx
    add %bx, %ax
    stosb
    inc %cx
    cmp $320, %cx
    jb 2b
    inc %si
    cmp $200, %si
    jb 1b
    xor %bh, %bh
3:  call wait_retrace
    mov %bh, %bl
    call set_palette
    inc %bh
    cmp $100, %bh
    jb 3b
    mov $'3', %al
    jmp picture

/* ---- mode X ---- */

#define BAR    0               /* what the split screen shows: 40 rows */
#define PAGE_A 0x1000
#define PAGE_B 0x6000

scene_x:
    mov $0x13, %ax
    int $0x10
    REG SEQ, 4, 0x06            /* planes, not chained */
    REG SEQ, 0, 0x01
    mov $0x3c2, %dx
    mov $0xe3, %al
    out %al, %dx
    REG SEQ, 0, 0x03
    mov $CRTC, %dx
    mov $0x11, %al
    out %al, %dx
    inc %dx
    in %dx, %al
    and $0x7f, %al
    out %al, %dx
    dec %dx
    mov $mode_x, %si
1:  lodsw
    test %ax, %ax
    jz 2f
    out %ax, %dx
    jmp 1b
2:  xor %bl, %bl
    call set_palette
    call video_memory
    REG SEQ, 2, 0x0f
    xor %di, %di
    xor %ax, %ax
    mov $0x8000, %cx
    rep stosw
    /* a plane at a time: the bar, then the background of the first page */
    xor %bp, %bp
3:  mov %bp, %cx
    mov $0x0102, %ax
    shl %cl, %ah
    mov $SEQ, %dx
    out %ax, %dx
    mov $BAR, %di
    xor %si, %si
4:  xor %cx, %cx
5:  mov %cx, %ax                /* (x / 4 ^ y) & 31 | 192 */
    xor %si, %ax
    and $31, %al
    or $192, %al
    stosb
    inc %cx
    cmp $80, %cx
    jb 5b
    inc %si
    cmp $40, %si
    jb 4b
    mov $PAGE_A, %di
    xor %si, %si
6:  mov %bp, %cx
7:  mov %cx, %ax                /* (x ^ y) & 127 */
    xor %si, %ax
    and $127, %al
    stosb
    add $4, %cx
    cmp $320, %cx
    jb 7b
    inc %si
    cmp $200, %si
    jb 6b
    inc %bp
    cmp $4, %bp
    jb 3b
    /* the second page is copied, four pixels at once, by the latches */
    REG SEQ, 2, 0x0f
    REG GC, 5, 0x41
    push %ds
    push %es
    pop %ds
    mov $PAGE_A, %si
    mov $PAGE_B, %di
    mov $80 * 200, %cx
    rep movsb
    pop %ds
    REG GC, 5, 0x40
    /* ten frames: a box on the page that is not shown, which then is */
    movw $0, %ds:frame
8:  mov $PAGE_A, %bx
    testb $1, %ds:frame
    jz 9f
    mov $PAGE_B, %bx
9:  call draw_box
    mov $CRTC, %dx
    mov $0x0c, %al
    mov %bh, %ah
    out %ax, %dx
    inc %al
    mov %bl, %ah
    out %ax, %dx
    call wait_retrace
    incw %ds:frame
    cmpw $10, %ds:frame
    jb 8b
    mov $'x', %al
    jmp picture

/* Frame k's box on page BX: 48 by 32 pixels of colour 128 + k at (21 + 24 k, 10 + 12 k). */
draw_box:
    mov %ds:frame, %ax
    mov $12, %cx
    mul %cx
    add $10, %ax
    mov %ax, %si                /* y */
    mov $32, %bp
1:  mov %ds:frame, %ax
    mov $24, %cx
    mul %cx
    add $21, %ax
    mov %ax, %ds:box_x
    movw $48, %ds:box_left
2:  mov %ds:box_x, %cx
    and $3, %cx
    mov $0x0102, %ax
    shl %cl, %ah
    mov $SEQ, %dx
    out %ax, %dx
    mov $80, %ax
    mul %si
    add %bx, %ax
    mov %ds:box_x, %di
    shr $2, %di
    add %ax, %di
    mov %ds:frame, %al
    add $128, %al
    stosb
    incw %ds:box_x
    decw %ds:box_left
    jnz 2b
    inc %si
    dec %bp
    jnz 1b
    ret

/* ---- mode 0Dh: 512 by 224 pixels, of which 320 by 200 are seen ---- */

scene_0d:
    mov $0x0d, %ax
    int $0x10
    xor %bl, %bl
    call set_palette
    call spread_attributes
    call video_memory
    REG CRTC, 0x13, 32
    REG GC, 5, 0x02             /* write mode 2 */
    xor %si, %si
1:  xor %cx, %cx
2:  mov %cx, %ax                /* bits 5 to 8 of x * y, ^ x / 4 ^ y */
    mul %si
    shr $5, %ax
    mov %cx, %bx
    shr $2, %bx
    xor %bx, %ax
    xor %si, %ax
    mov %al, %bl
    mov %si, %di
    shl $6, %di
    mov %cx, %ax
    shr $3, %ax
    add %ax, %di
    push %cx
    and $7, %cl
    mov $0x8008, %ax
    shr %cl, %ah
    pop %cx
    mov $GC, %dx
    out %ax, %dx
    mov %es:(%di), %al          /* fills the latches */
    mov %bl, %es:(%di)
    inc %cx
    cmp $512, %cx
    jb 2b
    inc %si
    cmp $224, %si
    jb 1b
    /* to the right by a pixel a frame, 21 lines down */
    xor %bx, %bx
3:  mov %bx, %cx
    shr $3, %cx
    add $21 * 64, %cx
    mov $CRTC, %dx
    mov $0x0c, %al
    mov %ch, %ah
    out %ax, %dx
    inc %al
    mov %cl, %ah
    out %ax, %dx
    call wait_retrace           /* which also makes the next write an index */
    mov $0x3c0, %dx
    mov $0x33, %al
    out %al, %dx
    mov %bl, %al
    and $7, %al
    out %al, %dx
    inc %bx
    cmp $38, %bx
    jb 3b
    mov $'d', %al
    jmp picture

/* ---- mode 12h: the graphics controller ---- */

scene_12:
    mov $0x12, %ax
    int $0x10
    xor %bl, %bl
    call set_palette
    call spread_attributes
    call video_memory
    /* stripes of 16 lines by set/reset, all planes at once */
    REG GC, 1, 0x0f
    xor %di, %di
    xor %bx, %bx
1:  mov %bl, %ah
    xor %al, %al
    mov $GC, %dx
    out %ax, %dx
    mov $80 * 16, %cx
    rep stosb
    inc %bx
    cmp $30, %bx
    jb 1b
    REG GC, 1, 0x00
    /* rotated by three, planes 0 and 2 only: a column of 8 bytes in each of 480 lines */
    REG GC, 3, 0x03
    REG SEQ, 2, 0x05
    xor %di, %di
    mov $480, %bx
2:  mov $8, %cx
    mov $0x0f, %al
    rep stosb
    add $72, %di
    dec %bx
    jnz 2b
    REG SEQ, 2, 0x0f
    REG GC, 3, 0x00
    /* write mode 2: a pixel in each line, colour y & 15 at x = 64 + y */
    REG GC, 5, 0x02
    xor %si, %si
3:  mov %si, %cx
    add $64, %cx
    mov $80, %ax
    mul %si
    mov %ax, %di
    mov %cx, %ax
    shr $3, %ax
    add %ax, %di
    and $7, %cl
    mov $0x8008, %ax
    shr %cl, %ah
    mov $GC, %dx
    out %ax, %dx
    mov %es:(%di), %al
    mov %si, %ax
    stosb
    inc %si
    cmp $480, %si
    jb 3b
    REG GC, 8, 0xff
    /* write mode 3: the byte is a mask for set/reset's colour 14: (x byte + y) as a pattern, 16 bytes wide, 100 lines */
    REG GC, 5, 0x03
    REG GC, 0, 0x0e
    xor %si, %si
4:  mov $80, %ax
    mul %si
    add $80 * 20 + 40, %ax
    mov %ax, %di
    mov $16, %cx
5:  mov %es:(%di), %al
    mov %si, %ax
    add %cx, %ax
    stosb
    loop 5b
    inc %si
    cmp $100, %si
    jb 4b
    REG GC, 5, 0x00
    /* and, or, xor with the latches: 8 bytes wide, 64 lines each, of 0x3c in all planes but those that set/reset rules */
    movw $0, %ds:frame
6:  mov $GC, %dx
    mov %ds:frame, %ax
    inc %ax
    shl $3, %al
    mov %al, %ah
    mov $3, %al
    out %ax, %dx
    REG GC, 1, 0x06             /* planes 1 and 2: set, reset */
    REG GC, 0, 0x02
    xor %si, %si
7:  mov $80, %ax
    mul %si
    mov %ax, %di
    mov %ds:frame, %ax
    shl $4, %ax
    add $80 * 200 + 30, %ax
    add %ax, %di
    mov $8, %cx
8:  mov %es:(%di), %al
    mov $0x3c, %al
    stosb
    loop 8b
    inc %si
    cmp $64, %si
    jb 7b
    incw %ds:frame
    cmpw $3, %ds:frame
    jb 6b
    REG GC, 3, 0x00
    REG GC, 1, 0x00
    /* read mode 1: what has colour 9, planes 0 to 3, or 8 and 9 where plane 0 does not matter, becomes 15 and 0 */
    REG GC, 5, 0x08
    REG GC, 2, 0x09
    REG GC, 7, 0x0f
    mov $80 * 130, %di
    mov $80 * 40, %cx
    mov $0x0f, %bl
    call recolour
    REG GC, 7, 0x0e
    mov $80 * 280, %di
    mov $80 * 40, %cx
    xor %bl, %bl
    call recolour
    REG GC, 8, 0xff
    REG GC, 1, 0x00
    /* read mode 0: plane 2 of 40 lines from line 0 becomes plane 1 of those from line 400 */
    REG GC, 5, 0x00
    REG GC, 4, 0x02
    REG SEQ, 2, 0x02
    push %ds
    push %es
    pop %ds
    xor %si, %si
    mov $80 * 400, %di
    mov $80 * 40, %cx
    rep movsb
    /* write mode 1: 30 lines of 24 bytes from (320, 20) go to (400, 440) */
    REG SEQ, 2, 0x0f
    REG GC, 5, 0x01
    mov $80 * 20 + 40, %si
    mov $80 * 440 + 50, %di
    mov $30, %bx
9:  mov $24, %cx
    rep movsb
    add $56, %si
    add $56, %di
    dec %bx
    jnz 9b
    pop %ds
    REG GC, 5, 0x00
    mov $'c', %al
    jmp picture

/* CX bytes from DI on: pixels that the read mode finds get colour BL. */
recolour:
    mov $GC, %dx
    mov $0x0f01, %ax
    out %ax, %dx
    xor %al, %al
    mov %bl, %ah
    out %ax, %dx
1:  mov %es:(%di), %ah
    mov $8, %al
    out %ax, %dx
    stosb                       /* any byte: set/reset rules all planes */
    loop 1b
    ret

/* ---- mode 4 ---- */

scene_4:
    mov $0x04, %ax
    int $0x10
    xor %bl, %bl
    call set_palette
    call spread_attributes
    push $0xb800
    pop %es
    xor %si, %si
1:  mov %si, %ax                /* line y: (y & 1) * 2000h + y / 2 * 80 */
    shr $1, %ax
    mov $80, %cx
    mul %cx
    mov %ax, %di
    mov %si, %ax
    and $1, %ax
    shl $13, %ax
    add %ax, %di
    xor %cx, %cx                /* x */
2:  mov $4, %bp
3:  mov %cx, %ax                /* (x + 2 y) / 8 & 3 */
    add %si, %ax
    add %si, %ax
    shr $3, %ax
    and $3, %al
    shl $2, %bl
    or %al, %bl
    inc %cx
    dec %bp
    jnz 3b
    mov %bl, %al
    stosb
    cmp $320, %cx
    jb 2b
    inc %si
    cmp $200, %si
    jb 1b
    mov $'4', %al
    jmp picture

/* ---- text: 80 by 50 characters, two fonts, blinking, a cursor ---- */

scene_text:
    mov $0x03, %ax
    int $0x10
    mov $0x1112, %ax            /* eight lines a character */
    xor %bl, %bl
    int $0x10
    /* glyph n of font f, line r: 37 n + 11 r + 99 f (mod 256), for characters 128 to 159 and 192 to 223; none for 32 */
    xor %bl, %bl
1:  mov $128, %dx
    call load_glyphs
    mov $192, %dx
    call load_glyphs
    mov $32, %dx
    mov $1, %cx
    mov $no_glyph, %bp
    call load
    inc %bl
    cmp $2, %bl
    jb 1b
    mov $0x1103, %ax            /* attribute bit 3 chooses: block 1, or block 0 */
    mov $0x04, %bl
    int $0x10
    push $0xb800
    pop %es
    xor %di, %di
    xor %cx, %cx                /* cell n: character and attribute */
2:  mov %cx, %ax
    and $31, %al
    add $128, %al
    test $32, %cl
    jz 3f
    add $64, %al
3:  mov %cx, %dx
    shr $1, %dx
    xor %ch, %dl
    mov %dl, %ah
    mov %cx, %dx
    and $7, %dl
    cmp $7, %dl                 /* every eighth is blank, but for its ground */
    jne 4f
    mov $32, %al
4:  stosw
    inc %cx
    cmp $80 * 50, %cx
    jb 2b
    REG CRTC, 0x0a, 0x02
    REG CRTC, 0x0b, 0x05
    REG CRTC, 0x0e, 0x03
    REG CRTC, 0x0f, 0x34
    mov $'t', %al
    call picture
    mov $0x1003, %ax            /* bit 7 is a bright ground instead */
    xor %bx, %bx
    int $0x10
    mov $'b', %al
    jmp picture

/* Makes the 32 glyphs from DX on in block BL. */
load_glyphs:
    mov $glyphs, %di
    xor %cx, %cx                /* CH: line, CL: n */
1:  mov %dl, %al
    add %cl, %al
    mov $37, %ah
    mul %ah
    mov %al, %bh
    mov $11, %al
    mul %ch
    add %al, %bh
    mov $99, %al
    mul %bl
    add %bh, %al
    mov %al, %ds:(%di)
    inc %di
    inc %ch
    cmp $8, %ch
    jb 1b
    xor %ch, %ch
    inc %cl
    cmp $32, %cl
    jb 1b
    mov $32, %cx
    mov $glyphs, %bp

/* CX glyphs at BP become those from DX on in block BL. */
load:
    push %bx
    push %es
    push %ds
    pop %es
    mov $0x1100, %ax
    mov $8, %bh
    int $0x10
    pop %es
    pop %bx
    ret

    .data
/* 320x240: timings of 480 lines, each row twice, byte addresses; the split screen 80 lines above the end. */
mode_x:
    .word 0x0d06, 0x3e07, 0x0109, 0xea10, 0xac11, 0xdf12, 0x0014, 0xe715, 0x0616, 0xe317, 0x8f18, 0
frame: .word 0
box_x: .word 0
box_left: .word 0
no_glyph: .fill 8
glyphs: .fill 256
