#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads a capture as the format's specification has it, and prints how many frames of each kind are in it.

tests/guests/read_pcap.py FILE; status 1 and a line on stderr where the file breaks the format.
"""
import collections
import struct
import sys


def kind(frame):
    ethertype = struct.unpack_from(">H", frame, 12)[0]
    if ethertype == 0x0806:
        return "arp"
    if ethertype == 0x86DD:
        return "ipv6"
    if ethertype != 0x0800:
        return f"type-{ethertype:04x}"
    protocol, l4 = frame[23], 14 + 4 * (frame[14] & 15)
    if protocol == 17 and len(frame) >= l4 + 4:
        ports = struct.unpack_from(">HH", frame, l4)
        return "dhcp" if 67 in ports else "dns" if 53 in ports else "udp"
    return {1: "icmp", 2: "igmp", 6: "tcp"}.get(protocol, f"ip-{protocol}")


def main():
    data = open(sys.argv[1], "rb").read()
    magic, major, minor, _, _, snap, link = struct.unpack_from("<IHHiIII", data)
    if (magic, major, minor, link) != (0xA1B2C3D4, 2, 4, 1) or not 0 < snap <= 262144:
        sys.exit("not a capture of Ethernet in microseconds, version 2.4")
    at, last, count = 24, 0, collections.Counter()
    while at < len(data):
        if len(data) - at < 16:
            sys.exit(f"a record's header is cut off at {at}")
        seconds, micros, kept, length = struct.unpack_from("<IIII", data, at)
        at += 16
        if micros >= 1000000 or kept > snap or kept > length or kept > len(data) - at:
            sys.exit(f"a record of {kept} bytes of {length} at {at}")
        if seconds * 1000000 + micros < last:
            sys.exit(f"time goes back at {at}")
        last = seconds * 1000000 + micros
        if kept < 14:
            sys.exit(f"a frame of {kept} bytes at {at}")
        count[kind(data[at : at + kept])] += 1
        at += kept
    for name, n in sorted(count.items()):
        print(name, n)


main()
