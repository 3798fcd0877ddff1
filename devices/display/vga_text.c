/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text screen read back out of video memory; see vga_text.h. Glyph names: IBM code page 437. */
#include "devices/display/vga_text.h"

#include "base/bits.h"
#include "devices/display/vga_scan.h"

/* Bytes whose glyph is not ASCII: 0x00-0x1f, then 0x7f-0xff. */
static const char *const low[32] = {
    " ", "☺", "☻", "♥", "♦", "♣", "♠", "•", "◘", "○", "◙", "♂", "♀", "♪", "♫", "☼",
    "►", "◄", "↕", "‼", "¶", "§", "▬", "↨", "↑", "↓", "→", "←", "∟", "↔", "▲", "▼",
};
static const char *const high[129] = {
    "⌂", "Ç", "ü", "é", "â", "ä", "à", "å", "ç", "ê", "ë", "è", "ï", "î", "ì", "Ä", "Å", "É", "æ",
    "Æ", "ô", "ö", "ò", "û", "ù", "ÿ", "Ö", "Ü", "¢", "£", "¥", "₧", "ƒ", "á", "í", "ó", "ú", "ñ",
    "Ñ", "ª", "º", "¿", "⌐", "¬", "½", "¼", "¡", "«", "»", "░", "▒", "▓", "│", "┤", "╡", "╢", "╖",
    "╕", "╣", "║", "╗", "╝", "╜", "╛", "┐", "└", "┴", "┬", "├", "─", "┼", "╞", "╟", "╚", "╔", "╩",
    "╦", "╠", "═", "╬", "╧", "╨", "╤", "╥", "╙", "╘", "╒", "╓", "╫", "╪", "┘", "┌", "█", "▄", "▌",
    "▐", "▀", "α", "ß", "Γ", "π", "Σ", "σ", "µ", "τ", "Φ", "Θ", "Ω", "δ", "∞", "φ", "ε", "∩", "≡",
    "±", "≥", "≤", "⌠", "⌡", "÷", "≈", "°", "∙", "·", "√", "ⁿ", "²", "■", " ",
};

const char *vga_text_utf8(uint8_t ch)
{
    static const char ascii[0x5f][2] = {
        " ", "!", "\"", "#", "$", "%", "&", "'", "(", ")", "*", "+", ",",  "-", ".", "/",
        "0", "1", "2",  "3", "4", "5", "6", "7", "8", "9", ":", ";", "<",  "=", ">", "?",
        "@", "A", "B",  "C", "D", "E", "F", "G", "H", "I", "J", "K", "L",  "M", "N", "O",
        "P", "Q", "R",  "S", "T", "U", "V", "W", "X", "Y", "Z", "[", "\\", "]", "^", "_",
        "`", "a", "b",  "c", "d", "e", "f", "g", "h", "i", "j", "k", "l",  "m", "n", "o",
        "p", "q", "r",  "s", "t", "u", "v", "w", "x", "y", "z", "{", "|",  "}", "~",
    };

    if (ch < 0x20)
        return low[ch];
    if (ch < 0x7f)
        return ascii[ch - 0x20];
    return high[ch - 0x7f];
}

bool vga_text_size(const struct vga *vga, unsigned *cols, unsigned *rows)
{
    struct vga_scan scan;

    if (!vga_in_text_mode(vga))
        return false;
    vga_scan_init(vga, &scan);
    *cols = scan.cols;
    *rows = scan.lines / (scan.row_lines * scan.repeat);
    if (!*rows)
        *rows = 1;
    return true;
}

struct vga_text_cell vga_text_at(const struct vga *vga, unsigned col, unsigned row)
{
    struct vga_scan scan;
    const uint8_t *p;

    vga_scan_init(vga, &scan);
    p = vga_planes(
        vga, vga_scan_addr(
                 vga, (uint16_t)(scan.start + row * scan.pitch + (col >> scan.count_shift)), 0));
    return (struct vga_text_cell){.ch = p[0], .attr = p[1]};
}

bool vga_text_cursor(const struct vga *vga, unsigned *col, unsigned *row)
{
    const uint8_t *cr = vga->crtc;
    struct vga_scan scan;
    unsigned cols, rows;
    uint16_t at;

    if (!vga_text_size(vga, &cols, &rows) || cr[CRTC_CURSOR_START] & 0x20 ||
        (cr[CRTC_CURSOR_START] & 0x1f) > (cr[CRTC_CURSOR_END] & 0x1f))
        return false;
    vga_scan_init(vga, &scan);
    at = (uint16_t)((cr[CRTC_CURSOR_HI] << 8 | cr[CRTC_CURSOR_LO]) - scan.start);
    if (!scan.pitch || at / scan.pitch >= rows || at % scan.pitch >= cols)
        return false;
    *row = at / scan.pitch;
    *col = at % scan.pitch;
    return true;
}

bool vga_text_blinks(const struct vga *vga)
{
    return vga->attr[ATTR_MODE] & ATTR_MODE_BLINK;
}

static char *graphics_note(const struct vga *vga)
{
    struct vga_screen screen = vga_screen_info(vga);

    if (screen.kind == VGA_SCREEN_BLANK)
        return g_strdup("(graphics mode, switched off)\n");
    return g_strdup_printf("(graphics mode %ux%u, %u bits)\n", screen.width, screen.height,
                           screen.depth);
}

char *vga_text_screen(const struct vga *vga)
{
    unsigned cols, rows;
    size_t keep = 0; /* length up to the last row with something in it */
    GString *out;

    if (!vga_text_size(vga, &cols, &rows))
        return graphics_note(vga);
    out = g_string_new(NULL);
    for (unsigned row = 0; row < rows; row++) {
        size_t line = out->len, end = out->len;

        for (unsigned col = 0; col < cols; col++) {
            const char *glyph = vga_text_utf8(vga_text_at(vga, col, row).ch);

            g_string_append(out, glyph);
            if (glyph[0] != ' ')
                end = out->len;
        }
        g_string_truncate(out, end);
        g_string_append_c(out, '\n');
        if (end != line)
            keep = out->len;
    }
    g_string_truncate(out, keep);
    return g_string_free(out, FALSE);
}
