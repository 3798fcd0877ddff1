/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's end of a serial line or debug console: kept in a file, and read by the script. */
#ifndef FRONTENDS_HEADLESS_CAPTURE_H
#define FRONTENDS_HEADLESS_CAPTURE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define CAPTURE_FILE_MAX (256u << 20) /* bytes of the file */
#define CAPTURE_HELD_MAX                                                                           \
    (16u << 20) /* that nobody has read yet; what comes then is in the file                        \
                 */

/* The guest had begun `count` instructions when so many bytes were held. */
struct capture_stamp {
    gsize len;
    uint64_t count;
};

struct capture {
    uint64_t (*count)(void *opaque); /* instructions begun so far; set before the machine runs */
    void *opaque;
    GArray *stamps;      /* of struct capture_stamp, one a write; device lock */
    struct chardev *chr; /* for the machine's configuration */
    int fd;
    gsize written;
    GString *held; /* device lock */
};

/* Creates the file. False with an error. */
bool capture_open(struct capture *c, const char *path, GError **err);

/* The machine is gone. */
void capture_close(struct capture *c);

/* What came since the last call; g_string_free. *stamps says when (the last is of all of it, and
 * there is none without bytes); g_array_unref. Device lock held. */
GString *capture_take(struct capture *c, GArray **stamps);

#endif
