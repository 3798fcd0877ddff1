/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 16550A's registers, FIFOs and interrupts. National Semiconductor PC16550D data sheet:
 * register descriptions, FIFO interrupt mode operation, loopback. As on a PC, OUT2 lets the
 * interrupt through.
 */
#include "devices/pc/uart16550.h"

#include "base/bits.h"
#include "base/lint.h"

#define FIFO_SIZE 16
#define UART_HZ   1843200

enum {
    IER_RDA = 1 << 0,
    IER_THRE = 1 << 1,
    IER_RLS = 1 << 2,
    IER_MSR = 1 << 3,

    IIR_NONE = 0x01,
    IIR_MSR = 0x00,
    IIR_THRE = 0x02,
    IIR_RDA = 0x04,
    IIR_RLS = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_FIFOS = 0xc0,

    FCR_ENABLE = 1 << 0,
    FCR_CLEAR_RX = 1 << 1,
    FCR_CLEAR_TX = 1 << 2,

    LCR_STOP = 1 << 2,
    LCR_PARITY = 1 << 3,
    LCR_BREAK = 1 << 6,
    LCR_DLAB = 1 << 7,

    MCR_DTR = 1 << 0,
    MCR_RTS = 1 << 1,
    MCR_OUT1 = 1 << 2,
    MCR_OUT2 = 1 << 3,
    MCR_LOOP = 1 << 4,

    LSR_DR = 1 << 0,
    LSR_OE = 1 << 1,
    LSR_BI = 1 << 4,
    LSR_ERRORS = 0x1e,
    LSR_THRE = 1 << 5,
    LSR_TEMT = 1 << 6,
    LSR_FIFO_ERROR = 1 << 7,

    MSR_DCTS = 1 << 0,
    MSR_DDSR = 1 << 1,
    MSR_TERI = 1 << 2,
    MSR_DDCD = 1 << 3,
    MSR_CTS = 1 << 4,
    MSR_DSR = 1 << 5,
    MSR_RI = 1 << 6,
    MSR_DCD = 1 << 7,
};

struct uart16550 {
    struct device dev;
    struct uart16550_config cfg;
    struct bus_region ports;
    struct timer timeout_timer;

    uint8_t ier, lcr, mcr, msr, scr;
    uint8_t fcr;     /* the enable and trigger bits */
    uint16_t div;    /* the divisor latch */
    uint8_t errors;  /* LSR_OE and the errors of the byte at the head */
    bool thre_event; /* the transmitter ran empty and nobody has been told */
    bool timed_out;  /* the character timeout of the receiver's FIFO */
    uint8_t rx[FIFO_SIZE], rx_errors[FIFO_SIZE];
    uint8_t rx_head, rx_len;
    int64_t timeout_at; /* ns, while rx_len > 0 */

    /* for strict mode; not state */
    struct {
        bool divisor;     /* one was set */
        uint8_t unseen;   /* bytes sent since the transmitter was seen empty */
        uint8_t to_latch; /* writes to the divisor's low byte since DLAB was set */
    } lint;
};

static bool fifos(const struct uart16550 *u)
{
    return u->fcr & FCR_ENABLE;
}

static unsigned trigger(const struct uart16550 *u)
{
    static const uint8_t level[4] = {1, 4, 8, 14};

    return fifos(u) ? level[u->fcr >> 6] : 1;
}

static uint8_t identify(const struct uart16550 *u)
{
    if ((u->ier & IER_RLS) && (u->errors & LSR_ERRORS))
        return IIR_RLS;
    if ((u->ier & IER_RDA) && u->rx_len >= trigger(u))
        return IIR_RDA;
    if ((u->ier & IER_RDA) && u->timed_out)
        return IIR_TIMEOUT;
    if ((u->ier & IER_THRE) && u->thre_event)
        return IIR_THRE;
    if ((u->ier & IER_MSR) && (u->msr & 0x0f))
        return IIR_MSR;
    return IIR_NONE;
}

static void update_irq(struct uart16550 *u)
{
    /* in loopback the OUT2 pin is inactive, and with it the PC's interrupt gate */
    bool gate = (u->mcr & MCR_OUT2) && !(u->mcr & MCR_LOOP);

    irq_set(u->cfg.irq, gate && identify(u) != IIR_NONE);
}

static unsigned word_bits(const struct uart16550 *u)
{
    return 5 + (u->lcr & 3u);
}

static uint8_t word(const struct uart16550 *u, uint8_t val)
{
    return val & (uint8_t)(0xff >> (8 - word_bits(u)));
}

/* Four character times, the receiver's timeout; kept sensible for absurd divisors. */
static int64_t timeout_ns(const struct uart16550 *u)
{
    unsigned nbits = 1 + word_bits(u) + (u->lcr & LCR_PARITY ? 1 : 0) + (u->lcr & LCR_STOP ? 2 : 1);
    uint64_t ns = muldiv64(4ull * nbits * 16 * (u->div ? u->div : 1), NS_PER_SEC, UART_HZ);

    return (int64_t)MIN(ns, 50000000u);
}

/* The receiver's FIFO was filled or read: its timeout starts over. */
static void restart_timeout(struct uart16550 *u)
{
    u->timed_out = false;
    if (!fifos(u) || !u->rx_len) {
        timer_cancel(&u->timeout_timer);
        return;
    }
    u->timeout_at = clock_now(u->cfg.clock) + timeout_ns(u);
    timer_arm(&u->timeout_timer, u->timeout_at);
}

static void timeout_fire(void *opaque)
{
    struct uart16550 *u = opaque;

    u->timed_out = u->rx_len > 0;
    update_irq(u);
}

static void push(struct uart16550 *u, uint8_t val, uint8_t errors)
{
    unsigned size = fifos(u) ? FIFO_SIZE : 1;

    if (u->rx_len >= size) {
        u->errors |= LSR_OE;
        if (!fifos(u))
            u->rx[u->rx_head] = val; /* the holding register is overwritten, the FIFO is not */
        return;
    }
    u->rx[(u->rx_head + u->rx_len) % FIFO_SIZE] = val;
    u->rx_errors[(u->rx_head + u->rx_len) % FIFO_SIZE] = errors;
    if (!u->rx_len++)
        u->errors |= errors;
}

static void clear_rx(struct uart16550 *u)
{
    u->rx_head = u->rx_len = 0;
    restart_timeout(u);
}

static size_t can_receive(void *opaque)
{
    const struct uart16550 *u = opaque;

    if (u->mcr & MCR_LOOP)
        return 0;
    return fifos(u) ? FIFO_SIZE - u->rx_len : !u->rx_len;
}

static void receive(void *opaque, const uint8_t *buf, size_t len)
{
    struct uart16550 *u = opaque;

    while (len--)
        push(u, word(u, *buf++), 0);
    restart_timeout(u);
    update_irq(u);
}

static void ask_for_input(struct uart16550 *u)
{
    if (u->cfg.chr && can_receive(u))
        char_accept_input(u->cfg.chr);
}

static uint8_t read_rbr(struct uart16550 *u)
{
    uint8_t val = u->rx[u->rx_head];

    if (u->rx_len) {
        u->rx_head = (u->rx_head + 1) % FIFO_SIZE;
        if (--u->rx_len)
            u->errors |= u->rx_errors[u->rx_head];
    }
    restart_timeout(u);
    update_irq(u);
    if (!u->rx_len)
        ask_for_input(u);
    return val;
}

static uint8_t read_iir(struct uart16550 *u)
{
    uint8_t id = identify(u);

    if (id == IIR_THRE) {
        u->lint.unseen = 0;
        u->thre_event = false;
        update_irq(u);
    }
    return (uint8_t)(id | (fifos(u) ? IIR_FIFOS : 0));
}

static uint8_t read_lsr(struct uart16550 *u)
{
    uint8_t val = (uint8_t)(LSR_THRE | LSR_TEMT | u->errors | (u->rx_len ? LSR_DR : 0));

    u->lint.unseen = 0;
    if (fifos(u)) {
        for (unsigned k = 0; k < u->rx_len; k++)
            if (u->rx_errors[(u->rx_head + k) % FIFO_SIZE])
                val |= LSR_FIFO_ERROR;
    }
    u->errors = 0;
    if (u->rx_len)
        u->rx_errors[u->rx_head] = 0;
    update_irq(u);
    return val;
}

/* ---- strict mode ---- */

static void lint_send(struct uart16550 *u)
{
    unsigned room = fifos(u) ? FIFO_SIZE : 1;

    if (!u->lint.divisor)
        lint_report(LINT_UART_INIT, "uart at 0x%x: sends before a divisor is set", u->cfg.base);
    else if (!u->div)
        lint_report(LINT_UART_INIT, "uart at 0x%x: sends with a divisor of 0", u->cfg.base);
    if (u->lint.unseen == room)
        lint_report(
            LINT_UART_OVERRUN,
            "uart at 0x%x: byte %u sent since the transmitter was seen empty, which takes %u",
            u->cfg.base, room + 1, room);
    else
        u->lint.unseen++;
}

/* More often than one who programs or probes the rate would. */
static void lint_latch(struct uart16550 *u)
{
    enum { MANY = 6 };

    if (u->lint.to_latch < MANY && ++u->lint.to_latch == MANY)
        lint_report(LINT_UART_REGISTER,
                    "uart at 0x%x: the divisor is written as if it was the data register: DLAB is "
                    "still set",
                    u->cfg.base);
    u->lint.divisor = true;
}

static void write_thr(struct uart16550 *u, uint8_t val)
{
    if (lint_on(LINT_UART_INIT) || lint_on(LINT_UART_OVERRUN))
        lint_send(u);
    u->thre_event = false;
    update_irq(u);
    val = word(u, val);
    if (u->mcr & MCR_LOOP) {
        push(u, val, 0);
        restart_timeout(u);
    } else if (u->cfg.chr) {
        char_write(u->cfg.chr, &val, 1);
    }
    u->thre_event = true;
    update_irq(u);
}

static void write_ier(struct uart16550 *u, uint8_t val)
{
    /* the transmitter is always empty: asking for its interrupt brings one */
    if (!(u->ier & IER_THRE) && (val & IER_THRE))
        u->thre_event = true;
    u->ier = val & 0x0f;
    update_irq(u);
}

static void write_fcr(struct uart16550 *u, uint8_t val)
{
    bool toggled = (val ^ u->fcr) & FCR_ENABLE;

    if (toggled || (val & FCR_CLEAR_RX))
        clear_rx(u);
    if (toggled || (val & FCR_CLEAR_TX))
        u->lint.unseen = 0;
    /* the other bits are only taken while the FIFOs are on */
    u->fcr = val & FCR_ENABLE ? val & 0xc1 : 0;
    update_irq(u);
    ask_for_input(u);
}

static void write_lcr(struct uart16550 *u, uint8_t val)
{
    bool began = (val & LCR_BREAK) && !(u->lcr & LCR_BREAK);

    u->lint.to_latch = 0;
    u->lcr = val;
    if (began && (u->mcr & MCR_LOOP)) {
        push(u, 0, LSR_BI);
        restart_timeout(u);
        update_irq(u);
    }
}

static void write_mcr(struct uart16550 *u, uint8_t val)
{
    uint8_t lines = MSR_CTS | MSR_DSR | MSR_DCD; /* somebody is always there */
    uint8_t changed;

    u->mcr = val & 0x1f;
    if (val & MCR_LOOP)
        lines = (uint8_t)((val & MCR_RTS ? MSR_CTS : 0) | (val & MCR_DTR ? MSR_DSR : 0) |
                          (val & MCR_OUT1 ? MSR_RI : 0) | (val & MCR_OUT2 ? MSR_DCD : 0));
    changed = u->msr ^ lines;
    /* of the ring indicator only the trailing edge counts */
    u->msr =
        (uint8_t)(lines | (u->msr & 0x0f) | (changed & MSR_CTS ? MSR_DCTS : 0) |
                  (changed & MSR_DSR ? MSR_DDSR : 0) | (changed & u->msr & MSR_RI ? MSR_TERI : 0) |
                  (changed & MSR_DCD ? MSR_DDCD : 0));
    update_irq(u);
    ask_for_input(u);
}

static uint8_t read_msr(struct uart16550 *u)
{
    uint8_t val = u->msr;

    u->msr &= 0xf0;
    update_irq(u);
    return val;
}

static uint64_t uart_read(void *opaque, uint64_t off, unsigned size)
{
    struct uart16550 *u = opaque;

    (void)size;
    switch (off) {
    case 0: return u->lcr & LCR_DLAB ? u->div & 0xff : read_rbr(u);
    case 1: return u->lcr & LCR_DLAB ? u->div >> 8 : u->ier;
    case 2: return read_iir(u);
    case 3: return u->lcr;
    case 4: return u->mcr;
    case 5: return read_lsr(u);
    case 6: return read_msr(u);
    default: return u->scr;
    }
}

static void uart_write(void *opaque, uint64_t off, uint64_t v, unsigned size)
{
    struct uart16550 *u = opaque;
    uint8_t val = (uint8_t)v;

    (void)size;
    switch (off) {
    case 0:
        if (u->lcr & LCR_DLAB) {
            lint_latch(u);
            u->div = (uint16_t)((u->div & 0xff00) | val);
        } else {
            write_thr(u, val);
        }
        break;
    case 1:
        if (u->lcr & LCR_DLAB)
            u->div = (uint16_t)((u->div & 0x00ff) | val << 8);
        else
            write_ier(u, val);
        break;
    case 2: write_fcr(u, val); break;
    case 3: write_lcr(u, val); break;
    case 4: write_mcr(u, val); break;
    case 5: /* for the factory's tests */
        lint_report(LINT_UART_REGISTER, "uart at 0x%x: line status register written", u->cfg.base);
        break;
    case 7: u->scr = val; break;
    default: break; /* MSR is read-only */
    }
}

static const struct bus_ops uart_ops = {uart_read, uart_write, 1, 1};

static void uart_reset(void *self)
{
    struct uart16550 *u = self;

    u->div = 12; /* undefined after power-on; 9600 baud is what firmware leaves */
    memset(&u->lint, 0, sizeof(u->lint));
    u->msr = MSR_CTS | MSR_DSR | MSR_DCD;
    timer_cancel(&u->timeout_timer);
    update_irq(u);
    ask_for_input(u);
}

static void uart_post_load(void *self)
{
    struct uart16550 *u = self;

    u->lint.divisor = true;
    u->rx_head %= FIFO_SIZE;
    u->rx_len = MIN(u->rx_len, FIFO_SIZE);
    if (fifos(u) && u->rx_len && !u->timed_out)
        timer_arm(&u->timeout_timer, u->timeout_at);
    else
        timer_cancel(&u->timeout_timer);
    update_irq(u);
    ask_for_input(u);
}

static void uart_destroy(void *self)
{
    struct uart16550 *u = self;

    timer_cancel(&u->timeout_timer);
    if (u->cfg.chr)
        char_set_receiver(u->cfg.chr, NULL);
    bus_unmap(&u->ports);
    g_free(u);
}

static const struct state_field fields[] = {
    STATE_FIELD(struct uart16550, ier),        STATE_FIELD(struct uart16550, lcr),
    STATE_FIELD(struct uart16550, mcr),        STATE_FIELD(struct uart16550, msr),
    STATE_FIELD(struct uart16550, scr),        STATE_FIELD(struct uart16550, fcr),
    STATE_FIELD(struct uart16550, div),        STATE_FIELD(struct uart16550, errors),
    STATE_FIELD(struct uart16550, thre_event), STATE_FIELD(struct uart16550, timed_out),
    STATE_ARRAY(struct uart16550, rx),         STATE_ARRAY(struct uart16550, rx_errors),
    STATE_FIELD(struct uart16550, rx_head),    STATE_FIELD(struct uart16550, rx_len),
    STATE_FIELD(struct uart16550, timeout_at), STATE_END,
};

static const struct device_type uart_type = {
    .name = "uart16550",
    .version = 1,
    .fields = fields,
    .reset = uart_reset,
    .post_load = uart_post_load,
    .destroy = uart_destroy,
};

struct uart16550 *uart16550_new(const struct uart16550_config *cfg, GError **err)
{
    struct uart16550 *u = g_new0(struct uart16550, 1);
    const struct char_receiver rx = {.opaque = u, .can_receive = can_receive, .receive = receive};

    u->cfg = *cfg;
    u->dev = (struct device){.type = &uart_type, .self = u};
    timer_init(&u->timeout_timer, cfg->clock, timeout_fire, u);
    bus_region_init(&u->ports, "serial port", 8, &uart_ops, u);
    if (!bus_map(cfg->ports, &u->ports, cfg->base, err)) {
        g_free(u);
        return NULL;
    }
    if (cfg->chr)
        char_set_receiver(cfg->chr, &rx);
    device_reset(&u->dev);
    return u;
}

struct device *uart16550_device(struct uart16550 *u)
{
    return &u->dev;
}
