#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An independent QMP client: drives a Debian guest through a whole session, raw JSON over a unix socket.

    qmp_session.py SOCKET SERIAL WORKDIR

SERIAL is the file that the guest's serial line goes to. Fails with one line."""
import json
import os
import socket
import struct
import sys
import time
import zlib

LIMIT = 200 * float(os.environ.get("PENUMBRA_TEST_SLOW", "1"))  # seconds; a guard against hangs


def check(condition, what):
    if not condition:
        sys.exit("qmp_session: " + what)


class Client:
    def __init__(self, path):
        end = time.time() + LIMIT
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                check(time.time() < end, "nobody listens at " + path)
                time.sleep(0.05)
        self.socket.settimeout(LIMIT)
        self.lines = self.socket.makefile("rb")
        self.events = []
        self.id = 0

    def read(self):
        line = self.lines.readline()
        check(line, "the connection ended")
        return json.loads(line)

    def send(self, text):
        self.socket.sendall(text.encode())

    def raw(self, name, **arguments):
        self.id += 1
        command = {"execute": name, "id": self.id}
        if arguments:
            command["arguments"] = {k.replace("_", "-"): v for k, v in arguments.items()}
        self.send(json.dumps(command))
        while True:
            reply = self.read()
            if "event" not in reply:
                check(reply.get("id") == self.id, "an id was not echoed: %s" % reply)
                return reply
            self.events.append(reply)

    def run(self, name, **arguments):
        reply = self.raw(name, **arguments)
        check("return" in reply, "%s: %s" % (name, reply))
        return reply["return"]

    def event(self, name):
        while not any(e["event"] == name for e in self.events):
            message = self.read()
            check("event" in message, "%s came, not %s" % (message, name))
            self.events.append(message)
        found = next(e for e in self.events if e["event"] == name)
        self.events.remove(found)
        now = time.time()
        stamp = found["timestamp"]["seconds"] + found["timestamp"]["microseconds"] / 1e6
        check(now - LIMIT < stamp <= now + 1, "%s has the time %f, now is %f" % (name, stamp, now))
        return found.get("data", {})


def decode_png(path):
    """Width, height and rows of RGB of a PNG (8 bits RGB, not interlaced)."""
    with open(path, "rb") as f:
        data = f.read()
    check(data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG signature")
    at, packed, size = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        check(zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0], "bad CRC")
        if kind == b"IHDR":
            size = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    width, height, depth, colour, _, _, interlace = size
    check((depth, colour, interlace) == (8, 2, 0), "not 8-bit RGB: %s" % (size,))
    raw, rows, before = zlib.decompress(packed), [], bytes(3 * width)
    for y in range(height):
        kind = raw[y * (3 * width + 1)]
        row = bytearray(raw[y * (3 * width + 1) + 1 : (y + 1) * (3 * width + 1)])
        for x in range(3 * width):
            a = row[x - 3] if x >= 3 else 0
            b, c = before[x], before[x - 3] if x >= 3 else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            row[x] = (row[x] + (0, a, b, (a + b) // 2, paeth)[kind]) & 255
        rows.append(bytes(row))
        before = row
    return width, height, rows


def decode_ppm(path):
    with open(path, "rb") as f:
        magic, size, top, data = f.read().split(b"\n", 3)
    width, height = map(int, size.split())
    check((magic, top) == (b"P6", b"255"), "no PPM")
    return width, height, [data[y * 3 * width : (y + 1) * 3 * width] for y in range(height)]


def wait_serial(path, text):
    end = time.time() + LIMIT
    while True:
        try:
            with open(path, "rb") as f:
                if text.encode() in f.read():
                    return
        except FileNotFoundError:
            pass
        check(time.time() < end, "the serial line never showed %r" % text)
        time.sleep(0.1)


def type_text(client, text):
    names = {" ": "spc", "\n": "ret", "=": "equal", "/": "slash", "-": "minus", ".": "dot"}
    shifted = {">": "dot", "S": "s"}
    for c in text:
        if c in shifted:
            keys = ["shift", shifted[c]]
        else:
            keys = [names.get(c, c)]
        client.run("send-key", keys=[{"type": "qcode", "data": k} for k in keys], hold_time=20)


def main():
    place, serial, work = sys.argv[1:]
    client = Client(place)
    greeting = client.read()
    check("version" in greeting.get("QMP", {}), "no greeting: %s" % greeting)
    refused = client.raw("query-status")
    check(refused["error"]["class"] == "CommandNotFound", "commands work before the negotiation")
    client.run("qmp_capabilities")
    check(client.run("query-status") == {"status": "prelaunch", "running": False, "singlestep": False}, "not prelaunch")
    check(os.path.getsize(serial) == 0, "the guest ran before cont")
    client.run("cont")
    client.event("RESUME")
    check(client.run("query-status")["status"] == "running", "not running after cont")
    check(len(client.run("query-cpus-fast")) == 2, "not two processors")

    # what is typed reaches the shell on the screen, whose answers go to the serial line
    wait_serial(serial, "A Debian kernel and busybox")
    type_text(client, "echo typed=42 > /dev/ttyS0\n")
    wait_serial(serial, "typed=42")

    # nothing moves while it is stopped
    client.run("stop")
    client.event("STOP")
    check(client.run("query-status")["status"] == "paused", "not paused after stop")
    memory = []
    for n in range(2):
        name = os.path.join(work, "memory%d" % n)
        client.run("pmemsave", val=0, size=64 << 20, filename=name)
        with open(name, "rb") as f:
            memory.append(f.read())
        os.unlink(name)
    check(len(memory[0]) == 64 << 20 and memory[0] == memory[1], "memory changes while the machine is stopped")
    check(any(memory[0]), "memory is empty")

    # two pictures of the same moment in two formats
    png, ppm = os.path.join(work, "screen.png"), os.path.join(work, "screen.ppm")
    client.run("screendump", filename=png, format="png")
    client.run("screendump", filename=ppm)
    a, b = decode_png(png), decode_ppm(ppm)
    check(a == b, "the PNG and the PPM differ")
    check(a[0] >= 640 and a[1] >= 400, "the screen is %dx%d" % a[:2])
    lit = sum(1 for row in a[2] for x in range(0, len(row), 3) if row[x : x + 3] != b"\0\0\0")
    check(lit > 1000, "the screen has only %d pixels that are not black" % lit)

    client.run("cont")
    client.event("RESUME")
    type_text(client, "echo again=1 > /dev/ttyS0\n")
    wait_serial(serial, "again=1")

    # a bad text costs one error reply
    client.send("@#$%\n")
    check(client.read()["error"]["class"] == "GenericError", "garbage was taken")
    check(client.raw("stop", now=True)["error"]["desc"].find("'now'") >= 0, "an unknown argument was taken")

    # nobody in this guest answers the button, but its kernel goes when it is told to
    type_text(client, "poweroff -f\n")
    client.run("system_powerdown")
    client.event("POWERDOWN")
    end = client.event("SHUTDOWN")
    check(end == {"guest": True, "reason": "guest-shutdown"}, "SHUTDOWN says %s" % end)
    print("qmp_session: all is well")


main()
