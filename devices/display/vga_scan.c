/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The screen as the CRTC scans it and the attribute controller colours it: text with the font of
 * plane 2, four-colour CGA, sixteen-colour planar and 256-colour modes, with start address,
 * panning, scan doubling and split screen. IBM PS/2 Hardware Interface Technical Reference, "CRT
 * Controller" and "Attribute Controller".
 */
#include "devices/display/vga_scan.h"

#include "base/bits.h"
#include "devices/display/vga_convert.h"

enum {
    MAX_COLS = 256 + 1, /* one more than shown: panning uncovers part of it */
    MAX_DOTS = 9,
};

/* What stays the same while a screen is drawn. */
struct draw {
    const struct vga *vga;
    struct vga_scan scan;
    uint32_t color[16]; /* of the sixteen attribute colours */
    uint32_t wide[256]; /* of pixels of eight bits */
    bool blink_off;     /* blinking characters are dark in this frame */
    struct vga_cursor cursor;
    uint32_t line[MAX_COLS * MAX_DOTS];
};

void vga_scan_init(const struct vga *vga, struct vga_scan *scan)
{
    const uint8_t *cr = vga->crtc;
    bool text = vga_in_text_mode(vga);
    unsigned pan = vga->attr[ATTR_PAN] & 0x0f;

    scan->cols = cr[CRTC_HDISP] + 1u;
    /* the ninth dot exists for text; graphics modes always use eight */
    scan->dots = text && !(vga->seq[SEQ_CLOCK] & SEQ_CLOCK_8DOT) ? 9 : 8;
    scan->lines = vga_vdisp(vga) + 1;
    scan->split = vga_line_compare(vga) + 1;
    if (cr[CRTC_MODE] & CRTC_MODE_HALF_LINES) {
        scan->lines *= 2;
        scan->split *= 2;
    }
    scan->row_lines = (cr[CRTC_MAX_ROW] & 0x1fu) + 1;
    scan->repeat = cr[CRTC_MAX_ROW] & 0x80 ? 2 : 1;
    scan->widen = vga->seq[SEQ_CLOCK] & SEQ_CLOCK_HALF ? 2 : 1;
    scan->start = (uint16_t)(vga_start_address(vga) + ((cr[CRTC_PRESET_ROW] >> 5) & 3));
    scan->pitch = (uint16_t)(cr[CRTC_OFFSET] * 2);
    scan->count_shift = cr[CRTC_UNDERLINE] & 0x20 ? 2 : cr[CRTC_MODE] & 0x08 ? 1 : 0;
    if (scan->dots == 9)
        scan->pan = pan >= 8 ? 0 : pan + 1;
    else if (!text && vga->attr[ATTR_MODE] & ATTR_MODE_PIXEL8)
        scan->pan = pan & 6; /* a pixel is two dots */
    else
        scan->pan = pan & 7;
}

uint32_t vga_scan_addr(const struct vga *vga, uint16_t c, unsigned rs)
{
    uint8_t mode = vga->crtc[CRTC_MODE];
    uint32_t a = c;

    if (vga->crtc[CRTC_UNDERLINE] & 0x40)
        a = (uint32_t)c << 2; /* as chain 4 leaves its two low bits clear */
    else if (!(mode & 0x40))
        a = (uint32_t)c << 1 | (c >> (mode & 0x20 ? 15 : 13) & 1);
    if (!(mode & 0x01))
        a = (a & ~0x2000u) | (rs & 1) << 13;
    if (!(mode & 0x02))
        a = (a & ~0x4000u) | (rs >> 1 & 1) << 14;
    return a & (VGA_PLANE_SIZE - 1);
}

/* DAC index of a 4-bit colour: the palette register, its upper bits from color select. */
static unsigned dac_index(const struct vga *vga, unsigned c)
{
    unsigned v = vga->attr[c] & 0x3f, sel = vga->attr[ATTR_COLOR];

    if (vga->attr[ATTR_MODE] & ATTR_MODE_P54S)
        v = (v & 0x0f) | (sel & 3) << 4;
    return v | (sel & 0x0c) << 4;
}

/* --- text --- */

/* Two bits of the character map register and a third apart. */
unsigned vga_scan_font(const struct vga *vga, bool map_a)
{
    unsigned r = vga->seq[SEQ_CHAR_MAP];
    unsigned n = map_a ? (r >> 2 & 3) | (r >> 5 & 1) << 2 : (r & 3) | (r >> 4 & 1) << 2;

    return (n & 3) * 0x4000 + (n >> 2) * 0x2000;
}

/* Characters blink every 32 frames, the cursor twice as fast. */
bool vga_scan_blink_off(uint64_t frame)
{
    return frame & 0x10;
}

struct vga_cursor vga_scan_cursor(const struct vga *vga, uint64_t frame)
{
    const uint8_t *cr = vga->crtc;
    unsigned skew = cr[CRTC_CURSOR_END] >> 5 & 3;

    return (struct vga_cursor){
        .at = (uint16_t)((cr[CRTC_CURSOR_HI] << 8 | cr[CRTC_CURSOR_LO]) + skew),
        .first = cr[CRTC_CURSOR_START] & 0x1f,
        .last = cr[CRTC_CURSOR_END] & 0x1f,
        .shown = !(frame & 0x08) && !(cr[CRTC_CURSOR_START] & 0x20),
    };
}

static bool cursor_here(const struct draw *d, uint16_t c, unsigned rs)
{
    return d->cursor.shown && c == d->cursor.at && rs >= d->cursor.first && rs <= d->cursor.last;
}

static void text_cell(struct draw *d, uint16_t c, unsigned rs, uint32_t *out)
{
    const struct vga *vga = d->vga;
    const uint8_t *cell = vga_planes(vga, vga_scan_addr(vga, c, rs));
    uint8_t ch = cell[0], attr = cell[1], mode = vga->attr[ATTR_MODE];
    unsigned font = vga_scan_font(vga, attr & 0x08);
    unsigned bits = vga_planes(vga, font + ch * 32u + rs)[2] << 1; /* nine dots */
    unsigned fg = attr & 0x0f, bg = attr >> 4;
    uint32_t ground, differ;

    if (mode & ATTR_MODE_LINE_GFX && (ch & 0xe0) == 0xc0)
        bits |= bits >> 1 & 1;
    if ((attr & 0x07) == 1 && rs == (vga->crtc[CRTC_UNDERLINE] & 0x1fu))
        bits = 0x1ff;
    if (mode & ATTR_MODE_BLINK) {
        bg &= 7;
        if (attr & 0x80 && d->blink_off)
            bits = 0;
    }
    if (cursor_here(d, c, rs))
        bits = 0x1ff;
    /* without a branch, so that dots are made side by side; a ninth one always has room */
    ground = d->color[bg];
    differ = d->color[fg] ^ ground;
    for (unsigned x = 0; x < MAX_DOTS; x++)
        out[x] = ground ^ (differ & -(bits >> (8 - x) & 1));
}

static void text_line(struct draw *d, uint16_t ma, unsigned rs)
{
    for (unsigned col = 0; col <= d->scan.cols; col++)
        text_cell(d, (uint16_t)(ma + (col >> d->scan.count_shift)), rs,
                  d->line + col * d->scan.dots);
}

/* --- graphics: eight dots for each fetch --- */

/* The attribute controller takes each two of them together: pixels of eight bits, twice as wide. */
static void wide_dots(const struct draw *d, const uint8_t *dots, uint32_t *out)
{
    for (unsigned x = 0; x < 8; x++)
        out[x] = d->wide[dots[x & 6] << 4 | dots[x | 1]];
}

static void color_dots(const struct draw *d, const uint8_t *dots, uint32_t *out)
{
    for (unsigned x = 0; x < 8; x++)
        out[x] = d->color[dots[x]];
}

/* As mode 13h and its relatives have it: four whole pixels in a fetch. */
static void byte_dots(const struct draw *d, const uint8_t *p, uint32_t *out)
{
    for (unsigned x = 0; x < 4; x++)
        out[2 * x] = out[2 * x + 1] = d->wide[p[x]];
}

static void graphics_line(struct draw *d, uint16_t ma, unsigned rs)
{
    const struct vga *vga = d->vga;
    unsigned shift = vga->gc[GC_MODE] & (GC_MODE_SHIFT_256 | GC_MODE_SHIFT_CGA);
    bool pixel8 = vga->attr[ATTR_MODE] & ATTR_MODE_PIXEL8;
    unsigned cols = d->scan.cols + (d->scan.pan != 0); /* panning uncovers a part of one more */
    uint32_t *out = d->line;

    for (unsigned col = 0; col < cols; col++, out += 8) {
        uint16_t c = (uint16_t)(ma + (col >> d->scan.count_shift));
        const uint8_t *p = vga_planes(vga, vga_scan_addr(vga, c, rs));
        uint8_t dots[8];

        if (pixel8 && shift & GC_MODE_SHIFT_256) {
            byte_dots(d, p, out);
            continue;
        }
        if (shift & GC_MODE_SHIFT_256)
            vga_dots_packed(p, dots);
        else if (shift)
            vga_dots_cga(p, dots);
        else
            vga_dots_planar(p, dots);
        if (pixel8)
            wide_dots(d, dots, out);
        else
            color_dots(d, dots, out);
    }
}

/* --- the walk --- */

static void draw_init(struct draw *d, const struct vga *vga, uint64_t frame,
                      const uint32_t *palette)
{
    bool text = vga_in_text_mode(vga);
    unsigned planes = vga->attr[ATTR_PLANES] & 0x0f, blink = 0;

    d->vga = vga;
    vga_scan_init(vga, &d->scan);
    d->blink_off = vga_scan_blink_off(frame);
    d->cursor = vga_scan_cursor(vga, frame);
    /* In graphics bit 3 is inverted in half of the frames, of whatever colour: mode 0Fh has plane 3
     * switched off, and a palette in which only one of its colours minds. */
    if (vga->attr[ATTR_MODE] & ATTR_MODE_BLINK && d->blink_off)
        blink = 8;
    for (unsigned c = 0; c < 16; c++)
        d->color[c] = palette[dac_index(vga, text ? c : (c & planes) ^ blink)];
    /* past the palette registers, as all mode 13h has ever shown */
    for (unsigned c = 0; !text && c < 256; c++)
        d->wide[c] = palette[c & (planes << 4 | planes)];
}

static void draw_line(struct draw *d, uint16_t ma, unsigned rs)
{
    if (vga_in_text_mode(d->vga))
        text_line(d, ma, rs);
    else
        graphics_line(d, ma, rs);
}

/* Copies the line that was drawn to the surface, panned and widened. */
static void emit_line(const struct draw *d, unsigned pan, uint32_t *dst, unsigned width)
{
    const uint32_t *src = d->line + pan;

    if (d->scan.widen == 1) {
        memcpy(dst, src, width * sizeof(*dst));
        return;
    }
    for (unsigned x = 0; x < width; x++)
        dst[x] = src[x / 2];
}

void vga_scan_draw(const struct vga *vga, uint64_t frame, const uint32_t palette[256],
                   struct vga_surface *s,
                   bool (*wanted)(void *opaque, unsigned y, uint16_t ma, unsigned rs), void *opaque)
{
    struct draw d;
    unsigned rs = vga->crtc[CRTC_PRESET_ROW] & 0x1f, again = 0;
    unsigned pan;
    uint16_t ma;
    /* what d.line holds: lines of doubled modes are drawn once */
    uint32_t held = ~0u;

    draw_init(&d, vga, frame, palette);
    pan = d.scan.pan;
    ma = d.scan.start;
    for (unsigned y = 0; y < s->height; y++) {
        uint32_t key;

        if (y == d.scan.split) {
            ma = 0;
            rs = again = 0;
            if (vga->attr[ATTR_MODE] & ATTR_MODE_PAN_COMPAT)
                pan = 0;
        }
        key = (uint32_t)ma << 8 | rs;
        if (!vga_in_text_mode(vga) && (vga->crtc[CRTC_MODE] & 3) == 3)
            key = (uint32_t)ma << 8;
        if (!wanted || wanted(opaque, y, ma, rs)) {
            if (key != held)
                draw_line(&d, ma, rs);
            held = key;
            emit_line(&d, pan, s->pixels + y * s->stride, s->width);
        }
        if (++again < d.scan.repeat)
            continue;
        again = 0;
        if (rs == d.scan.row_lines - 1) {
            rs = 0;
            ma = (uint16_t)(ma + d.scan.pitch);
        } else {
            rs = (rs + 1) & 0x1f;
        }
    }
}
