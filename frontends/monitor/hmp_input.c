/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The human monitor: mice and tablets. */
#include "base/lock.h"
#include "devices/input/input_router.h"
#include "frontends/monitor/hmp.h"
#include "machine/board.h"

#define MAX_MOVE 100000

static bool mice(struct hmp *h, json_t *args, GString *out, GError **err)
{
    struct board *b = h->mon->board;
    const struct input_pointer *p, *active;

    (void)args;
    (void)err;
    lock_take(b->lock);
    active = input_router_active(b->input);
    for (unsigned n = 0; (p = input_router_pointer(b->input, n)); n++)
        g_string_append_printf(out, "%c Mouse #%u: %s%s\n", p == active ? '*' : ' ', n, p->name,
                               p->absolute ? " (absolute)" : "");
    lock_drop(b->lock);
    return true;
}

static bool mouse_set(struct hmp *h, json_t *args, GString *out, GError **err)
{
    struct board *b = h->mon->board;
    int64_t n = args_int(args, "index", 0);
    bool ok;

    (void)out;
    lock_take(b->lock);
    ok = n >= 0 && n < (int64_t)INPUT_MAX && input_router_select(b->input, (unsigned)n);
    lock_drop(b->lock);
    return ok || monitor_fail(err, "there is no mouse %" G_GINT64_FORMAT ": see 'info mice'", n);
}

static bool mouse_move(struct hmp *h, json_t *args, GString *out, GError **err)
{
    struct board *b = h->mon->board;
    int64_t dx = args_int(args, "dx", 0), dy = args_int(args, "dy", 0);
    int64_t dz = args_int(args, "dz", 0);

    (void)out;
    if (MAX(ABS(dx), MAX(ABS(dy), ABS(dz))) > MAX_MOVE)
        return monitor_fail(err, "that is too far");
    lock_take(b->lock);
    input_router_move(b->input, (int)dx, (int)dy);
    input_router_wheel(b->input, (int)dz);
    lock_drop(b->lock);
    return true;
}

/* QEMU's numbers: 1 left, 2 middle, 4 right. */
static bool mouse_button(struct hmp *h, json_t *args, GString *out, GError **err)
{
    struct board *b = h->mon->board;
    int64_t state = args_int(args, "state", 0);

    (void)out;
    if (state < 0 || state > 7)
        return monitor_fail(err, "the buttons are 1 (left), 2 (middle) and 4 (right), or a sum");
    lock_take(b->lock);
    input_router_buttons(b->input, (state & 1 ? INPUT_LEFT : 0) | (state & 2 ? INPUT_MIDDLE : 0) |
                                       (state & 4 ? INPUT_RIGHT : 0));
    lock_drop(b->lock);
    return true;
}

static const struct mon_command commands[] = {
    {"info mice", "", "the mice and tablets, and which of them is used", .hmp = mice},
    {"mouse_set", "index:i", "makes another one the one that is used", .hmp = mouse_set},
    {"mouse_move", "dx:i,dy:i,dz:i?", "moves the mouse, and turns its wheel", .hmp = mouse_move},
    {"mouse_button", "state:i", "what is held of the buttons: 1 left, 2 middle, 4 right",
     .hmp = mouse_button},
};
const struct mon_group hmp_input = {commands, G_N_ELEMENTS(commands)};
