#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares WAV files with what a guest is known to have played.

  sound_check.py speaker|sb16|ac97 FILE     tests/guests/rom/sound.c
  sound_check.py ramp FILE                  tests/guests/linux/play.c
"""
import array
import struct
import sys

PIT_HZ = 1193182
LEVEL = 0x4000


def fail(text):
    sys.exit(f"sound_check: {text}")


def read_wav(path):
    """The rate and the samples, left and right by turns; the header's sizes are the file's."""
    data = open(path, "rb").read()
    if data[:4] != b"RIFF" or data[8:16] != b"WAVEfmt " or data[36:40] != b"data":
        fail(f"{path} is no WAV file")
    riff, size = struct.unpack_from("<I", data, 4)[0], struct.unpack_from("<I", data, 40)[0]
    if riff != len(data) - 8 or size != len(data) - 44:
        fail(f"{path} has {len(data)} bytes, and its header says {riff} and {size}")
    if struct.unpack_from("<HHI", data, 20)[:2] != (1, 2) or data[34:36] != b"\x10\0":
        fail(f"{path} is not PCM of 16 bits in stereo")
    return struct.unpack_from("<I", data, 24)[0], array.array("h", data[44:])


def noise(seed, n):
    """The guest's generator: n values of 16 bits."""
    for _ in range(n):
        seed = (seed * 1103515245 + 12345) & 0xFFFFFFFF
        yield seed >> 16


def signed(v):
    return v - 0x10000 if v & 0x8000 else v


def expect_samples(name, got, want):
    if len(got) != len(want):
        fail(f"{name}: {len(got)} samples, not {len(want)}")
    for k, (g, w) in enumerate(zip(got, want)):
        if g != w:
            fail(f"{name}: sample {k} is {g}, not {w}")
    print(f"{name}: {len(want)} samples as they were played")


def check_sb16(path):
    rate, got = read_wav(path)
    if rate != 44100:
        fail(f"a rate of {rate}")
    want = []
    for v in noise(1, 22050):
        want += [((v & 0xFF) - 128) * 256] * 2
    want += [signed(v) for v in noise(2, 10 * 1024 * 2)]
    expect_samples("sb16", got, array.array("h", want))


def check_ac97(path):
    rate, got = read_wav(path)
    if rate != 48000:
        fail(f"a rate of {rate}")
    expect_samples("ac97", got, array.array("h", [signed(v) for v in noise(3, 40 * 1000 * 2)]))


def check_ramp(path):
    """Half a second that is played by Linux, after silence; until the driver stops its ring there is more."""
    rate, got = read_wav(path)
    frames = [(got[k], got[k + 1]) for k in range(0, len(got), 2)]
    begin = next((k for k, f in enumerate(frames) if f != (0, 0)), None)
    if begin is None:
        fail("nothing but silence")
    want = [(k * 7 % 30011 - 15005, 15005 - k * 13 % 30011) for k in range(rate // 2)]
    for k, w in enumerate(want):
        g = frames[begin + k] if begin + k < len(frames) else None
        if g != w:
            fail(f"frame {k} is {g}, not {w}")
    if len(frames) - begin - len(want) > rate // 10:
        fail(f"{len(frames) - begin - len(want)} frames follow")
    print(f"ramp: {len(want)} frames as they were played")


def edges(samples, rate):
    """Where the level goes through the middle of a frame's mean: seconds, and whether it rises."""
    found = []
    for k in range(1, len(samples)):
        before, now = samples[k - 1], samples[k]
        after = samples[k + 1] if k + 1 < len(samples) else 0
        if now in (0, LEVEL) and before in (0, LEVEL) and now != before:
            found.append((k / rate, now == LEVEL))
        elif now not in (0, LEVEL):
            up = before == 0
            if up and after == 0:
                continue  # a tone was switched off right after an edge
            part = now / LEVEL
            found.append(((k + (1 - part if up else part)) / rate, up))
    return found


def expect_tone(all_edges, count, high, period, name):
    """`count` periods whose rising edges are `period` ticks apart, and `high` ticks from the falling ones."""
    rises = [t for t, up in all_edges if up]
    falls = [t for t, up in all_edges if not up]
    if abs(len(rises) - count) > 1:
        fail(f"{name}: {len(rises)} periods, not {count}")
    for k in range(1, len(rises) - 1):
        apart = (rises[k] - rises[k - 1]) * PIT_HZ
        if abs(apart - period) > 2.5:
            fail(f"{name}: period {k} has {apart:.1f} ticks, not {period}")
    for up, down in zip(rises[1:-1], falls[1:-1] if falls[0] > rises[0] else falls[2:]):
        if abs((down - up) * PIT_HZ - high) > 2.5:
            fail(f"{name}: up for {(down - up) * PIT_HZ:.1f} ticks, not {high}")
    print(f"{name}: {len(rises)} periods of {period} ticks")


def check_speaker(path):
    rate, got = read_wav(path)
    left = got[0::2]
    if left != got[1::2]:
        fail("the channels differ")
    parts, found, last = [[]], edges([0] + list(left), rate), None
    for t, up in found:
        # the silence between two sounds is not in the file, but for its beginning
        if last is not None and t - last > 0.012:
            parts.append([])
        parts[-1].append((t, up))
        last = t
    if len(parts) != 3:
        fail(f"{len(parts)} sounds, not 3")
    expect_tone(parts[0], 100, 597, 1193, "1 kHz")
    expect_tone(parts[1], 44, 1356, 2712, "440 Hz")
    pulses = parts[2]
    rises = [t for t, up in pulses if up]
    falls = [t for t, up in pulses if not up]
    if len(rises) != 50 or len(falls) != 50:
        fail(f"{len(rises)} pulses, not 50")
    for up, down in zip(rises, falls):
        # the guest waits by reading the counter: a few ticks more
        if not 1191 < (down - up) * PIT_HZ < 1240:
            fail(f"a pulse of {(down - up) * PIT_HZ:.1f} ticks, not 1193")
    print("pulses: 50 of 1193 ticks")


checks = {"speaker": check_speaker, "sb16": check_sb16, "ac97": check_ac97, "ramp": check_ramp}
if len(sys.argv) != 3 or sys.argv[1] not in checks:
    sys.exit(__doc__)
checks[sys.argv[1]](sys.argv[2])
