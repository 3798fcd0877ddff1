/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spec of a guest: where its images come from, its machine, and the script that it must follow.
 * docs/spec.md is the reference for those who write one.
 */
#ifndef FRONTENDS_HEADLESS_SPEC_H
#define FRONTENDS_HEADLESS_SPEC_H

#include <glib.h>
#include <stdbool.h>

#include "frontends/headless/step.h"

#define SPEC_MAX_SIZE    (256 * 1024) /* bytes of a file */
#define SPEC_GUARD_S     900          /* default of `guard` */
#define SPEC_MAX_GUARD_S 86400

/* How to get a file that the guest boots. */
enum image_how {
    IMAGE_FILE,    /* argv[1], from the spec's directory */
    IMAGE_PACKAGE, /* file argv[2] of Debian package argv[1] */
    IMAGE_RUN,     /* the last line that argv[1..] prints, run in the tree's top directory */
};

struct spec_image {
    char *name;
    unsigned line;
    enum image_how how;
    char **argv; /* argv[0] is the verb */
};

struct spec {
    char *path; /* as given */
    char *dir;  /* where it lies, absolute */
    char *name, *description;
    char **tags;
    unsigned guard_s;  /* host seconds from start to end, against hangs of the host */
    GPtrArray *images; /* of struct spec_image, in the file's order */
    char **options;    /* the machine's, with ${...} still in them */
    unsigned options_line;
    GArray *steps; /* of struct step */
};

/* Reads a spec. NULL with one clear error, "FILE:LINE: ...". */
struct spec *spec_load(const char *path, GError **err);

/* The same from text; `path` is for messages, and for the name and directory. */
struct spec *spec_parse(const char *path, const char *text, GError **err);

/* NULL: no effect. */
void spec_free(struct spec *s);

bool spec_has_tag(const struct spec *s, const char *tag);

/* Puts values in the place of ${...} in text: `look_up` returns that of a name (owned by whoever
 * has it) or NULL. NULL with an error when there is no such name; g_free the result. */
char *spec_expand(const char *text, const char *(*look_up)(void *opaque, const char *name),
                  void *opaque, GError **err);

#endif
