#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A person's session with the desktop, by keyboard and mouse in the windows: makes a machine, starts it, types, pastes,
changes CDs, pauses, resets, quits, and looks at each thing twice: in the windows, and through the machine's own monitor.

    desktop_session.py PENUMBRA WORKDIR [PICTURES]

The guest is a boot sector that writes what is typed. With PICTURES the docs' pictures are left there. Fails with one
line."""
import glob
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desktop_screen import LIMIT, Screen, Window, fail, wait_for, write_png  # noqa: E402

# xor ah, ah; int 16h; mov ah, 0eh; int 10h; cmp al, 13; jne; mov al, 10; int 10h; jmp
ECHO = bytes.fromhex("fbfc" "30e4cd16" "b40ecd10" "3c0d75f4" "b00acd10" "ebee")
BANNER = b"type:"
TEXT = "Hello {1|2} ~ #5 'x' \"q\" <a@b> $ok; Z"


def make_disk(path):
    code = b""
    for c in BANNER:
        code += bytes([0xb0, c, 0xb4, 0x0e, 0xcd, 0x10])
    with open(path, "wb") as f:
        f.write((code + ECHO).ljust(510, b"\0") + b"\x55\xaa" + bytes(1024 * 1024 - 512))


def make_cd(path):
    """An ISO 9660 volume with nothing in it (ECMA-119 8.4)."""
    pvd = bytearray(2048)
    pvd[0:7] = b"\x01CD001\x01"
    pvd[80:84] = struct.pack("<I", 20)
    pvd[128:130] = struct.pack("<H", 2048)
    with open(path, "wb") as f:
        f.write(bytes(16 * 2048) + pvd + b"\xffCD001\x01".ljust(2048, b"\0") + bytes(2 * 2048))


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        wait_for("the machine's monitor", lambda: os.path.exists(path))
        self.socket.connect(path)
        self.socket.settimeout(LIMIT)
        self.lines = self.socket.makefile("rb")
        self.events = []
        self.lines.readline()
        self.do("qmp_capabilities")

    def do(self, name, **arguments):
        self.socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode())
        while True:
            reply = json.loads(self.lines.readline())
            if "event" in reply:
                self.events.append(reply["event"])
            elif "error" in reply:
                fail("%s: %s" % (name, reply["error"]["desc"]))
            else:
                return reply["return"]

    def happened(self, event):
        def look():
            self.do("query-status")
            return event in self.events
        wait_for("the event " + event, look)

    def picture(self, directory):
        """The frame buffer: width, height, rows of R, G, B."""
        path = os.path.join(directory, "screen.ppm")
        self.do("screendump", filename=path)
        with open(path, "rb") as f:
            f.readline()
            w, h = (int(n) for n in f.readline().split())
            f.readline()
            return w, h, [f.read(3 * w) for _ in range(h)]

    def cd(self):
        for drive in self.do("query-block"):
            if "cd" in drive["device"]:
                return drive.get("inserted", {}).get("file", "")
        return None


class Session:
    def __init__(self, emulator, directory, pictures):
        self.dir, self.pictures = directory, pictures
        self.screen = Screen(directory)
        self.home = os.path.join(directory, "home")
        os.makedirs(self.home, exist_ok=True)
        self.screen.env.update(HOME=self.home, XDG_DATA_HOME=os.path.join(self.home, "data"),
                               XDG_CONFIG_HOME=os.path.join(self.home, "config"))
        self.machines = os.path.join(self.home, "data", "penumbra", "machines")
        self.log = open(os.path.join(directory, "stderr"), "w")
        self.process = subprocess.Popen([emulator], env=self.screen.env, stderr=self.log, stdin=subprocess.DEVNULL)
        self.library = Window(self.screen, "library", "^Penumbra$")

    def path(self, name):
        return os.path.join(self.dir, name)

    def take(self, window, name):
        if self.pictures:
            time.sleep(0.5)
            window.picture(os.path.join(self.pictures, "desktop-%s.png" % name))

    # ---- the library ----

    def make_machine(self):
        lib = self.library
        make_disk(self.path("echo.img"))
        make_cd(self.path("one.iso"))
        make_cd(self.path("two.iso"))
        lib.see_text("There are no machines yet")
        lib.click("New...")
        lib.see("A new machine")
        lib.fill("Name", "Guest")
        lib.fill("Memory", "lots")
        lib.see_text("'lots' is not a memory size")
        if not lib.seen("Create", ("disabled",)):
            fail("a machine with 'lots' of memory could be made")
        lib.fill("Memory", "64M")
        lib.click("Disk")
        lib.click("a disk image that there is", ("option",))
        lib.fill("Image", self.path("missing.img"))
        lib.see_text("there is no such file")
        lib.fill("Image", self.path("echo.img"))
        lib.fill("CD image", self.path("one.iso"))
        lib.fill("More options", "-snapshot -qmp unix:%s,server,nowait -screendump %s" %
                 (self.path("qmp"), self.path("text")))
        self.take(lib, "form")
        lib.click("Create")
        lib.gone("A new machine")
        lib.see("Start", ("button",))
        lib.see("64M")

    def start(self):
        self.library.click("Start")
        self.library.see("running")
        window = Window(self.screen, "machine-Guest", "^Guest")
        window.see("running")
        monitor = Monitor(self.path("qmp"))
        self.guest_shows("type:")
        return window, monitor

    def pid(self):
        with open(os.path.join(self.machines, "Guest.state"), encoding="ascii") as f:
            return int(f.read().split()[1])

    def guest_screen(self):
        """The text screen, which the machine writes when it is told to."""
        os.kill(self.pid(), signal.SIGUSR1)
        try:
            with open(self.path("text"), encoding="utf-8") as f:
                return f.read()
        except OSError:
            return ""

    def guest_shows(self, text):
        wait_for("'%s' on the guest's screen" % text, lambda: text in self.guest_screen())

    # ---- the machine's window ----

    def same_pixels(self, window, monitor):
        """The window shows the machine's frame buffer, pixel for pixel."""
        window.focus()

        def same():
            place = window.see("guest", ("screen",))
            window.move(500, place.y + place.h + 6)  # the server draws the pointer into its pixels
            w, h, rows = monitor.picture(self.dir)
            return (w, h) == (place.w, place.h) and window.pixels(place) == rows
        wait_for("the frame buffer in the window", same)

    def typing(self, window):
        window.key("h", "i", "shift+1")
        self.guest_shows("type:hi!")
        lib = self.library  # where text comes into the clipboard
        lib.click("New...")
        lib.see("A new machine")
        lib.fill("Name", TEXT)
        lib.key("ctrl+a", "ctrl+c")
        lib.click("Cancel")
        lib.gone("A new machine")
        window.menu("Input", "Type the clipboard's text")
        self.guest_shows("type:hi!" + TEXT)

    def grab(self, window):
        place = window.see("guest", ("screen",))
        window.move(place.x + 200, place.y + 300)
        wait_for("the pointer on the guest's screen", lambda: window.pointer_on("guest", ("screen",), 0))
        window.screen.xdotool("click", 1)
        window.see("mouse: Ctrl+Alt+G frees it")
        window.key("ctrl+alt+g")
        window.see("mouse: click to grab")

    def change_cd(self, window, monitor):
        if monitor.cd() != self.path("one.iso"):
            fail("the CD is not the one that the form named: %s" % monitor.cd())
        window.menu("Media", "Change...##2")
        window.see("A CD for the drive")
        window.see("echo.img", ("row",))
        window.fill("File", self.path("two.iso"))
        window.click("Choose")
        window.see("the CD is " + self.path("two.iso"))
        if monitor.cd() != self.path("two.iso"):
            fail("the CD was not changed: %s" % monitor.cd())
        window.menu("Media", "Eject##2")
        window.see("the CD drive is empty")
        if monitor.cd():
            fail("the CD was not ejected: %s" % monitor.cd())

    def pause(self, window, monitor):
        window.menu("Machine", "Pause")
        monitor.happened("STOP")
        self.library.see("paused")
        window.menu("Machine", "Resume")
        monitor.happened("RESUME")
        self.library.see("running")

    def screenshot(self, window, monitor):
        window.menu("Machine", "Screenshot")
        window.see_text("saved " + self.home)
        files = glob.glob(os.path.join(self.home, "Guest-*.png"))
        if len(files) != 1:
            fail("the screenshot is not there: %s" % files)
        with open(files[0], "rb") as f:
            head = f.read(24)
        if head[:8] != b"\x89PNG\r\n\x1a\n" or struct.unpack(">II", head[16:]) != monitor.picture(self.dir)[:2]:
            fail("the screenshot is no picture of the screen")

    def views(self, window, monitor):
        window.menu("View", "Statistics")
        window.see("Statistics", ("float",))
        window.see_text("million instructions/s")
        self.take(window, "statistics")
        window.menu("View", "Statistics")
        window.gone("Statistics", ("float",))
        window.menu("View", "Fill the window, smoothly")
        window.menu("View", "Fill the window, smoothly")
        if self.pictures:
            window.click("Input", ("menu",))
            window.see("Type the clipboard's text")
            self.take(window, "menu")
            window.key("Escape")
        self.same_pixels(window, monitor)

    def reset_and_power(self, window, monitor):
        window.menu("Machine", "Power button (ACPI)")
        monitor.happened("POWERDOWN")
        window.menu("Machine", "Reset")
        monitor.happened("RESET")
        wait_for("an empty screen", lambda: TEXT not in self.guest_screen())
        self.guest_shows("type:")

    def quit(self, window, monitor):
        window.menu("Machine", "Quit...")
        window.see("Quit?")
        self.take(window, "quit")
        window.click("Keep running")
        window.gone("Quit?")
        if monitor.do("query-status")["status"] != "running":
            fail("the guest does not run any more")
        window.menu("Machine", "Quit...")
        window.click("Quit now")
        self.library.see("off")
        wait_for("the window gone", lambda: not window.look_up())
        os.unlink(window.path)
        if not os.path.exists(os.path.join(self.machines, "Guest.png")):
            fail("there is no picture of the last screen")
        self.take(self.library, "library")

    # ---- and afterwards ----

    def crash(self):
        """One that is killed, with the whole screen, is seen to be so; the library and its file are none the worse."""
        window = self.start()[0]
        window.move(300, 200)
        window.key("ctrl+alt+f")
        wait_for("the full screen", lambda: not window.seen("running"))
        place = window.see("guest", ("screen",))  # its pixels would need a window manager, which makes windows large
        if (place.x, place.y, place.w, place.h) != (280, 250, 720, 400):
            fail("the guest is not in the middle of the screen")
        os.kill(self.pid(), signal.SIGKILL)
        self.library.see("off, ended badly")
        self.library.see_text("ended by signal 9")

    def edit(self):
        lib = self.library
        lib.click("Edit...")
        lib.see("Edit the machine")
        lib.fill("Memory", "96M")
        lib.click("Save")
        lib.gone("Edit the machine")
        lib.see("96M")
        path = os.path.join(self.machines, "Guest.ini")
        with open(path, "a", encoding="utf-8") as f:
            f.write("[machine2]\n")
        lib.see_text("unknown section 'machine2'; did you mean 'machine'?")
        with open(path, encoding="utf-8") as f:
            text = f.read().replace("[machine2]\n", "")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        lib.see("96M")

    def copy_and_delete(self):
        lib = self.library
        lib.click("Duplicate...")
        lib.see("Duplicate the machine")
        lib.fill("Name of the copy", "Other")
        lib.click("Duplicate##now")
        lib.gone("Duplicate the machine")
        lib.see("Other", ("chosen",))
        lib.click("Delete...")
        lib.see_text("'Other' is taken out of the library")
        lib.click("Keep it")
        lib.gone("Keep it")
        lib.see("Other", ("chosen",))
        lib.click("Delete...")
        lib.click("Delete it")
        lib.gone("Other")
        if sorted(f for f in os.listdir(self.machines) if f.endswith(".ini")) != ["Guest.ini"]:
            fail("the library has other files than it shows: %s" % os.listdir(self.machines))

    def abandon(self):
        """After a failure: what was on the screen, and nobody is left behind. Without their server all windows end."""
        write_png(self.path("failed.png"), self.screen.pixels(0, 0, 1280, 900))
        self.process.kill()
        self.screen.close()

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(LIMIT)
        self.screen.close()
        if status:
            fail("the library ended with status %d" % status)


def main():
    emulator, directory = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    s = Session(emulator, directory, sys.argv[3] if len(sys.argv) > 3 else None)
    try:
        s.make_machine()
        window, monitor = s.start()
        s.same_pixels(window, monitor)
        s.typing(window)
        s.take(window, "machine")
        s.grab(window)
        s.change_cd(window, monitor)
        s.pause(window, monitor)
        s.screenshot(window, monitor)
        s.views(window, monitor)
        s.reset_and_power(window, monitor)
        s.quit(window, monitor)
        s.crash()
        s.edit()
        s.copy_and_delete()
        s.close()
    except BaseException:
        s.abandon()
        raise
    print("desktop: all is well")


if __name__ == "__main__":
    main()
