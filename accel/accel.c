/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registry of engines. */
#include "accel/accel.h"

static const struct accel_ops *const engines[] = {&accel_interp};

const struct accel_ops *accel_by_index(unsigned n)
{
    return n < ARRAY_SIZE(engines) ? engines[n] : NULL;
}

const struct accel_ops *accel_find(const char *name)
{
    for (unsigned n = 0; n < ARRAY_SIZE(engines); n++) {
        if (!strcmp(engines[n]->name, name))
            return engines[n];
    }
    return NULL;
}
