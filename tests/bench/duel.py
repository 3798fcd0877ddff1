#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two emulators with the same guest take turns: tests/bench/duel.py disk|net|frames PEN-COMMAND... -- TCG-COMMAND...

Both have booted tests/bench/io.guest, which reads commands from its serial line, here standard input and output. Each piece of
work is done by one, then by the other, which sleeps meanwhile, BENCH_ROUNDS times; how much of it is such that it takes about
BENCH_SECONDS. Taken are the host's clock and the processor time of the emulator with all its children, between the two lines that
the guest prints around the work. The best of all rounds counts: other work on the host only ever adds.

A line of the table: the rates of both by the clock; how many times TCG's the first one's is, by the clock and by processor time;
and, of frames, how many a second were seen in the window.
"""
import mmap
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "0.7"))
ONLY = os.environ.get("BENCH_ONLY", "").split()
OUT = "build/bench"
SCREEN = 2560, 1600  # of the X server: room for a window whose corner is anywhere near the middle


def tree(pid):
    """A process and those that it and its children started and that still run."""
    parent = {}
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{p}/stat") as f:
                parent[int(p)] = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass  # it ended
    found = [pid]
    for p in found:
        found += [child for child, of in parent.items() if of == p]
    return found


def processor_time(pids):
    total = 0.0
    for p in pids:
        try:
            total += time.clock_gettime(~p << 3 | 2)  # the clock of that process, as clock_getcpuclockid(3) makes it
        except OSError:
            pass
    return total


class Engine:
    def __init__(self, name, command, env=None):
        self.name, self.log = name, open(f"{OUT}/io.{name}.log", "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                        env=os.environ | (env or {}))
        self.buffer = b""
        self.pids = [self.process.pid]

    def booted(self):
        self.wait(b"READY")
        self.pids = tree(self.process.pid)

    def wait(self, text, patience=300):
        """The first line with that text, and the clock and the processor time when it had come."""
        until = time.monotonic() + patience
        while True:
            while b"\n" in self.buffer:
                line, self.buffer = self.buffer.split(b"\n", 1)
                self.log.write(line + b"\n")
                self.log.flush()
                if b"WORK failed" in line:
                    sys.exit(f"{self.name}: {line.decode(errors='replace').strip()}")
                if text in line:
                    return time.monotonic(), processor_time(self.pids)
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                sys.exit(f"{self.name}: no line with {text.decode()!r} ({self.log.name})")
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                sys.exit(f"{self.name} ended ({self.log.name})")
            self.buffer += data

    def tell(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def work(self, command, watch=None):
        """Seconds, processor seconds, and how many pictures `watch` saw."""
        self.tell(command)
        begin, used = self.wait(b"WORK begin")
        seen = watch.count() if watch else 0
        end, used_then = self.wait(b"WORK end")
        seen = watch.count() - seen if watch else 0
        self.wait(b"READY")
        if used_then - used < 1e-4 or end - begin < 1e-3:  # who looked slept meanwhile, and saw both lines at once
            return self.work(command, watch)
        return end - begin, used_then - used, seen

    def end(self):
        self.process.kill()
        self.process.wait()


class Peer:
    """The host's side of io_net.c, on loopback: three ports, a thread each."""

    def __init__(self):
        self.sink, self.source = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
        self.echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.echo.bind(("127.0.0.1", 0))
        for target in self.take, self.give, self.answer:
            threading.Thread(target=target, daemon=True).start()

    def port(self, which):
        return getattr(self, which).getsockname()[1]

    def take(self):
        space = bytearray(1 << 20)
        while True:
            with self.sink.accept()[0] as s:
                while s.recv_into(space):
                    pass
                s.sendall(b".")

    def give(self):
        data = bytes(1 << 20)
        while True:
            with self.source.accept()[0] as s:
                left, = struct.unpack("<Q", s.recv(8, socket.MSG_WAITALL))
                while left:
                    left -= s.send(data[:min(left, len(data))])

    def answer(self):
        while True:
            data, who = self.echo.recvfrom(2048)
            self.echo.sendto(data, who)


class Watch:
    """An X server without a screen, and a count of how often a few pixels in the middle of it became others."""

    def __init__(self, name):
        folder = f"{OUT}/x-{name}"
        path = f"{folder}/Xvfb_screen0"
        os.makedirs(folder, exist_ok=True)
        if os.path.exists(path):
            os.unlink(path)
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", "1", "-screen", "0", f"{SCREEN[0]}x{SCREEN[1]}x24", "-fbdir", folder, "-nolisten", "tcp"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.display = self.server.stdout.readline().decode().strip()  # it chose a free one, and is ready
        if not self.display:
            sys.exit("Xvfb does not start")
        with open(path, "rb") as f:
            self.map = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
        # the file is an X window dump (XWDFile.h): its header's length, and at 12 and 19 words the line's length and colours
        header, = struct.unpack(">I", self.map[0:4])
        line, = struct.unpack(">I", self.map[48:52])
        colours, = struct.unpack(">I", self.map[76:80])
        at = header + 12 * colours + SCREEN[1] // 2 * line + SCREEN[0] // 2 * 4
        self.at, self.seen, self.watching = at, 0, False
        threading.Thread(target=self.look, daemon=True).start()

    def look(self):
        last = None
        while True:
            if not self.watching:
                time.sleep(0.02)
                continue
            now = self.map[self.at:self.at + 8]
            self.seen += now != last
            last = now
            time.sleep(0.001)

    def count(self):
        return self.seen

    def end(self):
        self.server.terminate()
        self.server.wait()


def disk_work():
    for place, size in (("ide", 0), ("ahci", 2), ("virtio", 4)):
        for k, form in enumerate(("raw", "qcow2")):
            sectors = (128 + size + k) * 2048  # io.sh makes each image of another size, by which the guest finds it
            for how, what, depth in (("read", "seq", 4), ("write", "seq", 4), ("read", "rnd", 16), ("write", "rnd", 16)):
                yield (f"{place}-{form}-{what}-{how}", f"/guest/io_disk $(disk {sectors}) {how} {what} {depth} {{n}}",
                       512 if what == "seq" else 4, 64 if what == "seq" else 256)


def net_work(peer):
    for driver, host in (("e1000", "10.0.2.2"), ("virtio_net", "10.0.3.2")):
        yield f"{driver}-send", f"/guest/io_net send {host} {peer.port('sink')} {{n}}", 1, 8192
        yield f"{driver}-receive", f"/guest/io_net receive {host} {peer.port('source')} {{n}}", 1, 8192
        yield f"{driver}-echo", f"/guest/io_net echo {host} {peer.port('echo')} {{n}} 1", 0, 256
        yield f"{driver}-echo16", f"/guest/io_net echo {host} {peer.port('echo')} {{n}} 16", 0, 256


def frames_work():
    for name, n in (("text", 256), ("planar", 16), ("part", 256), ("vbe", 16)):
        yield name, f"/guest/io_frames {name} {{n}}", 0, n


def enough(engine, template, n):
    """How much of the work takes about SECONDS; both are warm then."""
    while True:
        seconds = engine.work(template.format(n=n))[0]
        if seconds >= SECONDS / 2:
            return max(n // 4, int(n * SECONDS / seconds))
        n = int(n * min(8, max(2, SECONDS / max(seconds, 0.01))))


def duel(engines, name, template, unit, n, watches):
    """One piece of work, by both in turns; its line of the table."""
    amount = {e: enough(e, template, n) for e in engines}
    rate, thrift, pictures, clock = ({e: 0.0 for e in engines} for _ in range(4))
    for turn in range(ROUNDS):
        for e in engines if turn % 2 else engines[::-1]:
            watch = watches.get(e.name)
            if watch:
                watch.watching = True
            seconds, used, seen = e.work(template.format(n=amount[e]), watch)
            if watch:
                watch.watching = False
            rate[e] = max(rate[e], amount[e] / seconds)
            thrift[e] = max(thrift[e], amount[e] / used)
            pictures[e] += seen
            clock[e] += seconds
    pen, tcg = engines
    faster, thriftier = rate[pen] / rate[tcg], thrift[pen] / thrift[tcg]
    if unit:
        cells = "".join(f"{rate[e] * unit / 1024:9.1f} MB/s" for e in engines)
    else:
        cells = "".join(f"{rate[e]:9.0f} /s  " for e in engines)
    cells += f" |{faster:8.2f} |{thriftier:8.2f}"
    if watches:
        shown = [pictures[e] / clock[e] for e in engines]
        cells += f" |{shown[0]:8.1f}{shown[1]:8.1f}{shown[0] / max(shown[1], 0.1):8.2f}"
    print(f"{name:24}{cells}", flush=True)
    return faster, thriftier


def main():
    kind, commands = sys.argv[1], sys.argv[2:]
    split = commands.index("--")
    names = ("penumbra", commands[:split]), ("tcg", commands[split + 1:])
    watches = {}
    if kind == "frames":
        watches = {name: Watch(name) for name, _ in names}
    engines = [Engine(name, command, {"DISPLAY": f":{watches[name].display}", "SDL_RENDER_DRIVER": "software"} if watches else None)
               for name, command in names]
    try:
        for e in engines:
            e.booted()
        try:  # late looks would spoil all
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        except OSError:
            pass  # refused to most people
        work = disk_work() if kind == "disk" else net_work(Peer()) if kind == "net" else frames_work()
        head = f"{'':24}{'penumbra':>14}{'tcg':>14} |{'clock':>8} |{'cpu':>8}"
        print(head + (f" |{'shown/s':>8}{'tcg':>8}{'shown':>8}" if watches else ""), flush=True)
        ratios = [duel(engines, *w, watches) for w in work if not ONLY or any(o in w[0] for o in ONLY)]
        for k, what in enumerate(("the clock", "processor time")):
            mean = 1.0
            for r in ratios:
                mean *= r[k] ** (1 / len(ratios))
            print(f"by {what}: geometric mean {mean:.2f}, least {min(r[k] for r in ratios):.2f} of tcg's speed")
    finally:
        for e in engines:
            e.end()
        for w in watches.values():
            w.end()


main()
