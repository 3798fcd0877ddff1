# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's drivers of disks, network adapters and paravirtual devices; for tests/guests/boots.

# Linux's own drivers of AHCI, with a disk and a CD behind it, and of the floppy.
boot_storage() {
    local kernel initrd disk iso floppy
    case $emulator in *qemu*) skip "what is looked for are Penumbra's drives" ;; esac
    kernel=$(script/guest-linux amd64) && disk=$(media disk) && iso=$(media iso) || fail "no guest"
    floppy=$(script/guest-floppy build/guests/boot-floppy.img) || fail "no floppy"
    # shellcheck disable=SC2046
    initrd=$(script/guest-initrd amd64 -o "$dir/initrd.gz" tests/guests/linux/storage \
        $(script/guest-modules amd64 ahci sd_mod sr_mod floppy vfat isofs nls_cp437 nls_iso8859_1 nls_ascii nls_utf8)) ||
        fail "no guest"
    emulate 300 -m 512M -kernel "$kernel" -initrd "$initrd" -nographic -serial "file:$dir/serial" -snapshot \
        -append 'console=ttyS0,115200 quiet guest.run="sh /guest/storage"' -device ahci,id=a \
        -drive "file=$disk,format=raw,if=none,id=d" -device ide-hd,drive=d,bus=a.0 \
        -drive "file=$iso,format=raw,if=none,id=c,media=cdrom" -device ide-cd,drive=c,bus=a.4 -fda "$floppy"
    rm -f "$dir/initrd.gz"
    expect_status 0
    expect_text "$dir/serial" "NCQ (depth 32)"
    expect_text "$dir/serial" "disk $(head -c 30000000 "$disk" | md5sum)"
    expect_text "$dir/serial" "written $(seq 200000 | md5sum)"
    expect_text "$dir/serial" "cd found"
    expect_text "$dir/serial" "floppy $(seq -f 'line %05g of the proof' 1 2000 | md5sum)"
    expect_text "$dir/serial" "floppy $(seq 10000 | md5sum)"
    expect_text "$dir/serial" "PCI-MSI"
    expect_text "$dir/serial" "guest: end status=0"
}

# Debian's drivers on each adapter: an address by DHCP, the router answers pings, megabytes come and go unharmed, a forwarded port
# leads into the guest, and what was captured is what went through.
network_options=()
network() { # MODEL DRIVER MODULE...
    local model=$1 driver=$2 megabytes=50 kernel initrd web sink forward peer sum
    no_qemu
    [ "$model" != ne2k_pci ] || megabytes=5 # each byte by the processor
    shift 2
    kernel=$(script/guest-linux amd64) || fail "no guest"
    # shellcheck disable=SC2046
    initrd=$(script/guest-initrd amd64 -o "$dir/initrd.gz" tests/guests/linux/network $(script/guest-modules amd64 "$@")) ||
        fail "no guest"
    mkfifo "$dir/end"
    tests/guests/net_peer.py "$dir" $megabytes <"$dir/end" 2>"$dir/peer.stderr" &
    peer=$!
    exec 7>"$dir/end"
    wait_text "$dir/ports" . 60 $peer || fail "no peer: $(tail -n 1 "$dir/peer.stderr")"
    read -r web sink forward <"$dir/ports"
    emulate 600 -m 512M -kernel "$kernel" -initrd "$initrd" -nographic -serial "file:$dir/serial" \
        "${network_options[@]}" -nic "user,id=n0,model=$model,mac=52:54:00:65:43:21,hostfwd=tcp:127.0.0.1:$forward-:8080" \
        -object "filter-dump,id=d0,netdev=n0,file=$dir/pcap,maxlen=128" \
        -append "console=ttyS0,115200 quiet guest.run=\"/guest/network '$(modules "$@")' $web $sink\""
    exec 7>&-
    wait $peer
    rm -f "$dir/file" "$dir/initrd.gz"
    expect_status 0
    expect_text "$dir/serial" "address=52:54:00:65:43:21"
    expect_text "$dir/serial" "driver=$driver"
    expect_text "$dir/serial" "lease=10.0.2.15 router=10.0.2.2 dns=10.0.2.3"
    expect_text "$dir/serial" "3 packets transmitted, 3 packets received"
    sum=$(sed -n 's/^made //p' "$dir/peer")
    expect_text "$dir/serial" "fetched=$sum"
    expect_text "$dir/peer" "took ${megabytes}000000 $sum"
    expect_text "$dir/peer" "answered HELLO FROM OUTSIDE"
    expect_text "$dir/serial" "asked"
    expect_text "$dir/serial" "guest: end status=0"
    tests/guests/read_pcap.py "$dir/pcap" >"$dir/frames" || fail "the capture cannot be read"
    for kind in arp icmp dhcp dns tcp; do
        expect_text "$dir/frames" "$kind "
    done
    rm -f "$dir/pcap"
}
# Names as insmod wants them, in their order.
modules() { script/guest-modules amd64 "$@" | sed 's|.*/||; s/\.ko$//' | paste -sd ' '; }
boot_net_e1000() { network e1000 e1000 e1000; }
boot_net_rtl8139() { network rtl8139 8139cp 8139cp; }
boot_net_virtio() { network virtio virtio_net virtio_pci virtio_net; }
# Each of two processors has queues of its own.
boot_net_virtio_mq() {
    network_options=(-smp 2)
    network virtio-net-pci,mq=on,queues=3 virtio_net virtio_pci virtio_net
    expect_text "$dir/serial" "queues=2"
    grep -qE 'virtio.*input\.1' "$dir/serial" || fail "the second pair has no interrupt"
}
boot_net_virtio_legacy() { network virtio-net-pci,disable-modern=on virtio_net virtio_pci virtio_net; }
# Two machines with a cable between them: one has an e1000, the other virtio.
two_machines() { # NETDEV NETDEV
    local kernel initrd first second status=0 n options model=(x virtio e1000)
    no_qemu
    kernel=$(script/guest-linux amd64) || fail "no guest"
    # shellcheck disable=SC2046
    initrd=$(script/guest-initrd amd64 -o "$dir/initrd.gz" tests/guests/linux/pair \
        $(script/guest-modules amd64 e1000 virtio_pci virtio_net)) || fail "no guest"
    for n in 1 2; do
        options=(-m 256M -kernel "$kernel" -initrd "$initrd" -display none -serial "file:$dir/serial-$n" -nic "$1,model=${model[n]}"
            -append "console=ttyS0,115200 quiet guest.run=\"/guest/pair '$(modules e1000 virtio_pci virtio_net)' $n\"")
        printf '%s\n' "$emulator ${options[*]}" >>"$dir/command"
        timeout --kill-after=10 $((600 * slow)) "$emulator" "${options[@]}" </dev/null >"$dir/stdout-$n" 2>"$dir/stderr-$n" &
        if [ $n = 1 ]; then first=$!; else second=$!; fi
        shift
        [ $n = 2 ] || [ -z "${pair_place:-}" ] || until [ -e "$pair_place" ] || ! kill -0 $first; do sleep 0.1; done
    done
    wait $first || status=$?
    expect_status 0
    wait $second || status=$?
    expect_status 0
    rm -f "$dir/initrd.gz"
    n=$(tr -d '\r' <"$dir/serial-1" | sed -n 's/^file=//p')
    [ -n "$n" ] || fail "the first made no file"
    expect_text "$dir/serial-2" "got=$n"
    expect_text "$dir/serial-1" "heard=$n"
    expect_text "$dir/serial-2" "20 packets transmitted, 20 packets received"
    [ ! -e "$dir/cable" ] || fail "the socket is left behind"
}
boot_net_two_stream() {
    pair_place=$dir/cable
    two_machines "stream,server=on,addr.type=unix,addr.path=$dir/cable" "stream,addr.type=unix,addr.path=$dir/cable"
}
boot_net_two_dgram() {
    two_machines "dgram,local.type=unix,local.path=$dir/a,remote.type=unix,remote.path=$dir/b" \
        "dgram,local.type=unix,local.path=$dir/b,remote.type=unix,remote.path=$dir/a"
}
# The adapter's option ROM, iPXE, gets pxelinux by TFTP, and that the kernel that does without PAE.
boot_net_pxe() {
    local kernel initrd root=$dir/tftp
    kernel=$(script/guest-linux 686) && initrd=$(script/guest-initrd i386) || fail "no guest"
    mkdir -p "$root/pxelinux.cfg"
    cp "$(script/guest-file pxelinux usr/lib/PXELINUX/pxelinux.0)" /usr/lib/syslinux/modules/bios/ldlinux.c32 "$root/" ||
        fail "no pxelinux"
    cp "$kernel" "$root/linux" && cp "$initrd" "$root/initrd"
    printf '%s\n' "DEFAULT linux" "LABEL linux" "KERNEL linux" \
        "APPEND initrd=initrd console=ttyS0,115200 guest.run=proof" >"$root/pxelinux.cfg/default"
    emulate 600 -m 256M -boot n -nographic -serial "file:$dir/serial" \
        -nic "user,model=${1:-e1000},tftp=$root,bootfile=/pxelinux.0"
    rm -rf "$root"
    check_linux i686
}
boot_net_pxe_rtl8139() { boot_net_pxe rtl8139; }
boot_net_pxe_virtio() { boot_net_pxe virtio; }
boot_net_ne2k_pci() { network ne2k_pci ne2k-pci ne2k-pci; }

# A disk by virtio: GRUB loads from it by SeaBIOS, and Linux by its own driver.
boot_virtio_grub() {
    local image
    image=$(media disk) || fail "no image"
    emulate 300 -m 256M -drive "file=$image,format=raw,if=virtio" -nographic -serial "file:$dir/serial" -snapshot
    expect_text "$dir/serial" "guest: GRUB reads its configuration"
    check_linux x86_64
}
virtio_disk() { # PROCESSORS DEVICE-OPTIONS
    local kernel initrd sum
    no_qemu
    kernel=$(script/guest-linux amd64) || fail "no guest"
    # shellcheck disable=SC2046
    initrd=$(script/guest-initrd amd64 -o "$dir/initrd.gz" tests/guests/linux/disk \
        $(script/guest-modules amd64 virtio_pci virtio_blk)) || fail "no guest"
    dd if=/dev/urandom of="$dir/disk" bs=1M count=48 status=none
    sum=$(sha256sum <"$dir/disk")
    emulate 400 -m 256M -smp "$1" -kernel "$kernel" -initrd "$initrd" -nographic -serial "file:$dir/serial" \
        -drive "if=none,id=d0,file=$dir/disk,format=raw,discard=unmap" -device "virtio-blk-pci,drive=d0,serial=pen-0815$2" \
        -append "console=ttyS0,115200 quiet guest.run=\"/guest/disk '$(modules virtio_pci virtio_blk)' vda\""
    rm -f "$dir/initrd.gz"
    expect_status 0
    expect_text "$dir/serial" "serial=pen-0815 sectors=98304 queues=$1"
    expect_text "$dir/serial" "read=$sum"
    expect_text "$dir/serial" "again=$(head -c 16777216 "$dir/disk" | sha256sum)"
    expect_text "$dir/serial" "discarded=yes"
    expect_text "$dir/serial" "guest: end status=0"
    # what the guest wrote is in the file, behind it what was, and of what it discarded nothing
    [ "$(tr -d '\r' <"$dir/serial" | sed -n 's/^wrote=//p')" = "$(head -c 16777216 "$dir/disk" | sha256sum)" ] ||
        fail "the file is not what the guest wrote"
    [ "$(tail -c 16777216 "$dir/disk" | tr -d '\0' | wc -c)" = 0 ] || fail "the discarded blocks are there"
    rm -f "$dir/disk"
}
boot_virtio_disk() { virtio_disk 2 ""; }
boot_virtio_disk_legacy() { virtio_disk 1 ,disable-modern=on; }

# Linux' driver of the display adapter: it knows the monitor by its EDID and sets the mode that it prefers.
boot_display() {
    local kernel initrd
    kernel=$(script/guest-linux amd64) || fail "no guest"
    # shellcheck disable=SC2046
    initrd=$(script/guest-initrd amd64 -o "$dir/initrd.gz" tests/guests/linux/display $(script/guest-modules amd64 bochs)) || fail "no guest"
    emulate 300 -m 256M -kernel "$kernel" -initrd "$initrd" -nographic -serial "file:$dir/serial" \
        -device VGA,xres=1920,yres=1080,xmax=1920,ymax=1200,vgamem_mb=32 \
        -append "console=ttyS0,115200 quiet guest.run=\"/guest/display '$(modules bochs)'\""
    rm -f "$dir/initrd.gz"
    expect_status 0
    expect_text "$dir/serial" "status=connected"
    expect_text "$dir/serial" "mode=1920x1080"
    expect_text "$dir/serial" "mode=1680x1050"
    expect_text "$dir/serial" "mode=640x480"
    expect_text "$dir/serial" "preferred=1920x1080"
    expect_text "$dir/serial" "screen=1920,1080 bits=32"
    expect_text "$dir/serial" "kept=yes"
    expect_text "$dir/serial" "guest: end status=0"
    ! grep -q "mode=2560x1600" "$dir/serial" || fail "a mode that the monitor has not"
    # the EDID itself: Penumbra's is taken apart by those who know, in the other emulator it is another
    tr -d '\r' <"$dir/serial" | sed -n 's/^edid=//p' | tr -d ' ' | xxd -r -p >"$dir/edid"
    [ "$(wc -c <"$dir/edid")" -ge 128 ] || fail "no EDID"
    if [ "${emulator##*/}" = penumbra ] && command -v edid-decode >/dev/null; then
        edid-decode --check "$dir/edid" >"$dir/edid.txt" || fail "edid-decode objects"
        expect_text "$dir/edid.txt" "Display Product Name: 'Penumbra'"
        expect_text "$dir/edid.txt" "EDID conformity: PASS"
    fi
}

# A CD behind AHCI is changed, and a virtio disk grows, before the guest's eyes.
boot_change_and_resize() {
    local kernel initrd pid status=0 name
    no_qemu
    kernel=$(script/guest-linux amd64) || fail "no guest"
    # shellcheck disable=SC2046
    initrd=$(script/guest-initrd amd64 -o "$dir/initrd.gz" tests/guests/linux/change \
        $(script/guest-modules amd64 ahci sr_mod isofs virtio_pci virtio_blk nls_utf8 nls_ascii)) || fail "no guest"
    for name in first second; do
        mkdir -p "$dir/$name"
        echo $name >"$dir/$name/name"
        xorriso -as mkisofs -quiet -o "$dir/$name.iso" "$dir/$name" >"$dir/xorriso" 2>&1 || fail "xorriso"
    done
    truncate -s 1M "$dir/disk"
    say_to() { tests/guests/monitor_say.py "$dir/mon" "$1" >>"$dir/said" 2>&1 || fail "the monitor does not answer to $1"; }
    set -- -m 256M -kernel "$kernel" -initrd "$initrd" -display none -serial "file:$dir/serial" -device ahci,id=a \
        -drive "file=$dir/first.iso,if=none,id=cd,media=cdrom" -device ide-cd,drive=cd,bus=a.1 \
        -drive "file=$dir/disk,format=raw,if=none,id=disk" -device virtio-blk-pci,drive=disk \
        -monitor "unix:$dir/mon,server=on,wait=off" -append 'console=ttyS0,115200 quiet guest.run=/guest/change'
    printf '%s\n' "$emulator $*" >"$dir/command"
    timeout --kill-after=10 $((400 * slow)) "$emulator" "$@" </dev/null >"$dir/stdout" 2>"$dir/stderr" &
    pid=$!
    wait_text "$dir/serial" "free" 200 $pid || { kill $pid; fail "the first CD"; }
    say_to "eject cd"
    say_to "change cd $dir/second.iso"
    wait_text "$dir/serial" "small" 100 $pid || { kill $pid; fail "the second CD"; }
    say_to "block_resize disk 512K"
    say_to "block_resize cd 20"
    say_to "block_resize disk 100"
    wait $pid || status=$?
    rm -f "$dir/initrd.gz"
    expect_status 0
    expect_text "$dir/serial" "cd=first"
    expect_text "$dir/serial" "cd=second"
    expect_text "$dir/serial" "sectors=2048"
    expect_text "$dir/serial" "sectors=204800"
    expect_text "$dir/said" "not smaller"
    expect_text "$dir/said" "only the size of a virtio disk"
    [ "$(stat -c %s "$dir/disk")" = 104857600 ] || fail "the image has $(stat -c %s "$dir/disk") bytes"
    expect_text "$dir/serial" "wrote=$(dd if="$dir/disk" bs=4096 skip=2400 count=200 status=none | head -c 588895 | md5sum)"
}

# A console, a line and a balloon by virtio; the host's side is tests/guests/paravirtual.py.
boot_virtio_console_balloon() {
    local kernel initrd pid client=0 status=0
    no_qemu
    kernel=$(script/guest-linux amd64) || fail "no guest"
    # shellcheck disable=SC2046
    initrd=$(script/guest-initrd amd64 -o "$dir/initrd.gz" tests/guests/linux/paravirtual \
        $(script/guest-modules amd64 virtio_pci virtio_console virtio_balloon)) || fail "no guest"
    : >"$dir/serial"
    set -- -m 384M -kernel "$kernel" -initrd "$initrd" -display none -serial "file:$dir/serial" \
        -device virtio-balloon-pci -chardev "file,id=c0,path=$dir/console" -chardev pty,id=c1 -device virtio-serial-pci \
        -device virtconsole,chardev=c0 -device virtserialport,chardev=c1,name=line -qmp "unix:$dir/qmp,server" \
        -append "console=ttyS0,115200 quiet guest.run=\"/guest/paravirtual '$(modules virtio_pci virtio_console virtio_balloon)'\""
    printf '%s\n' "$emulator $*" >"$dir/command"
    "$emulator" "$@" </dev/null >"$dir/stdout" 2>"$dir/stderr" &
    pid=$!
    timeout $((390 * slow)) tests/guests/paravirtual.py "$dir/qmp" "$dir/serial" "$dir/stderr" $pid >"$dir/client" 2>&1 || client=$?
    [ $client = 0 ] || { kill $pid 2>/dev/null; fail "status $client of the client (124: over its limit): $(tail -n 1 "$dir/client")"; }
    wait $pid || status=$?
    echo $status >"$dir/status"
    rm -f "$dir/initrd.gz"
    expect_status 0
    expect_text "$dir/console" "hello by the console"
    expect_text "$dir/serial" " name=line"
    expect_text "$dir/serial" "heard=knock"
    expect_text "$dir/serial" "memory=good"
    expect_text "$dir/client" "given back"
    expect_text "$dir/client" "answered"
}

# A tablet and a keyboard by USB, and a disk where there is room for it: what QMP sends comes out of the guest's event devices,
# and what is on the disk is read and written.
usb() { # OPTIONS... -- MODULE...
    local options=() kernel initrd pid status=0 client=0 sum='' tablet keys
    no_qemu
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    kernel=$(script/guest-linux amd64) || fail "no guest"
    # shellcheck disable=SC2046
    initrd=$(script/guest-initrd amd64 -o "$dir/initrd.gz" tests/guests/linux/usb $(script/guest-modules amd64 "$@")) ||
        fail "no guest"
    if [[ ${options[*]} = *usb-storage* ]]; then
        dd if=/dev/urandom of="$dir/disk" bs=1M count=12 status=none
        sum=$(sha256sum <"$dir/disk")
    fi
    : >"$dir/serial"
    set -- -m 384M -kernel "$kernel" -initrd "$initrd" -display none -serial "file:$dir/serial" "${options[@]}" \
        -qmp "unix:$dir/qmp,server,nowait" \
        -append "console=ttyS0,115200 quiet guest.run=\"/guest/usb '$(modules "$@")' '3 1 0' '1 48 0'${sum:+ disk}\""
    printf '%s\n' "$emulator $*" >"$dir/command"
    "$emulator" "$@" </dev/null >"$dir/stdout" 2>"$dir/stderr" &
    pid=$!
    timeout $((390 * slow)) tests/guests/usb_input.py "$dir/qmp" "$dir/serial" $pid >"$dir/client" 2>&1 || client=$?
    [ $client = 0 ] || { kill $pid 2>/dev/null; fail "status $client of the client (124: over its limit): $(tail -n 1 "$dir/client")"; }
    wait $pid || status=$?
    echo $status >"$dir/status"
    rm -f "$dir/initrd.gz"
    expect_status 0
    expect_text "$dir/client" "USB tablet absolute used"
    expect_text "$dir/client" "Product USB keyboard"
    # EV_ABS x, y; EV_KEY BTN_LEFT; EV_REL REL_WHEEL, in detents and finer; EV_KEY BTN_RIGHT; EV_ABS; EV_KEY a, b
    tablet=$(tr -d '\r' <"$dir/serial" | sed -n 's/^tablet //p' | grep -v '^[04] ' | paste -sd ,)
    keys=$(tr -d '\r' <"$dir/serial" | sed -n 's/^keys //p' | grep -v '^[04] ' | paste -sd ,)
    [ "$tablet" = "3 0 1000,3 1 2000,1 272 1,1 272 0,2 8 1,2 11 120,1 273 1,1 273 0,3 0 32767,3 1 0" ] || fail "the tablet gave $tablet"
    [ "$keys" = "1 30 1,1 30 0,1 48 1,1 48 0" ] || fail "the keyboard gave $keys"
    expect_text "$dir/serial" "guest: end status=0"
    [ -n "$sum" ] || return 0
    expect_text "$dir/serial" "sectors=24576"
    expect_text "$dir/serial" "read=$sum"
    expect_text "$dir/serial" "again=$(head -c 1048576 "$dir/disk" | sha256sum)"
    [ "$(tr -d '\r' <"$dir/serial" | sed -n 's/^wrote=//p')" = "$(head -c 1048576 "$dir/disk" | sha256sum)" ] ||
        fail "the file is not what the guest wrote"
    rm -f "$dir/disk"
}
boot_usb_uhci() {
    usb -usb -device usb-tablet -device usb-kbd -device piix3-usb-uhci,id=second \
        -drive "if=none,id=stick,file=$dir/disk,format=raw" -device usb-storage,bus=second.0,drive=stick \
        -- uhci_hcd usbhid hid_generic evdev usb_storage sd_mod
}
boot_usb_xhci() {
    usb -device qemu-xhci,id=x -device usb-tablet -device usb-kbd,bus=x.0 \
        -drive "if=none,id=stick,file=$dir/disk,format=raw" -device usb-storage,drive=stick \
        -- xhci_pci usbhid hid_generic evdev usb_storage sd_mod
}
# SeaBIOS boots a sector that ends with a status, from a disk behind each controller; and with time that is counted it does the
# same in each run, whatever the pace.
boot_usb_sector() {
    local options sleep
    no_qemu
    { printf '\272\001\005\260\020\356\364'; head -c 503 /dev/zero; printf '\125\252'; head -c 1048576 /dev/zero; } >"$dir/disk"
    options=(-m 64M -drive "if=none,id=d,file=$dir/disk,format=raw" -display none -device isa-debug-exit -snapshot)
    emulate 100 "${options[@]}" -device qemu-xhci -device usb-storage,drive=d,bootindex=1
    expect_status 33
    for sleep in off on; do
        emulate 100 "${options[@]}" -usb -device usb-tablet -device usb-storage,drive=d,bootindex=1 \
            -icount "shift=2,sleep=$sleep" -stats
        expect_status 33
        sed -n 's/^penumbra: \([0-9]* instructions\) in .*/\1/p; s/^penumbra: \(state .*\)/\1/p' "$dir/stderr" >"$dir/run-$sleep"
        [ "$(wc -l <"$dir/run-$sleep")" = 2 ] || fail "-stats says nothing of instructions and state"
    done
    diff -u "$dir/run-off" "$dir/run-on" >"$dir/stdout" || fail "the runs were not the same"
}
# SeaBIOS finds the disk by USB, and GRUB on it loads Linux.
boot_usb_grub() {
    local image
    image=$(media disk) || fail "no image"
    emulate 500 -m 256M -usb -drive "if=none,id=d,file=$image,format=raw" -device usb-storage,drive=d,bootindex=1 \
        -nographic -serial "file:$dir/serial" -snapshot
    expect_text "$dir/serial" "guest: GRUB reads its configuration"
    check_linux x86_64
}
