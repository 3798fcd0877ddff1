#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One command to a human monitor on a unix socket, and its answer: tests/guests/monitor_say.py PATH COMMAND"""
import socket
import sys

with socket.socket(socket.AF_UNIX) as s:
    s.settimeout(60)  # against hangs only
    s.connect(sys.argv[1])

    def until_prompt():
        text = b""
        while not text.endswith(b") "):
            data = s.recv(4096)
            if not data:
                sys.exit("the monitor went away")
            text += data
        return text.decode()

    until_prompt()
    s.sendall(sys.argv[2].encode() + b"\n")
    print("\n".join(until_prompt().splitlines()[:-1]))
