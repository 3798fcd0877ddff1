/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See loader_file.h. */
#include "machine/loader_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define CHUNK (1u << 20)

static void fail(GError **err, const char *what, const char *path, const char *why)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "could not load %s '%s': %s", what, path,
                why);
}

/* 1: more may follow, 0: end of file, -1: errno. */
static int read_some(int fd, GByteArray *out, uint64_t want)
{
    size_t had = out->len, n = MIN(want, CHUNK);
    ssize_t got;

    g_byte_array_set_size(out, (guint)(had + n));
    do
        got = read(fd, out->data + had, n);
    while (got < 0 && errno == EINTR);
    g_byte_array_set_size(out, (guint)(had + (got > 0 ? (size_t)got : 0)));
    return got < 0 ? -1 : got > 0;
}

static bool read_all(int fd, const char *what, const char *path, uint64_t max, GByteArray *out,
                     GError **err)
{
    int more = 1;

    /* one byte more than allowed, to tell a file that fits from one that does not */
    while (more > 0 && out->len <= max)
        more = read_some(fd, out, max + 1 - out->len);
    if (more < 0) {
        fail(err, what, path, g_strerror(errno));
        return false;
    }
    if (out->len > max) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "%s '%s' is too large (more than %" PRIu64 " MiB)", what, path, max >> 20);
        return false;
    }
    return true;
}

GByteArray *loader_read_file(const char *what, const char *path, uint64_t max, GError **err)
{
    GByteArray *out;
    struct stat st;
    bool ok;
    int fd;

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail(err, what, path, g_strerror(errno));
        return NULL;
    }
    if (fstat(fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode))) {
        fail(err, what, path,
             S_ISDIR(st.st_mode) ? "it is a directory" : "it is not a regular file");
        close(fd);
        return NULL;
    }
    max = MIN(max, (uint64_t)INT32_MAX);
    out = g_byte_array_new();
    ok = read_all(fd, what, path, max, out, err);
    close(fd);
    if (!ok) {
        g_byte_array_unref(out);
        return NULL;
    }
    return out;
}
