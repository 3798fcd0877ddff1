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


CLICKED = ("button", "menu", "item", "checked", "check", "choice", "option", "row", "field", "chosen", "editing")


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

    def pointer_on(self, label, kinds, down):
        """Has a frame been drawn with the pointer on that widget, and the button so?"""
        widgets = self.widgets()
        pointer = [w for w in widgets if w.kind == "pointer"]
        for w in reversed(widgets):
            if w.label == label and w.kind in kinds and pointer and pointer[0].w == down:
                p = pointer[0]
                return w.x <= p.x < w.x + w.w and w.y <= p.y < w.y + w.h
        return False

    def button(self, down):
        self.screen.xdotool("mousedown" if down else "mouseup", 1)

    def released(self):
        self.button(False)
        wait_for("the button released", lambda: not [w for w in self.widgets() if w.kind == "pointer" and w.w])

    def click(self, label, kinds=CLICKED):
        """Each step waits until a frame has shown that the one before was seen: menus and dialogs move at first."""
        def press():
            w = self.see(label, kinds)
            self.move(w.x + min(w.w // 2, 60), w.y + w.h // 2)
            end = time.time() + 2
            while not self.pointer_on(label, kinds, 0):
                if time.time() > end:
                    return False
                time.sleep(0.03)
            return True
        self.focus()
        wait_for("the pointer on '%s'" % label, press)
        self.button(True)
        wait_for("the button pressed", lambda: [w for w in self.widgets() if w.kind == "pointer" and w.w])
        self.released()

    def menu(self, menu, item):
        """Opens a menu and takes one of its items."""
        self.click(menu, ("menu",))
        self.click(item, ("item", "checked"))
        self.gone(item, ("item", "checked"))

    def focus(self):
        """There is no window manager: what is clicked is to be raised, too."""
        if self.screen.xdotool("getwindowfocus") == [self.id]:
            return
        self.screen.xdotool("windowraise", self.id)
        self.screen.xdotool("windowfocus", self.id)
        wait_for("the focus", lambda: self.screen.xdotool("getwindowfocus") == [self.id])

    def key(self, *keys):
        self.focus()
        for k in keys:
            self.screen.xdotool("key", k)

    def fill(self, label, text):
        """Writes text into a field in place of what is there."""
        self.click(label, ("field", "editing"))
        self.see(label, ("editing",))
        self.key("ctrl+a")
        self.screen.xdotool("type", "--", text)
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
