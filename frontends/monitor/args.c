/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptions of arguments, and what was given against them; see command.h. */
#include <stdarg.h>
#include <string.h>

#include "frontends/monitor/command.h"

GQuark monitor_error_quark(void)
{
    return g_quark_from_static_string("penumbra-monitor");
}

bool monitor_fail(GError **err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_propagate_error(err, g_error_new_valist(MONITOR_ERROR, MONITOR_GENERIC, fmt, ap));
    va_end(ap);
    return false;
}

bool monitor_fail_as(enum monitor_error code, GError **err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_propagate_error(err, g_error_new_valist(MONITOR_ERROR, (int)code, fmt, ap));
    va_end(ap);
    return false;
}

bool args_next(const char **spec, struct arg_spec *out)
{
    const char *s = *spec, *colon;

    if (!s || !*s)
        return false;
    colon = strchr(s, ':');
    g_strlcpy(out->name, s, MIN((size_t)(colon - s) + 1, sizeof(out->name)));
    out->type = colon[1];
    s = colon + 2;
    out->optional = *s == '?';
    s += out->optional;
    *spec = *s == ',' ? s + 1 : s;
    return true;
}

static const char *type_name(char type)
{
    switch (type) {
    case 'i': return "integer";
    case 'b': return "boolean";
    case 'o': return "object";
    case 'a': return "array";
    default: return "string";
    }
}

static bool type_fits(char type, const json_t *v)
{
    switch (type) {
    case 'i': return json_is_integer(v);
    case 'b': return json_is_boolean(v);
    case 'o': return json_is_object(v);
    case 'a': return json_is_array(v);
    default: return json_is_string(v);
    }
}

static bool is_described(const char *spec, const char *name)
{
    struct arg_spec a;

    while (args_next(&spec, &a)) {
        if (!strcmp(a.name, name))
            return true;
    }
    return false;
}

bool args_check(const char *spec, const json_t *args, GError **err)
{
    const char *at = spec, *key;
    struct arg_spec a;
    json_t *v;

    while (args_next(&at, &a)) {
        v = json_object_get(args, a.name);
        if (!v && !a.optional)
            return monitor_fail(err, "Parameter '%s' is missing", a.name);
        if (v && !type_fits(a.type, v))
            return monitor_fail(err, "Invalid parameter type for '%s', expected: %s", a.name,
                                type_name(a.type));
    }
    json_object_foreach((json_t *)args, key, v)
    {
        if (!is_described(spec, key))
            return monitor_fail(err, "Parameter '%s' is unexpected", key);
    }
    return true;
}

const char *args_string(const json_t *args, const char *name, const char *otherwise)
{
    const char *s = json_string_value(json_object_get(args, name));

    return s ? s : otherwise;
}

int64_t args_int(const json_t *args, const char *name, int64_t otherwise)
{
    const json_t *v = json_object_get(args, name);

    return v ? (int64_t)json_integer_value(v) : otherwise;
}

bool args_bool(const json_t *args, const char *name, bool otherwise)
{
    const json_t *v = json_object_get(args, name);

    return v ? json_is_true(v) : otherwise;
}

json_t *json_text(const char *s)
{
    char *valid = g_utf8_make_valid(s, -1);
    json_t *j = json_string(valid);

    g_free(valid);
    return j;
}
