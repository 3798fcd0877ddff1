/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See acpi_aml.h. */
#include "machine/acpi_aml.h"

#include <string.h>

#include "base/bits.h"
#include "base/error.h"

enum {
    NAME_OP = 0x08,
    WORD_PREFIX = 0x0b,
    SCOPE_OP = 0x10,
    BUFFER_OP = 0x11,
    DUAL_NAME = 0x2e,
    MULTI_NAME = 0x2f,
    EXT_OP = 0x5b,
    PROCESSOR_OP = 0x83,

    RES_IO = 0x47,
    RES_END = 0x79,
    RES_WORD_SPACE = 0x88,
    RES_DWORD_SPACE = 0x87,
    RES_QWORD_SPACE = 0x8a,

    SPACE_MEM = 0,
    SPACE_IO = 1,
    SPACE_BUS = 2,

    WINDOW_FLAGS = 0x0c, /* producer, positive decode, both ends fixed */
    IO_WHOLE = 0x03,     /* ISA and non-ISA addresses alike */
    MEM_RW = 0x01,
    MEM_CACHEABLE = 0x02,
};

#define PKG_MAX 0xfffu /* two-byte package lengths are all that is written */

static void u8(GByteArray *a, unsigned v)
{
    uint8_t b = (uint8_t)v;

    g_byte_array_append(a, &b, 1);
}

static void number(GByteArray *a, uint64_t v, unsigned size)
{
    uint8_t b[8];

    st_le64(b, v);
    g_byte_array_append(a, b, size);
}

/* One segment, padded with underscores to four characters. */
static void segment(GByteArray *a, const char *s, size_t len)
{
    uint8_t seg[4] = {'_', '_', '_', '_'};

    invariant(len >= 1 && len <= 4);
    memcpy(seg, s, len);
    g_byte_array_append(a, seg, 4);
}

static void name_string(GByteArray *a, const char *path)
{
    g_auto(GStrv) segs = NULL;
    guint n;

    if (*path == '\\') {
        u8(a, '\\');
        path++;
    }
    segs = g_strsplit(path, ".", -1);
    n = g_strv_length(segs);
    if (n == 2) {
        u8(a, DUAL_NAME);
    } else if (n > 2) {
        u8(a, MULTI_NAME);
        u8(a, n);
    }
    for (guint k = 0; k < n; k++)
        segment(a, segs[k], strlen(segs[k]));
}

/* Room for a two-byte PkgLength; returns where it is. */
static guint pkg_begin(GByteArray *a)
{
    guint mark = a->len;

    number(a, 0, 2);
    return mark;
}

void aml_end(GByteArray *a, guint mark)
{
    guint len = a->len - mark; /* counts itself */

    invariant(len <= PKG_MAX);
    a->data[mark] = (uint8_t)(0x40 | (len & 0xf));
    a->data[mark + 1] = (uint8_t)(len >> 4);
}

guint aml_scope(GByteArray *a, const char *path)
{
    guint mark;

    u8(a, SCOPE_OP);
    mark = pkg_begin(a);
    name_string(a, path);
    return mark;
}

void aml_name(GByteArray *a, const char *path)
{
    u8(a, NAME_OP);
    name_string(a, path);
}

/* Where the buffer's size and bytes stand after the mark of its PkgLength. */
#define BUFFER_SIZE_AT  3
#define BUFFER_BYTES_AT 5

guint aml_resources(GByteArray *a)
{
    guint mark;

    u8(a, BUFFER_OP);
    mark = pkg_begin(a);
    u8(a, WORD_PREFIX);
    number(a, 0, 2);
    return mark;
}

void aml_resources_end(GByteArray *a, guint mark)
{
    u8(a, RES_END);
    u8(a, 0); /* a zero checksum is always right */
    st_le16(a->data + mark + BUFFER_SIZE_AT, (uint16_t)(a->len - mark - BUFFER_BYTES_AT));
    aml_end(a, mark);
}

void aml_processor(GByteArray *a, const char *name, uint8_t id)
{
    guint mark;

    u8(a, EXT_OP);
    u8(a, PROCESSOR_OP);
    mark = pkg_begin(a);
    name_string(a, name);
    u8(a, id);
    number(a, 0, 4);
    u8(a, 0);
    aml_end(a, mark);
}

/* An address space descriptor with fields of `size` bytes. */
static void space(GByteArray *a, unsigned tag, unsigned type, unsigned specific, uint64_t min,
                  uint64_t max, unsigned size)
{
    u8(a, tag);
    number(a, 3 + 5 * size, 2);
    u8(a, type);
    u8(a, WINDOW_FLAGS);
    u8(a, specific);
    number(a, 0, size); /* granularity */
    number(a, min, size);
    number(a, max, size);
    number(a, 0, size); /* translation */
    number(a, max - min + 1, size);
}

void aml_bus_range(GByteArray *a, uint16_t min, uint16_t max)
{
    space(a, RES_WORD_SPACE, SPACE_BUS, 0, min, max, 2);
}

void aml_io_window(GByteArray *a, uint16_t min, uint16_t max)
{
    space(a, RES_WORD_SPACE, SPACE_IO, IO_WHOLE, min, max, 2);
}

void aml_mem32_window(GByteArray *a, uint32_t min, uint32_t max, bool cacheable)
{
    space(a, RES_DWORD_SPACE, SPACE_MEM, MEM_RW | (cacheable ? MEM_CACHEABLE : 0u), min, max, 4);
}

void aml_mem64_window(GByteArray *a, uint64_t min, uint64_t max)
{
    space(a, RES_QWORD_SPACE, SPACE_MEM, MEM_RW | MEM_CACHEABLE, min, max, 8);
}

void aml_io(GByteArray *a, uint16_t base, uint8_t len)
{
    u8(a, RES_IO);
    u8(a, 1); /* decodes 16 bits */
    number(a, base, 2);
    number(a, base, 2);
    u8(a, 1);
    u8(a, len);
}
