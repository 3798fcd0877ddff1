/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A codec on the High Definition Audio link: one converter with a line-out jack, and one with a
 * line-in jack where it is duplex. High Definition Audio Specification 1.0a, chapter 7.
 */
#ifndef DEVICES_AUDIO_HDA_CODEC_H
#define DEVICES_AUDIO_HDA_CODEC_H

#include <stdbool.h>
#include <stdint.h>

enum hda_node { HDA_ROOT, HDA_GROUP, HDA_DAC, HDA_OUT_PIN, HDA_ADC, HDA_IN_PIN, HDA_NODES };

/* What a guest sets in a node; a plain value. */
struct hda_widget {
    uint16_t format; /* of a converter's stream */
    uint8_t stream;  /* bits 7..4: its number, 0 for none; 3..0: the first channel */
    uint8_t amp[2];  /* left, right: bit 7 muted, 6..0 steps */
    uint8_t pin;     /* control */
    uint8_t eapd, power, unsolicited;
    uint32_t config; /* the pin's default configuration */
};

struct hda_codec {
    uint8_t duplex;
    struct hda_widget node[HDA_NODES];
};

/* All as after power-on; `duplex` stays. */
void hda_codec_reset(struct hda_codec *c);

/* Executes a command (without its codec's number) and gives the response. */
uint32_t hda_codec_command(struct hda_codec *c, uint32_t command);

/* The number of the stream that a converter (HDA_DAC, HDA_ADC) listens to; 0: none. */
unsigned hda_codec_stream(const struct hda_codec *c, enum hda_node node);

/* What its amplifier makes of samples; of 16.16, [0] left. */
void hda_codec_gain(const struct hda_codec *c, enum hda_node node, uint32_t gain[2]);

#endif
