/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts of the 82540EM: causes (manual 13.4.17 to 13.4.21), at most one every ITR * 256 ns
 * (13.4.18), and packets that wait for company: RDTR, RADV, TIDV, TADV in units of 1.024 us
 * (13.4.30, 13.4.31, 13.4.44, 13.4.46).
 */
#include "devices/net/e1000_state.h"

#define ITR_UNIT   256
#define DELAY_UNIT 1024

void e1000_update_irq(struct e1000 *s)
{
    int64_t now;

    if (!(REG(s, E_ICR) & REG(s, E_IMS))) {
        timer_cancel(&s->irq_timer);
        pci_set_intx(&s->pci, false);
        return;
    }
    if (s->pci.intx_level)
        return;
    now = clock_now(s->clock);
    if (now < s->irq_not_before) {
        if (!timer_armed(&s->irq_timer))
            timer_arm(&s->irq_timer, s->irq_not_before);
        return;
    }
    s->irq_not_before = now + (int64_t)(REG(s, E_ITR) & 0xffff) * ITR_UNIT;
    pci_set_intx(&s->pci, true);
}

void e1000_cause(struct e1000 *s, uint32_t causes)
{
    REG(s, E_ICR) |= causes & ICR_ALL;
    e1000_update_irq(s);
}

static void irq_fire(void *opaque)
{
    e1000_update_irq(opaque);
}

/* Arms `t` for `delay` from now, but not beyond the limit that the first who waited set. */
static void postpone(struct e1000 *s, struct timer *t, int64_t *not_after, uint32_t delay,
                     uint32_t limit)
{
    int64_t now = clock_now(s->clock), until = now + (int64_t)(delay & 0xffff) * DELAY_UNIT;

    if (*not_after < 0)
        *not_after = limit & 0xffff ? now + (int64_t)(limit & 0xffff) * DELAY_UNIT : INT64_MAX;
    timer_arm(t, until < *not_after ? until : *not_after);
}

static void rx_fire(void *opaque)
{
    struct e1000 *s = opaque;

    timer_cancel(&s->rx_timer);
    s->rx_not_after = -1;
    e1000_cause(s, ICR_RXT0);
}

static void tx_fire(void *opaque)
{
    struct e1000 *s = opaque;

    timer_cancel(&s->tx_delay);
    s->tx_not_after = -1;
    e1000_cause(s, ICR_TXDW);
}

void e1000_rx_cause(struct e1000 *s)
{
    if (REG(s, E_RDTR) & 0xffff)
        postpone(s, &s->rx_timer, &s->rx_not_after, REG(s, E_RDTR), REG(s, E_RADV));
    else
        rx_fire(s);
}

void e1000_tx_cause(struct e1000 *s, bool delay)
{
    if (delay && (REG(s, E_TIDV) & 0xffff))
        postpone(s, &s->tx_delay, &s->tx_not_after, REG(s, E_TIDV), REG(s, E_TADV));
    else
        tx_fire(s);
}

void e1000_irq_init(struct e1000 *s)
{
    timer_init(&s->irq_timer, s->clock, irq_fire, s);
    timer_init(&s->rx_timer, s->clock, rx_fire, s);
    timer_init(&s->tx_delay, s->clock, tx_fire, s);
}
