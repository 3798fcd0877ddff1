/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See engine.h. */
#include "frontends/headless/engine.h"

#include <stdarg.h>
#include <string.h>

#include "base/mutant.h"

#define KEY_NS INT64_C(20000000) /* between two moves of a key: no guest of ours is slower */

enum outcome { LATER, DONE, FAILED };

void engine_init(struct engine *e, const GArray *steps, const struct engine_ops *ops, void *opaque)
{
    *e = (struct engine){.ops = ops,
                         .opaque = opaque,
                         .steps = steps,
                         .since_set = true, /* at 0, whenever the first look is */
                         .limit_ns = STEP_LIMIT_NS,
                         .limit_instructions = STEP_LIMIT_INSTRUCTIONS};
    e->bans = g_array_new(FALSE, FALSE, sizeof(struct engine_ban));
    for (unsigned k = 0; k < SOURCE_STREAMS; k++)
        text_stream_init(&e->stream[k]);
}

void engine_clear(struct engine *e)
{
    for (unsigned k = 0; k < SOURCE_STREAMS; k++)
        text_stream_clear(&e->stream[k]);
    g_array_free(e->bans, TRUE);
    g_free(e->why);
    g_free(e->screen);
    g_free(e->differs);
}

void engine_said(struct engine *e, unsigned source, const char *bytes, gsize len, uint64_t count)
{
    text_stream_add(&e->stream[source], bytes, len, count);
}

static const struct step *due(const struct engine *e)
{
    return e->at < e->steps->len ? &g_array_index(e->steps, struct step, e->at) : NULL;
}

const char *engine_doing(const struct engine *e)
{
    const struct step *s = due(e);

    return s ? s->text : "";
}

bool engine_watches_screen(const struct engine *e)
{
    const struct step *s = due(e);

    for (guint k = 0; k < e->bans->len; k++) {
        if (g_array_index(e->bans, struct engine_ban, k).step->source == SOURCE_SCREEN)
            return true;
    }
    return s && ((s->kind == STEP_WAIT_TEXT && s->source == SOURCE_SCREEN) ||
                 s->kind == STEP_SCREENSHOT);
}

__attribute__((format(printf, 2, 3))) static enum outcome fail(struct engine *e, const char *fmt,
                                                               ...)
{
    va_list ap;

    va_start(ap, fmt);
    e->why = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    return FAILED;
}

static enum outcome fail_error(struct engine *e, GError *err)
{
    enum outcome o = fail(e, "%s", err->message);

    g_error_free(err);
    return o;
}

/* How the machine ended, in words. */
static char *ended_how(int status)
{
    switch (status) {
    case 0: return g_strdup("powered off");
    case 3: return g_strdup("ended by a triple fault");
    case 4: return g_strdup("was reset and ended (-no-reboot)");
    default: return g_strdup_printf("ended with status %d", status);
    }
}

/* ---- text ---- */

static const char *screen(struct engine *e)
{
    if (!e->screen)
        e->screen = e->ops->screen(e->opaque);
    return e->screen;
}

/* 1, 0, -1 with an error. */
static int on_screen(struct engine *e, const GRegex *regex, GError **err)
{
    GError *why = NULL;
    int found = g_regex_match_full(regex, screen(e), -1, 0, 0, NULL, &why);

    if (why) {
        g_propagate_error(err, why);
        return -1;
    }
    return found;
}

static enum outcome wait_text(struct engine *e, const struct step *s)
{
    GError *err = NULL;
    int found;

    if (s->source == SOURCE_SCREEN) {
        found = on_screen(e, s->regex, &err);
    } else {
        if (!e->begun)
            text_stream_begin(&e->stream[s->source]);
        found = text_stream_wait(&e->stream[s->source], s->regex, &err);
    }
    if (found < 0)
        return fail_error(e, err);
    return found ? DONE : LATER;
}

static enum outcome expect_text(struct engine *e, const struct step *s)
{
    GError *err = NULL;
    int n;

    if (s->source == SOURCE_SCREEN)
        n = on_screen(e, s->regex, &err);
    else
        n = text_stream_count(&e->stream[s->source], s->regex, s->count ? s->count + 1 : 1, &err);
    if (n < 0)
        return fail_error(e, err);
    if (s->count && (unsigned)n != s->count)
        return fail(e, "it is there %s%d times", (unsigned)n > s->count ? "more than " : "",
                    (unsigned)n > s->count ? (int)s->count : n);
    if (!n)
        return fail(e, "it is not there");
    return DONE;
}

static enum outcome ban(struct engine *e, const struct step *s)
{
    struct engine_ban b = {.step = s};

    if (s->source != SOURCE_SCREEN)
        b.watch.begin = b.watch.seen = text_stream_total(&e->stream[s->source]);
    g_array_append_val(e->bans, b);
    return DONE;
}

/* True when all is well: nothing came that must not come. */
static bool keeps_bans(struct engine *e)
{
    for (guint k = 0; k < e->bans->len; k++) {
        struct engine_ban *b = &g_array_index(e->bans, struct engine_ban, k);
        const struct step *s = b->step;
        GError *err = NULL;
        int found;

        if (s->source == SOURCE_SCREEN)
            found = on_screen(e, s->regex, &err);
        else
            found = text_stream_seen(&e->stream[s->source], s->regex, &b->watch, &err);
        if (found < 0)
            fail_error(e, err);
        else if (found)
            e->why = g_strdup_printf("line %u: %s: it came", s->line, s->text);
        if (found)
            return false;
    }
    return true;
}

/* ---- keys ---- */

static void move(struct engine *e, const struct chord *c, bool down)
{
    for (unsigned k = 0; k < c->n; k++)
        e->ops->key(e->opaque, c->key[down ? k : c->n - 1 - k], down);
    e->key_down = down;
}

/* A chord a call at most, at a pace that the guest keeps up with. Typed keys are let go of at once:
 * if we come late, they would repeat. Larger chords are held, as they might not fit into the
 * keyboard's buffer. */
static enum outcome press(struct engine *e, const struct step *s)
{
    const struct chord *c = &g_array_index(s->chords, struct chord, MIN(e->typed, s->chords->len));
    int64_t now = e->ops->time_ns(e->opaque);

    /* the machine may end at the last press, before the release */
    if (e->typed + e->key_down == s->chords->len && e->ops->status(e->opaque) >= 0)
        return DONE;
    if (e->begun && (now < e->next_key_ns || !e->ops->keys_taken(e->opaque)))
        return LATER;
    if (e->typed == s->chords->len)
        return DONE;
    move(e, c, !e->key_down);
    if (e->key_down && c->n <= 2)
        move(e, c, false);
    e->typed += !e->key_down;
    e->next_key_ns = now + KEY_NS;
    return LATER;
}

static enum outcome type(struct engine *e, const struct step *s)
{
    gsize len;

    if (s->chords)
        return press(e, s);
    len = strlen(s->bytes + e->typed);
    e->typed += (guint)e->ops->send(e->opaque, s->source, s->bytes + e->typed, len);
    return s->bytes[e->typed] ? LATER : DONE;
}

/* ---- the rest ---- */

static enum outcome screenshot(struct engine *e, const struct step *s)
{
    GError *err = NULL;
    char *why = NULL;
    int ok = e->ops->screenshot(e->opaque, s, &why, &err);

    g_free(e->differs);
    e->differs = why;
    if (ok < 0)
        return fail_error(e, err);
    return ok ? DONE : LATER;
}

static enum outcome expect_exit(struct engine *e, const struct step *s)
{
    int status = e->ops->status(e->opaque);
    char *how;

    if (status < 0)
        return LATER;
    if (status == s->status)
        return DONE;
    how = ended_how(status);
    fail(e, "the machine %s", how);
    g_free(how);
    return FAILED;
}

static enum outcome wait_reset(struct engine *e)
{
    if (e->ops->resets(e->opaque) <= e->resets)
        return LATER;
    e->resets++;
    return DONE;
}

static enum outcome limit(struct engine *e, const struct step *s)
{
    if (s->within.ns)
        e->limit_ns = s->within.ns;
    else
        e->limit_instructions = s->within.instructions;
    return DONE;
}

static enum outcome medium(struct engine *e, const struct step *s)
{
    GError *err = NULL;

    return e->ops->medium(e->opaque, s, &err) ? DONE : fail_error(e, err);
}

static bool passed(const struct engine *e, const struct step_limit *l)
{
    return (l->ns && e->ops->time_ns(e->opaque) - e->since_ns >= l->ns) ||
           (l->instructions &&
            e->ops->instructions(e->opaque) - e->since_instructions >= l->instructions);
}

static enum outcome perform(struct engine *e, const struct step *s)
{
    switch (s->kind) {
    case STEP_WAIT_TEXT: return wait_text(e, s);
    case STEP_WAIT_TIME: return passed(e, &s->within) ? DONE : LATER;
    case STEP_WAIT_RESET: return wait_reset(e);
    case STEP_NEVER: return ban(e, s);
    case STEP_EXPECT_TEXT: return expect_text(e, s);
    case STEP_EXPECT_EXIT: return expect_exit(e, s);
    case STEP_TYPE: return type(e, s);
    case STEP_KEYS: return press(e, s);
    case STEP_SCREENSHOT: return screenshot(e, s);
    case STEP_RESET: e->ops->reset(e->opaque); return DONE;
    case STEP_POWER_BUTTON: e->ops->power_button(e->opaque); return DONE;
    case STEP_MEDIUM: return medium(e, s);
    case STEP_LIMIT: return limit(e, s);
    }
    return FAILED;
}

/* The limits that hold for the step: its own instead of the default. One of instructions leaves the
 * clock's in place, for guests that halt for good; one of seconds stands alone. */
static struct step_limit limits(const struct engine *e, const struct step *s)
{
    struct step_limit l = {.instructions = e->limit_instructions, .ns = e->limit_ns};

    if (s->within.instructions)
        l.instructions = s->within.instructions;
    if (s->within.ns)
        l = s->within;
    return l;
}

/* The step is not done: is there still hope? `status` is from before it was looked at: what the
 * machine did last, it did before its end. */
static enum outcome look_at_limits(struct engine *e, const struct step *s, int status)
{
    struct step_limit l = limits(e, s);

    if (status >= 0) {
        char *how = ended_how(status);

        fail(e, "the machine %s before that", how);
        g_free(how);
        return FAILED;
    }
    if (e->moving && !MUTANT(moving_guests_fail))
        l.instructions = 0; /* it may have said something since we listened */
    if (s->kind == STEP_WAIT_TIME || !passed(e, &l))
        return LATER;
    return fail(e, "not within %.1fM instructions or %.1f s of the guest's%s%s",
                (double)(e->ops->instructions(e->opaque) - e->since_instructions) / 1e6,
                (double)(e->ops->time_ns(e->opaque) - e->since_ns) / 1e9, e->differs ? ": " : "",
                e->differs ? e->differs : "");
}

static enum outcome too_late(struct engine *e, uint64_t took, const struct step_limit *l)
{
    return fail(e, "not within %.1fM instructions: after %.6fM", (double)l->instructions / 1e6,
                (double)took / 1e6);
}

/* The step is done: was it in time, however late we look? And when does the next one begin? What is
 * on the screen, and what we do to the guest, has no time but now. */
static enum outcome look_at_time(struct engine *e, const struct step *s)
{
    struct step_limit l = limits(e, s);
    uint64_t took;

    switch (s->kind) {
    case STEP_WAIT_TEXT:
        if (s->source == SOURCE_SCREEN)
            return DONE;
        took = e->stream[s->source].came - MIN(e->stream[s->source].came, e->since_instructions);
        if (l.instructions && took > l.instructions && !MUTANT(late_text_is_in_time))
            return too_late(e, took, &l);
        e->since_instructions += took;
        e->since_set = !MUTANT(steps_begin_when_seen);
        return DONE;
    case STEP_EXPECT_EXIT:
        took = e->ops->instructions(e->opaque) - e->since_instructions;
        return l.instructions && took > l.instructions ? too_late(e, took, &l) : DONE;
    case STEP_WAIT_TIME: /* it stood there */
        e->since_instructions += s->within.instructions;
        e->since_set = s->within.instructions != 0;
        return DONE;
    case STEP_NEVER:
    case STEP_EXPECT_TEXT:
    case STEP_LIMIT: e->since_set = true; return DONE;
    default: return DONE;
    }
}

static void begin(struct engine *e)
{
    e->begun = false;
    e->typed = 0;
    e->key_down = false;
    if (!e->since_set)
        e->since_instructions = e->ops->instructions(e->opaque);
    e->since_set = false;
    e->since_ns = e->ops->time_ns(e->opaque);
    g_clear_pointer(&e->differs, g_free);
}

static enum engine_state step(struct engine *e)
{
    const struct step *s;

    while ((s = due(e))) {
        int status = e->ops->status(e->opaque);
        enum outcome o;

        if (!e->begun)
            begin(e);
        o = perform(e, s);
        e->begun = true;
        if (o == DONE)
            o = look_at_time(e, s);
        if (o == LATER)
            o = look_at_limits(e, s, status);
        if (o == LATER)
            return ENGINE_RUNS;
        if (o == FAILED) {
            char *what = e->why;

            e->why = g_strdup_printf("line %u: %s: %s", s->line, s->text, what);
            g_free(what);
            return ENGINE_FAILED;
        }
        e->at++;
        e->begun = false;
    }
    return ENGINE_PASSED;
}

struct step_limit engine_left(const struct engine *e)
{
    const struct step *s = due(e);
    struct step_limit l = {0};

    if (!s)
        return l;
    l = s->kind == STEP_WAIT_TIME ? s->within : limits(e, s);
    if (l.ns)
        l.ns = MAX(l.ns - (e->ops->time_ns(e->opaque) - e->since_ns), 1);
    if (l.instructions) {
        uint64_t gone = e->ops->instructions(e->opaque) - e->since_instructions;

        l.instructions = gone < l.instructions ? l.instructions - gone : 1;
    }
    return l;
}

uint64_t engine_limit_at(const struct engine *e)
{
    const struct step *s = due(e);
    uint64_t n;

    if (!s || e->state != ENGINE_RUNS)
        return UINT64_MAX;
    n = s->kind == STEP_WAIT_TIME ? s->within.instructions : limits(e, s).instructions;
    return n && n < UINT64_MAX - e->since_instructions ? e->since_instructions + n : UINT64_MAX;
}

enum engine_state engine_poll(struct engine *e)
{
    if (e->state != ENGINE_RUNS)
        return e->state;
    g_clear_pointer(&e->screen, g_free);
    e->state = keeps_bans(e) ? step(e) : ENGINE_FAILED;
    /* what came together with the last step's text counts, too */
    if (e->state == ENGINE_PASSED && !MUTANT(bans_end_with_the_last_step) && !keeps_bans(e))
        e->state = ENGINE_FAILED;
    return e->state;
}
