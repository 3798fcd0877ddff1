/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver that writes a WAV file: RIFF with 16-bit PCM in stereo (Microsoft, "Multimedia
 * Programming Interface and Data Specifications 1.0"). The sizes in its header are made right after
 * each piece of sound, so that the file can be read whenever, and however, Penumbra ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backends/audio_impl.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"

#define HEADER   44u
#define MAX_DATA (UINT32_MAX - HEADER - 4096) /* sizes in RIFF have 32 bits */

struct wav {
    int fd;
    char *path;
    uint32_t data; /* bytes of frames */
    bool broken;   /* and that was told */
};

static bool put(struct wav *w, const void *buf, size_t len, uint64_t at)
{
    const uint8_t *p = buf;

    while (len) {
        ssize_t n = pwrite(w->fd, p, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        p += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

static bool put_header(struct wav *w, unsigned rate)
{
    uint8_t h[HEADER] = "RIFF\0\0\0\0WAVEfmt ";

    st_le32(h + 4, HEADER - 8);
    st_le32(h + 16, 16);
    st_le16(h + 20, 1); /* PCM */
    st_le16(h + 22, 2);
    st_le32(h + 24, rate);
    st_le32(h + 28, rate * 4);
    st_le16(h + 32, 4);
    st_le16(h + 34, 16);
    memcpy(h + 36, "data", 4);
    return put(w, h, sizeof(h), 0);
}

static bool put_sizes(struct wav *w)
{
    uint8_t riff[4], data[4];

    st_le32(riff, HEADER - 8 + w->data);
    st_le32(data, w->data);
    return put(w, riff, 4, 4) && put(w, data, 4, 40);
}

static void wav_close(void *opaque)
{
    struct wav *w = opaque;

    close(w->fd);
    g_free(w->path);
    g_free(w);
}

static void *wav_open(const struct audio_config *cfg, GError **err)
{
    struct wav *w = g_new0(struct wav, 1);

    w->path = g_strdup(cfg->path);
    w->fd = open(cfg->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0644);
    if (w->fd >= 0 && put_header(w, cfg->rate))
        return w;
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "%s: cannot write sound there: %s",
                cfg->path, errno == ESPIPE ? "it is a pipe" : g_strerror(errno));
    if (w->fd >= 0)
        close(w->fd);
    g_free(w->path);
    g_free(w);
    return NULL;
}

static void give_up(struct wav *w, const char *why)
{
    log_user("%s: sound is no longer written: %s", w->path, why);
    w->broken = true;
}

static void wav_write(void *opaque, const int16_t (*frames)[2], size_t n)
{
    struct wav *w = opaque;
    size_t len = n * sizeof(frames[0]);

    if (w->broken)
        return;
    if (len > MAX_DATA - w->data) {
        give_up(w, "a WAV file has at most 4 GiB");
        return;
    }
    /* the host is little-endian, as the file is; the frames first, and then that they are there */
    if (!put(w, frames, len, (uint64_t)HEADER + w->data)) {
        give_up(w, g_strerror(errno));
        return;
    }
    w->data += (uint32_t)len;
    if (!put_sizes(w))
        give_up(w, g_strerror(errno));
}

const struct audio_driver audio_wav_driver = {
    .name = "wav",
    .open = wav_open,
    .close = wav_close,
    .write = wav_write,
};
