# SPDX-License-Identifier: GPL-2.0-or-later
# The harness of the tests that run the emulator: each test is a shell function, named in a list, run by itself in a
# subshell with its own directory, under a host-time limit that is only a guard against hangs. A test passes by
# returning 0, fails by calling `fail`, is skipped by calling `skip`. Results go to $results as lines
# "ok|not ok|skip NAME: WHY". Source after script/lib.sh.
results=${PENUMBRA_TEST_RESULTS:-build/tests/results}
work_top=build/tests
emulator=${PENUMBRA:-build/release/penumbra}
jobs=${PENUMBRA_TEST_JOBS:-2}
slow=${PENUMBRA_TEST_SLOW:-1} # multiplies every time limit; for sanitizer builds and slow hosts

fail() {
    printf '%s\n' "$*" >"$dir/why"
    exit 1
}
skip() {
    printf '%s\n' "$*" >"$dir/why"
    exit 77
}

# Runs the emulator with stdin closed and stdout and stderr in $dir, for at most $1 seconds; leaves its exit status
# in $status. 124 means that it hung.
emulate() {
    local limit=$(($1 * slow))
    shift
    printf '%s\n' "$emulator $*" >>"$dir/command"
    status=0
    timeout --kill-after=10 "$limit" "$emulator" "$@" </dev/null >"$dir/stdout" 2>"$dir/stderr" || status=$?
}

expect_status() {
    [ "$status" = "$1" ] || fail "exit status $status, not $1$([ "$status" != 124 ] || echo ' (ran into the time limit)')"
}

# $2 must be in file $1 (a fixed string).
expect_text() {
    grep -qaF -e "$2" "$1" 2>/dev/null || fail "no \"$2\" in ${1##*/}"
}

expect_count() {
    local n
    n=$(grep -caF -e "$2" "$1" || true)
    [ "$n" = "$3" ] || fail "\"$2\" is $n times, not $3 times, in ${1##*/}"
}

# Runs function $1 as a test; prints its line and, when it failed, the ends of what it left behind.
run_test() {
    local name=$1 dir rc=0 why start end f
    dir=$work_top/$name
    rm -rf "$dir"
    mkdir -p "$dir"
    start=$(date +%s)
    (
        set +e
        "$name"
    ) || rc=$?
    end=$(date +%s)
    why=$(cat "$dir/why" 2>/dev/null || true)
    case $rc in
    0) printf 'ok %s (%ds)\n' "$name" $((end - start)) ;;
    77) printf 'skip %s: %s\n' "$name" "$why" ;;
    *)
        printf 'not ok %s: %s\n' "$name" "${why:-returned $rc}"
        ;;
    esac >"$dir/result"
    cat "$dir/result" >>"$results"
    {
        cat "$dir/result"
        if [ $rc != 0 ] && [ $rc != 77 ]; then
            for f in command stdout stderr debugcon serial screen differences; do
                [ -s "$dir/$f" ] || continue
                printf '  -- %s\n' "$f"
                tail -n 40 "$dir/$f" | tr -d '\r' | sed 's/[^[:print:]\t]/?/g; s/^/  | /'
            done
        fi
    } | sed 's/^ok/ok/'
}

# Runs the named tests, $jobs at a time, output not interleaved.
run_tests() {
    local name running=0 out
    mkdir -p "$work_top"
    for name; do
        if [ -n "${ONLY:-}" ] && ! [[ $name =~ $ONLY ]]; then continue; fi
        if [ "$running" -ge "$jobs" ]; then
            wait -n || true
            running=$((running - 1))
        fi
        (
            out=$(run_test "$name")
            printf '%s\n' "$out"
        ) &
        running=$((running + 1))
    done
    wait
}

# Waits until pattern $2 (basic regular expression) is in file $1, for at most $3 seconds, while process $4 lives.
wait_text() {
    local until=$(($(date +%s) + $3 * slow))
    while ! grep -qa -e "$2" "$1" 2>/dev/null; do
        [ "$(date +%s)" -lt "$until" ] || return 1
        kill -0 "$4" 2>/dev/null || return 1
        sleep 0.2
    done
}
