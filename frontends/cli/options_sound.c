/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of sound: backends, and cards together with one. */
#include "frontends/cli/option.h"

#include "base/error.h"

#include <string.h>

#include "backends/audio.h"
#include "base/bits.h"
#include "base/suggest.h"
#include "machine/device_kind.h"
#include "machine/sound.h"

#define DEFAULT_ID "audio0" /* of -audio's backend, and of that which a window gives */

static bool add_audiodev(struct options *o, const char *text, const char *id, GError **err)
{
    struct audiodev_config *c;

    if (o->machine.n_audiodevs == MACHINE_MAX_AUDIODEVS)
        return error_option(err, "more than %d sound backends", MACHINE_MAX_AUDIODEVS);
    c = audiodev_config_new(text, id, err);
    if (!c)
        return false;
    g_ptr_array_add(o->audiodevs, c);
    o->machine.audiodev[o->machine.n_audiodevs++] = c;
    return true;
}

static bool add_device(struct options *o, const char *kind, const char *audiodev, GError **err)
{
    GString *text = g_string_new(kind);
    bool ok;

    if (audiodev)
        option_append(text, "audiodev", audiodev);
    ok = option_add_device(o, o->machine.n_devices, text->str, err);
    g_string_free(text, TRUE);
    return ok;
}

static bool opt_audiodev(struct options *o, const char *value, GError **err)
{
    if (!strcmp(value, "help") || !strcmp(value, "?")) {
        o->help_text = "Available audio drivers:\nnone\nsdl\nwav\n";
        return true;
    }
    return add_audiodev(o, value, NULL, err);
}

/* Models of -audio, by QEMU's short names, and what devices they are. */
static const struct model {
    const char *name, *what, *device, *codec;
} models[] = {
    {"ac97", "Intel 82801AA AC97 Audio", "AC97", NULL},
    {"hda", "Intel HD Audio", "intel-hda", "hda-duplex"},
    {"sb16", "Creative Sound Blaster 16", "sb16", NULL},
};

static char *models_help(void)
{
    GString *s = g_string_new("Valid audio device model names:\n");

    for (unsigned k = 0; k < ARRAY_SIZE(models); k++)
        g_string_append_printf(s, "%-11s %s\n", models[k].name, models[k].what);
    return g_string_free(s, FALSE);
}

static bool add_model(struct options *o, const char *name, const char *audiodev, GError **err)
{
    const char *names[ARRAY_SIZE(models)];

    for (unsigned k = 0; k < ARRAY_SIZE(models); k++) {
        names[k] = models[k].name;
        if (strcmp(name, names[k]))
            continue;
        if (models[k].codec)
            return add_device(o, models[k].device, NULL, err) &&
                   add_device(o, models[k].codec, audiodev, err);
        return add_device(o, models[k].device, audiodev, err);
    }
    return suggest_error(err, "model of sound card", name, names, ARRAY_SIZE(names));
}

static bool opt_audio(struct options *o, const char *value, GError **err)
{
    const char *model = NULL, *id;
    struct option_pairs p;
    GString *rest;
    bool ok;

    if (o->machine.audio_default)
        return error_option(err, "-audio: is given twice (use -audiodev and -device)");
    if (!option_pairs(o, value, &p, err))
        return false;
    rest = g_string_new(NULL);
    for (unsigned k = 0; k < p.n; k++) {
        if (!strcmp(p.key[k], "model"))
            model = p.value[k] ? p.value[k] : "";
        else
            option_append(rest, p.key[k], p.value[k]);
    }
    if (model && (!strcmp(model, "help") || !strcmp(model, "?"))) {
        g_string_free(rest, TRUE);
        o->help_text = option_own(o, models_help());
        return true;
    }
    ok = add_audiodev(o, rest->str, DEFAULT_ID, err);
    g_string_free(rest, TRUE);
    if (!ok)
        return false;
    id = o->machine.audiodev[o->machine.n_audiodevs - 1]->id;
    o->machine.audio_default = id;
    return !model || add_model(o, model, id, err);
}

/* In a window a card is heard, unless something was said of backends; where each run is to be the
 * same, it is not by itself. */
bool options_sound_default(struct options *o, GError **err)
{
    if (o->machine.n_audiodevs || o->display != DISPLAY_SDL || o->machine.icount)
        return true;
    for (unsigned k = 0; k < o->machine.n_devices; k++) {
        if (device_config_kind(o->machine.device[k])->family == FAMILY_SOUND)
            return add_audiodev(o, "sdl", DEFAULT_ID, err);
    }
    return true;
}

static const struct option options[] = {
    {"audiodev", "none|wav|sdl,id=ID[,path=F]…", "where sound goes, for -device AC97,audiodev=ID",
     opt_audiodev},
    {"audio", "[driver=]none|wav|sdl[,model=M]…",
     "a sound card and where it plays to; -audio none,model=help lists models", opt_audio},
};

const struct option_group options_sound = {options, ARRAY_SIZE(options)};
