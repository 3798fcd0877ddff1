/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mode 3 without a video BIOS: for kernels that are started directly and expect the text screen
 * that firmware would have left. Register values as in the IBM PS/2 Hardware Interface Technical
 * Reference, "Video Subsystem", the table of register settings for mode 3+.
 */
#include "devices/display/vga_state.h"

#include "base/bits.h"

static const uint8_t mode3_seq[VGA_SEQ_COUNT] = {0x03, 0x00, 0x03, 0x00, 0x02};
static const uint8_t mode3_crtc[VGA_CRTC_COUNT] = {
    0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
    0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff,
};
static const uint8_t mode3_gc[VGA_GC_COUNT] = {0, 0, 0, 0, 0, 0x10, 0x0e, 0x0f, 0xff};
static const uint8_t mode3_attr[VGA_ATTR_COUNT] = {
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a,
    0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00,
};

#define GLYPH_HEIGHT 16
#define FONT_SIZE    (256 * GLYPH_HEIGHT)

/* The six-bit EGA colour n as three DAC components: bits 2,1,0 are two thirds, 5,4,3 one third. */
static void ega_color(uint8_t *dac, unsigned n)
{
    for (unsigned k = 0; k < 3; k++) {
        unsigned strong = n >> (2 - k) & 1, weak = n >> (5 - k) & 1;

        dac[k] = (uint8_t)(strong * 0x2a + weak * 0x15);
    }
}

/* An 8x16 font in code page order: the letter A, after a blank NUL and 64 others. */
static const uint8_t *find_font(const uint8_t *rom, size_t len)
{
    static const uint8_t letter_a[GLYPH_HEIGHT] = {0,    0,    0x10, 0x38, 0x6c, 0xc6, 0xc6, 0xfe,
                                                   0xc6, 0xc6, 0xc6, 0xc6, 0,    0,    0,    0};
    static const uint8_t blank[GLYPH_HEIGHT];

    for (size_t at = 0; len >= FONT_SIZE && at <= len - FONT_SIZE; at++) {
        if (!memcmp(rom + at + 'A' * GLYPH_HEIGHT, letter_a, GLYPH_HEIGHT) &&
            !memcmp(rom + at, blank, GLYPH_HEIGHT))
            return rom + at;
    }
    return NULL;
}

void vga_boot_text_mode(struct vga *vga, const void *rom, size_t rom_len)
{
    const uint8_t *font = find_font(rom, rom_len);

    vbe_write(vga, VBE_ENABLE, 0);
    vga->misc = 0x67;
    memcpy(vga->seq, mode3_seq, sizeof(mode3_seq));
    memcpy(vga->crtc, mode3_crtc, sizeof(mode3_crtc));
    vga_start_now(vga);
    vga_vint_update(vga);
    memcpy(vga->gc, mode3_gc, sizeof(mode3_gc));
    memcpy(vga->attr, mode3_attr, sizeof(mode3_attr));
    vga->attr_index = ATTR_PAS;
    vga->attr_data = 0;
    vga->dac_mask = 0xff;
    for (unsigned n = 0; n < 64; n++)
        ega_color(vga->dac + 3 * n, n);
    for (unsigned n = 0; n < VGA_PLANE_SIZE; n++) {
        uint8_t *p = vga_planes(vga, n);

        p[0] = ' ';
        p[1] = 0x07;
    }
    for (unsigned n = 0; font && n < FONT_SIZE; n++)
        vga_planes(vga, n / GLYPH_HEIGHT * 32 + n % GLYPH_HEIGHT)[2] = font[n];
    vga_mark_written(vga, vga->vram, 4 * (size_t)VGA_PLANE_SIZE);
}
