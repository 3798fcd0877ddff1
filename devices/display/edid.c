/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EDID generation. The preferred mode's timing is CVT with reduced blanking (VESA Coordinated Video
 * Timings 1.2, section 5): 160 clocks of horizontal blanking, at least 460 us of vertical blanking.
 */
#include "devices/display/edid.h"

#include <stdbool.h>

#include "base/bits.h"

struct mode {
    uint16_t width, height;
};

/* Standard timings besides the preferred one: eight at most, 60 Hz. */
static const struct mode standard[] = {
    {1920, 1200}, {1920, 1080}, {1680, 1050}, {1600, 1200},
    {1440, 900},  {1280, 1024}, {1280, 960},  {1280, 800},
};

/* Three letters, five bits each, big-endian. */
static void put_vendor(uint8_t *p, const char *id)
{
    unsigned v =
        (unsigned)(id[0] - '@') << 10 | (unsigned)(id[1] - '@') << 5 | (unsigned)(id[2] - '@');

    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* A standard timing: width in units of 8 past 31, the aspect ratio in the top bits. */
static void put_standard(uint8_t *p, const struct mode *m)
{
    uint8_t aspect;

    if (m->width * 10u == m->height * 16u)
        aspect = 0;
    else if (m->width * 3u == m->height * 4u)
        aspect = 1;
    else if (m->width * 4u == m->height * 5u)
        aspect = 2;
    else
        aspect = 3; /* 16:9 */
    p[0] = (uint8_t)(m->width / 8 - 31);
    p[1] = (uint8_t)(aspect << 6);
}

/* CVT tells aspect ratios apart by the length of the vertical sync. */
static unsigned sync_lines(unsigned w, unsigned h)
{
    static const struct {
        uint8_t w, h, lines;
    } known[] = {{4, 3, 4}, {16, 9, 5}, {16, 10, 6}, {5, 4, 7}, {15, 9, 7}};

    for (unsigned k = 0; k < ARRAY_SIZE(known); k++) {
        if (w == h * known[k].w / known[k].h / 8 * 8)
            return known[k].lines;
    }
    return 10;
}

static void put_detailed(uint8_t *p, unsigned w, unsigned h, unsigned mm_w, unsigned mm_h)
{
    const unsigned hblank = 160, hfront = 48, hsync = 32, vfront = 3;
    unsigned vsync = sync_lines(w, h);
    /* a line lasts (1/60 s - 460 us) / h; the blanking lines cover the 460 us */
    unsigned vblank = (unsigned)(460000ull * h / (16666667u - 460000u)) + 1;
    uint64_t hz;
    unsigned clock; /* units of 10 kHz, rounded down to 250 kHz */

    if (vblank < vfront + vsync + 6)
        vblank = vfront + vsync + 6;
    hz = (uint64_t)(w + hblank) * (h + vblank) * 60;
    clock = (unsigned)(hz / 250000 * 25);
    st_le16(p, (uint16_t)clock);
    p[2] = (uint8_t)w;
    p[3] = (uint8_t)hblank;
    p[4] = (uint8_t)((w >> 8) << 4 | hblank >> 8);
    p[5] = (uint8_t)h;
    p[6] = (uint8_t)vblank;
    p[7] = (uint8_t)((h >> 8) << 4 | vblank >> 8);
    p[8] = (uint8_t)hfront;
    p[9] = (uint8_t)hsync;
    p[10] = (uint8_t)(vfront << 4 | vsync);
    p[12] = (uint8_t)mm_w;
    p[13] = (uint8_t)mm_h;
    p[14] = (uint8_t)((mm_w >> 8) << 4 | mm_h >> 8);
    p[17] = 0x1a; /* digital separate sync: hsync +, vsync - */
}

/* A display descriptor that holds text of up to 13 characters. */
static void put_text(uint8_t *p, uint8_t tag, const char *text)
{
    size_t len = strlen(text);

    memset(p, 0, 5);
    p[3] = tag;
    memset(p + 5, ' ', 13);
    if (len > 13)
        len = 13;
    memcpy(p + 5, text, len);
    if (len < 13)
        p[5 + len] = '\n';
}

static void put_range(uint8_t *p)
{
    memset(p, 0, 18);
    p[3] = 0xfd;
    p[5] = 50; /* Hz, vertical */
    p[6] = 75;
    p[7] = 29; /* kHz, horizontal */
    p[8] = 160;
    p[9] = 60;    /* 600 MHz pixel clock at most */
    p[10] = 0x01; /* limits only, no secondary timing formula */
    p[11] = '\n';
    memset(p + 12, ' ', 6);
}

static bool fits(const struct edid_config *cfg, unsigned w, unsigned h)
{
    return (!cfg->max_width || w <= cfg->max_width) && (!cfg->max_height || h <= cfg->max_height);
}

/* Modes that the preferred one is not alone with: by bits, and as eight standard timings. */
static void put_modes(uint8_t *block, const struct edid_config *cfg)
{
    unsigned n = 0;

    block[35] = 0x20; /* 640x480 at 60 Hz */
    if (fits(cfg, 800, 600))
        block[35] |= 0x01;
    if (fits(cfg, 1024, 768))
        block[36] = 0x08;
    memset(block + 38, 0x01, 2 * ARRAY_SIZE(standard)); /* unused ones say 01 01 */
    for (unsigned k = 0; k < ARRAY_SIZE(standard); k++) {
        if (fits(cfg, standard[k].width, standard[k].height))
            put_standard(block + 38 + 2 * n++, &standard[k]);
    }
}

void edid_make(uint8_t block[EDID_SIZE], const struct edid_config *cfg)
{
    static const uint8_t header[8] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    /* sRGB primaries and white point */
    static const uint8_t srgb[10] = {0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54};
    unsigned width = cfg->width ? cfg->width : 1280, height = cfg->height ? cfg->height : 800;
    unsigned mm_w = width * 254 / 1000, mm_h = height * 254 / 1000; /* 100 dots an inch */
    uint8_t sum = 0;

    memset(block, 0, EDID_SIZE);
    memcpy(block, header, sizeof(header));
    put_vendor(block + 8, "PNB");
    st_le16(block + 10, 0x0001);
    st_le32(block + 12, 1);
    block[16] = 1; /* week */
    block[17] = 2025 - 1990;
    block[18] = 1; /* EDID 1.4 */
    block[19] = 4;
    block[20] = 0xa5; /* digital, 8 bits a colour, DisplayPort */
    block[21] = (uint8_t)(mm_w / 10);
    block[22] = (uint8_t)(mm_h / 10);
    block[23] = 120;  /* gamma 2.2 */
    block[24] = 0x06; /* sRGB; the first detailed timing is preferred */
    memcpy(block + 25, srgb, sizeof(srgb));
    put_modes(block, cfg);
    put_detailed(block + 54, width, height, mm_w, mm_h);
    put_range(block + 72);
    put_text(block + 90, 0xfc, "Penumbra");
    put_text(block + 108, 0xff, "1");
    for (unsigned k = 0; k < EDID_SIZE - 1; k++)
        sum = (uint8_t)(sum + block[k]);
    block[127] = (uint8_t)-sum;
}
