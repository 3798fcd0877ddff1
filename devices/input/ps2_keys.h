/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scan code facts shared by the keyboard, the 8042 and their tests; see ps2_keys.c. */
#ifndef DEVICES_INPUT_PS2_KEYS_H
#define DEVICES_INPUT_PS2_KEYS_H

#include <stdint.h>

#include "devices/input/keys.h"

struct ps2_key_codes {
    uint16_t set2; /* 0xe0XX when prefixed; 0: see ps2_kbd.c */
    uint8_t set3;  /* 0: the key does not exist in set 3 */
};

/* How a key behaves in set 3 after power-on. */
enum ps2_set3_kind {
    PS2_SET3_TYPEMATIC, /* make codes, repeated; no break code */
    PS2_SET3_MAKE_BREAK,
    PS2_SET3_MAKE,
};

/* The codes of a key; all zero for values outside the enumeration. */
const struct ps2_key_codes *ps2_key_codes(enum pkey key);

/* What the 8042's translation makes of one byte of set 2 (other than the break prefix 0xf0). Bytes
 * from 0x85 on are passed as they are. */
uint8_t ps2_set2_to_set1(uint8_t code);

enum ps2_set3_kind ps2_set3_kind(uint8_t code);

#endif
