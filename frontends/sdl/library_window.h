/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `penumbra` without arguments: the window of a person's machines (docs/desktop.md). Each machine
 * runs in a process and a window of its own, which neither needs the library nor takes it along.
 */
#ifndef FRONTENDS_SDL_LIBRARY_WINDOW_H
#define FRONTENDS_SDL_LIBRARY_WINDOW_H

/* Shows it until it is closed; program: argv[0], in case the system does not say who we are. The
 * exit status. */
int library_window_run(const char *program);

#endif
