/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of sound cards. */
#include "machine/board.h"
#include "machine/board_build.h"
#include "machine/device_families.h"
#include "machine/sound.h"

const struct device_kind *const devices_audio[] = {
    NULL,
};
