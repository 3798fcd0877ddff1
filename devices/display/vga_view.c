/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to be drawn anew; see vga_view.h. The VBE modes go by the pages that were written. In
 * the VGA's own modes a page holds many characters, and fonts besides, so the memory that its
 * window reaches is compared with a copy of what was drawn: that memory is written with the device
 * lock held, so nothing comes between the look and the copy. Where it was written through the
 * linear framebuffer, by vCPUs that may go on while it is drawn, pages are taken as they are.
 */
#include "devices/display/vga_view.h"

#include "base/bits.h"
#include "base/mutant.h"
#include "devices/display/vga_scan.h"

#define PLANES_SIZE  (4 * (size_t)VGA_PLANE_SIZE) /* bytes that the VGA's own modes show */
#define PLANES_WORDS (PLANES_SIZE >> VGA_PAGE_SHIFT >> 6)
#define FONT_SIZE    (256 * 32u)
#define MAX_LINES    2048

/* All that the picture depends on but video memory, the cursor and blinking. Zeroed before it is
 * filled in: compared as bytes. */
struct look {
    unsigned kind, width, height, depth;
    uint8_t crtc[VGA_CRTC_COUNT];
    uint8_t attr[VGA_ATTR_COUNT];
    uint8_t clock, char_map, gc_mode;
    uint8_t big_endian, dac_mask;
    uint8_t dac[256 * 3];
    uint16_t vbe[VBE_COUNT];
};

struct vga_view {
    struct vga *vga;
    struct vga_view *next;
    struct vga_surface picture;
    struct vga_run runs[MAX_LINES];
    unsigned n_runs;

    /* Pages written since the last refresh: a bit each, by the adapter and through the linear
     * framebuffer. */
    uint64_t *written, *linear;

    /* Of the picture that was drawn last. */
    bool drawn;
    struct look look;
    struct vga_cursor cursor;
    bool blink_off;
    uint8_t *planes; /* copy of the first PLANES_SIZE bytes, while the mode is one of the VGA's */

    /* Of the refresh under way. */
    struct {
        const struct vga_cursor *cursor;
        bool text, cursor_changed, blink_changed;
        uint32_t key; /* of the line looked at last */
        bool held, key_changed;
    } now;
};

struct vga_view *vga_view_new(struct vga *vga)
{
    struct vga_view *v = g_new0(struct vga_view, 1);

    v->vga = vga;
    v->written = g_new0(uint64_t, vga->written_words);
    v->linear = g_new0(uint64_t, vga->written_words);
    v->planes = (uint8_t *)g_malloc0(PLANES_SIZE);
    if (!vga->views && vga->log.start)
        vga->log.start(vga->log.opaque, true);
    v->next = vga->views;
    vga->views = v;
    return v;
}

void vga_view_free(struct vga_view *v)
{
    struct vga_view **at;

    if (!v)
        return;
    for (at = &v->vga->views; *at != v; at = &(*at)->next)
        ;
    *at = v->next;
    if (!v->vga->views && v->vga->log.start)
        v->vga->log.start(v->vga->log.opaque, false);
    vga_surface_free(&v->picture);
    g_free(v->planes);
    g_free(v->written);
    g_free(v->linear);
    g_free(v);
}

const struct vga_surface *vga_view_picture(const struct vga_view *v)
{
    return &v->picture;
}

const struct vga_run *vga_view_runs(const struct vga_view *v, unsigned *n)
{
    *n = v->n_runs;
    return v->runs;
}

/* ---- what was written ---- */

/* Marks and the log go to every view: what one takes the others would never see. */
static void collect(struct vga *vga)
{
    size_t words = vga->written_words;
    uint64_t *linear = g_new0(uint64_t, words);

    if (vga->log.harvest)
        vga->log.harvest(vga->log.opaque, linear);
    for (struct vga_view *v = vga->views; v; v = v->next) {
        for (size_t k = 0; k < words; k++) {
            if (MUTANT(view_takes_the_marks_of_others) && v->next)
                break;
            v->written[k] |= vga->written[k];
            v->linear[k] |= linear[k];
        }
    }
    memset(vga->written, 0, words * sizeof(*vga->written));
    g_free(linear);
}

static bool page_bit(const uint64_t *pages, size_t page)
{
    return pages[page / 64] >> page % 64 & 1;
}

static bool any_bit(const uint64_t *pages, size_t words)
{
    uint64_t any = 0;

    for (size_t k = 0; k < words; k++)
        any |= pages[k];
    return any;
}

/* Was any of these bytes written? They may go round from the end of video memory. */
static bool bytes_written(const struct vga_view *v, struct vga_bytes b)
{
    size_t mask = v->vga->vram_size - 1;

    for (size_t page = b.at >> VGA_PAGE_SHIFT; page <= (b.at + b.len - 1) >> VGA_PAGE_SHIFT;
         page++) {
        size_t p = page & mask >> VGA_PAGE_SHIFT;

        if (page_bit(v->written, p) || page_bit(v->linear, p))
            return true;
    }
    return false;
}

/* What was drawn, in the pages that were written since. */
static void copy_planes(struct vga_view *v, bool all)
{
    for (size_t page = 0; page < PLANES_SIZE >> VGA_PAGE_SHIFT; page++) {
        size_t at = page << VGA_PAGE_SHIFT;

        if (all || page_bit(v->written, page) || page_bit(v->linear, page))
            memcpy(v->planes + at, v->vga->vram + at, 1u << VGA_PAGE_SHIFT);
    }
}

/* ---- what else the picture depends on ---- */

static void take_scan_registers(const struct vga *vga, struct look *l)
{
    memcpy(l->crtc, vga->crtc, sizeof(l->crtc));
    l->crtc[CRTC_CURSOR_START] = l->crtc[CRTC_CURSOR_END] = 0;
    l->crtc[CRTC_CURSOR_HI] = l->crtc[CRTC_CURSOR_LO] = 0;
    st_le16(l->crtc + CRTC_START_HI, vga_start_address(vga));
    l->clock = vga->seq[SEQ_CLOCK];
    l->char_map = vga->seq[SEQ_CHAR_MAP];
    l->gc_mode = vga->gc[GC_MODE] & (GC_MODE_SHIFT_CGA | GC_MODE_SHIFT_256);
}

static void take_look(const struct vga *vga, struct look *l)
{
    struct vga_screen screen = vga_screen_info(vga);

    memset(l, 0, sizeof(*l));
    l->kind = screen.kind;
    if (screen.kind == VGA_SCREEN_BLANK)
        return;
    l->width = screen.width;
    l->height = screen.height;
    l->depth = screen.depth;
    if (screen.kind == VGA_SCREEN_VBE) {
        memcpy(l->vbe, vga->vbe, sizeof(l->vbe));
        l->vbe[VBE_ID] = l->vbe[VBE_BANK] = l->vbe[VBE_ENABLE] = 0;
        l->big_endian = (uint8_t)vga->fb_big_endian;
    } else {
        take_scan_registers(vga, l);
    }
    if (screen.depth > 8)
        return;
    l->vbe[VBE_ENABLE] = vga->vbe[VBE_ENABLE] & VBE_EN_8BIT_DAC;
    memcpy(l->attr, vga->attr, sizeof(l->attr));
    memcpy(l->dac, vga->dac, sizeof(l->dac));
    l->dac_mask = vga->dac_mask;
}

static bool same_cursor(const struct vga_cursor *a, const struct vga_cursor *b)
{
    if (!a->shown && !b->shown)
        return true;
    return a->shown == b->shown && a->at == b->at && a->first == b->first && a->last == b->last;
}

/* Has any glyph of the two fonts become another? */
static bool font_changed(const struct vga_view *v)
{
    for (unsigned map = 0; map < 2; map++) {
        size_t base = 4 * (size_t)vga_scan_font(v->vga, map);

        for (size_t n = 2; n < 4 * FONT_SIZE; n += 4) {
            size_t at = (base + n) & (PLANES_SIZE - 1);

            if (v->planes[at] != v->vga->vram[at])
                return true;
        }
    }
    return false;
}

/* ---- lines ---- */

static bool cursor_in_cell(const struct vga_cursor *cursor, uint16_t c)
{
    return cursor->shown && cursor->at == c;
}

/* Does the cell or the group of dots that the counter c fetches look otherwise than it did? */
static bool fetch_changed(const struct vga_view *v, uint16_t c, unsigned rs)
{
    size_t at = 4 * (size_t)vga_scan_addr(v->vga, c, rs);
    const uint8_t *is = v->vga->vram + at, *was = v->planes + at;

    if (page_bit(v->linear, at >> VGA_PAGE_SHIFT))
        return true;
    if (!v->now.text)
        return memcmp(is, was, 4) != 0;
    if (is[0] != was[0] || is[1] != was[1])
        return true;
    if (v->now.cursor_changed &&
        (cursor_in_cell(&v->cursor, c) || cursor_in_cell(v->now.cursor, c)))
        return true;
    return v->now.blink_changed && (is[1] & 0x80);
}

/* May anything that the counters ma to `last` fetch have been written? Addresses rise with the
 * counter but where they go round, and then what lies between first and last is not all. */
static bool fetches_written(const struct vga_view *v, uint16_t ma, uint16_t last, unsigned rs)
{
    size_t from = 4 * (size_t)vga_scan_addr(v->vga, ma, rs);
    size_t to = 4 * (size_t)vga_scan_addr(v->vga, last, rs) + 3;

    return to < from || bytes_written(v, (struct vga_bytes){from, to - from + 1});
}

/* The same of a line; those of one row that fetch the same are looked at once. */
static bool line_changed(struct vga_view *v, const struct vga_scan *scan, uint16_t ma, unsigned rs)
{
    uint32_t key = (uint32_t)ma << 2 | (rs & 3);
    unsigned cols = scan->cols + (scan->pan != 0); /* panning uncovers a part of one more */
    bool changed = false;

    if (v->now.held && v->now.key == key)
        return v->now.key_changed;
    if (v->now.cursor_changed || v->now.blink_changed ||
        fetches_written(v, ma, (uint16_t)(ma + ((cols - 1) >> scan->count_shift)), rs)) {
        for (unsigned col = 0; col < cols && !changed; col++)
            changed = fetch_changed(v, (uint16_t)(ma + (col >> scan->count_shift)), rs);
    }
    v->now.held = true;
    v->now.key = key;
    return v->now.key_changed = changed;
}

static void add_line(struct vga_view *v, unsigned y)
{
    struct vga_run *last = v->n_runs ? &v->runs[v->n_runs - 1] : NULL;

    if (last && last->first + last->n == y)
        last->n++;
    else
        v->runs[v->n_runs++] = (struct vga_run){.first = y, .n = 1};
}

/* ---- pictures ---- */

struct wanted {
    struct vga_view *view;
    struct vga_scan scan;
};

static bool line_wanted(void *opaque, unsigned y, uint16_t ma, unsigned rs)
{
    struct wanted *w = opaque;

    if (!line_changed(w->view, &w->scan, ma, rs))
        return false;
    add_line(w->view, y);
    return true;
}

static void draw_whole(struct vga_view *v, uint64_t frame)
{
    if (v->look.kind == VGA_SCREEN_BLANK && v->picture.pixels)
        memset(v->picture.pixels, 0,
               v->picture.stride * v->picture.height * sizeof(*v->picture.pixels));
    else
        vga_render(v->vga, frame, &v->picture);
    v->runs[0] = (struct vga_run){.first = 0, .n = v->picture.height};
    v->n_runs = 1;
}

static void draw_vbe(struct vga_view *v)
{
    uint32_t palette[256];

    vga_make_palette(v->vga, palette);
    for (unsigned y = 0; y < v->picture.height; y++) {
        if (!bytes_written(v, vga_vbe_bytes(v->vga, v->picture.width, y)))
            continue;
        vga_vbe_line(v->vga, palette, &v->picture, y);
        add_line(v, y);
    }
}

static void draw_scan(struct vga_view *v, uint64_t frame)
{
    struct wanted w = {.view = v};
    uint32_t palette[256];

    vga_make_palette(v->vga, palette);
    vga_scan_init(v->vga, &w.scan);
    v->now.held = false;
    vga_scan_draw(v->vga, frame, palette, &v->picture, line_wanted, &w);
}

/* ---- a refresh ---- */

/* In a mode of the VGA's, which is as it was. */
static void refresh_scan(struct vga_view *v, const struct vga_cursor *cursor, bool blink_off,
                         uint64_t frame)
{
    bool linear = any_bit(v->linear, PLANES_WORDS), written = any_bit(v->written, PLANES_WORDS);

    v->now.text = v->look.kind == VGA_SCREEN_TEXT;
    v->now.cursor = cursor;
    v->now.cursor_changed = v->now.text && !same_cursor(cursor, &v->cursor);
    v->now.blink_changed = blink_off != v->blink_off && (v->vga->attr[ATTR_MODE] & ATTR_MODE_BLINK);
    if (!v->now.text && v->now.blink_changed) /* graphics blink as a whole */
        draw_whole(v, frame);
    else if (v->now.text && (linear || (written && font_changed(v))))
        draw_whole(v, frame);
    else if (linear || written || v->now.cursor_changed || v->now.blink_changed)
        draw_scan(v, frame);
}

bool vga_view_refresh(struct vga_view *v, uint64_t frame)
{
    struct vga_cursor cursor = vga_scan_cursor(v->vga, frame);
    bool blink_off = vga_scan_blink_off(frame), whole, scan;
    struct look look;

    collect(v->vga);
    take_look(v->vga, &look);
    whole = !v->drawn || memcmp(&look, &v->look, sizeof(look));
    scan = look.kind != VGA_SCREEN_BLANK && look.kind != VGA_SCREEN_VBE;
    v->look = look;
    v->n_runs = 0;
    if (whole)
        draw_whole(v, frame);
    else if (look.kind == VGA_SCREEN_VBE)
        draw_vbe(v);
    else if (scan)
        refresh_scan(v, &cursor, blink_off, frame);
    if (scan)
        copy_planes(v, whole);
    v->drawn = true;
    v->cursor = cursor;
    v->blink_off = blink_off;
    memset(v->written, 0, v->vga->written_words * sizeof(*v->written));
    memset(v->linear, 0, v->vga->written_words * sizeof(*v->linear));
    return v->n_runs;
}
