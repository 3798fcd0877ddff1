#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's side of the network tests, on loopback: tests/guests/net_peer.py DIRECTORY MEGABYTES

Makes DIRECTORY/file of random bytes and serves it as a web server would; takes what is sent to another port; calls a port
that the emulator forwards until the guest answers. Ports are free ones, written to DIRECTORY/ports as
"web sink forward"; what came of it goes to DIRECTORY/peer, a line each.
"""
import hashlib
import http.server
import os
import socket
import sys
import threading
import time

directory, megabytes = sys.argv[1], int(sys.argv[2])
log = open(os.path.join(directory, "peer"), "w", buffering=1)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args):
        super().__init__(*args, directory=directory)

    def log_message(self, *args):
        pass


def sink(listener):
    conn, _ = listener.accept()
    digest, size = hashlib.sha256(), 0
    while data := conn.recv(1 << 16):
        digest.update(data)
        size += len(data)
    log.write(f"took {size} {digest.hexdigest()}\n")


def guest_listens():
    try:
        with open(os.path.join(directory, "serial"), "rb") as f:
            return b"\nlistening" in f.read()
    except OSError:
        return False


def call(port):
    """A guest answers one caller, who therefore never gives up: until it listens the emulator takes the call and ends it."""
    while not guest_listens():
        time.sleep(0.2)
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port)) as s:
                s.sendall(b"hello from outside\n")
                s.shutdown(socket.SHUT_WR)
                answer = b""
                while data := s.recv(4096):
                    answer += data
            if answer:
                log.write(f"answered {answer.decode().strip()}\n")
                return
        except OSError:
            pass
        time.sleep(0.2)


contents = os.urandom(megabytes * 1000000)
with open(os.path.join(directory, "file"), "wb") as f:
    f.write(contents)
log.write(f"made {hashlib.sha256(contents).hexdigest()}\n")
web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
listener = socket.create_server(("127.0.0.1", 0))
forward = free_port()
for target, args in ((web.serve_forever, ()), (sink, (listener,)), (call, (forward,))):
    threading.Thread(target=target, args=args, daemon=True).start()
with open(os.path.join(directory, "ports.new"), "w") as f:
    f.write(f"{web.server_address[1]} {listener.getsockname()[1]} {forward}\n")
os.rename(os.path.join(directory, "ports.new"), os.path.join(directory, "ports"))
sys.stdin.read()  # until whoever started us goes
