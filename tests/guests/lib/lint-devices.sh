# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by tests/guests/boots: real systems under -lint's device rules (docs/lint.md). What is reported is exactly what is known
# to be wrong with them: a report more is a wrong rule or a wrong device, one less a rule that has gone blind.
# "unclaimed" is left out, since firmware and kernels probe for what a PC may have.

lint_device_rules() {
    sed -n '/---- devices/,$ s/^LINT([A-Z_0-9]*, "\([a-z0-9-]*\)".*/\1/p' base/lint.def | grep -vx unclaimed | paste -sd,
}

# Standard input: the messages that there must be, without their places.
expect_reports() {
    sed 's/^lint: \([a-z-]*\): .*\]: /\1: /; /^lint: /d' "$dir/lint" | LC_ALL=C sort -u >"$dir/reports"
    LC_ALL=C sort -u | diff -u - "$dir/reports" >"$dir/differences" || fail "other reports than the documented ones"
}

lint_devices_boot() { # OPTION...
    no_qemu
    emulate 400 -m 256M -nographic -serial "file:$dir/serial" -lint "$(lint_device_rules),file=$dir/lint" "$@"
}

# What docs/lint.md says of SeaBIOS and its VGA BIOS.
seabios_reports() {
    cat <<'END'
kbc-empty: i8042: port 0x60 read while the output buffer is empty
rtc-index: rtc: port 0x70 is write-only
rtc-read: rtc: registers 8 and 0 of the time read with no look at UIP (bit 7 of register A)
vga-clock: vga: the miscellaneous output register changes the clock with no reset of the sequencer
END
}

lint_kernel() { # FLAVOUR ARCH MACHINE
    local kernel initrd
    kernel=$(script/guest-linux "$1") && initrd=$(script/guest-initrd "$2") || fail "no guest"
    lint_devices_boot -kernel "$kernel" -initrd "$initrd" -append "console=ttyS0,115200 guest.run=proof"
    check_linux "$3"
    expect_reports </dev/null
}
boot_lint_kernel_amd64() { lint_kernel amd64 amd64 x86_64; }
boot_lint_kernel_686() { lint_kernel 686 i386 i686; }

boot_lint_disk_grub() {
    local image
    image=$(media disk) || fail "no image"
    lint_devices_boot -drive "file=$image,format=raw,if=ide,index=0" -snapshot
    check_linux x86_64
    seabios_reports | expect_reports
}

boot_lint_iso_isolinux_smp2() {
    local image
    image=$(media iso) || fail "no image"
    lint_devices_boot -cdrom "$image" -smp 2
    check_linux x86_64
    { seabios_reports && cat <<'END'; } | expect_reports
apic-deprecated: apic 0: INIT level de-assert (0x00008500)
rtc-index: rtc: 0x00 to port 0x70, and the access before, 0x80, was never finished at 0x71
END
}

boot_lint_gnumach() {
    local image
    image=$(script/guest-file gnumach-image-1.8-486 boot/gnumach-1.8-486.gz) || fail "no GNU Mach"
    lint_devices_boot -kernel "$image" -append console=com0 -no-reboot
    expect_text "$dir/serial" "No bootstrap code loaded"
    expect_reports <<'END'
pic-init: pic: ICW3 of the master is 0x00, but the slave is at input 2
pic-init: pic: ICW3 of the slave is 0x00, but the slave is at input 2
uart-overrun: uart at 0x3f8: byte 2 sent since the transmitter was seen empty, which takes 1
END
}
