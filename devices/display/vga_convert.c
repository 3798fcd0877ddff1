/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Video memory to pixels; see vga_convert.h. Each format has a loop of its own without a branch in
 * it, which compilers turn into vector code. Video memory is written while it is read, by vCPUs
 * that nothing stops: a pixel may be half of the old and half of the new, and is drawn again.
 */
#include "devices/display/vga_convert.h"

#include "base/bits.h"

/* Bit 7 - k of b in byte k. */
static uint64_t spread(uint8_t b)
{
    uint64_t v = b * UINT64_C(0x0101010101010101) & UINT64_C(0x0102040810204080);

    return (v + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101);
}

void vga_dots_planar(const uint8_t p[4], uint8_t dots[8])
{
    st_le64(dots, spread(p[0]) | spread(p[1]) << 1 | spread(p[2]) << 2 | spread(p[3]) << 3);
}

void vga_dots_cga(const uint8_t p[4], uint8_t dots[8])
{
    for (unsigned x = 0; x < 8; x++) {
        unsigned sh = 6 - 2 * (x & 3), odd = x >> 2;

        dots[x] = (uint8_t)((p[odd] >> sh & 3) | (p[odd + 2] >> sh & 3) << 2);
    }
}

void vga_dots_packed(const uint8_t p[4], uint8_t dots[8])
{
    for (unsigned x = 0; x < 8; x++)
        dots[x] = p[x / 2] >> (x & 1 ? 0 : 4) & 0x0f;
}

/* ---- packed pixels ---- */

static void line_8(const uint8_t *src, const uint32_t *palette, uint32_t *dst, unsigned width)
{
    for (unsigned x = 0; x < width; x++)
        dst[x] = palette[src[x]];
}

/* Five bits a component are stretched over eight, so that all ones are white. */
static uint32_t from_555(uint32_t v)
{
    uint32_t high = (v & 0x7c00) << 9 | (v & 0x03e0) << 6 | (v & 0x001f) << 3;

    return high | (high >> 5 & 0x070707);
}

static uint32_t from_565(uint32_t v)
{
    uint32_t red_blue = (v & 0xf800) << 8 | (v & 0x001f) << 3, green = (v & 0x07e0) << 5;

    return red_blue | (red_blue >> 5 & 0x070007) | green | (green >> 6 & 0x000300);
}

static void line_15(const uint8_t *src, uint32_t *dst, unsigned width)
{
    for (unsigned x = 0; x < width; x++)
        dst[x] = from_555(ld_le16(src + 2 * (size_t)x));
}

static void line_16(const uint8_t *src, uint32_t *dst, unsigned width)
{
    for (unsigned x = 0; x < width; x++)
        dst[x] = from_565(ld_le16(src + 2 * (size_t)x));
}

static void line_24(const uint8_t *src, uint32_t *dst, unsigned width)
{
    unsigned x = 0;

    /* four bytes at once, of which the last is the next pixel's */
    for (; x + 1 < width; x++)
        dst[x] = ld_le32(src + 3 * (size_t)x) & 0xffffff;
    src += 3 * (size_t)x;
    dst[x] = (uint32_t)src[2] << 16 | (uint32_t)src[1] << 8 | src[0];
}

static void line_32(const uint8_t *src, uint32_t *dst, unsigned width)
{
    for (unsigned x = 0; x < width; x++)
        dst[x] = ld_le32(src + 4 * (size_t)x) & 0xffffff;
}

static void line_swapped(const uint8_t *src, unsigned bpp, uint32_t *dst, unsigned width)
{
    for (unsigned x = 0; x < width; x++) {
        uint16_t v = __builtin_bswap16(ld_le16(src + 2 * (size_t)x));

        if (bpp == 32)
            dst[x] = __builtin_bswap32(ld_le32(src + 4 * (size_t)x)) & 0xffffff;
        else
            dst[x] = bpp == 15 ? from_555(v) : from_565(v);
    }
}

void vga_convert_line(const uint8_t *src, unsigned bpp, bool swap, const uint32_t palette[256],
                      uint32_t *dst, unsigned width)
{
    if (swap && bpp != 8 && bpp != 24) {
        line_swapped(src, bpp, dst, width);
        return;
    }
    switch (bpp) {
    case 8: line_8(src, palette, dst, width); break;
    case 15: line_15(src, dst, width); break;
    case 16: line_16(src, dst, width); break;
    case 24: line_24(src, dst, width); break;
    default: line_32(src, dst, width); break;
    }
}
