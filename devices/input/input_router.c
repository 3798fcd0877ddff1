/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See input_router.h. Who is active is asked anew for each event: it follows what guests do. */
#include "devices/input/input_router.h"

#include <glib.h>

struct input_router {
    struct input_keyboard *keyboard[INPUT_MAX];
    struct input_pointer *pointer[INPUT_MAX];
    unsigned n_keyboards, n_pointers;
    struct input_keyboard *pressed_at[PKEY_COUNT]; /* NULL: the key is up */
    struct input_pointer *selected;                /* by a person, or NULL */
    struct input_pointer *held_at;                 /* who was told of the buttons last */
    unsigned held;
};

struct input_router *input_router_new(void)
{
    return g_new0(struct input_router, 1);
}

void input_router_free(struct input_router *r)
{
    g_free(r);
}

bool input_router_add_keyboard(struct input_router *r, struct input_keyboard *k)
{
    if (r->n_keyboards == INPUT_MAX)
        return false;
    r->keyboard[r->n_keyboards++] = k;
    return true;
}

bool input_router_add_pointer(struct input_router *r, struct input_pointer *p)
{
    if (r->n_pointers == INPUT_MAX)
        return false;
    r->pointer[r->n_pointers++] = p;
    return true;
}

void input_router_remove_keyboard(struct input_router *r, struct input_keyboard *k)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->n_keyboards; i++) {
        if (r->keyboard[i] != k)
            r->keyboard[n++] = r->keyboard[i];
    }
    r->n_keyboards = n;
    for (unsigned key = 0; key < PKEY_COUNT; key++) {
        if (r->pressed_at[key] == k)
            r->pressed_at[key] = NULL;
    }
}

void input_router_remove_pointer(struct input_router *r, struct input_pointer *p)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->n_pointers; i++) {
        if (r->pointer[i] != p)
            r->pointer[n++] = r->pointer[i];
    }
    r->n_pointers = n;
    if (r->selected == p)
        r->selected = NULL;
    if (r->held_at == p)
        r->held_at = NULL;
}

/* ---- keys ---- */

static struct input_keyboard *active_keyboard(struct input_router *r)
{
    for (unsigned n = r->n_keyboards; n-- > 0;) {
        struct input_keyboard *k = r->keyboard[n];

        if (!k->ready || k->ready(k->self))
            return k;
    }
    return NULL;
}

void input_router_key(struct input_router *r, enum pkey key, bool down)
{
    struct input_keyboard *k;

    if (key <= PKEY_NONE || key >= PKEY_COUNT)
        return;
    k = r->pressed_at[key] ? r->pressed_at[key] : active_keyboard(r);
    r->pressed_at[key] = down ? k : NULL;
    if (k)
        k->key(k->self, key, down);
}

void input_router_release_keys(struct input_router *r)
{
    for (unsigned key = 1; key < PKEY_COUNT; key++) {
        if (r->pressed_at[key])
            input_router_key(r, (enum pkey)key, false);
    }
}

bool input_router_taken(struct input_router *r)
{
    struct input_keyboard *k = active_keyboard(r);

    return !k || k->taken(k->self);
}

unsigned input_router_leds(struct input_router *r)
{
    struct input_keyboard *k = active_keyboard(r);

    return k ? k->leds(k->self) : 0;
}

/* ---- the pointer ---- */

static bool ready(const struct input_pointer *p)
{
    return !p->ready || p->ready(p->self);
}

/* The best of one sort. */
static struct input_pointer *best(struct input_router *r, bool absolute)
{
    if (r->selected && r->selected->absolute == absolute && ready(r->selected))
        return r->selected;
    for (unsigned n = r->n_pointers; n-- > 0;) {
        if (r->pointer[n]->absolute == absolute && ready(r->pointer[n]))
            return r->pointer[n];
    }
    return NULL;
}

static struct input_pointer *active_pointer(struct input_router *r)
{
    struct input_pointer *p;

    if (r->selected && ready(r->selected))
        return r->selected;
    p = best(r, true);
    return p ? p : best(r, false);
}

bool input_router_absolute(struct input_router *r)
{
    struct input_pointer *p = active_pointer(r);

    return p && p->absolute;
}

void input_router_move(struct input_router *r, int dx, int dy)
{
    struct input_pointer *p = best(r, false);

    if (p && (dx || dy))
        p->move(p->self, dx, dy);
}

void input_router_place(struct input_router *r, int x, int y)
{
    struct input_pointer *p = best(r, true);

    if (p)
        p->move(p->self, CLAMP(x, 0, INPUT_ABS_MAX), CLAMP(y, 0, INPUT_ABS_MAX));
}

void input_router_wheel(struct input_router *r, int detents)
{
    struct input_pointer *p = active_pointer(r);

    if (p && detents)
        p->wheel(p->self, detents);
}

void input_router_buttons(struct input_router *r, unsigned held)
{
    struct input_pointer *p = active_pointer(r);

    if (r->held_at && r->held_at != p)
        r->held_at->buttons(r->held_at->self, 0);
    r->held_at = p;
    r->held = held;
    if (p)
        p->buttons(p->self, held);
}

unsigned input_router_held(const struct input_router *r)
{
    return r->held;
}

const struct input_pointer *input_router_pointer(const struct input_router *r, unsigned n)
{
    return n < r->n_pointers ? r->pointer[n] : NULL;
}

const struct input_pointer *input_router_active(struct input_router *r)
{
    return active_pointer(r);
}

bool input_router_select(struct input_router *r, unsigned n)
{
    if (n >= r->n_pointers)
        return false;
    r->selected = r->pointer[n];
    return true;
}
