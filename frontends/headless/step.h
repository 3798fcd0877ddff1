/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One step of a script: what engine.c does with a running guest. */
#ifndef FRONTENDS_HEADLESS_STEP_H
#define FRONTENDS_HEADLESS_STEP_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/input/keys.h"

/* Where text comes from. */
enum {
    SOURCE_SERIAL, /* and the following: MACHINE_MAX_SERIAL lines */
    SOURCE_DEBUGCON = 4,
    SOURCE_STREAMS, /* those above are streams */
    SOURCE_SCREEN = SOURCE_STREAMS,
};

enum step_kind {
    STEP_WAIT_TEXT,    /* until it comes, after what was waited for before */
    STEP_WAIT_TIME,    /* for `within` itself */
    STEP_WAIT_RESET,   /* until the machine is reset, once more than before */
    STEP_NEVER,        /* from now on that text must not come */
    STEP_EXPECT_TEXT,  /* it has come, `count` times (any, when 0) */
    STEP_EXPECT_EXIT,  /* the machine ends with `status` */
    STEP_TYPE,         /* on the keyboard, or into a serial line */
    STEP_KEYS,         /* chords */
    STEP_SCREENSHOT,   /* and perhaps wait until it is as it should be */
    STEP_RESET,        /* the button */
    STEP_POWER_BUTTON, /* another */
    STEP_MEDIUM,       /* what lies in a CD drive: `file`, NULL for nothing */
    STEP_LIMIT,        /* `within` is the default from now on */
};

/* How long a step may take, in the guest's measures; 0: no such limit. */
struct step_limit {
    uint64_t instructions; /* of all vCPUs */
    int64_t ns;            /* of the machine's clock */
};

#define STEP_LIMIT_INSTRUCTIONS UINT64_C(40000000000)
#define STEP_LIMIT_NS           (INT64_C(600) * 1000000000)

#define CHORD_MAX 6
struct chord {
    uint8_t n;
    uint8_t key[CHORD_MAX]; /* enum pkey, in the order of pressing */
};

struct step {
    enum step_kind kind;
    unsigned line;
    char *text; /* as written, for people */
    struct step_limit within;
    unsigned source;
    GRegex *regex;
    unsigned count;
    int status;
    char *bytes;    /* to type into a serial line */
    GArray *chords; /* of struct chord, to type or press */
    char *file;     /* with ${...}: the medium; the picture to be like */
    char *mask;     /* likewise */
    char *name;     /* of the screenshot */
    char *hash;     /* SHA-256 in hexadecimal, NULL for none */
    unsigned tolerance;
    uint64_t pixels; /* that may differ */
    unsigned drive;  /* the medium's IDE place; MACHINE_FIRST_CD for the first CD drive */
};

/* Parses a line. False with an error without its place. */
bool step_parse(struct step *s, const char *line, GError **err);
void step_clear(struct step *s);

#endif
