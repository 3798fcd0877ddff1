/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See packet.h. */
#include "frontends/gdb/packet.h"

#include <string.h>

#include "base/bits.h"
#include "base/mutant.h"

#define ESCAPE    '}'
#define ESCAPE_BY 0x20

static int digit(uint8_t c)
{
    return g_ascii_xdigit_value((char)c);
}

static void begin(struct gdb_framer *f)
{
    f->state = GDB_DATA;
    f->sum = f->given = 0;
    f->bad = f->too_long = false;
    f->sent = f->len = 0;
}

static void take(struct gdb_framer *f, uint8_t byte)
{
    if (f->sent++ >= GDB_PACKET_MAX)
        f->too_long = true;
    else
        f->data[f->len++] = (char)byte;
}

static enum gdb_input idle(struct gdb_framer *f, uint8_t byte)
{
    switch (byte) {
    case '$': begin(f); return GDB_INPUT_NONE;
    case '+': return GDB_INPUT_ACK;
    case '-': return GDB_INPUT_NAK;
    case 3: return GDB_INPUT_INTERRUPT;
    default: return GDB_INPUT_NONE;
    }
}

static enum gdb_input whole(struct gdb_framer *f)
{
    f->state = GDB_IDLE;
    f->data[f->len] = 0;
    if (f->bad || (f->given != f->sum && !MUTANT(gdb_sum_is_not_checked)))
        return GDB_INPUT_BAD;
    return f->too_long && !MUTANT(gdb_long_packet_is_cut) ? GDB_INPUT_LONG : GDB_INPUT_PACKET;
}

enum gdb_input gdb_framer_byte(struct gdb_framer *f, uint8_t byte)
{
    switch (f->state) {
    case GDB_IDLE: return idle(f, byte);
    case GDB_DATA:
        if (byte == '#') {
            f->state = GDB_SUM_1;
        } else if (byte == '$' && !MUTANT(gdb_cut_packet_goes_on)) { /* the last one was cut off */
            begin(f);
        } else if (byte == ESCAPE) {
            f->sum = (uint8_t)(f->sum + byte);
            f->state = GDB_ESCAPED;
        } else {
            f->sum = (uint8_t)(f->sum + byte);
            take(f, byte);
        }
        return GDB_INPUT_NONE;
    case GDB_ESCAPED:
        if (!MUTANT(gdb_escaped_byte_is_not_summed))
            f->sum = (uint8_t)(f->sum + byte);
        f->sent++;
        take(f, byte ^ ESCAPE_BY);
        f->state = GDB_DATA;
        return GDB_INPUT_NONE;
    case GDB_SUM_1:
        f->bad = digit(byte) < 0;
        f->given = (uint8_t)((unsigned)digit(byte) << 4);
        f->state = GDB_SUM_2;
        return GDB_INPUT_NONE;
    default:
        f->bad |= digit(byte) < 0;
        f->given |= (uint8_t)(digit(byte) & 15);
        return whole(f);
    }
}

void gdb_frame(GString *out, const char *data, size_t len)
{
    uint8_t sum = 0;

    g_string_append_c(out, '$');
    for (size_t k = 0; k < len; k++) {
        char c = data[k];

        if (c == '$' || c == '#' || c == '*' || c == ESCAPE) {
            g_string_append_c(out, ESCAPE);
            sum = (uint8_t)(sum + ESCAPE);
            c ^= ESCAPE_BY;
        }
        g_string_append_c(out, c);
        sum = (uint8_t)(sum + (uint8_t)c);
    }
    g_string_append_printf(out, "#%02x", sum);
}

void gdb_put_hex(GString *out, const void *bytes, size_t n)
{
    for (size_t k = 0; k < n; k++)
        g_string_append_printf(out, "%02x", ((const uint8_t *)bytes)[k]);
}

size_t gdb_get_hex(const char **s, void *bytes, size_t max)
{
    size_t n = 0;

    for (; n < max && g_ascii_isxdigit((*s)[0]) && g_ascii_isxdigit((*s)[1]); n++, *s += 2)
        ((uint8_t *)bytes)[n] = (uint8_t)(digit((uint8_t)(*s)[0]) << 4 | digit((uint8_t)(*s)[1]));
    return n;
}

bool gdb_get_number(const char **s, uint64_t *v)
{
    const char *p = *s;

    *v = 0;
    for (; g_ascii_isxdigit(*p); p++) {
        if (*v >> 60 && !MUTANT(gdb_number_wraps))
            return false;
        *v = *v << 4 | (uint64_t)digit((uint8_t)*p);
    }
    if (p == *s)
        return false;
    *s = p;
    return true;
}
