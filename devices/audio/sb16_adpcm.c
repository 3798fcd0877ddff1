/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Creative ADPCM; see sb16_adpcm.h. MultimediaWiki, "Creative 8 bits ADPCM". A code is a sign and a
 * magnitude m; the difference is (2m + 1) * 2^scale / 2, rounded down, and the scale grows with the
 * largest magnitudes and shrinks with zero. The highest scale of 2.6 bits is one of its own: five
 * times 2m + 1.
 */
#include "devices/audio/sb16_adpcm.h"

#include <glib.h>

static const struct {
    uint8_t bits, top_scale, grows_at; /* magnitudes from this one on */
} packings[SB16_PACKINGS] = {
    [SB16_ADPCM4] = {4, 3, 5}, [SB16_ADPCM26] = {3, 4, 3}, [SB16_ADPCM2] = {2, 5, 1}};

unsigned sb16_adpcm_samples(unsigned packing)
{
    static const uint8_t n[SB16_PACKINGS] = {1, 2, 3, 4};

    return n[packing % SB16_PACKINGS];
}

static uint8_t step(struct sb16_adpcm *a, unsigned code)
{
    unsigned bits = packings[a->packing].bits, top = packings[a->packing].top_scale;
    unsigned m = code & ((1u << (bits - 1)) - 1);
    int delta = (int)((2 * m + 1) << a->scale >> 1);

    if (a->packing == SB16_ADPCM26 && a->scale == top)
        delta = 5 * (int)(2 * m + 1);
    if (code >> (bits - 1))
        delta = -delta;
    a->ref = (uint8_t)CLAMP(a->ref + delta, 0, 255);
    if (m >= packings[a->packing].grows_at && a->scale < top)
        a->scale++;
    else if (m == 0 && a->scale > 0)
        a->scale--;
    return a->ref;
}

void sb16_adpcm_unpack(struct sb16_adpcm *a, uint8_t byte, uint8_t *out)
{
    switch (a->packing) {
    case SB16_ADPCM4:
        out[0] = step(a, byte >> 4);
        out[1] = step(a, byte & 15);
        break;
    case SB16_ADPCM26: /* of the third code, the lowest bit is not there */
        out[0] = step(a, byte >> 5);
        out[1] = step(a, byte >> 2 & 7);
        out[2] = step(a, byte << 1 & 6);
        break;
    case SB16_ADPCM2:
        for (unsigned k = 0; k < 4; k++)
            out[k] = step(a, byte >> (6 - 2 * k) & 3);
        break;
    default: out[0] = byte;
    }
}
