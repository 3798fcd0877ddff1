/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables behind key_names.h. */
#include "frontends/headless/key_names.h"

#include "base/error.h"

#include <string.h>

#include "base/bits.h"
#include "base/suggest.h"
#include "frontends/headless/spec.h"

static const struct {
    const char *name;
    enum pkey key;
} names[] = {
    {"esc", PKEY_ESC},
    {"escape", PKEY_ESC},
    {"tab", PKEY_TAB},
    {"enter", PKEY_ENTER},
    {"return", PKEY_ENTER},
    {"space", PKEY_SPACE},
    {"backspace", PKEY_BACKSPACE},
    {"ctrl", PKEY_LEFTCTRL},
    {"alt", PKEY_LEFTALT},
    {"shift", PKEY_LEFTSHIFT},
    {"meta", PKEY_LEFTMETA},
    {"rctrl", PKEY_RIGHTCTRL},
    {"altgr", PKEY_RIGHTALT},
    {"rshift", PKEY_RIGHTSHIFT},
    {"rmeta", PKEY_RIGHTMETA},
    {"menu", PKEY_MENU},
    {"capslock", PKEY_CAPSLOCK},
    {"numlock", PKEY_NUMLOCK},
    {"scrolllock", PKEY_SCROLLLOCK},
    {"print", PKEY_SYSRQ},
    {"sysrq", PKEY_SYSRQ},
    {"pause", PKEY_PAUSE},
    {"home", PKEY_HOME},
    {"end", PKEY_END},
    {"pageup", PKEY_PAGEUP},
    {"pagedown", PKEY_PAGEDOWN},
    {"insert", PKEY_INSERT},
    {"delete", PKEY_DELETE},
    {"up", PKEY_UP},
    {"down", PKEY_DOWN},
    {"left", PKEY_LEFT},
    {"right", PKEY_RIGHT},
    {"minus", PKEY_MINUS},
    {"f1", PKEY_F1},
    {"f2", PKEY_F2},
    {"f3", PKEY_F3},
    {"f4", PKEY_F4},
    {"f5", PKEY_F5},
    {"f6", PKEY_F6},
    {"f7", PKEY_F7},
    {"f8", PKEY_F8},
    {"f9", PKEY_F9},
    {"f10", PKEY_F10},
    {"f11", PKEY_F11},
    {"f12", PKEY_F12},
};

/* The keys that type something, with and without shift. */
static const struct {
    char plain, shifted;
    enum pkey key;
} types[] = {
    {'1', '!', PKEY_1},          {'2', '@', PKEY_2},           {'3', '#', PKEY_3},
    {'4', '$', PKEY_4},          {'5', '%', PKEY_5},           {'6', '^', PKEY_6},
    {'7', '&', PKEY_7},          {'8', '*', PKEY_8},           {'9', '(', PKEY_9},
    {'0', ')', PKEY_0},          {'-', '_', PKEY_MINUS},       {'=', '+', PKEY_EQUAL},
    {'\b', 0, PKEY_BACKSPACE},   {'\t', 0, PKEY_TAB},          {'q', 'Q', PKEY_Q},
    {'w', 'W', PKEY_W},          {'e', 'E', PKEY_E},           {'r', 'R', PKEY_R},
    {'t', 'T', PKEY_T},          {'y', 'Y', PKEY_Y},           {'u', 'U', PKEY_U},
    {'i', 'I', PKEY_I},          {'o', 'O', PKEY_O},           {'p', 'P', PKEY_P},
    {'[', '{', PKEY_LEFTBRACE},  {']', '}', PKEY_RIGHTBRACE},  {'\n', 0, PKEY_ENTER},
    {'a', 'A', PKEY_A},          {'s', 'S', PKEY_S},           {'d', 'D', PKEY_D},
    {'f', 'F', PKEY_F},          {'g', 'G', PKEY_G},           {'h', 'H', PKEY_H},
    {'j', 'J', PKEY_J},          {'k', 'K', PKEY_K},           {'l', 'L', PKEY_L},
    {';', ':', PKEY_SEMICOLON},  {'\'', '"', PKEY_APOSTROPHE}, {'`', '~', PKEY_GRAVE},
    {'\\', '|', PKEY_BACKSLASH}, {'z', 'Z', PKEY_Z},           {'x', 'X', PKEY_X},
    {'c', 'C', PKEY_C},          {'v', 'V', PKEY_V},           {'b', 'B', PKEY_B},
    {'n', 'N', PKEY_N},          {'m', 'M', PKEY_M},           {',', '<', PKEY_COMMA},
    {'.', '>', PKEY_DOT},        {'/', '?', PKEY_SLASH},       {' ', 0, PKEY_SPACE},
    {'\033', 0, PKEY_ESC},
};

bool key_type(char c, struct chord *out)
{
    out->n = 0;
    for (unsigned k = 0; c && k < ARRAY_SIZE(types); k++) {
        if (c != types[k].plain && c != types[k].shifted)
            continue;
        if (c == types[k].shifted)
            out->key[out->n++] = PKEY_LEFTSHIFT;
        out->key[out->n++] = (uint8_t)types[k].key;
        return true;
    }
    return false;
}

static enum pkey find(const char *name)
{
    for (unsigned k = 0; k < ARRAY_SIZE(names); k++) {
        if (!strcmp(name, names[k].name))
            return names[k].key;
    }
    for (unsigned k = 0; strlen(name) == 1 && k < ARRAY_SIZE(types); k++) {
        if (*name == types[k].plain)
            return types[k].key;
    }
    return PKEY_NONE;
}

static bool unknown(const char *name, GError **err)
{
    const char *known[ARRAY_SIZE(names)], *near;

    for (unsigned k = 0; k < ARRAY_SIZE(names); k++)
        known[k] = names[k].name;
    near = suggest(name, known, ARRAY_SIZE(names));
    if (near)
        return error_option(err, "unknown key '%s'; did you mean '%s'?", name, near);
    return error_option(err, "unknown key '%s'", name);
}

bool key_chord(const char *words, struct chord *out, GError **err)
{
    char **part = g_strsplit(words, "-", -1);
    bool ok = true;

    out->n = 0;
    for (unsigned k = 0; ok && part[k]; k++) {
        enum pkey key = find(part[k]);

        if (key == PKEY_NONE)
            ok = unknown(part[k], err);
        else if (out->n == CHORD_MAX)
            ok = error_option(err, "more than %d keys at once in '%s'", CHORD_MAX, words);
        else
            out->key[out->n++] = (uint8_t)key;
    }
    if (ok && !out->n)
        ok = error_option(err, "no key is named");
    g_strfreev(part);
    return ok;
}
