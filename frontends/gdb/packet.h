/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of gdb's remote serial protocol: "$data#checksum", with '}' before a byte that stands for
 * itself with bit 5 turned; acknowledgements; the byte 3 for an interrupt (gdb manual, appendix
 * E.1 "Overview"). Bytes in any order and number are taken.
 */
#ifndef FRONTENDS_GDB_PACKET_H
#define FRONTENDS_GDB_PACKET_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GDB_PACKET_MAX 0x4000 /* bytes of data, as they are sent */

enum gdb_input {
    GDB_INPUT_NONE,      /* more is needed, or it means nothing here */
    GDB_INPUT_PACKET,    /* data[0..len-1] holds one, with a NUL behind */
    GDB_INPUT_BAD,       /* one with a wrong checksum came and is gone */
    GDB_INPUT_LONG,      /* one that is too long */
    GDB_INPUT_INTERRUPT, /* Ctrl-C */
    GDB_INPUT_ACK,
    GDB_INPUT_NAK,
};

struct gdb_framer {
    enum { GDB_IDLE, GDB_DATA, GDB_ESCAPED, GDB_SUM_1, GDB_SUM_2 } state;
    uint8_t sum, given;
    bool bad, too_long;
    size_t sent; /* bytes of this packet that came, before '}' was undone */
    size_t len;
    char data[GDB_PACKET_MAX + 1];
};

/* Begins zeroed. */
enum gdb_input gdb_framer_byte(struct gdb_framer *f, uint8_t byte);

/* Appends data as a packet. */
void gdb_frame(GString *out, const char *data, size_t len);

/* Hexadecimal of bytes; and back: how many bytes, at most `max`, the digits at *s gave. *s is
 * behind them then. */
void gdb_put_hex(GString *out, const void *bytes, size_t n);
size_t gdb_get_hex(const char **s, void *bytes, size_t max);

/* A number in hexadecimal at *s, which is left behind it; false when there is none or it is wider
 * than 64 bits. */
bool gdb_get_number(const char **s, uint64_t *v);

#endif
