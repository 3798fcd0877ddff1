# SPDX-License-Identifier: GPL-2.0-or-later
"""A person at the desktop, for scripts: an X server without a screen (Xvfb), xdotool for hands, and for eyes the map of
widgets that PENUMBRA_GUI_MAP asks the windows for (frontends/sdl/gui.h), and the server's own pixels.

Nothing here waits for a time to pass: everything waits for a state, with LIMIT as a guard against hangs."""
import os
import signal
import struct
import subprocess
import sys
import time
import zlib

LIMIT = 120 * float(os.environ.get("PENUMBRA_TEST_SLOW", "1"))  # seconds


def fail(what):
    sys.exit("desktop: " + what)


def wait_for(what, fn):
    """The first true value of fn()."""
    end = time.time() + LIMIT
    while time.time() < end:
        value = fn()
        if value:
            return value
        time.sleep(0.03)
    fail("it never happened: " + what)


class Widget:
    def __init__(self, line):
        x, y, w, h, self.kind, self.label = (line.split(" ", 5) + [""])[:6]
        self.x, self.y, self.w, self.h = int(x), int(y), int(w), int(h)


class Screen:
    """An X server of our own, of which nobody else knows the number."""

    def __init__(self, directory, width=1280, height=900):
        self.dir = directory
        read, write = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "%dx%dx24" % (width, height), "-nolisten", "tcp",
             "-fbdir", directory], pass_fds=[write], stderr=open(os.path.join(directory, "xvfb.log"), "w"))
        os.close(write)
        number = os.fdopen(read).readline().strip()
        if not number:
            fail("Xvfb did not start")
        self.env = dict(os.environ, DISPLAY=":" + number, PENUMBRA_GUI_MAP=os.path.join(directory, "map"))
        self.env.pop("WAYLAND_DISPLAY", None)
        self.env.pop("SDL_VIDEODRIVER", None)

    def close(self):
        self.server.send_signal(signal.SIGTERM)
        self.server.wait()

    def xdotool(self, *words):
        return subprocess.run(["xdotool", *[str(w) for w in words]], env=self.env, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, universal_newlines=True).stdout.split()

    def pixels(self, x, y, w, h):
        """Rows of bytes R, G, B, from the server's frame buffer (an XWD file, X11/XWDFile.h)."""
        with open(os.path.join(self.dir, "Xvfb_screen0"), "rb") as f:
            data = f.read()
        head = struct.unpack(">25I", data[:100])
        start, stride = head[0] + head[19] * 12, head[12]
        rows = []
        for row in range(y, y + h):
            at = start + row * stride + x * 4
            line = data[at:at + w * 4]
            rgb = bytearray(w * 3)
            rgb[0::3], rgb[1::3], rgb[2::3] = line[2::4], line[1::4], line[0::4]
            rows.append(bytes(rgb))
        return rows


def write_png(path, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" +
                chunk(b"IHDR", struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(b"".join(b"\0" + r for r in rows), 9)) + chunk(b"IEND", b""))


class Window:
    """A window of Penumbra's: "library", or "machine-NAME"."""

    def __init__(self, screen, role, title):
        self.screen, self.role, self.title = screen, role, title
        self.path = os.path.join(screen.dir, "map." + role)
        self.id = wait_for("a window '%s'" % title, self.look_up)
        self.widgets()

    def look_up(self):
        found = self.screen.xdotool("search", "--name", self.title)
        return found[0] if found else None

    def widgets(self):
        def read():
            try:
                with open(self.path, encoding="utf-8") as f:
                    return [Widget(line.rstrip("\n")) for line in f]
            except OSError:
                return None
        return wait_for("a map of " + self.role, read)

    def seen(self, label, kinds=None):
        """The last widget of that label that is there: one in front of others."""
        for w in reversed(self.widgets()):
            if w.label == label and (not kinds or w.kind in kinds):
                return w
        return None

    def see(self, label, kinds=None):
        return wait_for("'%s' in the %s" % (label, self.role), lambda: self.seen(label, kinds))

    def see_text(self, part):
        def find():
            return [w for w in self.widgets() if part in w.label]
        return wait_for("text '%s' in the %s" % (part, self.role), find)[0]

    def gone(self, label, kinds=None):
        wait_for("'%s' gone from the %s" % (label, self.role), lambda: not self.seen(label, kinds))

    def move(self, x, y):
        self.screen.xdotool("mousemove", "--window", self.id, x, y)

    def still(self, label, kinds):
        """Where a widget is, once it is where it was a moment ago: menus and dialogs settle."""
        def place():
            a = self.see(label, kinds)
            time.sleep(0.06)
            b = self.seen(label, kinds)
            return b if b and (a.x, a.y, a.w) == (b.x, b.y, b.w) else None
        return wait_for("'%s' standing still" % label, place)

    def click(self, label, kinds=("button", "menu", "item", "checked", "check", "choice", "option", "row", "field",
                                  "chosen"), times=1):
        w = self.still(label, kinds)
        self.focus()
        self.move(w.x + min(w.w // 2, 60), w.y + w.h // 2)
        time.sleep(0.1)  # the pointer is seen before the button
        for _ in range(times):
            self.screen.xdotool("mousedown", 1)
            time.sleep(0.06)
            self.screen.xdotool("mouseup", 1)
            time.sleep(0.06)

    def menu(self, menu, item):
        """Opens a menu and takes one of its items."""
        self.click(menu, ("menu",))
        self.click(item, ("item", "checked"))
        self.gone(item, ("item", "checked"))

    def focus(self):
        self.screen.xdotool("windowfocus", self.id)
        wait_for("the focus", lambda: self.screen.xdotool("getwindowfocus") == [self.id])

    def key(self, *keys):
        self.focus()
        for k in keys:
            self.screen.xdotool("key", "--delay", "60", k)
            time.sleep(0.06)

    def fill(self, label, text):
        """Writes text into a field in place of what is there."""
        self.click(label, ("field",))
        time.sleep(0.1)
        self.key("ctrl+a")
        self.screen.xdotool("type", "--delay", "60", text)
        wait_for("the text in field '%s'" % label, lambda: self.seen(text, ("value",)))

    def pixels(self, widget=None):
        """Of the window, or of a part of it."""
        geometry = dict(line.split("=") for line in self.screen.xdotool("getwindowgeometry", "--shell", self.id)
                        if "=" in line)
        x, y = int(geometry["X"]), int(geometry["Y"])
        if widget:
            return self.screen.pixels(x + widget.x, y + widget.y, widget.w, widget.h)
        return self.screen.pixels(x, y, int(geometry["WIDTH"]), int(geometry["HEIGHT"]))

    def picture(self, path):
        write_png(path, self.pixels())
