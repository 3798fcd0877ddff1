/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which program serves an image of which format, and how it is called; see block_nbd.h. */
#include <string.h>

#include "backends/block_child.h"
#include "backends/block_nbd.h"
#include "base/error.h"

bool block_nbd_is_uri(const char *file)
{
    static const char *const schemes[] = {"nbd://", "nbd+unix://", "nbds://", "nbds+unix://"};
    bool is = false;

    for (unsigned k = 0; k < G_N_ELEMENTS(schemes); k++)
        is |= g_str_has_prefix(file, schemes[k]);
    return is;
}

/* Commas in QEMU's image options are doubled. */
static char *double_commas(const char *s)
{
    char **parts = g_strsplit(s, ",", -1), *out = g_strjoinv(",,", parts);

    g_strfreev(parts);
    return out;
}

static const char *qemu_cache(enum block_cache cache)
{
    switch (cache) {
    case BLOCK_CACHE_NONE:
    case BLOCK_CACHE_DIRECTSYNC: return "--cache=none";
    case BLOCK_CACHE_UNSAFE: return "--cache=unsafe";
    default: return "--cache=writeback"; /* durable writes are flushed by us */
    }
}

static char **qemu_nbd(const struct block_spec *spec)
{
    GPtrArray *argv = g_ptr_array_new();
    char *file = double_commas(spec->file);

    g_ptr_array_add(argv, g_strdup("qemu-nbd"));
    g_ptr_array_add(argv, g_strdup(qemu_cache(spec->cache)));
    g_ptr_array_add(argv, g_strdup(spec->discard ? "--discard=unmap" : "--discard=ignore"));
    g_ptr_array_add(argv, g_strdup("--detect-zeroes=off"));
    g_ptr_array_add(argv, g_strdup("--shared=1"));
    if (spec->readonly)
        g_ptr_array_add(argv, g_strdup("--read-only"));
    g_ptr_array_add(argv,
                    g_strdup("--image-opts")); /* a name with a colon is a name all the same */
    g_ptr_array_add(
        argv, g_strdup_printf("driver=%s,file.driver=file,file.filename=%s", spec->format, file));
    g_ptr_array_add(argv, NULL);
    g_free(file);
    return (char **)g_ptr_array_free(argv, FALSE);
}

static char **nbdkit(const struct block_spec *spec)
{
    GPtrArray *argv = g_ptr_array_new();

    g_ptr_array_add(argv, g_strdup("nbdkit"));
    g_ptr_array_add(argv, g_strdup("--foreground"));
    g_ptr_array_add(argv, g_strdup("--readonly"));
    g_ptr_array_add(argv, g_strdup_printf("--filter=%s", spec->format));
    g_ptr_array_add(argv, g_strdup("file"));
    g_ptr_array_add(argv, g_strdup_printf("file=%s", spec->file));
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_free(argv, FALSE);
}

char **block_nbd_program(const struct block_spec *spec, GError **err)
{
    bool packed = !strcmp(spec->format, "gzip") || !strcmp(spec->format, "xz");
    const char *const *f = block_open_formats();

    while (*f && strcmp(*f, spec->format))
        f++;
    if (!*f || !strcmp(*f, "raw")) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION,
                    "disk image '%s': unknown format '%s'", spec->file, spec->format);
        return NULL;
    }
    if (packed && !spec->readonly) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION,
                    "disk image '%s' is packed (%s) and can only be read: say readonly=on or "
                    "snapshot=on",
                    spec->file, spec->format);
        return NULL;
    }
    return packed ? nbdkit(spec) : qemu_nbd(spec);
}

struct block *block_nbd_serve(const struct block_spec *spec, GError **err)
{
    char **argv = block_nbd_program(spec, err), *program;
    struct block_child *child;
    struct block *b = NULL;
    int socket;

    if (!argv)
        return NULL;
    program = g_find_program_in_path(argv[0]);
    if (!program) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST,
                    "disk image '%s' needs %s, which is not installed (Debian: apt install %s)",
                    spec->file, argv[0], strcmp(argv[0], "nbdkit") ? "qemu-utils" : "nbdkit");
    } else {
        child = block_child_start((const char *const *)argv, &socket, err);
        b = child ? block_nbd_new(spec, NULL, socket, child, err) : NULL;
    }
    g_free(program);
    g_strfreev(argv);
    return b;
}

struct block *block_nbd_connect(const struct block_spec *spec, GError **err)
{
    return block_nbd_new(spec, spec->file, -1, NULL, err);
}
