# SPDX-License-Identifier: Apache-2.0
"""UDP datagrams of a pcapng file of raw IP packets (draft-ietf-opsawg-pcapng)."""

import collections
import ipaddress
import struct

SECTION = b"\x0a\x0d\x0d\x0a"
MAGICS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
ENHANCED_PACKET = 6

# `time` in units of the recording, nanoseconds in those of our programs; `section` counts from 1.
Datagram = collections.namedtuple("Datagram", "source target octets time section")


def datagrams(octets, on_cut=lambda: None):
    """Yields every datagram. A process that was killed leaves a block cut off, and its successor
    begins a new section behind it: reading goes on there, and `on_cut` is called."""
    at, order, section = 0, None, 0
    while at < len(octets):
        section += octets[at:at + 4] == SECTION
        block = _block(octets, at, order)
        if block is None:
            on_cut()
            at = _next_section(octets, at + 1)
            continue
        order, kind, body, length = block
        at += length
        if kind == ENHANCED_PACKET and len(body) >= 20:
            high, low, captured = struct.unpack_from(order + "III", body, 4)
            datagram = _udp(body[20:20 + captured])
            if datagram:
                yield Datagram(*datagram, high << 32 | low, section)


def _block(octets, at, order):
    if octets[at:at + 4] == SECTION:
        order = MAGICS.get(octets[at + 8:at + 12])
    if order is None or at + 12 > len(octets):
        return None
    kind, length = struct.unpack_from(order + "II", octets, at)
    if length < 12 or length % 4 or at + length > len(octets):
        return None
    if struct.unpack_from(order + "I", octets, at + length - 4)[0] != length:
        return None
    return order, kind, octets[at + 8:at + length - 4], length


def _next_section(octets, at):
    while True:
        at = octets.find(SECTION, at)
        if at < 0:
            return len(octets)
        if octets[at + 8:at + 12] in MAGICS:
            return at
        at += 1


def _udp(packet):
    if not packet:
        return None
    if packet[0] >> 4 == 4:
        header, protocol, size, begin = packet[0] % 16 * 4, packet[9], 4, 12
    else:
        header, protocol, size, begin = 40, packet[6], 16, 8
    if protocol != 17 or len(packet) < header + 8:
        return None
    source, target = (ipaddress.ip_address(packet[begin + i * size:begin + (i + 1) * size])
                      for i in (0, 1))
    source_port, target_port, length = struct.unpack_from("!HHH", packet, header)
    return (source, source_port), (target, target_port), packet[header + 8:header + length]
