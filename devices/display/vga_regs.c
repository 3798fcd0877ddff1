/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VGA's ports: miscellaneous output, feature control, input status, sequencer, CRT controller,
 * graphics controller, attribute controller and DAC. IBM PS/2 Hardware Interface Technical
 * Reference, "Video Subsystem". Everything is a byte wide; the bus cuts wider accesses.
 */
#include "devices/display/vga_state.h"

#include "base/bits.h"
#include "base/lint.h"
#include "base/log.h"

static const uint8_t seq_mask[VGA_SEQ_COUNT] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
static const uint8_t gc_mask[VGA_GC_COUNT] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};

/* Bits that exist in the attribute controller's registers from ATTR_MODE on. */
static const uint8_t attr_mask[] = {0xef, 0xff, 0x3f, 0x0f, 0x0f};

/* ---- strict mode ---- */

#define MISC_CLOCK 0x0c /* which clock */
#define SEQ_RUNS   0x03 /* neither of the two resets */

/* Clocks may only be changed while the sequencer is in its reset. */
static void lint_clock(const struct vga *vga, const char *name, uint8_t changed, uint8_t clocks)
{
    if ((changed & clocks) && (vga->seq[SEQ_RESET] & SEQ_RUNS) == SEQ_RUNS)
        lint_report(LINT_VGA_CLOCK,
                    "vga: the %s register changes the clock with no reset of the "
                    "sequencer",
                    name);
}

static void lint_protected(unsigned n, uint8_t changed)
{
    if (changed)
        lint_report_of(LINT_VGA_PROTECTED, n, "vga: CRT controller register %u is write-protected",
                       n);
}

static uint8_t indexed_read(const uint8_t *regs, unsigned count, unsigned n)
{
    return n < count ? regs[n] : 0;
}

static void seq_write(struct vga *vga, uint8_t val)
{
    unsigned n = vga->seq_index;

    if (n >= VGA_SEQ_COUNT)
        return;
    if (n == SEQ_CLOCK)
        lint_clock(vga, "clocking mode", val ^ vga->seq[n], SEQ_CLOCK_8DOT | SEQ_CLOCK_HALF);
    vga->seq[n] = val & seq_mask[n];
    if (n == SEQ_CLOCK)
        vga_vint_update(vga);
}

/* Registers that only this adapter's designers were meant to know. */
static uint8_t crtc_read(const struct vga *vga)
{
    switch (vga->crtc_index) {
    case CRTC_LATCH: return vga->latch[vga->gc[GC_READ_MAP] & 3];
    case CRTC_FLIP_FLOP: return vga->attr_data ? 0x80 : 0;
    case CRTC_ATTR_INDEX: return vga->attr_index;
    default: return indexed_read(vga->crtc, VGA_CRTC_COUNT, vga->crtc_index);
    }
}

static void crtc_write(struct vga *vga, uint8_t val)
{
    unsigned n = vga->crtc_index;

    if (n >= VGA_CRTC_COUNT)
        return;
    if (n <= CRTC_OVERFLOW && vga->crtc[CRTC_VRETRACE_END] & 0x80) {
        /* write protected, all but the line compare bit */
        lint_protected(n, (vga->crtc[n] ^ val) & (n == CRTC_OVERFLOW ? 0xef : 0xff));
        if (n == CRTC_OVERFLOW)
            vga->crtc[n] = (uint8_t)((vga->crtc[n] & ~0x10) | (val & 0x10));
        return;
    }
    if (n == CRTC_START_HI || n == CRTC_START_LO)
        vga_start_changes(vga);
    vga->crtc[n] = val;
    if (n <= CRTC_OVERFLOW || n == CRTC_VRETRACE_START || n == CRTC_VRETRACE_END ||
        n == CRTC_VDISP || n == CRTC_MODE)
        vga_vint_update(vga);
}

static void attr_write(struct vga *vga, uint8_t val)
{
    unsigned n = vga->attr_index & 0x1f;

    vga->attr_data ^= 1;
    if (vga->attr_data) {
        vga->attr_index = val & 0x3f;
        return;
    }
    if (n < ATTR_MODE) {
        /* the palette RAM has one port, and the screen holds it while PAS is set */
        if (vga->attr_index & ATTR_PAS) {
            log_guest("vga: palette register %u written while the screen uses it", n);
            lint_report(LINT_VGA_PALETTE,
                        "vga: palette register %u written while the screen uses it", n);
        } else {
            vga->attr[n] = val & 0x3f;
        }
    } else if (n < VGA_ATTR_COUNT) {
        vga->attr[n] = val & attr_mask[n - ATTR_MODE];
    }
}

static uint8_t dac_read(struct vga *vga)
{
    uint8_t val = vga->dac[vga->dac_index * 3 + vga->dac_step % 3];

    vga->dac_step = (uint8_t)((vga->dac_step + 1) % 3);
    if (!vga->dac_step)
        vga->dac_index++;
    return val;
}

/* The entry changes as a whole when its third component arrives. */
static void dac_write(struct vga *vga, uint8_t val)
{
    unsigned step = vga->dac_step % 3;

    vga->dac_latch[step] = vga->vbe[VBE_ENABLE] & VBE_EN_8BIT_DAC ? val : val & 0x3f;
    vga->dac_step = (uint8_t)((step + 1) % 3);
    if (step == 2) {
        memcpy(&vga->dac[vga->dac_index * 3], vga->dac_latch, 3);
        vga->dac_index++;
    }
}

/* Registers whose address the colour bit moves answer at one of the two only. */
static bool is_other_half(const struct vga *vga, uint16_t port)
{
    if (vga->misc & MISC_COLOR)
        return port < 0x3c0;
    return port >= 0x3d0;
}

static uint8_t status1_read(struct vga *vga)
{
    vga->attr_data = 0;
    return vga_retrace_bits(vga);
}

uint8_t vga_io_read(struct vga *vga, uint16_t port)
{
    if (is_other_half(vga, port) || (!vga->enabled && port != 0x3c3))
        return 0xff;
    switch (port) {
    case 0x3c0: return vga->attr_data ? 0 : vga->attr_index;
    case 0x3c1: return indexed_read(vga->attr, VGA_ATTR_COUNT, vga->attr_index & 0x1f);
    case 0x3c2: /* bit 4 is the monitor sense switch: a colour display */
        return (uint8_t)(0x10 | vga->vint << 7);
    case 0x3c3: return vga->enabled;
    case 0x3c4: return vga->seq_index;
    case 0x3c5: return indexed_read(vga->seq, VGA_SEQ_COUNT, vga->seq_index);
    case 0x3c6: return vga->dac_mask;
    case 0x3c7: return vga->dac_reading;
    case 0x3c8: return vga->dac_index;
    case 0x3c9: return dac_read(vga);
    case 0x3ca: return vga->feature;
    case 0x3cc: return vga->misc;
    case 0x3ce: return vga->gc_index;
    case 0x3cf: return indexed_read(vga->gc, VGA_GC_COUNT, vga->gc_index);
    case 0x3b4:
    case 0x3d4: return vga->crtc_index;
    case 0x3b5:
    case 0x3d5: return crtc_read(vga);
    case 0x3ba:
    case 0x3da: return status1_read(vga);
    default: return 0xff;
    }
}

static void set_dac_index(struct vga *vga, uint8_t val, bool reading)
{
    vga->dac_index = val;
    vga->dac_step = 0;
    vga->dac_reading = reading ? 3 : 0;
}

void vga_io_write(struct vga *vga, uint16_t port, uint8_t val)
{
    if (is_other_half(vga, port) || (!vga->enabled && port != 0x3c3))
        return;
    switch (port) {
    case 0x3c0: attr_write(vga, val); break;
    case 0x3c2:
        lint_clock(vga, "miscellaneous output", val ^ vga->misc, MISC_CLOCK);
        vga->misc = val & 0xef;
        vga_vint_update(vga);
        break;
    case 0x3c3: vga->enabled = val & 1; break;
    case 0x3c4: vga->seq_index = val; break;
    case 0x3c5: seq_write(vga, val); break;
    case 0x3c6: vga->dac_mask = val; break;
    case 0x3c7: set_dac_index(vga, val, true); break;
    case 0x3c8: set_dac_index(vga, val, false); break;
    case 0x3c9: dac_write(vga, val); break;
    case 0x3ce: vga->gc_index = val; break;
    case 0x3cf:
        if (vga->gc_index < VGA_GC_COUNT)
            vga->gc[vga->gc_index] = val & gc_mask[vga->gc_index];
        break;
    case 0x3b4:
    case 0x3d4: vga->crtc_index = val; break;
    case 0x3b5:
    case 0x3d5: crtc_write(vga, val); break;
    case 0x3ba:
    case 0x3da: vga->feature = val & 0x08; break;
    default: break;
    }
}

static uint64_t port_read(void *opaque, uint64_t off, unsigned size)
{
    struct vga_ports *p = opaque;

    (void)size;
    return vga_io_read(p->vga, (uint16_t)(p->base + off));
}

static void port_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct vga_ports *p = opaque;

    (void)size;
    vga_io_write(p->vga, (uint16_t)(p->base + off), (uint8_t)val);
}

static const struct bus_ops port_ops = {port_read, port_write, 1, 1};

bool vga_ports_map(struct vga *vga, struct bus *bus, GError **err)
{
    /* 0x3bc is a printer's and 0x3d6 nobody's, so the ranges are exact */
    static const struct {
        uint16_t base, len;
    } ranges[VGA_NUM_PORT_RANGES] = {{0x3b4, 2}, {0x3ba, 1}, {0x3c0, 16}, {0x3d4, 2}, {0x3da, 1}};

    for (unsigned k = 0; k < ARRAY_SIZE(ranges); k++) {
        struct vga_ports *p = &vga->ports[k];

        p->vga = vga;
        p->base = ranges[k].base;
        bus_region_init(&p->region, "vga", ranges[k].len, &port_ops, p);
        if (!bus_map(bus, &p->region, p->base, err))
            return false;
    }
    return true;
}
