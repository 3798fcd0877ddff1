# SPDX-License-Identifier: GPL-2.0-or-later
# A triple fault of one processor among four: tests/guests/boots, boot_gdb_triple. The guest is
# tests/guests/rom/smp_triple.c.
set pagination off
set confirm off
set remotetimeout 60
file build/guests/rom/smp_triple.elf
target remote build/tests/boot_gdb_triple/gdb
continue
set architecture i386
bt 1
monitor history
# another may have had its own at the same time, which is told, too, before the machine ends
while $_thread
  continue
end
