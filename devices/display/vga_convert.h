/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From bytes of video memory to dots and pixels: the inner loops of drawing, which know no
 * registers. Pure functions; internal to devices/display/.
 */
#ifndef DEVICES_DISPLAY_VGA_CONVERT_H
#define DEVICES_DISPLAY_VGA_CONVERT_H

#include <stdbool.h>
#include <stdint.h>

/* The four planes' bytes of one fetch as eight dots of four bits, from left to right: a bit of each
 * plane; pairs of bits, those of planes 0 and 2 first; whole bytes of one plane after the other. */
void vga_dots_planar(const uint8_t p[4], uint8_t dots[8]);
void vga_dots_cga(const uint8_t p[4], uint8_t dots[8]);
void vga_dots_packed(const uint8_t p[4], uint8_t dots[8]);

/* A line of `width` pixels of 8, 15, 16, 24 or 32 bits as XRGB. Those of 15, 16 and 32 bits are
 * big-endian with `swap`; those of 8 go by the palette. */
void vga_convert_line(const uint8_t *src, unsigned bpp, bool swap, const uint32_t palette[256],
                      uint32_t *dst, unsigned width);

#endif
