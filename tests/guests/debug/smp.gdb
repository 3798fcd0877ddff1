# SPDX-License-Identifier: GPL-2.0-or-later
# A debugging session with symbols, on four processors: tests/guests/boots, boot_gdb_smp. The guest is
# tests/guests/rom/smp.c. What it prints is checked.
set pagination off
set confirm off
set remotetimeout 60
file build/guests/rom/smp.elf

echo == all stand\n
target remote build/tests/boot_gdb_smp/gdb
info threads

echo == a processor that is started\n
hbreak ap_main
continue
set architecture i386
printf "starts: thread %d\n", $_thread
bt 1
delete

echo == it turns paging on\n
eval "monitor break-cr3 %u", (unsigned)&directory
continue
printf "loaded: cr3 is directory %d\n", (unsigned)$cr3 == (unsigned)&directory
monitor mode
monitor break-delete all

echo == work of all\n
break work if what == 1
continue
printf "works: %d\n", what
bt 1
delete

echo == watchpoints: written, physical, read, either\n
watch counted
continue
delete
eval "monitor watch-phys %u-%u w", (unsigned)&counted, (unsigned)&counted + 3
continue
monitor break-delete all
rwatch command
continue
delete
awatch finished
continue
delete

echo == an interrupt, before it is delivered; a step into it\n
monitor break-exception 0x50
continue
printf "vector is open: %d\n", ($eflags >> 9) & 1
monitor break-delete all
monitor step-interrupts on
stepi
printf "handled: interrupts are closed %d\n", (($eflags >> 9) & 1) == 0
monitor step-interrupts off

echo == the local APIC's EOI, and a step of one thread\n
monitor break-mmio 0xfee000b0 w
continue
monitor break-delete all
set scheduler-locking on
set $at = $eip
stepi
printf "stepped: %d\n", $eip != $at
set scheduler-locking off

echo == gone, and there again; the first processor is given a loop to wait in\n
thread 1
set $where = $eip
set $held = *(unsigned short *)$where
set *(unsigned short *)$where = 0xfeeb
detach
target remote build/tests/boot_gdb_smp/gdb
info threads
set *(unsigned short *)$where = $held
monitor break-port 0xe9 w
continue
monitor break-delete all
continue
