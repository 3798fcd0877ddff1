/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See input.h. */
#include "frontends/sdl/input.h"

/* Keys that wait for a guest that reads none are lost then, as with any keyboard. */
#define INPUT_MAX_WAITING 256u

enum kind { KIND_KEY, KIND_RELEASE, KIND_MOUSE, KIND_PLACE };

struct event {
    enum kind kind;
    enum pkey key;
    bool down;
    int dx, dy, wheel; /* or the place */
    unsigned buttons;
};

struct input {
    const struct input_ops *ops;
    void *opaque;
    GQueue events;  /* of struct event */
    GArray *typing; /* of struct key_stroke */
    guint typed;    /* of these, done */
};

struct input *input_new(const struct input_ops *ops, void *opaque)
{
    struct input *in = g_new0(struct input, 1);

    in->ops = ops;
    in->opaque = opaque;
    g_queue_init(&in->events);
    in->typing = g_array_new(FALSE, FALSE, sizeof(struct key_stroke));
    return in;
}

void input_free(struct input *in)
{
    if (!in)
        return;
    g_queue_clear_full(&in->events, g_free);
    g_array_unref(in->typing);
    g_free(in);
}

static void push(struct input *in, struct event e)
{
    g_queue_push_tail(&in->events, g_memdup2(&e, sizeof(e)));
}

void input_key(struct input *in, enum pkey key, bool down)
{
    push(in, (struct event){.kind = KIND_KEY, .key = key, .down = down});
}

void input_release_keys(struct input *in)
{
    push(in, (struct event){.kind = KIND_RELEASE});
}

/* Movements that wait are one. */
void input_mouse(struct input *in, int dx, int dy, int wheel, unsigned buttons)
{
    struct event *last = g_queue_peek_tail(&in->events);

    if (last && last->kind == KIND_MOUSE && last->buttons == buttons) {
        last->dx += dx;
        last->dy += dy;
        last->wheel += wheel;
        return;
    }
    push(in, (struct event){
                 .kind = KIND_MOUSE, .dx = dx, .dy = dy, .wheel = wheel, .buttons = buttons});
}

/* Of places that wait the last counts. */
void input_place(struct input *in, int x, int y)
{
    struct event *last = g_queue_peek_tail(&in->events);

    if (last && last->kind == KIND_PLACE) {
        last->dx = x;
        last->dy = y;
        return;
    }
    push(in, (struct event){.kind = KIND_PLACE, .dx = x, .dy = y});
}

void input_chord(struct input *in, const enum pkey *keys, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        input_key(in, keys[k], true);
    for (unsigned k = n; k-- > 0;)
        input_key(in, keys[k], false);
}

unsigned input_type(struct input *in, const struct keyboard_layout *layout, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    unsigned missing = 0;

    for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
        struct key_stroke s[KEYBOARD_MAX_STROKES];
        unsigned n;

        if (p[0] == '\r' && p[1] == '\n')
            continue;
        n = keyboard_layout_type(layout, g_utf8_get_char(p), s);
        missing += !n;
        g_array_append_vals(in->typing, s, n);
    }
    return missing;
}

unsigned input_typing(const struct input *in)
{
    return in->typing->len - in->typed;
}

void input_stop_typing(struct input *in)
{
    g_array_set_size(in->typing, 0);
    in->typed = 0;
}

static void deliver(struct input *in, const struct event *e)
{
    switch (e->kind) {
    case KIND_KEY: in->ops->key(in->opaque, e->key, e->down); break;
    case KIND_RELEASE: in->ops->release_keys(in->opaque); break;
    case KIND_MOUSE: in->ops->mouse(in->opaque, e->dx, e->dy, e->wheel, e->buttons); break;
    case KIND_PLACE: in->ops->place(in->opaque, e->dx, e->dy); break;
    }
}

/* The next keystroke of the text, once the guest has taken the one before. */
static void type_one(struct input *in)
{
    const struct key_stroke *s = &g_array_index(in->typing, struct key_stroke, in->typed);
    bool shift = s->shift != (s->caps && in->ops->caps(in->opaque));

    if (shift)
        in->ops->key(in->opaque, PKEY_LEFTSHIFT, true);
    if (s->altgr)
        in->ops->key(in->opaque, PKEY_RIGHTALT, true);
    in->ops->key(in->opaque, s->key, true);
    in->ops->key(in->opaque, s->key, false);
    if (s->altgr)
        in->ops->key(in->opaque, PKEY_RIGHTALT, false);
    if (shift)
        in->ops->key(in->opaque, PKEY_LEFTSHIFT, false);
    if (++in->typed == in->typing->len)
        input_stop_typing(in);
}

/* Keys go one by one as the guest reads them: a keyboard's buffer has room for a few, and a release
 * that is lost would repeat its key for ever. What moves goes past keys that wait. */
static void deliver_all(struct input *in)
{
    bool hurry = in->events.length > INPUT_MAX_WAITING, blocked = false;

    for (GList *l = in->events.head, *next; l; l = next) {
        struct event *e = l->data;
        bool typed = e->kind == KIND_KEY || e->kind == KIND_RELEASE;

        next = l->next;
        /* what comes up need not wait: held for longer than it was, it would repeat */
        blocked |= e->kind == KIND_KEY && e->down && !hurry && !in->ops->taken(in->opaque);
        if (typed && blocked)
            continue;
        deliver(in, e);
        g_free(e);
        g_queue_delete_link(&in->events, l);
    }
}

void input_tick(struct input *in)
{
    if ((g_queue_is_empty(&in->events) && !input_typing(in)) || !in->ops->lock(in->opaque))
        return;
    deliver_all(in);
    if (input_typing(in) && g_queue_is_empty(&in->events) && in->ops->taken(in->opaque))
        type_one(in);
    in->ops->unlock(in->opaque);
}
