/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gets what a guest boots: fetches a package's file, runs what builds it, or finds a file given. */
#ifndef FRONTENDS_HEADLESS_IMAGE_H
#define FRONTENDS_HEADLESS_IMAGE_H

#include "frontends/headless/spec.h"

/* What stands for ${...} in a spec's machine and script. */
struct image_names {
    const struct spec *spec;
    const char *artifacts; /* the folder of this guest's */
    GHashTable *path;      /* of each image that was had, by name; owns both */
};

void image_names_init(struct image_names *n, const struct spec *spec, const char *artifacts);
void image_names_clear(struct image_names *n);

/* Gets every image, one after the other; may take long. False with an error that says which cannot
 * be had, and why. */
bool image_get_all(struct image_names *n, GError **err);

/* Text with ${dir}, ${artifacts}, ${image.NAME} in it; g_free. NULL with an error. */
char *image_expand(const struct image_names *n, const char *text, GError **err);

/* The same for a path, which if relative is so to the spec's directory. */
char *image_path(const struct image_names *n, const char *text, GError **err);

#endif
