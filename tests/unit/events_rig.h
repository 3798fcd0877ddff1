/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of events and of debugging share: the CPU fixture in flat 32-bit ring 0, with
 * events that come from a port, and an SMM handler that returns at once.
 */
#ifndef TESTS_UNIT_EVENTS_RIG_H
#define TESTS_UNIT_EVENTS_RIG_H

#include "tests/unit/cpu_fixture.h"

#define SMM_ENTRY  0x38000u
#define EVENT_PORT 0xe0

/* A write to EVENT_PORT raises the events it says (EV_*), at the end of its instruction. */
static inline void port_events(void *o, uint16_t port, uint64_t val, unsigned size)
{
    (void)size;
    if (port == EVENT_PORT)
        cpu_set_event(((struct fx *)o)->cpu, (uint32_t)val);
}

/* EV_INTR will be vector 21, once. */
static inline struct fx *prot(void)
{
    struct fx *fx = fx_new("max");

    fx_prot(fx, 0);
    fx->cpu->hooks.port_write = port_events;
    fx->vector = 0x21;
    FX_PUT(fx, SMM_ENTRY, 0x0f, 0xaa); /* rsm */
    return fx;
}

/* The CPU stands in the handler of vector v, which returns to the given address. */
static inline void at_handler(const struct fx *fx, unsigned vector, unsigned return_to)
{
    fx_assert_vector(fx, vector);
    assert_int_equal(fx_stk4(fx, 0), return_to);
}

#endif
