# SPDX-License-Identifier: GPL-2.0-or-later
# A debugging session from the reset vector to a process of the guest: tests/guests/boots, boot_gdb_disk_grub. It is
# given $user_entry (of a program linked at fixed addresses). What it prints is checked.
set pagination off
set confirm off
set tcp connect-timeout 60
set remotetimeout 60

define say_mode
    monitor mode
end

echo == reset vector\n
target remote build/tests/boot_gdb_disk_grub/gdb
printf "pc %x ip %x cs %x\n", $rip, $ip, $cs
info threads
set architecture i8086
x/1i $pc
stepi
printf "pc %x\n", $eip

echo == GRUB's first sector\n
break *0x7c00
continue
printf "pc %x\n", $eip
delete
monitor mode

echo == GRUB, unpacked\n
hbreak *0x100000
continue
printf "pc %x\n", $eip
set architecture i386
x/1i $pc
monitor mode
delete

echo == the kernel's entries: 32-bit where it is loaded, 64-bit 0x200 behind\n
hbreak *0x1000000
continue
printf "pc %x\n", $eip
hbreak *0x1000200
continue
set architecture i386:x86-64
printf "pc %lx\n", $rip
monitor mode
x/2i $pc
delete

echo == user process\n
hbreak *$user_entry
continue
set $left = 50
while ($cs & 3) != 3 && $left > 0
    set $left = $left - 1
    continue
end
printf "pc %lx cpl %d\n", $rip, $cs & 3
delete
info threads
monitor mode
set $stack = $rsp
# the second of what it pushes at once, since the first may be what was there
watch *(unsigned long *)($stack - 16)
continue
printf "wrote near %d\n", $stack - $rsp
delete
set $before = $rip
stepi
printf "stepped %d\n", $rip != $before

echo == the rest\n
continue
