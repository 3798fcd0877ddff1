/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyboard side of the PS/2 cable. IBM PS/2 Hardware Interface Technical Reference, "101- and
 * 102-key keyboards": commands from the system, scan code sets, the 16-byte buffer and its overrun,
 * typematic rates. The grey keys' imitation shifts are left out; no driver looks at them.
 */
#include "devices/input/ps2_kbd.h"

#include "base/bits.h"
#include "base/log.h"
#include "devices/input/ps2_keys.h"

#include <glib.h>

#define FIFO_SIZE  16
#define REPLY_SIZE 8

enum {
    CMD_SET_LEDS = 0xed,
    CMD_ECHO = 0xee,
    CMD_SCAN_SET = 0xf0,
    CMD_GET_ID = 0xf2,
    CMD_SET_RATE = 0xf3,
    CMD_ENABLE = 0xf4,
    CMD_DISABLE = 0xf5,
    CMD_DEFAULTS = 0xf6,
    CMD_ALL_TYPEMATIC = 0xf7,
    CMD_ALL_MAKE_BREAK = 0xf8,
    CMD_ALL_MAKE = 0xf9,
    CMD_ALL_BOTH = 0xfa,
    CMD_KEY_TYPEMATIC = 0xfb,
    CMD_KEY_MAKE_BREAK = 0xfc,
    CMD_KEY_MAKE = 0xfd,
    CMD_RESEND = 0xfe,
    CMD_RESET = 0xff,

    REPLY_BAT_OK = 0xaa,
    REPLY_ACK = 0xfa,
    REPLY_RESEND = 0xfe,

    RATE_DEFAULT = 0x2b, /* half a second, then 10.9 a second */
};

/* set3_flags[] */
enum {
    SET3_BREAK = 1 << 0,
    SET3_REPEAT = 1 << 1,
};

struct ps2_kbd {
    struct device dev;
    struct ps2_port port;
    struct ps2_kbd_config cfg;
    struct timer repeat;

    uint8_t reply[REPLY_SIZE]; /* answers to commands; they overtake scan codes */
    uint8_t reply_len;
    uint8_t fifo[FIFO_SIZE]; /* scan codes, a ring */
    uint8_t fifo_head, fifo_len;
    bool overrun; /* a code was lost since the buffer was last read empty */
    uint8_t last_sent;
    uint8_t pending; /* the command whose parameter comes next, 0 when none */
    uint8_t scan_set;
    uint8_t rate; /* typematic byte */
    uint8_t leds;
    bool scanning;
    uint8_t set3_flags[256]; /* by set 3 code */
    uint8_t down[PKEY_COUNT];
    uint16_t print_screen; /* what its press sent, so that the release matches */
    uint16_t repeat_key;   /* enum pkey; PKEY_NONE when nothing repeats */
    int64_t repeat_at;     /* ns, while repeat_key is set */
};

/* The buffer, the bytes of one key at a time: a code that does not fit is dropped whole, and the
 * overrun mark takes the last place. */
static void put_codes(struct ps2_kbd *k, const uint8_t *seq, unsigned len)
{
    if (k->overrun)
        return;
    if (k->fifo_len + len > FIFO_SIZE - 1) {
        k->overrun = true;
        k->fifo[(k->fifo_head + k->fifo_len++) % FIFO_SIZE] = k->scan_set == 1 ? 0xff : 0x00;
    } else {
        while (len--)
            k->fifo[(k->fifo_head + k->fifo_len++) % FIFO_SIZE] = *seq++;
    }
    ps2_notify(&k->port);
}

static void put_reply(struct ps2_kbd *k, uint8_t val)
{
    if (k->reply_len < REPLY_SIZE)
        k->reply[k->reply_len++] = val;
    ps2_notify(&k->port);
}

static void clear_codes(struct ps2_kbd *k)
{
    k->fifo_head = k->fifo_len = 0;
    k->overrun = false;
}

/* Appends the bytes of one set 2 code (0xe0XX: prefixed) in set 1 or 2. */
static unsigned encode(const struct ps2_kbd *k, uint8_t *seq, uint16_t code, bool release)
{
    unsigned n = 0;

    if (code >> 8)
        seq[n++] = (uint8_t)(code >> 8);
    if (k->scan_set == 1) {
        seq[n++] = (uint8_t)(ps2_set2_to_set1((uint8_t)code) | (release ? 0x80 : 0));
    } else {
        if (release)
            seq[n++] = 0xf0;
        seq[n++] = (uint8_t)code;
    }
    return n;
}

static bool shift_or_ctrl(const struct ps2_kbd *k)
{
    return k->down[PKEY_LEFTSHIFT] || k->down[PKEY_RIGHTSHIFT] || k->down[PKEY_LEFTCTRL] ||
           k->down[PKEY_RIGHTCTRL];
}

static void send_print_screen(struct ps2_kbd *k, bool down)
{
    uint8_t seq[8];
    unsigned n = 0;

    if (down) {
        if (k->down[PKEY_LEFTALT] || k->down[PKEY_RIGHTALT])
            k->print_screen = 0x84; /* SysRq */
        else
            k->print_screen = shift_or_ctrl(k) ? 0xe07c : 0xe012;
    }
    if (k->print_screen != 0xe012) {
        n = encode(k, seq, k->print_screen, !down);
    } else if (down) {
        n = encode(k, seq, 0xe012, false);
        n += encode(k, seq + n, 0xe07c, false);
    } else {
        n = encode(k, seq, 0xe07c, true);
        n += encode(k, seq + n, 0xe012, true);
    }
    put_codes(k, seq, n);
}

/* Pause says all it has to say when it goes down. */
static void send_pause(struct ps2_kbd *k)
{
    static const uint8_t set2[] = {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77};
    static const uint8_t set1[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};

    if (k->down[PKEY_LEFTCTRL] || k->down[PKEY_RIGHTCTRL]) {
        uint8_t seq[8];
        unsigned n = encode(k, seq, 0xe07e, false);

        n += encode(k, seq + n, 0xe07e, true);
        put_codes(k, seq, n);
    } else if (k->scan_set == 1) {
        put_codes(k, set1, sizeof(set1));
    } else {
        put_codes(k, set2, sizeof(set2));
    }
}

static void send_set3(struct ps2_kbd *k, enum pkey key, bool down)
{
    uint8_t code = ps2_key_codes(key)->set3;
    uint8_t seq[2] = {0xf0, code};

    if (!code)
        return;
    if (down)
        put_codes(k, &code, 1);
    else if (k->set3_flags[code] & SET3_BREAK)
        put_codes(k, seq, 2);
}

static void send_key(struct ps2_kbd *k, enum pkey key, bool down)
{
    uint8_t seq[4];

    if (k->scan_set == 3)
        send_set3(k, key, down);
    else if (key == PKEY_SYSRQ)
        send_print_screen(k, down);
    else if (key != PKEY_PAUSE)
        put_codes(k, seq, encode(k, seq, ps2_key_codes(key)->set2, !down));
    else if (down)
        send_pause(k);
}

/* Typematic byte: delay (1 + bits 6..5) * 250 ms, period (8 + bits 2..0) * 2^(bits 4..3) / 240 s.
 */
static int64_t repeat_delay(const struct ps2_kbd *k)
{
    return (1 + (int64_t)bits(k->rate, 6, 5)) * 250 * 1000000;
}

static int64_t repeat_period(const struct ps2_kbd *k)
{
    return ((8 + (int64_t)bits(k->rate, 2, 0)) << bits(k->rate, 4, 3)) * NS_PER_SEC / 240;
}

static bool repeats(const struct ps2_kbd *k, enum pkey key)
{
    if (key == PKEY_PAUSE)
        return false;
    return k->scan_set != 3 || (k->set3_flags[ps2_key_codes(key)->set3] & SET3_REPEAT);
}

static void stop_repeat(struct ps2_kbd *k)
{
    k->repeat_key = PKEY_NONE;
    timer_cancel(&k->repeat);
}

static void repeat_fire(void *opaque)
{
    struct ps2_kbd *k = opaque;
    int64_t now = clock_now(k->cfg.clock);

    if (k->repeat_key == PKEY_NONE)
        return;
    /* a guest that does not read gets no backlog of repeats */
    if (k->scanning && !k->fifo_len)
        send_key(k, (enum pkey)k->repeat_key, true);
    k->repeat_at += repeat_period(k);
    if (k->repeat_at <= now)
        k->repeat_at = now + repeat_period(k);
    timer_arm(&k->repeat, k->repeat_at);
}

void ps2_kbd_key(struct ps2_kbd *k, enum pkey key, bool down)
{
    if (key <= PKEY_NONE || key >= PKEY_COUNT || k->down[key] == down)
        return;
    if (k->scanning)
        send_key(k, key, down);
    k->down[key] = down;
    if (down && repeats(k, key)) {
        k->repeat_key = (uint16_t)key;
        k->repeat_at = clock_now(k->cfg.clock) + repeat_delay(k);
        timer_arm(&k->repeat, k->repeat_at);
    } else if (down || k->repeat_key == (uint16_t)key) {
        stop_repeat(k);
    }
}

void ps2_kbd_release_all(struct ps2_kbd *k)
{
    for (unsigned key = 1; key < PKEY_COUNT; key++)
        ps2_kbd_key(k, (enum pkey)key, false);
}

static void set3_all(struct ps2_kbd *k, uint8_t flags)
{
    memset(k->set3_flags, flags, sizeof(k->set3_flags));
}

static void set_defaults(struct ps2_kbd *k)
{
    k->scan_set = 2;
    k->rate = RATE_DEFAULT;
    for (unsigned code = 0; code < 256; code++) {
        switch (ps2_set3_kind((uint8_t)code)) {
        case PS2_SET3_TYPEMATIC: k->set3_flags[code] = SET3_REPEAT; break;
        case PS2_SET3_MAKE_BREAK: k->set3_flags[code] = SET3_BREAK; break;
        case PS2_SET3_MAKE: k->set3_flags[code] = 0; break;
        }
    }
    clear_codes(k);
    stop_repeat(k);
}

static void set_leds(struct ps2_kbd *k, uint8_t leds)
{
    k->leds = leds & 7;
    if (k->cfg.leds)
        k->cfg.leds(k->cfg.leds_opaque, k->leds);
}

/* The byte after a command that takes one. False: it is no parameter but a new command. */
static bool parameter(struct ps2_kbd *k, uint8_t cmd, uint8_t val)
{
    if (val >= CMD_SET_LEDS)
        return false;
    switch (cmd) {
    case CMD_SET_LEDS: set_leds(k, val); break;
    case CMD_SET_RATE: k->rate = val & 0x7f; break;
    case CMD_SCAN_SET:
        if (val > 3) {
            put_reply(k, REPLY_RESEND);
            return true;
        }
        put_reply(k, REPLY_ACK);
        if (val) {
            clear_codes(k);
            k->scan_set = val;
        } else {
            put_reply(k, k->scan_set);
        }
        return true;
    case CMD_KEY_TYPEMATIC: k->set3_flags[val] = SET3_REPEAT; break;
    case CMD_KEY_MAKE_BREAK: k->set3_flags[val] = SET3_BREAK; break;
    case CMD_KEY_MAKE: k->set3_flags[val] = 0; break;
    }
    /* the key commands take a list of codes, ended by the next command */
    if (cmd >= CMD_KEY_TYPEMATIC && cmd <= CMD_KEY_MAKE)
        k->pending = cmd;
    put_reply(k, REPLY_ACK);
    return true;
}

static void reset_by_command(struct ps2_kbd *k)
{
    set_defaults(k);
    set_leds(k, 0);
    k->scanning = true;
    put_reply(k, REPLY_ACK);
    put_reply(k, REPLY_BAT_OK);
}

/* Commands that only need an acknowledgement. */
static void simple_command(struct ps2_kbd *k, uint8_t cmd)
{
    put_reply(k, REPLY_ACK);
    switch (cmd) {
    case CMD_ENABLE:
        clear_codes(k);
        k->scanning = true;
        break;
    case CMD_DISABLE:
        set_defaults(k);
        k->scanning = false;
        break;
    case CMD_DEFAULTS: set_defaults(k); break;
    case CMD_ALL_TYPEMATIC: set3_all(k, SET3_REPEAT); break;
    case CMD_ALL_MAKE_BREAK: set3_all(k, SET3_BREAK); break;
    case CMD_ALL_MAKE: set3_all(k, 0); break;
    case CMD_ALL_BOTH: set3_all(k, SET3_REPEAT | SET3_BREAK); break;
    default: k->pending = cmd; break; /* takes a parameter */
    }
}

static void kbd_write(void *opaque, uint8_t val)
{
    struct ps2_kbd *k = opaque;
    uint8_t pending = k->pending;

    k->pending = 0;
    if (val != CMD_RESEND)
        k->reply_len = 0; /* a new byte ends whatever was still being answered */
    if (pending && parameter(k, pending, val))
        return;
    switch (val) {
    case CMD_ECHO: put_reply(k, CMD_ECHO); break;
    case CMD_GET_ID:
        put_reply(k, REPLY_ACK);
        put_reply(k, 0xab);
        put_reply(k, 0x83);
        break;
    case CMD_RESEND: put_reply(k, k->last_sent); break;
    case CMD_RESET: reset_by_command(k); break;
    case 0xef:
    case 0xf1: put_reply(k, REPLY_RESEND); break;
    default:
        if (val >= CMD_SET_LEDS) {
            simple_command(k, val);
        } else {
            log_guest("keyboard: unknown command 0x%02x", val);
            put_reply(k, REPLY_RESEND);
        }
        break;
    }
}

static int kbd_read(void *opaque)
{
    struct ps2_kbd *k = opaque;

    if (k->reply_len) {
        k->last_sent = k->reply[0];
        memmove(k->reply, k->reply + 1, --k->reply_len);
        return k->last_sent;
    }
    /* while a command waits for its parameter the keyboard holds its scan codes back */
    if (!k->fifo_len || k->pending)
        return -1;
    k->last_sent = k->fifo[k->fifo_head];
    k->fifo_head = (k->fifo_head + 1) % FIFO_SIZE;
    if (!--k->fifo_len)
        k->overrun = false;
    return k->last_sent;
}

static void kbd_reset(void *self)
{
    struct ps2_kbd *k = self;

    /* the self test after power-on; its 0xaa comes before the controller listens and is not kept */
    set_defaults(k);
    k->scanning = true;
    set_leds(k, 0);
}

static void kbd_post_load(void *self)
{
    struct ps2_kbd *k = self;

    k->reply_len = MIN(k->reply_len, REPLY_SIZE);
    k->fifo_len = MIN(k->fifo_len, FIFO_SIZE);
    k->fifo_head %= FIFO_SIZE;
    if (k->repeat_key >= PKEY_COUNT)
        k->repeat_key = PKEY_NONE;
    if (k->repeat_key != PKEY_NONE)
        timer_arm(&k->repeat, k->repeat_at);
    else
        timer_cancel(&k->repeat);
    set_leds(k, k->leds);
}

static void kbd_destroy(void *self)
{
    struct ps2_kbd *k = self;

    timer_cancel(&k->repeat);
    g_free(k);
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct ps2_kbd, reply),        STATE_FIELD(struct ps2_kbd, reply_len),
    STATE_ARRAY(struct ps2_kbd, fifo),         STATE_FIELD(struct ps2_kbd, fifo_head),
    STATE_FIELD(struct ps2_kbd, fifo_len),     STATE_FIELD(struct ps2_kbd, overrun),
    STATE_FIELD(struct ps2_kbd, last_sent),    STATE_FIELD(struct ps2_kbd, pending),
    STATE_FIELD(struct ps2_kbd, scan_set),     STATE_FIELD(struct ps2_kbd, rate),
    STATE_FIELD(struct ps2_kbd, leds),         STATE_FIELD(struct ps2_kbd, scanning),
    STATE_ARRAY(struct ps2_kbd, set3_flags),   STATE_ARRAY(struct ps2_kbd, down),
    STATE_FIELD(struct ps2_kbd, print_screen), STATE_FIELD(struct ps2_kbd, repeat_key),
    STATE_FIELD(struct ps2_kbd, repeat_at),    STATE_END,
};

static const struct device_type kbd_type = {
    .name = "ps2-kbd",
    .version = 1,
    .fields = fields,
    .reset = kbd_reset,
    .post_load = kbd_post_load,
    .destroy = kbd_destroy,
};

struct ps2_kbd *ps2_kbd_new(const struct ps2_kbd_config *cfg)
{
    struct ps2_kbd *k = g_new0(struct ps2_kbd, 1);

    k->cfg = *cfg;
    k->port = (struct ps2_port){.self = k, .write = kbd_write, .read = kbd_read};
    k->dev = (struct device){.type = &kbd_type, .self = k};
    timer_init(&k->repeat, cfg->clock, repeat_fire, k);
    device_reset(&k->dev);
    return k;
}

struct device *ps2_kbd_device(struct ps2_kbd *k)
{
    return &k->dev;
}

struct ps2_port *ps2_kbd_port(struct ps2_kbd *k)
{
    return &k->port;
}

bool ps2_kbd_taken(const struct ps2_kbd *k)
{
    return !k->fifo_len;
}

unsigned ps2_kbd_leds(const struct ps2_kbd *k)
{
    return k->leds;
}
