/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows a script: looks at the guest whenever it is asked to, and does the step that is due. What
 * the guest is, it knows only through struct engine_ops. Limits are in the guest's own measures, so
 * that a slow host changes no result: of what has come counts when it came, not when it was looked
 * at. Main thread.
 */
#ifndef FRONTENDS_HEADLESS_ENGINE_H
#define FRONTENDS_HEADLESS_ENGINE_H

#include "frontends/headless/step.h"
#include "frontends/headless/text_stream.h"

enum engine_state { ENGINE_RUNS, ENGINE_PASSED, ENGINE_FAILED };

struct engine_ops {
    uint64_t (*instructions)(void *opaque); /* begun so far, never going back */
    int64_t (*time_ns)(void *opaque);       /* the machine's clock */
    int (*status)(void *opaque);            /* of the machine that has ended; -1: it runs */
    unsigned (*resets)(void *opaque);       /* so many times so far */
    char *(*screen)(void *opaque);          /* as text; g_free */
    void (*key)(void *opaque, enum pkey key, bool down);
    bool (*keys_taken)(void *opaque); /* the guest has read them all */
    gsize (*send)(void *opaque, unsigned line, const char *bytes, gsize len); /* how many went */
    void (*reset)(void *opaque);
    void (*power_button)(void *opaque);
    bool (*medium)(void *opaque, const struct step *s, GError **err);
    /* Takes a screenshot: 1 when it is as the step wants it, 0 when not, with *why (g_free) saying
     * how it differs; -1 with an error when it cannot be made or compared. */
    int (*screenshot)(void *opaque, const struct step *s, char **why, GError **err);
};

/* A text that must not come. */
struct engine_ban {
    const struct step *step;
    struct text_stream_watch watch; /* of a stream */
};

struct engine {
    const struct engine_ops *ops;
    void *opaque;
    const GArray *steps; /* of struct step, the caller's */
    struct text_stream stream[SOURCE_STREAMS];
    enum engine_state state;
    char *why; /* it failed; NULL otherwise */

    guint at;                    /* the step that is due */
    bool begun;                  /* it has been looked at before */
    uint64_t since_instructions; /* when it began: when the text that was waited for before came */
    bool since_set;              /* that is known before it is looked at first */
    int64_t since_ns;
    int64_t limit_ns; /* defaults, by `limit` */
    uint64_t limit_instructions;
    unsigned resets; /* that were waited for */
    GArray *bans;    /* of struct engine_ban */
    guint typed;     /* characters of this step, or chords */
    bool key_down;
    int64_t next_key_ns;
    bool moving;   /* the guest runs while we look: its instructions are judged when it stands */
    char *screen;  /* looked at last; NULL: not in this poll */
    char *differs; /* the screenshot that is waited for, and how it is not that */
};

void engine_init(struct engine *e, const GArray *steps, const struct engine_ops *ops, void *opaque);
void engine_clear(struct engine *e);

/* The guest said something, having begun `count` instructions. */
void engine_said(struct engine *e, unsigned source, const char *bytes, gsize len, uint64_t count);

/* Does what is due; to be called every few milliseconds, and when the machine has ended. */
enum engine_state engine_poll(struct engine *e);

/* What is left until the limit of the step that is due has passed, or the time that it waits for: 0
 * where there is no such limit. After engine_poll, while it runs. */
struct step_limit engine_left(const struct engine *e);

/* The same as a count of instructions; UINT64_MAX: none. Who looks while the guest is
 * `moving` lets it stand there for a look. */
uint64_t engine_limit_at(const struct engine *e);

/* What it does now, for people: the step's text. */
const char *engine_doing(const struct engine *e);

/* Whether the step that is due needs the screen looked at, which costs more than the rest. */
bool engine_watches_screen(const struct engine *e);

#endif
