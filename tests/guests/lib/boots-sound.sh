# SPDX-License-Identifier: GPL-2.0-or-later
# What guests play is what comes out; for tests/guests/boots.

# A guest of ours on the loudspeaker, a Sound Blaster and an AC97, each into a file of its own; counted, so that a second run gives
# the same files to the last bit.
boot_sound() {
    local image run
    no_qemu
    image=$(tests/guests/build sound) || fail "no guest"
    for run in 1 2; do
        emulate 240 -m 32M -bios "$image" -debugcon "file:$dir/debugcon" -display none -icount shift=3,sleep=off \
            -device isa-debug-exit,iobase=0x501,iosize=0x4 \
            -audiodev "wav,id=spk,path=$dir/speaker$run.wav" -machine pcspk-audiodev=spk \
            -audiodev "wav,id=sb,path=$dir/sb16$run.wav" -device sb16,audiodev=sb \
            -audiodev "wav,id=ac,path=$dir/ac97$run.wav,out.frequency=48000" -device AC97,audiodev=ac
        expect_status 33
        expect_text "$dir/debugcon" "failed=0"
    done
    for run in speaker sb16 ac97; do
        tests/guests/sound_check.py "$run" "$dir/${run}1.wav" >>"$dir/sound" 2>&1 || fail "$(tail -n 1 "$dir/sound")"
        cmp "$dir/${run}1.wav" "$dir/${run}2.wav" || fail "$run: two runs differ"
    done
    rm -f "$dir"/*.wav
}

# Linux's drivers of the cards, by OSS' interface: half a second comes out as it was written. Only the kernels of 32 bits have ISA's.
linux_sound() { # CARD RATE FLAVOUR ARCH MODULE...
    local card=$1 rate=$2 flavour=$3 arch=$4 kernel initrd list
    no_qemu
    shift 4
    kernel=$(script/guest-linux "$flavour") && list=$(script/guest-modules "$flavour" "$@") || fail "no guest"
    gcc -static -O1 -Wall -Wextra $([ "$arch" != i386 ] || echo -m32) -o "$dir/play" tests/guests/linux/play.c ||
        fail "no program"
    # shellcheck disable=SC2046
    initrd=$(script/guest-initrd "$arch" -o "$dir/initrd.gz" tests/guests/linux/sound "$dir/play" $list) || fail "no guest"
    emulate 300 -m 256M -kernel "$kernel" -initrd "$initrd" -nographic -serial "file:$dir/serial" \
        -audiodev "wav,id=w,path=$dir/sound.wav,out.frequency=$rate" -device ${card},audiodev=w \
        -append "console=ttyS0,115200 quiet guest.run=\"/guest/sound '$(sed 's|.*/||; s/\.ko$//' <<<"$list" | paste -sd ' ')' $rate\""
    rm -f "$dir/initrd.gz" "$dir/play"
    expect_status 0
    expect_text "$dir/serial" "played"
    expect_text "$dir/serial" "guest: end status=0"
    tests/guests/sound_check.py ramp "$dir/sound.wav" >"$dir/sound" 2>&1 || fail "$(tail -n 1 "$dir/sound")"
    rm -f "$dir/sound.wav"
}
boot_sound_linux_ac97() { linux_sound AC97 48000 amd64 amd64 snd_intel8x0 snd_mixer_oss snd_pcm_oss; }
boot_sound_linux_hda() {
    linux_sound "intel-hda -device hda-duplex" 48000 amd64 amd64 snd_hda_codec_generic snd_hda_intel snd_mixer_oss snd_pcm_oss
}
boot_sound_linux_sb16() { linux_sound sb16 44100 686-pae i386 snd_sb16 snd_mixer_oss snd_pcm_oss; }
