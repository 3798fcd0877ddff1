/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grammar of a script's lines; docs/spec.md has it for people. */
#include "frontends/headless/step.h"

#include "base/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/suggest.h"
#include "frontends/headless/key_names.h"
#include "frontends/headless/spec.h"
#include "frontends/headless/words.h"
#include "machine/drives.h"
#include "machine/machine.h"

/* A line being parsed: its words, and the next to look at. */
struct cursor {
    struct words words;
    unsigned at;
};

static const struct word *peek(const struct cursor *c)
{
    return c->at < c->words.n ? &c->words.w[c->at] : NULL;
}

/* The next word, if it is this bare one, is taken. */
static bool take(struct cursor *c, const char *bare)
{
    const struct word *w = peek(c);

    if (!w || w->kind != WORD_BARE || strcmp(w->s, bare))
        return false;
    c->at++;
    return true;
}

/* The next word of that kind, or NULL with an error that says what should stand there. */
static const char *need(struct cursor *c, enum word_kind kind, const char *what, GError **err)
{
    const struct word *w = peek(c);

    if (w && w->kind == kind) {
        c->at++;
        return w->s;
    }
    if (w)
        error_option(err, "%s should stand where '%s' does", what, w->s);
    else
        error_option(err, "%s is missing at the end", what);
    return NULL;
}

static bool number(const char *s, uint64_t max, uint64_t *out, const char **end)
{
    errno = 0;
    *out = g_ascii_isdigit(*s) ? strtoull(s, (char **)end, 10) : 0;
    return g_ascii_isdigit(*s) && !errno && *out <= max;
}

static bool need_number(struct cursor *c, const char *what, uint64_t max, uint64_t *out,
                        GError **err)
{
    const char *s = need(c, WORD_BARE, what, err), *end = "";

    if (!s)
        return false;
    if (!number(s, max, out, &end) || *end)
        return error_option(err, "%s is a number from 0 to %" PRIu64 ", not '%s'", what, max, s);
    return true;
}

/* "200M instructions", "1.5 seconds": sets the one. */
static bool amount(struct cursor *c, struct step_limit *to, GError **err)
{
    const char *s = need(c, WORD_BARE, "a number", err), *end;
    uint64_t n, scale = 1;
    double seconds;

    if (!s)
        return false;
    if (take(c, "seconds") || take(c, "second")) {
        seconds = g_ascii_strtod(s, (char **)&end);
        if (!g_ascii_isdigit(*s) || *end || !(seconds > 0 && seconds <= 1e9))
            return error_option(err, "'%s' is no number of seconds", s);
        to->ns = (int64_t)(seconds * 1e9);
        return true;
    }
    if (!take(c, "instructions"))
        return error_option(err, "after '%s' comes 'instructions' or 'seconds'", s);
    if (!number(s, UINT64_C(1000000000000), &n, &end))
        return error_option(err, "'%s' is no number of instructions", s);
    if (*end == 'K' || *end == 'M' || *end == 'G')
        scale = *end == 'K' ? 1000 : *end == 'M' ? 1000000 : 1000000000;
    if (!n || (*end && (scale == 1 || end[1])))
        return error_option(err, "'%s' is no number of instructions", s);
    to->instructions = n * scale;
    return true;
}

/* "serial", "serial2", "debugcon", "screen". */
static bool source(struct cursor *c, bool screen, unsigned *out, GError **err)
{
    static const char *const known[] = {"serial",  "serial2",  "serial3",
                                        "serial4", "debugcon", "screen"};
    const char *s = need(c, WORD_BARE, "a source of text", err), *near;

    if (!s)
        return false;
    for (*out = 0; *out < ARRAY_SIZE(known) - !screen; ++*out) {
        if (!strcmp(s, known[*out]))
            return true;
    }
    near = suggest(s, known, ARRAY_SIZE(known) - !screen);
    if (near)
        return error_option(err, "unknown source '%s'; did you mean '%s'?", s, near);
    return error_option(err, "unknown source '%s'", s);
}

static bool pattern(struct cursor *c, GRegex **out, GError **err)
{
    const struct word *w = peek(c);
    GError *why = NULL;
    char *escaped = NULL;

    if (!w || w->kind == WORD_BARE || !*w->s)
        return error_option(err, "what to look for is missing: \"text\" or /regular expression/");
    c->at++;
    if (w->kind == WORD_TEXT)
        escaped = g_regex_escape_string(w->s, -1);
    *out = g_regex_new(escaped ? escaped : w->s, G_REGEX_RAW | G_REGEX_MULTILINE | G_REGEX_OPTIMIZE,
                       0, &why);
    g_free(escaped);
    if (*out)
        return true;
    error_option(err, "%s", why->message);
    g_error_free(why);
    return false;
}

static bool text_step(struct step *s, enum step_kind kind, struct cursor *c, GError **err)
{
    s->kind = kind;
    return source(c, true, &s->source, err) && pattern(c, &s->regex, err);
}

static bool parse_wait(struct step *s, struct cursor *c, GError **err)
{
    const struct word *w = peek(c);

    if (take(c, "reset")) {
        s->kind = STEP_WAIT_RESET;
        return true;
    }
    if (w && w->kind == WORD_BARE && g_ascii_isdigit(*w->s)) {
        s->kind = STEP_WAIT_TIME;
        return amount(c, &s->within, err);
    }
    return text_step(s, STEP_WAIT_TEXT, c, err);
}

static bool parse_never(struct step *s, struct cursor *c, GError **err)
{
    return text_step(s, STEP_NEVER, c, err);
}

static bool parse_expect(struct step *s, struct cursor *c, GError **err)
{
    uint64_t n = 0;
    bool ok;

    if (take(c, "exit")) {
        s->kind = STEP_EXPECT_EXIT;
        ok = need_number(c, "the exit status", 255, &n, err);
        s->status = (int)n;
        return ok;
    }
    if (take(c, "powered")) {
        s->kind = STEP_EXPECT_EXIT;
        return take(c, "off") || error_option(err, "'powered' is followed by 'off'");
    }
    if (!text_step(s, STEP_EXPECT_TEXT, c, err))
        return false;
    if (!peek(c))
        return true;
    ok = need_number(c, "how many times", 1000000, &n, err);
    s->count = (unsigned)n;
    if (ok && s->source == SOURCE_SCREEN)
        return error_option(err, "on the screen nothing is counted");
    if (ok && !n)
        return error_option(err, "0 times is what 'never' says");
    return ok && (take(c, "times") || take(c, "time") ||
                  error_option(err, "after the number comes 'times'"));
}

static bool parse_type(struct step *s, struct cursor *c, GError **err)
{
    const struct word *w = peek(c);
    struct chord chord;
    const char *text;

    s->kind = STEP_TYPE;
    s->source = SOURCE_SCREEN;
    if (w && w->kind == WORD_BARE && !source(c, false, &s->source, err))
        return false;
    text = need(c, WORD_TEXT, "the \"text\" to type", err);
    if (!text)
        return false;
    if (s->source == SOURCE_DEBUGCON)
        return error_option(err, "nothing can be typed into the debug console");
    if (s->source != SOURCE_SCREEN) {
        s->bytes = g_strdup(text);
        return true;
    }
    s->chords = g_array_new(FALSE, FALSE, sizeof(struct chord));
    for (const char *p = text; *p; p++) {
        if (!key_type(*p, &chord))
            return error_option(err, "no key types the character of code %d", (unsigned char)*p);
        g_array_append_val(s->chords, chord);
    }
    return true;
}

static bool parse_keys(struct step *s, struct cursor *c, GError **err)
{
    const char *word = need(c, WORD_BARE, "a key", err);
    struct chord chord;

    s->kind = STEP_KEYS;
    s->chords = g_array_new(FALSE, FALSE, sizeof(struct chord));
    while (word) {
        if (!key_chord(word, &chord, err))
            return false;
        g_array_append_val(s->chords, chord);
        if (!peek(c))
            return true;
        word = need(c, WORD_BARE, "a key", err);
    }
    return false;
}

static bool is_hash(const char *s)
{
    return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static bool screenshot_detail(struct step *s, struct cursor *c, GError **err)
{
    uint64_t n;

    if (take(c, "sha256")) {
        s->hash = g_strdup(need(c, WORD_BARE, "a SHA-256 sum", err));
        if (s->hash && !is_hash(s->hash))
            return error_option(err, "a SHA-256 sum is 64 lower-case hexadecimal digits");
        return s->hash != NULL;
    }
    if (take(c, "like")) {
        s->file = g_strdup(need(c, WORD_BARE, "a PNG file", err));
        return s->file != NULL;
    }
    if (take(c, "mask")) {
        s->mask = g_strdup(need(c, WORD_BARE, "a PNG file", err));
        return s->mask != NULL;
    }
    if (take(c, "tolerance")) {
        if (!need_number(c, "the tolerance", 255, &n, err))
            return false;
        s->tolerance = (unsigned)n;
        return true;
    }
    if (take(c, "pixels"))
        return need_number(c, "how many pixels may differ", UINT32_MAX, &s->pixels, err);
    return error_option(err,
                        "'%s' says nothing of a screenshot: there are sha256, like, mask, "
                        "tolerance, pixels, within",
                        peek(c)->s);
}

static bool parse_screenshot(struct step *s, struct cursor *c, GError **err)
{
    s->kind = STEP_SCREENSHOT;
    s->name = g_strdup(need(c, WORD_BARE, "the screenshot's name", err));
    if (!s->name)
        return false;
    if (strspn(s->name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != strlen(s->name))
        return error_option(err, "a screenshot's name has a-z, 0-9, - and _ only, not '%s'",
                            s->name);
    while (peek(c) && strcmp(peek(c)->s, "within")) {
        if (!screenshot_detail(s, c, err))
            return false;
    }
    if ((s->mask || s->tolerance || s->pixels) && !s->file)
        return error_option(err, "mask, tolerance and pixels need 'like FILE'");
    if (s->hash && s->file)
        return error_option(err, "a screenshot has a sha256 or is like a file, not both");
    return true;
}

static bool parse_reset(struct step *s, struct cursor *c, GError **err)
{
    (void)c;
    (void)err;
    s->kind = STEP_RESET;
    return true;
}

static bool parse_power(struct step *s, struct cursor *c, GError **err)
{
    s->kind = STEP_POWER_BUTTON;
    return take(c, "button") || error_option(err, "'power' is followed by 'button'");
}

/* "cd", or the number of an IDE place. */
static bool drive(struct step *s, struct cursor *c, GError **err)
{
    uint64_t n;

    s->kind = STEP_MEDIUM;
    s->drive = MACHINE_FIRST_CD;
    if (take(c, "cd"))
        return true;
    if (!need_number(c, "the drive ('cd', or an IDE place)", 3, &n, err))
        return false;
    s->drive = (unsigned)n;
    return true;
}

static bool parse_eject(struct step *s, struct cursor *c, GError **err)
{
    return drive(s, c, err);
}

static bool parse_insert(struct step *s, struct cursor *c, GError **err)
{
    if (!drive(s, c, err))
        return false;
    s->file = g_strdup(need(c, WORD_BARE, "the image", err));
    return s->file != NULL;
}

static bool parse_limit(struct step *s, struct cursor *c, GError **err)
{
    s->kind = STEP_LIMIT;
    return amount(c, &s->within, err);
}

static const struct {
    const char *verb;
    bool (*fn)(struct step *s, struct cursor *c, GError **err);
    bool within; /* may take a limit of its own */
} verbs[] = {
    {"wait", parse_wait, true},     {"never", parse_never, false},
    {"expect", parse_expect, true}, {"type", parse_type, true},
    {"keys", parse_keys, false},    {"screenshot", parse_screenshot, true},
    {"reset", parse_reset, false},  {"power", parse_power, false},
    {"eject", parse_eject, false},  {"insert", parse_insert, false},
    {"limit", parse_limit, false},
};

static bool unknown_verb(const char *verb, GError **err)
{
    const char *known[ARRAY_SIZE(verbs)], *near;

    for (unsigned k = 0; k < ARRAY_SIZE(verbs); k++)
        known[k] = verbs[k].verb;
    near = suggest(verb, known, ARRAY_SIZE(verbs));
    if (near)
        return error_option(err, "unknown step '%s'; did you mean '%s'?", verb, near);
    return error_option(err,
                        "unknown step '%s' (there are wait, never, expect, type, keys, "
                        "screenshot, reset, power, eject, insert, limit)",
                        verb);
}

/* What may follow any step, and nothing else may. */
static bool finish(struct step *s, bool within, struct cursor *c, GError **err)
{
    bool limited = within && s->kind != STEP_WAIT_TIME && s->kind != STEP_EXPECT_TEXT;

    if (limited && take(c, "within") && !amount(c, &s->within, err))
        return false;
    if (peek(c))
        return error_option(err, "'%s' is too much here", peek(c)->s);
    return true;
}

static bool parse_words(struct step *s, struct cursor *c, GError **err)
{
    const char *verb = need(c, WORD_BARE, "a step", err);

    if (!verb)
        return false;
    for (unsigned k = 0; k < ARRAY_SIZE(verbs); k++) {
        if (!strcmp(verb, verbs[k].verb))
            return verbs[k].fn(s, c, err) && finish(s, verbs[k].within, c, err);
    }
    return unknown_verb(verb, err);
}

bool step_parse(struct step *s, const char *line, GError **err)
{
    struct cursor c = {.at = 0};
    bool ok;

    memset(s, 0, sizeof(*s));
    s->text = g_strstrip(g_strdup(line));
    ok = words_split(&c.words, line, err) && parse_words(s, &c, err);
    words_clear(&c.words);
    if (!ok)
        step_clear(s);
    return ok;
}

void step_clear(struct step *s)
{
    g_free(s->text);
    g_clear_pointer(&s->regex, g_regex_unref);
    g_free(s->bytes);
    if (s->chords)
        g_array_free(s->chords, TRUE);
    g_free(s->file);
    g_free(s->mask);
    g_free(s->name);
    g_free(s->hash);
    memset(s, 0, sizeof(*s));
}
