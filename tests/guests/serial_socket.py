#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""People at a guest's serial line and monitor who come and go: tests/guests/serial_socket.py SERIAL MONITOR

Both are unix sockets of Penumbra's. The first client waits for the guest's shell and lets it say something; the second finds
the line as the first left it. The monitor is asked in between, and the guest is switched off at the end.
"""
import re
import socket
import sys

serial, monitor = sys.argv[1:]


def dial(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(300)  # against hangs only
    s.connect(path)
    return s


def read_until(s, pattern):
    got = b""
    while not re.search(pattern, got):
        data = s.recv(4096)
        if not data:
            sys.exit(f"the line was closed before {pattern}: {got[-300:]}")
        got += data
    return got


first = dial(serial)
read_until(first, rb"\n/? ?# ")  # the shell may have asked for the cursor's place behind it
first.sendall(b"word=$((6 * 7)); echo first=$word\n")
read_until(first, rb"first=42\r?\n")
first.close()
mon = dial(monitor)
read_until(mon, rb"\(\w+\) ")
mon.sendall(b"info status\n")
read_until(mon, rb"VM status: running")
mon.close()
second = dial(serial)
second.sendall(b"\necho second=$word\n")
read_until(second, rb"second=42\r?\n")
second.sendall(b"poweroff -f\n")
while second.recv(4096):
    pass
print("both were there")
