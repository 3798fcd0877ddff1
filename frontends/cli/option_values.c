/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of options: comma lists, numbers, switches, and errors that name the nearest known word.
 */
#include "frontends/cli/option.h"

#include <string.h>

#include "base/error.h"
#include "base/suggest.h"
#include "machine/device_kind.h"

void option_warn(struct options *o, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_ptr_array_add(o->warnings, g_strdup_vprintf(fmt, ap));
    va_end(ap);
}

char *option_own(struct options *o, char *s)
{
    g_ptr_array_add(o->owned, s);
    return s;
}

bool option_pairs(struct options *o, const char *list, struct option_pairs *p, GError **err)
{
    struct pairs split;

    if (!pairs_split(&split, list, err))
        return false;
    p->n = split.n;
    for (unsigned k = 0; k < split.n; k++) {
        p->key[k] = option_own(o, split.key[k]);
        p->value[k] = split.value[k];
    }
    return true;
}

void option_append(GString *list, const char *key, const char *value)
{
    if (list->len)
        g_string_append_c(list, ',');
    g_string_append(list, key);
    if (!value)
        return;
    g_string_append_c(list, '=');
    for (; *value; value++) {
        if (*value == ',')
            g_string_append_c(list, ',');
        g_string_append_c(list, *value);
    }
}

bool option_add_device(struct options *o, unsigned at, const char *text, GError **err)
{
    struct machine_config *m = &o->machine;
    struct device_config *c;

    if (m->n_devices == MACHINE_MAX_DEVICES)
        return error_option(err, "more than %d devices", MACHINE_MAX_DEVICES);
    c = device_config_new(text, err);
    if (!c)
        return false;
    g_ptr_array_add(o->devices, c);
    memmove(m->device + at + 1, m->device + at, (m->n_devices - at) * sizeof(m->device[0]));
    m->device[at] = c;
    m->n_devices++;
    return true;
}

bool option_on_off(const char *what, const char *value, bool *out, GError **err)
{
    return pairs_on_off(what, value, out, err);
}

bool option_number(const char *what, const char *value, uint64_t max, uint64_t *out, GError **err)
{
    return pairs_number(what, value, max, out, err);
}
