/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Creative's packed samples: differences of 4, 2.6 or 2 bits. */
#ifndef DEVICES_AUDIO_SB16_ADPCM_H
#define DEVICES_AUDIO_SB16_ADPCM_H

#include <stdint.h>

enum sb16_packing { SB16_PCM, SB16_ADPCM4, SB16_ADPCM26, SB16_ADPCM2, SB16_PACKINGS };

struct sb16_adpcm {
    uint8_t packing; /* enum sb16_packing */
    uint8_t ref;     /* the last sample */
    uint8_t scale;   /* of the next difference */
};

/* How many samples a byte holds: 2, 3 or 4; 1 for PCM. */
unsigned sb16_adpcm_samples(unsigned packing);

/* Unpacks a byte into so many unsigned samples. */
void sb16_adpcm_unpack(struct sb16_adpcm *a, uint8_t byte, uint8_t *out);

#endif
