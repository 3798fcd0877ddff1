/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's description: one 128-byte EDID 1.4 base block with a preferred mode (VESA Enhanced
 * EDID Standard, release A, revision 2).
 */
#ifndef DEVICES_DISPLAY_EDID_H
#define DEVICES_DISPLAY_EDID_H

#include <stdint.h>

#define EDID_SIZE 128

/* Fills `block` for a monitor that prefers width x height (640..4095 x 480..4095) at 60 Hz. */
void edid_make(uint8_t block[EDID_SIZE], unsigned width, unsigned height);

#endif
