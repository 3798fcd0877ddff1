/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sound of a machine: its backends as they were configured (-audiodev), which of them a device
 * plays to, and what front ends can see of it.
 */
#ifndef MACHINE_SOUND_H
#define MACHINE_SOUND_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct audio;
struct board;
struct machine;

/* ---- configuration ---- */

enum audiodev_driver { AUDIODEV_NONE, AUDIODEV_WAV, AUDIODEV_SDL };

struct audiodev_config {
    enum audiodev_driver driver;
    char *id, *path; /* path: of AUDIODEV_WAV, else NULL */
    unsigned rate;   /* of the mix; 0: the usual one */
};

/* "[driver=]none|wav|sdl[,id=ID][,path=FILE][,out.frequency=N]", as -audiodev has it; `id` is that
 * of one that names none (NULL: it must). NULL with one clear error. */
struct audiodev_config *audiodev_config_new(const char *text, const char *id, GError **err);
void audiodev_config_free(struct audiodev_config *c);

/* ---- the board's: device lock held, or nobody else there yet ---- */

struct board_sound;

/* Opens the backends that are configured. False with one clear error; board_close_sound cleans up,
 * when the devices are gone. Main thread. */
bool board_open_sound(struct board *b, GError **err);
void board_close_sound(struct board *b);

/* The loudspeaker, if it is to be heard. False with one clear error. */
bool board_build_speaker(struct board *b, GError **err);

/* The backend with this id; where that is NULL, that of the configuration for such devices, the
 * first that there is, or one that nobody hears. NULL with one clear error. */
struct audio *board_audio(struct board *b, const char *id, GError **err);

/* For pit_config.speaker: `opaque` is the board. */
void board_speaker_changed(void *opaque);

/* ---- for front ends ---- */

/* How many frames with any sound in them all backends have been given since the machine was built:
 * whoever looks twice, a quarter of a second apart or more, and finds more the second time, knows
 * that the machine can be heard (if the backend is one that plays to somebody); in silence it
 * stands. Never goes back. Any thread, no lock; while the machine lives. */
uint64_t machine_sound_frames(struct machine *m);

#endif
