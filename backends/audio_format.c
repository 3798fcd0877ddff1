/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples of the guest's formats to 16 bits in stereo and back. */
#include "backends/audio_impl.h"
#include "base/bits.h"

static int16_t sample_in(enum audio_format f, const uint8_t *p)
{
    switch (f) {
    case AUDIO_FMT_U8: return (int16_t)((*p - 128) * 256);
    case AUDIO_FMT_S8: return (int16_t)((int8_t)*p * 256);
    case AUDIO_FMT_U16: return (int16_t)(ld_le16(p) ^ 0x8000);
    case AUDIO_FMT_S16: return (int16_t)ld_le16(p);
    default: return (int16_t)(ld_le32(p) >> 16);
    }
}

static void sample_out(enum audio_format f, uint8_t *p, int16_t v)
{
    switch (f) {
    case AUDIO_FMT_U8: *p = (uint8_t)((v >> 8) + 128); break;
    case AUDIO_FMT_S8: *p = (uint8_t)(v >> 8); break;
    case AUDIO_FMT_U16: st_le16(p, (uint16_t)v ^ 0x8000); break;
    case AUDIO_FMT_S16: st_le16(p, (uint16_t)v); break;
    default: st_le32(p, (uint32_t)(uint16_t)v << 16); break;
    }
}

void audio_to_s16(const struct audio_spec *s, const void *src, int16_t (*dst)[2], size_t n)
{
    unsigned frame = audio_frame_size(s), second = s->channels == 2 ? frame / 2 : 0;
    const uint8_t *p = src;

    for (size_t k = 0; k < n; k++, p += frame) {
        dst[k][0] = sample_in(s->format, p);
        dst[k][1] = sample_in(s->format, p + second);
    }
}

void audio_from_s16(const struct audio_spec *s, const int16_t (*src)[2], void *dst, size_t n)
{
    unsigned frame = audio_frame_size(s);
    uint8_t *p = dst;

    for (size_t k = 0; k < n; k++, p += frame) {
        if (s->channels == 2) {
            sample_out(s->format, p, src[k][0]);
            sample_out(s->format, p + frame / 2, src[k][1]);
        } else {
            sample_out(s->format, p, (int16_t)((src[k][0] + src[k][1]) / 2));
        }
    }
}
