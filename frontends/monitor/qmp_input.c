/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: keys and the mouse. */
#include <string.h>

#include "base/lock.h"
#include "devices/input/ps2_keys.h"
#include "frontends/monitor/command.h"
#include "frontends/monitor/keyer.h"
#include "frontends/monitor/qcode.h"
#include "machine/board.h"

#define HOLD_MS     100
#define MAX_HOLD_MS 3600000

/* By its code in scan code set 1, where 80h stands for the prefix e0h. */
static enum pkey key_by_number(int64_t number)
{
    for (unsigned k = 1; k < PKEY_COUNT; k++) {
        uint16_t set2 = ps2_key_codes((enum pkey)k)->set2;

        if (set2 && (ps2_set2_to_set1((uint8_t)set2) | (set2 >> 8 ? 0x80 : 0)) == number)
            return (enum pkey)k;
    }
    return number == 0xc6 ? PKEY_PAUSE : PKEY_NONE;
}

/* A KeyValue: {"type": "qcode", "data": NAME} or {"type": "number", "data": N}. */
static enum pkey parse_key(const json_t *j, GError **err)
{
    const char *type = json_string_value(json_object_get(j, "type"));
    const json_t *data = json_object_get(j, "data");
    enum pkey key = PKEY_NONE;

    if (!type || !data || json_object_size(j) != 2) {
        monitor_fail(err, "Parameter 'key' needs a 'type' and 'data'");
    } else if (!strcmp(type, "qcode") && json_is_string(data)) {
        key = qcode_find(json_string_value(data), json_string_length(data));
        if (!key)
            monitor_fail(err, "Parameter 'data': there is no key '%s'", json_string_value(data));
    } else if (!strcmp(type, "number") && json_is_integer(data)) {
        key = key_by_number(json_integer_value(data));
        if (!key)
            monitor_fail(err, "Parameter 'data': there is no key %" JSON_INTEGER_FORMAT,
                         json_integer_value(data));
    } else {
        monitor_fail(err, "Parameter 'type' must be 'qcode' with a string or 'number' with an "
                          "integer as 'data'");
    }
    return key;
}

static bool send_key(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    const json_t *list = json_object_get(args, "keys");
    int64_t hold = args_int(args, "hold-time", HOLD_MS);
    enum pkey keys[KEYER_MAX_KEYS];
    unsigned n = 0;
    const json_t *one;
    size_t k;

    (void)ret;
    if (hold < 0 || hold > MAX_HOLD_MS)
        return monitor_fail(err, "Parameter 'hold-time' must be 0 to %d milliseconds", MAX_HOLD_MS);
    if (json_array_size(list) > KEYER_MAX_KEYS)
        return monitor_fail(err, "Parameter 'keys' has more than %d keys", KEYER_MAX_KEYS);
    json_array_foreach(list, k, one)
    {
        keys[n] = parse_key(one, err);
        if (!keys[n++])
            return false;
    }
    /* never 0: a key that comes up at once is one that many guests do not see */
    if (!keyer_chord(mon->keyer, keys, n, (hold ? hold : HOLD_MS) * INT64_C(1000000)))
        return monitor_fail(err, "too many keys wait to be typed");
    return true;
}

/* ---- input-send-event ---- */

enum action { ACT_KEY, ACT_BUTTON, ACT_WHEEL, ACT_MOVE_X, ACT_MOVE_Y, ACT_PLACE_X, ACT_PLACE_Y };

struct act {
    enum action action;
    enum pkey key;
    unsigned button; /* INPUT_* */
    int amount;      /* pixels, detents, of INPUT_ABS_MAX */
    bool down;
};

static bool parse_button(const json_t *data, struct act *a, GError **err)
{
    static const struct {
        const char *name;
        unsigned button;
        int wheel;
    } buttons[] = {
        {"left", INPUT_LEFT, 0}, {"middle", INPUT_MIDDLE, 0}, {"right", INPUT_RIGHT, 0},
        {"side", INPUT_SIDE, 0}, {"extra", INPUT_EXTRA, 0},   {"wheel-up", 0, 1},
        {"wheel-down", 0, -1},
    };
    const char *name = args_string(data, "button", "");

    for (unsigned k = 0; k < G_N_ELEMENTS(buttons); k++) {
        if (strcmp(buttons[k].name, name))
            continue;
        a->action = buttons[k].wheel ? ACT_WHEEL : ACT_BUTTON;
        a->button = buttons[k].button;
        a->amount = buttons[k].wheel;
        a->down = args_bool(data, "down", false);
        return true;
    }
    return monitor_fail(err, "Parameter 'button' does not accept value '%s'", name);
}

static bool parse_move(const json_t *data, struct act *a, GError **err)
{
    const char *axis = args_string(data, "axis", "");
    int64_t value = args_int(data, "value", 0);

    if (strcmp(axis, "x") && strcmp(axis, "y"))
        return monitor_fail(err, "Parameter 'axis' does not accept value '%s'", axis);
    if (value < -100000 || value > 100000)
        return monitor_fail(err, "Parameter 'value' is out of range");
    a->action = *axis == 'x' ? ACT_MOVE_X : ACT_MOVE_Y;
    a->amount = (int)value;
    return true;
}

static bool parse_place(const json_t *data, struct act *a, GError **err)
{
    const char *axis = args_string(data, "axis", "");
    int64_t value = args_int(data, "value", 0);

    if (strcmp(axis, "x") && strcmp(axis, "y"))
        return monitor_fail(err, "Parameter 'axis' does not accept value '%s'", axis);
    if (value < 0 || value > INPUT_ABS_MAX)
        return monitor_fail(err, "Parameter 'value' must be 0 to %d", INPUT_ABS_MAX);
    a->action = *axis == 'x' ? ACT_PLACE_X : ACT_PLACE_Y;
    a->amount = (int)value;
    return true;
}

static bool parse_event(const json_t *event, struct act *a, GError **err)
{
    const json_t *data = json_object_get(event, "data");
    const char *type;

    if (!json_is_object(event))
        return monitor_fail(err, "Invalid parameter type for 'events', expected: objects");
    if (!args_check("type:s,data:o", event, err))
        return false;
    type = args_string(event, "type", "");
    if (!strcmp(type, "key")) {
        a->action = ACT_KEY;
        a->down = args_bool(data, "down", false);
        if (!args_check("down:b,key:o", data, err))
            return false;
        a->key = parse_key(json_object_get(data, "key"), err);
        return a->key != PKEY_NONE;
    }
    if (!strcmp(type, "btn"))
        return args_check("down:b,button:s", data, err) && parse_button(data, a, err);
    if (!strcmp(type, "rel"))
        return args_check("axis:s,value:i", data, err) && parse_move(data, a, err);
    if (!strcmp(type, "abs"))
        return args_check("axis:s,value:i", data, err) && parse_place(data, a, err);
    return monitor_fail(err,
                        "Parameter 'type' does not accept value '%s': there are key, btn, rel "
                        "and abs",
                        type);
}

/* Device lock held. */
static void perform(struct monitor *mon, const struct act *a)
{
    struct input_router *r = mon->board->input;
    unsigned held = input_router_held(r);

    switch (a->action) {
    case ACT_KEY: input_router_key(r, a->key, a->down); break;
    case ACT_MOVE_X: input_router_move(r, a->amount, 0); break;
    case ACT_MOVE_Y: input_router_move(r, 0, a->amount); break;
    case ACT_PLACE_X:
    case ACT_PLACE_Y:
        mon->pointer_at[a->action == ACT_PLACE_Y] = a->amount;
        input_router_place(r, mon->pointer_at[0], mon->pointer_at[1]);
        break;
    case ACT_WHEEL:
        if (a->down)
            input_router_wheel(r, a->amount);
        break;
    case ACT_BUTTON: input_router_buttons(r, a->down ? held | a->button : held & ~a->button); break;
    }
}

static bool input_send_event(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    const json_t *events = json_object_get(args, "events"), *one;
    GArray *acts;
    bool ok = true;
    size_t k;

    (void)ret;
    if (json_object_get(args, "device"))
        return monitor_fail_as(MONITOR_NO_DEVICE, err, "Device '%s' not found",
                               args_string(args, "device", ""));
    if (args_int(args, "head", 0))
        return monitor_fail(err, "Parameter 'head' must be 0: there is one screen");
    acts = g_array_new(FALSE, TRUE, sizeof(struct act));
    json_array_foreach(events, k, one) /* all are looked at before the first takes effect */
    {
        struct act a = {0};

        if (!parse_event(one, &a, err)) {
            ok = false;
            break;
        }
        g_array_append_val(acts, a);
    }
    lock_take(mon->board->lock);
    for (k = 0; ok && k < acts->len; k++)
        perform(mon, &g_array_index(acts, struct act, k));
    lock_drop(mon->board->lock);
    g_array_free(acts, TRUE);
    return ok;
}

static bool query_mice(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    struct input_router *r = mon->board->input;
    const struct input_pointer *p, *active;

    (void)args;
    (void)err;
    *ret = json_array();
    lock_take(mon->board->lock);
    active = input_router_active(r);
    for (unsigned n = 0; (p = input_router_pointer(r, n)); n++)
        json_array_append_new(*ret, json_pack("{s:s,s:i,s:b,s:b}", "name", p->name, "index", (int)n,
                                              "current", p == active, "absolute", p->absolute));
    lock_drop(mon->board->lock);
    return true;
}

static const struct mon_command commands[] = {
    {"send-key", "keys:a,hold-time:i?", "presses keys together and lets go of them",
     .qmp = send_key},
    {"input-send-event", "device:s?,head:i?,events:a", "key, button and mouse events",
     .qmp = input_send_event},
    {"query-mice", "", "the mice and tablets, and which of them is used", .qmp = query_mice},
};
const struct mon_group qmp_input = {commands, G_N_ELEMENTS(commands)};
