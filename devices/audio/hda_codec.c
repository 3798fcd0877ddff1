/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands and parameters; see hda_codec.h. */
#include "devices/audio/hda_codec.h"

#include <math.h>
#include <string.h>

#include "backends/audio.h"
#include "base/bits.h"
#include "base/log.h"

enum {
    /* verbs of 12 bits (7.3.3); those of 4 bits have theirs in the upper ones */
    GET_PARAMETER = 0xf00,
    GET_SELECT = 0xf01,
    GET_CONNECTIONS = 0xf02,
    GET_POWER = 0xf05,
    SET_POWER = 0x705,
    GET_STREAM = 0xf06,
    SET_STREAM = 0x706,
    GET_PIN = 0xf07,
    SET_PIN = 0x707,
    GET_UNSOLICITED = 0xf08,
    SET_UNSOLICITED = 0x708,
    GET_SENSE = 0xf09,
    GET_EAPD = 0xf0c,
    SET_EAPD = 0x70c,
    GET_CONFIG = 0xf1c,
    SET_CONFIG = 0x71c, /* to 0x71f, a byte each */
    GET_SUBSYSTEM = 0xf20,
    RESET = 0x7ff,
    GET_FORMAT = 0xa,
    SET_FORMAT = 0x2,
    GET_AMP = 0xb,
    SET_AMP = 0x3,

    /* parameters (7.3.4) */
    P_VENDOR = 0x00,
    P_REVISION = 0x02,
    P_NODES = 0x04,
    P_GROUP_TYPE = 0x05,
    P_GROUP_CAPS = 0x08,
    P_WIDGET_CAPS = 0x09,
    P_PCM = 0x0a,
    P_FORMATS = 0x0b,
    P_PIN_CAPS = 0x0c,
    P_AMP_IN = 0x0d,
    P_CONNECTIONS = 0x0e,
    P_POWER = 0x0f,
    P_AMP_OUT = 0x12,

    CAP_STEREO = 1 << 0,
    CAP_AMP_IN = 1 << 1,
    CAP_AMP_OUT = 1 << 2,
    CAP_AMP_OWN = 1 << 3,
    CAP_FORMAT_OWN = 1 << 4,
    CAP_CONNECTIONS = 1 << 8,
    CAP_POWER = 1 << 10,
    TYPE_OUTPUT = 0 << 20,
    TYPE_INPUT = 1 << 20,
    TYPE_PIN = 4 << 20,

    PIN_IN = 1 << 5,
    PIN_OUT = 1 << 6,

    VENDOR = 0x1af4,
    PCM_CAPS = 1 << 20 | 1 << 17 | 0x7ff, /* 32 and 16 bits, 8 to 192 kHz */
    AMP_STEPS = 74,                       /* of 1 dB, up to 0 dB */
    MUTE = 0x80,
};

#define AMP_CAPS (1u << 31 | 3u << 16 | (unsigned)AMP_STEPS << 8 | AMP_STEPS)

static bool present(const struct hda_codec *c, unsigned node)
{
    return node < (c->duplex ? HDA_NODES : HDA_ADC);
}

static void reset_widget(struct hda_codec *c, unsigned n)
{
    struct hda_widget *w = &c->node[n];
    uint32_t config = w->config;

    *w = (struct hda_widget){.format = 0x0011, .config = config, .amp = {AMP_STEPS, AMP_STEPS}};
    if (n == HDA_OUT_PIN)
        w->pin = PIN_OUT;
    if (n == HDA_IN_PIN)
        w->pin = PIN_IN;
}

void hda_codec_reset(struct hda_codec *c)
{
    for (unsigned n = 0; n < HDA_NODES; n++)
        reset_widget(c, n);
    c->node[HDA_OUT_PIN].config = 0x01014010; /* rear line-out jack, green */
    c->node[HDA_IN_PIN].config = 0x01813020;  /* rear line-in jack, blue */
}

/* ---- parameters ---- */

static uint32_t root_parameter(const struct hda_codec *c, unsigned id)
{
    switch (id) {
    case P_VENDOR: return (uint32_t)VENDOR << 16 | (c->duplex ? 0x22 : 0x12);
    case P_REVISION: return 0x00100101;
    case P_NODES: return HDA_GROUP << 16 | 1;
    default: return 0;
    }
}

static uint32_t group_parameter(const struct hda_codec *c, unsigned id)
{
    switch (id) {
    case P_NODES: return HDA_DAC << 16 | (c->duplex ? 4 : 2);
    case P_GROUP_TYPE: return 1; /* audio */
    case P_GROUP_CAPS: return 0x00000808;
    case P_PCM: return PCM_CAPS;
    case P_FORMATS: return 1;
    case P_AMP_IN: return c->duplex ? AMP_CAPS : 0;
    case P_AMP_OUT: return AMP_CAPS;
    case P_POWER: return 0x0000000f; /* D0 to D3 */
    default: return 0;
    }
}

static uint32_t widget_caps(unsigned n)
{
    switch (n) {
    case HDA_DAC: return TYPE_OUTPUT | CAP_STEREO | CAP_AMP_OUT | CAP_AMP_OWN | CAP_FORMAT_OWN;
    case HDA_ADC:
        return TYPE_INPUT | CAP_STEREO | CAP_AMP_IN | CAP_AMP_OWN | CAP_FORMAT_OWN |
               CAP_CONNECTIONS;
    case HDA_OUT_PIN: return TYPE_PIN | CAP_STEREO | CAP_CONNECTIONS;
    default: return TYPE_PIN | CAP_STEREO;
    }
}

static uint32_t widget_parameter(unsigned n, unsigned id)
{
    uint32_t caps = widget_caps(n);

    switch (id) {
    case P_WIDGET_CAPS: return caps;
    case P_PCM: return caps & CAP_FORMAT_OWN ? PCM_CAPS : 0;
    case P_FORMATS: return caps & CAP_FORMAT_OWN ? 1 : 0;
    case P_PIN_CAPS: return n == HDA_OUT_PIN ? 1 << 4 : n == HDA_IN_PIN ? 1 << 5 : 0;
    case P_AMP_IN: return caps & CAP_AMP_IN ? AMP_CAPS : 0;
    case P_AMP_OUT: return caps & CAP_AMP_OUT ? AMP_CAPS : 0;
    case P_CONNECTIONS: return caps & CAP_CONNECTIONS ? 1 : 0;
    default: return 0;
    }
}

/* ---- commands ---- */

static void set_amp(struct hda_codec *c, unsigned n, unsigned val)
{
    uint32_t caps = widget_caps(n);
    bool fits =
        ((val >> 15 & 1) && (caps & CAP_AMP_OUT)) || ((val >> 14 & 1) && (caps & CAP_AMP_IN));
    uint8_t amp = (uint8_t)((val & MUTE) | MIN(val & 0x7f, (unsigned)AMP_STEPS));

    if (n < HDA_DAC || !fits)
        return;
    if (val >> 13 & 1)
        c->node[n].amp[0] = amp;
    if (val >> 12 & 1)
        c->node[n].amp[1] = amp;
}

static uint32_t get_amp(const struct hda_codec *c, unsigned n, unsigned val)
{
    uint32_t caps = widget_caps(n);

    if (n < HDA_DAC || !(caps & (val >> 15 & 1 ? CAP_AMP_OUT : CAP_AMP_IN)))
        return 0;
    return c->node[n].amp[val >> 13 & 1 ? 0 : 1];
}

static uint32_t get(const struct hda_codec *c, unsigned n, unsigned verb, uint8_t val)
{
    const struct hda_widget *w = &c->node[n];

    switch (verb) {
    case GET_PARAMETER:
        return n == HDA_ROOT    ? root_parameter(c, val)
               : n == HDA_GROUP ? group_parameter(c, val)
                                : widget_parameter(n, val);
    case GET_CONNECTIONS:
        return val ? 0 : n == HDA_OUT_PIN ? HDA_DAC : n == HDA_ADC ? HDA_IN_PIN : 0;
    case GET_POWER: return w->power | (uint32_t)w->power << 4;
    case GET_STREAM: return w->stream;
    case GET_PIN: return w->pin;
    case GET_UNSOLICITED: return w->unsolicited;
    case GET_SENSE: return n == HDA_OUT_PIN || n == HDA_IN_PIN ? 1u << 31 : 0; /* plugged in */
    case GET_EAPD: return w->eapd;
    case GET_CONFIG: return w->config;
    case GET_SUBSYSTEM: return root_parameter(c, P_VENDOR);
    case GET_SELECT: return 0;
    default: log_guest("hda: codec command 0x%03x for node %u is not known", verb, n); return 0;
    }
}

static bool set(struct hda_codec *c, unsigned n, unsigned verb, uint8_t val)
{
    struct hda_widget *w = &c->node[n];
    unsigned shift;

    switch (verb) {
    case SET_POWER: w->power = val & 3; break;
    case SET_STREAM: w->stream = val; break;
    case SET_PIN: w->pin = val; break;
    case SET_UNSOLICITED: w->unsolicited = val; break;
    case SET_EAPD: w->eapd = val & 7; break;
    case SET_CONFIG ... SET_CONFIG + 3:
        shift = 8 * (verb - SET_CONFIG);
        w->config = (w->config & ~(0xffu << shift)) | (uint32_t)val << shift;
        break;
    case RESET:
        for (unsigned k = 0; n == HDA_GROUP && k < HDA_NODES; k++)
            reset_widget(c, k);
        break;
    default: return false;
    }
    return true;
}

uint32_t hda_codec_command(struct hda_codec *c, uint32_t command)
{
    unsigned n = command >> 20 & 0xff, verb = command >> 8 & 0xfff, val = command & 0xffff;

    if (!present(c, n))
        return 0;
    switch (verb >> 8) {
    case GET_FORMAT: return c->node[n].format;
    case GET_AMP: return get_amp(c, n, val);
    case SET_FORMAT: c->node[n].format = (uint16_t)val; return 0;
    case SET_AMP: set_amp(c, n, val); return 0;
    }
    return set(c, n, verb, (uint8_t)val) ? 0 : get(c, n, verb, (uint8_t)val);
}

unsigned hda_codec_stream(const struct hda_codec *c, enum hda_node node)
{
    return present(c, node) ? c->node[node].stream >> 4 : 0;
}

void hda_codec_gain(const struct hda_codec *c, enum hda_node node, uint32_t gain[2])
{
    for (unsigned k = 0; k < 2; k++) {
        uint8_t amp = c->node[node].amp[k];

        gain[k] =
            amp & MUTE
                ? 0
                : (uint32_t)lrint(AUDIO_UNITY * pow(10, ((amp & 0x7f) - (double)AMP_STEPS) / 20));
    }
}
