/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `penumbra run`: guests without a window, after their specs. docs/spec.md. */
#ifndef FRONTENDS_HEADLESS_RUN_H
#define FRONTENDS_HEADLESS_RUN_H

/* What the command line says behind the word `run`, which is argv[0]. The process's exit status. */
int headless_run(int argc, char **argv);

#endif
