/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's description: one 128-byte EDID 1.4 base block with a preferred mode (VESA Enhanced
 * EDID Standard, release A, revision 2).
 */
#ifndef DEVICES_DISPLAY_EDID_H
#define DEVICES_DISPLAY_EDID_H

#include <stdint.h>

#define EDID_SIZE 128

struct edid_config {
    unsigned width, height;         /* preferred, at 60 Hz: 640..4095 x 480..4095; 0: 1280x800 */
    unsigned max_width, max_height; /* nothing larger is offered; 0: whatever the block can say */
};

/* Fills `block` for such a monitor. */
void edid_make(uint8_t block[EDID_SIZE], const struct edid_config *cfg);

#endif
