/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See firmware.h. Expansion ROM header: PCI Firmware Specification 3.0, section 5.1. */
#include "machine/firmware.h"

#include <stdbool.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "machine/loader_file.h"

#define BIOS_UNIT 0x10000u
#define BIOS_MAX  (16u << 20)
#define ROM_MAX   (16u << 20)
#define ROM_MIN   2048u

static const char *const standard_dirs[] = {"/usr/share/seabios", "/usr/share/qemu",
                                            "/usr/share/ovmf", "/usr/lib/ipxe/qemu"};

/* The first place that has the file; NULL when none has. What the user names is a path before it is
 * a name to look for; our own default never comes from the current directory. */
static char *find(const char *name, bool given, const char *dir)
{
    if (given && (strchr(name, '/') || g_file_test(name, G_FILE_TEST_EXISTS)))
        return g_strdup(name);
    if (dir) {
        char *path = g_build_filename(dir, name, NULL);

        if (g_file_test(path, G_FILE_TEST_EXISTS))
            return path;
        g_free(path);
    }
    for (size_t k = 0; k < ARRAY_SIZE(standard_dirs); k++) {
        char *path = g_build_filename(standard_dirs[k], name, NULL);

        if (g_file_test(path, G_FILE_TEST_EXISTS))
            return path;
        g_free(path);
    }
    return NULL;
}

static struct firmware_image *load(const char *what, const char *name, const char *standard,
                                   const char *dir, uint32_t max, GError **err)
{
    struct firmware_image *f;
    GByteArray *bytes;
    char *path = find(name ? name : standard, name != NULL, dir);
    gsize len;

    if (!path) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "cannot find %s '%s' (Debian's package seabios has it; -L names another "
                    "directory)",
                    what, name ? name : standard);
        return NULL;
    }
    bytes = loader_read_file(what, path, max, err);
    if (!bytes) {
        g_free(path);
        return NULL;
    }
    f = g_new0(struct firmware_image, 1);
    f->path = path;
    f->data = g_byte_array_steal(bytes, &len);
    f->size = len;
    g_byte_array_unref(bytes);
    log_msg(LOG_BOOT, "boot: %s %s, %zu KiB", what, path, f->size >> 10);
    return f;
}

struct firmware_image *firmware_load_bios(const char *name, const char *dir, GError **err)
{
    struct firmware_image *f = load("firmware", name, FIRMWARE_BIOS, dir, BIOS_MAX, err);

    if (f && (!f->size || f->size % BIOS_UNIT)) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "firmware '%s' is not a PC firmware image: its size, %zu bytes, is not a "
                    "multiple of 64 KiB",
                    f->path, f->size);
        firmware_free(f);
        return NULL;
    }
    return f;
}

/* Pads to a power of two with what an erased flash reads as. */
static void pad_rom(struct firmware_image *f)
{
    size_t size = ROM_MIN;

    while (size < f->size)
        size *= 2;
    f->data = g_realloc(f->data, size);
    memset(f->data + f->size, 0xff, size - f->size);
    f->size = size;
}

struct firmware_image *firmware_load_rom(const char *name, const char *dir, GError **err)
{
    struct firmware_image *f = load("ROM", name, FIRMWARE_VGABIOS, dir, ROM_MAX, err);
    const char *why = NULL;

    if (!f)
        return NULL;
    if (f->size < 3 || ld_le16(f->data) != 0xaa55)
        why = "it does not begin with the signature 55 AA";
    else if (!f->data[2] || (size_t)f->data[2] * 512 > f->size)
        why = "it is shorter than its header says";
    if (why) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "'%s' is not an expansion ROM: %s",
                    f->path, why);
        firmware_free(f);
        return NULL;
    }
    pad_rom(f);
    return f;
}

void firmware_free(struct firmware_image *f)
{
    if (!f)
        return;
    g_free(f->data);
    g_free(f->path);
    g_free(f);
}
