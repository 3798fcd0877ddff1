/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is an image what its drive takes? Asked before the guest sees it, so that a person gets an
 * answer. */
#ifndef MACHINE_MEDIA_H
#define MACHINE_MEDIA_H

#include <glib.h>
#include <stdbool.h>

struct block;

/* An image for a CD drive must hold an ISO 9660 or UDF volume, whole. False with an error that
 * names the file. */
bool media_check_cd(struct block *b, GError **err);

#endif
