/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening an image: which kind it is, and the overlay above it.
 *
 * What a file holds is partly the guest's: one with a raw disk can write another format's header
 * into its first sector, with the name of any file of the host's as its base, and would read that
 * file once the image is opened by what is in it. So the first bytes alone never choose a format.
 * Without format=, the end of the file's name has to say the same, which no guest can change; where
 * the two differ, the person is asked. docs/disks.md tells users.
 */
#include "backends/block_impl.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backends/block_nbd.h"
#include "base/bits.h"
#include "base/error.h"

#define HEAD 512

/* Formats by their first bytes. */
static const struct {
    const char *format;
    unsigned at, len;
    const char *bytes;
    const char *suffixes; /* of file names, separated by spaces */
} known[] = {
    {"qcow2", 0, 4, "QFI\xfb", "qcow2 qcow qc2"},
    {"vmdk", 0, 4, "KDMV", "vmdk"},
    {"vmdk", 0, 4, "COWD", "vmdk"},
    {"vmdk", 0, 21, "# Disk DescriptorFile", "vmdk"},
    {"vdi", 64, 4, "\x7f\x10\xda\xbe", "vdi"},
    {"vhdx", 0, 8, "vhdxfile", "vhdx"},
    {"vpc", 0, 8, "conectix", "vhd vpc"},
    {"qed", 0, 4, "QED", "qed"},
    {"parallels", 0, 16, "WithoutFreeSpace", "hdd hds parallels"},
    {"parallels", 0, 16, "WithouFreSpacExt", "hdd hds parallels"},
    {"gzip", 0, 2, "\x1f\x8b", "gz gzip"},
    {"xz", 0, 6,
     "\xfd"
     "7zXZ",
     "xz"},
};

static const char *const formats[] = {"raw", "qcow2",     "vmdk", "vdi", "vhdx", "vpc",
                                      "qed", "parallels", "gzip", "xz",  NULL};

const char *const *block_open_formats(void)
{
    return formats;
}

static bool has_suffix(const char *file, const char *suffixes)
{
    const char *dot = strrchr(file, '.');
    char **all = g_strsplit(suffixes, " ", -1);
    bool found = false;

    for (char **s = all; dot && *s; s++)
        found |= !g_ascii_strcasecmp(dot + 1, *s);
    g_strfreev(all);
    return found;
}

static bool read_head(const char *file, uint8_t *head, size_t *len)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? pread(fd, head, HEAD, 0) : -1;

    if (fd >= 0)
        close(fd);
    *len = n > 0 ? (size_t)n : 0;
    return n >= 0;
}

/* What the image is where nobody said so. What cannot be read is left to who opens it. */
static const char *find_format(const char *file, GError **err)
{
    const char *by_name = NULL, *by_bytes = NULL;
    uint8_t head[HEAD];
    size_t len;

    if (!read_head(file, head, &len))
        return "raw";
    for (unsigned k = 0; k < ARRAY_SIZE(known); k++) {
        bool begins = known[k].at + known[k].len <= len &&
                      !memcmp(head + known[k].at, known[k].bytes, known[k].len);

        if (begins)
            by_bytes = known[k].format;
        if (has_suffix(file, known[k].suffixes))
            by_name = known[k].format;
        if (begins && has_suffix(file, known[k].suffixes))
            return known[k].format;
    }
    if (by_bytes)
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "'%s' begins as a %s image does, but is not named so: say format=%s, or "
                    "format=raw if its guest wrote that",
                    file, by_bytes, by_bytes);
    else if (by_name && strcmp(by_name, "vpc")) /* whose fixed kind has no header */
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "'%s' is named as a %s image is, but does not begin as one: say format=raw if "
                    "that is what it is",
                    file, by_name);
    else
        return by_name ? by_name : "raw";
    return NULL;
}

static struct block *open_base(const struct block_spec *spec, GError **err)
{
    struct block_spec base = *spec;

    base.readonly |= spec->snapshot;
    if (block_nbd_is_uri(spec->file)) {
        if (spec->format && strcmp(spec->format, "raw")) {
            g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION,
                        "'%s': what a server has is format=raw here, not %s", spec->file,
                        spec->format);
            return NULL;
        }
        return block_nbd_connect(&base, err);
    }
    if (!base.format)
        base.format = find_format(spec->file, err);
    if (!base.format)
        return NULL;
    if (!strcmp(base.format, "raw"))
        return block_raw_open(&base, err);
    return block_nbd_serve(&base, err);
}

struct block *block_open(const struct block_spec *spec, GError **err)
{
    struct block *b = open_base(spec, err);

    if (!b)
        return NULL;
    b->writethrough =
        spec->cache == BLOCK_CACHE_WRITETHROUGH || spec->cache == BLOCK_CACHE_DIRECTSYNC;
    b->unsafe = spec->cache == BLOCK_CACHE_UNSAFE;
    b->allow_discard = spec->discard;
    return spec->snapshot ? block_open_snapshot(b, err) : b;
}
