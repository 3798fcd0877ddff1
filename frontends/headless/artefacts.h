/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is left of a guest for the person who looks into its failure. */
#ifndef FRONTENDS_HEADLESS_ARTEFACTS_H
#define FRONTENDS_HEADLESS_ARTEFACTS_H

#include <glib.h>
#include <stdbool.h>

struct machine;
struct lock;

/* Writes screen.png, screen.txt, cpu.txt, insns.txt and mmu.txt of the machine into the folder; it
 * stands still meanwhile, if it has not ended. What cannot be written is said on stderr. Main
 * thread, without the device lock; the machine was started. */
void artefacts_write(struct machine *m, struct lock *lock, const char *folder);

/* The picture of its screen, as sharp as it is now, with nothing blinking away; false when there is
 * no display. Device lock not held. */
struct vga_surface;
bool artefacts_picture(struct machine *m, struct lock *lock, struct vga_surface *s);

/* Removes the folder and the files in it. */
void artefacts_remove(const char *folder);

#endif
