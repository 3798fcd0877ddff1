# SPDX-License-Identifier: GPL-2.0-or-later
# Firmware in flash; for tests/guests/boots.

guid=8f1b3c5e-2d4a-4b6c-9e7f-70656e756d62

# A disk on which OVMF's shell finds these lines to begin with.
shell_disk() { # NAME LINE...
    local disk=$dir/$1.img
    shift
    printf '%s\r\n' '@echo -off' "$@" >"$dir/startup.nsh"
    script/guest-efi-disk "$disk" "$dir/startup.nsh=startup.nsh" >/dev/null || fail "no disk"
    rm -f "$disk.cfg"
}

# The options of a machine that starts it, with the variables of this test.
uefi() { # DISK SERIAL
    options=(-m 256M -nic none -nographic -monitor none -serial "file:$dir/$2"
        -drive "if=pflash,format=raw,readonly=on,file=$code" -drive "if=pflash,format=raw,file=$dir/vars.fd"
        -drive "if=ide,format=raw,file=$dir/$1.img")
}

# What the guest was told is in a variable is there when Penumbra is killed in the next moment, and after it was switched off.
boot_uefi_variables() {
    local code options pid
    code=$(script/guest-file ovmf usr/share/OVMF/OVMF_CODE_4M.fd) || fail "no firmware"
    cp "$(dirname "$code")/OVMF_VARS_4M.fd" "$dir/vars.fd"
    chmod u+w "$dir/vars.fd"
    shell_disk first "setvar one -guid $guid -bs -rt -nv =0x11223344" 'echo guest: told' ':again' 'goto again'
    shell_disk second "setvar one -guid $guid" "setvar two -guid $guid -bs -rt -nv =0x55667788" "setvar one -guid $guid =" 'reset -s'
    shell_disk third "setvar two -guid $guid" "setvar one -guid $guid" 'reset -s'
    uefi first serial1
    "$emulator" "${options[@]}" </dev/null >"$dir/stdout" 2>"$dir/stderr" &
    pid=$!
    wait_text "$dir/serial1" "guest: told" 300 $pid || {
        kill $pid
        fail "the shell has not set the variable"
    }
    kill -9 $pid
    wait $pid 2>/dev/null || true
    uefi second serial2
    emulate 300 "${options[@]}"
    expect_status 0
    expect_text "$dir/serial2" "44 33 22 11"
    uefi third serial3
    emulate 300 "${options[@]}"
    expect_status 0
    expect_text "$dir/serial3" "88 77 66 55"
    ! grep -qa "44 33 22 11" "$dir/serial3" || fail "a variable that was deleted is back"
    rm -f "$dir"/*.img "$dir/vars.fd"
}
