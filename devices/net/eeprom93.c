/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 93C46; see eeprom93.h. A command is a start bit, two bits of operation, six of address. */
#include "devices/net/eeprom93.h"

#include <string.h>

enum phase { START, COMMAND, READ, DATA, DONE };
enum op { OP_OTHER, OP_WRITE, OP_READ, OP_ERASE };
/* The address bits' upper two, of OP_OTHER. */
enum other { EWDS, WRAL, ERAL, EWEN };

static void fill(struct eeprom93 *e, uint16_t v)
{
    for (unsigned k = 0; k < EEPROM93_WORDS; k++)
        e->word[k] = v;
}

/* Programming begins when the chip is deselected; it takes no time here. */
static void program(struct eeprom93 *e)
{
    bool all = e->op == OP_OTHER;

    if (!e->unlocked)
        return;
    if (all && e->address >> 4 == ERAL)
        fill(e, 0xffff);
    else if (all && e->address >> 4 == WRAL && e->bits == 16)
        fill(e, e->shift);
    else if (e->op == OP_ERASE)
        e->word[e->address] = 0xffff;
    else if (e->op == OP_WRITE && e->bits == 16)
        e->word[e->address] = e->shift;
}

static void command(struct eeprom93 *e)
{
    unsigned other = e->address >> 4;

    e->bits = 0;
    e->phase = DONE;
    if (e->op == OP_READ) {
        e->phase = READ;
        e->shift = e->word[e->address];
        e->out = false; /* a zero comes before the word */
    } else if (e->op == OP_WRITE || (e->op == OP_OTHER && other == WRAL)) {
        e->phase = DATA;
    } else if (e->op == OP_OTHER && (other == EWEN || other == EWDS)) {
        e->unlocked = other == EWEN;
    }
}

static void clock_in(struct eeprom93 *e, bool di)
{
    switch (e->phase) {
    case START:
        if (di) {
            e->phase = COMMAND;
            e->bits = 0;
            e->shift = 0;
        }
        break;
    case COMMAND:
        e->shift = (uint16_t)(e->shift << 1 | di);
        if (++e->bits == 8) {
            e->op = e->shift >> 6 & 3;
            e->address = e->shift & (EEPROM93_WORDS - 1);
            e->shift = 0;
            command(e);
        }
        break;
    case READ:
        e->out = e->shift >> 15;
        e->shift = (uint16_t)(e->shift << 1);
        if (++e->bits == 16) { /* and on with the next word */
            e->bits = 0;
            e->address = (e->address + 1) & (EEPROM93_WORDS - 1);
            e->shift = e->word[e->address];
        }
        break;
    case DATA:
        if (e->bits < 16) {
            e->shift = (uint16_t)(e->shift << 1 | di);
            e->bits++;
        }
        break;
    default: break;
    }
}

void eeprom93_pins(struct eeprom93 *e, bool cs, bool sk, bool di)
{
    if (!cs && e->cs && (e->phase == DATA || e->phase == DONE))
        program(e);
    if (cs != e->cs) {
        e->phase = START;
        e->out = true; /* ready */
    }
    if (cs && sk && !e->sk)
        clock_in(e, di);
    e->cs = cs;
    e->sk = sk;
}

void eeprom93_reset(struct eeprom93 *e)
{
    e->cs = e->sk = e->unlocked = false;
    e->out = true;
    e->phase = START;
}

void eeprom93_check(struct eeprom93 *e)
{
    e->address &= EEPROM93_WORDS - 1;
    e->bits &= 31;
}
