#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's side of a guest with a balloon and a virtio line: paravirtual.py QMP SERIAL STDERR PID. What it found is on
standard output; the test (tests/guests/boots) looks at it. Time limits are the caller's."""
import json
import os
import re
import socket
import sys
import time

MIB = 1 << 20
qmp_path, serial, stderr, pid = sys.argv[1:]


def wait_for(path, pattern):
    while True:
        try:
            with open(path, errors="replace") as f:
                found = re.search(pattern, f.read())
            if found:
                return found
        except FileNotFoundError:
            pass
        os.kill(int(pid), 0)  # it is alive
        time.sleep(0.2)


def rss():
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s*(\d+)", f.read())[1]) * 1024


class Qmp:
    def __init__(self, path):
        while not os.path.exists(path):
            os.kill(int(pid), 0)
            time.sleep(0.1)
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)
        self.f = self.s.makefile("rw")
        self.f.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        self.f.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.f.flush()
        while True:
            answer = json.loads(self.f.readline())
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                sys.exit(f"{command}: {answer['error']}")

    def balloon(self, mib):
        self.ask("balloon", value=mib * MIB)
        while self.ask("query-balloon")["actual"] != mib * MIB:
            os.kill(int(pid), 0)
            time.sleep(0.2)
        print(f"balloon={mib}", flush=True)


qmp = Qmp(qmp_path)
wait_for(serial, r"(?m)^free")
before = rss()
qmp.balloon(96)
after = rss()
print(f"rss {before // MIB} {after // MIB}")
print("given back" if before - after > 120 * MIB else "kept", flush=True)
stats = qmp.ask("human-monitor-command", **{"command-line": "info balloon"})
while "total=" not in stats:
    os.kill(int(pid), 0)
    time.sleep(0.2)
    stats = qmp.ask("human-monitor-command", **{"command-line": "info balloon"})
print(stats)
qmp.balloon(384)
terminal = os.open(wait_for(stderr, r"(/dev/pts/\d+)")[1], os.O_RDWR | os.O_NOCTTY)
os.write(terminal, b"knock\n")
heard = b""
while b"KNOCK" not in heard:
    heard += os.read(terminal, 100)
print("answered")
