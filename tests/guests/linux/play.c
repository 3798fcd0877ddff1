/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plays half a second of a known pattern (tests/guests/sound_check.py) in 16 bits and stereo
 * through OSS' /dev/dsp, with the mixer where the card leaves samples as they are: play RATE.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/soundcard.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int32_t value(uint32_t n)
{
    return (int32_t)(n % 30011) - 15005;
}

/* Master all the way up; PCM too, where there is one, but on the codec whose 0 dB is at three
 * quarters. */
static void set_mixer(void)
{
    int fd = open("/dev/mixer", O_RDWR), full = 100 << 8 | 100, unity = 74 << 8 | 74;
    char id[32] = "";
    mixer_info info;

    if (fd < 0)
        die("/dev/mixer");
    if (ioctl(fd, SOUND_MIXER_INFO, &info) == 0)
        snprintf(id, sizeof(id), "%.15s", info.id);
    printf("card %s\n", id);
    if (ioctl(fd, SOUND_MIXER_WRITE_VOLUME, &full) < 0)
        die("master");
    if (ioctl(fd, SOUND_MIXER_WRITE_PCM, strstr(id, "ICH") ? &unity : &full) < 0)
        printf("no PCM volume\n");
    close(fd);
}

int main(int argc, char **argv)
{
    int rate = argc > 1 ? atoi(argv[1]) : 48000, want = rate, format = AFMT_S16_LE, channels = 2;
    size_t frames = (size_t)rate / 2, done = 0;
    int16_t *buf = calloc(frames, 4);
    int fd;

    set_mixer();
    for (uint32_t k = 0; k < frames; k++) {
        buf[2 * k] = (int16_t)value(k * 7);
        buf[2 * k + 1] = (int16_t)-value(k * 13);
    }
    fd = open("/dev/dsp", O_WRONLY);
    if (fd < 0)
        die("/dev/dsp");
    if (ioctl(fd, SNDCTL_DSP_SETFMT, &format) < 0 ||
        ioctl(fd, SNDCTL_DSP_CHANNELS, &channels) < 0 || ioctl(fd, SNDCTL_DSP_SPEED, &rate) < 0)
        die("format");
    if (format != AFMT_S16_LE || channels != 2 || rate != want) {
        printf("got format %x, %d channels, %d Hz\n", (unsigned)format, channels, rate);
        return 1;
    }
    while (done < frames * 4) {
        ssize_t n = write(fd, (char *)buf + done, frames * 4 - done);

        if (n <= 0)
            die("write");
        done += (size_t)n;
    }
    if (ioctl(fd, SNDCTL_DSP_SYNC, NULL) < 0)
        die("sync");
    close(fd);
    printf("played\n");
    return 0;
}
