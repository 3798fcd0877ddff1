# SPDX-License-Identifier: GPL-2.0-or-later
# What `-ring` costs: boots of Debian's kernel without and with it, in turns, by processor time, of which the least
# counts; the file that is written at the end is part of it. To be sourced by tests/bench/run.

# Seconds of processor time of a boot with the options "$@".
ring_boot() {
    local TIMEFORMAT='%U %S'
    { time "${PENUMBRA:-build/release/penumbra}" -m 256M -kernel "$ring_kernel" -initrd "$ring_initrd" -display none \
        -append "console=ttyS0,115200 guest.run=proof" -serial null "$@" </dev/null >$out/ring.out 2>&1; } 2>&1 |
        awk '{print $1 + $2}'
}

bench_ring() {
    local k off="" on=""
    ring_kernel=$(script/guest-linux amd64 | tail -n 1)
    ring_initrd=$(script/guest-initrd amd64 | tail -n 1)
    for ((k = 0; k < ${BENCH_ROUNDS:-3}; k++)); do
        off+=" $(ring_boot)"
        on+=" $(ring_boot -ring $out/ring.txt)"
    done
    [ -s $out/ring.txt ] || die "no ring was written (see $out/ring.out)"
    awk -v off="$off" -v on="$on" 'function least(text, t, n, k, min) {
            n = split(text, t, " ")
            min = t[1]
            for (k = 2; k <= n; k++) if (t[k] < min) min = t[k]
            return min
        }
        BEGIN {
            printf "a boot: %.2f s of processor time; with -ring %.2f s, %.3f times as long\n", least(off), least(on),
                least(on) / least(off)
        }'
}
bench_ring
