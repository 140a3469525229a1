# SPDX-License-Identifier: BSD-3-Clause
"""Frames put on a cable and taken from it, whole and as they are; scapy builds and reads them.

No threads and no fixed waits: a cable keeps order, and a gateway's worker does too, so when a marker that was sent
last comes out, everything before it has come out or never will.
"""
import errno
import itertools
import socket
import struct
import time

from scapy.all import IP, UDP, Ether, IPv6, Raw
from scapy.layers.vxlan import VXLAN

from netns import SOL_PACKET, Failed

PACKET_AUXDATA = 8
TP_STATUS_VLAN_VALID = 0x10
TP_STATUS_VLAN_TPID_VALID = 0x40
MARKER_TYPE = 0x88b5  # IEEE local experimental

_markers = itertools.count(1)


def vxlan_port_binding(port):
    """scapy takes UDP to this port for VXLAN too."""
    from scapy.packet import bind_layers
    bind_layers(UDP, VXLAN, dport=port)


class Wire:
    """One end of a cable."""

    def __init__(self, ns, dev):
        self.dev = dev
        self.socket = ns.raw_socket(dev)

    def close(self):
        self.socket.close()

    def send(self, *frames):
        for f in frames:
            self.socket.send(bytes(f))

    def _receive(self, timeout):
        """One frame as bytes, its VLAN tag put back; None when none came in time."""
        self.socket.settimeout(timeout)
        try:
            data, ancillary, _, _ = self.socket.recvmsg(65536, 256)
        except (socket.timeout, BlockingIOError):
            return None
        except OSError as e:
            if e.errno != errno.ENETDOWN:  # said once after the interface went down
                raise
            return self._receive(timeout)
        for level, kind, value in ancillary:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", value[:20])
                if status & TP_STATUS_VLAN_VALID:
                    tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else 0x8100
                    data = data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
        return data

    def drain(self):
        """Forgets what has come so far."""
        while self._receive(0) is not None:
            pass

    def frames(self, until, timeout=5.0):
        """Frames received, as bytes, up to the first for which until(bytes) is true, which comes last."""
        end, seen = time.monotonic() + timeout, []
        while (left := end - time.monotonic()) > 0:
            data = self._receive(left)
            if data is not None:
                seen.append(data)
                if until(data):
                    return seen
        raise Failed(f"{self.dev}: what was waited for did not come; came: "
                     + ("; ".join(Ether(f).summary() for f in seen[:20]) or "nothing"))

    def packets(self, match, count=1, timeout=5.0):
        """The next `count` frames that match, as scapy packets; Failed when they do not come."""
        found = []

        def until(data):
            p = Ether(data)
            if match(p):
                found.append(p)
            return len(found) == count

        self.frames(until, timeout)
        return found


def marker():
    """The payload of a frame that is told from all others."""
    return b"causeway-marker-%08d" % next(_markers)


def between(wire_in, sent, marker_frame, outs):
    """Sends `sent` and then marker_frame into wire_in, and gives what came out of each wire of outs as lists of bytes,
    the marker's copies left out. outs: {wire: True if the marker comes out there}. Wires on which it does not come
    are read until now: use them only for frames that must have come before the marker did elsewhere."""
    mark = marker()
    for w in outs:
        w.drain()
    wire_in.send(*sent, bytes(marker_frame) + mark)
    result = []
    for w, comes in sorted(outs.items(), key=lambda x: not x[1]):
        if comes:
            seen = w.frames(lambda f: mark in f)[:-1]
        else:
            seen = []
            while (f := w._receive(0)) is not None:
                seen.append(f)
        result.append((w, [f for f in seen if b"causeway-marker" not in f]))
    found = dict(result)
    return [found[w] for w in outs]


def udp4(src, dst, sport=1000, dport=2000, size=64, **ip):
    """An IPv4/UDP packet with a payload of `size` bytes."""
    return IP(src=src, dst=dst, **ip) / UDP(sport=sport, dport=dport) / Raw(bytes(i & 255 for i in range(size)))


def vxlan(inner, src, dst, vni, eth_src, eth_dst, sport=50000, dport=4789, chksum=0, flags=8, udp=None, ip=None):
    """An inner frame in VXLAN. chksum None: the right one. udp, ip, dict: fields to set otherwise."""
    v6 = ":" in src
    outer = IPv6(src=src, dst=dst, **(ip or {})) if v6 else IP(src=src, dst=dst, **(ip or {}))
    udp_header = UDP(sport=sport, dport=dport, **(udp or {}))
    if chksum is not None:
        udp_header.chksum = chksum
    return (Ether(src=eth_src, dst=eth_dst) / outer / udp_header / VXLAN(flags=flags, vni=vni) / inner)
