# SPDX-License-Identifier: GPL-2.0-or-later
# Compressors: what each makes of a text and of noise, and whether it comes back.
cd /tmp
seq 1 6000 >text
openssl enc -aes-128-ctr -K 000102030405060708090a0b0c0d0e0f -iv 00 -in text 2>/dev/null | head -c 12000 >noise
cat text noise text >both
for f in text noise both; do
    for tool in "xz -1" "xz -6" "xz --format=lzma -2" "xz --x86 --lzma2=preset=1 --check=sha256" "zstd -1" "zstd -9" "zstd -19 --long --check" \
        "zstd --fast=5" "bzip2 -9" "xz -0 -T2"; do
        case $tool in xz*-T*) [ $f = both ] || continue ;; esac
        $tool -c <$f >packed
        case $tool in
        xz*lzma\ *) back="xz --format=lzma -d" ;;
        *) back="${tool%% *} -d" ;;
        esac
        echo "$f: $tool: $(wc -c <packed) bytes, $(sha256sum <packed | cut -c 1-32) $($back -c <packed | cmp - $f && echo and back)"
    done
done
xz -c both | xz -t && echo "xz: whole"
xz -c both >packed && head -c 20000 packed | xz -t 2>&1 | tail -n 1
rm -f text noise both packed
