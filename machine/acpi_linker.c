/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See acpi_linker.h. */
#include "machine/acpi_linker.h"

#include <string.h>

#include "base/bits.h"
#include "base/error.h"

enum {
    CMD_ALLOCATE = 1,
    CMD_POINTER = 2,
    CMD_CHECKSUM = 3,

    CMD_SIZE = 128,
    NAME_SIZE = 56,
    AT_FILE = 4,
    AT_ARGS = AT_FILE + NAME_SIZE, /* of allocate and checksum */
    AT_TARGET = AT_ARGS,           /* pointer has a second name */
    AT_PTR_ARGS = AT_TARGET + NAME_SIZE,
};

static void put_name(uint8_t *at, const char *name)
{
    size_t len = strlen(name);

    invariant(len < NAME_SIZE);
    memcpy(at, name, len);
}

void linker_allocate(GByteArray *script, const char *file, uint32_t align, enum linker_zone zone)
{
    uint8_t c[CMD_SIZE] = {CMD_ALLOCATE};

    put_name(c + AT_FILE, file);
    st_le32(c + AT_ARGS, align);
    c[AT_ARGS + 4] = (uint8_t)zone;
    g_byte_array_append(script, c, sizeof(c));
}

void linker_pointer(GByteArray *script, const char *file, uint32_t off, unsigned size,
                    const char *target)
{
    uint8_t c[CMD_SIZE] = {CMD_POINTER};

    put_name(c + AT_FILE, file);
    put_name(c + AT_TARGET, target);
    st_le32(c + AT_PTR_ARGS, off);
    c[AT_PTR_ARGS + 4] = (uint8_t)size;
    g_byte_array_append(script, c, sizeof(c));
}

void linker_checksum(GByteArray *script, const char *file, uint32_t off, uint32_t start,
                     uint32_t len)
{
    uint8_t c[CMD_SIZE] = {CMD_CHECKSUM};

    put_name(c + AT_FILE, file);
    st_le32(c + AT_ARGS, off);
    st_le32(c + AT_ARGS + 4, start);
    st_le32(c + AT_ARGS + 8, len);
    g_byte_array_append(script, c, sizeof(c));
}

static const struct linker_file *find(const struct linker_file *files, unsigned n,
                                      const uint8_t *name)
{
    for (unsigned k = 0; k < n; k++) {
        if (!strncmp(files[k].name, (const char *)name, NAME_SIZE))
            return &files[k];
    }
    return NULL;
}

/* `len` bytes at `off` of a file, or NULL. */
static uint8_t *inside(const struct linker_file *f, uint32_t off, uint32_t len,
                       const struct guest_ram *ram)
{
    if (!f || off > f->len || len > f->len - off)
        return NULL;
    return guest_ram_at(ram, f->gpa + off, len);
}

static bool run_pointer(const uint8_t *c, const struct linker_file *files, unsigned n,
                        const struct guest_ram *ram)
{
    const struct linker_file *target = find(files, n, c + AT_TARGET);
    unsigned size = c[AT_PTR_ARGS + 4];
    uint8_t *p;

    if (!target || (size != 1 && size != 2 && size != 4 && size != 8))
        return false;
    p = inside(find(files, n, c + AT_FILE), ld_le32(c + AT_PTR_ARGS), size, ram);
    if (!p)
        return false;
    st_le(p, ld_le(p, size) + target->gpa, size);
    return true;
}

static bool run_checksum(const uint8_t *c, const struct linker_file *files, unsigned n,
                         const struct guest_ram *ram)
{
    const struct linker_file *f = find(files, n, c + AT_FILE);
    uint32_t len = ld_le32(c + AT_ARGS + 8);
    uint8_t *sum = inside(f, ld_le32(c + AT_ARGS), 1, ram);
    const uint8_t *p = inside(f, ld_le32(c + AT_ARGS + 4), len, ram);
    uint8_t total = 0;

    if (!sum || !p)
        return false;
    for (uint32_t k = 0; k < len; k++)
        total = (uint8_t)(total + p[k]);
    *sum = (uint8_t)(*sum - total);
    return true;
}

bool linker_run(const GByteArray *script, const struct linker_file *files, unsigned n,
                const struct guest_ram *ram)
{
    for (guint at = 0; at < script->len; at += CMD_SIZE) {
        const uint8_t *c = script->data + at;
        bool ok;

        if (script->len - at < CMD_SIZE)
            return false;
        switch (ld_le32(c)) {
        case CMD_ALLOCATE: ok = find(files, n, c + AT_FILE) != NULL; break;
        case CMD_POINTER: ok = run_pointer(c, files, n, ram); break;
        case CMD_CHECKSUM: ok = run_checksum(c, files, n, ram); break;
        default: ok = false; break;
        }
        if (!ok)
            return false;
    }
    return true;
}
