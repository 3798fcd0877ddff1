/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A serial EEPROM on a Microwire bus, 64 words of 16 bits: the 93C46 (Microchip 93AA46/LC46/C46
 * datasheet), by which adapters keep their address. Driven pin by pin: chip select, clock, data in.
 */
#ifndef DEVICES_NET_EEPROM93_H
#define DEVICES_NET_EEPROM93_H

#include <stdbool.h>
#include <stdint.h>

#define EEPROM93_WORDS 64u

/* Embedded in its owner, whose state it is. */
struct eeprom93 {
    uint16_t word[EEPROM93_WORDS]; /* kept without power */
    bool cs, sk;                   /* pins */
    bool out;                      /* data out */
    bool unlocked;                 /* EWEN */
    uint8_t phase;                 /* of enum in eeprom93.c */
    uint8_t bits;                  /* taken in (or given out) in this phase */
    uint8_t op, address;
    uint16_t shift;
};

/* What the pins are now. */
void eeprom93_pins(struct eeprom93 *e, bool cs, bool sk, bool di);

/* As after power-on, but for the words. */
void eeprom93_reset(struct eeprom93 *e);

/* After a snapshot: no value leads out of bounds. */
void eeprom93_check(struct eeprom93 *e);

#endif
