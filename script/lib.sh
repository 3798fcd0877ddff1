# SPDX-License-Identifier: GPL-2.0-or-later
# What the scripts share: where the tree is, where built and fetched things go, and how Debian packages are
# installed or merely unpacked. To be sourced with bash; it changes into the tree's top directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
guests=build/guests # fetched kernels and built images, never committed
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"

say() { printf '%s\n' "$*" >&2; }
die() {
    say "${0##*/}: $*"
    exit 1
}

# Prints those of the named packages that are not installed.
missing_packages() {
    local have
    have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' || true)
    printf '%s\n' "$@" | grep -vxF -e "${have:-/}" || true
}

# Runs a command as root: directly, or by sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "need root or sudo for: $*"
    fi
}

# Runs a command while no other script of this tree does so: apt refuses what another has locked. Not from within itself.
alone() {
    mkdir -p build
    (
        exec 8>build/.lock.apt
        flock 8
        "$@"
    )
}

# Brings the package lists up to date: update_lists [as_root].
update_lists() { alone "$@" apt-get -q update >&2; }

# Installs the named packages, if any is missing. Non-interactive.
install_packages() {
    local missing
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    say "installing:" $missing
    update_lists as_root
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends $missing >&2
}

# Brings the package lists up to date where this machine has none that name package $1.
know_package() {
    apt-cache show "$1" >/dev/null 2>&1 || update_lists as_root
}

# Downloads package $1 by apt (whatever configuration APT_CONFIG names) and unpacks it in directory $2, only
# once. Tries again with fresh lists if the version in the lists is no longer on the mirror.
unpack_package() {
    local pkg=$1 dir=$2 tmp
    [ ! -e "$dir/.unpacked" ] || return 0
    tmp=$dir.new
    rm -rf "$tmp" "$dir"
    mkdir -p "$tmp"
    say "fetching $pkg"
    if ! (cd "$tmp" && apt-get -q download "$pkg" >apt.log 2>&1); then
        refresh_lists
        (cd "$tmp" && apt-get -q download "$pkg" >apt.log 2>&1) ||
            die "cannot download $pkg: $(tail -n 1 "$tmp/apt.log")"
    fi
    (cd "$tmp" && dpkg-deb -x ./*.deb . && rm -f ./*.deb apt.log && touch .unpacked) || die "cannot unpack $pkg"
    mv "$tmp" "$dir"
}

# Downloads the named packages and all that they depend on, as if nothing were installed, and unpacks them together in
# directory $1, only once.
unpack_with_dependencies() {
    local dir=$1 tmp=$1.new all none=(-o Dir::State::status=/dev/null)
    shift
    [ ! -e "$dir/.unpacked" ] || return 0
    rm -rf "$tmp" "$dir"
    mkdir -p "$tmp"
    know_package "$1"
    closure() {
        all=$(apt-get -q "${none[@]}" -s install --no-install-recommends "$@" 2>"$tmp/apt.log" |
            sed -n 's/^Inst \([^ ]*\) .*/\1/p')
        # shellcheck disable=SC2086
        [ -n "$all" ] && (cd "$tmp" && apt-get -q "${none[@]}" download $all >apt.log 2>&1)
    }
    say "fetching $* and what they depend on"
    if ! closure "$@"; then
        refresh_lists
        closure "$@" || die "cannot download $*: $(tail -n 1 "$tmp/apt.log")"
    fi
    (cd "$tmp" && for deb in *.deb; do dpkg-deb -x "$deb" . || exit 1; done && rm -f ./*.deb apt.log && touch .unpacked) ||
        die "cannot unpack what $* depend on"
    mv "$tmp" "$dir"
}

refresh_lists() {
    if [ -n "${APT_CONFIG:-}" ]; then
        update_lists
    else
        update_lists as_root
    fi
}

# Makes apt-get and apt-cache see Debian 12's i386 packages, by a configuration of our own under build/: the
# system's is left alone. Only the main archive, whose i386 index any mirror has.
use_i386_apt() {
    local dir=$PWD/$guests/apt-i386
    export APT_CONFIG=$dir/apt.conf
    [ -e "$dir/.ready" ] || alone make_i386_apt "$dir"
}

make_i386_apt() {
    local dir=$1 mirror
    [ ! -e "$dir/.ready" ] || return 0 # another was first
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    mirror=$(APT_CONFIG='' apt-cache policy 2>/dev/null |
        sed -n 's|.* \(https\{0,1\}://[^ ]*\) bookworm/main .*|\1|p' | head -n 1)
    cat >"$dir/apt.conf" <<EOF
APT::Architecture "i386";
APT::Architectures { "i386"; };
APT::Sandbox::User "$(id -un)";
Dir::Etc::SourceList "$dir/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "$dir/lists";
Dir::Cache "$dir/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
EOF
    printf 'deb [signed-by=%s] %s bookworm main\n' /usr/share/keyrings/debian-archive-keyring.gpg \
        "${mirror:-http://deb.debian.org/debian}" >"$dir/sources.list"
    apt-get -q update >&2 && touch "$dir/.ready"
}

# The package that meta package $1 depends on and whose name starts like $2.
dependency() {
    local dep
    dep=$(apt-cache depends "$1" 2>/dev/null | sed -n "s/^ *Depends: \($2[^ ]*\)$/\1/p" | head -n 1)
    [ -n "$dep" ] || die "package $1 is not in apt's lists (apt-get update)"
    printf '%s\n' "$dep"
}

# Holds a lock for the rest of this script, so that two runs do not build the same guest at once.
lock_guests() {
    mkdir -p "$guests"
    exec 9>"$guests/.lock.$1"
    flock 9
}

# True when file $1 exists and is newer than every other argument.
fresh() {
    local out=$1 f
    shift
    [ -s "$out" ] || return 1
    for f; do
        [ "$out" -nt "$f" ] || return 1
    done
}
