/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the beam is, from the clock and the CRT controller's timing registers (IBM PS/2 Hardware
 * Interface Technical Reference, "CRT Controller Registers"), and what hangs on it: the
 * display-enable and vertical-retrace bits of input status 1, the start address, which the CRT
 * controller takes at a retrace, and the vertical interrupt. Every setting, sane or not, gives
 * frames that have both bits low and high in turn, so no guest waits for ever.
 */
#include "devices/display/vga_state.h"

/* A frame in dots and lines. */
struct timing {
    uint64_t dot_hz;
    unsigned line_dots, shown_dots;
    unsigned lines, shown_lines;
    unsigned retrace_start, retrace_end; /* lines, end exclusive */
};

static void crtc_timing(const struct vga *vga, struct timing *t)
{
    const uint8_t *cr = vga->crtc;
    uint8_t ovf = cr[CRTC_OVERFLOW];
    unsigned dots = vga->seq[SEQ_CLOCK] & SEQ_CLOCK_8DOT ? 8 : 9;

    if (vga->seq[SEQ_CLOCK] & SEQ_CLOCK_HALF)
        dots *= 2;
    t->dot_hz = (vga->misc & 0x0c) == 0x04 ? 28322000 : 25175000;
    t->line_dots = (cr[CRTC_HTOTAL] + 5u) * dots;
    t->shown_dots = (cr[CRTC_HDISP] + 1u) * dots;
    t->lines = (cr[CRTC_VTOTAL] | (ovf & 0x01u) << 8 | (ovf & 0x20u) << 4) + 2;
    t->shown_lines = vga_vdisp(vga) + 1;
    t->retrace_start = cr[CRTC_VRETRACE_START] | (ovf & 0x04u) << 6 | (ovf & 0x80u) << 2;
    /* the end is the low four bits of the line where it stops */
    t->retrace_end =
        t->retrace_start + (((cr[CRTC_VRETRACE_END] & 15u) - t->retrace_start - 1) & 15u) + 1;
    if (cr[CRTC_MODE] & CRTC_MODE_HALF_LINES) {
        /* the vertical counter has every second line */
        t->lines *= 2;
        t->shown_lines *= 2;
        t->retrace_start *= 2;
        t->retrace_end *= 2;
    }
}

/* VBE modes leave the CRTC alone; they count as 60 Hz with a twentieth of blanking each way. */
static void vbe_timing(const struct vga *vga, struct timing *t)
{
    t->shown_dots = vga->vbe[VBE_XRES];
    t->line_dots = t->shown_dots + t->shown_dots / 16 + 8;
    t->shown_lines = vga->vbe[VBE_YRES];
    t->lines = t->shown_lines + t->shown_lines / 16 + 8;
    t->dot_hz = 60ull * t->line_dots * t->lines;
    t->retrace_start = t->shown_lines + 2;
    t->retrace_end = t->retrace_start + 4;
}

static void clamp_timing(struct timing *t)
{
    if (t->line_dots < 200 || t->lines < 100) {
        /* not programmed yet: 640x400 at 70 Hz */
        t->line_dots = 800;
        t->lines = 449;
        t->shown_dots = 640;
        t->shown_lines = 400;
        t->retrace_start = 412;
        t->retrace_end = 414;
    }
    if (t->shown_dots >= t->line_dots)
        t->shown_dots = t->line_dots - 16;
    if (t->shown_lines >= t->lines)
        t->shown_lines = t->lines - 4;
    if (t->retrace_start + 1 >= t->lines)
        t->retrace_start = t->lines - 3;
    if (t->retrace_end <= t->retrace_start || t->retrace_end > t->lines)
        t->retrace_end = t->retrace_start + 1;
}

static void frame_timing(const struct vga *vga, struct timing *t)
{
    if (vbe_on(vga))
        vbe_timing(vga, t);
    else
        crtc_timing(vga, t);
    clamp_timing(t);
}

/* Dots since the clock began, at the present timing. */
static uint64_t dots_at(const struct timing *t, int64_t ns)
{
    return muldiv64((uint64_t)ns, t->dot_hz, (uint64_t)NS_PER_SEC);
}

uint8_t vga_retrace_bits(const struct vga *vga)
{
    struct timing t;
    uint64_t pos;
    unsigned line, dot;
    uint8_t bits = 0;

    frame_timing(vga, &t);
    pos = dots_at(&t, clock_now(vga->clock)) % ((uint64_t)t.line_dots * t.lines);
    line = (unsigned)(pos / t.line_dots);
    dot = (unsigned)(pos % t.line_dots);
    if (line >= t.shown_lines || dot >= t.shown_dots)
        bits |= 0x01;
    if (line >= t.retrace_start && line < t.retrace_end)
        bits |= 0x08 | 0x01;
    return bits;
}

/* How many vertical retraces have begun by then. */
static uint64_t retraces(const struct timing *t, int64_t ns)
{
    uint64_t frame = (uint64_t)t->line_dots * t->lines;

    return (dots_at(t, ns) + frame - (uint64_t)t->line_dots * t->retrace_start) / frame;
}

/* ---- the start address ---- */

static uint16_t programmed_start(const struct vga *vga)
{
    return (uint16_t)(vga->crtc[CRTC_START_HI] << 8 | vga->crtc[CRTC_START_LO]);
}

uint16_t vga_start_address(const struct vga *vga)
{
    uint16_t want = programmed_start(vga);
    struct timing t;

    if (want == vga->start)
        return want;
    frame_timing(vga, &t);
    return retraces(&t, clock_now(vga->clock)) != retraces(&t, vga->start_ns) ? want : vga->start;
}

void vga_start_changes(struct vga *vga)
{
    vga->start = vga_start_address(vga);
    vga->start_ns = clock_now(vga->clock);
}

void vga_start_now(struct vga *vga)
{
    vga->start = programmed_start(vga);
}

/* ---- the vertical interrupt ---- */

/* Bit 4 low holds the request cleared; bit 5 high keeps it from the line. */
static bool may_request(const struct vga *vga)
{
    return vga->crtc[CRTC_VRETRACE_END] & CRTC_VINT_NOT_CLEAR;
}

static void retrace_begins(void *opaque)
{
    struct vga *vga = opaque;

    vga->vint = 1;
    vga_vint_update(vga);
}

void vga_vint_update(struct vga *vga)
{
    struct timing t;
    uint64_t frame, dots;

    if (!may_request(vga))
        vga->vint = 0;
    irq_set(vga->irq, vga->vint && !(vga->crtc[CRTC_VRETRACE_END] & CRTC_VINT_OFF));
    if (vga->vint || !may_request(vga)) {
        timer_cancel(&vga->retrace);
        return;
    }
    frame_timing(vga, &t);
    frame = (uint64_t)t.line_dots * t.lines;
    dots = retraces(&t, clock_now(vga->clock)) * frame + (uint64_t)t.line_dots * t.retrace_start;
    /* rounded up, so that the retrace has begun when it fires */
    timer_arm(&vga->retrace, (int64_t)muldiv64(dots, (uint64_t)NS_PER_SEC, t.dot_hz) + 1);
}

void vga_retrace_init(struct vga *vga)
{
    timer_init(&vga->retrace, vga->clock, retrace_begins, vga);
}
