#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Kills Penumbra at random moments under a guest of tests/guests/kill/kill.h, and checks that every sector whose flush was
acknowledged is in the image, and that no sector is anything but what the guest wrote.

    kill.py EMULATOR ROM IMAGE TIMES SEED ide|ahci|virtio [--server] DRIVE-PARAMETER...

IMAGE is a new image of 4096 sectors; DRIVE-PARAMETERs follow file= (format=qcow2, cache=none ...), ROM is the guest that drives
the controller. With --server the
programs that Penumbra has started to serve the image are killed in the same moment. The image lives through all
kills: what one run had acknowledged has to be there after all that follow, too.
"""
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time

SECTORS = 4096  # as in kill.h
MAGIC = 0x6C6C696B
MASK = 0xFFFFFFFF
GUARD = 60  # seconds, against hangs only
CONTROLLERS = {
    "ide": [],
    "ahci": ["-device", "ahci,id=ahci0,addr=5", "-device", "ide-hd,drive=d,bus=ahci0.0"],
    "virtio": ["-device", "virtio-blk-pci,drive=d,addr=5"],
}


def fail(what):
    sys.exit("kill: " + what)


def place(seq):
    return (seq * 2654435761 & MASK) // 256 % SECTORS


def sector_of(seq):
    words = [MAGIC, seq, place(seq)]
    words += [(seq * 40503 & MASK) ^ (k * 2654435761 & MASK) for k in range(3, 128)]
    return struct.pack("<128I", *words)


def children(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as f:
            found += [int(p) for p in f.read().split()]
    return found


def alive(pid):
    """Not even a thread is left; one that waits for the disk holds the image's lock."""
    try:
        if len(os.listdir(f"/proc/{pid}/task")) > 1:
            return True
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def await_(what, test, *args):
    until = time.monotonic() + GUARD
    while not test(*args):
        if time.monotonic() > until:
            fail(f"{what} did not come in {GUARD} s")
        time.sleep(0.002)


class Guest:
    """One run, from its start to its kill."""

    def __init__(self, emulator, rom, log, controller, drive):
        open(log, "w").close()
        self.log = log
        self.errors = log + ".err"
        if controller != "ide":
            drive += ",if=none,id=d"
        with open(self.errors, "w") as err:
            self.process = subprocess.Popen(
                [emulator, "-m", "16M", "-nodefaults", "-display", "none", "-bios", rom, "-debugcon", "file:" + log,
                 "-drive", drive] + CONTROLLERS[controller], stdin=subprocess.DEVNULL, stdout=err, stderr=err)

    def words(self, what):
        with open(self.log) as f:
            return [int(n, 16) for n in re.findall(what + r" (?:0x)?([0-9a-f]+)\n", f.read())]

    def has_flushed(self):
        if self.process.poll() is not None:
            with open(self.errors) as f:
                fail(f"the emulator ended with {self.process.returncode}: {f.read()}")
        return self.words("flushed")

    def kill(self, server):
        others = children(self.process.pid)
        if server:
            for pid in others:
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        for pid in others:
            await_("the end of the image's server", lambda: not alive(pid))


def contents(image, drive):
    """All sectors, read by somebody else than Penumbra."""
    if "format=raw" in drive:
        with open(image, "rb") as f:
            return f.read()
    raw = image + ".raw"
    form = re.search(r"format=(\w+)", drive).group(1)
    check = subprocess.run(["qemu-img", "check", "-q", "-f", form, image], capture_output=True, text=True)
    if check.returncode not in (0, 3):  # 3: space that nobody uses, as after any crash
        fail(f"the image is damaged: {check.stdout}{check.stderr}")
    subprocess.run(["qemu-img", "convert", "-f", form, "-O", "raw", image, raw], check=True)
    with open(raw, "rb") as f:
        data = f.read()
    os.unlink(raw)
    return data


def verify(data, expected, when):
    if len(data) != SECTORS * 512:
        fail(f"{when}: the image has {len(data)} bytes")
    for lba in range(SECTORS):
        sector = data[lba * 512:lba * 512 + 512]
        magic, seq = struct.unpack_from("<2I", sector)
        if magic == 0 and not any(sector):
            seq = 0
        elif magic != MAGIC or place(seq) != lba or sector != sector_of(seq):
            fail(f"{when}: sector {lba} is nothing that was written")
        if seq < expected.get(lba, 0):
            fail(f"{when}: sector {lba} has number {seq}; {expected[lba]} was acknowledged")


def main():
    emulator, rom, image, times, seed, controller, *rest = sys.argv[1:]
    server = "--server" in rest
    drive = ",".join(["file=" + image.replace(",", ",,")] + [r for r in rest if r != "--server"])
    rand = random.Random(int(seed))
    expected = {}  # sector: the highest number that was acknowledged
    flushes = 0
    for n in range(int(times)):
        guest = Guest(emulator, rom, image + ".log", controller, drive)
        await_("the first flush", guest.has_flushed)
        time.sleep(rand.uniform(0, 0.15))
        guest.kill(server)
        start, flushed = guest.words("start"), guest.words("flushed")
        for seq in range(start[0] + 1, flushed[-1] + 1):
            expected[place(seq)] = max(seq, expected.get(place(seq), 0))
        flushes += len(flushed)
        verify(contents(image, drive), expected, f"after kill {n + 1}")
    print(f"kill: {times} kills, {flushes} acknowledged flushes, {len(expected)} sectors: nothing lost")


main()
