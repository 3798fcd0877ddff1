/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backends of sound and the loudspeaker; see sound.h. */
#include "machine/sound.h"

#include <string.h>

#include "backends/audio_impl.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/pairs.h"
#include "base/suggest.h"
#include "devices/audio/pcspk.h"
#include "machine/board.h"
#include "machine/board_build.h"

struct board_sound {
    struct audio *audio[MACHINE_MAX_AUDIODEVS + 1]; /* the last for what nobody hears */
    unsigned n;
    struct pcspk *speaker; /* NULL: it is not heard */
};

/* ---- configuration ---- */

static const char *const drivers[] = {
    [AUDIODEV_NONE] = "none", [AUDIODEV_WAV] = "wav", [AUDIODEV_SDL] = "sdl"};

static bool choose_driver(struct audiodev_config *c, const char *name, GError **err)
{
    for (unsigned k = 0; k < ARRAY_SIZE(drivers); k++) {
        if (!strcmp(name, drivers[k])) {
            c->driver = (enum audiodev_driver)k;
            return true;
        }
    }
    return suggest_error(err, "sound driver", name, drivers, ARRAY_SIZE(drivers));
}

static bool take_text(char **to, const char *key, const char *value, GError **err)
{
    if (!value || !*value)
        return error_option(err, "-audiodev: %s wants a value", key);
    g_free(*to);
    *to = g_strdup(value);
    return true;
}

static bool take_rate(struct audiodev_config *c, const char *value, GError **err)
{
    uint64_t n;

    if (!pairs_number("-audiodev: out.frequency", value, AUDIO_MAX_RATE, &n, err))
        return false;
    if (n < AUDIO_MIN_OUT)
        return error_option(err, "-audiodev: out.frequency is %u to %u Hz", AUDIO_MIN_OUT,
                            AUDIO_MAX_RATE);
    c->rate = (unsigned)n;
    return true;
}

static bool audiodev_pair(struct audiodev_config *c, const char *key, const char *value,
                          GError **err)
{
    static const char *const keys[] = {"driver", "id", "path", "out.frequency"};

    if (!strcmp(key, keys[0]))
        return choose_driver(c, value ? value : "", err);
    if (!strcmp(key, keys[1]))
        return take_text(&c->id, key, value, err);
    if (!strcmp(key, keys[2]))
        return take_text(&c->path, key, value, err);
    if (!strcmp(key, keys[3]))
        return take_rate(c, value, err);
    return suggest_error(err, "-audiodev parameter", key, keys, ARRAY_SIZE(keys));
}

static bool whole(const struct audiodev_config *c, bool named, GError **err)
{
    if (!named)
        return error_option(err, "-audiodev: which driver? none, wav or sdl");
    if (!c->id)
        return error_option(err, "-audiodev wants an id, by which a device can name it");
    if (c->driver == AUDIODEV_WAV && !c->path)
        return error_option(err, "-audiodev wav: needs path=FILE");
    if (c->driver != AUDIODEV_WAV && c->path)
        return error_option(err, "-audiodev %s: path= is for wav", drivers[c->driver]);
    return true;
}

struct audiodev_config *audiodev_config_new(const char *text, const char *id, GError **err)
{
    struct audiodev_config *c;
    bool ok = true, named = false;
    struct pairs p;

    if (!pairs_split(&p, text, err))
        return NULL;
    c = g_new0(struct audiodev_config, 1);
    c->id = g_strdup(id);
    for (unsigned k = 0; ok && k < p.n; k++) {
        bool bare = k == 0 && !p.value[k];

        named = named || bare || !strcmp(p.key[k], "driver");
        ok = bare ? choose_driver(c, p.key[k], err) : audiodev_pair(c, p.key[k], p.value[k], err);
    }
    pairs_clear(&p);
    if (ok && whole(c, named, err))
        return c;
    audiodev_config_free(c);
    return NULL;
}

void audiodev_config_free(struct audiodev_config *c)
{
    if (!c)
        return;
    g_free(c->id);
    g_free(c->path);
    g_free(c);
}

/* ---- backends ---- */

static struct audio *find(const struct board_sound *s, const char *id)
{
    for (unsigned k = 0; k < s->n; k++) {
        if (!strcmp(audio_id(s->audio[k]), id))
            return s->audio[k];
    }
    return NULL;
}

static const struct audio_driver *driver_of(const struct board *b, const struct audiodev_config *c,
                                            GError **err)
{
    if (c->driver == AUDIODEV_NONE)
        return &audio_none_driver;
    if (c->driver == AUDIODEV_WAV)
        return &audio_wav_driver;
    if (!b->cfg.audio_sdl)
        error_config(err, "-audiodev sdl: this program is built without SDL's sound");
    return b->cfg.audio_sdl;
}

static struct audio *open_backend(struct board *b, const struct audiodev_config *c, GError **err)
{
    struct audio_config cfg = {.id = c->id, .path = c->path, .rate = c->rate, .clock = b->clock};
    struct board_sound *s = b->sound;

    cfg.driver = driver_of(b, c, err);
    if (!cfg.driver)
        return NULL;
    s->audio[s->n] = audio_new(&cfg, err);
    return s->audio[s->n] ? s->audio[s->n++] : NULL;
}

bool board_open_sound(struct board *b, GError **err)
{
    struct board_sound *s = b->sound = g_new0(struct board_sound, 1);

    for (unsigned k = 0; k < b->cfg.n_audiodevs; k++) {
        const struct audiodev_config *c = b->cfg.audiodev[k];

        if (find(s, c->id))
            return error_config(err, "two sound backends have the id '%s'", c->id);
        if (!open_backend(b, c, err))
            return false;
    }
    return true;
}

void board_close_sound(struct board *b)
{
    if (!b->sound)
        return;
    while (b->sound->n)
        audio_free(b->sound->audio[--b->sound->n]);
    g_free(b->sound);
    b->sound = NULL;
}

struct audio *board_audio(struct board *b, const char *id, GError **err)
{
    static const struct audiodev_config nobody = {.driver = AUDIODEV_NONE, .id = (char *)"#none"};
    struct audio *a;

    if (!id)
        id = b->cfg.audio_default;
    if (!id)
        return b->sound->n ? b->sound->audio[0] : open_backend(b, &nobody, err);
    a = find(b->sound, id);
    if (!a)
        error_config(err, "there is no -audiodev with id=%s", id);
    return a;
}

/* ---- the loudspeaker ---- */

bool board_build_speaker(struct board *b, GError **err)
{
    const char *id = b->cfg.speaker_audiodev ? b->cfg.speaker_audiodev : b->cfg.audio_default;
    struct audio *a;

    if (!id)
        return true;
    a = board_audio(b, id, err);
    if (!a)
        return false;
    if (!b->pit)
        return !b->cfg.speaker_audiodev ||
               error_config(err, "pcspk-audiodev: a board without the 8254 has no speaker");
    b->sound->speaker = pcspk_new(a, b->clock, b->pit);
    return board_add(b, pcspk_device(b->sound->speaker));
}

void board_speaker_changed(void *opaque)
{
    struct board *b = opaque;

    if (b->sound && b->sound->speaker)
        pcspk_changed(b->sound->speaker);
}

/* ---- front ends ---- */

uint64_t machine_sound_frames(struct machine *m)
{
    const struct board_sound *s = machine_board(m)->sound;
    uint64_t sum = 0;

    for (unsigned k = 0; k < s->n; k++)
        sum += audio_frames_played(s->audio[k]);
    return sum;
}
