/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reset through the state table; see device.h. */
#include "devices/device.h"

#include <string.h>

void device_reset(struct device *d)
{
    const struct state_field *f = d->type->fields;

    for (; f && f->name; f++)
        if (!f->keep)
            memset((char *)d->self + f->offset, 0, f->size * f->count);
    if (d->type->reset)
        d->type->reset(d->self);
}

void device_trust(struct device *d)
{
    if (d->type->trust)
        d->type->trust(d->self);
}

void device_destroy(struct device *d)
{
    if (d->type->destroy)
        d->type->destroy(d->self);
}
