/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs one guest in this process: gets its images, builds its machine, follows its script, leaves
 * artefacts when it fails (or always), and says on the way how it goes (result.h).
 */
#ifndef FRONTENDS_HEADLESS_GUEST_H
#define FRONTENDS_HEADLESS_GUEST_H

#include "frontends/headless/spec.h"

struct guest_config {
    const struct spec *spec;
    const char *folder; /* where artefacts go; it is there */
    const char *with;   /* more options of the machine, or NULL */
    bool keep;          /* artefacts of a success, too */
    int out_fd;         /* for lines of result.h */
};

/* Takes over the main loop and the signals SIGINT and SIGTERM. Once in a process. */
void guest_run(const struct guest_config *cfg);

#endif
