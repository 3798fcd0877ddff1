#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A person at the human monitor: runs a command on a terminal of its own and types.

    monitor_terminal.py COMMAND...
    monitor_terminal.py --shared COMMAND...

The command is Penumbra with -monitor stdio; or with -nographic and a Linux guest whose shell is on the serial line that
the monitor shares the terminal with. Fails with one line."""
import os
import pty
import re
import select
import sys
import termios
import time

LIMIT = 60 * float(os.environ.get("PENUMBRA_TEST_SLOW", "1"))  # seconds; a guard against hangs
PROMPT = "(penumbra) "
seen = ""


def check(condition, what):
    if not condition:
        sys.exit("monitor_terminal: " + what)


def wait(fd, pattern):
    """What came up to the pattern, which is taken away with it."""
    global seen
    end = time.time() + LIMIT
    while True:
        found = re.search(pattern, seen)
        if found:
            text, seen = seen[: found.end()], seen[found.end() :]
            return text
        check(time.time() < end, "%r never came, only %r" % (pattern, seen[-300:]))
        if select.select([fd], [], [], 0.2)[0]:
            seen += os.read(fd, 65536).decode(errors="replace")


def shared(fd):
    """The keys go to the shell or to the monitor, whoever has them, even if all come in one piece."""
    wait(fd, "A Debian kernel and busybox")
    os.write(fd, b"echo a=$((1+1))\r")
    wait(fd, "a=2")
    os.write(fd, b"\x01cinfo status\r")
    wait(fd, "VM status: running")
    os.write(fd, b"stop\rinfo status\r\x01cecho b=$((2+3))\r\x01c")
    wait(fd, "VM status: paused")
    check("b=5" not in seen, "the guest runs while it is stopped")
    os.write(fd, b"cont\r\x01c")
    wait(fd, "b=5")
    os.write(fd, b"\x01c")


def main():
    with_shell = sys.argv[1] == "--shared"
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[1 + with_shell], sys.argv[1 + with_shell :])
    if with_shell:
        shared(fd)
    else:
        person(fd)
    finish(pid, fd)


def person(fd):
    wait(fd, re.escape(PROMPT))

    def send(keys, answer):
        os.write(fd, keys.encode())
        return wait(fd, answer)

    send("info stat\t\r", r"VM status: running\r*\n")
    check(not termios.tcgetattr(fd)[3] & termios.ICANON, "the terminal is not in raw mode")
    send("infx\x7fo version\r", r"Penumbra [0-9.]+\r*\n")
    send("stop\r", re.escape(PROMPT))
    send("ersion\x1b[Hinfo v\r", r"Penumbra [0-9.]+\r*\n")  # the rest was typed first
    send("\x1b[A\x1b[A\x1b[A\x1b[A\x15info status\r", r"VM status: paused\r*\n")
    send("info history\r", r"2: 'stop'\r*\n")
    send("system_\t", r"system_reset +system_powerdown +system_wakeup\r*\n")
    send("\x15x /2i $cs.base + $rip\r", r"[0-9a-f]{16}:  [0-9a-f]+ +[a-z]")
    send("help walk\r", r"walk ADDR +-- .*level by level")


def finish(pid, fd):
    os.write(fd, b"quit\r")
    end = time.time() + LIMIT
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        check(time.time() < end, "quit does not end it")
        try:
            if select.select([fd], [], [], 0.1)[0]:
                os.read(fd, 65536)
        except OSError:
            time.sleep(0.05)
    check(os.waitstatus_to_exitcode(status) == 0, "ended with status %d" % os.waitstatus_to_exitcode(status))
    print("monitor_terminal: all is well")


main()
