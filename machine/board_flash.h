/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flash chips that firmware is run from: the first ends at 4 GiB, the second where the first
 * begins. Device lock held, no vCPU running. */
#ifndef MACHINE_BOARD_FLASH_H
#define MACHINE_BOARD_FLASH_H

#include <glib.h>
#include <stdbool.h>

struct board;
struct machine_config;

/* Is there a first chip, so that no other firmware is to be loaded? */
bool board_flash_wanted(const struct machine_config *cfg);

/* Builds the chips that the configuration has, of its drives, which are open. The end of the first
 * one shows below 1 MiB, too. False with one clear error. */
bool board_flash_build(struct board *b, GError **err);

#endif
