# SPDX-License-Identifier: GPL-2.0-or-later
# Raw disk images that GRUB boots, without a loop device: its boot.img in the first sector, a core image in the gap behind
# it, one partition with a file system. To be sourced after lib.sh.

grub=/usr/lib/grub/i386-pc
disk_first=2048 # the partition's first sector

# Little-endian 32 bits.
le32() { printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))\\x$(printf %02x $(($1 >> 24 & 255)))"; }

# Makes image OUTPUT, whose partition has so many sectors and the files of directory TREE, as mke2fs makes it with the
# arguments that follow; GRUB reads /boot/grub/grub.cfg there. Reads all of TREE: what only root can read needs root.
grub_disk() { # OUTPUT TREE SECTORS MKE2FS-ARGUMENT...
    local out=$1 tree=$2 sectors=$3
    shift 3
    [ -e $grub/boot.img ] || die "grub-pc-bin is not installed (script/bootstrap --guests)"
    # shellcheck disable=SC2016
    printf 'set root=(hd0,msdos1)\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n' >"$out.early"
    grub-mkimage -d $grub -O i386-pc -p '(hd0,msdos1)/boot/grub' -c "$out.early" -o "$out.core" \
        biosdisk part_msdos ext2 linux normal configfile serial terminal echo boot test
    [ "$(stat -c %s "$out.core")" -lt $(((disk_first - 1) * 512)) ] || die "GRUB's core image is too large for the gap"
    rm -f "$out"
    truncate -s $(((disk_first + sectors) * 512)) "$out"
    mke2fs -q -F "$@" -E offset=$((disk_first * 512)) -d "$tree" "$out" $((sectors / 2))k
    # The first sector: GRUB's 440 bytes of code, whose jump around the floppy probe (offset 0x66) is made no-ops
    # as for any hard disk; one active partition of type Linux; the signature.
    head -c 440 $grub/boot.img | dd of="$out" conv=notrunc status=none
    printf '\x90\x90' | dd of="$out" bs=1 seek=$((0x66)) conv=notrunc status=none
    { printf '\x80\x20\x21\x00\x83\xfe\xff\xff'; le32 $disk_first; le32 "$sectors"; } |
        dd of="$out" bs=1 seek=446 conv=notrunc status=none
    printf '\x55\xaa' | dd of="$out" bs=1 seek=510 conv=notrunc status=none
    dd if="$out.core" of="$out" bs=512 seek=1 conv=notrunc status=none
    rm -f "$out.core" "$out.early"
}
