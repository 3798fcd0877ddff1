#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's side of a guest with a tablet and a keyboard by USB: usb_input.py QMP SERIAL PID. Sends events to
both once the guest listens, none of which may be told as one with the next; what the monitors say of them is on standard
output. Time limits are the caller's."""
import json
import os
import socket
import sys
import time

path, serial, pid = sys.argv[1:]


def wait_for(word):
    while True:
        try:
            with open(serial, errors="replace") as f:
                if word in f.read():
                    return
        except FileNotFoundError:
            pass
        os.kill(int(pid), 0)  # it is alive
        time.sleep(0.1)


while not os.path.exists(path):
    os.kill(int(pid), 0)
    time.sleep(0.1)
connection = socket.socket(socket.AF_UNIX)
connection.connect(path)
stream = connection.makefile("rw")
stream.readline()


def ask(command, **arguments):
    stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    stream.flush()
    while True:
        answer = json.loads(stream.readline())
        if "return" in answer:
            return answer["return"]
        if "error" in answer:
            sys.exit(f"{command}: {answer['error']}")


def send(*events):
    ask("input-send-event", events=[{"type": kind, "data": data} for kind, data in events])


def place(x, y):
    send(("abs", {"axis": "x", "value": x}), ("abs", {"axis": "y", "value": y}))


def button(name, down):
    return ("btn", {"button": name, "down": down})


def key(name, down):
    return ("key", {"key": {"type": "qcode", "data": name}, "down": down})


ask("qmp_capabilities")
wait_for("usb: listens")
print(ask("human-monitor-command", **{"command-line": "info usb"}))
for mouse in ask("query-mice"):
    print(mouse["index"], mouse["name"], "absolute" if mouse["absolute"] else "moves", "used" if mouse["current"] else "idle")
place(1000, 2000)
send(button("left", True))
send(button("left", False))
send(button("wheel-up", True), button("wheel-up", False))
send(button("right", True))
send(button("right", False))
send(key("a", True), key("a", False), key("b", True), key("b", False))
place(32767, 0)
print("sent", flush=True)
while stream.readline():  # to the end of the machine
    pass
