# SPDX-License-Identifier: GPL-2.0-or-later
# What the benchmarks share: how their static programs are built and how a guest is timed. To be sourced after
# script/lib.sh.
out=build/bench
mkdir -p $out

# Compiles tests/bench/$1.c as $out/$1$2, for $2 (64 or 32) bits, without libc.
bench_program() {
    local arch=(-m64)
    [ "$2" = 64 ] || arch=(-m32 -march=i486)
    gcc "${arch[@]}" -O2 -fno-tree-vectorize -Wall -static -nostdlib -ffreestanding -fno-pic -fno-pie -no-pie \
        -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -o "$out/$1$2" "tests/bench/$1.c"
}

bench_stamp() { gcc -O2 -Wall -o $out/stamp tests/bench/stamp.c; }

# Runs an emulator whose serial line (or debug port) is the pipe $1, until the line with text $3; its stamped lines,
# with the emulator's processor time where $4 is -p, are then the file $2. The emulator is ended after that line.
timed() {
    local pipe=$1 result=$2 last=$3 cpu=$4 pid
    shift 4
    rm -f "$pipe"
    mkfifo "$pipe"
    awk '{print $1 " start"}' /proc/uptime >"$result.new" # the monotonic clock's zero is boot
    "$@" </dev/null >"$result.out" 2>&1 &
    pid=$!
    # shellcheck disable=SC2016
    timeout "${BENCH_TIMEOUT:-3600}" bash -c 'exec "${@:2}" <"$1"' - "$pipe" $out/stamp ${cpu:+-p $pid} "$last" \
        >>"$result.new" || true
    sleep 0.3
    kill $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    rm -f "$pipe"
    grep -q "$last" "$result.new" || { tail -n 20 "$result.new" "$result.out" >&2; die "the guest did not finish (see $result.new)"; }
    mv "$result.new" "$result"
}

# Bochs's configuration for the CD image $1 with the serial line $2.
bochs_config() {
    cat >$out/bochsrc <<EOF
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
memory: guest=256, host=256
cpu: model=corei7_haswell_4770, count=1, ips=200000000, reset_on_triple_fault=1
display_library: rfb, options="timeout=0"
speaker: enabled=0
sound: driver=dummy
clock: sync=none, time0=utc
boot: cdrom
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$PWD/$1, status=inserted
com1: enabled=1, mode=file, dev=$PWD/$2
log: $PWD/$out/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
EOF
    echo c >$out/bochs.commands
}
