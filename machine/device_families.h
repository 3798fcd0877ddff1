/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The families of kinds that there are: for device_kind.c. Each is a list of kinds in the order of
 * their names that ends with NULL, in devices_FAMILY.c. */
#ifndef MACHINE_DEVICE_FAMILIES_H
#define MACHINE_DEVICE_FAMILIES_H

#include "machine/device_kind.h"

extern const struct device_kind *const devices_storage[];
extern const struct device_kind *const devices_net[];
extern const struct device_kind *const devices_audio[];
extern const struct device_kind *const devices_misc[];
extern const struct device_kind *const devices_virtio[];

#endif
