# SPDX-License-Identifier: GPL-2.0-or-later
# Boots under Debian's gdb, and the sessions of the tutorials; for tests/guests/boots.

# Debian's gdb, from the reset vector through GRUB and the kernel's entry to a process, which is looked at; then the guest
# goes on as if nobody had been there.
boot_gdb_disk_grub() {
    local image entry pid status=0
    case $emulator in *qemu*) skip "QEMU's registers are other ones" ;; esac
    image=$(media disk) || fail "no image"
    entry=$(readelf -h "$(command -v busybox)" | sed -n 's/.*Entry point address: *//p')
    "$emulator" -m 256M -smp 2 -drive "file=$image,format=raw,if=ide,index=0" -nographic -serial "file:$dir/serial" \
        -snapshot -gdb "unix:$dir/gdb" -S </dev/null >"$dir/stdout" 2>"$dir/stderr" &
    pid=$!
    timeout $((400 * slow)) sh -c "while [ ! -S '$dir/gdb' ]; do sleep 0.1; done
        exec gdb -nx -q -batch -ex 'set \$user_entry = $entry' -x tests/guests/debug/disk.gdb" >"$dir/differences" 2>&1 ||
        { kill $pid; fail "gdb did not get to the end"; }
    wait $pid || status=$?
    expect_status 0
    check_gdb
    check_linux x86_64
    check_cpus 2
}
# What the session of tests/guests/debug/disk.gdb must have shown.
check_gdb() {
    local said=$dir/differences line
    while read -r line; do
        expect_text "$said" "$line"
    done <<END
pc fffffff0 ip fff0 cs f000
Thread 1 (CPU 0: real mode)
Thread 2 (CPU 1: real mode, waits for its start-up IPI)
ljmp   \$0xf000,\$0xe05b
pc fe05b
pc 7c00
CPU 0: real mode; CS 0000 base 0 IP 7c00, linear 7c00
pc 100000
CPU 0: protected mode, 32-bit code, CPL 0;
pc 1000000
pc 1000200
CPU 0: long mode, 64-bit code, CPL 0, 4-level paging;
cpl 3
long mode, 64-bit code, CPL 3
Hardware watchpoint
wrote near 16
stepped 1
[Inferior 1 (Remote target) exited normally]
END
}

# gdb at a bare-metal guest of four processors, by its symbols. Left in $dir/differences: what gdb showed.
gdb_rom() { # GUEST SCRIPT [OPTION...]
    local pid rom=$1 script=$2 status=0
    case $emulator in *qemu*) skip "QEMU's gdb has no such monitor commands" ;; esac
    tests/guests/build >"$dir/build" 2>&1 || fail "no guest"
    shift 2
    "$emulator" -m 32M -smp 4 -bios "build/guests/rom/$rom.bin" -debugcon "file:$dir/debugcon" -serial none -display none \
        -device isa-debug-exit,iobase=0x501,iosize=0x4 -gdb "unix:$dir/gdb" -S "$@" </dev/null >"$dir/stdout" 2>"$dir/stderr" &
    pid=$!
    timeout $((200 * slow)) sh -c "while [ ! -S '$dir/gdb' ]; do sleep 0.1; done
        exec gdb -nx -q -batch -x tests/guests/debug/$script.gdb" >"$dir/differences" 2>&1 ||
        { kill $pid; fail "gdb did not get to the end"; }
    wait $pid || status=$?
    echo $status >"$dir/status"
}
# A line of these patterns each, in their order.
expect_lines() { # FILE, patterns on standard input
    local at=0 n line
    while read -r line; do
        n=$(tail -n +$((at + 1)) "$1" | grep -n -m 1 -- "$line" | cut -d: -f1)
        [ -n "$n" ] || fail "behind line $at of $1 there is no \"$line\""
        at=$((at + n))
    done
}
boot_gdb_smp() {
    gdb_rom smp smp
    expect_lines "$dir/differences" <<END
Thread 4 (CPU 3: real mode, waits for its start-up IPI)
hit Breakpoint 1, ap_main ()
starts: thread [234]
#0  ap_main () at
CPU [123]: loaded CR3 with
loaded: cr3 is directory 1
CPU [123]: protected mode, 32-bit code, CPL 0
hit Breakpoint 2, work (what=1)
#0  work (what=1) at
hit Hardware watchpoint 3: counted
physical watch
CPU [0123]: wrote 4 bytes at
hit Hardware read watchpoint 4: command
hit Hardware access (read/write) watchpoint 5: finished
CPU [0123]: vector 80 is about to be delivered
vector is open: 1
trap_stubs ()
handled: interrupts are closed 1
CPU [0123]: wrote 4 bytes, MMIO fee000b0
stepped: 1
detached\]
Thread 4 (CPU 3: protected mode, 32-bit code, CPL 0, 32-bit paging)
CPU 0: wrote 1 bytes, port e9
exited with code 041\]
END
    expect_text "$dir/debugcon" "failed=0"
    [ "$(cat "$dir/status")" = 33 ] || fail "status $(cat "$dir/status")"
}
# docs/debugging.md and docs/ci.md, word for word, with the kernel that they give: the command that builds it, those that
# start the machine, what is typed into gdb, and behind an arrow what it answers.
own_kernel() { # PAGE; the command is left in $build
    case $emulator in *qemu* | *bochs*) skip "these pages are Penumbra's" ;; esac
    rm -rf "$dir/own"
    cp -r docs/own-kernel "$dir/own"
    build=$(grep '^    gcc ' "$1")
    (cd "$dir/own" && sh -c "$build") >"$dir/build" 2>&1 || fail "the page's kernel is not built"
    [ ! -s "$dir/build" ] || fail "the compiler says: $(head -n 1 "$dir/build")"
}
# The page's session N (from 1), as a script for gdb and as a list of answers.
typed_lines() { # N
    sed -n 's/^    (gdb) //p' docs/debugging.md | awk -v want="$1" '/^target remote/ { n++ } /^set architecture i8086/ { exit } n == want'
}
own_session() { # N STATUS OPTION...
    local n=$1 want=$2 pid start here=$PWD status=0
    shift 2
    start=$(sed -n 's/^    penumbra \(.*\) -s -S$/\1/p' docs/debugging.md | head -n 1)
    [ -n "$start" ] || fail "the page starts no machine"
    {
        printf 'set pagination off\nset confirm off\n'
        typed_lines "$n" | sed 's/  .*//; s|^target remote .*|target remote gdb|'
    } >"$dir/own/script"
    [ "$(wc -l <"$dir/own/script")" -gt 5 ] || fail "the page has no session $n"
    # shellcheck disable=SC2086
    (cd "$dir/own" && exec "$(realpath "$here/$emulator" 2>/dev/null || realpath "$emulator")" $start "$@" -gdb unix:gdb -S \
        </dev/null >"$here/$dir/stdout" 2>"$here/$dir/stderr") &
    pid=$!
    (cd "$dir/own" && timeout $((60 * slow)) sh -c 'while [ ! -S gdb ]; do sleep 0.1; done
        exec gdb -nx -q -batch -x script kernel.elf') >"$dir/differences" 2>&1 || { kill $pid; fail "gdb did not get to the end"; }
    wait $pid || status=$?
    [ $status = "$want" ] || fail "session $n: exit status $status, not $want"
    typed_lines "$n" | sed -n 's/.*→ //p' | sed 's/[][*.]/\\&/g' >"$dir/own/answers"
    [ -s "$dir/own/answers" ] || fail "session $n answers nothing"
    expect_lines "$dir/differences" <"$dir/own/answers"
}
boot_docs_debugging() {
    own_kernel docs/debugging.md
    own_session 1 33
    own_session 2 3 -append crash
}
boot_docs_ci() {
    local here line
    own_kernel docs/ci.md
    here=$(realpath "$(dirname "$emulator")")
    sed -n '/^`ci.boots.ini`:/,/^and in/s/^    //p' docs/ci.md >"$dir/page.ini"
    sed 's/^$//' "$dir/own/ci/boots.ini" | grep . | diff - <(grep . "$dir/page.ini") >"$dir/differences" || fail "the page has another spec"
    while read -r line; do
        case $line in *--tags*) sed -i '/^description/a tags = quick' "$dir/own/ci/boots.ini" ;; esac
        (cd "$dir/own" && PATH=$here:$PATH timeout $((60 * slow)) sh -c "$line") >"$dir/stdout" 2>"$dir/stderr" </dev/null ||
            fail "'$line' has status $?"
        printf '%s\n' "$line" >>"$dir/lines"
    done < <(sed -n 's/^    \(penumbra run .*\)/\1/p' docs/ci.md; grep -o 'prove --ext [^`]*' docs/ci.md)
    [ "$(wc -l <"$dir/lines")" = 4 ] || fail "the page has other commands: $(tr '\n' ';' <"$dir/lines")"
    grep -q 'testcase .*name="boots"' "$dir/own/report.xml" || fail "the report does not name the guest"
    line=$(sed -n 's/^    \(penumbra -m .*\)/\1/p' docs/ci.md)
    (cd "$dir/own" && PATH=$here:$PATH timeout $((60 * slow)) sh -c "$line") >"$dir/stdout" 2>"$dir/stderr" </dev/null
    [ $? = 33 ] || fail "without a spec: status is not 33"
    sed -i '/serial_init();$/d; s/^static void serial_init/__attribute__((unused)) &/' "$dir/own/kernel.c" # the page says what comes then
    (cd "$dir/own" && sh -c "$build") >"$dir/build" 2>&1 || fail "not built"
    (cd "$dir/own" && PATH=$here:$PATH timeout $((60 * slow)) penumbra run --with "-lint" ci/boots.ini) >"$dir/stdout" 2>"$dir/stderr" </dev/null
    [ $? = 1 ] || fail "text of five bits is found"
    grep -q uart-init "$dir/own/build/artifacts/boots/stderr.txt" || fail "-lint says nothing of the serial port"
}
boot_gdb_triple() {
    gdb_rom smp_triple triple -no-reboot
    expect_lines "$dir/differences" <<END
CPU [12]: triple fault; 'monitor history' says how, going on resets
received signal SIGABRT
ap_main () at
vector  3 at 0008:
vector 13 error
vector  8 error
exited with code 03\]
END
    [ "$(cat "$dir/status")" = 3 ] || fail "status $(cat "$dir/status")"
}
