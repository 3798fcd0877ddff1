/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyboard controller's own program as a PC sees it: status, command byte, output port, and the
 * one-byte output buffer that both devices share. IBM PS/2 Hardware Interface Technical Reference,
 * "Keyboard and Auxiliary Device Controller"; 82C42 data sheet for the RAM commands.
 */
#include "devices/input/i8042.h"

#include "base/bits.h"
#include "base/lint.h"
#include "base/log.h"
#include "devices/input/ps2_keys.h"

#define RAM_SIZE  32
#define CTL_QUEUE 4

/* Between two bytes from the devices: much less than the cable needs, enough for an interrupt
 * handler that reads the data port twice to see the same byte. */
#define BYTE_NS 250000

enum {
    STATUS_OBF = 1 << 0,
    STATUS_SYS = 1 << 2,
    STATUS_COMMAND = 1 << 3,
    STATUS_UNLOCKED = 1 << 4,
    STATUS_AUX = 1 << 5,

    CCR_IRQ1 = 1 << 0,
    CCR_IRQ12 = 1 << 1,
    CCR_SYS = 1 << 2,
    CCR_KBD_OFF = 1 << 4,
    CCR_AUX_OFF = 1 << 5,
    CCR_TRANSLATE = 1 << 6,

    OUT_NO_RESET = 1 << 0,
    OUT_A20 = 1 << 1,
    OUT_LINES = 0xcc, /* the cables' clock and data lines, idle */
    OUT_IRQ1 = 1 << 4,
    OUT_IRQ12 = 1 << 5,

    INPUT_PORT = 0xa0, /* not locked, no manufacturing jumper, colour display */
};

struct i8042 {
    struct device dev;
    struct i8042_config cfg;
    struct bus_region data_port, command_port;
    struct timer byte_timer;

    uint8_t ram[RAM_SIZE]; /* ram[0] is the command byte */
    uint8_t obf_data;
    bool obf;               /* the output buffer is full */
    bool obf_aux;           /* ... with the mouse's data */
    bool last_was_command;  /* the last write went to 0x64 */
    uint8_t pending;        /* the command whose parameter comes next on 0x60, 0 when none */
    bool a20;               /* bit 1 of the output port */
    bool translate_release; /* a 0xf0 was taken from the keyboard */
    uint8_t ctl[CTL_QUEUE]; /* the controller's own replies that wait for the buffer */
    uint8_t ctl_aux;        /* bit k: ctl[k] is to look like the mouse's */
    uint8_t ctl_len;
    int64_t next_byte; /* ns: no device byte before */

    bool looked; /* status was read since the last write; for strict mode, not state */
};

static void update_irqs(struct i8042 *c)
{
    irq_set(c->cfg.irq1, c->obf && !c->obf_aux && (c->ram[0] & CCR_IRQ1));
    irq_set(c->cfg.irq12, c->obf && c->obf_aux && (c->ram[0] & CCR_IRQ12));
}

static void load(struct i8042 *c, uint8_t val, bool aux)
{
    c->obf = true;
    c->obf_data = val;
    c->obf_aux = aux;
    update_irqs(c);
}

/* The keyboard's next byte after translation, or -1. */
static int kbd_byte(struct i8042 *c)
{
    for (;;) {
        int val = c->cfg.kbd->read(c->cfg.kbd->self);

        if (val < 0 || !(c->ram[0] & CCR_TRANSLATE))
            return val;
        if (val == 0xf0) {
            c->translate_release = true;
            continue;
        }
        val = ps2_set2_to_set1((uint8_t)val);
        if (c->translate_release)
            val |= 0x80;
        c->translate_release = false;
        return val;
    }
}

/* Fills the output buffer when it is empty and there is something to put in. */
static void pull(struct i8042 *c)
{
    int val;

    if (c->obf)
        return;
    if (c->ctl_len) {
        uint8_t reply = c->ctl[0];
        bool aux = c->ctl_aux & 1;

        memmove(c->ctl, c->ctl + 1, --c->ctl_len);
        c->ctl_aux >>= 1;
        load(c, reply, aux);
        return;
    }
    if (clock_now(c->cfg.clock) < c->next_byte) {
        timer_arm(&c->byte_timer, c->next_byte);
        return;
    }
    if (c->cfg.kbd && !(c->ram[0] & CCR_KBD_OFF)) {
        val = kbd_byte(c);
        if (val >= 0) {
            load(c, (uint8_t)val, false);
            return;
        }
    }
    if (c->cfg.aux && !(c->ram[0] & CCR_AUX_OFF)) {
        val = c->cfg.aux->read(c->cfg.aux->self);
        if (val >= 0)
            load(c, (uint8_t)val, true);
    }
}

static void pull_event(void *opaque)
{
    pull(opaque);
}

/* Something the controller itself says. */
static void reply(struct i8042 *c, uint8_t val, bool aux)
{
    if (c->ctl_len == CTL_QUEUE) {
        log_guest("i8042: replies nobody reads");
        return;
    }
    c->ctl_aux = (uint8_t)((c->ctl_aux & ~(1u << c->ctl_len)) | (unsigned)aux << c->ctl_len);
    c->ctl[c->ctl_len++] = val;
    pull(c);
}

static void set_a20(struct i8042 *c, bool on)
{
    c->a20 = on;
    irq_set(c->cfg.a20, on);
}

static void write_output_port(struct i8042 *c, uint8_t val)
{
    set_a20(c, val & OUT_A20);
    if (!(val & OUT_NO_RESET))
        irq_pulse(c->cfg.reset);
}

static uint8_t read_output_port(const struct i8042 *c)
{
    return (uint8_t)(OUT_LINES | OUT_NO_RESET | (c->a20 ? OUT_A20 : 0) |
                     (c->obf && !c->obf_aux ? OUT_IRQ1 : 0) |
                     (c->obf && c->obf_aux ? OUT_IRQ12 : 0));
}

/* The command byte's bits changed: interrupts and clock lines follow. */
static void set_ccr(struct i8042 *c, uint8_t val)
{
    c->ram[0] = val & 0x7f;
    update_irqs(c);
    pull(c);
}

static void self_test(struct i8042 *c)
{
    c->obf = false;
    c->ctl_len = 0;
    c->translate_release = false;
    c->ram[0] |= CCR_SYS;
    update_irqs(c);
    reply(c, 0x55, false);
}

static void command(struct i8042 *c, uint8_t cmd)
{
    c->pending = 0;
    switch (cmd) {
    case 0x20 ... 0x3f: reply(c, c->ram[cmd & 0x1f], false); break;
    case 0x60 ... 0x7f:
    case 0xa5: /* load the password: there is no lock; its bytes end with a zero */
    case 0xd1:
    case 0xd2:
    case 0xd3:
    case 0xd4: c->pending = cmd; break;
    case 0xa4: reply(c, 0xf1, false); break; /* no password installed */
    case 0xa6: break;
    case 0xa7: set_ccr(c, c->ram[0] | CCR_AUX_OFF); break;
    case 0xa8: set_ccr(c, c->ram[0] & (uint8_t)~CCR_AUX_OFF); break;
    case 0xa9:
    case 0xab:
        reply(c, 0x00, false); /* the interface's lines are fine */
        break;
    case 0xaa: self_test(c); break;
    case 0xad: set_ccr(c, c->ram[0] | CCR_KBD_OFF); break;
    case 0xae: set_ccr(c, c->ram[0] & (uint8_t)~CCR_KBD_OFF); break;
    case 0xaf: reply(c, 0x00, false); break; /* firmware revision */
    case 0xc0: reply(c, INPUT_PORT, false); break;
    case 0xd0: reply(c, read_output_port(c), false); break;
    case 0xdd: set_a20(c, false); break;
    case 0xdf: set_a20(c, true); break;
    case 0xe0: reply(c, 0x00, false); break; /* test inputs */
    case 0xf0 ... 0xff:
        if (!(cmd & OUT_NO_RESET))
            irq_pulse(c->cfg.reset);
        break;
    default:
        log_guest("i8042: unknown command 0x%02x", cmd);
        lint_report_of(LINT_KBC_COMMAND, cmd, "i8042: command 0x%02x is reserved", cmd);
        break;
    }
}

/* A byte for the keyboard or the mouse switches its clock line on. */
static void to_device(struct i8042 *c, struct ps2_port *port, uint8_t off_bit, uint8_t val)
{
    c->ram[0] &= (uint8_t)~off_bit;
    if (port)
        port->write(port->self, val);
    pull(c);
}

static void parameter(struct i8042 *c, uint8_t cmd, uint8_t val)
{
    switch (cmd) {
    case 0x60: set_ccr(c, val); break;
    case 0x61 ... 0x7f: c->ram[cmd & 0x1f] = val; break;
    case 0xa5:
        if (val)
            c->pending = cmd;
        break;
    case 0xd1: write_output_port(c, val); break;
    case 0xd2: reply(c, val, false); break;
    case 0xd3: reply(c, val, true); break;
    case 0xd4: to_device(c, c->cfg.aux, CCR_AUX_OFF, val); break;
    }
}

/* Before each byte for the controller its input buffer must be seen empty. It always is, here. */
static void lint_write(struct i8042 *c, unsigned port, uint8_t val)
{
    if (!c->looked)
        lint_report(LINT_KBC_BUSY,
                    "i8042: 0x%02x to port 0x%x with no look at the input buffer before", val,
                    port);
    c->looked = false;
}

static uint64_t data_read(void *opaque, uint64_t off, unsigned size)
{
    struct i8042 *c = opaque;
    uint8_t val = c->obf_data;

    (void)off;
    (void)size;
    if (c->obf) {
        c->obf = false;
        c->next_byte = clock_now(c->cfg.clock) + BYTE_NS;
        update_irqs(c);
        pull(c);
    } else {
        lint_report(LINT_KBC_EMPTY, "i8042: port 0x60 read while the output buffer is empty");
    }
    return val;
}

static void data_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct i8042 *c = opaque;
    uint8_t cmd = c->pending;

    (void)off;
    (void)size;
    lint_write(c, 0x60, (uint8_t)val);
    c->last_was_command = false;
    c->pending = 0;
    if (cmd)
        parameter(c, cmd, (uint8_t)val);
    else
        to_device(c, c->cfg.kbd, CCR_KBD_OFF, (uint8_t)val);
}

static uint64_t status_read(void *opaque, uint64_t off, unsigned size)
{
    struct i8042 *c = opaque;

    (void)off;
    (void)size;
    c->looked = true;
    return STATUS_UNLOCKED | (c->obf ? STATUS_OBF : 0) | (c->obf && c->obf_aux ? STATUS_AUX : 0) |
           (c->ram[0] & CCR_SYS ? STATUS_SYS : 0) | (c->last_was_command ? STATUS_COMMAND : 0);
}

static void command_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct i8042 *c = opaque;

    (void)off;
    (void)size;
    lint_write(c, 0x64, (uint8_t)val);
    c->last_was_command = true;
    command(c, (uint8_t)val);
}

static const struct bus_ops data_ops = {data_read, data_write, 1, 1};
static const struct bus_ops command_ops = {status_read, command_write, 1, 1};

static void i8042_reset(void *self)
{
    struct i8042 *c = self;

    timer_cancel(&c->byte_timer);
    c->ram[0] = CCR_IRQ1 | CCR_IRQ12 | CCR_TRANSLATE;
    c->looked = false;
    update_irqs(c);
    set_a20(c, true);
}

static void i8042_post_load(void *self)
{
    struct i8042 *c = self;

    c->ctl_len = MIN(c->ctl_len, CTL_QUEUE);
    c->looked = true;
    irq_set(c->cfg.a20, c->a20);
    update_irqs(c);
    timer_arm(&c->byte_timer, c->next_byte);
}

static void i8042_destroy(void *self)
{
    struct i8042 *c = self;

    timer_cancel(&c->byte_timer);
    if (c->cfg.kbd)
        c->cfg.kbd->notify = NULL;
    if (c->cfg.aux)
        c->cfg.aux->notify = NULL;
    bus_unmap(&c->data_port);
    bus_unmap(&c->command_port);
    g_free(c);
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct i8042, ram),
    STATE_FIELD(struct i8042, obf_data),
    STATE_FIELD(struct i8042, obf),
    STATE_FIELD(struct i8042, obf_aux),
    STATE_FIELD(struct i8042, last_was_command),
    STATE_FIELD(struct i8042, pending),
    STATE_FIELD(struct i8042, a20),
    STATE_FIELD(struct i8042, translate_release),
    STATE_ARRAY(struct i8042, ctl),
    STATE_FIELD(struct i8042, ctl_aux),
    STATE_FIELD(struct i8042, ctl_len),
    STATE_FIELD(struct i8042, next_byte),
    STATE_END,
};

static const struct device_type i8042_type = {
    .name = "i8042",
    .version = 1,
    .fields = fields,
    .reset = i8042_reset,
    .post_load = i8042_post_load,
    .destroy = i8042_destroy,
};

static void plug(struct i8042 *c, struct ps2_port *port)
{
    if (!port)
        return;
    port->notify = pull_event;
    port->notify_opaque = c;
}

struct i8042 *i8042_new(const struct i8042_config *cfg, GError **err)
{
    struct i8042 *c = g_new0(struct i8042, 1);

    c->cfg = *cfg;
    c->dev = (struct device){.type = &i8042_type, .self = c};
    timer_init(&c->byte_timer, cfg->clock, pull_event, c);
    bus_region_init(&c->data_port, "i8042 data", 1, &data_ops, c);
    bus_region_init(&c->command_port, "i8042 command", 1, &command_ops, c);
    plug(c, cfg->kbd);
    plug(c, cfg->aux);
    if (!bus_map(cfg->ports, &c->data_port, 0x60, err) ||
        !bus_map(cfg->ports, &c->command_port, 0x64, err)) {
        i8042_destroy(c);
        return NULL;
    }
    device_reset(&c->dev);
    return c;
}

struct device *i8042_device(struct i8042 *c)
{
    return &c->dev;
}
