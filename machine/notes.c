/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See notes.h: a queue, and a source of the main loop that empties it. */
#include "machine/notes.h"

#include "base/lock.h"

struct listener {
    void (*fn)(void *opaque, const struct machine_note *note);
    void *opaque;
};

struct machine_notes {
    struct lock lock;  /* innermost; protects the next two */
    GQueue queue;      /* of struct machine_note */
    guint source;      /* 0: none, the queue is empty */
    GArray *listeners; /* of struct listener; main thread */
};

struct machine_notes *notes_new(void)
{
    struct machine_notes *n = g_new0(struct machine_notes, 1);

    lock_init(&n->lock);
    g_queue_init(&n->queue);
    n->listeners = g_array_new(FALSE, FALSE, sizeof(struct listener));
    return n;
}

void notes_free(struct machine_notes *n)
{
    if (n->source)
        g_source_remove(n->source);
    g_queue_clear_full(&n->queue, g_free);
    g_array_free(n->listeners, TRUE);
    lock_clear(&n->lock);
    g_free(n);
}

void notes_listen(struct machine_notes *n,
                  void (*fn)(void *opaque, const struct machine_note *note), void *opaque)
{
    g_array_append_val(n->listeners, ((struct listener){fn, opaque}));
}

static struct machine_note *next(struct machine_notes *n)
{
    struct machine_note *note;

    lock_take(&n->lock);
    note = g_queue_pop_head(&n->queue);
    if (!note)
        n->source = 0;
    lock_drop(&n->lock);
    return note;
}

static gboolean tell(gpointer opaque)
{
    struct machine_notes *n = opaque;
    struct machine_note *note;

    while ((note = next(n))) {
        for (unsigned k = 0; k < n->listeners->len; k++) {
            struct listener *l = &g_array_index(n->listeners, struct listener, k);

            l->fn(l->opaque, note);
        }
        g_free(note);
    }
    return G_SOURCE_REMOVE;
}

static void post(struct machine_notes *n, const struct machine_note *what)
{
    struct machine_note *note = g_memdup2(what, sizeof(*what));

    note->real_us = g_get_real_time();
    lock_take(&n->lock);
    g_queue_push_tail(&n->queue, note);
    if (!n->source)
        n->source = g_idle_add_full(G_PRIORITY_HIGH, tell, n, NULL);
    lock_drop(&n->lock);
}

void notes_post(struct machine_notes *n, enum machine_event event, bool guest)
{
    post(n, &(struct machine_note){.event = event, .guest = guest});
}

void notes_post_tray(struct machine_notes *n, unsigned drive, bool open)
{
    post(n, &(struct machine_note){.event = MACHINE_EVENT_TRAY, .drive = drive, .tray_open = open});
}

void notes_post_error(struct machine_notes *n, unsigned drive, const struct block_error *e)
{
    post(n, &(struct machine_note){.event = MACHINE_EVENT_IMAGE_ERROR,
                                   .drive = drive,
                                   .reading = e->op == BLOCK_READ,
                                   .err = e->err,
                                   .policy = e->policy});
}
