/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One counter of an 8254 as arithmetic on time: nothing ticks, every value is computed from the
 * tick at which counting began. The PIT's, and the speaker's, which has a copy of one.
 */
#ifndef DEVICES_PC_PIT_COUNTER_H
#define DEVICES_PC_PIT_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#define PIT_NEVER INT64_MAX

enum pit_run {
    PIT_IDLE,   /* no count yet, or one that waits for its trigger */
    PIT_RUN,    /* counting since `start` */
    PIT_PAUSED, /* the gate holds the count at `held` clocks */
};

struct pit_counter {
    uint8_t control; /* bits 5..0 of the control word, as status shows them */
    uint8_t run;     /* enum pit_run */
    bool gate;
    bool written;      /* a count was written since the control word */
    bool next_pending; /* `next` takes over when the period (mode 3: half period) ends */
    uint32_t count;    /* clocks: 1..65536, or 1..10000 in BCD */
    uint32_t next;
    int64_t start; /* tick of the first clock; it may lie one tick ahead */
    int64_t held;
    /* the byte-wide window on the 16 bits */
    uint8_t write_low; /* first byte of two */
    bool write_high, read_high;
    uint8_t latched; /* bytes of latch[] not read yet */
    uint8_t latch[2];
    bool status_latched;
    uint8_t status;
};

/* `tick` is the time of the access, in clocks; never decreases from call to call. */
void pit_counter_control(struct pit_counter *c, uint8_t control);
void pit_counter_write(struct pit_counter *c, uint8_t val, int64_t tick);
uint8_t pit_counter_read(struct pit_counter *c, int64_t tick);
void pit_counter_latch(struct pit_counter *c, int64_t tick);
void pit_counter_latch_status(struct pit_counter *c, int64_t tick);
void pit_counter_gate(struct pit_counter *c, bool gate, int64_t tick);

/* Lets a pending count take over if its time has come. */
void pit_counter_sync(struct pit_counter *c, int64_t tick);

/* The output at `tick`; the counter is synced, or nothing is pending. */
bool pit_counter_out(const struct pit_counter *c, int64_t tick);

/* The first tick after `tick` with a rising edge of the output, and with any edge; PIT_NEVER when
 * none comes without further programming. */
int64_t pit_counter_next_rise(const struct pit_counter *c, int64_t tick);
int64_t pit_counter_next_edge(const struct pit_counter *c, int64_t tick);

#endif
