/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of devices and their configuration; see device_kind.h. */
#include "machine/device_kind.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/pairs.h"
#include "base/suggest.h"
#include "devices/pci/pci.h"
#include "machine/device_families.h"

struct value {
    bool given;
    uint64_t number;
    char *text; /* owned */
};

struct device_config {
    const struct device_kind *kind;
    char *id;
    struct value value[DEVICE_MAX_PROPS];
};

/* In the order of enum device_family. */
static const struct device_kind *const *const families[] = {
    devices_storage, devices_net, devices_audio, devices_misc, devices_virtio,
};

static const char *const family_names[] = {
    [FAMILY_STORAGE] = "Storage", [FAMILY_NETWORK] = "Network", [FAMILY_INPUT] = "Input",
    [FAMILY_DISPLAY] = "Display", [FAMILY_SOUND] = "Sound",     [FAMILY_USB] = "USB",
    [FAMILY_MISC] = "Misc",
};

static const struct device_prop pci_props[] = {
    {.name = "addr",
     .type = PROP_SLOT,
     .what = "slot, or slot.function, in hexadecimal (default: the next free one)"},
    DEVICE_PROPS_END,
};

const struct device_kind *device_kind(unsigned n)
{
    for (unsigned f = 0; f < ARRAY_SIZE(families); f++) {
        for (unsigned k = 0; families[f][k]; k++) {
            if (!n--)
                return families[f][k];
        }
    }
    return NULL;
}

/* ---- properties ---- */

/* Property n of a kind: its own, then its bus's; NULL behind the last. */
static const struct device_prop *prop_at(const struct device_kind *kind, unsigned n)
{
    const struct device_prop *p = kind->props;

    for (; p && p->name; p++) {
        if (!n--)
            return p;
    }
    if (strcmp(kind->bus, "PCI"))
        return NULL;
    for (p = pci_props; p->name; p++) {
        if (!n--)
            return p;
    }
    return NULL;
}

static const struct device_prop *find_prop(const struct device_kind *kind, const char *name,
                                           unsigned *at)
{
    const struct device_prop *p;

    for (*at = 0; (p = prop_at(kind, *at)) && strcmp(p->name, name);)
        ++*at;
    return p;
}

static bool parse_size(const char *what, const char *text, uint64_t max, uint64_t *out,
                       GError **err)
{
    static const char units[] = "kMGT";
    size_t len = text ? strlen(text) : 0;
    const char *unit = len ? strchr(units, text[len - 1]) : NULL;
    char *digits = unit ? g_strndup(text, len - 1) : g_strdup(text);
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    bool ok = pairs_number(what, digits, max >> shift, out, err);

    *out <<= shift;
    g_free(digits);
    return ok;
}

static bool parse_mac(const char *what, const char *text, GError **err)
{
    static const char form[] = "xx:xx:xx:xx:xx:xx";
    bool ok = text && strlen(text) == sizeof(form) - 1;

    for (unsigned k = 0; ok && form[k]; k++)
        ok = form[k] == ':' ? text[k] == ':' : g_ascii_isxdigit(text[k]);
    if (!ok)
        return error_option(err, "%s: '%s' is no address of the form 52:54:00:12:34:56", what,
                            text ? text : "");
    if (g_ascii_xdigit_value(text[1]) & 1)
        return error_option(err, "%s: '%s' is an address of a group, not of a station", what, text);
    return true;
}

static bool parse_slot(const char *what, const char *text, uint64_t *out, GError **err)
{
    unsigned slot = 0, function = 0;
    int used = 0;
    bool ok = text && g_ascii_isxdigit(*text) && sscanf(text, "%x%n", &slot, &used) == 1;

    if (ok && text[used] == '.') {
        ok = g_ascii_isdigit(text[used + 1]) && !text[used + 2];
        function = ok ? (unsigned)g_ascii_digit_value(text[used + 1]) : 0;
    } else if (ok) {
        ok = !text[used];
    }
    if (!ok || used > 4 || slot > 31 || function > 7)
        return error_option(err, "%s: '%s' is no PCI slot from 0 to 1f, or slot.function", what,
                            text ? text : "");
    *out = PCI_DEVFN(slot, function);
    return true;
}

static bool parse_choice(const char *what, const struct device_prop *p, const char *text,
                         uint64_t *out, GError **err)
{
    size_t n = 0;

    for (; p->choices[n]; n++) {
        if (text && !strcmp(text, p->choices[n])) {
            *out = n;
            return true;
        }
    }
    return suggest_error(err, what, text ? text : "", p->choices, n);
}

static bool parse_value(struct device_config *c, unsigned at, const char *text, GError **err)
{
    const struct device_prop *p = prop_at(c->kind, at);
    struct value *v = &c->value[at];
    char *what = g_strdup_printf("%s: %s", c->kind->name, p->name);
    bool ok = true, flag;

    switch (p->type) {
    case PROP_NUMBER: ok = pairs_number(what, text, p->max, &v->number, err); break;
    case PROP_SIZE: ok = parse_size(what, text, p->max, &v->number, err); break;
    case PROP_ON_OFF:
        ok = pairs_on_off(what, text, &flag, err);
        v->number = ok && flag;
        break;
    case PROP_CHOICE: ok = parse_choice(what, p, text, &v->number, err); break;
    case PROP_MAC: ok = parse_mac(what, text, err); break;
    case PROP_SLOT: ok = parse_slot(what, text, &v->number, err); break;
    case PROP_TEXT: ok = text || error_option(err, "%s wants a value", what); break;
    }
    if (ok && (p->type == PROP_NUMBER || p->type == PROP_SIZE) && v->number < p->min)
        ok = error_option(err, "%s: '%s' is less than %" PRIu64, what, text, p->min);
    g_free(v->text);
    v->text = g_strdup(text);
    v->given = true;
    g_free(what);
    return ok;
}

/* ---- one device ---- */

static bool unknown_prop(const struct device_kind *kind, const char *name, GError **err)
{
    const char *names[DEVICE_MAX_PROPS + 1];
    const struct device_prop *p;
    unsigned n = 0;

    for (; (p = prop_at(kind, n)); n++)
        names[n] = p->name;
    names[n] = "id";
    if (suggest(name, names, n + 1)) {
        char *what = g_strdup_printf("%s parameter", kind->name);

        suggest_error(err, what, name, names, n + 1);
        g_free(what);
        return false;
    }
    return error_option(err, "%s has no parameter '%s'", kind->name, name);
}

static bool parse_pair(struct device_config *c, const char *key, const char *value, GError **err)
{
    unsigned at;

    if (!strcmp(key, "id")) {
        if (!value || !*value || c->id)
            return error_option(err, "%s wants one id", c->kind->name);
        c->id = g_strdup(value);
        return true;
    }
    if (!find_prop(c->kind, key, &at))
        return unknown_prop(c->kind, key, err);
    return parse_value(c, at, value, err);
}

static const struct device_kind *find_kind(const char *name, GError **err)
{
    GPtrArray *names = g_ptr_array_new();
    const struct device_kind *kind;

    for (unsigned n = 0; (kind = device_kind(n)) && strcmp(kind->name, name); n++)
        g_ptr_array_add(names, (void *)(uintptr_t)kind->name);
    if (!kind)
        suggest_error(err, "device", name, (const char *const *)names->pdata, names->len);
    g_ptr_array_free(names, TRUE);
    return kind;
}

struct device_config *device_config_new(const char *text, GError **err)
{
    struct device_config *c = NULL;
    const struct device_kind *kind;
    struct pairs p;
    bool ok;

    if (!pairs_split(&p, text, err))
        return NULL;
    kind = find_kind(p.n && !p.value[0] ? p.key[0] : "", err);
    ok = kind != NULL;
    if (ok) {
        c = g_new0(struct device_config, 1);
        c->kind = kind;
    }
    for (unsigned k = 1; ok && k < p.n; k++)
        ok = parse_pair(c, p.key[k], p.value[k], err);
    pairs_clear(&p);
    if (ok)
        return c;
    device_config_free(c);
    return NULL;
}

void device_config_free(struct device_config *c)
{
    if (!c)
        return;
    for (unsigned k = 0; k < DEVICE_MAX_PROPS; k++)
        g_free(c->value[k].text);
    g_free(c->id);
    g_free(c);
}

const struct device_kind *device_config_kind(const struct device_config *c)
{
    return c->kind;
}

const char *device_config_id(const struct device_config *c)
{
    return c->id;
}

static const struct device_prop *prop_of(const struct device_config *c, const char *name,
                                         const struct value **v)
{
    unsigned at;
    const struct device_prop *p = find_prop(c->kind, name, &at);

    invariant(p && at < DEVICE_MAX_PROPS);
    *v = &c->value[at];
    return p;
}

uint64_t device_number(const struct device_config *c, const char *prop)
{
    const struct value *v;
    const struct device_prop *p = prop_of(c, prop, &v);

    return v->given ? v->number : p->number;
}

bool device_flag(const struct device_config *c, const char *prop)
{
    return device_number(c, prop) != 0;
}

const char *device_text(const struct device_config *c, const char *prop)
{
    const struct value *v;
    const struct device_prop *p = prop_of(c, prop, &v);

    return v->given ? v->text : p->text;
}

bool device_given(const struct device_config *c, const char *prop)
{
    const struct value *v;

    prop_of(c, prop, &v);
    return v->given;
}

void device_mac(const char *text, uint8_t mac[6])
{
    for (unsigned k = 0; k < 6; k++)
        mac[k] = (uint8_t)(g_ascii_xdigit_value(text[3 * k]) << 4 |
                           g_ascii_xdigit_value(text[3 * k + 1]));
}

/* ---- help ---- */

char *device_kinds_help(void)
{
    GString *s = g_string_new(NULL);
    const struct device_kind *kind;
    int family = -1;

    for (unsigned n = 0; (kind = device_kind(n)); n++) {
        if ((int)kind->family != family) {
            family = (int)kind->family;
            g_string_append_printf(s, "%s%s devices:\n", s->len ? "\n" : "", family_names[family]);
        }
        g_string_append_printf(s, "name \"%s\", bus %s, desc \"%s\"\n", kind->name, kind->bus,
                               kind->what);
    }
    return g_string_free(s, FALSE);
}

static void describe(GString *s, const struct device_prop *p)
{
    static const char *const types[] = {
        [PROP_NUMBER] = "number", [PROP_SIZE] = "size", [PROP_ON_OFF] = "on|off",
        [PROP_TEXT] = "text",     [PROP_MAC] = "mac",   [PROP_SLOT] = "slot",
    };
    char *words = p->type == PROP_CHOICE ? g_strjoinv("|", (char **)(uintptr_t)p->choices) : NULL;
    char *head = g_strdup_printf("%s=<%s>", p->name, words ? words : types[p->type]);

    g_string_append_printf(s, "  %-28s - %s", head, p->what);
    if (p->type == PROP_NUMBER)
        g_string_append_printf(s, " (default: %" PRIu64 ")", p->number);
    g_free(head);
    g_string_append_c(s, '\n');
    g_free(words);
}

char *device_props_help(const struct device_kind *kind)
{
    GString *s = g_string_new(NULL);
    const struct device_prop *p;

    g_string_append_printf(s, "%s options:\n", kind->name);
    for (unsigned n = 0; (p = prop_at(kind, n)); n++)
        describe(s, p);
    g_string_append(s, "  id=<text>                    - a name, for the monitor\n");
    return g_string_free(s, FALSE);
}
