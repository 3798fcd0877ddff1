/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mouse side of the PS/2 cable. IBM PS/2 Hardware Interface Technical Reference, "Mouse"
 * (commands, data report, status), and Microsoft's description of the IntelliMouse reports: sample
 * rates 200, 100, 80 turn the wheel on, 200, 200, 80 the wheel and two more buttons.
 */
#include "devices/input/ps2_mouse.h"

#include "base/bits.h"
#include "base/log.h"

#include <glib.h>

#define OUT_SIZE    16
#define EVENT_COUNT 16

enum {
    CMD_SCALE_1 = 0xe6,
    CMD_SCALE_2 = 0xe7,
    CMD_SET_RESOLUTION = 0xe8,
    CMD_STATUS = 0xe9,
    CMD_STREAM = 0xea,
    CMD_READ = 0xeb,
    CMD_WRAP_OFF = 0xec,
    CMD_WRAP_ON = 0xee,
    CMD_REMOTE = 0xf0,
    CMD_GET_ID = 0xf2,
    CMD_SET_RATE = 0xf3,
    CMD_ENABLE = 0xf4,
    CMD_DISABLE = 0xf5,
    CMD_DEFAULTS = 0xf6,
    CMD_RESEND = 0xfe,
    CMD_RESET = 0xff,

    REPLY_BAT_OK = 0xaa,
    REPLY_ACK = 0xfa,
    REPLY_RESEND = 0xfe,
    REPLY_ERROR = 0xfc,

    ID_STANDARD = 0,
    ID_WHEEL = 3,
    ID_EXPLORER = 4,
};

/* What happened while the buttons stood as they are; movement not yet reported. */
struct mouse_event {
    int32_t dx, dy, dz; /* dy up, dz as reported: positive towards the user */
    uint8_t buttons;
};

struct ps2_mouse {
    struct device dev;
    struct ps2_port port;
    struct ps2_mouse_config cfg;
    struct timer report_timer;

    uint8_t out[OUT_SIZE]; /* replies and reports on their way to the controller */
    uint8_t out_len;
    uint8_t last_report[4]; /* for the resend command */
    uint8_t last_len;
    uint8_t pending; /* the command whose parameter comes next, 0 when none */
    uint8_t id;
    uint8_t rate, resolution;
    uint8_t rates[2]; /* the two sample rates set before the last */
    bool enabled, remote, wrap, scale2;
    struct mouse_event events[EVENT_COUNT]; /* oldest first; [0] always exists */
    uint8_t num_events;                     /* 1..EVENT_COUNT */
    uint8_t reported_buttons;
    int64_t next_report; /* ns: not before */
};

static void put(struct ps2_mouse *m, uint8_t val)
{
    if (m->out_len < OUT_SIZE)
        m->out[m->out_len++] = val;
}

static void clear_events(struct ps2_mouse *m)
{
    uint8_t buttons = m->events[m->num_events - 1].buttons;

    memset(m->events, 0, sizeof(m->events));
    m->events[0].buttons = buttons;
    m->num_events = 1;
}

static bool event_news(const struct ps2_mouse *m, const struct mouse_event *e)
{
    uint8_t mask = m->id == ID_EXPLORER ? 0x1f : 0x07;

    return e->dx || e->dy || (e->dz && m->id != ID_STANDARD) ||
           ((e->buttons ^ m->reported_buttons) & mask);
}

/* Stream mode's 2:1 scaling is not linear for small counts. */
static int scale(int v)
{
    static const int8_t small[] = {0, 1, 1, 3, 6, 9};
    int a = v < 0 ? -v : v;

    a = a < (int)ARRAY_SIZE(small) ? small[a] : 2 * a;
    return v < 0 ? -a : a;
}

/* Takes up to `max` counts out of *acc. */
static int take(int32_t *acc, int min, int max)
{
    int v = CLAMP(*acc, min, max);

    *acc -= v;
    return v;
}

/* Puts the report of the oldest event in the queue; the event goes when all of it is told. */
static void put_report(struct ps2_mouse *m, bool stream)
{
    struct mouse_event *e = &m->events[0];
    bool scaled = stream && m->scale2;
    int max = scaled ? 127 : 255;
    int dx = take(&e->dx, -max, max), dy = take(&e->dy, -max, max);
    int dz = take(&e->dz, -8, 7);
    uint8_t *r = m->last_report;

    if (scaled) {
        dx = scale(dx);
        dy = scale(dy);
    }
    r[0] = (uint8_t)(0x08 | (e->buttons & 7) | (dx < 0) << 4 | (dy < 0) << 5);
    r[1] = (uint8_t)dx;
    r[2] = (uint8_t)dy;
    r[3] = m->id == ID_EXPLORER ? (uint8_t)((dz & 0x0f) | (e->buttons & 0x18) << 1) : (uint8_t)dz;
    m->last_len = m->id == ID_STANDARD ? 3 : 4;
    for (unsigned k = 0; k < m->last_len; k++)
        put(m, r[k]);
    m->reported_buttons = e->buttons;
    if (m->id == ID_STANDARD)
        e->dz = 0;
    if (!e->dx && !e->dy && !e->dz && m->num_events > 1) {
        m->num_events--;
        memmove(m->events, m->events + 1, m->num_events * sizeof(m->events[0]));
    }
}

/* Stream mode: reports what is new, one report at a time and no faster than the sample rate. */
static void stream(struct ps2_mouse *m)
{
    int64_t now = clock_now(m->cfg.clock);

    if (!m->enabled || m->remote || m->wrap || m->out_len || m->pending)
        return;
    while (m->num_events > 1 && !event_news(m, &m->events[0])) {
        m->num_events--;
        memmove(m->events, m->events + 1, m->num_events * sizeof(m->events[0]));
    }
    if (!event_news(m, &m->events[0]))
        return;
    if (now < m->next_report) {
        timer_arm(&m->report_timer, m->next_report);
        return;
    }
    m->next_report = now + NS_PER_SEC / MAX(m->rate, 10);
    put_report(m, true);
    ps2_notify(&m->port);
}

static void report_fire(void *opaque)
{
    stream(opaque);
}

static int32_t add_clamped(int32_t a, int64_t b)
{
    return (int32_t)CLAMP(a + b, -65536, 65536);
}

void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy)
{
    struct mouse_event *e = &m->events[m->num_events - 1];

    if (m->wrap)
        return;
    e->dx = add_clamped(e->dx, dx);
    e->dy = add_clamped(e->dy, -(int64_t)dy);
    stream(m);
}

void ps2_mouse_wheel(struct ps2_mouse *m, int dz)
{
    struct mouse_event *e = &m->events[m->num_events - 1];

    if (m->wrap)
        return;
    e->dz = add_clamped(e->dz, -(int64_t)dz);
    stream(m);
}

void ps2_mouse_buttons(struct ps2_mouse *m, unsigned held)
{
    struct mouse_event *e = &m->events[m->num_events - 1];

    held &= 0x1f;
    if (held == e->buttons)
        return;
    if (!m->wrap && m->num_events < EVENT_COUNT && event_news(m, e)) {
        m->num_events++;
        e++;
        *e = (struct mouse_event){0};
    }
    e->buttons = (uint8_t)held;
    stream(m);
}

static void set_defaults(struct ps2_mouse *m)
{
    m->rate = 100;
    m->resolution = 2; /* four counts a millimetre */
    m->scale2 = m->enabled = m->remote = m->wrap = false;
    m->next_report = 0;
    clear_events(m);
    timer_cancel(&m->report_timer);
}

static void set_rate(struct ps2_mouse *m, uint8_t rate)
{
    if (rate == 80 && m->rates[0] == 200 && m->rates[1] == 100)
        m->id = ID_WHEEL;
    else if (rate == 80 && m->rates[0] == 200 && m->rates[1] == 200)
        m->id = ID_EXPLORER;
    m->rates[0] = m->rates[1];
    m->rates[1] = rate;
    m->rate = rate;
}

static void send_status(struct ps2_mouse *m)
{
    uint8_t b = m->events[m->num_events - 1].buttons;

    put(m,
        (uint8_t)(m->remote << 6 | m->enabled << 5 | m->scale2 << 4 | (b & PS2_MOUSE_LEFT ? 4 : 0) |
                  (b & PS2_MOUSE_MIDDLE ? 2 : 0) | (b & PS2_MOUSE_RIGHT ? 1 : 0)));
    put(m, m->resolution);
    put(m, m->rate);
}

static void parameter(struct ps2_mouse *m, uint8_t cmd, uint8_t val)
{
    if (cmd == CMD_SET_RATE && val >= 10 && val <= 200) {
        set_rate(m, val);
    } else if (cmd == CMD_SET_RESOLUTION && val <= 3) {
        m->resolution = val;
    } else {
        log_guest("mouse: bad parameter 0x%02x of command 0x%02x", val, cmd);
        put(m, REPLY_RESEND);
        return;
    }
    put(m, REPLY_ACK);
}

static void command(struct ps2_mouse *m, uint8_t cmd)
{
    put(m, REPLY_ACK);
    switch (cmd) {
    case CMD_SCALE_1: m->scale2 = false; break;
    case CMD_SCALE_2: m->scale2 = true; break;
    case CMD_STATUS: send_status(m); break;
    case CMD_STREAM:
        m->remote = false;
        clear_events(m);
        break;
    case CMD_READ: put_report(m, false); break;
    case CMD_WRAP_OFF: break; /* not in wrap mode: only acknowledged */
    case CMD_WRAP_ON: m->wrap = true; break;
    case CMD_REMOTE:
        m->remote = true;
        clear_events(m);
        break;
    case CMD_GET_ID: put(m, m->id); break;
    case CMD_SET_RATE:
    case CMD_SET_RESOLUTION: m->pending = cmd; break;
    case CMD_ENABLE:
        m->enabled = true;
        clear_events(m);
        break;
    case CMD_DISABLE:
        m->enabled = false;
        clear_events(m);
        break;
    case CMD_DEFAULTS: set_defaults(m); break;
    case CMD_RESET:
        set_defaults(m);
        m->id = ID_STANDARD;
        memset(m->rates, 0, sizeof(m->rates));
        put(m, REPLY_BAT_OK);
        put(m, m->id);
        break;
    default:
        m->out[m->out_len - 1] = REPLY_RESEND;
        log_guest("mouse: unknown command 0x%02x", cmd);
        break;
    }
}

static void mouse_write(void *opaque, uint8_t val)
{
    struct ps2_mouse *m = opaque;
    uint8_t pending = m->pending;

    m->out_len = 0; /* a byte from the system ends whatever was being sent */
    m->pending = 0;
    if (m->wrap && val != CMD_RESET && val != CMD_WRAP_OFF) {
        put(m, val);
    } else if (val == CMD_WRAP_OFF && m->wrap) {
        m->wrap = false;
        put(m, REPLY_ACK);
    } else if (val == CMD_RESEND) {
        for (unsigned k = 0; k < m->last_len; k++)
            put(m, m->last_report[k]);
        if (!m->last_len)
            put(m, REPLY_ERROR);
    } else if (pending) {
        parameter(m, pending, val);
    } else {
        command(m, val);
    }
    ps2_notify(&m->port);
}

static int mouse_read(void *opaque)
{
    struct ps2_mouse *m = opaque;
    uint8_t val;

    if (!m->out_len)
        return -1;
    val = m->out[0];
    memmove(m->out, m->out + 1, --m->out_len);
    /* the next report, if any, comes from the timer: notify is not allowed in here */
    if (!m->out_len && m->enabled && !m->remote)
        timer_arm(&m->report_timer, MAX(m->next_report, clock_now(m->cfg.clock)));
    return val;
}

static void mouse_reset(void *self)
{
    struct ps2_mouse *m = self;

    m->num_events = 1;
    set_defaults(m);
}

static void mouse_post_load(void *self)
{
    struct ps2_mouse *m = self;

    m->out_len = MIN(m->out_len, OUT_SIZE);
    m->last_len = MIN(m->last_len, 4);
    m->num_events = CLAMP(m->num_events, 1, EVENT_COUNT);
    if (m->enabled)
        timer_arm(&m->report_timer, m->next_report);
    else
        timer_cancel(&m->report_timer);
}

static void mouse_destroy(void *self)
{
    struct ps2_mouse *m = self;

    timer_cancel(&m->report_timer);
    g_free(m);
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct ps2_mouse, out),         STATE_FIELD(struct ps2_mouse, out_len),
    STATE_ARRAY(struct ps2_mouse, last_report), STATE_FIELD(struct ps2_mouse, last_len),
    STATE_FIELD(struct ps2_mouse, pending),     STATE_FIELD(struct ps2_mouse, id),
    STATE_FIELD(struct ps2_mouse, rate),        STATE_FIELD(struct ps2_mouse, resolution),
    STATE_ARRAY(struct ps2_mouse, rates),       STATE_FIELD(struct ps2_mouse, enabled),
    STATE_FIELD(struct ps2_mouse, remote),      STATE_FIELD(struct ps2_mouse, wrap),
    STATE_FIELD(struct ps2_mouse, scale2),      STATE_ARRAY(struct ps2_mouse, events),
    STATE_FIELD(struct ps2_mouse, num_events),  STATE_FIELD(struct ps2_mouse, reported_buttons),
    STATE_FIELD(struct ps2_mouse, next_report), STATE_END,
};

static const struct device_type mouse_type = {
    .name = "ps2-mouse",
    .version = 1,
    .fields = fields,
    .reset = mouse_reset,
    .post_load = mouse_post_load,
    .destroy = mouse_destroy,
};

struct ps2_mouse *ps2_mouse_new(const struct ps2_mouse_config *cfg)
{
    struct ps2_mouse *m = g_new0(struct ps2_mouse, 1);

    m->cfg = *cfg;
    m->port = (struct ps2_port){.self = m, .write = mouse_write, .read = mouse_read};
    m->dev = (struct device){.type = &mouse_type, .self = m};
    timer_init(&m->report_timer, cfg->clock, report_fire, m);
    device_reset(&m->dev);
    return m;
}

struct device *ps2_mouse_device(struct ps2_mouse *m)
{
    return &m->dev;
}

struct ps2_port *ps2_mouse_port(struct ps2_mouse *m)
{
    return &m->port;
}
