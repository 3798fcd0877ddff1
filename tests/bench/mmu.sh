# SPDX-License-Identifier: GPL-2.0-or-later
# tests/bench/run --mmu [ENGINE...]: mmu.c in a Linux guest with one processor and with two, and refill.c on bare metal, under
# mmu=shadow and mmu=walk by turns, several times each; then one table. Each figure is the best of all turns.
#   ENGINE    tcg, bochs: measured once, for comparison; what was measured before is kept in build/bench/mmu
#   BENCH_ROUNDS=3          how many turns; 0 prints the last table again
#   BENCH_KERNEL=amd64      or 686-pae, 686: the guest's kernel, and with it the format of its page tables
#   BENCH_PARTS="refill one two"     which guests
# To be sourced by tests/bench/run.
kernel_name=${BENCH_KERNEL:-amd64}
parts=${BENCH_PARTS:-refill one two}
emulator=${PENUMBRA:-build/release/penumbra}
mmu=$out/mmu
mkdir -p $mmu

script/bootstrap --bench
bench_stamp
bits=32 arch=i386
[ "$kernel_name" != amd64 ] || bits=64 arch=amd64
bench_program mmu $bits
# real-time processes may have all the time there is: no pauses in `yield`
printf "#!/bin/sh\necho -1 >/proc/sys/kernel/sched_rt_runtime_us\n/guest/mmu%d \$1 \${2:-3}\n" $bits >$out/mmu.go
chmod +x $out/mmu.go
kernel=$(script/guest-linux "$kernel_name")
initrd=$(script/guest-initrd $arch -o $out/mmu-$arch.gz $out/mmu$bits $out/mmu.go)
rom=$(tests/guests/build tests/bench/refill.c)
# small pages only, so that no run has more of them than another
cmdline="console=ttyS0,115200 transparent_hugepage=never"

# The name of a measurement's file: $1 engine, $2 part, $3 round.
stamps() { printf '%s\n' "$mmu/$kernel_name.$1.$2.$3.stamps"; }

# Linux with $3 processors running part $4 of mmu.c; the rest is the emulator.
time_linux() {
    local result=$1 pipe=$2 cpus=$3 part=$4
    shift 4
    timed "$pipe" "$result" "guest: powering off" -p "$@" -m 256M -smp "$cpus" -kernel "$kernel" -initrd "$initrd" \
        -append "$cmdline guest.run=\"/guest/mmu.go $part\"" -display none -serial "file:$pipe"
}

# Measures part $2 on engine $1.
time_part() {
    local engine=$1 part=$2 result=$3 pipe=$mmu/pipe command
    case $engine in
    shadow | walk) command=("$emulator" -accel "interp,mmu=$engine") ;;
    tcg) command=(qemu-system-x86_64 -accel tcg -cpu max -monitor none) ;;
    esac
    say "measuring $part, $engine"
    case $part in
    refill)
        timed "$pipe" "$result" "done: " -p "${command[@]}" -m 256M -bios "$rom" -debugcon "file:$pipe" -display none \
            -device isa-debug-exit,iobase=0x501,iosize=0x4
        grep -q 'failed=0' "$result" || die "refill.c failed under $engine (see $result)"
        ;;
    one) time_linux "$result" "$pipe" 1 one "${command[@]}" ;;
    two | two1) time_linux "$result" "$pipe" $([ $part = two ] && echo 2 || echo 1) two "${command[@]}" ;;
    esac
}

# Bochs has neither -kernel nor a second processor's worth of threads: the CD, and one part.
time_bochs() {
    local iso
    iso=$(script/guest-iso $out/mmu.iso "$kernel" "$initrd" "$cmdline guest.run=\"/guest/mmu.go one\"")
    bochs_config "$iso" $mmu/pipe
    say "measuring one, bochs"
    timed $mmu/pipe "$(stamps bochs one 1)" "guest: powering off" -p bochs-bin -q -f $out/bochsrc -rc $out/bochs.commands
}

want=" ${parts/two/two1 two} "
rounds=${BENCH_ROUNDS:-3}
[ "$rounds" = 0 ] || rm -f "$mmu/$kernel_name".{shadow,walk}.*
for ((round = 1; round <= rounds; round++)); do
    order=(shadow walk)
    [ $((round % 2)) = 1 ] || order=(walk shadow)
    for part in $want; do
        for engine in "${order[@]}"; do time_part "$engine" "$part" "$(stamps $engine $part $round)"; done
    done
done
for engine; do
    case $engine in
    tcg) for part in $want; do time_part tcg "$part" "$(stamps tcg $part 1)"; done ;;
    bochs) time_bochs ;;
    *) die "unknown engine $engine (known: tcg bochs)" ;;
    esac
done

# "walk/shadow" above 1: the shadow is faster; by the clock, and by the emulator's processor time, which other work on the host
# disturbs less. Two processors: how many times as fast as one, of the same engine, by the clock;
# "at most": how many times it would be if both were always busy, by the processor time that they took for the same work.
awk '
FNR == 1 {
    n = split(FILENAME, f, "/"); split(f[n], f, ".")
    engine = f[2]; part = f[3]
}
/ BENCH .* begin$/ { wall = $1; cpu = $2 }
/ BENCH .* end / {
    w = $4; sub(/^64-|^32-|^refill-/, "", w)
    if (part != "two" && !((part, w) in seen)) { seen[part, w] = 1; names[part] = names[part] " " w }
    k = engine SUBSEP part SUBSEP w
    if (!(k in t) || $1 - wall < t[k]) t[k] = $1 - wall
    if (!(k in c) || $2 - cpu < c[k]) c[k] = $2 - cpu
    if ((w in sum) && sum[w] != $6) printf "%s: %s gives %s, not %s\n", engine, w, $6, sum[w]
    else sum[w] = $6
}
function secs(x) { return x > 0 ? sprintf("%10.3f", x) : sprintf("%10s", "-") }
function ratio(a, b) { return a > 0 && b > 0 ? sprintf("%12.2f", a / b) : sprintf("%12s", "-") }
function table(part,    list, n, i, w, ls, lc, nl) {
    n = split(names[part], list, " ")
    if (!n) return
    printf "%-12s%10s%10s%12s |%10s%10s%12s |%10s%10s\n", part, "shadow s", "walk s", "walk/shadow", "shadow cpu", "walk cpu",
        "walk/shadow", "tcg cpu", "bochs cpu"
    for (i = 1; i <= n; i++) {
        w = list[i]
        printf "%-12s%s%s%s |%s%s%s |%s%s\n", w, secs(t["shadow", part, w]), secs(t["walk", part, w]),
            ratio(t["walk", part, w], t["shadow", part, w]), secs(c["shadow", part, w]), secs(c["walk", part, w]),
            ratio(c["walk", part, w], c["shadow", part, w]), secs(c["tcg", part, w]), secs(c["bochs", part, w])
        if (t["shadow", part, w] > 0 && t["walk", part, w] > 0) {
            ls += log(t["walk", part, w] / t["shadow", part, w])
            lc += log(c["walk", part, w] / c["shadow", part, w])
            nl++
        }
    }
    if (nl) printf "%-12s%20s%12.2f |%20s%12.2f |\n", "(geometric)", "", exp(ls / nl), "", exp(lc / nl)
    print ""
}
function scaling(    list, n, i, w, e, engine, engines) {
    n = split(names["two1"], list, " ")
    if (!n) return
    split("shadow walk tcg", engines, " ")
    printf "%-12s%10s%10s%10s%12s%12s\n", "two", "", "1 cpu s", "2 cpus s", "times", "at most"
    for (i = 1; i <= n; i++) for (e = 1; e <= 3; e++) {
        w = list[i]; engine = engines[e]
        if (t[engine, "two", w] > 0)
            printf "%-12s%10s%s%s%s%s\n", w, engine, secs(t[engine, "two1", w]), secs(t[engine, "two", w]),
                ratio(t[engine, "two1", w], t[engine, "two", w]), ratio(2 * c[engine, "two1", w], c[engine, "two", w])
    }
}
END { table("refill"); table("one"); table("two1"); scaling() }
' "$mmu/$kernel_name".*.stamps
