#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A person walks Debian's installer in the window, by keyboard and mouse, until the network asks its first question.

    desktop_installer.py PENUMBRA WORKDIR gtk|text KERNEL INITRD [PICTURE]

Hands are xdotool's; what the guest shows is its frame buffer. That a question is asked, and that DHCP gave an address, is
what the installer's own log says, which it is told to copy to the serial line (preseed/early_command, a feature of every
Debian installer); nothing else in the guest is other than a person would have it. Fails with one line."""
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import desktop_screen  # noqa: E402
from desktop_screen import Screen, Window, fail, wait_for, write_png  # noqa: E402
from desktop_session import Monitor  # noqa: E402

# The log is to go on when the script that starts it has ended: it may keep none of debconf's descriptors.
EARLY = "tail -f /var/log/syslog >/dev/ttyS0 2>&1 3>&- 4>&- 5>&- 6>&- &"
ADDRESS = "10.0.2.15"  # the first that libslirp gives
desktop_screen.LIMIT *= 4  # a whole system starts between two questions


class Installer:
    def __init__(self, emulator, directory, kind, kernel, initrd):
        self.dir, self.graphical = directory, kind == "gtk"
        self.screen = Screen(directory, 1300, 900)
        self.screen.env.update(HOME=directory)
        self.serial = self.path("serial")
        self.log = open(self.path("stderr"), "w")
        command = [emulator, "-display", "sdl", "-name", "Debian", "-m", "1G", "-kernel", kernel, "-initrd", initrd,
                   "-append", 'vga=788 DEBCONF_DEBUG=developer preseed/early_command="%s" --- quiet' % EARLY,
                   "-nic", "user,model=e1000", "-serial", "file:" + self.serial,
                   "-qmp", "unix:%s,server,nowait" % self.path("qmp")]
        self.process = subprocess.Popen(command, env=self.screen.env, stderr=self.log, stdin=subprocess.DEVNULL)
        self.read = 0  # how much of the log has been looked at
        self.window = Window(self.screen, "machine-Debian", "^Debian")
        self.screen.xdotool("windowmove", self.window.id, 0, 0)  # where a window manager keeps it on the screen
        self.monitor = Monitor(self.path("qmp"))

    def path(self, name):
        return os.path.join(self.dir, name)

    # ---- the guest ----

    def look(self, pattern):
        """The text of a line of the installer's log, after those that were waited for before; or None."""
        if self.process.poll() is not None:
            fail("the machine ended with status %d" % self.process.returncode)
        with open(self.serial, "rb") as f:
            f.seek(self.read)
            found = re.search(pattern.encode(), f.read())
        if not found:
            return None
        self.read += found.end()
        return found.group().decode()

    def said(self, pattern):
        return wait_for("'%s' in the installer's log" % pattern, lambda: self.look(pattern))

    def picture(self):
        return self.monitor.picture(self.dir)

    def still(self, changed, looks):
        """The picture, once changed(it) and the same for some looks."""
        last, same = [None], [0]

        def look():
            now = self.picture()
            same[0] = same[0] + 1 if now == last[0] else 0
            last[0] = now
            return same[0] >= looks and changed(now)
        wait_for("another picture", look)
        return last[0]

    def question(self, name, before):
        """Until it is asked, and all of it can be seen. A pointer or a button that is lit is not yet another picture."""
        self.said(r"--> INPUT \w+ %s\b" % name)
        self.said(r"--> GO\b")
        seen = self.still(lambda now: now[:2] != before[:2] or
                          sum(p != q for p, q in zip(now[2], before[2])) > before[1] // 10, 5)
        write_png(self.path("%s.png" % name.split("/")[1]), seen[2])
        return seen

    def repeat(self, act, before):
        """Does something until the picture is another: a guest that is still busy may have missed it."""
        looks = [0]

        def changed():
            if looks[0] % 200 == 0:
                act()
            looks[0] += 1
            return self.picture() != before
        wait_for("an answer", changed)

    # ---- the mouse ----

    def step(self, dx, dy):
        """Moves the grabbed mouse; the picture after it. A movement may be eaten up by those into the corner that the guest
        has not seen yet: it is made again."""
        before = self.picture()
        self.repeat(lambda: self.screen.xdotool("mousemove_relative", "--", dx, dy), before)
        return self.still(lambda now: True, 1)

    def grab(self):
        place = self.window.see("guest", ("screen",))
        self.window.focus()
        self.window.move(place.x + 200, place.y + 300)
        wait_for("the pointer on the guest's screen", lambda: self.window.pointer_on("guest", ("screen",), 0))
        self.screen.xdotool("click", 1)
        self.window.see("mouse: Ctrl+Alt+G frees it")

    def click(self, x, y, name):
        """Goes from the lower right corner, where the pointer is all but gone, to a button, and looks where it gets: the
        guest moves it as fast as it likes. What is other than before is the pointer, whose tip is its upper left; and
        what changes as widely as no pointer is the button, lit below it."""
        self.corner()
        without = now = self.picture()
        for _ in range(100):
            box = difference(without, now) or (without[0] - 1, without[1] - 1)
            dx, dy = x - box[0], y - box[1]
            if abs(dx) < 5 and abs(dy) < 5:
                fail("%s is not lit below the pointer" % name)
            self.step(max(-8, min(8, dx)), max(-8, min(8, dy)))
            now = self.still(lambda picture: True, 5)  # what the guest has not seen yet may carry it on
            lit = difference(without, now)
            if lit and lit[2] - lit[0] > 60:
                break
        else:
            fail("the pointer does not get to " + name)
        if not (lit[0] <= x <= lit[2] and lit[1] <= y <= lit[3]):
            fail("the pointer is on another thing than %s: %s" % (name, lit))
        self.repeat(lambda: self.screen.xdotool("click", 1), now)

    def corner(self):
        """As far as it goes, a movement at a time: a mouse that is pushed faster than the guest looks has too much to tell."""
        w, h, _ = now = self.picture()
        last = None
        while now != last:
            self.screen.xdotool("mousemove_relative", "--", w, h)
            last, now = now, self.still(lambda picture: True, 5)

    # ---- the walk ----

    def answer(self, seen, by_mouse):
        """Takes what the question proposes, until debconf hears of it. A mouse may slip off the button: it is gone to again."""
        for tries in range(5):
            if by_mouse and self.graphical:
                self.click(seen[0] - 62, seen[1] - 25, "the button to continue")
            else:
                self.repeat(lambda: self.window.key("Return"), seen)
            heard = time.time() + desktop_screen.LIMIT / (8 if by_mouse else 1)
            while time.time() < heard:
                if self.look("<-- 0 ok"):
                    return
                time.sleep(0.03)
        fail("the question is not answered")

    def walk(self, picture):
        start = self.picture()
        self.said("preseed: running preseed command")
        language = self.question("localechooser/languagelist", start)
        if self.graphical:
            self.grab()
        self.answer(language, True)
        country = self.question("localechooser/shortlist", language)
        self.answer(country, False)
        keys = self.question("keyboard-configuration/xkb-keymap", country)
        self.answer(keys, True)
        self.said("udhcpc: Got IP %s .* routing through 10.0.2.2" % re.escape(ADDRESS))
        self.question("netcfg/get_hostname", keys)
        if picture:
            self.window.picture(picture)
        self.window.key("End", *["BackSpace"] * 8)
        self.screen.xdotool("type", "half-shadow")
        self.window.key("Return")
        self.said("--> GET netcfg/get_hostname\\b")
        self.said("<-- 0 half-shadow")
        if not re.search("sent [1-9]", self.monitor.do("human-monitor-command", **{"command-line": "info network"})):
            fail("the adapter has sent nothing")

    def quit(self):
        if self.graphical:
            self.window.key("ctrl+alt+g")
        self.window.menu("Machine", "Quit...")
        self.window.click("Quit now")
        status = self.process.wait(desktop_screen.LIMIT)
        self.screen.close()
        if status:
            fail("the machine ended with status %d" % status)

    def abandon(self):
        try:
            write_png(self.path("failed.png"), self.screen.pixels(0, 0, 1300, 900))
        finally:
            self.process.kill()
            self.screen.close()


def difference(a, b):
    """The box (left, top, right, bottom) in which two pictures differ, or None."""
    rows = [y for y in range(a[1]) if a[2][y] != b[2][y]]
    if not rows:
        return None
    left, right = a[0], 0
    for y in rows:
        p, q = a[2][y], b[2][y]
        cols = [x for x in range(a[0]) if p[3 * x:3 * x + 3] != q[3 * x:3 * x + 3]]
        left, right = min(left, cols[0]), max(right, cols[-1])
    return left, rows[0], right, rows[-1]


def main():
    emulator, directory, kind, kernel, initrd = sys.argv[1:6]
    walker = Installer(os.path.abspath(emulator), os.path.abspath(directory), kind, kernel, initrd)
    try:
        walker.walk(sys.argv[6] if len(sys.argv) > 6 else None)
        walker.quit()
    except BaseException:
        walker.abandon()
        raise
    print("desktop: the installer asks for the host's name")


if __name__ == "__main__":
    main()
