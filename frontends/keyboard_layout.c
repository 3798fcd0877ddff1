/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layouts as the keycaps show them: for each level the characters of all keys, in the order of
 * `places`; a blank where a key has none. What differs between systems (a tilde that is dead on one
 * of them) is as X.Org's xkeyboard-config has it. Unicode's canonical decompositions say which
 * letter a dead key makes of another.
 */
#include "frontends/keyboard_layout.h"

#include <string.h>

#include "base/bits.h"

enum { LEVEL_PLAIN, LEVEL_SHIFT, LEVEL_ALTGR, LEVELS };

/* From the top left to the bottom right, as an ISO keyboard has them. */
static const enum pkey places[] = {
    PKEY_GRAVE,      PKEY_1,     PKEY_2, PKEY_3,     PKEY_4,         PKEY_5,
    PKEY_6,          PKEY_7,     PKEY_8, PKEY_9,     PKEY_0,         PKEY_MINUS,
    PKEY_EQUAL,      PKEY_Q,     PKEY_W, PKEY_E,     PKEY_R,         PKEY_T,
    PKEY_Y,          PKEY_U,     PKEY_I, PKEY_O,     PKEY_P,         PKEY_LEFTBRACE,
    PKEY_RIGHTBRACE, PKEY_A,     PKEY_S, PKEY_D,     PKEY_F,         PKEY_G,
    PKEY_H,          PKEY_J,     PKEY_K, PKEY_L,     PKEY_SEMICOLON, PKEY_APOSTROPHE,
    PKEY_BACKSLASH,  PKEY_102ND, PKEY_Z, PKEY_X,     PKEY_C,         PKEY_V,
    PKEY_B,          PKEY_N,     PKEY_M, PKEY_COMMA, PKEY_DOT,       PKEY_SLASH,
};

struct keyboard_layout {
    const char *name;
    const char *level[LEVELS];
    const char *dead; /* those of the characters above whose keys wait for a letter */
};

/* Rows: the digits, the three of letters (the last from the key beside the left shift on). */
static const struct keyboard_layout layouts[] = {
    {"us",
     {"`1234567890-="
      "qwertyuiop[]"
      "asdfghjkl;'\\"
      " zxcvbnm,./",
      "~!@#$%^&*()_+"
      "QWERTYUIOP{}"
      "ASDFGHJKL:\"|"
      " ZXCVBNM<>?",
      ""},
     ""},
    {"de",
     {"^1234567890ß´"
      "qwertzuiopü+"
      "asdfghjklöä#"
      "<yxcvbnm,.-",
      "°!\"§$%&/()=?`"
      "QWERTZUIOPÜ*"
      "ASDFGHJKLÖÄ'"
      ">YXCVBNM;:_",
      "  ²³   {[]}\\ "
      "@ €        ~"
      "            "
      "|      µ   "},
     "^´`"},
    {"fr",
     {"²&é\"'(-è_çà)="
      "azertyuiop^$"
      "qsdfghjklmù*"
      "<wxcvbn,;:!",
      " 1234567890°+"
      "AZERTYUIOP¨£"
      "QSDFGHJKLM%µ"
      ">WXCVBN?./§",
      "  ~#{[|`\\^@]}"
      "  €         "
      "            "
      "           "},
     "^¨"},
    {"gb",
     {"`1234567890-="
      "qwertyuiop[]"
      "asdfghjkl;'#"
      "\\zxcvbnm,./",
      "¬!\"£$%^&*()_+"
      "QWERTYUIOP{}"
      "ASDFGHJKL:@~"
      "|ZXCVBNM<>?",
      "    €        "
      "            "
      "            "
      "           "},
     ""},
};

const char *const keyboard_layout_names[] = {"us", "de", "fr", "gb", NULL};

const struct keyboard_layout *keyboard_layout_find(const char *name)
{
    for (unsigned k = 0; k < ARRAY_SIZE(layouts); k++) {
        if (!strcmp(layouts[k].name, name))
            return &layouts[k];
    }
    return NULL;
}

/* The accent that a combining mark is, as a keycap shows it; 0 for one that no layout has. */
static gunichar accent_of(gunichar mark)
{
    static const gunichar marks[][2] = {
        {0x300, '`'}, {0x301, 0xb4}, {0x302, '^'}, {0x303, '~'}, {0x308, 0xa8}};

    for (unsigned k = 0; k < ARRAY_SIZE(marks); k++) {
        if (marks[k][0] == mark)
            return marks[k][1];
    }
    return 0;
}

/* The key that has the character on it. */
static bool find_key(const struct keyboard_layout *l, gunichar c, struct key_stroke *out)
{
    for (unsigned level = 0; level < LEVELS; level++) {
        const char *at = c == ' ' ? NULL : g_utf8_strchr(l->level[level], -1, c);

        if (!at)
            continue;
        *out = (struct key_stroke){
            .key = places[g_utf8_pointer_to_offset(l->level[level], at)],
            .shift = level == LEVEL_SHIFT,
            .altgr = level == LEVEL_ALTGR,
            .caps = level != LEVEL_ALTGR && g_unichar_tolower(c) != g_unichar_toupper(c),
        };
        return true;
    }
    return false;
}

static bool is_dead(const struct keyboard_layout *l, gunichar c)
{
    return g_utf8_strchr(l->dead, -1, c) != NULL;
}

static enum pkey control_key(gunichar c)
{
    switch (c) {
    case '\n':
    case '\r': return PKEY_ENTER;
    case '\t': return PKEY_TAB;
    case '\b': return PKEY_BACKSPACE;
    case 0x1b: return PKEY_ESC;
    case ' ': return PKEY_SPACE;
    default: return PKEY_NONE;
    }
}

unsigned keyboard_layout_type(const struct keyboard_layout *l, gunichar c,
                              struct key_stroke out[KEYBOARD_MAX_STROKES])
{
    gunichar letter, mark;

    if (control_key(c) != PKEY_NONE) {
        out[0] = (struct key_stroke){.key = control_key(c)};
        return 1;
    }
    if (find_key(l, c, &out[0])) {
        if (!is_dead(l, c))
            return 1;
        out[1] = (struct key_stroke){.key = PKEY_SPACE};
        return 2;
    }
    if (g_unichar_decompose(c, &letter, &mark) && accent_of(mark) && is_dead(l, accent_of(mark)) &&
        find_key(l, accent_of(mark), &out[0]) && find_key(l, letter, &out[1]))
        return 2;
    return 0;
}
