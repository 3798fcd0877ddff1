# SPDX-License-Identifier: GPL-2.0-or-later
# The window, with a person at it and without a display; for tests/guests/boots.

# A person at the desktop: tests/guests/desktop_session.py; and nobody there.
boot_desktop() {
    no_qemu
    printf '%s\n' "tests/guests/desktop_session.py $emulator $dir" >"$dir/command"
    timeout $((900 * slow)) tests/guests/desktop_session.py "$emulator" "$dir" >"$dir/stdout" 2>&1 || fail "$(tail -n 1 "$dir/stdout")"
    [ ! -s "$dir/stderr" ] || fail "the library says: $(head -n 1 "$dir/stderr")"
}
boot_no_display() {
    no_qemu
    unset DISPLAY WAYLAND_DISPLAY SDL_VIDEODRIVER
    refuse "no display"
    refuse "no display" -m 16M -display sdl
    export DISPLAY=unix:987
    refuse "no display"
    refuse "no display" -m 16M -display sdl
}

# Debian's installer in the window, walked by keyboard and mouse to its first question about the network.
installer() { # gtk|text ARCH
    local kernel initrd at=usr/lib/debian-installer/images/12/$2/$1/debian-installer/$2
    no_qemu
    kernel=$(script/guest-file "debian-installer-12-netboot-$2" "$at/linux") &&
        initrd=$(script/guest-file "debian-installer-12-netboot-$2" "$at/initrd.gz") || fail "no installer"
    set -- tests/guests/desktop_installer.py "$emulator" "$dir" "$1" "$kernel" "$initrd"
    printf '%s\n' "$*" >"$dir/command"
    timeout $((1800 * slow)) "$@" >"$dir/stdout" 2>&1 || fail "$(tail -n 1 "$dir/stdout")"
    expect_text "$dir/serial" "udhcpc: Got IP 10.0.2.15"
}
boot_desktop_installer_gtk() { installer gtk amd64; }
boot_desktop_installer_text() { installer text i386; }
