/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See keyer.h. A queue of steps, and a timer of the machine's clock for those that wait. */
#include "frontends/monitor/keyer.h"

#include <glib.h>

#include "base/lock.h"
#include "machine/board.h"

struct step {
    int64_t after; /* ns behind the step before */
    enum pkey key;
    bool down;
};

struct keyer {
    struct board *board;
    struct timer timer; /* the next two: device lock */
    GQueue steps;
};

/* Device lock held. Does what is due, and waits for what is not. */
static void go_on(void *opaque)
{
    struct keyer *k = opaque;
    struct step *s;

    while ((s = g_queue_peek_head(&k->steps))) {
        if (s->after) {
            timer_arm(&k->timer, clock_now(k->board->clock) + s->after);
            s->after = 0;
            return;
        }
        input_router_key(k->board->input, s->key, s->down);
        g_free(g_queue_pop_head(&k->steps));
    }
}

struct keyer *keyer_new(struct board *b)
{
    struct keyer *k = g_new0(struct keyer, 1);

    k->board = b;
    timer_init(&k->timer, b->clock, go_on, k);
    g_queue_init(&k->steps);
    return k;
}

void keyer_forget(struct keyer *k)
{
    lock_take(k->board->lock);
    timer_cancel(&k->timer);
    g_queue_clear_full(&k->steps, g_free);
    lock_drop(k->board->lock);
}

void keyer_free(struct keyer *k)
{
    if (!k)
        return;
    keyer_forget(k);
    g_free(k);
}

static void push(struct keyer *k, int64_t after, enum pkey key, bool down)
{
    struct step *s = g_new(struct step, 1);

    *s = (struct step){after, key, down};
    g_queue_push_tail(&k->steps, s);
}

bool keyer_chord(struct keyer *k, const enum pkey *keys, unsigned n, int64_t hold_ns)
{
    bool room;

    lock_take(k->board->lock);
    room = g_queue_get_length(&k->steps) + 2 * n <= KEYER_MAX_WAIT;
    if (room) {
        for (unsigned i = 0; i < n; i++)
            push(k, 0, keys[i], true);
        for (unsigned i = n; i-- > 0;)
            push(k, i == n - 1 ? hold_ns : 0, keys[i], false);
        if (!timer_armed(&k->timer))
            go_on(k);
    }
    lock_drop(k->board->lock);
    return room;
}
