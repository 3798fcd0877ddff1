# SPDX-License-Identifier: GPL-2.0-or-later
# tests/bench/run --disk | --net | --frames: disks, network and display of the same Linux guest in Penumbra and in QEMU's TCG, which
# take turns in one run (duel.py); then how many times as fast as TCG Penumbra is, by the clock and by processor time.
#   BENCH_ROUNDS=5       how many turns; the best counts
#   BENCH_SECONDS=0.7    how long TCG is to take for each piece of work
#   BENCH_ONLY="virtio ide-raw"     only the work whose names have these in them
# To be sourced by tests/bench/run, with the kind in $kind.
script/bootstrap --bench
modules=()
case $kind in
disk) modules=(ata_piix ahci sd_mod virtio_pci virtio_blk) ;;
net) modules=(e1000 virtio_pci virtio_net) ;;
esac
for program in disk net frames; do
    gcc -O2 -Wall -static -o $out/io_$program tests/bench/io_$program.c
done
files=()
[ ${#modules[@]} = 0 ] || mapfile -t files < <(script/guest-modules amd64 "${modules[@]}")
load=$(for file in "${files[@]}"; do basename "$file" .ko; done | tr '\n' ' ')
kernel=$(script/guest-linux amd64)
initrd=$(script/guest-initrd amd64 -o $out/io-$kind.gz $out/io_disk $out/io_net $out/io_frames tests/bench/io.guest "${files[@]}")

# The images of engine $1: each of another size, by which the guest finds its disk. Of random bytes, all of them there.
io_images() {
    local size=128 place form raw
    for place in ide ahci virtio; do
        for form in raw qcow2; do
            raw=$out/io-$1-$place.$form
            if [ ! -s "$raw" ]; then
                head -c $((size << 20)) /dev/urandom >"$out/io.new"
                [ $form = raw ] || { qemu-img convert -f raw -O qcow2 "$out/io.new" "$raw.new" && mv "$raw.new" "$out/io.new"; }
                mv "$out/io.new" "$raw"
            fi
            size=$((size + 1))
        done
    done
}

# What both emulators are told, for engine $1, in `options`.
io_options() {
    local place form id index=0
    options=(-m 512M -smp 1 -kernel "$kernel" -initrd "$initrd" -serial stdio -monitor none -no-reboot
        -append "console=ttyS0,115200 quiet guest.run=\"sh /guest/io.guest '$load'\"")
    case $kind in
    disk)
        io_images "$1"
        options+=(-display none -nic none -device ahci,id=a)
        for place in ide ahci virtio; do
            for form in raw qcow2; do
                id=$place-$form
                options+=(-drive "if=none,id=$id,file=$out/io-$1-$place.$form,format=$form")
                case $place in
                ide) options+=(-device "ide-hd,drive=$id,bus=ide.0,unit=$((index % 2))") ;;
                ahci) options+=(-device "ide-hd,drive=$id,bus=a.$((index % 2))") ;;
                virtio) options+=(-device "virtio-blk-pci,drive=$id") ;;
                esac
                index=$((index + 1))
            done
        done
        ;;
    net)
        options+=(-display none -netdev user,id=n0 -device e1000,netdev=n0
            -netdev user,id=n1,net=10.0.3.0/24 -device virtio-net-pci,netdev=n1)
        ;;
    frames) options+=(-nic none -display sdl,gl=off -vga std) ;;
    esac
}

io_options penumbra
# shellcheck disable=SC2086
command=("${PENUMBRA:-build/release/penumbra}" "${options[@]}" ${PENUMBRA_BENCH_OPTIONS:-})
io_options tcg
tests/bench/duel.py $kind "${command[@]}" -- qemu-system-x86_64 -accel tcg -cpu max,la57=off "${options[@]}"
