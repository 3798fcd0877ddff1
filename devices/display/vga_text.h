/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text screen as text: for logs, tests, the monitor and terminals. All calls with the device
 * lock held.
 */
#ifndef DEVICES_DISPLAY_VGA_TEXT_H
#define DEVICES_DISPLAY_VGA_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/display/vga.h"

struct vga_text_cell {
    uint8_t ch;   /* code page 437 */
    uint8_t attr; /* as in memory: 0-3 foreground, 4-7 background */
};

/* Columns (1..256) and rows (1..2048) of the text mode now set, switched on or not; false in
 * graphics modes. */
bool vga_text_size(const struct vga *vga, unsigned *cols, unsigned *rows);

/* The cell at a place inside vga_text_size(). */
struct vga_text_cell vga_text_at(const struct vga *vga, unsigned col, unsigned row);

/* Where the cursor is; false when it is off, off the screen, or there is no text mode. */
bool vga_text_cursor(const struct vga *vga, unsigned *col, unsigned *row);

/* Whether attribute bit 7 blinks (it is background intensity otherwise). */
bool vga_text_blinks(const struct vga *vga);

/* The UTF-8 form (NUL-terminated, static) of a code page 437 byte as the screen shows it. */
const char *vga_text_utf8(uint8_t ch);

/* The whole screen in UTF-8, a line a row, blanks at line ends and empty rows at the end cut away.
 * In a graphics mode, one line in parentheses that names it. Free with g_free(). */
char *vga_text_screen(const struct vga *vga);

#endif
