/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's end of a serial line or debug console: kept in a file, and read by the script. */
#ifndef FRONTENDS_HEADLESS_CAPTURE_H
#define FRONTENDS_HEADLESS_CAPTURE_H

#include <glib.h>
#include <stdbool.h>

#define CAPTURE_FILE_MAX (256u << 20) /* bytes of the file */
#define CAPTURE_HELD_MAX                                                                           \
    (16u << 20) /* that nobody has read yet; what comes then is in the file                        \
                 */

struct capture {
    struct chardev *chr; /* for the machine's configuration */
    int fd;
    gsize written;
    GString *held; /* device lock */
};

/* Creates the file. False with an error. */
bool capture_open(struct capture *c, const char *path, GError **err);

/* The machine is gone. */
void capture_close(struct capture *c);

/* What came since the last call; g_string_free. Device lock held. */
GString *capture_take(struct capture *c);

#endif
